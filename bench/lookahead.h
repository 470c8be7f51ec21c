// How long it takes to look ahead: rankings and forecasts over a large pool, one request at a time, and the checks of large policies and
// calendars.
#ifndef REMATCH_BENCH_LOOKAHEAD_H_
#define REMATCH_BENCH_LOOKAHEAD_H_

#include "absl/status/status.h"
#include "bench/figures.h"
#include "bench/stage.h"

namespace rematch::bench {

struct LookaheadOptions {
  int mentors = 10'000;  // of one program
  int rounds = 5;
  int calls = 20;  // of each kind, a round
};

void DescribeLookahead(Figures& figures);
absl::Status MeasureLookahead(Stage& stage, const LookaheadOptions& options, Figures& figures);

}  // namespace rematch::bench

#endif  // REMATCH_BENCH_LOOKAHEAD_H_
