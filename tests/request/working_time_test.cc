// Windows in working time: a table of cases with their local times written out.
#include "request-service/domain/working_time.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace rematch::request {
namespace {

absl::TimeZone Zone(const std::string& name) {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone(name, &zone)) << name;
  return zone;
}

absl::Time At(const std::string& local, absl::TimeZone zone) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime("%Y-%m-%d %H:%M:%E*S", local, zone, &time, &error)) << error;
  return time;
}

std::string Local(absl::Time time, absl::TimeZone zone) { return absl::FormatTime("%a %Y-%m-%d %H:%M:%S", time, zone); }

v1::Window WindowOf(int amount, v1::Window::Unit unit) {
  v1::Window window;
  window.set_amount(amount);
  window.set_unit(unit);
  return window;
}

v1::Window Days(int amount) { return WindowOf(amount, v1::Window::WORKING_DAYS); }
v1::Window Seconds(int amount) { return WindowOf(amount, v1::Window::SECONDS); }

struct Row {
  const char* why;
  const char* start;
  int days;
  const char* end;
};

class WorkingDays : public ::testing::TestWithParam<Row> {};

TEST_P(WorkingDays, EndAtTheSameLocalTime_F37) {
  const absl::TimeZone zone = Zone("America/Los_Angeles");
  const Row& row = GetParam();
  EXPECT_EQ(Local(WorkingTime(zone).EndOfWindow(At(row.start, zone), Days(row.days)), zone), row.end) << row.why;
}

INSTANTIATE_TEST_SUITE_P(Table, WorkingDays,
                         ::testing::Values(Row{"within a week", "2026-03-02 09:30:00", 3, "Thu 2026-03-05 09:30:00"},
                                           Row{"over a weekend", "2026-03-05 09:30:00", 3, "Tue 2026-03-10 09:30:00"},
                                           Row{"Friday evening to Monday evening", "2026-03-13 17:00:00", 1, "Mon 2026-03-16 17:00:00"},
                                           Row{"a whole week", "2026-03-11 12:00:00", 5, "Wed 2026-03-18 12:00:00"},
                                           Row{"two weeks", "2026-06-01 08:00:00", 10, "Mon 2026-06-15 08:00:00"},
                                           Row{"from a Saturday: as from Monday 00:00", "2026-03-14 15:00:00", 1,
                                               "Tue 2026-03-17 00:00:00"},
                                           Row{"from a Sunday, late", "2026-03-15 23:59:59", 2, "Wed 2026-03-18 00:00:00"},
                                           Row{"the first minute of Monday", "2026-03-16 00:00:00", 1, "Tue 2026-03-17 00:00:00"},
                                           Row{"the last second of Friday", "2026-03-13 23:59:59", 1, "Mon 2026-03-16 23:59:59"},
                                           Row{"over the end of a year", "2026-12-30 10:00:00", 3, "Mon 2027-01-04 10:00:00"},
                                           Row{"over a leap day", "2028-02-28 10:00:00", 2, "Wed 2028-03-01 10:00:00"},
                                           Row{"over the change to summer time", "2026-03-06 10:00:00", 1, "Mon 2026-03-09 10:00:00"},
                                           Row{"over the change to winter time", "2026-10-30 10:00:00", 1, "Mon 2026-11-02 10:00:00"}));

TEST(WorkingTime, TheChangeOfTheClockMovesTheInstantNotTheLocalTime_F37) {
  const absl::TimeZone zone = Zone("America/Los_Angeles");
  const absl::Time friday = At("2026-03-06 10:00:00", zone);
  EXPECT_EQ(WorkingTime(zone).EndOfWindow(friday, Days(1)) - friday, absl::Hours(71));
  const absl::Time autumn = At("2026-10-30 10:00:00", zone);
  EXPECT_EQ(WorkingTime(zone).EndOfWindow(autumn, Days(1)) - autumn, absl::Hours(73));
}

TEST(WorkingTime, ALocalTimeThatIsLeftOutBecomesTheMomentOfTheChange_F37) {
  // Egypt changes to summer time at the beginning of a Friday: 2026-04-24 00:00 to 01:00 is left out.
  const absl::TimeZone cairo = Zone("Africa/Cairo");
  EXPECT_EQ(Local(WorkingTime(cairo).EndOfWindow(At("2026-04-23 00:30:00", cairo), Days(1)), cairo), "Fri 2026-04-24 01:00:00");
}

