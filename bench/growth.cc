#include "bench/growth.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bench/load.h"
#include "bench/workload.h"
#include "platform/errors.h"

namespace rematch::bench {
namespace {

using Pointer = std::unique_ptr<Operation> Workload::*;

struct Kind {
  const char* name;
  const char* title;
  Pointer operation;
};
constexpr std::array<Kind, 3> kOfCases = {{
    {"get_reassignment", "GetReassignment", &Workload::get_case},
    {"create", "CreateReassignment", &Workload::create},
    {"respond", "RespondToOffer", &Workload::respond},
}};
constexpr std::array<Kind, 3> kOfMentors = {{
    {"get_mentor", "GetMentor", &Workload::get_mentor},
    {"hold", "HoldSeat", &Workload::hold},
    {"find", "FindEligibleMentors", &Workload::find_mentors},
}};

constexpr int kMentorsOfProgram = 100;
constexpr int kConnections = 4;
constexpr int kWritesOfSecond = 5'000;   // as many cases, open and asked, are at hand for a second of measuring
constexpr double kRateAtFirst = 10'000;  // a guess
constexpr absl::Duration kWarmUp = absl::Milliseconds(100);
constexpr absl::Duration kShortest = absl::Milliseconds(150);

// A stage, with the requests that are made of it.
struct Sized {
  int64_t size = 0;
  std::unique_ptr<Stage> stage;
  World world;
  Workload workload;
};

Workload MakeRequests(const Sized& sized, std::vector<SeededCase> asked) {
  demo::Suite& suite = sized.stage->suite();
  return MakeWorkload({.addresses = {.echo = "",
                                     .floor = "",
                                     .mentor = suite.address(demo::Part::kMentor),
                                     .notify = suite.address(demo::Part::kNotify),
                                     .request = suite.address(demo::Part::kRequest)},
                       .world = sized.world,
                       .asked = std::move(asked),
                       .reply_key = sized.stage->reply_key(),
                       .connections = kConnections});
}

// How long to measure, so that requests that are made only once last for the rounds that are still to come.
absl::Duration TimeOf(const Operation& operation, double rate, const GrowthOptions& growth, int round) {
  const double share = static_cast<double>(operation.left()) / (growth.rounds - round);
  const absl::Duration lasts = absl::Seconds(share / (rate > 0 ? rate : kRateAtFirst)) - kWarmUp;
  return std::clamp(lasts, std::min(kShortest, growth.each), growth.each);
}

// Microseconds an operation takes of the machine, by kind and size, a value a round.
using Times = std::map<std::string, std::map<int64_t, std::vector<double>>>;

template <typename Kinds>
absl::StatusOr<Times> TakeTurns(std::deque<Sized>& all, const Kinds& kinds, const GrowthOptions& growth) {
  Times times;
  std::map<std::pair<const Sized*, std::string>, double> rates;  // at last
  for (int round = 0; round < growth.rounds; ++round) {
    Say(absl::StrCat("  round ", round + 1, " of ", growth.rounds));
    for (const Kind& kind : kinds) {
      for (Sized& sized : all) {
        Operation& operation = *(sized.workload.*kind.operation);
        const auto outcome =
            RunClosed(operation, {.warm_up = kWarmUp, .duration = TimeOf(operation, rates[{&sized, kind.name}], growth, round)});
        // A small roster has only so many seats.
        if (outcome.status().code() == absl::StatusCode::kOutOfRange) continue;
        REMATCH_RETURN_IF_ERROR(outcome.status());
        rates[{&sized, kind.name}] = outcome->rate();
        times[kind.name][sized.size].push_back(1e6 * outcome->seconds / static_cast<double>(std::max<int64_t>(outcome->right, 1)));
      }
    }
  }
  return times;
}

template <typename Kinds>
void Report(const Times& times, const Kinds& kinds, const std::string& prefix, const std::string& what, Figures& figures, Plots& plots) {
  LinePlot plot{.file = prefix, .title = absl::StrCat("Time per operation over ", what, " stored"), .x = what, .y = "us", .log_x = true};
  std::vector<double> worst;  // ratios of the operation that grows most
  for (const Kind& kind : kinds) {
    const auto found = times.find(kind.name);
    if (found == times.end()) continue;
    Curve curve{.title = kind.title, .points = {}};
    for (const auto& [size, rounds] : found->second) {
      curve.points.emplace_back(static_cast<double>(size), MedianOf(rounds));
    }
    plot.curves.push_back(std::move(curve));
    const std::vector<double>& small = found->second.begin()->second;
    const std::vector<double>& large = found->second.rbegin()->second;
    std::vector<double> ratios;  // by round
    for (size_t round = 0; round < std::min(small.size(), large.size()); ++round) ratios.push_back(large[round] / small[round]);
    for (const double ratio : ratios) figures.Add(absl::StrCat(prefix, "_", kind.name), ratio);
    if (MedianOf(ratios) > MedianOf(worst)) worst = std::move(ratios);
  }
  for (const double ratio : worst) figures.Add(prefix, ratio);
  plots.lines.push_back(std::move(plot));
}

absl::Status OverCases(const StageOptions& options, demo::Mariadb* server, const GrowthOptions& growth, Figures& figures, Plots& plots) {
  const double seconds = growth.rounds * absl::ToDoubleSeconds(growth.each + kWarmUp);
  const int supply = static_cast<int>(seconds * kWritesOfSecond);
  std::deque<Sized> all;  // which stay where they are: a workload refers to its world
  for (const int64_t size : growth.cases) {
    Say(absl::StrCat("growth: storing ", size, " cases"));
    Sized& sized = all.emplace_back();
    sized.size = size;
    REMATCH_ASSIGN_OR_RETURN(sized.stage, Stage::Start(options, server, absl::StrCat("cases", size)));
    REMATCH_ASSIGN_OR_RETURN(sized.world, Import(sized.stage->suite(), {.mentors = 1000, .candidates = supply}));
    REMATCH_ASSIGN_OR_RETURN(std::vector<SeededCase> stored, sized.stage->AddCases(sized.world, 0, size, Until::kOpened));
    // The same number of answers for all, on top of what is there.
    REMATCH_ASSIGN_OR_RETURN(std::vector<SeededCase> asked, sized.stage->AddCases(sized.world, size, supply, Until::kAsked));
    sized.workload = MakeRequests(sized, std::move(asked));
    // Any of all cases is read.
    sized.workload.get_case = std::move(MakeRequests(sized, std::move(stored)).get_case);
  }
  REMATCH_ASSIGN_OR_RETURN(const Times times, TakeTurns(all, kOfCases, growth));
  Report(times, kOfCases, "growth", "cases", figures, plots);
  return absl::OkStatus();
}

absl::Status OverMentors(const StageOptions& options, demo::Mariadb* server, const GrowthOptions& growth, Figures& figures, Plots& plots) {
  std::deque<Sized> all;  // which stay where they are: a workload refers to its world
  for (const int size : growth.mentors) {
    Say(absl::StrCat("growth: storing ", size, " mentors"));
    Sized& sized = all.emplace_back();
    sized.size = size;
    REMATCH_ASSIGN_OR_RETURN(sized.stage, Stage::Start(options, server, absl::StrCat("mentors", size)));
    REMATCH_ASSIGN_OR_RETURN(
        sized.world, Import(sized.stage->suite(),
                            {.programs = std::max(size / kMentorsOfProgram, 1), .mentors = size, .candidates = std::max(size, 1000)}));
    sized.workload = MakeRequests(sized, {});
  }
  REMATCH_ASSIGN_OR_RETURN(const Times times, TakeTurns(all, kOfMentors, growth));
  Report(times, kOfMentors, "growth_mentors", "mentors", figures, plots);
  return absl::OkStatus();
}

}  // namespace

void DescribeGrowth(Figures& figures, bool with_targets) {
  const std::optional<double> at_most = with_targets ? std::optional<double>(1.3) : std::nullopt;
  figures.Describe({.name = "growth", .title = "growth of time per operation over cases (worst)", .unit = "", .at_most = at_most});
  for (const Kind& kind : kOfCases) {
    figures.Describe({.name = absl::StrCat("growth_", kind.name), .title = absl::StrCat("  ", kind.title), .unit = ""});
  }
  figures.Describe(
      {.name = "growth_mentors", .title = "growth of time per operation over mentors (worst)", .unit = "", .at_most = at_most});
  for (const Kind& kind : kOfMentors) {
    figures.Describe({.name = absl::StrCat("growth_mentors_", kind.name), .title = absl::StrCat("  ", kind.title), .unit = ""});
  }
}

absl::Status MeasureGrowth(const StageOptions& options, demo::Mariadb* server, const GrowthOptions& growth, Figures& figures,
                           Plots& plots) {
  REMATCH_RETURN_IF_ERROR(OverCases(options, server, growth, figures, plots));
  return OverMentors(options, server, growth, figures, plots);
}

}  // namespace rematch::bench
