#include "request-service/rpc/concerns.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "access/access.h"
#include "platform/errors.h"
#include "platform/validation.h"
#include "request-service/domain/case_view.h"
#include "request-service/domain/policy.h"
#include "request-service/domain/reasons.h"
#include "request-service/rpc/convert.h"
#include "request-service/rpc/openings.h"
#include "request-service/rpc/validate.h"

namespace rematch::request {
namespace {

namespace mv1 = mentor::v1;

constexpr int kWorst = 1;
constexpr int kBest = 5;

// The same for what is not there and for what is not the caller's.
absl::Status NotThere() { return Error(absl::StatusCode::kNotFound, reason::kNotFound, "not there, or not the caller's"); }

CaseKey KeyOf(const std::vector<std::string>& ids) { return {.consortium = ids[0], .program = ids[1], .id = ""}; }

// The mentor whom the caller is, as a leader of the program: what is about them is not for their eyes.
std::string MentorOf(const mv1::Program& program, const std::string& person) {
  for (const mv1::Leader* leader : {&program.leader(), &program.alternate()}) {
    if (leader->person() == person) return leader->mentor();
  }
  return "";
}

v1::Survey ToSurvey(const SurveyRow& row) {
  v1::Survey out;
  out.set_name(absl::StrCat(ProgramName(row.key.consortium, row.key.program), "/surveys/", row.survey.id()));
  out.set_kind(row.survey.kind());
  *out.mutable_send_time() = ToTimestamp(row.survey.sends());
  *out.mutable_close_time() = ToTimestamp(row.survey.closes());
  out.set_creator(row.survey.creator());
  out.set_concern_at_or_below(row.survey.concern_at_or_below());
  out.set_invited(row.invited);
  out.set_answered(row.answered);
  out.set_undeliverable(row.undeliverable);
  out.set_reassignment(row.survey.reassignment());
  return out;
}

v1::Concern ToConcern(const CaseKey& program, const StoredConcern& concern) {
  v1::Concern out;
  out.set_name(ConcernName(program, concern.id()));
  out.set_candidate(concern.candidate());
  out.set_source(concern.source());
  out.set_state(concern.resolved() == 0 ? v1::Concern::OPEN : v1::Concern::RESOLVED);
  out.set_relationship_quality(concern.relationship_quality());
  out.set_candidate_consents(concern.candidate_consents());
  out.set_owner(concern.owner());
  *out.mutable_create_time() = ToTimestamp(concern.created());
  if (concern.resolved() != 0) *out.mutable_resolve_time() = ToTimestamp(concern.resolved());
  out.set_resolver(concern.resolver());
  out.set_outcome(concern.outcome());
  out.set_reassignment(concern.reassignment());
  out.set_survey_response(concern.survey_response());
  return out;
}

v1::SurveyResponse ToResponse(const LetterRow& row) {
  const Letter& letter = row.letter;
  v1::SurveyResponse out;
  out.set_name(ResponseName(row.key, letter));
  out.set_candidate(letter.candidate());
  out.set_state(letter.state());
  if (letter.answered() == 0) return out;
  out.set_relationship_quality(letter.relationship_quality());
  out.set_words(row.words);
  out.set_asks_for_change(letter.asks_for_change());
  *out.mutable_answer_time() = ToTimestamp(letter.answered());
  if (!letter.concern().empty()) out.set_concern(ConcernName(row.key, letter.concern()));
  return out;
}

// What is remembered of a write, and so holds nothing private.
std::string AnswerConcern(const CaseKey& program, const StoredConcern& concern) {
  v1::Concern out = ToConcern(program, concern);
  out.clear_relationship_quality();
  return out.SerializeAsString();
}

}  // namespace

absl::StatusOr<mv1::Program> Concerns::FindProgram(const CaseKey& key) {
  absl::StatusOr<mv1::Program> program = mentor_.GetProgram(ProgramName(key.consortium, key.program));
  if (absl::IsNotFound(program.status())) return NotThere();
  if (!program.ok()) return PeerUnavailable();
  return program;
}

absl::StatusOr<mv1::Candidate> Concerns::FindCandidate(const std::string& name) {
  absl::StatusOr<mv1::Candidate> candidate = mentor_.GetCandidate(name);
  if (absl::IsNotFound(candidate.status())) return NotThere();
  if (!candidate.ok()) return PeerUnavailable();
  return candidate;
}

absl::StatusOr<mv1::Program> Concerns::OwnProgram(const Call& call, const CaseKey& key) {
  REMATCH_ASSIGN_OR_RETURN(mv1::Program program, FindProgram(key));
  access::Owners owners;
  owners.leaders = {program.leader().person(), program.alternate().person()};
  if (!access::MayTouch(call.caller, call.method, owners)) return NotThere();
  return program;
}

absl::StatusOr<ConcernRow> Concerns::OwnConcern(const Call& call, const std::string& name) {
  const std::vector<std::string> ids = *ParseName(name, "consortia/*/programs/*/concerns/*");
  REMATCH_ASSIGN_OR_RETURN(std::optional<ConcernRow> row, reader_.Concern(KeyOf(ids), ids[2]));
  if (!row.has_value()) return NotThere();
  REMATCH_ASSIGN_OR_RETURN(const mv1::Program program, OwnProgram(call, row->key));
  if (!MayRead(program, call.caller.person, row->concern.mentor())) return NotThere();
  return *std::move(row);
}

absl::StatusOr<TaskTerms> Concerns::TermsOf(const mv1::Program& program, const std::string& mentor) {
  REMATCH_ASSIGN_OR_RETURN(const std::optional<TaskTerms> terms, terms_.Of(program, mentor));
  if (terms.has_value()) return *terms;
  return Error(absl::StatusCode::kFailedPrecondition, reason::kNoAlternate, "nobody but the mentor whom it is about leads the program");
}

// --- Concerns ---

void Concerns::RaiseConcern(const Call& call, const v1::RaiseConcernRequest& request, Done<v1::Concern> done) {
  Violations bad;
  const std::vector<std::string> ids = CheckName(bad, "parent", request.parent(), "consortia/*/programs/*/candidates/*");
  CheckText(bad, "words", request.words(), kMaxText, true);
  CheckRequestId(bad, request.request_id());
  if (!bad.empty()) return done(bad.ToStatus());
  calls_.Prepare(call, request, std::move(done), [this, call, request, key = KeyOf(ids)] { return PrepareConcern(call, request, key); });
}

absl::StatusOr<CaseCommand> Concerns::PrepareConcern(const Call& call, const v1::RaiseConcernRequest& request, const CaseKey& key) {
  // A candidate speaks for themself only, and learns nothing of others.
  if (call.caller.role == access::kCandidate && call.caller.person != request.parent()) return NotThere();
  REMATCH_ASSIGN_OR_RETURN(const mv1::Program program, FindProgram(key));
  // Before anything is said of the candidate.
  if (call.caller.role == access::kProgramLeader && !MayRead(program, call.caller.person, "")) return NotThere();
  REMATCH_ASSIGN_OR_RETURN(const mv1::Candidate candidate, FindCandidate(request.parent()));
  if (call.caller.role == access::kProgramLeader && !MayRead(program, call.caller.person, candidate.mentor())) return NotThere();
  if (candidate.has_unenroll_time()) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kCandidateUnenrolled, "the candidate has left the program");
  }
  CaseCommand command = CommandFor(call, key);
  ConcernCommand& raise = command.concern.emplace(ConcernCommand{.what = ConcernCommand::What::kRaise, .reply = AnswerConcern});
  REMATCH_ASSIGN_OR_RETURN(raise.terms, TermsOf(program, candidate.mentor()));
  raise.concern.set_id(ids_.Next());
  raise.concern.set_candidate(request.parent());
  raise.concern.set_source(v1::Concern::RAISED);
  raise.concern.set_author(call.caller.person);
  raise.concern.set_candidate_consents(request.asks_for_change());
  raise.concern.set_mentor(candidate.mentor());
  command.text = request.words();
  return command;
}

