#include "mentor-service/domain/fields.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "platform/strings.h"
#include "platform/validation.h"

namespace rematch::mentor {
namespace {

constexpr int kMaxWords = 50;
constexpr size_t kMaxWordBytes = 64;

constexpr int kMaxClosures = 2000;
constexpr int kMaxTerms = 100;
constexpr int kLongestDays = 731;  // less than two years
constexpr int kLongestBreak = 366;

// `2026-12-21`, of the years 2000 to 2199.
std::optional<absl::CivilDay> DayOf(const std::string& text) {
  absl::CivilDay day;
  if (text.size() != 10 || !absl::ParseCivilTime(text, &day) || day.year() < 2000 || day.year() > 2199) return std::nullopt;
  return day;
}

// `08:30`, up to `24:00`, in minutes.
std::optional<int> MinutesOf(const std::string& text) {
  absl::CivilMinute minute;
  if (text == "24:00") return 24 * 60;
  if (text.size() != 5 || !absl::ParseCivilTime("2000-01-01T" + text, &minute)) return std::nullopt;
  return minute.hour() * 60 + minute.minute();
}

void CheckHours(Violations& bad, const std::string& field, const v1::Calendar& calendar) {
  std::set<int> seen;
  for (int i = 0; i < calendar.hours_size(); ++i) {
    const v1::Calendar::Hours& hours = calendar.hours(i);
    const std::string path = absl::StrCat(field, ".hours[", i, "]");
    if (hours.day() < v1::Calendar::MONDAY || hours.day() > v1::Calendar::SUNDAY) {
      bad.Add(path + ".day", "must be a day of the week");
    } else if (!seen.insert(hours.day()).second) {
      bad.Add(path + ".day", "must not be named twice");
    }
    const std::optional<int> open = hours.open().empty() ? 0 : MinutesOf(hours.open());
    const std::optional<int> close = hours.close().empty() ? 24 * 60 : MinutesOf(hours.close());
    if (!open.has_value() || *open == 24 * 60) bad.Add(path + ".open", "must be a time of day, such as 08:30");
    if (!close.has_value()) bad.Add(path + ".close", "must be a time of day, such as 16:30, or 24:00");
    if (open.has_value() && close.has_value() && *open >= *close) bad.Add(path + ".close", "must be later than `open`");
  }
}

// Their first and last days, as far as they can be read.
std::vector<std::pair<absl::CivilDay, absl::CivilDay>> CheckDays(Violations& bad, const std::string& field,
                                                                 const google::protobuf::RepeatedPtrField<v1::Calendar::Days>& list,
                                                                 int most) {
  std::vector<std::pair<absl::CivilDay, absl::CivilDay>> days;
  if (list.size() > most) {
    bad.Add(field, absl::StrCat("must be at most ", most));
    return days;
  }
  for (int i = 0; i < list.size(); ++i) {
    const v1::Calendar::Days& some = list[i];
    const std::string path = absl::StrCat(field, "[", i, "]");
    const std::optional<absl::CivilDay> first = DayOf(some.first());
    const std::optional<absl::CivilDay> last = some.last().empty() ? first : DayOf(some.last());
    if (!first.has_value()) bad.Add(path + ".first", "must be a day, such as 2026-12-21");
    if (!last.has_value() && !some.last().empty()) bad.Add(path + ".last", "must be a day, such as 2027-01-01");
    if (!some.label().empty()) CheckDisplayName(bad, path + ".label", some.label());
    if (!first.has_value() || !last.has_value()) continue;
    if (*last < *first) {
      bad.Add(path + ".last", "must not be before `first`");
    } else if (*last - *first >= kLongestDays) {
      bad.Add(path + ".last", "must be less than two years after `first`");
    }
    days.emplace_back(*first, *last);
  }
  return days;
}

}  // namespace

void CheckCalendar(Violations& bad, std::string_view field, const v1::Calendar& calendar) {
  const std::string path(field);
  CheckHours(bad, path, calendar);
  CheckDays(bad, path + ".closures", calendar.closures(), kMaxClosures);
  auto terms = CheckDays(bad, path + ".terms", calendar.terms(), kMaxTerms);
  std::sort(terms.begin(), terms.end());
  for (size_t i = 1; i < terms.size(); ++i) {
    if (terms[i].first <= terms[i - 1].second) {
      bad.Add(path + ".terms", absl::StrCat("must not overlap: ", absl::FormatCivilTime(terms[i].first), " is in two of them"));
    } else if (terms[i].first - terms[i - 1].second > kLongestBreak) {
      bad.Add(path + ".terms", absl::StrCat("must not lie more than a year apart: ", absl::FormatCivilTime(terms[i].first)));
    }
  }
}

void CheckContact(Violations& bad, std::string_view field, const v1::Contact& contact) {
  CheckDisplayName(bad, absl::StrCat(ToAbsl(field), ".display_name"), contact.display_name());
  CheckEmail(bad, absl::StrCat(ToAbsl(field), ".email"), contact.email());
  CheckPhone(bad, absl::StrCat(ToAbsl(field), ".phone"), contact.phone());
}

void CheckWord(Violations& bad, std::string_view field, std::string_view word) {
  if (word.size() > kMaxWordBytes) {
    bad.Add(field, "must be at most 64 bytes");
  } else {
    CheckDisplayName(bad, field, word);
  }
}

void CheckWords(Violations& bad, std::string_view field, const google::protobuf::RepeatedPtrField<std::string>& words) {
  if (words.size() > kMaxWords) {
    bad.Add(field, "must have at most 50 values");
    return;
  }
  std::set<std::string_view> seen;
  for (int i = 0; i < words.size(); ++i) {
    const std::string path = absl::StrCat(ToAbsl(field), "[", i, "]");
    CheckWord(bad, path, words[i]);
    if (!seen.insert(words[i]).second) bad.Add(path, "must not repeat another value");
  }
}

void CheckTimeZone(Violations& bad, std::string_view field, std::string_view name) {
  // The library would read any path that it is given.
  const bool plain =
      !name.empty() && name.size() <= 64 && name.front() != '/' && name.find("..") == name.npos &&
      std::all_of(name.begin(), name.end(), [](char c) { return absl::ascii_isalnum(c) || c == '_' || c == '/' || c == '-' || c == '+'; });
  absl::TimeZone zone;
  if (!plain || !absl::LoadTimeZone(ToAbsl(name), &zone))
    bad.Add(field, "must be the IANA name of a time zone, such as America/Los_Angeles");
}

void CheckRange(Violations& bad, std::string_view field, int value, int low, int high) {
  if (value < low || value > high) bad.Add(field, absl::StrCat("must be ", low, " to ", high));
}

void CheckExperience(Violations& bad, std::string_view field, const v1::Experience& experience) {
  const std::string path(field);
  if (!experience.mentors_now() && !experience.mentored_before()) bad.Add(field, "must name who counts as experienced");
  CheckRange(bad, path + ".min_years_mentored", experience.min_years_mentored(), 0, kMaxYears);
}

void CheckWeights(Violations& bad, std::string_view field, const v1::RankingWeights& weights) {
  constexpr int kMaxPoints = 1000;
  int sum = 0;
  for (const auto& [name, points] : {std::pair("credential", weights.credential()), std::pair("grade_band", weights.grade_band()),
                                     std::pair("subject", weights.subject()), std::pair("same_district", weights.same_district()),
                                     std::pair("free_seat", weights.free_seat())}) {
    CheckRange(bad, absl::StrCat(ToAbsl(field), ".", name), points, 0, kMaxPoints);
    sum |= points;
  }
  if (sum == 0) bad.Add(field, "must give something points");
}

void CheckTimestamp(Violations& bad, std::string_view field, const google::protobuf::Timestamp& time) {
  constexpr int64_t k1900 = -2208988800;
  constexpr int64_t k2200 = 7258118400;
  if (time.seconds() < k1900 || time.seconds() >= k2200 || time.nanos() < 0 || time.nanos() > 999'999'999) {
    bad.Add(field, "must be an instant of the years 1900 to 2199");
  }
}

void CheckExternalId(Violations& bad, std::string_view field, std::string_view id) {
  const bool right = !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) { return absl::ascii_isgraph(c); });
  if (!right) bad.Add(field, "must be 1 to 64 printable characters without spaces");
}

}  // namespace rematch::mentor
