// What follows by itself: who is asked, and when, and how everybody is told. One rule a test; the number at the end of a name is that of
// the feature it proves. Story checks the invariants after every step.
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "request-service/domain/reasons.h"
#include "tests/request/stages.h"

namespace rematch::request {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// --- Asking one mentor

TEST(Individual, ASeatIsHeldBeforeAnybodyIsAsked_F30) {
  Story s = Searching();
  EXPECT_THAT(s.LastEffects(), ElementsAre("HOLD_NEXT_SEAT"));
  EXPECT_EQ(LastHold(s).seat(), "case1.o1");
  s.Held("m1");
  EXPECT_THAT(s.LastEffects(), ElementsAre("SEND(FIRST_APPROACH,m1)"));
  EXPECT_EQ(s.last.effects[0].send().message(), "case1.o1.first_approach");
  EXPECT_EQ(s.last.effects[0].send().epoch(), 1);
}

TEST(Individual, TheWindowBeginsWhenTheMessageArrives_F5) {
  Story s = Searching();
  s.Held("m1");
  EXPECT_EQ(s.offer("o1").state(), v1::PREPARING);
  EXPECT_EQ(s.UntilDue(), absl::InfiniteDuration());
  s.now += absl::Seconds(17);
  s.Deliver(FIRST_APPROACH);
  EXPECT_EQ(s.offer("o1").state(), v1::OPEN);
  EXPECT_EQ(s.offer("o1").window_end(), ToStored(s.now + absl::Seconds(100)));
  EXPECT_EQ(s.UntilDue(), absl::Seconds(70));
}

TEST(Individual, AReminderGoesOutBeforeTheEnd_F38) {
  Story s = Searching();
  s.Ask("m1");
  s.NextDueRuns();
  EXPECT_THAT(s.LastEffects(), ElementsAre("SEND(APPROACH_REMINDER,m1)"));
  EXPECT_EQ(s.last.effects[0].send().epoch(), s.offer("o1").epoch());
  EXPECT_EQ(s.UntilDue(), absl::Seconds(30));
}

TEST(Individual, ALateTimerExpiresWithoutAReminder_F38) {
  Story s = Searching();
  s.Ask("m1");
  s.now += absl::Hours(1);
  s.NextDueRuns();
  EXPECT_EQ(s.offer("o1").state(), v1::EXPIRED);
  EXPECT_EQ(s.CountEffects("SEND(APPROACH_REMINDER,m1)"), 0);
}

TEST(Individual, DueBeforeItsTimeDoesNothing) {
  Story s = Searching();
  s.Ask("m1");
  Command due;
  due.mutable_due();
  s.Must(due);
  EXPECT_THAT(s.last.events, IsEmpty());
}

TEST(Individual, OneMentorAtATimeInRankedOrder_F5_F17) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", false).ok());
  EXPECT_EQ(s.offer("o1").state(), v1::DECLINED);
  EXPECT_THAT(s.LastEffects(), ElementsAre("RELEASE_SEAT", "HOLD_NEXT_SEAT"));
  EXPECT_THAT(LastHold(s).exclude(), UnorderedElementsAre(MentorName("m1"), MentorName("now")));
}

TEST(Individual, SilenceUntilTheEndReleasesTheSeatAndAsksTheNext_F5_F30) {
  Story s = Searching();
  s.Ask("m1");
  s.NextDueRuns();
  s.Deliver(APPROACH_REMINDER);
  s.NextDueRuns();
  EXPECT_EQ(s.offer("o1").state(), v1::EXPIRED);
  EXPECT_FALSE(s.offer("o1").seat_held());
  EXPECT_THAT(s.LastEffects(), ElementsAre("RELEASE_SEAT", "HOLD_NEXT_SEAT"));
}

TEST(Individual, AnUndeliverableMessageShortensTheWait_F39) {
  Story s = Searching();
  s.Held("m1");
  s.Fail(FIRST_APPROACH);
  EXPECT_EQ(s.offer("o1").state(), v1::UNDELIVERABLE);
  EXPECT_THAT(s.LastEffects(), ElementsAre("RELEASE_SEAT", "HOLD_NEXT_SEAT"));
}

TEST(Individual, ABounceAfterDeliveryDoesToo_F39) {
  Story s = Searching();
  s.Ask("m1");
  s.Fail(FIRST_APPROACH);
  EXPECT_EQ(s.offer("o1").state(), v1::UNDELIVERABLE);
  EXPECT_EQ(s.offer("o1").cause(), "BOUNCED");
  EXPECT_THAT(s.LastEffects(), ElementsAre("RELEASE_SEAT", "HOLD_NEXT_SEAT"));
}

