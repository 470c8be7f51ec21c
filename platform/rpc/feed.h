// The server's side of a watch: a stream that answers with what is new, again and again, until there is an end. A service has one FeedHub;
// a watch method reads
//
//   grpc::ServerWriteReactor<Delivery>* WatchDeliveries(grpc::CallbackServerContext* context,
//                                                       const WatchDeliveriesRequest* request) override {
//     return hub_.Watch<Delivery>(context, request,
//         [this, after = request->after_position()](const rpc::Call& call, const WatchDeliveriesRequest& request, bool* end) mutable
//             -> absl::StatusOr<std::vector<Delivery>> {
//           ...     // what is new since the last time, in order; advance `after`; *end = true when there will be no more
//         });
//   }
//
// The poll function runs on the executor for blocking work, never twice at a time, first when the call begins, then whenever the hub is
// woken and at every interval. What it returns is redacted by the guard and written message by message; the next poll waits until all
// of it went out, so a slow reader holds back nobody but itself. The stream ends with OK after `*end`, with the status of a poll
// that failed, with CANCELLED when the client went away, and with UNAVAILABLE / SHUTTING_DOWN when the hub stops.
#ifndef REMATCH_PLATFORM_RPC_FEED_H_
#define REMATCH_PLATFORM_RPC_FEED_H_

#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "platform/loop.h"
#include "platform/rpc/call.h"

namespace rematch::rpc {

// One open watch, as the hub sees it.
class OpenFeed {
 public:
  virtual ~OpenFeed() = default;
  // Polls soon. Never blocks.
  virtual void Wake() = 0;
  // Ends the stream with `status` as soon as nothing of it is running. Never blocks; the first end given counts.
  virtual void End(absl::Status status) = 0;
};

// The open watches of a service, and the thread that wakes them. Thread-safe. `calls` outlives it.
class FeedHub {
 public:
  explicit FeedHub(Calls& calls, absl::Duration interval = absl::Milliseconds(250));
  // Stops, and waits until every watch is over.
  ~FeedHub();

  // Begins a watch; see above. `poll(call, request, bool* end) -> absl::StatusOr<std::vector<Response>>`; the deadline of `call` is that
  // of one poll. `request` is valid throughout.
  template <typename Response, typename Request, typename Poll>
  grpc::ServerWriteReactor<Response>* Watch(grpc::CallbackServerContext* context, const Request* request, Poll poll);

  // Something new may be there: all watches poll now. Never blocks; wakes that come together are one.
  void Wake() { loop_.Wake(); }
  // Ends all watches, those begun later included. Does not wait for them.
  void Stop();

  // How many watches are open.
  size_t open() const;

 private:
  template <typename Response>
  friend class Feed;

  void Add(std::shared_ptr<OpenFeed> feed);
  void Remove(const std::shared_ptr<OpenFeed>& feed);
  absl::Duration WakeAll();

  Calls& calls_;
  const absl::Duration interval_;
  mutable absl::Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  absl::flat_hash_set<std::shared_ptr<OpenFeed>> feeds_ ABSL_GUARDED_BY(mutex_);
  platform::Loop loop_;  // the last: it calls WakeAll() until it is gone
};

// One watch. It lives until gRPC is done with it (OnDone) and whatever else still holds it, a poll or the hub's round, has let go.
template <typename Response>
class Feed final : public grpc::ServerWriteReactor<Response>, public OpenFeed, public std::enable_shared_from_this<Feed<Response>> {
 public:
  using Poll = absl::AnyInvocable<absl::StatusOr<std::vector<Response>>(const Call&, bool*)>;

  Feed(FeedHub& hub, std::string_view method, Poll poll)
      : hub_(hub), calls_(hub.calls_), method_(method), started_(calls_.clock().Monotonic()), poll_(std::move(poll)) {}

  // Before the method returns the reactor to gRPC.
  void Start(absl::StatusOr<Call> call) {
    std::shared_ptr<Feed> self = this->shared_from_this();
    {
      absl::MutexLock lock(&mutex_);
      self_ = self;
    }
    if (call.ok()) {
      call_ = *std::move(call);
    } else {
      End(call.status());
    }
    hub_.Add(self);
    Wake();
  }

