// A service with the suite's wrapper around its handlers, for the tests of platform/rpc, and a guard whose rules fit in a line.
#ifndef REMATCH_TESTS_PLATFORM_ECHO_SERVICE_H_
#define REMATCH_TESTS_PLATFORM_ECHO_SERVICE_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "platform/executor.h"
#include "platform/rpc/call.h"
#include "platform/rpc/channel.h"
#include "platform/rpc/feed.h"
#include "rematch/echo/v1/service.grpc.pb.h"

namespace rematch::rpc {

// Refuses the role BARRED; lets READER alone see private notes.
class EchoGuard final : public Guard {
 public:
  absl::Status Admit(const Call& call) override {
    if (call.caller.role == "BARRED") return Error(absl::StatusCode::kPermissionDenied, reason::kRoleNotAllowed, "not allowed");
    return absl::OkStatus();
  }
  void Redact(const Call& call, google::protobuf::Message& response) override {
    if (call.caller.role == "READER") return;
    if (auto* echo = google::protobuf::DynamicCastToGenerated<echo::v1::EchoResponse>(&response)) echo->clear_private_note();
    if (auto* echo = google::protobuf::DynamicCastToGenerated<echo::v1::WatchEchoResponse>(&response)) echo->clear_private_note();
  }
};

class EchoService final : public echo::v1::EchoService::CallbackService {
 public:
  using Handler = std::function<absl::StatusOr<echo::v1::EchoResponse>(const Call&, const echo::v1::EchoRequest&)>;
  using Poll =
      std::function<absl::StatusOr<std::vector<echo::v1::WatchEchoResponse>>(const Call&, const echo::v1::WatchEchoRequest&, bool*)>;

  EchoService(Calls& calls, FeedHub* hub) : calls_(calls), hub_(hub) {}

  // Set before the server takes calls.
  Handler handler = [](const Call&, const echo::v1::EchoRequest& request) -> absl::StatusOr<echo::v1::EchoResponse> {
    echo::v1::EchoResponse response;
    response.set_text(request.text());
    response.set_private_note(request.private_note());
    return response;
  };
  std::function<Poll()> new_poll;

  grpc::ServerUnaryReactor* Echo(grpc::CallbackServerContext* context, const echo::v1::EchoRequest* request,
                                 echo::v1::EchoResponse* response) override {
    return calls_.Blocking(context, request, response,
                           [this](const Call& call, const echo::v1::EchoRequest& asked) { return handler(call, asked); });
  }
  grpc::ServerWriteReactor<echo::v1::WatchEchoResponse>* WatchEcho(grpc::CallbackServerContext* context,
                                                                   const echo::v1::WatchEchoRequest* request) override {
    return hub_->Watch<echo::v1::WatchEchoResponse>(context, request, new_poll());
  }

 private:
  Calls& calls_;
  FeedHub* hub_;
};

// What the wrapper reported of the calls so far.
class RecordingObserver final : public CallObserver {
 public:
  struct Report {
    std::string method;
    grpc::StatusCode code;
    absl::Duration took;
  };
  bool Began() override {
    ++under_way_;
    return true;
  }
  void Finished(std::string_view method, grpc::StatusCode code, absl::Duration took) override {
    --under_way_;
    absl::MutexLock lock(&mutex_);
    reports_.push_back({std::string(method), code, took});
  }
  // Calls that have begun and not finished.
  int under_way() const { return under_way_; }
  // Waits until there are `count`: a call is reported before its client hears of it, a broken stream after.
  std::vector<Report> Await(size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto enough = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return reports_.size() >= count; };
    EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&enough), absl::Seconds(20)));
    return reports_;
  }

 private:
  absl::Mutex mutex_;
  std::atomic<int> under_way_ = 0;
  std::vector<Report> reports_ ABSL_GUARDED_BY(mutex_);
};

// Serves `service` on loopback and has a stub for it.
class EchoServer {
 public:
  explicit EchoServer(grpc::Service& service) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&service);
    server_ = builder.BuildAndStart();
    stub_ = echo::v1::EchoService::NewStub(MakeChannel("127.0.0.1:" + std::to_string(port_)));
  }
  ~EchoServer() { Shutdown(); }

  echo::v1::EchoService::Stub& stub() { return *stub_; }
  int port() const { return port_; }
  // Cancels what is still running, and waits until it is over.
  void Shutdown() {
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
    server_.reset();
  }

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<echo::v1::EchoService::Stub> stub_;
};

}  // namespace rematch::rpc

#endif  // REMATCH_TESTS_PLATFORM_ECHO_SERVICE_H_
