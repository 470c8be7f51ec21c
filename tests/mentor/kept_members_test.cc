// Members that are kept in memory are those of the store: whoever writes, whoever reads, and whenever.
#include "mentor-service/store/kept_members.h"

#include <atomic>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "mentor-service/domain/ranking.h"
#include "tests/mentor/mentor_kit.h"
#include "tests/platform/counting_database.h"

namespace rematch::mentor {
namespace {

using store::KeptMembers;

// What `kept` has of the two programs is what the same transaction finds in the store.
void ExpectExact(sql::Database& database, KeptMembers& kept, absl::Time now = TestNow() + absl::Hours(2)) {
  const absl::Status status = database.Read([&](sql::Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(const Pools pools, kept.Read(tx, "c1", {"p1", "p2"}, now));
    for (const std::string program : {"p1", "p2"}) {
      REMATCH_ASSIGN_OR_RETURN(const auto fresh, store::MembersOf(tx, "c1", program));
      const auto& list = pools.at(program)->list();
      EXPECT_EQ(list.size(), fresh.size()) << program;
      for (size_t i = 0; i < std::min(list.size(), fresh.size()); ++i) {
        EXPECT_EQ(*list[i], *fresh[i]) << program << " " << fresh[i]->id;
      }
    }
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
}

Roster TwoPrograms(int mentors, int candidates) {
  Roster roster = SmallRoster();
  Program second = *roster.programs.Find("p1");
  second.id = "p2";
  roster.programs.Load(second);
  for (int i = 0; i < mentors; ++i) {
    Mentor mentor = SomeMentor(absl::StrCat("m", i));
    mentor.assigned = 0;
    mentor.has_mentored = false;
    mentor.programs = i % 3 == 0 ? std::vector<std::string>{"p1", "p2"} : std::vector<std::string>{i % 3 == 1 ? "p1" : "p2"};
    mentor.district = i % 2 == 0 ? "d1" : "d2";
    roster.PutMentor(mentor);
  }
  for (int i = 0; i < candidates; ++i) roster.candidates.Load(SomeCandidate(absl::StrCat("c", i)));
  return roster;
}

// Somebody who does anything that changes mentors.
class Somebody {
 public:
  Somebody(DoorKit& kit, unsigned seed, int mentors, int candidates)
      : kit_(kit), name_(absl::StrCat("s", seed)), random_(seed), mentors_(mentors), candidates_(candidates) {}

  // One change, or an attempt at one.
  void Act() {
    const std::string request = absl::StrCat(name_, "-", ++acts_);
    const std::string seat = absl::StrCat(name_, "-seat-", Pick(20));
    switch (Pick(8)) {
      case 0:
        return Do(request, HoldSeat{.seat = seat, .mentor = Mentor(), .program = "p1", .candidate = Candidate()});
      case 1:
        return Do(request, ReleaseSeat{seat});
      case 2:
        return Do(request, HoldNextSeat{.seat = seat, .program = "p1", .candidate = Candidate(), .search = Everybody()});
      case 3:
        return Do(request, TransferCandidate{.seat = seat, .replaces = ""});
      case 4: {
        UpdateMentor update{.mentor = SomeMentor(Mentor()), .fields = {"programs"}, .version = {}};
        update.mentor.programs = Pick(2) == 0 ? std::vector<std::string>{"p1"} : std::vector<std::string>{"p2", "p1"};
        if (Pick(4) == 0) update.mentor.programs.clear();
        return Do(request, update);
      }
      case 5: {
        UpdateMentor update{.mentor = SomeMentor(Mentor()), .fields = {"subjects", "district"}, .version = {}};
        update.mentor.subjects = {absl::StrCat("subject ", Pick(100))};
        update.mentor.district = Pick(2) == 0 ? "d2" : "";
        return Do(request, update);
      }
      case 6: {
        mentor::Mentor mentor = SomeMentor(absl::StrCat(name_, "-", acts_));
        mentor.assigned = 0;
        mentor.programs = {Pick(2) == 0 ? "p1" : "p2"};
        return Do(request, CreateMentor{mentor});
      }
      default:
        return Pick(6) == 0 ? Do(request, RetireMentor{Mentor()})
                            : Do(request, AssignMentor{.program = "p1", .candidate = Candidate(), .mentor = Mentor()});
    }
  }

 private:
  int Pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  std::string Mentor() { return absl::StrCat("m", Pick(mentors_)); }
  std::string Candidate() { return absl::StrCat("c", Pick(candidates_)); }
  // A refusal is an answer as well.
  void Do(const std::string& request, Action action) {
    const absl::Status status = kit_.Do(request, std::move(action)).status();
    EXPECT_NE(status.code(), absl::StatusCode::kInternal) << status;
  }

  DoorKit& kit_;
  const std::string name_;
  std::mt19937 random_;
  const int mentors_, candidates_;
  int acts_ = 0;
};

// On MySQL each replica has a door and connections of its own; on SQLite, which takes one process, each has its own memory.
class KeptMembersOf : public ::testing::TestWithParam<std::string> {
 protected:
  KeptMembersOf()
      : store_(GetParam() == "Sqlite" ? testing::TestStore::Kind::kDisk : testing::TestStore::Kind::kMysql, MentorMigrations()),
        here_(store_) {
    if (store_.kind() == testing::TestStore::Kind::kMysql) there_ = std::make_unique<DoorKit>(store_, /*seed=*/8);
  }
  // A store on which everybody has stamped from the beginning.
  void Begin(int mentors, int candidates) {
    ASSERT_TRUE(store::BeginStamping(kit().database(), TestNow()).ok());
    kit().Put(TwoPrograms(mentors, candidates));
  }
  DoorKit& kit(unsigned turn = 0) { return turn % 2 == 1 && there_ != nullptr ? *there_ : here_; }

 private:
  testing::TestStore store_;
  DoorKit here_;
  std::unique_ptr<DoorKit> there_;
};
INSTANTIATE_TEST_SUITE_P(Stores, KeptMembersOf, ::testing::Values("Sqlite", "MysqlByTwoReplicas"),
                         [](const auto& info) { return info.param; });

TEST_P(KeptMembersOf, TwoReplicasAreWhatTheStoreHasAfterAnyWriteOfEither) {
  Begin(12, 8);
  KeptMembers kept[2];
  Somebody one(kit(0), 1, 12, 8), other(kit(1), 2, 12, 8);
  std::mt19937 random(3);
  for (int i = 0; i < 400 && !HasFailure(); ++i) {
    (random() % 2 == 0 ? one : other).Act();
    const unsigned reader = random() % 3;
    if (reader < 2) ExpectExact(kit(reader).database(), kept[reader]);
  }
  for (unsigned reader : {0u, 1u}) ExpectExact(kit(reader).database(), kept[reader]);
  kit().ExpectConsistent();
}

// What is read for a change.
using LatestMembers = KeptMembersOf;
INSTANTIATE_TEST_SUITE_P(Stores, LatestMembers, ::testing::Values("MysqlByTwoReplicas"), [](const auto& info) { return info.param; });

// Calls `before` in front of each statement that looks for what a writer has changed.
class Slow final : public sql::Transaction {
 public:
  Slow(sql::Transaction& inner, std::function<void()> before) : inner_(inner), before_(std::move(before)) {}
  absl::StatusOr<std::vector<sql::Row>> Query(std::string_view statement, absl::Span<const sql::Value> parameters) override {
    if (statement.find("t.written_by = ?") != statement.npos) before_();
    return inner_.Query(statement, parameters);
  }
  absl::StatusOr<int64_t> Execute(std::string_view statement, absl::Span<const sql::Value> parameters) override {
    return inner_.Execute(statement, parameters);
  }

 private:
  sql::Transaction& inner_;
  const std::function<void()> before_;
};

TEST_P(LatestMembers, AreOfOneInstantThoughWhoWasWrittenIsWrittenAgainByAnotherWhileTheyAreRead) {
  Begin(6, 4);
  const auto teach = [this](unsigned who, const std::string& subject) {
    UpdateMentor update{.mentor = SomeMentor("m0"), .fields = {"subjects"}, .version = {}};
    update.mentor.subjects = {subject};
    EXPECT_TRUE(kit(who).Do(absl::StrCat("teach ", subject), update).ok());
  };
  const auto read = [this](KeptMembers& kept, std::function<void()> before) {
    std::optional<Pools> pools;
    const absl::Status status = kit(0).database().Transact([&](sql::Transaction& tx) -> absl::Status {
      Slow slow(tx, std::move(before));
      REMATCH_ASSIGN_OR_RETURN(pools, kept.ReadLatest(slow, "c1", {"p1"}, TestNow()));
      return absl::OkStatus();
    });
    EXPECT_TRUE(status.ok()) << status;
    return pools;
  };
  const auto subject_of = [](const Pools& pools) { return pools.at("p1")->list().front()->subjects.front(); };
  KeptMembers kept;
  teach(0, "Art");
  teach(1, "Music");
  ASSERT_TRUE(read(kept, [] {}).has_value());
  teach(0, "Physics");
  // Whoever asks what the first writer has changed finds m0 no more, since the second one has written it meanwhile.
  int times = 0;
  const auto once = read(kept, [&] {
    if (++times == 1) teach(1, "Chemistry");
  });
  ASSERT_TRUE(once.has_value());
  EXPECT_EQ(subject_of(*once), "Chemistry");
  ExpectExact(kit(0).database(), kept);
  teach(0, "History");
  times = 0;
  EXPECT_FALSE(read(kept, [&] { teach(1, absl::StrCat("Language ", ++times)); }).has_value()) << "no instant can be had";
  EXPECT_GE(times, 3);
  ExpectExact(kit(0).database(), kept);
}

using ConcurrentKeptMembers = KeptMembersOf;
INSTANTIATE_TEST_SUITE_P(Stores, ConcurrentKeptMembers, ::testing::Values("Sqlite", "MysqlByTwoReplicas"),
                         [](const auto& info) { return info.param; });

// Writers whose transactions commit in any order, and readers whose transactions are older and younger than what is kept.
TEST_P(ConcurrentKeptMembers, AreWhatTheirTransactionSeesWhileOthersWriteAndRead) {
  Begin(12, 8);
  KeptMembers kept[2];
  std::atomic<int> writing = 4;
  std::vector<std::thread> threads;
  for (unsigned writer = 0; writer < 4; ++writer) {
    threads.emplace_back([&, writer] {
      Somebody somebody(kit(writer), writer, 12, 8);
      for (int i = 0; i < 60; ++i) somebody.Act();
      --writing;
    });
  }
  for (unsigned reader = 0; reader < 4; ++reader) {
    threads.emplace_back([&, reader] {
      do {
        // Its own, or what the door beside it keeps while it chooses whom to lock.
        ExpectExact(kit(reader).database(), reader < 2 ? kept[reader] : kit(reader).members());
      } while (writing > 0 && !HasFailure());
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (unsigned reader : {0u, 1u}) ExpectExact(kit(reader).database(), kept[reader]);
}

TEST_P(KeptMembersOf, ATransactionThatBeganBeforeWhatIsKeptReadsWhatItWouldHaveFound) {
  Begin(4, 4);
  KeptMembers kept;
  ExpectExact(kit().database(), kept);
  const absl::Status status = kit().database().Read([&](sql::Transaction& old) -> absl::Status {
    REMATCH_RETURN_IF_ERROR(store::LastWritesOf(old, "c1").status());  // from here on it sees what there is now
    std::thread others([&] {
      EXPECT_TRUE(kit().Do("r1", HoldSeat{.seat = "k", .mentor = "m0", .program = "p1", .candidate = "c0"}).ok());
      UpdateMentor leave{.mentor = SomeMentor("m1"), .fields = {"programs"}, .version = {}};
      leave.mentor.programs.clear();
      EXPECT_TRUE(kit().Do("r2", leave).ok());
      Mentor mentor = SomeMentor("new");
      mentor.assigned = 0;
      EXPECT_TRUE(kit().Do("r3", CreateMentor{mentor}).ok());
      ExpectExact(kit().database(), kept);
    });
    others.join();
    REMATCH_ASSIGN_OR_RETURN(const Pools then, kept.Read(old, "c1", {"p1"}, TestNow()));
    EXPECT_EQ(then.at("p1")->list().size(), 3u) << "without who came later";
    EXPECT_EQ(then.at("p1")->list()[0]->held, 0);
    EXPECT_EQ(then.at("p1")->list()[1]->id, "m1") << "who has left since";
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  ExpectExact(kit().database(), kept);
}

TEST_P(KeptMembersOf, WritersWhoAreForgottenAndWriteAgainAreNotMissed) {
  Begin(4, 4);
  KeptMembers kept;
  const auto hold = [&](int i) {
    return HoldSeat{.seat = absl::StrCat("k", i), .mentor = "m0", .program = "p1", .candidate = absl::StrCat("c", i)};
  };
  const auto forget = [&] {
    EXPECT_TRUE(kit().database().Transact([](sql::Transaction& tx) { return store::ForgetWriters(tx, absl::InfiniteFuture()); }).ok());
  };
  ASSERT_TRUE(kit().Do("r0", hold(0)).ok());
  ExpectExact(kit().database(), kept);
  ASSERT_TRUE(kit().Do("r1", hold(1)).ok());
  forget();
  ExpectExact(kit().database(), kept);
  forget();
  ASSERT_TRUE(kit().Do("r2", hold(2)).ok());
  ExpectExact(kit().database(), kept);
}

// Statements that a read sends for the members of two programs.
class KeptMembersStatements : public ::testing::Test {
 protected:
  KeptMembersStatements() {
    EXPECT_TRUE(sql::Migrate(database_, MentorMigrations(), clock_).ok());
    database_.Count();
  }
  void Fill() {
    Roster roster = TwoPrograms(6, 0), fresh;
    fresh.consortium_id = "c1";
    fresh.consortium.Put(roster.consortium.rows().begin()->second.value);
    for (const auto& [id, row] : roster.mentors.rows()) fresh.mentors.Put(row.value);
    EXPECT_TRUE(
        database_.Transact([&](sql::Transaction& tx) { return store::Save(tx, fresh, {.writer = 1, .number = 1}, TestNow()); }).ok());
  }
  size_t Read(KeptMembers& kept, absl::Time now, std::set<std::string> programs = {"p1", "p2"}) {
    database_.TakeReads();
    EXPECT_TRUE(database_.Read([&](sql::Transaction& tx) { return kept.Read(tx, "c1", programs, now).status(); }).ok());
    return database_.TakeReads().back().size();
  }

  platform::ManualClock clock_{TestNow()};
  testing::CountingDatabase database_{*sql::Open("sqlite::memory:")};
};

TEST_F(KeptMembersStatements, OneSaysThatNothingHasChanged) {
  ASSERT_TRUE(store::BeginStamping(database_, TestNow()).ok());
  Fill();
  KeptMembers kept;
  EXPECT_EQ(Read(kept, TestNow()), 3u);
  EXPECT_EQ(Read(kept, TestNow()), 1u);
  const auto change = [&] {
    EXPECT_TRUE(database_
                    .Transact([&](sql::Transaction& tx) -> absl::Status {
                      Wants wants;
                      wants.mentors = {"m0"};
                      REMATCH_ASSIGN_OR_RETURN(Roster roster, store::Load(tx, "c1", wants, store::Locks::kRows));
                      ++roster.ChangeMentor("m0").held;
                      return store::Save(tx, roster, {.writer = 1, .number = 2}, TestNow());
                    })
                    .ok());
  };
  change();
  EXPECT_EQ(Read(kept, TestNow()), 2u) << "and what has changed";
  ExpectExact(database_, kept);
}

// A replica of an earlier version writes without a stamp, for as long as an upgrade goes on.
TEST_F(KeptMembersStatements, NothingIsTrustedBeforeReplicasThatDoNotStampAreGone) {
  Fill();
  KeptMembers kept;
  EXPECT_EQ(Read(kept, TestNow()), 3u);
  EXPECT_EQ(Read(kept, TestNow()), 3u) << "nobody has said that all stamp";
  ASSERT_TRUE(store::BeginStamping(database_, TestNow()).ok());
  ASSERT_TRUE(store::BeginStamping(database_, TestNow() + absl::Hours(9)).ok()) << "the first counts";
  EXPECT_EQ(Read(kept, TestNow()), 3u);
  EXPECT_TRUE(database_.Transact([](sql::Transaction& tx) { return tx.Execute("UPDATE mentors SET held = 1").status(); }).ok());
  ExpectExact(database_, kept, TestNow());
  EXPECT_EQ(Read(kept, TestNow() + absl::Minutes(59)), 3u);
  EXPECT_EQ(Read(kept, TestNow() + absl::Minutes(60)), 3u);
  EXPECT_EQ(Read(kept, TestNow() + absl::Minutes(60)), 1u);
}

TEST_F(KeptMembersStatements, WhatWasNotAskedForTheLongestGivesWay) {
  ASSERT_TRUE(store::BeginStamping(database_, TestNow()).ok());
  Fill();
  KeptMembers kept(/*most=*/5);  // each program has four
  EXPECT_EQ(Read(kept, TestNow(), {"p1"}), 2u);
  EXPECT_EQ(Read(kept, TestNow(), {"p1"}), 1u);
  EXPECT_EQ(Read(kept, TestNow(), {"p2"}), 2u);
  EXPECT_EQ(Read(kept, TestNow(), {"p2"}), 1u);
  EXPECT_EQ(Read(kept, TestNow(), {"p1"}), 2u);
  ExpectExact(database_, kept);
}

TEST(Members, KnowTheTieBreaksOfADayAsLongAsNobodyComesOrGoes_F26) {
  const auto member = [](const std::string& id) { return std::make_shared<const Mentor>(SomeMentor(id)); };
  const Members two({member("a"), member("b")});
  const auto ties = two.TiesOn(TestNow());
  EXPECT_THAT(*ties, ::testing::ElementsAre(TieBreak("a", TestNow()), TieBreak("b", TestNow())));
  EXPECT_EQ(two.TiesOn(TestNow()), ties) << "kept";
  EXPECT_NE(*two.TiesOn(TestNow() + absl::Hours(24)), *ties);
  EXPECT_EQ(Members({member("a"), member("b")}, &two).TiesOn(TestNow()), ties);
  EXPECT_THAT(*Members({member("a"), member("c")}, &two).TiesOn(TestNow()),
              ::testing::ElementsAre(TieBreak("a", TestNow()), TieBreak("c", TestNow())));
  for (int day = 0; day < 100; ++day) two.TiesOn(TestNow() + day * absl::Hours(24));
  EXPECT_EQ(*two.TiesOn(TestNow()), *ties) << "however many days were asked for since";
}

// One ranking by what is kept, and by a roster that was read: the same, byte for byte.
TEST(Ranking, OfMembersThatAreKeptIsThatOfTheRoster_F25_F26) {
  std::mt19937 random(5);
  const auto pick = [&](unsigned n) { return random() % n; };
  for (int round = 0; round < 300; ++round) {
    Roster roster = SmallRoster();
    Members::List list;
    for (int i = 0; i < 12; ++i) {
      Mentor mentor = SomeMentor(absl::StrCat("m", 10 + i));
      mentor.district = pick(3) == 0 ? "" : pick(2) == 0 ? "d1" : "d2";
      mentor.assigned = static_cast<int>(pick(3));
      mentor.capacity = mentor.assigned + static_cast<int>(pick(3));
      mentor.interested_in_more = pick(2) == 0;
      mentor.opted_out = pick(8) == 0;
      if (pick(2) == 0) mentor.subjects.pop_back();
      if (pick(8) == 0) mentor.supervised_sites = {"s1"};
      if (pick(8) == 0) mentor.state = Mentor::State::kRetired;
      roster.mentors.Load(mentor);
      list.push_back(std::make_shared<const Mentor>(mentor));
    }
    const bool lends = pick(2) == 0, borrows = pick(2) == 0;
    Share(roster, lends, borrows);
    Roster pooled = SmallRoster();
    Share(pooled, lends, borrows);
    pooled.pools["p1"] = std::make_shared<const Members>(std::move(list));
    Search search{.pool = pick(2) == 0 ? Pool::kIndividual : Pool::kEverybody};
    if (pick(2) == 0) search.order = {"m15", "m11"};
    if (pick(2) == 0) search.exclude = {"m12"};
    if (pick(2) == 0) search.weights = Weights{.subject = 2, .free_seat = 1};
    const Program& program = *roster.programs.Find("p1");
    const Candidate& candidate = *roster.candidates.Find("ann");
    const std::vector<Ranked> expected = Rank(roster, program, candidate, search, TestNow());
    const size_t described = pick(2) == 0 ? kAll : 3;
    const Ranking ranking(pooled, program, candidate, search, TestNow(), described);
    ASSERT_EQ(ranking.size(), expected.size());
    EXPECT_EQ(ranking.can_be_asked(),
              static_cast<size_t>(std::count_if(expected.begin(), expected.end(), [](const Ranked& ranked) { return !ranked.full; })));
    Ranked ranked;
    for (size_t i = 0; i < std::min(described, expected.size()); ++i) {
      ranking.Describe(i, Ranking::Words::kExplanation, ranked);
      ASSERT_EQ(ranked, expected[i]) << "round " << round << ", place " << i;
    }
  }
}

}  // namespace
}  // namespace rematch::mentor
