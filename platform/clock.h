// Time as an argument: nothing below main reads the machine's clock by itself.
#ifndef REMATCH_PLATFORM_CLOCK_H_
#define REMATCH_PLATFORM_CLOCK_H_

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace rematch::platform {

class Clock {
 public:
  virtual ~Clock() = default;
  // The instant to store and to show, truncated to microseconds. May step when the machine's clock is set.
  virtual absl::Time Now() = 0;
  // Time since an arbitrary start, never stepping back: what leases and lateness are judged with.
  virtual absl::Duration Monotonic() = 0;
};

// The machine's clocks.
class RealClock final : public Clock {
 public:
  absl::Time Now() override;
  absl::Duration Monotonic() override;
};

// A clock that moves only when told. Thread-safe.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(absl::Time start) : now_(start) {}
  absl::Time Now() override;
  absl::Duration Monotonic() override;
  // Moves both clocks on.
  void Advance(absl::Duration by);

 private:
  absl::Mutex mutex_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_);
  absl::Duration monotonic_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace rematch::platform

#endif  // REMATCH_PLATFORM_CLOCK_H_
