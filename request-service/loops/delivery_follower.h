// Follows the delivery feed of notify-service: what became of the messages of cases. The commands of a page are committed first and the
// cursor is moved after them, since one page may span several batches: a page that was broken off is read again, and the same report
// twice is one to the state machine.
#ifndef REMATCH_REQUEST_SERVICE_LOOPS_DELIVERY_FOLLOWER_H_
#define REMATCH_REQUEST_SERVICE_LOOPS_DELIVERY_FOLLOWER_H_

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "platform/clock.h"
#include "platform/metrics.h"
#include "rematch/notify/v1/resources.pb.h"
#include "request-service/loops/peers.h"
#include "request-service/store/case_command.h"
#include "request-service/store/work_store.h"

namespace rematch::request {

// Step() is called by one thread at a time.
class DeliveryFollower {
 public:
  DeliveryFollower(CaseDoor& door, WorkStore& work, NotifyPeer& notify, platform::Metrics& metrics)
      : door_(door), work_(work), notify_(notify), metrics_(metrics) {}
  ~DeliveryFollower() { StopFollowing(); }

  // Keeps a stream open on a thread of its own, which calls `wake` when something came. Without it every Step() asks for what is new.
  void Follow(std::function<void()> wake);
  // For good.
  void StopFollowing();

  // Applies what came, one page; returns for how long nothing is known to be left.
  absl::Duration Step();

 private:
  void Read(const std::function<void()>& wake);
  // Where the next watch begins.
  absl::StatusOr<int64_t> Position();

  CaseDoor& door_;
  WorkStore& work_;
  NotifyPeer& notify_;
  platform::Metrics& metrics_;
  std::thread reader_;
  // By Step() only: how often the delivery that stands in the way was refused, and up to which position those are left out that were.
  int64_t in_the_way_ = 0;
  int refusals_ = 0;
  int64_t set_aside_ = 0;

  absl::Mutex mutex_;
  bool following_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<notify::v1::Delivery> came_ ABSL_GUARDED_BY(mutex_);
  int64_t read_ ABSL_GUARDED_BY(mutex_) = -1;  // the last position that came; -1: as stored
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_LOOPS_DELIVERY_FOLLOWER_H_
