// How the real binaries start and end: what is wrong is one clear line and an exit code, SIGTERM drains.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include <grpcpp/generic/generic_stub.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "demo/process.h"
#include "platform/rpc/channel.h"
#include "tests/scenario/scenario_kit.h"

namespace rematch::scenario {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

// A socket that listens on loopback, so that its port is taken.
class TakenPort {
 public:
  TakenPort() {
    socket_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(socket_, 1), 0);
    EXPECT_EQ(getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~TakenPort() { close(socket_); }
  int port() const { return port_; }

 private:
  int socket_ = -1;
  int port_ = 0;
};

class BadStart : public testing::TestWithParam<demo::Part> {
 protected:
  // Flags with which the service would start, and those given, which replace flags of the same name.
  demo::Finished Start(const std::vector<std::string>& flags) {
    std::vector<std::string> argv = {absl::StrCat(BinDir(), "/", demo::NameOf(GetParam()))};
    std::vector<std::string> usual = {"--listen=127.0.0.1:0", "--metrics_listen=127.0.0.1:0",
                                      absl::StrCat("--database=sqlite:", folder_.path(), "/data.db")};
    if (GetParam() == demo::Part::kNotify) usual.push_back(absl::StrCat("--transport=maildir:", folder_.path(), "/mail"));
    if (GetParam() == demo::Part::kRequest) {
      usual.insert(usual.end(), {"--mentor_service=127.0.0.1:1", "--notify_service=127.0.0.1:1",
                                 absl::StrCat("--policy=", folder_.Write("policy", PolicyInSeconds().Text()))});
    }
    const auto name = [](const std::string& flag) { return flag.substr(0, flag.find('=')); };
    for (const std::string& flag : usual) {
      const bool replaced = std::any_of(flags.begin(), flags.end(), [&](const std::string& given) { return name(given) == name(flag); });
      if (!replaced) argv.push_back(flag);
    }
    argv.insert(argv.end(), flags.begin(), flags.end());
    auto finished = demo::Run(argv, {}, absl::Seconds(20));
    EXPECT_TRUE(finished.ok()) << finished.status();
    return finished.value_or(demo::Finished());
  }

  // Ends by itself, not well, with one line that holds `hint`.
  void ExpectOneLine(const std::vector<std::string>& flags, const std::string& hint, int exit_code = 1) {
    const demo::Finished finished = Start(flags);
    EXPECT_EQ(finished.exit_code, exit_code) << finished.err;
    const std::vector<std::string> lines = absl::StrSplit(absl::StripTrailingAsciiWhitespace(finished.err), '\n');
    EXPECT_THAT(lines, SizeIs(1));
    EXPECT_THAT(finished.err, HasSubstr(hint));
    EXPECT_THAT(finished.out, testing::IsEmpty());
  }

