// Single rows, lists, members as rankings read them, and the feed.
#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "mentor-service/store/store.h"
#include "mentor-service/store/tables.h"
#include "platform/errors.h"

namespace rematch::mentor::store {
namespace {

absl::StatusOr<Members::List> QueryMembers(Transaction& tx, const std::string& statement, const Values& parameters) {
  REMATCH_ASSIGN_OR_RETURN(std::vector<Mentor> mentors, QueryAll<Mentor>(tx, statement, parameters));
  Members::List members;
  members.reserve(mentors.size());
  for (Mentor& mentor : mentors) {
    mentor.contact = {};
    members.push_back(std::make_shared<const Mentor>(std::move(mentor)));
  }
  // Here, since a server may have another idea of which id comes first.
  std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return a->id < b->id; });
  return members;
}

// " AND (t.joined, t.mentor) > (?, ?)", in a form that every database reads off an index.
std::string Behind(std::string_view time, std::string_view id) {
  return absl::StrCat(" AND t.", ToAbsl(time), " >= ? AND (t.", ToAbsl(time), " > ? OR t.", ToAbsl(id), " > ?)");
}

void AppendBehind(Values& values, const AfterTime& after) { Append(values, {after.micros, after.micros, after.id}); }

// Restricts a list that is short by itself to programs; nothing fits an empty list.
std::string OfPrograms(const std::optional<std::vector<std::string>>& programs, Values& values) {
  if (!programs.has_value()) return "";
  if (programs->empty()) return " AND 1 = 0";
  Values ids(programs->begin(), programs->end());
  std::string clause = absl::StrCat(" AND t.program IN ", sql::InList(ids.size()));
  sql::PadInList(ids);
  Append(values, std::move(ids));
  return clause;
}

template <typename T>
absl::StatusOr<std::vector<T>> ListById(Transaction& tx, const std::string& consortium, const AfterId& after, int limit) {
  const std::string_view key = Schema<T>::kColumns[0];
  return QueryAll<T>(tx,
                     absl::StrCat(Select<T>(), " WHERE t.consortium = ? AND t.", ToAbsl(key), " > ? ORDER BY t.", ToAbsl(key), " LIMIT ?"),
                     {consortium, after.id, Number(limit)});
}

}  // namespace

absl::StatusOr<LastWrites> LastWritesOf(Transaction& tx, const std::string& consortium) {
  REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                           tx.Query("SELECT writer, last_number FROM mentor_writes WHERE consortium IN ('', ?)", {consortium}));
  LastWrites writes;
  for (const Row& row : rows) writes[row.Int(0)] = row.Int(1);
  return writes;
}

absl::StatusOr<Members::List> MembersOf(Transaction& tx, const std::string& consortium, const std::string& program) {
  return QueryMembers(
      tx,
      absl::StrCat(Select<Mentor>(),
                   " JOIN mentor_programs p ON p.consortium = t.consortium AND p.mentor = t.mentor WHERE p.consortium = ? AND "
                   "p.program = ?"),
      {consortium, program});
}

absl::StatusOr<Members::List> ChangedSince(Transaction& tx, const std::string& consortium, const Stamp& seen, int limit) {
  return QueryMembers(tx, absl::StrCat(Select<Mentor>(), " WHERE t.consortium = ? AND t.written_by = ? AND t.write_number > ? LIMIT ?"),
                      {consortium, seen.writer, seen.number, Number(limit)});
}

absl::StatusOr<std::vector<FeedRow>> ListChanges(Transaction& tx, const std::string& consortium, int64_t after, int limit) {
  Values values = {after};
  if (!consortium.empty()) values.push_back(consortium);
  values.push_back(Number(limit));
  REMATCH_ASSIGN_OR_RETURN(
      const std::vector<Row> rows,
      tx.Query(absl::StrCat("SELECT position, consortium, kind, program, candidate, mentor, assignment, seat, mentor_left, time"
                            " FROM roster_changes WHERE position > ?",
                            consortium.empty() ? "" : " AND consortium = ?", " ORDER BY position LIMIT ?"),
               values));
  std::vector<FeedRow> found;
  found.reserve(rows.size());
  for (const Row& row : rows) {
    found.push_back({.position = row.Int(0),
                     .consortium = row.Text(1),
                     .change = {.kind = static_cast<Change::Kind>(row.Int(2)),
                                .program = row.Text(3),
                                .candidate = row.Text(4),
                                .mentor = row.Text(5),
                                .assignment = row.Text(6),
                                .seat = row.Text(7),
                                .mentor_left = row.Int(8) != 0},
                     .time = sql::FromMicros(row.Int(9))});
  }
  return found;
}

