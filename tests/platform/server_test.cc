#include "platform/rpc/server.h"

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <optional>
#include <sstream>
#include <thread>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "platform/group_commit.h"
#include "platform/rpc/address.h"
#include "platform/rpc/channel.h"
#include "tests/platform/echo_service.h"
#include "tests/platform/faulty_database.h"
#include "tests/platform/temp_dir.h"

namespace rematch::rpc {
namespace {

using ::rematch::testing::TempDir;
using ::testing::ExitedWithCode;
using ::testing::HasSubstr;

constexpr char kEchoName[] = "rematch.echo.v1.EchoService";

// What a test wants to know of a service, and to do inside of it.
struct Probe {
  std::function<void()> in_call;
  std::function<void()> on_stop_intake;
  bool store_away = false;  // for as long as the service lives
  std::atomic<bool> started = false;
  absl::Notification store_missed;  // the door has tried it once
  absl::Notification intake_stopped;
};

// Commits what it is given as its own reply.
struct Repeat {
  absl::StatusOr<BatchResult> Run(sql::Transaction&, absl::Span<std::string* const> batch) {
    BatchResult result;
    for (const std::string* text : batch) result.replies.emplace_back(*text);
    return result;
  }
};

// Echoes through a door, as services change their state.
class ProbedService final : public Service, private GroupCommitObserver {
 public:
  ProbedService(ServerEnvironment& environment, Probe& probe)
      : probe_(probe),
        calls_({}, environment.clock, environment.blocking, guard_, environment.metrics),
        hub_(calls_),
        database_(environment.database),
        // Left to itself it would wait for its store for ever.
        door_({.max_retry = absl::InfiniteDuration()}, database_, repeat_, environment.clock, environment.random, this),
        echo_(calls_, &hub_) {
    if (probe_.store_away) database_.Always(rematch::testing::Fault::Before(sql::Failure::kUnavailable));
    echo_.handler = [this](const Call&, const echo::v1::EchoRequest& request) -> absl::StatusOr<echo::v1::EchoResponse> {
      if (probe_.in_call) probe_.in_call();
      echo::v1::EchoResponse response;
      REMATCH_ASSIGN_OR_RETURN(*response.mutable_text(), door_.Commit(CommandMeta(), request.text()));
      return response;
    };
  }
  std::vector<grpc::Service*> grpc_services() override { return {&echo_}; }
  std::vector<std::string> health_names() override { return {kEchoName}; }
  void Start() override { probe_.started = true; }
  void StopIntake() override {
    if (probe_.on_stop_intake) probe_.on_stop_intake();
    door_.BeginDrain();
    hub_.Stop();
    probe_.intake_stopped.Notify();
  }
  void Stop() override { door_.Drain(); }

 private:
  void Retried() override {
    if (!probe_.store_missed.HasBeenNotified()) probe_.store_missed.Notify();
  }

