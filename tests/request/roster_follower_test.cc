// What the roster's feed does to cases, and to candidates who have none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "request-service/domain/case_view.h"
#include "request-service/domain/reasons.h"
#include "request-service/store/candidate_tasks.h"
#include "tests/request/request_harness.h"

namespace rematch::request::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RosterTest : public ::testing::Test {
 protected:
  RosterTest() {
    h.mentor.AddMentor("old", 10);
    h.mentor.AddMentor("m1", 5);
    h.mentor.AddMentor("m2", 5);
  }
  // A case whose first mentor is being asked.
  std::string Asking(const std::string& id) {
    const std::string name = h.Open(id);
    EXPECT_TRUE(h.Proceed(name).ok());
    h.Settle();
    return name;
  }
  std::vector<v1::Task> TasksOfProgram(bool open_only = true, const rpc::Caller& caller = AsLeader()) {
    v1::ListTasksRequest request;
    request.set_parent(kProgram);
    request.set_open_only(open_only);
    const auto listed = h.Call(caller, &Reassignments::ListTasks, request);
    EXPECT_TRUE(listed.ok()) << listed.status();
    std::vector<v1::Task> of_candidates;
    if (!listed.ok()) return of_candidates;
    for (const v1::Task& task : listed->tasks()) {
      if (task.kind() == v1::MENTOR_LEFT) of_candidates.push_back(task);
    }
    return of_candidates;
  }
  absl::StatusOr<v1::Task> Snooze(const std::string& name, absl::Time until, const rpc::Caller& caller = AsLeader()) {
    v1::SnoozeTaskRequest request;
    request.set_name(name);
    request.mutable_until_time()->set_seconds(absl::ToUnixSeconds(until));
    return h.Write(caller, &Reassignments::SnoozeTask, request);
  }

  Harness h;
};

TEST_F(RosterTest, AMentorWhoRetiresIsNotWaitedForAndTheNextIsAsked_F33) {
  const std::string name = Asking("cara");
  ASSERT_EQ(h.Offers(name)[0].mentor(), MentorName("m1"));
  h.mentor.Retire("m1");
  h.Settle();
  ASSERT_EQ(h.Offers(name).size(), 2u);
  EXPECT_EQ(h.Offers(name)[0].state(), v1::CANCELLED);
  EXPECT_EQ(h.Offers(name)[1].mentor(), MentorName("m2"));
  EXPECT_EQ(h.Offers(name)[1].state(), v1::OPEN);
  EXPECT_EQ(h.mentor.Held(), 1);
}

TEST_F(RosterTest, WhomACaseHasNothingToDoWithLeavesNoTraceInIt) {
  const std::string name = Asking("cara");
  const int64_t before = h.Stored(name).version();
  h.mentor.Retire("m2");
  h.Settle();
  EXPECT_EQ(h.Stored(name).version(), before);
  EXPECT_EQ(h.core().work().Cursor("roster").value_or(-1), 1);
}

TEST_F(RosterTest, WhoIsKeptApartMidCaseIsOutOfIt_F28) {
  const std::string name = Asking("cara");
  h.mentor.KeepApart(CandidateName("cara"), "m1");
  h.Settle();
  EXPECT_EQ(h.Offers(name)[0].state(), v1::CANCELLED);
  EXPECT_EQ(h.Offers(name)[1].mentor(), MentorName("m2"));
  EXPECT_THAT(h.Stored(name).struck(), ElementsAre(MentorName("m1")));
}

TEST_F(RosterTest, ACandidateWhoLeavesEndsTheirCaseAndOpensNoOther_F33) {
  const std::string name = Asking("cara");
  h.mentor.Unenroll(CandidateName("cara"));
  h.Settle();
  EXPECT_EQ(h.Get(name).state(), v1::CLOSED);
  EXPECT_EQ(h.Get(name).close_ground(), v1::CANDIDATE_LEFT);
  EXPECT_EQ(h.mentor.Held(), 0);
  v1::CreateReassignmentRequest request;
  request.set_parent(kProgram);
  request.set_candidate(CandidateName("cara"));
  EXPECT_EQ(ReasonOf(h.Write(AsLeader(), &Reassignments::CreateReassignment, request).status()), reason::kCandidateUnenrolled);
}

TEST_F(RosterTest, AnAssignmentThatChangedBehindTheCaseIsKnownToItAndForTheLeader_F33) {
  const std::string name = Asking("cara");
  h.mentor.ChangeMentorOf(CandidateName("cara"), "m2");
  h.Settle();
  EXPECT_EQ(h.Stored(name).current_mentor(), MentorName("m2"));
  EXPECT_EQ(h.OpenTask(name, v1::RESOLVE_STUCK).cause(), "ASSIGNMENT_CHANGED");
}

