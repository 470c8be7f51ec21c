// Work that is claimed: by whom, and when from whom else.
#include "platform/leases.h"
#include "platform/sql/migrations.h"

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/errors.h"
#include "tests/mysql_schema.h"

namespace rematch::platform {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Duration kLease = absl::Seconds(10);

class LeasesTest : public ::testing::TestWithParam<std::string> {
 protected:
  LeasesTest() {
    clock_.Advance(absl::Hours(1));  // how long a process runs must not matter
    EXPECT_TRUE(
        sql::RunScript(*db_,
                       "CREATE TABLE replicas (replica VARCHAR(64) NOT NULL PRIMARY KEY, beat BIGINT NOT NULL, seen BIGINT NOT NULL);\n"
                       "CREATE TABLE work (id VARCHAR(64) NOT NULL PRIMARY KEY, due BIGINT NOT NULL, owner VARCHAR(64) NOT NULL,\n"
                       "                   epoch BIGINT NOT NULL);\n"
                       "CREATE INDEX work_due ON work (owner, due);")
            .ok());
  }

  void Add(std::string id, absl::Time due, std::string owner = "", int64_t epoch = 0) {
    EXPECT_TRUE(db_->Transact([&](sql::Transaction& tx) {
                     return tx
                         .Execute("INSERT INTO work (id, due, owner, epoch) VALUES (?, ?, ?, ?)", {id, sql::ToMicros(due), owner, epoch})
                         .status();
                   })
                    .ok());
  }
  void Forget(const std::string& replica) {
    EXPECT_TRUE(
        db_->Transact([&](sql::Transaction& tx) { return tx.Execute("DELETE FROM replicas WHERE replica = ?", {replica}).status(); }).ok());
  }
  std::vector<std::string> Claim(Leases& leases, size_t limit = 100) {
    const auto claims = leases.ClaimDue("work", clock_.Now(), limit);
    EXPECT_TRUE(claims.ok()) << claims.status();
    std::vector<std::string> got;
    for (const auto& claim : *claims) got.push_back(claim.id + "@" + std::to_string(claim.epoch));
    return got;
  }
  // Beats of `beating` while the clock moves on by `time`.
  void Pass(absl::Duration time, std::vector<Leases*> beating) {
    for (absl::Duration gone; gone < time; gone += kLease / 4) {
      clock_.Advance(kLease / 4);
      for (Leases* leases : beating) EXPECT_TRUE(leases->Beat().ok());
    }
  }

