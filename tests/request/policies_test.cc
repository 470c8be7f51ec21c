// Cases under policies other than the default: each choice that a policy can make, as a story (F1, F15, F18, F20, F46).
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors.h"
#include "request-service/domain/policy.h"
#include "request-service/domain/reasons.h"
#include "tests/request/escalation_kit.h"

namespace rematch::request {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Policy = v1::EscalationPolicy;
using Stage = v1::EscalationPolicy::Stage;

const std::string kAlternate = "consortia/c/leaders/alt";

v1::Window Seconds(int amount) {
  v1::Window window;
  window.set_amount(amount);
  window.set_unit(v1::Window::SECONDS);
  return window;
}

Stage* InsertStage(Policy& policy, int at, v1::StageKind kind, const std::string& id = "") {
  policy.add_stages();
  for (int i = policy.stages_size() - 1; i > at; --i) policy.mutable_stages()->SwapElements(i, i - 1);
  Stage* stage = policy.mutable_stages(at);
  stage->set_kind(kind);
  stage->set_id(id);
  return stage;
}

Policy MediationFirst() {
  Policy policy = TestPolicy();
  *InsertStage(policy, 0, v1::MEDIATION)->mutable_window() = Seconds(500);
  return policy;
}

Policy Signed() {
  Policy policy = TestPolicy();
  Stage& stage = *InsertStage(policy, 0, v1::SIGNATURES);
  stage.add_signers(Stage::CANDIDATE);
  stage.add_signers(Stage::CURRENT_MENTOR);
  return policy;
}

Story Begun(const Policy& policy) {
  EXPECT_TRUE(ValidatePolicy(policy).ok()) << ValidatePolicy(policy);
  Story s(policy);
  s.alternate.set_person(kAlternate);
  s.alternate.set_mentor(MentorName("alt"));
  s.Open();
  s.Proceed();
  return s;
}

// --- Mediation

TEST(Policies, AMediationComesFirstAndNobodyIsAskedBefore) {
  Story s = Begun(MediationFirst());
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("MEDIATE"));
  EXPECT_EQ(s.Open(v1::MEDIATE)->due(), ToStored(s.now + absl::Seconds(500))) << "as long as the stage says";
  EXPECT_THAT(s.c.offers(), IsEmpty());
  ASSERT_TRUE(s.Mediate(v1::NOT_SETTLED).ok());
  EXPECT_TRUE(s.Happened("DISCLOSED(now:CHANGE_ASKED_FOR)")) << "F24: their mentor knows of it now";
  EXPECT_TRUE(s.Happened("STAGE_OPENED(INDIVIDUAL)"));
  EXPECT_THAT(s.LastEffects(), ElementsAre("HOLD_NEXT_SEAT"));
  EXPECT_EQ(ReasonOf(s.Mediate(v1::SETTLED)), reason::kTaskNotOpen);
}

TEST(Policies, AMediationThatSettlesItClosesTheCaseWithoutAChange) {
  Story s = Begun(MediationFirst());
  EXPECT_EQ(ReasonOf(s.Mediate(v1::MEDIATION_OUTCOME_UNSPECIFIED)), reason::kInvalidField);
  ASSERT_TRUE(s.Mediate(v1::SETTLED).ok());
  EXPECT_TRUE(s.Happened("CLOSED(RESOLVED_WITHOUT_CHANGE)"));
  EXPECT_THAT(s.OpenTaskKinds(), IsEmpty());
}

TEST(Policies, WhoWasNotToldOfAMediationHasLearnedNothing_F24) {
  Story s = Begun(MediationFirst());
  ASSERT_TRUE(s.Mediate(v1::NOT_HELD).ok());
  EXPECT_FALSE(s.Happened("DISCLOSED(now:CHANGE_ASKED_FOR)"));
  EXPECT_TRUE(s.Happened("STAGE_OPENED(INDIVIDUAL)"));
}

TEST(Policies, WithoutAMentorThereIsNobodyToTalkTo) {
  Story s(MediationFirst());
  s.current_mentor.clear();
  s.Open();
  s.Proceed();
  EXPECT_TRUE(s.Happened("STAGE_EXHAUSTED(NOBODY_TO_ASK)"));
  EXPECT_TRUE(s.Happened("STAGE_OPENED(INDIVIDUAL)"));
  // Their mentor leaves while they were to talk.
  Story left = Begun(MediationFirst());
  left.AssignmentChanged("", "");
  EXPECT_THAT(left.OpenTaskKinds(), Not(Contains("MEDIATE")));
  EXPECT_TRUE(left.Happened("STAGE_OPENED(INDIVIDUAL)"));
}

// --- Signatures

