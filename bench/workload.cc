#include "bench/workload.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bench/floor.h"
#include "platform/errors.h"
#include "rematch/echo/v1/service.grpc.pb.h"

namespace rematch::bench {
namespace {

using mentor::v1::MentorService;
using notify::v1::NotifyService;
using request::v1::ReassignmentService;

constexpr int64_t kSeatsOfMentor = 40;  // of the 50 that each has
// So many cases are read: what the server's buffer pool holds beside everything else, since what a larger store costs is measured apart
// (growth.h).
constexpr size_t kCasesRead = 20'000;

const rpc::Caller& Service() {
  static const auto* const service = new rpc::Caller{"SERVICE", ""};
  return *service;
}

// Any two of `count` things that are asked for one after another are far apart.
size_t Spread(int64_t i, size_t count) { return static_cast<size_t>(i) * 7919 % count; }

std::string ReplyCode(const request::ReplyCodes& codes, const SeededCase& asked) {
  return codes.Make({.case_name = asked.name, .offer = asked.offer, .epoch = asked.epoch});
}

request::v1::CreateReassignmentRequest MakeCreate(const World& world, size_t candidate, const std::string& key) {
  request::v1::CreateReassignmentRequest request;
  request.set_parent(world.ProgramOf(candidate));
  request.set_candidate(world.candidates[candidate]);
  request.set_reasons("We do not find times to meet, and we see teaching differently.");
  request.set_request_id(key);
  return request;
}

// Seats of many requests in a row are of as many mentors and candidates, each two of one program.
size_t CandidateOfHold(const World& world, int64_t i) { return Spread(i, world.candidates.size()); }
size_t MentorOfHold(const World& world, int64_t i) {
  const size_t programs = world.programs.size();
  return static_cast<size_t>(i) / programs * programs % world.mentors.size() + CandidateOfHold(world, i) % programs;
}

mentor::v1::HoldSeatRequest MakeHold(const World& world, int64_t i, const std::string& key) {
  mentor::v1::HoldSeatRequest request;
  request.set_parent(kConsortium);
  request.set_seat_id(key);
  request.set_mentor(world.mentors[MentorOfHold(world, i)]);
  request.set_candidate(world.candidates[CandidateOfHold(world, i)]);
  request.set_request_id(key);
  return request;
}

std::string Key(const char* kind, int64_t i) { return absl::StrFormat("%s-%09d", kind, i); }

}  // namespace

notify::v1::SendNotificationRequest MakeSend(const std::string& key, int64_t i) {
  notify::v1::SendNotificationRequest request;
  request.set_parent(kConsortium);
  request.set_notification_id(key);
  request.set_request_id(key);
  notify::v1::Notification& message = *request.mutable_notification();
  message.set_template_("templates/first_approach");
  message.mutable_to()->set_display_name(absl::StrCat("Mentor ", i));
  message.mutable_to()->set_email(absl::StrCat("mentor-", i % 1000, "@bench.example"));
  message.mutable_reply_to()->set_display_name("Leader");
  message.mutable_reply_to()->set_email("leader@bench.example");
  message.set_origin(absl::StrCat(kConsortium, "/programs/p0/reassignments/", key));
  auto& variables = *message.mutable_variables();
  variables["mentor_name"] = absl::StrCat("Mentor ", i);
  variables["program_name"] = "Program";
  variables["leader_name"] = "Leader";
  variables["leader_email"] = "leader@bench.example";
  variables["leader_phone"] = "";
  variables["need"] = "Single Subject, 9-12, Mathematics";
  variables["window_end"] = "Friday, 4 September, 17:00";
  variables["reply_code"] = absl::StrCat("code-", i);
  return request;
}

Workload MakeWorkload(const WorkloadOptions& options) {
  const World* const world = &options.world;
  const Addresses& at = options.addresses;
  const size_t connections = options.connections;
  const auto asked = std::make_shared<const std::vector<SeededCase>>(options.asked);
  const auto codes = std::make_shared<const request::ReplyCodes>(options.reply_key);
  Workload all;

  const auto mentor_of = [world](int64_t i) -> const std::string& { return world->mentors[Spread(i, world->mentors.size())]; };
  if (!at.echo.empty()) {
    all.echo = MakeUnary<echo::v1::EchoService, echo::v1::EchoRequest, echo::v1::EchoResponse>(
        at.echo, connections, &echo::v1::EchoService::Stub::AsyncEcho,
        {.caller = Service(),
         .make =
             [](int64_t i) {
               echo::v1::EchoRequest request;
               request.set_text(absl::StrCat(kConsortium, "/mentors/", i));
               return request;
             },
         .check = [](int64_t i,
                     const echo::v1::EchoResponse& response) { return response.text() == absl::StrCat(kConsortium, "/mentors/", i); }});
  }

  const auto get_mentor = [&](const std::string& address) {
    return MakeUnary<MentorService, mentor::v1::GetMentorRequest, mentor::v1::Mentor>(
        address, connections, &MentorService::Stub::AsyncGetMentor,
        {.caller = Service(),
         .make =
             [mentor_of](int64_t i) {
               mentor::v1::GetMentorRequest request;
               request.set_name(mentor_of(i));
               return request;
             },
         .check =
             [mentor_of](int64_t i, const mentor::v1::Mentor& mentor) {
               return mentor.name() == mentor_of(i) && !mentor.contact().email().empty() && mentor.capacity() == 50 &&
                      !mentor.etag().empty();
             }});
  };
  all.get_mentor = get_mentor(at.mentor);

  const auto case_of = [asked](int64_t i) { return Spread(i, std::min(asked->size(), kCasesRead)); };
  const auto get_case = [&](const std::string& address) {
    return MakeUnary<ReassignmentService, request::v1::GetReassignmentRequest, request::v1::Reassignment>(
        address, connections, &ReassignmentService::Stub::AsyncGetReassignment,
        {.caller = {"PROGRAM_LEADER", ""},
         .person = [world, case_of](int64_t i) { return World::Leader(case_of(i) % world->programs.size()); },
         .make =
             [asked, case_of](int64_t i) {
               request::v1::GetReassignmentRequest request;
               request.set_name((*asked)[case_of(i)].name);
               return request;
             },
         .check =
             [asked, case_of](int64_t i, const request::v1::Reassignment& found) {
               const SeededCase& wanted = (*asked)[case_of(i)];
               return found.name() == wanted.name && found.candidate() == wanted.candidate && !found.etag().empty() &&
                      !found.reasons().empty() && found.has_create_time();
             }});
  };
  if (!asked->empty()) all.get_case = get_case(at.request);

  all.find_mentors = MakeUnary<MentorService, mentor::v1::FindEligibleMentorsRequest, mentor::v1::FindEligibleMentorsResponse>(
      at.mentor, connections, &MentorService::Stub::AsyncFindEligibleMentors,
      {.caller = Service(),
       .make =
           [world](int64_t i) {
             mentor::v1::FindEligibleMentorsRequest request;
             request.set_candidate(world->candidates[Spread(i, world->candidates.size())]);
             request.set_pool(mentor::v1::FindEligibleMentorsRequest::INDIVIDUAL);
             return request;
           },
       .check = [](int64_t, const mentor::v1::FindEligibleMentorsResponse& found) { return found.mentors_size() > 0; }});

  const auto hold = [&](const std::string& address) {
    return MakeUnary<MentorService, mentor::v1::HoldSeatRequest, mentor::v1::Seat>(
        address, connections, &MentorService::Stub::AsyncHoldSeat,
        {.caller = Service(),
         .make = [world](int64_t i) { return MakeHold(*world, i, Key("seat", i)); },
         .check =
             [world](int64_t i, const mentor::v1::Seat& seat) {
               return seat.name() == absl::StrCat(kConsortium, "/seats/", Key("seat", i)) &&
                      seat.mentor() == world->mentors[MentorOfHold(*world, i)];
             },
         .supply = kSeatsOfMentor * static_cast<int64_t>(world->mentors.size())});
  };
  all.hold = hold(at.mentor);

  // The last candidate is the one of the samples.
  const int64_t candidates = static_cast<int64_t>(world->candidates.size()) - 1;
  const auto create = [&](const std::string& address) {
    return MakeUnary<ReassignmentService, request::v1::CreateReassignmentRequest, request::v1::Reassignment>(
        address, connections, &ReassignmentService::Stub::AsyncCreateReassignment,
        {.caller = {"PROGRAM_LEADER", ""},
         .person = [world](int64_t i) { return World::Leader(static_cast<size_t>(i) % world->programs.size()); },
         .make = [world](int64_t i) { return MakeCreate(*world, static_cast<size_t>(i), Key("create", i)); },
         .check =
             [world](int64_t i, const request::v1::Reassignment& made) {
               return made.candidate() == world->candidates[static_cast<size_t>(i)] && made.state() == request::v1::REVIEW &&
                      !made.name().empty();
             },
         .supply = candidates});
  };
  all.create = create(at.request);

  const auto respond = [&](const std::string& address, bool to_floor) {
    return MakeUnary<ReassignmentService, request::v1::RespondToOfferRequest, request::v1::RespondToOfferResponse>(
        address, connections, &ReassignmentService::Stub::AsyncRespondToOffer,
        {.caller = Service(),
         .make =
             [asked, codes, to_floor](int64_t i) {
               request::v1::RespondToOfferRequest request;
               // The floor has its own cases, by number.
               request.set_reply_code(to_floor ? absl::StrCat("k", i) : ReplyCode(*codes, (*asked)[static_cast<size_t>(i)]));
               request.set_answer(request::v1::YES);
               request.set_request_id(Key("answer", i));
               return request;
             },
         .check =
             [](int64_t, const request::v1::RespondToOfferResponse& response) {
               return response.result() == request::v1::RespondToOfferResponse::RECORDED;
             },
         .supply = static_cast<int64_t>(asked->size())});
  };
  if (!asked->empty()) all.respond = respond(at.request, false);

  const auto send = [&](const std::string& address) {
    return MakeUnary<NotifyService, notify::v1::SendNotificationRequest, notify::v1::Notification>(
        address, connections, &NotifyService::Stub::AsyncSendNotification,
        {.caller = Service(),
         .make = [](int64_t i) { return MakeSend(Key("message", i), i); },
         .check =
             [](int64_t i, const notify::v1::Notification& made) {
               return made.name() == absl::StrCat(kConsortium, "/notifications/", Key("message", i));
             }});
  };
  all.send = send(at.notify);

  if (at.floor.empty()) return all;
  all.get_mentor_floor = get_mentor(at.floor);
  all.get_case_floor = get_case(at.floor);
  all.hold_floor = hold(at.floor);
  all.create_floor = create(at.floor);
  all.respond_floor = respond(at.floor, true);
  all.send_floor = send(at.floor);
  return all;
}

absl::StatusOr<std::string> TakeSamples(demo::Suite& suite, demo::Mariadb& server, const World& world, const SeededCase& asked,
                                        const std::string& reply_key, int64_t respond_supply) {
  const std::string request = "request_service", mentor = "mentor_service", notify = "notify_service";
  const size_t number = world.candidates.size() - 1;
  const auto quoted = [](const std::string& text) { return absl::StrCat("'", text, "'"); };
  std::vector<Sample> samples;
  const auto sampled = [&samples](Sample sample) { samples.push_back(std::move(sample)); };
  const auto request_row = [&sampled, &quoted](const std::string& operation, const std::string& schema, const std::string& id) {
    sampled({.operation = operation,
             .schema = schema,
             .table = "requests",
             .where = "request_id = " + quoted(id),
             .markers = {{"scope", "floor"}, {"request_id", "@REQUEST"}}});
  };

  REMATCH_ASSIGN_OR_RETURN(const auto made, suite.As("PROGRAM_LEADER", World::Leader(number % world.programs.size()))
                                                .Call(&demo::RequestStub::CreateReassignment, MakeCreate(world, number, "sample-create")));
  const std::string id = demo::IdOf(made.name());
  const std::string of_case = "case_id = " + quoted(id);
  // What is read to decide about a candidate of the world; all of one consortium.
  const auto read = [&](const std::string& operation, const std::string& table, const std::string& column, const std::string& name) {
    sampled({.operation = operation,
             .kind = Sample::Kind::kRead,
             .schema = mentor,
             .table = table,
             .where = absl::StrCat(column, " = ", quoted(demo::IdOf(name)))});
  };
  const auto read_candidate = [&](const std::string& operation, size_t candidate) -> absl::Status {
    read(operation, "candidates", "candidate", world.candidates[candidate]);
    read(operation, "programs", "program", world.ProgramOf(candidate));
    REMATCH_ASSIGN_OR_RETURN(const std::string site,
                             server.Run(absl::StrCat("SELECT site FROM mentor_service.candidates WHERE candidate = ",
                                                     quoted(demo::IdOf(world.candidates[candidate])))));
    read(operation, "sites", "site", std::string(absl::StripAsciiWhitespace(site)));
    return absl::OkStatus();
  };
  REMATCH_RETURN_IF_ERROR(read_candidate("create", number));
  request_row("create", request, "sample-create");
  sampled({.operation = "create",
           .schema = request,
           .table = "cases",
           .where = "id = " + quoted(id),
           .markers = {{"id", "@KEY"}, {"candidate", "@CANDIDATE"}}});
  sampled({.operation = "create",
           .schema = request,
           .table = "open_cases",
           .where = of_case,
           .markers = {{"case_id", "@KEY"}, {"candidate", "@CANDIDATE"}}});
  for (const char* table : {"events", "tasks", "private_texts"}) {
    sampled({.operation = "create", .schema = request, .table = table, .where = of_case, .markers = {{"case_id", "@KEY"}}});
  }
  sampled({.operation = "create", .schema = request, .table = "timers", .where = "id = " + quoted(id), .markers = {{"id", "@KEY"}}});

  const std::string answered = demo::IdOf(asked.name);
  REMATCH_ASSIGN_OR_RETURN(
      const std::string before,
      server.Run(absl::StrCat("SELECT COALESCE(MAX(sequence), 0) FROM request_service.events WHERE case_id = ", quoted(answered))));
  REMATCH_ASSIGN_OR_RETURN(const std::string had_timer,
                           server.Run(absl::StrCat("SELECT COUNT(*) FROM request_service.timers WHERE id = ", quoted(answered))));
  request::v1::RespondToOfferRequest answer;
  answer.set_reply_code(ReplyCode(request::ReplyCodes(reply_key), asked));
  answer.set_answer(request::v1::YES);
  answer.set_request_id("sample-answer");
  REMATCH_RETURN_IF_ERROR(suite.Service().Call(&demo::RequestStub::RespondToOffer, answer).status());
  const std::string new_only = absl::StrCat("case_id = ", quoted(answered), " AND sequence > ", before);
  request_row("respond", request, "sample-answer");
  sampled({.operation = "respond",
           .kind = Sample::Kind::kUpdate,
           .schema = request,
           .table = "cases",
           .where = "id = " + quoted(answered),
           .markers = {{"id", "@KEY"}}});
  for (const char* table : {"events", "disclosures"}) {
    sampled({.operation = "respond", .schema = request, .table = table, .where = new_only, .markers = {{"case_id", "@KEY"}}});
  }
  // Of the tasks, that which the answer opened.
  sampled({.operation = "respond",
           .schema = request,
           .table = "tasks",
           .where = absl::StrCat("case_id = ", quoted(answered), " AND open = 1"),
           .markers = {{"case_id", "@KEY"}}});
  sampled({.operation = "respond",
           .kind = had_timer.starts_with("1") ? Sample::Kind::kUpdate : Sample::Kind::kInsert,
           .schema = request,
           .table = "timers",
           .where = "id = " + quoted(answered),
           .markers = {{"id", "@KEY"}}});

  REMATCH_RETURN_IF_ERROR(suite.Service().Call(&demo::MentorStub::HoldSeat, MakeHold(world, 0, "sample-hold")).status());
  read("hold", "consortia", "consortium", kConsortium);
  REMATCH_RETURN_IF_ERROR(read_candidate("hold", CandidateOfHold(world, 0)));
  request_row("hold", mentor, "sample-hold");
  sampled({.operation = "hold",
           .kind = Sample::Kind::kUpdate,
           .schema = mentor,
           .table = "mentors",
           .where = "mentor = " + quoted(demo::IdOf(world.mentors[MentorOfHold(world, 0)])),
           .markers = {{"mentor", "@MENTOR"}}});
  sampled({.operation = "hold",
           .schema = mentor,
           .table = "seats",
           .where = "seat = 'sample-hold'",
           .markers = {{"seat", "@KEY"}, {"mentor", "@MENTOR"}}});

  REMATCH_RETURN_IF_ERROR(suite.Service().Call(&demo::NotifyStub::SendNotification, MakeSend("sample-send", 0)).status());
  request_row("send", notify, "sample-send");
  for (const char* table : {"notifications", "contents"}) {
    sampled({.operation = "send", .schema = notify, .table = table, .where = "id = 'sample-send'", .markers = {{"id", "@KEY"}}});
  }
  sampled({.operation = "send",
           .schema = notify,
           .table = "sends",
           .where = "id = 'bench/sample-send'",
           .markers = {{"id", "@SEND"}, {"notification", "@KEY"}}});

  REMATCH_ASSIGN_OR_RETURN(const std::string url, PrepareFloor(server, samples,
                                                               {"mentor_service.mentors", "request_service.cases",
                                                                "request_service.policies", "request_service.private_texts"}));
  // What the floor's answers are written to.
  for (const char* table : {"cases", "timers"}) {
    REMATCH_RETURN_IF_ERROR(MultiplyFloor(server, table, request, "id", answered, "k", respond_supply));
  }
  return url;
}

}  // namespace rematch::bench