  Probe& probe_;
  EchoGuard guard_;
  Calls calls_;
  FeedHub hub_;
  rematch::testing::FaultyDatabase database_;
  Repeat repeat_;
  GroupCommit<std::string> door_;
  EchoService echo_;
};

MakeService Making(Probe& probe) {
  return [&probe](ServerEnvironment& environment) -> absl::StatusOr<std::unique_ptr<Service>> {
    return std::make_unique<ProbedService>(environment, probe);
  };
}

const ServerDefinition kDefinition = {.name = "echo-service", .migrations = {}};

ServerOptions InMemory() {
  ServerOptions options;
  options.database = "sqlite::memory:";
  options.metrics_listen = "";
  options.blocking_threads = 2;
  return options;
}

std::shared_ptr<grpc::Channel> ChannelTo(int port) { return MakeChannel(absl::StrCat("127.0.0.1:", port)); }

absl::StatusOr<std::string> Echo(int port, const std::string& text) {
  const auto stub = echo::v1::EchoService::NewStub(ChannelTo(port));
  grpc::ClientContext context;
  Prepare(context, absl::Seconds(20), {"READER", ""});
  echo::v1::EchoRequest request;
  request.set_text(text);
  echo::v1::EchoResponse response;
  const grpc::Status status = stub->Echo(&context, request, &response);
  if (!status.ok()) return FromGrpc(status);
  return response.text();
}

grpc::ByteBuffer Buffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

std::string Bytes(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  EXPECT_TRUE(buffer.Dump(&slices).ok());
  std::string bytes;
  for (const grpc::Slice& slice : slices) bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

// One message there and one back, as any client of another language would send it: Debian ships no headers of these services.
absl::StatusOr<std::string> Raw(int port, const std::string& method, const std::string& request) {
  // Without the published config, by which a channel itself turns away from who is told to end.
  grpc::GenericStub stub(grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  Prepare(context, absl::Seconds(20), {"READER", ""});
  const auto stream = stub.PrepareCall(&context, method, &queue);
  void* tag = nullptr;
  bool ok = false;
  grpc::ByteBuffer answer;
  grpc::Status status;
  stream->StartCall(nullptr);
  queue.Next(&tag, &ok);
  stream->WriteLast(Buffer(request), grpc::WriteOptions(), nullptr);
  queue.Next(&tag, &ok);
  stream->Read(&answer, nullptr);
  queue.Next(&tag, &ok);
  const bool answered = ok;
  stream->Finish(&status, nullptr);
  queue.Next(&tag, &ok);
  if (!status.ok()) return FromGrpc(status);
  return answered ? Bytes(answer) : "";
}

enum class Health { kUnknown = 0, kServing = 1, kNotServing = 2 };

// grpc.health.v1.HealthCheckRequest{service = 1} -> HealthCheckResponse{status = 1}.
absl::StatusOr<Health> HealthOf(int port, const std::string& service) {
  const std::string request = service.empty() ? "" : absl::StrCat("\n", std::string(1, static_cast<char>(service.size())), service);
  absl::StatusOr<std::string> answer = Raw(port, "/grpc.health.v1.Health/Check", request);
  if (!answer.ok()) return answer.status();
  if (answer->size() != 2 || (*answer)[0] != 8) return Health::kUnknown;
  return static_cast<Health>((*answer)[1]);
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

TEST(Loopback, OnlyThisMachineIsListenedOn) {
  for (const char* good : {"127.0.0.1:0", "127.1.2.3:4001", "[::1]:4001", "localhost:65535"}) EXPECT_TRUE(CheckLoopback(good).ok()) << good;
  for (const char* bad : {"0.0.0.0:4001", "[::]:4001", "10.0.0.1:4001", "example.org:4001", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                          "127.0.0.1:-1", "127.0.0.1:a", "127.1:4001", "", ":4001", "127.0.0.1.example.org:1", "unix:/tmp/x"}) {
    EXPECT_EQ(CheckLoopback(bad).code(), absl::StatusCode::kInvalidArgument) << bad;
  }
}

TEST(Loopback, OfOtherAddressesOnlyThoseOfIpAreTaken) {
  for (const char* good : {"0.0.0.0:4001", "[::]:4001", "10.0.0.1:0", "[fd00::7]:65535", "localhost:4001", "127.0.0.1:0"}) {
    EXPECT_TRUE(CheckAddress(good).ok()) << good;
  }
  for (const char* bad : {"example.org:4001", "0.0.0.0", "0.0.0.0:", "0.0.0.0:65536", "0.0:4001", "::4001", "[]:4001", "[::1:4001", "",
                          ":4001", "unix:/tmp/x"}) {
    EXPECT_EQ(CheckAddress(bad).code(), absl::StatusCode::kInvalidArgument) << bad;
  }
}

TEST(Server, ListensBeyondLoopbackOnlyIfItIsSaidThatCallersAreNotAuthenticated) {
  for (std::string ServerOptions::*address : {&ServerOptions::listen, &ServerOptions::metrics_listen}) {
    Probe probe;
    ServerOptions options = InMemory();
    options.*address = "0.0.0.0:0";
    EXPECT_EQ(Server::Start(options, kDefinition, Making(probe)).status().code(), absl::StatusCode::kInvalidArgument);
    options.unauthenticated_callers = true;
    const auto server = Server::Start(options, kDefinition, Making(probe));
    ASSERT_TRUE(server.ok()) << server.status();
    EXPECT_EQ(*Echo((*server)->port(), "hello"), "hello");
  }
}

TEST(Server, ServesWithHealthOfEachServiceAndReflection) {
  Probe probe;
  const auto server = Server::Start(InMemory(), kDefinition, Making(probe));
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_TRUE(probe.started);
  const int port = (*server)->port();
  EXPECT_EQ(*Echo(port, "hello"), "hello");
  EXPECT_EQ(*HealthOf(port, ""), Health::kServing);
  EXPECT_EQ(*HealthOf(port, kEchoName), Health::kServing);
  EXPECT_EQ(HealthOf(port, "another.Service").status().code(), absl::StatusCode::kNotFound);
  // ServerReflectionRequest{list_services = 7}.
  const auto services = Raw(port, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", std::string("\x3a\x01*", 3));
  ASSERT_TRUE(services.ok()) << services.status();
  EXPECT_THAT(*services, HasSubstr(kEchoName));
}

TEST(Server, PortFilesHoldThePortsOnceItServes) {
  TempDir dir;
  Probe probe;
  ServerOptions options = InMemory();
  options.port_file = dir.File("port");
  options.metrics_listen = "127.0.0.1:0";
  options.metrics_port_file = dir.File("metrics_port");
  const auto server = Server::Start(options, kDefinition, Making(probe));
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(ReadFile(options.port_file), absl::StrCat((*server)->port(), "\n"));
  EXPECT_EQ(ReadFile(options.metrics_port_file), absl::StrCat((*server)->metrics_port(), "\n"));
  EXPECT_NE((*server)->port(), (*server)->metrics_port());
}

TEST(Server, APortInUseIsRefused) {
  Probe probe;
  const auto first = Server::Start(InMemory(), kDefinition, Making(probe));
  ASSERT_TRUE(first.ok());
  ServerOptions options = InMemory();
  options.listen = absl::StrCat("127.0.0.1:", (*first)->port());
  const auto second = Server::Start(options, kDefinition, Making(probe));
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("cannot listen on " + options.listen));
}

TEST(Server, AServiceThatCannotBeMadeIsNotServed) {
  const auto server = Server::Start(InMemory(), kDefinition, [](ServerEnvironment&) -> absl::StatusOr<std::unique_ptr<Service>> {
    return Error(absl::StatusCode::kInvalidArgument, "BAD_POLICY", "policy.textproto:3: expected a number");
  });
  EXPECT_EQ(ReasonOf(server.status()), "BAD_POLICY");
}

TEST(Server, ADrainSaysNotServingThenLetsCallsInFlightEnd) {
  Probe probe;
  absl::Notification in_call, may_answer;
  probe.in_call = [&] {
    in_call.Notify();
    may_answer.WaitForNotification();
  };
  std::optional<Health> while_stopping;
  int port = 0;
  probe.on_stop_intake = [&] {
    const auto health = HealthOf(port, kEchoName);
    if (health.ok()) while_stopping = *health;
  };
  const auto server = Server::Start(InMemory(), kDefinition, Making(probe));
  ASSERT_TRUE(server.ok());
  port = (*server)->port();
  absl::StatusOr<std::string> answer;
  std::thread client([&] { answer = Echo(port, "late"); });
  in_call.WaitForNotification();
  std::thread drain([&] { (*server)->Drain(); });
  // Answers only when the drain is under way.
  probe.intake_stopped.WaitForNotification();
  may_answer.Notify();
  drain.join();
  client.join();
  EXPECT_EQ(while_stopping, Health::kNotServing);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(*answer, "late");
}

TEST(Server, WhatLoopsTakeToEndIsNotTakenFromTheTimeOfCallsInFlight) {
  Probe probe;
  absl::Notification in_call, ends;
  probe.in_call = [&] {
    in_call.Notify();
    ends.WaitForNotification();
  };
  ServerOptions options = InMemory();
  options.drain_timeout = absl::Seconds(1);
  // Longer than calls in flight are given, and the call is answered only then.
  probe.on_stop_intake = [&] { absl::SleepFor(2 * options.drain_timeout); };
  const auto server = Server::Start(options, kDefinition, Making(probe));
  ASSERT_TRUE(server.ok());
  absl::StatusOr<std::string> answer;
  std::thread client([&] { answer = Echo((*server)->port(), "late"); });
  in_call.WaitForNotification();
  std::thread drain([&] { (*server)->Drain(); });
  probe.intake_stopped.WaitForNotification();
  ends.Notify();
  drain.join();
  client.join();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(*answer, "late");
}

TEST(Server, NoCallFailsWhenOneOfTwoServersIsDrained) {
  Probe staying, leaving;
  const auto stays = Server::Start(InMemory(), kDefinition, Making(staying));
  auto leaves = Server::Start(InMemory(), kDefinition, Making(leaving));
  ASSERT_TRUE(stays.ok() && leaves.ok());
  const auto stub =
      echo::v1::EchoService::NewStub(MakeChannel(absl::StrCat("ipv4:127.0.0.1:", (*stays)->port(), ",127.0.0.1:", (*leaves)->port())));
  std::atomic<bool> done = false;
  std::atomic<int> calls = 0, by_the_leaving = 0;
  leaving.in_call = [&] { ++by_the_leaving; };
  absl::Mutex mutex;
  std::vector<std::string> failed;
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      while (!done) {
        grpc::ClientContext context;
        Prepare(context, absl::Seconds(20), {"READER", ""});
        echo::v1::EchoRequest request;
        request.set_text("hello");
        echo::v1::EchoResponse response;
        const grpc::Status status = stub->Echo(&context, request, &response);
        ++calls;
        absl::MutexLock lock(&mutex);
        if (!status.ok()) failed.push_back(status.error_message());
      }
    });
  }
  while (by_the_leaving <= 20) std::this_thread::yield();
  (*leaves)->Drain();
  const int before = calls;
  while (calls <= before + 20) std::this_thread::yield();
  done = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_THAT(failed, ::testing::IsEmpty());
}

// Whoever does not watch the health and goes on calling is told so that they try elsewhere, while what is in flight ends.
TEST(Server, CallersWhoDoNotLeaveAreTurnedAwayAsUnavailable) {
  Probe probe;
  absl::Notification in_call, may_answer;
  std::atomic<int> calls = 0;
  probe.in_call = [&] {
    if (calls++ > 0) return;
    in_call.Notify();
    may_answer.WaitForNotification();
  };
  const auto server = Server::Start(InMemory(), kDefinition, Making(probe));
  ASSERT_TRUE(server.ok());
  const auto stub = echo::v1::EchoService::NewStub(
      grpc::CreateChannel(absl::StrCat("127.0.0.1:", (*server)->port()), grpc::InsecureChannelCredentials()));
  const auto call = [&] {
    grpc::ClientContext context;
    Prepare(context, absl::Seconds(20), {"READER", ""});
    echo::v1::EchoResponse response;
    return stub->Echo(&context, echo::v1::EchoRequest(), &response);
  };
  grpc::Status first;
  std::thread client([&] { first = call(); });
  in_call.WaitForNotification();
  std::thread drain([&] { (*server)->Drain(); });
  grpc::Status later;
  // Longer than clients are given to leave, and shorter than calls in flight may take.
  for (const absl::Time end = absl::Now() + absl::Seconds(8); later.ok() && absl::Now() < end;) later = call();
  may_answer.Notify();
  drain.join();
  client.join();
  EXPECT_TRUE(first.ok()) << first.error_message();
  EXPECT_EQ(ReasonOf(FromGrpc(later)), reason::kShuttingDown) << later.error_message();
}

TEST(Server, ACallInFlightMayComeToItsDoorDuringTheDrain) {
  Probe probe;
  absl::Notification in_call;
  probe.in_call = [&] {
    in_call.Notify();
    probe.intake_stopped.WaitForNotification();
  };
  const auto server = Server::Start(InMemory(), kDefinition, Making(probe));
  ASSERT_TRUE(server.ok());
  absl::StatusOr<std::string> answer;
  std::thread client([&] { answer = Echo((*server)->port(), "late"); });
  in_call.WaitForNotification();
  (*server)->Drain();
  client.join();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(*answer, "late");
}

TEST(Server, ADrainDoesNotWaitForAStoreThatIsAway) {
  Probe probe;
  probe.store_away = true;
  const auto server = Server::Start(InMemory(), kDefinition, Making(probe));
  ASSERT_TRUE(server.ok());
  absl::StatusOr<std::string> answer;
  std::thread client([&] { answer = Echo((*server)->port(), "lost"); });
  probe.store_missed.WaitForNotification();
  (*server)->Drain();
  client.join();
  // The reason is that of the client's second try, which finds nobody.
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kUnavailable);
}

TEST(Server, SeveralCanRunInOneProcess) {
  Probe one, two;
  const auto first = Server::Start(InMemory(), kDefinition, Making(one));
  const auto second = Server::Start(InMemory(), kDefinition, Making(two));
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(*Echo((*first)->port(), "1"), "1");
  EXPECT_EQ(*Echo((*second)->port(), "2"), "2");
}

// A thread that stands for another process: signals to this one are not for it.
std::thread Outsider(std::function<void()> run) {
  return std::thread([run = std::move(run)] {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    run();
  });
}

// ServerMain runs in a process of its own, as it does for users.
class ServerMainTest : public ::testing::Test {
 protected:
  ServerMainTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }

