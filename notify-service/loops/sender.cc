#include "notify-service/loops/sender.h"

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "notify-service/domain/reasons.h"
#include "platform/errors.h"
#include "platform/log.h"

namespace rematch::notify {
namespace {

constexpr absl::Duration kIdle = absl::Seconds(1);
constexpr absl::Duration kLookAgain = absl::Seconds(1);  // at how old the oldest message is
constexpr char kTable[] = "sends";

// Null for what never came to the transport.
const char* NameOf(Outcome::Kind kind) {
  switch (kind) {
    case Outcome::Kind::kSent:
      return kSendOutcomes[0];
    case Outcome::Kind::kRejectedForever:
      return kSendOutcomes[1];
    case Outcome::Kind::kRetryLater:
      return kSendOutcomes[2];
    case Outcome::Kind::kUnknown:
    case Outcome::Kind::kCannotTell:
      return kSendOutcomes[3];
    case Outcome::Kind::kNotSent:
    case Outcome::Kind::kNotBegun:
    case Outcome::Kind::kUnreadable:
      break;
  }
  return nullptr;
}

}  // namespace

Sender::~Sender() {
  absl::MutexLock lock(&mutex_);
  const auto idle = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return in_flight_.empty(); };
  mutex_.Await(absl::Condition(&idle));
}

void Sender::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  transport_.Hurry();
  absl::MutexLock lock(&mutex_);
  const auto idle = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return in_flight_.empty(); };
  mutex_.Await(absl::Condition(&idle));
}

absl::Duration Sender::Beat(absl::Duration now) {
  if (now < next_beat_) return next_beat_ - now;
  next_beat_ = now + options_.beat;
  if (const absl::Status beat = leases_.Beat(); !beat.ok()) log::Warn("beat_failed", {{"error", ReasonOf(beat)}});
  return options_.beat;
}

absl::Duration Sender::Step() {
  const absl::Duration monotonic = clock_.Monotonic();
  const bool look_for_dead = monotonic >= next_beat_;
  absl::Duration wait = std::min(kIdle, Beat(monotonic));
  size_t busy = 0;
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return kIdle;
    busy = in_flight_.size();
  }
  const absl::Time now = clock_.Now();
  const size_t room = options_.max_in_flight - std::min(busy, options_.max_in_flight);
  if (room > 0) {
    const absl::StatusOr<absl::Time> next = leases_.NextDue(kTable);
    // Rows of dead replicas only show by trying, once a beat.
    if (look_for_dead || (next.ok() && *next <= now)) {
      const auto claims = leases_.ClaimDue(kTable, now, room);
      if (!claims.ok()) log::Warn("claim_failed", {{"error", ReasonOf(claims.status())}});
      if (claims.ok() && claims->size() == room) wait = absl::ZeroDuration();
    } else if (next.ok()) {
      wait = std::min(wait, *next - now);
    }
    // Those in flight are due as well, and come first.
    // One more than there is room for shows that more waits.
    const absl::StatusOr<NotifyStore::Due> due = store_.OwnDue(now, busy + room + 1);
    if (!due.ok()) {
      log::Warn("due_sends_unreadable", {{"error", ReasonOf(due.status())}});
      return kIdle;
    }
    SendAll(TakeOn(due->now), now);
    wait = std::min(wait, due->next - now);
  } else {
    absl::MutexLock lock(&mutex_);
    full_ = true;
  }
  ShowOldest(now, monotonic);
  return wait;
}

void Sender::ShowOldest(absl::Time now, absl::Duration monotonic) {
  if (monotonic < next_look_) return;
  const absl::StatusOr<absl::Time> oldest = store_.Oldest();
  if (!oldest.ok()) return;
  next_look_ = monotonic + kLookAgain;
  gauges_.oldest(*oldest == absl::InfiniteFuture() ? absl::ZeroDuration() : now - *oldest);
}

std::vector<Work> Sender::TakeOn(const std::vector<Work>& due) {
  std::vector<Work> taken;
  absl::MutexLock lock(&mutex_);
  full_ = false;
  for (const Work& work : due) {
    if (stopping_) break;
    if (in_flight_.size() >= options_.max_in_flight) {
      full_ = true;
      break;
    }
    if (in_flight_.insert(SendId(work.key)).second) taken.push_back(work);
  }
  return taken;
}

