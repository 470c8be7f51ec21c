#include "cli/app.h"

#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_split.h"
#include "cli/context.h"
#include "cli/failure.h"
#include "tests/cli/fake_suite.h"
#include "tests/cli/golden.h"

namespace rematch::cli {
namespace {

namespace request_v1 = rematch::request::v1;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class App : public ::testing::Test {
 protected:
  // One task, open, of this kind.
  void OpenTask(request_v1::TaskKind kind) {
    suite.request.history.tasks = {MakeTask("t1", kind, 100, 110)};
    suite.request.history.tasks[0].set_offer("o3");
    suite.request.history.tasks[0].set_person("p1");
  }
  int Do(std::vector<std::string> options, const std::string& typed = "", bool terminal = false) {
    std::vector<std::string> words = {"task", "do", "3fa2b1/t1"};
    words.insert(words.end(), options.begin(), options.end());
    return suite.Run(words, typed, terminal);
  }
  std::string Only(const std::string& method) {
    std::vector<std::string> requests;
    for (Records* records : {&suite.mentor.records, &suite.request.records, &suite.notify.records}) {
      for (std::string& request : records->Of(method)) requests.push_back(std::move(request));
    }
    EXPECT_EQ(requests.size(), 1u) << method << "\n" << suite.err;
    return requests.empty() ? "" : requests.front();
  }
  FakeSuite suite;
};

bool IsJson(const std::string& text) {
  google::protobuf::Struct parsed;
  return google::protobuf::util::JsonStringToMessage(text, &parsed).ok();
}

// ---- exit codes

TEST_F(App, RefusalIsExitCodeOneAndOneLineOfWhy) {
  suite.request.records.Fail("GetReassignment", Error(absl::StatusCode::kNotFound, "CASE_NOT_FOUND", "no such case"));
  EXPECT_EQ(suite.Run({"case", "show", kCase}), kExitRefused);
  EXPECT_EQ(suite.err, "rematch: no such case [CASE_NOT_FOUND]\n");
  EXPECT_EQ(suite.out, "");
}

TEST_F(App, FieldViolationsAreListed) {
  Violations bad;
  bad.Add("reasons", "must be at most 8000 bytes");
  suite.request.records.Fail("CreateReassignment", bad.ToStatus());
  EXPECT_EQ(suite.Run({"case", "open", "--candidate", "Ana Ruiz"}), kExitRefused);
  EXPECT_EQ(suite.err, "rematch: invalid request [INVALID_FIELD]\n  reasons: must be at most 8000 bytes\n");
}

TEST_F(App, WrongUsageIsExitCodeTwo) {
  EXPECT_EQ(suite.Run({"case", "dance"}), kExitUsage);
  EXPECT_EQ(suite.Run({}), kExitUsage);
  EXPECT_EQ(suite.Run({"case", "close", "3fa2b1", "--ground", "boredom", "--note", "x"}), kExitUsage);
  EXPECT_EQ(suite.Run({"--as", "king:rosa", "overview"}), kExitUsage);
  suite.variables.erase("REMATCH_AS");
  EXPECT_EQ(suite.Run({"overview"}), kExitUsage);
  EXPECT_THAT(suite.err, HasSubstr("--as"));
}

TEST_F(App, BrokenTrailIsExitCodeThree_F41) {
  suite.request.verified.set_intact(true);
  suite.request.verified.set_events(16);
  suite.request.verified.set_head_hash("ab12");
  EXPECT_EQ(suite.Run({"case", "verify", "3fa2b1"}), kExitOk);
  EXPECT_EQ(suite.out, "intact: 16 events, head ab12\n");
  suite.request.verified.set_intact(false);
  suite.request.verified.set_first_bad_sequence(9);
  EXPECT_EQ(suite.Run({"case", "verify", "3fa2b1"}), kExitNotIntact);
  EXPECT_THAT(suite.err, HasSubstr("event 9"));
}

TEST_F(App, UnavailableServiceIsExitCodeFour) {
  suite.request.records.Fail("ListTasks", Error(absl::StatusCode::kUnavailable, "STORE_UNAVAILABLE", "the database does not answer"));
  EXPECT_EQ(suite.Run({"task", "list"}), kExitUnavailable);
}

TEST_F(App, ServiceThatDoesNotAnswerIsNamedWithItsAddress) {
  suite.variables["REMATCH_REQUEST_SERVICE"] = "127.0.0.1:1";
  EXPECT_EQ(suite.Run({"case", "show", kCase}), kExitUnavailable);
  EXPECT_EQ(suite.err, "rematch: request-service at 127.0.0.1:1 does not answer [UNAVAILABLE]\n");
  EXPECT_EQ(suite.Run({"case", "watch", kCase}), kExitUnavailable);
  EXPECT_EQ(suite.err, "rematch: request-service at 127.0.0.1:1 does not answer [UNAVAILABLE]\n");
}

TEST_F(App, RefusalsSpeakInWords) {
  suite.request.records.Fail("WithdrawReassignment",
                             Error(absl::StatusCode::kFailedPrecondition, "WRONG_STATE", "not while the case is TRANSFERRING"));
  EXPECT_EQ(suite.Run({"case", "withdraw", kCase}), kExitRefused);
  EXPECT_EQ(suite.err, "rematch: not while the case is transferring [WRONG_STATE]\n");
}

TEST_F(App, LeaderOfNothingIsToldSo) {
  suite.mentor.records.Fail("ListPrograms", Error(absl::StatusCode::kNotFound, "NOT_FOUND", "no such consortium"));
  for (const char* command : {"overview", "case list"}) {
    std::vector<std::string> words = absl::StrSplit(command, ' ');
    words.insert(words.end(), {"--as", "leader:ghost"});
    EXPECT_EQ(suite.Run(words), kExitRefused);
    EXPECT_EQ(suite.err, "rematch: leader:ghost leads no program of south-bay, if there is such a consortium [NOT_FOUND]\n") << command;
  }
}

TEST_F(App, WhatCannotBeANameIsRefusedBeforeAnybodyIsCalled) {
  EXPECT_EQ(suite.Run({"overview", "--consortium", "a b"}), kExitUsage);
  EXPECT_THAT(suite.err, HasSubstr("--consortium must be an id"));
  EXPECT_EQ(suite.Run({"overview", "--as", "leader:rosa lee"}), kExitUsage);
  EXPECT_THAT(suite.err, HasSubstr("--as leader"));
  EXPECT_THAT(suite.mentor.records.Of("ListPrograms"), IsEmpty());
}

TEST_F(App, HelpAndVersionAreExitCodeZero) {
  EXPECT_EQ(suite.Run({"--version"}), kExitOk);
  EXPECT_THAT(suite.out, HasSubstr("rematch "));
  EXPECT_EQ(suite.Run({"--help"}), kExitOk);
  EXPECT_THAT(suite.out, AllOf(HasSubstr("Examples:"), HasSubstr("overview")));
  EXPECT_EQ(suite.Run({"task", "do", "--help"}), kExitOk);
  EXPECT_THAT(suite.out, HasSubstr("--proceed"));
}

// ---- who calls, and where

TEST_F(App, CallerGoesWithEveryCall) {
  EXPECT_EQ(suite.Run({"case", "list"}), kExitOk);
  EXPECT_EQ(suite.request.records.role(), "PROGRAM_LEADER");
  EXPECT_EQ(suite.request.records.person(), "consortia/south-bay/leaders/rosa");
  EXPECT_EQ(suite.Run({"--as", "candidate:" + CandidateName(1), "case", "list"}), kExitOk);
  EXPECT_EQ(suite.request.records.role(), "CANDIDATE");
  EXPECT_EQ(suite.request.records.person(), CandidateName(1));
}

TEST_F(App, GlobalOptionsMayStandBehindTheCommand) { EXPECT_EQ(suite.Run({"case", "list", "--as", "auditor"}), kExitOk); }

TEST(Context, SuiteFileNamesTheServices) {
  const auto addresses = ParseSuite("# made by dev up\nmentor=127.0.0.1:1\n\nrequest=127.0.0.1:2\nnotify=127.0.0.1:3\n");
  ASSERT_TRUE(addresses.ok());
  EXPECT_EQ(addresses->request, "127.0.0.1:2");
  EXPECT_EQ(ExitCodeOf(ParseSuite("mentors=127.0.0.1:1\n").status()), kExitUsage);
  EXPECT_EQ(ExitCodeOf(ParseSuite("mentor\n").status()), kExitUsage);
}

TEST_F(App, SuiteFileThatIsNotThereIsSaid) {
  suite.variables["REMATCH_SUITE"] = "/nonexistent/suite";
  EXPECT_EQ(suite.Run({"overview"}), kExitUsage);
  EXPECT_THAT(suite.err, HasSubstr("cannot read the suite file"));
}

TEST_F(App, RequestIdsAreNewUnlessGiven_F32) {
  EXPECT_EQ(suite.Run({"case", "withdraw", "3fa2b1"}), kExitOk);
  EXPECT_EQ(suite.Run({"case", "withdraw", "3fa2b1", "--request-id", "mine"}), kExitOk);
  const std::vector<std::string> requests = suite.request.records.Of("WithdrawReassignment");
  ASSERT_THAT(requests, SizeIs(2));
  EXPECT_THAT(requests[0], testing::ContainsRegex("request_id: \"[0-9a-f-]{36}\""));
  EXPECT_THAT(requests[1], HasSubstr("request_id: \"mine\""));
}

// ---- cases

TEST_F(App, CaseIsOpenedForACandidateByName_F1) {
  EXPECT_EQ(suite.Run({"case", "open", "--candidate", "ana ruiz", "--reasons", "no time to meet"}), kExitOk);
  EXPECT_THAT(Only("CreateReassignment"), AllOf(HasSubstr("parent: \"" + std::string(kProgram) + "\""), HasSubstr(CandidateName(1)),
                                                HasSubstr("reasons: \"no time to meet\"")));
}

TEST_F(App, NoCaseIsOpenedForAGuess_F1) {
  EXPECT_EQ(suite.Run({"case", "open", "--candidate", "Ruiz"}), kExitUsage);
  EXPECT_EQ(suite.err, "rematch: no candidate is `Ruiz`; did you mean Ana Ruiz (0000c1)?\n");
  EXPECT_THAT(suite.request.records.Of("CreateReassignment"), IsEmpty());
}

TEST_F(App, NothingIsWrittenAboutAMentorOrACaseThatWasGuessed) {
  OpenTask(request_v1::REVIEW_REASONS);
  EXPECT_EQ(Do({"--proceed", "--strike", "Okafor"}), kExitUsage);
  EXPECT_THAT(suite.err, HasSubstr("did you mean Mina Okafor"));
  EXPECT_EQ(suite.Run({"case", "withdraw", "0195a1b2"}), kExitUsage) << "the beginning of an id";
  EXPECT_THAT(suite.err, HasSubstr("did you mean 3fa2b1"));
  EXPECT_THAT(suite.request.records.Of("ReviewReassignment"), IsEmpty());
  EXPECT_THAT(suite.request.records.Of("WithdrawReassignment"), IsEmpty());
  EXPECT_EQ(suite.Run({"mentor", "show", "Okafor"}), kExitOk) << "to read, a part will do";
}

TEST_F(App, EveryStepSaysForWhomItWas) {
  suite.request.history.reassignment.set_state(request_v1::REVIEW);
  EXPECT_EQ(suite.Run({"case", "open", "--candidate", "0000c1"}), kExitOk);
  EXPECT_THAT(suite.out, testing::StartsWith("case 3fa2b1  Ana Ruiz  review"));
}

TEST_F(App, TimesAreThoseOfTheProgram) {
  suite.mentor.programs.mutable_programs(0)->set_time_zone("America/Los_Angeles");
  request_v1::Reassignment& c = suite.request.history.reassignment;
  c.set_state(request_v1::SEARCHING);
  c.clear_end_time();
  Set(c.mutable_next_due_time(), At(168));
  EXPECT_EQ(suite.Run({"case", "show", "3fa2b1"}), kExitOk);
  EXPECT_THAT(suite.out, AllOf(HasSubstr("2025-03-03 01:00 PST"), HasSubstr("2025-03-10 02:00 PDT, in 48 h")));
  EXPECT_EQ(suite.Run({"case", "show", "3fa2b1", "--utc"}), kExitOk);
  EXPECT_THAT(suite.out, HasSubstr("2025-03-03 09:00 UTC"));
  EXPECT_EQ(suite.Run({"case", "withdraw", "3fa2b1"}), kExitOk);
  EXPECT_THAT(suite.out, HasSubstr("next due Mon 10 Mar 02:00 PDT"));
  suite.request.watched = {c, c};
  EXPECT_EQ(suite.Run({"case", "watch", "3fa2b1"}), kExitOk);
  EXPECT_THAT(suite.out, AllOf(testing::StartsWith("Fri 7 Mar 07:00 PST  Ana Ruiz"), HasSubstr("next due Mon 10 Mar 02:00 PDT")));
}

TEST_F(App, CaseIsRecognizedOnANarrowTerminal) {
  suite.variables["COLUMNS"] = "40";
  EXPECT_EQ(suite.Run({"case", "show", "3fa2b1"}), kExitOk);
  EXPECT_THAT(suite.out, testing::ContainsRegex("case +3fa2b1"));
}

TEST_F(App, MentorBeforeAndAfterTheSwapAreCalledWhatTheyAre) {
  EXPECT_EQ(suite.Run({"case", "show", "3fa2b1"}), kExitOk);
  EXPECT_THAT(suite.out, AllOf(HasSubstr("former mentor"), HasSubstr("new mentor"), Not(HasSubstr("current mentor"))));
  suite.request.history.reassignment.set_state(request_v1::PROPOSED);
  EXPECT_EQ(suite.Run({"case", "show", "3fa2b1"}), kExitOk);
  EXPECT_THAT(suite.out, AllOf(HasSubstr("current mentor"), HasSubstr("proposed mentor"), Not(HasSubstr("former mentor"))));
}

TEST_F(App, EventsAreInWordsAndLeaveOutCallsBetweenTheServices) {
  AddEvent(suite.request.history, 102, "EFFECT_ANSWERED", "o1");
  suite.request.history.events.back().set_summary("e1 was answered");
  suite.request.history.events.front().set_summary("task REVIEW_REASONS for " + CandidateName(1));
  EXPECT_EQ(suite.Run({"case", "events", "3fa2b1"}), kExitOk);
  EXPECT_THAT(suite.out, AllOf(HasSubstr("offer answered"), HasSubstr("task review reasons for Ana Ruiz"), HasSubstr("program leader"),
                               Not(HasSubstr("e1 was answered")), HasSubstr("1 call between the services left out")));
  EXPECT_EQ(suite.Run({"case", "events", "3fa2b1", "--all"}), kExitOk);
  EXPECT_THAT(suite.out, AllOf(HasSubstr("e1 was answered"), Not(HasSubstr("left out"))));
  EXPECT_EQ(suite.Run({"case", "events", "3fa2b1", "--json"}), kExitOk);
  EXPECT_THAT(suite.out, HasSubstr("EFFECT_ANSWERED"));
}

TEST_F(App, WhatRepeatsIsOneLineWhereThatIsAskedFor) {
  for (int i = 0; i < 40; ++i) {
    AddEvent(suite.request.history, 103, "OFFER_MADE", "o" + std::to_string(i));
    AddEvent(suite.request.history, 103, "MESSAGE_MADE", "o" + std::to_string(i));
    auto* const disclosure = suite.request.disclosures.add_disclosures();
    disclosure->set_to(MentorName(i % 5));
    disclosure->add_facts(request_v1::Disclosure::MENTORS_WANTED);
    disclosure->set_by("consortia/south-bay/notifications/0195a1b2-0000-7000-8000-0000003fa2b1.o" + std::to_string(i) + ".broadcast");
  }
  EXPECT_EQ(suite.Run({"case", "events", "3fa2b1", "--folded"}), kExitOk);
  EXPECT_THAT(suite.out, AllOf(HasSubstr("17-96"), HasSubstr("40 times offer made, message made")));
  EXPECT_EQ(suite.Run({"case", "events", "3fa2b1"}), kExitOk);
  EXPECT_THAT(suite.out, AllOf(Not(HasSubstr("times")), HasSubstr("o39")));
  EXPECT_EQ(suite.Run({"case", "disclosures", "3fa2b1", "--folded"}), kExitOk);
  EXPECT_EQ(std::count(suite.out.begin(), suite.out.end(), '\n'), 2) << suite.out;
  EXPECT_THAT(suite.out, AllOf(HasSubstr("40 people"), HasSubstr("mentors wanted"), HasSubstr("broadcast")));
  EXPECT_EQ(suite.Run({"case", "disclosures", "3fa2b1"}), kExitOk);
  EXPECT_EQ(std::count(suite.out.begin(), suite.out.end(), '\n'), 41);
}

TEST_F(App, ExplanationsStayWholeOnANarrowTerminal_F26) {
  auto* const step = suite.request.preview.add_steps();
  step->mutable_mentor()->set_mentor(MentorName(1));
  step->mutable_mentor()->set_rank(1);
  step->mutable_mentor()->set_explanation(
      "tier 1: mentors one candidate; holds the credential; teaches the grade band; nearest in subjects");
  Set(step->mutable_ask_time(), At(121));
  Set(step->mutable_window_end_time(), At(169));
  suite.variables["COLUMNS"] = "80";
  EXPECT_EQ(suite.Run({"case", "preview", "3fa2b1"}), kExitOk);
  EXPECT_THAT(suite.out, AllOf(HasSubstr("ASKED UNTIL"), HasSubstr("    tier 1: mentors one candidate; holds the credential;"),
                               HasSubstr("nearest in subjects\n")));
}

TEST_F(App, CandidateOpensTheirOwnCase_F1) {
  EXPECT_EQ(suite.Run({"--as", "candidate:" + CandidateName(1), "case", "open", "--reasons-file", "-"}, "from a pipe"), kExitOk);
  EXPECT_THAT(Only("CreateReassignment"), AllOf(HasSubstr(CandidateName(1)), HasSubstr("reasons: \"from a pipe\"")));
}

TEST_F(App, WatchGoesOnWhenTheServerEndsTheConnection) {
  for (int i = 0; i < 4; ++i) {
    request_v1::Reassignment c = suite.request.history.reassignment;
    c.set_etag("e" + std::to_string(i));
    c.set_state(static_cast<request_v1::CaseState>(i + 1));
    suite.request.watched.push_back(c);
  }
  EXPECT_EQ(suite.Run({"case", "watch", kCase}), kExitOk);
  EXPECT_EQ(std::count(suite.out.begin(), suite.out.end(), '\n'), 4) << "nothing twice, nothing missing:\n" << suite.out;
}

TEST_F(App, CaseCommandsPrintTables) {
  suite.request.history.reassignment.mutable_need()->set_credential("Single Subject");
  EXPECT_EQ(suite.Run({"case", "list"}), kExitOk);
  EXPECT_THAT(suite.out, AllOf(HasSubstr("3fa2b1"), HasSubstr("Ana Ruiz")));
  EXPECT_EQ(suite.Run({"case", "show", "3fa2b1"}), kExitOk);
  EXPECT_THAT(suite.out, HasSubstr("We never found a time to meet."));
  EXPECT_EQ(suite.Run({"case", "events", "3fa2b1"}), kExitOk);
  EXPECT_THAT(suite.out, HasSubstr("offer answered"));
  EXPECT_EQ(suite.Run({"case", "timeline", "3fa2b1"}), kExitOk);
  EXPECT_THAT(suite.out, HasSubstr("☎"));
  EXPECT_EQ(suite.Run({"case", "timeline", "3fa2b1", "--ascii"}), kExitOk);
  EXPECT_THAT(suite.out, Not(HasSubstr("☎")));
  suite.variables["LC_ALL"] = "C";
  EXPECT_EQ(suite.Run({"case", "timeline", "3fa2b1"}), kExitOk);
  EXPECT_THAT(suite.out, Not(HasSubstr("☎")));
  EXPECT_EQ(suite.Run({"offer", "list", "--case", "3fa2b1"}), kExitOk);
  EXPECT_THAT(suite.out, HasSubstr("3fa2b1/o2"));
}

TEST_F(App, OverviewShowsEverythingAtOneLook_F47) {
  suite.request.history.reassignment.set_state(request_v1::SEARCHING);
  suite.request.history.reassignment.clear_end_time();
  suite.request.history.reassignment.set_open_tasks(1);
  *suite.request.cases.mutable_reassignments(0) = suite.request.history.reassignment;
  EXPECT_EQ(suite.Run({"overview"}), kExitOk);
  ExpectGolden("overview.txt", suite.out);
}

TEST_F(App, EveryDocumentIsJson) {
  suite.request.verified.set_intact(true);
  auto* const mail = suite.notify.notifications.add_notifications();
  mail->set_name("consortia/south-bay/notifications/n1");
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{"overview"},
                                                                                     {"roster", "show"},
                                                                                     {"mentor", "list"},
                                                                                     {"mentor", "show", "Dan Wu"},
                                                                                     {"case", "list"},
                                                                                     {"case", "show", "3fa2b1"},
                                                                                     {"case", "timeline", "3fa2b1"},
                                                                                     {"case", "events", "3fa2b1"},
                                                                                     {"case", "disclosures", "3fa2b1"},
                                                                                     {"case", "verify", "3fa2b1"},
                                                                                     {"case", "preview", "3fa2b1"},
                                                                                     {"case", "people", "3fa2b1"},
                                                                                     {"task", "list"},
                                                                                     {"offer", "list", "--case", "3fa2b1"},
                                                                                     {"policy", "list"},
                                                                                     {"policy", "show"},
                                                                                     {"template", "list"},
                                                                                     {"template", "list", "--program", "secondary"},
                                                                                     {"template", "show", "closing_note"},
                                                                                     {"template", "preview", "closing_note"},
                                                                                     {"mail", "list"},
                                                                                     {"mail", "show", "n1"},
                                                                                     {"case", "withdraw", "3fa2b1"}}) {
    std::vector<std::string> with_json = words;
    with_json.push_back("--json");
    EXPECT_EQ(suite.Run(with_json), kExitOk) << words[0] << " " << words.back() << suite.err;
    EXPECT_TRUE(IsJson(suite.out)) << words[0] << " " << words.back() << "\n" << suite.out;
  }
  EXPECT_EQ(suite.Run({"case", "show", "3fa2b1", "--json"}), kExitOk);
  EXPECT_THAT(suite.out, HasSubstr("\"open_tasks\"")) << "the names of the protos, unset fields included";
}

