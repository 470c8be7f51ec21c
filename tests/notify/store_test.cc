#include "notify-service/store/notify_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "notify-service/domain/reasons.h"
#include "tests/notify/notify_kit.h"
#include "tests/platform/temp_dir.h"

namespace rematch::notify {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

CommandMeta Meta(const std::string& request_id, const std::string& hash = "h") {
  CommandMeta meta;
  meta.scope = "consortia/c1";
  meta.request_id = request_id;
  meta.body_hash = hash;
  return meta;
}

CallBack CancelOf(const std::string& id) { return {.target = {.consortium = "c1", .id = id}}; }
TryAgain RetryOf(const std::string& id) { return {.target = {.consortium = "c1", .id = id}}; }

using NotifyDoor = NotifyKit;

TEST_F(NotifyDoor, AcceptsAMessageOnceForItsKey_F40) {
  const auto first = r().Do(AcceptOf(SendRequest("k1")));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->state(), v1::Notification::QUEUED);
  EXPECT_EQ(first->name(), "consortia/c1/notifications/k1");
  const auto again = r().Do(AcceptOf(SendRequest("k1")));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->message_id(), first->message_id());
  r().Send();
  EXPECT_EQ(transport_.sent().size(), 1u);
  const auto after = r().Do(AcceptOf(SendRequest("k1")));
  ASSERT_TRUE(after.ok());
  EXPECT_EQ(after->state(), v1::Notification::SENT);
  r().Send();
  EXPECT_EQ(transport_.sent().size(), 1u);
}

TEST_F(NotifyDoor, TheSameKeyWithOtherContentIsRefused) {
  ASSERT_TRUE(r().Do(AcceptOf(SendRequest("k1"))).ok());
  const auto other = r().Do(AcceptOf(SendRequest("k1", "other@example.org")));
  EXPECT_EQ(other.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ReasonOf(other.status()), reason::kNotificationExists);
  EXPECT_EQ(r().Get("k1").to().email(), "ana@example.org");
}

TEST_F(NotifyDoor, ManyCommandsOnOneKeyInOneBatchApplyInOrder) {
  std::vector<absl::StatusOr<std::string>> replies(5);
  int at = 0;
  const auto submit = [&](Command command) {
    r().door().Submit({}, std::move(command), [&replies, i = at++](absl::StatusOr<std::string> reply) { replies[i] = std::move(reply); });
  };
  submit(AcceptOf(SendRequest("k1")));
  submit(AcceptOf(SendRequest("k1")));
  submit(AcceptOf(SendRequest("k1", "other@example.org")));
  submit(CancelOf("k1"));
  submit(AcceptOf(SendRequest("k1")));
  while (r().door().RunOnce()) {
  }
  EXPECT_TRUE(replies[0].ok());
  EXPECT_TRUE(replies[1].ok());
  EXPECT_EQ(ReasonOf(replies[2].status()), reason::kNotificationExists);
  EXPECT_TRUE(replies[3].ok());
  EXPECT_EQ(ReasonOf(replies[4].status()), reason::kNotificationCancelled);
  r().Send();
  EXPECT_THAT(transport_.sent(), IsEmpty());
  EXPECT_THAT(r().Feed(), ElementsAre("k1:CANCELLED"));
}

TEST_F(NotifyDoor, CancelBeforeTheSendLeavesATombstoneThatRefusesIt) {
  const auto barred = r().Do(CancelOf("k1"));
  ASSERT_TRUE(barred.ok()) << barred.status();
  EXPECT_EQ(barred->state(), v1::Notification::CANCELLED);
  EXPECT_THAT(r().Feed(), ElementsAre("k1:CANCELLED"));
  const auto late = r().Do(AcceptOf(SendRequest("k1")));
  EXPECT_EQ(late.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(late.status()), reason::kNotificationCancelled);
  EXPECT_TRUE(r().Do(CancelOf("k1")).ok());
  EXPECT_THAT(r().Feed(), ElementsAre("k1:CANCELLED")) << "cancelling twice is no change";
  EXPECT_EQ(r().Get("k1").subject(), "");
}

TEST_F(NotifyDoor, CancelOfAQueuedMessageKeepsItFromBeingSent_F14) {
  ASSERT_TRUE(r().Do(AcceptOf(SendRequest("k1"))).ok());
  EXPECT_EQ(r().Do(CancelOf("k1"))->state(), v1::Notification::CANCELLED);
  r().Send();
  EXPECT_EQ(transport_.tries(), 0);
  EXPECT_EQ(ReasonOf(r().Do(AcceptOf(SendRequest("k1"))).status()), reason::kNotificationCancelled);
}

