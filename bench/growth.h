// How much longer an operation takes as the stores grow. Stages of different sizes stand side by side, and take turns, so that the drift of
// the machine's speed falls on all of them.
#ifndef REMATCH_BENCH_GROWTH_H_
#define REMATCH_BENCH_GROWTH_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "bench/figures.h"
#include "bench/plots.h"
#include "bench/stage.h"

namespace rematch::bench {

struct GrowthOptions {
  std::vector<int64_t> cases = {1'000, 100'000, 1'000'000};
  std::vector<int> mentors = {100, 1'000, 10'000, 100'000};
  int rounds = 5;
  absl::Duration each = absl::Seconds(1);
};

void DescribeGrowth(Figures& figures, bool with_targets);
absl::Status MeasureGrowth(const StageOptions& options, demo::Mariadb* server, const GrowthOptions& growth, Figures& figures, Plots& plots);

}  // namespace rematch::bench

#endif  // REMATCH_BENCH_GROWTH_H_
