// Carries out effects at the peers, after the commit that asked for them, at least once, and brings the answer back through the door. The
// effect's row goes in the transaction that applies the answer, if its claim is still this replica's.
//
//   a commit hands on its effects ──┐
//   claims of rows that are due ────┼─> Step() ─> executor: call the peer ─> door ─> the row is gone
//   rows a hand-over may have missed┘                        └─ no answer ─> the row waits, is nobody's, and is due later
//
// A peer that does not answer is asked again, ever less often, for as long as it takes. An answer that makes no sense (PERMISSION_DENIED,
// INTERNAL ...) is asked for again a few times; then the row is set aside: counted, logged, never in its neighbours' way, and tried again
// every few minutes, so that no case ends dead because a peer was broken for a while.
#ifndef REMATCH_REQUEST_SERVICE_LOOPS_EFFECT_RUNNER_H_
#define REMATCH_REQUEST_SERVICE_LOOPS_EFFECT_RUNNER_H_

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "platform/clock.h"
#include "platform/executor.h"
#include "platform/leases.h"
#include "platform/metrics.h"
#include "request-service/domain/case.pb.h"
#include "request-service/loops/letter_sender.h"
#include "request-service/loops/messages.h"
#include "request-service/loops/peers.h"
#include "request-service/store/calendar_store.h"
#include "request-service/store/case_command.h"
#include "request-service/store/case_handler.h"
#include "request-service/store/case_reader.h"
#include "request-service/store/policy_store.h"
#include "request-service/store/work_store.h"

namespace rematch::request {

struct EffectRunnerOptions {
  size_t max_running = 128;  // handed to the executor at once
  absl::Duration first_pause = absl::Milliseconds(200);
  absl::Duration longest_pause = absl::Seconds(30);
  int64_t max_refusals = 10;                          // then a row is set aside: counted, shown,
  absl::Duration set_aside_pause = absl::Minutes(5);  // and tried again this often
};

// Thread-safe; Step() is called by one thread at a time.
class EffectRunner {
 public:
  EffectRunner(EffectRunnerOptions options, CaseDoor& door, CaseReader& reader, WorkStore& work, PolicyStore& policies,
               CalendarStore& calendars, platform::Leases& leases, MentorPeer& mentor, NotifyPeer& notify, MessageMaker& messages,
               LetterSender& letters, platform::Executor& executor, platform::Clock& clock, platform::Metrics& metrics);
  // Waits for the effects that run.
  ~EffectRunner();

  // `wake` is called when there is something for Step() to do: from any thread, never blocking. Set once, before the first commit.
  void SetWake(std::function<void()> wake) { wake_ = std::move(wake); }

  // Effects of a commit of this replica. Never blocks.
  void Take(std::vector<EffectWork> effects);

  // Hands on what waits, claims what is due, puts back what did not work, and measures. Returns for how long nothing is due.
  absl::Duration Step();

  // Nothing new is begun; waits for what runs.
  void Stop();
  // Whether nothing waits and nothing runs: for the simulator.
  bool Idle();

 private:
  // False when the executor is full.
  bool Dispatch(EffectWork work);
  void Run(EffectWork work);
  // The command that answers `work`, or why there is none yet.
  absl::StatusOr<CaseCommand> Ask(const EffectWork& work);
  absl::StatusOr<Command> AskNow(const EffectWork& work, const Case& c);
  absl::StatusOr<Command> Send(const EffectWork& work, const Case& c);
  void DidNotWork(const EffectWork& work, const absl::Status& status);
  void Finished(const EffectWork& work, const absl::Status& status);
  void Forget(const std::string& row);
  void PutBack();
  // Claims what is due, as many as `room`; once a second also looks for what a hand-over missed, and measures.
  void Look(absl::Time now, size_t room);

  const EffectRunnerOptions options_;
  CaseDoor& door_;
  CaseReader& reader_;
  WorkStore& work_;
  PolicyStore& policies_;
  CalendarStore& calendars_;
  platform::Leases& leases_;
  MentorPeer& mentor_;
  NotifyPeer& notify_;
  MessageMaker& messages_;
  LetterSender& letters_;
  platform::Executor& executor_;
  platform::Clock& clock_;
  platform::Metrics& metrics_;
  std::function<void()> wake_;

  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<EffectWork> waiting_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<std::string> known_ ABSL_GUARDED_BY(mutex_);  // rows that wait or run here
  size_t running_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<Postponed> postponed_ ABSL_GUARDED_BY(mutex_);
  bool starved_ ABSL_GUARDED_BY(mutex_) = false;  // Step() had no room to look for more
  // By Step() only: a commit that hands on its work costs no look at the store.
  absl::Time next_look_ = absl::InfinitePast();
  absl::Time last_search_ = absl::InfinitePast();
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_LOOPS_EFFECT_RUNNER_H_
