// Many people at once on one case, through doors with threads of their own: whoever comes first, the outcome is one of those allowed and
// every seat is accounted for. Run under ThreadSanitizer as well.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <set>
#include <thread>

#include "request-service/domain/escalation.h"
#include "tests/request/request_harness.h"
#include "tests/tier.h"

namespace rematch::request::testing {
namespace {

// Runs `work(i)` on `threads` threads at once.
void AtOnce(int threads, const std::function<void(int)>& work) {
  std::atomic<int> ready{0};
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) {
    running.emplace_back([&, i] {
      ready.fetch_add(1);
      while (ready.load() < threads) std::this_thread::yield();
      work(i);
    });
  }
  for (std::thread& thread : running) thread.join();
}

// One replica on SQLite; two on MySQL, each with a door of its own over the one store.
class ConcurrentPeople : public ::testing::TestWithParam<std::string> {
 protected:
  static Harness::Options Replicas() {
    if (GetParam() == "Sqlite") return {.door_threads = 2};
    return {.store = TestStore::Kind::kMysql, .replicas = 2, .door_threads = 2};
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, ConcurrentPeople, ::testing::Values("Sqlite", "MysqlByTwoReplicas"),
                         [](const auto& info) { return info.param; });

// The requests go to the replicas by turns, in pairs and every eight the other way round, so that each gets some of everything.
template <typename Handlers, typename Request, typename Response>
absl::StatusOr<Response> Ask(Harness& h, int turn, const rpc::Caller& caller,
                             void (Handlers::*write)(const rpc::Call&, const Request&, rpc::Done<Response>), Request request,
                             const std::string& request_id) {
  request.set_request_id(request_id);
  return h.Call(caller, write, request, static_cast<size_t>((turn / 2 + turn / 8) % h.replicas()));
}

struct Counts {
  std::atomic<int> confirmed{0};
  std::atomic<int> chosen{0};
  std::atomic<int> withdrawn{0};
  std::atomic<int> other{0};

