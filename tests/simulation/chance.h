// Where everything random of a simulated run comes from. Each step draws from a generator of its own, made of the seed and the step's
// number, so that a step that is left out (to find a shorter run that fails) changes none of what the others draw.
#ifndef REMATCH_TESTS_SIMULATION_CHANCE_H_
#define REMATCH_TESTS_SIMULATION_CHANCE_H_

#include <cstdint>
#include <random>
#include <vector>

#include "absl/time/time.h"

namespace rematch::simulation {

class Chance {
 public:
  void Reseed(uint64_t seed, uint64_t step) {
    std::seed_seq both{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32), static_cast<uint32_t>(step)};
    engine_.seed(both);
  }
  // From 0 to n - 1; 0 for n < 1.
  int Pick(int n) { return n < 2 ? 0 : static_cast<int>(engine_() % static_cast<uint32_t>(n)); }
  bool Percent(int percent) { return Pick(100) < percent; }
  bool PerMille(int per_mille) { return Pick(1000) < per_mille; }
  absl::Duration UpTo(absl::Duration most) { return most * static_cast<double>(Pick(1'000'000)) / 1'000'000; }
  template <typename T>
  const T& Of(const std::vector<T>& all) {
    return all[static_cast<size_t>(Pick(static_cast<int>(all.size())))];
  }

 private:
  std::minstd_rand engine_;
};

}  // namespace rematch::simulation

#endif  // REMATCH_TESTS_SIMULATION_CHANCE_H_
