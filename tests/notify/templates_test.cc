#include "notify-service/domain/templates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "notify-service/domain/reasons.h"
#include "tests/notify/notify_kit.h"

namespace rematch::notify {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Names = std::set<std::string>;
using Variables = std::map<std::string, std::string>;

const Names kLeader = {"leader_name", "leader_email", "leader_phone", "program_name"};

Names And(Names more) {
  more.insert(kLeader.begin(), kLeader.end());
  return more;
}

// What each message may say about whom: the contract with whoever sends.
const std::map<std::string, Names>& Contract() {
  static const auto* const contract = new std::map<std::string, Names>{
      {"first_approach", And({"mentor_name", "need", "window_end", "reply_code"})},
      {"approach_reminder", And({"mentor_name", "need", "window_end", "reply_code"})},
      {"broadcast", And({"mentor_name", "need", "window_end", "reply_code"})},
      {"broadcast_reminder", And({"mentor_name", "need", "window_end", "reply_code"})},
      {"site_recommendation", And({"recipient_name", "need", "window_end"})},
      {"district_recommendation", And({"recipient_name", "need", "window_end"})},
      {"recommendation_reminder", And({"recipient_name", "need", "window_end"})},
      {"official_candidate", And({"candidate_name", "mentor_name", "mentor_email", "mentor_phone"})},
      {"official_mentor", And({"mentor_name", "candidate_name", "candidate_email", "candidate_phone", "site_name"})},
      {"closing_note", And({"mentor_name"})},
      {"former_mentor_note", And({"mentor_name", "candidate_name"})},
      {"named_approach", And({"mentor_name", "candidate_name", "site_name", "need", "window_end", "reply_code"})},
      {"proposal_note", And({"mentor_name", "candidate_name", "site_name"})},
      {"site_notice", And({"recipient_name", "candidate_name", "mentor_name"})},
      {"welcome", And({"candidate_name"})},
      {"mid_year_survey", And({"candidate_name", "close_time", "reply_code"})},
      {"check_in_survey", And({"candidate_name", "close_time", "reply_code"})},
  };
  return *contract;
}

const Variables& Values() {
  static const auto* const values = new Variables{
      {"mentor_name", "María O’Neil"},
      {"mentor_email", "maria@example.org"},
      {"mentor_phone", "310 555 0101"},
      {"candidate_name", "Jun <Jo> & Söhne"},
      {"candidate_email", "jun@example.org"},
      {"candidate_phone", ""},
      {"recipient_name", "Dr. Pat Lee"},
      {"site_name", "Cove Elementary"},
      {"program_name", "South Bay Induction"},
      {"need", "Multiple subject, grades 3 to 5, mathematics"},
      {"window_end", "Friday, March 6, 4:00 pm"},
      {"close_time", "Friday, 6 March, 16:00"},
      {"reply_code", "AFT3K-9Q2MX-7HBDN-4RWZE-C6YPU-8VJ5G-QK3TS-2LM6"},
      {"leader_name", "Rosa Diaz"},
      {"leader_email", "rosa@example.org"},
      {"leader_phone", "310 555 0199"},
  };
  return *values;
}

Variables ValuesOf(const Kind& kind) {
  Variables values;
  for (const std::string& name : kind.variables) values[name] = Values().at(name);
  return values;
}

std::vector<platform::EmbeddedFile> Files(std::string_view subject, std::string_view text, std::string_view html) {
  return {{"note.subject.mustache", subject}, {"note.text.mustache", text}, {"note.html.mustache", html}};
}

TEST(NotifyTemplates, EveryMessageOfTheFlowUsesExactlyItsVariables_F18) {
  Names found;
  for (const auto& [name, kind] : TestTemplates().kinds()) {
    found.insert(name);
    ASSERT_TRUE(Contract().contains(name)) << name;
    EXPECT_EQ(kind.variables, Contract().at(name)) << name;
  }
  EXPECT_EQ(found.size(), Contract().size());
}

// Golden files: UPDATE_GOLDEN=1 rewrites them; the change is reviewed as a diff.
TEST(NotifyTemplates, RenderAsReviewed) {
  for (const auto& [name, kind] : TestTemplates().kinds()) {
    const Rendered rendered = TestTemplates().Render(kind, ValuesOf(kind));
    const std::string now = absl::StrCat("Subject: ", rendered.subject, "\n\n--- text\n", rendered.text, "--- html\n", rendered.html);
    const std::string path = absl::StrCat(REMATCH_SOURCE_DIR, "/tests/notify/golden/", name, ".txt");
    if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(path) << now;
    std::ifstream file(path);
    std::stringstream reviewed;
    reviewed << file.rdbuf();
    EXPECT_EQ(now, reviewed.str()) << "UPDATE_GOLDEN=1 rewrites " << path;
  }
}

TEST(NotifyTemplates, HtmlEscapesAndTextDoesNot) {
  const Kind& kind = *TestTemplates().Find("official_mentor");
  const Rendered rendered = TestTemplates().Render(kind, ValuesOf(kind));
  EXPECT_THAT(rendered.html, HasSubstr("Jun &lt;Jo&gt; &amp; Söhne"));
  EXPECT_THAT(rendered.html, Not(HasSubstr("<Jo>")));
  EXPECT_THAT(rendered.text, HasSubstr("Jun <Jo> & Söhne"));
  EXPECT_EQ(rendered.subject, "You are now the mentor of Jun <Jo> & Söhne");
}

TEST(NotifyTemplates, AValueIsNeverReadAsATemplate) {
  const Kind& kind = *TestTemplates().Find("closing_note");
  Variables values = ValuesOf(kind);
  values["mentor_name"] = "{{leader_phone}}{{> contact}}";
  EXPECT_THAT(TestTemplates().Render(kind, values).text, HasSubstr("Dear {{leader_phone}}{{> contact}},"));
}

TEST(NotifyTemplates, AnEmptyPhoneLeavesNoEmptyLine) {
  const Kind& kind = *TestTemplates().Find("closing_note");
  Variables values = ValuesOf(kind);
  values["leader_phone"] = "";
  const Rendered rendered = TestTemplates().Render(kind, values);
  EXPECT_THAT(rendered.text, HasSubstr("rosa@example.org\n"));
  EXPECT_THAT(rendered.text, Not(HasSubstr("rosa@example.org\n\n")));
  EXPECT_THAT(rendered.html, HasSubstr("rosa@example.org</a></p>"));
}

TEST(NotifyTemplates, MissingSurplusAndUncleanVariablesAreViolations) {
  const Kind& kind = *TestTemplates().Find("closing_note");
  const auto broken = [&](auto change) {
    Variables values = ValuesOf(kind);
    change(values);
    Violations bad;
    TestTemplates().CheckVariables(bad, "variables", kind, values);
    return !bad.empty();
  };
  EXPECT_FALSE(broken([](Variables&) {}));
  EXPECT_TRUE(broken([](Variables& v) { v.erase("mentor_name"); }));
  EXPECT_TRUE(broken([](Variables& v) { v["reason"] = "private"; }));
  EXPECT_TRUE(broken([](Variables& v) { v["program_name"] = "x\r\nBcc: evil@example.org"; }));
  EXPECT_TRUE(broken([](Variables& v) { v["program_name"] = "two\nlines"; }));
  EXPECT_TRUE(broken([](Variables& v) { v["program_name"] = "\xff"; }));
  EXPECT_TRUE(broken([](Variables& v) { v["program_name"] = std::string(2001, 'x'); }));
}

TEST(NotifyTemplates, ADamagedTemplateIsRefusedAtTheStart) {
  EXPECT_TRUE(Templates::Make(Files("Hello {{name}}\n", "Dear {{name}}\n", "<p>{{name}}</p>\n")).ok());
  EXPECT_EQ(ReasonOf(Templates::Make(Files("Hello {{name}\n", "x", "x")).status()), reason::kTemplateInvalid);
  EXPECT_EQ(ReasonOf(Templates::Make(Files("two\nlines\n", "x", "x")).status()), reason::kTemplateInvalid);
  EXPECT_EQ(ReasonOf(Templates::Make(Files("x", "{{> nowhere}}", "x")).status()), reason::kTemplateInvalid);
  const std::vector<platform::EmbeddedFile> no_html = {{"note.subject.mustache", "x"}, {"note.text.mustache", "x"}};
  EXPECT_EQ(ReasonOf(Templates::Make(no_html).status()), reason::kTemplateInvalid);
}

TEST(NotifyTemplates, WhatGoesToManyNamesNobodyAndNoPlace_F19) {
  for (const char* kind : {"first_approach", "broadcast", "broadcast_reminder", "site_recommendation", "closing_note"}) {
    for (const std::string& variable : TestTemplates().Find(kind)->variables) {
      EXPECT_THAT(variable, Not(HasSubstr("candidate"))) << kind;
      EXPECT_THAT(variable, Not(HasSubstr("site_name"))) << kind;
    }
  }
}

// Who showed interest and is not chosen hears it when the case ends: nobody is asked anything before.
TEST(NotifyTemplates, NoMessagePromisesToAskBeforeSomethingIsDecided_F29) {
  for (const auto& [name, kind] : TestTemplates().kinds()) {
    for (const std::string& source : {kind.subject, kind.text, kind.html}) {
      EXPECT_THAT(source, Not(HasSubstr("before anything is decided"))) << name;
      EXPECT_THAT(source, Not(HasSubstr("I will get in touch"))) << name;
    }
  }
  for (const std::string& source : {TestTemplates().Find("broadcast")->text, TestTemplates().Find("broadcast")->html}) {
    EXPECT_THAT(source, HasSubstr("I will let you know either way."));
  }
}

// A code is too long to be read out or typed.
TEST(NotifyTemplates, ACodeIsLeftInAReplyAndNeverToBeMentioned) {
  for (const auto& [name, kind] : TestTemplates().kinds()) {
    if (!kind.variables.contains("reply_code")) continue;
    for (const std::string& source : {kind.text, kind.html}) {
      EXPECT_THAT(source, HasSubstr("leave the line with the code in your answer")) << name;
      EXPECT_THAT(source, HasSubstr("or call me, then you need no code")) << name;
      EXPECT_THAT(source, Not(HasSubstr("mention"))) << name;
    }
  }
}

}  // namespace
}  // namespace rematch::notify
