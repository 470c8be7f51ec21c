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
    : database_(database), clock_(clock), versions_(database, "policies", "policy", ReadRow) {}

absl::Status PolicyStore::Activate(const v1::EscalationPolicy& policy) {
  REMATCH_RETURN_IF_ERROR(ValidatePolicy(policy));
  REMATCH_ASSIGN_OR_RETURN(active_, Keep(policy));
  return absl::OkStatus();
}

absl::StatusOr<std::string> PolicyStore::Keep(const v1::EscalationPolicy& policy) {
  std::string hash = ContentHash(policy);
  REMATCH_RETURN_IF_ERROR(versions_.Keep(hash, policy.SerializeAsString(), clock_.Now()));
  return hash;
}

absl::StatusOr<std::map<std::string, std::shared_ptr<const PolicyRecord>>> PolicyStore::Of(const std::string& consortium,
                                                                                           const std::set<std::string>& programs) {
  std::map<std::string, std::string> hashes;
  REMATCH_RETURN_IF_ERROR(database_.ReadEach([&](sql::Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(hashes, ReadProgramPolicies(tx, consortium, programs));
    return absl::OkStatus();
  }));
  std::map<std::string, std::shared_ptr<const PolicyRecord>> policies;
  for (const std::string& program : programs) {
    const auto own = hashes.find(program);
    REMATCH_ASSIGN_OR_RETURN(policies[program], versions_.Get(own == hashes.end() ? active_ : own->second));
  }
  return policies;
}

absl::StatusOr<std::shared_ptr<const PolicyRecord>> PolicyStore::Of(const std::string& consortium, const std::string& program) {
  REMATCH_ASSIGN_OR_RETURN(const auto policies, Of(consortium, std::set<std::string>{program}));
  return policies.at(program);
}

absl::StatusOr<std::vector<std::pair<ProgramPolicyVersion, std::shared_ptr<const PolicyRecord>>>> PolicyStore::ListOf(
    const std::string& consortium, const std::string& program, int64_t before, int64_t limit) {
  std::vector<ProgramPolicyVersion> listed;
  REMATCH_RETURN_IF_ERROR(database_.ReadEach([&](sql::Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(listed, ListProgramPolicies(tx, consortium, program, before, limit));
    return absl::OkStatus();
  }));
  std::vector<std::pair<ProgramPolicyVersion, std::shared_ptr<const PolicyRecord>>> versions;
  for (ProgramPolicyVersion& one : listed) {
    REMATCH_ASSIGN_OR_RETURN(std::shared_ptr<const PolicyRecord> record, versions_.Get(one.hash));
    versions.emplace_back(std::move(one), std::move(record));
  }
  return versions;
}

absl::StatusOr<std::shared_ptr<const PolicyRecord>> PolicyStore::Find(std::string_view name) {
  constexpr std::string_view kPrefix = "policies/";
  const std::string digits(name.substr(std::min(name.size(), kPrefix.size())));
  std::string hash;
  REMATCH_RETURN_IF_ERROR(database_.ReadEach([&](sql::Transaction& tx) -> absl::Status {
    // `g` comes after all hex digits.
    REMATCH_ASSIGN_OR_RETURN(
        const std::vector<sql::Row> rows,
        tx.Query("SELECT hash FROM policies WHERE hash >= ? AND hash < ? ORDER BY hash LIMIT 1", {digits, digits + "g"}));
    if (!rows.empty()) hash = rows[0].Text(0);
    return absl::OkStatus();
  }));
  if (hash.empty() || PolicyName(hash) != name) return Error(absl::StatusCode::kNotFound, reason::kNotFound, "no such policy");
  return versions_.Get(hash);
}

absl::StatusOr<std::vector<std::shared_ptr<const PolicyRecord>>> PolicyStore::List(bool of_programs) {
  constexpr char kOfNoProgram[] = "NOT EXISTS (SELECT 1 FROM program_policy_versions v WHERE v.hash = policies.hash)";
  REMATCH_ASSIGN_OR_RETURN(std::vector<std::shared_ptr<const PolicyRecord>> records, versions_.List(of_programs ? "" : kOfNoProgram));
  const auto is_active = [this](const auto& record) { return record->hash == active_; };
  if (std::none_of(records.begin(), records.end(), is_active)) {
    // A program made the service's own its own as well.
    REMATCH_ASSIGN_OR_RETURN(std::shared_ptr<const PolicyRecord> active, versions_.Get(active_));
    records.push_back(std::move(active));
  }
  std::sort(records.begin(), records.end(), [this](const auto& a, const auto& b) {
    if ((a->hash == active_) != (b->hash == active_)) return a->hash == active_;
    if (a->created != b->created) return a->created > b->created;
    return a->hash < b->hash;
  });
  return records;
}

}  // namespace rematch::request
