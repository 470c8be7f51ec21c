#include "tests/simulation/invariants.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "mentor-service/store/store.h"
#include "platform/errors.h"
#include "platform/strings.h"
#include "platform/validation.h"
#include "request-service/domain/audit.h"
#include "request-service/domain/case_view.h"
#include "request-service/domain/causes.h"
#include "request-service/domain/escalation.h"
#include "request-service/domain/letters.h"
#include "request-service/domain/working_time.h"
#include "request-service/store/calendar_store.h"
#include "tests/mentor/whole_roster.h"
#include "tests/simulation/cast.h"

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
    if (event.has_opened()) CheckPolicy(shadow);
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
  CheckBelongs(shadow);
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
    const std::string& recipient = event.message_made().message().to();
    Must(absl::StartsWith(recipient, request::ConsortiumName(before.key.consortium) + "/"),
         absl::StrCat("F36: a mail goes to another consortium: ", name));
    // Whose answer a leader put on record has heard of the search, and hears when it ends (F29).
    const bool answered = std::any_of(c.offers().begin(), c.offers().end(), [&recipient](const request::Offer& offer) {
      return offer.mentor() == recipient && offer.answered() != 0;
    });
    Must(!absl::StrContains(recipient, "/mentors/") || answered || WasMember(before.key, request::IdOf(recipient)),
         absl::StrCat("F36: a mail goes to who was never of the program: ", name));
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

// Whoever publishes just then may be too late for it.
void Invariants::CheckPolicy(const Shadow& shadow) {
  constexpr absl::Duration kLongestOpening = absl::Minutes(1);
  const int64_t before = request::ToStored(request::FromStored(shadow.c.created()) - kLongestOpening);
  std::set<std::string> own = {service_policy_};
  for (const Row& row :
       Query(request_, "SELECT hash, created FROM program_policy_versions WHERE consortium = ? AND program = ? ORDER BY version",
             {shadow.key.consortium, shadow.key.program})) {
    if (row.Int(1) < before) own.clear();
    own.insert(row.Text(0));
  }
  Must(own.contains(shadow.c.policy()), absl::StrCat("F15: a case goes by another policy than its program: ", shadow.c.name()));
}

std::vector<std::string> Invariants::LeadersFor(const request::CaseKey& key) const {
  const auto consortium = consortia_.find(key.consortium);
  if (consortium == consortia_.end()) return {};
  const mentor::Program* program = consortium->second.roster.programs.Find(key.program);
  return program == nullptr ? std::vector<std::string>() : LeadersOf(key.consortium, *program);
}

bool Invariants::WasMember(const request::CaseKey& key, const std::string& mentor) const {
  const auto consortium = consortia_.find(key.consortium);
  if (consortium == consortia_.end()) return false;
  const auto members = consortium->second.members.find(key.program);
  return members != consortium->second.members.end() && members->second.contains(mentor);
}

void Invariants::CheckBelongs(const Shadow& shadow) {
  const request::Case& c = shadow.c;
  const std::string program = request::ProgramName(shadow.key.consortium, shadow.key.program);
  const std::vector<std::string> leaders = LeadersFor(shadow.key);
  const auto is_theirs = [&leaders](const std::string& person) { return person.empty() || mentor::Contains(leaders, person); };
  Must(c.name() == shadow.key.Name() && absl::StartsWith(c.candidate(), program + "/candidates/"),
       absl::StrCat("F36: a case of a candidate of another program: ", c.name()));
  Must(is_theirs(c.leader().person()) && is_theirs(c.alternate().person()),
       absl::StrCat("F36: who leads another program leads the case: ", c.name()));
  for (const request::Task& task : c.tasks()) {
    Must(is_theirs(task.owner()), absl::StrCat("F36: a task of who leads another program: ", c.name(), " ", task.id()));
  }
}

// --- The roster ---

void Invariants::CheckRoster(int64_t commits) {
  for (auto& [id, consortium] : consortia_) CheckRosterOf(id, consortium, commits);
}

