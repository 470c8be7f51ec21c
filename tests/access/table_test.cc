#include "access/table.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/errors.h"
#include "platform/strings.h"
#include "rematch/mentor/v1/service.pb.h"
#include "rematch/notify/v1/service.pb.h"
#include "rematch/request/v1/service.pb.h"
#include "tests/access/published.h"

namespace rematch::access {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;
using ::testing::Contains;
using ::testing::UnorderedElementsAreArray;

rpc::Call CallOf(Role role, std::string_view method) {
  return {.method = method, .caller = {std::string(NameOf(role)), "consortia/c1/people/p1"}, .deadline = absl::InfiniteFuture()};
}

void Collect(const Descriptor& type, std::set<const Descriptor*>& seen) {
  if (!seen.insert(&type).second) return;
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->message_type() != nullptr) Collect(*type.field(i)->message_type(), seen);
  }
}

// Every field that some answer can hold, at any depth.
std::set<const FieldDescriptor*> FieldsOfAnswers() {
  std::set<const Descriptor*> types;
  for (const MethodDescriptor* method : PublishedMethods()) Collect(*method->output_type(), types);
  std::set<const FieldDescriptor*> fields;
  for (const Descriptor* type : types) {
    for (int i = 0; i < type->field_count(); ++i) fields.insert(type->field(i));
  }
  return fields;
}

bool SoundsPrivate(const FieldDescriptor& field) {
  for (const char* word : {"name", "email", "phone", "reason", "note", "text", "html", "body", "subject", "variable", "description",
                           "summary", "explanation", "comment", "address", "contact", "ground", "message", "words"}) {
    if (field.name().find(word) != std::string::npos) return true;
  }
  return false;
}

bool IsText(const FieldDescriptor& field) {
  if (field.is_map()) return IsText(*field.message_type()->map_value());
  return field.type() == FieldDescriptor::TYPE_STRING || field.type() == FieldDescriptor::TYPE_BYTES;
}

TEST(AccessTable, EveryMethodHasOneRowAndEveryRowAMethod) {
  std::vector<std::string> published, rows;
  for (const MethodDescriptor* method : PublishedMethods()) published.push_back(PathOf(*method));
  for (const MethodRow& row : Methods()) rows.emplace_back(row.method);
  EXPECT_THAT(rows, UnorderedElementsAreArray(published));
}

TEST(AccessTable, EveryRequestBelongsToOneMethod) {
  // The wrapper around handlers tells the method by its request, and finds exactly one.
  for (const MethodDescriptor* method : PublishedMethods()) EXPECT_EQ(rpc::MethodTaking(*method->input_type()), PathOf(*method));
}

TEST(AccessTable, EveryMethodIsOpenToSomebody) {
  for (const MethodRow& row : Methods())
    EXPECT_TRUE(std::any_of(row.scopes.begin(), row.scopes.end(), [](Scope s) { return s != Scope::kNone; })) << row.method;
}

TEST(AccessTable, AMethodThatItDoesNotHaveIsDeniedToEverybody) {
  TableGuard guard;
  for (int role = 0; role < kRoles; ++role) {
    const rpc::Call call = CallOf(static_cast<Role>(role), "/rematch.mentor.v1.MentorService/Unheard");
    EXPECT_EQ(guard.Admit(call).code(), absl::StatusCode::kPermissionDenied);
    EXPECT_FALSE(MayTouch(call.caller, call.method, {.leaders = {call.caller.person}, .candidate = call.caller.person}));
  }
}

TEST(AccessTable, EveryPrivateAndEveryPublicFieldIsOneOfAnAnswer) {
  std::vector<std::string> names;
  for (const FieldDescriptor* field : FieldsOfAnswers()) names.push_back(field->full_name());
  for (const FieldRow& row : PrivateFields()) EXPECT_THAT(names, Contains(std::string(row.field)));
  for (const std::string_view field : PublicFields()) EXPECT_THAT(names, Contains(std::string(field)));
}

