// What holds for every command. One rule a test; the number at the end of a name is that of the feature it proves. Story checks the
// invariants after every step.
#include "request-service/domain/escalation.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "request-service/domain/reasons.h"
#include "tests/request/stages.h"

namespace rematch::request {
namespace {

using ::testing::IsEmpty;

TEST(Apply, AnEmptyCommandIsInvalid) { EXPECT_EQ(Story().Do(Command()).code(), absl::StatusCode::kInvalidArgument); }

TEST(Apply, ACaseThatIsNotThereIsNotFoundByPeopleAndIgnoredByFacts) {
  Story s;
  EXPECT_REFUSED(s.Withdraw(), reason::kCaseNotFound);
  Command due;
  due.mutable_due();
  EXPECT_TRUE(s.Do(due).ok());
  EXPECT_THAT(s.events, IsEmpty());
}

TEST(Apply, TheSameArgumentsDecideTheSame_F25) {
  const Story s = Broadcast();
  Command command;
  command.mutable_withdraw();
  const Decision once = *Apply(s.c, command, {.policy = s.policy, .time = s.time}, s.now);
  const Decision again = *Apply(s.c, command, {.policy = s.policy, .time = s.time}, s.now);
  ASSERT_EQ(once.events.size(), again.events.size());
  for (size_t i = 0; i < once.events.size(); ++i) EXPECT_EQ(once.events[i].SerializeAsString(), again.events[i].SerializeAsString());
}

}  // namespace
}  // namespace rematch::request
