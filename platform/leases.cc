#include "platform/leases.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/errors.h"
#include "platform/strings.h"

namespace rematch::platform {

using sql::Row;
using sql::Transaction;
using sql::Value;

Leases::Leases(sql::Database& database, Clock& clock, std::string replica, absl::Duration lease)
    : database_(database), clock_(clock), replica_(std::move(replica)), lease_(lease) {}

absl::Status Leases::Beat() {
  REMATCH_RETURN_IF_ERROR(database_.Transact([this](Transaction& tx) {
    return tx
        .Execute(
            "INSERT INTO replicas (replica, beat, seen) VALUES (?, 1, ?)"
            " ON DUPLICATE KEY UPDATE beat = beat + 1, seen = VALUES(seen)",
            {replica_, sql::ToMicros(clock_.Now())})
        .status();
  }));
  // A beat that stands still is counted from after the first look at it to before the last one: the time spent looking, and
  // any time in which nobody looked, is never held against another replica.
  const absl::Duration before = clock_.Monotonic();
  std::vector<Row> rows;
  REMATCH_RETURN_IF_ERROR(database_.Read([&](Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(rows, tx.Query("SELECT replica, beat FROM replicas WHERE replica <> ?", {replica_}));
    return absl::OkStatus();
  }));
  const absl::Duration after = clock_.Monotonic();
  absl::MutexLock lock(&mutex_);
  for (const Row& row : rows) {
    const auto [it, first] = seen_.try_emplace(row.Text(0));
    Seen& seen = it->second;
    if (first || seen.beat != row.Int(1)) {
      seen = Seen{.beat = row.Int(1), .since = after, .still = absl::ZeroDuration()};
    } else {
      seen.still = before - seen.since;
    }
  }
  return absl::OkStatus();
}

std::vector<std::pair<std::string, int64_t>> Leases::DeadReplicas() {
  std::vector<std::pair<std::string, int64_t>> dead;
  absl::MutexLock lock(&mutex_);
  for (const auto& [replica, seen] : seen_) {
    if (seen.still >= lease_) dead.emplace_back(replica, seen.beat);
  }
  std::sort(dead.begin(), dead.end());
  return dead;
}

absl::StatusOr<std::vector<Claim>> Leases::ClaimDue(std::string_view table, absl::Time now, size_t limit) {
  const std::vector<std::pair<std::string, int64_t>> dead = DeadReplicas();
  std::vector<Claim> claims;
  REMATCH_RETURN_IF_ERROR(database_.Transact([&](Transaction& tx) -> absl::Status {
    claims.clear();
    std::vector<Value> from = {std::string()};
    if (!dead.empty()) {
      // One that has moved since the last look was only slow.
      std::vector<Value> names;
      for (const auto& [replica, beat] : dead) names.emplace_back(replica);
      sql::PadInList(names);
      REMATCH_ASSIGN_OR_RETURN(
          const std::vector<Row> rows,
          tx.Query(absl::StrCat("SELECT replica, beat FROM replicas WHERE replica IN ", sql::InList(names.size())), names));
      for (const Row& row : rows) {
        const std::pair<std::string, int64_t> now_seen(row.Text(0), row.Int(1));
        if (std::binary_search(dead.begin(), dead.end(), now_seen)) from.emplace_back(row.Text(0));
      }
    }
    sql::PadInList(from);
    const std::string owners = sql::InList(from.size());
    from.emplace_back(sql::ToMicros(now));
    from.emplace_back(static_cast<int64_t>(limit));
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                             tx.Query(absl::StrCat("SELECT id, epoch FROM ", ToAbsl(table), " WHERE owner IN ", owners,
                                                   " AND due <= ? ORDER BY due, id LIMIT ? FOR UPDATE SKIP LOCKED"),
                                      from));
    if (rows.empty()) return absl::OkStatus();
    std::vector<Value> ids;
    for (const Row& row : rows) {
      claims.push_back({.id = row.Text(0), .epoch = row.Int(1) + 1});
      ids.emplace_back(row.Text(0));
    }
    sql::PadInList(ids);
    const std::string list = sql::InList(ids.size());
    ids.insert(ids.begin(), replica_);
    return tx.Execute(absl::StrCat("UPDATE ", ToAbsl(table), " SET owner = ?, epoch = epoch + 1 WHERE id IN ", list), ids).status();
  }));
  return claims;
}

absl::StatusOr<absl::Time> Leases::NextDue(std::string_view table) {
  absl::Time next = absl::InfiniteFuture();
  REMATCH_RETURN_IF_ERROR(database_.Read([&](Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                             tx.Query(absl::StrCat("SELECT MIN(due) FROM ", ToAbsl(table), " WHERE owner = ''")));
    if (!rows.empty() && !rows[0].IsNull(0)) next = sql::FromMicros(rows[0].Int(0));
    return absl::OkStatus();
  }));
  return next;
}

}  // namespace rematch::platform