  WorkFolder folder_;
};

TEST_P(BadStart, AnUnwritableDatabasePathIsOneLine) {
  const std::string file = folder_.Write("file", "not a folder");
  ExpectOneLine({absl::StrCat("--database=sqlite:", file, "/data.db")}, "data.db");
}

TEST_P(BadStart, ADatabaseThatAnotherProcessUsesIsOneLine) {
  auto suite = demo::Suite::Start(
      {.bin_dir = BinDir(), .work_dir = folder_.path() + "/suite", .policy = folder_.Write("policy", PolicyInSeconds().Text())});
  ASSERT_TRUE(suite.ok()) << suite.status();
  ExpectOneLine({absl::StrCat("--database=sqlite:", folder_.path(), "/suite/", demo::NameOf(GetParam()), "/data.db")}, "in use");
}

TEST_P(BadStart, APortInUseIsOneLine) {
  const TakenPort taken;
  ExpectOneLine({absl::StrCat("--listen=127.0.0.1:", taken.port())}, absl::StrCat(taken.port()));
}

TEST_P(BadStart, AMetricsPortInUseIsOneLine) {
  const TakenPort taken;
  ExpectOneLine({absl::StrCat("--metrics_listen=127.0.0.1:", taken.port())}, absl::StrCat(taken.port()));
}

TEST_P(BadStart, VersionSaysWhichBuildThisIs) {
  const demo::Finished finished = Start({"--version"});
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_THAT(finished.out, testing::StartsWith(absl::StrCat(demo::NameOf(GetParam()), " 0.")));
  EXPECT_THAT(finished.out, HasSubstr("), gRPC 1."));
  EXPECT_THAT(finished.err, testing::IsEmpty());
}

TEST_P(BadStart, AnAddressThatIsNotLoopbackIsOneLine) { ExpectOneLine({"--listen=0.0.0.0:0"}, "loopback", 2); }

TEST_P(BadStart, AnUnknownFlagIsOneLine) { ExpectOneLine({"--no_such_flag=1"}, "no_such_flag", 2); }

TEST_P(BadStart, ABadFlagValueIsOneLine) { ExpectOneLine({"--drain_timeout=soon"}, "drain_timeout", 2); }

TEST_P(BadStart, AnUnknownKindOfDatabaseIsOneLine) { ExpectOneLine({"--database=paper:/tmp/x"}, "database", 2); }

INSTANTIATE_TEST_SUITE_P(Services, BadStart, testing::ValuesIn(demo::kParts), [](const auto& part) {
  const std::string name = demo::NameOf(part.param);
  return name.substr(0, name.find('-'));
});

class BadPolicy : public BadStart {};

TEST_P(BadPolicy, AMissingFileIsOneLine) { ExpectOneLine({"--policy=/nonexistent/policy.textproto"}, "policy", 2); }

TEST_P(BadPolicy, AFileThatIsNoPolicyIsOneLine) {
  ExpectOneLine({absl::StrCat("--policy=", folder_.Write("bad", "stages { kind: LATER }"))}, "policy", 2);
}

TEST_P(BadPolicy, APolicyWithoutStagesIsOneLine) {
  ExpectOneLine({absl::StrCat("--policy=", folder_.Write("bad", "display_name: \"Nothing\""))}, "stages", 2);
}

INSTANTIATE_TEST_SUITE_P(Services, BadPolicy, testing::Values(demo::Part::kRequest), [](const auto&) { return "request"; });

class BadTransport : public BadStart {};

TEST_P(BadTransport, AnUnknownTransportIsOneLine) { ExpectOneLine({"--transport=pigeon:/tmp"}, "transport", 2); }

TEST_P(BadTransport, AnUnwritableMaildirIsOneLine) {
  ExpectOneLine({absl::StrCat("--transport=maildir:", folder_.Write("file", "not a folder"), "/mail")}, "mail");
}

TEST_P(BadTransport, NoThreadsToSendWithIsOneLine) { ExpectOneLine({"--send_threads=0"}, "--send_threads must be", 2); }

TEST_P(BadTransport, NoAttemptsIsOneLine) { ExpectOneLine({"--send_attempts=0"}, "--send_attempts must be", 2); }

TEST_P(BadTransport, ALeaseTooShortToBeRenewedIsOneLine) { ExpectOneLine({"--lease=1ms"}, "--lease must be", 2); }

TEST_P(BadTransport, AnSmtpTimeoutOfNothingIsOneLine) {
  ExpectOneLine({"--transport=smtp://127.0.0.1:1", "--smtp_timeout=0s"}, "--smtp_timeout must be", 2);
}

INSTANTIATE_TEST_SUITE_P(Services, BadTransport, testing::Values(demo::Part::kNotify), [](const auto&) { return "notify"; });

// What the health service says of one service, as a stream of states.
class HealthWatch {
 public:
  HealthWatch(const std::shared_ptr<grpc::Channel>& channel, const std::string& service) : stub_(channel) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    stream_ = stub_.PrepareCall(&context_, "/grpc.health.v1.Health/Watch", &queue_);
    stream_->StartCall(nullptr);
    Wait();
    const std::string bytes = absl::StrCat("\x0a", std::string(1, static_cast<char>(service.size())), service);
    const grpc::Slice slice(bytes);
    stream_->Write(grpc::ByteBuffer(&slice, 1), nullptr);
    Wait();
  }
  ~HealthWatch() {
    context_.TryCancel();
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }
  // 1 SERVING, 2 NOT_SERVING, -1 when the stream has ended.
  int Next() {
    grpc::ByteBuffer answer;
    stream_->Read(&answer, nullptr);
    if (!Wait()) return -1;
    std::vector<grpc::Slice> slices;
    EXPECT_TRUE(answer.Dump(&slices).ok());
    return slices.empty() || slices[0].size() < 2 ? 0 : slices[0].begin()[1];
  }

