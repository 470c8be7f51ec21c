// Openings: those who come together share a call to mentor-service, and each hears their own answer.
#include "request-service/rpc/openings.h"

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "access/access.h"
#include "platform/errors.h"
#include "platform/executor.h"
#include "request-service/domain/reasons.h"
#include "tests/request/request_harness.h"

namespace rematch::request {
namespace {

using ::testing::ElementsAre;
using testing::FakeMentor;
using testing::kProgram;

// Runs what it is given when it is told to.
class ManualExecutor final : public platform::Executor {
 public:
  bool Run(absl::AnyInvocable<void()> work) override {
    if (queue_.size() == room) return false;
    queue_.push_back(std::move(work));
    return true;
  }
  bool RunOne() {
    if (queue_.empty()) return false;
    absl::AnyInvocable<void()> work = std::move(queue_.front());
    queue_.pop_front();
    std::move(work)();
    return true;
  }

  size_t room = 100;

 private:
  std::deque<absl::AnyInvocable<void()>> queue_;
};

class OpeningsTest : public ::testing::Test {
 protected:
  OpeningsTest() { EXPECT_TRUE(policies_.Activate(testing::TestPolicy()).ok()); }

  // What came of it: the candidate, the program alone, "nothing", or the reason of an error.
  void Ask(const std::string& program, const std::string& candidate, absl::Time deadline = absl::InfiniteFuture()) {
    openings_.Ask(program, candidate, deadline, [this](const absl::StatusOr<Openings::Facts>& facts) {
      if (!facts.ok()) {
        answers_.push_back(ReasonOf(facts.status()));
        last_ = facts.status();
      } else if (facts->candidate != nullptr) {
        EXPECT_NE(facts->program, nullptr);
        answers_.push_back(facts->candidate->candidate().name());
      } else {
        answers_.push_back(facts->program != nullptr ? facts->program->name() : "nothing");
      }
    });
  }
  std::string Candidate(const std::string& id) { return mentor_.AddCandidate(id, ""); }
  void RunAll() {
    while (executor_.RunOne()) {
    }
  }

