// A store as one process sees it: commits may fail or end unknown, and may be the last thing that the process does.
#ifndef REMATCH_TESTS_SIMULATION_FAULTY_DATABASE_H_
#define REMATCH_TESTS_SIMULATION_FAULTY_DATABASE_H_

#include <cstdint>

#include "platform/errors.h"
#include "platform/sql/database.h"
#include "tests/simulation/faults.h"

namespace rematch::simulation {

class FaultyDatabase final : public sql::Database {
 public:
  // `commits` is raised by each.
  FaultyDatabase(sql::Database& inner, Faults& faults, int64_t& commits) : inner_(inner), faults_(faults), commits_(commits) {}

  // The process is dead: whatever of it still runs writes and reads nothing.
  void Kill() { dead_ = true; }
  bool dead() const { return dead_; }

  absl::Status Transact(absl::FunctionRef<absl::Status(sql::Transaction&)> body) override {
    if (dead_ || faults_.Happens(Fault::kStoreAway)) return Away();
    if (faults_.Happens(Fault::kCommitFailed)) return Undone(body, sql::Failure::kRetry);
    if (faults_.Happens(Fault::kCommitUnknownLost)) return Undone(body, sql::Failure::kUnknownCommit);
    const bool dies_before = faults_.Happens(Fault::kCrashBeforeCommit);
    if (dies_before) {
      dead_ = true;
      return Undone(body, sql::Failure::kUnavailable);
    }
    const absl::Status status = inner_.Transact(body);
    if (!status.ok()) return status;
    ++commits_;
    if (faults_.Happens(Fault::kCommitUnknownDone)) return sql::StoreError(sql::Failure::kUnknownCommit, "simulated");
    if (!faults_.Happens(Fault::kCrashAfterCommit)) return status;
    dead_ = true;
    return Away();
  }
  absl::Status Read(absl::FunctionRef<absl::Status(sql::Transaction&)> body) override {
    if (dead_ || faults_.Happens(Fault::kStoreAway)) return Away();
    return inner_.Read(body);
  }
  absl::Status ReadEach(absl::FunctionRef<absl::Status(sql::Transaction&)> body) override {
    if (dead_ || faults_.Happens(Fault::kStoreAway)) return Away();
    return inner_.ReadEach(body);
  }
  int writers() const override { return inner_.writers(); }
  absl::Status RunDdl(std::string_view statement) override { return inner_.RunDdl(statement); }
  std::string_view columns_query() const override { return inner_.columns_query(); }

 private:
  static absl::Status Away() { return sql::StoreError(sql::Failure::kUnavailable, "simulated"); }
  absl::Status Undone(absl::FunctionRef<absl::Status(sql::Transaction&)> body, sql::Failure failure) {
    const absl::Status status = inner_.Transact([&](sql::Transaction& tx) -> absl::Status {
      REMATCH_RETURN_IF_ERROR(body(tx));
      return absl::CancelledError("undone");
    });
    return absl::IsCancelled(status) ? sql::StoreError(failure, "simulated") : status;
  }

  sql::Database& inner_;
  Faults& faults_;
  int64_t& commits_;
  bool dead_ = false;
};

}  // namespace rematch::simulation

#endif  // REMATCH_TESTS_SIMULATION_FAULTY_DATABASE_H_
