#include "request-service/loops/seat_reconciler.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "platform/errors.h"
#include "platform/log.h"
#include "platform/validation.h"
#include "request-service/domain/escalation.h"

namespace rematch::request {
namespace {

namespace mv1 = mentor::v1;

constexpr int kPage = 500;

}  // namespace

absl::Duration SeatReconciler::Step() {
  const absl::Duration now = clock_.Monotonic();
  if (!begun_) {
    // The first round waits: at the start everything that a crash left half done is about to be carried out.
    begun_ = true;
    next_ = now + interval_;
  }
  if (now >= next_) {
    const absl::Status status = Round();
    if (!status.ok()) log::Warn("reconciling_failed", {{"code", static_cast<int>(status.code())}, {"reason", ReasonOf(status)}});
    next_ = now + interval_;
  }
  return std::max(next_ - clock_.Monotonic(), absl::ZeroDuration());
}

absl::Status SeatReconciler::Round() {
  absl::flat_hash_set<std::string> found;
  REMATCH_ASSIGN_OR_RETURN(const std::vector<std::string> consortia, reader_.Consortia());
  for (const std::string& consortium : consortia) {
    mv1::ListSeatsRequest request;
    request.set_parent(ConsortiumName(consortium));
    request.set_state(mv1::Seat::HELD);
    request.set_page_size(kPage);
    do {
      REMATCH_ASSIGN_OR_RETURN(const mv1::ListSeatsResponse page, mentor_.ListSeats(request));
      for (const mv1::Seat& seat : page.seats()) {
        REMATCH_ASSIGN_OR_RETURN(const bool needed, IsNeeded(consortium, seat));
        if (needed) continue;
        if (!suspects_.contains(seat.name())) {
          found.insert(seat.name());
          continue;
        }
        mv1::ReleaseSeatRequest release;
        release.set_name(seat.name());
        release.set_request_id("reconcile." + seat.name().substr(seat.name().rfind('/') + 1, 100));
        REMATCH_RETURN_IF_ERROR(mentor_.ReleaseSeat(release).status());
        metrics_.Count("reconciled_seats");
        log::Warn("seat_reconciled", {{"seat", seat.name()}});
      }
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
  }
  suspects_ = std::move(found);
  return absl::OkStatus();
}

// A seat's key is `{case}.{offer}`.
absl::StatusOr<bool> SeatReconciler::IsNeeded(const std::string& consortium, const mv1::Seat& seat) {
  const std::string key = seat.name().substr(seat.name().rfind('/') + 1);
  const std::optional<std::vector<std::string>> ids = ParseName(seat.candidate(), "consortia/*/programs/*/candidates/*");
  if (!ids.has_value()) return false;
  REMATCH_ASSIGN_OR_RETURN(const std::optional<StoredCase> stored,
                           reader_.Load({.consortium = consortium, .program = (*ids)[1], .id = key.substr(0, key.find('.'))}));
  return stored.has_value() && NeedsSeat(stored->c, key);
}

}  // namespace rematch::request
