// Mail over SMTP, by libcurl. Connections are kept and used again.
//
// Until the server has the whole message, the connection and each reply are waited for briefly: nothing is lost by trying again. After that
// its answer is waited for as long as RFC 5321, 4.5.3.2.6 asks: whoever gives up earlier makes duplicates.
//
// An attempt that broke off before the last byte of the message was read was not taken. One that broke off later, without an
// answer, may have been: UNKNOWN. SMTP has no way to ask, so it is settled by handing over the same message again, after a while
// and with the same Message-ID: receivers that saw it before drop it by that.
#ifndef REMATCH_NOTIFY_SERVICE_TRANSPORT_SMTP_H_
#define REMATCH_NOTIFY_SERVICE_TRANSPORT_SMTP_H_

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "notify-service/transport/transport.h"

namespace rematch::notify {

struct SmtpOptions {
  enum class Starttls { kOff, kTry, kRequire };
  std::string url;  // smtp://host:port/name-of-this-client
  std::string user = {};
  std::string password = {};
  Starttls starttls = Starttls::kTry;
  absl::Duration timeout = absl::Seconds(20);         // of the connection, and of each reply before the server has the message
  absl::Duration answer_timeout = absl::Minutes(10);  // of its answer to the message
};

class Smtp final : public MailTransport {
 public:
  explicit Smtp(SmtpOptions options);
  ~Smtp() override;

  Outcome Send(const Message& message) override;
  Settlement Settle(const Message&) override { return Settlement::kCannotTell; }
  void Hurry() override { hurry_ = true; }

 private:
  // A handle with its connection, or a new one; nullptr if there is no memory for one.
  void* Take();
  void Give(void* handle);

  const SmtpOptions options_;
  std::atomic<bool> hurry_ = false;
  absl::Mutex mutex_;
  std::vector<void*> idle_ ABSL_GUARDED_BY(mutex_);  // CURL*
};

}  // namespace rematch::notify

#endif  // REMATCH_NOTIFY_SERVICE_TRANSPORT_SMTP_H_
