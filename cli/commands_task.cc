#include <algorithm>
#include <istream>
#include <memory>
#include <ostream>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "cli/commands.h"
#include "cli/concern_views.h"
#include "cli/format.h"
#include "cli/task_guide.h"
#include "cli/utf8.h"
#include "cli/views.h"
#include "platform/timestamps.h"

namespace rematch::cli {

namespace mentor_v1 = rematch::mentor::v1;
namespace request_v1 = rematch::request::v1;

namespace {

using request_v1::Reassignment;
using request_v1::Task;
using request_v1::TaskKind;

absl::Status List(Context& context, const std::string& program, const std::string& of_case, bool all) {
  std::vector<std::string> parents;
  if (of_case.empty()) {
    REMATCH_ASSIGN_OR_RETURN(parents, context.Programs(program));
  } else {
    REMATCH_ASSIGN_OR_RETURN(std::string name, context.CaseName(of_case, Purpose::kRead));
    parents.push_back(std::move(name));
  }
  request_v1::ListTasksResponse tasks;
  std::vector<std::string> programs;
  for (const std::string& parent : parents) {
    request_v1::ListTasksRequest request;
    request.set_parent(parent);
    request.set_open_only(!all);
    REMATCH_ASSIGN_OR_RETURN(const auto listed, context.CallPages(&RequestStub::ListTasks, request));
    tasks.MergeFrom(listed);
    programs.push_back(Ancestor(parent, "programs"));
  }
  return context.Show(tasks, [&] {
    People people = context.LoadPeople(programs);
    context.AddTaskPeople(ToVector(tasks.tasks()), people);
    return RenderTasks(ToVector(tasks.tasks()), people, context.now(), context.ZoneOf(parents), context.canvas());
  });
}

// What a person needs to know to decide: the case, and by the task's kind the ranking, an offer, a person, a phone number.
class Briefing {
 public:
  Briefing(Context& context, const Task& task) : context_(context), task_(task), case_name_(Ancestor(task.name(), "reassignments")) {}

  absl::Status Load() {
    if (case_name_.empty()) return LoadOfCandidate();
    request_v1::GetReassignmentRequest get;
    get.set_name(case_name_);
    REMATCH_ASSIGN_OR_RETURN(case_, context_.Call(&RequestStub::GetReassignment, get));
    people_ = context_.LoadPeople({Ancestor(case_name_, "programs")});
    context_.AddCasePeople(case_name_, people_);
    zone_ = context_.ZoneOf(case_name_);
    json_.Add("task", task_);
    json_.Add("reassignment", case_);
    text_ = Heading(Title(), context_.canvas()) + RenderTasks({task_}, people_, context_.now(), zone_, context_.canvas()) + "\n" +
            RenderCase(case_, people_, context_.now(), zone_, context_.canvas());
    switch (task_.kind()) {
      case TaskKind::REVIEW_REASONS:
        return AddRanking();
      case TaskKind::CONFIRM_MATCH:
      case TaskKind::CHOOSE_AMONG_INTERESTED:
      case TaskKind::TRANSFER_REFUSED:
      case TaskKind::RESOLVE_STUCK:
        return AddOffers();
      case TaskKind::CHOOSE_BROADCAST_AUDIENCE:
        return AddAudience();
      case TaskKind::QUALIFY_PERSON:
        return AddPerson();
      case TaskKind::TELL_BY_PHONE:
        return AddContact("Call", task_.about().empty() ? case_.candidate() : task_.about());
      case TaskKind::TELL_FORMER_MENTOR:
        return AddContact("Former mentor", case_.current_mentor());
      case TaskKind::MEDIATE:
        REMATCH_RETURN_IF_ERROR(AddContact("Candidate", case_.candidate()));
        return AddContact("Their mentor", case_.current_mentor());
      case TaskKind::COLLECT_SIGNATURES:
        return AddSignatures();
      case TaskKind::ASK_CONSENT:
      case TaskKind::TAKE_CANDIDATE:
        return AddContact("Candidate", case_.candidate());
      case TaskKind::CALL_CANDIDATE:
      case TaskKind::FIND_NUMBER:
        REMATCH_RETURN_IF_ERROR(AddContact("Call", case_.candidate()));
        return AddContact("Proposed mentor", case_.proposed_mentor());
      default:
        return absl::OkStatus();
    }
  }

