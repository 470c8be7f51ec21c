#include "platform/sql/migrations.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "platform/errors.h"
#include "platform/ids.h"
#include "platform/loop.h"
#include "platform/sql/reasons.h"
#include "platform/sql/translate.h"
#include "platform/strings.h"

namespace rematch::sql {

namespace {

// How long the beat of whoever is migrating must stand still, on the observer's monotonic clock, before another one goes on in its place.
constexpr absl::Duration kLease = absl::Seconds(10);
constexpr absl::Duration kBeat = absl::Seconds(1);
constexpr absl::Duration kLook = absl::Milliseconds(50);

constexpr std::string_view kAppliedTable =
    "CREATE TABLE IF NOT EXISTS schema_migrations (number BIGINT NOT NULL PRIMARY KEY, name VARCHAR(128) NOT NULL,"
    " checksum VARCHAR(64) NOT NULL, applied BIGINT NOT NULL)";
// One row. `owner` is who is migrating, or ''; `number`, `checksum` and `steps` tell how much of which migration is done; `columns_made`
// are the columns that there were after the last one, a line each.
constexpr std::string_view kLeaseTable =
    "CREATE TABLE IF NOT EXISTS schema_lease (id BIGINT NOT NULL PRIMARY KEY, owner VARCHAR(64) NOT NULL, epoch BIGINT NOT NULL,"
    " beat BIGINT NOT NULL, number BIGINT NOT NULL, checksum VARCHAR(64) NOT NULL, steps BIGINT NOT NULL, columns_made LONGBLOB NOT NULL)";

struct Migration {
  int64_t number = 0;
  std::string_view name;
  std::string_view script;
  std::string checksum;
};

// The number before the first '_'. A name is written into a statement as it is, so it holds nothing that could end a literal.
absl::StatusOr<std::vector<Migration>> Parse(std::span<const platform::EmbeddedFile> files) {
  std::vector<Migration> migrations;
  for (const platform::EmbeddedFile& file : files) {
    Migration migration{.name = file.name, .script = file.content, .checksum = absl::BytesToHexString(platform::Sha256(file.content))};
    bool plain = file.name.ends_with(".sql") && file.name.size() <= 128;
    for (const char c : file.name) plain = plain && (absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '-');
    if (!plain || !absl::SimpleAtoi(ToAbsl(file.name.substr(0, file.name.find('_'))), &migration.number) || migration.number <= 0 ||
        (!migrations.empty() && migration.number <= migrations.back().number)) {
      return Error(
          absl::StatusCode::kInternal, reason::kMigrationInvalid,
          absl::StrCat("the migration ", ToAbsl(file.name), " is not named like 0001_name.sql, or not in the order of its number"));
    }
    migrations.push_back(std::move(migration));
  }
  return migrations;
}

absl::Status Mismatch(std::string_view name, std::string_view what) {
  return Error(absl::StatusCode::kFailedPrecondition, reason::kSchemaMismatch,
               absl::StrCat("the migration ", ToAbsl(name), " ", ToAbsl(what)));
}

// How many of `migrations` the store has already: they must be its first ones, unchanged.
absl::StatusOr<size_t> Applied(const std::vector<Migration>& migrations, const std::vector<Row>& rows) {
  for (size_t i = 0; i < rows.size(); ++i) {
    const int64_t number = rows[i].Int(0);
    if (i == migrations.size() || number < migrations[i].number) {
      return Mismatch(rows[i].Text(1), "of the store is unknown here: a newer version of this program made it");
    }
    if (number > migrations[i].number) return Mismatch(migrations[i].name, "comes before one that the store already has");
    if (rows[i].Text(2) != migrations[i].checksum) return Mismatch(migrations[i].name, "differs from what the store was made with");
  }
  return rows.size();
}

// What is run at once: one statement that changes the schema, or a few that do not.
std::vector<std::vector<std::string>> Steps(std::string_view script) {
  std::vector<std::vector<std::string>> steps;
  bool joins = false;
  for (std::string& statement : SplitScript(script)) {
    const bool ddl = IsDdl(statement);
    if (ddl || !joins) steps.emplace_back();
    steps.back().push_back(std::move(statement));
    joins = !ddl;
  }
  return steps;
}

absl::Status RunAll(Transaction& tx, const std::vector<std::string>& statements) {
  for (const std::string& statement : statements) REMATCH_RETURN_IF_ERROR(tx.Execute(statement).status());
  return absl::OkStatus();
}

// "table.column type", sorted.
absl::StatusOr<std::vector<std::string>> Columns(Database& database) {
  std::vector<std::string> columns;
  REMATCH_RETURN_IF_ERROR(database.Read([&](Transaction& tx) -> absl::Status {
    columns.clear();
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows, tx.Query(database.columns_query()));
    for (const Row& row : rows) {
      std::string_view type = row.Text(2);
      // MariaDB adds the width of its display, which means nothing and which MySQL has given up.
      if (type.starts_with("bigint")) type = "bigint";
      columns.push_back(absl::StrCat(row.Text(0), ".", row.Text(1), " ", ToAbsl(type)));
    }
    return absl::OkStatus();
  }));
  std::sort(columns.begin(), columns.end());
  return columns;
}

bool HasTable(const std::vector<std::string>& columns, std::string_view table) {
  const auto at = std::lower_bound(columns.begin(), columns.end(), std::string(table) + ".");
  return at != columns.end() && at->starts_with(std::string(table) + ".");
}

}  // namespace

