#include "platform/leases.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/errors.h"
#include "platform/strings.h"

namespace rematch::platform {

using sql::Row;
using sql::Transaction;
using sql::Value;

namespace {
// The beat of an owner that has no row. Those in the table begin with 1.
constexpr int64_t kNoBeat = 0;
}  // namespace

Leases::Leases(sql::Database& database, Clock& clock, std::string replica, absl::Duration lease)
    : database_(database), clock_(clock), replica_(std::move(replica)), lease_(lease) {}

absl::Status Leases::Beat() {
  REMATCH_RETURN_IF_ERROR(sql::TransactAgain(database_, [this](Transaction& tx) {
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
  absl::btree_set<std::string> tables;
  {
    absl::MutexLock lock(&mutex_);
    tables = tables_;
  }
  absl::flat_hash_map<std::string, int64_t> beats;
  REMATCH_RETURN_IF_ERROR(database_.Read([&](Transaction& tx) -> absl::Status {
    beats.clear();
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows, tx.Query("SELECT replica, beat FROM replicas WHERE replica <> ?", {replica_}));
    for (const Row& row : rows) beats.emplace(row.Text(0), row.Int(1));
    for (const std::string& table : tables) {
      REMATCH_ASSIGN_OR_RETURN(const std::vector<std::string> owners, Owners(tx, table));
      for (const std::string& owner : owners) beats.try_emplace(owner, kNoBeat);
    }
    return absl::OkStatus();
  }));
  const absl::Duration after = clock_.Monotonic();
  absl::flat_hash_map<std::string, Seen> seen;
  absl::MutexLock lock(&mutex_);
  for (const auto& [replica, beat] : beats) {
    const auto known = seen_.find(replica);
    if (known == seen_.end() || known->second.beat != beat) {
      seen[replica] = {.beat = beat, .since = after, .still = absl::ZeroDuration()};
    } else {
      seen[replica] = {.beat = beat, .since = known->second.since, .still = before - known->second.since};
    }
  }
  seen_ = std::move(seen);  // who is gone for good is forgotten
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> Leases::Owners(Transaction& tx, const std::string& table) {
  // From one to the next in the index on (owner, due): they are few, their rows may be many.
  const std::string next = absl::StrCat("SELECT MIN(owner) FROM ", table, " WHERE owner > ?");
  std::vector<std::string> owners;
  std::string last;
  for (;;) {
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows, tx.Query(next, {last}));
    if (rows.empty() || rows[0].IsNull(0)) return owners;
    last = rows[0].Text(0);
    if (last != replica_) owners.push_back(last);
  }
}

std::vector<std::pair<std::string, int64_t>> Leases::DeadReplicas() {
  std::vector<std::pair<std::string, int64_t>> dead;
  absl::MutexLock lock(&mutex_);
  for (const auto& [replica, seen] : seen_) {
    if (seen.still >= lease_) dead.emplace_back(replica, seen.beat);
  }
  return dead;
}

absl::StatusOr<std::vector<Claim>> Leases::ClaimDue(std::string_view table, absl::Time now, size_t limit) {
  const std::vector<std::pair<std::string, int64_t>> dead = DeadReplicas();
  {
    absl::MutexLock lock(&mutex_);
    tables_.emplace(table);
  }
  std::vector<Claim> claims;
  REMATCH_RETURN_IF_ERROR(sql::TransactAgain(database_, [&](Transaction& tx) -> absl::Status {
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
      absl::flat_hash_map<std::string, int64_t> beats;
      for (const Row& row : rows) beats.emplace(row.Text(0), row.Int(1));
      for (const auto& [replica, beat] : dead) {
        const auto found = beats.find(replica);
        if ((found == beats.end() ? kNoBeat : found->second) == beat) from.emplace_back(replica);
      }
    }
    // One owner a statement: over several, MySQL would have to sort, and locks all it looks at.
    const std::string select =
        absl::StrCat("SELECT id, epoch FROM ", ToAbsl(table), " WHERE owner = ? AND due <= ? ORDER BY due LIMIT ? FOR UPDATE SKIP LOCKED");
    std::vector<Value> ids;
    for (const Value& owner : from) {
      const int64_t room = static_cast<int64_t>(limit) - static_cast<int64_t>(claims.size());
      if (room <= 0) break;
      REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows, tx.Query(select, {owner, sql::ToMicros(now), room}));
      for (const Row& row : rows) {
        claims.push_back({.id = row.Text(0), .epoch = row.Int(1) + 1});
        ids.emplace_back(row.Text(0));
      }
    }
    if (ids.empty()) return absl::OkStatus();
    sql::PadInList(ids);
    const std::string list = sql::InList(ids.size());
    ids.insert(ids.begin(), replica_);
    return tx.Execute(absl::StrCat("UPDATE ", ToAbsl(table), " SET owner = ?, epoch = epoch + 1 WHERE id IN ", list), ids).status();
  }));
  return claims;
}

absl::StatusOr<absl::Time> Leases::NextDue(std::string_view table) {
  absl::Time next = absl::InfiniteFuture();
  REMATCH_RETURN_IF_ERROR(database_.ReadEach([&](Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                             tx.Query(absl::StrCat("SELECT MIN(due) FROM ", ToAbsl(table), " WHERE owner = ''")));
    if (!rows.empty() && !rows[0].IsNull(0)) next = sql::FromMicros(rows[0].Int(0));
    return absl::OkStatus();
  }));
  return next;
}

}  // namespace rematch::platform