  const Reassignment& reassignment() const { return case_; }
  const std::string& text() const { return text_; }
  std::string json() const { return json_.ToString(); }

 private:
  // A task of a candidate who has no case.
  absl::Status LoadOfCandidate() {
    people_ = context_.LoadPeople({Ancestor(task_.name(), "programs")});
    zone_ = context_.ZoneOf(task_.name());
    json_.Add("task", task_);
    text_ = Heading(Title(), context_.canvas()) + RenderTasks({task_}, people_, context_.now(), zone_, context_.canvas());
    if (task_.kind() == TaskKind::RESOLVE_CONCERN) {
      REMATCH_RETURN_IF_ERROR(AddConcern());
    }
    return AddContact("Candidate", task_.about());
  }

  absl::Status AddConcern() {
    request_v1::GetConcernRequest request;
    request.set_name(task_.subject());
    REMATCH_ASSIGN_OR_RETURN(const request_v1::Concern concern, context_.Call(&RequestStub::GetConcern, request));
    json_.Add("concern", concern);
    text_ += "\n" + Heading("Concern", context_.canvas()) + RenderConcern(concern, people_, context_.now(), zone_, context_.canvas());
    return absl::OkStatus();
  }

  std::string Title() const {
    std::string words = Words(task_.kind());
    words[0] = static_cast<char>(absl::ascii_toupper(static_cast<unsigned char>(words[0])));
    return words;
  }

  absl::Status AddSignatures() {
    request_v1::GetPolicyVersionRequest request;
    request.set_name(case_.policy());
    REMATCH_ASSIGN_OR_RETURN(const request_v1::PolicyVersion policy, context_.Call(&RequestStub::GetPolicyVersion, request));
    text_ += "\n" + Heading("Signatures", context_.canvas());
    for (const auto& stage : policy.policy().stages()) {
      for (const int signer : stage.signers()) {
        const bool here = std::find(case_.signed_by().begin(), case_.signed_by().end(), signer) != case_.signed_by().end();
        text_ += "  " + Words(static_cast<request_v1::EscalationPolicy::Stage::Signer>(signer)) + (here ? "  signed\n" : "  not yet\n");
      }
    }
    return AddContact("Candidate", case_.candidate());
  }

  absl::Status AddRanking() {
    request_v1::PreviewEscalationRequest request;
    request.set_name(case_name_);
    REMATCH_ASSIGN_OR_RETURN(const request_v1::PreviewEscalationResponse preview, context_.Call(&RequestStub::PreviewEscalation, request));
    json_.Add("preview", preview);
    // Others are shown no reasons, which says nothing of whether there are any.
    if (case_.reasons().empty() && context_.caller().role == "PROGRAM_LEADER") {
      text_ += "\n" + Heading("Reasons", context_.canvas()) + "  none given\n";
    }
    text_ += "\n" + Heading("Would be asked, in this order", context_.canvas()) + RenderPreview(preview, people_, zone_, context_.canvas());
    return absl::OkStatus();
  }

  absl::Status AddOffers() {
    request_v1::ListOffersRequest request;
    request.set_parent(case_name_);
    REMATCH_ASSIGN_OR_RETURN(const request_v1::ListOffersResponse listed, context_.Call(&RequestStub::ListOffers, request));
    std::vector<request_v1::Offer> offers;
    for (const request_v1::Offer& offer : listed.offers()) {
      const bool wanted = task_.kind() == TaskKind::CONFIRM_MATCH
                              ? offer.name() == task_.offer() || IdOf(offer.name()) == IdOf(task_.offer())
                          : task_.kind() == TaskKind::CHOOSE_AMONG_INTERESTED ? offer.state() == request_v1::WILLING
                                                                              : true;
      if (wanted) offers.push_back(offer);
    }
    json_.AddList("offers", offers);
    text_ += "\n" + Heading(task_.kind() == TaskKind::CHOOSE_AMONG_INTERESTED ? "Interested" : "Asked", context_.canvas()) +
             RenderOffers(offers, people_, context_.now(), zone_, context_.canvas());
    if (task_.kind() == TaskKind::CONFIRM_MATCH && offers.size() == 1) return AddContact("Mentor", offers.front().mentor());
    return absl::OkStatus();
  }

