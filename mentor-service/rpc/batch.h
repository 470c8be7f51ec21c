// The handler behind the one door for changes of the roster: loads what a batch needs, decides its commands one after another over it, and
// writes what changed.
#ifndef REMATCH_MENTOR_SERVICE_RPC_BATCH_H_
#define REMATCH_MENTOR_SERVICE_RPC_BATCH_H_

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "mentor-service/domain/commands.h"
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
};

// Replies are the serialized responses of the RPCs. Thread-safe.
class BatchHandler {
 public:
  // `published` is called after every commit that added to the roster's feed, on the committing thread: must not block.
  BatchHandler(
      platform::Clock& clock, platform::IdSource& ids, std::function<void()> published = [] {})
      : clock_(clock), ids_(ids), published_(std::move(published)) {}
  absl::StatusOr<BatchResult> Run(sql::Transaction& tx, absl::Span<Command* const> batch);

 private:
  platform::Clock& clock_;
  platform::IdSource& ids_;
  const std::function<void()> published_;
};

using Door = GroupCommit<Command>;

// An import with bad rows changes nothing, so it must be a refusal for the door: its answer travels in the status.
absl::Status ImportRefused(const v1::ImportRosterResponse& answer);
std::optional<v1::ImportRosterResponse> AnswerOfRefusedImport(const absl::Status& status);

}  // namespace rematch::mentor

#endif  // REMATCH_MENTOR_SERVICE_RPC_BATCH_H_
