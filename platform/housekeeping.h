// Deletes what nobody needs any more, a little at a time, so that no table grows for ever: answers kept for repeated requests, and the rows
// of replicas that are long gone.
#ifndef REMATCH_PLATFORM_HOUSEKEEPING_H_
#define REMATCH_PLATFORM_HOUSEKEEPING_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/clock.h"
#include "platform/loop.h"
#include "platform/sql/database.h"

namespace rematch::platform {

// How long a request may be repeated and gets its first answer (F32), and how long a replica may be away before it is forgotten.
inline constexpr absl::Duration kKeep = absl::Hours(30 * 24);

// Thread-safe. Several replicas may do it at once.
class Housekeeping {
 public:
  // `work` are the tables whose rows are leased (platform/leases.h), none for a service without any. Needs the table `requests` of
  // platform/group_commit.h with an index on `created`, and `replicas` where there is leased work. `also`: what else a service has to
  // forget, a transaction each time.
  using Also = std::function<absl::Status(sql::Transaction& tx, absl::Time now)>;
  Housekeeping(sql::Database& database, Clock& clock, std::vector<std::string> work = {}, Also also = nullptr);

  // Deletes a bounded number of rows. Returns zero if there may be more, else how long nothing will be to do.
  absl::Duration Step();
  // Calls Step() on a thread of its own from now on.
  void Start();
  void Stop();

 private:
  // Whether there may be more.
  absl::StatusOr<bool> ForgetRequests(absl::Time before);
  absl::Status ForgetReplicas(absl::Time before);

  sql::Database& database_;
  Clock& clock_;
  const std::vector<std::string> work_;
  const Also also_;
  std::unique_ptr<Loop> loop_;
};

}  // namespace rematch::platform

#endif  // REMATCH_PLATFORM_HOUSEKEEPING_H_
