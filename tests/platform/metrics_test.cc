#include "platform/metrics.h"
#include "platform/build_info.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "platform/errors.h"

namespace rematch::platform {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// What a scraper gets.
std::string Get(int port) {
  const int socket_fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  if (connect(socket_fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
    const std::string request = "GET /metrics HTTP/1.0\r\n\r\n";
    EXPECT_EQ(write(socket_fd, request.data(), request.size()), static_cast<ssize_t>(request.size()));
    char buffer[4096];
    for (ssize_t n; (n = read(socket_fd, buffer, sizeof(buffer))) > 0;) answer.append(buffer, static_cast<size_t>(n));
  }
  close(socket_fd);
  return answer;
}

TEST(Metrics, CallsAreTimedByMethodAndCode) {
  Metrics metrics;
  for (int i = 0; i < 3; ++i) metrics.Finished("/rematch.echo.v1.EchoService/Echo", grpc::StatusCode::OK, absl::Milliseconds(2));
  metrics.Finished("/rematch.echo.v1.EchoService/Echo", grpc::StatusCode::NOT_FOUND, absl::Milliseconds(1));
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("rematch_rpc_seconds_count{code=\"OK\",method=\"/rematch.echo.v1.EchoService/Echo\"} 3"));
  EXPECT_THAT(text, HasSubstr("rematch_rpc_seconds_count{code=\"NOT_FOUND\",method=\"/rematch.echo.v1.EchoService/Echo\"} 1"));
  EXPECT_THAT(text, HasSubstr("rematch_rpc_seconds_bucket{code=\"OK\",method=\"/rematch.echo.v1.EchoService/Echo\",le=\"0.0025\"} 3"));
}

TEST(Metrics, BatchesAndTheirWaitsAreMeasured) {
  Metrics metrics;
  metrics.Batch(20, absl::Milliseconds(3));
  metrics.Waited(absl::Milliseconds(1));
  metrics.Retried();
  metrics.Split();
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("rematch_batch_commands_sum 20"));
  EXPECT_THAT(text, HasSubstr("rematch_batch_seconds_count 1"));
  EXPECT_THAT(text, HasSubstr("rematch_queue_wait_seconds_count 1"));
  EXPECT_THAT(text, HasSubstr("rematch_batch_retries_total 1"));
  EXPECT_THAT(text, HasSubstr("rematch_batch_splits_total 1"));
}

TEST(Metrics, LatenessAndTheOldestOfAQueueAreShown_F45) {
  Metrics metrics;
  metrics.Late("window_end", absl::Seconds(3));
  metrics.Late("window_end", absl::Seconds(-1));  // a clock that stepped back: on time
  metrics.Oldest("outbox", absl::Seconds(7));
  metrics.Oldest("outbox", absl::Seconds(2));
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("rematch_due_lateness_seconds_sum{kind=\"window_end\"} 3"));
  EXPECT_THAT(text, HasSubstr("rematch_oldest_due_seconds{queue=\"outbox\"} 2"));
}

TEST(Metrics, CountersAreNamedAfterWhatTheyCount) {
  Metrics metrics;
  metrics.Count("reconciled_seats");
  metrics.Count("reconciled_seats", 2);
  EXPECT_THAT(metrics.Text(), HasSubstr("rematch_reconciled_seats_total 3"));
}

TEST(Metrics, ACounterIsShownAtZeroBeforeAnythingIsCounted) {
  Metrics metrics;
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("rematch_poisoned_timers_total")));
  metrics.Count("poisoned_timers", 0);
  EXPECT_THAT(metrics.Text(), HasSubstr("rematch_poisoned_timers_total 0"));
}

TEST(ConcurrentMetrics, NothingIsLostThoughManyObserveAndOneReads) {
  constexpr int kThreads = 4, kEach = 500;
  Metrics metrics;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&metrics, t] {
      // The first of each makes its metric, so these meet as well.
      static constexpr std::string_view kMethods[] = {"/a", "/b", "/c"};
      static constexpr std::string_view kNames[] = {"one", "two", "three"};
      for (int i = 0; i < kEach; ++i) {
        metrics.Finished(kMethods[(t + i) % 3], grpc::StatusCode::OK, absl::Milliseconds(1));
        metrics.Count(kNames[(t + i) % 3]);
        metrics.Late(kNames[(t + i) % 3], absl::Seconds(1));
        metrics.Oldest(kNames[(t + i) % 3], absl::Seconds(1));
        metrics.Batch(1, absl::Milliseconds(1));
        metrics.Waited(absl::Milliseconds(1));
      }
    });
  }
  for (int i = 0; i < 20; ++i) metrics.Text();
  for (std::thread& thread : threads) thread.join();
  const std::string text = metrics.Text();
  int64_t calls = 0, counted = 0;
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(text, '\n'))) {
    int64_t value = 0;
    if (line.find(' ') == line.npos || !absl::SimpleAtoi(line.substr(line.rfind(' ') + 1), &value)) continue;
    if (line.starts_with("rematch_rpc_seconds_count")) calls += value;
    for (const char* name : {"rematch_one_total", "rematch_two_total", "rematch_three_total"}) {
      if (line.starts_with(name)) counted += value;
    }
  }
  EXPECT_EQ(calls, kThreads * kEach);
  EXPECT_EQ(counted, kThreads * kEach);
  EXPECT_THAT(text, HasSubstr("rematch_batch_seconds_count 2000"));
}

TEST(Metrics, AreServedOnAPortOfTheirOwn) {
  Metrics metrics;
  metrics.Count("things");
  const absl::StatusOr<int> port = metrics.Serve("127.0.0.1:0");
  ASSERT_TRUE(port.ok()) << port.status();
  EXPECT_GT(*port, 0);
  EXPECT_THAT(Get(*port), HasSubstr("rematch_things_total 1"));
}

TEST(Metrics, SayWhichBuildThisIs) {
  Metrics metrics;
  EXPECT_THAT(metrics.Text(), HasSubstr(absl::StrCat("rematch_build_info{commit=\"", kCommit, "\",version=\"", kVersion, "\"} 1")));
}

TEST(Metrics, RefuseAPortInUse) {
  Metrics metrics, other;
  const absl::StatusOr<int> port = metrics.Serve("127.0.0.1:0");
  ASSERT_TRUE(port.ok());
  EXPECT_EQ(other.Serve("127.0.0.1:" + std::to_string(*port)).status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace rematch::platform
