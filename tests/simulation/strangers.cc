#include "tests/simulation/strangers.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "platform/errors.h"
#include "platform/strings.h"
#include "platform/timestamps.h"
#include "request-service/domain/case_view.h"
#include "tests/simulation/cast.h"

namespace rematch::simulation {
namespace {

namespace mv1 = mentor::v1;
namespace rv1 = request::v1;
using request::Reassignments;

// Nothing was answered: whether the call was allowed cannot be seen.
bool IsUnanswered(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) || absl::IsResourceExhausted(status);
}

template <typename Rows>
const auto& AnyOf(Chance& chance, const Rows& rows) {
  return *std::next(rows.begin(), chance.Pick(static_cast<int>(rows.size())));
}

std::string Difference(const std::set<std::string>& shown, const std::set<std::string>& theirs) {
  std::vector<std::string> wrong;
  std::set_symmetric_difference(shown.begin(), shown.end(), theirs.begin(), theirs.end(), std::back_inserter(wrong));
  return absl::StrJoin(wrong, ", ");
}

}  // namespace

std::optional<Strangers::Program> Strangers::AnyProgram() {
  std::vector<Program> programs;
  for (const auto& [id, consortium] : invariants_.consortia()) {
    for (const auto& [program, row] : consortium.roster.programs.rows()) programs.push_back({.consortium = id, .id = program});
  }
  if (programs.empty()) return std::nullopt;
  return chance_.Of(programs);
}

std::optional<Strangers::Person> Strangers::AnyLeader() {
  const std::optional<Program> program = AnyProgram();
  if (!program.has_value()) return std::nullopt;
  const auto& rows = invariants_.consortia().at(program->consortium).roster.programs.rows();
  Person person{.caller = {.role = std::string(access::kProgramLeader), .person = ""}, .consortium = program->consortium, .leads = {}};
  person.caller.person = chance_.Of(LeadersOf(program->consortium, rows.at(program->id).value));
  for (const auto& [id, row] : rows) {
    if (mentor::Contains(LeadersOf(program->consortium, row.value), person.caller.person)) person.leads.insert(id);
  }
  return person;
}

std::optional<Strangers::Person> Strangers::StrangerTo(const Program& program) {
  constexpr int kTries = 5;
  for (int i = 0; i < kTries; ++i) {
    std::optional<Person> person = AnyLeader();
    if (person.has_value() && (person->consortium != program.consortium || !person->leads.contains(program.id))) return person;
  }
  return std::nullopt;
}

void Strangers::Try() {
  if (chance_.Percent(60)) {
    TryCase();
  } else {
    TryRoster();
  }
}

void Strangers::Break(std::string_view what) {
  if (broken_.empty()) broken_ = absl::StrCat("F36: ", ToAbsl(what));
}

// --- Cases ---

// One answer for all of them, and the one that a case would get that is not there.
void Strangers::JudgeCase(const Attempt& attempt, const absl::Status& status) {
  tell_(absl::StrCat("  ", attempt.what, " is answered ", status.ToString()));
  if (IsUnanswered(status)) return;
  if (status != access::CaseNotFound()) Break(absl::StrCat("a case is no secret: ", attempt.what, " was answered ", status.ToString()));
  meetings_.Note(attempt.meeting);
}

template <typename Response, typename Request>
void Strangers::Ask(const rpc::Caller& caller, void (Reassignments::*method)(const rpc::Call&, const Request&, rpc::Done<Response>),
                    Request request) {
  RequestProcess* const process = request_();
  if (process == nullptr) return;
  if constexpr (requires { request.request_id(); }) request.set_request_id(absl::StrCat("s", ++requests_));
  attempt_.what = absl::StrCat(caller.person, " asks ", Request::descriptor()->name(), " ", request.ShortDebugString());
  tell_(attempt_.what);
  auto done = rpc::Done<Response>(std::make_shared<absl::AnyInvocable<void(absl::StatusOr<Response>)>>(
      [this, attempt = attempt_](const absl::StatusOr<Response>& result) { JudgeCase(attempt, result.status()); }));
  (process->core().reassignments().*method)(MakeCall<Request>(process->clock(), caller), request, std::move(done));
  while (chance_.Percent(90) && process->core().door().RunOnce()) {
  }
}

