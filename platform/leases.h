// Who works on what, without electing anybody: rows of work carry their owner (a replica) and a fencing epoch.
//
// A replica shows that it lives by moving its beat in the table `replicas`; another one judges it dead when that beat stood
// still for the lease's length on the observer's own monotonic clock, so clocks that differ do no harm. Whoever claims a row raises
// its epoch; a write about the row that is made later checks owner and epoch in its own transaction, so a replica that slept
// through its lease writes nothing stale. An owner without a row in `replicas` (it took on work before its first beat, or was away for so
// long that it was forgotten) counts as dead once it has been seen to be without one for the lease's length.
//
// A table of work has the columns `id` (unique), `due` (microseconds), `owner` ('' when nobody's), `epoch`, and an index on (owner, due).
// Rows that a replica creates may start as its own (owner = itself, epoch = 1): then it goes to work after the commit, without polling.
//
//   CREATE TABLE replicas (replica VARCHAR(64) NOT NULL PRIMARY KEY, beat BIGINT NOT NULL, seen BIGINT NOT NULL);
#ifndef REMATCH_PLATFORM_LEASES_H_
#define REMATCH_PLATFORM_LEASES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "platform/clock.h"
#include "platform/sql/database.h"

namespace rematch::platform {

struct Claim {
  std::string id;
  int64_t epoch = 0;  // what the row's epoch is now that this replica owns it
};

// Thread-safe. Blocks.
class Leases {
 public:
  Leases(sql::Database& database, Clock& clock, std::string replica, absl::Duration lease);

  const std::string& replica() const { return replica_; }

  // Moves this replica's beat, then looks at the others' and at who owns rows of the tables that were claimed from. Call it every
  // lease / 4, and once before any work is made this replica's own.
  absl::Status Beat();
  // Makes up to `limit` rows of `table` this replica's that are due by `now` and nobody's or a dead replica's, the longest due first.
  // Rows that were already its own are not returned. `table` is a fixed word of the code.
  absl::StatusOr<std::vector<Claim>> ClaimDue(std::string_view table, absl::Time now, size_t limit);
  // When the next row of `table` that is nobody's falls due; InfiniteFuture when there is none.
  absl::StatusOr<absl::Time> NextDue(std::string_view table);

 private:
  struct Seen {
    int64_t beat = 0;      // kNoBeat for one that owns work and has no row
    absl::Duration since;  // monotonic time at which this beat was first seen
    absl::Duration still;  // how long it had stood still when it was last looked at
  };
  // The owners of rows of `table`, other than nobody and this replica.
  absl::StatusOr<std::vector<std::string>> Owners(sql::Transaction& tx, const std::string& table);
  // Each with the beat it was judged by.
  std::vector<std::pair<std::string, int64_t>> DeadReplicas();

  sql::Database& database_;
  Clock& clock_;
  const std::string replica_;
  const absl::Duration lease_;
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, Seen> seen_ ABSL_GUARDED_BY(mutex_);  // as of the last beat
  absl::btree_set<std::string> tables_ ABSL_GUARDED_BY(mutex_);          // that ClaimDue() was asked for
};

}  // namespace rematch::platform

#endif  // REMATCH_PLATFORM_LEASES_H_
