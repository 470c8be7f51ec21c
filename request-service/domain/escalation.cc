// How a step is decided: the frame of it. decider.h says where the rest is.
#include "request-service/domain/escalation.h"

#include <utility>

#include "platform/errors.h"
#include "request-service/domain/case_view.h"
#include "request-service/domain/decider.h"
#include "request-service/domain/reasons.h"

namespace rematch::request {
namespace {

// What is put off for longer is put off for good.
constexpr absl::Duration kLongestSnooze = absl::Hours(24 * 366);

}  // namespace

absl::Status Decider::Decide() {
  REMATCH_RETURN_IF_ERROR(c_.paused() != 0 ? DecidePaused() : RunCommand());
  if (!decision_.events.empty() && c_.paused() == 0) Settle();
  return absl::OkStatus();
}

absl::Status Decider::RunCommand() {
  switch (command_->kind_case()) {
#define REMATCH_RUN(Case, field) \
  case Command::Case:            \
    return Run(command_->field());
    REMATCH_RUN(kOpen, open)
    REMATCH_RUN(kReview, review)
    REMATCH_RUN(kAnswer, answer)
    REMATCH_RUN(kConfirm, confirm)
    REMATCH_RUN(kReject, reject)
    REMATCH_RUN(kOpenBroadcast, open_broadcast)
    REMATCH_RUN(kChoose, choose)
    REMATCH_RUN(kPassAllOver, pass_all_over)
    REMATCH_RUN(kRecommend, recommend)
    REMATCH_RUN(kQualify, qualify)
    REMATCH_RUN(kRecordConsent, record_consent)
    REMATCH_RUN(kRecordCall, record_call)
    REMATCH_RUN(kTake, take)
    REMATCH_RUN(kDeclineToTake, decline_to_take)
    REMATCH_RUN(kSendClosingNote, send_closing_note)
    REMATCH_RUN(kRestartSearch, restart_search)
    REMATCH_RUN(kWithdraw, withdraw)
    REMATCH_RUN(kClose, close)
    REMATCH_RUN(kStrike, strike)
    REMATCH_RUN(kSkipStage, skip_stage)
    REMATCH_RUN(kRevive, revive)
    REMATCH_RUN(kPause, pause)
    REMATCH_RUN(kResume, resume)
    REMATCH_RUN(kSnooze, snooze)
    REMATCH_RUN(kReplaceLeader, replace_leader)
    REMATCH_RUN(kRecordMediation, record_mediation)
    REMATCH_RUN(kRecordSignature, record_signature)
    REMATCH_RUN(kMigrate, migrate)
    REMATCH_RUN(kSeatHeld, seat_held)
    REMATCH_RUN(kNoneLeft, none_left)
    REMATCH_RUN(kSeatRefused, seat_refused)
    REMATCH_RUN(kSeatReleased, seat_released)
    REMATCH_RUN(kTransferred, transferred)
    REMATCH_RUN(kTransferRefused, transfer_refused)
    REMATCH_RUN(kMentorAdded, mentor_added)
    REMATCH_RUN(kAddRefused, add_refused)
    REMATCH_RUN(kSendAccepted, send_accepted)
    REMATCH_RUN(kSendRefused, send_refused)
    REMATCH_RUN(kSendCancelled, send_cancelled)
    REMATCH_RUN(kTooLateToCancel, too_late_to_cancel)
    REMATCH_RUN(kDelivered, delivered)
    REMATCH_RUN(kUndeliverable, undeliverable)
    REMATCH_RUN(kMentorLeft, mentor_left)
    REMATCH_RUN(kAssignmentChanged, assignment_changed)
    REMATCH_RUN(kCandidateLeft, candidate_left)
    REMATCH_RUN(kDoNotPair, do_not_pair)
    REMATCH_RUN(kCalendarChanged, calendar_changed)
    REMATCH_RUN(kFollowAnswer, follow_answer)
    REMATCH_RUN(kDue, due)
#undef REMATCH_RUN
    case Command::KIND_NOT_SET:
      break;
  }
  return Invalid("kind", "must be set");
}

absl::Status CheckSnooze(int64_t until, absl::Time now) {
  if (FromStored(until) <= now || FromStored(until) > now + kLongestSnooze) {
    return Invalid("until_time", "must be in the future, within a year");
  }
  return absl::OkStatus();
}

std::vector<v1::Disclosure::Fact> FactsIn(MessageKind kind) {
  switch (kind) {
    case FIRST_APPROACH:
    case SITE_RECOMMENDATION:
    case DISTRICT_RECOMMENDATION:
      return {Fact::NEED};
    case NAMED_APPROACH:
      return {Fact::NEED, Fact::CANDIDATE_IDENTITY};
    case PROPOSAL_NOTE:
      return {Fact::CANDIDATE_IDENTITY};
    case SITE_NOTICE:
      return {Fact::REPLACED, Fact::CANDIDATE_IDENTITY, Fact::MENTOR_IDENTITY};
    case BROADCAST:
      return {Fact::MENTORS_WANTED, Fact::NEED};
    case OFFICIAL_CANDIDATE:
      return {Fact::MENTOR_IDENTITY, Fact::CONTACT};
    case OFFICIAL_MENTOR:
      return {Fact::CANDIDATE_IDENTITY, Fact::CONTACT};
    case CLOSING_NOTE:
      return {Fact::NO_LONGER_NEEDED};
    case FORMER_MENTOR_NOTE:
      return {Fact::REPLACED};
    default:
      return {};
  }
}

absl::StatusOr<Decision> Apply(const Case& c, const Command& command, const Rules& rules, absl::Time now) {
  const bool exists = !c.name().empty();
  if (command.has_open() && exists) return Refused(reason::kCaseAlreadyOpen, "the case is open already");
  if (!command.has_open() && !exists && command.kind_case() != Command::KIND_NOT_SET) {
    if (IsFact(command)) return Decision();
    return Unknown(reason::kCaseNotFound, "no such reassignment");
  }
  Decider decider(c, command, rules, now);
  REMATCH_RETURN_IF_ERROR(decider.Decide());
  return std::move(decider).Take();
}

}  // namespace rematch::request
