#include "mentor-service/domain/changes.h"

#include <map>
#include <set>
#include <string>
#include <utility>

namespace rematch::mentor {
namespace {

// Without what seats, assignments and the counting of writes change.
Mentor AsOthersKnow(Mentor mentor) {
  mentor.assigned = 0;
  mentor.held = 0;
  mentor.has_mentored = false;
  mentor.version = 0;
  return mentor;
}

void AddChanges(const Table<Mentor>::Row& row, std::vector<Change>& changes) {
  const Mentor& mentor = row.value;
  if (row.before == nullptr || AsOthersKnow(*row.before) != AsOthersKnow(mentor)) {
    changes.push_back({.kind = Change::Kind::kMentorChanged, .mentor = mentor.id});
  }
  if (row.before == nullptr || row.before->state == Mentor::State::kRetired) return;
  for (const std::string& program : row.before->programs) {
    if (mentor.state == Mentor::State::kActive && Contains(mentor.programs, program)) continue;
    changes.push_back({.kind = Change::Kind::kMentorLeft, .program = program, .mentor = mentor.id});
  }
}

bool HasRetired(const Roster& roster, const std::string& id) {
  const Mentor* mentor = roster.mentors.Find(id);
  return mentor != nullptr && mentor->state == Mentor::State::kRetired;
}

// Candidates who had a mentor that is retired now, if only for a moment within this change: other changes of the batch may have given them
// that mentor.
std::set<std::string> LeftByTheirs(const Roster& roster) {
  std::set<std::string> candidates;
  for (const auto& [id, row] : roster.assignments.rows()) {
    const bool ends = row.changed && row.value.end.has_value() && (row.before == nullptr || !row.before->end.has_value());
    if (ends && HasRetired(roster, row.value.mentor)) candidates.insert(row.value.candidate);
  }
  return candidates;
}

void AddChanges(const Table<Candidate>::Row& row, const std::map<std::string, std::string>& seats, bool was_left,
                std::vector<Change>& changes) {
  const Candidate& candidate = row.value;
  const auto add = [&](Change::Kind kind) -> Change& {
    return changes.emplace_back(Change{.kind = kind, .program = candidate.program, .candidate = candidate.id});
  };
  const auto set_mentor = [&](Change& change) {
    change.mentor = candidate.mentor;
    change.assignment = candidate.assignment;
    if (const auto seat = seats.find(candidate.assignment); seat != seats.end()) change.seat = seat->second;
  };
  if (row.before == nullptr) {
    set_mentor(add(Change::Kind::kCandidateAdded));
    return;
  }
  if (candidate.unenrolled.has_value() && !row.before->unenrolled.has_value()) {
    add(Change::Kind::kCandidateLeft);
  } else if (candidate.assignment != row.before->assignment || was_left) {
    Change& change = add(Change::Kind::kAssignmentChanged);
    set_mentor(change);
    change.mentor_left = candidate.mentor.empty() && was_left;
  }
  for (const std::string& mentor : candidate.do_not_pair) {
    if (!Contains(row.before->do_not_pair, mentor)) add(Change::Kind::kDoNotPairAdded).mentor = mentor;
  }
}

}  // namespace

std::vector<Change> ChangesIn(const Roster& roster) {
  std::vector<Change> changes;
  for (const auto& [id, row] : roster.programs.rows()) {
    if (!row.changed || row.before == nullptr) continue;
    const auto leads = [](const Leader& leader) { return std::pair(leader.id, leader.mentor); };
    const bool same_leaders =
        leads(row.value.leader) == leads(row.before->leader) && leads(row.value.alternate) == leads(row.before->alternate);
    if (row.value.calendar != row.before->calendar || row.value.time_zone != row.before->time_zone || !same_leaders) {
      changes.push_back({.kind = Change::Kind::kCalendarChanged, .program = id});
    }
  }
  for (const auto& [id, row] : roster.mentors.rows()) {
    if (row.changed) AddChanges(row, changes);
  }
  std::map<std::string, std::string> seats;  // by the assignments that they became
  for (const auto& [id, row] : roster.seats.rows()) {
    if (row.changed && !row.value.assignment.empty()) seats[row.value.assignment] = id;
  }
  const std::set<std::string> left = LeftByTheirs(roster);
  for (const auto& [id, row] : roster.candidates.rows()) {
    if (row.changed) AddChanges(row, seats, left.contains(id), changes);
  }
  return changes;
}

}  // namespace rematch::mentor
