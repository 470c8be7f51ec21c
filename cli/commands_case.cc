#include <memory>
#include <ostream>

#include "cli/commands.h"
#include "cli/format.h"
#include "cli/timeline.h"
#include "cli/views.h"

namespace rematch::cli {

namespace request_v1 = rematch::request::v1;

namespace {

using request_v1::Reassignment;

// What most commands on a case share: the case that is meant, and words of their own.
struct MigrateOptions {
  std::string given;
  std::string policy;
  std::string stage;
  std::string note;
  bool dry_run = false;
};

struct CaseOptions {
  std::string given;
  std::string note;
  std::string word;  // a ground, a stage
};

absl::StatusOr<Reassignment> Get(Context& context, const std::string& given) {
  request_v1::GetReassignmentRequest request;
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_name(), context.CaseName(given, Purpose::kRead));
  return context.Call(&RequestStub::GetReassignment, request);
}

People PeopleOf(Context& context, const std::string& name) {
  People people = context.LoadPeople({Ancestor(name, "programs")});
  context.AddCasePeople(name, people);
  return people;
}

struct OpenOptions {
  std::string candidate;
  std::string program;
  std::string reasons;
  std::string reasons_file;
  std::string concern;
  bool consented = false;
};

absl::Status Open(Context& context, const OpenOptions& options) {
  request_v1::CreateReassignmentRequest request;
  if (options.candidate.empty()) {
    if (context.caller().role != "CANDIDATE") return Usage("--candidate says for whom");
    request.set_candidate(context.caller().person);
  } else {
    REMATCH_ASSIGN_OR_RETURN(*request.mutable_candidate(), context.CandidateName(options.candidate, options.program, Purpose::kWrite));
  }
  request.set_parent(Ancestor(request.candidate(), "programs"));
  request.set_reasons(options.reasons);
  if (!options.reasons_file.empty()) {
    REMATCH_ASSIGN_OR_RETURN(*request.mutable_reasons(), ReadInput(options.reasons_file, context.env().in));
  }
  if (!options.concern.empty()) {
    REMATCH_ASSIGN_OR_RETURN(*request.mutable_concern(), ConcernName(context, options.concern, Purpose::kWrite));
  }
  request.set_candidate_consents(options.consented);
  request.set_request_id(context.RequestId());
  REMATCH_ASSIGN_OR_RETURN(const Reassignment c, context.Call(&RequestStub::CreateReassignment, request));
  return ShowStep(context, c);
}

absl::Status List(Context& context, const std::string& program, bool open_only) {
  REMATCH_ASSIGN_OR_RETURN(const std::vector<std::string> programs, context.Programs(program));
  request_v1::ListReassignmentsResponse all;
  for (const std::string& one : programs) {
    request_v1::ListReassignmentsRequest request;
    request.set_parent(one);
    request.set_open_only(open_only);
    REMATCH_ASSIGN_OR_RETURN(const auto listed, context.CallPages(&RequestStub::ListReassignments, request));
    all.MergeFrom(listed);
  }
  return context.Show(
      all, [&] { return RenderCases(ToVector(all.reassignments()), context.LoadPeople(programs), context.now(), context.canvas()); });
}

absl::Status Show(Context& context, const std::string& given) {
  REMATCH_ASSIGN_OR_RETURN(const Reassignment c, Get(context, given));
  return context.Show(
      c, [&] { return RenderCase(c, PeopleOf(context, c.name()), context.now(), context.ZoneOf(c.name()), context.canvas()); });
}

// A line for every change; JSON objects one after another, each on a line of its own.
absl::Status Watch(Context& context, const std::string& given) {
  request_v1::WatchReassignmentRequest request;
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_name(), context.CaseName(given, Purpose::kRead));
  REMATCH_ASSIGN_OR_RETURN(RequestStub * stub, context.StubFor<RequestStub>());
  const People people = PeopleOf(context, request.name());
  std::string last_etag;
  std::string last_line;
  for (;;) {
    grpc::ClientContext call;
    context.PrepareStream(call, absl::InfiniteDuration());
    const auto reader = stub->WatchReassignment(&call, request);
    Reassignment c;
    bool heard = false;
    while (reader->Read(&c)) {
      heard = true;
      if (!last_etag.empty() && c.etag() == last_etag) continue;
      last_etag = c.etag();
      if (context.json()) {
        context.out() << ToJsonLine(c) << std::flush;
        continue;
      }
      // Many a step (a seat held, a message on its way) changes nothing that the line shows.
      const absl::TimeZone zone = context.ZoneOf(c.name());
      const std::string line = RenderCaseLine(c, people, context.now(), zone, context.canvas());
      if (line == last_line) continue;
      last_line = line;
      context.out() << Due(c.update_time(), context.now(), zone) << "  " << line << std::flush;
    }
    const grpc::Status status = reader->Finish();
    if (status.ok()) return absl::OkStatus();
    // Servers end connections now and then; whoever was being served asks again.
    if (status.error_code() != grpc::StatusCode::UNAVAILABLE || !heard) {
      return context.Refused<RequestStub>(status, absl::InfiniteDuration());
    }
  }
}

