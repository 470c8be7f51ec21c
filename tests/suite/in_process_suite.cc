#include "tests/suite/in_process_suite.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/proto_buffer_writer.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "mentor-service/mentor_service.h"
#include "notify-service/notify_service.h"
#include "notify-service/transport/transport.h"
#include "request-service/domain/policy.h"
#include "request-service/loops/grpc_peers.h"
#include "request-service/request_service.h"

namespace rematch::suite {
namespace {

std::string MakeFolder() {
  std::string pattern = absl::StrCat(std::filesystem::temp_directory_path().string(), "/rematch-suite-XXXXXX");
  const char* made = mkdtemp(pattern.data());
  return made == nullptr ? "" : made;
}

absl::StatusOr<request::v1::EscalationPolicy> DefaultPolicy() {
  std::ifstream file(absl::StrCat(REMATCH_SOURCE_DIR, "/examples/policies/default.textproto"));
  return request::ParsePolicy(std::string(std::istreambuf_iterator<char>(file), {}));
}

mentor::v1::Contact Contact(const std::string& name, const std::string& email, const std::string& phone) {
  mentor::v1::Contact contact;
  contact.set_display_name(name);
  contact.set_email(email);
  contact.set_phone(phone);
  return contact;
}

}  // namespace

InProcessSuite::InProcessSuite(WrapStore wrap_store)
    : folder_(MakeFolder()),
      wrap_store_(std::move(wrap_store)),
      mentor_store_(mentor::MentorMigrations()),
      notify_store_(notify::NotifyMigrations()),
      request_store_(request::RequestMigrations()) {}

rpc::ServerEnvironment& InProcessSuite::Over(const std::string& service, rpc::ServerEnvironment& environment) {
  if (!wrap_store_) return environment;
  environments_.push_back(std::make_unique<rpc::ServerEnvironment>(
      rpc::ServerEnvironment{wrap_store_(service, environment.database), environment.clock, environment.random, environment.ids,
                             environment.blocking, environment.metrics, environment.replica}));
  return *environments_.back();
}

void InProcessSuite::Drain() {
  // The caller of the other two goes first.
  for (rpc::Server* server : {request_server_.get(), notify_server_.get(), mentor_server_.get()}) {
    if (server != nullptr) server->Drain();
  }
}

InProcessSuite::~InProcessSuite() {
  Drain();
  request_server_.reset();
  notify_server_.reset();
  mentor_server_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

absl::Status InProcessSuite::Start() {
  rpc::ServerOptions options;
  options.drain_timeout = absl::Seconds(5);
  options.database = mentor_store_.url();
  auto mentor_server = rpc::Server::Start(options, {.name = "mentor-service", .migrations = mentor::MentorMigrations()},
                                          [this](rpc::ServerEnvironment& env) { return mentor::MakeService(Over("mentor-service", env)); });
  REMATCH_RETURN_IF_ERROR(mentor_server.status());
  mentor_server_ = *std::move(mentor_server);

  options.database = notify_store_.url();
  auto notify_server = rpc::Server::Start(
      options, {.name = "notify-service", .migrations = notify::NotifyMigrations()},
      [this](rpc::ServerEnvironment& env) -> absl::StatusOr<std::unique_ptr<rpc::Service>> {
        REMATCH_ASSIGN_OR_RETURN(auto transport, notify::MakeTransport({.transport = absl::StrCat("maildir:", folder_, "/mail")}));
        return notify::MakeService(Over("notify-service", env), {}, std::move(transport));
      });
  REMATCH_RETURN_IF_ERROR(notify_server.status());
  notify_server_ = *std::move(notify_server);

  const std::string mentor_address = absl::StrCat("127.0.0.1:", mentor_server_->port());
  const std::string notify_address = absl::StrCat("127.0.0.1:", notify_server_->port());
  options.database = request_store_.url();
  auto request_server = rpc::Server::Start(
      options, {.name = "request-service", .migrations = request::RequestMigrations()},
      [&](rpc::ServerEnvironment& env) -> absl::StatusOr<std::unique_ptr<rpc::Service>> {
        REMATCH_ASSIGN_OR_RETURN(request::v1::EscalationPolicy policy, DefaultPolicy());
        request::RequestOptions service_options;
        service_options.policy = std::move(policy);
        REMATCH_ASSIGN_OR_RETURN(
            auto service,
            request::RequestService::Make(Over("request-service", env), request::MakeMentorPeer(rpc::MakeChannel(mentor_address), kTimeout),
                                          request::MakeNotifyPeer(rpc::MakeChannel(notify_address), kTimeout), service_options));
        return std::unique_ptr<rpc::Service>(std::move(service));
      });
  REMATCH_RETURN_IF_ERROR(request_server.status());
  request_server_ = *std::move(request_server);

  const auto connect = [this](const std::string& service, int port) {
    return channels_[service] = rpc::MakeChannel(absl::StrCat("127.0.0.1:", port));
  };
  mentor_ = mentor::v1::MentorService::NewStub(connect("rematch.mentor.v1.MentorService", mentor_server_->port()));
  notify_ = notify::v1::NotifyService::NewStub(connect("rematch.notify.v1.NotifyService", notify_server_->port()));
  request_ = request::v1::ReassignmentService::NewStub(connect("rematch.request.v1.ReassignmentService", request_server_->port()));
  return absl::OkStatus();
}

absl::Status InProcessSuite::ImportTwoPrograms(const std::string& request_id) {
  using Import = mentor::v1::ImportRosterRequest;
  std::vector<Import> messages;
  const auto row = [&]() -> Import::Row& {
    Import::Row& added = *messages.emplace_back().mutable_row();
    added.set_file("test.csv");
    added.set_line(static_cast<int>(messages.size()));
    return added;
  };
  Import::DistrictRow& district = *row().mutable_district();
  district.set_id("d1");
  district.set_display_name("District One");
  *district.mutable_representative() = Contact("Dora Dell", "dora@a.example", "+1 310 555 0009");
  Import::SiteRow& site = *row().mutable_site();
  site.set_id("s1");
  site.set_display_name("Site One");
  site.set_district_id("d1");
  *site.mutable_administrator() = Contact("Sam Sand", "sam@a.example", "+1 310 555 0008");
  for (const auto& [id, leader, email] :
       std::vector<std::array<std::string, 3>>{{"alpha", "lea", "lea@a.example"}, {"beta", "lena", "lena@a.example"}}) {
    Import::ProgramRow& program = *row().mutable_program();
    program.set_id(id);
    program.set_display_name(absl::StrCat("Program ", id));
    program.set_time_zone("America/Los_Angeles");
    program.set_leader_id(leader);
    *program.mutable_leader() = Contact(leader, email, "");
  }
  for (const auto& [id, program, name] :
       std::vector<std::array<std::string, 3>>{{"mia", "alpha", "Mia Moss"}, {"max", "alpha", "Max Marsh"}, {"ben", "beta", "Ben Birch"}}) {
    Import::MentorRow& mentor = *row().mutable_mentor();
    mentor.set_id(id);
    *mentor.mutable_contact() = Contact(name, absl::StrCat(id, "@a.example"), "+1 310 555 0002");
    mentor.set_district_id("d1");
    mentor.add_program_ids(program);
    mentor.add_credentials("Single Subject");
    mentor.add_grade_bands("9-12");
    mentor.add_subjects("Mathematics");
    mentor.set_capacity(2);
    mentor.set_years_mentored(3);
  }
  for (const auto& [id, program, mentor, name] :
       std::vector<std::array<std::string, 4>>{{"ann", "alpha", "mia", "Ann Archer"}, {"bob", "beta", "ben", "Bob Bailey"}}) {
    Import::CandidateRow& candidate = *row().mutable_candidate();
    candidate.set_id(id);
    candidate.set_program_id(program);
    *candidate.mutable_contact() = Contact(name, absl::StrCat(id, "@a.example"), "+1 310 555 0001");
    candidate.set_site_id("s1");
    candidate.set_credential("Single Subject");
    candidate.set_grade_band("9-12");
    candidate.add_subjects("Mathematics");
    candidate.mutable_enroll_time()->set_seconds(1'750'000'000);
    candidate.set_mentor_id(mentor);
  }
  Import head;
  head.mutable_header()->set_consortium("consortia/c1");
  head.mutable_header()->set_display_name("Consortium One");
  head.mutable_header()->set_request_id(request_id);
  head.mutable_header()->set_row_count(static_cast<int>(messages.size()));

  grpc::ClientContext context;
  rpc::Prepare(context, kTimeout, kService);
  mentor::v1::ImportRosterResponse response;
  auto stream = mentor_->ImportRoster(&context, &response);
  stream->Write(head);
  for (const Import& message : messages) stream->Write(message);
  stream->WritesDone();
  const grpc::Status status = stream->Finish();
  if (!status.ok()) return rpc::FromGrpc(status);
  if (response.errors_size() > 0) return absl::InternalError(response.ShortDebugString());
  return absl::OkStatus();
}

absl::StatusOr<std::map<std::string, std::string>> InProcessSuite::OpenCase(const std::string& program, const std::string& candidate_email,
                                                                            const std::string& reasons) {
  std::map<std::string, std::string> names = {
      {"consortium", "consortia/c1"}, {"program", program}, {"other program", "consortia/c1/programs/beta"}};
  using MentorStub = mentor::v1::MentorService::Stub;
  using RequestStub = request::v1::ReassignmentService::Stub;
  for (const std::string& of : {program, names["other program"]}) {
    mentor::v1::ListCandidatesRequest list;
    list.set_parent(of);
    REMATCH_ASSIGN_OR_RETURN(auto candidates, Call(*mentor_, &MentorStub::ListCandidates, kService, list));
    for (const auto& candidate : candidates.candidates()) {
      const bool asked_for = candidate.contact().email() == candidate_email;
      names[asked_for ? "candidate" : "other candidate"] = candidate.name();
      names[asked_for ? "mentor" : "other mentor"] = candidate.mentor();
      if (asked_for) names["site"] = candidate.site();
    }
  }
  mentor::v1::GetSiteRequest get_site;
  get_site.set_name(names["site"]);
  REMATCH_ASSIGN_OR_RETURN(auto site, Call(*mentor_, &MentorStub::GetSite, kService, get_site));
  names["district"] = site.district();

  request::v1::CreateReassignmentRequest create;
  create.set_parent(program);
  create.set_candidate(names["candidate"]);
  create.set_reasons(reasons);
  create.set_request_id("open");
  REMATCH_ASSIGN_OR_RETURN(auto c, Call(*request_, &RequestStub::CreateReassignment, kLea, create));
  names["case"] = c.name();
  names["policy"] = c.policy();

  request::v1::ReviewReassignmentRequest review;
  review.set_name(c.name());
  review.set_decision(request::v1::ReviewReassignmentRequest::PROCEED);
  review.set_request_id("review");
  REMATCH_RETURN_IF_ERROR(Call(*request_, &RequestStub::ReviewReassignment, kLea, review).status());
  request::v1::RecommendPersonRequest recommend;
  recommend.set_parent(c.name());
  *recommend.mutable_contact() = Contact("Pia Park", "pia@a.example", "");
  recommend.set_request_id("recommend");
  REMATCH_ASSIGN_OR_RETURN(auto person, Call(*request_, &RequestStub::RecommendPerson, kLea, recommend));
  names["person"] = person.name();

  request::v1::ListTasksRequest tasks;
  tasks.set_parent(c.name());
  REMATCH_ASSIGN_OR_RETURN(auto listed, Call(*request_, &RequestStub::ListTasks, kLea, tasks));
  if (listed.tasks().empty()) return absl::InternalError("a case under way has tasks");
  names["task"] = listed.tasks(0).name();

  const absl::Time until = absl::Now() + kTimeout;
  while (absl::Now() < until) {
    request::v1::ListOffersRequest list;
    list.set_parent(c.name());
    REMATCH_ASSIGN_OR_RETURN(auto offers, Call(*request_, &RequestStub::ListOffers, kLea, list));
    if (!offers.offers().empty() && offers.offers(0).state() == request::v1::OPEN) {
      names["offer"] = offers.offers(0).name();
      names["seat"] = offers.offers(0).seat();
      notify::v1::ListNotificationsRequest mail;
      mail.set_parent("consortia/c1");
      using NotifyStub = notify::v1::NotifyService::Stub;
      REMATCH_ASSIGN_OR_RETURN(auto sent, Call(*notify_, &NotifyStub::ListNotifications, kService, mail));
      if (sent.notifications().empty()) return absl::InternalError("whoever was asked has a message");
      names["notification"] = sent.notifications(0).name();
      names["template version"] = "consortia/c1/programs/alpha/templates/closing_note/versions/1";
      return names;
    }
  }
  return absl::DeadlineExceededError("nobody was asked");
}

RawResult InProcessSuite::CallRaw(const google::protobuf::MethodDescriptor& method, const rpc::Caller& caller, const std::string& request) {
  RawResult result;
  const std::string path = absl::StrCat("/", method.service()->full_name(), "/", method.name());
  grpc::GenericStub stub(channels_.at(method.service()->full_name()));
  grpc::ClientContext context;
  rpc::Prepare(context, method.server_streaming() ? absl::Seconds(1) : kTimeout, caller);
  grpc::CompletionQueue queue;
  void* tag = nullptr;
  bool ok = false;
  const auto next = [&] { return queue.Next(&tag, &ok) && ok; };

  const grpc::Slice slice(request);
  const grpc::ByteBuffer sent(&slice, 1);
  auto call = stub.PrepareCall(&context, path, &queue);
  call->StartCall(nullptr);
  bool alive = next();
  if (alive) {
    call->WriteLast(sent, grpc::WriteOptions(), nullptr);
    alive = next();
  }
  while (alive) {
    grpc::ByteBuffer received;
    call->Read(&received, nullptr);
    alive = next();
    if (!alive) break;
    std::vector<grpc::Slice> slices;
    received.Dump(&slices);
    std::string bytes;
    for (const grpc::Slice& part : slices) bytes.append(reinterpret_cast<const char*>(part.begin()), part.size());
    result.responses.push_back(std::move(bytes));
  }
  call->Finish(&result.status, nullptr);
  next();
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
  return result;
}

std::string InProcessSuite::Fingerprint(const std::string& name) {
  using RequestStub = request::v1::ReassignmentService::Stub;
  std::string text;
  request::v1::GetReassignmentRequest get;
  get.set_name(name);
  if (auto c = Call(*request_, &RequestStub::GetReassignment, kLea, get); c.ok()) text += c->ShortDebugString();
  request::v1::ListOffersRequest offers;
  offers.set_parent(name);
  if (auto listed = Call(*request_, &RequestStub::ListOffers, kLea, offers); listed.ok()) text += listed->ShortDebugString();
  request::v1::ListTasksRequest tasks;
  tasks.set_parent(name);
  if (auto listed = Call(*request_, &RequestStub::ListTasks, kLea, tasks); listed.ok()) text += listed->ShortDebugString();
  request::v1::ListPeopleRequest people;
  people.set_parent(name);
  if (auto listed = Call(*request_, &RequestStub::ListPeople, kLea, people); listed.ok()) text += listed->ShortDebugString();
  return text;
}

}  // namespace rematch::suite
