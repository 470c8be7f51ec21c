// An empty schema on the private MariaDB that CTest starts for the tests whose names say Mysql (tests/CMakeLists.txt), gone when the object
// is.
#ifndef REMATCH_TESTS_MYSQL_SCHEMA_H_
#define REMATCH_TESTS_MYSQL_SCHEMA_H_

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "platform/ids.h"
#include "platform/sql/database.h"

namespace rematch::testing {

// Ends the process if a store cannot be prepared: never skipped in silence.
inline void Must(const absl::Status& status) {
  if (status.ok()) return;
  std::cerr << status << " " << sql::DetailOf(status) << "\n";
  std::abort();
}
template <typename T>
T Must(absl::StatusOr<T> result) {
  Must(result.status());
  return *std::move(result);
}

class MysqlSchema {
 public:
  MysqlSchema() : server_(ServerUrl()), admin_(Must(sql::Open(server_))) {
    platform::SecureRandom random;
    name_ = absl::StrCat("test_", getpid(), "_", random.Next());
    Must(admin_->RunDdl("CREATE DATABASE " + name_));
  }
  ~MysqlSchema() { admin_->RunDdl("DROP DATABASE " + name_).IgnoreError(); }
  MysqlSchema(const MysqlSchema&) = delete;
  MysqlSchema& operator=(const MysqlSchema&) = delete;

  // For sql::Open(). `options` are added to it: "&pool=2".
  std::string url(std::string_view options = "") const {
    const size_t schema = server_.find("/test?");
    return absl::StrCat(server_.substr(0, schema), "/", name_, server_.substr(schema + 5), std::string(options));
  }
  // The URL of a schema that the user of these tests may use besides. Ends the process if there is no server.
  static std::string ServerUrl() {
    std::ifstream file(REMATCH_BINARY_DIR "/mariadb/test.url");
    std::string url;
    if (!std::getline(file, url)) {
      std::cerr << "no MariaDB runs for the tests. CTest starts it; by hand:\n  tools/mariadb start " REMATCH_BINARY_DIR
                   "/mariadb && tools/mariadb schema " REMATCH_BINARY_DIR "/mariadb test >" REMATCH_BINARY_DIR "/mariadb/test.url\n";
      std::abort();
    }
    return url;
  }

 private:
  const std::string server_;
  const std::unique_ptr<sql::Database> admin_;
  std::string name_;
};

}  // namespace rematch::testing

#endif  // REMATCH_TESTS_MYSQL_SCHEMA_H_
