#include "platform/sql/rows.h"

#include <algorithm>
#include <iterator>

#include "platform/errors.h"

namespace rematch::sql {

namespace {
constexpr size_t kMostRows = 512;  // a batch of 64 commands, each of which writes eight rows of a table
}  // namespace

void RowWriter::Add(std::vector<Value> row) { std::move(row.begin(), row.end(), std::back_inserter(values_)); }

absl::StatusOr<int64_t> RowWriter::WriteCounting(Transaction& tx) const {
  const size_t rows = values_.size() / columns_;
  int64_t written = 0;
  size_t chunk = kMostRows;
  for (size_t done = 0; done < rows; done += chunk) {
    while (chunk > rows - done) chunk /= 2;
    REMATCH_ASSIGN_OR_RETURN(const int64_t of_chunk, tx.Execute(head_ + " VALUES " + ValueRows(chunk, columns_) + tail_,
                                                                absl::MakeConstSpan(values_).subspan(done * columns_, chunk * columns_)));
    written += of_chunk;
  }
  return written;
}

}  // namespace rematch::sql
