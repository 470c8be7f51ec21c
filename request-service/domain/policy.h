// The escalation policy as data: what may stand in one, the bytes that name it, and how it is read from a file.
#ifndef REMATCH_REQUEST_SERVICE_DOMAIN_POLICY_H_
#define REMATCH_REQUEST_SERVICE_DOMAIN_POLICY_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "platform/errors.h"
#include "rematch/request/v1/resources.pb.h"

namespace rematch::request {

// The longest name of a stage, in bytes.
inline constexpr size_t kMaxStageId = 40;

// INVALID_ARGUMENT / INVALID_FIELD with every violation by its path (`stages[1].window.amount`).
absl::Status ValidatePolicy(const v1::EscalationPolicy& policy);
// The same, as what is wrong with `field` of a request.
void CheckPolicy(Violations& bad, std::string_view field, const v1::EscalationPolicy& policy);

// How long something may take, by its unit.
void CheckWindow(Violations& bad, const std::string& path, const v1::Window& window);

// What the policy calls the stage: its id, or its kind in small letters.
std::string StageId(const v1::EscalationPolicy::Stage& stage);
// Whether a recommendation is asked of them in this stage.
bool Asks(const v1::EscalationPolicy::Stage& stage, v1::EscalationPolicy::Stage::Adviser adviser);
// Where the stage of this id stands in `policy`; its number of stages if it has none.
int FindStage(const v1::EscalationPolicy& policy, std::string_view id);

// Whether a change can be asked for on this day (F1).
bool TakesRequests(const v1::EscalationPolicy& policy, absl::CivilDay day);
// The first day from `day` on at which it can.
absl::CivilDay NextRequestDay(const v1::EscalationPolicy& policy, absl::CivilDay day);

// What `after` says otherwise than `before`, in its order; what only `before` says comes last. A stage is known by its id, wherever it
// stands.
std::vector<v1::PolicyDifference> Differences(const v1::EscalationPolicy& before, const v1::EscalationPolicy& after);

// SHA-256 of the canonical bytes, in hex. A case keeps this; editing a policy makes another one (F15).
std::string ContentHash(const v1::EscalationPolicy& policy);

// Reads protobuf text format (examples/policies). INVALID_ARGUMENT / BAD_POLICY with one line, `3:12: what is wrong`, for text that does
// not parse; else as ValidatePolicy.
absl::StatusOr<v1::EscalationPolicy> ParsePolicy(std::string_view text);

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_DOMAIN_POLICY_H_
