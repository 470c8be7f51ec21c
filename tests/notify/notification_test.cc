#include "notify-service/domain/notification.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "notify-service/domain/reasons.h"
#include "platform/errors.h"

namespace rematch::notify {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'767'600'000);
using Kind = Outcome::Kind;

Progress Sending() {
  Progress progress;
  Begin(progress, {});
  return progress;
}

TEST(NotificationLife, FirstAttemptIsDurablySendingBeforeAnythingGoesOut_F40) {
  Progress progress;
  const Beginning beginning = Begin(progress, {});
  EXPECT_EQ(progress.state, State::kSending);
  EXPECT_FALSE(beginning.settle);
  EXPECT_TRUE(beginning.may_send);
  EXPECT_EQ(progress.attempts, 1);
}

TEST(NotificationLife, AnAttemptWhoseSenderDiedIsUnknownAndSettledFirst_F40) {
  Progress progress = Sending();
  const Beginning beginning = Begin(progress, {});
  EXPECT_EQ(progress.state, State::kUnknown);
  EXPECT_TRUE(beginning.settle);
}

TEST(NotificationLife, SentForgetsTheErrorBefore) {
  Progress progress = Sending();
  progress.last_error = "CONNECT";
  EXPECT_EQ(Finish(progress, {.kind = Kind::kSent}, {}, kNow, 0), absl::InfiniteFuture());
  EXPECT_EQ(progress.state, State::kSent);
  EXPECT_EQ(progress.last_error, "");
  EXPECT_EQ(progress.end, kNow);
}

TEST(NotificationLife, RetriesEndAfterTheLastTry) {
  const SendPolicy policy{.max_tries = 3};
  Progress progress;
  for (int i = 1; i <= 3; ++i) {
    Begin(progress, policy);
    const absl::Time again = Finish(progress, {.kind = Kind::kRetryLater, .error = "REJECTED_FOR_NOW"}, policy, kNow, 5);
    EXPECT_EQ(progress.state, i < 3 ? State::kQueued : State::kFailed);
    EXPECT_EQ(again == absl::InfiniteFuture(), i == 3);
  }
  EXPECT_EQ(progress.last_error, "REJECTED_FOR_NOW");
  EXPECT_FALSE(progress.may_have_arrived);
}

TEST(NotificationLife, AnOutageOfTheRelayTakesNoTryAndIsWaitedOutForDays_F39) {
  const SendPolicy policy{.max_tries = 2, .max_age = absl::Hours(96), .max_backoff = absl::Minutes(10)};
  Progress progress{.queued = kNow};
  absl::Time now = kNow;
  int outages = 0;
  absl::Duration longest;
  while (now < kNow + policy.max_age) {
    Begin(progress, policy);
    const absl::Time again = Finish(progress, {.kind = Kind::kRetryLater, .error = "CONNECT", .ours = true}, policy, now, 1024);
    ASSERT_EQ(progress.state, State::kQueued) << "after " << now - kNow;
    longest = std::max(longest, again - now);
    now = again;
    ++outages;
  }
  EXPECT_GT(outages, 500);
  EXPECT_EQ(longest, policy.max_backoff);
  EXPECT_EQ(progress.tries, 0) << "the recipient's own refusals still have all of them";
  Begin(progress, policy);
  EXPECT_EQ(Finish(progress, {.kind = Kind::kRetryLater, .error = "CONNECT", .ours = true}, policy, now, 0), absl::InfiniteFuture());
  EXPECT_EQ(progress.state, State::kFailed);
}

TEST(NotificationLife, AnOutageAfterABrokenOffSendTakesNoRepeat_F40) {
  const SendPolicy policy{.max_resends = 1};
  Progress progress{.state = State::kUnknown, .queued = kNow};
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(Begin(progress, policy).may_resend);
    Finish(progress, {.kind = Kind::kRetryLater, .error = "CONNECT", .ours = true, .resent = true, .maybe_before = true}, policy, kNow, 0);
    EXPECT_EQ(progress.state, State::kUnknown);
  }
}

TEST(NotificationLife, WhatMayHaveArrivedGoesOutAgainAFewTimesOnly_F40) {
  const SendPolicy policy{.max_tries = 12, .max_resends = 3};
  Progress progress{.queued = kNow};
  Begin(progress, policy);
  Finish(progress, {.kind = Kind::kUnknown, .error = "TIMEOUT"}, policy, kNow, 0);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(Begin(progress, policy).may_resend) << i;
    Finish(progress, {.kind = Kind::kUnknown, .error = "TIMEOUT", .resent = true, .maybe_before = true}, policy, kNow, 0);
  }
  const Beginning last = Begin(progress, policy);
  EXPECT_FALSE(last.may_resend);
  EXPECT_TRUE(last.may_send) << "if it turns out that nothing arrived";
  Finish(progress, {.kind = Kind::kCannotTell}, policy, kNow, 0);
  EXPECT_EQ(progress.state, State::kFailed);
  EXPECT_TRUE(progress.may_have_arrived);
  EXPECT_EQ(progress.last_error, "TIMEOUT");
}