TEST_F(App, ColorsAreForTerminals) {
  EXPECT_EQ(suite.Run({"overview"}), kExitOk);
  EXPECT_THAT(suite.out, Not(HasSubstr("\x1b[")));
  EXPECT_EQ(suite.Run({"overview"}, "", true), kExitOk);
  EXPECT_THAT(suite.out, HasSubstr("\x1b["));
  EXPECT_EQ(suite.Run({"overview", "--color", "never"}, "", true), kExitOk);
  EXPECT_THAT(suite.out, Not(HasSubstr("\x1b[")));
  suite.variables["NO_COLOR"] = "1";
  EXPECT_EQ(suite.Run({"overview"}, "", true), kExitOk);
  EXPECT_THAT(suite.out, Not(HasSubstr("\x1b[")));
  EXPECT_EQ(suite.Run({"overview", "--color", "always"}), kExitOk);
  EXPECT_THAT(suite.out, HasSubstr("\x1b["));
}

TEST_F(App, ListsAreReadToTheirLastPage) {
  EXPECT_EQ(suite.Run({"mentor", "list"}), kExitOk);
  EXPECT_THAT(suite.out, AllOf(HasSubstr("Dan Wu"), HasSubstr("Rosa Lee")));
  EXPECT_THAT(suite.mentor.records.Of("ListMentors"), SizeIs(5));
}

