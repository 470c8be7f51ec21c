#include "request-service/loops/roster_follower.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "platform/validation.h"
#include "request-service/domain/case_view.h"

namespace rematch::request {
namespace {

namespace mv1 = mentor::v1;

// "consortia/x" of a name below it.
std::string ConsortiumIn(std::string_view name) {
  const size_t begin = name.find('/') + 1;
  return std::string(name.substr(begin, name.find('/', begin) - begin));
}

}  // namespace

absl::StatusOr<std::vector<RosterFollower::Reported>> RosterFollower::CommandsOf(const std::vector<Change>& page) {
  std::map<std::string, std::vector<std::string>> candidates;
  for (const Change& change : page) {
    if (!change.candidate().empty()) candidates[ConsortiumIn(change.candidate())].push_back(change.candidate());
  }
  std::map<std::string, CaseReader::Standing> standings;
  for (const auto& [consortium, names] : candidates) {
    REMATCH_ASSIGN_OR_RETURN(standings[consortium], reader_.StandingOf(consortium, names));
  }
  std::map<std::string, bool> welcomes;  // by program: an import is many new candidates of few
  std::vector<Reported> reported;
  for (const Change& change : page) {
    if (change.kind() == Change::MENTOR_LEFT) {
      REMATCH_RETURN_IF_ERROR(AddMentorLeft(change, reported));
    } else if (change.kind() == Change::CALENDAR_CHANGED) {
      REMATCH_RETURN_IF_ERROR(AddCalendarChanged(change, reported));
    } else if (change.kind() == Change::CANDIDATE_ADDED) {
      REMATCH_RETURN_IF_ERROR(AddNewCandidate(change, welcomes, reported));
    } else if (change.kind() == Change::CANDIDATE_LEFT || change.kind() == Change::ASSIGNMENT_CHANGED ||
               change.kind() == Change::DO_NOT_PAIR_ADDED) {
      REMATCH_RETURN_IF_ERROR(AddOfCandidate(change, standings[ConsortiumIn(change.candidate())], reported));
    }
  }
  return reported;
}

absl::Status RosterFollower::AddMentorLeft(const Change& change, std::vector<Reported>& reported) {
  const std::optional<std::vector<std::string>> program = ParseName(change.program(), "consortia/*/programs/*");
  if (!program.has_value()) return absl::OkStatus();
  REMATCH_ASSIGN_OR_RETURN(const std::vector<CaseKey> open, reader_.OpenCases((*program)[0], (*program)[1]));
  for (const CaseKey& key : open) {
    Reported& left = reported.emplace_back(Reported{.position = change.position(), .command = FactFor(key)});
    left.command.command.mutable_mentor_left()->set_mentor(change.mentor());
  }
  return absl::OkStatus();
}

// F37.
absl::Status RosterFollower::AddCalendarChanged(const Change& change, std::vector<Reported>& reported) {
  const std::optional<std::vector<std::string>> ids = ParseName(change.program(), "consortia/*/programs/*");
  if (!ids.has_value()) return absl::OkStatus();
  const absl::StatusOr<mv1::Program> program = mentor_.GetProgram(change.program());
  if (absl::IsNotFound(program.status())) return absl::OkStatus();
  REMATCH_RETURN_IF_ERROR(program.status());
  REMATCH_ASSIGN_OR_RETURN(const std::string calendar, calendars_.Keep(*program));
  Reported& of_candidates = reported.emplace_back(
      Reported{.position = change.position(), .command = FactFor({.consortium = (*ids)[0], .program = (*ids)[1], .id = ""})});
  of_candidates.command.candidate_task = CandidateTask{
      .what = CandidateTask::What::kCalendarChanged, .program = *program, .calendar = calendar, .time_zone = program->time_zone()};
  REMATCH_ASSIGN_OR_RETURN(const std::vector<CaseKey> cases, reader_.CasesWithDeadlines((*ids)[0], (*ids)[1]));
  for (const CaseKey& key : cases) {
    Reported& changed = reported.emplace_back(Reported{.position = change.position(), .command = FactFor(key)});
    changed.command.command.mutable_calendar_changed()->set_calendar(calendar);
    changed.command.command.mutable_calendar_changed()->set_time_zone(program->time_zone());
  }
  return absl::OkStatus();
}

// F1.
absl::Status RosterFollower::AddNewCandidate(const Change& change, std::map<std::string, bool>& welcomes, std::vector<Reported>& reported) {
  const std::optional<std::vector<std::string>> ids = ParseName(change.candidate(), "consortia/*/programs/*/candidates/*");
  if (!ids.has_value()) return absl::OkStatus();
  const auto [known, is_new] = welcomes.try_emplace(change.program());
  if (is_new) {
    REMATCH_ASSIGN_OR_RETURN(const std::shared_ptr<const PolicyRecord> policy, policies_.Of((*ids)[0], (*ids)[1]));
    known->second = policy->policy.welcome_letter();
  }
  if (known->second) AddLetter(change, *ids, LetterCommand::What::kWelcome, reported);
  return absl::OkStatus();
}

void RosterFollower::AddLetter(const Change& change, const std::vector<std::string>& ids, LetterCommand::What what,
                               std::vector<Reported>& reported) {
  CaseCommand command = FactFor({.consortium = ids[0], .program = ids[1], .id = ""});
  command.letter = LetterCommand{.what = what, .candidate = change.candidate(), .assignment = change.assignment()};
  reported.push_back({.position = change.position(), .command = std::move(command)});
}

absl::Status RosterFollower::AddOfCandidate(const Change& change, CaseReader::Standing& standing, std::vector<Reported>& reported) {
  const std::optional<std::vector<std::string>> ids = ParseName(change.candidate(), "consortia/*/programs/*/candidates/*");
  if (!ids.has_value()) return absl::OkStatus();
  if (change.kind() == Change::CANDIDATE_LEFT) AddLetter(change, *ids, LetterCommand::What::kCandidateLeft, reported);
  if (change.kind() == Change::ASSIGNMENT_CHANGED) AddLetter(change, *ids, LetterCommand::What::kReassigned, reported);
  const CaseKey program = {.consortium = (*ids)[0], .program = (*ids)[1], .id = ""};
  const auto case_id = standing.open_cases.find(change.candidate());
  const bool has_case = case_id != standing.open_cases.end();
  // Whoever has had a mentor since, however short, is without one for another reason.
  const bool is_settled =
      standing.with_task.contains((*ids)[2]) && (change.kind() == Change::CANDIDATE_LEFT || !change.assignment().empty());
  // What the case itself did is no news to it.
  const bool is_own =
      has_case && absl::StartsWith(change.seat(), absl::StrCat("consortia/", program.consortium, "/seats/", case_id->second, "."));
  const bool concerns_case = has_case && !is_own;
  if (!concerns_case && !is_settled && !change.mentor_left()) return absl::OkStatus();

  const absl::StatusOr<mv1::Candidate> candidate = mentor_.GetCandidate(change.candidate());
  if (absl::IsNotFound(candidate.status())) return absl::OkStatus();
  REMATCH_RETURN_IF_ERROR(candidate.status());
  const auto add = [&](CaseCommand command) { reported.push_back({.position = change.position(), .command = std::move(command)}); };
  const auto fact = [&] { return FactFor({.consortium = program.consortium, .program = program.program, .id = case_id->second}); };
  const bool has_left = candidate->has_unenroll_time();
  if (concerns_case && change.kind() == Change::DO_NOT_PAIR_ADDED) {
    const auto& apart = candidate->do_not_pair();
    if (std::find(apart.begin(), apart.end(), change.mentor()) != apart.end()) {
      CaseCommand command = fact();
      command.command.mutable_do_not_pair()->set_mentor(change.mentor());
      add(std::move(command));
    }
  } else if (concerns_case) {
    CaseCommand command = fact();
    if (has_left) {
      command.command.mutable_candidate_left();
    } else {
      command.command.mutable_assignment_changed()->set_assignment(candidate->assignment());
      command.command.mutable_assignment_changed()->set_mentor(candidate->mentor());
    }
    add(std::move(command));
  }
  CaseCommand command = FactFor(program);
  if (change.mentor_left() && candidate->mentor().empty() && !has_left) {
    REMATCH_ASSIGN_OR_RETURN(command.candidate_task, MentorLeftTask(change));
    add(std::move(command));
    standing.with_task.insert((*ids)[2]);
  } else if (is_settled) {
    command.candidate_task = CandidateTask{.what = CandidateTask::What::kSettled, .candidate = change.candidate()};
    add(std::move(command));
  }
  return absl::OkStatus();
}

absl::StatusOr<CandidateTask> RosterFollower::MentorLeftTask(const Change& change) {
  REMATCH_ASSIGN_OR_RETURN(const mv1::Program program, mentor_.GetProgram(change.program()));
  REMATCH_ASSIGN_OR_RETURN(const std::optional<TaskTerms> terms, terms_.Of(program, ""));
  CandidateTask task = {.what = CandidateTask::What::kMentorLeft, .candidate = change.candidate()};
  if (terms.has_value()) task.terms = *terms;
  return task;
}

}  // namespace rematch::request
