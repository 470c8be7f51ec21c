// Fold, the only code that changes a case, and what a case says of itself.
#include <algorithm>

#include "request-service/domain/case_view.h"
#include "request-service/domain/escalation.h"

namespace rematch::request {
namespace {

template <typename Items>
auto* Find(Items* items, const std::string& id) {
  const auto found = std::find_if(items->begin(), items->end(), [&](const auto& item) { return item.id() == id; });
  return found == items->end() ? nullptr : &*found;
}

// The message that an offer is made by.
bool IsFirstQuestion(MessageKind kind) { return kind == FIRST_APPROACH || kind == NAMED_APPROACH || kind == BROADCAST; }

// Applies one event to `c`. Every overload changes only what its event says; an event about something unknown changes nothing, so that
// a damaged trail is found by comparing states rather than by a crash.
class Folder {
 public:
  Folder(Case& c, int64_t time) : c_(c), time_(time) {}

  void On(const Event::Opened& e) { c_ = e.initial(); }

  void On(const Event::Reviewed& e) {
    *c_.mutable_order() = e.order();
    for (const std::string& mentor : e.strike()) Strike(mentor);
  }

  void On(const Event::StageOpened& e) {
    c_.set_state(v1::SEARCHING);
    c_.set_stage(e.stage());
    c_.clear_stage_window();
  }

  void On(const Event::StageWindowBegan& e) {
    StageWindow& window = *c_.mutable_stage_window();
    window.set_opened(time_);
    window.set_end(e.end());
    window.set_remind_at(e.remind_at());
    if (e.has_clock()) *window.mutable_clock() = e.clock();
    window.set_messages_before(e.messages_before());
    window.set_people_before(e.people_before());
    window.set_offers_before(e.offers_before());
  }

  void On(const Event::StageReminded& e) { Remind(*c_.mutable_stage_window(), e); }
  void On(const Event::StageWindowEnded&) { c_.mutable_stage_window()->set_over(true); }
  void On(const Event::StageExhausted&) { c_.mutable_stage_window()->set_over(true); }
  void On(const Event::BroadcastOpened&) {}

  void On(const Event::OfferMade& e) { *c_.add_offers() = e.offer(); }

  void On(const Event::OfferSeatHeld& e) {
    Offer* offer = OfferOf(e);
    if (offer == nullptr) return;
    offer->set_mentor(e.mentor());
    offer->set_seat_held(true);
    offer->set_refused_seat(false);
    if (e.has_explanation()) *offer->mutable_explanation() = e.explanation();
  }

  void On(const Event::OfferSeatRefused& e) {
    Offer* offer = OfferOf(e);
    if (offer == nullptr) return;
    offer->clear_seat();
    offer->set_refused_seat(true);
  }

  void On(const Event::OfferOpened& e) {
    Offer* offer = OfferOf(e);
    if (offer == nullptr) return;
    offer->set_state(v1::OPEN);
    offer->set_opened(time_);
    offer->set_window_end(e.window_end());
    offer->set_remind_at(e.remind_at());
    if (e.has_clock()) *offer->mutable_clock() = e.clock();
  }

  void On(const Event::OfferReminded& e) {
    if (Offer* offer = OfferOf(e)) Remind(*offer, e);
  }

  void On(const Event::OfferAnswered& e) {
    Offer* offer = OfferOf(e);
    if (offer == nullptr) return;
    if (e.referral()) offer->set_referred(true);
    if (offer->answered() != 0 && offer->willing() == e.willing()) return;
    offer->set_answered(time_);
    offer->set_willing(e.willing());
    // Whoever had said no may say yes while the broadcast is open.
    if (IsLive(*offer) || (e.willing() && !e.late())) {
      offer->set_state(e.willing() ? v1::WILLING : v1::DECLINED);
    } else {
      offer->set_late(e.late());
    }
  }

  void On(const Event::OfferEnded& e) {
    Offer* offer = OfferOf(e);
    if (offer == nullptr) return;
    offer->set_state(e.state());
    offer->set_cause(e.cause());
  }

  void On(const Event::OfferChosen& e) {
    if (Offer* offer = OfferOf(e)) offer->set_seat(e.seat());
  }

  void On(const Event::OfferConfirmed& e) {
    if (Offer* offer = OfferOf(e)) offer->set_state(v1::CONFIRMED);
  }