TEST_F(RosterTest, TheSwapOfTheCaseItselfIsNoNewsToIt) {
  const std::string name = Asking("cara");
  ASSERT_TRUE(h.Reply("m1", v1::YES).ok());
  ASSERT_TRUE(h.Confirm(h.Offers(name)[0].name()).ok());
  ASSERT_TRUE(h.CallUp(name, v1::CALL_CANDIDATE, v1::AGREED).ok());
  h.Settle();
  EXPECT_EQ(h.Get(name).state(), v1::COMPLETED);
  EXPECT_EQ(h.Stored(name).current_mentor(), MentorName("old"));
  EXPECT_EQ(h.core().work().Cursor("roster").value_or(-1), 1);
}

// What is reported may be history by the time that it is read: the case hears what is so now.
TEST_F(RosterTest, SeveralChangesBetweenTwoLooksAreOneStory_F33) {
  const std::string name = Asking("cara");
  for (const char* mentor : {"m2", "", "m1", "m2", "m1"}) h.mentor.ChangeMentorOf(CandidateName("cara"), mentor);
  h.Settle();
  EXPECT_EQ(h.Stored(name).current_mentor(), MentorName("m1"));
}

TEST_F(RosterTest, AFeedThatBreaksOffOrAPeerThatIsAwayLosesNothing_F33) {
  const std::string name = Asking("cara");
  int away = 5;
  h.mentor.SetBefore([&away](std::string_view method) {
    return (method == "WatchRoster" || method == "GetCandidate") && --away > 0 ? absl::UnavailableError("away") : absl::OkStatus();
  });
  h.mentor.ChangeMentorOf(CandidateName("cara"), "");
  for (int i = 0; i < 10; ++i) h.Advance(absl::Seconds(1));
  EXPECT_EQ(h.Stored(name).current_mentor(), "");
}

TEST_F(RosterTest, APausedCaseTakesUpWhatTheRosterSaidWhenItGoesOn_F33_F44) {
  const std::string name = Asking("cara");
  v1::PauseReassignmentRequest pause;
  pause.set_name(name);
  ASSERT_TRUE(h.Write(AsLeader(), &Reassignments::PauseReassignment, pause).ok());
  // None, then one, then none again: the last counts.
  for (const char* mentor : {"", "m2", ""}) {
    h.mentor.ChangeMentorOf(CandidateName("cara"), mentor);
    h.Settle();
  }
  EXPECT_EQ(h.Stored(name).current_mentor(), MentorName("old"));
  v1::ResumeReassignmentRequest resume;
  resume.set_name(name);
  ASSERT_TRUE(h.Write(AsLeader(), &Reassignments::ResumeReassignment, resume).ok());
  EXPECT_EQ(h.Stored(name).current_mentor(), "");
}

// What the feed reported while the case was being opened reached nobody: it is not told twice.
TEST_F(RosterTest, WhatWasReportedBeforeACaseWasThereIsFoundByTheReconciler_F33) {
  const std::string cara = Asking("cara");
  const std::string dan = Asking("dan");
  h.mentor.ChangeMentorOf(CandidateName("cara"), "m2");
  h.mentor.Unenroll(CandidateName("dan"));
  ASSERT_TRUE(h.core().work().Advance("roster", 2).ok());
  h.Settle();
  ASSERT_EQ(h.Stored(cara).current_mentor(), MentorName("old"));
  ASSERT_TRUE(h.core().reconciler().Round().ok());
  EXPECT_EQ(h.Stored(cara).current_mentor(), MentorName("old")) << "it may be on its way";
  ASSERT_TRUE(h.core().reconciler().Round().ok());
  h.Settle();
  EXPECT_EQ(h.Stored(cara).current_mentor(), MentorName("m2"));
  EXPECT_EQ(h.Get(dan).close_ground(), v1::CANDIDATE_LEFT);
  EXPECT_THAT(h.metrics.Text(), HasSubstr("rematch_reconciled_candidates_total 2"));
  const int64_t version = h.Stored(cara).version();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(h.core().reconciler().Round().ok());
  EXPECT_EQ(h.Stored(cara).version(), version);
}

// Three working days for each mentor, two for a task.
v1::EscalationPolicy InDays() {
  v1::EscalationPolicy policy = TestPolicy();
  for (v1::Window* window : {policy.mutable_stages(0)->mutable_window(), policy.mutable_task_due_after()}) {
    window->set_unit(v1::Window::WORKING_DAYS);
    window->set_amount(window == policy.mutable_task_due_after() ? 2 : 3);
  }
  policy.mutable_stages(0)->clear_remind_before();
  return policy;
}

