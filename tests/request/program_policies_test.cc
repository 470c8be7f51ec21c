// Versions of the policy through the RPCs: what a program follows, what a case is pinned to, moving it, and looking ahead (F15, F16).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "request-service/domain/case_view.h"
#include "request-service/domain/policy.h"
#include "request-service/domain/reasons.h"
#include "tests/request/request_harness.h"

namespace rematch::request::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Property;
using Stage = v1::EscalationPolicy::Stage;

constexpr char kOtherProgram[] = "consortia/c1/programs/p2";

v1::EscalationPolicy Named(const std::string& name) {
  v1::EscalationPolicy policy = TestPolicy();
  policy.set_display_name(name);
  return policy;
}

class ProgramPolicies : public ::testing::Test {
 protected:
  ProgramPolicies() {
    h.mentor.AddMentor("old", 2);
    h.mentor.AddMentor("m1", 1);
    h.mentor.AddMentor("m2", 1);
  }

  absl::StatusOr<v1::PolicyVersion> Publish(const v1::EscalationPolicy& policy, const rpc::Caller& caller = AsLeader(),
                                            bool validate_only = false, const std::string& request_id = "") {
    v1::CreatePolicyVersionRequest request;
    request.set_parent(kProgram);
    *request.mutable_policy() = policy;
    request.set_validate_only(validate_only);
    request.set_request_id(request_id);
    return h.Write(caller, &Reassignments::CreatePolicyVersion, request);
  }
  v1::ListPolicyVersionsResponse List(const std::string& program, int page_size = 0, const std::string& token = "") {
    v1::ListPolicyVersionsRequest request;
    request.set_parent(program);
    request.set_page_size(page_size);
    request.set_page_token(token);
    const auto listed = h.Call(AsLeader(), &Reassignments::ListPolicyVersions, request);
    EXPECT_TRUE(listed.ok()) << listed.status();
    return listed.value_or(v1::ListPolicyVersionsResponse());
  }
  absl::StatusOr<v1::MigrateReassignmentResponse> Migrate(const std::string& name, bool validate_only, const std::string& stage = "",
                                                          const std::string& policy = "") {
    v1::MigrateReassignmentRequest request;
    request.set_name(name);
    request.set_policy(policy);
    request.set_stage_id(stage);
    request.set_validate_only(validate_only);
    request.set_note("as agreed in the council");
    return h.Write(AsLeader(), &Reassignments::MigrateReassignment, request);
  }
  absl::StatusOr<v1::PreviewEscalationResponse> Preview(const std::string& candidate, const rpc::Caller& caller = AsLeader(),
                                                        const std::string& policy = "") {
    v1::PreviewEscalationRequest request;
    request.set_candidate(candidate);
    request.set_policy(policy);
    return h.Call(caller, &Reassignments::PreviewEscalation, request);
  }

  Harness h;
};

