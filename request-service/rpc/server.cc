#include "request-service/rpc/server.h"

#include <string>
#include <utility>
#include <vector>

namespace rematch::request {
namespace {

// Another replica's commits wake nobody here: a watch reads its case this often even so.
constexpr absl::Duration kReadAnyway = absl::Seconds(1);

}  // namespace

// Most reads block, on the pool for that. Writes answer when their batch has committed, and so does a read that shares one.
#define REMATCH_BLOCKING(part, Method, Response)                                                                                  \
  grpc::ServerUnaryReactor* ReassignmentServer::Method(grpc::CallbackServerContext* context, const v1::Method##Request* request,  \
                                                       v1::Response* response) {                                                  \
    return calls_.Blocking(context, request, response,                                                                            \
                           [this](const rpc::Call& call, const v1::Method##Request& asked) { return part.Method(call, asked); }); \
  }
#define REMATCH_BATCHED(part, Method, Response)                                                                                  \
  grpc::ServerUnaryReactor* ReassignmentServer::Method(grpc::CallbackServerContext* context, const v1::Method##Request* request, \
                                                       v1::Response* response) {                                                 \
    return calls_.Deferred(context, request, response,                                                                           \
                           [this](const rpc::Call& call, const v1::Method##Request& asked, rpc::Done<v1::Response> done) {       \
                             part.Method(call, asked, std::move(done));                                                          \
                           });                                                                                                   \
  }

REMATCH_BATCHED(reassignments_, CreateReassignment, Reassignment)
REMATCH_BATCHED(reassignments_, GetReassignment, Reassignment)
REMATCH_BLOCKING(reassignments_, ListReassignments, ListReassignmentsResponse)
REMATCH_BLOCKING(reassignments_, PreviewEscalation, PreviewEscalationResponse)
REMATCH_BATCHED(reassignments_, ReviewReassignment, Reassignment)
REMATCH_BATCHED(reassignments_, WithdrawReassignment, Reassignment)
REMATCH_BATCHED(reassignments_, CloseReassignment, Reassignment)
REMATCH_BATCHED(reassignments_, RestartSearch, Reassignment)
REMATCH_BATCHED(reassignments_, SkipStage, Reassignment)
REMATCH_BATCHED(reassignments_, StrikeMentor, Reassignment)
REMATCH_BATCHED(reassignments_, PauseReassignment, Reassignment)
REMATCH_BATCHED(reassignments_, ResumeReassignment, Reassignment)
REMATCH_BATCHED(reassignments_, ReplaceLeader, Reassignment)
REMATCH_BATCHED(reassignments_, ReviveOffer, Reassignment)
REMATCH_BATCHED(reassignments_, SnoozeTask, Task)
REMATCH_BLOCKING(reassignments_, ListOffers, ListOffersResponse)
REMATCH_BATCHED(reassignments_, RecordOfferResponse, Offer)
REMATCH_BATCHED(reassignments_, RespondToOffer, RespondToOfferResponse)
REMATCH_BATCHED(reassignments_, ConfirmMatch, Reassignment)
REMATCH_BATCHED(reassignments_, RejectMatch, Reassignment)
REMATCH_BATCHED(reassignments_, OpenBroadcast, Reassignment)
REMATCH_BATCHED(reassignments_, ChooseInterested, Reassignment)
REMATCH_BATCHED(reassignments_, PassAllOver, Reassignment)
REMATCH_BATCHED(reassignments_, RecommendPerson, Person)
REMATCH_BLOCKING(reassignments_, ListPeople, ListPeopleResponse)
REMATCH_BATCHED(reassignments_, QualifyPerson, Person)
REMATCH_BATCHED(reassignments_, RecordConsent, Reassignment)
REMATCH_BATCHED(reassignments_, RecordCall, Reassignment)
REMATCH_BATCHED(reassignments_, TakeCandidate, Reassignment)
REMATCH_BATCHED(reassignments_, DeclineToTake, Reassignment)
REMATCH_BATCHED(reassignments_, SendClosingNote, Reassignment)
REMATCH_BATCHED(reassignments_, RecordMediation, Reassignment)
REMATCH_BATCHED(reassignments_, RecordSignature, Reassignment)
REMATCH_BATCHED(reassignments_, MigrateReassignment, MigrateReassignmentResponse)
REMATCH_BATCHED(reassignments_, CreatePolicyVersion, PolicyVersion)
REMATCH_BLOCKING(reassignments_, ListTasks, ListTasksResponse)
REMATCH_BLOCKING(reassignments_, ListReassignmentEvents, ListReassignmentEventsResponse)
REMATCH_BLOCKING(reassignments_, VerifyAuditTrail, VerifyAuditTrailResponse)
REMATCH_BLOCKING(reassignments_, ListDisclosures, ListDisclosuresResponse)
REMATCH_BLOCKING(reassignments_, GetPolicyVersion, PolicyVersion)
REMATCH_BLOCKING(reassignments_, ListPolicyVersions, ListPolicyVersionsResponse)
REMATCH_BATCHED(concerns_, RaiseConcern, Concern)
REMATCH_BLOCKING(concerns_, GetConcern, Concern)
REMATCH_BLOCKING(concerns_, ListConcerns, ListConcernsResponse)
REMATCH_BATCHED(concerns_, ResolveConcern, Concern)
REMATCH_BATCHED(concerns_, SendSurvey, Survey)
REMATCH_BLOCKING(concerns_, ListSurveys, ListSurveysResponse)
REMATCH_BATCHED(concerns_, SubmitSurveyResponse, SubmitSurveyResponseResponse)
REMATCH_BLOCKING(concerns_, ListSurveyResults, ListSurveyResultsResponse)
REMATCH_BATCHED(concerns_, RecordLetterTold, Task)

#undef REMATCH_BLOCKING
#undef REMATCH_BATCHED

grpc::ServerWriteReactor<v1::Reassignment>* ReassignmentServer::WatchReassignment(grpc::CallbackServerContext* context,
                                                                                  const v1::WatchReassignmentRequest* request) {
  struct Last {
    std::string etag;
    std::string shown;
    uint64_t count = 0;
    absl::Duration read;
  };
  return hub_.Watch<v1::Reassignment>(context, request,
                                      [this, last = Last()](const rpc::Call& call, const v1::WatchReassignmentRequest& asked,
                                                            bool* end) mutable -> absl::StatusOr<std::vector<v1::Reassignment>> {
                                        const std::string_view name = asked.name();
                                        const uint64_t count = changes_.Count(name.substr(name.rfind('/') + 1));
                                        const absl::Duration now = calls_.clock().Monotonic();
                                        std::vector<v1::Reassignment> changed;
                                        if (!last.etag.empty() && count == last.count && now - last.read < kReadAnyway) return changed;
                                        REMATCH_ASSIGN_OR_RETURN(Reassignments::Watched watched,
                                                                 reassignments_.Watch(call, asked, last.etag));
                                        // Counted before it was read: a change in between is looked at again.
                                        last.count = count;
                                        last.read = now;
                                        *end = watched.ended;
                                        if (watched.changed.has_value()) {
                                          last.etag = watched.changed->etag();
                                          // Who may not read how the search goes does not hear it tick either.
                                          calls_.guard().Redact(call, *watched.changed);
                                          std::string shown = watched.changed->SerializeAsString();
                                          if (shown == last.shown) return changed;
                                          last.shown = std::move(shown);
                                          changed.push_back(*std::move(watched.changed));
                                        }
                                        return changed;
                                      });
}

}  // namespace rematch::request