  void On(const Event::SeatGivenUp& e) {
    if (Offer* offer = OfferOf(e)) offer->set_seat_held(false);
  }

  void On(const Event::PersonNamed& e) { *c_.add_people() = e.person(); }

  void On(const Event::PersonDecided& e) {
    Person* person = Find(c_.mutable_people(), e.person());
    if (person == nullptr) return;
    person->set_state(e.state());
    person->set_mentor(e.mentor());
  }

  void On(const Event::PersonJoined& e) {
    if (Person* person = Find(c_.mutable_people(), e.person())) person->set_mentor(e.mentor());
  }

  void On(const Event::TaskOpened& e) { *c_.add_tasks() = e.task(); }

  void On(const Event::TaskEnded& e) {
    if (Task* task = Find(c_.mutable_tasks(), e.task())) task->set_ended(time_);
  }

  void On(const Event::ConsentRecorded& e) { c_.set_consent(e.given() ? CONSENT_GIVEN : CONSENT_REFUSED); }
  void On(const Event::CallRecorded&) {}

  void On(const Event::Proposed& e) {
    c_.set_state(v1::PROPOSED);
    c_.set_proposed_offer(e.offer());
  }

  void On(const Event::ProposalEnded&) {
    c_.set_state(v1::SEARCHING);
    c_.clear_proposed_offer();
  }

  void On(const Event::TransferStarted&) { c_.set_state(v1::TRANSFERRING); }

  void On(const Event::Transferred& e) {
    c_.set_state(v1::ANNOUNCING);
    c_.clear_deferred();
    c_.set_new_assignment(e.assignment());
    // The seat has become the assignment.
    if (Offer* offer = Find(c_.mutable_offers(), c_.proposed_offer())) offer->set_seat_held(false);
  }

  void On(const Event::TransferRefused& e) {
    if (e.reread()) SetCurrent(e.assignment(), e.mentor());
    if (Offer* offer = Find(c_.mutable_offers(), c_.proposed_offer())) {
      offer->set_state(v1::WILLING);
      offer->clear_approved();  // the leader decides how to go on
    }
    c_.set_state(v1::SEARCHING);
    c_.clear_deferred();
    c_.clear_proposed_offer();
  }

  void On(const Event::AnnouncementChanged& e) { *c_.mutable_announcement() = e.announcement(); }

  void On(const Event::MessageMade& e) {
    *c_.add_messages() = e.message();
    if (!IsFirstQuestion(e.message().kind())) return;
    Offer* offer = Find(c_.mutable_offers(), e.message().offer());
    if (offer == nullptr) return;
    offer->set_message(e.message().key());
    if (e.has_told()) *offer->mutable_clock() = e.told();
  }

  void On(const Event::MessageDelivered& e) {
    if (const Message* message = SetMessage(e.message(), Message::DELIVERED, e.position())) SetAsked(*message);
  }

  void On(const Event::MessageFailed& e) {
    const Message* message = SetMessage(e.message(), Message::FAILED, e.position(), e.may_have_arrived());
    if (message != nullptr && e.may_have_arrived()) SetAsked(*message);
  }

  void On(const Event::MessageCancelled& e) { SetMessage(e.message(), Message::CANCELLED, 0); }

  void On(const Event::EffectStarted& e) {
    *c_.add_running() = e.effect();
    c_.set_next_id(c_.next_id() + 1);
  }

  void On(const Event::EffectAnswered& e) {
    auto& running = *c_.mutable_running();
    running.erase(std::remove_if(running.begin(), running.end(), [&](const RunningEffect& effect) { return effect.id() == e.effect(); }),
                  running.end());
  }

  void On(const Event::MentorStruck& e) { Strike(e.mentor()); }
  void On(const Event::MentorGone& e) { c_.add_left(e.mentor()); }
  void On(const Event::StageSkipped&) {}

  void On(const Event::OfferRevived& e) {
    Offer* offer = OfferOf(e);
    if (offer == nullptr) return;
    offer->set_state(v1::WILLING);
    offer->set_seat(e.seat());
    offer->set_refused_seat(false);
    offer->clear_cause();
    offer->set_revivals(offer->revivals() + 1);
  }

  void On(const Event::Paused&) { c_.set_paused(time_); }
  void On(const Event::FactDeferred& e) { *c_.add_deferred() = e.fact(); }

  void On(const Event::Resumed& e) {
    c_.clear_paused();
    c_.clear_deferred();
    for (const Event::Deadline& deadline : e.deadlines()) Move(deadline);
  }

