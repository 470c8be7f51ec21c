#include "platform/sql/mysql.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <fstream>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <cppconn/connection.h>
#include <cppconn/datatype.h>
#include <cppconn/exception.h>
#include <cppconn/parameter_metadata.h>
#include <cppconn/prepared_statement.h>
#include <cppconn/resultset.h>
#include <cppconn/resultset_metadata.h>
#include <cppconn/statement.h>
#include <mysql_driver.h>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "platform/errors.h"
#include "platform/sql/driver.h"
#include "platform/sql/mysql_error.h"
#include "platform/sql/reasons.h"
#include "platform/sql/translate.h"
#include "platform/strings.h"

namespace rematch::sql {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::seconds;

// Statements that one connection keeps prepared. A server keeps 16,382 of all its connections (max_prepared_stmt_count).
constexpr size_t kMaxPrepared = 128;
constexpr int kConnectTimeout = 2;        // seconds
constexpr int kStatementTimeout = 5;      // seconds without a byte from the server
constexpr int kSchemaLockTimeout = 3;     // seconds: less, so that the server says what was waited for
constexpr int kDdlTimeout = 3600;         // seconds: an index over a large table takes its time
constexpr seconds kIdleInPool{2};         // after which a connection is opened anew: the server ends it after five
constexpr seconds kOnLaterHost{30};       // after which an earlier host is tried again
constexpr seconds kAvoidAfterFailure{5};  // for how long a host that could not be reached is tried last

::sql::mysql::MySQL_Driver* Driver() {
  static ::sql::mysql::MySQL_Driver* const driver = ::sql::mysql::get_driver_instance();  // making it is not thread-safe
  return driver;
}

// The connector wants to be told of every thread that uses it.
void EnterThread() {
  struct Thread {
    Thread() { Driver()->threadInit(); }
    ~Thread() { Driver()->threadEnd(); }
  };
  static thread_local const Thread thread;
  (void)thread;
}

enum class Kind {
  kWrite,
  kRead,
  kDdl,
};

absl::Status ToStatus(const ::sql::SQLException& error, MysqlPhase phase) {
  return StoreError(ClassifyMysqlError(error.getErrorCode(), phase), DescribeMysqlError(error.getErrorCode(), error.what()));
}

// One connection and its prepared statements. Used by one thread at a time.
class Connection {
 public:
  // The session is set up as `kind` needs it. Fails if the server cannot be written to.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const MysqlUrl& url, const std::string& password, size_t host, Kind kind) {
    EnterThread();
    auto connection = std::make_unique<Connection>();
    connection->host = host;
    connection->opened = connection->used = Steady::now();
    try {
      connection->Connect(url, password, kind);
    } catch (const ::sql::SQLException& error) {
      return StoreError(
          ClassifyMysqlError(error.getErrorCode(), MysqlPhase::kConnecting),
          absl::StrCat(ToString(url.hosts[host]), "/", url.schema, ": ", DescribeMysqlError(error.getErrorCode(), error.what())));
    } catch (const std::exception&) {
      return StoreError(Failure::kUnavailable, absl::StrCat(ToString(url.hosts[host]), "/", url.schema, ": the connector failed"));
    }
    if (!connection->unusable_.empty()) {
      return StoreError(Failure::kUnavailable, absl::StrCat(ToString(url.hosts[host]), "/", url.schema, ": ", connection->unusable_));
    }
    return connection;
  }

  // Runs one statement of the portable subset. `rows` may be null. Whether it may write, the session knows.
  absl::StatusOr<int64_t> Run(std::string_view text, absl::Span<const Value> parameters, bool /*may_write*/, std::vector<Row>* rows) {
    EnterThread();
    try {
      Prepared& prepared = Prepare(text);
      if (static_cast<size_t>(prepared.parameters) != parameters.size()) {
        return StoreError(Failure::kSplit, "a statement and its parameters differ in number");
      }
      for (size_t i = 0; i < parameters.size(); ++i) Bind(*prepared.statement, static_cast<unsigned>(i) + 1, parameters[i]);
      if (!prepared.is_query) return static_cast<int64_t>(prepared.statement->executeUpdate());
      const std::unique_ptr<::sql::ResultSet> result(prepared.statement->executeQuery());
      if (prepared.types.empty()) prepared.types = TypesOf(*result);
      if (rows != nullptr) {
        rows->reserve(result->rowsCount());
        while (result->next()) rows->push_back(ReadRow(*result, prepared.types));
      }
      return 0;
    } catch (const ::sql::SQLException& error) {
      return Failed(error, MysqlPhase::kStatement);
    } catch (const std::exception&) {
      lost = true;
      return StoreError(Failure::kRetry, "the connector failed");
    }
  }