  void Count(std::atomic<int>& of, const absl::Status& status) {
    if (status.ok()) {
      of.fetch_add(1);
    } else if (status.code() != absl::StatusCode::kFailedPrecondition) {
      other.fetch_add(1);
    }
  }
};

void ExpectAccountedFor(Harness& h, const std::string& name) {
  h.Settle();
  const Case c = h.Stored(name);
  EXPECT_TRUE(h.mentor.WithinCapacity());
  EXPECT_TRUE(h.Verify(name).intact());
  int confirmed = 0;
  int seats = 0;
  for (const request::Offer& offer : c.offers()) {
    confirmed += offer.state() == v1::CONFIRMED;
    seats += NeedsSeat(c, offer.seat());
  }
  EXPECT_LE(confirmed, 1);
  EXPECT_EQ(h.mentor.Held(), seats);
  if (HasEnded(c)) {
    EXPECT_EQ(confirmed, 0);
    EXPECT_EQ(seats, 0);
  }
}

TEST_P(ConcurrentPeople, ConfirmingAndWithdrawingHaveOneOutcome_F29_F30) {
  for (int round = 0; round < 4; ++round) {
    Harness h(Replicas());
    h.mentor.AddMentor("old", 2);
    h.mentor.AddMentor("m1", 1);
    const std::string name = h.Open("cara");
    ASSERT_TRUE(h.Proceed(name).ok());
    h.Settle();
    ASSERT_TRUE(h.Reply("m1", v1::YES).ok());
    h.Settle();
    Counts counts;
    AtOnce(64, [&](int i) {
      if (i % 2 == 0) {
        v1::ConfirmMatchRequest request;
        request.set_name(name + "/offers/o1");
        counts.Count(counts.confirmed, Ask(h, i, AsLeader(), &Reassignments::ConfirmMatch, request, absl::StrCat("c", i)).status());
      } else {
        v1::WithdrawReassignmentRequest request;
        request.set_name(name);
        counts.Count(
            counts.withdrawn,
            Ask(h, i, AsCandidate(CandidateName("cara")), &Reassignments::WithdrawReassignment, request, absl::StrCat("w", i)).status());
      }
    });
    EXPECT_EQ(counts.other, 0);
    EXPECT_EQ(counts.withdrawn, 1);  // possible before and after the match was confirmed
    EXPECT_LE(counts.confirmed, 1);
    EXPECT_EQ(h.Get(name).state(), v1::WITHDRAWN);
    ExpectAccountedFor(h, name);
    EXPECT_EQ(h.mentor.Held(), 0);
  }
}

// The Leader thought of this mentor, who is asked individually and says yes; returns the offer.
std::string WillingInPerson(Harness& h, const std::string& name, const std::string& id) {
  h.mentor.AddMentor(id, 1, /*individual=*/false);
  v1::RecommendPersonRequest recommend;
  recommend.set_parent(name);
  recommend.mutable_contact()->set_display_name(id);
  recommend.mutable_contact()->set_email(id + "@mentors.example");
  const auto person = h.Write(AsLeader(), &Reassignments::RecommendPerson, recommend);
  EXPECT_TRUE(person.ok()) << person.status();
  v1::QualifyPersonRequest qualify;
  qualify.set_name(person->name());
  qualify.set_decision(v1::QualifyPersonRequest::QUALIFY);
  qualify.set_mentor(MentorName(id));
  EXPECT_TRUE(h.Write(AsLeader(), &Reassignments::QualifyPerson, qualify).ok());
  h.Settle();
  EXPECT_TRUE(h.Reply(id, v1::YES).ok());
  h.Settle();
  return h.OpenTask(name, v1::CONFIRM_MATCH).offer();
}

// m1, m2 and m3 are interested, and m4, whom the Leader found fit meanwhile, is willing: any of the four may be the match.
TEST_P(ConcurrentPeople, ConfirmingChoosingAndWithdrawingHaveOneOutcome_F29_F30) {
  const int rounds = InTier(6, 60);
  for (int round = 0; round < rounds; ++round) {
    const bool withdraws = round % 2 == 0;
    Harness h(Replicas());
    h.mentor.AddMentor("old", 2);
    for (const char* id : {"m1", "m2", "m3"}) h.mentor.AddMentor(id, 1, /*individual=*/false);
    const std::string name = h.Open("cara");
    ASSERT_TRUE(h.Proceed(name).ok());
    h.Settle();
    v1::OpenBroadcastRequest open;
    open.set_name(name);
    ASSERT_TRUE(h.Write(AsLeader(), &Reassignments::OpenBroadcast, open).ok());
    h.Settle();
    for (const char* id : {"m1", "m2", "m3"}) ASSERT_TRUE(h.Reply(id, v1::YES, "broadcast").ok());
    const std::string willing = WillingInPerson(h, name, "m4");
    std::vector<std::string> interested;
    for (const v1::Offer& offer : h.Offers(name)) {
      if (offer.state() == v1::WILLING && offer.name() != willing) interested.push_back(offer.name());
    }
    ASSERT_EQ(interested.size(), 3u);
    Counts counts;
    AtOnce(64, [&](int i) {
      if (withdraws && i % 8 == 7) {
        v1::WithdrawReassignmentRequest request;
        request.set_name(name);
        counts.Count(
            counts.withdrawn,
            Ask(h, i, AsCandidate(CandidateName("cara")), &Reassignments::WithdrawReassignment, request, absl::StrCat("w", i)).status());
      } else if (i % 2 == 0) {
        v1::ChooseInterestedRequest request;
        request.set_name(interested[static_cast<size_t>(i) % interested.size()]);
        counts.Count(counts.chosen, Ask(h, i, AsLeader(), &Reassignments::ChooseInterested, request, absl::StrCat("c", i)).status());
      } else {
        v1::ConfirmMatchRequest request;
        request.set_name(willing);
        counts.Count(counts.confirmed, Ask(h, i, AsLeader(), &Reassignments::ConfirmMatch, request, absl::StrCat("m", i)).status());
      }
    });
    EXPECT_EQ(counts.other, 0);
    EXPECT_LE(counts.chosen + counts.confirmed, 1) << "a choice and a confirmation exclude each other";
    EXPECT_EQ(counts.withdrawn, withdraws ? 1 : 0);
    ExpectAccountedFor(h, name);
    if (withdraws) {
      EXPECT_EQ(h.Get(name).state(), v1::WITHDRAWN);
      EXPECT_EQ(h.mentor.Held(), 0);
    } else {
      EXPECT_EQ(counts.chosen + counts.confirmed, 1);
      EXPECT_EQ(h.Get(name).state(), v1::PROPOSED);
    }
  }
}

TEST_P(ConcurrentPeople, ChoosingAmongTheInterestedTakesOne_F29) {
  Harness h(Replicas());
  h.mentor.AddMentor("old", 2);
  for (const char* id : {"m1", "m2", "m3"}) h.mentor.AddMentor(id, 1, /*individual=*/false);
  const std::string name = h.Open("cara");
  ASSERT_TRUE(h.Proceed(name).ok());
  h.Settle();
  v1::OpenBroadcastRequest open;
  open.set_name(name);
  ASSERT_TRUE(h.Write(AsLeader(), &Reassignments::OpenBroadcast, open).ok());
  h.Settle();
  for (const char* id : {"m1", "m2", "m3"}) ASSERT_TRUE(h.Reply(id, v1::YES, "broadcast").ok());
  h.Settle();
  const std::vector<v1::Offer> offers = h.Offers(name);
  std::atomic<int> chosen{0};
  AtOnce(64, [&](int i) {
    v1::ChooseInterestedRequest request;
    request.set_name(offers[static_cast<size_t>(i) % offers.size()].name());
    if (Ask(h, i, AsLeader(), &Reassignments::ChooseInterested, request, absl::StrCat("c", i)).ok()) chosen.fetch_add(1);
  });
  EXPECT_EQ(chosen, 1);
  ExpectAccountedFor(h, name);
  EXPECT_EQ(h.mentor.Held(), 1);
  EXPECT_EQ(h.Get(name).state(), v1::PROPOSED);
}

TEST_P(ConcurrentPeople, TheSameRequestManyTimesIsOne_F32) {
  Harness h(Replicas());
  h.mentor.AddMentor("old", 2);
  const std::string candidate = h.mentor.AddCandidate("cara", "old");
  std::atomic<int> ok{0};
  absl::Mutex mutex;
  std::set<std::string> names;
  AtOnce(64, [&](int i) {
    v1::CreateReassignmentRequest request;
    request.set_parent(kProgram);
    request.set_candidate(candidate);
    const auto opened = Ask(h, i, AsCandidate(candidate), &Reassignments::CreateReassignment, request, "same");
    if (!opened.ok()) return;
    ok.fetch_add(1);
    absl::MutexLock lock(&mutex);
    names.insert(opened->name());
  });
  EXPECT_EQ(ok, 64);
  EXPECT_EQ(names.size(), 1u);
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM cases"), 1);
}

TEST_P(ConcurrentPeople, OpeningManyTimesIsOneCase_F32) {
  Harness h(Replicas());
  h.mentor.AddMentor("old", 2);
  const std::string candidate = h.mentor.AddCandidate("cara", "old");
  Counts counts;
  AtOnce(64, [&](int i) {
    v1::CreateReassignmentRequest request;
    request.set_parent(kProgram);
    request.set_candidate(candidate);
    counts.Count(counts.chosen,
                 Ask(h, i, AsCandidate(candidate), &Reassignments::CreateReassignment, request, absl::StrCat("r", i)).status());
  });
  EXPECT_EQ(counts.chosen, 1);
  EXPECT_EQ(counts.other, 0);
}

// Many cases, one mentor with one free seat: one holds it, the others go on.
TEST_P(ConcurrentPeople, TheLastFreeSeatIsHeldOnce_F30) {
  Harness h(Replicas());
  h.mentor.AddMentor("old", 100);
  h.mentor.AddMentor("m1", 1);
  std::vector<std::string> names;
  for (int i = 0; i < 64; ++i) names.push_back(h.Open(absl::StrCat("c", i)));
  AtOnce(64, [&](int i) {
    v1::ReviewReassignmentRequest request;
    request.set_name(names[static_cast<size_t>(i)]);
    request.set_decision(v1::ReviewReassignmentRequest::PROCEED);
    EXPECT_TRUE(Ask(h, i, AsLeader(), &Reassignments::ReviewReassignment, request, absl::StrCat("p", i)).ok());
  });
  h.Settle();
  EXPECT_EQ(h.mentor.Held(), 1);
  EXPECT_TRUE(h.mentor.WithinCapacity());
  int asked = 0;
  for (const std::string& name : names) {
    for (const v1::Offer& offer : h.Offers(name)) asked += offer.state() == v1::OPEN;
  }
  EXPECT_EQ(asked, 1);
}

TEST_P(ConcurrentPeople, VersionsOfAPolicyComeOneAfterTheOther_F15) {
  Harness h(Replicas());
  constexpr int kPeople = 8;
  std::array<std::atomic<int64_t>, kPeople> versions{};
  AtOnce(kPeople, [&](int i) {
    v1::CreatePolicyVersionRequest request;
    request.set_parent(kProgram);
    *request.mutable_policy() = TestPolicy();
    request.mutable_policy()->set_display_name(absl::StrCat("policy ", i));
    const auto made = Ask(h, i, AsLeader(), &Reassignments::CreatePolicyVersion, request, absl::StrCat("publish-", i));
    ASSERT_TRUE(made.ok()) << made.status();
    versions[static_cast<size_t>(i)] = made->version();
  });
  std::set<int64_t> numbers;
  for (const std::atomic<int64_t>& version : versions) numbers.insert(version);
  EXPECT_EQ(numbers.size(), static_cast<size_t>(kPeople)) << "each has a number of its own";
  EXPECT_EQ(*numbers.begin(), 1);
  EXPECT_EQ(*numbers.rbegin(), kPeople);
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM program_policy_versions"), kPeople);
  EXPECT_EQ(h.Number("SELECT version FROM program_policies"), kPeople);
}

TEST_P(ConcurrentPeople, AnAnswerThatComesManyTimesIsOneConcern_F12_F32) {
  Harness h(Replicas());
  h.mentor.AddMentor("old", 10);
  h.mentor.AddCandidate("ann", "old");
  v1::SendSurveyRequest send;
  send.set_parent(kProgram);
  ASSERT_TRUE(h.Write(AsLeader(), &Concerns::SendSurvey, send).ok());
  h.Advance(absl::Seconds(2));
  v1::SubmitSurveyResponseRequest answer;
  answer.set_reply_code(h.notify.Messages("mid_year_survey").at(0).variables().at("reply_code"));
  answer.set_relationship_quality(1);
  answer.set_asks_for_change(true);
  constexpr int kTries = 8;
  std::atomic<int> recorded{0};
  AtOnce(kTries, [&](int i) {
    const auto result = Ask(h, i, AsService(), &Concerns::SubmitSurveyResponse, answer, absl::StrCat("answer", i));
    if (result.ok() && result->result() == v1::SubmitSurveyResponseResponse::RECORDED) ++recorded;
  });
  EXPECT_EQ(recorded.load(), kTries);
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM concerns"), 1);
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM tasks WHERE open = 1"), 1);
}

TEST_P(ConcurrentPeople, ACandidateWhomEveryReplicaHearsOfIsToldOnce_F1) {
  Harness::Options options = Replicas();
  options.policy.set_welcome_letter(true);
  Harness h(options);
  h.mentor.AddMentor("old", 50);
  constexpr int kCandidates = 20;
  for (int i = 0; i < kCandidates; ++i) h.mentor.Enroll(absl::StrCat("c", i), "old");
  AtOnce(h.replicas(), [&](int i) { h.core(static_cast<size_t>(i)).roster().Step(); });
  h.Settle();
  EXPECT_EQ(h.notify.Messages("welcome").size(), static_cast<size_t>(kCandidates));
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM letters"), kCandidates);
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM effects"), 0);
}

}  // namespace
}  // namespace rematch::request::testing
