#include "platform/group_read.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "platform/errors.h"
#include "platform/sql/migrations.h"
#include "platform/sql/reasons.h"
#include "tests/platform/faulty_database.h"

namespace rematch {
namespace {

using ::rematch::testing::FaultyDatabase;
using ::testing::ElementsAre;
using ::testing::SizeIs;

struct Query {
  std::string id;
  int64_t amount = 0;  // -1: there is no such item
};

// Reads of a table of items whose amounts are known; an id that begins with "bad" is refused by the handler.
class GroupReadTest : public ::testing::Test {
 protected:
  GroupReadTest() {
    EXPECT_TRUE(sql::RunScript(*store_, "CREATE TABLE items (id VARCHAR(20) NOT NULL PRIMARY KEY, amount BIGINT NOT NULL);").ok());
    Set("a", 1);
    Set("b", 2);
  }

  void Set(const std::string& id, int64_t amount) {
    EXPECT_TRUE(store_
                    ->Transact([&](sql::Transaction& tx) {
                      return tx
                          .Execute("INSERT INTO items (id, amount) VALUES (?, ?) ON DUPLICATE KEY UPDATE amount = VALUES(amount)",
                                   {id, amount})
                          .status();
                    })
                    .ok());
  }

  GroupRead<Query>& Reads(GroupReadOptions options = {.threads = 0}) {
    if (!reads_.has_value()) {
      reads_.emplace(options, database_, clock_, [this](sql::Transaction& tx, absl::Span<Query* const> batch) { return Run(tx, batch); });
    }
    return *reads_;
  }
  absl::Status Run(sql::Transaction& tx, absl::Span<Query* const> batch) {
    std::vector<std::string> ids;
    for (const Query* query : batch) ids.push_back(query->id);
    batches_.push_back(ids);
    if (before_) before_();
    for (Query* query : batch) {
      if (query->id.starts_with("bad")) return sql::StoreError(sql::Failure::kSplit, "a bad one");
      REMATCH_ASSIGN_OR_RETURN(const std::vector<sql::Row> rows, tx.Query("SELECT amount FROM items WHERE id = ?", {query->id}));
      query->amount = rows.empty() ? -1 : rows[0].Int(0);
    }
    return absl::OkStatus();
  }

  // "1", or the reason why not.
  std::shared_ptr<std::string> Ask(const std::string& id, absl::Time deadline = absl::InfiniteFuture()) {
    auto answer = std::make_shared<std::string>();
    Reads().Submit(deadline, {.id = id}, [answer](const absl::Status& status, const Query& query) {
      EXPECT_EQ(*answer, "") << "answered twice";
      *answer = status.ok() ? absl::StrCat(query.amount) : ReasonOf(status);
    });
    return answer;
  }

