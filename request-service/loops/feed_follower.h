// Follows a feed of a peer: what it reports becomes commands of cases. The commands of a page are committed first and the cursor is moved
// after them, since one page may span several batches: a page that was broken off is read again, and the same report twice is one to the
// state machine.
#ifndef REMATCH_REQUEST_SERVICE_LOOPS_FEED_FOLLOWER_H_
#define REMATCH_REQUEST_SERVICE_LOOPS_FEED_FOLLOWER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "platform/errors.h"
#include "platform/log.h"
#include "platform/metrics.h"
#include "request-service/store/case_command.h"
#include "request-service/store/work_store.h"

namespace rematch::request {

// Of a feed whose messages are `Item`, which have a position(). Step() is called by one thread at a time. Whoever derives from it calls
// StopFollowing() in their destructor.
template <typename Item>
class FeedFollower {
 public:
  virtual ~FeedFollower() = default;

  // Keeps a stream open on a thread of its own, which calls `wake` when something came. Without it every Step() asks for what is new.
  void Follow(std::function<void()> wake);
  // For good.
  void StopFollowing();

  // Applies what came, one page; returns for how long nothing is known to be left.
  absl::Duration Step();

 protected:
  // `feed` names the cursor, the log lines and the metric of what was set aside: poisoned_{feed}.
  FeedFollower(std::string feed, CaseDoor& door, WorkStore& work, platform::Metrics& metrics)
      : feed_(std::move(feed)), door_(door), work_(work), metrics_(metrics) {}

  // What an item means for a case, or for a candidate.
  struct Reported {
    int64_t position = 0;
    CaseCommand command;
  };

 private:
  // Hands what is behind `after` to `each`, in order, until `each` returns false; see peers.h.
  virtual absl::Status Watch(int64_t after, bool follow, absl::FunctionRef<bool(const Item&)> each) = 0;
  virtual void StopWatching() = 0;
  // In the order of the page. May read stores and peers, and blocks then; a page that fails is read again later.
  virtual absl::StatusOr<std::vector<Reported>> CommandsOf(const std::vector<Item>& page) = 0;

  void Read(const std::function<void()>& wake);
  // Where the next watch begins.
  absl::StatusOr<int64_t> Position();
  // Whether all of it was taken, or set aside; else it comes again.
  bool Commit(std::vector<Reported> reported);

  static constexpr size_t kPage = 256;
  static constexpr size_t kMostWaiting = 4 * kPage;
  static constexpr absl::Duration kAfterFailure = absl::Milliseconds(500);
  static constexpr absl::Duration kBetweenPolls = absl::Milliseconds(200);
  static constexpr int kMostRefusals = 20;

  const std::string feed_;
  CaseDoor& door_;
  WorkStore& work_;
  platform::Metrics& metrics_;
  std::thread reader_;
  // By Step() only: how often the item that stands in the way was refused, and up to which position those are left out that were.
  int64_t in_the_way_ = 0;
  int refusals_ = 0;
  int64_t set_aside_ = 0;

  absl::Mutex mutex_;
  bool following_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<Item> came_ ABSL_GUARDED_BY(mutex_);
  int64_t read_ ABSL_GUARDED_BY(mutex_) = -1;  // the last position that came; -1: as stored
};

// --- Implementation ---

template <typename Item>
void FeedFollower<Item>::Follow(std::function<void()> wake) {
  {
    absl::MutexLock lock(&mutex_);
    following_ = true;
  }
  reader_ = std::thread([this, wake = std::move(wake)] { Read(wake); });
}

template <typename Item>
void FeedFollower<Item>::StopFollowing() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  StopWatching();
  if (reader_.joinable()) reader_.join();
}

template <typename Item>
absl::StatusOr<int64_t> FeedFollower<Item>::Position() {
  {
    absl::MutexLock lock(&mutex_);
    if (read_ >= 0) return read_;
  }
  return work_.Cursor(feed_);
}

