// Tells ThreadSanitizer what Abseil's locks, and the counts behind shared statuses, order. The packaged Abseil is not instrumented, so
// without this every access that an absl::Mutex guards would be reported as a race. The linker (--wrap, in CMakeLists.txt here) leads the
// calls of our own code through these functions: what a thread did before it let go of a lock happened before what the next holder does.
// Nothing is suppressed: an access without the lock is still a race.
#include <sanitizer/tsan_interface.h>

#include <atomic>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

namespace {

using absl::BlockingCounter;
using absl::Condition;
using absl::CondVar;
using absl::Duration;
using absl::Mutex;
using absl::Notification;
using absl::Time;
using absl::TimeZone;

// A condition is evaluated under the lock by whichever thread holds it, often another one than waits.
struct Guarded {
  Mutex* mutex;
  const Condition* condition;
  bool Holds() {
    __tsan_acquire(mutex);
    const bool holds = condition->Eval();
    __tsan_release(mutex);
    return holds;
  }
};

// Where HasBeenNotified() looks: the second member of a Notification.
void* FlagOf(Notification* notification) { return reinterpret_cast<char*>(notification) + sizeof(Mutex); }

// Abseil looks for lock cycles in a graph of its own, behind a spin lock of its own, with memmove(), which ThreadSanitizer does see:
// the graph would be reported as raced for. The other presets look for cycles.
[[maybe_unused]] const bool no_graph = [] {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return true;
}();

// Abseil keeps the time zones that it has loaded behind a std::mutex of its own, which the first thread that loads one makes. The mutex
// ThreadSanitizer does see, but not how it comes to the next thread: it is made here, before there is any other.
[[maybe_unused]] const bool zones = [] {
  TimeZone zone;
  return absl::LoadTimeZone("Fixed/UTC+01:00:00", &zone);
}();

}  // namespace

// WRAP(RESULT, MANGLED_NAME, ARGUMENTS): `this` comes first. CMakeLists.txt reads the names from these lines for the linker.
#define REAL(name) __real_##name
#define WRAP(result, name, ...)                 \
  extern "C" result __real_##name(__VA_ARGS__); \
  extern "C" result __wrap_##name(__VA_ARGS__)

