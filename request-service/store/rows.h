// Writing many rows with few different statements.
#ifndef REMATCH_REQUEST_SERVICE_STORE_ROWS_H_
#define REMATCH_REQUEST_SERVICE_STORE_ROWS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "platform/sql/database.h"

namespace rematch::request {

// Collects rows and writes them by `head` VALUES (...), (...) `tail`: in statements of 128, 64, 32 ... rows, so that there are at
// most eight of each kind to prepare.
class RowWriter {
 public:
  RowWriter(std::string_view head, size_t columns, std::string_view tail = "") : head_(head), columns_(columns), tail_(tail) {}

  // `row` has as many values as there are columns.
  void Add(std::vector<sql::Value> row);
  absl::Status Write(sql::Transaction& tx) const;

 private:
  const std::string head_;
  const size_t columns_;
  const std::string tail_;
  std::vector<sql::Value> values_;
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_STORE_ROWS_H_
