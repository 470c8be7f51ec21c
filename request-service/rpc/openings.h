// What must be known of a candidate before a case of theirs is opened. mentor-service knows it, and is asked for many at once: whoever
// comes while calls are under way waits for the next call, as commands wait for the next batch (platform/group_commit.h).
#ifndef REMATCH_REQUEST_SERVICE_RPC_OPENINGS_H_
#define REMATCH_REQUEST_SERVICE_RPC_OPENINGS_H_

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "platform/clock.h"
#include "platform/executor.h"
#include "rematch/mentor/v1/service.pb.h"
#include "request-service/loops/peers.h"
#include "request-service/store/calendar_store.h"
#include "request-service/store/policy_store.h"

namespace rematch::request {

// UNAVAILABLE / PEER_UNAVAILABLE: a peer is needed for the answer and does not give its own.
absl::Status PeerUnavailable();

// Thread-safe.
class Openings {
 public:
  // Null: not there. Pointers are into the shared answer, and gone when `done` returns.
  struct Facts {
    const mentor::v1::Program* program = nullptr;
    const mentor::v1::DescribeCandidatesResponse::Described* candidate = nullptr;
    std::string calendar;  // content hash of the program's
    std::string policy;    // content hash of the one that its new cases follow
  };
  using Done = absl::AnyInvocable<void(absl::StatusOr<Facts>)>;

  // Calls are made on `blocking`.
  Openings(MentorPeer& mentor, PolicyStore& policies, CalendarStore& calendars, platform::Clock& clock, platform::Executor& blocking)
      : mentor_(mentor), policies_(policies), calendars_(calendars), clock_(clock), blocking_(blocking) {}
  // Waits for what still runs on `blocking`, or is queued there: a turn that found nobody left belongs to no request that is waited for.
  ~Openings();
  Openings(const Openings&) = delete;
  Openings& operator=(const Openings&) = delete;

  // Does not block. `done` is called once, on `blocking`, or at once when refused: PEER_UNAVAILABLE, DEADLINE_EXCEEDED when `deadline`
  // passed before the call, RESOURCE_EXHAUSTED with RetryInfo when too many wait. `candidate` is one of `program`.
  void Ask(std::string program, std::string candidate, absl::Time deadline, Done done);

 private:
  struct Item {
    std::string program;
    std::string candidate;
    absl::Time deadline;
    Done done;
  };

  void Work();
  // The next to share a call: of one consortium, those that came first.
  std::vector<Item> Take() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AskFor(std::vector<Item> items);
  void AskFor(int k, const std::map<std::string, std::shared_ptr<const PolicyRecord>>& policies, std::vector<Item> items);
  static void Answer(std::vector<Item> items, const absl::Status& status);

  MentorPeer& mentor_;
  PolicyStore& policies_;
  CalendarStore& calendars_;
  platform::Clock& clock_;
  platform::Executor& blocking_;
  absl::Mutex mutex_;
  std::deque<Item> queue_ ABSL_GUARDED_BY(mutex_);
  size_t calls_ ABSL_GUARDED_BY(mutex_) = 0;  // under way, or about to be
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_RPC_OPENINGS_H_
