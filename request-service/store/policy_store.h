// Versions of the escalation policy, by what they say: immutable, so what was read once stays in memory.
#ifndef REMATCH_REQUEST_SERVICE_STORE_POLICY_STORE_H_
#define REMATCH_REQUEST_SERVICE_STORE_POLICY_STORE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/clock.h"
#include "platform/sql/database.h"
#include "rematch/request/v1/resources.pb.h"
#include "request-service/store/content_store.h"
#include "request-service/store/program_policies.h"

namespace rematch::request {

struct PolicyRecord {
  std::string hash;  // the whole content hash, in hex
  v1::EscalationPolicy policy = {};
  absl::Time created;

  // `policies/{first 32 digits of the hash}`.
  std::string Name() const;
};

std::string PolicyName(std::string_view hash);

// Thread-safe.
class PolicyStore {
 public:
  PolicyStore(sql::Database& database, platform::Clock& clock);

  // Stores the version if it is new and makes it the one that new cases follow. Blocks.
  absl::Status Activate(const v1::EscalationPolicy& policy);
  // The content hash of the version that new cases follow in programs that have none of their own. Activate() comes first.
  const std::string& active() const { return active_; }
  // Stores the version if it is new, and answers its content hash. `policy` is valid. Blocks.
  absl::StatusOr<std::string> Keep(const v1::EscalationPolicy& policy);
  // The version that new cases of each of these programs follow. Blocks.
  absl::StatusOr<std::map<std::string, std::shared_ptr<const PolicyRecord>>> Of(const std::string& consortium,
                                                                                const std::set<std::string>& programs);
  absl::StatusOr<std::shared_ptr<const PolicyRecord>> Of(const std::string& consortium, const std::string& program);
  // Those that a program followed, the newest first, with what each says: see ListProgramPolicies(). Blocks.
  absl::StatusOr<std::vector<std::pair<ProgramPolicyVersion, std::shared_ptr<const PolicyRecord>>>> ListOf(const std::string& consortium,
                                                                                                           const std::string& program,
                                                                                                           int64_t before, int64_t limit);
  // By its name, `policies/{hash}`. NOT_FOUND. Blocks.
  absl::StatusOr<std::shared_ptr<const PolicyRecord>> Find(std::string_view name);

  // The version with this content hash, read by `tx` unless it is known here. INTERNAL when there is none: cases keep theirs.
  absl::StatusOr<std::shared_ptr<const PolicyRecord>> Get(sql::Transaction& tx, std::string_view hash) { return versions_.Get(tx, hash); }
  // The same in a read of its own, which blocks, unless it is known.
  absl::StatusOr<std::shared_ptr<const PolicyRecord>> Get(std::string_view hash) { return versions_.Get(hash); }
  // The active one first, then the newest first; `of_programs`: those as well that programs made their own. Blocks.
  absl::StatusOr<std::vector<std::shared_ptr<const PolicyRecord>>> List(bool of_programs = true);

 private:
  sql::Database& database_;
  platform::Clock& clock_;
  ContentStore<PolicyRecord> versions_;
  std::string active_;
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_STORE_POLICY_STORE_H_
