// The real suite on loopback: the three binaries as processes of their own, each with its data folder, supervised by the demo, the
// scenario tests and the figures. Over a MySQL server each part may be several processes, its replicas, numbered from 0.
//
//   auto suite = Suite::Start({.bin_dir = bin, .work_dir = work, .policy = "examples/policies/demo.textproto"});
//   Caller leader = (*suite)->As("PROGRAM_LEADER", "consortia/south-bay/leaders/rosa");
//   auto c = leader.Call(&RequestStub::GetReassignment, request);
//   (*suite)->Kill(Part::kNotify);                 // as a power cut would
//   (*suite)->Restart(Part::kNotify);              // same address, same data; of replica 0, if there are several
#ifndef REMATCH_DEMO_SUITE_H_
#define REMATCH_DEMO_SUITE_H_

#include <signal.h>

#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "demo/process.h"
#include "platform/rpc/call.h"
#include "rematch/mentor/v1/service.grpc.pb.h"
#include "rematch/notify/v1/service.grpc.pb.h"
#include "rematch/request/v1/service.grpc.pb.h"

namespace rematch::demo {

using MentorStub = mentor::v1::MentorService::Stub;
using NotifyStub = notify::v1::NotifyService::Stub;
using RequestStub = request::v1::ReassignmentService::Stub;

// In the order in which they are started.
enum class Part { kMentor = 0, kNotify = 1, kRequest = 2 };
inline constexpr std::array<Part, 3> kParts = {Part::kMentor, Part::kNotify, Part::kRequest};

// "mentor-service": the binary, and what its files are called.
std::string NameOf(Part part);
// "rematch.mentor.v1.MentorService".
std::string HealthNameOf(Part part);

struct SuiteOptions {
  std::string bin_dir;
  std::string work_dir;        // made if it is not there; holds databases, mail, logs, port files
  std::string policy;          // a text proto
  std::string transport = {};  // empty: a Maildir below work_dir
  std::string log_level = "info";
  std::map<Part, std::vector<std::string>> flags = {};  // more flags of each
  // Where each part keeps its data, as --database takes it; by default in SQLite below work_dir.
  std::map<Part, std::string> databases = {};
  // Processes of each part. A file of SQLite is one process's own.
  int replicas = 1;
  absl::Duration start_timeout = absl::Seconds(20);
};

// The addresses in a suite file, as `./dev up` writes it: lines like "mentor=127.0.0.1:4001". NOT_FOUND when it does
// not name all three.
absl::StatusOr<std::map<Part, std::string>> ReadSuiteFile(const std::string& path);

// A suite that somebody else runs.
struct SuiteElsewhere {
  std::map<Part, std::string> addresses;  // of each part, as gRPC takes it
  std::string bin_dir;                    // where `rematch` is
  std::string mail_dir;                   // Maildirs by recipient
};

class Suite;

// Somebody who calls. Copyable; must not outlive the suite.
class Caller {
 public:
  Caller(Suite& suite, std::string role, std::string person) : suite_(&suite), caller_{std::move(role), std::move(person)} {}

  // One call, tried again while the service cannot be reached, as the published service config advises. `patience` bounds all tries.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), const Request& request,
                                absl::Duration patience = absl::Seconds(20)) const;

  const std::string& role() const { return caller_.role; }
  const std::string& person() const { return caller_.person; }

 private:
  Suite* suite_;
  rpc::Caller caller_;
};

// Thread-safe.
class Suite {
 public:
  // Starts all processes and waits until each says SERVING. The error says which one did not and its last line.
  static absl::StatusOr<std::unique_ptr<Suite>> Start(SuiteOptions options);
  // Only calls it, from here on; there is no process to be killed or restarted, and no log.
  static std::unique_ptr<Suite> Attach(SuiteElsewhere elsewhere);
  // SIGTERM, then SIGKILL to what has not ended soon after.
  ~Suite();

  Suite(const Suite&) = delete;
  Suite& operator=(const Suite&) = delete;

  Caller As(std::string role, std::string person = "") { return Caller(*this, std::move(role), std::move(person)); }
  Caller Service() { return As("SERVICE"); }

  int replicas() const { return options_.replicas; }

  // SIGKILL; returns when the process is gone.
  void Kill(Part part, int replica = 0);
  // Starts a process that was killed or terminated anew: same address, same data.
  absl::Status Restart(Part part, int replica = 0);
  // SIGTERM; the exit code, or DEADLINE_EXCEEDED.
  absl::StatusOr<int> Terminate(Part part, absl::Duration timeout = absl::Seconds(20), int replica = 0);
  // The two halves of it. A second SIGTERM would end a process before it has drained.
  void SignalTerminate(Part part, int replica = 0) { Signal(part, SIGTERM, replica); }
  absl::StatusOr<int> AwaitEnd(Part part, absl::Duration timeout = absl::Seconds(20), int replica = 0);
  void Signal(Part part, int signal, int replica = 0);

