#include "request-service/loops/timer_loop.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "platform/errors.h"
#include "platform/log.h"

namespace rematch::request {
namespace {

constexpr size_t kAtOnce = 256;
constexpr absl::Duration kClaimAgain = absl::Seconds(1);
constexpr absl::Duration kAfterFailure = absl::Milliseconds(200);
constexpr absl::Duration kLongestPause = absl::Minutes(1);
constexpr int64_t kMostRefusals = 20;
constexpr absl::Duration kSetAsidePause = absl::Minutes(5);

// A full queue and a store that is away are no fault of a timer's.
bool IsNoFault(const absl::Status& status) {
  return status.code() == absl::StatusCode::kResourceExhausted || status.code() == absl::StatusCode::kUnavailable;
}

}  // namespace

absl::Duration TimerLoop::Step() {
  const absl::Time now = clock_.Now();
  // Until the next time is known every timer that is set may be the next.
  next_ = INT64_MAX;
  const absl::StatusOr<absl::Time> unowned = leases_.NextDue("timers");
  if (!unowned.ok()) return kAfterFailure;
  // Those of replicas that died show only by claiming them.
  if (*unowned <= now || now - last_claim_ >= kClaimAgain) {
    const absl::StatusOr<std::vector<platform::Claim>> claims = leases_.ClaimDue("timers", now, kAtOnce);
    if (!claims.ok()) return kAfterFailure;
    // A dead replica may have left thousands: as long as there are more, no second is waited.
    last_claim_ = claims->size() == kAtOnce ? absl::InfinitePast() : now;
  }
  const absl::StatusOr<std::vector<TimerWork>> due = work_.DueTimers(now, kAtOnce);
  const absl::StatusOr<absl::Time> oldest = work_.OldestTimer();
  if (!due.ok() || !oldest.ok()) return kAfterFailure;
  metrics_.Oldest("due", *oldest < now ? now - *oldest : absl::ZeroDuration());

  std::vector<CaseCommand> commands;
  commands.reserve(due->size());
  for (const TimerWork& timer : *due) {
    CaseCommand command;
    command.key = timer.key;
    command.command.set_actor_role("TIMER");
    command.command.mutable_due();
    commands.push_back(std::move(command));
  }
  const std::vector<absl::Status> results = CommitAll(door_, std::move(commands), Priority::kTimer);
  // More than this replica can do is left to the others.
  if (std::any_of(results.begin(), results.end(), [](const absl::Status& status) { return IsNoFault(status); })) last_claim_ = now;
  std::vector<Postponed> postponed;
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].ok()) continue;
    const TimerWork& timer = (*due)[i];
    const bool refused = !IsNoFault(results[i]);
    Postponed row{.id = timer.key.id, .epoch = timer.epoch, .due = now, .refused = refused};
    row.due = now + std::min(kAfterFailure * static_cast<double>(int64_t{1} << std::min<int64_t>(timer.refusals, 20)), kLongestPause);
    row.poison = refused && timer.refusals + 1 >= kMostRefusals;
    if (row.poison) row.due = now + kSetAsidePause;
    if (refused) {
      log::Warn(row.poison ? "timer_set_aside" : "timer_refused",
                {{"case", timer.key.id}, {"code", static_cast<int>(results[i].code())}, {"reason", ReasonOf(results[i])}});
    }
    if (timer.refusals + 1 == kMostRefusals && refused) metrics_.Count("poisoned_timers");
    postponed.push_back(std::move(row));
  }
  if (!work_.PostponeTimers(postponed).ok()) return kAfterFailure;
  if (due->size() == kAtOnce) return absl::ZeroDuration();

  const absl::StatusOr<absl::Time> own = work_.NextOwnTimer();
  const absl::StatusOr<absl::Time> others = leases_.NextDue("timers");
  if (!own.ok() || !others.ok()) return kAfterFailure;
  const absl::Time next = std::min({*own, *others, last_claim_ + kClaimAgain});
  next_ = sql::ToMicros(next);
  return std::max(next - clock_.Now(), absl::ZeroDuration());
}

}  // namespace rematch::request
