// The next seat is of the best of all members, though only those who are likely to be are locked.
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "mentor-service/domain/members.h"
#include "mentor-service/domain/ranking.h"
#include "mentor-service/store/kept_members.h"
#include "tests/mentor/mentor_kit.h"

namespace rematch::mentor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Whose places differ by how much of the need they cover: m0 before m1, and so on.
Mentor InOrder(int place) {
  Mentor mentor = SomeMentor(absl::StrCat("m", place));
  if (place > 0) mentor.subjects = {"Science"};
  if (place > 1) mentor.subjects = {};
  if (place > 2) mentor.grade_bands = {};
  if (place > 3) mentor.credentials = {};
  for (; place > 4; --place) ++mentor.assigned, ++mentor.capacity;
  return mentor;
}

std::shared_ptr<const Members> PoolOf(int count) {
  Members::List list;
  for (int i = 0; i < count; ++i) list.push_back(std::make_shared<const Mentor>(InOrder(i)));
  return std::make_shared<const Members>(std::move(list));
}

HoldNextSeat Next(const std::string& seat) { return {.seat = seat, .program = "p1", .candidate = "ann", .search = Everybody()}; }

TEST(NextSeat, IsOfTheBestOfThePoolAsTheRosterSaysTheyAreNow) {
  Roster roster = SmallRoster();
  roster.pools["p1"] = PoolOf(6);
  Mentor full = InOrder(0);
  full.held = 2;
  roster.mentors.Load(full);
  Mentor gone = InOrder(1);
  gone.programs = {};
  roster.mentors.Load(gone);
  roster.mentors.Load(InOrder(2));
  Mentor joined = SomeMentor("joined");
  roster.mentors.Load(joined);
  const auto first = Decide(roster, Next("s1"), TestContext());
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->mentor.mentor, "joined") << "a member who is in the roster only";
  EXPECT_EQ(first->full, 1);
  roster.mentors.Change("joined").held = 2;
  const auto second = Decide(roster, Next("s2"), TestContext());
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->mentor.mentor, "m2") << "m0 is full by now, m1 is no member any more";
  EXPECT_EQ(second->full, 2);
  EXPECT_FALSE(roster.lacking);
}

TEST(NextSeat, IsNotOfWhoIsInThePoolOnly) {
  Roster roster = SmallRoster();
  roster.pools["p1"] = PoolOf(3);
  roster.mentors.Load(InOrder(1));
  const auto held = Decide(roster, Next("s1"), TestContext());
  EXPECT_EQ(held.status().code(), absl::StatusCode::kAborted) << held.status();
  EXPECT_TRUE(roster.lacking);
  EXPECT_THAT(roster.seats.rows(), IsEmpty());
}

TEST(NextSeat, IsNotRefusedWhenWhoeverWasFreeIsNotAnyMore) {
  Roster roster = SmallRoster();
  roster.pools["p1"] = PoolOf(1);
  const HoldNextSeat next = Next("s1");
  EXPECT_THAT(LikelyNext(roster, {&next}, TestNow()), ElementsAre("m0"));
  Mentor taken = InOrder(0);
  taken.held = 2;
  roster.mentors.Load(taken);
  const auto held = Decide(roster, next, TestContext());
  EXPECT_EQ(held.status().code(), absl::StatusCode::kAborted) << "others may have become free since the pool was read";
  EXPECT_TRUE(roster.lacking);
}

TEST(NextSeat, IsLikelyOfTheBestOfWhomOthersMayTakeAsManySideBySide) {
  Roster roster = SmallRoster();
  roster.pools["p1"] = PoolOf(9);
  const HoldNextSeat a = Next("s1"), b = Next("s2");
  EXPECT_THAT(LikelyNext(roster, {&a}, TestNow()), ElementsAre("m0", "m1", "m2", "m3"));
  EXPECT_THAT(LikelyNext(roster, {&a, &b}, TestNow()), SizeIs(8));
}

