// The ReassignmentService over gRPC: which method runs where. What it does is in reassignments.h.
#ifndef REMATCH_REQUEST_SERVICE_RPC_SERVER_H_
#define REMATCH_REQUEST_SERVICE_RPC_SERVER_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "platform/rpc/call.h"
#include "platform/rpc/feed.h"
#include "rematch/request/v1/service.grpc.pb.h"
#include "request-service/rpc/concerns.h"
#include "request-service/rpc/reassignments.h"

namespace rematch::request {

// Tells watches which cases may have changed, so that a commit does not make every watch read its case. Thread-safe; never blocks.
class ChangeBoard {
 public:
  void Changed(std::string_view case_id) { Slot(case_id).fetch_add(1, std::memory_order_release); }
  // Grows with every change of this case (and of a few others, which share its place).
  uint64_t Count(std::string_view case_id) { return Slot(case_id).load(std::memory_order_acquire); }

 private:
  std::atomic<uint64_t>& Slot(std::string_view case_id) { return slots_[std::hash<std::string_view>()(case_id) % slots_.size()]; }

  std::array<std::atomic<uint64_t>, 4096> slots_{};
};

class ReassignmentServer final : public v1::ReassignmentService::CallbackService {
 public:
  ReassignmentServer(Reassignments& reassignments, Concerns& concerns, rpc::Calls& calls, rpc::FeedHub& hub, ChangeBoard& changes)
      : reassignments_(reassignments), concerns_(concerns), calls_(calls), hub_(hub), changes_(changes) {}

#define REMATCH_UNARY(Method, Response)                                                                                              \
  grpc::ServerUnaryReactor* Method(grpc::CallbackServerContext* context, const v1::Method##Request* request, v1::Response* response) \
      override
  REMATCH_UNARY(CreateReassignment, Reassignment);
  REMATCH_UNARY(GetReassignment, Reassignment);
  REMATCH_UNARY(ListReassignments, ListReassignmentsResponse);
  REMATCH_UNARY(PreviewEscalation, PreviewEscalationResponse);
  REMATCH_UNARY(ReviewReassignment, Reassignment);
  REMATCH_UNARY(WithdrawReassignment, Reassignment);
  REMATCH_UNARY(CloseReassignment, Reassignment);
  REMATCH_UNARY(RestartSearch, Reassignment);
  REMATCH_UNARY(SkipStage, Reassignment);
  REMATCH_UNARY(StrikeMentor, Reassignment);
  REMATCH_UNARY(PauseReassignment, Reassignment);
  REMATCH_UNARY(ResumeReassignment, Reassignment);
  REMATCH_UNARY(ReplaceLeader, Reassignment);
  REMATCH_UNARY(ReviveOffer, Reassignment);
  REMATCH_UNARY(SnoozeTask, Task);
  REMATCH_UNARY(ListOffers, ListOffersResponse);
  REMATCH_UNARY(RecordOfferResponse, Offer);
  REMATCH_UNARY(RespondToOffer, RespondToOfferResponse);
  REMATCH_UNARY(ConfirmMatch, Reassignment);
  REMATCH_UNARY(RejectMatch, Reassignment);
  REMATCH_UNARY(OpenBroadcast, Reassignment);
  REMATCH_UNARY(ChooseInterested, Reassignment);
  REMATCH_UNARY(PassAllOver, Reassignment);
  REMATCH_UNARY(RecommendPerson, Person);
  REMATCH_UNARY(ListPeople, ListPeopleResponse);
  REMATCH_UNARY(QualifyPerson, Person);
  REMATCH_UNARY(RecordConsent, Reassignment);
  REMATCH_UNARY(RecordCall, Reassignment);
  REMATCH_UNARY(TakeCandidate, Reassignment);
  REMATCH_UNARY(DeclineToTake, Reassignment);
  REMATCH_UNARY(SendClosingNote, Reassignment);
  REMATCH_UNARY(RecordMediation, Reassignment);
  REMATCH_UNARY(RecordSignature, Reassignment);
  REMATCH_UNARY(MigrateReassignment, MigrateReassignmentResponse);
  REMATCH_UNARY(CreatePolicyVersion, PolicyVersion);
  REMATCH_UNARY(ListTasks, ListTasksResponse);
  REMATCH_UNARY(ListReassignmentEvents, ListReassignmentEventsResponse);
  REMATCH_UNARY(VerifyAuditTrail, VerifyAuditTrailResponse);
  REMATCH_UNARY(ListDisclosures, ListDisclosuresResponse);
  REMATCH_UNARY(GetPolicyVersion, PolicyVersion);
  REMATCH_UNARY(ListPolicyVersions, ListPolicyVersionsResponse);
  REMATCH_UNARY(RaiseConcern, Concern);
  REMATCH_UNARY(GetConcern, Concern);
  REMATCH_UNARY(ListConcerns, ListConcernsResponse);
  REMATCH_UNARY(ResolveConcern, Concern);
  REMATCH_UNARY(SendSurvey, Survey);
  REMATCH_UNARY(ListSurveys, ListSurveysResponse);
  REMATCH_UNARY(SubmitSurveyResponse, SubmitSurveyResponseResponse);
  REMATCH_UNARY(ListSurveyResults, ListSurveyResultsResponse);
  REMATCH_UNARY(RecordLetterTold, Task);
#undef REMATCH_UNARY

  grpc::ServerWriteReactor<v1::Reassignment>* WatchReassignment(grpc::CallbackServerContext* context,
                                                                const v1::WatchReassignmentRequest* request) override;

 private:
  Reassignments& reassignments_;
  Concerns& concerns_;
  rpc::Calls& calls_;
  rpc::FeedHub& hub_;
  ChangeBoard& changes_;
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_RPC_SERVER_H_
