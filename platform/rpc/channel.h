// Channels to peers: keepalive, round_robin over those of a list of addresses that take calls, and a retry policy for UNAVAILABLE only.
#ifndef REMATCH_PLATFORM_RPC_CHANNEL_H_
#define REMATCH_PLATFORM_RPC_CHANNEL_H_

#include <memory>
#include <string>

#include <grpcpp/grpcpp.h>

#include "absl/time/time.h"
#include "platform/rpc/call.h"

namespace rematch::rpc {

// The service config that clients are advised to use; examples/client/service_config.json is the same text.
extern const char kServiceConfig[];

// `target` as gRPC takes it ("127.0.0.1:4001", "dns:///mentor:4001", "ipv4:127.0.0.1:4001,127.0.0.1:4002").
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& target);

// Prepares `context` for one call: `timeout` from now, or no deadline for an infinite one (a watch), and who calls.
void Prepare(grpc::ClientContext& context, absl::Duration timeout, const Caller& caller);

}  // namespace rematch::rpc

#endif  // REMATCH_PLATFORM_RPC_CHANNEL_H_