TEST(Policies, ARequestIsSignedByAllBeforeAnybodyIsAsked) {
  Story s = Begun(Signed());
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("COLLECT_SIGNATURES"));
  EXPECT_EQ(ReasonOf(s.Sign(Stage::PROGRAM_LEADER)), reason::kSignatureNotWanted);
  ASSERT_TRUE(s.Sign(Stage::CANDIDATE).ok());
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("COLLECT_SIGNATURES"));
  ASSERT_TRUE(s.Sign(Stage::CURRENT_MENTOR, /*refused=*/true).ok());
  EXPECT_TRUE(s.Happened("DISCLOSED(now:CHANGE_ASKED_FOR)")) << "F24";
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("COLLECT_SIGNATURES")) << "F11: refused, and still the leader's";
  ASSERT_TRUE(s.Sign(Stage::CANDIDATE).ok());
  EXPECT_THAT(s.last.events, IsEmpty()) << "the same signature twice is one";
  ASSERT_TRUE(s.Sign(Stage::CURRENT_MENTOR).ok());
  EXPECT_TRUE(s.Happened("STAGE_EXHAUSTED(ALL_SIGNED)"));
  EXPECT_THAT(s.LastEffects(), ElementsAre("HOLD_NEXT_SEAT"));
}

TEST(Policies, ASignatureOfAMentorWhoIsNotThereIsNotWaitedFor) {
  Story s = Begun(Signed());
  ASSERT_TRUE(s.Sign(Stage::CANDIDATE).ok());
  s.AssignmentChanged("", "");
  EXPECT_TRUE(s.Happened("STAGE_EXHAUSTED(ALL_SIGNED)"));
  EXPECT_EQ(ReasonOf(s.Sign(Stage::CURRENT_MENTOR)), reason::kTaskNotOpen);
}

TEST(Policies, WhatIsNotSignedCanBeSkippedWithAReason_F3) {
  Story s = Begun(Signed());
  ASSERT_TRUE(s.SkipStage().ok());
  EXPECT_THAT(s.OpenTaskKinds(), IsEmpty());
  EXPECT_THAT(s.LastEffects(), ElementsAre("HOLD_NEXT_SEAT"));
}

// --- Order and number of stages

TEST(Policies, StagesComeInAnyOrderAndMoreThanOnce_F15) {
  Policy policy = TestPolicy();
  policy.mutable_stages()->SwapElements(0, 1);  // broadcast, individual, recommendation, leader
  Stage& second = *InsertStage(policy, 2, v1::INDIVIDUAL, "second-round");
  second.add_tiers(mentor::v1::TIER_PAST_MENTOR);
  *second.mutable_window() = Seconds(77);
  InsertStage(policy, 5, v1::BROADCAST, "last-call")->mutable_window()->CopyFrom(Seconds(50));
  Story s = Begun(policy);
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("CHOOSE_BROADCAST_AUDIENCE"));
  ASSERT_TRUE(s.OpenBroadcast({"m1"}).ok());
  s.Deliver(BROADCAST);
  ASSERT_TRUE(s.Answer("o1", false).ok());
  EXPECT_TRUE(s.Happened("STAGE_OPENED(INDIVIDUAL)"));
  s.NoneLeft();
  EXPECT_EQ(s.c.stage(), 2);
  EXPECT_THAT(s.effects.back().hold_next_seat().tiers(), ElementsAre(mentor::v1::TIER_PAST_MENTOR));
  s.Ask("m2");
  EXPECT_EQ(s.UntilDue(), absl::Seconds(77)) << "each individual stage has its own window";
  ASSERT_TRUE(s.Answer("o3", false).ok());
  s.SeatsComeBack();
  s.NoneLeft();
  ASSERT_TRUE(s.Consent(true).ok());
  s.NextDueRuns();
  s.NextDueRuns();
  ASSERT_TRUE(s.DeclineToTake().ok());
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("CHOOSE_BROADCAST_AUDIENCE")) << "the Leader need not be the last";
  EXPECT_EQ(StageId(policy.stages(s.c.stage())), "last-call");
  ASSERT_TRUE(s.OpenBroadcast({"m1", "m3"}).ok());
  s.Deliver(BROADCAST);
  s.NextDueRuns();
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("RESOLVE_STUCK"));
  EXPECT_EQ(ReasonOf(s.Restart()), "") << "from the first";
}

TEST(Policies, ASearchBeginsAgainAtAStageByItsName) {
  Policy policy = TestPolicy();
  InsertStage(policy, 2, v1::BROADCAST, "again")->mutable_window()->CopyFrom(Seconds(50));
  Story s = Begun(policy);
  Command command;
  command.set_actor_role("PROGRAM_LEADER");
  command.set_actor(kLeader);
  command.mutable_restart_search()->set_stage_id("nowhere");
  EXPECT_EQ(ReasonOf(s.Do(command)), reason::kStageNotInPolicy);
  command.mutable_restart_search()->set_stage_id("again");
  ASSERT_TRUE(s.Do(command).ok());
  EXPECT_EQ(s.c.stage(), 2);
}