absl::StatusOr<std::optional<Consortium>> GetConsortium(Transaction& tx, const std::string& consortium) {
  REMATCH_ASSIGN_OR_RETURN(std::vector<Consortium> found,
                           QueryAll<Consortium>(tx, absl::StrCat(Select<Consortium>(), " WHERE t.consortium = ?"), {consortium}));
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}
absl::StatusOr<std::optional<Site>> GetSite(Transaction& tx, const std::string& consortium, const std::string& id) {
  return GetOne<Site>(tx, consortium, id);
}
absl::StatusOr<std::optional<Program>> GetProgram(Transaction& tx, const std::string& consortium, const std::string& id) {
  return GetOne<Program>(tx, consortium, id);
}
absl::StatusOr<std::optional<Mentor>> GetMentor(Transaction& tx, const std::string& consortium, const std::string& id) {
  return GetOne<Mentor>(tx, consortium, id);
}
absl::StatusOr<std::optional<Candidate>> GetCandidate(Transaction& tx, const std::string& consortium, const std::string& id) {
  return GetOne<Candidate>(tx, consortium, id);
}

absl::StatusOr<std::vector<Consortium>> ListConsortia(Transaction& tx, const AfterId& after, int limit) {
  return QueryAll<Consortium>(tx, absl::StrCat(Select<Consortium>(), " WHERE t.consortium > ? ORDER BY t.consortium LIMIT ?"),
                              {after.id, Number(limit)});
}
absl::StatusOr<std::vector<District>> ListDistricts(Transaction& tx, const std::string& consortium, const AfterId& after, int limit) {
  return ListById<District>(tx, consortium, after, limit);
}
absl::StatusOr<std::vector<Site>> ListSites(Transaction& tx, const std::string& consortium, const AfterId& after, int limit) {
  return ListById<Site>(tx, consortium, after, limit);
}
absl::StatusOr<std::vector<Program>> ListPrograms(Transaction& tx, const std::string& consortium, const AfterId& after, int limit) {
  return ListById<Program>(tx, consortium, after, limit);
}

absl::StatusOr<std::vector<Mentor>> ListMentors(Transaction& tx, const std::string& consortium, const std::string& program,
                                                const AfterTime& after, int limit) {
  Values values;
  std::string statement = Select<Mentor>();
  if (program.empty()) {
    values = {consortium};
    absl::StrAppend(&statement, " WHERE t.consortium = ?", Behind("joined", "mentor"), " ORDER BY t.joined, t.mentor LIMIT ?");
  } else {
    values = {consortium, program};
    absl::StrAppend(
        &statement,
        " JOIN mentor_programs p ON p.consortium = t.consortium AND p.mentor = t.mentor WHERE p.consortium = ? AND p.program = ?"
        " AND p.joined >= ? AND (p.joined > ? OR p.mentor > ?) ORDER BY p.joined, p.mentor LIMIT ?");
  }
  AppendBehind(values, after);
  values.push_back(Number(limit));
  return QueryAll<Mentor>(tx, statement, values);
}

absl::StatusOr<std::vector<Candidate>> ListCandidates(Transaction& tx, const std::string& consortium, const std::string& program,
                                                      bool without_mentor, const AfterTime& after, int limit) {
  Values values = {consortium, program};
  AppendBehind(values, after);
  values.push_back(Number(limit));
  // Who has left needs no mentor.
  const std::string_view where = without_mentor ? " AND t.program = ? AND t.unenrolled IS NULL AND t.mentor = ''" : " AND t.program = ?";
  return QueryAll<Candidate>(tx,
                             absl::StrCat(Select<Candidate>(), " WHERE t.consortium = ?", ToAbsl(where), Behind("joined", "candidate"),
                                          " ORDER BY t.joined, t.candidate LIMIT ?"),
                             values);
}