// ---- tasks

TEST_F(App, TaskWithoutOptionsShowsWhatThereIsToDecideAndFails_F2) {
  OpenTask(request_v1::REVIEW_REASONS);
  auto* const step = suite.request.preview.add_steps();
  step->mutable_mentor()->set_mentor(MentorName(1));
  step->mutable_mentor()->set_rank(1);
  step->mutable_mentor()->set_explanation("mentors one candidate and has the credential");
  EXPECT_EQ(Do({}), kExitUsage);
  EXPECT_THAT(suite.out, AllOf(HasSubstr("We never found a time to meet."), HasSubstr("Mina Okafor"), HasSubstr("mentors one candidate")));
  EXPECT_THAT(suite.err, AllOf(HasSubstr("--proceed [--first MENTOR]... [--strike MENTOR]..."), HasSubstr("--close")));
  EXPECT_THAT(suite.request.records.Of("ReviewReassignment"), IsEmpty());
}

TEST_F(App, ReviewSaysWhenNoReasonsWereGiven_F2) {
  OpenTask(request_v1::REVIEW_REASONS);
  suite.request.history.reassignment.clear_reasons();
  Do({});
  EXPECT_THAT(suite.out, HasSubstr("Reasons\n  none given\n"));
  Do({"--as", "auditor"});
  EXPECT_THAT(suite.out, Not(HasSubstr("none given"))) << "who may not read them is not told whether there are any";
}

