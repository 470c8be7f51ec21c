// The one door for changes, over a service that keeps counters.
#include "platform/group_commit.h"
#include "platform/sql/migrations.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "platform/errors.h"
#include "tests/mysql_schema.h"
#include "tests/platform/counting_database.h"
#include "tests/platform/faulty_database.h"
#include "tests/platform/temp_dir.h"

namespace rematch {
namespace {

using platform::ManualClock;
using platform::SeededRandom;
using rematch::testing::Fault;
using rematch::testing::FaultyDatabase;
using rematch::testing::TempDir;
using sql::Failure;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kSchema[] =
    "CREATE TABLE requests (scope VARCHAR(255) NOT NULL, request_id VARCHAR(128) NOT NULL, attempt VARCHAR(64) NOT NULL,\n"
    "  body_hash VARCHAR(64) NOT NULL, reply LONGBLOB, created BIGINT NOT NULL, PRIMARY KEY (scope, request_id));\n"
    "CREATE TABLE counters (name VARCHAR(64) NOT NULL PRIMARY KEY, total BIGINT NOT NULL, CHECK (total < 1000));\n";

// Adds `by` to a counter and replies with its new total. Refuses what would make it negative; beyond 999 the store refuses.
struct Add {
  std::string counter;
  int64_t by = 1;
  bool lasting = false;  // a refusal is
  bool alone = false;
  bool StandsAlone() const { return alone; }
};

class Counters {
 public:
  absl::StatusOr<BatchResult> Run(sql::Transaction& tx, absl::Span<Add* const> batch) {
    std::function<void()> before;
    {
      absl::MutexLock lock(&mutex_);
      std::vector<std::string> seen;
      for (const Add* add : batch) seen.push_back(absl::StrCat(add->counter, "+", add->by));
      batches_.push_back(std::move(seen));
      before = before_;
      if (!fail_.ok()) return fail_;
    }
    if (before) before();
    std::map<std::string, int64_t> totals;
    for (const Add* add : batch) totals[add->counter] = 0;
    std::vector<sql::Value> names;
    for (const auto& [name, total] : totals) names.emplace_back(name);
    sql::PadInList(names);
    REMATCH_ASSIGN_OR_RETURN(
        const auto rows,
        tx.Query("SELECT name, total FROM counters WHERE name IN " + sql::InList(names.size()) + " ORDER BY name FOR UPDATE", names));
    for (const sql::Row& row : rows) totals[row.Text(0)] = row.Int(1);
    BatchResult result;
    std::map<std::string, int64_t> changed;
    for (const Add* add : batch) {
      int64_t& total = totals[add->counter];
      if (total + add->by < 0) {
        absl::Status refusal = Error(absl::StatusCode::kFailedPrecondition, "BELOW_ZERO", "not below zero");
        result.replies.push_back(add->lasting ? Lasting(std::move(refusal)) : std::move(refusal));
        continue;
      }
      total += add->by;
      changed[add->counter] = total;
      result.replies.push_back(std::to_string(total));
    }
    if (!changed.empty()) {
      std::vector<sql::Value> values;
      for (const auto& [name, total] : changed) values.insert(values.end(), {name, total});
      REMATCH_RETURN_IF_ERROR(tx.Execute("INSERT INTO counters (name, total) VALUES " + sql::ValueRows(changed.size(), 2) +
                                             " ON DUPLICATE KEY UPDATE total = VALUES(total)",
                                         values)
                                  .status());
    }
    result.committed = [this] {
      absl::MutexLock lock(&mutex_);
      ++committed_;
    };
    return result;
  }

  // What the handler was called with, batch by batch.
  std::vector<std::vector<std::string>> batches() {
    absl::MutexLock lock(&mutex_);
    return batches_;
  }
  int committed() {
    absl::MutexLock lock(&mutex_);
    return committed_;
  }
  void SetBefore(std::function<void()> before) {
    absl::MutexLock lock(&mutex_);
    before_ = std::move(before);
  }
  void SetFail(absl::Status status) {
    absl::MutexLock lock(&mutex_);
    fail_ = std::move(status);
  }

 private:
  absl::Mutex mutex_;
  std::vector<std::vector<std::string>> batches_ ABSL_GUARDED_BY(mutex_);
  int committed_ ABSL_GUARDED_BY(mutex_) = 0;
  std::function<void()> before_ ABSL_GUARDED_BY(mutex_);
  absl::Status fail_ ABSL_GUARDED_BY(mutex_);
};

struct Counts final : GroupCommitObserver {
  void Batch(size_t commands, absl::Duration took) override {
    batches.push_back(commands);
    took_in_all += took;
  }
  void Waited(absl::Duration in_queue) override { waits.push_back(in_queue); }
  void Retried() override { ++retries; }
  void Split() override { ++splits; }
  std::vector<size_t> batches;
  absl::Duration took_in_all;
  std::vector<absl::Duration> waits;
  int retries = 0;
  int splits = 0;
};

CommandMeta Id(std::string request_id, std::string body_hash = "hash") {
  return {.scope = "consortia/1", .request_id = std::move(request_id), .body_hash = std::move(body_hash)};
}
CommandMeta Timer() {
  CommandMeta meta;
  meta.priority = Priority::kTimer;
  return meta;
}

// A reply once it is there.
using Answer = std::shared_ptr<std::optional<absl::StatusOr<std::string>>>;

int64_t TotalOf(sql::Database& db, const std::string& counter) {
  int64_t total = 0;
  EXPECT_TRUE(db.Read([&](sql::Transaction& tx) -> absl::Status {
                  REMATCH_ASSIGN_OR_RETURN(const auto rows, tx.Query("SELECT total FROM counters WHERE name = ?", {counter}));
                  if (!rows.empty()) total = rows[0].Int(0);
                  return absl::OkStatus();
                }).ok());
  return total;
}

// On one thread: every batch is run by the test.
class GroupCommitTest : public ::testing::Test {
 protected:
  GroupCommitTest() { EXPECT_TRUE(sql::RunScript(*db_, kSchema).ok()); }

