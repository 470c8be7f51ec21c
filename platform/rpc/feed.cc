#include "platform/rpc/feed.h"

namespace rematch::rpc {

FeedHub::FeedHub(Calls& calls, absl::Duration interval)
    : calls_(calls), interval_(interval), loop_("feeds", [this] { return WakeAll(); }) {}

FeedHub::~FeedHub() {
  Stop();
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(
      +[](decltype(feeds_)* feeds) { return feeds->empty(); }, &feeds_));
}

void FeedHub::Stop() {
  std::vector<std::shared_ptr<OpenFeed>> feeds;
  {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
    feeds.assign(feeds_.begin(), feeds_.end());
  }
  for (const std::shared_ptr<OpenFeed>& feed : feeds) {
    feed->End(Error(absl::StatusCode::kUnavailable, reason::kShuttingDown, "the service is shutting down"));
  }
}

size_t FeedHub::open() const {
  absl::MutexLock lock(&mutex_);
  return feeds_.size();
}

void FeedHub::Add(std::shared_ptr<OpenFeed> feed) {
  bool stopped = false;
  {
    absl::MutexLock lock(&mutex_);
    feeds_.insert(feed);
    stopped = stopped_;
  }
  if (stopped) feed->End(Error(absl::StatusCode::kUnavailable, reason::kShuttingDown, "the service is shutting down"));
}

void FeedHub::Remove(const std::shared_ptr<OpenFeed>& feed) {
  absl::MutexLock lock(&mutex_);
  feeds_.erase(feed);
}

absl::Duration FeedHub::WakeAll() {
  std::vector<std::shared_ptr<OpenFeed>> feeds;
  {
    absl::MutexLock lock(&mutex_);
    feeds.assign(feeds_.begin(), feeds_.end());
  }
  // Outside the lock: a poll that runs right here may end its watch.
  for (const std::shared_ptr<OpenFeed>& feed : feeds) feed->Wake();
  return interval_;
}

}  // namespace rematch::rpc
