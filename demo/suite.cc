#include "demo/suite.h"

#include <curl/curl.h>

#include <grpcpp/generic/generic_stub.h>
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "cli/context.h"
#include "platform/errors.h"
#include "platform/rpc/channel.h"
#include "platform/strings.h"

namespace rematch::demo {
namespace {

constexpr absl::Duration kOneTry = absl::Seconds(5);
constexpr absl::Duration kDrain = absl::Seconds(10);

size_t Append(char* data, size_t size, size_t count, void* to) {
  static_cast<std::string*>(to)->append(data, size * count);
  return size * count;
}

std::string LastLine(const std::string& text) {
  const std::vector<std::string> lines = absl::StrSplit(absl::StripTrailingAsciiWhitespace(text), '\n');
  return lines.back();
}

// The port in a file that appears whole; 0 while it is not there.
int PortIn(const std::string& path) {
  int port = 0;
  return absl::SimpleAtoi(ReadFile(path), &port) ? port : 0;
}

}  // namespace

std::string NameOf(Part part) {
  switch (part) {
    case Part::kMentor:
      return "mentor-service";
    case Part::kNotify:
      return "notify-service";
    case Part::kRequest:
      return "request-service";
  }
  return "";
}

std::string HealthNameOf(Part part) {
  switch (part) {
    case Part::kMentor:
      return "rematch.mentor.v1.MentorService";
    case Part::kNotify:
      return "rematch.notify.v1.NotifyService";
    case Part::kRequest:
      return "rematch.request.v1.ReassignmentService";
  }
  return "";
}

absl::StatusOr<std::map<Part, std::string>> ReadSuiteFile(const std::string& path) {
  REMATCH_ASSIGN_OR_RETURN(const cli::Addresses at, cli::ParseSuite(ReadFile(path)));
  if (at.mentor.empty() || at.notify.empty() || at.request.empty()) {
    return absl::NotFoundError(absl::StrCat(path, " does not name all three services"));
  }
  return std::map<Part, std::string>{{Part::kMentor, at.mentor}, {Part::kNotify, at.notify}, {Part::kRequest, at.request}};
}

absl::StatusOr<std::string> HttpGet(const std::string& url) {
  CURL* curl = curl_easy_init();
  if (curl == nullptr) return absl::InternalError("no HTTP client");
  std::string body;
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 5000L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, Append);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
  const CURLcode code = curl_easy_perform(curl);
  curl_easy_cleanup(curl);
  if (code != CURLE_OK) return absl::UnavailableError(curl_easy_strerror(code));
  return body;
}

std::shared_ptr<grpc::Channel> QuickChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  // Despite its name: how long one attempt may take to connect.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // Without its retries: whoever calls counts them.
  arguments.SetServiceConfigJSON(R"({"loadBalancingConfig": [{"round_robin": {}}]})");
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

absl::StatusOr<int> HealthOf(const std::shared_ptr<grpc::Channel>& channel, const std::string& service) {
  // The two messages of grpc.health.v1 have one field each: field 1 a string here, field 1 an enum there.
  std::string bytes = {'\x0a', static_cast<char>(service.size())};
  bytes += service;
  grpc::Slice slice(bytes);
  grpc::ByteBuffer request(&slice, 1), response;
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(1)));
  grpc::CompletionQueue queue;
  grpc::GenericStub stub(channel);
  auto call = stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", request, &queue);
  call->StartCall();
  grpc::Status status;
  call->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
  if (!status.ok()) return rpc::FromGrpc(status);
  std::vector<grpc::Slice> slices;
  if (!response.Dump(&slices).ok()) return absl::InternalError("unreadable health response");
  std::string answer;
  for (const grpc::Slice& part : slices) answer.append(reinterpret_cast<const char*>(part.begin()), part.size());
  return answer.size() >= 2 ? answer[1] : 0;
}

namespace internal {

void PrepareCall(grpc::ClientContext& context, absl::Time end, const rpc::Caller& caller) {
  rpc::Prepare(context, std::min(kOneTry, std::max(end - absl::Now(), absl::Milliseconds(100))), caller);
}

bool TryAgain(const grpc::Status& status, absl::Time end) {
  // A try that ran into its own deadline may have reached a service that was stopped meanwhile. Every write has its request id.
  if (status.error_code() != grpc::StatusCode::UNAVAILABLE && status.error_code() != grpc::StatusCode::DEADLINE_EXCEEDED) return false;
  if (absl::Now() >= end) return false;
  absl::SleepFor(absl::Milliseconds(20));
  return true;
}

}  // namespace internal

