#include "platform/errors.h"

#include <cassert>

#include "absl/strings/cord.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/error_info.pb.h"
#include "platform/strings.h"

namespace rematch {
namespace {

// google.rpc.Status carries each detail as an Any; absl::Status keys its payloads by the same URL, so nothing is translated
// on the way from one to the other.
template <typename Detail>
std::string UrlOf() {
  return "type.googleapis.com/" + Detail::descriptor()->full_name();
}

template <typename Detail>
void Attach(absl::Status& status, const Detail& detail) {
  status.SetPayload(UrlOf<Detail>(), absl::Cord(detail.SerializeAsString()));
}

}  // namespace

absl::Status Error(absl::StatusCode code, std::string_view reason, std::string_view message) {
  assert(code != absl::StatusCode::kOk);
  absl::Status status(code, ToAbsl(message));
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(reason));
  info.set_domain(std::string(kErrorDomain));
  Attach(status, info);
  return status;
}

absl::Status ErrorWithRetry(absl::StatusCode code, std::string_view reason, std::string_view message, absl::Duration retry_after) {
  absl::Status status = Error(code, reason, message);
  google::rpc::RetryInfo retry;
  absl::Duration rest;
  retry.mutable_retry_delay()->set_seconds(absl::IDivDuration(retry_after, absl::Seconds(1), &rest));
  retry.mutable_retry_delay()->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
  Attach(status, retry);
  return status;
}

std::string ReasonOf(const absl::Status& status) {
  const auto payload = status.GetPayload(UrlOf<google::rpc::ErrorInfo>());
  google::rpc::ErrorInfo info;
  if (!payload.has_value() || !info.ParseFromString(std::string(*payload))) return "";
  return info.reason();
}

void Violations::Add(std::string_view field, std::string_view description) { found_.emplace_back(field, description); }

absl::Status Violations::ToStatus() const {
  assert(!found_.empty());
  std::string message = "invalid: ";
  google::rpc::BadRequest bad;
  for (const auto& [field, description] : found_) {
    if (bad.field_violations_size() > 0) message += "; ";
    message += field + " " + description;
    google::rpc::BadRequest::FieldViolation* violation = bad.add_field_violations();
    violation->set_field(field);
    violation->set_description(description);
  }
  absl::Status status = Error(absl::StatusCode::kInvalidArgument, reason::kInvalidField, message);
  Attach(status, bad);
  return status;
}

}  // namespace rematch
