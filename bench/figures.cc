// rematch-figures: what the suite takes and gives on this machine, beside a bare echo service in the same run. Start-up time, idle memory,
// and requests a second of a read and of a write, on the embedded store or on a MariaDB that is started for it. Prints a table.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <regex>
#include <thread>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "demo/mariadb.h"
#include "demo/process.h"
#include "demo/suite.h"
#include "platform/errors.h"
#include "platform/rpc/channel.h"
#include "rematch/echo/v1/service.grpc.pb.h"

ABSL_FLAG(std::string, bin_dir, "build/release/bin", "where the binaries of the suite are");
ABSL_FLAG(std::string, source_dir, ".", "where examples/ is");
ABSL_FLAG(std::string, store, "sqlite", "sqlite, or mysql: a MariaDB of its own");
ABSL_FLAG(int, reads, 60000, "how many requests of a read to send");
ABSL_FLAG(int, writes, 8000, "how many cases to open, each of another candidate");
ABSL_FLAG(int, connections, 8, "connections");
ABSL_FLAG(int, streams, 64, "requests under way on each connection");
ABSL_FLAG(std::string, serve_echo, "", "be the echo service, and write the port to this file");

namespace rematch::figures {
namespace {

constexpr int kStarts = 5;
constexpr int kRounds = 3;  // of reads, in turn with the bare echo: the machine's speed drifts
constexpr int kMentors = 100;
constexpr char kConsortium[] = "consortia/bench";
constexpr char kProgram[] = "consortia/bench/programs/p";

class EchoServer final : public echo::v1::EchoService::CallbackService {
  grpc::ServerUnaryReactor* Echo(grpc::CallbackServerContext* context, const echo::v1::EchoRequest* request,
                                 echo::v1::EchoResponse* response) override {
    response->set_text(request->text());
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

int ServeEcho(const std::string& port_file) {
  EchoServer service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  std::ofstream(port_file + ".tmp") << port;
  std::filesystem::rename(port_file + ".tmp", port_file);
  server->Wait();
  return 0;
}

// Resident kilobytes of a process.
int ResidentOf(pid_t pid) {
  std::smatch found;
  const std::string status = demo::ReadFile(absl::StrCat("/proc/", pid, "/status"));
  int kilobytes = 0;
  if (std::regex_search(status, found, std::regex(R"(VmRSS:\s+(\d+))"))) (void)absl::SimpleAtoi(found[1].str(), &kilobytes);
  return kilobytes;
}

struct Rate {
  double per_second = 0;
  int failed = 0;
};

// One request after another on every stream of every connection, each made by `request(i)`; a generator of our own, since every
// request differs and a gRPC error must count as one.
template <typename Stub, typename Request, typename Response, typename Service>
Rate Generate(const std::string& address, int count, const rpc::Caller& caller, Service service,
              std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> (Stub::*begin)(grpc::ClientContext*, const Request&,
                                                                                        grpc::CompletionQueue*),
              const std::function<Request(int)>& request) {
  struct Slot {
    Stub* stub = nullptr;
    std::unique_ptr<grpc::ClientContext> context;
    Response response;
    grpc::Status status;
    std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> reader;
  };
  std::atomic<int> next = 0, failed = 0;
  const absl::Time start = absl::Now();
  std::vector<std::thread> threads;
  // Two threads drive all connections: the machine's cores are for the servers.
  const int connections = absl::GetFlag(FLAGS_connections), per_thread = std::max(1, connections / 2);
  for (int first = 0; first < connections; first += per_thread) {
    threads.emplace_back([&, first] {
      grpc::CompletionQueue queue;
      std::vector<std::unique_ptr<Stub>> stubs;
      for (int c = first; c < std::min(first + per_thread, connections); ++c) stubs.push_back(service(demo::QuickChannel(address)));
      int under_way = 0;
      const auto start_one = [&](Slot* slot) {
        const int i = next++;
        if (i >= count) return;
        slot->context = std::make_unique<grpc::ClientContext>();
        rpc::Prepare(*slot->context, absl::Seconds(60), caller);
        slot->reader = (slot->stub->*begin)(slot->context.get(), request(i), &queue);
        slot->reader->Finish(&slot->response, &slot->status, slot);
        ++under_way;
      };
      std::vector<Slot> slots(stubs.size() * absl::GetFlag(FLAGS_streams));
      for (size_t s = 0; s < slots.size(); ++s) {
        slots[s].stub = stubs[s % stubs.size()].get();
        start_one(&slots[s]);
      }
      void* tag = nullptr;
      bool ok = false;
      while (under_way > 0 && queue.Next(&tag, &ok)) {
        --under_way;
        auto* slot = static_cast<Slot*>(tag);
        if (!slot->status.ok()) {
          if (failed++ == 0) std::cerr << "a request failed: " << slot->status.error_message() << "\n";
        }
        start_one(slot);
      }
      queue.Shutdown();
      while (queue.Next(&tag, &ok)) {
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return {count / absl::ToDoubleSeconds(absl::Now() - start), failed};
}

// h2load with one fixed request; nothing when it is not installed.
std::optional<double> H2load(const std::string& folder, const std::string& address, const std::string& path,
                             const google::protobuf::Message& request) {
  const std::string message = request.SerializeAsString();
  // A gRPC frame: not compressed, then the length, big-endian.
  std::string frame = {0, static_cast<char>(message.size() >> 24), static_cast<char>(message.size() >> 16),
                       static_cast<char>(message.size() >> 8), static_cast<char>(message.size())};
  const std::string body = absl::StrCat(folder, "/body");
  std::ofstream(body, std::ios::binary) << frame << message;
  auto finished =
      demo::Run({"/usr/bin/h2load", "-n", absl::StrCat(absl::GetFlag(FLAGS_reads)), "-c", absl::StrCat(absl::GetFlag(FLAGS_connections)),
                 "-m", absl::StrCat(absl::GetFlag(FLAGS_streams)), "-t", "1", "-d", body, "-H", "content-type: application/grpc", "-H",
                 "te: trailers", "-H", "x-rematch-role: SERVICE", absl::StrCat("http://", address, path)},
                {}, absl::Minutes(5));
  std::smatch found;
  double rate = 0;
  if (!finished.ok() || !std::regex_search(finished->out, found, std::regex(R"(finished in [^,]+, ([0-9.]+) req/s)")) ||
      !absl::SimpleAtod(found[1].str(), &rate)) {
    return std::nullopt;
  }
  return rate;
}

// A consortium of one program, whose candidates have no mentor yet.
absl::Status Import(demo::Suite& suite, int candidates) {
  grpc::ClientContext context;
  rpc::Prepare(context, absl::Minutes(5), {"SERVICE", ""});
  mentor::v1::ImportRosterResponse response;
  auto stream = suite.stub<demo::MentorStub>().ImportRoster(&context, &response);
  mentor::v1::ImportRosterRequest message;
  message.mutable_header()->set_consortium(kConsortium);
  message.mutable_header()->set_display_name("Bench");
  message.mutable_header()->set_request_id("import");
  message.mutable_header()->set_row_count(3 + kMentors + candidates);
  stream->Write(message);
  int line = 0;
  const auto write = [&](auto fill) {
    mentor::v1::ImportRosterRequest row;
    row.mutable_row()->set_file("rows");
    row.mutable_row()->set_line(++line);
    fill(*row.mutable_row());
    stream->Write(row);
  };
  const auto person = [](mentor::v1::Contact* contact, const std::string& who) {
    contact->set_display_name(who);
    contact->set_email(absl::StrCat(who, "@bench.example"));
  };
  write([&](auto& row) {
    row.mutable_district()->set_id("d");
    row.mutable_district()->set_display_name("District");
    person(row.mutable_district()->mutable_representative(), "representative");
  });
  write([&](auto& row) {
    row.mutable_site()->set_id("s");
    row.mutable_site()->set_display_name("Site");
    row.mutable_site()->set_district_id("d");
    person(row.mutable_site()->mutable_administrator(), "administrator");
  });
  write([&](auto& row) {
    row.mutable_program()->set_id("p");
    row.mutable_program()->set_display_name("Program");
    row.mutable_program()->set_time_zone("America/Los_Angeles");
    row.mutable_program()->set_leader_id("leader");
    person(row.mutable_program()->mutable_leader(), "leader");
  });
  for (int i = 0; i < kMentors; ++i) {
    write([&](auto& row) {
      auto& mentor = *row.mutable_mentor();
      mentor.set_id(absl::StrCat("m", i));
      person(mentor.mutable_contact(), absl::StrCat("mentor-", i));
      mentor.set_district_id("d");
      mentor.add_program_ids("p");
      mentor.add_credentials("Single Subject");
      mentor.add_grade_bands("9-12");
      mentor.add_subjects("Mathematics");
      mentor.set_capacity(5);
      mentor.set_years_mentored(2);
    });
  }
  for (int i = 0; i < candidates; ++i) {
    write([&](auto& row) {
      auto& candidate = *row.mutable_candidate();
      candidate.set_id(absl::StrCat("c", i));
      candidate.set_program_id("p");
      candidate.set_site_id("s");
      person(candidate.mutable_contact(), absl::StrCat("candidate-", i));
      candidate.set_credential("Single Subject");
      candidate.set_grade_band("9-12");
      candidate.add_subjects("Mathematics");
      candidate.mutable_enroll_time()->set_seconds(1'756'000'000);
    });
  }
  stream->WritesDone();
  const grpc::Status status = stream->Finish();
  if (!status.ok()) return rpc::FromGrpc(status);
  if (response.errors_size() > 0)
    return absl::InvalidArgumentError(absl::StrCat(response.errors(0).field(), ": ", response.errors(0).description()));
  return absl::OkStatus();
}

absl::Status StartTimes(const demo::SuiteOptions& options, demo::Mariadb* server) {
  std::vector<std::vector<double>> times(demo::kParts.size());
  for (int i = 0; i < kStarts; ++i) {
    demo::SuiteOptions one = options;
    one.work_dir = absl::StrCat(options.work_dir, "/start-", i);
    if (server != nullptr) {
      REMATCH_ASSIGN_OR_RETURN(one.databases, server->Databases(absl::StrCat("start_", i, "_")));
    }
    REMATCH_ASSIGN_OR_RETURN(auto suite, demo::Suite::Start(one));
    for (demo::Part part : demo::kParts) times[static_cast<size_t>(part)].push_back(absl::ToDoubleMilliseconds(suite->start_time(part)));
  }
  std::cout << absl::StrFormat("%-34s %14s %14s\n", "from start to SERVING, new database", "median", "worst");
  for (demo::Part part : demo::kParts) {
    std::vector<double>& all = times[static_cast<size_t>(part)];
    std::sort(all.begin(), all.end());
    std::cout << absl::StrFormat("  %-32s %11.0f ms %11.0f ms\n", demo::NameOf(part), all[all.size() / 2], all.back());
  }
  return absl::OkStatus();
}

absl::Status Rates(demo::Suite& suite, const std::string& folder) {
  const std::string port_file = absl::StrCat(folder, "/echo");
  REMATCH_ASSIGN_OR_RETURN(
      demo::Process process,
      demo::Process::Start({.argv = {std::filesystem::read_symlink("/proc/self/exe").string(), absl::StrCat("--serve_echo=", port_file)},
                            .stdout_path = "/dev/null",
                            .stderr_path = "/dev/null",
                            .stdin_path = "/dev/null",
                            .environment = {}}));
  if (!demo::WaitUntil([&] { return std::filesystem::exists(port_file); }, absl::Seconds(20)))
    return absl::UnavailableError("no echo service");
  const std::string echo_address = absl::StrCat("127.0.0.1:", demo::ReadFile(port_file));
  const int writes = absl::GetFlag(FLAGS_writes);
  REMATCH_RETURN_IF_ERROR(Import(suite, writes));

  mentor::v1::ListMentorsRequest list;
  list.set_parent(kConsortium);
  list.set_page_size(1);
  REMATCH_ASSIGN_OR_RETURN(const auto mentors, suite.Service().Call(&demo::MentorStub::ListMentors, list));
  mentor::v1::GetMentorRequest get;
  get.set_name(mentors.mentors(0).name());
  // h2load takes a gRPC error for a success: the request is known to be right before it is sent many times.
  REMATCH_RETURN_IF_ERROR(suite.Service().Call(&demo::MentorStub::GetMentor, get).status());
  std::vector<std::string> candidates;
  mentor::v1::ListCandidatesRequest page;
  page.set_parent(kProgram);
  page.set_page_size(1000);
  do {
    REMATCH_ASSIGN_OR_RETURN(const auto response, suite.Service().Call(&demo::MentorStub::ListCandidates, page));
    for (const auto& candidate : response.candidates()) candidates.push_back(candidate.name());
    page.set_page_token(response.next_page_token());
  } while (!page.page_token().empty());

  echo::v1::EchoRequest echo;
  echo.set_text(get.name());
  const auto line = [](const std::string& what, const std::optional<double>& rate, int failed = 0) {
    std::cout << absl::StrFormat("  %-32s %14s", what, rate.has_value() ? absl::StrFormat("%.0f", *rate) : "no h2load");
    if (failed > 0) std::cout << "   " << failed << " failed";
    std::cout << "\n" << std::flush;
  };
  std::cout << absl::StrFormat("%-34s %14s\n",
                               absl::StrFormat("requests/s, %d x %d, %s", absl::GetFlag(FLAGS_connections), absl::GetFlag(FLAGS_streams),
                                               absl::GetFlag(FLAGS_store)),
                               "");
  const auto median = [](std::vector<double> all) -> std::optional<double> {
    if (all.empty()) return std::nullopt;
    std::sort(all.begin(), all.end());
    return all[all.size() / 2];
  };
  std::vector<double> bare_reads, reads;
  for (int round = 0; round < kRounds; ++round) {
    const auto bare_rate = H2load(folder, echo_address, "/rematch.echo.v1.EchoService/Echo", echo);
    const auto rate = H2load(folder, suite.address(demo::Part::kMentor), "/rematch.mentor.v1.MentorService/GetMentor", get);
    if (bare_rate.has_value()) bare_reads.push_back(*bare_rate);
    if (rate.has_value()) reads.push_back(*rate);
  }
  line("Echo, bare (h2load)", median(bare_reads));
  line("GetMentor (h2load)", median(reads));
  const Rate bare = Generate<echo::v1::EchoService::Stub, echo::v1::EchoRequest, echo::v1::EchoResponse>(
      echo_address, absl::GetFlag(FLAGS_reads), {"SERVICE", ""}, [](auto channel) { return echo::v1::EchoService::NewStub(channel); },
      &echo::v1::EchoService::Stub::AsyncEcho, [&](int) { return echo; });
  line("Echo, bare (own generator)", bare.per_second, bare.failed);
  const Rate opened = Generate<demo::RequestStub, request::v1::CreateReassignmentRequest, request::v1::Reassignment>(
      suite.address(demo::Part::kRequest), static_cast<int>(candidates.size()),
      {"PROGRAM_LEADER", absl::StrCat(kConsortium, "/leaders/leader")},
      [](auto channel) { return request::v1::ReassignmentService::NewStub(channel); }, &demo::RequestStub::AsyncCreateReassignment,
      [&](int i) {
        request::v1::CreateReassignmentRequest request;
        request.set_parent(kProgram);
        request.set_candidate(candidates[i]);
        request.set_reasons("We do not find times to meet.");
        request.set_request_id(absl::StrCat("open-", i));
        return request;
      });
  line("CreateReassignment (own generator)", opened.per_second, opened.failed);
  return absl::OkStatus();
}

absl::Status Measure(demo::SuiteOptions options) {
  std::unique_ptr<demo::Mariadb> server;  // stops after the suite
  if (absl::GetFlag(FLAGS_store) == "mysql") {
    REMATCH_ASSIGN_OR_RETURN(server, demo::Mariadb::Start(absl::StrCat(absl::GetFlag(FLAGS_source_dir), "/tools/mariadb"),
                                                          absl::StrCat(options.work_dir, "/mariadb")));
  }
  REMATCH_RETURN_IF_ERROR(StartTimes(options, server.get()));
  if (server != nullptr) {
    REMATCH_ASSIGN_OR_RETURN(options.databases, server->Databases());
  }
  REMATCH_ASSIGN_OR_RETURN(const std::unique_ptr<demo::Suite> suite, demo::Suite::Start(options));
  // Idle: loops have run a few rounds and nobody has called.
  absl::SleepFor(absl::Seconds(3));
  std::cout << "idle memory, resident\n";
  for (demo::Part part : demo::kParts) {
    std::cout << absl::StrFormat("  %-32s %11.1f MB\n", demo::NameOf(part), ResidentOf(suite->pid(part)) / 1024.0);
  }
  return Rates(*suite, options.work_dir);
}

int Main() {
  const std::string store = absl::GetFlag(FLAGS_store);
  if (store != "sqlite" && store != "mysql") {
    std::cerr << "rematch-figures: --store is sqlite or mysql\n";
    return 2;
  }
  char folder[] = "/tmp/rematch-figures-XXXXXX";
  if (mkdtemp(folder) == nullptr) return 1;
  const absl::Status status = Measure({.bin_dir = absl::GetFlag(FLAGS_bin_dir),
                                       .work_dir = folder,
                                       .policy = absl::StrCat(absl::GetFlag(FLAGS_source_dir), "/examples/policies/default.textproto"),
                                       .log_level = "warn"});
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  if (!status.ok()) std::cerr << "rematch-figures: " << status.message() << "\n";
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace rematch::figures

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("measures the suite on this machine");
  absl::ParseCommandLine(argc, argv);
  const std::string serve_echo = absl::GetFlag(FLAGS_serve_echo);
  return serve_echo.empty() ? rematch::figures::Main() : rematch::figures::ServeEcho(serve_echo);
}