void Concerns::ResolveConcern(const Call& call, const v1::ResolveConcernRequest& request, Done<v1::Concern> done) {
  Violations bad;
  CheckName(bad, "name", request.name(), "consortia/*/programs/*/concerns/*");
  if (request.outcome() != v1::Concern::TALKED_OVER && request.outcome() != v1::Concern::NO_ACTION) {
    bad.Add("outcome", "must be TALKED_OVER or NO_ACTION");
  }
  CheckText(bad, "note", request.note(), kMaxText, /*required=*/request.outcome() == v1::Concern::NO_ACTION);
  CheckRequestId(bad, request.request_id());
  if (!bad.empty()) return done(bad.ToStatus());
  calls_.Prepare(call, request, std::move(done), [this, call, request]() -> absl::StatusOr<CaseCommand> {
    REMATCH_ASSIGN_OR_RETURN(const ConcernRow row, OwnConcern(call, request.name()));
    CaseCommand command = CommandFor(call, row.key);
    ConcernCommand& resolve = command.concern.emplace(ConcernCommand{.what = ConcernCommand::What::kResolve, .reply = AnswerConcern});
    resolve.concern.set_id(row.concern.id());
    resolve.concern.set_outcome(request.outcome());
    resolve.concern.set_resolver(call.caller.person);
    command.text = request.note();
    return command;
  });
}