class Migrator::Impl {
 public:
  Impl(Database& database, std::span<const platform::EmbeddedFile> files, platform::Clock& clock)
      : database_(database), migrations_(Parse(files)), clock_(clock), owner_(platform::IdSource(clock, random_).Next()) {}

  absl::Status Run(absl::Duration patience) {
    REMATCH_RETURN_IF_ERROR(migrations_.status());
    REMATCH_RETURN_IF_ERROR(MakeTables());
    const absl::Duration begin = clock_.Monotonic();
    for (;;) {
      REMATCH_ASSIGN_OR_RETURN(const size_t applied, ReadApplied());
      if (applied == migrations_->size()) return CheckSchema(database_);
      REMATCH_ASSIGN_OR_RETURN(const bool mine, TakeLease());
      // Another one has it, or has just done the last of it.
      if (!mine) {
        if (clock_.Monotonic() - begin >= patience) return StoreError(Failure::kUnavailable, "another process is migrating the schema");
        absl::SleepFor(kLook);
        continue;
      }
      const absl::Status status = Apply();
      if (absl::IsAborted(status)) continue;  // the lease went to another one, who goes on
      REMATCH_RETURN_IF_ERROR(status);
    }
  }

 private:
  // Nothing is made where all is there: whoever only serves needs no right to do so.
  absl::Status MakeTables() {
    REMATCH_ASSIGN_OR_RETURN(const std::vector<std::string> columns, Columns(database_));
    if (!HasTable(columns, "schema_migrations")) REMATCH_RETURN_IF_ERROR(database_.RunDdl(kAppliedTable));
    if (!HasTable(columns, "schema_lease")) REMATCH_RETURN_IF_ERROR(database_.RunDdl(kLeaseTable));
    return TransactAgain(database_, [](Transaction& tx) {
      return tx
          .Execute(
              "INSERT IGNORE INTO schema_lease (id, owner, epoch, beat, number, checksum, steps, columns_made)"
              " VALUES (1, '', 0, 0, 0, '', 0, '')")
          .status();
    });
  }

  absl::StatusOr<size_t> ReadApplied() {
    std::vector<Row> rows;
    REMATCH_RETURN_IF_ERROR(database_.Read([&rows](Transaction& tx) -> absl::Status {
      REMATCH_ASSIGN_OR_RETURN(rows, tx.Query("SELECT number, name, checksum FROM schema_migrations ORDER BY number"));
      return absl::OkStatus();
    }));
    return Applied(*migrations_, rows);
  }

