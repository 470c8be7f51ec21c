// Commands through the real door, over the real store.
#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

#include "mentor-service/domain/import.h"
#include "mentor-service/domain/reasons.h"
#include "platform/errors.h"
#include "tests/mentor/mentor_kit.h"

namespace rematch::mentor {
namespace {

Roster Populated(int mentors, int capacity, int candidates) {
  Roster roster = SmallRoster();
  for (const char* id : {"s7", "s8"})
    roster.sites.Load({.id = id, .display_name = id, .district = "d2", .administrator = SomeContact("admin")});
  for (int i = 0; i < mentors; ++i) {
    Mentor mentor = SomeMentor("m" + std::to_string(i));
    mentor.assigned = 0;
    mentor.capacity = capacity;
    mentor.supervised_sites = {"s7", "s8"};
    roster.PutMentor(mentor);
  }
  for (int i = 0; i < candidates; ++i) {
    Candidate candidate = SomeCandidate("c" + std::to_string(i));
    candidate.enrolled = TestNow() - absl::Hours(24);
    roster.candidates.Load(candidate);
  }
  return roster;
}

HoldSeat Hold(const std::string& seat, const std::string& mentor, const std::string& candidate) {
  return {.seat = seat, .mentor = mentor, .program = "p1", .candidate = candidate};
}

TEST(Store, GivesBackWhatWasSaved) {
  const testing::TestStore store(testing::TestStore::Kind::kDisk, MentorMigrations());
  const Roster roster = Populated(3, 2, 2);
  {
    DoorKit kit(store);
    kit.Put(roster);
    ASSERT_TRUE(kit.Do("r1", Hold("k", "m0", "c0")).ok());
    ASSERT_TRUE(kit.Do("r2", TransferCandidate{"k", ""}).ok());
    ASSERT_TRUE(kit.Do("r3", ReleaseSeat{"unknown"}).ok());
  }
  DoorKit kit(store);
  const Roster found = kit.All();
  EXPECT_EQ(*found.sites.Find("s1"), *roster.sites.Find("s1"));
  EXPECT_EQ(*found.programs.Find("p1"), *roster.programs.Find("p1"));
  EXPECT_EQ(*found.districts.Find("d2"), *roster.districts.Find("d2"));
  EXPECT_EQ(*found.mentors.Find("m1"), *roster.mentors.Find("m1"));
  EXPECT_EQ(*found.candidates.Find("c1"), *roster.candidates.Find("c1"));
  EXPECT_EQ(found.candidates.Find("c0")->mentor, "m0");
  EXPECT_EQ(found.seats.Find("k")->state, Seat::State::kTransferred);
  EXPECT_EQ(found.seats.Find("unknown")->state, Seat::State::kReleased);
  kit.ExpectConsistent();
}

// Over a store, since what a command needs of sites and districts has to be loaded before it can be decided.
TEST(Store, OfAnotherDistrictIsHeldAssignedAndTransferredOnlyWhereBothShare_F36) {
  DoorKit kit;
  Roster roster = Populated(2, 9, 6);
  for (const char* id : {"m0", "m1"}) roster.mentors.Change(id).district = "d2";
  kit.Put(roster);
  const auto reason = [](const absl::StatusOr<std::string>& reply) { return reply.ok() ? "OK" : ReasonOf(reply.status()); };
  const auto set = [&](const std::string& district, const std::string& field, bool to) {
    const UpdateDistrict update{
        .district = {.id = district, .display_name = "", .representative = {}, .lends_mentors = to, .borrows_mentors = to},
        .fields = {field},
        .etag = ""};
    EXPECT_TRUE(kit.Do(absl::StrCat(district, field, to), update).ok());
  };
  const auto next = [&](const std::string& seat) {
    const auto held = kit.DoAs<v1::HoldNextSeatResponse>(
        "n" + seat, HoldNextSeat{.seat = seat, .program = "p1", .candidate = "c5", .search = Everybody()});
    return held.ok() && held->has_seat();
  };
  ASSERT_EQ(reason(kit.Do("r1", Hold("k1", "m0", "c0"))), "OK");
  ASSERT_TRUE(next("n1"));
  set("d2", "lends_mentors", false);
  EXPECT_EQ(reason(kit.Do("r2", Hold("k2", "m0", "c1"))), reason::kDistrictNotShared);
  EXPECT_EQ(reason(kit.Do("r3", AssignMentor{.program = "p1", .candidate = "c2", .mentor = "m0"})), reason::kDistrictNotShared);
  EXPECT_EQ(reason(kit.Do("r4", TransferCandidate{"k1", ""})), reason::kDistrictNotShared);
  EXPECT_FALSE(next("n2"));
  set("d2", "lends_mentors", true);
  set("d1", "borrows_mentors", false);
  EXPECT_EQ(reason(kit.Do("r5", Hold("k3", "m0", "c1"))), reason::kDistrictNotShared);
  EXPECT_FALSE(next("n3"));
  set("d1", "borrows_mentors", true);
  EXPECT_EQ(reason(kit.Do("r6", Hold("k4", "m0", "c1"))), "OK");
  EXPECT_EQ(reason(kit.Do("r7", TransferCandidate{"k1", ""})), "OK");
  EXPECT_EQ(reason(kit.Do("r8", AssignMentor{.program = "p1", .candidate = "c2", .mentor = "m1"})), "OK");
  EXPECT_TRUE(next("n4"));
  kit.ExpectConsistent();
}

// A call that was refused, and comes again very late: the office has given the candidate somebody and taken them away meanwhile, so that
// they are without a mentor, as the call says.
TEST(Store, ALateCopyOfARefusedTransferIsRefusedAgain_F34) {
  DoorKit kit;
  kit.Put(Populated(2, 2, 1));
  const auto reason = [](const absl::StatusOr<std::string>& reply) { return reply.ok() ? "OK" : ReasonOf(reply.status()); };
  ASSERT_EQ(reason(kit.Do("r1", Hold("k", "m0", "c0"))), "OK");
  const auto given = kit.DoAs<v1::Assignment>("r2", AssignMentor{.program = "p1", .candidate = "c0", .mentor = "m1"});
  ASSERT_TRUE(given.ok());
  EXPECT_EQ(reason(kit.Do("t", TransferCandidate{"k", ""})), reason::kAssignmentChanged);
  ASSERT_EQ(reason(kit.Do("r3", EndAssignment{given->name().substr(given->name().rfind('/') + 1)})), "OK");
  EXPECT_EQ(reason(kit.Do("t", TransferCandidate{"k", ""})), reason::kAssignmentChanged);
  EXPECT_EQ(kit.All().candidates.Find("c0")->mentor, "");
  EXPECT_EQ(reason(kit.Do("t2", TransferCandidate{"k", ""})), "OK") << "asked anew it is decided anew";
  kit.ExpectConsistent();
}

TEST(Store, TheSchemaItselfRefusesMoreThanTheCapacity_F30) {
  DoorKit kit;
  kit.Put(Populated(1, 1, 0));
  const absl::Status status =
      kit.database().Transact([](sql::Transaction& tx) { return tx.Execute("UPDATE mentors SET held = 2").status(); });
  EXPECT_FALSE(status.ok());
}

Crowd CrowdOf(DoorKit& kit, const std::string& candidate, int enough) {
  Crowd crowd;
  const absl::Status status = kit.database().Read([&](sql::Transaction& tx) -> absl::Status {
    // Together with one who is alone in their program, and one who is not there.
    REMATCH_ASSIGN_OR_RETURN(auto crowds, store::FindCrowds(tx, "c1", {"c6", candidate, "nobody"}, enough));
    EXPECT_EQ(crowds.size(), 2u);
    EXPECT_EQ(crowds["c6"], (Crowd{enough == 1 && crowds["c6"].need, enough == 1, enough == 1}));
    crowd = crowds[candidate];
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  return crowd;
}

// Four who are alike (one in another order), one more in the grade band, one more with the credential, and strangers.
Roster Alike() {
  Roster roster = Populated(0, 1, 7);
  const auto change = [&](const std::string& id) -> Candidate& { return roster.candidates.Change(id); };
  std::reverse(change("c0").subjects.begin(), change("c0").subjects.end());
  change("c3").subjects.pop_back();
  change("c4").grade_band = "6-8";
  change("c5").credential = "Special Education";
  change("c6").program = "p2";
  return roster;
}

TEST(Store, CandidatesWithOneNeedAreEnoughAtSomeLevelOrNone_F18) {
  DoorKit kit;
  kit.Put(Alike());
  const auto crowd = [&](int enough) { return CrowdOf(kit, "ann", enough); };
  EXPECT_EQ(crowd(7), (Crowd{false, false, false}));
  EXPECT_EQ(crowd(6), (Crowd{false, false, true}));
  EXPECT_EQ(crowd(5), (Crowd{false, true, true}));
  EXPECT_EQ(crowd(4), (Crowd{true, true, true}));
  EXPECT_EQ(crowd(1), (Crowd{true, true, true}));
}

TEST(Store, ACandidateFromBeforeNeedsHadKeysIsEqualToNobodyUntilWrittenAgain_F18) {
  DoorKit kit;
  kit.Put(Alike());
  ASSERT_TRUE(
      kit.database().Transact([](sql::Transaction& tx) { return tx.Execute("UPDATE candidates SET need_key = ''").status(); }).ok());
  EXPECT_EQ(CrowdOf(kit, "ann", 1), (Crowd{false, true, true})) << "not even to one in their own case";
  Roster changed = kit.All();
  changed.candidates.Change("ann").contact.phone = "310 555 0199";
  ASSERT_TRUE(kit.database().Transact([&](sql::Transaction& tx) { return kit.Save(tx, changed); }).ok());
  EXPECT_EQ(CrowdOf(kit, "ann", 1), (Crowd{true, true, true}));
  EXPECT_FALSE(CrowdOf(kit, "ann", 2).need);
}

// Programs p1, p2 and p3 take turns.
TEST(Store, TheHistoryOfSomeProgramsIsInTheOrderOfItsBeginningsPageByPage) {
  DoorKit kit;
  Roster roster = Populated(0, 1, 0);
  std::vector<std::string> expected;
  for (int i = 0; i < 12; ++i) {
    // Two of each program begin at once.
    const std::string id = absl::StrCat("x", 10 + i);
    roster.assignments.Put({.id = id,
                            .candidate = "c0",
                            .program = absl::StrCat("p", i % 3 + 1),
                            .mentor = "m0",
                            .begin = TestNow() + absl::Seconds(i / 6),
                            .end = {}});
    if (i % 3 != 1) expected.push_back(id);
  }
  kit.Put(roster);
  store::AssignmentFilter filter{.candidate = "", .mentor = "", .programs = std::vector<std::string>{"p3", "p1"}};
  std::vector<std::string> listed;
  const absl::Status status = kit.database().Read([&](sql::Transaction& tx) -> absl::Status {
    listed.clear();
    for (store::AfterTime after; listed.size() < expected.size();) {
      REMATCH_ASSIGN_OR_RETURN(const auto page, store::ListAssignments(tx, "c1", filter, after, 3));
      EXPECT_LE(page.size(), 3u);
      if (page.empty()) break;
      for (const Assignment& row : page) listed.push_back(row.id);
      after = {.micros = sql::ToMicros(page.back().begin), .id = page.back().id};
    }
    filter.programs->clear();
    REMATCH_ASSIGN_OR_RETURN(const auto nothing, store::ListAssignments(tx, "c1", filter, {}, 3));
    EXPECT_TRUE(nothing.empty());
    return absl::OkStatus();
  });
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(listed, expected);
}

TEST(Door, ARepeatedRequestGetsTheFirstAnswerAndAnotherBodyIsRefused_F32) {
  DoorKit kit;
  kit.Put(Populated(2, 1, 2));
  const auto first = kit.Do("r", Hold("k", "m0", "c0"));
  ASSERT_TRUE(first.ok());
  kit.clock().Advance(absl::Hours(1));
  EXPECT_EQ(*kit.Do("r", Hold("k", "m0", "c0")), *first);
  const auto other = kit.door().Commit(DoorKit::Meta("r", "another body"), kit.Make(Hold("k2", "m1", "c1")));
  EXPECT_EQ(ReasonOf(other.status()), rematch::reason::kRequestIdReused);
  EXPECT_EQ(kit.All().seats.rows().size(), 1u);
  kit.ExpectConsistent();
}

TEST(Door, ARefusedRequestMayBeMadeAgain_F32) {
  DoorKit kit;
  kit.Put(Populated(1, 1, 2));
  ASSERT_TRUE(kit.Do("r1", Hold("k1", "m0", "c0")).ok());
  EXPECT_EQ(ReasonOf(kit.Do("r2", Hold("k2", "m0", "c1")).status()), reason::kNoFreeSeat);
  ASSERT_TRUE(kit.Do("r3", ReleaseSeat{"k1"}).ok());
  EXPECT_TRUE(kit.Do("r2", Hold("k2", "m0", "c1")).ok());
}

// The door commits nothing before all are queued, so they share a batch.
TEST(Door, CommandsOfOneBatchSeeOneAnother_F30) {
  DoorKit kit(/*threads=*/0);
  kit.Put(Populated(2, 1, 4));
  std::vector<absl::StatusOr<std::string>> replies;
  std::vector<Action> actions;
  for (int i = 0; i < 4; ++i) {
    actions.push_back(HoldNextSeat{.seat = "k" + std::to_string(i), .program = "p1", .candidate = "c" + std::to_string(i), .search = {}});
  }
  actions.push_back(TransferCandidate{"k0", ""});
  actions.push_back(CreateCandidate{SomeCandidate("late")});
  actions.push_back(HoldNextSeat{.seat = "k9", .program = "p1", .candidate = "late", .search = {}});
  for (size_t i = 0; i < actions.size(); ++i) {
    kit.door().Submit(DoorKit::Meta("r" + std::to_string(i)), kit.Make(actions[i]),
                      [&](auto reply) { replies.push_back(std::move(reply)); });
  }
  while (kit.door().RunOnce()) {
  }
  ASSERT_EQ(replies.size(), actions.size());
  int held = 0;
  for (const auto& reply : replies) EXPECT_TRUE(reply.ok()) << reply.status();
  for (int i : {0, 1, 2, 3, 6}) {
    v1::HoldNextSeatResponse response;
    ASSERT_TRUE(response.ParseFromString(*replies[i]));
    held += response.has_seat();
  }
  EXPECT_EQ(held, 2);
  kit.ExpectConsistent();
}

TEST(Door, AnImportWithBadRowsLeavesNothingAndTheSameIdMayTryAgain) {
  DoorKit kit;
  ImportRoster bad{.display_name = "New", .rows = {{}, {}}};
  auto& district = *bad.rows[0].mutable_district();
  district.set_id("D");
  district.set_display_name("D");
  district.mutable_representative()->set_display_name("Rep");
  district.mutable_representative()->set_email("rep@x.example");
  const auto refused = kit.Do("import", bad);
  const auto answer = AnswerOfRefusedImport(refused.status());
  ASSERT_TRUE(answer.has_value()) << refused.status();
  EXPECT_EQ(answer->errors_size(), 1);
  EXPECT_TRUE(kit.All().consortium.rows().empty());
  int stored = 0;
  EXPECT_TRUE(kit.database()
                  .Read([&stored](sql::Transaction& tx) -> absl::Status {
                    REMATCH_ASSIGN_OR_RETURN(const auto rows, tx.Query("SELECT 1 FROM districts UNION ALL SELECT 1 FROM external_ids"));
                    stored = static_cast<int>(rows.size());
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_EQ(stored, 0) << "nor what stood before the bad row";
  ImportRoster good{.display_name = "New", .rows = {}};
  EXPECT_TRUE(kit.door().Commit(DoorKit::Meta("import", "good"), kit.Make(good)).ok());
  EXPECT_EQ(kit.All().consortium.Find("c1")->display_name, "New");
}

TEST(Door, WhatIsAskedBesideAnImportFindsWhatItIsAbout) {
  DoorKit kit(0);
  kit.Put(Populated(1, 1, 1));
  ASSERT_TRUE(kit.Do("before", AssignMentor{.program = "p1", .candidate = "c0", .mentor = "m0"}).ok());
  const std::string assignment = kit.All().candidates.Find("c0")->assignment;
  const std::vector<Action> actions = {ImportRoster{.display_name = "", .rows = {}}, EndAssignment{.assignment = assignment},
                                       ImportRoster{.display_name = "", .rows = {{}}}};
  std::vector<absl::StatusOr<std::string>> replies(actions.size(), absl::UnknownError("no answer"));
  for (size_t i = 0; i < actions.size(); ++i) {
    kit.door().Submit(DoorKit::Meta(absl::StrCat("r", i)), kit.Make(actions[i]),
                      [&reply = replies[i]](absl::StatusOr<std::string> answer) { reply = std::move(answer); });
  }
  while (kit.door().RunOnce()) {
  }
  EXPECT_TRUE(replies[0].ok()) << replies[0].status();
  EXPECT_TRUE(replies[1].ok()) << replies[1].status();
  EXPECT_TRUE(AnswerOfRefusedImport(replies[2].status()).has_value()) << replies[2].status();
  EXPECT_EQ(kit.All().candidates.Find("c0")->assignment, "");
  kit.ExpectConsistent();
}

// Few ids and few addresses, so that rows are about the same people, are in one another's way, and name who is not there.
ImportRoster RandomImport(std::mt19937_64& random) {
  ImportRoster import{.display_name = "C", .rows = {}};
  const auto one_of = [&random](const char* letter, int count) { return absl::StrCat(letter, random() % count); };
  const auto contact = [&](v1::Contact& to, int count) {
    to.set_display_name(one_of("N", 3));
    to.set_email(absl::StrCat(one_of("E", count), "@x.example"));
  };
  for (int i = 0, rows = static_cast<int>(random() % 6) + 1; i < rows; ++i) {
    v1::ImportRosterRequest::Row& row = import.rows.emplace_back();
    row.set_line(i);
    switch (random() % 6) {
      case 0:
        row.mutable_district()->set_id(one_of("D", 3));
        row.mutable_district()->set_display_name("D");
        contact(*row.mutable_district()->mutable_representative(), 9);
        break;
      case 1:
        row.mutable_site()->set_id(one_of("S", 3));
        row.mutable_site()->set_display_name("S");
        row.mutable_site()->set_district_id(one_of("D", 3));
        contact(*row.mutable_site()->mutable_administrator(), 9);
        break;
      case 2:
        row.mutable_program()->set_id(one_of("p", 3));
        row.mutable_program()->set_display_name("P");
        row.mutable_program()->set_time_zone("UTC");
        row.mutable_program()->set_leader_id("lee");
        if (random() % 3 == 0) row.mutable_program()->set_leader_mentor_id(one_of("M", 5));
        contact(*row.mutable_program()->mutable_leader(), 9);
        break;
      case 3:
        row.mutable_mentor()->set_id(one_of("M", 5));
        row.mutable_mentor()->set_district_id(one_of("D", 3));
        row.mutable_mentor()->add_program_ids(one_of("p", 3));
        if (random() % 3 == 0) row.mutable_mentor()->add_supervised_site_ids(one_of("S", 3));
        row.mutable_mentor()->set_capacity(static_cast<int>(random() % 3));
        contact(*row.mutable_mentor()->mutable_contact(), 6);
        break;
      default:
        row.mutable_candidate()->set_id(one_of("C", 6));
        row.mutable_candidate()->set_program_id(one_of("p", 3));
        row.mutable_candidate()->set_site_id(one_of("S", 3));
        row.mutable_candidate()->set_credential("Any");
        row.mutable_candidate()->set_grade_band("K");
        if (random() % 2 == 0) row.mutable_candidate()->set_mentor_id(one_of("M", 5));
        contact(*row.mutable_candidate()->mutable_contact(), 7);
        break;
    }
  }
  return import;
}

// What there is, by the ids of the files and by addresses: new ids of ours differ.
std::vector<std::string> Described(const Roster& roster) {
  std::map<std::string, std::string> of_file;
  for (const auto& [key, row] : roster.external_ids.rows()) of_file[row.value.internal] += key;
  const auto name = [&of_file](const std::string& id) { return of_file.contains(id) ? of_file[id] : id; };
  std::vector<std::string> described;
  for (const auto& [key, row] : roster.external_ids.rows()) described.push_back(key);
  for (const auto& [id, row] : roster.mentors.rows()) {
    const Mentor& mentor = row.value;
    described.push_back(absl::StrCat("mentor ", name(id), " ", LowerEmail(mentor.contact.email), " of ", name(mentor.district), " in ",
                                     absl::StrJoin(mentor.programs, ","), " ", mentor.assigned, "/", mentor.capacity));
  }
  for (const auto& [id, row] : roster.candidates.rows()) {
    const Candidate& candidate = row.value;
    described.push_back(absl::StrCat("candidate ", name(id), " ", candidate.contact.email, " of ", name(candidate.site), " in ",
                                     candidate.program, " with ", name(candidate.mentor)));
  }
  for (const auto& [email, mentor] : roster.emails) {
    if (!mentor.empty()) described.push_back(absl::StrCat(email, " is of ", name(mentor)));
  }
  std::sort(described.begin(), described.end());
  return described;
}

TEST(Door, AnImportIsDecidedByWhatItNamesAsByTheWholeRoster) {
  int taken = 0, refused = 0, updated = 0;
  int mentors_named = 0, candidates_named = 0;  // who joined without a file
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    DoorKit kit;
    std::mt19937_64 random(seed);
    for (int i = 0; i < 150; ++i) {
      const ImportRoster import = RandomImport(random);
      Roster whole = kit.All();
      const auto expected = Decide(whole, import, TestContext());
      ASSERT_TRUE(expected.ok());
      const auto reply = kit.Do(absl::StrCat("r", i), import);
      const std::string where = absl::StrCat("seed ", seed, ", import ", i);
      v1::ImportRosterResponse answer;
      if (reply.ok()) {
        ASSERT_TRUE(answer.ParseFromString(*reply));
        ASSERT_EQ(Described(kit.All()), Described(whole)) << where;
      } else {
        ASSERT_TRUE(AnswerOfRefusedImport(reply.status()).has_value()) << reply.status();
        answer = *AnswerOfRefusedImport(reply.status());
      }
      ASSERT_EQ(answer.DebugString(), expected->DebugString()) << where;
      ++(reply.ok() ? taken : refused);
      updated += answer.updated();
      // Somebody joins without a file, whom a later one may name; refused where the address is somebody's.
      if (random() % 3 == 0) {
        Mentor mentor = SomeMentor(absl::StrCat("joined-m", i));
        mentor.assigned = 0;
        mentor.contact.email = absl::StrCat("e", random() % 6, "@x.example");
        mentor.district = whole.districts.rows().empty() ? "" : whole.districts.rows().begin()->first;
        mentor.programs.clear();
        (void)kit.Do(absl::StrCat("m", i), CreateMentor{mentor});
        if (whole.sites.rows().empty()) continue;
        Candidate candidate = SomeCandidate(absl::StrCat("joined-c", i));
        candidate.contact.email = absl::StrCat("e", random() % 7, "@x.example");
        candidate.site = whole.sites.rows().begin()->first;
        candidate.program = absl::StrCat("p", random() % 3);
        (void)kit.Do(absl::StrCat("c", i), CreateCandidate{candidate});
      }
    }
    kit.ExpectConsistent();
    const Roster at_last = kit.All();
    for (const auto& [key, row] : at_last.external_ids.rows()) {
      mentors_named += row.value.internal.starts_with("joined-m");
      candidates_named += row.value.internal.starts_with("joined-c");
    }
  }
  EXPECT_GT(taken, 50);
  EXPECT_GT(refused, 100);
  EXPECT_GT(updated, 20);
  EXPECT_GT(mentors_named, 2);
  EXPECT_GT(candidates_named, 2);
}

TEST(Door, AddressesThatSwapOwnersAreFoundUnderTheirNewOnes) {
  DoorKit kit;
  kit.Put(SmallRoster());
  const auto import = [](const std::string& first, const std::string& second) {
    ImportRoster rows{.display_name = "", .rows = {}};
    for (const auto& [id, email] : {std::pair("M1", first), std::pair("M2", second)}) {
      auto& mentor = *rows.rows.emplace_back().mutable_mentor();
      mentor.set_id(id);
      mentor.mutable_contact()->set_display_name("Somebody");
      mentor.mutable_contact()->set_email(email);
      mentor.set_district_id("D");
      mentor.set_capacity(1);
    }
    auto& district = *rows.rows.emplace_back().mutable_district();
    district.set_id("D");
    district.set_display_name("D");
    district.mutable_representative()->set_display_name("Rep");
    district.mutable_representative()->set_email("rep@x.example");
    return rows;
  };
  const auto import_them = [&](const std::string& id, const ImportRoster& rows) {
    const auto answer = kit.DoAs<v1::ImportRosterResponse>(id, rows);
    EXPECT_TRUE(answer.ok()) << answer.status();
  };
  import_them("1", import("a@x.example", "b@x.example"));
  import_them("2", import("b@x.example", "a@x.example"));
  import_them("3", import("A@x.example", "c@x.example"));
  const Roster roster = kit.All();
  EXPECT_EQ(roster.emails.size(), 2u);
  for (const auto& [id, row] : roster.mentors.rows()) EXPECT_EQ(roster.MentorWithEmail(row.value.contact.email), id);
}

TEST(Door, AnImportOfThousandsOfRowsIsOneCommand) {
  DoorKit kit;
  ImportRoster import{.display_name = "Big", .rows = {}};
  const auto contact = [](const std::string& who) {
    v1::Contact contact;
    contact.set_display_name(who);
    contact.set_email(who + "@x.example");
    return contact;
  };
  auto* district = import.rows.emplace_back().mutable_district();
  district->set_id("D");
  district->set_display_name("D");
  *district->mutable_representative() = contact("rep");
  auto* program = import.rows.emplace_back().mutable_program();
  program->set_id("p1");
  program->set_display_name("P");
  program->set_time_zone("UTC");
  program->set_leader_id("lee");
  *program->mutable_leader() = contact("lee");
  for (int i = 0; i < 3000; ++i) {
    auto* mentor = import.rows.emplace_back().mutable_mentor();
    mentor->set_id("M" + std::to_string(i));
    *mentor->mutable_contact() = contact("m" + std::to_string(i));
    mentor->set_district_id("D");
    mentor->add_program_ids("p1");
    mentor->set_capacity(2);
  }
  const auto answer = kit.DoAs<v1::ImportRosterResponse>("r", import);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->created(), 3002);
  EXPECT_EQ(kit.All().mentors.rows().size(), 3000u);
  EXPECT_EQ(kit.DoAs<v1::ImportRosterResponse>("r2", import)->unchanged(), 3002);
}

TEST(Door, AMentorsMembershipsAndEmailFollowTheirRow) {
  DoorKit kit;
  kit.Put(Populated(1, 2, 1));
  Program second = *SmallRoster().programs.Find("p1");
  second.id = "p2";
  second.leader.mentor = second.alternate.mentor = "";
  ASSERT_TRUE(kit.Do("r1", CreateProgram{second}).ok());
  UpdateMentor update{.mentor = SomeMentor("m0"), .fields = {"programs", "contact"}, .version = {}};
  update.mentor.programs = {"p2"};
  update.mentor.contact.email = "new@x.example";
  ASSERT_TRUE(kit.Do("r2", update).ok());
  const auto members = [&kit](const std::string& program) {
    size_t count = 0;
    EXPECT_TRUE(kit.database()
                    .Read([&](sql::Transaction& tx) -> absl::Status {
                      REMATCH_ASSIGN_OR_RETURN(const auto mentors, store::ListMentors(tx, "c1", program, {}, 10));
                      count = mentors.size();
                      return absl::OkStatus();
                    })
                    .ok());
    return count;
  };
  EXPECT_EQ(members("p1"), 0u);
  EXPECT_EQ(members("p2"), 1u);
  Mentor twin = SomeMentor("");
  twin.contact.email = "New@x.example";
  EXPECT_EQ(ReasonOf(kit.Do("r3", CreateMentor{twin}).status()), reason::kMentorExists);
  twin.contact.email = "m0@x.example";
  EXPECT_TRUE(kit.Do("r4", CreateMentor{twin}).ok());
}

TEST(Door, ConsortiaShareNothing_F36) {
  DoorKit kit;
  kit.Put(Populated(1, 1, 1));
  Command other = kit.Make(Hold("k", "m0", "c0"));
  other.consortium = "c2";
  EXPECT_EQ(ReasonOf(kit.door().Commit({.scope = "consortia/c2", .request_id = "r", .body_hash = "h"}, other).status()),
            reason::kCandidateNotFound);
  EXPECT_TRUE(kit.Do("r", Hold("k", "m0", "c0")).ok());
}

TEST(Door, ALeaderTouchesOnlyTheirOwnAndASeatIsNobodysButTheServices_F36) {
  DoorKit kit;
  kit.Put(Populated(2, 2, 1));
  const auto as = [&kit](const std::string& id, const std::string& person, const std::string& method, Action action) {
    Command command = kit.Make(std::move(action));
    command.caller = {.role = std::string(access::kProgramLeader), .person = person};
    command.method = "/rematch.mentor.v1.MentorService/" + method;
    return kit.door().Commit(DoorKit::Meta(id), std::move(command));
  };
  const AssignMentor assign{.program = "p1", .candidate = "c0", .mentor = "m0"};
  EXPECT_EQ(ReasonOf(as("r1", "consortia/c1/leaders/zed", "AssignMentor", assign).status()), reason::kCandidateNotFound);
  UpdateMentor update{.mentor = SomeMentor("m0"), .fields = {"opted_out"}, .version = {}};
  EXPECT_EQ(ReasonOf(as("r2", "consortia/c1/leaders/zed", "UpdateMentor", update).status()), reason::kMentorNotFound);
  EXPECT_TRUE(as("r3", "consortia/c1/leaders/al", "AssignMentor", assign).ok());
  EXPECT_TRUE(as("r4", "consortia/c1/leaders/lee", "UpdateMentor", update).ok());
  EXPECT_EQ(ReasonOf(as("r5", "consortia/c1/leaders/lee", "HoldSeat", Hold("k", "m1", "c0")).status()), reason::kCandidateNotFound);
  Mentor foreign = SomeMentor("");
  foreign.contact.email = "foreign@x.example";
  foreign.programs = {"p1", "p2"};
  EXPECT_EQ(ReasonOf(as("r6", "consortia/c1/leaders/lee", "CreateMentor", CreateMentor{foreign}).status()), reason::kProgramNotFound);
  foreign.programs = {"p1"};
  EXPECT_TRUE(as("r7", "consortia/c1/leaders/lee", "CreateMentor", CreateMentor{foreign}).ok());
}

// One replica on SQLite; two on MySQL, each with a door of several threads. Calls go to one and the other by turns.
class ConcurrentDoor : public ::testing::TestWithParam<std::string> {
 protected:
  ConcurrentDoor()
      : store_(GetParam() == "Sqlite" ? testing::TestStore::Kind::kDisk : testing::TestStore::Kind::kMysql, MentorMigrations()),
        here_(store_) {
    if (store_.kind() == testing::TestStore::Kind::kMysql) there_ = std::make_unique<DoorKit>(store_, /*seed=*/8);
  }
  DoorKit& kit(unsigned turn = 0) { return turn % 2 == 1 && there_ != nullptr ? *there_ : here_; }

 private:
  testing::TestStore store_;
  DoorKit here_;
  std::unique_ptr<DoorKit> there_;
};
INSTANTIATE_TEST_SUITE_P(Stores, ConcurrentDoor, ::testing::Values("Sqlite", "MysqlByTwoReplicas"),
                         [](const auto& info) { return info.param; });

TEST_P(ConcurrentDoor, OfSixtyFourHoldsForTheLastSeatOneGetsIt_F30) {
  kit().Put(Populated(1, 1, 64));
  std::vector<std::thread> threads;
  std::atomic<int> held = 0, full = 0;
  for (int i = 0; i < 64; ++i) {
    threads.emplace_back([&, i] {
      const std::string n = std::to_string(i);
      const auto reply = kit(i).Do("r" + n, Hold("k" + n, "m0", "c" + n));
      if (reply.ok()) ++held;
      if (ReasonOf(reply.status()) == reason::kNoFreeSeat) ++full;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(held, 1);
  EXPECT_EQ(full, 63);
  kit().ExpectConsistent();
}

// Whoever asks for the next seat of whoever has one: the pool is the same mentors for everybody, in another order for each.
TEST_P(ConcurrentDoor, OfSixtyFourThatAskForTheNextSeatAsManyGetOneAsThereAre_F30) {
  kit().Put(Populated(6, 2, 64));
  std::vector<std::thread> threads;
  std::atomic<int> held = 0, full = 0;
  for (int i = 0; i < 64; ++i) {
    threads.emplace_back([&, i] {
      const std::string n = std::to_string(i);
      const auto reply = kit(i).DoAs<v1::HoldNextSeatResponse>(
          "r" + n, HoldNextSeat{.seat = "k" + n, .program = "p1", .candidate = "c" + n, .search = {}});
      if (reply.ok()) ++(reply->has_seat() ? held : full);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(held, 12);
  EXPECT_EQ(full, 52);
  kit().ExpectConsistent();
}

TEST_P(ConcurrentDoor, OneKeyIsOneSeatWhoeverIsAskedForItFirst_F30) {
  kit().Put(Populated(2, 4, 2));
  std::vector<std::thread> threads;
  std::atomic<int> held = 0, other = 0;
  for (int i = 0; i < 32; ++i) {
    threads.emplace_back([&, i] {
      // Of two mentors and two candidates: nothing but the key makes them meet.
      const std::string n = std::to_string(i / 2 % 2);
      const auto reply = kit(i).Do("r" + std::to_string(i), Hold("k", "m" + n, "c" + n));
      if (reply.ok()) ++held;
      if (ReasonOf(reply.status()) == reason::kSeatExists) ++other;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(held, 16);
  EXPECT_EQ(other, 16);
  EXPECT_EQ(kit().All().seats.rows().size(), 1u);
  kit().ExpectConsistent();
}

TEST_P(ConcurrentDoor, OneAddressIsOneMentorWhoeverIsAskedFirst) {
  kit().Put(Populated(0, 0, 0));
  std::vector<std::thread> threads;
  std::atomic<int> made = 0, refused = 0;
  for (int i = 0; i < 32; ++i) {
    threads.emplace_back([&, i] {
      Mentor twin = SomeMentor("");
      twin.contact.email = i % 3 == 0 ? "Twin@x.example" : "twin@x.example";
      const auto reply = kit(i).Do("r" + std::to_string(i), CreateMentor{twin});
      if (reply.ok()) ++made;
      if (ReasonOf(reply.status()) == reason::kMentorExists) ++refused;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(made, 1);
  EXPECT_EQ(refused, 31);
  EXPECT_EQ(kit().All().mentors.rows().size(), 1u);
}

TEST_P(ConcurrentDoor, ReadersNeverSeeTwoMentorsOrNoneDuringASwap_F34) {
  kit().Put(Populated(2, 1, 1));
  ASSERT_TRUE(kit().Do("first", AssignMentor{.program = "p1", .candidate = "c0", .mentor = "m0"}).ok());
  std::atomic<bool> done = false;
  std::thread reader([&] {
    while (!done) {
      EXPECT_TRUE(kit()
                      .database()
                      .Read([&](sql::Transaction& tx) -> absl::Status {
                        REMATCH_ASSIGN_OR_RETURN(
                            const auto all,
                            store::ListAssignments(tx, "c1", {.candidate = "c0", .mentor = "", .programs = std::nullopt}, {}, 1000));
                        const auto open = std::count_if(all.begin(), all.end(), [](const Assignment& a) { return !a.end.has_value(); });
                        EXPECT_EQ(open, 1);
                        return absl::OkStatus();
                      })
                      .ok());
    }
  });
  for (int i = 0; i < 40; ++i) {
    const std::string n = std::to_string(i);
    const Roster now = kit().All();
    const Candidate& candidate = *now.candidates.Find("c0");
    ASSERT_TRUE(kit(i).Do("h" + n, Hold("k" + n, candidate.mentor == "m0" ? "m1" : "m0", "c0")).ok());
    ASSERT_TRUE(kit(i).Do("t" + n, TransferCandidate{"k" + n, candidate.assignment}).ok());
  }
  done = true;
  reader.join();
  kit().ExpectConsistent();
}

TEST_P(ConcurrentDoor, WhateverManyThreadsDoTheCountersSayWhatTheRowsSay_F30_F34) {
  kit().Put(Populated(6, 2, 12));
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      DoorKit& replica = kit(t);
      const auto attempt = [&](const std::string& id, Action action) {
        const absl::Status status = replica.Do(id, std::move(action)).status();
        // Refusals of the roster's are part of it, failures of the store are not.
        EXPECT_EQ(sql::FailureOf(status), sql::Failure::kNone) << status << sql::DetailOf(status);
      };
      std::mt19937 random(static_cast<unsigned>(t));
      const auto pick = [&random](int n) { return std::to_string(random() % static_cast<unsigned>(n)); };
      for (int i = 0; i < 60; ++i) {
        const std::string id = std::to_string(t) + "-" + std::to_string(i);
        const std::string seat = "k" + pick(40);
        switch (random() % 5) {
          case 0:
            attempt(id, Hold(seat, "m" + pick(6), "c" + pick(12)));
            break;
          case 1:
            attempt(id, HoldNextSeat{.seat = seat, .program = "p1", .candidate = "c" + pick(12), .search = {}});
            break;
          case 2:
            attempt(id, ReleaseSeat{seat});
            break;
          case 3: {
            const Roster now = replica.All();
            const Seat* held = now.seats.Find(seat);
            if (held != nullptr && !held->candidate.empty()) {
              attempt(id, TransferCandidate{seat, now.candidates.Find(held->candidate)->assignment});
            }
            break;
          }
          default:
            attempt(id, AssignMentor{.program = "p1", .candidate = "c" + pick(12), .mentor = "m" + pick(6)});
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  kit().ExpectConsistent();
}

}  // namespace
}  // namespace rematch::mentor
