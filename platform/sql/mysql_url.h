// The URL of a MySQL store: mysql://USER@HOST[:PORT][,HOST[:PORT]...]/SCHEMA[?password_file=PATH&ssl_ca=PATH&pool=N]
#ifndef REMATCH_PLATFORM_SQL_MYSQL_URL_H_
#define REMATCH_PLATFORM_SQL_MYSQL_URL_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace rematch::sql {

struct MysqlHost {
  std::string host;  // a name, an IPv4 address, or an IPv6 address without its brackets
  int port = 3306;
};

struct MysqlUrl {
  std::string user;
  std::vector<MysqlHost> hosts;  // the first that serves is used
  std::string schema;
  std::string
      password_file;   // whose first line is the password; empty: none. A password in the URL would be seen by whoever lists processes.
  std::string ssl_ca;  // a file of certificates; empty: without TLS. With it, the server's name is verified.
  int pool = 8;        // connections for changes, and as many for reads
};

// INVALID_ARGUMENT, naming the part that is wrong, without repeating what may be secret.
absl::StatusOr<MysqlUrl> ParseMysqlUrl(std::string_view url);

// "[::1]:3306"
std::string ToString(const MysqlHost& host);

}  // namespace rematch::sql

#endif  // REMATCH_PLATFORM_SQL_MYSQL_URL_H_
