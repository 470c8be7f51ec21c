#include "platform/rpc/channel.h"

#include <chrono>

namespace rematch::rpc {

// The health is watched at every address: a server that is told to end says so before it turns calls away. Of errors only UNAVAILABLE is
// tried again: the call was not answered, and request ids make a second one harmless. Every other code says that trying again by itself is
// of no use.
const char kServiceConfig[] = R"({
  "loadBalancingConfig": [{"round_robin": {}}],
  "healthCheckConfig": {"serviceName": "accepting"},
  "methodConfig": [{
    "name": [{}],
    "retryPolicy": {
      "maxAttempts": 4,
      "initialBackoff": "0.05s",
      "maxBackoff": "1s",
      "backoffMultiplier": 2,
      "retryableStatusCodes": ["UNAVAILABLE"]
    }
  }]
}
)";

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& target) {
  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(kServiceConfig);
  // The config is the caller's own, and not one that a name server might hand out.
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 1);
  // A peer that vanished without a word is noticed within 40 seconds, also by a watch that waits in silence.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // A ranking of a large program, of about 250 bytes a mentor, passes the usual 4 MB.
  arguments.SetMaxReceiveMessageSize(64 << 20);
  // Of a name that has other addresses now, since its pods were replaced, the new ones are asked for when one is gone; by default at most
  // every 30 seconds, in which all that were known may go.
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 1'000);
  // A restarted peer is found again soon.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  // Despite its name: how long one attempt may take to connect, to a machine that is busy or to one that is gone.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2'000);
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
}

void Prepare(grpc::ClientContext& context, absl::Duration timeout, const Caller& caller) {
  if (timeout < absl::InfiniteDuration()) context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoNanoseconds(timeout));
  context.AddMetadata(kRoleKey, caller.role);
  if (!caller.person.empty()) context.AddMetadata(kPersonKey, caller.person);
}

}  // namespace rematch::rpc