 private:
  bool Wait() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }
  grpc::CompletionQueue queue_;
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
};

// Of one replica: what is watched is not another one.
class Drain : public testing::TestWithParam<std::tuple<demo::Part, bool>> {
 protected:
  Drain() : stores_(std::get<1>(GetParam())) {}
  const demo::Part part_ = std::get<0>(GetParam());
  const Stores stores_;
  const WorkFolder folder_;
};

TEST_P(Drain, SigtermSaysNotServingFirstAndEndsWithZero) {
  auto stage = Prepare(stores_.Under({.bin_dir = BinDir(),
                                      .work_dir = folder_.path(),
                                      .policy = folder_.Write("policy", PolicyInSeconds().Text()),
                                      // For calls in flight: whoever only watches the health does not use it up.
                                      .flags = {{part_, {"--drain_timeout=10m"}}}},
                                     1),
                       SmallRoster());
  ASSERT_TRUE(stage.ok()) << stage.status();
  demo::Suite& suite = *stage->suite;
  HealthWatch watch(suite.channel(part_), demo::HealthNameOf(part_));
  ASSERT_EQ(watch.Next(), 1);
  suite.SignalTerminate(part_);
  EXPECT_EQ(watch.Next(), 2) << "NOT_SERVING before the connection ends";
  auto code = suite.AwaitEnd(part_);
  ASSERT_TRUE(code.ok()) << code.status();
  EXPECT_EQ(*code, 0);
  // What was written is there when it comes back.
  ASSERT_TRUE(suite.Restart(part_).ok());
  auto again = demo::Directory::Load(suite, kConsortium);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->mentors.size(), stage->directory.mentors.size());
}

// A stream that would stay open for ever does not keep a service from draining.
class DrainWithStreams : public testing::TestWithParam<bool> {};

TEST_P(DrainWithStreams, AWatchedCaseAndAFollowedFeedEnd) {
  const Stores stores(GetParam());
  WorkFolder folder;
  const SmallRoster roster;
  auto stage =
      Prepare(stores.Under({.bin_dir = BinDir(), .work_dir = folder.path(), .policy = folder.Write("policy", PolicyInSeconds().Text())}, 1),
              roster);
  ASSERT_TRUE(stage.ok()) << stage.status();
  demo::Suite& suite = *stage->suite;
  demo::Narrator silent;
  demo::Play play({.suite = suite, .directory = stage->directory, .narrator = silent, .candidate = stage->Candidate(roster), .key = "a"});
  ASSERT_TRUE(play.Open("-").ok());

  grpc::ClientContext watch_context, feed_context;
  rpc::Prepare(watch_context, absl::Seconds(60), {"PROGRAM_LEADER", play.program().leader().person()});
  request::v1::WatchReassignmentRequest watch;
  watch.set_name(play.case_name());
  auto case_stream = suite.stub<demo::RequestStub>().WatchReassignment(&watch_context, watch);
  request::v1::Reassignment seen;
  ASSERT_TRUE(case_stream->Read(&seen));
  rpc::Prepare(feed_context, absl::Seconds(60), {"SERVICE", ""});
  notify::v1::WatchDeliveriesRequest follow;
  follow.set_parent("consortia/-");
  follow.set_follow(true);
  auto feed = suite.stub<demo::NotifyStub>().WatchDeliveries(&feed_context, follow);
  for (demo::Part part : {demo::Part::kRequest, demo::Part::kNotify, demo::Part::kMentor}) {
    auto code = suite.Terminate(part);
    ASSERT_TRUE(code.ok()) << code.status();
    EXPECT_EQ(*code, 0) << demo::NameOf(part);
  }
  while (case_stream->Read(&seen)) {
  }
  case_stream->Finish();
  notify::v1::Delivery delivery;
  while (feed->Read(&delivery)) {
  }
  feed->Finish();
}

INSTANTIATE_TEST_SUITE_P(Services, Drain, testing::Combine(testing::ValuesIn(demo::kParts), testing::Bool()), [](const auto& about) {
  const std::string name = demo::NameOf(std::get<0>(about.param));
  return absl::StrCat(name.substr(0, name.find('-')), std::get<1>(about.param) ? "Mysql" : "Sqlite");
});
INSTANTIATE_TEST_SUITE_P(On, DrainWithStreams, testing::Bool(), Stores::Name);

}  // namespace
}  // namespace rematch::scenario
