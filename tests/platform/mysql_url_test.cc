// How a MySQL store is named.
#include "platform/sql/mysql_url.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/errors.h"
#include "platform/sql/database.h"
#include "platform/sql/reasons.h"
#include "tests/platform/temp_dir.h"

namespace rematch::sql {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(MysqlUrl, NamesHostsInOrderAndWhatThePoolNeeds) {
  const auto url =
      ParseMysqlUrl("mysql://mentor@db-1:3307,10.0.0.2,[fd00::1]:3308/mentor_service?password_file=/run/secret&ssl_ca=/ca.pem&pool=3");
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_EQ(url->user, "mentor");
  EXPECT_EQ(url->schema, "mentor_service");
  ASSERT_EQ(url->hosts.size(), 3u);
  EXPECT_EQ(ToString(url->hosts[0]), "db-1:3307");
  EXPECT_EQ(ToString(url->hosts[1]), "10.0.0.2:3306");
  EXPECT_EQ(ToString(url->hosts[2]), "[fd00::1]:3308");
  EXPECT_EQ(url->password_file, "/run/secret");
  EXPECT_EQ(url->ssl_ca, "/ca.pem");
  EXPECT_EQ(url->pool, 3);
}

TEST(MysqlUrl, SaysWhatIsWrong) {
  const std::pair<const char*, const char*> wrong[] = {
      {"mysql://db/schema", "user"},
      {"mysql://@db/schema", "user"},
      {"mysql://u@db", "schema"},
      {"mysql://u@db/", "schema"},
      {"mysql://u@db/a/b", "schema"},
      {"mysql://u@/schema", "host"},
      {"mysql://u@a,,b/schema", "host"},
      {"mysql://u@db:0/schema", "a port that is none"},
      {"mysql://u@db:70000/schema", "a port that is none"},
      {"mysql://u@[::1/schema", "'['"},
      {"mysql://u@db/schema?pool=0", "pool"},
      {"mysql://u@db/schema?pool=many", "pool"},
      {"mysql://u@db/schema?colour=red", "unknown or empty"},
      {"mysql://u@db/schema?password_file=", "unknown or empty"},
      {"mysql:u@db/schema", "mysql://"},
  };
  for (const auto& [url, what] : wrong) {
    const absl::Status status = ParseMysqlUrl(url).status();
    EXPECT_EQ(ReasonOf(status), reason::kDatabaseUrlInvalid) << url;
    EXPECT_THAT(std::string(status.message()), HasSubstr(what)) << url;
  }
}

TEST(MysqlUrl, APasswordInItIsRefusedAndNotRepeated_F23) {
  for (const char* url : {"mysql://u:hunter2@db/schema", "mysql://u@db/schema?password=hunter2"}) {
    const absl::Status status = ParseMysqlUrl(url).status();
    EXPECT_THAT(std::string(status.message()), HasSubstr("password_file"));
    EXPECT_THAT(status.ToString(), Not(HasSubstr("hunter2")));
  }
}

TEST(MysqlUrl, APasswordFileThatCannotBeReadIsToldAtOnce) {
  const rematch::testing::TempDir dir;
  const absl::Status status = Open("mysql://u@127.0.0.1:1/schema?password_file=" + dir.File("none")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr(dir.File("none")));
}

}  // namespace
}  // namespace rematch::sql
