#include "request-service/store/policy_store.h"

#include <algorithm>
#include <utility>

#include "platform/errors.h"
#include "platform/strings.h"
#include "request-service/domain/policy.h"

namespace rematch::request {
namespace {

absl::StatusOr<PolicyRecord> ReadRecord(const sql::Row& row) {
  PolicyRecord record{.hash = row.Text(0), .created = sql::FromMicros(row.Int(2))};
  if (!record.policy.ParseFromString(row.Text(1))) return sql::StoreError(sql::Failure::kSplit, "a stored policy cannot be read");
  return record;
}

}  // namespace

std::string PolicyName(std::string_view hash) { return "policies/" + std::string(hash.substr(0, 32)); }

std::string PolicyRecord::Name() const { return PolicyName(hash); }

absl::Status PolicyStore::Activate(const v1::EscalationPolicy& policy) {
  REMATCH_RETURN_IF_ERROR(ValidatePolicy(policy));
  std::string hash = ContentHash(policy);
  const std::string bytes = policy.SerializeAsString();
  REMATCH_RETURN_IF_ERROR(sql::TransactAgain(database_, [&](sql::Transaction& tx) {
    return tx
        .Execute("INSERT IGNORE INTO policies (hash, policy, created) VALUES (?, ?, ?)",
                 {hash, sql::Bytes{bytes}, sql::ToMicros(clock_.Now())})
        .status();
  }));
  active_ = std::move(hash);
  return absl::OkStatus();
}

std::shared_ptr<const PolicyRecord> PolicyStore::Known(std::string_view hash) {
  absl::MutexLock lock(&mutex_);
  const auto found = known_.find(ToAbsl(hash));
  return found == known_.end() ? nullptr : found->second;
}

absl::StatusOr<std::shared_ptr<const PolicyRecord>> PolicyStore::Get(sql::Transaction& tx, std::string_view hash) {
  if (std::shared_ptr<const PolicyRecord> known = Known(hash)) return known;
  REMATCH_ASSIGN_OR_RETURN(const std::vector<sql::Row> rows,
                           tx.Query("SELECT hash, policy, created FROM policies WHERE hash = ?", {std::string(hash)}));
  if (rows.empty()) return sql::StoreError(sql::Failure::kSplit, "the policy of a case is not stored");
  REMATCH_ASSIGN_OR_RETURN(PolicyRecord record, ReadRecord(rows[0]));
  auto shared = std::make_shared<const PolicyRecord>(std::move(record));
  absl::MutexLock lock(&mutex_);
  return known_.try_emplace(std::string(hash), std::move(shared)).first->second;
}

absl::StatusOr<std::shared_ptr<const PolicyRecord>> PolicyStore::Get(std::string_view hash) {
  std::shared_ptr<const PolicyRecord> record = Known(hash);
  if (record != nullptr) return record;
  REMATCH_RETURN_IF_ERROR(database_.Read([&](sql::Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(record, Get(tx, hash));
    return absl::OkStatus();
  }));
  return record;
}

absl::StatusOr<std::vector<PolicyRecord>> PolicyStore::List() {
  std::vector<PolicyRecord> records;
  REMATCH_RETURN_IF_ERROR(database_.Read([&](sql::Transaction& tx) -> absl::Status {
    records.clear();
    REMATCH_ASSIGN_OR_RETURN(const std::vector<sql::Row> rows, tx.Query("SELECT hash, policy, created FROM policies"));
    for (const sql::Row& row : rows) {
      REMATCH_ASSIGN_OR_RETURN(PolicyRecord record, ReadRecord(row));
      records.push_back(std::move(record));
    }
    return absl::OkStatus();
  }));
  std::sort(records.begin(), records.end(), [this](const PolicyRecord& a, const PolicyRecord& b) {
    if ((a.hash == active_) != (b.hash == active_)) return a.hash == active_;
    if (a.created != b.created) return a.created > b.created;
    return a.hash < b.hash;
  });
  return records;
}

}  // namespace rematch::request
