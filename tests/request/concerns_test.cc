// Concerns, surveys, and the letters to candidates that are of no case.
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "request-service/domain/letters.h"
#include "request-service/domain/reasons.h"
#include "tests/request/request_harness.h"

namespace rematch::request::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

using Result = v1::SubmitSurveyResponseResponse;

constexpr absl::Duration kCheckInAfter = absl::Hours(720);

v1::EscalationPolicy Caring() {
  v1::EscalationPolicy policy = TestPolicy();
  policy.set_welcome_letter(true);
  policy.set_concern_at_or_below(2);
  policy.mutable_check_in_after()->set_amount(30);
  policy.mutable_check_in_after()->set_unit(v1::Window::DAYS);
  return policy;
}

// Candidates of mentor "old"; `old` leads nothing.
class ConcernsTest : public ::testing::Test {
 protected:
  ConcernsTest() {
    h.mentor.AddMentor("old", 10);
    h.mentor.AddMentor("m1", 5);
  }

  absl::StatusOr<v1::Concern> Raise(const std::string& candidate, const rpc::Caller& caller, bool asks_for_change = false,
                                    const std::string& words = "we never talk") {
    v1::RaiseConcernRequest request;
    request.set_parent(candidate);
    request.set_words(words);
    request.set_asks_for_change(asks_for_change);
    return h.Write(caller, &Concerns::RaiseConcern, request);
  }
  absl::StatusOr<v1::Concern> GetConcern(const std::string& name, const rpc::Caller& caller = AsLeader()) {
    v1::GetConcernRequest request;
    request.set_name(name);
    return h.Call(caller, &Concerns::GetConcern, request);
  }
  std::vector<v1::Concern> List(bool open_only = true, const rpc::Caller& caller = AsLeader(), const std::string& program = kProgram) {
    v1::ListConcernsRequest request;
    request.set_parent(program);
    request.set_open_only(open_only);
    const auto listed = h.Call(caller, &Concerns::ListConcerns, request);
    EXPECT_TRUE(listed.ok()) << listed.status();
    return listed.ok() ? std::vector<v1::Concern>(listed->concerns().begin(), listed->concerns().end()) : std::vector<v1::Concern>();
  }
  absl::StatusOr<v1::Concern> Resolve(const std::string& name, v1::Concern::Outcome outcome, const rpc::Caller& caller = AsLeader(),
                                      const std::string& note = "we talked") {
    v1::ResolveConcernRequest request;
    request.set_name(name);
    request.set_outcome(outcome);
    request.set_note(note);
    return h.Write(caller, &Concerns::ResolveConcern, request);
  }
  absl::StatusOr<v1::Reassignment> OpenCase(const v1::Concern& concern, bool consents, const rpc::Caller& caller = AsLeader()) {
    v1::CreateReassignmentRequest request;
    request.set_parent(kProgram);
    request.set_candidate(concern.candidate());
    request.set_concern(concern.name());
    request.set_candidate_consents(consents);
    return h.Write(caller, &Reassignments::CreateReassignment, request);
  }
  absl::StatusOr<v1::Survey> SendSurvey(const rpc::Caller& caller = AsLeader(), bool validate_only = false) {
    v1::SendSurveyRequest request;
    request.set_parent(kProgram);
    request.set_validate_only(validate_only);
    const auto sent = h.Write(caller, &Concerns::SendSurvey, request);
    // Its letters are nobody's own: whoever has room finds them.
    h.Advance(absl::Seconds(2));
    return sent;
  }
  // The code of the newest letter of this kind to a candidate.
  std::string CodeOf(const std::string& id, const std::string& kind = "mid_year_survey") {
    std::string code;
    for (const nv1::Notification& message : h.notify.Messages(kind)) {
      if (message.to().email() == id + "@candidates.example") code = message.variables().at("reply_code");
    }
    return code;
  }
  absl::StatusOr<Result> Answer(const std::string& code, int quality, bool asks_for_change = false, const std::string& words = "") {
    v1::SubmitSurveyResponseRequest request;
    request.set_reply_code(code);
    request.set_relationship_quality(quality);
    request.set_asks_for_change(asks_for_change);
    request.set_words(words);
    return h.Write(AsService(), &Concerns::SubmitSurveyResponse, request);
  }
  absl::StatusOr<Result> AnswerByName(const std::string& name, int quality, const rpc::Caller& caller) {
    v1::SubmitSurveyResponseRequest request;
    request.set_name(name);
    request.set_relationship_quality(quality);
    return h.Write(caller, &Concerns::SubmitSurveyResponse, request);
  }
  v1::ListSurveyResultsResponse ResultsOf(const std::string& survey, const rpc::Caller& caller = AsLeader()) {
    v1::ListSurveyResultsRequest request;
    request.set_parent(survey);
    const auto results = h.Call(caller, &Concerns::ListSurveyResults, request);
    EXPECT_TRUE(results.ok()) << results.status();
    return results.value_or(v1::ListSurveyResultsResponse());
  }
  std::vector<v1::Survey> Surveys() {
    v1::ListSurveysRequest request;
    request.set_parent(kProgram);
    const auto listed = h.Call(AsLeader(), &Concerns::ListSurveys, request);
    EXPECT_TRUE(listed.ok()) << listed.status();
    return {listed->surveys().begin(), listed->surveys().end()};
  }
  // Open ones of the program, of this kind.
  std::vector<v1::Task> Tasks(v1::TaskKind kind, const rpc::Caller& caller = AsLeader()) {
    v1::ListTasksRequest request;
    request.set_parent(kProgram);
    request.set_open_only(true);
    const auto listed = h.Call(caller, &Reassignments::ListTasks, request);
    EXPECT_TRUE(listed.ok()) << listed.status();
    std::vector<v1::Task> found;
    for (const v1::Task& task : listed->tasks()) {
      if (task.kind() == kind) found.push_back(task);
    }
    return found;
  }
  // A case of `id` that is complete, with m1 as the new mentor.
  std::string Completed(const std::string& id) {
    const std::string name = h.Open(id);
    EXPECT_TRUE(h.Proceed(name).ok());
    h.Settle();
    EXPECT_TRUE(h.Reply("m1", v1::YES).ok());
    EXPECT_TRUE(h.Confirm(h.Offers(name)[0].name()).ok());
    EXPECT_TRUE(h.CallUp(name, v1::CALL_CANDIDATE, v1::AGREED).ok());
    h.Settle();
    EXPECT_EQ(h.Get(name).state(), v1::COMPLETED);
    return name;
  }