absl::StatusOr<request_v1::ListReassignmentEventsResponse> Events(Context& context, const std::string& name) {
  request_v1::ListReassignmentEventsRequest request;
  request.set_parent(name);
  return context.CallPages(&RequestStub::ListReassignmentEvents, request);
}

// What a service was asked and what it answered, beside what that came to.
bool IsEffect(const request_v1::ReassignmentEvent& event) { return event.type().starts_with("EFFECT_"); }

absl::Status ShowEvents(Context& context, const std::string& given, bool all, bool folded) {
  REMATCH_ASSIGN_OR_RETURN(const std::string name, context.CaseName(given, Purpose::kRead));
  REMATCH_ASSIGN_OR_RETURN(const auto events, Events(context, name));
  return context.Show(events, [&] {
    std::vector<request_v1::ReassignmentEvent> shown = ToVector(events.events());
    const size_t hidden = all ? 0 : std::erase_if(shown, IsEffect);
    const std::string note =
        hidden == 0 ? "" : Count(static_cast<int64_t>(hidden), "call", "calls") + " between the services left out; --all shows them\n";
    return RenderEvents(shown, PeopleOf(context, name), context.ZoneOf(name), folded, context.canvas()) + note;
  });
}

absl::Status ShowTimeline(Context& context, const std::string& given, bool ascii) {
  CaseHistory history;
  REMATCH_ASSIGN_OR_RETURN(history.reassignment, Get(context, given));
  const std::string& name = history.reassignment.name();
  request_v1::ListOffersRequest offers_request;
  offers_request.set_parent(name);
  REMATCH_ASSIGN_OR_RETURN(const auto offers, context.Call(&RequestStub::ListOffers, offers_request));
  request_v1::ListTasksRequest tasks_request;
  tasks_request.set_parent(name);
  REMATCH_ASSIGN_OR_RETURN(const auto tasks, context.CallPages(&RequestStub::ListTasks, tasks_request));
  REMATCH_ASSIGN_OR_RETURN(const auto events, Events(context, name));
  if (context.json()) {
    JsonObject json;
    json.Add("reassignment", history.reassignment);
    json.AddList("offers", offers.offers());
    json.AddList("tasks", tasks.tasks());
    json.AddList("events", events.events());
    context.out() << json.ToString();
    return absl::OkStatus();
  }
  history.offers = ToVector(offers.offers());
  history.tasks = ToVector(tasks.tasks());
  history.events = ToVector(events.events());
  Canvas canvas = context.canvas();
  canvas.unicode = canvas.unicode && !ascii;
  context.out() << RenderTimeline(history, PeopleOf(context, name), context.now(), context.ZoneOf(name), canvas);
  return absl::OkStatus();
}

absl::Status ShowDisclosures(Context& context, const std::string& given, bool folded) {
  request_v1::ListDisclosuresRequest request;
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_parent(), context.CaseName(given, Purpose::kRead));
  REMATCH_ASSIGN_OR_RETURN(const auto listed, context.Call(&RequestStub::ListDisclosures, request));
  return context.Show(listed, [&] {
    return RenderDisclosures(ToVector(listed.disclosures()), PeopleOf(context, request.parent()), context.ZoneOf(request.parent()), folded,
                             context.canvas());
  });
}

absl::Status Verify(Context& context, const std::string& given) {
  request_v1::VerifyAuditTrailRequest request;
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_name(), context.CaseName(given, Purpose::kRead));
  REMATCH_ASSIGN_OR_RETURN(const request_v1::VerifyAuditTrailResponse result, context.Call(&RequestStub::VerifyAuditTrail, request));
  if (context.json() || result.intact()) {
    REMATCH_RETURN_IF_ERROR(context.Show(
        result, [&] { return "intact: " + Count(result.events(), "event", "events") + ", head " + result.head_hash() + "\n"; }));
  }
  if (result.intact()) return absl::OkStatus();
  return Error(absl::StatusCode::kDataLoss, kNotIntactReason,
               result.first_bad_sequence() > 0 ? "event " + std::to_string(result.first_bad_sequence()) + " is not as it was written"
                                               : "the stored state is not what the events give");
}

