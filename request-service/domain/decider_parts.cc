// Checks, and the smallest parts of a step.
#include "request-service/domain/decider.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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

}  // namespace

absl::Status Refused(std::string_view reason, std::string_view message) {
  return Error(absl::StatusCode::kFailedPrecondition, reason, message);
}

absl::Status Unknown(std::string_view reason, std::string_view message) { return Error(absl::StatusCode::kNotFound, reason, message); }

absl::Status Invalid(std::string_view field, std::string_view description) {
  Violations bad;
  bad.Add(field, description);
  return bad.ToStatus();
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

}  // namespace rematch::request