template <typename Response, typename Request>
void Strangers::Ask(const rpc::Caller& caller, absl::StatusOr<Response> (Reassignments::*method)(const rpc::Call&, const Request&),
                    const Request& request) {
  RequestProcess* const process = request_();
  if (process == nullptr) return;
  attempt_.what = absl::StrCat(caller.person, " asks ", Request::descriptor()->name(), " ", request.ShortDebugString());
  tell_(attempt_.what);
  JudgeCase(attempt_, (process->core().reassignments().*method)(MakeCall<Request>(process->clock(), caller), request).status());
}

void Strangers::TryCase() {
  const auto& cases = invariants_.cases();
  if (cases.empty()) return;
  const Shadow& shadow = AnyOf(chance_, cases).second;
  rpc::Caller caller;
  if (chance_.Percent(20)) {
    const auto& candidates = invariants_.consortia().at(shadow.key.consortium).roster.candidates.rows();
    const mentor::Candidate& candidate = AnyOf(chance_, candidates).second.value;
    caller = {.role = std::string(access::kCandidate),
              .person = absl::StrCat(request::ProgramName(shadow.key.consortium, candidate.program), "/candidates/", candidate.id)};
    if (caller.person == shadow.c.candidate()) return;
    attempt_.meeting = Meeting::kStrangerCandidate;
  } else {
    const std::optional<Person> person = StrangerTo({.consortium = shadow.key.consortium, .id = shadow.key.program});
    if (!person.has_value()) return;
    caller = person->caller;
    attempt_.meeting = person->consortium == shadow.key.consortium ? Meeting::kStrangerInCase : Meeting::kStrangerFromAfar;
  }
  if (chance_.Percent(40)) {
    ReadCase(caller, shadow);
  } else {
    ChangeCase(caller, shadow);
  }
}

void Strangers::ReadCase(const rpc::Caller& caller, const Shadow& shadow) {
  const std::string name = shadow.c.name();
  const auto read =
      [&]<typename Response, typename Request>(absl::StatusOr<Response> (Reassignments::*method)(const rpc::Call&, const Request&)) {
        Request request;
        if constexpr (requires { request.parent(); }) {
          request.set_parent(name);
        } else {
          request.set_name(name);
        }
        Ask(caller, method, request);
      };
  switch (chance_.Pick(8)) {
    case 0:
      return read(&Reassignments::ListOffers);
    case 1:
      return read(&Reassignments::ListPeople);
    case 2:
      return read(&Reassignments::ListTasks);
    case 3:
      return read(&Reassignments::ListReassignmentEvents);
    case 4:
      return read(&Reassignments::VerifyAuditTrail);
    case 5:
      return read(&Reassignments::ListDisclosures);
    case 6:
      return read(&Reassignments::PreviewEscalation);
    default: {
      rv1::GetReassignmentRequest request;
      request.set_name(name);
      return Ask(caller, &Reassignments::GetReassignment, std::move(request));
    }
  }
}