TEST_F(App, CauseOfATaskIsInWords) {
  OpenTask(request_v1::CALL_CANDIDATE);
  suite.request.history.tasks[0].set_cause("WRONG_NUMBER");
  EXPECT_EQ(suite.Run({"task", "list"}), kExitOk);
  EXPECT_THAT(suite.out, AllOf(HasSubstr("wrong number"), Not(HasSubstr("WRONG_NUMBER"))));
}

TEST_F(App, ReviewProceedsWithMentorsMovedAndStruck_F2) {
  OpenTask(request_v1::REVIEW_REASONS);
  EXPECT_EQ(Do({"--proceed", "--first", "Mina Okafor", "--first", MentorName(2), "--strike", "m3@a.example"}), kExitOk);
  EXPECT_THAT(Only("ReviewReassignment"),
              AllOf(HasSubstr("decision: PROCEED"), HasSubstr("order: \"" + MentorName(1) + "\" order: \"" + MentorName(2) + "\""),
                    HasSubstr("strike: \"" + MentorName(3) + "\"")));
}

TEST_F(App, ReviewClosesWithGroundAndNote_F2) {
  OpenTask(request_v1::REVIEW_REASONS);
  EXPECT_EQ(Do({"--close", "resolved-without-change", "--note", "they talked"}), kExitOk);
  EXPECT_THAT(Only("ReviewReassignment"),
              AllOf(HasSubstr("decision: CLOSE"), HasSubstr("ground: RESOLVED_WITHOUT_CHANGE"), HasSubstr("they talked")));
}

TEST_F(App, MatchIsConfirmedOrRejected_F6) {
  OpenTask(request_v1::CONFIRM_MATCH);
  EXPECT_EQ(Do({"--confirm"}), kExitOk);
  EXPECT_THAT(Only("ConfirmMatch"), HasSubstr("name: \"" + std::string(kCase) + "/offers/o3\""));
  EXPECT_EQ(Do({"--reject", "--note", "too far"}), kExitOk);
  EXPECT_THAT(Only("RejectMatch"), AllOf(HasSubstr("/offers/o3"), HasSubstr("too far")));
}

TEST_F(App, BroadcastIsOpenedWithOrWithoutTheCurrentMentor_F20) {
  OpenTask(request_v1::CHOOSE_BROADCAST_AUDIENCE);
  EXPECT_EQ(Do({"--include-current"}), kExitOk);
  EXPECT_EQ(Do({"--without-current"}), kExitOk);
  const std::vector<std::string> requests = suite.request.records.Of("OpenBroadcast");
  ASSERT_THAT(requests, SizeIs(2));
  EXPECT_THAT(requests[0], HasSubstr("include_current_mentor: true"));
  EXPECT_THAT(requests[1], HasSubstr("include_current_mentor: false"));
}

TEST_F(App, OneOfTheInterestedIsChosenOrNone_F9) {
  OpenTask(request_v1::CHOOSE_AMONG_INTERESTED);
  EXPECT_EQ(Do({"--choose", "o2"}), kExitOk);
  EXPECT_THAT(Only("ChooseInterested"), HasSubstr("/offers/o2"));
  EXPECT_EQ(Do({"--choose", "山田 太郎"}), kExitOk) << "by who was asked";
  EXPECT_THAT(suite.request.records.Of("ChooseInterested").back(), HasSubstr("/offers/o3"));
  EXPECT_EQ(Do({"--pass-all"}), kExitOk);
  EXPECT_THAT(Only("PassAllOver"), HasSubstr(kCase));
}

TEST_F(App, PersonIsQualifiedOrDismissed_F10) {
  OpenTask(request_v1::QUALIFY_PERSON);
  EXPECT_EQ(Do({"--fit", "--district", "palisade unified", "--credential", "Single Subject", "--grade-band", "9-12", "--subject", "Art",
                "--subject", "Music", "--capacity", "2"}),
            kExitOk);
  EXPECT_THAT(Only("QualifyPerson"), AllOf(HasSubstr("/people/p1"), HasSubstr("decision: QUALIFY"), HasSubstr("/districts/"),
                                           HasSubstr("subjects: \"Art\" subjects: \"Music\""), HasSubstr("capacity: 2")));
  EXPECT_EQ(Do({"--fit"}), kExitUsage);
  EXPECT_THAT(suite.err, HasSubstr("--fit needs --mentor, or --district"));
  EXPECT_EQ(Do({"--dismiss"}), kExitOk);
  EXPECT_THAT(suite.request.records.Of("QualifyPerson").back(), AllOf(HasSubstr("decision: DISMISS"), Not(HasSubstr("attributes"))));
}

TEST_F(App, ConsentIsRecorded_F22) {
  OpenTask(request_v1::ASK_CONSENT);
  EXPECT_EQ(Do({"--yes"}), kExitOk);
  EXPECT_THAT(Only("RecordConsent"), HasSubstr("consents: true"));
}

TEST_F(App, CallsAreRecordedOnTheirTask_F7) {
  OpenTask(request_v1::CALL_CANDIDATE);
  EXPECT_EQ(Do({"--outcome", "declined", "--note", "prefers to wait"}), kExitOk);
  EXPECT_THAT(Only("RecordCall"), AllOf(HasSubstr("/tasks/t1"), HasSubstr("outcome: DECLINED_BY_CANDIDATE"), HasSubstr("prefers to wait")));
  EXPECT_EQ(Do({"--outcome", "told"}), kExitUsage);
}

TEST_F(App, CandidateIsTakenOrNot_F11) {
  OpenTask(request_v1::TAKE_CANDIDATE);
  EXPECT_EQ(Do({"--take"}), kExitOk);
  EXPECT_THAT(Only("TakeCandidate"), HasSubstr(kCase));
  EXPECT_EQ(Do({"--decline"}), kExitOk);
  EXPECT_THAT(Only("DeclineToTake"), HasSubstr(kCase));
}

