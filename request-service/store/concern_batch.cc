#include "request-service/store/concern_batch.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/errors.h"
#include "platform/sql/rows.h"
#include "request-service/domain/case_view.h"
#include "request-service/domain/reasons.h"

namespace rematch::request {
namespace {

using sql::Bytes;

absl::Status NoConcern() { return Error(absl::StatusCode::kNotFound, reason::kNotFound, "no such concern"); }

}  // namespace

absl::Status ConcernBatch::Load(absl::Span<CaseCommand* const> commands) {
  std::set<Id> ids;
  for (const CaseCommand* command : commands) {
    if (command->concern.has_value() && command->concern->what != ConcernCommand::What::kRaise) {
      ids.emplace(command->key.consortium, command->concern->concern.id());
    }
  }
  if (ids.empty()) return absl::OkStatus();
  const auto [where, values] = WhereIds("id", ids);
  REMATCH_ASSIGN_OR_RETURN(const std::vector<sql::Row> rows,
                           tx_.Query(absl::StrCat("SELECT consortium, program, concern, words, note FROM concerns WHERE ", where,
                                                  " ORDER BY consortium, id FOR UPDATE"),
                                     values));
  for (const sql::Row& row : rows) {
    StoredConcern concern;
    if (!concern.ParseFromString(row.Text(2))) return sql::StoreError(sql::Failure::kSplit, "a stored concern cannot be read");
    Row& one = rows_[{row.Text(0), concern.id()}];
    one = {.key = {.consortium = row.Text(0), .program = row.Text(1), .id = ""},
           .concern = std::move(concern),
           .words = row.Text(3),
           .note = row.Text(4)};
  }
  return absl::OkStatus();
}

void ConcernBatch::AddTasks(std::set<Id>& tasks) const {
  for (const auto& [id, row] : rows_) tasks.emplace(id.first, ConcernTaskId(id.second));
}

ConcernBatch::Row* ConcernBatch::Find(const CaseCommand& command) {
  const auto found = rows_.find({command.key.consortium, command.concern->concern.id()});
  return found == rows_.end() || found->second.key.program != command.key.program ? nullptr : &found->second;
}

absl::StatusOr<std::string> ConcernBatch::Apply(const CaseCommand& command) {
  const ConcernCommand& asked = *command.concern;
  const CaseKey program = {.consortium = command.key.consortium, .program = command.key.program, .id = ""};
  if (asked.what == ConcernCommand::What::kRaise) {
    const StoredConcern& raised = Raise(program, asked.concern, command.text, asked.terms);
    return asked.reply ? asked.reply(program, raised) : "";
  }
  Row* row = Find(command);
  if (row == nullptr) return NoConcern();
  REMATCH_RETURN_IF_ERROR(Resolve(row->concern, asked.concern.outcome(), asked.concern.resolver(), now_));
  row->note = command.text;
  row->changed = true;
  EndTask(*row);
  return asked.reply ? asked.reply(program, row->concern) : "";
}

const StoredConcern& ConcernBatch::Raise(const CaseKey& program, StoredConcern concern, std::string words, const TaskTerms& terms) {
  concern.set_created(now_);
  concern.set_owner(terms.owner());
  Task task;
  task.set_id(ConcernTaskId(concern.id()));
  task.set_kind(v1::RESOLVE_CONCERN);
  task.set_about(concern.candidate());
  task.set_subject(ConcernName(program, concern.id()));
  tasks_.Open(program, std::move(task), terms);
  Row& row = rows_[{program.consortium, concern.id()}];
  row = {.key = program, .concern = std::move(concern), .words = std::move(words), .note = {}, .changed = true};
  return row.concern;
}

absl::Status ConcernBatch::CheckBecomesCase(const CaseCommand& command) {
  const Row* row = Find(command);
  if (row == nullptr || row->concern.candidate() != command.command.open().candidate()) return NoConcern();
  return request::CheckBecomesCase(row->concern, command.concern->concern.candidate_consents());
}

void ConcernBatch::BecameCase(const CaseCommand& command) {
  Row& row = *Find(command);
  row.concern.set_candidate_consents(true);
  row.concern.set_reassignment(command.key.Name());
  // It was seen to be open.
  Resolve(row.concern, v1::Concern::CASE_OPENED, command.concern->concern.resolver(), now_).IgnoreError();
  row.changed = true;
  EndTask(row);
}

void ConcernBatch::EndTask(const Row& row) { tasks_.End({row.key.consortium, ConcernTaskId(row.concern.id())}); }

absl::Status ConcernBatch::Save() {
  sql::RowWriter writer("INSERT INTO concerns (consortium, id, program, mentor, open, concern, words, note)", 8,
                        " ON DUPLICATE KEY UPDATE open = VALUES(open), concern = VALUES(concern), note = VALUES(note)");
  for (const auto& [id, row] : rows_) {
    if (!row.changed) continue;
    writer.Add({id.first, id.second, row.key.program, row.concern.mentor(), int64_t{row.concern.resolved() == 0},
                Bytes{row.concern.SerializeAsString()}, Bytes{row.words}, Bytes{row.note}});
  }
  return writer.Write(tx_);
}

}  // namespace rematch::request
