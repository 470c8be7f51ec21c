#include "notify-service/domain/notification.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "notify-service/domain/reasons.h"
#include "platform/errors.h"
#include "platform/ids.h"
#include "platform/strings.h"

namespace rematch::notify {
namespace {

constexpr char kBounced[] = "BOUNCED";

void End(Progress& progress, State state, absl::Time now) {
  progress.state = state;
  progress.end = now;
}

// Ends without having been sent as far as anybody knows. `maybe`: it may have arrived nevertheless.
void GiveUp(Progress& progress, bool maybe, absl::Time now) {
  progress.may_have_arrived |= maybe;
  End(progress, progress.cancel_asked && !progress.may_have_arrived ? State::kCancelled : State::kFailed, now);
}

}  // namespace

Beginning Begin(Progress& progress, const SendPolicy& policy) {
  ++progress.beginnings;
  ++progress.tries;
  if (progress.state == State::kQueued) {
    progress.state = State::kSending;
    ++progress.attempts;
    return {.settle = false, .may_send = true, .may_resend = true};
  }
  if (progress.state == State::kSending) progress.last_error = "BROKE_OFF";
  progress.state = State::kUnknown;
  // Counted before anything goes out, so that what kills the process every time comes to an end as well.
  ++progress.resends;
  const bool may_send = !progress.cancel_asked && progress.tries <= policy.max_tries;
  return {.settle = true, .may_send = may_send, .may_resend = may_send && progress.resends <= policy.max_resends};
}

absl::Time Finish(Progress& progress, const Outcome& outcome, const SendPolicy& policy, absl::Time now, uint64_t jitter) {
  const bool first = progress.state == State::kSending;
  if (outcome.resent) ++progress.attempts;
  if (!outcome.error.empty()) progress.last_error = outcome.error;
  if (!first && !(outcome.kind == Outcome::Kind::kUnknown && outcome.maybe_before)) --progress.resends;
  switch (outcome.kind) {
    case Outcome::Kind::kSent:
      progress.last_error.clear();
      progress.may_have_arrived = false;
      End(progress, State::kSent, now);
      return absl::InfiniteFuture();
    case Outcome::Kind::kRejectedForever:
      progress.may_have_arrived |= outcome.maybe_before;
      End(progress, State::kFailed, now);
      return absl::InfiniteFuture();
    case Outcome::Kind::kNotSent:
    case Outcome::Kind::kCannotTell:
      GiveUp(progress, outcome.kind == Outcome::Kind::kCannotTell, now);
      return absl::InfiniteFuture();
    case Outcome::Kind::kUnreadable:
      if (first) --progress.attempts;
      GiveUp(progress, !first, now);
      return absl::InfiniteFuture();
    case Outcome::Kind::kNotBegun:
      --progress.tries;
      if (!first) return now;  // still UNKNOWN
      --progress.attempts;
      if (progress.cancel_asked) {
        GiveUp(progress, false, now);
        return absl::InfiniteFuture();
      }
      progress.state = State::kQueued;
      return now;
    case Outcome::Kind::kRetryLater: {
      if (outcome.ours) --progress.tries;
      const bool enough = outcome.ours ? now - progress.queued >= policy.max_age : progress.tries >= policy.max_tries;
      if (progress.cancel_asked || enough) {
        GiveUp(progress, outcome.maybe_before, now);
        return absl::InfiniteFuture();
      }
      progress.state = outcome.maybe_before ? State::kUnknown : State::kQueued;
      return now + Backoff(++progress.pauses, policy, jitter);
    }
    case Outcome::Kind::kUnknown:
      // Even after the last try: it may have arrived, which settling finds out where anybody can.
      progress.state = State::kUnknown;
      return now + std::max(policy.settle_delay, outcome.maybe_before ? Backoff(++progress.pauses, policy, jitter) : absl::ZeroDuration());
  }
  return absl::InfiniteFuture();
}

void Cancel(Progress& progress, absl::Time now) {
  if (HasEnded(progress.state)) return;
  progress.cancel_asked = true;
  if (progress.state == State::kQueued) GiveUp(progress, false, now);
}

absl::Status Retry(Progress& progress, absl::Time now) {
  if (progress.state != State::kFailed) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kNotFailed, "only a failed notification can be tried again");
  }
  progress.state = State::kQueued;
  progress.cancel_asked = false;
  progress.tries = 0;
  progress.resends = 0;
  progress.pauses = 0;
  progress.queued = now;
  progress.end = absl::InfiniteFuture();
  return absl::OkStatus();
}

absl::Status Bounce(Progress& progress, absl::Time now) {
  if (progress.state == State::kFailed && progress.last_error == kBounced) return absl::OkStatus();
  if (progress.state != State::kSent) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kNotSent, "only a notification that was sent can have bounced");
  }
  progress.last_error = kBounced;
  End(progress, State::kFailed, now);
  return absl::OkStatus();
}

v1::Notification::State PublicState(const Progress& progress) {
  switch (progress.state) {
    case State::kQueued:
      return v1::Notification::QUEUED;
    case State::kSent:
      return v1::Notification::SENT;
    case State::kFailed:
      return v1::Notification::FAILED;
    case State::kUnknown:
      return v1::Notification::UNKNOWN;
    case State::kCancelled:
      return v1::Notification::CANCELLED;
    case State::kSending:
      return progress.cancel_asked ? v1::Notification::UNKNOWN : v1::Notification::QUEUED;
  }
  return v1::Notification::STATE_UNSPECIFIED;
}

bool HasEnded(State state) { return state == State::kSent || state == State::kFailed || state == State::kCancelled; }

absl::Duration Backoff(int64_t pauses, const SendPolicy& policy, uint64_t jitter) {
  absl::Duration wait = policy.first_backoff;
  for (int64_t i = 1; i < pauses && wait < policy.max_backoff; ++i) wait *= 2;
  wait = std::min(wait, policy.max_backoff);
  constexpr uint64_t kSteps = 1024;
  return wait / 2 + wait / 2 * static_cast<double>(jitter % (kSteps + 1)) / static_cast<double>(kSteps);
}

std::string NotificationName(std::string_view consortium, std::string_view id) {
  return absl::StrCat("consortia/", ToAbsl(consortium), "/notifications/", ToAbsl(id));
}

std::string MessageId(std::string_view name, std::string_view mail_domain) {
  const std::string digest = platform::Sha256(absl::StrCat("rematch message ", ToAbsl(name)));
  constexpr size_t kBytes = 20;
  return absl::StrCat(absl::BytesToHexString(digest.substr(0, kBytes)), "@", ToAbsl(mail_domain));
}

}  // namespace rematch::notify
