#include "platform/rpc/feed.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/synchronization/notification.h"
#include "tests/platform/echo_service.h"

namespace rematch::rpc {
namespace {

using echo::v1::WatchEchoRequest;
using echo::v1::WatchEchoResponse;
using Polled = absl::StatusOr<std::vector<WatchEchoResponse>>;

constexpr absl::Duration kNever = absl::Hours(1);  // loops look once a second all the same

WatchEchoResponse Numbered(int number) {
  WatchEchoResponse response;
  response.set_number(number);
  response.set_private_note("secret");
  return response;
}

class FeedTest : public testing::Test {
 protected:
  explicit FeedTest(absl::Duration interval = kNever) : hub_(std::in_place, calls_, interval) { service_.emplace(calls_, &*hub_); }
  ~FeedTest() override {
    if (server_ != nullptr) server_->Shutdown();
    EXPECT_EQ(observer_.under_way(), 0) << "each stream began and finished once";
  }

  // One watch, as a client sees it.
  struct Watching {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<WatchEchoResponse>> reader;
    // The next number, 0 when the stream has ended.
    int Next() {
      WatchEchoResponse response;
      return reader->Read(&response) ? response.number() : 0;
    }
    absl::Status End() { return FromGrpc(reader->Finish()); }
  };
  std::unique_ptr<Watching> Watch(const Caller& caller = {"READER", ""}, absl::Duration timeout = absl::Seconds(20)) {
    if (server_ == nullptr) server_ = std::make_unique<EchoServer>(*service_);
    auto watching = std::make_unique<Watching>();
    Prepare(watching->context, timeout, caller);
    WatchEchoRequest request;
    request.set_text("asked");
    watching->reader = server_->stub().WatchEcho(&watching->context, request);
    return watching;
  }
  void Poll(EchoService::Poll poll) {
    service_->new_poll = [poll = std::move(poll)] { return poll; };
  }

