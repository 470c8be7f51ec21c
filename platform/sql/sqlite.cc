#include "platform/sql/sqlite.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <list>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <unistd.h>

#include "absl/cleanup/cleanup.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "platform/errors.h"
#include "platform/sql/driver.h"
#include "platform/sql/reasons.h"
#include "platform/sql/translate.h"

namespace rematch::sql {

namespace {

constexpr size_t kMaxPrepared = 256;
constexpr int kBusyTimeoutMillis = 5000;

Failure Classify(int code) {
  if (code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_UNIQUE) return Failure::kConflict;
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Failure::kRetry;
    case SQLITE_FULL:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
      return Failure::kUnavailable;
    default:
      return Failure::kSplit;
  }
}

// One connection and its prepared statements. Used by one thread at a time.
class Connection {
 public:
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const std::string& path) {
    auto connection = std::make_unique<Connection>();
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path.c_str(), &connection->db_, flags, nullptr) != SQLITE_OK) return connection->LastError();
    sqlite3_extended_result_codes(connection->db_, 1);
    sqlite3_busy_timeout(connection->db_, kBusyTimeoutMillis);
    return connection;
  }

  ~Connection() {
    for (Prepared& prepared : recent_) sqlite3_finalize(prepared.statement);
    sqlite3_close(db_);
  }

  // Runs one statement of the portable subset. `rows` may be null. `may_write` false refuses statements that would write.
  absl::StatusOr<int64_t> Run(std::string_view text, absl::Span<const Value> parameters, bool may_write, std::vector<Row>* rows) {
    REMATCH_ASSIGN_OR_RETURN(sqlite3_stmt* const statement, Prepare(text));
    // The values are bound by reference: a statement that kept them would point to memory that is gone.
    const absl::Cleanup release = [statement] {
      sqlite3_reset(statement);
      sqlite3_clear_bindings(statement);
    };
    if (!may_write && !sqlite3_stmt_readonly(statement)) return StoreError(Failure::kSplit, "a read tried to write");
    if (static_cast<size_t>(sqlite3_bind_parameter_count(statement)) != parameters.size()) {
      return StoreError(Failure::kSplit, "a statement and its parameters differ in number");
    }
    for (size_t i = 0; i < parameters.size(); ++i) {
      if (Bind(statement, static_cast<int>(i) + 1, parameters[i]) != SQLITE_OK) return LastError();
    }
    const int64_t before = sqlite3_total_changes64(db_);
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
      if (rows != nullptr) rows->push_back(ReadRow(statement));
    }
    if (code != SQLITE_DONE) return LastError();
    // sqlite3_changes() keeps the count of an earlier statement when this one changes no rows, as DDL does.
    return sqlite3_total_changes64(db_) == before ? 0 : sqlite3_changes64(db_);
  }

  absl::Status Run(std::string_view text) { return Run(text, {}, true, nullptr).status(); }

  // A commit that broke off on I/O may be found done after a restart; whatever else failed has not happened.
  absl::Status Commit() {
    const absl::Status status = Run("COMMIT");
    if (status.ok()) return status;
    const bool unknown = (sqlite3_extended_errcode(db_) & 0xff) == SQLITE_IOERR;
    Rollback();
    return unknown ? StoreError(Failure::kUnknownCommit, DetailOf(status)) : status;
  }

  void Rollback() {
    // Some errors have rolled back already.
    if (sqlite3_get_autocommit(db_) == 0) Run("ROLLBACK").IgnoreError();
  }

  bool readonly() const { return sqlite3_db_readonly(db_, "main") == 1; }

 private:
  struct Prepared {
    std::string text;
    sqlite3_stmt* statement;
  };

  // SQLite's messages name tables, columns and words of the statement: never values, which are all bound.
  absl::Status LastError() {
    const int code = db_ == nullptr ? SQLITE_NOMEM : sqlite3_extended_errcode(db_);
    const char* const message = db_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(db_);
    // Somebody altered the schema by hand, and may put it right.
    const bool altered =
        code == SQLITE_ERROR && (absl::StartsWith(message, "no such ") || absl::StrContains(message, " has no column named "));
    return StoreError(altered ? Failure::kUnavailable : Classify(code), absl::StrCat("sqlite error ", code, ", ", message));
  }

  // From the cache, whose oldest entry gives way when it is full. Translating happens once a text and connection.
  absl::StatusOr<sqlite3_stmt*> Prepare(std::string_view text) {
    if (const auto found = by_text_.find(text); found != by_text_.end()) {
      recent_.splice(recent_.begin(), recent_, found->second);
      return found->second->statement;
    }
    const std::string sqlite = ToSqlite(text);
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(db_, sqlite.data(), static_cast<int>(sqlite.size()), SQLITE_PREPARE_PERSISTENT, &statement, nullptr) !=
        SQLITE_OK) {
      return LastError();
    }
    if (statement == nullptr) return StoreError(Failure::kSplit, "an empty statement");
    if (recent_.size() == kMaxPrepared) {
      sqlite3_finalize(recent_.back().statement);
      by_text_.erase(recent_.back().text);
      recent_.pop_back();
    }
    recent_.push_front({std::string(text), statement});
    by_text_.emplace(recent_.front().text, recent_.begin());
    return statement;
  }

  static int Bind(sqlite3_stmt* statement, int index, const Value& value) {
    if (const auto* number = std::get_if<int64_t>(&value)) return sqlite3_bind_int64(statement, index, *number);
    if (const auto* text = std::get_if<std::string>(&value)) {
      return sqlite3_bind_text64(statement, index, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
    }
    if (const auto* bytes = std::get_if<Bytes>(&value)) {
      return sqlite3_bind_blob64(statement, index, bytes->data.data(), bytes->data.size(), SQLITE_STATIC);
    }
    return sqlite3_bind_null(statement, index);
  }

  static Row ReadRow(sqlite3_stmt* statement) {
    const int columns = sqlite3_column_count(statement);
    std::vector<Value> values;
    values.reserve(columns);
    for (int i = 0; i < columns; ++i) {
      switch (sqlite3_column_type(statement, i)) {
        case SQLITE_INTEGER:
          values.emplace_back(static_cast<int64_t>(sqlite3_column_int64(statement, i)));
          break;
        case SQLITE_NULL:
          values.emplace_back(std::monostate());
          break;
        case SQLITE_BLOB: {
          const auto* data = static_cast<const char*>(sqlite3_column_blob(statement, i));
          values.emplace_back(Bytes{data == nullptr ? "" : std::string(data, sqlite3_column_bytes(statement, i))});
          break;
        }
        default: {
          const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement, i));
          values.emplace_back(data == nullptr ? std::string() : std::string(data, sqlite3_column_bytes(statement, i)));
        }
      }
    }
    return Row(std::move(values));
  }

  sqlite3* db_ = nullptr;
  std::list<Prepared> recent_;  // the last used first
  absl::flat_hash_map<std::string_view, std::list<Prepared>::iterator> by_text_;
};

