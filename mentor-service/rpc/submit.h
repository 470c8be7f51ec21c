// A request for a change, on its way to the door.
#ifndef REMATCH_MENTOR_SERVICE_RPC_SUBMIT_H_
#define REMATCH_MENTOR_SERVICE_RPC_SUBMIT_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "mentor-service/rpc/batch.h"
#include "mentor-service/rpc/convert.h"
#include "platform/rpc/call.h"
#include "platform/rpc/identity.h"

namespace rematch::mentor {

// Checks `asked`, then submits it; never blocks. `done` is called once, with the answer of the door.
template <typename Request, typename Response>
void SubmitChange(Door& door, const rpc::Call& call, const Request& asked, rpc::Done<Response> done) {
  absl::StatusOr<Parsed> parsed = Parse(asked);
  if (!parsed.ok()) return done(parsed.status());
  CommandMeta meta{.scope = ConsortiumName(parsed->consortium),
                   .request_id = asked.request_id(),
                   .body_hash = rpc::BodyHash(call, asked),
                   .deadline = call.deadline,
                   .priority = Priority::kPeople};
  Command command{.caller = call.caller,
                  .method = std::string(call.method),
                  .consortium = std::move(parsed->consortium),
                  .action = std::move(parsed->action)};
  door.Submit(std::move(meta), std::move(command), [done](absl::StatusOr<std::string> reply) {
    if (!reply.ok()) return done(reply.status());
    Response answer;
    if (!answer.ParseFromString(*reply)) return done(absl::InternalError("a stored answer is not readable"));
    done(std::move(answer));
  });
}

}  // namespace rematch::mentor

#endif  // REMATCH_MENTOR_SERVICE_RPC_SUBMIT_H_
