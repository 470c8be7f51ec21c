#include "platform/rpc/channel.h"

#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
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

// How many of `calls`, made one after the other, each of two servers was asked, once the channel is connected to both.
std::pair<int, int> Spread(const std::string& target, Flaky& first, Flaky& second, int calls) {
  const auto stub = echo::v1::EchoService::NewStub(MakeChannel(target));
  const auto call = [&stub] {
    grpc::ClientContext context;
    Prepare(context, absl::Seconds(20), {"SERVICE", ""});
    EchoResponse response;
    const grpc::Status status = stub->Echo(&context, EchoRequest(), &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return status.ok();
  };
  // The first calls go to whichever is connected to first.
  const absl::Time until = absl::Now() + absl::Seconds(20);
  while ((first.calls == 0 || second.calls == 0) && absl::Now() < until) {
    if (!call()) return {};
  }
  first.calls = second.calls = 0;
  for (int i = 0; i < calls; ++i) call();
  return {first.calls, second.calls};
}

// In turns, but for one that is out of turn.
const auto kEven = ::testing::Pair(::testing::AllOf(::testing::Ge(9), ::testing::Le(11)), ::testing::_);

// Listens at `address`, whose port may be 0.
std::unique_ptr<grpc::Server> Serve(Flaky& service, const std::string& address, int& port) {
  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  return builder.BuildAndStart();
}

TEST(Channel, CallsAreSpreadOverAListOfAddresses) {
  Flaky first(0, grpc::StatusCode::OK), second(0, grpc::StatusCode::OK);
  int first_port = 0, second_port = 0;
  const auto one = Serve(first, "127.0.0.1:0", first_port);
  const auto other = Serve(second, "127.0.0.1:0", second_port);
  ASSERT_TRUE(one != nullptr && other != nullptr);
  EXPECT_THAT(Spread(absl::StrCat("ipv4:127.0.0.1:", first_port, ",127.0.0.1:", second_port), first, second, 20), kEven);
}

// A name server on loopback to which every name has the addresses 127.0.0.1 and 127.0.0.2.
class NameServer {
 public:
  NameServer() : socket_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address_);
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address_), size), 0);
    EXPECT_EQ(getsockname(socket_, reinterpret_cast<sockaddr*>(&address_), &size), 0);
    thread_ = std::thread([this] { Answer(); });
  }
  ~NameServer() {
    // No question: the end.
    sendto(socket_, "", 0, 0, reinterpret_cast<const sockaddr*>(&address_), sizeof(address_));
    thread_.join();
    close(socket_);
  }
  int port() const { return ntohs(address_.sin_port); }

 private:
  void Answer() {
    for (;;) {
      char buffer[512];
      sockaddr_in from{};
      socklen_t size = sizeof(from);
      const ssize_t got = recvfrom(socket_, buffer, sizeof(buffer), 0, reinterpret_cast<sockaddr*>(&from), &size);
      constexpr size_t kHeader = 12;
      if (got < static_cast<ssize_t>(kHeader)) return;
      std::string message(buffer, got);
      // The question: a name that ends with an empty label, its type and its class.
      const size_t name_end = message.find('\0', kHeader);
      message.resize(name_end + 5);
      const bool for_v4 = message[name_end + 2] == 1;
      // A response without error, of one question and two answers or none, and nothing more.
      message.replace(2, kHeader - 2, std::string("\x81\x80\0\1\0\0\0\0\0\0", 10));
      if (for_v4) {
        message[7] = 2;
        for (const char last : {1, 2}) {
          // The name of the question, type A, class IN, for a minute, four bytes.
          message += std::string("\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0", 15) + last;
        }
      }
      sendto(socket_, message.data(), message.size(), 0, reinterpret_cast<const sockaddr*>(&from), size);
    }
  }

  const int socket_;
  sockaddr_in address_{};
  std::thread thread_;
};

// As the pods of a headless service have them.
TEST(Channel, CallsAreSpreadOverTheAddressesOfOneName) {
  const NameServer names;
  Flaky first(0, grpc::StatusCode::OK), second(0, grpc::StatusCode::OK);
  int port = 0, same_port = 0;
  const auto one = Serve(first, "127.0.0.1:0", port);
  const auto other = Serve(second, absl::StrCat("127.0.0.2:", port), same_port);
  ASSERT_TRUE(one != nullptr && other != nullptr);
  EXPECT_THAT(Spread(absl::StrCat("dns://127.0.0.1:", names.port(), "/replicas.test:", port), first, second, 20), kEven);
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
