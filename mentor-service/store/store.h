// The roster in SQL. Writes load what a batch needs and save what it changed, with one statement per table (big imports in chunks); reads
// are single statements. Rows are locked in one order everywhere: the consortium (by imports), seats, candidates, mentors, programs, sites,
// districts, each by key.
#ifndef REMATCH_MENTOR_SERVICE_STORE_STORE_H_
#define REMATCH_MENTOR_SERVICE_STORE_STORE_H_

#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "mentor-service/domain/changes.h"
#include "mentor-service/domain/commands.h"
#include "mentor-service/domain/members.h"
#include "mentor-service/domain/ranking.h"
#include "mentor-service/domain/roster.h"
#include "platform/sql/database.h"

namespace rematch::mentor::store {

enum class Locks {
  kNone,  // a read
  kRows,  // what the commands change is locked until the transaction ends: seats, candidates, mentors; for an import all that it may change
};

class KeptMembers;  // kept_members.h

// By what Load() chooses who is likely to be taken.
struct LikelyBy {
  KeptMembers& kept;
  absl::Time now;  // of the batch
};
// What `wants` names of a consortium, and what hangs on it. What is not there is simply not in the answer. Of pools, with `likely`, all
// members as they were at one instant, without locks, and those whom the commands are likely to take (LikelyNext()) as they are, locked;
// where that cannot be had, or without `likely`, all members, locked.
absl::StatusOr<Roster> Load(sql::Transaction& tx, const std::string& consortium, Wants wants, Locks locks,
                            const std::optional<LikelyBy>& likely = std::nullopt);
// Adds to `roster` what `wants` names of its consortium, without what hangs on it.
absl::Status Find(sql::Transaction& tx, const Wants& wants, Roster& roster);

// Which write a mentor comes from: whose it was, and its number among theirs. The writes of one writer commit in the order of their
// numbers.
struct Stamp {
  int64_t writer = 0;
  int64_t number = 0;
};

// Writes what changed. Two writers who add the same row: one of them fails (sql::Failure::kConflict) and finds it there when run again.
// Mentors are stamped with `stamp`, which no other transaction has and whose writer has none under way beside this one; `now` says when.
absl::Status Save(sql::Transaction& tx, const Roster& roster, const Stamp& stamp, absl::Time now);

// By writers, the last of their writes of a consortium's mentors.
using LastWrites = std::map<int64_t, int64_t>;
// Among the writers of any consortium that has mentors: since when (microseconds since the epoch) all of them stamp what they write.
inline constexpr int64_t kStampingBegan = 0;
absl::StatusOr<LastWrites> LastWritesOf(sql::Transaction& tx, const std::string& consortium);
// Notes that mentors are stamped from now on, or, on a store without any consortium, that they have always been. Once is enough.
absl::Status BeginStamping(sql::Database& database, absl::Time now);
// Forgets writers who have not written since. They may still do.
absl::Status ForgetWriters(sql::Transaction& tx, absl::Time before);

// Mentors as rankings read them, without how to reach them, in the order of their ids: the members of a program ...
absl::StatusOr<Members::List> MembersOf(sql::Transaction& tx, const std::string& consortium, const std::string& program);
// ... and up to `limit` of those of the consortium whom a writer was the last to write, by a later write than `seen`.
absl::StatusOr<Members::List> ChangedSince(sql::Transaction& tx, const std::string& consortium, const Stamp& seen, int limit);

// Adds `changes`, by their consortium, to the roster's feed. The last thing that a transaction does: positions are given under the
// counter's row, which stays locked until the commit, so whoever sees a position sees all before it.
absl::Status Publish(sql::Transaction& tx, const std::map<std::string, std::vector<Change>>& changes, absl::Time now);

struct FeedRow {
  int64_t position = 0;
  std::string consortium;
  Change change;
  absl::Time time;
};
// Changes behind a position, in order, of one consortium or (empty) of all.
absl::StatusOr<std::vector<FeedRow>> ListChanges(sql::Transaction& tx, const std::string& consortium, int64_t after, int limit);

// Where a list goes on: behind this row. Empty for the first page.
struct AfterId {
  std::string id;
};
struct AfterTime {
  int64_t micros = std::numeric_limits<int64_t>::min();
  std::string id;
};

// One row, or nothing.
absl::StatusOr<std::optional<Consortium>> GetConsortium(sql::Transaction& tx, const std::string& consortium);
absl::StatusOr<std::optional<Site>> GetSite(sql::Transaction& tx, const std::string& consortium, const std::string& id);
absl::StatusOr<std::optional<Program>> GetProgram(sql::Transaction& tx, const std::string& consortium, const std::string& id);
absl::StatusOr<std::optional<Mentor>> GetMentor(sql::Transaction& tx, const std::string& consortium, const std::string& id);
absl::StatusOr<std::optional<Candidate>> GetCandidate(sql::Transaction& tx, const std::string& consortium, const std::string& id);

// Up to `limit` rows, in the order of their ids or of the time at which they joined or began.
absl::StatusOr<std::vector<Consortium>> ListConsortia(sql::Transaction& tx, const AfterId& after, int limit);
absl::StatusOr<std::vector<District>> ListDistricts(sql::Transaction& tx, const std::string& consortium, const AfterId& after, int limit);
absl::StatusOr<std::vector<Site>> ListSites(sql::Transaction& tx, const std::string& consortium, const AfterId& after, int limit);
absl::StatusOr<std::vector<Program>> ListPrograms(sql::Transaction& tx, const std::string& consortium, const AfterId& after, int limit);
// Of one program unless it is empty.
absl::StatusOr<std::vector<Mentor>> ListMentors(sql::Transaction& tx, const std::string& consortium, const std::string& program,
                                                const AfterTime& after, int limit);
absl::StatusOr<std::vector<Candidate>> ListCandidates(sql::Transaction& tx, const std::string& consortium, const std::string& program,
                                                      bool without_mentor, const AfterTime& after, int limit);
struct AssignmentFilter {
  std::string candidate;                             // empty: any
  std::string mentor;                                // empty: any
  std::optional<std::vector<std::string>> programs;  // only these; unset: any
};
absl::StatusOr<std::vector<Assignment>> ListAssignments(sql::Transaction& tx, const std::string& consortium, const AssignmentFilter& filter,
                                                        const AfterTime& after, int limit);
// Only of these programs if set.
absl::StatusOr<std::vector<Seat>> ListSeats(sql::Transaction& tx, const std::string& consortium, std::optional<Seat::State> state,
                                            const std::optional<std::vector<std::string>>& programs, const AfterId& after, int limit);

// The programs of these ids, or all of the consortium, that are there.
absl::StatusOr<std::vector<Program>> GetPrograms(sql::Transaction& tx, const std::string& consortium,
                                                 const std::optional<std::vector<std::string>>& ids);
// Of each of these candidates, whether at least `enough` of their program have the same need; by their ids. One statement, which reads no
// more than `enough` entries of an index a candidate and level.
absl::StatusOr<std::map<std::string, Crowd>> FindCrowds(sql::Transaction& tx, const std::string& consortium,
                                                        const std::set<std::string>& candidates, int enough);

}  // namespace rematch::mentor::store

#endif  // REMATCH_MENTOR_SERVICE_STORE_STORE_H_
