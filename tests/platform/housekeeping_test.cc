#include "platform/housekeeping.h"
#include "platform/sql/migrations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/leases.h"
#include "tests/mysql_schema.h"

namespace rematch::platform {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class HousekeepingTest : public ::testing::TestWithParam<std::string> {
 protected:
  HousekeepingTest() {
    EXPECT_TRUE(
        sql::RunScript(*db_,
                       "CREATE TABLE requests (scope VARCHAR(255) NOT NULL, request_id VARCHAR(128) NOT NULL, created BIGINT NOT NULL,\n"
                       "                       PRIMARY KEY (scope, request_id));\n"
                       "CREATE INDEX requests_by_age ON requests (created);\n"
                       "CREATE TABLE replicas (replica VARCHAR(64) NOT NULL PRIMARY KEY, beat BIGINT NOT NULL, seen BIGINT NOT NULL);\n"
                       "CREATE TABLE work (id VARCHAR(64) NOT NULL PRIMARY KEY, due BIGINT NOT NULL, owner VARCHAR(64) NOT NULL,\n"
                       "                   epoch BIGINT NOT NULL);\n"
                       "CREATE INDEX work_due ON work (owner, due);")
            .ok());
  }
  void Execute(const std::string& sql, std::vector<sql::Value> values) {
    EXPECT_TRUE(db_->Transact([&](sql::Transaction& tx) { return tx.Execute(sql, values).status(); }).ok());
  }
  void Remember(const std::string& id, absl::Duration ago) {
    Execute("INSERT INTO requests (scope, request_id, created) VALUES ('s', ?, ?)", {id, sql::ToMicros(clock_.Now() - ago)});
  }
  std::vector<std::string> All(const std::string& column, const std::string& table) {
    std::vector<std::string> found;
    EXPECT_TRUE(db_->Read([&](sql::Transaction& tx) {
                     const auto rows = tx.Query("SELECT " + column + " FROM " + table + " ORDER BY " + column);
                     for (const sql::Row& row : *rows) found.push_back(row.Text(0));
                     return rows.status();
                   })
                    .ok());
    return found;
  }

  ManualClock clock_{absl::FromUnixSeconds(1'772'442'000)};
  const std::unique_ptr<rematch::testing::MysqlSchema> schema_ =
      GetParam() == "Mysql" ? std::make_unique<rematch::testing::MysqlSchema>() : nullptr;
  const std::unique_ptr<sql::Database> db_ = *sql::Open(schema_ == nullptr ? "sqlite::memory:" : schema_->url());
  Housekeeping keeper_{*db_, clock_, {"work"}};
};

const auto kStores = ::testing::Values("Sqlite", "Mysql");
const auto kNamedByParam = [](const auto& info) { return info.param; };
INSTANTIATE_TEST_SUITE_P(Stores, HousekeepingTest, kStores, kNamedByParam);

TEST_P(HousekeepingTest, AnswersAreKeptForThirtyDays_F32) {
  Remember("young", absl::Hours(30 * 24 - 1));
  Remember("old", absl::Hours(30 * 24 + 1));
  EXPECT_GT(keeper_.Step(), absl::ZeroDuration());
  EXPECT_THAT(All("request_id", "requests"), ElementsAre("young"));
  clock_.Advance(absl::Hours(2));
  keeper_.Step();
  EXPECT_THAT(All("request_id", "requests"), IsEmpty());
}

TEST_P(HousekeepingTest, ManyGoALittleAtATime) {
  for (int i = 0; i < 1200; ++i) Remember(absl::StrCat("r", i), absl::Hours(31 * 24) + absl::Seconds(i));
  Remember("young", absl::Hours(1));
  EXPECT_EQ(keeper_.Step(), absl::ZeroDuration());
  EXPECT_EQ(All("request_id", "requests").size(), 701u);
  EXPECT_EQ(keeper_.Step(), absl::ZeroDuration());
  EXPECT_GT(keeper_.Step(), absl::ZeroDuration());
  EXPECT_THAT(All("request_id", "requests"), ElementsAre("young"));
}

TEST_P(HousekeepingTest, AReplicaIsForgottenOnceItOwnsNothing) {
  Leases gone(*db_, clock_, "gone", absl::Seconds(10));
  Leases owner(*db_, clock_, "owner", absl::Seconds(10));
  Leases here(*db_, clock_, "here", absl::Seconds(10));
  ASSERT_TRUE(gone.Beat().ok());
  ASSERT_TRUE(owner.Beat().ok());
  Execute("INSERT INTO work (id, due, owner, epoch) VALUES ('w', 0, 'owner', 1)", {});
  clock_.Advance(kKeep + absl::Hours(1));
  ASSERT_TRUE(here.Beat().ok());
  keeper_.Step();
  EXPECT_THAT(All("replica", "replicas"), ElementsAre("here", "owner"));
  // Taken over as ever, then forgotten.
  clock_.Advance(absl::Minutes(1));
  ASSERT_TRUE(here.Beat().ok());
  EXPECT_EQ(here.ClaimDue("work", clock_.Now(), 10)->size(), 1u);
  keeper_.Step();
  EXPECT_THAT(All("replica", "replicas"), ElementsAre("here"));
}

TEST_P(HousekeepingTest, WithoutLeasedWorkThereAreNoReplicasToForget) {
  ASSERT_TRUE(sql::RunScript(*db_, "DROP TABLE replicas;").ok());
  Remember("old", absl::Hours(31 * 24));
  Housekeeping(*db_, clock_).Step();
  EXPECT_THAT(All("request_id", "requests"), IsEmpty());
}

class ConcurrentHousekeeping : public HousekeepingTest {};
INSTANTIATE_TEST_SUITE_P(Stores, ConcurrentHousekeeping, kStores, kNamedByParam);

TEST_P(ConcurrentHousekeeping, SeveralClearUpTheSameStore) {
  for (int i = 0; i < 1200; ++i) Remember(absl::StrCat("r", i), absl::Hours(31 * 24) + absl::Seconds(i));
  Remember("young", absl::Hours(1));
  Housekeeping other(*db_, clock_, {"work"});
  std::vector<std::thread> threads;
  for (Housekeeping* one : {&keeper_, &keeper_, &other}) {
    threads.emplace_back([one] {
      while (one->Step() == absl::ZeroDuration()) {
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(All("request_id", "requests"), ElementsAre("young"));
}

}  // namespace
}  // namespace rematch::platform
