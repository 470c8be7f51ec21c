// The door of request-service and what it writes: one open case a candidate, etags, fencing, the audit trail, tasks, private words.
#include <gtest/gtest.h>

#include "request-service/domain/reasons.h"
#include "tests/request/request_harness.h"

namespace rematch::request::testing {
namespace {

class Store : public ::testing::Test {
 protected:
  Store() {
    h.mentor.AddMentor("old", 10);
    h.mentor.AddMentor("m1", 5);
  }

  // What the door makes of a command of a peer's for the first effect of `name`, under this claim.
  absl::StatusOr<std::string> AnswerEffect(const std::string& name, const std::string& row, int64_t epoch) {
    CaseCommand command;
    command.key = *CaseKey::Parse(name);
    command.command.set_actor_role("PEER");
    command.command.mutable_none_left()->set_effect(row.substr(row.rfind('.') + 1));
    command.ran = CaseCommand::Ran{.row = row, .epoch = epoch};
    return h.core().door().Commit(CommandMeta(), std::move(command));
  }
  std::string Text(const std::string& statement) {
    std::string text;
    EXPECT_TRUE(h.database()
                    .Read([&](sql::Transaction& tx) -> absl::Status {
                      REMATCH_ASSIGN_OR_RETURN(const auto rows, tx.Query(statement));
                      if (!rows.empty()) text = rows[0].Text(0);
                      return absl::OkStatus();
                    })
                    .ok());
    return text;
  }

  Harness h;
};

TEST_F(Store, OneOpenCaseACandidate_F32) {
  const std::string name = h.Open("cara");
  v1::CreateReassignmentRequest again;
  again.set_parent(kProgram);
  again.set_candidate(CandidateName("cara"));
  const auto second = h.Write(AsLeader(), &Reassignments::CreateReassignment, again);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(second.status()), reason::kCaseAlreadyOpen);
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM cases"), 1);

