// Deadlines in working time: several reminders, and a calendar that changes under open cases (F37).
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/request/escalation_kit.h"

namespace rematch::request {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

absl::Time At(const std::string& local) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime("%Y-%m-%d %H:%M", local, LosAngeles(), &time, &error)) << error;
  return time;
}

std::string Local(int64_t micros) { return micros == 0 ? "" : absl::FormatTime("%a %Y-%m-%d %H:%M", FromStored(micros), LosAngeles()); }

// Three working days for each mentor, reminded two days and one day before; tasks and redials in working days.
v1::EscalationPolicy InDays() {
  v1::EscalationPolicy policy = TestPolicy();
  const auto set = [](v1::Window& window, int days) {
    window.set_unit(v1::Window::WORKING_DAYS);
    window.set_amount(days);
  };
  for (v1::EscalationPolicy::Stage& stage : *policy.mutable_stages()) {
    if (!stage.has_window()) continue;
    set(*stage.mutable_window(), stage.kind() == v1::INDIVIDUAL ? 3 : 5);
    stage.clear_remind_before();
    set(*stage.add_remind_before(), 2);
    set(*stage.add_remind_before(), 1);
  }
  set(*policy.mutable_redial_after(), 1);
  set(*policy.mutable_task_due_after(), 2);
  return policy;
}

// Asked on a Monday at nine.
Story Asked() {
  Story s(InDays());
  s.now = At("2026-11-02 09:00");
  s.Open();
  s.Proceed();
  s.Ask("m1");
  return s;
}

// Nobody in the pool: these are asked together, on a Monday at nine. Their offers begin with o2.
Story Broadcast(std::vector<std::string> mentors) {
  Story s(InDays());
  s.now = At("2026-11-02 09:00");
  s.Open();
  s.Proceed();
  s.NoneLeft();
  EXPECT_TRUE(s.OpenBroadcast(std::move(mentors)).ok());
  s.Deliver(BROADCAST);
  return s;
}

// `o1 Fri 2026-11-06 09:00`, of the last event.
std::vector<std::string> Moved(const Story& s) {
  std::vector<std::string> moved;
  for (const Event::Deadline& deadline : s.events.back().calendar_changed().deadlines()) {
    moved.push_back(deadline.id() + " " + Local(deadline.end()));
  }
  return moved;
}

TEST(Reminders, EachGoesOutInItsTime_F38) {
  Story s = Asked();
  EXPECT_EQ(Local(s.offer("o1").window_end()), "Thu 2026-11-05 09:00");
  EXPECT_EQ(Local(s.offer("o1").remind_at()), "Tue 2026-11-03 09:00");
  s.NextDueRuns();
  EXPECT_EQ(s.CountEffects("SEND(APPROACH_REMINDER,m1)"), 1);
  EXPECT_EQ(Local(s.offer("o1").remind_at()), "Wed 2026-11-04 09:00");
  s.NextDueRuns();
  EXPECT_EQ(s.CountEffects("SEND(APPROACH_REMINDER,m1)"), 2);
  EXPECT_EQ(s.offer("o1").remind_at(), 0);
  s.NextDueRuns();
  EXPECT_EQ(s.offer("o1").state(), v1::EXPIRED);
}

TEST(Reminders, ThoseThatAreLateTogetherAreOne_F38) {
  Story s = Asked();
  s.now = At("2026-11-04 12:00");
  s.NextDueRuns();
  EXPECT_EQ(s.CountEffects("SEND(APPROACH_REMINDER,m1)"), 1);
  EXPECT_EQ(s.offer("o1").remind_at(), 0);
}

TEST(Reminders, OfABroadcastGoToWhoeverHasNotAnsweredByThen_F38) {
  Story s = Broadcast({"m1", "m2"});
  s.NextDueRuns();
  ASSERT_TRUE(s.Answer("o2", false).ok());
  s.NextDueRuns();
  EXPECT_EQ(s.CountEffects("SEND(BROADCAST_REMINDER,m1)"), 1);
  EXPECT_EQ(s.CountEffects("SEND(BROADCAST_REMINDER,m2)"), 2);
  EXPECT_EQ(s.c.stage_window().remind_at(), 0);
}

TEST(CalendarChanged, AHolidayMovesWhatIsOpenAndSaysWhich_F37) {
  Story s = Asked();
  s.CloseOn({"2026-11-04"});
  EXPECT_THAT(Moved(s), ElementsAre("o1 Fri 2026-11-06 09:00"));
  EXPECT_EQ(Local(s.offer("o1").window_end()), "Fri 2026-11-06 09:00");
  EXPECT_EQ(Local(s.offer("o1").remind_at()), "Tue 2026-11-03 09:00");
  EXPECT_EQ(EventSummary(s.events.back()), "the program's calendar has changed; deadlines moved: o1");
  EXPECT_EQ(Local(ToStored(NextDue(s.c))), "Tue 2026-11-03 09:00");
  s.CloseOn({"2026-11-03"});
  EXPECT_EQ(Local(s.offer("o1").remind_at()), "Wed 2026-11-04 09:00");
  s.CloseOn({});
  EXPECT_EQ(Local(s.offer("o1").window_end()), "Thu 2026-11-05 09:00") << "as if nothing had been";
}

