// mentor-service in this process, over gRPC on a port and a store of its own: for tests of it and of who calls it.
//
//   MentorHarness harness;
//   auto mentor = harness.Call(&MentorHarness::Stub::GetMentor, request);                // as SERVICE
//   auto answer = harness.Import("consortia/c1", "One", rows);
#ifndef REMATCH_TESTS_MENTOR_MENTOR_HARNESS_H_
#define REMATCH_TESTS_MENTOR_MENTOR_HARNESS_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "access/access.h"
#include "mentor-service/mentor_service.h"
#include "platform/rpc/channel.h"
#include "platform/rpc/server.h"
#include "rematch/mentor/v1/service.grpc.pb.h"
#include "tests/store.h"

namespace rematch::mentor {

class MentorHarness {
 public:
  using Stub = v1::MentorService::Stub;

  MentorHarness() {
    rpc::ServerOptions options;
    options.database = store_.url();
    options.drain_timeout = absl::Seconds(5);
    auto server = rpc::Server::Start(options, {.name = "mentor-service", .migrations = MentorMigrations()},
                                     [](rpc::ServerEnvironment& env) { return MakeService(env); });
    if (!server.ok()) {
      ADD_FAILURE() << server.status();
      return;
    }
    server_ = *std::move(server);
    stub_ = v1::MentorService::NewStub(rpc::MakeChannel(address()));
  }

  std::string address() const { return absl::StrCat("127.0.0.1:", server_->port()); }
  Stub& stub() { return *stub_; }
  rpc::Server& server() { return *server_; }

  static rpc::Caller Service() { return {.role = std::string(access::kService), .person = ""}; }
  static rpc::Caller Leader(const std::string& person) { return {.role = std::string(access::kProgramLeader), .person = person}; }

  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), const Request& request,
                                const rpc::Caller& caller = Service()) {
    grpc::ClientContext context;
    rpc::Prepare(context, absl::Seconds(20), caller);
    Response response;
    const grpc::Status status = ((*stub_).*method)(&context, request, &response);
    if (!status.ok()) return rpc::FromGrpc(status);
    return response;
  }

  // Sends these messages as one import stream.
  absl::StatusOr<v1::ImportRosterResponse> Stream(const std::vector<v1::ImportRosterRequest>& messages,
                                                  const rpc::Caller& caller = Service()) {
    grpc::ClientContext context;
    rpc::Prepare(context, absl::Seconds(20), caller);
    v1::ImportRosterResponse response;
    auto stream = stub_->ImportRoster(&context, &response);
    for (const auto& message : messages) {
      if (!stream->Write(message)) break;
    }
    stream->WritesDone();
    const grpc::Status status = stream->Finish();
    if (!status.ok()) return rpc::FromGrpc(status);
    return response;
  }
  absl::StatusOr<v1::ImportRosterResponse> Import(const std::string& consortium, const std::string& display_name,
                                                  const std::vector<v1::ImportRosterRequest::Row>& rows,
                                                  const std::string& request_id = "import") {
    std::vector<v1::ImportRosterRequest> messages(1);
    auto* header = messages[0].mutable_header();
    header->set_consortium(consortium);
    header->set_display_name(display_name);
    header->set_request_id(request_id);
    header->set_row_count(static_cast<int>(rows.size()));
    for (const auto& row : rows) *messages.emplace_back().mutable_row() = row;
    return Stream(messages);
  }

 private:
  const testing::TestStore store_{MentorMigrations()};
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<Stub> stub_;
};

}  // namespace rematch::mentor

#endif  // REMATCH_TESTS_MENTOR_MENTOR_HARNESS_H_
