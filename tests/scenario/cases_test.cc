// The five cases of the demo against the real binaries, on both stores, and the demo itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "demo/cases.h"
#include "demo/story.h"
#include "tests/scenario/scenario_kit.h"

namespace rematch::scenario {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class Lines final : public demo::Narrator {
 public:
  void Say(const std::string& line) override { absl::StrAppend(&all, line, "\n"); }
  std::string all;
};

// The policy of the demo, with windows in which an answer arrives in time on a slow machine, too.
std::string UnhurriedPolicy() {
  std::ifstream file(absl::StrCat(SourceDir(), "/examples/policies/demo.textproto"));
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::string slower = absl::StrReplaceAll(text, {{"  window { amount: 2 ", "  window { amount: 6 "}});
  EXPECT_NE(slower, text);
  return slower;
}

// Imports the example roster and plays one case on it.
template <typename Tell>
void PlayOnExampleRoster(bool mysql, const std::string demo::Cast::*who, Tell tell) {
  WorkFolder folder;
  const Stores stores(mysql);
  const demo::Cast cast = demo::DemoCast(SourceDir());
  auto stage =
      Prepare(stores.Under({.bin_dir = BinDir(), .work_dir = folder.path(), .policy = folder.Write("policy", UnhurriedPolicy())}), cast);
  ASSERT_TRUE(stage.ok()) << stage.status();
  Lines lines;
  demo::Play play({.suite = *stage->suite,
                   .directory = stage->directory,
                   .narrator = lines,
                   .candidate = stage->directory.CandidateByEmail(cast.*who),
                   .key = "test"});
  auto expected = tell(play, demo::DemoWords());
  ASSERT_TRUE(expected.ok()) << expected.status() << "\n" << lines.all;
  EXPECT_THAT(demo::Differences(play, *expected, stage->before), IsEmpty()) << lines.all;
}

class Cases : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(On, Cases, testing::Bool(), Stores::Name);

// F3 to F8, F17, F18, F30, F34, F41, F46.
TEST_P(Cases, OneDeclinesOneStaysSilentOneIsWilling) { PlayOnExampleRoster(GetParam(), &demo::Cast::first, demo::TellDeclineSilenceYes); }

// F9, F10, F19, F22.
TEST_P(Cases, NobodyInThePoolAndSomebodyNewIsRecommended) { PlayOnExampleRoster(GetParam(), &demo::Cast::second, demo::TellNobodyInPool); }

// F11, F22.
TEST_P(Cases, EveryStageFailsAndTheLeaderTakesTheCandidate) {
  PlayOnExampleRoster(GetParam(), &demo::Cast::third, demo::TellEveryStageFails);
}

// F31, F33, F39, F44.
TEST_P(Cases, ALateYesIsRevivedAfterAPauseABounceAndAMentorWhoLeft) {
  PlayOnExampleRoster(GetParam(), &demo::Cast::fourth, demo::TellLateYes);
}

// F1, F12, F15, F37.
TEST_P(Cases, ALowAnswerBecomesACaseByAnotherPolicyAcrossAHolidayThatMoves) {
  PlayOnExampleRoster(GetParam(), &demo::Cast::fifth, demo::TellSurveyAndHoliday);
}

TEST(Demo, TellsFiveCasesAndFindsNoDifference) {
  WorkFolder folder;
  auto demo = demo::Run({absl::StrCat(BinDir(), "/rematch-demo"), absl::StrCat("--bin_dir=", BinDir()),
                         absl::StrCat("--source_dir=", SourceDir()), absl::StrCat("--work_dir=", folder.path(), "/demo"), "--keep"},
                        {"NO_COLOR=1"}, absl::Seconds(120));
  ASSERT_TRUE(demo.ok()) << demo.status();
  EXPECT_EQ(demo->exit_code, 0) << demo->err << demo->out;
  EXPECT_THAT(demo->out, HasSubstr("nothing differed"));
  EXPECT_THAT(demo->out, Not(HasSubstr("\033["))) << "NO_COLOR is respected";
  // What was sent is listed to the last recipient, and can be read: the broadcasts reached these, two of whom had opted out.
  for (const char* name : {"Ravi Calloway", "Grace Kessler", "Liam Moreau", "Björn Zamora", "Grace Zamora", "Mei Harmon"}) {
    EXPECT_THAT(demo->out, HasSubstr(name));
  }
  EXPECT_THAT(demo->out, AllOf(HasSubstr("$ rematch mail show "), HasSubstr("Your mentor is now "), HasSubstr("Dear ")));
  // The trail and the ledger are in words, each no longer than somebody would read.
  EXPECT_THAT(demo->out, AllOf(HasSubstr("$ rematch case events "), HasSubstr("$ rematch case disclosures "), HasSubstr(" times"),
                               Not(HasSubstr("OFFER_")), Not(HasSubstr("EFFECT_")), Not(HasSubstr("MENTORS_WANTED"))));
  EXPECT_LT(std::count(demo->out.begin(), demo->out.end(), '\n'), 1100);
  EXPECT_THAT(demo->out,
              HasSubstr(absl::StrCat("REMATCH_HOME=", folder.path(), "/demo ./dev up --policy examples/policies/demo.textproto\n")));
}

TEST(Demo, TellsFiveCasesOnAMysqlServerOfItsOwn) {
  WorkFolder folder;
  auto demo = demo::Run({absl::StrCat(BinDir(), "/rematch-demo"), "--store=mysql", absl::StrCat("--bin_dir=", BinDir()),
                         absl::StrCat("--source_dir=", SourceDir()), absl::StrCat("--work_dir=", folder.path(), "/demo"), "--keep"},
                        {}, absl::Seconds(120));
  ASSERT_TRUE(demo.ok()) << demo.status();
  EXPECT_EQ(demo->exit_code, 0) << demo->err << demo->out;
  EXPECT_THAT(demo->out, AllOf(HasSubstr("nothing differed"), HasSubstr("/demo ./dev up --store=mysql --policy ")));
  const auto there = [&](const char* file) { return std::filesystem::exists(absl::StrCat(folder.path(), "/demo/", file)); };
  EXPECT_TRUE(there("mariadb/data/request_service/cases.ibd"));
  EXPECT_FALSE(there("mariadb/pid")) << "it was stopped";
  EXPECT_FALSE(there("request-service/data.db"));
}

// The check itself can fail: with a wrong expectation it says what differs.
TEST(Check, NamesWhatDiffers) {
  WorkFolder folder;
  const SmallRoster roster;
  auto stage =
      Prepare({.bin_dir = BinDir(), .work_dir = folder.path(), .policy = folder.Write("policy", PolicyInSeconds().Text())}, roster);
  ASSERT_TRUE(stage.ok()) << stage.status();
  demo::Narrator silent;
  demo::Play play(
      {.suite = *stage->suite, .directory = stage->directory, .narrator = silent, .candidate = stage->Candidate(roster), .key = "a"});
  auto expected = demo::TellDeclineSilenceYes(play, demo::DemoWords());
  ASSERT_TRUE(expected.ok()) << expected.status();
  ASSERT_THAT(demo::Differences(play, *expected, stage->before), IsEmpty());
  demo::Expected wrong = *expected;
  wrong.new_mentor = play.former_mentor();
  wrong.messages.erase(wrong.messages.begin());
  wrong.asked.pop_back();
  wrong.learned.erase(wrong.learned.begin());
  wrong.events.push_back("NEVER_HAPPENED");
  const std::string all = testing::PrintToString(demo::Differences(play, wrong, stage->before));
  for (const char* part :
       {"the new mentor is", "messages differ", "offers are", " learned ", "the trail lacks NEVER_HAPPENED", "candidates, not"}) {
    EXPECT_THAT(all, HasSubstr(part));
  }
}

}  // namespace
}  // namespace rematch::scenario