TEST(NotificationLife, ARepeatThatKillsTheProcessEveryTimeComesToAnEnd_F40) {
  const SendPolicy policy{.max_resends = 2};
  Progress progress{.queued = kNow};
  Begin(progress, policy);
  int repeats = 0;
  while (Begin(progress, policy).may_resend) ASSERT_LT(++repeats, 10);
  EXPECT_EQ(repeats, 2);
}

TEST(NotificationLife, WhatWaitsItsTurnWhenTheSenderStopsHasLostNothing) {
  Progress progress{.queued = kNow};
  Begin(progress, {});
  EXPECT_EQ(Finish(progress, {.kind = Kind::kNotBegun}, {}, kNow, 0), kNow) << "due at once, for whoever lives";
  EXPECT_EQ(progress.state, State::kQueued);
  EXPECT_EQ(progress.attempts, 0);
  EXPECT_EQ(progress.tries, 0);

  progress.state = State::kUnknown;
  Begin(progress, {});
  EXPECT_EQ(Finish(progress, {.kind = Kind::kNotBegun}, {}, kNow, 0), kNow);
  EXPECT_EQ(progress.state, State::kUnknown) << "still to be settled";
  EXPECT_EQ(progress.resends, 0);

  Progress cancelled{.queued = kNow};
  Begin(cancelled, {});
  Cancel(cancelled, kNow);
  Finish(cancelled, {.kind = Kind::kNotBegun}, {}, kNow, 0);
  EXPECT_EQ(cancelled.state, State::kCancelled);
}

TEST(NotificationLife, WhatCannotBeReadFailsAtOnce_F40) {
  Progress progress{.queued = kNow};
  Begin(progress, {});
  EXPECT_EQ(Finish(progress, {.kind = Kind::kUnreadable, .error = "DAMAGED"}, {}, kNow, 0), absl::InfiniteFuture());
  EXPECT_EQ(progress.state, State::kFailed);
  EXPECT_EQ(progress.last_error, "DAMAGED");
  EXPECT_EQ(progress.attempts, 0);
  EXPECT_FALSE(progress.may_have_arrived);
  Progress unknown{.state = State::kUnknown, .queued = kNow};
  Begin(unknown, {});
  Finish(unknown, {.kind = Kind::kUnreadable, .error = "DAMAGED"}, {}, kNow, 0);
  EXPECT_TRUE(unknown.may_have_arrived);
}

TEST(NotificationLife, UnknownAfterTheLastTryIsStillSettledButNotSentAgain_F40) {
  const SendPolicy policy{.max_tries = 1};
  Progress progress;
  Begin(progress, policy);
  EXPECT_EQ(Finish(progress, {.kind = Kind::kUnknown, .error = "BROKE_OFF"}, policy, kNow, 0), kNow + policy.settle_delay);
  const Beginning beginning = Begin(progress, policy);
  EXPECT_TRUE(beginning.settle);
  EXPECT_FALSE(beginning.may_send);
  Finish(progress, {.kind = Kind::kCannotTell}, policy, kNow, 0);
  EXPECT_EQ(progress.state, State::kFailed);
}

TEST(NotificationLife, WhatMayHaveArrivedStaysUnknownWhenTheSecondHandOverFails_F40) {
  Progress progress;
  progress.state = State::kUnknown;
  Begin(progress, {});
  Finish(progress, {.kind = Kind::kRetryLater, .error = "CONNECT", .resent = true, .maybe_before = true}, {}, kNow, 0);
  EXPECT_EQ(progress.state, State::kUnknown);
}

TEST(NotificationLife, CancelledWhileQueuedIsFinal) {
  Progress progress;
  Cancel(progress, kNow);
  EXPECT_EQ(progress.state, State::kCancelled);
  EXPECT_EQ(PublicState(progress), v1::Notification::CANCELLED);
}

TEST(NotificationLife, CancelledWhileSendingShowsAsUnknownAndIsNotTriedAgain) {
  Progress progress = Sending();
  Cancel(progress, kNow);
  EXPECT_EQ(PublicState(progress), v1::Notification::UNKNOWN);
  Finish(progress, {.kind = Kind::kRetryLater, .error = "CONNECT"}, {}, kNow, 0);
  EXPECT_EQ(progress.state, State::kCancelled);
}

TEST(NotificationLife, CancelledTooLateEndsAsWhatTheTransportKnows) {
  const std::pair<Outcome, State> cases[] = {
      {{.kind = Kind::kSent}, State::kSent}, {{.kind = Kind::kNotSent}, State::kCancelled}, {{.kind = Kind::kCannotTell}, State::kFailed}};
  for (const auto& [outcome, state] : cases) {
    Progress progress;
    progress.state = State::kUnknown;
    Cancel(progress, kNow);
    EXPECT_FALSE(Begin(progress, {}).may_send);
    Finish(progress, outcome, {}, kNow, 0);
    EXPECT_EQ(progress.state, state);
    EXPECT_EQ(progress.may_have_arrived, outcome.kind == Kind::kCannotTell);
  }
}

