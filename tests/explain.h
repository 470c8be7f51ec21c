// Shows how a store runs the statements of a service: records them while the service works, fills its tables with realistically many rows,
// and asks the store to explain each, and how many rows it looks at for those that it finds.
//
//   RecordingDatabase recording(*db);             // the service works on this, and ends
//   ...
//   Multiply(*db, 6000, {"policies"}, {{"owner", "replica-1"}});
//   EXPECT_THAT(SlowStatements(*db, recording.statements(), {"policies"}, {}), IsEmpty());
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
  absl::Status ReadEach(absl::FunctionRef<absl::Status(sql::Transaction&)> body) override;
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

// Makes at least `rows` rows in all tables but those in `small` and those of the schema itself: copies of each that is there, and of one
// that is made up where there is none. One of eighteen stays in the program of what is copied, six stay in the consortium, in turns, so
// that whoever looks at all of one to find what is of the other looks at many times as many as it finds. `asked` is what statements ask for
// in columns of these names: a third of the copies belongs to the owner that it names, and made-up rows have it.
void Multiply(sql::Database& database, int rows, const std::set<std::string>& small, const std::map<std::string, std::string>& asked);

// What is wrong with how the store would run each of `statements` that reads, changes or deletes rows, with the store's words: it looks at
// all rows of a table (or of an index), or sorts them in a step of its own; on a server also, how many it does look at for those it finds.
// Tables in `small` never grow, so anything may be done with them. `allowed`: ends of statements that read much because they must, and
// why; each must be met.
std::vector<std::string> SlowStatements(sql::Database& database, const Statements& statements, const std::set<std::string>& small,
                                        const std::map<std::string, std::string>& allowed);

}  // namespace rematch::testing

#endif  // REMATCH_TESTS_EXPLAIN_H_
