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

// The start of the next day in `zone`.
absl::Time NextDay(absl::Time time, absl::TimeZone zone) {
  return LocalTimeOn(absl::CivilDay(zone.At(time).cs) + 1, absl::CivilSecond(), zone);
}

bool IsInWorkingTime(absl::Time time, absl::TimeZone zone) { return IsWorkingDay(absl::CivilDay(zone.At(time).cs)); }

absl::Duration WorkingTimeBetween(absl::Time from, absl::Time to, absl::TimeZone zone) {
  absl::Duration sum;
  while (from < to) {
    const absl::Time until = std::min(NextDay(from, zone), to);
    if (IsInWorkingTime(from, zone)) sum += until - from;
    from = until;
  }
  return sum;
}

}  // namespace

absl::Time AfterPause(absl::Time end, absl::Time stopped, absl::Time again, const v1::Window& window, absl::TimeZone zone) {
  if (end <= stopped) return again;
  if (window.unit() != v1::Window::WORKING_DAYS) return again + (end - stopped);
  absl::Duration left = WorkingTimeBetween(stopped, end, zone);
  for (;;) {
    const absl::Time until = NextDay(again, zone);
    if (IsInWorkingTime(again, zone)) {
      if (left <= until - again) return again + left;
      left -= until - again;
    }
    again = until;
  }
}

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
