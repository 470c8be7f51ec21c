// The reads of mentor-service: single statements, on the pool for blocking work. A caller who may not see something gets the answer
// for what is not there.
#ifndef REMATCH_MENTOR_SERVICE_RPC_READER_H_
#define REMATCH_MENTOR_SERVICE_RPC_READER_H_

#include "absl/status/statusor.h"
#include "platform/clock.h"
#include "platform/rpc/call.h"
#include "platform/sql/database.h"
#include "rematch/mentor/v1/service.pb.h"

namespace rematch::mentor {

// Thread-safe. Every method blocks.
class Reader {
 public:
  Reader(sql::Database& database, platform::Clock& clock) : database_(database), clock_(clock) {}

  absl::StatusOr<v1::Consortium> Get(const rpc::Call& call, const v1::GetConsortiumRequest& request);
  absl::StatusOr<v1::District> Get(const rpc::Call& call, const v1::GetDistrictRequest& request);
  absl::StatusOr<v1::Site> Get(const rpc::Call& call, const v1::GetSiteRequest& request);
  absl::StatusOr<v1::Program> Get(const rpc::Call& call, const v1::GetProgramRequest& request);
  absl::StatusOr<v1::Mentor> Get(const rpc::Call& call, const v1::GetMentorRequest& request);
  absl::StatusOr<v1::Candidate> Get(const rpc::Call& call, const v1::GetCandidateRequest& request);

  absl::StatusOr<v1::ListConsortiaResponse> Get(const rpc::Call& call, const v1::ListConsortiaRequest& request);
  absl::StatusOr<v1::ListDistrictsResponse> Get(const rpc::Call& call, const v1::ListDistrictsRequest& request);
  absl::StatusOr<v1::ListSitesResponse> Get(const rpc::Call& call, const v1::ListSitesRequest& request);
  absl::StatusOr<v1::ListProgramsResponse> Get(const rpc::Call& call, const v1::ListProgramsRequest& request);
  absl::StatusOr<v1::ListMentorsResponse> Get(const rpc::Call& call, const v1::ListMentorsRequest& request);
  absl::StatusOr<v1::ListCandidatesResponse> Get(const rpc::Call& call, const v1::ListCandidatesRequest& request);
  absl::StatusOr<v1::ListAssignmentsResponse> Get(const rpc::Call& call, const v1::ListAssignmentsRequest& request);
  absl::StatusOr<v1::ListSeatsResponse> Get(const rpc::Call& call, const v1::ListSeatsRequest& request);

  absl::StatusOr<v1::FindEligibleMentorsResponse> Get(const rpc::Call& call, const v1::FindEligibleMentorsRequest& request);
  absl::StatusOr<v1::DescribeNeedResponse> Get(const rpc::Call& call, const v1::DescribeNeedRequest& request);

 private:
  sql::Database& database_;
  platform::Clock& clock_;
};

}  // namespace rematch::mentor

#endif  // REMATCH_MENTOR_SERVICE_RPC_READER_H_