absl::Status Begin(Connection& connection, std::string_view begin, bool may_write, absl::FunctionRef<absl::Status(Transaction&)> body) {
  REMATCH_RETURN_IF_ERROR(connection.Run(begin));
  return RunBody(connection, may_write, body);
}

// A file that this process holds locked for as long as this object lives. The file stays: removing it would race with others.
class LockFile {
 public:
  ~LockFile() {
    if (fd_ >= 0) close(fd_);
  }

  absl::Status Lock(const std::string& database) {
    const std::string path = database + ".lock";
    fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd_ < 0) {
      return Error(absl::StatusCode::kFailedPrecondition, reason::kDatabaseUnwritable,
                   absl::StrCat("cannot write the database ", database, ": ", std::strerror(errno)));
    }
    if (flock(fd_, LOCK_EX | LOCK_NB) != 0) {
      return Error(absl::StatusCode::kFailedPrecondition, reason::kDatabaseInUse,
                   absl::StrCat("the database ", database, " is in use by another process"));
    }
    return absl::OkStatus();
  }

 private:
  int fd_ = -1;
};

// Creates the file for its owner alone if it is missing: it holds reasons and addresses. SQLite gives what it puts beside it (-wal, -shm)
// the same mode. Why a path cannot be opened is told by SQLite afterwards.
void MakePrivate(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) close(fd);
}

class SqliteDatabase final : public Database {
 public:
  // No readers: reads share the connection that writes.
  SqliteDatabase(std::unique_ptr<LockFile> lock_file, std::unique_ptr<Connection> writer, std::vector<std::unique_ptr<Connection>> readers)
      : lock_file_(std::move(lock_file)), has_readers_(!readers.empty()), writer_(std::move(writer)), idle_readers_(std::move(readers)) {}

  absl::Status Transact(absl::FunctionRef<absl::Status(Transaction&)> body) override {
    const Entry entry(*this);
    REMATCH_RETURN_IF_ERROR(entry.status());
    absl::MutexLock lock(&writer_mutex_);
    return Begin(*writer_, "BEGIN IMMEDIATE", true, body);
  }

