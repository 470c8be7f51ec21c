#include "tests/explain.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "platform/errors.h"
#include "platform/strings.h"

namespace rematch::testing {
namespace {

using sql::Row;
using sql::Transaction;
using sql::Value;

struct Column {
  std::string name;
  bool number = false;
  bool text = false;
};

absl::StatusOr<std::vector<Row>> Query(sql::Database& database, const std::string& statement, const std::vector<Value>& values = {}) {
  std::vector<Row> rows;
  REMATCH_RETURN_IF_ERROR(database.Read([&](Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(rows, tx.Query(statement, values));
    return absl::OkStatus();
  }));
  return rows;
}

bool IsMysql(const sql::Database& database) { return absl::StrContains(ToAbsl(database.columns_query()), "information_schema"); }

absl::StatusOr<std::map<std::string, std::vector<Column>>> Tables(sql::Database& database) {
  REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows, Query(database, std::string(database.columns_query())));
  std::map<std::string, std::vector<Column>> tables;
  for (const Row& row : rows) {
    if (row.Text(0).starts_with("schema_")) continue;
    tables[row.Text(0)].push_back(
        {.name = row.Text(1), .number = row.Text(2).starts_with("bigint"), .text = row.Text(2).starts_with("varchar")});
  }
  return tables;
}

absl::StatusOr<std::set<std::string>> KeyOf(sql::Database& database, const std::string& table) {
  const std::string query = IsMysql(database)
                                ? "SELECT column_name FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = ?"
                                  " AND index_name = 'PRIMARY'"
                                : "SELECT name FROM pragma_table_info(?) WHERE pk > 0";
  REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows, Query(database, query, {table}));
  std::set<std::string> key;
  for (const Row& row : rows) key.insert(row.Text(0));
  return key;
}

// The value of `column` in the copy number `n` of a row.
Value Copy(const Column& column, bool in_key, const Value& value, int n) {
  static const std::set<std::string> kept = {"consortium", "program", "owner", "scope", "origin", "feed", "time_zone"};
  // Instants, so that what is ordered by them is not all at one.
  static const std::set<std::string> moved = {"due", "created", "joined", "time", "begin_time", "accepted", "next_due"};
  if (const auto* number = std::get_if<int64_t>(&value)) {
    const bool never = *number == std::numeric_limits<int64_t>::max();
    return (in_key || moved.contains(column.name)) && !never ? Value(*number + int64_t{1000} * n) : value;
  }
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr || !column.text || kept.contains(column.name) || text->empty()) return value;
  // Of what is no key, there are fewer than rows: mentors of candidates, cases of offers.
  const std::string suffix = absl::StrCat("-", in_key ? n : n % 200);
  // Columns of hashes have no room for more.
  constexpr size_t kLong = 32;
  return text->substr(0, text->size() < kLong ? text->size() : text->size() - suffix.size()) + suffix;
}

// The first words of a statement after its comments.
bool IsExplained(const std::string& statement) {
  return statement.starts_with("SELECT") || statement.starts_with("UPDATE") || statement.starts_with("DELETE");
}

std::string ExplainedByMysql(const std::vector<Row>& plan, const std::set<std::string>& small) {
  // id, select_type, table, type, possible_keys, key, key_len, ref, rows, Extra
  for (const Row& step : plan) {
    const std::string& table = step.Text(2);
    const std::string& extra = step.Text(9);
    const bool all = step.Text(3) == "ALL" || step.Text(3) == "index";
    const bool sorts = absl::StrContains(extra, "filesort") || absl::StrContains(extra, "temporary");
    if (table.empty() || (!all && !sorts)) continue;
    if (small.contains(table)) continue;
    return absl::StrCat(table, ": ", step.Text(3), " ", step.Text(5), " rows=", step.Int(8), " ", extra);
  }
  return "";
}

std::string ExplainedBySqlite(const std::vector<Row>& plan, const std::set<std::string>& small) {
  // id, parent, notused, detail
  std::string last;
  for (const Row& step : plan) {
    const std::string& detail = step.Text(3);
    const std::vector<std::string> words = absl::StrSplit(detail, ' ');
    if (words.size() > 1 && (words[0] == "SCAN" || words[0] == "SEARCH")) last = words[1];
    const bool all = words[0] == "SCAN" && !absl::StrContains(detail, "CONSTANT ROW");
    const bool sorts = absl::StrContains(detail, "TEMP B-TREE");
    if ((all || sorts) && !small.contains(last)) return detail;
  }
  return "";
}

}  // namespace

class RecordingDatabase::Recorder final : public Transaction {
 public:
  Recorder(RecordingDatabase& database, Transaction& inner) : database_(database), inner_(inner) {}

