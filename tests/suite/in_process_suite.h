// The three services in one process, on stores of their own, talking over loopback: what a test of the whole suite needs when the
// processes themselves do not matter.
#ifndef REMATCH_TESTS_SUITE_IN_PROCESS_SUITE_H_
#define REMATCH_TESTS_SUITE_IN_PROCESS_SUITE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <google/protobuf/descriptor.h>
#include <grpcpp/grpcpp.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/rpc/call.h"
#include "platform/rpc/channel.h"
#include "platform/rpc/server.h"
#include "platform/sql/database.h"
#include "rematch/mentor/v1/service.grpc.pb.h"
#include "rematch/notify/v1/service.grpc.pb.h"
#include "rematch/request/v1/service.grpc.pb.h"
#include "tests/store.h"

namespace rematch::suite {

inline constexpr absl::Duration kTimeout = absl::Seconds(10);
inline const rpc::Caller kService = {"SERVICE", ""};
// Leads program alpha.
inline const rpc::Caller kLea = {"PROGRAM_LEADER", "consortia/c1/leaders/lea"};

// One unary call as `caller`, over gRPC.
template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> Call(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                              const rpc::Caller& caller, const Request& request) {
  grpc::ClientContext context;
  rpc::Prepare(context, kTimeout, caller);
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (!status.ok()) return rpc::FromGrpc(status);
  return response;
}

struct RawResult {
  grpc::Status status;
  std::vector<std::string> responses;
};

// What a service gets in place of its store; must outlive the suite.
using WrapStore = std::function<sql::Database&(const std::string& service, sql::Database& store)>;

class InProcessSuite {
 public:
  explicit InProcessSuite(WrapStore wrap_store = nullptr);
  ~InProcessSuite();

  absl::Status Start();
  // Ends calls and loops; the stores stay open.
  void Drain();

  // Two programs of consortium c1: `alpha` (leader lea, mentors mia and max, candidate ann, whose mentor is mia) and `beta` (leader lena,
  // mentor ben, candidate bob).
  absl::Status ImportTwoPrograms(const std::string& request_id = "import");

  // Opens a case with these reasons, lets it begin and waits until the first mentor has been asked. Returns the names of all that is there,
  // by kind.
  absl::StatusOr<std::map<std::string, std::string>> OpenCase(const std::string& program, const std::string& candidate_email,
                                                              const std::string& reasons);

  // Calls a method by its descriptor; a stream is read to its end, for at most a second.
  RawResult CallRaw(const google::protobuf::MethodDescriptor& method, const rpc::Caller& caller, const std::string& request);

  // The case, its offers, tasks and people as the service role sees them, as text.
  std::string Fingerprint(const std::string& name);

  mentor::v1::MentorService::Stub& mentor() { return *mentor_; }
  request::v1::ReassignmentService::Stub& request() { return *request_; }
  notify::v1::NotifyService::Stub& notify() { return *notify_; }

 private:
  // `environment` over the wrapped store.
  rpc::ServerEnvironment& Over(const std::string& service, rpc::ServerEnvironment& environment);

  const std::string folder_;
  const WrapStore wrap_store_;
  std::vector<std::unique_ptr<rpc::ServerEnvironment>> environments_;
  const testing::TestStore mentor_store_;
  const testing::TestStore notify_store_;
  const testing::TestStore request_store_;
  std::unique_ptr<rpc::Server> mentor_server_;
  std::unique_ptr<rpc::Server> notify_server_;
  std::unique_ptr<rpc::Server> request_server_;
  std::map<std::string, std::shared_ptr<grpc::Channel>> channels_;  // by the service's full name
  std::unique_ptr<mentor::v1::MentorService::Stub> mentor_;
  std::unique_ptr<request::v1::ReassignmentService::Stub> request_;
  std::unique_ptr<notify::v1::NotifyService::Stub> notify_;
};

}  // namespace rematch::suite

#endif  // REMATCH_TESTS_SUITE_IN_PROCESS_SUITE_H_
