#include "request-service/rpc/door_calls.h"

#include "absl/strings/str_cat.h"
#include "platform/canonical.h"

namespace rematch::request {

absl::Status QueueFull() {
  return ErrorWithRetry(absl::StatusCode::kResourceExhausted, reason::kQueueFull, "too many requests at once", absl::Milliseconds(100));
}

CaseCommand CommandFor(const rpc::Call& call, const CaseKey& key) {
  CaseCommand command;
  command.key = key;
  command.command.set_actor_role(call.caller.role);
  command.command.set_actor(call.caller.person);
  command.asked = CaseCommand::Asked{.caller = call.caller, .method = std::string(call.method)};
  return command;
}

std::string ScopeOf(const CaseCommand& command, const rpc::Caller& caller) {
  const std::string resource = command.policy_publication.has_value()
                                   ? absl::StrCat(command.key.consortium, "/", command.key.program, "/policy")
                               : command.command.has_open() ? command.key.consortium
                                                            : absl::StrCat(command.key.consortium, "/", command.key.id);
  return absl::StrCat(resource, "#", platform::HexHash(caller.role + '\0' + caller.person).substr(0, 16));
}

}  // namespace rematch::request
