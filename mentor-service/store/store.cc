#include "mentor-service/store/store.h"

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/types/span.h"
#include "mentor-service/store/kept_members.h"
#include "platform/errors.h"
#include "platform/sql/rows.h"
#include "platform/strings.h"

namespace rematch::mentor::store {
namespace {

using sql::Row;
using sql::Transaction;
using sql::Value;
using Values = std::vector<Value>;

// Ids of one statement stay below what every database takes; batches of requests never come near.
constexpr size_t kMaxIds = 2'000;

// --- Values ------------------------------------------------------------------------------------------------------------------

Value Lines(const std::vector<std::string>& list) { return sql::Bytes{absl::StrJoin(list, "\n")}; }
std::vector<std::string> FromLines(const std::string& text) {
  if (text.empty()) return {};
  return absl::StrSplit(text, '\n');
}
Value Micros(absl::Time time) { return sql::ToMicros(time); }
Value Micros(const std::optional<absl::Time>& time) { return time.has_value() ? Value(sql::ToMicros(*time)) : Value(); }
std::optional<absl::Time> OptionalTime(const Row& row, size_t column) {
  if (row.IsNull(column)) return std::nullopt;
  return sql::FromMicros(row.Int(column));
}
Value Number(int64_t value) { return value; }

void Append(Values& values, Values more) {
  for (Value& value : more) values.push_back(std::move(value));
}
void AppendContact(Values& values, const Contact& contact) { Append(values, Values{contact.display_name, contact.email, contact.phone}); }
void AppendLeader(Values& values, const Leader& leader) {
  values.push_back(leader.id);
  AppendContact(values, leader.contact);
  values.push_back(leader.mentor);
}
Contact ContactAt(const Row& row, size_t column) { return {row.Text(column), row.Text(column + 1), row.Text(column + 2)}; }
Leader LeaderAt(const Row& row, size_t column) { return {row.Text(column), ContactAt(row, column + 1), row.Text(column + 4)}; }

// --- Tables: one description of each, used for reading and writing ---------------------------------------------------------------

template <typename T>
struct Schema;

// Every table's first column is the consortium, its second the id; `columns` lists those behind the consortium.
template <>
struct Schema<Consortium> {
  static constexpr std::string_view kTable = "consortia";
  static constexpr std::array<std::string_view, 1> kColumns = {"display_name"};
  static Consortium From(const Row& row) { return {.id = row.Text(0), .display_name = row.Text(1)}; }
  static Values To(const Consortium& value) { return {value.display_name}; }
};

template <>
struct Schema<District> {
  static constexpr std::string_view kTable = "districts";
  static constexpr std::array<std::string_view, 7> kColumns = {
      "district",      "display_name",   "representative_name", "representative_email", "representative_phone",
      "lends_mentors", "borrows_mentors"};
  static District From(const Row& row) {
    return {.id = row.Text(1),
            .display_name = row.Text(2),
            .representative = ContactAt(row, 3),
            .lends_mentors = row.Int(6) != 0,
            .borrows_mentors = row.Int(7) != 0};
  }
  static Values To(const District& value) {
    Values values = {value.id, value.display_name};
    AppendContact(values, value.representative);
    Append(values, {Number(value.lends_mentors), Number(value.borrows_mentors)});
    return values;
  }
};

template <>
struct Schema<Site> {
  static constexpr std::string_view kTable = "sites";
  static constexpr std::array<std::string_view, 6> kColumns = {
      "site", "district", "display_name", "administrator_name", "administrator_email", "administrator_phone"};
  static Site From(const Row& row) {
    return {.id = row.Text(1), .display_name = row.Text(3), .district = row.Text(2), .administrator = ContactAt(row, 4)};
  }
  static Values To(const Site& value) {
    Values values = {value.id, value.district, value.display_name};
    AppendContact(values, value.administrator);
    return values;
  }
};

template <>
struct Schema<Program> {
  static constexpr std::string_view kTable = "programs";
  static constexpr std::array<std::string_view, 14> kColumns = {
      "program",       "display_name", "time_zone",      "leader",          "leader_name",     "leader_email",     "leader_phone",
      "leader_mentor", "alternate",    "alternate_name", "alternate_email", "alternate_phone", "alternate_mentor", "calendar"};
  static Program From(const Row& row) {
    return {.id = row.Text(1),
            .display_name = row.Text(2),
            .time_zone = row.Text(3),
            .leader = LeaderAt(row, 4),
            .alternate = LeaderAt(row, 9),
            .calendar = row.IsNull(14) ? "" : row.Text(14)};
  }
  static Values To(const Program& value) {
    Values values = {value.id, value.display_name, value.time_zone};
    AppendLeader(values, value.leader);
    AppendLeader(values, value.alternate);
    values.push_back(value.calendar.empty() ? Value() : Value(sql::Bytes{value.calendar}));
    return values;
  }
};

template <>
struct Schema<Mentor> {
  static constexpr std::string_view kTable = "mentors";
  static constexpr std::array<std::string_view, 20> kColumns = {"mentor",
                                                                "joined",
                                                                "name",
                                                                "email",
                                                                "phone",
                                                                "district",
                                                                "programs",
                                                                "credentials",
                                                                "grade_bands",
                                                                "subjects",
                                                                "supervised_sites",
                                                                "capacity",
                                                                "interested_in_more",
                                                                "years_mentored",
                                                                "opted_out",
                                                                "state",
                                                                "assigned",
                                                                "held",
                                                                "has_mentored",
                                                                "version"};
  static Mentor From(const Row& row) {
    Mentor mentor;
    mentor.id = row.Text(1);
    mentor.joined = sql::FromMicros(row.Int(2));
    mentor.contact = ContactAt(row, 3);
    mentor.district = row.Text(6);
    mentor.programs = FromLines(row.Text(7));
    mentor.credentials = FromLines(row.Text(8));
    mentor.grade_bands = FromLines(row.Text(9));
    mentor.subjects = FromLines(row.Text(10));
    mentor.supervised_sites = FromLines(row.Text(11));
    mentor.capacity = static_cast<int>(row.Int(12));
    mentor.interested_in_more = row.Int(13) != 0;
    mentor.years_mentored = static_cast<int>(row.Int(14));
    mentor.opted_out = row.Int(15) != 0;
    mentor.state = static_cast<Mentor::State>(row.Int(16));
    mentor.assigned = static_cast<int>(row.Int(17));
    mentor.held = static_cast<int>(row.Int(18));
    mentor.has_mentored = row.Int(19) != 0;
    mentor.version = row.Int(20);
    return mentor;
  }
  static Values To(const Mentor& value) {
    Values values = {value.id, Micros(value.joined)};
    AppendContact(values, value.contact);
    Append(values, {value.district, Lines(value.programs), Lines(value.credentials), Lines(value.grade_bands), Lines(value.subjects),
                    Lines(value.supervised_sites), Number(value.capacity), Number(value.interested_in_more), Number(value.years_mentored),
                    Number(value.opted_out), Number(static_cast<int>(value.state)), Number(value.assigned), Number(value.held),
                    Number(value.has_mentored), Number(value.version)});
    return values;
  }
};

template <>
struct Schema<Candidate> {
  static constexpr std::string_view kTable = "candidates";
  static constexpr std::array<std::string_view, 18> kColumns = {
      "candidate", "program",    "joined",     "name",        "email",
      "phone",     "site",       "credential", "grade_band",  "subjects",
      "enrolled",  "mentor",     "assignment", "assigned_at", "without_mentor_since",
      "need_key",  "unenrolled", "do_not_pair"};
  static Candidate From(const Row& row) {
    Candidate candidate;
    candidate.id = row.Text(1);
    candidate.program = row.Text(2);
    candidate.joined = sql::FromMicros(row.Int(3));
    candidate.contact = ContactAt(row, 4);
    candidate.site = row.Text(7);
    candidate.credential = row.Text(8);
    candidate.grade_band = row.Text(9);
    candidate.subjects = FromLines(row.Text(10));
    candidate.enrolled = OptionalTime(row, 11);
    candidate.mentor = row.Text(12);
    candidate.assignment = row.Text(13);
    candidate.assigned_at = OptionalTime(row, 14);
    candidate.without_mentor_since = OptionalTime(row, 15);
    candidate.unenrolled = OptionalTime(row, 17);
    if (!row.IsNull(18)) candidate.do_not_pair = FromLines(row.Text(18));
    return candidate;
  }
  static Values To(const Candidate& value) {
    Values values = {value.id, value.program, Micros(value.joined)};
    AppendContact(values, value.contact);
    Append(values, {value.site, value.credential, value.grade_band, Lines(value.subjects), Micros(value.enrolled), value.mentor,
                    value.assignment, Micros(value.assigned_at), Micros(value.without_mentor_since), KeyOf(value), Micros(value.unenrolled),
                    Lines(value.do_not_pair)});
    return values;
  }

