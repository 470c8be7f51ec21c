#include "notify-service/store/notify_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "notify-service/domain/reasons.h"
#include "tests/notify/notify_kit.h"

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
  Open(testing::TestStore::Kind::kDisk);
  ASSERT_TRUE(r().Do(AcceptOf(SendRequest("k1"))).ok());
  ASSERT_TRUE(r().Do(CancelOf("k2")).ok());
  Reopen();
  EXPECT_EQ(r().Get("k1").state(), v1::Notification::QUEUED);
  EXPECT_EQ(r().Get("k1").subject(), "Would you mentor one more new teacher?");
  EXPECT_EQ(r().Get("k1").variables().at("need"), "[need]");
  EXPECT_EQ(ReasonOf(r().Do(AcceptOf(SendRequest("k2"))).status()), reason::kNotificationCancelled);
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
  std::string apples;  // characters of four bytes
  while (apples.size() < 200) apples += "\U0001F34E";
  const Key key{.consortium = std::string(63, 'c'), .id = std::string(128, 'k')};
  v1::SendNotificationRequest request = SendRequest(key.id);
  request.set_parent("consortia/" + key.consortium);
  request.set_request_id(std::string(128, 'r'));
  v1::Notification& given = *request.mutable_notification();
  given.mutable_to()->set_display_name(apples);
  (*given.mutable_variables())["need"] = apples;
  given.set_origin(std::string(255, 'o'));
  given.clear_readers();
  for (int i = 0; i < 16; ++i) given.add_readers(absl::StrCat(std::string(253, 'r'), absl::Dec(i, absl::kZeroPad2)));
  Accept accept = AcceptOf(request);
  accept.message_id = MessageId(NotificationName(key.consortium, key.id), std::string(200, 'd'));
  ASSERT_TRUE(r().Do(accept, Meta(std::string(128, 'r'))).ok());
  const auto found = Stored(*database_, key);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->origin(), given.origin());
  EXPECT_EQ(found->readers(15), given.readers(15));
  EXPECT_EQ(found->message_id(), accept.message_id);
  EXPECT_EQ(found->to().display_name(), apples);
  EXPECT_EQ(found->variables().at("need"), apples);
  r().Send();
  EXPECT_EQ(Stored(*database_, key)->state(), v1::Notification::SENT);
}

TEST_F(NotifyDoor, BodiesAreRenderedWhenAMessageIsAccepted) {
  ASSERT_TRUE(r().Do(AcceptOf(SendRequest("k1"))).ok());
  const v1::Notification found = r().Get("k1");
  EXPECT_THAT(found.text_body(), ::testing::HasSubstr("Dear [mentor_name],"));
  EXPECT_THAT(found.html_body(), ::testing::HasSubstr("<p>Dear [mentor_name],</p>"));
}

// What a replica begins to send, nobody else takes from it at the same time: the row that says whose it is was written as well.
TEST_F(NotifyDoor, BeginningToSendWritesTheRowThatItRestsOn_F40) {
  ASSERT_TRUE(r().door().Commit({}, AcceptOf(SendRequest("k1"))).ok());
  const auto begun = [&] {
    int64_t count = -1;
    EXPECT_TRUE(database_
                    ->Read([&](sql::Transaction& tx) -> absl::Status {
                      REMATCH_ASSIGN_OR_RETURN(const auto rows, tx.Query("SELECT begun FROM sends"));
                      count = rows.empty() ? -1 : rows[0].Int(0);
                      return absl::OkStatus();
                    })
                    .ok());
    return count;
  };
  EXPECT_EQ(begun(), 0);
  ASSERT_TRUE(r().door().Commit({}, BeginSend{.target = {.consortium = "c1", .id = "k1"}, .epoch = 1}).ok());
  EXPECT_EQ(begun(), 1);
}

