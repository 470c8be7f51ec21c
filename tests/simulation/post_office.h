// Where mail goes, and where people find it. It keeps what arrived, and what each message asks for.
#ifndef REMATCH_TESTS_SIMULATION_POST_OFFICE_H_
#define REMATCH_TESTS_SIMULATION_POST_OFFICE_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "notify-service/domain/notification.h"
#include "notify-service/transport/transport.h"
#include "rematch/notify/v1/service.pb.h"
#include "tests/simulation/faults.h"

namespace rematch::simulation {

// What a mail is about, as its sender knows; it arrives as bytes.
struct Mail {
  std::string consortium;
  std::string key;     // at notify-service, in the consortium
  std::string kind;    // the template's name
  std::string origin;  // the case
  std::string to;      // an address
  std::string reply_code;
  std::string program_name;
  std::set<std::string> reply_to;  // addresses: whoever led at each try to hand it over, of which the first that arrives counts
  std::string arrived_reply_to;    // what the mail that arrived says
  std::vector<std::string> readers;
  std::string words;  // everything in it that people read
  int arrived = 0;    // how often
  bool read = false;  // its recipient has done something about it
};

class PostOffice final : public notify::MailTransport {
 public:
  static constexpr char kDomain[] = "sim.example";

  explicit PostOffice(Faults& faults) : faults_(faults) {}

  // That request-service is about to ask for this message: what it means, by its Message-ID.
  void Expect(const notify::v1::SendNotificationRequest& request) {
    const std::string name = request.parent() + "/notifications/" + request.notification_id();
    Mail& mail = mails_[notify::MessageId(name, kDomain)];
    mail.reply_to.insert(request.notification().reply_to().email());
    if (!mail.key.empty()) return;
    mail.consortium = request.parent().substr(request.parent().rfind('/') + 1);
    mail.key = request.notification_id();
    mail.kind = request.notification().template_().substr(request.notification().template_().find('/') + 1);
    mail.origin = request.notification().origin();
    mail.to = request.notification().to().email();
    mail.readers = {request.notification().readers().begin(), request.notification().readers().end()};
    const auto& variables = request.notification().variables();
    if (const auto code = variables.find("reply_code"); code != variables.end()) mail.reply_code = code->second;
    if (const auto name = variables.find("program_name"); name != variables.end()) mail.program_name = name->second;
  }

  notify::Outcome Send(const notify::Message& message) override {
    using Kind = notify::Outcome::Kind;
    Mail& mail = mails_[message.message_id];
    if (faults_.Happens(Fault::kMailRefused, 3)) return {.kind = Kind::kRejectedForever, .error = "REJECTED_FOREVER"};
    if (faults_.Happens(Fault::kMailDelayed, 3)) return {.kind = Kind::kRetryLater, .error = "CONNECT", .ours = true};
    if (faults_.Happens(Fault::kMailUnknownLost, 2)) return {.kind = Kind::kUnknown, .error = "BROKE_OFF"};
    ++mail.arrived;
    mail.arrived_reply_to = message.reply_to.email;
    mail.words = message.subject + "\n" + message.text + "\n" + message.html;
    if (faults_.Happens(Fault::kMailUnknown, 2)) return {.kind = Kind::kUnknown, .error = "BROKE_OFF"};
    return {.kind = Kind::kSent};
  }
  // As SMTP, which cannot be asked.
  Settlement Settle(const notify::Message&) override { return Settlement::kCannotTell; }

  // By Message-ID.
  std::map<std::string, Mail>& mails() { return mails_; }

 private:
  Faults& faults_;
  std::map<std::string, Mail> mails_;
};

}  // namespace rematch::simulation

#endif  // REMATCH_TESTS_SIMULATION_POST_OFFICE_H_
