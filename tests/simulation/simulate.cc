#include "tests/simulation/simulate.h"

#include <algorithm>
#include <memory>
#include <set>

#include "absl/strings/str_cat.h"
#include "tests/simulation/apply_counter.h"
#include "tests/simulation/world.h"

namespace rematch::simulation {
namespace {

struct Played {
  std::string broken;
  int step = 0;
  std::vector<std::string> story;
};

Played Play(uint64_t seed, int steps, const std::set<int>& left_out, bool story, Coverage* coverage) {
  World world(seed, story);
  Played played{.broken = world.Play(steps, left_out), .step = std::min(world.step(), steps), .story = world.story()};
  if (coverage != nullptr) {
    ++coverage->runs;
    coverage->cases += world.cases();
    for (size_t i = 0; i < coverage->faults.size(); ++i) coverage->faults[i] += world.faults().counts()[i];
    for (size_t i = 0; i < coverage->meetings.size(); ++i) coverage->meetings[i] += world.meetings().counts()[i];
    for (const auto& [type, count] : world.invariants().seen()) coverage->events[type] += count;
  }
  return played;
}

// The kind of what broke, without the names in it.
std::string KindOf(const std::string& broken) { return broken.substr(0, broken.find(':')); }

}  // namespace

int StepsOf(uint64_t seed) { return 50 + static_cast<int>(seed % 8) * 50; }

Failure Explain(uint64_t seed, int steps) {
  const Played first = Play(seed, steps, {}, false, nullptr);
  Failure failure{.seed = seed, .broken = first.broken, .steps = first.step, .needed = 0, .story = {}};
  if (first.broken.empty()) return failure;
  // Steps that are not needed are left out, in ever smaller pieces, as long as the same kind of thing breaks.
  const int last = first.step;
  std::set<int> left_out;
  for (int piece = std::max(last / 2, 1); piece >= 1; piece = piece == 1 ? 0 : std::max(piece / 2, 1)) {
    for (int begin = 1; begin <= last; begin += piece) {
      std::set<int> more = left_out;
      for (int i = begin; i < begin + piece && i <= last; ++i) more.insert(i);
      if (more.size() == left_out.size()) continue;
      if (KindOf(Play(seed, last, more, false, nullptr).broken) == KindOf(first.broken)) left_out = std::move(more);
    }
  }
  const Played shortest = Play(seed, last, left_out, true, nullptr);
  failure.broken = shortest.broken;
  failure.needed = last - static_cast<int>(left_out.size());
  failure.story = shortest.story;
  return failure;
}

Outcome Simulate(const Options& options) {
  Outcome outcome;
  StartCounting();
  for (uint64_t seed = options.first_seed; seed < options.first_seed + options.seeds; ++seed) {
    const int steps = options.steps > 0 ? options.steps : StepsOf(seed);
    const Played played = Play(seed, steps, {}, false, &outcome.coverage);
    if (played.broken.empty()) continue;
    if (options.keep_going) {
      outcome.all_broken[seed] = played.broken;
      continue;
    }
    outcome.failure = Explain(seed, steps);
    // The same seed must break the same, or the run is not decided by it.
    if (outcome.failure->broken.empty())
      outcome.failure->broken = absl::StrCat("a run that its seed does not decide; it broke with ", played.broken);
    break;
  }
  outcome.coverage.commands = StopCounting();
  return outcome;
}

}  // namespace rematch::simulation