void Strangers::ChangeCase(const rpc::Caller& caller, const Shadow& shadow) {
  const std::string name = shadow.c.name();
  const std::string offer = absl::StrCat(name, "/offers/o", 1 + chance_.Pick(shadow.c.offers_size() + 1));
  const std::string task = absl::StrCat(name, "/tasks/t", 1 + chance_.Pick(shadow.c.tasks_size() + 1));
  const auto change = [&]<typename Response, typename Request>(
                          void (Reassignments::*method)(const rpc::Call&, const Request&, rpc::Done<Response>), const std::string& what) {
    Request request;
    request.set_name(what);
    if constexpr (requires { request.set_note(""); }) request.set_note("not mine");
    if constexpr (requires { request.set_ground(rv1::RESOLVED_WITHOUT_CHANGE); }) request.set_ground(rv1::RESOLVED_WITHOUT_CHANGE);
    if constexpr (requires { request.set_answer(rv1::YES); }) request.set_answer(rv1::YES);
    Ask(caller, method, std::move(request));
  };
  switch (chance_.Pick(20)) {
    case 0:
      return change(&Reassignments::CloseReassignment, name);
    case 1:
      return change(&Reassignments::WithdrawReassignment, name);
    case 2:
      return change(&Reassignments::PauseReassignment, name);
    case 3:
      return change(&Reassignments::ResumeReassignment, name);
    case 4:
      return change(&Reassignments::SkipStage, name);
    case 5:
      return change(&Reassignments::RestartSearch, name);
    case 6:
      return change(&Reassignments::ReplaceLeader, name);
    case 7:
      return change(&Reassignments::MigrateReassignment, name);
    case 8:
      return change(&Reassignments::OpenBroadcast, name);
    case 9:
      return change(&Reassignments::TakeCandidate, name);
    case 10:
      return change(&Reassignments::SendClosingNote, name);
    case 11:
      return change(&Reassignments::ConfirmMatch, offer);
    case 12:
      return change(&Reassignments::ChooseInterested, offer);
    case 13:
      return change(&Reassignments::ReviveOffer, offer);
    case 14:
      return change(&Reassignments::RecordOfferResponse, offer);
    case 15: {
      rv1::RecordCallRequest request;
      request.set_name(task);
      request.set_outcome(rv1::AGREED);
      return Ask(caller, &Reassignments::RecordCall, std::move(request));
    }
    case 16: {
      RequestProcess* const process = request_();
      if (process == nullptr) return;
      rv1::SnoozeTaskRequest request;
      request.set_name(task);
      *request.mutable_until_time() = platform::ToTimestamp(process->clock().Now() + absl::Hours(1));
      return Ask(caller, &Reassignments::SnoozeTask, std::move(request));
    }
    case 17: {
      rv1::ReviewReassignmentRequest request;
      request.set_name(name);
      request.set_decision(rv1::ReviewReassignmentRequest::PROCEED);
      return Ask(caller, &Reassignments::ReviewReassignment, std::move(request));
    }
    case 18: {
      rv1::RecommendPersonRequest request;
      request.set_parent(name);
      request.mutable_contact()->set_display_name("Nora Named");
      request.mutable_contact()->set_email("nora@people.example");
      return Ask(caller, &Reassignments::RecommendPerson, std::move(request));
    }
    default: {
      rv1::CreateReassignmentRequest request;
      request.set_parent(request::ProgramName(shadow.key.consortium, shadow.key.program));
      request.set_candidate(shadow.c.candidate());
      request.set_reasons("not mine");
      return Ask(caller, &Reassignments::CreateReassignment, std::move(request));
    }
  }
}

// --- The roster ---

void Strangers::JudgeRoster(const Attempt& attempt, const absl::Status& status) {
  tell_(absl::StrCat("  ", attempt.what, " is answered ", status.ToString()));
  if (IsUnanswered(status)) return;
  if (!absl::IsNotFound(status) && !absl::IsPermissionDenied(status))
    Break(absl::StrCat("the roster is open to all: ", attempt.what, " was answered ", status.ToString()));
  meetings_.Note(attempt.meeting);
}

template <typename Response, typename Request>
void Strangers::ReadRoster(const Person& person, const Request& request) {
  MentorProcess* const process = mentor_();
  if (process == nullptr) return;
  attempt_.what = absl::StrCat(person.caller.person, " asks ", Request::descriptor()->name(), " ", request.ShortDebugString());
  JudgeRoster(attempt_, process->Read<Response>(request, person.caller).status());
}

template <typename Response, typename Request>
void Strangers::ChangeRoster(const Person& person, Request request) {
  MentorProcess* const process = mentor_();
  if (process == nullptr) return;
  // What waits in the door may make them one of a mentor's leaders first: the roster that the rule goes by is that of before.
  if (process->door().RunOnce()) return;
  request.set_request_id(absl::StrCat("s", ++requests_));
  attempt_.what = absl::StrCat(person.caller.person, " asks ", Request::descriptor()->name(), " ", request.ShortDebugString());
  JudgeRoster(attempt_, process->Change<Response>(request, person.caller).status());
}

