// Many worlds, each by its seed: see world.h.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_join.h"
#include "tests/simulation/simulate.h"
#include "tests/tier.h"

namespace rematch::simulation {
namespace {

std::string Words(const Failure& failure) {
  return absl::StrCat("seed ", failure.seed, ": ", failure.broken, "\n", absl::StrJoin(failure.story, "\n"));
}

TEST(Simulation, NoRuleIsBrokenWhateverGoesWrong_F7_F8_F11_F17_F29_F30_F32_F33_F34_F36_F39_F40_F41_F44) {
  const Outcome outcome = Simulate({.first_seed = 1, .seeds = static_cast<uint64_t>(InTier(500, 20'000))});
  ASSERT_FALSE(outcome.failure.has_value()) << Words(*outcome.failure);
  EXPECT_GT(outcome.coverage.cases, outcome.coverage.runs / 2);
  for (size_t i = 0; i < outcome.coverage.faults.size(); ++i)
    EXPECT_GT(outcome.coverage.faults[i], 0) << kFaultNames[i] << " never happened";
  for (size_t i = 0; i < outcome.coverage.meetings.size(); ++i)
    EXPECT_GT(outcome.coverage.meetings[i], 0) << kMeetingNames[i] << " never came about";
  if (InTier(0, 1) == 0) return;
  for (const std::string& cell : AllCells()) EXPECT_TRUE(outcome.coverage.commands.contains(cell)) << cell << " never came about";
}

// Without this a failure could not be looked at.
TEST(Simulation, ASeedDecidesEverything) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    const Outcome first = Simulate({.first_seed = seed, .seeds = 1});
    const Outcome second = Simulate({.first_seed = seed, .seeds = 1});
    EXPECT_EQ(first.coverage.events, second.coverage.events) << seed;
    EXPECT_EQ(first.coverage.commands, second.coverage.commands) << seed;
    EXPECT_EQ(first.coverage.faults, second.coverage.faults) << seed;
    EXPECT_EQ(first.coverage.meetings, second.coverage.meetings) << seed;
  }
}

}  // namespace
}  // namespace rematch::simulation