TEST(RosterFollower, ACalendarThatChangesMovesWhatIsOpenAndWhatWasLeftOfACompletedCase_F37) {
  Harness h({.policy = InDays()});
  for (const char* mentor : {"old", "m1", "m2", "m3"}) h.mentor.AddMentor(mentor, 5);
  const std::string done = h.Open("dana");
  ASSERT_TRUE(h.Proceed(done).ok());
  h.Settle();
  ASSERT_TRUE(h.Reply("m1", v1::YES).ok());
  ASSERT_TRUE(h.Confirm(h.Offers(done)[0].name()).ok());
  ASSERT_TRUE(h.CallUp(done, v1::CALL_CANDIDATE, v1::AGREED).ok());
  h.Settle();
  ASSERT_EQ(h.Get(done).state(), v1::COMPLETED);
  const std::string open = h.Open("cara");
  ASSERT_TRUE(h.Proceed(open).ok());
  h.Settle();
  const auto end = [&] { return FromStored(h.Stored(open).offers(0).window_end()); };
  const auto due = [&] { return absl::FromUnixSeconds(h.OpenTask(done, v1::TELL_FORMER_MENTOR).due_time().seconds()); };
  const absl::Time ended = end();
  const absl::Time was_due = due();
  const std::string calendar = h.Get(open).calendar();
  EXPECT_NE(calendar, "");
  // Monday, one at night in Los Angeles.
  h.mentor.CloseOn(kProgram, {"2026-03-03"});
  h.Settle();
  EXPECT_EQ(end() - ended, absl::Hours(24));
  EXPECT_EQ(due() - was_due, absl::Hours(24));
  EXPECT_NE(h.Get(open).calendar(), calendar);
  EXPECT_EQ(h.Get(h.Open("eva")).calendar(), h.Get(open).calendar()) << "a new case counts by it from the start";
  h.mentor.CloseOn(kProgram, {});
  h.Settle();
  EXPECT_EQ(end(), ended);
  EXPECT_EQ(h.Get(open).calendar(), calendar);
}

TEST(RosterFollower, ACalendarOfAnotherProgramIsNoNews_F36_F37) {
  Harness h({.policy = InDays()});
  h.mentor.AddMentor("old", 10);
  h.mentor.AddMentor("m1", 5);
  const std::string open = h.Open("cara");
  const int64_t version = h.Stored(open).version();
  h.mentor.CloseOn("consortia/c1/programs/p2", {"2026-03-03"});
  h.mentor.CloseOn("consortia/c1/programs/gone", {"2026-03-03"});
  h.Settle();
  EXPECT_EQ(h.Stored(open).version(), version);
  EXPECT_EQ(h.core().work().Cursor("roster").value_or(-1), 2);
}

TEST(RosterFollower, ACaseThatOpenedWhileTheCalendarChangedIsToldByTheReconciler_F37) {
  Harness h({.policy = InDays()});
  h.mentor.AddMentor("old", 10);
  h.mentor.AddMentor("m1", 5);
  const std::string open = h.Open("cara");
  const absl::Time due = FromStored(h.Stored(open).tasks(0).due());
  // The report was followed before the case was there.
  h.mentor.CloseOn(kProgram, {"2026-03-03"}, /*report=*/false);
  ASSERT_TRUE(h.core().reconciler().Round().ok());
  EXPECT_EQ(FromStored(h.Stored(open).tasks(0).due()), due) << "it may be on its way";
  ASSERT_TRUE(h.core().reconciler().Round().ok());
  h.Settle();
  EXPECT_EQ(FromStored(h.Stored(open).tasks(0).due()) - due, absl::Hours(24));
}

TEST(RosterFollower, OneMentorMayConcernMoreCasesThanTheDoorTakesAtOnce_F33) {
  Harness h({.max_queue = 300});
  h.mentor.AddMentor("old", 400);
  h.mentor.AddMentor("m1", 5);
  constexpr int kCases = 320;
  for (int i = 0; i < kCases; ++i) h.Open(absl::StrCat("c", i));
  h.mentor.Retire("m1");
  h.Settle();
  EXPECT_EQ(h.core().work().Cursor("roster").value_or(-1), 1);
}

// --- Candidates without a case ---

