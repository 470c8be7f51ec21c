#include "platform/sql/migrations.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "platform/errors.h"
#include "platform/ids.h"
#include "platform/sql/reasons.h"
#include "platform/strings.h"

namespace rematch::sql {

namespace {

constexpr std::string_view kTable =
    "CREATE TABLE IF NOT EXISTS schema_migrations (number BIGINT NOT NULL PRIMARY KEY, name VARCHAR(128) NOT NULL,"
    " checksum VARCHAR(64) NOT NULL, applied BIGINT NOT NULL);";

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

}  // namespace

absl::Status Migrate(Database& database, std::span<const platform::EmbeddedFile> files, platform::Clock& clock) {
  REMATCH_ASSIGN_OR_RETURN(const std::vector<Migration> migrations, Parse(files));
  REMATCH_RETURN_IF_ERROR(database.RunScript(kTable));
  std::vector<Row> rows;
  REMATCH_RETURN_IF_ERROR(database.Read([&rows](Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(rows, tx.Query("SELECT number, name, checksum FROM schema_migrations ORDER BY number"));
    return absl::OkStatus();
  }));
  REMATCH_ASSIGN_OR_RETURN(const size_t applied, Applied(migrations, rows));
  for (size_t i = applied; i < migrations.size(); ++i) {
    const Migration& migration = migrations[i];
    const std::string record = absl::StrCat("INSERT INTO schema_migrations (number, name, checksum, applied) VALUES (", migration.number,
                                            ", '", ToAbsl(migration.name), "', '", migration.checksum, "', ", ToMicros(clock.Now()), ");");
    const absl::Status status = database.RunScript(absl::StrCat(ToAbsl(migration.script), "\n;\n", record));
    if (!status.ok()) return StoreError(FailureOf(status), absl::StrCat("migration ", ToAbsl(migration.name), ": ", DetailOf(status)));
  }
  return absl::OkStatus();
}

}  // namespace rematch::sql
