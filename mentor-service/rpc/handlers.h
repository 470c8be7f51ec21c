// The published RPCs: each a read on the pool for blocking work, or a command through the door.
#ifndef REMATCH_MENTOR_SERVICE_RPC_HANDLERS_H_
#define REMATCH_MENTOR_SERVICE_RPC_HANDLERS_H_

#include <string>
#include <utility>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "mentor-service/rpc/batch.h"
#include "mentor-service/rpc/import_stream.h"
#include "mentor-service/rpc/reader.h"
#include "mentor-service/rpc/submit.h"
#include "platform/rpc/call.h"
#include "platform/rpc/feed.h"
#include "rematch/mentor/v1/service.grpc.pb.h"

namespace rematch::mentor {

class Handlers final : public v1::MentorService::CallbackService {
 public:
  Handlers(rpc::Calls& calls, rpc::FeedHub& feeds, Door& door, Reader& reader, ImportStreams& imports)
      : calls_(calls), feeds_(feeds), door_(door), reader_(reader), imports_(imports) {}

  using Context = grpc::CallbackServerContext;
  using Reactor = grpc::ServerUnaryReactor;

  Reactor* GetConsortium(Context* context, const v1::GetConsortiumRequest* request, v1::Consortium* response) override {
    return Get(context, request, response);
  }
  Reactor* ListConsortia(Context* context, const v1::ListConsortiaRequest* request, v1::ListConsortiaResponse* response) override {
    return Read(context, request, response);
  }
  Reactor* GetDistrict(Context* context, const v1::GetDistrictRequest* request, v1::District* response) override {
    return Get(context, request, response);
  }
  Reactor* ListDistricts(Context* context, const v1::ListDistrictsRequest* request, v1::ListDistrictsResponse* response) override {
    return Read(context, request, response);
  }
  Reactor* GetSite(Context* context, const v1::GetSiteRequest* request, v1::Site* response) override {
    return Get(context, request, response);
  }
  Reactor* ListSites(Context* context, const v1::ListSitesRequest* request, v1::ListSitesResponse* response) override {
    return Read(context, request, response);
  }
  Reactor* GetProgram(Context* context, const v1::GetProgramRequest* request, v1::Program* response) override {
    return Get(context, request, response);
  }
  Reactor* ListPrograms(Context* context, const v1::ListProgramsRequest* request, v1::ListProgramsResponse* response) override {
    return Read(context, request, response);
  }
  Reactor* GetMentor(Context* context, const v1::GetMentorRequest* request, v1::Mentor* response) override {
    return Get(context, request, response);
  }
  Reactor* ListMentors(Context* context, const v1::ListMentorsRequest* request, v1::ListMentorsResponse* response) override {
    return Read(context, request, response);
  }
  Reactor* GetCandidate(Context* context, const v1::GetCandidateRequest* request, v1::Candidate* response) override {
    return Get(context, request, response);
  }
  Reactor* ListCandidates(Context* context, const v1::ListCandidatesRequest* request, v1::ListCandidatesResponse* response) override {
    return Read(context, request, response);
  }
  Reactor* ListAssignments(Context* context, const v1::ListAssignmentsRequest* request, v1::ListAssignmentsResponse* response) override {
    return Read(context, request, response);
  }
  Reactor* FindEligibleMentors(Context* context, const v1::FindEligibleMentorsRequest* request,
                               v1::FindEligibleMentorsResponse* response) override {
    return Get(context, request, response);
  }
  Reactor* DescribeCandidates(Context* context, const v1::DescribeCandidatesRequest* request,
                              v1::DescribeCandidatesResponse* response) override {
    return Read(context, request, response);
  }
  Reactor* DescribeNeed(Context* context, const v1::DescribeNeedRequest* request, v1::DescribeNeedResponse* response) override {
    return Read(context, request, response);
  }
  Reactor* ListSeats(Context* context, const v1::ListSeatsRequest* request, v1::ListSeatsResponse* response) override {
    return Read(context, request, response);
  }

