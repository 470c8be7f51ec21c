#include "absl/flags/flag.h"
#include "notify-service/notify_service.h"
#include "notify-service/transport/transport.h"
#include "platform/rpc/server.h"

ABSL_FLAG(std::string, transport, "", "Where mail goes: maildir:PATH, smtp://host:port or smtps://host:port.");
ABSL_FLAG(std::string, mail_from, "rematch@rematch.localhost", "The address that mail comes from.");
ABSL_FLAG(std::string, mail_from_name, "Rematch", "The name beside that address.");
ABSL_FLAG(std::string, mail_domain, "rematch.localhost", "The right side of every Message-ID, and who this is to a mail server.");
ABSL_FLAG(std::string, smtp_user, "", "Who logs in at the mail server; empty: nobody.");
ABSL_FLAG(std::string, smtp_password_file, "", "The file whose first line is that login's password.");
ABSL_FLAG(std::string, smtp_starttls, "try",
          "off, try or require. With --smtp_user, try is refused unless the mail server is on this machine: it could send the password in "
          "clear.");
ABSL_FLAG(absl::Duration, smtp_timeout, absl::Seconds(20),
          "The longest that a mail server may take for the connection, and for each reply before it has the message.");
ABSL_FLAG(absl::Duration, smtp_answer_timeout, absl::Minutes(10),
          "The longest that a mail server may take for its answer to a message: giving up earlier makes duplicates.");
ABSL_FLAG(int, send_attempts, 12, "How often a message is tried before it is given up; failures of the mail server itself do not count.");
ABSL_FLAG(int, send_repeats, 3, "How often a message goes out once more that may have arrived, where nobody can tell.");
ABSL_FLAG(absl::Duration, send_max_age, absl::Hours(96),
          "How long a mail server that is out of reach or turns everybody away is waited for.");
ABSL_FLAG(absl::Duration, send_backoff, absl::Seconds(2), "The pause before the second try; it doubles from there.");
ABSL_FLAG(absl::Duration, send_backoff_max, absl::Minutes(10), "The longest such pause.");
ABSL_FLAG(absl::Duration, settle_delay, absl::Seconds(5), "How long after a send broke off it is settled.");
ABSL_FLAG(int, send_threads, 8, "How many messages are handed over at once.");
ABSL_FLAG(absl::Duration, lease, absl::Seconds(3), "How long a replica may stand still before others take over its sends.");

namespace {

namespace notify = rematch::notify;

absl::StatusOr<std::unique_ptr<rematch::rpc::Service>> Make(rematch::rpc::ServerEnvironment& env) {
  auto transport = notify::MakeTransport({.transport = absl::GetFlag(FLAGS_transport),
                                          .smtp_user = absl::GetFlag(FLAGS_smtp_user),
                                          .smtp_password_file = absl::GetFlag(FLAGS_smtp_password_file),
                                          .smtp_starttls = absl::GetFlag(FLAGS_smtp_starttls),
                                          .smtp_timeout = absl::GetFlag(FLAGS_smtp_timeout),
                                          .smtp_answer_timeout = absl::GetFlag(FLAGS_smtp_answer_timeout),
                                          .helo = absl::GetFlag(FLAGS_mail_domain)});
  if (!transport.ok()) return transport.status();
  notify::ServiceOptions options;
  options.from = {.display_name = absl::GetFlag(FLAGS_mail_from_name), .email = absl::GetFlag(FLAGS_mail_from)};
  options.mail_domain = absl::GetFlag(FLAGS_mail_domain);
  options.policy = {.max_tries = absl::GetFlag(FLAGS_send_attempts),
                    .max_resends = absl::GetFlag(FLAGS_send_repeats),
                    .max_age = absl::GetFlag(FLAGS_send_max_age),
                    .first_backoff = absl::GetFlag(FLAGS_send_backoff),
                    .max_backoff = absl::GetFlag(FLAGS_send_backoff_max),
                    .settle_delay = absl::GetFlag(FLAGS_settle_delay)};
  options.send_threads = absl::GetFlag(FLAGS_send_threads);
  options.lease = absl::GetFlag(FLAGS_lease);
  return notify::MakeService(env, options, *std::move(transport));
}

}  // namespace

int main(int argc, char** argv) {
  return rematch::rpc::ServerMain(argc, argv, {.name = "notify-service", .migrations = notify::NotifyMigrations()}, Make);
}
