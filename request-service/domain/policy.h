// The escalation policy as data: what may stand in one, the bytes that name it, and how it is read from a file.
#ifndef REMATCH_REQUEST_SERVICE_DOMAIN_POLICY_H_
#define REMATCH_REQUEST_SERVICE_DOMAIN_POLICY_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "platform/errors.h"
#include "rematch/request/v1/resources.pb.h"

namespace rematch::request {

// INVALID_ARGUMENT / INVALID_FIELD with every violation by its path (`stages[1].window.amount`).
absl::Status ValidatePolicy(const v1::EscalationPolicy& policy);
// The same, as what is wrong with `field` of a request.
void CheckPolicy(Violations& bad, std::string_view field, const v1::EscalationPolicy& policy);

// What the policy calls the stage: its id, or its kind in small letters.
std::string StageId(const v1::EscalationPolicy::Stage& stage);
// Where the stage of this id stands in `policy`; its number of stages if it has none.
int FindStage(const v1::EscalationPolicy& policy, std::string_view id);

// Whether a change can be asked for on this day (F1).
bool TakesRequests(const v1::EscalationPolicy& policy, absl::CivilDay day);
// The first day from `day` on at which it can.
absl::CivilDay NextRequestDay(const v1::EscalationPolicy& policy, absl::CivilDay day);

// What one policy says otherwise than another. A stage is known by its id, wherever it stands.
struct PolicyDifference {
  std::string path;    // `stages[broadcast].window`
  std::string before;  // in words, "" where it says nothing
  std::string after;
  friend bool operator==(const PolicyDifference&, const PolicyDifference&) = default;
};
// In the order of `after`; what only `before` says comes last.
std::vector<PolicyDifference> Differences(const v1::EscalationPolicy& before, const v1::EscalationPolicy& after);

// SHA-256 of the canonical bytes, in hex. A case keeps this; editing a policy makes another one (F15).
std::string ContentHash(const v1::EscalationPolicy& policy);

// Reads protobuf text format (examples/policies). INVALID_ARGUMENT / BAD_POLICY with one line, `3:12: what is wrong`, for text that does
// not parse; else as ValidatePolicy.
absl::StatusOr<v1::EscalationPolicy> ParsePolicy(std::string_view text);

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_DOMAIN_POLICY_H_
