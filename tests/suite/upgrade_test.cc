// A store that an earlier version made and filled is brought up to date with all that is in it, whichever version that was.
#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "mentor-service/mentor_service.h"
#include "notify-service/notify_service.h"
#include "platform/errors.h"
#include "platform/sql/migrations.h"
#include "request-service/request_service.h"
#include "tests/store.h"

namespace rematch::suite {
namespace {

using sql::Row;
using sql::Value;

struct Service {
  const char* name;
  std::span<const platform::EmbeddedFile> migrations;
};
void PrintTo(const Service& service, std::ostream* out) { *out << service.name; }

// table -> its columns, with their types
using Columns = std::map<std::string, std::vector<std::pair<std::string, std::string>>>;

class Upgrade : public ::testing::TestWithParam<Service> {
 protected:
  static std::vector<Row> Query(sql::Database& database, const std::string& statement) {
    std::vector<Row> rows;
    const absl::Status status = database.Read([&](sql::Transaction& tx) -> absl::Status {
      REMATCH_ASSIGN_OR_RETURN(rows, tx.Query(statement));
      return absl::OkStatus();
    });
    EXPECT_TRUE(status.ok()) << status << sql::DetailOf(status);
    return rows;
  }

  static Columns ColumnsOf(sql::Database& database) {
    Columns columns;
    for (const Row& row : Query(database, std::string(database.columns_query()))) {
      if (!row.Text(0).starts_with("schema_")) columns[row.Text(0)].emplace_back(row.Text(1), row.Text(2));
    }
    return columns;
  }

  // Rows with something in every column.
  static void Fill(sql::Database& database, const Columns& columns) {
    for (const auto& table : columns) {
      for (int n = 1; n <= 3; ++n) {
        std::vector<std::string> names;
        std::vector<Value> values;
        for (const auto& [name, type] : table.second) {
          names.push_back(absl::StrCat("`", name, "`"));
          if (absl::StartsWith(type, "bigint")) {
            values.emplace_back(int64_t{n} + (name == "capacity" ? 10 : 0));  // within what a constraint allows
          } else if (absl::StartsWith(type, "varchar")) {
            values.emplace_back(absl::StrCat("v", n));
          } else {
            values.emplace_back(sql::Bytes{absl::StrCat("b", n)});
          }
        }
        const absl::Status status = database.Transact([&](sql::Transaction& tx) {
          return tx
              .Execute(
                  absl::StrCat("INSERT INTO ", table.first, " (", absl::StrJoin(names, ", "), ") VALUES ", sql::ValueRows(1, names.size())),
                  values)
              .status();
        });
        ASSERT_TRUE(status.ok()) << table.first << " " << status << sql::DetailOf(status);
      }
    }
  }

  // All that is in these columns, as text, sorted.
  static std::vector<std::string> Content(sql::Database& database, const Columns& columns) {
    std::vector<std::string> content;
    for (const auto& [table, named] : columns) {
      std::vector<std::string> names;
      for (const auto& column : named) names.push_back(absl::StrCat("`", column.first, "`"));
      for (const Row& row : Query(database, absl::StrCat("SELECT ", absl::StrJoin(names, ", "), " FROM ", table))) {
        std::string line = table;
        for (size_t i = 0; i < names.size(); ++i)
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
    const Columns columns = ColumnsOf(**database);
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