// Only the stage that is open counts: an adviser who could not be reached in an earlier one is another matter.
TEST(Policies, TwoRecommendationsInOneRoundAreApart) {
  Policy policy = TestPolicy();
  Stage& site = *InsertStage(policy, 2, v1::RECOMMENDATION, "site");
  *site.mutable_window() = Seconds(100);
  site.add_ask(Stage::SITE_ADMINISTRATOR);
  policy.mutable_stages(3)->add_ask(Stage::DISTRICT_REPRESENTATIVE);
  Story s = Begun(policy);
  ASSERT_TRUE(s.SkipStage().ok());
  ASSERT_TRUE(s.SkipStage().ok());
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("ASK_CONSENT"));
  ASSERT_TRUE(s.Consent(true).ok());
  EXPECT_THAT(s.LastEffects(), ElementsAre("SEND(SITE_RECOMMENDATION,north)"));
  s.Deliver(SITE_RECOMMENDATION);
  s.NextDueRuns();
  // The District is asked without a question of consent, which is about the site (F22).
  EXPECT_THAT(s.LastEffects(), ElementsAre("SEND(DISTRICT_RECOMMENDATION,bay)"));
  s.Fail(DISTRICT_RECOMMENDATION);
  EXPECT_TRUE(s.Happened("STAGE_EXHAUSTED(UNDELIVERABLE)")) << "the site was reached, but in another stage";
}

// --- Who judges, and when

TEST(Policies, AMatchMayBeJudgedBeforeTheMentorIsAsked_F6) {
  Policy policy = TestPolicy();
  policy.mutable_confirmation()->set_when(Policy::Confirmation::BEFORE_ASKING);
  Story s = Begun(policy);
  s.Held("m1");
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("CONFIRM_MATCH"));
  EXPECT_THAT(s.LastEffects(), IsEmpty()) << "nobody is asked yet";
  ASSERT_TRUE(s.Reject("o1").ok());
  EXPECT_THAT(s.MessagesTo(MentorName("m1")), IsEmpty()) << "who was not asked hears nothing";
  s.SeatsComeBack();
  s.Held("m2");
  ASSERT_TRUE(s.Confirm("o2").ok());
  EXPECT_THAT(s.LastEffects(), ElementsAre("SEND(FIRST_APPROACH,m2)"));
  EXPECT_THAT(s.OpenTaskKinds(), IsEmpty());
  s.Deliver(FIRST_APPROACH);
  EXPECT_EQ(s.c.state(), v1::SEARCHING) << "F6: a good match, and not yet willing";
  ASSERT_TRUE(s.Answer("o2", true).ok());
  EXPECT_EQ(s.c.state(), v1::PROPOSED) << "both facts are there";
  s.AgreeAndAnnounce();
}

TEST(Policies, WhoWasStruckBeforeTheJudgementIsNotJudged) {
  Policy policy = TestPolicy();
  policy.mutable_confirmation()->set_when(Policy::Confirmation::BEFORE_ASKING);
  Story s = Begun(policy);
  s.Held("m1");
  ASSERT_TRUE(s.Strike("m1").ok());
  EXPECT_THAT(s.OpenTaskKinds(), IsEmpty());
  EXPECT_EQ(ReasonOf(s.Confirm("o1")), reason::kOfferNotWilling);
}

// Found by seed 11277.
TEST(Policies, WhoSaysNoToAnEarlierQuestionIsNotAskedAnyMore_F2) {
  Policy policy = TestPolicy();
  policy.mutable_stages()->SwapElements(0, 1);
  policy.mutable_confirmation()->set_when(Policy::Confirmation::BEFORE_ASKING);
  Story s = Begun(policy);
  ASSERT_TRUE(s.OpenBroadcast({"m1"}).ok());
  s.Deliver(BROADCAST);
  s.NextDueRuns();
  s.NextDueRuns();
  s.Held("m1");
  ASSERT_THAT(s.OpenTaskKinds(), ElementsAre("CONFIRM_MATCH"));
  ASSERT_TRUE(s.Answer("o1", false).ok());
  EXPECT_TRUE(s.Happened("OFFER_ENDED(CANCELLED,MENTOR_EXCLUDED)"));
  EXPECT_THAT(s.OpenTaskKinds(), IsEmpty());
  EXPECT_THAT(s.LastEffects(), ElementsAre("RELEASE_SEAT", "HOLD_NEXT_SEAT")) << "the next is";
}

TEST(Policies, TheAlternateJudgesWhereThePolicySaysSo) {
  Policy policy = TestPolicy();
  policy.mutable_confirmation()->set_who(Policy::Confirmation::ALTERNATE);
  Story s = Begun(policy);
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", true).ok());
  EXPECT_EQ(s.Open(v1::CONFIRM_MATCH)->owner(), kAlternate);
  EXPECT_EQ(ReasonOf(s.Confirm("o1")), reason::kNotTheirsToDecide);
  EXPECT_EQ(ReasonOf(s.Reject("o1")), reason::kNotTheirsToDecide);
  // Another leader in their place: the task stays the alternate's.
  ASSERT_TRUE(s.ReplaceLeader("lou", "", "ali").ok());
  EXPECT_EQ(s.Open(v1::CONFIRM_MATCH)->owner(), "consortia/c/leaders/ali");
  s.acting = "consortia/c/leaders/ali";
  ASSERT_TRUE(s.Confirm("o1").ok());
  EXPECT_EQ(s.c.state(), v1::PROPOSED);
  // Without one it is whoever leads.
  Story alone(policy);
  alone.alternate.Clear();
  alone.Open();
  alone.Proceed();
  alone.Ask("m1");
  ASSERT_TRUE(alone.Answer("o1", true).ok());
  EXPECT_TRUE(alone.Confirm("o1").ok());
}

