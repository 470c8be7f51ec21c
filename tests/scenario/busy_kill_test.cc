// kill -9 of services and of their database, at any moment of many running cases, with two replicas of each service: what was acknowledged
// stays, and nothing happens twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <iostream>
#include <map>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "demo/mariadb.h"
#include "platform/errors.h"
#include "tests/scenario/busy_program.h"
#include "tests/scenario/scenario_kit.h"
#include "tests/tier.h"

namespace rematch::scenario {
namespace {

using ::testing::IsEmpty;

constexpr char kDatabase[] = "mariadb";
constexpr int kReplicas = 2;
constexpr absl::Duration kRecovery = absl::Seconds(30);
constexpr int kNotServing = 2;  // of grpc.health.v1

// Kills one process after another, sometimes two at once, and starts them again.
class Killer {
 public:
  Killer(demo::Suite& suite, demo::Mariadb& server, uint32_t seed, int kills)
      : suite_(suite), server_(server), random_(seed), wanted_(kills), thread_([this] {
          Run();
          over_ = true;
        }) {}
  ~Killer() { Join(); }
  void Join() {
    if (thread_.joinable()) thread_.join();
  }

  // So far. Any thread.
  int kills() const { return kills_; }
  bool over() const { return over_; }
  // After Join().
  const std::map<std::string, int>& by_part() const { return by_part_; }
  const std::vector<std::string>& wrong() const { return wrong_; }

 private:
  struct Victim {
    demo::Part part;
    int replica;
  };

  absl::Duration UpTo(absl::Duration longest) { return longest * (random_() % 1000 / 1000.0); }

  void Run() {
    std::vector<Victim> victims;
    for (int round = 0; kills_ < wanted_ && wrong_.empty(); ++round) {
      // One of five is the database, at some place among the five.
      std::vector<bool> of_database = {true, false, false, false, false};
      std::shuffle(of_database.begin(), of_database.end(), random_);
      for (const bool database : of_database) {
        absl::SleepFor(absl::Milliseconds(300) + UpTo(absl::Milliseconds(1700)));
        if (database) {
          KillDatabase();
          continue;
        }
        std::vector<Victim> down = {Kill(victims)};
        // Sometimes another before the first is back: perhaps the other replica of the same.
        if (random_() % 4 == 0) {
          absl::SleepFor(UpTo(absl::Milliseconds(300)));
          const Victim next = Kill(victims);
          if (next.part != down[0].part || next.replica != down[0].replica) down.push_back(next);
        }
        absl::SleepFor(UpTo(absl::Milliseconds(1000)));
        for (const Victim& victim : down) {
          if (const absl::Status back = suite_.Restart(victim.part, victim.replica); !back.ok()) {
            wrong_.push_back(absl::StrCat(demo::NameOf(victim.part), " ", victim.replica, " did not come back: ", back.message()));
            return;
          }
        }
      }
    }
  }

  // All six take their turns, in an order of their own each time.
  Victim Kill(std::vector<Victim>& victims) {
    if (victims.empty()) {
      for (const demo::Part part : demo::kParts) {
        for (int replica = 0; replica < kReplicas; ++replica) victims.push_back({part, replica});
      }
      std::shuffle(victims.begin(), victims.end(), random_);
    }
    const Victim victim = victims.back();
    victims.pop_back();
    suite_.Kill(victim.part, victim.replica);
    Count(demo::NameOf(victim.part));
    return victim;
  }

  // The services wait for it by themselves, saying so, and nobody starts them again.
  void KillDatabase() {
    const std::vector<pid_t> before = Pids();
    if (!Expect(server_.Kill(), "the database was not killed")) return;
    Count(kDatabase);
    for (const demo::Part part : demo::kParts) {
      const auto says_so = [&] { return CountHealth(part, kNotServing) > 0; };
      if (!demo::WaitUntil(says_so, kRecovery)) wrong_.push_back(absl::StrCat(demo::NameOf(part), " serves without a database"));
    }
    absl::SleepFor(UpTo(absl::Milliseconds(500)));
    if (!Expect(server_.Restart(), "the database did not come back")) return;
    for (const demo::Part part : demo::kParts) {
      const auto all_serve = [&] { return CountHealth(part, 1) == kReplicas; };
      if (!demo::WaitUntil(all_serve, kRecovery)) wrong_.push_back(absl::StrCat(demo::NameOf(part), " does not serve again"));
    }
    if (Pids() != before) wrong_.push_back("a service ended while the database was away");
  }

