#include "request-service/store/case_handler.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <tuple>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "access/access.h"
#include "platform/errors.h"
#include "platform/sql/rows.h"
#include "platform/strings.h"
#include "request-service/domain/audit.h"
#include "request-service/domain/case_view.h"
#include "request-service/domain/escalation.h"
#include "request-service/domain/reasons.h"
#include "request-service/store/candidate_tasks.h"
#include "request-service/store/concern_batch.h"
#include "request-service/store/ids.h"
#include "request-service/store/letter_batch.h"
#include "request-service/store/program_policies.h"

namespace rematch::request {
namespace {

using sql::Bytes;
using sql::Row;
using sql::RowWriter;
using sql::ToMicros;
using sql::Value;

struct NewEvent {
  int64_t sequence;
  int64_t time;
  std::string type;
  std::string bytes;
  std::string hash = {};
};

// A case of the batch, as the commands before left it.
struct Working {
  CaseKey key;
  bool stored = false;  // it has a row, or one will be written
  bool changed = false;
  bool set_timer = false;  // whatever the state says: the row itself may be behind
  Case c;
  int64_t event_count = 0;
  std::string head_hash;
  absl::Time next_due = absl::InfiniteFuture();    // as the row says
  google::protobuf::RepeatedPtrField<Task> tasks;  // as their rows say
  std::pair<std::string, std::string> viewers;     // as their rows say
};

// Whose lists a case and its tasks are in: of the leader, unless they are the one to be replaced, and of the alternate.
std::pair<std::string, std::string> ViewersOf(const Case& c) {
  return {c.alternate_acts() ? "" : c.leader().person(), c.alternate().person()};
}

// Whoever leads the program now may take the case over, but for the one to be replaced (F35).
void AddNewLeaders(const Case& c, const Command::ReplaceLeader& replace, access::Owners& owners) {
  for (const Leader* leader : {&replace.leader(), &replace.alternate()}) {
    const bool is_replaced = !c.current_mentor().empty() && leader->mentor() == c.current_mentor();
    if (!leader->person().empty() && !is_replaced) owners.leaders.push_back(leader->person());
  }
}

// What the policy may leave to the alternate, though they do not lead the case: whether it does, the case decides.
bool MayBeAlternates(const Case& c, const Command& command, const v1::EscalationPolicy& policy) {
  if (command.has_snooze()) {
    const Task* task = FindTask(c, command.snooze().task());
    return task != nullptr && task->for_alternate();
  }
  if (command.has_confirm() || command.has_reject()) return ConfirmerOf(c, policy).person() == c.alternate().person();
  if (!command.has_take() && !command.has_decline_to_take()) return false;
  return c.stage() < policy.stages_size() && TakerOf(c, policy.stages(c.stage())).person() == c.alternate().person();
}

void LetAlternateAct(const Case& c, const CaseCommand::Asked& asked, access::Owners& owners) {
  if (!c.alternate().person().empty() && asked.caller.person == c.alternate().person()) owners.acting_leader = c.alternate().person();
}

struct PrivateText {
  CaseKey key;
  int64_t sequence;
  int64_t time;
  const CaseCommand* command;
};

struct PrivatePerson {
  CaseKey key;
  std::string person;
  const CaseCommand* command;
};

absl::Status StaleClaim() { return Error(absl::StatusCode::kAborted, kStaleClaim, "another replica has taken over this work"); }

// Removes these rows, locked or not. The LIMIT is as many as there are: without it a server that thinks little of the table's length reads
// all of it, and waits for rows of other batches, which wait for this one's.
absl::Status Delete(sql::Transaction& tx, std::string_view table, const std::set<Id>& ids) {
  if (ids.empty()) return absl::OkStatus();
  auto [where, values] = WhereIds("id", ids);
  values.emplace_back(static_cast<int64_t>(ids.size()));
  return tx.Execute(absl::StrCat("DELETE FROM ", ToAbsl(table), " WHERE ", where, " LIMIT ?"), values).status();
}

// One batch in one transaction.
class Batch {
 public:
  Batch(sql::Transaction& tx, absl::Span<CaseCommand* const> commands, const std::string& replica, PolicyStore& policies,
        CalendarStore& calendars, absl::Time now)
      : tx_(tx),
        commands_(commands),
        replica_(replica),
        policies_(policies),
        calendars_(calendars),
        now_(now),
        now_micros_(ToMicros(now)),
        candidate_tasks_(tx, now_micros_),
        concerns_(tx, now_micros_, candidate_tasks_),
        letters_(tx, now_micros_, concerns_, candidate_tasks_),
        program_policies_(tx, now_micros_) {}