  // Exits with the code of the service's main.
  [[noreturn]] void Main(std::vector<std::string> arguments) {
    Probe probe;
    Main(std::move(arguments), probe);
  }
  [[noreturn]] void Main(std::vector<std::string> arguments, Probe& probe) {
    arguments.insert(arguments.begin(), "echo-service");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    std::exit(ServerMain(static_cast<int>(argv.size()), argv.data(), kDefinition, Making(probe)));
  }

  // On a thread of the test that is to send signals and not to take them: waits for the file, and returns its mode. A signal that comes
  // before the main thread waits for it is kept.
  static mode_t AwaitFile(const std::string& path) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    struct stat info;
    while (stat(path.c_str(), &info) != 0) std::this_thread::yield();
    return info.st_mode;
  }

  TempDir dir_;
};

// The regular expression of one line and nothing else on stderr.
std::string OneLine(const std::string& line) { return "^" + line + "\n$"; }

TEST_F(ServerMainTest, ABadFlagIsOneLineAndCode2) {
  EXPECT_EXIT(Main({"--nonsense=1"}), ExitedWithCode(2), OneLine("echo-service: unknown flag --nonsense; --help lists the flags"));
  EXPECT_EXIT(Main({"stray"}), ExitedWithCode(2), OneLine("echo-service: unexpected argument 'stray'; --help lists the flags"));
  EXPECT_EXIT(Main({"--listen"}), ExitedWithCode(2), OneLine("echo-service: flag --listen needs a value"));
  EXPECT_EXIT(Main({"--drain_timeout=soon"}), ExitedWithCode(2),
              OneLine("echo-service: flag --drain_timeout does not take this value; its default is '10s'"));
  EXPECT_EXIT(Main({"--log_level", "loud"}), ExitedWithCode(2), OneLine("echo-service: invalid: log_level must be .*"));
  EXPECT_EXIT(Main({"--listen=0.0.0.0:4001"}), ExitedWithCode(2), OneLine("echo-service: flag --listen must be a port on loopback.*"));
  EXPECT_EXIT(Main({"--unauthenticated_callers", "--metrics_listen=example.org:80"}), ExitedWithCode(2),
              OneLine("echo-service: flag --metrics_listen must be an IP address with a port.*"));
}

