#include "request-service/domain/case_view.h"

#include "gtest/gtest.h"
#include "request-service/domain/causes.h"

namespace rematch::request {
namespace {

using Stage = v1::EscalationPolicy::Stage;

Case ACase() {
  Case c;
  c.set_current_mentor("current");
  c.add_struck("struck");
  Offer& refused = *c.add_offers();
  refused.set_mentor("refused");
  refused.set_cause(std::string(cause::kCandidateDeclined));
  Offer& asked = *c.add_offers();
  asked.set_mentor("asked");
  asked.set_state(v1::DECLINED);
  asked.set_message_sent(true);
  return c;
}

Stage To(Stage::Audience audience) {
  Stage stage;
  stage.set_audience(audience);
  return stage;
}

TEST(Audience, IsEverybodyWhoWasAskedBeforeIncluded_F9) {
  EXPECT_TRUE(IsInAudience(ACase(), Stage(), {.mentor = "any", .experienced = false}, false));
  EXPECT_TRUE(IsInAudience(ACase(), Stage(), {.mentor = "asked", .asked_by_then = true}, false));
}

TEST(Audience, LeavesOutWhoWasStruckOrRefusedByTheCandidate_F2_F13) {
  EXPECT_FALSE(IsInAudience(ACase(), Stage(), {.mentor = "struck"}, false));
  EXPECT_FALSE(IsInAudience(ACase(), Stage(), {.mentor = "refused"}, false));
}

TEST(Audience, TheCurrentMentorIsInItIfTheLeaderSaysSo_F20) {
  EXPECT_FALSE(IsInAudience(ACase(), Stage(), {.mentor = "current"}, false));
  EXPECT_TRUE(IsInAudience(ACase(), Stage(), {.mentor = "current"}, true));
}

TEST(Audience, OfAStageMayBeTheExperienced_F15) {
  const Stage stage = To(Stage::EXPERIENCED_MENTORS);
  EXPECT_TRUE(IsInAudience(ACase(), stage, {.mentor = "any", .experienced = true}, false));
  EXPECT_FALSE(IsInAudience(ACase(), stage, {.mentor = "any", .experienced = false}, false));
}

TEST(Audience, OfAStageMayBeThoseWhoWillNotHaveBeenAsked_F15) {
  const Stage stage = To(Stage::NOT_YET_ASKED);
  EXPECT_TRUE(IsInAudience(ACase(), stage, {.mentor = "any"}, false));
  EXPECT_FALSE(IsInAudience(ACase(), stage, {.mentor = "any", .asked_by_then = true}, false));
  EXPECT_FALSE(IsInAudience(ACase(), stage, {.mentor = "asked"}, false));
}

}  // namespace
}  // namespace rematch::request
