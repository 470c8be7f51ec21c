#include "platform/clock.h"

#include <chrono>

#include "absl/time/clock.h"

namespace rematch::platform {

absl::Time RealClock::Now() { return absl::FromUnixMicros(absl::ToUnixMicros(absl::Now())); }

absl::Duration RealClock::Monotonic() { return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch()); }

absl::Time ManualClock::Now() {
  absl::MutexLock lock(&mutex_);
  return absl::FromUnixMicros(absl::ToUnixMicros(now_));
}

absl::Duration ManualClock::Monotonic() {
  absl::MutexLock lock(&mutex_);
  return monotonic_;
}

void ManualClock::Advance(absl::Duration by) {
  absl::MutexLock lock(&mutex_);
  now_ += by;
  monotonic_ += by;
}

}  // namespace rematch::platform
