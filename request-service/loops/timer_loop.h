// Submits what time does: one command for every case whose timer is due. Whether something is really due is the state machine's to say.
#ifndef REMATCH_REQUEST_SERVICE_LOOPS_TIMER_LOOP_H_
#define REMATCH_REQUEST_SERVICE_LOOPS_TIMER_LOOP_H_

#include <atomic>
#include <cstdint>

#include "absl/time/time.h"
#include "platform/clock.h"
#include "platform/leases.h"
#include "platform/metrics.h"
#include "request-service/store/case_command.h"
#include "request-service/store/work_store.h"

namespace rematch::request {

// Step() is called by one thread at a time.
class TimerLoop {
 public:
  TimerLoop(CaseDoor& door, WorkStore& work, platform::Leases& leases, platform::Clock& clock, platform::Metrics& metrics)
      : door_(door), work_(work), leases_(leases), clock_(clock), metrics_(metrics) {}

  // Takes over due timers that are nobody's, runs all that are due, and returns for how long none will be. A timer that is refused comes
  // again later, ever less often, and in the end is set aside.
  absl::Duration Step();
  // Whether Step() should be called before the time it asked for, since a timer was set for `due`. Thread-safe.
  bool IsSooner(absl::Time due) const { return sql::ToMicros(due) < next_.load(); }

 private:
  CaseDoor& door_;
  WorkStore& work_;
  platform::Leases& leases_;
  platform::Clock& clock_;
  platform::Metrics& metrics_;
  absl::Time last_claim_ = absl::InfinitePast();
  std::atomic<int64_t> next_{INT64_MAX};
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_LOOPS_TIMER_LOOP_H_
