// Programs at work: many cases at once, whose people act by the RPCs while the suite underneath is disturbed. It knows nothing of what
// disturbs it, nor of the store: every call is tried again, a write with the same request id, until it is acknowledged or refused.
//
//   class MyKiller : public Killer { void Run(demo::Suite&, const BusyProgram&) override { ... } };
//   MyKiller killer(10);
//   auto figures = PlayWhileKilled(folder, stores, {.cases = 200, .at_once = 40}, killer);   // and expect that nothing is lost
#ifndef REMATCH_TESTS_SCENARIO_BUSY_PROGRAM_H_
#define REMATCH_TESTS_SCENARIO_BUSY_PROGRAM_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "demo/suite.h"
#include "tests/scenario/scenario_kit.h"

namespace rematch::scenario {

// REMATCH_TEST_SEED of the environment; 1 without one.
uint32_t SeedOfTests();

// Waits until the reconcilers of a suite that was started with a short interval have gone their rounds; a line if they mended anything.
std::vector<std::string> WrongByReconciler(demo::Suite& suite);

class BusyProgram {
 public:
  struct Options {
    demo::Suite& suite;
    int cases = 200;
    int at_once = 40;
    int programs = 4;
    int threads = 8;
    // Decides who answers what and how each case is to end; what comes of it depends on time, too.
    uint32_t seed = SeedOfTests();
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
    // Of calls of one kind: how many were made, and for how long a caller was without an answer at most, over all tries. A service that is
    // away for this kind of calls, or a part of it that some callers come to, shows in that, whatever the others answer meanwhile.
    struct Calls {
      int64_t made = 0;
      absl::Duration longest_wait;
    };
    struct Service {
      Calls reads;
      Calls writes;
    };
    std::map<demo::Part, Service> services;
    std::map<std::string, int> ends;  // cases by how they ended
  };

  // What the suite is started with; in `folder`, which has its files. The reconciler is kept away at first: what is delayed while processes
  // die is on its way, and seats that are lost then must be seen to be lost.
  static demo::SuiteOptions SuiteFor(const WorkFolder& folder, absl::Duration reconcile_interval = absl::Hours(1));

  // Where its cases are.
  static const char* consortium();

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
  // Writes so far, while it runs: of the cases, which may have come to rest, and those beside them, which go on. Any thread.
  int64_t acknowledged() const { return acknowledged_; }

 private:
  struct Play;
  struct Beside;
  class People;

  const Options options_;
  std::vector<std::unique_ptr<Play>> plays_;
  const std::unique_ptr<Beside> roster_;
  const std::unique_ptr<Beside> messages_;
  std::atomic<int64_t> acknowledged_ = 0;
  Figures figures_;
};

// For people: how the cases ended, and what it took.
std::string ToString(const BusyProgram::Figures& figures);

// Kills what a program runs on, in a thread of its own.
class Killer {
 public:
  explicit Killer(int wanted) : wanted_(wanted) {}
  virtual ~Killer() = default;
  Killer(const Killer&) = delete;
  Killer& operator=(const Killer&) = delete;

  // Returns once as many as wanted were killed and brought back, or something is wrong.
  virtual void Run(demo::Suite& suite, const BusyProgram& program) = 0;

  int wanted() const { return wanted_; }
  // So far. Any thread.
  int kills() const { return kills_; }
  // After Run().
  const std::vector<std::string>& wrong() const { return wrong_; }

 protected:
  void Killed() { ++kills_; }
  void Wrong(std::string line) { wrong_.push_back(std::move(line)); }
  bool Expect(const absl::Status& status, const std::string& otherwise);

 private:
  const int wanted_;
  std::atomic<int> kills_ = 0;
  std::vector<std::string> wrong_;
};

struct BusyCases {
  int cases;
  int at_once;
};

// Plays cases over two replicas of each service while `killer` is at work: there are always some under way. Expects then that all come to
// rest, that nothing is lost or doubled, and that the reconcilers of a suite that is started anew find nothing to mend.
absl::StatusOr<BusyProgram::Figures> PlayWhileKilled(const WorkFolder& folder, const Stores& stores, const BusyCases& size, Killer& killer);

}  // namespace rematch::scenario

#endif  // REMATCH_TESTS_SCENARIO_BUSY_PROGRAM_H_
