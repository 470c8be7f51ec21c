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
using Stage = v1::EscalationPolicy::Stage;

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
                      Wrong{"stages",
                            [](auto& p) {
                              for (int i = 0; i < 200; ++i) *p.add_stages() = p.stages(3);
                            }},
                      Wrong{"stages[1].kind", [](auto& p) { p.mutable_stages(1)->set_kind(v1::STAGE_KIND_UNSPECIFIED); }},
                      Wrong{"stages[1].kind", [](auto& p) { p.mutable_stages(1)->set_kind(static_cast<v1::StageKind>(77)); }},
                      Wrong{"stages[2].id", [](auto& p) { p.mutable_stages(2)->set_kind(v1::BROADCAST); }},
                      Wrong{"stages[2].id", [](auto& p) { p.mutable_stages(2)->set_id("broadcast"); }},
                      Wrong{"stages[0].id", [](auto& p) { p.mutable_stages(0)->set_id("In Confidence"); }},
                      Wrong{"stages[0].id", [](auto& p) { p.mutable_stages(0)->set_id(std::string(41, 'x')); }},
                      Wrong{"stages[0].audience", [](auto& p) { p.mutable_stages(0)->set_audience(Stage::ALL_MENTORS); }},
                      Wrong{"stages[1].audience", [](auto& p) { p.mutable_stages(1)->set_audience(static_cast<Stage::Audience>(9)); }},
                      Wrong{"stages[1].ask", [](auto& p) { p.mutable_stages(1)->add_ask(Stage::SITE_ADMINISTRATOR); }},
                      Wrong{"stages[2].ask[0]", [](auto& p) { p.mutable_stages(2)->add_ask(Stage::ADVISER_UNSPECIFIED); }},
                      Wrong{"stages[2].ask[1]",
                            [](auto& p) {
                              p.mutable_stages(2)->add_ask(Stage::SITE_ADMINISTRATOR);
                              p.mutable_stages(2)->add_ask(Stage::SITE_ADMINISTRATOR);
                            }},
                      Wrong{"stages[3].signers", [](auto& p) { p.mutable_stages(3)->add_signers(Stage::CANDIDATE); }},
                      Wrong{"stages[4].signers", [](auto& p) { p.add_stages()->set_kind(v1::SIGNATURES); }},
                      Wrong{"stages[4].remind_before",
                            [](auto& p) {
                              p.add_stages()->set_kind(v1::MEDIATION);
                              *p.mutable_stages(4)->add_remind_before() = p.redial_after();
                            }},
                      Wrong{"stages[4].window.amount",
                            [](auto& p) {
                              p.add_stages()->set_kind(v1::MEDIATION);
                              p.mutable_stages(4)->mutable_window()->set_unit(v1::Window::DAYS);
                            }},
                      Wrong{"stages[2].taker", [](auto& p) { p.mutable_stages(2)->set_taker(Stage::ALTERNATE_LEADER); }},
                      Wrong{"stages[3].taker", [](auto& p) { p.mutable_stages(3)->set_taker(static_cast<Stage::Taker>(9)); }},
                      Wrong{"confirmation.who",
                            [](auto& p) { p.mutable_confirmation()->set_who(static_cast<v1::EscalationPolicy::Confirmation::Who>(9)); }},
                      Wrong{"confirmation.when",
                            [](auto& p) { p.mutable_confirmation()->set_when(static_cast<v1::EscalationPolicy::Confirmation::When>(9)); }},
                      Wrong{"candidate_disclosure",
                            [](auto& p) { p.set_candidate_disclosure(static_cast<v1::EscalationPolicy::Disclosure>(9)); }},
                      Wrong{"notices[0]", [](auto& p) { p.add_notices(v1::EscalationPolicy::NOTICE_UNSPECIFIED); }},
                      Wrong{"notices[1]",
                            [](auto& p) {
                              p.add_notices(v1::EscalationPolicy::FORMER_MENTOR);
                              p.add_notices(v1::EscalationPolicy::FORMER_MENTOR);
                            }},
                      Wrong{"request_seasons[0].first", [](auto& p) { p.add_request_seasons()->set_last("10-31"); }},
                      Wrong{"request_seasons[0].first",
                            [](auto& p) {
                              p.add_request_seasons()->set_first("9-15 ");
                              p.mutable_request_seasons(0)->set_last("10-31");
                            }},
                      Wrong{"request_seasons[0].last",
                            [](auto& p) {
                              p.add_request_seasons()->set_first("09-01");
                              p.mutable_request_seasons(0)->set_last("02-30");
                            }},
                      Wrong{"request_seasons",
                            [](auto& p) {
                              for (int i = 0; i < 21; ++i) p.add_request_seasons();
                            }},
                      Wrong{"experience", [](auto& p) { p.mutable_experience()->set_min_years_mentored(1); }},
                      Wrong{"experience.min_years_mentored", [](auto& p) { p.mutable_experience()->set_min_years_mentored(61); }},
                      Wrong{"weights", [](auto& p) { p.mutable_weights(); }},
                      Wrong{"weights.subject", [](auto& p) { p.mutable_weights()->set_subject(-1); }},
                      Wrong{"weights.free_seat", [](auto& p) { p.mutable_weights()->set_free_seat(1001); }},
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

