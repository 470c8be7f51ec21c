#include "platform/sql/watched.h"

#include <algorithm>

#include "platform/log.h"
#include "platform/sql/migrations.h"

namespace rematch::sql {
namespace {

constexpr absl::Duration kSilence = absl::Seconds(5);
constexpr absl::Duration kStaysBack = absl::Minutes(1);
constexpr absl::Duration kFirstAway = absl::Seconds(1);
constexpr absl::Duration kLongestAway = absl::Seconds(30);

}  // namespace

void WatchedDatabase::Watch(absl::AnyInvocable<void(bool)> changed) {
  absl::MutexLock lock(&mutex_);
  changed_ = std::move(changed);
  heard_ = clock_.Monotonic();
}

absl::Status WatchedDatabase::Note(absl::Status status) {
  const absl::Duration now = clock_.Monotonic();
  if (FailureOf(status) == Failure::kNone) {
    absl::MutexLock lock(&mutex_);
    heard_ = now;
  } else if (FailureOf(status) == Failure::kUnavailable) {
    absl::MutexLock lock(&mutex_);
    // Until somebody watches, whoever calls says what it waits for.
    if (changed_ && std::exchange(usable_, false)) {
      away_for_ = now - back_ < kStaysBack ? std::clamp(2 * away_for_, kFirstAway, kLongestAway) : absl::ZeroDuration();
      look_at_ = now + away_for_;
      log::Error("store_lost", {{"error", DetailOf(status)}});
      changed_(false);
    }
  }
  return status;
}

void WatchedDatabase::Step() {
  {
    absl::MutexLock lock(&mutex_);
    const absl::Duration now = clock_.Monotonic();
    if (usable_ ? now - heard_ < kSilence : now < look_at_) return;
  }
  // Not through Note(): what the parts of it came to says nothing yet.
  const absl::Status status = CheckStore(*inner_);
  if (!status.ok()) {
    Note(status).IgnoreError();
    return;
  }
  absl::MutexLock lock(&mutex_);
  heard_ = clock_.Monotonic();
  if (!std::exchange(usable_, true)) {
    back_ = heard_;
    log::Info("store_back");
    if (changed_) changed_(true);
  }
}

}  // namespace rematch::sql