 private:
  static std::string KeyOf(const Candidate& value) {
    return NeedKey(
        {.credential = value.credential, .grade_band = value.grade_band, .subjects = value.subjects, .site = "", .district = ""});
  }
};

template <>
struct Schema<Assignment> {
  static constexpr std::string_view kTable = "assignments";
  static constexpr std::array<std::string_view, 6> kColumns = {"assignment", "candidate", "program", "mentor", "begin_time", "end_time"};
  static Assignment From(const Row& row) {
    return {.id = row.Text(1),
            .candidate = row.Text(2),
            .program = row.Text(3),
            .mentor = row.Text(4),
            .begin = sql::FromMicros(row.Int(5)),
            .end = OptionalTime(row, 6)};
  }
  static Values To(const Assignment& value) {
    return {value.id, value.candidate, value.program, value.mentor, Micros(value.begin), Micros(value.end)};
  }
};

template <>
struct Schema<Seat> {
  static constexpr std::string_view kTable = "seats";
  static constexpr std::array<std::string_view, 8> kColumns = {"seat",  "mentor",  "candidate", "program",
                                                               "state", "held_at", "ended_at",  "assignment"};
  static Seat From(const Row& row) {
    return {.id = row.Text(1),
            .mentor = row.Text(2),
            .candidate = row.Text(3),
            .program = row.Text(4),
            .state = static_cast<Seat::State>(row.Int(5)),
            .held_at = OptionalTime(row, 6),
            .ended_at = OptionalTime(row, 7),
            .assignment = row.Text(8)};
  }
  static Values To(const Seat& value) {
    return {value.id,
            value.mentor,
            value.candidate,
            value.program,
            Number(static_cast<int>(value.state)),
            Micros(value.held_at),
            Micros(value.ended_at),
            value.assignment};
  }
};

template <>
struct Schema<ExternalId> {
  static constexpr std::string_view kTable = "external_ids";
  static constexpr std::array<std::string_view, 3> kColumns = {"kind", "external_id", "internal_id"};
  static ExternalId From(const Row& row) {
    const auto kind = static_cast<ExternalId::Kind>(row.Int(1));
    return {.id = ExternalId::KeyOf(kind, row.Text(2)), .kind = kind, .external = row.Text(2), .internal = row.Text(3)};
  }
  static Values To(const ExternalId& value) { return {Number(static_cast<int>(value.kind)), value.external, value.internal}; }
};

// --- Statements --------------------------------------------------------------------------------------------------------------

// "SELECT m.consortium, m.mentor, ... FROM mentors m"
template <typename T>
std::string Select() {
  std::string statement = "SELECT t.consortium";
  for (const std::string_view column : Schema<T>::kColumns) absl::StrAppend(&statement, ", t.", ToAbsl(column));
  absl::StrAppend(&statement, " FROM ", ToAbsl(Schema<T>::kTable), " t");
  return statement;
}

template <typename T>
absl::StatusOr<std::vector<T>> QueryAll(Transaction& tx, const std::string& statement, const Values& parameters) {
  REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows, tx.Query(statement, parameters));
  std::vector<T> found;
  found.reserve(rows.size());
  for (const Row& row : rows) found.push_back(Schema<T>::From(row));
  return found;
}

template <typename T>
absl::StatusOr<std::optional<T>> GetOne(Transaction& tx, const std::string& consortium, const std::string& id) {
  static const auto* const statement =
      new std::string(absl::StrCat(Select<T>(), " WHERE t.consortium = ? AND t.", ToAbsl(Schema<T>::kColumns[0]), " = ?"));
  REMATCH_ASSIGN_OR_RETURN(std::vector<T> found, QueryAll<T>(tx, *statement, {consortium, id}));
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

// Calls `each` with the ids in chunks that one statement takes.
absl::Status InChunks(const std::set<std::string>& ids, absl::FunctionRef<absl::Status(Values)> each) {
  Values chunk;
  for (const std::string& id : ids) {
    chunk.push_back(id);
    if (chunk.size() == kMaxIds) {
      REMATCH_RETURN_IF_ERROR(each(std::move(chunk)));
      chunk.clear();
    }
  }
  return chunk.empty() ? absl::OkStatus() : each(std::move(chunk));
}

// The rows with these ids into `table`, locked in the order of their keys if asked for.
template <typename Rows>
absl::Status LoadRows(Transaction& tx, const std::string& consortium, const std::set<std::string>& ids, Locks locks, Rows& table) {
  using T = typename Rows::Value;
  const std::string_view key = Schema<T>::kColumns[0];
  return InChunks(ids, [&](Values chunk) -> absl::Status {
    const std::string statement =
        absl::StrCat(Select<T>(), " WHERE t.consortium = ? AND t.", ToAbsl(key), " IN ", sql::InList(chunk.size()), " ORDER BY t.",
                     ToAbsl(key), locks == Locks::kRows ? " FOR UPDATE" : "");
    sql::PadInList(chunk);
    chunk.insert(chunk.begin(), consortium);
    REMATCH_ASSIGN_OR_RETURN(std::vector<T> rows, QueryAll<T>(tx, statement, chunk));
    for (T& row : rows) table.Load(std::move(row));
    return absl::OkStatus();
  });
}

// Those of `ids` that are not in `table` yet, without locks.
template <typename Rows>
absl::Status LoadMissing(Transaction& tx, const std::string& consortium, std::set<std::string> ids, Rows& table) {
  std::erase_if(ids, [&](const std::string& id) { return table.Find(id) != nullptr; });
  return LoadRows(tx, consortium, ids, Locks::kNone, table);
}

template <typename Rows>
absl::Status LoadAll(Transaction& tx, const std::string& consortium, Locks locks, Rows& table) {
  using T = typename Rows::Value;
  const std::string statement = absl::StrCat(Select<T>(), " WHERE t.consortium = ? ORDER BY t.", ToAbsl(Schema<T>::kColumns[0]),
                                             locks == Locks::kRows ? " FOR UPDATE" : "");
  REMATCH_ASSIGN_OR_RETURN(std::vector<T> rows, QueryAll<T>(tx, statement, {consortium}));
  for (T& row : rows) table.Load(std::move(row));
  return absl::OkStatus();
}

// Writes `rows`, each the values of `columns`. `update`: they may be there.
absl::Status Write(Transaction& tx, std::string_view table, const std::vector<std::string_view>& columns, bool update,
                   std::vector<Values> rows) {
  if (rows.empty()) return absl::OkStatus();
  std::vector<std::string> names, sets;
  for (const std::string_view column : columns) {
    names.emplace_back(column);
    sets.push_back(absl::StrCat(ToAbsl(column), " = VALUES(", ToAbsl(column), ")"));
  }
  sql::RowWriter writer(absl::StrCat("INSERT INTO ", ToAbsl(table), " (", absl::StrJoin(names, ", "), ")"), columns.size(),
                        update ? absl::StrCat(" ON DUPLICATE KEY UPDATE ", absl::StrJoin(sets, ", ")) : "");
  for (Values& row : rows) writer.Add(std::move(row));
  return writer.Write(tx);
}

// New rows by a plain INSERT, so that two writers cannot both add one; changed ones by an upsert.
// `also`: columns that are the same in all rows that are written.
struct Column {
  std::string_view name;
  Value value;
};
template <typename Rows>
absl::Status SaveTable(Transaction& tx, const std::string& consortium, const Rows& table, bool history = false,
                       const std::vector<Column>& also = {}) {
  using T = typename Rows::Value;
  std::vector<Values> added, changed;
  for (const auto& [id, row] : table.rows()) {
    if (!row.changed || row.before == row.value) continue;
    Values values = Schema<T>::To(row.value);
    values.insert(values.begin(), consortium);
    for (const Column& column : also) values.push_back(column.value);
    // An assignment that ends was not loaded: its candidate's row said all of it.
    (row.before.has_value() || history ? changed : added).push_back(std::move(values));
  }
  std::vector<std::string_view> columns = {"consortium"};
  columns.insert(columns.end(), Schema<T>::kColumns.begin(), Schema<T>::kColumns.end());
  for (const Column& column : also) columns.push_back(column.name);
  REMATCH_RETURN_IF_ERROR(Write(tx, Schema<T>::kTable, columns, false, std::move(added)));
  return Write(tx, Schema<T>::kTable, columns, true, std::move(changed));
}

absl::Status SaveMentors(Transaction& tx, const Roster& roster, const Stamp& stamp, absl::Time now) {
  const auto& rows = roster.mentors.rows();
  if (std::none_of(rows.begin(), rows.end(), [](const auto& row) { return row.second.changed; })) return absl::OkStatus();
  REMATCH_RETURN_IF_ERROR(SaveTable(tx, roster.consortium_id, roster.mentors, /*history=*/false,
                                    {{"written_by", stamp.writer}, {"write_number", stamp.number}}));
  return Write(tx, "mentor_writes", {"consortium", "writer", "last_number", "time"}, /*update=*/true,
               {{roster.consortium_id, stamp.writer, stamp.number, Micros(now)}});
}

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

// What hangs on mentors: who has which email, and who is a member of what.
absl::Status SaveIndexesOfMentors(Transaction& tx, const Roster& roster) {
  std::set<std::string> emails_gone;
  std::vector<Values> emails, memberships;
  for (const auto& [id, row] : roster.mentors.rows()) {
    if (!row.changed) continue;
    const Mentor& mentor = row.value;
    const std::string email = LowerEmail(mentor.contact.email);
    const std::string old_email = row.before.has_value() ? LowerEmail(row.before->contact.email) : "";
    if (email != old_email) {
      if (!old_email.empty()) emails_gone.insert(old_email);
      emails.push_back({roster.consortium_id, email, id});
    }
    const std::vector<std::string> old = row.before.has_value() ? row.before->programs : std::vector<std::string>();
    for (const std::string& program : mentor.programs) {
      if (!Contains(old, program)) memberships.push_back({roster.consortium_id, program, id, Micros(mentor.joined)});
    }
    for (const std::string& program : old) {
      if (Contains(mentor.programs, program)) continue;
      REMATCH_RETURN_IF_ERROR(tx.Execute("DELETE FROM mentor_programs WHERE consortium = ? AND program = ? AND mentor = ?",
                                         Values{roster.consortium_id, program, id})
                                  .status());
    }
  }
  REMATCH_RETURN_IF_ERROR(InChunks(emails_gone, [&](Values chunk) -> absl::Status {
    // The LIMIT is as many as there are: without it a server that thinks little of the table's length reads all of it, and waits for rows
    // of other batches.
    const Value count = Number(static_cast<int64_t>(chunk.size()));
    const std::string statement =
        absl::StrCat("DELETE FROM mentor_emails WHERE consortium = ? AND email IN ", sql::InList(chunk.size()), " LIMIT ?");
    sql::PadInList(chunk);
    chunk.insert(chunk.begin(), roster.consortium_id);
    chunk.push_back(count);
    return tx.Execute(statement, chunk).status();
  }));
  // As rows are locked, new ones are written: in the order of their keys, else two batches would wait for one another.
  const auto by_key = [](const Values& a, const Values& b) {
    return std::tie(std::get<std::string>(a[1]), std::get<std::string>(a[2])) <
           std::tie(std::get<std::string>(b[1]), std::get<std::string>(b[2]));
  };
  std::sort(emails.begin(), emails.end(), by_key);
  std::sort(memberships.begin(), memberships.end(), by_key);
  REMATCH_RETURN_IF_ERROR(Write(tx, "mentor_emails", {"consortium", "email", "mentor"}, false, std::move(emails)));
  return Write(tx, "mentor_programs", {"consortium", "program", "mentor", "joined"}, false, std::move(memberships));
}

absl::Status LoadEmails(Transaction& tx, const std::string& where, Values parameters, Roster& roster) {
  REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                           tx.Query(absl::StrCat("SELECT email, mentor FROM mentor_emails WHERE ", where), parameters));
  for (const Row& row : rows) roster.emails.try_emplace(row.Text(0), row.Text(1));
  return absl::OkStatus();
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
absl::Status LoadPools(Transaction& tx, const Wants& wants, const LikelyBy& likely, Roster& roster) {
  const std::string& consortium = roster.consortium_id;
  REMATCH_ASSIGN_OR_RETURN(roster.pools, likely.kept.ReadLatest(tx, consortium, wants.pools, likely.now));
  REMATCH_RETURN_IF_ERROR(LoadMissing(tx, consortium, wants.programs, roster.programs));
  REMATCH_RETURN_IF_ERROR(LoadMissing(tx, consortium, wants.sites, roster.sites));
  std::set<std::string> districts;
  AddSharingDistricts(roster, districts);
  return LoadMissing(tx, consortium, districts, roster.districts);
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

absl::Status LoadEverything(Transaction& tx, Locks locks, Roster& roster) {
  const std::string& consortium = roster.consortium_id;
  // Who refers before what is referred to, since a later statement may see more: so nothing refers to a row that is not in the roster. Who
  // adds a reference in between is met when the same is inserted.
  REMATCH_RETURN_IF_ERROR(LoadAll(tx, consortium, Locks::kNone, roster.external_ids));
  REMATCH_RETURN_IF_ERROR(LoadEmails(tx, "consortium = ?", {consortium}, roster));
  REMATCH_RETURN_IF_ERROR(LoadAll(tx, consortium, locks, roster.seats));
  REMATCH_RETURN_IF_ERROR(LoadAll(tx, consortium, locks, roster.candidates));
  REMATCH_RETURN_IF_ERROR(LoadAll(tx, consortium, locks, roster.mentors));
  REMATCH_RETURN_IF_ERROR(LoadAll(tx, consortium, locks, roster.programs));
  REMATCH_RETURN_IF_ERROR(LoadAll(tx, consortium, locks, roster.sites));
  return LoadAll(tx, consortium, locks, roster.districts);
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

absl::StatusOr<Roster> Load(Transaction& tx, const std::string& consortium, Wants wants, Locks locks,
                            const std::optional<LikelyBy>& likely) {
  Roster roster;
  roster.consortium_id = consortium;
  REMATCH_ASSIGN_OR_RETURN(std::optional<Consortium> founded, GetConsortium(tx, consortium));
  if (!founded.has_value()) return roster;
  roster.consortium.Load(*std::move(founded));
  if (wants.everything) {
    REMATCH_RETURN_IF_ERROR(LoadEverything(tx, locks, roster));
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
  // Programs and districts that are to be locked are locked behind the mentors, and these cannot be ranked before they are known.
  if (likely.has_value() && !wants.pools.empty() && wants.changed_programs.empty() && wants.changed_districts.empty()) {
    REMATCH_RETURN_IF_ERROR(LoadPools(tx, wants, *likely, roster));
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
  REMATCH_RETURN_IF_ERROR(InChunks(wants.emails, [&](Values chunk) -> absl::Status {
    const std::string where = absl::StrCat("consortium = ? AND email IN ", sql::InList(chunk.size()));
    sql::PadInList(chunk);
    chunk.insert(chunk.begin(), consortium);
    return LoadEmails(tx, where, std::move(chunk), roster);
  }));
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

absl::Status Save(Transaction& tx, const Roster& roster, const Stamp& stamp, absl::Time now) {
  const std::string& consortium = roster.consortium_id;
  REMATCH_RETURN_IF_ERROR(SaveTable(tx, consortium, roster.consortium));
  REMATCH_RETURN_IF_ERROR(SaveTable(tx, consortium, roster.seats));
  REMATCH_RETURN_IF_ERROR(SaveTable(tx, consortium, roster.candidates));
  REMATCH_RETURN_IF_ERROR(SaveMentors(tx, roster, stamp, now));
  REMATCH_RETURN_IF_ERROR(SaveIndexesOfMentors(tx, roster));
  REMATCH_RETURN_IF_ERROR(SaveTable(tx, consortium, roster.programs));
  REMATCH_RETURN_IF_ERROR(SaveTable(tx, consortium, roster.sites));
  REMATCH_RETURN_IF_ERROR(SaveTable(tx, consortium, roster.districts));
  REMATCH_RETURN_IF_ERROR(SaveTable(tx, consortium, roster.external_ids));
  return SaveTable(tx, consortium, roster.assignments, /*history=*/true);
}

absl::StatusOr<LastWrites> LastWritesOf(Transaction& tx, const std::string& consortium) {
  REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                           tx.Query("SELECT writer, last_number FROM mentor_writes WHERE consortium IN ('', ?)", {consortium}));
  LastWrites writes;
  for (const Row& row : rows) writes[row.Int(0)] = row.Int(1);
  return writes;
}

absl::Status BeginStamping(sql::Database& database, absl::Time now) {
  return sql::TransactAgain(database, [&](Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> founded, tx.Query("SELECT 1 FROM consortia LIMIT 1"));
    return tx
        .Execute("INSERT IGNORE INTO mentor_writes (consortium, writer, last_number, time) VALUES ('', ?, ?, ?)",
                 {kStampingBegan, founded.empty() ? Number(0) : Micros(now), std::numeric_limits<int64_t>::max()})
        .status();
  });
}

absl::Status ForgetWriters(Transaction& tx, absl::Time before) {
  return tx.Execute("DELETE FROM mentor_writes WHERE time < ?", {Micros(before)}).status();
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

absl::Status Publish(Transaction& tx, const std::vector<Published>& changes, absl::Time now) {
  if (changes.empty()) return absl::OkStatus();
  const auto count = static_cast<int64_t>(changes.size());
  REMATCH_RETURN_IF_ERROR(tx.Execute("UPDATE feed_position SET next = next + ? WHERE name = 'roster'", {count}).status());
  REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows, tx.Query("SELECT next FROM feed_position WHERE name = 'roster'"));
  if (rows.empty()) return sql::StoreError(sql::Failure::kSplit, "the feed's counter is gone");
  int64_t position = rows[0].Int(0) - count;
  sql::RowWriter writer(
      "INSERT INTO roster_changes (position, consortium, kind, program, candidate, mentor, assignment, seat, mentor_left, time)", 10);
  for (const auto& [consortium, change] : changes) {
    writer.Add({position++, consortium, Number(static_cast<int>(change.kind)), change.program, change.candidate, change.mentor,
                change.assignment, change.seat, Number(change.mentor_left), Micros(now)});
  }
  return writer.Write(tx);
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