template <typename Item>
void FeedFollower<Item>::Read(const std::function<void()>& wake) {
  for (;;) {
    const absl::StatusOr<int64_t> after = Position();
    if (after.ok()) {
      const absl::Status status = Watch(*after, /*follow=*/true, [&](const Item& item) {
        {
          absl::MutexLock lock(&mutex_);
          const auto room = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_ || came_.size() < kMostWaiting; };
          mutex_.Await(absl::Condition(&room));
          if (stopping_) return false;
          read_ = item.position();
          came_.push_back(item);
        }
        wake();
        return true;
      });
      if (!status.ok()) log::Debug("feed_broke_off", {{"feed", feed_}, {"code", static_cast<int>(status.code())}});
    }
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&stopping_), kAfterFailure);
    if (stopping_) return;
  }
}

template <typename Item>
absl::Duration FeedFollower<Item>::Step() {
  std::vector<Item> page;
  bool following;
  {
    absl::MutexLock lock(&mutex_);
    following = following_;
    for (size_t i = 0; i < came_.size() && i < kPage; ++i) page.push_back(came_[i]);
  }
  if (!following) {
    const absl::StatusOr<int64_t> after = Position();
    if (!after.ok()) return kAfterFailure;
    const absl::Status status = Watch(*after, /*follow=*/false, [&page](const Item& item) {
      page.push_back(item);
      return page.size() < kPage;
    });
    if (!status.ok() && page.empty()) return kAfterFailure;
  }
  if (page.empty()) return following ? absl::InfiniteDuration() : kBetweenPolls;

  absl::StatusOr<std::vector<Reported>> reported = CommandsOf(page);
  if (!reported.ok()) {
    // Nothing behind it is told to anybody until it is.
    metrics_.Count("stalled_" + feed_);
    log::Warn("feed_stalled", {{"feed", feed_},
                               {"position", page.front().position()},
                               {"code", static_cast<int>(reported.status().code())},
                               {"reason", ReasonOf(reported.status())}});
    return kAfterFailure;
  }
  if (!Commit(*std::move(reported))) return kAfterFailure;
  if (!work_.Advance(feed_, page.back().position()).ok()) return kAfterFailure;
  absl::MutexLock lock(&mutex_);
  if (following) came_.erase(came_.begin(), came_.begin() + static_cast<std::ptrdiff_t>(page.size()));
  return following && came_.empty() ? absl::InfiniteDuration() : absl::ZeroDuration();
}

template <typename Item>
bool FeedFollower<Item>::Commit(std::vector<Reported> reported) {
  std::vector<CaseCommand> commands;
  commands.reserve(reported.size());
  for (Reported& one : reported) commands.push_back(std::move(one.command));
  const std::vector<absl::Status> results = CommitAll(door_, std::move(commands), Priority::kPeople);
  for (size_t i = 0; i < results.size(); ++i) {
    // A case that is not there is of another store, as after a restored backup.
    if (results[i].ok() || results[i].code() == absl::StatusCode::kNotFound) continue;
    const bool refused = results[i].code() != absl::StatusCode::kUnavailable && results[i].code() != absl::StatusCode::kResourceExhausted;
    const int64_t position = reported[i].position;
    if (refused && position <= set_aside_) continue;
    if (std::exchange(in_the_way_, position) != position) refusals_ = 0;
    // The first that stands in the way is the one that is counted.
    if (!refused || ++refusals_ < kMostRefusals) return false;
    // One case that cannot take what is reported, such as one whose row is damaged, stops nobody else's.
    log::Error("feed_item_set_aside",
               {{"feed", feed_}, {"position", position}, {"code", static_cast<int>(results[i].code())}, {"reason", ReasonOf(results[i])}});
    metrics_.Count("poisoned_" + feed_);
    set_aside_ = position;
  }
  return true;
}

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_LOOPS_FEED_FOLLOWER_H_
