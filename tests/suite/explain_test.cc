// Every hot query has an index: the three services answer every RPC and run their loops while what they ask of their stores is recorded,
// then their tables are filled and each store is asked how it would run it.
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <google/protobuf/dynamic_message.h>
#include <gtest/gtest.h>

#include "platform/errors.h"
#include "tests/explain.h"
#include "tests/suite/in_process_suite.h"
#include "tests/suite/request_filler.h"

namespace rematch::suite {
namespace {

using rematch::testing::RecordingDatabase;
using rematch::testing::Statements;

// What there are few of, however long a service runs: what an operator configures, replicas that live, positions in feeds.
const std::set<std::string> kSmall = {"consortia", "districts", "programs",      "policies",     "secrets",
                                      "cursors",   "replicas",  "feed_position", "schema_lease", "schema_migrations"};
constexpr int kRows = 4000;

class Explain : public ::testing::Test {
 protected:
  struct Store {
    sql::Database* inner = nullptr;
    std::unique_ptr<RecordingDatabase> recording;
  };

  void SetUp() override {
    ASSERT_TRUE(suite_.Start().ok());
    ASSERT_TRUE(suite_.ImportTwoPrograms().ok());
    auto names = suite_.OpenCase("consortia/c1/programs/alpha", "ann@a.example", "reasons");
    ASSERT_TRUE(names.ok()) << names.status();
    google::protobuf::DynamicMessageFactory factory(google::protobuf::DescriptorPool::generated_pool());
    // Twice: what the first time changes, the second time finds.
    for (int round = 0; round < 2; ++round) {
      for (const MethodDescriptor* method : RequestFiller::AllMethods()) {
        for (const rpc::Caller& caller : {kService, kLea, rpc::Caller{"AUDITOR", ""}, rpc::Caller{"CANDIDATE", (*names)["candidate"]}}) {
          std::unique_ptr<Message> request(factory.GetPrototype(method->input_type())->New());
          filler_.Fill(*method, *names, *request);
          suite_.CallRaw(*method, caller, request->SerializeAsString());
        }
      }
    }
  }

  void ExpectAllIsFoundByIndex(const std::string& service, size_t at_least) {
    Store& store = stores_[service];
    const Statements statements = store.recording->statements();
    EXPECT_GE(statements.size(), at_least) << "of " << service << ": else this shows little";
    const absl::Status filled = rematch::testing::Multiply(*store.inner, kRows);
    ASSERT_TRUE(filled.ok()) << filled << sql::DetailOf(filled);
    for (const std::string& slow : rematch::testing::SlowStatements(*store.inner, statements, kSmall))
      ADD_FAILURE() << service << ": " << slow;
  }

  std::map<std::string, Store> stores_;
  RequestFiller filler_;
  InProcessSuite suite_{[this](const std::string& service, sql::Database& store) -> sql::Database& {
    stores_[service] = {.inner = &store, .recording = std::make_unique<RecordingDatabase>(store)};
    return *stores_[service].recording;
  }};
};

TEST_F(Explain, NothingThatGrowsIsScannedOrSorted) {
  ExpectAllIsFoundByIndex("mentor-service", 45);
  ExpectAllIsFoundByIndex("request-service", 50);
  ExpectAllIsFoundByIndex("notify-service", 20);
}

}  // namespace
}  // namespace rematch::suite