TEST_F(ProgramPolicies, NewCasesFollowTheLastVersionAndOpenOnesStay_F15) {
  const std::string before = h.Open("ann");
  const std::string pinned = h.Get(before).policy();
  const auto first = Publish(Named("First"));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->version(), 1);
  EXPECT_EQ(first->program(), kProgram);
  EXPECT_EQ(first->creator(), kLeader);
  EXPECT_TRUE(first->active());
  const auto second = Publish(Named("Second"), AsLeader(kAlternate));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->version(), 2);
  EXPECT_EQ(second->creator(), kAlternate);
  EXPECT_EQ(h.Get(before).policy(), pinned);
  EXPECT_EQ(h.Get(h.Open("bea")).policy(), second->name());
  h.Restart();
  EXPECT_EQ(h.Get(h.Open("cy")).policy(), second->name()) << "it is in the store, not in memory";

  const v1::ListPolicyVersionsResponse listed = List(kProgram);
  ASSERT_EQ(listed.policies_size(), 2);
  EXPECT_EQ(listed.policies(0).policy().display_name(), "Second");
  EXPECT_TRUE(listed.policies(0).active());
  EXPECT_EQ(listed.policies(1).version(), 1);
  EXPECT_FALSE(listed.policies(1).active());
  const v1::ListPolicyVersionsResponse page = List(kProgram, 1);
  ASSERT_EQ(page.policies_size(), 1);
  const v1::ListPolicyVersionsResponse next = List(kProgram, 1, page.next_page_token());
  ASSERT_EQ(next.policies_size(), 1);
  EXPECT_EQ(next.policies(0).version(), 1);
  EXPECT_FALSE(next.policies(0).active());
  EXPECT_TRUE(next.next_page_token().empty());
  // Another program goes on as it did, and its leader sees nothing of this one's (F36).
  v1::ListPolicyVersionsRequest others;
  others.set_parent(kOtherProgram);
  const auto theirs = h.Call(AsLeader(kOtherLeader), &Reassignments::ListPolicyVersions, others);
  ASSERT_EQ(theirs->policies_size(), 1);
  EXPECT_EQ(theirs->policies(0).name(), pinned);
  others.clear_parent();
  EXPECT_EQ(h.Call(AsLeader(kOtherLeader), &Reassignments::ListPolicyVersions, others)->policies_size(), 1);
  EXPECT_EQ(h.Call(AsService(), &Reassignments::ListPolicyVersions, others)->policies_size(), 3);
}

TEST_F(ProgramPolicies, WhatIsTheSameIsNoNewVersionAndADryRunIsNone) {
  const auto tried = Publish(Named("First"), AsLeader(), /*validate_only=*/true);
  ASSERT_TRUE(tried.ok()) << tried.status();
  EXPECT_EQ(tried->version(), 1);
  EXPECT_FALSE(tried->active());
  EXPECT_EQ(List(kProgram).policies(0).version(), 0) << "nothing was made";
  const auto made = Publish(Named("First"), AsLeader(), false, "once");
  ASSERT_TRUE(made.ok());
  h.clock.Advance(absl::Minutes(5));
  const auto again = Publish(Named("First"), AsLeader(kAlternate));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->SerializeAsString(), made->SerializeAsString());
  const auto other = Publish(Named("Second"));
  EXPECT_EQ(other->version(), 2);
  // The request of before gets its first answer, and changes nothing (F32).
  EXPECT_EQ(Publish(Named("First"), AsLeader(), false, "once")->SerializeAsString(), made->SerializeAsString());
  EXPECT_EQ(List(kProgram).policies(0).name(), other->name());
  // To go back is a new version of the old words.
  const auto back = Publish(Named("First"));
  EXPECT_EQ(back->version(), 3);
  EXPECT_EQ(back->name(), made->name());
  EXPECT_EQ(List(kProgram).policies_size(), 3);
}

TEST_F(ProgramPolicies, WhatIsWrongIsNamedByItsPathAndKeepsNothing) {
  v1::EscalationPolicy wrong = Named("Wrong");
  wrong.mutable_stages(1)->clear_window();
  wrong.set_k_anonymity(0);
  const absl::Status refused = Publish(wrong).status();
  EXPECT_EQ(ReasonOf(refused), reason::kInvalidField);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("policy.stages[1].window "));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("policy.k_anonymity "));
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM policies"), 1);
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM program_policies"), 0);
}

TEST_F(ProgramPolicies, OnlyWhoLeadsTheProgramPublishes_F36) {
  EXPECT_EQ(Publish(Named("First"), AsLeader(kOtherLeader)).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Publish(Named("First"), AsLeader(kOtherLeader), true).status().code(), absl::StatusCode::kNotFound);
  v1::ListPolicyVersionsRequest list;
  list.set_parent(kProgram);
  EXPECT_EQ(h.Call(AsLeader(kOtherLeader), &Reassignments::ListPolicyVersions, list).status().code(), absl::StatusCode::kNotFound);
  list.set_parent("consortia/c1/programs/nowhere");
  EXPECT_EQ(h.Call(AsAuditor(), &Reassignments::ListPolicyVersions, list).status().code(), absl::StatusCode::kNotFound);
  v1::CreatePolicyVersionRequest nowhere;
  nowhere.set_parent("consortia/c1/programs/nowhere");
  *nowhere.mutable_policy() = Named("First");
  EXPECT_EQ(h.Write(AsLeader(), &Reassignments::CreatePolicyVersion, nowhere).status().code(), absl::StatusCode::kNotFound);
  h.mentor.SetBefore([](std::string_view) { return absl::DeadlineExceededError("slow"); });
  EXPECT_EQ(ReasonOf(Publish(Named("First")).status()), reason::kPeerUnavailable);
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM program_policies"), 0);
}

