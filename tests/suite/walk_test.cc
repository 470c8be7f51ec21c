// Every RPC x every role, called on what belongs to a program of somebody else (F21, F36): nothing is done, nothing is told, and a
// case that exists cannot be told from one that does not. Requests are made from the descriptors, so a new RPC is walked by itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/suite/in_process_suite.h"

namespace rematch::suite {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

constexpr char kReasons[] = "canary-reasons-4711";

// A resource name of each kind, which the walk fills into requests.
using Names = std::map<std::string, std::string>;

class WalkTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    suite_ = new InProcessSuite;
    ASSERT_TRUE(suite_->Start().ok());
    ASSERT_TRUE(suite_->ImportTwoPrograms().ok());
    auto opened = suite_->OpenCase("consortia/c1/programs/alpha", "ann@a.example", kReasons);
    ASSERT_TRUE(opened.ok()) << opened.status();
    existing_ = new Names(*opened);
    // The same words with other ids: nothing of it exists.
    missing_ = new Names;
    for (const auto& [kind, name] : *existing_) {
      const size_t slash = name.rfind('/');
      (*missing_)[kind] = slash == std::string::npos ? name : name.substr(0, slash + 1) + "00000000-0000-7000-8000-000000000000";
    }
    (*missing_)["candidate"] = absl::StrReplaceAll((*existing_)["candidate"], {{(*existing_)["program"], (*missing_)["program"]}});
    (*missing_)["policy"] = (*existing_)["policy"];  // belongs to no program
    // What hangs below a case hangs below one that is missing.
    for (const char* kind : {"offer", "task", "person"}) {
      (*missing_)[kind] = absl::StrReplaceAll((*existing_)[kind], {{(*existing_)["case"], (*missing_)["case"]}});
    }
  }
  static void TearDownTestSuite() {
    delete suite_;
    delete existing_;
    delete missing_;
  }

  // Which kind of resource a string field names, "" if none.
  static std::string KindOf(const MethodDescriptor& method, const FieldDescriptor& field) {
    const std::string& rpc = method.name();
    const std::string& name = field.name();
    const std::string service = method.service()->name();
    if (service == "ReassignmentService") {
      if (name == "candidate" || name == "mentor") return name;
      if (name == "strike" || name == "order") return "mentor";
      if (name == "parent") {
        if (rpc == "CreateReassignment" || rpc == "ListReassignments" || rpc == "ListTasks") return "program";
        return "case";
      }
      if (name == "name") {
        if (rpc == "RecordOfferResponse" || rpc == "ConfirmMatch" || rpc == "RejectMatch" || rpc == "ChooseInterested") return "offer";
        if (rpc == "RecordCall") return "task";
        if (rpc == "QualifyPerson") return "person";
        if (rpc == "GetPolicyVersion") return "policy";
        return "case";
      }
    } else if (service == "MentorService") {
      if (name == "candidate" || name == "mentor" || name == "program" || name == "district" || name == "site") return name;
      if (name == "programs") return "program";
      if (name == "seat") return "seat";
      if (name == "parent") return absl::StrContains(rpc, "Candidate") ? "program" : "consortium";
      if (name == "name" || name == "mentor.name") {
        for (const char* kind : {"Consortium", "District", "Site", "Program", "Mentor", "Candidate", "Seat"}) {
          if (absl::EndsWith(rpc, kind)) return std::string(1, static_cast<char>(kind[0] + 32)) + (kind + 1);
        }
      }
    } else {
      if (name == "parent") return "consortium";
      if (name == "name") return "notification";
      if (name == "origin") return "case";
    }
    return "";
  }

  void Fill(const MethodDescriptor& method, const Names& names, Message& message, int depth = 0) {
    const Descriptor& type = *message.GetDescriptor();
    const google::protobuf::Reflection& reflection = *message.GetReflection();
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      if (field.is_map()) continue;
      switch (field.cpp_type()) {
        case FieldDescriptor::CPPTYPE_STRING: {
          std::string value;
          const std::string kind = KindOf(method, field);
          if (field.name() == "etag" || field.name() == "page_token") continue;
          if (depth > 0 && field.name() == "name" && method.name() != "UpdateMentor") continue;
          if (!kind.empty()) {
            const auto found = names.find(kind);
            value = found == names.end() ? "" : found->second;
          } else if (field.name() == "email") {
            value = "somebody@else.example";
          } else if (absl::EndsWith(field.name(), "_id")) {
            value = absl::StrCat("walk-", ++request_);
          } else if (field.name() == "paths") {
            value = "capacity";
          } else if (field.name() == "phone") {
            value = "+1 310 555 0100";
          } else if (field.name() == "time_zone") {
            value = "UTC";
          } else if (field.name() == "template") {
            value = "closing_note";
          } else {
            value = "words";
          }
          if (field.is_repeated()) {
            reflection.AddString(&message, &field, value);
          } else {
            reflection.SetString(&message, &field, value);
          }
          break;
        }
        case FieldDescriptor::CPPTYPE_INT32:
          if (!field.is_repeated()) reflection.SetInt32(&message, &field, 1);
          break;
        case FieldDescriptor::CPPTYPE_ENUM:
          if (!field.is_repeated()) reflection.SetEnumValue(&message, &field, 1);
          break;
        case FieldDescriptor::CPPTYPE_MESSAGE:
          if (!field.is_repeated() && depth < 2 && !absl::StartsWith(field.message_type()->full_name(), "google.protobuf.Timestamp")) {
            Fill(method, names, *reflection.MutableMessage(&message, &field), depth + 1);
          }
          break;
        default:
          break;
      }
    }
  }

  // Status and answers as text, without what differs by the name that was asked for.
  struct Outcome {
    grpc::StatusCode code;
    std::string text;
    std::string answers;
  };

  Outcome Ask(const MethodDescriptor& method, const rpc::Caller& caller, const Names& names) {
    google::protobuf::DynamicMessageFactory factory(google::protobuf::DescriptorPool::generated_pool());
    std::unique_ptr<Message> request(factory.GetPrototype(method.input_type())->New());
    Fill(method, names, *request);
    const RawResult result = suite_->CallRaw(method, caller, request->SerializeAsString());
    Outcome outcome{result.status.error_code(), absl::StrCat(result.status.error_message(), "\n", result.status.error_details()), ""};
    for (const std::string& bytes : result.responses) {
      std::unique_ptr<Message> response(factory.GetPrototype(method.output_type())->New());
      EXPECT_TRUE(response->ParseFromString(bytes));
      absl::StrAppend(&outcome.answers, response->ShortDebugString(), "\n");
    }
    return outcome;
  }

  static std::vector<const MethodDescriptor*> AllMethods() {
    std::vector<const MethodDescriptor*> methods;
    for (const char* name :
         {"rematch.mentor.v1.MentorService", "rematch.request.v1.ReassignmentService", "rematch.notify.v1.NotifyService"}) {
      const ServiceDescriptor* service = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name);
      if (service == nullptr) ADD_FAILURE() << "no descriptor of " << name;
      for (int i = 0; service != nullptr && i < service->method_count(); ++i) methods.push_back(service->method(i));
    }
    return methods;
  }

  // Who has nothing to do with program alpha and its people.
  static std::vector<rpc::Caller> Strangers() {
    return {{"PROGRAM_LEADER", "consortia/c1/leaders/lena"},
            {"PROGRAM_LEADER", "consortia/c2/leaders/lara"},
            {"MENTOR", (*existing_)["other mentor"]},
            {"CANDIDATE", (*existing_)["other candidate"]},
            {"SITE_ADMIN", "consortia/c1/sites/s1"}};
  }

  static InProcessSuite* suite_;
  static Names* existing_;
  static Names* missing_;
  int request_ = 0;
};

