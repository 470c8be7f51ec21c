// What every RPC of request-service refuses, forgets nothing of, and shows to whom.
#include <gtest/gtest.h>

#include <functional>

#include <google/protobuf/descriptor.h>

#include "google/rpc/error_details.pb.h"
#include "request-service/domain/reasons.h"
#include "tests/request/request_harness.h"

namespace rematch::request::testing {
namespace {

class Rpc : public ::testing::Test {
 protected:
  Rpc() {
    h.mentor.AddMentor("old", 10);
    h.mentor.AddMentor("m1", 5);
    name = h.Open("cara");
  }
  std::string Offer() const { return name + "/offers/o1"; }

  // The fields that an answer complains of.
  static std::set<std::string> Fields(const absl::Status& status) {
    std::set<std::string> fields;
    const auto payload = status.GetPayload("type.googleapis.com/google.rpc.BadRequest");
    google::rpc::BadRequest bad;
    if (payload.has_value() && bad.ParseFromString(std::string(*payload))) {
      for (const auto& violation : bad.field_violations()) fields.insert(violation.field());
    }
    return fields;
  }

  // Expects that `request` is refused for exactly these fields, whoever asks, and changes nothing.
  template <typename Request, typename Method>
  void ExpectBad(Method method, Request request, const std::set<std::string>& fields, const rpc::Caller& caller = AsLeader()) {
    if (const auto* id = Request::descriptor()->FindFieldByName("request_id"); id != nullptr && !fields.contains("request_id")) {
      request.GetReflection()->SetString(&request, id, h.NewRequestId());
    }
    const std::string before = h.Get(name).etag();
    const auto answer = h.Call(caller, method, request);
    EXPECT_EQ(answer.status().code(), absl::StatusCode::kInvalidArgument) << Request::descriptor()->name() << answer.status();
    EXPECT_EQ(ReasonOf(answer.status()), reason::kInvalidField);
    EXPECT_EQ(Fields(answer.status()), fields) << Request::descriptor()->name() << ": " << request.ShortDebugString();
    EXPECT_EQ(h.Get(name).etag(), before);
  }

  template <typename Request>
  static Request Make(const std::function<void(Request&)>& fill) {
    Request request;
    fill(request);
    return request;
  }

