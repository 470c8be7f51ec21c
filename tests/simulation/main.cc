// rematch-simulate: runs the suite in one thread, by seed, and looks for broken rules. `./dev simulate` builds and starts it.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "platform/log.h"
#include "tests/simulation/simulate.h"

ABSL_FLAG(uint64_t, seeds, 0, "how many runs, from --seed on; 0: that one alone, and what happened in it if something breaks");
ABSL_FLAG(uint64_t, seed, 1, "the first run");
ABSL_FLAG(int, steps, 0, "how many steps a run plays; 0: by its seed, 50 to 400");
ABSL_FLAG(int, jobs, 1, "processes side by side");
ABSL_FLAG(bool, keep_going, false, "list every seed that fails, instead of telling of the first");
ABSL_FLAG(bool, coverage, false, "say what was reached");

namespace {

namespace simulation = rematch::simulation;

void PrintFailure(const simulation::Failure& failure) {
  for (const std::string& line : failure.story) std::cout << line << "\n";
  std::cout << "\nseed " << failure.seed << ": " << failure.broken << "\n"
            << "broke after " << failure.steps << " steps; " << failure.needed << " of them, told above, are enough\n"
            << "again: ./dev simulate --seed " << failure.seed << "\n";
}

void PrintCoverage(const simulation::Coverage& coverage) {
  std::cout << "faults:";
  for (size_t i = 0; i < coverage.faults.size(); ++i)
    std::cout << (i > 0 ? ", " : " ") << simulation::kFaultNames[i] << " " << coverage.faults[i];
  std::cout << "\nwhere programs met:";
  for (size_t i = 0; i < coverage.meetings.size(); ++i)
    std::cout << (i > 0 ? ", " : " ") << simulation::kMeetingNames[i] << " " << coverage.meetings[i];
  std::cout << "\nevents:";
  bool first = true;
  for (const auto& [type, count] : coverage.events) {
    std::cout << (first ? " " : ", ") << type << " " << count;
    first = false;
  }
  std::vector<std::string> missed;
  for (const std::string& cell : simulation::AllCells()) {
    if (!coverage.commands.contains(cell)) missed.push_back(cell);
  }
  std::cout << "\nstate x command: " << simulation::AllCells().size() - missed.size() << " of " << simulation::AllCells().size()
            << " reached";
  for (const std::string& cell : missed) std::cout << "\n  not reached: " << cell;
  std::cout << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Runs the whole suite in one thread under a virtual clock, with people and faults drawn from a seed.");
  if (absl::ParseCommandLine(argc, argv).size() != 1) {
    std::cerr << "rematch-simulate: takes flags only; see --help\n";
    return 2;
  }
  const bool one = absl::GetFlag(FLAGS_seeds) == 0;
  simulation::Options options = {.first_seed = absl::GetFlag(FLAGS_seed),
                                 .seeds = absl::GetFlag(FLAGS_seeds),
                                 .steps = absl::GetFlag(FLAGS_steps),
                                 .keep_going = absl::GetFlag(FLAGS_keep_going)};
  int jobs = std::clamp(absl::GetFlag(FLAGS_jobs), 1, 64);
  rematch::log::Configure("simulation", "off").IgnoreError();

  if (one) {
    const int steps = options.steps > 0 ? options.steps : simulation::StepsOf(options.first_seed);
    const simulation::Failure failure = simulation::Explain(options.first_seed, steps);
    if (failure.broken.empty()) {
      std::cout << "seed " << options.first_seed << ": " << steps << " steps, nothing is broken\n";
      return 0;
    }
    PrintFailure(failure);
    return 1;
  }
  const auto begin = std::chrono::steady_clock::now();
  // Each process takes a share of the seeds, one after another.
  const uint64_t share = (options.seeds + jobs - 1) / jobs;
  std::vector<pid_t> children;
  for (int i = 0; i + 1 < jobs; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      options.first_seed += share * i;
      options.seeds = share;
      children.clear();
      jobs = 0;
      break;
    }
    children.push_back(child);
  }
  const bool is_child = jobs == 0;
  if (!is_child && jobs > 1) {
    options.first_seed += share * (jobs - 1);
    options.seeds -= std::min(options.seeds, share * (jobs - 1));
  }
  const simulation::Outcome outcome = simulation::Simulate(options);
  if (outcome.failure.has_value()) PrintFailure(*outcome.failure);
  for (const auto& [seed, broken] : outcome.all_broken) std::cout << "seed " << seed << ": " << broken << "\n";
  bool failed = outcome.failure.has_value() || !outcome.all_broken.empty();
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    failed |= status != 0;
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf("%llu runs from seed %llu: %llu cases, %.0f a second\n", static_cast<unsigned long long>(outcome.coverage.runs),
              static_cast<unsigned long long>(options.first_seed), static_cast<unsigned long long>(outcome.coverage.cases),
              static_cast<double>(outcome.coverage.cases) / seconds);
  std::fflush(stdout);
  if (absl::GetFlag(FLAGS_coverage)) PrintCoverage(outcome.coverage);
  std::cout.flush();
  if (is_child) _exit(failed ? 1 : 0);
  return failed ? 1 : 0;
}