InProcessSuite* WalkTest::suite_ = nullptr;
Names* WalkTest::existing_ = nullptr;
Names* WalkTest::missing_ = nullptr;

TEST_F(WalkTest, ToAStrangerACaseThatExistsLooksLikeOneThatDoesNot_F21) {
  const std::string before = suite_->Fingerprint((*existing_)["case"]);
  size_t walked = 0;
  for (const MethodDescriptor* method : AllMethods()) {
    if (method->service()->name() != "ReassignmentService") continue;
    for (const rpc::Caller& caller : Strangers()) {
      const Outcome existing = Ask(*method, caller, *existing_);
      const Outcome missing = Ask(*method, caller, *missing_);
      const std::string who = absl::StrCat(method->name(), " by ", caller.role);
      EXPECT_EQ(existing.code, missing.code) << who << ": " << existing.text << " / " << missing.text;
      EXPECT_EQ(existing.text, missing.text) << who;
      EXPECT_EQ(existing.answers, missing.answers) << who;
      ++walked;
    }
  }
  EXPECT_GE(walked, 29u * 5u);
  EXPECT_EQ(suite_->Fingerprint((*existing_)["case"]), before) << "a stranger changed the case";
}

TEST_F(WalkTest, AStrangerGetsNothingOfAForeignProgramFromAnyService_F36) {
  size_t walked = 0;
  for (const MethodDescriptor* method : AllMethods()) {
    if (method->client_streaming()) continue;
    for (const rpc::Caller& caller : Strangers()) {
      const Outcome outcome = Ask(*method, caller, *existing_);
      const std::string who = absl::StrCat(method->name(), " by ", caller.role, " ", caller.person);
      for (const char* canary : {kReasons, "ann@a.example", "Ann Archer", "mia@a.example", "+1 310 555 0001"}) {
        EXPECT_THAT(outcome.answers, testing::Not(testing::HasSubstr(canary))) << who;
        EXPECT_THAT(outcome.text, testing::Not(testing::HasSubstr(canary))) << who;
      }
      ++walked;
    }
  }
  EXPECT_GE(walked, 60u * 5u);
}

