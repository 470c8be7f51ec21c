#include "platform/group_read.h"

#include <algorithm>
#include <deque>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "platform/errors.h"

namespace rematch {
namespace {

constexpr absl::Duration kRetryAfterFull = absl::Milliseconds(100);

absl::Status ShuttingDown() { return Error(absl::StatusCode::kUnavailable, reason::kShuttingDown, "the service is shutting down"); }

}  // namespace

struct GroupReadCore::Impl {
  using Items = std::vector<std::unique_ptr<Item>>;

  Impl(GroupReadOptions o, sql::Database& d, platform::Clock& c, Handle h) : options(o), database(d), clock(c), handle(std::move(h)) {
    threads.reserve(options.threads);
    for (int i = 0; i < options.threads; ++i) threads.emplace_back([this] { Work(); });
  }

  void Work() {
    for (;;) {
      Items items;
      {
        absl::MutexLock lock(&mutex);
        const auto queued = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) { return stopping || !queue.empty(); };
        mutex.Await(absl::Condition(&queued));
        // As in group_commit.cc: a small batch waits for the one that runs.
        const auto worth = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
          return stopping || running == 0 || queue.size() >= options.max_batch / 2;
        };
        mutex.AwaitWithTimeout(absl::Condition(&worth), options.let_gather);
        if (stopping) return;
        if (queue.empty()) continue;
        items = TakeBatch();
        ++running;
      }
      Run(std::move(items));
      absl::MutexLock lock(&mutex);
      --running;
    }
  }

  Items TakeBatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    const auto count = static_cast<std::ptrdiff_t>(std::min(queue.size(), options.max_batch));
    Items items(std::make_move_iterator(queue.begin()), std::make_move_iterator(queue.begin() + count));
    queue.erase(queue.begin(), queue.begin() + count);
    return items;
  }

  void Run(Items items) {
    const absl::Time now = clock.Now();
    std::erase_if(items, [now](const std::unique_ptr<Item>& item) {
      if (item->deadline > now) return false;
      item->Answer(Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadlinePassed, "the deadline passed before the call ran"));
      return true;
    });
    if (items.empty()) return;
    const absl::Status status = Read(items);
    // One that the store refuses is not the others' fault; a store that is away is away for all.
    const bool apart =
        items.size() > 1 && (sql::FailureOf(status) == sql::Failure::kSplit || sql::FailureOf(status) == sql::Failure::kNone);
    if (status.ok() || !apart) {
      for (const std::unique_ptr<Item>& item : items) item->Answer(status);
      return;
    }
    for (std::unique_ptr<Item>& item : items) {
      Items alone;
      alone.push_back(std::move(item));
      const absl::Status own = Read(alone);
      alone.front()->Answer(own);
    }
  }

  absl::Status Read(const Items& items) {
    std::vector<void*> queries;
    queries.reserve(items.size());
    for (const std::unique_ptr<Item>& item : items) queries.push_back(item->query());
    const auto body = [&](sql::Transaction& tx) { return handle(tx, queries); };
    return options.one_snapshot ? database.Read(body) : database.ReadEach(body);
  }

  void Stop() {
    {
      absl::MutexLock lock(&mutex);
      stopping = true;
    }
    for (std::thread& thread : threads) thread.join();
    std::deque<std::unique_ptr<Item>> left;
    {
      absl::MutexLock lock(&mutex);
      left.swap(queue);
    }
    for (const std::unique_ptr<Item>& item : left) item->Answer(ShuttingDown());
  }

  const GroupReadOptions options;
  sql::Database& database;
  platform::Clock& clock;
  Handle handle;
  absl::Mutex mutex;
  bool stopping ABSL_GUARDED_BY(mutex) = false;
  int running ABSL_GUARDED_BY(mutex) = 0;  // batches
  std::deque<std::unique_ptr<Item>> queue ABSL_GUARDED_BY(mutex);
  std::vector<std::thread> threads;
};

GroupReadCore::GroupReadCore(GroupReadOptions options, sql::Database& database, platform::Clock& clock, Handle handle)
    : impl_(std::make_unique<Impl>(options, database, clock, std::move(handle))) {}

GroupReadCore::~GroupReadCore() { impl_->Stop(); }

void GroupReadCore::Submit(std::unique_ptr<Item> item) {
  absl::Status refused;
  {
    absl::MutexLock lock(&impl_->mutex);
    if (impl_->stopping) {
      refused = ShuttingDown();
    } else if (impl_->queue.size() >= impl_->options.max_queue) {
      refused = ErrorWithRetry(absl::StatusCode::kResourceExhausted, reason::kQueueFull, "too many requests at once", kRetryAfterFull);
    } else {
      impl_->queue.push_back(std::move(item));
      return;
    }
  }
  item->Answer(refused);
}

bool GroupReadCore::RunOnce() {
  Impl::Items items;
  {
    absl::MutexLock lock(&impl_->mutex);
    items = impl_->TakeBatch();
  }
  if (items.empty()) return false;
  impl_->Run(std::move(items));
  return true;
}

}  // namespace rematch
