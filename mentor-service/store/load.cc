// What a batch needs of the roster, locked in one order.
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "mentor-service/domain/import.h"
#include "mentor-service/store/kept_members.h"
#include "mentor-service/store/store.h"
#include "mentor-service/store/tables.h"
#include "platform/errors.h"

namespace rematch::mentor::store {
namespace {

// Which mentors have these emails.
absl::Status LoadEmailsIn(Transaction& tx, const std::set<std::string>& emails, Roster& roster) {
  return InChunks(emails, [&](Values chunk) -> absl::Status {
    const std::string statement =
        absl::StrCat("SELECT email, mentor FROM mentor_emails WHERE consortium = ? AND email IN ", sql::InList(chunk.size()));
    sql::PadInList(chunk);
    chunk.insert(chunk.begin(), roster.consortium_id);
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows, tx.Query(statement, chunk));
    for (const Row& row : rows) roster.emails.try_emplace(row.Text(0), row.Text(1));
    return absl::OkStatus();
  });
}

// Who are members of these programs.
absl::Status AddMembers(Transaction& tx, const std::string& consortium, const std::set<std::string>& programs,
                        std::set<std::string>& mentors) {
  return InChunks(programs, [&](Values chunk) -> absl::Status {
    const std::string statement =
        absl::StrCat("SELECT mentor FROM mentor_programs WHERE consortium = ? AND program IN ", sql::InList(chunk.size()));
    sql::PadInList(chunk);
    chunk.insert(chunk.begin(), consortium);
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows, tx.Query(statement, chunk));
    for (const Row& row : rows) mentors.insert(row.Text(0));
    return absl::OkStatus();
  });
}

// Those that decide whether mentors of `roster` may have its candidates: none where all are of one.
void AddSharingDistricts(const Roster& roster, std::set<std::string>& districts) {
  std::set<std::string> theirs;
  for (const auto& [id, row] : roster.mentors.rows()) theirs.insert(row.value.district);
  for (const auto& [program, members] : roster.pools) theirs.insert(members->districts().begin(), members->districts().end());
  for (const auto& [id, row] : roster.sites.rows()) theirs.insert(row.value.district);
  theirs.erase("");
  if (theirs.size() > 1) districts.merge(theirs);
}

// The live assignments of these mentors.
absl::Status LoadLiveAssignments(Transaction& tx, const std::string& consortium, const std::set<std::string>& mentors,
                                 Table<Assignment>& table) {
  return InChunks(mentors, [&](Values chunk) -> absl::Status {
    const std::string statement = absl::StrCat(Select<Assignment>(), " WHERE t.consortium = ? AND t.mentor IN ", sql::InList(chunk.size()),
                                               " AND t.end_time IS NULL");
    sql::PadInList(chunk);
    chunk.insert(chunk.begin(), consortium);
    REMATCH_ASSIGN_OR_RETURN(std::vector<Assignment> rows, QueryAll<Assignment>(tx, statement, chunk));
    for (Assignment& row : rows) table.Load(std::move(row));
    return absl::OkStatus();
  });
}

// What rankings read, without locks: the pools, and what decides who of them may be given which candidate.
// False if no pool can be had that is of one instant.
absl::StatusOr<bool> LoadPools(Transaction& tx, const Wants& wants, const LikelyBy& likely, Roster& roster) {
  const std::string& consortium = roster.consortium_id;
  REMATCH_RETURN_IF_ERROR(LoadMissing(tx, consortium, wants.programs, roster.programs));
  std::set<std::string> programs = wants.pools;
  std::erase_if(programs, [&roster](const std::string& program) { return roster.programs.Find(program) == nullptr; });
  REMATCH_ASSIGN_OR_RETURN(std::optional<Pools> pools, likely.kept.ReadLatest(tx, consortium, programs, likely.now));
  if (!pools.has_value()) return false;
  roster.pools = *std::move(pools);
  REMATCH_RETURN_IF_ERROR(LoadMissing(tx, consortium, wants.sites, roster.sites));
  std::set<std::string> districts;
  AddSharingDistricts(roster, districts);
  REMATCH_RETURN_IF_ERROR(LoadMissing(tx, consortium, districts, roster.districts));
  return true;
}

// That nobody became a candidate of these mentors between LoadLiveAssignments() and the locking of their rows.
absl::Status CheckCaseloads(Transaction& tx, const std::set<std::string>& mentors, const Roster& roster) {
  Table<Assignment> now;
  REMATCH_RETURN_IF_ERROR(LoadLiveAssignments(tx, roster.consortium_id, mentors, now));
  for (const auto& [id, row] : now.rows()) {
    if (roster.assignments.Find(id) == nullptr) return sql::StoreError(sql::Failure::kRetry, "a caseload grew while it was read");
  }
  return absl::OkStatus();
}

