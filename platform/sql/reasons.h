// Reasons of the errors that opening a store or bringing its schema up may give. Those of statements are in platform/errors.h.
#ifndef REMATCH_PLATFORM_SQL_REASONS_H_
#define REMATCH_PLATFORM_SQL_REASONS_H_

#include <string_view>

namespace rematch::reason {

inline constexpr std::string_view kDatabaseUrlInvalid = "DATABASE_URL_INVALID";  // INVALID_ARGUMENT
inline constexpr std::string_view kDatabaseInUse = "DATABASE_IN_USE";            // FAILED_PRECONDITION: by another process
inline constexpr std::string_view kDatabaseUnwritable = "DATABASE_UNWRITABLE";   // FAILED_PRECONDITION
inline constexpr std::string_view kDatabaseUnreadable = "DATABASE_UNREADABLE";   // FAILED_PRECONDITION: no database, or a damaged one
inline constexpr std::string_view kMigrationInvalid = "MIGRATION_INVALID";       // INTERNAL: a name or an order that cannot be
inline constexpr std::string_view kSchemaMismatch = "SCHEMA_MISMATCH";           // FAILED_PRECONDITION: not the schema this binary knows

}  // namespace rematch::reason

#endif  // REMATCH_PLATFORM_SQL_REASONS_H_
