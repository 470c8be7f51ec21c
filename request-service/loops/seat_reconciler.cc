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
  // Those of mentor-service: after a restored backup this service may not know a consortium whose seats are held for cases that are gone.
  REMATCH_ASSIGN_OR_RETURN(const std::vector<std::string> consortia, mentor_.ListConsortia());
  for (const std::string& consortium : consortia) {
    mv1::ListSeatsRequest request;
    request.set_parent(consortium);
    request.set_state(mv1::Seat::HELD);
    request.set_page_size(kPage);
    do {
      REMATCH_ASSIGN_OR_RETURN(const mv1::ListSeatsResponse page, mentor_.ListSeats(request));
      for (const mv1::Seat& seat : page.seats()) {
        REMATCH_ASSIGN_OR_RETURN(const bool needed, IsNeeded(consortium.substr(consortium.find('/') + 1), seat));
        if (needed) continue;
        if (!suspects_.contains(seat.name())) {
          found.insert(seat.name());
          continue;
        }
        mv1::ReleaseSeatRequest release;
        release.set_name(seat.name());
        release.set_request_id("reconcile." + seat.name().substr(seat.name().rfind('/') + 1, 100));
        if (const absl::Status status = mentor_.ReleaseSeat(release).status(); !status.ok()) {
          // The seats behind it are settled all the same; this one is looked at again in the next round.
          log::Warn("seat_not_reconciled",
                    {{"seat", seat.name()}, {"code", static_cast<int>(status.code())}, {"reason", ReasonOf(status)}});
          found.insert(seat.name());
          continue;
        }
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
