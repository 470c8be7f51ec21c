// Runs what it is given when the scheduler says so, in any order.
#ifndef REMATCH_TESTS_SIMULATION_QUEUE_EXECUTOR_H_
#define REMATCH_TESTS_SIMULATION_QUEUE_EXECUTOR_H_

#include <cstddef>
#include <utility>
#include <vector>

#include "platform/executor.h"
#include "tests/simulation/chance.h"

namespace rematch::simulation {

class QueueExecutor final : public platform::Executor {
 public:
  bool Run(absl::AnyInvocable<void()> work) override {
    queue_.push_back(std::move(work));
    return true;
  }
  // One of those that wait; false when there is none.
  bool RunOne(Chance& chance) {
    if (queue_.empty()) return false;
    const auto at = queue_.begin() + chance.Pick(static_cast<int>(queue_.size()));
    absl::AnyInvocable<void()> work = std::move(*at);
    queue_.erase(at);
    std::move(work)();
    return true;
  }
  bool empty() const { return queue_.empty(); }

 private:
  std::vector<absl::AnyInvocable<void()>> queue_;
};

}  // namespace rematch::simulation

#endif  // REMATCH_TESTS_SIMULATION_QUEUE_EXECUTOR_H_
