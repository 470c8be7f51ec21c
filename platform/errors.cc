#include "platform/errors.h"

#include <cassert>
#include <map>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/error_info.pb.h"
#include "google/rpc/status.pb.h"
#include "platform/strings.h"

namespace rematch {
namespace {

// The URLs of payloads that are protobuf messages.
constexpr absl::string_view kMessageUrls = "type.googleapis.com/";

// google.rpc.Status carries each detail as an Any; absl::Status keys its payloads by the same URL, so nothing is translated
// on the way from one to the other.
template <typename Detail>
std::string UrlOf() {
  return std::string(kMessageUrls) + Detail::descriptor()->full_name();
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

google::rpc::Status ToRpcStatus(const absl::Status& status) {
  google::rpc::Status out;
  out.set_code(static_cast<int>(status.code()));
  out.set_message(std::string(status.message()));
  // Sorted, since absl::Status keeps its payloads in no order and the same error should be the same bytes.
  std::map<std::string, std::string> payloads;
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    if (absl::StartsWith(url, kMessageUrls)) payloads.emplace(std::string(url), std::string(payload));
  });
  for (auto& [url, payload] : payloads) {
    google::protobuf::Any* detail = out.add_details();
    detail->set_type_url(url);
    detail->set_value(std::move(payload));
  }
  return out;
}

absl::Status FromRpcStatus(const google::rpc::Status& status) {
  absl::Status result(static_cast<absl::StatusCode>(status.code()), status.message());
  for (const google::protobuf::Any& detail : status.details()) {
    if (absl::StartsWith(detail.type_url(), kMessageUrls)) result.SetPayload(detail.type_url(), absl::Cord(detail.value()));
  }
  return result;
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