  absl::Status AddAudience() {
    request_v1::GetPolicyVersionRequest request;
    request.set_name(case_.policy());
    const auto policy = context_.Call(&RequestStub::GetPolicyVersion, request);
    if (policy.ok()) {
      json_.Add("policy", *policy);
      text_ += "\nThe policy " +
               std::string(policy->policy().broadcast_includes_current_mentor() ? "includes the current mentor"
                                                                                : "leaves the current mentor out") +
               " unless you say otherwise.\n";
    }
    text_ += "\n" + Wrap(
                        "Either choice can give something away: a message that leaves the current mentor out can tell them, if they hear "
                        "of it, that it is "
                        "their candidate who asks; one that includes them invites them to answer.",
                        0, context_.canvas());
    return absl::OkStatus();
  }

  absl::Status AddPerson() {
    request_v1::ListPeopleRequest request;
    request.set_parent(case_name_);
    REMATCH_ASSIGN_OR_RETURN(const request_v1::ListPeopleResponse listed, context_.Call(&RequestStub::ListPeople, request));
    std::vector<request_v1::Person> persons;
    for (const request_v1::Person& person : listed.people()) {
      if (IdOf(person.name()) == IdOf(task_.person())) persons.push_back(person);
    }
    json_.AddList("people", persons);
    text_ += "\n" + Heading("Named", context_.canvas()) + RenderNamed(persons, people_, context_.canvas());
    return absl::OkStatus();
  }

  // How to reach somebody. A reader who may not see it gets the rest all the same.
  absl::Status AddContact(const std::string& title, const std::string& name) {
    if (name.empty()) return absl::OkStatus();
    Facts facts;
    facts.Add("name", people_.Of(name));
    if (!Ancestor(name, "candidates").empty()) {
      mentor_v1::GetCandidateRequest request;
      request.set_name(name);
      if (const auto candidate = context_.Call(&MentorStub::GetCandidate, request); candidate.ok()) {
        json_.Add("candidate", *candidate);
        facts.Add("phone", candidate->contact().phone());
        facts.Add("email", candidate->contact().email());
      }
    } else {
      mentor_v1::GetMentorRequest request;
      request.set_name(name);
      if (const auto mentor = context_.Call(&MentorStub::GetMentor, request); mentor.ok()) {
        json_.Add("mentor", *mentor);
        facts.Add("phone", mentor->contact().phone());
        facts.Add("email", mentor->contact().email());
        facts.Add("caseload", std::to_string(mentor->caseload()) + " of " + std::to_string(mentor->capacity()));
      }
    }
    text_ += "\n" + Heading(title, context_.canvas()) + facts.Render(context_.canvas());
    return absl::OkStatus();
  }

  Context& context_;
  const Task& task_;
  const std::string case_name_;
  Reassignment case_;
  People people_;
  absl::TimeZone zone_;
  std::string text_;
  JsonObject json_;
};

// Asks on the terminal what options would have said. USAGE when nothing was decided.
absl::StatusOr<GivenOptions> Ask(Context& context, TaskKind kind) {
  std::ostream& out = context.out();
  std::istream& in = context.env().in;
  const auto line = [&](const std::string& prompt) -> std::string {
    out << prompt << " " << std::flush;
    std::string text;
    std::getline(in, text);
    return std::string(absl::StripAsciiWhitespace(text));
  };
  const std::vector<Verb>& verbs = VerbsOf(kind);
  out << "\n";
  for (size_t i = 0; i < verbs.size(); ++i) out << "  " << i + 1 << "  " << verbs[i].help << "\n";
  const std::string answer = line("Which (empty: leave it)?");
  size_t number = 0;
  if (!absl::SimpleAtoi(answer, &number) || number < 1 || number > verbs.size()) return Usage("nothing was done");
  const Verb& verb = verbs[number - 1];
  GivenOptions given;
  const auto ask_value = [&](const std::string& name, bool optional) -> absl::Status {
    const TaskOption& option = TaskOptionOf(name);
    const std::vector<std::string> choices = name == "--outcome" ? OutcomesOf(kind) : option.choices;
    std::string prompt = option.help;
    if (!choices.empty()) prompt += " (" + absl::StrJoin(choices, ", ") + ")";
    if (option.repeatable) prompt += ", several with ; between";
    if (optional) prompt += " [none]";
    const std::string said = line(prompt + ":");
    if (said.empty()) return optional ? absl::OkStatus() : Usage("nothing was done");
    if (!choices.empty() && std::find(choices.begin(), choices.end(), said) == choices.end())
      return Usage("nothing was done: not one of the choices");
    if (!option.repeatable) {
      given[name] = {said};
      return absl::OkStatus();
    }
    for (const std::string& part : std::vector<std::string>(absl::StrSplit(said, ';', absl::SkipWhitespace()))) {
      given[name].emplace_back(absl::StripAsciiWhitespace(part));
    }
    return absl::OkStatus();
  };
  if (TaskOptionOf(verb.option).takes_value) {
    REMATCH_RETURN_IF_ERROR(ask_value(verb.option, false));
  } else {
    given[verb.option] = {""};
  }
  for (const std::string& name : verb.must) REMATCH_RETURN_IF_ERROR(ask_value(name, false));
  for (const std::string& name : verb.may) REMATCH_RETURN_IF_ERROR(ask_value(name, true));
  return given;
}

// Does what the options say, by the RPC that ends this kind of task. `etag` is set when a person decided on what they were shown.
class Doer {
 public:
  Doer(Context& context, const Task& task, const GivenOptions& given, std::string etag)
      : context_(context), task_(task), given_(given), etag_(std::move(etag)), case_name_(Ancestor(task.name(), "reassignments")) {}

