// concern: what candidates say of how it goes with their mentor. survey: asking all of them.
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/concern_views.h"
#include "cli/failure.h"
#include "cli/format.h"
#include "cli/names.h"

namespace rematch::cli {

namespace mentor_v1 = rematch::mentor::v1;
namespace request_v1 = rematch::request::v1;

using request_v1::Concern;
using request_v1::Survey;

namespace {

struct ConcernOptions {
  std::string given;
  std::string candidate;
  std::string program;
  std::string words;
  std::string note;
  bool all = false;
  bool wants_change = false;
  bool talked_over = false;
  bool no_action = false;
  bool open_case = false;
  bool consented = false;
};

struct SurveyOptions {
  std::string given;
  std::string code;
  std::string candidate;
  std::string program;
  std::string words;
  int days = 0;
  int quality = 0;
  bool wants_change = false;
  bool dry_run = false;
};

// Those of all programs of the caller.
absl::StatusOr<request_v1::ListConcernsResponse> Concerns(Context& context, const std::vector<std::string>& programs, bool open_only) {
  request_v1::ListConcernsResponse all;
  for (const std::string& program : programs) {
    request_v1::ListConcernsRequest request;
    request.set_parent(program);
    request.set_open_only(open_only);
    REMATCH_ASSIGN_OR_RETURN(const auto listed, context.CallPages(&RequestStub::ListConcerns, request));
    all.MergeFrom(listed);
  }
  return all;
}

absl::StatusOr<request_v1::ListSurveysResponse> Surveys(Context& context, const std::vector<std::string>& programs) {
  request_v1::ListSurveysResponse all;
  for (const std::string& program : programs) {
    request_v1::ListSurveysRequest request;
    request.set_parent(program);
    REMATCH_ASSIGN_OR_RETURN(const auto listed, context.CallPages(&RequestStub::ListSurveys, request));
    all.MergeFrom(listed);
  }
  return all;
}

absl::Status ShowConcern(Context& context, const Concern& concern) {
  return context.Show(concern, [&] {
    const People people = context.LoadPeople({Ancestor(concern.name(), "programs")});
    return RenderConcern(concern, people, context.now(), context.ZoneOf(concern.name()), context.canvas());
  });
}

absl::Status Raise(Context& context, const ConcernOptions& options) {
  request_v1::RaiseConcernRequest request;
  if (options.candidate.empty()) {
    if (context.caller().role != "CANDIDATE") return Usage("name the candidate whose concern it is");
    request.set_parent(context.caller().person);
  } else {
    REMATCH_ASSIGN_OR_RETURN(*request.mutable_parent(), context.CandidateName(options.candidate, options.program, Purpose::kWrite));
  }
  request.set_words(options.words);
  request.set_asks_for_change(options.wants_change);
  request.set_request_id(context.RequestId());
  REMATCH_ASSIGN_OR_RETURN(const Concern concern, context.Call(&RequestStub::RaiseConcern, request));
  return ShowConcern(context, concern);
}

absl::Status List(Context& context, const ConcernOptions& options) {
  REMATCH_ASSIGN_OR_RETURN(const std::vector<std::string> programs, context.Programs(options.program));
  REMATCH_ASSIGN_OR_RETURN(const request_v1::ListConcernsResponse listed, Concerns(context, programs, !options.all));
  return context.Show(listed, [&] {
    return RenderConcerns(ToVector(listed.concerns()), context.LoadPeople(programs), context.now(), context.ZoneOf(programs),
                          context.canvas());
  });
}

absl::Status Show(Context& context, const std::string& given) {
  request_v1::GetConcernRequest request;
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_name(), ConcernName(context, given, Purpose::kRead));
  REMATCH_ASSIGN_OR_RETURN(const Concern concern, context.Call(&RequestStub::GetConcern, request));
  return ShowConcern(context, concern);
}

absl::Status Resolve(Context& context, const ConcernOptions& options) {
  if (int{options.talked_over} + int{options.no_action} + int{options.open_case} != 1) {
    return Usage("say what came of it: --talked-over, --no-action or --open-case");
  }
  if (options.consented && !options.open_case) return Usage("--consented goes with --open-case");
  REMATCH_ASSIGN_OR_RETURN(const std::string name, ConcernName(context, options.given, Purpose::kWrite));
  if (options.open_case) return OpenCaseOfConcern(context, name, options.consented, options.note);
  return ResolveConcern(context, name, options.talked_over ? Concern::TALKED_OVER : Concern::NO_ACTION, options.note);
}

absl::Status SendSurvey(Context& context, const SurveyOptions& options) {
  request_v1::SendSurveyRequest request;
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_parent(), context.OneProgram(options.program));
  if (options.days != 0) {
    request.mutable_open_for()->set_amount(options.days);
    request.mutable_open_for()->set_unit(request_v1::Window::WORKING_DAYS);
  }
  request.set_validate_only(options.dry_run);
  request.set_request_id(context.RequestId());
  REMATCH_ASSIGN_OR_RETURN(const Survey survey, context.Call(&RequestStub::SendSurvey, request));
  return context.Show(survey, [&] {
    const std::string who = Count(survey.invited(), "candidate", "candidates");
    const std::string until = Moment(survey.close_time(), context.ZoneOf(request.parent()));
    return options.dry_run ? absl::StrCat("would ask ", who, ", until ", until, "\n")
                           : absl::StrCat("survey ", ShortName(survey.name()), ": asks ", who, ", until ", until, "\n");
  });
}

