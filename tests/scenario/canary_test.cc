// F23: names, addresses, numbers, reasons and notes never appear in logs, metrics or errors. Whoever plays here is marked with words that
// occur nowhere else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "demo/cases.h"
#include "platform/rpc/channel.h"
#include "tests/scenario/scenario_kit.h"

namespace rematch::scenario {
namespace {

using ::testing::IsEmpty;

constexpr char kMark[] = "Quokkazahl";
constexpr char kDigits[] = "7315521089";
constexpr char kReasons[] = "Velvetcanary reasons";
constexpr char kNote[] = "Ambercanary note";
constexpr char kReferred[] = "Tealcanary";
constexpr char kRecommended[] = "Rosecanary";

// Those of the words above that `text` holds.
std::vector<std::string> CanariesIn(const std::string& text) {
  std::vector<std::string> found;
  const std::string lower = absl::AsciiStrToLower(text);
  for (const char* word : {kMark, kDigits, "velvetcanary", "ambercanary", kReferred, kRecommended}) {
    if (absl::StrContains(lower, absl::AsciiStrToLower(word))) found.push_back(word);
  }
  return found;
}

demo::Words MarkedWords() {
  demo::Words words;
  words.reasons = kReasons;
  words.note = kNote;
  words.survey = kReasons;
  words.referred.set_display_name(absl::StrCat("Ike ", kReferred));
  words.referred.set_email(absl::StrCat("ike.", absl::AsciiStrToLower(kReferred), "@canyon.example"));
  words.referred.set_phone(absl::StrCat("+1 ", kDigits, " 1"));
  words.recommended.set_display_name(absl::StrCat("Noor ", kRecommended));
  words.recommended.set_email(absl::StrCat("noor.", absl::AsciiStrToLower(kRecommended), "@canyon.example"));
  words.recommended.set_phone(absl::StrCat("+1 ", kDigits, " 2"));
  return words;
}

// What a call answers when it is refused: message and details, as they go over the wire.
class Refusals {
 public:
  template <typename Stub, typename Request, typename Response>
  void Provoke(demo::Suite& suite, const rpc::Caller& caller, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
               const Request& request) {
    grpc::ClientContext context;
    rpc::Prepare(context, absl::Seconds(10), caller);
    Response response;
    const grpc::Status status = (suite.stub<Stub>().*method)(&context, request, &response);
    ASSERT_FALSE(status.ok()) << request.GetTypeName() << " was to be refused";
    ++count_;
    absl::StrAppend(&text_, status.error_message(), "\n", status.error_details(), "\n");
  }
  const std::string& text() const { return text_; }
  int count() const { return count_; }