  absl::Status Do(const Verb& verb) {
    if (verb.option == "--proceed") return Review();
    if (verb.option == "--close") return task_.kind() == TaskKind::REVIEW_REASONS ? Review() : Close();
    if (verb.option == "--confirm") return Judge<request_v1::ConfirmMatchRequest>(&RequestStub::ConfirmMatch, OfferOfTask());
    if (verb.option == "--reject") return Judge<request_v1::RejectMatchRequest>(&RequestStub::RejectMatch, OfferOfTask());
    if (verb.option == "--choose") {
      REMATCH_ASSIGN_OR_RETURN(const request_v1::Offer offer, context_.FindOffer(Value("--choose"), case_name_));
      if (task_.kind() == TaskKind::TRANSFER_REFUSED)
        return Judge<request_v1::ConfirmMatchRequest>(&RequestStub::ConfirmMatch, offer.name());
      return Judge<request_v1::ChooseInterestedRequest>(&RequestStub::ChooseInterested, offer.name());
    }
    if (verb.option == "--pass-all") return Judge<request_v1::PassAllOverRequest>(&RequestStub::PassAllOver, case_name_);
    if (verb.option == "--decline") return Judge<request_v1::DeclineToTakeRequest>(&RequestStub::DeclineToTake, case_name_);
    if (verb.option == "--take") return Step<request_v1::TakeCandidateRequest>(&RequestStub::TakeCandidate);
    if (verb.option == "--by-mail") return Step<request_v1::SendClosingNoteRequest>(&RequestStub::SendClosingNote);
    if (verb.option == "--include-current" || verb.option == "--without-current") {
      request_v1::OpenBroadcastRequest request;
      request.set_include_current_mentor(verb.option == "--include-current");
      return Send(&RequestStub::OpenBroadcast, request, case_name_);
    }
    if (verb.option == "--yes" || verb.option == "--no") {
      request_v1::RecordConsentRequest request;
      request.set_consents(verb.option == "--yes");
      return Send(&RequestStub::RecordConsent, request, case_name_);
    }
    if (verb.option == "--restart") {
      request_v1::RestartSearchRequest request;
      request.set_stage(
          static_cast<request_v1::StageKind>(ParseChoice(*request_v1::StageKind_descriptor(), Value("--restart")).value_or(0)));
      return Send(&RequestStub::RestartSearch, request, case_name_);
    }
    if (verb.option == "--settled") return Mediate(request_v1::SETTLED);
    if (verb.option == "--not-settled") return Mediate(request_v1::NOT_SETTLED);
    if (verb.option == "--not-held") return Mediate(request_v1::NOT_HELD);
    if (verb.option == "--signed" || verb.option == "--not-signed") return RecordSignature(verb.option);
    if (verb.option == "--resume") return Judge<request_v1::ResumeReassignmentRequest>(&RequestStub::ResumeReassignment, case_name_);
    if (verb.option == "--talked-over") return ResolveConcern(context_, task_.subject(), request_v1::Concern::TALKED_OVER, Value("--note"));
    if (verb.option == "--no-action") return ResolveConcern(context_, task_.subject(), request_v1::Concern::NO_ACTION, Value("--note"));
    if (verb.option == "--answer") return Answer();
    if (verb.option == "--told") return Told();
    if (verb.option == "--open" && task_.kind() == TaskKind::RESOLVE_CONCERN) {
      return OpenCaseOfConcern(context_, task_.subject(), given_.contains("--consented"), Value("--note"));
    }
    if (verb.option == "--open") return OpenCase();
    if (verb.option == "--assign") return Assign();
    if (verb.option == "--outcome") return RecordCall();
    return Qualify(verb.option == "--fit");
  }

