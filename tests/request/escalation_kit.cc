#include "tests/request/escalation_kit.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "platform/strings.h"
#include "request-service/domain/policy.h"

namespace rematch::request {
namespace {

v1::Window Seconds(int amount) {
  v1::Window window;
  window.set_amount(amount);
  window.set_unit(v1::Window::SECONDS);
  return window;
}

Command By(std::string_view role, std::string_view person = "") {
  Command command;
  command.set_actor_role(std::string(role));
  command.set_actor(std::string(person));
  return command;
}

Command ByLeader(std::string_view person) { return By("PROGRAM_LEADER", person); }
Command ByPeer() { return By("PEER"); }

std::string ShortName(const std::string& name) { return name.substr(name.rfind('/') + 1); }

// Which tasks may stand open in which state.
bool Fits(v1::TaskKind kind, v1::CaseState state) {
  switch (kind) {
    case v1::REVIEW_REASONS:
      return state == v1::REVIEW;
    case v1::CALL_CANDIDATE:
    case v1::FIND_NUMBER:
      return state == v1::PROPOSED;
    case v1::TELL_BY_PHONE:
      return state == v1::ANNOUNCING || state == v1::COMPLETED;
    case v1::TELL_FORMER_MENTOR:
      return state == v1::COMPLETED;
    case v1::RESUME_CASE:
      return state != v1::COMPLETED && state != v1::WITHDRAWN && state != v1::CLOSED;
    default:
      return state == v1::SEARCHING;
  }
}

}  // namespace

std::string MentorName(std::string_view id) { return absl::StrCat("consortia/c/mentors/", ToAbsl(id)); }

v1::EscalationPolicy TestPolicy() {
  v1::EscalationPolicy policy;
  policy.set_display_name("test");
  const auto add = [&](v1::StageKind kind, int window, int remind) {
    v1::EscalationPolicy::Stage& stage = *policy.add_stages();
    stage.set_kind(kind);
    *stage.mutable_window() = Seconds(window);
    *stage.add_remind_before() = Seconds(remind);
    return &stage;
  };
  add(v1::INDIVIDUAL, 100, 30)->add_tiers(mentor::v1::TIER_ONE_CANDIDATE);
  add(v1::BROADCAST, 200, 50);
  add(v1::RECOMMENDATION, 300, 60);
  policy.add_stages()->set_kind(v1::LEADER);
  *policy.mutable_redial_after() = Seconds(40);
  *policy.mutable_task_due_after() = Seconds(1000);
  policy.set_k_anonymity(3);
  policy.set_without_consent(v1::EscalationPolicy::DISTRICT_ONLY);
  return policy;
}

std::vector<std::string> BrokenInvariants(const Case& c) {
  std::vector<std::string> broken;
  if (c.name().empty()) return broken;  // not opened yet
  const auto must = [&](bool holds, std::string_view rule) {
    if (!holds) broken.emplace_back(rule);
  };
  must(CanMove(c), "F11: a case that has not ended has a timer, a running effect or a task");

  int live_individual = 0;
  int confirmed = 0;
  int chosen = 0;
  for (const Offer& offer : c.offers()) {
    live_individual += IsIndividual(offer) && IsLive(offer);
    confirmed += offer.state() == v1::CONFIRMED;
    chosen += IsHolding(offer) && offer.state() == v1::WILLING;
    // What follows from an answer waits while the case is paused.
    const bool answered_in_pause = c.paused() != 0 && offer.state() == v1::DECLINED;
    must(!offer.seat_held() || answered_in_pause || (IsLive(offer) && !offer.seat().empty()), "F30: only a live offer holds a seat");
    must(offer.state() != v1::OPEN || IsOfBroadcast(offer) || offer.seat_held(), "F30: who is asked individually has a seat");
    must(offer.state() != v1::OPEN || WasAsked(offer), "an open offer was asked");
    must(offer.state() != v1::OPEN || offer.window_end() != 0, "F5: an open offer has a window");
    must(!IsIndividual(offer) || !IsLive(offer) || offer.mentor().empty() || offer.mentor() != c.current_mentor(),
         "F20: the current mentor is never approached");
    // Once the candidate has agreed, mentor-service judges the change itself; and who is kept apart from them after it was made is their
    // mentor all the same.
    const bool agreed = offer.state() == v1::CONFIRMED && c.state() != v1::PROPOSED;
    must(!IsLive(offer) || !IsStruck(c, offer.mentor()) || agreed, "F2: who was struck is not asked");
    must(offer.epoch() > 0, "every offer has an epoch");
  }
  must(live_individual <= 1, "F17: at most one live individual offer");
  must(confirmed <= 1, "F29: at most one mentor is confirmed");
  must(chosen <= 1, "F29: at most one seat is being held for a choice");

  const bool has_match =
      c.state() == v1::PROPOSED || c.state() == v1::TRANSFERRING || c.state() == v1::ANNOUNCING || c.state() == v1::COMPLETED;
  const Offer* match = FindOffer(c, c.proposed_offer());
  must(has_match == (match != nullptr), "the proposed offer is known exactly while there is one");
  const bool taken_back_in_pause = c.paused() != 0 && match != nullptr && match->state() == v1::DECLINED;
  must(has_match == (confirmed == 1) || taken_back_in_pause, "F6: a proposal is a confirmed offer");
  must(c.paused() == 0 || OpenTask(c, v1::RESUME_CASE) != nullptr, "F11: a pause is in somebody's list");
  must(c.paused() != 0 || OpenTask(c, v1::RESUME_CASE) == nullptr, "F44: nothing is to be resumed but a pause");
  const bool only_assignments =
      std::all_of(c.deferred().begin(), c.deferred().end(), [](const Command& fact) { return fact.has_assignment_changed(); });
  must(c.paused() != 0 || c.deferred_size() == 0 || (c.state() == v1::TRANSFERRING && only_assignments),
       "F44: nothing waits but in a pause, or for the swap");
  must(c.paused() == 0 || NextDue(c) == absl::InfiniteFuture(), "F44: time stands still in a pause");
  must(c.paused() == 0 || !HasEnded(c), "F44: an ended case is not paused");
  if (match != nullptr && !taken_back_in_pause) {
    const bool before = c.state() == v1::PROPOSED || c.state() == v1::TRANSFERRING;
    must(match->state() == v1::CONFIRMED && match->willing(), "F6: who is proposed is willing and confirmed");
    must(match->seat_held() == before, "F30: the seat is held until it is the assignment");
    must(c.new_assignment().empty() == before, "F34: the assignment is made by the transfer");
  }
  must(HasEnded(c) == (c.ended() != 0), "an ended case says when");
  if (HasEnded(c) || c.state() == v1::ANNOUNCING) {
    for (const Offer& offer : c.offers()) must(!IsLive(offer) || &offer == match, "F14: no offer is live after the end");
    must(NextDue(c) == absl::InfiniteFuture(), "no timer runs after the end");
  }

  std::set<std::string> open;
  for (const Task& task : c.tasks()) {
    if (task.ended() != 0) continue;
    must(Fits(task.kind(), c.state()), absl::StrCat("no task ", v1::TaskKind_Name(task.kind()), " in ", v1::CaseState_Name(c.state())));
    must(open.insert(absl::StrCat(task.kind(), "|", task.offer(), "|", task.person(), "|", task.about())).second, "a task is open once");
    must(!task.owner().empty() && task.due() > 0, "a task has an owner and a due time");
  }
  std::set<std::string> running;
  for (const RunningEffect& effect : c.running()) must(running.insert(effect.id()).second, "an effect runs once");
  std::set<std::string> keys;
  for (const Message& message : c.messages()) must(keys.insert(message.key()).second, "F40: a message has a key of its own");
  return broken;
}

std::string Describe(const Event& event) {
  const std::string type = EventType(event);
  switch (event.kind_case()) {
    case Event::kTaskOpened: {
      const Task& task = event.task_opened().task();
      return absl::StrCat(type, "(", v1::TaskKind_Name(task.kind()), task.cause().empty() ? "" : ",", task.cause(), ")");
    }
    case Event::kStageOpened:
      return absl::StrCat(type, "(", v1::StageKind_Name(event.stage_opened().kind()), ")");
    case Event::kStageExhausted:
      return absl::StrCat(type, "(", event.stage_exhausted().cause(), ")");
    case Event::kOfferEnded:
      return absl::StrCat(type, "(", v1::OfferState_Name(event.offer_ended().state()), ",", event.offer_ended().cause(), ")");
    case Event::kOfferAnswered:
      return absl::StrCat(type, "(", event.offer_answered().willing() ? "willing" : "not_now", event.offer_answered().late() ? ",late" : "",
                          event.offer_answered().referral() ? ",referral" : "", ")");
    case Event::kPersonDecided:
      return absl::StrCat(type, "(", v1::Person::State_Name(event.person_decided().state()), ")");
    case Event::kTransferRefused:
      return absl::StrCat(type, "(", event.transfer_refused().reason(), ")");
    case Event::kOfferSeatRefused:
      return absl::StrCat(type, "(", event.offer_seat_refused().reason(), ")");
    case Event::kClosed:
      return absl::StrCat(type, "(", v1::CloseGround_Name(event.closed().ground()), ")");
    case Event::kDisclosed: {
      const v1::Disclosure& disclosure = event.disclosed().disclosure();
      std::vector<std::string> facts;
      for (const int fact : disclosure.facts()) facts.push_back(v1::Disclosure::Fact_Name(static_cast<v1::Disclosure::Fact>(fact)));
      return absl::StrCat(type, "(", ShortName(disclosure.to()), ":", absl::StrJoin(facts, "+"), ")");
    }
    case Event::kAnnouncementChanged: {
      const Announcement& announcement = event.announcement_changed().announcement();
      return absl::StrCat(type, "(", Announcement::Told_Name(announcement.candidate()), ",", Announcement::Told_Name(announcement.mentor()),
                          ")");
    }
    default:
      return type;
  }
}

std::string Describe(const Effect& effect) {
  const auto* kind = effect.GetReflection()->GetOneofFieldDescriptor(effect, Effect::descriptor()->FindOneofByName("kind"));
  const std::string type = absl::AsciiStrToUpper(kind->name());
  return effect.has_send() ? absl::StrCat(type, "(", MessageKind_Name(effect.send().kind()), ",", ShortName(effect.send().to()), ")")
                           : type;
}

absl::TimeZone LosAngeles() {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone("America/Los_Angeles", &zone));
  return zone;
}

