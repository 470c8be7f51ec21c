// The rules of the state machine, one test each. The number at the end of a name is that of the feature it proves. Story checks the
// invariants after every step of every test.
#include "request-service/domain/escalation.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors.h"
#include "request-service/domain/reasons.h"
#include "tests/request/escalation_kit.h"

namespace rematch::request {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

// A case in its first stage, the first seat being asked for.
Story Searching() {
  Story s;
  s.Open();
  s.Proceed();
  return s;
}

// The same, nobody in the pool: the broadcast's audience is to be chosen.
Story AtBroadcast() {
  Story s = Searching();
  s.NoneLeft();
  return s;
}

Story AtRecommendation() {
  Story s = AtBroadcast();
  EXPECT_TRUE(s.OpenBroadcast({}).ok());
  return s;
}

Story AtLeader() {
  Story s = AtRecommendation();
  s.policy.set_without_consent(v1::EscalationPolicy::NOBODY);
  EXPECT_TRUE(s.Consent(false).ok());
  return s;
}

Story Stuck() {
  Story s = AtLeader();
  EXPECT_TRUE(s.DeclineToTake().ok());
  return s;
}

// The first mentor, m1, is willing and confirmed.
Story Proposed() {
  Story s = Searching();
  s.Ask("m1");
  EXPECT_TRUE(s.Answer("o1", true).ok());
  EXPECT_TRUE(s.Confirm("o1").ok());
  return s;
}

Story Announcing() {
  Story s = Proposed();
  EXPECT_TRUE(s.Call(v1::AGREED).ok());
  s.Transferred();
  return s;
}

Story Completed() {
  Story s = Proposed();
  s.AgreeAndAnnounce();
  return s;
}

// A broadcast to m1, m2 and m3, all delivered.
Story Broadcast() {
  Story s = AtBroadcast();
  EXPECT_TRUE(s.OpenBroadcast({"m1", "m2", "m3"}).ok());
  s.Deliver(BROADCAST);
  return s;
}

const Effect::HoldNextSeat& LastHold(const Story& s) {
  for (const Effect& effect : s.last.effects) {
    if (effect.has_hold_next_seat()) return effect.hold_next_seat();
  }
  ADD_FAILURE() << "no seat was asked for";
  return Effect::HoldNextSeat::default_instance();
}

#define EXPECT_REFUSED(expr, why) EXPECT_EQ(ReasonOf(expr), why)

// --- Review

TEST(Review, TheReasonsAreConsideredBeforeAnybodyIsAsked_F2) {
  Story s;
  s.Open();
  EXPECT_EQ(s.c.state(), v1::REVIEW);
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("REVIEW_REASONS"));
  EXPECT_THAT(s.effects, IsEmpty());
}

TEST(Review, CloseNeedsAGroundAndContactsNobody_F2) {
  Story s;
  s.Open();
  Command command;
  command.mutable_review()->set_proceed(false);
  EXPECT_EQ(s.Do(command).code(), absl::StatusCode::kInvalidArgument);
  command.mutable_review()->set_ground(v1::RESOLVED_WITHOUT_CHANGE);
  s.Must(command);
  EXPECT_EQ(s.c.state(), v1::CLOSED);
  EXPECT_EQ(s.c.close_ground(), v1::RESOLVED_WITHOUT_CHANGE);
  EXPECT_THAT(s.OpenTaskKinds(), IsEmpty());
  EXPECT_THAT(s.effects, IsEmpty());
}

TEST(Review, ProceedAsksWithTheLeadersOrderAndStrikes_F2) {
  Story s;
  s.Open();
  s.Proceed({MentorName("first")}, {MentorName("struck")});
  EXPECT_THAT(LastHold(s).order(), ElementsAre(MentorName("first")));
  EXPECT_THAT(LastHold(s).exclude(), UnorderedElementsAre(MentorName("struck"), MentorName("now")));
  EXPECT_THAT(LastHold(s).tiers(), ElementsAre(mentor::v1::TIER_ONE_CANDIDATE));
}

TEST(Open, AnAlternateWhoIsTheCurrentMentorIsLeftOut_F35_F21) {
  Story s;
  s.alternate.set_mentor(s.current_mentor);
  s.Open();
  EXPECT_EQ(s.c.alternate().person(), "");
  EXPECT_EQ(s.Open(v1::REVIEW_REASONS)->owner(), kLeader);
}

TEST(Open, IsRefusedWhenNobodyButTheMentorToBeReplacedCouldDecide_F35) {
  Story s;
  s.leader.set_mentor(s.current_mentor);
  s.alternate.Clear();
  EXPECT_REFUSED(s.Do(s.OpenCommand()), reason::kNoAlternate);
}

TEST(Review, ALeaderWhoIsTheCurrentMentorDoesNotDecide_F35) {
  Story s;
  s.current_mentor = MentorName("lea");
  s.Open();
  EXPECT_TRUE(s.c.alternate_acts());
  EXPECT_EQ(s.Open(v1::REVIEW_REASONS)->owner(), s.alternate.person());
}

TEST(Open, IsRefusedForACaseThatExists) {
  Story s;
  s.Open();
  EXPECT_REFUSED(s.Do(s.OpenCommand()), reason::kCaseAlreadyOpen);
}

TEST(Open, SaysEveryFieldThatIsWrong) {
  Story s;
  Command command;
  command.mutable_open()->set_time_zone("Nowhere/Land");
  const absl::Status status = s.Do(command);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  for (const char* field : {"name", "candidate", "leader.person", "time_zone"}) {
    EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(field));
  }
}

TEST(Apply, AnEmptyCommandIsInvalid) { EXPECT_EQ(Story().Do(Command()).code(), absl::StatusCode::kInvalidArgument); }

TEST(Apply, ACaseThatIsNotThereIsNotFoundByPeopleAndIgnoredByFacts) {
  Story s;
  EXPECT_REFUSED(s.Withdraw(), reason::kCaseNotFound);
  Command due;
  due.mutable_due();
  EXPECT_TRUE(s.Do(due).ok());
  EXPECT_THAT(s.events, IsEmpty());
}

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

// --- Answers

TEST(Answer, WillingAloneAssignsNothing_F6) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", true).ok());
  EXPECT_EQ(s.c.state(), v1::SEARCHING);
  EXPECT_THAT(s.LastEffects(), IsEmpty());
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("CONFIRM_MATCH"));
  EXPECT_EQ(s.UntilDue(), absl::InfiniteDuration());
}

TEST(Answer, TheLeadersJudgementAloneDoesNothingEither_F6) {
  Story s = Searching();
  s.Ask("m1");
  EXPECT_REFUSED(s.Confirm("o1"), reason::kOfferNotWilling);
}

TEST(Answer, TheSameTwiceIsOne) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", true).ok());
  ASSERT_TRUE(s.Answer("o1", true).ok());
  EXPECT_THAT(s.last.events, IsEmpty());
}

TEST(Answer, WillingCanBeTakenBackUntilTheCandidateAgreed_F6) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", true).ok());
  ASSERT_TRUE(s.Answer("o1", false).ok());
  EXPECT_EQ(s.offer("o1").state(), v1::DECLINED);
  EXPECT_THAT(s.LastEffects(), ElementsAre("RELEASE_SEAT", "HOLD_NEXT_SEAT"));
  EXPECT_THAT(s.OpenTaskKinds(), IsEmpty());
  // Also when the match was confirmed: nobody calls the candidate any more, and the search goes on.
  Story confirmed = Proposed();
  ASSERT_TRUE(confirmed.Answer("o1", false).ok());
  EXPECT_EQ(confirmed.c.state(), v1::SEARCHING);
  EXPECT_EQ(confirmed.offer("o1").state(), v1::DECLINED);
  EXPECT_THAT(confirmed.LastEffects(), ElementsAre("RELEASE_SEAT", "HOLD_NEXT_SEAT"));
  EXPECT_THAT(confirmed.OpenTaskKinds(), IsEmpty());
  EXPECT_THAT(confirmed.MessagesTo(MentorName("m1")), ElementsAre("FIRST_APPROACH"));
  Story agreed = Proposed();
  ASSERT_TRUE(agreed.Call(v1::AGREED).ok());
  EXPECT_REFUSED(agreed.Answer("o1", false), reason::kOfferConfirmed);
}

