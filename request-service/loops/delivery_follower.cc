#include "request-service/loops/delivery_follower.h"

#include <optional>
#include <string>
#include <utility>

#include "platform/errors.h"
#include "platform/log.h"

namespace rematch::request {
namespace {

namespace nv1 = notify::v1;

constexpr char kFeed[] = "deliveries";
constexpr size_t kPage = 256;
constexpr size_t kMostWaiting = 4 * kPage;
constexpr absl::Duration kAfterFailure = absl::Milliseconds(500);
constexpr int kMostRefusals = 20;
constexpr absl::Duration kBetweenPolls = absl::Milliseconds(200);

// The command that a delivery is for a case; nothing for messages of others and for states that say nothing new.
std::optional<CaseCommand> ToCommand(const nv1::Delivery& delivery) {
  std::optional<CaseKey> key = CaseKey::Parse(delivery.origin());
  if (!key.has_value()) return std::nullopt;
  const std::string message = delivery.notification().substr(delivery.notification().rfind('/') + 1);
  CaseCommand command;
  command.key = *std::move(key);
  command.command.set_actor_role("PEER");
  if (delivery.state() == nv1::Notification::SENT) {
    command.command.mutable_delivered()->set_message(message);
    command.command.mutable_delivered()->set_position(delivery.position());
  } else if (delivery.state() == nv1::Notification::FAILED) {
    Command::Undeliverable& failed = *command.command.mutable_undeliverable();
    failed.set_message(message);
    failed.set_position(delivery.position());
    failed.set_may_have_arrived(delivery.may_have_arrived());
  } else if (delivery.state() == nv1::Notification::CANCELLED) {
    command.command.mutable_send_cancelled()->set_message(message);
  } else {
    return std::nullopt;
  }
  return command;
}

}  // namespace

void DeliveryFollower::Follow(std::function<void()> wake) {
  {
    absl::MutexLock lock(&mutex_);
    following_ = true;
  }
  reader_ = std::thread([this, wake = std::move(wake)] { Read(wake); });
}

void DeliveryFollower::StopFollowing() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  notify_.StopWatching();
  if (reader_.joinable()) reader_.join();
}

absl::StatusOr<int64_t> DeliveryFollower::Position() {
  {
    absl::MutexLock lock(&mutex_);
    if (read_ >= 0) return read_;
  }
  return work_.Cursor(kFeed);
}

void DeliveryFollower::Read(const std::function<void()>& wake) {
  for (;;) {
    const absl::StatusOr<int64_t> after = Position();
    if (after.ok()) {
      const absl::Status status = notify_.WatchDeliveries(*after, /*follow=*/true, [&](const nv1::Delivery& delivery) {
        {
          absl::MutexLock lock(&mutex_);
          const auto room = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_ || came_.size() < kMostWaiting; };
          mutex_.Await(absl::Condition(&room));
          if (stopping_) return false;
          read_ = delivery.position();
          came_.push_back(delivery);
        }
        wake();
        return true;
      });
      if (!status.ok()) log::Debug("deliveries_broke_off", {{"code", static_cast<int>(status.code())}});
    }
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&stopping_), kAfterFailure);
    if (stopping_) return;
  }
}

absl::Duration DeliveryFollower::Step() {
  std::vector<nv1::Delivery> page;
  bool following;
  {
    absl::MutexLock lock(&mutex_);
    following = following_;
    for (size_t i = 0; i < came_.size() && i < kPage; ++i) page.push_back(came_[i]);
  }
  if (!following) {
    const absl::StatusOr<int64_t> after = Position();
    if (!after.ok()) return kAfterFailure;
    const absl::Status status = notify_.WatchDeliveries(*after, /*follow=*/false, [&page](const nv1::Delivery& delivery) {
      page.push_back(delivery);
      return page.size() < kPage;
    });
    if (!status.ok() && page.empty()) return kAfterFailure;
  }
  if (page.empty()) return following ? absl::InfiniteDuration() : kBetweenPolls;

  std::vector<CaseCommand> commands;
  std::vector<int64_t> positions;
  for (const nv1::Delivery& delivery : page) {
    if (std::optional<CaseCommand> command = ToCommand(delivery)) {
      commands.push_back(*std::move(command));
      positions.push_back(delivery.position());
    }
  }
  const std::vector<absl::Status> results = CommitAll(door_, std::move(commands), Priority::kPeople);
  bool wait = false;
  for (size_t i = 0; i < results.size(); ++i) {
    // A case that is not there is of another store, as after a restored backup.
    if (results[i].ok() || results[i].code() == absl::StatusCode::kNotFound) continue;
    const bool refused = results[i].code() != absl::StatusCode::kUnavailable && results[i].code() != absl::StatusCode::kResourceExhausted;
    if (refused && positions[i] <= set_aside_) continue;
    if (std::exchange(in_the_way_, positions[i]) != positions[i]) refusals_ = 0;
    if (refused && ++refusals_ >= kMostRefusals) {
      // One case that cannot take its delivery, such as one whose row is damaged, stops nobody else's.
      log::Error("delivery_set_aside",
                 {{"position", positions[i]}, {"code", static_cast<int>(results[i].code())}, {"reason", ReasonOf(results[i])}});
      metrics_.Count("poisoned_deliveries");
      set_aside_ = positions[i];
      continue;
    }
    wait = true;
    break;  // the first that stands in the way is the one that is counted
  }
  if (wait) return kAfterFailure;
  if (!work_.Advance(kFeed, page.back().position()).ok()) return kAfterFailure;
  absl::MutexLock lock(&mutex_);
  if (following) came_.erase(came_.begin(), came_.begin() + static_cast<std::ptrdiff_t>(page.size()));
  return following && came_.empty() ? absl::InfiniteDuration() : absl::ZeroDuration();
}

}  // namespace rematch::request
