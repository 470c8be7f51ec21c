// A store that an earlier version made and filled is brought up to date with all that is in it, whichever version that was.
#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "mentor-service/mentor_service.h"
#include "notify-service/notify_service.h"
#include "platform/sql/migrations.h"
#include "request-service/request_service.h"
#include "tests/sql_kit.h"
#include "tests/store.h"

namespace rematch::suite {
namespace {

using rematch::testing::Tables;
using sql::Row;

struct Service {
  const char* name;
  std::span<const platform::EmbeddedFile> migrations;
};
void PrintTo(const Service& service, std::ostream* out) { *out << service.name; }

class Upgrade : public ::testing::TestWithParam<Service> {
 protected:
  static void Fill(sql::Database& database, const Tables& tables) {
    for (const auto& [table, columns] : tables) {
      for (int n = 1; n <= 3; ++n) rematch::testing::Insert(database, table, columns, rematch::testing::MadeUpRow(columns, n));
    }
  }

  // All that is in these columns, as text, sorted.
  static std::vector<std::string> Content(sql::Database& database, const Tables& tables) {
    std::vector<std::string> content;
    for (const auto& [table, columns] : tables) {
      for (const Row& row :
           rematch::testing::Query(database, absl::StrCat("SELECT ", rematch::testing::NamesOf(columns), " FROM ", table))) {
        std::string line = table;
        for (size_t i = 0; i < columns.size(); ++i)
          absl::StrAppend(&line, "|", row.Text(i), row.Text(i).empty() ? absl::StrCat(row.Int(i)) : "");
        content.push_back(std::move(line));
      }
    }
    std::sort(content.begin(), content.end());
    return content;
  }

  platform::ManualClock clock_{absl::FromUnixSeconds(1'772'442'000)};
};

INSTANTIATE_TEST_SUITE_P(Services, Upgrade,
                         ::testing::Values(Service{"mentor", mentor::MentorMigrations()}, Service{"request", request::RequestMigrations()},
                                           Service{"notify", notify::NotifyMigrations()}),
                         [](const auto& info) { return info.param.name; });

TEST_P(Upgrade, KeepsAllThatIsInAStoreOfEveryEarlierVersion) {
  const auto migrations = GetParam().migrations;
  for (size_t version = 1; version <= migrations.size(); ++version) {
    const rematch::testing::TestStore store;
    const auto database = sql::Open(store.url());
    ASSERT_TRUE(database.ok()) << database.status();
    ASSERT_TRUE(sql::Migrate(**database, migrations.first(version), clock_).ok());
    const Tables columns = rematch::testing::TablesOf(**database);
    Fill(**database, columns);
    const std::vector<std::string> before = Content(**database, columns);
    ASSERT_GE(before.size(), 3 * columns.size());
    const absl::Status upgraded = sql::Migrate(**database, migrations, clock_);
    ASSERT_TRUE(upgraded.ok()) << "from version " << version << ": " << upgraded << sql::DetailOf(upgraded);
    EXPECT_EQ(Content(**database, columns), before) << "from version " << version;
  }
}

}  // namespace
}  // namespace rematch::suite
