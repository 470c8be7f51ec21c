// The batch handler behind the door of request-service: loads the cases of a batch, lets the state machine decide, and saves state,
// audit events, effects, timers, tasks, disclosures and private words in the same transaction, one statement per table.
#ifndef REMATCH_REQUEST_SERVICE_STORE_CASE_HANDLER_H_
#define REMATCH_REQUEST_SERVICE_STORE_CASE_HANDLER_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "platform/clock.h"
#include "platform/group_commit.h"
#include "platform/sql/database.h"
#include "request-service/domain/case.pb.h"
#include "request-service/store/calendar_store.h"
#include "request-service/store/case_command.h"
#include "request-service/store/policy_store.h"

namespace rematch::request {

// An effect that this replica is to carry out, under the claim (row, epoch).
struct EffectWork {
  CaseKey key;
  std::string row;  // `{case id}.{effect id}`: the receiver's request id
  int64_t epoch = 0;
  absl::Time created;
  int64_t attempts = 0;
  int64_t refusals = 0;
  Effect effect;
};

// What a commit made, for the loops and the feeds.
struct Committed {
  std::vector<CaseKey> changed;
  std::vector<EffectWork> effects;
  absl::Time next_timer = absl::InfiniteFuture();  // the soonest that was set
  // What time did and how late it was, by kind: "window_end", "reminder", "timer".
  std::vector<std::pair<std::string, absl::Duration>> late;
};

// Thread-safe; keeps nothing across batches.
class CaseHandler {
 public:
  // New work starts leased to `replica`.
  CaseHandler(std::string replica, PolicyStore& policies, CalendarStore& calendars, platform::Clock& clock)
      : replica_(std::move(replica)), policies_(policies), calendars_(calendars), clock_(clock) {}

  // Called after every commit that changed something, on the committing thread: must not block. Set once, before the first batch.
  void Listen(std::function<void(Committed)> listener) { listener_ = std::move(listener); }

  absl::StatusOr<BatchResult> Run(sql::Transaction& tx, absl::Span<CaseCommand* const> batch);

 private:
  const std::string replica_;
  PolicyStore& policies_;
  CalendarStore& calendars_;
  platform::Clock& clock_;
  std::function<void(Committed)> listener_;
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_STORE_CASE_HANDLER_H_