  absl::Status Commit() {
    try {
      // As statements, whose errors are thrown: commit() and rollback() of the connector return as if all were well.
      Control("COMMIT");
      return absl::OkStatus();
    } catch (const ::sql::SQLException& error) {
      const absl::Status status = Failed(error, MysqlPhase::kCommit);
      Rollback();
      return status;
    } catch (const std::exception&) {
      lost = true;
      return StoreError(Failure::kUnknownCommit, "the connector failed");
    }
  }

  // From now on each statement is a transaction of its own, or statements are part of one until Commit() or Rollback(). Between
  // transactions.
  absl::Status SetAutocommit(bool on) {
    if (autocommit == on) return absl::OkStatus();
    EnterThread();
    try {
      Control(on ? "SET SESSION autocommit = 1" : "SET SESSION autocommit = 0");
      autocommit = on;
      return absl::OkStatus();
    } catch (const ::sql::SQLException& error) {
      return Failed(error, MysqlPhase::kStatement);
    } catch (const std::exception&) {
      lost = true;
      return StoreError(Failure::kRetry, "the connector failed");
    }
  }

  // After any failure, though some have rolled back already.
  void Rollback() {
    if (lost) return;
    try {
      Control("ROLLBACK");
    } catch (const std::exception&) {
      lost = true;  // and with it, what it had open
    }
  }

  // As it is, without a transaction.
  absl::Status RunDdl(std::string_view statement) {
    EnterThread();
    try {
      const std::unique_ptr<::sql::Statement> ddl(connection_->createStatement());
      ddl->execute(ToMysql(statement, collation_));
      return absl::OkStatus();
    } catch (const ::sql::SQLException& error) {
      if (IsDoneAlready(error.getErrorCode())) {
        return Error(absl::StatusCode::kAlreadyExists, reason::kSchemaMismatch, DescribeMysqlError(error.getErrorCode(), error.what()));
      }
      return Failed(error, MysqlPhase::kStatement);
    } catch (const std::exception&) {
      lost = true;
      return StoreError(Failure::kRetry, "the connector failed");
    }
  }

  size_t host = 0;  // its place in the URL
  Steady::time_point opened;
  Steady::time_point used;
  bool lost = false;  // it cannot be used any more
  bool autocommit = false;

 private:
  enum class Type { kNumber, kText, kBytes };

  struct Prepared {
    std::string text;
    std::unique_ptr<::sql::PreparedStatement> statement;
    unsigned parameters = 0;
    bool is_query = false;
    std::vector<Type> types;  // of a query's columns, once it ran
  };

  void Connect(const MysqlUrl& url, const std::string& password, Kind kind) {
    ::sql::ConnectOptionsMap options;
    options["hostName"] = ::sql::SQLString(absl::StrCat("tcp://", ToString(url.hosts[host])));
    options["userName"] = ::sql::SQLString(url.user);
    options["password"] = ::sql::SQLString(password);
    options["schema"] = ::sql::SQLString(url.schema);
    options["OPT_CHARSET_NAME"] = ::sql::SQLString("utf8mb4");
    options["OPT_CONNECT_TIMEOUT"] = kConnectTimeout;
    const int timeout = kind == Kind::kDdl ? kDdlTimeout : kStatementTimeout;
    options["OPT_READ_TIMEOUT"] = timeout;
    options["OPT_WRITE_TIMEOUT"] = timeout;
    options["OPT_RECONNECT"] = false;
    if (!url.ssl_ca.empty()) {
      options["sslCA"] = ::sql::SQLString(url.ssl_ca);
      options["sslEnforce"] = true;
      options["sslVerify"] = true;
    }
    connection_.reset(Driver()->connect(options));
    const std::unique_ptr<::sql::Statement> setup(connection_->createStatement());
    setup->execute(
        absl::StrCat("SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION',"
                     " innodb_lock_wait_timeout = 1, lock_wait_timeout = ",
                     kind == Kind::kDdl ? kDdlTimeout : kSchemaLockTimeout, ", wait_timeout = ", timeout, ", net_read_timeout = ", timeout,
                     ", net_write_timeout = ", timeout));
    setup->execute(kind == Kind::kRead ? "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
                                       : "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE");
    {
      const std::unique_ptr<::sql::ResultSet> about(setup->executeQuery("SELECT VERSION(), @@GLOBAL.read_only"));
      if (about->next()) {
        // Neither pads with spaces, as SQLite does not.
        collation_ = absl::StrContains(about->getString(1).asStdString(), "MariaDB") ? "utf8mb4_nopad_bin" : "utf8mb4_0900_bin";
        if (about->getInt(2) != 0) unusable_ = "the server is read-only";
      }
    }
    const std::unique_ptr<::sql::ResultSet> ready(setup->executeQuery("SHOW GLOBAL STATUS LIKE 'wsrep_ready'"));
    const bool in_cluster = ready->next();
    if (in_cluster && ready->getString(2) != "ON" && ClusterIsOn(*setup)) unusable_ = "the node is not ready as a member of its cluster";
    // Of every statement that begins a transaction. Changes too: what is refused writes nothing that could fail certification, so it must
    // not rest on rows that another node has changed already.
    if (in_cluster && url.hosts.size() > 1) setup->execute("SET SESSION wsrep_sync_wait = 7");
    autocommit = kind == Kind::kDdl;
    Control(autocommit ? "SET SESSION autocommit = 1" : "SET SESSION autocommit = 0");
  }

