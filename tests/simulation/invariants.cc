#include "tests/simulation/invariants.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "mentor-service/store/store.h"
#include "platform/errors.h"
#include "platform/strings.h"
#include "request-service/domain/audit.h"
#include "request-service/domain/case_view.h"
#include "request-service/domain/causes.h"
#include "request-service/domain/escalation.h"
#include "request-service/domain/working_time.h"
#include "request-service/store/calendar_store.h"

namespace rematch::simulation {
namespace {

namespace rv1 = request::v1;
namespace nv1 = notify::v1;
using request::Event;
using sql::Row;

}  // namespace

void Invariants::Must(bool holds, std::string_view what) {
  if (!holds && broken_.empty()) broken_ = std::string(what);
}

std::vector<Row> Invariants::Query(sql::Database& database, std::string_view statement, const std::vector<sql::Value>& values) {
  std::vector<Row> rows;
  const absl::Status status = database.Read([&](sql::Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(rows, tx.Query(statement, values));
    return absl::OkStatus();
  });
  Must(status.ok(), absl::StrCat("a query of the checks: ", status.ToString()));
  return rows;
}

// --- Cases ---

void Invariants::CheckCases() {
  for (const Row& row : Query(request_, "SELECT consortium, program, id, events FROM cases")) {
    const request::CaseKey key = {.consortium = row.Text(0), .program = row.Text(1), .id = row.Text(2)};
    const auto known = cases_.find(key.Name());
    if (known == cases_.end() || known->second.events != row.Int(3)) CheckCase(key);
  }
  // F32: one open case a candidate.
  std::map<std::string_view, int> open;
  for (const auto& [name, shadow] : cases_) {
    if (!request::HasEnded(shadow.c)) Must(++open[shadow.c.candidate()] == 1, absl::StrCat("F32: two open cases: ", name));
  }
}

void Invariants::CheckCase(const request::CaseKey& key) {
  Shadow& shadow = cases_[key.Name()];
  if (shadow.events == 0) {
    shadow.key = key;
    shadow.head = request::ChainStart(key.Name());
    const std::vector<Row> cursor = Query(request_, "SELECT position FROM cursors WHERE feed = 'roster'");
    shadow.roster_position = cursor.empty() ? 0 : cursor[0].Int(0);
  }
  const std::vector<Row> events =
      Query(request_, "SELECT sequence, event, hash FROM events WHERE consortium = ? AND case_id = ? AND sequence > ? ORDER BY sequence",
            {key.consortium, key.id, shadow.events});
  for (const Row& row : events) {
    Must(row.Int(0) == shadow.events + 1, absl::StrCat("F41: an event is missing: ", key.Name()));
    shadow.head = request::ChainHash(shadow.head, row.Int(0), row.Text(1));
    Must(shadow.head == row.Text(2), absl::StrCat("F41: the chain is broken: ", key.Name()));
    Event event;
    Must(event.ParseFromString(row.Text(1)), "F41: an event cannot be read");
    if (tell_) tell_(absl::StrCat("  ", key.id.substr(key.id.size() - 4), ": ", request::EventSummary(event)));
    CheckEvent(shadow, event);
    if (event.has_call_recorded() && event.call_recorded().outcome() == rv1::AGREED) shadow.call_agreed = true;
    if (event.has_transfer_refused()) shadow.call_agreed = false;
    if (event.has_transferred()) shadow.swapped = true;
    if (const request::Offer& made = event.offer_made().offer(); event.has_offer_made() && made.mentor() == shadow.c.current_mentor()) {
      shadow.to_current.insert(made.id());
    }
    const std::string& not_given = event.has_offer_seat_refused() ? event.offer_seat_refused().offer() : event.offer_ended().offer();
    if (event.has_offer_seat_refused() || event.offer_ended().cause() == request::cause::kNoneLeft) {
      shadow.not_given.insert(request::FindOffer(shadow.c, not_given)->seat());
    }
    request::Fold(shadow.c, event);
    shadow.events = row.Int(0);
    ++seen_[request::EventType(event)];
  }
  const std::vector<Row> stored =
      Query(request_, "SELECT folded, events, head_hash FROM cases WHERE consortium = ? AND id = ?", {key.consortium, key.id});
  Must(stored.size() == 1, absl::StrCat("F33: a case is gone: ", key.Name()));
  if (stored.size() != 1) return;
  Must(stored[0].Text(0) == shadow.c.SerializeAsString(), absl::StrCat("F41: the events do not give the state: ", key.Name()));
  Must(stored[0].Int(1) == shadow.events && stored[0].Text(2) == shadow.head, absl::StrCat("F41: the head of the chain: ", key.Name()));
  Must(request::CanMove(shadow.c), absl::StrCat("F11: nothing will happen to ", key.Name()));
  int individual = 0, confirmed = 0;
  for (const request::Offer& offer : shadow.c.offers()) {
    if (!request::IsLive(offer)) continue;
    individual += request::IsIndividual(offer);
    confirmed += offer.state() == rv1::CONFIRMED;
  }
  Must(individual <= 1, absl::StrCat("F17: two individual offers are live: ", key.Name()));
  Must(confirmed <= 1, absl::StrCat("F29: two mentors are confirmed: ", key.Name()));
}

void Invariants::CheckEvent(const Shadow& before, const Event& event) {
  const request::Case& c = before.c;
  const std::string name = c.name();
  if (request::HasEnded(c)) {
    // What was already under way ends, a completed case has people to tell; but it stays what it is.
    const bool reopens = event.has_stage_opened() || event.has_offer_made() || event.has_proposed() || event.has_transfer_started() ||
                         event.has_transferred() || event.has_withdrawn() || event.has_closed() || event.has_completed() ||
                         event.has_paused() || event.has_search_restarted();
    Must(!reopens, absl::StrCat("F32: an ended case goes on: ", name, " ", request::EventType(event)));
  }
  if (c.paused() != 0) {
    const bool goes_on = event.has_effect_started() || event.has_offer_ended() || event.has_offer_opened() || event.has_offer_made() ||
                         event.has_stage_opened() || event.has_proposed() || event.has_message_made();
    Must(!goes_on, absl::StrCat("F44: a paused case goes on: ", name, " ", request::EventType(event)));
  }
  if (event.has_transfer_started()) Must(before.call_agreed, absl::StrCat("F7: a swap without an agreed call: ", name));
  if (event.has_message_made()) {
    const request::MessageKind kind = event.message_made().message().kind();
    if (kind == request::OFFICIAL_CANDIDATE || kind == request::OFFICIAL_MENTOR) {
      Must(before.call_agreed && before.swapped, absl::StrCat("F7: an official mail before the swap: ", name));
    }
    if (kind == request::FIRST_APPROACH || kind == request::NAMED_APPROACH) {
      const std::string& to = event.message_made().message().to();
      Must(to != c.current_mentor(), absl::StrCat("F20: the current mentor is approached: ", name));
      Must(!request::IsExcluded(c, to), absl::StrCat("F2: who is out of the case is approached: ", name));
    }
  }
}

// --- The roster ---

void Invariants::CheckRoster(int64_t commits) {
  std::vector<mentor::Assignment> assignments;
  const mentor::Roster before = std::move(roster_);
  const absl::Status status = mentor_.Read([&](sql::Transaction& tx) -> absl::Status {
    mentor::Wants wants;
    wants.everything = true;
    REMATCH_ASSIGN_OR_RETURN(roster_, mentor::store::Load(tx, "c1", std::move(wants), mentor::store::Locks::kNone));
    REMATCH_ASSIGN_OR_RETURN(assignments, mentor::store::ListAssignments(tx, "c1", {}, {}, 100'000));
    return absl::OkStatus();
  });
  Must(status.ok(), absl::StrCat("the roster cannot be read: ", status.ToString()));
  NoteWhoIsLeft(assignments, before, commits);
  std::map<std::string, int> assigned, held;
  std::map<std::string, std::vector<std::string>> open;
  for (const mentor::Assignment& assignment : assignments) {
    if (!assignment.end.has_value()) open[assignment.candidate].push_back(assignment.id);
  }
  for (const auto& [id, row] : roster_.candidates.rows()) {
    const mentor::Candidate& candidate = row.value;
    if (!candidate.mentor.empty()) ++assigned[candidate.mentor];
    if (const mentor::Candidate* was = before.candidates.Find(id); was != nullptr && was->assignment != candidate.assignment) {
      const bool apart = mentor::Contains(was->do_not_pair, candidate.mentor) && mentor::Contains(candidate.do_not_pair, candidate.mentor);
      Must(!apart, absl::StrCat("F28: two who are kept apart are paired: ", id));
    }
    const std::vector<std::string> live =
        candidate.assignment.empty() ? std::vector<std::string>() : std::vector<std::string>{candidate.assignment};
    Must(open[id] == live, absl::StrCat("F34: not exactly the live assignment is open: ", id));
  }
  for (const auto& [id, row] : roster_.seats.rows()) {
    if (row.value.state == mentor::Seat::State::kHeld) ++held[row.value.mentor];
  }
  for (const auto& [id, row] : roster_.mentors.rows()) {
    Must(row.value.assigned == assigned[id] && row.value.held == held[id], absl::StrCat("F30: the counters of ", id));
    Must(row.value.assigned + row.value.held <= row.value.capacity, absl::StrCat("F30: more than the capacity of ", id));
    Must(row.value.state == mentor::Mentor::State::kActive || row.value.assigned == 0, absl::StrCat("F33: who left has a candidate: ", id));
  }
}

void Invariants::NoteWhoIsLeft(const std::vector<mentor::Assignment>& assignments, const mentor::Roster& before, int64_t commits) {
  std::set<std::string> lost;
  for (const mentor::Assignment& assignment : assignments) {
    if (!assignment.end.has_value() || !ended_.insert(assignment.id).second) continue;
    const mentor::Mentor* mentor = roster_.mentors.Find(assignment.mentor);
    if (mentor != nullptr && mentor->state == mentor::Mentor::State::kRetired) lost.insert(assignment.candidate);
  }
  for (const auto& [id, row] : roster_.candidates.rows()) {
    const mentor::Candidate* was = before.candidates.Find(id);
    if (was == nullptr || (was->assignment == row.value.assignment && !lost.contains(id))) continue;
    bool is_left = row.value.mentor.empty() && lost.contains(id);
    if (commits > 1 && is_left) {
      // Whether theirs left before or after the assignment ended cannot be seen from here.
      const std::vector<Row> told =
          Query(mentor_, "SELECT mentor_left FROM roster_changes WHERE candidate = ? AND kind = 5 ORDER BY position DESC LIMIT 1", {id});
      is_left = !told.empty() && told[0].Int(0) != 0;
    }
    if (is_left) {
      left_.insert(id);
    } else {
      left_.erase(id);
    }
  }
}

// --- The feeds ---

void Invariants::CheckFeeds() {
  for (const Row& row : Query(mentor_, "SELECT position FROM roster_changes WHERE position > ? ORDER BY position", {roster_feed_})) {
    Must(row.Int(0) == roster_feed_ + 1, "the roster's feed has a gap that is filled later");
    roster_feed_ = row.Int(0);
  }
  for (const Row& row :
       Query(notify_, "SELECT position, notification, state FROM deliveries WHERE position > ? ORDER BY position", {delivery_feed_})) {
    Must(row.Int(0) == delivery_feed_ + 1, "the feed of deliveries has a gap that is filled later");
    delivery_feed_ = row.Int(0);
    states_[row.Text(1)].push_back(row.Int(2));
  }
}

// --- At rest ---

void Invariants::CheckQuiet(bool reconciled) {
  // What waits for a pause of the service's own is under way.
  for (const char* work : {"SELECT COUNT(*) FROM effects", "SELECT COUNT(*) FROM sends"}) {
    const std::vector<Row> rows = Query(std::string_view(work).ends_with("sends") ? notify_ : request_, work);
    if (rows.empty() || rows[0].Int(0) > 0) return;
  }
  CheckSeats(reconciled);
  CheckTasksOfCandidates();
  for (const auto& [name, shadow] : cases_) {
    const request::Case& c = shadow.c;
    // What peers answered in a pause waits.
    if (c.paused() != 0) continue;
    Must(c.running_size() == 0, absl::StrCat("F11: an effect was never answered: ", name));
    if (request::HasEnded(c)) continue;
    CheckDeadlines(shadow, reconciled);
    const mentor::Candidate* candidate = roster_.candidates.Find(request::IdOf(c.candidate()));
    if (candidate == nullptr) continue;
    // What the feed told before the case was there.
    const std::vector<Row> told =
        Query(mentor_, "SELECT MAX(position) FROM roster_changes WHERE candidate = ? AND kind IN (4, 5)", {candidate->id});
    const bool untold = !reconciled && !told.empty() && !told[0].IsNull(0) && told[0].Int(0) <= shadow.roster_position;
    // The change was made: the case ends when both have been told, by phone if a mail was refused.
    if (c.state() == rv1::ANNOUNCING) continue;
    Must(untold || !candidate->unenrolled.has_value(), absl::StrCat("F33: the candidate has left, and their case is open: ", name));
    Must(untold || request::IdOf(c.current_mentor()) == candidate->mentor,
         absl::StrCat("F33: the case does not know the mentor of record: ", name));
    for (const request::Offer& offer : c.offers()) {
      // The leader may have sent the broadcast to the current mentor as well (F20).
      if (!request::IsLive(offer) || offer.mentor().empty() || shadow.to_current.contains(offer.id())) continue;
      if (offer.mentor() == c.current_mentor()) continue;
      const std::string mentor = request::IdOf(offer.mentor());
      Must(!mentor::Contains(candidate->do_not_pair, mentor), absl::StrCat("F28: who is kept apart is being asked: ", name));
      const mentor::Mentor* record = roster_.mentors.Find(mentor);
      Must(record == nullptr || !offer.seat_held() || record->state == mentor::Mentor::State::kActive,
           absl::StrCat("F33: a mentor who left is being asked: ", name));
    }
  }
}

// F37: what is open counts by the calendar that the program has.
void Invariants::CheckDeadlines(const Shadow& shadow, bool reconciled) {
  const request::Case& c = shadow.c;
  const std::vector<Row> told =
      Query(mentor_, "SELECT MAX(position) FROM roster_changes WHERE program = ? AND kind = 7", {shadow.key.program});
  const bool untold = told.empty() || told[0].IsNull(0) || told[0].Int(0) <= shadow.roster_position;
  const mentor::Program& program = *roster_.programs.Find(shadow.key.program);
  mentor::v1::Program published;
  published.set_time_zone(program.time_zone);
  published.mutable_calendar()->ParseFromString(program.calendar);
  if (c.calendar() != request::CalendarHash(published)) {
    Must(untold && !reconciled, absl::StrCat("F37: the case counts by another calendar than its program: ", c.name()));
    return;
  }
  absl::TimeZone zone;
  absl::LoadTimeZone(program.time_zone, &zone);
  const request::WorkingTime time(published.calendar(), zone);
  const auto counts = [&](const request::Clock& clock, int64_t end) {
    const absl::Time from = request::FromStored(clock.from());
    const int64_t by_calendar =
        request::ToStored(clock.has_left() ? time.After(from, absl::Microseconds(clock.left()), clock.window().unit())
                                           : time.EndOfWindow(from, clock.window()));
    // A window that would have ended before the change ended with it.
    return end == clock.end() && (end == by_calendar || by_calendar <= c.updated());
  };
  for (const request::Offer& offer : c.offers()) {
    if (offer.state() != rv1::OPEN) continue;
    const bool right =
        request::IsOfBroadcast(offer) ? offer.window_end() == c.stage_window().end() : counts(offer.clock(), offer.window_end());
    Must(right, absl::StrCat("F37: a window did not move with the calendar: ", c.name(), " ", offer.id()));
  }
  if (!c.stage_window().over() && c.stage_window().end() != 0) {
    Must(counts(c.stage_window().clock(), c.stage_window().end()), absl::StrCat("F37: a stage did not move with the calendar: ", c.name()));
  }
  for (const request::Task& task : c.tasks()) {
    if (task.ended() != 0 || (!task.redial() && task.not_before() != 0)) continue;
    Must(counts(task.clock(), task.due()), absl::StrCat("F37: a task did not move with the calendar: ", c.name(), " ", task.id()));
  }
}

void Invariants::CheckAtRest() {
  CheckMailAtRest();
  CheckNotes();
  for (const auto& [name, shadow] : cases_) {
    Must(request::HasEnded(shadow.c), absl::StrCat("F11: the leader is done, and the case is open: ", name));
  }
  for (const char* table : {"effects", "timers"}) {
    const std::vector<Row> poison = Query(request_, absl::StrCat("SELECT COUNT(*) FROM ", table, " WHERE refusals > 3"));
    Must(poison.empty() || poison[0].Int(0) == 0, absl::StrCat("something is refused again and again: ", table));
  }
}

// F29: whoever was willing and is not the new mentor hears that it is over.
void Invariants::CheckNotes() {
  for (const auto& [name, shadow] : cases_) {
    const request::Case& c = shadow.c;
    if (!request::HasEnded(c)) continue;
    const request::Offer* match = request::FindOffer(c, c.proposed_offer());
    for (const request::Offer& offer : c.offers()) {
      if (!offer.willing() || request::IsTake(offer) || (match != nullptr && offer.mentor() == match->mentor())) continue;
      const bool told = std::any_of(c.messages().begin(), c.messages().end(), [&](const request::Message& message) {
        return message.kind() == request::CLOSING_NOTE && message.to() == offer.mentor();
      });
      Must(told, absl::StrCat("F29: whoever was willing and not chosen hears nothing: ", name, " ", offer.id()));
    }
  }
}

void Invariants::CheckSeats(bool reconciled) {
  std::set<std::string> needed;
  std::set<std::string> not_given;
  std::set<std::string> paused;
  for (const auto& [name, shadow] : cases_) {
    if (!reconciled) not_given.insert(shadow.not_given.begin(), shadow.not_given.end());
    if (shadow.c.paused() != 0) {
      paused.insert(shadow.key.id);
      continue;
    }
    for (const request::Offer& offer : shadow.c.offers()) {
      if (offer.seat_held() && request::IsLive(offer)) needed.insert(offer.seat());
    }
    const mentor::Candidate* candidate = roster_.candidates.Find(request::IdOf(shadow.c.candidate()));
    const std::vector<Row> swaps =
        Query(mentor_, "SELECT assignment FROM seats WHERE consortium = 'c1' AND state = 3 AND seat >= ? AND seat < ?",
              {shadow.key.id + ".", shadow.key.id + "/"});
    Must(swaps.size() == (shadow.swapped ? 1u : 0u), absl::StrCat("F34: swaps and the case's own story differ: ", name));
    Must(candidate != nullptr, "F33: a candidate is gone");
  }
  for (const auto& [id, row] : roster_.seats.rows()) {
    const bool held = row.value.state == mentor::Seat::State::kHeld;
    if (paused.contains(id.substr(0, id.find('.')))) continue;
    if (held) Must(needed.contains(id) || not_given.contains(id), absl::StrCat("F30: a seat stays held for an offer that is over: ", id));
    if (needed.contains(id)) Must(held || row.value.state == mentor::Seat::State::kTransferred, absl::StrCat("F30: a seat is lost: ", id));
    needed.erase(id);
  }
  Must(needed.empty(), "F30: a case relies on a seat that is not there");
}

void Invariants::CheckMailAtRest() {
  const auto was = [this](const std::string& key, nv1::Notification::State state) {
    const auto found = states_.find(key);
    return found != states_.end() && std::find(found->second.begin(), found->second.end(), int64_t{state}) != found->second.end();
  };
  for (const auto& [id, mail] : post_.mails()) {
    Must(mail.arrived <= 1 || was(mail.key, nv1::Notification::UNKNOWN),
         absl::StrCat("F40: a message went out twice, for no reason: ", mail.key));
    const auto told = states_.find(mail.key);
    if (told == states_.end()) continue;
    if (told->second.back() == nv1::Notification::SENT)
      Must(mail.arrived >= 1, absl::StrCat("F40: reported as sent, and never arrived: ", mail.key));
    if (told->second.back() == nv1::Notification::CANCELLED) {
      Must(mail.arrived == 0, absl::StrCat("F40: reported as called back, and arrived: ", mail.key));
    }
  }
  for (const auto& [name, shadow] : cases_) {
    if (!request::HasEnded(shadow.c)) continue;
    for (const request::Message& message : shadow.c.messages()) {
      Must(message.state() != request::Message::ON_ITS_WAY, absl::StrCat("F40: nobody knows what became of ", message.key()));
    }
    // F8: both know who the mentor is now, by mail or by phone, or somebody has the task to tell them.
    if (shadow.c.state() != rv1::COMPLETED) continue;
    for (const request::Announcement::Told told : {shadow.c.announcement().candidate(), shadow.c.announcement().mentor()}) {
      Must(told != request::Announcement::UNTOLD, absl::StrCat("F8: completed, and somebody was never told: ", name));
      if (told == request::Announcement::FAILED) {
        Must(request::OpenTask(shadow.c, rv1::TELL_BY_PHONE) != nullptr,
             absl::StrCat("F39: a mail failed, and nobody is to phone: ", name));
      }
    }
    // What the case knows of its messages is what the feed told.
    for (const request::Message& message : shadow.c.messages()) {
      const auto told = states_.find(message.key());
      if (told == states_.end()) continue;
      if (told->second.back() == nv1::Notification::FAILED) {
        Must(message.state() == request::Message::FAILED, absl::StrCat("F39: the case never heard of a failure: ", message.key()));
      }
    }
  }
}

// F33: whoever has no mentor because theirs left has a case, or is a task of somebody's.
void Invariants::CheckTasksOfCandidates() {
  std::set<std::string> tasks;
  for (const Row& row : Query(request_, "SELECT task FROM tasks WHERE case_id = '' AND open = 1")) tasks.insert(row.Text(0));
  for (const auto& [id, row] : roster_.candidates.rows()) {
    const bool without = row.value.mentor.empty() && !row.value.unenrolled.has_value() && left_.contains(id);
    const bool has_case = std::any_of(cases_.begin(), cases_.end(), [&, id = id](const auto& one) {
      return request::IdOf(one.second.c.candidate()) == id && !request::HasEnded(one.second.c);
    });
    Must(tasks.contains(id) == (without && !has_case),
         absl::StrCat("F33: ", id, tasks.contains(id) ? " is a task for no reason" : " has no mentor, and is nobody's task"));
  }
}

}  // namespace rematch::simulation
