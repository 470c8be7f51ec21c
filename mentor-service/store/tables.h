// The tables of the roster, one description of each, and what is read of them by their keys: what loading, saving and listing share.
#ifndef REMATCH_MENTOR_SERVICE_STORE_TABLES_H_
#define REMATCH_MENTOR_SERVICE_STORE_TABLES_H_

#include <array>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "mentor-service/store/store.h"
#include "platform/errors.h"
#include "platform/strings.h"

namespace rematch::mentor::store {

using sql::Row;
using sql::Transaction;
using sql::Value;
using Values = std::vector<Value>;

// Ids of one statement stay below what every database takes; batches of requests never come near.
inline constexpr size_t kMaxIds = 2'000;

// --- Values ------------------------------------------------------------------------------------------------------------------

inline Value Lines(const std::vector<std::string>& list) { return sql::Bytes{absl::StrJoin(list, "\n")}; }
inline std::vector<std::string> FromLines(const std::string& text) {
  if (text.empty()) return {};
  return absl::StrSplit(text, '\n');
}
inline Value Micros(absl::Time time) { return sql::ToMicros(time); }
inline Value Micros(const std::optional<absl::Time>& time) { return time.has_value() ? Value(sql::ToMicros(*time)) : Value(); }
inline std::optional<absl::Time> OptionalTime(const Row& row, size_t column) {
  if (row.IsNull(column)) return std::nullopt;
  return sql::FromMicros(row.Int(column));
}
inline Value Number(int64_t value) { return value; }

inline void Append(Values& values, Values more) {
  for (Value& value : more) values.push_back(std::move(value));
}
inline void AppendContact(Values& values, const Contact& contact) {
  Append(values, Values{contact.display_name, contact.email, contact.phone});
}
inline void AppendLeader(Values& values, const Leader& leader) {
  values.push_back(leader.id);
  AppendContact(values, leader.contact);
  values.push_back(leader.mentor);
}
inline Contact ContactAt(const Row& row, size_t column) { return {row.Text(column), row.Text(column + 1), row.Text(column + 2)}; }
inline Leader LeaderAt(const Row& row, size_t column) { return {row.Text(column), ContactAt(row, column + 1), row.Text(column + 4)}; }

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
inline absl::Status InChunks(const std::set<std::string>& ids, absl::FunctionRef<absl::Status(Values)> each, size_t at_once = kMaxIds) {
  Values chunk;
  for (const std::string& id : ids) {
    chunk.push_back(id);
    if (chunk.size() == at_once) {
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

}  // namespace rematch::mentor::store

#endif  // REMATCH_MENTOR_SERVICE_STORE_TABLES_H_