TEST(NotificationLife, WhatMayHaveArrivedNeverEndsAsCancelled_F14_F24) {
  Progress refused{.state = State::kUnknown, .queued = kNow};
  Begin(refused, {});
  Cancel(refused, kNow);
  Finish(refused, {.kind = Kind::kRetryLater, .error = "REJECTED_FOR_NOW", .resent = true, .maybe_before = true}, {}, kNow, 0);
  EXPECT_EQ(refused.state, State::kFailed);
  EXPECT_TRUE(refused.may_have_arrived);

  Progress rejected{.state = State::kUnknown, .queued = kNow};
  Begin(rejected, {});
  Finish(rejected, {.kind = Kind::kRejectedForever, .error = "REJECTED_FOREVER", .resent = true, .maybe_before = true}, {}, kNow, 0);
  EXPECT_TRUE(rejected.may_have_arrived) << "the first of the two may have";

  ASSERT_TRUE(Retry(rejected, kNow).ok());
  Cancel(rejected, kNow);
  EXPECT_EQ(rejected.state, State::kFailed) << "a leader tried it again and called it back: the first may have arrived all the same";
  ASSERT_TRUE(Retry(rejected, kNow).ok());
  Begin(rejected, {});
  Finish(rejected, {.kind = Kind::kSent}, {}, kNow, 0);
  EXPECT_FALSE(rejected.may_have_arrived) << "it did";
}

TEST(NotificationLife, CancelAfterTheEndChangesNothing) {
  for (const State state : {State::kSent, State::kFailed}) {
    Progress progress;
    progress.state = state;
    Cancel(progress, kNow);
    EXPECT_EQ(progress.state, state);
    EXPECT_FALSE(progress.cancel_asked);
  }
}

TEST(NotificationLife, OnlyFailedIsTriedAgainAndGetsAllItsTries) {
  Progress progress;
  progress.state = State::kFailed;
  progress.tries = 12;
  progress.resends = 3;
  progress.pauses = 12;
  progress.attempts = 12;
  EXPECT_TRUE(Retry(progress, kNow).ok());
  EXPECT_EQ(progress.queued, kNow) << "its age counts from now";
  EXPECT_EQ(progress.resends, 0);
  EXPECT_EQ(progress.pauses, 0);
  EXPECT_EQ(progress.state, State::kQueued);
  EXPECT_EQ(progress.tries, 0);
  EXPECT_EQ(progress.attempts, 12);
  EXPECT_EQ(ReasonOf(Retry(progress, kNow)), reason::kNotFailed);
}

TEST(NotificationBounce, ASentOneThatComesBackHasFailedOnce_F39) {
  Progress progress{.state = State::kSent, .end = kNow};
  EXPECT_TRUE(Bounce(progress, kNow + absl::Hours(1)).ok());
  EXPECT_EQ(progress.state, State::kFailed);
  EXPECT_EQ(progress.last_error, "BOUNCED");
  EXPECT_EQ(progress.end, kNow + absl::Hours(1));
  EXPECT_FALSE(progress.may_have_arrived);
  EXPECT_TRUE(Bounce(progress, kNow + absl::Hours(2)).ok()) << "reported twice";
  EXPECT_EQ(progress.end, kNow + absl::Hours(1));
  for (const State state : {State::kQueued, State::kFailed, State::kUnknown, State::kCancelled, State::kSending}) {
    Progress other{.state = state};
    EXPECT_EQ(ReasonOf(Bounce(other, kNow)), reason::kNotSent);
    EXPECT_EQ(other.state, state);
  }
}

TEST(NotificationBackoff, GrowsFromTheFirstToTheLongestWithJitterOfAHalf) {
  const SendPolicy policy{.first_backoff = absl::Seconds(2), .max_backoff = absl::Seconds(60)};
  EXPECT_EQ(Backoff(1, policy, 0), absl::Seconds(1));
  EXPECT_EQ(Backoff(1, policy, 1024), absl::Seconds(2));
  EXPECT_EQ(Backoff(3, policy, 1024), absl::Seconds(8));
  EXPECT_EQ(Backoff(60, policy, 1024), absl::Seconds(60));
}

TEST(NotificationMessageId, IsFixedByTheNameAndTellsNothingOfIt_F8) {
  const std::string id = MessageId("consortia/c1/notifications/o1-official", "rematch.localhost");
  EXPECT_EQ(id, MessageId("consortia/c1/notifications/o1-official", "rematch.localhost"));
  EXPECT_NE(id, MessageId("consortia/c1/notifications/o2-official", "rematch.localhost"));
  EXPECT_EQ(id.find("official"), std::string::npos);
  EXPECT_EQ(id.size(), 40 + std::string("@rematch.localhost").size());
}

}  // namespace
}  // namespace rematch::notify
