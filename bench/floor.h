// What Rematch is measured against: the same RPCs, the same rows, the same MariaDB, served as an ordinary hand-written service does it,
// with one SELECT a read and one transaction a write. It decides nothing: it writes, under new keys, the rows that Rematch was seen to
// write.
//
// A schema of its own has the tables that are written, made like those of the services, and one table of samples for each statement,
// named OPERATION$ORDER$insert$TABLE, OPERATION$ORDER$update$TABLE or OPERATION$ORDER$read$TABLE: the rows to write or to read, with
// markers such as @KEY where the keys go. A write
//   1. looks for its request id (SELECT ... FROM requests),
//   2. where it is asked to, reads what Rematch reads to decide it, row by row,
//   3. reads each row that it is to update, with a lock,
//   4. inserts or updates row by row, and commits.
#ifndef REMATCH_BENCH_FLOOR_H_
#define REMATCH_BENCH_FLOOR_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "demo/mariadb.h"
#include "platform/sql/database.h"

namespace rematch::bench {

// A sample to take: rows of a service's table, as SQL of the server.
struct Sample {
  enum class Kind { kInsert, kUpdate, kRead };
  std::string operation;
  Kind kind = Kind::kInsert;
  std::string schema;
  std::string table;
  std::string where;
  std::map<std::string, std::string> markers = {};  // by column
};

// What stands for each marker: {"@KEY", "0192..."}.
using Keys = std::map<std::string, std::string>;

// Thread-safe.
class FloorStore {
 public:
  // `url` of the schema, with a pool of as many connections as threads will write.
  static absl::StatusOr<std::unique_ptr<FloorStore>> Open(const std::string& url);

  // One transaction: the statements of the operation under these keys. "@REQUEST" is the request id.
  enum class Reads { kLeftOut, kAsRematch };
  absl::Status Write(const std::string& operation, const Keys& keys, Reads reads = Reads::kLeftOut);
  // What Rematch answered when the samples were taken.
  std::string Reply(const std::string& operation) const;
  // How many rows a write inserts or updates.
  size_t RowsOf(const std::string& operation) const;

 private:
  struct Step {
    Sample::Kind kind = Sample::Kind::kInsert;
    std::string table;
    std::vector<std::string> columns;
    std::vector<std::vector<sql::Value>> rows;
    std::vector<size_t> key;  // columns of the primary key
    std::string read, write;  // the statements
  };

  explicit FloorStore(std::unique_ptr<sql::Database> database) : database_(std::move(database)) {}
  absl::Status Load();

  const std::unique_ptr<sql::Database> database_;
  std::map<std::string, std::vector<Step>> operations_;
};

// Makes the floor's schema anew, with these samples in their order, and with whole copies of the tables named in `copies` ("schema.table").
// The URL of the schema.
absl::StatusOr<std::string> PrepareFloor(demo::Mariadb& server, const std::vector<Sample>& samples, const std::vector<std::string>& copies);

// Multiplies the one row of `table` that has `column` = `value` into `count` rows, whose column is `prefix` and the number from 0.
absl::Status MultiplyFloor(demo::Mariadb& server, const std::string& table, const std::string& from_schema, const std::string& column,
                           const std::string& value, const std::string& prefix, int64_t count);

// Serves until it is ended; writes the port to a file once it can be called. `threads` of blocking SQL for reads, and as many for writes.
int ServeFloor(const std::string& url, int threads, const std::string& port_file);

}  // namespace rematch::bench

#endif  // REMATCH_BENCH_FLOOR_H_