// By `column`, the ids of the files or ours.
absl::Status LoadExternalIds(Transaction& tx, ExternalId::Kind kind, std::string_view column, const std::set<std::string>& ids,
                             Roster& roster) {
  return InChunks(ids, [&](Values chunk) -> absl::Status {
    const std::string statement = absl::StrCat(Select<ExternalId>(), " WHERE t.consortium = ? AND t.kind = ? AND t.", ToAbsl(column),
                                               " IN ", sql::InList(chunk.size()));
    sql::PadInList(chunk);
    chunk.insert(chunk.begin(), {roster.consortium_id, Number(static_cast<int>(kind))});
    REMATCH_ASSIGN_OR_RETURN(std::vector<ExternalId> rows, QueryAll<ExternalId>(tx, statement, chunk));
    for (ExternalId& row : rows) roster.external_ids.Load(std::move(row));
    return absl::OkStatus();
  });
}

// Addresses of candidates have no index: those of some programs are read at once.
absl::StatusOr<std::set<std::string>> CandidatesWithEmails(Transaction& tx, const std::string& consortium,
                                                           const std::map<std::string, std::set<std::string>>& emails) {
  constexpr size_t kPrograms = 16;
  std::set<std::string> programs, candidates;
  for (const auto& [program, wanted] : emails) programs.insert(program);
  REMATCH_RETURN_IF_ERROR(InChunks(
      programs,
      [&](Values chunk) -> absl::Status {
        const std::string statement = absl::StrCat("SELECT candidate, program, email FROM candidates WHERE consortium = ? AND program IN ",
                                                   sql::InList(chunk.size()));
        sql::PadInList(chunk);
        chunk.insert(chunk.begin(), consortium);
        REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows, tx.Query(statement, chunk));
        for (const Row& row : rows) {
          const auto wanted = emails.find(row.Text(1));
          if (wanted != emails.end() && wanted->second.contains(LowerEmail(row.Text(2)))) candidates.insert(row.Text(0));
        }
        return absl::OkStatus();
      },
      kPrograms));
  return candidates;
}

// What an import needs, locked but for ids and addresses.
absl::Status LoadNamed(Transaction& tx, const ImportRoster& import, Locks locks, Roster& roster) {
  const std::string& consortium = roster.consortium_id;
  // Imports of a consortium take turns: nothing else would keep two of them from giving one person two ids, or two people one address. (On
  // Galera, whose locks are local to a node, two nodes still may.)
  if (locks == Locks::kRows) {
    REMATCH_RETURN_IF_ERROR(tx.Query("SELECT 1 FROM consortia WHERE consortium = ? FOR UPDATE", Values{consortium}).status());
  }
  const ImportNames names = NamedIn(import);
  // Who refers before what is referred to, since a later statement may see more: so nothing refers to a row that is not in the roster.
  for (const auto& [kind, ids] : names.ids) REMATCH_RETURN_IF_ERROR(LoadExternalIds(tx, kind, "external_id", ids, roster));
  REMATCH_RETURN_IF_ERROR(LoadEmailsIn(tx, names.mentor_emails, roster));
  REMATCH_ASSIGN_OR_RETURN(std::set<std::string> candidates, CandidatesWithEmails(tx, consortium, names.candidate_emails));
  std::set<std::string> mentors;
  for (const auto& [email, mentor] : roster.emails) mentors.insert(mentor);
  std::map<ExternalId::Kind, std::set<std::string>> known;
  for (const auto& [key, row] : roster.external_ids.rows()) known[row.value.kind].insert(row.value.internal);
  // Whether a file has named those whom only an email tells of. There is no index by our ids: they are few, if any.
  const auto named_otherwise = [&](ExternalId::Kind kind, std::set<std::string> ids) {
    std::erase_if(ids, [&](const std::string& id) { return known[kind].contains(id); });
    return LoadExternalIds(tx, kind, "internal_id", ids, roster);
  };
  REMATCH_RETURN_IF_ERROR(named_otherwise(ExternalId::Kind::kMentor, mentors));
  REMATCH_RETURN_IF_ERROR(named_otherwise(ExternalId::Kind::kCandidate, candidates));
  mentors.merge(known[ExternalId::Kind::kMentor]);
  candidates.merge(known[ExternalId::Kind::kCandidate]);
  REMATCH_RETURN_IF_ERROR(LoadRows(tx, consortium, candidates, locks, roster.candidates));
  REMATCH_RETURN_IF_ERROR(LoadRows(tx, consortium, mentors, locks, roster.mentors));
  REMATCH_RETURN_IF_ERROR(LoadAll(tx, consortium, locks, roster.programs));
  REMATCH_RETURN_IF_ERROR(LoadRows(tx, consortium, known[ExternalId::Kind::kSite], locks, roster.sites));
  return LoadAll(tx, consortium, locks, roster.districts);
}

}  // namespace

