// The rows that the loops of request-service work off: effects, timers, cursors, and the service's own secrets. Every method blocks.
#ifndef REMATCH_REQUEST_SERVICE_STORE_WORK_STORE_H_
#define REMATCH_REQUEST_SERVICE_STORE_WORK_STORE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "platform/ids.h"
#include "platform/leases.h"
#include "platform/sql/database.h"
#include "request-service/store/case_handler.h"

namespace rematch::request {

// A timer of this replica that is due.
struct TimerWork {
  CaseKey key;
  int64_t epoch = 0;
  absl::Time due;
  int64_t refusals = 0;
};

// What becomes of a row that could not be worked off: it waits until `due`. Written only under its claim.
struct Postponed {
  std::string id;
  int64_t epoch = 0;
  absl::Time due;
  bool refused = false;  // counts towards setting it aside
  bool poison = false;   // set aside: not counted as waiting
};

// Thread-safe.
class WorkStore {
 public:
  WorkStore(sql::Database& database, std::string replica) : database_(database), replica_(std::move(replica)) {}

  // The effects of these claims, those that are still there.
  absl::StatusOr<std::vector<EffectWork>> LoadEffects(absl::Span<const platform::Claim> claims);
  // Effects that are this replica's and were made before `before`: what a hand-over may have missed.
  absl::StatusOr<std::vector<EffectWork>> OwnEffects(absl::Time before, size_t limit);
  // Gives the rows back to everybody, due later.
  absl::Status PostponeEffects(absl::Span<const Postponed> rows);
  // When the oldest effect that is not set aside was made; InfiniteFuture when there is none.
  absl::StatusOr<absl::Time> OldestEffect();

  // The timers of this replica that are due by `now`, the longest due first; and when its next one is.
  absl::StatusOr<std::vector<TimerWork>> DueTimers(absl::Time now, size_t limit);
  absl::StatusOr<absl::Time> NextOwnTimer();
  absl::Status PostponeTimers(absl::Span<const Postponed> rows);
  // When the timer longest due fell due, of any replica; InfiniteFuture when there is none.
  absl::StatusOr<absl::Time> OldestTimer();

  // Gives everything that is this replica's back to everybody: at the end of the service, so that nobody waits for a lease.
  absl::Status ReleaseAll();

  absl::StatusOr<int64_t> Cursor(std::string_view feed);
  // Moves a cursor forward, never back.
  absl::Status Advance(std::string_view feed, int64_t position);

  // The secret of this name; 32 random bytes when it is asked for the first time, the same for every replica and start.
  absl::StatusOr<std::string> Secret(std::string_view name, platform::Random& random);

 private:
  absl::StatusOr<std::vector<EffectWork>> ReadEffects(const std::string& where, const std::vector<sql::Value>& parameters);
  absl::StatusOr<absl::Time> Earliest(const std::string& statement, const std::vector<sql::Value>& parameters);

  sql::Database& database_;
  const std::string replica_;
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_STORE_WORK_STORE_H_
