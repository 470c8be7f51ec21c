// What makes a repeated request the same request.
#ifndef REMATCH_MENTOR_SERVICE_RPC_IDENTITY_H_
#define REMATCH_MENTOR_SERVICE_RPC_IDENTITY_H_

#include <string>

#include <google/protobuf/message.h>

#include "platform/rpc/call.h"

namespace rematch::mentor {

// The bytes of `message` without its field `request_id`, the same for equal messages.
std::string CanonicalBody(const google::protobuf::Message& message);
// SHA-256, in hex, of who asks for what: the method, the caller unless it is a service, and the body. So nobody gets the remembered answer
// to another person's request.
std::string BodyHash(const rpc::Call& call, const std::string& body);

}  // namespace rematch::mentor

#endif  // REMATCH_MENTOR_SERVICE_RPC_IDENTITY_H_