TEST(AccessTable, EveryTextOfAnAnswerThatSoundsPrivateIsDecidedOnPurpose_F21) {
  std::set<std::string> decided;
  for (const FieldRow& row : PrivateFields()) decided.emplace(row.field);
  for (const std::string_view field : PublicFields()) decided.emplace(field);
  for (const FieldDescriptor* field : FieldsOfAnswers()) {
    // A resource's own name is an opaque id.
    if (!IsText(*field) || !SoundsPrivate(*field) || field->name() == "name") continue;
    if (field->containing_type()->options().map_entry()) continue;  // decided with its map
    EXPECT_TRUE(decided.count(field->full_name()) == 1) << field->full_name() << " stands in no list of access/table.cc";
  }
}

TEST(AccessTable, ReasonsNotesAndEndReasonsAreForLeadersAlone_F21) {
  std::set<std::string> found;
  for (const FieldRow& row : PrivateFields()) {
    const std::string field(row.field);
    if (field != "rematch.request.v1.Reassignment.reasons" && field != "rematch.request.v1.Reassignment.notes" &&
        field != "rematch.request.v1.Note.text" && field != "rematch.request.v1.Reassignment.close_ground") {
      continue;
    }
    found.insert(field);
    for (int role = 0; role < kRoles; ++role) {
      EXPECT_EQ(row.ReadableBy(static_cast<Role>(role)), static_cast<Role>(role) == Role::kProgramLeader) << field;
    }
  }
  EXPECT_EQ(found.size(), 4u);
}

TEST(AccessTable, WhatAPersonDecidesNoServiceDecides_F7) {
  for (const char* method :
       {"ReviewReassignment", "ConfirmMatch", "ChooseInterested", "RecordCall", "TakeCandidate", "WithdrawReassignment"}) {
    const std::string path = absl::StrCat("/rematch.request.v1.ReassignmentService/", method);
    EXPECT_FALSE(MayTouch({"SERVICE", ""}, path, {})) << method;
  }
}

TEST(TableGuard, WhoMayNotCallAMethodOnCasesSeesNoCase_F21) {
  TableGuard guard;
  const absl::Status denied = guard.Admit(CallOf(Role::kMentor, "/rematch.request.v1.ReassignmentService/GetReassignment"));
  EXPECT_EQ(denied, CaseNotFound());
  EXPECT_EQ(denied.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(denied), "CASE_NOT_FOUND");
}

TEST(TableGuard, ElsewhereTheRoleIsRefused) {
  TableGuard guard;
  const absl::Status denied = guard.Admit(CallOf(Role::kCandidate, "/rematch.mentor.v1.MentorService/HoldSeat"));
  EXPECT_EQ(denied.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ReasonOf(denied), reason::kRoleNotAllowed);
}

TEST(TableGuard, ARoleThatDoesNotExistOrNamesNobodyIsUnknown) {
  TableGuard guard;
  rpc::Call call = CallOf(Role::kProgramLeader, "/rematch.mentor.v1.MentorService/GetMentor");
  EXPECT_TRUE(guard.Admit(call).ok());
  call.caller.person = "";
  EXPECT_EQ(ReasonOf(guard.Admit(call)), reason::kCallerUnknown);
  call.caller = {"EMPEROR", "consortia/c1/people/p1"};
  EXPECT_EQ(guard.Admit(call).code(), absl::StatusCode::kUnauthenticated);
  for (const char* role : {"SERVICE", "AUDITOR"}) {
    call.caller = {role, ""};
    EXPECT_TRUE(guard.Admit(call).ok()) << role;
  }
}

