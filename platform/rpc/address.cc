#include "platform/rpc/address.h"

#include <arpa/inet.h>

#include <string>

#include "absl/strings/numbers.h"
#include "platform/errors.h"
#include "platform/strings.h"

namespace rematch::rpc {
namespace {

bool IsPort(std::string_view text) {
  int port = 0;
  return !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == std::string_view::npos &&
         absl::SimpleAtoi(ToAbsl(text), &port) && port <= 65535;
}

bool IsLoopbackHost(std::string_view host) {
  if (host == "localhost" || host == "[::1]") return true;
  in_addr parsed{};
  // Whole addresses only: the short forms that inet_aton takes mean other things to other programs.
  return inet_pton(AF_INET, std::string(host).c_str(), &parsed) == 1 && (ntohl(parsed.s_addr) >> 24) == 127;
}

}  // namespace

absl::Status CheckLoopback(std::string_view address) {
  const size_t colon = address.rfind(':');
  if (colon != std::string_view::npos && IsPort(address.substr(colon + 1)) && IsLoopbackHost(address.substr(0, colon)))
    return absl::OkStatus();
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidField,
               "must be a port on loopback, such as 127.0.0.1:4001: callers are not authenticated");
}

}  // namespace rematch::rpc
