// What a batch changed, the stamps of who wrote it, and the feed.
#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "mentor-service/store/store.h"
#include "mentor-service/store/tables.h"
#include "platform/errors.h"
#include "platform/sql/rows.h"

namespace rematch::mentor::store {
namespace {

// Writes `rows`, each of which `values_of` turns into the values of `columns`. `update`: they may be there. An import has any number of
// rows: no more of them than a statement has are values at a time.
template <typename Rows, typename ValuesOf>
absl::Status Write(Transaction& tx, std::string_view table, const std::vector<std::string_view>& columns, bool update, const Rows& rows,
                   ValuesOf values_of) {
  if (rows.empty()) return absl::OkStatus();
  std::vector<std::string> names, sets;
  for (const std::string_view column : columns) {
    names.emplace_back(column);
    sets.push_back(absl::StrCat(ToAbsl(column), " = VALUES(", ToAbsl(column), ")"));
  }
  sql::RowWriter writer(absl::StrCat("INSERT INTO ", ToAbsl(table), " (", absl::StrJoin(names, ", "), ")"), columns.size(),
                        update ? absl::StrCat(" ON DUPLICATE KEY UPDATE ", absl::StrJoin(sets, ", ")) : "");
  for (const auto& row : rows) REMATCH_RETURN_IF_ERROR(writer.Add(values_of(row), tx));
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
  std::vector<const T*> added, changed;
  for (const auto& [id, row] : table.rows()) {
    if (!row.changed || (row.before != nullptr && *row.before == row.value)) continue;
    // An assignment that ends was not loaded: its candidate's row said all of it.
    (row.before != nullptr || history ? changed : added).push_back(&row.value);
  }
  const auto values_of = [&](const T* row) {
    Values values = Schema<T>::To(*row);
    values.insert(values.begin(), consortium);
    for (const Column& column : also) values.push_back(column.value);
    return values;
  };
  std::vector<std::string_view> columns = {"consortium"};
  columns.insert(columns.end(), Schema<T>::kColumns.begin(), Schema<T>::kColumns.end());
  for (const Column& column : also) columns.push_back(column.name);
  REMATCH_RETURN_IF_ERROR(Write(tx, Schema<T>::kTable, columns, false, added, values_of));
  return Write(tx, Schema<T>::kTable, columns, true, changed, values_of);
}

absl::Status SaveMentors(Transaction& tx, const Roster& roster, const Stamp& stamp, absl::Time now) {
  const auto& rows = roster.mentors.rows();
  if (std::none_of(rows.begin(), rows.end(), [](const auto& row) { return row.second.changed; })) return absl::OkStatus();
  REMATCH_RETURN_IF_ERROR(SaveTable(tx, roster.consortium_id, roster.mentors, /*history=*/false,
                                    {{"written_by", stamp.writer}, {"write_number", stamp.number}}));
  return Write(tx, "mentor_writes", {"consortium", "writer", "last_number", "time"}, /*update=*/true, std::array{stamp},
               [&](const Stamp& of) {
                 return Values{roster.consortium_id, of.writer, of.number, Micros(now)};
               });
}

// What hangs on mentors: who has which email, and who is a member of what.
absl::Status SaveIndexesOfMentors(Transaction& tx, const Roster& roster) {
  struct Of {
    std::string key;  // as rows are locked, new ones are written: by it, else two batches would wait for one another
    const Mentor* mentor;
  };
  std::set<std::string> emails_gone;
  std::vector<Of> emails, memberships;
  for (const auto& [id, row] : roster.mentors.rows()) {
    if (!row.changed) continue;
    const Mentor& mentor = row.value;
    const std::string email = LowerEmail(mentor.contact.email);
    const std::string old_email = row.before != nullptr ? LowerEmail(row.before->contact.email) : "";
    if (email != old_email) {
      if (!old_email.empty()) emails_gone.insert(old_email);
      emails.push_back({email, &mentor});
    }
    const std::vector<std::string> old = row.before != nullptr ? row.before->programs : std::vector<std::string>();
    for (const std::string& program : mentor.programs) {
      if (!Contains(old, program)) memberships.push_back({program, &mentor});
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
  const auto by_key = [](const Of& a, const Of& b) { return std::tie(a.key, a.mentor->id) < std::tie(b.key, b.mentor->id); };
  std::sort(emails.begin(), emails.end(), by_key);
  std::sort(memberships.begin(), memberships.end(), by_key);
  REMATCH_RETURN_IF_ERROR(Write(tx, "mentor_emails", {"consortium", "email", "mentor"}, false, emails, [&](const Of& of) {
    return Values{roster.consortium_id, of.key, of.mentor->id};
  }));
  return Write(tx, "mentor_programs", {"consortium", "program", "mentor", "joined"}, false, memberships, [&](const Of& of) {
    return Values{roster.consortium_id, of.key, of.mentor->id, Micros(of.mentor->joined)};
  });
}

}  // namespace

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

absl::Status Publish(Transaction& tx, const std::map<std::string, std::vector<Change>>& changes, absl::Time now) {
  int64_t count = 0;
  for (const auto& [consortium, list] : changes) count += static_cast<int64_t>(list.size());
  if (count == 0) return absl::OkStatus();
  REMATCH_RETURN_IF_ERROR(tx.Execute("UPDATE feed_position SET next = next + ? WHERE name = 'roster'", {count}).status());
  REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows, tx.Query("SELECT next FROM feed_position WHERE name = 'roster'"));
  if (rows.empty()) return sql::StoreError(sql::Failure::kSplit, "the feed's counter is gone");
  int64_t position = rows[0].Int(0) - count;
  sql::RowWriter writer(
      "INSERT INTO roster_changes (position, consortium, kind, program, candidate, mentor, assignment, seat, mentor_left, time)", 10);
  for (const auto& [consortium, list] : changes) {
    for (const Change& change : list) {
      REMATCH_RETURN_IF_ERROR(writer.Add({position++, consortium, Number(static_cast<int>(change.kind)), change.program, change.candidate,
                                          change.mentor, change.assignment, change.seat, Number(change.mentor_left), Micros(now)},
                                         tx));
    }
  }
  return writer.Write(tx);
}

}  // namespace rematch::mentor::store
