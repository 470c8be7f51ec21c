#include "notify-service/transport/transport.h"

#include <fstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "notify-service/domain/reasons.h"
#include "notify-service/transport/maildir.h"
#include "notify-service/transport/smtp.h"
#include "platform/errors.h"

namespace rematch::notify {
namespace {

constexpr absl::Duration kShortest = absl::Milliseconds(100);
constexpr absl::Duration kLongest = absl::Hours(1);

absl::Status Invalid(std::string_view message) { return Error(absl::StatusCode::kInvalidArgument, reason::kTransportInvalid, message); }

// `authority` is host:port; an IPv6 address stands in brackets. A name is trusted to be this machine only if it must be.
bool IsLoopback(absl::string_view authority) {
  const size_t end = authority.front() == '[' ? authority.find(']') + 1 : authority.find(':');
  const absl::string_view host = authority.substr(0, end);
  return host == "localhost" || host == "[::1]" || (absl::StartsWith(host, "127.") && host.find_first_not_of("0123456789.") == host.npos);
}

}  // namespace

absl::StatusOr<std::unique_ptr<MailTransport>> MakeTransport(const TransportOptions& options) {
  absl::string_view rest = options.transport;
  if (absl::ConsumePrefix(&rest, "maildir:")) {
    if (rest.empty()) return Invalid("--transport=maildir:PATH needs a path");
    REMATCH_ASSIGN_OR_RETURN(auto maildir, Maildir::Open(std::string(rest)));
    return std::unique_ptr<MailTransport>(std::move(maildir));
  }
  if (!absl::StartsWith(rest, "smtp://") && !absl::StartsWith(rest, "smtps://")) {
    return Invalid("--transport must be maildir:PATH, smtp://host:port or smtps://host:port");
  }
  const absl::string_view after_scheme = rest.substr(rest.find("://") + 3);
  if (after_scheme.empty() || after_scheme.find_first_of("/@?#") != after_scheme.npos) {
    return Invalid("--transport=smtp://host:port takes nothing else");
  }
  for (const auto& [flag, value] :
       {std::pair("--smtp_timeout", options.smtp_timeout), std::pair("--smtp_answer_timeout", options.smtp_answer_timeout)}) {
    if (value < kShortest || value > kLongest) return Invalid(absl::StrCat(flag, " must be 100ms to 1h"));
  }
  SmtpOptions smtp{.url = absl::StrCat(options.transport, "/", options.helo),
                   .user = options.smtp_user,
                   .timeout = options.smtp_timeout,
                   .answer_timeout = options.smtp_answer_timeout};
  if (options.smtp_starttls == "off") {
    smtp.starttls = SmtpOptions::Starttls::kOff;
  } else if (options.smtp_starttls == "require") {
    smtp.starttls = SmtpOptions::Starttls::kRequire;
  } else if (options.smtp_starttls != "try") {
    return Invalid("--smtp_starttls must be off, try or require");
  }
  if (options.smtp_user.empty() != options.smtp_password_file.empty()) return Invalid("--smtp_user and --smtp_password_file go together");
  if (!options.smtp_user.empty() && smtp.starttls == SmtpOptions::Starttls::kTry && absl::StartsWith(rest, "smtp://") &&
      !IsLoopback(after_scheme)) {
    return Invalid("--smtp_user needs smtps:// or --smtp_starttls=require (or off, which sends the password in clear)");
  }
  if (!options.smtp_password_file.empty()) {
    std::ifstream file(options.smtp_password_file);
    if (!std::getline(file, smtp.password)) {
      return Error(absl::StatusCode::kFailedPrecondition, reason::kTransportUnusable, "--smtp_password_file cannot be read");
    }
    smtp.password = std::string(absl::StripSuffix(smtp.password, "\r"));
  }
  return std::unique_ptr<MailTransport>(std::make_unique<Smtp>(std::move(smtp)));
}

}  // namespace rematch::notify