TEST(Policies, TheAlternateTakesTheCandidateWhereThePolicySaysSo) {
  Policy policy = TestPolicy();
  policy.mutable_stages(3)->set_taker(Stage::ALTERNATE_LEADER);
  Story s = Begun(policy);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(s.SkipStage().ok());
  EXPECT_EQ(s.Open(v1::TAKE_CANDIDATE)->owner(), kAlternate);
  EXPECT_EQ(ReasonOf(s.Take()), reason::kNotTheirsToDecide);
  EXPECT_EQ(ReasonOf(s.DeclineToTake()), reason::kNotTheirsToDecide);
  s.acting = kAlternate;
  ASSERT_TRUE(s.Take().ok());
  EXPECT_EQ(s.effects.back().hold_seat().mentor(), MentorName("alt"));
  // Nobody to take them: the case is the leader's to resolve (F11).
  Story alone(policy);
  alone.alternate.Clear();
  alone.Open();
  alone.Proceed();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(alone.SkipStage().ok());
  EXPECT_THAT(alone.OpenTaskKinds(), ElementsAre("RESOLVE_STUCK"));
}

// --- Disclosure and notices

TEST(Policies, TheCandidateIsNamedNoEarlierThanThePolicySays_F18_F24) {
  const auto learned_before_the_call = [](const Policy& policy, MessageKind approach) {
    Story s = Begun(policy);
    s.Held("m1");
    s.Deliver(approach);
    EXPECT_TRUE(s.Answer("o1", true).ok());
    EXPECT_TRUE(s.Confirm("o1").ok());
    for (const Message& message : std::vector<Message>(s.c.messages().begin(), s.c.messages().end())) {
      if (message.kind() == PROPOSAL_NOTE) s.Delivered(message.key());
    }
    for (const Event& event : s.events) {
      if (!event.has_disclosed()) continue;
      const auto& facts = event.disclosed().disclosure().facts();
      if (std::find(facts.begin(), facts.end(), v1::Disclosure::CANDIDATE_IDENTITY) != facts.end()) return s.MessagesTo(MentorName("m1"));
    }
    return std::vector<std::string>();
  };
  Policy policy = TestPolicy();
  EXPECT_THAT(learned_before_the_call(policy, FIRST_APPROACH), IsEmpty());
  policy.set_candidate_disclosure(Policy::AFTER_AGREED_CALL);
  EXPECT_THAT(learned_before_the_call(policy, FIRST_APPROACH), IsEmpty());
  policy.set_candidate_disclosure(Policy::WITH_PROPOSAL);
  EXPECT_THAT(learned_before_the_call(policy, FIRST_APPROACH), ElementsAre("FIRST_APPROACH", "PROPOSAL_NOTE"));
  policy.set_candidate_disclosure(Policy::WITH_FIRST_APPROACH);
  EXPECT_THAT(learned_before_the_call(policy, NAMED_APPROACH), ElementsAre("NAMED_APPROACH"));
}

TEST(Policies, ANamedApproachIsAnApproachLikeAnyOther) {
  Policy policy = TestPolicy();
  policy.set_candidate_disclosure(Policy::WITH_FIRST_APPROACH);
  Story s = Begun(policy);
  s.Held("m1");
  s.Fail(NAMED_APPROACH);
  EXPECT_TRUE(s.Happened("OFFER_ENDED(UNDELIVERABLE,UNDELIVERABLE)"));
  s.SeatsComeBack();
  s.Held("m2");
  s.Deliver(NAMED_APPROACH);
  EXPECT_EQ(s.UntilDue(), absl::Seconds(70)) << "the reminder";
}

TEST(Policies, ThoseWhomThePolicyNamesHearThatAChangeWasMade_F46) {
  Policy policy = TestPolicy();
  policy.add_notices(Policy::FORMER_MENTOR);
  policy.add_notices(Policy::SITE_ADMINISTRATOR);
  Story s = Begun(policy);
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", true).ok());
  ASSERT_TRUE(s.Confirm("o1").ok());
  EXPECT_THAT(s.MessagesTo(MentorName("now")), IsEmpty()) << "never before";
  s.AgreeAndAnnounce();
  EXPECT_THAT(s.MessagesTo(MentorName("now")), ElementsAre("FORMER_MENTOR_NOTE"));
  EXPECT_THAT(s.MessagesTo(kSite), ElementsAre("SITE_NOTICE"));
  EXPECT_THAT(s.OpenTaskKinds(), IsEmpty());
  s.Fail(FORMER_MENTOR_NOTE);
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("TELL_FORMER_MENTOR")) << "who could not be reached is a task";
}

