// The contract of a store over every driver, and what only the embedded one does.
#include "platform/sql/database.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/errors.h"
#include "platform/sql/reasons.h"
#include "platform/sql/rows.h"
#include "tests/mysql_schema.h"
#include "tests/platform/sql_contract.h"
#include "tests/platform/temp_dir.h"

namespace rematch::sql {
namespace {

using rematch::testing::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const Driver kFile{.name = "SqliteFile", .make = [](const TempDir& dir) { return Place{.url = "sqlite:" + dir.File("store.db")}; }};
const Driver kMemory{.name = "SqliteMemory", .make = [](const TempDir&) { return Place{.url = "sqlite::memory:"}; }};
const Driver kMysql{.name = "Mysql", .make = [](const TempDir&) {
                      auto schema = std::make_shared<rematch::testing::MysqlSchema>();
                      return Place{.url = schema->url(), .keep = schema};
                    }};
const auto kNameOf = [](const auto& info) { return info.param.name; };

INSTANTIATE_TEST_SUITE_P(Drivers, SqlContract, ::testing::Values(kFile, kMemory, kMysql), kNameOf);
INSTANTIATE_TEST_SUITE_P(Drivers, SqlSnapshotContract, ::testing::Values(kFile, kMysql), kNameOf);
INSTANTIATE_TEST_SUITE_P(Drivers, ConcurrentSqlContract, ::testing::Values(kFile, kMemory, kMysql), kNameOf);

int64_t CountRows(Database& db) {
  int64_t count = -1;
  EXPECT_TRUE(db.Read([&](Transaction& tx) -> absl::Status {
                  REMATCH_ASSIGN_OR_RETURN(const auto rows, tx.Query("SELECT COUNT(*) FROM t"));
                  count = rows[0].Int(0);
                  return absl::OkStatus();
                }).ok());
  return count;
}

TEST(SqliteFile, KeepsWhatWasCommitted) {
  TempDir dir;
  const std::string url = "sqlite:" + dir.File("store.db");
  {
    auto db = Open(url);
    ASSERT_TRUE(db.ok()) << db.status();
    ASSERT_TRUE(RunScript(**db, "CREATE TABLE t (x BIGINT);\nINSERT INTO t VALUES (1);").ok());
  }
  auto db = Open(url);
  ASSERT_TRUE(db.ok()) << db.status();
  EXPECT_EQ(CountRows(**db), 1);
}

TEST(SqliteFile, IsDurableAtEveryCommit) {
  TempDir dir;
  auto db = Open("sqlite:" + dir.File("store.db"));
  ASSERT_TRUE(db.ok()) << db.status();
  const absl::Status status = (*db)->Transact([](Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(const auto mode, tx.Query("PRAGMA journal_mode"));
    EXPECT_EQ(mode[0].Text(0), "wal");
    REMATCH_ASSIGN_OR_RETURN(const auto synchronous, tx.Query("PRAGMA synchronous"));
    EXPECT_EQ(synchronous[0].Int(0), 2);  // FULL
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
}

TEST(SqliteFile, IsRefusedWhileAnotherHoldsIt) {
  TempDir dir;
  const std::string path = dir.File("store.db");
  {
    auto first = Open("sqlite:" + path);
    ASSERT_TRUE(first.ok()) << first.status();
    auto second = Open("sqlite:" + path);
    EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(ReasonOf(second.status()), reason::kDatabaseInUse);
    EXPECT_THAT(std::string(second.status().message()), HasSubstr(path));
  }
  EXPECT_TRUE(Open("sqlite:" + path).ok()) << "free again once it is closed";
}

TEST(SqliteFile, ItsFilesAreForTheirOwnerAlone_F23) {
  TempDir dir;
  const mode_t before = umask(022);
  {
    auto db = Open("sqlite:" + dir.File("store.db"));
    ASSERT_TRUE(db.ok()) << db.status();
    ASSERT_TRUE(RunScript(**db, "CREATE TABLE t (x BIGINT);\nINSERT INTO t VALUES (1);").ok());
    for (const char* name : {"store.db", "store.db-wal", "store.db-shm", "store.db.lock"}) {
      struct stat info;
      ASSERT_EQ(stat(dir.File(name).c_str(), &info), 0) << name;
      EXPECT_EQ(info.st_mode & 0777, 0600u) << name;
    }
  }
  umask(before);
}

TEST(SqliteFile, APathThatCannotBeWrittenIsNamed) {
  TempDir dir;
  std::ofstream(dir.File("plain")) << "x";
  std::filesystem::create_directory(dir.File("folder"));
  for (const std::string& path : {dir.File("missing/store.db"), dir.File("plain/store.db"), dir.File("folder")}) {
    auto db = Open("sqlite:" + path);
    EXPECT_EQ(db.status().code(), absl::StatusCode::kFailedPrecondition) << path;
    EXPECT_EQ(ReasonOf(db.status()), reason::kDatabaseUnwritable) << path;
    EXPECT_THAT(std::string(db.status().message()), HasSubstr(path));
    EXPECT_EQ(db.status().message().find('\n'), std::string::npos);
  }
}

TEST(SqliteFile, AFileThatIsNoDatabaseIsRefused) {
  TempDir dir;
  std::ofstream(dir.File("store.db")) << std::string(8192, 'x');
  auto db = Open("sqlite:" + dir.File("store.db"));
  EXPECT_EQ(db.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(db.status()), reason::kDatabaseUnreadable);
}

TEST(SqliteMemory, IsGoneWhenClosed) {
  { ASSERT_TRUE(RunScript(**Open("sqlite::memory:"), "CREATE TABLE t (x BIGINT);").ok()); }
  EXPECT_TRUE(RunScript(**Open("sqlite::memory:"), "CREATE TABLE t (x BIGINT);").ok());
}

TEST(SqliteMemory, AStatementThatDefinesChangesNoRows) {
  auto db = *Open("sqlite::memory:");
  const absl::Status status = db->Transact([](Transaction& tx) -> absl::Status {
    REMATCH_RETURN_IF_ERROR(tx.Execute("CREATE TABLE t (x BIGINT)").status());
    REMATCH_RETURN_IF_ERROR(tx.Execute("INSERT INTO t VALUES (1), (2)").status());
    REMATCH_ASSIGN_OR_RETURN(const int64_t changed, tx.Execute("CREATE INDEX t_x ON t (x)"));
    EXPECT_EQ(changed, 0);
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
}

TEST(MysqlCommit, ThatBreaksOffIsOfUnknownOutcome_F30) {
  const rematch::testing::MysqlSchema schema;
  const auto db = Open(schema.url());
  const auto other = Open(schema.url());
  ASSERT_TRUE(db.ok() && other.ok());
  ASSERT_TRUE((*db)->RunDdl("CREATE TABLE t (k BIGINT NOT NULL, PRIMARY KEY (k))").ok());
  const auto write = [&](bool cut_off) {
    return (*db)->Transact([&](Transaction& tx) -> absl::Status {
      REMATCH_RETURN_IF_ERROR(tx.Execute("INSERT INTO t (k) VALUES (?)", {int64_t{1}}).status());
      if (!cut_off) return absl::OkStatus();
      REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows, tx.Query("SELECT CONNECTION_ID()", {}));
      return (*other)->RunDdl(absl::StrCat("KILL ", rows[0].Int(0)));
    });
  };
  const absl::Status broken_off = write(true);
  EXPECT_EQ(FailureOf(broken_off), Failure::kUnknownCommit) << broken_off;
  EXPECT_TRUE(write(false).ok()) << "nothing is left of the first, and the next connection works";
}

// From the server's own counts, on the one connection of each pool.
TEST(MysqlPrepared, StatementsAreFewAndUsedAgain) {
  const rematch::testing::MysqlSchema schema;
  const auto db = Open(schema.url("&pool=1"));
  ASSERT_TRUE(db.ok());
  const auto count = [](Transaction& tx, const std::string& what) -> int64_t {
    const auto rows = tx.Query("SELECT variable_value FROM information_schema.session_status WHERE variable_name = ?", {what});
    EXPECT_TRUE(rows.ok()) << rows.status();
    int64_t number = -1;
    EXPECT_TRUE(rows.ok() && !rows->empty() && absl::SimpleAtoi((*rows)[0].Text(0), &number));
    return number;
  };
  const absl::Status status = (*db)->Read([&](Transaction& tx) -> absl::Status {
    count(tx, "Com_stmt_prepare");
    const int64_t before = count(tx, "Com_stmt_prepare");
    for (int i = 0; i < 50; ++i) REMATCH_RETURN_IF_ERROR(tx.Query("SELECT ?", {int64_t{i}}).status());
    EXPECT_EQ(count(tx, "Com_stmt_prepare"), before + 1) << "the same one";
    for (int i = 0; i < 600; ++i) REMATCH_RETURN_IF_ERROR(tx.Query(absl::StrCat("SELECT ", i)).status());
    const int64_t prepared = count(tx, "Com_stmt_prepare");
    EXPECT_GE(prepared, before + 601);
    EXPECT_LE(prepared - count(tx, "Com_stmt_close"), 130) << "what is open; the limit is 128";
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
}

TEST(MysqlTransact, IsReadCommitted) {
  const rematch::testing::MysqlSchema schema;
  const auto db = Open(schema.url());
  const auto other = Open(schema.url());
  ASSERT_TRUE(db.ok() && other.ok());
  ASSERT_TRUE((*db)->RunDdl("CREATE TABLE t (k BIGINT NOT NULL, PRIMARY KEY (k))").ok());
  const absl::Status status = (*db)->Transact([&](Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(std::vector<Row> rows, tx.Query("SELECT COUNT(*) FROM t"));
    EXPECT_EQ(rows[0].Int(0), 0);
    EXPECT_TRUE((*other)->Transact([](Transaction& beside) { return beside.Execute("INSERT INTO t VALUES (1)").status(); }).ok());
    REMATCH_ASSIGN_OR_RETURN(rows, tx.Query("SELECT COUNT(*) FROM t"));
    EXPECT_EQ(rows[0].Int(0), 1) << "what was committed meanwhile, since locks may have been waited for";
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
}

TEST(Open, RefusesOtherUrls) {
  for (const char* url : {"", "sqlite", "sqlite:", "file.db", "postgres://x"}) {
    const auto db = Open(url);
    EXPECT_EQ(db.status().code(), absl::StatusCode::kInvalidArgument) << url;
    EXPECT_EQ(ReasonOf(db.status()), reason::kDatabaseUrlInvalid);
  }
}

TEST(StoreError, CarriesWhatToDo) {
  for (const Failure failure : {Failure::kRetry, Failure::kSplit, Failure::kUnknownCommit, Failure::kUnavailable}) {
    const absl::Status status = StoreError(failure, "detail");
    EXPECT_EQ(FailureOf(status), failure);
    EXPECT_EQ(DetailOf(status), "detail");
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("detail"))) << "callers read the message";
    EXPECT_EQ(status.code(), failure == Failure::kSplit ? absl::StatusCode::kInternal : absl::StatusCode::kUnavailable);
    EXPECT_EQ(ReasonOf(status), failure == Failure::kSplit ? reason::kStoreRefused : reason::kStoreUnavailable);
  }
  EXPECT_EQ(FailureOf(absl::OkStatus()), Failure::kNone);
  EXPECT_EQ(FailureOf(absl::InternalError("mine")), Failure::kNone);
  EXPECT_EQ(DetailOf(absl::InternalError("mine")), "");
}

// Keeps the statements, and says that each inserted a row less than it was given.
class RecordingTransaction final : public Transaction {
 public:
  absl::StatusOr<std::vector<Row>> Query(std::string_view, absl::Span<const Value>) override { return std::vector<Row>(); }
  absl::StatusOr<int64_t> Execute(std::string_view statement, absl::Span<const Value> parameters) override {
    statements.emplace_back(statement);
    for (const Value& value : parameters) values.push_back(std::get<int64_t>(value));
    return static_cast<int64_t>(parameters.size() / 2) - 1;
  }
  std::vector<std::string> statements;
  std::vector<int64_t> values;
};

TEST(RowWriter, WritesAnyNumberOfRowsInOrderByFourteenKindsOfStatements) {
  std::set<std::string> kinds;
  for (int rows = 0; rows <= 1200; ++rows) {
    RowWriter writer("INSERT IGNORE INTO t (a, b)", 2);
    std::vector<int64_t> values;
    for (int i = 0; i < rows; ++i) {
      writer.Add({int64_t{2 * i}, int64_t{2 * i + 1}});
      values.insert(values.end(), {2 * i, 2 * i + 1});
    }
    RecordingTransaction tx;
    const auto written = writer.WriteCounting(tx);
    ASSERT_TRUE(written.ok());
    EXPECT_EQ(*written, rows - static_cast<int64_t>(tx.statements.size())) << "the sum over the statements";
    EXPECT_EQ(tx.values, values);
    EXPECT_LE(tx.statements.size(), rows < 64 ? 3u : rows <= 512 ? 5u : 7u) << rows;
    kinds.insert(tx.statements.begin(), tx.statements.end());
  }
  EXPECT_EQ(kinds.size(), 14u);
}

TEST(RowWriter, WritesWheneverThereAreEnoughForAStatementWhatIsAddedThrough) {
  RowWriter collects("INSERT INTO t (a, b)", 2), writes_through("INSERT INTO t (a, b)", 2);
  RecordingTransaction collected, written;
  for (int64_t i = 0; i < 1200; ++i) {
    collects.Add({i, i});
    ASSERT_TRUE(writes_through.Add({i, i}, written).ok());
    EXPECT_EQ(written.statements.size(), static_cast<size_t>((i + 1) / 512)) << i;
  }
  ASSERT_TRUE(collects.Write(collected).ok());
  ASSERT_TRUE(writes_through.Write(written).ok());
  EXPECT_EQ(written.statements, collected.statements);
  EXPECT_EQ(written.values, collected.values);
}

TEST(RowWriter, WritesTheTailBehindTheRows) {
  RowWriter writer("INSERT INTO t (a, b)", 2, " ON DUPLICATE KEY UPDATE b = VALUES(b)");
  for (int64_t i = 0; i < 5; ++i) writer.Add({i, i});
  RecordingTransaction tx;
  ASSERT_TRUE(writer.Write(tx).ok());
  EXPECT_THAT(tx.statements, ElementsAre("INSERT INTO t (a, b) VALUES (?, ?), (?, ?), (?, ?), (?, ?) ON DUPLICATE KEY UPDATE b = VALUES(b)",
                                         "INSERT INTO t (a, b) VALUES (?, ?) ON DUPLICATE KEY UPDATE b = VALUES(b)"));
}

TEST(Lists, ArePaddedToPowersOfTwo) {
  EXPECT_EQ(InList(1), "(?)");
  EXPECT_EQ(InList(3), "(?, ?, ?, ?)");
  EXPECT_EQ(InList(4), "(?, ?, ?, ?)");
  EXPECT_EQ(ValueRows(2, 2), "(?, ?), (?, ?)");
  std::vector<Value> values = {int64_t{1}, int64_t{2}, int64_t{3}, int64_t{4}, int64_t{5}};
  PadInList(values);
  ASSERT_EQ(values.size(), 8u);
  EXPECT_EQ(std::get<int64_t>(values.back()), 5);
}

TEST(Micros, KeepInstantsAndTheInfiniteFuture) {
  const absl::Time time = absl::FromUnixMicros(1'772'442'000'123'456);
  EXPECT_EQ(ToMicros(time), 1'772'442'000'123'456);
  EXPECT_EQ(FromMicros(ToMicros(time)), time);
  EXPECT_EQ(FromMicros(ToMicros(absl::InfiniteFuture())), absl::InfiniteFuture());
}

}  // namespace
}  // namespace rematch::sql
