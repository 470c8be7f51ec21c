// Programs at work: many cases at once, whose people act by the RPCs while the suite underneath is disturbed. It knows nothing of what
// disturbs it, nor of the store: every call is tried again, a write with the same request id, until it is acknowledged or refused.
//
//   auto options = BusyProgram::SuiteFor(folder);             // a policy of short windows; the caller adds stores and replicas
//   BusyProgram program({.suite = *suite, .cases = 200});
//   program.Prepare();                                        // a roster whose seats are contended
//   program.Run();                                            // while somebody else kills
//   program.Settle(absl::Seconds(60));
//   EXPECT_THAT(program.Check(), IsEmpty());
#ifndef REMATCH_TESTS_SCENARIO_BUSY_PROGRAM_H_
#define REMATCH_TESTS_SCENARIO_BUSY_PROGRAM_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "demo/suite.h"
#include "tests/scenario/scenario_kit.h"

namespace rematch::scenario {

class BusyProgram {
 public:
  struct Options {
    demo::Suite& suite;
    int cases = 200;
    int at_once = 40;
    int programs = 4;
    int threads = 8;
    // Decides who answers what and how each case is to end; what comes of it depends on time, too.
    uint32_t seed = 1;
    // How long a call may go without an answer, and all cases together.
    absl::Duration patience = absl::Seconds(60);
    absl::Duration all_patience = absl::Minutes(10);
    // Whether this many cases may have been opened by now: whoever disturbs the suite keeps it busy for as long as they need. Any thread.
    std::function<bool(int cases)> may_open = [](int) { return true; };
  };
  struct Figures {
    int64_t acknowledged = 0;  // writes
    int64_t refused = 0;       // writes that came too late, or after another
    int64_t tried_again = 0;   // calls
    // The longest time without any call that succeeded, while there was always somebody who called.
    absl::Duration longest_interruption;
    std::map<std::string, int> ends;  // cases by how they ended
  };

  // What the suite is started with; in `folder`, which has its files. The reconciler is kept away at first: what is delayed while processes
  // die is on its way, and seats that are lost then must be seen to be lost.
  static demo::SuiteOptions SuiteFor(const WorkFolder& folder, absl::Duration reconcile_interval = absl::Hours(1));

  explicit BusyProgram(Options options);
  ~BusyProgram();

  // Imports the roster. Undisturbed.
  absl::Status Prepare();
  // Opens and plays all cases; DEADLINE_EXCEEDED when they do not come to their ends. Some are left with a task, and with a seat held.
  absl::Status Run();
  // Waits until nothing is outstanding or due. Undisturbed from here on.
  absl::Status Settle(absl::Duration patience);
  // One line for each thing that is wrong.
  std::vector<std::string> Check();

  const Figures& figures() const { return figures_; }
  // Writes so far, while it runs. Any thread.
  int64_t acknowledged() const { return acknowledged_; }

 private:
  struct Play;
  class People;

  const Options options_;
  std::vector<std::unique_ptr<Play>> plays_;
  std::atomic<int64_t> acknowledged_ = 0;
  Figures figures_;
};

// For people: how the cases ended, and what it took.
std::string ToString(const BusyProgram::Figures& figures);

// Waits until the reconcilers of a suite that was started with a short interval have gone their rounds; a line if they mended anything.
std::vector<std::string> WrongByReconciler(demo::Suite& suite);

}  // namespace rematch::scenario

#endif  // REMATCH_TESTS_SCENARIO_BUSY_PROGRAM_H_