  void Wake() override {
    {
      absl::MutexLock lock(&mutex_);
      woken_ = true;
      if (!MayPoll()) return;
      BeginPoll();
    }
    Submit();
  }

  void End(absl::Status status) override {
    absl::MutexLock lock(&mutex_);
    if (!end_.has_value()) end_ = std::move(status);
    FinishIfIdle();
  }

  void OnCancel() override { End(Error(absl::StatusCode::kCancelled, "CANCELLED", "the client went away")); }

  void OnWriteDone(bool ok) override {
    {
      absl::MutexLock lock(&mutex_);
      writing_ = false;
      // The status is not seen by anybody: the stream is broken.
      if (!ok && !end_.has_value()) end_ = Error(absl::StatusCode::kCancelled, "CANCELLED", "the client went away");
      WriteNext();
      if (!MayPoll() || !woken_) return;
      BeginPoll();
    }
    Submit();
  }

  void OnDone() override {
    absl::Status status;
    std::shared_ptr<Feed> self;
    {
      absl::MutexLock lock(&mutex_);
      status = *end_;
      self = std::move(self_);
    }
    calls_.Ended(method_, started_, status);
    // The hub may go as soon as this is removed.
    hub_.Remove(self);
  }

 private:
  bool MayPoll() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !polling_ && !writing_ && pending_.empty() && !last_ && !end_.has_value();
  }

  void BeginPoll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    polling_ = true;
    woken_ = false;
  }

  // Not under the lock: an executor may run the poll right here.
  void Submit() {
    if (calls_.blocking().Run([self = this->shared_from_this()] { self->RunPoll(); })) return;
    // Too much to do elsewhere: the hub's next round tries again.
    absl::MutexLock lock(&mutex_);
    polling_ = false;
    FinishIfIdle();
  }

  void RunPoll() {
    Call call = call_;
    call.deadline = calls_.clock().Now() + calls_.options().default_deadline;
    bool last = false;
    absl::StatusOr<std::vector<Response>> found = poll_(call, &last);
    if (found.ok()) {
      for (Response& response : *found) calls_.guard().Redact(call, response);
    }
    {
      absl::MutexLock lock(&mutex_);
      polling_ = false;
      if (!found.ok()) {
        if (!end_.has_value()) end_ = found.status();
      } else {
        last_ = last;
        for (Response& response : *found) pending_.push_back(std::move(response));
      }
      WriteNext();
      if (!MayPoll() || !woken_) return;
      BeginPoll();
    }
    Submit();
  }

  // Writes what is pending, or finishes when that was all.
  void WriteNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!end_.has_value() && !pending_.empty()) {
      current_ = std::move(pending_.front());
      pending_.pop_front();
      writing_ = true;
      this->StartWrite(&current_);
      return;
    }
    if (!end_.has_value() && last_) end_ = absl::OkStatus();
    FinishIfIdle();
  }

  void FinishIfIdle() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    // While a poll runs it uses the request, which gRPC frees after Finish(); while a write runs it uses `current_`.
    if (!end_.has_value() || polling_ || writing_ || finished_) return;
    finished_ = true;
    this->Finish(ToGrpc(*end_));
  }

  FeedHub& hub_;
  Calls& calls_;
  const std::string_view method_;
  const absl::Duration started_;
  Call call_;
  Poll poll_;  // called by one RunPoll() at a time
  absl::Mutex mutex_;
  std::shared_ptr<Feed> self_ ABSL_GUARDED_BY(mutex_);  // for as long as gRPC may call
  bool polling_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;  // since the running poll began
  bool last_ ABSL_GUARDED_BY(mutex_) = false;   // `pending_` is the end
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<Response> pending_ ABSL_GUARDED_BY(mutex_);
  Response current_;  // being written
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
};

template <typename Response, typename Request, typename Poll>
grpc::ServerWriteReactor<Response>* FeedHub::Watch(grpc::CallbackServerContext* context, const Request* request, Poll poll) {
  auto feed = std::make_shared<Feed<Response>>(
      *this, MethodOf<Request>(),
      [request, poll = std::move(poll)](const Call& call, bool* end) mutable { return poll(call, *request, end); });
  feed->Start(calls_.Begin(context, MethodOf<Request>()));
  return feed.get();
}

}  // namespace rematch::rpc

#endif  // REMATCH_PLATFORM_RPC_FEED_H_