absl::StatusOr<Roster> Load(Transaction& tx, const std::string& consortium, Wants wants, Locks locks,
                            const std::optional<LikelyBy>& likely) {
  Roster roster;
  roster.consortium_id = consortium;
  REMATCH_ASSIGN_OR_RETURN(std::optional<Consortium> founded, GetConsortium(tx, consortium));
  if (!founded.has_value()) return roster;
  roster.consortium.Load(*std::move(founded));
  if (wants.import != nullptr) {
    REMATCH_RETURN_IF_ERROR(LoadNamed(tx, *wants.import, locks, roster));
    return roster;
  }
  const auto want = [](std::set<std::string>& set, const std::string& id) {
    if (!id.empty()) set.insert(id);
  };
  REMATCH_RETURN_IF_ERROR(LoadRows(tx, consortium, wants.seats, locks, roster.seats));
  for (const auto& [id, row] : roster.seats.rows()) {
    want(wants.candidates, row.value.candidate);
    want(wants.mentors, row.value.mentor);
  }
  // Whose an assignment is never changes, so its row needs no lock.
  REMATCH_RETURN_IF_ERROR(LoadRows(tx, consortium, wants.assignments, Locks::kNone, roster.assignments));
  REMATCH_RETURN_IF_ERROR(LoadLiveAssignments(tx, consortium, wants.caseloads, roster.assignments));
  for (const auto& [id, row] : roster.assignments.rows()) want(wants.candidates, row.value.candidate);
  REMATCH_RETURN_IF_ERROR(LoadRows(tx, consortium, wants.candidates, locks, roster.candidates));
  for (const auto& [id, row] : roster.candidates.rows()) {
    want(wants.programs, row.value.program);
    want(wants.mentors, row.value.mentor);
    if (wants.pairs) want(wants.sites, row.value.site);
  }
  std::set<std::string> mentors = wants.mentors;
  bool ranked = false;
  // Programs and districts that are to be locked are locked behind the mentors, and these cannot be ranked before they are known.
  if (likely.has_value() && !wants.pools.empty() && wants.changed_programs.empty() && wants.changed_districts.empty()) {
    REMATCH_ASSIGN_OR_RETURN(ranked, LoadPools(tx, wants, *likely, roster));
  }
  if (ranked) {
    mentors.merge(LikelyNext(roster, wants.next_seats, likely->now));
  } else {
    REMATCH_RETURN_IF_ERROR(AddMembers(tx, consortium, wants.pools, mentors));
  }
  REMATCH_RETURN_IF_ERROR(LoadRows(tx, consortium, mentors, locks, roster.mentors));
  REMATCH_RETURN_IF_ERROR(CheckCaseloads(tx, wants.caseloads, roster));
  for (const auto& [id, row] : roster.mentors.rows()) {
    roster.emails.try_emplace(LowerEmail(row.value.contact.email), id);
    // Whose they are decides whether a caller may touch them, but for those who are only ranked.
    if (wants.mentors.contains(id)) wants.programs.insert(row.value.programs.begin(), row.value.programs.end());
    if (!wants.rewritten.contains(id)) continue;
    wants.sites.insert(row.value.supervised_sites.begin(), row.value.supervised_sites.end());
    want(wants.districts, row.value.district);
  }
  REMATCH_RETURN_IF_ERROR(LoadRows(tx, consortium, wants.changed_programs, locks, roster.programs));
  REMATCH_RETURN_IF_ERROR(LoadMissing(tx, consortium, wants.programs, roster.programs));
  REMATCH_RETURN_IF_ERROR(LoadMissing(tx, consortium, wants.sites, roster.sites));
  if (wants.pairs) AddSharingDistricts(roster, wants.districts);
  REMATCH_RETURN_IF_ERROR(LoadRows(tx, consortium, wants.changed_districts, locks, roster.districts));
  REMATCH_RETURN_IF_ERROR(LoadMissing(tx, consortium, wants.districts, roster.districts));
  REMATCH_RETURN_IF_ERROR(LoadEmailsIn(tx, wants.emails, roster));
  return roster;
}

absl::Status Find(Transaction& tx, const Wants& wants, Roster& roster) {
  const std::string& consortium = roster.consortium_id;
  if (wants.consortium) {
    REMATCH_ASSIGN_OR_RETURN(std::optional<Consortium> founded, GetConsortium(tx, consortium));
    if (founded.has_value()) roster.consortium.Load(*std::move(founded));
  }
  REMATCH_RETURN_IF_ERROR(LoadRows(tx, consortium, wants.candidates, Locks::kNone, roster.candidates));
  REMATCH_RETURN_IF_ERROR(LoadRows(tx, consortium, wants.mentors, Locks::kNone, roster.mentors));
  if (wants.every_program) {
    REMATCH_RETURN_IF_ERROR(LoadAll(tx, consortium, Locks::kNone, roster.programs));
  } else {
    REMATCH_RETURN_IF_ERROR(LoadRows(tx, consortium, wants.programs, Locks::kNone, roster.programs));
  }
  REMATCH_RETURN_IF_ERROR(LoadRows(tx, consortium, wants.sites, Locks::kNone, roster.sites));
  return LoadRows(tx, consortium, wants.districts, Locks::kNone, roster.districts);
}

}  // namespace rematch::mentor::store
