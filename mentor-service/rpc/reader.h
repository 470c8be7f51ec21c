// The reads of mentor-service. A caller who may not see something gets the answer for what is not there.
#ifndef REMATCH_MENTOR_SERVICE_RPC_READER_H_
#define REMATCH_MENTOR_SERVICE_RPC_READER_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "mentor-service/domain/commands.h"
#include "mentor-service/domain/roster.h"
#include "mentor-service/store/kept_members.h"
#include "platform/clock.h"
#include "platform/group_read.h"
#include "platform/rpc/call.h"
#include "platform/sql/database.h"
#include "rematch/mentor/v1/service.pb.h"

namespace rematch::mentor {

// Thread-safe.
class Reader {
 public:
  Reader(sql::Database& database, store::KeptMembers& members, platform::Clock& clock, GroupReadOptions options = {})
      : database_(database),
        clock_(clock),
        members_(members),
        // Rows that need not agree. Rankings need a snapshot, since kept members are compared with it (ADR 0012).
        together_(WithoutSnapshot(options), database, clock,
                  [this](sql::Transaction& tx, absl::Span<Lookup* const> batch) { return LookUp(tx, batch); }),
        rankings_(ForRankings(options), database, clock,
                  [this](sql::Transaction& tx, absl::Span<Lookup* const> batch) { return LookUp(tx, batch); }) {}

  // One resource: those that are asked for together are read together. These do not block.
  void Get(const rpc::Call& call, const v1::GetConsortiumRequest& request, const rpc::Done<v1::Consortium>& done);
  void Get(const rpc::Call& call, const v1::GetDistrictRequest& request, const rpc::Done<v1::District>& done);
  void Get(const rpc::Call& call, const v1::GetSiteRequest& request, const rpc::Done<v1::Site>& done);
  void Get(const rpc::Call& call, const v1::GetProgramRequest& request, const rpc::Done<v1::Program>& done);
  void Get(const rpc::Call& call, const v1::GetMentorRequest& request, const rpc::Done<v1::Mentor>& done);
  void Get(const rpc::Call& call, const v1::GetCandidateRequest& request, const rpc::Done<v1::Candidate>& done);
  // Rankings, too: those of one program share its mentors.
  void Get(const rpc::Call& call, const v1::FindEligibleMentorsRequest& request, const rpc::Done<v1::FindEligibleMentorsResponse>& done);

  // With options.threads = 0: GroupRead::RunOnce() of either.
  bool RunOnce() { return together_.RunOnce() || rankings_.RunOnce(); }

  // The others block, a few statements each.
  absl::StatusOr<v1::ListConsortiaResponse> Get(const rpc::Call& call, const v1::ListConsortiaRequest& request);
  absl::StatusOr<v1::ListDistrictsResponse> Get(const rpc::Call& call, const v1::ListDistrictsRequest& request);
  absl::StatusOr<v1::ListSitesResponse> Get(const rpc::Call& call, const v1::ListSitesRequest& request);
  absl::StatusOr<v1::ListProgramsResponse> Get(const rpc::Call& call, const v1::ListProgramsRequest& request);
  absl::StatusOr<v1::ListMentorsResponse> Get(const rpc::Call& call, const v1::ListMentorsRequest& request);
  absl::StatusOr<v1::ListCandidatesResponse> Get(const rpc::Call& call, const v1::ListCandidatesRequest& request);
  absl::StatusOr<v1::ListAssignmentsResponse> Get(const rpc::Call& call, const v1::ListAssignmentsRequest& request);
  absl::StatusOr<v1::ListSeatsResponse> Get(const rpc::Call& call, const v1::ListSeatsRequest& request);

  // A page of the roster's feed behind a position; `more` says whether there may be another one.
  absl::StatusOr<std::vector<v1::RosterChange>> Changes(const rpc::Call& call, const v1::WatchRosterRequest& request, int64_t after,
                                                        bool* more);

  absl::StatusOr<v1::DescribeNeedResponse> Get(const rpc::Call& call, const v1::DescribeNeedRequest& request);
  absl::StatusOr<v1::DescribeCandidatesResponse> Get(const rpc::Call& call, const v1::DescribeCandidatesRequest& request);

 private:
  // Answers from what was found of the consortium, or, at an early round, says what it wants of it. At round 0 nothing was looked for yet.
  template <typename Response>
  using Look = std::function<std::optional<absl::StatusOr<Response>>(int round, const Roster& found, Wants& wants)>;
  struct Lookup {
    std::string consortium;
    std::function<bool(int, const Roster&, Wants&)> look;  // true: it has answered
  };
  // Half of the threads, and so of the connections: single reads do not wait for rankings.
  static GroupReadOptions ForRankings(GroupReadOptions options) {
    options.threads = (options.threads + 1) / 2;
    return options;
  }
  absl::Status LookUp(sql::Transaction& tx, absl::Span<Lookup* const> batch);
  template <typename Response>
  static void Submit(GroupRead<Lookup>& reads, const rpc::Call& call, std::string consortium, Look<Response> look,
                     const rpc::Done<Response>& done);
  // Of what belongs to the consortium as a whole: `find` gives it, or null.
  template <typename Response, typename Find>
  void GetOfConsortium(const rpc::Call& call, const std::string& consortium, const Wants& wants, Find find, const absl::Status& missing,
                       const rpc::Done<Response>& done);

  sql::Database& database_;
  platform::Clock& clock_;
  store::KeptMembers& members_;
  GroupRead<Lookup> together_;
  GroupRead<Lookup> rankings_;  // apart: a hundred mentors take longer than one
};

}  // namespace rematch::mentor

#endif  // REMATCH_MENTOR_SERVICE_RPC_READER_H_