absl::StatusOr<v1::Concern> Concerns::GetConcern(const Call& call, const v1::GetConcernRequest& request) {
  Violations bad;
  CheckName(bad, "name", request.name(), "consortia/*/programs/*/concerns/*");
  if (!bad.empty()) return bad.ToStatus();
  REMATCH_ASSIGN_OR_RETURN(const ConcernRow row, OwnConcern(call, request.name()));
  v1::Concern out = ToConcern(row.key, row.concern);
  out.set_words(row.words);
  out.set_note(row.note);
  return out;
}

absl::StatusOr<v1::ListConcernsResponse> Concerns::ListConcerns(const Call& call, const v1::ListConcernsRequest& request) {
  Violations bad;
  const std::vector<std::string> ids = CheckName(bad, "parent", request.parent(), "consortia/*/programs/*");
  const int page_size = CheckPageSize(bad, request.page_size());
  if (!bad.empty()) return bad.ToStatus();
  const std::string question = QuestionOf(call, {request.parent(), request.open_only() ? "open" : "all"});
  REMATCH_ASSIGN_OR_RETURN(const std::vector<std::string> position, ReadPageToken(question, request.page_token(), 1));
  REMATCH_ASSIGN_OR_RETURN(const mv1::Program program, OwnProgram(call, KeyOf(ids)));
  REMATCH_ASSIGN_OR_RETURN(const std::vector<ConcernRow> rows,
                           reader_.Concerns(KeyOf(ids), MentorOf(program, call.caller.person), request.open_only(),
                                            position.empty() ? "" : position[0], static_cast<size_t>(page_size) + 1));
  v1::ListConcernsResponse response;
  for (const ConcernRow& row : rows) {
    if (response.concerns_size() == page_size) {
      response.set_next_page_token(MakePageToken(question, {IdOf(response.concerns(page_size - 1).name())}));
      break;
    }
    *response.add_concerns() = ToConcern(row.key, row.concern);
  }
  return response;
}

// --- Surveys ---

void Concerns::SendSurvey(const Call& call, const v1::SendSurveyRequest& request, Done<v1::Survey> done) {
  Violations bad;
  const std::vector<std::string> ids = CheckName(bad, "parent", request.parent(), "consortia/*/programs/*");
  if (request.has_open_for()) CheckWindow(bad, "open_for", request.open_for());
  CheckRequestId(bad, request.request_id());
  if (!bad.empty()) return done(bad.ToStatus());
  const CaseKey key = KeyOf(ids);
  if (!request.validate_only()) {
    return calls_.Prepare(call, request, std::move(done), [this, call, request, key] { return PrepareSurvey(call, request, key); });
  }
  const bool queued = blocking_.Run([this, call, request, key, done] {
    const absl::StatusOr<CaseCommand> command = PrepareSurvey(call, request, key);
    if (!command.ok()) return done(command.status());
    v1::Survey survey;
    survey.ParseFromString(command->letter->reply(v1::SubmitSurveyResponseResponse::RESULT_UNSPECIFIED));
    survey.clear_name();
    done(std::move(survey));
  });
  if (!queued) done(QueueFull());
}

