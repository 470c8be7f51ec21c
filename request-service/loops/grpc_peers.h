// The peers over gRPC, called as a service.
#ifndef REMATCH_REQUEST_SERVICE_LOOPS_GRPC_PEERS_H_
#define REMATCH_REQUEST_SERVICE_LOOPS_GRPC_PEERS_H_

#include <memory>

#include <grpcpp/grpcpp.h>

#include "absl/time/time.h"
#include "request-service/loops/peers.h"

namespace rematch::request {

// Each call is given `timeout`.
std::unique_ptr<MentorPeer> MakeMentorPeer(std::shared_ptr<grpc::Channel> channel, absl::Duration timeout);
std::unique_ptr<NotifyPeer> MakeNotifyPeer(std::shared_ptr<grpc::Channel> channel, absl::Duration timeout);

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_LOOPS_GRPC_PEERS_H_
