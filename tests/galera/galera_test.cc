// A cluster of three nodes under two replicas of each service: the node in use dies under load, the rest go on, it comes back, and the next
// one in use dies. For `./dev test --all`, since making a cluster takes minutes.
#include <algorithm>
#include <array>
#include <iostream>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "demo/galera.h"
#include "demo/process.h"
#include "platform/errors.h"
#include "tests/scenario/busy_program.h"
#include "tests/scenario/scenario_kit.h"

namespace rematch::scenario {
namespace {

constexpr int kWritesBetween = 30;
constexpr absl::Duration kPatience = absl::Seconds(60);
// What a client may have to wait while the replicas move on to the next node.
constexpr absl::Duration kLongestInterruption = absl::Seconds(10);

// A cluster, of which more is wanted than a suite needs.
class Cluster {
 public:
  explicit Cluster(const WorkFolder& folder)
      : tool_(absl::StrCat(SourceDir(), "/tools/galera")), dir_(absl::StrCat(folder.path(), "/galera")) {}

  absl::Status Start() {
    REMATCH_ASSIGN_OR_RETURN(nodes_, demo::Galera::Start(tool_, dir_));
    return absl::OkStatus();
  }
  demo::Galera& nodes() { return *nodes_; }

  // Schemas of their own for services that use node `first` as long as it can be used, and then the ones behind it.
  absl::StatusOr<std::map<demo::Part, std::string>> Databases(int first) const {
    std::map<demo::Part, std::string> databases;
    for (const demo::Part part : demo::kParts) {
      const std::string schema = absl::StrCat(absl::StrReplaceAll(demo::NameOf(part), {{"-", "_"}}), "_", first);
      REMATCH_ASSIGN_OR_RETURN(databases[part], demo::OutputOf({tool_, "schema", dir_, schema, absl::StrCat(first)}, kPatience));
    }
    return databases;
  }

  // How many transactions each node has taken that changed something.
  absl::StatusOr<std::array<int64_t, demo::Galera::kNodes>> Changes() const {
    std::array<int64_t, demo::Galera::kNodes> changes = {};
    for (int node = 1; node <= demo::Galera::kNodes; ++node) {
      REMATCH_ASSIGN_OR_RETURN(
          const std::string answer,
          demo::OutputOf({tool_, "run", dir_, absl::StrCat(node), "SHOW GLOBAL STATUS LIKE 'wsrep_replicated'"}, kPatience));
      if (!absl::SimpleAtoi(answer.substr(answer.find('\t') + 1), &changes[node - 1])) return absl::InternalError(answer);
    }
    return changes;
  }

 private:
  const std::string tool_;
  const std::string dir_;
  std::unique_ptr<demo::Galera> nodes_;
};

// Under load, kills the node that takes the changes, waits until the rest serve, brings it back, and does the same again.
class NodeKiller final : public Killer {
 public:
  NodeKiller(Cluster& cluster, int kills) : Killer(kills), cluster_(cluster) {}

  void Run(demo::Suite& suite, const BusyProgram& program) override {
    while (kills() < wanted() && wrong().empty()) KillTheOneInUse(suite, program);
  }

  // After Run(): in their order.
  const std::vector<int>& killed() const { return killed_; }

 private:
  void KillTheOneInUse(demo::Suite& suite, const BusyProgram& program) {
    const int node = InUse(program);
    if (node == 0) return;
    if (!Expect(cluster_.nodes().Kill(node), absl::StrCat("node ", node, " was not killed"))) return;
    killed_.push_back(node);
    if (!AllServe(suite) || !WritesGoOn(program)) Wrong(absl::StrCat("the rest do not serve without node ", node));
    if (!Expect(cluster_.nodes().Restart(node), absl::StrCat("node ", node, " did not come back"))) return;
    if (cluster_.nodes().State(node).value_or("down") != "Synced") Wrong(absl::StrCat("node ", node, " is not Synced"));
    Killed();
  }

  // The node that takes most of the changes while some are made; 0 if that cannot be told.
  int InUse(const BusyProgram& program) {
    const auto before = cluster_.Changes();
    if (!WritesGoOn(program)) Wrong("nothing is written before a kill");
    const auto after = cluster_.Changes();
    if (!Expect(before.status(), "a node does not answer") || !Expect(after.status(), "a node does not answer")) return 0;
    std::array<int64_t, demo::Galera::kNodes> taken = {};
    for (size_t i = 0; i < taken.size(); ++i) taken[i] = (*after)[i] - (*before)[i];
    const auto most = std::max_element(taken.begin(), taken.end());
    if (*most < kWritesBetween / 2) {
      Wrong(absl::StrCat("no node is in use: ", absl::StrJoin(taken, ", ")));
      return 0;
    }
    return static_cast<int>(most - taken.begin()) + 1;
  }

  static bool WritesGoOn(const BusyProgram& program) {
    const int64_t until = program.acknowledged() + kWritesBetween;
    return demo::WaitUntil([&] { return program.acknowledged() >= until; }, kPatience);
  }
  static bool AllServe(demo::Suite& suite) {
    return demo::WaitUntil(
        [&] {
          for (const demo::Part part : demo::kParts) {
            for (int replica = 0; replica < suite.replicas(); ++replica) {
              if (!suite.Serving(part, replica)) return false;
            }
          }
          return true;
        },
        kPatience);
  }

  Cluster& cluster_;
  std::vector<int> killed_;
};

// Since the services return to their first node, they are started with another one as the first, too.
TEST(Galera, TheNodeInUseMayDieUnderLoadOneAfterTheOther_F30_F32) {
  constexpr int kKills = 2;
  WorkFolder folder;
  Cluster cluster(folder);
  const absl::Status started = cluster.Start();
  ASSERT_TRUE(started.ok()) << started;
  std::set<int> killed;
  for (const int first : {1, 2}) {
    SCOPED_TRACE(absl::StrCat("node ", first, " is the first"));
    auto databases = cluster.Databases(first);
    ASSERT_TRUE(databases.ok()) << databases.status();
    WorkFolder suite_folder;
    NodeKiller killer(cluster, kKills);
    const auto figures = PlayWhileKilled(suite_folder, Stores(*databases), {.cases = 80, .at_once = 20}, killer);
    ASSERT_TRUE(figures.ok()) << figures.status();
    for (const auto& [part, service] : figures->services) {
      for (const BusyProgram::Figures::Calls& calls : {service.reads, service.writes}) {
        EXPECT_GT(calls.made, 0) << demo::NameOf(part);
        EXPECT_LT(calls.longest_wait, kLongestInterruption) << demo::NameOf(part);
      }
    }
    std::cout << "killed, in this order: node " << absl::StrJoin(killer.killed(), ", ") << "\n";
    killed.insert(killer.killed().begin(), killer.killed().end());
  }
  EXPECT_GE(killed.size(), 2U) << "the same node was in use each time";
}

}  // namespace
}  // namespace rematch::scenario
