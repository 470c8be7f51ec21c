// Cases that are there already when the measuring begins. They go through the same door and the same state machine as those of the
// service, in this process and without peers: what a peer would have answered is given as a command.
#ifndef REMATCH_BENCH_SEED_H_
#define REMATCH_BENCH_SEED_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bench/world.h"

namespace rematch::bench {

struct SeededCase {
  std::string name;
  std::string candidate;
  std::string offer;  // of the mentor who is being asked
  int32_t epoch = 0;  // of its reply code
};

enum class Until {
  kOpened,  // in review
  kAsked,   // one mentor has the message and their window runs
};

// `count` cases of candidates that exist nowhere else, numbered from `first`, in turn of each program, into the store of request-service at
// `database`. On SQLite the service must not run. `policy` is a text proto.
absl::StatusOr<std::vector<SeededCase>> Seed(const std::string& database, const std::string& policy, const World& world, int64_t first,
                                             int64_t count, Until until);

}  // namespace rematch::bench

#endif  // REMATCH_BENCH_SEED_H_
