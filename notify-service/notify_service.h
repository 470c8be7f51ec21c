// Notifications as a running service: the published RPCs, one door for changes, and the sender.
#ifndef REMATCH_NOTIFY_SERVICE_NOTIFY_SERVICE_H_
#define REMATCH_NOTIFY_SERVICE_NOTIFY_SERVICE_H_

#include <memory>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "notify-service/domain/message.h"
#include "notify-service/domain/notification.h"
#include "notify-service/transport/transport.h"
#include "platform/embedded.h"
#include "platform/rpc/server.h"

namespace rematch::notify {

// The schema, for ServerMain() and tests.
std::span<const platform::EmbeddedFile> NotifyMigrations();

struct ServiceOptions {
  Mailbox from = {.display_name = "Rematch", .email = "rematch@rematch.localhost"};
  std::string mail_domain = "rematch.localhost";  // the right side of every Message-ID; at most 200 bytes
  SendPolicy policy;
  int send_threads = 8;
  size_t max_in_flight = 64;
  absl::Duration lease = absl::Seconds(3);  // how long a replica may stand still before others take over its sends
};

// The service over `env`, whose store has the schema, and in which this replica shows as living from now on. INVALID_ARGUMENT for options
// that make no sense.
absl::StatusOr<std::unique_ptr<rpc::Service>> MakeService(rpc::ServerEnvironment& env, ServiceOptions options,
                                                          std::unique_ptr<MailTransport> transport);

}  // namespace rematch::notify

#endif  // REMATCH_NOTIFY_SERVICE_NOTIFY_SERVICE_H_
