// The roster of one consortium in memory: what a batch loaded of it, and what its commands changed. Commands are decided over
// it, one after another; the store then writes what is marked, with one statement per table.
//
// Ids are those inside the consortium; resource names exist at the RPC only. Instants are absolute, lists keep the order given.
#ifndef REMATCH_MENTOR_SERVICE_DOMAIN_ROSTER_H_
#define REMATCH_MENTOR_SERVICE_DOMAIN_ROSTER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace rematch::mentor {

struct Contact {
  std::string display_name;
  std::string email;
  std::string phone;
  bool operator==(const Contact&) const = default;
};

struct Consortium {
  std::string id;
  std::string display_name;
  bool operator==(const Consortium&) const = default;
};

struct District {
  std::string id;
  std::string display_name;
  Contact representative;
  bool lends_mentors = false;    // to candidates of other districts
  bool borrows_mentors = false;  // of other districts
  bool operator==(const District&) const = default;
};

struct Site {
  std::string id;
  std::string display_name;
  std::string district;
  Contact administrator;
  bool operator==(const Site&) const = default;
};

struct Leader {
  std::string id;  // empty: there is none
  Contact contact;
  std::string mentor;  // their own record as a mentor; may be empty
  bool operator==(const Leader&) const = default;
};

struct Program {
  std::string id;
  std::string display_name;
  std::string time_zone;
  Leader leader;
  Leader alternate;
  std::string calendar = {};  // the bytes of a v1::Calendar (fields.h); empty: Monday to Friday
  bool operator==(const Program&) const = default;
};

struct Mentor {
  enum class State { kActive = 1, kRetired = 2 };

  std::string id;
  absl::Time joined;
  Contact contact;
  std::string district;
  std::vector<std::string> programs;
  std::vector<std::string> credentials;
  std::vector<std::string> grade_bands;
  std::vector<std::string> subjects;
  int capacity = 0;
  bool interested_in_more = false;
  int years_mentored = 0;
  bool opted_out = false;
  std::vector<std::string> supervised_sites;
  State state = State::kActive;
  int assigned = 0;           // candidates whose mentor of record they are
  int held = 0;               // seats kept for offers
  bool has_mentored = false;  // has or had an assignment here
  int64_t version = 0;        // counts writes

  bool full() const { return assigned + held >= capacity; }
  bool operator==(const Mentor&) const = default;
};

struct Candidate {
  std::string id;
  std::string program;
  absl::Time joined;
  Contact contact;
  std::string site;
  std::string credential;
  std::string grade_band;
  std::vector<std::string> subjects;
  std::optional<absl::Time> enrolled;
  // The live assignment; empty without one. This row is the only place that says who the mentor of record is.
  std::string mentor;
  std::string assignment;
  std::optional<absl::Time> assigned_at;
  std::optional<absl::Time> without_mentor_since;  // nothing as well for who has left
  std::optional<absl::Time> unenrolled;            // when they left the program
  std::vector<std::string> do_not_pair;            // mentors who are never to be theirs (F28), in the order in which they were added
  bool operator==(const Candidate&) const = default;
};

struct Assignment {
  std::string id;
  std::string candidate;
  std::string program;
  std::string mentor;
  absl::Time begin;
  std::optional<absl::Time> end;
  bool operator==(const Assignment&) const = default;
};

struct Seat {
  enum class State { kHeld = 1, kReleased = 2, kTransferred = 3 };

  std::string id;
  std::string mentor;     // empty for a tombstone
  std::string candidate;  // likewise, and program
  std::string program;
  State state = State::kHeld;
  std::optional<absl::Time> held_at;
  std::optional<absl::Time> ended_at;
  std::string assignment;
  bool operator==(const Seat&) const = default;
};

// The id that a program's files use for something, and ours. Programs need none: theirs is part of their name.
struct ExternalId {
  enum class Kind { kDistrict = 1, kSite = 2, kMentor = 3, kCandidate = 4 };

  std::string id;  // "{kind}/{external id}"
  Kind kind = Kind::kDistrict;
  std::string external;
  std::string internal;
  bool operator==(const ExternalId&) const = default;

  static std::string KeyOf(Kind kind, std::string_view external);
};

