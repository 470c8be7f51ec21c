// A relational store behind one small interface. Statements are written once, in the part of MySQL's SQL that MySQL 8.0 and
// MariaDB 10.6+ share; the drivers translate the little that differs (translate.h). INSERT IGNORE leaves out rows whose key is there
// already, and nothing else: what a column has no room for, or a constraint does not allow, is an error on every store.
// Types in migrations: BIGINT, VARCHAR(n) for text, LONGBLOB for bytes. No statement is put together from user input.
//
//   auto status = db.Transact([&](sql::Transaction& tx) -> absl::Status {
//     REMATCH_ASSIGN_OR_RETURN(auto rows, tx.Query("SELECT name, capacity FROM mentors WHERE id = ?", {id}));
//     ...
//   });
#ifndef REMATCH_PLATFORM_SQL_DATABASE_H_
#define REMATCH_PLATFORM_SQL_DATABASE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace rematch::sql {

struct Bytes {
  std::string data;
};
// NULL, a whole number, text in UTF-8, bytes.
using Value = std::variant<std::monostate, int64_t, std::string, Bytes>;

class Row {
 public:
  explicit Row(std::vector<Value> values) : values_(std::move(values)) {}
  bool IsNull(size_t column) const { return std::holds_alternative<std::monostate>(values_[column]); }
  // The column as a number; 0 for NULL.
  int64_t Int(size_t column) const;
  // The column's text or bytes; "" for NULL.
  const std::string& Text(size_t column) const;
  // Moves the text or bytes out, for large columns.
  std::string TakeText(size_t column);

 private:
  std::vector<Value> values_;
};

// Only valid inside the body that it is handed to, on that thread.
class Transaction {
 public:
  virtual ~Transaction() = default;
  virtual absl::StatusOr<std::vector<Row>> Query(std::string_view statement, absl::Span<const Value> parameters = {}) = 0;
  // How many rows an INSERT IGNORE inserted. What other statements return is a driver's own affair (MySQL counts an upsert that changed a
  // row twice, and an UPDATE that set what was there not at all): nothing may rely on it.
  virtual absl::StatusOr<int64_t> Execute(std::string_view statement, absl::Span<const Value> parameters = {}) = 0;
};

// What to do about a failed transaction. Every status that a Database returns of its own accord carries one.
enum class Failure {
  kNone,           // not an error of the store: the body refused
  kRetry,          // deadlock, failed certification, connection lost before COMMIT: the same again will do
  kLockWait,       // somebody held a lock for too long: others of a batch need not wait for it, and alone it is tried again
  kConflict,       // a key was there already. Who looked before inserting met a race, and sees it the next time: again, then like kSplit
  kSplit,          // constraint, anything else: some statement is at fault, others need not be
  kUnknownCommit,  // broke off during COMMIT: it may or may not have happened
  kUnavailable,    // no connection, disk full, read-only, a table that is missing or was altered: nothing works until that changes
};
Failure FailureOf(const absl::Status& status);
// A status of the store: `code` is INTERNAL for kSplit and kConflict, UNAVAILABLE for the others; the message is fixed.
// `detail` names the driver's error (tables, words of the statement), never values. It is for logs and operators, and leaves no process.
absl::Status StoreError(Failure failure, std::string_view detail);
// The detail of a StoreError(), "" of another status.
std::string DetailOf(const absl::Status& status);

// Thread-safe.
class Database {
 public:
  virtual ~Database() = default;
  // One attempt: begins, runs `body`, commits if it returned OK and rolls back otherwise. `body` MUST NOT keep state across
  // calls, since callers run it again. At least READ COMMITTED: a statement may see what was committed since the one before it, so whoever
  // relies on a row locks it (FOR UPDATE) or updates it. Blocks.
  virtual absl::Status Transact(absl::FunctionRef<absl::Status(Transaction&)> body) = 0;
  // All queries of `body` see one consistent snapshot, taken no earlier than this call; it must not write. Blocks.
  virtual absl::Status Read(absl::FunctionRef<absl::Status(Transaction&)> body) = 0;
  // As Read(), but every query sees what was committed before it began, whatever those before it saw: for one query, or for several that
  // need not agree. A server is spared the end of a transaction, which is half of what one query of a row takes.
  virtual absl::Status ReadEach(absl::FunctionRef<absl::Status(Transaction&)> body) = 0;
  // How many Transact() calls side by side the store gains from: 1 for SQLite.
  virtual int writers() const = 0;
  // Runs one statement that changes the schema, by itself: on MySQL it cannot be rolled back. It may take long. ALREADY_EXISTS when what
  // it makes is there, or what it drops is not.
  virtual absl::Status RunDdl(std::string_view statement) = 0;
  // A query for all there is in the schema: table, column, type, in this order.
  virtual std::string_view columns_query() const = 0;
};

// Transact() for whoever does not go through a door (group_commit.h): again, a few times, after failures of which it is certain that
// nothing happened and that the same may do.
absl::Status TransactAgain(Database& database, absl::FunctionRef<absl::Status(Transaction&)> body);

struct OpenOptions {
  int readers = 4;  // connections to a file of SQLite for Read(); an in-memory database has one
};

// Opens the store that `url` names:
//   sqlite:PATH     a file; created if missing; WAL, synchronous=FULL; a second process is refused by a lock file
//   sqlite::memory: gone when closed; one connection, for tests and simulation
//   mysql://USER@HOST[:PORT][,HOST[:PORT]...]/SCHEMA[?password_file=PATH&ssl_ca=PATH&pool=N]
//                   MySQL 8.0 or MariaDB 10.6+, see mysql.h
// INVALID_ARGUMENT for another URL or a password file that cannot be read, FAILED_PRECONDITION for a path that cannot be written or is in
// use by another process. A server is connected to when it is first needed, and again whenever it was lost.
absl::StatusOr<std::unique_ptr<Database>> Open(std::string_view url, const OpenOptions& options = {});

// "(?, ?, ?, ?)" for at least `count` values, padded to a power of two so that prepared statements stay few.
std::string InList(size_t count);
// Repeats the last of `values` until InList(values.size()) is filled. Must not be empty.
void PadInList(std::vector<Value>& values);
// "(?, ?), (?, ?)" for `rows` rows of `columns` values. A statement for every number of rows fills the caches of prepared statements:
// write rows with RowWriter of platform/sql/rows.h.
std::string ValueRows(size_t rows, size_t columns);

// Instants are stored as microseconds since the epoch, in UTC. InfiniteFuture is stored as INT64_MAX.
int64_t ToMicros(absl::Time time);
absl::Time FromMicros(int64_t micros);

}  // namespace rematch::sql

#endif  // REMATCH_PLATFORM_SQL_DATABASE_H_
