// A small consortium to test with: in memory for the pure domain, and behind the real door on a store.
#ifndef REMATCH_TESTS_MENTOR_MENTOR_KIT_H_
#define REMATCH_TESTS_MENTOR_MENTOR_KIT_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "access/access.h"
#include "mentor-service/domain/commands.h"
#include "mentor-service/mentor_service.h"
#include "mentor-service/rpc/batch.h"
#include "mentor-service/rpc/convert.h"
#include "mentor-service/store/kept_members.h"
#include "mentor-service/store/store.h"
#include "platform/clock.h"
#include "platform/ids.h"
#include "platform/sql/database.h"
#include "platform/sql/migrations.h"
#include "tests/mentor/whole_roster.h"
#include "tests/store.h"

namespace rematch::mentor {

inline absl::Time TestNow() { return absl::FromUnixSeconds(1'770'000'000); }

// Ids 1, 2, 3 ... in order.
inline Context TestContext(absl::Time now = TestNow()) {
  auto next = std::make_shared<int>(0);
  return {.now = now, .new_id = [next] { return "id-" + std::to_string(++*next); }};
}

inline Contact SomeContact(const std::string& who) {
  return {.display_name = "Some " + who, .email = who + "@x.example", .phone = "310 555 0100"};
}

// Mentors one candidate of three, covers everything, same district.
inline Mentor SomeMentor(const std::string& id) {
  Mentor mentor;
  mentor.id = id;
  mentor.joined = TestNow();
  mentor.contact = SomeContact(id);
  mentor.district = "d1";
  mentor.programs = {"p1"};
  mentor.credentials = {"Multiple Subject"};
  mentor.grade_bands = {"3-5"};
  mentor.subjects = {"Science", "Reading"};
  mentor.capacity = 3;
  mentor.years_mentored = 2;
  mentor.assigned = 1;
  mentor.has_mentored = true;
  return mentor;
}

inline Candidate SomeCandidate(const std::string& id) {
  Candidate candidate;
  candidate.id = id;
  candidate.program = "p1";
  candidate.joined = TestNow();
  candidate.contact = SomeContact(id);
  candidate.site = "s1";
  candidate.credential = "Multiple Subject";
  candidate.grade_band = "3-5";
  candidate.subjects = {"Science", "Reading"};
  candidate.without_mentor_since = TestNow();
  return candidate;
}

// Consortium c1 with districts d1 and d2, which share mentors, site s1 in d1, program p1 led by lee (mentor m-lee) with alternate al
// (mentor m-al), and candidate ann, who has no mentor.
inline Roster SmallRoster() {
  Roster roster;
  roster.consortium_id = "c1";
  roster.consortium.Load({.id = "c1", .display_name = "One"});
  for (const char* id : {"d1", "d2"}) {
    roster.districts.Load(
        {.id = id, .display_name = id, .representative = SomeContact(id), .lends_mentors = true, .borrows_mentors = true});
  }
  roster.sites.Load({.id = "s1", .display_name = "S1", .district = "d1", .administrator = SomeContact("admin")});
  roster.programs.Load({.id = "p1",
                        .display_name = "P1",
                        .time_zone = "America/Los_Angeles",
                        .leader = {.id = "lee", .contact = SomeContact("lee"), .mentor = "m-lee"},
                        .alternate = {.id = "al", .contact = SomeContact("al"), .mentor = "m-al"}});
  roster.candidates.Load(SomeCandidate("ann"));
  return roster;
}

// The same roster with all of it to be written.
inline Roster AsNew(const Roster& roster) {
  Roster fresh;
  fresh.consortium_id = roster.consortium_id;
  const auto copy = [](const auto& from, auto& to) {
    for (const auto& [id, row] : from.rows()) to.Put(row.value);
  };
  copy(roster.consortium, fresh.consortium);
  copy(roster.districts, fresh.districts);
  copy(roster.sites, fresh.sites);
  copy(roster.programs, fresh.programs);
  copy(roster.mentors, fresh.mentors);
  copy(roster.candidates, fresh.candidates);
  copy(roster.seats, fresh.seats);
  copy(roster.assignments, fresh.assignments);
  return fresh;
}

// Whether d2 lends mentors, and whether d1, where the site of the candidates is, borrows any.
inline void Share(Roster& roster, bool lends, bool borrows) {
  roster.districts.Change("d1") = {.id = "d1", .display_name = "d1", .representative = SomeContact("d1"), .borrows_mentors = borrows};
  roster.districts.Change("d2") = {.id = "d2", .display_name = "d2", .representative = SomeContact("d2"), .lends_mentors = lends};
}

inline Search Ordered(std::vector<std::string> order) {
  Search search;
  search.order = std::move(order);
  return search;
}
inline Search Without(std::vector<std::string> exclude) {
  Search search;
  search.exclude = std::move(exclude);
  return search;
}
inline Search OfTiers(std::vector<Tier> tiers) {
  Search search;
  search.tiers = std::move(tiers);
  return search;
}
inline Search Everybody(std::vector<std::string> exclude = {}) {
  Search search = Without(std::move(exclude));
  search.pool = Pool::kEverybody;
  return search;
}

inline std::vector<std::string> MentorsOf(const std::vector<Ranked>& ranking) {
  std::vector<std::string> mentors;
  for (const Ranked& ranked : ranking) mentors.push_back(ranked.mentor);
  return mentors;
}

// The real door over a store, without a server: one replica.
class DoorKit {
 public:
  // Over a store of its own. `threads` as of GroupCommitOptions.
  explicit DoorKit(int threads = -1) : DoorKit(std::make_unique<testing::TestStore>(MentorMigrations()), threads, 7) {}
  // Over one that others may use, whose randomness must differ.
  explicit DoorKit(const testing::TestStore& store, uint64_t seed = 7) : DoorKit(store.url(), -1, seed) {}

  sql::Database& database() { return *database_; }
  platform::ManualClock& clock() { return clock_; }
  Door& door() { return *door_; }
  // What the door keeps.
  store::KeptMembers& members() { return members_; }

  Command Make(Action action) const {
    return {.caller = {.role = std::string(access::kService), .person = ""},
            .method = "/rematch.mentor.v1.MentorService/HoldSeat",
            .consortium = "c1",
            .action = std::move(action)};
  }
  static CommandMeta Meta(const std::string& request_id, const std::string& hash = "h") {
    return {.scope = "consortia/c1", .request_id = request_id, .body_hash = hash};
  }
  absl::StatusOr<std::string> Do(const std::string& request_id, Action action) {
    return door_->Commit(Meta(request_id), Make(std::move(action)));
  }
  template <typename Response>
  absl::StatusOr<Response> DoAs(const std::string& request_id, Action action) {
    absl::StatusOr<std::string> reply = Do(request_id, std::move(action));
    if (!reply.ok()) return reply.status();
    Response response;
    if (!response.ParseFromString(*reply)) return absl::DataLossError("reply");
    return response;
  }

  // As a writer beside those of the door.
  absl::Status Save(sql::Transaction& tx, const Roster& roster) { return store::Save(tx, roster, stamps_.Next(), clock_.Now()); }
  // Writes a roster as it stands, beside the door.
  void Put(const Roster& roster) {
    const absl::Status status = database_->Transact([&](sql::Transaction& tx) { return Save(tx, AsNew(roster)); });
    ASSERT_TRUE(status.ok()) << status;
  }

  Roster All() {
    Roster roster;
    const absl::Status status = database_->Read([&](sql::Transaction& tx) -> absl::Status {
      REMATCH_ASSIGN_OR_RETURN(roster, WholeRoster(tx, "c1"));
      return absl::OkStatus();
    });
    if (!status.ok()) ADD_FAILURE() << status;
    return roster;
  }
  std::vector<Assignment> Assignments() {
    std::vector<Assignment> assignments;
    const absl::Status status = database_->Read([&](sql::Transaction& tx) -> absl::Status {
      REMATCH_ASSIGN_OR_RETURN(assignments, store::ListAssignments(tx, "c1", {}, {}, 100'000));
      return absl::OkStatus();
    });
    if (!status.ok()) ADD_FAILURE() << status;
    return assignments;
  }

  // What must hold of every roster at every time: counters say what rows say, no mentor is over capacity (F30), and exactly the live
  // assignment of a candidate is open in the history (F34).
  void ExpectConsistent() {
    const Roster roster = All();
    std::map<std::string, int> assigned, held;
    std::map<std::string, std::vector<std::string>> open;
    for (const auto& [id, row] : roster.candidates.rows()) {
      if (!row.value.mentor.empty()) ++assigned[row.value.mentor];
      EXPECT_EQ(row.value.mentor.empty(), row.value.assignment.empty());
      EXPECT_EQ(row.value.mentor.empty(), row.value.without_mentor_since.has_value());
    }
    for (const auto& [id, row] : roster.seats.rows()) {
      if (row.value.state == Seat::State::kHeld) ++held[row.value.mentor];
    }
    for (const auto& [id, row] : roster.mentors.rows()) {
      EXPECT_EQ(row.value.assigned, assigned[id]) << id;
      EXPECT_EQ(row.value.held, held[id]) << id;
      EXPECT_LE(row.value.assigned + row.value.held, row.value.capacity) << id;
    }
    for (const Assignment& assignment : Assignments()) {
      if (!assignment.end.has_value()) open[assignment.candidate].push_back(assignment.id);
    }
    for (const auto& [id, row] : roster.candidates.rows()) {
      if (row.value.assignment.empty()) {
        EXPECT_TRUE(open[id].empty()) << id;
      } else {
        EXPECT_THAT(open[id], ::testing::ElementsAre(row.value.assignment)) << id;
      }
    }
  }

 private:
  DoorKit(std::unique_ptr<testing::TestStore> store, int threads, uint64_t seed) : DoorKit(store->url(), threads, seed) {
    store_ = std::move(store);
  }
  DoorKit(const std::string& url, int threads, uint64_t seed) : random_(seed), ids_(clock_, random_), handler_(members_, clock_, ids_) {
    auto database = sql::Open(url);
    if (!database.ok()) ADD_FAILURE() << database.status();
    database_ = *std::move(database);
    if (const absl::Status status = sql::Migrate(*database_, MentorMigrations(), clock_); !status.ok()) ADD_FAILURE() << status;
    GroupCommitOptions options;
    options.threads = threads;
    door_ = std::make_unique<Door>(options, *database_, handler_, clock_, random_);
  }

  std::unique_ptr<testing::TestStore> store_;  // if it is this one's own
  platform::ManualClock clock_{TestNow()};
  platform::SeededRandom random_;
  platform::IdSource ids_;
  Stamps stamps_{ids_};
  store::KeptMembers members_;
  BatchHandler handler_;
  std::unique_ptr<sql::Database> database_;
  std::unique_ptr<Door> door_;
};

}  // namespace rematch::mentor

#endif  // REMATCH_TESTS_MENTOR_MENTOR_KIT_H_
