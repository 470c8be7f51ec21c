// Three services in this process that answer what a test puts into them and remember what they were asked.
#ifndef REMATCH_TESTS_CLI_FAKE_SUITE_H_
#define REMATCH_TESTS_CLI_FAKE_SUITE_H_

#include <grpcpp/grpcpp.h>

#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "cli/app.h"
#include "platform/clock.h"
#include "platform/ids.h"
#include "platform/rpc/call.h"
#include "rematch/mentor/v1/service.grpc.pb.h"
#include "rematch/notify/v1/service.grpc.pb.h"
#include "rematch/request/v1/service.grpc.pb.h"
#include "tests/cli/sample.h"

namespace rematch::cli {

// What the three fakes share: requests by method, errors to give, who called.
class Records {
 public:
  grpc::Status Seen(grpc::ServerContext* context, const std::string& method, const google::protobuf::Message& request) {
    const absl::MutexLock lock(&mutex_);
    requests_[method].push_back(request.ShortDebugString());
    const auto role = context->client_metadata().find(rpc::kRoleKey);
    if (role != context->client_metadata().end()) role_ = std::string(role->second.data(), role->second.size());
    const auto person = context->client_metadata().find(rpc::kPersonKey);
    if (person != context->client_metadata().end()) person_ = std::string(person->second.data(), person->second.size());
    const auto error = errors_.find(method);
    return error == errors_.end() ? grpc::Status::OK : rpc::ToGrpc(error->second);
  }
  // The requests of a method, as protobuf text.
  std::vector<std::string> Of(const std::string& method) {
    const absl::MutexLock lock(&mutex_);
    return requests_[method];
  }
  void Fail(const std::string& method, absl::Status status) {
    const absl::MutexLock lock(&mutex_);
    errors_[method] = std::move(status);
  }
  std::string role() {
    const absl::MutexLock lock(&mutex_);
    return role_;
  }
  std::string person() {
    const absl::MutexLock lock(&mutex_);
    return person_;
  }

