#include "mentor-service/domain/ranking.h"

#include <map>
#include <random>
#include <set>

#include "tests/mentor/mentor_kit.h"

namespace rematch::mentor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<Ranked> RankFor(const Roster& roster, const Search& search = {}, absl::Time now = TestNow()) {
  return Rank(roster, *roster.programs.Find("p1"), *roster.candidates.Find("ann"), search, now);
}

Mentor With(const std::string& id, const std::function<void(Mentor&)>& change) {
  Mentor mentor = SomeMentor(id);
  change(mentor);
  return mentor;
}

TEST(IndividualPool, LeavesOutWhomThePolicyLeavesOut_F4_F20_F25) {
  struct Case {
    const char* what;
    std::function<void(Mentor&)> change;
  };
  const Case cases[] = {
      {"opted out", [](Mentor& m) { m.opted_out = true; }},
      {"retired", [](Mentor& m) { m.state = Mentor::State::kRetired; }},
      {"another program", [](Mentor& m) { m.programs = {"p2"}; }},
      {"supervises the site",
       [](Mentor& m) {
         m.supervised_sites = {"s9", "s1"};
       }},
      {"the leader's own record", [](Mentor& m) { m.id = "m-lee"; }},
      {"the alternate's own record", [](Mentor& m) { m.id = "m-al"; }},
      {"no tier: two candidates, no interest", [](Mentor& m) { m.assigned = 2; }},
      {"no experience",
       [](Mentor& m) {
         m.assigned = 0;
         m.years_mentored = 0;
         m.has_mentored = false;
         m.interested_in_more = true;
       }},
  };
  for (const Case& c : cases) {
    Roster roster = SmallRoster();
    roster.mentors.Load(With("m", c.change));
    EXPECT_THAT(RankFor(roster), IsEmpty()) << c.what;
  }
  Roster roster = SmallRoster();
  roster.mentors.Load(SomeMentor("m"));
  EXPECT_EQ(RankFor(roster).size(), 1u);
  EXPECT_THAT(RankFor(roster, Without({"m"})), IsEmpty());
  roster.candidates.Change("ann").mentor = "m";
  EXPECT_THAT(RankFor(roster), IsEmpty()) << "the mentor of record";
}

TEST(Districts, ShareWhereTheMentorsLendsAndTheCandidatesBorrows_F36) {
  for (const bool d1_lends : {false, true}) {
    for (const bool d1_borrows : {false, true}) {
      for (const bool d2_lends : {false, true}) {
        for (const bool d2_borrows : {false, true}) {
          Table<District> districts;
          districts.Load({.id = "d1", .display_name = "", .representative = {}, .lends_mentors = d1_lends, .borrows_mentors = d1_borrows});
          districts.Load({.id = "d2", .display_name = "", .representative = {}, .lends_mentors = d2_lends, .borrows_mentors = d2_borrows});
          EXPECT_EQ(DistrictsShare(districts, "d2", "d1"), d2_lends && d1_borrows);
          EXPECT_EQ(DistrictsShare(districts, "d1", "d2"), d1_lends && d2_borrows);
          EXPECT_TRUE(DistrictsShare(districts, "d1", "d1")) << "their own";
          EXPECT_TRUE(DistrictsShare(districts, "", "d1")) << "a mentor of no district";
          EXPECT_FALSE(DistrictsShare(districts, "d9", "d1")) << "one that nobody has heard of opted in to nothing";
          EXPECT_FALSE(DistrictsShare(districts, "d1", "d9"));
        }
      }
    }
  }
}

TEST(Districts, APoolHasMentorsOfOthersOnlyWhereBothShare_F36) {
  Roster roster = SmallRoster();
  roster.mentors.Load(With("here", [](Mentor&) {}));
  roster.mentors.Load(With("there", [](Mentor& m) { m.district = "d2"; }));
  roster.mentors.Load(With("nowhere", [](Mentor& m) { m.district.clear(); }));
  for (const Search& search : {Search(), Everybody()}) {
    for (const bool lends : {false, true}) {
      for (const bool borrows : {false, true}) {
        Share(roster, lends, borrows);
        const std::vector<std::string> found = MentorsOf(RankFor(roster, search));
        EXPECT_EQ(Contains(found, "there"), lends && borrows);
        EXPECT_TRUE(Contains(found, "here") && Contains(found, "nowhere"));
      }
    }
    Share(roster, true, true);
    const Ranked last = RankFor(roster, search).back();
    EXPECT_EQ(last.explanation.find("another district") == std::string::npos, last.mentor == "here") << "as ever, where they are shared";
  }
}

