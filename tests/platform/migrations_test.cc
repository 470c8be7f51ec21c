// Numbered migrations.
#include "platform/sql/migrations.h"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/errors.h"
#include "platform/sql/reasons.h"

namespace rematch::sql {
namespace {

using platform::EmbeddedFile;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr EmbeddedFile kFirst{"0001_first.sql", "CREATE TABLE a (x BIGINT);\nCREATE TABLE b (x BIGINT);"};
constexpr EmbeddedFile kSecond{"0002_second.sql", "-- adds a row\nINSERT INTO a (x) VALUES (7);\n"};

class Migrations : public ::testing::Test {
 protected:
  absl::Status Run(std::vector<EmbeddedFile> files) { return Migrate(*db_, files, clock_); }
  std::vector<std::string> Applied() {
    std::vector<std::string> names;
    EXPECT_TRUE(db_->Read([&](Transaction& tx) -> absl::Status {
                     REMATCH_ASSIGN_OR_RETURN(const auto rows, tx.Query("SELECT name FROM schema_migrations ORDER BY number"));
                     for (const Row& row : rows) names.push_back(row.Text(0));
                     return absl::OkStatus();
                   })
                    .ok());
    return names;
  }
  int64_t RowsOfA() {
    int64_t count = -1;
    EXPECT_TRUE(db_->Read([&](Transaction& tx) -> absl::Status {
                     REMATCH_ASSIGN_OR_RETURN(const auto rows, tx.Query("SELECT COUNT(*) FROM a"));
                     count = rows[0].Int(0);
                     return absl::OkStatus();
                   })
                    .ok());
    return count;
  }

  platform::ManualClock clock_{absl::FromUnixSeconds(1'772'442'000)};
  std::unique_ptr<Database> db_ = *Open("sqlite::memory:");
};

TEST_F(Migrations, AreAppliedOnceInOrder) {
  ASSERT_TRUE(Run({kFirst, kSecond}).ok());
  EXPECT_THAT(Applied(), ElementsAre("0001_first.sql", "0002_second.sql"));
  ASSERT_TRUE(Run({kFirst, kSecond}).ok());
  EXPECT_EQ(RowsOfA(), 1);
}

TEST_F(Migrations, ANewerBinaryAddsItsOwn) {
  ASSERT_TRUE(Run({kFirst}).ok());
  ASSERT_TRUE(Run({kFirst, kSecond}).ok());
  EXPECT_EQ(RowsOfA(), 1);
}

TEST_F(Migrations, AFailedOneLeavesNothingOfItself) {
  const absl::Status status = Run({kFirst, {"0002_bad.sql", "INSERT INTO a (x) VALUES (1);\nINSERT INTO nowhere (x) VALUES (1);"}});
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(DetailOf(status), AllOf(HasSubstr("0002_bad.sql"), HasSubstr("nowhere"))) << "for the operator";
  EXPECT_THAT(Applied(), ElementsAre("0001_first.sql"));
  EXPECT_EQ(RowsOfA(), 0);
}

TEST_F(Migrations, AnOlderBinaryRefusesTheStoreOfANewerOne) {
  ASSERT_TRUE(Run({kFirst, kSecond}).ok());
  const absl::Status status = Run({kFirst});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), reason::kSchemaMismatch);
  EXPECT_THAT(std::string(status.message()), HasSubstr("0002_second.sql"));
}

TEST_F(Migrations, AChangedOneIsRefusedBeforeAnythingIsApplied) {
  ASSERT_TRUE(Run({kFirst}).ok());
  const absl::Status status = Run({{kFirst.name, "CREATE TABLE a (y BIGINT);"}, kSecond});
  EXPECT_EQ(ReasonOf(status), reason::kSchemaMismatch);
  EXPECT_THAT(std::string(status.message()), HasSubstr("0001_first.sql"));
  EXPECT_THAT(Applied(), ElementsAre("0001_first.sql"));
}

TEST_F(Migrations, OneThatComesInBetweenIsRefused) {
  ASSERT_TRUE(Run({kFirst, {"0003_third.sql", "CREATE TABLE c (x BIGINT);"}}).ok());
  const absl::Status status = Run({kFirst, kSecond, {"0003_third.sql", "CREATE TABLE c (x BIGINT);"}});
  EXPECT_EQ(ReasonOf(status), reason::kSchemaMismatch);
  EXPECT_THAT(std::string(status.message()), HasSubstr("0002_second.sql"));
}

TEST_F(Migrations, NamesAreCheckedBeforeAnythingIsApplied) {
  for (const std::vector<EmbeddedFile>& files : std::vector<std::vector<EmbeddedFile>>{{{"first.sql", "SELECT 1;"}},
                                                                                       {{"0001_it's.sql", "SELECT 1;"}},
                                                                                       {{"0001_a.txt", "SELECT 1;"}},
                                                                                       {kSecond, kFirst},
                                                                                       {kFirst, kFirst}}) {
    EXPECT_EQ(ReasonOf(Run(files)), reason::kMigrationInvalid) << files.back().name;
  }
}

}  // namespace
}  // namespace rematch::sql
