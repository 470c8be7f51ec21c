// kill -9 of services and of their database, at any moment of many running cases, with two replicas of each service: what was acknowledged
// stays, and nothing happens twice.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "demo/mariadb.h"
#include "tests/scenario/busy_program.h"
#include "tests/scenario/scenario_kit.h"
#include "tests/tier.h"

namespace rematch::scenario {
namespace {

constexpr char kDatabase[] = "mariadb";
constexpr int kReplicas = 2;
constexpr absl::Duration kRecovery = absl::Seconds(30);

// Kills one process after another, sometimes two at once, and starts them again.
class ProcessKiller final : public Killer {
 public:
  ProcessKiller(demo::Mariadb& server, int kills) : Killer(kills), server_(server), random_(SeedOfTests()) {}

  void Run(demo::Suite& suite, const BusyProgram&) override {
    suite_ = &suite;
    std::vector<Victim> victims;
    while (kills() < wanted() && wrong().empty()) {
      // One of five is the database, at some place among the five.
      std::vector<bool> of_database = {true, false, false, false, false};
      std::shuffle(of_database.begin(), of_database.end(), random_);
      for (const bool database : of_database) {
        absl::SleepFor(absl::Milliseconds(300) + UpTo(absl::Milliseconds(1700)));
        if (database) {
          KillDatabase();
        } else {
          KillServices(victims);
        }
        if (!wrong().empty()) return;
      }
    }
  }

  // After Run().
  const std::map<std::string, int>& by_part() const { return by_part_; }

 private:
  struct Victim {
    demo::Part part;
    int replica;
  };

  absl::Duration UpTo(absl::Duration longest) { return longest * (random_() % 1000 / 1000.0); }

  void KillServices(std::vector<Victim>& victims) {
    std::vector<Victim> down = {Kill(victims)};
    // Sometimes another before the first is back: perhaps the other replica of the same.
    if (random_() % 4 == 0) {
      absl::SleepFor(UpTo(absl::Milliseconds(300)));
      const Victim next = Kill(victims);
      if (next.part != down[0].part || next.replica != down[0].replica) down.push_back(next);
    }
    absl::SleepFor(UpTo(absl::Milliseconds(1000)));
    for (const Victim& victim : down) {
      if (!Expect(suite_->Restart(victim.part, victim.replica),
                  absl::StrCat(demo::NameOf(victim.part), " ", victim.replica, " did not come back"))) {
        return;
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
    suite_->Kill(victim.part, victim.replica);
    Count(demo::NameOf(victim.part));
    return victim;
  }

  // The services wait for it by themselves, saying so, and nobody starts them again.
  void KillDatabase() {
    const std::vector<pid_t> before = Pids();
    if (!Expect(server_.Kill(), "the database was not killed")) return;
    Count(kDatabase);
    for (const demo::Part part : demo::kParts) {
      const auto says_so = [&] { return CountHealth(part, demo::kNotServing) > 0; };
      if (!demo::WaitUntil(says_so, kRecovery)) Wrong(absl::StrCat(demo::NameOf(part), " serves without a database"));
    }
    absl::SleepFor(UpTo(absl::Milliseconds(500)));
    if (!Expect(server_.Restart(), "the database did not come back")) return;
    for (const demo::Part part : demo::kParts) {
      const auto all_serve = [&] { return CountHealth(part, demo::kServing) == kReplicas; };
      if (!demo::WaitUntil(all_serve, kRecovery)) Wrong(absl::StrCat(demo::NameOf(part), " does not serve again"));
    }
    if (Pids() != before) Wrong("a service ended while the database was away");
  }

  int CountHealth(demo::Part part, int status) {
    int count = 0;
    for (int replica = 0; replica < kReplicas; ++replica) {
      count += demo::HealthOf(suite_->channel(part, replica), demo::HealthNameOf(part)).value_or(0) == status;
    }
    return count;
  }

  // 0 for one that does not run.
  std::vector<pid_t> Pids() {
    std::vector<pid_t> pids;
    for (const demo::Part part : demo::kParts) {
      for (int replica = 0; replica < kReplicas; ++replica) {
        pids.push_back(suite_->running(part, replica) ? suite_->pid(part, replica) : 0);
      }
    }
    return pids;
  }

  void Count(const std::string& part) {
    ++by_part_[part];
    Killed();
  }

  demo::Suite* suite_ = nullptr;
  demo::Mariadb& server_;
  std::mt19937 random_;
  std::map<std::string, int> by_part_;
};

TEST(BusyKill, OfServicesAndOfTheDatabaseLosesNothingAndDoublesNothing_OnMysql_F30_F32) {
  WorkFolder folder;
  auto server = StartMariadb(folder);
  ASSERT_TRUE(server.ok()) << server.status();
  auto databases = (*server)->Databases();
  ASSERT_TRUE(databases.ok()) << databases.status();
  ProcessKiller killer(**server, InTier(10, 50));
  const auto figures = PlayWhileKilled(folder, Stores(*databases), {.cases = InTier(40, 200), .at_once = InTier(20, 40)}, killer);
  ASSERT_TRUE(figures.ok()) << figures.status();
  std::cout << "killed: " << absl::StrJoin(killer.by_part(), ", ", absl::PairFormatter(" ")) << "\n";
}

}  // namespace
}  // namespace rematch::scenario
