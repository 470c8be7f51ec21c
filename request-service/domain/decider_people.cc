// What people do in a case, in the order in which it goes through it: each step is a function that reads like the policy. A step says what
// happened; what follows from it is Settle's (decider_course.cc).
#include "request-service/domain/decider.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "platform/errors.h"
#include "request-service/domain/case_view.h"
#include "request-service/domain/causes.h"
#include "request-service/domain/policy.h"
#include "request-service/domain/reasons.h"

namespace rematch::request {

namespace {

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

}  // namespace

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
               !HasLeft(c_, offer->mentor()) && offer->mentor() != c_.current_mentor();
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
  for (const std::string& mentor : broadcast.mentors()) {
    // Who is experienced the roster has said. Nobody is asked who is being asked in confidence right now, or is in the list twice.
    if (mentor.empty() || HasLiveOffer(c_, mentor)) continue;
    if (!IsInAudience(c_, stage(), {.mentor = mentor}, broadcast.include_current_mentor())) continue;
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
  EndOffersOfStruck(mentor);
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

}  // namespace rematch::request