TEST(Answer, AYesAfterANoCountsWhileTheBroadcastIsOpen_F29) {
  Story s = Broadcast();
  ASSERT_TRUE(s.Answer("o2", false).ok());
  ASSERT_TRUE(s.Answer("o2", true).ok());
  EXPECT_EQ(s.offer("o2").state(), v1::WILLING);
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("CHOOSE_AMONG_INTERESTED"));
}

// The key of a seat that was asked for and given back is spent: such a yes is kept for the Leader, and stops nobody else's.
TEST(Answer, AYesAfterANoOfWhoWasChosenIsRecordedAsLate_F11_F29) {
  for (const bool held_first : {true, false}) {
    Story s = Broadcast();
    ASSERT_TRUE(s.Answer("o2", true).ok());
    ASSERT_TRUE(s.Answer("o3", true).ok());
    ASSERT_TRUE(s.Choose("o2").ok());
    if (held_first) s.Held();
    ASSERT_TRUE(s.Answer("o2", false).ok());
    ASSERT_TRUE(s.Answer("o2", true).ok());
    if (!held_first) s.Held("m1");
    EXPECT_EQ(s.c.state(), v1::SEARCHING);
    EXPECT_EQ(s.offer("o2").state(), v1::DECLINED);
    EXPECT_TRUE(s.offer("o2").late());
    ASSERT_TRUE(s.Choose("o3").ok());
    s.Held();
    EXPECT_EQ(s.c.state(), v1::PROPOSED);
  }
}

TEST(Answer, AYesAfterANoOfAnIndividualOfferIsRecordedAsLate_F29_F31) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", false).ok());
  ASSERT_TRUE(s.Answer("o1", true).ok());
  EXPECT_EQ(s.offer("o1").state(), v1::DECLINED);
  EXPECT_TRUE(s.offer("o1").late());
  EXPECT_TRUE(s.offer("o1").willing());
  EXPECT_THAT(s.LastEffects(), IsEmpty());
}

TEST(Answer, AYesToACancelledOfferIsRecordedAsLateWhileTheCaseIsOpen_F29) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.Restart(v1::BROADCAST).ok());
  ASSERT_TRUE(s.Answer("o1", true).ok());
  EXPECT_EQ(s.offer("o1").state(), v1::CANCELLED);
  EXPECT_TRUE(s.offer("o1").late());
  ASSERT_TRUE(s.Answer("o1", true).ok());
  EXPECT_THAT(s.last.events, IsEmpty()) << "the same answer twice is one";
}

TEST(Answer, AfterTheWindowIsLateAlsoWhenTheTimerIsLater_F31) {
  Story s = Searching();
  s.Ask("m1");
  s.now += absl::Seconds(101);
  ASSERT_TRUE(s.Answer("o1", true).ok());
  EXPECT_EQ(s.offer("o1").state(), v1::EXPIRED);
  EXPECT_TRUE(s.offer("o1").late());
  EXPECT_THAT(s.LastEffects(), ElementsAre("RELEASE_SEAT", "HOLD_NEXT_SEAT"));
  for (const Event& event : s.last.events) {
    if (event.has_offer_ended()) {
      EXPECT_EQ(event.actor_role(), "TIMER");
    }
  }
}

TEST(Answer, LateWillingIsRecordedAndAssignsNothing_F31) {
  Story s = Searching();
  s.Ask("m1");
  s.now += absl::Seconds(100);
  s.NextDueRuns();
  ASSERT_TRUE(s.Answer("o1", true).ok());
  EXPECT_TRUE(s.Happened("OFFER_ANSWERED(willing,late)"));
  EXPECT_EQ(s.offer("o1").state(), v1::EXPIRED);
  EXPECT_TRUE(s.offer("o1").late());
  EXPECT_THAT(s.LastEffects(), IsEmpty());
  EXPECT_REFUSED(s.Confirm("o1"), reason::kOfferNotWilling);
}

TEST(Answer, ALateNoKeepsThemOutOfTheNextRound) {
  Story s = Searching();
  s.Ask("m1");
  s.now += absl::Seconds(100);
  s.NextDueRuns();
  ASSERT_TRUE(s.Answer("o1", false).ok());
  ASSERT_TRUE(s.Restart().ok());
  s.SeatsComeBack();
  EXPECT_THAT(LastHold(s).exclude(), Contains(MentorName("m1")));
}

TEST(Answer, ToAnOlderEpochChangesNothing) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", true, false, 7).ok());
  EXPECT_THAT(s.last.events, IsEmpty());
}

TEST(Answer, ToACaseThatEndedChangesNothing) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.Withdraw().ok());
  ASSERT_TRUE(s.Answer("o1", true).ok());
  EXPECT_THAT(s.last.events, IsEmpty());
}

TEST(Answer, ToAnotherOffersQuestionIsNoLongerNeededOnceTheChangeIsMade) {
  Story s = Broadcast();
  ASSERT_TRUE(s.Answer("o2", true).ok());
  ASSERT_TRUE(s.Choose("o2").ok());
  s.Held();
  s.now += absl::Seconds(200);
  s.NextDueRuns();
  ASSERT_EQ(s.offer("o3").state(), v1::EXPIRED);
  ASSERT_TRUE(s.Call(v1::AGREED).ok());
  s.Transferred();
  ASSERT_TRUE(s.Answer("o3", true, true).ok());
  EXPECT_THAT(s.last.events, IsEmpty());
}

TEST(Answer, ByPhoneBeforeTheMessageArrivedCallsItBack) {
  Story s = Searching();
  EXPECT_REFUSED(s.Answer("o1", true, false, 0), reason::kOfferNotReady);
  s.Held("m1");
  ASSERT_TRUE(s.Answer("o1", true, false, 0).ok());
  EXPECT_EQ(s.offer("o1").state(), v1::WILLING);
  EXPECT_THAT(s.LastEffects(), ElementsAre("CANCEL_SEND"));
  EXPECT_TRUE(s.Happened("DISCLOSED(m1:NEED)"));
}

TEST(Answer, ByMailMayOvertakeTheReportThatItArrived) {
  Story s = Searching();
  s.Held("m1");
  ASSERT_TRUE(s.Answer("o1", true, false, 1).ok());
  s.Deliver(FIRST_APPROACH);
  EXPECT_EQ(s.offer("o1").state(), v1::WILLING);
  EXPECT_TRUE(s.Happened("DISCLOSED(m1:NEED)"));
}

TEST(Answer, AReferralComesWithEitherAnswerAndOnce_F10) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", false, true).ok());
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("QUALIFY_PERSON"));
  EXPECT_EQ(s.c.people(0).stage(), v1::INDIVIDUAL);
  ASSERT_TRUE(s.Answer("o1", false, true).ok());
  EXPECT_EQ(s.c.people_size(), 1);
}

TEST(Answer, UnknownOffersAreNotFound) {
  Story s = Searching();
  EXPECT_REFUSED(s.Answer("o9", true), reason::kOfferNotFound);
}

// --- Judging