Story::Story(v1::EscalationPolicy policy_in) : policy(std::move(policy_in)), time(LosAngeles()) {
  leader.set_person(kLeader);
  leader.set_mentor(MentorName("lea"));
  alternate.set_person("consortia/c/leaders/alt");
  alternate.set_mentor(MentorName("alt"));
}

absl::Status Story::Do(const Command& command) {
  last = Decision();
  return Keep(command, Apply(c, command, {.policy = policy, .time = time}, now));
}

absl::Status Story::Keep(const Command& command, const absl::StatusOr<Decision>& decision) {
  if (!decision.ok()) {
    EXPECT_LT(command.kind_case(), Command::kSeatHeld) << "a fact was refused: " << decision.status();
    return decision.status();
  }
  last = *decision;
  for (const Event& event : last.events) {
    Fold(c, event);
    events.push_back(event);
  }
  effects.insert(effects.end(), last.effects.begin(), last.effects.end());
  EXPECT_EQ(BrokenInvariants(c), std::vector<std::string>()) << "after " << command.ShortDebugString() << "\n" << c.DebugString();
  EXPECT_EQ(c.version(), static_cast<int64_t>(events.size())) << "F32: the version counts the events";
  return absl::OkStatus();
}

void Story::Must(const Command& command) {
  const absl::Status status = Do(command);
  ASSERT_TRUE(status.ok()) << status << "\nfor " << command.ShortDebugString() << "\n" << c.DebugString();
}

