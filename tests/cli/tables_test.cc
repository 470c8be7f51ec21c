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

TEST(Format, SpansAreSaidInTheirLargestUnit) {
  EXPECT_EQ(Span(absl::Hours(72)), "3 days");
  EXPECT_EQ(Span(absl::Hours(24)), "1 day");
  EXPECT_EQ(Span(absl::Minutes(119)), "1 h");
  EXPECT_EQ(Span(absl::Seconds(61)), "1 min");
  EXPECT_EQ(Span(absl::Milliseconds(900)), "0 s");
  google::protobuf::Timestamp at;
  at.set_seconds(1000);
  EXPECT_EQ(Relative(at, absl::FromUnixSeconds(940)), "in 1 min");
  EXPECT_EQ(Relative(at, absl::FromUnixSeconds(1030)), "30 s ago");
  EXPECT_EQ(Relative({}, absl::FromUnixSeconds(1030)), "");
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
