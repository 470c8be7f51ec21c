// Windows in working time: a table of cases with their local times written out.
#include "request-service/domain/working_time.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
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
  EXPECT_EQ(Local(EndOfWindow(At(row.start, zone), Days(row.days), zone), zone), row.end) << row.why;
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
  EXPECT_EQ(EndOfWindow(friday, Days(1), zone) - friday, absl::Hours(71));
  const absl::Time autumn = At("2026-10-30 10:00:00", zone);
  EXPECT_EQ(EndOfWindow(autumn, Days(1), zone) - autumn, absl::Hours(73));
}

TEST(WorkingTime, ALocalTimeThatIsLeftOutBecomesTheMomentOfTheChange_F37) {
  // Egypt changes to summer time at the beginning of a Friday: 2026-04-24 00:00 to 01:00 is left out.
  const absl::TimeZone cairo = Zone("Africa/Cairo");
  EXPECT_EQ(Local(EndOfWindow(At("2026-04-23 00:30:00", cairo), Days(1), cairo), cairo), "Fri 2026-04-24 01:00:00");
}

TEST(WorkingTime, AWeekendIsThatOfTheProgramsZone_F37) {
  // Friday 17:00 in Los Angeles is Saturday in UTC.
  const absl::TimeZone los_angeles = Zone("America/Los_Angeles");
  const absl::Time start = At("2026-03-13 17:00:00", los_angeles);
  EXPECT_EQ(Local(EndOfWindow(start, Days(1), los_angeles), los_angeles), "Mon 2026-03-16 17:00:00");
  EXPECT_EQ(Local(EndOfWindow(start, Days(1), absl::UTCTimeZone()), absl::UTCTimeZone()), "Tue 2026-03-17 00:00:00");
}

TEST(WorkingTime, PartsOfASecondAreKept) {
  const absl::TimeZone zone = Zone("America/Los_Angeles");
  const absl::Time start = At("2026-03-02 09:30:00", zone) + absl::Microseconds(123456);
  EXPECT_EQ(EndOfWindow(start, Days(1), zone) - start, absl::Hours(24));
}

TEST(WorkingTime, SecondsArePlain) {
  const absl::TimeZone zone = Zone("America/Los_Angeles");
  const absl::Time saturday = At("2026-03-14 15:00:00", zone);
  EXPECT_EQ(EndOfWindow(saturday, Seconds(90), zone), saturday + absl::Seconds(90));
  EXPECT_EQ(BeforeEnd(saturday, saturday + absl::Seconds(90), Seconds(30), zone), saturday + absl::Seconds(60));
}

TEST(BeforeEnd, CountsWorkingDaysBack_F38) {
  const absl::TimeZone zone = Zone("America/Los_Angeles");
  const absl::Time start = At("2026-03-12 17:00:00", zone);
  const absl::Time end = At("2026-03-16 17:00:00", zone);
  EXPECT_EQ(Local(BeforeEnd(start, end, Days(1), zone), zone), "Fri 2026-03-13 17:00:00");
}

TEST(BeforeEnd, IsNeverBeforeTheStart_F38) {
  const absl::TimeZone zone = Zone("America/Los_Angeles");
  const absl::Time start = At("2026-03-14 15:00:00", zone);  // a Saturday: the window is Monday's
  const absl::Time end = EndOfWindow(start, Days(1), zone);
  EXPECT_EQ(BeforeEnd(start, end, Days(5), zone), start);
  EXPECT_EQ(BeforeEnd(start, start + absl::Seconds(5), Seconds(9), zone), start);
}

TEST(WorkingTime, EndsAfterItsStartWheneverItBegins_F37) {
  for (const char* name : {"America/Los_Angeles", "Europe/London", "Africa/Cairo", "Pacific/Apia", "UTC"}) {
    const absl::TimeZone zone = Zone(name);
    const absl::Time year = At("2026-01-01 00:00:00", zone);
    for (int hour = 0; hour < 24 * 370; hour += 5) {
      const absl::Time start = year + absl::Hours(hour);
      absl::Time before = start;
      for (int days = 1; days <= 6; ++days) {
        const absl::Time end = EndOfWindow(start, Days(days), zone);
        ASSERT_GT(end, before) << name << " " << Local(start, zone) << " + " << days;
        const absl::Weekday weekday = absl::GetWeekday(absl::CivilDay(zone.At(end).cs));
        ASSERT_TRUE(weekday != absl::Weekday::saturday && weekday != absl::Weekday::sunday) << name << " " << Local(end, zone);
        ASSERT_GE(BeforeEnd(start, end, Days(1), zone), start);
        before = end;
      }
    }
  }
}

}  // namespace
}  // namespace rematch::request
