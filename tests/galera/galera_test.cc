// A cluster of three nodes under two replicas of each service: the node in use dies under load, the rest go on, it comes back, and the next
// one dies. For `./dev test --all`, since making a cluster takes minutes.
#include <atomic>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "demo/galera.h"
#include "demo/process.h"
#include "tests/scenario/busy_program.h"
#include "tests/scenario/scenario_kit.h"

namespace rematch::scenario {
namespace {

using ::testing::IsEmpty;

constexpr int kReplicas = 2;
constexpr int kWritesBetween = 30;
constexpr absl::Duration kPatience = absl::Seconds(60);
// What a client may have to wait while the replicas move on to the next node.
constexpr absl::Duration kLongestInterruption = absl::Seconds(10);

// Under load, kills node 1, which all use, waits until the rest serve, brings it back, and then does the same to node 2 and so on.
class NodeKiller {
 public:
  NodeKiller(demo::Galera& cluster, demo::Suite& suite, const BusyProgram& program)
      : cluster_(cluster), suite_(suite), program_(program), thread_([this] {
          for (int node = 1; node <= demo::Galera::kNodes && wrong_.empty(); ++node) Kill(node);
          over_ = true;
        }) {}
  ~NodeKiller() { Join(); }
  void Join() {
    if (thread_.joinable()) thread_.join();
  }
  int kills() const { return kills_; }
  bool over() const { return over_; }
  const std::vector<std::string>& wrong() const { return wrong_; }

 private:
  void Kill(int node) {
    if (!WritesGoOn()) wrong_.push_back(absl::StrCat("nothing was written before the kill of node ", node));
    Expect(cluster_.Kill(node), "was not killed", node);
    ++kills_;
    if (!AllServe() || !WritesGoOn()) wrong_.push_back(absl::StrCat("the rest do not serve without node ", node));
    Expect(cluster_.Restart(node), "did not come back", node);
    if (cluster_.State(node).value_or("down") != "Synced") wrong_.push_back(absl::StrCat("node ", node, " is not Synced"));
  }

  bool WritesGoOn() {
    const int64_t until = program_.acknowledged() + kWritesBetween;
    return demo::WaitUntil([&] { return program_.acknowledged() >= until; }, kPatience);
  }
  bool AllServe() {
    return demo::WaitUntil(
        [&] {
          for (const demo::Part part : demo::kParts) {
            for (int replica = 0; replica < kReplicas; ++replica) {
              if (!suite_.Serving(part, replica)) return false;
            }
          }
          return true;
        },
        kPatience);
  }
  void Expect(const absl::Status& status, const std::string& otherwise, int node) {
    if (!status.ok()) wrong_.push_back(absl::StrCat("node ", node, " ", otherwise, ": ", status.message()));
  }

  demo::Galera& cluster_;
  demo::Suite& suite_;
  const BusyProgram& program_;
  std::atomic<int> kills_ = 0;
  std::atomic<bool> over_ = false;
  std::vector<std::string> wrong_;
  std::thread thread_;  // the last member: it uses the others
};

TEST(Galera, TheNodeInUseMayDieUnderLoadOneAfterTheOther_F30_F32) {
  constexpr int kCases = 120, kAtOnce = 20;
  WorkFolder folder;
  auto cluster = demo::Galera::Start(absl::StrCat(SourceDir(), "/tools/galera"), absl::StrCat(folder.path(), "/galera"));
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  auto databases = (*cluster)->Databases();
  ASSERT_TRUE(databases.ok()) << databases.status();
  const auto start = [&](demo::SuiteOptions options) {
    options.databases = *databases;
    options.replicas = kReplicas;
    return demo::Suite::Start(std::move(options));
  };
  auto suite = start(BusyProgram::SuiteFor(folder));
  ASSERT_TRUE(suite.ok()) << suite.status();

  std::atomic<const NodeKiller*> killer_now = nullptr;
  // There are always some cases under way.
  const auto may_open = [&](int opened) {
    const NodeKiller& killer = *killer_now.load();
    return killer.over() || opened <= kAtOnce / 2 + (kCases - kAtOnce / 2) * (killer.kills() + 1) / (demo::Galera::kNodes + 1);
  };
  BusyProgram program({.suite = **suite, .cases = kCases, .at_once = kAtOnce, .may_open = may_open});
  const absl::Status prepared = program.Prepare();
  ASSERT_TRUE(prepared.ok()) << prepared;
  NodeKiller killer(**cluster, **suite, program);
  killer_now = &killer;
  const absl::Status run = program.Run();
  killer.Join();
  EXPECT_TRUE(run.ok()) << run;
  EXPECT_THAT(killer.wrong(), IsEmpty());
  EXPECT_EQ(killer.kills(), demo::Galera::kNodes);
  const absl::Status settled = program.Settle(absl::Seconds(90));
  EXPECT_TRUE(settled.ok()) << settled;
  const std::vector<std::string> wrong = program.Check();
  EXPECT_THAT(wrong, IsEmpty()) << absl::StrJoin(wrong, "\n");
  EXPECT_LT(program.figures().longest_interruption, kLongestInterruption);

  suite->reset();
  suite = start(BusyProgram::SuiteFor(folder, absl::Milliseconds(200)));
  ASSERT_TRUE(suite.ok()) << suite.status();
  EXPECT_THAT(WrongByReconciler(**suite), IsEmpty());

  std::cout << kCases << " cases: " << ToString(program.figures()) << "; " << killer.kills() << " nodes killed\n";
}

}  // namespace
}  // namespace rematch::scenario