TEST(Policies, ASiteThatIsNotToBeAskedHearsNothingEither_F22) {
  Policy policy = TestPolicy();
  policy.add_notices(Policy::SITE_ADMINISTRATOR);
  Story s = Begun(policy);
  s.NoneLeft();
  ASSERT_TRUE(s.SkipStage().ok());
  ASSERT_TRUE(s.Consent(false).ok());
  ASSERT_TRUE(s.SkipStage().ok());
  ASSERT_TRUE(s.Take().ok());
  s.Held();
  s.AgreeAndAnnounce();
  EXPECT_THAT(s.MessagesTo(kSite), IsEmpty());
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("TELL_FORMER_MENTOR")) << "whom the policy does not name stays the leader's";
}

// --- Ranking and audience

TEST(Policies, WhoIsExperiencedAndWhatCountsGoesWithTheQuestion_F4) {
  Policy policy = TestPolicy();
  policy.mutable_experience()->set_mentored_before(true);
  policy.mutable_experience()->set_min_years_mentored(3);
  policy.mutable_weights()->set_subject(5);
  Story s = Begun(policy);
  ASSERT_EQ(s.last.effects.size(), 1u);
  EXPECT_EQ(s.last.effects[0].hold_next_seat().experience().min_years_mentored(), 3);
  EXPECT_EQ(s.last.effects[0].hold_next_seat().weights().subject(), 5);
  EXPECT_FALSE(Begun(TestPolicy()).last.effects[0].hold_next_seat().has_weights());
}

TEST(Policies, ABroadcastMayLeaveOutWhomTheCaseHasAsked) {
  Policy policy = TestPolicy();
  policy.mutable_stages(1)->set_audience(Stage::NOT_YET_ASKED);
  Story s = Begun(policy);
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", false).ok());
  s.SeatsComeBack();
  s.NoneLeft();
  ASSERT_TRUE(s.OpenBroadcast({"m1", "m2"}).ok());
  EXPECT_THAT(s.LastEffects(), ElementsAre("SEND(BROADCAST,m2)"));
}

// --- When a change can be asked for

TEST(Policies, OutsideOfTheSeasonNoCaseIsOpened_F1) {
  Policy policy = TestPolicy();
  auto& fall = *policy.add_request_seasons();
  fall.set_first("09-01");
  fall.set_last("10-31");
  auto& winter = *policy.add_request_seasons();
  winter.set_first("12-15");
  winter.set_last("01-31");
  const auto open_on = [&](int year, int month, int day) {
    Story s(policy);
    s.now = absl::FromCivil(absl::CivilSecond(year, month, day, 12), LosAngeles());
    return s.Do(s.OpenCommand());
  };
  EXPECT_TRUE(open_on(2026, 9, 1).ok());
  EXPECT_TRUE(open_on(2026, 10, 31).ok());
  EXPECT_TRUE(open_on(2026, 12, 15).ok());
  EXPECT_TRUE(open_on(2027, 1, 31).ok()) << "over the end of the year";
  const absl::Status closed = open_on(2026, 11, 1);
  EXPECT_EQ(ReasonOf(closed), reason::kRequestsClosed);
  EXPECT_THAT(std::string(closed.message()), HasSubstr("2026-12-15"));
  EXPECT_THAT(std::string(open_on(2027, 2, 1).message()), HasSubstr("2027-09-01"));
  // The day is the program's, not that of the clock's zone.
  Story evening(policy);
  evening.now = absl::FromCivil(absl::CivilSecond(2026, 10, 31, 23, 30), LosAngeles());
  EXPECT_TRUE(evening.Do(evening.OpenCommand()).ok());
  // Who has no mentor needs one at any time.
  Story without(policy);
  without.current_mentor.clear();
  without.now = absl::FromCivil(absl::CivilSecond(2026, 11, 20), LosAngeles());
  EXPECT_TRUE(without.Do(without.OpenCommand()).ok());
}

// --- Migration

TEST(Policies, ACaseMovesToAnotherVersionAndGoesOnInItsStage_F15) {
  Story s = Begun(TestPolicy());
  s.Ask("m1");
  const absl::Time promised = FromStored(s.offer("o1").window_end());
  Policy next = MediationFirst();
  *next.mutable_stages(1)->mutable_window() = Seconds(5000);
  next.mutable_stages(1)->clear_remind_before();
  *next.mutable_task_due_after() = Seconds(9);
  ASSERT_TRUE(s.Migrate(next).ok());
  EXPECT_EQ(s.c.policy(), ContentHash(next));
  EXPECT_EQ(s.c.stage(), 1) << "by its name, wherever it stands now";
  EXPECT_EQ(FromStored(s.offer("o1").window_end()), promised) << "who was told of a deadline keeps it";
  EXPECT_EQ(s.offer("o1").state(), v1::OPEN);
  ASSERT_TRUE(s.Answer("o1", false).ok());
  s.SeatsComeBack();
  s.Ask("m2");
  EXPECT_EQ(FromStored(s.offer("o2").window_end()) - s.now, absl::Seconds(5000)) << "what begins later goes by the new one";
  ASSERT_TRUE(s.Migrate(next).ok());
  EXPECT_THAT(s.last.events, IsEmpty()) << "it is there already";
}