  Harness h{{.policy = Caring()}};
};

// --- Letters ---

class LettersTest : public ConcernsTest {};

TEST_F(LettersTest, EveryNewCandidateIsToldOnceWhomToTurnTo_F1) {
  h.mentor.Enroll("ann", "old");
  h.Settle();
  const auto letters = h.notify.Messages("welcome");
  ASSERT_THAT(letters, SizeIs(1));
  EXPECT_EQ(letters[0].to().email(), "ann@candidates.example");
  EXPECT_EQ(letters[0].reply_to().email(), "lena@program.example");
  EXPECT_EQ(letters[0].program(), kProgram) << "in whose words it may be";
  EXPECT_EQ(letters[0].variables().at("candidate_name"), "Candidate ann");
  EXPECT_EQ(letters[0].variables().at("leader_name"), "Lena Leader");
  EXPECT_THAT(letters[0].readers(), UnorderedElementsAre(kLeader, kAlternate));
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM effects"), 0);
  // The feed is read again, as after a cursor that was lost.
  h.Execute("DELETE FROM cursors WHERE feed = 'roster'");
  h.Restart();
  h.Settle();
  EXPECT_THAT(h.notify.Messages("welcome"), SizeIs(1));
}

TEST_F(LettersTest, WhoHasLeftBeforeItIsSentIsToldNothing) {
  h.notify.SetBefore([](std::string_view) { return absl::UnavailableError("away"); });
  const std::string ann = h.mentor.Enroll("ann", "old");
  h.Settle();
  h.mentor.Unenroll(ann);
  h.Settle();
  h.notify.SetBefore(nullptr);
  h.Advance(absl::Minutes(1));
  EXPECT_THAT(h.notify.Messages("welcome"), IsEmpty());
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM effects"), 0);
}

TEST_F(LettersTest, OneThatDoesNotArriveIsATaskUntilTheCandidateWasTold_F1_F11) {
  h.notify.Bounce("ann@candidates.example");
  const std::string ann = h.mentor.Enroll("ann", "old");
  h.Settle();
  ASSERT_THAT(Tasks(v1::TELL_CANDIDATE), SizeIs(1));
  const v1::Task task = Tasks(v1::TELL_CANDIDATE)[0];
  EXPECT_EQ(task.owner(), kLeader);
  EXPECT_EQ(task.about(), ann);
  EXPECT_EQ(task.cause(), "BOUNCED");
  EXPECT_TRUE(task.subject().empty()) << "it asks nothing";
  v1::RecordLetterToldRequest told;
  told.set_name(task.name());
  EXPECT_EQ(ReasonOf(h.Write(AsLeader(kOtherLeader), &Concerns::RecordLetterTold, told).status()), reason::kTaskNotFound);
  const auto done = h.Write(AsLeader(), &Concerns::RecordLetterTold, told);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_TRUE(done->has_end_time());
  EXPECT_THAT(Tasks(v1::TELL_CANDIDATE), IsEmpty());
  EXPECT_EQ(ReasonOf(h.Write(AsLeader(), &Concerns::RecordLetterTold, told).status()), reason::kTaskNotFound);
}

TEST_F(LettersTest, AreOnlySentWhereThePolicySaysSo_F1_F15) {
  v1::EscalationPolicy policy = Caring();
  policy.set_welcome_letter(false);
  Harness quiet{{.policy = policy}};
  quiet.mentor.AddMentor("old", 10);
  quiet.mentor.Enroll("ann", "old");
  quiet.Settle();
  EXPECT_THAT(quiet.notify.Messages(), IsEmpty());
}

// --- Surveys ---