absl::StatusOr<std::unique_ptr<Suite>> Suite::Start(SuiteOptions options) {
  // An idle channel of this process looks at its connection only every so often: a server that drains waits for it to hear of that, twice.
  setenv("GRPC_CLIENT_CHANNEL_BACKUP_POLL_INTERVAL_MS", "50", 0);
  std::error_code error;
  options.work_dir = std::filesystem::absolute(options.work_dir).string();
  options.bin_dir = std::filesystem::absolute(options.bin_dir).string();
  if (options.transport.empty()) options.transport = absl::StrCat("maildir:", options.work_dir, "/mail");
  std::filesystem::create_directories(options.work_dir, error);
  if (error) return absl::InternalError(absl::StrCat("cannot make ", options.work_dir));
  if (options.replicas < 1) return absl::InvalidArgumentError("a suite has at least one replica of each service");
  if (options.replicas > 1 && options.databases.size() < kParts.size()) {
    return absl::InvalidArgumentError("replicas share a store, and a file of SQLite is one process's own");
  }
  std::unique_ptr<Suite> suite(new Suite(std::move(options)));
  for (Part part : kParts) {
    if (absl::Status started = suite->StartPart(part); !started.ok()) return started;
  }
  suite->Connect();
  return suite;
}

std::unique_ptr<Suite> Suite::Attach(SuiteElsewhere elsewhere) {
  std::unique_ptr<Suite> suite(new Suite({.bin_dir = elsewhere.bin_dir, .work_dir = "", .policy = ""}));
  suite->elsewhere_ = std::move(elsewhere);
  suite->Connect();
  return suite;
}

void Suite::Connect() {
  for (Part part : kParts) channels_[static_cast<size_t>(part)] = QuickChannel(address(part));
  mentor_ = mentor::v1::MentorService::NewStub(channel(Part::kMentor));
  notify_ = notify::v1::NotifyService::NewStub(channel(Part::kNotify));
  request_ = request::v1::ReassignmentService::NewStub(channel(Part::kRequest));
}

Suite::Suite(SuiteOptions options) : options_(std::move(options)) {
  for (auto& slots : slots_) slots.resize(static_cast<size_t>(options_.replicas));
}

Suite::~Suite() {
  request_.reset();
  notify_.reset();
  mentor_.reset();
  for (auto& channel : channels_) channel.reset();
  for (auto& slots : slots_) {
    for (Slot& slot : slots) slot.channel.reset();
  }
  absl::MutexLock lock(&mutex_);
  // request-service first: it calls the other two.
  for (Part part : {Part::kRequest, Part::kNotify, Part::kMentor}) {
    for (Slot& slot : slots_[static_cast<size_t>(part)]) slot.process.Signal(SIGTERM);
  }
  for (Part part : {Part::kRequest, Part::kNotify, Part::kMentor}) {
    for (Slot& slot : slots_[static_cast<size_t>(part)]) {
      slot.process.Wait(kDrain);
      slot.process.Kill();
    }
  }
}

std::string Suite::PathOf(Part part, int replica, std::string_view what) const {
  const std::string folder = replica == 0 ? NameOf(part) : absl::StrCat(NameOf(part), "-", replica + 1);
  return absl::StrCat(options_.work_dir, "/", folder, "/", ToAbsl(what));
}

absl::Status Suite::StartPart(Part part) {
  absl::MutexLock lock(&mutex_);
  // All at once: who comes first migrates, and the others wait for it.
  for (int replica = 0; replica < options_.replicas; ++replica) {
    std::error_code error;
    std::filesystem::create_directories(PathOf(part, replica, ""), error);
    if (absl::Status started = StartProcess(part, replica); !started.ok()) return started;
  }
  for (int replica = 0; replica < options_.replicas; ++replica) {
    if (absl::Status serving = AwaitServing(part, replica); !serving.ok()) return serving;
  }
  return absl::OkStatus();
}

absl::Status Suite::StartProcess(Part part, int replica) {
  Slot& slot = this->slot(part, replica);
  const std::string port_file = PathOf(part, replica, "port"), metrics_port_file = PathOf(part, replica, "metrics_port"),
                    log = PathOf(part, replica, "stderr");
  std::error_code ignored;
  std::filesystem::remove(port_file, ignored);
  std::filesystem::remove(metrics_port_file, ignored);
  const auto database = options_.databases.find(part);
  std::vector<std::string> argv = {
      absl::StrCat(options_.bin_dir, "/", NameOf(part)),
      absl::StrCat("--listen=127.0.0.1:", slot.port),
      absl::StrCat("--port_file=", port_file),
      absl::StrCat("--metrics_listen=127.0.0.1:", slot.metrics_port),
      absl::StrCat("--metrics_port_file=", metrics_port_file),
      absl::StrCat("--database=",
                   database == options_.databases.end() ? absl::StrCat("sqlite:", PathOf(part, replica, "data.db")) : database->second),
      absl::StrCat("--log_level=", options_.log_level)};
  if (part == Part::kNotify) argv.push_back(absl::StrCat("--transport=", options_.transport));
  if (part == Part::kRequest) {
    argv.push_back(absl::StrCat("--mentor_service=", address(Part::kMentor)));
    argv.push_back(absl::StrCat("--notify_service=", address(Part::kNotify)));
    argv.push_back(absl::StrCat("--policy=", options_.policy));
  }
  if (auto more = options_.flags.find(part); more != options_.flags.end())
    argv.insert(argv.end(), more->second.begin(), more->second.end());
  slot.begun = absl::Now();
  auto process = Process::Start({.argv = argv, .stdout_path = log, .stderr_path = log, .stdin_path = "/dev/null", .environment = {}});
  if (!process.ok()) return process.status();
  slot.process = *std::move(process);
  return absl::OkStatus();
}