// One replica on SQLite; two on MySQL, each with a door of several threads. Calls go to one and the other by turns.
class ConcurrentNotifyDoor : public ::testing::TestWithParam<std::string> {
 protected:
  struct Instance {
    Instance(const std::string& url, const std::string& name, platform::Clock& clock, uint64_t seed)
        : random(seed),
          database(*sql::Open(url)),
          words(*database, clock, TestTemplates()),
          store(*database, words, clock, random, name, {}, {}),
          door({}, *database, store, clock, random) {}
    platform::SeededRandom random;
    std::unique_ptr<sql::Database> database;
    TemplateStore words;
    NotifyStore store;
    GroupCommit<Command> door;
  };

  ConcurrentNotifyDoor() : kept_(GetParam() == "Sqlite" ? Kind::kDisk : Kind::kMysql, NotifyMigrations()) {
    const int replicas = kept_.kind() == Kind::kMysql ? 2 : 1;
    for (int i = 0; i < replicas; ++i) {
      instances_.push_back(std::make_unique<Instance>(kept_.url(), absl::StrCat("replica-", i), clock_, 3 + i));
      EXPECT_TRUE(sql::Migrate(*instances_.back()->database, NotifyMigrations(), clock_).ok());
    }
  }
  GroupCommit<Command>& door(size_t turn) { return instances_[turn % instances_.size()]->door; }
  NotifyStore& store() { return instances_.front()->store; }
  absl::StatusOr<v1::Notification> Find(const Key& key) { return Stored(*instances_.front()->database, key); }
  // How many messages wait to be sent, whoever is to send them.
  size_t Waiting() {
    size_t waiting = 0;
    for (const auto& instance : instances_) waiting += instance->store.OwnDue(absl::InfiniteFuture(), 1000)->now.size();
    return waiting;
  }

 private:
  using Kind = testing::TestStore::Kind;
  const testing::TestStore kept_;
  platform::RealClock clock_;
  std::vector<std::unique_ptr<Instance>> instances_;
};
INSTANTIATE_TEST_SUITE_P(Stores, ConcurrentNotifyDoor, ::testing::Values("Sqlite", "MysqlByTwoReplicas"),
                         [](const auto& info) { return info.param; });

