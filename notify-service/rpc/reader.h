// Single notifications: those that are asked for together are read together. A caller who may not read one gets the answer for what is not
// there: that a message exists is nobody else's business.
#ifndef REMATCH_NOTIFY_SERVICE_RPC_READER_H_
#define REMATCH_NOTIFY_SERVICE_RPC_READER_H_

#include <optional>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "notify-service/domain/request.h"
#include "platform/clock.h"
#include "platform/group_read.h"
#include "platform/rpc/call.h"
#include "platform/sql/database.h"
#include "rematch/notify/v1/resources.pb.h"

namespace rematch::notify {

bool MayRead(const rpc::Call& call, const v1::Notification& notification);

// Thread-safe.
class Reader {
 public:
  Reader(sql::Database& database, platform::Clock& clock, const GroupReadOptions& options = {})
      : together_(WithoutSnapshot(options), database, clock, &Reader::LookUp) {}

  // Never blocks, and nor may `then`, which is called once, on a reading thread or at once: with the notification and its content,
  // NOT_FOUND when there is none that this caller may read by `call.method`, or an error as of GroupRead::Submit().
  using Then = absl::AnyInvocable<void(absl::StatusOr<v1::Notification>)>;
  void Get(const rpc::Call& call, Key key, Then then);

  // With options.threads = 0: GroupRead::RunOnce().
  bool RunOnce() { return together_.RunOnce(); }

 private:
  struct Lookup {
    Key key;
    std::optional<v1::Notification> found = {};
  };
  static absl::Status LookUp(sql::Transaction& tx, absl::Span<Lookup* const> batch);

  GroupRead<Lookup> together_;
};

}  // namespace rematch::notify

#endif  // REMATCH_NOTIFY_SERVICE_RPC_READER_H_
