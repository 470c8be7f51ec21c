// A program's policy through the command line and the real services: checked, published, looked ahead by, and a case moved to it (F15,
// F16).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "demo/cases.h"
#include "demo/play.h"
#include "demo/story.h"
#include "tests/scenario/scenario_kit.h"

namespace rematch::scenario {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Policies : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(On, Policies, testing::Bool(), Stores::Name);

TEST_P(Policies, AProgramPublishesItsOwnAndACaseMovesToIt_F15_F16) {
  WorkFolder folder;
  const Stores stores(GetParam());
  const demo::Cast cast = demo::DemoCast(SourceDir());
  const std::string examples = absl::StrCat(SourceDir(), "/examples/policies/");
  auto stage =
      Prepare(stores.Under({.bin_dir = BinDir(), .work_dir = folder.path(), .policy = absl::StrCat(examples, "default.textproto")}), cast);
  ASSERT_TRUE(stage.ok()) << stage.status();
  const auto run = [&](const std::string& as, const std::vector<std::string>& words) {
    auto ran = stage->suite->CommandLine(as, words);
    EXPECT_TRUE(ran.ok()) << ran.status();
    return ran.ok() ? *std::move(ran) : demo::Finished();
  };
  demo::Narrator silent;
  demo::Play play({.suite = *stage->suite,
                   .directory = stage->directory,
                   .narrator = silent,
                   .candidate = stage->directory.CandidateByEmail(cast.first),
                   .key = "policy"});
  const std::string program = play.program().name();
  const std::string leader = absl::StrCat("leader:", demo::IdOf(play.leader().person()));
  ASSERT_TRUE(play.Open("We never found a time to meet.").ok());
  ASSERT_TRUE(play.Proceed().ok());
  ASSERT_TRUE(play.AwaitApproach().ok());

  // What is wrong with a file is said line by line, without any service.
  const auto wrong =
      run(leader, {"policy", "check", folder.Write("wrong", "display_name: 'x' stages { kind: INDIVIDUAL } k_anonymity: 200")});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_THAT(wrong.err, AllOf(HasSubstr("stages[0].window"), HasSubstr("stages[0].tiers"), HasSubstr("k_anonymity")));
  const std::string mediation = absl::StrCat(examples, "mediation_first.textproto");
  EXPECT_THAT(run(leader, {"policy", "check", mediation}).out, HasSubstr("valid: Mediation first, 5 stages"));

  // A dry run changes nothing; publishing prints what it changes.
  const auto tried = run(leader, {"policy", "publish", mediation, "--program", program, "--dry-run"});
  EXPECT_EQ(tried.exit_code, 0) << tried.err;
  EXPECT_THAT(tried.out, AllOf(HasSubstr("Would be version 1"), HasSubstr("stages[mediation].window"), HasSubstr("10 working days")));
  EXPECT_THAT(run(leader, {"policy", "list", "--program", program}).out, Not(HasSubstr("Mediation first")));
  EXPECT_THAT(run(leader, {"policy", "publish", mediation, "--program", program}).out, HasSubstr("Version 1 of the program"));
  EXPECT_THAT(run(leader, {"policy", "publish", mediation, "--program", program}).out, HasSubstr("follows this one already"));
  EXPECT_THAT(run(leader, {"policy", "list", "--program", program}).out,
              AllOf(HasSubstr("Mediation first"), HasSubstr("active"), HasSubstr(demo::IdOf(play.leader().person()))));

  // What is shown as a file is that file again.
  const auto text = run(leader, {"policy", "show", "--text", "--program", program});
  const std::string again = folder.Write("again", text.out);
  EXPECT_EQ(run(leader, {"policy", "diff", again, mediation}).out, "nothing differs\n");
  const std::string longer = folder.Write("longer", absl::StrReplaceAll(text.out, {{"Mediation first", "Longer"}}));
  EXPECT_THAT(run(leader, {"policy", "diff", mediation, longer}).out, AllOf(HasSubstr("display_name"), HasSubstr("Longer")));

  // Looking ahead contacts nobody: of a candidate by the program's policy, of the case by its own.
  const size_t mails = play.Messages()->size();
  const auto ahead = run(leader, {"policy", "preview", "--candidate", stage->directory.CandidateByEmail(cast.first)});
  EXPECT_EQ(ahead.exit_code, 0) << ahead.err;
  EXPECT_THAT(ahead.out, AllOf(HasSubstr("mediation"), HasSubstr("individual"), HasSubstr("broadcast"), HasSubstr("alternate (leader)")));
  EXPECT_THAT(run(leader, {"policy", "preview", "--case", play.case_name()}).out, Not(HasSubstr("mediation")));
  EXPECT_EQ(play.Messages()->size(), mails);

  // The open case stays with its version until it is moved, and goes on where it was.
  const auto shown = run(leader, {"case", "migrate", play.case_name(), "--dry-run"});
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_THAT(shown.out, AllOf(HasSubstr("Would go by"), HasSubstr("in its stage individual"), HasSubstr("stages[broadcast].audience")));
  const auto moved = run(leader, {"case", "migrate", play.case_name(), "--note", "as the council decided"});
  EXPECT_EQ(moved.exit_code, 0) << moved.err;
  EXPECT_TRUE(play.AwaitEvent("MIGRATED").ok());
  EXPECT_THAT(run(leader, {"case", "show", play.case_name()}).out, HasSubstr("as the council decided"));
  EXPECT_EQ(run("auditor", {"case", "verify", play.case_name()}).exit_code, 0);
  // The search goes back to the talk, which settles it.
  const auto nowhere = run(leader, {"case", "migrate", play.case_name(), "--stage", "nowhere", "--note", "why"});
  EXPECT_NE(nowhere.exit_code, 0);
  EXPECT_THAT(nowhere.err, HasSubstr("STAGE_NOT_IN_POLICY"));
  ASSERT_EQ(run(leader, {"case", "restart", play.case_name(), "--stage", "mediation"}).exit_code, 0);
  const auto task = run(leader, {"task", "list", "--case", play.case_name()});
  EXPECT_THAT(task.out, HasSubstr("mediate"));
  const auto settled = run(leader, {"task", "do", "t2", "--case", play.case_name(), "--settled", "--note", "they start anew"});
  EXPECT_EQ(settled.exit_code, 0) << settled.err << task.out;
  EXPECT_THAT(settled.out, HasSubstr("closed"));
}

}  // namespace
}  // namespace rematch::scenario