TEST(Reject, PassesOverWithANeutralNoteAndAsksTheNext_F6) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", true).ok());
  ASSERT_TRUE(s.Reject("o1").ok());
  EXPECT_EQ(s.offer("o1").state(), v1::PASSED_OVER);
  EXPECT_THAT(s.LastEffects(), ElementsAre("RELEASE_SEAT", "SEND(CLOSING_NOTE,m1)", "HOLD_NEXT_SEAT"));
  EXPECT_THAT(s.OpenTaskKinds(), IsEmpty());
}

TEST(Confirm, PutsTheMentorToTheCandidateByPhoneFirst_F7) {
  Story s = Proposed();
  EXPECT_EQ(s.c.state(), v1::PROPOSED);
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("CALL_CANDIDATE"));
  EXPECT_THAT(s.LastEffects(), IsEmpty());
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

// --- Recommendation

TEST(Recommendation, TheCandidatesConsentIsAskedBeforeTheirSite_F22) {
  Story s = AtRecommendation();
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("ASK_CONSENT"));
  EXPECT_EQ(s.CountEffects("SEND(SITE_RECOMMENDATION,north)"), 0);
  ASSERT_TRUE(s.Consent(true).ok());
  EXPECT_EQ(s.c.consent(), CONSENT_GIVEN);
  EXPECT_THAT(s.LastEffects(), ElementsAre("SEND(SITE_RECOMMENDATION,north)", "SEND(DISTRICT_RECOMMENDATION,bay)"));
  s.Deliver(SITE_RECOMMENDATION);
  EXPECT_TRUE(s.Happened("DISCLOSED(north:NEED)"));
}

TEST(Recommendation, WithoutConsentThePolicySaysWhoIsAsked_F22) {
  Story district = AtRecommendation();
  ASSERT_TRUE(district.Consent(false).ok());
  EXPECT_THAT(district.LastEffects(), ElementsAre("SEND(DISTRICT_RECOMMENDATION,bay)"));
  Story nobody = AtRecommendation();
  nobody.policy.set_without_consent(v1::EscalationPolicy::NOBODY);
  ASSERT_TRUE(nobody.Consent(false).ok());
  EXPECT_THAT(nobody.LastEffects(), IsEmpty());
  EXPECT_TRUE(nobody.Happened("STAGE_OPENED(LEADER)"));
}

TEST(Recommendation, IsRemindedOfUntilSomebodyIsNamed_F38) {
  Story s = AtRecommendation();
  ASSERT_TRUE(s.Consent(true).ok());
  s.Deliver(SITE_RECOMMENDATION);
  s.Deliver(DISTRICT_RECOMMENDATION);
  Story named = s;
  s.NextDueRuns();
  EXPECT_THAT(s.LastEffects(), ElementsAre("SEND(RECOMMENDATION_REMINDER,north)", "SEND(RECOMMENDATION_REMINDER,bay)"));
  EXPECT_NE(s.last.effects[0].send().message(), s.last.effects[1].send().message());
  ASSERT_TRUE(named.Recommend().ok());
  named.NextDueRuns();
  EXPECT_THAT(named.LastEffects(), IsEmpty());
}

TEST(Recommendation, EndsAtOnceWhenNobodyCouldBeReached_F39) {
  Story s = AtRecommendation();
  ASSERT_TRUE(s.Consent(true).ok());
  s.Fail(SITE_RECOMMENDATION);
  EXPECT_EQ(s.c.stage(), 2);
  s.Fail(DISTRICT_RECOMMENDATION);
  EXPECT_TRUE(s.Happened("STAGE_OPENED(LEADER)"));
}

TEST(Recommendation, ItsEndWaitsForThePeopleWhoWereNamed_F3_F10) {
  Story s = AtRecommendation();
  ASSERT_TRUE(s.Consent(true).ok());
  ASSERT_TRUE(s.Recommend().ok());
  s.now += absl::Seconds(300);
  s.NextDueRuns();
  EXPECT_EQ(s.c.stage(), 2);
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("QUALIFY_PERSON"));
  ASSERT_TRUE(s.Qualify("p1", false).ok());
  EXPECT_TRUE(s.Happened("STAGE_OPENED(LEADER)"));
}

TEST(Qualify, SomebodyNewJoinsTheRosterAndIsAskedIndividually_F10) {
  Story s = AtRecommendation();
  ASSERT_TRUE(s.Consent(true).ok());
  ASSERT_TRUE(s.Recommend().ok());
  ASSERT_TRUE(s.Qualify("p1", true).ok());
  EXPECT_THAT(s.LastEffects(), ElementsAre("ADD_MENTOR"));
  s.MentorAdded("new");
  EXPECT_THAT(s.LastEffects(), ElementsAre("HOLD_SEAT"));
  s.Held();
  EXPECT_THAT(s.LastEffects(), ElementsAre("SEND(FIRST_APPROACH,new)"));
  s.Deliver(FIRST_APPROACH);
  const Offer& offer = s.c.offers(s.c.offers_size() - 1);
  EXPECT_EQ(offer.person(), "p1");
  EXPECT_EQ(offer.window_end(), ToStored(s.now + absl::Seconds(100)));
  ASSERT_TRUE(s.Answer(offer.id(), true).ok());
  ASSERT_TRUE(s.Confirm(offer.id()).ok());
  s.AgreeAndAnnounce();
}

TEST(Qualify, AMentorOfTheRosterIsAskedDirectly_F10) {
  Story s = AtBroadcast();
  ASSERT_TRUE(s.Recommend().ok());
  ASSERT_TRUE(s.Qualify("p1", true, "m5").ok());
  EXPECT_THAT(s.LastEffects(), ElementsAre("HOLD_SEAT"));
}

TEST(Qualify, PeopleWaitForOneAnother_F17) {
  Story s = AtBroadcast();
  ASSERT_TRUE(s.Recommend().ok());
  ASSERT_TRUE(s.Recommend().ok());
  ASSERT_TRUE(s.Qualify("p1", true, "m5").ok());
  ASSERT_TRUE(s.Qualify("p2", true, "m6").ok());
  EXPECT_THAT(s.LastEffects(), IsEmpty());
  s.Ask("m5");
  ASSERT_TRUE(s.Answer("o2", false).ok());
  EXPECT_THAT(s.LastEffects(), ElementsAre("RELEASE_SEAT", "HOLD_SEAT"));
  EXPECT_EQ(s.offer("o3").mentor(), MentorName("m6"));
}

TEST(Qualify, WhoIsOutOfTheCaseIsRefused_F13_F20) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", false, true).ok());
  EXPECT_REFUSED(s.Qualify("p1", true, "m1"), reason::kMentorExcluded);
  EXPECT_REFUSED(s.Qualify("p1", true, "now"), reason::kMentorExcluded);
  s.Ask("m2");
  EXPECT_REFUSED(s.Qualify("p1", true, "m2"), reason::kMentorBeingAsked);
  EXPECT_REFUSED(s.Qualify("p7", true), reason::kPersonNotFound);
  ASSERT_TRUE(s.Qualify("p1", false).ok());
  EXPECT_REFUSED(s.Qualify("p1", true), reason::kPersonDecided);
}

TEST(Qualify, ComesBackWithItsCauseWhenItDidNotWork_F11) {
  Story s = AtBroadcast();
  ASSERT_TRUE(s.Recommend().ok());
  ASSERT_TRUE(s.Qualify("p1", true).ok());
  s.AddRefused("MENTOR_EXISTS");
  EXPECT_EQ(s.Open(v1::QUALIFY_PERSON)->cause(), "MENTOR_EXISTS");
  ASSERT_TRUE(s.Qualify("p1", true, "m5").ok());
  s.SeatRefused("NO_FREE_SEAT");
  EXPECT_EQ(s.Open(v1::QUALIFY_PERSON)->cause(), "NO_FREE_SEAT");
  ASSERT_TRUE(s.Qualify("p1", true).ok());
  s.MentorAdded("now");
  EXPECT_EQ(s.Open(v1::QUALIFY_PERSON)->cause(), "MENTOR_EXCLUDED");
}

