#include "request-service/rpc/server.h"

#include <string>
#include <utility>
#include <vector>

namespace rematch::request {
namespace {

// Another replica's commits wake nobody here: a watch reads its case this often even so.
constexpr absl::Duration kReadAnyway = absl::Seconds(1);

}  // namespace

// Reads block, on the pool for that; writes answer when their batch has committed.
#define REMATCH_READ(Method, Response)                                                                                           \
  grpc::ServerUnaryReactor* ReassignmentServer::Method(grpc::CallbackServerContext* context, const v1::Method##Request* request, \
                                                       v1::Response* response) {                                                 \
    return calls_.Blocking(context, request, response, [this](const rpc::Call& call, const v1::Method##Request& asked) {         \
      return reassignments_.Method(call, asked);                                                                                 \
    });                                                                                                                          \
  }
#define REMATCH_WRITE(Method, Response)                                                                                          \
  grpc::ServerUnaryReactor* ReassignmentServer::Method(grpc::CallbackServerContext* context, const v1::Method##Request* request, \
                                                       v1::Response* response) {                                                 \
    return calls_.Deferred(context, request, response,                                                                           \
                           [this](const rpc::Call& call, const v1::Method##Request& asked, rpc::Done<v1::Response> done) {       \
                             reassignments_.Method(call, asked, std::move(done));                                                \
                           });                                                                                                   \
  }

REMATCH_WRITE(CreateReassignment, Reassignment)
REMATCH_READ(GetReassignment, Reassignment)
REMATCH_READ(ListReassignments, ListReassignmentsResponse)
REMATCH_READ(PreviewEscalation, PreviewEscalationResponse)
REMATCH_WRITE(ReviewReassignment, Reassignment)
REMATCH_WRITE(WithdrawReassignment, Reassignment)
REMATCH_WRITE(CloseReassignment, Reassignment)
REMATCH_WRITE(RestartSearch, Reassignment)
REMATCH_READ(ListOffers, ListOffersResponse)
REMATCH_WRITE(RecordOfferResponse, Offer)
REMATCH_WRITE(RespondToOffer, RespondToOfferResponse)
REMATCH_WRITE(ConfirmMatch, Reassignment)
REMATCH_WRITE(RejectMatch, Reassignment)
REMATCH_WRITE(OpenBroadcast, Reassignment)
REMATCH_WRITE(ChooseInterested, Reassignment)
REMATCH_WRITE(PassAllOver, Reassignment)
REMATCH_WRITE(RecommendPerson, Person)
REMATCH_READ(ListPeople, ListPeopleResponse)
REMATCH_WRITE(QualifyPerson, Person)
REMATCH_WRITE(RecordConsent, Reassignment)
REMATCH_WRITE(RecordCall, Reassignment)
REMATCH_WRITE(TakeCandidate, Reassignment)
REMATCH_WRITE(DeclineToTake, Reassignment)
REMATCH_WRITE(SendClosingNote, Reassignment)
REMATCH_READ(ListTasks, ListTasksResponse)
REMATCH_READ(ListReassignmentEvents, ListReassignmentEventsResponse)
REMATCH_READ(VerifyAuditTrail, VerifyAuditTrailResponse)
REMATCH_READ(ListDisclosures, ListDisclosuresResponse)
REMATCH_READ(GetPolicyVersion, PolicyVersion)
REMATCH_READ(ListPolicyVersions, ListPolicyVersionsResponse)

#undef REMATCH_READ
#undef REMATCH_WRITE

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