TEST(WorkingTime, AWeekendIsThatOfTheProgramsZone_F37) {
  // Friday 17:00 in Los Angeles is Saturday in UTC.
  const absl::TimeZone los_angeles = Zone("America/Los_Angeles");
  const absl::Time start = At("2026-03-13 17:00:00", los_angeles);
  EXPECT_EQ(Local(WorkingTime(los_angeles).EndOfWindow(start, Days(1)), los_angeles), "Mon 2026-03-16 17:00:00");
  EXPECT_EQ(Local(WorkingTime(absl::UTCTimeZone()).EndOfWindow(start, Days(1)), absl::UTCTimeZone()), "Tue 2026-03-17 00:00:00");
}

TEST(WorkingTime, PartsOfASecondAreKept) {
  const absl::TimeZone zone = Zone("America/Los_Angeles");
  const absl::Time start = At("2026-03-02 09:30:00", zone) + absl::Microseconds(123456);
  EXPECT_EQ(WorkingTime(zone).EndOfWindow(start, Days(1)) - start, absl::Hours(24));
}

TEST(WorkingTime, SecondsArePlain) {
  const absl::TimeZone zone = Zone("America/Los_Angeles");
  const absl::Time saturday = At("2026-03-14 15:00:00", zone);
  EXPECT_EQ(WorkingTime(zone).EndOfWindow(saturday, Seconds(90)), saturday + absl::Seconds(90));
  EXPECT_EQ(WorkingTime(zone).BeforeEnd(saturday, saturday + absl::Seconds(90), Seconds(30)), saturday + absl::Seconds(60));
}

TEST(BeforeEnd, CountsWorkingDaysBack_F38) {
  const absl::TimeZone zone = Zone("America/Los_Angeles");
  const absl::Time start = At("2026-03-12 17:00:00", zone);
  const absl::Time end = At("2026-03-16 17:00:00", zone);
  EXPECT_EQ(Local(WorkingTime(zone).BeforeEnd(start, end, Days(1)), zone), "Fri 2026-03-13 17:00:00");
}

TEST(BeforeEnd, IsNeverBeforeTheStart_F38) {
  const absl::TimeZone zone = Zone("America/Los_Angeles");
  const absl::Time start = At("2026-03-14 15:00:00", zone);  // a Saturday: the window is Monday's
  const absl::Time end = WorkingTime(zone).EndOfWindow(start, Days(1));
  EXPECT_EQ(WorkingTime(zone).BeforeEnd(start, end, Days(5)), start);
  EXPECT_EQ(WorkingTime(zone).BeforeEnd(start, start + absl::Seconds(5), Seconds(9)), start);
}

TEST(WorkingTime, EndsAfterItsStartWheneverItBegins_F37) {
  for (const char* name : {"America/Los_Angeles", "Europe/London", "Africa/Cairo", "Pacific/Apia", "UTC"}) {
    const absl::TimeZone zone = Zone(name);
    const absl::Time year = At("2026-01-01 00:00:00", zone);
    for (int hour = 0; hour < 24 * 370; hour += 5) {
      const absl::Time start = year + absl::Hours(hour);
      absl::Time before = start;
      for (int days = 1; days <= 6; ++days) {
        const absl::Time end = WorkingTime(zone).EndOfWindow(start, Days(days));
        ASSERT_GT(end, before) << name << " " << Local(start, zone) << " + " << days;
        const absl::Weekday weekday = absl::GetWeekday(absl::CivilDay(zone.At(end).cs));
        ASSERT_TRUE(weekday != absl::Weekday::saturday && weekday != absl::Weekday::sunday) << name << " " << Local(end, zone);
        ASSERT_GE(WorkingTime(zone).BeforeEnd(start, end, Days(1)), start);
        before = end;
      }
    }
  }
}

// --- A school year: shorter Fridays, a holiday, two breaks, terms. Every end in this table was worked out by hand from a wall calendar.

mentor::v1::Calendar SchoolYear() {
  mentor::v1::Calendar calendar;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    hours { day: MONDAY open: "08:00" close: "16:00" }
    hours { day: TUESDAY open: "08:00" close: "16:00" }
    hours { day: WEDNESDAY open: "08:00" close: "16:00" }
    hours { day: THURSDAY open: "08:00" close: "16:00" }
    hours { day: FRIDAY open: "08:00" close: "13:00" }
    closures { first: "2026-12-21" last: "2027-01-01" label: "Winter break" }
    closures { first: "2026-11-11" label: "Veterans Day" }
    closures { first: "2026-11-23" last: "2026-11-25" }
    closures { first: "2026-11-25" last: "2026-11-27" label: "Overlaps the one before" }
    terms { first: "2027-01-04" last: "2027-06-11" label: "Spring" }
    terms { first: "2026-08-17" last: "2026-12-18" label: "Fall" }
    terms { first: "2027-08-16" last: "2028-06-09" }
  )",
                                                            &calendar));
  return calendar;
}

