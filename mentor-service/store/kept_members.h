// The members of programs, kept in memory from one ranking to the next, and exact: a read gets what its transaction would find in the
// store, and a change, what was there a moment ago.
//
// Whoever writes mentors notes in `mentor_writes`, in the same transaction, how many times they have done so, and stamps the mentors with
// it (store.h). A read sees by one statement which writes there are, and reads the mentors of those that it does not know. Writers do not
// wait for one another: each has a row of their own. docs/adr/0012 has the rest.
#ifndef REMATCH_MENTOR_SERVICE_STORE_KEPT_MEMBERS_H_
#define REMATCH_MENTOR_SERVICE_STORE_KEPT_MEMBERS_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "mentor-service/domain/members.h"
#include "mentor-service/store/store.h"
#include "platform/sql/database.h"

namespace rematch::mentor::store {

// Thread-safe.
class KeptMembers {
 public:
  // Keeps up to `most` members of programs, those that were asked for last.
  explicit KeptMembers(size_t most = 50'000) : most_(most) {}

  // The members of these programs as `tx` sees them, which is of a Database::Read() whatever others have read since it began. `now`: by it
  // a store that was written by replicas of an earlier version is trusted once those are gone (BeginStamping()).
  absl::StatusOr<Pools> Read(sql::Transaction& tx, const std::string& consortium, const std::set<std::string>& programs, absl::Time now);
  // The same for a Database::Transact(), whose statements see what was committed until then: the members as they were at one instant since
  // it began. What must hold of one has to be looked at again under a lock of their row. Nothing if mentors are written so often that no
  // instant can be had, or if it is not known yet who wrote whom.
  absl::StatusOr<std::optional<Pools>> ReadLatest(sql::Transaction& tx, const std::string& consortium,
                                                  const std::set<std::string>& programs, absl::Time now);

 private:
  // Of one consortium, as it was when there were these writes.
  struct Kept {
    LastWrites writes;
    Pools programs;
  };
  using Pointer = std::shared_ptr<const Kept>;

  // What `before` is once it has the writes in `writes` and, at least, `programs`, which are put into `pools`. `before` itself if that was
  // so and nothing was read.
  static absl::StatusOr<Pointer> Take(sql::Transaction& tx, const std::string& consortium, const std::set<std::string>& programs,
                                      const LastWrites& writes, Pointer before, Pools& pools);
  // What `kept` is once it has just the writes in `writes`, which are those that `tx` sees.
  static absl::StatusOr<Pointer> BroughtTo(sql::Transaction& tx, const std::string& consortium, const LastWrites& writes, Pointer kept);
  // The latest that is no later than `writes`; null if there is none.
  Pointer Find(const std::string& consortium, const LastWrites& writes);
  // Unless it is older than what is kept. `programs` were asked for.
  void Keep(const std::string& consortium, Pointer kept, const std::set<std::string>& programs);
  void MakeRoom() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t most_;
  absl::Mutex mutex_;
  std::map<std::string, std::deque<Pointer>> kept_ ABSL_GUARDED_BY(mutex_);                // the latest last
  std::map<std::pair<std::string, std::string>, uint64_t> asked_ ABSL_GUARDED_BY(mutex_);  // by consortium and program: when, counted
  uint64_t asks_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace rematch::mentor::store

#endif  // REMATCH_MENTOR_SERVICE_STORE_KEPT_MEMBERS_H_