TEST(MayTouch, ALeaderTouchesTheirOwnAndDecidesWhereTheyAct_F35_F36) {
  constexpr char kGet[] = "/rematch.request.v1.ReassignmentService/GetReassignment";
  constexpr char kConfirm[] = "/rematch.request.v1.ReassignmentService/ConfirmMatch";
  const Owners owners{.leaders = {"consortia/c1/leaders/rosa", "consortia/c1/leaders/ines"}, .acting_leader = "consortia/c1/leaders/ines"};
  const rpc::Caller rosa = {"PROGRAM_LEADER", "consortia/c1/leaders/rosa"};
  const rpc::Caller ines = {"PROGRAM_LEADER", "consortia/c1/leaders/ines"};
  const rpc::Caller stranger = {"PROGRAM_LEADER", "consortia/c1/leaders/max"};
  EXPECT_TRUE(MayTouch(rosa, kGet, owners));
  EXPECT_TRUE(MayTouch(ines, kGet, owners));
  EXPECT_FALSE(MayTouch(stranger, kGet, owners));
  EXPECT_FALSE(MayTouch(rosa, kConfirm, owners));
  EXPECT_TRUE(MayTouch(ines, kConfirm, owners));
  EXPECT_FALSE(MayTouch(stranger, kConfirm, owners));
}

TEST(MayTouch, AnotherRolesNameOpensNothing) {
  // A candidate who claims the name of the leader is still a candidate.
  const Owners owners{.leaders = {"consortia/c1/leaders/rosa"}, .candidate = "consortia/c1/programs/p1/candidates/ada"};
  constexpr char kGet[] = "/rematch.request.v1.ReassignmentService/GetReassignment";
  EXPECT_FALSE(MayTouch({"CANDIDATE", "consortia/c1/leaders/rosa"}, kGet, owners));
  EXPECT_TRUE(MayTouch({"CANDIDATE", "consortia/c1/programs/p1/candidates/ada"}, kGet, owners));
  EXPECT_FALSE(MayTouch({"CANDIDATE", "consortia/c1/programs/p1/candidates/bob"}, kGet, owners));
}

TEST(MayTouch, NobodyOwnsWhatHasNoOwner) {
  for (const MethodRow& row : Methods()) {
    for (int i = 0; i < kRoles; ++i) {
      const Role role = static_cast<Role>(i);
      EXPECT_EQ(MayTouch({std::string(NameOf(role)), ""}, row.method, {}), row.ScopeOf(role) == Scope::kAll) << row.method;
    }
  }
}

TEST(MayTouch, AConsortiumIsThatOfTheCallersName) {
  constexpr char kSites[] = "/rematch.mentor.v1.MentorService/ListSites";
  const rpc::Caller leader = {"PROGRAM_LEADER", "consortia/c1/leaders/rosa"};
  EXPECT_TRUE(MayTouch(leader, kSites, {.consortium = "consortia/c1"}));
  EXPECT_FALSE(MayTouch(leader, kSites, {.consortium = "consortia/c"}));
  EXPECT_FALSE(MayTouch(leader, kSites, {.consortium = "consortia/c12"}));
  EXPECT_FALSE(MayTouch(leader, kSites, {.consortium = ""}));
}

request::v1::Reassignment SomeCase() {
  request::v1::Reassignment c;
  c.set_name("consortia/c1/programs/p1/reassignments/r1");
  c.set_state(request::v1::SEARCHING);
  c.set_stage(request::v1::BROADCAST);
  c.set_proposed_mentor("consortia/c1/mentors/m1");
  c.set_reasons("private words");
  c.add_notes()->set_text("private note");
  c.set_close_ground(request::v1::NO_MENTOR_FOUND);
  return c;
}

