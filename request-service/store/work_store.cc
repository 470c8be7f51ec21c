#include "request-service/store/work_store.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "platform/errors.h"

namespace rematch::request {
namespace {

using sql::Row;
using sql::ToMicros;
using sql::Value;

// In the order in which batches lock them.
std::vector<Postponed> InOrder(absl::Span<const Postponed> rows) {
  std::vector<Postponed> sorted(rows.begin(), rows.end());
  std::sort(sorted.begin(), sorted.end(), [](const Postponed& a, const Postponed& b) { return a.id < b.id; });
  return sorted;
}

}  // namespace

absl::StatusOr<std::vector<EffectWork>> WorkStore::ReadEffects(const std::string& where, const std::vector<Value>& parameters) {
  std::vector<EffectWork> effects;
  REMATCH_RETURN_IF_ERROR(database_.ReadEach([&](sql::Transaction& tx) -> absl::Status {
    effects.clear();
    REMATCH_ASSIGN_OR_RETURN(
        std::vector<Row> rows,
        tx.Query("SELECT consortium, program, case_id, id, epoch, created, attempts, refusals, effect FROM effects WHERE " + where,
                 parameters));
    for (Row& row : rows) {
      EffectWork& work = effects.emplace_back();
      work.key = {.consortium = row.Text(0), .program = row.Text(1), .id = row.Text(2)};
      work.row = row.Text(3);
      work.epoch = row.Int(4);
      work.created = sql::FromMicros(row.Int(5));
      work.attempts = row.Int(6);
      work.refusals = row.Int(7);
      if (!work.effect.ParseFromString(row.Text(8))) return sql::StoreError(sql::Failure::kSplit, "a stored effect cannot be read");
    }
    return absl::OkStatus();
  }));
  return effects;
}

absl::StatusOr<std::vector<EffectWork>> WorkStore::LoadEffects(absl::Span<const platform::Claim> claims) {
  if (claims.empty()) return std::vector<EffectWork>();
  absl::flat_hash_map<std::string, int64_t> epochs;
  std::vector<Value> ids;
  for (const platform::Claim& claim : claims) {
    epochs[claim.id] = claim.epoch;
    ids.emplace_back(claim.id);
  }
  sql::PadInList(ids);
  const std::string list = sql::InList(ids.size());
  ids.emplace_back(replica_);
  REMATCH_ASSIGN_OR_RETURN(std::vector<EffectWork> found, ReadEffects("id IN " + list + " AND owner = ? ORDER BY created, id", ids));
  std::erase_if(found, [&epochs](const EffectWork& work) { return epochs[work.row] != work.epoch; });
  return found;
}

absl::StatusOr<std::vector<EffectWork>> WorkStore::OwnEffects(absl::Time before, size_t limit) {
  return ReadEffects("owner = ? AND due <= ? ORDER BY due LIMIT ?", {replica_, ToMicros(before), static_cast<int64_t>(limit)});
}

absl::Status WorkStore::PostponeEffects(absl::Span<const Postponed> rows) {
  if (rows.empty()) return absl::OkStatus();
  return sql::TransactAgain(database_, [&](sql::Transaction& tx) -> absl::Status {
    for (const Postponed& row : InOrder(rows)) {
      REMATCH_RETURN_IF_ERROR(
          tx.Execute("UPDATE effects SET owner = '', due = ?, attempts = attempts + 1, refusals = refusals + ?, poison = ?"
                     " WHERE id = ? AND owner = ? AND epoch = ?",
                     {ToMicros(row.due), int64_t{row.refused}, int64_t{row.poison}, row.id, replica_, row.epoch})
              .status());
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<absl::Time> WorkStore::Earliest(const std::string& statement, const std::vector<Value>& parameters) {
  absl::Time earliest = absl::InfiniteFuture();
  REMATCH_RETURN_IF_ERROR(database_.ReadEach([&](sql::Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows, tx.Query(statement, parameters));
    earliest = rows.empty() || rows[0].IsNull(0) ? absl::InfiniteFuture() : sql::FromMicros(rows[0].Int(0));
    return absl::OkStatus();
  }));
  return earliest;
}

absl::StatusOr<absl::Time> WorkStore::OldestEffect() { return Earliest("SELECT MIN(created) FROM effects WHERE poison = 0", {}); }

absl::StatusOr<std::vector<TimerWork>> WorkStore::DueTimers(absl::Time now, size_t limit) {
  std::vector<TimerWork> timers;
  REMATCH_RETURN_IF_ERROR(database_.ReadEach([&](sql::Transaction& tx) -> absl::Status {
    timers.clear();
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                             tx.Query("SELECT consortium, program, id, epoch, due, refusals FROM timers WHERE owner = ? AND due <= ?"
                                      " ORDER BY due LIMIT ?",
                                      {replica_, ToMicros(now), static_cast<int64_t>(limit)}));
    for (const Row& row : rows) {
      timers.push_back({.key = {.consortium = row.Text(0), .program = row.Text(1), .id = row.Text(2)},
                        .epoch = row.Int(3),
                        .due = sql::FromMicros(row.Int(4)),
                        .refusals = row.Int(5)});
    }
    return absl::OkStatus();
  }));
  return timers;
}

absl::StatusOr<absl::Time> WorkStore::NextOwnTimer() { return Earliest("SELECT MIN(due) FROM timers WHERE owner = ?", {replica_}); }

absl::Status WorkStore::PostponeTimers(absl::Span<const Postponed> rows) {
  if (rows.empty()) return absl::OkStatus();
  return sql::TransactAgain(database_, [&](sql::Transaction& tx) -> absl::Status {
    for (const Postponed& row : InOrder(rows)) {
      REMATCH_RETURN_IF_ERROR(tx.Execute("UPDATE timers SET due = ?, refusals = refusals + ? WHERE id = ? AND owner = ? AND epoch = ?",
                                         {ToMicros(row.due), int64_t{row.refused}, row.id, replica_, row.epoch})
                                  .status());
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<absl::Time> WorkStore::OldestTimer() { return Earliest("SELECT MIN(due) FROM timers", {}); }

absl::Status WorkStore::ReleaseAll() {
  constexpr size_t kAtOnce = 256;
  for (const std::string table : {"effects", "timers"}) {
    // Found in the index of owners and changed by their keys, some at a time: asked for all of an owner's at once, a server reads
    // everybody's rows and waits for those that another replica is working on.
    for (bool more = true; more;) {
      REMATCH_RETURN_IF_ERROR(sql::TransactAgain(database_, [&](sql::Transaction& tx) -> absl::Status {
        REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                                 tx.Query("SELECT id FROM " + table + " WHERE owner = ? ORDER BY due LIMIT ? FOR UPDATE",
                                          {replica_, static_cast<int64_t>(kAtOnce)}));
        more = rows.size() == kAtOnce;
        if (rows.empty()) return absl::OkStatus();
        std::vector<Value> ids;
        for (const Row& row : rows) ids.emplace_back(row.Text(0));
        sql::PadInList(ids);
        return tx.Execute("UPDATE " + table + " SET owner = '' WHERE id IN " + sql::InList(ids.size()), ids).status();
      }));
    }
  }
  return sql::TransactAgain(
      database_, [&](sql::Transaction& tx) { return tx.Execute("DELETE FROM replicas WHERE replica = ?", {replica_}).status(); });
}

absl::StatusOr<int64_t> WorkStore::Cursor(std::string_view feed) {
  int64_t position = 0;
  REMATCH_RETURN_IF_ERROR(database_.ReadEach([&](sql::Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows, tx.Query("SELECT position FROM cursors WHERE feed = ?", {std::string(feed)}));
    position = rows.empty() ? 0 : rows[0].Int(0);
    return absl::OkStatus();
  }));
  return position;
}

absl::Status WorkStore::Advance(std::string_view feed, int64_t position) {
  return sql::TransactAgain(database_, [&](sql::Transaction& tx) {
    return tx
        .Execute(
            "INSERT INTO cursors (feed, position) VALUES (?, ?) ON DUPLICATE KEY UPDATE position = GREATEST(position, VALUES(position))",
            {std::string(feed), position})
        .status();
  });
}

absl::StatusOr<std::string> WorkStore::Secret(std::string_view name, platform::Random& random) {
  std::string made;
  for (int i = 0; i < 4; ++i) {
    for (uint64_t number = random.Next(), byte = 0; byte < 8; ++byte, number >>= 8) made += static_cast<char>(number & 0xff);
  }
  std::string secret;
  REMATCH_RETURN_IF_ERROR(sql::TransactAgain(database_, [&](sql::Transaction& tx) -> absl::Status {
    REMATCH_RETURN_IF_ERROR(
        tx.Execute("INSERT IGNORE INTO secrets (name, secret) VALUES (?, ?)", {std::string(name), sql::Bytes{made}}).status());
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows, tx.Query("SELECT secret FROM secrets WHERE name = ?", {std::string(name)}));
    if (rows.size() != 1) return sql::StoreError(sql::Failure::kSplit, "a secret could not be stored");
    secret = rows[0].Text(0);
    return absl::OkStatus();
  }));
  return secret;
}

}  // namespace rematch::request
