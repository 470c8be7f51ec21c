// A case to tell stories with: commands in one line each, a clock that moves only when told, and the invariants of the state machine
// checked after every step.
#ifndef REMATCH_TESTS_REQUEST_ESCALATION_KIT_H_
#define REMATCH_TESTS_REQUEST_ESCALATION_KIT_H_

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "request-service/domain/case_view.h"
#include "request-service/domain/escalation.h"

namespace rematch::request {

// The names of the story: `consortia/c/mentors/{id}` and so on.
std::string MentorName(std::string_view id);
inline const std::string kCaseName = "consortia/c/programs/p/reassignments/case1";
inline const std::string kCandidate = "consortia/c/programs/p/candidates/ana";
inline const std::string kSite = "consortia/c/sites/north";
inline const std::string kDistrict = "consortia/c/districts/bay";
inline const std::string kLeader = "consortia/c/leaders/lea";

absl::TimeZone LosAngeles();

// Four stages in seconds: individual 100 (reminder 30 before), broadcast 200 (50), recommendation 300 (60), the Leader; redial 40,
// tasks 1000.
v1::EscalationPolicy TestPolicy();

// What is wrong with a case, by the rules that hold in every state; empty if nothing is.
std::vector<std::string> BrokenInvariants(const Case& c);

// The type of an event with what matters of it: `TASK_OPENED(CONFIRM_MATCH)`.
std::string Describe(const Event& event);
std::string Describe(const Effect& effect);

class Story {
 public:
  explicit Story(v1::EscalationPolicy policy = TestPolicy());

  // Applies a command and keeps what came of it in `last`. Refused: nothing changes. Fails the test when an invariant breaks.
  absl::Status Do(const Command& command);
  // The same, for a command that must be accepted.
  void Must(const Command& command);

  // --- People.
  Command OpenCommand() const;
  void Open() { Must(OpenCommand()); }
  void Proceed(std::vector<std::string> order = {}, std::vector<std::string> strike = {});
  absl::Status Answer(std::string_view offer, bool willing, bool referral = false, int epoch = 1);
  absl::Status Confirm(std::string_view offer);
  absl::Status Reject(std::string_view offer);
  absl::Status OpenBroadcast(std::vector<std::string> mentors, bool include_current = false);
  absl::Status Choose(std::string_view offer);
  absl::Status PassAllOver();
  absl::Status Recommend();
  absl::Status Qualify(std::string_view person, bool fit, std::string_view mentor = "");
  absl::Status Consent(bool given);
  // Of the first open task that is ended by a call.
  absl::Status Call(v1::CallOutcome outcome);
  absl::Status Take();
  absl::Status DeclineToTake();
  absl::Status SendClosingNote();
  absl::Status Restart(v1::StageKind stage = v1::STAGE_KIND_UNSPECIFIED);
  absl::Status Strike(std::string_view mentor);
  absl::Status SkipStage();
  absl::Status Revive(std::string_view offer);
  absl::Status Pause();
  absl::Status Resume();
  absl::Status Snooze(std::string_view task, absl::Duration by);
  absl::Status ReplaceLeader(std::string_view leader, std::string_view mentor = "", std::string_view alternate = "");
  absl::Status Mediate(v1::MediationOutcome outcome);
  absl::Status Sign(v1::EscalationPolicy::Stage::Signer signer, bool refused = false);
  // To `next`, which `policy` is from then on if it is not refused.
  absl::Status Migrate(const v1::EscalationPolicy& next, std::string_view stage_id = "");
  absl::Status Withdraw();
  absl::Status Close(v1::CloseGround ground = v1::RESOLVED_WITHOUT_CHANGE);

  // --- Peers: each answers the oldest running effect of its kind; it must be there.
  void Held(std::string_view mentor = "");
  void NoneLeft();
  void SeatRefused(std::string_view reason);
  void Transferred();
  void TransferRefused(std::string_view reason);
  // Every seat that is being given back has come back.
  void SeatsComeBack();
  void MentorAdded(std::string_view mentor);
  void AddRefused(std::string_view reason);
  void SendsAccepted();
  void SendRefused(std::string_view reason);
  void SendCancelled();
  void TooLateToCancel();
  // The feed: of every message of this kind that is on its way.
  void Deliver(MessageKind kind);
  void Fail(MessageKind kind);
  void Fail(const Message& message, int64_t position = 0, bool may_have_arrived = false);
  void Delivered(std::string_view message, int64_t position = 0);

  // --- The roster's feed.
  void MentorLeft(std::string_view mentor);
  void KeepApart(std::string_view mentor);
  void AssignmentChanged(std::string_view assignment, std::string_view mentor);
  void CandidateLeft();
  // Closed on these days as well; none: Monday to Friday again.
  void CloseOn(std::initializer_list<std::string> days);
  void CalendarIs(const mentor::v1::Calendar& calendar);

  // --- Time: to the moment when something is due, which then runs.
  void NextDueRuns();

  // --- Shorter ways.
  // An individual offer to `mentor`, as far as OPEN.
  void Ask(std::string_view mentor);
  // From the open offer or the chosen one to COMPLETED, everybody told.
  void AgreeAndAnnounce();

  // --- Looking.
  const Offer& offer(std::string_view id) const;
  // The open task of this kind; fails the test, and points to an empty one, when there is none.
  const Task* Open(v1::TaskKind kind) const;
  std::vector<std::string> OpenTaskKinds() const;
  // What the last command did.
  bool Happened(std::string_view description) const;
  std::vector<std::string> LastEffects() const;
  // Over the whole story.
  int CountEffects(std::string_view description) const;
  std::vector<std::string> MessagesTo(std::string_view name) const;
  std::string FirstRunning(std::initializer_list<Effect::KindCase> kinds) const;
  absl::Duration UntilDue() const { return NextDue(c) - now; }

  // What a command came to, as Do() keeps it.
  absl::Status Keep(const Command& command, const absl::StatusOr<Decision>& decision);

  v1::EscalationPolicy policy;
  WorkingTime time;  // Monday to Friday in Los Angeles
  Case c;
  absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  Decision last;
  std::vector<Event> events;
  std::vector<Effect> effects;
  std::string current_mentor = MentorName("now");
  Leader leader;
  Leader alternate;
  std::string acting = kLeader;  // whose commands the leader's are
};

}  // namespace rematch::request

#endif  // REMATCH_TESTS_REQUEST_ESCALATION_KIT_H_
