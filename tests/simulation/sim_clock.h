// Virtual time: one for the world, and a clock for each process, which may be wrong and may be set.
#ifndef REMATCH_TESTS_SIMULATION_SIM_CLOCK_H_
#define REMATCH_TESTS_SIMULATION_SIM_CLOCK_H_

#include "absl/time/time.h"
#include "platform/clock.h"

namespace rematch::simulation {

struct SimTime {
  absl::Time now;
  absl::Duration monotonic;

  void Advance(absl::Duration by) {
    now += by;
    monotonic += by;
  }
};

class SimClock final : public platform::Clock {
 public:
  explicit SimClock(const SimTime& time) : time_(time) {}
  absl::Time Now() override { return time_.now + wrong_by_; }
  absl::Duration Monotonic() override { return time_.monotonic; }
  void SetWrongBy(absl::Duration by) { wrong_by_ = by; }

 private:
  const SimTime& time_;
  absl::Duration wrong_by_;
};

}  // namespace rematch::simulation

#endif  // REMATCH_TESTS_SIMULATION_SIM_CLOCK_H_
