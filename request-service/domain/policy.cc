#include "request-service/domain/policy.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <google/protobuf/text_format.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
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
constexpr int kMaxStages = 200;
constexpr int kMaxSeasons = 20;
constexpr int kMaxConcern = 4;  // of 5: who is content has none

void CheckRequired(bool present, const Window& window, const std::string& path, Violations& bad) {
  if (!present) {
    bad.Add(path, "must be set");
  } else {
    CheckWindow(bad, path, window);
  }
}

// What only one kind of stage has; `set`: whether this one has it.
void CheckOnlyOf(v1::StageKind kind, const EscalationPolicy::Stage& stage, bool set, const std::string& path, Violations& bad) {
  if (set && stage.kind() != kind) bad.Add(path, absl::StrCat("belongs to the ", v1::StageKind_Name(kind), " stage only"));
}

// Each of them a value that `valid` knows, none twice.
template <typename Values, typename IsValid>
void CheckNamed(const Values& values, const std::string& path, std::string_view what, IsValid valid, Violations& bad) {
  std::set<int> seen;
  for (int i = 0; i < values.size(); ++i) {
    const std::string at = absl::StrCat(path, "[", i, "]");
    if (values[i] == 0 || !valid(values[i])) {
      bad.Add(at, absl::StrCat("must be ", ToAbsl(what)));
    } else if (!seen.insert(values[i]).second) {
      bad.Add(at, "must not be named twice");
    }
  }
}

void CheckParts(const EscalationPolicy::Stage& stage, const std::string& path, Violations& bad) {
  using Stage = EscalationPolicy::Stage;
  CheckOnlyOf(v1::INDIVIDUAL, stage, stage.tiers_size() > 0, path + ".tiers", bad);
  CheckOnlyOf(v1::BROADCAST, stage, stage.audience() != 0, path + ".audience", bad);
  CheckOnlyOf(v1::RECOMMENDATION, stage, stage.ask_size() > 0, path + ".ask", bad);
  CheckOnlyOf(v1::SIGNATURES, stage, stage.signers_size() > 0, path + ".signers", bad);
  CheckOnlyOf(v1::LEADER, stage, stage.taker() != 0, path + ".taker", bad);
  switch (stage.kind()) {
    case v1::INDIVIDUAL:
      if (stage.tiers_size() == 0) bad.Add(path + ".tiers", "must name at least one tier");
      CheckNamed(stage.tiers(), path + ".tiers", "a known tier", mentor::v1::Tier_IsValid, bad);
      break;
    case v1::BROADCAST:
      if (!Stage::Audience_IsValid(stage.audience())) bad.Add(path + ".audience", "must be a known audience");
      break;
    case v1::RECOMMENDATION:
      CheckNamed(stage.ask(), path + ".ask", "SITE_ADMINISTRATOR or DISTRICT_REPRESENTATIVE", Stage::Adviser_IsValid, bad);
      break;
    case v1::SIGNATURES:
      if (stage.signers_size() == 0) bad.Add(path + ".signers", "must name at least one");
      CheckNamed(stage.signers(), path + ".signers", "CANDIDATE, CURRENT_MENTOR or PROGRAM_LEADER", Stage::Signer_IsValid, bad);
      break;
    case v1::LEADER:
      if (!Stage::Taker_IsValid(stage.taker())) bad.Add(path + ".taker", "must be ACTING_LEADER or ALTERNATE_LEADER");
      break;
    default:
      break;
  }
}