absl::StatusOr<std::vector<Assignment>> ListAssignments(Transaction& tx, const std::string& consortium, const AssignmentFilter& filter,
                                                        const AfterTime& after, int limit) {
  const auto list = [&](std::string where, Values values) -> absl::StatusOr<std::vector<Assignment>> {
    values.insert(values.begin(), consortium);
    AppendBehind(values, after);
    values.push_back(Number(limit));
    return QueryAll<Assignment>(tx,
                                absl::StrCat(Select<Assignment>(), " WHERE t.consortium = ?", where, Behind("begin_time", "assignment"),
                                             " ORDER BY t.begin_time, t.assignment LIMIT ?"),
                                values);
  };
  if (filter.candidate.empty() && filter.mentor.empty()) {
    if (!filter.programs.has_value()) return list("", {});
    // One program a statement: over several, a server would have to sort, or walk the consortium past what others have.
    std::vector<Assignment> found;
    for (const std::string& program : *filter.programs) {
      REMATCH_ASSIGN_OR_RETURN(std::vector<Assignment> some, list(" AND t.program = ?", {program}));
      std::move(some.begin(), some.end(), std::back_inserter(found));
    }
    std::sort(found.begin(), found.end(),
              [](const Assignment& a, const Assignment& b) { return std::tie(a.begin, a.id) < std::tie(b.begin, b.id); });
    if (found.size() > static_cast<size_t>(limit)) found.erase(found.begin() + limit, found.end());
    return found;
  }
  std::string where;
  Values values;
  if (!filter.candidate.empty()) {
    where += " AND t.candidate = ?";
    values.push_back(filter.candidate);
  }
  if (!filter.mentor.empty()) {
    where += " AND t.mentor = ?";
    values.push_back(filter.mentor);
  }
  where += OfPrograms(filter.programs, values);
  return list(std::move(where), std::move(values));
}

absl::StatusOr<std::vector<Seat>> ListSeats(Transaction& tx, const std::string& consortium, std::optional<Seat::State> state,
                                            const std::optional<std::vector<std::string>>& programs, const AfterId& after, int limit) {
  Values values = {consortium};
  std::string statement = absl::StrCat(Select<Seat>(), " WHERE t.consortium = ?");
  if (state.has_value()) {
    statement += " AND t.state = ?";
    values.push_back(Number(static_cast<int>(*state)));
  }
  statement += OfPrograms(programs, values);
  statement += " AND t.seat > ? ORDER BY t.seat LIMIT ?";
  Append(values, {after.id, Number(limit)});
  return QueryAll<Seat>(tx, statement, values);
}

absl::StatusOr<std::vector<Program>> GetPrograms(Transaction& tx, const std::string& consortium,
                                                 const std::optional<std::vector<std::string>>& ids) {
  Table<Program> table;
  if (ids.has_value()) {
    REMATCH_RETURN_IF_ERROR(LoadRows(tx, consortium, std::set<std::string>(ids->begin(), ids->end()), Locks::kNone, table));
  } else {
    REMATCH_RETURN_IF_ERROR(LoadAll(tx, consortium, Locks::kNone, table));
  }
  std::vector<Program> programs;
  for (const auto& [id, row] : table.rows()) programs.push_back(row.value);
  return programs;
}

absl::StatusOr<std::map<std::string, Crowd>> FindCrowds(Transaction& tx, const std::string& consortium,
                                                        const std::set<std::string>& candidates, int enough) {
  std::map<std::string, Crowd> crowds;
  if (candidates.empty()) return crowds;
  // The last one that it takes is there: found in the index candidates_alike, without reading past it. By other indexes, which a server
  // with old figures of the table prefers, it would read all of the program. A row from before needs had keys is like nobody in all three,
  // and nobody hides behind who has left.
  const auto enough_alike = [](std::string_view alike) {
    return absl::StrCat(
        "(SELECT 1 FROM candidates c FORCE INDEX (candidates_alike) WHERE c.consortium = n.consortium AND c.program = n.program AND "
        "c.unenrolled IS NULL AND c.credential = n.credential",
        ToAbsl(alike), " LIMIT 1 OFFSET ?)");
  };
  Values ids(candidates.begin(), candidates.end());
  sql::PadInList(ids);
  // Whoever has the same of more has the same of less: the first that holds answers.
  const std::string statement = absl::StrCat(
      "SELECT n.candidate, CASE WHEN ", enough_alike(" AND c.grade_band = n.grade_band AND c.need_key = n.need_key AND n.need_key <> ''"),
      " = 1 THEN 3 WHEN ", enough_alike(" AND c.grade_band = n.grade_band"), " = 1 THEN 2 WHEN ", enough_alike(""),
      " = 1 THEN 1 ELSE 0 END FROM candidates n WHERE n.consortium = ? AND n.candidate IN ", sql::InList(ids.size()));
  Values values = {Number(enough - 1), Number(enough - 1), Number(enough - 1), consortium};
  values.insert(values.end(), ids.begin(), ids.end());
  REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows, tx.Query(statement, values));
  for (const Row& row : rows) {
    const int64_t levels = row.Int(1);
    crowds[row.Text(0)] = {.need = levels >= 3, .grade_band = levels >= 2, .credential = levels >= 1};
  }
  return crowds;
}

}  // namespace rematch::mentor::store