// Other programs' policies: what each is known for.
TEST(Policy, TheOtherExamplesSayWhatTheirNamesSay_F15) {
  const auto example = [](const std::string& name) {
    const absl::StatusOr<v1::EscalationPolicy> policy = ParsePolicy(Example(name));
    EXPECT_TRUE(policy.ok()) << name << ": " << policy.status();
    return policy.value_or(v1::EscalationPolicy());
  };
  EXPECT_EQ(example("mediation_first").stages(0).kind(), v1::MEDIATION);
  const v1::EscalationPolicy request = example("signed_request");
  EXPECT_EQ(request.stages(0).kind(), v1::SIGNATURES);
  EXPECT_EQ(request.stages(0).signers_size(), 2);
  EXPECT_GT(request.request_seasons_size(), 0);
  EXPECT_EQ(example("with_notices").notices_size(), 2);
}

TEST(Policy, StagesMayComeInAnyOrderAndTwiceUnderNamesOfTheirOwn_F15) {
  v1::EscalationPolicy policy = Default();
  policy.mutable_stages()->SwapElements(0, 3);
  *policy.add_stages() = policy.stages(1);
  policy.mutable_stages(4)->set_id("second-call");
  EXPECT_TRUE(ValidatePolicy(policy).ok()) << ValidatePolicy(policy);
  EXPECT_EQ(FindStage(policy, "second-call"), 4);
  EXPECT_EQ(FindStage(policy, "individual"), 3);
  EXPECT_EQ(FindStage(policy, "nowhere"), policy.stages_size());
}

TEST(Policy, ASeasonIsOfEveryYearAndMayGoOverItsEnd_F1) {
  v1::EscalationPolicy policy;
  const absl::CivilDay day(2026, 6, 15);
  EXPECT_TRUE(TakesRequests(policy, day)) << "no season: at any time";
  policy.add_request_seasons()->set_first("11-20");
  policy.mutable_request_seasons(0)->set_last("02-29");
  EXPECT_FALSE(TakesRequests(policy, day));
  EXPECT_EQ(NextRequestDay(policy, day), absl::CivilDay(2026, 11, 20));
  EXPECT_TRUE(TakesRequests(policy, absl::CivilDay(2026, 12, 31)));
  EXPECT_TRUE(TakesRequests(policy, absl::CivilDay(2027, 1, 1)));
  EXPECT_TRUE(TakesRequests(policy, absl::CivilDay(2027, 3, 1))) << "29 February of a year that has none";
  EXPECT_FALSE(TakesRequests(policy, absl::CivilDay(2027, 3, 2)));
  EXPECT_FALSE(TakesRequests(policy, absl::CivilDay(2028, 3, 1)));
}

TEST(Policy, DifferencesAreToldByTheNamesOfStages_F15) {
  const v1::EscalationPolicy before = Default();
  EXPECT_THAT(Differences(before, before), ::testing::IsEmpty());
  v1::EscalationPolicy after = before;
  after.mutable_stages()->SwapElements(1, 2);
  after.mutable_stages(0)->mutable_window()->set_amount(4);
  after.mutable_stages(2)->clear_remind_before();
  after.add_notices(v1::EscalationPolicy::FORMER_MENTOR);
  after.mutable_confirmation()->set_when(v1::EscalationPolicy::Confirmation::BEFORE_ASKING);
  std::vector<std::string> said;
  for (const v1::PolicyDifference& one : Differences(before, after))
    said.push_back(one.path() + ": " + one.before() + " -> " + one.after());
  EXPECT_THAT(
      said, ::testing::ElementsAre("stages: individual, broadcast, recommendation, leader -> individual, recommendation, broadcast, leader",
                                   "stages[individual].window: 3 WORKING_DAYS -> 4 WORKING_DAYS", "confirmation.when:  -> BEFORE_ASKING",
                                   "notices:  -> FORMER_MENTOR", "stages[broadcast].remind_before: 1 WORKING_DAY -> "));
}

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
