// The table, walked: every RPC × every role × whose program it is, as Admit() and MayTouch() decide by it, against rules that are written
// here a second time, in other words than the table's. That the handlers ask them is shown by tests/suite/walk_test.cc, which calls them.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "access/access.h"
#include "platform/errors.h"
#include "tests/access/published.h"

namespace rematch::access {
namespace {

constexpr char kConsortium[] = "consortia/c1";
constexpr char kLeader[] = "consortia/c1/leaders/own";
constexpr char kCandidateName[] = "consortia/c1/programs/own/candidates/own";
constexpr char kMentorName[] = "consortia/c1/mentors/own";

// A resource of the callers below, as handlers describe it.
Owners Own() {
  return {.leaders = {kLeader}, .acting_leader = kLeader, .candidate = kCandidateName, .mentor = kMentorName, .consortium = kConsortium};
}

// One of another program, of the same consortium or of another.
Owners Foreign(const std::string& consortium) {
  return {.leaders = {consortium + "/leaders/other"},
          .acting_leader = consortium + "/leaders/other",
          .candidate = consortium + "/programs/other/candidates/other",
          .mentor = consortium + "/mentors/other",
          .consortium = consortium};
}

rpc::Caller As(Role role) {
  switch (role) {
    case Role::kProgramLeader:
      return {std::string(kProgramLeader), kLeader};
    case Role::kMentor:
      return {std::string(kMentor), kMentorName};
    case Role::kCandidate:
      return {std::string(kCandidate), kCandidateName};
    case Role::kSiteAdmin:
      return {std::string(kSiteAdmin), "consortia/c1/sites/own"};
    case Role::kAuditor:
      return {std::string(kAuditor), ""};
    case Role::kService:
      return {std::string(kService), ""};
  }
  return {};
}

// Calls the method on a resource with these owners, as far as access decides.
absl::Status Try(Role role, const std::string& method, const Owners& owners) {
  TableGuard guard;
  const rpc::Call call = {.method = method, .caller = As(role), .deadline = absl::InfiniteFuture()};
  const bool of_cases = absl::StrContains(method, "ReassignmentService");
  REMATCH_RETURN_IF_ERROR(guard.Admit(call));
  if (!MayTouch(call.caller, method, owners)) return of_cases ? CaseNotFound() : NotAllowed();
  return absl::OkStatus();
}

template <typename Visit>
void Walk(Visit visit) {
  int walked = 0;
  for (const google::protobuf::MethodDescriptor* method : PublishedMethods()) {
    for (int role = 0; role < kRoles; ++role) {
      SCOPED_TRACE(absl::StrCat(PathOf(*method), " as ", std::string(NameOf(static_cast<Role>(role)))));
      visit(*method, static_cast<Role>(role));
      ++walked;
    }
  }
  EXPECT_GE(walked, 60 * kRoles);
}

bool Reads(const std::string& name) {
  for (const char* verb : {"Get", "List", "Watch", "Find", "Describe", "Preview", "Verify"}) {
    if (absl::StartsWith(name, verb)) return true;
  }
  return false;
}

TEST(TableWalk, NothingOfAnotherProgramIsTouchedByWhoBelongsToAProgram_F36) {
  // What belongs to no program: the code in the request is the right, policies and templates are one for all.
  const std::set<std::string> of_nobody = {"RespondToOffer",     "SubmitSurveyResponse", "GetPolicyVersion",
                                           "ListPolicyVersions", "ListTemplates",        "PreviewNotification"};
  Walk([&](const auto& method, Role role) {
    if (role == Role::kService || role == Role::kAuditor || of_nobody.count(method.name()) == 1) return;
    EXPECT_FALSE(Try(role, PathOf(method), Foreign("consortia/c2")).ok());
    // Sites and districts are shared by the programs of a consortium, and what one of them says in messages is no secret from the others.
    const std::set<std::string> shared = {"GetConsortium", "ListConsortia", "GetDistrict",        "ListDistricts",
                                          "GetSite",       "ListSites",     "GetTemplateVersion", "ListTemplateVersions"};
    if (role == Role::kProgramLeader && shared.count(method.name()) == 1) return;
    EXPECT_FALSE(Try(role, PathOf(method), Foreign(kConsortium)).ok());
  });
}

TEST(TableWalk, WhoMayNotReadACaseGetsTheAnswerOfAMissingOne_F21) {
  Walk([](const auto& method, Role role) {
    if (method.service()->name() != "ReassignmentService") return;
    for (const Owners& owners : {Own(), Foreign(kConsortium), Foreign("consortia/c2")}) {
      const absl::Status status = Try(role, PathOf(method), owners);
      if (!status.ok()) {
        EXPECT_EQ(status, CaseNotFound());
      }
    }
  });
}

TEST(TableWalk, LeadersDoAllWithTheirCases) {
  Walk([](const auto& method, Role role) {
    if (role != Role::kProgramLeader || method.service()->name() != "ReassignmentService") return;
    EXPECT_TRUE(Try(role, PathOf(method), Own()).ok()) << method.name();
  });
}

TEST(TableWalk, CandidatesTouchTheirOwnCaseAndRecord) {
  const std::set<std::string> theirs = {"CreateReassignment", "GetReassignment", "ListReassignments",
                                        "WatchReassignment",  "RecordConsent",   "WithdrawReassignment",
                                        "GetCandidate",       "RaiseConcern",    "SubmitSurveyResponse"};
  Walk([&](const auto& method, Role role) {
    if (role != Role::kCandidate) return;
    EXPECT_EQ(Try(role, PathOf(method), Own()).ok(), theirs.count(method.name()) == 1);
  });
}

TEST(TableWalk, MentorsReadThemselvesAndAnswerByTheirCode) {
  const std::set<std::string> theirs = {"GetMentor", "RespondToOffer"};
  Walk([&](const auto& method, Role role) {
    if (role != Role::kMentor) return;
    EXPECT_EQ(Try(role, PathOf(method), Own()).ok(), theirs.count(method.name()) == 1);
  });
}

TEST(TableWalk, SiteAdministratorsSeeNothingOfCases_F22) {
  Walk([](const auto& method, Role role) {
    if (role != Role::kSiteAdmin) return;
    EXPECT_EQ(Try(role, PathOf(method), Own()).ok(), method.name() == "RespondToOffer");
  });
}

TEST(TableWalk, AuditorsChangeNothing_F24) {
  Walk([](const auto& method, Role role) {
    if (role != Role::kAuditor) return;
    if (!Reads(method.name())) {
      EXPECT_FALSE(Try(role, PathOf(method), Own()).ok());
    }
  });
  for (const char* method : {"ListReassignmentEvents", "VerifyAuditTrail", "ListDisclosures", "GetReassignment"}) {
    EXPECT_TRUE(Try(Role::kAuditor, absl::StrCat("/rematch.request.v1.ReassignmentService/", method), Own()).ok()) << method;
  }
}

TEST(TableWalk, ServicesReadEverythingButConcernsAndRunTheRosterSeatsAndMail_F12) {
  Walk([](const auto& method, Role role) {
    if (role != Role::kService) return;
    const bool by_code = method.name() == "RespondToOffer" || method.name() == "SubmitSurveyResponse";
    const bool decides = method.service()->name() == "ReassignmentService" && !Reads(method.name()) && !by_code;
    // What a candidate says of their mentor is not even for services (F12).
    const std::set<std::string> confided = {"GetConcern", "ListConcerns", "ListSurveys", "ListSurveyResults"};
    EXPECT_EQ(Try(role, PathOf(method), Own()).ok(), !decides && confided.count(method.name()) == 0);
  });
}

TEST(TableWalk, WhatAProgramSaysIsPublishedByTheOfficeAlone_F36) {
  int walked = 0;
  Walk([&walked](const auto& method, Role role) {
    if (method.name() != "CreateTemplateVersion") return;
    EXPECT_EQ(Try(role, PathOf(method), Own()).ok(), role == Role::kService);
    ++walked;
  });
  EXPECT_EQ(walked, kRoles);
}

TEST(TableWalk, SeatsAreMovedByServicesAlone_F30) {
  Walk([](const auto& method, Role role) {
    if (role == Role::kService) return;
    for (const char* seats : {"HoldNextSeat", "HoldSeat", "ReleaseSeat", "TransferCandidate"}) {
      if (method.name() != seats) continue;
      EXPECT_FALSE(Try(role, PathOf(method), Own()).ok());
    }
  });
}

}  // namespace
}  // namespace rematch::access
