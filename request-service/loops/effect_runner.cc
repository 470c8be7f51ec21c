#include "request-service/loops/effect_runner.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "platform/errors.h"
#include "platform/log.h"
#include "platform/strings.h"
#include "request-service/domain/case_view.h"
#include "request-service/domain/causes.h"

namespace rematch::request {
namespace {

namespace mv1 = mentor::v1;
namespace nv1 = notify::v1;

// How often rows that a hand-over may have missed are looked for, and how old they are then.
constexpr absl::Duration kLookAgain = absl::Seconds(1);
constexpr absl::Duration kAfterFailure = absl::Milliseconds(200);

// The reasons of the peers that a case goes on with.
constexpr std::string_view kSeatTransferred = "SEAT_TRANSFERRED";
constexpr std::string_view kNotificationCancelled = "NOTIFICATION_CANCELLED";

std::string ReasonOr(const absl::Status& status) {
  const std::string reason = ReasonOf(status);
  return reason.empty() ? "REFUSED" : reason;
}

// The peer said no for good: the same question gets the same answer, and the case must hear it.
bool IsRefusal(const absl::Status& status) {
  return status.code() == absl::StatusCode::kFailedPrecondition || status.code() == absl::StatusCode::kNotFound ||
         status.code() == absl::StatusCode::kAlreadyExists;
}

// No answer: the peer is away, slow, or full.
bool IsSilence(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kAborted:
      return true;
    default:
      return false;
  }
}

Command FromPeer() {
  Command command;
  command.set_actor_role("PEER");
  return command;
}

std::string_view KindOf(const Effect& effect) {
  switch (effect.kind_case()) {
    case Effect::kHoldNextSeat:
      return "hold_next_seat";
    case Effect::kHoldSeat:
      return "hold_seat";
    case Effect::kReleaseSeat:
      return "release_seat";
    case Effect::kTransfer:
      return "transfer";
    case Effect::kAddMentor:
      return "add_mentor";
    case Effect::kSend:
      return "send";
    case Effect::kCancelSend:
      return "cancel_send";
    case Effect::kSendLetter:
      return "send_letter";
    case Effect::KIND_NOT_SET:
      return "none";
  }
  return "none";
}

}  // namespace

EffectRunner::EffectRunner(EffectRunnerOptions options, CaseDoor& door, CaseReader& reader, WorkStore& work, PolicyStore& policies,
                           CalendarStore& calendars, platform::Leases& leases, MentorPeer& mentor, NotifyPeer& notify,
                           MessageMaker& messages, LetterSender& letters, platform::Executor& executor, platform::Clock& clock,
                           platform::Metrics& metrics)
    : options_(options),
      door_(door),
      reader_(reader),
      work_(work),
      policies_(policies),
      calendars_(calendars),
      leases_(leases),
      mentor_(mentor),
      notify_(notify),
      messages_(messages),
      letters_(letters),
      executor_(executor),
      clock_(clock),
      metrics_(metrics) {}

EffectRunner::~EffectRunner() { Stop(); }

void EffectRunner::Take(std::vector<EffectWork> effects) {
  if (effects.empty()) return;
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return;
    for (EffectWork& work : effects) {
      if (known_.insert(work.row).second) waiting_.push_back(std::move(work));
    }
  }
  if (wake_) wake_();
}

void EffectRunner::Stop() {
  absl::MutexLock lock(&mutex_);
  stopping_ = true;
  waiting_.clear();
  const auto still = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return running_ == 0; };
  mutex_.Await(absl::Condition(&still));
}

bool EffectRunner::Idle() {
  absl::MutexLock lock(&mutex_);
  return waiting_.empty() && running_ == 0 && postponed_.empty();
}

absl::Duration EffectRunner::Step() {
  PutBack();
  const absl::Time now = clock_.Now();
  const bool look = now >= next_look_;
  size_t room = 0;
  {
    absl::MutexLock lock(&mutex_);
    const size_t taken = waiting_.size() + running_;
    if (!stopping_ && taken < options_.max_running) room = options_.max_running - taken;
    starved_ = look && room == 0;
  }
  if (look && room > 0) Look(now, room);
  for (;;) {
    EffectWork work;
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_ || waiting_.empty() || running_ >= options_.max_running) break;
      work = std::move(waiting_.front());
      waiting_.pop_front();
      ++running_;
    }
    if (!Dispatch(std::move(work))) break;
  }
  // Without room it is woken when there is some.
  if (look && room == 0) return absl::InfiniteDuration();
  return std::max(next_look_ - clock_.Now(), absl::ZeroDuration());
}

