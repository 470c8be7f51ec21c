// The peers as request-service uses them: exactly the calls it makes, as values. Tests and the simulator put fakes here.
#ifndef REMATCH_REQUEST_SERVICE_LOOPS_PEERS_H_
#define REMATCH_REQUEST_SERVICE_LOOPS_PEERS_H_

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rematch/mentor/v1/resources.pb.h"
#include "rematch/mentor/v1/service.pb.h"
#include "rematch/notify/v1/resources.pb.h"
#include "rematch/notify/v1/service.pb.h"

namespace rematch::request {

// Statuses are those of the peer, with the reason of their ErrorInfo. Thread-safe; calls block, bounded in time.
class MentorPeer {
 public:
  virtual ~MentorPeer() = default;
  virtual absl::StatusOr<mentor::v1::Candidate> GetCandidate(const std::string& name) = 0;
  virtual absl::StatusOr<mentor::v1::Mentor> GetMentor(const std::string& name) = 0;
  virtual absl::StatusOr<mentor::v1::Program> GetProgram(const std::string& name) = 0;
  virtual absl::StatusOr<mentor::v1::Site> GetSite(const std::string& name) = 0;
  virtual absl::StatusOr<mentor::v1::District> GetDistrict(const std::string& name) = 0;
  // All of a program who are enrolled.
  virtual absl::StatusOr<std::vector<mentor::v1::Candidate>> ListCandidates(const std::string& program) = 0;
  virtual absl::StatusOr<mentor::v1::DescribeCandidatesResponse> DescribeCandidates(
      const mentor::v1::DescribeCandidatesRequest& request) = 0;
  virtual absl::StatusOr<mentor::v1::FindEligibleMentorsResponse> FindEligibleMentors(
      const mentor::v1::FindEligibleMentorsRequest& request) = 0;
  virtual absl::StatusOr<mentor::v1::Mentor> CreateMentor(const mentor::v1::CreateMentorRequest& request) = 0;
  virtual absl::StatusOr<mentor::v1::HoldNextSeatResponse> HoldNextSeat(const mentor::v1::HoldNextSeatRequest& request) = 0;
  virtual absl::StatusOr<mentor::v1::Seat> HoldSeat(const mentor::v1::HoldSeatRequest& request) = 0;
  virtual absl::StatusOr<mentor::v1::Seat> ReleaseSeat(const mentor::v1::ReleaseSeatRequest& request) = 0;
  virtual absl::StatusOr<mentor::v1::Assignment> TransferCandidate(const mentor::v1::TransferCandidateRequest& request) = 0;
  // Names of all consortia.
  virtual absl::StatusOr<std::vector<std::string>> ListConsortia() = 0;
  virtual absl::StatusOr<mentor::v1::ListSeatsResponse> ListSeats(const mentor::v1::ListSeatsRequest& request) = 0;
  // As WatchDeliveries() below.
  virtual absl::Status WatchRoster(int64_t after, bool follow, absl::FunctionRef<bool(const mentor::v1::RosterChange&)> each) = 0;
  // Ends the watches that run, and any that begins later.
  virtual void StopWatching() = 0;
};

class NotifyPeer {
 public:
  virtual ~NotifyPeer() = default;
  virtual absl::StatusOr<notify::v1::Notification> SendNotification(const notify::v1::SendNotificationRequest& request) = 0;
  virtual absl::StatusOr<notify::v1::Notification> CancelNotification(const notify::v1::CancelNotificationRequest& request) = 0;
  // Hands every delivery behind `after` to `each`, in order, until `each` returns false. Ends at the newest one, or with `follow` only by
  // an error or StopWatching().
  virtual absl::Status WatchDeliveries(int64_t after, bool follow, absl::FunctionRef<bool(const notify::v1::Delivery&)> each) = 0;
  // Ends the watches that run, and any that begins later.
  virtual void StopWatching() = 0;
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_LOOPS_PEERS_H_
