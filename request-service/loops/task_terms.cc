#include "request-service/loops/task_terms.h"

#include <memory>
#include <vector>

#include "platform/errors.h"
#include "platform/validation.h"
#include "request-service/domain/case_view.h"

namespace rematch::request {

namespace mv1 = mentor::v1;

absl::StatusOr<std::optional<TaskTerms>> TermsFinder::Of(const mv1::Program& program, std::string_view mentor) {
  std::optional<TaskTerms> terms = TermsFor(program, mentor);
  const std::optional<std::vector<std::string>> ids = ParseName(program.name(), "consortia/*/programs/*");
  if (!terms.has_value() || !ids.has_value()) return std::optional<TaskTerms>();
  REMATCH_ASSIGN_OR_RETURN(const std::shared_ptr<const PolicyRecord> policy, policies_.Of((*ids)[0], (*ids)[1]));
  REMATCH_ASSIGN_OR_RETURN(const CalendarStore::Pointer time, calendars_.Of(program));
  const absl::Time now = clock_.Now();
  Clock& clock = *terms->mutable_clock();
  clock.set_from(ToStored(now));
  *clock.mutable_window() = policy->policy.task_due_after();
  clock.set_end(ToStored(time->EndOfWindow(now, clock.window())));
  return terms;
}

}  // namespace rematch::request
