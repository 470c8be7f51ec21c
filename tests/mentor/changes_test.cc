// Leaving, being kept apart, and what the roster's feed tells of it.
#include "mentor-service/domain/changes.h"

#include "mentor-service/domain/commands.h"
#include "mentor-service/domain/reasons.h"
#include "platform/errors.h"
#include "tests/mentor/mentor_kit.h"

namespace rematch::mentor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = Change::Kind;

template <typename T>
std::string Reason(const absl::StatusOr<T>& result) {
  return result.ok() ? "OK" : ReasonOf(result.status());
}

// Ann's mentor is one, by assignment id-1; two has nobody. As the store has it.
Roster Paired() {
  Roster made = SmallRoster();
  for (const char* id : {"one", "two"}) {
    Mentor mentor = SomeMentor(id);
    mentor.assigned = 0;
    mentor.programs = {"p1", "p2"};
    made.PutMentor(mentor);
  }
  EXPECT_TRUE(Decide(made, AssignMentor{.program = "p1", .candidate = "ann", .mentor = "one"}, TestContext()).ok());
  Roster stored = SmallRoster();
  stored.candidates = {};
  for (const auto& [id, row] : made.mentors.rows()) stored.mentors.Load(row.value);
  for (const auto& [id, row] : made.candidates.rows()) stored.candidates.Load(row.value);
  for (const auto& [id, row] : made.assignments.rows()) stored.assignments.Load(row.value);
  return stored;
}

TEST(Retire, EndsEveryAssignmentAndKeepsTheHistory_F33) {
  Roster roster = Paired();
  const auto retired = Decide(roster, RetireMentor{.mentor = "one"}, TestContext(TestNow() + absl::Hours(1)));
  ASSERT_TRUE(retired.ok());
  EXPECT_EQ(retired->state, Mentor::State::kRetired);
  EXPECT_EQ(retired->assigned, 0);
  const Candidate& ann = *roster.candidates.Find("ann");
  EXPECT_EQ(ann.mentor, "");
  EXPECT_EQ(ann.assignment, "");
  EXPECT_EQ(ann.without_mentor_since, TestNow() + absl::Hours(1));
  EXPECT_EQ(roster.assignments.Find("id-1")->end, TestNow() + absl::Hours(1));
  EXPECT_EQ(roster.assignments.Find("id-1")->begin, TestNow());
  EXPECT_EQ(Reason(Decide(roster, RetireMentor{.mentor = "one"}, TestContext())), reason::kMentorRetired);
  EXPECT_EQ(Reason(Decide(roster, RetireMentor{.mentor = "nobody"}, TestContext())), reason::kMentorNotFound);
  EXPECT_EQ(Reason(Decide(roster, AssignMentor{.program = "p1", .candidate = "ann", .mentor = "one"}, TestContext())),
            reason::kMentorRetired);
}

TEST(Retire, ToldOnceForEachProgramAndEachCandidate_F33) {
  Roster roster = Paired();
  ASSERT_TRUE(Decide(roster, RetireMentor{.mentor = "one"}, TestContext()).ok());
  EXPECT_THAT(ChangesIn(roster),
              ElementsAre(Change{.kind = Kind::kMentorChanged, .mentor = "one"},
                          Change{.kind = Kind::kMentorLeft, .program = "p1", .mentor = "one"},
                          Change{.kind = Kind::kMentorLeft, .program = "p2", .mentor = "one"},
                          Change{.kind = Kind::kAssignmentChanged, .program = "p1", .candidate = "ann", .mentor_left = true}));
}

TEST(Retire, LeavesHeldSeatsToTheirCasesButLetsNoneBecomeAnAssignment_F30_F33) {
  Roster roster = Paired();
  ASSERT_TRUE(Decide(roster, HoldSeat{.seat = "k", .mentor = "two", .program = "p1", .candidate = "ann"}, TestContext()).ok());
  ASSERT_TRUE(Decide(roster, RetireMentor{.mentor = "two"}, TestContext()).ok());
  EXPECT_EQ(roster.mentors.Find("two")->held, 1);
  EXPECT_EQ(Reason(Decide(roster, TransferCandidate{.seat = "k", .replaces = "id-1"}, TestContext())), reason::kMentorRetired);
  EXPECT_EQ(roster.candidates.Find("ann")->mentor, "one");
  ASSERT_TRUE(Decide(roster, ReleaseSeat{.seat = "k"}, TestContext()).ok());
  EXPECT_EQ(roster.mentors.Find("two")->held, 0);
}

