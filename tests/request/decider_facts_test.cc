// What peers, the feeds and the roster report. One rule a test; the number at the end of a name is that of the feature it proves. Story
// checks the invariants after every step.
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/request/stages.h"

namespace rematch::request {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

// --- The change

TEST(Transfer, RefusedComesBackWithATaskThatSaysWhy_F34) {
  Story s = Proposed();
  ASSERT_TRUE(s.Call(v1::AGREED).ok());
  s.TransferRefused("ASSIGNMENT_CHANGED");
  EXPECT_EQ(s.c.state(), v1::SEARCHING);
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("TRANSFER_REFUSED"));
  EXPECT_EQ(s.Open(v1::TRANSFER_REFUSED)->cause(), "ASSIGNMENT_CHANGED");
  EXPECT_THAT(s.LastEffects(), IsEmpty());
  EXPECT_TRUE(s.offer("o1").seat_held());
  ASSERT_TRUE(s.Confirm("o1").ok());
  s.AgreeAndAnnounce();
}

TEST(Transfer, RefusedForALostSeatEndsThatOffer_F30) {
  Story s = Proposed();
  ASSERT_TRUE(s.Call(v1::AGREED).ok());
  s.TransferRefused("SEAT_NOT_HELD");
  EXPECT_EQ(s.offer("o1").state(), v1::CANCELLED);
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("TRANSFER_REFUSED"));
  ASSERT_TRUE(s.Restart().ok());
  EXPECT_THAT(s.OpenTaskKinds(), IsEmpty());
  s.SeatsComeBack();
  EXPECT_THAT(LastHold(s).exclude(), ElementsAre(MentorName("now"))) << "who did not decline may be asked again";
}

TEST(Transfer, RefusedForASeatThatNeverWasEndsThatOffer_F30) {
  Story s = Proposed();
  ASSERT_TRUE(s.Call(v1::AGREED).ok());
  s.TransferRefused("SEAT_NOT_FOUND");
  EXPECT_EQ(s.offer("o1").state(), v1::CANCELLED);
}

// The first of those who were asked is chosen, and the candidate agrees.
Story SwapOfO2(Story s) {
  EXPECT_TRUE(s.Answer("o2", true).ok());
  EXPECT_TRUE(s.Choose("o2").ok());
  s.Held();
  EXPECT_TRUE(s.Call(v1::AGREED).ok());
  return s;
}

Command RefusedSince(const Story& s, std::string_view mentor, std::string_view assignment) {
  Command command;
  command.set_actor_role("PEER");
  Command::TransferRefused& refused = *command.mutable_transfer_refused();
  refused.set_effect(s.FirstRunning({Effect::kTransfer}));
  refused.set_reason("ASSIGNMENT_CHANGED");
  refused.set_reread(true);
  refused.set_mentor(std::string(mentor));
  refused.set_assignment(std::string(assignment));
  return command;
}

TEST(Transfer, RefusedForAChangedAssignmentReplacesTheOneThatIsThereNow_F34_F11) {
  Story s = Proposed();
  ASSERT_TRUE(s.Call(v1::AGREED).ok());
  s.Must(RefusedSince(s, MentorName("other"), "consortia/c/assignments/a9"));
  EXPECT_EQ(s.c.current_mentor(), MentorName("other"));
  ASSERT_TRUE(s.Confirm("o1").ok());
  ASSERT_TRUE(s.Call(v1::AGREED).ok());
  ASSERT_EQ(s.last.effects.size(), 1u);
  EXPECT_EQ(s.last.effects[0].transfer().replaces(), "consortia/c/assignments/a9");
}

TEST(Transfer, WhomTheCandidateAskedToLeaveIsNotAskedAfterTheRosterHasChanged_F20) {
  Story s = Proposed();
  ASSERT_TRUE(s.Call(v1::AGREED).ok());
  s.Must(RefusedSince(s, "", ""));
  ASSERT_TRUE(s.Restart().ok());
  s.SeatsComeBack();
  EXPECT_THAT(LastHold(s).exclude(), Contains(MentorName("now")));
}

