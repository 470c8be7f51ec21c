#include "cli/cycles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rematch::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Cycles, WhatRepeatsIsOneCycle) {
  EXPECT_THAT(CyclesOf({"a", "b", "b", "b", "c"}), ElementsAre(Cycle{0, 1, 1}, Cycle{1, 1, 3}, Cycle{4, 1, 1}));
  EXPECT_THAT(CyclesOf({"a", "b", "c", "b", "c", "d"}), ElementsAre(Cycle{0, 1, 1}, Cycle{1, 2, 2}, Cycle{5, 1, 1}));
  EXPECT_THAT(CyclesOf({}), IsEmpty());
}

TEST(Cycles, TheOneThatCoversMostIsTaken) {
  EXPECT_THAT(CyclesOf({"a", "a", "b", "a", "a", "b"}), ElementsAre(Cycle{0, 3, 2}));
  EXPECT_THAT(CyclesOf({"a", "a", "b", "a", "a", "b"}, 1), ElementsAre(Cycle{0, 1, 2}, Cycle{2, 1, 1}, Cycle{3, 1, 2}, Cycle{5, 1, 1}));
}

}  // namespace
}  // namespace rematch::cli
