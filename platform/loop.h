// A background loop: one step at a time on a thread of its own, sleeping in between until the time that the step asked
// for, one second at most, or until woken. What it does is `Step()` of some object, which a simulator calls directly.
#ifndef REMATCH_PLATFORM_LOOP_H_
#define REMATCH_PLATFORM_LOOP_H_

#include <string>
#include <thread>

#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace rematch::platform {

class Loop {
 public:
  // `step` returns how long nothing will be due as far as it knows (zero: call again at once). It runs on the loop's thread.
  // Work that another replica made wakes nobody here, so a loop looks again after `longest_sleep` at the latest.
  Loop(std::string name, absl::AnyInvocable<absl::Duration()> step, absl::Duration longest_sleep = absl::Seconds(1));
  // Waits for the running step to end.
  ~Loop();
  // Makes the loop take its next step now. Never blocks; wakes that come together are one.
  void Wake();

 private:
  void Work();

  const std::string name_;
  absl::AnyInvocable<absl::Duration()> step_;
  const absl::Duration longest_sleep_;
  absl::Mutex mutex_;
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace rematch::platform

#endif  // REMATCH_PLATFORM_LOOP_H_
