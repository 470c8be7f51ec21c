// notify-service as it runs, in this process: its RPCs on a free port of loopback, over a store of its own and a transport that
// records. For the tests of other services too.
//
//   NotifyHarness notify;
//   auto sent = notify.Call(&v1::NotifyService::Stub::SendNotification, request);
//   notify.transport().Refuse("gone@example.org");
#ifndef REMATCH_TESTS_NOTIFY_NOTIFY_HARNESS_H_
#define REMATCH_TESTS_NOTIFY_NOTIFY_HARNESS_H_

#include <grpcpp/grpcpp.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "notify-service/notify_service.h"
#include "platform/clock.h"
#include "platform/executor.h"
#include "platform/ids.h"
#include "platform/metrics.h"
#include "platform/rpc/call.h"
#include "platform/rpc/channel.h"
#include "platform/rpc/server.h"
#include "platform/sql/database.h"
#include "platform/sql/migrations.h"
#include "rematch/notify/v1/service.grpc.pb.h"
#include "tests/notify/recording_transport.h"
#include "tests/store.h"

namespace rematch::notify {

class NotifyHarness {
 public:
  explicit NotifyHarness(ServiceOptions options = Fast()) {
    auto opened = sql::Open(store_.url());
    if (!opened.ok()) std::abort();
    database_ = *std::move(opened);
    if (!sql::Migrate(*database_, NotifyMigrations(), clock_).ok()) std::abort();
    environment_ = std::make_unique<rpc::ServerEnvironment>(
        rpc::ServerEnvironment{*database_, clock_, random_, ids_, blocking_, metrics_, "notify-harness"});
    auto transport = std::make_unique<RecordingTransport>();
    transport_ = transport.get();
    auto made = MakeService(*environment_, std::move(options), std::move(transport));
    if (!made.ok()) std::abort();
    service_ = *std::move(made);
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    for (grpc::Service* one : service_->grpc_services()) builder.RegisterService(one);
    server_ = builder.BuildAndStart();
    address_ = absl::StrCat("127.0.0.1:", port);
    service_->Start();
    stub_ = v1::NotifyService::NewStub(rpc::MakeChannel(address_));
  }
  ~NotifyHarness() {
    transport_->Hold(false);
    Stop();
    server_->Shutdown();
  }

  // As at the end of the process, apart from the server: reads are still answered.
  void Stop() {
    service_->StopIntake();
    service_->Stop();
  }

  // Retries within milliseconds.
  static ServiceOptions Fast() {
    ServiceOptions options;
    options.policy = {.max_tries = 4,
                      .first_backoff = absl::Milliseconds(2),
                      .max_backoff = absl::Milliseconds(4),
                      .settle_delay = absl::Milliseconds(2)};
    return options;
  }

  const std::string& address() const { return address_; }
  RecordingTransport& transport() { return *transport_; }
  v1::NotifyService::Stub& stub() { return *stub_; }
  platform::Metrics& metrics() { return metrics_; }

  // One call, as a service unless said otherwise.
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (v1::NotifyService::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                const Request& request, const rpc::Caller& caller = {"SERVICE", ""}) {
    grpc::ClientContext context;
    rpc::Prepare(context, absl::Seconds(20), caller);
    Response response;
    const grpc::Status status = ((*stub_).*method)(&context, request, &response);
    if (!status.ok()) return rpc::FromGrpc(status);
    return response;
  }
  // Follows the feed until `count` deliveries came.
  std::vector<v1::Delivery> Watch(int count, const std::string& parent = "consortia/-", int64_t after = 0) {
    grpc::ClientContext context;
    rpc::Prepare(context, absl::Seconds(20), {"SERVICE", ""});
    v1::WatchDeliveriesRequest request;
    request.set_parent(parent);
    request.set_after_position(after);
    request.set_follow(true);
    const auto reader = stub_->WatchDeliveries(&context, request);
    std::vector<v1::Delivery> seen;
    v1::Delivery one;
    while (static_cast<int>(seen.size()) < count && reader->Read(&one)) seen.push_back(one);
    context.TryCancel();
    reader->Finish();
    return seen;
  }

 private:
  const testing::TestStore store_{NotifyMigrations()};
  platform::RealClock clock_;
  platform::SecureRandom random_;
  platform::IdSource ids_{clock_, random_};
  platform::ThreadPool blocking_{4, 256};
  platform::Metrics metrics_;
  std::unique_ptr<sql::Database> database_;
  std::unique_ptr<rpc::ServerEnvironment> environment_;
  RecordingTransport* transport_ = nullptr;
  std::unique_ptr<rpc::Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
  std::unique_ptr<v1::NotifyService::Stub> stub_;
};

}  // namespace rematch::notify

#endif  // REMATCH_TESTS_NOTIFY_NOTIFY_HARNESS_H_