absl::Status Preview(Context& context, const std::string& given) {
  request_v1::PreviewEscalationRequest request;
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_name(), context.CaseName(given, Purpose::kRead));
  REMATCH_ASSIGN_OR_RETURN(const auto preview, context.Call(&RequestStub::PreviewEscalation, request));
  return context.Show(
      preview, [&] { return RenderPreview(preview, PeopleOf(context, request.name()), context.ZoneOf(request.name()), context.canvas()); });
}

absl::Status ListNamed(Context& context, const std::string& given) {
  request_v1::ListPeopleRequest request;
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_parent(), context.CaseName(given, Purpose::kRead));
  REMATCH_ASSIGN_OR_RETURN(const auto listed, context.Call(&RequestStub::ListPeople, request));
  return context.Show(listed,
                      [&] { return RenderNamed(ToVector(listed.people()), PeopleOf(context, request.parent()), context.canvas()); });
}

absl::Status Migrate(Context& context, const MigrateOptions& options) {
  request_v1::MigrateReassignmentRequest request;
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_name(), context.CaseName(options.given, Purpose::kWrite));
  if (!options.policy.empty()) {
    REMATCH_ASSIGN_OR_RETURN(*request.mutable_policy(), context.PolicyName(options.policy, Purpose::kRead));
  }
  request.set_stage_id(options.stage);
  request.set_note(options.note);
  request.set_validate_only(options.dry_run);
  request.set_request_id(context.RequestId());
  REMATCH_ASSIGN_OR_RETURN(const auto migrated, context.Call(&RequestStub::MigrateReassignment, request));
  return context.Show(migrated, [&] {
    const Reassignment& c = migrated.reassignment();
    const std::string where = c.stage_id().empty() ? "" : ", in its stage " + c.stage_id();
    return absl::StrCat(options.dry_run ? "Would go" : "Goes", " by ", ShortName(c.policy()), where, ".\n\n",
                        RenderDifferences(ToVector(migrated.differences()), context.canvas()));
  });
}

absl::Status Close(Context& context, const CaseOptions& options) {
  request_v1::CloseReassignmentRequest request;
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_name(), context.CaseName(options.given, Purpose::kWrite));
  request.set_ground(static_cast<request_v1::CloseGround>(ParseChoice(*request_v1::CloseGround_descriptor(), options.word).value_or(0)));
  request.set_note(options.note);
  request.set_request_id(context.RequestId());
  REMATCH_ASSIGN_OR_RETURN(const Reassignment c, context.Call(&RequestStub::CloseReassignment, request));
  return ShowStep(context, c);
}

absl::Status Restart(Context& context, const CaseOptions& options) {
  request_v1::RestartSearchRequest request;
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_name(), context.CaseName(options.given, Purpose::kWrite));
  request.set_stage(static_cast<request_v1::StageKind>(ParseChoice(*request_v1::StageKind_descriptor(), options.word).value_or(0)));
  request.set_request_id(context.RequestId());
  REMATCH_ASSIGN_OR_RETURN(const Reassignment c, context.Call(&RequestStub::RestartSearch, request));
  return ShowStep(context, c);
}

// A step on a case whose request has a note.
template <typename Request, typename Method>
absl::Status StepWithNote(Context& context, const CaseOptions& options, Method method) {
  Request request;
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_name(), context.CaseName(options.given, Purpose::kWrite));
  request.set_note(options.note);
  request.set_request_id(context.RequestId());
  REMATCH_ASSIGN_OR_RETURN(const Reassignment c, context.Call(method, request));
  return ShowStep(context, c);
}

absl::Status Strike(Context& context, const CaseOptions& options) {
  request_v1::StrikeMentorRequest request;
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_name(), context.CaseName(options.given, Purpose::kWrite));
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_mentor(), context.MentorName(options.word, Purpose::kWrite));
  request.set_note(options.note);
  request.set_request_id(context.RequestId());
  REMATCH_ASSIGN_OR_RETURN(const Reassignment c, context.Call(&RequestStub::StrikeMentor, request));
  return ShowStep(context, c);
}

absl::Status ReplaceLeader(Context& context, const std::string& given) {
  request_v1::ReplaceLeaderRequest request;
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_name(), context.CaseName(given, Purpose::kWrite));
  request.set_request_id(context.RequestId());
  REMATCH_ASSIGN_OR_RETURN(const Reassignment c, context.Call(&RequestStub::ReplaceLeader, request));
  return ShowStep(context, c);
}

