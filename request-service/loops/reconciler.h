// Compares what mentor-service says with what is known here, and settles what differs: held seats whose offer is over or unknown, as after
// a restored backup, are given back; a case whose candidate left, or has another mentor of record than it knows, or whose program has
// another calendar, is told; a candidate's task that is done is ended. In a healthy suite it finds next to nothing: what is on its way is
// left alone, since only what was found twice, in two rounds, is settled.
#ifndef REMATCH_REQUEST_SERVICE_LOOPS_RECONCILER_H_
#define REMATCH_REQUEST_SERVICE_LOOPS_RECONCILER_H_

#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/metrics.h"
#include "rematch/mentor/v1/resources.pb.h"
#include "request-service/loops/peers.h"
#include "request-service/store/calendar_store.h"
#include "request-service/store/case_command.h"
#include "request-service/store/case_reader.h"

namespace rematch::request {

// Step() is called by one thread at a time.
class Reconciler {
 public:
  // A round every `interval`, by the monotonic clock.
  Reconciler(absl::Duration interval, CaseDoor& door, CaseReader& reader, CalendarStore& calendars, MentorPeer& mentor,
             platform::Clock& clock, platform::Metrics& metrics)
      : interval_(interval), door_(door), reader_(reader), calendars_(calendars), mentor_(mentor), clock_(clock), metrics_(metrics) {}

  // Does a round if one is due; returns the time to the next.
  absl::Duration Step();
  // One round, now.
  absl::Status Round();

 private:
  absl::Status GoOverSeats();
  absl::StatusOr<bool> IsNeeded(const std::string& consortium, const mentor::v1::Seat& seat);
  // The feed of the roster reports each change once; a case that was being opened just then is in no store yet.
  absl::Status GoOverCandidates();
  // What is to be told of the candidate, if anything: to their open case, or to their task.
  absl::StatusOr<std::optional<CaseCommand>> NewsFor(const OpenCase& open, const mentor::v1::Candidate& candidate,
                                                     const mentor::v1::Program* program);

  const absl::Duration interval_;
  CaseDoor& door_;
  CaseReader& reader_;
  CalendarStore& calendars_;
  MentorPeer& mentor_;
  platform::Clock& clock_;
  platform::Metrics& metrics_;
  absl::Duration next_ = absl::ZeroDuration();  // monotonic
  bool begun_ = false;
  absl::flat_hash_set<std::string> suspects_;             // names of seats that the last round found not needed
  absl::flat_hash_map<std::string, std::string> untold_;  // by candidates' names: what the last round found that is not known of them
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_LOOPS_RECONCILER_H_