TEST_F(ProgramPolicies, ANeedIsCoarsenedAsTheProgramsPolicySays_F18) {
  v1::EscalationPolicy careful = Named("Careful");
  careful.set_k_anonymity(7);
  ASSERT_TRUE(Publish(careful).ok());
  h.Open("ann");
  EXPECT_THAT(h.mentor.asked_k(), ElementsAre(7));
}

TEST_F(ProgramPolicies, TheQuestionForTheNextMentorCarriesWhatThePolicySaysOfThem_F4) {
  v1::EscalationPolicy policy = Named("Experienced");
  policy.mutable_experience()->set_mentored_before(true);
  policy.mutable_weights()->set_subject(3);
  ASSERT_TRUE(Publish(policy).ok());
  ASSERT_TRUE(h.Proceed(h.Open("ann")).ok());
  h.Settle();
  EXPECT_TRUE(h.mentor.last_hold().experience().mentored_before());
  EXPECT_EQ(h.mentor.last_hold().weights().subject(), 3);
}

TEST_F(ProgramPolicies, ACaseIsMovedAfterALookAtWhatDiffers_F15) {
  const std::string name = h.Open("ann");
  ASSERT_TRUE(h.Proceed(name).ok());
  h.Settle();
  const std::string pinned = h.Get(name).policy();
  v1::EscalationPolicy next = Named("Next");
  next.mutable_stages(1)->mutable_window()->set_amount(9000);
  const auto version = Publish(next);
  ASSERT_TRUE(version.ok());

  const auto tried = Migrate(name, /*validate_only=*/true);
  ASSERT_TRUE(tried.ok()) << tried.status();
  EXPECT_EQ(tried->reassignment().policy(), version->name());
  EXPECT_EQ(tried->reassignment().stage_id(), "individual");
  ASSERT_EQ(tried->differences_size(), 2);
  EXPECT_EQ(tried->differences(0).path(), "display_name");
  EXPECT_EQ(tried->differences(1).path(), "stages[broadcast].window");
  EXPECT_EQ(tried->differences(1).after(), "9000 SECONDS");
  EXPECT_EQ(h.Get(name).policy(), pinned) << "nothing has changed";
  EXPECT_EQ(ReasonOf(Migrate(name, true, "nowhere").status()), reason::kStageNotInPolicy) << "as it would be refused";

  const auto moved = Migrate(name, false);
  ASSERT_TRUE(moved.ok()) << moved.status();
  EXPECT_EQ(moved->differences_size(), 2);
  EXPECT_EQ(h.Get(name).policy(), version->name());
  EXPECT_THAT(h.Get(name).notes(), Contains(Property(&v1::Note::step, "MIGRATE")));
  EXPECT_TRUE(h.Verify(name).intact());
  ASSERT_TRUE(h.Reply("m1", v1::NOT_NOW).ok());
  h.Settle();
  EXPECT_EQ(h.Offers(name).size(), 2u) << "and it goes on";
  EXPECT_EQ(Migrate(name, false, "", "policies/00000000000000000000000000000000").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ProgramPolicies, AnotherStageNeedsAWordWhy_F3) {
  const std::string name = h.Open("ann");
  ASSERT_TRUE(h.Proceed(name).ok());
  v1::MigrateReassignmentRequest request;
  request.set_name(name);
  request.set_stage_id("broadcast");
  EXPECT_EQ(ReasonOf(h.Write(AsLeader(), &Reassignments::MigrateReassignment, request).status()), reason::kInvalidField);
  request.set_note("there is nobody to ask alone");
  EXPECT_TRUE(h.Write(AsLeader(), &Reassignments::MigrateReassignment, request).ok());
  EXPECT_EQ(h.Get(name).stage_id(), "broadcast");
}

TEST_F(ProgramPolicies, WhatOthersAreToldOfANeedFollowsThePolicyOfTheCase_F18) {
  const std::string name = h.Open("ann");
  v1::EscalationPolicy careful = Named("Careful");
  careful.set_k_anonymity(7);
  ASSERT_TRUE(Publish(careful).ok());
  ASSERT_TRUE(Migrate(name, false).ok());
  EXPECT_THAT(h.mentor.asked_k(), ElementsAre(3, 7));
  EXPECT_EQ(h.Stored(name).coarse_need().credential(), "Multiple Subject");
}

TEST_F(ProgramPolicies, TheAlternateJudgesWhereThePolicySaysSo_F6) {
  v1::EscalationPolicy policy = Named("Two pairs of eyes");
  policy.mutable_confirmation()->set_who(v1::EscalationPolicy::Confirmation::ALTERNATE);
  ASSERT_TRUE(Publish(policy).ok());
  const std::string name = h.Open("ann");
  ASSERT_TRUE(h.Proceed(name).ok());
  h.Settle();
  ASSERT_TRUE(h.Reply("m1", v1::YES).ok());
  h.Settle();
  v1::ConfirmMatchRequest request;
  request.set_name(name + "/offers/o1");
  EXPECT_EQ(ReasonOf(h.Write(AsLeader(), &Reassignments::ConfirmMatch, request).status()), reason::kNotTheirsToDecide);
  // Theirs to put off as well (F38).
  v1::SnoozeTaskRequest snooze;
  snooze.set_name(h.OpenTask(name, v1::CONFIRM_MATCH).name());
  snooze.mutable_until_time()->set_seconds(absl::ToUnixSeconds(h.clock.Now() + absl::Hours(1)));
  EXPECT_TRUE(h.Write(AsLeader(kAlternate), &Reassignments::SnoozeTask, snooze).ok());
  EXPECT_EQ(h.Write(AsLeader(kOtherLeader), &Reassignments::ConfirmMatch, request).status(), access::CaseNotFound());
  const auto confirmed = h.Write(AsLeader(kAlternate), &Reassignments::ConfirmMatch, request);
  ASSERT_TRUE(confirmed.ok()) << confirmed.status();
  EXPECT_EQ(confirmed->state(), v1::PROPOSED);
  // What is not theirs by the policy stays not theirs.
  v1::RecordCallRequest call;
  call.set_name(h.OpenTask(name, v1::CALL_CANDIDATE).name());
  call.set_outcome(v1::AGREED);
  EXPECT_EQ(h.Write(AsLeader(kAlternate), &Reassignments::RecordCall, call).status(), access::CaseNotFound());
}

TEST_F(ProgramPolicies, ATalkAndARequestOnPaperComeBeforeAnybodyIsAsked) {
  v1::EscalationPolicy policy = Named("On paper");
  policy.add_stages()->set_kind(v1::MEDIATION);
  policy.add_stages()->set_kind(v1::SIGNATURES);
  policy.mutable_stages(5)->add_signers(Stage::CANDIDATE);
  for (int i = 0; i < 2; ++i) {
    for (int at = 5; at > 0; --at) policy.mutable_stages()->SwapElements(at, at - 1);
  }
  ASSERT_TRUE(Publish(policy).ok());
  const std::string name = h.Open("ann");
  ASSERT_TRUE(h.Proceed(name).ok());
  h.Settle();
  EXPECT_EQ(h.Get(name).stage(), v1::MEDIATION);
  v1::RecordMediationRequest mediation;
  mediation.set_name(name);
  EXPECT_EQ(ReasonOf(h.Write(AsLeader(), &Reassignments::RecordMediation, mediation).status()), reason::kInvalidField);
  mediation.set_outcome(v1::NOT_SETTLED);
  mediation.set_note("an hour, and no");
  ASSERT_TRUE(h.Write(AsLeader(), &Reassignments::RecordMediation, mediation).ok());
  v1::RecordSignatureRequest signature;
  signature.set_name(name);
  EXPECT_EQ(ReasonOf(h.Write(AsLeader(), &Reassignments::RecordSignature, signature).status()), reason::kInvalidField);
  signature.set_signer(Stage::CANDIDATE);
  EXPECT_TRUE(h.notify.Messages().empty());
  const auto signed_by = h.Write(AsLeader(), &Reassignments::RecordSignature, signature);
  ASSERT_TRUE(signed_by.ok()) << signed_by.status();
  EXPECT_THAT(signed_by->signed_by(), ElementsAre(Stage::CANDIDATE));
  h.Settle();
  EXPECT_EQ(h.notify.Messages("first_approach").size(), 1u);
  v1::ListDisclosuresRequest ledger;
  ledger.set_parent(name);
  EXPECT_EQ(h.Call(AsLeader(), &Reassignments::ListDisclosures, ledger)->disclosures(0).by(), "talk") << "F24";
}

TEST_F(ProgramPolicies, ThoseWhomThePolicyNamesAreToldByMail_F46) {
  v1::EscalationPolicy policy = Named("With notices");
  policy.add_notices(v1::EscalationPolicy::FORMER_MENTOR);
  policy.add_notices(v1::EscalationPolicy::SITE_ADMINISTRATOR);
  policy.set_candidate_disclosure(v1::EscalationPolicy::WITH_PROPOSAL);
  ASSERT_TRUE(Publish(policy).ok());
  const std::string name = h.Open("ann");
  ASSERT_TRUE(h.Proceed(name).ok());
  h.Settle();
  ASSERT_TRUE(h.Reply("m1", v1::YES).ok());
  ASSERT_TRUE(h.Confirm(name + "/offers/o1").ok());
  h.Settle();
  ASSERT_EQ(h.notify.Messages("proposal_note").size(), 1u);
  EXPECT_EQ(h.notify.Messages("proposal_note")[0].variables().at("candidate_name"), "Candidate ann");
  EXPECT_TRUE(h.notify.Messages("former_mentor_note").empty());
  ASSERT_TRUE(h.CallUp(name, v1::CALL_CANDIDATE, v1::AGREED).ok());
  h.Settle();
  EXPECT_EQ(h.Get(name).state(), v1::COMPLETED);
  ASSERT_EQ(h.notify.Messages("site_notice").size(), 1u);
  EXPECT_EQ(h.notify.Messages("site_notice")[0].to().email(), "ada@harbor.example");
  EXPECT_EQ(h.notify.Messages("site_notice")[0].variables().at("mentor_name"), "Mentor m1");
  ASSERT_EQ(h.notify.Messages("former_mentor_note").size(), 1u);
  EXPECT_EQ(h.notify.Messages("former_mentor_note")[0].to().email(), "old@mentors.example");
  EXPECT_EQ(h.Get(name).open_tasks(), 0);
}

TEST_F(ProgramPolicies, OutsideOfTheSeasonNobodyIsAsked_F1) {
  v1::EscalationPolicy policy = Named("In summer");
  policy.add_request_seasons()->set_first("07-01");
  policy.mutable_request_seasons(0)->set_last("07-31");
  ASSERT_TRUE(Publish(policy).ok());
  v1::CreateReassignmentRequest request;
  request.set_parent(kProgram);
  request.set_candidate(h.mentor.AddCandidate("ann", "old"));
  const absl::Status closed = h.Write(AsCandidate(request.candidate()), &Reassignments::CreateReassignment, request).status();
  EXPECT_EQ(ReasonOf(closed), reason::kRequestsClosed);
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM cases"), 0);
}

TEST_F(ProgramPolicies, ALookAheadShowsEveryStageByAnyPolicyAndContactsNobody_F16) {
  const std::string candidate = h.mentor.AddCandidate("ann", "old");
  v1::EscalationPolicy policy = Named("Two rounds");
  *policy.add_stages() = policy.stages(0);
  policy.mutable_stages(4)->set_id("again");
  policy.mutable_stages(2)->add_ask(Stage::DISTRICT_REPRESENTATIVE);
  const auto preview_now = Preview(candidate);
  ASSERT_TRUE(preview_now.ok()) << preview_now.status();
  EXPECT_EQ(preview_now->stages_size(), 4);
  const auto version = Publish(policy);
  const auto preview = Preview(candidate);
  ASSERT_TRUE(preview.ok()) << preview.status();
  EXPECT_EQ(preview->policy(), version->name());
  ASSERT_EQ(preview->stages_size(), 5);
  ASSERT_EQ(preview->stages(0).steps_size(), 2);
  EXPECT_EQ(preview->stages(0).steps(0).mentor().mentor(), MentorName("m1"));
  EXPECT_EQ(preview->stages(0).can_be_asked(), 2);
  EXPECT_EQ(preview->stages(1).open_time().seconds(), preview->stages(0).end_time().seconds());
  EXPECT_EQ(preview->stages(0).steps(1).window_end_time().seconds(), preview->stages(0).end_time().seconds());
  EXPECT_EQ(preview->stages(1).recipients(), 4) << "all but the current mentor";
  EXPECT_THAT(preview->stages(2).asked(), ElementsAre("consortia/c1/districts/d1"));
  EXPECT_THAT(preview->stages(3).asked(), ElementsAre(kLeader));
  EXPECT_EQ(preview->stages(4).stage_id(), "again");
  EXPECT_EQ(preview->stages(4).steps_size(), 0) << "who was asked in the first is not asked again";
  EXPECT_EQ(preview->steps_size(), 2);
  EXPECT_EQ(Preview(candidate, AsLeader(), preview_now->policy())->stages_size(), 4);
  // Of a case as it is: the rest.
  const std::string name = h.OpenFor(candidate);
  ASSERT_TRUE(h.Proceed(name).ok());
  h.Settle();
  v1::PreviewEscalationRequest of_case;
  of_case.set_name(name);
  const auto rest = h.Call(AsLeader(), &Reassignments::PreviewEscalation, of_case);
  ASSERT_TRUE(rest.ok());
  EXPECT_EQ(rest->stages(0).steps_size(), 1);
  EXPECT_EQ(rest->stages(0).open_time().seconds(), absl::ToUnixSeconds(FromStored(h.Stored(name).offers(0).window_end())));
  EXPECT_EQ(h.mentor.Held(), 1) << "only what the case itself holds";
  // What is over is not still to come.
  v1::SkipStageRequest skip;
  skip.set_name(name);
  skip.set_note("no use");
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(h.Write(AsLeader(), &Reassignments::SkipStage, skip).ok());
  EXPECT_EQ(h.Call(AsLeader(), &Reassignments::PreviewEscalation, of_case)->stages_size(), 0);
}

TEST_F(ProgramPolicies, ALookAheadIsForWhoLeadsTheCandidatesProgram_F35_F36) {
  const std::string candidate = h.mentor.AddCandidate("ann", "old");
  EXPECT_EQ(Preview(candidate, AsLeader(kOtherLeader)).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Preview(CandidateName("nobody")).status().code(), absl::StatusCode::kNotFound);
  // Who is the mentor that would be replaced does not look; the alternate does.
  const std::string theirs = h.mentor.AddCandidate("bea", "lena");
  EXPECT_EQ(Preview(theirs).status().code(), absl::StatusCode::kNotFound);
  const auto preview = Preview(theirs, AsLeader(kAlternate));
  ASSERT_TRUE(preview.ok()) << preview.status();
  EXPECT_THAT(preview->stages(3).asked(), ElementsAre(kAlternate));
  v1::PreviewEscalationRequest both;
  both.set_name(h.OpenFor(candidate));
  both.set_candidate(candidate);
  EXPECT_EQ(ReasonOf(h.Call(AsLeader(), &Reassignments::PreviewEscalation, both).status()), reason::kInvalidField);
}

}  // namespace
}  // namespace rematch::request::testing
