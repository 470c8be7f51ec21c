// What a policy comes to if nobody says yes: when each stage opens and ends, and when whom it asks one by one is asked (F16).
#ifndef REMATCH_REQUEST_SERVICE_DOMAIN_FORECAST_H_
#define REMATCH_REQUEST_SERVICE_DOMAIN_FORECAST_H_

#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "request-service/domain/escalation.h"

namespace rematch::request {

struct StageForecast {
  absl::Time open;
  absl::Time end;
  std::vector<absl::Time> asks;  // individual: one for each who can be asked; each has until the next, the last until `end`
};

// Of the stages from `first` on, the first of which goes on at `open` and ends at `first_end`, if that is known: `can_be_asked` says how
// many each of them asks one by one. A stage that waits for people counts with the time that they have for it.
std::vector<StageForecast> Forecast(const Rules& rules, int first, absl::Time open, std::optional<absl::Time> first_end,
                                    absl::Span<const int> can_be_asked);

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_DOMAIN_FORECAST_H_
