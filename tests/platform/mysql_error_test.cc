// What the numbers of MySQL's errors lead to.
#include "platform/sql/mysql_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rematch::sql {
namespace {

TEST(MysqlError, LeadsToWhatDesignSays) {
  const std::pair<int, Failure> in_statement[] = {
      {1213, Failure::kRetry},        // deadlock, failed certification
      {2006, Failure::kRetry},        // connection lost
      {2013, Failure::kRetry},        //
      {1927, Failure::kRetry},        // killed
      {1047, Failure::kRetry},        // the node left its cluster
      {1205, Failure::kLockWait},     //
      {1062, Failure::kConflict},     //
      {1048, Failure::kSplit},        // NULL
      {1406, Failure::kSplit},        // too long
      {3819, Failure::kSplit},        // CHECK, of MySQL
      {4025, Failure::kSplit},        // CHECK, of MariaDB
      {1064, Failure::kSplit},        // syntax
      {1021, Failure::kUnavailable},  // disk full
      {1114, Failure::kUnavailable},  // table full
      {1290, Failure::kUnavailable},  // read-only
      {1461, Failure::kRetry},        // the statements that all connections have prepared are too many
      {1615, Failure::kRetry},        // a statement has to be prepared again
      {1146, Failure::kUnavailable},  // no such table
      {1054, Failure::kUnavailable},  // no such column
      {1142, Failure::kUnavailable},  // no right
      {6, Failure::kUnavailable},     // the server could not remove a file of its own
      {20, Failure::kUnavailable},    // disk full
  };
  for (const auto& [number, failure] : in_statement) EXPECT_EQ(ClassifyMysqlError(number, MysqlPhase::kStatement), failure) << number;
}

TEST(MysqlError, WhatBreaksOffACommitMayHaveTakenPlace) {
  for (const int number : {2006, 2013, 1180, 1317, 1047, 9999}) {
    EXPECT_EQ(ClassifyMysqlError(number, MysqlPhase::kCommit), Failure::kUnknownCommit) << number;
  }
  EXPECT_EQ(ClassifyMysqlError(1213, MysqlPhase::kCommit), Failure::kRetry) << "a failed certification did not";
}

TEST(MysqlError, AServerThatIsOfNoUseIsLeft) {
  for (const int number : {2006, 1047, 1290, 1836, 1114, 1142, 6, 1461}) {
    EXPECT_TRUE(IsConnectionUseless(number, MysqlPhase::kStatement)) << number;
    EXPECT_TRUE(IsConnectionUseless(number, MysqlPhase::kCommit)) << number;
  }
  for (const int number : {1213, 1205, 1062, 1064, 1615}) EXPECT_FALSE(IsConnectionUseless(number, MysqlPhase::kStatement)) << number;
}

TEST(MysqlError, WithoutAConnectionNothingWorksForNow) {
  for (const int number : {2002, 2003, 1045, 1049, 1040}) {
    EXPECT_EQ(ClassifyMysqlError(number, MysqlPhase::kConnecting), Failure::kUnavailable) << number;
  }
}

TEST(MysqlError, IsDescribedWithoutValues_F23) {
  EXPECT_EQ(DescribeMysqlError(1062, "Duplicate entry 'canary' for key 'PRIMARY'"), "mysql error 1062 for key 'PRIMARY'");
  EXPECT_EQ(DescribeMysqlError(1366, "Incorrect string value: 'canary' for column"), "mysql error 1366");
  EXPECT_EQ(DescribeMysqlError(1064, "You have an error near 'canary'"), "mysql error 1064");
  EXPECT_EQ(DescribeMysqlError(6, "Error on delete of './x/y.frm' (Errcode: 2)"),
            "mysql error 6, Error on delete of './x/y.frm' (Errcode: 2)");
  EXPECT_EQ(DescribeMysqlError(1146, "Table 'x.cases' doesn't exist"), "mysql error 1146, Table 'x.cases' doesn't exist");
}

}  // namespace
}  // namespace rematch::sql