TEST(NextSeat, IsLikelyOfNobodyWhereNoneIsToBeFound) {
  Roster roster = SmallRoster();
  roster.pools["p1"] = PoolOf(9);
  roster.seats.Load({.id = "s1", .mentor = "m0", .candidate = "ann", .program = "p1"});
  const HoldNextSeat again = Next("s1");
  HoldNextSeat unknown = Next("s2");
  unknown.candidate = "nobody";
  HoldNextSeat elsewhere = Next("s3");
  elsewhere.program = "p9";
  HoldNextSeat none_left = Next("s4");
  for (int i = 0; i < 9; ++i) none_left.search.exclude.push_back(absl::StrCat("m", i));
  EXPECT_THAT(LikelyNext(roster, {&again, &unknown, &elsewhere, &none_left}, TestNow()), IsEmpty());
}

// --- Through the door ---

// Does something in front of the statement that locks mentors.
class Interrupted final : public sql::Database {
 public:
  explicit Interrupted(std::unique_ptr<sql::Database> inner) : inner_(std::move(inner)) {}
  std::function<void(sql::Transaction&)> before_lock;  // in every transaction: what one leaves undone is not seen by the next
  int locks = 0;

  absl::Status Transact(absl::FunctionRef<absl::Status(sql::Transaction&)> body) override {
    return inner_->Transact([&](sql::Transaction& tx) {
      Watched watched(*this, tx);
      return body(watched);
    });
  }
  absl::Status Read(absl::FunctionRef<absl::Status(sql::Transaction&)> body) override { return inner_->Read(body); }
  absl::Status ReadEach(absl::FunctionRef<absl::Status(sql::Transaction&)> body) override { return inner_->ReadEach(body); }
  int writers() const override { return inner_->writers(); }
  absl::Status RunDdl(std::string_view statement) override { return inner_->RunDdl(statement); }
  std::string_view columns_query() const override { return inner_->columns_query(); }

 private:
  class Watched final : public sql::Transaction {
   public:
    Watched(Interrupted& database, sql::Transaction& inner) : database_(database), inner_(inner) {}
    absl::StatusOr<std::vector<sql::Row>> Query(std::string_view statement, absl::Span<const sql::Value> parameters) override {
      if (statement.find("FROM mentors t") != statement.npos && statement.ends_with("FOR UPDATE")) {
        ++database_.locks;
        if (database_.before_lock) database_.before_lock(inner_);
      }
      return inner_.Query(statement, parameters);
    }
    absl::StatusOr<int64_t> Execute(std::string_view statement, absl::Span<const sql::Value> parameters) override {
      return inner_.Execute(statement, parameters);
    }

   private:
    Interrupted& database_;
    sql::Transaction& inner_;
  };

  const std::unique_ptr<sql::Database> inner_;
};

class NextSeatDoor : public ::testing::Test {
 protected:
  NextSeatDoor() {
    EXPECT_TRUE(sql::Migrate(database_, MentorMigrations(), clock_).ok());
    EXPECT_TRUE(store::BeginStamping(database_, TestNow()).ok());
  }
  void Put(const Roster& roster) {
    EXPECT_TRUE(
        database_.Transact([&](sql::Transaction& tx) { return store::Save(tx, AsNew(roster), {.writer = 9, .number = 1}, TestNow()); })
            .ok());
  }
  // The replies of one batch, in order, once it need not be run again.
  std::vector<absl::StatusOr<std::string>> Run(std::vector<Action> actions) {
    std::vector<Command> commands;
    for (Action& action : actions) {
      commands.push_back({.caller = {.role = std::string(access::kService), .person = ""},
                          .method = "/rematch.mentor.v1.MentorService/HoldNextSeat",
                          .consortium = "c1",
                          .action = std::move(action)});
    }
    std::vector<Command*> batch;
    for (Command& command : commands) batch.push_back(&command);
    std::vector<absl::StatusOr<std::string>> replies;
    absl::Status status;
    database_.locks = 0;
    for (runs_ = 0; runs_ == 0 || (runs_ < 3 && sql::FailureOf(status) == sql::Failure::kRetry); ++runs_) {
      status = database_.Transact([&](sql::Transaction& tx) -> absl::Status {
        REMATCH_ASSIGN_OR_RETURN(BatchResult result, handler_.Run(tx, batch));
        replies = std::move(result.replies);
        return absl::OkStatus();
      });
    }
    EXPECT_TRUE(status.ok()) << status;
    return replies;
  }
  static std::string MentorIn(const absl::StatusOr<std::string>& reply) {
    v1::HoldNextSeatResponse response;
    if (!reply.ok() || !response.ParseFromString(*reply)) return reply.status().ToString();
    return response.seat().mentor();
  }

