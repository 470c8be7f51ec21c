#include "platform/rpc/channel.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <sstream>

#include "rematch/echo/v1/service.grpc.pb.h"

namespace rematch::rpc {
namespace {

using echo::v1::EchoRequest;
using echo::v1::EchoResponse;

// Fails the first calls with a code, then answers.
class Flaky final : public echo::v1::EchoService::CallbackService {
 public:
  Flaky(int failures, grpc::StatusCode code) : failures_(failures), code_(code) {}
  grpc::ServerUnaryReactor* Echo(grpc::CallbackServerContext* context, const EchoRequest*, EchoResponse*) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(++calls <= failures_ ? grpc::Status(code_, "not now") : grpc::Status::OK);
    return reactor;
  }
  std::atomic<int> calls = 0;

 private:
  const int failures_;
  const grpc::StatusCode code_;
};

grpc::StatusCode CallOnce(Flaky& service) {
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  const auto stub = echo::v1::EchoService::NewStub(MakeChannel("127.0.0.1:" + std::to_string(port)));
  grpc::ClientContext context;
  Prepare(context, absl::Seconds(20), {"SERVICE", ""});
  EchoResponse response;
  return stub->Echo(&context, EchoRequest(), &response).error_code();
}

TEST(Channel, UnavailableIsTriedAgain) {
  Flaky service(2, grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(CallOnce(service), grpc::StatusCode::OK);
  EXPECT_EQ(service.calls, 3);
}

TEST(Channel, UnavailableForTooLongIsGivenUpAfterFourTries) {
  Flaky service(100, grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(CallOnce(service), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(service.calls, 4);
}

TEST(Channel, NothingElseIsTriedAgain) {
  for (const grpc::StatusCode code : {grpc::StatusCode::ABORTED, grpc::StatusCode::INTERNAL, grpc::StatusCode::RESOURCE_EXHAUSTED,
                                      grpc::StatusCode::UNKNOWN, grpc::StatusCode::FAILED_PRECONDITION}) {
    Flaky service(1, code);
    EXPECT_EQ(CallOnce(service), code);
    EXPECT_EQ(service.calls, 1);
  }
}

TEST(Channel, TheServiceConfigIsJsonAndTheOneThatClientsAreGiven) {
  google::protobuf::Struct parsed;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(kServiceConfig, &parsed).ok());
  std::ifstream file(REMATCH_SOURCE_DIR "/examples/client/service_config.json");
  std::stringstream published;
  published << file.rdbuf();
  EXPECT_EQ(published.str(), kServiceConfig);
}

TEST(Prepare, ACallWithoutTimeoutHasNoDeadline) {
  grpc::ClientContext context;
  Prepare(context, absl::InfiniteDuration(), {"SERVICE", ""});
  EXPECT_EQ(context.deadline(), std::chrono::system_clock::time_point::max());
}

}  // namespace
}  // namespace rematch::rpc
