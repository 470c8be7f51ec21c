// Cases that have come to a certain point, to begin a test with.
#ifndef REMATCH_TESTS_REQUEST_STAGES_H_
#define REMATCH_TESTS_REQUEST_STAGES_H_

#include "gtest/gtest.h"
#include "platform/errors.h"
#include "tests/request/escalation_kit.h"

namespace rematch::request {

// A case in its first stage, the first seat being asked for.
inline Story Searching() {
  Story s;
  s.Open();
  s.Proceed();
  return s;
}

// The same, nobody in the pool: the broadcast's audience is to be chosen.
inline Story AtBroadcast() {
  Story s = Searching();
  s.NoneLeft();
  return s;
}

inline Story AtRecommendation() {
  Story s = AtBroadcast();
  EXPECT_TRUE(s.OpenBroadcast({}).ok());
  return s;
}

inline Story AtLeader() {
  Story s = AtRecommendation();
  s.policy.set_without_consent(v1::EscalationPolicy::NOBODY);
  EXPECT_TRUE(s.Consent(false).ok());
  return s;
}

inline Story Stuck() {
  Story s = AtLeader();
  EXPECT_TRUE(s.DeclineToTake().ok());
  return s;
}

// The first mentor, m1, is willing and confirmed.
inline Story Proposed() {
  Story s = Searching();
  s.Ask("m1");
  EXPECT_TRUE(s.Answer("o1", true).ok());
  EXPECT_TRUE(s.Confirm("o1").ok());
  return s;
}

inline Story Announcing() {
  Story s = Proposed();
  EXPECT_TRUE(s.Call(v1::AGREED).ok());
  s.Transferred();
  return s;
}

inline Story Completed() {
  Story s = Proposed();
  s.AgreeAndAnnounce();
  return s;
}

// A broadcast to m1, m2 and m3, all delivered.
inline Story Broadcast() {
  Story s = AtBroadcast();
  EXPECT_TRUE(s.OpenBroadcast({"m1", "m2", "m3"}).ok());
  s.Deliver(BROADCAST);
  return s;
}

inline const Effect::HoldNextSeat& LastHold(const Story& s) {
  for (const Effect& effect : s.last.effects) {
    if (effect.has_hold_next_seat()) return effect.hold_next_seat();
  }
  ADD_FAILURE() << "no seat was asked for";
  return Effect::HoldNextSeat::default_instance();
}

#define EXPECT_REFUSED(expr, why) EXPECT_EQ(ReasonOf(expr), why)

}  // namespace rematch::request

#endif  // REMATCH_TESTS_REQUEST_STAGES_H_
