#include "request-service/store/policy_store.h"

#include <algorithm>
#include <utility>

#include "platform/errors.h"
#include "request-service/domain/policy.h"

namespace rematch::request {
namespace {

std::shared_ptr<const PolicyRecord> ReadRow(const sql::Row& row) {
  PolicyRecord record{.hash = row.Text(0), .created = sql::FromMicros(row.Int(2))};
  return record.policy.ParseFromString(row.Text(1)) ? std::make_shared<const PolicyRecord>(std::move(record)) : nullptr;
}

}  // namespace

std::string PolicyName(std::string_view hash) { return "policies/" + std::string(hash.substr(0, 32)); }

std::string PolicyRecord::Name() const { return PolicyName(hash); }

PolicyStore::PolicyStore(sql::Database& database, platform::Clock& clock)
    : clock_(clock), versions_(database, "policies", "policy", ReadRow) {}

absl::Status PolicyStore::Activate(const v1::EscalationPolicy& policy) {
  REMATCH_RETURN_IF_ERROR(ValidatePolicy(policy));
  std::string hash = ContentHash(policy);
  REMATCH_RETURN_IF_ERROR(versions_.Keep(hash, policy.SerializeAsString(), clock_.Now()));
  active_ = std::move(hash);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::shared_ptr<const PolicyRecord>>> PolicyStore::List() {
  REMATCH_ASSIGN_OR_RETURN(std::vector<std::shared_ptr<const PolicyRecord>> records, versions_.List());
  std::sort(records.begin(), records.end(), [this](const auto& a, const auto& b) {
    if ((a->hash == active_) != (b->hash == active_)) return a->hash == active_;
    if (a->created != b->created) return a->created > b->created;
    return a->hash < b->hash;
  });
  return records;
}

}  // namespace rematch::request
