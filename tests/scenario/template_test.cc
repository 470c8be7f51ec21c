// A program's own words through the command line and the real services: checked, published, sent; the program beside it goes on in those
// of the release (F36).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "demo/cases.h"
#include "demo/mail.h"
#include "demo/play.h"
#include "demo/story.h"
#include "platform/errors.h"
#include "tests/scenario/scenario_kit.h"

namespace rematch::scenario {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Templates : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(On, Templates, testing::Bool(), Stores::Name);

TEST_P(Templates, AProgramAsksInItsOwnWordsAndTheOneBesideItInTheReleaseS_F36) {
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
  // Opens the case of a candidate; the message by which the first mentor is asked.
  const auto ask_for = [&](const std::string& candidate) -> absl::StatusOr<demo::Mail> {
    demo::Play play({.suite = *stage->suite,
                     .directory = stage->directory,
                     .narrator = silent,
                     .candidate = candidate,
                     .key = absl::StrCat("template-", demo::IdOf(candidate))});
    REMATCH_RETURN_IF_ERROR(play.Open("We never found a time to meet."));
    REMATCH_RETURN_IF_ERROR(play.Proceed());
    REMATCH_ASSIGN_OR_RETURN(const request::v1::Offer offer, play.AwaitApproach());
    REMATCH_RETURN_IF_ERROR(play.AwaitOffer(offer.name(), request::v1::OPEN).status());
    const std::vector<demo::Mail> mails = play.MailOf(stage->directory.EmailOf(offer.mentor()));
    if (mails.size() != 1) return absl::InternalError(absl::StrCat(mails.size(), " messages"));
    // The code that the words put into the message is one that answers it.
    REMATCH_RETURN_IF_ERROR(play.Answer(offer, request::v1::NOT_NOW));
    return mails[0];
  };
  const std::string files = absl::StrCat(SourceDir(), "/examples/templates");
  const std::string own = "elementary";

  // Who leads a program reads and previews; the office publishes.
  const std::string leader = "leader:minh";
  EXPECT_THAT(run(leader, {"template", "check", files}).out, HasSubstr("valid: first_approach"));
  EXPECT_THAT(run(leader, {"template", "preview", files}).out,
              AllOf(HasSubstr("Hello [mentor_name],"), HasSubstr("[reply_code]"), Not(HasSubstr("{{"))));
  const auto refused = run(leader, {"template", "publish", files, "--program", own});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("ROLE_NOT_ALLOWED"));
  EXPECT_THAT(run("service", {"template", "publish", files, "--program", own, "--dry-run"}).out, HasSubstr("would be version 1"));
  const auto published = run("service", {"template", "publish", files, "--program", own});
  EXPECT_EQ(published.exit_code, 0) << published.err;
  EXPECT_THAT(published.out, HasSubstr("first_approach: version 1"));
  EXPECT_THAT(run("service", {"template", "publish", files, "--program", own}).out, HasSubstr("says this already"));
  EXPECT_THAT(run(leader, {"template", "list", "--program", own}).out, AllOf(HasSubstr("first_approach"), HasSubstr("active")));

  // Cases of both programs at the same time.
  const auto asked = ask_for(stage->directory.CandidateByEmail(cast.first));
  ASSERT_TRUE(asked.ok()) << asked.status();
  EXPECT_EQ(asked->subject, "A new colleague could use your experience");
  EXPECT_THAT(asked->text, AllOf(HasSubstr("one of our new elementary teachers"), HasSubstr("Minh Whitfield")));
  EXPECT_THAT(asked->html, HasSubstr("one of our new elementary teachers"));
  const auto beside = ask_for(stage->directory.CandidateByEmail("samir.santos@palisade.example"));
  ASSERT_TRUE(beside.ok()) << beside.status();
  EXPECT_EQ(beside->subject, "Would you mentor one more new teacher?");

  // What is shown as files is what was published.
  const std::string again = absl::StrCat(folder.path(), "/again");
  EXPECT_EQ(run(leader, {"template", "show", "first_approach", "--program", own, "--into", again}).exit_code, 0);
  EXPECT_THAT(run("service", {"template", "publish", again, "--program", own}).out, HasSubstr("says this already"));
  EXPECT_THAT(run("service", {"template", "reset", "first_approach", "--program", own}).out, HasSubstr("first_approach: version 2"));
  EXPECT_THAT(run(leader, {"template", "show", "first_approach", "--program", own}).out,
              AllOf(HasSubstr("Dear {{mentor_name}},"), HasSubstr("back to what the release says")));
}

}  // namespace
}  // namespace rematch::scenario
