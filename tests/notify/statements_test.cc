// How many statements a batch is, whatever its size: that is what makes the door fast.
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/notify/notify_kit.h"
#include "tests/platform/counting_database.h"

namespace rematch::notify {
namespace {

constexpr int kBatch = 64;

Key KeyOf(int i) { return {.consortium = "c1", .id = absl::StrCat("key", i)}; }

enum class Step { kAccept, kCallBack, kBegin, kSent, kRejected, kLater, kTryAgain };

struct Case {
  std::string name;
  std::vector<Step> steps;  // the last one is counted
};

class Statements : public ::testing::TestWithParam<Case> {
 protected:
  Statements() {
    EXPECT_TRUE(sql::Migrate(database_, NotifyMigrations(), clock_).ok());
    database_.Count();
    store_ = std::make_unique<NotifyStore>(database_, clock_, random_, "replica", SendPolicy(), NotifyStore::Wakes());
    door_ = std::make_unique<GroupCommit<Command>>(GroupCommitOptions{.threads = 0}, database_, *store_, clock_, random_);
  }

  Command Make(Step step, int i) {
    const auto finish = [&](Outcome outcome) {
      return FinishSend{.target = KeyOf(i), .epoch = epochs_[i], .beginning = beginnings_[i], .outcome = std::move(outcome)};
    };
    switch (step) {
      case Step::kAccept:
        return AcceptOf(SendRequest(KeyOf(i).id));
      case Step::kCallBack:
        return CallBack{KeyOf(i)};
      case Step::kBegin:
        return BeginSend{.target = KeyOf(i), .epoch = epochs_[i]};
      case Step::kSent:
        return finish({.kind = Outcome::Kind::kSent});
      case Step::kRejected:
        return finish({.kind = Outcome::Kind::kRejectedForever, .error = "REJECTED_FOREVER"});
      case Step::kLater:
        return finish({.kind = Outcome::Kind::kRetryLater, .error = "CONNECT"});
      case Step::kTryAgain:
        return TryAgain{KeyOf(i)};
    }
    return CallBack{KeyOf(i)};
  }

  // One batch of the commands from `first` to `end`; what was sent to the store for it.
  std::vector<std::string> Run(Step step, int first, int end) {
    const auto due = store_->OwnDue(clock_.Now(), 1000);
    EXPECT_TRUE(due.ok()) << due.status();
    for (const Work& work : *due) {
      for (int i = first; i < end; ++i) {
        if (KeyOf(i).id == work.key.id) epochs_[i] = work.epoch;
      }
    }
    int done = 0;
    for (int i = first; i < end; ++i) {
      CommandMeta meta;
      if (step == Step::kAccept || step == Step::kCallBack || step == Step::kTryAgain) {
        meta = {.scope = "consortia/c1", .request_id = absl::StrCat("request", static_cast<int>(step), "-", i), .body_hash = "h"};
      }
      door_->Submit(meta, Make(step, i), [this, &done, step, i](const absl::StatusOr<std::string>& reply) {
        EXPECT_TRUE(reply.ok()) << reply.status();
        stored::Begun begun;
        if (reply.ok() && step == Step::kBegin && begun.ParseFromString(*reply)) beginnings_[i] = begun.beginning();
        ++done;
      });
    }
    database_.TakeTransactions();
    EXPECT_TRUE(door_->RunOnce());
    EXPECT_EQ(done, end - first) << "in one batch";
    return database_.TakeTransaction();
  }

  platform::ManualClock clock_{absl::FromUnixSeconds(1'770'000'000)};
  platform::SeededRandom random_{7};
  rematch::testing::CountingDatabase database_{*sql::Open("sqlite::memory:")};
  std::unique_ptr<NotifyStore> store_;
  std::unique_ptr<GroupCommit<Command>> door_;
  std::map<int, int64_t> epochs_;
  std::map<int, int64_t> beginnings_;
};

TEST_P(Statements, OfAFullBatchAreAsManyAsOfABatchOfOne) {
  std::vector<std::string> full, one;
  for (const Step step : GetParam().steps) {
    full = Run(step, 0, kBatch);
    one = Run(step, kBatch, kBatch + 1);
  }
  EXPECT_GT(one.size(), 2u);
  EXPECT_EQ(full.size(), one.size()) << "of " << kBatch << ":\n" << absl::StrJoin(full, "\n") << "\nof one:\n" << absl::StrJoin(one, "\n");
  RecordProperty("statements", static_cast<int>(one.size()));
}

INSTANTIATE_TEST_SUITE_P(Of, Statements,
                         ::testing::Values(Case{"Accept", {Step::kAccept}}, Case{"CallBack", {Step::kAccept, Step::kCallBack}},
                                           Case{"CallBackUnknown", {Step::kCallBack}}, Case{"BeginSend", {Step::kAccept, Step::kBegin}},
                                           Case{"FinishSent", {Step::kAccept, Step::kBegin, Step::kSent}},
                                           Case{"FinishRejected", {Step::kAccept, Step::kBegin, Step::kRejected}},
                                           Case{"FinishLater", {Step::kAccept, Step::kBegin, Step::kLater}},
                                           Case{"TryAgain", {Step::kAccept, Step::kBegin, Step::kRejected, Step::kTryAgain}}),
                         [](const auto& about) { return about.param.name; });

}  // namespace
}  // namespace rematch::notify