TEST(Transfer, ALeaderWhoHasBecomeTheirMentorDecidesNoMore_F35) {
  Story s;
  s.leader.set_mentor(MentorName("boss"));
  s.Open();
  s.Proceed();
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", true).ok());
  ASSERT_TRUE(s.Confirm("o1").ok());
  ASSERT_TRUE(s.Call(v1::AGREED).ok());
  s.Must(RefusedSince(s, MentorName("boss"), "consortia/c/assignments/a9"));
  EXPECT_TRUE(s.c.alternate_acts());
  EXPECT_EQ(s.Open(v1::TRANSFER_REFUSED)->owner(), s.alternate.person());
}

TEST(Transfer, WhoHasBecomeTheirMentorOtherwiseIsNoMatchAnyMore_F34) {
  Story s = Proposed();
  ASSERT_TRUE(s.Call(v1::AGREED).ok());
  s.Must(RefusedSince(s, MentorName("m1"), "consortia/c/assignments/a9"));
  EXPECT_EQ(s.offer("o1").state(), v1::CANCELLED);
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("TRANSFER_REFUSED"));
}

TEST(Transfer, WhoHasBecomeTheirMentorMeanwhileIsNotAskedToBecomeIt_F34) {
  Story s = SwapOfO2(Broadcast());
  s.Must(RefusedSince(s, MentorName("m2"), "consortia/c/assignments/a9"));
  EXPECT_EQ(s.offer("o2").state(), v1::WILLING);
  EXPECT_EQ(s.offer("o3").state(), v1::CANCELLED);
  EXPECT_EQ(s.offer("o3").cause(), "MENTOR_EXCLUDED");
  EXPECT_EQ(s.offer("o4").state(), v1::OPEN);
}

TEST(Transfer, AWillingOfferIsNotForgottenWhenAnotherIsConfirmedAfterARefusal_F11) {
  Story s = Broadcast();
  ASSERT_TRUE(s.Answer("o2", true).ok());
  ASSERT_TRUE(s.Answer("o3", true).ok());
  ASSERT_TRUE(s.Choose("o2").ok());
  s.Held();
  ASSERT_TRUE(s.Call(v1::AGREED).ok());
  s.TransferRefused("ASSIGNMENT_CHANGED");
  ASSERT_TRUE(s.Choose("o3").ok());
  s.Held();
  ASSERT_TRUE(s.Call(v1::DECLINED_BY_CANDIDATE).ok());
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("CONFIRM_MATCH"));
  EXPECT_EQ(s.Open(v1::CONFIRM_MATCH)->offer(), "o2");
}

// --- The feed

TEST(Feed, WhatIsReadAgainIsNotTakenForNews_F40) {
  Story s = Completed();
  const Message official = s.c.messages(s.c.messages_size() - 1);
  s.Fail(official, 7);
  s.Delivered(official.key(), 8);
  const std::string before = s.c.SerializeAsString();
  s.Fail(official, 7);
  s.Delivered(official.key(), 8);
  EXPECT_EQ(s.c.SerializeAsString(), before);
  s.Fail(official, 9);
  EXPECT_TRUE(s.Happened("TASK_OPENED(TELL_BY_PHONE,BOUNCED)"));
}

TEST(Feed, WhoMayHaveReadTheQuestionHearsThatItIsOver_F14_F24) {
  Story s = Searching();
  s.Held("m1");
  ASSERT_TRUE(s.Withdraw().ok());
  s.TooLateToCancel();
  s.Fail(s.c.messages(0), 3, /*may_have_arrived=*/true);
  EXPECT_TRUE(s.Happened("DISCLOSED(m1:NEED)"));
  EXPECT_THAT(s.LastEffects(), ElementsAre("SEND(CLOSING_NOTE,m1)"));
  Story certain = Searching();
  certain.Held("m1");
  ASSERT_TRUE(certain.Withdraw().ok());
  certain.Fail(certain.c.messages(0), 3, /*may_have_arrived=*/false);
  EXPECT_THAT(certain.LastEffects(), IsEmpty());
}