Command Story::OpenCommand() const {
  Command command = By("CANDIDATE", kCandidate);
  Command::Open& open = *command.mutable_open();
  open.set_name(kCaseName);
  open.set_candidate(kCandidate);
  open.set_policy("hash");
  open.set_time_zone("America/Los_Angeles");
  open.mutable_need()->set_credential("single-subject");
  open.mutable_need()->set_site(kSite);
  open.mutable_need()->set_district(kDistrict);
  open.set_current_mentor(current_mentor);
  open.set_replaced_assignment(current_mentor.empty() ? "" : "consortia/c/assignments/a1");
  *open.mutable_leader() = leader;
  *open.mutable_alternate() = alternate;
  return command;
}

void Story::Proceed(std::vector<std::string> order, std::vector<std::string> strike) {
  Command command = ByLeader(acting);
  command.mutable_review()->set_proceed(true);
  *command.mutable_review()->mutable_order() = {order.begin(), order.end()};
  *command.mutable_review()->mutable_strike() = {strike.begin(), strike.end()};
  Must(command);
}

absl::Status Story::Answer(std::string_view offer, bool willing, bool referral, int epoch) {
  Command command = By("MENTOR");
  Command::Answer& answer = *command.mutable_answer();
  answer.set_offer(std::string(offer));
  answer.set_willing(willing);
  answer.set_referral(referral);
  answer.set_epoch(epoch);
  return Do(command);
}