TEST(Redact, LeavesACaseToEachRoleAsFarAsTheTableSays_F21) {
  TableGuard guard;
  constexpr char kGet[] = "/rematch.request.v1.ReassignmentService/GetReassignment";
  request::v1::Reassignment leader = SomeCase(), service = SomeCase(), auditor = SomeCase(), candidate = SomeCase();
  guard.Redact(CallOf(Role::kProgramLeader, kGet), leader);
  EXPECT_EQ(leader.SerializeAsString(), SomeCase().SerializeAsString());
  guard.Redact(CallOf(Role::kService, kGet), service);
  guard.Redact(CallOf(Role::kAuditor, kGet), auditor);
  guard.Redact(CallOf(Role::kCandidate, kGet), candidate);
  for (const auto* read : {&service, &auditor, &candidate}) {
    EXPECT_EQ(read->reasons(), "");
    EXPECT_EQ(read->notes_size(), 0);
    EXPECT_EQ(read->close_ground(), request::v1::CLOSE_GROUND_UNSPECIFIED);
    EXPECT_EQ(read->state(), request::v1::SEARCHING);
  }
  EXPECT_EQ(service.proposed_mentor(), "consortia/c1/mentors/m1");
  EXPECT_EQ(auditor.stage(), request::v1::BROADCAST);
  EXPECT_EQ(candidate.proposed_mentor(), "");
  EXPECT_EQ(candidate.stage(), request::v1::STAGE_KIND_UNSPECIFIED);
}

TEST(Redact, ReachesIntoListsAndNestedMessages) {
  TableGuard guard;
  mentor::v1::ListMentorsResponse response;
  for (const char* name : {"consortia/c1/mentors/a", "consortia/c1/mentors/b"}) {
    mentor::v1::Mentor* mentor = response.add_mentors();
    mentor->set_name(name);
    mentor->mutable_contact()->set_display_name("Somebody");
    mentor->mutable_contact()->set_email("somebody@example.org");
    mentor->mutable_contact()->set_phone("1");
  }
  guard.Redact(CallOf(Role::kAuditor, "/rematch.mentor.v1.MentorService/ListMentors"), response);
  ASSERT_EQ(response.mentors_size(), 2);
  for (const mentor::v1::Mentor& mentor : response.mentors()) {
    EXPECT_NE(mentor.name(), "");
    EXPECT_EQ(mentor.contact().ByteSizeLong(), 0u);
  }
}

TEST(Redact, MakesNoMessageThatWasNotThere) {
  TableGuard guard;
  mentor::v1::Mentor mentor;
  mentor.set_name("consortia/c1/mentors/a");
  guard.Redact(CallOf(Role::kAuditor, "/rematch.mentor.v1.MentorService/GetMentor"), mentor);
  EXPECT_FALSE(mentor.has_contact());
}

TEST(ConcurrentTableGuard, ManyAnswersAreRedactedAtOnceEachForItsOwnCaller_F21) {
  TableGuard guard;
  constexpr char kGet[] = "/rematch.request.v1.ReassignmentService/GetReassignment";
  constexpr char kListMentors[] = "/rematch.mentor.v1.MentorService/ListMentors";
  std::vector<std::thread> threads;
  for (int t = 0; t < 2 * kRoles; ++t) {
    threads.emplace_back([&, role = static_cast<Role>(t % kRoles)] {
      const bool leads = role == Role::kProgramLeader;
      for (int i = 0; i < 200; ++i) {
        // What is found out of a type and a role is kept: the first of each meet here.
        request::v1::Reassignment c = SomeCase();
        guard.Redact(CallOf(role, kGet), c);
        EXPECT_EQ(c.reasons(), leads ? "private words" : "");
        EXPECT_EQ(c.notes_size(), leads ? 1 : 0);
        mentor::v1::ListMentorsResponse mentors;
        mentors.add_mentors()->mutable_contact()->set_email("somebody@example.org");
        guard.Redact(CallOf(role, kListMentors), mentors);
        if (role == Role::kAuditor) {
          EXPECT_EQ(mentors.mentors(0).contact().email(), "");
        }
        EXPECT_TRUE(guard.Admit(CallOf(Role::kProgramLeader, kGet)).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Redact, ARoleThatDoesNotExistReadsNothingPrivate) {
  TableGuard guard;
  request::v1::Reassignment c = SomeCase();
  guard.Redact({.method = "/x", .caller = {"EMPEROR", "p"}, .deadline = absl::InfiniteFuture()}, c);
  EXPECT_EQ(c.reasons(), "");
  EXPECT_EQ(c.proposed_mentor(), "");
}

}  // namespace
}  // namespace rematch::access