  Reactor* CreateConsortium(Context* context, const v1::CreateConsortiumRequest* request, v1::Consortium* response) override {
    return Write(context, request, response);
  }
  Reactor* CreateDistrict(Context* context, const v1::CreateDistrictRequest* request, v1::District* response) override {
    return Write(context, request, response);
  }
  Reactor* UpdateDistrict(Context* context, const v1::UpdateDistrictRequest* request, v1::District* response) override {
    return Write(context, request, response);
  }
  Reactor* CreateSite(Context* context, const v1::CreateSiteRequest* request, v1::Site* response) override {
    return Write(context, request, response);
  }
  Reactor* CreateProgram(Context* context, const v1::CreateProgramRequest* request, v1::Program* response) override {
    return Write(context, request, response);
  }
  Reactor* UpdateProgram(Context* context, const v1::UpdateProgramRequest* request, v1::Program* response) override {
    return Write(context, request, response);
  }
  Reactor* CreateMentor(Context* context, const v1::CreateMentorRequest* request, v1::Mentor* response) override {
    return Write(context, request, response);
  }
  Reactor* UpdateMentor(Context* context, const v1::UpdateMentorRequest* request, v1::Mentor* response) override {
    return Write(context, request, response);
  }
  Reactor* CreateCandidate(Context* context, const v1::CreateCandidateRequest* request, v1::Candidate* response) override {
    return Write(context, request, response);
  }
  Reactor* AssignMentor(Context* context, const v1::AssignMentorRequest* request, v1::Assignment* response) override {
    return Write(context, request, response);
  }
  Reactor* RetireMentor(Context* context, const v1::RetireMentorRequest* request, v1::Mentor* response) override {
    return Write(context, request, response);
  }
  Reactor* UnenrollCandidate(Context* context, const v1::UnenrollCandidateRequest* request, v1::Candidate* response) override {
    return Write(context, request, response);
  }
  Reactor* AddDoNotPair(Context* context, const v1::AddDoNotPairRequest* request, v1::Candidate* response) override {
    return Write(context, request, response);
  }
  Reactor* RemoveDoNotPair(Context* context, const v1::RemoveDoNotPairRequest* request, v1::Candidate* response) override {
    return Write(context, request, response);
  }
  Reactor* EndAssignment(Context* context, const v1::EndAssignmentRequest* request, v1::Assignment* response) override {
    return Write(context, request, response);
  }
  Reactor* HoldNextSeat(Context* context, const v1::HoldNextSeatRequest* request, v1::HoldNextSeatResponse* response) override {
    return Write(context, request, response);
  }
  Reactor* HoldSeat(Context* context, const v1::HoldSeatRequest* request, v1::Seat* response) override {
    return Write(context, request, response);
  }
  Reactor* ReleaseSeat(Context* context, const v1::ReleaseSeatRequest* request, v1::Seat* response) override {
    return Write(context, request, response);
  }
  Reactor* TransferCandidate(Context* context, const v1::TransferCandidateRequest* request, v1::Assignment* response) override {
    return Write(context, request, response);
  }

  grpc::ServerWriteReactor<v1::RosterChange>* WatchRoster(Context* context, const v1::WatchRosterRequest* request) override {
    return feeds_.Watch<v1::RosterChange>(
        context, request,
        [this, after = request->after_position()](const rpc::Call& call, const v1::WatchRosterRequest& asked, bool* end) mutable {
          bool more = false;
          absl::StatusOr<std::vector<v1::RosterChange>> changes = reader_.Changes(call, asked, after, &more);
          if (changes.ok() && !changes->empty()) after = changes->back().position();
          *end = !more && !asked.follow();
          if (more) feeds_.Wake();  // as soon as these went out, not an interval later
          return changes;
        });
  }

  grpc::ServerReadReactor<v1::ImportRosterRequest>* ImportRoster(Context* context, v1::ImportRosterResponse* response) override {
    return ImportStream::Open(context, response, calls_, door_, imports_, {});
  }

 private:
  template <typename Request, typename Response>
  Reactor* Get(Context* context, const Request* request, Response* response) {
    return calls_.Deferred(
        context, request, response,
        [this](const rpc::Call& call, const Request& asked, const rpc::Done<Response>& done) { reader_.Get(call, asked, done); });
  }
  template <typename Request, typename Response>
  Reactor* Read(Context* context, const Request* request, Response* response) {
    return calls_.Blocking(context, request, response, [this](const rpc::Call& call, const Request& asked) -> absl::StatusOr<Response> {
      return reader_.Get(call, asked);
    });
  }

  template <typename Request, typename Response>
  Reactor* Write(Context* context, const Request* request, Response* response) {
    return calls_.Deferred(context, request, response, [this](const rpc::Call& call, const Request& asked, rpc::Done<Response> done) {
      SubmitChange<Request, Response>(door_, call, asked, std::move(done));
    });
  }

  rpc::Calls& calls_;
  rpc::FeedHub& feeds_;
  Door& door_;
  Reader& reader_;
  ImportStreams& imports_;
};

}  // namespace rematch::mentor

#endif  // REMATCH_MENTOR_SERVICE_RPC_HANDLERS_H_
