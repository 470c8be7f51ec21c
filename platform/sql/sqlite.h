// The embedded store. A file has one connection that writes (BEGIN IMMEDIATE: more writers, or deferred ones, only make each other
// wait or fail) and a few that read snapshots beside it; a database in memory has one connection for both.
#ifndef REMATCH_PLATFORM_SQL_SQLITE_H_
#define REMATCH_PLATFORM_SQL_SQLITE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "platform/sql/database.h"

namespace rematch::sql {

// FAILED_PRECONDITION when the file is in use by another process, cannot be written, or is no database.
absl::StatusOr<std::unique_ptr<Database>> OpenSqliteFile(const std::string& path, const OpenOptions& options);
absl::StatusOr<std::unique_ptr<Database>> OpenSqliteMemory();

}  // namespace rematch::sql

#endif  // REMATCH_PLATFORM_SQL_SQLITE_H_
