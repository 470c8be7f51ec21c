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

std::string_view HostOf(std::string_view address) { return address.substr(0, address.rfind(':')); }

bool HasPort(std::string_view address) {
  const size_t colon = address.rfind(':');
  return colon != std::string_view::npos && IsPort(address.substr(colon + 1));
}

bool IsAddress(std::string_view host) {
  in6_addr parsed{};  // the larger of the two
  if (inet_pton(AF_INET, std::string(host).c_str(), &parsed) == 1) return true;
  return host.starts_with('[') && host.ends_with(']') &&
         inet_pton(AF_INET6, std::string(host.substr(1, host.size() - 2)).c_str(), &parsed) == 1;
}

bool IsLoopbackHost(std::string_view host) {
  if (host == "localhost" || host == "[::1]") return true;
  in_addr parsed{};
  // Whole addresses only: the short forms that inet_aton takes mean other things to other programs.
  return inet_pton(AF_INET, std::string(host).c_str(), &parsed) == 1 && (ntohl(parsed.s_addr) >> 24) == 127;
}

}  // namespace

absl::Status CheckLoopback(std::string_view address) {
  if (HasPort(address) && IsLoopbackHost(HostOf(address))) return absl::OkStatus();
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidField,
               "must be a port on loopback, such as 127.0.0.1:4001: callers are not authenticated");
}

absl::Status CheckAddress(std::string_view address) {
  if (HasPort(address) && (IsLoopbackHost(HostOf(address)) || IsAddress(HostOf(address)))) return absl::OkStatus();
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidField, "must be an IP address with a port, such as 0.0.0.0:4001");
}

}  // namespace rematch::rpc