TEST(Unenroll, EndsTheAssignmentAndGivesNoOther_F33) {
  Roster roster = Paired();
  const UnenrollCandidate leave{.program = "p1", .candidate = "ann"};
  const auto gone = Decide(roster, leave, TestContext());
  ASSERT_TRUE(gone.ok());
  EXPECT_EQ(gone->unenrolled, TestNow());
  EXPECT_EQ(gone->mentor, "");
  EXPECT_FALSE(gone->without_mentor_since.has_value()) << "nobody need find them one";
  EXPECT_EQ(roster.mentors.Find("one")->assigned, 0);
  EXPECT_THAT(ChangesIn(roster), ElementsAre(Change{.kind = Kind::kCandidateLeft, .program = "p1", .candidate = "ann"}));
  EXPECT_EQ(Reason(Decide(roster, leave, TestContext())), reason::kCandidateUnenrolled);
  EXPECT_EQ(Reason(Decide(roster, AssignMentor{.program = "p1", .candidate = "ann", .mentor = "two"}, TestContext())),
            reason::kCandidateUnenrolled);
  EXPECT_EQ(Reason(Decide(roster, HoldSeat{.seat = "k", .mentor = "two", .program = "p1", .candidate = "ann"}, TestContext())),
            reason::kCandidateUnenrolled);
  EXPECT_EQ(Reason(Decide(roster, HoldNextSeat{.seat = "k", .program = "p1", .candidate = "ann", .search = {}}, TestContext())),
            reason::kCandidateUnenrolled);
  EXPECT_EQ(Reason(Decide(roster, UnenrollCandidate{.program = "p2", .candidate = "ann"}, TestContext())), reason::kCandidateNotFound);
}

TEST(EndAssignment, LeavesTheCandidateWithoutAMentorOnce_F34) {
  Roster roster = Paired();
  const auto ended = Decide(roster, EndAssignment{.assignment = "id-1"}, TestContext());
  ASSERT_TRUE(ended.ok());
  EXPECT_EQ(ended->end, TestNow());
  EXPECT_EQ(roster.candidates.Find("ann")->mentor, "");
  EXPECT_EQ(roster.mentors.Find("one")->assigned, 0);
  EXPECT_THAT(ChangesIn(roster), ElementsAre(Change{.kind = Kind::kAssignmentChanged, .program = "p1", .candidate = "ann"}));
  EXPECT_EQ(Reason(Decide(roster, EndAssignment{.assignment = "id-1"}, TestContext())), reason::kAssignmentEnded);
  EXPECT_EQ(Reason(Decide(roster, EndAssignment{.assignment = "id-9"}, TestContext())), reason::kAssignmentNotFound);
}

TEST(DoNotPair, KeepsTheTwoApartEverywhereUntilItIsTakenBack_F28) {
  Roster roster = Paired();
  const AddDoNotPair add{.program = "p1", .candidate = "ann", .mentor = "two"};
  ASSERT_TRUE(Decide(roster, add, TestContext()).ok());
  ASSERT_TRUE(Decide(roster, add, TestContext()).ok());
  EXPECT_THAT(roster.candidates.Find("ann")->do_not_pair, ElementsAre("two"));
  EXPECT_THAT(ChangesIn(roster), ElementsAre(Change{.kind = Kind::kDoNotPairAdded, .program = "p1", .candidate = "ann", .mentor = "two"}));
  const Program& program = *roster.programs.Find("p1");
  const auto ranked = [&](const Search& search) {
    return MentorsOf(Rank(roster, program, *roster.candidates.Find("ann"), search, TestNow()));
  };
  EXPECT_THAT(ranked({}), IsEmpty()) << "one is the current mentor, two is kept apart";
  EXPECT_THAT(ranked(Everybody()), ElementsAre("one"));
  const HoldSeat hold{.seat = "k", .mentor = "two", .program = "p1", .candidate = "ann"};
  EXPECT_EQ(Reason(Decide(roster, hold, TestContext())), reason::kDoNotPair);
  ASSERT_TRUE(Decide(roster, RemoveDoNotPair{.program = "p1", .candidate = "ann", .mentor = "two"}, TestContext()).ok());
  EXPECT_THAT(ranked({}), ElementsAre("two"));
  EXPECT_TRUE(Decide(roster, hold, TestContext()).ok());
}

