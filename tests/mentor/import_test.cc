#include "mentor-service/domain/import.h"

#include <algorithm>
#include <functional>

#include "tests/mentor/mentor_kit.h"

namespace rematch::mentor {
namespace {

using Row = v1::ImportRosterRequest::Row;

void SetContact(const std::string& who, v1::Contact* contact) {
  contact->set_display_name("José " + who);
  contact->set_email(who + "@x.example");
}

// A whole little roster; line n is row n.
ImportRoster SomeImport() {
  ImportRoster import{.display_name = "New", .rows = {}};
  const auto add = [&import]() -> Row& {
    Row& row = import.rows.emplace_back();
    row.set_file("roster.csv");
    row.set_line(static_cast<int>(import.rows.size()));
    return row;
  };
  auto* candidate = add().mutable_candidate();  // 1: rows may stand in any order
  candidate->set_id("C1");
  candidate->set_program_id("p1");
  SetContact("ann", candidate->mutable_contact());
  candidate->set_site_id("S1");
  candidate->set_credential("Multiple Subject");
  candidate->set_grade_band("3-5");
  candidate->add_subjects("Science");
  candidate->mutable_enroll_time()->set_seconds(1'750'000'000);
  candidate->set_mentor_id("M1");
  auto* mentor = add().mutable_mentor();  // 2
  mentor->set_id("M1");
  SetContact("mo", mentor->mutable_contact());
  mentor->set_district_id("D1");
  mentor->add_program_ids("p1");
  mentor->set_capacity(1);
  mentor->set_years_mentored(3);
  auto* program = add().mutable_program();  // 3
  program->set_id("p1");
  program->set_display_name("P1");
  program->set_time_zone("America/Los_Angeles");
  program->set_leader_id("lee");
  SetContact("lee", program->mutable_leader());
  program->set_leader_mentor_id("M1");
  auto* site = add().mutable_site();  // 4
  site->set_id("S1");
  site->set_display_name("S1");
  site->set_district_id("D1");
  SetContact("admin", site->mutable_administrator());
  auto* district = add().mutable_district();  // 5
  district->set_id("D1");
  district->set_display_name("D1");
  SetContact("rep", district->mutable_representative());
  return import;
}

Roster Nobody() {
  Roster roster;
  roster.consortium_id = "c1";
  return roster;
}

TEST(ImportRoster, TakesRowsInAnyOrderAndGivesTheirThingsIdsOfOurOwn) {
  Roster roster = Nobody();
  const auto answer = Decide(roster, SomeImport(), TestContext());
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->errors_size(), 0) << answer->ShortDebugString();
  EXPECT_EQ(answer->created(), 5);
  EXPECT_EQ(roster.consortium.Find("c1")->display_name, "New");
  const std::string mentor = roster.external_ids.Find(ExternalId::KeyOf(ExternalId::Kind::kMentor, "M1"))->internal;
  const std::string candidate = roster.external_ids.Find(ExternalId::KeyOf(ExternalId::Kind::kCandidate, "C1"))->internal;
  EXPECT_NE(mentor, "M1");
  EXPECT_EQ(roster.candidates.Find(candidate)->mentor, mentor);
  EXPECT_EQ(roster.mentors.Find(mentor)->assigned, 1);
  EXPECT_EQ(roster.programs.Find("p1")->leader.mentor, mentor);
  EXPECT_EQ(roster.assignments.rows().size(), 1u);
}

TEST(ImportRoster, AgainChangesNothingAndAChangedRowUpdates) {
  Roster roster = Nobody();
  ASSERT_TRUE(Decide(roster, SomeImport(), TestContext()).ok());
  const auto again = Decide(roster, SomeImport(), TestContext());
  EXPECT_EQ(again->unchanged(), 5);
  EXPECT_EQ(again->created() + again->updated() + again->errors_size(), 0);
  ImportRoster changed = SomeImport();
  changed.rows[1].mutable_mentor()->set_capacity(4);
  changed.rows[0].mutable_candidate()->set_mentor_id("");  // keeps the one they have
  const auto updated = Decide(roster, changed, TestContext());
  EXPECT_EQ(updated->updated(), 1);
  EXPECT_EQ(updated->unchanged(), 4);
  EXPECT_EQ(roster.mentors.rows().begin()->second.value.capacity, 4);
  EXPECT_FALSE(roster.candidates.rows().begin()->second.value.mentor.empty());
}

// The mentor's district is D2, the candidate's site is in D1.
ImportRoster OfTwoDistricts() {
  ImportRoster import = SomeImport();
  import.rows[1].mutable_mentor()->set_district_id("D2");
  Row there = import.rows[4];
  there.set_line(6);
  there.mutable_district()->set_id("D2");
  import.rows.push_back(there);
  return import;
}

TEST(ImportRoster, GivesACandidateAMentorOfAnotherDistrictOnlyWhereBothShare_F36) {
  for (const bool lends : {false, true}) {
    for (const bool borrows : {false, true}) {
      ImportRoster import = OfTwoDistricts();
      import.rows[4].mutable_district()->set_borrows_mentors(borrows);
      import.rows[5].mutable_district()->set_lends_mentors(lends);
      Roster roster = Nobody();
      const auto answer = Decide(roster, import, TestContext());
      ASSERT_TRUE(answer.ok());
      EXPECT_EQ(answer->errors_size(), lends && borrows ? 0 : 1) << answer->ShortDebugString();
      if (answer->errors_size() > 0) EXPECT_EQ(answer->errors(0).field(), "mentor_id");
    }
  }
}

TEST(ImportRoster, FilesThatSayNothingOfSharingLeaveItAndWhoeverIsPaired_F36) {
  Roster roster = Nobody();
  ImportRoster import = OfTwoDistricts();
  import.rows[4].mutable_district()->set_borrows_mentors(true);
  import.rows[5].mutable_district()->set_lends_mentors(true);
  ASSERT_EQ(Decide(roster, import, TestContext())->errors_size(), 0);
  EXPECT_EQ(Decide(roster, OfTwoDistricts(), TestContext())->unchanged(), 6);
  import.rows[5].mutable_district()->set_lends_mentors(false);
  const auto closed = Decide(roster, import, TestContext());
  EXPECT_EQ(closed->errors_size(), 0) << "whoever is somebody's mentor of record stays it";
  EXPECT_EQ(closed->updated(), 1);
  EXPECT_FALSE(roster.candidates.rows().begin()->second.value.mentor.empty());
}

TEST(ImportRoster, NamesEveryBadRow) {
  struct Case {
    const char* what;
    std::function<void(ImportRoster&)> spoil;
    int line;
    const char* field;
  };
  const auto candidate = [](ImportRoster& i) { return i.rows[0].mutable_candidate(); };
  const auto mentor = [](ImportRoster& i) { return i.rows[1].mutable_mentor(); };
  const auto program = [](ImportRoster& i) { return i.rows[2].mutable_program(); };
  const auto again = [](ImportRoster& i, int row) -> Row& {
    Row copy = i.rows[row];
    copy.set_line(static_cast<int>(i.rows.size()) + 1);
    return i.rows.emplace_back(copy);
  };
  const Case cases[] = {
      {"unknown program", [&](ImportRoster& i) { candidate(i)->set_program_id("p9"); }, 1, "program_id"},
      {"unknown site", [&](ImportRoster& i) { candidate(i)->set_site_id("S9"); }, 1, "site_id"},
      {"unknown mentor", [&](ImportRoster& i) { candidate(i)->set_mentor_id("M9"); }, 1, "mentor_id"},
      {"a mentor of another program", [&](ImportRoster& i) { mentor(i)->clear_program_ids(); }, 1, "mentor_id"},
      {"a mentor who supervises there", [&](ImportRoster& i) { mentor(i)->add_supervised_site_ids("S1"); }, 1, "mentor_id"},
      {"capacity exceeded", [&](ImportRoster& i) { mentor(i)->set_capacity(0); }, 1, "mentor_id"},
      {"no credential", [&](ImportRoster& i) { candidate(i)->clear_credential(); }, 1, "credential"},
      {"bad time", [&](ImportRoster& i) { candidate(i)->mutable_enroll_time()->set_seconds(-9'000'000'000); }, 1, "enroll_time"},
      {"bad id", [&](ImportRoster& i) { candidate(i)->set_id("a b"); }, 1, "id"},
      {"header injection", [&](ImportRoster& i) { mentor(i)->mutable_contact()->set_email("a@b\r\nBcc: c@d"); }, 2, "contact.email"},
      {"line in a name", [&](ImportRoster& i) { mentor(i)->mutable_contact()->set_display_name("a\nb"); }, 2, "contact.display_name"},
      {"bad phone", [&](ImportRoster& i) { mentor(i)->mutable_contact()->set_phone("call me"); }, 2, "contact.phone"},
      {"capacity out of range", [&](ImportRoster& i) { mentor(i)->set_capacity(51); }, 2, "capacity"},
      {"unknown district", [&](ImportRoster& i) { mentor(i)->set_district_id("D9"); }, 2, "district_id"},
      {"unknown program of a mentor", [&](ImportRoster& i) { mentor(i)->add_program_ids("p9"); }, 2, "program_ids[1]"},
      {"unknown supervised site", [&](ImportRoster& i) { mentor(i)->add_supervised_site_ids("S9"); }, 2, "supervised_site_ids[0]"},
      {"a word twice",
       [&](ImportRoster& i) {
         mentor(i)->add_subjects("x");
         mentor(i)->add_subjects("x");
       },
       2, "subjects[1]"},
      {"bad zone", [&](ImportRoster& i) { program(i)->set_time_zone("../../etc/passwd"); }, 3, "time_zone"},
      {"bad leader", [&](ImportRoster& i) { program(i)->set_leader_id("Lee Lee"); }, 3, "leader_id"},
      {"leader as alternate",
       [&](ImportRoster& i) {
         program(i)->set_alternate_id("lee");
         SetContact("al", program(i)->mutable_alternate());
       },
       3, "alternate_id"},
      {"unknown leader's mentor", [&](ImportRoster& i) { program(i)->set_leader_mentor_id("M9"); }, 3, "leader_mentor_id"},
      {"unknown district of a site", [&](ImportRoster& i) { i.rows[3].mutable_site()->set_district_id("D9"); }, 4, "district_id"},
      {"nameless district", [&](ImportRoster& i) { i.rows[4].mutable_district()->clear_display_name(); }, 5, "display_name"},
      {"empty row", [&](ImportRoster& i) { again(i, 0).clear_candidate(); }, 6, "row"},
      {"an id twice", [&](ImportRoster& i) { SetContact("mo2", again(i, 1).mutable_mentor()->mutable_contact()); }, 6, "id"},
      {"a program twice", [&](ImportRoster& i) { again(i, 2); }, 6, "id"},
      {"an email twice", [&](ImportRoster& i) { again(i, 1).mutable_mentor()->set_id("M2"); }, 6, "contact.email"},
      {"an email twice, in another case",
       [&](ImportRoster& i) {
         again(i, 1).mutable_mentor()->set_id("M2");
         i.rows[5].mutable_mentor()->mutable_contact()->set_email("MO@x.example");
       },
       6, "contact.email"},
      {"a candidate's email twice", [&](ImportRoster& i) { again(i, 0).mutable_candidate()->set_id("C2"); }, 6, "contact.email"},
  };
  for (const Case& c : cases) {
    Roster roster = Nobody();
    ImportRoster import = SomeImport();
    c.spoil(import);
    const auto answer = Decide(roster, import, TestContext());
    ASSERT_TRUE(answer.ok()) << c.what;
    bool found = false;
    for (const auto& error : answer->errors()) {
      found |= error.file() == "roster.csv" && error.line() == c.line && error.field() == c.field && !error.description().empty();
    }
    EXPECT_TRUE(found) << c.what << ": " << answer->ShortDebugString();
    EXPECT_EQ(answer->created() + answer->updated() + answer->unchanged(), 0) << c.what;
  }
}

TEST(ImportRoster, ListsAllErrorsInTheOrderOfTheFilesUpToAThousand) {
  Roster roster = Nobody();
  ImportRoster import{.display_name = "New", .rows = {}};
  for (int i = 1500; i > 0; --i) {
    Row& row = import.rows.emplace_back();
    row.set_file("x.csv");
    row.set_line(i);
  }
  const auto answer = Decide(roster, import, TestContext());
  ASSERT_EQ(answer->errors_size(), kMaxRowErrors);
  EXPECT_EQ(answer->errors(0).line(), 1);
  EXPECT_EQ(answer->errors(999).line(), 1000);
}

TEST(ImportRoster, FoundsAConsortiumOnlyUnderAName) {
  Roster roster = Nobody();
  ImportRoster import = SomeImport();
  import.display_name = "";
  EXPECT_EQ(Decide(roster, import, TestContext()).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ImportRoster, KeepsACandidateInTheirProgramAndACapacityAboveWhatIsTaken) {
  Roster roster = Nobody();
  ASSERT_TRUE(Decide(roster, SomeImport(), TestContext()).ok());
  ImportRoster import = SomeImport();
  Row program = import.rows[2];
  program.set_line(6);
  program.mutable_program()->set_id("p2");
  import.rows.push_back(program);
  import.rows[0].mutable_candidate()->set_program_id("p2");
  import.rows[1].mutable_mentor()->set_capacity(0);
  const auto answer = Decide(roster, import, TestContext());
  ASSERT_EQ(answer->errors_size(), 2) << answer->ShortDebugString();
  EXPECT_EQ(answer->errors(0).field(), "program_id");
  EXPECT_EQ(answer->errors(1).field(), "capacity");
}

// SomeImport() with a second mentor M2 (ada@x.example) on line 6 and a second candidate C2 (cal@x.example) on line 7.
ImportRoster TwoOfEach() {
  ImportRoster import = SomeImport();
  Row mentor = import.rows[1];
  mentor.set_line(6);
  mentor.mutable_mentor()->set_id("M2");
  SetContact("ada", mentor.mutable_mentor()->mutable_contact());
  import.rows.push_back(mentor);
  Row candidate = import.rows[0];
  candidate.set_line(7);
  candidate.mutable_candidate()->set_id("C2");
  candidate.mutable_candidate()->clear_mentor_id();
  SetContact("cal", candidate.mutable_candidate()->mutable_contact());
  import.rows.push_back(candidate);
  return import;
}
constexpr int kMo = 1, kAnn = 0, kAda = 5, kCal = 6;  // rows of it

void SetEmails(ImportRoster& import, const std::string& mo, const std::string& ada, const std::string& ann, const std::string& cal) {
  import.rows[kMo].mutable_mentor()->mutable_contact()->set_email(mo);
  import.rows[kAda].mutable_mentor()->mutable_contact()->set_email(ada);
  import.rows[kAnn].mutable_candidate()->mutable_contact()->set_email(ann);
  import.rows[kCal].mutable_candidate()->mutable_contact()->set_email(cal);
}

std::string InternalOf(const Roster& roster, ExternalId::Kind kind, const std::string& id) {
  const ExternalId* found = roster.external_ids.Find(ExternalId::KeyOf(kind, id));
  return found == nullptr ? "" : found->internal;
}

TEST(ImportRoster, RowsMayHandAddressesOnToOneAnotherInAnyOrder) {
  struct Case {
    const char *what, *mo, *ada, *ann, *cal;
  };
  const Case cases[] = {
      {"swapped", "ada@x.example", "mo@x.example", "cal@x.example", "ann@x.example"},
      {"the first takes what the second leaves", "ada@x.example", "new@x.example", "cal@x.example", "new2@x.example"},
      {"the second takes what the first leaves", "new@x.example", "mo@x.example", "new2@x.example", "ann@x.example"},
  };
  for (const Case& c : cases) {
    for (const bool reversed : {false, true}) {
      Roster roster = Nobody();
      ASSERT_EQ(Decide(roster, TwoOfEach(), TestContext())->errors_size(), 0);
      ImportRoster import = TwoOfEach();
      SetEmails(import, c.mo, c.ada, c.ann, c.cal);
      if (reversed) std::reverse(import.rows.begin(), import.rows.end());
      const auto answer = Decide(roster, import, TestContext());
      ASSERT_EQ(answer->errors_size(), 0) << c.what << ": " << answer->ShortDebugString();
      EXPECT_EQ(answer->updated(), 4) << c.what;
      EXPECT_EQ(roster.MentorWithEmail(c.mo), InternalOf(roster, ExternalId::Kind::kMentor, "M1")) << c.what;
      EXPECT_EQ(roster.MentorWithEmail(c.ada), InternalOf(roster, ExternalId::Kind::kMentor, "M2")) << c.what;
    }
  }
}

TEST(ImportRoster, AnAddressOfSomebodyWhomTheImportDoesNotNameStaysTheirs_F32) {
  Roster roster = Nobody();
  ASSERT_EQ(Decide(roster, TwoOfEach(), TestContext())->errors_size(), 0);
  ImportRoster import = SomeImport();
  import.rows[kMo].mutable_mentor()->mutable_contact()->set_email("ADA@x.example");
  import.rows[kAnn].mutable_candidate()->mutable_contact()->set_email("Cal@x.example");
  const auto answer = Decide(roster, import, TestContext());
  ASSERT_EQ(answer->errors_size(), 2) << answer->ShortDebugString();
  for (const auto& error : answer->errors()) EXPECT_EQ(error.field(), "contact.email");
  ImportRoster more = SomeImport();
  more.rows[kMo].mutable_mentor()->set_id("M9");
  more.rows[kMo].mutable_mentor()->mutable_contact()->set_email("ada@x.example");
  more.rows[kAnn].mutable_candidate()->set_id("C9");
  more.rows[kAnn].mutable_candidate()->mutable_contact()->set_email("cal@x.example");
  more.rows[kAnn].mutable_candidate()->clear_mentor_id();
  more.rows[2].mutable_program()->clear_leader_mentor_id();
  EXPECT_EQ(Decide(roster, more, TestContext())->errors_size(), 2) << "one person must not become two";
}

TEST(ImportRoster, WhoJoinedWithoutAFileIsTakenUpByTheRowWithTheirEmail_F10_F32) {
  Roster roster = Nobody();
  ASSERT_EQ(Decide(roster, SomeImport(), TestContext())->errors_size(), 0);
  Mentor qualified = SomeMentor("");
  qualified.district.clear();
  qualified.contact.email = "Ada@x.example";
  Context context = TestContext();
  context.new_id = [] { return std::string("ours"); };
  ASSERT_TRUE(Decide(roster, CreateMentor{qualified}, context).ok());
  Candidate enrolled = SomeCandidate("cal-id");
  enrolled.contact.email = "cal@x.example";
  enrolled.site = InternalOf(roster, ExternalId::Kind::kSite, "S1");
  ASSERT_TRUE(Decide(roster, CreateCandidate{enrolled}, context).ok());

  const auto answer = Decide(roster, TwoOfEach(), TestContext());
  ASSERT_EQ(answer->errors_size(), 0) << answer->ShortDebugString();
  EXPECT_EQ(answer->created(), 0);
  EXPECT_EQ(answer->updated(), 2);
  EXPECT_EQ(InternalOf(roster, ExternalId::Kind::kMentor, "M2"), "ours");
  EXPECT_EQ(InternalOf(roster, ExternalId::Kind::kCandidate, "C2"), "cal-id");
  EXPECT_EQ(roster.mentors.Find("ours")->contact.email, "ada@x.example");
  EXPECT_EQ(roster.MentorWithEmail("ada@x.example"), "ours");
}

TEST(ImportRoster, TwoRowsWithTheEmailOfOneWhoJoinedWithoutAFileAreRefused) {
  Roster roster = Nobody();
  ASSERT_EQ(Decide(roster, SomeImport(), TestContext())->errors_size(), 0);
  Mentor qualified = SomeMentor("ours");
  qualified.district.clear();
  qualified.contact.email = "ada@x.example";
  ASSERT_TRUE(Decide(roster, CreateMentor{qualified}, TestContext()).ok());
  ImportRoster import = TwoOfEach();
  Row twin = import.rows[kAda];
  twin.set_line(8);
  twin.mutable_mentor()->set_id("M3");
  import.rows.push_back(twin);
  const auto answer = Decide(roster, import, TestContext());
  ASSERT_EQ(answer->errors_size(), 1) << answer->ShortDebugString();
  EXPECT_EQ(answer->errors(0).line(), 8);
}

}  // namespace
}  // namespace rematch::mentor
