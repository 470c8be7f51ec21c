// What every store must do, whatever its driver: instantiate the suites with a way to make an empty one.
#ifndef REMATCH_TESTS_PLATFORM_SQL_CONTRACT_H_
#define REMATCH_TESTS_PLATFORM_SQL_CONTRACT_H_

#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/synchronization/notification.h"
#include "platform/errors.h"
#include "platform/sql/database.h"
#include "platform/sql/migrations.h"
#include "tests/platform/temp_dir.h"
#include "tests/sql_kit.h"

namespace rematch::sql {

// A store that is empty and nobody else's, for as long as `keep` is held.
struct Place {
  std::string url;
  std::shared_ptr<void> keep;
};

struct Driver {
  std::string name;
  // `dir` is for its files.
  std::function<Place(const rematch::testing::TempDir& dir)> make;
};

inline void PrintTo(const Driver& driver, std::ostream* out) { *out << driver.name; }

class SqlContract : public ::testing::TestWithParam<Driver> {
 protected:
  void SetUp() override {
    place_ = GetParam().make(dir_);
    auto opened = Open(place_.url);
    ASSERT_TRUE(opened.ok()) << opened.status();
    db_ = *std::move(opened);
    ASSERT_TRUE(RunScript(*db_,
                          "CREATE TABLE items (id VARCHAR(64) NOT NULL PRIMARY KEY, amount BIGINT NOT NULL,\n"
                          "  note VARCHAR(255), body LONGBLOB, CHECK (amount < 1000));\n"
                          "CREATE TABLE parts (item VARCHAR(64) NOT NULL, FOREIGN KEY (item) REFERENCES items (id));")
                    .ok());
  }

  // One statement in a transaction of its own.
  absl::StatusOr<int64_t> Execute(std::string_view statement, std::vector<Value> parameters = {}) {
    absl::StatusOr<int64_t> changed;
    const absl::Status status = db_->Transact([&](Transaction& tx) {
      changed = tx.Execute(statement, parameters);
      return changed.status();
    });
    if (!status.ok()) return status;
    return changed;
  }
  std::vector<Row> Query(std::string_view statement, std::vector<Value> parameters = {}) {
    return rematch::testing::Query(*db_, statement, parameters);
  }
  int64_t Count() { return Query("SELECT COUNT(*) FROM items")[0].Int(0); }

  rematch::testing::TempDir dir_;
  Place place_;
  std::unique_ptr<Database> db_;
};

TEST_P(SqlContract, KeepsNumbersTextBytesAndNull) {
  const std::string text = "Zoë 教师 🎓 'quoted' \"too\"";
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  ASSERT_TRUE(Execute("INSERT INTO items (id, amount, note, body) VALUES (?, ?, ?, ?)",
                      {text, std::numeric_limits<int64_t>::min(), std::monostate(), Bytes{bytes}})
                  .ok());
  ASSERT_TRUE(Execute("INSERT INTO items (id, amount, note, body) VALUES (?, ?, ?, ?)", {"b", 7, "", Bytes{}}).ok());
  auto rows = Query("SELECT id, amount, note, body FROM items ORDER BY amount");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].Text(0), text);
  EXPECT_EQ(rows[0].Int(1), std::numeric_limits<int64_t>::min());
  EXPECT_TRUE(rows[0].IsNull(2));
  EXPECT_EQ(rows[0].Text(2), "");
  EXPECT_EQ(rows[0].TakeText(3), bytes);
  EXPECT_FALSE(rows[1].IsNull(2));
  EXPECT_FALSE(rows[1].IsNull(3));
  EXPECT_EQ(rows[1].Text(3), "");
}

TEST_P(SqlContract, InsertIgnoreCountsOnlyNewRows) {
  ASSERT_TRUE(Execute("INSERT INTO items (id, amount) VALUES (?, ?)", {"a", 1}).ok());
  EXPECT_EQ(*Execute("INSERT IGNORE INTO items (id, amount) VALUES (?, ?), (?, ?)", {"a", 5, "b", 5}), 1);
  EXPECT_EQ(Query("SELECT amount FROM items WHERE id = ?", {"a"})[0].Int(0), 1);
}