  GroupCommit<Add>& Door() {
    if (door_ == nullptr) {
      options_.threads = 0;
      door_ = std::make_unique<GroupCommit<Add>>(options_, faulty_, counters_, clock_, random_, &counts_);
    }
    return *door_;
  }
  Answer Submit(CommandMeta meta, Add add) {
    auto answer = std::make_shared<std::optional<absl::StatusOr<std::string>>>();
    Door().Submit(std::move(meta), std::move(add), [answer](absl::StatusOr<std::string> reply) {
      EXPECT_FALSE(answer->has_value()) << "answered twice";
      *answer = std::move(reply);
    });
    return answer;
  }
  static std::string Show(const Answer& answer) {
    if (!answer->has_value()) return "waiting";
    return (*answer)->ok() ? ***answer : ReasonOf((*answer)->status());
  }
  int64_t Claims() {
    int64_t count = -1;
    EXPECT_TRUE(db_->Read([&](sql::Transaction& tx) -> absl::Status {
                     REMATCH_ASSIGN_OR_RETURN(const auto rows, tx.Query("SELECT COUNT(*) FROM requests"));
                     count = rows[0].Int(0);
                     return absl::OkStatus();
                   })
                    .ok());
    return count;
  }

  ManualClock clock_{absl::FromUnixSeconds(1'772'442'000)};
  SeededRandom random_{1};
  std::unique_ptr<sql::Database> db_ = *sql::Open("sqlite::memory:");
  FaultyDatabase faulty_{*db_};
  Counters counters_;
  Counts counts_;
  GroupCommitOptions options_;
  std::unique_ptr<GroupCommit<Add>> door_;
};

TEST_F(GroupCommitTest, WhatIsQueuedFormsOneBatchInItsOrder) {
  const Answer a = Submit(Id("1"), {"x", 1});
  const Answer b = Submit(Id("2"), {"y", 5});
  const Answer c = Submit(Id("3"), {"x", 2});
  EXPECT_EQ(Show(a), "waiting");
  EXPECT_TRUE(Door().RunOnce());
  EXPECT_FALSE(Door().RunOnce());
  EXPECT_THAT(counters_.batches(), ElementsAre(ElementsAre("x+1", "y+5", "x+2")));
  EXPECT_EQ(faulty_.transactions(), 1);
  EXPECT_EQ(Show(a), "1");
  EXPECT_EQ(Show(b), "5");
  EXPECT_EQ(Show(c), "3") << "several commands on one counter apply in order";
  EXPECT_EQ(TotalOf(*db_, "x"), 3);
  EXPECT_EQ(counters_.committed(), 1);
  EXPECT_THAT(counts_.batches, ElementsAre(3));
}

TEST_F(GroupCommitTest, ABatchHasNoMoreThanItsLimit) {
  options_.max_batch = 2;
  for (int i = 0; i < 5; ++i) Submit({}, {"x", 1});
  while (Door().RunOnce()) {
  }
  EXPECT_THAT(counts_.batches, ElementsAre(2, 2, 1));
  EXPECT_EQ(TotalOf(*db_, "x"), 5);
}

TEST_F(GroupCommitTest, TheSameRequestAgainGetsTheFirstAnswer_F32) {
  EXPECT_EQ(*Door().Commit(Id("1"), {"x", 1}), "1");
  EXPECT_EQ(*Door().Commit(Id("2"), {"x", 1}), "2");
  EXPECT_EQ(*Door().Commit(Id("1"), {"x", 1}), "1");
  EXPECT_EQ(TotalOf(*db_, "x"), 2);
  const size_t asked = counters_.batches().size();
  EXPECT_EQ(*Door().Commit(Id("2"), {"x", 1}), "2");
  EXPECT_EQ(counters_.batches().size(), asked) << "where repetitions are known to come, the handler is not even asked";
  EXPECT_EQ(counts_.splits, 0);
}

TEST_F(GroupCommitTest, ARepetitionThatWouldBeRefusedNowGetsTheFirstAnswer_F32) {
  EXPECT_EQ(*Door().Commit(Id("1"), {"x", 1}), "1");
  EXPECT_EQ(*Door().Commit(Id("2"), {"x", -1}), "0");
  EXPECT_EQ(ReasonOf(Door().Commit(Id("1", "other"), {"x", -1}).status()), reason::kRequestIdReused);
  const Answer a = Submit(Id("2"), {"x", -1});
  const Answer b = Submit(Id("2", "other"), {"x", -1});
  const Answer c = Submit(Id("3"), {"x", -1});
  Door().Drain();
  EXPECT_THAT((std::vector<std::string>{Show(a), Show(b), Show(c)}), ElementsAre("0", "REQUEST_ID_REUSED", "BELOW_ZERO"));
  EXPECT_EQ(TotalOf(*db_, "x"), 0);
  EXPECT_EQ(counts_.retries, 0) << "what is refused writes nothing that could meet a key";
}

TEST_F(GroupCommitTest, WhateverATryFailsOfARepetitionIsAnsweredByTheNext_F32) {
  for (const Failure failure : {Failure::kRetry, Failure::kLockWait, Failure::kUnavailable, Failure::kSplit}) {
    const std::string id = absl::StrCat("id", static_cast<int>(failure));
    EXPECT_TRUE(Door().Commit(Id(id), {"x", 1}).ok());
    faulty_.Next(Fault::Before(failure));
    const size_t asked = counters_.batches().size();
    EXPECT_TRUE(Door().Commit(Id(id), {"x", 1}).ok()) << id;
    EXPECT_EQ(counters_.batches().size(), asked) << id << ": the handler need not be asked for it";
    // Other requests, until claims are not made ahead any more.
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(Door().Commit(Id(absl::StrCat(id, "-", i)), {"y", 1}).ok());
  }
  EXPECT_EQ(TotalOf(*db_, "x"), 4);
}

TEST_F(GroupCommitTest, ABatchOfNewRequestsWritesTheirRowsOnce) {
  rematch::testing::CountingDatabase counting(std::move(db_));
  counting.Count();
  options_.threads = 0;
  {
    GroupCommit<Add> door(options_, counting, counters_, clock_, random_, &counts_);
    for (const char* id : {"1", "2", "3"}) door.Submit(Id(id), {"x", 1}, [](const auto& reply) { EXPECT_TRUE(reply.ok()); });
    EXPECT_TRUE(door.RunOnce());
  }
  const std::vector<std::string> statements = counting.TakeTransaction();
  EXPECT_EQ(std::count_if(statements.begin(), statements.end(), [](const std::string& s) { return absl::StrContains(s, "requests"); }), 1)
      << absl::StrJoin(statements, "\n");
}

TEST_F(GroupCommitTest, TheSameRequestWithAnotherBodyIsAnError_F32) {
  EXPECT_EQ(*Door().Commit(Id("1", "hash"), {"x", 1}), "1");
  const auto again = Door().Commit(Id("1", "other"), {"x", 2});
  EXPECT_EQ(again.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ReasonOf(again.status()), reason::kRequestIdReused);
  EXPECT_EQ(TotalOf(*db_, "x"), 1);
}

TEST_F(GroupCommitTest, ARequestIdIsUniqueInItsScopeOnly) {
  CommandMeta other = Id("1");
  other.scope = "consortia/2";
  EXPECT_EQ(*Door().Commit(Id("1"), {"x", 1}), "1");
  EXPECT_EQ(*Door().Commit(other, {"x", 1}), "2");
}

TEST_F(GroupCommitTest, OldAndNewRequestsMixInABatch_F32) {
  EXPECT_EQ(*Door().Commit(Id("2"), {"x", 1}), "1");
  const Answer a = Submit(Id("3"), {"x", 1});
  const Answer b = Submit(Id("2"), {"x", 1});
  const Answer c = Submit(Id("2", "other"), {"x", 1});
  const Answer d = Submit(Id("1"), {"x", 1});
  Door().Drain();
  EXPECT_THAT((std::vector<std::string>{Show(a), Show(b), Show(c), Show(d)}), ElementsAre("2", "1", "REQUEST_ID_REUSED", "3"));
}

TEST_F(GroupCommitTest, ATwinInTheSameBatchGetsTheFirstOnesAnswer_F32) {
  const Answer a = Submit(Id("1"), {"x", 1});
  const Answer b = Submit(Id("1"), {"x", 1});
  const Answer c = Submit(Id("1", "other"), {"x", 2});
  EXPECT_TRUE(Door().RunOnce());
  EXPECT_EQ(Show(a), "1");
  EXPECT_EQ(Show(b), "1");
  EXPECT_EQ(Show(c), "REQUEST_ID_REUSED");
  EXPECT_EQ(TotalOf(*db_, "x"), 1);
}

TEST_F(GroupCommitTest, ATwinOfARefusedCommandIsJudgedAnewInTheNextBatch) {
  const Answer a = Submit(Id("1"), {"x", -1});
  const Answer b = Submit(Id("1"), {"x", -1});
  const Answer c = Submit({}, {"x", 1});
  EXPECT_TRUE(Door().RunOnce());
  EXPECT_EQ(Show(a), "BELOW_ZERO");
  EXPECT_EQ(Show(b), "waiting");
  EXPECT_EQ(Show(c), "1");
  EXPECT_TRUE(Door().RunOnce());
  EXPECT_EQ(Show(b), "0");
  EXPECT_EQ(counts_.waits.size(), 3u) << "a wait is reported once a command";
}

TEST_F(GroupCommitTest, ATwinOfAMisusedIdIsComparedWithWhatTookPlace) {
  EXPECT_EQ(*Door().Commit(Id("1", "right"), {"x", 1}), "1");
  const Answer a = Submit(Id("1", "wrong"), {"x", 9});
  const Answer b = Submit(Id("1", "right"), {"x", 1});
  Door().Drain();
  EXPECT_EQ(Show(a), "REQUEST_ID_REUSED");
  EXPECT_EQ(Show(b), "1");
}

TEST_F(GroupCommitTest, ARefusalLeavesNoClaim) {
  const Answer a = Submit(Id("1"), {"x", -1});
  const Answer b = Submit(Id("2"), {"y", 1});
  EXPECT_TRUE(Door().RunOnce());
  EXPECT_EQ(Show(a), "BELOW_ZERO");
  EXPECT_EQ(Show(b), "1");
  EXPECT_EQ(Claims(), 1);
  EXPECT_EQ(*Door().Commit({}, {"x", 5}), "5");
  EXPECT_EQ(*Door().Commit(Id("1", "another body even"), {"x", -1}), "4") << "a refusal changed nothing: the request may be made again";
}

TEST_F(GroupCommitTest, ATwinOfALastingRefusalHasItsAnswer_F32) {
  const Add add = {.counter = "x", .by = -1, .lasting = true};
  const Answer first = Submit(Id("1"), add), twin = Submit(Id("1"), add);
  Door().Drain();
  EXPECT_EQ(Show(first), "BELOW_ZERO");
  EXPECT_EQ(Show(twin), "BELOW_ZERO");
  EXPECT_EQ(Claims(), 1);
  EXPECT_EQ(counters_.batches().size(), 1u) << "the twin has the answer of the first";
}

TEST_F(GroupCommitTest, ALastingRefusalIsGivenAgainWhateverHasChanged_F32) {
  const Add add = {.counter = "x", .by = -1, .lasting = true};
  EXPECT_EQ(ReasonOf(Door().Commit(Id("1"), add).status()), "BELOW_ZERO");
  EXPECT_EQ(*Door().Commit({}, {"x", 5}), "5");
  // First the handler would do it now, and meets the row; then repetitions are expected, and it is not asked.
  for (int i = 0; i < 2; ++i) {
    const absl::Status again = Door().Commit(Id("1"), add).status();
    EXPECT_EQ(again, Error(absl::StatusCode::kFailedPrecondition, "BELOW_ZERO", "not below zero"));
  }
  EXPECT_EQ(ReasonOf(Door().Commit(Id("1", "other"), add).status()), reason::kRequestIdReused);
  EXPECT_EQ(*Door().Commit(Id("2"), add), "4") << "another request is another decision";
  EXPECT_EQ(TotalOf(*db_, "x"), 4);
}

TEST_F(GroupCommitTest, ALastingRefusalKeepsItsClaim_F32) {
  EXPECT_EQ(*Door().Commit(Id("1"), {"y", 1}), "1");
  EXPECT_EQ(*Door().Commit(Id("1"), {"y", 1}), "1") << "from now on ids are claimed first";
  const Add add = {.counter = "x", .by = -1, .lasting = true};
  const Answer lasting = Submit(Id("2"), add), passing = Submit(Id("3"), {"x", -1});
  Door().Drain();
  EXPECT_EQ(Show(lasting), "BELOW_ZERO");
  EXPECT_EQ(Show(passing), "BELOW_ZERO");
  EXPECT_EQ(Claims(), 2);
}

TEST_F(GroupCommitTest, ALastingRefusalWhoseCommitWasNotHeardOfIsTheSame_F32) {
  faulty_.Next(Fault::BrokenCommit());
  EXPECT_EQ(ReasonOf(Door().Commit(Id("1"), {.counter = "x", .by = -1, .lasting = true}).status()), "BELOW_ZERO");
  EXPECT_EQ(Claims(), 1);
  EXPECT_EQ(counters_.committed(), 1) << "what the lost commit would have set going is set going once";
}

TEST_F(GroupCommitTest, ABadCommandIsSplitOffAndTheRestIsReloadedAndDone) {
  EXPECT_EQ(*Door().Commit({}, {"x", 100}), "100");
  std::vector<Answer> answers;
  for (int i = 0; i < 8; ++i) answers.push_back(Submit(Id(std::to_string(i)), {i == 5 ? "bad" : "x", i == 5 ? 5000 : 1}));
  EXPECT_TRUE(Door().RunOnce());
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(Show(answers[i]), i == 5 ? "STORE_REFUSED" : std::to_string(100 + i + (i < 5 ? 1 : 0)));
  }
  EXPECT_EQ(TotalOf(*db_, "x"), 107);
  EXPECT_EQ(TotalOf(*db_, "bad"), 0);
  EXPECT_EQ(Claims(), 7);
  // 8 fail; 4 succeed, 4 fail; 2 fail, 2 succeed; 1 succeeds, 1 is the bad one.
  EXPECT_THAT(counts_.batches, ElementsAre(1, 4, 1, 2));
  EXPECT_EQ(counters_.batches().size(), 1u + 7u);
  EXPECT_EQ(counts_.splits, 3);
}

TEST_F(GroupCommitTest, AnErrorOfTheHandlerItselfIsItsCommandsAnswer) {
  counters_.SetFail(absl::DataLossError("cannot read the state"));
  const Answer a = Submit(Id("1"), {"x", 1});
  const Answer b = Submit(Id("2"), {"x", 1});
  EXPECT_TRUE(Door().RunOnce());
  EXPECT_EQ((*a)->status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ((*b)->status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(Claims(), 0);
}

TEST_F(GroupCommitTest, ADeadlockIsTriedAgain) {
  faulty_.Next(Fault::Before(Failure::kRetry));
  faulty_.Next(Fault::BeforeCommit(Failure::kRetry), 2);
  EXPECT_EQ(*Door().Commit(Id("1"), {"x", 1}), "1");
  EXPECT_EQ(TotalOf(*db_, "x"), 1);
  EXPECT_EQ(counters_.batches().size(), 3u) << "the handler loads anew each time that it runs";
  EXPECT_EQ(counters_.committed(), 1);
  EXPECT_EQ(counts_.retries, 3);
}

TEST_F(GroupCommitTest, TheTimeOfABatchIncludesItsRetries) {
  counters_.SetBefore([this] { clock_.Advance(absl::Seconds(1)); });
  faulty_.Next(Fault::BeforeCommit(Failure::kRetry), 2);
  EXPECT_EQ(*Door().Commit(Id("1"), {"x", 1}), "1");
  EXPECT_EQ(counts_.took_in_all, absl::Seconds(3));
}

TEST_F(GroupCommitTest, TheHalvesOfASplitBatchHaveTheirOwnAttempts) {
  const Answer a = Submit(Id("1"), {"x", 1});
  const Answer b = Submit(Id("2"), {"x", 1});
  faulty_.Next(Fault::BeforeCommit(Failure::kRetry), options_.max_attempts - 1);
  faulty_.Next(Fault::BeforeCommit(Failure::kSplit));
  for (int half = 0; half < 2; ++half) {
    faulty_.Next(Fault::BeforeCommit(Failure::kRetry), options_.max_attempts - 1);
    faulty_.Next(Fault::None());
  }
  EXPECT_TRUE(Door().RunOnce());
  EXPECT_EQ(Show(a), "1");
  EXPECT_EQ(Show(b), "2");
}

TEST_F(GroupCommitTest, WhatDeadlocksForeverIsGivenUp) {
  faulty_.Always(Fault::BeforeCommit(Failure::kRetry));
  const auto reply = Door().Commit(Id("1"), {"x", 1});
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(reply.status()), reason::kStoreUnavailable);
  EXPECT_EQ(faulty_.transactions(), options_.max_attempts);
  EXPECT_EQ(Claims(), 0);
}

TEST_F(GroupCommitTest, ACommandIsDoneOnceThoughItsCommitWasNotHeardOf) {
  faulty_.Next(Fault::BrokenCommit(), 2);
  const Answer a = Submit(Id("1"), {"x", 1});
  const Answer b = Submit(Id("2"), {"x", 1});
  EXPECT_TRUE(Door().RunOnce());
  EXPECT_EQ(Show(a), "1");
  EXPECT_EQ(Show(b), "2");
  EXPECT_EQ(TotalOf(*db_, "x"), 2);
  EXPECT_EQ(counters_.batches().size(), 1u) << "the claims answer the rerun";
  EXPECT_EQ(counters_.committed(), 1) << "what was left to do after the commit is done once";
}

TEST_F(GroupCommitTest, ACommandIsDoneOnceWhenItsCommitWasLost) {
  faulty_.Next(Fault::LostCommit());
  EXPECT_EQ(*Door().Commit(Id("1"), {"x", 1}), "1");
  EXPECT_EQ(TotalOf(*db_, "x"), 1);
  EXPECT_EQ(counters_.batches().size(), 2u);
  EXPECT_EQ(counters_.committed(), 1);
}

TEST_F(GroupCommitTest, NobodyIsToldThatNothingHappenedAfterACommitOfUnknownOutcome) {
  CommandMeta meta = Id("1");
  meta.deadline = clock_.Now() + absl::Seconds(1);
  counters_.SetBefore([this] { clock_.Advance(absl::Seconds(2)); });
  faulty_.Next(Fault::BrokenCommit());
  EXPECT_EQ(*Door().Commit(meta, {"x", 1}), "1") << "past its deadline, but it took place";
}

TEST_F(GroupCommitTest, AnUnavailableStoreIsWaitedFor) {
  faulty_.Next(Fault::Before(Failure::kUnavailable), 10);
  EXPECT_EQ(*Door().Commit(Id("1"), {"x", 1}), "1") << "longer than max_attempts";
}

TEST_F(GroupCommitTest, AStoreThatStaysUnavailableIsGivenUp) {
  faulty_.Always(Fault::Before(Failure::kUnavailable));
  EXPECT_EQ(ReasonOf(Door().Commit(Id("1"), {"x", 1}).status()), reason::kStoreUnavailable);
  faulty_.Always(Fault::None());
  EXPECT_EQ(*Door().Commit(Id("1"), {"x", 1}), "1");
}

TEST_F(GroupCommitTest, AKeyThatAppearedMeanwhileIsSeenTheNextTime) {
  faulty_.Next(Fault::BeforeCommit(Failure::kConflict));
  const Answer a = Submit(Id("1"), {"x", 1});
  const Answer b = Submit(Id("2"), {"x", 1});
  EXPECT_TRUE(Door().RunOnce());
  EXPECT_EQ(Show(a), "1");
  EXPECT_EQ(Show(b), "2");
  EXPECT_EQ(counts_.splits, 0) << "no command is at fault";
}

TEST_F(GroupCommitTest, AKeyThatIsAlwaysThereIsTheFaultOfOneCommand) {
  faulty_.Always(Fault::BeforeCommit(Failure::kConflict));
  const Answer a = Submit(Id("1"), {"x", 1});
  const Answer b = Submit(Id("2"), {"x", 1});
  EXPECT_TRUE(Door().RunOnce());
  EXPECT_EQ(Show(a), reason::kStoreRefused);
  EXPECT_EQ(Show(b), reason::kStoreRefused);
  EXPECT_EQ(counts_.splits, 1);
}

TEST_F(GroupCommitTest, WhoWaitsForALockDoesNotHoldUpTheRest) {
  faulty_.Next(Fault::BeforeCommit(Failure::kLockWait));  // the batch
  faulty_.Next(Fault::BeforeCommit(Failure::kLockWait));  // its first half, alone
  const Answer a = Submit(Id("1"), {"x", 1});
  const Answer b = Submit(Id("2"), {"y", 1});
  EXPECT_TRUE(Door().RunOnce());
  EXPECT_EQ(Show(a), "1") << "tried again, since locks end";
  EXPECT_EQ(Show(b), "1");
  EXPECT_THAT(counters_.batches(), ElementsAre(ElementsAre("x+1", "y+1"), ElementsAre("x+1"), ElementsAre("y+1"), ElementsAre("x+1")))
      << "whoever waits comes last";
  EXPECT_EQ(counts_.splits, 1);
}

TEST_F(GroupCommitTest, ALockThatNeverEndsIsGivenUpInTime) {
  faulty_.Always(Fault::BeforeCommit(Failure::kLockWait));
  counters_.SetBefore([this] { clock_.Advance(absl::Seconds(1)); });  // what the store waits
  const auto reply = Door().Commit(Id("1"), {"x", 1});
  EXPECT_EQ(ReasonOf(reply.status()), reason::kStoreUnavailable) << "worth trying again later";
  EXPECT_GE(counts_.retries, 5);
  EXPECT_LE(counts_.retries, 10) << "the waits count, not only the pauses between them";
}

TEST_F(GroupCommitTest, ACommandWhoseDeadlinePassedIsDroppedBeforeItRuns) {
  CommandMeta soon = Id("1");
  soon.deadline = clock_.Now() + absl::Seconds(1);
  const Answer late = Submit(soon, {"x", 1});
  const Answer twin = Submit(Id("1"), {"x", 1});
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(Door().RunOnce());
  EXPECT_EQ((*late)->status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(Show(late), "DEADLINE_PASSED");
  EXPECT_EQ(Show(twin), "1") << "its twin has time";
  EXPECT_THAT(counters_.batches(), ElementsAre(ElementsAre("x+1")));
  EXPECT_THAT(counts_.waits, Each(absl::Seconds(1)));
}

TEST_F(GroupCommitTest, ADeadlineThatPassesBetweenTriesIsKept) {
  CommandMeta soon = Id("1");
  soon.deadline = clock_.Now() + absl::Seconds(1);
  counters_.SetBefore([this] { clock_.Advance(absl::Seconds(2)); });
  faulty_.Next(Fault::BeforeCommit(Failure::kRetry));
  EXPECT_EQ(ReasonOf(Door().Commit(soon, {"x", 1}).status()), reason::kDeadlinePassed);
  EXPECT_EQ(TotalOf(*db_, "x"), 0);
}

TEST_F(GroupCommitTest, AFullQueueAnswersAtOnceWhenToTryAgain) {
  options_.max_queue = 3;
  std::vector<Answer> admitted;
  for (int i = 0; i < 3; ++i) admitted.push_back(Submit({}, {"x", 1}));
  const Answer refused = Submit({}, {"x", 1});
  EXPECT_EQ((*refused)->status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Show(refused), "QUEUE_FULL");
  bool retry_info = false;
  (*refused)->status().ForEachPayload([&](absl::string_view, const absl::Cord& payload) {
    retry_info = retry_info || std::string(payload).find("RetryInfo") != std::string::npos;
  });
  (*refused)->status().ForEachPayload([&](absl::string_view url, const absl::Cord&) {
    retry_info = retry_info || std::string(url).find("RetryInfo") != std::string::npos;
  });
  EXPECT_TRUE(retry_info) << (*refused)->status();
  Door().Drain();
  for (const Answer& answer : admitted) EXPECT_TRUE((*answer)->ok());
  EXPECT_EQ(TotalOf(*db_, "x"), 3);
}

TEST_F(GroupCommitTest, TimersAreLetInOnlyWhileHalfOfTheQueueIsFree) {
  options_.max_queue = 4;
  const Answer first = Submit(Timer(), {"x", 1});
  const Answer second = Submit(Timer(), {"x", 1});
  EXPECT_EQ(Show(Submit(Timer(), {"x", 1})), "QUEUE_FULL");
  EXPECT_EQ(Show(Submit({}, {"x", 1})), "waiting");
  EXPECT_EQ(Show(Submit({}, {"x", 1})), "waiting");
  EXPECT_EQ(Show(Submit({}, {"x", 1})), "QUEUE_FULL");
  Door().Drain();
  EXPECT_EQ(TotalOf(*db_, "x"), 4);
}

TEST_F(GroupCommitTest, TimersGiveWayToPeople) {
  options_.max_batch = 2;
  Submit(Timer(), {"timer", 1});
  Submit({}, {"a", 1});
  Submit(Timer(), {"timer", 2});
  Submit({}, {"b", 1});
  Submit({}, {"c", 1});
  while (Door().RunOnce()) {
  }
  EXPECT_THAT(counters_.batches(), ElementsAre(ElementsAre("a+1", "b+1"), ElementsAre("c+1", "timer+1"), ElementsAre("timer+2")));
}

TEST_F(GroupCommitTest, ACommandThatStandsAloneSharesItsBatchWithNobody) {
  Submit({}, {"a", 1});
  Submit({}, {.counter = "b", .alone = true});
  Submit({}, {.counter = "c", .alone = true});
  Submit({}, {"d", 1});
  Submit({}, {"e", 1});
  Submit(Timer(), {"timer", 1});
  while (Door().RunOnce()) {
  }
  EXPECT_THAT(counters_.batches(),
              ElementsAre(ElementsAre("a+1", "timer+1"), ElementsAre("b+1"), ElementsAre("c+1"), ElementsAre("d+1", "e+1")));
}

TEST_F(GroupCommitTest, AnEighthOfABatchIsKeptForTheTimersThatWaitedLongest) {
  options_.max_batch = 16;
  for (int64_t i = 1; i <= 5; ++i) Submit(Timer(), {"timer", i});
  for (int i = 0; i < 20; ++i) Submit({}, {"people", 1});
  EXPECT_TRUE(Door().RunOnce());
  std::vector<std::string> batch(14, "people+1");
  batch.insert(batch.end(), {"timer+1", "timer+2"});
  EXPECT_EQ(counters_.batches()[0], batch);
}

TEST_F(GroupCommitTest, WhatPeopleLeaveOfABatchIsForTimers) {
  options_.max_batch = 16;
  for (int64_t i = 1; i <= 20; ++i) Submit(Timer(), {"timer", i});
  for (int i = 0; i < 3; ++i) Submit({}, {"people", 1});
  EXPECT_TRUE(Door().RunOnce());
  std::vector<std::string> batch(3, "people+1");
  for (int i = 1; i <= 13; ++i) batch.push_back(absl::StrCat("timer+", i));
  EXPECT_EQ(counters_.batches()[0], batch);
}

TEST_F(GroupCommitTest, WhatTimersLeaveOfABatchIsForPeople) {
  options_.max_batch = 16;
  Submit(Timer(), {"timer", 1});
  for (int i = 0; i < 40; ++i) Submit({}, {"people", 1});
  while (Door().RunOnce()) {
  }
  std::vector<std::string> first(15, "people+1");
  first.push_back("timer+1");
  EXPECT_THAT(counters_.batches(), ElementsAre(first, std::vector<std::string>(16, "people+1"), std::vector<std::string>(9, "people+1")));
}

TEST_F(GroupCommitTest, ADrainThatBeganStillTakesCommandsButWaitsForNoStore) {
  Door().BeginDrain();
  EXPECT_EQ(*Door().Commit(Id("1"), {"x", 1}), "1");
  faulty_.Next(Fault::Before(Failure::kUnavailable));
  EXPECT_EQ(ReasonOf(Door().Commit(Id("2"), {"x", 1}).status()), reason::kStoreUnavailable);
  faulty_.Next(Fault::Before(Failure::kRetry));
  EXPECT_EQ(*Door().Commit(Id("2"), {"x", 1}), "2") << "a store that is there is asked again as ever";
}

TEST_F(GroupCommitTest, DrainAnswersEverybodyAndCloses) {
  options_.max_batch = 2;
  std::vector<Answer> answers;
  for (int i = 0; i < 5; ++i) answers.push_back(Submit(Id(std::to_string(i)), {"x", 1}));
  Door().Drain();
  for (const Answer& answer : answers) EXPECT_TRUE((*answer)->ok());
  const Answer late = Submit({}, {"x", 1});
  EXPECT_EQ(Show(late), "SHUTTING_DOWN");
  EXPECT_EQ((*late)->status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(GroupCommitTest, TheDestructorAnswersWhatIsStillQueued) {
  const Answer a = Submit(Id("1"), {"x", 1});
  const Answer b = Submit(Timer(), {"x", 1});
  door_.reset();
  EXPECT_EQ(Show(a), "SHUTTING_DOWN");
  EXPECT_EQ(Show(b), "SHUTTING_DOWN");
  EXPECT_THAT(counters_.batches(), IsEmpty());
}

TEST_F(GroupCommitTest, AReplyMaySubmitTheNextCommand) {
  std::optional<absl::StatusOr<std::string>> last;
  Door().Submit({}, {"x", 1}, [&](absl::StatusOr<std::string>) {
    Door().Submit({}, {"x", 1}, [&](absl::StatusOr<std::string> reply) { last = std::move(reply); });
  });
  while (Door().RunOnce()) {
  }
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(**last, "2");
}

TEST_F(GroupCommitTest, AnIdThatDoesNotFitIsRefused) {
  EXPECT_EQ(Show(Submit(Id(std::string(129, 'x')), {"x", 1})), "INVALID_FIELD");
  EXPECT_EQ(Show(Submit(Id(std::string(128, 'x')), {"x", 1})), "waiting");
}

// A store in which other replicas do what no single writer lets happen: each transaction gets what the test wrote down for it.
class ScriptedDatabase final : public sql::Database {
 public:
  struct Script {
    bool repeated = false;        // the id is met when the reply is stored
    int64_t claimed = 1;          // rows that INSERT IGNORE inserts
    std::vector<sql::Row> found;  // by the locking read of the claims
  };
  explicit ScriptedDatabase(std::vector<Script> scripts) : scripts_(std::move(scripts)) {}

  absl::Status Transact(absl::FunctionRef<absl::Status(sql::Transaction&)> body) override {
    if (begun == scripts_.size()) return sql::StoreError(Failure::kUnavailable, "more transactions than were written down");
    ScriptedTransaction tx(scripts_[begun++]);
    return body(tx);
  }
  absl::Status Read(absl::FunctionRef<absl::Status(sql::Transaction&)>) override { return absl::UnimplementedError("no reads"); }
  absl::Status ReadEach(absl::FunctionRef<absl::Status(sql::Transaction&)>) override { return absl::UnimplementedError("no reads"); }
  int writers() const override { return 1; }
  absl::Status RunDdl(std::string_view) override { return absl::UnimplementedError("no schema"); }
  std::string_view columns_query() const override { return ""; }

  size_t begun = 0;

 private:
  class ScriptedTransaction final : public sql::Transaction {
   public:
    explicit ScriptedTransaction(const Script& script) : script_(script) {}
    absl::StatusOr<std::vector<sql::Row>> Query(std::string_view, absl::Span<const sql::Value>) override { return script_.found; }
    absl::StatusOr<int64_t> Execute(std::string_view, absl::Span<const sql::Value>) override {
      if (script_.repeated) return sql::StoreError(Failure::kConflict, "a key");
      return script_.claimed;
    }

   private:
    const Script& script_;
  };
  const std::vector<Script> scripts_;
};

// What becomes of the request "1" over these transactions. Its handler replies "ran" and touches no store.
struct RunsAnything {
  absl::StatusOr<BatchResult> Run(sql::Transaction&, absl::Span<Add* const> batch) {
    BatchResult result;
    result.replies.assign(batch.size(), std::string("ran"));
    return result;
  }
};
absl::StatusOr<std::string> CommitOver(ScriptedDatabase& database) {
  ManualClock clock{absl::FromUnixSeconds(1'772'442'000)};
  SeededRandom random{1};
  RunsAnything handler;
  GroupCommitOptions options;
  options.threads = 0;
  GroupCommit<Add> door(options, database, handler, clock, random);
  return door.Commit(Id("1"), {"x", 1});
}
sql::Row ClaimOfAnother(sql::Value reply) {
  return sql::Row({std::string("consortia/1"), std::string("1"), std::string("another attempt"), std::string("hash"), std::move(reply)});
}

TEST(GroupCommitClaims, AClaimThatItsOwnerGaveUpMeanwhileIsTriedAnew) {
  ScriptedDatabase database({{.repeated = true}, {.claimed = 0, .found = {}}, {.claimed = 1, .found = {}}});
  EXPECT_EQ(*CommitOver(database), "ran");
  EXPECT_EQ(database.begun, 3u);
}

TEST(GroupCommitClaims, AClaimWhoseReplyIsNotThereYetIsTriedAnew) {
  ScriptedDatabase database({{.repeated = true},
                             {.claimed = 0, .found = {ClaimOfAnother(std::monostate())}},
                             {.claimed = 0, .found = {ClaimOfAnother(sql::Bytes{"theirs"})}}});
  EXPECT_EQ(*CommitOver(database), "theirs");
  EXPECT_EQ(database.begun, 3u);
}

// With its own threads.
struct Committing {
  const char* name;
  enum { kMemory, kFile, kMysql } store;
  int threads;
};
void PrintTo(const Committing& committing, std::ostream* out) { *out << committing.name; }

class ConcurrentGroupCommit : public ::testing::TestWithParam<Committing> {
 protected:
  ConcurrentGroupCommit()
      : schema_(GetParam().store == Committing::kMysql ? std::make_unique<rematch::testing::MysqlSchema>() : nullptr), db_(OpenStore()) {
    EXPECT_TRUE(sql::RunScript(*db_, kSchema).ok());
    // A row that is not there cannot be locked.
    EXPECT_TRUE(sql::RunScript(*db_, "INSERT INTO counters (name, total) VALUES ('x', 0);").ok());
    options_.threads = GetParam().threads;
  }
  std::unique_ptr<sql::Database> OpenStore() {
    switch (GetParam().store) {
      case Committing::kMysql:
        return *sql::Open(schema_->url());
      case Committing::kFile:
        return *sql::Open("sqlite:" + dir_.File("store.db"));
      case Committing::kMemory:
        break;
    }
    return *sql::Open("sqlite::memory:");
  }

  platform::RealClock clock_;
  SeededRandom random_{1};
  TempDir dir_;
  std::unique_ptr<rematch::testing::MysqlSchema> schema_;
  std::unique_ptr<sql::Database> db_;
  FaultyDatabase faulty_{*db_};
  Counters counters_;
  GroupCommitOptions options_;
};

INSTANTIATE_TEST_SUITE_P(Stores, ConcurrentGroupCommit,
                         ::testing::Values(Committing{"Memory", Committing::kMemory, 1}, Committing{"File", Committing::kFile, 1},
                                           Committing{"MemoryByFourThreads", Committing::kMemory, 4},
                                           Committing{"FileByFourThreads", Committing::kFile, 4},
                                           Committing{"Mysql", Committing::kMysql, 1},
                                           Committing{"MysqlByFourThreads", Committing::kMysql, 4}),
                         [](const auto& info) { return info.param.name; });

// Two replicas, each with a door of its own, over one store.
class ConcurrentReplicas : public ConcurrentGroupCommit {};
INSTANTIATE_TEST_SUITE_P(Stores, ConcurrentReplicas, ::testing::Values(Committing{"MysqlByFourThreads", Committing::kMysql, 4}),
                         [](const auto& info) { return info.param.name; });

TEST_P(ConcurrentReplicas, CountEachRequestOnceWhicheverIsAsked_F32) {
  constexpr int kThreads = 8, kEach = 60, kRequests = 200;
  const std::unique_ptr<sql::Database> other = OpenStore();
  options_.max_batch = 16;
  GroupCommit<Add> here(options_, *db_, counters_, clock_, random_);
  GroupCommit<Add> there(options_, *other, counters_, clock_, random_);
  std::vector<std::map<std::string, std::string>> replies(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        // Both are asked for the same at about the same time.
        const std::string id = std::to_string((t / 2 * 37 + i) % kRequests);
        const auto reply = (t % 2 == 0 ? here : there).Commit(Id(id), {"x", 1});
        ASSERT_TRUE(reply.ok()) << reply.status() << sql::DetailOf(reply.status());
        replies[t].emplace(id, *reply);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::map<std::string, std::string> all;
  for (const auto& mine : replies) {
    for (const auto& [id, reply] : mine) EXPECT_EQ(all.emplace(id, reply).first->second, reply) << "one answer a request, whoever gives it";
  }
  EXPECT_EQ(TotalOf(*db_, "x"), static_cast<int64_t>(all.size()));
}

TEST_P(ConcurrentGroupCommit, WhatArrivesWhileABatchCommitsFormsTheNextBatch) {
  options_.let_gather = absl::InfiniteDuration();
  absl::Notification in_first, release;
  absl::BlockingCounter answered(6);
  counters_.SetBefore([&] {
    if (!in_first.HasBeenNotified()) in_first.Notify();
    release.WaitForNotification();
  });
  GroupCommit<Add> door(options_, *db_, counters_, clock_, random_);
  const auto reply = [&](absl::StatusOr<std::string> result) {
    EXPECT_TRUE(result.ok());
    answered.DecrementCount();
  };
  door.Submit({}, {"x", 1}, reply);
  in_first.WaitForNotification();
  for (int i = 0; i < 5; ++i) door.Submit({}, {"x", 2}, reply);
  release.Notify();
  answered.Wait();
  EXPECT_THAT(counters_.batches(), ElementsAre(ElementsAre("x+1"), ElementsAre("x+2", "x+2", "x+2", "x+2", "x+2")));
}

// Holds up the first transaction before it begins.
class Gate final : public sql::Database {
 public:
  explicit Gate(sql::Database& inner) : inner_(inner) {}
  absl::Status Transact(absl::FunctionRef<absl::Status(sql::Transaction&)> body) override {
    if (!entered_.exchange(true)) {
      first.Notify();
      open.WaitForNotification();
    }
    return inner_.Transact(body);
  }
  absl::Status Read(absl::FunctionRef<absl::Status(sql::Transaction&)> body) override { return inner_.Read(body); }
  absl::Status ReadEach(absl::FunctionRef<absl::Status(sql::Transaction&)> body) override { return inner_.ReadEach(body); }
  int writers() const override { return inner_.writers(); }
  absl::Status RunDdl(std::string_view statement) override { return inner_.RunDdl(statement); }
  std::string_view columns_query() const override { return inner_.columns_query(); }

  absl::Notification first, open;

 private:
  sql::Database& inner_;
  std::atomic<bool> entered_ = false;
};

TEST_P(ConcurrentGroupCommit, ABatchThatTakesLongHoldsUpNobody) {
  options_.threads = 2;
  options_.let_gather = absl::ZeroDuration();
  Gate gate(*db_);
  absl::Notification slow, quick;  // outlive the threads that notify
  GroupCommit<Add> door(options_, gate, counters_, clock_, random_);
  door.Submit({}, {"x", 1}, [&](const absl::StatusOr<std::string>&) { slow.Notify(); });
  gate.first.WaitForNotification();
  door.Submit({}, {"y", 1}, [&](const absl::StatusOr<std::string>&) { quick.Notify(); });
  quick.WaitForNotification();
  EXPECT_FALSE(slow.HasBeenNotified());
  gate.open.Notify();
  slow.WaitForNotification();
}

TEST_P(ConcurrentGroupCommit, HalfABatchDoesNotWaitForTheOneThatRuns) {
  options_.threads = 2;
  options_.max_batch = 4;
  options_.let_gather = absl::InfiniteDuration();
  Gate gate(*db_);
  absl::Notification slow;  // outlive the threads that notify
  absl::BlockingCounter quick(2);
  GroupCommit<Add> door(options_, gate, counters_, clock_, random_);
  door.Submit({}, {"x", 1}, [&](const absl::StatusOr<std::string>&) { slow.Notify(); });
  gate.first.WaitForNotification();
  for (int i = 0; i < 2; ++i) door.Submit({}, {"y", 1}, [&](const absl::StatusOr<std::string>&) { quick.DecrementCount(); });
  quick.Wait();
  EXPECT_FALSE(slow.HasBeenNotified());
  EXPECT_THAT(counters_.batches(), ElementsAre(ElementsAre("y+1", "y+1")));
  gate.open.Notify();
  slow.WaitForNotification();
}

TEST_P(ConcurrentGroupCommit, CountsEachRequestOnceHoweverOftenItIsMade) {
  constexpr int kThreads = 6, kEach = 120, kRequests = 300;
  faulty_.Next(Fault::None(), 3);
  faulty_.Next(Fault::BrokenCommit());
  faulty_.Next(Fault::None(), 2);
  faulty_.Next(Fault::LostCommit());
  faulty_.Next(Fault::BeforeCommit(Failure::kSplit));
  faulty_.Next(Fault::Before(Failure::kRetry), 2);
  options_.max_batch = 16;
  GroupCommit<Add> door(options_, faulty_, counters_, clock_, random_);
  std::vector<std::map<std::string, std::string>> replies(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        const std::string id = std::to_string((t * 71 + i) % kRequests);
        auto reply = door.Commit(Id(id), {"x", 1});
        // The split that was injected may have met a batch of one.
        if (ReasonOf(reply.status()) == reason::kStoreRefused) reply = door.Commit(Id(id), {"x", 1});
        ASSERT_TRUE(reply.ok()) << reply.status();
        const auto [it, first] = replies[t].emplace(id, *reply);
        EXPECT_EQ(it->second, *reply);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::map<std::string, std::string> all;
  for (const auto& mine : replies) {
    for (const auto& [id, reply] : mine) {
      const auto [it, first] = all.emplace(id, reply);
      EXPECT_EQ(it->second, reply) << "one answer a request, whoever asks";
    }
  }
  EXPECT_EQ(TotalOf(*db_, "x"), static_cast<int64_t>(all.size()));
}

TEST_P(ConcurrentGroupCommit, DrainWaitsUntilEverybodyIsAnswered) {
  std::atomic<int> answered = 0;
  GroupCommit<Add> door(options_, *db_, counters_, clock_, random_);
  for (int i = 0; i < 300; ++i) {
    door.Submit(Id(std::to_string(i)), {"x", 1}, [&](absl::StatusOr<std::string> reply) {
      EXPECT_TRUE(reply.ok()) << reply.status();
      ++answered;
    });
  }
  door.Drain();
  EXPECT_EQ(answered, 300);
  EXPECT_EQ(TotalOf(*db_, "x"), 300);
}

// Tells when a batch was tried once.
struct FirstTry final : GroupCommitObserver {
  void Retried() override {
    absl::MutexLock lock(&mutex);
    if (!failed.HasBeenNotified()) failed.Notify();
  }
  absl::Mutex mutex;
  absl::Notification failed;
};

TEST_P(ConcurrentGroupCommit, ADrainDoesNotWaitForAStoreThatIsAway) {
  faulty_.Always(Fault::Before(Failure::kUnavailable));
  options_.max_batch = 4;
  options_.max_retry = absl::InfiniteDuration();
  FirstTry first_try;
  std::atomic<int> answered = 0;
  GroupCommit<Add> door(options_, faulty_, counters_, clock_, random_, &first_try);
  for (int i = 0; i < 30; ++i) {
    door.Submit({}, {"x", 1}, [&](absl::StatusOr<std::string> reply) {
      EXPECT_EQ(ReasonOf(reply.status()), reason::kStoreUnavailable);
      ++answered;
    });
  }
  first_try.failed.WaitForNotification();
  door.Drain();
  EXPECT_EQ(answered, 30);
}

TEST_P(ConcurrentGroupCommit, DestructionInterruptsThePauseBetweenTries) {
  faulty_.Always(Fault::Before(Failure::kUnavailable));
  options_.first_pause = absl::Hours(1);
  options_.max_retry = absl::InfiniteDuration();
  FirstTry first_try;
  std::atomic<int> answered = 0;
  auto door = std::make_unique<GroupCommit<Add>>(options_, faulty_, counters_, clock_, random_, &first_try);
  for (int i = 0; i < 10; ++i) {
    door->Submit({}, {"x", 1}, [&](absl::StatusOr<std::string> reply) {
      EXPECT_EQ(reply.status().code(), absl::StatusCode::kUnavailable);
      ++answered;
    });
  }
  first_try.failed.WaitForNotification();
  door.reset();
  EXPECT_EQ(answered, 10);
}

}  // namespace
}  // namespace rematch
