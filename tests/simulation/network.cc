#include "tests/simulation/network.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "notify-service/domain/notification.h"
#include "platform/rpc/identity.h"

namespace rematch::simulation {
namespace {

namespace mv1 = mentor::v1;
namespace nv1 = notify::v1;

absl::Status Down() { return Error(absl::StatusCode::kUnavailable, "", "nobody answers"); }
absl::Status TimedOut() { return Error(absl::StatusCode::kDeadlineExceeded, "", "no answer in time"); }

}  // namespace

template <typename Response>
absl::StatusOr<Response> Network::Carry(const std::function<bool()>& alive, std::function<absl::StatusOr<Response>()> make) {
  if (!alive() || faults_.Happens(Fault::kRequestLost, 3)) return Down();
  if (apart_) {
    if (faults_.chance().Percent(50)) return Down();
    late_.push_back([make] { make().IgnoreError(); });
    return TimedOut();
  }
  if (faults_.Happens(Fault::kRequestLate, 3)) {
    Delay([make] { make().IgnoreError(); });
    return TimedOut();
  }
  absl::StatusOr<Response> answer = make();
  if (faults_.Happens(Fault::kRequestTwice, 3)) answer = make();
  if (faults_.Happens(Fault::kRequestEchoed, 3)) Delay([make] { make().IgnoreError(); });
  if (faults_.Happens(Fault::kReplyLost, 3)) return TimedOut();
  return answer;
}

void Network::Delay(std::function<void()> call) { (faults_.chance().Percent(30) ? very_late_ : late_).push_back(std::move(call)); }

bool Network::DeliverLate(bool all_else_is_over) {
  if (apart_) return false;
  if (all_else_is_over) {
    for (std::function<void()>& call : very_late_) late_.push_back(std::move(call));
    very_late_.clear();
  }
  if (late_.empty()) return false;
  const auto at = late_.begin() + faults_.chance().Pick(static_cast<int>(late_.size()));
  const std::function<void()> call = std::move(*at);
  late_.erase(at);
  call();
  return true;
}

class Network::SimMentor final : public request::MentorPeer {
 public:
  SimMentor(Network& network, std::function<bool()> alive) : network_(network), alive_(std::move(alive)) {}

  absl::StatusOr<mv1::Candidate> GetCandidate(const std::string& name) override {
    return Get<mv1::Candidate, mv1::GetCandidateRequest>(name);
  }
  absl::StatusOr<mv1::Mentor> GetMentor(const std::string& name) override { return Get<mv1::Mentor, mv1::GetMentorRequest>(name); }
  absl::StatusOr<mv1::Program> GetProgram(const std::string& name) override { return Get<mv1::Program, mv1::GetProgramRequest>(name); }
  absl::StatusOr<mv1::Site> GetSite(const std::string& name) override { return Get<mv1::Site, mv1::GetSiteRequest>(name); }
  absl::StatusOr<mv1::District> GetDistrict(const std::string& name) override { return Get<mv1::District, mv1::GetDistrictRequest>(name); }
  absl::StatusOr<std::vector<mv1::Candidate>> ListCandidates(const std::string& program) override {
    mv1::ListCandidatesRequest request;
    request.set_parent(program);
    request.set_page_size(1000);
    REMATCH_ASSIGN_OR_RETURN(const mv1::ListCandidatesResponse listed, Read<mv1::ListCandidatesResponse>(request));
    std::vector<mv1::Candidate> enrolled;
    for (const mv1::Candidate& candidate : listed.candidates()) {
      if (!candidate.has_unenroll_time()) enrolled.push_back(candidate);
    }
    return enrolled;
  }
  absl::StatusOr<mv1::DescribeCandidatesResponse> DescribeCandidates(const mv1::DescribeCandidatesRequest& request) override {
    return Read<mv1::DescribeCandidatesResponse>(request);
  }
  absl::StatusOr<mv1::FindEligibleMentorsResponse> FindEligibleMentors(const mv1::FindEligibleMentorsRequest& request) override {
    return Read<mv1::FindEligibleMentorsResponse>(request);
  }
  absl::StatusOr<mv1::Mentor> CreateMentor(const mv1::CreateMentorRequest& request) override { return Change<mv1::Mentor>(request); }
  absl::StatusOr<mv1::HoldNextSeatResponse> HoldNextSeat(const mv1::HoldNextSeatRequest& request) override {
    return Change<mv1::HoldNextSeatResponse>(request);
  }
  absl::StatusOr<mv1::Seat> HoldSeat(const mv1::HoldSeatRequest& request) override { return Change<mv1::Seat>(request); }
  absl::StatusOr<mv1::Seat> ReleaseSeat(const mv1::ReleaseSeatRequest& request) override { return Change<mv1::Seat>(request); }
  absl::StatusOr<mv1::Assignment> TransferCandidate(const mv1::TransferCandidateRequest& request) override {
    return Change<mv1::Assignment>(request);
  }
  absl::StatusOr<std::vector<std::string>> ListConsortia() override {
    REMATCH_ASSIGN_OR_RETURN(const mv1::ListConsortiaResponse page, Read<mv1::ListConsortiaResponse>(mv1::ListConsortiaRequest()));
    std::vector<std::string> names;
    for (const mv1::Consortium& consortium : page.consortia()) names.push_back(consortium.name());
    return names;
  }
  absl::StatusOr<mv1::ListSeatsResponse> ListSeats(const mv1::ListSeatsRequest& request) override {
    return Read<mv1::ListSeatsResponse>(request);
  }

