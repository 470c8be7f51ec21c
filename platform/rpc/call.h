// One wrapper around every unary handler: who calls, may they, how long, what came of it. A service's methods read
//
//   grpc::ServerUnaryReactor* GetMentor(grpc::CallbackServerContext* context, const GetMentorRequest* request,
//                                       Mentor* response) override {
//     return calls_.Blocking(context, request, response, [this](const rpc::Call& call, const GetMentorRequest& request) {
//       return reader_.GetMentor(call, request);       // absl::StatusOr<Mentor>, on the pool for blocking work
//     });
//   }
//   grpc::ServerUnaryReactor* HoldSeat(...) override {
//     return calls_.Deferred(context, request, response, [this](const rpc::Call& call, const HoldSeatRequest& request, rpc::Done<Seat>
//     done) {
//       ...door_.Submit(..., [done](auto reply) { done(...); });   // must not block
//     });
//   }
//
// The wrapper reads the caller from the request's metadata, asks `Guard` whether this role may call this method, bounds the
// deadline, counts and times the call by method and code, logs errors and slow calls (never their content), and lets the guard
// take out of the response what this caller may not read.
#ifndef REMATCH_PLATFORM_RPC_CALL_H_
#define REMATCH_PLATFORM_RPC_CALL_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <google/protobuf/message.h>
#include <grpcpp/grpcpp.h>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/clock.h"
#include "platform/errors.h"
#include "platform/executor.h"

namespace rematch::rpc {

// The metadata keys that carry who calls, until callers are authenticated. Names of roles are the guard's business.
inline constexpr char kRoleKey[] = "x-rematch-role";
inline constexpr char kPersonKey[] = "x-rematch-person";

struct Caller {
  std::string role;    // "PROGRAM_LEADER"
  std::string person;  // a resource name, as the role needs one; may be empty for SERVICE
};

struct Call {
  std::string_view method;  // "/rematch.mentor.v1.MentorService/GetMentor"
  Caller caller;
  absl::Time deadline;  // by the injected clock; never infinite
};

// Who may call what and read what. Implemented by access/. Thread-safe.
class Guard {
 public:
  virtual ~Guard() = default;
  // OK, or the error to answer. Must not depend on whether a resource exists.
  virtual absl::Status Admit(const Call& call) = 0;
  // Clears what this caller may not read.
  virtual void Redact(const Call& call, google::protobuf::Message& response) = 0;
};

// Counts calls; implemented over Prometheus by platform/metrics.h. Thread-safe.
class CallObserver {
 public:
  virtual ~CallObserver() = default;
  // Of each call or stream, once, before its Finished(). False: the process ends, and the call is turned away.
  virtual bool Began() = 0;
  virtual void Finished(std::string_view method, grpc::StatusCode code, absl::Duration took) = 0;
};

// absl::Status with its details <-> grpc::Status with google.rpc.Status in its binary details. A status that came without an
// ErrorInfo was not made for callers: it leaves with its code as the reason and a fixed message, since its own may hold anything.
// Only payloads of protobuf messages (type.googleapis.com/...) pass, either way: what this process noted for itself is no peer's business.
grpc::Status ToGrpc(const absl::Status& status);
absl::Status FromGrpc(const grpc::Status& status);

// "/rematch.mentor.v1.MentorService/GetMentor" for GetMentorRequest::descriptor(): the one method that takes this message. Every request
// belongs to exactly one method (AIP-130 ff.; tests/access checks it); it is a defect of the program if not, and ends it.
std::string MethodTaking(const google::protobuf::Descriptor& request);
template <typename Request>
std::string_view MethodOf() {
  // Never destroyed: calls, metrics and the log keep views of it.
  static const std::string* const method = new std::string(MethodTaking(*Request::descriptor()));
  return *method;
}

// Answers a Deferred call, once, from any thread. Copyable.
template <typename Response>
class Done {
 public:
  explicit Done(std::shared_ptr<absl::AnyInvocable<void(absl::StatusOr<Response>)>> finish) : finish_(std::move(finish)) {}
  void operator()(absl::StatusOr<Response> result) const { (*finish_)(std::move(result)); }