  ManualClock clock_{absl::FromUnixSeconds(1'772'442'000)};
  const std::unique_ptr<rematch::testing::MysqlSchema> schema_ =
      GetParam() == "Mysql" ? std::make_unique<rematch::testing::MysqlSchema>() : nullptr;
  const std::unique_ptr<sql::Database> db_ = *sql::Open(schema_ == nullptr ? "sqlite::memory:" : schema_->url());
  Leases a_{*db_, clock_, "a", kLease};
  Leases b_{*db_, clock_, "b", kLease};
};

const auto kStores = ::testing::Values("Sqlite", "Mysql");
const auto kNamedByParam = [](const auto& info) { return info.param; };
INSTANTIATE_TEST_SUITE_P(Stores, LeasesTest, kStores, kNamedByParam);

TEST_P(LeasesTest, ClaimsWhatIsDueAndNobodysTheLongestDueFirst) {
  Add("new", clock_.Now());
  Add("old", clock_.Now() - absl::Hours(1), "", 4);
  Add("later", clock_.Now() + absl::Microseconds(1));
  EXPECT_THAT(Claim(a_), ElementsAre("old@5", "new@1"));
}

TEST_P(LeasesTest, ClaimsNoMoreThanTheLimit) {
  for (int i = 0; i < 5; ++i) Add("w" + std::to_string(i), clock_.Now() - absl::Seconds(i));
  EXPECT_THAT(Claim(a_, 3), ElementsAre("w4@1", "w3@1", "w2@1"));
  EXPECT_THAT(Claim(a_, 3), ElementsAre("w1@1", "w0@1"));
}

TEST_P(LeasesTest, WhatALivingReplicaOwnsIsLeftToIt) {
  Add("mine", clock_.Now(), "a", 1);
  ASSERT_TRUE(a_.Beat().ok());
  ASSERT_TRUE(b_.Beat().ok());
  EXPECT_THAT(Claim(a_), IsEmpty()) << "its own already";
  Pass(10 * kLease, {&a_, &b_});
  EXPECT_THAT(Claim(b_), IsEmpty());
}

TEST_P(LeasesTest, WhatADeadReplicaOwnedIsClaimedUnderAHigherEpoch) {
  Add("left", clock_.Now(), "a", 3);
  ASSERT_TRUE(a_.Beat().ok());
  ASSERT_TRUE(b_.Beat().ok());
  Pass(kLease / 2, {&b_});
  EXPECT_THAT(Claim(b_), IsEmpty());
  Pass(kLease, {&b_});
  EXPECT_THAT(Claim(b_), ElementsAre("left@4"));
}

TEST_P(LeasesTest, AnObserverThatSleptJudgesNobodyByItsOwnAbsence) {
  Add("kept", clock_.Now(), "a", 1);
  ASSERT_TRUE(a_.Beat().ok());
  ASSERT_TRUE(b_.Beat().ok());
  Pass(10 * kLease, {&a_});
  EXPECT_THAT(Claim(b_), IsEmpty()) << "it has not looked since";
  ASSERT_TRUE(b_.Beat().ok());
  EXPECT_THAT(Claim(b_), IsEmpty()) << "the beat had moved";
}

TEST_P(LeasesTest, AReplicaThatMovesAgainBeforeTheClaimKeepsItsWork) {
  Add("kept", clock_.Now(), "a", 1);
  ASSERT_TRUE(a_.Beat().ok());
  ASSERT_TRUE(b_.Beat().ok());
  Pass(2 * kLease, {&b_});
  ASSERT_TRUE(a_.Beat().ok());
  EXPECT_THAT(Claim(b_), IsEmpty());
}

TEST_P(LeasesTest, WhatAnUnknownReplicaOwnsIsClaimedAfterALeaseAndNotBefore) {
  Add("left", clock_.Now(), "ghost", 1);
  EXPECT_THAT(Claim(b_), IsEmpty());
  ASSERT_TRUE(b_.Beat().ok());
  Pass(kLease / 4 * 3, {&b_});
  EXPECT_THAT(Claim(b_), IsEmpty());
  Pass(kLease / 4, {&b_});
  EXPECT_THAT(Claim(b_), ElementsAre("left@2"));
}

TEST_P(LeasesTest, AReplicaThatBeatsForTheFirstTimeKeepsItsWork) {
  Add("kept", clock_.Now(), "a", 1);
  EXPECT_THAT(Claim(b_), IsEmpty());
  ASSERT_TRUE(b_.Beat().ok());
  Pass(2 * kLease, {&b_});
  ASSERT_TRUE(a_.Beat().ok());
  EXPECT_THAT(Claim(b_), IsEmpty()) << "it is known by now";
  Pass(10 * kLease, {&a_, &b_});
  EXPECT_THAT(Claim(b_), IsEmpty());
}

TEST_P(LeasesTest, AReplicaWhoseRowWentAwayIsWatchedAnew) {
  Add("left", clock_.Now(), "a", 1);
  ASSERT_TRUE(a_.Beat().ok());
  EXPECT_THAT(Claim(b_), IsEmpty());
  ASSERT_TRUE(b_.Beat().ok());
  Forget("a");
  Pass(kLease / 4, {&b_});
  Pass(kLease / 4 * 3, {&b_});
  EXPECT_THAT(Claim(b_), IsEmpty());
  Pass(kLease / 4, {&b_});
  EXPECT_THAT(Claim(b_), ElementsAre("left@2"));
}

TEST_P(LeasesTest, AReplicaThatIsGoneIsForgotten) {
  ASSERT_TRUE(a_.Beat().ok());
  ASSERT_TRUE(b_.Beat().ok());
  Forget("a");
  Pass(2 * kLease, {&b_});
  // Back, with the beat that it was last seen with: nothing of the past is held against it.
  ASSERT_TRUE(a_.Beat().ok());
  Add("kept", clock_.Now(), "a", 1);
  ASSERT_TRUE(b_.Beat().ok());
  EXPECT_THAT(Claim(b_), IsEmpty());
}

TEST_P(LeasesTest, TellsWhenTheNextRowOfNobodyFallsDue) {
  EXPECT_EQ(*a_.NextDue("work"), absl::InfiniteFuture());
  Add("owned", clock_.Now(), "b");
  EXPECT_EQ(*a_.NextDue("work"), absl::InfiniteFuture());
  Add("later", clock_.Now() + absl::Hours(2));
  Add("sooner", clock_.Now() + absl::Hours(1));
  EXPECT_EQ(*a_.NextDue("work"), clock_.Now() + absl::Hours(1));
}

class ConcurrentLeases : public LeasesTest {};
INSTANTIATE_TEST_SUITE_P(Stores, ConcurrentLeases, kStores, kNamedByParam);

TEST_P(ConcurrentLeases, NoRowIsClaimedTwice) {
  constexpr int kRows = 200;
  for (int i = 0; i < kRows; ++i) Add("w" + std::to_string(i), clock_.Now());
  std::vector<std::vector<std::string>> got(4);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < got.size(); ++t) {
    threads.emplace_back([&, t] {
      for (;;) {
        const std::vector<std::string> some = Claim(t % 2 == 0 ? a_ : b_, 7);
        if (some.empty()) return;
        got[t].insert(got[t].end(), some.begin(), some.end());
        EXPECT_TRUE((t % 2 == 0 ? a_ : b_).Beat().ok());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::vector<std::string> all;
  for (const auto& mine : got) all.insert(all.end(), mine.begin(), mine.end());
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all.size(), static_cast<size_t>(kRows));
  EXPECT_EQ(std::unique(all.begin(), all.end()), all.end());
}

}  // namespace
}  // namespace rematch::platform
