// The production store: MySQL 8.0 or MariaDB 10.6+ through MySQL Connector/C++, alone or as the nodes of a Galera cluster.
//
// A pool has `pool` connections for changes (READ COMMITTED) and as many for reads (REPEATABLE READ, read only), opened when they are first
// needed. Its sessions wait one second for a lock of InnoDB, use UTC and strict mode, and are ended by the server after five idle seconds:
// a process that stands still in the middle of a transaction keeps its locks no longer than that.
//
// Hosts are tried in order, so all replicas use the same node as long as it serves; a node that cannot be written to (read-only, or not
// ready as a member of its cluster) is passed over. A connection to a later host gives way after half a minute, to see if an earlier one is
// back. With several hosts, transactions begin when their node has applied what was committed on the others (wsrep_sync_wait).
#ifndef REMATCH_PLATFORM_SQL_MYSQL_H_
#define REMATCH_PLATFORM_SQL_MYSQL_H_

#include <memory>

#include "absl/status/statusor.h"
#include "platform/sql/database.h"
#include "platform/sql/mysql_url.h"

namespace rematch::sql {

// Reads the password; connects to nothing yet. INVALID_ARGUMENT for a password file that cannot be read.
absl::StatusOr<std::unique_ptr<Database>> OpenMysql(const MysqlUrl& url);

}  // namespace rematch::sql

#endif  // REMATCH_PLATFORM_SQL_MYSQL_H_