// --- Leader

TEST(Leader, IsAskedLastAndNeedsASeatLikeAnybody_F11) {
  Story s = AtLeader();
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("TAKE_CANDIDATE"));
  ASSERT_TRUE(s.Take().ok());
  EXPECT_THAT(s.LastEffects(), ElementsAre("HOLD_SEAT"));
  s.SeatRefused("NO_FREE_SEAT");
  EXPECT_EQ(s.Open(v1::TAKE_CANDIDATE)->cause(), "NO_FREE_SEAT");
  ASSERT_TRUE(s.Take().ok());
  s.Held();
  EXPECT_EQ(s.c.state(), v1::PROPOSED);
  s.AgreeAndAnnounce();
  EXPECT_THAT(s.MessagesTo(s.leader.mentor()), ElementsAre("OFFICIAL_MENTOR"));
}

TEST(Leader, WithoutARecordAsAMentorCannotTake) {
  Story s;
  s.leader.clear_mentor();
  s.Open();
  s.Proceed();
  s.NoneLeft();
  ASSERT_TRUE(s.OpenBroadcast({}).ok());
  s.policy.set_without_consent(v1::EscalationPolicy::NOBODY);
  ASSERT_TRUE(s.Consent(false).ok());
  EXPECT_REFUSED(s.Take(), reason::kLeaderHasNoMentorRecord);
}

TEST(Leader, DecliningLeavesATaskNotADeadEnd_F11) {
  Story s = Stuck();
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("RESOLVE_STUCK"));
  ASSERT_TRUE(s.Recommend().ok());
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("QUALIFY_PERSON"));
  ASSERT_TRUE(s.Qualify("p1", false).ok());
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("RESOLVE_STUCK"));
}

TEST(Leader, WhomTheCandidateDeclinesLeavesTheCaseStuck_F13) {
  Story s = AtLeader();
  ASSERT_TRUE(s.Take().ok());
  s.Held();
  ASSERT_TRUE(s.Call(v1::DECLINED_BY_CANDIDATE).ok());
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("RESOLVE_STUCK"));
  EXPECT_THAT(s.LastEffects(), ElementsAre("RELEASE_SEAT"));
}

// --- The call

TEST(Call, AnAttemptIsNotACompletedCall_F7) {
  for (const v1::CallOutcome attempt : {v1::NO_ANSWER, v1::VOICEMAIL}) {
    Story s = Proposed();
    ASSERT_TRUE(s.Call(attempt).ok());
    EXPECT_EQ(s.c.state(), v1::PROPOSED);
    EXPECT_THAT(s.LastEffects(), IsEmpty());
    const Task* again = s.Open(v1::CALL_CANDIDATE);
    EXPECT_EQ(again->not_before(), ToStored(s.now + absl::Seconds(40)));
    EXPECT_EQ(again->due(), again->not_before());
    EXPECT_EQ(again->cause(), v1::CallOutcome_Name(attempt));
  }
}

TEST(Call, AWrongNumberIsATaskToFindAnother_F39) {
  Story s = Proposed();
  ASSERT_TRUE(s.Call(v1::WRONG_NUMBER).ok());
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("FIND_NUMBER"));
  ASSERT_TRUE(s.Call(v1::AGREED).ok());
  EXPECT_EQ(s.c.state(), v1::TRANSFERRING);
}

TEST(Call, OnlyAgreedLeadsToTheSwapAndOnlyTheSwapToTheMails_F7_F8) {
  Story s = Proposed();
  ASSERT_TRUE(s.Call(v1::AGREED).ok());
  EXPECT_TRUE(s.Happened("DISCLOSED(ana:MENTOR_IDENTITY)"));
  EXPECT_THAT(s.LastEffects(), ElementsAre("TRANSFER"));
  EXPECT_EQ(s.last.effects[0].transfer().seat(), "case1.o1");
  EXPECT_EQ(s.last.effects[0].transfer().replaces(), "consortia/c/assignments/a1") << "F34";
  s.Transferred();
  EXPECT_THAT(s.LastEffects(), ElementsAre("SEND(OFFICIAL_CANDIDATE,ana)", "SEND(OFFICIAL_MENTOR,m1)"));
  EXPECT_EQ(s.last.effects[0].send().about(), MentorName("m1"));
}

TEST(Call, DeclinedFreesTheSeatAndTheSearchGoesOnInTheSameStage_F13) {
  Story s = Proposed();
  ASSERT_TRUE(s.Call(v1::DECLINED_BY_CANDIDATE).ok());
  EXPECT_EQ(s.c.state(), v1::SEARCHING);
  EXPECT_EQ(s.c.stage(), 0);
  EXPECT_EQ(s.offer("o1").state(), v1::PASSED_OVER);
  EXPECT_THAT(s.LastEffects(), ElementsAre("RELEASE_SEAT", "SEND(CLOSING_NOTE,m1)", "HOLD_NEXT_SEAT"));
  EXPECT_THAT(LastHold(s).exclude(), Contains(MentorName("m1")));
  s.NoneLeft();
  ASSERT_TRUE(s.OpenBroadcast({"m1", "m2"}).ok());
  EXPECT_THAT(s.LastEffects(), ElementsAre("SEND(BROADCAST,m2)")) << "out of the case altogether";
}

TEST(Call, DeclinedInABroadcastLeavesTheOtherInterested_F13) {
  Story s = Broadcast();
  ASSERT_TRUE(s.Answer("o2", true).ok());
  ASSERT_TRUE(s.Answer("o3", true).ok());
  ASSERT_TRUE(s.Choose("o2").ok());
  s.Held();
  ASSERT_TRUE(s.Call(v1::DECLINED_BY_CANDIDATE).ok());
  EXPECT_EQ(s.c.stage(), 1);
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("CHOOSE_AMONG_INTERESTED"));
}

TEST(Call, OutcomesThatDoNotFitAreInvalid) {
  Story s = Proposed();
  EXPECT_REFUSED(s.Call(v1::TOLD), reason::kCallOutcomeWrong);
  Story told = Completed();
  EXPECT_REFUSED(told.Call(v1::AGREED), reason::kCallOutcomeWrong);
}

TEST(Call, NamesATaskThatIsOpenAndACall) {
  Story s = Searching();
  Command command;
  command.mutable_record_call()->set_task("t9");
  EXPECT_REFUSED(s.Do(command), reason::kTaskNotFound);
  command.mutable_record_call()->set_task("t1");
  EXPECT_REFUSED(s.Do(command), reason::kTaskNotOpen);
  Story review;
  review.Open();
  EXPECT_REFUSED(review.Do(command), reason::kTaskNotACall);
}

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

Command AssignmentChanged(const Story& s, std::string_view mentor, std::string_view assignment) {
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
  s.Must(AssignmentChanged(s, MentorName("other"), "consortia/c/assignments/a9"));
  EXPECT_EQ(s.c.current_mentor(), MentorName("other"));
  ASSERT_TRUE(s.Confirm("o1").ok());
  ASSERT_TRUE(s.Call(v1::AGREED).ok());
  ASSERT_EQ(s.last.effects.size(), 1u);
  EXPECT_EQ(s.last.effects[0].transfer().replaces(), "consortia/c/assignments/a9");
}

TEST(Transfer, WhomTheCandidateAskedToLeaveIsNotAskedAfterTheRosterHasChanged_F20) {
  Story s = Proposed();
  ASSERT_TRUE(s.Call(v1::AGREED).ok());
  s.Must(AssignmentChanged(s, "", ""));
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
  s.Must(AssignmentChanged(s, MentorName("boss"), "consortia/c/assignments/a9"));
  EXPECT_TRUE(s.c.alternate_acts());
  EXPECT_EQ(s.Open(v1::TRANSFER_REFUSED)->owner(), s.alternate.person());
}