  absl::Status Read(absl::FunctionRef<absl::Status(Transaction&)> body) override {
    const Entry entry(*this);
    REMATCH_RETURN_IF_ERROR(entry.status());
    if (!has_readers_) {
      absl::MutexLock lock(&writer_mutex_);
      return Begin(*writer_, "BEGIN DEFERRED", false, body);
    }
    std::unique_ptr<Connection> reader = TakeReader();
    absl::Status status = Begin(*reader, "BEGIN DEFERRED", false, body);
    absl::MutexLock lock(&readers_mutex_);
    idle_readers_.push_back(std::move(reader));
    return status;
  }

  // A snapshot costs nothing here.
  absl::Status ReadEach(absl::FunctionRef<absl::Status(Transaction&)> body) override { return Read(body); }

  int writers() const override { return 1; }

  absl::Status RunDdl(std::string_view statement) override {
    const absl::Status status = Transact([statement](Transaction& tx) { return tx.Execute(statement).status(); });
    const std::string detail = DetailOf(status);
    if (absl::StrContains(detail, " already exists") || absl::StrContains(detail, "duplicate column name") ||
        absl::StrContains(detail, "no such index")) {
      return Error(absl::StatusCode::kAlreadyExists, reason::kSchemaMismatch, detail);
    }
    return status;
  }
  std::string_view columns_query() const override {
    return "SELECT t.name, c.name, LOWER(c.type) FROM sqlite_master t JOIN pragma_table_info(t.name) c"
           " WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' ORDER BY t.name, c.name";
  }

 private:
  std::unique_ptr<Connection> TakeReader() {
    absl::MutexLock lock(&readers_mutex_);
    const auto idle = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(readers_mutex_) { return !idle_readers_.empty(); };
    readers_mutex_.Await(absl::Condition(&idle));
    std::unique_ptr<Connection> reader = std::move(idle_readers_.back());
    idle_readers_.pop_back();
    return reader;
  }

  const std::unique_ptr<LockFile> lock_file_;  // outlives the connections
  const bool has_readers_;
  absl::Mutex writer_mutex_;
  const std::unique_ptr<Connection> writer_ ABSL_PT_GUARDED_BY(writer_mutex_);
  absl::Mutex readers_mutex_;
  std::vector<std::unique_ptr<Connection>> idle_readers_ ABSL_GUARDED_BY(readers_mutex_);
};

absl::Status CannotOpen(const std::string& path, const absl::Status& why) {
  const bool unwritable = FailureOf(why) == Failure::kUnavailable;
  return Error(absl::StatusCode::kFailedPrecondition, unwritable ? reason::kDatabaseUnwritable : reason::kDatabaseUnreadable,
               absl::StrCat(unwritable ? "cannot write the database " : "cannot read the database ", path, ": ", DetailOf(why)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> OpenSqliteFile(const std::string& path, const OpenOptions& options) {
  // SQLite reads "file:..." as a URI; an absolute path is never one.
  std::error_code ignored;
  const std::filesystem::path absolute = std::filesystem::absolute(path, ignored);
  auto lock_file = std::make_unique<LockFile>();
  REMATCH_RETURN_IF_ERROR(lock_file->Lock(path));
  MakePrivate(absolute.string());
  const auto open = [&absolute](std::initializer_list<std::string_view> settings) -> absl::StatusOr<std::unique_ptr<Connection>> {
    REMATCH_ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, Connection::Open(absolute.string()));
    for (const std::string_view setting : settings) REMATCH_RETURN_IF_ERROR(connection->Run(setting));
    return connection;
  };
  auto writer = open({"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON", "BEGIN IMMEDIATE", "COMMIT"});
  if (!writer.ok()) return CannotOpen(path, writer.status());
  if ((*writer)->readonly()) return CannotOpen(path, StoreError(Failure::kUnavailable, "the file is read-only"));
  std::vector<std::unique_ptr<Connection>> readers;
  for (int i = 0; i < std::max(1, options.readers); ++i) {
    auto reader = open({"PRAGMA query_only = ON"});
    if (!reader.ok()) return CannotOpen(path, reader.status());
    readers.push_back(*std::move(reader));
  }
  return std::make_unique<SqliteDatabase>(std::move(lock_file), *std::move(writer), std::move(readers));
}

absl::StatusOr<std::unique_ptr<Database>> OpenSqliteMemory() {
  REMATCH_ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, Connection::Open(":memory:"));
  REMATCH_RETURN_IF_ERROR(connection->Run("PRAGMA foreign_keys = ON"));
  return std::make_unique<SqliteDatabase>(nullptr, std::move(connection), std::vector<std::unique_ptr<Connection>>());
}

}  // namespace rematch::sql
