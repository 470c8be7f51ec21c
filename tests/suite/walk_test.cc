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
#include "tests/suite/request_filler.h"

namespace rematch::suite {
namespace {

using google::protobuf::Message;
using google::protobuf::MethodDescriptor;

constexpr char kReasons[] = "canary-reasons-4711";

class WalkTest : public ::testing::Test {
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

  // Status and answers as text, without what differs by the name that was asked for.
  struct Outcome {
    grpc::StatusCode code;
    std::string text;
    std::string answers;
  };

  Outcome Ask(const MethodDescriptor& method, const rpc::Caller& caller, const Names& names) {
    google::protobuf::DynamicMessageFactory factory(google::protobuf::DescriptorPool::generated_pool());
    std::unique_ptr<Message> request(factory.GetPrototype(method.input_type())->New());
    filler_.Fill(method, names, *request);
    const RawResult result = suite_->CallRaw(method, caller, request->SerializeAsString());
    Outcome outcome{result.status.error_code(), absl::StrCat(result.status.error_message(), "\n", result.status.error_details()), ""};
    for (const std::string& bytes : result.responses) {
      std::unique_ptr<Message> response(factory.GetPrototype(method.output_type())->New());
      EXPECT_TRUE(response->ParseFromString(bytes));
      absl::StrAppend(&outcome.answers, response->ShortDebugString(), "\n");
    }
    return outcome;
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
  RequestFiller filler_;
};

InProcessSuite* WalkTest::suite_ = nullptr;
Names* WalkTest::existing_ = nullptr;
Names* WalkTest::missing_ = nullptr;

TEST_F(WalkTest, ToAStrangerACaseThatExistsLooksLikeOneThatDoesNot_F21) {
  const std::string before = suite_->Fingerprint((*existing_)["case"]);
  size_t walked = 0;
  for (const MethodDescriptor* method : RequestFiller::AllMethods()) {
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
  for (const MethodDescriptor* method : RequestFiller::AllMethods()) {
    if (method->client_streaming()) continue;
    for (const rpc::Caller& caller : Strangers()) {
      const Outcome outcome = Ask(*method, caller, *existing_);
      const std::string who = absl::StrCat(method->name(), " by ", caller.role, " ", caller.person);
      for (const char* canary : {kReasons, "ann@a.example", "Ann Archer", "mia@a.example", "+1 310 555 0001"}) {
        EXPECT_THAT(outcome.answers, ::testing::Not(::testing::HasSubstr(canary))) << who;
        EXPECT_THAT(outcome.text, ::testing::Not(::testing::HasSubstr(canary))) << who;
      }
      ++walked;
    }
  }
  EXPECT_GE(walked, 60u * 5u);
}

TEST_F(WalkTest, OnlyTheLeadersOfTheProgramReadReasons_F21) {
  size_t saw = 0;
  for (const MethodDescriptor* method : RequestFiller::AllMethods()) {
    if (method->client_streaming() || method->server_streaming()) continue;
    const std::string rpc = method->name();
    if (!absl::StartsWith(rpc, "Get") && !absl::StartsWith(rpc, "List") && !absl::StartsWith(rpc, "Preview")) continue;
    for (const rpc::Caller& caller : std::vector<rpc::Caller>{{"SERVICE", ""}, {"AUDITOR", ""}, {"CANDIDATE", (*existing_)["candidate"]}}) {
      EXPECT_THAT(Ask(*method, caller, *existing_).answers, ::testing::Not(::testing::HasSubstr(kReasons))) << rpc << " by " << caller.role;
    }
    if (absl::StrContains(Ask(*method, {"PROGRAM_LEADER", "consortia/c1/leaders/lea"}, *existing_).answers, kReasons)) ++saw;
  }
  EXPECT_EQ(saw, 1u) << "the leader reads them with GetReassignment, and the canary can be seen at all";
}

TEST_F(WalkTest, AnAuditorReadsNoContactData) {
  for (const MethodDescriptor* method : RequestFiller::AllMethods()) {
    if (method->client_streaming() || method->server_streaming()) continue;
    const Outcome outcome = Ask(*method, {"AUDITOR", ""}, *existing_);
    for (const char* canary : {"@a.example", "Ann Archer", "+1 310 555"}) {
      EXPECT_THAT(outcome.answers, ::testing::Not(::testing::HasSubstr(canary))) << method->name();
    }
  }
}

TEST_F(WalkTest, NothingAnswersUnimplementedAndWhoDoesNotSayWhoTheyAreIsRefused) {
  for (const MethodDescriptor* method : RequestFiller::AllMethods()) {
    EXPECT_EQ(Ask(*method, {"", ""}, *existing_).code, grpc::StatusCode::UNAUTHENTICATED) << method->name();
    EXPECT_EQ(Ask(*method, {"EMPEROR", "x"}, *existing_).code, grpc::StatusCode::UNAUTHENTICATED) << method->name();
    if (method->client_streaming()) continue;
    EXPECT_NE(Ask(*method, {"SERVICE", ""}, *missing_).code, grpc::StatusCode::UNIMPLEMENTED) << method->name();
  }
}

}  // namespace
}  // namespace rematch::suite