absl::Status ListSurveys(Context& context, const SurveyOptions& options) {
  REMATCH_ASSIGN_OR_RETURN(const std::vector<std::string> programs, context.Programs(options.program));
  REMATCH_ASSIGN_OR_RETURN(const request_v1::ListSurveysResponse listed, Surveys(context, programs));
  return context.Show(listed, [&] { return RenderSurveys(ToVector(listed.surveys()), context.ZoneOf(programs), context.canvas()); });
}

// The one that is named, or the last that was sent to a whole program.
absl::StatusOr<std::string> SurveyName(Context& context, const SurveyOptions& options, const std::string& program, Purpose purpose) {
  if (options.given.starts_with("consortia/")) return options.given;
  REMATCH_ASSIGN_OR_RETURN(const std::vector<std::string> programs, context.Programs(program));
  REMATCH_ASSIGN_OR_RETURN(const request_v1::ListSurveysResponse listed, Surveys(context, programs));
  std::vector<Known> known;
  const Survey* last = nullptr;
  for (const Survey& survey : listed.surveys()) {
    known.push_back({survey.name(), {}});
    const bool is_later = last == nullptr || ToTime(last->send_time()) < ToTime(survey.send_time());
    if (survey.kind() == Survey::PROGRAM && is_later) last = &survey;
  }
  if (options.given.empty() && last != nullptr) return last->name();
  if (options.given.empty()) return Usage("no survey was sent");
  return rematch::cli::Resolve("survey", known, options.given, purpose);
}

absl::Status ShowResults(Context& context, const SurveyOptions& options) {
  request_v1::ListSurveyResultsRequest request;
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_parent(), SurveyName(context, options, options.program, Purpose::kRead));
  request.set_page_size(1000);
  request_v1::ListSurveyResultsResponse all;
  do {
    REMATCH_ASSIGN_OR_RETURN(const auto page, context.Call(&RequestStub::ListSurveyResults, request));
    *all.mutable_survey() = page.survey();
    all.mutable_responses()->MergeFrom(page.responses());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return context.Show(all, [&] {
    const People people = context.LoadPeople({Ancestor(request.parent(), "programs")});
    return RenderSurveyResults(all, people, context.ZoneOf(request.parent()), context.canvas());
  });
}

absl::Status Answer(Context& context, const SurveyOptions& options) {
  SurveyAnswer answer{.quality = options.quality, .words = options.words, .wants_change = options.wants_change};
  if (options.code.empty() == options.candidate.empty()) return Usage("give the reply code of the letter, or --candidate");
  if (!options.code.empty()) {
    answer.reply_code = options.code;
  } else {
    REMATCH_ASSIGN_OR_RETURN(const std::string candidate, context.CandidateName(options.candidate, options.program, Purpose::kWrite));
    REMATCH_ASSIGN_OR_RETURN(const std::string survey, SurveyName(context, options, Ancestor(candidate, "programs"), Purpose::kWrite));
    answer.name = absl::StrCat(survey, "/responses/", IdOf(candidate));
  }
  return AnswerSurvey(context, answer);
}

}  // namespace

absl::StatusOr<std::string> ConcernName(Context& context, const std::string& given, Purpose purpose) {
  if (given.starts_with("consortia/")) return given;
  REMATCH_ASSIGN_OR_RETURN(const std::vector<std::string> programs, context.Programs(""));
  REMATCH_ASSIGN_OR_RETURN(const request_v1::ListConcernsResponse listed, Concerns(context, programs, false));
  std::vector<Known> known;
  for (const Concern& concern : listed.concerns()) known.push_back({concern.name(), {}});
  return rematch::cli::Resolve("concern", known, given, purpose);
}

absl::Status ResolveConcern(Context& context, const std::string& name, Concern::Outcome outcome, const std::string& note) {
  request_v1::ResolveConcernRequest request;
  request.set_name(name);
  request.set_outcome(outcome);
  request.set_note(note);
  request.set_request_id(context.RequestId());
  REMATCH_ASSIGN_OR_RETURN(const Concern concern, context.Call(&RequestStub::ResolveConcern, request));
  return ShowConcern(context, concern);
}

absl::Status OpenCaseOfConcern(Context& context, const std::string& name, bool consented, const std::string& reasons) {
  request_v1::GetConcernRequest get;
  get.set_name(name);
  REMATCH_ASSIGN_OR_RETURN(const Concern concern, context.Call(&RequestStub::GetConcern, get));
  request_v1::CreateReassignmentRequest request;
  request.set_parent(Ancestor(name, "programs"));
  request.set_candidate(concern.candidate());
  request.set_reasons(reasons);
  request.set_concern(name);
  request.set_candidate_consents(consented);
  request.set_request_id(context.RequestId());
  REMATCH_ASSIGN_OR_RETURN(const request_v1::Reassignment c, context.Call(&RequestStub::CreateReassignment, request));
  return ShowStep(context, c);
}

