#include "request-service/store/case_reader.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "platform/errors.h"
#include "request-service/domain/case_view.h"
#include "request-service/store/ids.h"

namespace rematch::request {
namespace {

using sql::Row;
using sql::Value;

constexpr char kCaseColumns[] = "SELECT consortium, program, id, events, head_hash, folded FROM cases";

absl::Status Unreadable() { return sql::StoreError(sql::Failure::kSplit, "a stored row cannot be read"); }

absl::StatusOr<StoredCase> ReadCase(Row& row) {
  StoredCase stored{.key = {.consortium = row.Text(0), .program = row.Text(1), .id = row.Text(2)},
                    .events = row.Int(3),
                    .head_hash = row.Text(4),
                    .folded = row.TakeText(5)};
  if (!stored.c.ParseFromString(stored.folded)) return Unreadable();
  return stored;
}

absl::StatusOr<std::optional<StoredCase>> LoadCase(sql::Transaction& tx, const CaseKey& key) {
  REMATCH_ASSIGN_OR_RETURN(std::vector<Row> rows, tx.Query(std::string(kCaseColumns) + " WHERE consortium = ? AND id = ? AND program = ?",
                                                           {key.consortium, key.id, key.program}));
  if (rows.empty()) return std::optional<StoredCase>();
  REMATCH_ASSIGN_OR_RETURN(StoredCase stored, ReadCase(rows[0]));
  return std::optional<StoredCase>(std::move(stored));
}

absl::StatusOr<std::vector<ChainLink>> LoadEvents(sql::Transaction& tx, const CaseKey& key, int64_t after, int64_t limit) {
  REMATCH_ASSIGN_OR_RETURN(std::vector<Row> rows, tx.Query("SELECT sequence, event, hash FROM events WHERE consortium = ? AND case_id = ?"
                                                           " AND sequence > ? ORDER BY sequence LIMIT ?",
                                                           {key.consortium, key.id, after, limit}));
  std::vector<ChainLink> links;
  links.reserve(rows.size());
  for (Row& row : rows) links.push_back({.sequence = row.Int(0), .bytes = row.TakeText(1), .hash = row.Text(2)});
  return links;
}

// Adds the condition for `viewer` on the columns that lists of cases and of tasks have in common.
void AddLeader(std::string& statement, std::vector<Value>& parameters, const Viewer& viewer) {
  if (viewer.leader.empty()) return;
  statement += " AND (leader = ? OR alternate = ?)";
  parameters.emplace_back(viewer.leader);
  parameters.emplace_back(viewer.leader);
}

}  // namespace

absl::Status CaseReader::LookUpAll(sql::Transaction& tx, absl::Span<CaseLookup* const> batch) {
  std::set<Id> ids;
  for (const CaseLookup* lookup : batch) ids.emplace(lookup->key.consortium, lookup->key.id);
  const auto [of_cases, case_ids] = WhereIds("id", ids);
  REMATCH_ASSIGN_OR_RETURN(std::vector<Row> rows,
                           tx.Query(absl::StrCat("SELECT consortium, program, id, events, folded FROM cases WHERE ", of_cases), case_ids));
  absl::flat_hash_map<std::string_view, Row*> by_id;
  for (Row& row : rows) by_id.emplace(row.Text(2), &row);
  absl::flat_hash_map<std::string_view, std::vector<CaseLookup*>> want_texts;
  std::set<Id> with_texts;
  for (CaseLookup* lookup : batch) {
    lookup->found.reset();
    lookup->texts.clear();
    const auto row = by_id.find(lookup->key.id);
    if (row == by_id.end()) continue;
    StoredCase& stored = lookup->found.emplace();
    stored.key = {.consortium = row->second->Text(0), .program = row->second->Text(1), .id = row->second->Text(2)};
    stored.events = row->second->Int(3);
    if (stored.key != lookup->key) {
      lookup->found.reset();
      continue;
    }
    // Several may ask for one case: the row stays as it is.
    if (!stored.c.ParseFromString(row->second->Text(4))) return Unreadable();
    if (!lookup->may_read_texts(stored.c)) continue;
    want_texts[lookup->key.id].push_back(lookup);
    with_texts.emplace(lookup->key.consortium, lookup->key.id);
  }
  if (with_texts.empty()) return absl::OkStatus();
  const auto [of_texts, text_ids] = WhereIds("case_id", with_texts);
  // Sorted here: of several lists the server would copy what it sorts.
  REMATCH_ASSIGN_OR_RETURN(
      std::vector<Row> texts,
      tx.Query(absl::StrCat("SELECT case_id, sequence, time, step, text FROM private_texts WHERE ", of_texts), text_ids));
  std::sort(texts.begin(), texts.end(), [](const Row& a, const Row& b) { return a.Int(1) < b.Int(1); });
  for (const Row& text : texts) {
    for (CaseLookup* lookup : want_texts[text.Text(0)]) {
      // Said since the case was read: of a state that the answer does not show.
      if (text.Int(1) > lookup->found->events) continue;
      lookup->texts.push_back({.time = text.Int(2), .step = text.Text(3), .text = text.Text(4)});
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<StoredCase>> CaseReader::Load(const CaseKey& key) {
  std::optional<StoredCase> stored;
  REMATCH_RETURN_IF_ERROR(database_.ReadEach([&](sql::Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(stored, LoadCase(tx, key));
    return absl::OkStatus();
  }));
  return stored;
}

absl::StatusOr<std::optional<StoredCase>> CaseReader::LoadTogether(const CaseKey& key) {
  struct Waiter {
    absl::Mutex mutex;
    std::optional<absl::StatusOr<std::optional<StoredCase>>> result ABSL_GUARDED_BY(mutex);
  };
  auto waiter = std::make_shared<Waiter>();
  LookUp(absl::InfiniteFuture(), {.key = key, .may_read_texts = [](const Case&) { return false; }},
         [waiter](const absl::Status& status, CaseLookup& lookup) {
           absl::MutexLock lock(&waiter->mutex);
           if (status.ok()) {
             waiter->result = std::move(lookup.found);
           } else {
             waiter->result = status;
           }
         });
  absl::MutexLock lock(&waiter->mutex);
  const auto done = [&waiter]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(waiter->mutex) { return waiter->result.has_value(); };
  waiter->mutex.Await(absl::Condition(&done));
  return *std::move(waiter->result);
}

absl::StatusOr<std::vector<StoredCase>> CaseReader::List(std::string_view consortium, std::string_view program, const Viewer& viewer,
                                                         bool open_only, std::string_view candidate, std::string_view before,
                                                         size_t limit) {
  std::string statement = std::string(kCaseColumns) + " WHERE consortium = ? AND program = ?";
  std::vector<Value> parameters = {std::string(consortium), std::string(program)};
  AddLeader(statement, parameters, viewer);
  for (const std::string_view only : {std::string_view(viewer.candidate), candidate}) {
    if (only.empty()) continue;
    statement += " AND candidate = ?";
    parameters.emplace_back(std::string(only));
  }
  if (open_only) statement += " AND open = 1";
  if (!before.empty()) {
    statement += " AND id < ?";
    parameters.emplace_back(std::string(before));
  }
  statement += " ORDER BY id DESC LIMIT ?";
  parameters.emplace_back(static_cast<int64_t>(limit));
  std::vector<StoredCase> cases;
  REMATCH_RETURN_IF_ERROR(database_.ReadEach([&](sql::Transaction& tx) -> absl::Status {
    cases.clear();
    REMATCH_ASSIGN_OR_RETURN(std::vector<Row> rows, tx.Query(statement, parameters));
    for (Row& row : rows) {
      REMATCH_ASSIGN_OR_RETURN(StoredCase stored, ReadCase(row));
      cases.push_back(std::move(stored));
    }
    return absl::OkStatus();
  }));
  return cases;
}

absl::StatusOr<std::vector<StoredText>> CaseReader::Texts(const CaseKey& key) {
  std::vector<StoredText> texts;
  REMATCH_RETURN_IF_ERROR(database_.ReadEach([&](sql::Transaction& tx) -> absl::Status {
    texts.clear();
    REMATCH_ASSIGN_OR_RETURN(std::vector<Row> rows,
                             tx.Query("SELECT time, step, text FROM private_texts WHERE consortium = ? AND case_id = ?"
                                      " ORDER BY sequence",
                                      {key.consortium, key.id}));
    for (Row& row : rows) texts.push_back({.time = row.Int(0), .step = row.Text(1), .text = row.TakeText(2)});
    return absl::OkStatus();
  }));
  return texts;
}

absl::StatusOr<absl::flat_hash_map<std::string, StoredPerson>> CaseReader::People(const CaseKey& key) {
  absl::flat_hash_map<std::string, StoredPerson> people;
  REMATCH_RETURN_IF_ERROR(database_.ReadEach([&](sql::Transaction& tx) -> absl::Status {
    people.clear();
    REMATCH_ASSIGN_OR_RETURN(
        std::vector<Row> rows,
        tx.Query("SELECT person, contact, attributes FROM people_private WHERE consortium = ? AND case_id = ?", {key.consortium, key.id}));
    for (Row& row : rows) {
      StoredPerson& person = people[row.Text(0)];
      if (!person.contact.ParseFromString(row.Text(1)) || !person.attributes.ParseFromString(row.Text(2))) return Unreadable();
    }
    return absl::OkStatus();
  }));
  return people;
}

absl::StatusOr<std::vector<StoredTask>> CaseReader::Tasks(std::string_view consortium, std::string_view program, const Viewer& viewer,
                                                          bool open_only, const TaskPosition& after, size_t limit) {
  std::string statement = "SELECT case_id, folded FROM tasks WHERE consortium = ? AND program = ?";
  std::vector<Value> parameters = {std::string(consortium), std::string(program)};
  // 2: a task of a candidate whose place an open case has taken.
  statement += open_only ? " AND open = 1" : " AND open <> 2";
  AddLeader(statement, parameters, viewer);
  // That there is one says what a candidate confided.
  if (viewer.leader.empty()) statement += " AND task NOT LIKE 'concern-%'";
  statement += " AND (due > ? OR (due = ? AND (case_id > ? OR (case_id = ? AND task > ?)))) ORDER BY due, case_id, task LIMIT ?";
  for (Value value : {Value(after.due), Value(after.due), Value(after.case_id), Value(after.case_id), Value(after.task),
                      Value(static_cast<int64_t>(limit))}) {
    parameters.push_back(std::move(value));
  }
  std::vector<StoredTask> tasks;
  REMATCH_RETURN_IF_ERROR(database_.ReadEach([&](sql::Transaction& tx) -> absl::Status {
    tasks.clear();
    REMATCH_ASSIGN_OR_RETURN(std::vector<Row> rows, tx.Query(statement, parameters));
    for (Row& row : rows) {
      StoredTask& task = tasks.emplace_back();
      task.key = {.consortium = std::string(consortium), .program = std::string(program), .id = row.Text(0)};
      if (!task.task.ParseFromString(row.Text(1))) return Unreadable();
    }
    return absl::OkStatus();
  }));
  return tasks;
}

absl::StatusOr<std::vector<CaseKey>> CaseReader::OpenCases(std::string_view consortium, std::string_view program) {
  std::vector<CaseKey> open;
  REMATCH_RETURN_IF_ERROR(database_.ReadEach([&](sql::Transaction& tx) -> absl::Status {
    open.clear();
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                             tx.Query("SELECT id FROM cases WHERE consortium = ? AND program = ? AND open = 1 ORDER BY id",
                                      {std::string(consortium), std::string(program)}));
    for (const Row& row : rows) open.push_back({.consortium = std::string(consortium), .program = std::string(program), .id = row.Text(0)});
    return absl::OkStatus();
  }));
  return open;
}

absl::StatusOr<std::vector<CaseKey>> CaseReader::CasesWithDeadlines(std::string_view consortium, std::string_view program) {
  std::vector<CaseKey> cases;
  REMATCH_RETURN_IF_ERROR(database_.Read([&](sql::Transaction& tx) -> absl::Status {
    cases.clear();
    const std::vector<sql::Value> of_program = {std::string(consortium), std::string(program)};
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> open,
                             tx.Query("SELECT id FROM cases WHERE consortium = ? AND program = ? AND open = 1", of_program));
    // Of a completed case, too, whose former mentor has yet to be told; but those of candidates have no case.
    REMATCH_ASSIGN_OR_RETURN(
        const std::vector<Row> tasks,
        tx.Query("SELECT case_id FROM tasks WHERE consortium = ? AND program = ? AND open = 1 AND case_id <> ''", of_program));
    std::set<std::string> ids;
    for (const std::vector<Row>* rows : {&open, &tasks}) {
      for (const Row& row : *rows) ids.insert(row.Text(0));
    }
    for (const std::string& id : ids) cases.push_back({.consortium = std::string(consortium), .program = std::string(program), .id = id});
    return absl::OkStatus();
  }));
  return cases;
}

absl::StatusOr<std::vector<OpenCase>> CaseReader::OpenCasesAfter(const OpenCase& after, int64_t limit) {
  std::vector<OpenCase> open;
  REMATCH_RETURN_IF_ERROR(database_.Read([&](sql::Transaction& tx) -> absl::Status {
    open.clear();
    REMATCH_ASSIGN_OR_RETURN(std::vector<Row> rows, tx.Query("SELECT consortium, candidate, case_id FROM open_cases WHERE consortium = ?"
                                                             " AND candidate > ? ORDER BY consortium, candidate LIMIT ?",
                                                             {after.consortium, after.candidate, limit}));
    if (rows.empty()) {
      REMATCH_ASSIGN_OR_RETURN(rows, tx.Query("SELECT consortium, candidate, case_id FROM open_cases WHERE consortium > ?"
                                              " ORDER BY consortium, candidate LIMIT ?",
                                              {after.consortium, limit}));
    }
    for (const Row& row : rows) {
      if (!open.empty() && open.front().consortium != row.Text(0)) break;
      open.push_back({.consortium = row.Text(0), .candidate = row.Text(1), .case_id = row.Text(2)});
    }
    return absl::OkStatus();
  }));
  return open;
}

absl::StatusOr<CaseReader::Standing> CaseReader::StandingOf(std::string_view consortium, const std::vector<std::string>& candidates) {
  Standing standing;
  if (candidates.empty()) return standing;
  std::set<Id> names, ids;
  for (const std::string& candidate : candidates) {
    names.emplace(consortium, candidate);
    ids.emplace(consortium, IdOf(candidate));
  }
  REMATCH_RETURN_IF_ERROR(database_.Read([&](sql::Transaction& tx) -> absl::Status {
    standing = {};
    const auto [of_names, name_values] = WhereIds("candidate", names);
    const auto [of_ids, id_values] = WhereIds("task", ids);
    REMATCH_ASSIGN_OR_RETURN(
        const std::vector<Row> cases,
        tx.Query(absl::StrCat("SELECT candidate, case_id FROM open_cases WHERE case_id <> '' AND ", of_names), name_values));
    for (const Row& row : cases) standing.open_cases.emplace(row.Text(0), row.Text(1));
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> tasks,
                             tx.Query(absl::StrCat("SELECT task FROM tasks WHERE case_id = '' AND open <> 0 AND ", of_ids), id_values));
    for (const Row& row : tasks) standing.with_task.insert(row.Text(0));
    return absl::OkStatus();
  }));
  return standing;
}

absl::StatusOr<std::vector<ChainLink>> CaseReader::Events(const CaseKey& key, int64_t after, size_t limit) {
  std::vector<ChainLink> links;
  REMATCH_RETURN_IF_ERROR(database_.ReadEach([&](sql::Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(links, LoadEvents(tx, key, after, static_cast<int64_t>(limit)));
    return absl::OkStatus();
  }));
  return links;
}

absl::StatusOr<std::optional<CaseReader::Trail>> CaseReader::LoadTrail(const CaseKey& key) {
  std::optional<Trail> trail;
  REMATCH_RETURN_IF_ERROR(database_.Read([&](sql::Transaction& tx) -> absl::Status {
    trail.reset();
    REMATCH_ASSIGN_OR_RETURN(std::optional<StoredCase> stored, LoadCase(tx, key));
    if (!stored.has_value()) return absl::OkStatus();
    trail.emplace();
    trail->stored = *std::move(stored);
    REMATCH_ASSIGN_OR_RETURN(trail->links, LoadEvents(tx, key, 0, INT64_MAX));
    return absl::OkStatus();
  }));
  return trail;
}

absl::StatusOr<std::vector<v1::Disclosure>> CaseReader::Disclosures(const CaseKey& key) {
  std::vector<v1::Disclosure> disclosures;
  REMATCH_RETURN_IF_ERROR(database_.ReadEach([&](sql::Transaction& tx) -> absl::Status {
    disclosures.clear();
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows, tx.Query("SELECT disclosure FROM disclosures WHERE consortium = ? AND case_id = ?"
                                                                   " ORDER BY sequence",
                                                                   {key.consortium, key.id}));
    for (const Row& row : rows) {
      if (!disclosures.emplace_back().ParseFromString(row.Text(0))) return Unreadable();
    }
    return absl::OkStatus();
  }));
  return disclosures;
}

}  // namespace rematch::request
