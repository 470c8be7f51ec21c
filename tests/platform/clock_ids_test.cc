// Time, ids and randomness as arguments.
#include <algorithm>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "platform/clock.h"
#include "platform/ids.h"

namespace rematch::platform {
namespace {

using ::testing::MatchesRegex;

const absl::Time kStart = absl::FromUnixMicros(1'772'442'000'123'456);

TEST(RealClock, TellsWholeMicroseconds) {
  RealClock clock;
  const absl::Time now = clock.Now();
  EXPECT_EQ(now, absl::FromUnixMicros(absl::ToUnixMicros(now)));
}

TEST(RealClock, MonotonicNeverStepsBack) {
  RealClock clock;
  absl::Duration last = clock.Monotonic();
  for (int i = 0; i < 1000; ++i) {
    const absl::Duration next = clock.Monotonic();
    EXPECT_GE(next, last);
    last = next;
  }
}

TEST(ManualClock, MovesOnlyWhenTold) {
  ManualClock clock(kStart);
  const absl::Duration monotonic = clock.Monotonic();
  EXPECT_EQ(clock.Now(), kStart);
  EXPECT_EQ(clock.Now(), kStart);
  clock.Advance(absl::Minutes(90));
  EXPECT_EQ(clock.Now(), kStart + absl::Minutes(90));
  EXPECT_EQ(clock.Monotonic() - monotonic, absl::Minutes(90));
}

TEST(ManualClock, TruncatesToMicroseconds) {
  ManualClock clock(kStart);
  clock.Advance(absl::Nanoseconds(1999));
  EXPECT_EQ(clock.Now(), kStart + absl::Microseconds(1));
}

TEST(IdSource, MakesVersion7Uuids) {
  ManualClock clock(kStart);
  SeededRandom random(1);
  IdSource ids(clock, random);
  EXPECT_THAT(ids.Next(), MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
}

TEST(IdSource, BeginsWithTheMillisecond) {
  ManualClock clock(absl::FromUnixMillis(0x0123456789ab));
  SeededRandom random(1);
  EXPECT_EQ(IdSource(clock, random).Next().substr(0, 13), "01234567-89ab");
}

TEST(IdSource, AscendsWithinAMillisecondEvenWhenItsCounterRunsOver) {
  ManualClock clock(kStart);
  SeededRandom random(7);
  IdSource ids(clock, random);
  std::string last;
  for (int i = 0; i < 10'000; ++i) {
    std::string next = ids.Next();
    ASSERT_LT(last, next);
    last = std::move(next);
  }
}

TEST(IdSource, AscendsWhenTheClockStepsBack) {
  ManualClock clock(kStart);
  SeededRandom random(7);
  IdSource ids(clock, random);
  const std::string before = ids.Next();
  clock.Advance(-absl::Hours(1));
  EXPECT_LT(before, ids.Next());
}

TEST(SeededRandom, GivesTheSameNumbersForTheSameSeed) {
  SeededRandom a(42), b(42), c(43);
  const uint64_t first = a.Next();
  EXPECT_EQ(first, b.Next());
  EXPECT_NE(first, c.Next());
}

TEST(SecureRandom, DoesNotRepeat) {
  SecureRandom random;
  std::set<uint64_t> seen;
  for (int i = 0; i < 100; ++i) seen.insert(random.Next());
  EXPECT_EQ(seen.size(), 100u);
}

TEST(Digests, AreThoseOfTheStandards) {
  EXPECT_EQ(absl::BytesToHexString(Sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  // RFC 4231, test case 2.
  EXPECT_EQ(absl::BytesToHexString(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(ConcurrentIdSource, NeverGivesAnIdTwice) {
  RealClock clock;
  SeededRandom random(3);
  IdSource ids(clock, random);
  std::vector<std::vector<std::string>> made(4);
  std::vector<std::thread> threads;
  for (auto& mine : made) {
    threads.emplace_back([&ids, &mine] {
      for (int i = 0; i < 2000; ++i) mine.push_back(ids.Next());
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<std::string> all;
  for (const auto& mine : made) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    all.insert(mine.begin(), mine.end());
  }
  EXPECT_EQ(all.size(), 8000u);
}

}  // namespace
}  // namespace rematch::platform
