// A store that counts the statements that are sent to the one that it passes them on to.
#ifndef REMATCH_TESTS_PLATFORM_COUNTING_DATABASE_H_
#define REMATCH_TESTS_PLATFORM_COUNTING_DATABASE_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "platform/sql/database.h"

namespace rematch::testing {

// Thread-safe but for Count().
class CountingDatabase final : public sql::Database {
 public:
  explicit CountingDatabase(std::unique_ptr<sql::Database> inner) : inner_(std::move(inner)) {}

  // From now on.
  void Count() { counts_ = true; }
  // The statements of each transaction since the last call, reads left out.
  std::vector<std::vector<std::string>> TakeTransactions() {
    absl::MutexLock lock(&mutex_);
    return std::exchange(transactions_, {});
  }
  // The same of reads.
  std::vector<std::vector<std::string>> TakeReads() {
    absl::MutexLock lock(&mutex_);
    return std::exchange(reads_, {});
  }
  // The statements of the one transaction since the last call.
  std::vector<std::string> TakeTransaction() {
    std::vector<std::vector<std::string>> all = TakeTransactions();
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? std::vector<std::string>() : std::move(all.front());
  }

  absl::Status Transact(absl::FunctionRef<absl::Status(sql::Transaction&)> body) override {
    if (!counts_) return inner_->Transact(body);
    std::vector<std::string> statements;
    const absl::Status status = inner_->Transact([&](sql::Transaction& tx) {
      Counting counting(tx, statements);
      return body(counting);
    });
    absl::MutexLock lock(&mutex_);
    transactions_.push_back(std::move(statements));
    return status;
  }
  absl::Status Read(absl::FunctionRef<absl::Status(sql::Transaction&)> body) override { return CountRead(&sql::Database::Read, body); }
  absl::Status ReadEach(absl::FunctionRef<absl::Status(sql::Transaction&)> body) override {
    return CountRead(&sql::Database::ReadEach, body);
  }
  int writers() const override { return inner_->writers(); }
  absl::Status RunDdl(std::string_view statement) override { return inner_->RunDdl(statement); }
  std::string_view columns_query() const override { return inner_->columns_query(); }

 private:
  using Reading = absl::Status (sql::Database::*)(absl::FunctionRef<absl::Status(sql::Transaction&)>);
  absl::Status CountRead(Reading read, absl::FunctionRef<absl::Status(sql::Transaction&)> body) {
    if (!counts_) return (inner_.get()->*read)(body);
    std::vector<std::string> statements;
    const absl::Status status = (inner_.get()->*read)([&](sql::Transaction& tx) {
      Counting counting(tx, statements);
      return body(counting);
    });
    absl::MutexLock lock(&mutex_);
    reads_.push_back(std::move(statements));
    return status;
  }

  class Counting final : public sql::Transaction {
   public:
    Counting(sql::Transaction& inner, std::vector<std::string>& statements) : inner_(inner), statements_(statements) {}
    absl::StatusOr<std::vector<sql::Row>> Query(std::string_view statement, absl::Span<const sql::Value> parameters) override {
      statements_.emplace_back(statement);
      return inner_.Query(statement, parameters);
    }
    absl::StatusOr<int64_t> Execute(std::string_view statement, absl::Span<const sql::Value> parameters) override {
      statements_.emplace_back(statement);
      return inner_.Execute(statement, parameters);
    }

   private:
    sql::Transaction& inner_;
    std::vector<std::string>& statements_;
  };

  const std::unique_ptr<sql::Database> inner_;
  bool counts_ = false;
  absl::Mutex mutex_;
  std::vector<std::vector<std::string>> transactions_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::vector<std::string>> reads_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace rematch::testing

#endif  // REMATCH_TESTS_PLATFORM_COUNTING_DATABASE_H_
