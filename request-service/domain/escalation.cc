// How a case is decided. First the steps, in the order in which a case goes through them, each a function that reads like the policy;
// then what the steps are made of. Progress stands in one place, Settle(): a step says what happened, Settle what follows from it.
#include "request-service/domain/escalation.h"

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <optional>
#include <set>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "platform/errors.h"
#include "platform/strings.h"
#include "platform/timestamps.h"
#include "request-service/domain/case_view.h"
#include "request-service/domain/causes.h"
#include "request-service/domain/policy.h"
#include "request-service/domain/reasons.h"

namespace rematch::request {
namespace {

using Fact = v1::Disclosure;
using Stage = v1::EscalationPolicy::Stage;

// The ledger's word for a phone call, where a message has its name.
constexpr std::string_view kByCall = "call";
constexpr std::string_view kByTalk = "talk";
constexpr std::string_view kByPaper = "paper";

// The first answer of an offer is to epoch 1; a code of an older one changes nothing.
constexpr int kFirstEpoch = 1;

// What is put off for longer is put off for good.
constexpr absl::Duration kLongestSnooze = absl::Hours(24 * 366);

absl::Status Refused(std::string_view reason, std::string_view message) {
  return Error(absl::StatusCode::kFailedPrecondition, reason, message);
}

absl::Status Unknown(std::string_view reason, std::string_view message) { return Error(absl::StatusCode::kNotFound, reason, message); }

absl::Status Invalid(std::string_view field, std::string_view description) {
  Violations bad;
  bad.Add(field, description);
  return bad.ToStatus();
}

// What is not to arrive any more once it has been answered, or nobody needs the answer.
bool IsQuestion(MessageKind kind) {
  switch (kind) {
    case FIRST_APPROACH:
    case NAMED_APPROACH:
    case APPROACH_REMINDER:
    case BROADCAST:
    case BROADCAST_REMINDER:
    case SITE_RECOMMENDATION:
    case DISTRICT_RECOMMENDATION:
    case RECOMMENDATION_REMINDER:
    case PROPOSAL_NOTE:
      return true;
    default:
      return false;
  }
}

// Who leads a case beside its leader.
struct Leading {
  Leader alternate;
  bool alternate_acts = false;
};

// F35: whoever is asked to be replaced neither decides about it nor reads of it.
absl::StatusOr<Leading> LeadingBeside(const std::string& current_mentor, const Leader& leader, const Leader& alternate) {
  const auto is_replaced = [&](const Leader& one) { return !current_mentor.empty() && one.mentor() == current_mentor; };
  Leading leading = {.alternate = is_replaced(alternate) ? Leader() : alternate, .alternate_acts = is_replaced(leader)};
  if (leading.alternate_acts && leading.alternate.person().empty()) {
    return Refused(reason::kNoAlternate, "the program's leader is the mentor to be replaced, and nobody is named to act instead");
  }
  return leading;
}

// Answers of peers, the feeds and time: facts, which are never refused.
bool IsFact(const Command& command) { return command.kind_case() >= Command::kSeatHeld; }

class Decider {
 public:
  Decider(const Case& c, const Command& command, const Rules& rules, absl::Time now)
      : c_(c), command_(&command), policy_(&rules.policy), next_policy_(rules.next), time_(rules.time), now_(now) {}

  absl::Status Decide();
  Decision Take() && { return std::move(decision_); }

 private:
  // --- The steps, as people take them.
  absl::Status Run(const Command::Open& open);
  absl::Status Run(const Command::Review& review);
  absl::Status Run(const Command::Answer& answer);
  absl::Status Run(const Command::Confirm& confirm);
  absl::Status Run(const Command::Reject& reject);
  absl::Status Run(const Command::OpenBroadcast& broadcast);
  absl::Status Run(const Command::Choose& choose);
  absl::Status Run(const Command::PassAllOver&);
  absl::Status Run(const Command::RecordConsent& consent);
  absl::Status Run(const Command::Recommend&);
  absl::Status Run(const Command::Qualify& qualify);
  absl::Status Run(const Command::Take&);
  absl::Status Run(const Command::DeclineToTake&);
  absl::Status Run(const Command::RecordCall& call);
  absl::Status Run(const Command::SendClosingNote&);
  absl::Status Run(const Command::RestartSearch& restart);
  absl::Status Run(const Command::Withdraw&);
  absl::Status Run(const Command::Close& close);
  absl::Status Run(const Command::Strike& strike);
  absl::Status Run(const Command::SkipStage&);
  absl::Status Run(const Command::Revive& revive);
  absl::Status Run(const Command::Pause&);
  absl::Status Run(const Command::Resume&);
  absl::Status Run(const Command::Snooze& snooze);
  absl::Status Run(const Command::ReplaceLeader& replace);
  absl::Status Run(const Command::RecordMediation& mediation);
  absl::Status Run(const Command::RecordSignature& signature);
  absl::Status Run(const Command::Migrate& migrate);

  // --- What peers, feeds and time report.
  absl::Status Run(const Command::SeatHeld& held);
  absl::Status Run(const Command::NoneLeft& none);
  absl::Status Run(const Command::SeatRefused& refused);
  absl::Status Run(const Command::SeatReleased& released);
  absl::Status Run(const Command::Transferred& transferred);
  absl::Status Run(const Command::TransferRefused& refused);
  absl::Status Run(const Command::MentorAdded& added);
  absl::Status Run(const Command::AddRefused& refused);
  absl::Status Run(const Command::SendAccepted& accepted);
  absl::Status Run(const Command::SendRefused& refused);
  absl::Status Run(const Command::SendCancelled& cancelled);
  absl::Status Run(const Command::TooLateToCancel& late);
  absl::Status Run(const Command::Delivered& delivered);
  absl::Status Run(const Command::Undeliverable& undeliverable);
  absl::Status Run(const Command::MentorLeft& left);
  absl::Status Run(const Command::AssignmentChanged& changed);
  absl::Status Run(const Command::CandidateLeft&);
  absl::Status Run(const Command::DoNotPair& pair);
  absl::Status Run(const Command::CalendarChanged& changed);
  absl::Status Run(const Command::FollowAnswer& follow);
  absl::Status Run(const Command::Due&);
  absl::Status RunCommand();
  // Everything that is due by now.
  void RunTimers();

  // --- While the case is paused.
  absl::Status DecidePaused();
  void Defer(const Command& fact);
  void TakeUp();

  // --- Deadlines.
  using Reminders = google::protobuf::RepeatedPtrField<v1::Window>;
  Clock StartClock(const v1::Window& window, const Reminders& reminders = {}) const;
  // The clock of a deadline that is `end` now.
  Clock ClockOf(const Clock& kept, int64_t end, int64_t began, const v1::Window& window) const;
  Clock ClockOf(const Clock& kept, int64_t end, int64_t began, const Stage& stage, int64_t remind_at) const;
  absl::Time EndOf(const Clock& clock) const;
  // The soonest of the reminders still to come; 0 without one.
  int64_t RemindAt(const Clock& clock) const;
  // After a reminder at `now`: what comes next of those that are not due yet. Of OfferReminded and StageReminded.
  template <typename E>
  void SetNextReminder(Clock clock, E& e) const;
  // Every deadline that is open, counted again by its clock as `recount` sets it; only those that move.
  using Recount = absl::FunctionRef<void(Clock& clock, int64_t end)>;
  google::protobuf::RepeatedPtrField<Event::Deadline> CountAgain(Recount recount) const;

  // --- What follows.
  void Settle();
  void SettleSearch();
  void EndStaleTasks();
  void AskForPeople();
  void AskForJudgement();
  void AskNext();
  // Does what the open stage needs; false when it has nothing more to give and the next is to be opened.
  bool CarryOnStage();
  void EnterStage(int stage);
  bool IsBusy() const;

  // --- Asking mentors.
  const Person* NextQualified() const;
  std::string MakeOffer(v1::StageKind stage, std::string_view mentor, std::string_view person, bool willing);
  void HoldNextSeat();
  void AskPerson(const Person& person);
  void Approach(const Offer& offer);
  MessageKind ApproachKind() const;
  // How long somebody has who is approached now, from when the message arrives.
  Clock ClockOfApproach() const;
  void AskAdvisers(bool site_may_be_asked);
  // In the stage that is open, who has yet to sign.
  bool SignaturesAreMissing() const;
  void ComesBack(const std::string& person, std::string_view cause);

