// What peers answer, the feeds report, and time brings: facts, which are never refused. What is late or repeated changes nothing.
#include "request-service/domain/decider.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/errors.h"
#include "request-service/domain/case_view.h"
#include "request-service/domain/causes.h"
#include "request-service/domain/policy.h"
#include "request-service/domain/reasons.h"

namespace rematch::request {

// ---------------------------------------------------------------------------------------------------------------------------------
// What the roster's feed reports (F33)

absl::Status Decider::Run(const Command::MentorLeft& left) {
  if (HasEnded(c_) || HasLeft(c_, left.mentor()) || !MayConcern(c_, left.mentor())) return absl::OkStatus();
  Emit([&](Event& e) { e.mutable_mentor_gone()->set_mentor(left.mentor()); });
  EndOffersOf(left.mentor(), [this](const Offer& offer) { EndOffer(offer.id(), v1::CANCELLED, cause::kMentorLeft); });
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::AssignmentChanged& changed) {
  const bool known = changed.assignment() == c_.replaced_assignment() && changed.mentor() == c_.current_mentor();
  if (c_.state() == v1::TRANSFERRING) {
    // The swap replaces it, or is refused because of it: then it counts.
    Defer(*command_);
    return absl::OkStatus();
  }
  if (known || HasEnded(c_) || c_.state() == v1::ANNOUNCING) return absl::OkStatus();
  const std::string before = c_.current_mentor();
  Emit([&](Event& e) {
    e.mutable_current_mentor_changed()->set_assignment(changed.assignment());
    e.mutable_current_mentor_changed()->set_mentor(changed.mentor());
  });
  EndOffersOfMentors(before);
  // Whether the case is still wanted is for the Leader to say, if they are not asked already.
  if (c_.state() == v1::SEARCHING && OpenTask(c_, v1::TRANSFER_REFUSED) == nullptr)
    OpenTaskOnce(v1::RESOLVE_STUCK, cause::kAssignmentChanged);
  return absl::OkStatus();
}

// F37. Also in a pause: its end counts by what is left of each deadline by the calendar of then.
absl::Status Decider::Run(const Command::CalendarChanged& changed) {
  if (changed.calendar() == c_.calendar()) return absl::OkStatus();
  // What had ended by the calendar of then has ended.
  RunTimers();
  const auto as_it_was = [](const Clock&, int64_t) {};
  Emit([&](Event& e) {
    Event::CalendarChanged& event = *e.mutable_calendar_changed();
    event.set_calendar(changed.calendar());
    event.set_time_zone(changed.time_zone());
    *event.mutable_deadlines() = CountAgain(as_it_was);
  });
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::CandidateLeft&) {
  if (HasEnded(c_) || c_.candidate_left()) return absl::OkStatus();
  Emit([](Event& e) { e.mutable_candidate_gone(); });
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::DoNotPair& pair) {
  if (!HasEnded(c_)) StrikeOut(pair.mentor());
  return absl::OkStatus();
}

// ---------------------------------------------------------------------------------------------------------------------------------
// What mentor-service answers

absl::Status Decider::Run(const Command::SeatHeld& held) {
  const std::optional<RunningEffect> effect = Answered(held.effect(), {Effect::kHoldNextSeat, Effect::kHoldSeat});
  const Offer* offer = effect.has_value() ? FindOffer(c_, effect->offer()) : nullptr;
  if (offer == nullptr) return absl::OkStatus();
  if (!IsHolding(*offer)) {
    // The offer ended meanwhile. Its release went out then; this one is for the case that the hold came to the receiver later.
    ReleaseSeat(offer->seat(), offer->id());
    return absl::OkStatus();
  }
  Emit([&](Event& e) {
    Event::OfferSeatHeld& seat = *e.mutable_offer_seat_held();
    seat.set_offer(offer->id());
    seat.set_mentor(held.mentor().empty() ? offer->mentor() : held.mentor());
    if (held.has_explanation()) *seat.mutable_explanation() = held.explanation();
  });
  // Struck while the question was under way.
  if (IsIndividual(*offer) && IsExcluded(c_, offer->mentor())) {
    EndOffer(offer->id(), v1::CANCELLED, cause::kMentorExcluded);
    return absl::OkStatus();
  }
  // Choosing or taking was the judgement; a yes that was taken up is judged by Settle's task, and who is only to be asked is approached by
  // Settle, when nobody else is being proposed.
  if (offer->state() == v1::WILLING && offer->revivals() == 0) Propose(offer->id());
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::NoneLeft& none) {
  const std::optional<RunningEffect> effect = Answered(none.effect(), {Effect::kHoldNextSeat});
  const Offer* offer = effect.has_value() ? FindOffer(c_, effect->offer()) : nullptr;
  if (offer == nullptr || !IsHolding(*offer)) return absl::OkStatus();
  Emit([&](Event& e) {
    e.mutable_offer_ended()->set_offer(offer->id());
    e.mutable_offer_ended()->set_state(v1::CANCELLED);
    e.mutable_offer_ended()->set_cause(std::string(cause::kNoneLeft));
  });
  StageIsOver(cause::kNoneLeft);
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::SeatRefused& refused) {
  const std::optional<RunningEffect> effect = Answered(refused.effect(), {Effect::kHoldNextSeat, Effect::kHoldSeat});
  const Offer* offer = effect.has_value() ? FindOffer(c_, effect->offer()) : nullptr;
  if (offer == nullptr || !IsHolding(*offer)) return absl::OkStatus();
  Emit([&](Event& e) {
    e.mutable_offer_seat_refused()->set_offer(offer->id());
    e.mutable_offer_seat_refused()->set_reason(refused.reason());
  });
  if (offer->revivals() > 0) {
    EndOffer(offer->id(), v1::EXPIRED, refused.reason());
    return absl::OkStatus();
  }
  if (IsOfBroadcast(*offer)) {
    // Still interested; the Leader chooses again, knowing of whom there is no seat.
    Task task = NewTask(v1::CHOOSE_AMONG_INTERESTED, refused.reason());
    task.set_offer(offer->id());
    Open(std::move(task));
    return absl::OkStatus();
  }
  EndOffer(offer->id(), v1::CANCELLED, refused.reason());
  if (IsTake(*offer)) {
    if (stage().kind() == v1::LEADER) AskToTake(refused.reason());
  } else if (!offer->person().empty()) {
    ComesBack(offer->person(), refused.reason());
  } else if (c_.state() == v1::SEARCHING) {
    // Ranking itself was refused: asking again at once would be refused again, without end.
    OpenTaskOnce(v1::RESOLVE_STUCK, refused.reason());
  }
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::SeatReleased& released) {
  Answered(released.effect(), {Effect::kReleaseSeat});
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::Transferred& transferred) {
  if (!Answered(transferred.effect(), {Effect::kTransfer}).has_value()) return absl::OkStatus();
  Emit([&](Event& e) { e.mutable_transferred()->set_assignment(transferred.assignment()); });
  EndSearch(cause::kCaseEnded);
  Announce();
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::TransferRefused& refused) {
  if (!Answered(refused.effect(), {Effect::kTransfer}).has_value()) return absl::OkStatus();
  const std::string offer = c_.proposed_offer();
  const std::string before = c_.current_mentor();
  std::optional<Command> reported;  // the last, while the swap ran
  for (const Command& fact : c_.deferred()) {
    if (fact.has_assignment_changed()) reported = fact;
  }
  Emit([&](Event& e) {
    Event::TransferRefused& event = *e.mutable_transfer_refused();
    event.set_reason(refused.reason());
    event.set_reread(refused.reread());
    event.set_assignment(refused.assignment());
    event.set_mentor(refused.mentor());
  });
  // With its seat the offer can be confirmed again, to replace the assignment that the roster has now.
  if (refused.reason() == cause::kSeatNotHeld || refused.reason() == cause::kSeatNotFound) {
    EndOffer(offer, v1::CANCELLED, refused.reason());
  } else if (const std::string& mentor = FindOffer(c_, offer)->mentor();
             mentor == c_.current_mentor() || IsStruck(c_, mentor) || HasLeft(c_, mentor)) {
    // What was reported while the swap ran counts now.
    EndOffer(offer, v1::CANCELLED, cause::kMentorExcluded);
  }
  EndOffersOfMentors(before);
  Task task = NewTask(v1::TRANSFER_REFUSED, refused.reason());
  task.set_offer(offer);
  Open(std::move(task));
  return reported.has_value() ? Run(reported->assignment_changed()) : absl::OkStatus();
}

absl::Status Decider::Run(const Command::MentorAdded& added) {
  const std::optional<RunningEffect> effect = Answered(added.effect(), {Effect::kAddMentor});
  if (!effect.has_value()) return absl::OkStatus();
  Emit([&](Event& e) {
    e.mutable_person_joined()->set_person(effect->person());
    e.mutable_person_joined()->set_mentor(added.mentor());
  });
  // They were on the roster all along, and are out of this case.
  if (!HasEnded(c_) && IsExcluded(c_, added.mentor())) ComesBack(effect->person(), cause::kMentorExcluded);
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::AddRefused& refused) {
  const std::optional<RunningEffect> effect = Answered(refused.effect(), {Effect::kAddMentor});
  if (effect.has_value() && !HasEnded(c_)) ComesBack(effect->person(), refused.reason());
  return absl::OkStatus();
}

// The Leader decides again, knowing why it did not work; not before the search goes on, if somebody is being proposed.
void Decider::ComesBack(const std::string& person, std::string_view cause) {
  Emit([&](Event& e) {
    e.mutable_person_decided()->set_person(person);
    e.mutable_person_decided()->set_state(v1::Person::RECOMMENDED);
  });
  if (c_.state() != v1::SEARCHING) return;
  Task task = NewTask(v1::QUALIFY_PERSON, cause);
  task.set_person(person);
  Open(std::move(task));
}

// ---------------------------------------------------------------------------------------------------------------------------------
// What notify-service answers and its feed reports

absl::Status Decider::Run(const Command::SendAccepted& accepted) {
  Answered(accepted.effect(), {Effect::kSend});
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::SendRefused& refused) {
  const std::optional<RunningEffect> effect = Answered(refused.effect(), {Effect::kSend});
  const Message* message = effect.has_value() ? FindMessage(c_, effect->message()) : nullptr;
  if (message != nullptr && message->state() == Message::ON_ITS_WAY) {
    MessageFailed(*message, refused.reason().empty() ? cause::kUndeliverable : std::string_view(refused.reason()), 0, false);
  }
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::SendCancelled& cancelled) {
  const std::optional<RunningEffect> effect = Answered(cancelled.effect(), {Effect::kCancelSend});
  const Message* message = FindMessage(c_, effect.has_value() ? effect->message() : cancelled.message());
  if (message != nullptr && message->state() == Message::ON_ITS_WAY) {
    Emit([&](Event& e) { e.mutable_message_cancelled()->set_message(message->key()); });
  }
  return absl::OkStatus();
}

// It went out, failed, or came back after all: the feed says which, and a note that is owed for it follows then.
absl::Status Decider::Run(const Command::TooLateToCancel& late) {
  Answered(late.effect(), {Effect::kCancelSend});
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::Delivered& delivered) {
  const Message* message = FindMessage(c_, delivered.message());
  if (message != nullptr && message->state() != Message::DELIVERED && IsNews(*message, delivered.position())) {
    MessageDelivered(*message, delivered.position());
  }
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::Undeliverable& undeliverable) {
  const Message* message = FindMessage(c_, undeliverable.message());
  if (message == nullptr || message->state() == Message::CANCELLED) return absl::OkStatus();
  if (!IsNews(*message, undeliverable.position())) return absl::OkStatus();
  if (message->state() == Message::FAILED) {
    // A retry failed too; what there was to do about it was done, but somebody may have read it now.
    if (undeliverable.may_have_arrived() && !message->may_have_arrived()) NoteFailure(*message, undeliverable.position(), true);
    return absl::OkStatus();
  }
  MessageFailed(*message, message->state() == Message::DELIVERED ? cause::kBounced : cause::kUndeliverable, undeliverable.position(),
                undeliverable.may_have_arrived());
  return absl::OkStatus();
}

// The feed is followed at least once: what is read again is not taken for a second turn of events.
bool Decider::IsNews(const Message& message, int64_t position) { return position == 0 || position > message.position(); }

void Decider::MessageDelivered(const Message& message, int64_t position) {
  Emit([&](Event& e) {
    e.mutable_message_delivered()->set_message(message.key());
    e.mutable_message_delivered()->set_position(position);
  });
  Disclose(message.to(), FactsIn(message.kind()), NotificationName(message.key()));
  const Offer* offer = FindOffer(c_, message.offer());
  switch (message.kind()) {
    case FIRST_APPROACH:
    case NAMED_APPROACH:
      if (offer->state() == v1::PREPARING) {
        // As the message says, whatever the policy says by now.
        const Clock told = offer->clock().has_window() ? offer->clock() : ClockOfApproach();
        Emit([&](Event& e) {
          Event::OfferOpened& opened = *e.mutable_offer_opened();
          opened.set_offer(offer->id());
          *opened.mutable_clock() = StartClock(told.window(), told.reminders());
          opened.set_window_end(opened.clock().end());
          opened.set_remind_at(RemindAt(opened.clock()));
        });
      }
      break;
    case BROADCAST:
      if (offer->state() == v1::PREPARING) {
        Emit([&](Event& e) {
          e.mutable_offer_opened()->set_offer(offer->id());
          e.mutable_offer_opened()->set_window_end(c_.stage_window().end());
        });
      }
      break;
    case OFFICIAL_CANDIDATE:
    case OFFICIAL_MENTOR:
      // Also when a retry got through at last: then nobody has to call.
      if (ToldOf(message.kind()) != Announcement::BY_PHONE) SetTold(message.kind(), Announcement::SENT);
      End(OpenTaskAboutSomebody(c_, v1::TELL_BY_PHONE, message.to()));
      break;
    case FORMER_MENTOR_NOTE:
      Emit([](Event& e) { e.mutable_former_mentor_told(); });
      End(OpenTask(c_, v1::TELL_FORMER_MENTOR));
      break;
    default:
      break;
  }
  OweClosingNote(offer);
}

// A question that could not be called back before the case ended, or before whom it asks was called off.
void Decider::OweClosingNote(const Offer* offer) {
  const bool called_off = offer != nullptr && (offer->cause() == cause::kStruck || offer->cause() == cause::kStageSkipped);
  if (called_off && IsIndividual(*offer) && WasAsked(*offer) && !SaidNo(*offer) && !HeardAlone(c_, *offer)) {
    SendMessage(CLOSING_NOTE, offer->mentor(), offer->id(), offer->id());
    return;
  }
  if (offer != nullptr && HasEnded(c_) && IsOwedClosingNote(*offer, c_.state() == v1::COMPLETED)) {
    SendMessage(CLOSING_NOTE, offer->mentor(), offer->id(), offer->id());
  }
}

// F39: a failure shortens the wait.
void Decider::MessageFailed(const Message& message, std::string_view cause, int64_t position, bool may_have_arrived) {
  NoteFailure(message, position, may_have_arrived);
  const Offer* offer = FindOffer(c_, message.offer());
  switch (message.kind()) {
    case FIRST_APPROACH:
    case NAMED_APPROACH:
    case BROADCAST:
      if (offer->state() == v1::PREPARING || offer->state() == v1::OPEN) EndOffer(offer->id(), v1::UNDELIVERABLE, cause);
      break;
    case SITE_RECOMMENDATION:
    case DISTRICT_RECOMMENDATION:
      AfterRecommendationFailed();
      break;
    case OFFICIAL_CANDIDATE:
    case OFFICIAL_MENTOR: {
      const Announcement::Told told = ToldOf(message.kind());
      if (told == Announcement::BY_PHONE || told == Announcement::FAILED) break;
      SetTold(message.kind(), Announcement::FAILED);
      Task task = NewTask(v1::TELL_BY_PHONE, cause);
      task.set_about(message.to());
      task.set_offer(message.offer());
      Open(std::move(task));
      break;
    }
    case FORMER_MENTOR_NOTE:
      OpenTaskOnce(v1::TELL_FORMER_MENTOR, cause);
      break;
    default:
      break;
  }
}

void Decider::NoteFailure(const Message& message, int64_t position, bool may_have_arrived) {
  Emit([&](Event& e) {
    Event::MessageFailed& failed = *e.mutable_message_failed();
    failed.set_message(message.key());
    failed.set_position(position);
    failed.set_may_have_arrived(may_have_arrived);
  });
  if (!may_have_arrived) return;
  // F24: what somebody may have read they are taken to know.
  Disclose(message.to(), FactsIn(message.kind()), NotificationName(message.key()));
  OweClosingNote(FindOffer(c_, message.offer()));
}

// When nobody whom the stage asked could be reached, there is nobody to wait for.
void Decider::AfterRecommendationFailed() {
  if (c_.stage_window().opened() == 0 || c_.stage_window().over() || stage().kind() != v1::RECOMMENDATION) return;
  // Of this round: a window of before had no count of what came before it.
  const std::string of_this_round = absl::StrCat(CaseId(c_), ".r", c_.round(), ".");
  const bool somebody =
      std::any_of(c_.messages().begin() + c_.stage_window().messages_before(), c_.messages().end(), [&](const Message& message) {
        return (message.kind() == SITE_RECOMMENDATION || message.kind() == DISTRICT_RECOMMENDATION) &&
               message.key().rfind(of_this_round, 0) == 0 && message.state() != Message::FAILED;
      });
  if (!somebody) StageIsOver(cause::kUndeliverable);
}

// ---------------------------------------------------------------------------------------------------------------------------------
// Time

absl::Status Decider::Run(const Command::Due&) {
  RunTimers();
  return absl::OkStatus();
}

void Decider::RunTimers() {
  if (NextDue(c_) > now_) return;
  const bool by_timer = std::exchange(timers_run_, true);
  for (const Offer& offer : c_.offers()) {
    if (offer.state() != v1::OPEN || IsOfBroadcast(offer)) continue;
    if (offer.window_end() != 0 && offer.window_end() <= now()) {
      EndOffer(offer.id(), v1::EXPIRED, cause::kWindowEnded);
    } else if (offer.remind_at() != 0 && offer.remind_at() <= now()) {
      Emit([&](Event& e) {
        e.mutable_offer_reminded()->set_offer(offer.id());
        SetNextReminder(offer.clock(), *e.mutable_offer_reminded());
      });
      SendMessage(APPROACH_REMINDER, offer.mentor(), offer.id(), offer.id(), offer.window_end(), offer.epoch());
    }
  }
  const StageWindow window = c_.stage_window();
  if (!window.over() && window.end() != 0 && window.end() <= now()) {
    Emit([](Event& e) { e.mutable_stage_window_ended(); });
    for (const Offer& offer : c_.offers()) {
      if (!IsOfBroadcast(offer)) continue;
      if (offer.state() == v1::OPEN) EndOffer(offer.id(), v1::EXPIRED, cause::kWindowEnded);
      // Never reached in time: called back.
      if (offer.state() == v1::PREPARING) EndOffer(offer.id(), v1::CANCELLED, cause::kWindowEnded);
    }
    CallBackQuestions("");
  } else if (!window.over() && window.remind_at() != 0 && window.remind_at() <= now()) {
    Emit([&](Event& e) { SetNextReminder(window.clock(), *e.mutable_stage_reminded()); });
    const std::string scope = absl::StrCat("r", c_.round());
    if (stage().kind() == v1::BROADCAST) {
      for (const Offer& offer : c_.offers()) {
        if (!IsOfBroadcast(offer) || offer.state() != v1::OPEN) continue;
        SendMessage(BROADCAST_REMINDER, offer.mentor(), offer.id(), offer.id(), window.end(), offer.epoch());
      }
    } else if (std::none_of(c_.people().begin() + window.people_before(), c_.people().end(),
                            [&](const Person& person) { return person.stage() == v1::RECOMMENDATION && person.round() == c_.round(); })) {
      const std::vector<Message> sent(c_.messages().begin() + window.messages_before(), c_.messages().end());
      for (const Message& message : sent) {
        const bool asked = message.kind() == SITE_RECOMMENDATION || message.kind() == DISTRICT_RECOMMENDATION;
        // Of this round: a window of before had no count of what came before it.
        if (asked && message.state() == Message::DELIVERED && message.key().rfind(absl::StrCat(CaseId(c_), ".", scope, "."), 0) == 0) {
          SendMessage(RECOMMENDATION_REMINDER, message.to(), "", scope, window.end());
        }
      }
    }
  }
  timers_run_ = by_timer;
}

}  // namespace rematch::request
