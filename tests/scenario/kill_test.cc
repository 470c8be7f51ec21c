// kill -9 of each service at 20 moments of case (a), with `./dev test --all` at more: the service comes back, and the case still ends right
// with each message made once. On MySQL one of two replicas is killed, at fewer moments.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <set>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "demo/cases.h"
#include "tests/scenario/scenario_kit.h"
#include "tests/tier.h"

namespace rematch::scenario {
namespace {

using ::testing::IsEmpty;

// As many moments of a run as are tried, spread from the first to the last.
std::vector<int> Spread(int moments, int last) {
  std::vector<int> spread;
  for (int i = 0; i < moments; ++i) spread.push_back(1 + i * (last - 1) / (moments - 1));
  return spread;
}
// Runs at once: most of a run is waiting for a window to end.
constexpr int kLanes = 4;

// Kills a service at the n-th moment of a play, a little later, and starts it again.
class Killer final : public demo::Narrator {
 public:
  Killer(demo::Suite& suite, demo::Part part, int replica, int moment, absl::Duration delay)
      : suite_(suite), part_(part), replica_(replica), moment_(moment), delay_(delay) {}
  ~Killer() override { Join(); }

  void Say(const std::string& line) override { absl::StrAppend(&told_, line, "\n"); }
  void Moment() override {
    if (++moments_ != moment_) return;
    thread_ = std::thread([this] {
      absl::SleepFor(delay_);
      suite_.Kill(part_, replica_);
      restarted_ = suite_.Restart(part_, replica_);
    });
  }
  void Join() {
    if (thread_.joinable()) thread_.join();
  }
  int moments() const { return moments_; }
  // How the restart went; an error, too, when the moment never came.
  const absl::Status& restarted() const { return restarted_; }
  const std::string& told() const { return told_; }

