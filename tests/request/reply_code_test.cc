#include "request-service/domain/reply_code.h"

#include <set>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/errors.h"
#include "request-service/domain/reasons.h"

namespace rematch::request {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

const ReplyCode kCode = {
    .case_name = "consortia/c/programs/p/reassignments/018f3a52-9c1e-7d0a-8b42-6f00c0ffee42", .offer = "o3", .epoch = 2};

TEST(ReplyCode, SaysWhichOfferOfWhichCaseInWhichEpoch) {
  const ReplyCodes codes("a secret");
  const absl::StatusOr<ReplyCode> code = codes.Parse(codes.Make(kCode));
  ASSERT_TRUE(code.ok()) << code.status();
  EXPECT_EQ(*code, kCode);
}

TEST(ReplyCode, IsTheSameForTheSameOfferAndAnotherForAnother_F40) {
  const ReplyCodes codes("a secret");
  std::set<std::string> all;
  for (int epoch = 0; epoch < 50; ++epoch) {
    ReplyCode code = kCode;
    code.epoch = epoch;
    EXPECT_EQ(codes.Make(code), codes.Make(code));
    all.insert(codes.Make(code));
  }
  EXPECT_EQ(all.size(), 50u);
}

// Ids as short as those that a consortium chooses, and as long as they may be.
TEST(ReplyCode, IsALineOfAMail) {
  ReplyCode code = kCode;
  code.case_name = "consortia/south-bay/programs/secondary/reassignments/018f3a52-9c1e-7d0a-8b42-6f00c0ffee42";
  EXPECT_LE(ReplyCodes("a secret").Make(code).size(), 76u);
  code.case_name = absl::StrCat("consortia/", std::string(63, 'c'), "/programs/", std::string(63, 'p'), "/reassignments/r-1");
  const ReplyCodes codes("a secret");
  const absl::StatusOr<ReplyCode> parsed = codes.Parse(codes.Make(code));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, code);
}

TEST(ReplyCode, GoesThroughAnAddressLine) { EXPECT_THAT(ReplyCodes("a secret").Make(kCode), MatchesRegex("[A-Za-z0-9_-]+")); }

TEST(ReplyCode, RevealsNothingOfTheCase_F19) {
  const std::string text = ReplyCodes("a secret").Make(kCode);
  std::string raw;
  ASSERT_TRUE(absl::WebSafeBase64Unescape(text, &raw));
  for (const char* part : {"\x01\x8f\x3a\x52", "018f", "consortia", "reassignments", "o3"}) EXPECT_THAT(raw, Not(HasSubstr(part)));
  // Two offers of one case do not show that they belong together.
  ReplyCode other = kCode;
  other.offer = "o4";
  const std::string second = ReplyCodes("a secret").Make(other);
  size_t same = 0;
  while (text[same] == second[same]) ++same;
  EXPECT_LE(same, 4u) << "only the version is alike";
}

TEST(ReplyCode, AnyChangeIsRefused) {
  const ReplyCodes codes("a secret");
  const std::string text = codes.Make(kCode);
  for (size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(ReasonOf(codes.Parse(changed).status()), reason::kBadReplyCode) << i;
    EXPECT_EQ(ReasonOf(codes.Parse(text.substr(0, i)).status()), reason::kBadReplyCode) << i;
  }
  EXPECT_EQ(ReasonOf(codes.Parse(text + "A").status()), reason::kBadReplyCode);
  EXPECT_EQ(ReasonOf(codes.Parse(text + "=").status()), reason::kBadReplyCode);
}

TEST(ReplyCode, OfAnotherSecretIsRefused) {
  EXPECT_EQ(ReasonOf(ReplyCodes("one").Parse(ReplyCodes("two").Make(kCode)).status()), reason::kBadReplyCode);
}

TEST(ReplyCode, NonsenseIsRefused) {
  const ReplyCodes codes("a secret");
  for (const std::string& text :
       {std::string(), std::string("hello"), std::string("!!!"), std::string(5000, 'A'), std::string("\0\xff", 2)}) {
    const absl::Status status = codes.Parse(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(ReasonOf(status), reason::kBadReplyCode);
  }
}

}  // namespace
}  // namespace rematch::request
