// What the errors of MySQL and MariaDB mean for whoever ran a transaction. The numbers are those of the MySQL 8.0 error reference and of
// MariaDB's own list (from 1900 on).
#ifndef REMATCH_PLATFORM_SQL_MYSQL_ERROR_H_
#define REMATCH_PLATFORM_SQL_MYSQL_ERROR_H_

#include <string>
#include <string_view>

#include "platform/sql/database.h"

namespace rematch::sql {

// What was being done when the error came.
enum class MysqlPhase { kConnecting, kStatement, kCommit };

Failure ClassifyMysqlError(int number, MysqlPhase phase);

// Whether the connection can be used no more, be it that it broke or that its server is not one to stay with: read-only, out of room,
// without rights. Another one may lead to a server that serves.
bool IsConnectionUseless(int number, MysqlPhase phase);

// Whether a statement that changes the schema failed because it had been run before.
bool IsDoneAlready(int number);

// "mysql error 1062 for key 'PRIMARY'": the number, and of the server's `message` only what cannot hold a value (F23).
std::string DescribeMysqlError(int number, std::string_view message);

}  // namespace rematch::sql

#endif  // REMATCH_PLATFORM_SQL_MYSQL_ERROR_H_
