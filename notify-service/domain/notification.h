// A notification's life, pure: which states there are, what moves it, and when it is tried again.
//
//            accept            begin              finish
//   (unknown) ----> QUEUED ----------> SENDING ----------> SENT | FAILED | CANCELLED
//                     ^                   | finish, or its sender died
//                     | later             v
//                     +-------------- UNKNOWN -- begin: settle, then maybe the same message again --> as above
//
// and at last, of what was handed over and came back: SENT -- bounce --> FAILED.
//
// The promise (F40): once per key inside the suite, at least once on the wire, never lost. SENDING is durable before a byte goes out, so
// whatever breaks off afterwards, process or connection, leaves a trace: the message is then UNKNOWN, and is settled before
// anything is sent again. Settling asks the transport whether it has the message. Maildir knows, and never holds it twice. SMTP
// cannot be asked: the message goes out again with the same Message-ID, by which receivers drop duplicates, but only a few times.
//
// A failure that is about this message or its recipient takes one of few tries. One that is about us or the way there (no connection, no
// answer, a relay that turns us away, a full disk) says nothing of this message: it takes none and goes on for days, so that an outage
// makes nobody unreachable.
#ifndef REMATCH_NOTIFY_SERVICE_DOMAIN_NOTIFICATION_H_
#define REMATCH_NOTIFY_SERVICE_DOMAIN_NOTIFICATION_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "rematch/notify/v1/resources.pb.h"

namespace rematch::notify {

// As stored; never renumber.
enum class State {
  kQueued = 1,
  kSent = 2,
  kFailed = 3,
  kUnknown = 4,
  kCancelled = 5,
  kSending = 6,  // being handed over right now, or its sender died while doing so
};

// The part of a notification that changes.
struct Progress {
  State state = State::kQueued;
  bool cancel_asked = false;  // while its outcome was open: it is not sent again
  int64_t attempts = 0;       // hand-overs
  int64_t beginnings = 0;     // of attempts, ever; names an attempt
  int64_t tries = 0;          // beginnings since it was queued, apart from those whose failure was not the message's
  int64_t resends = 0;        // of these: what may have arrived went out once more, and may have arrived again
  int64_t pauses = 0;         // since it was queued
  std::string last_error = {};
  absl::Time queued = absl::InfiniteFuture();  // by a send or a retry
  absl::Time end = absl::InfiniteFuture();     // when it was sent, given up or cancelled
  bool may_have_arrived = false;               // it was given up, and nobody can tell
};

// What came of an attempt.
struct Outcome {
  enum class Kind {
    kSent,             // handed over
    kRejectedForever,  // this recipient will never be accepted
    kRetryLater,       // certainly not handed over
    kUnknown,          // broke off after the data went out
    kNotSent,          // settled: no earlier attempt arrived, and none was made now
    kCannotTell,       // the transport cannot say whether an earlier attempt arrived, and none was made now
    kNotBegun,         // the sender stops: nothing was done
    kUnreadable,       // what was kept of the message cannot be read: nothing was done, and nothing ever can be
  };
  Kind kind = Kind::kSent;
  // CONNECT, TIMEOUT, RELAY_REFUSED, DISK, REJECTED_FOREVER, REJECTED_FOR_NOW, BROKE_OFF or DAMAGED; empty when sent.
  std::string error = {};
  bool ours = false;          // of kRetryLater: the failure is not about this message or its recipient
  bool resent = false;        // handed over after settling
  bool maybe_before = false;  // an earlier attempt may have arrived, and the transport cannot say
};

struct SendPolicy {
  int max_tries = 12;
  int max_resends = 3;                              // of a message that may have arrived: each may be a duplicate
  absl::Duration max_age = absl::Hours(96);         // until when failures that are not the message's are waited out
  absl::Duration first_backoff = absl::Seconds(2);  // doubles with each pause
  absl::Duration max_backoff = absl::Minutes(10);
  absl::Duration settle_delay = absl::Seconds(5);  // from an unknown outcome to asking about it
};

struct Beginning {
  bool settle = false;
  bool may_send = true;    // if no earlier attempt arrived
  bool may_resend = true;  // if an earlier one may have arrived and nobody can tell
};

// Begins an attempt. Must be QUEUED, SENDING (whose sender is gone: it becomes UNKNOWN) or UNKNOWN.
Beginning Begin(Progress& progress, const SendPolicy& policy);

// Ends an attempt: the new state, and when to begin the next one; InfiniteFuture when there is nothing left to do. `jitter` is any number.
absl::Time Finish(Progress& progress, const Outcome& outcome, const SendPolicy& policy, absl::Time now, uint64_t jitter);

// Calls it back: CANCELLED at once while QUEUED; while its outcome is open it is only kept from being sent again. What may have arrived
// never ends as CANCELLED. Nothing changes after its end.
void Cancel(Progress& progress, absl::Time now);

// FAILED becomes QUEUED with all its tries; anything else is FAILED_PRECONDITION / NOT_FAILED.
absl::Status Retry(Progress& progress, absl::Time now);

// SENT becomes FAILED, with the error BOUNCED: it came back. Twice is once; anything else is FAILED_PRECONDITION / NOT_SENT.
absl::Status Bounce(Progress& progress, absl::Time now);

// How callers see it: what is being handed over counts as queued, or as unknown once it was called back.
v1::Notification::State PublicState(const Progress& progress);
bool HasEnded(State state);

// How long pause number `pauses` is: exponential, and between half and all of it by `jitter`.
absl::Duration Backoff(int64_t pauses, const SendPolicy& policy, uint64_t jitter);

// `consortia/{consortium}/notifications/{id}`
std::string NotificationName(std::string_view consortium, std::string_view id);

// The Message-ID of every attempt, without angle brackets: fixed by the name, telling nothing of it.
std::string MessageId(std::string_view name, std::string_view mail_domain);

}  // namespace rematch::notify

#endif  // REMATCH_NOTIFY_SERVICE_DOMAIN_NOTIFICATION_H_
