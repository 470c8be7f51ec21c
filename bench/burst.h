// Thousands of windows that end at the same instant: how long until every end is committed, and until every next mentor's message has been
// handed to notify-service; by one replica of request-service, by two, and when one of two is killed in the middle.
#ifndef REMATCH_BENCH_BURST_H_
#define REMATCH_BENCH_BURST_H_

#include "absl/status/status.h"
#include "bench/figures.h"
#include "bench/stage.h"

namespace rematch::bench {

struct BurstOptions {
  int cases = 6000;
  int programs = 100;
  int mentors = 10'000;
  int rounds = 3;
};

void DescribeBurst(Figures& figures, bool with_targets);
// Stages of its own, on `server`: what goes on is read in its tables.
absl::Status MeasureBurst(StageOptions options, demo::Mariadb& server, const BurstOptions& burst, Figures& figures);

}  // namespace rematch::bench

#endif  // REMATCH_BENCH_BURST_H_