  absl::Status Load() {
    REMATCH_RETURN_IF_ERROR(LoadCases());
    REMATCH_RETURN_IF_ERROR(LoadOpenCases());
    REMATCH_RETURN_IF_ERROR(LoadClaims());
    REMATCH_RETURN_IF_ERROR(letters_.Load(commands_));
    REMATCH_RETURN_IF_ERROR(concerns_.Load(commands_));
    std::set<Id> tasks;
    letters_.AddTasks(tasks);
    concerns_.AddTasks(tasks);
    REMATCH_RETURN_IF_ERROR(candidate_tasks_.Load(commands_, std::move(tasks)));
    return program_policies_.Load(commands_);
  }

  absl::StatusOr<std::string> Apply(const CaseCommand& command);

  absl::Status Save();

  Committed TakeCommitted() { return std::move(committed_); }

 private:
  absl::Status LoadCases();
  absl::Status LoadOpenCases();
  absl::Status LoadClaims();
  absl::Status CheckClaim(const CaseCommand& command) const;
  // What the effect that the command answers has in the outbox goes with it.
  void EndClaim(const CaseCommand& command);
  absl::StatusOr<std::string> ApplyToLetter(const CaseCommand& command);
  absl::StatusOr<std::string> Decide(const CaseCommand& command, Working& w, const Rules& rules);
  // What the command is to be decided by.
  absl::StatusOr<std::shared_ptr<const PolicyRecord>> PolicyFor(const Command& command, const Case& c);
  absl::StatusOr<CalendarStore::Pointer> TimeFor(const Command& command, const Case& c);
  void Record(const CaseCommand& command, Working& w, const Rules& rules, const Decision& decision);
  void PlanCheckIn(const Working& w, const Rules& rules);
  void NoteLateness(absl::Time due, absl::Span<const Event> events);

  sql::Transaction& tx_;
  const absl::Span<CaseCommand* const> commands_;
  const std::string& replica_;
  PolicyStore& policies_;
  CalendarStore& calendars_;
  const absl::Time now_;
  const int64_t now_micros_;

