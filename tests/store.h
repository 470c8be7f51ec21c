// The store that a test of a service runs on: SQLite as it is, or the MariaDB that CTest starts when the environment says so. CTest runs the
// suites that touch a store on both (STORES of rematch_tests() in cmake/RematchTargets.cmake). By hand:
//
//   REMATCH_TEST_STORE=mysql build/dev/tests/mentor_tests --gtest_filter='Door.*'
#ifndef REMATCH_TESTS_STORE_H_
#define REMATCH_TESTS_STORE_H_

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "tests/mysql_schema.h"
#include "tests/platform/temp_dir.h"

namespace rematch::testing {

// An empty store, gone when the object is: it outlives what is opened by its URL.
class TestStore {
 public:
  enum class Kind {
    kMemory,  // of SQLite: gone when it is closed, and reads wait for writes
    kDisk,    // of SQLite: still there when it is opened again, and reads run beside writes
    kMysql,   // both at once, and several may have it open
  };
  // What the environment says, else `sqlite`.
  explicit TestStore(Kind sqlite = Kind::kMemory) : TestStore(OnMysql() ? Kind::kMysql : sqlite, 0) {}
  static TestStore Mysql() { return TestStore(Kind::kMysql, 0); }

  const std::string& url() const { return url_; }
  Kind kind() const { return kind_; }

 private:
  TestStore(Kind kind, int) : kind_(kind) {
    switch (kind) {
      case Kind::kMemory:
        url_ = "sqlite::memory:";
        break;
      case Kind::kDisk:
        folder_ = std::make_unique<TempDir>();
        url_ = "sqlite:" + folder_->File("test.db");
        break;
      case Kind::kMysql:
        schema_ = std::make_unique<MysqlSchema>();
        url_ = schema_->url();
    }
  }
  static bool OnMysql() {
    const char* const said = std::getenv("REMATCH_TEST_STORE");
    return said != nullptr && std::string_view(said) == "mysql";
  }

  Kind kind_;
  std::string url_;
  std::unique_ptr<TempDir> folder_;
  std::unique_ptr<MysqlSchema> schema_;
};

}  // namespace rematch::testing

#endif  // REMATCH_TESTS_STORE_H_
