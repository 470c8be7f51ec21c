// Threads for work that may block, and background loops.
#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "platform/executor.h"
#include "platform/loop.h"

namespace rematch::platform {
namespace {

TEST(InlineExecutor, RunsOnTheCallersThread) {
  InlineExecutor executor;
  std::thread::id ran_on;
  EXPECT_TRUE(executor.Run([&] { ran_on = std::this_thread::get_id(); }));
  EXPECT_EQ(ran_on, std::this_thread::get_id());
}

TEST(ThreadPool, RefusesWorkWhenItsQueueIsFull) {
  absl::Notification started, release;
  std::atomic<int> ran = 0;
  {
    ThreadPool pool(1, 2);
    ASSERT_TRUE(pool.Run([&] {
      started.Notify();
      release.WaitForNotification();
    }));
    started.WaitForNotification();
    EXPECT_TRUE(pool.Run([&] { ++ran; }));
    EXPECT_TRUE(pool.Run([&] { ++ran; }));
    EXPECT_FALSE(pool.Run([&] { ran += 100; }));
    release.Notify();
  }
  EXPECT_EQ(ran, 2);
}

TEST(ConcurrentThreadPool, FinishesWhatIsQueuedWhenDestroyed) {
  std::atomic<int> ran = 0;
  {
    ThreadPool pool(3, 1000);
    for (int i = 0; i < 500; ++i) ASSERT_TRUE(pool.Run([&] { ++ran; }));
  }
  EXPECT_EQ(ran, 500);
}

TEST(ConcurrentThreadPool, RunsEveryPieceOfWorkOnce) {
  constexpr int kThreads = 4, kEach = 500;
  std::vector<int> runs(kThreads * kEach, 0);  // each written by one piece of work alone
  {
    ThreadPool pool(3, kThreads * kEach);
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kEach; ++i) EXPECT_TRUE(pool.Run([&runs, at = t * kEach + i] { ++runs[at]; }));
      });
    }
    for (auto& thread : threads) thread.join();
  }
  for (const int count : runs) ASSERT_EQ(count, 1);
}

TEST(ConcurrentLoop, TakesItsNextStepAtOnceWhenNothingIsToWaitFor) {
  absl::BlockingCounter steps(5);
  int left = 5;
  Loop loop("steps", [&] {
    if (left == 0) return absl::InfiniteDuration();
    --left;
    steps.DecrementCount();
    return absl::ZeroDuration();
  });
  steps.Wait();
}

TEST(ConcurrentLoop, IsWokenBeforeItsTime) {
  absl::Notification first, second;
  int steps = 0;
  Loop loop(
      "wakes",
      [&] {
        ++steps;
        if (steps == 1) first.Notify();
        if (steps == 2) second.Notify();
        return absl::InfiniteDuration();
      },
      absl::InfiniteDuration());
  first.WaitForNotification();
  loop.Wake();
  second.WaitForNotification();
}

TEST(ConcurrentLoop, AWakeDuringAStepIsNotLost) {
  absl::Notification in_first, woken, second;
  int steps = 0;
  Loop loop(
      "kept wake",
      [&] {
        ++steps;
        if (steps == 1) {
          in_first.Notify();
          woken.WaitForNotification();
        }
        if (steps == 2) second.Notify();
        return absl::InfiniteDuration();
      },
      absl::InfiniteDuration());
  in_first.WaitForNotification();
  loop.Wake();
  woken.Notify();
  second.WaitForNotification();
}

TEST(ConcurrentLoop, WaitsForTheRunningStepWhenDestroyed) {
  absl::Notification in_step, release;
  bool ended = false;
  std::thread releaser;
  {
    Loop loop("ends", [&] {
      if (!in_step.HasBeenNotified()) in_step.Notify();
      release.WaitForNotification();
      ended = true;
      return absl::InfiniteDuration();
    });
    in_step.WaitForNotification();
    releaser = std::thread([&] { release.Notify(); });
  }
  EXPECT_TRUE(ended);
  releaser.join();
}

}  // namespace
}  // namespace rematch::platform