WRAP(void, _ZN4absl7debian35Mutex4LockEv, Mutex* mutex) {
  REAL(_ZN4absl7debian35Mutex4LockEv)(mutex);
  __tsan_acquire(mutex);
}
WRAP(bool, _ZN4absl7debian35Mutex7TryLockEv, Mutex* mutex) {
  const bool locked = REAL(_ZN4absl7debian35Mutex7TryLockEv)(mutex);
  if (locked) __tsan_acquire(mutex);
  return locked;
}
WRAP(void, _ZN4absl7debian35Mutex6UnlockEv, Mutex* mutex) {
  __tsan_release(mutex);
  REAL(_ZN4absl7debian35Mutex6UnlockEv)(mutex);
}
// Readers order themselves among each other too, which is more than the lock promises, but never hides a write without it.
WRAP(void, _ZN4absl7debian35Mutex10ReaderLockEv, Mutex* mutex) {
  REAL(_ZN4absl7debian35Mutex10ReaderLockEv)(mutex);
  __tsan_acquire(mutex);
}
WRAP(void, _ZN4absl7debian35Mutex12ReaderUnlockEv, Mutex* mutex) {
  __tsan_release(mutex);
  REAL(_ZN4absl7debian35Mutex12ReaderUnlockEv)(mutex);
}
WRAP(void, _ZN4absl7debian35Mutex8LockWhenERKNS0_9ConditionE, Mutex* mutex, const Condition& condition) {
  Guarded guarded{mutex, &condition};
  REAL(_ZN4absl7debian35Mutex8LockWhenERKNS0_9ConditionE)(mutex, Condition(&guarded, &Guarded::Holds));
  __tsan_acquire(mutex);
}
WRAP(void, _ZN4absl7debian35Mutex5AwaitERKNS0_9ConditionE, Mutex* mutex, const Condition& condition) {
  Guarded guarded{mutex, &condition};
  __tsan_release(mutex);
  REAL(_ZN4absl7debian35Mutex5AwaitERKNS0_9ConditionE)(mutex, Condition(&guarded, &Guarded::Holds));
  __tsan_acquire(mutex);
}
WRAP(bool, _ZN4absl7debian35Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE, Mutex* mutex, const Condition& condition,
     Duration timeout) {
  Guarded guarded{mutex, &condition};
  __tsan_release(mutex);
  const bool holds =
      REAL(_ZN4absl7debian35Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE)(mutex, Condition(&guarded, &Guarded::Holds), timeout);
  __tsan_acquire(mutex);
  return holds;
}
WRAP(bool, _ZN4absl7debian35Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE, Mutex* mutex, const Condition& condition, Time deadline) {
  Guarded guarded{mutex, &condition};
  __tsan_release(mutex);
  const bool holds =
      REAL(_ZN4absl7debian35Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE)(mutex, Condition(&guarded, &Guarded::Holds), deadline);
  __tsan_acquire(mutex);
  return holds;
}
WRAP(void, _ZN4absl7debian37CondVar4WaitEPNS0_5MutexE, CondVar* variable, Mutex* mutex) {
  __tsan_release(mutex);
  REAL(_ZN4absl7debian37CondVar4WaitEPNS0_5MutexE)(variable, mutex);
  __tsan_acquire(mutex);
}
WRAP(bool, _ZN4absl7debian37CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE, CondVar* variable, Mutex* mutex, Duration timeout) {
  __tsan_release(mutex);
  const bool timed_out = REAL(_ZN4absl7debian37CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE)(variable, mutex, timeout);
  __tsan_acquire(mutex);
  return timed_out;
}
WRAP(bool, _ZN4absl7debian37CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE, CondVar* variable, Mutex* mutex, Time deadline) {
  __tsan_release(mutex);
  const bool timed_out = REAL(_ZN4absl7debian37CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE)(variable, mutex, deadline);
  __tsan_acquire(mutex);
  return timed_out;
}
WRAP(void, _ZN4absl7debian312Notification6NotifyEv, Notification* notification) {
  __tsan_release(FlagOf(notification));
  REAL(_ZN4absl7debian312Notification6NotifyEv)(notification);
}
WRAP(bool, _ZN4absl7debian312Notification23HasBeenNotifiedInternalEPKSt6atomicIbE, const std::atomic<bool>* flag) {
  const bool notified = REAL(_ZN4absl7debian312Notification23HasBeenNotifiedInternalEPKSt6atomicIbE)(flag);
  if (notified) __tsan_acquire(const_cast<std::atomic<bool>*>(flag));
  return notified;
}
WRAP(void, _ZNK4absl7debian312Notification19WaitForNotificationEv, Notification* notification) {
  REAL(_ZNK4absl7debian312Notification19WaitForNotificationEv)(notification);
  __tsan_acquire(FlagOf(notification));
}
WRAP(bool, _ZNK4absl7debian312Notification30WaitForNotificationWithTimeoutENS0_8DurationE, Notification* notification, Duration timeout) {
  const bool notified = REAL(_ZNK4absl7debian312Notification30WaitForNotificationWithTimeoutENS0_8DurationE)(notification, timeout);
  if (notified) __tsan_acquire(FlagOf(notification));
  return notified;
}
WRAP(bool, _ZN4absl7debian315BlockingCounter14DecrementCountEv, BlockingCounter* counter) {
  __tsan_release(counter);
  return REAL(_ZN4absl7debian315BlockingCounter14DecrementCountEv)(counter);
}
WRAP(void, _ZN4absl7debian315BlockingCounter4WaitEv, BlockingCounter* counter) {
  REAL(_ZN4absl7debian315BlockingCounter4WaitEv)(counter);
  __tsan_acquire(counter);
}
// Copies of a Status share what it says; the last of them to go deletes it, after all the others have looked at it.
WRAP(void, _ZN4absl7debian36Status15UnrefNonInlinedEm, unsigned long shared) {
  __tsan_release(reinterpret_cast<void*>(shared));
  __tsan_acquire(reinterpret_cast<void*>(shared));
  REAL(_ZN4absl7debian36Status15UnrefNonInlinedEm)(shared);
}