  platform::ManualClock clock_{TestNow()};
  platform::SeededRandom random_{7};
  platform::IdSource ids_{clock_, random_};
  Interrupted database_{*sql::Open("sqlite::memory:")};
  int runs_ = 0;  // of the last batch
  store::KeptMembers members_;
  BatchHandler handler_{members_, clock_, ids_};
};

TEST_F(NextSeatDoor, LocksThoseWhoAreLikelyAndNoOthers) {
  Roster roster = SmallRoster();
  for (int i = 0; i < 40; ++i) roster.mentors.Put(InOrder(i));
  Put(roster);
  size_t locked = 0;
  EXPECT_EQ(MentorIn(Run({Next("s1")}).front()), "consortia/c1/mentors/m0");
  EXPECT_TRUE(database_
                  .Transact([&](sql::Transaction& tx) -> absl::Status {
                    Wants wants;
                    const Action action = Next("s2");
                    AddWants(action, wants);
                    REMATCH_ASSIGN_OR_RETURN(const Roster loaded, store::Load(tx, "c1", wants, store::Locks::kRows,
                                                                              store::LikelyBy{.kept = members_, .now = TestNow()}));
                    locked = loaded.mentors.rows().size();
                    EXPECT_THAT(loaded.PoolOf("p1").list(), SizeIs(40));
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_EQ(locked, 4u);
}

TEST_F(NextSeatDoor, FindsTheBestOfTheOthersWhenThoseWhoWereLikelyAreTakenMeanwhile) {
  Roster roster = SmallRoster();
  for (int i = 0; i < 12; ++i) roster.mentors.Put(InOrder(i));
  Put(roster);
  database_.before_lock = [](sql::Transaction& tx) {
    EXPECT_TRUE(tx.Execute("UPDATE mentors SET held = capacity - assigned WHERE mentor IN ('m0', 'm1', 'm2', 'm3', 'm5')").ok());
  };
  EXPECT_EQ(MentorIn(Run({Next("s1")}).front()), "consortia/c1/mentors/m4");
  EXPECT_EQ(runs_, 2) << "with the likely, then with everybody";
}

TEST_F(NextSeatDoor, FindsWhoBecameFreeWhileTheOnlyOneWasTaken) {
  Roster roster = SmallRoster();
  for (int i = 0; i < 3; ++i) {
    Mentor mentor = InOrder(i);
    if (i != 1) mentor.capacity = mentor.assigned;
    roster.mentors.Put(mentor);
  }
  Put(roster);
  database_.before_lock = [](sql::Transaction& tx) {
    EXPECT_TRUE(tx.Execute("UPDATE mentors SET held = capacity - assigned WHERE mentor = 'm1'").ok());
    EXPECT_TRUE(tx.Execute("UPDATE mentors SET capacity = assigned + 1 WHERE mentor = 'm2'").ok());
  };
  EXPECT_EQ(MentorIn(Run({Next("s1")}).front()), "consortia/c1/mentors/m2");
  EXPECT_EQ(runs_, 2);
}

TEST_F(NextSeatDoor, LocksNobodyForARefusal) {
  Roster roster = SmallRoster();
  for (int i = 0; i < 12; ++i) {
    Mentor mentor = InOrder(i);
    mentor.capacity = mentor.assigned;
    roster.mentors.Put(mentor);
  }
  Put(roster);
  const auto reply = Run({Next("s1")}).front();
  v1::HoldNextSeatResponse response;
  ASSERT_TRUE(reply.ok() && response.ParseFromString(*reply)) << reply.status();
  EXPECT_FALSE(response.has_seat());
  EXPECT_EQ(database_.locks, 0);
  EXPECT_EQ(runs_, 1);
}

// Whatever the roster and the batch: what is decided over those who are likely is what is decided over everybody.
TEST_F(NextSeatDoor, IsWhatItWouldBeWithEverybodyLocked) {
  std::mt19937 random(1);
  const auto pick = [&random](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  Roster roster = SmallRoster();
  Program second = *roster.programs.Find("p1");
  second.id = "p2";
  roster.programs.Load(second);
  for (int i = 0; i < 30; ++i) {
    Mentor mentor = InOrder(pick(5));
    mentor.id = absl::StrCat("m", i);
    mentor.contact = SomeContact(mentor.id);
    mentor.programs = i % 3 == 0 ? std::vector<std::string>{"p1", "p2"} : std::vector<std::string>{i % 3 == 1 ? "p1" : "p2"};
    mentor.assigned = 0;
    mentor.capacity = 1 + pick(3);
    mentor.district = pick(4) == 0 ? "d2" : "d1";
    roster.mentors.Put(mentor);
  }
  for (int i = 0; i < 20; ++i) {
    Candidate candidate = SomeCandidate(absl::StrCat("c", i));
    candidate.program = i % 2 == 0 ? "p1" : "p2";
    if (pick(2) == 0) candidate.subjects = {"Science"};
    roster.candidates.Put(candidate);
  }
  Put(roster);
  int seats = 0, held = 0, narrow = 0;
  for (int round = 0; round < 60; ++round) {
    std::vector<Action> actions;
    for (int i = 0, count = 1 + pick(8); i < count; ++i) {
      const int candidate = pick(20);
      const std::string program = candidate % 2 == 0 ? "p1" : "p2";
      switch (pick(5)) {
        case 0:
          actions.emplace_back(ReleaseSeat{absl::StrCat("s", pick(seats + 1))});
          break;
        case 1: {
          UpdateMentor update{.mentor = SomeMentor(absl::StrCat("m", pick(30))), .fields = {"programs", "capacity"}, .version = {}};
          update.mentor.programs = {pick(2) == 0 ? "p1" : "p2"};
          update.mentor.capacity = 3 + pick(3);
          actions.emplace_back(update);
          break;
        }
        default:
          actions.emplace_back(HoldNextSeat{.seat = absl::StrCat("s", ++seats),
                                            .program = program,
                                            .candidate = absl::StrCat("c", candidate),
                                            .search = pick(2) == 0 ? Everybody() : Ordered({absl::StrCat("m", pick(30))})});
      }
    }
    // The same commands over everybody, locked, in a transaction that leaves nothing.
    std::vector<std::string> wanted;
    database_
        .Transact([&](sql::Transaction& tx) -> absl::Status {
          Wants wants;
          for (const Action& action : actions) AddWants(action, wants);
          REMATCH_ASSIGN_OR_RETURN(Roster all, store::Load(tx, "c1", wants, store::Locks::kRows));
          const Context context = TestContext();
          for (const Action& action : actions) {
            if (const auto* release = std::get_if<ReleaseSeat>(&action)) {
              (void)Decide(all, *release, context);
            } else if (const auto* update = std::get_if<UpdateMentor>(&action)) {
              (void)Decide(all, *update, context);
            } else {
              const auto held = Decide(all, std::get<HoldNextSeat>(action), context);
              wanted.push_back(!held.ok() ? held.status().ToString()
                                          : absl::StrCat(held->seat.has_value() ? held->mentor.mentor : "", " full ", held->full));
            }
          }
          return absl::CancelledError("looked only");
        })
        .IgnoreError();
    const auto replies = Run(actions);
    std::vector<std::string> found;
    for (size_t i = 0; i < actions.size(); ++i) {
      if (!std::holds_alternative<HoldNextSeat>(actions[i])) continue;
      v1::HoldNextSeatResponse response;
      if (!replies[i].ok() || !response.ParseFromString(*replies[i])) {
        found.push_back(replies[i].status().ToString());
        continue;
      }
      const std::string mentor = response.seat().mentor();
      held += response.has_seat();
      found.push_back(absl::StrCat(mentor.empty() ? "" : mentor.substr(mentor.rfind('/') + 1), " full ", response.full()));
    }
    EXPECT_EQ(found, wanted) << "round " << round;
    narrow += runs_ == 1;
  }
  EXPECT_GT(held, 20);
  EXPECT_GT(narrow, 30) << "rounds in which those who were likely sufficed";
}

}  // namespace
}  // namespace rematch::mentor