void Strangers::TryRoster() {
  const std::optional<Program> program = AnyProgram();
  if (!program.has_value()) return;
  const std::optional<Person> person = StrangerTo(*program);
  if (!person.has_value()) return;
  attempt_.meeting = person->consortium == program->consortium ? Meeting::kStrangerInRoster : Meeting::kStrangerFromAfar;
  const mentor::Roster& roster = invariants_.consortia().at(program->consortium).roster;
  // One whom they share with nobody, and one whom they may well share.
  std::string mentor, shared;
  for (const auto& [id, row] : roster.mentors.rows()) {
    const std::vector<std::string>& theirs = row.value.programs;
    const std::string name = absl::StrCat(request::ConsortiumName(program->consortium), "/mentors/", id);
    const bool is_shared = person->consortium == program->consortium &&
                           std::any_of(theirs.begin(), theirs.end(), [&](const std::string& one) { return person->leads.contains(one); });
    if (!is_shared) mentor = name;
    if (mentor::Contains(theirs, program->id) && (shared.empty() || is_shared)) shared = name;
  }
  const mentor::Candidate* candidate = nullptr;
  for (const auto& [id, row] : roster.candidates.rows()) {
    if (row.value.program == program->id && (candidate == nullptr || chance_.Percent(50))) candidate = &row.value;
  }
  if (mentor.empty() || shared.empty() || candidate == nullptr) return;
  const std::string candidate_name = absl::StrCat(program->name(), "/candidates/", candidate->id);
  switch (chance_.Pick(14)) {
    case 0: {
      mv1::GetCandidateRequest request;
      request.set_name(candidate_name);
      return ReadRoster<mv1::Candidate>(*person, request);
    }
    case 1: {
      mv1::GetProgramRequest request;
      request.set_name(program->name());
      return ReadRoster<mv1::Program>(*person, request);
    }
    case 2: {
      mv1::GetMentorRequest request;
      request.set_name(mentor);
      return ReadRoster<mv1::Mentor>(*person, request);
    }
    case 3: {
      mv1::FindEligibleMentorsRequest request;
      request.set_candidate(candidate_name);
      request.set_pool(mv1::FindEligibleMentorsRequest::EVERYBODY);
      return ReadRoster<mv1::FindEligibleMentorsResponse>(*person, request);
    }
    case 4: {
      mv1::ListAssignmentsRequest request;
      request.set_parent(request::ConsortiumName(program->consortium));
      request.set_candidate(candidate_name);
      return ReadRoster<mv1::ListAssignmentsResponse>(*person, request);
    }
    case 5: {
      mv1::DescribeNeedRequest request;
      request.set_candidate(candidate_name);
      return ReadRoster<mv1::DescribeNeedResponse>(*person, request);
    }
    case 6: {
      mv1::UnenrollCandidateRequest request;
      request.set_name(candidate_name);
      return ChangeRoster<mv1::Candidate>(*person, std::move(request));
    }
    case 7: {
      mv1::AddDoNotPairRequest request;
      request.set_candidate(candidate_name);
      request.set_mentor(shared);
      return ChangeRoster<mv1::Candidate>(*person, std::move(request));
    }
    case 8: {
      mv1::AssignMentorRequest request;
      request.set_candidate(candidate_name);
      request.set_mentor(shared);
      return ChangeRoster<mv1::Assignment>(*person, std::move(request));
    }
    case 9: {
      if (candidate->assignment.empty()) return;
      mv1::EndAssignmentRequest request;
      request.set_name(absl::StrCat(request::ConsortiumName(program->consortium), "/assignments/", candidate->assignment));
      return ChangeRoster<mv1::Assignment>(*person, std::move(request));
    }
    case 10: {
      mv1::UpdateProgramRequest request;
      request.mutable_program()->set_name(program->name());
      request.mutable_program()->set_display_name("Not mine");
      request.mutable_update_mask()->add_paths("display_name");
      return ChangeRoster<mv1::Program>(*person, std::move(request));
    }
    case 11: {
      mv1::RetireMentorRequest request;
      request.set_name(shared);
      return ChangeRoster<mv1::Mentor>(*person, std::move(request));
    }
    case 12: {
      // Out of a program that is not theirs.
      mv1::UpdateMentorRequest request;
      request.mutable_mentor()->set_name(shared);
      for (const std::string& one : roster.mentors.Find(request::IdOf(shared))->programs) {
        if (one != program->id) request.mutable_mentor()->add_programs(request::ProgramName(program->consortium, one));
      }
      request.mutable_update_mask()->add_paths("programs");
      return ChangeRoster<mv1::Mentor>(*person, std::move(request));
    }
    default: {
      mv1::UpdateMentorRequest request;
      request.mutable_mentor()->set_name(mentor);
      request.mutable_mentor()->set_capacity(0);
      request.mutable_update_mask()->add_paths("capacity");
      return ChangeRoster<mv1::Mentor>(*person, std::move(request));
    }
  }
}

