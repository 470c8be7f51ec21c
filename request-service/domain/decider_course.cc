// What follows from a step. Progress stands in one place, Settle(): it looks at the state and carries the case on.
#include "request-service/domain/decider.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/errors.h"
#include "request-service/domain/case_view.h"
#include "request-service/domain/causes.h"
#include "request-service/domain/policy.h"

namespace rematch::request {

// ---------------------------------------------------------------------------------------------------------------------------------
// What follows: the one place that carries a case on

void Decider::Settle() {
  const bool may_end = c_.state() == v1::REVIEW || c_.state() == v1::SEARCHING || c_.state() == v1::PROPOSED;
  if (c_.candidate_left() && may_end) {
    Event closed;
    closed.mutable_closed()->set_ground(v1::CANDIDATE_LEFT);
    EndWithoutMatch(std::move(closed)).IgnoreError();  // these states allow it
  }
  if (c_.state() == v1::SEARCHING) SettleSearch();
  if (c_.state() == v1::ANNOUNCING) {
    const auto told = [](Announcement::Told how) { return how == Announcement::SENT || how == Announcement::BY_PHONE; };
    if (told(c_.announcement().candidate()) && told(c_.announcement().mentor())) Complete();
  }
}

void Decider::SettleSearch() {
  EndStaleTasks();
  AskForPeople();
  // After a refused transfer the Leader decides how to go on, before anything else is begun.
  if (OpenTask(c_, v1::TRANSFER_REFUSED) != nullptr) return;
  AskForJudgement();
  if (c_.state() != v1::SEARCHING) return;
  AskNext();
  while (!CarryOnStage()) {
    const int next = c_.stage() + 1;
    if (next >= policy_->stages_size()) {
      OpenTaskOnce(v1::RESOLVE_STUCK);  // F11
      return;
    }
    EnterStage(next);
  }
}

// A task stands as long as there is something to do it about.
void Decider::EndStaleTasks() {
  for (const Task& task : c_.tasks()) {
    if (task.ended() != 0) continue;
    const Offer* offer = FindOffer(c_, task.offer());
    if (task.kind() == v1::CONFIRM_MATCH && offer->state() != v1::WILLING && !WaitsForJudgement(c_, *policy_, *offer)) End(&task);
    if (task.kind() == v1::CHOOSE_AMONG_INTERESTED && std::none_of(c_.offers().begin(), c_.offers().end(), [](const Offer& offer) {
          return IsOfBroadcast(offer) && offer.state() == v1::WILLING && !offer.seat_held();
        })) {
      End(&task);
    }
  }
}

// F10: whoever was named waits for the Leader.
void Decider::AskForPeople() {
  for (const Person& person : c_.people()) {
    if (person.state() != v1::Person::RECOMMENDED || OpenTaskAboutPerson(c_, v1::QUALIFY_PERSON, person.id()) != nullptr) continue;
    Task task = NewTask(v1::QUALIFY_PERSON);
    task.set_person(person.id());
    Open(std::move(task));
  }
}

// F6: willing is one fact, a good match the other.
void Decider::AskForJudgement() {
  bool interested = false;
  for (const Offer& offer : c_.offers()) {
    if (offer.state() != v1::WILLING) continue;
    // Judged before they were asked: their yes was all that was missing.
    if (offer.seat_held() && offer.approved() && ChosenOffer(c_) == nullptr) return Propose(offer.id());
    if (offer.seat_held()) AskToJudge(offer);
    interested |= IsOfBroadcast(offer) && !offer.seat_held();
  }
  if (interested && ChosenOffer(c_) == nullptr) OpenTaskOnce(v1::CHOOSE_AMONG_INTERESTED);
}

// F17: one at a time. Who was qualified by the Leader comes before the next of the pool.
void Decider::AskNext() {
  const Offer* live = LiveIndividualOffer(c_);
  if (live != nullptr) {
    if (live->state() != v1::PREPARING || !live->seat_held() || !live->message().empty()) return;
    if (!IsExcluded(c_, live->mentor())) {
      if (WaitsForJudgement(c_, *policy_, *live)) return AskToJudge(*live);
      Approach(*live);
      return;
    }
    // Their no to an earlier question came while their seat was held.
    EndOffer(live->id(), v1::CANCELLED, cause::kMentorExcluded);
    EndStaleTasks();
  }
  // First the two talk, or sign.
  const bool comes_first = stage().kind() == v1::MEDIATION || stage().kind() == v1::SIGNATURES;
  if (comes_first && !c_.stage_window().over()) return;
  // A seat of this case that is still being given back would make its mentor look full to the question that follows it: the release is
  // answered first.
  if (const Person* person = NextQualified()) {
    End(OpenTask(c_, v1::RESOLVE_STUCK));
    if (!IsSeatComingBack(c_, person->mentor())) AskPerson(*person);
  } else if (stage().kind() == v1::INDIVIDUAL && !c_.stage_window().over() && OpenTask(c_, v1::RESOLVE_STUCK) == nullptr) {
    if (!IsSeatComingBack(c_, "")) HoldNextSeat();
  }
}

bool Decider::CarryOnStage() {
  if (!c_.stage_window().over()) {
    const bool begun = c_.stage_window().opened() != 0;
    switch (stage().kind()) {
      case v1::INDIVIDUAL:
        // AskNext has seen to it, also when this stage was only just entered.
        AskNext();
        return true;
      case v1::BROADCAST:
        if (!begun) {
          OpenTaskOnce(v1::CHOOSE_BROADCAST_AUDIENCE);
        } else if (std::none_of(c_.offers().begin(), c_.offers().end(), [](const Offer& offer) {
                     return IsOfBroadcast(offer) && (offer.state() == v1::PREPARING || offer.state() == v1::OPEN);
                   })) {
          StageIsOver(cause::kAllAnswered);
          break;
        }
        return true;
      case v1::RECOMMENDATION:
        if (!begun && Asks(stage(), Stage::SITE_ADMINISTRATOR)) {
          OpenTaskOnce(v1::ASK_CONSENT);
        } else if (!begun) {
          End(OpenTask(c_, v1::ASK_CONSENT));
          AskAdvisers(/*site_may_be_asked=*/false);
          if (c_.stage_window().over()) break;
        }
        return true;
      case v1::MEDIATION:
        if (c_.current_mentor().empty()) {
          End(OpenTask(c_, v1::MEDIATE));
          StageIsOver(cause::kNobodyToAsk);
          AskNext();  // whoever was named meanwhile
          break;
        }
        OpenStageTask(v1::MEDIATE);
        return true;
      case v1::SIGNATURES:
        if (!SignaturesAreMissing()) {
          End(OpenTask(c_, v1::COLLECT_SIGNATURES));
          StageIsOver(cause::kAllSigned);
          AskNext();
          break;
        }
        OpenStageTask(v1::COLLECT_SIGNATURES);
        return true;
      case v1::LEADER:
        if (TakerOf(c_, stage()).person().empty()) {
          End(OpenTask(c_, v1::TAKE_CANDIDATE));
          StageIsOver(cause::kNobodyToAsk);
          break;
        }
        if (std::none_of(c_.offers().begin(), c_.offers().end(), [](const Offer& offer) { return IsTake(offer) && IsLive(offer); })) {
          AskToTake();
        }
        return true;
      default:
        break;
    }
  }
  return IsBusy();
}

// F3: the next stage waits for every live offer, and for everybody whom the Leader has yet to decide about.
bool Decider::IsBusy() const {
  return std::any_of(c_.offers().begin(), c_.offers().end(), IsLive) ||
         std::any_of(c_.people().begin(), c_.people().end(),
                     [](const Person& person) {
                       return person.state() == v1::Person::RECOMMENDED ||
                              (person.state() == v1::Person::QUALIFIED && person.mentor().empty());
                     }) ||
         NextQualified() != nullptr;
}

void Decider::EnterStage(int stage) {
  Emit([&](Event& e) {
    Event::StageOpened& opened = *e.mutable_stage_opened();
    opened.set_stage(stage);
    opened.set_kind(stage < policy_->stages_size() ? policy_->stages(stage).kind() : v1::STAGE_KIND_UNSPECIFIED);
    opened.set_round(c_.round());
    if (stage < policy_->stages_size()) opened.set_id(StageId(policy_->stages(stage)));
  });
}

// ---------------------------------------------------------------------------------------------------------------------------------
// Asking mentors

// The first who was found fit and has not been asked in this round.
const Person* Decider::NextQualified() const {
  for (const Person& person : c_.people()) {
    if (person.state() != v1::Person::QUALIFIED || person.mentor().empty()) continue;
    if (IsExcluded(c_, person.mentor()) || HasLiveOffer(c_, person.mentor())) continue;
    const bool asked = std::any_of(c_.offers().begin(), c_.offers().end(), [&](const Offer& offer) {
      return offer.person() == person.id() && offer.round() == c_.round() && !offer.refused_seat();
    });
    if (!asked) return &person;
  }
  return nullptr;
}

std::string Decider::MakeOffer(v1::StageKind stage, std::string_view mentor, std::string_view person, bool willing) {
  Offer offer;
  offer.set_id(absl::StrCat("o", c_.offers_size() + 1));
  offer.set_stage(stage);
  offer.set_round(c_.round());
  offer.set_state(willing ? v1::WILLING : v1::PREPARING);
  offer.set_mentor(std::string(mentor));
  offer.set_person(std::string(person));
  offer.set_epoch(kFirstEpoch);
  if (!IsOfBroadcast(offer)) offer.set_seat(SeatKey(c_, offer.id()));
  if (willing) {
    offer.set_willing(true);
    offer.set_answered(now());
  }
  Emit([&](Event& e) { *e.mutable_offer_made()->mutable_offer() = offer; });
  return offer.id();
}

void Decider::HoldNextSeat() {
  const std::string offer = MakeOffer(v1::INDIVIDUAL, "", "", false);
  const std::vector<std::string> exclude = NotToBeAsked(c_);
  Start(offer, [&](Effect& effect) {
    Effect::HoldNextSeat& hold = *effect.mutable_hold_next_seat();
    hold.set_seat(SeatKey(c_, offer));
    *hold.mutable_tiers() = stage().tiers();
    *hold.mutable_order() = c_.order();
    *hold.mutable_exclude() = {exclude.begin(), exclude.end()};
    if (policy_->has_experience()) *hold.mutable_experience() = policy_->experience();
    if (policy_->has_weights()) *hold.mutable_weights() = policy_->weights();
  });
}

void Decider::AskPerson(const Person& person) {
  const std::string offer = MakeOffer(stage().kind(), person.mentor(), person.id(), false);
  Start(offer, [&](Effect& effect) {
    effect.mutable_hold_seat()->set_seat(SeatKey(c_, offer));
    effect.mutable_hold_seat()->set_mentor(person.mentor());
  });
}

// The message names the end that the window would have if it arrived now; it begins when the message is delivered.
void Decider::Approach(const Offer& offer) {
  SendMessage(ApproachKind(), offer.mentor(), offer.id(), offer.id(), ToStored(time_.EndOfWindow(now_, OfferWindow())), offer.epoch());
}

Clock Decider::ClockOfApproach() const {
  Clock clock;
  *clock.mutable_window() = OfferWindow();
  if (const Stage* individual = IndividualStage()) *clock.mutable_reminders() = individual->remind_before();
  return clock;
}

MessageKind Decider::ApproachKind() const {
  return policy_->candidate_disclosure() == v1::EscalationPolicy::WITH_FIRST_APPROACH ? NAMED_APPROACH : FIRST_APPROACH;
}

// ---------------------------------------------------------------------------------------------------------------------------------
// Ending offers

void Decider::EndOffer(const std::string& offer, v1::OfferState state, std::string_view cause) {
  Emit([&](Event& e) {
    e.mutable_offer_ended()->set_offer(offer);
    e.mutable_offer_ended()->set_state(state);
    e.mutable_offer_ended()->set_cause(std::string(cause));
  });
  const Offer& ended = *FindOffer(c_, offer);
  GiveUpSeat(ended);
  CallBackQuestions(offer);
}

void Decider::PassOver(const std::string& offer, std::string_view cause) {
  EndOffer(offer, v1::PASSED_OVER, cause);
  const Offer& ended = *FindOffer(c_, offer);
  if (WasAsked(ended) && !IsTake(ended)) SendMessage(CLOSING_NOTE, ended.mentor(), offer, offer);
}

void Decider::CallOff(const Offer& offer, std::string_view cause) {
  const bool waits = WasAsked(offer) && !SaidNo(offer);
  EndOffer(offer.id(), offer.willing() ? v1::PASSED_OVER : v1::CANCELLED, cause);
  if (waits) SendMessage(CLOSING_NOTE, offer.mentor(), offer.id(), offer.id());
}

void Decider::EndOffersOf(const std::string& mentor, absl::FunctionRef<void(const Offer&)> end) {
  for (const Offer& offer : c_.offers()) {
    if (offer.mentor() != mentor || !IsLive(offer)) continue;
    if (offer.state() == v1::CONFIRMED) {
      if (c_.state() != v1::PROPOSED) continue;
      EndProposal(offer.id());
    }
    end(offer);
  }
}

void Decider::EndOffersOfStruck(const std::string& mentor) {
  EndOffersOf(mentor, [this](const Offer& offer) {
    if (IsIndividual(offer)) {
      CallOff(offer, cause::kStruck);
    } else {
      // Of a broadcast: whoever was willing hears it when the case ends (F29).
      EndOffer(offer.id(), offer.willing() ? v1::PASSED_OVER : v1::CANCELLED, cause::kNotChosen);
    }
  });
}

void Decider::EndOffersOfMentors(const std::string& before) {
  const std::string& now = c_.current_mentor();
  if (now == before) return;
  // The broadcast may have gone to them as well (F20).
  if (!before.empty()) EndOffersOfStruck(before);
  if (now.empty()) return;
  EndOffersOf(now, [this](const Offer& offer) { EndOffer(offer.id(), v1::CANCELLED, cause::kMentorExcluded); });
}

void Decider::EndSearch(std::string_view cause) {
  for (const Offer& offer : c_.offers()) {
    const bool is_the_match = c_.state() == v1::ANNOUNCING && offer.id() == c_.proposed_offer();
    if (IsLive(offer) && !is_the_match) EndOffer(offer.id(), v1::CANCELLED, cause);
  }
  CallBackQuestions("");
  EndTasks();
}

// Also a seat whose hold has not been answered: the release leaves a tombstone that refuses a late hold (F30).
void Decider::GiveUpSeat(const Offer& offer) {
  if (offer.seat().empty()) return;
  Emit([&](Event& e) {
    e.mutable_seat_given_up()->set_offer(offer.id());
    e.mutable_seat_given_up()->set_seat(offer.seat());
  });
  ReleaseSeat(offer.seat(), offer.id());
}

void Decider::ReleaseSeat(const std::string& seat, const std::string& offer) {
  Start(offer, [&](Effect& effect) { effect.mutable_release_seat()->set_seat(seat); });
}

// ---------------------------------------------------------------------------------------------------------------------------------
// The proposal, the change and the end

// The candidate is to be called. What else the Leader could do for the search comes back if it goes on.
void Decider::Propose(const std::string& offer) {
  EndTasks();
  Emit([&](Event& e) { e.mutable_offer_confirmed()->set_offer(offer); });
  Emit([&](Event& e) { e.mutable_proposed()->set_offer(offer); });
  Task task = NewTask(v1::CALL_CANDIDATE);
  task.set_offer(offer);
  Open(std::move(task));
  // F18: earlier than the official email only where the policy says so. A leader knows.
  const Offer& proposed = *FindOffer(c_, offer);
  if (policy_->candidate_disclosure() == v1::EscalationPolicy::WITH_PROPOSAL && !IsTake(proposed)) {
    SendMessage(PROPOSAL_NOTE, proposed.mentor(), offer, offer);
  }
}

void Decider::EndProposal(const std::string& offer) {
  EndTasks();
  Emit([&](Event& e) { e.mutable_proposal_ended()->set_offer(offer); });
}

// F8: one to the candidate, one to the mentor.
void Decider::Announce() {
  const Offer& offer = *FindOffer(c_, c_.proposed_offer());
  Emit([](Event& e) { e.mutable_announcement_changed()->mutable_announcement(); });
  SendMessage(OFFICIAL_CANDIDATE, c_.candidate(), offer.id(), offer.id(), 0, 0, offer.mentor());
  SendMessage(OFFICIAL_MENTOR, offer.mentor(), offer.id(), offer.id());
}

Announcement::Told Decider::ToldOf(MessageKind official) const {
  return official == OFFICIAL_CANDIDATE ? c_.announcement().candidate() : c_.announcement().mentor();
}

void Decider::SetTold(MessageKind official, Announcement::Told told) {
  Announcement announcement = c_.announcement();
  if (official == OFFICIAL_CANDIDATE) {
    announcement.set_candidate(told);
  } else {
    announcement.set_mentor(told);
  }
  Emit([&](Event& e) { *e.mutable_announcement_changed()->mutable_announcement() = announcement; });
}

void Decider::Complete() {
  Emit([](Event& e) { e.mutable_completed(); });
  SendClosingNotes(/*matched=*/true);
  const auto notice = [&](v1::EscalationPolicy::Notice to) {
    return std::find(policy_->notices().begin(), policy_->notices().end(), to) != policy_->notices().end();
  };
  const std::string offer = c_.proposed_offer();
  if (notice(v1::EscalationPolicy::SITE_ADMINISTRATOR) && c_.consent() != CONSENT_REFUSED && !c_.need().site().empty()) {
    SendMessage(SITE_NOTICE, c_.need().site(), "", offer, 0, 0, FindOffer(c_, offer)->mentor());
  }
  if (c_.current_mentor().empty()) return;
  if (notice(v1::EscalationPolicy::FORMER_MENTOR)) {
    SendMessage(FORMER_MENTOR_NOTE, c_.current_mentor(), "", offer);
  } else {
    OpenTaskOnce(v1::TELL_FORMER_MENTOR);  // F46
  }
}

void Decider::SendClosingNotes(bool matched) {
  for (const Offer& offer : c_.offers()) {
    if (IsOwedClosingNote(offer, matched)) SendMessage(CLOSING_NOTE, offer.mentor(), offer.id(), offer.id());
  }
}

// Who would otherwise wait for an answer that never comes: who is willing and was not chosen (F29), whose window was running when the case
// ended (F14) and, when it ends without a match, whoever was asked in confidence and did not say no.
bool Decider::IsOwedClosingNote(const Offer& offer, bool matched) const {
  if (!WasAsked(offer) || SaidNo(offer) || IsTake(offer) || HeardOfTheEnd(offer.mentor())) return false;
  if (HeardAlone(c_, offer)) return false;
  if (matched && offer.mentor() == FindOffer(c_, c_.proposed_offer())->mentor()) return false;
  if (offer.willing() || offer.cause() == cause::kCaseEnded) return true;
  return !matched && IsIndividual(offer) && offer.state() != v1::UNDELIVERABLE;
}

// One note is enough for whoever was asked more than once.
bool Decider::HeardOfTheEnd(const std::string& mentor) const {
  return std::any_of(c_.messages().begin(), c_.messages().end(), [&](const Message& message) {
    if (message.kind() != CLOSING_NOTE || message.to() != mentor) return false;
    return !HeardAlone(c_, *FindOffer(c_, message.offer()));
  });
}

}  // namespace rematch::request