// A retry of a message that had plainly failed.
TEST(Feed, WhatMayHaveArrivedAtTheSecondTryIsInTheLedgerOnce_F24) {
  Story s = Searching();
  s.Held("m1");
  const Message approach = s.c.messages(0);
  s.Fail(approach, 3);
  ASSERT_TRUE(s.Withdraw().ok());
  s.Fail(approach, 5, /*may_have_arrived=*/true);
  EXPECT_TRUE(s.Happened("DISCLOSED(m1:NEED)"));
  s.Fail(approach, 7, /*may_have_arrived=*/true);
  EXPECT_THAT(s.last.events, IsEmpty());
}

TEST(Feed, AMessageThatCameBackAfterAllIsCancelled) {
  Story s = Searching();
  s.Held("m1");
  ASSERT_TRUE(s.Withdraw().ok());
  s.TooLateToCancel();
  Command cancelled;
  cancelled.set_actor_role("PEER");
  cancelled.mutable_send_cancelled()->set_message(s.c.messages(0).key());
  s.Must(cancelled);
  EXPECT_EQ(s.c.messages(0).state(), Message::CANCELLED);
}

// --- Peers that repeat themselves or come late

TEST(Peers, ARepeatedAnswerChangesNothing_F32) {
  Story s = Searching();
  Command held;
  held.mutable_seat_held()->set_effect("e1");
  held.mutable_seat_held()->set_mentor(MentorName("m1"));
  s.Must(held);
  EXPECT_THAT(s.last.events, Not(IsEmpty()));
  s.Must(held);
  EXPECT_THAT(s.last.events, IsEmpty());
}

TEST(Peers, AnAnswerOfAnotherKindChangesNothing) {
  Story s = Searching();
  Command accepted;
  accepted.mutable_send_accepted()->set_effect("e1");
  s.Must(accepted);
  EXPECT_THAT(s.last.events, IsEmpty());
}

TEST(Peers, ARepeatedReportOfTheFeedChangesNothing) {
  Story s = Searching();
  s.Ask("m1");
  Command delivered;
  delivered.mutable_delivered()->set_message("case1.o1.first_approach");
  s.Must(delivered);
  EXPECT_THAT(s.last.events, IsEmpty());
}

// --- The roster's feed

TEST(RosterFeed, AMentorWhoLeavesIsNotWaitedFor_F33) {
  Story s = Searching();
  s.Ask("m1");
  s.MentorLeft("m1");
  EXPECT_EQ(s.offer("o1").state(), v1::CANCELLED);
  EXPECT_EQ(s.offer("o1").cause(), "MENTOR_LEFT");
  EXPECT_EQ(s.CountEffects("HOLD_NEXT_SEAT"), 2);
}

TEST(RosterFeed, AProposedMentorWhoLeavesTakesTheCaseBackToTheSearch_F33) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", true).ok());
  ASSERT_TRUE(s.Confirm("o1").ok());
  s.MentorLeft("m1");
  EXPECT_EQ(s.c.state(), v1::SEARCHING);
  EXPECT_EQ(s.OpenTaskKinds().size(), 0u);
}

TEST(RosterFeed, AnAssignmentChangedBehindTheCaseIsForTheLeader) {
  Story s = Searching();
  s.Ask("m1");
  s.AssignmentChanged("a9", "m1");
  EXPECT_EQ(s.c.current_mentor(), MentorName("m1"));
  EXPECT_EQ(s.offer("o1").cause(), "MENTOR_EXCLUDED");
  EXPECT_EQ(s.Open(v1::RESOLVE_STUCK)->cause(), "ASSIGNMENT_CHANGED");
  EXPECT_EQ(s.CountEffects("HOLD_NEXT_SEAT"), 1) << "nobody is asked until the Leader has decided";
  s.AssignmentChanged("a9", "m1");
  EXPECT_THAT(s.last.events, IsEmpty());
}