void CheckReminders(const EscalationPolicy::Stage& stage, const std::string& path, Violations& bad) {
  if (stage.remind_before_size() > kMaxReminders) {
    bad.Add(path, absl::StrCat("must be at most ", kMaxReminders));
    return;
  }
  for (int i = 0; i < stage.remind_before_size(); ++i) {
    const std::string at = absl::StrCat(path, "[", i, "]");
    const Window& reminder = stage.remind_before(i);
    CheckWindow(bad, at, reminder);
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

void CheckStage(const EscalationPolicy::Stage& stage, const std::string& path, Violations& bad) {
  CheckParts(stage, path, bad);
  const std::string window = path + ".window";
  const std::string reminders = path + ".remind_before";
  switch (stage.kind()) {
    case v1::LEADER:
      // Nobody answers but the Leader, by a task.
      if (stage.has_window()) bad.Add(window, "must not be set for LEADER");
      if (stage.remind_before_size() > 0) bad.Add(reminders, "must not be set for LEADER");
      break;
    case v1::MEDIATION:
    case v1::SIGNATURES:
      if (stage.has_window()) CheckWindow(bad, window, stage.window());
      if (stage.remind_before_size() > 0) bad.Add(reminders, absl::StrCat("must not be set for ", v1::StageKind_Name(stage.kind())));
      break;
    default:
      CheckRequired(stage.has_window(), stage.window(), window, bad);
      CheckReminders(stage, reminders, bad);
  }
}

bool IsStageId(std::string_view id) {
  return id.size() <= kMaxStageId && std::all_of(id.begin(), id.end(), [](char c) {
           return absl::ascii_islower(static_cast<unsigned char>(c)) || absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '-';
         });
}

void CheckStages(const EscalationPolicy& policy, Violations& bad) {
  if (policy.stages_size() == 0) bad.Add("stages", "must not be empty");
  if (policy.stages_size() > kMaxStages) {
    bad.Add("stages", absl::StrCat("must be at most ", kMaxStages));
    return;
  }
  std::set<std::string> seen;
  for (int i = 0; i < policy.stages_size(); ++i) {
    const EscalationPolicy::Stage& stage = policy.stages(i);
    const std::string path = absl::StrCat("stages[", i, "]");
    if (!v1::StageKind_IsValid(stage.kind()) || stage.kind() == v1::STAGE_KIND_UNSPECIFIED) {
      bad.Add(path + ".kind", "must be a known kind");
      continue;
    }
    if (!IsStageId(stage.id())) {
      bad.Add(path + ".id", "must be at most 40 of a-z, 0-9 and -");
    } else if (!seen.insert(StageId(stage)).second) {
      bad.Add(path + ".id", absl::StrCat("must be set, and another: a stage before is called ", StageId(stage)));
    }
    CheckStage(stage, path, bad);
  }
}

// A day of a year that has all of them; nothing for what is none.
std::optional<absl::CivilDay> DayOfYear(const std::string& text, absl::civil_year_t year) {
  absl::CivilDay day;
  // Read as of a leap year, so that 29 February can be named; in the years between it is 1 March.
  const bool looks_right = text.size() == 5 && absl::ascii_isdigit(static_cast<unsigned char>(text[0])) &&
                           absl::ascii_isdigit(static_cast<unsigned char>(text[1])) && text[2] == '-' &&
                           absl::ascii_isdigit(static_cast<unsigned char>(text[3])) &&
                           absl::ascii_isdigit(static_cast<unsigned char>(text[4]));
  if (!looks_right || !absl::ParseCivilTime("2000-" + text, &day)) return std::nullopt;
  return absl::CivilDay(year, day.month(), day.day());
}

void CheckSeasons(const EscalationPolicy& policy, Violations& bad) {
  if (policy.request_seasons_size() > kMaxSeasons) {
    bad.Add("request_seasons", absl::StrCat("must be at most ", kMaxSeasons));
    return;
  }
  for (int i = 0; i < policy.request_seasons_size(); ++i) {
    const EscalationPolicy::Season& season = policy.request_seasons(i);
    const std::string path = absl::StrCat("request_seasons[", i, "]");
    if (!DayOfYear(season.first(), 2000).has_value()) bad.Add(path + ".first", "must be a day of the year, such as 09-01");
    if (!DayOfYear(season.last(), 2000).has_value()) bad.Add(path + ".last", "must be a day of the year, such as 10-31");
  }
}

// As mentor-service takes them: what it would refuse is refused when the policy is read.
void CheckRanking(const EscalationPolicy& policy, Violations& bad) {
  constexpr int kMaxYears = 60;
  constexpr int kMaxPoints = 1000;
  const mentor::v1::Experience& experience = policy.experience();
  if (policy.has_experience() && !experience.mentors_now() && !experience.mentored_before()) {
    bad.Add("experience", "must name who counts as experienced");
  }
  if (experience.min_years_mentored() < 0 || experience.min_years_mentored() > kMaxYears) {
    bad.Add("experience.min_years_mentored", absl::StrCat("must be 0 to ", kMaxYears));
  }
  const mentor::v1::RankingWeights& weights = policy.weights();
  bool any = false;
  for (const auto& [name, points] : {std::pair("credential", weights.credential()), std::pair("grade_band", weights.grade_band()),
                                     std::pair("subject", weights.subject()), std::pair("same_district", weights.same_district()),
                                     std::pair("free_seat", weights.free_seat())}) {
    if (points < 0 || points > kMaxPoints) bad.Add(absl::StrCat("weights.", name), absl::StrCat("must be 0 to ", kMaxPoints));
    any |= points != 0;
  }
  if (policy.has_weights() && !any) bad.Add("weights", "must give something points");
}

void CheckChoices(const EscalationPolicy& policy, Violations& bad) {
  if (policy.without_consent() != EscalationPolicy::DISTRICT_ONLY && policy.without_consent() != EscalationPolicy::NOBODY) {
    bad.Add("without_consent", "must be DISTRICT_ONLY or NOBODY");
  }
  if (!EscalationPolicy::Confirmation::Who_IsValid(policy.confirmation().who())) {
    bad.Add("confirmation.who", "must be ACTING_LEADER or ALTERNATE");
  }
  if (!EscalationPolicy::Confirmation::When_IsValid(policy.confirmation().when())) {
    bad.Add("confirmation.when", "must be AFTER_THEIR_YES or BEFORE_ASKING");
  }
  if (!EscalationPolicy::Disclosure_IsValid(policy.candidate_disclosure())) {
    bad.Add("candidate_disclosure", "must be AFTER_AGREED_CALL, WITH_PROPOSAL or WITH_FIRST_APPROACH");
  }
  CheckNamed(policy.notices(), "notices", "FORMER_MENTOR or SITE_ADMINISTRATOR", EscalationPolicy::Notice_IsValid, bad);
}

// Whether `day` is in it, in the year in which it begins or the one before.
bool IsIn(const EscalationPolicy::Season& season, absl::CivilDay day) {
  for (const absl::civil_year_t year : {day.year(), day.year() - 1}) {
    const absl::CivilDay first = *DayOfYear(season.first(), year);
    const absl::CivilDay last = *DayOfYear(season.last(), season.last() < season.first() ? year + 1 : year);
    if (first <= day && day <= last) return true;
  }
  return false;
}

Violations WrongWith(const EscalationPolicy& policy) {
  Violations bad;
  if (policy.display_name().empty() || policy.display_name().size() > 200) bad.Add("display_name", "must be 1 to 200 bytes");
  CheckStages(policy, bad);
  CheckRequired(policy.has_redial_after(), policy.redial_after(), "redial_after", bad);
  CheckRequired(policy.has_task_due_after(), policy.task_due_after(), "task_due_after", bad);
  if (policy.k_anonymity() < 1 || policy.k_anonymity() > 100) bad.Add("k_anonymity", "must be 1 to 100");
  CheckChoices(policy, bad);
  CheckSeasons(policy, bad);
  CheckRanking(policy, bad);
  if (policy.concern_at_or_below() < 0 || policy.concern_at_or_below() > kMaxConcern) {
    bad.Add("concern_at_or_below", absl::StrCat("must be 0 to ", kMaxConcern));
  }
  if (policy.has_check_in_after()) CheckWindow(bad, "check_in_after", policy.check_in_after());
  return bad;
}

// --- Differences: a policy as lines of what it says, by their path.

using Lines = std::vector<std::pair<std::string, std::string>>;

std::string WordsOf(const google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field, int index) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  if (field.type() == google::protobuf::FieldDescriptor::TYPE_MESSAGE) {
    const google::protobuf::Message& value =
        index < 0 ? reflection.GetMessage(message, &field) : reflection.GetRepeatedMessage(message, &field, index);
    if (const auto* window = google::protobuf::DynamicCastToGenerated<Window>(&value)) {
      const std::string& unit = Window::Unit_Name(window->unit());
      return absl::StrCat(window->amount(), " ", window->amount() == 1 ? absl::StripSuffix(unit, "S") : absl::string_view(unit));
    }
    if (const auto* season = google::protobuf::DynamicCastToGenerated<EscalationPolicy::Season>(&value)) {
      return absl::StrCat(season->first(), " to ", season->last());
    }
    return value.ShortDebugString();
  }
  std::string words;
  google::protobuf::TextFormat::PrintFieldValueToString(message, &field, index, &words);
  return std::string(absl::StripPrefix(absl::StripSuffix(words, "\""), "\""));
}

void AddLines(const google::protobuf::Message& message, const std::string& prefix, Lines& lines) {
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const google::protobuf::FieldDescriptor* field : fields) {
    const std::string path = prefix + field->name();
    if (field->message_type() == EscalationPolicy::Stage::descriptor()) {
      const auto& policy = static_cast<const EscalationPolicy&>(message);
      std::vector<std::string> order;
      for (const EscalationPolicy::Stage& stage : policy.stages()) order.push_back(StageId(stage));
      lines.emplace_back(path, absl::StrJoin(order, ", "));
      for (const EscalationPolicy::Stage& stage : policy.stages()) {
        AddLines(stage, absl::StrCat(path, "[", StageId(stage), "]."), lines);
      }
    } else if (field->is_repeated()) {
      std::vector<std::string> values;
      for (int i = 0; i < message.GetReflection()->FieldSize(message, field); ++i) values.push_back(WordsOf(message, *field, i));
      lines.emplace_back(path, absl::StrJoin(values, ", "));
    } else if (field->type() == google::protobuf::FieldDescriptor::TYPE_MESSAGE && field->message_type() != Window::descriptor()) {
      AddLines(message.GetReflection()->GetMessage(message, field), path + ".", lines);
    } else if (field->name() != "id") {  // it stands in the path
      lines.emplace_back(path, WordsOf(message, *field, -1));
    }
  }
}

}  // namespace

