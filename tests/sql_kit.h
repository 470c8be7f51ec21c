// What tests ask of a store whatever is in it: rows of one statement, its tables, rows that are made up.
#ifndef REMATCH_TESTS_SQL_KIT_H_
#define REMATCH_TESTS_SQL_KIT_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "platform/errors.h"
#include "platform/sql/database.h"

namespace rematch::testing {

// What one statement reads; the test fails if it cannot be run.
inline std::vector<sql::Row> Query(sql::Database& database, std::string_view statement, const std::vector<sql::Value>& values = {}) {
  std::vector<sql::Row> rows;
  const absl::Status status = database.Read([&](sql::Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(rows, tx.Query(statement, values));
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status << " " << sql::DetailOf(status);
  return rows;
}

struct Column {
  std::string name;
  std::string type;
  bool number() const { return absl::StartsWith(type, "bigint"); }
  bool text() const { return absl::StartsWith(type, "varchar"); }  // neither: bytes
  bool operator==(const Column&) const = default;
};
// table -> its columns
using Tables = std::map<std::string, std::vector<Column>>;

// All but those of the schema itself.
inline Tables TablesOf(sql::Database& database) {
  Tables tables;
  for (const sql::Row& row : Query(database, database.columns_query())) {
    if (!row.Text(0).starts_with("schema_")) tables[row.Text(0)].push_back({.name = row.Text(1), .type = row.Text(2)});
  }
  return tables;
}

// "`a`, `b`"
inline std::string NamesOf(const std::vector<Column>& columns) {
  return absl::StrJoin(columns, ", ", [](std::string* out, const Column& column) { absl::StrAppend(out, "`", column.name, "`"); });
}

// The row number `n`, from 1, with something in every column, within what constraints allow.
inline std::vector<sql::Value> MadeUpRow(const std::vector<Column>& columns, int n) {
  std::vector<sql::Value> values;
  for (const Column& column : columns) {
    if (column.number()) {
      values.emplace_back(int64_t{n} + (column.name == "capacity" ? 10 : 0));
    } else if (column.text()) {
      values.emplace_back(absl::StrCat("v", n));
    } else {
      values.emplace_back(sql::Bytes{absl::StrCat("b", n)});
    }
  }
  return values;
}

// `values`: one row after the other. Rows that are there stay as they are.
inline void Insert(sql::Database& database, const std::string& table, const std::vector<Column>& columns,
                   const std::vector<sql::Value>& values) {
  const std::string statement = absl::StrCat("INSERT IGNORE INTO ", table, " (", NamesOf(columns), ") VALUES ",
                                             sql::ValueRows(values.size() / columns.size(), columns.size()));
  const absl::Status status = database.Transact([&](sql::Transaction& tx) { return tx.Execute(statement, values).status(); });
  ASSERT_TRUE(status.ok()) << table << " " << status << " " << sql::DetailOf(status);
}

}  // namespace rematch::testing

#endif  // REMATCH_TESTS_SQL_KIT_H_