  v1::WithdrawReassignmentRequest withdraw;
  withdraw.set_name(name);
  ASSERT_TRUE(h.Write(AsCandidate(CandidateName("cara")), &Reassignments::WithdrawReassignment, withdraw).ok());
  EXPECT_TRUE(h.Write(AsLeader(), &Reassignments::CreateReassignment, again).ok());
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM open_cases"), 1);  // the row is updated in place
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM cases"), 2);
}

TEST_F(Store, TheLongestThatIsAcceptedComesBackWhole) {
  std::string apples;  // characters of four bytes
  while (apples.size() < 8000) apples += "\U0001F34E";
  const std::string candidate = h.mentor.AddCandidate(std::string(63, 'c'), "old");
  v1::CreateReassignmentRequest create;
  create.set_parent(kProgram);
  create.set_candidate(candidate);
  create.set_reasons(apples);
  create.set_request_id(std::string(128, 'r'));
  const auto opened = h.Write(AsCandidate(candidate), &Reassignments::CreateReassignment, create);
  ASSERT_TRUE(opened.ok()) << opened.status();
  v1::RecommendPersonRequest recommend;
  recommend.set_parent(opened->name());
  recommend.mutable_contact()->set_display_name(apples.substr(0, 200));
  recommend.mutable_contact()->set_email("pia@new.example");
  recommend.set_request_id(std::string(128, 's'));
  ASSERT_TRUE(h.Proceed(opened->name()).ok());
  const auto person = h.Write(AsLeader(), &Reassignments::RecommendPerson, recommend);
  ASSERT_TRUE(person.ok()) << person.status();
  h.Settle();
  EXPECT_EQ(h.Get(opened->name()).candidate(), candidate);
  v1::ListPeopleRequest people;
  people.set_parent(opened->name());
  EXPECT_EQ(h.Call(AsLeader(), &Reassignments::ListPeople, people)->people(0).contact().display_name(), apples.substr(0, 200));
  EXPECT_EQ(h.Get(opened->name()).reasons(), apples);
  EXPECT_TRUE(h.Verify(opened->name()).intact());
}

TEST_F(Store, TwoOpensInOneBatchAreOneCase_F32) {
  const std::string candidate = h.mentor.AddCandidate("cara", "old");
  std::vector<absl::StatusOr<v1::Reassignment>> answers;
  for (int i = 0; i < 2; ++i) {
    v1::CreateReassignmentRequest request;
    request.set_parent(kProgram);
    request.set_candidate(candidate);
    request.set_request_id(h.NewRequestId());
    h.rpcs().CreateReassignment(h.MakeCall<v1::CreateReassignmentRequest>(AsCandidate(candidate)), request,
                                rpc::Done<v1::Reassignment>(std::make_shared<absl::AnyInvocable<void(absl::StatusOr<v1::Reassignment>)>>(
                                    [&answers](absl::StatusOr<v1::Reassignment> answer) { answers.push_back(std::move(answer)); })));
  }
  ASSERT_TRUE(h.core().door().RunOnce());
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_TRUE(answers[0].ok());
  EXPECT_EQ(ReasonOf(answers[1].status()), reason::kCaseAlreadyOpen);
}

TEST_F(Store, SeveralCommandsOnOneCaseInOneBatchSeeEachOther) {
  const std::string name = h.Open("cara");
  int ok = 0;
  int refused = 0;
  for (int i = 0; i < 3; ++i) {
    v1::ReviewReassignmentRequest request;
    request.set_name(name);
    request.set_decision(v1::ReviewReassignmentRequest::PROCEED);
    request.set_request_id(h.NewRequestId());
    h.rpcs().ReviewReassignment(h.MakeCall<v1::ReviewReassignmentRequest>(AsLeader()), request,
                                rpc::Done<v1::Reassignment>(std::make_shared<absl::AnyInvocable<void(absl::StatusOr<v1::Reassignment>)>>(
                                    [&](absl::StatusOr<v1::Reassignment> answer) { ++(answer.ok() ? ok : refused); })));
  }
  ASSERT_TRUE(h.core().door().RunOnce());
  EXPECT_EQ(ok, 1);
  EXPECT_EQ(refused, 2);
  EXPECT_TRUE(h.Verify(name).intact());
}

TEST_F(Store, AnEtagThatIsNotCurrentIsRefused) {
  const std::string name = h.Open("cara");
  v1::WithdrawReassignmentRequest request;
  request.set_name(name);
  request.set_etag(h.Get(name).etag());
  ASSERT_TRUE(h.Proceed(name).ok());
  const auto stale = h.Write(AsCandidate(CandidateName("cara")), &Reassignments::WithdrawReassignment, request);
  EXPECT_EQ(stale.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(stale.status()), reason::kEtagMismatch);
  request.set_etag(h.Get(name).etag());
  request.clear_request_id();
  EXPECT_TRUE(h.Write(AsCandidate(CandidateName("cara")), &Reassignments::WithdrawReassignment, request).ok());
}

TEST_F(Store, AnAnswerUnderAStaleClaimWritesNothing) {
  const std::string name = h.Open("cara");
  ASSERT_TRUE(h.Proceed(name).ok());
  const std::string row = Text("SELECT id FROM effects");
  ASSERT_FALSE(row.empty());
  const std::string etag = h.Get(name).etag();

  // Another replica took the row over.
  h.Execute("UPDATE effects SET owner = 'another', epoch = 2");
  EXPECT_EQ(ReasonOf(AnswerEffect(name, row, 1).status()), kStaleClaim);
  h.Execute("UPDATE effects SET owner = ?, epoch = 3", {h.core().leases().replica()});
  EXPECT_EQ(ReasonOf(AnswerEffect(name, row, 1).status()), kStaleClaim);
  EXPECT_EQ(h.Get(name).etag(), etag);
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM effects"), 1);

  EXPECT_TRUE(AnswerEffect(name, row, 3).ok());
  EXPECT_NE(h.Get(name).etag(), etag);
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM effects WHERE id = ?", {row}), 0);
  // Once only.
  EXPECT_EQ(ReasonOf(AnswerEffect(name, row, 3).status()), kStaleClaim);
}

TEST_F(Store, NewWorkStartsLeasedToTheReplicaThatMadeIt) {
  ASSERT_TRUE(h.Proceed(h.Open("cara")).ok());
  EXPECT_EQ(Text("SELECT owner FROM effects"), h.core().leases().replica());
  h.Settle();
  EXPECT_EQ(Text("SELECT owner FROM timers"), h.core().leases().replica());
  ASSERT_TRUE(h.core().work().ReleaseAll().ok());
  EXPECT_EQ(Text("SELECT owner FROM timers"), "");
}

TEST_F(Store, TheTrailShowsWhatWasChangedDroppedOrCutOff_F41) {
  const std::string name = h.Open("cara");
  ASSERT_TRUE(h.Proceed(name).ok());
  h.Settle();
  const v1::VerifyAuditTrailResponse intact = h.Verify(name);
  ASSERT_TRUE(intact.intact());
  EXPECT_EQ(intact.first_bad_sequence(), 0);
  EXPECT_EQ(intact.head_hash().size(), 64u);

  const std::string bytes = Text("SELECT event FROM events WHERE sequence = 3");
  h.Execute("UPDATE events SET event = ? WHERE sequence = 3", {sql::Bytes{bytes + "\x08\x01"}});
  EXPECT_FALSE(h.Verify(name).intact());
  EXPECT_EQ(h.Verify(name).first_bad_sequence(), 3);
  h.Execute("UPDATE events SET event = ? WHERE sequence = 3", {sql::Bytes{bytes}});
  EXPECT_TRUE(h.Verify(name).intact());

  h.Execute("UPDATE cases SET version = version, folded = ?", {sql::Bytes{[&] {
              Case changed = h.Stored(name);
              changed.set_round(9);
              return changed.SerializeAsString();
            }()}});
  EXPECT_FALSE(h.Verify(name).intact());
  EXPECT_EQ(h.Verify(name).first_bad_sequence(), 0);

  h.Execute("DELETE FROM events WHERE sequence = ?", {intact.events()});
  EXPECT_EQ(h.Verify(name).first_bad_sequence(), intact.events());
  h.Execute("DELETE FROM events WHERE sequence = 2");
  EXPECT_EQ(h.Verify(name).first_bad_sequence(), 2);
}

TEST_F(Store, TheLedgerSaysWhoLearnedWhatByWhichMessage_F24) {
  const std::string name = h.Open("cara");
  ASSERT_TRUE(h.Proceed(name).ok());
  h.Settle();
  v1::ListDisclosuresRequest request;
  request.set_parent(name);
  const auto ledger = h.Call(AsLeader(), &Reassignments::ListDisclosures, request);
  ASSERT_TRUE(ledger.ok());
  ASSERT_EQ(ledger->disclosures_size(), 1);
  EXPECT_EQ(ledger->disclosures(0).to(), MentorName("m1"));
  EXPECT_EQ(ledger->disclosures(0).facts(0), v1::Disclosure::NEED);
  EXPECT_EQ(ledger->disclosures(0).by(), h.notify.Messages("first_approach")[0].name());
}

TEST_F(Store, EventsComeInPagesWithoutGaps) {
  const std::string name = h.Open("cara");
  ASSERT_TRUE(h.Proceed(name).ok());
  h.Settle();
  v1::ListReassignmentEventsRequest request;
  request.set_parent(name);
  request.set_page_size(3);
  int64_t next = 1;
  do {
    const auto page = h.Call(AsLeader(), &Reassignments::ListReassignmentEvents, request);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const v1::ReassignmentEvent& event : page->events()) {
      EXPECT_EQ(event.sequence(), next++);
      EXPECT_FALSE(event.type().empty());
      EXPECT_EQ(event.hash().size(), 64u);
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(next - 1, h.Number("SELECT COUNT(*) FROM events"));
}

TEST_F(Store, TasksOfAProgramComeByDueTimeToTheirLeadersOnly_F36_F47) {
  for (const char* id : {"a", "b", "c", "d", "e"}) {
    h.Open(id);
    h.clock.Advance(absl::Seconds(1));
  }
  v1::ListTasksRequest request;
  request.set_parent(kProgram);
  request.set_open_only(true);
  request.set_page_size(2);
  std::vector<std::string> seen;
  int64_t last = 0;
  do {
    const auto page = h.Call(AsLeader(), &Reassignments::ListTasks, request);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LE(page->tasks_size(), 2);
    for (const v1::Task& task : page->tasks()) {
      EXPECT_GE(task.due_time().seconds(), last);
      last = task.due_time().seconds();
      EXPECT_EQ(task.owner(), kLeader);
      seen.push_back(task.name());
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(seen.size(), 5u);
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 5u);

  request.clear_page_size();
  EXPECT_EQ(h.Call(AsLeader(kOtherLeader), &Reassignments::ListTasks, request)->tasks_size(), 0);
  EXPECT_EQ(h.Call(AsLeader(kAlternate), &Reassignments::ListTasks, request)->tasks_size(), 5);
  EXPECT_EQ(h.Call(AsAuditor(), &Reassignments::ListTasks, request)->tasks_size(), 5);

  // Ended tasks stay, and are left out on request.
  ASSERT_TRUE(h.Proceed(seen[0].substr(0, seen[0].find("/tasks/"))).ok());
  EXPECT_EQ(h.Call(AsLeader(), &Reassignments::ListTasks, request)->tasks_size(), 4);
  request.set_open_only(false);
  EXPECT_EQ(h.Call(AsLeader(), &Reassignments::ListTasks, request)->tasks_size(), 5);
}

TEST_F(Store, CasesComeNewestFirstInPages) {
  std::vector<std::string> names;
  for (const char* id : {"a", "b", "c"}) {
    names.insert(names.begin(), h.Open(id));
    h.clock.Advance(absl::Milliseconds(5));
  }
  v1::ListReassignmentsRequest request;
  request.set_parent(kProgram);
  request.set_page_size(2);
  const auto first = h.Call(AsLeader(), &Reassignments::ListReassignments, request);
  ASSERT_TRUE(first.ok());
  ASSERT_EQ(first->reassignments_size(), 2);
  EXPECT_EQ(first->reassignments(0).name(), names[0]);
  EXPECT_TRUE(first->reassignments(0).reasons().empty());
  request.set_page_token(first->next_page_token());
  const auto second = h.Call(AsLeader(), &Reassignments::ListReassignments, request);
  ASSERT_EQ(second->reassignments_size(), 1);
  EXPECT_EQ(second->reassignments(0).name(), names[2]);
  EXPECT_TRUE(second->next_page_token().empty());
  // A token is good for its own question only.
  request.set_open_only(true);
  EXPECT_EQ(h.Call(AsLeader(), &Reassignments::ListReassignments, request).status().code(), absl::StatusCode::kInvalidArgument);
  // Candidates see their own.
  v1::ListReassignmentsRequest mine;
  mine.set_parent(kProgram);
  EXPECT_EQ(h.Call(AsCandidate(CandidateName("a")), &Reassignments::ListReassignments, mine)->reassignments_size(), 1);
}

TEST_F(Store, PoliciesStayAndTheActiveOneComesFirst_F15) {
  const std::string name = h.Open("cara");
  const std::string pinned = h.Get(name).policy();
  v1::EscalationPolicy other = TestPolicy();
  other.set_display_name("Another");
  h.clock.Advance(absl::Seconds(1));
  ASSERT_TRUE(h.core().policies().Activate(other).ok());
  const auto versions = h.Call(AsLeader(), &Reassignments::ListPolicyVersions, v1::ListPolicyVersionsRequest());
  ASSERT_TRUE(versions.ok());
  ASSERT_EQ(versions->policies_size(), 2);
  EXPECT_TRUE(versions->policies(0).active());
  EXPECT_EQ(versions->policies(0).policy().display_name(), "Another");
  EXPECT_EQ(versions->policies(1).name(), pinned);
  EXPECT_FALSE(versions->policies(1).active());
  EXPECT_EQ(h.Get(name).policy(), pinned);
  v1::GetPolicyVersionRequest get;
  get.set_name(pinned);
  EXPECT_EQ(h.Call(AsLeader(), &Reassignments::GetPolicyVersion, get)->content_hash(), versions->policies(1).content_hash());
}

TEST_F(Store, ASecretIsMadeOnceAndACursorNeverGoesBack) {
  platform::SeededRandom one(1);
  platform::SeededRandom two(2);
  const auto first = h.core().work().Secret("s", one);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->size(), 32u);
  EXPECT_EQ(*h.core().work().Secret("s", two), *first);
  EXPECT_EQ(*h.core().work().Cursor("f"), 0);
  ASSERT_TRUE(h.core().work().Advance("f", 7).ok());
  ASSERT_TRUE(h.core().work().Advance("f", 3).ok());
  EXPECT_EQ(*h.core().work().Cursor("f"), 7);
}

}  // namespace
}  // namespace rematch::request::testing
