#include "cli/task_guide.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/failure.h"
#include "platform/strings.h"
#include "tests/cli/sample.h"

namespace rematch::cli {
namespace {

namespace v1 = rematch::request::v1;

int Code(v1::TaskKind kind, const GivenOptions& given) { return ExitCodeOf(ChooseVerb(kind, given).status()); }

TEST(TaskGuide, EveryKindOfTaskCanBeDone_F11) {
  for (int i = 0; i < v1::TaskKind_descriptor()->value_count(); ++i) {
    const auto kind = static_cast<v1::TaskKind>(v1::TaskKind_descriptor()->value(i)->number());
    if (kind == v1::TASK_KIND_UNSPECIFIED) continue;
    EXPECT_FALSE(VerbsOf(kind).empty()) << v1::TaskKind_Name(kind);
  }
}

TEST(TaskGuide, EveryOptionOfAVerbExists) {
  const auto exists = [](const std::string& name) {
    return std::any_of(TaskOptions().begin(), TaskOptions().end(), [&](const TaskOption& option) { return option.name == name; });
  };
  for (int i = 1; i < v1::TaskKind_descriptor()->value_count(); ++i) {
    for (const Verb& verb : VerbsOf(static_cast<v1::TaskKind>(v1::TaskKind_descriptor()->value(i)->number()))) {
      EXPECT_TRUE(exists(verb.option)) << verb.option;
      for (const std::string& name : verb.may) EXPECT_TRUE(exists(name)) << name;
      for (const std::string& name : verb.must) EXPECT_TRUE(exists(name)) << name;
    }
  }
}

TEST(TaskGuide, OptionsOfOneVerbAreTaken) {
  EXPECT_EQ(ChooseVerb(v1::REVIEW_REASONS, {{"--proceed", {""}}, {"--strike", {"x"}}})->option, "--proceed");
  EXPECT_EQ(ChooseVerb(v1::REVIEW_REASONS, {{"--close", {"candidate-left"}}, {"--note", {"x"}}})->option, "--close");
}

TEST(TaskGuide, WhatDoesNotGoTogetherIsRefused) {
  EXPECT_EQ(Code(v1::CONFIRM_MATCH, {{"--confirm", {""}}, {"--reject", {""}}}), kExitUsage);
  EXPECT_EQ(Code(v1::CONFIRM_MATCH, {{"--confirm", {""}}, {"--strike", {"x"}}}), kExitUsage);
  EXPECT_EQ(Code(v1::CONFIRM_MATCH, {{"--proceed", {""}}}), kExitUsage);
  EXPECT_EQ(Code(v1::REVIEW_REASONS, {{"--close", {"candidate-left"}}}), kExitUsage) << "a close needs its note";
}

TEST(TaskGuide, OutcomeMustFitTheCall_F7) {
  EXPECT_EQ(Code(v1::CALL_CANDIDATE, {{"--outcome", {"agreed"}}}), kExitOk);
  EXPECT_EQ(Code(v1::CALL_CANDIDATE, {{"--outcome", {"told"}}}), kExitUsage);
  EXPECT_EQ(Code(v1::TELL_FORMER_MENTOR, {{"--outcome", {"told"}}}), kExitOk);
  EXPECT_EQ(Code(v1::TELL_FORMER_MENTOR, {{"--outcome", {"agreed"}}}), kExitUsage);
}

TEST(TaskGuide, UsageShowsTheWholeCommand) {
  EXPECT_EQ(TaskUsage(MakeTask("t1", v1::CONFIRM_MATCH, 0, 1)),
            "  rematch task do 3fa2b1/t1 --confirm [--note NOTE]\n      the match is good\n"
            "  rematch task do 3fa2b1/t1 --reject [--note NOTE]\n      it is not\n");
  EXPECT_THAT(TaskUsage(MakeTask("t1", v1::CALL_CANDIDATE, 0, 1)),
              ::testing::HasSubstr("--outcome agreed|declined|no-answer|voicemail|wrong-number"));
}

}  // namespace
}  // namespace rematch::cli