  absl::Status WatchRoster(int64_t after, bool, absl::FunctionRef<bool(const mv1::RosterChange&)> each) override {
    for (bool more = true; more;) {
      MentorProcess* const mentor = network_.mentor_();
      if (mentor == nullptr || !alive_()) return Down();
      REMATCH_ASSIGN_OR_RETURN(const std::vector<mv1::RosterChange> changes, mentor->Changes(after, &more));
      for (const mv1::RosterChange& change : changes) {
        if (network_.faults_.Happens(Fault::kFeedBrokeOff)) return Down();
        after = change.position();
        if (!each(change)) return absl::OkStatus();
      }
    }
    return absl::OkStatus();
  }
  void StopWatching() override {}

 private:
  template <typename Response, typename Request>
  absl::StatusOr<Response> Read(const Request& request) {
    return network_.Carry<Response>(alive_, [&network = network_, request]() -> absl::StatusOr<Response> {
      MentorProcess* const mentor = network.mentor_();
      if (mentor == nullptr) return Down();
      return mentor->Read<Response>(request);
    });
  }
  template <typename Response, typename Request>
  absl::StatusOr<Response> Get(const std::string& name) {
    Request request;
    request.set_name(name);
    return Read<Response>(request);
  }
  template <typename Response, typename Request>
  absl::StatusOr<Response> Change(const Request& request) {
    return network_.Carry<Response>(alive_, [&network = network_, request]() -> absl::StatusOr<Response> {
      MentorProcess* const mentor = network.mentor_();
      if (mentor == nullptr) return Down();
      return mentor->Change<Response>(request);
    });
  }

  Network& network_;
  const std::function<bool()> alive_;
};

class Network::SimNotify final : public request::NotifyPeer {
 public:
  SimNotify(Network& network, std::function<bool()> alive) : network_(network), alive_(std::move(alive)) {}

  absl::StatusOr<nv1::Notification> SendNotification(const nv1::SendNotificationRequest& request) override {
    network_.post_.Expect(request);
    const bool is_new = !network_.known_kinds_.contains(request.notification_id());
    bool& known_kind = network_.known_kinds_[request.notification_id()];
    if (is_new) known_kind = !network_.faults_.Happens(Fault::kSendRefused, 5);
    return network_.Carry<nv1::Notification>(alive_, [&network = network_, request, known_kind]() -> absl::StatusOr<nv1::Notification> {
      if (!known_kind) {
        Violations bad;
        bad.Add("notification.template", "is not known here");
        return bad.ToStatus();
      }
      NotifyProcess* const notify = network.notify_();
      if (notify == nullptr) return Down();
      REMATCH_ASSIGN_OR_RETURN(notify::Draft draft, notify::CheckSend(network.templates_, request));
      const std::string name = notify::NotificationName(draft.key.consortium, draft.key.id);
      CommandMeta meta{.scope = request.parent(),
                       .request_id = request.request_id(),
                       .body_hash = rpc::BodyHash(MakeCall<nv1::SendNotificationRequest>(notify->clock(), AsService()), request)};
      return notify->Do(notify::Accept{.draft = std::move(draft), .message_id = notify::MessageId(name, PostOffice::kDomain)},
                        std::move(meta));
    });
  }
  absl::StatusOr<nv1::Notification> CancelNotification(const nv1::CancelNotificationRequest& request) override {
    return network_.Carry<nv1::Notification>(alive_, [&network = network_, request]() -> absl::StatusOr<nv1::Notification> {
      NotifyProcess* const notify = network.notify_();
      if (notify == nullptr) return Down();
      Violations bad;
      notify::Key key = notify::CheckNotificationName(bad, request.name());
      if (!bad.empty()) return bad.ToStatus();
      CommandMeta meta{.scope = request.name(),
                       .request_id = request.request_id(),
                       .body_hash = rpc::BodyHash(MakeCall<nv1::CancelNotificationRequest>(notify->clock(), AsService()), request)};
      return notify->Do(notify::CallBack{.target = std::move(key)}, std::move(meta));
    });
  }

  absl::Status WatchDeliveries(int64_t after, bool, absl::FunctionRef<bool(const nv1::Delivery&)> each) override {
    constexpr int kPage = 500;
    for (;;) {
      NotifyProcess* const notify = network_.notify_();
      if (notify == nullptr || !alive_()) return Down();
      REMATCH_ASSIGN_OR_RETURN(const std::vector<nv1::Delivery> deliveries, notify->store().Deliveries("", after, kPage));
      for (const nv1::Delivery& delivery : deliveries) {
        if (network_.faults_.Happens(Fault::kFeedBrokeOff)) return Down();
        after = delivery.position();
        if (!each(delivery)) return absl::OkStatus();
      }
      if (deliveries.size() < static_cast<size_t>(kPage)) return absl::OkStatus();
    }
  }
  void StopWatching() override {}

 private:
  Network& network_;
  const std::function<bool()> alive_;
};

std::unique_ptr<request::MentorPeer> Network::MentorFor(std::function<bool()> alive) {
  return std::make_unique<SimMentor>(*this, std::move(alive));
}
std::unique_ptr<request::NotifyPeer> Network::NotifyFor(std::function<bool()> alive) {
  return std::make_unique<SimNotify>(*this, std::move(alive));
}

}  // namespace rematch::simulation