absl::Status AnswerSurvey(Context& context, const SurveyAnswer& answer) {
  request_v1::SubmitSurveyResponseRequest request;
  request.set_reply_code(answer.reply_code);
  request.set_name(answer.name);
  request.set_relationship_quality(answer.quality);
  request.set_words(answer.words);
  request.set_asks_for_change(answer.wants_change);
  request.set_request_id(context.RequestId());
  REMATCH_ASSIGN_OR_RETURN(const request_v1::SubmitSurveyResponseResponse response,
                           context.Call(&RequestStub::SubmitSurveyResponse, request));
  return context.Show(response, [&] { return Words(response.result()) + "\n"; });
}

void AddConcernCommands(CLI::App& app, Chosen& chosen) {
  CLI::App* const concern = AddGroup(app, "concern", "What candidates say of how it goes with their mentor; private");
  auto options = std::make_shared<ConcernOptions>();
  CLI::App* const raise = AddCommand(*concern, chosen, "raise", "Put a concern of a candidate on record; no change need be asked for",
                                     [options](Context& context) { return Raise(context, *options); });
  raise->add_option("CANDIDATE", options->candidate, "Whose it is, by name or id; a candidate's own if none is named");
  raise->add_option("--words", options->words, "What it is about")->required();
  raise->add_flag("--wants-change", options->wants_change, "The candidate asks for another mentor: that is their consent to a case");
  raise->add_option("--program", options->program, "The program of the candidate, if there are several");
  CLI::App* const list = AddCommand(*concern, chosen, "list", "Open concerns, the newest first",
                                    [options](Context& context) { return List(context, *options); });
  list->add_option("--program", options->program, "Only this program");
  list->add_flag("--all", options->all, "Those that are resolved as well");
  CLI::App* const show =
      AddCommand(*concern, chosen, "show", "One with its words", [options](Context& context) { return Show(context, options->given); });
  show->add_option("CONCERN", options->given, "The concern, by the tail of its id")->required();
  CLI::App* const resolve = AddCommand(*concern, chosen, "resolve", "Say what came of it, or open a case with the candidate's consent",
                                       [options](Context& context) { return Resolve(context, *options); });
  resolve->add_option("CONCERN", options->given, "The concern, by the tail of its id")->required();
  resolve->add_flag("--talked-over", options->talked_over, "You talked with the candidate, and nothing else is wanted now");
  resolve->add_flag("--no-action", options->no_action, "Nothing could be done, or nothing was called for; with --note");
  resolve->add_flag("--open-case", options->open_case, "Another mentor is looked for");
  resolve->add_flag("--consented", options->consented, "The candidate agreed to that; not needed if they asked for it themselves");
  resolve->add_option("--note", options->note, "A note, or the reasons of the case; private");
}

void AddSurveyCommands(CLI::App& app, Chosen& chosen) {
  CLI::App* const survey = AddGroup(app, "survey", "Asking candidates how it goes with their mentor");
  auto options = std::make_shared<SurveyOptions>();
  CLI::App* const send = AddCommand(*survey, chosen, "send", "Ask all candidates of a program, each by a letter of their own",
                                    [options](Context& context) { return SendSurvey(context, *options); });
  send->add_option("--program", options->program, "The program, if there are several");
  send->add_option("--days", options->days, "For how many working days answers are taken; 10 if not said")->check(CLI::Range(1, 260));
  send->add_flag("--dry-run", options->dry_run, "Only say how many would be asked");
  CLI::App* const list = AddCommand(*survey, chosen, "list", "All surveys, check-ins after a change included, the newest first",
                                    [options](Context& context) { return ListSurveys(context, *options); });
  list->add_option("--program", options->program, "Only this program");
  CLI::App* const results = AddCommand(*survey, chosen, "results", "What came back; if no survey is named, of the last of a program",
                                       [options](Context& context) { return ShowResults(context, *options); });
  results->add_option("SURVEY", options->given, "The survey, by the tail of its id");
  results->add_option("--program", options->program, "The last survey of this program");
  CLI::App* const answer =
      AddCommand(*survey, chosen, "answer", "Record an answer: with the code of the letter, or as a leader was told it",
                 [options](Context& context) { return Answer(context, *options); });
  answer->add_option("CODE", options->code, "The reply code of the letter");
  answer->add_option("--candidate", options->candidate, "Without a code: whose answer it is");
  answer->add_option("--survey", options->given, "Likewise: to which survey; the last of the program if none is named");
  answer->add_option("--program", options->program, "Likewise: the program of the candidate, if there are several");
  answer->add_option("--quality", options->quality, "How good the relationship is, from 1 (it does not work) to 5 (very good)")
      ->required()
      ->check(CLI::Range(1, 5));
  answer->add_option("--words", options->words, "What they said; private");
  answer->add_flag("--wants-change", options->wants_change, "They ask for another mentor: that is their consent to a case");
}

}  // namespace rematch::cli