  // --- Ending offers.
  // The offer is over: its seat is given up and its message called back if there is time.
  void EndOffer(const std::string& offer, v1::OfferState state, std::string_view cause);
  void PassOver(const std::string& offer, std::string_view cause);
  // Out of this case, whoever says so.
  void StrikeOut(const std::string& mentor);
  // Whoever was asked in confidence need not think about it any more.
  void CallOff(const Offer& offer, std::string_view cause);
  // Everything that the search has under way: live offers but the match, questions, tasks.
  void EndSearch(std::string_view cause);
  void GiveUpSeat(const Offer& offer);
  void ReleaseSeat(const std::string& seat, const std::string& offer);

  // --- The proposal, the change and the end.
  void Propose(const std::string& offer);
  // Without the candidate having been heard: back to the search.
  void EndProposal(const std::string& offer);
  absl::Status CallToCandidate(const Task& task, v1::CallOutcome outcome);
  absl::Status CallToTell(const Task& task, v1::CallOutcome outcome);
  void CandidateSaidNo(const std::string& offer);
  void Announce();
  void SetTold(MessageKind official, Announcement::Told told);
  void Complete();
  absl::Status EndWithoutMatch(Event event);
  void SendClosingNotes(bool matched);
  bool IsOwedClosingNote(const Offer& offer, bool matched) const;
  bool HeardOfTheEnd(const std::string& mentor) const;
  static bool IsNews(const Message& message, int64_t position);
  void MessageFailed(const Message& message, std::string_view cause, int64_t position, bool may_have_arrived);
  void MessageDelivered(const Message& message, int64_t position);
  void NoteFailure(const Message& message, int64_t position, bool may_have_arrived);
  void OweClosingNote(const Offer* offer);
  Announcement::Told ToldOf(MessageKind official) const;
  void AfterRecommendationFailed();

  // --- Checks.
  static absl::Status CheckGround(const Command::Close& close);
  absl::Status RequireState(v1::CaseState state) const;
  absl::Status RequireTask(v1::TaskKind kind) const;
  absl::StatusOr<const Offer*> WillingOffer(const std::string& id) const;
  // FAILED_PRECONDITION / NOT_THEIRS_TO_DECIDE for another leader than the one whom the policy gives it to.
  absl::Status RequireActor(const Leader& leader) const;

  // --- The smallest parts.
  template <typename Fill>
  void Emit(Fill fill);
  template <typename Fill>
  void Start(const std::string& offer, Fill fill);
  void SendMessage(MessageKind kind, const std::string& to, const std::string& offer, std::string_view scope, int64_t window_end = 0,
                   int32_t epoch = 0, std::string_view about = "");
  // Questions and reminders that are still on their way: of one offer, or (empty) those that are of none.
  void CallBackQuestions(const std::string& offer);
  void Disclose(const std::string& to, const std::vector<v1::Disclosure::Fact>& facts, std::string_view by);
  Task NewTask(v1::TaskKind kind, std::string_view cause = "") const;
  // `for_alternate`: the policy gives it to the alternate, while there is one.
  Task NewTaskFor(const Leader& leader, bool for_alternate, v1::TaskKind kind, std::string_view cause = "") const;
  // Of a stage that is a task: due when the stage says.
  void OpenStageTask(v1::TaskKind kind);
  void AskToJudge(const Offer& offer);
  void AskToTake(std::string_view cause = "");
  // To be tried again after a while, and not before.
  Task NewRedial(v1::TaskKind kind, std::string_view cause) const;
  void OpenTaskOnce(v1::TaskKind kind, std::string_view cause = "");
  void Open(Task task);
  void End(const Task* task);
  void EndTasks();
  void StageIsOver(std::string_view cause);
  void BeginStageWindow();
  void NamePerson(v1::StageKind stage);

  // Marks the effect as answered and returns what it was; nothing when it was answered before, or was another kind.
  std::optional<RunningEffect> Answered(const std::string& effect, std::initializer_list<Effect::KindCase> kinds);

  const Stage& stage() const;
  v1::Window OfferWindow() const;
  const Stage* IndividualStage() const;
  int64_t now() const { return ToStored(now_); }
  std::string NotificationName(const std::string& key) const;

