#include "request-service/domain/working_time.h"

#include <algorithm>

#include "absl/time/civil_time.h"

namespace rematch::request {
namespace {

bool IsWorkingDay(absl::CivilDay day) {
  const absl::Weekday weekday = absl::GetWeekday(day);
  return weekday != absl::Weekday::saturday && weekday != absl::Weekday::sunday;
}

// `step` is 1 or -1; the days of a weekend are stepped over without being counted.
absl::CivilDay MoveWorkingDays(absl::CivilDay day, int count, int step) {
  while (count > 0) {
    day += step;
    if (IsWorkingDay(day)) --count;
  }
  return day;
}

// The moment of this local time on `day`; the moment of the change when a change to summer time leaves it out.
absl::Time LocalTimeOn(absl::CivilDay day, absl::CivilSecond time_of_day, absl::TimeZone zone) {
  const absl::CivilSecond civil(day.year(), day.month(), day.day(), time_of_day.hour(), time_of_day.minute(), time_of_day.second());
  const absl::TimeZone::TimeInfo at = zone.At(civil);
  return at.kind == absl::TimeZone::TimeInfo::SKIPPED ? at.trans : at.pre;
}

}  // namespace

absl::Time EndOfWindow(absl::Time start, const v1::Window& window, absl::TimeZone zone) {
  if (window.unit() != v1::Window::WORKING_DAYS) return start + absl::Seconds(window.amount());
  const absl::TimeZone::CivilInfo local = zone.At(start);
  absl::CivilDay day(local.cs);
  absl::CivilSecond time_of_day = local.cs;
  absl::Duration subsecond = local.subsecond;
  if (!IsWorkingDay(day)) {
    day = absl::NextWeekday(day, absl::Weekday::monday);
    time_of_day = absl::CivilSecond(day);
    subsecond = absl::ZeroDuration();
  }
  return LocalTimeOn(MoveWorkingDays(day, window.amount(), 1), time_of_day, zone) + subsecond;
}

absl::Time BeforeEnd(absl::Time start, absl::Time end, const v1::Window& before, absl::TimeZone zone) {
  if (before.unit() != v1::Window::WORKING_DAYS) return std::max(start, end - absl::Seconds(before.amount()));
  const absl::TimeZone::CivilInfo local = zone.At(end);
  const absl::CivilDay day = MoveWorkingDays(absl::CivilDay(local.cs), before.amount(), -1);
  return std::max(start, LocalTimeOn(day, local.cs, zone) + local.subsecond);
}

}  // namespace rematch::request
