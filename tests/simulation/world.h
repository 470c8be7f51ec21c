// A suite in one thread: three services over stores in memory, several replicas, a network, mail, people, and a clock that only moves when
// told. A seed and a number of steps decide everything that happens in it.
#ifndef REMATCH_TESTS_SIMULATION_WORLD_H_
#define REMATCH_TESTS_SIMULATION_WORLD_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "platform/ids.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/invariants.h"
#include "tests/simulation/meetings.h"
#include "tests/simulation/network.h"
#include "tests/simulation/people.h"
#include "tests/simulation/post_office.h"
#include "tests/simulation/processes.h"
#include "tests/simulation/strangers.h"

namespace rematch::simulation {

class World {
 public:
  // `story`: keep in words what happens.
  World(uint64_t seed, bool story);
  ~World();

  // Plays `steps` steps but those in `left_out`, then lets everything come to rest. Returns what is broken, or "".
  std::string Play(int steps, const std::set<int>& left_out);

  // What happened, a line each; the step's number first.
  const std::vector<std::string>& story() const { return story_; }
  // How far it came: the number of the step at which something broke.
  int step() const { return step_; }
  size_t cases() const { return invariants_.cases().size(); }
  const Faults& faults() const { return faults_; }
  const Meetings& meetings() const { return meetings_; }
  const Invariants& invariants() const { return invariants_; }

 private:
  struct Replica {
    std::string name;
    int born = 0;  // how often it was started
    bool stands_still = false;
    absl::Duration wrong_by;
  };
  struct RequestReplica : Replica {
    std::unique_ptr<RequestProcess> process;
  };
  struct NotifyReplica : Replica {
    std::unique_ptr<NotifyProcess> process;
  };

  // Who there is; some programs have policies of their own.
  void Found();
  void PublishPolicies();
  void Start(RequestReplica& replica);
  void Start(NotifyReplica& replica);
  void StartMentor();
  template <typename Kind>
  void Stop(Kind& replica);
  // Whatever died in the middle of something is gone now.
  void Bury();
  // Those that can be reached, any of them.
  RequestProcess* AnyRequest();
  NotifyProcess* AnyNotify();

  void Step();
  // Else it may start, or go on.
  template <typename Kind>
  bool IsAtWork(Kind& replica);
  void StepRequest(RequestReplica& replica);
  void StepNotify(NotifyReplica& replica);
  void Disturb();
  void PassTime();
  // Lets time pass while all that live show that they do.
  void Advance(absl::Duration by);
  void Beat();
  // Until nothing happens by itself at this moment.
  void Settle();
  // What is found only by comparing everything.
  void Reconcile();
  void ComeToRest();
  // One replica of each service goes on, from here to the end.
  void Gather();
  absl::Time NextDue();
  void Check();
  void Tell(std::string_view what);

  const uint64_t seed_;
  const bool tells_;
  std::vector<std::string> story_;
  int step_ = 0;
  Chance chance_;
  Faults faults_{chance_};
  SimTime time_;
  platform::SeededRandom random_;
  const Machine machine_;
  request::RequestOptions options_;
  Store& mentor_store_;
  Store& request_store_;
  Store& notify_store_;
  int64_t roster_seen_ = 0;  // commits that were checked
  int64_t feeds_seen_ = 0;
  int64_t cases_seen_ = 0;
  PostOffice post_{faults_};
  Meetings meetings_;
  Invariants invariants_;
  std::unique_ptr<MentorProcess> mentor_;
  std::array<NotifyReplica, 2> notify_;
  std::array<RequestReplica, 2> request_;
  Network network_;
  People people_;
  Strangers strangers_;
  std::string broken_;
};

}  // namespace rematch::simulation

#endif  // REMATCH_TESTS_SIMULATION_WORLD_H_