void Sender::SendAll(const std::vector<Work>& taken, absl::Time now) {
  if (taken.empty()) return;
  std::vector<Key> keys;
  for (const Work& work : taken) keys.push_back(work.key);
  absl::StatusOr<std::map<Key, Message>> messages = store_.Messages(keys);
  if (!messages.ok()) log::Warn("messages_unreadable", {{"error", ReasonOf(messages.status())}});
  for (const Work& work : taken) {
    if (!messages.ok()) {
      Ended(work.key, /*wake=*/false);
      continue;
    }
    gauges_.late(now - work.due);
    const auto found = messages->find(work.key);
    std::shared_ptr<Message> message;
    if (found != messages->end()) {
      message = std::make_shared<Message>(std::move(found->second));
      message->from = options_.from;
    } else {
      log::Error("message_unreadable", {{"notification", SendId(work.key)}});
    }
    Attempt(work, std::move(message));
  }
}

// Runs on after Step() has returned: the door's callback hands over to the pool, which goes back to the door.
void Sender::Attempt(const Work& work, std::shared_ptr<Message> message) {
  const Key key = work.key;
  const int64_t epoch = work.epoch;
  CommandMeta timer;
  timer.priority = Priority::kTimer;
  door_.Submit(std::move(timer), BeginSend{.target = key, .epoch = epoch}, [this, key, epoch, message](absl::StatusOr<std::string> reply) {
    stored::Begun begun;
    if (!reply.ok() || !begun.ParseFromString(*reply)) {
      // Refused by the state, or the door is full or closing: the row stays as it is and is seen again.
      return Ended(key, /*wake=*/false);
    }
    if (message == nullptr) {
      return Finish(key, epoch, begun.beginning(), {.kind = Outcome::Kind::kUnreadable, .error = "DAMAGED"});
    }
    const bool queued = pool_.Run([this, key, epoch, message, begun] {
      Outcome outcome{.kind = Outcome::Kind::kNotBegun};
      if (!stopping()) outcome = HandOver(*message, begun);
      Finish(key, epoch, begun.beginning(), std::move(outcome));
    });
    if (!queued) Finish(key, epoch, begun.beginning(), {.kind = Outcome::Kind::kNotBegun});
  });
}

// Without this, SENDING is durable all the same, and is settled later, like after a crash.
void Sender::Finish(const Key& key, int64_t epoch, int64_t beginning, Outcome outcome) {
  if (const char* name = NameOf(outcome.kind); name != nullptr) gauges_.ended(name);
  FinishSend finish{.target = key, .epoch = epoch, .beginning = beginning, .outcome = std::move(outcome)};
  door_.Submit({}, std::move(finish), [this, key](absl::StatusOr<std::string> done) {
    if (!done.ok() && ReasonOf(done.status()) != reason::kClaimLost) {
      log::Warn("send_outcome_not_stored", {{"error", ReasonOf(done.status())}});
    }
    Ended(key, /*wake=*/true);
  });
}

Outcome Sender::HandOver(const Message& message, const stored::Begun& begun) {
  try {
    return SettleAndSend(message, begun);
  } catch (const std::exception&) {
    // Nobody knows how far it came. An exception's text may hold a path, and with it an address.
    log::Error("transport_threw", {{"message_id", message.message_id}});
    return {.kind = Outcome::Kind::kUnknown, .error = "BROKE_OFF", .resent = begun.settle(), .maybe_before = begun.settle()};
  }
}

Outcome Sender::SettleAndSend(const Message& message, const stored::Begun& begun) {
  if (!begun.settle()) return transport_.Send(message);
  const MailTransport::Settlement settlement = transport_.Settle(message);
  if (settlement == MailTransport::Settlement::kSent) return {.kind = Outcome::Kind::kSent};
  const bool maybe_before = settlement == MailTransport::Settlement::kCannotTell;
  if (!(maybe_before ? begun.may_resend() : begun.may_send())) {
    return {.kind = maybe_before ? Outcome::Kind::kCannotTell : Outcome::Kind::kNotSent};
  }
  Outcome outcome = transport_.Send(message);
  outcome.resent = true;
  outcome.maybe_before = maybe_before;
  return outcome;
}

void Sender::Ended(const Key& key, bool wake) {
  // The lock is held while waking, so that nobody who waits for the last one destroys the loop under the call.
  absl::MutexLock lock(&mutex_);
  in_flight_.erase(SendId(key));
  if (!wake || !full_ || stopping_ || in_flight_.size() > options_.max_in_flight / 2) return;
  full_ = false;
  wake_();
}

}  // namespace rematch::notify
