// Writing many rows with few different statements.
#ifndef REMATCH_PLATFORM_SQL_ROWS_H_
#define REMATCH_PLATFORM_SQL_ROWS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "platform/sql/database.h"

namespace rematch::sql {

// Collects rows and writes them all at the end, or whenever there are enough, by `head` VALUES (...), (...) `tail`, in the order in which
// they were added. Each statement has one, two or three times a power of four of them, at most 512: fourteen of each kind to prepare, and
// three for up to 63 rows. Finer steps would save little, and be more than a connection keeps.
class RowWriter {
 public:
  RowWriter(std::string_view head, size_t columns, std::string_view tail = "") : head_(head), columns_(columns), tail_(tail) {}

  // `row` has as many values as there are columns.
  void Add(std::vector<Value> row);
  // The same where there may be any number of rows: they are written whenever there are enough for a statement, so that no more are in
  // memory. Write() writes the rest.
  absl::Status Add(std::vector<Value> row, Transaction& tx);
  absl::Status Write(Transaction& tx) const { return WriteCounting(tx).status(); }
  // The sum of what Transaction::Execute() returned, for the rows that it wrote.
  absl::StatusOr<int64_t> WriteCounting(Transaction& tx) const;

 private:
  const std::string head_;
  const size_t columns_;
  const std::string tail_;
  std::vector<Value> values_;
};

}  // namespace rematch::sql

#endif  // REMATCH_PLATFORM_SQL_ROWS_H_