  bool running(Part part, int replica = 0);
  pid_t pid(Part part, int replica = 0);
  // From the start of the process to SERVING, at its latest start.
  absl::Duration start_time(Part part, int replica = 0);
  // Of all replicas, as gRPC takes it, and of one.
  std::string address(Part part) const;
  std::string address(Part part, int replica) const;
  std::string log(Part part, int replica = 0) const;  // what it has written to standard error in all its lives
  absl::StatusOr<std::string> Metrics(Part part, int replica = 0) const;
  // Whether the health service says SERVING, within a second.
  bool Serving(Part part, int replica = 0) const;
  // Balances over all replicas.
  const std::shared_ptr<grpc::Channel>& channel(Part part) const { return channels_[static_cast<size_t>(part)]; }
  const std::shared_ptr<grpc::Channel>& channel(Part part, int replica) const { return slot(part, replica).channel; }

  std::string work_dir() const { return options_.work_dir; }
  std::string bin_dir() const { return options_.bin_dir; }
  std::string mail_dir() const;
  // Runs the command line `rematch` against this suite as `as` ("service", "leader:NAME"); with colors or without.
  absl::StatusOr<Finished> CommandLine(const std::string& as, const std::vector<std::string>& words, bool color = false) const;

  template <typename Stub>
  Stub& stub() const {
    if constexpr (std::is_same_v<Stub, MentorStub>) {
      return *mentor_;
    } else if constexpr (std::is_same_v<Stub, NotifyStub>) {
      return *notify_;
    } else {
      static_assert(std::is_same_v<Stub, RequestStub>);
      return *request_;
    }
  }

 private:
  struct Slot {
    Process process;
    int port = 0;
    int metrics_port = 0;
    absl::Time begun;
    absl::Duration start_time;
    std::shared_ptr<grpc::Channel> channel;
  };

  explicit Suite(SuiteOptions options);
  void Connect();
  absl::Status StartPart(Part part);
  absl::Status StartProcess(Part part, int replica);
  absl::Status AwaitServing(Part part, int replica);
  std::string PathOf(Part part, int replica, std::string_view what) const;
  Slot& slot(Part part, int replica) { return slots_[static_cast<size_t>(part)][static_cast<size_t>(replica)]; }
  const Slot& slot(Part part, int replica) const { return slots_[static_cast<size_t>(part)][static_cast<size_t>(replica)]; }

  const SuiteOptions options_;
  SuiteElsewhere elsewhere_;   // without addresses, unless it is
  mutable absl::Mutex mutex_;  // of the processes; ports and channels are set before anybody else has the suite
  std::array<std::vector<Slot>, 3> slots_;
  std::array<std::shared_ptr<grpc::Channel>, 3> channels_;
  std::unique_ptr<MentorStub> mentor_;
  std::unique_ptr<NotifyStub> notify_;
  std::unique_ptr<RequestStub> request_;
};

// GETs a URL of loopback. UNAVAILABLE when nobody answers.
absl::StatusOr<std::string> HttpGet(const std::string& url);

// A channel whose reconnects are quick, since a service that is restarted comes back within a second. Balances over several addresses.
std::shared_ptr<grpc::Channel> QuickChannel(const std::string& address);

// What grpc.health.v1 calls SERVING and NOT_SERVING.
inline constexpr int kServing = 1, kNotServing = 2;
// A call of the standard health service; an error when it does not answer.
absl::StatusOr<int> HealthOf(const std::shared_ptr<grpc::Channel>& channel, const std::string& service);

namespace internal {
// Prepares one try of a call; whether to try again after `status`, having waited a little.
void PrepareCall(grpc::ClientContext& context, absl::Time end, const rpc::Caller& caller);
bool TryAgain(const grpc::Status& status, absl::Time end);
}  // namespace internal

template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> Caller::Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), const Request& request,
                                      absl::Duration patience) const {
  const absl::Time end = absl::Now() + patience;
  while (true) {
    grpc::ClientContext context;
    internal::PrepareCall(context, end, caller_);
    Response response;
    const grpc::Status status = (suite_->stub<Stub>().*method)(&context, request, &response);
    if (status.ok()) return response;
    if (!internal::TryAgain(status, end)) return rpc::FromGrpc(status);
  }
}

// Reads all pages of a list; `take` is what of a page.
template <typename Item, typename Stub, typename Request, typename Response, typename Take>
absl::StatusOr<std::vector<Item>> All(const Caller& caller, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                      Request request, Take take) {
  std::vector<Item> all;
  request.set_page_size(1000);
  do {
    absl::StatusOr<Response> page = caller.Call(method, request);
    if (!page.ok()) return page.status();
    for (const Item& item : take(*page)) all.push_back(item);
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return all;
}

// The last part of a resource name.
inline std::string IdOf(const std::string& name) { return name.substr(name.rfind('/') + 1); }

}  // namespace rematch::demo

#endif  // REMATCH_DEMO_SUITE_H_
