#include "platform/rpc/waiting.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "platform/rpc/call.h"
#include "platform/sql/database.h"
#include "platform/strings.h"

namespace rematch::rpc {
namespace {

constexpr std::string_view kCheck = "/grpc.health.v1.Health/Check";
constexpr std::string_view kWatch = "/grpc.health.v1.Health/Watch";

std::string BytesOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices) bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

class Refusal final : public grpc::ServerGenericBidiReactor {
 public:
  Refusal() { Finish(ToGrpc(sql::StoreError(sql::Failure::kNone, ""))); }
  void OnDone() override { delete this; }
};

class Health final : public grpc::ServerGenericBidiReactor {
 public:
  explicit Health(bool watch) : watch_(watch) { StartRead(&request_); }

  void OnReadDone(bool ok) override {
    absl::MutexLock lock(&mutex_);
    if (finished_) return;
    if (!ok) return End(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "no request"));
    // The two messages of grpc.health.v1 have one field each: field 1 a string here, field 1 an enum there.
    const std::string asked = BytesOf(request_);
    const auto about = [&](std::string_view name) {
      return asked == absl::StrCat("\x0a", std::string(1, static_cast<char>(name.size())), ToAbsl(name));
    };
    const grpc::Slice slice(about(kLiveness) || about(kAccepting) ? "\x08\x01" : "\x08\x02");
    response_ = grpc::ByteBuffer(&slice, 1);
    if (watch_) return StartWrite(&response_);
    finished_ = true;
    StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
  }
  // May come before the request was read.
  void OnCancel() override {
    absl::MutexLock lock(&mutex_);
    if (!finished_) End(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the server starts to serve, or ends"));
  }
  void OnDone() override { delete this; }

 private:
  // A call is ended once: gRPC takes a second end for a fault of the program.
  void End(const grpc::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    finished_ = true;
    Finish(status);
  }

  absl::Mutex mutex_;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  const bool watch_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
};

}  // namespace

grpc::ServerGenericBidiReactor* WaitingService::CreateReactor(grpc::GenericCallbackServerContext* context) {
  if (context->method() == kCheck || context->method() == kWatch) return new Health(context->method() == kWatch);
  return new Refusal;
}

}  // namespace rematch::rpc
