// The one door for changes: commands that arrive while a batch commits form the next batch, so an idle service adds no delay
// and a busy one pays for one transaction per batch. docs/adr has the figures behind it. Several batches run side by side only when there
// is half a batch for each, or when one takes unusually long.
//
//   GroupCommit<mentor::Command> door(options, database, handler, clock, random);
//   door.Submit({.scope = ..., .request_id = ..., .body_hash = ..., .deadline = ...}, std::move(command),
//               [](absl::StatusOr<std::string> reply) { ... });
//
// A batch, in one transaction:
//   1. hands its commands to the service's BatchHandler, which locks rows in one global order, decides, and writes. Duplicates inside the
//      batch wait for the first of them.
//   2. looks whether what was refused took place before: then its answer is the reply of that time.
//   3. stores the replies of the commands that were carried out under their request ids. A refusal leaves nothing, so the same request
//      may be made again; but one that is Lasting() is stored like a reply, and given again.
// An id that is there already shows a request that was answered for good before, and undoes the batch. Then, and after a commit of unknown
// outcome, it is run again with its ids claimed first: sorted INSERT IGNORE, then a locking read that compares body hashes. A duplicate of
// a command that took place gets that one's reply; the same id with another body gets REQUEST_ID_REUSED; the rest is handed to the handler,
// and the claims of the refused are given up. The next few batches claim first, too, since repetitions rarely come alone. Failures by
// sql::Failure: kRetry and kUnknownCommit run the batch again, after a random pause that grows; kSplit halves the batch until the bad
// command stands alone; kConflict claims first, then runs the batch again, then halves it; kLockWait halves it, and the command that stands
// alone is left until the others are done, then waits as for kUnavailable, which is retried until the deadlines and `max_retry` run out. A
// command whose deadline passed is dropped before it runs. A full queue answers RESOURCE_EXHAUSTED with RetryInfo, and timers are let in
// only while half of the queue is free for people. People go first, but an eighth of a batch is kept for the timers that have waited
// longest, so that a door that is never quiet does not hold up time.
//
// The claims are rows of this table, which each service's first migration makes (body_hash is hex; a NULL reply is never committed; a
// refusal is a zero byte, with which no message begins, and a google.rpc.Status):
//   CREATE TABLE requests (scope VARCHAR(255) NOT NULL, request_id VARCHAR(128) NOT NULL, attempt VARCHAR(64) NOT NULL,
//                          body_hash VARCHAR(64) NOT NULL, reply LONGBLOB, created BIGINT NOT NULL, PRIMARY KEY (scope, request_id));
#ifndef REMATCH_PLATFORM_GROUP_COMMIT_H_
#define REMATCH_PLATFORM_GROUP_COMMIT_H_

#include <any>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "platform/clock.h"
#include "platform/ids.h"
#include "platform/sql/database.h"

namespace rematch {

enum class Priority {
  kPeople,  // somebody waits for the answer, or a peer's answer: admitted until the queue is full
  kTimer,   // admitted only while half of the queue is free
};

struct CommandMeta {
  // Where the request id is unique: the consortium for creates, the resource for commands on one.
  std::string scope;
  // Empty: the command is its own guard against repetition (a timer, checked against the state).
  std::string request_id;
  // SHA-256 of what the caller asked for, in hex.
  std::string body_hash;
  absl::Time deadline = absl::InfiniteFuture();
  Priority priority = Priority::kPeople;
};

// What a batch came to. `replies` has one entry per command, in order: the bytes of a message to answer (and remember), or the refusal.
struct BatchResult {
  std::vector<absl::StatusOr<std::string>> replies;
  // Called once after the commit, on the committing thread, before the replies go out: to wake loops, to hand on work. Optional.
  // After a commit of unknown outcome it is called if a claim of the batch shows that it took place. A batch without request ids shows
  // nothing, so whoever hands on work also looks in the store for what is its own.
  absl::AnyInvocable<void()> committed;
};

// A refusal that was acted on: whoever makes the same request once more is refused once more, though what it rested on may have changed.
// For commands whose late copy must not do what the caller was told was not done, and which have no other guard against that.
absl::Status Lasting(absl::Status refusal);

// Counts what a door does; implemented over Prometheus by platform/metrics.h. Thread-safe.
class GroupCommitObserver {
 public:
  virtual ~GroupCommitObserver() = default;
  // A batch was committed; `took` includes its retries and their pauses.
  virtual void Batch(size_t commands, absl::Duration took) {}
  // Once a command: how long it waited for its first batch.
  virtual void Waited(absl::Duration in_queue) {}
  virtual void Retried() {}
  virtual void Split() {}
};

struct GroupCommitOptions {
  size_t max_batch = 64;
  size_t max_queue = 4096;
  // Threads that commit; -1: database.writers(); 0: none, RunOnce() is called by a simulator or a test.
  int threads = -1;
  // How long a batch that is less than half full waits for one that runs: longer than a commit takes, unless the store or a lock is in the
  // way, which those behind it need not wait for.
  absl::Duration let_gather = absl::Milliseconds(10);
  int max_attempts = 8;                          // of one batch, for kRetry and kUnknownCommit
  absl::Duration max_retry = absl::Seconds(10);  // how long kUnavailable and kLockWait are retried
  absl::Duration first_pause = absl::Milliseconds(2);
};

// The untyped engine; use GroupCommit<Command> below.
class GroupCommitCore {
 public:
  using Reply = absl::AnyInvocable<void(absl::StatusOr<std::string>)>;
  using Handle = absl::AnyInvocable<absl::StatusOr<BatchResult>(sql::Transaction&, absl::Span<void* const>)>;
  // Deletes what a command pointer points to.
  using Destroy = void (*)(void*);

