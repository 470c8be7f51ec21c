// Fairness as properties: whatever stands outside the allow-list may be anything, and nobody's place changes by it; over time nobody is
// favoured by a name, an id or a site.
#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "mentor-service/domain/ranking.h"
#include "mentor-service/rpc/convert.h"
#include "tests/mentor/mentor_kit.h"

namespace rematch::mentor {
namespace {

class Draw {
 public:
  explicit Draw(unsigned seed) : random_(seed) {}
  int Pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  bool Half() { return Pick(2) == 0; }
  template <typename T>
  void Shuffle(std::vector<T>& values) {
    std::shuffle(values.begin(), values.end(), random_);
  }
  std::string Word() { return absl::StrCat("w", Pick(1'000'000)); }

 private:
  std::mt19937 random_;
};

Contact AnyContact(Draw& draw) {
  return {
      .display_name = draw.Word(), .email = draw.Word() + "@any.example", .phone = draw.Half() ? "" : absl::StrCat(draw.Pick(1'000'000))};
}

// What matching reads of a mentor, drawn at random.
Mentor AnyMentor(const std::string& id, Draw& draw) {
  Mentor mentor = SomeMentor(id);
  mentor.state = draw.Pick(10) == 0 ? Mentor::State::kRetired : Mentor::State::kActive;
  mentor.programs = {draw.Pick(10) == 0 ? "p2" : "p1"};
  mentor.assigned = draw.Pick(3);
  mentor.held = draw.Pick(2);
  mentor.capacity = mentor.assigned + mentor.held + draw.Pick(3);
  mentor.has_mentored = mentor.assigned > 0 || draw.Half();
  mentor.years_mentored = draw.Pick(2);
  mentor.interested_in_more = draw.Half();
  mentor.opted_out = draw.Pick(10) == 0;
  mentor.district = draw.Half() ? "d1" : "d2";
  if (draw.Half()) mentor.credentials = {"Single Subject"};
  if (draw.Half()) mentor.grade_bands = {"K-2"};
  if (draw.Half()) mentor.subjects.pop_back();
  if (draw.Pick(8) == 0) mentor.supervised_sites = {"s1"};
  return mentor;
}

// Everything else about them, and about the candidate, drawn anew; ids stay.
Mentor AsAnybody(Mentor mentor, Draw& draw) {
  mentor.contact = AnyContact(draw);
  mentor.joined = TestNow() - absl::Hours(draw.Pick(100'000));
  mentor.version = draw.Pick(1000);
  if (mentor.years_mentored > 0) mentor.years_mentored = 1 + draw.Pick(40);
  // What they are elsewhere, and in which order their record lists it.
  if (draw.Half()) mentor.programs.push_back("p9");
  if (draw.Half()) mentor.supervised_sites.push_back("s9");
  if (draw.Half()) mentor.subjects.push_back("Fencing");
  draw.Shuffle(mentor.programs);
  draw.Shuffle(mentor.supervised_sites);
  draw.Shuffle(mentor.subjects);
  return mentor;
}

Candidate AsAnybody(Candidate candidate, Draw& draw) {
  candidate.contact = AnyContact(draw);
  candidate.joined = TestNow() - absl::Hours(draw.Pick(100'000));
  if (draw.Half()) candidate.enrolled = TestNow() - absl::Hours(draw.Pick(100'000));
  candidate.without_mentor_since = TestNow() - absl::Hours(draw.Pick(1000));
  return candidate;
}

Roster With(const std::vector<Mentor>& mentors, const Candidate& candidate) {
  Roster roster = SmallRoster();
  roster.candidates = {};
  roster.candidates.Load(candidate);
  for (const Mentor& mentor : mentors) roster.mentors.Load(mentor);
  return roster;
}

// The ranking as a client gets it, byte for byte: places, attributes, explanations.
std::string BytesOf(const Roster& roster, const std::string& candidate, const Search& search, absl::Time day) {
  std::string bytes;
  for (const Ranked& ranked : Rank(roster, *roster.programs.Find("p1"), *roster.candidates.Find(candidate), search, day)) {
    absl::StrAppend(&bytes, ToProto("c1", ranked).SerializeAsString(), "\n");
  }
  return bytes;
}

TEST(Fairness, NothingButTheAllowListMovesAMentor_F25) {
  Draw draw(11);
  int listed = 0;
  for (int round = 0; round < 400; ++round) {
    std::vector<Mentor> mentors;
    for (int i = 2 + draw.Pick(12); i > 0; --i) mentors.push_back(AnyMentor(absl::StrCat("m", i), draw));
    Search search{.pool = draw.Half() ? Pool::kIndividual : Pool::kEverybody};
    if (draw.Half()) search.experience = {.mentors_now = draw.Half(), .mentored_before = true, .min_years = draw.Pick(2)};
    if (draw.Half()) search.weights = Weights{.credential = draw.Pick(5), .subject = draw.Pick(5), .free_seat = 1 + draw.Pick(5)};
    if (draw.Half()) search.order = {"m1", "m3"};
    if (draw.Half()) search.exclude = {"m2"};
    const bool lends = draw.Half(), borrows = draw.Half();
    const auto ranked = [&](const std::vector<Mentor>& all, const Candidate& candidate) {
      Roster roster = With(all, candidate);
      Share(roster, lends, borrows);
      return BytesOf(roster, "ann", search, TestNow());
    };
    const std::string before = ranked(mentors, SomeCandidate("ann"));
    listed += !before.empty();
    std::vector<Mentor> anybody;
    for (const Mentor& mentor : mentors) anybody.push_back(AsAnybody(mentor, draw));
    draw.Shuffle(anybody);
    ASSERT_EQ(ranked(anybody, AsAnybody(SomeCandidate("ann"), draw)), before) << "round " << round;
  }
  EXPECT_GT(listed, 300) << "rankings that list somebody";
}

// To close a district takes its mentors out and moves nobody else.
TEST(Fairness, ADistrictThatDoesNotShareChangesNobodysPlaceButItsOwnMentors_F25_F36) {
  Draw draw(13);
  int left_out = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<Mentor> mentors;
    for (int i = 12; i > 0; --i) mentors.push_back(AnyMentor(absl::StrCat("m", i), draw));
    Roster roster = With(mentors, SomeCandidate("ann"));
    const Search search{.pool = draw.Half() ? Pool::kIndividual : Pool::kEverybody};
    std::vector<std::string> expected;
    for (const std::string& id : MentorsOf(Rank(roster, *roster.programs.Find("p1"), *roster.candidates.Find("ann"), search, TestNow()))) {
      if (roster.mentors.Find(id)->district == "d1") expected.push_back(id);
      left_out += roster.mentors.Find(id)->district != "d1";
    }
    const bool lends = draw.Half();
    Share(roster, lends, !lends);
    ASSERT_EQ(MentorsOf(Rank(roster, *roster.programs.Find("p1"), *roster.candidates.Find("ann"), search, TestNow())), expected)
        << "round " << round;
  }
  EXPECT_GT(left_out, 300);
}

TEST(Fairness, TwoCandidatesWithOneNeedAndOneDayGetOneOrder_F25) {
  Draw draw(12);
  for (int round = 0; round < 200; ++round) {
    std::vector<Mentor> mentors;
    for (int i = 12; i > 0; --i) mentors.push_back(AnyMentor(absl::StrCat("m", i), draw));
    Roster roster = With(mentors, SomeCandidate("ann"));
    roster.candidates.Load(AsAnybody(SomeCandidate("zoltan"), draw));
    ASSERT_EQ(BytesOf(roster, "zoltan", {}, TestNow()), BytesOf(roster, "ann", {}, TestNow())) << "round " << round;
  }
}

// Ten years of days, equals of all kinds of ids, names and districts of others: everybody's mean place is the middle one.
TEST(Fairness, OverTheYearsNoIdNameOrSiteComesFirst_F26) {
  constexpr int kDays = 3650;
  Roster roster = SmallRoster();
  std::vector<std::string> ids;
  for (const char* id : {"a", "aa", "ab", "b", "m-1", "m-2", "m-10", "mentor", "z", "zz", "0", "01", "019f0000-0000-7000-8000-000000000001",
                         "019f0000-0000-7000-8000-000000000002", "019fffff-0000-7000-8000-000000000001", "zzzzzzzz"}) {
    Mentor mentor = SomeMentor(id);
    mentor.supervised_sites = {ids.size() % 2 == 0 ? "s8" : "s9"};
    roster.mentors.Load(mentor);
    ids.emplace_back(id);
  }
  std::map<std::string, double> places;
  std::map<std::string, int> first;
  int again = 0;
  std::string yesterday;
  for (int day = 0; day < kDays; ++day) {
    const auto ranking = Rank(roster, *roster.programs.Find("p1"), *roster.candidates.Find("ann"), {}, TestNow() + day * absl::Hours(24));
    ASSERT_EQ(ranking.size(), ids.size());
    ++first[ranking.front().mentor];
    again += ranking.front().mentor == yesterday;
    yesterday = ranking.front().mentor;
    for (const Ranked& ranked : ranking) places[ranked.mentor] += ranked.rank;
  }
  // Of 3650 days, a mean place of 16 has a standard error of 4.6 / 60, and a count of firsts one of 14.6: four of each.
  for (const std::string& id : ids) {
    EXPECT_NEAR(places[id] / kDays, (1 + 16) / 2.0, 4 * 4.61 / 60.4) << id;
    EXPECT_NEAR(first[id], kDays / 16.0, 4 * 14.6) << id;
  }
  // Who was first yesterday is first today as often as anybody.
  EXPECT_NEAR(again, kDays / 16.0, 4 * 14.6);
}

}  // namespace
}  // namespace rematch::mentor