absl::StatusOr<CaseCommand> Concerns::PrepareSurvey(const Call& call, const v1::SendSurveyRequest& request, const CaseKey& key) {
  REMATCH_ASSIGN_OR_RETURN(const mv1::Program program, OwnProgram(call, key));
  const absl::StatusOr<std::vector<mv1::Candidate>> candidates = mentor_.ListCandidates(program.name());
  if (!candidates.ok()) return PeerUnavailable();
  REMATCH_ASSIGN_OR_RETURN(const std::shared_ptr<const PolicyRecord> policy, policies_.Of(key.consortium, key.program));
  REMATCH_ASSIGN_OR_RETURN(const CalendarStore::Pointer time, calendars_.Of(program));
  const absl::Time now = clock_.Now();
  CaseCommand command = CommandFor(call, key);
  LetterCommand& letter = command.letter.emplace(LetterCommand{.what = LetterCommand::What::kSurvey});
  letter.survey.set_id(ids_.Next());
  letter.survey.set_kind(v1::Survey::PROGRAM);
  letter.survey.set_sends(ToStored(now));
  letter.survey.set_closes(ToStored(time->EndOfWindow(now, request.has_open_for() ? request.open_for() : DefaultSurveyWindow())));
  letter.survey.set_creator(call.caller.person);
  letter.survey.set_concern_at_or_below(policy->policy.concern_at_or_below());
  for (const mv1::Candidate& candidate : *candidates) {
    // Who has no mentor has nothing to judge; and an answer that nobody else could read is not asked for (F35).
    if (!candidate.mentor().empty() && TermsFor(program, candidate.mentor()).has_value()) {
      letter.candidates.emplace_back(candidate.name(), candidate.mentor());
    }
  }
  if (letter.candidates.empty()) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kNoCandidates,
                 "no candidate of the program has a mentor to be asked about");
  }
  SurveyRow row{.key = key, .survey = letter.survey};
  row.invited = static_cast<int>(letter.candidates.size());
  letter.reply = [row](v1::SubmitSurveyResponseResponse::Result) { return ToSurvey(row).SerializeAsString(); };
  return command;
}

void Concerns::SubmitSurveyResponse(const Call& call, const v1::SubmitSurveyResponseRequest& request,
                                    Done<v1::SubmitSurveyResponseResponse> done) {
  constexpr char kPattern[] = "consortia/*/programs/*/surveys/*/responses/*";
  Violations bad;
  CheckText(bad, "reply_code", request.reply_code(), 1024, false);
  if (request.reply_code().empty()) {
    CheckName(bad, "name", request.name(), kPattern);
  } else if (!request.name().empty()) {
    bad.Add("name", "must be empty beside `reply_code`");
  }
  if (request.relationship_quality() < kWorst || request.relationship_quality() > kBest) {
    bad.Add("relationship_quality", absl::StrCat("must be ", kWorst, " to ", kBest));
  }
  CheckText(bad, "words", request.words(), kMaxText, false);
  CheckRequestId(bad, request.request_id());
  if (!bad.empty()) return done(bad.ToStatus());
  std::string name = request.name();
  if (!request.reply_code().empty()) {
    const absl::StatusOr<ReplyCode> code = codes_.Parse(request.reply_code());
    if (!code.ok()) return done(code.status());
    name = code->case_name;
  }
  const std::optional<std::vector<std::string>> ids = ParseName(name, kPattern);
  if (!ids.has_value()) return done(Error(absl::StatusCode::kInvalidArgument, reason::kBadReplyCode, "not a code of a survey"));
  calls_.Prepare(call, request, std::move(done), [this, call, request, response = *ids] { return PrepareAnswer(call, request, response); });
}

absl::StatusOr<CaseCommand> Concerns::PrepareAnswer(const Call& call, const v1::SubmitSurveyResponseRequest& request,
                                                    const std::vector<std::string>& response) {
  const CaseKey key = KeyOf(response);
  const std::string name = absl::StrCat(ProgramName(key.consortium, key.program), "/candidates/", response[3]);
  // A code is the right, whoever brings it: it speaks for the candidate it was sent to.
  const bool by_name = request.reply_code().empty();
  const bool by_leader = by_name && call.caller.role == access::kProgramLeader;
  if (by_name && !by_leader && call.caller.person != name) return NotThere();
  REMATCH_ASSIGN_OR_RETURN(const mv1::Program program, FindProgram(key));
  const std::string letter = SurveyLetterId(response[2], name);
  REMATCH_ASSIGN_OR_RETURN(const std::optional<LetterRow> row, reader_.FindLetter(key, letter));
  if (!row.has_value()) return NotThere();
  // Whom they were asked about, whoever is their mentor by now.
  if (by_leader && !MayRead(program, call.caller.person, row->letter.mentor())) return NotThere();
  CaseCommand command = CommandFor(call, key);
  LetterCommand& answer = command.letter.emplace(LetterCommand{.what = LetterCommand::What::kAnswer, .letter = letter});
  answer.by_leader = by_leader;
  REMATCH_ASSIGN_OR_RETURN(answer.terms, TermsOf(program, row->letter.mentor()));
  answer.relationship_quality = request.relationship_quality();
  answer.asks_for_change = request.asks_for_change();
  answer.concern = ids_.Next();
  answer.reply = [](v1::SubmitSurveyResponseResponse::Result result) {
    v1::SubmitSurveyResponseResponse out;
    out.set_result(result);
    return out.SerializeAsString();
  };
  command.text = request.words();
  return command;
}