  std::map<Id, Working> cases_;
  std::map<Id, std::string> open_cases_;  // by consortium and candidate; only those that are needed
  std::set<Id> open_cases_changed_;
  std::set<Id> known_candidates_;                     // of those, who may have been there before
  absl::flat_hash_map<std::string, int64_t> claims_;  // rows of effects that are still this replica's: their epochs
  std::set<Id> answered_;                             // rows of effects that go
  std::vector<std::pair<CaseKey, NewEvent>> events_;
  std::vector<std::pair<CaseKey, std::pair<int64_t, std::string>>> disclosures_;
  std::vector<PrivateText> texts_;
  std::vector<PrivatePerson> people_;
  CandidateTasks candidate_tasks_;
  ConcernBatch concerns_;
  LetterBatch letters_;
  ProgramPolicies program_policies_;
  Committed committed_;
};

absl::Status Batch::LoadCases() {
  std::set<Id> ids;
  for (const CaseCommand* command : commands_) {
    if (!command->is_of_case()) continue;
    const Id id = {command->key.consortium, command->key.id};
    cases_[id].key = command->key;
    if (!command->command.has_open()) ids.insert(id);
  }
  if (ids.empty()) return absl::OkStatus();
  const auto [where, values] = WhereIds("id", ids);
  REMATCH_ASSIGN_OR_RETURN(std::vector<Row> rows,
                           tx_.Query(absl::StrCat("SELECT consortium, id, program, next_due, events, head_hash, folded FROM cases WHERE ",
                                                  where, " ORDER BY consortium, id FOR UPDATE"),
                                     values));
  for (Row& row : rows) {
    const auto found = cases_.find({row.Text(0), row.Text(1)});
    if (found == cases_.end()) continue;
    Working& w = found->second;
    w.key = {.consortium = row.Text(0), .program = row.Text(2), .id = row.Text(1)};
    w.stored = true;
    w.next_due = sql::FromMicros(row.Int(3));
    w.event_count = row.Int(4);
    w.head_hash = row.Text(5);
    if (!w.c.ParseFromString(row.Text(6))) return sql::StoreError(sql::Failure::kSplit, "a stored case cannot be read");
    w.tasks = w.c.tasks();
    w.viewers = ViewersOf(w.c);
  }
  return absl::OkStatus();
}

absl::Status Batch::LoadOpenCases() {
  // Whoever comes first for a candidate has the row at once, if it is new.
  std::map<Id, std::string> wanted;
  for (const CaseCommand* command : commands_) {
    if (command->command.has_open()) wanted.try_emplace({command->key.consortium, command->command.open().candidate()}, command->key.id);
    // Whose row is there from now on, so that a case that opens meets the task.
    if (command->candidate_task.has_value() && command->candidate_task->what == CandidateTask::What::kMentorLeft) {
      wanted.try_emplace({command->key.consortium, command->candidate_task->candidate});
      known_candidates_.insert({command->key.consortium, command->candidate_task->candidate});
    }
  }
  if (wanted.empty()) return absl::OkStatus();
  // A case of the batch may end: its row is locked in the same go, since a batch that locked one later could wait for one that waits for
  // it.
  for (const auto& [id, w] : cases_) {
    if (w.stored) wanted.try_emplace({id.first, w.c.candidate()});
  }
  RowWriter insert("INSERT IGNORE INTO open_cases (consortium, candidate, case_id)", 3);
  for (const auto& [id, case_id] : wanted) insert.Add({id.first, id.second, case_id});
  REMATCH_ASSIGN_OR_RETURN(const int64_t inserted, insert.WriteCounting(tx_));
  open_cases_ = wanted;
  // The usual case: every row is new, so it is this transaction's and locked.
  if (inserted == static_cast<int64_t>(wanted.size())) return absl::OkStatus();
  std::set<Id> ids;
  for (const auto& [id, case_id] : wanted) ids.insert(id);
  const auto [where, values] = WhereIds("candidate", ids);
  REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                           tx_.Query(absl::StrCat("SELECT consortium, candidate, case_id FROM open_cases WHERE ", where,
                                                  " ORDER BY consortium, candidate FOR UPDATE"),
                                     values));
  for (const Row& row : rows) {
    const Id id = {row.Text(0), row.Text(1)};
    open_cases_[id] = row.Text(2);
    known_candidates_.insert(id);
  }
  return absl::OkStatus();
}

absl::Status Batch::LoadClaims() {
  std::set<Id> rows;
  for (const CaseCommand* command : commands_) {
    if (command->ran.has_value()) rows.insert({command->key.consortium, command->ran->row});
  }
  if (rows.empty()) return absl::OkStatus();
  auto [where, values] = WhereIds("id", rows);
  values.emplace_back(replica_);
  REMATCH_ASSIGN_OR_RETURN(
      const std::vector<Row> found,
      tx_.Query(absl::StrCat("SELECT id, epoch FROM effects WHERE ", where, " AND owner = ? ORDER BY consortium, id FOR UPDATE"), values));
  for (const Row& row : found) claims_[row.Text(0)] = row.Int(1);
  return absl::OkStatus();
}

absl::StatusOr<std::string> Batch::Apply(const CaseCommand& command) {
  if (command.candidate_task.has_value() && command.candidate_task->what == CandidateTask::What::kCalendarChanged) {
    REMATCH_ASSIGN_OR_RETURN(const CalendarStore::Pointer time,
                             calendars_.Get(tx_, command.candidate_task->calendar, command.candidate_task->time_zone));
    candidate_tasks_.Recount(command, *time);
    return "";
  }
  if (command.candidate_task.has_value()) {
    const auto open = open_cases_.find({command.key.consortium, command.candidate_task->candidate});
    return candidate_tasks_.Apply(command, open != open_cases_.end() && !open->second.empty());
  }
  if (command.policy_publication.has_value()) return program_policies_.Apply(command);
  if (command.letter.has_value()) return ApplyToLetter(command);
  if (!command.is_of_case()) return concerns_.Apply(command);
  Working& w = cases_.at({command.key.consortium, command.key.id});
  if (command.command.has_open()) {
    // The row may be there for this very case.
    const std::string& open = open_cases_.at({command.key.consortium, command.command.open().candidate()});
    if (!open.empty() && (open != command.key.id || w.stored)) {
      return Error(absl::StatusCode::kFailedPrecondition, reason::kCaseAlreadyOpen, "the candidate has an open case");
    }
  } else if (!w.stored || w.key != command.key) {
    return access::CaseNotFound();
  }
  REMATCH_RETURN_IF_ERROR(CheckClaim(command));
  REMATCH_ASSIGN_OR_RETURN(const std::shared_ptr<const PolicyRecord> policy, PolicyFor(command.command, w.c));
  if (command.asked.has_value() && w.stored) {
    access::Owners owners = OwnersOf(w.c);
    if (command.command.has_replace_leader()) AddNewLeaders(w.c, command.command.replace_leader(), owners);
    if (MayBeAlternates(w.c, command.command, policy->policy)) LetAlternateAct(w.c, *command.asked, owners);
    if (!access::MayTouch(command.asked->caller, command.asked->method, owners)) return access::CaseNotFound();
  }
  if (!command.etag.empty() && command.etag != absl::StrCat(w.c.version())) {
    return Error(absl::StatusCode::kAborted, reason::kEtagMismatch, "the case has changed since it was read");
  }
  REMATCH_ASSIGN_OR_RETURN(const CalendarStore::Pointer time, TimeFor(command.command, w.c));
  std::shared_ptr<const PolicyRecord> next;
  if (command.command.has_migrate()) {
    REMATCH_ASSIGN_OR_RETURN(next, policies_.Get(tx_, command.command.migrate().policy()));
  }
  const absl::Status may_open = command.concern.has_value() ? concerns_.CheckBecomesCase(command) : absl::OkStatus();
  absl::StatusOr<std::string> reply =
      may_open.ok() ? Decide(command, w, {.policy = policy->policy, .time = *time, .next = next == nullptr ? nullptr : &next->policy})
                    : may_open;
  if (reply.ok() && command.concern.has_value()) concerns_.BecameCase(command);
  if (!reply.ok() && command.command.has_open()) {
    const Id candidate = {command.key.consortium, command.command.open().candidate()};
    open_cases_[candidate].clear();
    open_cases_changed_.insert(candidate);
  }
  return reply;
}

absl::Status Batch::CheckClaim(const CaseCommand& command) const {
  if (!command.ran.has_value()) return absl::OkStatus();
  const auto claim = claims_.find(command.ran->row);
  return claim == claims_.end() || claim->second != command.ran->epoch ? StaleClaim() : absl::OkStatus();
}

void Batch::EndClaim(const CaseCommand& command) {
  if (!command.ran.has_value()) return;
  claims_.erase(command.ran->row);
  answered_.insert({command.key.consortium, command.ran->row});
}

absl::StatusOr<std::string> Batch::ApplyToLetter(const CaseCommand& command) {
  REMATCH_RETURN_IF_ERROR(CheckClaim(command));
  REMATCH_ASSIGN_OR_RETURN(std::string reply, letters_.Apply(command));
  EndClaim(command);
  for (auto& [key, letter] : letters_.TakeToSend()) {
    EffectWork& work = committed_.effects.emplace_back();
    work.key = key;
    work.row = LetterEffectId(key.consortium, letter);
    work.epoch = 1;
    work.created = now_;
    work.effect.mutable_send_letter()->set_letter(letter);
  }
  return reply;
}

absl::StatusOr<std::shared_ptr<const PolicyRecord>> Batch::PolicyFor(const Command& command, const Case& c) {
  return policies_.Get(tx_, command.has_open() ? command.open().policy() : c.policy());
}

absl::StatusOr<CalendarStore::Pointer> Batch::TimeFor(const Command& command, const Case& c) {
  if (command.has_open()) return calendars_.Get(tx_, command.open().calendar(), command.open().time_zone());
  if (command.has_calendar_changed()) {
    return calendars_.Get(tx_, command.calendar_changed().calendar(), command.calendar_changed().time_zone());
  }
  return calendars_.Get(tx_, c.calendar(), c.time_zone());
}

absl::StatusOr<std::string> Batch::Decide(const CaseCommand& command, Working& w, const Rules& rules) {
  REMATCH_ASSIGN_OR_RETURN(const Decision decision, request::Apply(w.c, command.command, rules, now_));
  const absl::Time was_due = w.next_due;
  Record(command, w, rules, decision);
  EndClaim(command);
  if (command.command.has_due()) {
    w.set_timer = true;
    if (!decision.events.empty()) NoteLateness(was_due, decision.events);
  }
  return command.reply
             ? command.reply(
                   {.key = w.key, .after = w.c, .policy = rules.next != nullptr ? *rules.next : rules.policy, .events = decision.events})
             : std::string();
}

void Batch::Record(const CaseCommand& command, Working& w, const Rules& rules, const Decision& decision) {
  if (decision.events.empty() && decision.effects.empty()) return;
  const bool was_over = w.stored && HasEnded(w.c);
  const int64_t first = w.event_count + 1;
  if (w.event_count == 0) w.head_hash = ChainStart(w.key.Name());
  for (const Event& event : decision.events) {
    Fold(w.c, event);
    NewEvent made{.sequence = ++w.event_count, .time = event.time(), .type = EventType(event), .bytes = event.SerializeAsString()};
    made.hash = ChainHash(w.head_hash, made.sequence, made.bytes);
    w.head_hash = made.hash;
    if (event.has_disclosed()) {
      disclosures_.push_back({w.key, {made.sequence, event.disclosed().disclosure().SerializeAsString()}});
    }
    if (event.has_person_named() && command.contact.has_value()) {
      people_.push_back({.key = w.key, .person = event.person_named().person().id(), .command = &command});
    }
    events_.emplace_back(w.key, std::move(made));
  }
  if (!command.text.empty()) texts_.push_back({.key = w.key, .sequence = first, .time = now_micros_, .command = &command});
  if (command.attributes.has_value()) {
    people_.push_back({.key = w.key, .person = command.command.qualify().person(), .command = &command});
  }
  for (const Effect& effect : decision.effects) {
    committed_.effects.push_back(
        {.key = w.key, .row = absl::StrCat(w.key.id, ".", effect.id()), .epoch = 1, .created = now_, .effect = effect});
  }
  w.stored = true;
  w.changed = true;
  const Id candidate = {w.key.consortium, w.c.candidate()};
  if (command.command.has_open()) {
    if (std::exchange(open_cases_[candidate], w.key.id) != w.key.id) open_cases_changed_.insert(candidate);
    if (known_candidates_.contains(candidate)) candidate_tasks_.CaseOpened(candidate.first, candidate.second);
  } else if (!was_over && HasEnded(w.c)) {
    open_cases_[candidate].clear();
    open_cases_changed_.insert(candidate);
    // After the swap, too: whoever was found may have left before the case was complete.
    candidate_tasks_.CaseEnded(candidate.first, candidate.second);
    if (w.c.state() == v1::COMPLETED && !w.c.candidate_left()) PlanCheckIn(w, rules);
  }
}

// F43.
void Batch::PlanCheckIn(const Working& w, const Rules& rules) {
  if (!rules.policy.has_check_in_after()) return;
  const absl::Time at = rules.time.EndOfWindow(now_, rules.policy.check_in_after());
  const absl::Time closes = rules.time.EndOfWindow(at, DefaultSurveyWindow());
  letters_.PlanCheckIn(w.key, w.c, rules.policy.concern_at_or_below(), ToMicros(at), ToMicros(closes));
}

void Batch::NoteLateness(absl::Time due, absl::Span<const Event> events) {
  if (due == absl::InfiniteFuture()) return;
  std::string kind = "timer";
  for (const Event& event : events) {
    if (event.has_offer_ended() || event.has_stage_window_ended()) kind = "window_end";
    if (event.has_offer_reminded() || event.has_stage_reminded()) kind = "reminder";
  }
  committed_.late.emplace_back(std::move(kind), std::max(now_ - due, absl::ZeroDuration()));
}

absl::Status Batch::Save() {
  RowWriter cases(
      "INSERT INTO cases (consortium, id, program, candidate, state, open, leader, alternate, next_due, version, events, head_hash, "
      "folded)",
      13,
      " ON DUPLICATE KEY UPDATE state = VALUES(state), open = VALUES(open), leader = VALUES(leader), alternate = VALUES(alternate),"
      " next_due = VALUES(next_due), version = VALUES(version), events = VALUES(events), head_hash = VALUES(head_hash),"
      " folded = VALUES(folded)");
  RowWriter timers("INSERT INTO timers (consortium, id, program, due, owner, epoch, refusals)", 7,
                   " ON DUPLICATE KEY UPDATE due = VALUES(due), owner = VALUES(owner), epoch = epoch + 1, refusals = 0");
  RowWriter tasks("INSERT INTO tasks (consortium, case_id, task, program, leader, alternate, open, due, folded)", 9,
                  " ON DUPLICATE KEY UPDATE leader = VALUES(leader), alternate = VALUES(alternate), open = VALUES(open), due = VALUES(due),"
                  " folded = VALUES(folded)");
  std::set<Id> without_timer;
  for (auto& [id, w] : cases_) {
    if (!w.changed && !w.set_timer) continue;
    const auto viewers = ViewersOf(w.c);
    const auto& [leader, alternate] = viewers;
    const absl::Time due = NextDue(w.c);
    if (w.set_timer || due != w.next_due) {
      committed_.next_timer = std::min(committed_.next_timer, due);
      if (due == absl::InfiniteFuture()) {
        without_timer.insert({w.key.consortium, w.key.id});
      } else {
        timers.Add({w.key.consortium, w.key.id, w.key.program, ToMicros(due), replica_, int64_t{1}, int64_t{0}});
      }
    }
    if (!w.changed) continue;
    committed_.changed.push_back(w.key);
    cases.Add({w.key.consortium, w.key.id, w.key.program, w.c.candidate(), int64_t{w.c.state()}, int64_t{!HasEnded(w.c)}, leader, alternate,
               ToMicros(due), w.c.version(), w.event_count, w.head_hash, Bytes{w.c.SerializeAsString()}});
    for (int i = 0; i < w.c.tasks_size(); ++i) {
      std::string folded = w.c.tasks(i).SerializeAsString();
      if (i < w.tasks.size() && w.tasks.Get(i).SerializeAsString() == folded && w.viewers == viewers) continue;
      tasks.Add({w.key.consortium, w.key.id, w.c.tasks(i).id(), w.key.program, leader, alternate, int64_t{w.c.tasks(i).ended() == 0},
                 w.c.tasks(i).due(), Bytes{std::move(folded)}});
    }
  }
  REMATCH_RETURN_IF_ERROR(cases.Write(tx_));

  RowWriter open_cases("INSERT INTO open_cases (consortium, candidate, case_id)", 3, " ON DUPLICATE KEY UPDATE case_id = VALUES(case_id)");
  for (const Id& candidate : open_cases_changed_) open_cases.Add({candidate.first, candidate.second, open_cases_[candidate]});
  REMATCH_RETURN_IF_ERROR(open_cases.Write(tx_));

  RowWriter events("INSERT INTO events (consortium, case_id, sequence, time, type, event, hash)", 7);
  for (auto& [key, event] : events_) {
    events.Add({key.consortium, key.id, event.sequence, event.time, event.type, Bytes{std::move(event.bytes)}, event.hash});
  }
  REMATCH_RETURN_IF_ERROR(events.Write(tx_));

  REMATCH_RETURN_IF_ERROR(Delete(tx_, "effects", answered_));
  RowWriter effects(
      "INSERT INTO effects (consortium, id, program, case_id, due, owner, epoch, created, attempts, refusals, poison, effect)", 12);
  for (const EffectWork& work : committed_.effects) {
    effects.Add({work.key.consortium, work.row, work.key.program, work.key.id, now_micros_, replica_, work.epoch, now_micros_, int64_t{0},
                 int64_t{0}, int64_t{0}, Bytes{work.effect.SerializeAsString()}});
  }
  REMATCH_RETURN_IF_ERROR(effects.Write(tx_));

  REMATCH_RETURN_IF_ERROR(timers.Write(tx_));
  REMATCH_RETURN_IF_ERROR(Delete(tx_, "timers", without_timer));
  REMATCH_RETURN_IF_ERROR(tasks.Write(tx_));
  REMATCH_RETURN_IF_ERROR(letters_.Save());
  REMATCH_RETURN_IF_ERROR(concerns_.Save());
  REMATCH_RETURN_IF_ERROR(candidate_tasks_.Save());
  REMATCH_RETURN_IF_ERROR(program_policies_.Save());

  RowWriter disclosures("INSERT INTO disclosures (consortium, case_id, sequence, disclosure)", 4);
  for (auto& [key, line] : disclosures_) disclosures.Add({key.consortium, key.id, line.first, Bytes{std::move(line.second)}});
  REMATCH_RETURN_IF_ERROR(disclosures.Write(tx_));

  RowWriter texts("INSERT INTO private_texts (consortium, case_id, sequence, time, step, text)", 6);
  for (const PrivateText& text : texts_) {
    texts.Add({text.key.consortium, text.key.id, text.sequence, text.time, text.command->step, Bytes{text.command->text}});
  }
  REMATCH_RETURN_IF_ERROR(texts.Write(tx_));

  RowWriter people("INSERT INTO people_private (consortium, case_id, person, contact, attributes)", 5);
  for (const PrivatePerson& person : people_) {
    if (!person.command->contact.has_value()) continue;
    people.Add({person.key.consortium, person.key.id, person.person, Bytes{person.command->contact->SerializeAsString()}, Bytes{}});
  }
  REMATCH_RETURN_IF_ERROR(people.Write(tx_));
  for (const PrivatePerson& person : people_) {
    if (!person.command->attributes.has_value()) continue;
    REMATCH_RETURN_IF_ERROR(
        tx_.Execute("UPDATE people_private SET attributes = ? WHERE consortium = ? AND case_id = ? AND person = ?",
                    {Bytes{person.command->attributes->SerializeAsString()}, person.key.consortium, person.key.id, person.person})
            .status());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<BatchResult> CaseHandler::Run(sql::Transaction& tx, absl::Span<CaseCommand* const> batch) {
  Batch work(tx, batch, replica_, policies_, calendars_, clock_.Now());
  REMATCH_RETURN_IF_ERROR(work.Load());
  BatchResult result;
  result.replies.reserve(batch.size());
  for (const CaseCommand* command : batch) {
    absl::StatusOr<std::string> reply = work.Apply(*command);
    // A refusal of the store is no answer to anybody: the whole transaction fails, and is run again or split.
    if (sql::FailureOf(reply.status()) != sql::Failure::kNone) return reply.status();
    result.replies.push_back(std::move(reply));
  }
  REMATCH_RETURN_IF_ERROR(work.Save());
  result.committed = [this, committed = work.TakeCommitted()]() mutable {
    if (listener_) listener_(std::move(committed));
  };
  return result;
}

}  // namespace rematch::request
