// An independent client, python3-grpcio with stubs made from the published protos, walks case (a).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "demo/process.h"
#include "tests/scenario/scenario_kit.h"

namespace rematch::scenario {
namespace {

class ForeignClient : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(On, ForeignClient, testing::Bool(), Stores::Name);

TEST_P(ForeignClient, InPythonWalksCaseA) {
  const Stores stores(GetParam());
  WorkFolder folder;
  const SmallRoster roster;
  auto stage = Prepare(
      stores.Under({.bin_dir = BinDir(), .work_dir = folder.path(), .policy = folder.Write("policy", PolicyInSeconds().Text())}), roster);
  ASSERT_TRUE(stage.ok()) << stage.status();
  demo::Suite& suite = *stage->suite;
  auto walked = demo::Run({"/usr/bin/python3", absl::StrCat(SourceDir(), "/tests/scenario/walk_case_a.py"), "--stubs",
                           absl::StrCat(REMATCH_BINARY_DIR, "/python"), "--mentor", suite.address(demo::Part::kMentor), "--request",
                           suite.address(demo::Part::kRequest), "--notify", suite.address(demo::Part::kNotify), "--mail", suite.mail_dir(),
                           "--consortium", kConsortium, "--candidate-email", roster.CandidateEmail(0)},
                          {"PYTHONDONTWRITEBYTECODE=1"}, absl::Seconds(120));
  ASSERT_TRUE(walked.ok()) << walked.status();
  EXPECT_EQ(walked->exit_code, 0) << walked->out << walked->err;
  EXPECT_THAT(walked->out, testing::HasSubstr("told"));
}

}  // namespace
}  // namespace rematch::scenario
