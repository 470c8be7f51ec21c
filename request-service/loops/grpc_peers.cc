#include "request-service/loops/grpc_peers.h"

#include <set>
#include <string>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "access/access.h"
#include "platform/errors.h"
#include "platform/rpc/call.h"
#include "platform/rpc/channel.h"
#include "rematch/mentor/v1/service.grpc.pb.h"
#include "rematch/notify/v1/service.grpc.pb.h"

namespace rematch::request {
namespace {

namespace mv1 = mentor::v1;
namespace nv1 = notify::v1;

// A watch has no end of its own; this bounds one whose peer went silent.
constexpr absl::Duration kLongestWatch = absl::Hours(1);

rpc::Caller Self() { return {.role = std::string(access::kService), .person = ""}; }

template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> Ask(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                             absl::Duration timeout, const Request& request) {
  grpc::ClientContext context;
  rpc::Prepare(context, timeout, Self());
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (!status.ok()) return rpc::FromGrpc(status);
  return response;
}

// The watches of a peer's feed that run, so that all can be ended. Thread-safe.
class Watches {
 public:
  template <typename Request, typename Stub, typename Item>
  absl::Status Read(Stub& stub, std::unique_ptr<grpc::ClientReader<Item>> (Stub::*watch)(grpc::ClientContext*, const Request&),
                    absl::Duration timeout, int64_t after, bool follow, absl::FunctionRef<bool(const Item&)> each) {
    grpc::ClientContext context;
    rpc::Prepare(context, follow ? kLongestWatch : timeout, Self());
    {
      absl::MutexLock lock(&mutex_);
      if (stopped_) return Error(absl::StatusCode::kCancelled, reason::kShuttingDown, "the watch was ended");
      running_.insert(&context);
    }
    Request request;
    request.set_parent("consortia/-");
    request.set_after_position(after);
    request.set_follow(follow);
    const std::unique_ptr<grpc::ClientReader<Item>> reader = (stub.*watch)(&context, request);
    Item item;
    while (reader->Read(&item)) {
      if (each(item)) continue;
      context.TryCancel();
      break;
    }
    const grpc::Status status = reader->Finish();
    absl::MutexLock lock(&mutex_);
    running_.erase(&context);
    return rpc::FromGrpc(status);
  }

  void Stop() {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
    for (grpc::ClientContext* context : running_) context->TryCancel();
  }

 private:
  absl::Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::set<grpc::ClientContext*> running_ ABSL_GUARDED_BY(mutex_);
};

class GrpcMentor final : public MentorPeer {
 public:
  GrpcMentor(std::shared_ptr<grpc::Channel> channel, absl::Duration timeout)
      : stub_(mv1::MentorService::NewStub(std::move(channel))), timeout_(timeout) {}