struct RecommendOptions {
  std::string given;
  std::string name;
  std::string email;
  std::string phone;
};

absl::Status Recommend(Context& context, const RecommendOptions& options) {
  request_v1::RecommendPersonRequest request;
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_parent(), context.CaseName(options.given, Purpose::kWrite));
  request.mutable_contact()->set_display_name(options.name);
  request.mutable_contact()->set_email(options.email);
  request.mutable_contact()->set_phone(options.phone);
  request.set_request_id(context.RequestId());
  REMATCH_ASSIGN_OR_RETURN(const request_v1::Person person, context.Call(&RequestStub::RecommendPerson, request));
  return context.Show(person, [&] { return "person " + ShortName(person.name()) + "  " + Words(person.state()) + "\n"; });
}

// A command whose only argument is the case.
CLI::App* AddCaseCommand(CLI::App& group, Chosen& chosen, const std::string& name, const std::string& help,
                         std::function<absl::Status(Context&, const std::string&)> action) {
  auto given = std::make_shared<std::string>();
  CLI::App* const command =
      AddCommand(group, chosen, name, help, [given, action = std::move(action)](Context& context) { return action(context, *given); });
  command->add_option("CASE", *given, "The case, by the end of its id")->required();
  return command;
}

}  // namespace

void AddCaseCommands(CLI::App& app, Chosen& chosen) {
  CLI::App* const group = AddGroup(app, "case", "Requests for another mentor, from opening to the end");
  {
    auto options = std::make_shared<OpenOptions>();
    CLI::App* const command =
        AddCommand(*group, chosen, "open", "Open a case for a candidate", [options](Context& context) { return Open(context, *options); });
    command->add_option("--candidate", options->candidate,
                        "The candidate: the end of the id, a whole name or an address; a candidate's own by default");
    command->add_option("--program", options->program, "The candidate's program, where names are not unique");
    CLI::Option* const text =
        command->add_option("--reasons", options->reasons, "Why, in the candidate's words; the leaders alone read it");
    command->add_option("--reasons-file", options->reasons_file, "... from a file, - for standard input")->excludes(text);
    CLI::Option* const concern = command->add_option("--concern", options->concern,
                                                     "The concern that it comes of, by the tail of its id; its words are the reasons");
    command->add_flag("--consented", options->consented, "The candidate agreed; not needed if they asked for a change themselves")
        ->needs(concern);
  }
  {
    auto program = std::make_shared<std::string>();
    auto open_only = std::make_shared<bool>(false);
    CLI::App* const command = AddCommand(*group, chosen, "list", "Cases, the newest first",
                                         [program, open_only](Context& context) { return List(context, *program, *open_only); });
    command->add_option("--program", *program, "Only this program");
    command->add_flag("--open", *open_only, "Leave out cases that have ended");
  }
  AddCaseCommand(*group, chosen, "show", "One case", Show);
  AddCaseCommand(*group, chosen, "watch", "A line for every change until the case ends; with --json an object a line, for every step",
                 Watch);
  {
    auto ascii = std::make_shared<bool>(false);
    AddCaseCommand(*group, chosen, "timeline", "The case as a picture", [ascii](Context& context, const std::string& given) {
      return ShowTimeline(context, given, *ascii);
    })->add_flag("--ascii", *ascii, "Draw with ASCII characters");
  }
  {
    auto all = std::make_shared<bool>(false);
    auto folded = std::make_shared<bool>(false);
    CLI::App* const command =
        AddCaseCommand(*group, chosen, "events", "The audit trail",
                       [all, folded](Context& context, const std::string& given) { return ShowEvents(context, given, *all, *folded); });
    command->add_flag("--all", *all, "With the calls between the services; --json has them in any case");
    command->add_flag("--folded", *folded, "What repeats on one line");
  }
  {
    auto folded = std::make_shared<bool>(false);
    AddCaseCommand(*group, chosen, "disclosures", "Who learned what, when and by which message",
                   [folded](Context& context, const std::string& given) { return ShowDisclosures(context, given, *folded); })
        ->add_flag("--folded", *folded, "Those who learned the same on one line");
  }
  AddCaseCommand(*group, chosen, "verify", "Recompute the audit trail; exit code 3 if it is not intact", Verify);
  AddCaseCommand(*group, chosen, "preview", "Who would be asked individually, in which order, by when; contacts nobody", Preview);
  AddCaseCommand(*group, chosen, "people", "Those who were recommended or referred", ListNamed);
  {
    auto options = std::make_shared<CaseOptions>();
    CLI::App* const command = AddCommand(
        *group, chosen, "withdraw", "Take the request back: the candidate, or for them the leader who acts", [options](Context& context) {
          return StepWithNote<request_v1::WithdrawReassignmentRequest>(context, *options, &RequestStub::WithdrawReassignment);
        });
    command->add_option("CASE", options->given, "The case")->required();
    command->add_option("--note", options->note, "Private; a leader says how the candidate told them");
  }
  {
    auto options = std::make_shared<CaseOptions>();
    CLI::App* const command = AddCommand(*group, chosen, "close", "The leader ends the case without a change",
                                         [options](Context& context) { return Close(context, *options); });
    command->add_option("CASE", options->given, "The case")->required();
    command->add_option("--ground", options->word, "Why")->required()->check(CLI::IsMember(Choices(*request_v1::CloseGround_descriptor())));
    command->add_option("--note", options->note, "Private")->required();
  }
  {
    auto options = std::make_shared<CaseOptions>();
    CLI::App* const command = AddCommand(*group, chosen, "restart", "Begin a new round of the search",
                                         [options](Context& context) { return Restart(context, *options); });
    command->add_option("CASE", options->given, "The case")->required();
    command->add_option("--stage", options->word, "Where to begin; the first stage by default")
        ->check(CLI::IsMember(Choices(*request_v1::StageKind_descriptor())));
  }
  {
    auto options = std::make_shared<CaseOptions>();
    CLI::App* const command = AddCommand(
        *group, chosen, "skip", "Go on to the next stage before this one is over",
        [options](Context& context) { return StepWithNote<request_v1::SkipStageRequest>(context, *options, &RequestStub::SkipStage); });
    command->add_option("CASE", options->given, "The case")->required();
    command->add_option("--note", options->note, "Why; private")->required();
  }
  {
    auto options = std::make_shared<CaseOptions>();
    CLI::App* const command = AddCommand(*group, chosen, "strike", "Take a mentor out of the case, whatever they have answered",
                                         [options](Context& context) { return Strike(context, *options); });
    command->add_option("CASE", options->given, "The case")->required();
    command->add_option("MENTOR", options->word, "Who is not to be asked: the end of the id, a whole name or an address")->required();
    command->add_option("--note", options->note, "Private");
  }
  {
    auto options = std::make_shared<CaseOptions>();
    CLI::App* const command = AddCommand(
        *group, chosen, "pause", "Begin nothing new in the case, and stop its clocks, until it is resumed", [options](Context& context) {
          return StepWithNote<request_v1::PauseReassignmentRequest>(context, *options, &RequestStub::PauseReassignment);
        });
    command->add_option("CASE", options->given, "The case")->required();
    command->add_option("--note", options->note, "Private");
  }
  {
    auto options = std::make_shared<CaseOptions>();
    CLI::App* const command = AddCommand(*group, chosen, "resume", "End the pause: what waited is taken up", [options](Context& context) {
      return StepWithNote<request_v1::ResumeReassignmentRequest>(context, *options, &RequestStub::ResumeReassignment);
    });
    command->add_option("CASE", options->given, "The case")->required();
    command->add_option("--note", options->note, "Private");
  }
  {
    auto options = std::make_shared<MigrateOptions>();
    CLI::App* const command = AddCommand(*group, chosen, "migrate", "Have the case go by another version of the policy; shows what differs",
                                         [options](Context& context) { return Migrate(context, *options); });
    command->add_option("CASE", options->given, "The case")->required();
    command->add_option("--policy", options->policy, "The version, by the beginning of its hash; by default the one of new cases");
    command->add_option("--stage", options->stage, "In which of its stages the case goes on; by default in the one of the same name");
    command->add_option("--note", options->note, "Why; needed with --stage. Private");
    command->add_flag("--dry-run", options->dry_run, "Only show what would be");
  }
  AddCaseCommand(*group, chosen, "lead", "Have the case led by whoever leads the program now", ReplaceLeader);
  {
    auto options = std::make_shared<RecommendOptions>();
    CLI::App* const command = AddCommand(*group, chosen, "recommend", "Record somebody whom the site, the District or a mentor named",
                                         [options](Context& context) { return Recommend(context, *options); });
    command->add_option("CASE", options->given, "The case")->required();
    command->add_option("--name", options->name, "Their name")->required();
    command->add_option("--email", options->email, "Their address")->required();
    command->add_option("--phone", options->phone, "Their phone number");
  }
}

}  // namespace rematch::cli
