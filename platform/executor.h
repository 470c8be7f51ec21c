// Where work runs that may block: a gRPC reaction never does.
#ifndef REMATCH_PLATFORM_EXECUTOR_H_
#define REMATCH_PLATFORM_EXECUTOR_H_

#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"

namespace rematch::platform {

class Executor {
 public:
  virtual ~Executor() = default;
  // Runs `work` some time later or right now, once. False when the executor is full or stopping; then `work` never runs.
  virtual bool Run(absl::AnyInvocable<void()> work) = 0;
};

// A fixed number of threads over one bounded queue. The destructor finishes what is queued.
class ThreadPool final : public Executor {
 public:
  ThreadPool(int threads, size_t max_queued);
  ~ThreadPool() override;
  bool Run(absl::AnyInvocable<void()> work) override;

 private:
  void Work();

  const size_t max_queued_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<absl::AnyInvocable<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

// Runs everything at once on the caller's thread: for tests and simulation.
class InlineExecutor final : public Executor {
 public:
  bool Run(absl::AnyInvocable<void()> work) override {
    std::move(work)();
    return true;
  }
};

}  // namespace rematch::platform

#endif  // REMATCH_PLATFORM_EXECUTOR_H_