TEST(Policies, AStageThatIsGoneNeedsTheLeadersChoice_F15) {
  Story s = Begun(TestPolicy());
  s.Ask("m1");
  Policy next = TestPolicy();
  next.mutable_stages(0)->set_id("first-round");
  EXPECT_EQ(ReasonOf(s.Migrate(next)), reason::kStageNotInPolicy);
  EXPECT_EQ(s.c.policy(), "hash") << "nothing has changed";
  EXPECT_EQ(ReasonOf(s.Migrate(next, "nowhere")), reason::kStageNotInPolicy);
  ASSERT_TRUE(s.Migrate(next, "broadcast").ok());
  EXPECT_EQ(s.c.stage(), 1);
  EXPECT_TRUE(s.Happened("OFFER_ENDED(CANCELLED,STAGE_SKIPPED)"));
  EXPECT_THAT(s.MessagesTo(MentorName("m1")), ElementsAre("FIRST_APPROACH", "CLOSING_NOTE")) << "who was being asked hears of it";
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("CHOOSE_BROADCAST_AUDIENCE"));
}

TEST(Policies, AStageOfAnotherKindUnderTheSameNameIsNotTheSame_F15) {
  Story s = Begun(TestPolicy());
  Policy next = TestPolicy();
  next.mutable_stages(0)->set_id("in-confidence");
  next.mutable_stages(1)->set_id("individual");
  EXPECT_EQ(ReasonOf(s.Migrate(next)), reason::kStageNotInPolicy);
  ASSERT_TRUE(s.Migrate(next, "in-confidence").ok());
  EXPECT_EQ(s.c.stage(), 0);
}

TEST(Policies, AProposalOutlivesAMigration) {
  Story s = Begun(TestPolicy());
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", true).ok());
  ASSERT_TRUE(s.Confirm("o1").ok());
  Policy next = TestPolicy();
  next.mutable_stages()->DeleteSubrange(0, 1);
  ASSERT_TRUE(s.Migrate(next, "leader").ok());
  EXPECT_EQ(s.c.state(), v1::PROPOSED);
  ASSERT_TRUE(s.Call(v1::DECLINED_BY_CANDIDATE).ok());
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("TAKE_CANDIDATE")) << "the search goes on where it was put";
  ASSERT_TRUE(s.Take().ok());
  s.Held();
  ASSERT_TRUE(s.Call(v1::AGREED).ok());
  EXPECT_EQ(ReasonOf(s.Migrate(TestPolicy())), reason::kChangeUnderWay);
}

TEST(Policies, WhoeverIsStuckGoesOnWhereTheNewPolicyKnowsMore) {
  Policy policy = TestPolicy();
  policy.mutable_stages()->DeleteSubrange(1, 3);
  Story s = Begun(policy);
  s.NoneLeft();
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("RESOLVE_STUCK"));
  ASSERT_TRUE(s.Migrate(TestPolicy()).ok());
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("CHOOSE_BROADCAST_AUDIENCE"));
}

TEST(Policies, BeforeTheSearchAMigrationHasNoStage) {
  Story s(TestPolicy());
  s.Open();
  EXPECT_EQ(ReasonOf(s.Migrate(MediationFirst(), "broadcast")), reason::kWrongState);
  ASSERT_TRUE(s.Migrate(MediationFirst()).ok());
  s.Proceed();
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("MEDIATE"));
  ASSERT_TRUE(s.Withdraw().ok());
  EXPECT_EQ(ReasonOf(s.Migrate(TestPolicy())), reason::kCaseEnded);
}

// A stage that is left is left by all: a broadcast that nobody closes any more would keep the case waiting without end (F11).
TEST(Policies, AMigrationDuringAProposalEndsWhatTheOldStageHasUnderWay_F11) {
  Story s = Begun(TestPolicy());
  s.NoneLeft();
  ASSERT_TRUE(s.OpenBroadcast({"m1", "m2"}).ok());
  s.Deliver(BROADCAST);
  ASSERT_TRUE(s.Answer("o2", true).ok());
  ASSERT_TRUE(s.Choose("o2").ok());
  s.Held();
  ASSERT_EQ(s.c.state(), v1::PROPOSED);
  Policy next = TestPolicy();
  next.set_display_name("other");
  ASSERT_TRUE(s.Migrate(next, "leader").ok());
  EXPECT_EQ(s.offer("o3").state(), v1::CANCELLED);
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("CALL_CANDIDATE"));
  ASSERT_TRUE(s.Call(v1::DECLINED_BY_CANDIDATE).ok());
  ASSERT_TRUE(s.DeclineToTake().ok());
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("RESOLVE_STUCK"));
}

