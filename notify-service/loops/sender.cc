#include "notify-service/loops/sender.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "notify-service/domain/reasons.h"
#include "platform/errors.h"
#include "platform/log.h"

namespace rematch::notify {
namespace {

constexpr absl::Duration kIdle = absl::Seconds(1);
constexpr char kTable[] = "sends";

std::string IdOf(const Key& key) { return absl::StrCat(key.consortium, "/", key.id); }

bool FitToSend(MailTransport::Settlement settlement, const stored::Begun& begun) {
  return settlement != MailTransport::Settlement::kSent && begun.may_send();
}

}  // namespace

Sender::~Sender() {
  absl::MutexLock lock(&mutex_);
  const auto idle = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return in_flight_.empty(); };
  mutex_.Await(absl::Condition(&idle));
}

void Sender::Stop() {
  absl::MutexLock lock(&mutex_);
  stopping_ = true;
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
    absl::StatusOr<std::vector<Work>> due = store_.OwnDue(now, busy + room + 1);
    if (!due.ok()) {
      log::Warn("due_sends_unreadable", {{"error", ReasonOf(due.status())}});
      return kIdle;
    }
    SendAll(TakeOn(*due), now);
  } else {
    absl::MutexLock lock(&mutex_);
    full_ = true;
  }
  if (const auto outlook = store_.Look(); outlook.ok()) {
    gauges_.oldest(outlook->oldest == absl::InfiniteFuture() ? absl::ZeroDuration() : now - outlook->oldest);
    if (outlook->next_own > now) wait = std::min(wait, outlook->next_own - now);
  }
  return wait;
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
    if (in_flight_.insert(IdOf(work.key)).second) taken.push_back(work);
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
    const bool loaded = messages.ok() && messages->contains(work.key);
    if (!loaded) {
      Ended(work.key, /*wake=*/false);
      continue;
    }
    gauges_.late(now - work.due);
    Attempt(work, std::move(messages->at(work.key)));
  }
}

// Runs on after Step() has returned: the door's callback hands over to the pool, which goes back to the door.
void Sender::Attempt(const Work& work, Message mail) {
  const Key key = work.key;
  const int64_t epoch = work.epoch;
  mail.from = options_.from;
  auto message = std::make_shared<Message>(std::move(mail));
  CommandMeta timer;
  timer.priority = Priority::kTimer;
  door_.Submit(std::move(timer), BeginSend{.target = key, .epoch = epoch}, [this, key, epoch, message](absl::StatusOr<std::string> reply) {
    stored::Begun begun;
    if (!reply.ok() || !begun.ParseFromString(*reply)) {
      // Refused by the state, or the door is full or closing: the row stays as it is and is seen again.
      return Ended(key, /*wake=*/false);
    }
    const bool queued = pool_.Run([this, key, epoch, message, begun] {
      FinishSend finish{.target = key, .epoch = epoch, .beginning = begun.beginning(), .outcome = HandOver(*message, begun)};
      door_.Submit({}, std::move(finish), [this, key](absl::StatusOr<std::string> done) {
        if (!done.ok() && ReasonOf(done.status()) != reason::kClaimLost) {
          log::Warn("send_outcome_not_stored", {{"error", ReasonOf(done.status())}});
        }
        Ended(key, /*wake=*/true);
      });
    });
    // SENDING is durable, so it is settled later, like after a crash.
    if (!queued) Ended(key, /*wake=*/false);
  });
}

Outcome Sender::HandOver(const Message& message, const stored::Begun& begun) {
  if (!begun.settle()) return transport_.Send(message);
  const MailTransport::Settlement settlement = transport_.Settle(message);
  if (settlement == MailTransport::Settlement::kSent) return {.kind = Outcome::Kind::kSent};
  const bool maybe_before = settlement == MailTransport::Settlement::kCannotTell;
  if (!FitToSend(settlement, begun)) {
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
  in_flight_.erase(IdOf(key));
  if (!wake || !full_ || stopping_ || in_flight_.size() > options_.max_in_flight / 2) return;
  full_ = false;
  wake_();
}

}  // namespace rematch::notify