  // A server that has the code of Galera, but uses none of it, is never "ready".
  static bool ClusterIsOn(::sql::Statement& statement) {
    const std::unique_ptr<::sql::ResultSet> on(statement.executeQuery("SHOW GLOBAL VARIABLES LIKE 'wsrep_on'"));
    return on->next() && on->getString(2) == "ON";
  }

  absl::Status Failed(const ::sql::SQLException& error, MysqlPhase phase) {
    if (IsConnectionUseless(error.getErrorCode(), phase)) lost = true;
    return ToStatus(error, phase);
  }

  void Control(const char* statement) {
    const std::unique_ptr<::sql::Statement> control(connection_->createStatement());
    control->execute(statement);
  }

  // From the cache, whose oldest entry gives way when it is full.
  Prepared& Prepare(std::string_view text) {
    if (const auto found = by_text_.find(text); found != by_text_.end()) {
      recent_.splice(recent_.begin(), recent_, found->second);
      return *found->second;
    }
    Prepared prepared;
    prepared.text = std::string(text);
    prepared.statement.reset(connection_->prepareStatement(ToMysql(text, collation_)));
    prepared.parameters = prepared.statement->getParameterMetaData()->getParameterCount();
    prepared.is_query = prepared.statement->getMetaData()->getColumnCount() > 0;
    if (recent_.size() == kMaxPrepared) {
      by_text_.erase(recent_.back().text);
      recent_.pop_back();
    }
    recent_.push_front(std::move(prepared));
    by_text_.emplace(recent_.front().text, recent_.begin());
    return recent_.front();
  }

  static void Bind(::sql::PreparedStatement& statement, unsigned index, const Value& value) {
    if (const auto* number = std::get_if<int64_t>(&value)) {
      statement.setInt64(index, *number);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      statement.setString(index, ::sql::SQLString(text->data(), text->size()));
    } else if (const auto* bytes = std::get_if<Bytes>(&value)) {
      statement.setString(index, ::sql::SQLString(bytes->data.data(), bytes->data.size()));
    } else {
      statement.setNull(index, ::sql::DataType::VARCHAR);
    }
  }

  static std::vector<Type> TypesOf(const ::sql::ResultSet& result) {
    ::sql::ResultSetMetaData* const about = result.getMetaData();
    std::vector<Type> types;
    for (unsigned i = 1; i <= about->getColumnCount(); ++i) {
      switch (about->getColumnType(i)) {
        case ::sql::DataType::BIT:
        case ::sql::DataType::TINYINT:
        case ::sql::DataType::SMALLINT:
        case ::sql::DataType::MEDIUMINT:
        case ::sql::DataType::INTEGER:
        case ::sql::DataType::BIGINT:
        case ::sql::DataType::YEAR:
          types.push_back(Type::kNumber);
          break;
        case ::sql::DataType::BINARY:
        case ::sql::DataType::VARBINARY:
        case ::sql::DataType::LONGVARBINARY:
          types.push_back(Type::kBytes);
          break;
        default:  // decimals too: Row::Int() reads them
          types.push_back(Type::kText);
      }
    }
    return types;
  }

  // The connector's own string gives itself up only by a reference to const.
  static std::string Take(::sql::SQLString text) { return std::move(const_cast<std::string&>(text.asStdString())); }

