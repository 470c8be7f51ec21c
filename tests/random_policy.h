// A valid policy of any shape, for tests that draw one: stages of every kind, in any order and number, with every choice that one can make.
#ifndef REMATCH_TESTS_RANDOM_POLICY_H_
#define REMATCH_TESTS_RANDOM_POLICY_H_

#include <functional>
#include <string>

#include "absl/strings/str_cat.h"
#include "rematch/request/v1/resources.pb.h"

namespace rematch::testing_policy {

// `pick(n)` draws 0 to n - 1. Windows are in `unit`, up to `longest` of it.
inline request::v1::EscalationPolicy RandomPolicy(const std::function<int(int)>& pick, request::v1::Window::Unit unit, int longest) {
  using Policy = request::v1::EscalationPolicy;
  using Stage = Policy::Stage;
  const auto chance = [&](int percent) { return pick(100) < percent; };
  const auto set = [&](request::v1::Window* window, int amount) {
    window->set_unit(unit);
    window->set_amount(amount);
  };
  Policy policy;
  policy.set_display_name("drawn");
  const int stages = 1 + pick(6);
  for (int i = 0; i < stages; ++i) {
    Stage& stage = *policy.add_stages();
    stage.set_kind(static_cast<request::v1::StageKind>(1 + pick(request::v1::StageKind_MAX)));
    // A name that another policy may have as well, perhaps for a stage of another kind.
    stage.set_id(absl::StrCat("s", i));
    switch (stage.kind()) {
      case request::v1::INDIVIDUAL:
        for (int tier = 1; tier <= mentor::v1::Tier_MAX; ++tier) {
          if (stage.tiers().empty() || chance(70)) stage.add_tiers(static_cast<mentor::v1::Tier>(tier));
        }
        break;
      case request::v1::BROADCAST:
        stage.set_audience(static_cast<Stage::Audience>(pick(Stage::Audience_ARRAYSIZE)));
        break;
      case request::v1::RECOMMENDATION:
        if (chance(50)) stage.add_ask(chance(50) ? Stage::SITE_ADMINISTRATOR : Stage::DISTRICT_REPRESENTATIVE);
        break;
      case request::v1::SIGNATURES:
        stage.add_signers(Stage::CANDIDATE);
        if (chance(70)) stage.add_signers(Stage::CURRENT_MENTOR);
        break;
      case request::v1::LEADER:
        if (chance(40)) stage.set_taker(Stage::ALTERNATE_LEADER);
        break;
      default:
        break;
    }
    const bool asks =
        stage.kind() == request::v1::INDIVIDUAL || stage.kind() == request::v1::BROADCAST || stage.kind() == request::v1::RECOMMENDATION;
    if (asks || (stage.kind() != request::v1::LEADER && chance(50))) set(stage.mutable_window(), 2 + pick(longest - 1));
    if (asks && chance(60)) set(stage.add_remind_before(), 1 + pick(stage.window().amount() - 1));
  }
  set(policy.mutable_redial_after(), 1 + pick(longest));
  set(policy.mutable_task_due_after(), 1 + pick(longest));
  policy.set_k_anonymity(1 + pick(5));
  policy.set_broadcast_includes_current_mentor(chance(50));
  policy.set_without_consent(chance(50) ? Policy::DISTRICT_ONLY : Policy::NOBODY);
  if (chance(50)) {
    policy.mutable_confirmation()->set_who(static_cast<Policy::Confirmation::Who>(pick(Policy::Confirmation::Who_ARRAYSIZE)));
    policy.mutable_confirmation()->set_when(static_cast<Policy::Confirmation::When>(pick(Policy::Confirmation::When_ARRAYSIZE)));
  }
  policy.set_candidate_disclosure(static_cast<Policy::Disclosure>(pick(Policy::Disclosure_ARRAYSIZE)));
  if (chance(30)) policy.add_notices(Policy::FORMER_MENTOR);
  if (chance(30)) policy.add_notices(Policy::SITE_ADMINISTRATOR);
  if (chance(20)) {
    policy.mutable_experience()->set_mentors_now(true);
    policy.mutable_experience()->set_mentored_before(chance(50));
  }
  if (chance(20)) policy.mutable_weights()->set_free_seat(1 + pick(10));
  return policy;
}

}  // namespace rematch::testing_policy

#endif  // REMATCH_TESTS_RANDOM_POLICY_H_
