// What people say to a case. One rule a test; the number at the end of a name is that of the feature it proves. Story checks the
// invariants after every step.
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

}  // namespace
}  // namespace rematch::request
