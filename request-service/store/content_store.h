// What cases refer to by the hash of what it says (policies, calendars): a version is never changed, so what was read once stays in memory.
#ifndef REMATCH_REQUEST_SERVICE_STORE_CONTENT_STORE_H_
#define REMATCH_REQUEST_SERVICE_STORE_CONTENT_STORE_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "platform/errors.h"
#include "platform/sql/database.h"
#include "platform/strings.h"

namespace rematch::request {

// Rows `hash, {column}, created` of `table`; `read` makes a value of one, or nothing of one that is damaged. Thread-safe.
template <typename Value>
class ContentStore {
 public:
  using Pointer = std::shared_ptr<const Value>;
  using Read = std::shared_ptr<const Value> (*)(const sql::Row& row);

  ContentStore(sql::Database& database, std::string table, std::string_view column, Read read)
      : database_(database), table_(std::move(table)), columns_("hash, " + std::string(column) + ", created"), read_(read) {}

  // Stores it unless it is there. Blocks, unless it is known here.
  absl::Status Keep(const std::string& hash, const std::string& bytes, absl::Time now) {
    if (Known(hash) != nullptr) return absl::OkStatus();
    REMATCH_RETURN_IF_ERROR(sql::TransactAgain(database_, [&](sql::Transaction& tx) {
      return tx
          .Execute(absl::StrCat("INSERT IGNORE INTO ", table_, " (", columns_, ") VALUES (?, ?, ?)"),
                   {hash, sql::Bytes{bytes}, sql::ToMicros(now)})
          .status();
    }));
    return Get(hash).status();
  }

  // The one of this hash, read by `tx` unless it is known here. INTERNAL when there is none: cases keep theirs.
  absl::StatusOr<Pointer> Get(sql::Transaction& tx, std::string_view hash) {
    if (Pointer known = Known(hash)) return known;
    REMATCH_ASSIGN_OR_RETURN(const std::vector<sql::Row> rows,
                             tx.Query(absl::StrCat("SELECT ", columns_, " FROM ", table_, " WHERE hash = ?"), {std::string(hash)}));
    if (rows.empty()) return sql::StoreError(sql::Failure::kSplit, "what a case goes by is not stored");
    REMATCH_ASSIGN_OR_RETURN(Pointer value, ReadRow(rows[0]));
    absl::MutexLock lock(&mutex_);
    return known_.try_emplace(std::string(hash), std::move(value)).first->second;
  }

  // The same in a read of its own, which blocks, unless it is known.
  absl::StatusOr<Pointer> Get(std::string_view hash) {
    Pointer value = Known(hash);
    if (value != nullptr) return value;
    REMATCH_RETURN_IF_ERROR(database_.ReadEach([&](sql::Transaction& tx) -> absl::Status {
      REMATCH_ASSIGN_OR_RETURN(value, Get(tx, hash));
      return absl::OkStatus();
    }));
    return value;
  }

  // All of them, or those of which `where` holds, in no order. Blocks.
  absl::StatusOr<std::vector<Pointer>> List(std::string_view where = "") {
    std::vector<Pointer> values;
    REMATCH_RETURN_IF_ERROR(database_.ReadEach([&](sql::Transaction& tx) -> absl::Status {
      values.clear();
      REMATCH_ASSIGN_OR_RETURN(const std::vector<sql::Row> rows, tx.Query(absl::StrCat("SELECT ", columns_, " FROM ", table_,
                                                                                       where.empty() ? "" : " WHERE ", ToAbsl(where))));
      for (const sql::Row& row : rows) {
        REMATCH_ASSIGN_OR_RETURN(Pointer value, ReadRow(row));
        values.push_back(std::move(value));
      }
      return absl::OkStatus();
    }));
    return values;
  }

 private:
  absl::StatusOr<Pointer> ReadRow(const sql::Row& row) const {
    Pointer value = read_(row);
    if (value == nullptr) return sql::StoreError(sql::Failure::kSplit, "what a case goes by cannot be read");
    return value;
  }

  // Null when it is not.
  Pointer Known(std::string_view hash) {
    absl::MutexLock lock(&mutex_);
    const auto found = known_.find(ToAbsl(hash));
    return found == known_.end() ? nullptr : found->second;
  }

  sql::Database& database_;
  const std::string table_;
  const std::string columns_;
  const Read read_;
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, Pointer> known_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_STORE_CONTENT_STORE_H_