  platform::ManualClock clock_{absl::UnixEpoch()};
  const std::unique_ptr<sql::Database> store_ = *sql::Open("sqlite::memory:");
  FaultyDatabase database_{*store_};
  std::vector<std::vector<std::string>> batches_;
  std::function<void()> before_;
  std::optional<GroupRead<Query>> reads_;  // goes first
};

TEST_F(GroupReadTest, WhatArrivedTogetherIsReadTogether) {
  const auto a = Ask("a"), b = Ask("b"), c = Ask("c");
  EXPECT_EQ(*a, "") << "not before a thread has time";
  EXPECT_TRUE(Reads().RunOnce());
  EXPECT_FALSE(Reads().RunOnce());
  EXPECT_THAT(batches_, ElementsAre(ElementsAre("a", "b", "c")));
  EXPECT_EQ(*a, "1");
  EXPECT_EQ(*b, "2");
  EXPECT_EQ(*c, "-1");
}

TEST_F(GroupReadTest, ABatchIsBounded) {
  Reads({.max_batch = 2, .threads = 0});
  for (const char* id : {"a", "b", "c"}) Ask(id);
  while (Reads().RunOnce()) {
  }
  EXPECT_THAT(batches_, ElementsAre(ElementsAre("a", "b"), ElementsAre("c")));
}

TEST_F(GroupReadTest, AQueryDoesNotJoinABatchThatHasBegun) {
  std::shared_ptr<std::string> late;
  before_ = [&] {
    before_ = nullptr;
    late = Ask("b");
  };
  const auto early = Ask("a");
  EXPECT_TRUE(Reads().RunOnce());
  EXPECT_EQ(*early, "1");
  EXPECT_EQ(*late, "") << "else it might miss a write that its caller was told of";
  EXPECT_TRUE(Reads().RunOnce());
  EXPECT_EQ(*late, "2");
}

TEST_F(GroupReadTest, OneThatTheStoreRefusesIsNotTheOthersFault) {
  const auto a = Ask("a"), bad = Ask("bad"), b = Ask("b");
  EXPECT_TRUE(Reads().RunOnce());
  EXPECT_EQ(*a, "1");
  EXPECT_EQ(*bad, reason::kStoreRefused);
  EXPECT_EQ(*b, "2");
  EXPECT_THAT(batches_, SizeIs(4)) << "together, then each alone";
}

TEST_F(GroupReadTest, AStoreThatIsAwayIsAwayForAll) {
  database_.SetReads(sql::Failure::kUnavailable);
  const auto a = Ask("a"), b = Ask("b");
  EXPECT_TRUE(Reads().RunOnce());
  EXPECT_EQ(*a, reason::kStoreUnavailable);
  EXPECT_EQ(*b, reason::kStoreUnavailable);
}

TEST_F(GroupReadTest, WhoseDeadlinePassedIsNotRead) {
  const auto a = Ask("a", clock_.Now() + absl::Seconds(1)), b = Ask("b");
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(Reads().RunOnce());
  EXPECT_EQ(*a, reason::kDeadlinePassed);
  EXPECT_EQ(*b, "2");
  EXPECT_THAT(batches_, ElementsAre(ElementsAre("b")));
}

TEST_F(GroupReadTest, AFullQueueRefusesAndSaysWhenToComeAgain) {
  Reads({.max_queue = 1, .threads = 0});
  const auto a = Ask("a");
  absl::Status refused;
  Reads().Submit(absl::InfiniteFuture(), {.id = "b"}, [&](const absl::Status& status, const Query&) { refused = status; });
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(refused.GetPayload("type.googleapis.com/google.rpc.RetryInfo").has_value());
  EXPECT_TRUE(Reads().RunOnce());
  EXPECT_EQ(*a, "1");
}

TEST_F(GroupReadTest, WhatIsLeftAtTheEndIsAnswered) {
  const auto a = Ask("a");
  reads_.reset();
  EXPECT_EQ(*a, reason::kShuttingDown);
}

// Whoever was told of a write reads it, whatever else is under way.
TEST(ConcurrentGroupRead, ReadsWhatWasWrittenBefore) {
  platform::RealClock clock;
  const std::unique_ptr<sql::Database> store = *sql::Open("sqlite::memory:");
  ASSERT_TRUE(sql::RunScript(*store, "CREATE TABLE items (id BIGINT NOT NULL PRIMARY KEY, amount BIGINT NOT NULL);").ok());
  GroupRead<int64_t> reads({}, *store, clock, [](sql::Transaction& tx, absl::Span<int64_t* const> batch) -> absl::Status {
    for (int64_t* query : batch) {
      REMATCH_ASSIGN_OR_RETURN(const std::vector<sql::Row> rows, tx.Query("SELECT amount FROM items WHERE id = ?", {*query % 1000}));
      *query = *query % 1000 + 1000 * (rows.empty() ? 0 : rows[0].Int(0));
    }
    return absl::OkStatus();
  });
  struct Answer {
    absl::Mutex mutex;
    int64_t seen = -1;
  };
  std::vector<std::thread> threads;
  for (int64_t id = 0; id < 8; ++id) {
    threads.emplace_back([&, id] {
      for (int64_t amount = 1; amount <= 50; ++amount) {
        const absl::Status written = store->Transact([&](sql::Transaction& tx) {
          return tx.Execute("INSERT INTO items (id, amount) VALUES (?, ?) ON DUPLICATE KEY UPDATE amount = VALUES(amount)", {id, amount})
              .status();
        });
        EXPECT_TRUE(written.ok()) << written;
        auto answer = std::make_shared<Answer>();
        reads.Submit(absl::InfiniteFuture(), id, [answer](const absl::Status& status, const int64_t& query) {
          EXPECT_TRUE(status.ok()) << status;
          absl::MutexLock lock(&answer->mutex);
          answer->seen = query / 1000;
        });
        absl::MutexLock lock(&answer->mutex);
        const auto answered = [&answer] { return answer->seen >= 0; };
        answer->mutex.Await(absl::Condition(&answered));
        EXPECT_EQ(answer->seen, amount);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace rematch
