#include "request-service/store/candidate_tasks.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "access/access.h"
#include "platform/errors.h"
#include "platform/sql/rows.h"
#include "platform/strings.h"
#include "request-service/domain/case_view.h"
#include "request-service/domain/escalation.h"
#include "request-service/domain/reasons.h"

namespace rematch::request {
namespace {

// Of the column `open`: as tasks of cases have it, and one more.
constexpr int64_t kEnded = 0;
constexpr int64_t kOpen = 1;
constexpr int64_t kCovered = 2;  // by an open case, which the one that a mentor left can be

// The row that a command is about.
Id IdIn(const CaseCommand& command) {
  const CandidateTask& asked = *command.candidate_task;
  return {command.key.consortium, asked.task.empty() ? IdOf(asked.candidate) : asked.task};
}

absl::Status NoTask() { return Error(absl::StatusCode::kNotFound, reason::kTaskNotFound, "the candidate has no such task"); }

}  // namespace

absl::Status CandidateTasks::Load(absl::Span<CaseCommand* const> commands, std::set<Id> others) {
  std::set<Id> ids = std::move(others);
  std::set<Id> programs;
  for (const CaseCommand* command : commands) {
    if (!command->candidate_task.has_value()) continue;
    if (command->candidate_task->what == CandidateTask::What::kCalendarChanged) {
      programs.emplace(command->key.consortium, command->key.program);
    } else {
      ids.insert(IdIn(*command));
    }
  }
  if (!ids.empty()) {
    const auto [where, values] = WhereIds("task", ids);
    REMATCH_RETURN_IF_ERROR(Read(where, values));
  }
  if (!programs.empty()) {
    const auto [where, values] = WhereIds("program", programs);
    REMATCH_RETURN_IF_ERROR(Read(where + " AND open <> 0", values));
  }
  return absl::OkStatus();
}

absl::Status CandidateTasks::Read(std::string_view where, const std::vector<sql::Value>& values) {
  REMATCH_ASSIGN_OR_RETURN(
      const std::vector<sql::Row> rows,
      tx_.Query(absl::StrCat("SELECT consortium, task, program, leader, alternate, open, folded FROM tasks WHERE case_id = '' AND ",
                             ToAbsl(where), " ORDER BY consortium, task FOR UPDATE"),
                values));
  for (const sql::Row& row : rows) {
    Row& one = rows_[{row.Text(0), row.Text(1)}];
    one.key = {.consortium = row.Text(0), .program = row.Text(2), .id = ""};
    one.leader = row.Text(3);
    one.alternate = row.Text(4);
    one.open = row.Int(5);
    if (!one.task.ParseFromString(row.Text(6))) return sql::StoreError(sql::Failure::kSplit, "a stored task cannot be read");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> CandidateTasks::Apply(const CaseCommand& command, bool has_open_case) {
  const CandidateTask& asked = *command.candidate_task;
  switch (asked.what) {
    case CandidateTask::What::kMentorLeft:
      return OnMentorLeft(command, has_open_case);
    case CandidateTask::What::kSettled:
      End(IdIn(command));
      return "";
    case CandidateTask::What::kSnooze: {
      REMATCH_ASSIGN_OR_RETURN(Row* const row, Asked(command));
      if (row->open == kCovered)
        return Error(absl::StatusCode::kFailedPrecondition, reason::kTaskNotOpen, "an open case has taken its place");
      REMATCH_RETURN_IF_ERROR(CheckSnooze(asked.time, FromStored(now_)));
      row->task.set_due(std::max(row->task.due(), asked.time));
      row->task.set_not_before(asked.time);
      row->changed = true;
      return asked.reply ? asked.reply(row->key, row->task) : "";
    }
    case CandidateTask::What::kCalendarChanged:
      break;
    case CandidateTask::What::kTold: {
      REMATCH_ASSIGN_OR_RETURN(Row* const row, Asked(command));
      if (row->task.kind() != v1::TELL_CANDIDATE && row->task.kind() != v1::CHECK_IN) {
        return Error(absl::StatusCode::kFailedPrecondition, reason::kTaskNotACall, "another step ends this task");
      }
      End(IdIn(command));
      return asked.reply ? asked.reply(row->key, row->task) : "";
    }
  }
  return absl::InternalError("an unknown command about a task");
}

absl::StatusOr<std::string> CandidateTasks::OnMentorLeft(const CaseCommand& command, bool has_open_case) {
  const CandidateTask& asked = *command.candidate_task;
  Row& row = rows_[IdIn(command)];
  if (row.key.program == command.key.program && row.open != kEnded) return "";  // it was reported before
  row = {.key = command.key, .leader = asked.terms.leader(), .alternate = asked.terms.alternate(), .task = {}};
  row.task.set_id(IdOf(asked.candidate));
  row.task.set_kind(v1::MENTOR_LEFT);
  row.task.set_owner(asked.terms.owner());
  row.task.set_created(now_);
  row.task.set_due(asked.terms.clock().end());
  *row.task.mutable_clock() = asked.terms.clock();
  row.task.set_about(asked.candidate);
  row.open = has_open_case ? kCovered : kOpen;
  row.changed = true;
  return "";
}

absl::StatusOr<CandidateTasks::Row*> CandidateTasks::Asked(const CaseCommand& command) {
  const auto found = rows_.find(IdIn(command));
  if (found == rows_.end()) return NoTask();
  Row& row = found->second;
  if (row.key.program != command.key.program || row.task.about() != command.candidate_task->candidate || row.open == kEnded)
    return NoTask();
  access::Owners owners;
  owners.leaders = {row.leader, row.alternate};
  owners.acting_leader = row.task.owner();
  if (command.asked.has_value() && !access::MayTouch(command.asked->caller, command.asked->method, owners)) return NoTask();
  return &row;
}

void CandidateTasks::Recount(const CaseCommand& command, const WorkingTime& time) {
  for (auto& [id, row] : rows_) {
    const bool is_theirs = id.first == command.key.consortium && row.key.program == command.key.program;
    if (!is_theirs || row.open == kEnded) continue;
    if (const std::optional<TaskTerms> terms = TermsFor(command.candidate_task->program, row.task.mentor())) {
      row.changed |= row.leader != terms->leader() || row.alternate != terms->alternate();
      row.leader = terms->leader();
      row.alternate = terms->alternate();
      row.task.set_owner(terms->owner());
    }
    // One that was put off is due when whoever did so said.
    if (!row.task.has_clock() || row.task.not_before() != 0) continue;
    Clock& clock = *row.task.mutable_clock();
    const int64_t end = ToStored(time.EndOfWindow(FromStored(clock.from()), clock.window()));
    if (end == row.task.due()) continue;
    clock.set_end(end);
    row.task.set_due(end);
    row.changed = true;
  }
}

void CandidateTasks::Open(const CaseKey& program, Task task, const TaskTerms& terms) {
  Row& row = rows_[{program.consortium, task.id()}];
  task.set_owner(terms.owner());
  task.set_mentor(terms.mentor());
  task.set_created(now_);
  task.set_due(terms.clock().end());
  *task.mutable_clock() = terms.clock();
  row = {.key = program, .leader = terms.leader(), .alternate = terms.alternate(), .task = std::move(task), .open = kOpen, .changed = true};
}

void CandidateTasks::End(const Id& id) {
  const auto found = rows_.find(id);
  if (found == rows_.end() || found->second.open == kEnded) return;
  Row& row = found->second;
  row.task.set_ended(now_);
  row.open = kEnded;
  row.changed = true;
}

void CandidateTasks::CaseOpened(std::string_view consortium, std::string_view candidate) {
  const Id id = {std::string(consortium), IdOf(candidate)};
  opened_.insert(id);
  ended_.erase(id);
  if (const auto row = rows_.find(id); row != rows_.end() && row->second.open == kOpen) {
    row->second.open = kCovered;
    row->second.changed = true;
  }
}

void CandidateTasks::CaseEnded(std::string_view consortium, std::string_view candidate) {
  const Id id = {std::string(consortium), IdOf(candidate)};
  ended_.insert(id);
  opened_.erase(id);
  if (const auto row = rows_.find(id); row != rows_.end() && row->second.open == kCovered) {
    row->second.open = kOpen;
    row->second.changed = true;
  }
}

absl::Status CandidateTasks::Save() {
  REMATCH_RETURN_IF_ERROR(Move(opened_, kOpen, kCovered));
  REMATCH_RETURN_IF_ERROR(Move(ended_, kCovered, kOpen));
  sql::RowWriter writer("INSERT INTO tasks (consortium, case_id, task, program, leader, alternate, open, due, folded)", 9,
                        " ON DUPLICATE KEY UPDATE program = VALUES(program), leader = VALUES(leader), alternate = VALUES(alternate),"
                        " open = VALUES(open), due = VALUES(due), folded = VALUES(folded)");
  for (const auto& [id, row] : rows_) {
    if (!row.changed) continue;
    writer.Add({id.first, "", id.second, row.key.program, row.leader, row.alternate, row.open, row.task.due(),
                sql::Bytes{row.task.SerializeAsString()}});
  }
  return writer.Write(tx_);
}

// Ids of candidates are their consortium's, so each consortium has a statement of its own.
absl::Status CandidateTasks::Move(const std::set<Id>& candidates, int64_t from, int64_t to) {
  for (auto begin = candidates.begin(); begin != candidates.end();) {
    std::set<Id> together;
    for (; begin != candidates.end() && (together.empty() || begin->first == together.begin()->first); ++begin) together.insert(*begin);
    const auto [where, ids] = WhereIds("task", together);
    std::vector<sql::Value> values = {to, from};
    values.insert(values.end(), ids.begin(), ids.end());
    REMATCH_RETURN_IF_ERROR(
        tx_.Execute(absl::StrCat("UPDATE tasks SET open = ? WHERE case_id = '' AND open = ? AND ", where), values).status());
  }
  return absl::OkStatus();
}

}  // namespace rematch::request
