#include "request-service/domain/policy.h"

#include <fstream>
#include <functional>
#include <sstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/canonical.h"
#include "platform/errors.h"
#include "request-service/domain/reasons.h"

namespace rematch::request {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

std::string Example(const std::string& name) {
  std::ifstream file(std::string(REMATCH_SOURCE_DIR) + "/examples/policies/" + name + ".textproto");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

v1::EscalationPolicy Default() {
  absl::StatusOr<v1::EscalationPolicy> policy = ParsePolicy(Example("default"));
  EXPECT_TRUE(policy.ok()) << policy.status();
  return *policy;
}

// The policy's stages are in the policy's order, in days for use and in seconds to watch (F3, F15).
TEST(Policy, TheExamplesAreValidAndInOrder_F3_F15) {
  for (const char* name : {"default", "demo"}) {
    const absl::StatusOr<v1::EscalationPolicy> policy = ParsePolicy(Example(name));
    ASSERT_TRUE(policy.ok()) << name << ": " << policy.status();
    ASSERT_EQ(policy->stages_size(), 4);
    EXPECT_EQ(policy->stages(0).kind(), v1::INDIVIDUAL);
    EXPECT_EQ(policy->stages(1).kind(), v1::BROADCAST);
    EXPECT_EQ(policy->stages(2).kind(), v1::RECOMMENDATION);
    EXPECT_EQ(policy->stages(3).kind(), v1::LEADER);
    EXPECT_EQ(policy->stages(0).tiers_size(), 3) << "F4: three tiers";
    EXPECT_FALSE(policy->broadcast_includes_current_mentor()) << "F20";
  }
}

struct Wrong {
  const char* path;
  std::function<void(v1::EscalationPolicy&)> spoil;
};

class WrongPolicy : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongPolicy, IsNamedByItsPath) {
  v1::EscalationPolicy policy = Default();
  GetParam().spoil(policy);
  const absl::Status status = ValidatePolicy(policy);
  EXPECT_EQ(ReasonOf(status), reason::kInvalidField);
  EXPECT_THAT(std::string(status.message()), HasSubstr(std::string(GetParam().path) + " "));
}

INSTANTIATE_TEST_SUITE_P(
    Table, WrongPolicy,
    ::testing::Values(Wrong{"display_name", [](auto& p) { p.clear_display_name(); }},
                      Wrong{"display_name", [](auto& p) { p.set_display_name(std::string(201, 'x')); }},
                      Wrong{"stages", [](auto& p) { p.clear_stages(); }},
                      Wrong{"stages[0].kind", [](auto& p) { p.mutable_stages()->DeleteSubrange(0, 1); }},
                      Wrong{"stages[1].kind", [](auto& p) { p.mutable_stages(1)->set_kind(v1::STAGE_KIND_UNSPECIFIED); }},
                      Wrong{"stages[1].kind", [](auto& p) { p.mutable_stages(1)->set_kind(static_cast<v1::StageKind>(77)); }},
                      Wrong{"stages[2].kind", [](auto& p) { p.mutable_stages(2)->set_kind(v1::BROADCAST); }},
                      Wrong{"stages[1].kind", [](auto& p) { p.mutable_stages()->SwapElements(1, 3); }},
                      Wrong{"stages[0].window", [](auto& p) { p.mutable_stages(0)->clear_window(); }},
                      Wrong{"stages[0].window.amount", [](auto& p) { p.mutable_stages(0)->mutable_window()->set_amount(0); }},
                      Wrong{"stages[0].window.amount", [](auto& p) { p.mutable_stages(0)->mutable_window()->set_amount(100000); }},
                      Wrong{"stages[1].window.unit", [](auto& p) { p.mutable_stages(1)->mutable_window()->clear_unit(); }},
                      Wrong{"stages[0].remind_before[0].amount",
                            [](auto& p) { p.mutable_stages(0)->mutable_remind_before(0)->set_amount(3); }},
                      Wrong{"stages[0].remind_before[0].unit",
                            [](auto& p) { p.mutable_stages(0)->mutable_remind_before(0)->set_unit(v1::Window::SECONDS); }},
                      Wrong{"stages[0].remind_before[1].amount",
                            [](auto& p) { *p.mutable_stages(0)->add_remind_before() = p.stages(0).remind_before(0); }},
                      Wrong{"stages[0].remind_before",
                            [](auto& p) {
                              for (int i = 0; i < 10; ++i) p.mutable_stages(0)->add_remind_before();
                            }},
                      Wrong{"stages[3].window", [](auto& p) { p.mutable_stages(3)->mutable_window()->set_amount(1); }},
                      Wrong{"stages[3].remind_before", [](auto& p) { p.mutable_stages(3)->add_remind_before()->set_amount(1); }},
                      Wrong{"stages[0].tiers", [](auto& p) { p.mutable_stages(0)->clear_tiers(); }},
                      Wrong{"stages[0].tiers[3]", [](auto& p) { p.mutable_stages(0)->add_tiers(mentor::v1::TIER_INTERESTED); }},
                      Wrong{"stages[0].tiers[3]", [](auto& p) { p.mutable_stages(0)->add_tiers(mentor::v1::TIER_UNSPECIFIED); }},
                      Wrong{"stages[1].tiers", [](auto& p) { p.mutable_stages(1)->add_tiers(mentor::v1::TIER_INTERESTED); }},
                      Wrong{"redial_after", [](auto& p) { p.clear_redial_after(); }},
                      Wrong{"task_due_after.amount", [](auto& p) { p.mutable_task_due_after()->set_amount(-1); }},
                      Wrong{"k_anonymity", [](auto& p) { p.set_k_anonymity(0); }},
                      Wrong{"k_anonymity", [](auto& p) { p.set_k_anonymity(101); }},
                      Wrong{"without_consent", [](auto& p) { p.clear_without_consent(); }}));

TEST(Policy, EveryViolationIsReportedAtOnce) {
  const absl::Status status = ValidatePolicy(v1::EscalationPolicy());
  for (const char* path : {"display_name", "stages", "redial_after", "task_due_after", "k_anonymity", "without_consent"}) {
    EXPECT_THAT(std::string(status.message()), HasSubstr(path));
  }
}

TEST(Policy, ATextThatDoesNotParseIsOneLineWithItsPlace) {
  const absl::Status unknown = ParsePolicy("display_name: \"x\"\nwindows: 3\n").status();
  EXPECT_EQ(ReasonOf(unknown), reason::kBadPolicy);
  EXPECT_THAT(std::string(unknown.message()), MatchesRegex("2:[0-9]+: .*windows.*"));
  const absl::Status torn = ParsePolicy("stages { kind: INDIVIDUAL\n").status();
  EXPECT_THAT(std::string(torn.message()), MatchesRegex("[0-9]+:[0-9]+: .*"));
  EXPECT_THAT(std::string(torn.message()), Not(HasSubstr("\n")));
  EXPECT_EQ(ReasonOf(ParsePolicy("stages { kind: SOMETIME }").status()), reason::kBadPolicy);
  EXPECT_EQ(ReasonOf(ParsePolicy("").status()), reason::kInvalidField) << "an empty text parses, and says nothing";
}

TEST(Policy, TheHashNamesWhatItSays_F15) {
  const v1::EscalationPolicy policy = Default();
  EXPECT_THAT(ContentHash(policy), MatchesRegex("[0-9a-f]{64}"));
  EXPECT_EQ(ContentHash(policy), ContentHash(Default()));
  v1::EscalationPolicy edited = policy;
  edited.mutable_stages(0)->mutable_window()->set_amount(4);
  EXPECT_NE(ContentHash(edited), ContentHash(policy));
  v1::EscalationPolicy read;
  ASSERT_TRUE(read.ParseFromString(platform::CanonicalBytes(policy)));
  EXPECT_EQ(ContentHash(read), ContentHash(policy));
}

TEST(Policy, TheHashOfAKnownPolicyStaysForEver_F15) {
  // Stored cases are pinned by it: if this test fails, they would no longer find their policy.
  v1::EscalationPolicy policy;
  policy.set_display_name("a");
  policy.set_k_anonymity(3);
  EXPECT_EQ(platform::CanonicalBytes(policy), std::string("\x0a\x01"
                                                          "a\x28\x03"));
  EXPECT_EQ(ContentHash(policy), "b30d570ebd066e6540dec818d9dc5ced69df2de885351e94079e0c15086e3749");
}

}  // namespace
}  // namespace rematch::request
