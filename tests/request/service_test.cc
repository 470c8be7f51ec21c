// Whole cases through request-service: every RPC, loop and table of it, with the peers faked.
#include <gtest/gtest.h>

#include <functional>

#include "tests/request/request_harness.h"

namespace rematch::request::testing {
namespace {

class Service : public ::testing::Test {
 protected:
  Service() {
    h.mentor.AddMentor("old", 2);
    h.mentor.AddMentor("m1", 1);
    h.mentor.AddMentor("m2", 1);
    h.mentor.AddMentor("m3", 1);
  }
  Harness h;
};

// Case (a) of the demo, cut into its steps, so that a test may do something between any two.
std::vector<std::function<void(Harness&, const std::string&)>> StepsOfCaseA() {
  return {
      [](Harness& h, const std::string& name) { ASSERT_TRUE(h.Proceed(name).ok()); },
      [](Harness& h, const std::string&) { h.Settle(); },
      [](Harness& h, const std::string&) {
        const auto answer = h.Reply("m1", v1::NOT_NOW);
        ASSERT_TRUE(answer.ok()) << answer.status();
        EXPECT_EQ(answer->result(), v1::RespondToOfferResponse::RECORDED);
      },
      [](Harness& h, const std::string&) { h.Settle(); },
      // m2 stays silent: a reminder, then the end of the window.
      [](Harness& h, const std::string&) { h.Advance(absl::Minutes(35)); },
      [](Harness& h, const std::string&) { h.Advance(absl::Minutes(35)); },
      [](Harness& h, const std::string&) {
        const auto answer = h.Reply("m3", v1::YES);
        ASSERT_TRUE(answer.ok()) << answer.status();
        EXPECT_EQ(answer->result(), v1::RespondToOfferResponse::RECORDED);
      },
      [](Harness& h, const std::string&) { h.Settle(); },
      [](Harness& h, const std::string& name) {
        const auto confirmed = h.Confirm(h.OpenTask(name, v1::CONFIRM_MATCH).offer());
        ASSERT_TRUE(confirmed.ok()) << confirmed.status();
        EXPECT_EQ(confirmed->state(), v1::PROPOSED);
        EXPECT_EQ(confirmed->proposed_mentor(), MentorName("m3"));
      },
      [](Harness& h, const std::string& name) { ASSERT_TRUE(h.CallUp(name, v1::CALL_CANDIDATE, v1::NO_ANSWER).ok()); },
      [](Harness& h, const std::string&) { h.Advance(absl::Minutes(11)); },
      [](Harness& h, const std::string& name) {
        EXPECT_EQ(h.mentor.transfers(), 0);  // F7: no answer is no completed call
        const auto agreed = h.CallUp(name, v1::CALL_CANDIDATE, v1::AGREED);
        ASSERT_TRUE(agreed.ok()) << agreed.status();
        EXPECT_EQ(agreed->state(), v1::TRANSFERRING);
      },
      [](Harness& h, const std::string&) { h.Settle(); },
      [](Harness& h, const std::string& name) { ASSERT_TRUE(h.CallUp(name, v1::TELL_FORMER_MENTOR, v1::TOLD).ok()); },
      [](Harness& h, const std::string&) { h.Settle(); },
  };
}

void ExpectCaseAEndedRight(Harness& h, const std::string& name) {
  const v1::Reassignment ended = h.Get(name);
  EXPECT_EQ(ended.state(), v1::COMPLETED);
  EXPECT_EQ(ended.open_tasks(), 0);
  EXPECT_EQ(h.mentor.MentorOf(ended.candidate()), MentorName("m3"));
  EXPECT_EQ(h.mentor.transfers(), 1);
  EXPECT_EQ(h.mentor.Held(), 0);
  EXPECT_TRUE(h.mentor.WithinCapacity());
  // F40: each message once.
  EXPECT_EQ(h.notify.Messages("first_approach").size(), 3u);
  EXPECT_EQ(h.notify.Messages("approach_reminder").size(), 1u);
  EXPECT_EQ(h.notify.Messages("official_candidate").size(), 1u);
  EXPECT_EQ(h.notify.Messages("official_mentor").size(), 1u);
  EXPECT_EQ(h.notify.Messages("former_mentor_note").size(), 0u);
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM effects"), 0);
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM timers"), 0);
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM open_cases WHERE case_id <> ''"), 0);
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM open_cases"), 1);
  const v1::VerifyAuditTrailResponse trail = h.Verify(name);
  EXPECT_TRUE(trail.intact());
  EXPECT_GT(trail.events(), 20);
}

TEST_F(Service, CarriesACaseFromRequestToNewMentor_F3_F5_F7_F8) {
  const std::string name = h.Open("cara");
  for (const auto& step : StepsOfCaseA()) step(h, name);
  ExpectCaseAEndedRight(h, name);
}

TEST_F(Service, MessagesSayWhatTheyMayAndNothingMore_F8_F18) {
  const std::string name = h.Open("cara");
  for (const auto& step : StepsOfCaseA()) step(h, name);
  const nv1::Notification approach = h.notify.Messages("first_approach")[0];
  EXPECT_EQ(approach.to().email(), "m1@mentors.example");
  EXPECT_EQ(approach.reply_to().email(), "lena@program.example");
  EXPECT_EQ(approach.variables().at("need"), "Multiple Subject");
  EXPECT_EQ(approach.variables().at("window_end"), "Monday, 2 March, 02:00");
  EXPECT_EQ(approach.origin(), name);
  EXPECT_EQ(approach.program(), name.substr(0, name.find("/reassignments/"))) << "F36: in whose words";
  EXPECT_EQ(approach.readers_size(), 2);
  for (const auto& [key, value] : approach.variables()) {
    EXPECT_EQ(value.find("cara"), value.npos) << key;
    EXPECT_EQ(value.find("Harbor"), value.npos) << key;
  }
  const nv1::Notification to_candidate = h.notify.Messages("official_candidate")[0];
  EXPECT_EQ(to_candidate.to().email(), "cara@candidates.example");
  EXPECT_EQ(to_candidate.variables().at("mentor_email"), "m3@mentors.example");
  EXPECT_EQ(to_candidate.variables().at("program_name"), "South Bay Induction");
  const nv1::Notification to_mentor = h.notify.Messages("official_mentor")[0];
  EXPECT_EQ(to_mentor.variables().at("candidate_phone"), "+1 310 555 0100");
  EXPECT_EQ(to_mentor.variables().at("site_name"), "Harbor School");
}

// The same, ended and started again on the same store before every step.
TEST(ServiceRestart, ARestartAtAnyStepChangesNothing_F40) {
  const size_t count = StepsOfCaseA().size();
  for (size_t at = 0; at < count; ++at) {
    SCOPED_TRACE(at);
    Harness h({.store = TestStore::Kind::kDisk});
    for (const char* id : {"old", "m1", "m2", "m3"}) h.mentor.AddMentor(id, id[0] == 'o' ? 2 : 1);
    const std::string name = h.Open("cara");
    const auto steps = StepsOfCaseA();
    for (size_t i = 0; i < count; ++i) {
      if (i == at) h.Restart();
      steps[i](h, name);
    }
    h.Settle();
    ExpectCaseAEndedRight(h, name);
  }
}

// An answer that is lost after the peer did its work: the same effect again, with the same key, does no harm.
TEST_F(Service, LostAnswersOfPeersAreAskedForAgain_F30_F40) {
  int calls = 0;
  const Fault every_other = [&calls](std::string_view) { return ++calls % 2 == 1 ? absl::UnavailableError("lost") : absl::OkStatus(); };
  h.mentor.SetBehind(every_other);
  h.notify.SetBehind(every_other);
  const std::string name = h.Open("cara");
  const auto settle = [this] {
    for (int i = 0; i < 5; ++i) h.Advance(absl::Seconds(2));
  };
  for (const auto& step : StepsOfCaseA()) {
    step(h, name);
    settle();
  }
  settle();
  ExpectCaseAEndedRight(h, name);
}

TEST_F(Service, ReasonsAndNotesAreForTheLeadersOnly_F21) {
  const std::string name = h.Open("cara", "she never answers");
  ASSERT_TRUE(h.Proceed(name).ok());
  const v1::Reassignment leaders = h.Get(name);
  EXPECT_EQ(leaders.reasons(), "she never answers");
  ASSERT_EQ(leaders.notes_size(), 1);
  EXPECT_EQ(leaders.notes(0).text(), "looked into it");
  EXPECT_EQ(leaders.notes(0).step(), "REVIEW");
  for (const rpc::Caller& caller : {AsCandidate(CandidateName("cara")), AsAuditor(), AsService()}) {
    const v1::Reassignment seen = h.Get(name, caller);
    EXPECT_EQ(seen.name(), name);
    EXPECT_TRUE(seen.reasons().empty()) << caller.role;
    EXPECT_EQ(seen.notes_size(), 0) << caller.role;
  }
  // And nothing of it stands anywhere but in its own table.
  for (const char* table : {"cases", "events", "effects", "tasks", "disclosures", "requests"}) {
    ASSERT_TRUE(h.database()
                    .Read([&](sql::Transaction& tx) -> absl::Status {
                      REMATCH_ASSIGN_OR_RETURN(const auto rows, tx.Query(absl::StrCat("SELECT * FROM ", table)));
                      for (const sql::Row& row : rows) {
                        for (size_t i = 0; i < (std::string_view(table) == "cases" ? 13u : 3u); ++i) {
                          EXPECT_EQ(row.Text(i).find("never answers"), std::string::npos) << table;
                        }
                      }
                      return absl::OkStatus();
                    })
                    .ok());
  }
}

TEST_F(Service, NobodyLeftGoesOnToTheBroadcastAndThePersonWhoWasNamed_F9_F10) {
  const std::string name = h.Open("cara");
  ASSERT_TRUE(h.Proceed(name).ok());
  h.Settle();
  for (const char* id : {"m1", "m2", "m3"}) {
    ASSERT_TRUE(h.Reply(id, v1::NOT_NOW).ok());
    h.Settle();
  }
  ASSERT_EQ(h.Get(name).stage(), v1::BROADCAST);
  v1::OpenBroadcastRequest open;
  open.set_name(name);
  ASSERT_TRUE(h.Write(AsLeader(), &Reassignments::OpenBroadcast, open).ok());
  h.Settle();
  // Everybody but the current mentor, those asked before included.
  EXPECT_EQ(h.notify.Messages("broadcast").size(), 5u);
  for (const nv1::Notification& message : h.notify.Messages("broadcast")) {
    for (const auto& [key, value] : message.variables()) EXPECT_EQ(value.find("cara"), value.npos) << key;
  }

  v1::RecommendPersonRequest recommend;
  recommend.set_parent(name);
  FakeMentor::SetContact(*recommend.mutable_contact(), "Nora New", "nora@new.example");
  const auto person = h.Write(AsLeader(), &Reassignments::RecommendPerson, recommend);
  ASSERT_TRUE(person.ok()) << person.status();
  v1::ListPeopleRequest people;
  people.set_parent(name);
  EXPECT_EQ(h.Call(AsLeader(), &Reassignments::ListPeople, people)->people(0).contact().email(), "nora@new.example");
  EXPECT_EQ(h.Call(AsAuditor(), &Reassignments::ListPeople, people)->people(0).contact().email(), "");

  v1::QualifyPersonRequest qualify;
  qualify.set_name(person->name());
  qualify.set_decision(v1::QualifyPersonRequest::QUALIFY);
  qualify.mutable_attributes()->set_district("consortia/c1/districts/d1");
  qualify.mutable_attributes()->set_capacity(1);
  const auto qualified = h.Write(AsLeader(), &Reassignments::QualifyPerson, qualify);
  ASSERT_TRUE(qualified.ok()) << qualified.status();
  h.Settle();
  const v1::Person joined = h.Call(AsLeader(), &Reassignments::ListPeople, people)->people(0);
  EXPECT_FALSE(joined.mentor().empty());
  const auto approach = h.notify.Messages("first_approach");
  ASSERT_FALSE(approach.empty());
  EXPECT_EQ(approach.back().to().email(), "nora@new.example");
}

TEST(ServicePolicy, TheBroadcastIncludesTheCurrentMentorAsThePolicySaysUnlessTheLeaderDoes_F20) {
  for (const bool by_default : {false, true}) {
    for (const std::optional<bool> said : {std::optional<bool>(), std::optional(true), std::optional(false)}) {
      v1::EscalationPolicy policy = TestPolicy();
      policy.set_broadcast_includes_current_mentor(by_default);
      Harness h({.policy = policy});
      h.mentor.AddMentor("old", 2, /*individual=*/false);
      const std::string name = h.Open("cara");
      ASSERT_TRUE(h.Proceed(name).ok());
      h.Settle();
      v1::OpenBroadcastRequest open;
      open.set_name(name);
      if (said.has_value()) open.set_include_current_mentor(*said);
      ASSERT_TRUE(h.Write(AsLeader(), &Reassignments::OpenBroadcast, open).ok());
      h.Settle();
      bool reached = false;
      for (const nv1::Notification& message : h.notify.Messages("broadcast")) reached |= message.to().email() == "old@mentors.example";
      EXPECT_EQ(reached, said.value_or(by_default));
    }
  }
}

TEST_F(Service, ABounceAsksTheNextAtOnce_F39) {
  h.notify.Bounce("m1@mentors.example");
  const std::string name = h.Open("cara");
  ASSERT_TRUE(h.Proceed(name).ok());
  h.Settle();
  const std::vector<v1::Offer> offers = h.Offers(name);
  ASSERT_EQ(offers.size(), 2u);
  EXPECT_EQ(offers[0].state(), v1::UNDELIVERABLE);
  EXPECT_EQ(offers[1].state(), v1::OPEN);
  EXPECT_EQ(h.mentor.Held(), 1);
}

TEST_F(Service, WithdrawingReleasesSeatsAndCallsMessagesBack_F14) {
  h.notify.Hold(true);
  const std::string name = h.Open("cara");
  ASSERT_TRUE(h.Proceed(name).ok());
  h.Settle();
  EXPECT_EQ(h.mentor.Held(), 1);
  v1::WithdrawReassignmentRequest withdraw;
  withdraw.set_name(name);
  withdraw.set_note("changed my mind");
  ASSERT_TRUE(h.Write(AsCandidate(CandidateName("cara")), &Reassignments::WithdrawReassignment, withdraw).ok());
  h.Settle();
  EXPECT_EQ(h.mentor.Held(), 0);
  EXPECT_EQ(h.Get(name).state(), v1::WITHDRAWN);
  EXPECT_EQ(h.notify.Messages("first_approach")[0].state(), nv1::Notification::CANCELLED);
  // Terminal states are final, and the candidate may ask anew.
  EXPECT_EQ(h.Proceed(name).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(h.OpenFor(CandidateName("cara")), "");
}

// A candidate who takes it back on the phone: the trail says who recorded it.
TEST_F(Service, TheActingLeaderRecordsAWithdrawal_F14) {
  const std::string name = h.Open("cara");
  v1::WithdrawReassignmentRequest withdraw;
  withdraw.set_name(name);
  ASSERT_TRUE(h.Write(AsLeader(), &Reassignments::WithdrawReassignment, withdraw).ok());
  EXPECT_EQ(h.Get(name).state(), v1::WITHDRAWN);
  v1::ListReassignmentEventsRequest list;
  list.set_parent(name);
  const auto events = h.Call(AsLeader(), &Reassignments::ListReassignmentEvents, list);
  ASSERT_TRUE(events.ok()) << events.status();
  const v1::ReassignmentEvent& last = *events->events().rbegin();
  EXPECT_EQ(last.type(), "WITHDRAWN");
  EXPECT_EQ(last.actor_role(), "PROGRAM_LEADER");
  EXPECT_EQ(last.actor(), kLeader);
}

TEST_F(Service, ALateYesIsRecordedAndPromisesNothing_F31) {
  const std::string name = h.Open("cara");
  ASSERT_TRUE(h.Proceed(name).ok());
  h.Settle();
  h.Advance(absl::Minutes(61));
  const auto late = h.Reply("m1", v1::YES);
  ASSERT_TRUE(late.ok()) << late.status();
  EXPECT_EQ(late->result(), v1::RespondToOfferResponse::RECORDED_LATE);
  EXPECT_EQ(h.Reply("m1", v1::YES)->result(), v1::RespondToOfferResponse::RECORDED_LATE);
  EXPECT_EQ(h.Offers(name)[0].state(), v1::EXPIRED);
  EXPECT_TRUE(h.Offers(name)[0].late());
}

TEST_F(Service, ALateYesIsTakenUpWithASeatOfItsOwn_F31) {
  const std::string name = h.Open("cara");
  ASSERT_TRUE(h.Proceed(name).ok());
  h.Settle();
  h.Advance(absl::Minutes(61));
  ASSERT_TRUE(h.Reply("m1", v1::YES).ok());
  v1::ReviveOfferRequest revive;
  revive.set_name(name + "/offers/o1");
  EXPECT_EQ(ReasonOf(h.Write(AsLeader(), &Reassignments::ReviveOffer, revive).status()), "MENTOR_BEING_ASKED") << "m2 is";
  // The others stay silent as well; the broadcast waits for the leader.
  while (h.Get(name).stage() == v1::INDIVIDUAL) h.Advance(absl::Minutes(61));
  ASSERT_EQ(h.mentor.Held(), 0);
  ASSERT_TRUE(h.Write(AsLeader(), &Reassignments::ReviveOffer, revive).ok());
  h.Settle();
  EXPECT_EQ(h.mentor.Held(), 1);
  ASSERT_TRUE(h.Confirm(h.OpenTask(name, v1::CONFIRM_MATCH).offer()).ok());
  ASSERT_TRUE(h.CallUp(name, v1::CALL_CANDIDATE, v1::AGREED).ok());
  h.Settle();
  EXPECT_EQ(h.Get(name).state(), v1::COMPLETED);
  EXPECT_EQ(h.mentor.Held(), 0);
}

TEST_F(Service, APausedCaseStandsStillAndGoesOnWhereItWas_F44) {
  const std::string name = h.Open("cara");
  ASSERT_TRUE(h.Proceed(name).ok());
  h.Settle();
  h.Advance(absl::Minutes(20));
  v1::PauseReassignmentRequest pause;
  pause.set_name(name);
  pause.set_note("away for a week");
  ASSERT_TRUE(h.Write(AsLeader(), &Reassignments::PauseReassignment, pause).ok());
  EXPECT_EQ(h.Get(name).pause_state(), v1::PAUSED);
  EXPECT_FALSE(h.Get(name).has_next_due_time());
  h.Advance(absl::Hours(24 * 7));
  EXPECT_EQ(h.Offers(name)[0].state(), v1::OPEN);
  EXPECT_EQ(h.notify.Messages("approach_reminder").size(), 0u);
  EXPECT_EQ(h.Reply("m1", v1::NOT_NOW)->result(), v1::RespondToOfferResponse::RECORDED);
  h.Settle();
  EXPECT_EQ(h.Offers(name)[0].state(), v1::DECLINED);
  EXPECT_EQ(h.Offers(name).size(), 1u) << "nobody else is asked";
  EXPECT_EQ(h.mentor.Held(), 1) << "nor is the seat given back";
  v1::ResumeReassignmentRequest resume;
  resume.set_name(name);
  ASSERT_TRUE(h.Write(AsLeader(), &Reassignments::ResumeReassignment, resume).ok());
  h.Settle();
  ASSERT_EQ(h.Offers(name).size(), 2u);
  EXPECT_EQ(h.Offers(name)[1].state(), v1::OPEN);
  EXPECT_EQ(h.mentor.Held(), 1);
  v1::VerifyAuditTrailRequest verify;
  verify.set_name(name);
  EXPECT_TRUE(h.Call(AsLeader(), &Reassignments::VerifyAuditTrail, verify)->intact()) << "F41: what waited is part of the trail";
}

TEST_F(Service, APauseSurvivesARestart_F44) {
  const std::string name = h.Open("cara");
  ASSERT_TRUE(h.Proceed(name).ok());
  h.mentor.SetBefore([](std::string_view method) { return method == "HoldNextSeat" ? absl::UnavailableError("away") : absl::OkStatus(); });
  h.Settle();
  v1::PauseReassignmentRequest pause;
  pause.set_name(name);
  ASSERT_TRUE(h.Write(AsLeader(), &Reassignments::PauseReassignment, pause).ok());
  EXPECT_EQ(h.Get(name).pause_state(), v1::PAUSING) << "a seat was asked for before";
  h.Restart();
  h.mentor.SetBefore(nullptr);
  h.Advance(absl::Minutes(1));
  EXPECT_EQ(h.Get(name).pause_state(), v1::PAUSED);
  EXPECT_EQ(h.notify.Messages("first_approach").size(), 0u);
  v1::WithdrawReassignmentRequest withdraw;
  withdraw.set_name(name);
  ASSERT_TRUE(h.Write(AsCandidate(CandidateName("cara")), &Reassignments::WithdrawReassignment, withdraw).ok());
  h.Settle();
  EXPECT_EQ(h.mentor.Held(), 0) << "the seat that was held in the pause is given back";
}

TEST_F(Service, AnAnswerAfterTheEndIsNoLongerNeeded) {
  const std::string name = h.Open("cara");
  ASSERT_TRUE(h.Proceed(name).ok());
  h.Settle();
  v1::CloseReassignmentRequest close;
  close.set_name(name);
  close.set_ground(v1::RESOLVED_WITHOUT_CHANGE);
  close.set_note("they talked");
  ASSERT_TRUE(h.Write(AsLeader(), &Reassignments::CloseReassignment, close).ok());
  h.Settle();
  EXPECT_EQ(h.Reply("m1", v1::YES)->result(), v1::RespondToOfferResponse::NO_LONGER_NEEDED);
  EXPECT_EQ(h.notify.Messages("closing_note").size(), 1u);
  EXPECT_EQ(h.mentor.Held(), 0);
}

TEST_F(Service, ALeaderWhoIsTheCurrentMentorNeitherSeesNorDecides_F35) {
  const std::string candidate = h.mentor.AddCandidate("dora", "lena");
  const std::string name = h.OpenFor(candidate, "it is about you");
  v1::GetReassignmentRequest get;
  get.set_name(name);
  EXPECT_EQ(h.Call(AsLeader(), &Reassignments::GetReassignment, get).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(h.Proceed(name).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(h.Get(name, AsLeader(kAlternate)).reasons(), "it is about you");
  EXPECT_EQ(h.Get(name, AsLeader(kAlternate)).acting_leader(), kAlternate);
  v1::ListReassignmentsRequest list;
  list.set_parent(kProgram);
  EXPECT_EQ(h.Call(AsLeader(), &Reassignments::ListReassignments, list)->reassignments_size(), 0);
  EXPECT_EQ(h.Call(AsLeader(kAlternate), &Reassignments::ListReassignments, list)->reassignments_size(), 1);
  v1::CreateReassignmentRequest again;
  again.set_parent(kProgram);
  again.set_candidate(candidate);
  EXPECT_EQ(h.Write(AsLeader(), &Reassignments::CreateReassignment, again).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(Service, PreviewNamesWhoWouldBeAskedAndWhenAndContactsNobody_F16) {
  const std::string name = h.Open("cara");
  v1::PreviewEscalationRequest request;
  request.set_name(name);
  const auto preview = h.Call(AsLeader(), &Reassignments::PreviewEscalation, request);
  ASSERT_TRUE(preview.ok()) << preview.status();
  ASSERT_EQ(preview->steps_size(), 3);
  EXPECT_EQ(preview->steps(0).mentor().mentor(), MentorName("m1"));
  EXPECT_EQ(preview->steps(1).ask_time().seconds(), absl::ToUnixSeconds(Monday() + absl::Hours(1)));
  EXPECT_EQ(preview->steps(1).window_end_time().seconds(), absl::ToUnixSeconds(Monday() + absl::Hours(2)));
  h.Settle();
  EXPECT_TRUE(h.notify.Messages().empty());
  EXPECT_EQ(h.mentor.Held(), 0);
}

}  // namespace
}  // namespace rematch::request::testing
