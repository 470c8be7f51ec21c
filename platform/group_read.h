// Reads that arrive together share a transaction and its statements, as commands share one in group_commit.h. No timer: queries that
// arrive while all threads are busy form the next batch, so an idle service adds no delay. A query joins only a batch that has not begun,
// and a batch begins its snapshot after it was formed: whoever was told of a write reads it.
//
//   GroupRead<Query> reads({}, database, clock, [](sql::Transaction& tx, absl::Span<Query* const> batch) -> absl::Status {
//     ...one statement a table for all of them; fills in what each query asked for...
//   });
//   reads.Submit(deadline, Query{...}, [done](absl::Status status, Query& query) { done(...); });
#ifndef REMATCH_PLATFORM_GROUP_READ_H_
#define REMATCH_PLATFORM_GROUP_READ_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "platform/clock.h"
#include "platform/sql/database.h"

namespace rematch {

struct GroupReadOptions {
  size_t max_batch = 64;
  size_t max_queue = 8192;
  // As in GroupCommitOptions; longer than a read takes, unless the store is in the way.
  absl::Duration let_gather = absl::Milliseconds(2);
  // Whether all statements of a batch see one snapshot of the store; if not, it is spared a transaction (Database::ReadEach()).
  bool one_snapshot = true;
  // Threads that read; 0: none, RunOnce() is called by a simulator or a test.
  int threads = 4;
};

inline GroupReadOptions WithoutSnapshot(GroupReadOptions options) {
  options.one_snapshot = false;
  return options;
}

// The untyped engine; use GroupRead<Query> below.
class GroupReadCore {
 public:
  class Item {
   public:
    virtual ~Item() = default;
    virtual void* query() = 0;
    // Called once.
    virtual void Answer(absl::Status status) = 0;
    absl::Time deadline = absl::InfiniteFuture();
  };
  using Handle = absl::AnyInvocable<absl::Status(sql::Transaction&, absl::Span<void* const>)>;

  GroupReadCore(GroupReadOptions options, sql::Database& database, platform::Clock& clock, Handle handle);
  // Answers what is still queued with UNAVAILABLE, after the running batches have ended.
  ~GroupReadCore();

  void Submit(std::unique_ptr<Item> item);
  bool RunOnce();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Thread-safe.
template <typename Query>
class GroupRead {
 public:
  // Called from several threads at once, and again for a batch whose connection broke or of which one query fails: it overwrites what an
  // earlier call has filled in. An error is that of the whole batch; what is wrong with one query is noted in the query.
  template <typename Handler>
  GroupRead(GroupReadOptions options, sql::Database& database, platform::Clock& clock, Handler handler)
      : core_(options, database, clock, [handler = std::move(handler)](sql::Transaction& tx, absl::Span<void* const> batch) {
          std::vector<Query*> typed;
          typed.reserve(batch.size());
          for (void* query : batch) typed.push_back(static_cast<Query*>(query));
          return handler(tx, absl::Span<Query* const>(typed));
        }) {}

  // Never blocks. `answer(absl::Status, Query&)` is called once, on a reading thread (or at once when refused): OK when the handler has
  // filled in the query; DEADLINE_EXCEEDED if `deadline` passed before it began; RESOURCE_EXHAUSTED with RetryInfo when too many wait.
  template <typename Done>
  void Submit(absl::Time deadline, Query query, Done answer) {
    auto item = std::make_unique<Typed<Done>>(std::move(query), std::move(answer));
    item->deadline = deadline;
    core_.Submit(std::move(item));
  }
  // Runs one batch on the caller's thread; false if nothing was queued. Only with threads = 0.
  bool RunOnce() { return core_.RunOnce(); }

 private:
  template <typename Done>
  class Typed final : public GroupReadCore::Item {
   public:
    Typed(Query query, Done answer) : query_(std::move(query)), answer_(std::move(answer)) {}
    void* query() override { return &query_; }
    void Answer(absl::Status status) override { answer_(std::move(status), query_); }

   private:
    Query query_;
    Done answer_;
  };

  GroupReadCore core_;
};

}  // namespace rematch

#endif  // REMATCH_PLATFORM_GROUP_READ_H_
