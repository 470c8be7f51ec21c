// request-service: reassignment cases and the policy that carries them.
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "platform/errors.h"
#include "platform/rpc/channel.h"
#include "platform/rpc/server.h"
#include "platform/strings.h"
#include "request-service/domain/policy.h"
#include "request-service/loops/grpc_peers.h"
#include "request-service/request_service.h"

ABSL_FLAG(std::string, mentor_service, "", "Address of mentor-service, as gRPC takes it: 127.0.0.1:4001.");
ABSL_FLAG(std::string, notify_service, "", "Address of notify-service.");
ABSL_FLAG(std::string, policy, "", "File with the policy that new cases follow, in protobuf text format; see examples/policies.");
ABSL_FLAG(std::string, reply_key_file, "", "File with the secret of reply codes. Empty: one is made and kept in the database.");
ABSL_FLAG(absl::Duration, reconcile_interval, absl::Minutes(5), "How often held seats and open cases are compared with the roster.");
ABSL_FLAG(absl::Duration, lease, absl::Seconds(5), "How long the work of a replica that went away waits for another one.");

namespace rematch::request {
namespace {

constexpr absl::Duration kPeerTimeout = absl::Seconds(5);
constexpr size_t kShortestSecret = 16;

absl::Status Bad(const std::string& message) { return absl::InvalidArgumentError(ToAbsl(message)); }

absl::StatusOr<std::string> ReadFile(const std::string& flag, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file.is_open() || file.bad()) return Bad(absl::StrCat("--", flag, ": cannot read ", path));
  return content;
}

absl::StatusOr<RequestOptions> ReadOptions() {
  RequestOptions options;
  if (absl::GetFlag(FLAGS_mentor_service).empty()) return Bad("--mentor_service must be set");
  if (absl::GetFlag(FLAGS_notify_service).empty()) return Bad("--notify_service must be set");
  const std::string policy_file = absl::GetFlag(FLAGS_policy);
  if (policy_file.empty()) return Bad("--policy must be set");
  REMATCH_ASSIGN_OR_RETURN(const std::string text, ReadFile("policy", policy_file));
  absl::StatusOr<v1::EscalationPolicy> policy = ParsePolicy(text);
  if (!policy.ok()) return Bad(absl::StrCat("--policy: ", policy_file, ": ", policy.status().message()));
  options.policy = *std::move(policy);
  if (const std::string key_file = absl::GetFlag(FLAGS_reply_key_file); !key_file.empty()) {
    REMATCH_ASSIGN_OR_RETURN(options.reply_key, ReadFile("reply_key_file", key_file));
    if (options.reply_key.size() < kShortestSecret) {
      return Bad(absl::StrCat("--reply_key_file: ", key_file, " must hold at least ", kShortestSecret, " bytes"));
    }
  }
  options.reconcile_interval = absl::GetFlag(FLAGS_reconcile_interval);
  if (options.reconcile_interval < absl::Milliseconds(100)) return Bad("--reconcile_interval must be at least 100ms");
  options.lease = absl::GetFlag(FLAGS_lease);
  if (options.lease < absl::Milliseconds(100)) return Bad("--lease must be at least 100ms");
  return options;
}

absl::StatusOr<std::unique_ptr<rpc::Service>> Make(rpc::ServerEnvironment& env) {
  REMATCH_ASSIGN_OR_RETURN(const RequestOptions options, ReadOptions());
  REMATCH_ASSIGN_OR_RETURN(
      std::unique_ptr<RequestService> service,
      RequestService::Make(env, MakeMentorPeer(rpc::MakeChannel(absl::GetFlag(FLAGS_mentor_service)), kPeerTimeout),
                           MakeNotifyPeer(rpc::MakeChannel(absl::GetFlag(FLAGS_notify_service)), kPeerTimeout), options));
  return std::unique_ptr<rpc::Service>(std::move(service));
}

}  // namespace
}  // namespace rematch::request

int main(int argc, char** argv) {
  return rematch::rpc::ServerMain(argc, argv, {.name = "request-service", .migrations = rematch::request::RequestMigrations()},
                                  rematch::request::Make);
}