TEST(Individual, ARefusedSendDoesToo_F39) {
  Story s = Searching();
  s.Held("m1");
  s.SendRefused("BAD_ADDRESS");
  EXPECT_EQ(s.offer("o1").state(), v1::UNDELIVERABLE);
  EXPECT_EQ(s.offer("o1").cause(), "BAD_ADDRESS");
}

TEST(Individual, ABounceAfterTheAnswerChangesNothing) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", true).ok());
  s.Fail(FIRST_APPROACH);
  EXPECT_EQ(s.offer("o1").state(), v1::WILLING);
}

TEST(Individual, TheStageIsOverWhenNobodyIsLeft_F3) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", false).ok());
  s.NoneLeft();
  EXPECT_TRUE(s.Happened("STAGE_EXHAUSTED(NONE_LEFT)"));
  EXPECT_TRUE(s.Happened("STAGE_OPENED(BROADCAST)"));
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("CHOOSE_BROADCAST_AUDIENCE"));
}

TEST(Individual, ARankingThatIsRefusedIsNotAskedAgainWithoutAPerson_F11) {
  Story s = Searching();
  s.SeatRefused("SEAT_RELEASED");
  EXPECT_THAT(s.LastEffects(), IsEmpty());
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("RESOLVE_STUCK"));
  EXPECT_EQ(s.Open(v1::RESOLVE_STUCK)->cause(), "SEAT_RELEASED");
  ASSERT_TRUE(s.Restart().ok());
  EXPECT_THAT(s.LastEffects(), ElementsAre("HOLD_NEXT_SEAT"));
}

// --- Broadcast

TEST(Broadcast, TheLeaderChoosesWhetherTheCurrentMentorIsIncluded_F20) {
  Story without = AtBroadcast();
  ASSERT_TRUE(without.OpenBroadcast({"m1", "now"}, false).ok());
  EXPECT_THAT(without.LastEffects(), ElementsAre("SEND(BROADCAST,m1)"));
  Story with = AtBroadcast();
  ASSERT_TRUE(with.OpenBroadcast({"m1", "now"}, true).ok());
  EXPECT_THAT(with.LastEffects(), ElementsAre("SEND(BROADCAST,m1)", "SEND(BROADCAST,now)"));
}

TEST(Broadcast, TheCurrentMentorsInterestCannotBeChosen_F20) {
  Story s = AtBroadcast();
  ASSERT_TRUE(s.OpenBroadcast({"m1", "now"}, true).ok());
  s.Deliver(BROADCAST);
  ASSERT_TRUE(s.Answer("o3", true).ok());
  EXPECT_EQ(s.offer("o3").mentor(), MentorName("now"));
  EXPECT_REFUSED(s.Choose("o3"), reason::kMentorExcluded);
}

TEST(Broadcast, ReachesThoseAlreadyAskedEachInTheirOwnMessage_F9) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", false).ok());
  s.NoneLeft();
  ASSERT_TRUE(s.OpenBroadcast({"m1", "m2", "m2"}).ok());
  EXPECT_THAT(s.LastEffects(), ElementsAre("SEND(BROADCAST,m1)", "SEND(BROADCAST,m2)"));
}

TEST(Broadcast, LeavesOutWhoWasStruck_F2) {
  Story s;
  s.Open();
  s.Proceed({}, {MentorName("m2")});
  s.NoneLeft();
  ASSERT_TRUE(s.OpenBroadcast({"m1", "m2"}).ok());
  EXPECT_THAT(s.LastEffects(), ElementsAre("SEND(BROADCAST,m1)"));
}

TEST(Broadcast, TellsTheNeedAndThatMentorsAreWanted_F19_F24) {
  Story s = AtBroadcast();
  ASSERT_TRUE(s.OpenBroadcast({"m1"}).ok());
  s.Deliver(BROADCAST);
  EXPECT_TRUE(s.Happened("DISCLOSED(m1:MENTORS_WANTED+NEED)"));
}

TEST(Broadcast, InterestAssignsNothingAndHoldsNoSeat_F9) {
  Story s = Broadcast();
  ASSERT_TRUE(s.Answer("o2", true).ok());
  ASSERT_TRUE(s.Answer("o3", true).ok());
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("CHOOSE_AMONG_INTERESTED"));
  EXPECT_THAT(s.LastEffects(), IsEmpty());
  EXPECT_REFUSED(s.Confirm("o2"), reason::kOfferWithoutSeat);
}

