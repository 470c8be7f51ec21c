// template: files in, versions out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/failure.h"
#include "platform/errors.h"
#include "tests/cli/fake_suite.h"

namespace rematch::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class TemplateCommands : public ::testing::Test {
 protected:
  TemplateCommands() {
    std::string name = ::testing::TempDir() + "/rematch-templates-XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~TemplateCommands() override { fs::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) {
    const fs::path path = fs::path(folder_) / name;
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }
  void WriteNote(const std::string& text = "Dear {{mentor_name}},\r\nthank you.\r\n") {
    Write("closing_note.subject.mustache", "Thank you\r\n");
    Write("closing_note.text.mustache", text);
    Write("closing_note.html.mustache", "<p>Dear {{mentor_name}}</p>\n");
  }
  static std::string Read(const fs::path& path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  std::vector<std::string> Created() { return suite.notify.records.Of("CreateTemplateVersion"); }

  std::string folder_;
  FakeSuite suite;
};

TEST_F(TemplateCommands, CheckNamesEveryWrongLineAndAsksNobody) {
  suite.variables.clear();
  WriteNote("{{candidate_name}}\n");
  Write("first_approach.subject.mustache", "x\n");
  Write("first_approach.text.mustache", "one\n{{{need}}}\n");
  Write("first_approach.html.mustache", "{{need}} {{> answer}}\n");
  EXPECT_EQ(suite.Run({"template", "check", folder_}), kExitRefused);
  EXPECT_THAT(suite.err, AllOf(HasSubstr("closing_note.text"), HasSubstr("first_approach.text"), HasSubstr("line 2"),
                               Not(HasSubstr("first_approach.html"))));
  WriteNote();
  EXPECT_EQ(suite.Run({"template", "check", folder_ + "/closing_note.subject.mustache", folder_ + "/closing_note.text.mustache",
                       folder_ + "/closing_note.html.mustache"}),
            kExitOk)
      << suite.err;
  EXPECT_EQ(suite.out, "valid: closing_note\n");
}

TEST_F(TemplateCommands, TheExampleIsValidAndSoIsAllThatTheReleaseSays) {
  suite.variables.clear();
  EXPECT_EQ(suite.Run({"template", "check", REMATCH_SOURCE_DIR "/examples/templates"}), kExitOk) << suite.err;
  EXPECT_EQ(suite.out, "valid: first_approach\n");
}

TEST_F(TemplateCommands, FilesThatAreMissingOrNamedOtherwiseAreSaid) {
  EXPECT_EQ(suite.Run({"template", "check", folder_}), kExitRefused);
  Write("README.md", "no template");
  WriteNote();
  fs::remove(fs::path(folder_) / "closing_note.html.mustache");
  EXPECT_EQ(suite.Run({"template", "check", folder_}), kExitRefused);
  EXPECT_THAT(suite.err, HasSubstr("closing_note.html.mustache is missing"));
  Write("closing_note.mustache", "x");
  EXPECT_EQ(suite.Run({"template", "check", folder_}), kExitRefused);
  EXPECT_THAT(suite.err, HasSubstr("KIND.subject.mustache"));
  EXPECT_EQ(suite.Run({"template", "check", folder_ + "/nowhere"}), kExitRefused);
}

TEST_F(TemplateCommands, PublishChecksAllBeforeItMakesAny) {
  WriteNote();
  Write("broadcast.subject.mustache", "x");
  Write("broadcast.text.mustache", "x");
  Write("broadcast.html.mustache", "x");
  EXPECT_EQ(suite.Run({"template", "publish", folder_, "--program", "secondary", "--as", "service"}), kExitOk) << suite.err;
  ASSERT_THAT(Created(), SizeIs(4));
  EXPECT_THAT(Created()[1], AllOf(HasSubstr("closing_note"), HasSubstr("validate_only: true")));
  EXPECT_THAT(Created()[3], AllOf(HasSubstr("closing_note"), Not(HasSubstr("validate_only")), HasSubstr(kProgram),
                                  HasSubstr("subject: \"Thank you\""), HasSubstr("Dear {{mentor_name}},\\nthank you.\\n")));
  EXPECT_EQ(suite.notify.records.role(), "SERVICE");
  EXPECT_THAT(suite.out, HasSubstr("closing_note: version 3 of secondary: messages say it from now on"));
}

TEST_F(TemplateCommands, WhatIsRefusedOfOneKeepsTheOthersFromBeingPublished) {
  WriteNote();
  Violations bad;
  bad.Add("source.text", "line 1: a tag does not end");
  suite.notify.records.Fail("CreateTemplateVersion", bad.ToStatus());
  EXPECT_EQ(suite.Run({"template", "publish", folder_, "--program", "secondary", "--as", "service"}), kExitRefused);
  EXPECT_THAT(Created(), ElementsAre(HasSubstr("validate_only: true")));
  EXPECT_THAT(suite.err, HasSubstr("source.text"));
}

TEST_F(TemplateCommands, ADryRunAndOneKindOfAFolder) {
  WriteNote();
  Write("broadcast.subject.mustache", "x");
  Write("broadcast.text.mustache", "x");
  Write("broadcast.html.mustache", "x");
  EXPECT_EQ(suite.Run({"template", "publish", folder_, "--kind", "closing_note", "--program", "secondary", "--dry-run"}), kExitOk)
      << suite.err;
  EXPECT_THAT(Created(), ElementsAre(AllOf(HasSubstr("closing_note"), HasSubstr("validate_only: true"))));
  EXPECT_EQ(suite.out, "closing_note: would be version 3 of secondary\n");
  EXPECT_EQ(suite.Run({"template", "publish", folder_, "--kind", "site_notice", "--program", "secondary"}), kExitRefused);
}

TEST_F(TemplateCommands, WhatAProgramSaysAlreadyIsSaid) {
  auto* const version = suite.notify.versions.add_template_versions();
  version->set_template_("templates/closing_note");
  version->set_version(3);
  version->set_active(true);
  EXPECT_EQ(suite.Run({"template", "reset", "closing_note", "--program", "secondary", "--as", "service"}), kExitOk) << suite.err;
  EXPECT_THAT(Created()[1], AllOf(HasSubstr("reset: true"), Not(HasSubstr("source"))));
  EXPECT_EQ(suite.out, "closing_note: secondary says this already\n");
}

TEST_F(TemplateCommands, ShowWritesFilesThatCanBePublished) {
  EXPECT_EQ(suite.Run({"template", "show", "closing_note", "--into", folder_ + "/ours"}), kExitOk) << suite.err;
  EXPECT_THAT(suite.out, AllOf(HasSubstr("Thank you"), HasSubstr("Dear {{mentor_name}}"), HasSubstr("what the release says")));
  EXPECT_EQ(Read(folder_ + "/ours/closing_note.subject.mustache"), "Thank you\n");
  EXPECT_EQ(Read(folder_ + "/ours/closing_note.html.mustache"), "<p>Dear {{mentor_name}}</p>");
  EXPECT_EQ(suite.Run({"template", "check", folder_ + "/ours"}), kExitOk) << suite.err;
  EXPECT_EQ(suite.Run({"template", "show", "unheard"}), kExitRefused);
  EXPECT_EQ(suite.Run({"template", "show", "closing_note", "--version", "1"}), kExitUsage) << "whose?";
}

TEST_F(TemplateCommands, ShowOfAProgramIsTheNewestUnlessOneIsNamed) {
  auto* const version = suite.notify.versions.add_template_versions();
  version->set_program(kProgram);
  version->set_template_("templates/closing_note");
  version->set_version(7);
  version->set_active(true);
  version->set_unusable(true);
  version->mutable_source()->set_text("Our words");
  EXPECT_EQ(suite.Run({"template", "show", "closing_note", "--program", "secondary"}), kExitOk) << suite.err;
  EXPECT_THAT(suite.out, AllOf(HasSubstr("Our words\n"), HasSubstr("7, active"), HasSubstr("this release cannot use it")));
  EXPECT_EQ(suite.Run({"template", "show", "closing_note", "--program", "secondary", "--version", "0"}), kExitOk);
  EXPECT_THAT(suite.notify.records.Of("GetTemplateVersion"),
              ElementsAre(HasSubstr("closing_note/versions/7"), HasSubstr("closing_note/versions/0")));
  EXPECT_EQ(suite.Run({"template", "list", "--program", "secondary"}), kExitOk);
  EXPECT_THAT(suite.out, AllOf(HasSubstr("closing_note"), HasSubstr("its own"), HasSubstr("active")));
}

TEST_F(TemplateCommands, APreviewOfADraftFillsInTheNamesOfVariables) {
  WriteNote();
  suite.notify.preview.set_text_body("Dear [mentor_name]");
  EXPECT_EQ(suite.Run({"template", "preview", folder_}), kExitOk) << suite.err;
  EXPECT_THAT(suite.out, HasSubstr("Dear [mentor_name]\n"));
  EXPECT_THAT(suite.notify.records.Of("PreviewNotification"),
              ElementsAre(AllOf(HasSubstr("source"), HasSubstr("value: \"[mentor_name]\""))));
  EXPECT_EQ(suite.Run({"template", "preview", "closing_note", "--program", "secondary"}), kExitOk) << suite.err;
  EXPECT_THAT(suite.notify.records.Of("PreviewNotification")[1], AllOf(HasSubstr(kProgram), Not(HasSubstr("source"))));
}

}  // namespace
}  // namespace rematch::cli
