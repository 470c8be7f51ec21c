// The text of statements: from the portable subset of MySQL's SQL to that of each store, and from a script to its statements.
// String literals, quoted names and comments are never touched.
#ifndef REMATCH_PLATFORM_SQL_TRANSLATE_H_
#define REMATCH_PLATFORM_SQL_TRANSLATE_H_

#include <string>
#include <string_view>
#include <vector>

namespace rematch::sql {

// What SQLite takes for `statement`:
//   INSERT IGNORE ...                      -> INSERT ... ON CONFLICT DO NOTHING
//   ON DUPLICATE KEY UPDATE ... VALUES(c)  -> ON CONFLICT DO UPDATE SET ... excluded.c
//   FOR UPDATE [SKIP LOCKED | NOWAIT], LOCK IN SHARE MODE -> nothing
//   FORCE INDEX (i)                        -> INDEXED BY i
//   GREATEST(a, b), LEAST(a, b)            -> MAX(a, b), MIN(a, b)
// Everything else stays as it is. An INSERT ... SELECT with ON DUPLICATE KEY UPDATE needs a WHERE, else SQLite takes the ON for
// that of a join.
std::string ToSqlite(std::string_view statement);

// What MySQL and MariaDB take:
//   INSERT IGNORE INTO t (a, ...) ... -> INSERT INTO t (a, ...) ... ON DUPLICATE KEY UPDATE a = a
//                                        since IGNORE would also cut off what a column has no room for. A row that is there counts as 0.
//   CREATE TABLE ...                  -> with InnoDB and this collation of utf8mb4
std::string ToMysql(std::string_view statement, std::string_view collation);

// Whether it changes the schema, which on MySQL cannot be a part of a transaction.
bool IsDdl(std::string_view statement);

// The statements of `script`, each without its ';'. A statement ends with a ';' that is the last thing on its line but for
// spaces and a comment. Pieces of comments alone are left out.
std::vector<std::string> SplitScript(std::string_view script);

}  // namespace rematch::sql

#endif  // REMATCH_PLATFORM_SQL_TRANSLATE_H_