constexpr v1::Window::Unit kDays = v1::Window::WORKING_DAYS;
constexpr v1::Window::Unit kHours = v1::Window::WORKING_HOURS;
constexpr v1::Window::Unit kPlainDays = v1::Window::DAYS;

struct SchoolRow {
  const char* why;
  const char* start;
  int amount;
  v1::Window::Unit unit;
  const char* end;
};

class SchoolTime : public ::testing::TestWithParam<SchoolRow> {};

TEST_P(SchoolTime, WindowsEndAsOnAWallCalendar_F37) {
  const absl::TimeZone zone = Zone("America/Los_Angeles");
  const WorkingTime time(SchoolYear(), zone);
  const SchoolRow& row = GetParam();
  EXPECT_EQ(Local(time.EndOfWindow(At(row.start, zone), WindowOf(row.amount, row.unit)), zone), row.end) << row.why;
}

INSTANTIATE_TEST_SUITE_P(
    Table, SchoolTime,
    ::testing::Values(SchoolRow{"within a week", "2026-11-02 09:30:00", 3, kDays, "Thu 2026-11-05 09:30:00"},
                      SchoolRow{"over a holiday", "2026-11-10 10:00:00", 2, kDays, "Fri 2026-11-13 10:00:00"},
                      SchoolRow{"Friday has closed by then", "2026-11-12 15:00:00", 1, kDays, "Fri 2026-11-13 13:00:00"},
                      SchoolRow{"after hours: from the next morning", "2026-11-12 18:00:00", 1, kDays, "Mon 2026-11-16 08:00:00"},
                      SchoolRow{"Friday afternoon: from Monday morning", "2026-11-13 14:00:00", 1, kDays, "Tue 2026-11-17 08:00:00"},
                      SchoolRow{"as Friday closes: from Monday morning", "2026-11-13 13:00:00", 1, kDays, "Tue 2026-11-17 08:00:00"},
                      SchoolRow{"before it opens", "2026-11-16 06:00:00", 1, kDays, "Tue 2026-11-17 08:00:00"},
                      SchoolRow{"over two closures that overlap", "2026-11-19 10:00:00", 2, kDays, "Mon 2026-11-30 10:00:00"},
                      SchoolRow{"over winter break and the end of the year", "2026-12-17 09:00:00", 3, kDays, "Tue 2027-01-05 09:00:00"},
                      SchoolRow{"from within a break", "2026-12-23 12:00:00", 1, kDays, "Tue 2027-01-05 08:00:00"},
                      SchoolRow{"over the summer between two terms", "2027-06-10 11:00:00", 2, kDays, "Mon 2027-08-16 11:00:00"},
                      SchoolRow{"before the first term days count", "2026-08-03 10:00:00", 1, kDays, "Tue 2026-08-04 10:00:00"},
                      SchoolRow{"behind the last term days count", "2028-06-09 09:00:00", 1, kDays, "Mon 2028-06-12 09:00:00"},
                      SchoolRow{"over the change to summer time", "2027-03-12 09:00:00", 1, kDays, "Mon 2027-03-15 09:00:00"},
                      SchoolRow{"hours over night", "2026-11-02 14:00:00", 4, kHours, "Tue 2026-11-03 10:00:00"},
                      SchoolRow{"hours to the end of a day", "2026-11-02 14:00:00", 2, kHours, "Mon 2026-11-02 16:00:00"},
                      SchoolRow{"hours into a short day", "2026-11-12 12:00:00", 8, kHours, "Fri 2026-11-13 12:00:00"},
                      SchoolRow{"hours over a week without school", "2026-11-20 11:00:00", 6, kHours, "Mon 2026-11-30 12:00:00"},
                      SchoolRow{"hours from a Sunday", "2026-11-15 20:00:00", 1, kHours, "Mon 2026-11-16 09:00:00"},
                      SchoolRow{"hours over the change to winter time", "2026-10-30 12:00:00", 3, kHours, "Mon 2026-11-02 10:00:00"},
                      SchoolRow{"days as they come", "2026-11-02 09:30:00", 30, kPlainDays, "Wed 2026-12-02 09:30:00"},
                      SchoolRow{"days as they come, into a break", "2026-12-01 23:15:00", 24, kPlainDays, "Fri 2026-12-25 23:15:00"},
                      SchoolRow{"days over the change to winter time", "2026-10-31 09:30:00", 1, kPlainDays, "Sun 2026-11-01 09:30:00"}));

