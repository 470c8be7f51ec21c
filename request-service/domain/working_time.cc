#include "request-service/domain/working_time.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>

namespace rematch::request {
namespace {

using mentor::v1::Calendar;
using v1::Window;

constexpr int kMinutesOfDay = 24 * 60;

bool CountsWorkingTime(Window::Unit unit) { return unit == Window::WORKING_DAYS || unit == Window::WORKING_HOURS; }

// "08:30", "24:00"; `otherwise` for an empty one.
int MinutesOf(const std::string& text, int otherwise) {
  absl::CivilMinute minute;
  if (text == "24:00") return kMinutesOfDay;
  if (!absl::ParseCivilTime("2000-01-01T" + text, &minute)) return otherwise;
  return minute.hour() * 60 + minute.minute();
}

// To the microsecond, in which instants are kept.
absl::Duration Scaled(absl::Duration time, double factor) {
  return factor == 1 ? time : absl::Microseconds(std::llround(absl::ToDoubleMicroseconds(time) * factor));
}

template <typename ListOfDays>
std::vector<std::pair<absl::CivilDay, absl::CivilDay>> InOrder(const ListOfDays& list) {
  std::vector<std::pair<absl::CivilDay, absl::CivilDay>> days;
  for (const Calendar::Days& some : list) {
    absl::CivilDay first;
    absl::CivilDay last;
    if (!absl::ParseCivilTime(some.first(), &first)) continue;
    if (some.last().empty() || !absl::ParseCivilTime(some.last(), &last)) last = first;
    if (last >= first) days.emplace_back(first, last);
  }
  std::sort(days.begin(), days.end());
  return days;
}

}  // namespace

WorkingTime::WorkingTime(const Calendar& calendar, absl::TimeZone zone) : zone_(zone), terms_(InOrder(calendar.terms())) {
  static_assert(static_cast<int>(absl::Weekday::monday) == 0 && static_cast<int>(absl::Weekday::sunday) == 6);
  for (const Calendar::Hours& hours : calendar.hours()) {
    if (hours.day() < Calendar::MONDAY || hours.day() > Calendar::SUNDAY) continue;
    hours_[static_cast<size_t>(hours.day() - Calendar::MONDAY)] = {.open = MinutesOf(hours.open(), 0),
                                                                   .close = MinutesOf(hours.close(), kMinutesOfDay)};
  }
  // Also when none could be read: some day must open, or no window would end.
  if (std::all_of(hours_.begin(), hours_.end(), [](const Hours& hours) { return hours.open >= hours.close; })) {
    std::fill(hours_.begin(), hours_.begin() + 5, Hours{.open = 0, .close = kMinutesOfDay});
  }
  for (const Days& days : InOrder(calendar.closures())) {
    if (!closures_.empty() && days.first <= closures_.back().second + 1) {
      closures_.back().second = std::max(closures_.back().second, days.second);
    } else {
      closures_.push_back(days);
    }
  }
}

bool WorkingTime::IsWorkingDay(absl::CivilDay day) const {
  const Hours& hours = HoursOf(day);
  if (hours.open >= hours.close) return false;
  // The last stretch that does not begin behind the day.
  const auto within = [day](const std::vector<Days>& list) {
    const auto behind = std::upper_bound(list.begin(), list.end(), day, [](absl::CivilDay d, const Days& days) { return d < days.first; });
    return behind != list.begin() && day <= std::prev(behind)->second;
  };
  if (within(closures_)) return false;
  // Where nothing is planned days count by their weekday: a term of a year that was mistyped closes nothing before it.
  return terms_.empty() || day < terms_.front().first || day > terms_.back().second || within(terms_);
}

absl::CivilDay WorkingTime::NextWorkingDay(absl::CivilDay day) const {
  // It comes: closures and terms end, and the week has a working day.
  do {
    ++day;
  } while (!IsWorkingDay(day));
  return day;
}

absl::Time WorkingTime::LocalTimeOn(absl::CivilDay day, absl::CivilSecond time_of_day) const {
  const absl::CivilSecond civil(day.year(), day.month(), day.day(), time_of_day.hour(), time_of_day.minute(), time_of_day.second());
  const absl::TimeZone::TimeInfo at = zone_.At(civil);
  return at.kind == absl::TimeZone::TimeInfo::SKIPPED ? at.trans : at.pre;
}

absl::Time WorkingTime::Opens(absl::CivilDay day) const {
  return LocalTimeOn(day, absl::CivilSecond(absl::CivilMinute(day) + HoursOf(day).open));
}

absl::Time WorkingTime::Closes(absl::CivilDay day) const {
  const int close = HoursOf(day).close;
  if (close == kMinutesOfDay) return LocalTimeOn(day + 1, absl::CivilSecond());
  return LocalTimeOn(day, absl::CivilSecond(absl::CivilMinute(day) + close));
}

absl::Time WorkingTime::SameTimeOn(absl::CivilDay day, absl::Time time) const {
  const absl::TimeZone::CivilInfo local = zone_.At(time);
  return std::clamp(LocalTimeOn(day, local.cs) + local.subsecond, Opens(day), Closes(day));
}

absl::Time WorkingTime::EndOfWindow(absl::Time start, const Window& window) const {
  if (window.unit() != Window::WORKING_DAYS) {
    const auto unit = window.unit() == Window::SECONDS ? absl::Seconds(1)
                      : window.unit() == Window::DAYS  ? absl::Hours(24)
                                                       : absl::Hours(1);
    return After(start, window.amount() * unit, window.unit());
  }
  absl::CivilDay day(zone_.At(start).cs);
  if (!IsWorkingDay(day) || start >= Closes(day)) {
    day = NextWorkingDay(day);
    start = Opens(day);
  } else {
    start = std::max(start, Opens(day));
  }
  for (int i = 0; i < window.amount(); ++i) day = NextWorkingDay(day);
  return SameTimeOn(day, start);
}

absl::Time WorkingTime::BeforeEnd(absl::Time start, absl::Time end, const Window& before) const {
  if (before.unit() == Window::SECONDS) return std::max(start, end - absl::Seconds(before.amount()));
  if (before.unit() == Window::WORKING_HOURS) return BeforeWorking(start, end, absl::Hours(before.amount()));
  // From day to day, down to the one on which the window began: before it there may have been no working day at all.
  const absl::CivilDay first(zone_.At(start).cs);
  absl::CivilDay day(zone_.At(end).cs);
  for (int left = before.amount(); left > 0; --day) {
    if (day <= first) return start;
    if (before.unit() == Window::DAYS || IsWorkingDay(day - 1)) --left;
  }
  if (before.unit() == Window::WORKING_DAYS) return std::max(start, SameTimeOn(day, end));
  const absl::TimeZone::CivilInfo local = zone_.At(end);
  return std::max(start, LocalTimeOn(day, local.cs) + local.subsecond);
}

absl::Duration WorkingTime::Left(absl::Time from, absl::Time to, Window::Unit unit) const {
  if (unit == Window::DAYS && to > from) {
    // Whole days, and what is left of the last: so that a change of the clock between them takes or gives nothing.
    const absl::TimeZone::CivilInfo a = zone_.At(from);
    const absl::TimeZone::CivilInfo b = zone_.At(to);
    return absl::Seconds(b.cs - a.cs) + (b.subsecond - a.subsecond);
  }
  if (!CountsWorkingTime(unit)) return std::max(to - from, absl::ZeroDuration());
  absl::Duration sum;
  for (absl::CivilDay day(zone_.At(from).cs); from < to; ++day) {
    if (IsWorkingDay(day)) {
      const absl::Duration open = std::max(std::min(to, Closes(day)) - std::max(from, Opens(day)), absl::ZeroDuration());
      sum += Scaled(open, ScaleOf(day, unit));
    }
    from = LocalTimeOn(day + 1, absl::CivilSecond());
  }
  return sum;
}

double WorkingTime::ScaleOf(absl::CivilDay day, Window::Unit unit) const {
  if (unit != Window::WORKING_DAYS) return 1;
  const absl::Duration open = Closes(day) - Opens(day);
  return open > absl::ZeroDuration() ? absl::FDivDuration(absl::Hours(24), open) : 1;
}

absl::Time WorkingTime::After(absl::Time from, absl::Duration left, Window::Unit unit) const {
  if (left <= absl::ZeroDuration()) return from;
  if (unit == Window::DAYS) {
    const absl::TimeZone::CivilInfo local = zone_.At(from);
    const absl::CivilSecond end = local.cs + absl::ToInt64Seconds(left);
    // Of a local time that comes twice, not the one before it began.
    return std::max(from, LocalTimeOn(absl::CivilDay(end), end) + local.subsecond + (left - absl::Seconds(absl::ToInt64Seconds(left))));
  }
  return CountsWorkingTime(unit) ? AfterWorking(from, left, unit) : from + left;
}

absl::Time WorkingTime::AfterWorking(absl::Time from, absl::Duration left, Window::Unit unit) const {
  for (absl::CivilDay day(zone_.At(from).cs);; day = NextWorkingDay(day)) {
    if (!IsWorkingDay(day)) continue;
    const double scale = ScaleOf(day, unit);
    const absl::Time begin = std::max(from, Opens(day));
    const absl::Duration open = Scaled(std::max(Closes(day) - begin, absl::ZeroDuration()), scale);
    if (left <= open) return begin + Scaled(left, 1 / scale);
    left -= open;
  }
}

absl::Time WorkingTime::BeforeWorking(absl::Time start, absl::Time end, absl::Duration left) const {
  const absl::CivilDay first(zone_.At(start).cs);
  for (absl::CivilDay day(zone_.At(end).cs); day >= first; --day) {
    if (!IsWorkingDay(day)) continue;
    const absl::Time to = std::min(end, Closes(day));
    const absl::Duration open = to - Opens(day);
    if (left <= open) return std::max(start, to - left);
    left -= std::max(open, absl::ZeroDuration());
  }
  return start;
}

}  // namespace rematch::request