TEST(DoNotPair, AddedWhileASeatIsHeldRefusesTheSwap_F28) {
  Roster roster = Paired();
  ASSERT_TRUE(Decide(roster, HoldSeat{.seat = "k", .mentor = "two", .program = "p1", .candidate = "ann"}, TestContext()).ok());
  ASSERT_TRUE(Decide(roster, AddDoNotPair{.program = "p1", .candidate = "ann", .mentor = "two"}, TestContext()).ok());
  EXPECT_EQ(Reason(Decide(roster, TransferCandidate{.seat = "k", .replaces = "id-1"}, TestContext())), reason::kDoNotPair);
  EXPECT_EQ(roster.candidates.Find("ann")->assignment, "id-1");
}

TEST(DoNotPair, MayBeTheMentorOfRecordAndIsBounded) {
  Roster roster = Paired();
  EXPECT_TRUE(Decide(roster, AddDoNotPair{.program = "p1", .candidate = "ann", .mentor = "one"}, TestContext()).ok());
  EXPECT_EQ(roster.candidates.Find("ann")->mentor, "one") << "what there is goes on";
  roster.candidates.Change("ann").do_not_pair.assign(kMaxDoNotPair, "somebody");
  EXPECT_EQ(Reason(Decide(roster, AddDoNotPair{.program = "p1", .candidate = "ann", .mentor = "two"}, TestContext())),
            reason::kDoNotPairFull);
  EXPECT_EQ(Reason(Decide(roster, AddDoNotPair{.program = "p1", .candidate = "ann", .mentor = "nobody"}, TestContext())),
            reason::kMentorNotFound);
}

TEST(Changes, ASwapIsOneChangeWithItsSeatAndHeldSeatsAreNone_F34) {
  Roster roster = Paired();
  ASSERT_TRUE(Decide(roster, HoldSeat{.seat = "case.o1", .mentor = "two", .program = "p1", .candidate = "ann"}, TestContext()).ok());
  EXPECT_THAT(ChangesIn(roster), IsEmpty());
  const Context later = {.now = TestNow() + absl::Hours(1), .new_id = [] { return "id-2"; }};
  const auto begun = Decide(roster, TransferCandidate{.seat = "case.o1", .replaces = "id-1"}, later);
  ASSERT_TRUE(begun.ok());
  EXPECT_THAT(ChangesIn(roster), ElementsAre(Change{.kind = Kind::kAssignmentChanged,
                                                    .program = "p1",
                                                    .candidate = "ann",
                                                    .mentor = "two",
                                                    .assignment = begun->id,
                                                    .seat = "case.o1"}));
}

TEST(Changes, TellOfACalendarOrAZoneThatIsAnother_F37) {
  const auto changes = [](UpdateProgram update) {
    Roster roster = SmallRoster();
    update.program.id = "p1";
    EXPECT_TRUE(Decide(roster, update, TestContext()).ok());
    return ChangesIn(roster);
  };
  const Change changed{.kind = Kind::kCalendarChanged, .program = "p1"};
  EXPECT_THAT(changes({.program = {.time_zone = "UTC"}, .fields = {"time_zone"}, .etag = ""}), ElementsAre(changed));
  EXPECT_THAT(changes({.program = {.calendar = "x"}, .fields = {"calendar"}, .etag = ""}), ElementsAre(changed));
  EXPECT_THAT(changes({.program = {.time_zone = "America/Los_Angeles"}, .fields = {"time_zone", "calendar"}, .etag = ""}), IsEmpty());
  EXPECT_THAT(changes({.program = {.display_name = "Another"}, .fields = {"display_name"}, .etag = ""}), IsEmpty());
}

