// What examples/client hands to other engineers does what its README says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "demo/process.h"
#include "tests/scenario/scenario_kit.h"

namespace rematch::scenario {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

enum class Language { kCpp, kPython };

class ExampleClient : public testing::TestWithParam<Language> {
 protected:
  void SetUp() override {
    auto stage = Prepare(
        {.bin_dir = BinDir(), .work_dir = folder_.path(), .policy = folder_.Write("policy", PolicyInSeconds{.individual = 60}.Text())},
        roster_);
    ASSERT_TRUE(stage.ok()) << stage.status();
    stage_ = *std::move(stage);
  }
  demo::Finished Run(const std::string& candidate) {
    const std::string folder = absl::StrCat(SourceDir(), "/examples/client");
    const std::string address = stage_.suite->address(demo::Part::kRequest);
    const std::string leader = absl::StrCat(kConsortium, "/leaders/rosa");
    auto finished =
        GetParam() == Language::kCpp
            ? demo::Run(
                  {absl::StrCat(BinDir(), "/example_client"), address, leader, candidate, absl::StrCat(folder, "/service_config.json")}, {},
                  absl::Seconds(60))
            : demo::Run({"/usr/bin/python3", absl::StrCat(folder, "/client.py"), address, leader, candidate},
                        {absl::StrCat("PYTHONPATH=", REMATCH_BINARY_DIR, "/python"), "PYTHONDONTWRITEBYTECODE=1"}, absl::Seconds(60));
    EXPECT_TRUE(finished.ok()) << finished.status();
    return finished.value_or(demo::Finished());
  }

  WorkFolder folder_;
  const SmallRoster roster_{};
  Stage stage_;
};

TEST_P(ExampleClient, OpensACaseWatchesItAndReviewsTheReasons) {
  const std::string candidate = stage_.Candidate(roster_);
  const demo::Finished finished = Run(candidate);
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  const std::vector<std::string> lines = absl::StrSplit(absl::StripTrailingAsciiWhitespace(finished.out), '\n');
  EXPECT_THAT(lines.front(), StartsWith(absl::StrCat("case ", candidate.substr(0, candidate.find("/candidates/")), "/reassignments/")));
  EXPECT_THAT(finished.out, AllOf(HasSubstr("REVIEW, 1 open tasks\n"), HasSubstr("reviewed: go on\n")));
  EXPECT_THAT(lines.back(), StartsWith("SEARCHING, "));
  // Asked again, it finds the case that is open.
  const demo::Finished again = Run(candidate);
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.out, StartsWith(lines.front()));
}

TEST_P(ExampleClient, SaysWhyItIsRefused) {
  const std::string real = stage_.Candidate(roster_);
  const demo::Finished missing = Run(absl::StrCat(real.substr(0, real.rfind('/')), "/0195a1b2-0000-7000-8000-0000000000ff"));
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.err, HasSubstr("NOT_FOUND NOT_FOUND: "));
  const demo::Finished malformed = Run("somebody");
  EXPECT_EQ(malformed.exit_code, 1);
  EXPECT_THAT(malformed.err, AllOf(HasSubstr("INVALID_ARGUMENT INVALID_FIELD: "), HasSubstr("\n  candidate: ")));
}

INSTANTIATE_TEST_SUITE_P(Languages, ExampleClient, testing::Values(Language::kCpp, Language::kPython),
                         [](const auto& language) { return language.param == Language::kCpp ? "cpp" : "python"; });

}  // namespace
}  // namespace rematch::scenario