// As a replica that stood still may write.
TEST_F(RosterTest, ATaskThatIsDoneIsEndedByTheReconciler_F33) {
  const std::string dan = h.mentor.AddCandidate("dan", "m1");
  h.mentor.Retire("m1");
  h.Settle();
  h.mentor.ChangeMentorOf(dan, "m2");
  ASSERT_TRUE(h.core().work().Advance("roster", 9).ok());
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(TasksOfProgram().size(), 1u) << i;
    ASSERT_TRUE(h.core().reconciler().Round().ok());
  }
  EXPECT_THAT(TasksOfProgram(), IsEmpty());
}

// Ids of candidates are their consortium's.
TEST_F(RosterTest, ACaseCoversTheTaskOfItsOwnCandidateOnly_F33_F36) {
  constexpr char kInsert[] =
      "INSERT INTO tasks (consortium, case_id, task, program, leader, alternate, open, due, folded) VALUES (?, '', 'tom', 'p', 'l', '', 1, "
      "1, ?)";
  for (const char* consortium : {"a", "b"}) h.Execute(kInsert, {consortium, sql::Bytes{""}});
  const auto open = [&](const std::string& consortium) {
    return h.Number("SELECT open FROM tasks WHERE case_id = '' AND consortium = '" + consortium + "'");
  };
  ASSERT_TRUE(h.database()
                  .Transact([&](sql::Transaction& tx) {
                    CandidateTasks tasks(tx, 1);
                    tasks.CaseOpened("a", "consortia/a/programs/p/candidates/jane");
                    tasks.CaseOpened("b", "consortia/b/programs/p/candidates/tom");
                    return tasks.Save();
                  })
                  .ok());
  EXPECT_EQ(open("a"), 1);
  EXPECT_EQ(open("b"), 2);
}

TEST_F(RosterTest, ACaseThatOpensInTheBatchOfTheTaskCoversIt_F33) {
  const std::string candidate = h.mentor.AddCandidate("dan", "old");
  CaseCommand left;
  left.key = {.consortium = "c1", .program = "p1", .id = ""};
  TaskTerms terms;
  terms.set_owner(kLeader);
  terms.set_leader(kLeader);
  left.candidate_task = CandidateTask{.what = CandidateTask::What::kMentorLeft, .candidate = candidate, .terms = terms};
  h.core().door().Submit({}, std::move(left), [](const absl::StatusOr<std::string>& reply) { EXPECT_TRUE(reply.ok()) << reply.status(); });
  h.OpenFor(candidate);
  EXPECT_THAT(TasksOfProgram(), IsEmpty());
}

TEST_F(RosterTest, WhoseMentorLeftIsATaskOfTheLeadersUntilThereIsACase_F11_F33) {
  const std::string candidate = h.mentor.AddCandidate("dan", "m1");
  h.mentor.AddCandidate("eve", "m1");
  h.mentor.Retire("m1");
  h.Settle();
  ASSERT_EQ(TasksOfProgram().size(), 2u);
  const v1::Task task = TasksOfProgram()[0];
  EXPECT_EQ(task.name(), candidate + "/tasks/mentor-left");
  EXPECT_EQ(task.owner(), kLeader);
  EXPECT_EQ(task.about(), candidate);
  EXPECT_EQ(task.due_time().seconds() - task.create_time().seconds(), 7200);
  EXPECT_EQ(TasksOfProgram(true, AsLeader(kAlternate)).size(), 2u);
  EXPECT_THAT(TasksOfProgram(true, AsLeader(kOtherLeader)), IsEmpty());

  const std::string name = h.OpenFor(candidate);
  ASSERT_EQ(TasksOfProgram().size(), 1u) << "the case has taken its place";
  v1::WithdrawReassignmentRequest withdraw;
  withdraw.set_name(name);
  ASSERT_TRUE(h.Write(AsCandidate(candidate), &Reassignments::WithdrawReassignment, withdraw).ok());
  h.Settle();
  EXPECT_EQ(TasksOfProgram().size(), 2u) << "they still have nobody";
}

TEST_F(RosterTest, ATaskOfACandidateEndsWithAMentorOrWithTheirLeaving_F33) {
  const std::string dan = h.mentor.AddCandidate("dan", "m1");
  const std::string eve = h.mentor.AddCandidate("eve", "m1");
  h.mentor.Retire("m1");
  h.Settle();
  h.mentor.ChangeMentorOf(dan, "m2");
  h.Settle();
  ASSERT_EQ(TasksOfProgram().size(), 1u);
  h.mentor.Unenroll(eve);
  h.Settle();
  EXPECT_THAT(TasksOfProgram(), IsEmpty());
  EXPECT_EQ(TasksOfProgram(/*open_only=*/false).size(), 2u) << "what was done stays on record";
  for (const v1::Task& task : TasksOfProgram(false)) EXPECT_TRUE(task.has_end_time());
}