TEST(IndividualPool, TakesTheThreeTiersAndEachCountsOnlyWhenAskedFor_F4) {
  Roster roster = SmallRoster();
  roster.mentors.Load(With("one", [](Mentor& m) { m.assigned = 1; }));
  roster.mentors.Load(With("more", [](Mentor& m) {
    m.assigned = 2;
    m.interested_in_more = true;
  }));
  roster.mentors.Load(With("past", [](Mentor& m) { m.assigned = 0; }));
  roster.mentors.Load(With("both", [](Mentor& m) { m.interested_in_more = true; }));
  const std::vector<Ranked> all = RankFor(roster);
  ASSERT_EQ(all.size(), 4u);
  std::map<std::string, decltype(Ranked::tiers)> tiers;
  for (const Ranked& ranked : all) tiers[ranked.mentor] = ranked.tiers;
  EXPECT_THAT(tiers["one"], ElementsAre(Tier::kOneCandidate));
  EXPECT_THAT(tiers["more"], ElementsAre(Tier::kInterested));
  EXPECT_THAT(tiers["past"], ElementsAre(Tier::kPastMentor));
  EXPECT_THAT(tiers["both"], ElementsAre(Tier::kOneCandidate, Tier::kInterested));
  EXPECT_THAT(MentorsOf(RankFor(roster, OfTiers({Tier::kPastMentor}))), ElementsAre("past"));
  EXPECT_EQ(RankFor(roster, OfTiers({Tier::kInterested, Tier::kOneCandidate})).front().tiers.front(), Tier::kInterested);
  EXPECT_EQ(RankFor(roster).back().mentor, "past");
}

TEST(IndividualPool, ExperienceIsYearsOrAnAssignmentNowOrBefore_F4) {
  Mentor mentor;
  EXPECT_FALSE(IsExperienced(mentor));
  mentor.years_mentored = 1;
  EXPECT_TRUE(IsExperienced(mentor));
  mentor.years_mentored = 0;
  mentor.has_mentored = true;
  EXPECT_TRUE(IsExperienced(mentor));
}

TEST(IndividualPool, WhoIsExperiencedIsForThePolicyToSay_F4) {
  Roster roster = SmallRoster();
  roster.mentors.Load(With("now", [](Mentor& m) {
    m.assigned = 1;
    m.years_mentored = 0;
    m.has_mentored = false;
  }));
  roster.mentors.Load(With("before", [](Mentor& m) {
    m.assigned = 0;
    m.years_mentored = 4;
  }));
  const auto asked = [&](const Experience& experience) {
    Search search;
    search.experience = experience;
    return MentorsOf(RankFor(roster, search));
  };
  EXPECT_THAT(asked({}), ElementsAre("now", "before"));
  EXPECT_THAT(asked({.mentors_now = true, .mentored_before = false}), ElementsAre("now"));
  EXPECT_THAT(asked({.mentors_now = false, .mentored_before = true}), ElementsAre("before"));
  EXPECT_THAT(asked({.min_years = 4}), ElementsAre("before"));
  EXPECT_THAT(asked({.min_years = 5}), ::testing::IsEmpty());
  // Everybody is everybody; who is experienced is told.
  Search everybody = Everybody();
  everybody.experience = {.min_years = 4};
  for (const Ranked& ranked : RankFor(roster, everybody)) EXPECT_EQ(ranked.experienced, ranked.mentor == "before") << ranked.mentor;
}

// Points order those of one tier; the Leader's order and the tiers come first, and who has equally many stands as without points.
TEST(Ranking, PointsCountWithinATier_F15) {
  Roster roster = SmallRoster();
  roster.mentors.Load(With("perfect", [](Mentor&) {}));
  roster.mentors.Load(With("roomy", [](Mentor& m) {
    m.credentials.clear();
    m.capacity = 9;
  }));
  roster.mentors.Load(With("near", [](Mentor& m) { m.subjects.clear(); }));
  roster.mentors.Load(With("past", [](Mentor& m) {
    m.assigned = 0;
    m.capacity = 50;
  }));
  const auto order = [&](const Weights& weights, Search search = {}) {
    search.weights = weights;
    return MentorsOf(RankFor(roster, search));
  };
  EXPECT_THAT(MentorsOf(RankFor(roster)), ElementsAre("perfect", "near", "roomy", "past"));
  EXPECT_THAT(order({.free_seat = 1}), ElementsAre("roomy", "perfect", "near", "past"));
  EXPECT_THAT(order({.credential = 1}), ElementsAre("perfect", "near", "roomy", "past"));
  EXPECT_THAT(order({.subject = 10, .free_seat = 3}), ElementsAre("roomy", "perfect", "near", "past"));
  EXPECT_THAT(order({.free_seat = 1}, Ordered({"near"})), ElementsAre("near", "roomy", "perfect", "past"));
  Search search;
  search.weights = Weights{.credential = 5, .subject = 2};
  const Ranked first = RankFor(roster, search).front();
  EXPECT_EQ(first.points, 9) << "credential and two subjects";
  EXPECT_THAT(first.explanation, ::testing::HasSubstr("9 points"));
}