TEST(Transfer, WhoHasBecomeTheirMentorOtherwiseIsNoMatchAnyMore_F34) {
  Story s = Proposed();
  ASSERT_TRUE(s.Call(v1::AGREED).ok());
  s.Must(AssignmentChanged(s, MentorName("m1"), "consortia/c/assignments/a9"));
  EXPECT_EQ(s.offer("o1").state(), v1::CANCELLED);
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("TRANSFER_REFUSED"));
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

// --- Ending without a change

TEST(Withdraw, ClosesLiveOffersReleasesSeatsAndTellsThoseAsked_F14) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.Withdraw().ok());
  EXPECT_EQ(s.c.state(), v1::WITHDRAWN);
  EXPECT_THAT(s.LastEffects(), ElementsAre("RELEASE_SEAT", "SEND(CLOSING_NOTE,m1)"));
  EXPECT_THAT(s.OpenTaskKinds(), IsEmpty());
}

TEST(Withdraw, CallsBackWhatWasNotSentAndTellsNobodyOfIt_F14) {
  Story s = Searching();
  s.Held("m1");
  ASSERT_TRUE(s.Withdraw().ok());
  EXPECT_THAT(s.LastEffects(), ElementsAre("RELEASE_SEAT", "CANCEL_SEND"));
  s.SendCancelled();
  EXPECT_THAT(s.LastEffects(), IsEmpty());
}

TEST(Withdraw, CallsBackRemindersAndTheRequestsForRecommendations_F14) {
  Story reminded = Searching();
  reminded.Ask("m1");
  reminded.NextDueRuns();
  ASSERT_TRUE(reminded.Withdraw().ok());
  EXPECT_THAT(reminded.LastEffects(), ElementsAre("RELEASE_SEAT", "CANCEL_SEND", "SEND(CLOSING_NOTE,m1)"));

  Story recommending = AtRecommendation();
  ASSERT_TRUE(recommending.Consent(true).ok());
  recommending.Deliver(DISTRICT_RECOMMENDATION);
  ASSERT_TRUE(recommending.Withdraw().ok());
  EXPECT_THAT(recommending.LastEffects(), ElementsAre("CANCEL_SEND"));
  EXPECT_EQ(recommending.last.effects[0].cancel_send().message(), "case1.r1.site_recommendation");
}

TEST(Withdraw, CallsAMessageBackOnce) {
  Story s = Searching();
  s.Held("m1");
  ASSERT_TRUE(s.Answer("o1", true, false, 0).ok());
  ASSERT_TRUE(s.Withdraw().ok());
  EXPECT_EQ(s.CountEffects("CANCEL_SEND"), 1);
}

TEST(Withdraw, AMessageThatWentOutAllTheSameIsFollowedByANote_F14) {
  Story s = Searching();
  s.Held("m1");
  ASSERT_TRUE(s.Withdraw().ok());
  s.TooLateToCancel();
  s.Deliver(FIRST_APPROACH);
  EXPECT_THAT(s.LastEffects(), ElementsAre("SEND(CLOSING_NOTE,m1)"));
}

TEST(Withdraw, ReleasesASeatThatIsStillBeingAskedFor_F30) {
  Story s = Searching();
  ASSERT_TRUE(s.Withdraw().ok());
  EXPECT_THAT(s.LastEffects(), ElementsAre("RELEASE_SEAT"));
  EXPECT_EQ(s.last.effects[0].release_seat().seat(), "case1.o1");
  EXPECT_FALSE(NeedsSeat(s.c, "case1.o1"));
  s.Held("m1");
  EXPECT_THAT(s.LastEffects(), ElementsAre("RELEASE_SEAT"));
  EXPECT_EQ(s.c.state(), v1::WITHDRAWN);
}

TEST(Withdraw, WhoSaidNoHearsNothing_F14) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", false).ok());
  ASSERT_TRUE(s.Withdraw().ok());
  EXPECT_EQ(s.CountEffects("SEND(CLOSING_NOTE,m1)"), 0);
}

TEST(Withdraw, OneNoteIsEnoughForWhoWasAskedTwice) {
  Story s = Searching();
  s.Ask("m1");
  s.now += absl::Seconds(100);
  s.NextDueRuns();
  s.NoneLeft();
  ASSERT_TRUE(s.OpenBroadcast({"m1"}).ok());
  s.Deliver(BROADCAST);
  ASSERT_TRUE(s.Withdraw().ok());
  EXPECT_EQ(s.CountEffects("SEND(CLOSING_NOTE,m1)"), 1);
}

TEST(Withdraw, IsPossibleUntilTheCandidateAgreed_F14) {
  Story proposed = Proposed();
  ASSERT_TRUE(proposed.Withdraw().ok());
  EXPECT_THAT(proposed.LastEffects(), ElementsAre("RELEASE_SEAT", "SEND(CLOSING_NOTE,m1)"));

  Story agreed = Proposed();
  ASSERT_TRUE(agreed.Call(v1::AGREED).ok());
  EXPECT_REFUSED(agreed.Withdraw(), reason::kChangeUnderWay);
  EXPECT_REFUSED(agreed.Close(), reason::kChangeUnderWay);
  Story announcing = Announcing();
  EXPECT_REFUSED(announcing.Withdraw(), reason::kChangeUnderWay);
  Story completed = Completed();
  EXPECT_REFUSED(completed.Withdraw(), reason::kCaseEnded);

  agreed.TransferRefused("ASSIGNMENT_CHANGED");
  EXPECT_TRUE(agreed.Withdraw().ok());
}

TEST(Close, TerminalStatesAreFinal_F32) {
  Story s = Searching();
  ASSERT_TRUE(s.Close().ok());
  EXPECT_REFUSED(s.Withdraw(), reason::kCaseEnded);
  EXPECT_REFUSED(s.Close(), reason::kCaseEnded);
  EXPECT_REFUSED(s.Restart(), reason::kCaseEnded);
  EXPECT_REFUSED(s.Recommend(), reason::kCaseEnded);
}

// --- Beginning again

TEST(Restart, ANewRoundAsksUnderANewOfferWithItsOwnKeys_F32) {
  Story s = Stuck();
  ASSERT_TRUE(s.Restart(v1::INDIVIDUAL).ok());
  EXPECT_EQ(s.c.round(), 2);
  EXPECT_EQ(LastHold(s).seat(), "case1.o2");
}

TEST(Restart, ThoseWhoDidNotDeclineMayBeAskedAgain) {
  Story s = Searching();
  s.Ask("declined");
  ASSERT_TRUE(s.Answer("o1", false).ok());
  s.Ask("silent");
  s.now += absl::Seconds(100);
  s.NextDueRuns();
  ASSERT_TRUE(s.Restart().ok());
  s.SeatsComeBack();
  EXPECT_THAT(LastHold(s).exclude(), UnorderedElementsAre(MentorName("declined"), MentorName("now")));
}

// Else the seat that this case itself still holds would make its mentor look full.
TEST(Restart, AsksNobodyBeforeItsOwnSeatsHaveComeBack_F3_F30) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.Restart().ok());
  EXPECT_THAT(s.LastEffects(), ElementsAre("RELEASE_SEAT"));
  EXPECT_TRUE(CanMove(s.c));
  s.SeatsComeBack();
  EXPECT_THAT(s.LastEffects(), ElementsAre("HOLD_NEXT_SEAT"));
}