TEST(Policies, ANoteThatNamesTheCandidateIsCalledBackWhenTheProposalEnds_F14_F18) {
  Policy policy = TestPolicy();
  policy.set_candidate_disclosure(Policy::WITH_PROPOSAL);
  Story s = Begun(policy);
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", true).ok());
  ASSERT_TRUE(s.Confirm("o1").ok());
  EXPECT_THAT(s.LastEffects(), ElementsAre("SEND(PROPOSAL_NOTE,m1)"));
  ASSERT_TRUE(s.Withdraw().ok());
  EXPECT_THAT(s.LastEffects(), Contains("CANCEL_SEND"));
}

TEST(Policies, WhoDidNotAnswerABroadcastIsAskedAloneAfterIt_F4) {
  Policy policy = TestPolicy();
  policy.mutable_stages()->SwapElements(0, 1);
  Story s = Begun(policy);
  ASSERT_TRUE(s.OpenBroadcast({"m1", "m2"}).ok());
  s.Deliver(BROADCAST);
  ASSERT_TRUE(s.Answer("o1", false).ok());
  s.NextDueRuns();
  s.NextDueRuns();
  EXPECT_TRUE(s.Happened("STAGE_OPENED(INDIVIDUAL)"));
  EXPECT_THAT(s.effects.back().hold_next_seat().exclude(), ::testing::UnorderedElementsAre(MentorName("m1"), MentorName("now")));
}

TEST(Policies, ATakeOfAnAlternateWhoIsGoneIsNobodysTask_F11) {
  Policy policy = TestPolicy();
  policy.mutable_stages(3)->set_taker(Stage::ALTERNATE_LEADER);
  Story s = Begun(policy);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(s.SkipStage().ok());
  ASSERT_TRUE(s.ReplaceLeader("lou", "").ok());
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("RESOLVE_STUCK"));
}

TEST(Policies, AConsentThatIsNotNeededAnyMoreIsNotAskedFor_F22) {
  Story s = Begun(TestPolicy());
  ASSERT_TRUE(s.SkipStage().ok());
  ASSERT_TRUE(s.SkipStage().ok());
  ASSERT_THAT(s.OpenTaskKinds(), ElementsAre("ASK_CONSENT"));
  Policy next = TestPolicy();
  next.mutable_stages(2)->add_ask(Stage::DISTRICT_REPRESENTATIVE);
  ASSERT_TRUE(s.Migrate(next).ok());
  EXPECT_THAT(s.LastEffects(), ElementsAre("SEND(DISTRICT_RECOMMENDATION,bay)"));
  EXPECT_THAT(s.OpenTaskKinds(), IsEmpty());
  EXPECT_EQ(ReasonOf(s.Consent(true)), reason::kTaskNotOpen);
}

TEST(Policies, ANoThatWasGivenBeforeCountsForTheDistrictAsThePolicySays_F22) {
  const auto asked_after_a_no = [](Policy::WithoutConsent rule) {
    Policy policy = TestPolicy();
    policy.set_without_consent(rule);
    policy.mutable_stages(2)->add_ask(Stage::SITE_ADMINISTRATOR);
    Stage& district = *InsertStage(policy, 3, v1::RECOMMENDATION, "district");
    *district.mutable_window() = Seconds(60);
    district.add_ask(Stage::DISTRICT_REPRESENTATIVE);
    Story s = Begun(policy);
    s.NoneLeft();
    EXPECT_TRUE(s.SkipStage().ok());
    EXPECT_TRUE(s.Consent(false).ok());
    return s.LastEffects();
  };
  EXPECT_THAT(asked_after_a_no(Policy::DISTRICT_ONLY), ElementsAre("SEND(DISTRICT_RECOMMENDATION,bay)"));
  EXPECT_THAT(asked_after_a_no(Policy::NOBODY), IsEmpty());
}

TEST(Policies, WhatAMailOnItsWayPromisesOutlivesAMigration_F15_F31) {
  Story s = Begun(TestPolicy());
  s.Held("m1");
  Policy next = TestPolicy();
  *next.mutable_stages(0)->mutable_window() = Seconds(10);
  next.mutable_stages(0)->clear_remind_before();
  ASSERT_TRUE(s.Migrate(next).ok());
  s.Deliver(FIRST_APPROACH);
  EXPECT_EQ(FromStored(s.offer("o1").window_end()) - s.now, absl::Seconds(100));
  EXPECT_EQ(s.UntilDue(), absl::Seconds(70)) << "and its reminder";
}