TEST_F(ServerMainTest, HelpListsTheFlagsAndNothingFails) { EXPECT_EXIT(Main({"--help"}), ExitedWithCode(0), "^$"); }

TEST_F(ServerMainTest, VersionIsPrintedAndNothingFails) { EXPECT_EXIT(Main({"--version"}), ExitedWithCode(0), "^$"); }

TEST_F(ServerMainTest, AnUnwritablePathIsOneLineAndCode1) {
  EXPECT_EXIT(Main({"--database=sqlite:/nowhere/at/all.db"}), ExitedWithCode(1), OneLine("echo-service: .*/nowhere/at/all.db.*"));
  EXPECT_EXIT(Main({"--database=sqlite::memory:", "--port_file=/nowhere/at/all", "--metrics_listen="}), ExitedWithCode(1),
              OneLine("echo-service: cannot write /nowhere/at/all: No such file or directory"));
}

TEST_F(ServerMainTest, APortInUseIsOneLineAndCode1) {
  Probe probe;
  ServerOptions options = InMemory();
  options.metrics_listen = "127.0.0.1:0";
  const auto server = Server::Start(options, kDefinition, Making(probe));
  ASSERT_TRUE(server.ok());
  // In a death test's process the statement runs anew, up to here as well: it takes the ports from its own server, in the same way.
  EXPECT_EXIT(Main({"--database=sqlite::memory:", absl::StrCat("--listen=127.0.0.1:", (*server)->port()), "--metrics_listen="}),
              ExitedWithCode(1), OneLine("echo-service: cannot listen on 127.0.0.1:[0-9]+: the port is in use or may not be used"));
  EXPECT_EXIT(Main({"--database=sqlite::memory:", absl::StrCat("--metrics_listen=127.0.0.1:", (*server)->metrics_port())}),
              ExitedWithCode(1), OneLine("echo-service: cannot serve metrics on 127.0.0.1:[0-9]+: .*"));
}

