// Errors as values: an absl::Status with the most specific code, one ErrorInfo (google.rpc) with a stable reason, and where
// they help, field violations or a time to retry. A message never holds private content: names, reasons, addresses.
//
//   return Error(absl::StatusCode::kNotFound, reason::kNotFound, "no such mentor");
//   Violations bad;
//   if (request.display_name().empty()) bad.Add("mentor.display_name", "must not be empty");
//   if (!bad.empty()) return bad.ToStatus();
#ifndef REMATCH_PLATFORM_ERRORS_H_
#define REMATCH_PLATFORM_ERRORS_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace google::rpc {
class Status;
}

namespace rematch {

// Reasons that any service may give; each service adds its own in its reasons.h. docs/errors.md lists all of them.
namespace reason {
inline constexpr std::string_view kInvalidField = "INVALID_FIELD";          // INVALID_ARGUMENT, with field violations
inline constexpr std::string_view kNotFound = "NOT_FOUND";                  // NOT_FOUND
inline constexpr std::string_view kAlreadyExists = "ALREADY_EXISTS";        // ALREADY_EXISTS
inline constexpr std::string_view kRoleNotAllowed = "ROLE_NOT_ALLOWED";     // PERMISSION_DENIED
inline constexpr std::string_view kCallerUnknown = "CALLER_UNKNOWN";        // UNAUTHENTICATED: no or malformed role metadata
inline constexpr std::string_view kRequestIdReused = "REQUEST_ID_REUSED";   // ALREADY_EXISTS: same request_id, other body
inline constexpr std::string_view kEtagMismatch = "ETAG_MISMATCH";          // ABORTED
inline constexpr std::string_view kQueueFull = "QUEUE_FULL";                // RESOURCE_EXHAUSTED, with RetryInfo
inline constexpr std::string_view kDeadlinePassed = "DEADLINE_PASSED";      // DEADLINE_EXCEEDED: dropped before it ran
inline constexpr std::string_view kStoreUnavailable = "STORE_UNAVAILABLE";  // UNAVAILABLE
inline constexpr std::string_view kStoreRefused = "STORE_REFUSED";          // INTERNAL: the database refused this command
inline constexpr std::string_view kShuttingDown = "SHUTTING_DOWN";          // UNAVAILABLE
inline constexpr std::string_view kPeerUnavailable = "PEER_UNAVAILABLE";    // UNAVAILABLE: a service this one needs does not answer
}  // namespace reason

inline constexpr std::string_view kErrorDomain = "rematch";

// A status with ErrorInfo{reason, domain "rematch"}.
absl::Status Error(absl::StatusCode code, std::string_view reason, std::string_view message);
// RESOURCE_EXHAUSTED or UNAVAILABLE with RetryInfo.
absl::Status ErrorWithRetry(absl::StatusCode code, std::string_view reason, std::string_view message, absl::Duration retry_after);
// The reason of its ErrorInfo, "" if it has none.
std::string ReasonOf(const absl::Status& status);

// A status with its details, as it goes over the wire or into a store, and back. Only payloads of protobuf messages
// (type.googleapis.com/...) pass, either way: what this process noted for itself is nobody else's business.
google::rpc::Status ToRpcStatus(const absl::Status& status);
absl::Status FromRpcStatus(const google::rpc::Status& status);

// Collects what is wrong with a request, field by field.
class Violations {
 public:
  // `field` is the path in the request (`mentor.email`); `description` says what is expected, without the value given.
  void Add(std::string_view field, std::string_view description);
  bool empty() const { return found_.empty(); }
  // Fields with their descriptions, in the order found: for answers that list them in a way of their own.
  const std::vector<std::pair<std::string, std::string>>& found() const { return found_; }
  // INVALID_ARGUMENT, INVALID_FIELD and a BadRequest with every violation. Must not be empty.
  absl::Status ToStatus() const;

 private:
  std::vector<std::pair<std::string, std::string>> found_;
};

}  // namespace rematch

// Returns the status of `expr` from the enclosing function unless it is OK.
#define REMATCH_RETURN_IF_ERROR(expr)                  \
  do {                                                 \
    absl::Status rematch_status_ = (expr);             \
    if (!rematch_status_.ok()) return rematch_status_; \
  } while (false)

// REMATCH_ASSIGN_OR_RETURN(auto rows, tx.Query(...));
#define REMATCH_ASSIGN_OR_RETURN(lhs, expr) REMATCH_ASSIGN_OR_RETURN_(REMATCH_CONCAT_(rematch_or_, __LINE__), lhs, expr)
// NOLINTBEGIN(bugprone-macro-parentheses): a name that is declared cannot stand in parentheses.
#define REMATCH_ASSIGN_OR_RETURN_(tmp, lhs, expr) \
  auto tmp = (expr);                              \
  if (!tmp.ok()) return std::move(tmp).status();  \
  lhs = *std::move(tmp)
// NOLINTEND(bugprone-macro-parentheses)
#define REMATCH_CONCAT_(a, b) REMATCH_CONCAT2_(a, b)
#define REMATCH_CONCAT2_(a, b) a##b

#endif  // REMATCH_PLATFORM_ERRORS_H_