TEST(CalendarChanged, CountsADayThatWasForgottenFromTheStart_F37) {
  Story s = Asked();
  s.now = At("2026-11-04 10:00");
  s.NextDueRuns();
  s.CloseOn({"2026-11-03"});
  EXPECT_EQ(Local(s.offer("o1").window_end()), "Fri 2026-11-06 09:00");
}

TEST(CalendarChanged, MovesTasksButNotWhatSomebodyPutOff_F37) {
  Story s(InDays());
  s.now = At("2026-11-02 09:00");
  s.Open();
  EXPECT_EQ(Local(s.Open(v1::REVIEW_REASONS)->due()), "Wed 2026-11-04 09:00");
  s.CloseOn({"2026-11-03"});
  EXPECT_THAT(Moved(s), ElementsAre("t1 Thu 2026-11-05 09:00"));
  ASSERT_TRUE(s.Snooze("t1", absl::Hours(24 * 10)).ok());
  s.CloseOn({"2026-11-03", "2026-11-04"});
  EXPECT_THAT(Moved(s), IsEmpty());
  EXPECT_EQ(Local(s.Open(v1::REVIEW_REASONS)->due()), "Thu 2026-11-12 09:00");
}

TEST(CalendarChanged, MovesARedialWithItsTask_F37) {
  Story s = Asked();
  ASSERT_TRUE(s.Answer("o1", true).ok());
  ASSERT_TRUE(s.Confirm("o1").ok());
  ASSERT_TRUE(s.Call(v1::NO_ANSWER).ok());
  s.CloseOn({"2026-11-03"});
  const Task& call = *s.Open(v1::CALL_CANDIDATE);
  EXPECT_EQ(Local(call.due()), "Wed 2026-11-04 09:00");
  EXPECT_EQ(call.not_before(), call.due());
}

TEST(CalendarChanged, MovesABroadcastAndItsOffersAlike_F37) {
  Story s = Broadcast({"m1"});
  s.CloseOn({"2026-11-04"});
  EXPECT_EQ(Local(s.c.stage_window().end()), "Tue 2026-11-10 09:00");
  EXPECT_EQ(s.offer("o2").window_end(), s.c.stage_window().end());
  EXPECT_EQ(s.offer("o2").remind_at(), 0) << "the stage reminds";
}

TEST(CalendarChanged, SaysNothingTwiceAndIsNoNewsToAnEndedCase_F37) {
  Story s = Asked();
  s.CloseOn({"2026-11-04"});
  const size_t events = s.events.size();
  s.CloseOn({"2026-11-04"});
  EXPECT_EQ(s.events.size(), events);
}

TEST(CalendarChanged, InAPauseCountsForWhatIsLeft_F37_F44) {
  Story s = Asked();
  s.SendsAccepted();
  s.now = At("2026-11-03 08:00");  // two days and an hour are left
  ASSERT_TRUE(s.Pause().ok());
  s.CloseOn({"2026-11-04"});
  EXPECT_EQ(PauseOf(s.c), v1::PAUSED);
  s.now = At("2026-11-12 09:00");
  ASSERT_TRUE(s.Resume().ok());
  EXPECT_EQ(Local(s.offer("o1").window_end()), "Mon 2026-11-16 10:00");
  // What is left since the pause counts by the calendar of now.
  s.CloseOn({"2026-11-13"});
  EXPECT_EQ(Local(s.offer("o1").window_end()), "Tue 2026-11-17 10:00");
}

mentor::v1::Calendar EightToFour() {
  mentor::v1::Calendar calendar;
  for (int day = mentor::v1::Calendar::MONDAY; day <= mentor::v1::Calendar::FRIDAY; ++day) {
    mentor::v1::Calendar::Hours& hours = *calendar.add_hours();
    hours.set_day(static_cast<mentor::v1::Calendar::DayOfWeek>(day));
    hours.set_open("08:00");
    hours.set_close("16:00");
  }
  return calendar;
}

// What was left before working hours were known is days, not hours.
TEST(CalendarChanged, AfterAPauseADayIsADayHoweverLongItIsOpen_F37_F44) {
  Story s = Asked();
  s.now = At("2026-11-03 09:00");  // two days are left
  ASSERT_TRUE(s.Pause().ok());
  s.now = At("2026-11-10 08:00");
  ASSERT_TRUE(s.Resume().ok());
  EXPECT_EQ(Local(s.offer("o1").window_end()), "Thu 2026-11-12 08:00");
  s.CalendarIs(EightToFour());
  // Two thirds of Tuesday were counted as such: it opens as it is resumed, and two whole days end with Wednesday.
  EXPECT_EQ(Local(s.offer("o1").window_end()), "Wed 2026-11-11 16:00");
}

