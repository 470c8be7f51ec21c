// Runs of a simulated suite, by seed: one after another, each replayed and made shorter if something breaks.
#ifndef REMATCH_TESTS_SIMULATION_SIMULATE_H_
#define REMATCH_TESTS_SIMULATION_SIMULATE_H_

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/faults.h"
#include "tests/simulation/meetings.h"

namespace rematch::simulation {

struct Options {
  uint64_t first_seed = 1;
  uint64_t seeds = 1;
  int steps = 0;            // 0: by the seed
  bool keep_going = false;  // past seeds that fail
};

struct Failure {
  uint64_t seed = 0;
  std::string broken;
  int steps = 0;                   // that were played when it broke
  int needed = 0;                  // that are left when it is made shorter
  std::vector<std::string> story;  // of these
};

// What was reached, over all runs.
struct Coverage {
  uint64_t runs = 0;
  uint64_t cases = 0;
  std::array<int64_t, static_cast<size_t>(Fault::kCount)> faults = {};
  std::array<int64_t, static_cast<size_t>(Meeting::kCount)> meetings = {};
  std::map<std::string, int64_t> events;    // by type
  std::map<std::string, int64_t> commands;  // "STATE Command", of the state machine; PAUSED is a state of its own here
};

struct Outcome {
  Coverage coverage;
  std::optional<Failure> failure;              // the first, made shorter; it ends the runs
  std::map<uint64_t, std::string> all_broken;  // with keep_going: every seed that failed, and of what
};

// Runs seeds first_seed, first_seed + 1 ... until one fails.
Outcome Simulate(const Options& options);

// The seed again, by itself, made shorter.
Failure Explain(uint64_t seed, int steps);

// How many steps this seed plays.
int StepsOf(uint64_t seed);

// Every state by every command that can come about, in the words of Coverage::commands.
std::vector<std::string> AllCells();

}  // namespace rematch::simulation

#endif  // REMATCH_TESTS_SIMULATION_SIMULATE_H_
