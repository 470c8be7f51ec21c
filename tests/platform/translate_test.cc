// The portable subset of MySQL's SQL, as SQLite takes it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/sql/translate.h"

namespace rematch::sql {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ToSqlite, LeavesCommonStatementsAsTheyAre) {
  for (const char* statement : {"SELECT a, b FROM t WHERE a = ? ORDER BY b LIMIT ?", "UPDATE t SET a = a + 1 WHERE id IN (?, ?)",
                                "INSERT INTO t (a) VALUES (?), (?)", "DELETE FROM t WHERE a <> ''", ""}) {
    EXPECT_EQ(ToSqlite(statement), statement);
  }
}

TEST(ToSqlite, IgnoresDuplicates) {
  EXPECT_EQ(ToSqlite("INSERT IGNORE INTO t (a) VALUES (?)"), "INSERT INTO t (a) VALUES (?) ON CONFLICT DO NOTHING");
  EXPECT_EQ(ToSqlite("insert  ignore\n INTO t (a) VALUES (?)"), "INSERT\n INTO t (a) VALUES (?) ON CONFLICT DO NOTHING");
}

TEST(ToSqlite, UpsertsWithTheNewValues) {
  EXPECT_EQ(ToSqlite("INSERT INTO t (a, b) VALUES (?, ?) ON DUPLICATE KEY UPDATE b = VALUES(b), c = c + values ( `d` )"),
            "INSERT INTO t (a, b) VALUES (?, ?) ON CONFLICT DO UPDATE SET b = excluded.b, c = c + excluded.`d`");
}

TEST(ToSqlite, DropsLocks) {
  EXPECT_EQ(ToSqlite("SELECT a FROM t FOR UPDATE"), "SELECT a FROM t ");
  EXPECT_EQ(ToSqlite("SELECT a FROM t LIMIT 1 FOR UPDATE SKIP LOCKED"), "SELECT a FROM t LIMIT 1 ");
  EXPECT_EQ(ToSqlite("SELECT a FROM t FOR UPDATE NOWAIT"), "SELECT a FROM t ");
  EXPECT_EQ(ToSqlite("SELECT a FROM t LOCK IN SHARE MODE"), "SELECT a FROM t ");
}

TEST(ToSqlite, DropsIndexesByTheirNameAlone) {
  EXPECT_EQ(ToSqlite("SELECT a FROM t u FORCE INDEX (by_a) WHERE a = 1"), "SELECT a FROM t u INDEXED BY by_a WHERE a = 1");
  EXPECT_EQ(ToSqlite("DROP INDEX by_a ON t"), "DROP INDEX by_a");
  EXPECT_EQ(ToSqlite("drop index `by_a` on `t`"), "DROP INDEX `by_a`");
  EXPECT_EQ(ToSqlite("DROP INDEX"), "DROP INDEX ");
}

TEST(ToSqlite, HasItsOwnNamesForTheExtremes) {
  EXPECT_EQ(ToSqlite("UPDATE t SET a = GREATEST(a, ?), b = least(b, ?)"), "UPDATE t SET a = MAX(a, ?), b = MIN(b, ?)");
}

TEST(ToSqlite, NeverTouchesLiteralsNamesAndComments) {
  for (const char* statement : {"SELECT 'FOR UPDATE' FROM t", "SELECT 'it''s INSERT IGNORE' FROM t", "SELECT `for update` FROM t",
                                "SELECT a -- FOR UPDATE\nFROM t", "SELECT a /* INSERT IGNORE */ FROM t", "SELECT \"for update\" FROM t",
                                "SELECT a_for FROM update_t", "SELECT 'never closed FOR UPDATE"}) {
    EXPECT_EQ(ToSqlite(statement), statement);
  }
}

TEST(ToMysql, IgnoresDuplicatesAndNothingElse) {
  EXPECT_EQ(ToMysql("INSERT IGNORE INTO t (a, b) VALUES (?, ?)", "c"), "INSERT INTO t (a, b) VALUES (?, ?) ON DUPLICATE KEY UPDATE a = a");
  EXPECT_EQ(ToMysql("insert ignore into t ( `a` ) VALUES (?)", "c"), "INSERT into t ( `a` ) VALUES (?) ON DUPLICATE KEY UPDATE `a` = `a`");
}

TEST(ToMysql, GivesTablesTheirCollation) {
  EXPECT_EQ(ToMysql("-- what it is\nCREATE TABLE t (a BIGINT)", "utf8mb4_bin"),
            "-- what it is\nCREATE TABLE t (a BIGINT) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
}

TEST(ToMysql, LeavesTheRestAsItIs) {
  for (const char* statement : {"SELECT a FROM t WHERE a = 'INSERT IGNORE' FOR UPDATE SKIP LOCKED", "CREATE INDEX i ON t (a)",
                                "INSERT INTO t (a) VALUES (?) ON DUPLICATE KEY UPDATE a = VALUES(a)", ""}) {
    EXPECT_EQ(ToMysql(statement, "c"), statement);
  }
}

TEST(IsDdl, KnowsWhatChangesTheSchema) {
  for (const char* statement : {"CREATE TABLE t (a BIGINT)", "-- why\n create index i ON t (a)", "ALTER TABLE t ADD b BIGINT",
                                "DROP TABLE t", "RENAME TABLE t TO u"}) {
    EXPECT_TRUE(IsDdl(statement)) << statement;
  }
  for (const char* statement : {"INSERT INTO create_t (a) VALUES (1)", "UPDATE t SET a = 'DROP TABLE t'", "", "-- CREATE TABLE t"}) {
    EXPECT_FALSE(IsDdl(statement)) << statement;
  }
}

TEST(SplitScript, EndsAStatementAtASemicolonAtTheEndOfALine) {
  EXPECT_THAT(SplitScript("CREATE TABLE a (x BIGINT);\nCREATE TABLE b (x BIGINT);"),
              ElementsAre("CREATE TABLE a (x BIGINT)", "CREATE TABLE b (x BIGINT)"));
  EXPECT_THAT(SplitScript("SELECT 1;  -- the first\nSELECT 2 ;\r\n\nSELECT 3"),
              ElementsAre("SELECT 1", "-- the first\nSELECT 2", "SELECT 3"));
}

TEST(SplitScript, KeepsSemicolonsInsideOfLiteralsCommentsAndLines) {
  EXPECT_THAT(SplitScript("INSERT INTO t VALUES ('a;\nb');\n-- one; comment;\nSELECT 1;"),
              ElementsAre("INSERT INTO t VALUES ('a;\nb')", "-- one; comment;\nSELECT 1"));
  EXPECT_THAT(SplitScript("BEGIN a; b; END;\n"), ElementsAre("BEGIN a; b; END"));
}

TEST(SplitScript, LeavesOutWhatIsNoStatement) {
  EXPECT_THAT(SplitScript(""), IsEmpty());
  EXPECT_THAT(SplitScript(" \n;\n-- only a comment\n;\n/* another */"), IsEmpty());
}

}  // namespace
}  // namespace rematch::sql
