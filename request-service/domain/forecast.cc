#include "request-service/domain/forecast.h"

#include <cstddef>
#include <utility>

namespace rematch::request {

std::vector<StageForecast> Forecast(const Rules& rules, int first, absl::Time open, std::optional<absl::Time> first_end,
                                    absl::Span<const int> can_be_asked) {
  std::vector<StageForecast> forecast;
  for (int i = first; i < rules.policy.stages_size(); ++i) {
    const v1::EscalationPolicy::Stage& stage = rules.policy.stages(i);
    const v1::Window& window = stage.has_window() ? stage.window() : rules.policy.task_due_after();
    StageForecast one{.open = open, .end = open, .asks = {}};
    if (stage.kind() == v1::INDIVIDUAL) {
      const auto at = static_cast<size_t>(i - first);
      const int count = at < can_be_asked.size() ? can_be_asked[at] : 0;
      for (int n = 0; n < count; ++n) {
        one.asks.push_back(one.end);
        one.end = rules.time.EndOfWindow(one.end, window);
      }
    } else {
      one.end = i == first && first_end.has_value() ? *first_end : rules.time.EndOfWindow(open, window);
    }
    open = one.end;
    forecast.push_back(std::move(one));
  }
  return forecast;
}

}  // namespace rematch::request
