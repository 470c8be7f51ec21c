#include "cli/timeline.h"

#include <gtest/gtest.h>

#include <set>

#include "absl/strings/str_split.h"
#include "cli/utf8.h"
#include "tests/cli/golden.h"
#include "tests/cli/sample.h"

namespace rematch::cli {
namespace {

TEST(Timeline, DrawsEveryoneWhoWasAskedStageByStage) {
  ExpectGolden("timeline.txt", RenderTimeline(SampleHistory(), SamplePeople(), At(120), absl::UTCTimeZone(), {.width = 100}));
}

TEST(Timeline, DrawsInAsciiWhereTheTerminalKnowsNothingElse) {
  const std::string picture =
      RenderTimeline(SampleHistory(), SamplePeople(), At(120), absl::UTCTimeZone(), {.width = 80, .unicode = false});
  ExpectGolden("timeline_ascii.txt", picture);
  People ascii_names;
  const std::string drawn = RenderTimeline(SampleHistory(), ascii_names, At(120), absl::UTCTimeZone(), {.width = 80, .unicode = false});
  for (const unsigned char c : drawn) EXPECT_LT(c, 0x80);
}

TEST(Timeline, NeverIsWiderThanTheTerminal) {
  for (const int width : {40, 60, 80, 133, 240}) {
    const std::string picture = RenderTimeline(SampleHistory(), SamplePeople(), At(120), absl::UTCTimeZone(), {.width = width});
    for (const std::string& line : std::vector<std::string>(absl::StrSplit(picture, '\n'))) EXPECT_LE(DisplayWidth(line), width) << line;
  }
}

TEST(Timeline, KeepsSecondsApartBesideDays) {
  CaseHistory history = SampleHistory();
  Set(history.offers[0].mutable_answer_time(), At(3.1) + absl::Seconds(2));
  const std::string picture = RenderTimeline(history, SamplePeople(), At(120), absl::UTCTimeZone(), {.width = 100});
  EXPECT_NE(picture.find("○"), std::string::npos);
  EXPECT_NE(picture.find("✗"), std::string::npos);
}

TEST(Timeline, NoTwoLabelsOfTheAxisAreTheSame) {
  CaseHistory history = SampleHistory();
  // A whole case within a few seconds.
  const auto squeeze = [](google::protobuf::Timestamp* time) {
    const absl::Duration since = absl::FromUnixSeconds(time->seconds()) - At(0);
    const absl::Time squeezed = At(0) + since / 100'000;
    time->set_seconds(absl::ToUnixSeconds(squeezed));
    time->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(squeezed - absl::FromUnixSeconds(time->seconds()))));
  };
  squeeze(history.reassignment.mutable_end_time());
  for (auto& event : history.events) squeeze(event.mutable_time());
  for (auto& offer : history.offers) {
    squeeze(offer.mutable_open_time());
    squeeze(offer.mutable_window_end_time());
    if (offer.has_answer_time()) squeeze(offer.mutable_answer_time());
  }
  history.tasks.clear();
  const std::string picture = RenderTimeline(history, SamplePeople(), At(1), absl::UTCTimeZone(), {.width = 120});
  const std::vector<std::string> lines = absl::StrSplit(picture, '\n');
  const std::vector<std::string> labels = absl::StrSplit(lines.at(4), ' ', absl::SkipEmpty());
  ASSERT_GE(labels.size(), 2u) << picture;
  EXPECT_EQ(std::set<std::string>(labels.begin(), labels.end()).size(), labels.size()) << picture;
}

TEST(Timeline, SilentMentorsOfABroadcastShareALane) {
  namespace v1 = rematch::request::v1;
  CaseHistory history = SampleHistory();
  history.offers.clear();
  for (int i = 0; i < 30; ++i) history.offers.push_back(MakeOffer("o" + std::to_string(i), 1, v1::BROADCAST, v1::EXPIRED, 10));
  history.offers.push_back(MakeOffer("o30", 4, v1::BROADCAST, v1::CONFIRMED, 10, 12));
  const std::string picture = RenderTimeline(history, SamplePeople(), At(120), absl::UTCTimeZone(), {.width = 100});
  EXPECT_NE(picture.find("30 others"), std::string::npos);
  EXPECT_NE(picture.find("Rosa Lee"), std::string::npos);
  ExpectGolden("timeline_broadcast.txt", picture);
}

TEST(Timeline, OpenCaseRunsToNow) {
  CaseHistory history = SampleHistory();
  history.reassignment.set_state(rematch::request::v1::SEARCHING);
  history.reassignment.clear_end_time();
  history.reassignment.clear_proposed_mentor();
  history.events.resize(7);
  history.offers.resize(2);
  history.offers[1].set_state(rematch::request::v1::OPEN);
  history.tasks.resize(1);
  const std::string picture = RenderTimeline(history, SamplePeople(), At(50), absl::UTCTimeZone(), {.width = 100});
  EXPECT_NE(picture.find("for 50 h"), std::string::npos);
  EXPECT_EQ(picture.find("■"), std::string::npos) << "nothing has ended";
}

TEST(Timeline, OnlyJustOpenedCaseIsDrawn) {
  CaseHistory history;
  history.reassignment = SampleHistory().reassignment;
  history.reassignment.clear_end_time();
  const std::string picture = RenderTimeline(history, SamplePeople(), At(0), absl::UTCTimeZone(), {.width = 60});
  EXPECT_NE(picture.find("opened"), std::string::npos);
}

}  // namespace
}  // namespace rematch::cli