  absl::StatusOr<std::vector<Row>> Query(std::string_view statement, absl::Span<const Value> parameters) override {
    Note(statement, parameters);
    return inner_.Query(statement, parameters);
  }
  absl::StatusOr<int64_t> Execute(std::string_view statement, absl::Span<const Value> parameters) override {
    Note(statement, parameters);
    return inner_.Execute(statement, parameters);
  }

 private:
  void Note(std::string_view statement, absl::Span<const Value> parameters) {
    absl::MutexLock lock(&database_.mutex_);
    database_.statements_[std::string(statement)].assign(parameters.begin(), parameters.end());
  }

  RecordingDatabase& database_;
  Transaction& inner_;
};

absl::Status RecordingDatabase::Transact(absl::FunctionRef<absl::Status(Transaction&)> body) {
  return inner_.Transact([&](Transaction& tx) {
    Recorder recorder(*this, tx);
    return body(recorder);
  });
}

absl::Status RecordingDatabase::Read(absl::FunctionRef<absl::Status(Transaction&)> body) {
  return inner_.Read([&](Transaction& tx) {
    Recorder recorder(*this, tx);
    return body(recorder);
  });
}

Statements RecordingDatabase::statements() {
  absl::MutexLock lock(&mutex_);
  return statements_;
}

absl::Status Multiply(sql::Database& database, int copies) {
  REMATCH_ASSIGN_OR_RETURN(const auto tables, Tables(database));
  for (const auto& entry : tables) {
    const std::string& table = entry.first;
    const std::vector<Column>& columns = entry.second;
    REMATCH_ASSIGN_OR_RETURN(const std::set<std::string> key, KeyOf(database, table));
    std::vector<std::string> names;
    for (const Column& column : columns) names.push_back(absl::StrCat("`", column.name, "`"));
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                             Query(database, absl::StrCat("SELECT ", absl::StrJoin(names, ", "), " FROM ", table, " LIMIT 8")));
    if (rows.empty()) continue;
    constexpr int kAtOnce = 64;
    const std::string insert =
        absl::StrCat("INSERT IGNORE INTO ", table, " (", absl::StrJoin(names, ", "), ") VALUES ", sql::ValueRows(kAtOnce, columns.size()));
    const int each = copies / static_cast<int>(rows.size());
    std::vector<Value> values;
    REMATCH_RETURN_IF_ERROR(database.Transact([&](Transaction& tx) -> absl::Status {
      values.clear();
      for (const Row& row : rows) {
        for (int n = 1; n <= each; ++n) {
          for (size_t i = 0; i < columns.size(); ++i) {
            Value value = std::monostate();
            if (!row.IsNull(i)) {
              value = columns[i].number ? Value(row.Int(i)) : columns[i].text ? Value(row.Text(i)) : Value(sql::Bytes{row.Text(i)});
            }
            values.push_back(Copy(columns[i], key.contains(columns[i].name), value, n));
          }
          if (values.size() < kAtOnce * columns.size()) continue;
          REMATCH_RETURN_IF_ERROR(tx.Execute(insert, values).status());
          values.clear();
        }
      }
      return absl::OkStatus();
    }));
    if (IsMysql(database)) {
      REMATCH_RETURN_IF_ERROR(
          database.Transact([&table](Transaction& tx) { return tx.Query(absl::StrCat("ANALYZE TABLE ", table)).status(); }));
    }
  }
  return IsMysql(database) ? absl::OkStatus() : database.RunDdl("ANALYZE");
}

std::vector<std::string> SlowStatements(sql::Database& database, const Statements& statements, const std::set<std::string>& small) {
  const bool mysql = IsMysql(database);
  std::vector<std::string> slow;
  for (const auto& entry : statements) {
    const std::string& statement = entry.first;
    const std::vector<Value>& values = entry.second;
    if (!IsExplained(statement)) continue;
    std::vector<Row> plan;
    const absl::Status status = database.Transact([&](Transaction& tx) -> absl::Status {
      REMATCH_ASSIGN_OR_RETURN(plan, tx.Query(absl::StrCat(mysql ? "EXPLAIN " : "EXPLAIN QUERY PLAN ", statement), values));
      return absl::OkStatus();
    });
    const std::string why = !status.ok() ? sql::DetailOf(status) : mysql ? ExplainedByMysql(plan, small) : ExplainedBySqlite(plan, small);
    if (!why.empty()) slow.push_back(absl::StrCat(statement.substr(0, 400), "\n    -> ", why));
  }
  return slow;
}

}  // namespace rematch::testing
