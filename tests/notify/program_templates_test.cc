// What a program says in place of the release: what it may say, and by which version a message goes out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "platform/errors.h"
#include "tests/notify/notify_harness.h"
#include "tests/notify/notify_kit.h"

namespace rematch::notify {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Paths = std::vector<std::string>;

constexpr char kProgram[] = "consortia/c1/programs/p1";
constexpr char kBeside[] = "consortia/c1/programs/p2";

v1::TemplateSource SourceOf(const std::string& subject, const std::string& text, const std::string& html) {
  v1::TemplateSource source;
  source.set_subject(subject);
  source.set_text(text);
  source.set_html(html);
  return source;
}

// Says all that a first approach must.
v1::TemplateSource Approach(const std::string& word = "Hello") {
  return SourceOf("A question", absl::StrCat(word, " {{mentor_name}}: {{need}}\n{{> answer}}\n"),
                  absl::StrCat("<p>", word, " {{mentor_name}}: {{need}}</p>\n{{> answer}}\n"));
}

// The paths of what is wrong with it, in their order.
Paths Wrong(const std::string& kind, const v1::TemplateSource& source) {
  Violations bad;
  const auto own = TestTemplates().MakeOwn(bad, "source", kind, source);
  EXPECT_EQ(own == nullptr, !bad.empty());
  Paths paths;
  for (const auto& [path, what] : bad.found()) paths.push_back(path);
  return paths;
}

// Of a closing note, which must say nothing in particular.
Paths WrongNote(const std::string& subject, const std::string& text, const std::string& html) {
  return Wrong("closing_note", SourceOf(subject, text, html));
}

TEST(ProgramTemplates, WhatTheReleaseSaysAnyProgramMaySay) {
  for (const auto& [name, kind] : TestTemplates().kinds()) {
    EXPECT_THAT(Wrong(name, SourceOf(kind.subject, kind.text, kind.html)), IsEmpty()) << name;
  }
}

TEST(ProgramTemplates, OwnWordsAreFilledInAndEscapedAsTheReleaseS) {
  Violations bad;
  const auto own = TestTemplates().MakeOwn(
      bad, "source", "closing_note",
      SourceOf("For {{ mentor_name }}",
               "Dear {{mentor_name}},{{#leader_phone}} call {{leader_phone}}{{/leader_phone}}{{! why }}\n{{> contact}}\n",
               "<p title=\"{{mentor_name}}\">{{mentor_name}}</p>{{^leader_phone}}no phone{{/leader_phone}}\n"));
  ASSERT_NE(own, nullptr);
  const Rendered rendered = TestTemplates().Render(*own, {{"mentor_name", "<Jo> \"& Co"},
                                                          {"leader_phone", ""},
                                                          {"leader_name", "Rosa"},
                                                          {"leader_email", "rosa@example.org"},
                                                          {"program_name", "P"}});
  EXPECT_EQ(rendered.subject, "For <Jo> \"& Co");
  EXPECT_EQ(rendered.text, "Dear <Jo> \"& Co,\nRosa\nProgram Leader, P\nrosa@example.org\n");
  EXPECT_EQ(rendered.html, "<p title=\"&lt;Jo&gt; &quot;&amp; Co\">&lt;Jo&gt; &quot;&amp; Co</p>no phone\n");
  EXPECT_THAT(own->variables,
              ::testing::UnorderedElementsAre("mentor_name", "leader_phone", "leader_name", "leader_email", "program_name"));
}

TEST(ProgramTemplates, NothingIsPutIntoHtmlUnescaped) {
  EXPECT_THAT(WrongNote("s", "t", "<p>{{{mentor_name}}}</p>"), ElementsAre("source.html"));
  EXPECT_THAT(WrongNote("s", "t", "<p>{{ {mentor_name} }}</p>"), ElementsAre("source.html"));
  EXPECT_THAT(WrongNote("s", "t", "<p>{{&mentor_name}}</p>"), ElementsAre("source.html"));
  EXPECT_THAT(WrongNote("s", "t", "<p>{{ & mentor_name}}</p>"), ElementsAre("source.html"));
  EXPECT_THAT(WrongNote("s", "t", "<p>{{=<% %>=}}<%{mentor_name}%></p>"), ElementsAre("source.html"));
  EXPECT_THAT(WrongNote("{{&mentor_name}}", "{{{mentor_name}}}", "h"), ElementsAre("source.subject", "source.text"));
}

TEST(ProgramTemplates, WhatIsNoMustacheIsRefusedPartByPart) {
  EXPECT_THAT(WrongNote("{{mentor_name", "{{#mentor_name}}", "{{/mentor_name}}"),
              ElementsAre("source.subject", "source.text", "source.html"));
  EXPECT_THAT(WrongNote("s", "{{#mentor_name}}{{#leader_name}}{{/mentor_name}}{{/leader_name}}", "h"), ElementsAre("source.text"));
  EXPECT_THAT(WrongNote("s", "{{}}", "{{mentor_name}"), ElementsAre("source.text", "source.html"));
  EXPECT_THAT(WrongNote("s", "{{mentor_name}", "{{mentor name}}"), ElementsAre("source.text", "source.html"));
  std::string deep = "x";
  for (int i = 0; i < 9; ++i) deep = absl::StrCat("{{#mentor_name}}", deep, "{{/mentor_name}}");
  EXPECT_THAT(WrongNote("s", deep, "h"), ElementsAre("source.text"));
}

TEST(ProgramTemplates, AWrongLineIsNamedAndNothingOfItIsRepeated_F23) {
  Violations bad;
  TestTemplates().MakeOwn(bad, "source", "closing_note", SourceOf("s", "one\ntwo\nthree {{{ana_ruiz}}}\n", "h"));
  ASSERT_EQ(bad.found().size(), 1u);
  EXPECT_THAT(bad.found()[0].second, HasSubstr("line 3: "));
  EXPECT_THAT(bad.found()[0].second, Not(HasSubstr("ana_ruiz")));
}

TEST(ProgramTemplates, OnlyVariablesOfTheKindAreUsedWhereverTheyStand_F18_F19) {
  for (const char* kind : {"first_approach", "broadcast"}) {
    for (const char* use : {"{{candidate_name}}", "{{^candidate_name}}x{{/candidate_name}}", "{{#site_name}}x{{/site_name}}",
                            "{{^mentor_name}}{{candidate_name}}{{/mentor_name}}", "{{_need}}", "{{.}}", "{{need.first}}"}) {
      v1::TemplateSource source = Approach();
      source.set_html(source.html() + use);
      EXPECT_THAT(Wrong(kind, source), ElementsAre("source.html")) << kind << use;
    }
  }
}

TEST(ProgramTemplates, OnlyPartialsOfTheReleaseForThatPartAreUsed) {
  EXPECT_THAT(WrongNote("s", "{{> contact}}\n", "{{> contact}}{{> layout_bottom}}"), IsEmpty());
  EXPECT_THAT(WrongNote("{{> contact}}", "{{> layout_top}}", "{{> nowhere}}"), ElementsAre("source.subject", "source.text", "source.html"));
  EXPECT_THAT(WrongNote("s", "{{>contact}}", "{{> closing_note}}"), ElementsAre("source.text", "source.html"))
      << "what the library drops in silence, and another kind's own words";
  EXPECT_THAT(WrongNote("s", "t", "{{> answer}}"), ElementsAre("source.html")) << "a code, where there is none";
}

TEST(ProgramTemplates, WhatAMessageIsForCannotBeLeftOut_F8) {
  const auto without = [](const char* kind, std::string what) {
    const Kind& release = *TestTemplates().Find(kind);
    what = absl::StrCat("{{", what, "}}");
    return Wrong(kind,
                 SourceOf("Words", absl::StrReplaceAll(release.text, {{what, "it"}}), absl::StrReplaceAll(release.html, {{what, "it"}})));
  };
  for (const auto& [kind, variable] :
       {std::pair("first_approach", "reply_code"), std::pair("broadcast_reminder", "reply_code"), std::pair("named_approach", "need"),
        std::pair("site_recommendation", "window_end"), std::pair("official_candidate", "mentor_email"),
        std::pair("official_candidate", "mentor_name"), std::pair("official_mentor", "candidate_email"),
        std::pair("official_mentor", "candidate_name"), std::pair("former_mentor_note", "candidate_name")}) {
    EXPECT_THAT(without(kind, variable), ElementsAre("source.text", "source.html")) << kind << " " << variable;
  }
  EXPECT_THAT(without("first_approach", "mentor_name"), IsEmpty());
  EXPECT_THAT(without("official_candidate", "program_name"), IsEmpty());
}

TEST(ProgramTemplates, WhatAMessageIsForDependsOnNothingElse_F8) {
  v1::TemplateSource source = Approach();
  source.set_text("{{need}} {{#leader_phone}}{{reply_code}}{{/leader_phone}} {{window_end}}");
  source.set_html("{{need}} {{^leader_phone}}{{reply_code}}{{/leader_phone}} {{window_end}}");
  EXPECT_THAT(Wrong("first_approach", source), ElementsAre("source.text", "source.html"));
  source.set_text("{{need}} {{#reply_code}}{{reply_code}}{{/reply_code}} {{window_end}}");
  source.set_html("{{need}} <!-- {{reply_code}} --> {{window_end}}");
  EXPECT_THAT(Wrong("first_approach", source), ElementsAre("source.html")) << "nobody sees a comment";
  source.set_html("{{need}} {{^reply_code}}{{reply_code}}{{/reply_code}} {{window_end}}");
  EXPECT_THAT(Wrong("first_approach", source), ElementsAre("source.html"));
}

TEST(ProgramTemplates, SizesLinesAndCharactersAreLimited) {
  EXPECT_THAT(WrongNote("", "", ""), ElementsAre("source.subject", "source.text", "source.html"));
  EXPECT_THAT(WrongNote("two\nlines", " \n", "a\r\nb"), ElementsAre("source.subject", "source.text", "source.html"));
  EXPECT_THAT(WrongNote(std::string(501, 's'), std::string(32'769, 't'), std::string(131'073, 'h')),
              ElementsAre("source.subject", "source.text", "source.html"));
  EXPECT_THAT(WrongNote(std::string(500, 's'), std::string(32'768, 't'), std::string(131'072, 'h')), IsEmpty());
  EXPECT_THAT(WrongNote("\x01", "\xff", "h"), ElementsAre("source.subject", "source.text"));
}

// --- By which version a message goes out.

PublishTemplate Publish(const v1::TemplateSource& source, const std::string& program = "p1", const std::string& kind = "first_approach") {
  Violations bad;
  PublishTemplate publication{.target = {.consortium = "c1", .program = program, .kind = kind},
                              .source = source,
                              .own = TestTemplates().MakeOwn(bad, "source", kind, source),
                              .creator = "consortia/c1/offices/o1"};
  EXPECT_TRUE(bad.empty());
  return publication;
}

PublishTemplate Reset() {
  return {.target = {.consortium = "c1", .program = "p1", .kind = "first_approach"}, .source = {}, .own = nullptr, .creator = ""};
}

v1::SendNotificationRequest Of(const std::string& key, const std::string& program) {
  v1::SendNotificationRequest request = SendRequest(key);
  request.mutable_notification()->set_program(program);
  return request;
}

class NotifyTemplatesDoor : public NotifyKit {
 protected:
  v1::TemplateVersion Do(const PublishTemplate& publication) {
    const absl::StatusOr<std::string> reply = r().door().Commit({}, publication);
    v1::TemplateVersion version;
    EXPECT_TRUE(reply.ok() && version.ParseFromString(*reply)) << reply.status();
    return version;
  }
  std::string TextOf(const std::string& key) { return r().Get(key).text_body(); }
};

TEST_F(NotifyTemplatesDoor, AMessageSaysWhatItsProgramSaysAndTheOneBesideItWhatTheReleaseSays_F36) {
  EXPECT_EQ(Do(Publish(Approach())).name(), "consortia/c1/programs/p1/templates/first_approach/versions/1");
  ASSERT_TRUE(r().Do(AcceptOf(Of("own", kProgram))).ok());
  ASSERT_TRUE(r().Do(AcceptOf(Of("beside", kBeside))).ok());
  ASSERT_TRUE(r().Do(AcceptOf(SendRequest("none"))).ok());
  v1::SendNotificationRequest other = SendRequest("reminder", "ana@example.org", "approach_reminder");
  other.mutable_notification()->set_program(kProgram);
  ASSERT_TRUE(r().Do(AcceptOf(other)).ok());
  const v1::Notification own = r().Get("own");
  EXPECT_EQ(own.subject(), "A question");
  EXPECT_THAT(own.text_body(), HasSubstr("Hello [mentor_name]: [need]\n"));
  EXPECT_THAT(own.html_body(), HasSubstr("<p>Hello [mentor_name]: [need]</p>"));
  EXPECT_THAT(own.text_body(), HasSubstr("[reply_code]"));
  EXPECT_EQ(own.program(), kProgram);
  EXPECT_EQ(own.template_version(), 1);
  for (const char* key : {"beside", "none", "reminder"}) {
    EXPECT_THAT(TextOf(key), Not(HasSubstr("Hello"))) << key;
    EXPECT_EQ(r().Get(key).template_version(), 0) << key;
  }
  EXPECT_EQ(r().Get("beside").program(), kBeside);
  r().Send();
  EXPECT_EQ(transport_.sent().size(), 4u);
  EXPECT_THAT(transport_.sent(), Contains(::testing::Field(&Message::subject, "A question")));
}

TEST_F(NotifyTemplatesDoor, TheNewestVersionCountsAndAResetIsOne) {
  Do(Publish(Approach("First")));
  EXPECT_EQ(Do(Publish(Approach("Second"))).version(), 2);
  ASSERT_TRUE(r().Do(AcceptOf(Of("k2", kProgram))).ok());
  const v1::TemplateVersion reset = Do(Reset());
  EXPECT_EQ(reset.version(), 3);
  EXPECT_TRUE(reset.reset());
  ASSERT_TRUE(r().Do(AcceptOf(Of("k3", kProgram))).ok());
  EXPECT_EQ(Do(Publish(Approach("First"))).version(), 4) << "what was said before may be said again";
  ASSERT_TRUE(r().Do(AcceptOf(Of("k4", kProgram))).ok());
  EXPECT_THAT(TextOf("k2"), HasSubstr("Second "));
  EXPECT_THAT(TextOf("k3"), HasSubstr("Dear [mentor_name],"));
  EXPECT_THAT(TextOf("k4"), HasSubstr("First "));
}

TEST_F(NotifyTemplatesDoor, TheSameAsTheNewestMakesNoVersion) {
  EXPECT_EQ(Do(Reset()).version(), 0) << "there is nothing to go back from";
  EXPECT_EQ(Do(Publish(Approach())).version(), 1);
  clock_.Advance(absl::Seconds(5));
  const v1::TemplateVersion again = Do(Publish(Approach()));
  EXPECT_EQ(again.version(), 1);
  EXPECT_EQ(again.create_time().seconds(), absl::ToUnixSeconds(clock_.Now()) - 5);
  EXPECT_EQ(r().words().List({.consortium = "c1", .program = "p1", .kind = {}}, {}, 10)->size(), 1u);
}

TEST_F(NotifyTemplatesDoor, ARepeatedKeyIsTheSameMessageAsFirstRendered_F40) {
  ASSERT_TRUE(r().Do(AcceptOf(Of("k1", kProgram))).ok());
  Do(Publish(Approach()));
  ASSERT_TRUE(r().Do(AcceptOf(Of("k1", kProgram))).ok());
  EXPECT_THAT(TextOf("k1"), HasSubstr("Dear [mentor_name],"));
  // A sender that did not say yet whose words.
  ASSERT_TRUE(r().Do(AcceptOf(SendRequest("k1"))).ok());
  r().Send();
  EXPECT_EQ(transport_.sent().size(), 1u);
}

TEST_F(NotifyTemplatesDoor, WithinABatchAMessageSaysWhatWasPublishedBeforeIt) {
  std::vector<absl::StatusOr<std::string>> replies;
  const auto submit = [&](Command command) {
    r().door().Submit({}, std::move(command), [&](absl::StatusOr<std::string> reply) { replies.push_back(std::move(reply)); });
  };
  submit(AcceptOf(Of("before", kProgram)));
  submit(Publish(Approach("First")));
  submit(Publish(Approach("Other"), "p2"));
  submit(AcceptOf(Of("between", kProgram)));
  submit(Publish(Approach("Second")));
  submit(AcceptOf(Of("after", kProgram)));
  submit(AcceptOf(Of("beside", kBeside)));
  EXPECT_TRUE(r().door().RunOnce());
  ASSERT_EQ(replies.size(), 7u) << "in one batch";
  for (const auto& reply : replies) EXPECT_TRUE(reply.ok()) << reply.status();
  EXPECT_THAT(TextOf("before"), HasSubstr("Dear "));
  EXPECT_THAT(TextOf("between"), HasSubstr("First "));
  EXPECT_EQ(r().Get("between").template_version(), 1);
  EXPECT_THAT(TextOf("after"), HasSubstr("Second "));
  EXPECT_THAT(TextOf("beside"), HasSubstr("Other "));
}

// The other replica has parsed the version before: what counts is read anew for every batch.
TEST_F(NotifyTemplatesDoor, NoReplicaSaysWhatWasReplacedBeforeTheMessageCame_F36) {
  Replica other(*database_, clock_, random_, transport_, "replica-2", policy_);
  for (int i = 1; i <= 5; ++i) {
    Do(Publish(Approach(absl::StrCat("Version", i))));
    ASSERT_TRUE(other.Do(AcceptOf(Of(absl::StrCat("k", i), kProgram))).ok());
    EXPECT_THAT(TextOf(absl::StrCat("k", i)), HasSubstr(absl::StrCat("Version", i, " "))) << i;
  }
}

TEST_F(NotifyTemplatesDoor, WhatThisReleaseCannotUseKeepsNoMessageFromGoingOut_F40) {
  // As another release accepted it.
  PublishTemplate foreign = Publish(Approach());
  foreign.source.set_text("{{a_variable_of_another_release}}");
  Do(foreign);
  ASSERT_TRUE(r().Do(AcceptOf(Of("first", kProgram))).ok());
  // A replica that has not parsed it.
  Replica other(*database_, clock_, random_, transport_, "replica-2", policy_);
  ASSERT_TRUE(other.Do(AcceptOf(Of("k1", kProgram))).ok());
  EXPECT_THAT(TextOf("k1"), HasSubstr("Dear [mentor_name],"));
  EXPECT_EQ(r().Get("k1").template_version(), 0);
  const auto found = other.words().Find(foreign.target, 1);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_TRUE(found->unusable());
  EXPECT_TRUE(found->active());
  EXPECT_EQ(found->source().text(), foreign.source.text());
}

TEST_F(NotifyTemplatesDoor, VersionsAreKeptWholeAndListedByKindTheActiveOneFirst) {
  Do(Publish(Approach("First")));
  Do(Publish(Approach("Second")));
  Do(Publish(Approach("Other"), "p1", "broadcast"));
  Do(Publish(Approach("Beside"), "p2"));
  const TemplateKey all{.consortium = "c1", .program = "p1", .kind = {}};
  const auto shown = [](const std::vector<v1::TemplateVersion>& versions) {
    std::vector<std::string> out;
    for (const auto& one : versions) out.push_back(absl::StrCat(one.template_().substr(10), one.version(), one.active() ? "*" : ""));
    return out;
  };
  EXPECT_THAT(shown(*r().words().List(all, {}, 10)), ElementsAre("broadcast1*", "first_approach2*", "first_approach1"));
  EXPECT_THAT(shown(*r().words().List(all, {.kind = "broadcast", .version = 1}, 1)), ElementsAre("first_approach2*"));
  EXPECT_THAT(shown(*r().words().List(all, {.kind = "first_approach", .version = 2}, 9)), ElementsAre("first_approach1"));
  const TemplateKey kind{.consortium = "c1", .program = "p1", .kind = "first_approach"};
  EXPECT_THAT(shown(*r().words().List(kind, {}, 1)), ElementsAre("first_approach2*"));
  const auto first = r().words().Find(kind, 1);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->source().SerializeAsString(), Approach("First").SerializeAsString());
  EXPECT_EQ(first->creator(), "consortia/c1/offices/o1");
  EXPECT_FALSE(first->active());
  EXPECT_FALSE(first->unusable());
  EXPECT_THAT(first->variables(), ElementsAre("mentor_name", "need", "reply_code", "window_end"));
  EXPECT_EQ(r().words().Find(kind, 3).status().code(), absl::StatusCode::kNotFound);
  // Version 0 is the release's.
  const auto release = r().words().Find(kind, 0);
  ASSERT_TRUE(release.ok()) << release.status();
  EXPECT_EQ(release->source().text(), TestTemplates().Find("first_approach")->text);
  EXPECT_FALSE(release->active());
  EXPECT_TRUE(r().words().Find({.consortium = "c1", .program = "p3", .kind = "first_approach"}, 0)->active());
}