TEST(Policies, WhoWasNamedMeanwhileWaitsForTheTalk) {
  Story s = Begun(MediationFirst());
  ASSERT_TRUE(s.Recommend().ok());
  ASSERT_TRUE(s.Qualify("p1", true, MentorName("m5")).ok());
  EXPECT_THAT(s.LastEffects(), IsEmpty());
  ASSERT_TRUE(s.Mediate(v1::NOT_SETTLED).ok());
  EXPECT_THAT(s.LastEffects(), ElementsAre("HOLD_SEAT"));
}

TEST(Policies, AnAlternateWhoComesLaterHasWhatThePolicyGivesThem) {
  Policy policy = TestPolicy();
  policy.mutable_confirmation()->set_who(Policy::Confirmation::ALTERNATE);
  Story s(policy);
  s.alternate.Clear();
  s.Open();
  s.Proceed();
  s.Ask("m1");
  ASSERT_TRUE(s.Answer("o1", true).ok());
  EXPECT_EQ(s.Open(v1::CONFIRM_MATCH)->owner(), kLeader);
  ASSERT_TRUE(s.ReplaceLeader("lou", "", "ali").ok());
  EXPECT_EQ(s.Open(v1::CONFIRM_MATCH)->owner(), "consortia/c/leaders/ali");
  // Another policy gives it back.
  s.acting = "consortia/c/leaders/lou";
  ASSERT_TRUE(s.Migrate(TestPolicy()).ok());
  EXPECT_EQ(s.Open(v1::CONFIRM_MATCH)->owner(), "consortia/c/leaders/lou");
  EXPECT_TRUE(s.Confirm("o1").ok());
}

TEST(Policies, AnAnswerToAnEarlierBroadcastIsLate_F13) {
  Policy policy = TestPolicy();
  *InsertStage(policy, 2, v1::BROADCAST, "again")->mutable_window() = Seconds(50);
  Story s = Begun(policy);
  s.NoneLeft();
  ASSERT_TRUE(s.OpenBroadcast({"m1"}).ok());
  s.Deliver(BROADCAST);
  ASSERT_TRUE(s.Answer("o2", false).ok());
  ASSERT_TRUE(s.OpenBroadcast({"m1"}).ok());
  ASSERT_TRUE(s.Answer("o2", true).ok());
  EXPECT_EQ(s.offer("o2").state(), v1::DECLINED) << "that one is over";
  EXPECT_TRUE(s.offer("o2").late());
  ASSERT_TRUE(s.Answer("o3", true).ok());
  EXPECT_EQ(s.offer("o3").state(), v1::WILLING);
}

TEST(Policies, ATakeThatTheCandidateDeclinesEndsNoOtherStage_F3) {
  Story s = Begun(TestPolicy());
  s.NoneLeft();
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(s.SkipStage().ok());
  ASSERT_TRUE(s.Take().ok());
  s.Held();
  Policy next = TestPolicy();
  next.set_display_name("other");
  ASSERT_TRUE(s.Migrate(next, "broadcast").ok());
  ASSERT_TRUE(s.Call(v1::DECLINED_BY_CANDIDATE).ok());
  EXPECT_THAT(s.OpenTaskKinds(), ElementsAre("CHOOSE_BROADCAST_AUDIENCE"));
}

TEST(Policies, ASignatureIsOfTheMentorOfRecord) {
  Story s = Begun(Signed());
  ASSERT_TRUE(s.Sign(Stage::CURRENT_MENTOR).ok());
  s.AssignmentChanged("a2", "x");
  ASSERT_TRUE(s.Sign(Stage::CANDIDATE).ok());
  EXPECT_THAT(s.OpenTaskKinds(), Contains("COLLECT_SIGNATURES")) << "who is their mentor now has yet to sign";
}

TEST(Policies, AfterARefusedTransferTheLeaderJudgesAnew) {
  Policy policy = TestPolicy();
  policy.mutable_confirmation()->set_when(Policy::Confirmation::BEFORE_ASKING);
  Story s = Begun(policy);
  s.Held("m1");
  ASSERT_TRUE(s.Confirm("o1").ok());
  s.Deliver(FIRST_APPROACH);
  ASSERT_TRUE(s.Answer("o1", true).ok());
  ASSERT_TRUE(s.Call(v1::AGREED).ok());
  s.TransferRefused("ASSIGNMENT_CHANGED");
  EXPECT_FALSE(s.offer("o1").approved());
  EXPECT_EQ(s.c.state(), v1::SEARCHING);
}

TEST(Policies, AnAudienceThatWasLookedUpForAnotherStageIsNotUsed_F9) {
  Story s = Begun(TestPolicy());
  s.NoneLeft();
  Command command;
  command.set_actor_role("PROGRAM_LEADER");
  command.mutable_open_broadcast()->add_mentors(MentorName("m1"));
  command.mutable_open_broadcast()->set_policy("another");
  command.mutable_open_broadcast()->set_stage(s.c.stage());
  EXPECT_EQ(ReasonOf(s.Do(command)), reason::kEtagMismatch);
  command.mutable_open_broadcast()->set_policy(s.c.policy());
  EXPECT_TRUE(s.Do(command).ok());
}

}  // namespace
}  // namespace rematch::request