  static Row ReadRow(const ::sql::ResultSet& result, const std::vector<Type>& types) {
    std::vector<Value> values;
    values.reserve(types.size());
    for (unsigned i = 0; i < types.size(); ++i) {
      if (result.isNull(i + 1)) {
        values.emplace_back(std::monostate());
      } else if (types[i] == Type::kNumber) {
        values.emplace_back(static_cast<int64_t>(result.getInt64(i + 1)));
      } else if (types[i] == Type::kBytes) {
        values.emplace_back(Bytes{Take(result.getString(i + 1))});
      } else {
        values.emplace_back(Take(result.getString(i + 1)));
      }
    }
    return Row(std::move(values));
  }

  std::unique_ptr<::sql::Connection> connection_;
  std::string collation_;
  std::string unusable_;        // why this server cannot be written to
  std::list<Prepared> recent_;  // the last used first
  absl::flat_hash_map<std::string_view, std::list<Prepared>::iterator> by_text_;
};

// Which of the hosts to use. Thread-safe.
class Hosts {
 public:
  explicit Hosts(size_t count) : failed_(count) {}

  // In the order in which to try them: as the URL has them, but those that failed a moment ago last.
  std::vector<size_t> Order() {
    absl::MutexLock lock(&mutex_);
    const Steady::time_point now = Steady::now();
    std::vector<size_t> order, avoided;
    for (size_t i = 0; i < failed_.size(); ++i) {
      const bool avoid = failed_[i].has_value() && now - *failed_[i] < kAvoidAfterFailure;
      (avoid ? avoided : order).push_back(i);
    }
    order.insert(order.end(), avoided.begin(), avoided.end());
    return order;
  }
  void Failed(size_t host) {
    absl::MutexLock lock(&mutex_);
    failed_[host] = Steady::now();
  }
  // A connection to `host` was made.
  void Reached(size_t host) {
    absl::MutexLock lock(&mutex_);
    failed_[host].reset();
    current_ = host;
  }
  // A connection that was made broke: the others that were made until now are of no use either, since it is usually the server that went.
  void Lost() {
    absl::MutexLock lock(&mutex_);
    lost_ = Steady::now();
  }
  bool IsFit(const Connection& connection) {
    absl::MutexLock lock(&mutex_);
    const Steady::time_point now = Steady::now();
    return !connection.lost && connection.host == current_ && connection.opened > lost_ && now - connection.used < kIdleInPool &&
           (connection.host == 0 || now - connection.opened < kOnLaterHost);
  }

 private:
  absl::Mutex mutex_;
  std::vector<std::optional<Steady::time_point>> failed_ ABSL_GUARDED_BY(mutex_);
  size_t current_ ABSL_GUARDED_BY(mutex_) = 0;
  Steady::time_point lost_ ABSL_GUARDED_BY(mutex_);
};

// The first line of the file; empty without one.
absl::StatusOr<std::string> ReadPassword(const std::string& path) {
  std::string password;
  if (path.empty()) return password;
  std::ifstream file(path);
  if (!file || (!std::getline(file, password) && !file.eof())) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kDatabaseUrlInvalid,
                 absl::StrCat("cannot read the password file ", path, ": ", std::strerror(errno)));
  }
  if (password.ends_with('\r')) password.pop_back();
  return password;
}

class MysqlDatabase final : public Database {
 public:
  explicit MysqlDatabase(const MysqlUrl& url)
      : url_(url), hosts_(url.hosts.size()), writes_(Kind::kWrite, url.pool), reads_(Kind::kRead, url.pool) {}

  absl::Status Transact(absl::FunctionRef<absl::Status(Transaction&)> body) override {
    const Entry entry(*this);
    REMATCH_RETURN_IF_ERROR(entry.status());
    return With(writes_, /*autocommit=*/false, [&](Connection& connection) { return RunBody(connection, true, body); });
  }

  absl::Status Read(absl::FunctionRef<absl::Status(Transaction&)> body) override {
    const Entry entry(*this);
    REMATCH_RETURN_IF_ERROR(entry.status());
    return ReadWith(/*autocommit=*/false, [&](Connection& connection) { return RunBody(connection, false, body); });
  }

  absl::Status ReadEach(absl::FunctionRef<absl::Status(Transaction&)> body) override {
    const Entry entry(*this);
    REMATCH_RETURN_IF_ERROR(entry.status());
    return ReadWith(/*autocommit=*/true, [&](Connection& connection) { return RunStatements(connection, false, body); });
  }