  // Only while something is left to do: whoever has it gives it up with the last of it.
  absl::StatusOr<bool> TakeLease() {
    bool mine = false;
    REMATCH_RETURN_IF_ERROR(TransactAgain(database_, [&](Transaction& tx) -> absl::Status {
      mine = false;
      REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                               tx.Query("SELECT owner, epoch, beat FROM schema_lease WHERE id = 1 FOR UPDATE"));
      if (rows.empty()) return absl::OkStatus();
      REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> applied, tx.Query("SELECT COUNT(*) FROM schema_migrations"));
      if (applied[0].Int(0) >= static_cast<int64_t>(migrations_->size())) return absl::OkStatus();
      const std::pair<int64_t, int64_t> beat = {rows[0].Int(1), rows[0].Int(2)};
      const bool free = rows[0].Text(0).empty() || rows[0].Text(0) == owner_;
      if (!free && beat != seen_) {
        seen_ = beat;
        seen_at_ = clock_.Monotonic();
      }
      if (!free && clock_.Monotonic() - seen_at_ < kLease) return absl::OkStatus();
      mine = true;
      epoch_ = rows[0].Int(1) + 1;
      return tx.Execute("UPDATE schema_lease SET owner = ?, epoch = ?, beat = beat + 1 WHERE id = 1", {owner_, epoch_}).status();
    }));
    return mine;
  }

  absl::Status Apply() {
    const platform::Loop beat(
        "migrating", [this] { return Beat(); }, kBeat);
    for (;;) {
      // Anew each time: while the lease was waited for, its holder may have done some.
      REMATCH_ASSIGN_OR_RETURN(const size_t applied, ReadApplied());
      if (applied == migrations_->size()) return absl::OkStatus();
      const Migration& migration = (*migrations_)[applied];
      const absl::Status status = ApplyOne(migration);
      if (FailureOf(status) != Failure::kNone) {
        return StoreError(FailureOf(status), absl::StrCat("migration ", ToAbsl(migration.name), ": ", DetailOf(status)));
      }
      REMATCH_RETURN_IF_ERROR(status);
    }
  }

  absl::Duration Beat() {
    // One that is missed matters to nobody.
    database_
        .Transact([this](Transaction& tx) {
          return tx.Execute("UPDATE schema_lease SET beat = beat + 1 WHERE id = 1 AND epoch = ?", {epoch_}).status();
        })
        .IgnoreError();
    return kBeat;
  }

  struct Progress {
    bool begun = false;
    size_t steps = 0;  // that are done
  };
  // Fails with ABORTED if the lease is another one's by now.
  absl::StatusOr<Progress> Guard(Transaction& tx, const Migration& migration) {
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                             tx.Query("SELECT epoch, number, checksum, steps FROM schema_lease WHERE id = 1 FOR UPDATE"));
    if (rows.empty() || rows[0].Int(0) != epoch_) return absl::AbortedError("the lease was lost");
    if (rows[0].Int(1) != migration.number || rows[0].Text(2) != migration.checksum) return Progress{};
    return Progress{.begun = true, .steps = static_cast<size_t>(rows[0].Int(3))};
  }

  absl::Status ApplyOne(const Migration& migration) {
    const std::vector<std::vector<std::string>> steps = Steps(migration.script);
    Progress progress;
    REMATCH_RETURN_IF_ERROR(TransactAgain(database_, [&](Transaction& tx) -> absl::Status {
      REMATCH_ASSIGN_OR_RETURN(progress, Guard(tx, migration));
      return progress.begun ? absl::OkStatus() : Note(tx, migration, 0);
    }));
    // Whoever began may have done one step more than was noted.
    bool may_be_done = progress.begun;
    for (size_t i = progress.steps; i <= steps.size(); ++i) {
      const bool last = i == steps.size();
      const bool ddl = !last && IsDdl(steps[i].front());
      if (ddl) {
        absl::Status status = database_.RunDdl(steps[i].front());
        if (FailureOf(status) == Failure::kRetry) {
          may_be_done = true;
          status = database_.RunDdl(steps[i].front());
        }
        if (absl::IsAlreadyExists(status) && !may_be_done) {
          // Whoever took the lease while this one stood still did it; else it is a mistake of the migration.
          REMATCH_RETURN_IF_ERROR(TransactAgain(database_, [&](Transaction& tx) { return Guard(tx, migration).status(); }));
          return status;
        }
        if (!status.ok() && !absl::IsAlreadyExists(status)) return status;
      }
      may_be_done = false;
      std::vector<std::string> columns;
      if (last) {
        REMATCH_ASSIGN_OR_RETURN(columns, Columns(database_));
      }
      REMATCH_RETURN_IF_ERROR(TransactAgain(database_, [&](Transaction& tx) -> absl::Status {
        REMATCH_RETURN_IF_ERROR(Guard(tx, migration).status());
        if (last) {
          REMATCH_RETURN_IF_ERROR(tx.Execute("INSERT INTO schema_migrations (number, name, checksum, applied) VALUES (?, ?, ?, ?)",
                                             {migration.number, std::string(migration.name), migration.checksum, ToMicros(clock_.Now())})
                                      .status());
          return tx
              .Execute("UPDATE schema_lease SET owner = ?, columns_made = ? WHERE id = 1",
                       {migration.number == migrations_->back().number ? "" : owner_, Bytes{absl::StrJoin(columns, "\n")}})
              .status();
        }
        if (!ddl) REMATCH_RETURN_IF_ERROR(RunAll(tx, steps[i]));
        return Note(tx, migration, i + 1);
      }));
    }
    return absl::OkStatus();
  }

  static absl::Status Note(Transaction& tx, const Migration& migration, size_t steps) {
    return tx
        .Execute("UPDATE schema_lease SET number = ?, checksum = ?, steps = ? WHERE id = 1",
                 {migration.number, migration.checksum, static_cast<int64_t>(steps)})
        .status();
  }

  Database& database_;
  const absl::StatusOr<std::vector<Migration>> migrations_;
  platform::Clock& clock_;
  platform::SecureRandom random_;
  const std::string owner_;
  int64_t epoch_ = 0;
  std::pair<int64_t, int64_t> seen_;  // the last epoch and beat of another one
  absl::Duration seen_at_;            // monotonic
};