 private:
  std::string Value(const std::string& name) const {
    const auto found = given_.find(name);
    return found == given_.end() || found->second.empty() ? "" : found->second.front();
  }
  std::vector<std::string> Values(const std::string& name) const {
    const auto found = given_.find(name);
    return found == given_.end() ? std::vector<std::string>() : found->second;
  }
  // Tasks name their offer whole or by its id in the case.
  std::string OfferOfTask() const {
    return task_.offer().find('/') != std::string::npos ? task_.offer() : case_name_ + "/offers/" + task_.offer();
  }

  template <typename Method, typename Request>
  absl::Status Send(Method method, Request& request, const std::string& name) {
    request.set_name(name);
    request.set_request_id(context_.RequestId());
    request.set_etag(etag_);
    REMATCH_ASSIGN_OR_RETURN(const Reassignment c, context_.Call(method, request));
    return ShowStep(context_, c);
  }
  template <typename Request, typename Method>
  absl::Status Judge(Method method, const std::string& name) {
    Request request;
    request.set_note(Value("--note"));
    return Send(method, request, name);
  }
  template <typename Request, typename Method>
  absl::Status Step(Method method) {
    Request request;
    return Send(method, request, case_name_);
  }

  static request_v1::CloseGround Ground(const std::string& word) {
    return static_cast<request_v1::CloseGround>(ParseChoice(*request_v1::CloseGround_descriptor(), word).value_or(0));
  }

  absl::Status Review() {
    request_v1::ReviewReassignmentRequest request;
    request.set_decision(given_.contains("--proceed") ? request_v1::ReviewReassignmentRequest::PROCEED
                                                      : request_v1::ReviewReassignmentRequest::CLOSE);
    for (const std::string& given : Values("--first")) {
      REMATCH_ASSIGN_OR_RETURN(std::string mentor, context_.MentorName(given, Purpose::kWrite));
      request.add_order(std::move(mentor));
    }
    for (const std::string& given : Values("--strike")) {
      REMATCH_ASSIGN_OR_RETURN(std::string mentor, context_.MentorName(given, Purpose::kWrite));
      request.add_strike(std::move(mentor));
    }
    if (given_.contains("--close")) request.set_ground(Ground(Value("--close")));
    request.set_note(Value("--note"));
    return Send(&RequestStub::ReviewReassignment, request, case_name_);
  }

  absl::Status Close() {
    request_v1::CloseReassignmentRequest request;
    request.set_ground(Ground(Value("--close")));
    request.set_note(Value("--note"));
    return Send(&RequestStub::CloseReassignment, request, case_name_);
  }

  absl::Status OpenCase() {
    request_v1::CreateReassignmentRequest request;
    request.set_parent(Ancestor(task_.about(), "programs"));
    request.set_candidate(task_.about());
    request.set_reasons(Value("--note"));
    request.set_request_id(context_.RequestId());
    REMATCH_ASSIGN_OR_RETURN(const Reassignment c, context_.Call(&RequestStub::CreateReassignment, request));
    return ShowStep(context_, c);
  }

  absl::Status Assign() {
    mentor_v1::AssignMentorRequest request;
    request.set_candidate(task_.about());
    REMATCH_ASSIGN_OR_RETURN(*request.mutable_mentor(), context_.MentorName(Value("--assign"), Purpose::kWrite));
    request.set_request_id(context_.RequestId());
    REMATCH_ASSIGN_OR_RETURN(const mentor_v1::Assignment assignment, context_.Call(&MentorStub::AssignMentor, request));
    return context_.Show(assignment, [] { return std::string("assigned\n"); });
  }

  absl::Status Answer() {
    if (task_.subject().empty()) return Usage("the letter asked nothing: --told ends this task");
    SurveyAnswer answer{.name = task_.subject(), .words = Value("--words"), .wants_change = given_.contains("--wants-change")};
    if (!absl::SimpleAtoi(Value("--answer"), &answer.quality)) return Usage("--answer must be 1 to 5");
    return AnswerSurvey(context_, answer);
  }