void EffectRunner::Look(absl::Time now, size_t room) {
  const absl::StatusOr<std::vector<platform::Claim>> claims = leases_.ClaimDue("effects", now, room);
  if (!claims.ok()) {
    next_look_ = now + kAfterFailure;
    return;
  }
  // Those whose rows cannot be read now are this replica's, and are found by the search below.
  absl::StatusOr<std::vector<EffectWork>> claimed = work_.LoadEffects(*claims);
  if (claimed.ok()) Take(*std::move(claimed));
  if (now - last_search_ >= kLookAgain) {
    last_search_ = now;
    absl::StatusOr<std::vector<EffectWork>> missed = work_.OwnEffects(now - kLookAgain, 2 * options_.max_running);
    if (missed.ok()) Take(*std::move(missed));
    const absl::StatusOr<absl::Time> oldest = work_.OldestEffect();
    if (oldest.ok()) metrics_.Oldest("outbox", *oldest < now ? now - *oldest : absl::ZeroDuration());
  }
  const absl::StatusOr<absl::Time> due = leases_.NextDue("effects");
  next_look_ = claims->size() == room ? now : std::min(now + kLookAgain, due.value_or(now + kAfterFailure));
}

bool EffectRunner::Dispatch(EffectWork work) {
  auto shared = std::make_shared<EffectWork>(std::move(work));
  if (executor_.Run([this, shared] { Run(*shared); })) return true;
  absl::MutexLock lock(&mutex_);
  waiting_.push_front(std::move(*shared));
  --running_;
  return false;
}

void EffectRunner::Run(EffectWork work) {
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) {
      known_.erase(work.row);
      --running_;
      return;
    }
  }
  absl::StatusOr<CaseCommand> command = Ask(work);
  if (!command.ok()) {
    DidNotWork(work, command.status());
    return;
  }
  command->ran = CaseCommand::Ran{.row = work.row, .epoch = work.epoch};
  door_.Submit(CommandMeta(), *std::move(command),
               [this, work](const absl::StatusOr<std::string>& reply) { Finished(work, reply.status()); });
}

void EffectRunner::Finished(const EffectWork& work, const absl::Status& status) {
  if (!status.ok() && ReasonOf(status) != kStaleClaim) {
    DidNotWork(work, status);
    return;
  }
  if (status.ok()) metrics_.Late("effect", clock_.Now() - work.created);
  Forget(work.row);
}

// The last thing done for a row: with it a waiting destructor may go on.
void EffectRunner::Forget(const std::string& row) {
  bool more;
  std::function<void()> wake = wake_;
  {
    absl::MutexLock lock(&mutex_);
    more = starved_ || !waiting_.empty() || !postponed_.empty();
    known_.erase(row);
    --running_;
  }
  if (more && wake) wake();
}

void EffectRunner::DidNotWork(const EffectWork& work, const absl::Status& status) {
  const bool refused = !IsSilence(status);
  const int64_t tries = std::min<int64_t>(work.attempts, 20);
  const absl::Duration pause = std::min(options_.first_pause * static_cast<double>(int64_t{1} << tries), options_.longest_pause);
  const int64_t refusals = work.refusals + (refused ? 1 : 0);
  const bool poison = refusals >= options_.max_refusals;
  const Postponed row{.id = work.row,
                      .epoch = work.epoch,
                      .due = clock_.Now() + (poison ? options_.set_aside_pause : pause),
                      .refused = refused,
                      .poison = poison};
  if (refused && refusals == options_.max_refusals) {
    metrics_.Count("poisoned_effects");
    log::Error(
        "effect_set_aside",
        {{"effect", work.row}, {"kind", KindOf(work.effect)}, {"code", static_cast<int>(status.code())}, {"reason", ReasonOf(status)}});
  } else if (refused) {
    log::Warn(
        "effect_refused",
        {{"effect", work.row}, {"kind", KindOf(work.effect)}, {"code", static_cast<int>(status.code())}, {"reason", ReasonOf(status)}});
  }
  {
    absl::MutexLock lock(&mutex_);
    postponed_.push_back(row);
  }
  Forget(work.row);
}