  // The checks that all commands on a case have in common: its name (in `field`), the request id, the etag.
  template <typename Request, typename Response>
  void ExpectCommandChecks(void (Reassignments::*method)(const rpc::Call&, const Request&, rpc::Done<Response>), const Request& right,
                           const std::string& field) {
    SCOPED_TRACE(Request::descriptor()->name());
    const auto* name_field = Request::descriptor()->FindFieldByName(field);
    for (const std::string& wrong :
         {std::string(), std::string("x"), std::string(kProgram), name + "/", name + "/offers", name + "x/y/z/w"}) {
      Request request = right;
      request.GetReflection()->SetString(&request, name_field, wrong);
      ExpectBad(method, request, {field});
    }
    for (const std::string& wrong : {std::string(), std::string(129, 'a'), std::string("a b"), std::string("a\n")}) {
      Request request = right;
      request.set_request_id(wrong);
      ExpectBad(method, request, {"request_id"});
    }
    if (const auto* etag = Request::descriptor()->FindFieldByName("etag")) {
      Request request = right;
      request.GetReflection()->SetString(&request, etag, "W/\"1\"");
      ExpectBad(method, request, {"etag"});
    }
    if (const auto* note = Request::descriptor()->FindFieldByName("note")) {
      for (const std::string& wrong : {std::string(8001, 'a'), std::string("a\0b", 3), std::string("\x1b[2J")}) {
        Request request = right;
        request.GetReflection()->SetString(&request, note, wrong);
        ExpectBad(method, request, {"note"});
      }
    }
    // A case that is not there is not there, for everybody.
    Request request = right;
    std::string missing = request.GetReflection()->GetString(request, name_field);
    missing.replace(missing.find("reassignments/") + 14, 1, missing[missing.find("reassignments/") + 14] == '0' ? "1" : "0");
    request.GetReflection()->SetString(&request, name_field, missing);
    const auto answer = h.Write(AsLeader(), method, request);
    EXPECT_EQ(answer.status().code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(ReasonOf(answer.status()), reason::kCaseNotFound);
  }

  Harness h;
  std::string name;
};

TEST_F(Rpc, EveryCommandChecksItsNameRequestIdEtagAndNote) {
  ExpectCommandChecks(&Reassignments::ReviewReassignment, Make<v1::ReviewReassignmentRequest>([&](auto& r) {
    r.set_name(name);
    r.set_decision(v1::ReviewReassignmentRequest::PROCEED);
  }),
                      "name");
  ExpectCommandChecks(&Reassignments::CloseReassignment, Make<v1::CloseReassignmentRequest>([&](auto& r) {
    r.set_name(name);
    r.set_ground(v1::OPENED_IN_ERROR);
    r.set_note("n");
  }),
                      "name");
  ExpectCommandChecks(&Reassignments::RestartSearch, Make<v1::RestartSearchRequest>([&](auto& r) { r.set_name(name); }), "name");
  ExpectCommandChecks(&Reassignments::SkipStage, Make<v1::SkipStageRequest>([&](auto& r) {
    r.set_name(name);
    r.set_note("n");
  }),
                      "name");
  ExpectCommandChecks(&Reassignments::StrikeMentor, Make<v1::StrikeMentorRequest>([&](auto& r) {
    r.set_name(name);
    r.set_mentor(MentorName("m1"));
  }),
                      "name");
  ExpectCommandChecks(&Reassignments::PauseReassignment, Make<v1::PauseReassignmentRequest>([&](auto& r) { r.set_name(name); }), "name");
  ExpectCommandChecks(&Reassignments::ResumeReassignment, Make<v1::ResumeReassignmentRequest>([&](auto& r) { r.set_name(name); }), "name");
  ExpectCommandChecks(&Reassignments::ReplaceLeader, Make<v1::ReplaceLeaderRequest>([&](auto& r) { r.set_name(name); }), "name");
  ExpectCommandChecks(&Reassignments::ReviveOffer, Make<v1::ReviveOfferRequest>([&](auto& r) { r.set_name(Offer()); }), "name");
  ExpectCommandChecks(&Reassignments::SnoozeTask, Make<v1::SnoozeTaskRequest>([&](auto& r) {
    r.set_name(name + "/tasks/t1");
    r.mutable_until_time()->set_seconds(absl::ToUnixSeconds(h.clock.Now() + absl::Hours(1)));
  }),
                      "name");
  ExpectCommandChecks(&Reassignments::RecordOfferResponse, Make<v1::RecordOfferResponseRequest>([&](auto& r) {
    r.set_name(Offer());
    r.set_answer(v1::YES);
  }),
                      "name");
  ExpectCommandChecks(&Reassignments::ConfirmMatch, Make<v1::ConfirmMatchRequest>([&](auto& r) { r.set_name(Offer()); }), "name");
  ExpectCommandChecks(&Reassignments::RejectMatch, Make<v1::RejectMatchRequest>([&](auto& r) { r.set_name(Offer()); }), "name");
  ExpectCommandChecks(&Reassignments::OpenBroadcast, Make<v1::OpenBroadcastRequest>([&](auto& r) { r.set_name(name); }), "name");
  ExpectCommandChecks(&Reassignments::ChooseInterested, Make<v1::ChooseInterestedRequest>([&](auto& r) { r.set_name(Offer()); }), "name");
  ExpectCommandChecks(&Reassignments::PassAllOver, Make<v1::PassAllOverRequest>([&](auto& r) { r.set_name(name); }), "name");
  ExpectCommandChecks(&Reassignments::RecommendPerson, Make<v1::RecommendPersonRequest>([&](auto& r) {
    r.set_parent(name);
    FakeMentor::SetContact(*r.mutable_contact(), "N", "n@x.example");
  }),
                      "parent");
  ExpectCommandChecks(&Reassignments::QualifyPerson, Make<v1::QualifyPersonRequest>([&](auto& r) {
    r.set_name(name + "/people/p1");
    r.set_decision(v1::QualifyPersonRequest::DISMISS);
  }),
                      "name");
  ExpectCommandChecks(&Reassignments::RecordConsent, Make<v1::RecordConsentRequest>([&](auto& r) { r.set_name(name); }), "name");
  ExpectCommandChecks(&Reassignments::RecordCall, Make<v1::RecordCallRequest>([&](auto& r) {
    r.set_name(name + "/tasks/t1");
    r.set_outcome(v1::AGREED);
  }),
                      "name");
  ExpectCommandChecks(&Reassignments::TakeCandidate, Make<v1::TakeCandidateRequest>([&](auto& r) { r.set_name(name); }), "name");
  ExpectCommandChecks(&Reassignments::DeclineToTake, Make<v1::DeclineToTakeRequest>([&](auto& r) { r.set_name(name); }), "name");
  ExpectCommandChecks(&Reassignments::SendClosingNote, Make<v1::SendClosingNoteRequest>([&](auto& r) { r.set_name(name); }), "name");
  v1::WithdrawReassignmentRequest withdraw;
  withdraw.set_name("x");
  ExpectBad(&Reassignments::WithdrawReassignment, withdraw, {"name"}, AsCandidate(CandidateName("cara")));
}

TEST_F(Rpc, CreateChecksEveryField) {
  const auto right = Make<v1::CreateReassignmentRequest>([&](auto& r) {
    r.set_parent(kProgram);
    r.set_candidate(CandidateName("cara"));
  });
  auto request = right;
  request.set_parent("consortia/c1");
  ExpectBad(&Reassignments::CreateReassignment, request, {"parent"});
  request = right;
  request.set_candidate("consortia/c1/programs/p2/candidates/x");
  ExpectBad(&Reassignments::CreateReassignment, request, {"candidate"});
  request.set_candidate("cara");
  ExpectBad(&Reassignments::CreateReassignment, request, {"candidate"});
  request = right;
  request.set_reasons(std::string(8001, 'x'));
  ExpectBad(&Reassignments::CreateReassignment, request, {"reasons"});
  request = right;
  request.set_request_id(std::string(129, 'x'));
  ExpectBad(&Reassignments::CreateReassignment, request, {"request_id"});
  ExpectBad(&Reassignments::CreateReassignment, v1::CreateReassignmentRequest(), {"parent", "candidate"});
}

TEST_F(Rpc, EnumsAndWhatGoesWithThemAreChecked) {
  const auto review = [&](const std::function<void(v1::ReviewReassignmentRequest&)>& fill) {
    return Make<v1::ReviewReassignmentRequest>([&](auto& r) {
      r.set_name(name);
      fill(r);
    });
  };
  using Review = v1::ReviewReassignmentRequest;
  ExpectBad(&Reassignments::ReviewReassignment, review([](auto&) {}), {"decision"});
  ExpectBad(&Reassignments::ReviewReassignment, review([](auto& r) { r.set_decision(static_cast<Review::Decision>(77)); }), {"decision"});
  ExpectBad(&Reassignments::ReviewReassignment, review([](auto& r) { r.set_decision(Review::CLOSE); }), {"ground", "note"});
  ExpectBad(&Reassignments::ReviewReassignment, review([](auto& r) {
    r.set_decision(Review::CLOSE);
    r.set_ground(static_cast<v1::CloseGround>(99));
    r.set_note("n");
    r.add_order(MentorName("m1"));
  }),
            {"ground", "order"});
  ExpectBad(&Reassignments::ReviewReassignment, review([](auto& r) {
    r.set_decision(Review::PROCEED);
    r.add_order("mentors/m1");
    r.add_order(MentorName("m1"));
    r.add_strike(MentorName("m1"));
    r.add_strike("consortia/c2/mentors/m1");
  }),
            {"order[0]", "strike[0]", "strike[1]"});
  ExpectBad(&Reassignments::CloseReassignment, Make<v1::CloseReassignmentRequest>([&](auto& r) { r.set_name(name); }), {"ground", "note"});
  ExpectBad(&Reassignments::RestartSearch, Make<v1::RestartSearchRequest>([&](auto& r) {
    r.set_name(name);
    r.set_stage(static_cast<v1::StageKind>(42));
  }),
            {"stage"});
  ExpectBad(&Reassignments::RecordCall, Make<v1::RecordCallRequest>([&](auto& r) {
    r.set_name(name + "/tasks/t1");
    r.set_outcome(static_cast<v1::CallOutcome>(42));
  }),
            {"outcome"});
  ExpectBad(&Reassignments::RecordOfferResponse, Make<v1::RecordOfferResponseRequest>([&](auto& r) { r.set_name(Offer()); }), {"answer"});
  ExpectBad(&Reassignments::RespondToOffer, v1::RespondToOfferRequest(), {"reply_code", "answer"});
}

TEST_F(Rpc, ContactsTakeNoHeaderInjection) {
  const auto recommend = [&](const std::string& display, const std::string& email, const std::string& phone) {
    return Make<v1::RecommendPersonRequest>([&](auto& r) {
      r.set_parent(name);
      r.mutable_contact()->set_display_name(display);
      r.mutable_contact()->set_email(email);
      r.mutable_contact()->set_phone(phone);
    });
  };
  ExpectBad(&Reassignments::RecommendPerson, recommend("", "", ""), {"contact.display_name", "contact.email"});
  ExpectBad(&Reassignments::RecommendPerson, recommend("A\r\nBcc: x@y.z", "a@b.example", ""), {"contact.display_name"});
  ExpectBad(&Reassignments::RecommendPerson, recommend("A", "a@b.example\r\nBcc: c@d.example", ""), {"contact.email"});
  ExpectBad(&Reassignments::RecommendPerson, recommend("A", "a@b.example", "call me"), {"contact.phone"});
  v1::RecordOfferResponseRequest answer;
  answer.set_name(Offer());
  answer.set_answer(v1::NOT_NOW);
  answer.mutable_referral()->set_display_name("B");
  ExpectBad(&Reassignments::RecordOfferResponse, answer, {"referral.email"});
}

TEST_F(Rpc, QualifyingNeedsARecordOrWhatOneIsMadeOf) {
  using Qualify = v1::QualifyPersonRequest;
  const auto qualify = [&](const std::function<void(Qualify&)>& fill) {
    return Make<Qualify>([&](auto& r) {
      r.set_name(name + "/people/p1");
      fill(r);
    });
  };
  ExpectBad(&Reassignments::QualifyPerson, qualify([](auto&) {}), {"decision"});
  ExpectBad(&Reassignments::QualifyPerson, qualify([](auto& r) { r.set_decision(Qualify::QUALIFY); }), {"attributes"});
  ExpectBad(&Reassignments::QualifyPerson, qualify([](auto& r) {
    r.set_decision(Qualify::QUALIFY);
    r.mutable_attributes()->set_capacity(51);
    r.mutable_attributes()->add_subjects("");
  }),
            {"attributes.district", "attributes.capacity", "attributes.subjects[0]"});
  ExpectBad(&Reassignments::QualifyPerson, qualify([](auto& r) {
    r.set_decision(Qualify::QUALIFY);
    r.set_mentor(MentorName("m1"));
    r.mutable_attributes();
  }),
            {"attributes"});
  ExpectBad(&Reassignments::QualifyPerson, qualify([](auto& r) {
    r.set_decision(Qualify::QUALIFY);
    r.set_mentor("consortia/c2/mentors/m1");
  }),
            {"mentor"});
  ExpectBad(&Reassignments::QualifyPerson, qualify([](auto& r) {
    r.set_decision(Qualify::DISMISS);
    r.set_mentor(MentorName("m1"));
  }),
            {"mentor"});
}

TEST_F(Rpc, ReadsCheckNamesPageSizesAndTokens) {
  const auto wrong = [](auto& r) { r.set_name("consortia/c1"); };
  ExpectBad(&Reassignments::GetReassignment, Make<v1::GetReassignmentRequest>(wrong), {"name"});
  ExpectBad(&Reassignments::PreviewEscalation, Make<v1::PreviewEscalationRequest>(wrong), {"name"});
  ExpectBad(&Reassignments::VerifyAuditTrail, Make<v1::VerifyAuditTrailRequest>(wrong), {"name"});
  ExpectBad(&Reassignments::GetPolicyVersion, Make<v1::GetPolicyVersionRequest>(wrong), {"name"});
  const auto parent = [](auto& r) { r.set_parent("consortia/c1"); };
  ExpectBad(&Reassignments::ListOffers, Make<v1::ListOffersRequest>(parent), {"parent"});
  ExpectBad(&Reassignments::ListPeople, Make<v1::ListPeopleRequest>(parent), {"parent"});
  ExpectBad(&Reassignments::ListTasks, Make<v1::ListTasksRequest>(parent), {"parent"});
  ExpectBad(&Reassignments::ListDisclosures, Make<v1::ListDisclosuresRequest>(parent), {"parent"});
  ExpectBad(&Reassignments::ListReassignmentEvents, Make<v1::ListReassignmentEventsRequest>(parent), {"parent"});
  ExpectBad(&Reassignments::ListReassignments, Make<v1::ListReassignmentsRequest>([](auto& r) {
    r.set_parent(kProgram);
    r.set_candidate("cara");
    r.set_page_size(1001);
  }),
            {"candidate", "page_size"});
  ExpectBad(&Reassignments::ListReassignments, Make<v1::ListReassignmentsRequest>([](auto& r) {
    r.set_parent(kProgram);
    r.set_page_token("!");
  }),
            {"page_token"});
  ExpectBad(&Reassignments::ListTasks, Make<v1::ListTasksRequest>([](auto& r) {
    r.set_parent(kProgram);
    r.set_page_size(-1);
  }),
            {"page_size"});
  ExpectBad(&Reassignments::ListPolicyVersions, Make<v1::ListPolicyVersionsRequest>([](auto& r) { r.set_page_token("abc"); }),
            {"page_token"});
  v1::GetPolicyVersionRequest missing;
  missing.set_name("policies/0123");
  EXPECT_EQ(h.Call(AsLeader(), &Reassignments::GetPolicyVersion, missing).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(Rpc, AReplyCodeOfAnotherKeyIsRefused) {
  v1::RespondToOfferRequest request;
  request.set_answer(v1::YES);
  for (const std::string& code :
       {std::string("abc"), std::string(400, 'A'), ReplyCodes("another secret").Make({.case_name = name, .offer = "o1", .epoch = 1})}) {
    request.set_reply_code(code);
    request.clear_request_id();
    const auto answer = h.Write(AsService(), &Reassignments::RespondToOffer, request);
    EXPECT_EQ(answer.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(ReasonOf(answer.status()), reason::kBadReplyCode);
  }
}

TEST_F(Rpc, WrongStatesAreRefusedAndChangeNothing) {
  const std::string before = h.Get(name).etag();
  EXPECT_EQ(h.Confirm(Offer()).status().code(), absl::StatusCode::kNotFound);  // no offer yet
  v1::OpenBroadcastRequest broadcast;
  broadcast.set_name(name);
  EXPECT_EQ(h.Write(AsLeader(), &Reassignments::OpenBroadcast, broadcast).status().code(), absl::StatusCode::kFailedPrecondition);
  v1::TakeCandidateRequest take;
  take.set_name(name);
  EXPECT_EQ(h.Write(AsLeader(), &Reassignments::TakeCandidate, take).status().code(), absl::StatusCode::kFailedPrecondition);
  v1::SendClosingNoteRequest note;
  note.set_name(name);
  EXPECT_EQ(h.Write(AsLeader(), &Reassignments::SendClosingNote, note).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(h.Get(name).etag(), before);
}

// F32, for every write: the same request twice is one and gets the same answer; the same id for another request is an error.
TEST_F(Rpc, ARepeatedRequestGetsTheFirstAnswer_F32) {
  const rpc::Caller leader = AsLeader();
  const auto twice = [&](const rpc::Caller& caller, auto method, auto request, auto change) {
    request.set_request_id(h.NewRequestId());
    const auto first = h.Call(caller, method, request);
    ASSERT_TRUE(first.ok()) << request.GetTypeName() << ": " << first.status();
    const int64_t events = h.Number("SELECT COUNT(*) FROM events");
    const auto second = h.Call(caller, method, request);
    ASSERT_TRUE(second.ok()) << request.GetTypeName() << ": " << second.status();
    EXPECT_EQ(first->SerializeAsString(), second->SerializeAsString()) << request.GetTypeName();
    EXPECT_EQ(h.Number("SELECT COUNT(*) FROM events"), events) << request.GetTypeName();
    change(request);
    const auto other = h.Call(caller, method, request);
    EXPECT_EQ(ReasonOf(other.status()), reason::kRequestIdReused) << request.GetTypeName() << ": " << other.status();
    h.Settle();
  };
  const auto note = [](auto& request) { request.set_note("another"); };
  const auto etag = [](auto& request) { request.set_etag("77"); };

  const std::string candidate = h.mentor.AddCandidate("dora", "old");
  twice(AsCandidate(candidate), &Reassignments::CreateReassignment, Make<v1::CreateReassignmentRequest>([&](auto& r) {
          r.set_parent(kProgram);
          r.set_candidate(candidate);
        }),
        [](auto& r) { r.set_reasons("others"); });
  twice(leader, &Reassignments::SnoozeTask, Make<v1::SnoozeTaskRequest>([&](auto& r) {
          r.set_name(name + "/tasks/t1");
          r.mutable_until_time()->set_seconds(absl::ToUnixSeconds(h.clock.Now() + absl::Hours(1)));
        }),
        [](auto& r) { r.mutable_until_time()->set_nanos(1000); });
  twice(leader, &Reassignments::ReplaceLeader, Make<v1::ReplaceLeaderRequest>([&](auto& r) { r.set_name(name); }), etag);
  twice(leader, &Reassignments::PauseReassignment, Make<v1::PauseReassignmentRequest>([&](auto& r) { r.set_name(name); }), note);
  EXPECT_EQ(h.Get(name).pause_state(), v1::PAUSED);
  twice(leader, &Reassignments::ResumeReassignment, Make<v1::ResumeReassignmentRequest>([&](auto& r) { r.set_name(name); }), note);
  EXPECT_EQ(h.Get(name).pause_state(), v1::NOT_PAUSED);
  twice(leader, &Reassignments::ReviewReassignment, Make<v1::ReviewReassignmentRequest>([&](auto& r) {
          r.set_name(name);
          r.set_decision(v1::ReviewReassignmentRequest::PROCEED);
        }),
        note);
  twice(leader, &Reassignments::StrikeMentor, Make<v1::StrikeMentorRequest>([&](auto& r) {
          r.set_name(name);
          r.set_mentor(MentorName("m9"));
        }),
        note);
  twice(leader, &Reassignments::RecordOfferResponse, Make<v1::RecordOfferResponseRequest>([&](auto& r) {
          r.set_name(Offer());
          r.set_answer(v1::YES);
        }),
        [](auto& r) { r.set_answer(v1::NOT_NOW); });
  twice(leader, &Reassignments::RejectMatch, Make<v1::RejectMatchRequest>([&](auto& r) { r.set_name(Offer()); }), note);
  ASSERT_EQ(h.Get(name).stage(), v1::BROADCAST);
  twice(leader, &Reassignments::OpenBroadcast, Make<v1::OpenBroadcastRequest>([&](auto& r) { r.set_name(name); }),
        [](auto& r) { r.set_include_current_mentor(true); });
  const std::string code = h.notify.Messages("broadcast")[0].variables().at("reply_code");
  twice(AsService(), &Reassignments::RespondToOffer, Make<v1::RespondToOfferRequest>([&](auto& r) {
          r.set_reply_code(code);
          r.set_answer(v1::YES);
        }),
        [](auto& r) { r.set_answer(v1::NOT_NOW); });
  twice(leader, &Reassignments::PassAllOver, Make<v1::PassAllOverRequest>([&](auto& r) { r.set_name(name); }), note);
  std::string person;
  {
    auto recommend = Make<v1::RecommendPersonRequest>([&](auto& r) {
      r.set_parent(name);
      FakeMentor::SetContact(*r.mutable_contact(), "Nora New", "nora@new.example");
    });
    twice(leader, &Reassignments::RecommendPerson, recommend, etag);
    person = name + "/people/p1";
  }
  twice(leader, &Reassignments::QualifyPerson, Make<v1::QualifyPersonRequest>([&](auto& r) {
          r.set_name(person);
          r.set_decision(v1::QualifyPersonRequest::DISMISS);
        }),
        note);
  h.Advance(absl::Minutes(61));
  ASSERT_EQ(h.Get(name).stage(), v1::RECOMMENDATION);
  twice(leader, &Reassignments::RecordConsent, Make<v1::RecordConsentRequest>([&](auto& r) { r.set_name(name); }),
        [](auto& r) { r.set_consents(true); });
  h.Advance(absl::Minutes(61));
  ASSERT_EQ(h.Get(name).stage(), v1::LEADER);
  twice(leader, &Reassignments::DeclineToTake, Make<v1::DeclineToTakeRequest>([&](auto& r) { r.set_name(name); }), note);
  twice(leader, &Reassignments::RestartSearch, Make<v1::RestartSearchRequest>([&](auto& r) {
          r.set_name(name);
          r.set_stage(v1::LEADER);
        }),
        [](auto& r) { r.set_stage(v1::INDIVIDUAL); });
  twice(leader, &Reassignments::TakeCandidate, Make<v1::TakeCandidateRequest>([&](auto& r) { r.set_name(name); }), etag);
  twice(leader, &Reassignments::RecordCall, Make<v1::RecordCallRequest>([&](auto& r) {
          r.set_name(h.OpenTask(name, v1::CALL_CANDIDATE).name());
          r.set_outcome(v1::AGREED);
        }),
        note);
  ASSERT_EQ(h.Get(name).state(), v1::COMPLETED);
  twice(leader, &Reassignments::SendClosingNote, Make<v1::SendClosingNoteRequest>([&](auto& r) { r.set_name(name); }), etag);

  // F35: the program has another leader, who takes the case over; whoever handed it over is still answered.
  const std::string handed_over = h.Open("hanna");
  h.mentor.SetLeader("consortia/c1/leaders/nora", MentorName("nora"));
  const auto take_over = Make<v1::ReplaceLeaderRequest>([&](auto& r) {
    r.set_name(handed_over);
    r.set_request_id("hand-over");
  });
  EXPECT_EQ(h.Call(AsLeader(kOtherLeader), &Reassignments::ReplaceLeader, take_over).status(), access::CaseNotFound());
  const auto handed = h.Call(leader, &Reassignments::ReplaceLeader, take_over);
  ASSERT_TRUE(handed.ok()) << handed.status();
  EXPECT_EQ(handed->acting_leader(), "consortia/c1/leaders/nora");
  const auto again = h.Call(leader, &Reassignments::ReplaceLeader, take_over);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->acting_leader(), handed->acting_leader());
  const auto lists = [&](const std::string& person) {
    v1::ListTasksRequest tasks;
    tasks.set_parent(handed_over.substr(0, handed_over.find("/reassignments")));
    const auto listed = h.Call(AsLeader(person), &Reassignments::ListTasks, tasks);
    EXPECT_TRUE(listed.ok()) << listed.status();
    return listed.ok() && std::any_of(listed->tasks().begin(), listed->tasks().end(),
                                      [&](const v1::Task& task) { return task.name().starts_with(handed_over); });
  };
  EXPECT_TRUE(lists("consortia/c1/leaders/nora"));
  EXPECT_FALSE(lists(kLeader)) << "the tasks are the new leader's";
  h.mentor.SetLeader(kLeader, MentorName("lena"));
  const auto back =
      h.Write(leader, &Reassignments::ReplaceLeader, Make<v1::ReplaceLeaderRequest>([&](auto& r) { r.set_name(handed_over); }));
  ASSERT_TRUE(back.ok()) << "who leads the program now may take the case over: " << back.status();

  const std::string skipped = h.Open("skye");
  ASSERT_TRUE(h.Proceed(skipped).ok());
  twice(leader, &Reassignments::SkipStage, Make<v1::SkipStageRequest>([&](auto& r) {
          r.set_name(skipped);
          r.set_note("nobody there");
        }),
        note);
  ASSERT_EQ(h.Get(skipped).stage(), v1::BROADCAST);

  const std::string withdrawn = h.Open("wanda");
  twice(AsCandidate(CandidateName("wanda")), &Reassignments::WithdrawReassignment,
        Make<v1::WithdrawReassignmentRequest>([&](auto& r) { r.set_name(withdrawn); }), note);
  const std::string closed = h.Open("clara");
  twice(leader, &Reassignments::CloseReassignment, Make<v1::CloseReassignmentRequest>([&](auto& r) {
          r.set_name(closed);
          r.set_ground(v1::CANDIDATE_LEFT);
          r.set_note("moved away");
        }),
        note);
  // ConfirmMatch and ChooseInterested need a willing mentor of their own.
  const std::string confirmed = h.Open("connie");
  ASSERT_TRUE(h.Proceed(confirmed).ok());
  h.Settle();
  ASSERT_TRUE(h.Reply("m1", v1::YES).ok());
  h.Settle();
  twice(leader, &Reassignments::ConfirmMatch, Make<v1::ConfirmMatchRequest>([&](auto& r) { r.set_name(confirmed + "/offers/o1"); }), note);
}

TEST_F(Rpc, ARequestIdOfSomebodyElseTellsNothing_F21) {
  v1::GetReassignmentRequest get;
  get.set_name(name);
  v1::ReviewReassignmentRequest request;
  request.set_name(name);
  request.set_decision(v1::ReviewReassignmentRequest::PROCEED);
  request.set_request_id("shared");
  ASSERT_TRUE(h.Call(AsLeader(), &Reassignments::ReviewReassignment, request).ok());
  const auto stranger = h.Call(AsLeader(kOtherLeader), &Reassignments::ReviewReassignment, request);
  EXPECT_EQ(stranger.status(), access::CaseNotFound());
}

// Who may not touch a case gets the same answer as for one that is not there, word for word.
TEST_F(Rpc, StrangersGetNotFoundAsForAMissingCase_F21_F36) {
  h.mentor.AddCandidate("other", "old");
  const std::string missing = absl::StrCat(kProgram, "/reassignments/0190a000-0000-7000-8000-000000000000");
  const rpc::Caller strangers[] = {AsLeader(kOtherLeader),
                                   AsCandidate(CandidateName("other")),
                                   {.role = "MENTOR", .person = MentorName("old")},
                                   {.role = "SITE_ADMIN", .person = "consortia/c1/sites/s1"}};
  for (const rpc::Caller& stranger : strangers) {
    SCOPED_TRACE(stranger.role);
    const auto same = [&](auto method, auto request, auto set) {
      set(request, name);
      const absl::Status present = h.Call(stranger, method, request).status();
      set(request, missing);
      EXPECT_EQ(present, h.Call(stranger, method, request).status());
      EXPECT_EQ(present, access::CaseNotFound()) << request.GetTypeName();
    };
    const auto set_name = [](auto& r, const std::string& n) { r.set_name(n); };
    const auto set_parent = [](auto& r, const std::string& n) { r.set_parent(n); };
    same(&Reassignments::GetReassignment, v1::GetReassignmentRequest(), set_name);
    same(&Reassignments::PreviewEscalation, v1::PreviewEscalationRequest(), set_name);
    same(&Reassignments::VerifyAuditTrail, v1::VerifyAuditTrailRequest(), set_name);
    same(&Reassignments::ListOffers, v1::ListOffersRequest(), set_parent);
    same(&Reassignments::ListPeople, v1::ListPeopleRequest(), set_parent);
    same(&Reassignments::ListTasks, v1::ListTasksRequest(), set_parent);
    same(&Reassignments::ListDisclosures, v1::ListDisclosuresRequest(), set_parent);
    same(&Reassignments::ListReassignmentEvents, v1::ListReassignmentEventsRequest(), set_parent);
    int n = 0;
    const auto write = [&](auto method, auto request, const std::string& child) {
      same(method, request, [&](auto& r, const std::string& case_name) {
        r.set_name(case_name + child);
        r.set_request_id(absl::StrCat("s", ++n));
      });
    };
    write(&Reassignments::RestartSearch, v1::RestartSearchRequest(), "");
    v1::SkipStageRequest skip;
    skip.set_note("n");
    write(&Reassignments::SkipStage, skip, "");
    v1::StrikeMentorRequest strike;
    strike.set_mentor(MentorName("m1"));
    write(&Reassignments::StrikeMentor, strike, "");
    write(&Reassignments::PauseReassignment, v1::PauseReassignmentRequest(), "");
    write(&Reassignments::ResumeReassignment, v1::ResumeReassignmentRequest(), "");
    write(&Reassignments::ReplaceLeader, v1::ReplaceLeaderRequest(), "");
    write(&Reassignments::ReviveOffer, v1::ReviveOfferRequest(), "/offers/o1");
    v1::SnoozeTaskRequest snooze;
    snooze.mutable_until_time()->set_seconds(absl::ToUnixSeconds(h.clock.Now() + absl::Hours(1)));
    write(&Reassignments::SnoozeTask, snooze, "/tasks/t1");
    write(&Reassignments::ConfirmMatch, v1::ConfirmMatchRequest(), "/offers/o1");
    write(&Reassignments::RejectMatch, v1::RejectMatchRequest(), "/offers/o1");
    write(&Reassignments::ChooseInterested, v1::ChooseInterestedRequest(), "/offers/o1");
    write(&Reassignments::PassAllOver, v1::PassAllOverRequest(), "");
    write(&Reassignments::OpenBroadcast, v1::OpenBroadcastRequest(), "");
    write(&Reassignments::TakeCandidate, v1::TakeCandidateRequest(), "");
    write(&Reassignments::DeclineToTake, v1::DeclineToTakeRequest(), "");
    write(&Reassignments::SendClosingNote, v1::SendClosingNoteRequest(), "");
    write(&Reassignments::RecordConsent, v1::RecordConsentRequest(), "");
    write(&Reassignments::WithdrawReassignment, v1::WithdrawReassignmentRequest(), "");
    v1::ListReassignmentsRequest list;
    list.set_parent(kProgram);
    const auto listed = h.Call(stranger, &Reassignments::ListReassignments, list);
    EXPECT_TRUE(!listed.ok() || listed->reassignments().empty());
  }
  EXPECT_EQ(h.Get(name).state(), v1::REVIEW);
}

TEST_F(Rpc, TheAlternateReadsAndDecidesOnlyWhenActing_F35) {
  EXPECT_EQ(h.Get(name, AsLeader(kAlternate)).reasons(), "no trust");
  v1::ReviewReassignmentRequest request;
  request.set_name(name);
  request.set_decision(v1::ReviewReassignmentRequest::PROCEED);
  EXPECT_EQ(h.Write(AsLeader(kAlternate), &Reassignments::ReviewReassignment, request).status(), access::CaseNotFound());
}

TEST_F(Rpc, OpeningForSomebodyElseIsNotFound_F21_F36) {
  const std::string other = h.mentor.AddCandidate("other", "old");
  v1::CreateReassignmentRequest request;
  request.set_parent(kProgram);
  request.set_candidate(other);
  EXPECT_EQ(h.Write(AsCandidate(CandidateName("cara")), &Reassignments::CreateReassignment, request).status(), access::CaseNotFound());
  EXPECT_EQ(h.Write(AsLeader(kOtherLeader), &Reassignments::CreateReassignment, request).status(), access::CaseNotFound());
  request.set_candidate(CandidateName("nobody"));
  EXPECT_EQ(h.Write(AsLeader(kOtherLeader), &Reassignments::CreateReassignment, request).status(), access::CaseNotFound());
  EXPECT_EQ(h.Write(AsLeader(), &Reassignments::CreateReassignment, request).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(Rpc, APeerThatDoesNotAnswerIsUnavailableAndNothingIsKept) {
  h.mentor.SetBefore([](std::string_view) { return absl::DeadlineExceededError("slow"); });
  v1::CreateReassignmentRequest request;
  request.set_parent(kProgram);
  request.set_candidate(CandidateName("cara"));
  const auto answer = h.Write(AsLeader(), &Reassignments::CreateReassignment, request);
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(answer.status()), reason::kPeerUnavailable);
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM cases"), 1);
}

}  // namespace
}  // namespace rematch::request::testing
