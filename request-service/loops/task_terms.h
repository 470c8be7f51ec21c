// Whose a task outside of cases is, and when it is overdue, by who leads the program and what its policy and calendar say now.
#ifndef REMATCH_REQUEST_SERVICE_LOOPS_TASK_TERMS_H_
#define REMATCH_REQUEST_SERVICE_LOOPS_TASK_TERMS_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "platform/clock.h"
#include "rematch/mentor/v1/resources.pb.h"
#include "request-service/domain/letters.h"
#include "request-service/store/calendar_store.h"
#include "request-service/store/policy_store.h"

namespace rematch::request {

// Thread-safe; its methods block.
class TermsFinder {
 public:
  TermsFinder(PolicyStore& policies, CalendarStore& calendars, platform::Clock& clock)
      : policies_(policies), calendars_(calendars), clock_(clock) {}

  // Of a matter between a candidate and `mentor` (domain/letters.h).
  absl::StatusOr<std::optional<TaskTerms>> Of(const mentor::v1::Program& program, std::string_view mentor);

 private:
  PolicyStore& policies_;
  CalendarStore& calendars_;
  platform::Clock& clock_;
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_LOOPS_TASK_TERMS_H_