  // What design measured: beyond four batches side by side nothing is gained.
  int writers() const override { return std::min(4, url_.pool); }

  absl::Status RunDdl(std::string_view statement) override {
    const Entry entry(*this);
    REMATCH_RETURN_IF_ERROR(entry.status());
    REMATCH_ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection, Connect(Kind::kDdl));
    return connection->RunDdl(statement);
  }

  std::string_view columns_query() const override {
    return "SELECT table_name, column_name, column_type FROM information_schema.columns WHERE table_schema = DATABASE()"
           " ORDER BY table_name, column_name";
  }

 private:
  struct Pool {
    Pool(Kind k, int s) : kind(k), size(s) {}
    const Kind kind;
    const int size;
    absl::Mutex mutex;
    int out ABSL_GUARDED_BY(mutex) = 0;                                    // connections in use
    std::vector<std::unique_ptr<Connection>> idle ABSL_GUARDED_BY(mutex);  // the last used last
  };

  absl::Status ReadWith(bool autocommit, absl::FunctionRef<absl::Status(Connection&)> read) {
    absl::Status status = With(reads_, autocommit, read);
    // What a read missed because its connection broke, another one can see; its COMMIT changes nothing.
    const Failure failure = FailureOf(status);
    if (failure == Failure::kRetry || failure == Failure::kUnknownCommit) status = With(reads_, autocommit, read);
    return FailureOf(status) == Failure::kUnknownCommit ? StoreError(Failure::kRetry, DetailOf(status)) : status;
  }

  // Of the idle connections the last used that is set up for it comes first, then the last used.
  absl::Status With(Pool& pool, bool autocommit, absl::FunctionRef<absl::Status(Connection&)> run) {
    std::unique_ptr<Connection> connection;
    std::vector<std::unique_ptr<Connection>> unfit;  // closed without the lock: a server that hangs takes its time
    {
      absl::MutexLock lock(&pool.mutex);
      const auto free = [&pool]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(pool.mutex) { return pool.out < pool.size; };
      pool.mutex.Await(absl::Condition(&free));
      ++pool.out;
      while (connection == nullptr && !pool.idle.empty()) {
        auto best = std::find_if(pool.idle.rbegin(), pool.idle.rend(), [&](const auto& one) { return one->autocommit == autocommit; });
        if (best == pool.idle.rend()) best = pool.idle.rbegin();
        (hosts_.IsFit(**best) ? connection : unfit.emplace_back()) = std::move(*best);
        pool.idle.erase(std::next(best).base());
      }
    }
    unfit.clear();
    absl::Status status;
    if (connection == nullptr) {
      absl::StatusOr<std::unique_ptr<Connection>> opened = Connect(pool.kind);
      status = opened.status();
      if (opened.ok()) connection = *std::move(opened);
    }
    if (connection != nullptr) {
      status = connection->SetAutocommit(autocommit);
      if (status.ok()) status = run(*connection);
      connection->used = Steady::now();
      if (connection->lost) hosts_.Lost();
    }
    absl::MutexLock lock(&pool.mutex);
    --pool.out;
    if (connection != nullptr && hosts_.IsFit(*connection)) pool.idle.push_back(std::move(connection));
    return status;
  }

  absl::StatusOr<std::unique_ptr<Connection>> Connect(Kind kind) {
    // Anew each time: a password that was changed, or put right, is used without a restart.
    const absl::StatusOr<std::string> password = ReadPassword(url_.password_file);
    if (!password.ok()) return StoreError(Failure::kUnavailable, ToStd(password.status().message()));
    absl::Status failed;
    for (const size_t host : hosts_.Order()) {
      absl::StatusOr<std::unique_ptr<Connection>> connection = Connection::Open(url_, *password, host, kind);
      if (connection.ok()) {
        hosts_.Reached(host);
        return connection;
      }
      hosts_.Failed(host);
      // Of several hosts, each one's error: which of them matters, only an operator knows.
      failed = failed.ok() ? connection.status()
                           : StoreError(Failure::kUnavailable, absl::StrCat(DetailOf(failed), "; ", DetailOf(connection.status())));
    }
    return failed;
  }

  const MysqlUrl url_;
  Hosts hosts_;
  Pool writes_;
  Pool reads_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> OpenMysql(const MysqlUrl& url) {
  REMATCH_RETURN_IF_ERROR(ReadPassword(url.password_file).status());
  return std::make_unique<MysqlDatabase>(url);
}

}  // namespace rematch::sql
