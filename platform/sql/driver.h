// What the drivers share: one transaction at a time a thread, and none that goes on after a failed statement.
#ifndef REMATCH_PLATFORM_SQL_DRIVER_H_
#define REMATCH_PLATFORM_SQL_DRIVER_H_

#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "platform/errors.h"
#include "platform/sql/database.h"

namespace rematch::sql {

// Whoever calls a store from within a body of the same store would wait for itself: that is refused.
class Entry {
 public:
  explicit Entry(const Database& database) : outer_(std::exchange(entered_, &database)), nested_(outer_ == &database) {}
  ~Entry() { entered_ = outer_; }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

  absl::Status status() const {
    return nested_ ? StoreError(Failure::kSplit, "a transaction inside another one of the same thread") : absl::OkStatus();
  }

 private:
  static inline thread_local const Database* entered_ = nullptr;
  const Database* const outer_;
  const bool nested_;
};

// `Connection` has Run(statement, parameters, may_write, rows) -> how many rows it changed; `rows` may be null.
template <typename Connection>
class ConnectionTransaction final : public Transaction {
 public:
  ConnectionTransaction(Connection& connection, bool may_write) : connection_(connection), may_write_(may_write) {}

  absl::StatusOr<std::vector<Row>> Query(std::string_view statement, absl::Span<const Value> parameters) override {
    std::vector<Row> rows;
    REMATCH_RETURN_IF_ERROR(Run(statement, parameters, &rows).status());
    return rows;
  }

  absl::StatusOr<int64_t> Execute(std::string_view statement, absl::Span<const Value> parameters) override {
    return Run(statement, parameters, nullptr);
  }

  // The first failure of a statement; OK if none failed.
  const absl::Status& failed() const { return failed_; }

 private:
  // After a failure nothing more is run: SQLite would carry on with a transaction of which a part is missing, and MySQL, which rolls back
  // by itself when it finds a deadlock, would begin a new one.
  absl::StatusOr<int64_t> Run(std::string_view statement, absl::Span<const Value> parameters, std::vector<Row>* rows) {
    if (!failed_.ok()) return failed_;
    absl::StatusOr<int64_t> changed = connection_.Run(statement, parameters, may_write_, rows);
    if (!changed.ok()) failed_ = changed.status();
    return changed;
  }

  Connection& connection_;
  const bool may_write_;
  absl::Status failed_;
};

// Runs the statements of `body`, whatever transaction they are in.
template <typename Connection>
absl::Status RunStatements(Connection& connection, bool may_write, absl::FunctionRef<absl::Status(Transaction&)> body) {
  ConnectionTransaction<Connection> transaction(connection, may_write);
  absl::Status status = body(transaction);
  // What a statement failed of decides, even if the body went on without it or wrapped it.
  return !transaction.failed().ok() && FailureOf(status) == Failure::kNone ? transaction.failed() : status;
}

// Runs `body` in the transaction that `connection` has begun, and ends it with Commit() or Rollback().
template <typename Connection>
absl::Status RunBody(Connection& connection, bool may_write, absl::FunctionRef<absl::Status(Transaction&)> body) {
  absl::Status status = RunStatements(connection, may_write, body);
  if (!status.ok()) {
    connection.Rollback();
    return status;
  }
  return connection.Commit();
}

}  // namespace rematch::sql

#endif  // REMATCH_PLATFORM_SQL_DRIVER_H_
