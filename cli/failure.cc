#include "cli/failure.h"

#include "absl/strings/cord.h"
#include "cli/format.h"
#include "cli/utf8.h"
#include "google/rpc/error_details.pb.h"
#include "platform/errors.h"
#include "platform/strings.h"

namespace rematch::cli {

absl::Status Usage(std::string_view message) { return Error(absl::StatusCode::kInvalidArgument, kUsageReason, message); }

absl::Status Reported() { return Error(absl::StatusCode::kFailedPrecondition, kReportedReason, "reported"); }

int ExitCodeOf(const absl::Status& status) {
  if (status.ok()) return kExitOk;
  const std::string why = ReasonOf(status);
  if (why == kUsageReason) return kExitUsage;
  if (why == kNotIntactReason) return kExitNotIntact;
  if (status.code() == absl::StatusCode::kUnavailable || status.code() == absl::StatusCode::kDeadlineExceeded) return kExitUnavailable;
  return kExitRefused;
}

std::string Describe(const absl::Status& status) {
  if (status.ok()) return "";
  const std::string why = ReasonOf(status);
  const std::string message = Printable(ToStd(status.message()));
  if (why == kReportedReason) return "";
  if (why == kUsageReason) return "rematch: " + message + "\n";
  google::rpc::BadRequest bad;
  const auto payload = status.GetPayload("type.googleapis.com/google.rpc.BadRequest");
  if (payload.has_value() && !bad.ParseFromString(std::string(*payload))) bad.Clear();
  // The message of a bad request repeats its violations, which are listed below.
  std::string line = "rematch: " + (bad.field_violations_size() > 0 ? "invalid request" : InWords(message));
  line += " [" + (why.empty() ? absl::StatusCodeToString(status.code()) : Printable(why)) + "]\n";
  for (const auto& violation : bad.field_violations()) {
    line += "  " + Printable(violation.field()) + ": " + Printable(violation.description()) + "\n";
  }
  return line;
}

}  // namespace rematch::cli
