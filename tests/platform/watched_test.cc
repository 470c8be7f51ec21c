#include "platform/sql/watched.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/sql/migrations.h"
#include "tests/platform/faulty_database.h"

namespace rematch::sql {
namespace {

using ::rematch::testing::Fault;
using ::rematch::testing::FaultyDatabase;

// A store that can be made to fail, and whether whoever watches it thinks that it can be used.
class WatchedTest : public ::testing::Test {
 protected:
  WatchedTest() {
    EXPECT_TRUE(Migrate(*store_, {}, clock_).ok());
    auto faulty = std::make_unique<FaultyDatabase>(*store_);
    faulty_ = faulty.get();
    watched_ = std::make_unique<WatchedDatabase>(std::move(faulty), clock_);
    watched_->Watch([this](bool usable) { usable_ = usable; });
  }

  void Fail(Failure failure = Failure::kUnavailable) {
    faulty_->Next(Fault::Before(failure));
    EXPECT_FALSE(watched_->Transact([](Transaction&) { return absl::OkStatus(); }).ok());
  }
  // How long it stays away while it is looked at each second.
  absl::Duration SecondsUntilBack() {
    const absl::Duration from = clock_.Monotonic();
    for (int i = 0; i < 100 && !usable_; ++i) {
      clock_.Advance(absl::Seconds(1));
      watched_->Step();
    }
    return clock_.Monotonic() - from;
  }

  platform::ManualClock clock_{absl::UnixEpoch()};
  const std::unique_ptr<Database> store_ = *Open("sqlite::memory:");
  FaultyDatabase* faulty_ = nullptr;
  std::unique_ptr<WatchedDatabase> watched_;
  bool usable_ = true;
};

TEST_F(WatchedTest, AStoreThatIsAwayIsBackWhenItCanBeWrittenTo) {
  Fail();
  EXPECT_FALSE(usable_);
  faulty_->Always(Fault::Before(Failure::kUnavailable));
  watched_->Step();
  EXPECT_FALSE(usable_);
  faulty_->Always(Fault::None());
  watched_->Step();
  EXPECT_TRUE(usable_);
}

TEST_F(WatchedTest, AConflictOrABadStatementSaysNothingOfTheStore) {
  Fail(Failure::kConflict);
  Fail(Failure::kSplit);
  Fail(Failure::kRetry);
  EXPECT_TRUE(usable_);
}

TEST_F(WatchedTest, SilenceIsLookedInto) {
  faulty_->Always(Fault::Before(Failure::kUnavailable));
  watched_->Step();
  EXPECT_TRUE(usable_) << "it was heard of a moment ago";
  clock_.Advance(absl::Seconds(5));
  watched_->Step();
  EXPECT_FALSE(usable_);
}

TEST_F(WatchedTest, AStoreThatComesAndGoesStaysAwayLongerEachTime) {
  for (const int seconds : {1, 1, 2, 4, 8, 16, 30, 30}) {
    Fail();
    EXPECT_FALSE(usable_);
    EXPECT_EQ(SecondsUntilBack(), absl::Seconds(seconds));
  }
  clock_.Advance(absl::Minutes(1));
  Fail();
  EXPECT_EQ(SecondsUntilBack(), absl::Seconds(1)) << "it had stayed for a minute";
}

}  // namespace
}  // namespace rematch::sql