TEST(Broadcast, ChoosingHoldsASeatBeforeAnythingElse_F30) {
  Story s = Broadcast();
  ASSERT_TRUE(s.Answer("o2", true).ok());
  ASSERT_TRUE(s.Answer("o3", true).ok());
  ASSERT_TRUE(s.Choose("o3").ok());
  EXPECT_THAT(s.LastEffects(), ElementsAre("HOLD_SEAT"));
  EXPECT_EQ(s.c.state(), v1::SEARCHING);
  EXPECT_REFUSED(s.Choose("o2"), reason::kMatchUnderWay);
  s.Held();
  EXPECT_EQ(s.c.state(), v1::PROPOSED);
  EXPECT_EQ(s.offer("o3").state(), v1::CONFIRMED);
  EXPECT_EQ(s.offer("o2").state(), v1::WILLING);
}

TEST(Broadcast, ARefusedSeatBringsTheChoiceBack_F30) {
  Story s = Broadcast();
  ASSERT_TRUE(s.Answer("o2", true).ok());
  ASSERT_TRUE(s.Choose("o2").ok());
  s.SeatRefused("NO_FREE_SEAT");
  EXPECT_TRUE(s.offer("o2").refused_seat());
  EXPECT_EQ(s.offer("o2").state(), v1::WILLING);
  EXPECT_EQ(s.Open(v1::CHOOSE_AMONG_INTERESTED)->cause(), "NO_FREE_SEAT");
  ASSERT_TRUE(s.Choose("o2").ok());
  s.Held();
  EXPECT_FALSE(s.offer("o2").refused_seat());
  EXPECT_EQ(s.c.state(), v1::PROPOSED);
}

TEST(Broadcast, ANoWhileTheSeatIsAskedForWins_F6) {
  Story s = Broadcast();
  ASSERT_TRUE(s.Answer("o2", true).ok());
  ASSERT_TRUE(s.Choose("o2").ok());
  ASSERT_TRUE(s.Answer("o2", false).ok());
  EXPECT_THAT(s.LastEffects(), ElementsAre("RELEASE_SEAT"));
  s.Held();
  EXPECT_EQ(s.c.state(), v1::SEARCHING);
  EXPECT_THAT(s.LastEffects(), ElementsAre("RELEASE_SEAT"));
}

TEST(Broadcast, PassAllOverLetsTheOthersAnswer_F9) {
  Story s = Broadcast();
  ASSERT_TRUE(s.Answer("o2", true).ok());
  ASSERT_TRUE(s.PassAllOver().ok());
  EXPECT_EQ(s.offer("o2").state(), v1::PASSED_OVER);
  EXPECT_THAT(s.LastEffects(), IsEmpty()) << "F29: they hear it when the case ends, not before";
  EXPECT_EQ(s.c.stage(), 1);
  ASSERT_TRUE(s.Answer("o3", true).ok());
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("CHOOSE_AMONG_INTERESTED"));
}

TEST(Broadcast, IsOverWhenEverybodyAnswered_F3) {
  Story s = Broadcast();
  ASSERT_TRUE(s.Answer("o2", false).ok());
  ASSERT_TRUE(s.Answer("o3", false).ok());
  EXPECT_EQ(s.c.stage(), 1);
  ASSERT_TRUE(s.Answer("o4", false).ok());
  EXPECT_TRUE(s.Happened("STAGE_EXHAUSTED(ALL_ANSWERED)"));
  EXPECT_TRUE(s.Happened("STAGE_OPENED(RECOMMENDATION)"));
}

TEST(Broadcast, ItsEndWaitsForTheLeadersChoice_F3) {
  Story s = Broadcast();
  ASSERT_TRUE(s.Answer("o2", true).ok());
  s.NextDueRuns();
  EXPECT_THAT(s.LastEffects(), ElementsAre("SEND(BROADCAST_REMINDER,m2)", "SEND(BROADCAST_REMINDER,m3)")) << "F38: not who answered";
  s.NextDueRuns();
  EXPECT_EQ(s.offer("o3").state(), v1::EXPIRED);
  EXPECT_EQ(s.c.stage(), 1);
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("CHOOSE_AMONG_INTERESTED"));
  ASSERT_TRUE(s.PassAllOver().ok());
  EXPECT_TRUE(s.Happened("STAGE_OPENED(RECOMMENDATION)"));
}

