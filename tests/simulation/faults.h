// What can go wrong, how often in this run, and how often it did.
#ifndef REMATCH_TESTS_SIMULATION_FAULTS_H_
#define REMATCH_TESTS_SIMULATION_FAULTS_H_

#include <array>
#include <cstdint>
#include <string_view>

#include "tests/simulation/chance.h"

namespace rematch::simulation {

enum class Fault {
  kCommitFailed,       // nothing was written; the same again will do
  kCommitUnknownDone,  // it was written, and nobody could tell
  kCommitUnknownLost,  // nothing was written, and nobody could tell
  kStoreAway,          // nothing works for a moment
  kCrashBeforeCommit,  // the process dies, and what it was about to write is not there
  kCrashAfterCommit,   // it dies with its work written and nobody told
  kCrash,              // it dies between two steps
  kRequestLost,
  kReplyLost,
  kRequestTwice,
  kRequestLate,      // the caller gave up; it arrives all the same
  kRequestEchoed,    // it was answered, and arrives once more, later
  kNetworkApart,     // for a while: what is asked is lost, or arrives when it is over
  kFeedBrokeOff,     // in the middle of a page
  kSendRefused,      // notify-service does not know what it is to send, as one of an earlier release
  kStandStill,       // a process does nothing, and does not know it
  kClockStep,        // a process's clock is set, forwards or backwards
  kMailRefused,      // for good
  kMailDelayed,      // not now
  kMailUnknown,      // it broke off after it went out, and arrived
  kMailUnknownLost,  // it broke off, and did not arrive
  kMailBounced,      // it came back
  kPersonTwice,      // somebody pressed twice, at two replicas or one
  kPersonAgain,      // somebody did not see the answer and asked again, later
  kCount,
};

inline constexpr std::array<std::string_view, static_cast<size_t>(Fault::kCount)> kFaultNames = {
    "commit failed", "commit unknown, done",  "commit unknown, lost", "store away",    "crash before commit", "crash after commit",
    "crash",         "request lost",          "reply lost",           "request twice", "request late",        "request echoed",
    "network apart", "feed broke off",        "send refused",         "stand still",   "clock step",          "mail refused",
    "mail delayed",  "mail unknown, arrived", "mail unknown, lost",   "mail bounced",  "person twice",        "person again"};

class Faults {
 public:
  explicit Faults(Chance& chance) : chance_(chance) {}

  // How often in a thousand each can happen; 0: nothing goes wrong.
  void SetPerMille(int per_mille) { per_mille_ = per_mille; }
  bool quiet() const { return per_mille_ == 0; }
  // Whether it happens now, at `times` the usual frequency.
  bool Happens(Fault fault, int times = 1) {
    if (per_mille_ == 0 || !chance_.PerMille(per_mille_ * times)) return false;
    ++counts_[static_cast<size_t>(fault)];
    return true;
  }
  const std::array<int64_t, static_cast<size_t>(Fault::kCount)>& counts() const { return counts_; }
  Chance& chance() { return chance_; }

 private:
  Chance& chance_;
  int per_mille_ = 0;
  std::array<int64_t, static_cast<size_t>(Fault::kCount)> counts_ = {};
};

}  // namespace rematch::simulation

#endif  // REMATCH_TESTS_SIMULATION_FAULTS_H_
