#include "platform/sql/rows.h"

#include <algorithm>
#include <iterator>

#include "platform/errors.h"

namespace rematch::sql {

namespace {
constexpr size_t kMostRows = 512;  // a batch of 64 commands, each of which writes eight rows of a table

// How many of the rows that are left go into the next statement.
size_t ChunkOf(size_t left) {
  const size_t rows = std::min(left, kMostRows);
  size_t unit = 1;
  while (unit * 4 <= rows) unit *= 4;
  return rows / unit * unit;
}

}  // namespace

void RowWriter::Add(std::vector<Value> row) { std::move(row.begin(), row.end(), std::back_inserter(values_)); }

absl::Status RowWriter::Add(std::vector<Value> row, Transaction& tx) {
  Add(std::move(row));
  if (values_.size() < kMostRows * columns_) return absl::OkStatus();
  const absl::Status written = Write(tx);
  values_.clear();
  return written;
}

absl::StatusOr<int64_t> RowWriter::WriteCounting(Transaction& tx) const {
  const size_t rows = values_.size() / columns_;
  int64_t written = 0;
  for (size_t done = 0, chunk = 0; done < rows; done += chunk) {
    chunk = ChunkOf(rows - done);
    REMATCH_ASSIGN_OR_RETURN(const int64_t of_chunk, tx.Execute(head_ + " VALUES " + ValueRows(chunk, columns_) + tail_,
                                                                absl::MakeConstSpan(values_).subspan(done * columns_, chunk * columns_)));
    written += of_chunk;
  }
  return written;
}

}  // namespace rematch::sql
