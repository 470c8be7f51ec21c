// A client of request-service in C++: opens a case for a candidate, watches it, and does the first task that comes up, the leader's
// review of the reasons. It uses gRPC and the generated code alone.
//
//   example_client ADDRESS LEADER CANDIDATE SERVICE_CONFIG
// LEADER and CANDIDATE are resource names, SERVICE_CONFIG is the file beside this one.
#include <grpcpp/grpcpp.h>

#include <array>
#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <random>
#include <sstream>
#include <string>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/error_info.pb.h"
#include "google/rpc/status.pb.h"
#include "rematch/request/v1/service.grpc.pb.h"

namespace {

namespace v1 = rematch::request::v1;

// Every call says who calls and how long it may take: without a deadline a call could wait for ever.
void Prepare(grpc::ClientContext& context, const std::string& leader, std::chrono::seconds timeout = std::chrono::seconds(10)) {
  context.AddMetadata("x-rematch-role", "PROGRAM_LEADER");
  context.AddMetadata("x-rematch-person", leader);
  context.set_deadline(std::chrono::system_clock::now() + timeout);
}

// One id for each thing that is to happen once. A retry sends the same one and gets the first answer.
std::string NewRequestId() {
  std::random_device random;
  std::ostringstream id;
  for (int i = 0; i < 4; ++i) id << std::hex << random();
  return id.str();
}

// The canonical codes by their numbers.
const char* NameOf(grpc::StatusCode code) {
  static constexpr std::array<const char*, 17> kNames = {
      "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
      "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
      "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
      "DATA_LOSS", "UNAUTHENTICATED"};
  return code >= 0 && code < static_cast<int>(kNames.size()) ? kNames[code] : "UNKNOWN";
}

// What went wrong: the code, the reason that programs can rely on, the message for people, and which fields are to blame.
void Explain(const std::string& what, const grpc::Status& status) {
  std::string reason;
  std::string fields;
  google::rpc::Status details;
  if (details.ParseFromString(status.error_details())) {
    for (const auto& detail : details.details()) {
      google::rpc::ErrorInfo info;
      google::rpc::BadRequest bad;
      if (detail.UnpackTo(&info)) reason = " " + info.reason();
      if (detail.UnpackTo(&bad)) {
        for (const auto& violation : bad.field_violations()) fields += "  " + violation.field() + ": " + violation.description() + "\n";
      }
    }
  }
  std::cerr << what << ": " << NameOf(status.error_code()) << reason << ": " << status.error_message() << "\n" << fields;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The case of the candidate that is open already, or "".
std::string FindOpenCase(v1::ReassignmentService::Stub& stub, const std::string& leader, const std::string& program,
                         const std::string& candidate) {
  v1::ListReassignmentsRequest request;
  request.set_parent(program);
  request.set_candidate(candidate);
  request.set_open_only(true);
  v1::ListReassignmentsResponse response;
  grpc::ClientContext context;
  Prepare(context, leader);
  const grpc::Status status = stub.ListReassignments(&context, request, &response);
  if (!status.ok()) Explain("ListReassignments", status);
  return response.reassignments().empty() ? "" : response.reassignments(0).name();
}

std::string OpenCase(v1::ReassignmentService::Stub& stub, const std::string& leader, const std::string& candidate) {
  const std::string program = candidate.substr(0, candidate.find("/candidates/"));
  v1::CreateReassignmentRequest request;
  request.set_parent(program);
  request.set_candidate(candidate);
  request.set_reasons("We never found a time to meet.");
  request.set_request_id(NewRequestId());
  v1::Reassignment opened;
  grpc::ClientContext context;
  Prepare(context, leader);
  const grpc::Status status = stub.CreateReassignment(&context, request, &opened);
  if (status.ok()) return opened.name();
  // A candidate has at most one open case: it will do as well.
  if (status.error_code() == grpc::StatusCode::FAILED_PRECONDITION) return FindOpenCase(stub, leader, program, candidate);
  Explain("CreateReassignment", status);
  return "";
}

// Goes on with the search if the review of the reasons is what waits. False when that failed.
bool ReviewIfAsked(v1::ReassignmentService::Stub& stub, const std::string& leader, const std::string& name) {
  v1::ListTasksRequest list;
  list.set_parent(name);
  list.set_open_only(true);
  v1::ListTasksResponse tasks;
  grpc::ClientContext list_context;
  Prepare(list_context, leader);
  if (const grpc::Status status = stub.ListTasks(&list_context, list, &tasks); !status.ok()) {
    Explain("ListTasks", status);
    return false;
  }
  for (const v1::Task& task : tasks.tasks()) {
    if (task.kind() != v1::REVIEW_REASONS) continue;
    v1::ReviewReassignmentRequest review;
    review.set_name(name);
    review.set_decision(v1::ReviewReassignmentRequest::PROCEED);
    review.set_request_id(NewRequestId());
    v1::Reassignment reviewed;
    grpc::ClientContext context;
    Prepare(context, leader);
    if (const grpc::Status status = stub.ReviewReassignment(&context, review, &reviewed); !status.ok()) {
      Explain("ReviewReassignment", status);
      return false;
    }
    std::cout << "reviewed: go on" << std::endl;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: example_client ADDRESS LEADER CANDIDATE SERVICE_CONFIG\n";
    return 2;
  }
  const std::string leader = argv[2];
  grpc::ChannelArguments arguments;
  // Retries UNAVAILABLE and nothing else, which request ids make harmless.
  arguments.SetServiceConfigJSON(ReadFile(argv[4]));
  const auto stub = v1::ReassignmentService::NewStub(grpc::CreateCustomChannel(argv[1], grpc::InsecureChannelCredentials(), arguments));

  const std::string name = OpenCase(*stub, leader, argv[3]);
  if (name.empty()) return 1;
  std::cout << "case " << name << std::endl;

  // The first message is the case as it is now, every other a change.
  v1::WatchReassignmentRequest watch;
  watch.set_name(name);
  grpc::ClientContext context;
  Prepare(context, leader, std::chrono::seconds(30));
  const auto reader = stub->WatchReassignment(&context, watch);
  v1::Reassignment now;
  bool searching = false;
  while (!searching && reader->Read(&now)) {
    std::cout << v1::CaseState_Name(now.state()) << ", " << now.open_tasks() << " open tasks" << std::endl;
    searching = now.state() != v1::REVIEW;
    if (!searching && now.open_tasks() > 0 && !ReviewIfAsked(*stub, leader, name)) break;
  }
  // Somebody who has seen enough cancels; a server that ends its connection says UNAVAILABLE, and one would watch again.
  if (searching) context.TryCancel();
  const grpc::Status status = reader->Finish();
  if (!searching) Explain("WatchReassignment", status);
  return searching ? 0 : 1;
}
