// A mail transport that keeps what it is given and answers as it is told.
#ifndef REMATCH_TESTS_NOTIFY_RECORDING_TRANSPORT_H_
#define REMATCH_TESTS_NOTIFY_RECORDING_TRANSPORT_H_

#include <deque>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "notify-service/transport/transport.h"

namespace rematch::notify {

// Thread-safe.
class RecordingTransport final : public MailTransport {
 public:
  Outcome Send(const Message& message) override {
    absl::MutexLock lock(&mutex_);
    const auto open = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !held_; };
    ++tries_;
    mutex_.Await(absl::Condition(&open));
    Outcome outcome;
    if (refused_.contains(message.to.email)) outcome = {.kind = Outcome::Kind::kRejectedForever, .error = "REJECTED_FOREVER"};
    if (!next_.empty()) {
      outcome = next_.front();
      next_.pop_front();
    }
    if (outcome.kind == Outcome::Kind::kSent) sent_.push_back(message);
    return outcome;
  }
  void Hurry() override {
    absl::MutexLock lock(&mutex_);
    hurried_ = true;
  }
  Settlement Settle(const Message&) override {
    absl::MutexLock lock(&mutex_);
    ++settled_;
    return settlement_;
  }

  // Answers the next sends, one each; then everything is sent again.
  void Next(std::vector<Outcome> outcomes) {
    absl::MutexLock lock(&mutex_);
    next_.insert(next_.end(), outcomes.begin(), outcomes.end());
  }
  // This address is refused for good from now on.
  void Refuse(const std::string& email) {
    absl::MutexLock lock(&mutex_);
    refused_.insert(email);
  }
  void SettleAs(Settlement settlement) {
    absl::MutexLock lock(&mutex_);
    settlement_ = settlement;
  }
  // While held, Send() does not return.
  void Hold(bool held) {
    absl::MutexLock lock(&mutex_);
    held_ = held;
  }
  // Waits until Send() was called `count` times in all.
  bool AwaitTries(int count) {
    absl::MutexLock lock(&mutex_);
    const auto reached = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return tries_ >= count; };
    return mutex_.AwaitWithTimeout(absl::Condition(&reached), absl::Seconds(20));
  }
  // Waits until the sender stops.
  bool AwaitHurry() {
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(&hurried_), absl::Seconds(20));
  }
  std::vector<Message> sent() const {
    absl::MutexLock lock(&mutex_);
    return sent_;
  }
  int tries() const {
    absl::MutexLock lock(&mutex_);
    return tries_;
  }
  int settled() const {
    absl::MutexLock lock(&mutex_);
    return settled_;
  }

 private:
  mutable absl::Mutex mutex_;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  bool hurried_ ABSL_GUARDED_BY(mutex_) = false;
  int tries_ ABSL_GUARDED_BY(mutex_) = 0;
  int settled_ ABSL_GUARDED_BY(mutex_) = 0;
  Settlement settlement_ ABSL_GUARDED_BY(mutex_) = Settlement::kNotSent;
  std::deque<Outcome> next_ ABSL_GUARDED_BY(mutex_);
  std::vector<Message> sent_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<std::string> refused_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace rematch::notify

#endif  // REMATCH_TESTS_NOTIFY_RECORDING_TRANSPORT_H_
