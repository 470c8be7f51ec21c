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

void End(Progress& progress, State state, absl::Time now) {
  progress.state = state;
  progress.end = now;
}

}  // namespace

Beginning Begin(Progress& progress, const SendPolicy& policy) {
  ++progress.beginnings;
  ++progress.tries;
  if (progress.state == State::kQueued) {
    progress.state = State::kSending;
    ++progress.attempts;
    return {.settle = false, .may_send = true};
  }
  if (progress.state == State::kSending) progress.last_error = "BROKE_OFF";
  progress.state = State::kUnknown;
  return {.settle = true, .may_send = !progress.cancel_asked && progress.tries <= policy.max_tries};
}

absl::Time Finish(Progress& progress, const Outcome& outcome, const SendPolicy& policy, absl::Time now, uint64_t jitter) {
  if (outcome.resent) ++progress.attempts;
  if (!outcome.error.empty()) progress.last_error = outcome.error;
  const bool last_try = progress.tries >= policy.max_tries;
  switch (outcome.kind) {
    case Outcome::Kind::kSent:
      progress.last_error.clear();
      End(progress, State::kSent, now);
      return absl::InfiniteFuture();
    case Outcome::Kind::kRejectedForever:
      End(progress, State::kFailed, now);
      return absl::InfiniteFuture();
    case Outcome::Kind::kNotSent:
    case Outcome::Kind::kCannotTell:
      End(progress, progress.cancel_asked && outcome.kind == Outcome::Kind::kNotSent ? State::kCancelled : State::kFailed, now);
      return absl::InfiniteFuture();
    case Outcome::Kind::kRetryLater:
      if (progress.cancel_asked || last_try) {
        End(progress, progress.cancel_asked && !outcome.maybe_before ? State::kCancelled : State::kFailed, now);
        return absl::InfiniteFuture();
      }
      progress.state = outcome.maybe_before ? State::kUnknown : State::kQueued;
      return now + Backoff(progress.tries, policy, jitter);
    case Outcome::Kind::kUnknown:
      // Even after the last try: it may have arrived, which settling finds out where anybody can.
      progress.state = State::kUnknown;
      return now + std::max(policy.settle_delay, outcome.maybe_before ? Backoff(progress.tries, policy, jitter) : absl::ZeroDuration());
  }
  return absl::InfiniteFuture();
}

void Cancel(Progress& progress, absl::Time now) {
  if (HasEnded(progress.state)) return;
  if (progress.state == State::kQueued) {
    End(progress, State::kCancelled, now);
  } else {
    progress.cancel_asked = true;
  }
}

absl::Status Retry(Progress& progress) {
  if (progress.state != State::kFailed) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kNotFailed, "only a failed notification can be tried again");
  }
  progress.state = State::kQueued;
  progress.cancel_asked = false;
  progress.tries = 0;
  progress.end = absl::InfiniteFuture();
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

absl::Duration Backoff(int64_t tries, const SendPolicy& policy, uint64_t jitter) {
  absl::Duration wait = policy.first_backoff;
  for (int64_t i = 1; i < tries && wait < policy.max_backoff; ++i) wait *= 2;
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