TEST_F(ServerMainTest, ASignalDrainsItAndItExitsWith0) {
  for (const int number : {SIGTERM, SIGINT}) {
    EXPECT_EXIT(
        {
          const std::string port_file = dir_.File("port");
          std::thread user = Outsider([&] {
            AwaitFile(port_file);
            const auto answer = Echo(std::stoi(ReadFile(port_file)), "hello");
            if (!answer.ok() || *answer != "hello") std::_Exit(9);
            kill(getpid(), number);
          });
          user.detach();
          Main({"--database=sqlite::memory:", "--port_file=" + port_file, "--metrics_listen="});
        },
        ExitedWithCode(0), "serving.*\n.*draining.*\n.*stopped");
  }
}

TEST_F(ServerMainTest, ASecondSignalEndsItAtOnce) {
  EXPECT_EXIT(
      {
        const std::string port_file = dir_.File("port");
        Probe probe;
        absl::Notification draining;
        absl::Notification never;
        probe.on_stop_intake = [&] {
          draining.Notify();
          never.WaitForNotification();
        };
        std::thread user = Outsider([&] {
          AwaitFile(port_file);
          kill(getpid(), SIGTERM);
          draining.WaitForNotification();
          kill(getpid(), SIGINT);
        });
        user.detach();
        Main({"--database=sqlite::memory:", "--port_file=" + port_file, "--metrics_listen="}, probe);
      },
      ::testing::KilledBySignal(SIGINT), "draining");
}

TEST_F(ServerMainTest, WhatItWritesIsForItsUserAlone_F23) {
  EXPECT_EXIT(
      {
        umask(022);
        const std::string port_file = dir_.File("port");
        std::thread user = Outsider([&] {
          const mode_t mode = AwaitFile(port_file);
          if ((mode & 077) != 0) std::_Exit(9);
          kill(getpid(), SIGTERM);
        });
        user.detach();
        Main({"--database=sqlite::memory:", "--port_file=" + port_file, "--metrics_listen="});
      },
      ExitedWithCode(0), "stopped");
}

TEST_F(ServerMainTest, WhatTheStoreSaidOfAFailedStartIsTheOperatorsToKnow) {
  const auto fail = [](ServerEnvironment&) -> absl::StatusOr<std::unique_ptr<Service>> {
    return sql::StoreError(sql::Failure::kSplit, "no such table: cases");
  };
  char name[] = "echo-service", database[] = "--database=sqlite::memory:";
  char* argv[] = {name, database};
  EXPECT_EXIT(std::exit(ServerMain(2, argv, kDefinition, fail)), ExitedWithCode(1),
              OneLine("echo-service: the store refused: no such table: cases"));
}

}  // namespace
}  // namespace rematch::rpc