  absl::Status Told() {
    request_v1::RecordLetterToldRequest request;
    request.set_name(task_.name());
    request.set_request_id(context_.RequestId());
    REMATCH_ASSIGN_OR_RETURN(const Task told, context_.Call(&RequestStub::RecordLetterTold, request));
    return context_.Show(told, [] { return std::string("told\n"); });
  }

  absl::Status RecordCall() {
    request_v1::RecordCallRequest request;
    const std::string word = Value("--outcome");
    request.set_outcome(static_cast<request_v1::CallOutcome>(
        ParseChoice(*request_v1::CallOutcome_descriptor(), word == "declined" ? "declined-by-candidate" : word).value_or(0)));
    request.set_note(Value("--note"));
    return Send(&RequestStub::RecordCall, request, task_.name());
  }

  absl::Status Mediate(request_v1::MediationOutcome outcome) {
    request_v1::RecordMediationRequest request;
    request.set_outcome(outcome);
    request.set_note(Value("--note"));
    return Send(&RequestStub::RecordMediation, request, case_name_);
  }

  absl::Status RecordSignature(const std::string& option) {
    using Stage = request_v1::EscalationPolicy::Stage;
    request_v1::RecordSignatureRequest request;
    request.set_signer(static_cast<Stage::Signer>(ParseChoice(*Stage::Signer_descriptor(), Value(option)).value_or(0)));
    request.set_refused(option == "--not-signed");
    request.set_note(Value("--note"));
    return Send(&RequestStub::RecordSignature, request, case_name_);
  }

  absl::Status Qualify(bool fit) {
    request_v1::QualifyPersonRequest request;
    request.set_name(task_.person().find('/') != std::string::npos ? task_.person() : case_name_ + "/people/" + task_.person());
    request.set_decision(fit ? request_v1::QualifyPersonRequest::QUALIFY : request_v1::QualifyPersonRequest::DISMISS);
    request.set_note(Value("--note"));
    if (given_.contains("--mentor")) {
      REMATCH_ASSIGN_OR_RETURN(*request.mutable_mentor(), context_.MentorName(Value("--mentor"), Purpose::kWrite));
    } else if (fit) {
      mentor_v1::Mentor& attributes = *request.mutable_attributes();
      if (given_.contains("--district")) {
        REMATCH_ASSIGN_OR_RETURN(*attributes.mutable_district(), context_.DistrictName(Value("--district"), Purpose::kWrite));
      }
      for (std::string& word : Values("--credential")) attributes.add_credentials(std::move(word));
      for (std::string& word : Values("--grade-band")) attributes.add_grade_bands(std::move(word));
      for (std::string& word : Values("--subject")) attributes.add_subjects(std::move(word));
      // They are qualified for this candidate: one seat unless more are offered.
      int capacity = 1;
      if (given_.contains("--capacity") && !absl::SimpleAtoi(Value("--capacity"), &capacity))
        return Usage("--capacity must be a whole number");
      attributes.set_capacity(capacity);
    }
    request.set_request_id(context_.RequestId());
    request.set_etag(etag_);
    REMATCH_ASSIGN_OR_RETURN(const request_v1::Person person, context_.Call(&RequestStub::QualifyPerson, request));
    return context_.Show(person, [&] { return "person " + ShortName(person.name()) + "  " + Words(person.state()) + "\n"; });
  }

