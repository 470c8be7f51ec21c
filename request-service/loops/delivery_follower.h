// Follows the delivery feed of notify-service: what became of the messages of cases.
#ifndef REMATCH_REQUEST_SERVICE_LOOPS_DELIVERY_FOLLOWER_H_
#define REMATCH_REQUEST_SERVICE_LOOPS_DELIVERY_FOLLOWER_H_

#include <optional>
#include <vector>

#include "rematch/notify/v1/resources.pb.h"
#include "request-service/loops/feed_follower.h"
#include "request-service/loops/peers.h"
#include "request-service/loops/task_terms.h"

namespace rematch::request {

class DeliveryFollower final : public FeedFollower<notify::v1::Delivery> {
 public:
  DeliveryFollower(CaseDoor& door, WorkStore& work, NotifyPeer& notify, TermsFinder& terms, platform::Metrics& metrics)
      : FeedFollower("deliveries", door, work, metrics), notify_(notify), terms_(terms) {}
  ~DeliveryFollower() override { StopFollowing(); }

 private:
  absl::Status Watch(int64_t after, bool follow, absl::FunctionRef<bool(const notify::v1::Delivery&)> each) override {
    return notify_.WatchDeliveries(after, follow, each);
  }
  void StopWatching() override { notify_.StopWatching(); }
  absl::StatusOr<std::vector<Reported>> CommandsOf(const std::vector<notify::v1::Delivery>& page) override;

  // Of a letter that could not be delivered; nothing for other letters.
  absl::StatusOr<std::optional<CaseCommand>> OfLetter(const notify::v1::Delivery& delivery);

  NotifyPeer& notify_;
  TermsFinder& terms_;
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_LOOPS_DELIVERY_FOLLOWER_H_