TEST(SchoolTime, RemindersCountBackOverWhatIsClosed_F37) {
  const absl::TimeZone zone = Zone("America/Los_Angeles");
  const WorkingTime time(SchoolYear(), zone);
  const absl::Time start = At("2026-11-19 10:00:00", zone);
  const auto before = [&](const char* end, int amount, v1::Window::Unit unit) {
    return Local(time.BeforeEnd(start, At(end, zone), WindowOf(amount, unit)), zone);
  };
  EXPECT_EQ(before("2026-11-30 10:00:00", 1, kDays), "Fri 2026-11-20 10:00:00");
  EXPECT_EQ(before("2026-11-30 15:00:00", 1, kDays), "Fri 2026-11-20 13:00:00");
  EXPECT_EQ(before("2026-11-30 09:00:00", 3, kHours), "Fri 2026-11-20 11:00:00");
  EXPECT_EQ(before("2026-11-30 10:00:00", 2, kPlainDays), "Sat 2026-11-28 10:00:00");
  for (const v1::Window::Unit unit : {kDays, kHours, kPlainDays}) EXPECT_EQ(before("2026-11-30 10:00:00", 200, unit), Local(start, zone));
  // In a break there is no working time to count back over.
  const absl::Time summer = At("2027-07-01 10:00:00", zone);
  EXPECT_EQ(time.BeforeEnd(summer, At("2027-08-16 09:00:00", zone), WindowOf(2, kHours)), summer);
  EXPECT_EQ(time.BeforeEnd(summer, At("2027-08-16 09:00:00", zone), WindowOf(1, kDays)), summer);
}

TEST(SchoolTime, WhatIsLeftTakesAsLongAgain_F44) {
  const absl::TimeZone zone = Zone("America/Los_Angeles");
  const WorkingTime time(SchoolYear(), zone);
  EXPECT_EQ(time.Left(At("2026-11-20 11:00:00", zone), At("2026-11-30 12:00:00", zone), kHours), absl::Hours(6));
  EXPECT_EQ(time.Left(At("2026-11-14 00:00:00", zone), At("2026-11-15 23:00:00", zone), kDays), absl::ZeroDuration());
  EXPECT_EQ(time.Left(At("2026-10-31 09:30:00", zone), At("2026-11-01 09:30:00", zone), kPlainDays), absl::Hours(24));
  EXPECT_EQ(time.After(At("2026-12-18 12:00:00", zone), absl::Hours(2), kHours), At("2027-01-04 09:00:00", zone));
  // A day is a day, however long it is open: from Friday at ten, four of six hours and then two of eight.
  EXPECT_EQ(time.Left(At("2026-11-13 08:00:00", zone), At("2026-11-17 08:00:00", zone), kDays), absl::Hours(48));
  EXPECT_EQ(WorkingTime(zone).After(At("2026-11-12 09:00:00", zone), absl::Hours(48), kDays), At("2026-11-16 09:00:00", zone));
  EXPECT_EQ(time.After(At("2026-11-12 08:00:00", zone), absl::Hours(36), kDays), At("2026-11-13 10:30:00", zone));
  const absl::Time year = At("2026-08-01 00:00:00", zone);
  for (int hour = 0; hour < 24 * 500; hour += 7) {
    const absl::Time start = year + absl::Hours(hour) + absl::Minutes(hour % 60);
    for (const int amount : {1, 3, 20}) {
      for (const v1::Window::Unit unit : {kDays, kHours, kPlainDays, v1::Window::SECONDS}) {
        const absl::Time end = time.EndOfWindow(start, WindowOf(amount, unit));
        ASSERT_GT(end, start);
        const absl::Duration left = time.Left(start, end, unit);
        if (unit == kHours) ASSERT_EQ(left, absl::Hours(amount)) << Local(start, zone);
        const absl::Time again = time.After(start, left, unit);
        // A day that begins as another closes: both are the same working time. Days of different lengths are rounded to microseconds.
        ASSERT_LE(time.Left(std::min(again, end), std::max(again, end), unit), absl::Milliseconds(1))
            << Local(start, zone) << " " << amount << " " << v1::Window::Unit_Name(unit);
      }
    }
  }
}

TEST(SchoolTime, WindowsEndWhateverTheCalendarSays) {
  const absl::TimeZone zone = Zone("America/Los_Angeles");
  mentor::v1::Calendar closed;  // that mentor-service would not take
  closed.add_hours()->set_day(mentor::v1::Calendar::MONDAY);
  closed.mutable_hours(0)->set_open("16:00");
  closed.mutable_hours(0)->set_close("08:00");
  closed.add_closures()->set_first("not a day");
  const WorkingTime time(closed, zone);
  EXPECT_EQ(Local(time.EndOfWindow(At("2026-11-12 15:00:00", zone), Days(2)), zone), "Mon 2026-11-16 15:00:00");
}

}  // namespace
}  // namespace rematch::request
