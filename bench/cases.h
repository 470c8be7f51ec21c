// Whole cases, each played by its people through all three services: opened, considered, one mentor asked by mail and willing, the match
// confirmed, the candidate called, and both official emails handed over.
#ifndef REMATCH_BENCH_CASES_H_
#define REMATCH_BENCH_CASES_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "bench/figures.h"
#include "bench/stage.h"
#include "bench/world.h"

namespace rematch::bench {

enum class PlayUntil {
  kAsked,  // the first mentor has the message
  kDone,   // both official emails are handed over
};

// Plays cases of the candidates from `first` on, many at once. People act on what they are told: leaders on the answers to their calls,
// mentors on their mail, of which notify-service's feed tells. Thread-safe.
class Players {
 public:
  Players(demo::Suite& suite, const World& world, std::string reply_key);
  ~Players();

  // Plays `count` cases, `at_once` at any time, and waits for their ends. The first error ends it. `finished` is told of each end, from any
  // thread.
  absl::Status Play(int64_t first, int64_t count, int at_once, PlayUntil until, const std::function<void()>& finished);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct CasesOptions {
  int rounds = 5;
  int cases = 2000;  // of a round
  int at_once = 256;
};

void DescribeCases(Figures& figures, bool with_targets);
// On a stage that nobody has used yet.
absl::Status MeasureCases(Stage& stage, const CasesOptions& options, Figures& figures);

}  // namespace rematch::bench

#endif  // REMATCH_BENCH_CASES_H_