TEST_F(App, FormerMentorIsToldByMail_F46) {
  OpenTask(request_v1::TELL_FORMER_MENTOR);
  EXPECT_EQ(Do({"--by-mail"}), kExitOk);
  EXPECT_THAT(Only("SendClosingNote"), HasSubstr(kCase));
}

TEST_F(App, StuckCaseIsRestartedOrClosed_F11) {
  OpenTask(request_v1::RESOLVE_STUCK);
  EXPECT_EQ(Do({"--restart", "broadcast"}), kExitOk);
  EXPECT_THAT(Only("RestartSearch"), HasSubstr("stage: BROADCAST"));
  EXPECT_EQ(Do({"--close", "no-mentor-found", "--note", "x"}), kExitOk);
  EXPECT_THAT(Only("CloseReassignment"), HasSubstr("ground: NO_MENTOR_FOUND"));
}

TEST_F(App, PausedCaseIsResumedByItsTask_F44) {
  OpenTask(request_v1::RESUME_CASE);
  EXPECT_EQ(Do({"--resume"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("ResumeReassignment"), HasSubstr(kCase));
}

TEST_F(App, CaseIsPausedSkippedAndHandedOver_F3_F35_F44) {
  EXPECT_EQ(suite.Run({"case", "pause", "3fa2b1", "--note", "holidays"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("PauseReassignment"), AllOf(HasSubstr(kCase), HasSubstr("holidays")));
  EXPECT_EQ(suite.Run({"case", "resume", "3fa2b1"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("ResumeReassignment"), HasSubstr(kCase));
  EXPECT_EQ(suite.Run({"case", "skip", "3fa2b1"}), kExitUsage) << "why is on record";
  EXPECT_EQ(suite.Run({"case", "skip", "3fa2b1", "--note", "nobody there"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("SkipStage"), HasSubstr("nobody there"));
  EXPECT_EQ(suite.Run({"case", "lead", "3fa2b1"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("ReplaceLeader"), HasSubstr(kCase));
}

TEST_F(App, MentorIsStruckAndALateYesTakenUp_F2_F31) {
  EXPECT_EQ(suite.Run({"case", "strike", "3fa2b1", "Mina Okafor"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("StrikeMentor"), AllOf(HasSubstr(kCase), HasSubstr(MentorName(1))));
  EXPECT_EQ(suite.Run({"offer", "revive", "3fa2b1/o3"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("ReviveOffer"), HasSubstr("/offers/o3"));
}

TEST_F(App, TaskIsPutOff_F38) {
  OpenTask(request_v1::CALL_CANDIDATE);
  EXPECT_EQ(suite.Run({"task", "snooze", "3fa2b1/t1", "--for", "soon"}), kExitUsage);
  EXPECT_EQ(suite.Run({"task", "snooze", "3fa2b1/t1", "--for", "2d"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("SnoozeTask"), AllOf(HasSubstr("/tasks/t1"), HasSubstr("until_time")));
}

TEST_F(App, EveryKindOfTaskCanBeLookedAt) {
  for (int i = 1; i < request_v1::TaskKind_descriptor()->value_count(); ++i) {
    OpenTask(static_cast<request_v1::TaskKind>(request_v1::TaskKind_descriptor()->value(i)->number()));
    EXPECT_EQ(Do({}), kExitUsage) << i;
    EXPECT_THAT(suite.err, HasSubstr("rematch task do 3fa2b1/t1 --")) << i;
    EXPECT_THAT(suite.out, HasSubstr("Ana Ruiz")) << i;
    EXPECT_EQ(Do({"--json"}), kExitUsage) << i;
    EXPECT_TRUE(IsJson(suite.out)) << suite.out;
  }
}

TEST_F(App, TerminalIsAskedAndDecidesOnWhatItWasShown) {
  OpenTask(request_v1::REVIEW_REASONS);
  EXPECT_EQ(Do({}, "1\nMina Okafor; 山田 太郎\n\nfine\n", true), kExitOk) << suite.err;
  EXPECT_THAT(Only("ReviewReassignment"), AllOf(HasSubstr("decision: PROCEED"), HasSubstr(MentorName(1)), HasSubstr(MentorName(3)),
                                                HasSubstr("fine"), HasSubstr("etag: \"e7\"")));
}

TEST_F(App, TerminalMayLeaveATaskAlone) {
  OpenTask(request_v1::CONFIRM_MATCH);
  EXPECT_EQ(Do({}, "\n", true), kExitUsage);
  EXPECT_THAT(suite.request.records.Of("ConfirmMatch"), IsEmpty());
  EXPECT_THAT(suite.request.records.Of("RejectMatch"), IsEmpty());
}

TEST_F(App, ShortTaskIdMeansTheOpenOne) {
  suite.request.history.tasks = {MakeTask("t1", request_v1::CONFIRM_MATCH, 0, 1, 1), MakeTask("t2", request_v1::TAKE_CANDIDATE, 0, 1)};
  EXPECT_EQ(suite.Run({"task", "do", "t2", "--take"}), kExitOk) << suite.err;
}

// ---- offers and mail

TEST_F(App, OffersAreAnsweredByCodeOrByTheLeader) {
  suite.request.responded.set_result(request_v1::RespondToOfferResponse::RECORDED_LATE);
  EXPECT_EQ(suite.Run({"offer", "answer", "--code", "c0de", "--yes"}), kExitOk);
  EXPECT_EQ(suite.out, "recorded late\n");
  EXPECT_THAT(Only("RespondToOffer"), AllOf(HasSubstr("c0de"), HasSubstr("answer: YES")));
  EXPECT_EQ(suite.Run({"offer", "answer", "--offer", "3fa2b1/o1", "--not-now", "--refer-name", "Ida", "--refer-email", "ida@a.example"}),
            kExitOk);
  EXPECT_THAT(Only("RecordOfferResponse"), AllOf(HasSubstr("/offers/o1"), HasSubstr("answer: NOT_NOW"), HasSubstr("ida@a.example")));
  EXPECT_EQ(suite.Run({"offer", "answer", "--offer", "3fa2b1/José Nguyễn", "--yes"}), kExitOk) << suite.err;
  EXPECT_THAT(suite.request.records.Of("RecordOfferResponse").back(), HasSubstr("/offers/o2"));
  EXPECT_EQ(suite.Run({"offer", "answer", "--offer", "3fa2b1/José", "--yes"}), kExitUsage);
  EXPECT_EQ(suite.Run({"offer", "answer", "--code", "c0de"}), kExitUsage);
  EXPECT_EQ(suite.Run({"offer", "answer", "--yes"}), kExitUsage);
}

TEST_F(App, MailOfACaseIncludesThatOfItsOffers) {
  const std::pair<const char*, std::string> mails[] = {{"n1", kCase}, {"n2", std::string(kCase) + "/offers/o1"}, {"n3", "elsewhere"}};
  for (const auto& [id, origin] : mails) {
    auto* const mail = suite.notify.notifications.add_notifications();
    mail->set_name(std::string("consortia/south-bay/notifications/") + id);
    mail->set_origin(origin);
    mail->set_text_body("Dear Ana,\n\x1b[2Jhello\n");
    mail->set_template_("templates/first_approach");
    Set(mail->mutable_create_time(), At(1));
    mail->mutable_to()->set_email("somebody.with.a.long.name@schools.example");
    mail->set_subject("Your new mentor");
  }
  EXPECT_EQ(suite.Run({"mail", "list", "--case", "3fa2b1"}), kExitOk);
  EXPECT_THAT(suite.out, AllOf(HasSubstr("n1"), HasSubstr("n2"), Not(HasSubstr("n3"))));
  suite.variables["COLUMNS"] = "80";
  EXPECT_EQ(suite.Run({"mail", "list"}), kExitOk);
  EXPECT_THAT(suite.out, AllOf(HasSubstr("n3"), HasSubstr("somebody.with.a.long.name@schools.example"), HasSubstr("    Your new mentor\n")))
      << "whom it went to and what it said are worth more than its template";
  EXPECT_EQ(suite.Run({"mail", "show", "n1"}), kExitOk);
  EXPECT_THAT(suite.out, AllOf(HasSubstr("subject"), HasSubstr("Your new mentor"), HasSubstr("Dear Ana,\n"), Not(HasSubstr("\x1b"))));
}

// ---- the calendar

TEST_F(App, CalendarIsShownAsItIsKept_F37) {
  EXPECT_EQ(suite.Run({"calendar", "show"}), kExitOk) << suite.err;
  EXPECT_THAT(suite.out, HasSubstr("Monday to Friday, all day"));
  auto& calendar = *suite.mentor.programs.mutable_programs(0)->mutable_calendar();
  auto& friday = *calendar.add_hours();
  friday.set_day(rematch::mentor::v1::Calendar::FRIDAY);
  friday.set_open("08:00");
  calendar.add_closures()->set_first("2026-12-21");
  calendar.mutable_closures(0)->set_last("2027-01-01");
  calendar.mutable_closures(0)->set_label("Winter\x1b break");
  calendar.add_terms()->set_first("2026-08-17");
  EXPECT_EQ(suite.Run({"calendar", "show"}), kExitOk) << suite.err;
  EXPECT_THAT(suite.out, AllOf(HasSubstr("Friday 08:00 to 24:00"), HasSubstr("2026-12-21"), HasSubstr("2027-01-01"), HasSubstr("closed"),
                               Not(HasSubstr("\x1b"))));
  EXPECT_LT(suite.out.find("2026-08-17"), suite.out.find("2026-12-21")) << "by day";
}

TEST_F(App, CalendarIsSetFromAFileAndSaysWhichDeadlinesMoved_F37) {
  suite.request.history.tasks = {MakeTask("t1", request_v1::CONFIRM_MATCH, 0, 1)};
  suite.request.cases.mutable_reassignments(0)->set_calendar("0123");
  suite.mentor.follows = [this](const rematch::mentor::v1::UpdateProgramRequest&) {
    suite.request.cases.mutable_reassignments(0)->set_calendar("4567");
    Set(suite.request.history.tasks[0].mutable_due_time(), At(24 * 30));
  };
  EXPECT_EQ(suite.Run({"calendar", "set", "-"}, "closures { first: '2026-11-11' label: 'Veterans Day' }"), kExitOk) << suite.err;
  EXPECT_THAT(Only("UpdateProgram"), AllOf(HasSubstr("2026-11-11"), HasSubstr("paths: \"calendar\""), HasSubstr("etag: \"before\"")))
      << "what was written meanwhile is not overwritten";
  EXPECT_THAT(suite.out, AllOf(HasSubstr("Veterans Day"), HasSubstr("3fa2b1/t1"), HasSubstr("confirm match")));
  EXPECT_EQ(suite.Run({"calendar", "set", "-", "--json"}, ""), kExitOk) << suite.err;
  EXPECT_THAT(suite.out, AllOf(HasSubstr("moved_tasks"), HasSubstr("moved_offers")));
}

TEST_F(App, CalendarThatCannotBeReadIsOneLineAndChangesNothing) {
  EXPECT_NE(suite.Run({"calendar", "set", "-"}, "closures { first: '2026-11-11' \n labell: 'x' }"), kExitOk);
  EXPECT_THAT(suite.err, HasSubstr("-:2:"));
  EXPECT_NE(suite.Run({"calendar", "set", "/nowhere/at/all"}), kExitOk);
  EXPECT_THAT(suite.mentor.records.Of("UpdateProgram"), IsEmpty());
}

// ---- districts

TEST_F(App, DistrictsAreListedWithWhatTheyShare_F36) {
  suite.mentor.districts.mutable_districts(0)->set_lends_mentors(true);
  EXPECT_EQ(suite.Run({"--as", "service", "district", "list"}), kExitOk) << suite.err;
  EXPECT_THAT(suite.out, AllOf(HasSubstr("LENDS"), HasSubstr("BORROWS"), ContainsRegex("Palisade Unified.* yes +no")));
}

TEST_F(App, DistrictIsOpenedAndClosedInWhatTheOptionsName_F36) {
  const std::string district = suite.mentor.districts.districts(0).name();
  EXPECT_EQ(suite.Run({"--as", "service", "district", "set", "palisade unified", "--lends", "yes"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("UpdateDistrict"), AllOf(HasSubstr(district), HasSubstr("lends_mentors: true"), HasSubstr("paths: \"lends_mentors\""),
                                            Not(HasSubstr("borrows"))));
  EXPECT_EQ(suite.Run({"--as", "service", "district", "set", "palisade unified", "--lends", "yes", "--borrows", "no"}), kExitOk);
  EXPECT_THAT(suite.mentor.records.Of("UpdateDistrict").back(),
              AllOf(HasSubstr("paths: \"lends_mentors\""), HasSubstr("paths: \"borrows_mentors\"")));
  EXPECT_EQ(suite.Run({"--as", "service", "district", "set", "palisade unified"}), kExitUsage);
  EXPECT_THAT(suite.err, HasSubstr("--lends or --borrows"));
  EXPECT_EQ(suite.Run({"--as", "service", "district", "set", "palisade unified", "--lends", "maybe"}), kExitUsage);
  EXPECT_THAT(suite.mentor.records.Of("UpdateDistrict"), SizeIs(2));
}

// ---- who comes, goes and is kept apart

TEST_F(App, MentorRetiresAndCandidateLeaves_F33) {
  EXPECT_EQ(suite.Run({"roster", "retire", "Mina Okafor"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("RetireMentor"), HasSubstr(MentorName(1)));
  EXPECT_EQ(suite.Run({"roster", "unenroll", "Bo Kern"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("UnenrollCandidate"), HasSubstr(CandidateName(2)));
  EXPECT_EQ(suite.Run({"roster", "retire", "Nobody"}), kExitRefused);
}

TEST_F(App, CandidateIsAssignedAndUnassigned) {
  EXPECT_EQ(suite.Run({"roster", "assign", "Bo Kern", "Dan Wu"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("AssignMentor"), AllOf(HasSubstr(CandidateName(2)), HasSubstr(MentorName(0))));
  EXPECT_EQ(suite.Run({"roster", "unassign", "Ana Ruiz"}), kExitUsage) << "there is nothing to end";
  suite.mentor.candidates.mutable_candidates(0)->set_assignment("consortia/south-bay/assignments/a7");
  EXPECT_EQ(suite.Run({"roster", "unassign", "Ana Ruiz"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("EndAssignment"), HasSubstr("assignments/a7"));
}

TEST_F(App, TwoAreKeptApartAndMayBePairedAgain_F28) {
  EXPECT_EQ(suite.Run({"roster", "apart", "Ana Ruiz", "Mina Okafor"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("AddDoNotPair"), AllOf(HasSubstr(CandidateName(1)), HasSubstr(MentorName(1))));
  EXPECT_THAT(suite.mentor.records.Of("RemoveDoNotPair"), IsEmpty());
  EXPECT_EQ(suite.Run({"roster", "apart", "Ana Ruiz", "Mina Okafor", "--undo"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("RemoveDoNotPair"), AllOf(HasSubstr(CandidateName(1)), HasSubstr(MentorName(1))));
}

TEST_F(App, BounceIsReportedAndAFailedMailTriedAgain_F39) {
  auto* const mail = suite.notify.notifications.add_notifications();
  mail->set_name("consortia/south-bay/notifications/n1");
  mail->set_state(rematch::notify::v1::Notification::FAILED);
  EXPECT_EQ(suite.Run({"mail", "bounce", "n1"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("ReportBounce"), HasSubstr("notifications/n1"));
  EXPECT_EQ(suite.out, "failed\n");
  EXPECT_EQ(suite.Run({"mail", "retry", "n1"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("RetryNotification"), HasSubstr("notifications/n1"));
}

TEST_F(App, CandidateWhoseMentorLeftIsATaskOfTheirOwn_F33) {
  request_v1::Task task = MakeTask("t1", request_v1::MENTOR_LEFT, 100, 110);
  task.set_name(std::string(CandidateName(1)) + "/tasks/mentor-left");
  task.set_about(CandidateName(1));
  suite.request.history.tasks = {task};
  EXPECT_EQ(suite.Run({"task", "list"}), kExitOk);
  EXPECT_THAT(suite.out, AllOf(HasSubstr("/mentor-left"), HasSubstr("mentor left"), HasSubstr("Ana Ruiz")));
  const std::string id = suite.out.substr(suite.out.find("/mentor-left") - 6, 6) + "/mentor-left";
  EXPECT_EQ(suite.Run({"task", "do", id}), kExitUsage);
  EXPECT_THAT(suite.out, AllOf(HasSubstr("Ana Ruiz"), HasSubstr("+1 310 555 0100")));
  EXPECT_THAT(suite.err, AllOf(HasSubstr("rematch task do " + id + " --open"), HasSubstr("--assign MENTOR")));
  EXPECT_EQ(suite.Run({"task", "do", id, "--open", "--note", "theirs left"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("CreateReassignment"), AllOf(HasSubstr(CandidateName(1)), HasSubstr("theirs left")));
  EXPECT_EQ(suite.Run({"task", "do", task.name(), "--assign", "Dan Wu"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("AssignMentor"), AllOf(HasSubstr(CandidateName(1)), HasSubstr(MentorName(0))));
  EXPECT_EQ(suite.Run({"task", "snooze", id, "--for", "2d"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("SnoozeTask"), HasSubstr(task.name()));
}

// ---- concerns and surveys

class Concerns : public App {
 protected:
  Concerns() {
    using request_v1::SurveyResponse;
    request_v1::Concern& concern = *suite.request.concerns.add_concerns();
    concern.set_name(std::string(kProgram) + "/concerns/019cadc6-9a80-7000-a42a-5f87d0c0ffee");
    concern.set_candidate(CandidateName(1));
    concern.set_source(request_v1::Concern::SURVEY);
    concern.set_state(request_v1::Concern::OPEN);
    concern.set_relationship_quality(2);
    concern.set_words("we never talk");
    request_v1::Survey& survey = *suite.request.surveys.add_surveys();
    survey.set_name(std::string(kProgram) + "/surveys/019cadc6-9a80-7000-a42a-5f87d0beef00");
    survey.set_kind(request_v1::Survey::PROGRAM);
    survey.set_invited(3);
    survey.set_answered(2);
    *suite.request.results.mutable_survey() = survey;
    for (const auto& [state, quality] :
         {std::pair(SurveyResponse::ANSWERED, 5), std::pair(SurveyResponse::ANSWERED, 2), std::pair(SurveyResponse::UNDELIVERABLE, 0)}) {
      SurveyResponse& response = *suite.request.results.add_responses();
      response.set_candidate(CandidateName(1));
      response.set_state(state);
      response.set_relationship_quality(quality);
    }
    suite.request.answered.set_result(request_v1::SubmitSurveyResponseResponse::RECORDED);
  }
  std::string concern() const { return suite.request.concerns.concerns(0).name(); }
  std::string survey() const { return suite.request.surveys.surveys(0).name(); }
};

TEST_F(Concerns, AreListedWithoutTheirWordsAndShownWithThem_F12) {
  suite.request.concerns.mutable_concerns(0)->clear_words();
  EXPECT_EQ(suite.Run({"concern", "list"}), kExitOk) << suite.err;
  EXPECT_THAT(suite.out,
              AllOf(HasSubstr("c0ffee"), HasSubstr("Ana Ruiz"), HasSubstr("survey"), HasSubstr("2 difficult"), HasSubstr("open")));
  suite.request.concerns.mutable_concerns(0)->set_words("we never talk");
  EXPECT_EQ(suite.Run({"concern", "show", "c0ffee"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("GetConcern"), HasSubstr(concern()));
  EXPECT_THAT(suite.out, AllOf(HasSubstr("Ana Ruiz"), HasSubstr("we never talk")));
}

TEST_F(Concerns, AreRaisedForACandidateByName_F12) {
  EXPECT_EQ(suite.Run({"concern", "raise", "Ana Ruiz", "--words", "no trust", "--wants-change"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("RaiseConcern"), AllOf(HasSubstr(CandidateName(1)), HasSubstr("no trust"), HasSubstr("asks_for_change: true")));
  EXPECT_EQ(suite.Run({"concern", "raise", "--words", "no trust"}), kExitUsage) << "a leader says whose it is";
}

TEST_F(Concerns, AreResolvedInOneOfThreeWays_F12) {
  EXPECT_EQ(suite.Run({"concern", "resolve", "c0ffee"}), kExitUsage);
  EXPECT_EQ(suite.Run({"concern", "resolve", "c0ffee", "--talked-over", "--no-action"}), kExitUsage);
  EXPECT_EQ(suite.Run({"concern", "resolve", "c0ffee", "--talked-over", "--consented"}), kExitUsage);
  EXPECT_EQ(suite.Run({"concern", "resolve", "c0ffee", "--talked-over", "--note", "all is well"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("ResolveConcern"), AllOf(HasSubstr(concern()), HasSubstr("TALKED_OVER"), HasSubstr("all is well")));
  EXPECT_EQ(suite.Run({"concern", "resolve", "c0ffee", "--open-case", "--consented"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("CreateReassignment"), AllOf(HasSubstr(concern()), HasSubstr(CandidateName(1)), HasSubstr("candidate_consents: true")));
}

TEST_F(Concerns, ACaseIsOpenedOutOfOne_F12) {
  EXPECT_EQ(suite.Run({"case", "open", "--candidate", "Ana Ruiz", "--concern", "c0ffee"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("CreateReassignment"), AllOf(HasSubstr(concern()), Not(HasSubstr("candidate_consents"))));
  EXPECT_EQ(suite.Run({"case", "open", "--candidate", "Ana Ruiz", "--consented"}), kExitUsage) << "consent to what?";
}

TEST_F(Concerns, TheirTaskShowsThemAndEndsThem_F12) {
  request_v1::Task task = MakeTask("t1", request_v1::RESOLVE_CONCERN, 100, 110);
  task.set_name(std::string(CandidateName(1)) + "/tasks/concern-019cadc6-9a80-7000-a42a-5f87d0c0ffee");
  task.set_about(CandidateName(1));
  task.set_subject(concern());
  suite.request.history.tasks = {task};
  EXPECT_EQ(suite.Run({"task", "list"}), kExitOk);
  EXPECT_THAT(suite.out, AllOf(HasSubstr("/concern-c0ffee"), HasSubstr("resolve concern"), HasSubstr("Ana Ruiz")));
  const std::string id = suite.out.substr(suite.out.find("/concern-c0ffee") - 6, 6) + "/concern-c0ffee";
  EXPECT_EQ(suite.Run({"task", "do", id}), kExitUsage);
  EXPECT_THAT(suite.out, AllOf(HasSubstr("we never talk"), HasSubstr("+1 310 555 0100")));
  EXPECT_THAT(suite.err, AllOf(HasSubstr("--talked-over"), HasSubstr("--open [--consented]")));
  EXPECT_EQ(suite.Run({"task", "do", id, "--no-action"}), kExitUsage) << "it needs a note";
  EXPECT_EQ(suite.Run({"task", "do", id, "--no-action", "--note", "nothing to be done"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("ResolveConcern"), AllOf(HasSubstr(concern()), HasSubstr("NO_ACTION")));
  EXPECT_EQ(suite.Run({"task", "do", id, "--open", "--consented"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("CreateReassignment"), AllOf(HasSubstr(concern()), HasSubstr("candidate_consents: true")));
}

TEST_F(Concerns, ACheckInIsAnsweredAndALetterIsToldByTheirTasks_F39_F43) {
  request_v1::Task task = MakeTask("t1", request_v1::CHECK_IN, 100, 110);
  task.set_name(std::string(CandidateName(1)) + "/tasks/letter-0123456789abcdef0123456789abcdef0123abcd");
  task.set_about(CandidateName(1));
  task.set_subject(survey() + "/responses/ana");
  suite.request.history.tasks = {task};
  EXPECT_EQ(suite.Run({"task", "do", task.name(), "--answer", "1", "--words", "no better", "--wants-change"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("SubmitSurveyResponse"), AllOf(HasSubstr(task.subject()), HasSubstr("relationship_quality: 1"), HasSubstr("no better"),
                                                  HasSubstr("asks_for_change: true")));
  suite.request.history.tasks[0].set_kind(request_v1::TELL_CANDIDATE);
  suite.request.history.tasks[0].clear_subject();
  EXPECT_EQ(suite.Run({"task", "do", task.name(), "--answer", "3"}), kExitUsage) << "the letter asked nothing";
  EXPECT_EQ(suite.Run({"task", "do", task.name(), "--told"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("RecordLetterTold"), HasSubstr(task.name()));
}

TEST_F(Concerns, ASurveyIsSentListedAndAnswered_F12) {
  EXPECT_EQ(suite.Run({"survey", "send", "--days", "5", "--dry-run"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("SendSurvey"), AllOf(HasSubstr("validate_only: true"), HasSubstr("amount: 5"), HasSubstr("WORKING_DAYS")));
  EXPECT_THAT(suite.out, HasSubstr("would ask 3 candidates"));
  EXPECT_EQ(suite.Run({"survey", "send"}), kExitOk) << suite.err;
  EXPECT_THAT(suite.out, AllOf(HasSubstr("beef00"), HasSubstr("asks 3 candidates")));
  EXPECT_EQ(suite.Run({"survey", "list"}), kExitOk) << suite.err;
  EXPECT_THAT(suite.out, AllOf(HasSubstr("beef00"), HasSubstr("program"), HasSubstr("3"), HasSubstr("2")));
  EXPECT_EQ(suite.Run({"survey", "answer", "CODE", "--quality", "4"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("SubmitSurveyResponse"), AllOf(HasSubstr("CODE"), HasSubstr("relationship_quality: 4")));
  EXPECT_EQ(suite.out, "recorded\n");
  EXPECT_EQ(suite.Run({"survey", "answer", "--quality", "4"}), kExitUsage) << "whose?";
  EXPECT_EQ(suite.Run({"survey", "answer", "CODE", "--quality", "6"}), kExitUsage);
  EXPECT_EQ(suite.Run({"survey", "answer", "--candidate", "Ana Ruiz", "--quality", "2"}), kExitOk) << suite.err;
  EXPECT_THAT(suite.request.records.Of("SubmitSurveyResponse").back(), HasSubstr(survey() + "/responses/"));
}

TEST_F(Concerns, ResultsAreCountedAndTheLowestComeFirst_F12) {
  EXPECT_EQ(suite.Run({"survey", "results"}), kExitOk) << suite.err;
  EXPECT_THAT(Only("ListSurveyResults"), HasSubstr(survey()));
  EXPECT_THAT(suite.out, AllOf(HasSubstr("5 very good"), HasSubstr("4 good"), HasSubstr("undeliverable")));
  EXPECT_LT(suite.out.rfind("2 difficult"), suite.out.rfind("5 very good"));
  EXPECT_EQ(suite.Run({"survey", "results", "beef00", "--json"}), kExitOk) << suite.err;
  EXPECT_TRUE(IsJson(suite.out));
}

// ---- roster

class RosterImport : public App {
 protected:
  RosterImport() {
    folder = std::filesystem::path(testing::TempDir()) /
             ("roster-" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
  }
  ~RosterImport() override { std::filesystem::remove_all(folder); }
  void Write(const std::string& name, const std::string& text) { std::ofstream(folder / name, std::ios::binary) << text; }
  void WriteMentors(const std::string& rows) {
    Write("mentors.csv",
          "mentor_id,name,email,phone,district_id,programs,credentials,grade_bands,subjects,capacity,interested_in_more,years_mentored,"
          "opted_out,"
          "supervises_sites\n" +
              rows);
  }
  std::filesystem::path folder;
};

TEST_F(RosterImport, SendsHeaderAndRows) {
  WriteMentors("M1,Rosa,rosa@a.example,,D1,,,,,3,yes,4,no,\nM2,Ida,ida@a.example,,D1,,,,,3,yes,4,no,\n");
  suite.mentor.import.set_created(2);
  EXPECT_EQ(suite.Run({"--as", "service", "roster", "import", folder.string(), "--consortium", "north", "--name", "North"}), kExitOk)
      << suite.err;
  EXPECT_EQ(suite.out, "2 created, 0 updated, 0 unchanged\n");
  EXPECT_EQ(suite.err, "") << "no progress where nobody looks";
  ASSERT_THAT(suite.mentor.imported, SizeIs(3));
  EXPECT_EQ(suite.mentor.imported[0].header().consortium(), "consortia/north");
  EXPECT_EQ(suite.mentor.imported[0].header().display_name(), "North");
  EXPECT_EQ(suite.mentor.imported[0].header().row_count(), 2);
  EXPECT_EQ(suite.mentor.imported[2].row().mentor().id(), "M2");
}

TEST_F(RosterImport, OneBadRowAndNothingIsSent) {
  WriteMentors("M1,Rosa,rosa@a.example,,D1,,,,,3,yes,4,no,\nM2,Ida,ida,,D1,,,,,3,yes,4,no,\n");
  EXPECT_EQ(suite.Run({"roster", "import", folder.string()}), kExitRefused);
  EXPECT_EQ(suite.err, "mentors.csv:3:8: email must be an address like name@example.org\n1 error; nothing was sent\n");
  EXPECT_THAT(suite.mentor.imported, IsEmpty());
}

TEST_F(RosterImport, TheServicesErrorsAreShownAtTheirPlace) {
  WriteMentors("M1,Rosa,rosa@a.example,,D9,,,,,3,yes,4,no,\n");
  auto* const error = suite.mentor.import.add_errors();
  error->set_file("mentors.csv");
  error->set_line(2);
  error->set_field("district_id");
  error->set_description("names no district");
  // What follows from it is not said again.
  *suite.mentor.import.add_errors() = *error;
  suite.mentor.import.mutable_errors(1)->set_description("must stay what it was");
  EXPECT_EQ(suite.Run({"roster", "import", folder.string()}), kExitRefused);
  EXPECT_EQ(suite.err, "mentors.csv:2:25: district_id names no district\n1 error; nothing was kept\n");
}

TEST_F(RosterImport, ShowsProgressOnATerminal) {
  WriteMentors("M1,Rosa,rosa@a.example,,D1,,,,,3,yes,4,no,\n");
  EXPECT_EQ(suite.Run({"roster", "import", (folder / "mentors.csv").string()}, "", true), kExitOk);
  EXPECT_THAT(suite.err, HasSubstr("1/1 rows"));
}

TEST_F(RosterImport, FilesThatAreNotThereAreSaid) {
  EXPECT_EQ(suite.Run({"roster", "import", folder.string()}), kExitRefused);
  EXPECT_THAT(suite.err, HasSubstr("has none of"));
  EXPECT_EQ(suite.Run({"roster", "import", (folder / "mentors.csv").string()}), kExitRefused);
  EXPECT_THAT(suite.err, HasSubstr("cannot read"));
}

}  // namespace
}  // namespace rematch::cli
