// Numbered migrations.
#include "platform/sql/migrations.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/errors.h"
#include "platform/sql/reasons.h"
#include "tests/mysql_schema.h"

namespace rematch::sql {
namespace {

using platform::EmbeddedFile;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr EmbeddedFile kFirst{"0001_first.sql", "CREATE TABLE a (x BIGINT);\nCREATE TABLE b (x BIGINT);"};
constexpr EmbeddedFile kSecond{"0002_second.sql", "-- adds a row\nINSERT INTO a (x) VALUES (7);\n"};

// Every look at it is a second later: what waits for time to pass does not wait long.
class HastyClock final : public platform::Clock {
 public:
  absl::Time Now() override { return absl::FromUnixSeconds(1'772'442'000); }
  absl::Duration Monotonic() override { return absl::Seconds(++looks_); }

 private:
  std::atomic<int> looks_ = 0;
};

// Works for a number of changes, then for none, as if its process had died there.
class MortalDatabase final : public Database {
 public:
  MortalDatabase(Database& inner, int changes) : inner_(inner), left_(changes) {}
  absl::Status Transact(absl::FunctionRef<absl::Status(Transaction&)> body) override {
    return left_-- > 0 ? inner_.Transact(body) : StoreError(Failure::kUnavailable, "dead");
  }
  absl::Status RunDdl(std::string_view statement) override {
    return left_-- > 0 ? inner_.RunDdl(statement) : StoreError(Failure::kUnavailable, "dead");
  }
  absl::Status Read(absl::FunctionRef<absl::Status(Transaction&)> body) override { return inner_.Read(body); }
  absl::Status ReadEach(absl::FunctionRef<absl::Status(Transaction&)> body) override { return inner_.ReadEach(body); }
  int writers() const override { return 1; }
  std::string_view columns_query() const override { return inner_.columns_query(); }
  bool died() const { return left_ < 0; }

 private:
  Database& inner_;
  std::atomic<int> left_;
};

class Migrations : public ::testing::TestWithParam<const char*> {
 protected:
  Migrations() { Anew(); }
  // An empty store.
  void Anew() {
    db_.reset();
    if (std::string_view(GetParam()) == "Mysql") schema_ = std::make_unique<rematch::testing::MysqlSchema>();
    db_ = *Open(schema_ == nullptr ? "sqlite::memory:" : schema_->url());
  }
  absl::Status Run(std::vector<EmbeddedFile> files) { return Migrate(*db_, files, clock_); }
  std::vector<std::string> Applied() {
    std::vector<std::string> names;
    EXPECT_TRUE(db_->Read([&](Transaction& tx) -> absl::Status {
                     REMATCH_ASSIGN_OR_RETURN(const auto rows, tx.Query("SELECT name FROM schema_migrations ORDER BY number"));
                     for (const Row& row : rows) names.push_back(row.Text(0));
                     return absl::OkStatus();
                   })
                    .ok());
    return names;
  }
  int64_t RowsOfA() {
    int64_t count = -1;
    EXPECT_TRUE(db_->Read([&](Transaction& tx) -> absl::Status {
                     REMATCH_ASSIGN_OR_RETURN(const auto rows, tx.Query("SELECT COUNT(*) FROM a"));
                     count = rows[0].Int(0);
                     return absl::OkStatus();
                   })
                    .ok());
    return count;
  }

  platform::ManualClock clock_{absl::FromUnixSeconds(1'772'442'000)};
  std::unique_ptr<rematch::testing::MysqlSchema> schema_;
  std::unique_ptr<Database> db_;
};
INSTANTIATE_TEST_SUITE_P(Stores, Migrations, ::testing::Values("Sqlite", "Mysql"), [](const auto& info) { return info.param; });

TEST_P(Migrations, AreAppliedOnceInOrder) {
  ASSERT_TRUE(Run({kFirst, kSecond}).ok());
  EXPECT_THAT(Applied(), ElementsAre("0001_first.sql", "0002_second.sql"));
  ASSERT_TRUE(Run({kFirst, kSecond}).ok());
  EXPECT_EQ(RowsOfA(), 1);
}

TEST_P(Migrations, ANewerBinaryAddsItsOwn) {
  ASSERT_TRUE(Run({kFirst}).ok());
  ASSERT_TRUE(Run({kFirst, kSecond}).ok());
  EXPECT_EQ(RowsOfA(), 1);
}

TEST_P(Migrations, AFailedOneLeavesNothingOfItself) {
  const absl::Status status = Run({kFirst, {"0002_bad.sql", "INSERT INTO a (x) VALUES (1);\nINSERT INTO nowhere (x) VALUES (1);"}});
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(DetailOf(status), AllOf(HasSubstr("0002_bad.sql"), HasSubstr("nowhere"))) << "for the operator";
  EXPECT_THAT(Applied(), ElementsAre("0001_first.sql"));
  EXPECT_EQ(RowsOfA(), 0);
}

TEST_P(Migrations, AnOlderBinaryRefusesTheStoreOfANewerOne) {
  ASSERT_TRUE(Run({kFirst, kSecond}).ok());
  const absl::Status status = Run({kFirst});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), reason::kSchemaMismatch);
  EXPECT_THAT(std::string(status.message()), HasSubstr("0002_second.sql"));
}

TEST_P(Migrations, AChangedOneIsRefusedBeforeAnythingIsApplied) {
  ASSERT_TRUE(Run({kFirst}).ok());
  const absl::Status status = Run({{kFirst.name, "CREATE TABLE a (y BIGINT);"}, kSecond});
  EXPECT_EQ(ReasonOf(status), reason::kSchemaMismatch);
  EXPECT_THAT(std::string(status.message()), HasSubstr("0001_first.sql"));
  EXPECT_THAT(Applied(), ElementsAre("0001_first.sql"));
}

TEST_P(Migrations, OneThatComesInBetweenIsRefused) {
  ASSERT_TRUE(Run({kFirst, {"0003_third.sql", "CREATE TABLE c (x BIGINT);"}}).ok());
  const absl::Status status = Run({kFirst, kSecond, {"0003_third.sql", "CREATE TABLE c (x BIGINT);"}});
  EXPECT_EQ(ReasonOf(status), reason::kSchemaMismatch);
  EXPECT_THAT(std::string(status.message()), HasSubstr("0002_second.sql"));
}

TEST_P(Migrations, NamesAreCheckedBeforeAnythingIsApplied) {
  for (const std::vector<EmbeddedFile>& files : std::vector<std::vector<EmbeddedFile>>{{{"first.sql", "SELECT 1;"}},
                                                                                       {{"0001_it's.sql", "SELECT 1;"}},
                                                                                       {{"0001_a.txt", "SELECT 1;"}},
                                                                                       {kSecond, kFirst},
                                                                                       {kFirst, kFirst}}) {
    EXPECT_EQ(ReasonOf(Run(files)), reason::kMigrationInvalid) << files.back().name;
  }
}

TEST_P(Migrations, WhoeverComesAfterOneThatDiedGoesOnWhereItStood) {
  HastyClock clock;
  for (int changes = 0;; ++changes) {
    Anew();
    MortalDatabase mortal(*db_, changes);
    const absl::Status first = Migrate(mortal, std::vector<EmbeddedFile>{kFirst, kSecond}, clock);
    if (first.ok()) {
      EXPECT_GT(changes, 8) << "died nowhere in particular";
      break;
    }
    const absl::Status second = Migrate(*db_, std::vector<EmbeddedFile>{kFirst, kSecond}, clock);
    ASSERT_TRUE(second.ok()) << second << DetailOf(second) << " after a death at change " << changes;
    EXPECT_THAT(Applied(), ElementsAre("0001_first.sql", "0002_second.sql"));
    EXPECT_EQ(RowsOfA(), 1) << "after a death at change " << changes;
  }
}

TEST_P(Migrations, ATableThatWasThereBeforeIsNotTakenForOnesOwn) {
  ASSERT_TRUE(db_->RunDdl("CREATE TABLE b (other BIGINT)").ok());
  EXPECT_FALSE(Run({kFirst}).ok());
  EXPECT_THAT(Applied(), ::testing::IsEmpty());
}

TEST_P(Migrations, AColumnThatSomebodyTookAwayIsNamed) {
  ASSERT_TRUE(Run({kFirst}).ok());
  ASSERT_TRUE(db_->RunDdl("ALTER TABLE a ADD COLUMN more BIGINT").ok());
  EXPECT_TRUE(CheckSchema(*db_).ok()) << "more than was made does no harm";
  ASSERT_TRUE(db_->RunDdl("ALTER TABLE a DROP COLUMN x").ok());
  for (const absl::Status& status : {CheckSchema(*db_), Run({kFirst})}) {
    EXPECT_EQ(FailureOf(status), Failure::kUnavailable);
    EXPECT_THAT(DetailOf(status), HasSubstr("a.x bigint"));
  }
  ASSERT_TRUE(db_->RunDdl("ALTER TABLE a ADD COLUMN x BIGINT").ok());
  EXPECT_TRUE(CheckSchema(*db_).ok()) << "and all is well when it is back";
}

class ConcurrentMigrations : public Migrations {};
INSTANTIATE_TEST_SUITE_P(Stores, ConcurrentMigrations, ::testing::Values("Mysql"), [](const auto& info) { return info.param; });

TEST_P(ConcurrentMigrations, ReplicasThatStartAtOnceDoItOnce) {
  constexpr int kReplicas = 5;
  std::vector<std::thread> threads;
  for (int i = 0; i < kReplicas; ++i) {
    threads.emplace_back([this] {
      platform::RealClock clock;
      const auto db = *Open(schema_->url());
      const absl::Status status = Migrate(*db, std::vector<EmbeddedFile>{kFirst, kSecond}, clock);
      EXPECT_TRUE(status.ok()) << status << DetailOf(status);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(Applied(), ElementsAre("0001_first.sql", "0002_second.sql"));
  EXPECT_EQ(RowsOfA(), 1);
}

}  // namespace
}  // namespace rematch::sql