TEST(Changes, TellOfWhoIsNewAndOfWhoLeavesAProgram_F33) {
  Roster roster = Paired();
  Candidate bob = SomeCandidate("bob");
  ASSERT_TRUE(Decide(roster, CreateCandidate{.candidate = bob}, TestContext()).ok());
  UpdateMentor update{.mentor = *roster.mentors.Find("two"), .fields = {"programs"}, .version = std::nullopt};
  update.mentor.programs = {"p1"};
  ASSERT_TRUE(Decide(roster, update, TestContext()).ok());
  EXPECT_THAT(ChangesIn(roster), ElementsAre(Change{.kind = Kind::kMentorChanged, .mentor = "two"},
                                             Change{.kind = Kind::kMentorLeft, .program = "p2", .mentor = "two"},
                                             Change{.kind = Kind::kCandidateAdded, .program = "p1", .candidate = "bob"}));
}

// --- Over the door and a store ---

std::vector<store::FeedRow> Feed(DoorKit& kit, int64_t after = 0) {
  std::vector<store::FeedRow> rows;
  const absl::Status status = kit.database().Read([&](sql::Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(rows, store::ListChanges(tx, "", after, 1000));
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  return rows;
}

// The mentor "one" is Ann's, and a seat "k" of "two" is held for her.
void AssignOneAndHoldTwo(DoorKit& kit) {
  Roster roster = SmallRoster();
  for (const char* id : {"one", "two"}) {
    Mentor mentor = SomeMentor(id);
    mentor.assigned = 0;
    roster.PutMentor(mentor);
  }
  kit.Put(roster);
  ASSERT_TRUE(kit.Do("r1", AssignMentor{.program = "p1", .candidate = "ann", .mentor = "one"}).ok());
  ASSERT_TRUE(kit.Do("r2", HoldSeat{.seat = "k", .mentor = "two", .program = "p1", .candidate = "ann"}).ok());
}

TEST(RosterFeed, PositionsHaveNoGapsAndCommandsOfABatchAreToldInOrder_F33) {
  DoorKit kit(0);
  AssignOneAndHoldTwo(kit);
  EXPECT_FALSE(kit.Do("r3", RetireMentor{.mentor = "nobody"}).ok());
  // Two at once, in one batch.
  for (const char* mentor : {"one", "two"}) {
    kit.door().Submit(DoorKit::Meta(absl::StrCat("retire-", mentor)), kit.Make(RetireMentor{.mentor = mentor}),
                      [](const absl::StatusOr<std::string>& reply) { EXPECT_TRUE(reply.ok()) << reply.status(); });
  }
  while (kit.door().RunOnce()) {
  }
  std::vector<std::string> told;
  int64_t last = 0;
  for (const store::FeedRow& row : Feed(kit)) {
    EXPECT_EQ(row.position, ++last);
    EXPECT_EQ(row.consortium, "c1");
    EXPECT_EQ(row.time, TestNow());
    told.push_back(absl::StrCat(static_cast<int>(row.change.kind), " ", row.change.candidate, row.change.mentor));
  }
  EXPECT_THAT(told, ElementsAre("5 annone", "1 one", "2 one", "1 two", "2 two", "5 ann"));
  EXPECT_EQ(Feed(kit, 4).size(), 2u);
  kit.ExpectConsistent();
}

TEST(RosterFeed, TellsOfACalendarOnceOfOtherLeadersAndNotOfWhatAnImportLeavesAlone_F37) {
  DoorKit kit(0);
  kit.Put(SmallRoster());
  const UpdateProgram update{.program = {.id = "p1", .calendar = "bytes"}, .fields = {"calendar"}, .etag = ""};
  ASSERT_TRUE(kit.Do("r1", update).ok());
  ASSERT_TRUE(kit.Do("r2", update).ok()) << "says nothing new";
  ImportRoster import;
  v1::ImportRosterRequest::ProgramRow& row = *import.rows.emplace_back().mutable_program();
  row.set_id("p1");
  row.set_display_name("P1, renamed");
  row.set_time_zone("America/Los_Angeles");
  row.set_leader_id("lee");
  row.mutable_leader()->set_display_name("Lee");
  row.mutable_leader()->set_email("lee@x.example");
  ASSERT_TRUE(kit.Do("r3", import).ok());
  const std::vector<store::FeedRow> feed = Feed(kit);
  ASSERT_EQ(feed.size(), 2u) << "of the calendar, and of the import, which names other leaders";
  for (const store::FeedRow& told : feed) EXPECT_EQ(told.change, (Change{.kind = Kind::kCalendarChanged, .program = "p1"}));
  ASSERT_TRUE(kit.Do("r4", import).ok());
  EXPECT_EQ(Feed(kit).size(), 2u) << "the same import again is no news";
  Roster stored;
  stored.consortium_id = "c1";
  ASSERT_TRUE(kit.database()
                  .Read([&](sql::Transaction& tx) -> absl::Status {
                    Wants wants;
                    wants.programs = {"p1"};
                    return store::Find(tx, wants, stored);
                  })
                  .ok());
  EXPECT_EQ(stored.programs.Find("p1")->display_name, "P1, renamed");
  EXPECT_EQ(stored.programs.Find("p1")->calendar, "bytes");
}

TEST(RosterFeed, WhoRetiresWhileSomebodyIsAssignedToThemLeavesNobodyBehind_F33) {
  DoorKit kit(0);
  Roster roster = SmallRoster();
  Mentor mentor = SomeMentor("one");
  mentor.assigned = 0;
  mentor.capacity = 30;
  roster.PutMentor(mentor);
  for (int i = 0; i < 20; ++i) roster.candidates.Load(SomeCandidate(absl::StrCat("c", i)));
  kit.Put(roster);
  // Some come before, some in the same batch, of those some behind.
  for (int i = 0; i < 20; ++i) {
    Action action = AssignMentor{.program = "p1", .candidate = absl::StrCat("c", i), .mentor = "one"};
    if (i == 15) action = RetireMentor{.mentor = "one"};
    kit.door().Submit(DoorKit::Meta(absl::StrCat("r", i)), kit.Make(std::move(action)), [](const absl::StatusOr<std::string>&) {});
    if (i == 9) kit.door().RunOnce();
  }
  while (kit.door().RunOnce()) {
  }
  kit.ExpectConsistent();
  EXPECT_EQ(kit.All().mentors.Find("one")->assigned, 0);
  const auto left = [](const store::FeedRow& row) { return row.change.mentor_left; };
  const std::vector<store::FeedRow> feed = Feed(kit);
  EXPECT_EQ(std::count_if(feed.begin(), feed.end(), left), 15)
      << "whoever was theirs for less than a batch, too: a case may have told them so";
}

// The case that found them goes on to tell the candidate; what follows is for the leader.
TEST(RosterFeed, WhoIsFoundAndRetiresInOneBatchLeavesACandidateBehind_F33) {
  DoorKit kit(0);
  AssignOneAndHoldTwo(kit);
  const std::string assignment = kit.All().candidates.Find("ann")->assignment;
  for (Action action : {Action(TransferCandidate{.seat = "k", .replaces = assignment}), Action(RetireMentor{.mentor = "two"})}) {
    kit.door().Submit(DoorKit::Meta(absl::StrCat("together", action.index())), kit.Make(std::move(action)),
                      [](const absl::StatusOr<std::string>& reply) { EXPECT_TRUE(reply.ok()) << reply.status(); });
  }
  while (kit.door().RunOnce()) {
  }
  kit.ExpectConsistent();
  ASSERT_EQ(kit.All().candidates.Find("ann")->mentor, "");
  int left = 0;
  for (const store::FeedRow& row : Feed(kit)) left += row.change.candidate == "ann" && row.change.mentor_left;
  EXPECT_EQ(left, 1);
}

}  // namespace
}  // namespace rematch::mentor
