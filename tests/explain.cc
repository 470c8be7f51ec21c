#include "tests/explain.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "platform/errors.h"
#include "platform/strings.h"
#include "tests/sql_kit.h"

namespace rematch::testing {
namespace {

using sql::Row;
using sql::Transaction;
using sql::Value;

// How many rows a list is asked for: enough to see whether it is read off an index or picked from others.
constexpr int64_t kPage = 50;
// How many rows a statement may look at beside those that it finds, which it may look at twice (in an index and in its table); and at all.
constexpr int64_t kBeside = 20;
constexpr int64_t kAtMost = 120;

// Of so many copies one is of the same program, six are of the same consortium.
constexpr int kTurn = 18;

bool IsMysql(const sql::Database& database) { return absl::StrContains(ToAbsl(database.columns_query()), "information_schema"); }

std::set<std::string> KeyOf(sql::Database& database, const std::string& table) {
  const std::string query = IsMysql(database)
                                ? "SELECT column_name FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = ?"
                                  " AND index_name = 'PRIMARY'"
                                : "SELECT name FROM pragma_table_info(?) WHERE pk > 0";
  std::set<std::string> key;
  for (const Row& row : Query(database, query, {table})) key.insert(row.Text(0));
  return key;
}

// The value of `column` in the copy number `n` of a row.
Value Copy(const Column& column, bool in_key, const Value& value, int n, const std::map<std::string, std::string>& asked) {
  // Of which there are few, however many rows there are.
  static const std::set<std::string> kept = {"scope", "feed", "time_zone", "leader", "alternate", "credential", "grade_band", "need_key"};
  // Instants, so that what is ordered by them is not all at one.
  static const std::set<std::string> moved = {"due", "created", "joined", "time", "begin_time", "accepted", "next_due"};
  if (const auto* number = std::get_if<int64_t>(&value)) {
    const bool never = *number == std::numeric_limits<int64_t>::max();
    return (in_key || moved.contains(column.name)) && !never ? Value(*number + int64_t{1000} * n) : value;
  }
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr || !column.text() || kept.contains(column.name)) return value;
  if (column.name == "owner") {
    const auto owner = asked.find("owner");
    const int whose = n / kTurn % 3;
    return whose == 0 ? Value(std::string()) : whose == 1 && owner != asked.end() ? Value(owner->second) : Value(absl::StrCat("r-", n % 5));
  }
  if (column.name == "consortium") return n % kTurn < 6 ? value : Value(absl::StrCat(*text, "-", n % 7));
  if (column.name == "program") return n % kTurn == 0 ? value : Value(absl::StrCat(*text, "-", n % 40));
  if (text->empty()) return value;
  // Of what is no key, there are fewer than rows: mentors of candidates, cases of offers.
  const std::string suffix = absl::StrCat("-", in_key ? n : n % 200);
  // What fills its column, as a hash does, has no room for more.
  size_t width = 0;
  if (!absl::SimpleAtoi(column.type.substr(column.type.find('(') + 1, column.type.rfind(')') - column.type.find('(') - 1), &width))
    return value;
  return text->substr(0, std::min(text->size(), width - suffix.size())) + suffix;
}

// The rows to copy: some of those that are there, or one that is made up.
std::vector<std::vector<Value>> Originals(sql::Database& database, const std::string& table, const std::vector<Column>& columns,
                                          const std::map<std::string, std::string>& asked) {
  std::vector<std::vector<Value>> originals;
  for (const Row& row : Query(database, absl::StrCat("SELECT ", NamesOf(columns), " FROM ", table, " LIMIT 2"))) {
    std::vector<Value>& values = originals.emplace_back();
    for (size_t i = 0; i < columns.size(); ++i) {
      Value value;
      if (!row.IsNull(i)) {
        value = columns[i].number() ? Value(row.Int(i)) : columns[i].text() ? Value(row.Text(i)) : Value(sql::Bytes{row.Text(i)});
      }
      values.push_back(std::move(value));
    }
  }
  if (!originals.empty()) return originals;
  originals.push_back(MadeUpRow(columns, 1));
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto found = asked.find(columns[i].name);
    if (found != asked.end()) originals.back()[i] = found->second;
  }
  Insert(database, table, columns, originals.back());
  return originals;
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
    // The few rows that a list of keys names may be sorted: whether they are is the optimizer's choice, which differs from run to run.
    // What sorts many to answer with a page is seen by LooksAtMany() as well.
    const bool sorts = absl::StrContains(extra, "temporary") || (absl::StrContains(extra, "filesort") && step.Int(8) > kBeside);
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

bool AllSmall(const std::vector<Row>& plan, const std::set<std::string>& small) {
  return std::all_of(plan.begin(), plan.end(), [&](const Row& step) { return step.Text(2).empty() || small.contains(step.Text(2)); });
}

std::string PlanOf(const std::vector<Row>& plan) {
  std::string text;
  for (const Row& step : plan) {
    absl::StrAppend(&text, "\n       ", step.Text(2), ": ", step.Text(3), " ", step.Text(5), " ", step.Text(7), " rows=", step.Int(8), " ",
                    step.Text(9));
  }
  return text;
}

// How many rows this connection has looked at. A row that the engine itself turns down counts as well.
absl::StatusOr<int64_t> RowsLookedAt(Transaction& tx) {
  REMATCH_ASSIGN_OR_RETURN(
      const std::vector<Row> rows,
      tx.Query("SHOW SESSION STATUS WHERE Variable_name IN ('Handler_read_key', 'Handler_read_next', 'Handler_read_prev',"
               " 'Handler_read_first', 'Handler_read_last', 'Handler_icp_attempts')"));
  if (rows.size() != 6) return absl::InternalError("the server does not count");
  int64_t sum = 0;
  for (const Row& row : rows) {
    int64_t value = 0;
    if (!absl::SimpleAtoi(row.Text(1), &value)) return absl::InternalError("the server does not count");
    sum += value;
  }
  return sum;
}

// Runs the statement, asking a list for a long page, and takes back what it did. What is wrong with how many rows it looked at, or "".
std::string LooksAtMany(sql::Database& database, const std::string& statement, std::vector<Value> values) {
  // The values are those of the ?s in their order, so the last one is the LIMIT's if that comes last.
  const size_t limit = statement.rfind(" LIMIT ?");
  if (limit != std::string::npos && statement.find('?', limit + 8) == std::string::npos) values.back() = kPage;
  int64_t looked_at = 0;
  int64_t found = 0;
  const absl::Status taken_back = absl::CancelledError("taken back");
  const absl::Status status = database.Transact([&](Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(const int64_t before, RowsLookedAt(tx));
    if (statement.starts_with("SELECT")) {
      REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows, tx.Query(statement, values));
      found = static_cast<int64_t>(rows.size());
    } else {
      REMATCH_ASSIGN_OR_RETURN(found, tx.Execute(statement, values));
    }
    REMATCH_ASSIGN_OR_RETURN(looked_at, RowsLookedAt(tx));
    looked_at -= before;
    return taken_back;
  });
  if (status != taken_back) return absl::StrCat(status.ToString(), " ", sql::DetailOf(status));
  if (looked_at <= kBeside + 2 * found && looked_at <= kAtMost) return "";
  return absl::StrCat("looks at ", looked_at, " rows and finds ", found);
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

absl::Status RecordingDatabase::ReadEach(absl::FunctionRef<absl::Status(Transaction&)> body) {
  return inner_.ReadEach([&](Transaction& tx) {
    Recorder recorder(*this, tx);
    return body(recorder);
  });
}

Statements RecordingDatabase::statements() {
  absl::MutexLock lock(&mutex_);
  return statements_;
}

void Multiply(sql::Database& database, int rows, const std::set<std::string>& small, const std::map<std::string, std::string>& asked) {
  constexpr size_t kAtOnce = 64;
  for (const auto& [table, columns] : TablesOf(database)) {
    if (small.contains(table)) continue;
    const std::set<std::string> key = KeyOf(database, table);
    const std::vector<std::vector<Value>> originals = Originals(database, table, columns, asked);
    const int each = rows / static_cast<int>(originals.size()) + 1;
    std::vector<Value> values;
    for (int n = 1; n <= each; ++n) {
      for (const std::vector<Value>& original : originals) {
        for (size_t i = 0; i < columns.size(); ++i) {
          values.push_back(Copy(columns[i], key.contains(columns[i].name), original[i], n, asked));
        }
        if (values.size() == kAtOnce * columns.size()) Insert(database, table, columns, std::exchange(values, {}));
      }
    }
    if (!values.empty()) Insert(database, table, columns, values);
    const int64_t there = Query(database, absl::StrCat("SELECT COUNT(*) FROM ", table))[0].Int(0);
    EXPECT_GE(there, rows) << table << ": some copies were left out";
    if (!IsMysql(database)) continue;
    const absl::Status status =
        database.Transact([&table = table](Transaction& tx) { return tx.Query(absl::StrCat("ANALYZE TABLE ", table)).status(); });
    EXPECT_TRUE(status.ok()) << status << " " << sql::DetailOf(status);
  }
  if (!IsMysql(database)) EXPECT_TRUE(database.RunDdl("ANALYZE").ok());
}

std::vector<std::string> SlowStatements(sql::Database& database, const Statements& statements, const std::set<std::string>& small,
                                        const std::map<std::string, std::string>& allowed) {
  const bool mysql = IsMysql(database);
  std::vector<std::string> slow;
  std::set<std::string> met;
  for (const auto& [statement, values] : statements) {
    if (!IsExplained(statement)) continue;
    const auto reads_much =
        std::find_if(allowed.begin(), allowed.end(), [&s = statement](const auto& one) { return s.ends_with(one.first); });
    if (reads_much != allowed.end()) met.insert(reads_much->first);
    std::vector<Row> plan;
    const absl::Status status = database.Transact([&, &statement = statement, &values = values](Transaction& tx) -> absl::Status {
      REMATCH_ASSIGN_OR_RETURN(plan, tx.Query(absl::StrCat(mysql ? "EXPLAIN " : "EXPLAIN QUERY PLAN ", statement), values));
      return absl::OkStatus();
    });
    std::string why = !status.ok() ? sql::DetailOf(status) : mysql ? ExplainedByMysql(plan, small) : ExplainedBySqlite(plan, small);
    if (why.empty() && mysql && reads_much == allowed.end() && !AllSmall(plan, small)) why = LooksAtMany(database, statement, values);
    if (!why.empty()) slow.push_back(absl::StrCat(statement.substr(0, 400), "\n    -> ", why, mysql ? PlanOf(plan) : ""));
  }
  for (const auto& [statement, why] : allowed) {
    if (!met.contains(statement)) slow.push_back(absl::StrCat("nothing ends with: ", statement));
  }
  return slow;
}

}  // namespace rematch::testing