TEST(CalendarChanged, AWindowThatWouldHaveEndedEndsNowAndNotBefore_F37_F45) {
  Story s(InDays());
  s.now = At("2026-11-02 09:00");
  s.CloseOn({"2026-11-04", "2026-11-05"});
  s.Open();
  s.Proceed();
  s.Ask("m1");
  s.CloseOn({"2026-11-04", "2026-11-05"});
  EXPECT_EQ(Local(s.offer("o1").window_end()), "Mon 2026-11-09 09:00");
  s.now = At("2026-11-06 12:00");
  s.NextDueRuns();
  s.CloseOn({});
  EXPECT_EQ(Local(s.offer("o1").window_end()), "Fri 2026-11-06 12:00");
  s.NextDueRuns();
  EXPECT_EQ(s.offer("o1").state(), v1::EXPIRED);
}

TEST(CalendarChanged, WhatHasEndedByTheCalendarOfThenIsNotTakenUpAgain_F31_F37) {
  Story s = Asked();
  s.now = At("2026-11-05 10:00");  // an hour after the end, and no timer has come
  s.CloseOn({"2026-11-04"});
  EXPECT_EQ(s.offer("o1").state(), v1::EXPIRED);
}

// As a version without clocks kept it.
TEST(CalendarChanged, MovesWhatIsFromBeforeThereWereCalendars_F37_F38) {
  Story s = Asked();
  for (Offer& offer : *s.c.mutable_offers()) offer.clear_clock();
  for (Task& task : *s.c.mutable_tasks()) task.clear_clock();
  s.CloseOn({"2026-11-04"});
  EXPECT_EQ(Local(s.offer("o1").window_end()), "Fri 2026-11-06 09:00");
  EXPECT_EQ(Local(s.offer("o1").remind_at()), "Tue 2026-11-03 09:00");
  // One that was moved by a pause of then keeps what is left of it.
  Story moved = Asked();
  moved.c.mutable_offers(0)->clear_clock();
  moved.c.mutable_offers(0)->set_window_end(ToStored(At("2026-11-06 12:00")));
  moved.c.mutable_offers(0)->set_remind_at(0);
  moved.CloseOn({"2026-11-04"});
  EXPECT_EQ(Local(moved.offer("o1").window_end()), "Mon 2026-11-09 12:00");
  EXPECT_EQ(moved.offer("o1").remind_at(), 0) << "they were reminded";
  // A task that was overdue before stays overdue since then.
  Story overdue(InDays());
  overdue.now = At("2026-11-02 09:00");
  overdue.Open();
  overdue.c.mutable_tasks(0)->clear_clock();
  overdue.c.mutable_tasks(0)->set_due(ToStored(At("2026-11-03 12:00")));
  overdue.now = At("2026-11-06 09:00");
  overdue.CloseOn({"2026-11-04"});
  EXPECT_EQ(Local(overdue.Open(v1::REVIEW_REASONS)->due()), "Tue 2026-11-03 12:00");
}

TEST(CalendarChanged, OfACompletedCaseMovesItsTasksAndNothingElse_F37) {
  Story s = Broadcast({"m1", "m2"});
  ASSERT_TRUE(s.Answer("o2", true).ok());
  ASSERT_TRUE(s.Choose("o2").ok());
  s.Held();
  s.AgreeAndAnnounce();
  ASSERT_EQ(s.c.state(), v1::COMPLETED);
  s.CloseOn({"2026-11-03"});
  ASSERT_EQ(s.events.back().calendar_changed().deadlines_size(), 1);
  EXPECT_EQ(s.events.back().calendar_changed().deadlines(0).id(), s.Open(v1::TELL_FORMER_MENTOR)->id());
}

TEST(Pause, LeavesAloneWhatSomebodyPutOff_F44) {
  Story s(InDays());
  s.now = At("2026-11-02 09:00");
  s.Open();
  ASSERT_TRUE(s.Snooze("t1", absl::Hours(24 * 10)).ok());
  ASSERT_TRUE(s.Pause().ok());
  s.now = At("2026-11-04 09:00");
  ASSERT_TRUE(s.Resume().ok());
  EXPECT_EQ(Local(s.Open(v1::REVIEW_REASONS)->not_before()), "Thu 2026-11-12 09:00");
  EXPECT_EQ(Local(s.Open(v1::REVIEW_REASONS)->due()), "Thu 2026-11-12 09:00");
}

}  // namespace
}  // namespace rematch::request
