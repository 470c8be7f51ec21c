// Requests a second of each kind beside the bare echo and the floor, latencies without load, under part of the load and beyond it.
#ifndef REMATCH_BENCH_RATES_H_
#define REMATCH_BENCH_RATES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "bench/figures.h"
#include "bench/load.h"
#include "bench/plots.h"
#include "bench/stage.h"

namespace rematch::bench {

struct RatesOptions {
  int rounds = 5;
  absl::Duration each = absl::Seconds(1);  // of measuring, per kind and round
  absl::Duration open = absl::Seconds(3);  // per share of the load
  absl::Duration past = absl::Seconds(1);  // of the maximum, and of twice as much, per round
  IdleOptions idle;
  int mentors = 6000;
  int candidates = 290'000;
  int asked = 120'000;
  int floor_threads = 16;
  size_t connections = 8;
  int streams = 64;
};

void DescribeRates(Figures& figures, bool with_targets);

// On a stage that nobody has used yet.
absl::Status MeasureRates(Stage& stage, const std::string& work_dir, const RatesOptions& options, Figures& figures, Plots& plots);

// Only the load of one kind ("hold", as in the names of figures, or "echo"), for whoever profiles: once it runs, the ids of the processes
// that it keeps busy are written to `pids_file`, one a line, behind their names.
absl::Status RunLoad(Stage& stage, const std::string& work_dir, const RatesOptions& options, const std::string& kind,
                     absl::Duration duration, bool one_at_a_time, const std::string& pids_file);

}  // namespace rematch::bench

#endif  // REMATCH_BENCH_RATES_H_