void EffectRunner::PutBack() {
  std::vector<Postponed> rows;
  {
    absl::MutexLock lock(&mutex_);
    rows.swap(postponed_);
  }
  if (rows.empty()) return;
  for (const Postponed& row : rows) next_look_ = std::min(next_look_, row.due);
  if (work_.PostponeEffects(rows).ok()) return;
  // The store is away too. They are this replica's own, and are found again as such.
  log::Warn("effects_not_put_back", {{"count", rows.size()}});
}

absl::StatusOr<CaseCommand> EffectRunner::Ask(const EffectWork& work) {
  if (work.effect.has_send_letter()) return letters_.Send(work);
  REMATCH_ASSIGN_OR_RETURN(const std::optional<StoredCase> stored, reader_.LoadTogether(work.key));
  if (!stored.has_value()) return Error(absl::StatusCode::kInternal, reason::kStoreRefused, "the case of an effect is not stored");
  CaseCommand command;
  command.key = work.key;
  REMATCH_ASSIGN_OR_RETURN(command.command, AskNow(work, stored->c));
  return command;
}

absl::StatusOr<Command> EffectRunner::AskNow(const EffectWork& work, const Case& c) {
  const std::string consortium = ConsortiumName(work.key.consortium);
  const std::string& id = work.effect.id();
  Command command = FromPeer();
  switch (work.effect.kind_case()) {
    case Effect::kHoldNextSeat: {
      const Effect::HoldNextSeat& effect = work.effect.hold_next_seat();
      mv1::HoldNextSeatRequest request;
      request.set_parent(consortium);
      request.set_seat_id(effect.seat());
      request.set_candidate(c.candidate());
      *request.mutable_tiers() = effect.tiers();
      *request.mutable_order() = effect.order();
      *request.mutable_exclude() = effect.exclude();
      if (effect.has_experience()) *request.mutable_experience() = effect.experience();
      if (effect.has_weights()) *request.mutable_weights() = effect.weights();
      request.set_request_id(work.row);
      // The order that the Leader reviewed stays, however many days the search takes.
      *request.mutable_rank_time() = RankTime(c);
      const absl::StatusOr<mv1::HoldNextSeatResponse> held = mentor_.HoldNextSeat(request);
      if (held.ok() && held->has_seat()) {
        Command::SeatHeld& answer = *command.mutable_seat_held();
        answer.set_effect(id);
        answer.set_mentor(held->seat().mentor());
        if (held->has_mentor()) *answer.mutable_explanation() = held->mentor();
      } else if (held.ok()) {
        command.mutable_none_left()->set_effect(id);
      } else if (IsRefusal(held.status())) {
        command.mutable_seat_refused()->set_effect(id);
        command.mutable_seat_refused()->set_reason(ReasonOr(held.status()));
      } else {
        return held.status();
      }
      return command;
    }
    case Effect::kHoldSeat: {
      mv1::HoldSeatRequest request;
      request.set_parent(consortium);
      request.set_seat_id(work.effect.hold_seat().seat());
      request.set_mentor(work.effect.hold_seat().mentor());
      request.set_candidate(c.candidate());
      request.set_request_id(work.row);
      const absl::StatusOr<mv1::Seat> held = mentor_.HoldSeat(request);
      if (held.ok()) {
        command.mutable_seat_held()->set_effect(id);
        command.mutable_seat_held()->set_mentor(held->mentor());
      } else if (IsRefusal(held.status())) {
        command.mutable_seat_refused()->set_effect(id);
        command.mutable_seat_refused()->set_reason(ReasonOr(held.status()));
      } else {
        return held.status();
      }
      return command;
    }
    case Effect::kReleaseSeat: {
      mv1::ReleaseSeatRequest request;
      request.set_name(consortium + "/seats/" + work.effect.release_seat().seat());
      request.set_request_id(work.row);
      const absl::StatusOr<mv1::Seat> released = mentor_.ReleaseSeat(request);
      // One that has become an assignment is settled as well.
      if (!released.ok() && ReasonOf(released.status()) != kSeatTransferred) return released.status();
      command.mutable_seat_released()->set_effect(id);
      return command;
    }
    case Effect::kTransfer: {
      mv1::TransferCandidateRequest request;
      request.set_seat(consortium + "/seats/" + work.effect.transfer().seat());
      request.set_replaces(work.effect.transfer().replaces());
      request.set_request_id(work.row);
      const absl::StatusOr<mv1::Assignment> assignment = mentor_.TransferCandidate(request);
      if (assignment.ok()) {
        command.mutable_transferred()->set_effect(id);
        command.mutable_transferred()->set_assignment(assignment->name());
      } else if (IsRefusal(assignment.status())) {
        Command::TransferRefused& answer = *command.mutable_transfer_refused();
        answer.set_effect(id);
        answer.set_reason(ReasonOr(assignment.status()));
        if (answer.reason() == cause::kAssignmentChanged) {
          REMATCH_ASSIGN_OR_RETURN(const mv1::Candidate candidate, mentor_.GetCandidate(c.candidate()));
          answer.set_reread(true);
          answer.set_assignment(candidate.assignment());
          answer.set_mentor(candidate.mentor());
        }
      } else {
        return assignment.status();
      }
      return command;
    }
    case Effect::kAddMentor: {
      REMATCH_ASSIGN_OR_RETURN(const auto people, reader_.People(work.key));
      const auto person = people.find(work.effect.add_mentor().person());
      if (person == people.end()) {
        command.mutable_add_refused()->set_effect(id);
        command.mutable_add_refused()->set_reason(std::string(reason::kNotFound));
        return command;
      }
      mv1::CreateMentorRequest request;
      request.set_parent(consortium);
      mv1::Mentor& mentor = *request.mutable_mentor();
      mentor = person->second.attributes;
      *mentor.mutable_contact() = person->second.contact;
      mentor.clear_programs();
      mentor.add_programs(ProgramName(work.key.consortium, work.key.program));
      request.set_request_id(work.row);
      const absl::StatusOr<mv1::Mentor> added = mentor_.CreateMentor(request);
      if (added.ok()) {
        command.mutable_mentor_added()->set_effect(id);
        command.mutable_mentor_added()->set_mentor(added->name());
      } else if (IsRefusal(added.status()) || added.status().code() == absl::StatusCode::kInvalidArgument) {
        command.mutable_add_refused()->set_effect(id);
        command.mutable_add_refused()->set_reason(ReasonOr(added.status()));
      } else {
        return added.status();
      }
      return command;
    }
    case Effect::kSend:
      return Send(work, c);
    case Effect::kCancelSend: {
      nv1::CancelNotificationRequest request;
      request.set_name(consortium + "/notifications/" + work.effect.cancel_send().message());
      request.set_request_id(work.row);
      const absl::StatusOr<nv1::Notification> cancelled = notify_.CancelNotification(request);
      if (!cancelled.ok()) return cancelled.status();
      if (cancelled->state() == nv1::Notification::CANCELLED) {
        command.mutable_send_cancelled()->set_effect(id);
      } else {
        command.mutable_too_late_to_cancel()->set_effect(id);
      }
      return command;
    }
    case Effect::kSendLetter:  // of no case
    case Effect::KIND_NOT_SET:
      break;
  }
  return Error(absl::StatusCode::kInternal, reason::kStoreRefused, "an effect of an unknown kind");
}

