// Goes over the held seats of mentor-service and gives back those whose offer is over or unknown, as after a restored backup. In a healthy
// suite it finds none: what is on its way is left alone, since only a seat that was found twice, in two rounds, is given back.
#ifndef REMATCH_REQUEST_SERVICE_LOOPS_SEAT_RECONCILER_H_
#define REMATCH_REQUEST_SERVICE_LOOPS_SEAT_RECONCILER_H_

#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/metrics.h"
#include "rematch/mentor/v1/resources.pb.h"
#include "request-service/loops/peers.h"
#include "request-service/store/case_reader.h"

namespace rematch::request {

// Step() is called by one thread at a time.
class SeatReconciler {
 public:
  // A round every `interval`, by the monotonic clock.
  SeatReconciler(absl::Duration interval, CaseReader& reader, MentorPeer& mentor, platform::Clock& clock, platform::Metrics& metrics)
      : interval_(interval), reader_(reader), mentor_(mentor), clock_(clock), metrics_(metrics) {}

  // Does a round if one is due; returns the time to the next.
  absl::Duration Step();
  // One round, now.
  absl::Status Round();

 private:
  absl::StatusOr<bool> IsNeeded(const std::string& consortium, const mentor::v1::Seat& seat);

  const absl::Duration interval_;
  CaseReader& reader_;
  MentorPeer& mentor_;
  platform::Clock& clock_;
  platform::Metrics& metrics_;
  absl::Duration next_ = absl::ZeroDuration();  // monotonic
  bool begun_ = false;
  absl::flat_hash_set<std::string> suspects_;  // names of seats that the last round found not needed
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_LOOPS_SEAT_RECONCILER_H_