// --- Through the RPCs.

using Stub = v1::NotifyService::Stub;
const rpc::Caller kLeader = {"PROGRAM_LEADER", "consortia/c1/leaders/l1"};
const rpc::Caller kStranger = {"PROGRAM_LEADER", "consortia/c2/leaders/l1"};

class NotifyTemplatesService : public ::testing::Test {
 protected:
  v1::CreateTemplateVersionRequest Request(const std::string& id = "r1") {
    v1::CreateTemplateVersionRequest request;
    request.set_parent(kProgram);
    request.set_template_("templates/first_approach");
    *request.mutable_source() = Approach();
    request.set_request_id(id);
    return request;
  }
  absl::StatusOr<v1::TemplateVersion> Create(const v1::CreateTemplateVersionRequest& request, const rpc::Caller& caller = {"SERVICE", ""}) {
    return notify_.Call(&Stub::CreateTemplateVersion, request, caller);
  }
  absl::StatusOr<v1::TemplateVersion> Get(const std::string& tail, const rpc::Caller& caller = kLeader) {
    v1::GetTemplateVersionRequest request;
    request.set_name(absl::StrCat(kProgram, "/templates/", tail));
    return notify_.Call(&Stub::GetTemplateVersion, request, caller);
  }
  absl::StatusOr<v1::ListTemplateVersionsResponse> List(int page_size = 0, const std::string& token = "",
                                                        const rpc::Caller& caller = kLeader) {
    v1::ListTemplateVersionsRequest request;
    request.set_parent(kProgram);
    request.set_page_size(page_size);
    request.set_page_token(token);
    return notify_.Call(&Stub::ListTemplateVersions, request, caller);
  }