TEST(Restart, AQualifiedPersonIsAskedAgainWhenTheirSeatHasComeBack_F10_F30) {
  Story s = Searching();
  s.Ask("m1");
  s.now += absl::Seconds(100);
  s.NextDueRuns();
  s.NoneLeft();
  ASSERT_TRUE(s.Recommend().ok());
  ASSERT_TRUE(s.Qualify("p1", true, "m1").ok());
  EXPECT_THAT(s.LastEffects(), IsEmpty());
  EXPECT_EQ(s.c.stage(), 1) << "the stage waits for them";
  s.SeatsComeBack();
  EXPECT_THAT(s.LastEffects(), ElementsAre("HOLD_SEAT"));
}

TEST(Restart, WhoShowedInterestAndWasNotChosenMayBeAsked) {
  Story s = Broadcast();
  ASSERT_TRUE(s.Answer("o2", true).ok());
  ASSERT_TRUE(s.PassAllOver().ok());
  ASSERT_TRUE(s.Restart().ok());
  EXPECT_THAT(LastHold(s).exclude(), ElementsAre(MentorName("now")));
}

TEST(Restart, WhoWasPassedOverIsNotAskedInConfidenceAgain_F13) {
  Story declined = Proposed();
  ASSERT_TRUE(declined.Call(v1::DECLINED_BY_CANDIDATE).ok());
  ASSERT_TRUE(declined.Restart().ok());
  declined.SeatsComeBack();
  EXPECT_THAT(LastHold(declined).exclude(), UnorderedElementsAre(MentorName("m1"), MentorName("now")));
  ASSERT_TRUE(declined.Recommend().ok());
  EXPECT_REFUSED(declined.Qualify("p1", true, "m1"), reason::kMentorExcluded);
}

TEST(Restart, EndsWhatIsLive_F17_F30) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", true).ok());
  ASSERT_TRUE(s.Restart(v1::BROADCAST).ok());
  EXPECT_EQ(s.offer("o1").state(), v1::CANCELLED);
  EXPECT_THAT(s.LastEffects(), ElementsAre("RELEASE_SEAT"));
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("CHOOSE_BROADCAST_AUDIENCE"));
}

TEST(Restart, NeedsAStageOfThePolicy) {
  Story s = Searching();
  s.policy.mutable_stages()->RemoveLast();
  EXPECT_REFUSED(s.Restart(v1::LEADER), reason::kStageNotInPolicy);
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

// --- What is written down

TEST(Trail, TheStoredEventsGiveTheState_F41) {
  Story s = Completed();
  Case replayed;
  for (const Event& event : s.events) {
    Event stored;
    ASSERT_TRUE(stored.ParseFromString(event.SerializeAsString()));
    Fold(replayed, stored);
  }
  EXPECT_EQ(replayed.SerializeAsString(), s.c.SerializeAsString());
}

TEST(Trail, EveryEventSaysWhoWhenWhatAndAboutWhat_F41) {
  Story s = Completed();
  for (const Event& event : s.events) {
    EXPECT_EQ(event.actor_role().empty(), false);
    EXPECT_GT(event.time(), 0);
    EXPECT_NE(EventType(event), "UNKNOWN");
    EXPECT_NE(EventSummary(event), "") << EventType(event);
  }
  EXPECT_EQ(EventType(s.events[0]), "OPENED");
  EXPECT_EQ(s.events[0].actor(), kCandidate);
  for (const Event& event : s.events) {
    if (event.has_offer_opened()) {
      EXPECT_EQ(EventSubject(event), "o1");
    }
    if (event.has_task_opened()) {
      EXPECT_EQ(EventSubject(event), event.task_opened().task().id());
    }
  }
}

TEST(Trail, TheLedgerNamesTheMessage_F24) {
  Story s = Searching();
  s.Ask("m1");
  for (const Event& event : s.last.events) {
    if (!event.has_disclosed()) continue;
    EXPECT_EQ(event.disclosed().disclosure().by(), "consortia/c/notifications/case1.o1.first_approach");
    EXPECT_EQ(event.disclosed().disclosure().time().seconds(), absl::ToUnixSeconds(s.now));
  }
  EXPECT_TRUE(s.Happened("DISCLOSED(m1:NEED)"));
}

TEST(Reconciler, ASeatIsNeededExactlyWhileItsOfferLives_F30) {
  Story s = Searching();
  EXPECT_TRUE(NeedsSeat(s.c, "case1.o1")) << "the hold may have been carried out already";
  s.Ask("m1");
  EXPECT_TRUE(NeedsSeat(s.c, "case1.o1"));
  EXPECT_FALSE(NeedsSeat(s.c, "case1.o7"));
  EXPECT_FALSE(NeedsSeat(s.c, ""));
  ASSERT_TRUE(s.Answer("o1", false).ok());
  EXPECT_FALSE(NeedsSeat(s.c, "case1.o1"));
  EXPECT_FALSE(NeedsSeat(Completed().c, "case1.o1"));
}

TEST(Apply, TheSameArgumentsDecideTheSame_F25) {
  const Story s = Broadcast();
  Command command;
  command.mutable_withdraw();
  const Decision once = *Apply(s.c, command, {.policy = s.policy, .time = s.time}, s.now);
  const Decision again = *Apply(s.c, command, {.policy = s.policy, .time = s.time}, s.now);
  ASSERT_EQ(once.events.size(), again.events.size());
  for (size_t i = 0; i < once.events.size(); ++i) EXPECT_EQ(once.events[i].SerializeAsString(), again.events[i].SerializeAsString());
}

// --- The ledger

// Every message tells what the ledger says, and no more: by the names that its template puts in.
TEST(Ledger, SaysWhatTheMessageTells_F24) {
  const std::map<std::string, v1::Disclosure::Fact> facts = {
      {"need", v1::Disclosure::NEED},
      {"candidate_name", v1::Disclosure::CANDIDATE_IDENTITY},
      {"candidate_email", v1::Disclosure::CONTACT},
      {"mentor_email", v1::Disclosure::CONTACT},
  };
  for (int number = MessageKind_MIN + 1; number <= MessageKind_MAX; ++number) {
    const auto kind = static_cast<MessageKind>(number);
    const std::string name = absl::AsciiStrToLower(MessageKind_Name(kind));
    std::ifstream file(std::string(REMATCH_SOURCE_DIR) + "/notify-service/templates/" + name + ".text.mustache");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    ASSERT_NE(text, "") << name;
    std::vector<v1::Disclosure::Fact> told = FactsIn(kind);
    if (name == "approach_reminder" || name == "broadcast_reminder" || name == "recommendation_reminder")
      told = {v1::Disclosure::NEED};                                                     // again
    if (kind == FORMER_MENTOR_NOTE) told.push_back(v1::Disclosure::CANDIDATE_IDENTITY);  // their own candidate
    for (const auto& [variable, fact] : facts) {
      // To the candidate: their own name.
      if (kind == OFFICIAL_CANDIDATE && variable == "candidate_name") continue;
      if (absl::StrContains(text, "{{" + variable + "}}")) {
        EXPECT_THAT(told, Contains(fact)) << name << " tells {{" << variable << "}}";
      }
    }
    if (std::find(told.begin(), told.end(), v1::Disclosure::NEED) != told.end()) {
      EXPECT_TRUE(absl::StrContains(text, "{{need}}")) << name;
    }
  }
}

TEST(Trail, KeepsTheGroundOfAClosingToTheLeaders_F21) {
  Story s;
  s.Open();
  ASSERT_TRUE(s.Close(v1::NO_MENTOR_FOUND).ok());
  for (const Event& event : s.last.events) EXPECT_FALSE(absl::StrContains(EventSummary(event), "NO_MENTOR")) << EventSummary(event);
}

// ---------------------------------------------------------------------------------------------------------------------------------
// Mentors struck, stages skipped, late answers taken up

TEST(Strike, EndsTheOfferTellsTheMentorAndGoesOn_F2) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.Strike("m1").ok());
  EXPECT_EQ(s.offer("o1").state(), v1::CANCELLED);
  EXPECT_THAT(s.LastEffects(), Contains("SEND(CLOSING_NOTE,m1)"));
  s.SeatsComeBack();
  s.Held("m2");
  EXPECT_THAT(NotToBeAsked(s.c), Contains(MentorName("m1")));
  ASSERT_TRUE(s.Restart().ok());
  EXPECT_THAT(NotToBeAsked(s.c), Contains(MentorName("m1"))) << "in every round";
}

