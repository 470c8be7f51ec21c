// What a server answers while the store that it needs is away.
#ifndef REMATCH_PLATFORM_RPC_WAITING_H_
#define REMATCH_PLATFORM_RPC_WAITING_H_

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

namespace rematch::rpc {

// The name under which the health service says that the process lives, whether it serves or not.
inline constexpr char kLiveness[] = "liveness";
// Likewise, until the process is told to end: clients that watch it (kServiceConfig in channel.h) begin no more calls here.
inline constexpr char kAccepting[] = "accepting";

// Stands in for every service. Calls are answered with UNAVAILABLE, so that callers come again or go to another replica; the health service
// says NOT_SERVING of every name but these two, since nobody knows yet which names there will be. A watch of it lasts until the server
// goes.
class WaitingService final : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override;
};

}  // namespace rematch::rpc

#endif  // REMATCH_PLATFORM_RPC_WAITING_H_
