// What makes a repeated request the same request (F32).
#ifndef REMATCH_PLATFORM_RPC_IDENTITY_H_
#define REMATCH_PLATFORM_RPC_IDENTITY_H_

#include <string>
#include <string_view>

#include <google/protobuf/message.h>

#include "platform/rpc/call.h"

namespace rematch::rpc {

// SHA-256, in hex, of who asks for what: the method, the caller, and the request without its field `request_id`. So nobody gets the
// remembered answer to another person's request.
std::string BodyHash(const Call& call, const google::protobuf::Message& request);
// The same for what came in a stream, as bytes that stand for it.
std::string BodyHash(const Call& call, std::string_view body);

}  // namespace rematch::rpc

#endif  // REMATCH_PLATFORM_RPC_IDENTITY_H_