  absl::StatusOr<mv1::Candidate> GetCandidate(const std::string& name) override {
    return Get<mv1::GetCandidateRequest>(&Stub::GetCandidate, name);
  }
  absl::StatusOr<mv1::Mentor> GetMentor(const std::string& name) override { return Get<mv1::GetMentorRequest>(&Stub::GetMentor, name); }
  absl::StatusOr<mv1::Program> GetProgram(const std::string& name) override { return Get<mv1::GetProgramRequest>(&Stub::GetProgram, name); }
  absl::StatusOr<mv1::Site> GetSite(const std::string& name) override { return Get<mv1::GetSiteRequest>(&Stub::GetSite, name); }
  absl::StatusOr<mv1::District> GetDistrict(const std::string& name) override {
    return Get<mv1::GetDistrictRequest>(&Stub::GetDistrict, name);
  }
  absl::StatusOr<std::vector<mv1::Candidate>> ListCandidates(const std::string& program) override {
    constexpr int kPage = 1000;
    std::vector<mv1::Candidate> candidates;
    mv1::ListCandidatesRequest request;
    request.set_parent(program);
    request.set_page_size(kPage);
    do {
      REMATCH_ASSIGN_OR_RETURN(mv1::ListCandidatesResponse page, Ask(*stub_, &Stub::ListCandidates, timeout_, request));
      for (mv1::Candidate& candidate : *page.mutable_candidates()) {
        if (!candidate.has_unenroll_time()) candidates.push_back(std::move(candidate));
      }
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return candidates;
  }
  absl::StatusOr<mv1::DescribeCandidatesResponse> DescribeCandidates(const mv1::DescribeCandidatesRequest& request) override {
    return Ask(*stub_, &Stub::DescribeCandidates, timeout_, request);
  }
  absl::StatusOr<mv1::FindEligibleMentorsResponse> FindEligibleMentors(const mv1::FindEligibleMentorsRequest& request) override {
    return Ask(*stub_, &Stub::FindEligibleMentors, timeout_, request);
  }
  absl::StatusOr<mv1::Mentor> CreateMentor(const mv1::CreateMentorRequest& request) override {
    return Ask(*stub_, &Stub::CreateMentor, timeout_, request);
  }
  absl::StatusOr<mv1::HoldNextSeatResponse> HoldNextSeat(const mv1::HoldNextSeatRequest& request) override {
    return Ask(*stub_, &Stub::HoldNextSeat, timeout_, request);
  }
  absl::StatusOr<mv1::Seat> HoldSeat(const mv1::HoldSeatRequest& request) override {
    return Ask(*stub_, &Stub::HoldSeat, timeout_, request);
  }
  absl::StatusOr<mv1::Seat> ReleaseSeat(const mv1::ReleaseSeatRequest& request) override {
    return Ask(*stub_, &Stub::ReleaseSeat, timeout_, request);
  }
  absl::StatusOr<mv1::Assignment> TransferCandidate(const mv1::TransferCandidateRequest& request) override {
    return Ask(*stub_, &Stub::TransferCandidate, timeout_, request);
  }
  absl::StatusOr<std::vector<std::string>> ListConsortia() override {
    std::vector<std::string> names;
    mv1::ListConsortiaRequest request;
    do {
      REMATCH_ASSIGN_OR_RETURN(const mv1::ListConsortiaResponse page, Ask(*stub_, &Stub::ListConsortia, timeout_, request));
      for (const mv1::Consortium& consortium : page.consortia()) names.push_back(consortium.name());
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return names;
  }
  absl::StatusOr<mv1::ListSeatsResponse> ListSeats(const mv1::ListSeatsRequest& request) override {
    return Ask(*stub_, &Stub::ListSeats, timeout_, request);
  }
  absl::Status WatchRoster(int64_t after, bool follow, absl::FunctionRef<bool(const mv1::RosterChange&)> each) override {
    return watches_.Read<mv1::WatchRosterRequest>(*stub_, &Stub::WatchRoster, timeout_, after, follow, each);
  }
  void StopWatching() override { watches_.Stop(); }

 private:
  using Stub = mv1::MentorService::Stub;

  template <typename Request, typename Response>
  absl::StatusOr<Response> Get(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), const std::string& name) {
    Request request;
    request.set_name(name);
    return Ask(*stub_, method, timeout_, request);
  }

  const std::unique_ptr<Stub> stub_;
  const absl::Duration timeout_;
  Watches watches_;
};

class GrpcNotify final : public NotifyPeer {
 public:
  GrpcNotify(std::shared_ptr<grpc::Channel> channel, absl::Duration timeout)
      : stub_(nv1::NotifyService::NewStub(std::move(channel))), timeout_(timeout) {}

  absl::StatusOr<nv1::Notification> SendNotification(const nv1::SendNotificationRequest& request) override {
    return Ask(*stub_, &nv1::NotifyService::Stub::SendNotification, timeout_, request);
  }
  absl::StatusOr<nv1::Notification> CancelNotification(const nv1::CancelNotificationRequest& request) override {
    return Ask(*stub_, &nv1::NotifyService::Stub::CancelNotification, timeout_, request);
  }

  absl::Status WatchDeliveries(int64_t after, bool follow, absl::FunctionRef<bool(const nv1::Delivery&)> each) override {
    return watches_.Read<nv1::WatchDeliveriesRequest>(*stub_, &nv1::NotifyService::Stub::WatchDeliveries, timeout_, after, follow, each);
  }
  void StopWatching() override { watches_.Stop(); }

 private:
  const std::unique_ptr<nv1::NotifyService::Stub> stub_;
  const absl::Duration timeout_;
  Watches watches_;
};

}  // namespace

std::unique_ptr<MentorPeer> MakeMentorPeer(std::shared_ptr<grpc::Channel> channel, absl::Duration timeout) {
  return std::make_unique<GrpcMentor>(std::move(channel), timeout);
}

std::unique_ptr<NotifyPeer> MakeNotifyPeer(std::shared_ptr<grpc::Channel> channel, absl::Duration timeout) {
  return std::make_unique<GrpcNotify>(std::move(channel), timeout);
}

}  // namespace rematch::request