void Invariants::CheckRosterOf(const std::string& id, Consortium& consortium, int64_t commits) {
  std::vector<mentor::Assignment> assignments;
  const mentor::Roster before = std::move(consortium.roster);
  mentor::Roster& roster = consortium.roster;
  const absl::Status status = mentor_.Read([&](sql::Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(roster, mentor::WholeRoster(tx, id));
    REMATCH_ASSIGN_OR_RETURN(assignments, mentor::store::ListAssignments(tx, id, {}, {}, 100'000));
    return absl::OkStatus();
  });
  Must(status.ok(), absl::StrCat("the roster cannot be read: ", status.ToString()));
  for (const auto& [mentor, row] : roster.mentors.rows()) {
    for (const std::string& program : row.value.programs) consortium.members[program].insert(mentor);
  }
  NoteWhoIsLeft(consortium, assignments, before, commits);
  std::map<std::string, std::vector<std::string>> open;
  for (const mentor::Assignment& assignment : assignments) {
    if (!assignment.end.has_value()) open[assignment.candidate].push_back(assignment.id);
  }
  for (const auto& [candidate_id, row] : roster.candidates.rows()) {
    const mentor::Candidate& candidate = row.value;
    const mentor::Candidate* was = before.candidates.Find(candidate_id);
    if (was != nullptr && was->assignment != candidate.assignment) {
      const bool apart = mentor::Contains(was->do_not_pair, candidate.mentor) && mentor::Contains(candidate.do_not_pair, candidate.mentor);
      Must(!apart, absl::StrCat("F28: two who are kept apart are paired: ", candidate_id));
      const auto is_member = [&](const mentor::Roster& then) {
        const mentor::Mentor* mentor = then.mentors.Find(candidate.mentor);
        return mentor != nullptr && mentor::Contains(mentor->programs, candidate.program);
      };
      Must(candidate.mentor.empty() || is_member(roster) || is_member(before),
           absl::StrCat("F36: paired with a mentor of other programs: ", candidate_id));
    }
    const std::vector<std::string> live =
        candidate.assignment.empty() ? std::vector<std::string>() : std::vector<std::string>{candidate.assignment};
    Must(open[candidate_id] == live, absl::StrCat("F34: not exactly the live assignment is open: ", candidate_id));
  }
  CheckShared(id, consortium);
}

void Invariants::CheckShared(const std::string& id, const Consortium& consortium) {
  struct Taken {
    int assigned = 0;
    int held = 0;
    std::set<std::string> assigned_by;  // programs
    std::set<std::string> held_by;      // likewise
  };
  std::map<std::string, Taken> taken;
  for (const auto& [candidate, row] : consortium.roster.candidates.rows()) {
    if (row.value.mentor.empty()) continue;
    Taken& by_theirs = taken[row.value.mentor];
    ++by_theirs.assigned;
    by_theirs.assigned_by.insert(row.value.program);
  }
  for (const auto& [seat, row] : consortium.roster.seats.rows()) {
    if (row.value.state != mentor::Seat::State::kHeld) continue;
    Taken& by_theirs = taken[row.value.mentor];
    ++by_theirs.held;
    by_theirs.held_by.insert(row.value.program);
    Must(WasMember({.consortium = id, .program = row.value.program, .id = ""}, row.value.mentor),
         absl::StrCat("F36: a program holds a seat of who was never of it: ", seat));
  }
  for (const auto& [mentor, row] : consortium.roster.mentors.rows()) {
    Taken& theirs = taken[mentor];
    Must(row.value.assigned == theirs.assigned && row.value.held == theirs.held, absl::StrCat("F30: the counters of ", mentor));
    Must(theirs.assigned + theirs.held <= row.value.capacity, absl::StrCat("F30: more than the capacity of ", mentor));
    Must(row.value.state == mentor::Mentor::State::kActive || theirs.assigned == 0,
         absl::StrCat("F33: who left has a candidate: ", mentor));
    if (theirs.assigned_by.size() > 1) meetings_.Note(Meeting::kSharedCaseload);
    if (theirs.held_by.size() > 1) meetings_.Note(Meeting::kAskedByTwo);
    theirs.assigned_by.insert(theirs.held_by.begin(), theirs.held_by.end());
    if (theirs.assigned_by.size() > 1 && row.value.full()) meetings_.Note(Meeting::kFullByTwo);
  }
}

void Invariants::NoteWhoIsLeft(Consortium& consortium, const std::vector<mentor::Assignment>& assignments, const mentor::Roster& before,
                               int64_t commits) {
  const mentor::Roster& roster = consortium.roster;
  std::set<std::string> lost;
  for (const mentor::Assignment& assignment : assignments) {
    if (!assignment.end.has_value() || !consortium.ended.insert(assignment.id).second) continue;
    const mentor::Mentor* mentor = roster.mentors.Find(assignment.mentor);
    if (mentor != nullptr && mentor->state == mentor::Mentor::State::kRetired) lost.insert(assignment.candidate);
  }
  for (const auto& [id, row] : roster.candidates.rows()) {
    const mentor::Candidate* was = before.candidates.Find(id);
    if (was == nullptr || (was->assignment == row.value.assignment && !lost.contains(id))) continue;
    bool is_left = row.value.mentor.empty() && lost.contains(id);
    if (commits > 1 && is_left) {
      // Whether theirs left before or after the assignment ended cannot be seen from here.
      const std::vector<Row> told =
          Query(mentor_,
                "SELECT mentor_left FROM roster_changes WHERE consortium = ? AND candidate = ? AND kind = 5 ORDER BY position DESC LIMIT 1",
                {roster.consortium_id, id});
      is_left = !told.empty() && told[0].Int(0) != 0;
    }
    if (is_left) {
      consortium.left.insert(id);
    } else {
      consortium.left.erase(id);
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

// --- Letters and concerns ---

void Invariants::CheckLetters() {
  std::set<std::string> outbox;
  for (const Row& row : Query(request_, "SELECT id FROM effects WHERE case_id = ''")) outbox.insert(row.Text(0));
  for (const Row& row : Query(request_, "SELECT consortium, id FROM letters WHERE state = 1")) {
    Must(outbox.contains(request::LetterEffectId(row.Text(0), row.Text(1))), absl::StrCat("F11: nobody sends a letter: ", row.Text(1)));
  }
  CheckConcerns();
}

void Invariants::CheckConcerns() {
  std::set<std::string> tasks;
  for (const Row& row : Query(request_, "SELECT consortium, task FROM tasks WHERE case_id = '' AND open = 1 AND task LIKE 'concern-%'")) {
    tasks.insert(absl::StrCat(row.Text(0), "/", row.Text(1)));
  }
  std::set<std::string> answers;
  for (const Row& row : Query(request_, "SELECT consortium, program, id, open, concern FROM concerns")) {
    request::StoredConcern concern;
    Must(concern.ParseFromString(row.Text(4)), "a concern cannot be read");
    const std::string name = request::ConcernName({.consortium = row.Text(0), .program = row.Text(1), .id = ""}, row.Text(2));
    const bool is_task = tasks.erase(absl::StrCat(row.Text(0), "/", request::ConcernTaskId(row.Text(2)))) == 1;
    Must(is_task == (row.Int(3) == 1), absl::StrCat("F11: a concern and its task differ: ", name));
    const std::vector<std::string> leaders = LeadersFor({.consortium = row.Text(0), .program = row.Text(1), .id = ""});
    Must(mentor::Contains(leaders, concern.owner()), absl::StrCat("F36: a concern is for who leads another program: ", name));
    for (const mentor::Leader* leader : {&consortia_[row.Text(0)].roster.programs.Find(row.Text(1))->leader,
                                         &consortia_[row.Text(0)].roster.programs.Find(row.Text(1))->alternate}) {
      const bool is_owner = request::IdOf(concern.owner()) == leader->id;
      Must(!is_owner || leader->mentor.empty() || leader->mentor != request::IdOf(concern.mentor()),
           absl::StrCat("F35: a concern is for the mentor whom it is about: ", name));
    }
    if (concern.outcome() == rv1::Concern::CASE_OPENED) {
      Must(concern.candidate_consents(), absl::StrCat("F12: a case without the candidate's consent: ", name));
      const auto opened = cases_.find(concern.reassignment());
      Must(opened != cases_.end() && opened->second.c.candidate() == concern.candidate(),
           absl::StrCat("F12: a concern became a case that is not there: ", name));
    }
    Must(concern.survey_response().empty() || answers.insert(concern.survey_response()).second,
         absl::StrCat("F32: two concerns of one answer: ", name));
  }
  Must(tasks.empty(), "F11: a task of a concern that is not there");
}

void Invariants::CheckLettersAtRest() {
  for (const Row& row : Query(request_, "SELECT consortium, program, letter FROM letters")) {
    request::Letter letter;
    Must(letter.ParseFromString(row.Text(2)) && !letter.id().empty(), "a letter cannot be read");
    Must(letter.state() != rv1::SurveyResponse::PLANNED, absl::StrCat("F11: a letter was never sent: ", letter.id()));
    if (letter.answered() == 0) continue;
    Must(letter.concern().empty() != request::GivesConcern(letter), absl::StrCat("F12: an answer and its concern differ: ", letter.id()));
  }
}

// --- At rest ---

void Invariants::CheckQuiet(bool reconciled) {
  // What waits for a pause of the service's own is under way; a letter that waits for its day is not.
  for (const char* work :
       {"SELECT COUNT(*) FROM effects WHERE NOT (case_id = '' AND owner = '' AND attempts = 0)", "SELECT COUNT(*) FROM sends"}) {
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
    const mentor::Roster& roster = consortia_.at(shadow.key.consortium).roster;
    const mentor::Candidate* candidate = roster.candidates.Find(request::IdOf(c.candidate()));
    if (candidate == nullptr) continue;
    // What the feed told before the case was there.
    const std::vector<Row> told =
        Query(mentor_, "SELECT MAX(position) FROM roster_changes WHERE consortium = ? AND candidate = ? AND kind IN (4, 5)",
              {shadow.key.consortium, candidate->id});
    const bool untold = !reconciled && !told.empty() && !told[0].IsNull(0) && told[0].Int(0) <= shadow.roster_position;
    // The change was made: the case ends when both have been told, by phone if a mail was refused.
    if (c.state() == rv1::ANNOUNCING) continue;
    Must(untold || !candidate->unenrolled.has_value(), absl::StrCat("F33: the candidate has left, and their case is open: ", name));
    Must(untold || request::IdOf(c.current_mentor()) == candidate->mentor,
         absl::StrCat("F33: the case does not know the mentor of record: ", name));
    for (const request::Offer& offer : c.offers()) {
      if (!request::IsLive(offer) || offer.mentor().empty()) continue;
      // The leader may have sent the broadcast to the current mentor as well (F20).
      if (shadow.to_current.contains(offer.id()) && offer.mentor() == c.current_mentor()) continue;
      Must(offer.mentor() != c.current_mentor(), absl::StrCat("F34: their mentor is asked to become it: ", name));
      const std::string mentor = request::IdOf(offer.mentor());
      Must(!mentor::Contains(candidate->do_not_pair, mentor), absl::StrCat("F28: who is kept apart is being asked: ", name));
      const mentor::Mentor* record = roster.mentors.Find(mentor);
      const bool has_left = record != nullptr &&
                            (record->state == mentor::Mentor::State::kRetired || !mentor::Contains(record->programs, shadow.key.program));
      Must(!offer.seat_held() || !has_left, absl::StrCat("F33: a mentor who left is being asked: ", name));
    }
  }
}

// F37: what is open counts by the calendar that the program has.
void Invariants::CheckDeadlines(const Shadow& shadow, bool reconciled) {
  const request::Case& c = shadow.c;
  const std::vector<Row> told = Query(mentor_, "SELECT MAX(position) FROM roster_changes WHERE consortium = ? AND program = ? AND kind = 7",
                                      {shadow.key.consortium, shadow.key.program});
  const bool untold = told.empty() || told[0].IsNull(0) || told[0].Int(0) <= shadow.roster_position;
  const mentor::Program& program = *consortia_.at(shadow.key.consortium).roster.programs.Find(shadow.key.program);
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
  CheckSenders();
  CheckNotes();
  CheckLettersAtRest();
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
  std::set<std::string> needed;  // the keys of seats and cases are unique over all consortia
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
    const mentor::Candidate* candidate = consortia_.at(shadow.key.consortium).roster.candidates.Find(request::IdOf(shadow.c.candidate()));
    const std::vector<Row> swaps =
        Query(mentor_, "SELECT assignment FROM seats WHERE consortium = ? AND state = 3 AND seat >= ? AND seat < ?",
              {shadow.key.consortium, shadow.key.id + ".", shadow.key.id + "/"});
    Must(swaps.size() == (shadow.swapped ? 1u : 0u), absl::StrCat("F34: swaps and the case's own story differ: ", name));
    Must(candidate != nullptr, "F33: a candidate is gone");
  }
  for (const auto& [consortium_id, consortium] : consortia_) {
    for (const auto& [id, row] : consortium.roster.seats.rows()) {
      const bool held = row.value.state == mentor::Seat::State::kHeld;
      if (paused.contains(id.substr(0, id.find('.')))) continue;
      if (held) Must(needed.contains(id) || not_given.contains(id), absl::StrCat("F30: a seat stays held for an offer that is over: ", id));
      if (needed.contains(id))
        Must(held || row.value.state == mentor::Seat::State::kTransferred, absl::StrCat("F30: a seat is lost: ", id));
      needed.erase(id);
    }
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

void Invariants::CheckSenders() {
  for (const auto& [id, mail] : post_.mails()) {
    const auto found = cases_.find(mail.origin);
    // A letter is of a candidate of a program, and of no case.
    const std::optional<std::vector<std::string>> of_program =
        ParseName(mail.origin.substr(0, mail.origin.find('/', mail.origin.find("/programs/") + 10)), "consortia/*/programs/*");
    const bool is_letter = absl::EndsWith(mail.kind, "_survey") || mail.kind == "welcome";
    Must(of_program.has_value() && (found != cases_.end()) != is_letter && mail.consortium == (*of_program)[0],
         absl::StrCat("F36: a mail of no case: ", mail.key));
    if (!broken_.empty()) return;
    const request::CaseKey key = {.consortium = (*of_program)[0], .program = (*of_program)[1], .id = ""};
    const mentor::Program& own = *consortia_.at(key.consortium).roster.programs.Find(key.program);
    Must(mail.program_name == own.display_name, absl::StrCat("F36: a mail carries another program's name: ", mail.key));
    const bool is_leaders = std::all_of(mail.reply_to.begin(), mail.reply_to.end(), [&](const std::string& address) {
      return address == own.leader.contact.email || address == own.alternate.contact.email;
    });
    Must(is_leaders, absl::StrCat("F36: replies to a mail go to who leads another program: ", mail.key));
    Must(mail.arrived == 0 || mail.reply_to.contains(mail.arrived_reply_to), absl::StrCat("F8: replies to a mail go astray: ", mail.key));
    const std::vector<std::string> leaders = LeadersOf(key.consortium, own);
    for (const std::string& reader : mail.readers)
      Must(mentor::Contains(leaders, reader), absl::StrCat("F36: who leads another program may read a mail: ", mail.key));
    for (const auto& [consortium_id, consortium] : consortia_) {
      for (const auto& [program_id, program] : consortium.roster.programs.rows()) {
        if (consortium_id == key.consortium && program_id == key.program) continue;
        Must(!absl::StrContains(mail.words, program.value.display_name) &&
                 !absl::StrContains(mail.words, program.value.leader.contact.email),
             absl::StrCat("F36: a mail tells of another program: ", mail.key));
      }
    }
  }
}

// F33: whoever has no mentor because theirs left has a case, or is a task of somebody's: of who leads their program, and nobody else (F36).
void Invariants::CheckTasksOfCandidates() {
  std::map<std::string, std::set<std::string>> tasks;  // candidates, by consortium
  for (const Row& row :
       Query(request_, "SELECT consortium, program, task, leader, alternate, folded FROM tasks WHERE case_id = '' AND open = 1")) {
    request::Task task;
    Must(task.ParseFromString(row.Text(5)), "a task cannot be read");
    if (task.kind() == rv1::MENTOR_LEFT) tasks[row.Text(0)].insert(row.Text(2));
    const std::vector<std::string> leaders = LeadersFor({.consortium = row.Text(0), .program = row.Text(1), .id = ""});
    const mentor::Candidate* candidate = consortia_[row.Text(0)].roster.candidates.Find(request::IdOf(task.about()));
    // Of those that are about a mentor one may be hidden from them.
    const auto is_theirs = [&leaders](const std::string& person) { return person.empty() || mentor::Contains(leaders, person); };
    Must(candidate != nullptr && candidate->program == row.Text(1) && is_theirs(row.Text(3)) && is_theirs(row.Text(4)) &&
             mentor::Contains(leaders, task.owner()),
         absl::StrCat("F36: the task of a candidate of another program: ", row.Text(2)));
  }
  for (const auto& [consortium_id, consortium] : consortia_) {
    for (const auto& [id, row] : consortium.roster.candidates.rows()) {
      const bool without = row.value.mentor.empty() && !row.value.unenrolled.has_value() && consortium.left.contains(id);
      const std::string name = absl::StrCat(request::ProgramName(consortium_id, row.value.program), "/candidates/", id);
      const bool has_case = std::any_of(cases_.begin(), cases_.end(), [&name](const auto& one) {
        return one.second.c.candidate() == name && !request::HasEnded(one.second.c);
      });
      const bool is_task = tasks[consortium_id].contains(id);
      Must(is_task == (without && !has_case),
           absl::StrCat("F33: ", name, is_task ? " is a task for no reason" : " has no mentor, and is nobody's task"));
    }
  }
}

}  // namespace rematch::simulation