TEST(Strike, OfWhomASeatIsBeingHeldReleasesIt) {
  Story s = Searching();
  ASSERT_TRUE(s.Strike("m1").ok());
  s.Held("m1");
  EXPECT_EQ(s.offer("o1").state(), v1::CANCELLED);
  EXPECT_EQ(s.CountEffects("SEND(FIRST_APPROACH,m1)"), 0);
  EXPECT_EQ(s.CountEffects("RELEASE_SEAT"), 1);
}

TEST(Strike, OfTheProposedMentorTakesTheCaseBackToTheSearch) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", true).ok());
  ASSERT_TRUE(s.Confirm("o1").ok());
  ASSERT_TRUE(s.Strike("m1").ok());
  EXPECT_EQ(s.c.state(), v1::SEARCHING);
  EXPECT_EQ(s.offer("o1").state(), v1::PASSED_OVER);
  EXPECT_EQ(ReasonOf(s.Call(v1::AGREED)), "TASK_NOT_OPEN");
}

TEST(Strike, AgainChangesNothing) {
  Story s = Searching();
  ASSERT_TRUE(s.Strike("m1").ok());
  ASSERT_TRUE(s.Strike("m1").ok());
  EXPECT_THAT(s.last.events, IsEmpty());
}

TEST(SkipStage, EndsWhatIsLiveAndOpensTheNext_F3) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.SkipStage().ok());
  EXPECT_TRUE(s.Happened("STAGE_OPENED(BROADCAST)"));
  EXPECT_EQ(s.offer("o1").state(), v1::CANCELLED);
  EXPECT_THAT(s.LastEffects(), Contains("SEND(CLOSING_NOTE,m1)"));
  EXPECT_NE(s.Open(v1::CHOOSE_BROADCAST_AUDIENCE), nullptr);
}

TEST(SkipStage, OfTheLastStageLeavesTheCaseToTheLeader_F11) {
  Story s = AtLeader();
  ASSERT_TRUE(s.SkipStage().ok());
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("RESOLVE_STUCK"));
  EXPECT_EQ(ReasonOf(Searching().Confirm("o1")), "OFFER_NOT_WILLING");
}

TEST(SkipStage, WhoWasCalledOffAndIsAskedAgainHearsOfTheEndAsWell_F29) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.SkipStage().ok());
  ASSERT_TRUE(s.OpenBroadcast({"m1"}).ok());
  s.Deliver(BROADCAST);
  ASSERT_TRUE(s.Answer("o2", true).ok());
  ASSERT_TRUE(s.Close().ok());
  EXPECT_EQ(s.CountEffects("SEND(CLOSING_NOTE,m1)"), 2);
}

// The first expired and then said yes; nobody else is asked.
Story LateYes() {
  Story s = Searching();
  s.Ask("m1");
  s.now += absl::Seconds(100);
  s.NextDueRuns();
  EXPECT_TRUE(s.Answer("o1", true).ok());
  return s;
}

TEST(Revive, ALateYesIsJudgedOnceASeatIsHeldAgain_F31) {
  Story s = LateYes();
  s.SeatsComeBack();
  EXPECT_EQ(ReasonOf(s.Revive("o1")), "MENTOR_BEING_ASKED") << "the next offer is live";
  s.SeatRefused("SEAT_RELEASED");
  const std::string first_seat = s.offer("o1").seat();
  ASSERT_TRUE(s.Revive("o1").ok());
  EXPECT_NE(s.offer("o1").seat(), first_seat) << "its key is spent";
  EXPECT_THAT(s.LastEffects(), ElementsAre("HOLD_SEAT"));
  EXPECT_TRUE(NeedsSeat(s.c, s.offer("o1").seat()));
  s.Held();
  EXPECT_EQ(s.c.state(), v1::SEARCHING) << "F6: the match is yet to be judged";
  EXPECT_NE(s.Open(v1::CONFIRM_MATCH), nullptr);
  ASSERT_TRUE(s.Confirm("o1").ok());
  s.AgreeAndAnnounce();
}

TEST(Revive, WithoutAFreeSeatTheOfferIsOverAgainAndTheSearchGoesOn_F31) {
  Story s = LateYes();
  s.SeatsComeBack();
  s.SeatRefused("SEAT_RELEASED");
  ASSERT_TRUE(s.Revive("o1").ok());
  s.SeatRefused("NO_FREE_SEAT");
  EXPECT_EQ(s.offer("o1").state(), v1::EXPIRED);
  EXPECT_EQ(s.offer("o1").cause(), "NO_FREE_SEAT");
  s.SeatRefused("SEAT_RELEASED");
  ASSERT_TRUE(s.Revive("o1").ok()) << "there may be one later";
  EXPECT_TRUE(absl::EndsWith(s.offer("o1").seat(), ".o1.3")) << s.offer("o1").seat();
}

TEST(Revive, IsForAYesThatCameTooLateOnly_F31) {
  Story s = Searching();
  s.Ask("m1");
  EXPECT_EQ(ReasonOf(s.Revive("o1")), "OFFER_NOT_LATE");
  s.now += absl::Seconds(100);
  s.NextDueRuns();
  EXPECT_EQ(ReasonOf(s.Revive("o1")), "OFFER_NOT_LATE") << "they said nothing";
  EXPECT_EQ(ReasonOf(s.Revive("o9")), "OFFER_NOT_FOUND");
  ASSERT_TRUE(s.Answer("o1", true).ok());
  ASSERT_TRUE(s.Strike("m1").ok());
  EXPECT_EQ(ReasonOf(s.Revive("o1")), "MENTOR_EXCLUDED");
}

// ---------------------------------------------------------------------------------------------------------------------------------
// Pause and resume

TEST(Pause, KeepsWhatIsLeftOfAWindow_F44) {
  Story s = Searching();
  s.Ask("m1");
  s.SendsAccepted();
  s.now += absl::Seconds(60);
  ASSERT_TRUE(s.Pause().ok());
  EXPECT_EQ(NextDue(s.c), absl::InfiniteFuture());
  EXPECT_EQ(PauseOf(s.c), v1::PAUSED);
  s.now += absl::Hours(5);
  Command due;
  due.mutable_due();
  s.Must(due);
  EXPECT_EQ(s.offer("o1").state(), v1::OPEN);
  ASSERT_TRUE(s.Resume().ok());
  EXPECT_EQ(s.UntilDue(), absl::Seconds(10)) << "the reminder";
  EXPECT_EQ(FromStored(s.offer("o1").window_end()) - s.now, absl::Seconds(40));
}

TEST(Pause, NothingFollowsFromWhatIsReportedUntilItIsResumed_F44) {
  Story s = Searching();
  ASSERT_TRUE(s.Pause().ok());
  EXPECT_EQ(PauseOf(s.c), v1::PAUSING) << "a seat was asked for before";
  s.Held("m1");
  EXPECT_EQ(PauseOf(s.c), v1::PAUSED);
  EXPECT_THAT(s.LastEffects(), IsEmpty());
  const int64_t version = s.c.version();
  Command again = s.c.deferred(0);
  s.Must(again);
  EXPECT_EQ(s.c.version(), version) << "what is reported again says nothing new";
  ASSERT_TRUE(s.Resume().ok());
  EXPECT_THAT(s.LastEffects(), ElementsAre("SEND(FIRST_APPROACH,m1)"));
}