absl::Status Suite::AwaitServing(Part part, int replica) {
  Slot& slot = this->slot(part, replica);
  const std::string port_file = PathOf(part, replica, "port"), metrics_port_file = PathOf(part, replica, "metrics_port");
  auto failed = [&](std::string_view what) {
    return absl::UnavailableError(
        absl::StrCat(NameOf(part), " ", ToAbsl(what), "; its last line: ", LastLine(ReadFile(PathOf(part, replica, "stderr")))));
  };
  auto written = [&] { return PortIn(port_file) != 0 && PortIn(metrics_port_file) != 0; };
  WaitUntil([&] { return written() || !slot.process.running(); }, options_.start_timeout);
  if (!written()) return failed(slot.process.running() ? "did not start in time" : "ended");
  slot.port = PortIn(port_file);
  slot.metrics_port = PortIn(metrics_port_file);
  if (slot.channel == nullptr) slot.channel = QuickChannel(address(part, replica));
  auto serving = [&] { return Serving(part, replica); };
  WaitUntil([&] { return serving() || !slot.process.running(); }, options_.start_timeout);
  if (!slot.process.running()) return failed("ended");
  if (!serving()) return failed("does not say SERVING");
  slot.start_time = absl::Now() - slot.begun;
  return absl::OkStatus();
}

void Suite::Kill(Part part, int replica) {
  absl::MutexLock lock(&mutex_);
  slot(part, replica).process.Kill();
}

absl::Status Suite::Restart(Part part, int replica) {
  absl::MutexLock lock(&mutex_);
  absl::Status started = StartProcess(part, replica);
  return started.ok() ? AwaitServing(part, replica) : started;
}

void Suite::Signal(Part part, int signal, int replica) {
  absl::MutexLock lock(&mutex_);
  slot(part, replica).process.Signal(signal);
}

absl::StatusOr<int> Suite::Terminate(Part part, absl::Duration timeout, int replica) {
  SignalTerminate(part, replica);
  return AwaitEnd(part, timeout, replica);
}

absl::StatusOr<int> Suite::AwaitEnd(Part part, absl::Duration timeout, int replica) {
  absl::MutexLock lock(&mutex_);
  const std::optional<int> code = slot(part, replica).process.Wait(timeout);
  if (!code.has_value()) return absl::DeadlineExceededError(absl::StrCat(NameOf(part), " did not drain in time"));
  return *code;
}

bool Suite::running(Part part, int replica) {
  absl::MutexLock lock(&mutex_);
  return slot(part, replica).process.running();
}

pid_t Suite::pid(Part part, int replica) {
  absl::MutexLock lock(&mutex_);
  return slot(part, replica).process.pid();
}

absl::Duration Suite::start_time(Part part, int replica) {
  absl::MutexLock lock(&mutex_);
  return slot(part, replica).start_time;
}

std::string Suite::address(Part part) const {
  if (const auto found = elsewhere_.addresses.find(part); found != elsewhere_.addresses.end()) return found->second;
  if (options_.replicas == 1) return address(part, 0);
  std::string all = "ipv4:";
  for (int replica = 0; replica < options_.replicas; ++replica) absl::StrAppend(&all, replica == 0 ? "" : ",", address(part, replica));
  return all;
}

std::string Suite::address(Part part, int replica) const { return absl::StrCat("127.0.0.1:", slot(part, replica).port); }

std::string Suite::log(Part part, int replica) const { return ReadFile(PathOf(part, replica, "stderr")); }

absl::StatusOr<std::string> Suite::Metrics(Part part, int replica) const {
  return HttpGet(absl::StrCat("http://127.0.0.1:", slot(part, replica).metrics_port, "/metrics"));
}

bool Suite::Serving(Part part, int replica) const { return HealthOf(channel(part, replica), HealthNameOf(part)).value_or(0) == kServing; }

std::string Suite::mail_dir() const {
  return elsewhere_.addresses.empty() ? absl::StrCat(options_.work_dir, "/mail") : elsewhere_.mail_dir;
}

absl::StatusOr<Finished> Suite::CommandLine(const std::string& as, const std::vector<std::string>& words, bool color) const {
  std::vector<std::string> argv = {absl::StrCat(options_.bin_dir, "/rematch"), color ? "--color=always" : "--color=never"};
  argv.insert(argv.end(), words.begin(), words.end());
  const std::vector<std::string> environment = {absl::StrCat("REMATCH_AS=", as),
                                                absl::StrCat("REMATCH_MENTOR_SERVICE=", address(Part::kMentor)),
                                                absl::StrCat("REMATCH_REQUEST_SERVICE=", address(Part::kRequest)),
                                                absl::StrCat("REMATCH_NOTIFY_SERVICE=", address(Part::kNotify)),
                                                "REMATCH_SUITE=/dev/null",
                                                "LC_ALL=C.UTF-8",
                                                "COLUMNS=120"};
  return Run(argv, environment, absl::Seconds(60));
}

}  // namespace rematch::demo
