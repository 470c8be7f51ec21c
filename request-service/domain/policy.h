// The escalation policy as data: what may stand in one, the bytes that name it, and how it is read from a file.
#ifndef REMATCH_REQUEST_SERVICE_DOMAIN_POLICY_H_
#define REMATCH_REQUEST_SERVICE_DOMAIN_POLICY_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rematch/request/v1/resources.pb.h"

namespace rematch::request {

// INVALID_ARGUMENT / INVALID_FIELD with every violation by its path (`stages[1].window.amount`).
absl::Status ValidatePolicy(const v1::EscalationPolicy& policy);

// SHA-256 of the canonical bytes, in hex. A case keeps this; editing a policy makes another one (F15).
std::string ContentHash(const v1::EscalationPolicy& policy);

// Reads protobuf text format (examples/policies). INVALID_ARGUMENT / BAD_POLICY with one line, `3:12: what is wrong`, for text that does
// not parse; else as ValidatePolicy.
absl::StatusOr<v1::EscalationPolicy> ParsePolicy(std::string_view text);

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_DOMAIN_POLICY_H_