TEST_P(SqlContract, UpsertUpdatesWhatIsThere) {
  const char* upsert =
      "INSERT INTO items (id, amount, note) VALUES (?, ?, ?), (?, ?, ?)"
      " ON DUPLICATE KEY UPDATE amount = amount + VALUES(amount), note = VALUES(note)";
  ASSERT_TRUE(Execute(upsert, {"a", 1, "x", "b", 2, "y"}).ok());
  ASSERT_TRUE(Execute(upsert, {"b", 10, "z", "c", 3, "w"}).ok());
  const auto rows = Query("SELECT id, amount, note FROM items ORDER BY id");
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[1].Int(1), 12);
  EXPECT_EQ(rows[1].Text(2), "z");
  EXPECT_EQ(rows[2].Int(1), 3);
}

TEST_P(SqlContract, PaddedListsFindEachRowOnce) {
  ASSERT_TRUE(Execute("INSERT INTO items (id, amount) VALUES " + ValueRows(3, 2), {"a", 1, "b", 2, "c", 3}).ok());
  std::vector<Value> ids = {"a", "b", "c"};
  PadInList(ids);
  EXPECT_EQ(ids.size(), 4u);
  EXPECT_EQ(Query("SELECT id FROM items WHERE id IN " + InList(3), ids).size(), 3u);
}