absl::Status Story::Confirm(std::string_view offer) {
  Command command = ByLeader(acting);
  command.mutable_confirm()->set_offer(std::string(offer));
  return Do(command);
}

absl::Status Story::Reject(std::string_view offer) {
  Command command = ByLeader(acting);
  command.mutable_reject()->set_offer(std::string(offer));
  return Do(command);
}

absl::Status Story::OpenBroadcast(std::vector<std::string> mentors, bool include_current) {
  Command command = ByLeader(acting);
  command.mutable_open_broadcast()->set_include_current_mentor(include_current);
  for (const std::string& mentor : mentors) command.mutable_open_broadcast()->add_mentors(MentorName(mentor));
  return Do(command);
}

absl::Status Story::Choose(std::string_view offer) {
  Command command = ByLeader(acting);
  command.mutable_choose()->set_offer(std::string(offer));
  return Do(command);
}

absl::Status Story::PassAllOver() {
  Command command = ByLeader(acting);
  command.mutable_pass_all_over();
  return Do(command);
}

absl::Status Story::Recommend() {
  Command command = ByLeader(acting);
  command.mutable_recommend();
  return Do(command);
}

absl::Status Story::Qualify(std::string_view person, bool fit, std::string_view mentor) {
  Command command = ByLeader(acting);
  command.mutable_qualify()->set_person(std::string(person));
  command.mutable_qualify()->set_fit(fit);
  if (!mentor.empty()) command.mutable_qualify()->set_mentor(MentorName(mentor));
  return Do(command);
}

absl::Status Story::Consent(bool given) {
  Command command = ByLeader(acting);
  command.mutable_record_consent()->set_given(given);
  return Do(command);
}

absl::Status Story::Call(v1::CallOutcome outcome) {
  Command command = ByLeader(acting);
  command.mutable_record_call()->set_outcome(outcome);
  command.mutable_record_call()->set_task("t1");
  for (const v1::TaskKind kind : {v1::CALL_CANDIDATE, v1::FIND_NUMBER, v1::TELL_BY_PHONE, v1::TELL_FORMER_MENTOR}) {
    if (const Task* task = OpenTask(c, kind)) {
      command.mutable_record_call()->set_task(task->id());
      break;
    }
  }
  return Do(command);
}

absl::Status Story::Take() {
  Command command = ByLeader(acting);
  command.mutable_take();
  return Do(command);
}

absl::Status Story::DeclineToTake() {
  Command command = ByLeader(acting);
  command.mutable_decline_to_take();
  return Do(command);
}

absl::Status Story::SendClosingNote() {
  Command command = ByLeader(acting);
  command.mutable_send_closing_note();
  return Do(command);
}

absl::Status Story::Restart(v1::StageKind stage) {
  Command command = ByLeader(acting);
  command.mutable_restart_search()->set_stage(stage);
  return Do(command);
}