  int CountHealth(demo::Part part, int status) {
    int count = 0;
    for (int replica = 0; replica < kReplicas; ++replica) {
      count += demo::HealthOf(suite_.channel(part, replica), demo::HealthNameOf(part)).value_or(0) == status;
    }
    return count;
  }

  // 0 for one that does not run.
  std::vector<pid_t> Pids() {
    std::vector<pid_t> pids;
    for (const demo::Part part : demo::kParts) {
      for (int replica = 0; replica < kReplicas; ++replica) {
        pids.push_back(suite_.running(part, replica) ? suite_.pid(part, replica) : 0);
      }
    }
    return pids;
  }

  bool Expect(const absl::Status& status, const std::string& otherwise) {
    if (!status.ok()) wrong_.push_back(absl::StrCat(otherwise, ": ", status.message()));
    return status.ok();
  }

  void Count(const std::string& part) {
    ++by_part_[part];
    ++kills_;
  }

  demo::Suite& suite_;
  demo::Mariadb& server_;
  std::mt19937 random_;
  const int wanted_;
  std::atomic<int> kills_ = 0;
  std::atomic<bool> over_ = false;
  std::map<std::string, int> by_part_;
  std::vector<std::string> wrong_;
  std::thread thread_;  // the last member: it uses the others
};

TEST(BusyKill, OfServicesAndOfTheDatabaseLosesNothingAndDoublesNothing_OnMysql_F30_F32) {
  const int kills = InTier(10, 50), cases = InTier(40, 200), at_once = InTier(20, 40);
  const uint32_t seed = 1;
  WorkFolder folder;
  auto server = demo::Mariadb::Start(absl::StrCat(SourceDir(), "/tools/mariadb"), absl::StrCat(folder.path(), "/mariadb"));
  ASSERT_TRUE(server.ok()) << server.status();
  auto databases = (*server)->Databases();
  ASSERT_TRUE(databases.ok()) << databases.status();
  const auto start = [&](demo::SuiteOptions options) {
    options.databases = *databases;
    options.replicas = kReplicas;
    return demo::Suite::Start(std::move(options));
  };
  auto suite = start(BusyProgram::SuiteFor(folder));
  ASSERT_TRUE(suite.ok()) << suite.status();

  std::atomic<const Killer*> killer_now = nullptr;
  // The kills are spread over the cases: there are always some under way.
  const auto may_open = [&](int opened) {
    const Killer& killer = *killer_now.load();
    return killer.over() || opened <= at_once / 2 + (cases - at_once / 2) * killer.kills() / kills;
  };
  BusyProgram program({.suite = **suite, .cases = cases, .at_once = at_once, .seed = seed, .may_open = may_open});
  ASSERT_TRUE(program.Prepare().ok());
  Killer killer(**suite, **server, seed, kills);
  killer_now = &killer;
  const absl::Status run = program.Run();
  killer.Join();
  EXPECT_TRUE(run.ok()) << run;
  EXPECT_THAT(killer.wrong(), IsEmpty());
  EXPECT_GE(killer.kills(), kills);
  const absl::Status settled = program.Settle(absl::Seconds(90));
  EXPECT_TRUE(settled.ok()) << settled;
  const std::vector<std::string> wrong = program.Check();
  EXPECT_THAT(wrong, IsEmpty()) << absl::StrJoin(wrong, "\n");

  suite->reset();
  suite = start(BusyProgram::SuiteFor(folder, absl::Milliseconds(200)));
  ASSERT_TRUE(suite.ok()) << suite.status();
  EXPECT_THAT(WrongByReconciler(**suite), IsEmpty());

  std::cout << cases << " cases: " << ToString(program.figures()) << "; " << killer.kills() << " kills ("
            << absl::StrJoin(killer.by_part(), ", ", absl::PairFormatter(" ")) << "); seed " << seed << "\n";
}

}  // namespace
}  // namespace rematch::scenario