TEST(Pause, AnAnswerIsRecordedAndItsSeatComesBackLater_F44) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.Pause().ok());
  ASSERT_TRUE(s.Answer("o1", false).ok());
  EXPECT_EQ(s.offer("o1").state(), v1::DECLINED);
  EXPECT_THAT(s.LastEffects(), IsEmpty());
  EXPECT_TRUE(NeedsSeat(s.c, s.offer("o1").seat())) << "the reconciler takes nothing from a paused case";
  ASSERT_TRUE(s.Resume().ok());
  EXPECT_THAT(s.LastEffects(), Contains("RELEASE_SEAT"));
}

TEST(Pause, AYesThatIsTakenBackEndsTheProposalWhenItIsResumed_F44) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", true).ok());
  ASSERT_TRUE(s.Confirm("o1").ok());
  ASSERT_TRUE(s.Pause().ok());
  ASSERT_TRUE(s.Answer("o1", false).ok());
  EXPECT_EQ(s.c.state(), v1::PROPOSED);
  ASSERT_TRUE(s.Resume().ok());
  EXPECT_EQ(s.c.state(), v1::SEARCHING);
}

TEST(Pause, PeoplesStepsAreRefused_F44) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", true).ok());
  ASSERT_TRUE(s.Pause().ok());
  EXPECT_EQ(ReasonOf(s.Confirm("o1")), "CASE_PAUSED");
  EXPECT_EQ(ReasonOf(s.Restart()), "CASE_PAUSED");
  EXPECT_EQ(ReasonOf(s.Pause()), "CASE_PAUSED");
  ASSERT_TRUE(s.Resume().ok());
  EXPECT_EQ(ReasonOf(s.Resume()), "CASE_NOT_PAUSED");
  EXPECT_TRUE(s.Confirm("o1").ok());
}

TEST(Pause, WithdrawingAndClosingWork_F44) {
  for (const bool withdraw : {true, false}) {
    Story s = Searching();
    ASSERT_TRUE(s.Pause().ok());
    s.Held("m1");
    if (!withdraw) EXPECT_EQ(ReasonOf(s.Close(v1::CLOSE_GROUND_UNSPECIFIED)), "INVALID_FIELD");
    ASSERT_TRUE((withdraw ? s.Withdraw() : s.Close()).ok());
    EXPECT_THAT(s.LastEffects(), ElementsAre("RELEASE_SEAT")) << "the seat that was held meanwhile";
    EXPECT_THAT(s.OpenTaskKinds(), IsEmpty());
  }
}

TEST(Pause, OfAChangeUnderWayHoldsTheMailsBack_F44) {
  Story s = Searching();
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", true).ok());
  ASSERT_TRUE(s.Confirm("o1").ok());
  ASSERT_TRUE(s.Call(v1::AGREED).ok());
  s.SendsAccepted();
  ASSERT_TRUE(s.Pause().ok());
  s.Transferred();
  EXPECT_EQ(s.CountEffects("SEND(OFFICIAL_CANDIDATE,ana)"), 0);
  EXPECT_EQ(ReasonOf(s.Withdraw()), "CHANGE_UNDER_WAY");
  EXPECT_EQ(PauseOf(s.c), v1::PAUSED) << "a refused step took nothing up";
  ASSERT_TRUE(s.Resume().ok());
  EXPECT_EQ(s.CountEffects("SEND(OFFICIAL_CANDIDATE,ana)"), 1);
}

TEST(Snooze, PutsATaskOff_F38) {
  Story s;
  s.Open();
  ASSERT_TRUE(s.Snooze("t1", absl::Hours(10)).ok());
  EXPECT_EQ(FromStored(s.c.tasks(0).not_before()), s.now + absl::Hours(10));
  EXPECT_EQ(FromStored(s.c.tasks(0).due()), s.now + absl::Hours(10));
  ASSERT_TRUE(s.Snooze("t1", absl::Seconds(1)).ok());
  EXPECT_EQ(FromStored(s.c.tasks(0).due()), s.now + absl::Hours(10)) << "it is not due sooner for that";
  EXPECT_EQ(ReasonOf(s.Snooze("t1", absl::ZeroDuration())), "INVALID_FIELD");
  s.Proceed();
  EXPECT_EQ(ReasonOf(s.Snooze("t1", absl::Hours(1))), "TASK_NOT_OPEN");
  EXPECT_EQ(ReasonOf(s.Snooze("t99", absl::Hours(1))), "TASK_NOT_FOUND");
}

TEST(ReplaceLeader, HandsOverTheTasks_F35) {
  Story s;
  s.Open();
  ASSERT_TRUE(s.ReplaceLeader("new", "newmentor").ok());
  EXPECT_EQ(s.c.tasks(0).owner(), "consortia/c/leaders/new");
  ASSERT_TRUE(s.ReplaceLeader("new", "newmentor").ok());
  EXPECT_THAT(s.last.events, IsEmpty()) << "they lead it already";
}

TEST(ReplaceLeader, WhoIsTheCurrentMentorDoesNotDecide_F35) {
  Story s;
  s.Open();
  EXPECT_EQ(ReasonOf(s.ReplaceLeader("new", "now")), "NO_ALTERNATE");
  ASSERT_TRUE(s.ReplaceLeader("new", "now", "other").ok());
  EXPECT_EQ(ActingLeader(s.c).person(), "consortia/c/leaders/other");
  EXPECT_EQ(s.c.tasks(0).owner(), "consortia/c/leaders/other");
}

// ---------------------------------------------------------------------------------------------------------------------------------
// The roster's feed

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

TEST(SkipStage, AQuestionThatArrivesAllTheSameIsFollowedByANote) {
  Story s = Searching();
  s.Held("m1");
  ASSERT_TRUE(s.SkipStage().ok());
  EXPECT_EQ(s.CountEffects("SEND(CLOSING_NOTE,m1)"), 0) << "they were not asked yet";
  s.TooLateToCancel();
  s.Deliver(FIRST_APPROACH);
  EXPECT_EQ(s.CountEffects("SEND(CLOSING_NOTE,m1)"), 1);
}

TEST(Revive, OfAnEarlierRoundIsNotAskedBesides_F17) {
  Story s = AtBroadcast();
  ASSERT_TRUE(s.OpenBroadcast({"m1"}).ok());
  s.Deliver(BROADCAST);
  s.now += absl::Seconds(200);
  s.NextDueRuns();
  ASSERT_TRUE(s.Answer("o2", true).ok());
  ASSERT_TRUE(s.Restart().ok());
  s.SeatRefused("SEAT_RELEASED");
  ASSERT_TRUE(s.Revive("o2").ok());
  EXPECT_THAT(NotToBeAsked(s.c), Contains(MentorName("m1")));
}

TEST(Pause, ItsOwnTaskCanBePutOff_F38_F44) {
  Story s = Searching();
  ASSERT_TRUE(s.Pause().ok());
  EXPECT_TRUE(s.Snooze(s.Open(v1::RESUME_CASE)->id(), absl::Hours(24)).ok());
  EXPECT_EQ(ReasonOf(s.Snooze(s.Open(v1::RESUME_CASE)->id(), absl::Hours(24 * 400))), "INVALID_FIELD");
}

TEST(Pause, ASeatThatIsAskedForIsNeeded_F30) {
  Story s = AtBroadcast();
  ASSERT_TRUE(s.OpenBroadcast({"m1"}).ok());
  s.Deliver(BROADCAST);
  ASSERT_TRUE(s.Answer("o2", true).ok());
  ASSERT_TRUE(s.Choose("o2").ok());
  ASSERT_TRUE(s.Pause().ok());
  ASSERT_TRUE(s.Answer("o2", false).ok());
  EXPECT_TRUE(NeedsSeat(s.c, s.offer("o2").seat()));
}

}  // namespace
}  // namespace rematch::request
