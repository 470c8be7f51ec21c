#include "platform/validation.h"

#include <gtest/gtest.h>

namespace rematch {
namespace {

template <typename Check>
bool Accepts(Check check) {
  Violations bad;
  check(bad);
  return bad.empty();
}

bool EmailOk(std::string_view email) {
  return Accepts([&](Violations& bad) { CheckEmail(bad, "email", email); });
}
bool NameOk(std::string_view name) {
  return Accepts([&](Violations& bad) { CheckDisplayName(bad, "display_name", name); });
}

TEST(ParseName, TakesTheIdsOfANameThatFitsAndNothingElse) {
  const auto ids = ParseName("consortia/south-bay/programs/p1", "consortia/*/programs/*");
  ASSERT_TRUE(ids.has_value());
  EXPECT_EQ(*ids, (std::vector<std::string>{"south-bay", "p1"}));
  for (const char* wrong :
       {"", "consortia/c", "consortia/c/programs/", "consortia/c/programs/p/", "consortia/c/programs/p/x/y", "/consortia/c/programs/p",
        "consortia/C/programs/p", "consortia/-c/programs/p", "consortia/c/sites/p", "consortia//programs/p"}) {
    EXPECT_FALSE(ParseName(wrong, "consortia/*/programs/*").has_value()) << wrong;
  }
  EXPECT_EQ(ConsortiumOf("consortia/c1/programs/p1"), "consortia/c1");
  EXPECT_EQ(ConsortiumOf("templates/x"), "");
}

TEST(CheckEmail, TakesOneAddressAndNoHeaderInjection) {
  for (const char* right : {"a@b", "ana.maria+x@school.example.org", "o'neil@x-y.example"}) EXPECT_TRUE(EmailOk(right)) << right;
  for (const char* wrong :
       {"", "a", "@b", "a@", "a@b\r\nBcc: c@d", "a b@c", "a@b,c@d", "<a@b>", "a@b.", "a@-b", ".a@b", "a..b@c", "a\n@b", "a@b;c"}) {
    EXPECT_FALSE(EmailOk(wrong)) << wrong;
  }
  EXPECT_FALSE(EmailOk(std::string(65, 'a') + "@b"));
  EXPECT_FALSE(EmailOk("a@" + std::string(254, 'b')));
}

TEST(CheckDisplayName, TakesAnyLanguageAndNoControlCharacters) {
  for (const char* right : {"Ana María Núñez", "李小龍", "O'Neil, Pat"}) EXPECT_TRUE(NameOk(right)) << right;
  for (const char* wrong : {"", "a\nb", "a\rb", "a\tb", "\x7f", "\xc2\x85", "\xff", "\xc0\x80", "\xed\xa0\x80", "a\u2028b"}) {
    EXPECT_FALSE(NameOk(wrong)) << wrong;
  }
  EXPECT_TRUE(NameOk(std::string(200, 'a')));
  EXPECT_FALSE(NameOk(std::string(201, 'a')));
}

TEST(PageToken, ContinuesOnlyTheQuestionItWasMadeFor) {
  const std::string token = MakePageToken("list cases p1", {"17", "", "abc"});
  const auto position = ReadPageToken("list cases p1", token, 3);
  ASSERT_TRUE(position.ok());
  EXPECT_EQ(*position, (std::vector<std::string>{"17", "", "abc"}));
  EXPECT_TRUE(ReadPageToken("list cases p1", "", 3)->empty());
  EXPECT_EQ(ReadPageToken("list cases p2", token, 3).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadPageToken("list cases p1", token, 2).status().code(), absl::StatusCode::kInvalidArgument);
  for (const char* wrong : {"x", "!!!", "AAAAAAAAAAAA"}) {
    EXPECT_EQ(ReadPageToken("list cases p1", wrong, 3).status().code(), absl::StatusCode::kInvalidArgument) << wrong;
  }
}

TEST(CheckPageSize, ZeroIsTheDefault) {
  Violations bad;
  EXPECT_EQ(CheckPageSize(bad, 0), 100);
  EXPECT_EQ(CheckPageSize(bad, 1000), 1000);
  EXPECT_TRUE(bad.empty());
  CheckPageSize(bad, 1001);
  CheckPageSize(bad, -1);
  EXPECT_FALSE(bad.empty());
}

}  // namespace
}  // namespace rematch
