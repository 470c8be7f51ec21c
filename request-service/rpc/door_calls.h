// What every write does once it is known what is asked: through the door under its request id, and back with the bytes of its answer.
#ifndef REMATCH_REQUEST_SERVICE_RPC_DOOR_CALLS_H_
#define REMATCH_REQUEST_SERVICE_RPC_DOOR_CALLS_H_

#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/clock.h"
#include "platform/errors.h"
#include "platform/executor.h"
#include "platform/rpc/call.h"
#include "platform/rpc/identity.h"
#include "request-service/store/case_command.h"

namespace rematch::request {

// RESOURCE_EXHAUSTED / QUEUE_FULL.
absl::Status QueueFull();
// A command of the caller's, who must have the right to the case by the table of access.
CaseCommand CommandFor(const rpc::Call& call, const CaseKey& key);
// Request ids are a caller's own: whoever guesses one of another's learns nothing by it, not even that the case is there.
std::string ScopeOf(const CaseCommand& command, const rpc::Caller& caller);

// Thread-safe.
class DoorCalls {
 public:
  DoorCalls(CaseDoor& door, platform::Clock& clock, platform::Executor& blocking) : door_(door), clock_(clock), blocking_(blocking) {}

  // Puts `command` through the door for `request`, answering with what its reply serializes.
  template <typename Request, typename Response>
  void Submit(const rpc::Call& call, const Request& request, CaseCommand command, rpc::Done<Response> done) {
    CommandMeta meta;
    meta.scope = ScopeOf(command, call.caller);
    meta.request_id = request.request_id();
    meta.body_hash = rpc::BodyHash(call, request);
    meta.deadline = call.deadline;
    door_.Submit(std::move(meta), std::move(command), [done](const absl::StatusOr<std::string>& reply) {
      if (!reply.ok()) return done(reply.status());
      Response response;
      if (!response.ParseFromString(*reply)) {
        return done(Error(absl::StatusCode::kInternal, reason::kStoreRefused, "a remembered answer cannot be read"));
      }
      done(std::move(response));
    });
  }

  // A command that a peer or the store must be asked for: `prepare` runs on the pool for what blocks.
  template <typename Request, typename Response>
  void Prepare(const rpc::Call& call, const Request& request, rpc::Done<Response> done,
               absl::AnyInvocable<absl::StatusOr<CaseCommand>()> prepare) {
    const bool queued = blocking_.Run([this, call, request, done, prepare = std::move(prepare)]() mutable {
      // Nobody waits for it any more: no peer is asked.
      if (clock_.Now() >= call.deadline) {
        return done(Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadlinePassed, "the deadline passed before the call ran"));
      }
      absl::StatusOr<CaseCommand> command = prepare();
      if (!command.ok()) return done(command.status());
      Submit(call, request, *std::move(command), done);
    });
    if (!queued) done(QueueFull());
  }

 private:
  CaseDoor& door_;
  platform::Clock& clock_;
  platform::Executor& blocking_;
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_RPC_DOOR_CALLS_H_
