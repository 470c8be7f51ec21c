// Numbered migrations, embedded in the binary (`migrations/0001_name.sql`), applied once each, in order.
#ifndef REMATCH_PLATFORM_SQL_MIGRATIONS_H_
#define REMATCH_PLATFORM_SQL_MIGRATIONS_H_

#include <memory>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/clock.h"
#include "platform/embedded.h"
#include "platform/sql/database.h"

namespace rematch::sql {

// Brings the schema up to the last of `migrations`, statement by statement: what was done is noted in the row of `schema_lease` that only
// one process at a time may hold, so that replicas that start at once do it once, and whoever comes after one that died goes on where it
// stood. Statements that change no schema are run together with their note in one transaction, which may take no longer than any other (5 s
// on MySQL): a migration that writes many rows does so in several steps.
class Migrator {
 public:
  Migrator(Database& database, std::span<const platform::EmbeddedFile> migrations, platform::Clock& clock);
  ~Migrator();

  // Call it again after UNAVAILABLE: the store is away, CheckSchema() finds it altered, or another process was still at it after
  // `patience`. One that has died is found out in ten seconds of calls. FAILED_PRECONDITION when the store has a migration that is unknown
  // here (a newer binary made it) or whose content differs from what was applied; it names the migration and changes nothing.
  absl::Status Run(absl::Duration patience = absl::InfiniteDuration());

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// At once, however long it takes.
absl::Status Migrate(Database& database, std::span<const platform::EmbeddedFile> migrations, platform::Clock& clock);

// Whether all columns that the migrations made are still there. Else kUnavailable, with a detail that names the first that is not: somebody
// altered the schema by hand, and may put it right.
absl::Status CheckSchema(Database& database);

// Whether the store can be written to, which a full disk or a read-only server does not allow, and CheckSchema() finds nothing.
absl::Status CheckStore(Database& database);

// Runs the statements of `script` in order: each that changes the schema by itself, those between them in one transaction. For tests and
// tools.
absl::Status RunScript(Database& database, std::string_view script);

}  // namespace rematch::sql

#endif  // REMATCH_PLATFORM_SQL_MIGRATIONS_H_