absl::StatusOr<v1::ListSurveysResponse> Concerns::ListSurveys(const Call& call, const v1::ListSurveysRequest& request) {
  Violations bad;
  const std::vector<std::string> ids = CheckName(bad, "parent", request.parent(), "consortia/*/programs/*");
  const int page_size = CheckPageSize(bad, request.page_size());
  if (!bad.empty()) return bad.ToStatus();
  const std::string question = QuestionOf(call, {request.parent()});
  REMATCH_ASSIGN_OR_RETURN(const std::vector<std::string> position, ReadPageToken(question, request.page_token(), 1));
  REMATCH_ASSIGN_OR_RETURN(const mv1::Program program, OwnProgram(call, KeyOf(ids)));
  REMATCH_ASSIGN_OR_RETURN(const std::vector<SurveyRow> rows,
                           reader_.Surveys(KeyOf(ids), MentorOf(program, call.caller.person), position.empty() ? "" : position[0],
                                           static_cast<size_t>(page_size) + 1));
  v1::ListSurveysResponse response;
  for (const SurveyRow& row : rows) {
    if (response.surveys_size() == page_size) {
      response.set_next_page_token(MakePageToken(question, {IdOf(response.surveys(page_size - 1).name())}));
      break;
    }
    *response.add_surveys() = ToSurvey(row);
  }
  return response;
}

absl::StatusOr<v1::ListSurveyResultsResponse> Concerns::ListSurveyResults(const Call& call, const v1::ListSurveyResultsRequest& request) {
  Violations bad;
  const std::vector<std::string> ids = CheckName(bad, "parent", request.parent(), "consortia/*/programs/*/surveys/*");
  const int page_size = CheckPageSize(bad, request.page_size());
  if (!bad.empty()) return bad.ToStatus();
  const std::string question = QuestionOf(call, {request.parent()});
  REMATCH_ASSIGN_OR_RETURN(const std::vector<std::string> position, ReadPageToken(question, request.page_token(), 1));
  REMATCH_ASSIGN_OR_RETURN(const mv1::Program program, OwnProgram(call, KeyOf(ids)));
  REMATCH_ASSIGN_OR_RETURN(const std::optional<SurveyRow> survey,
                           reader_.Survey(KeyOf(ids), MentorOf(program, call.caller.person), ids[2]));
  if (!survey.has_value()) return NotThere();
  REMATCH_ASSIGN_OR_RETURN(const std::vector<LetterRow> rows,
                           reader_.Responses(KeyOf(ids), ids[2], MentorOf(program, call.caller.person), position.empty() ? "" : position[0],
                                             static_cast<size_t>(page_size) + 1));
  v1::ListSurveyResultsResponse response;
  *response.mutable_survey() = ToSurvey(*survey);
  for (const LetterRow& row : rows) {
    if (response.responses_size() == page_size) {
      response.set_next_page_token(MakePageToken(question, {response.responses(page_size - 1).candidate()}));
      break;
    }
    *response.add_responses() = ToResponse(row);
  }
  return response;
}

void Concerns::RecordLetterTold(const Call& call, const v1::RecordLetterToldRequest& request, Done<v1::Task> done) {
  Violations bad;
  const std::vector<std::string> ids = CheckName(bad, "name", request.name(), "consortia/*/programs/*/candidates/*/tasks/*");
  CheckRequestId(bad, request.request_id());
  if (!bad.empty()) return done(bad.ToStatus());
  CaseCommand command = CommandFor(call, KeyOf(ids));
  command.candidate_task =
      CandidateTask{.what = CandidateTask::What::kTold,
                    .candidate = request.name().substr(0, request.name().rfind("/tasks/")),
                    .task = ids[3],
                    .reply = [](const CaseKey& key, const Task& task) { return ToTask(key, task).SerializeAsString(); }};
  calls_.Submit(call, request, std::move(command), std::move(done));
}

}  // namespace rematch::request
