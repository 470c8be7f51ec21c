// The store that a test of a service runs on: SQLite as it is, or the MariaDB that CTest starts when the environment says so. CTest runs
// the suites that touch a store on both (STORES of rematch_tests() in cmake/RematchTargets.cmake). By hand:
//
//   REMATCH_TEST_STORE=mysql build/dev/tests/mentor_tests --gtest_filter='Door.*'
#ifndef REMATCH_TESTS_STORE_H_
#define REMATCH_TESTS_STORE_H_

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "platform/clock.h"
#include "platform/embedded.h"
#include "platform/errors.h"
#include "platform/ids.h"
#include "platform/sql/database.h"
#include "platform/sql/migrations.h"
#include "platform/sql/translate.h"
#include "tests/mysql_schema.h"
#include "tests/platform/temp_dir.h"

namespace rematch::testing {

// A schema to which `migrations` were applied, empty but for what they put there. Making tables takes a server much longer than most tests
// do, so schemas are kept, and emptied for whoever is next; a lock on a file says which of them are in use.
class MigratedSchema {
 public:
  explicit MigratedSchema(std::span<const platform::EmbeddedFile> migrations) {
    std::string all;
    for (const platform::EmbeddedFile& file : migrations) absl::StrAppend(&all, std::string(file.name), "\n", std::string(file.content));
    Lock(absl::StrCat("test_kept_", absl::BytesToHexString(platform::Sha256(all).substr(0, 6))));
    platform::RealClock clock;
    const std::unique_ptr<sql::Database> server = Must(sql::Open(MysqlSchema::ServerUrl()));
    Must(server->RunDdl("CREATE DATABASE IF NOT EXISTS " + name_));
    const std::unique_ptr<sql::Database> schema = Must(sql::Open(url()));
    Must(sql::Migrate(*schema, migrations, clock));
    Must(sql::TransactAgain(*schema, [&](sql::Transaction& tx) -> absl::Status {
      REMATCH_ASSIGN_OR_RETURN(const std::vector<sql::Row> tables,
                               tx.Query("SELECT table_name FROM information_schema.tables WHERE table_schema = ?", {name_}));
      for (const sql::Row& table : tables) {
        if (table.Text(0).starts_with("schema_")) continue;
        REMATCH_RETURN_IF_ERROR(tx.Execute("DELETE FROM " + table.Text(0)).status());
      }
      for (const platform::EmbeddedFile& file : migrations) {
        for (const std::string& statement : sql::SplitScript(file.content)) {
          if (!sql::IsDdl(statement)) REMATCH_RETURN_IF_ERROR(tx.Execute(statement).status());
        }
      }
      return absl::OkStatus();
    }));
  }
  ~MigratedSchema() { close(lock_); }
  MigratedSchema(const MigratedSchema&) = delete;
  MigratedSchema& operator=(const MigratedSchema&) = delete;

  std::string url() const {
    std::string url = MysqlSchema::ServerUrl();
    return url.replace(url.find("/test?") + 1, 4, name_);
  }

 private:
  void Lock(const std::string& kind) {
    const std::string folder = REMATCH_BINARY_DIR "/mariadb/kept";
    std::filesystem::create_directories(folder);
    for (int i = 0;; ++i) {
      name_ = absl::StrCat(kind, "_", i);
      lock_ = open(absl::StrCat(folder, "/", name_).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
      if (lock_ < 0) std::abort();
      if (flock(lock_, LOCK_EX | LOCK_NB) == 0) return;
      close(lock_);
    }
  }
  std::string name_;
  int lock_ = -1;
};

// An empty store, gone when the object is: it outlives what is opened by its URL. Whoever says which migrations will be applied to it may
// find them applied.
class TestStore {
 public:
  using Migrations = std::span<const platform::EmbeddedFile>;
  enum class Kind {
    kMemory,  // of SQLite: gone when it is closed, and reads wait for writes
    kDisk,    // of SQLite: still there when it is opened again, and reads run beside writes
    kMysql,   // both at once, and several may have it open
  };
  // Of this kind, or kMysql if the environment says so.
  explicit TestStore(Kind kind = Kind::kMemory, Migrations migrations = {}) : kind_(OnMysql() ? Kind::kMysql : kind) {
    EXPECT_TRUE(RunsOnMysqlToo()) << "this suite uses a store and is not in STORES of tests/CMakeLists.txt: it would never run on MariaDB";
    switch (kind_) {
      case Kind::kMemory:
        url_ = "sqlite::memory:";
        break;
      case Kind::kDisk:
        folder_ = std::make_unique<TempDir>();
        url_ = "sqlite:" + folder_->File("test.db");
        break;
      case Kind::kMysql:
        if (migrations.empty()) {
          schema_ = std::make_unique<MysqlSchema>();
          url_ = schema_->url();
        } else {
          migrated_ = std::make_unique<MigratedSchema>(migrations);
          url_ = migrated_->url();
        }
    }
  }
  explicit TestStore(Migrations migrations) : TestStore(Kind::kMemory, migrations) {}

  const std::string& url() const { return url_; }
  Kind kind() const { return kind_; }

 private:
  static bool OnMysql() {
    const char* const said = std::getenv("REMATCH_TEST_STORE");
    return said != nullptr && std::string_view(said) == "mysql";
  }

  // Whether CTest runs the test that uses it on MariaDB as well: all of its suite, or the same test with another parameter.
  static bool RunsOnMysqlToo() {
    const ::testing::UnitTest& unit_test = *::testing::UnitTest::GetInstance();
    const ::testing::TestInfo* const test = unit_test.current_test_info();
    if (test != nullptr && (absl::StrContains(test->name(), "/Sqlite") || absl::StrContains(test->name(), "Mysql"))) return true;
    const ::testing::TestSuite* const suite = unit_test.current_test_suite();
    if (suite == nullptr) return true;
    for (const absl::string_view pattern : absl::StrSplit(REMATCH_TEST_STORES, ':')) {
      if (pattern == "*" || pattern == absl::StrCat(suite->name(), ".*")) return true;
    }
    return false;
  }

  Kind kind_;
  std::string url_;
  std::unique_ptr<TempDir> folder_;
  std::unique_ptr<MysqlSchema> schema_;
  std::unique_ptr<MigratedSchema> migrated_;
};

}  // namespace rematch::testing

#endif  // REMATCH_TESTS_STORE_H_
