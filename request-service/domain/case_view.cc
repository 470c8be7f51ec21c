#include "request-service/domain/case_view.h"

#include <algorithm>
#include <set>

#include "platform/timestamps.h"
#include "request-service/domain/causes.h"

namespace rematch::request {
namespace {

// The id of the effect whose answer this is, or "".
const std::string& EffectAnsweredBy(const Command& command) {
  static const std::string* const none = new std::string;
  switch (command.kind_case()) {
    case Command::kSeatHeld:
      return command.seat_held().effect();
    case Command::kNoneLeft:
      return command.none_left().effect();
    case Command::kSeatRefused:
      return command.seat_refused().effect();
    case Command::kSeatReleased:
      return command.seat_released().effect();
    case Command::kTransferred:
      return command.transferred().effect();
    case Command::kTransferRefused:
      return command.transfer_refused().effect();
    case Command::kMentorAdded:
      return command.mentor_added().effect();
    case Command::kAddRefused:
      return command.add_refused().effect();
    case Command::kSendAccepted:
      return command.send_accepted().effect();
    case Command::kSendRefused:
      return command.send_refused().effect();
    case Command::kSendCancelled:
      return command.send_cancelled().effect();
    case Command::kTooLateToCancel:
      return command.too_late_to_cancel().effect();
    default:
      return *none;
  }
}

template <typename Items>
auto FindById(const Items& items, std::string_view id) -> decltype(&*items.begin()) {
  const auto found = std::find_if(items.begin(), items.end(), [&](const auto& item) { return item.id() == id; });
  return found == items.end() ? nullptr : &*found;
}

template <typename Predicate>
const Task* FirstOpenTask(const Case& c, v1::TaskKind kind, Predicate fits) {
  for (const Task& task : c.tasks()) {
    if (task.kind() == kind && task.ended() == 0 && fits(task)) return &task;
  }
  return nullptr;
}

template <typename Predicate>
const Offer* FirstOffer(const Case& c, Predicate fits) {
  const auto found = std::find_if(c.offers().begin(), c.offers().end(), fits);
  return found == c.offers().end() ? nullptr : &*found;
}

}  // namespace

int64_t ToStored(absl::Time time) { return absl::ToUnixMicros(time); }
absl::Time FromStored(int64_t micros) { return absl::FromUnixMicros(micros); }

const Offer* FindOffer(const Case& c, std::string_view id) { return FindById(c.offers(), id); }
const Person* FindPerson(const Case& c, std::string_view id) { return FindById(c.people(), id); }
const Task* FindTask(const Case& c, std::string_view id) { return FindById(c.tasks(), id); }
const RunningEffect* FindRunning(const Case& c, std::string_view id) { return FindById(c.running(), id); }

const Message* FindMessage(const Case& c, std::string_view key) {
  for (const Message& message : c.messages()) {
    if (message.key() == key) return &message;
  }
  return nullptr;
}

const Task* OpenTask(const Case& c, v1::TaskKind kind) {
  return FirstOpenTask(c, kind, [](const Task&) { return true; });
}

const Task* OpenTaskAboutOffer(const Case& c, v1::TaskKind kind, std::string_view offer) {
  return FirstOpenTask(c, kind, [&](const Task& task) { return task.offer() == offer; });
}

const Task* OpenTaskAboutPerson(const Case& c, v1::TaskKind kind, std::string_view person) {
  return FirstOpenTask(c, kind, [&](const Task& task) { return task.person() == person; });
}

const Task* OpenTaskAboutSomebody(const Case& c, v1::TaskKind kind, std::string_view about) {
  return FirstOpenTask(c, kind, [&](const Task& task) { return task.about() == about; });
}

const Leader& ActingLeader(const Case& c) { return c.alternate_acts() ? c.alternate() : c.leader(); }

const Leader& ConfirmerOf(const Case& c, const v1::EscalationPolicy& policy) {
  const bool is_alternates = policy.confirmation().who() == v1::EscalationPolicy::Confirmation::ALTERNATE;
  return is_alternates && !c.alternate().person().empty() ? c.alternate() : ActingLeader(c);
}

const Leader& TakerOf(const Case& c, const v1::EscalationPolicy::Stage& stage) {
  return stage.taker() == v1::EscalationPolicy::Stage::ALTERNATE_LEADER ? c.alternate() : ActingLeader(c);
}

bool WaitsForJudgement(const Case& c, const v1::EscalationPolicy& policy, const Offer& offer) {
  return policy.confirmation().when() == v1::EscalationPolicy::Confirmation::BEFORE_ASKING && IsIndividual(offer) &&
         offer.state() == v1::PREPARING && offer.seat_held() && offer.message().empty() && !offer.approved() && c.state() == v1::SEARCHING;
}

bool IsLive(const Offer& offer) {
  return offer.state() == v1::PREPARING || offer.state() == v1::OPEN || offer.state() == v1::WILLING || offer.state() == v1::CONFIRMED;
}

bool IsIndividual(const Offer& offer) { return offer.stage() == v1::INDIVIDUAL || !offer.person().empty(); }
bool IsOfBroadcast(const Offer& offer) { return offer.stage() == v1::BROADCAST && offer.person().empty(); }
bool IsTake(const Offer& offer) { return offer.stage() == v1::LEADER && offer.person().empty(); }

bool IsHolding(const Offer& offer) {
  return (offer.state() == v1::PREPARING || offer.state() == v1::WILLING) && !offer.seat().empty() && !offer.seat_held();
}

bool IsHoldRunning(const Case& c, const Offer& offer) {
  return std::any_of(c.running().begin(), c.running().end(), [&](const RunningEffect& effect) {
    return effect.offer() == offer.id() && (effect.kind() == Effect::kHoldSeat || effect.kind() == Effect::kHoldNextSeat);
  });
}

bool WasAsked(const Offer& offer) { return offer.message_sent() || offer.answered() != 0; }
bool SaidNo(const Offer& offer) { return offer.answered() != 0 && !offer.willing(); }

bool HeardAlone(const Case& c, const Offer& offer) {
  const bool then = offer.cause() == cause::kRejected || offer.cause() == cause::kCandidateDeclined || offer.cause() == cause::kStruck ||
                    offer.cause() == cause::kStageSkipped;
  return then && std::any_of(c.messages().begin(), c.messages().end(),
                             [&](const Message& message) { return message.kind() == CLOSING_NOTE && message.offer() == offer.id(); });
}

v1::PauseState PauseOf(const Case& c) {
  if (c.paused() == 0) return v1::NOT_PAUSED;
  const auto answered = [&](const RunningEffect& effect) {
    return std::any_of(c.deferred().begin(), c.deferred().end(),
                       [&](const Command& fact) { return EffectAnsweredBy(fact) == effect.id(); });
  };
  return std::all_of(c.running().begin(), c.running().end(), answered) ? v1::PAUSED : v1::PAUSING;
}

const Offer* LiveIndividualOffer(const Case& c) {
  return FirstOffer(c, [](const Offer& offer) { return IsIndividual(offer) && IsLive(offer); });
}

const Offer* ChosenOffer(const Case& c) {
  return FirstOffer(c, [](const Offer& offer) { return offer.state() == v1::WILLING && IsHolding(offer); });
}

bool HasLiveOffer(const Case& c, std::string_view mentor) {
  return FirstOffer(c, [&](const Offer& offer) { return offer.mentor() == mentor && IsLive(offer); }) != nullptr;
}

bool HasBeenAsked(const Case& c, std::string_view mentor) {
  return FirstOffer(c, [&](const Offer& offer) { return offer.mentor() == mentor && WasAsked(offer); }) != nullptr;
}

bool HasSigned(const Case& c, v1::EscalationPolicy::Stage::Signer signer) {
  return std::find(c.signed_by().begin(), c.signed_by().end(), signer) != c.signed_by().end();
}

bool IsStruck(const Case& c, std::string_view mentor) {
  return std::find(c.struck().begin(), c.struck().end(), mentor) != c.struck().end();
}

bool MayConcern(const Case& c, std::string_view mentor) {
  return std::any_of(c.offers().begin(), c.offers().end(),
                     [&](const Offer& offer) { return offer.mentor() == mentor || (offer.mentor().empty() && IsHoldRunning(c, offer)); }) ||
         std::any_of(c.people().begin(), c.people().end(), [&](const Person& person) { return person.mentor() == mentor; });
}

bool HasLeft(const Case& c, std::string_view mentor) { return std::find(c.left().begin(), c.left().end(), mentor) != c.left().end(); }

bool IsExcluded(const Case& c, std::string_view mentor) {
  if (mentor == c.current_mentor() || IsStruck(c, mentor) || HasLeft(c, mentor)) return true;
  return FirstOffer(c, [&](const Offer& offer) {
           const bool refused = offer.cause() == cause::kRejected || offer.cause() == cause::kCandidateDeclined;
           return offer.mentor() == mentor && (SaidNo(offer) || refused);
         }) != nullptr;
}

std::vector<std::string> NotToBeAsked(const Case& c) {
  std::set<std::string> names(c.struck().begin(), c.struck().end());
  names.insert(c.left().begin(), c.left().end());
  names.insert(c.current_mentor());
  for (const Offer& offer : c.offers()) {
    const bool asked_alone = offer.round() == c.round() && !IsOfBroadcast(offer);
    if (asked_alone || IsLive(offer) || IsExcluded(c, offer.mentor())) names.insert(offer.mentor());
  }
  names.erase("");
  return {names.begin(), names.end()};
}

bool CandidateDeclined(const Case& c, std::string_view mentor) {
  return FirstOffer(c, [&](const Offer& offer) { return offer.mentor() == mentor && offer.cause() == cause::kCandidateDeclined; }) !=
         nullptr;
}

bool IsInAudience(const Case& c, const v1::EscalationPolicy::Stage& stage, const Hearer& hearer, bool includes_current_mentor) {
  using Stage = v1::EscalationPolicy::Stage;
  if (hearer.mentor == c.current_mentor() && !includes_current_mentor) return false;
  if (stage.audience() == Stage::EXPERIENCED_MENTORS && !hearer.experienced) return false;
  if (stage.audience() == Stage::NOT_YET_ASKED && (hearer.asked_by_then || HasBeenAsked(c, hearer.mentor))) return false;
  return !IsStruck(c, hearer.mentor) && !CandidateDeclined(c, hearer.mentor);
}

bool IsBroadcastOpen(const Case& c, const v1::EscalationPolicy& policy, const Offer& offer) {
  const auto first = c.offers().begin() + c.stage_window().offers_before();  // those before are of another broadcast
  const bool is_of_stage = std::any_of(first, c.offers().end(), [&](const Offer& one) { return one.id() == offer.id(); });
  return c.state() == v1::SEARCHING && IsOfBroadcast(offer) && offer.round() == c.round() && is_of_stage &&
         c.stage() < policy.stages_size() && policy.stages(c.stage()).kind() == v1::BROADCAST && !c.stage_window().over();
}

bool IsSeatComingBack(const Case& c, std::string_view mentor) {
  return std::any_of(c.running().begin(), c.running().end(), [&](const RunningEffect& effect) {
    if (effect.kind() != Effect::kReleaseSeat) return false;
    const Offer* offer = FindOffer(c, effect.offer());
    return offer != nullptr && (offer->round() < c.round() || (!mentor.empty() && offer->mentor() == mentor));
  });
}

google::protobuf::Timestamp RankTime(const Case& c) { return platform::ToTimestamp(FromStored(c.created())); }

std::string IdOf(std::string_view name) { return std::string(name.substr(name.rfind('/') + 1)); }
std::string CaseId(const Case& c) { return IdOf(c.name()); }
std::string SeatKey(const Case& c, std::string_view offer) { return CaseId(c) + "." + std::string(offer); }

}  // namespace rematch::request
