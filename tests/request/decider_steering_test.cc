// What people do about a case beside its course: they end it, begin again, strike, skip, take up, pause. One rule a test; the number at
// the end of a name is that of the feature it proves. Story checks the invariants after every step.
#include <string>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors.h"
#include "request-service/domain/reasons.h"
#include "tests/request/stages.h"

namespace rematch::request {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

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

// --- Mentors struck, stages skipped, late answers taken up

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

TEST(SkipStage, AQuestionThatArrivesAllTheSameIsFollowedByANote) {
  Story s = Searching();
  s.Held("m1");
  ASSERT_TRUE(s.SkipStage().ok());
  EXPECT_EQ(s.CountEffects("SEND(CLOSING_NOTE,m1)"), 0) << "they were not asked yet";
  s.TooLateToCancel();
  s.Deliver(FIRST_APPROACH);
  EXPECT_EQ(s.CountEffects("SEND(CLOSING_NOTE,m1)"), 1);
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

// --- Pause and resume

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

}  // namespace
}  // namespace rematch::request
