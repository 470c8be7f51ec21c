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
#define REMATCH_BLOCKING(Method, Response)                                                                                       \
  grpc::ServerUnaryReactor* ReassignmentServer::Method(grpc::CallbackServerContext* context, const v1::Method##Request* request, \
                                                       v1::Response* response) {                                                 \
    return calls_.Blocking(context, request, response, [this](const rpc::Call& call, const v1::Method##Request& asked) {         \
      return reassignments_.Method(call, asked);                                                                                 \
    });                                                                                                                          \
  }
#define REMATCH_BATCHED(Method, Response)                                                                                        \
  grpc::ServerUnaryReactor* ReassignmentServer::Method(grpc::CallbackServerContext* context, const v1::Method##Request* request, \
                                                       v1::Response* response) {                                                 \
    return calls_.Deferred(context, request, response,                                                                           \
                           [this](const rpc::Call& call, const v1::Method##Request& asked, rpc::Done<v1::Response> done) {       \
                             reassignments_.Method(call, asked, std::move(done));                                                \
                           });                                                                                                   \
  }

REMATCH_BATCHED(CreateReassignment, Reassignment)
REMATCH_BATCHED(GetReassignment, Reassignment)
REMATCH_BLOCKING(ListReassignments, ListReassignmentsResponse)
REMATCH_BLOCKING(PreviewEscalation, PreviewEscalationResponse)
REMATCH_BATCHED(ReviewReassignment, Reassignment)
REMATCH_BATCHED(WithdrawReassignment, Reassignment)
REMATCH_BATCHED(CloseReassignment, Reassignment)
REMATCH_BATCHED(RestartSearch, Reassignment)
REMATCH_BATCHED(SkipStage, Reassignment)
REMATCH_BATCHED(StrikeMentor, Reassignment)
REMATCH_BATCHED(PauseReassignment, Reassignment)
REMATCH_BATCHED(ResumeReassignment, Reassignment)
REMATCH_BATCHED(ReplaceLeader, Reassignment)
REMATCH_BATCHED(ReviveOffer, Reassignment)
REMATCH_BATCHED(SnoozeTask, Task)
REMATCH_BLOCKING(ListOffers, ListOffersResponse)
REMATCH_BATCHED(RecordOfferResponse, Offer)
REMATCH_BATCHED(RespondToOffer, RespondToOfferResponse)
REMATCH_BATCHED(ConfirmMatch, Reassignment)
REMATCH_BATCHED(RejectMatch, Reassignment)
REMATCH_BATCHED(OpenBroadcast, Reassignment)
REMATCH_BATCHED(ChooseInterested, Reassignment)
REMATCH_BATCHED(PassAllOver, Reassignment)
REMATCH_BATCHED(RecommendPerson, Person)
REMATCH_BLOCKING(ListPeople, ListPeopleResponse)
REMATCH_BATCHED(QualifyPerson, Person)
REMATCH_BATCHED(RecordConsent, Reassignment)
REMATCH_BATCHED(RecordCall, Reassignment)
REMATCH_BATCHED(TakeCandidate, Reassignment)
REMATCH_BATCHED(DeclineToTake, Reassignment)
REMATCH_BATCHED(SendClosingNote, Reassignment)
REMATCH_BATCHED(RecordMediation, Reassignment)
REMATCH_BATCHED(RecordSignature, Reassignment)
REMATCH_BATCHED(MigrateReassignment, MigrateReassignmentResponse)
REMATCH_BATCHED(CreatePolicyVersion, PolicyVersion)
REMATCH_BLOCKING(ListTasks, ListTasksResponse)
REMATCH_BLOCKING(ListReassignmentEvents, ListReassignmentEventsResponse)
REMATCH_BLOCKING(VerifyAuditTrail, VerifyAuditTrailResponse)
REMATCH_BLOCKING(ListDisclosures, ListDisclosuresResponse)
REMATCH_BLOCKING(GetPolicyVersion, PolicyVersion)
REMATCH_BLOCKING(ListPolicyVersions, ListPolicyVersionsResponse)

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