 private:
  std::string text_;
  int count_ = 0;
};

// Requests that are wrong in ways that tempt an error to repeat what it was given. `opened_with`: the request id with which the candidate
// opened the case; empty if they did not.
void ProvokeErrors(demo::Suite& suite, demo::Play& play, const std::string& opened_with, Refusals& refusals) {
  const rpc::Caller leader = {"PROGRAM_LEADER", play.program().leader().person()};
  const rpc::Caller service = {"SERVICE", ""};
  const mentor::v1::Contact marked = MarkedWords().recommended;

  request::v1::CreateReassignmentRequest create;
  create.set_parent(play.program().name());
  create.set_candidate(play.candidate());
  create.set_reasons(absl::StrCat(kReasons, std::string(9000, 'x')));
  create.set_request_id("too-long");
  refusals.Provoke(suite, {"CANDIDATE", play.candidate()}, &demo::RequestStub::CreateReassignment, create);
  create.set_reasons(absl::StrCat(kReasons, " and others"));
  create.set_request_id(opened_with);
  refusals.Provoke(suite, {"CANDIDATE", play.candidate()}, &demo::RequestStub::CreateReassignment, create);
  create.set_candidate(absl::StrCat(play.program().name(), "/candidates/", kMark, " ", kReferred));
  create.set_request_id("no-such");
  refusals.Provoke(suite, leader, &demo::RequestStub::CreateReassignment, create);

  request::v1::RecommendPersonRequest recommend;
  recommend.set_parent(play.case_name());
  *recommend.mutable_contact() = marked;
  recommend.set_request_id("ended");
  refusals.Provoke(suite, leader, &demo::RequestStub::RecommendPerson, recommend);
  recommend.mutable_contact()->set_display_name(absl::StrCat(kRecommended, "\r\nBcc: ", kReferred));
  recommend.mutable_contact()->set_email(absl::StrCat(kRecommended, " at nowhere"));
  recommend.mutable_contact()->set_phone(absl::StrCat(kDigits, kMark));
  recommend.set_request_id("malformed");
  refusals.Provoke(suite, leader, &demo::RequestStub::RecommendPerson, recommend);
  refusals.Provoke(suite, {"AUDITOR", kMark}, &demo::RequestStub::RecommendPerson, recommend);
  refusals.Provoke(suite, {kMark, kReferred}, &demo::RequestStub::RecommendPerson, recommend);

  request::v1::RaiseConcernRequest concern;
  concern.set_parent(play.candidate());
  concern.set_words(absl::StrCat(kReasons, std::string(9000, 'x')));
  concern.set_request_id("too-much");
  refusals.Provoke(suite, {"CANDIDATE", play.candidate()}, &demo::RequestStub::RaiseConcern, concern);
  concern.set_words(kReasons);
  refusals.Provoke(suite, {"CANDIDATE", absl::StrCat(kMark, kReferred)}, &demo::RequestStub::RaiseConcern, concern);

  request::v1::SubmitSurveyResponseRequest answer;
  answer.set_reply_code(absl::StrCat(kMark, kReferred));
  answer.set_relationship_quality(1);
  answer.set_words(kReasons);
  answer.set_request_id("answer");
  refusals.Provoke(suite, service, &demo::RequestStub::SubmitSurveyResponse, answer);

  request::v1::RespondToOfferRequest respond;
  respond.set_reply_code(absl::StrCat(kMark, kReferred));
  respond.set_answer(request::v1::YES);
  *respond.mutable_referral() = marked;
  respond.set_request_id("code");
  refusals.Provoke(suite, {"MENTOR", absl::StrCat(kConsortium, "/mentors/x")}, &demo::RequestStub::RespondToOffer, respond);

  request::v1::CloseReassignmentRequest close;
  close.set_name(play.case_name());
  close.set_ground(request::v1::NO_MENTOR_FOUND);
  close.set_note(kNote);
  close.set_request_id("ended-too");
  refusals.Provoke(suite, leader, &demo::RequestStub::CloseReassignment, close);

  mentor::v1::CreateMentorRequest mentor;
  mentor.set_parent(kConsortium);
  mentor.set_request_id("same-address");
  *mentor.mutable_mentor() = play.directory().mentors.begin()->second;
  mentor.mutable_mentor()->clear_name();
  refusals.Provoke(suite, service, &demo::MentorStub::CreateMentor, mentor);
  mentor.mutable_mentor()->mutable_contact()->set_email(absl::StrCat(kMark, "@"));
  mentor.mutable_mentor()->mutable_contact()->set_display_name(absl::StrCat(kMark, "\n"));
  mentor.set_request_id("bad-address");
  refusals.Provoke(suite, service, &demo::MentorStub::CreateMentor, mentor);

  notify::v1::SendNotificationRequest send;
  send.set_parent(kConsortium);
  send.set_notification_id("canary");
  send.set_request_id("send");
  send.mutable_notification()->set_template_("templates/first_approach");
  send.mutable_notification()->mutable_to()->set_display_name(absl::StrCat(kMark, "\r\nBcc: x@y.example"));
  send.mutable_notification()->mutable_to()->set_email(absl::StrCat(kMark, "@canyon.example\r\n"));
  (*send.mutable_notification()->mutable_variables())["mentor_name"] = kRecommended;
  refusals.Provoke(suite, service, &demo::NotifyStub::SendNotification, send);

  // A roster whose rows are wrong: what they hold is not repeated either.
  SmallRoster bad;
  bad.mark = absl::StrCat(kMark, "\n");
  const absl::Status import = Import(suite, bad, "bad-import");
  ASSERT_FALSE(import.ok());
  EXPECT_THAT(CanariesIn(std::string(import.message())), IsEmpty());
}

void PlayMarked(bool mysql, bool experienced, absl::StatusOr<demo::Expected> (*tell)(demo::Play&, const demo::Words&),
                const std::string& opened_with = "play-1") {
  WorkFolder folder;
  const Stores stores(mysql);
  SmallRoster roster;
  roster.experienced = experienced;
  roster.mark = kMark;
  roster.digits = kDigits;
  auto stage =
      Prepare(stores.Under({.bin_dir = BinDir(),
                            .work_dir = folder.path(),
                            .policy = folder.Write("policy", PolicyInSeconds{.individual = 1, .broadcast = 1, .recommendation = 1}.Text()),
                            .log_level = "debug"}),
              roster);
  ASSERT_TRUE(stage.ok()) << stage.status();
  demo::Suite& suite = *stage->suite;
  demo::Narrator silent;
  demo::Play play(
      {.suite = suite, .directory = stage->directory, .narrator = silent, .candidate = stage->Candidate(roster), .key = "play"});
  auto expected = tell(play, MarkedWords());
  ASSERT_TRUE(expected.ok()) << expected.status();
  Refusals refusals;
  ASSERT_NO_FATAL_FAILURE(ProvokeErrors(suite, play, opened_with, refusals));

  // Nor are they in the trail, which auditors read.
  auto events = play.Events();
  ASSERT_TRUE(events.ok()) << events.status();
  for (const auto& event : *events) EXPECT_THAT(CanariesIn(event.DebugString()), IsEmpty()) << "in an event";

  // The marks are where they belong, so that their absence elsewhere says something.
  auto c = play.Get();
  ASSERT_TRUE(c.ok());
  EXPECT_EQ(c->reasons(), kReasons);
  EXPECT_FALSE(CanariesIn(demo::ReadMailbox(suite.mail_dir(), roster.CandidateEmail(0)).at(0).text).empty());

  EXPECT_GE(refusals.count(), 10);
  EXPECT_THAT(CanariesIn(refusals.text()), IsEmpty()) << "in an error";
  for (demo::Part part : demo::kParts) {
    for (int replica = 0; replica < suite.replicas(); ++replica) {
      auto metrics = suite.Metrics(part, replica);
      ASSERT_TRUE(metrics.ok()) << metrics.status();
      EXPECT_THAT(*metrics, testing::HasSubstr("rematch_rpc_seconds"));
      EXPECT_THAT(CanariesIn(*metrics), IsEmpty()) << "in the metrics of " << demo::NameOf(part);
      auto code = suite.Terminate(part, absl::Seconds(20), replica);
      ASSERT_TRUE(code.ok()) << code.status();
      const std::string log = suite.log(part, replica);
      EXPECT_THAT(log, testing::HasSubstr("serving"));
      EXPECT_THAT(CanariesIn(log), IsEmpty()) << "in the log of " << demo::NameOf(part);
    }
  }
}

class Canary : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(On, Canary, testing::Bool(), Stores::Name);

TEST_P(Canary, NothingPrivateOfAnIndividualSearchIsInLogsMetricsOrErrors_F23) { PlayMarked(GetParam(), true, demo::TellDeclineSilenceYes); }

TEST_P(Canary, NothingPrivateOfABroadcastAndARecommendationIsInLogsMetricsOrErrors_F23) {
  PlayMarked(GetParam(), false, demo::TellNobodyInPool);
}

TEST_P(Canary, NothingPrivateOfASurveyAndAConcernIsInLogsMetricsOrErrors_F12_F23) {
  PlayMarked(GetParam(), true, demo::TellSurveyAndHoliday, /*opened_with=*/"");
}

}  // namespace
}  // namespace rematch::scenario
