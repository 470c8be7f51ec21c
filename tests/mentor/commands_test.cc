// What each command does to the roster, over memory.
#include "mentor-service/domain/commands.h"

#include "mentor-service/domain/reasons.h"
#include "platform/errors.h"
#include "tests/mentor/mentor_kit.h"

namespace rematch::mentor {
namespace {

using ::testing::IsEmpty;

Roster WithTwoMentors() {
  Roster roster = SmallRoster();
  Mentor one = SomeMentor("one");
  one.assigned = 0;
  one.capacity = 1;
  roster.PutMentor(one);
  Mentor two = SomeMentor("two");
  two.assigned = 0;
  two.capacity = 2;
  roster.PutMentor(two);
  return roster;
}

const HoldSeat kHold{.seat = "k", .mentor = "one", .program = "p1", .candidate = "ann"};

template <typename T>
std::string Reason(const absl::StatusOr<T>& result) {
  return result.ok() ? "OK" : ReasonOf(result.status());
}

TEST(HoldSeat, CountsAgainstTheCapacityUntilReleased_F30) {
  Roster roster = WithTwoMentors();
  ASSERT_TRUE(Decide(roster, kHold, TestContext()).ok());
  EXPECT_EQ(roster.mentors.Find("one")->held, 1);
  HoldSeat other = kHold;
  other.seat = "k2";
  EXPECT_EQ(Reason(Decide(roster, other, TestContext())), reason::kNoFreeSeat);
  EXPECT_EQ(roster.seats.Find("k2"), nullptr);
  ASSERT_TRUE(Decide(roster, ReleaseSeat{"k"}, TestContext()).ok());
  EXPECT_EQ(roster.mentors.Find("one")->held, 0);
  EXPECT_TRUE(Decide(roster, other, TestContext()).ok());
}

TEST(HoldSeat, AgainUnderTheSameKeyIsTheSameSeatAndNeverAnother_F32) {
  Roster roster = WithTwoMentors();
  const auto first = Decide(roster, kHold, TestContext());
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(*Decide(roster, kHold, TestContext(TestNow() + absl::Hours(1))), *first);
  EXPECT_EQ(roster.mentors.Find("one")->held, 1);
  HoldSeat other = kHold;
  other.mentor = "two";
  EXPECT_EQ(Reason(Decide(roster, other, TestContext())), reason::kSeatExists);
}

TEST(HoldSeat, RefusesWhoMayNotHaveTheCandidate_F20_F25) {
  Roster roster = WithTwoMentors();
  roster.mentors.Change("one").supervised_sites = {"s1"};
  EXPECT_EQ(Reason(Decide(roster, kHold, TestContext())), reason::kMentorSupervises);
  roster.mentors.Change("one").programs = {"p2"};
  EXPECT_EQ(Reason(Decide(roster, kHold, TestContext())), reason::kMentorNotMember);
  EXPECT_EQ(Reason(Decide(roster, AssignMentor{.program = "p1", .candidate = "ann", .mentor = "one"}, TestContext())),
            reason::kMentorNotMember);
  roster.mentors.Change("one").state = Mentor::State::kRetired;
  EXPECT_EQ(Reason(Decide(roster, kHold, TestContext())), reason::kMentorRetired);
  HoldSeat two = kHold;
  two.mentor = "two";
  roster.candidates.Change("ann").mentor = "two";
  EXPECT_EQ(Reason(Decide(roster, two, TestContext())), reason::kMentorIsCurrent);
  two.candidate = "nobody";
  EXPECT_EQ(Reason(Decide(roster, two, TestContext())), reason::kCandidateNotFound);
  two.candidate = "ann";
  two.program = "p2";
  EXPECT_EQ(Reason(Decide(roster, two, TestContext())), reason::kCandidateNotFound);
  two.program = "p1";
  two.mentor = "nobody";
  EXPECT_EQ(Reason(Decide(roster, two, TestContext())), reason::kMentorNotFound);
}

// "one" is of d2, "two" of d1, as the candidate's site is.
Roster WithOneOfAnotherDistrict() {
  Roster roster = WithTwoMentors();
  roster.mentors.Change("one").district = "d2";
  return roster;
}

TEST(Districts, WhoIsNotSharedIsHeldForNobodyAndGivenToNobody_F36) {
  const HoldNextSeat next{.seat = "n", .program = "p1", .candidate = "ann", .search = Ordered({"one"})};
  const AssignMentor assign{.program = "p1", .candidate = "ann", .mentor = "one"};
  for (const bool lends : {false, true}) {
    for (const bool borrows : {false, true}) {
      Roster hold = WithOneOfAnotherDistrict(), given = WithOneOfAnotherDistrict(), first = WithOneOfAnotherDistrict();
      for (Roster* roster : {&hold, &given, &first}) Share(*roster, lends, borrows);
      const bool shared = lends && borrows;
      EXPECT_EQ(Reason(Decide(hold, kHold, TestContext())), shared ? "OK" : reason::kDistrictNotShared);
      EXPECT_EQ(Reason(Decide(given, assign, TestContext())), shared ? "OK" : reason::kDistrictNotShared);
      EXPECT_EQ(Decide(first, next, TestContext())->seat->mentor, shared ? "one" : "two");
    }
  }
}

TEST(Districts, ThatCloseLeaveSeatsAndAssignmentsAsTheyAreAndGiveNoMore_F36) {
  Roster roster = WithOneOfAnotherDistrict();
  roster.candidates.Load(SomeCandidate("bob"));
  roster.mentors.Change("one").capacity = 3;
  ASSERT_TRUE(Decide(roster, AssignMentor{.program = "p1", .candidate = "bob", .mentor = "one"}, TestContext()).ok());
  ASSERT_TRUE(Decide(roster, kHold, TestContext()).ok());
  const UpdateDistrict close{.district = {.id = "d2", .display_name = "", .representative = {}}, .fields = {"lends_mentors"}, .etag = ""};
  ASSERT_TRUE(Decide(roster, close, TestContext()).ok());
  EXPECT_EQ(roster.candidates.Find("bob")->mentor, "one");
  EXPECT_EQ(roster.seats.Find("k")->state, Seat::State::kHeld);
  EXPECT_EQ(Reason(Decide(roster, TransferCandidate{"k", ""}, TestContext())), reason::kDistrictNotShared);
  EXPECT_EQ(roster.seats.Find("k")->state, Seat::State::kHeld) << "for whoever asked to give it back";
  EXPECT_TRUE(Decide(roster, ReleaseSeat{"k"}, TestContext()).ok());
}

TEST(UpdateDistrict, ChangesOnlyTheFieldsNamedAndChecksTheEtag_F36) {
  Roster roster = SmallRoster();
  const District before = *roster.districts.Find("d1");
  UpdateDistrict update{.district = {.id = "d1", .display_name = "New", .representative = SomeContact("new")},
                        .fields = {"lends_mentors"},
                        .etag = EtagOf(before)};
  const auto closed = Decide(roster, update, TestContext());
  ASSERT_TRUE(closed.ok());
  EXPECT_FALSE(closed->lends_mentors);
  EXPECT_TRUE(closed->borrows_mentors);
  EXPECT_EQ(closed->display_name, before.display_name);
  EXPECT_EQ(closed->representative, before.representative);
  EXPECT_EQ(Reason(Decide(roster, update, TestContext())), rematch::reason::kEtagMismatch);
  update.fields = {"display_name", "representative", "borrows_mentors"};
  update.etag = EtagOf(*closed);
  const auto renamed = Decide(roster, update, TestContext());
  ASSERT_TRUE(renamed.ok());
  EXPECT_EQ(*renamed, update.district);
  EXPECT_NE(EtagOf(*renamed), EtagOf(*closed));
  update.district.id = "d9";
  EXPECT_EQ(Reason(Decide(roster, update, TestContext())), reason::kDistrictNotFound);
}

TEST(ReleaseSeat, OfAnUnknownKeyRefusesTheHoldThatComesLate_F30) {
  Roster roster = WithTwoMentors();
  const auto tombstone = Decide(roster, ReleaseSeat{"k"}, TestContext());
  ASSERT_TRUE(tombstone.ok());
  EXPECT_EQ(tombstone->state, Seat::State::kReleased);
  EXPECT_EQ(tombstone->mentor, "");
  EXPECT_EQ(Reason(Decide(roster, kHold, TestContext())), reason::kSeatReleased);
  EXPECT_EQ(Reason(Decide(roster, HoldNextSeat{.seat = "k", .program = "p1", .candidate = "ann", .search = {}}, TestContext())),
            reason::kSeatReleased);
  EXPECT_EQ(*Decide(roster, ReleaseSeat{"k"}, TestContext(TestNow() + absl::Hours(1))), *tombstone);
}

// State of the seat × command: what happens, in one table.
TEST(Seat, MovesForwardOnly) {
  const auto make = [](const std::string& state) {
    Roster roster = WithTwoMentors();
    if (state != "none") {
      EXPECT_TRUE(Decide(roster, kHold, TestContext()).ok());
    }
    if (state == "released") {
      EXPECT_TRUE(Decide(roster, ReleaseSeat{"k"}, TestContext()).ok());
    }
    if (state == "transferred") {
      EXPECT_TRUE(Decide(roster, TransferCandidate{"k", ""}, TestContext()).ok());
    }
    return roster;
  };
  struct Case {
    const char* state;
    std::string_view hold, release, transfer;
  };
  const Case cases[] = {
      {"none", "OK", "OK", reason::kSeatNotFound},
      {"held", "OK", "OK", "OK"},
      {"released", reason::kSeatReleased, "OK", reason::kSeatNotHeld},
      {"transferred", reason::kSeatTransferred, reason::kSeatTransferred, reason::kSeatNotHeld},
  };
  for (const Case& c : cases) {
    Roster hold = make(c.state), release = make(c.state), transfer = make(c.state);
    EXPECT_EQ(Reason(Decide(hold, kHold, TestContext())), c.hold) << c.state;
    EXPECT_EQ(Reason(Decide(release, ReleaseSeat{"k"}, TestContext())), c.release) << c.state;
    EXPECT_EQ(Reason(Decide(transfer, TransferCandidate{"k", ""}, TestContext())), c.transfer) << c.state;
  }
}

TEST(HoldNextSeat, HoldsTheFirstWithAFreeSeatAndSeesHoldsMadeBefore_F5_F30) {
  Roster roster = WithTwoMentors();
  roster.candidates.Load(SomeCandidate("bob"));
  const Search order = Ordered({"one", "two"});
  const auto first = Decide(roster, HoldNextSeat{.seat = "k1", .program = "p1", .candidate = "ann", .search = order}, TestContext());
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->seat->mentor, "one");
  EXPECT_EQ(first->mentor.rank, 1);
  EXPECT_EQ(first->full, 0);
  const auto second = Decide(roster, HoldNextSeat{.seat = "k2", .program = "p1", .candidate = "bob", .search = order}, TestContext());
  EXPECT_EQ(second->seat->mentor, "two");
  EXPECT_EQ(second->full, 1);
  const auto again = Decide(roster, HoldNextSeat{.seat = "k2", .program = "p1", .candidate = "bob", .search = order}, TestContext());
  EXPECT_EQ(again->seat, second->seat);
  EXPECT_EQ(Reason(Decide(roster, HoldNextSeat{.seat = "k2", .program = "p1", .candidate = "ann", .search = order}, TestContext())),
            reason::kSeatExists);
  ASSERT_TRUE(Decide(roster, HoldNextSeat{.seat = "k3", .program = "p1", .candidate = "ann", .search = order}, TestContext()).ok());
  const auto none = Decide(roster, HoldNextSeat{.seat = "k4", .program = "p1", .candidate = "ann", .search = order}, TestContext());
  ASSERT_TRUE(none.ok());
  EXPECT_FALSE(none->seat.has_value());
  EXPECT_EQ(none->full, 2);
  EXPECT_EQ(roster.seats.Find("k4"), nullptr);
}

TEST(HoldNextSeat, BreaksTiesAsOnTheDayOfTheCaseHoweverLateItAsks_F5_F26) {
  const auto first_on = [](std::optional<absl::Time> day, absl::Time now) {
    Roster roster = SmallRoster();
    for (int i = 0; i < 12; ++i) roster.mentors.Load(SomeMentor("m" + std::to_string(i)));
    const auto held =
        Decide(roster, HoldNextSeat{.seat = "k", .program = "p1", .candidate = "ann", .search = {}, .day = day}, TestContext(now));
    return held.ok() ? held->mentor.mentor : "";
  };
  const std::string reviewed = first_on(std::nullopt, TestNow());
  bool others_differ = false;
  for (int later = 1; later <= 30; ++later) {
    const absl::Time now = TestNow() + later * absl::Hours(24);
    EXPECT_EQ(first_on(TestNow(), now), reviewed) << later;
    others_differ |= first_on(std::nullopt, now) != reviewed;
  }
  EXPECT_TRUE(others_differ) << "unset, it is the day of the call";
}

TEST(TransferCandidate, EndsOneAssignmentAndBeginsTheOtherAtTheSameInstant_F34) {
  Roster roster = WithTwoMentors();
  const auto first = Decide(roster, AssignMentor{.program = "p1", .candidate = "ann", .mentor = "one"}, TestContext());
  ASSERT_TRUE(first.ok());
  HoldSeat two = kHold;
  two.mentor = "two";
  ASSERT_TRUE(Decide(roster, two, TestContext()).ok());
  EXPECT_EQ(Reason(Decide(roster, TransferCandidate{"k", ""}, TestContext())), reason::kAssignmentChanged);
  EXPECT_EQ(Reason(Decide(roster, TransferCandidate{"k", "another"}, TestContext())), reason::kAssignmentChanged);
  EXPECT_EQ(roster.candidates.Find("ann")->mentor, "one");

  const absl::Time later = TestNow() + absl::Hours(1);
  Context context = TestContext(later);
  context.new_id = [] { return std::string("new"); };
  const auto begun = Decide(roster, TransferCandidate{"k", first->id}, context);
  ASSERT_TRUE(begun.ok());
  EXPECT_EQ(begun->mentor, "two");
  EXPECT_EQ(begun->begin, later);
  EXPECT_EQ(roster.assignments.Find(first->id)->end, later);
  EXPECT_EQ(roster.assignments.Find(first->id)->begin, TestNow());
  EXPECT_EQ(roster.candidates.Find("ann")->mentor, "two");
  EXPECT_EQ(roster.candidates.Find("ann")->assignment, "new");
  EXPECT_EQ(roster.mentors.Find("one")->assigned, 0);
  EXPECT_EQ(roster.mentors.Find("two")->assigned, 1);
  EXPECT_EQ(roster.mentors.Find("two")->held, 0);
  EXPECT_EQ(roster.seats.Find("k")->assignment, "new");
}

TEST(AssignMentor, OnlyForACandidateWithoutOneAndOnlyAFreeSeat) {
  Roster roster = WithTwoMentors();
  roster.candidates.Load(SomeCandidate("bob"));
  ASSERT_TRUE(Decide(roster, AssignMentor{.program = "p1", .candidate = "ann", .mentor = "one"}, TestContext()).ok());
  EXPECT_FALSE(roster.candidates.Find("ann")->without_mentor_since.has_value());
  EXPECT_TRUE(roster.mentors.Find("one")->has_mentored);
  EXPECT_EQ(Reason(Decide(roster, AssignMentor{.program = "p1", .candidate = "ann", .mentor = "two"}, TestContext())),
            reason::kCandidateHasMentor);
  EXPECT_EQ(Reason(Decide(roster, AssignMentor{.program = "p1", .candidate = "bob", .mentor = "one"}, TestContext())), reason::kNoFreeSeat);
}

TEST(CreateMentor, RefusesAnEmailThatTheConsortiumHas) {
  Roster roster = WithTwoMentors();
  Mentor mentor = SomeMentor("");
  mentor.contact.email = "ONE@x.example";
  EXPECT_EQ(Reason(Decide(roster, CreateMentor{mentor}, TestContext())), reason::kMentorExists);
  mentor.contact.email = "three@x.example";
  const auto made = Decide(roster, CreateMentor{mentor}, TestContext());
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(Reason(Decide(roster, CreateMentor{mentor}, TestContext())), reason::kMentorExists) << "inside one batch too";
  mentor.contact.email = "four@x.example";
  mentor.programs = {"p9"};
  EXPECT_EQ(Reason(Decide(roster, CreateMentor{mentor}, TestContext())), reason::kProgramNotFound);
}

TEST(UpdateMentor, ChangesOnlyTheFieldsNamedAndChecksEtagAndCapacity) {
  Roster roster = WithTwoMentors();
  const int64_t version = roster.mentors.Find("one")->version;
  UpdateMentor update{.mentor = SomeMentor("one"), .fields = {"capacity"}, .version = version};
  update.mentor.capacity = 5;
  update.mentor.district = "d2";
  const auto updated = Decide(roster, update, TestContext());
  ASSERT_TRUE(updated.ok());
  EXPECT_EQ(updated->capacity, 5);
  EXPECT_EQ(updated->district, "d1");
  EXPECT_GT(updated->version, version);
  EXPECT_EQ(Reason(Decide(roster, update, TestContext())), rematch::reason::kEtagMismatch);
  ASSERT_TRUE(Decide(roster, kHold, TestContext()).ok());
  update.version.reset();
  update.mentor.capacity = 0;
  EXPECT_EQ(Reason(Decide(roster, update, TestContext())), reason::kCapacityInUse);
  EXPECT_EQ(roster.mentors.Find("one")->capacity, 5);
  update.fields = {"contact"};
  update.mentor.contact = SomeContact("two");
  EXPECT_EQ(Reason(Decide(roster, update, TestContext())), reason::kMentorExists);
  update.mentor.contact = SomeContact("uno");
  ASSERT_TRUE(Decide(roster, update, TestContext()).ok());
  EXPECT_THAT(roster.MentorWithEmail("one@x.example"), IsEmpty());
}

TEST(Creates, RefuseWhatIsThereAndWhatRefersToNothing) {
  Roster roster = SmallRoster();
  EXPECT_EQ(Reason(Decide(roster, CreateConsortium{{.id = "c1", .display_name = "x"}}, TestContext())), reason::kConsortiumExists);
  EXPECT_EQ(Reason(Decide(roster, CreateDistrict{{.id = "d1", .display_name = "x", .representative = {}}}, TestContext())),
            reason::kDistrictExists);
  EXPECT_EQ(Reason(Decide(roster, CreateSite{*roster.sites.Find("s1")}, TestContext())), reason::kSiteExists);
  EXPECT_EQ(Reason(Decide(roster, CreateSite{{.id = "", .display_name = "x", .district = "d9", .administrator = {}}}, TestContext())),
            reason::kDistrictNotFound);
  Program program = *roster.programs.Find("p1");
  EXPECT_EQ(Reason(Decide(roster, CreateProgram{program}, TestContext())), reason::kProgramExists);
  program.id = "p2";
  EXPECT_EQ(Reason(Decide(roster, CreateProgram{program}, TestContext())), reason::kMentorNotFound);
  Candidate candidate = SomeCandidate("ann");
  EXPECT_EQ(Reason(Decide(roster, CreateCandidate{candidate}, TestContext())), reason::kCandidateExists);
  candidate.id = "";
  candidate.site = "s9";
  EXPECT_EQ(Reason(Decide(roster, CreateCandidate{candidate}, TestContext())), reason::kSiteNotFound);
  candidate.program = "p9";
  EXPECT_EQ(Reason(Decide(roster, CreateCandidate{candidate}, TestContext())), reason::kProgramNotFound);
  Roster empty;
  empty.consortium_id = "c9";
  EXPECT_EQ(Reason(Decide(empty, CreateDistrict{}, TestContext())), reason::kConsortiumNotFound);
  EXPECT_EQ(Reason(Decide(empty, ReleaseSeat{"k"}, TestContext())), reason::kConsortiumNotFound);
}

}  // namespace
}  // namespace rematch::mentor