  void On(const Event::CalendarChanged& e) {
    c_.set_calendar(e.calendar());
    c_.set_time_zone(e.time_zone());
    for (const Event::Deadline& deadline : e.deadlines()) Move(deadline);
  }

  void On(const Event::TaskSnoozed& e) {
    Task* task = Find(c_.mutable_tasks(), e.task());
    if (task == nullptr) return;
    task->set_not_before(e.until());
    if (e.ends_redial()) task->set_redial(false);
    task->set_due(std::max(task->due(), e.until()));
  }

  void On(const Event::LeaderReplaced& e) {
    *c_.mutable_leader() = e.leader();
    *c_.mutable_alternate() = e.alternate();
    c_.set_alternate_acts(e.alternate_acts());
    HandOverTasks();
  }

  void On(const Event::CurrentMentorChanged& e) { SetCurrent(e.assignment(), e.mentor()); }
  void On(const Event::CandidateGone&) { c_.set_candidate_left(true); }

  void On(const Event::MediationRecorded&) {}

  void On(const Event::RequestSigned& e) {
    if (!e.refused()) c_.add_signed_by(e.signer());
  }

  void On(const Event::OfferApproved& e) {
    if (Offer* offer = OfferOf(e)) offer->set_approved(true);
  }

  void On(const Event::Migrated& e) {
    c_.set_policy(e.policy());
    c_.set_stage(e.stage());
    if (e.moved()) c_.clear_stage_window();
    if (e.has_coarse_need()) *c_.mutable_coarse_need() = e.coarse_need();
  }

  void On(const Event::Disclosed&) {}
  void On(const Event::FormerMentorTold&) {}
  void On(const Event::SearchRestarted& e) { c_.set_round(e.round()); }
  void On(const Event::Completed&) { End(v1::COMPLETED); }
  void On(const Event::Withdrawn&) { End(v1::WITHDRAWN); }

  void On(const Event::Closed& e) {
    End(v1::CLOSED);
    c_.set_close_ground(e.ground());
  }

 private:
  template <typename E>
  Offer* OfferOf(const E& e) {
    return Find(c_.mutable_offers(), e.offer());
  }

  template <typename Windowed, typename E>
  static void Remind(Windowed& windowed, const E& e) {
    windowed.set_remind_at(e.remind_at());
    if (!e.has_still() || !windowed.has_clock()) return;
    auto& reminders = *windowed.mutable_clock()->mutable_reminders();
    reminders.DeleteSubrange(0, std::max(0, reminders.size() - e.still()));
  }

  void Move(const Event::Deadline& deadline) {
    const auto set_clock = [&](auto& of) {
      if (deadline.has_clock()) *of.mutable_clock() = deadline.clock();
    };
    if (deadline.id().empty()) {
      StageWindow& window = *c_.mutable_stage_window();
      window.set_end(deadline.end());
      window.set_remind_at(deadline.remind_at());
      set_clock(window);
    } else if (Offer* offer = Find(c_.mutable_offers(), deadline.id())) {
      offer->set_window_end(deadline.end());
      offer->set_remind_at(deadline.remind_at());
      set_clock(*offer);
    } else if (Task* task = Find(c_.mutable_tasks(), deadline.id())) {
      task->set_due(deadline.end());
      task->set_not_before(deadline.remind_at());
      set_clock(*task);
    }
  }

  const Message* SetMessage(const std::string& key, Message::State state, int64_t position, bool may_have_arrived = false) {
    for (Message& message : *c_.mutable_messages()) {
      if (message.key() != key) continue;
      message.set_state(state);
      if (position != 0) message.set_position(position);
      message.set_may_have_arrived(message.may_have_arrived() || may_have_arrived);
      return &message;
    }
    return nullptr;
  }

  // The roster has changed: this is what is to be replaced now. Whom the candidate asked to leave is still nobody to be asked, and whoever
  // is replaced now neither decides nor reads (F20, F35).
  void SetCurrent(const std::string& assignment, const std::string& mentor) {
    const std::string before = c_.current_mentor();
    if (!before.empty() && before != mentor) Strike(before);
    // Who has signed as their mentor is that no more.
    if (before != mentor) {
      auto& signers = *c_.mutable_signed_by();
      signers.erase(std::remove(signers.begin(), signers.end(), v1::EscalationPolicy::Stage::CURRENT_MENTOR), signers.end());
    }
    c_.set_replaced_assignment(assignment);
    c_.set_current_mentor(mentor);
    if (mentor.empty()) return;
    if (c_.alternate().mentor() == mentor && !c_.alternate_acts()) c_.clear_alternate();
    if (c_.leader().mentor() == mentor && !c_.alternate().person().empty()) c_.set_alternate_acts(true);
    HandOverTasks();
  }