TEST(RosterFeed, ACandidateWhoLeavesEndsTheCase) {
  Story s = Searching();
  s.Ask("m1");
  s.CandidateLeft();
  EXPECT_EQ(s.c.state(), v1::CLOSED);
  EXPECT_EQ(s.c.close_ground(), v1::CANDIDATE_LEFT);
  EXPECT_THAT(s.LastEffects(), UnorderedElementsAre("RELEASE_SEAT", "SEND(CLOSING_NOTE,m1)"));
}

TEST(RosterFeed, ACandidateWhoLeavesWhileTheChangeRunsEndsTheCaseWhenItIsRefused) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", true).ok());
  ASSERT_TRUE(s.Confirm("o1").ok());
  ASSERT_TRUE(s.Call(v1::AGREED).ok());
  s.CandidateLeft();
  EXPECT_EQ(s.c.state(), v1::TRANSFERRING);
  s.TransferRefused("CANDIDATE_NOT_FOUND");
  EXPECT_EQ(s.c.state(), v1::CLOSED);
}

TEST(RosterFeed, WhoLeftIsNotApproachedThoughTheirSeatIsReportedLater_F33) {
  Story s = Searching();
  s.MentorLeft("m1");
  s.Held("m1");
  EXPECT_EQ(s.CountEffects("SEND(FIRST_APPROACH,m1)"), 0);
  EXPECT_EQ(s.CountEffects("RELEASE_SEAT"), 1);
  EXPECT_THAT(NotToBeAsked(s.c), Contains(MentorName("m1")));
}

TEST(RosterFeed, WhoWasTheMentorBeforeTheReviewIsNotAsked_F20) {
  Story s;
  s.Open();
  s.AssignmentChanged("a9", "m9");
  s.Proceed({}, {MentorName("m5")});
  EXPECT_THAT(NotToBeAsked(s.c), UnorderedElementsAre(MentorName("m5"), MentorName("m9"), MentorName("now")));
}

TEST(RosterFeed, WhoIsKeptApartIsOutOfTheCaseWhereverItIs_F28) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", true).ok());
  ASSERT_TRUE(s.Confirm("o1").ok());
  s.KeepApart("m1");
  EXPECT_EQ(s.c.state(), v1::SEARCHING);
  EXPECT_EQ(s.offer("o1").state(), v1::PASSED_OVER);
  EXPECT_EQ(s.CountEffects("HOLD_NEXT_SEAT"), 2);
  s.KeepApart("m1");
  EXPECT_THAT(s.last.events, IsEmpty());
}

TEST(RosterFeed, WhoIsKeptApartWhileTheSwapRunsIsNotConfirmedAgainWhenItIsRefused_F28) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", true).ok());
  ASSERT_TRUE(s.Confirm("o1").ok());
  ASSERT_TRUE(s.Call(v1::AGREED).ok());
  s.KeepApart("m1");
  EXPECT_EQ(s.c.state(), v1::TRANSFERRING);
  s.TransferRefused("DO_NOT_PAIR");
  EXPECT_EQ(s.c.state(), v1::SEARCHING);
  EXPECT_EQ(s.offer("o1").state(), v1::CANCELLED);
  EXPECT_EQ(s.CountEffects("RELEASE_SEAT"), 1);
  EXPECT_FALSE(s.Confirm("o1").ok());
}

TEST(RosterFeed, WhoIsOutOfTheCaseWhileTheSwapOfAnotherRunsIsNotAskedAnyMore_F28_F33) {
  Story s = SwapOfO2(Broadcast());
  s.KeepApart("m2");
  s.MentorLeft("m3");
  EXPECT_EQ(s.c.state(), v1::TRANSFERRING);
  EXPECT_EQ(s.offer("o3").state(), v1::CANCELLED);
  EXPECT_EQ(s.offer("o4").state(), v1::CANCELLED);
  s.TransferRefused("ASSIGNMENT_CHANGED");
  EXPECT_EQ(s.offer("o2").state(), v1::WILLING);
}

