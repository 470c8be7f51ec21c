// A store that counts the statements that are sent to the one that it passes them on to.
#ifndef REMATCH_TESTS_PLATFORM_COUNTING_DATABASE_H_
#define REMATCH_TESTS_PLATFORM_COUNTING_DATABASE_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "platform/sql/database.h"

namespace rematch::testing {

// Used by one thread at a time.
class CountingDatabase final : public sql::Database {
 public:
  explicit CountingDatabase(std::unique_ptr<sql::Database> inner) : inner_(std::move(inner)) {}

  // What was sent since the last call, in order.
  std::vector<std::string> Take() { return std::exchange(statements_, {}); }

  absl::Status Transact(absl::FunctionRef<absl::Status(sql::Transaction&)> body) override {
    return inner_->Transact([&](sql::Transaction& tx) {
      Counting counting(tx, statements_);
      return body(counting);
    });
  }
  absl::Status Read(absl::FunctionRef<absl::Status(sql::Transaction&)> body) override {
    return inner_->Read([&](sql::Transaction& tx) {
      Counting counting(tx, statements_);
      return body(counting);
    });
  }
  int writers() const override { return inner_->writers(); }
  absl::Status RunDdl(std::string_view statement) override { return inner_->RunDdl(statement); }
  std::string_view columns_query() const override { return inner_->columns_query(); }

 private:
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
  std::vector<std::string> statements_;
};

}  // namespace rematch::testing

#endif  // REMATCH_TESTS_PLATFORM_COUNTING_DATABASE_H_
