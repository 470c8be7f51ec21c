#include "request-service/domain/policy.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "platform/canonical.h"
#include "platform/errors.h"
#include "platform/strings.h"
#include "platform/text_proto.h"
#include "request-service/domain/reasons.h"

namespace rematch::request {
namespace {

using v1::EscalationPolicy;
using v1::Window;

// A year of each: beyond it a number is a slip of the pen, and arithmetic on times stays far from its limits.
constexpr int kMaxDays = 366;
constexpr int kMaxWorkingDays = 260;
constexpr int kMaxWorkingHours = kMaxWorkingDays * 8;
constexpr int kMaxSeconds = kMaxDays * 24 * 60 * 60;

constexpr int kMaxReminders = 10;

void CheckWindow(const Window& window, const std::string& path, Violations& bad) {
  int most = 0;
  switch (window.unit()) {
    case Window::WORKING_DAYS:
      most = kMaxWorkingDays;
      break;
    case Window::WORKING_HOURS:
      most = kMaxWorkingHours;
      break;
    case Window::DAYS:
      most = kMaxDays;
      break;
    case Window::SECONDS:
      most = kMaxSeconds;
      break;
    default:
      bad.Add(path + ".unit", "must be WORKING_DAYS, WORKING_HOURS, DAYS or SECONDS");
      return;
  }
  if (window.amount() < 1 || window.amount() > most) bad.Add(path + ".amount", absl::StrCat("must be 1 to ", most));
}

void CheckRequired(bool present, const Window& window, const std::string& path, Violations& bad) {
  if (!present) {
    bad.Add(path, "must be set");
  } else {
    CheckWindow(window, path, bad);
  }
}

void CheckTiers(const EscalationPolicy::Stage& stage, const std::string& path, Violations& bad) {
  if (stage.kind() != v1::INDIVIDUAL) {
    if (stage.tiers_size() > 0) bad.Add(path + ".tiers", "belong to the INDIVIDUAL stage only");
    return;
  }
  if (stage.tiers_size() == 0) bad.Add(path + ".tiers", "must name at least one tier");
  std::set<int> seen;
  for (int i = 0; i < stage.tiers_size(); ++i) {
    const std::string at = absl::StrCat(path, ".tiers[", i, "]");
    if (!mentor::v1::Tier_IsValid(stage.tiers(i)) || stage.tiers(i) == mentor::v1::TIER_UNSPECIFIED) {
      bad.Add(at, "must be a known tier");
    } else if (!seen.insert(stage.tiers(i)).second) {
      bad.Add(at, "must not be named twice");
    }
  }
}

void CheckStage(const EscalationPolicy::Stage& stage, const std::string& path, Violations& bad) {
  CheckTiers(stage, path, bad);
  if (stage.kind() == v1::LEADER) {
    // Nobody answers in the last stage but the Leader, by a task.
    if (stage.has_window()) bad.Add(path + ".window", "must not be set for LEADER");
    if (stage.remind_before_size() > 0) bad.Add(path + ".remind_before", "must not be set for LEADER");
    return;
  }
  CheckRequired(stage.has_window(), stage.window(), path + ".window", bad);
  if (stage.remind_before_size() > kMaxReminders) {
    bad.Add(path + ".remind_before", absl::StrCat("must be at most ", kMaxReminders));
    return;
  }
  for (int i = 0; i < stage.remind_before_size(); ++i) {
    const std::string at = absl::StrCat(path, ".remind_before[", i, "]");
    const Window& reminder = stage.remind_before(i);
    CheckWindow(reminder, at, bad);
    if (!stage.has_window()) continue;
    if (reminder.unit() != stage.window().unit()) {
      bad.Add(at + ".unit", "must be that of the window");
    } else if (i == 0 && reminder.amount() >= stage.window().amount()) {
      bad.Add(at + ".amount", "must be less than that of the window");
    } else if (i > 0 && reminder.amount() >= stage.remind_before(i - 1).amount()) {
      bad.Add(at + ".amount", "must be less than that of the one before");
    }
  }
}

void CheckStages(const EscalationPolicy& policy, Violations& bad) {
  if (policy.stages_size() == 0) {
    bad.Add("stages", "must not be empty");
    return;
  }
  std::set<int> seen;
  for (int i = 0; i < policy.stages_size(); ++i) {
    const EscalationPolicy::Stage& stage = policy.stages(i);
    const std::string path = absl::StrCat("stages[", i, "]");
    if (!v1::StageKind_IsValid(stage.kind()) || stage.kind() == v1::STAGE_KIND_UNSPECIFIED) {
      bad.Add(path + ".kind", "must be a known kind");
      continue;
    }
    if (!seen.insert(stage.kind()).second) bad.Add(path + ".kind", "must not come twice");
    if (i == 0 && stage.kind() != v1::INDIVIDUAL) bad.Add(path + ".kind", "must be INDIVIDUAL: the first are asked in confidence");
    if (stage.kind() == v1::LEADER && i + 1 != policy.stages_size()) bad.Add(path + ".kind", "LEADER must be the last");
    CheckStage(stage, path, bad);
  }
}

}  // namespace

absl::Status ValidatePolicy(const EscalationPolicy& policy) {
  Violations bad;
  if (policy.display_name().empty() || policy.display_name().size() > 200) bad.Add("display_name", "must be 1 to 200 bytes");
  CheckStages(policy, bad);
  CheckRequired(policy.has_redial_after(), policy.redial_after(), "redial_after", bad);
  CheckRequired(policy.has_task_due_after(), policy.task_due_after(), "task_due_after", bad);
  if (policy.k_anonymity() < 1 || policy.k_anonymity() > 100) bad.Add("k_anonymity", "must be 1 to 100");
  if (policy.without_consent() != EscalationPolicy::DISTRICT_ONLY && policy.without_consent() != EscalationPolicy::NOBODY) {
    bad.Add("without_consent", "must be DISTRICT_ONLY or NOBODY");
  }
  return bad.empty() ? absl::OkStatus() : bad.ToStatus();
}

std::string ContentHash(const EscalationPolicy& policy) { return platform::HexHash(platform::CanonicalBytes(policy)); }

absl::StatusOr<EscalationPolicy> ParsePolicy(std::string_view text) {
  EscalationPolicy policy;
  REMATCH_RETURN_IF_ERROR(platform::ParseTextProto(text, reason::kBadPolicy, policy));
  REMATCH_RETURN_IF_ERROR(ValidatePolicy(policy));
  return policy;
}

}  // namespace rematch::request
