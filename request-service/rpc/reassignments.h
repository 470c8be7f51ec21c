// What the RPCs of the ReassignmentService do, without gRPC: check the request, ask the peers what is needed, put a command through the
// door or read the store, and answer. Reads (reads.cc) return, but for the one that is shared; writes (writes.cc) call `done`.
// protos/rematch/request/v1/service.proto says what each means.
#ifndef REMATCH_REQUEST_SERVICE_RPC_REASSIGNMENTS_H_
#define REMATCH_REQUEST_SERVICE_RPC_REASSIGNMENTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/clock.h"
#include "platform/executor.h"
#include "platform/ids.h"
#include "platform/rpc/call.h"
#include "rematch/request/v1/service.pb.h"
#include "request-service/domain/reply_code.h"
#include "request-service/loops/peers.h"
#include "request-service/rpc/door_calls.h"
#include "request-service/rpc/openings.h"
#include "request-service/rpc/validate.h"
#include "request-service/store/case_command.h"
#include "request-service/store/case_reader.h"
#include "request-service/store/concern_reader.h"
#include "request-service/store/policy_store.h"

namespace rematch::request {

// Thread-safe. Reads block; writes do not, those that ask a peer first run that part on `blocking`.
class Reassignments {
 public:
  Reassignments(CaseDoor& door, CaseReader& reader, ConcernReader& concerns, PolicyStore& policies, CalendarStore& calendars,
                MentorPeer& mentor, const ReplyCodes& codes, platform::IdSource& ids, platform::Clock& clock, platform::Executor& blocking)
      : calls_(door, clock, blocking),
        reader_(reader),
        concerns_(concerns),
        policies_(policies),
        calendars_(calendars),
        mentor_(mentor),
        codes_(codes),
        ids_(ids),
        clock_(clock),
        blocking_(blocking),
        openings_(mentor, policies, calendars, clock, blocking) {}

  template <typename Response>
  using Done = rpc::Done<Response>;
  using Call = rpc::Call;

  // Writes.
  void CreateReassignment(const Call& call, const v1::CreateReassignmentRequest& request, Done<v1::Reassignment> done);
  void ReviewReassignment(const Call& call, const v1::ReviewReassignmentRequest& request, Done<v1::Reassignment> done);
  void WithdrawReassignment(const Call& call, const v1::WithdrawReassignmentRequest& request, Done<v1::Reassignment> done);
  void CloseReassignment(const Call& call, const v1::CloseReassignmentRequest& request, Done<v1::Reassignment> done);
  void RestartSearch(const Call& call, const v1::RestartSearchRequest& request, Done<v1::Reassignment> done);
  void SkipStage(const Call& call, const v1::SkipStageRequest& request, Done<v1::Reassignment> done);
  void StrikeMentor(const Call& call, const v1::StrikeMentorRequest& request, Done<v1::Reassignment> done);
  void PauseReassignment(const Call& call, const v1::PauseReassignmentRequest& request, Done<v1::Reassignment> done);
  void ResumeReassignment(const Call& call, const v1::ResumeReassignmentRequest& request, Done<v1::Reassignment> done);
  void ReplaceLeader(const Call& call, const v1::ReplaceLeaderRequest& request, Done<v1::Reassignment> done);
  void ReviveOffer(const Call& call, const v1::ReviveOfferRequest& request, Done<v1::Reassignment> done);
  void SnoozeTask(const Call& call, const v1::SnoozeTaskRequest& request, Done<v1::Task> done);
  void RecordOfferResponse(const Call& call, const v1::RecordOfferResponseRequest& request, Done<v1::Offer> done);
  void RespondToOffer(const Call& call, const v1::RespondToOfferRequest& request, Done<v1::RespondToOfferResponse> done);
  void ConfirmMatch(const Call& call, const v1::ConfirmMatchRequest& request, Done<v1::Reassignment> done);
  void RejectMatch(const Call& call, const v1::RejectMatchRequest& request, Done<v1::Reassignment> done);
  void OpenBroadcast(const Call& call, const v1::OpenBroadcastRequest& request, Done<v1::Reassignment> done);
  void ChooseInterested(const Call& call, const v1::ChooseInterestedRequest& request, Done<v1::Reassignment> done);
  void PassAllOver(const Call& call, const v1::PassAllOverRequest& request, Done<v1::Reassignment> done);
  void RecommendPerson(const Call& call, const v1::RecommendPersonRequest& request, Done<v1::Person> done);
  void QualifyPerson(const Call& call, const v1::QualifyPersonRequest& request, Done<v1::Person> done);
  void RecordConsent(const Call& call, const v1::RecordConsentRequest& request, Done<v1::Reassignment> done);
  void RecordCall(const Call& call, const v1::RecordCallRequest& request, Done<v1::Reassignment> done);
  void TakeCandidate(const Call& call, const v1::TakeCandidateRequest& request, Done<v1::Reassignment> done);
  void DeclineToTake(const Call& call, const v1::DeclineToTakeRequest& request, Done<v1::Reassignment> done);
  void SendClosingNote(const Call& call, const v1::SendClosingNoteRequest& request, Done<v1::Reassignment> done);
  void RecordMediation(const Call& call, const v1::RecordMediationRequest& request, Done<v1::Reassignment> done);
  void RecordSignature(const Call& call, const v1::RecordSignatureRequest& request, Done<v1::Reassignment> done);
  void MigrateReassignment(const Call& call, const v1::MigrateReassignmentRequest& request, Done<v1::MigrateReassignmentResponse> done);
  void CreatePolicyVersion(const Call& call, const v1::CreatePolicyVersionRequest& request, Done<v1::PolicyVersion> done);

