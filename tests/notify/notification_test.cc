#include "notify-service/domain/notification.h"

#include <gtest/gtest.h>

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
    const absl::Time again = Finish(progress, {.kind = Kind::kRetryLater, .error = "CONNECT"}, policy, kNow, 5);
    EXPECT_EQ(progress.state, i < 3 ? State::kQueued : State::kFailed);
    EXPECT_EQ(again == absl::InfiniteFuture(), i == 3);
  }
  EXPECT_EQ(progress.last_error, "CONNECT");
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
  }
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
  progress.attempts = 12;
  EXPECT_TRUE(Retry(progress).ok());
  EXPECT_EQ(progress.state, State::kQueued);
  EXPECT_EQ(progress.tries, 0);
  EXPECT_EQ(progress.attempts, 12);
  EXPECT_EQ(ReasonOf(Retry(progress)), reason::kNotFailed);
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