  NotifyHarness notify_;
};

TEST_F(NotifyTemplatesService, AVersionIsPublishedOnceAnsweredWholeAndSent_F32_F36) {
  const auto made = Create(Request());
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->source().SerializeAsString(), Approach().SerializeAsString());
  EXPECT_THAT(made->variables(), Contains("need"));
  EXPECT_EQ(Get("first_approach/versions/1")->SerializeAsString(), made->SerializeAsString());
  EXPECT_EQ(Create(Request())->SerializeAsString(), made->SerializeAsString()) << "the same request";
  v1::CreateTemplateVersionRequest other = Request();
  other.mutable_source()->set_subject("Another");
  EXPECT_EQ(ReasonOf(Create(other).status()), rematch::reason::kRequestIdReused);
  ASSERT_TRUE(notify_.Call(&Stub::SendNotification, Of("k1", kProgram)).ok());
  notify_.Watch(1);
  ASSERT_EQ(notify_.transport().sent().size(), 1u);
  EXPECT_EQ(notify_.transport().sent()[0].subject, "A question");
}

TEST_F(NotifyTemplatesService, ValidateOnlyAnswersTheSameAndChangesNothing) {
  v1::CreateTemplateVersionRequest request = Request();
  request.set_validate_only(true);
  const auto foreseen = Create(request);
  ASSERT_TRUE(foreseen.ok()) << foreseen.status();
  EXPECT_EQ(foreseen->version(), 1);
  EXPECT_EQ(foreseen->source().SerializeAsString(), Approach().SerializeAsString());
  EXPECT_EQ(List()->template_versions_size(), 0);
  ASSERT_TRUE(Create(Request()).ok());
  EXPECT_EQ(Create(request)->version(), 1) << "the same as the newest";
  request.mutable_source()->clear_html();
  EXPECT_EQ(ReasonOf(Create(request).status()), rematch::reason::kInvalidField);
}