TEST_F(NotifyDoor, CancelAfterTheSendSaysThatItWasTooLate) {
  ASSERT_TRUE(r().Do(AcceptOf(SendRequest("k1"))).ok());
  r().Send();
  EXPECT_EQ(r().Do(CancelOf("k1"))->state(), v1::Notification::SENT);
  EXPECT_THAT(r().Feed(), ElementsAre("k1:SENT"));
}

TEST_F(NotifyDoor, OnlyAFailedMessageIsTriedAgain) {
  EXPECT_EQ(r().Do(RetryOf("k1")).status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(r().Do(AcceptOf(SendRequest("k1"))).ok());
  EXPECT_EQ(ReasonOf(r().Do(RetryOf("k1")).status()), reason::kNotFailed);
  transport_.Next({{.kind = Outcome::Kind::kRejectedForever, .error = "REJECTED_FOREVER"}});
  r().Send();
  EXPECT_EQ(r().Get("k1").state(), v1::Notification::FAILED);
  EXPECT_EQ(r().Get("k1").last_error(), "REJECTED_FOREVER");
  const auto retried = r().Do(RetryOf("k1"));
  ASSERT_TRUE(retried.ok()) << retried.status();
  EXPECT_EQ(retried->state(), v1::Notification::QUEUED);
  r().Send();
  EXPECT_EQ(r().Get("k1").state(), v1::Notification::SENT);
  EXPECT_EQ(r().Get("k1").attempts(), 2);
  EXPECT_EQ(transport_.sent()[0].message_id, r().Get("k1").message_id());
  EXPECT_THAT(r().Feed(), ElementsAre("k1:FAILED", "k1:QUEUED", "k1:SENT"));
}

TEST_F(NotifyDoor, ARepeatedRequestGetsItsFirstAnswer_F32) {
  ASSERT_TRUE(r().Do(AcceptOf(SendRequest("k1")), Meta("r1")).ok());
  r().Send();
  EXPECT_EQ(r().Do(AcceptOf(SendRequest("k1")), Meta("r1"))->state(), v1::Notification::QUEUED);
  EXPECT_EQ(ReasonOf(r().Do(AcceptOf(SendRequest("k2")), Meta("r1", "other")).status()), rematch::reason::kRequestIdReused);
}

TEST_F(NotifyDoor, AStoreOnDiskKeepsEverythingAcrossARestart_F40) {
  const rematch::testing::TempDir dir;
  Open("sqlite:" + dir.File("notify.db"));
  ASSERT_TRUE(r().Do(AcceptOf(SendRequest("k1"))).ok());
  ASSERT_TRUE(r().Do(CancelOf("k2")).ok());
  Open("sqlite:" + dir.File("notify.db"));
  EXPECT_EQ(r().Get("k1").state(), v1::Notification::QUEUED);
  EXPECT_EQ(r().Get("k1").subject(), "Would you mentor one more new teacher?");
  EXPECT_EQ(r().Get("k1").variables().at("need"), "[need]");
  EXPECT_EQ(ReasonOf(r().Do(AcceptOf(SendRequest("k2"))).status()), reason::kNotificationCancelled);
  replica_.reset();
  database_.reset();
}

TEST_F(NotifyDoor, ListsTheNewestFirstByOriginAndInPages) {
  for (int i = 0; i < 5; ++i) {
    v1::SendNotificationRequest request = SendRequest(absl::StrCat("k", i));
    if (i % 2 == 1) request.mutable_notification()->set_origin("consortia/c1/other");
    ASSERT_TRUE(r().Do(AcceptOf(request)).ok());
    if (i != 2) clock_.Advance(absl::Seconds(1));  // k2 and k3 at one instant
  }
  const auto ids = [](const std::vector<NotifyStore::Listed>& listed) {
    std::string out;
    for (const auto& one : listed) out += one.position.id;
    return out;
  };
  const auto first = r().store().List("c1", "", std::nullopt, 2);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(ids(*first), "k4k3");
  EXPECT_EQ(ids(*r().store().List("c1", "", first->back().position, 9)), "k2k1k0");
  EXPECT_EQ(ids(*r().store().List("c1", "consortia/c1/other", std::nullopt, 9)), "k3k1");
  EXPECT_EQ(ids(*r().store().List("c2", "", std::nullopt, 9)), "");
  EXPECT_EQ(first->front().notification.text_body(), "");
  EXPECT_EQ(first->front().notification.to().email(), "ana@example.org");
}

TEST_F(NotifyDoor, TheLongestThatIsAcceptedComesBackWhole) {
  v1::SendNotificationRequest request = SendRequest(std::string(128, 'k'));
  request.set_request_id("r");
  v1::Notification& given = *request.mutable_notification();
  given.set_origin(std::string(255, 'o'));
  given.clear_readers();
  for (int i = 0; i < 16; ++i) given.add_readers(absl::StrCat(std::string(253, 'r'), absl::Dec(i, absl::kZeroPad2)));
  ASSERT_TRUE(r().Do(AcceptOf(request)).ok());
  const v1::Notification found = r().Get(std::string(128, 'k'));
  EXPECT_EQ(found.origin(), given.origin());
  EXPECT_EQ(found.readers(15), given.readers(15));
  // SQLite keeps what a column's type has no room for; MySQL would cut it.
  for (const auto& file : NotifyMigrations()) {
    EXPECT_THAT(std::string(file.content), ::testing::HasSubstr("readers VARCHAR(4100)")) << "16 of 255, one a line";
  }
}

TEST_F(NotifyDoor, BodiesAreRenderedWhenAMessageIsAccepted) {
  ASSERT_TRUE(r().Do(AcceptOf(SendRequest("k1"))).ok());
  const v1::Notification found = r().Get("k1");
  EXPECT_THAT(found.text_body(), ::testing::HasSubstr("Dear [mentor_name],"));
  EXPECT_THAT(found.html_body(), ::testing::HasSubstr("<p>Dear [mentor_name],</p>"));
}

// A reader of the feed that runs beside many committing threads never skips one: whoever has seen a position has seen all before it.
TEST(ConcurrentNotifyFeed, IsGaplessForAReaderThatRunsAlong) {
  const rematch::testing::TempDir dir;
  platform::RealClock clock;
  platform::SeededRandom random(3);
  auto database = sql::Open("sqlite:" + dir.File("notify.db"));
  ASSERT_TRUE(database.ok()) << database.status();
  ASSERT_TRUE(sql::Migrate(**database, NotifyMigrations(), clock).ok());
  NotifyStore store(**database, clock, random, "replica-1", {}, {});
  GroupCommit<Command> door({}, **database, store, clock, random);
  constexpr int kThreads = 4;
  constexpr int kEach = 50;
  std::atomic<int> refused = 0;
  std::vector<std::thread> writers;
  for (int t = 0; t < kThreads; ++t) {
    writers.emplace_back([&, t] {
      for (int i = 0; i < kEach && refused == 0; ++i) {
        if (!door.Commit({}, CancelOf(absl::StrCat("k-", t, "-", i))).ok()) ++refused;
      }
    });
  }
  int64_t position = 0;
  bool gapless = true;
  while (gapless && position < kThreads * kEach && refused == 0) {
    const auto page = store.Deliveries("", position, 16);
    gapless = page.ok();
    if (!gapless) break;
    for (const v1::Delivery& delivery : *page) gapless = gapless && delivery.position() == ++position;
    if (page->empty()) std::this_thread::yield();
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(refused, 0);
  EXPECT_TRUE(gapless) << "at position " << position;
  EXPECT_TRUE(store.Deliveries("", position, 16)->empty());
}

// However sends and cancels of one key race, the message is sent once or never, and the answers say which.
TEST(ConcurrentNotifyDoor, SendAndCancelOfOneKeyHaveOneOutcome_F14) {
  platform::RealClock clock;
  platform::SeededRandom random(4);
  auto database = sql::Open("sqlite::memory:");
  ASSERT_TRUE(database.ok());
  ASSERT_TRUE(sql::Migrate(**database, NotifyMigrations(), clock).ok());
  NotifyStore store(**database, clock, random, "replica-1", {}, {});
  GroupCommit<Command> door({}, **database, store, clock, random);
  for (int round = 0; round < 20; ++round) {
    const std::string key = absl::StrCat("k", round);
    const Accept accept = AcceptOf(SendRequest(key));
    absl::StatusOr<std::string> sent, cancelled;
    std::thread sender([&] { sent = door.Commit({}, accept); });
    std::thread canceller([&] { cancelled = door.Commit({}, CancelOf(key)); });
    sender.join();
    canceller.join();
    ASSERT_TRUE(cancelled.ok());
    EXPECT_TRUE(sent.ok() || ReasonOf(sent.status()) == reason::kNotificationCancelled) << sent.status();
    EXPECT_EQ(store.Get({.consortium = "c1", .id = key})->state(), v1::Notification::CANCELLED);
  }
  EXPECT_TRUE(store.OwnDue(absl::InfiniteFuture(), 100)->empty());
}

}  // namespace
}  // namespace rematch::notify