absl::StatusOr<Command> EffectRunner::Send(const EffectWork& work, const Case& c) {
  Command command = FromPeer();
  const auto refuse = [&](const absl::Status& status) {
    command.mutable_send_refused()->set_effect(work.effect.id());
    command.mutable_send_refused()->set_reason(ReasonOr(status));
    return command;
  };
  REMATCH_ASSIGN_OR_RETURN(const std::shared_ptr<const PolicyRecord> policy, policies_.Get(c.policy()));
  REMATCH_ASSIGN_OR_RETURN(const CalendarStore::Pointer time, calendars_.Of(c));
  absl::StatusOr<nv1::SendNotificationRequest> request = messages_.Make(c, work.effect, {.policy = policy->policy, .time = *time});
  if (!request.ok())
    return request.status().code() == absl::StatusCode::kNotFound ? refuse(request.status()) : absl::StatusOr<Command>(request.status());
  request->set_request_id(work.row);
  const absl::StatusOr<nv1::Notification> sent = notify_.SendNotification(*request);
  if (!sent.ok()) {
    const absl::StatusCode code = sent.status().code();
    // The key is there, or was called back: notify-service has the message, with the words of the first try, and its feed or the
    // cancelling effect says what becomes of it.
    const bool known = code == absl::StatusCode::kAlreadyExists || ReasonOf(sent.status()) == kNotificationCancelled;
    if (!known && (code == absl::StatusCode::kInvalidArgument || IsRefusal(sent.status()))) return refuse(sent.status());
    if (!known) return sent.status();
  }
  command.mutable_send_accepted()->set_effect(work.effect.id());
  return command;
}

}  // namespace rematch::request
