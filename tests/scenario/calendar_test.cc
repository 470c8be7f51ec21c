// A program's calendar, set through the command line, moves an open case of the real services (F37).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/clock.h"
#include "demo/cases.h"
#include "demo/play.h"
#include "demo/story.h"
#include "tests/scenario/scenario_kit.h"

namespace rematch::scenario {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class Calendar : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(On, Calendar, testing::Bool(), Stores::Name);

// Today and the two weeks behind it.
std::string ClosedFromNowOn() {
  const absl::CivilDay today(absl::UTCTimeZone().At(absl::Now()).cs);
  return absl::StrCat("closures { first: '", absl::FormatCivilTime(today - 1), "' last: '", absl::FormatCivilTime(today + 14),
                      "' label: 'A long break' }\n");
}

TEST_P(Calendar, ABreakMovesAnOpenWindowAndTheCommandLineSaysWhich_F37) {
  WorkFolder folder;
  const Stores stores(GetParam());
  const demo::Cast cast = demo::DemoCast(SourceDir());
  auto stage = Prepare(
      stores.Under(
          {.bin_dir = BinDir(), .work_dir = folder.path(), .policy = absl::StrCat(SourceDir(), "/examples/policies/default.textproto")}),
      cast);
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
                   .key = "calendar"});
  ASSERT_TRUE(play.Open("We never found a time to meet.").ok());
  ASSERT_TRUE(play.Proceed().ok());
  const auto asked = play.AwaitApproach();
  ASSERT_TRUE(asked.ok()) << asked.status();
  ASSERT_TRUE(play.AwaitOffer(asked->name(), request::v1::OPEN).ok());
  const auto end = [&] { return (*play.Offers())[0].window_end_time().seconds(); };
  const int64_t before = end();

  const std::string leader = absl::StrCat("leader:", demo::IdOf(play.leader().person()));
  const std::string program = play.program().name();
  const auto closed = run(leader, {"calendar", "set", folder.Write("closed", ClosedFromNowOn()), "--program", program});
  EXPECT_EQ(closed.exit_code, 0) << closed.err;
  EXPECT_THAT(closed.out, AllOf(HasSubstr("A long break"), HasSubstr("answer of ")));
  EXPECT_GT(end() - before, 9 * 24 * 60 * 60);
  EXPECT_TRUE(play.AwaitEvent("CALENDAR_CHANGED").ok());
  const auto shown = run(leader, {"calendar", "show", "--program", program});
  EXPECT_THAT(shown.out, AllOf(HasSubstr("Monday to Friday, all day"), HasSubstr("A long break")));

  const auto bad = run(leader, {"calendar", "set", folder.Write("bad", "closures { first: '2026-02-30' }"), "--program", program});
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_THAT(bad.err, HasSubstr("calendar.closures[0].first"));
  const auto open = run(leader, {"calendar", "set", folder.Write("open", ""), "--program", program});
  EXPECT_EQ(open.exit_code, 0) << open.err;
  EXPECT_EQ(end(), before);
}

}  // namespace
}  // namespace rematch::scenario