TEST(Broadcast, WhoWasNotReachedInTimeIsCalledBack) {
  Story s = AtBroadcast();
  ASSERT_TRUE(s.OpenBroadcast({"m1"}).ok());
  s.now += absl::Seconds(200);
  s.NextDueRuns();
  EXPECT_EQ(s.offer("o2").state(), v1::CANCELLED);
  EXPECT_THAT(s.LastEffects(), ElementsAre("CANCEL_SEND"));
}

TEST(Broadcast, ABouncedMessageEndsThatOfferOnly_F39) {
  Story s = Broadcast();
  s.Fail(s.c.messages(0));
  EXPECT_EQ(s.offer("o2").state(), v1::UNDELIVERABLE);
  EXPECT_EQ(s.offer("o3").state(), v1::OPEN);
}

TEST(Broadcast, WhoeverShowedInterestAndWasNotChosenHearsItWhenTheCaseEnds_F29) {
  Story s = Broadcast();
  ASSERT_TRUE(s.Answer("o2", true).ok());
  ASSERT_TRUE(s.Answer("o3", true).ok());
  ASSERT_TRUE(s.Answer("o4", false).ok());
  ASSERT_TRUE(s.Choose("o3").ok());
  s.Held();
  ASSERT_TRUE(s.Call(v1::AGREED).ok());
  s.Transferred();
  s.Deliver(OFFICIAL_CANDIDATE);
  EXPECT_EQ(s.CountEffects("SEND(CLOSING_NOTE,m1)"), 0);
  s.Deliver(OFFICIAL_MENTOR);
  EXPECT_EQ(s.c.state(), v1::COMPLETED);
  EXPECT_THAT(s.LastEffects(), ElementsAre("SEND(CLOSING_NOTE,m1)"));
  s.Deliver(CLOSING_NOTE);
  EXPECT_TRUE(s.Happened("DISCLOSED(m1:NO_LONGER_NEEDED)"));
}

// --- Telling everybody

TEST(Announcing, BothMailsHandedOverCompleteTheCase_F8) {
  Story s = Announcing();
  s.Deliver(OFFICIAL_CANDIDATE);
  EXPECT_EQ(s.c.state(), v1::ANNOUNCING);
  EXPECT_TRUE(s.Happened("DISCLOSED(ana:MENTOR_IDENTITY+CONTACT)"));
  s.Deliver(OFFICIAL_MENTOR);
  EXPECT_EQ(s.c.state(), v1::COMPLETED);
  EXPECT_TRUE(s.Happened("DISCLOSED(m1:CANDIDATE_IDENTITY+CONTACT)"));
}

TEST(Announcing, AFailedMailBecomesACall_F39) {
  Story s = Announcing();
  s.Fail(OFFICIAL_CANDIDATE);
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("TELL_BY_PHONE"));
  EXPECT_EQ(s.Open(v1::TELL_BY_PHONE)->about(), kCandidate);
  s.Deliver(OFFICIAL_MENTOR);
  EXPECT_EQ(s.c.state(), v1::ANNOUNCING);
  ASSERT_TRUE(s.Call(v1::NO_ANSWER).ok());
  EXPECT_EQ(s.Open(v1::TELL_BY_PHONE)->not_before(), ToStored(s.now + absl::Seconds(40)));
  ASSERT_TRUE(s.Call(v1::TOLD).ok());
  EXPECT_EQ(s.c.state(), v1::COMPLETED);
}

TEST(Announcing, ABounceLongAfterCompletionIsACallAndTheCaseStaysComplete_F39) {
  Story s = Completed();
  s.now += absl::Hours(24 * 30);
  s.Fail(OFFICIAL_MENTOR);
  EXPECT_EQ(s.c.state(), v1::COMPLETED);
  EXPECT_THAT(s.OpenTaskKinds(), UnorderedElementsAre("TELL_FORMER_MENTOR", "TELL_BY_PHONE"));
  EXPECT_EQ(s.Open(v1::TELL_BY_PHONE)->about(), MentorName("m1"));
  ASSERT_TRUE(s.Call(v1::TOLD).ok());
  EXPECT_TRUE(s.Happened("DISCLOSED(m1:CANDIDATE_IDENTITY+CONTACT)"));
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("TELL_FORMER_MENTOR"));
}

TEST(Announcing, TheFormerMentorIsTheLeadersToTell_F46) {
  Story s = Completed();
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("TELL_FORMER_MENTOR"));
  EXPECT_THAT(s.MessagesTo(s.current_mentor), IsEmpty()) << "never by accident before";
  ASSERT_TRUE(s.Call(v1::TOLD).ok());
  EXPECT_TRUE(s.Happened("DISCLOSED(now:REPLACED)"));
  EXPECT_THAT(s.OpenTaskKinds(), IsEmpty());
}