TEST_F(ConcernsTest, ASurveyAsksEveryCandidateWhoHasAMentorByALetterOfTheirOwn_F12) {
  h.mentor.AddCandidate("ann", "old");
  h.mentor.AddCandidate("bea", "m1");
  h.mentor.AddCandidate("cy", "");
  h.mentor.Unenroll(h.mentor.AddCandidate("dan", "old"));
  h.Settle();
  const auto tried = SendSurvey(AsLeader(), /*validate_only=*/true);
  ASSERT_TRUE(tried.ok()) << tried.status();
  EXPECT_EQ(tried->invited(), 2);
  h.Settle();
  EXPECT_THAT(h.notify.Messages("mid_year_survey"), IsEmpty());
  EXPECT_THAT(Surveys(), IsEmpty());

  const auto survey = SendSurvey();
  ASSERT_TRUE(survey.ok()) << survey.status();
  h.Settle();
  EXPECT_EQ(survey->invited(), 2);
  EXPECT_EQ(survey->concern_at_or_below(), 2);
  EXPECT_EQ(survey->creator(), kLeader);
  ASSERT_THAT(h.notify.Messages("mid_year_survey"), SizeIs(2));
  EXPECT_NE(CodeOf("ann"), CodeOf("bea"));
  EXPECT_FALSE(CodeOf("ann").empty());
  ASSERT_THAT(Surveys(), SizeIs(1));
  EXPECT_EQ(Surveys()[0].name(), survey->name());
  EXPECT_EQ(Surveys()[0].answered(), 0);
  const v1::ListSurveyResultsResponse results = ResultsOf(survey->name());
  ASSERT_EQ(results.responses_size(), 2);
  EXPECT_EQ(results.responses(0).candidate(), CandidateName("ann"));
  EXPECT_EQ(results.responses(0).state(), v1::SurveyResponse::INVITED);
}

TEST_F(ConcernsTest, ASurveyThatIsAskedForTwiceIsSentOnce_F32) {
  h.mentor.AddCandidate("ann", "old");
  v1::SendSurveyRequest request;
  request.set_parent(kProgram);
  request.set_request_id("once");
  const auto first = h.Call(AsLeader(), &Concerns::SendSurvey, request);
  const auto again = h.Call(AsLeader(), &Concerns::SendSurvey, request);
  ASSERT_TRUE(first.ok() && again.ok());
  EXPECT_EQ(first->SerializeAsString(), again->SerializeAsString());
  h.Advance(absl::Seconds(2));
  EXPECT_THAT(h.notify.Messages("mid_year_survey"), SizeIs(1));
}

TEST_F(ConcernsTest, ALowAnswerIsAPrivateConcernAndNeverACase_F12) {
  const std::string ann = h.mentor.AddCandidate("ann", "old");
  h.mentor.AddCandidate("bea", "old");
  const auto survey = SendSurvey();
  h.Settle();
  EXPECT_EQ(Answer(CodeOf("bea"), 3, false, "fine")->result(), Result::RECORDED);
  EXPECT_THAT(List(), IsEmpty()) << "3 is above the threshold";
  EXPECT_EQ(Answer(CodeOf("ann"), 2, false, "we never talk")->result(), Result::RECORDED);
  ASSERT_THAT(List(), SizeIs(1));
  const auto concern = GetConcern(List()[0].name());
  ASSERT_TRUE(concern.ok()) << concern.status();
  EXPECT_EQ(concern->candidate(), ann);
  EXPECT_EQ(concern->source(), v1::Concern::SURVEY);
  EXPECT_EQ(concern->relationship_quality(), 2);
  EXPECT_EQ(concern->words(), "we never talk");
  EXPECT_FALSE(concern->candidate_consents());
  EXPECT_EQ(concern->owner(), kLeader);
  ASSERT_THAT(Tasks(v1::RESOLVE_CONCERN), SizeIs(1));
  EXPECT_EQ(Tasks(v1::RESOLVE_CONCERN)[0].subject(), concern->name());
  EXPECT_EQ(Tasks(v1::RESOLVE_CONCERN)[0].about(), ann);
  EXPECT_TRUE(List()[0].words().empty()) << "lists carry no words";
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM cases"), 0);
  const v1::ListSurveyResultsResponse results = ResultsOf(survey->name());
  EXPECT_EQ(results.survey().answered(), 2);
  EXPECT_EQ(results.responses(0).concern(), concern->name());
}

TEST_F(ConcernsTest, WhoAsksForAChangeInASurveyHasConsentedWhateverTheyJudge_F1_F12) {
  h.mentor.AddCandidate("ann", "old");
  ASSERT_TRUE(SendSurvey().ok());
  h.Settle();
  EXPECT_EQ(Answer(CodeOf("ann"), 4, /*asks_for_change=*/true, "another subject")->result(), Result::RECORDED);
  ASSERT_THAT(List(), SizeIs(1));
  EXPECT_TRUE(List()[0].candidate_consents());
  const auto opened = OpenCase(List()[0], /*consents=*/false);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(h.Get(opened->name()).reasons(), "another subject");
}

TEST_F(ConcernsTest, TheFirstAnswerCountsAndALateOneChangesNothing) {
  h.mentor.AddCandidate("ann", "old");
  h.mentor.AddCandidate("bea", "old");
  const auto survey = SendSurvey();
  h.Settle();
  EXPECT_EQ(Answer(CodeOf("ann"), 5)->result(), Result::RECORDED);
  EXPECT_EQ(Answer(CodeOf("ann"), 5)->result(), Result::RECORDED) << "the same answer twice is one";
  EXPECT_EQ(Answer(CodeOf("ann"), 1)->result(), Result::ANSWERED_BEFORE);
  EXPECT_EQ(Answer(CodeOf("ann"), 5, false, "and more")->result(), Result::ANSWERED_BEFORE) << "it says so when words are not taken";
  EXPECT_THAT(List(), IsEmpty());
  h.Advance(absl::Hours(24 * 15));
  EXPECT_EQ(Answer(CodeOf("bea"), 1)->result(), Result::SURVEY_CLOSED);
  EXPECT_THAT(List(), IsEmpty());
  EXPECT_EQ(ResultsOf(survey->name()).survey().answered(), 1);
}