// Rows of one kind by id, with what the store has kept beside what was changed.
template <typename T>
class Table {
 public:
  using Value = T;
  struct Row {
    T value;
    std::shared_ptr<const T> before;  // of a changed row: what the store has; null for a new row
    bool changed = false;
  };

  // A row as the store has it. Ignored for an id that is there already.
  void Load(T value) {
    std::string id = value.id;
    rows_.try_emplace(std::move(id), Row{.value = std::move(value), .before = nullptr, .changed = false});
  }
  // Null when there is no such row, or none was loaded.
  const T* Find(std::string_view id) const {
    const auto it = rows_.find(id);
    return it == rows_.end() ? nullptr : &it->second.value;
  }
  // A row that is known to be there, to change it.
  T& Change(std::string_view id) {
    Row& row = rows_.find(id)->second;
    if (!row.changed) row.before = std::make_shared<const T>(row.value);
    row.changed = true;
    return row.value;
  }
  // Adds a row, or replaces what one says.
  T& Put(T value) {
    const auto [it, added] = rows_.try_emplace(value.id);
    Row& row = it->second;
    if (!added && !row.changed) row.before = std::make_shared<const T>(std::move(row.value));
    row.value = std::move(value);
    row.changed = true;
    return row.value;
  }
  // In the order of ids.
  const std::map<std::string, Row, std::less<>>& rows() const { return rows_; }

 private:
  std::map<std::string, Row, std::less<>> rows_;
};

// Mentors, and who of them belongs to which program.
class MentorTable : private Table<Mentor> {
 public:
  using Table::Find, Table::Row, Table::rows, Table::Value;

  void Load(Mentor mentor);
  Mentor& Put(Mentor mentor);
  // To change anything but `programs`.
  using Table::Change;
  // In the order of ids. Some may have left the program since they were loaded.
  const std::set<std::string>& MembersOf(std::string_view program) const;

 private:
  void Note(const Mentor& mentor);

  std::map<std::string, std::set<std::string>, std::less<>> members_;
};

class Members;  // members.h
// Of programs, by their ids.
using Pools = std::map<std::string, std::shared_ptr<const Members>, std::less<>>;

struct Roster {
  std::string consortium_id;
  Table<Consortium> consortium;  // one row, or none when it was never founded
  Table<District> districts;
  Table<Site> sites;
  Table<Program> programs;
  MentorTable mentors;
  Table<Candidate> candidates;
  Table<Seat> seats;
  Table<Assignment> assignments;  // those that were asked for, and what this batch begins or ends
  Table<ExternalId> external_ids;
  // All members of programs as they were when they were read, without locks, for rankings: of those who are in `mentors` as well, what that
  // says counts. A program that is not here has no members but those in `mentors`.
  Pools pools;
  // Seats for which somebody of the pools was free when they were read.
  std::set<std::string, std::less<>> promising;
  // A command hangs on a mentor of a pool who is not in `mentors`: nothing that was decided counts, and it is for another roster, with
  // everybody in it.
  bool lacking = false;
  // Who has an email, in lower case, of those loaded and those changed here. An empty id: nobody any more.
  std::map<std::string, std::string, std::less<>> emails;

  // No members where there is no pool.
  const Members& PoolOf(std::string_view program) const;
  // The mentor with this email, "" if nobody.
  std::string MentorWithEmail(std::string_view email) const;
  // Adds or replaces a mentor, keeping `emails` and the version.
  Mentor& PutMentor(Mentor mentor);
  // A mentor that is there, to change counters; counts the write.
  Mentor& ChangeMentor(std::string_view id);
};

// The district of the candidate's site; "" if that is not in the roster.
std::string_view DistrictOf(const Roster& roster, const Candidate& candidate);

// Whether a mentor of one district may have candidates of another (F36): always of their own, and of others where theirs lends and the
// candidates' borrows. Who is of no district is of none that could refuse. A district that is not in the roster shares nothing.
bool DistrictsShare(const Table<District>& districts, std::string_view mentors, std::string_view candidates);

std::string LowerEmail(std::string_view email);
bool Contains(const std::vector<std::string>& list, std::string_view value);

}  // namespace rematch::mentor

#endif  // REMATCH_MENTOR_SERVICE_DOMAIN_ROSTER_H_
