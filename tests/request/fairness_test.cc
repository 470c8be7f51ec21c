// Fairness of a case, as a property: who the candidate is, who asks, who leads and when in the list they come changes nothing of whom their
// case asks, in which order and for how long (F25, F26). Two cases with one need and one day go step by step alike, whatever the policy.
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "tests/random_policy.h"
#include "tests/request/escalation_kit.h"
#include "tests/tier.h"

namespace rematch::request {
namespace {

// Whoever they are.
struct Identity {
  std::string case_id, candidate, mentor, assignment, leader, alternate;
};

class Course {
 public:
  Course(const v1::EscalationPolicy& policy, const Identity& who, uint64_t seed) : s_(policy), who_(who), random_(seed) {
    s_.leader.set_person("consortia/c/leaders/" + who.leader);
    s_.alternate.set_person("consortia/c/leaders/" + who.alternate);
    s_.acting = s_.leader.person();
    s_.current_mentor = MentorName(who.mentor);
    Command open = s_.OpenCommand();
    open.mutable_open()->set_name("consortia/c/programs/p/reassignments/" + who.case_id);
    open.mutable_open()->set_candidate("consortia/c/programs/p/candidates/" + who.candidate);
    open.mutable_open()->set_replaced_assignment("consortia/c/assignments/" + who.assignment);
    open.set_actor(open.open().candidate());
    s_.Must(open);
    s_.Proceed();
  }

  // One thing that happens, and all that came of it, without the names that say who they are.
  std::string Step() {
    switch (Pick(7)) {
      case 0:
        Hold();
        break;
      case 1:
        for (const Message& message : std::vector<Message>(s_.c.messages().begin(), s_.c.messages().end())) {
          if (message.state() == Message::ON_ITS_WAY) s_.Delivered(message.key());
        }
        break;
      case 2:
        if (s_.c.offers_size() > 0) s_.Answer(absl::StrCat("o", 1 + Pick(s_.c.offers_size())), Pick(3) == 0, Pick(6) == 0).IgnoreError();
        break;
      case 3:
        if (NextDue(s_.c) != absl::InfiniteFuture()) s_.NextDueRuns();
        break;
      case 4:
        s_.SeatsComeBack();
        break;
      default:
        DoTask();
    }
    std::string told;
    for (const Event& event : s_.last.events) absl::StrAppend(&told, event.ShortDebugString(), "\n");
    for (const Effect& effect : s_.last.effects) absl::StrAppend(&told, effect.ShortDebugString(), "\n");
    return absl::StrReplaceAll(told, {{who_.case_id, "CASE"},
                                      {"candidates/" + who_.candidate, "CANDIDATE"},
                                      {"mentors/" + who_.mentor, "THEIR MENTOR"},
                                      {"assignments/" + who_.assignment, "THEIR ASSIGNMENT"},
                                      {"leaders/" + who_.leader, "LEADER"},
                                      {"leaders/" + who_.alternate, "ALTERNATE"}});
  }

  // Deadlines are no part of what is left out above: they are compared as they stand.
  const Case& state() const { return s_.c; }

 private:
  int Pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  void Hold() {
    if (s_.FirstRunning({Effect::kHoldNextSeat, Effect::kHoldSeat}).empty()) return;
    const std::string running = s_.FirstRunning({Effect::kHoldNextSeat, Effect::kHoldSeat});
    if (FindRunning(s_.c, running)->kind() == Effect::kHoldSeat) return s_.Held();
    const std::string mentor = absl::StrCat("m", Pick(6));
    if (IsExcluded(s_.c, MentorName(mentor)) || HasLiveOffer(s_.c, MentorName(mentor))) return s_.NoneLeft();
    s_.Held(mentor);
  }

  void DoTask() {
    const std::vector<Task> tasks(s_.c.tasks().begin(), s_.c.tasks().end());
    for (const Task& task : tasks) {
      if (task.ended() != 0) continue;
      s_.acting = task.owner();
      switch (task.kind()) {
        case v1::MEDIATE:
          return s_.Mediate(v1::NOT_SETTLED).IgnoreError();
        case v1::COLLECT_SIGNATURES:
          s_.Sign(v1::EscalationPolicy::Stage::CANDIDATE).IgnoreError();
          return s_.Sign(v1::EscalationPolicy::Stage::CURRENT_MENTOR).IgnoreError();
        case v1::CHOOSE_BROADCAST_AUDIENCE:
          return s_.OpenBroadcast({"m0", "m1", "m2", "m3"}).IgnoreError();
        case v1::ASK_CONSENT:
          return s_.Consent(Pick(2) == 0).IgnoreError();
        case v1::CONFIRM_MATCH:
          return (Pick(3) == 0 ? s_.Reject(task.offer()) : s_.Confirm(task.offer())).IgnoreError();
        case v1::CALL_CANDIDATE:
          return s_.Call(Pick(2) == 0 ? v1::NO_ANSWER : v1::DECLINED_BY_CANDIDATE).IgnoreError();
        case v1::CHOOSE_AMONG_INTERESTED:
          return s_.PassAllOver().IgnoreError();
        case v1::QUALIFY_PERSON:
          return s_.Qualify(task.person(), Pick(2) == 0, MentorName(absl::StrCat("m", Pick(6)))).IgnoreError();
        case v1::TAKE_CANDIDATE:
          return s_.DeclineToTake().IgnoreError();
        case v1::RESOLVE_STUCK:
          return s_.Restart().IgnoreError();
        default:
          break;
      }
    }
  }

  Story s_;
  const Identity who_;
  std::mt19937_64 random_;
};

TEST(Fairness, TwoCandidatesWithOneNeedAreSearchedForAlike_F25_F26) {
  const int policies = InTier(300, 5000);
  int steps = 0;
  for (int seed = 1; seed <= policies; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    std::mt19937_64 random(static_cast<uint64_t>(seed));
    const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    const v1::EscalationPolicy policy =
        testing_policy::RandomPolicy(pick, seed % 3 == 0 ? v1::Window::WORKING_DAYS : v1::Window::SECONDS, 20);
    const auto whoever = [&](const char* prefix) { return absl::StrCat(prefix, pick(1'000'000), prefix); };
    const auto anybody = [&] {
      return Identity{.case_id = whoever("case"),
                      .candidate = whoever("candidate"),
                      .mentor = whoever("mentor"),
                      .assignment = whoever("assignment"),
                      .leader = whoever("leader"),
                      .alternate = whoever("alternate")};
    };
    Course one(policy, anybody(), static_cast<uint64_t>(seed));
    Course other(policy, anybody(), static_cast<uint64_t>(seed));
    for (int i = 0; i < 60; ++i) {
      const std::string first = one.Step();
      const std::string second = other.Step();
      ASSERT_EQ(first, second) << "at step " << i;
      steps += first.empty() ? 0 : 1;
    }
    ASSERT_EQ(NextDue(one.state()), NextDue(other.state()));
  }
  EXPECT_GT(steps, 20 * policies) << "and something happened";
}

}  // namespace
}  // namespace rematch::request