  GroupCommitCore(GroupCommitOptions options, sql::Database& database, Handle handle, Destroy destroy, platform::Clock& clock,
                  platform::Random& random, GroupCommitObserver* observer);
  // Answers what is still queued with UNAVAILABLE, after the running batches have ended.
  ~GroupCommitCore();

  // `alone`: in a batch of its own.
  void Submit(CommandMeta meta, void* command, bool alone, Reply reply);
  bool RunOnce();
  void BeginDrain();
  void Drain();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// `Handler` has
//   absl::StatusOr<BatchResult> Run(sql::Transaction& tx, absl::Span<Command* const> batch);
// which MUST NOT keep state across calls, since the batch may be split or run again, and must refuse a command (an error in
// `replies`) before it has written anything for it. An error returned from Run() itself fails the transaction.
// It is called from several threads at once when the database has several writers.
// `Command` may have `bool StandsAlone() const`: one that does gets a batch of its own, as when what is loaded for it is not what others
// need.
template <typename Command>
class GroupCommit {
 public:
  template <typename Handler>
  GroupCommit(GroupCommitOptions options, sql::Database& database, Handler& handler, platform::Clock& clock, platform::Random& random,
              GroupCommitObserver* observer = nullptr)
      : core_(
            options, database,
            [&handler](sql::Transaction& tx, absl::Span<void* const> batch) {
              std::vector<Command*> typed;
              typed.reserve(batch.size());
              for (void* command : batch) typed.push_back(static_cast<Command*>(command));
              return handler.Run(tx, typed);
            },
            [](void* command) { delete static_cast<Command*>(command); }, clock, random, observer) {}

  // Never blocks. `reply` is called exactly once, after the commit, on a committing thread (or at once when refused at the door).
  void Submit(CommandMeta meta, Command command, GroupCommitCore::Reply reply) {
    bool alone = false;
    if constexpr (requires { command.StandsAlone(); }) alone = command.StandsAlone();
    core_.Submit(std::move(meta), new Command(std::move(command)), alone, std::move(reply));
  }
  // Submit() and wait. Not for gRPC reactions. With threads = 0 it runs the batch itself.
  absl::StatusOr<std::string> Commit(CommandMeta meta, Command command);
  // Runs one batch on the caller's thread; false if nothing was queued. Only with threads = 0.
  bool RunOnce() { return core_.RunOnce(); }
  // From now on a store that is not available is waited for no more: its commands are answered with UNAVAILABLE at once. Commands are
  // still taken, since calls in flight have yet to end.
  void BeginDrain() { core_.BeginDrain(); }
  // BeginDrain(), then refuses new commands with UNAVAILABLE and waits until what was queued is answered.
  void Drain() { core_.Drain(); }

 private:
  GroupCommitCore core_;
};

template <typename Command>
absl::StatusOr<std::string> GroupCommit<Command>::Commit(CommandMeta meta, Command command) {
  struct Waiter {
    absl::Mutex mutex;
    bool done ABSL_GUARDED_BY(mutex) = false;
    absl::StatusOr<std::string> reply ABSL_GUARDED_BY(mutex);
  };
  auto waiter = std::make_shared<Waiter>();
  Submit(std::move(meta), std::move(command), [waiter](absl::StatusOr<std::string> reply) {
    absl::MutexLock lock(&waiter->mutex);
    waiter->reply = std::move(reply);
    waiter->done = true;
  });
  while (RunOnce()) {
  }
  absl::MutexLock lock(&waiter->mutex);
  waiter->mutex.Await(absl::Condition(&waiter->done));
  return waiter->reply;
}

}  // namespace rematch

#endif  // REMATCH_PLATFORM_GROUP_COMMIT_H_