TEST_F(RosterTest, ACaseThatFindsThemAMentorEndsTheTaskForGood_F33) {
  const std::string dan = h.mentor.AddCandidate("dan", "m1");
  h.mentor.Retire("m1");
  h.Settle();
  const std::string name = h.OpenFor(dan);
  ASSERT_TRUE(h.Proceed(name).ok());
  h.Settle();
  ASSERT_TRUE(h.Reply("old", v1::YES).ok());
  ASSERT_TRUE(h.Confirm(h.Offers(name)[0].name()).ok());
  ASSERT_TRUE(h.CallUp(name, v1::CALL_CANDIDATE, v1::AGREED).ok());
  h.Settle();
  ASSERT_EQ(h.Get(name).state(), v1::COMPLETED);
  EXPECT_THAT(TasksOfProgram(), IsEmpty());
  EXPECT_TRUE(TasksOfProgram(false)[0].has_end_time());
}

// All of it between two looks at the feed, so that nobody has a mentor by then.
TEST_F(RosterTest, WhoHadAnotherMentorSinceIsWithoutOneForAnotherReason_F33) {
  const std::string dan = h.mentor.AddCandidate("dan", "m1");
  h.mentor.Retire("m1");
  h.mentor.ChangeMentorOf(dan, "m2");
  h.mentor.ChangeMentorOf(dan, "");
  h.Settle();
  EXPECT_THAT(TasksOfProgram(), IsEmpty());
  h.mentor.ChangeMentorOf(dan, "m2");
  h.mentor.Retire("m2");
  h.Settle();
  EXPECT_EQ(TasksOfProgram().size(), 1u) << "this one has left as well";
}

TEST_F(RosterTest, WhoeverWasFoundAndLeavesBeforeTheCaseIsCompleteIsATaskToo_F33) {
  const std::string name = Asking("cara");
  ASSERT_TRUE(h.Reply("m1", v1::YES).ok());
  ASSERT_TRUE(h.Confirm(h.Offers(name)[0].name()).ok());
  h.notify.Hold(true);
  ASSERT_TRUE(h.CallUp(name, v1::CALL_CANDIDATE, v1::AGREED).ok());
  h.Settle();
  ASSERT_EQ(h.Get(name).state(), v1::ANNOUNCING);
  h.mentor.Retire("m1");
  h.Settle();
  h.notify.Deliver();
  h.Settle();
  ASSERT_EQ(h.Get(name).state(), v1::COMPLETED);
  EXPECT_EQ(TasksOfProgram().size(), 1u);
}

TEST_F(RosterTest, AMentorWhoLeavesInTheMiddleOfACaseIsATaskWhenItEndsWithoutAnother_F33) {
  const std::string name = Asking("cara");
  h.mentor.Retire("old");
  h.Settle();
  EXPECT_THAT(TasksOfProgram(), IsEmpty()) << "the case looks for one";
  v1::CloseReassignmentRequest close;
  close.set_name(name);
  close.set_ground(v1::NO_MENTOR_FOUND);
  close.set_note("nobody");
  ASSERT_TRUE(h.Write(AsLeader(), &Reassignments::CloseReassignment, close).ok());
  h.Settle();
  EXPECT_EQ(TasksOfProgram().size(), 1u);
}

TEST_F(RosterTest, ATaskOfACandidateIsPutOffByWhoeverOwnsIt_F38) {
  const std::string dan = h.mentor.AddCandidate("dan", "m1");
  h.mentor.Retire("m1");
  h.Settle();
  const std::string name = TasksOfProgram()[0].name();
  const absl::Time until = h.clock.Now() + absl::Hours(30);
  const auto put_off = Snooze(name, until);
  ASSERT_TRUE(put_off.ok()) << put_off.status();
  EXPECT_EQ(put_off->name(), name);
  EXPECT_EQ(put_off->not_before_time().seconds(), absl::ToUnixSeconds(until));
  EXPECT_EQ(TasksOfProgram()[0].due_time().seconds(), absl::ToUnixSeconds(until));
  EXPECT_EQ(ReasonOf(Snooze(name, until, AsLeader(kOtherLeader)).status()), reason::kTaskNotFound);
  EXPECT_EQ(Snooze(name, h.clock.Now()).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(Snooze(dan + "/tasks/another", until).status()), reason::kTaskNotFound);
  EXPECT_EQ(ReasonOf(Snooze(CandidateName("nobody") + "/tasks/mentor-left", until).status()), reason::kTaskNotFound);
  h.OpenFor(dan);
  EXPECT_EQ(ReasonOf(Snooze(name, until).status()), reason::kTaskNotOpen);
}

}  // namespace
}  // namespace rematch::request::testing
