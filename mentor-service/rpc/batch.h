// The handler behind the one door for changes of the roster: loads what a batch needs, decides its commands one after another over it, and
// writes what changed.
#ifndef REMATCH_MENTOR_SERVICE_RPC_BATCH_H_
#define REMATCH_MENTOR_SERVICE_RPC_BATCH_H_

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "mentor-service/domain/commands.h"
#include "mentor-service/store/kept_members.h"
#include "mentor-service/store/store.h"
#include "platform/clock.h"
#include "platform/group_commit.h"
#include "platform/ids.h"
#include "platform/rpc/call.h"
#include "platform/sql/database.h"
#include "rematch/mentor/v1/service.pb.h"

namespace rematch::mentor {

struct Command {
  rpc::Caller caller;
  std::string method;  // full name, for the table of access
  std::string consortium;
  Action action;

  // What is loaded for an import is not enough for other commands, and of no use once it is refused.
  bool StandsAlone() const { return std::holds_alternative<ImportRoster>(action); }
};

// Stamps for what the threads of this process write. Each thread is a writer of its own, and a thread's transactions run one after the
// other, so a writer's numbers commit in their order, and writers do not wait for one another. Thread-safe.
class Stamps {
 public:
  explicit Stamps(platform::IdSource& ids) : ids_(ids) {}
  // For one attempt at a transaction of the calling thread.
  store::Stamp Next();

 private:
  platform::IdSource& ids_;
  absl::Mutex mutex_;
  std::map<std::thread::id, store::Stamp> last_ ABSL_GUARDED_BY(mutex_);
};

// Whose next batch locks all members of its pools, since one of the same commands lacked some. Should it be another batch, as when the
// first was given up, that costs no more than locks. Thread-safe.
class Everybody {
 public:
  // The next one of the calling thread does.
  void Want();
  bool Take();

 private:
  absl::Mutex mutex_;
  std::set<std::thread::id> wanted_ ABSL_GUARDED_BY(mutex_);
};

// Replies are the serialized responses of the RPCs. Thread-safe.
class BatchHandler {
 public:
  // `published` is called after every commit that added to the roster's feed, on the committing thread: must not block.
  BatchHandler(
      store::KeptMembers& members, platform::Clock& clock, platform::IdSource& ids, std::function<void()> published = [] {})
      : members_(members), clock_(clock), ids_(ids), stamps_(ids), published_(std::move(published)) {}
  absl::StatusOr<BatchResult> Run(sql::Transaction& tx, absl::Span<Command* const> batch);

 private:
  store::KeptMembers& members_;
  platform::Clock& clock_;
  platform::IdSource& ids_;
  Stamps stamps_;
  Everybody everybody_;
  const std::function<void()> published_;
};

using Door = GroupCommit<Command>;

// An import with bad rows changes nothing, so it must be a refusal for the door: its answer travels in the status.
absl::Status ImportRefused(const v1::ImportRosterResponse& answer);
std::optional<v1::ImportRosterResponse> AnswerOfRefusedImport(const absl::Status& status);

}  // namespace rematch::mentor

#endif  // REMATCH_MENTOR_SERVICE_RPC_BATCH_H_
