// One step of the state machine (escalation.h), and what it is made of. Not for others: they call Apply().
//
// decider_people.cc     what people do, in the order in which a case goes through it, and the pause
// decider_facts.cc      what peers, the feeds and time report
// decider_course.cc     what follows: Settle, the one place that carries a case on, with what it is made of
// decider_deadlines.cc  ends of windows, reminders and due times
// decider_parts.cc      checks, and the smallest parts
#ifndef REMATCH_REQUEST_SERVICE_DOMAIN_DECIDER_H_
#define REMATCH_REQUEST_SERVICE_DOMAIN_DECIDER_H_

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "platform/errors.h"
#include "request-service/domain/case_view.h"
#include "request-service/domain/escalation.h"

namespace rematch::request {

using Fact = v1::Disclosure;
using Stage = v1::EscalationPolicy::Stage;

// The ledger's word for a phone call, a talk and a signature, where a message has its name.
inline constexpr std::string_view kByCall = "call";
inline constexpr std::string_view kByTalk = "talk";
inline constexpr std::string_view kByPaper = "paper";

// The first answer of an offer is to epoch 1; a code of an older one changes nothing.
inline constexpr int kFirstEpoch = 1;

// FAILED_PRECONDITION, NOT_FOUND, and INVALID_ARGUMENT with the field that is wrong.
absl::Status Refused(std::string_view reason, std::string_view message);
absl::Status Unknown(std::string_view reason, std::string_view message);
absl::Status Invalid(std::string_view field, std::string_view description);

// Answers of peers, the feeds and time: facts, which are never refused.
inline bool IsFact(const Command& command) { return command.kind_case() >= Command::kSeatHeld; }

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
  // Whoever is out of the case is not asked any more, and a proposal of theirs ends, unless the candidate has agreed to it: that change
  // mentor-service judges itself. `end` ends each of their live offers.
  void EndOffersOf(const std::string& mentor, absl::FunctionRef<void(const Offer&)> end);
  void EndOffersOfStruck(const std::string& mentor);
  // The mentor of record may be another one than `before`: who has become it is not to be asked to become it, who was it is struck.
  void EndOffersOfMentors(const std::string& before);
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

template <typename E>
void Decider::SetNextReminder(Clock clock, E& e) const {
  // What is late along with it has been said.
  do {
    if (clock.reminders_size() > 0) clock.mutable_reminders()->DeleteSubrange(0, 1);
    e.set_remind_at(RemindAt(clock));
  } while (e.remind_at() != 0 && e.remind_at() <= now());
  e.set_still(clock.reminders_size());
}

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_DOMAIN_DECIDER_H_
