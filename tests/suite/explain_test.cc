// Every hot query has an index: the three services answer every RPC and run their loops while what they ask of their stores is recorded,
// then their tables are filled and each store is asked how it would run it.
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <google/protobuf/dynamic_message.h>
#include <gtest/gtest.h>

#include "mentor-service/store/store.h"
#include "tests/explain.h"
#include "tests/sql_kit.h"
#include "tests/suite/in_process_suite.h"
#include "tests/suite/request_filler.h"

namespace rematch::suite {
namespace {

using rematch::testing::RecordingDatabase;
using rematch::testing::Statements;

// What there are few of, however long a service runs: what an operator configures, replicas that live, positions in feeds.
const std::set<std::string> kSmall = {
    "consortia", "districts", "programs",      "policies",     "calendars",         "program_policies",          "secrets",
    "cursors",   "replicas",  "feed_position", "schema_lease", "schema_migrations", "program_template_versions", "mentor_writes"};
constexpr int kRows = 6000;

// What looks at more of a service's rows than a page of a list, and why it may.
using Allowed = std::map<std::string, std::string>;
const Allowed kMentorMayReadAll = {
    {"WHERE p.consortium = ? AND p.program = ?", "the members of a program, whom later rankings find in memory"},
    {"SELECT candidate, program, email FROM candidates WHERE consortium = ? AND program IN (?, ?)",
     "an import looks who of a program has its addresses: there are few a year"},
    {"WHERE t.consortium = ? AND t.kind = ? AND t.internal_id IN (?)",
     "an import gives a new id to somebody who is found by their address: whether a file has named them"},
};

const Allowed kNotifyMayReadAll = {
    {"FROM program_templates WHERE consortium = ? AND program = ?", "a program has one row for each kind of message at most"},
};

class Explain : public ::testing::Test {
 protected:
  struct Store {
    sql::Database* inner = nullptr;
    std::string replica;  // whose work is whose; mentor-service has none
    std::unique_ptr<RecordingDatabase> recording;
  };

  void SetUp() override {
    ASSERT_TRUE(suite_.Start().ok());
    ASSERT_TRUE(suite_.ImportTwoPrograms().ok());
    auto names = suite_.OpenCase("consortia/c1/programs/alpha", "ann@a.example", "reasons");
    ASSERT_TRUE(names.ok()) << names.status();
    google::protobuf::DynamicMessageFactory factory(google::protobuf::DescriptorPool::generated_pool());
    const absl::Status again = suite_.ImportTwoPrograms("again");
    ASSERT_TRUE(again.ok()) << again;
    // A file that gives a mentor another id.
    mentor::ImportRoster renames;
    auto& row = *renames.rows.emplace_back().mutable_mentor();
    row.set_id("a new id");
    row.mutable_contact()->set_email("mia@a.example");
    const absl::Status named = stores_["mentor-service"].recording->Read([&renames](sql::Transaction& tx) {
      mentor::Wants wants;
      wants.import = &renames;
      return mentor::store::Load(tx, "c1", std::move(wants), mentor::store::Locks::kNone).status();
    });
    ASSERT_TRUE(named.ok()) << named;
    // Nobody of the suite leads two programs.
    const absl::Status of_two = stores_["mentor-service"].recording->Read([](sql::Transaction& tx) {
      const mentor::store::AssignmentFilter two = {.candidate = "", .mentor = "", .programs = std::vector<std::string>{"alpha", "beta"}};
      return mentor::store::ListAssignments(tx, "c1", two, {}, 2).status();
    });
    ASSERT_TRUE(of_two.ok()) << of_two;
    // Twice: what the first time changes, the second time finds.
    for (int round = 0; round < 2; ++round) {
      for (const MethodDescriptor* method : RequestFiller::AllMethods()) {
        for (const rpc::Caller& caller : {kService, kLea, rpc::Caller{"AUDITOR", ""}, rpc::Caller{"CANDIDATE", (*names)["candidate"]}}) {
          std::unique_ptr<Message> request(factory.GetPrototype(method->input_type())->New());
          filler_.Fill(*method, *names, *request);
          for (const std::string& one : Variants(*method, *request)) suite_.CallRaw(*method, caller, one);
        }
      }
    }
  }

  // The request; of a list also with none of its filters, and with each of them alone.
  static std::vector<std::string> Variants(const MethodDescriptor& method, const Message& request) {
    std::vector<std::string> variants = {request.SerializeAsString()};
    if (!method.name().starts_with("List")) return variants;
    const google::protobuf::Reflection& reflection = *request.GetReflection();
    const google::protobuf::Descriptor& type = *request.GetDescriptor();
    for (int kept = 0; kept < type.field_count(); ++kept) {
      const std::unique_ptr<Message> variant(request.New());
      variant->CopyFrom(request);
      for (int i = 0; i < type.field_count(); ++i) {
        const FieldDescriptor& field = *type.field(i);
        if (i != kept && field.name() != "parent") reflection.ClearField(variant.get(), &field);
        if (i == kept && field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL) reflection.SetBool(variant.get(), &field, true);
      }
      variants.push_back(variant->SerializeAsString());
    }
    return variants;
  }

  // Once nothing runs any more that would work on the rows.
  void ExpectAllIsFoundByIndex(const std::string& service, size_t at_least, const Allowed& allowed) {
    Store& store = stores_[service];
    const Statements statements = store.recording->statements();
    EXPECT_GE(statements.size(), at_least) << "of " << service << ": else this shows little";
    rematch::testing::Multiply(*store.inner, kRows, kSmall, {{"consortium", "c1"}, {"program", "alpha"}, {"owner", store.replica}});
    for (const std::string& slow : rematch::testing::SlowStatements(*store.inner, statements, kSmall, allowed))
      ADD_FAILURE() << service << ": " << slow;
  }

  std::map<std::string, Store> stores_;
  RequestFiller filler_;
  InProcessSuite suite_{[this](const std::string& service, sql::Database& store) -> sql::Database& {
    stores_[service] = {.inner = &store, .replica = "", .recording = std::make_unique<RecordingDatabase>(store)};
    return *stores_[service].recording;
  }};
};

TEST_F(Explain, NothingThatGrowsIsScannedSortedOrReadPastWhatIsFound) {
  for (const char* service : {"request-service", "notify-service"}) {
    const auto replicas = rematch::testing::Query(*stores_[service].inner, "SELECT replica FROM replicas");
    ASSERT_EQ(replicas.size(), 1u) << service;
    stores_[service].replica = replicas[0].Text(0);
  }
  suite_.Drain();
  ExpectAllIsFoundByIndex("mentor-service", 45, kMentorMayReadAll);
  ExpectAllIsFoundByIndex("request-service", 50, {});
  ExpectAllIsFoundByIndex("notify-service", 20, kNotifyMayReadAll);
}

}  // namespace
}  // namespace rematch::suite