absl::Status Story::Strike(std::string_view mentor) {
  Command command = ByLeader(acting);
  command.mutable_strike()->set_mentor(MentorName(mentor));
  return Do(command);
}

absl::Status Story::SkipStage() {
  Command command = ByLeader(acting);
  command.mutable_skip_stage();
  return Do(command);
}

absl::Status Story::Revive(std::string_view offer) {
  Command command = ByLeader(acting);
  command.mutable_revive()->set_offer(std::string(offer));
  return Do(command);
}

absl::Status Story::Pause() {
  Command command = ByLeader(acting);
  command.mutable_pause();
  return Do(command);
}

absl::Status Story::Resume() {
  Command command = ByLeader(acting);
  command.mutable_resume();
  return Do(command);
}

absl::Status Story::Snooze(std::string_view task, absl::Duration by) {
  Command command = ByLeader(acting);
  command.mutable_snooze()->set_task(std::string(task));
  command.mutable_snooze()->set_until(ToStored(now + by));
  return Do(command);
}

absl::Status Story::ReplaceLeader(std::string_view leader, std::string_view mentor, std::string_view alternate) {
  const auto fill = [](Leader& to, std::string_view id) {
    if (!id.empty()) to.set_person(absl::StrCat("consortia/c/leaders/", ToAbsl(id)));
  };
  Command command = ByLeader(acting);
  fill(*command.mutable_replace_leader()->mutable_leader(), leader);
  if (!mentor.empty()) command.mutable_replace_leader()->mutable_leader()->set_mentor(MentorName(mentor));
  fill(*command.mutable_replace_leader()->mutable_alternate(), alternate);
  return Do(command);
}

absl::Status Story::Mediate(v1::MediationOutcome outcome) {
  Command command = ByLeader(acting);
  command.mutable_record_mediation()->set_outcome(outcome);
  return Do(command);
}

absl::Status Story::Sign(v1::EscalationPolicy::Stage::Signer signer, bool refused) {
  Command command = ByLeader(acting);
  command.mutable_record_signature()->set_signer(signer);
  command.mutable_record_signature()->set_refused(refused);
  return Do(command);
}

absl::Status Story::Migrate(const v1::EscalationPolicy& next, std::string_view stage_id) {
  Command command = ByLeader(acting);
  command.mutable_migrate()->set_policy(ContentHash(next));
  command.mutable_migrate()->set_stage_id(std::string(stage_id));
  const v1::EscalationPolicy before = std::exchange(policy, next);
  last = Decision();
  const absl::StatusOr<Decision> decision = Apply(c, command, {.policy = before, .time = time, .next = &next}, now);
  if (!decision.ok()) policy = before;
  return Keep(command, decision);
}

absl::Status Story::Withdraw() {
  Command command = By("CANDIDATE", kCandidate);
  command.mutable_withdraw();
  return Do(command);
}

absl::Status Story::Close(v1::CloseGround ground) {
  Command command = ByLeader(acting);
  command.mutable_close()->set_ground(ground);
  return Do(command);
}

std::string Story::FirstRunning(std::initializer_list<Effect::KindCase> kinds) const {
  for (const RunningEffect& effect : c.running()) {
    if (std::find(kinds.begin(), kinds.end(), effect.kind()) != kinds.end()) return effect.id();
  }
  return "";
}

void Story::Held(std::string_view mentor) {
  Command command = ByPeer();
  const std::string effect = FirstRunning({Effect::kHoldNextSeat, Effect::kHoldSeat});
  ASSERT_NE(effect, "");
  command.mutable_seat_held()->set_effect(effect);
  std::string name = mentor.empty() ? FindOffer(c, FindRunning(c, effect)->offer())->mentor() : MentorName(mentor);
  command.mutable_seat_held()->mutable_explanation()->set_mentor(name);
  command.mutable_seat_held()->set_mentor(std::move(name));
  Must(command);
}

void Story::NoneLeft() {
  Command command = ByPeer();
  command.mutable_none_left()->set_effect(FirstRunning({Effect::kHoldNextSeat}));
  ASSERT_NE(command.none_left().effect(), "");
  Must(command);
}

