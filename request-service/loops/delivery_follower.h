// Follows the delivery feed of notify-service: what became of the messages of cases, and of letters to candidates.
#ifndef REMATCH_REQUEST_SERVICE_LOOPS_DELIVERY_FOLLOWER_H_
#define REMATCH_REQUEST_SERVICE_LOOPS_DELIVERY_FOLLOWER_H_

#include <vector>

#include "rematch/notify/v1/resources.pb.h"
#include "request-service/loops/feed_follower.h"
#include "request-service/loops/peers.h"

namespace rematch::request {

class DeliveryFollower final : public FeedFollower<notify::v1::Delivery> {
 public:
  DeliveryFollower(CaseDoor& door, WorkStore& work, NotifyPeer& notify, platform::Metrics& metrics)
      : FeedFollower("deliveries", door, work, metrics), notify_(notify) {}
  ~DeliveryFollower() override { StopFollowing(); }

 private:
  absl::Status Watch(int64_t after, bool follow, absl::FunctionRef<bool(const notify::v1::Delivery&)> each) override {
    return notify_.WatchDeliveries(after, follow, each);
  }
  void StopWatching() override { notify_.StopWatching(); }
  absl::StatusOr<std::vector<Reported>> CommandsOf(const std::vector<notify::v1::Delivery>& page) override;

  NotifyPeer& notify_;
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_LOOPS_DELIVERY_FOLLOWER_H_
