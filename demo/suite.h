// The real suite on loopback: the three binaries as processes of their own, each with its data folder, supervised by the demo, the
// scenario tests and the figures.
//
//   auto suite = Suite::Start({.bin_dir = bin, .work_dir = work, .policy = "examples/policies/demo.textproto"});
//   Caller leader = (*suite)->As("PROGRAM_LEADER", "consortia/south-bay/leaders/rosa");
//   auto c = leader.Call(&RequestStub::GetReassignment, request);
//   (*suite)->Kill(Part::kNotify);                 // as a power cut would
//   (*suite)->Restart(Part::kNotify);              // same address, same data
#ifndef REMATCH_DEMO_SUITE_H_
#define REMATCH_DEMO_SUITE_H_

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
  absl::Duration start_timeout = absl::Seconds(20);
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
  // Starts all three and waits until each says SERVING. The error says which one did not and its last line.
  static absl::StatusOr<std::unique_ptr<Suite>> Start(SuiteOptions options);
  // SIGTERM, then SIGKILL to what has not ended soon after.
  ~Suite();

  Suite(const Suite&) = delete;
  Suite& operator=(const Suite&) = delete;

  Caller As(std::string role, std::string person = "") { return Caller(*this, std::move(role), std::move(person)); }
  Caller Service() { return As("SERVICE"); }

  // SIGKILL; returns when the process is gone.
  void Kill(Part part);
  // Starts a part that was killed or terminated anew: same address, same data.
  absl::Status Restart(Part part);
  // SIGTERM; the exit code, or DEADLINE_EXCEEDED.
  absl::StatusOr<int> Terminate(Part part, absl::Duration timeout = absl::Seconds(20));
  // The two halves of it. A second SIGTERM would end a part before it has drained.
  void SignalTerminate(Part part);
  absl::StatusOr<int> AwaitEnd(Part part, absl::Duration timeout = absl::Seconds(20));

  bool running(Part part);
  pid_t pid(Part part);
  // From the start of the process to SERVING, at its latest start.
  absl::Duration start_time(Part part);
  std::string address(Part part) const;
  std::string log(Part part) const;  // what it has written to standard error in all its lives
  absl::StatusOr<std::string> Metrics(Part part) const;
  // Whether the health service says SERVING, within a second.
  bool Serving(Part part) const;
  std::shared_ptr<grpc::Channel> channel(Part part) const;

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
    absl::Duration start_time;
    std::shared_ptr<grpc::Channel> channel;
  };

  explicit Suite(SuiteOptions options) : options_(std::move(options)) {}
  absl::Status StartPart(Part part);
  std::string PathOf(Part part, std::string_view what) const;
  Slot& slot(Part part) { return slots_[static_cast<size_t>(part)]; }
  const Slot& slot(Part part) const { return slots_[static_cast<size_t>(part)]; }

  const SuiteOptions options_;
  mutable absl::Mutex mutex_;  // of the processes; ports and channels are set before anybody else has the suite
  std::array<Slot, 3> slots_;
  std::unique_ptr<MentorStub> mentor_;
  std::unique_ptr<NotifyStub> notify_;
  std::unique_ptr<RequestStub> request_;
};

// GETs a URL of loopback. UNAVAILABLE when nobody answers.
absl::StatusOr<std::string> HttpGet(const std::string& url);

// A channel whose reconnects are quick, since a service that is restarted comes back within a second.
std::shared_ptr<grpc::Channel> QuickChannel(const std::string& address);

// A call of the standard health service: 1 is SERVING, 2 NOT_SERVING; an error when it does not answer.
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

}  // namespace rematch::demo

#endif  // REMATCH_DEMO_SUITE_H_