 private:
  std::shared_ptr<absl::AnyInvocable<void(absl::StatusOr<Response>)>> finish_;
};

class Calls {
 public:
  struct Options {
    absl::Duration default_deadline = absl::Seconds(10);  // for a caller that set none
    absl::Duration slow = absl::Seconds(1);               // a call that takes longer is logged
  };
  Calls(Options options, platform::Clock& clock, platform::Executor& blocking, Guard& guard, CallObserver& observer)
      : options_(options), clock_(clock), blocking_(blocking), guard_(guard), observer_(observer) {}

  // Runs `work(call, request) -> absl::StatusOr<Response>` on the executor for blocking work, unless the call's deadline passed while it
  // waited there.
  template <typename Request, typename Response, typename Work>
  grpc::ServerUnaryReactor* Blocking(grpc::CallbackServerContext* context, const Request* request, Response* response, Work work) {
    return Deferred(
        context, request, response, [this, work = std::move(work)](const Call& call, const Request& asked, Done<Response> done) {
          // `asked` lives until the reactor finishes, which only `done` makes it do.
          const bool queued = blocking_.Run([this, work, call, &asked, done] {
            if (clock_.Now() >= call.deadline) {
              done(Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadlinePassed, "the deadline passed before the call ran"));
            } else {
              done(work(call, asked));
            }
          });
          if (!queued) {
            done(ErrorWithRetry(absl::StatusCode::kResourceExhausted, reason::kQueueFull, "too many requests at once",
                                absl::Milliseconds(100)));
          }
        });
  }

  // Runs `work(call, request, done)` on gRPC's thread: it must not block, and must see to it that `done` is called once.
  template <typename Request, typename Response, typename Work>
  grpc::ServerUnaryReactor* Deferred(grpc::CallbackServerContext* context, const Request* request, Response* response, Work work) {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    const absl::Duration start = clock_.Monotonic();
    absl::StatusOr<Call> call = Begin(context, MethodOf<Request>());
    if (!call.ok()) {
      Finish(reactor, MethodOf<Request>(), start, call.status());
      return reactor;
    }
    auto finish = std::make_shared<absl::AnyInvocable<void(absl::StatusOr<Response>)>>(
        [this, reactor, response, start, call = *call](absl::StatusOr<Response> result) {
          if (result.ok()) {
            *response = std::move(*result);
            guard_.Redact(call, *response);
          }
          Finish(reactor, call.method, start, result.status());
        });
    work(*call, *request, Done<Response>(std::move(finish)));
    return reactor;
  }

  // For streams (rpc/feed.h has the server's side of a watch): the caller and deadline, admitted by the guard, or why not. `method` is
  // MethodOf<Request>(). A stream redacts each message by `guard()`, calls Ended() and finishes with ToGrpc(status).
  absl::StatusOr<Call> Begin(const grpc::CallbackServerContext* context, std::string_view method);
  // Counts, times and logs a stream that took from `start`, by the clock's Monotonic(), until now. A stream may be long and is not slow.
  void Ended(std::string_view method, absl::Duration start, const absl::Status& status);
  const Options& options() const { return options_; }
  Guard& guard() { return guard_; }
  platform::Clock& clock() { return clock_; }
  platform::Executor& blocking() { return blocking_; }

 private:
  void Finish(grpc::ServerUnaryReactor* reactor, std::string_view method, absl::Duration start, const absl::Status& status);
  void Report(std::string_view method, absl::Duration took, const absl::Status& status, bool slow);

  const Options options_;
  platform::Clock& clock_;
  platform::Executor& blocking_;
  Guard& guard_;
  CallObserver& observer_;
  std::atomic<uint64_t> ended_{0};  // for sampling
};

}  // namespace rematch::rpc

#endif  // REMATCH_PLATFORM_RPC_CALL_H_
