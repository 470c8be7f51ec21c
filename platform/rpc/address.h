// Addresses to listen on. Until callers are authenticated, servers bind to this machine only, unless whoever starts them says that the
// network lets nobody else in.
#ifndef REMATCH_PLATFORM_RPC_ADDRESS_H_
#define REMATCH_PLATFORM_RPC_ADDRESS_H_

#include <string_view>

#include "absl/status/status.h"

namespace rematch::rpc {

// OK for "127.0.0.1:4001" (all of 127.0.0.0/8), "[::1]:4001" and "localhost:4001", port 0 included; INVALID_ARGUMENT for anything
// else, other hosts included.
absl::Status CheckLoopback(std::string_view address);

// OK for those, and for any other IP address with a port: "0.0.0.0:4001", "[::]:4001".
absl::Status CheckAddress(std::string_view address);

}  // namespace rematch::rpc

#endif  // REMATCH_PLATFORM_RPC_ADDRESS_H_
