// Shows how a store runs the statements of a service: records them while the service works, fills its tables with realistically many rows,
// and asks the store to explain each.
//
//   RecordingDatabase recording(*db);             // the service works on this
//   ...
//   EXPECT_THAT(SlowStatements(*db, recording.statements(), {"policies"}), IsEmpty());
#ifndef REMATCH_TESTS_EXPLAIN_H_
#define REMATCH_TESTS_EXPLAIN_H_

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "platform/sql/database.h"

namespace rematch::testing {

// A statement of the portable subset, with the values that it was last run with.
using Statements = std::map<std::string, std::vector<sql::Value>>;

// Passes everything on. Thread-safe.
class RecordingDatabase final : public sql::Database {
 public:
  explicit RecordingDatabase(sql::Database& inner) : inner_(inner) {}

  absl::Status Transact(absl::FunctionRef<absl::Status(sql::Transaction&)> body) override;
  absl::Status Read(absl::FunctionRef<absl::Status(sql::Transaction&)> body) override;
  int writers() const override { return inner_.writers(); }
  absl::Status RunDdl(std::string_view statement) override { return inner_.RunDdl(statement); }
  std::string_view columns_query() const override { return inner_.columns_query(); }

  Statements statements();

 private:
  class Recorder;

  sql::Database& inner_;
  absl::Mutex mutex_;
  Statements statements_ ABSL_GUARDED_BY(mutex_);
};

// Makes about `copies` rows of each that is there, in all tables but those of the schema itself: other keys and people, the same consortium
// and program, so that lists of one of them grow.
absl::Status Multiply(sql::Database& database, int copies);

// What the store would do for each of `statements` that reads, changes or deletes rows: those that look at all rows of a table (or of an
// index), or sort them in a step of its own, with the store's words. Tables in `small` never grow, so anything may be done with them.
std::vector<std::string> SlowStatements(sql::Database& database, const Statements& statements, const std::set<std::string>& small);

}  // namespace rematch::testing

#endif  // REMATCH_TESTS_EXPLAIN_H_