  testing::TestStore store_{testing::TestStore::Kind::kMemory, RequestMigrations()};
  platform::ManualClock clock_{testing::Monday()};
  std::unique_ptr<sql::Database> database_ = [this] {
    auto database = *sql::Open(store_.url());
    EXPECT_TRUE(sql::Migrate(*database, RequestMigrations(), clock_).ok());
    return database;
  }();
  PolicyStore policies_{*database_, clock_};
  CalendarStore calendars_{*database_, clock_};
  FakeMentor mentor_;
  ManualExecutor executor_;
  Openings openings_{mentor_, policies_, calendars_, clock_, executor_};
  std::vector<std::string> answers_;
  absl::Status last_;
};

TEST_F(OpeningsTest, ThoseWhoComeWhileOneIsAskedForShareTheNextCall) {
  std::vector<std::string> names;
  for (int i = 0; i < 70; ++i) names.push_back(Candidate(absl::StrCat("c", i)));
  for (const std::string& name : names) Ask(kProgram, name);
  EXPECT_TRUE(answers_.empty()) << "nobody waits on the caller's thread";
  RunAll();
  EXPECT_EQ(answers_, names) << "in the order in which they came";
  EXPECT_EQ(mentor_.describe_calls(), 2) << "64, and the six that are left";
  Ask(kProgram, names[0]);
  RunAll();
  EXPECT_EQ(mentor_.describe_calls(), 3) << "nothing is kept";
}

TEST_F(OpeningsTest, OneWhoIsNotThereSpoilsNothingForTheOthers) {
  const std::string ann = Candidate("ann");
  Ask(kProgram, ann);
  Ask(kProgram, absl::StrCat(kProgram, "/candidates/nobody"));
  Ask("consortia/c1/programs/none", "consortia/c1/programs/none/candidates/x");
  Ask(kProgram, ann);
  RunAll();
  EXPECT_THAT(answers_, ElementsAre(ann, kProgram, "nothing", ann));
  EXPECT_EQ(mentor_.describe_calls(), 1);
}

TEST_F(OpeningsTest, ACallIsOfOneConsortium) {
  const std::string ann = Candidate("ann"), bob = Candidate("bob");
  Ask(kProgram, ann);
  Ask("consortia/c2/programs/p", "consortia/c2/programs/p/candidates/x");
  Ask(kProgram, bob);
  RunAll();
  EXPECT_THAT(answers_, ElementsAre(ann, bob, "nothing"));
  EXPECT_EQ(mentor_.describe_calls(), 2);
}

TEST_F(OpeningsTest, WhoseDeadlinePassedIsNotAskedFor) {
  const std::string ann = Candidate("ann");
  Ask(kProgram, ann, clock_.Now() + absl::Seconds(1));
  clock_.Advance(absl::Seconds(1));
  RunAll();
  EXPECT_THAT(answers_, ElementsAre(rematch::reason::kDeadlinePassed));
  EXPECT_EQ(mentor_.describe_calls(), 0);
}

TEST_F(OpeningsTest, APeerThatDoesNotAnswerIsSaidToBeUnavailable) {
  mentor_.SetBefore([](std::string_view) { return absl::UnavailableError("down"); });
  Ask(kProgram, Candidate("ann"));
  RunAll();
  EXPECT_THAT(answers_, ElementsAre(reason::kPeerUnavailable));
  EXPECT_EQ(last_.code(), absl::StatusCode::kUnavailable);
}

TEST_F(OpeningsTest, ACallThatFailsIsThatOfAllWhoShareItAndOfNobodyElse) {
  const std::string ann = Candidate("ann"), bob = Candidate("bob");
  mentor_.SetBefore([](std::string_view) { return absl::UnavailableError("down"); });
  Ask(kProgram, ann);
  Ask(kProgram, bob);
  ASSERT_TRUE(executor_.RunOne());
  EXPECT_THAT(answers_, ElementsAre(reason::kPeerUnavailable, reason::kPeerUnavailable));
  mentor_.SetBefore(nullptr);
  Ask(kProgram, bob);
  RunAll();
  EXPECT_EQ(answers_.back(), bob);
  EXPECT_EQ(answers_.size(), 3u);
}

TEST_F(OpeningsTest, OnTheCallersThreadTheAnswerComesAtOnceAndMayAskAgain) {
  platform::InlineExecutor inline_executor;
  Openings openings(mentor_, policies_, calendars_, clock_, inline_executor);
  const std::string ann = Candidate("ann"), bob = Candidate("bob");
  std::vector<std::string> answers;
  const auto take = [&answers](const absl::StatusOr<Openings::Facts>& facts) {
    ASSERT_TRUE(facts.ok()) << facts.status();
    answers.push_back(facts->candidate->candidate().name());
  };
  openings.Ask(kProgram, ann, absl::InfiniteFuture(), [&](const absl::StatusOr<Openings::Facts>& facts) {
    take(facts);
    openings.Ask(kProgram, bob, absl::InfiniteFuture(), take);
  });
  EXPECT_THAT(answers, ElementsAre(ann, bob));
}

TEST_F(OpeningsTest, TooManyAreRefusedWithAdviceAndNobodyIsForgotten) {
  const std::string ann = Candidate("ann");
  for (int i = 0; i < 4096; ++i) Ask(kProgram, ann);
  EXPECT_TRUE(answers_.empty());
  Ask(kProgram, ann);
  EXPECT_THAT(answers_, ElementsAre(rematch::reason::kQueueFull));
  EXPECT_EQ(last_.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(last_.GetPayload("type.googleapis.com/google.rpc.RetryInfo").has_value());
  RunAll();
  EXPECT_EQ(answers_.size(), 4097u);
}

TEST_F(OpeningsTest, WithoutAThreadThoseWhoWaitAreToldSo) {
  executor_.room = 0;
  Ask(kProgram, Candidate("ann"));
  EXPECT_THAT(answers_, ElementsAre(rematch::reason::kQueueFull));
  executor_.room = 1;
  Ask(kProgram, Candidate("bob"));
  RunAll();
  EXPECT_THAT(answers_, ElementsAre(rematch::reason::kQueueFull, Candidate("bob")));
}

TEST_F(OpeningsTest, ItsEndWaitsForATurnThatFindsNobodyLeft) {
  auto openings = std::make_unique<Openings>(mentor_, policies_, calendars_, clock_, executor_);
  int answered = 0;
  for (const std::string& name : {Candidate("ann"), Candidate("bob")}) {
    openings->Ask(kProgram, name, absl::InfiniteFuture(), [&answered](const absl::StatusOr<Openings::Facts>&) { ++answered; });
  }
  ASSERT_TRUE(executor_.RunOne());
  ASSERT_EQ(answered, 2) << "by the first of two turns";
  std::atomic<bool> came = false;
  std::thread last([&] {
    came = true;
    executor_.RunOne();
  });
  openings.reset();
  EXPECT_TRUE(came);
  last.join();
}

using ConcurrentOpenings = OpeningsTest;

TEST_F(ConcurrentOpenings, EachIsAnsweredOnceWithTheirOwnThoughThreadsAreFew) {
  constexpr int kAskers = 4, kEach = 300;
  std::vector<std::string> names;
  for (int i = 0; i < kAskers; ++i) names.push_back(Candidate(absl::StrCat("c", i)));
  absl::Mutex mutex;
  int found = 0, refused = 0;
  {
    platform::ThreadPool pool(2, 1);  // one call waits at most: many find no room
    Openings openings(mentor_, policies_, calendars_, clock_, pool);
    std::vector<std::thread> askers;
    for (const std::string& name : names) {
      askers.emplace_back([&, name] {
        for (int i = 0; i < kEach; ++i) {
          openings.Ask(kProgram, name, absl::InfiniteFuture(), [&, name](const absl::StatusOr<Openings::Facts>& facts) {
            absl::MutexLock lock(&mutex);
            if (!facts.ok()) {
              EXPECT_EQ(ReasonOf(facts.status()), rematch::reason::kQueueFull);
              ++refused;
            } else {
              EXPECT_EQ(facts->candidate->candidate().name(), name);
              ++found;
            }
          });
        }
      });
    }
    for (std::thread& asker : askers) asker.join();
    absl::MutexLock lock(&mutex);
    const auto all = [&] { return found + refused == kAskers * kEach; };
    mutex.Await(absl::Condition(&all));
  }
  EXPECT_EQ(found + refused, kAskers * kEach);
  EXPECT_GT(found, 0);
  EXPECT_LE(mentor_.describe_calls(), found);
}

// What CreateReassignment makes of it.
TEST_F(OpeningsTest, AProgramThatIsNotThereIsAnsweredLikeOneOfOthers_F36) {
  testing::Harness h;
  const std::string none = "consortia/c1/programs/none";
  for (const rpc::Caller& caller : {testing::AsLeader(), testing::AsCandidate(none + "/candidates/x")}) {
    v1::CreateReassignmentRequest request;
    request.set_parent(none);
    request.set_candidate(none + "/candidates/x");
    EXPECT_EQ(h.Write(caller, &Reassignments::CreateReassignment, request).status(), access::CaseNotFound()) << caller.role;
  }
}

}  // namespace
}  // namespace rematch::request
