#include "request-service/store/letter_batch.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/errors.h"
#include "platform/sql/rows.h"
#include "request-service/domain/case_view.h"
#include "request-service/domain/reasons.h"

namespace rematch::request {
namespace {

using sql::Bytes;
using sql::RowWriter;
using What = LetterCommand::What;

Task NewTask(const CaseKey& program, const Letter& letter) {
  Task task;
  task.set_id(LetterTaskId(letter.id()));
  task.set_kind(letter.kind() == Letter::CHECK_IN_SURVEY ? v1::CHECK_IN : v1::TELL_CANDIDATE);
  task.set_about(letter.candidate());
  if (!letter.survey().empty()) task.set_subject(ResponseName(program, letter));
  return task;
}

}  // namespace

absl::Status LetterBatch::Load(absl::Span<CaseCommand* const> commands) {
  std::set<Id> ids;
  std::set<Id> candidates;
  std::map<Id, const CaseCommand*> welcomed;
  for (const CaseCommand* command : commands) {
    if (!command->letter.has_value()) continue;
    const LetterCommand& asked = *command->letter;
    const std::string& consortium = command->key.consortium;
    if (asked.what == What::kCandidateLeft || asked.what == What::kReassigned) {
      candidates.emplace(consortium, asked.candidate);
    } else if (asked.what == What::kWelcome) {
      welcomed[{consortium, WelcomeId(asked.candidate)}] = command;
    } else if (asked.what != What::kSurvey) {  // one that is sent has an id of its own
      ids.emplace(consortium, asked.letter);
    }
  }
  // Every replica follows the feed: two that hear of a candidate at once meet at this row.
  RowWriter insert("INSERT IGNORE INTO letters (consortium, id, program, candidate, survey, mentor, state, letter, words)", 9);
  for (const auto& [id, command] : welcomed) {
    insert.Add({id.first, id.second, command->key.program, command->letter->candidate, std::string(), std::string(), int64_t{0}, Bytes{},
                Bytes{}});
    ids.insert(id);
  }
  REMATCH_RETURN_IF_ERROR(insert.Write(tx_));
  if (!candidates.empty()) {
    // Those of a candidate are few, and once found they are locked in the order of all others.
    const auto [where, values] = WhereIds("candidate", candidates);
    REMATCH_ASSIGN_OR_RETURN(const std::vector<sql::Row> rows,
                             tx_.Query(absl::StrCat("SELECT consortium, id FROM letters WHERE ", where), values));
    for (const sql::Row& row : rows) ids.emplace(row.Text(0), row.Text(1));
  }
  if (ids.empty()) return absl::OkStatus();
  const auto [where, values] = WhereIds("id", ids);
  REMATCH_ASSIGN_OR_RETURN(const std::vector<sql::Row> rows,
                           tx_.Query(absl::StrCat("SELECT consortium, id, program, letter, words FROM letters WHERE ", where,
                                                  " ORDER BY consortium, id FOR UPDATE"),
                                     values));
  for (const sql::Row& row : rows) {
    Row& one = rows_[{row.Text(0), row.Text(1)}];
    one.key = {.consortium = row.Text(0), .program = row.Text(2), .id = ""};
    if (!one.letter.ParseFromString(row.Text(3))) return sql::StoreError(sql::Failure::kSplit, "a stored letter cannot be read");
    one.words = row.Text(4);
  }
  return absl::OkStatus();
}

void LetterBatch::AddTasks(std::set<Id>& tasks) const {
  for (const auto& [id, row] : rows_) tasks.emplace(id.first, LetterTaskId(id.second));
}

LetterBatch::Row* LetterBatch::Find(const CaseCommand& command) {
  const auto found = rows_.find({command.key.consortium, command.letter->letter});
  return found == rows_.end() || found->second.key.program != command.key.program ? nullptr : &found->second;
}

absl::StatusOr<std::string> LetterBatch::Apply(const CaseCommand& command) {
  const LetterCommand& asked = *command.letter;
  switch (asked.what) {
    case What::kWelcome:
      Welcome(command);
      return "";
    case What::kSurvey:
      SendSurvey(command);
      return asked.reply ? asked.reply(v1::SubmitSurveyResponseResponse::RESULT_UNSPECIFIED) : "";
    case What::kCandidateLeft:
    case What::kReassigned:
      for (auto& [id, row] : rows_) {
        if (id.first == command.key.consortium && row.letter.candidate() == asked.candidate) CallOff(asked, row);
      }
      return "";
    default:
      break;
  }
  Row* row = Find(command);
  if (row == nullptr) return Error(absl::StatusCode::kNotFound, reason::kNotFound, "no such letter");
  switch (asked.what) {
    case What::kHandedOver:
      HandedOver(command, *row);
      return "";
    case What::kNotWanted:
      if (row->letter.state() == v1::SurveyResponse::PLANNED) SetState(*row, v1::SurveyResponse::NOT_SENT);
      return "";
    case What::kFailed:
      Failed(command, *row);
      return "";
    default:
      return Answer(command, *row);
  }
}

void LetterBatch::Make(const CaseKey& key, Letter letter) {
  letter.set_created(now_);
  letter.set_state(v1::SurveyResponse::PLANNED);
  const Id id = {key.consortium, letter.id()};
  rows_[id] = {.key = key, .letter = std::move(letter), .words = {}, .changed = true};
}

void LetterBatch::MakeSurvey(const CaseKey& key, StoredSurvey survey) {
  const Id id = {key.consortium, survey.id()};
  surveys_[id] = {key.program, std::move(survey)};
}

// Once, however often the feed reports them.
void LetterBatch::Welcome(const CaseCommand& command) {
  Letter letter;
  letter.set_id(WelcomeId(command.letter->candidate));
  letter.set_kind(Letter::WELCOME);
  letter.set_candidate(command.letter->candidate);
  if (!rows_.at({command.key.consortium, letter.id()}).letter.id().empty()) return;
  to_send_.emplace_back(command.key, letter.id());
  Make(command.key, std::move(letter));
}

void LetterBatch::SendSurvey(const CaseCommand& command) {
  const StoredSurvey& survey = command.letter->survey;
  MakeSurvey(command.key, survey);
  for (const auto& [candidate, mentor] : command.letter->candidates) {
    Letter letter;
    letter.set_id(SurveyLetterId(survey.id(), candidate));
    letter.set_kind(Letter::MID_YEAR_SURVEY);
    letter.set_candidate(candidate);
    letter.set_survey(survey.id());
    letter.set_mentor(mentor);
    letter.set_closes(survey.closes());
    letter.set_concern_at_or_below(survey.concern_at_or_below());
    // Whoever has room takes some at a time: they are many, and nobody's case waits behind them.
    planned_.push_back({.key = command.key, .letter = letter.id(), .due = now_});
    Make(command.key, std::move(letter));
  }
}

void LetterBatch::PlanCheckIn(const CaseKey& key, const Case& c, int concern_at_or_below, int64_t at, int64_t closes) {
  const CaseKey program = {.consortium = key.consortium, .program = key.program, .id = ""};
  StoredSurvey survey;
  survey.set_id(key.id);
  survey.set_kind(v1::Survey::CHECK_IN);
  survey.set_sends(at);
  survey.set_closes(closes);
  survey.set_concern_at_or_below(concern_at_or_below);
  survey.set_reassignment(key.Name());
  MakeSurvey(program, std::move(survey));
  Letter letter;
  letter.set_id(SurveyLetterId(key.id, c.candidate()));
  letter.set_kind(Letter::CHECK_IN_SURVEY);
  letter.set_candidate(c.candidate());
  letter.set_survey(key.id);
  letter.set_closes(closes);
  letter.set_concern_at_or_below(concern_at_or_below);
  letter.set_assignment(c.new_assignment());
  if (const Offer* match = FindOffer(c, c.proposed_offer()); match != nullptr) letter.set_mentor(match->mentor());
  planned_.push_back({.key = program, .letter = letter.id(), .due = at});
  Make(program, std::move(letter));
}

void LetterBatch::HandedOver(const CaseCommand& command, Row& row) {
  const LetterCommand& asked = *command.letter;
  Letter& letter = row.letter;
  if (letter.state() == v1::SurveyResponse::ANSWERED || letter.state() == v1::SurveyResponse::NOT_SENT || letter.has_terms()) return;
  if (asked.terms.has_value()) *letter.mutable_terms() = *asked.terms;
  if (asked.closes != 0) letter.set_closes(asked.closes);
  row.changed = true;
  // The feed may have been faster.
  if (letter.state() == v1::SurveyResponse::UNDELIVERABLE) return OpenTask(row, "BOUNCED");
  SetState(row, v1::SurveyResponse::INVITED);
  if (letter.kind() == Letter::CHECK_IN_SURVEY) OpenTask(row, "");
}

void LetterBatch::Failed(const CaseCommand& command, Row& row) {
  if (row.letter.state() != v1::SurveyResponse::PLANNED && row.letter.state() != v1::SurveyResponse::INVITED) return;
  if (command.letter->terms.has_value()) *row.letter.mutable_terms() = *command.letter->terms;
  SetState(row, v1::SurveyResponse::UNDELIVERABLE);
  OpenTask(row, command.letter->cause);
}

void LetterBatch::SetState(Row& row, v1::SurveyResponse::State state) {
  row.letter.set_state(state);
  row.changed = true;
}

void LetterBatch::OpenTask(const Row& row, const std::string& cause) {
  if (!row.letter.has_terms()) return;
  Task task = NewTask(row.key, row.letter);
  task.set_cause(cause);
  tasks_.Open(row.key, std::move(task), row.letter.terms());
}

void LetterBatch::CallOff(const LetterCommand& asked, Row& row) {
  // One that waits for its day is looked at then: what the feed tells now may be from before it was planned.
  const bool is_moot = asked.what == What::kCandidateLeft ||
                       (row.letter.kind() == Letter::CHECK_IN_SURVEY && row.letter.state() != v1::SurveyResponse::PLANNED &&
                        row.letter.assignment() != asked.assignment);
  if (!is_moot) return;
  EndTask(row);
  // Its effect finds that there is nothing to do.
  if (row.letter.state() == v1::SurveyResponse::PLANNED) SetState(row, v1::SurveyResponse::NOT_SENT);
}

absl::StatusOr<std::string> LetterBatch::Answer(const CaseCommand& command, Row& row) {
  using Response = v1::SubmitSurveyResponseResponse;
  const LetterCommand& asked = *command.letter;
  Letter& letter = row.letter;
  if (letter.survey().empty()) return Error(absl::StatusCode::kNotFound, reason::kNotFound, "no such survey");
  const bool answered_before = letter.answered() != 0;
  const Response::Result result = ResultOf(letter,
                                           {.relationship_quality = asked.relationship_quality,
                                            .asks_for_change = asked.asks_for_change,
                                            .same_words = row.words == command.text,
                                            .by_leader = asked.by_leader},
                                           now_);
  if (result == Response::RECORDED && !answered_before) {
    SetState(row, v1::SurveyResponse::ANSWERED);
    letter.set_answered(now_);
    letter.set_relationship_quality(asked.relationship_quality);
    letter.set_asks_for_change(asked.asks_for_change);
    row.words = command.text;
    EndTask(row);
    if (GivesConcern(letter) && asked.terms.has_value()) {
      letter.set_concern(asked.concern);
      StoredConcern concern;
      concern.set_id(asked.concern);
      concern.set_candidate(letter.candidate());
      concern.set_source(letter.kind() == Letter::CHECK_IN_SURVEY ? v1::Concern::CHECK_IN_SURVEY : v1::Concern::SURVEY);
      concern.set_relationship_quality(letter.relationship_quality());
      concern.set_candidate_consents(letter.asks_for_change());
      concern.set_mentor(letter.mentor());
      concern.set_survey_response(ResponseName(row.key, letter));
      concerns_.Raise(row.key, std::move(concern), row.words, *asked.terms);
    }
  }
  return asked.reply ? asked.reply(result) : "";
}

void LetterBatch::EndTask(const Row& row) { tasks_.End({row.key.consortium, LetterTaskId(row.letter.id())}); }

absl::Status LetterBatch::Save() {
  RowWriter surveys("INSERT INTO surveys (consortium, id, program, survey)", 4);
  for (const auto& [id, survey] : surveys_) {
    surveys.Add({id.first, id.second, survey.first, Bytes{survey.second.SerializeAsString()}});
  }
  REMATCH_RETURN_IF_ERROR(surveys.Write(tx_));
  RowWriter letters("INSERT INTO letters (consortium, id, program, candidate, survey, mentor, state, letter, words)", 9,
                    " ON DUPLICATE KEY UPDATE mentor = VALUES(mentor), state = VALUES(state), letter = VALUES(letter),"
                    " words = VALUES(words)");
  for (const auto& [id, row] : rows_) {
    if (!row.changed) continue;
    letters.Add({id.first, id.second, row.key.program, row.letter.candidate(), row.letter.survey(), row.letter.mentor(),
                 int64_t{row.letter.state()}, Bytes{row.letter.SerializeAsString()}, Bytes{row.words}});
  }
  REMATCH_RETURN_IF_ERROR(letters.Write(tx_));
  // Whoever is there on that day takes it. It is no older than its day.
  RowWriter effects(
      "INSERT INTO effects (consortium, id, program, case_id, due, owner, epoch, created, attempts, refusals, poison, effect)", 12);
  for (const Planned& planned : planned_) {
    Effect effect;
    effect.mutable_send_letter()->set_letter(planned.letter);
    effects.Add({planned.key.consortium, LetterEffectId(planned.key.consortium, planned.letter), planned.key.program, std::string(),
                 planned.due, std::string(), int64_t{1}, planned.due, int64_t{0}, int64_t{0}, int64_t{0},
                 Bytes{effect.SerializeAsString()}});
  }
  return effects.Write(tx_);
}

}  // namespace rematch::request