 private:
  demo::Suite& suite_;
  const demo::Part part_;
  const int replica_;
  const int moment_;
  const absl::Duration delay_;
  int moments_ = 0;
  std::thread thread_;
  absl::Status restarted_ = absl::NotFoundError("the moment never came");
  std::string told_;
};

struct Outcome {
  int moments = 0;
  std::vector<std::string> wrong;
};

// One run of case (a) on a suite of its own; `moment` 0 kills nothing.
// On `mariadb`, if there is one, in schemas of its own.
Outcome RunOnce(demo::Mariadb* mariadb, const std::string& work_dir, const std::string& policy, demo::Part part, int moment,
                absl::Duration delay) {
  Outcome outcome;
  absl::StatusOr<std::map<demo::Part, std::string>> databases = std::map<demo::Part, std::string>();
  if (mariadb != nullptr) databases = mariadb->Databases(absl::StrCat("at_", moment, "_"));
  if (!databases.ok()) {
    outcome.wrong.push_back(absl::StrCat("no schemas: ", databases.status().message()));
    return outcome;
  }
  const Stores stores(*databases);
  const SmallRoster roster;
  auto stage = Prepare(stores.Under({.bin_dir = BinDir(), .work_dir = work_dir, .policy = policy, .flags = QuickRecovery()}), roster);
  if (!stage.ok()) {
    outcome.wrong.push_back(absl::StrCat("the suite did not start: ", stage.status().message()));
    return outcome;
  }
  Killer killer(*stage->suite, part, moment % stage->suite->replicas(), moment, delay);
  demo::Play play({.suite = *stage->suite,
                   .directory = stage->directory,
                   .narrator = killer,
                   .candidate = stage->Candidate(roster),
                   .key = "a",
                   .patience = absl::Seconds(40)});
  auto expected = demo::TellDeclineSilenceYes(play, demo::DemoWords());
  killer.Join();
  outcome.moments = killer.moments();
  if (moment != 0 && !killer.restarted().ok())
    outcome.wrong.push_back(absl::StrCat("the service did not come back: ", killer.restarted().message()));
  if (!expected.ok()) {
    outcome.wrong.push_back(absl::StrCat(expected.status().message(), "\n", killer.told()));
    return outcome;
  }
  // Messages exactly once, seats accounted for, the trail intact.
  for (std::string& line : demo::Differences(play, *expected, stage->before)) outcome.wrong.push_back(std::move(line));
  const std::vector<demo::Mail> mail = demo::ReadMaildirs(stage->suite->mail_dir());
  std::set<std::string> ids;
  int official = 0;
  for (const demo::Mail& one : mail) {
    ids.insert(one.message_id);
    official += absl::StartsWith(one.subject, "Your mentor is now ") || absl::StartsWith(one.subject, "You are now the mentor of ");
  }
  if (official != 2) outcome.wrong.push_back(absl::StrCat(official, " official emails instead of 2"));
  if (ids.size() != mail.size() || mail.size() != expected->messages.size()) {
    outcome.wrong.push_back(absl::StrCat(mail.size(), " files with ", ids.size(), " Message-IDs instead of ", expected->messages.size()));
  }
  return outcome;
}

void KillAtEveryMoment(demo::Part part, bool mysql) {
  WorkFolder folder;
  std::unique_ptr<demo::Mariadb> mariadb;
  if (mysql) {
    auto started = StartMariadb(folder);
    ASSERT_TRUE(started.ok()) << started.status();
    mariadb = *std::move(started);
  }
  const std::string policy = folder.Write("policy", PolicyInSeconds().Text());
  const Outcome calm = RunOnce(mariadb.get(), absl::StrCat(folder.path(), "/calm"), policy, part, 0, absl::ZeroDuration());
  ASSERT_THAT(calm.wrong, IsEmpty()) << "without any kill";
  // A case has some sixty moments: with --all, every one of them.
  const std::vector<int> moments = Spread(InTier(mysql ? 4 : 20, calm.moments), calm.moments);
  ASSERT_EQ(std::set<int>(moments.begin(), moments.end()).size(), moments.size()) << "of " << calm.moments;
  ASSERT_EQ(moments.back(), calm.moments);

  const auto runs = static_cast<int>(moments.size());
  std::vector<std::vector<std::string>> wrong(moments.size());
  std::atomic<int> next = 0;
  std::vector<std::thread> lanes;
  for (int lane = 0; lane < kLanes; ++lane) {
    lanes.emplace_back([&] {
      for (int i = next++; i < runs; i = next++) {
        // The seed decides how long after the moment the kill comes: at once, within the work that it starts, or in the silence after it.
        const int seed = static_cast<int>(part) * 1000 + i;
        std::mt19937 random(seed);
        const int spread_ms[] = {2, 20, 100, 600};
        const absl::Duration delay = absl::Microseconds(random() % (spread_ms[random() % 4] * 1000));
        const int moment = moments[i];
        const Outcome outcome = RunOnce(mariadb.get(), absl::StrCat(folder.path(), "/", i), policy, part, moment, delay);
        for (const std::string& line : outcome.wrong) {
          wrong[i].push_back(absl::StrCat("kill of ", demo::NameOf(part), " ", absl::FormatDuration(delay), " after moment ", moment,
                                          " of ", calm.moments, " (seed ", seed, "): ", line));
        }
      }
    });
  }
  for (std::thread& lane : lanes) lane.join();
  for (const auto& lines : wrong) EXPECT_THAT(lines, IsEmpty()) << absl::StrJoin(lines, "\n");
}

// F8, F30, F40: nothing lost, nothing twice.
TEST(Spread, ReachesFromTheFirstMomentToTheLastWithoutTryingOneTwice) {
  EXPECT_THAT(Spread(20, 20), testing::ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20));
  for (const int last : {21, 37, 64}) {
    const std::vector<int> moments = Spread(20, last);
    EXPECT_EQ(std::set<int>(moments.begin(), moments.end()).size(), 20u);
    EXPECT_EQ(moments.front(), 1);
    EXPECT_EQ(moments.back(), last);
  }
}

class KillNine : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(On, KillNine, testing::Bool(), Stores::Name);

TEST_P(KillNine, OfMentorServiceAtMomentsOfAllItsStepsLeavesTheCaseRight) { KillAtEveryMoment(demo::Part::kMentor, GetParam()); }
TEST_P(KillNine, OfNotifyServiceAtMomentsOfAllItsStepsLeavesTheCaseRight) { KillAtEveryMoment(demo::Part::kNotify, GetParam()); }
TEST_P(KillNine, OfRequestServiceAtMomentsOfAllItsStepsLeavesTheCaseRight) { KillAtEveryMoment(demo::Part::kRequest, GetParam()); }

}  // namespace
}  // namespace rematch::scenario