  Case c_;
  const Command* command_;                         // what was given; later each of what had waited for the end of a pause
  const v1::EscalationPolicy* policy_;             // after a migration the new one
  const v1::EscalationPolicy* const next_policy_;  // of a migration
  const WorkingTime& time_;
  const absl::Time now_;
  Decision decision_;
  bool timers_run_ = false;
};

// ---------------------------------------------------------------------------------------------------------------------------------
// Opening and review

absl::Status Decider::Run(const Command::Open& open) {
  Violations bad;
  absl::TimeZone zone;
  if (open.name().empty()) bad.Add("name", "must not be empty");
  if (open.candidate().empty()) bad.Add("candidate", "must not be empty");
  if (open.leader().person().empty()) bad.Add("leader.person", "must not be empty");
  if (!absl::LoadTimeZone(open.time_zone(), &zone)) bad.Add("time_zone", "must be a known IANA name");
  if (!bad.empty()) return bad.ToStatus();
  // F1. Who has no mentor is helped at any time.
  if (const absl::CivilDay today = absl::ToCivilDay(now_, zone); !open.current_mentor().empty() && !TakesRequests(*policy_, today)) {
    return Refused(reason::kRequestsClosed, absl::StrCat("the program takes requests for a change again from ",
                                                         absl::FormatCivilTime(NextRequestDay(*policy_, today))));
  }

  REMATCH_ASSIGN_OR_RETURN(const Leading leading, LeadingBeside(open.current_mentor(), open.leader(), open.alternate()));
  Emit([&](Event& e) {
    Case& initial = *e.mutable_opened()->mutable_initial();
    initial.set_name(open.name());
    initial.set_candidate(open.candidate());
    initial.set_state(v1::REVIEW);
    initial.set_policy(open.policy());
    initial.set_round(1);
    initial.set_time_zone(open.time_zone());
    initial.set_calendar(open.calendar());
    *initial.mutable_need() = open.need();
    *initial.mutable_coarse_need() = open.coarse_need();
    initial.set_current_mentor(open.current_mentor());
    initial.set_replaced_assignment(open.replaced_assignment());
    *initial.mutable_leader() = open.leader();
    *initial.mutable_alternate() = leading.alternate;
    initial.set_alternate_acts(leading.alternate_acts);
    initial.set_created(now());
  });
  OpenTaskOnce(v1::REVIEW_REASONS);
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::Review& review) {
  REMATCH_RETURN_IF_ERROR(RequireState(v1::REVIEW));
  if (!review.proceed()) {
    Command::Close close;
    close.set_ground(review.ground());
    return Run(close);
  }
  Emit([&](Event& e) {
    Event::Reviewed& reviewed = *e.mutable_reviewed();
    reviewed.set_proceed(true);
    *reviewed.mutable_order() = review.order();
    *reviewed.mutable_strike() = review.strike();
  });
  End(OpenTask(c_, v1::REVIEW_REASONS));
  EnterStage(0);
  return absl::OkStatus();
}

// ---------------------------------------------------------------------------------------------------------------------------------
// What a mentor answers

absl::Status Decider::Run(const Command::Answer& answer) {
  const Offer* offer = FindOffer(c_, answer.offer());
  if (offer == nullptr) return Unknown(reason::kOfferNotFound, "the case has no such offer");
  if (HasEnded(c_) || (c_.state() == v1::ANNOUNCING && offer->state() != v1::CONFIRMED)) return absl::OkStatus();
  if (answer.epoch() != 0 && answer.epoch() != offer->epoch()) return absl::OkStatus();
  // F31: what comes after the end of a window is late, even when its timer is later still.
  RunTimers();

  const bool repeated = offer->answered() != 0 && offer->willing() == answer.willing();
  const bool names_somebody = answer.referral() && !offer->referred();
  bool counts = false;
  bool late = false;
  switch (offer->state()) {
    case v1::PREPARING:
      if (offer->mentor().empty() || IsHolding(*offer)) return Refused(reason::kOfferNotReady, "nobody has been found for this offer yet");
      counts = true;
      break;
    case v1::OPEN:
      counts = true;
      break;
    case v1::WILLING:
      counts = !repeated;
      break;
    case v1::CONFIRMED:
      // F6: until the candidate has agreed, a mentor can take their yes back.
      counts = !answer.willing();
      if (counts && c_.state() != v1::PROPOSED) {
        return Refused(reason::kOfferConfirmed, "the candidate has agreed: the leader has to be told");
      }
      break;
    case v1::EXPIRED:
    case v1::UNDELIVERABLE:
      late = !repeated;
      break;
    case v1::DECLINED:
      // F29: every willing answer is recorded. It counts while the broadcast is open, unless a seat was asked for before: that key is
      // spent.
      counts = answer.willing() && offer->seat().empty() && IsBroadcastOpen(c_, *policy_, *offer) && !IsStruck(c_, offer->mentor()) &&
               !HasLeft(c_, offer->mentor());
      late = answer.willing() && !counts && !repeated;
      break;
    default:  // cancelled or passed over
      if (!answer.willing() || repeated || offer->mentor().empty()) return absl::OkStatus();
      late = true;
      break;
  }
  if (!counts && !late && !names_somebody) return absl::OkStatus();

  const bool asked_by_phone = counts && answer.epoch() == 0 && !WasAsked(*offer);
  Emit([&](Event& e) {
    Event::OfferAnswered& answered = *e.mutable_offer_answered();
    answered.set_offer(offer->id());
    answered.set_willing(counts || late ? answer.willing() : offer->willing());
    answered.set_late(late && answer.willing());
    answered.set_referral(names_somebody);
  });
  if (asked_by_phone) Disclose(offer->mentor(), FactsIn(IsOfBroadcast(*offer) ? BROADCAST : ApproachKind()), kByCall);
  if (names_somebody) NamePerson(offer->stage());
  if (!counts) return absl::OkStatus();
  Command follows;
  follows.mutable_follow_answer()->set_offer(offer->id());
  if (c_.paused() == 0) return Run(follows.follow_answer());
  follows.set_actor_role(command_->actor_role());
  follows.set_actor(command_->actor());
  Defer(follows);
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::FollowAnswer& follow) {
  const Offer* offer = FindOffer(c_, follow.offer());
  if (offer == nullptr || offer->answered() == 0 || HasEnded(c_)) return absl::OkStatus();
  // The yes was taken back before the candidate agreed.
  if (c_.state() == v1::PROPOSED && c_.proposed_offer() == offer->id() && offer->state() == v1::DECLINED) EndProposal(offer->id());
  if (offer->state() == v1::DECLINED && (offer->seat_held() || IsHoldRunning(c_, *offer))) GiveUpSeat(*offer);
  CallBackQuestions(offer->id());
  return absl::OkStatus();
}

// ---------------------------------------------------------------------------------------------------------------------------------
// The judgement of the Leader

absl::Status Decider::Run(const Command::Confirm& confirm) {
  REMATCH_RETURN_IF_ERROR(RequireActor(ConfirmerOf(c_, *policy_)));
  if (const Offer* offer = FindOffer(c_, confirm.offer()); offer != nullptr && WaitsForJudgement(c_, *policy_, *offer)) {
    Emit([&](Event& e) { e.mutable_offer_approved()->set_offer(offer->id()); });
    return absl::OkStatus();
  }
  REMATCH_ASSIGN_OR_RETURN(const Offer* offer, WillingOffer(confirm.offer()));
  if (!offer->seat_held()) return Refused(reason::kOfferWithoutSeat, "no seat is held for this offer: choose it instead");
  if (ChosenOffer(c_) != nullptr) return Refused(reason::kMatchUnderWay, "a seat is being held for another mentor");
  Propose(confirm.offer());
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::Reject& reject) {
  REMATCH_RETURN_IF_ERROR(RequireActor(ConfirmerOf(c_, *policy_)));
  if (const Offer* offer = FindOffer(c_, reject.offer()); offer != nullptr && WaitsForJudgement(c_, *policy_, *offer)) {
    PassOver(offer->id(), cause::kRejected);  // nobody was asked, so nobody is told
    return absl::OkStatus();
  }
  REMATCH_ASSIGN_OR_RETURN(const Offer* offer, WillingOffer(reject.offer()));
  if (!offer->seat_held()) return Refused(reason::kOfferWithoutSeat, "no seat is held for this offer: there is nothing to judge yet");
  PassOver(reject.offer(), cause::kRejected);
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::OpenBroadcast& broadcast) {
  REMATCH_RETURN_IF_ERROR(RequireTask(v1::CHOOSE_BROADCAST_AUDIENCE));
  if (!broadcast.policy().empty() && (broadcast.policy() != c_.policy() || broadcast.stage() != c_.stage())) {
    return Error(absl::StatusCode::kAborted, reason::kEtagMismatch, "the case has changed since its audience was looked up");
  }
  End(OpenTask(c_, v1::CHOOSE_BROADCAST_AUDIENCE));
  Emit([&](Event& e) { e.mutable_broadcast_opened()->set_include_current_mentor(broadcast.include_current_mentor()); });
  BeginStageWindow();
  std::set<std::string> left_out(c_.struck().begin(), c_.struck().end());
  left_out.insert("");
  if (!broadcast.include_current_mentor()) left_out.insert(c_.current_mentor());
  for (const std::string& mentor : broadcast.mentors()) {
    // Whoever was asked before is asked again: they may know somebody (F9). Not whom the candidate refused (F13), nor whoever is being
    // asked in confidence right now.
    if (!left_out.insert(mentor).second || CandidateDeclined(c_, mentor) || HasLiveOffer(c_, mentor)) continue;
    if (stage().audience() == Stage::NOT_YET_ASKED && HasBeenAsked(c_, mentor)) continue;
    const std::string offer = MakeOffer(v1::BROADCAST, mentor, "", false);
    SendMessage(BROADCAST, mentor, offer, offer, c_.stage_window().end(), kFirstEpoch);
  }
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::Choose& choose) {
  REMATCH_ASSIGN_OR_RETURN(const Offer* offer, WillingOffer(choose.offer()));
  if (!IsOfBroadcast(*offer)) return Refused(reason::kOfferNotOfBroadcast, "this offer is not of a broadcast: confirm or reject it");
  if (ChosenOffer(c_) != nullptr) return Refused(reason::kMatchUnderWay, "a seat is being held for another mentor");
  if (offer->mentor() == c_.current_mentor() || IsStruck(c_, offer->mentor()) || CandidateDeclined(c_, offer->mentor())) {
    return Refused(reason::kMentorExcluded, "this mentor is out of the case");
  }
  if (offer->seat_held()) {
    Propose(choose.offer());
    return absl::OkStatus();
  }
  End(OpenTask(c_, v1::CHOOSE_AMONG_INTERESTED));
  End(OpenTask(c_, v1::TRANSFER_REFUSED));
  Emit([&](Event& e) {
    e.mutable_offer_chosen()->set_offer(offer->id());
    e.mutable_offer_chosen()->set_seat(SeatKey(c_, offer->id()));
  });
  Start(offer->id(), [&](Effect& effect) {
    effect.mutable_hold_seat()->set_seat(offer->seat());
    effect.mutable_hold_seat()->set_mentor(offer->mentor());
  });
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::PassAllOver&) {
  REMATCH_RETURN_IF_ERROR(RequireTask(v1::CHOOSE_AMONG_INTERESTED));
  End(OpenTask(c_, v1::CHOOSE_AMONG_INTERESTED));
  for (const Offer& offer : c_.offers()) {
    // They hear it when the case ends, not before (F29).
    if (IsOfBroadcast(offer) && offer.state() == v1::WILLING && offer.seat().empty())
      EndOffer(offer.id(), v1::PASSED_OVER, cause::kNotChosen);
  }
  return absl::OkStatus();
}

// ---------------------------------------------------------------------------------------------------------------------------------
// Before anybody is asked: a talk, or a request on paper

absl::Status Decider::Run(const Command::RecordMediation& mediation) {
  REMATCH_RETURN_IF_ERROR(RequireTask(v1::MEDIATE));
  switch (mediation.outcome()) {
    case v1::SETTLED:
    case v1::NOT_SETTLED:
    case v1::NOT_HELD:
      break;
    default:
      return Invalid("outcome", "must be SETTLED, NOT_SETTLED or NOT_HELD");
  }
  End(OpenTask(c_, v1::MEDIATE));
  Emit([&](Event& e) { e.mutable_mediation_recorded()->set_outcome(mediation.outcome()); });
  if (mediation.outcome() != v1::NOT_HELD) Disclose(c_.current_mentor(), {Fact::CHANGE_ASKED_FOR}, kByTalk);
  if (mediation.outcome() == v1::SETTLED) {
    Command::Close close;
    close.set_ground(v1::RESOLVED_WITHOUT_CHANGE);
    return Run(close);
  }
  StageIsOver(cause::kNotSettled);
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::RecordSignature& signature) {
  REMATCH_RETURN_IF_ERROR(RequireTask(v1::COLLECT_SIGNATURES));
  const Stage::Signer signer = signature.signer();
  const auto& wanted = stage().signers();
  const bool is_wanted = std::find(wanted.begin(), wanted.end(), signer) != wanted.end();
  if (!is_wanted || (signer == Stage::CURRENT_MENTOR && c_.current_mentor().empty())) {
    return Refused(reason::kSignatureNotWanted, "the policy does not ask for this signature");
  }
  if (HasSigned(c_, signer)) return absl::OkStatus();
  Emit([&](Event& e) {
    e.mutable_request_signed()->set_signer(signer);
    e.mutable_request_signed()->set_refused(signature.refused());
  });
  if (signer == Stage::CURRENT_MENTOR) Disclose(c_.current_mentor(), {Fact::CHANGE_ASKED_FOR}, kByPaper);
  return absl::OkStatus();
}

bool Decider::SignaturesAreMissing() const {
  return std::any_of(stage().signers().begin(), stage().signers().end(), [&](int signer) {
    if (signer == Stage::CURRENT_MENTOR && c_.current_mentor().empty()) return false;
    return !HasSigned(c_, static_cast<Stage::Signer>(signer));
  });
}

// ---------------------------------------------------------------------------------------------------------------------------------
// Recommendations

absl::Status Decider::Run(const Command::RecordConsent& consent) {
  REMATCH_RETURN_IF_ERROR(RequireTask(v1::ASK_CONSENT));
  End(OpenTask(c_, v1::ASK_CONSENT));
  Emit([&](Event& e) { e.mutable_consent_recorded()->set_given(consent.given()); });
  AskAdvisers(consent.given());
  return absl::OkStatus();
}

void Decider::AskAdvisers(bool site_may_be_asked) {
  const bool asks_site = Asks(stage(), Stage::SITE_ADMINISTRATOR);
  const bool site = asks_site && site_may_be_asked && !c_.need().site().empty();
  // Where the site is not asked consent is not asked for; a no that was given before counts all the same.
  const bool district = Asks(stage(), Stage::DISTRICT_REPRESENTATIVE) && !c_.need().district().empty() &&
                        (policy_->without_consent() == v1::EscalationPolicy::DISTRICT_ONLY ||
                         (asks_site ? site_may_be_asked : c_.consent() != CONSENT_REFUSED));
  if (!site && !district) return StageIsOver(cause::kNobodyToAsk);
  BeginStageWindow();
  const std::string scope = absl::StrCat("r", c_.round());
  const int64_t end = c_.stage_window().end();
  if (site) SendMessage(SITE_RECOMMENDATION, c_.need().site(), "", scope, end);
  if (district) SendMessage(DISTRICT_RECOMMENDATION, c_.need().district(), "", scope, end);
}

absl::Status Decider::Run(const Command::Recommend&) {
  REMATCH_RETURN_IF_ERROR(RequireState(v1::SEARCHING));
  End(OpenTask(c_, v1::RESOLVE_STUCK));
  NamePerson(stage().kind());
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::Qualify& qualify) {
  const Person* person = FindPerson(c_, qualify.person());
  if (person == nullptr) return Unknown(reason::kPersonNotFound, "nobody of that name was recommended");
  REMATCH_RETURN_IF_ERROR(RequireState(v1::SEARCHING));
  if (person->state() != v1::Person::RECOMMENDED) return Refused(reason::kPersonDecided, "this person was decided about before");
  if (qualify.fit() && !qualify.mentor().empty()) {
    if (IsExcluded(c_, qualify.mentor())) return Refused(reason::kMentorExcluded, "this mentor is out of the case");
    if (HasLiveOffer(c_, qualify.mentor())) return Refused(reason::kMentorBeingAsked, "this mentor is being asked already");
  }
  End(OpenTaskAboutPerson(c_, v1::QUALIFY_PERSON, person->id()));
  Emit([&](Event& e) {
    Event::PersonDecided& decided = *e.mutable_person_decided();
    decided.set_person(person->id());
    decided.set_state(qualify.fit() ? v1::Person::QUALIFIED : v1::Person::DISMISSED);
    if (qualify.fit()) decided.set_mentor(qualify.mentor());
  });
  if (qualify.fit() && qualify.mentor().empty()) {
    Start("", [&](Effect& effect) { effect.mutable_add_mentor()->set_person(person->id()); });
  }
  return absl::OkStatus();
}

// ---------------------------------------------------------------------------------------------------------------------------------
// The Leader as the last resort

absl::Status Decider::Run(const Command::Take&) {
  REMATCH_RETURN_IF_ERROR(RequireTask(v1::TAKE_CANDIDATE));
  if (ChosenOffer(c_) != nullptr) return Refused(reason::kMatchUnderWay, "a seat is being held for another mentor");
  const Leader& taker = TakerOf(c_, stage());
  REMATCH_RETURN_IF_ERROR(RequireActor(taker));
  const std::string mentor = taker.mentor();
  if (mentor.empty()) return Refused(reason::kLeaderHasNoMentorRecord, "the leader who is to take them has no record as a mentor");
  if (mentor == c_.current_mentor() || IsStruck(c_, mentor) || CandidateDeclined(c_, mentor)) {
    return Refused(reason::kMentorExcluded, "the leader who is to take them is out of the case as a mentor");
  }
  End(OpenTask(c_, v1::TAKE_CANDIDATE));
  const std::string offer = MakeOffer(v1::LEADER, mentor, "", /*willing=*/true);
  Start(offer, [&](Effect& effect) {
    effect.mutable_hold_seat()->set_seat(SeatKey(c_, offer));
    effect.mutable_hold_seat()->set_mentor(mentor);
  });
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::DeclineToTake&) {
  REMATCH_RETURN_IF_ERROR(RequireTask(v1::TAKE_CANDIDATE));
  REMATCH_RETURN_IF_ERROR(RequireActor(TakerOf(c_, stage())));
  End(OpenTask(c_, v1::TAKE_CANDIDATE));
  StageIsOver(cause::kLeaderDeclined);
  return absl::OkStatus();
}

// ---------------------------------------------------------------------------------------------------------------------------------
// Phone calls

absl::Status Decider::Run(const Command::RecordCall& call) {
  const Task* task = FindTask(c_, call.task());
  if (task == nullptr) return Unknown(reason::kTaskNotFound, "the case has no such task");
  if (task->ended() != 0) return Refused(reason::kTaskNotOpen, "this task has ended");
  switch (task->kind()) {
    case v1::CALL_CANDIDATE:
    case v1::FIND_NUMBER:
      return CallToCandidate(*task, call.outcome());
    case v1::TELL_BY_PHONE:
    case v1::TELL_FORMER_MENTOR:
      return CallToTell(*task, call.outcome());
    default:
      return Refused(reason::kTaskNotACall, "this task is not ended by a call");
  }
}

// F7: only a completed call goes on; an attempt comes back as a task.
absl::Status Decider::CallToCandidate(const Task& task, v1::CallOutcome outcome) {
  const std::string offer = c_.proposed_offer();
  switch (outcome) {
    case v1::AGREED:
    case v1::DECLINED_BY_CANDIDATE:
    case v1::NO_ANSWER:
    case v1::VOICEMAIL:
    case v1::WRONG_NUMBER:
      break;
    default:
      return Error(absl::StatusCode::kInvalidArgument, reason::kCallOutcomeWrong, "not an outcome of a call to the candidate");
  }
  Emit([&](Event& e) {
    e.mutable_call_recorded()->set_task(task.id());
    e.mutable_call_recorded()->set_outcome(outcome);
  });
  End(&task);
  if (outcome == v1::AGREED || outcome == v1::DECLINED_BY_CANDIDATE) Disclose(c_.candidate(), {Fact::MENTOR_IDENTITY}, kByCall);
  if (outcome == v1::AGREED) {
    Emit([&](Event& e) { e.mutable_transfer_started()->set_offer(offer); });
    Start(offer, [&](Effect& effect) {
      effect.mutable_transfer()->set_seat(FindOffer(c_, offer)->seat());
      effect.mutable_transfer()->set_replaces(c_.replaced_assignment());
    });
  } else if (outcome == v1::DECLINED_BY_CANDIDATE) {
    CandidateSaidNo(offer);
  } else if (outcome == v1::WRONG_NUMBER) {
    Task again = NewTask(v1::FIND_NUMBER, cause::kWrongNumber);
    again.set_offer(offer);
    Open(std::move(again));
  } else {
    Task again = NewRedial(v1::CALL_CANDIDATE, outcome == v1::NO_ANSWER ? cause::kNoAnswer : cause::kVoicemail);
    again.set_offer(offer);
    Open(std::move(again));
  }
  return absl::OkStatus();
}

// F13: the mentor is out of the case, is told nothing of why, and the search goes on in the same stage.
void Decider::CandidateSaidNo(const std::string& offer) {
  Emit([&](Event& e) { e.mutable_proposal_ended()->set_offer(offer); });
  PassOver(offer, cause::kCandidateDeclined);
  // Unless the case was moved to another stage meanwhile.
  if (IsTake(*FindOffer(c_, offer)) && stage().kind() == v1::LEADER) StageIsOver(cause::kCandidateDeclined);
}

absl::Status Decider::CallToTell(const Task& task, v1::CallOutcome outcome) {
  std::string_view missed;
  switch (outcome) {
    case v1::TOLD:
      break;
    case v1::NO_ANSWER:
      missed = cause::kNoAnswer;
      break;
    case v1::VOICEMAIL:
      missed = cause::kVoicemail;
      break;
    case v1::WRONG_NUMBER:
      missed = cause::kWrongNumber;
      break;
    default:
      return Error(absl::StatusCode::kInvalidArgument, reason::kCallOutcomeWrong, "not an outcome of a call that tells somebody");
  }
  Emit([&](Event& e) {
    e.mutable_call_recorded()->set_task(task.id());
    e.mutable_call_recorded()->set_outcome(outcome);
  });
  End(&task);
  if (!missed.empty()) {
    Task again = NewRedial(task.kind(), missed);
    again.set_offer(task.offer());
    again.set_about(task.about());
    Open(std::move(again));
  } else if (task.kind() == v1::TELL_FORMER_MENTOR) {
    Emit([](Event& e) { e.mutable_former_mentor_told(); });
    Disclose(c_.current_mentor(), FactsIn(FORMER_MENTOR_NOTE), kByCall);
  } else if (task.about() == c_.candidate()) {
    SetTold(OFFICIAL_CANDIDATE, Announcement::BY_PHONE);
    Disclose(task.about(), FactsIn(OFFICIAL_CANDIDATE), kByCall);
  } else {
    SetTold(OFFICIAL_MENTOR, Announcement::BY_PHONE);
    Disclose(task.about(), FactsIn(OFFICIAL_MENTOR), kByCall);
  }
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::SendClosingNote&) {
  REMATCH_RETURN_IF_ERROR(RequireTask(v1::TELL_FORMER_MENTOR));
  End(OpenTask(c_, v1::TELL_FORMER_MENTOR));
  SendMessage(FORMER_MENTOR_NOTE, c_.current_mentor(), "", c_.proposed_offer());
  return absl::OkStatus();
}

// ---------------------------------------------------------------------------------------------------------------------------------
// Beginning again, and ending without a change

absl::Status Decider::Run(const Command::RestartSearch& restart) {
  REMATCH_RETURN_IF_ERROR(RequireState(v1::SEARCHING));
  int stage = 0;
  if (!restart.stage_id().empty()) {
    stage = FindStage(*policy_, restart.stage_id());
  } else if (restart.stage() != v1::STAGE_KIND_UNSPECIFIED) {
    while (stage < policy_->stages_size() && policy_->stages(stage).kind() != restart.stage()) ++stage;
  }
  if (stage == policy_->stages_size()) return Refused(reason::kStageNotInPolicy, "the policy of this case has no such stage");
  EndSearch(cause::kSearchRestarted);
  Emit([&](Event& e) {
    e.mutable_search_restarted()->set_stage(policy_->stages(stage).kind());
    e.mutable_search_restarted()->set_round(c_.round() + 1);
  });
  EnterStage(stage);
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::SkipStage&) {
  REMATCH_RETURN_IF_ERROR(RequireState(v1::SEARCHING));
  if (c_.stage() >= policy_->stages_size()) return Refused(reason::kWrongState, "there is no stage to skip");
  Emit([&](Event& e) { e.mutable_stage_skipped()->set_stage(stage().kind()); });
  for (const Offer& offer : c_.offers()) {
    if (IsIndividual(offer) && IsLive(offer)) CallOff(offer, cause::kStageSkipped);
  }
  EndSearch(cause::kStageSkipped);
  if (c_.stage() + 1 < policy_->stages_size()) {
    EnterStage(c_.stage() + 1);
  } else {
    StageIsOver(cause::kStageSkipped);
  }
  return absl::OkStatus();
}

// The mentor is out of the case, whatever they have answered.
absl::Status Decider::Run(const Command::Strike& strike) {
  if (c_.state() != v1::PROPOSED) REMATCH_RETURN_IF_ERROR(RequireState(v1::SEARCHING));
  StrikeOut(strike.mentor());
  return absl::OkStatus();
}

void Decider::StrikeOut(const std::string& mentor) {
  if (mentor == c_.current_mentor() || IsStruck(c_, mentor) || c_.state() == v1::ANNOUNCING) return;
  Emit([&](Event& e) { e.mutable_mentor_struck()->set_mentor(mentor); });
  // Once the candidate has agreed, mentor-service judges the change itself.
  if (c_.state() != v1::SEARCHING && c_.state() != v1::PROPOSED) return;
  for (const Offer& offer : c_.offers()) {
    if (offer.mentor() != mentor || !IsLive(offer)) continue;
    if (offer.state() == v1::CONFIRMED) EndProposal(offer.id());
    if (IsIndividual(offer)) {
      CallOff(offer, cause::kStruck);
    } else {
      // Of a broadcast: whoever was willing hears it when the case ends (F29).
      EndOffer(offer.id(), offer.willing() ? v1::PASSED_OVER : v1::CANCELLED, cause::kNotChosen);
    }
  }
}

// F31: a yes that came late counts, once a seat is held again; the match is then judged like any other.
absl::Status Decider::Run(const Command::Revive& revive) {
  const Offer* offer = FindOffer(c_, revive.offer());
  if (offer == nullptr) return Unknown(reason::kOfferNotFound, "the case has no such offer");
  REMATCH_RETURN_IF_ERROR(RequireState(v1::SEARCHING));
  const bool over = offer->state() == v1::EXPIRED || offer->state() == v1::UNDELIVERABLE;
  if (!over || !offer->willing()) return Refused(reason::kOfferNotLate, "this offer has no yes that came too late");
  if (IsExcluded(c_, offer->mentor())) return Refused(reason::kMentorExcluded, "this mentor is out of the case");
  if (LiveIndividualOffer(c_) != nullptr || HasLiveOffer(c_, offer->mentor())) {
    return Refused(reason::kMentorBeingAsked, "a mentor is being asked: wait for the answer, or skip the stage");
  }
  if (ChosenOffer(c_) != nullptr) return Refused(reason::kMatchUnderWay, "a seat is being held for another mentor");
  // Until it has come back, its mentor may look full.
  if (IsSeatComingBack(c_, offer->mentor())) return Refused(reason::kOfferNotReady, "their seat is still being given back");
  End(OpenTask(c_, v1::RESOLVE_STUCK));
  Emit([&](Event& e) {
    e.mutable_offer_revived()->set_offer(offer->id());
    // The first key is spent, and so is that of any earlier revival.
    e.mutable_offer_revived()->set_seat(absl::StrCat(SeatKey(c_, offer->id()), ".", offer->revivals() + 2));
  });
  Start(offer->id(), [&](Effect& effect) {
    effect.mutable_hold_seat()->set_seat(offer->seat());
    effect.mutable_hold_seat()->set_mentor(offer->mentor());
  });
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::Snooze& snooze) {
  const Task* task = FindTask(c_, snooze.task());
  if (task == nullptr) return Unknown(reason::kTaskNotFound, "the case has no such task");
  if (task->ended() != 0) return Refused(reason::kTaskNotOpen, "this task has ended");
  REMATCH_RETURN_IF_ERROR(CheckSnooze(snooze.until(), now_));
  Emit([&](Event& e) {
    e.mutable_task_snoozed()->set_task(task->id());
    e.mutable_task_snoozed()->set_until(snooze.until());
    e.mutable_task_snoozed()->set_ends_redial(true);
  });
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::ReplaceLeader& replace) {
  if (replace.leader().person().empty()) return Invalid("leader.person", "must not be empty");
  const bool has_task = std::any_of(c_.tasks().begin(), c_.tasks().end(), [](const Task& task) { return task.ended() == 0; });
  if (HasEnded(c_) && !has_task) return Refused(reason::kCaseEnded, "the case has ended");
  REMATCH_ASSIGN_OR_RETURN(const Leading leading, LeadingBeside(c_.current_mentor(), replace.leader(), replace.alternate()));
  const auto same = [](const Leader& a, const Leader& b) { return a.person() == b.person() && a.mentor() == b.mentor(); };
  if (same(replace.leader(), c_.leader()) && same(leading.alternate, c_.alternate()) && leading.alternate_acts == c_.alternate_acts()) {
    return absl::OkStatus();
  }
  Emit([&](Event& e) {
    Event::LeaderReplaced& replaced = *e.mutable_leader_replaced();
    *replaced.mutable_leader() = replace.leader();
    *replaced.mutable_alternate() = leading.alternate;
    replaced.set_alternate_acts(leading.alternate_acts);
  });
  return absl::OkStatus();
}

// F15. What runs goes on as it was begun: windows that people were told of end when they were told. Only what begins later goes by the new
// policy.
absl::Status Decider::Run(const Command::Migrate& migrate) {
  if (next_policy_ == nullptr) return Invalid("policy", "must be a version that is there");
  if (HasEnded(c_)) return Refused(reason::kCaseEnded, "the case has ended");
  if (c_.state() == v1::TRANSFERRING || c_.state() == v1::ANNOUNCING) {
    return Refused(reason::kChangeUnderWay, "the candidate has agreed, and the change is under way");
  }
  const bool begun = c_.state() != v1::REVIEW;
  const std::string here = begun ? StageId(stage()) : "";
  if (!begun && !migrate.stage_id().empty())
    return Refused(reason::kWrongState, "the search has not begun: it begins with the first stage");
  const std::string& there = migrate.stage_id().empty() ? here : migrate.stage_id();
  const int next = begun ? FindStage(*next_policy_, there) : 0;
  if (next == next_policy_->stages_size()) {
    return Refused(reason::kStageNotInPolicy, absl::StrCat("the other policy has no stage ", there, ": say in which the case goes on"));
  }
  const bool moved = begun && (there != here || next_policy_->stages(next).kind() != stage().kind());
  if (moved && migrate.stage_id().empty()) {
    return Refused(reason::kStageNotInPolicy,
                   absl::StrCat("in the other policy stage ", there, " is of another kind: say in which the case goes on"));
  }
  if (migrate.policy() == c_.policy() && !moved) return absl::OkStatus();
  // What was due by then was due by the old one.
  RunTimers();
  if (moved) {
    // Whoever is being proposed stays so.
    for (const Offer& offer : c_.offers()) {
      if (!IsLive(offer) || offer.id() == c_.proposed_offer()) continue;
      if (IsIndividual(offer)) {
        CallOff(offer, cause::kStageSkipped);
      } else {
        EndOffer(offer.id(), v1::CANCELLED, cause::kPolicyChanged);
      }
    }
    CallBackQuestions("");
    if (c_.state() == v1::SEARCHING) EndTasks();
  }
  // The new policy may know of more that can be tried, and may give what is to be decided to another leader.
  for (const Task& task : c_.tasks()) {
    const bool stuck = task.kind() == v1::RESOLVE_STUCK && task.cause().empty();
    if (task.ended() == 0 && (stuck || task.kind() == v1::CONFIRM_MATCH || task.kind() == v1::TAKE_CANDIDATE)) End(&task);
  }
  Emit([&](Event& e) {
    Event::Migrated& migrated = *e.mutable_migrated();
    migrated.set_policy(migrate.policy());
    migrated.set_stage(next);
    migrated.set_stage_id(StageId(next_policy_->stages(next)));
    migrated.set_moved(moved);
    if (migrate.has_coarse_need()) *migrated.mutable_coarse_need() = migrate.coarse_need();
  });
  policy_ = next_policy_;
  if (moved && c_.state() == v1::SEARCHING) EnterStage(next);
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::Withdraw&) {
  Event event;
  event.mutable_withdrawn();
  return EndWithoutMatch(std::move(event));
}

absl::Status Decider::CheckGround(const Command::Close& close) {
  if (!v1::CloseGround_IsValid(close.ground()) || close.ground() == v1::CLOSE_GROUND_UNSPECIFIED) {
    return Invalid("ground", "must say why the case is closed");
  }
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::Close& close) {
  REMATCH_RETURN_IF_ERROR(CheckGround(close));
  Event event;
  event.mutable_closed()->set_ground(close.ground());
  return EndWithoutMatch(std::move(event));
}

absl::Status Decider::EndWithoutMatch(Event event) {
  if (HasEnded(c_)) return Refused(reason::kCaseEnded, "the case has ended");
  if (c_.state() == v1::TRANSFERRING || c_.state() == v1::ANNOUNCING) {
    return Refused(reason::kChangeUnderWay, "the candidate has agreed, and the change is under way");
  }
  EndSearch(cause::kCaseEnded);
  Emit([&](Event& e) { e = std::move(event); });
  SendClosingNotes(/*matched=*/false);
  return absl::OkStatus();
}

// ---------------------------------------------------------------------------------------------------------------------------------
// The pause (F44): nothing is begun. What is reported waits, in its order; mentors' answers are recorded, and what follows from them waits.

absl::Status Decider::Run(const Command::Pause&) {
  if (HasEnded(c_)) return Refused(reason::kCaseEnded, "the case has ended");
  // What was due before is not stopped by a timer that is late.
  RunTimers();
  Emit([](Event& e) { e.mutable_paused(); });
  Open(NewTask(v1::RESUME_CASE));  // F11: it is in somebody's list
  return absl::OkStatus();
}

absl::Status Decider::Run(const Command::Resume&) { return Refused(reason::kCaseNotPaused, "the case is not paused"); }

absl::Status Decider::DecidePaused() {
  switch (command_->kind_case()) {
    case Command::kDue:
      return absl::OkStatus();
    case Command::kAnswer:
    case Command::kReplaceLeader:
    case Command::kSnooze:
    case Command::kCalendarChanged:
      return RunCommand();
    case Command::kResume:
      TakeUp();
      return absl::OkStatus();
    case Command::kWithdraw:
    case Command::kClose:
      if (command_->has_close()) REMATCH_RETURN_IF_ERROR(CheckGround(command_->close()));
      TakeUp();
      return RunCommand();
    default:
      break;
  }
  if (!IsFact(*command_)) return Refused(reason::kCasePaused, "the case is paused: resume it first");
  Defer(*command_);
  return absl::OkStatus();
}

void Decider::Defer(const Command& fact) {
  // What is reported again says nothing new. An assignment may change to what it was before: only the last report counts.
  const std::string bytes = fact.SerializeAsString();
  for (int i = c_.deferred_size() - 1; i >= 0; --i) {
    if (c_.deferred(i).SerializeAsString() == bytes) return;
    if (fact.has_assignment_changed() && c_.deferred(i).has_assignment_changed()) break;
  }
  Emit([&](Event& e) { *e.mutable_fact_deferred()->mutable_fact() = fact; });
}

void Decider::TakeUp() {
  const std::vector<Command> waited(c_.deferred().begin(), c_.deferred().end());
  End(OpenTask(c_, v1::RESUME_CASE));
  // As much is left of each as was when the clocks stopped.
  const auto go_on = [&](Clock& clock, int64_t end) {
    const absl::Duration left = time_.Left(FromStored(c_.paused()), FromStored(end), clock.window().unit());
    clock.set_left(absl::ToInt64Microseconds(left));
    clock.set_from(now());
  };
  Emit([&](Event& e) { *e.mutable_resumed()->mutable_deadlines() = CountAgain(go_on); });
  const Command* const given = command_;
  for (const Command& fact : waited) {
    command_ = &fact;
    RunCommand().IgnoreError();  // facts are never refused
  }
  command_ = given;
}

// ---------------------------------------------------------------------------------------------------------------------------------
// Deadlines: ends of windows, reminders and due times, each with the clock that it is counted by (F37)

Clock Decider::StartClock(const v1::Window& window, const Reminders& reminders) const {
  Clock clock;
  clock.set_from(now());
  *clock.mutable_window() = window;
  *clock.mutable_reminders() = reminders;
  clock.set_end(ToStored(EndOf(clock)));
  return clock;
}

// From before deadlines had clocks, or moved by a replica of then: they counted Monday to Friday.
Clock Decider::ClockOf(const Clock& kept, int64_t end, int64_t began, const v1::Window& window) const {
  if (kept.from() != 0 && kept.end() == end) return kept;
  absl::TimeZone zone = absl::UTCTimeZone();
  absl::LoadTimeZone(c_.time_zone(), &zone);
  const WorkingTime before(zone);
  Clock clock;
  *clock.mutable_window() = window;
  clock.set_from(began);
  if (ToStored(before.EndOfWindow(FromStored(began), window)) != end) {
    clock.set_from(std::min(now(), end));
    clock.set_left(absl::ToInt64Microseconds(before.Left(now_, FromStored(end), window.unit())));
  }
  return clock;
}

Clock Decider::ClockOf(const Clock& kept, int64_t end, int64_t began, const Stage& stage, int64_t remind_at) const {
  Clock clock = ClockOf(kept, end, began, stage.has_window() ? stage.window() : policy_->task_due_after());
  if (remind_at == 0) {
    clock.clear_reminders();
  } else if (kept.from() == 0) {
    *clock.mutable_reminders() = stage.remind_before();
  }
  return clock;
}

absl::Time Decider::EndOf(const Clock& clock) const {
  const absl::Time from = FromStored(clock.from());
  return clock.has_left() ? time_.After(from, absl::Microseconds(clock.left()), clock.window().unit())
                          : time_.EndOfWindow(from, clock.window());
}

int64_t Decider::RemindAt(const Clock& clock) const {
  if (clock.reminders().empty()) return 0;
  return ToStored(time_.BeforeEnd(FromStored(clock.from()), FromStored(clock.end()), clock.reminders(0)));
}

template <typename E>
void Decider::SetNextReminder(Clock clock, E& e) const {
  // What is late along with it has been said.
  do {
    if (clock.reminders_size() > 0) clock.mutable_reminders()->DeleteSubrange(0, 1);
    e.set_remind_at(RemindAt(clock));
  } while (e.remind_at() != 0 && e.remind_at() <= now());
  e.set_still(clock.reminders_size());
}

google::protobuf::RepeatedPtrField<Event::Deadline> Decider::CountAgain(Recount recount) const {
  google::protobuf::RepeatedPtrField<Event::Deadline> moved;
  const auto count = [&](const std::string& id, Clock clock, int64_t was, int64_t not_before) {
    recount(clock, was);
    clock.set_end(std::max(ToStored(EndOf(clock)), not_before));
    Event::Deadline deadline;
    deadline.set_id(id);
    deadline.set_end(clock.end());
    deadline.set_remind_at(RemindAt(clock));
    *deadline.mutable_clock() = std::move(clock);
    return deadline;
  };
  const auto add = [&](Event::Deadline deadline, int64_t was, int64_t was_reminded_at) {
    if (deadline.end() != was || deadline.remind_at() != was_reminded_at) *moved.Add() = std::move(deadline);
  };
  // A window that would have ended already ends now, or has nothing left when the pause ends. In a case that has ended none runs.
  const int64_t earliest = c_.paused() != 0 ? c_.paused() : now();
  const StageWindow& window = c_.stage_window();
  int64_t end_of_stage = window.end();
  if (!HasEnded(c_) && !window.over() && window.end() != 0) {
    const Event::Deadline deadline =
        count("", ClockOf(window.clock(), window.end(), window.opened(), stage(), window.remind_at()), window.end(), earliest);
    end_of_stage = deadline.end();
    add(deadline, window.end(), window.remind_at());
  }
  const Stage* individual = IndividualStage();
  for (const Offer& offer : c_.offers()) {
    if (HasEnded(c_) || offer.state() != v1::OPEN || offer.window_end() == 0) continue;
    if (IsOfBroadcast(offer)) {
      // Its clock and its reminders are the stage's.
      Event::Deadline deadline;
      deadline.set_id(offer.id());
      deadline.set_end(end_of_stage);
      add(std::move(deadline), offer.window_end(), offer.remind_at());
      continue;
    }
    const Stage& by = individual != nullptr ? *individual : stage();
    add(count(offer.id(), ClockOf(offer.clock(), offer.window_end(), offer.opened(), by, offer.remind_at()), offer.window_end(), earliest),
        offer.window_end(), offer.remind_at());
  }
  for (const Task& task : c_.tasks()) {
    if (task.ended() != 0 || task.due() == 0) continue;
    // What somebody put off stays where they put it.
    if (!task.redial() && task.not_before() == task.due()) continue;
    Event::Deadline deadline =
        count(task.id(), ClockOf(task.clock(), task.due(), task.created(), policy_->task_due_after()), task.due(), 0);
    deadline.set_remind_at(task.redial() ? deadline.end() : task.not_before());
    add(std::move(deadline), task.due(), task.not_before());
  }
  return moved;
}

// ---------------------------------------------------------------------------------------------------------------------------------
// What the roster's feed reports (F33)

absl::Status Decider::Run(const Command::MentorLeft& left) {
  if (HasEnded(c_) || HasLeft(c_, left.mentor()) || !MayConcern(c_, left.mentor())) return absl::OkStatus();
  Emit([&](Event& e) { e.mutable_mentor_gone()->set_mentor(left.mentor()); });
  // Once the candidate has agreed, mentor-service judges the change itself.
  if (c_.state() != v1::SEARCHING && c_.state() != v1::PROPOSED) return absl::OkStatus();
  for (const Offer& offer : c_.offers()) {
    if (offer.mentor() != left.mentor() || !IsLive(offer)) continue;
    if (offer.state() == v1::CONFIRMED) EndProposal(offer.id());
    EndOffer(offer.id(), v1::CANCELLED, cause::kMentorLeft);
  }
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
  Emit([&](Event& e) {
    e.mutable_current_mentor_changed()->set_assignment(changed.assignment());
    e.mutable_current_mentor_changed()->set_mentor(changed.mentor());
  });
  // Who has become their mentor is not to be asked to become it.
  for (const Offer& offer : c_.offers()) {
    if (offer.mentor() != changed.mentor() || changed.mentor().empty() || !IsLive(offer)) continue;
    if (offer.state() == v1::CONFIRMED) EndProposal(offer.id());
    EndOffer(offer.id(), v1::CANCELLED, cause::kMentorExcluded);
  }
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
    if (WaitsForJudgement(c_, *policy_, *live)) return AskToJudge(*live);
    Approach(*live);
    return;
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

// ---------------------------------------------------------------------------------------------------------------------------------
// Checks

absl::Status Decider::RequireState(v1::CaseState state) const {
  if (c_.state() == state) return absl::OkStatus();
  if (HasEnded(c_)) return Refused(reason::kCaseEnded, "the case has ended");
  if (c_.state() == v1::TRANSFERRING || c_.state() == v1::ANNOUNCING) {
    return Refused(reason::kChangeUnderWay, "the candidate has agreed, and the change is under way");
  }
  return Refused(reason::kWrongState, absl::StrCat("the case is in ", v1::CaseState_Name(c_.state())));
}

absl::Status Decider::RequireTask(v1::TaskKind kind) const {
  if (OpenTask(c_, kind) != nullptr) return absl::OkStatus();
  if (kind != v1::TELL_FORMER_MENTOR) REMATCH_RETURN_IF_ERROR(RequireState(v1::SEARCHING));
  return Refused(reason::kTaskNotOpen, absl::StrCat("the case has no open task ", v1::TaskKind_Name(kind)));
}

absl::StatusOr<const Offer*> Decider::WillingOffer(const std::string& id) const {
  const Offer* offer = FindOffer(c_, id);
  if (offer == nullptr) return Unknown(reason::kOfferNotFound, "the case has no such offer");
  REMATCH_RETURN_IF_ERROR(RequireState(v1::SEARCHING));
  if (offer->state() != v1::WILLING) {
    return Refused(reason::kOfferNotWilling, absl::StrCat("the offer is ", v1::OfferState_Name(offer->state())));
  }
  return offer;
}

absl::Status Decider::RequireActor(const Leader& leader) const {
  // Who may touch the case at all is decided before; a command without an actor is nobody's in particular.
  const bool is_other_leader =
      command_->actor() != leader.person() && (command_->actor() == c_.leader().person() || command_->actor() == c_.alternate().person());
  if (command_->actor().empty() || !is_other_leader) return absl::OkStatus();
  return Refused(reason::kNotTheirsToDecide, "the policy of this case gives this to the other leader");
}

// ---------------------------------------------------------------------------------------------------------------------------------
// The smallest parts

// Writes down what happened, and makes it so: every later line of the step sees it.
template <typename Fill>
void Decider::Emit(Fill fill) {
  Event event;
  fill(event);
  event.set_time(now());
  if (timers_run_) {
    event.set_actor_role("TIMER");  // whoever's command came just then
  } else {
    event.set_actor_role(command_->actor_role());
    event.set_actor(command_->actor());
  }
  Fold(c_, event);
  decision_.events.push_back(std::move(event));
}

template <typename Fill>
void Decider::Start(const std::string& offer, Fill fill) {
  Effect effect;
  fill(effect);
  effect.set_id(absl::StrCat("e", c_.next_id() + 1));
  effect.set_offer(offer);
  Emit([&](Event& e) {
    RunningEffect& running = *e.mutable_effect_started()->mutable_effect();
    running.set_id(effect.id());
    running.set_offer(offer);
    running.set_kind(effect.kind_case());
    running.set_person(effect.add_mentor().person());
    running.set_message(effect.has_send() ? effect.send().message() : effect.cancel_send().message());
  });
  decision_.effects.push_back(std::move(effect));
}

// The key is `{case}.{scope}.{kind}`; a second one of its kind says so, since the same key would be the same message.
void Decider::SendMessage(MessageKind kind, const std::string& to, const std::string& offer, std::string_view scope, int64_t window_end,
                          int32_t epoch, std::string_view about) {
  std::string word = MessageKind_Name(kind);
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  const std::string base = absl::StrCat(CaseId(c_), ".", ToAbsl(scope), ".", word);
  std::string key = base;
  for (int n = 2; FindMessage(c_, key) != nullptr; ++n) key = absl::StrCat(base, ".", n);
  Emit([&](Event& e) {
    Message& message = *e.mutable_message_made()->mutable_message();
    message.set_key(key);
    message.set_kind(kind);
    message.set_to(to);
    message.set_offer(offer);
    if (kind == FIRST_APPROACH || kind == NAMED_APPROACH) *e.mutable_message_made()->mutable_told() = ClockOfApproach();
  });
  Start(offer, [&](Effect& effect) {
    Effect::Send& send = *effect.mutable_send();
    send.set_message(key);
    send.set_kind(kind);
    send.set_to(to);
    send.set_window_end(window_end);
    send.set_epoch(epoch);
    send.set_about(std::string(about));
  });
}

void Decider::CallBackQuestions(const std::string& offer) {
  for (const Message& message : c_.messages()) {
    if (message.offer() != offer || message.state() != Message::ON_ITS_WAY || !IsQuestion(message.kind())) continue;
    const bool called_back = std::any_of(c_.running().begin(), c_.running().end(), [&](const RunningEffect& effect) {
      return effect.kind() == Effect::kCancelSend && effect.message() == message.key();
    });
    if (!called_back) Start(offer, [&](Effect& effect) { effect.mutable_cancel_send()->set_message(message.key()); });
  }
}

// F24.
void Decider::Disclose(const std::string& to, const std::vector<v1::Disclosure::Fact>& facts, std::string_view by) {
  if (facts.empty()) return;
  Emit([&](Event& e) {
    v1::Disclosure& disclosure = *e.mutable_disclosed()->mutable_disclosure();
    *disclosure.mutable_time() = platform::ToTimestamp(now_);
    disclosure.set_to(to);
    for (const v1::Disclosure::Fact fact : facts) disclosure.add_facts(fact);
    disclosure.set_by(std::string(by));
  });
}

Task Decider::NewTask(v1::TaskKind kind, std::string_view cause) const { return NewTaskFor(ActingLeader(c_), false, kind, cause); }

Task Decider::NewTaskFor(const Leader& leader, bool for_alternate, v1::TaskKind kind, std::string_view cause) const {
  Task task;
  task.set_kind(kind);
  task.set_owner(leader.person());
  task.set_for_alternate(for_alternate);
  task.set_created(now());
  *task.mutable_clock() = StartClock(policy_->task_due_after());
  task.set_due(task.clock().end());
  task.set_cause(std::string(cause));
  return task;
}

void Decider::OpenStageTask(v1::TaskKind kind) {
  if (OpenTask(c_, kind) != nullptr) return;
  Task task = NewTask(kind);
  if (stage().has_window()) *task.mutable_clock() = StartClock(stage().window());
  task.set_due(task.clock().end());
  Open(std::move(task));
}

// Of whom the stage gives it to, if they are there.
void Decider::AskToTake(std::string_view cause) {
  const Leader& taker = TakerOf(c_, stage());
  if (taker.person().empty() || OpenTask(c_, v1::TAKE_CANDIDATE) != nullptr) return;
  Open(NewTaskFor(taker, stage().taker() == Stage::ALTERNATE_LEADER, v1::TAKE_CANDIDATE, cause));
}

void Decider::AskToJudge(const Offer& offer) {
  if (OpenTaskAboutOffer(c_, v1::CONFIRM_MATCH, offer.id()) != nullptr) return;
  const bool for_alternate = policy_->confirmation().who() == v1::EscalationPolicy::Confirmation::ALTERNATE;
  Task task = NewTaskFor(ConfirmerOf(c_, *policy_), for_alternate, v1::CONFIRM_MATCH);
  task.set_offer(offer.id());
  Open(std::move(task));
}

Task Decider::NewRedial(v1::TaskKind kind, std::string_view cause) const {
  Task task = NewTask(kind, cause);
  *task.mutable_clock() = StartClock(policy_->redial_after());
  task.set_due(task.clock().end());
  task.set_not_before(task.due());
  task.set_redial(true);
  return task;
}

void Decider::OpenTaskOnce(v1::TaskKind kind, std::string_view cause) {
  if (OpenTask(c_, kind) == nullptr) Open(NewTask(kind, cause));
}

void Decider::Open(Task task) {
  task.set_id(absl::StrCat("t", c_.tasks_size() + 1));
  Emit([&](Event& e) { *e.mutable_task_opened()->mutable_task() = std::move(task); });
}

void Decider::End(const Task* task) {
  if (task == nullptr) return;
  Emit([&](Event& e) { e.mutable_task_ended()->set_task(task->id()); });
}

void Decider::EndTasks() {
  for (const Task& task : c_.tasks()) {
    if (task.ended() == 0) End(&task);
  }
}

void Decider::StageIsOver(std::string_view cause) {
  Emit([&](Event& e) { e.mutable_stage_exhausted()->set_cause(std::string(cause)); });
}

void Decider::BeginStageWindow() {
  Emit([&](Event& e) {
    Event::StageWindowBegan& window = *e.mutable_stage_window_began();
    *window.mutable_clock() = StartClock(stage().window(), stage().remind_before());
    window.set_end(window.clock().end());
    window.set_remind_at(RemindAt(window.clock()));
    window.set_messages_before(c_.messages_size());
    window.set_people_before(c_.people_size());
    window.set_offers_before(c_.offers_size());
  });
}

// Their contact stands beside the case, under this id.
void Decider::NamePerson(v1::StageKind stage) {
  Emit([&](Event& e) {
    Person& person = *e.mutable_person_named()->mutable_person();
    person.set_id(absl::StrCat("p", c_.people_size() + 1));
    person.set_stage(stage);
    person.set_state(v1::Person::RECOMMENDED);
    person.set_round(c_.round());
  });
}

std::optional<RunningEffect> Decider::Answered(const std::string& effect, std::initializer_list<Effect::KindCase> kinds) {
  const RunningEffect* running = FindRunning(c_, effect);
  if (running == nullptr || std::find(kinds.begin(), kinds.end(), running->kind()) == kinds.end()) return std::nullopt;
  RunningEffect found = *running;
  Emit([&](Event& e) { e.mutable_effect_answered()->set_effect(effect); });
  return found;
}

const Stage& Decider::stage() const {
  return c_.stage() >= 0 && c_.stage() < policy_->stages_size() ? policy_->stages(c_.stage()) : Stage::default_instance();
}

// The one that says how long somebody has who is asked individually, wherever the case is.
const Stage* Decider::IndividualStage() const {
  if (stage().kind() == v1::INDIVIDUAL) return &stage();
  for (const Stage& stage : policy_->stages()) {
    if (stage.kind() == v1::INDIVIDUAL) return &stage;
  }
  return nullptr;
}

// For one mentor who is asked: as in the individual stage, in whichever stage they came up.
v1::Window Decider::OfferWindow() const {
  const Stage* individual = IndividualStage();
  if (individual != nullptr && individual->has_window()) return individual->window();
  return stage().has_window() ? stage().window() : policy_->task_due_after();
}

std::string Decider::NotificationName(const std::string& key) const {
  const std::vector<std::string> parts = absl::StrSplit(c_.name(), absl::MaxSplits('/', 2));
  return absl::StrCat(parts[0], "/", parts.size() > 1 ? parts[1] : "", "/notifications/", key);
}

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

}  // namespace

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
