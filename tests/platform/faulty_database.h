// A store that fails as told, around one that works: for tests of whoever must survive failures.
//
//   FaultyDatabase faulty(*db);
//   faulty.Next(Fault::Before(sql::Failure::kRetry));     // the next Transact() does not even begin
//   faulty.Next(Fault::LostCommit());                     // the one after runs, and rolls back instead of committing
//   faulty.Next(Fault::BrokenCommit());                   // then one commits, and nobody hears of it
#ifndef REMATCH_TESTS_PLATFORM_FAULTY_DATABASE_H_
#define REMATCH_TESTS_PLATFORM_FAULTY_DATABASE_H_

#include <deque>
#include <string_view>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "platform/sql/database.h"

namespace rematch::testing {

struct Fault {
  enum class When {
    kNever,
    kBefore,        // the body does not run
    kBeforeCommit,  // the body runs, then everything is rolled back
    kAfterCommit,   // it took place
  };
  When when = When::kNever;
  sql::Failure failure = sql::Failure::kNone;

  static Fault None() { return {}; }
  static Fault Before(sql::Failure failure) { return {When::kBefore, failure}; }
  static Fault BeforeCommit(sql::Failure failure) { return {When::kBeforeCommit, failure}; }
  // Of unknown outcome: it did not take place, or it did.
  static Fault LostCommit() { return {When::kBeforeCommit, sql::Failure::kUnknownCommit}; }
  static Fault BrokenCommit() { return {When::kAfterCommit, sql::Failure::kUnknownCommit}; }
};

// Thread-safe. Reads and scripts are passed on, but for SetReads().
class FaultyDatabase final : public sql::Database {
 public:
  explicit FaultyDatabase(sql::Database& inner) : inner_(inner) {}

  // The faults of the next calls of Transact(), one each, in order.
  void Next(Fault fault, int times = 1) {
    absl::MutexLock lock(&mutex_);
    next_.insert(next_.end(), times, fault);
  }
  // The fault of every call for which Next() has none; None() heals.
  void Always(Fault fault) {
    absl::MutexLock lock(&mutex_);
    always_ = fault;
  }
  // Makes every Read() fail; kNone heals.
  void SetReads(sql::Failure failure) {
    absl::MutexLock lock(&mutex_);
    reads_ = failure;
  }
  // How often Transact() was called.
  int transactions() const {
    absl::MutexLock lock(&mutex_);
    return transactions_;
  }

  absl::Status Transact(absl::FunctionRef<absl::Status(sql::Transaction&)> body) override {
    const Fault fault = Take();
    const absl::Status failed = sql::StoreError(fault.failure, "injected");
    if (fault.when == Fault::When::kBefore) return failed;
    const absl::Status status = inner_.Transact([&](sql::Transaction& tx) {
      absl::Status result = body(tx);
      if (result.ok() && fault.when == Fault::When::kBeforeCommit) return failed;
      return result;
    });
    return status.ok() && fault.when == Fault::When::kAfterCommit ? failed : status;
  }
  absl::Status Read(absl::FunctionRef<absl::Status(sql::Transaction&)> body) override {
    const absl::Status injected = OfRead();
    return injected.ok() ? inner_.Read(body) : injected;
  }
  absl::Status ReadEach(absl::FunctionRef<absl::Status(sql::Transaction&)> body) override {
    const absl::Status injected = OfRead();
    return injected.ok() ? inner_.ReadEach(body) : injected;
  }
  int writers() const override { return inner_.writers(); }
  absl::Status RunDdl(std::string_view statement) override { return inner_.RunDdl(statement); }
  std::string_view columns_query() const override { return inner_.columns_query(); }

 private:
  absl::Status OfRead() {
    absl::MutexLock lock(&mutex_);
    return reads_ == sql::Failure::kNone ? absl::OkStatus() : sql::StoreError(reads_, "injected");
  }
  Fault Take() {
    absl::MutexLock lock(&mutex_);
    ++transactions_;
    if (next_.empty()) return always_;
    const Fault fault = next_.front();
    next_.pop_front();
    return fault;
  }

  sql::Database& inner_;
  mutable absl::Mutex mutex_;
  int transactions_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<Fault> next_ ABSL_GUARDED_BY(mutex_);
  Fault always_ ABSL_GUARDED_BY(mutex_);
  sql::Failure reads_ ABSL_GUARDED_BY(mutex_) = sql::Failure::kNone;
};

}  // namespace rematch::testing

#endif  // REMATCH_TESTS_PLATFORM_FAULTY_DATABASE_H_