absl::Status ValidatePolicy(const EscalationPolicy& policy) {
  const Violations bad = WrongWith(policy);
  return bad.empty() ? absl::OkStatus() : bad.ToStatus();
}

void CheckPolicy(Violations& bad, std::string_view field, const EscalationPolicy& policy) {
  const Violations wrong = WrongWith(policy);
  for (const auto& [path, description] : wrong.found()) bad.Add(absl::StrCat(ToAbsl(field), ".", path), description);
}

void CheckWindow(Violations& bad, const std::string& path, const Window& window) {
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

std::string StageId(const EscalationPolicy::Stage& stage) {
  return stage.id().empty() ? absl::AsciiStrToLower(v1::StageKind_Name(stage.kind())) : stage.id();
}

bool Asks(const EscalationPolicy::Stage& stage, EscalationPolicy::Stage::Adviser adviser) {
  return stage.ask().empty() || std::find(stage.ask().begin(), stage.ask().end(), adviser) != stage.ask().end();
}

int FindStage(const EscalationPolicy& policy, std::string_view id) {
  int at = 0;
  while (at < policy.stages_size() && StageId(policy.stages(at)) != id) ++at;
  return at;
}

bool TakesRequests(const EscalationPolicy& policy, absl::CivilDay day) {
  return policy.request_seasons().empty() || std::any_of(policy.request_seasons().begin(), policy.request_seasons().end(),
                                                         [day](const EscalationPolicy::Season& season) { return IsIn(season, day); });
}

absl::CivilDay NextRequestDay(const EscalationPolicy& policy, absl::CivilDay day) {
  // Every season comes once a year.
  for (int i = 0; i < kMaxDays && !TakesRequests(policy, day); ++i) ++day;
  return day;
}

std::vector<v1::PolicyDifference> Differences(const EscalationPolicy& before, const EscalationPolicy& after) {
  Lines old_lines;
  Lines new_lines;
  AddLines(before, "", old_lines);
  AddLines(after, "", new_lines);
  std::map<std::string, std::string> was(old_lines.begin(), old_lines.end());
  std::vector<v1::PolicyDifference> differences;
  const auto add = [&](const std::string& path, const std::string& old_words, const std::string& words) {
    v1::PolicyDifference& one = differences.emplace_back();
    one.set_path(path);
    one.set_before(old_words);
    one.set_after(words);
  };
  for (const auto& [path, words] : new_lines) {
    const auto old = was.extract(path);
    const std::string old_words = old.empty() ? "" : old.mapped();
    if (old_words != words) add(path, old_words, words);
  }
  for (const auto& [path, words] : old_lines) {
    if (was.contains(path)) add(path, words, "");
  }
  return differences;
}

std::string ContentHash(const EscalationPolicy& policy) { return platform::HexHash(platform::CanonicalBytes(policy)); }

absl::StatusOr<EscalationPolicy> ParsePolicy(std::string_view text) {
  EscalationPolicy policy;
  REMATCH_RETURN_IF_ERROR(platform::ParseTextProto(text, reason::kBadPolicy, policy));
  REMATCH_RETURN_IF_ERROR(ValidatePolicy(policy));
  return policy;
}

}  // namespace rematch::request