void Story::SeatRefused(std::string_view reason) {
  Command command = ByPeer();
  command.mutable_seat_refused()->set_effect(FirstRunning({Effect::kHoldNextSeat, Effect::kHoldSeat}));
  ASSERT_NE(command.seat_refused().effect(), "");
  command.mutable_seat_refused()->set_reason(std::string(reason));
  Must(command);
}

void Story::Transferred() {
  Command command = ByPeer();
  command.mutable_transferred()->set_effect(FirstRunning({Effect::kTransfer}));
  ASSERT_NE(command.transferred().effect(), "");
  command.mutable_transferred()->set_assignment("consortia/c/assignments/a2");
  Must(command);
}

void Story::TransferRefused(std::string_view reason) {
  Command command = ByPeer();
  command.mutable_transfer_refused()->set_effect(FirstRunning({Effect::kTransfer}));
  ASSERT_NE(command.transfer_refused().effect(), "");
  command.mutable_transfer_refused()->set_reason(std::string(reason));
  Must(command);
}

void Story::SeatsComeBack() {
  for (std::string effect = FirstRunning({Effect::kReleaseSeat}); !effect.empty(); effect = FirstRunning({Effect::kReleaseSeat})) {
    Command command = ByPeer();
    command.mutable_seat_released()->set_effect(effect);
    Must(command);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

void Story::MentorAdded(std::string_view mentor) {
  Command command = ByPeer();
  command.mutable_mentor_added()->set_effect(FirstRunning({Effect::kAddMentor}));
  ASSERT_NE(command.mentor_added().effect(), "");
  command.mutable_mentor_added()->set_mentor(MentorName(mentor));
  Must(command);
}

void Story::AddRefused(std::string_view reason) {
  Command command = ByPeer();
  command.mutable_add_refused()->set_effect(FirstRunning({Effect::kAddMentor}));
  ASSERT_NE(command.add_refused().effect(), "");
  command.mutable_add_refused()->set_reason(std::string(reason));
  Must(command);
}

void Story::SendsAccepted() {
  for (std::string effect = FirstRunning({Effect::kSend}); !effect.empty(); effect = FirstRunning({Effect::kSend})) {
    Command command = ByPeer();
    command.mutable_send_accepted()->set_effect(effect);
    Must(command);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

void Story::SendRefused(std::string_view reason) {
  Command command = ByPeer();
  command.mutable_send_refused()->set_effect(FirstRunning({Effect::kSend}));
  ASSERT_NE(command.send_refused().effect(), "");
  command.mutable_send_refused()->set_reason(std::string(reason));
  Must(command);
}

void Story::SendCancelled() {
  Command command = ByPeer();
  command.mutable_send_cancelled()->set_effect(FirstRunning({Effect::kCancelSend}));
  ASSERT_NE(command.send_cancelled().effect(), "");
  Must(command);
}

void Story::TooLateToCancel() {
  Command command = ByPeer();
  command.mutable_too_late_to_cancel()->set_effect(FirstRunning({Effect::kCancelSend}));
  ASSERT_NE(command.too_late_to_cancel().effect(), "");
  Must(command);
}

void Story::Deliver(MessageKind kind) {
  std::vector<std::string> keys;
  for (const Message& message : c.messages()) {
    if (message.kind() == kind && message.state() == Message::ON_ITS_WAY) keys.push_back(message.key());
  }
  ASSERT_FALSE(keys.empty()) << MessageKind_Name(kind) << " is not on its way";
  for (const std::string& key : keys) Delivered(key);
}

void Story::MentorLeft(std::string_view mentor) {
  Command command = ByPeer();
  command.mutable_mentor_left()->set_mentor(MentorName(mentor));
  Must(command);
}

void Story::KeepApart(std::string_view mentor) {
  Command command = ByPeer();
  command.mutable_do_not_pair()->set_mentor(MentorName(mentor));
  Must(command);
}

void Story::AssignmentChanged(std::string_view assignment, std::string_view mentor) {
  Command command = ByPeer();
  command.mutable_assignment_changed();
  if (!assignment.empty())
    command.mutable_assignment_changed()->set_assignment(absl::StrCat("consortia/c/assignments/", ToAbsl(assignment)));
  if (!mentor.empty()) command.mutable_assignment_changed()->set_mentor(MentorName(mentor));
  Must(command);
}

void Story::CandidateLeft() {
  Command command = ByPeer();
  command.mutable_candidate_left();
  Must(command);
}

void Story::Delivered(std::string_view message, int64_t position) {
  Command command = ByPeer();
  command.mutable_delivered()->set_message(std::string(message));
  command.mutable_delivered()->set_position(position);
  Must(command);
}

void Story::Fail(MessageKind kind) {
  std::vector<Message> found;
  for (const Message& message : c.messages()) {
    if (message.kind() == kind && message.state() != Message::FAILED) found.push_back(message);
  }
  ASSERT_FALSE(found.empty()) << MessageKind_Name(kind) << " was not sent";
  for (const Message& message : found) Fail(message);
}

void Story::Fail(const Message& message, int64_t position, bool may_have_arrived) {
  Command command = ByPeer();
  command.mutable_undeliverable()->set_message(message.key());
  command.mutable_undeliverable()->set_position(position);
  command.mutable_undeliverable()->set_may_have_arrived(may_have_arrived);
  Must(command);
}

void Story::CloseOn(std::initializer_list<std::string> days) {
  mentor::v1::Calendar calendar;
  for (const std::string& day : days) calendar.add_closures()->set_first(day);
  CalendarIs(calendar);
}

void Story::CalendarIs(const mentor::v1::Calendar& calendar) {
  time = WorkingTime(calendar, LosAngeles());
  Command command = ByPeer();
  command.mutable_calendar_changed()->set_calendar(calendar.SerializeAsString());
  command.mutable_calendar_changed()->set_time_zone("America/Los_Angeles");
  Must(command);
}

void Story::NextDueRuns() {
  ASSERT_NE(NextDue(c), absl::InfiniteFuture());
  now = std::max(now, NextDue(c));
  Command command = By("TIMER");
  command.mutable_due();
  Must(command);
}

void Story::Ask(std::string_view mentor) {
  Held(mentor);
  Deliver(FIRST_APPROACH);
}

void Story::AgreeAndAnnounce() {
  ASSERT_TRUE(Call(v1::AGREED).ok());
  Transferred();
  Deliver(OFFICIAL_CANDIDATE);
  Deliver(OFFICIAL_MENTOR);
  ASSERT_EQ(c.state(), v1::COMPLETED);
}

const Offer& Story::offer(std::string_view id) const {
  const Offer* found = FindOffer(c, id);
  EXPECT_NE(found, nullptr) << id;
  return found == nullptr ? Offer::default_instance() : *found;
}

const Task* Story::Open(v1::TaskKind kind) const {
  const Task* task = OpenTask(c, kind);
  EXPECT_NE(task, nullptr) << v1::TaskKind_Name(kind) << " is not open";
  return task == nullptr ? &Task::default_instance() : task;
}

std::vector<std::string> Story::OpenTaskKinds() const {
  std::vector<std::string> kinds;
  for (const Task& task : c.tasks()) {
    if (task.ended() == 0) kinds.push_back(v1::TaskKind_Name(task.kind()));
  }
  return kinds;
}

bool Story::Happened(std::string_view description) const {
  return std::any_of(last.events.begin(), last.events.end(), [&](const Event& event) { return Describe(event) == description; });
}

std::vector<std::string> Story::LastEffects() const {
  std::vector<std::string> names;
  for (const Effect& effect : last.effects) names.push_back(Describe(effect));
  return names;
}

int Story::CountEffects(std::string_view description) const {
  return static_cast<int>(
      std::count_if(effects.begin(), effects.end(), [&](const Effect& effect) { return Describe(effect) == description; }));
}

std::vector<std::string> Story::MessagesTo(std::string_view name) const {
  std::vector<std::string> kinds;
  for (const Message& message : c.messages()) {
    if (message.to() == name) kinds.push_back(MessageKind_Name(message.kind()));
  }
  return kinds;
}

}  // namespace rematch::request