TEST_P(SqlContract, LockingReadsWork) {
  ASSERT_TRUE(Execute("INSERT INTO items (id, amount) VALUES (?, ?)", {"a", 1}).ok());
  const absl::Status status = db_->Transact([](Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(auto rows,
                             tx.Query("SELECT id FROM items WHERE amount <= ? ORDER BY id LIMIT ? FOR UPDATE SKIP LOCKED", {9, 1}));
    EXPECT_EQ(rows.size(), 1u);
    REMATCH_ASSIGN_OR_RETURN(rows, tx.Query("SELECT id FROM items WHERE id = ? FOR UPDATE", {"a"}));
    EXPECT_EQ(rows.size(), 1u);
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
}

TEST_P(SqlContract, ComparesTextByCase) {
  ASSERT_TRUE(Execute("INSERT INTO items (id, amount) VALUES (?, ?)", {"a", 1}).ok());
  EXPECT_TRUE(Execute("INSERT INTO items (id, amount) VALUES (?, ?)", {"A", 1}).ok());
}

TEST_P(SqlContract, ARefusalOfTheBodyRollsBackAndIsReturnedAsItIs) {
  const absl::Status refusal = Error(absl::StatusCode::kFailedPrecondition, "SOME_REASON", "no");
  const absl::Status status = db_->Transact([&](Transaction& tx) -> absl::Status {
    REMATCH_RETURN_IF_ERROR(tx.Execute("INSERT INTO items (id, amount) VALUES (?, ?)", {"a", 1}).status());
    return refusal;
  });
  EXPECT_EQ(status, refusal);
  EXPECT_EQ(FailureOf(status), Failure::kNone);
  EXPECT_EQ(Count(), 0);
}

TEST_P(SqlContract, AFailedStatementRollsBackEvenIfTheBodyCarriesOn) {
  const absl::Status status = db_->Transact([](Transaction& tx) -> absl::Status {
    REMATCH_RETURN_IF_ERROR(tx.Execute("INSERT INTO items (id, amount) VALUES (?, ?)", {"a", 1}).status());
    tx.Execute("INSERT INTO items (id, amount) VALUES (?, ?)", {"a", 2}).IgnoreError();
    EXPECT_FALSE(tx.Execute("INSERT INTO items (id, amount) VALUES (?, ?)", {"b", 2}).ok()) << "nothing more runs after a failure";
    return absl::OkStatus();
  });
  EXPECT_EQ(FailureOf(status), Failure::kConflict);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(ReasonOf(status), reason::kStoreRefused);
  EXPECT_EQ(Count(), 0);
  EXPECT_TRUE(Execute("INSERT INTO items (id, amount) VALUES (?, ?)", {"a", 1}).ok()) << "the store must go on working";
}

TEST_P(SqlContract, TheLastLineAreTheConstraints) {
  EXPECT_EQ(FailureOf(Execute("INSERT INTO items (id, amount) VALUES (?, ?)", {"a", 1000}).status()), Failure::kSplit);
  EXPECT_EQ(FailureOf(Execute("INSERT INTO items (id, amount) VALUES (?, ?)", {"a", std::monostate()}).status()), Failure::kSplit);
  EXPECT_EQ(FailureOf(Execute("INSERT INTO parts (item) VALUES (?)", {"none"}).status()), Failure::kSplit);
  EXPECT_EQ(FailureOf(Execute("INSERT INTO items (id, amount) VALUES (?, ?)", {"a"}).status()), Failure::kSplit);
}

TEST_P(SqlContract, ATableThatIsNotThereMayComeBack) {
  for (const char* statement : {"INSERT INTO nowhere (item) VALUES (?)", "INSERT INTO items (id, amount, absent) VALUES ('a', 1, ?)",
                                "UPDATE items SET absent = ?"}) {
    const absl::Status status = Execute(statement, {"none"}).status();
    EXPECT_EQ(FailureOf(status), Failure::kUnavailable) << statement << " " << DetailOf(status);
    EXPECT_TRUE(DetailOf(status).find("nowhere") != std::string::npos || DetailOf(status).find("absent") != std::string::npos)
        << "says what";
  }
}

TEST_P(SqlContract, InsertIgnoreHidesNothingButDuplicates) {
  EXPECT_FALSE(Execute("INSERT IGNORE INTO items (id, amount) VALUES (?, ?)", {"a", 1000}).ok()) << "against a constraint";
  EXPECT_FALSE(Execute("INSERT IGNORE INTO items (id, amount) VALUES (?, ?)", {"a", std::monostate()}).ok()) << "NULL";
  EXPECT_EQ(Count(), 0);
}

TEST_P(SqlContract, SpacesAtTheEndCount) {
  ASSERT_TRUE(Execute("INSERT INTO items (id, amount) VALUES (?, ?)", {"a", 1}).ok());
  EXPECT_TRUE(Execute("INSERT INTO items (id, amount) VALUES (?, ?)", {"a ", 1}).ok());
  EXPECT_EQ(Query("SELECT id FROM items WHERE id = ?", {"a "}).size(), 1u);
}

TEST_P(SqlContract, ColumnsAreTold) {
  std::vector<std::string> columns;
  for (const Row& row : Query(db_->columns_query())) columns.push_back(row.Text(0) + "." + row.Text(1));
  EXPECT_THAT(columns, ::testing::ElementsAre("items.amount", "items.body", "items.id", "items.note", "parts.item"));
}

TEST_P(SqlContract, WhatIsMadeTwiceIsToldApart) {
  EXPECT_TRUE(absl::IsAlreadyExists(db_->RunDdl("CREATE TABLE items (x BIGINT)")));
  ASSERT_TRUE(db_->RunDdl("ALTER TABLE items ADD COLUMN more BIGINT").ok());
  EXPECT_TRUE(absl::IsAlreadyExists(db_->RunDdl("ALTER TABLE items ADD COLUMN more BIGINT")));
  ASSERT_TRUE(db_->RunDdl("CREATE INDEX items_by_more ON items (more)").ok());
  EXPECT_TRUE(absl::IsAlreadyExists(db_->RunDdl("CREATE INDEX items_by_more ON items (more)")));
}

TEST_P(SqlContract, AnErrorNeverHoldsAValue_F23) {
  ASSERT_TRUE(Execute("INSERT INTO items (id, amount) VALUES (?, ?)", {"canary-value", 1}).ok());
  const absl::Status status = Execute("INSERT INTO items (id, amount) VALUES (?, ?)", {"canary-value", 1}).status();
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.ToString().find("canary-value"), std::string::npos) << status;
}

TEST_P(SqlContract, ATransactionSeesItsOwnWrites) {
  const absl::Status status = db_->Transact([](Transaction& tx) -> absl::Status {
    REMATCH_RETURN_IF_ERROR(tx.Execute("INSERT INTO items (id, amount) VALUES (?, ?)", {"a", 1}).status());
    REMATCH_ASSIGN_OR_RETURN(const auto rows, tx.Query("SELECT COUNT(*) FROM items"));
    EXPECT_EQ(rows[0].Int(0), 1);
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
}

TEST_P(SqlContract, AReadMayNotWrite) {
  const absl::Status status = db_->Read([](Transaction& tx) {
    return tx.Execute("INSERT INTO items (id, amount) VALUES (?, ?)", {"a", 1}).status();
  });
  EXPECT_EQ(FailureOf(status), Failure::kSplit);
  EXPECT_EQ(Count(), 0);
}

// As a query of its own each, and between other transactions, which go on as before.
TEST_P(SqlContract, ReadsOneQueryAtATime) {
  ASSERT_TRUE(Execute("INSERT INTO items (id, amount) VALUES (?, ?)", {"a", 1}).ok());
  for (int round = 0; round < 2; ++round) {
    int64_t seen = 0;
    absl::Status status = db_->ReadEach([&](Transaction& tx) -> absl::Status {
      REMATCH_ASSIGN_OR_RETURN(const auto rows, tx.Query("SELECT amount FROM items WHERE id = ?", {"a"}));
      seen = rows[0].Int(0);
      return absl::OkStatus();
    });
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(seen, 1);
    status = db_->ReadEach([](Transaction& tx) { return tx.Execute("UPDATE items SET amount = 2 WHERE id = ?", {"a"}).status(); });
    EXPECT_EQ(FailureOf(status), Failure::kSplit) << "it may not write";
    status = db_->ReadEach([](Transaction& tx) {
      tx.Query("SELECT amount FROM items WHERE id = ?").IgnoreError();  // without its parameter
      return tx.Query("SELECT amount FROM items").status();
    });
    EXPECT_EQ(FailureOf(status), Failure::kSplit) << "nothing is read after a failure";
    EXPECT_EQ(Query("SELECT amount FROM items WHERE id = ?", {"a"})[0].Int(0), 1);
  }
}

TEST_P(SqlContract, ATransactionInsideAnotherIsRefusedInsteadOfWaitingForever) {
  const absl::Status status = db_->Transact([&](Transaction&) { return db_->Read([](Transaction&) { return absl::OkStatus(); }); });
  EXPECT_EQ(FailureOf(status), Failure::kSplit);
}

TEST_P(SqlContract, AScriptIsAllOrNothing) {
  EXPECT_FALSE(RunScript(*db_, "INSERT INTO items (id, amount) VALUES ('a;', 1);\nINSERT INTO nowhere (x) VALUES (1);").ok());
  EXPECT_EQ(Count(), 0);
  EXPECT_TRUE(
      RunScript(*db_, "-- a comment\nINSERT INTO items (id, amount) VALUES ('a;', 1);\nINSERT INTO items (id, amount) VALUES ('b', 1);\n")
          .ok());
  EXPECT_EQ(Count(), 2);
}

TEST_P(SqlContract, ManyDifferentStatementsDoNotWearItOut) {
  for (int i = 0; i < 600; ++i) ASSERT_EQ(Query("SELECT " + std::to_string(i))[0].Int(0), i);
  for (int i = 0; i < 600; i += 50) ASSERT_EQ(Query("SELECT " + std::to_string(i))[0].Int(0), i);
}

// For stores whose reads go on beside a transaction that has not ended.
class SqlSnapshotContract : public SqlContract {};

TEST_P(SqlSnapshotContract, AReadSeesOneSnapshot) {
  const absl::Status status = db_->Read([&](Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(auto rows, tx.Query("SELECT COUNT(*) FROM items"));
    EXPECT_EQ(rows[0].Int(0), 0);
    std::thread writer([&] { EXPECT_TRUE(Execute("INSERT INTO items (id, amount) VALUES (?, ?)", {"a", 1}).ok()); });
    writer.join();
    REMATCH_ASSIGN_OR_RETURN(rows, tx.Query("SELECT COUNT(*) FROM items"));
    EXPECT_EQ(rows[0].Int(0), 0);
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(Count(), 1) << "the next read sees the write";
}

TEST_P(SqlSnapshotContract, AReadIsOneSnapshotAfterAQueryOfItsOwn) {
  const auto count = [](Transaction& tx) { return tx.Query("SELECT COUNT(*) FROM items").status(); };
  ASSERT_TRUE(db_->ReadEach(count).ok());
  const absl::Status status = db_->Read([&](Transaction& tx) -> absl::Status {
    REMATCH_RETURN_IF_ERROR(count(tx));
    std::thread writer([&] { EXPECT_TRUE(Execute("INSERT INTO items (id, amount) VALUES (?, ?)", {"a", 1}).ok()); });
    writer.join();
    REMATCH_ASSIGN_OR_RETURN(const auto rows, tx.Query("SELECT COUNT(*) FROM items"));
    EXPECT_EQ(rows[0].Int(0), 0);
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(db_->ReadEach([&](Transaction& tx) -> absl::Status {
                   REMATCH_ASSIGN_OR_RETURN(const auto rows, tx.Query("SELECT COUNT(*) FROM items"));
                   EXPECT_EQ(rows[0].Int(0), 1) << "it sees what was committed before";
                   return absl::OkStatus();
                 })
                  .ok());
}

class ConcurrentSqlContract : public SqlContract {};

TEST_P(ConcurrentSqlContract, NoUpdateIsLostAndNoReadSeesHalfATransaction) {
  ASSERT_TRUE(Execute("INSERT INTO items (id, amount) VALUES (?, ?), (?, ?)", {"a", 500, "b", 500}).ok());
  constexpr int kWriters = 3, kReaders = 3, kEach = 60;
  std::vector<std::thread> threads;
  for (int t = 0; t < kWriters; ++t) {
    threads.emplace_back([this] {
      for (int done = 0; done < kEach;) {
        const absl::Status status = db_->Transact([](Transaction& tx) -> absl::Status {
          REMATCH_ASSIGN_OR_RETURN(const auto rows, tx.Query("SELECT amount FROM items WHERE id = ? FOR UPDATE", {"a"}));
          REMATCH_RETURN_IF_ERROR(tx.Execute("UPDATE items SET amount = ? WHERE id = ?", {rows[0].Int(0) - 1, "a"}).status());
          return tx.Execute("UPDATE items SET amount = amount + 1 WHERE id = ?", {"b"}).status();
        });
        if (status.ok()) ++done;
        if (!status.ok() && FailureOf(status) != Failure::kRetry) FAIL() << status;
      }
    });
  }
  for (int t = 0; t < kReaders; ++t) {
    threads.emplace_back([this] {
      for (int i = 0; i < kEach; ++i) {
        const absl::Status status = db_->Read([](Transaction& tx) -> absl::Status {
          REMATCH_ASSIGN_OR_RETURN(const auto a, tx.Query("SELECT amount FROM items WHERE id = ?", {"a"}));
          REMATCH_ASSIGN_OR_RETURN(const auto b, tx.Query("SELECT amount FROM items WHERE id = ?", {"b"}));
          EXPECT_EQ(a[0].Int(0) + b[0].Int(0), 1000);
          return absl::OkStatus();
        });
        EXPECT_TRUE(status.ok()) << status;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(Query("SELECT amount FROM items WHERE id = ?", {"a"})[0].Int(0), 500 - kWriters * kEach);
}

}  // namespace rematch::sql

#endif  // REMATCH_TESTS_PLATFORM_SQL_CONTRACT_H_