TEST_F(NotifyTemplatesService, AResetSaysWhatTheReleaseSays) {
  ASSERT_TRUE(Create(Request()).ok());
  v1::CreateTemplateVersionRequest request = Request("r2");
  request.set_reset(true);
  EXPECT_EQ(ReasonOf(Create(request).status()), rematch::reason::kInvalidField) << "with words of its own";
  request.clear_source();
  const auto reset = Create(request);
  ASSERT_TRUE(reset.ok()) << reset.status();
  EXPECT_EQ(reset->version(), 2);
  EXPECT_EQ(reset->source().text(), TestTemplates().Find("first_approach")->text);
  EXPECT_EQ(Get("first_approach/versions/2")->SerializeAsString(), reset->SerializeAsString());
  EXPECT_FALSE(Get("first_approach/versions/1")->active());
}

TEST_F(NotifyTemplatesService, EverythingThatIsWrongIsNamedAtOnce) {
  v1::CreateTemplateVersionRequest request = Request();
  request.set_parent("consortia/c1");
  request.mutable_source()->set_subject("two\nlines");
  request.mutable_source()->set_text("{{candidate_name}}");
  request.clear_request_id();
  const absl::Status status = Create(request).status();
  EXPECT_EQ(ReasonOf(status), rematch::reason::kInvalidField);
  for (const char* path : {"parent", "request_id", "source.subject"}) EXPECT_THAT(std::string(status.message()), HasSubstr(path));
  for (const char* kind : {"", "first_approach", "templates/unheard", "templates/First Approach"}) {
    request = Request();
    request.set_template_(kind);
    EXPECT_EQ(ReasonOf(Create(request).status()), rematch::reason::kInvalidField) << kind;
  }
  request = Request();
  request.clear_source();
  EXPECT_EQ(ReasonOf(Create(request).status()), rematch::reason::kInvalidField);
  for (const char* tail :
       {"first_approach/versions/x", "first_approach/versions/-1", "first_approach/versions/01", "A/versions/1", "a/b/c"}) {
    EXPECT_EQ(ReasonOf(Get(tail).status()), rematch::reason::kInvalidField) << tail;
  }
  EXPECT_EQ(Get("unheard/versions/0").status().code(), absl::StatusCode::kNotFound);
  v1::SendNotificationRequest send = Of("k1", "consortia/c2/programs/p1");
  EXPECT_EQ(ReasonOf(notify_.Call(&Stub::SendNotification, send).status()), rematch::reason::kInvalidField) << "of another consortium";
}

