#include "cli/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rematch::cli::csv {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Texts(const Record& record) {
  std::vector<std::string> texts;
  for (const Field& field : record.fields) texts.push_back(field.text);
  return texts;
}

TEST(Csv, ReadsRowsOfFields) {
  const Document document = Parse("a,b\nc,d\n");
  EXPECT_THAT(document.problems, IsEmpty());
  ASSERT_EQ(document.records.size(), 2u);
  EXPECT_THAT(Texts(document.records[0]), ElementsAre("a", "b"));
  EXPECT_THAT(Texts(document.records[1]), ElementsAre("c", "d"));
}

TEST(Csv, LastLineMayLackItsLineFeed) {
  const Document document = Parse("a,b\nc,");
  ASSERT_EQ(document.records.size(), 2u);
  EXPECT_THAT(Texts(document.records[1]), ElementsAre("c", ""));
}

TEST(Csv, ByteOrderMarkIsNoContent) {
  const Document document = Parse("\xef\xbb\xbfid,name\n");
  ASSERT_EQ(document.records.size(), 1u);
  EXPECT_THAT(Texts(document.records[0]), ElementsAre("id", "name"));
  EXPECT_EQ(document.records[0].fields[1].at, (Position{1, 4}));
}

TEST(Csv, CrLfEndsLines) {
  const Document document = Parse("a,b\r\nc,d\r\n");
  EXPECT_THAT(document.problems, IsEmpty());
  ASSERT_EQ(document.records.size(), 2u);
  EXPECT_THAT(Texts(document.records[0]), ElementsAre("a", "b"));
}

TEST(Csv, QuotedFieldsHoldCommasQuotesAndLineBreaks) {
  const Document document = Parse("\"Ruiz, Ana\",\"said \"\"no\"\"\",\"two\nlines\",x\nnext\n");
  EXPECT_THAT(document.problems, IsEmpty());
  ASSERT_EQ(document.records.size(), 2u);
  EXPECT_THAT(Texts(document.records[0]), ElementsAre("Ruiz, Ana", "said \"no\"", "two\nlines", "x"));
  EXPECT_EQ(document.records[0].fields[3].at, (Position{2, 8}));
  EXPECT_EQ(document.records[1].at(), (Position{3, 1}));
}

TEST(Csv, ColumnsCountCharactersNotBytes) {
  const Document document = Parse("José Nguyễn,山田,x\n");
  ASSERT_EQ(document.records.size(), 1u);
  EXPECT_EQ(document.records[0].fields[1].at, (Position{1, 13}));
  EXPECT_EQ(document.records[0].fields[2].at, (Position{1, 16}));
}

TEST(Csv, EmptyLinesAreLeftOut) {
  const Document document = Parse("a\n\n\r\nb\n\n");
  ASSERT_EQ(document.records.size(), 2u);
  EXPECT_EQ(document.records[1].at(), (Position{4, 1}));
}

TEST(Csv, TextThatIsNotUtf8HasItsPlace) {
  const Document document = Parse("id,name\n1,Jos\xe9\n2,ok\n");
  ASSERT_EQ(document.problems.size(), 1u);
  EXPECT_EQ(document.problems[0].at, (Position{2, 6}));
  EXPECT_EQ(document.records.size(), 3u) << "the rows behind it are still looked at";
}

TEST(Csv, OverlongAndSurrogateFormsAreNotUtf8) {
  EXPECT_EQ(Parse("\xc0\xaf\n").problems.size(), 1u);
  EXPECT_EQ(Parse("\xed\xa0\x80\n").problems.size(), 1u);
  EXPECT_EQ(Parse("\xf4\x90\x80\x80\n").problems.size(), 1u);
}

TEST(Csv, StrayQuoteIsAnErrorAtItsPlace) {
  const Document document = Parse("a,b\nc,d\"e\n");
  ASSERT_EQ(document.problems.size(), 1u);
  EXPECT_EQ(document.problems[0].at, (Position{2, 4}));
}

TEST(Csv, TextBehindAClosingQuoteIsAnError) {
  const Document document = Parse("\"a\"b,c\n");
  ASSERT_EQ(document.problems.size(), 1u);
  EXPECT_EQ(document.problems[0].at, (Position{1, 4}));
}

TEST(Csv, UnclosedQuoteIsReportedWhereItOpens) {
  const Document document = Parse("a,b\nc,\"d\ne,f\n");
  ASSERT_EQ(document.problems.size(), 1u);
  EXPECT_EQ(document.problems[0].at, (Position{2, 3}));
}

TEST(Csv, Utf16IsNamedAsSuch) {
  const Document document =
      Parse(std::string_view("\xff\xfe"
                             "a\0",
                             4));
  ASSERT_EQ(document.problems.size(), 1u);
  EXPECT_THAT(document.problems[0].what, ::testing::HasSubstr("UTF-16"));
}

TEST(Csv, NulIsAnError) { EXPECT_EQ(Parse(std::string_view("a\0b\n", 4)).problems.size(), 1u); }

TEST(Csv, EmptyInputHasNothing) {
  EXPECT_THAT(Parse("").records, IsEmpty());
  EXPECT_THAT(Parse("").problems, IsEmpty());
}

}  // namespace
}  // namespace rematch::cli::csv
