// A data race on purpose: a run of this program under ThreadSanitizer must report it, else a clean report of the other tests
// would mean nothing. Both sides run on the pool that requests run on, whose own locks do not order them.
#include <atomic>

#include "platform/executor.h"

namespace {

int unguarded = 0;
std::atomic<int> inside = 0;
std::atomic<int> turn = 0;

// Both threads are past their last lock before either writes, and they write one after the other: of two writes at the very same moment
// ThreadSanitizer may see neither. Relaxed counters order nothing.
void Race() {
  const int me = inside.fetch_add(1, std::memory_order_relaxed);
  while (inside.load(std::memory_order_relaxed) < 2 || turn.load(std::memory_order_relaxed) != me) {
  }
  ++unguarded;
  turn.store(me + 1, std::memory_order_relaxed);
}

}  // namespace

int main() {
  {
    rematch::platform::ThreadPool pool(2, 2);
    if (!pool.Run(Race) || !pool.Run(Race)) return 1;
  }
  return unguarded > 0 ? 0 : 1;
}