// --- Lists ---

void Strangers::LookAtLists() {
  const std::optional<Person> leader = AnyLeader();
  const std::optional<Program> program = AnyProgram();
  if (!leader.has_value() || !program.has_value()) return;
  const bool is_theirs = leader->consortium == program->consortium && leader->leads.contains(program->id);
  meetings_.Note(is_theirs ? Meeting::kLists : Meeting::kListsOfOthers);
  tell_(absl::StrCat(leader->caller.person, " looks at the lists of ", program->name()));
  if (chance_.Percent(60)) {
    CompareLists(*leader, *program);
  } else {
    CompareRoster(*leader, *program);
  }
}

std::optional<std::set<std::string>> Strangers::ListCases(const rpc::Caller& caller, const Program& program, bool open_only) {
  rv1::ListReassignmentsRequest request;
  request.set_parent(program.name());
  request.set_open_only(open_only);
  request.set_page_size(1 + chance_.Pick(3));
  std::set<std::string> names;
  do {
    RequestProcess* const process = request_();
    if (process == nullptr) return std::nullopt;
    const auto page =
        process->core().reassignments().ListReassignments(MakeCall<rv1::ListReassignmentsRequest>(process->clock(), caller), request);
    if (!page.ok()) return std::nullopt;
    for (const rv1::Reassignment& one : page->reassignments()) names.insert(one.name());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return names;
}

std::optional<std::set<std::string>> Strangers::ListTasks(const rpc::Caller& caller, const Program& program) {
  rv1::ListTasksRequest request;
  request.set_parent(program.name());
  request.set_open_only(true);
  request.set_page_size(1 + chance_.Pick(3));
  std::set<std::string> names;
  do {
    RequestProcess* const process = request_();
    if (process == nullptr) return std::nullopt;
    const auto page = process->core().reassignments().ListTasks(MakeCall<rv1::ListTasksRequest>(process->clock(), caller), request);
    if (!page.ok()) return std::nullopt;
    // Those of candidates are compared at rest; here they must be of the program.
    for (const rv1::Task& one : page->tasks()) {
      if (!absl::StartsWith(one.name(), program.name() + "/candidates/")) names.insert(one.name());
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return names;
}

void Strangers::CompareLists(const Person& leader, const Program& program) {
  std::set<std::string> cases, open, tasks;
  for (const auto& [name, shadow] : invariants_.cases()) {
    if (shadow.key.consortium != program.consortium || shadow.key.program != program.id) continue;
    // F35: a leader who is the mentor to be replaced sees none of it.
    const std::string& person = leader.caller.person;
    if (shadow.c.alternate().person() != person && (shadow.c.alternate_acts() || shadow.c.leader().person() != person)) continue;
    cases.insert(name);
    if (!request::HasEnded(shadow.c)) open.insert(name);
    for (const request::Task& task : shadow.c.tasks()) {
      if (task.ended() == 0) tasks.insert(absl::StrCat(name, "/tasks/", task.id()));
    }
  }
  const auto compare = [&](const std::optional<std::set<std::string>>& shown, const std::set<std::string>& theirs, std::string_view list) {
    if (!shown.has_value() || *shown == theirs) return;
    Break(absl::StrCat("a list of ", ToAbsl(list), " is not what is theirs, for ", leader.caller.person, " in ", program.name(), ": ",
                       Difference(*shown, theirs)));
  };
  switch (chance_.Pick(3)) {
    case 0:
      return compare(ListCases(leader.caller, program, /*open_only=*/false), cases, "cases");
    case 1:
      return compare(ListCases(leader.caller, program, /*open_only=*/true), open, "open cases");
    default:
      return compare(ListTasks(leader.caller, program), tasks, "tasks");
  }
}

void Strangers::CompareRoster(const Person& leader, const Program& program) {
  MentorProcess* const process = mentor_();
  if (process == nullptr) return;
  const bool is_theirs = leader.consortium == program.consortium && leader.leads.contains(program.id);
  const mentor::Roster& roster = invariants_.consortia().at(program.consortium).roster;
  // `rows` of an answer are those that `is_right` says; who leads no such program gets none.
  const auto judge = [&](const auto& answer, const auto& rows, size_t count, const auto& is_right, std::string_view list) {
    const absl::Status& status = answer.status();
    if (IsUnanswered(status)) return;
    const bool right = !is_theirs
                           ? absl::IsNotFound(status) || absl::IsPermissionDenied(status)
                           : status.ok() && rows.size() == static_cast<int>(count) && std::all_of(rows.begin(), rows.end(), is_right);
    if (!right) {
      Break(absl::StrCat("a list of ", ToAbsl(list), " is not what is theirs, for ", leader.caller.person, " in ", program.name(), ": ",
                         status.ToString()));
    }
  };
  const std::string consortium = request::ConsortiumName(program.consortium);
  switch (chance_.Pick(3)) {
    case 0: {
      mv1::ListCandidatesRequest request;
      request.set_parent(program.name());
      const auto answer = process->Read<mv1::ListCandidatesResponse>(request, leader.caller);
      const auto& rows = answer.ok() ? answer->candidates() : mv1::ListCandidatesResponse::default_instance().candidates();
      const auto theirs = std::count_if(roster.candidates.rows().begin(), roster.candidates.rows().end(),
                                        [&](const auto& one) { return one.second.value.program == program.id; });
      return judge(
          answer, rows, static_cast<size_t>(theirs),
          [&](const mv1::Candidate& one) { return absl::StartsWith(one.name(), program.name() + "/"); }, "candidates");
    }
    case 1: {
      mv1::ListMentorsRequest request;
      request.set_parent(consortium);
      request.set_program(program.name());
      const auto answer = process->Read<mv1::ListMentorsResponse>(request, leader.caller);
      const auto& rows = answer.ok() ? answer->mentors() : mv1::ListMentorsResponse::default_instance().mentors();
      const auto theirs = std::count_if(roster.mentors.rows().begin(), roster.mentors.rows().end(),
                                        [&](const auto& one) { return mentor::Contains(one.second.value.programs, program.id); });
      return judge(
          answer, rows, static_cast<size_t>(theirs),
          [&](const mv1::Mentor& one) {
            return std::find(one.programs().begin(), one.programs().end(), program.name()) != one.programs().end();
          },
          "mentors");
    }
    default: {
      // The history of mentors whom they share holds what belongs to their own programs.
      mv1::ListAssignmentsRequest request;
      request.set_parent(consortium);
      const auto answer = process->Read<mv1::ListAssignmentsResponse>(request, leader.caller);
      if (!answer.ok()) return;
      for (const mv1::Assignment& one : answer->assignments()) {
        const std::string theirs = one.candidate().substr(0, one.candidate().rfind("/candidates/"));
        if (leader.consortium != program.consortium || !leader.leads.contains(request::IdOf(theirs)))
          Break(absl::StrCat("a list of assignments shows ", one.name(), " to ", leader.caller.person));
      }
      return;
    }
  }
}

}  // namespace rematch::simulation