TEST(Announcing, TheFormerMentorsNoteThatFailsComesBack_F46) {
  Story s = Completed();
  ASSERT_TRUE(s.SendClosingNote().ok());
  EXPECT_THAT(s.LastEffects(), ElementsAre("SEND(FORMER_MENTOR_NOTE,now)"));
  const std::string first = s.last.effects[0].send().message();
  s.Fail(FORMER_MENTOR_NOTE);
  EXPECT_EQ(s.Open(v1::TELL_FORMER_MENTOR)->cause(), "UNDELIVERABLE");
  ASSERT_TRUE(s.SendClosingNote().ok());
  EXPECT_NE(s.last.effects[0].send().message(), first) << "F40: another message needs another key";
  s.Deliver(FORMER_MENTOR_NOTE);
  EXPECT_TRUE(s.Happened("FORMER_MENTOR_TOLD"));
}

// The Leader had the address put right and the message sent again.
TEST(Announcing, ARetryThatGetsThroughEndsThePhoneTask_F39) {
  Story s = Announcing();
  s.Deliver(OFFICIAL_MENTOR);
  s.Fail(OFFICIAL_CANDIDATE);
  ASSERT_THAT(s.OpenTaskKinds(), ElementsAre("TELL_BY_PHONE"));
  for (const Message& message : s.c.messages()) {
    if (message.kind() == OFFICIAL_CANDIDATE) s.Delivered(message.key());
  }
  EXPECT_EQ(s.c.state(), v1::COMPLETED);
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("TELL_FORMER_MENTOR"));
}

TEST(Announcing, ARetryOfTheFormerMentorsNoteThatGetsThroughEndsTheirTask_F46) {
  Story s = Completed();
  ASSERT_TRUE(s.SendClosingNote().ok());
  s.Fail(FORMER_MENTOR_NOTE);
  ASSERT_THAT(s.OpenTaskKinds(), ElementsAre("TELL_FORMER_MENTOR"));
  for (const Message& message : s.c.messages()) {
    if (message.kind() == FORMER_MENTOR_NOTE) s.Delivered(message.key());
  }
  EXPECT_THAT(s.OpenTaskKinds(), IsEmpty());
}

// --- The feed

TEST(Announcing, WithoutAFormerMentorThereIsNobodyToTell) {
  Story s;
  s.current_mentor = "";
  s.Open();
  s.Proceed();
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", true).ok());
  ASSERT_TRUE(s.Confirm("o1").ok());
  s.AgreeAndAnnounce();
  EXPECT_THAT(s.OpenTaskKinds(), IsEmpty());
}

// --- Two things at once

TEST(Proposed, NobodyNewIsApproachedMeanwhile_F29) {
  // A referred mentor's seat is being asked for when the Leader's choice among the interested is proposed.
  Story s = Broadcast();
  ASSERT_TRUE(s.Answer("o2", true, true).ok());
  ASSERT_TRUE(s.Choose("o2").ok());
  ASSERT_TRUE(s.Qualify("p1", true, "m9").ok());
  s.Held();  // the choice
  ASSERT_EQ(s.c.state(), v1::PROPOSED);
  s.Held();  // the referred mentor's seat
  EXPECT_THAT(s.LastEffects(), IsEmpty());
  ASSERT_TRUE(s.Call(v1::DECLINED_BY_CANDIDATE).ok());
  EXPECT_THAT(s.LastEffects(), Contains("SEND(FIRST_APPROACH,m9)"));
}

TEST(Proposed, OnlyOneOfTwoWillingIsEverConfirmed_F29) {
  Story s = Broadcast();
  ASSERT_TRUE(s.Recommend().ok());
  ASSERT_TRUE(s.Qualify("p1", true, "m9").ok());
  s.Ask("m9");
  ASSERT_TRUE(s.Answer("o5", true).ok());
  ASSERT_TRUE(s.Answer("o2", true).ok());
  ASSERT_TRUE(s.Choose("o2").ok());
  EXPECT_REFUSED(s.Confirm("o5"), reason::kMatchUnderWay);
  s.Held();
  EXPECT_REFUSED(s.Confirm("o5"), reason::kWrongState);
  s.AgreeAndAnnounce();
  EXPECT_EQ(s.offer("o5").state(), v1::CANCELLED);
  EXPECT_EQ(s.CountEffects("SEND(CLOSING_NOTE,m9)"), 1);
}

}  // namespace
}  // namespace rematch::request
