#include "platform/sql/mysql_url.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "platform/errors.h"
#include "platform/sql/reasons.h"
#include "platform/strings.h"

namespace rematch::sql {
namespace {

constexpr std::string_view kScheme = "mysql://";
constexpr int kMaxPool = 256;

absl::Status Bad(std::string_view what) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kDatabaseUrlInvalid,
               absl::StrCat("the database URL ", ToAbsl(what),
                            "; it is mysql://USER@HOST[:PORT][,HOST...]/SCHEMA[?password_file=PATH&ssl_ca=PATH&pool=N]"));
}

bool IsPlain(std::string_view text, std::string_view also) {
  for (const char c : text) {
    if (!absl::ascii_isalnum(c) && also.find(c) == also.npos) return false;
  }
  return !text.empty();
}

// "db.example:3306", "[::1]:3306", "10.0.0.1"
absl::StatusOr<MysqlHost> ParseHost(std::string_view text) {
  MysqlHost host;
  std::string_view port;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == text.npos) return Bad("has a host whose '[' is not closed");
    host.host = std::string(text.substr(1, end - 1));
    port = text.substr(end + 1);
    if (!IsPlain(host.host, ":.")) return Bad("has a host that is no address");
  } else {
    const size_t colon = text.find(':');
    host.host = std::string(text.substr(0, colon));
    if (colon != text.npos) port = text.substr(colon);
    if (!IsPlain(host.host, ".-_")) return Bad("has a host that is no name");
  }
  if (port.empty()) return host;
  if (!port.starts_with(':') || !absl::SimpleAtoi(ToAbsl(port.substr(1)), &host.port) || host.port < 1 || host.port > 65535) {
    return Bad("has a port that is none");  // without the host: what stands before a ':' may be a password
  }
  return host;
}

}  // namespace

absl::StatusOr<MysqlUrl> ParseMysqlUrl(std::string_view url) {
  if (!url.starts_with(kScheme)) return Bad("does not begin with mysql://");
  url.remove_prefix(kScheme.size());
  MysqlUrl parsed;
  std::string_view options;
  if (const size_t question = url.find('?'); question != url.npos) {
    options = url.substr(question + 1);
    url = url.substr(0, question);
  }
  const size_t at = url.find('@');
  if (at == url.npos) return Bad("names no user");
  const std::string_view user = url.substr(0, at);
  if (user.find(':') != user.npos) return Bad("holds a password, which belongs in a file (password_file)");
  if (!IsPlain(user, "._-$")) return Bad("names no user");
  parsed.user = std::string(user);
  url.remove_prefix(at + 1);
  const size_t slash = url.find('/');
  if (slash == url.npos) return Bad("names no schema");
  parsed.schema = std::string(url.substr(slash + 1));
  if (!IsPlain(parsed.schema, "_$-")) return Bad("names no schema");
  for (const absl::string_view host : absl::StrSplit(ToAbsl(url.substr(0, slash)), ',')) {
    REMATCH_ASSIGN_OR_RETURN(MysqlHost one, ParseHost(ToStd(host)));
    parsed.hosts.push_back(std::move(one));
  }
  if (options.empty()) return parsed;
  for (const absl::string_view option : absl::StrSplit(ToAbsl(options), '&')) {
    const std::pair<std::string, std::string> pair = absl::StrSplit(option, absl::MaxSplits('=', 1));
    const auto& [name, value] = pair;
    if (name == "password_file" && !value.empty()) {
      parsed.password_file = value;
    } else if (name == "ssl_ca" && !value.empty()) {
      parsed.ssl_ca = value;
    } else if (name == "pool") {
      if (!absl::SimpleAtoi(value, &parsed.pool) || parsed.pool < 1 || parsed.pool > kMaxPool) {
        return Bad(absl::StrCat("has a pool that is not between 1 and ", kMaxPool));
      }
    } else if (name == "password") {
      return Bad("holds a password, which belongs in a file (password_file)");
    } else {
      return Bad("has an option that is unknown or empty");
    }
  }
  return parsed;
}

std::string ToString(const MysqlHost& host) {
  const bool v6 = host.host.find(':') != std::string::npos;
  return absl::StrCat(v6 ? "[" : "", host.host, v6 ? "]:" : ":", host.port);
}

}  // namespace rematch::sql