TEST_F(NotifyTemplatesService, OnlyTheOfficePublishesAndOnlyTheConsortiumReads_F36) {
  EXPECT_EQ(ReasonOf(Create(Request(), kLeader).status()), rematch::reason::kRoleNotAllowed);
  ASSERT_TRUE(Create(Request()).ok());
  EXPECT_TRUE(Get("first_approach/versions/1").ok());
  EXPECT_TRUE(Get("first_approach/versions/1", {"AUDITOR", ""}).ok());
  EXPECT_EQ(Get("first_approach/versions/1", kStranger).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(List(0, "", kStranger).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(List()->template_versions_size(), 1);
  v1::PreviewNotificationRequest preview;
  preview.set_template_("templates/first_approach");
  *preview.mutable_variables() = SendRequest("k").notification().variables();
  preview.set_program(kProgram);
  EXPECT_EQ(notify_.Call(&Stub::PreviewNotification, preview, kStranger).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(NotifyTemplatesService, ListsComeInPagesWithoutSources) {
  ASSERT_TRUE(Create(Request()).ok());
  v1::CreateTemplateVersionRequest second = Request("r2");
  second.mutable_source()->set_subject("Second");
  ASSERT_TRUE(Create(second).ok());
  const auto first = List(1);
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_EQ(first->template_versions_size(), 1);
  EXPECT_EQ(first->template_versions(0).version(), 2);
  EXPECT_FALSE(first->template_versions(0).has_source());
  const auto last = List(1, first->next_page_token());
  ASSERT_TRUE(last.ok()) << last.status();
  EXPECT_EQ(last->template_versions(0).version(), 1);
  EXPECT_EQ(last->next_page_token(), "");
  EXPECT_EQ(ReasonOf(List(1, "made-up").status()), rematch::reason::kInvalidField);
}

TEST_F(NotifyTemplatesService, APreviewShowsADraftOrWhatTheProgramSays) {
  v1::PreviewNotificationRequest request;
  request.set_template_("templates/first_approach");
  *request.mutable_variables() = SendRequest("k").notification().variables();
  *request.mutable_source() = Approach("Draft");
  const auto draft = notify_.Call(&Stub::PreviewNotification, request, kLeader);
  ASSERT_TRUE(draft.ok()) << draft.status();
  EXPECT_THAT(draft->text_body(), HasSubstr("Draft [mentor_name]"));
  request.mutable_source()->set_html("{{candidate_name}}");
  EXPECT_EQ(ReasonOf(notify_.Call(&Stub::PreviewNotification, request, kLeader).status()), rematch::reason::kInvalidField);
  request.clear_source();
  request.set_program(kProgram);
  EXPECT_THAT(notify_.Call(&Stub::PreviewNotification, request, kLeader)->text_body(), HasSubstr("Dear [mentor_name],"));
  ASSERT_TRUE(Create(Request()).ok());
  EXPECT_THAT(notify_.Call(&Stub::PreviewNotification, request, kLeader)->text_body(), HasSubstr("Hello [mentor_name]"));
  EXPECT_EQ(notify_.transport().tries(), 0);
}

}  // namespace
}  // namespace rematch::notify
