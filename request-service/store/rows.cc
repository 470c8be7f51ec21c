#include "request-service/store/rows.h"

#include <algorithm>
#include <iterator>

#include "platform/errors.h"

namespace rematch::request {

namespace {
constexpr size_t kMostRows = 128;
}  // namespace

void RowWriter::Add(std::vector<sql::Value> row) { std::move(row.begin(), row.end(), std::back_inserter(values_)); }

absl::Status RowWriter::Write(sql::Transaction& tx) const {
  const size_t rows = values_.size() / columns_;
  size_t chunk = kMostRows;
  for (size_t done = 0; done < rows; done += chunk) {
    while (chunk > rows - done) chunk /= 2;
    REMATCH_RETURN_IF_ERROR(tx.Execute(head_ + " VALUES " + sql::ValueRows(chunk, columns_) + tail_,
                                       absl::MakeConstSpan(values_).subspan(done * columns_, chunk * columns_))
                                .status());
  }
  return absl::OkStatus();
}

}  // namespace rematch::request