Migrator::Migrator(Database& database, std::span<const platform::EmbeddedFile> files, platform::Clock& clock)
    : impl_(std::make_unique<Impl>(database, files, clock)) {}
Migrator::~Migrator() = default;

absl::Status Migrator::Run(absl::Duration patience) { return impl_->Run(patience); }

absl::Status Migrate(Database& database, std::span<const platform::EmbeddedFile> files, platform::Clock& clock) {
  return Migrator(database, files, clock).Run();
}

absl::Status CheckSchema(Database& database) {
  REMATCH_ASSIGN_OR_RETURN(const std::vector<std::string> there, Columns(database));
  std::vector<std::string> made;
  REMATCH_RETURN_IF_ERROR(database.Read([&made](Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows, tx.Query("SELECT columns_made FROM schema_lease WHERE id = 1"));
    made.clear();
    if (!rows.empty() && !rows[0].Text(0).empty()) made = absl::StrSplit(rows[0].Text(0), '\n');
    return absl::OkStatus();
  }));
  for (const std::string& column : made) {
    if (!std::binary_search(there.begin(), there.end(), column)) {
      return StoreError(Failure::kUnavailable, absl::StrCat("the schema was altered: ", column, " is not there any more"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckStore(Database& database) {
  // A change to a row that matters to nobody while nobody migrates.
  REMATCH_RETURN_IF_ERROR(TransactAgain(database, [](Transaction& tx) {
    return tx.Execute("UPDATE schema_lease SET beat = beat + 1 WHERE id = 1 AND owner = ''").status();
  }));
  return CheckSchema(database);
}

absl::Status RunScript(Database& database, std::string_view script) {
  for (const std::vector<std::string>& step : Steps(script)) {
    if (IsDdl(step.front())) {
      REMATCH_RETURN_IF_ERROR(database.RunDdl(step.front()));
    } else {
      REMATCH_RETURN_IF_ERROR(database.Transact([&step](Transaction& tx) { return RunAll(tx, step); }));
    }
  }
  return absl::OkStatus();
}

}  // namespace rematch::sql