TEST(Ranking, TheBestOfAFewAreThoseOfAllAndAreExplainedWhereAskedFor) {
  Roster roster = SmallRoster();
  for (const char* id : {"a", "b", "c"}) roster.mentors.Load(With(id, [](Mentor&) {}));
  const std::vector<Ranked> all = RankFor(roster);
  const Search search;
  const Ranking best(roster, *roster.programs.Find("p1"), *roster.candidates.Find("ann"), search, TestNow(), 1);
  EXPECT_EQ(best.size(), all.size());
  Ranked first = all.back();
  best.Describe(0, Ranking::Words::kExplanation, first);
  EXPECT_EQ(first, all[0]);
  best.Describe(0, Ranking::Words::kNone, first);
  EXPECT_EQ(first.mentor, all[0].mentor);
  EXPECT_EQ(first.explanation, "");
}

TEST(EverybodyPool, ReachesAllActiveMembersTheCurrentTheFullAndThoseWhoOptedOutIncluded_F9) {
  Roster roster = SmallRoster();
  roster.mentors.Load(With("new", [](Mentor& m) {
    m.assigned = 0;
    m.years_mentored = 0;
    m.has_mentored = false;
  }));
  roster.mentors.Load(With("full", [](Mentor& m) { m.assigned = 3; }));
  roster.mentors.Load(With("current", [](Mentor& m) { m.assigned = 2; }));
  roster.mentors.Load(With("out", [](Mentor& m) { m.opted_out = true; }));
  roster.mentors.Load(With("boss", [](Mentor& m) { m.supervised_sites = {"s1"}; }));
  roster.mentors.Load(With("gone", [](Mentor& m) { m.state = Mentor::State::kRetired; }));
  roster.mentors.Load(With("elsewhere", [](Mentor& m) { m.programs = {"p2"}; }));
  roster.candidates.Change("ann").mentor = "current";
  EXPECT_THAT(MentorsOf(RankFor(roster, Everybody())), ::testing::UnorderedElementsAre("new", "full", "current", "out"));
  EXPECT_THAT(MentorsOf(RankFor(roster, Everybody({"current"}))), ::testing::UnorderedElementsAre("new", "full", "out"));
}

TEST(Ranking, OrdersByLeaderThenTierThenMatchThenCaseload_F5) {
  const std::pair<const char*, std::function<void(Mentor&)>> in_order[] = {
      {"placed",
       [](Mentor& m) {
         m.assigned = 0;
         m.credentials.clear();
         m.district = "d2";
       }},
      {"perfect", [](Mentor&) {}},
      {"other-district", [](Mentor& m) { m.district = "d2"; }},
      {"one-subject", [](Mentor& m) { m.subjects = {"Reading"}; }},
      {"other-band", [](Mentor& m) { m.grade_bands = {"9-12"}; }},
      {"other-credential", [](Mentor& m) { m.credentials = {"Single Subject"}; }},
      {"interested-none",
       [](Mentor& m) {
         m.assigned = 0;
         m.interested_in_more = true;
       }},
      {"interested-two",
       [](Mentor& m) {
         m.assigned = 2;
         m.interested_in_more = true;
       }},
      {"past", [](Mentor& m) { m.assigned = 0; }},
  };
  Roster roster = SmallRoster();
  std::vector<std::string> expected;
  for (const auto& [id, change] : in_order) {
    roster.mentors.Load(With(id, change));
    expected.push_back(id);
  }
  const std::vector<Ranked> ranking = RankFor(roster, Ordered({"nobody", "placed"}));
  EXPECT_EQ(MentorsOf(ranking), expected);
  for (size_t i = 0; i < ranking.size(); ++i) EXPECT_EQ(ranking[i].rank, static_cast<int>(i) + 1);
  EXPECT_TRUE(ranking[0].placed_by_leader);
  EXPECT_FALSE(ranking[1].placed_by_leader);
}

