// Windows in the working time of a program (F37): all arithmetic on it, in one pure place.
#ifndef REMATCH_REQUEST_SERVICE_DOMAIN_WORKING_TIME_H_
#define REMATCH_REQUEST_SERVICE_DOMAIN_WORKING_TIME_H_

#include <array>
#include <utility>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "rematch/mentor/v1/resources.pb.h"
#include "rematch/request/v1/resources.pb.h"

namespace rematch::request {

// A program's calendar in its time zone, ready for arithmetic. A local time that a change of the clock leaves out is the moment of the
// change; of one that comes twice, the first.
class WorkingTime {
 public:
  // Monday to Friday, all day long.
  explicit WorkingTime(absl::TimeZone zone) : WorkingTime(mentor::v1::Calendar(), zone) {}
  // `calendar` is one that mentor-service took; what cannot be read of it is left out.
  WorkingTime(const mentor::v1::Calendar& calendar, absl::TimeZone zone);

  // The end of a window that begins at `start`, as its unit says (rematch.request.v1.Window).
  absl::Time EndOfWindow(absl::Time start, const v1::Window& window) const;
  // The moment `before` ahead of `end`, counted back the same way; never before `start`.
  absl::Time BeforeEnd(absl::Time start, absl::Time end, const v1::Window& before) const;

  // How much of what `unit` counts lies between the two: of WORKING_HOURS the working time, of WORKING_DAYS 24 hours for each whole day,
  // however long it is open, and as much of them as of the day.
  absl::Duration Left(absl::Time from, absl::Time to, v1::Window::Unit unit) const;
  // When that much has passed since `from`; `from` itself for nothing.
  absl::Time After(absl::Time from, absl::Duration left, v1::Window::Unit unit) const;

  absl::TimeZone zone() const { return zone_; }

 private:
  // Minutes since midnight; equal: closed all day.
  struct Hours {
    int open = 0;
    int close = 0;
  };
  using Days = std::pair<absl::CivilDay, absl::CivilDay>;  // first and last

  bool IsWorkingDay(absl::CivilDay day) const;
  const Hours& HoursOf(absl::CivilDay day) const { return hours_[static_cast<size_t>(absl::GetWeekday(day))]; }
  absl::CivilDay NextWorkingDay(absl::CivilDay day) const;
  absl::Time LocalTimeOn(absl::CivilDay day, absl::CivilSecond time_of_day) const;
  absl::Time Opens(absl::CivilDay day) const;
  absl::Time Closes(absl::CivilDay day) const;
  // The local time of `time` on `day`, within its hours.
  absl::Time SameTimeOn(absl::CivilDay day, absl::Time time) const;
  // How much an hour of the day counts.
  double ScaleOf(absl::CivilDay day, v1::Window::Unit unit) const;
  absl::Time AfterWorking(absl::Time from, absl::Duration left, v1::Window::Unit unit) const;
  absl::Time BeforeWorking(absl::Time start, absl::Time end, absl::Duration left) const;

  absl::TimeZone zone_;
  std::array<Hours, 7> hours_;  // by absl::Weekday
  std::vector<Days> closures_;  // in order, none touching the next
  std::vector<Days> terms_;     // in order
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_DOMAIN_WORKING_TIME_H_
