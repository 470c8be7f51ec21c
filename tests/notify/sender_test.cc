#include "notify-service/loops/sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "notify-service/domain/reasons.h"
#include "tests/notify/notify_kit.h"

namespace rematch::notify {
namespace {

using ::testing::ElementsAre;
using Kind = Outcome::Kind;
using Settlement = MailTransport::Settlement;

class SenderTest : public NotifyKit {
 protected:
  void Accept(const std::string& key) { ASSERT_TRUE(r().Do(AcceptOf(SendRequest(key))).ok()); }
  // As if this replica had died between handing over and committing: SENDING is durable, nothing follows.
  void BeginAndDie(const std::string& key) {
    const auto due = r().store().OwnDue(clock_.Now(), 1);
    ASSERT_TRUE(due.ok() && due->size() == 1u);
    ASSERT_TRUE(r().door().Commit({}, BeginSend{.target = {.consortium = "c1", .id = key}, .epoch = due->front().epoch}).ok());
  }
  // Another replica watches this one stand still until its lease is over.
  std::unique_ptr<Replica> Successor() {
    auto next = std::make_unique<Replica>(*database_, clock_, random_, transport_, "replica-2", policy_);
    EXPECT_TRUE(next->leases().Beat().ok());
    clock_.Advance(absl::Seconds(11));
    EXPECT_TRUE(next->leases().Beat().ok());
    return next;
  }
};

TEST_F(SenderTest, SendsWhatWasJustAcceptedWithoutWaiting) {
  Accept("k1");
  r().Send();
  ASSERT_EQ(transport_.sent().size(), 1u);
  const Message message = transport_.sent()[0];
  EXPECT_EQ(message.to.email, "ana@example.org");
  EXPECT_EQ(message.reply_to.email, "leader@example.org");
  EXPECT_EQ(message.from.email, "from@example.org");
  EXPECT_EQ(r().Get("k1").state(), v1::Notification::SENT);
  EXPECT_EQ(r().Get("k1").attempts(), 1);
  EXPECT_THAT(r().Feed(), ElementsAre("k1:SENT"));
}

TEST_F(SenderTest, TriesAgainAfterAPauseThatGrows) {
  Accept("k1");
  transport_.Next({{.kind = Kind::kRetryLater, .error = "CONNECT"}, {.kind = Kind::kRetryLater, .error = "REJECTED_FOR_NOW"}});
  r().Send();
  EXPECT_EQ(transport_.tries(), 1);
  EXPECT_EQ(r().Get("k1").state(), v1::Notification::QUEUED);
  EXPECT_EQ(r().Get("k1").last_error(), "CONNECT");
  clock_.Advance(policy_.first_backoff);
  r().Send();
  EXPECT_EQ(transport_.tries(), 2);
  clock_.Advance(policy_.first_backoff / 2);
  r().Send();
  EXPECT_EQ(transport_.tries(), 2) << "the second pause is longer";
  clock_.Advance(policy_.first_backoff * 2);
  r().Send();
  EXPECT_EQ(r().Get("k1").state(), v1::Notification::SENT);
  EXPECT_EQ(r().Get("k1").attempts(), 3);
  EXPECT_THAT(r().Feed(), ElementsAre("k1:SENT"));
}

TEST_F(SenderTest, GivesUpAfterAllTriesAndSaysSo_F39) {
  policy_.max_tries = 2;
  Open("sqlite::memory:");
  Accept("k1");
  transport_.Next({{.kind = Kind::kRetryLater, .error = "CONNECT"}, {.kind = Kind::kRetryLater, .error = "CONNECT"}});
  r().Send();
  clock_.Advance(absl::Minutes(1));
  r().Send();
  EXPECT_EQ(r().Get("k1").state(), v1::Notification::FAILED);
  EXPECT_THAT(r().Feed(), ElementsAre("k1:FAILED"));
  clock_.Advance(absl::Hours(1));
  r().Send();
  EXPECT_EQ(transport_.tries(), 2);
}

TEST_F(SenderTest, ARefusedRecipientFailsAtOnceAndHoldsUpNobody_F39) {
  transport_.Refuse("gone@example.org");
  ASSERT_TRUE(r().Do(AcceptOf(SendRequest("k1", "gone@example.org"))).ok());
  Accept("k2");
  r().Send();
  EXPECT_EQ(r().Get("k1").state(), v1::Notification::FAILED);
  EXPECT_EQ(r().Get("k2").state(), v1::Notification::SENT);
}

TEST_F(SenderTest, UnknownIsSettledBeforeAnySecondSend_F40) {
  Accept("k1");
  transport_.Next({{.kind = Kind::kUnknown, .error = "BROKE_OFF"}});
  transport_.SettleAs(Settlement::kSent);
  r().Send();
  EXPECT_EQ(r().Get("k1").state(), v1::Notification::UNKNOWN);
  r().Send();
  EXPECT_EQ(transport_.settled(), 0) << "not before the settle delay";
  clock_.Advance(policy_.settle_delay);
  r().Send();
  EXPECT_EQ(transport_.settled(), 1);
  EXPECT_EQ(transport_.tries(), 1) << "it had arrived: no second send";
  EXPECT_THAT(r().Feed(), ElementsAre("k1:UNKNOWN", "k1:SENT"));
}

TEST_F(SenderTest, UnknownThatNobodyCanTellGoesOutAgainWithTheSameMessageId_F40) {
  Accept("k1");
  transport_.Next({{.kind = Kind::kUnknown, .error = "BROKE_OFF"}});
  transport_.SettleAs(Settlement::kCannotTell);
  r().Send();
  clock_.Advance(policy_.settle_delay);
  r().Send();
  ASSERT_EQ(transport_.sent().size(), 1u);
  EXPECT_EQ(transport_.sent()[0].message_id, r().Get("k1").message_id());
  EXPECT_EQ(r().Get("k1").attempts(), 2);
  EXPECT_THAT(r().Feed(), ElementsAre("k1:UNKNOWN", "k1:SENT"));
}

TEST_F(SenderTest, AMessageCalledBackWhileUnknownIsNotSentAgain_F14) {
  Accept("k1");
  transport_.Next({{.kind = Kind::kUnknown, .error = "BROKE_OFF"}});
  r().Send();
  EXPECT_EQ(r().Do(CallBack{.target = {.consortium = "c1", .id = "k1"}})->state(), v1::Notification::UNKNOWN);
  transport_.SettleAs(Settlement::kNotSent);
  clock_.Advance(policy_.settle_delay);
  r().Send();
  EXPECT_EQ(transport_.tries(), 1);
  EXPECT_EQ(r().Get("k1").state(), v1::Notification::CANCELLED);
}

TEST_F(SenderTest, WhatADeadReplicaWasSendingIsSettledByAnother_F40) {
  Accept("k1");
  BeginAndDie("k1");
  transport_.SettleAs(Settlement::kSent);
  // The dead one must have shown that it lived.
  ASSERT_TRUE(r().leases().Beat().ok());
  const auto next = Successor();
  next->Send();
  EXPECT_EQ(transport_.settled(), 1);
  EXPECT_EQ(transport_.tries(), 0);
  EXPECT_EQ(next->Get("k1").state(), v1::Notification::SENT);
  EXPECT_THAT(next->Feed(), ElementsAre("k1:UNKNOWN", "k1:SENT"));
}

TEST_F(SenderTest, WhatADeadReplicaHadAcceptedIsSentByAnother_F40) {
  Accept("k1");
  ASSERT_TRUE(r().leases().Beat().ok());
  const auto next = Successor();
  next->Send();
  EXPECT_EQ(transport_.sent().size(), 1u);
  EXPECT_EQ(next->Get("k1").state(), v1::Notification::SENT);
}

TEST_F(SenderTest, AReplicaThatSleptThroughItsLeaseWritesNothingStale_F40) {
  Accept("k1");
  BeginAndDie("k1");
  ASSERT_TRUE(r().leases().Beat().ok());
  const auto next = Successor();
  transport_.SettleAs(Settlement::kSent);
  next->Send();
  const auto late = r().door().Commit({}, FinishSend{.target = {.consortium = "c1", .id = "k1"},
                                                     .epoch = 1,
                                                     .beginning = 1,
                                                     .outcome = {.kind = Kind::kRejectedForever, .error = "REJECTED_FOREVER"}});
  EXPECT_EQ(ReasonOf(late.status()), reason::kClaimLost);
  EXPECT_EQ(next->Get("k1").state(), v1::Notification::SENT);
}

TEST_F(SenderTest, AnOutcomeOfAnEarlierLifeOfTheMessageIsNotTakenForThisOne) {
  Accept("k1");
  transport_.Next({{.kind = Kind::kRejectedForever, .error = "REJECTED_FOREVER"}});
  r().Send();
  ASSERT_TRUE(r().Do(TryAgain{.target = {.consortium = "c1", .id = "k1"}}).ok());
  ASSERT_TRUE(r().door().Commit({}, BeginSend{.target = {.consortium = "c1", .id = "k1"}, .epoch = 1}).ok());
  const auto late =
      r().door().Commit({}, FinishSend{.target = {.consortium = "c1", .id = "k1"}, .epoch = 1, .beginning = 1, .outcome = {}});
  EXPECT_EQ(ReasonOf(late.status()), reason::kClaimLost);
}

TEST_F(SenderTest, TakesOnNoMoreThanItHasRoomFor) {
  for (int i = 0; i < 150; ++i) Accept(absl::StrCat("k", i));
  r().sender().Step();
  size_t in_door = 0;
  while (r().door().RunOnce()) ++in_door;
  EXPECT_EQ(transport_.sent().size(), 64u);
  r().Send();
  EXPECT_EQ(transport_.sent().size(), 150u);
  EXPECT_GT(in_door, 0u);
}

TEST_F(SenderTest, IsWokenForWhatItHadNoRoomFor) {
  int wakes = 0;
  r().sender().OnRoom([&wakes] { ++wakes; });
  for (int i = 0; i < 65; ++i) Accept(absl::StrCat("k", i));
  r().sender().Step();
  while (r().door().RunOnce()) {
  }
  EXPECT_EQ(transport_.sent().size(), 64u);
  EXPECT_EQ(wakes, 1) << "once, when half of its room is free";
  r().sender().Step();
  while (r().door().RunOnce()) {
  }
  EXPECT_EQ(transport_.sent().size(), 65u);
  EXPECT_EQ(wakes, 1) << "nothing waits any more";
}

TEST_F(SenderTest, SleepsUntilTheNextTryAtMostASecond) {
  EXPECT_LE(r().sender().Step(), absl::Seconds(1));
  Accept("k1");
  transport_.Next({{.kind = Kind::kRetryLater, .error = "CONNECT"}});
  r().Send();
  EXPECT_GT(r().sender().Step(), absl::ZeroDuration());
}

}  // namespace
}  // namespace rematch::notify
