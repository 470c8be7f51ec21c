// Which version of the policy each program follows, with all that it followed before. What a version says is the PolicyStore's.
#ifndef REMATCH_REQUEST_SERVICE_STORE_PROGRAM_POLICIES_H_
#define REMATCH_REQUEST_SERVICE_STORE_PROGRAM_POLICIES_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "platform/sql/database.h"
#include "request-service/store/case_command.h"
#include "request-service/store/ids.h"

namespace rematch::request {

struct ProgramPolicyVersion {
  int64_t version = 0;
  std::string hash;
  int64_t created = 0;
  std::string creator;
};

// Content hashes by program, of those that have a version of their own.
absl::StatusOr<std::map<std::string, std::string>> ReadProgramPolicies(sql::Transaction& tx, const std::string& consortium,
                                                                       const std::set<std::string>& programs);
// The newest first, at most `limit`, those before `before` (0: all).
absl::StatusOr<std::vector<ProgramPolicyVersion>> ListProgramPolicies(sql::Transaction& tx, const std::string& consortium,
                                                                      const std::string& program, int64_t before, int64_t limit);

// Those that are published in one batch. Their rows are locked behind all others, and written last.
class ProgramPolicies {
 public:
  ProgramPolicies(sql::Transaction& tx, int64_t now) : tx_(tx), now_(now) {}

  absl::Status Load(absl::Span<CaseCommand* const> commands);
  absl::StatusOr<std::string> Apply(const CaseCommand& command);
  absl::Status Save();

 private:
  sql::Transaction& tx_;
  const int64_t now_;
  std::map<Id, ProgramPolicyVersion> heads_;  // by consortium and program
  std::vector<std::pair<Id, ProgramPolicyVersion>> made_;
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_STORE_PROGRAM_POLICIES_H_