TEST(RosterFeed, WhoBecameAndWhoWasTheMentorWhileTheSwapOfAnotherRanAreNotAskedAnyMore_F20_F34) {
  Story asked = AtBroadcast();
  ASSERT_TRUE(asked.OpenBroadcast({"m1", "m2", "m3", "now"}, /*include_current=*/true).ok());
  asked.Deliver(BROADCAST);
  Story s = SwapOfO2(std::move(asked));
  s.AssignmentChanged("a9", "m2");
  EXPECT_EQ(s.offer("o3").state(), v1::OPEN) << "put off";
  s.TransferRefused("DO_NOT_PAIR");
  EXPECT_EQ(s.c.current_mentor(), MentorName("m2"));
  EXPECT_EQ(s.offer("o3").cause(), "MENTOR_EXCLUDED");
  EXPECT_EQ(s.offer("o4").state(), v1::OPEN);
  EXPECT_EQ(s.offer("o5").state(), v1::CANCELLED);
}

TEST(RosterFeed, WhoBecomesTheMentorCanChangeTheirMindToNoAvail_F34_F29) {
  Story s = Broadcast();
  ASSERT_TRUE(s.Answer("o2", false).ok());
  s.AssignmentChanged("a9", "m1");
  ASSERT_TRUE(s.Answer("o2", true).ok());
  EXPECT_EQ(s.offer("o2").state(), v1::DECLINED);
  EXPECT_TRUE(s.offer("o2").late());
}

TEST(RosterFeed, WhoIsKeptApartCanChangeTheirMindToNoAvail_F28_F29) {
  Story s = Searching();
  s.NoneLeft();
  ASSERT_TRUE(s.OpenBroadcast({"m1", "m2", "m3"}).ok());
  ASSERT_TRUE(s.Answer("o2", false).ok());
  ASSERT_TRUE(s.Answer("o3", false).ok());
  s.KeepApart("m1");
  s.MentorLeft("m2");
  for (const char* offer : {"o2", "o3"}) {
    ASSERT_TRUE(s.Answer(offer, true).ok());
    EXPECT_EQ(s.offer(offer).state(), v1::DECLINED) << offer;
    EXPECT_TRUE(s.offer(offer).late()) << "it is recorded all the same";
  }
  EXPECT_THAT(s.OpenTaskKinds(), IsEmpty());
}

TEST(RosterFeed, AnAssignmentThatChangesWhileTheSwapRunsCountsWhenItIsRefused_F33) {
  for (const bool refused : {true, false}) {
    Story s = Searching();
    s.Ask("m1");
    ASSERT_TRUE(s.Answer("o1", true).ok());
    ASSERT_TRUE(s.Confirm("o1").ok());
    ASSERT_TRUE(s.Call(v1::AGREED).ok());
    s.AssignmentChanged("a8", "m8");
    s.AssignmentChanged("a9", "m9");
    EXPECT_EQ(s.c.current_mentor(), MentorName("now")) << "the swap names what it replaces";
    if (refused) {
      s.TransferRefused("DO_NOT_PAIR");
      EXPECT_EQ(s.c.current_mentor(), MentorName("m9"));
      EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("TRANSFER_REFUSED")) << "one task is enough";
    } else {
      s.Transferred();
      EXPECT_EQ(s.c.current_mentor(), MentorName("now"));
      EXPECT_EQ(s.c.state(), v1::ANNOUNCING);
    }
    EXPECT_EQ(s.c.deferred_size(), 0);
  }
}

TEST(RosterFeed, TheTasksAreTheAlternatesOnceTheLeaderIsTheMentor_F35) {
  Story s;
  s.Open();
  s.AssignmentChanged("a9", "lea");
  EXPECT_EQ(ActingLeader(s.c).person(), s.alternate.person());
  EXPECT_EQ(s.c.tasks(0).owner(), s.alternate.person());
}

}  // namespace
}  // namespace rematch::request
