// THE state machine of a case: what the policy says happens next. Pure, total and deterministic: no clock, no I/O, nothing
// private; the same arguments always decide the same. It reads like the policy; docs/escalation.md draws it.
//
//   absl::StatusOr<Decision> decision = Apply(c, command, {policy, time}, now);
//   if (!decision.ok()) return decision.status();        // refused: nothing happened
//   for (const Event& event : decision->events) Fold(c, event);
//   // save c, the events and the effects in one transaction
#ifndef REMATCH_REQUEST_SERVICE_DOMAIN_ESCALATION_H_
#define REMATCH_REQUEST_SERVICE_DOMAIN_ESCALATION_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "request-service/domain/case.pb.h"
#include "request-service/domain/working_time.h"

namespace rematch::request {

struct Decision {
  std::vector<Event> events;    // empty: the command was right and changes nothing (a repeated answer)
  std::vector<Effect> effects;  // in the order in which they are to be begun
};

// By what a case goes: the policy that it pinned and its program's calendar; of Open and CalendarChanged the one that the command names.
struct Rules {
  const v1::EscalationPolicy& policy;
  const WorkingTime& time;
  const v1::EscalationPolicy* next = nullptr;  // of Migrate: the one that the command names
};

// What `command` does to `c` at `now`. `c` is a default Case for Open and only for Open. People's commands that do not fit the state are
// refused: FAILED_PRECONDITION with a reason of request-service/domain/reasons.h, NOT_FOUND for an unknown offer, task or person,
// INVALID_ARGUMENT for a command that can never be right. Answers of peers, feeds and time are never refused: what is late or repeated
// changes nothing.
absl::StatusOr<Decision> Apply(const Case& c, const Command& command, const Rules& rules, absl::Time now);

// Applies one event. The only code that changes a case.
void Fold(Case& c, const Event& event);

// When time will next do something by itself; InfiniteFuture if it will not.
absl::Time NextDue(const Case& c);

// COMPLETED, WITHDRAWN or CLOSED. (A completed case may still have tasks: telling the former mentor, an email that bounced.)
bool HasEnded(const Case& c);

// Whether the case still needs this seat: what the reconciler asks. Unknown seats are not needed.
bool NeedsSeat(const Case& c, std::string_view seat);

// What whoever gets this message learns by it; nothing for a reminder, which repeats what they were told (F24).
std::vector<v1::Disclosure::Fact> FactsIn(MessageKind kind);

// INVALID_ARGUMENT unless a task may be put off until then: later, and within a year.
absl::Status CheckSnooze(int64_t until, absl::Time now);

// F11: ended, or something will happen: a timer, a running effect or an open task. Checked by tests after every step.
bool CanMove(const Case& c);

// The published type of an event: OFFER_OPENED.
std::string EventType(const Event& event);
// What the event is about (`o3`, `t1`, `p2`), or "".
std::string EventSubject(const Event& event);
// One line for people, without anything private: resource names at most.
std::string EventSummary(const Event& event);

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_DOMAIN_ESCALATION_H_