  Context& context_;
  const Task& task_;
  const GivenOptions& given_;
  const std::string etag_;
  const std::string case_name_;
};

absl::Status Do(Context& context, const std::string& name, const std::string& of_case, const GivenOptions& options) {
  REMATCH_ASSIGN_OR_RETURN(const Task task, context.FindTask(name, of_case));
  if (!options.empty()) {
    const absl::StatusOr<Verb> verb = ChooseVerb(task.kind(), options);
    if (!verb.ok()) {
      context.env().err << TaskUsage(task);
      return verb.status();
    }
    return Doer(context, task, options, "").Do(*verb);
  }
  Briefing briefing(context, task);
  REMATCH_RETURN_IF_ERROR(briefing.Load());
  context.out() << (context.json() ? briefing.json() : briefing.text());
  if (IsSet(task.end_time())) return absl::OkStatus();
  if (context.json() || !context.env().in_is_terminal || !context.env().out_is_terminal) {
    context.out() << std::flush;
    context.env().err << TaskUsage(task);
    return Usage("say how the task is done");
  }
  REMATCH_ASSIGN_OR_RETURN(const GivenOptions answers, Ask(context, task.kind()));
  REMATCH_ASSIGN_OR_RETURN(const Verb verb, ChooseVerb(task.kind(), answers));
  // Decided on what was shown: refused if the case has moved since.
  return Doer(context, task, answers, briefing.reassignment().etag()).Do(verb);
}

absl::Status Snooze(Context& context, const std::string& name, const std::string& of_case, const std::string& for_how_long) {
  // absl knows no days.
  double days = 0;
  absl::Duration pause;
  if (for_how_long.ends_with('d') && absl::SimpleAtod(for_how_long.substr(0, for_how_long.size() - 1), &days)) {
    pause = days * absl::Hours(24);
  } else if (!absl::ParseDuration(for_how_long, &pause)) {
    return Usage("--for must be a length of time, such as 3d or 90m");
  }
  REMATCH_ASSIGN_OR_RETURN(const Task task, context.FindTask(name, of_case));
  request_v1::SnoozeTaskRequest request;
  request.set_name(task.name());
  *request.mutable_until_time() = platform::ToTimestamp(context.now() + pause);
  request.set_request_id(context.RequestId());
  REMATCH_ASSIGN_OR_RETURN(const Task put_off, context.Call(&RequestStub::SnoozeTask, request));
  return context.Show(put_off,
                      [&] { return "put off to " + Due(put_off.not_before_time(), context.now(), context.ZoneOf(put_off.name())) + "\n"; });
}

}  // namespace

void AddTaskCommands(CLI::App& app, Chosen& chosen) {
  CLI::App* const group = AddGroup(app, "task", "What only a person can do");
  {
    auto program = std::make_shared<std::string>();
    auto of_case = std::make_shared<std::string>();
    auto all = std::make_shared<bool>(false);
    CLI::App* const command = AddCommand(*group, chosen, "list", "Open tasks, the soonest due first",
                                         [=](Context& context) { return List(context, *program, *of_case, *all); });
    CLI::Option* const by_program = command->add_option("--program", *program, "Only this program");
    command->add_option("--case", *of_case, "Only this case")->excludes(by_program);
    command->add_flag("--all", *all, "Those that are done as well");
  }
  {
    auto task = std::make_shared<std::string>();
    auto in_case = std::make_shared<std::string>();
    auto pause = std::make_shared<std::string>();
    CLI::App* const snooze =
        AddCommand(*group, chosen, "snooze", "Put a task off", [=](Context& context) { return Snooze(context, *task, *in_case, *pause); });
    snooze->add_option("TASK", *task, "The task: CASE/TASK as task list shows it, or its name")->required();
    snooze->add_option("--case", *in_case, "The case, if TASK is only the task's own id");
    snooze->add_option("--for", *pause, "For how long: 3d, 90m")->required();
  }
  auto name = std::make_shared<std::string>();
  auto of_case = std::make_shared<std::string>();
  auto given = std::make_shared<GivenOptions>();
  CLI::App* const command = AddCommand(*group, chosen, "do", "Do a task; without options, show what it needs",
                                       [=](Context& context) { return Do(context, *name, *of_case, *given); });
  command->add_option("TASK", *name, "The task: CASE/TASK as task list shows it, or its name")->required();
  command->add_option("--case", *of_case, "The case, if TASK is only the task's own id");
  for (const TaskOption& option : TaskOptions()) {
    if (!option.takes_value) {
      command->add_flag_callback(
          option.name, [given, flag = option.name] { (*given)[flag] = {""}; }, option.help);
      continue;
    }
    CLI::Option* const added = command->add_option_function<std::vector<std::string>>(
        option.name, [given, key = option.name](const std::vector<std::string>& values) { (*given)[key] = values; }, option.help);
    added->allow_extra_args(false);
    if (!option.repeatable) added->expected(1);
    if (!option.choices.empty()) added->check(CLI::IsMember(option.choices));
    if (!option.value.empty()) added->type_name(option.value);
  }
  command->footer("Without options it shows what there is to decide on and the options that this task takes; on a terminal it asks.");
}

}  // namespace rematch::cli