// A reader of the feed that runs beside many committing threads never skips one: whoever has seen a position has seen all before it.
TEST_P(ConcurrentNotifyDoor, TheFeedIsGaplessForAReaderThatRunsAlong) {
  constexpr int kThreads = 4;
  constexpr int kEach = 50;
  std::atomic<int> refused = 0;
  std::vector<std::thread> writers;
  for (int t = 0; t < kThreads; ++t) {
    writers.emplace_back([&, t] {
      for (int i = 0; i < kEach && refused == 0; ++i) {
        if (!door(t).Commit({}, CancelOf(absl::StrCat("k-", t, "-", i))).ok()) ++refused;
      }
    });
  }
  int64_t position = 0;
  bool gapless = true;
  while (gapless && position < kThreads * kEach && refused == 0) {
    const auto page = store().Deliveries("", position, 16);
    gapless = page.ok();
    if (!gapless) break;
    for (const v1::Delivery& delivery : *page) gapless = gapless && delivery.position() == ++position;
    if (page->empty()) std::this_thread::yield();
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(refused, 0);
  EXPECT_TRUE(gapless) << "at position " << position;
  EXPECT_TRUE(store().Deliveries("", position, 16)->empty());
}

// However sends and cancels of one key race, the message is sent once or never, and the answers say which.
TEST_P(ConcurrentNotifyDoor, SendAndCancelOfOneKeyHaveOneOutcome_F14) {
  for (int round = 0; round < 20; ++round) {
    const std::string key = absl::StrCat("k", round);
    const Accept accept = AcceptOf(SendRequest(key));
    absl::StatusOr<std::string> sent, cancelled;
    std::thread sender([&] { sent = door(0).Commit({}, accept); });
    std::thread canceller([&] { cancelled = door(1).Commit({}, CancelOf(key)); });
    sender.join();
    canceller.join();
    ASSERT_TRUE(cancelled.ok());
    EXPECT_TRUE(sent.ok() || ReasonOf(sent.status()) == reason::kNotificationCancelled) << sent.status();
    EXPECT_EQ(Find({.consortium = "c1", .id = key})->state(), v1::Notification::CANCELLED);
  }
  EXPECT_EQ(Waiting(), 0u);
}

// By one replica and the other, each with connections of its own.
TEST_P(ConcurrentNotifyDoor, AMessageSaysAtLeastTheVersionThatWasAnsweredBeforeItCame_F36) {
  constexpr int kRounds = 20;
  constexpr int kThreads = 4;
  const auto publish = [](int64_t word) {
    v1::TemplateSource source;
    source.set_subject(absl::StrCat("Words ", word));
    source.set_text("{{need}} {{reply_code}} {{window_end}}");
    source.set_html("{{need}} {{reply_code}} {{window_end}}");
    Violations bad;
    return PublishTemplate{.target = {.consortium = "c1", .program = "p1", .kind = "first_approach"},
                           .source = source,
                           .own = TestTemplates().MakeOwn(bad, "source", "first_approach", source),
                           .creator = ""};
  };
  std::atomic<int> wrong = 0;
  std::mutex mutex;
  std::set<int64_t> numbers;
  std::vector<std::thread> people;
  for (int t = 0; t < kThreads; ++t) {
    people.emplace_back([&, t] {
      for (int i = 0; i < kRounds; ++i) {
        const auto reply = door(t).Commit({}, publish(t * kRounds + i));
        v1::TemplateVersion made;
        if (!reply.ok() || !made.ParseFromString(*reply)) {
          ++wrong;
          return;
        }
        {
          const std::lock_guard lock(mutex);
          numbers.insert(made.version());
        }
        const Key key{.consortium = "c1", .id = absl::StrCat("k", t, "-", i)};
        v1::SendNotificationRequest request = SendRequest(key.id);
        request.mutable_notification()->set_program("consortia/c1/programs/p1");
        if (!door(t + 1).Commit({}, AcceptOf(request)).ok() || Find(key)->template_version() < made.version()) ++wrong;
      }
    });
  }
  for (std::thread& person : people) person.join();
  EXPECT_EQ(wrong, 0);
  ASSERT_EQ(numbers.size(), size_t{kThreads * kRounds}) << "each version has a number of its own";
  EXPECT_EQ(*numbers.rbegin(), kThreads * kRounds) << "without gaps";
}

TEST_P(ConcurrentNotifyDoor, TheSameKeyIsOneMessageWhicheverReplicaIsAsked_F8_F40) {
  constexpr int kThreads = 8;
  constexpr int kKeys = 30;
  std::atomic<int> taken = 0, refused = 0, other = 0;
  std::vector<std::thread> senders;
  for (int t = 0; t < kThreads; ++t) {
    senders.emplace_back([&, t] {
      for (int i = 0; i < kKeys; ++i) {
        // Half of them go through the keys backwards, and the last two want to say something else under them.
        const std::string key = absl::StrCat("k", t / 2 % 2 == 0 ? i : kKeys - 1 - i);
        const std::string to = t < kThreads - 2 ? "ana@example.org" : "other@example.org";
        const auto reply = door(t).Commit({}, AcceptOf(SendRequest(key, to)));
        ++(reply.ok() ? taken : ReasonOf(reply.status()) == reason::kNotificationExists ? refused : other);
      }
    });
  }
  for (std::thread& sender : senders) sender.join();
  EXPECT_EQ(other, 0);
  EXPECT_EQ(taken + refused, kThreads * kKeys);
  EXPECT_EQ(Waiting(), kKeys);
  // Whoever was taken means the one message that there is.
  int told = 0;
  for (int i = 0; i < kKeys; ++i) {
    const auto found = Find({.consortium = "c1", .id = absl::StrCat("k", i)});
    ASSERT_TRUE(found.ok()) << found.status();
    told += found->to().email() == "ana@example.org" ? kThreads - 2 : 2;
  }
  EXPECT_EQ(taken, told);
}

}  // namespace
}  // namespace rematch::notify
