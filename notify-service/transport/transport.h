// Where mail leaves the suite.
#ifndef REMATCH_NOTIFY_SERVICE_TRANSPORT_TRANSPORT_H_
#define REMATCH_NOTIFY_SERVICE_TRANSPORT_TRANSPORT_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "notify-service/domain/message.h"
#include "notify-service/domain/notification.h"

namespace rematch::notify {

// Thread-safe; blocks, for seconds, or for minutes where a server takes so long to answer.
class MailTransport {
 public:
  virtual ~MailTransport() = default;
  // Hands over one message. SENT, REJECTED_FOREVER, RETRY_LATER or UNKNOWN, with the error's word when it is not SENT. Must say
  // RETRY_LATER only when the message was certainly not taken.
  virtual Outcome Send(const Message& message) = 0;

  // The process ends: what is being handed over must end within seconds from now on, as UNKNOWN if it has to.
  virtual void Hurry() {}

  enum class Settlement { kSent, kNotSent, kCannotTell };
  // Whether an earlier attempt at this message arrived. Called before any second attempt at a message whose outcome is unknown.
  virtual Settlement Settle(const Message& message) = 0;
};

struct TransportOptions {
  // maildir:PATH or smtp://host:port or smtps://host:port
  std::string transport;
  std::string smtp_user = {};           // empty: no authentication
  std::string smtp_password_file = {};  // the password is its first line
  // off, try, require. With a user `try` is refused unless the server is on this machine: whoever strips the offer would get the password.
  std::string smtp_starttls = "try";
  absl::Duration smtp_timeout = absl::Seconds(20);
  absl::Duration smtp_answer_timeout = absl::Minutes(10);
  std::string helo = "rematch.localhost";  // who this is to the mail server
};

// INVALID_ARGUMENT / TRANSPORT_INVALID for options that make no sense, FAILED_PRECONDITION / TRANSPORT_UNUSABLE for a Maildir or
// a password file that cannot be used. A server that does not answer is no error: it may later.
absl::StatusOr<std::unique_ptr<MailTransport>> MakeTransport(const TransportOptions& options);

}  // namespace rematch::notify

#endif  // REMATCH_NOTIFY_SERVICE_TRANSPORT_TRANSPORT_H_