TEST_F(ConcernsTest, AnAnswerIsTakenByNameFromTheCandidateAndFromWhoLeadsThem_F36) {
  const std::string ann = h.mentor.AddCandidate("ann", "old");
  const std::string bea = h.mentor.AddCandidate("bea", "old");
  const auto survey = SendSurvey();
  h.Settle();
  const std::string of_ann = survey->name() + "/responses/ann";
  const auto refused = [&](const rpc::Caller& caller) { return ReasonOf(AnswerByName(of_ann, 1, caller).status()); };
  EXPECT_EQ(refused(AsCandidate(bea)), reason::kNotFound);
  EXPECT_EQ(refused(AsLeader(kOtherLeader)), reason::kNotFound);
  EXPECT_EQ(refused(AsService()), reason::kNotFound) << "a service needs the code";
  EXPECT_EQ(AnswerByName(of_ann, 1, AsCandidate(ann))->result(), Result::RECORDED);
  EXPECT_EQ(AnswerByName(survey->name() + "/responses/bea", 1, AsLeader())->result(), Result::RECORDED);
  EXPECT_THAT(List(), SizeIs(2));
  EXPECT_EQ(ReasonOf(AnswerByName(survey->name() + "/responses/cy", 1, AsLeader()).status()), reason::kNotFound);
  // A code of an offer is no code of a survey, and the other way round.
  EXPECT_EQ(ReasonOf(Answer("nonsense", 1).status()), reason::kBadReplyCode);
  v1::RespondToOfferRequest wrong;
  wrong.set_reply_code(CodeOf("ann"));
  wrong.set_answer(v1::YES);
  EXPECT_EQ(ReasonOf(h.Write(AsService(), &Reassignments::RespondToOffer, wrong).status()), reason::kBadReplyCode);
}

TEST_F(ConcernsTest, ALetterOfASurveyThatFailsIsATaskThatTheAnswerEnds) {
  h.notify.Bounce("ann@candidates.example");
  h.mentor.AddCandidate("ann", "old");
  const auto survey = SendSurvey();
  h.Settle();
  ASSERT_THAT(Tasks(v1::TELL_CANDIDATE), SizeIs(1));
  EXPECT_EQ(Tasks(v1::TELL_CANDIDATE)[0].subject(), survey->name() + "/responses/ann");
  EXPECT_EQ(ResultsOf(survey->name()).survey().undeliverable(), 1);
  ASSERT_TRUE(AnswerByName(survey->name() + "/responses/ann", 4, AsLeader()).ok());
  EXPECT_THAT(Tasks(v1::TELL_CANDIDATE), IsEmpty());
  EXPECT_EQ(ResultsOf(survey->name()).survey().answered(), 1);
}

TEST_F(ConcernsTest, ASurveyWithoutAnybodyToAskIsRefused) {
  h.mentor.AddCandidate("cy", "");
  EXPECT_EQ(ReasonOf(SendSurvey().status()), reason::kNoCandidates);
  EXPECT_EQ(ReasonOf(SendSurvey(AsLeader(kOtherLeader)).status()), reason::kNotFound);
  h.mentor.SetBefore([](std::string_view) { return absl::UnavailableError("away"); });
  EXPECT_EQ(ReasonOf(SendSurvey().status()), reason::kPeerUnavailable);
}

// --- Concerns ---

