#include "cli/tables.h"

#include <gtest/gtest.h>

#include "cli/format.h"
#include "cli/utf8.h"
#include "rematch/request/v1/resources.pb.h"

namespace rematch::cli {
namespace {

TEST(Utf8, WideAndCombiningCharactersCountAsTheyAreDrawn) {
  EXPECT_EQ(DisplayWidth("abc"), 3);
  EXPECT_EQ(DisplayWidth("José"), 4);
  EXPECT_EQ(DisplayWidth("Jose\u0301"), 4);
  EXPECT_EQ(DisplayWidth("山田"), 4);
}

TEST(Utf8, FitNeverCutsACharacterApart) {
  EXPECT_EQ(Fit("abcdef", 4), "abc…");
  EXPECT_EQ(Fit("abcd", 4), "abcd");
  EXPECT_EQ(Fit("山田太郎", 6), "山田…");
  EXPECT_EQ(Fit("山田太郎", 4), "山…") << "half of a wide character is none";
  EXPECT_EQ(Fit("abcdef", 4, "..."), "a...");
}

TEST(Utf8, ContentCannotSteerTheTerminal) {
  EXPECT_EQ(Printable("a\x1b[31mb\n"), "a\uFFFD[31mb\uFFFD");
  EXPECT_EQ(Printable("\xe2\x80\xae"
                      "x"),
            "\uFFFDx")
      << "right-to-left override";
  EXPECT_EQ(Printable("\xff"), "\uFFFD");
  EXPECT_EQ(Printable("a\r\nb\tc", true), "a\nb\tc");
}

Table Sample() {
  Table table({{.title = "NAME", .shrinks = true}, {.title = "DAYS", .right = true}, {.title = "NOTE", .shrinks = true}});
  table.Add({"Ana Ruiz", "3", ""});
  table.Add({"山田 太郎", "12", ""});
  return table;
}

TEST(Table, AlignsNumbersRightAndLeavesEmptyColumnsOut) {
  EXPECT_EQ(Sample().Render({}), "NAME       DAYS\nAna Ruiz      3\n山田 太郎    12\n");
}

TEST(Table, CutsToTheWidthOfTheTerminal) {
  EXPECT_EQ(Sample().Render({.width = 13}), "NAME     DAYS\nAna Ru…     3\n山田 …     12\n");
  EXPECT_EQ(Sample().Render({.width = 13, .unicode = false}), "NAME     DAYS\nAna ...     3\n山田...    12\n");
}

TEST(Table, GivesUpColumnsByPriorityBeforeItCutsOthers) {
  Table table(
      {{.title = "NAME", .shrinks = true}, {.title = "A", .yields = 1}, {.title = "B", .yields = 2}, {.title = "WHY", .below = true}});
  table.Add({"Ana Ruiz", "aaaa", "bbbb", "has the credential"});
  table.Add({"Bo Kern", "aaaa", "bbbb", ""});
  EXPECT_EQ(table.Render({.width = 60}), "NAME      A     B     WHY\nAna Ruiz  aaaa  bbbb  has the credential\nBo Kern   aaaa  bbbb\n");
  EXPECT_EQ(table.Render({.width = 25}), "NAME      A     B\nAna Ruiz  aaaa  bbbb\n    has the credential\nBo Kern   aaaa  bbbb\n");
  EXPECT_EQ(table.Render({.width = 15}), "NAME      A\nAna Ruiz  aaaa\n    has the credential\nBo Kern   aaaa\n");
  EXPECT_EQ(table.Render({.width = 7}), "NAME\nAna Ru…\n    has the credential\nBo Kern\n");
}

TEST(Table, HasNoColorUnlessTheCanvasHas) {
  Table table({{.title = "A"}});
  table.Add({Cell("x", Style::kRed)});
  EXPECT_EQ(table.Render({}).find('\x1b'), std::string::npos);
  EXPECT_NE(table.Render({.color = true}).find("\x1b[31mx\x1b[0m"), std::string::npos);
}

TEST(Table, CellsCannotBreakLines) {
  Table table({{.title = "A"}});
  table.Add({"two\nlines"});
  EXPECT_EQ(table.Render({}), "A\ntwo\uFFFDlines\n");
}

TEST(Facts, AlignsValuesAndLeavesEmptyOnesOut) {
  Facts facts;
  facts.Add("state", "review");
  facts.Add("mentor", "");
  facts.Add("candidate", "Ana");
  EXPECT_EQ(facts.Render({}), "state      review\ncandidate  Ana\n");
}

TEST(Wrap, BreaksAtWordsAndKeepsParagraphs) {
  EXPECT_EQ(Wrap("We never found a time to meet.\n\nSorry.", 2, {.width = 22}), "  We never found a\n  time to meet.\n\n  Sorry.\n");
}

TEST(Format, SpansAreRoundedInAUnitThatHidesNothingThatMatters) {
  EXPECT_EQ(Span(absl::Hours(72)), "3 days");
  EXPECT_EQ(Span(absl::Hours(48) - absl::Minutes(1)), "48 h") << "nobody is told that a day is left where it is two";
  EXPECT_EQ(Span(absl::Hours(24)), "24 h");
  EXPECT_EQ(Span(absl::Minutes(119)), "119 min");
  EXPECT_EQ(Span(absl::Minutes(120) - absl::Seconds(1)), "2 h");
  EXPECT_EQ(Span(absl::Minutes(149)), "2 h");
  EXPECT_EQ(Span(absl::Seconds(61)), "61 s");
  EXPECT_EQ(Span(absl::Seconds(150)), "3 min");
  EXPECT_EQ(Span(absl::Milliseconds(900)), "1 s");
  google::protobuf::Timestamp at;
  at.set_seconds(1000);
  EXPECT_EQ(Relative(at, absl::FromUnixSeconds(940)), "in 60 s");
  EXPECT_EQ(Relative(at, absl::FromUnixSeconds(1030)), "30 s ago");
  EXPECT_EQ(Relative({}, absl::FromUnixSeconds(1030)), "");
}

TEST(Format, DueTimesSayTheirDayUnlessItIsTodayAndTheirZone) {
  absl::TimeZone zone;
  ASSERT_TRUE(absl::LoadTimeZone("America/Los_Angeles", &zone));
  const auto at = [&](int year, int month, int day, int hour, int minute, int second) {
    google::protobuf::Timestamp time;
    time.set_seconds(absl::ToUnixSeconds(absl::FromCivil(absl::CivilSecond(year, month, day, hour, minute, second), zone)));
    return time;
  };
  const absl::Time now = ToTime(at(2026, 11, 25, 23, 50, 0));
  EXPECT_EQ(Due(at(2026, 11, 25, 8, 5, 0), now, zone), "08:05 PST");
  EXPECT_EQ(Due(at(2026, 11, 27, 21, 43, 0), now, zone), "Fri 27 Nov 21:43 PST");
  EXPECT_EQ(Due(at(2026, 11, 25, 23, 52, 7), now, zone), "23:52:07 PST") << "seconds where they matter";
  EXPECT_EQ(Due(at(2026, 11, 26, 0, 1, 0), now, zone), "Thu 26 Nov 00:01 PST") << "tomorrow is not today, however near";
  EXPECT_EQ(Due(at(2027, 7, 1, 9, 0, 0), now, zone), "Thu 1 Jul 2027 09:00 PDT");
  EXPECT_EQ(Due({}, now, zone), "");
}

TEST(Format, EnumValuesAreReadAndTypedAsWords) {
  EXPECT_EQ(Words(rematch::request::v1::NO_ANSWER), "no answer");
  EXPECT_EQ(Words(rematch::request::v1::CALL_OUTCOME_UNSPECIFIED), "");
  EXPECT_EQ(ParseChoice(*rematch::request::v1::CallOutcome_descriptor(), "no-answer"), rematch::request::v1::NO_ANSWER);
  EXPECT_EQ(ParseChoice(*rematch::request::v1::CallOutcome_descriptor(), "call-outcome-unspecified"), std::nullopt);
  EXPECT_EQ(ParseChoice(*rematch::request::v1::CallOutcome_descriptor(), "later"), std::nullopt);
}

}  // namespace
}  // namespace rematch::cli