TEST(Ranking, ListsWhoIsFullBehindTheOthersWithoutARank_F4) {
  Roster roster = SmallRoster();
  roster.mentors.Load(With("full", [](Mentor& m) { m.capacity = 1; }));
  roster.mentors.Load(With("held", [](Mentor& m) { m.held = 2; }));
  roster.mentors.Load(With("past", [](Mentor& m) { m.assigned = 0; }));
  const std::vector<Ranked> ranking = RankFor(roster, Ordered({"full"}));
  ASSERT_EQ(ranking.size(), 3u);
  EXPECT_EQ(ranking[0].mentor, "past");
  EXPECT_EQ(ranking[0].rank, 1);
  for (size_t i = 1; i < 3; ++i) {
    EXPECT_TRUE(ranking[i].full);
    EXPECT_EQ(ranking[i].rank, 0);
  }
}

TEST(Ranking, SaysWhyInOneSentence_F26) {
  Roster roster = SmallRoster();
  roster.mentors.Load(SomeMentor("a"));
  EXPECT_EQ(RankFor(roster)[0].explanation,
            "Mentors one candidate now; covers the credential, the grade band and 2 of 2 subjects; same district; 1 of 3 seats taken");
  roster.mentors.Change("a") = With("a", [](Mentor& m) {
    m.assigned = 0;
    m.credentials.clear();
    m.grade_bands.clear();
    m.subjects.clear();
    m.district = "d2";
    m.capacity = 1;
  });
  EXPECT_EQ(RankFor(roster, Ordered({"a"}))[0].explanation,
            "Placed here by the Leader; mentored before and has no candidate now; covers nothing of what is needed; another district; 0 of "
            "1 seat taken");
}

// Everything that matching may not read is shuffled between mentors: the places, the explanations, stay.
TEST(Ranking, ReadsOnlyTheAllowList_F25) {
  Roster roster = SmallRoster();
  for (int i = 0; i < 8; ++i) {
    roster.mentors.Load(With("m" + std::to_string(i), [i](Mentor& m) {
      m.assigned = i % 3;
      m.district = i % 2 == 0 ? "d1" : "d2";
    }));
  }
  const std::vector<Ranked> before = RankFor(roster);
  for (int i = 0; i < 8; ++i) {
    Mentor& mentor = roster.mentors.Change("m" + std::to_string(i));
    mentor.contact = {.display_name = "Zz" + std::to_string(7 - i), .email = std::to_string(7 - i) + "@zz.example", .phone = ""};
    mentor.joined = TestNow() - absl::Hours(i);
    mentor.version = 100 - i;
    mentor.years_mentored = 1 + i;
  }
  EXPECT_EQ(RankFor(roster), before);
}

TEST(Ranking, KnowsWhoJoinsAndWhoLeavesTheProgramMeanwhile) {
  Roster roster = SmallRoster();
  roster.mentors.Load(SomeMentor("leaves"));
  roster.mentors.Load(With("joins", [](Mentor& m) { m.programs = {"p2"}; }));
  const auto ranked = [&] {
    std::set<std::string> ids;
    for (const Ranked& mentor : RankFor(roster)) ids.insert(mentor.mentor);
    return ids;
  };
  EXPECT_EQ(ranked(), std::set<std::string>{"leaves"});
  roster.PutMentor(With("leaves", [](Mentor& m) { m.programs = {"p2"}; }));
  roster.PutMentor(SomeMentor("joins"));
  roster.PutMentor(SomeMentor("new"));
  EXPECT_EQ(ranked(), (std::set<std::string>{"joins", "new"}));
}

TEST(Ranking, GivesTwoCandidatesWithOneNeedOneOrder_F25) {
  Roster roster = SmallRoster();
  for (int i = 0; i < 10; ++i) roster.mentors.Load(SomeMentor("m" + std::to_string(i)));
  roster.candidates.Load(SomeCandidate("zoe"));
  EXPECT_EQ(Rank(roster, *roster.programs.Find("p1"), *roster.candidates.Find("zoe"), {}, TestNow()), RankFor(roster));
}