 private:
  absl::Mutex mutex_;
  std::map<std::string, std::vector<std::string>> requests_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, absl::Status> errors_ ABSL_GUARDED_BY(mutex_);
  std::string role_ ABSL_GUARDED_BY(mutex_);
  std::string person_ ABSL_GUARDED_BY(mutex_);
};

// One unary method: remembers the request, answers with `answer`.
// NOLINTBEGIN(bugprone-macro-parentheses): Response is a type.
#define REMATCH_FAKE(Method, Response, answer)                                                                     \
  grpc::Status Method(grpc::ServerContext* context, const Method##Request* request, Response* response) override { \
    if (grpc::Status status = records.Seen(context, #Method, *request); !status.ok()) return status;               \
    *response = (answer);                                                                                          \
    return grpc::Status::OK;                                                                                       \
  }
// NOLINTEND(bugprone-macro-parentheses)

namespace fake_mentor {
using namespace rematch::mentor::v1;  // NOLINT: names of requests in the macro

struct Service final : MentorService::Service {
  Records records;
  ListProgramsResponse programs;
  ListSitesResponse sites;
  ListDistrictsResponse districts;
  ListMentorsResponse mentors;
  ListCandidatesResponse candidates;
  ImportRosterResponse import;
  std::vector<ImportRosterRequest> imported;

  REMATCH_FAKE(ListPrograms, ListProgramsResponse, programs)
  REMATCH_FAKE(GetProgram, Program, programs.programs(0))
  REMATCH_FAKE(ListSites, ListSitesResponse, sites)
  REMATCH_FAKE(ListDistricts, ListDistrictsResponse, districts)
  REMATCH_FAKE(UpdateDistrict, District, request->district())
  REMATCH_FAKE(GetMentor, Mentor, mentors.mentors(0))
  REMATCH_FAKE(GetCandidate, Candidate, candidates.candidates(0))
  REMATCH_FAKE(ListCandidates, ListCandidatesResponse, candidates)
  REMATCH_FAKE(RetireMentor, Mentor, mentors.mentors(0))
  REMATCH_FAKE(UnenrollCandidate, Candidate, candidates.candidates(0))
  REMATCH_FAKE(AddDoNotPair, Candidate, candidates.candidates(0))
  REMATCH_FAKE(RemoveDoNotPair, Candidate, candidates.candidates(0))
  REMATCH_FAKE(AssignMentor, Assignment, Assignment())
  REMATCH_FAKE(EndAssignment, Assignment, Assignment())

  // What follows from a changed program, in the other services.
  std::function<void(const UpdateProgramRequest&)> follows;
  grpc::Status UpdateProgram(grpc::ServerContext* context, const UpdateProgramRequest* request, Program* response) override {
    if (grpc::Status status = records.Seen(context, "UpdateProgram", *request); !status.ok()) return status;
    *programs.mutable_programs(0)->mutable_calendar() = request->program().calendar();
    programs.mutable_programs(0)->set_etag("after");
    if (follows) follows(*request);
    *response = programs.programs(0);
    return grpc::Status::OK;
  }

  // One mentor a page: whoever reads only the first page misses the others.
  grpc::Status ListMentors(grpc::ServerContext* context, const ListMentorsRequest* request, ListMentorsResponse* response) override {
    if (grpc::Status status = records.Seen(context, "ListMentors", *request); !status.ok()) return status;
    const int page = request->page_token().empty() ? 0 : std::stoi(request->page_token());
    if (page < mentors.mentors_size()) *response->add_mentors() = mentors.mentors(page);
    if (page + 1 < mentors.mentors_size()) response->set_next_page_token(std::to_string(page + 1));
    return grpc::Status::OK;
  }
  grpc::Status ImportRoster(grpc::ServerContext* context, grpc::ServerReader<ImportRosterRequest>* reader,
                            ImportRosterResponse* response) override {
    ImportRosterRequest message;
    while (reader->Read(&message)) imported.push_back(message);
    if (imported.empty()) return {grpc::StatusCode::INVALID_ARGUMENT, "no header"};
    if (grpc::Status status = records.Seen(context, "ImportRoster", imported.front()); !status.ok()) return status;
    *response = import;
    return grpc::Status::OK;
  }
};
}  // namespace fake_mentor

namespace fake_request {
using namespace rematch::request::v1;  // NOLINT: names of requests in the macro

struct Service final : ReassignmentService::Service {
  Records records;
  CaseHistory history;
  ListReassignmentsResponse cases;
  ListPeopleResponse people;
  PreviewEscalationResponse preview;
  VerifyAuditTrailResponse verified;
  ListDisclosuresResponse disclosures;
  ListPolicyVersionsResponse policies;
  RespondToOfferResponse responded;
  ListConcernsResponse concerns;
  ListSurveysResponse surveys;
  ListSurveyResultsResponse results;
  SubmitSurveyResponseResponse answered;
  std::vector<Reassignment> watched;

  ListOffersResponse Offers() const {
    ListOffersResponse response;
    for (const Offer& offer : history.offers) *response.add_offers() = offer;
    return response;
  }
  ListTasksResponse Tasks(bool open_only) const {
    ListTasksResponse response;
    for (const Task& task : history.tasks) {
      if (!open_only || !task.has_end_time()) *response.add_tasks() = task;
    }
    return response;
  }
  ListReassignmentEventsResponse Events() const {
    ListReassignmentEventsResponse response;
    for (const ReassignmentEvent& event : history.events) *response.add_events() = event;
    return response;
  }

  REMATCH_FAKE(CreateReassignment, Reassignment, history.reassignment)
  REMATCH_FAKE(GetReassignment, Reassignment, history.reassignment)
  REMATCH_FAKE(ListReassignments, ListReassignmentsResponse, cases)
  REMATCH_FAKE(PreviewEscalation, PreviewEscalationResponse, preview)
  REMATCH_FAKE(ReviewReassignment, Reassignment, history.reassignment)
  REMATCH_FAKE(WithdrawReassignment, Reassignment, history.reassignment)
  REMATCH_FAKE(CloseReassignment, Reassignment, history.reassignment)
  REMATCH_FAKE(RestartSearch, Reassignment, history.reassignment)
  REMATCH_FAKE(SkipStage, Reassignment, history.reassignment)
  REMATCH_FAKE(StrikeMentor, Reassignment, history.reassignment)
  REMATCH_FAKE(PauseReassignment, Reassignment, history.reassignment)
  REMATCH_FAKE(ResumeReassignment, Reassignment, history.reassignment)
  REMATCH_FAKE(ReplaceLeader, Reassignment, history.reassignment)
  REMATCH_FAKE(ReviveOffer, Reassignment, history.reassignment)
  REMATCH_FAKE(SnoozeTask, Task, history.tasks.front())
  REMATCH_FAKE(ListOffers, ListOffersResponse, Offers())
  REMATCH_FAKE(RecordOfferResponse, Offer, history.offers.front())
  REMATCH_FAKE(RespondToOffer, RespondToOfferResponse, responded)
  REMATCH_FAKE(ConfirmMatch, Reassignment, history.reassignment)
  REMATCH_FAKE(RejectMatch, Reassignment, history.reassignment)
  REMATCH_FAKE(OpenBroadcast, Reassignment, history.reassignment)
  REMATCH_FAKE(ChooseInterested, Reassignment, history.reassignment)
  REMATCH_FAKE(PassAllOver, Reassignment, history.reassignment)
  REMATCH_FAKE(RecommendPerson, Person, people.people(0))
  REMATCH_FAKE(ListPeople, ListPeopleResponse, people)
  REMATCH_FAKE(QualifyPerson, Person, people.people(0))
  REMATCH_FAKE(RecordConsent, Reassignment, history.reassignment)
  REMATCH_FAKE(RecordCall, Reassignment, history.reassignment)
  REMATCH_FAKE(TakeCandidate, Reassignment, history.reassignment)
  REMATCH_FAKE(DeclineToTake, Reassignment, history.reassignment)
  REMATCH_FAKE(SendClosingNote, Reassignment, history.reassignment)
  REMATCH_FAKE(ListTasks, ListTasksResponse, Tasks(request->open_only()))
  REMATCH_FAKE(ListReassignmentEvents, ListReassignmentEventsResponse, Events())
  REMATCH_FAKE(VerifyAuditTrail, VerifyAuditTrailResponse, verified)
  REMATCH_FAKE(ListDisclosures, ListDisclosuresResponse, disclosures)
  REMATCH_FAKE(GetPolicyVersion, PolicyVersion, policies.policies(0))
  REMATCH_FAKE(ListPolicyVersions, ListPolicyVersionsResponse, policies)
  REMATCH_FAKE(RaiseConcern, Concern, concerns.concerns(0))
  REMATCH_FAKE(GetConcern, Concern, concerns.concerns(0))
  REMATCH_FAKE(ListConcerns, ListConcernsResponse, concerns)
  REMATCH_FAKE(ResolveConcern, Concern, concerns.concerns(0))
  REMATCH_FAKE(SendSurvey, Survey, surveys.surveys(0))
  REMATCH_FAKE(ListSurveys, ListSurveysResponse, surveys)
  REMATCH_FAKE(SubmitSurveyResponse, SubmitSurveyResponseResponse, answered)
  REMATCH_FAKE(ListSurveyResults, ListSurveyResultsResponse, results)
  REMATCH_FAKE(RecordLetterTold, Task, history.tasks.front())

  // Sends half of what there is, breaks off once as a server that ends its connection does, and begins anew when asked again.
  grpc::Status WatchReassignment(grpc::ServerContext* context, const WatchReassignmentRequest* request,
                                 grpc::ServerWriter<Reassignment>* writer) override {
    if (grpc::Status status = records.Seen(context, "WatchReassignment", *request); !status.ok()) return status;
    const bool first = records.Of("WatchReassignment").size() == 1;
    const size_t half = watched.size() / 2;
    for (size_t i = first ? 0 : half - 1; i < (first ? half : watched.size()); ++i) writer->Write(watched[i]);
    return first ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "going away") : grpc::Status::OK;
  }
};
}  // namespace fake_request

namespace fake_notify {
using namespace rematch::notify::v1;  // NOLINT: names of requests in the macro

struct Service final : NotifyService::Service {
  Records records;
  ListNotificationsResponse notifications;
  REMATCH_FAKE(ListNotifications, ListNotificationsResponse, notifications)
  REMATCH_FAKE(GetNotification, Notification, notifications.notifications(0))
  REMATCH_FAKE(ReportBounce, Notification, notifications.notifications(0))
  REMATCH_FAKE(RetryNotification, Notification, notifications.notifications(0))

  ListTemplatesResponse templates;
  ListTemplateVersionsResponse versions;  // the first one is what is asked for
  PreviewNotificationResponse preview;
  REMATCH_FAKE(ListTemplates, ListTemplatesResponse, templates)
  REMATCH_FAKE(ListTemplateVersions, ListTemplateVersionsResponse, versions)
  REMATCH_FAKE(GetTemplateVersion, TemplateVersion, versions.template_versions(0))
  REMATCH_FAKE(PreviewNotification, PreviewNotificationResponse, preview)
  // Makes number 3.
  grpc::Status CreateTemplateVersion(grpc::ServerContext* context, const CreateTemplateVersionRequest* request,
                                     TemplateVersion* response) override {
    if (grpc::Status status = records.Seen(context, "CreateTemplateVersion", *request); !status.ok()) return status;
    response->set_template_(request->template_());
    response->set_version(3);
    return grpc::Status::OK;
  }
};
}  // namespace fake_notify

#undef REMATCH_FAKE

// Runs commands against the fakes.
class FakeSuite {
 public:
  FakeSuite() {
    namespace mentor_v1 = rematch::mentor::v1;
    mentor_v1::Program* const program = mentor.programs.add_programs();
    program->set_name(kProgram);
    program->set_display_name("Secondary Induction");
    program->set_etag("before");
    program->mutable_leader()->set_person("consortia/south-bay/leaders/rosa");
    program->mutable_leader()->mutable_contact()->set_display_name("Rosa Lee");
    const char* const names[] = {"Dan Wu", "Mina Okafor", "José Nguyễn", "山田 太郎", "Rosa Lee"};
    for (int i = 0; i < 5; ++i) {
      mentor_v1::Mentor* const one = mentor.mentors.add_mentors();
      one->set_name(MentorName(i));
      one->mutable_contact()->set_display_name(names[i]);
      one->mutable_contact()->set_email("m" + std::to_string(i) + "@a.example");
      one->set_caseload(i % 3);
      one->set_capacity(3);
    }
    for (int i = 1; i < 3; ++i) {
      mentor_v1::Candidate* const one = mentor.candidates.add_candidates();
      one->set_name(CandidateName(i));
      one->mutable_contact()->set_display_name(i == 1 ? "Ana Ruiz" : "Bo Kern");
      one->mutable_contact()->set_phone("+1 310 555 0100");
      if (i == 2) Set(one->mutable_without_mentor_since(), At(-240));
    }
    mentor_v1::District* const district = mentor.districts.add_districts();
    district->set_name("consortia/south-bay/districts/0195a1b2-0000-7000-8000-0000000000d1");
    district->set_display_name("Palisade Unified");
    request.history = SampleHistory();
    request.history.reassignment.set_reasons("We never found a time to meet.");
    request.history.reassignment.set_etag("e7");
    *request.cases.add_reassignments() = request.history.reassignment;
    auto* const person = request.people.add_people();
    person->set_name(std::string(kCase) + "/people/p1");
    person->mutable_contact()->set_display_name("Ida Moss");
    person->set_state(rematch::request::v1::Person::RECOMMENDED);
    auto* const policy = request.policies.add_policies();
    policy->set_name("policies/0123456789abcdef0123456789abcdef");
    policy->set_active(true);
    policy->mutable_policy()->set_display_name("Default");

    auto* const kind = notify.templates.add_templates();
    kind->set_name("templates/closing_note");
    kind->set_subject("Thank you");
    kind->set_text("Dear {{mentor_name}}");
    kind->set_html("<p>Dear {{mentor_name}}</p>");
    kind->add_variables("mentor_name");

    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&mentor);
    builder.RegisterService(&request);
    builder.RegisterService(&notify);
    server_ = builder.BuildAndStart();
    address_ = "127.0.0.1:" + std::to_string(port);
    variables = {{"REMATCH_MENTOR_SERVICE", address_},
                 {"REMATCH_REQUEST_SERVICE", address_},
                 {"REMATCH_NOTIFY_SERVICE", address_},
                 {"REMATCH_AS", "leader:rosa"},
                 {"LC_ALL", "C.UTF-8"}};
  }
  ~FakeSuite() { server_->Shutdown(); }

  // The exit code; `out` and `err` hold what was printed.
  int Run(const std::vector<std::string>& words, const std::string& typed = "", bool terminal = false) {
    std::ostringstream out_stream;
    std::ostringstream err_stream;
    std::istringstream in_stream(typed);
    Environment environment{.out = out_stream,
                            .err = err_stream,
                            .in = in_stream,
                            .in_is_terminal = terminal,
                            .out_is_terminal = terminal,
                            .err_is_terminal = terminal,
                            .width = terminal ? 120 : 0,
                            .variable =
                                [this](const char* name) {
                                  const auto found = variables.find(name);
                                  return found == variables.end() ? nullptr : found->second.c_str();
                                },
                            .clock = clock,
                            .ids = ids,
                            .zone = absl::UTCTimeZone()};
    const int code = cli::Run(words, environment);
    out = out_stream.str();
    err = err_stream.str();
    return code;
  }

  fake_mentor::Service mentor;
  fake_request::Service request;
  fake_notify::Service notify;
  std::map<std::string, std::string> variables;
  platform::ManualClock clock{At(120)};
  platform::SeededRandom random{7};
  platform::IdSource ids{clock, random};
  std::string out;
  std::string err;

 private:
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace rematch::cli

#endif  // REMATCH_TESTS_CLI_FAKE_SUITE_H_
