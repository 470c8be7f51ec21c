#include "tests/simulation/people.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "platform/errors.h"
#include "platform/timestamps.h"
#include "request-service/domain/case_view.h"
#include "request-service/domain/escalation.h"
#include "request-service/domain/policy.h"
#include "tests/simulation/cast.h"

namespace rematch::simulation {
namespace {

namespace mv1 = mentor::v1;
namespace nv1 = notify::v1;
namespace rv1 = request::v1;
using request::Concerns;
using request::Reassignments;

template <typename Handlers>
Handlers& HandlersOf(request::RequestCore& core) {
  if constexpr (std::is_same_v<Handlers, Concerns>) {
    return core.concerns();
  } else {
    return core.reassignments();
  }
}

// What changes nothing says each time how things stand then.
template <typename Request>
bool IsRemembered(const Request& request) {
  if constexpr (requires { request.validate_only(); }) return !request.validate_only();
  return true;
}

rpc::Caller As(std::string_view role, std::string person) { return {.role = std::string(role), .person = std::move(person)}; }

}  // namespace

template <typename Handlers, typename Response, typename Request>
void People::Deliver(const rpc::Caller& caller, void (Handlers::*method)(const rpc::Call&, const Request&, rpc::Done<Response>),
                     const Request& request) {
  RequestProcess* const process = request_();
  if (process == nullptr) return;
  // What is answered OK twice must be the same: the first answer counts.
  auto done = rpc::Done<Response>(std::make_shared<absl::AnyInvocable<void(absl::StatusOr<Response>)>>(
      [this, said = said_, id = request.request_id(), remembered = IsRemembered(request)](absl::StatusOr<Response> result) {
        if (!result.ok())
          return tell_(absl::StrCat("  ", id, " is refused: ", ReasonOf(result.status()), " ", std::string(result.status().message())));
        if (!remembered) return;
        const auto [first, is_first] = said->first.try_emplace(id, result->SerializeAsString());
        if (!is_first && first->second != result->SerializeAsString() && contradiction_.empty()) {
          contradiction_ = absl::StrCat("F32: request ", id, " was answered twice, not alike");
        }
      }));
  (HandlersOf<Handlers>(process->core()).*method)(MakeCall<Request>(process->clock(), caller), request, std::move(done));
  // Else it waits for whoever comes next, and both are one batch.
  if (chance_.Percent(70)) {
    while (process->core().door().RunOnce()) {
    }
  }
}

template <typename Handlers, typename Response, typename Request>
void People::Ask(const rpc::Caller& caller, void (Handlers::*method)(const rpc::Call&, const Request&, rpc::Done<Response>),
                 Request request) {
  request.set_request_id(NewRequestId());
  tell_(absl::StrCat(caller.role, " ", request::IdOf(caller.person), " asks ", Request::descriptor()->name(), " ",
                     request.ShortDebugString()));
  Deliver(caller, method, request);
  if (faults_.Happens(Fault::kPersonTwice, 4)) Deliver(caller, method, request);
  if (faults_.Happens(Fault::kPersonAgain, 4)) unanswered_.push_back([this, caller, method, request] { Deliver(caller, method, request); });
}

template <typename Request>
void People::AskOfCase(void (Reassignments::*method)(const rpc::Call&, const Request&, rpc::Done<rv1::Reassignment>),
                       const std::string& name, std::optional<rpc::Caller> caller) {
  Request request;
  request.set_name(name);
  if (!caller.has_value()) caller = Leader(invariants_.cases().at(name.substr(0, name.find("/offers/"))).c);
  Ask(*caller, method, std::move(request));
}

template <typename Response, typename Request>
void People::ChangeRoster(Request request) {
  MentorProcess* const process = mentor_();
  if (process == nullptr) return;
  request.set_request_id(NewRequestId());
  tell_(absl::StrCat("the office asks ", Request::descriptor()->name(), " ", request.ShortDebugString()));
  const Answer<Response> answer = process->Submit<Response>(request);
  if (chance_.Percent(50)) {
    while (process->door().RunOnce()) {
    }
  }
}

void People::AskAgain() {
  if (unanswered_.empty()) return;
  const auto at = unanswered_.begin() + chance_.Pick(static_cast<int>(unanswered_.size()));
  const std::function<void()> again = std::move(*at);
  unanswered_.erase(at);
  tell_("somebody asks again");
  again();
}

std::vector<const Shadow*> People::Open() const {
  std::vector<const Shadow*> open;
  for (const auto& [name, shadow] : invariants_.cases()) {
    if (!request::HasEnded(shadow.c)) open.push_back(&shadow);
  }
  return open;
}

rpc::Caller People::Leader(const request::Case& c) const { return As(access::kProgramLeader, request::ActingLeader(c).person()); }

bool People::IsOnHoliday(const Shadow& shadow) const {
  return on_holiday_.contains(request::ProgramName(shadow.key.consortium, shadow.key.program));
}

// Of any of its programs.
std::string People::AnyMentor(const std::string& consortium) {
  const auto& rows = invariants_.consortia().at(consortium).roster.mentors.rows();
  if (rows.empty()) return "";
  return absl::StrCat(request::ConsortiumName(consortium), "/mentors/",
                      std::next(rows.begin(), chance_.Pick(static_cast<int>(rows.size())))->first);
}

std::pair<std::string, const mentor::Candidate*> People::AnyCandidate() {
  std::vector<std::pair<std::string, const mentor::Candidate*>> candidates;
  for (const auto& [id, consortium] : invariants_.consortia()) {
    for (const auto& [candidate, row] : consortium.roster.candidates.rows()) candidates.emplace_back(id, &row.value);
  }
  return candidates.empty() ? std::pair<std::string, const mentor::Candidate*>() : chance_.Of(candidates);
}

std::string People::AnyOffer(const request::Case& c) { return absl::StrCat(c.name(), "/offers/o", 1 + chance_.Pick(c.offers_size() + 1)); }

// --- Candidates ---

void People::ActAsCandidate() {
  const auto [consortium, candidate] = AnyCandidate();
  if (candidate == nullptr) return;
  const std::string program = request::ProgramName(consortium, candidate->program);
  const std::string name = absl::StrCat(program, "/candidates/", candidate->id);
  const rpc::Caller caller = As(access::kCandidate, name);
  if (chance_.Percent(8)) {
    rv1::RaiseConcernRequest concern;
    concern.set_parent(name);
    concern.set_words("we never talk");
    concern.set_asks_for_change(chance_.Percent(30));
    return Ask(caller, &Concerns::RaiseConcern, std::move(concern));
  }
  for (const Shadow* shadow : Open()) {
    if (shadow->c.candidate() != name) continue;
    if (request::OpenTask(shadow->c, rv1::ASK_CONSENT) != nullptr && chance_.Percent(50)) {
      rv1::RecordConsentRequest consent;
      consent.set_name(shadow->c.name());
      consent.set_consents(chance_.Percent(60));
      return Ask(caller, &Reassignments::RecordConsent, std::move(consent));
    }
    if (!chance_.Percent(2)) return;
    rv1::WithdrawReassignmentRequest withdraw;
    withdraw.set_name(shadow->c.name());
    return Ask(caller, &Reassignments::WithdrawReassignment, std::move(withdraw));
  }
  rv1::CreateReassignmentRequest create;
  create.set_parent(program);
  create.set_candidate(name);
  create.set_reasons("no trust");
  Ask(caller, &Reassignments::CreateReassignment, std::move(create));
}

// --- Mentors, and whoever else gets mail ---

void People::ActAsMentor() {
  std::vector<Mail*> waiting;
  for (auto& [id, mail] : post_.mails()) {
    if (mail.arrived > 0 && !mail.reply_code.empty() && (!mail.read || chance_.Percent(3))) waiting.push_back(&mail);
  }
  if (waiting.empty()) return;
  ReplyTo(*waiting[static_cast<size_t>(chance_.Pick(static_cast<int>(waiting.size())))]);
}

void People::ReplyTo(Mail& mail) {
  mail.read = true;
  if (chance_.Percent(20)) return;  // and stays silent
  if (absl::EndsWith(mail.kind, "_survey")) return AnswerSurvey(mail.reply_code, "", AsService());
  rv1::RespondToOfferRequest request;
  request.set_reply_code(mail.reply_code);
  request.set_answer(chance_.Percent(55) ? rv1::YES : rv1::NOT_NOW);
  if (chance_.Percent(absl::StrContains(mail.kind, "recommendation") ? 80 : 12)) {
    // Now and then somebody who is a mentor already.
    const bool is_mentor = chance_.Percent(30);
    request.mutable_referral()->set_display_name("Rita Referred");
    request.mutable_referral()->set_email(is_mentor ? AddressOf(absl::StrCat("m", chance_.Pick(5)), "mentors", mail.consortium)
                                                    : absl::StrCat("rita", chance_.Pick(4), "@people.example"));
    request.mutable_referral()->set_phone("310 555 0100");
  }
  Ask(AsService(), &Reassignments::RespondToOffer, std::move(request));
}

void People::AnswerSurvey(const std::string& reply_code, const std::string& name, const rpc::Caller& caller) {
  rv1::SubmitSurveyResponseRequest request;
  request.set_reply_code(reply_code);
  request.set_name(name);
  request.set_relationship_quality(1 + chance_.Pick(5));
  request.set_asks_for_change(chance_.Percent(15));
  Ask(caller, &Concerns::SubmitSurveyResponse, std::move(request));
}

// --- Leaders ---

void People::ActAsLeader() {
  if (chance_.Percent(30) && TakeUpALateYes()) return;
  if (chance_.Percent(10) && DoTasksOfCandidates(/*to_the_end=*/false)) return;
  if (chance_.Percent(3)) return SendSurvey();
  std::vector<std::pair<const Shadow*, const request::Task*>> tasks;
  for (const auto& [name, shadow] : invariants_.cases()) {
    if (IsOnHoliday(shadow)) continue;
    for (const request::Task& task : shadow.c.tasks()) {
      if (task.ended() == 0) tasks.emplace_back(&shadow, &task);
    }
  }
  std::vector<const Shadow*> open = Open();
  std::erase_if(open, [this](const Shadow* shadow) { return IsOnHoliday(*shadow); });
  if (!open.empty() && (tasks.empty() || chance_.Percent(15))) return DoSomethingElse(*chance_.Of(open));
  if (tasks.empty()) return;
  const auto& [shadow, task] = chance_.Of(tasks);
  // A task of a case that changes meanwhile is still what they saw.
  const request::Task seen = *task;
  Do(*shadow, seen, /*to_the_end=*/false);
}

bool People::TakeUpALateYes() {
  for (const Shadow* shadow : Open()) {
    if (IsOnHoliday(*shadow)) continue;
    for (const request::Offer& offer : shadow->c.offers()) {
      if (!offer.willing() || (offer.state() != rv1::EXPIRED && offer.state() != rv1::UNDELIVERABLE)) continue;
      AskOfCase<rv1::ReviveOfferRequest>(&Reassignments::ReviveOffer, absl::StrCat(shadow->c.name(), "/offers/", offer.id()));
      return true;
    }
  }
  return false;
}

void People::Do(const Shadow& shadow, const request::Task& task, bool to_the_end) {
  const request::Case& c = shadow.c;
  const std::string name = c.name();
  const rpc::Caller leader = As(access::kProgramLeader, task.owner());  // the policy may give it to the alternate
  const auto offer_name = [&](const std::string& id) { return absl::StrCat(name, "/offers/", id); };
  const auto call = [&](rv1::CallOutcome outcome) {
    rv1::RecordCallRequest request;
    request.set_name(absl::StrCat(name, "/tasks/", task.id()));
    request.set_outcome(outcome);
    Ask(leader, &Reassignments::RecordCall, std::move(request));
  };
  const auto close = [&] {
    rv1::CloseReassignmentRequest request;
    request.set_name(name);
    request.set_ground(rv1::NO_MENTOR_FOUND);
    request.set_note("nobody was found");
    Ask(leader, &Reassignments::CloseReassignment, std::move(request));
  };
  switch (task.kind()) {
    case rv1::REVIEW_REASONS: {
      rv1::ReviewReassignmentRequest request;
      request.set_name(name);
      const bool proceed = chance_.Percent(95);
      request.set_decision(proceed ? rv1::ReviewReassignmentRequest::PROCEED : rv1::ReviewReassignmentRequest::CLOSE);
      if (!proceed) request.set_ground(rv1::RESOLVED_WITHOUT_CHANGE);
      if (proceed && chance_.Percent(20)) request.add_strike(AnyMentor(shadow.key.consortium));
      if (proceed && chance_.Percent(20)) request.add_order(AnyMentor(shadow.key.consortium));
      request.set_note("looked into it");
      return Ask(leader, &Reassignments::ReviewReassignment, std::move(request));
    }
    case rv1::ASK_CONSENT: {
      rv1::RecordConsentRequest request;
      request.set_name(name);
      request.set_consents(chance_.Percent(60));
      return Ask(leader, &Reassignments::RecordConsent, std::move(request));
    }
    case rv1::CONFIRM_MATCH:
      if (!chance_.Percent(85)) return AskOfCase<rv1::RejectMatchRequest>(&Reassignments::RejectMatch, offer_name(task.offer()), leader);
      return AskOfCase<rv1::ConfirmMatchRequest>(&Reassignments::ConfirmMatch, offer_name(task.offer()), leader);
    case rv1::CHOOSE_BROADCAST_AUDIENCE: {
      rv1::OpenBroadcastRequest request;
      request.set_name(name);
      request.set_include_current_mentor(chance_.Percent(50));
      return Ask(leader, &Reassignments::OpenBroadcast, std::move(request));
    }
    case rv1::CHOOSE_AMONG_INTERESTED: {
      std::vector<std::string> willing;
      for (const request::Offer& offer : c.offers()) {
        if (offer.state() == rv1::WILLING) willing.push_back(offer.id());
      }
      if (willing.empty() || chance_.Percent(15)) return AskOfCase<rv1::PassAllOverRequest>(&Reassignments::PassAllOver, name, leader);
      return AskOfCase<rv1::ChooseInterestedRequest>(&Reassignments::ChooseInterested, offer_name(chance_.Of(willing)), leader);
    }
    case rv1::QUALIFY_PERSON: {
      rv1::QualifyPersonRequest request;
      request.set_name(absl::StrCat(name, "/people/", task.person()));
      request.set_decision(chance_.Percent(60) ? rv1::QualifyPersonRequest::QUALIFY : rv1::QualifyPersonRequest::DISMISS);
      if (request.decision() == rv1::QualifyPersonRequest::QUALIFY) {
        if (chance_.Percent(30)) {
          request.set_mentor(AnyMentor(shadow.key.consortium));
        } else {
          request.mutable_attributes()->set_capacity(1 + chance_.Pick(2));
          // Now and then one that is not on the roster.
          request.mutable_attributes()->set_district(
              absl::StrCat(request::ConsortiumName(shadow.key.consortium), chance_.Percent(8) ? "/districts/d9" : "/districts/d1"));
        }
      }
      return Ask(leader, &Reassignments::QualifyPerson, std::move(request));
    }
    case rv1::CALL_CANDIDATE:
    case rv1::FIND_NUMBER: {
      constexpr rv1::CallOutcome kOutcomes[] = {rv1::NO_ANSWER, rv1::VOICEMAIL, rv1::WRONG_NUMBER, rv1::DECLINED_BY_CANDIDATE, rv1::TOLD};
      return call(to_the_end || chance_.Percent(65) ? rv1::AGREED : kOutcomes[chance_.Pick(5)]);
    }
    case rv1::TELL_BY_PHONE:
      return call(to_the_end || chance_.Percent(70) ? rv1::TOLD : rv1::NO_ANSWER);
    case rv1::TELL_FORMER_MENTOR:
      if (chance_.Percent(50)) return call(rv1::TOLD);
      return AskOfCase<rv1::SendClosingNoteRequest>(&Reassignments::SendClosingNote, name, leader);
    case rv1::TAKE_CANDIDATE:
      if (chance_.Percent(60)) return AskOfCase<rv1::TakeCandidateRequest>(&Reassignments::TakeCandidate, name, leader);
      return AskOfCase<rv1::DeclineToTakeRequest>(&Reassignments::DeclineToTake, name, leader);
    case rv1::TRANSFER_REFUSED:
      if (!to_the_end && chance_.Percent(40)) {
        return AskOfCase<rv1::ConfirmMatchRequest>(&Reassignments::ConfirmMatch, offer_name(task.offer()), leader);
      }
      [[fallthrough]];
    case rv1::RESOLVE_STUCK:
      if (to_the_end && chance_.Percent(70)) return close();
      if (chance_.Percent(60)) return AskOfCase<rv1::RestartSearchRequest>(&Reassignments::RestartSearch, name, leader);
      if (chance_.Percent(50)) {
        rv1::RecommendPersonRequest request;
        request.set_parent(name);
        request.mutable_contact()->set_display_name("Nora Named");
        request.mutable_contact()->set_email(absl::StrCat("nora", chance_.Pick(3), "@people.example"));
        request.mutable_contact()->set_phone("310 555 0101");
        return Ask(leader, &Reassignments::RecommendPerson, std::move(request));
      }
      return close();
    case rv1::MEDIATE: {
      rv1::RecordMediationRequest request;
      request.set_name(name);
      request.set_outcome(chance_.Percent(15) ? rv1::SETTLED : chance_.Percent(50) ? rv1::NOT_SETTLED : rv1::NOT_HELD);
      return Ask(leader, &Reassignments::RecordMediation, std::move(request));
    }
    case rv1::COLLECT_SIGNATURES: {
      if (!to_the_end && chance_.Percent(10))
        return AskOfCase<rv1::WithdrawReassignmentRequest>(&Reassignments::WithdrawReassignment, name);
      rv1::RecordSignatureRequest request;
      request.set_name(name);
      request.set_signer(chance_.Percent(50) ? rv1::EscalationPolicy::Stage::CANDIDATE : rv1::EscalationPolicy::Stage::CURRENT_MENTOR);
      request.set_refused(!to_the_end && chance_.Percent(20));
      return Ask(leader, &Reassignments::RecordSignature, std::move(request));
    }
    case rv1::RESUME_CASE:
      if (to_the_end || chance_.Percent(60)) AskOfCase<rv1::ResumeReassignmentRequest>(&Reassignments::ResumeReassignment, name, leader);
      return;
    default:
      return;
  }
}

void People::SendSurvey() {
  const auto [consortium, candidate] = AnyCandidate();
  constexpr int kMost = 3;
  if (candidate == nullptr || surveys_ == kMost) return;
  ++surveys_;
  rv1::SendSurveyRequest request;
  request.set_parent(request::ProgramName(consortium, candidate->program));
  request.set_validate_only(chance_.Percent(10));
  const auto& programs = invariants_.consortia().at(consortium).roster.programs;
  Ask(As(access::kProgramLeader, chance_.Of(LeadersOf(consortium, *programs.Find(candidate->program)))), &Concerns::SendSurvey,
      std::move(request));
}

bool People::DoTasksOfCandidates(bool to_the_end) {
  RequestProcess* const process = request_();
  if (process == nullptr) return false;
  std::map<std::string, rv1::Task> tasks;  // by name: both leaders may see one
  for (const auto& [id, consortium] : invariants_.consortia()) {
    for (const auto& [program, row] : consortium.roster.programs.rows()) {
      if (on_holiday_.contains(request::ProgramName(id, program))) continue;
      for (const std::string& person : LeadersOf(id, row.value)) {
        rv1::ListTasksRequest request;
        request.set_parent(request::ProgramName(id, program));
        request.set_open_only(true);
        request.set_page_size(1000);
        const rpc::Call call = MakeCall<rv1::ListTasksRequest>(process->clock(), As(access::kProgramLeader, person));
        const absl::StatusOr<rv1::ListTasksResponse> listed = process->core().reassignments().ListTasks(call, request);
        if (!listed.ok()) continue;
        for (const rv1::Task& task : listed->tasks()) {
          const bool is_ours = task.kind() == rv1::RESOLVE_CONCERN || task.kind() == rv1::CHECK_IN || task.kind() == rv1::TELL_CANDIDATE;
          if (is_ours) tasks[task.name()] = task;
        }
      }
    }
  }
  if (tasks.empty()) return false;
  if (!to_the_end) {
    DoOfCandidate(std::next(tasks.begin(), chance_.Pick(static_cast<int>(tasks.size())))->second, false);
    return true;
  }
  for (const auto& [name, task] : tasks) DoOfCandidate(task, true);
  return true;
}

void People::DoOfCandidate(const rv1::Task& task, bool to_the_end) {
  const rpc::Caller leader = As(access::kProgramLeader, task.owner());
  switch (task.kind()) {
    case rv1::RESOLVE_CONCERN: {
      if (!to_the_end && chance_.Percent(50)) {
        rv1::CreateReassignmentRequest request;
        request.set_parent(task.about().substr(0, task.about().rfind("/candidates/")));
        request.set_candidate(task.about());
        request.set_concern(task.subject());
        request.set_candidate_consents(chance_.Percent(50));
        return Ask(leader, &Reassignments::CreateReassignment, std::move(request));
      }
      rv1::ResolveConcernRequest request;
      request.set_name(task.subject());
      request.set_outcome(rv1::Concern::TALKED_OVER);
      return Ask(leader, &Concerns::ResolveConcern, std::move(request));
    }
    case rv1::CHECK_IN:
      return AnswerSurvey("", task.subject(), leader);
    default: {
      rv1::RecordLetterToldRequest request;
      request.set_name(task.name());
      return Ask(leader, &Concerns::RecordLetterTold, std::move(request));
    }
  }
}

void People::DoSomethingElse(const Shadow& shadow) {
  const std::string name = shadow.c.name();
  const rpc::Caller leader = Leader(shadow.c);
  switch (chance_.Pick(12)) {
    case 10: {
      const auto& programs = invariants_.consortia().at(shadow.key.consortium).roster.programs;
      return Publish(shadow.key.consortium, *programs.Find(shadow.key.program));
    }
    case 11:
      return Migrate(shadow);
    case 0: {
      rv1::StrikeMentorRequest request;
      request.set_name(name);
      request.set_mentor(AnyMentor(shadow.key.consortium));
      return Ask(leader, &Reassignments::StrikeMentor, std::move(request));
    }
    case 1: {
      rv1::SkipStageRequest request;
      request.set_name(name);
      request.set_note("no use in waiting");
      return Ask(leader, &Reassignments::SkipStage, std::move(request));
    }
    case 2:
    case 3:
      return AskOfCase<rv1::ReviveOfferRequest>(&Reassignments::ReviveOffer, AnyOffer(shadow.c));
    case 4:
    case 5: {
      rv1::PauseReassignmentRequest request;
      request.set_name(name);
      request.set_note("over the break");
      return Ask(leader, &Reassignments::PauseReassignment, std::move(request));
    }
    case 6: {
      if (shadow.c.tasks_size() == 0) return;
      rv1::SnoozeTaskRequest request;
      request.set_name(absl::StrCat(name, "/tasks/t", 1 + chance_.Pick(shadow.c.tasks_size())));
      RequestProcess* const process = request_();
      if (process == nullptr) return;
      *request.mutable_until_time() = platform::ToTimestamp(process->clock().Now() + chance_.UpTo(absl::Hours(2)));
      return Ask(leader, &Reassignments::SnoozeTask, std::move(request));
    }
    case 7: {
      rv1::RecordOfferResponseRequest request;
      request.set_name(AnyOffer(shadow.c));
      request.set_answer(chance_.Percent(50) ? rv1::YES : rv1::NOT_NOW);
      return Ask(leader, &Reassignments::RecordOfferResponse, std::move(request));
    }
    case 8:
      return AskOfCase<rv1::ReplaceLeaderRequest>(&Reassignments::ReplaceLeader, name);
    default:
      return AskOfCase<rv1::ResumeReassignmentRequest>(&Reassignments::ResumeReassignment, name);
  }
}

void People::Publish(const std::string& consortium, const mentor::Program& program) {
  rv1::CreatePolicyVersionRequest request;
  request.set_parent(request::ProgramName(consortium, program.id));
  *request.mutable_policy() = DrawPolicy(chance_);
  policies_.push_back(request::PolicyName(request::ContentHash(request.policy())));
  Ask(As(access::kProgramLeader, LeadersOf(consortium, program).front()), &Reassignments::CreatePolicyVersion, std::move(request));
}

void People::Migrate(const Shadow& shadow) {
  rv1::MigrateReassignmentRequest request;
  request.set_name(shadow.c.name());
  if (!policies_.empty() && chance_.Percent(50)) request.set_policy(chance_.Of(policies_));
  if (chance_.Percent(50)) request.set_stage_id(absl::StrCat("s", chance_.Pick(6)));
  request.set_validate_only(chance_.Percent(10));
  Ask(Leader(shadow.c), &Reassignments::MigrateReassignment, std::move(request));
}

void People::ActAtRandom() {
  const auto& cases = invariants_.cases();
  if (cases.empty()) return;
  // Half of the time one whose change is under way: that is over soon.
  std::vector<const Shadow*> chosen;
  const bool in_change = chance_.Percent(50);
  for (const auto& [name, shadow] : cases) {
    const rv1::CaseState state = shadow.c.state();
    if (!in_change || state == rv1::PROPOSED || state == rv1::TRANSFERRING || state == rv1::ANNOUNCING) chosen.push_back(&shadow);
  }
  if (chosen.empty()) return;
  const Shadow* const one = chance_.Of(chosen);
  const request::CaseKey key = one->key;
  const request::Case c = one->c;
  const std::string& name = c.name();
  const rpc::Caller leader = Leader(c);
  const auto offer = [&] { return AnyOffer(c); };
  const auto task = [&] { return absl::StrCat(name, "/tasks/t", 1 + chance_.Pick(c.tasks_size() + 1)); };
  switch (chance_.Pick(23)) {
    case 20: {
      rv1::RecordMediationRequest request;
      request.set_name(name);
      request.set_outcome(rv1::NOT_HELD);
      return Ask(leader, &Reassignments::RecordMediation, std::move(request));
    }
    case 21: {
      rv1::RecordSignatureRequest request;
      request.set_name(name);
      request.set_signer(rv1::EscalationPolicy::Stage::CANDIDATE);
      return Ask(leader, &Reassignments::RecordSignature, std::move(request));
    }
    case 22: {
      Shadow shadow;
      shadow.key = key;
      shadow.c = c;
      return Migrate(shadow);
    }
    case 0: {
      rv1::ReviewReassignmentRequest request;
      request.set_name(name);
      request.set_decision(rv1::ReviewReassignmentRequest::PROCEED);
      return Ask(leader, &Reassignments::ReviewReassignment, std::move(request));
    }
    case 1:
      return AskOfCase<rv1::ConfirmMatchRequest>(&Reassignments::ConfirmMatch, offer());
    case 2:
      return AskOfCase<rv1::RejectMatchRequest>(&Reassignments::RejectMatch, offer());
    case 3:
      return AskOfCase<rv1::ReviveOfferRequest>(&Reassignments::ReviveOffer, offer());
    case 4:
      return AskOfCase<rv1::ChooseInterestedRequest>(&Reassignments::ChooseInterested, offer());
    case 5:
      return AskOfCase<rv1::PassAllOverRequest>(&Reassignments::PassAllOver, name);
    case 6:
      return AskOfCase<rv1::OpenBroadcastRequest>(&Reassignments::OpenBroadcast, name);
    case 7: {
      rv1::QualifyPersonRequest request;
      request.set_name(absl::StrCat(name, "/people/p", 1 + chance_.Pick(c.people_size() + 1)));
      request.set_decision(rv1::QualifyPersonRequest::DISMISS);
      return Ask(leader, &Reassignments::QualifyPerson, std::move(request));
    }
    case 8: {
      rv1::RecordConsentRequest request;
      request.set_name(name);
      request.set_consents(chance_.Percent(50));
      return Ask(leader, &Reassignments::RecordConsent, std::move(request));
    }
    case 9: {
      rv1::RecordCallRequest request;
      request.set_name(task());
      request.set_outcome(static_cast<rv1::CallOutcome>(1 + chance_.Pick(rv1::CallOutcome_MAX)));
      return Ask(leader, &Reassignments::RecordCall, std::move(request));
    }
    case 10:
      return AskOfCase<rv1::TakeCandidateRequest>(&Reassignments::TakeCandidate, name);
    case 11:
      return AskOfCase<rv1::DeclineToTakeRequest>(&Reassignments::DeclineToTake, name);
    case 12:
      return AskOfCase<rv1::SendClosingNoteRequest>(&Reassignments::SendClosingNote, name);
    case 13: {
      rv1::RecommendPersonRequest request;
      request.set_parent(name);
      request.mutable_contact()->set_display_name("Nora Named");
      request.mutable_contact()->set_email(absl::StrCat("nora", chance_.Pick(3), "@people.example"));
      return Ask(leader, &Reassignments::RecommendPerson, std::move(request));
    }
    case 14: {
      rv1::RecordOfferResponseRequest request;
      request.set_name(offer());
      request.set_answer(chance_.Percent(50) ? rv1::YES : rv1::NOT_NOW);
      return Ask(leader, &Reassignments::RecordOfferResponse, std::move(request));
    }
    case 15:
      if (c.state() == rv1::SEARCHING && !chance_.Percent(15)) return;
      return AskOfCase<rv1::RestartSearchRequest>(&Reassignments::RestartSearch, name);
    case 16:
      if ((c.state() == rv1::REVIEW || c.state() == rv1::SEARCHING) && !chance_.Percent(5)) return;
      return AskOfCase<rv1::WithdrawReassignmentRequest>(&Reassignments::WithdrawReassignment, name);
    case 17: {
      if ((c.state() == rv1::REVIEW || c.state() == rv1::SEARCHING) && !chance_.Percent(5)) return;
      rv1::CloseReassignmentRequest request;
      request.set_name(name);
      request.set_ground(rv1::RESOLVED_WITHOUT_CHANGE);
      request.set_note("it got better");
      return Ask(leader, &Reassignments::CloseReassignment, std::move(request));
    }
    default: {
      Shadow shadow;
      shadow.key = key;
      shadow.c = c;
      return DoSomethingElse(shadow);
    }
  }
}

bool People::WorkOff() {
  bool any = DoTasksOfCandidates(/*to_the_end=*/true);
  // By name: what is done to one may change the others.
  std::vector<std::string> names;
  for (const auto& [name, shadow] : invariants_.cases()) names.push_back(name);
  for (const std::string& name : names) {
    const Shadow shadow = invariants_.cases().at(name);
    for (const request::Task& task : shadow.c.tasks()) {
      if (task.ended() != 0) continue;
      any = true;
      Do(shadow, task, /*to_the_end=*/true);
    }
  }
  return any;
}

// --- The office ---

void People::ActAsOffice() {
  const auto [consortium, found] = AnyCandidate();
  if (found == nullptr) return;
  const mentor::Candidate& candidate = *found;
  const std::string program = request::ProgramName(consortium, candidate.program);
  const std::string candidate_name = absl::StrCat(program, "/candidates/", candidate.id);
  switch (chance_.Pick(14)) {
    case 13: {
      constexpr int kMost = 2;
      if (joined_ == kMost || chance_.Percent(50)) return;
      mv1::CreateCandidateRequest request;
      request.set_parent(program);
      request.set_candidate_id(absl::StrCat("new", ++joined_));
      request.mutable_candidate()->mutable_contact()->set_display_name("Candidate");
      request.mutable_candidate()->mutable_contact()->set_email(AddressOf(absl::StrCat("new", joined_), "candidates", consortium));
      request.mutable_candidate()->set_site(absl::StrCat(request::ConsortiumName(consortium), "/sites/s1"));
      request.mutable_candidate()->set_credential("Multiple Subject");
      request.mutable_candidate()->set_grade_band("K-2");
      return ChangeRoster<mv1::Candidate>(std::move(request));
    }
    case 0:
      if (chance_.Percent(60)) return;
      {
        mv1::RetireMentorRequest request;
        request.set_name(AnyMentor(consortium));
        return ChangeRoster<mv1::Mentor>(std::move(request));
      }
    case 1:
      if (chance_.Percent(70)) return;
      {
        mv1::UnenrollCandidateRequest request;
        request.set_name(candidate_name);
        return ChangeRoster<mv1::Candidate>(std::move(request));
      }
    case 2: {
      mv1::AddDoNotPairRequest request;
      request.set_candidate(candidate_name);
      request.set_mentor(AnyMentor(consortium));
      return ChangeRoster<mv1::Candidate>(std::move(request));
    }
    case 3: {
      mv1::RemoveDoNotPairRequest request;
      request.set_candidate(candidate_name);
      request.set_mentor(AnyMentor(consortium));
      return ChangeRoster<mv1::Candidate>(std::move(request));
    }
    case 4:
      if (candidate.assignment.empty() || chance_.Percent(60)) return;
      {
        mv1::EndAssignmentRequest request;
        request.set_name(absl::StrCat(request::ConsortiumName(consortium), "/assignments/", candidate.assignment));
        return ChangeRoster<mv1::Assignment>(std::move(request));
      }
    case 5:
    case 6: {
      mv1::AssignMentorRequest request;
      request.set_candidate(candidate_name);
      request.set_mentor(AnyMentor(consortium));
      return ChangeRoster<mv1::Assignment>(std::move(request));
    }
    case 7: {
      mv1::UpdateMentorRequest request;
      request.mutable_mentor()->set_name(AnyMentor(consortium));
      request.mutable_mentor()->set_capacity(chance_.Pick(4));
      request.mutable_update_mask()->add_paths("capacity");
      return ChangeRoster<mv1::Mentor>(std::move(request));
    }
    case 8: {
      // Out of programs, or back into them.
      mv1::UpdateMentorRequest request;
      request.mutable_mentor()->set_name(AnyMentor(consortium));
      for (const auto& [id, row] : invariants_.consortia().at(consortium).roster.programs.rows()) {
        if (chance_.Percent(70)) request.mutable_mentor()->add_programs(request::ProgramName(consortium, id));
      }
      request.mutable_update_mask()->add_paths("programs");
      return ChangeRoster<mv1::Mentor>(std::move(request));
    }
    case 9: {
      // Holidays of the next days, or none; now and then another zone.
      RequestProcess* const process = request_();
      if (process == nullptr) return;
      mv1::UpdateProgramRequest request;
      request.mutable_program()->set_name(program);
      *request.mutable_program()->mutable_calendar() = DrawCalendar(chance_, process->clock().Now());
      request.mutable_update_mask()->add_paths("calendar");
      if (chance_.Percent(20)) {
        request.mutable_program()->set_time_zone(DrawTimeZone(chance_));
        request.mutable_update_mask()->add_paths("time_zone");
      }
      return ChangeRoster<mv1::Program>(std::move(request));
    }
    default: {
      if (!faults_.Happens(Fault::kMailBounced, 10)) return;
      NotifyProcess* const notify = notify_();
      if (notify == nullptr || post_.mails().empty()) return;
      const auto& [id, mail] = *std::next(post_.mails().begin(), chance_.Pick(static_cast<int>(post_.mails().size())));
      tell_(absl::StrCat("mail ", mail.key, " bounces"));
      notify->Do(notify::ComeBack{.target = {.consortium = mail.consortium, .id = mail.key}}, {}).IgnoreError();
    }
  }
}

}  // namespace rematch::simulation