TEST(Ranking, BreaksTiesTheSameAllDayAndFavoursNobodyOverTime_F26) {
  Roster roster = SmallRoster();
  for (const char* id : {"aa", "bb", "cc", "dd", "ee"}) roster.mentors.Load(SomeMentor(id));
  const absl::Time midnight = absl::FromUnixSeconds(1'770'000'000 / 86400 * 86400);
  EXPECT_EQ(RankFor(roster, {}, midnight), RankFor(roster, {}, midnight + absl::Hours(23)));
  std::map<std::string, int> first;
  for (int day = 0; day < 500; ++day) ++first[RankFor(roster, {}, midnight + day * absl::Hours(24)).front().mentor];
  ASSERT_EQ(first.size(), 5u);
  for (const auto& [id, times] : first) EXPECT_NEAR(times, 100, 40) << id;
}

// The order of a random roster is the one that comparing any two of it gives.
TEST(Ranking, AnyTwoStandInTheOrderOfTheirAttributes) {
  std::mt19937 random(42);
  const auto pick = [&random](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int round = 0; round < 200; ++round) {
    Roster roster = SmallRoster();
    const int count = 2 + pick(12);
    for (int i = 0; i < count; ++i) {
      roster.mentors.Load(With("m" + std::to_string(i), [&](Mentor& m) {
        m.assigned = pick(4);
        m.held = pick(2);
        m.capacity = m.assigned + m.held + pick(3);
        m.interested_in_more = pick(2) == 0;
        m.district = pick(2) == 0 ? "d1" : "d2";
        if (pick(2) == 0) m.credentials.clear();
        if (pick(2) == 0) m.grade_bands.clear();
        if (pick(2) == 0) m.subjects.pop_back();
      }));
    }
    const std::vector<Ranked> ranking = RankFor(roster);
    for (size_t i = 0; i + 1 < ranking.size(); ++i) {
      const Ranked& a = ranking[i];
      const Ranked& b = ranking[i + 1];
      const auto key = [](const Ranked& r) {
        return std::make_tuple(r.full, r.tiers.front(), !r.credential_matches, !r.grade_band_matches, -r.subjects_matching,
                               !r.same_district, r.caseload);
      };
      EXPECT_LE(key(a), key(b)) << round;
    }
  }
}

Need Asked(const std::string& credential, const std::string& band, std::vector<std::string> subjects) {
  return {.credential = credential, .grade_band = band, .subjects = std::move(subjects), .site = "", .district = ""};
}

TEST(Coarsen, LeavesOutSubjectsThenBandThenCredentialUntilKFit_F18) {
  const Need need = {.credential = "C", .grade_band = "G", .subjects = {"b", "a"}, .site = "s", .district = "d"};
  struct Case {
    std::vector<Need> others;  // beside the candidate's own
    Need expected;
  };
  const Case cases[] = {
      {{Asked("C", "G", {"a", "b"}), Asked("C", "G", {"b", "a"})}, Asked("C", "G", {"b", "a"})},
      {{Asked("C", "G", {"a"}), Asked("C", "G", {"a", "b"})}, Asked("C", "G", {})},
      {{Asked("C", "H", {}), Asked("C", "G", {"a", "b"})}, Asked("C", "", {})},
      {{Asked("D", "G", {"a", "b"}), Asked("C", "G", {"a", "b"})}, Asked("", "", {})},
      {{}, Asked("", "", {})},
  };
  for (const Case& c : cases) {
    int same_need = 1, same_band = 1, same_credential = 1;
    for (const Need& other : c.others) {
      const bool credential = other.credential == need.credential;
      const bool band = credential && other.grade_band == need.grade_band;
      same_credential += credential ? 1 : 0;
      same_band += band ? 1 : 0;
      same_need += band && NeedKey(other) == NeedKey(need) ? 1 : 0;
    }
    EXPECT_EQ(Coarsen(need, {same_need >= 3, same_band >= 3, same_credential >= 3}), c.expected);
  }
  EXPECT_EQ(Coarsen(need, {true, true, true}), Asked("C", "G", {"b", "a"}));
}

TEST(NeedKey, IsTheSameForOneNeedAndNoOther_F18) {
  Need elsewhere = Asked("C", "G", {"b", "a"});
  elsewhere.site = "s";
  elsewhere.district = "d";
  EXPECT_EQ(NeedKey(elsewhere), NeedKey(Asked("C", "G", {"a", "b"})));
  std::set<std::string> keys;
  const Need different[] = {Asked("C", "G", {"a", "b"}), Asked("C", "G", {"ab"}), Asked("C", "G", {}),
                            Asked("C", "", {"G"}),       Asked("", "C", {"G"}),   Asked("D", "G", {"a", "b"})};
  for (const Need& need : different) keys.insert(NeedKey(need));
  EXPECT_EQ(keys.size(), std::size(different));
}

}  // namespace
}  // namespace rematch::mentor
