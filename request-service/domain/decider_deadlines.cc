// Deadlines: ends of windows, reminders and due times, each with the clock that it is counted by (F37).
#include "request-service/domain/decider.h"

#include <algorithm>
#include <string>
#include <utility>

#include "platform/errors.h"
#include "request-service/domain/case_view.h"

namespace rematch::request {

Clock Decider::StartClock(const v1::Window& window, const Reminders& reminders) const {
  Clock clock;
  clock.set_from(now());
  *clock.mutable_window() = window;
  *clock.mutable_reminders() = reminders;
  clock.set_end(ToStored(EndOf(clock)));
  return clock;
}

// From before deadlines had clocks, or moved by a replica of then: they counted Monday to Friday.
Clock Decider::ClockOf(const Clock& kept, int64_t end, int64_t began, const v1::Window& window) const {
  if (kept.from() != 0 && kept.end() == end) return kept;
  absl::TimeZone zone = absl::UTCTimeZone();
  absl::LoadTimeZone(c_.time_zone(), &zone);
  const WorkingTime before(zone);
  Clock clock;
  *clock.mutable_window() = window;
  clock.set_from(began);
  if (ToStored(before.EndOfWindow(FromStored(began), window)) != end) {
    clock.set_from(std::min(now(), end));
    clock.set_left(absl::ToInt64Microseconds(before.Left(now_, FromStored(end), window.unit())));
  }
  return clock;
}

Clock Decider::ClockOf(const Clock& kept, int64_t end, int64_t began, const Stage& stage, int64_t remind_at) const {
  Clock clock = ClockOf(kept, end, began, stage.has_window() ? stage.window() : policy_->task_due_after());
  if (remind_at == 0) {
    clock.clear_reminders();
  } else if (kept.from() == 0) {
    *clock.mutable_reminders() = stage.remind_before();
  }
  return clock;
}

absl::Time Decider::EndOf(const Clock& clock) const {
  const absl::Time from = FromStored(clock.from());
  return clock.has_left() ? time_.After(from, absl::Microseconds(clock.left()), clock.window().unit())
                          : time_.EndOfWindow(from, clock.window());
}

int64_t Decider::RemindAt(const Clock& clock) const {
  if (clock.reminders().empty()) return 0;
  return ToStored(time_.BeforeEnd(FromStored(clock.from()), FromStored(clock.end()), clock.reminders(0)));
}

google::protobuf::RepeatedPtrField<Event::Deadline> Decider::CountAgain(Recount recount) const {
  google::protobuf::RepeatedPtrField<Event::Deadline> moved;
  const auto count = [&](const std::string& id, Clock clock, int64_t was, int64_t not_before) {
    recount(clock, was);
    clock.set_end(std::max(ToStored(EndOf(clock)), not_before));
    Event::Deadline deadline;
    deadline.set_id(id);
    deadline.set_end(clock.end());
    deadline.set_remind_at(RemindAt(clock));
    *deadline.mutable_clock() = std::move(clock);
    return deadline;
  };
  const auto add = [&](Event::Deadline deadline, int64_t was, int64_t was_reminded_at) {
    if (deadline.end() != was || deadline.remind_at() != was_reminded_at) *moved.Add() = std::move(deadline);
  };
  // A window that would have ended already ends now, or has nothing left when the pause ends. In a case that has ended none runs.
  const int64_t earliest = c_.paused() != 0 ? c_.paused() : now();
  const StageWindow& window = c_.stage_window();
  int64_t end_of_stage = window.end();
  if (!HasEnded(c_) && !window.over() && window.end() != 0) {
    const Event::Deadline deadline =
        count("", ClockOf(window.clock(), window.end(), window.opened(), stage(), window.remind_at()), window.end(), earliest);
    end_of_stage = deadline.end();
    add(deadline, window.end(), window.remind_at());
  }
  const Stage* individual = IndividualStage();
  for (const Offer& offer : c_.offers()) {
    if (HasEnded(c_) || offer.state() != v1::OPEN || offer.window_end() == 0) continue;
    if (IsOfBroadcast(offer)) {
      // Its clock and its reminders are the stage's.
      Event::Deadline deadline;
      deadline.set_id(offer.id());
      deadline.set_end(end_of_stage);
      add(std::move(deadline), offer.window_end(), offer.remind_at());
      continue;
    }
    const Stage& by = individual != nullptr ? *individual : stage();
    add(count(offer.id(), ClockOf(offer.clock(), offer.window_end(), offer.opened(), by, offer.remind_at()), offer.window_end(), earliest),
        offer.window_end(), offer.remind_at());
  }
  for (const Task& task : c_.tasks()) {
    if (task.ended() != 0 || task.due() == 0) continue;
    // What somebody put off stays where they put it.
    if (!task.redial() && task.not_before() == task.due()) continue;
    Event::Deadline deadline =
        count(task.id(), ClockOf(task.clock(), task.due(), task.created(), policy_->task_due_after()), task.due(), 0);
    deadline.set_remind_at(task.redial() ? deadline.end() : task.not_before());
    add(std::move(deadline), task.due(), task.not_before());
  }
  return moved;
}

}  // namespace rematch::request