  // Reads. The first does not block: those who ask at the same time are read for together.
  void GetReassignment(const Call& call, const v1::GetReassignmentRequest& request, Done<v1::Reassignment> done);
  absl::StatusOr<v1::ListReassignmentsResponse> ListReassignments(const Call& call, const v1::ListReassignmentsRequest& request);
  absl::StatusOr<v1::PreviewEscalationResponse> PreviewEscalation(const Call& call, const v1::PreviewEscalationRequest& request);
  absl::StatusOr<v1::ListOffersResponse> ListOffers(const Call& call, const v1::ListOffersRequest& request);
  absl::StatusOr<v1::ListPeopleResponse> ListPeople(const Call& call, const v1::ListPeopleRequest& request);
  absl::StatusOr<v1::ListTasksResponse> ListTasks(const Call& call, const v1::ListTasksRequest& request);
  absl::StatusOr<v1::ListReassignmentEventsResponse> ListReassignmentEvents(const Call& call,
                                                                            const v1::ListReassignmentEventsRequest& request);
  absl::StatusOr<v1::VerifyAuditTrailResponse> VerifyAuditTrail(const Call& call, const v1::VerifyAuditTrailRequest& request);
  absl::StatusOr<v1::ListDisclosuresResponse> ListDisclosures(const Call& call, const v1::ListDisclosuresRequest& request);
  absl::StatusOr<v1::PolicyVersion> GetPolicyVersion(const Call& call, const v1::GetPolicyVersionRequest& request);
  absl::StatusOr<v1::ListPolicyVersionsResponse> ListPolicyVersions(const Call& call, const v1::ListPolicyVersionsRequest& request);

  // For a watch: the case if its etag is not `etag`, and whether it has ended.
  struct Watched {
    std::optional<v1::Reassignment> changed;
    bool ended = false;
  };
  absl::StatusOr<Watched> Watch(const Call& call, const v1::WatchReassignmentRequest& request, const std::string& etag);

 private:
  // A command on a case, or on what is named below it in `collection`: checks what every command carries, and submits it once
  // `fill(violations, command, id of the child)` has checked and copied the rest.
  template <typename Request, typename Response, typename Fill>
  void Change(const Call& call, const Request& request, std::string_view collection, Done<Response> done, Fill fill);
  // A command that a peer or the store must be asked for: `prepare` runs on `blocking_`. It answers with the case, unless it says
  // otherwise.
  template <typename Request, typename Response>
  void Prepare(const Call& call, const Request& request, Done<Response> done, absl::AnyInvocable<absl::StatusOr<CaseCommand>()> prepare);
  absl::StatusOr<CaseCommand> MakeOpen(const Call& call, const v1::CreateReassignmentRequest& request, const Openings::Facts& facts);
  // The concern that the case comes of, if the caller may read it.
  absl::Status NameConcern(const Call& call, const v1::CreateReassignmentRequest& request, const mentor::v1::Program& program,
                           CaseCommand& command);
  absl::StatusOr<CaseCommand> PrepareReplacement(const Call& call, const v1::ReplaceLeaderRequest& request, const CaseKey& key);
  void SnoozeOfCandidate(const Call& call, const v1::SnoozeTaskRequest& request, Done<v1::Task> done);
  absl::StatusOr<CaseCommand> PrepareBroadcast(const Call& call, const v1::OpenBroadcastRequest& request, const CaseKey& key);

  absl::StatusOr<CaseCommand> PrepareMigration(const Call& call, const v1::MigrateReassignmentRequest& request, const CaseKey& key);
  absl::StatusOr<v1::MigrateReassignmentResponse> TryMigration(const CaseCommand& command, const StoredCase& stored);
  absl::StatusOr<CaseCommand> PreparePublication(const Call& call, const v1::CreatePolicyVersionRequest& request);
  // NOT_FOUND unless the program is there, and the caller leads it if they are a leader.
  absl::Status CheckLeads(const Call& call, const std::string& program);
  // The case that would begin if `candidate` asked now, by the rules in force. Nothing is stored.
  absl::StatusOr<Case> Imagine(const Call& call, const std::string& candidate);

  // The case, if the caller may call this method on it; else CASE_NOT_FOUND.
  absl::StatusOr<StoredCase> LoadFor(const Call& call, const CaseKey& key);
  // The case as it is answered, with its private texts for those who may read them.
  absl::StatusOr<v1::Reassignment> Publish(const StoredCase& stored, std::vector<StoredText> texts);

  DoorCalls calls_;
  CaseReader& reader_;
  ConcernReader& concerns_;
  PolicyStore& policies_;
  CalendarStore& calendars_;
  MentorPeer& mentor_;
  const ReplyCodes& codes_;
  platform::IdSource& ids_;
  platform::Clock& clock_;
  platform::Executor& blocking_;
  Openings openings_;
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_RPC_REASSIGNMENTS_H_