  void HandOverTasks() {
    for (Task& task : *c_.mutable_tasks()) {
      if (task.ended() != 0) continue;
      const bool is_alternates = task.for_alternate() && !c_.alternate().person().empty();
      task.set_owner((is_alternates ? c_.alternate() : ActingLeader(c_)).person());
    }
  }

  void Strike(const std::string& mentor) {
    if (!IsStruck(c_, mentor)) c_.add_struck(mentor);
  }

  void SetAsked(const Message& message) {
    Offer* offer = Find(c_.mutable_offers(), message.offer());
    if (offer != nullptr && offer->message() == message.key()) offer->set_message_sent(true);
  }

  void End(v1::CaseState state) {
    if (state != v1::COMPLETED) c_.clear_proposed_offer();
    c_.set_state(state);
    c_.set_ended(time_);
  }

  Case& c_;
  const int64_t time_;
};

bool TimersRun(const Case& c) {
  if (c.paused() != 0) return false;
  return c.state() == v1::SEARCHING || c.state() == v1::PROPOSED || c.state() == v1::TRANSFERRING;
}

// Messages whose fate moves the case: notify-service reports every one as delivered or failed.
bool IsAwaited(const Case& c, const Message& message) {
  if (message.state() != Message::ON_ITS_WAY) return false;
  const Offer* offer = FindOffer(c, message.offer());
  switch (message.kind()) {
    case FIRST_APPROACH:
    case NAMED_APPROACH:
    case BROADCAST:
      return offer != nullptr && offer->state() == v1::PREPARING;
    case OFFICIAL_CANDIDATE:
    case OFFICIAL_MENTOR:
      return true;
    default:
      return false;
  }
}

// Effects whose answer the case does not wait for. While it searches, the next mentor may be asked only when a seat has come back.
bool IsAfterthought(const Case& c, const RunningEffect& effect) {
  if (effect.kind() == Effect::kReleaseSeat) return c.state() != v1::SEARCHING;
  return effect.kind() == Effect::kCancelSend || effect.kind() == Effect::kSend;
}

}  // namespace

void Fold(Case& c, const Event& event) {
  const int64_t version = c.version();
  Folder folder(c, event.time());
  switch (event.kind_case()) {
#define REMATCH_FOLD(Case, field) \
  case Event::Case:               \
    folder.On(event.field());     \
    break;
    REMATCH_FOLD(kOpened, opened)
    REMATCH_FOLD(kReviewed, reviewed)
    REMATCH_FOLD(kStageOpened, stage_opened)
    REMATCH_FOLD(kStageWindowBegan, stage_window_began)
    REMATCH_FOLD(kStageReminded, stage_reminded)
    REMATCH_FOLD(kStageWindowEnded, stage_window_ended)
    REMATCH_FOLD(kStageExhausted, stage_exhausted)
    REMATCH_FOLD(kBroadcastOpened, broadcast_opened)
    REMATCH_FOLD(kOfferMade, offer_made)
    REMATCH_FOLD(kOfferSeatHeld, offer_seat_held)
    REMATCH_FOLD(kOfferSeatRefused, offer_seat_refused)
    REMATCH_FOLD(kOfferOpened, offer_opened)
    REMATCH_FOLD(kOfferReminded, offer_reminded)
    REMATCH_FOLD(kOfferAnswered, offer_answered)
    REMATCH_FOLD(kOfferEnded, offer_ended)
    REMATCH_FOLD(kOfferChosen, offer_chosen)
    REMATCH_FOLD(kOfferConfirmed, offer_confirmed)
    REMATCH_FOLD(kSeatGivenUp, seat_given_up)
    REMATCH_FOLD(kPersonNamed, person_named)
    REMATCH_FOLD(kPersonDecided, person_decided)
    REMATCH_FOLD(kPersonJoined, person_joined)
    REMATCH_FOLD(kTaskOpened, task_opened)
    REMATCH_FOLD(kTaskEnded, task_ended)
    REMATCH_FOLD(kConsentRecorded, consent_recorded)
    REMATCH_FOLD(kCallRecorded, call_recorded)
    REMATCH_FOLD(kProposed, proposed)
    REMATCH_FOLD(kProposalEnded, proposal_ended)
    REMATCH_FOLD(kTransferStarted, transfer_started)
    REMATCH_FOLD(kTransferred, transferred)
    REMATCH_FOLD(kTransferRefused, transfer_refused)
    REMATCH_FOLD(kAnnouncementChanged, announcement_changed)
    REMATCH_FOLD(kMessageMade, message_made)
    REMATCH_FOLD(kMessageDelivered, message_delivered)
    REMATCH_FOLD(kMessageFailed, message_failed)
    REMATCH_FOLD(kMessageCancelled, message_cancelled)
    REMATCH_FOLD(kEffectStarted, effect_started)
    REMATCH_FOLD(kEffectAnswered, effect_answered)
    REMATCH_FOLD(kDisclosed, disclosed)
    REMATCH_FOLD(kFormerMentorTold, former_mentor_told)
    REMATCH_FOLD(kSearchRestarted, search_restarted)
    REMATCH_FOLD(kMentorStruck, mentor_struck)
    REMATCH_FOLD(kMentorGone, mentor_gone)
    REMATCH_FOLD(kStageSkipped, stage_skipped)
    REMATCH_FOLD(kOfferRevived, offer_revived)
    REMATCH_FOLD(kPaused, paused)
    REMATCH_FOLD(kFactDeferred, fact_deferred)
    REMATCH_FOLD(kResumed, resumed)
    REMATCH_FOLD(kTaskSnoozed, task_snoozed)
    REMATCH_FOLD(kLeaderReplaced, leader_replaced)
    REMATCH_FOLD(kCurrentMentorChanged, current_mentor_changed)
    REMATCH_FOLD(kCandidateGone, candidate_gone)
    REMATCH_FOLD(kCalendarChanged, calendar_changed)
    REMATCH_FOLD(kMediationRecorded, mediation_recorded)
    REMATCH_FOLD(kRequestSigned, request_signed)
    REMATCH_FOLD(kOfferApproved, offer_approved)
    REMATCH_FOLD(kMigrated, migrated)
    REMATCH_FOLD(kCompleted, completed)
    REMATCH_FOLD(kWithdrawn, withdrawn)
    REMATCH_FOLD(kClosed, closed)
#undef REMATCH_FOLD
    case Event::KIND_NOT_SET:
      break;
  }
  c.set_version(version + 1);
  c.set_updated(event.time());
}

absl::Time NextDue(const Case& c) {
  if (!TimersRun(c)) return absl::InfiniteFuture();
  absl::Time due = absl::InfiniteFuture();
  const auto consider = [&due](int64_t micros) {
    if (micros != 0) due = std::min(due, FromStored(micros));
  };
  for (const Offer& offer : c.offers()) {
    if (offer.state() != v1::OPEN || IsOfBroadcast(offer)) continue;
    consider(offer.window_end());
    consider(offer.remind_at());
  }
  if (!c.stage_window().over()) {
    consider(c.stage_window().end());
    consider(c.stage_window().remind_at());
  }
  return due;
}

bool HasEnded(const Case& c) { return c.state() == v1::COMPLETED || c.state() == v1::WITHDRAWN || c.state() == v1::CLOSED; }

bool NeedsSeat(const Case& c, std::string_view seat) {
  if (seat.empty()) return false;
  return std::any_of(c.offers().begin(), c.offers().end(), [&](const Offer& offer) {
    // What follows from an answer waits for the end of a pause, and so does the seat.
    const bool waits = c.paused() != 0 && IsHoldRunning(c, offer);
    return offer.seat() == seat && (offer.seat_held() || IsHolding(offer) || waits);
  });
}

bool CanMove(const Case& c) {
  if (HasEnded(c) || NextDue(c) != absl::InfiniteFuture()) return true;
  return std::any_of(c.tasks().begin(), c.tasks().end(), [](const Task& task) { return task.ended() == 0; }) ||
         std::any_of(c.running().begin(), c.running().end(), [&](const RunningEffect& effect) { return !IsAfterthought(c, effect); }) ||
         std::any_of(c.messages().begin(), c.messages().end(), [&](const Message& message) { return IsAwaited(c, message); });
}

}  // namespace rematch::request
