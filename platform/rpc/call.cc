#include "platform/rpc/call.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>

#include <google/protobuf/descriptor.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/error_info.pb.h"
#include "google/rpc/status.pb.h"
#include "platform/log.h"
#include "platform/sql/database.h"
#include "platform/strings.h"

namespace rematch::rpc {
namespace {

constexpr size_t kMaxRole = 32;
constexpr size_t kMaxPerson = 256;
// One call in this many is logged whatever came of it.
constexpr uint64_t kSample = 1000;

std::string_view View(grpc::string_ref text) { return {text.data(), text.size()}; }

std::string CodeName(absl::StatusCode code) { return absl::StatusCodeToString(code); }

// The only value of `key`, "" when there is none; false when there are several, of which no one can say which counts.
bool SingleValue(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata, const char* key, std::string_view& value) {
  const auto [begin, end] = metadata.equal_range(key);
  if (begin == end) {
    value = "";
    return true;
  }
  value = View(begin->second);
  return std::next(begin) == end;
}

absl::Status UnknownCaller(std::string_view message) { return Error(absl::StatusCode::kUnauthenticated, reason::kCallerUnknown, message); }

absl::StatusOr<Caller> CallerOf(const grpc::CallbackServerContext& context) {
  std::string_view role, person;
  if (!SingleValue(context.client_metadata(), kRoleKey, role) || !SingleValue(context.client_metadata(), kPersonKey, person)) {
    return UnknownCaller("x-rematch-role and x-rematch-person must be given once");
  }
  if (role.empty()) return UnknownCaller("x-rematch-role is missing from the metadata of the call");
  const bool word = std::all_of(role.begin(), role.end(), [](char c) { return absl::ascii_isupper(c) || c == '_'; });
  if (!word || role.size() > kMaxRole) return UnknownCaller("x-rematch-role must be the name of a role");
  const bool printable = std::all_of(person.begin(), person.end(), [](char c) { return absl::ascii_isgraph(c); });
  if (!printable || person.size() > kMaxPerson) return UnknownCaller("x-rematch-person must be a resource name");
  return Caller{std::string(role), std::string(person)};
}

enum class Blame { kCaller, kPassing, kServer };

// Who has to do something about an error: nobody here when the caller is at fault, so that a bad client does not fill the log.
Blame BlameFor(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kUnimplemented:
      return Blame::kServer;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kAborted:
      return Blame::kPassing;
    default:
      return Blame::kCaller;
  }
}

// What a status without ErrorInfo says to callers.
std::string_view FixedMessage(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kCancelled:
      return "the call was cancelled";
    case absl::StatusCode::kDeadlineExceeded:
      return "the deadline passed";
    case absl::StatusCode::kUnavailable:
      return "not available right now";
    default:
      return "the call failed";
  }
}

const google::protobuf::MethodDescriptor* FindMethod(const google::protobuf::FileDescriptor& file,
                                                     const google::protobuf::Descriptor& request, int& found) {
  const google::protobuf::MethodDescriptor* method = nullptr;
  for (int s = 0; s < file.service_count(); ++s) {
    for (int m = 0; m < file.service(s)->method_count(); ++m) {
      if (file.service(s)->method(m)->input_type() != &request) continue;
      method = file.service(s)->method(m);
      ++found;
    }
  }
  return method;
}

}  // namespace

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  if (ReasonOf(status).empty()) return ToGrpc(Error(status.code(), CodeName(status.code()), FixedMessage(status.code())));
  const google::rpc::Status details = ToRpcStatus(status);
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), details.message(), details.SerializeAsString());
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  google::rpc::Status details;
  if (status.error_details().empty() || !details.ParseFromString(status.error_details())) details.clear_details();
  details.set_code(status.error_code());
  details.set_message(status.error_message());
  return FromRpcStatus(details);
}

std::string MethodTaking(const google::protobuf::Descriptor& request) {
  int found = 0;
  const google::protobuf::MethodDescriptor* method = FindMethod(*request.file(), request, found);
  if (found != 1) {
    log::Error("request_without_its_method", {{"request", request.full_name()}, {"methods", found}});
    std::abort();
  }
  return absl::StrCat("/", method->service()->full_name(), "/", method->name());
}

absl::StatusOr<Call> Calls::Begin(const grpc::CallbackServerContext* context, std::string_view method) {
  if (!observer_.Began()) return Error(absl::StatusCode::kUnavailable, reason::kShuttingDown, "the service is shutting down");
  REMATCH_ASSIGN_OR_RETURN(Caller caller, CallerOf(*context));
  // gRPC's deadline is by the machine's clock, ours by the injected one: what remains is what both agree on.
  absl::Duration remaining = options_.default_deadline;
  const std::chrono::system_clock::time_point deadline = context->deadline();
  if (deadline != std::chrono::system_clock::time_point::max()) {
    remaining = std::min(remaining, absl::FromChrono(deadline - std::chrono::system_clock::now()));
  }
  Call call{.method = method, .caller = std::move(caller), .deadline = clock_.Now() + remaining};
  REMATCH_RETURN_IF_ERROR(guard_.Admit(call));
  return call;
}

void Calls::Ended(std::string_view method, absl::Duration start, const absl::Status& status) {
  Report(method, clock_.Monotonic() - start, status, /*slow=*/false);
}

void Calls::Report(std::string_view method, absl::Duration took, const absl::Status& status, bool slow) {
  observer_.Finished(method, static_cast<grpc::StatusCode>(status.code()), took);
  const double milliseconds = absl::ToDoubleMilliseconds(took);
  if (!status.ok()) {
    std::string reason = ReasonOf(status);
    if (reason.empty()) reason = CodeName(status.code());
    // What the store said goes no further than here.
    if (const std::string detail = sql::DetailOf(status); !detail.empty())
      log::Warn("store_error", {{"method", method}, {"error", detail}});
    const std::string code = CodeName(status.code());
    // Watches that a drain ends are no failures.
    switch (reason == reason::kShuttingDown ? Blame::kCaller : BlameFor(status.code())) {
      case Blame::kServer:
        log::Error("call_failed", {{"method", method}, {"code", code}, {"reason", reason}, {"ms", milliseconds}});
        return;
      case Blame::kPassing:
        log::Warn("call_failed", {{"method", method}, {"code", code}, {"reason", reason}, {"ms", milliseconds}});
        return;
      case Blame::kCaller:
        log::Debug("call_refused", {{"method", method}, {"code", code}, {"reason", reason}, {"ms", milliseconds}});
        break;
    }
  }
  if (slow) {
    log::Warn("call_slow", {{"method", method}, {"code", CodeName(status.code())}, {"ms", milliseconds}});
  } else if (ended_.fetch_add(1, std::memory_order_relaxed) % kSample == kSample - 1) {
    log::Info("call_sampled", {{"method", method}, {"code", CodeName(status.code())}, {"ms", milliseconds}});
  }
}

void Calls::Finish(grpc::ServerUnaryReactor* reactor, std::string_view method, absl::Duration start, const absl::Status& status) {
  // Counted first: with Finish() the server may go, and this with it.
  const absl::Duration took = clock_.Monotonic() - start;
  Report(method, took, status, took > options_.slow);
  reactor->Finish(ToGrpc(status));
}

}  // namespace rematch::rpc