TEST_F(ConcernsTest, ACandidateRaisesOneWithoutAskingForAChange_F12) {
  const std::string ann = h.mentor.AddCandidate("ann", "old");
  const auto raised = Raise(ann, AsCandidate(ann));
  ASSERT_TRUE(raised.ok()) << raised.status();
  EXPECT_EQ(raised->state(), v1::Concern::OPEN);
  EXPECT_TRUE(raised->words().empty()) << "what is remembered of a write is nothing private";
  EXPECT_EQ(ReasonOf(Raise(ann, AsCandidate(CandidateName("bea"))).status()), reason::kNotFound);
  const auto concern = GetConcern(raised->name());
  ASSERT_TRUE(concern.ok());
  EXPECT_EQ(concern->source(), v1::Concern::RAISED);
  EXPECT_EQ(concern->words(), "we never talk");
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM cases"), 0);

  const auto resolved = Resolve(raised->name(), v1::Concern::TALKED_OVER);
  ASSERT_TRUE(resolved.ok()) << resolved.status();
  EXPECT_EQ(resolved->state(), v1::Concern::RESOLVED);
  EXPECT_EQ(resolved->resolver(), kLeader);
  EXPECT_THAT(Tasks(v1::RESOLVE_CONCERN), IsEmpty());
  EXPECT_THAT(List(), IsEmpty());
  EXPECT_THAT(List(/*open_only=*/false), SizeIs(1));
  EXPECT_EQ(GetConcern(raised->name())->note(), "we talked");
  EXPECT_EQ(ReasonOf(Resolve(raised->name(), v1::Concern::NO_ACTION).status()), reason::kConcernResolved);
  EXPECT_EQ(Resolve(raised->name(), v1::Concern::CASE_OPENED).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ConcernsTest, BecomesACaseOnlyWithTheCandidatesConsent_F12) {
  const std::string ann = h.mentor.AddCandidate("ann", "old");
  ASSERT_TRUE(Raise(ann, AsCandidate(ann)).ok());
  const v1::Concern concern = List()[0];
  EXPECT_EQ(ReasonOf(OpenCase(concern, /*consents=*/false).status()), reason::kConsentMissing);
  EXPECT_THAT(List(), SizeIs(1));
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM cases"), 0);
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM open_cases WHERE case_id <> ''"), 0) << "nothing stands in the way of the next try";
  const auto opened = OpenCase(concern, /*consents=*/true);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(h.Get(opened->name()).reasons(), "we never talk");
  EXPECT_THAT(Tasks(v1::RESOLVE_CONCERN), IsEmpty());
  const auto resolved = GetConcern(concern.name());
  EXPECT_EQ(resolved->outcome(), v1::Concern::CASE_OPENED);
  EXPECT_EQ(resolved->reassignment(), opened->name());
  EXPECT_TRUE(resolved->candidate_consents());
  EXPECT_TRUE(h.Verify(opened->name()).intact());
}

TEST_F(ConcernsTest, StaysOpenWhenItsCaseIsRefused_F12_F32) {
  const std::string ann = h.mentor.AddCandidate("ann", "old");
  ASSERT_TRUE(Raise(ann, AsCandidate(ann)).ok());
  const v1::Concern concern = List()[0];
  h.OpenFor(ann);
  EXPECT_EQ(ReasonOf(OpenCase(concern, true).status()), reason::kCaseAlreadyOpen);
  EXPECT_THAT(List(), SizeIs(1));
  ASSERT_TRUE(Resolve(concern.name(), v1::Concern::NO_ACTION).ok());
  v1::WithdrawReassignmentRequest withdraw;
  withdraw.set_name(h.Get(h.core().reader().OpenCases("c1", "p1")->front().Name()).name());
  ASSERT_TRUE(h.Write(AsLeader(), &Reassignments::WithdrawReassignment, withdraw).ok());
  EXPECT_EQ(ReasonOf(OpenCase(concern, true).status()), reason::kConcernResolved);
  // Of somebody else it is none.
  v1::Concern other = concern;
  other.set_candidate(h.mentor.AddCandidate("bea", "old"));
  EXPECT_EQ(ReasonOf(OpenCase(other, true).status()), reason::kNotFound);
  EXPECT_EQ(OpenCase(concern, true, AsCandidate(ann)).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ConcernsTest, IsNotForTheMentorWhomItIsAbout_F35) {
  const std::string ann = h.mentor.AddCandidate("ann", "lena");  // the leader's own record
  EXPECT_EQ(ReasonOf(Raise(ann, AsLeader()).status()), reason::kNotFound);
  const auto raised = Raise(ann, AsCandidate(ann));
  ASSERT_TRUE(raised.ok()) << raised.status();
  EXPECT_EQ(raised->owner(), kAlternate);
  EXPECT_THAT(List(false), IsEmpty());
  EXPECT_EQ(ReasonOf(GetConcern(raised->name()).status()), reason::kNotFound);
  EXPECT_EQ(ReasonOf(Resolve(raised->name(), v1::Concern::TALKED_OVER).status()), reason::kNotFound);
  EXPECT_THAT(Tasks(v1::RESOLVE_CONCERN), IsEmpty());
  EXPECT_THAT(Tasks(v1::RESOLVE_CONCERN, AsLeader(kAlternate)), SizeIs(1));
  EXPECT_THAT(List(true, AsLeader(kAlternate)), SizeIs(1));

  const auto survey = SendSurvey();
  h.Settle();
  EXPECT_EQ(h.notify.Messages("mid_year_survey")[0].reply_to().email(), "alex@program.example");
  EXPECT_THAT(h.notify.Messages("mid_year_survey")[0].readers(), IsEmpty()) << "it holds a code that speaks for the candidate";
  ASSERT_TRUE(Answer(CodeOf("ann"), 1, false, "she is never there").ok());
  EXPECT_THAT(List(false), IsEmpty());
  EXPECT_EQ(ResultsOf(survey->name()).responses_size(), 0);
  EXPECT_EQ(ResultsOf(survey->name(), AsLeader(kAlternate)).responses(0).words(), "she is never there");
  EXPECT_EQ(ReasonOf(AnswerByName(survey->name() + "/responses/ann", 5, AsLeader()).status()), reason::kNotFound);
}

TEST_F(ConcernsTest, WhereNobodyElseCouldReadItNothingIsTakenDown_F35) {
  h.mentor.RemoveAlternate();
  const std::string ann = h.mentor.AddCandidate("ann", "lena");
  EXPECT_EQ(ReasonOf(Raise(ann, AsCandidate(ann)).status()), reason::kNoAlternate);
  EXPECT_EQ(ReasonOf(SendSurvey().status()), reason::kNoCandidates) << "she is not asked what only her mentor would read";
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM concerns"), 0);
}

TEST_F(ConcernsTest, IsReadByItsOwnLeadersAndNobodyElse_F21_F36) {
  const std::string ann = h.mentor.AddCandidate("ann", "old");
  const auto raised = Raise(ann, AsCandidate(ann));
  for (const rpc::Caller& caller : {AsCandidate(ann), AsService(), AsAuditor()}) {
    EXPECT_EQ(ReasonOf(GetConcern(raised->name(), caller).status()), reason::kCaseNotFound);
  }
  EXPECT_EQ(ReasonOf(GetConcern(raised->name(), AsLeader(kOtherLeader)).status()), reason::kNotFound);
  v1::ListConcernsRequest list;
  list.set_parent(kProgram);
  EXPECT_EQ(ReasonOf(h.Call(AsLeader(kOtherLeader), &Concerns::ListConcerns, list).status()), reason::kNotFound);
  EXPECT_THAT(List(true, AsLeader(kOtherLeader), "consortia/c1/programs/p2"), IsEmpty());
  EXPECT_TRUE(GetConcern(raised->name(), AsLeader(kAlternate)).ok());
  // Whoever leads the program from now on reads it, and whoever did does not.
  h.mentor.SetLeader(kOtherLeader, "");
  EXPECT_TRUE(GetConcern(raised->name(), AsLeader(kOtherLeader)).ok());
  EXPECT_EQ(ReasonOf(GetConcern(raised->name()).status()), reason::kNotFound);
}

TEST_F(ConcernsTest, ItsTaskIsPutOffAndListedInPages_F38) {
  const std::string ann = h.mentor.AddCandidate("ann", "old");
  ASSERT_TRUE(Raise(ann, AsCandidate(ann)).ok());
  h.clock.Advance(absl::Seconds(1));
  ASSERT_TRUE(Raise(ann, AsLeader(), false, "again").ok());
  const std::vector<v1::Task> tasks = Tasks(v1::RESOLVE_CONCERN);
  ASSERT_THAT(tasks, SizeIs(2));
  v1::SnoozeTaskRequest snooze;
  snooze.set_name(tasks[0].name());
  snooze.mutable_until_time()->set_seconds(absl::ToUnixSeconds(h.clock.Now() + absl::Hours(48)));
  const auto put_off = h.Write(AsLeader(), &Reassignments::SnoozeTask, snooze);
  ASSERT_TRUE(put_off.ok()) << put_off.status();
  EXPECT_EQ(put_off->name(), tasks[0].name());
  EXPECT_EQ(Tasks(v1::RESOLVE_CONCERN)[1].name(), tasks[0].name()) << "it is due last";
  v1::ListConcernsRequest list;
  list.set_parent(kProgram);
  list.set_page_size(1);
  const auto first = h.Call(AsLeader(), &Concerns::ListConcerns, list);
  ASSERT_TRUE(first.ok());
  list.set_page_token(first->next_page_token());
  const auto second = h.Call(AsLeader(), &Concerns::ListConcerns, list);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_GT(first->concerns(0).name(), second->concerns(0).name());
  EXPECT_TRUE(second->next_page_token().empty());
}

TEST_F(ConcernsTest, ItsTaskMovesWithAHolidayUnlessItWasPutOff_F37) {
  v1::EscalationPolicy policy = Caring();
  policy.mutable_task_due_after()->set_amount(2);
  policy.mutable_task_due_after()->set_unit(v1::Window::WORKING_DAYS);
  Harness h2{{.policy = policy}};
  h2.mentor.AddMentor("old", 10);
  const auto raise = [&h2](const std::string& id) {
    v1::RaiseConcernRequest request;
    request.set_parent(h2.mentor.AddCandidate(id, "old"));
    request.set_words("we never talk");
    EXPECT_TRUE(h2.Write(AsLeader(), &Concerns::RaiseConcern, request).ok());
  };
  const auto due_days = [&h2] {
    v1::ListTasksRequest request;
    request.set_parent(kProgram);
    request.set_open_only(true);
    const auto listed = h2.Call(AsLeader(), &Reassignments::ListTasks, request);
    std::map<std::string, int64_t> hours;
    for (const v1::Task& task : listed->tasks()) hours[task.about()] = (task.due_time().seconds() - absl::ToUnixSeconds(Monday())) / 3600;
    return hours;
  };
  raise("ann");
  raise("bea");
  h2.mentor.Retire("old");  // and both are a task because of that, too
  h2.Settle();
  v1::ListTasksRequest list;
  list.set_parent(kProgram);
  const auto tasks = h2.Call(AsLeader(), &Reassignments::ListTasks, list);
  ASSERT_EQ(tasks->tasks_size(), 4);
  v1::SnoozeTaskRequest snooze;
  snooze.mutable_until_time()->set_seconds(absl::ToUnixSeconds(h2.clock.Now() + absl::Hours(50)));
  for (const v1::Task& task : tasks->tasks()) {
    if (task.about() != CandidateName("bea")) continue;
    snooze.set_name(task.name());
    ASSERT_TRUE(h2.Write(AsLeader(), &Reassignments::SnoozeTask, snooze).ok());
  }
  EXPECT_EQ(due_days()[CandidateName("ann")], 48);
  h2.mentor.CloseOn(kProgram, {"2026-03-03"});  // Tuesday
  h2.Settle();
  EXPECT_EQ(due_days()[CandidateName("ann")], 72);
  EXPECT_EQ(due_days()[CandidateName("bea")], 50);
  h2.mentor.CloseOn("consortia/c1/programs/p2", {"2026-03-04"});
  h2.Settle();
  EXPECT_EQ(due_days()[CandidateName("ann")], 72) << "another program's holiday is none of theirs";
}

// --- The check-in ---

TEST_F(ConcernsTest, AMonthAfterAChangeTheCandidateIsAskedHowItGoes_F43) {
  const std::string name = Completed("ann");
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM effects"), 1) << "it waits for its day";
  ASSERT_THAT(Surveys(), SizeIs(1));
  EXPECT_EQ(Surveys()[0].kind(), v1::Survey::CHECK_IN);
  EXPECT_EQ(Surveys()[0].reassignment(), name);
  EXPECT_EQ(ResultsOf(Surveys()[0].name()).responses(0).state(), v1::SurveyResponse::PLANNED);
  h.Advance(kCheckInAfter - absl::Hours(2));
  EXPECT_THAT(h.notify.Messages("check_in_survey"), IsEmpty());
  h.Advance(absl::Hours(3));
  ASSERT_THAT(h.notify.Messages("check_in_survey"), SizeIs(1));
  ASSERT_THAT(Tasks(v1::CHECK_IN), SizeIs(1));
  EXPECT_EQ(Tasks(v1::CHECK_IN)[0].about(), CandidateName("ann"));
  EXPECT_EQ(Answer(CodeOf("ann", "check_in_survey"), 1, false, "no better")->result(), Result::RECORDED);
  EXPECT_THAT(Tasks(v1::CHECK_IN), IsEmpty());
  ASSERT_THAT(List(), SizeIs(1));
  EXPECT_EQ(List()[0].source(), v1::Concern::CHECK_IN_SURVEY);
  EXPECT_EQ(h.Get(name).state(), v1::COMPLETED) << "the case is over";
  EXPECT_TRUE(h.Verify(name).intact());
}

TEST_F(ConcernsTest, WhoHasAnotherMentorSinceOrHasLeftIsNotAsked_F43) {
  Completed("ann");
  Completed("bea");
  h.mentor.ChangeMentorOf(CandidateName("ann"), "old");
  h.mentor.Unenroll(CandidateName("bea"));
  h.Advance(kCheckInAfter + absl::Hours(1));
  EXPECT_THAT(h.notify.Messages("check_in_survey"), IsEmpty());
  EXPECT_THAT(Tasks(v1::CHECK_IN), IsEmpty());
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM effects"), 0);
  for (const v1::Survey& survey : Surveys()) EXPECT_EQ(survey.invited(), 0);
}

TEST_F(ConcernsTest, ACheckInWaitsForNobodyWhoLeft_F33_F43) {
  Completed("ann");
  h.Advance(kCheckInAfter + absl::Hours(1));
  ASSERT_THAT(Tasks(v1::CHECK_IN), SizeIs(1));
  h.mentor.Unenroll(CandidateName("ann"));
  h.Settle();
  EXPECT_THAT(Tasks(v1::CHECK_IN), IsEmpty());
}

TEST_F(ConcernsTest, ACheckInThatDoesNotArriveIsStillATask_F39_F43) {
  Completed("ann");
  h.notify.Bounce("ann@candidates.example");
  h.Advance(kCheckInAfter + absl::Hours(1));
  ASSERT_THAT(Tasks(v1::CHECK_IN), SizeIs(1));
  EXPECT_EQ(Tasks(v1::CHECK_IN)[0].cause(), "BOUNCED");
  ASSERT_TRUE(AnswerByName(Tasks(v1::CHECK_IN)[0].subject(), 5, AsLeader()).ok());
  EXPECT_THAT(Tasks(v1::CHECK_IN), IsEmpty());
  EXPECT_THAT(List(), IsEmpty());
}

TEST_F(ConcernsTest, AnAnswerIsOfTheMentorWhomTheLetterAskedAbout_F35) {
  const std::string ann = h.mentor.AddCandidate("ann", "lena");
  const auto survey = SendSurvey();
  h.Settle();
  // The leader is no longer her mentor; what she says is still of her.
  h.mentor.ChangeMentorOf(ann, "m1");
  h.Settle();
  EXPECT_EQ(ReasonOf(AnswerByName(survey->name() + "/responses/ann", 5, AsLeader()).status()), reason::kNotFound);
  ASSERT_EQ(Answer(CodeOf("ann"), 1, false, "she was never there")->result(), Result::RECORDED);
  EXPECT_THAT(List(), IsEmpty());
  EXPECT_EQ(ResultsOf(survey->name()).responses_size(), 0);
  EXPECT_EQ(ResultsOf(survey->name()).survey().answered(), 0);
  ASSERT_THAT(List(true, AsLeader(kAlternate)), SizeIs(1));
  EXPECT_EQ(List(true, AsLeader(kAlternate))[0].owner(), kAlternate);
  // By now she would lead the case that it becomes, and reads nothing of it either.
  const auto opened = OpenCase(List(true, AsLeader(kAlternate))[0], true, AsLeader(kAlternate));
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->acting_leader(), kLeader);
  EXPECT_EQ(h.Get(opened->name()).reasons(), "");
}

TEST_F(ConcernsTest, ACheckInDoesNotWaitForWhatCannotCome_F11_F43) {
  Completed("ann");
  Completed("bea");
  Completed("cy");
  h.Advance(kCheckInAfter + absl::Hours(1));
  ASSERT_THAT(Tasks(v1::CHECK_IN), SizeIs(3));
  h.mentor.ChangeMentorOf(CandidateName("ann"), "old");
  h.Settle();
  EXPECT_THAT(Tasks(v1::CHECK_IN), SizeIs(2)) << "what it asks about is over";
  h.Advance(absl::Hours(24 * 20));
  EXPECT_EQ(Answer(CodeOf("bea", "check_in_survey"), 4)->result(), Result::SURVEY_CLOSED);
  std::map<std::string, v1::Task> by_candidate;
  for (const v1::Task& task : Tasks(v1::CHECK_IN)) by_candidate[task.about()] = task;
  // The leader has called them since.
  EXPECT_EQ(AnswerByName(by_candidate[CandidateName("bea")].subject(), 4, AsLeader())->result(), Result::RECORDED);
  v1::RecordLetterToldRequest told;
  told.set_name(by_candidate[CandidateName("cy")].name());
  EXPECT_TRUE(h.Write(AsLeader(), &Concerns::RecordLetterTold, told).ok());
  EXPECT_THAT(Tasks(v1::CHECK_IN), IsEmpty());
}

TEST_F(ConcernsTest, WhoLeadsTheProgramNextHasItsTasks_F11_F35) {
  h.notify.Bounce("ann@candidates.example");
  const std::string ann = h.mentor.Enroll("ann", "old");
  h.Settle();
  ASSERT_TRUE(Raise(ann, AsCandidate(ann)).ok());
  const std::string bea = h.mentor.AddCandidate("bea", "m1");
  ASSERT_TRUE(Raise(bea, AsCandidate(bea)).ok());
  ASSERT_THAT(Tasks(v1::RESOLVE_CONCERN), SizeIs(2));
  h.mentor.SetLeader(kOtherLeader, MentorName("m1"));
  h.mentor.CloseOn(kProgram, {});  // the feed says that something about the program is new
  h.Settle();
  EXPECT_THAT(Tasks(v1::RESOLVE_CONCERN), IsEmpty());
  EXPECT_THAT(Tasks(v1::TELL_CANDIDATE), IsEmpty());
  ASSERT_THAT(Tasks(v1::RESOLVE_CONCERN, AsLeader(kOtherLeader)), SizeIs(1)) << "but for what is about them";
  EXPECT_EQ(Tasks(v1::RESOLVE_CONCERN, AsLeader(kOtherLeader))[0].about(), ann);
  EXPECT_THAT(Tasks(v1::RESOLVE_CONCERN, AsLeader(kAlternate)), SizeIs(2));
  ASSERT_THAT(Tasks(v1::TELL_CANDIDATE, AsLeader(kOtherLeader)), SizeIs(1));
  v1::RecordLetterToldRequest told;
  told.set_name(Tasks(v1::TELL_CANDIDATE, AsLeader(kOtherLeader))[0].name());
  EXPECT_TRUE(h.Write(AsLeader(kOtherLeader), &Concerns::RecordLetterTold, told).ok());
}

TEST_F(ConcernsTest, ThatThereIsOneIsNotEvenForServicesAndAuditors_F12) {
  const std::string ann = h.mentor.AddCandidate("ann", "old");
  ASSERT_TRUE(Raise(ann, AsCandidate(ann)).ok());
  h.Open("bea");
  EXPECT_THAT(Tasks(v1::RESOLVE_CONCERN), SizeIs(1));
  for (const rpc::Caller& caller : {AsService(), AsAuditor()}) {
    EXPECT_THAT(Tasks(v1::RESOLVE_CONCERN, caller), IsEmpty());
    EXPECT_THAT(Tasks(v1::REVIEW_REASONS, caller), SizeIs(1)) << "others they see";
  }
}

TEST_F(LettersTest, AFailureThatIsReportedFirstIsATaskAllTheSame_F39) {
  const std::string ann = h.mentor.Enroll("ann", "old");
  // Accepted and bounced, but the answer is lost.
  h.notify.Bounce("ann@candidates.example");
  h.notify.SetBehind([](std::string_view method) {
    return method == "SendNotification" ? absl::UnavailableError("lost on the way back") : absl::OkStatus();
  });
  h.Settle();
  EXPECT_THAT(Tasks(v1::TELL_CANDIDATE), IsEmpty());
  h.notify.SetBehind(nullptr);
  h.Advance(absl::Minutes(1));
  ASSERT_THAT(Tasks(v1::TELL_CANDIDATE), SizeIs(1));
  EXPECT_THAT(h.notify.Messages("welcome"), SizeIs(1));
}

TEST_F(LettersTest, OfASurveyThatIsOverAreNotSentAnyMore) {
  h.mentor.AddCandidate("ann", "old");
  h.notify.SetBefore([](std::string_view) { return absl::UnavailableError("away"); });
  const auto survey = SendSurvey();
  h.Advance(absl::Hours(24 * 15));
  h.notify.SetBefore(nullptr);
  h.Advance(absl::Minutes(5));
  EXPECT_THAT(h.notify.Messages("mid_year_survey"), IsEmpty());
  EXPECT_EQ(ResultsOf(survey->name()).responses(0).state(), v1::SurveyResponse::NOT_SENT);
  EXPECT_EQ(AnswerByName(survey->name() + "/responses/ann", 1, AsLeader())->result(), Result::SURVEY_CLOSED);
}

TEST_F(ConcernsTest, ARestartedServiceKeepsWhatWasPlanned_F43) {
  Completed("ann");
  h.Restart();
  h.Advance(kCheckInAfter + absl::Hours(1));
  EXPECT_THAT(h.notify.Messages("check_in_survey"), SizeIs(1));
  EXPECT_THAT(Tasks(v1::CHECK_IN), SizeIs(1));
}

}  // namespace
}  // namespace rematch::request::testing
