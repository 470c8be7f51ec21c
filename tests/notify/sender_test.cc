#include "notify-service/loops/sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "notify-service/domain/reasons.h"
#include "tests/notify/notify_kit.h"

namespace rematch::notify {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using Kind = Outcome::Kind;
using Settlement = MailTransport::Settlement;

class SenderTest : public NotifyKit {
 protected:
  void Accept(const std::string& key) { ASSERT_TRUE(r().Do(AcceptOf(SendRequest(key))).ok()); }
  // As if this replica had died between handing over and committing: SENDING is durable, nothing follows.
  void BeginAndDie(const std::string& key) {
    const auto due = r().store().OwnDue(clock_.Now(), 1);
    ASSERT_TRUE(due.ok() && due->now.size() == 1u);
    ASSERT_TRUE(r().door().Commit({}, BeginSend{.target = {.consortium = "c1", .id = key}, .epoch = due->now.front().epoch}).ok());
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
  Open();
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

TEST_F(SenderTest, AnOutageOfHoursMakesNobodyUnreachable_F39) {
  policy_.max_tries = 2;
  Open();
  Accept("k1");
  for (int i = 0; i < 100; ++i) {
    transport_.Next({{.kind = Kind::kRetryLater, .error = "CONNECT", .ours = true}});
    r().Send();
    clock_.Advance(policy_.max_backoff);
  }
  EXPECT_EQ(transport_.tries(), 100);
  EXPECT_THAT(r().Feed(), ::testing::IsEmpty());
  r().Send();
  EXPECT_EQ(r().Get("k1").state(), v1::Notification::SENT);
}

TEST_F(SenderTest, WhatMayHaveArrivedIsGivenUpAfterAFewRepeatsAndSaysSo_F40) {
  policy_.max_resends = 2;
  Open();
  Accept("k1");
  transport_.SettleAs(Settlement::kCannotTell);
  for (int i = 0; i < 5; ++i) {
    transport_.Next({{.kind = Kind::kUnknown, .error = "TIMEOUT"}});
    r().Send();
    clock_.Advance(policy_.max_backoff);
  }
  EXPECT_EQ(transport_.tries(), 3) << "the first, and two repeats";
  EXPECT_EQ(r().Get("k1").state(), v1::Notification::FAILED);
  EXPECT_TRUE(r().Get("k1").may_have_arrived());
  const auto feed = r().store().Deliveries("c1", 0, 10);
  ASSERT_EQ(feed->size(), 2u);
  EXPECT_FALSE(feed->at(0).may_have_arrived());
  EXPECT_TRUE(feed->at(1).may_have_arrived());
}

TEST_F(SenderTest, CalledBackWhenNobodyCanTellItFailsAndMayHaveArrived_F14_F24) {
  Accept("k1");
  transport_.Next({{.kind = Kind::kUnknown, .error = "BROKE_OFF"}});
  transport_.SettleAs(Settlement::kCannotTell);
  r().Send();
  EXPECT_EQ(r().Do(CallBack{.target = {.consortium = "c1", .id = "k1"}})->state(), v1::Notification::UNKNOWN);
  clock_.Advance(policy_.settle_delay);
  r().Send();
  EXPECT_EQ(transport_.tries(), 1);
  EXPECT_THAT(r().Feed(), ElementsAre("k1:UNKNOWN", "k1:FAILED"));
  EXPECT_TRUE(r().store().Deliveries("c1", 1, 10)->at(0).may_have_arrived());
  EXPECT_TRUE(r().Do(CallBack{.target = {.consortium = "c1", .id = "k1"}})->may_have_arrived()) << "and says so whenever it is asked";
}

TEST_F(SenderTest, TooLateToCallBackYetNeverSentIsReportedAsCancelled_F14) {
  Accept("k1");
  BeginAndDie("k1");
  EXPECT_EQ(r().Do(CallBack{.target = {.consortium = "c1", .id = "k1"}})->state(), v1::Notification::UNKNOWN);
  transport_.SettleAs(Settlement::kNotSent);
  ASSERT_TRUE(r().leases().Beat().ok());
  const auto next = Successor();
  next->Send();
  EXPECT_EQ(transport_.tries(), 0);
  EXPECT_THAT(next->Feed(), ElementsAre("k1:UNKNOWN", "k1:CANCELLED"));
}

TEST_F(SenderTest, WhatCannotBeReadIsSetAsideAndHoldsUpNobody_F40) {
  for (const char* key : {"k1", "k2", "k3"}) Accept(key);
  const absl::Status damaged = database_->Transact([](sql::Transaction& tx) -> absl::Status {
    REMATCH_RETURN_IF_ERROR(tx.Execute("DELETE FROM contents WHERE id = 'k1'").status());
    return tx.Execute("UPDATE contents SET content = ? WHERE id = 'k2'", {sql::Bytes{"\xff\xff"}}).status();
  });
  ASSERT_TRUE(damaged.ok()) << damaged;
  r().Send();
  for (const char* key : {"k1", "k2"}) {
    EXPECT_EQ(r().Get(key).state(), v1::Notification::FAILED) << key;
    EXPECT_EQ(r().Get(key).last_error(), "DAMAGED") << key;
    EXPECT_EQ(r().Get(key).attempts(), 0) << key;
  }
  EXPECT_EQ(r().Get("k3").state(), v1::Notification::SENT);
  EXPECT_TRUE(r().store().OwnDue(absl::InfiniteFuture(), 10)->now.empty());
}

// Throws what a file system or an allocator may throw.
class ThrowingTransport final : public MailTransport {
 public:
  Outcome Send(const Message&) override { throw std::runtime_error("send"); }
  Settlement Settle(const Message&) override { throw std::runtime_error("settle"); }
};

TEST_F(SenderTest, ATransportThatThrowsEndsNoProcessAndLeavesTheOutcomeOpen_F40) {
  ThrowingTransport transport;
  Replica replica(*database_, clock_, random_, transport, "replica-1", policy_);
  ASSERT_TRUE(replica.Do(AcceptOf(SendRequest("k1"))).ok());
  replica.Send();
  EXPECT_EQ(replica.Get("k1").state(), v1::Notification::UNKNOWN);
  EXPECT_EQ(replica.Get("k1").last_error(), "BROKE_OFF");
  clock_.Advance(absl::Hours(1));
  replica.Send();
  EXPECT_EQ(replica.Get("k1").state(), v1::Notification::UNKNOWN);
}

TEST_F(SenderTest, ARefusedRecipientFailsAtOnceAndHoldsUpNobody_F39) {
  transport_.Refuse("gone@example.org");
  ASSERT_TRUE(r().Do(AcceptOf(SendRequest("k1", "gone@example.org"))).ok());
  Accept("k2");
  r().Send();
  EXPECT_EQ(r().Get("k1").state(), v1::Notification::FAILED);
  EXPECT_EQ(r().Get("k2").state(), v1::Notification::SENT);
}

TEST_F(SenderTest, CountsWhatCameOfItsAttempts) {
  transport_.Refuse("gone@example.org");
  ASSERT_TRUE(r().Do(AcceptOf(SendRequest("k1", "gone@example.org"))).ok());
  r().Send();
  Accept("k2");
  transport_.Next({{.kind = Kind::kRetryLater, .error = "CONNECT"}, {.kind = Kind::kUnknown, .error = "BROKE_OFF"}});
  r().Send();
  clock_.Advance(policy_.first_backoff);
  r().Send();
  Accept("k3");
  r().Send();
  EXPECT_THAT(r().outcomes(),
              ElementsAre(Pair("sends_broken_off", 1), Pair("sends_put_off", 1), Pair("sends_refused", 1), Pair("sends_taken", 1)));
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

TEST_F(SenderTest, TheStoreSaysWhatIsDueAndElseWhenTheNextIs) {
  Accept("k1");
  const absl::Time accepted = clock_.Now();
  const auto before = r().store().OwnDue(accepted - absl::Milliseconds(300), 10);
  ASSERT_TRUE(before.ok());
  EXPECT_TRUE(before->now.empty());
  EXPECT_EQ(before->next, accepted);
  const auto then = r().store().OwnDue(accepted, 1);
  ASSERT_TRUE(then.ok());
  EXPECT_EQ(then->now.size(), 1u);
  EXPECT_EQ(then->next, absl::InfiniteFuture());
}

// Steps, hand-overs on a pool, the door's callbacks, cancels and a stop, all side by side: every message ends once, and its feed says what
// the transport saw.
TEST(ConcurrentSender, SendsCancelsAndStopsSideBySide_F14_F40) {
  platform::RealClock clock;
  platform::SeededRandom random(5);
  const testing::TestStore kept(NotifyMigrations());
  auto database = sql::Open(kept.url());
  ASSERT_TRUE(database.ok());
  ASSERT_TRUE(sql::Migrate(**database, NotifyMigrations(), clock).ok());
  const SendPolicy policy{
      .first_backoff = absl::Milliseconds(1), .max_backoff = absl::Milliseconds(2), .settle_delay = absl::ZeroDuration()};
  RecordingTransport transport;
  transport.Next(std::vector<Outcome>(10, {.kind = Kind::kRetryLater, .error = "CONNECT", .ours = true}));
  transport.Next(std::vector<Outcome>(10, {.kind = Kind::kUnknown, .error = "BROKE_OFF"}));
  TemplateStore words(**database, clock, TestTemplates());
  NotifyStore store(**database, words, clock, random, "replica-1", policy, {});
  GroupCommit<Command> door({.threads = 2}, **database, store, clock, random);
  platform::Leases leases(**database, clock, "replica-1", absl::Seconds(10));
  ASSERT_TRUE(leases.Beat().ok());
  platform::ThreadPool pool(4, 16);
  Sender sender({.from = {.display_name = "", .email = "from@example.org"}, .max_in_flight = 16}, store, door, leases, transport, pool,
                clock, {});
  constexpr int kMessages = 100;
  std::atomic<bool> done = false;
  std::thread loop([&] {
    while (!done) {
      sender.Step();
      std::this_thread::yield();
    }
  });
  std::thread writer([&] {
    for (int i = 0; i < kMessages; ++i) {
      EXPECT_TRUE(door.Commit({}, AcceptOf(SendRequest(absl::StrCat("k", i)))).ok());
      if (i % 3 == 0) EXPECT_TRUE(door.Commit({}, CallBack{.target = {.consortium = "c1", .id = absl::StrCat("k", i)}}).ok());
    }
  });
  writer.join();
  const auto open = [&] {
    const auto oldest = store.Oldest();
    return oldest.ok() && *oldest != absl::InfiniteFuture();
  };
  const absl::Time start = clock.Now();
  while (open() && clock.Now() - start < absl::Seconds(60)) std::this_thread::yield();
  EXPECT_FALSE(open());
  sender.Stop();
  done = true;
  loop.join();
  const std::vector<Message> sent = transport.sent();
  for (int i = 0; i < kMessages; ++i) {
    const auto found = Stored(**database, {.consortium = "c1", .id = absl::StrCat("k", i)});
    const auto times = std::count_if(sent.begin(), sent.end(), [&](const Message& m) { return m.message_id == found->message_id(); });
    EXPECT_EQ(times, found->state() == v1::Notification::SENT ? 1 : 0) << i << found->DebugString();
    EXPECT_TRUE(found->state() == v1::Notification::SENT || found->state() == v1::Notification::CANCELLED) << i;
  }
}

}  // namespace
}  // namespace rematch::notify
