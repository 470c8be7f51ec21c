// Numbered migrations, embedded in the binary (`migrations/0001_name.sql`), applied once each, in order.
#ifndef REMATCH_PLATFORM_SQL_MIGRATIONS_H_
#define REMATCH_PLATFORM_SQL_MIGRATIONS_H_

#include <span>

#include "absl/status/status.h"
#include "platform/clock.h"
#include "platform/embedded.h"
#include "platform/sql/database.h"

namespace rematch::sql {

// Brings the schema up to the last of `migrations`. FAILED_PRECONDITION when the store has a migration that is unknown here
// (a newer binary made it) or whose content differs from what was applied; it names the migration and changes nothing.
absl::Status Migrate(Database& database, std::span<const platform::EmbeddedFile> migrations, platform::Clock& clock);

}  // namespace rematch::sql

#endif  // REMATCH_PLATFORM_SQL_MIGRATIONS_H_