TEST_F(WalkTest, OnlyTheLeadersOfTheProgramReadReasons_F21) {
  size_t saw = 0;
  for (const MethodDescriptor* method : AllMethods()) {
    if (method->client_streaming() || method->server_streaming()) continue;
    const std::string rpc = method->name();
    if (!absl::StartsWith(rpc, "Get") && !absl::StartsWith(rpc, "List") && !absl::StartsWith(rpc, "Preview")) continue;
    for (const rpc::Caller& caller : std::vector<rpc::Caller>{{"SERVICE", ""}, {"AUDITOR", ""}, {"CANDIDATE", (*existing_)["candidate"]}}) {
      EXPECT_THAT(Ask(*method, caller, *existing_).answers, testing::Not(testing::HasSubstr(kReasons))) << rpc << " by " << caller.role;
    }
    if (absl::StrContains(Ask(*method, {"PROGRAM_LEADER", "consortia/c1/leaders/lea"}, *existing_).answers, kReasons)) ++saw;
  }
  EXPECT_EQ(saw, 1u) << "the leader reads them with GetReassignment, and the canary can be seen at all";
}

TEST_F(WalkTest, AnAuditorReadsNoContactData) {
  for (const MethodDescriptor* method : AllMethods()) {
    if (method->client_streaming() || method->server_streaming()) continue;
    const Outcome outcome = Ask(*method, {"AUDITOR", ""}, *existing_);
    for (const char* canary : {"@a.example", "Ann Archer", "+1 310 555"}) {
      EXPECT_THAT(outcome.answers, testing::Not(testing::HasSubstr(canary))) << method->name();
    }
  }
}

TEST_F(WalkTest, NothingAnswersUnimplementedAndWhoDoesNotSayWhoTheyAreIsRefused) {
  for (const MethodDescriptor* method : AllMethods()) {
    EXPECT_EQ(Ask(*method, {"", ""}, *existing_).code, grpc::StatusCode::UNAUTHENTICATED) << method->name();
    EXPECT_EQ(Ask(*method, {"EMPEROR", "x"}, *existing_).code, grpc::StatusCode::UNAUTHENTICATED) << method->name();
    if (method->client_streaming()) continue;
    EXPECT_NE(Ask(*method, {"SERVICE", ""}, *missing_).code, grpc::StatusCode::UNIMPLEMENTED) << method->name();
  }
}

}  // namespace
}  // namespace rematch::suite