  platform::RealClock clock_;
  platform::ThreadPool pool_{4, 64};
  EchoGuard guard_;
  RecordingObserver observer_;
  Calls calls_{{}, clock_, pool_, guard_, observer_};
  std::optional<FeedHub> hub_;
  std::optional<EchoService> service_;
  std::unique_ptr<EchoServer> server_;
};

TEST_F(FeedTest, WritesWhatPollsFindInOrderAndEndsWithOk) {
  std::atomic<int> polls = 0;
  Poll([&](const Call&, const WatchEchoRequest& request, bool* end) -> Polled {
    EXPECT_EQ(request.text(), "asked");
    if (++polls == 1) return std::vector{Numbered(1), Numbered(2)};
    *end = true;
    return std::vector{Numbered(3)};
  });
  const auto watching = Watch();
  EXPECT_EQ(watching->Next(), 1);
  EXPECT_EQ(watching->Next(), 2);
  hub_->Wake();
  EXPECT_EQ(watching->Next(), 3);
  EXPECT_EQ(watching->Next(), 0);
  EXPECT_TRUE(watching->End().ok());
  EXPECT_EQ(observer_.Await(1)[0].method, "/rematch.echo.v1.EchoService/WatchEcho");
}

TEST_F(FeedTest, TheFirstPollMayBeTheLastAndFindNothing) {
  Poll([](const Call&, const WatchEchoRequest&, bool* end) -> Polled {
    *end = true;
    return std::vector<WatchEchoResponse>();
  });
  const auto watching = Watch();
  EXPECT_EQ(watching->Next(), 0);
  EXPECT_TRUE(watching->End().ok());
}

TEST_F(FeedTest, EveryMessageIsRedactedForItsReader_F21) {
  Poll([](const Call&, const WatchEchoRequest&, bool* end) -> Polled {
    *end = true;
    return std::vector{Numbered(1)};
  });
  WatchEchoResponse response;
  const auto reader = Watch({"READER", ""});
  ASSERT_TRUE(reader->reader->Read(&response));
  EXPECT_EQ(response.private_note(), "secret");
  const auto other = Watch({"OTHER", ""});
  ASSERT_TRUE(other->reader->Read(&response));
  EXPECT_EQ(response.private_note(), "");
}

TEST_F(FeedTest, WhomTheGuardRefusesIsNeverPolledFor) {
  std::atomic<int> polls = 0;
  Poll([&](const Call&, const WatchEchoRequest&, bool*) -> Polled {
    ++polls;
    return std::vector<WatchEchoResponse>();
  });
  const auto watching = Watch({"BARRED", ""});
  EXPECT_EQ(watching->Next(), 0);
  EXPECT_EQ(watching->End().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(polls, 0);
}

TEST_F(FeedTest, APollThatFailsEndsTheStreamWithItsStatus) {
  Poll([](const Call&, const WatchEchoRequest&, bool*) -> Polled { return Error(absl::StatusCode::kNotFound, reason::kNotFound, "gone"); });
  const auto watching = Watch();
  EXPECT_EQ(watching->Next(), 0);
  const absl::Status status = watching->End();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(status), reason::kNotFound);
}

TEST_F(FeedTest, AWakeDuringAPollLeadsToAnother) {
  std::atomic<int> polls = 0;
  absl::Notification running, woken;
  Poll([&](const Call&, const WatchEchoRequest&, bool*) -> Polled {
    if (++polls == 1) {
      running.Notify();
      woken.WaitForNotification();
      return std::vector<WatchEchoResponse>();
    }
    return std::vector{Numbered(polls)};
  });
  const auto watching = Watch();
  running.WaitForNotification();
  hub_->Wake();
  // The hub's round runs on its thread; its interval of a second at most would do as well, only later.
  woken.Notify();
  EXPECT_EQ(watching->Next(), 2);
  watching->context.TryCancel();
}

TEST_F(FeedTest, AClientThatLeavesWhileAPollRunsIsLetGoAfterIt) {
  absl::Notification running, left;
  std::atomic<bool> request_was_there = false;
  Poll([&](const Call&, const WatchEchoRequest& request, bool*) -> Polled {
    running.Notify();
    left.WaitForNotification();
    request_was_there = request.text() == "asked";  // freed memory if the call had been finished
    return std::vector{Numbered(1)};
  });
  const auto watching = Watch();
  running.WaitForNotification();
  watching->context.TryCancel();
  EXPECT_EQ(watching->End().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(hub_->open(), 1u);
  left.Notify();
  EXPECT_EQ(observer_.Await(1)[0].code, grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(request_was_there);
}

TEST_F(FeedTest, TheDeadlineOfTheClientEndsIt) {
  Poll([](const Call&, const WatchEchoRequest&, bool*) -> Polled { return std::vector<WatchEchoResponse>(); });
  const auto watching = Watch({"READER", ""}, absl::Milliseconds(100));
  EXPECT_EQ(watching->Next(), 0);
  EXPECT_EQ(watching->End().code(), absl::StatusCode::kDeadlineExceeded);
  observer_.Await(1);
}

TEST_F(FeedTest, StopEndsWatchesThatWaitThatPollAndThatComeLater) {
  std::atomic<int> polls = 0;
  absl::Notification running, stopped;
  Poll([&](const Call&, const WatchEchoRequest&, bool*) -> Polled {
    if (++polls == 2) {
      running.Notify();
      stopped.WaitForNotification();
    }
    return std::vector{Numbered(1)};
  });
  const auto waiting = Watch();
  EXPECT_EQ(waiting->Next(), 1);
  const auto polling = Watch();
  // Either watch may have made the second poll: the hub looks at least once a second.
  running.WaitForNotification();
  hub_->Stop();
  stopped.Notify();
  for (const auto* watching : {&waiting, &polling}) {
    while ((*watching)->Next() != 0) {
    }
    const absl::Status status = (*watching)->End();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(ReasonOf(status), reason::kShuttingDown);
  }
  const auto late = Watch();
  while (late->Next() != 0) {
  }
  EXPECT_EQ(ReasonOf(late->End()), reason::kShuttingDown);
  server_->Shutdown();
  EXPECT_EQ(hub_->open(), 0u);
}

TEST_F(FeedTest, ManyThatComeAndGoAreAllLetGo) {
  std::atomic<int> number = 0;
  Poll([&](const Call&, const WatchEchoRequest&, bool*) -> Polled { return std::vector{Numbered(++number), Numbered(++number)}; });
  std::vector<std::thread> clients;
  for (int c = 0; c < 4; ++c) {
    clients.emplace_back([&, c] {
      for (int i = 0; i < 25; ++i) {
        const auto watching = Watch();
        if ((i + c) % 2 == 0) {
          EXPECT_GT(watching->Next(), 0);
        }
        hub_->Wake();
        watching->context.TryCancel();
        while (watching->Next() != 0) {
        }
        EXPECT_FALSE(watching->End().ok());
      }
    });
    if (c == 0) {
      while (number == 0) std::this_thread::yield();  // the server is made by the first
    }
  }
  for (std::thread& client : clients) client.join();
  // Those that were cancelled before the server heard of them were never open.
  server_->Shutdown();
  EXPECT_EQ(hub_->open(), 0u);
}

class FrequentFeedTest : public FeedTest {
 protected:
  FrequentFeedTest() : FeedTest(absl::Milliseconds(5)) {}
};

TEST_F(FrequentFeedTest, PollsAtEveryIntervalWithoutBeingWoken) {
  std::atomic<int> polls = 0;
  Poll([&](const Call&, const WatchEchoRequest&, bool* end) -> Polled {
    *end = ++polls == 4;
    return *end ? std::vector{Numbered(4)} : std::vector<WatchEchoResponse>();
  });
  const auto watching = Watch();
  EXPECT_EQ(watching->Next(), 4);
  EXPECT_EQ(watching->Next(), 0);
  EXPECT_TRUE(watching->End().ok());
}

TEST(FeedOnTheSpot, AnExecutorThatRunsAtOnceWillDo) {
  platform::RealClock clock;
  platform::InlineExecutor executor;
  EchoGuard guard;
  RecordingObserver observer;
  Calls calls({}, clock, executor, guard, observer);
  FeedHub hub(calls, kNever);
  EchoService service(calls, &hub);
  service.new_poll = [] {
    return [n = 0](const Call&, const WatchEchoRequest&, bool* end) mutable -> Polled {
      *end = ++n == 3;
      return std::vector{Numbered(n)};
    };
  };
  EchoServer server(service);
  grpc::ClientContext context;
  Prepare(context, absl::Seconds(20), {"READER", ""});
  const auto reader = server.stub().WatchEcho(&context, WatchEchoRequest());
  WatchEchoResponse response;
  int seen = 0;
  while (reader->Read(&response)) {
    seen = response.number();
    hub.Wake();
  }
  EXPECT_EQ(seen, 3);
  EXPECT_TRUE(reader->Finish().ok());
}

}  // namespace
}  // namespace rematch::rpc
