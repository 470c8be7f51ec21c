// The commands: check the request, ask the peers what is needed, and put it through the door.
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "access/access.h"
#include "platform/errors.h"
#include "platform/timestamps.h"
#include "platform/validation.h"
#include "request-service/domain/case_view.h"
#include "request-service/domain/escalation.h"
#include "request-service/domain/policy.h"
#include "request-service/domain/reasons.h"
#include "request-service/rpc/convert.h"
#include "request-service/rpc/reassignments.h"

namespace rematch::request {
namespace {

namespace mv1 = mentor::v1;

// Words for the leaders' eyes that go with the step.
void AddText(CaseCommand& command, std::string_view step, const std::string& text) {
  command.step = std::string(step);
  command.text = text;
}

void AddNote(Violations& bad, CaseCommand& command, std::string_view step, const std::string& note) {
  CheckText(bad, "note", note, kMaxText, false);
  AddText(command, step, note);
}

// Most commands answer with the case as it is then.
std::string AnswerCase(const Applied& applied) { return ToReassignment(applied.key, applied.after, applied.policy).SerializeAsString(); }

Leader ToStoredLeader(const mv1::Leader& leader) {
  Leader out;
  out.set_person(leader.person());
  out.set_mentor(leader.mentor());
  return out;
}

}  // namespace

template <typename Request, typename Response, typename Fill>
void Reassignments::Change(const Call& call, const Request& request, std::string_view collection, Done<Response> done, Fill fill) {
  Violations bad;
  const Target target = [&] {
    if constexpr (requires { request.name(); }) {
      return CheckCase(bad, "name", request.name(), collection);
    } else {
      return CheckCase(bad, "parent", request.parent(), collection);  // what is created has no name yet
    }
  }();
  CaseCommand command = CommandFor(call, target.key);
  command.etag = request.etag();
  command.reply = AnswerCase;
  fill(bad, command, target.child);
  CheckRequestId(bad, request.request_id());
  CheckEtag(bad, request.etag());
  if (!bad.empty()) return done(bad.ToStatus());
  calls_.Submit(call, request, std::move(command), std::move(done));
}

template <typename Request, typename Response>
void Reassignments::Prepare(const Call& call, const Request& request, Done<Response> done,
                            absl::AnyInvocable<absl::StatusOr<CaseCommand>()> prepare) {
  calls_.Prepare(call, request, std::move(done), [prepare = std::move(prepare)]() mutable {
    absl::StatusOr<CaseCommand> command = prepare();
    if (command.ok() && command->is_of_case() && !command->reply) command->reply = AnswerCase;
    return command;
  });
}

// --- The case ---

void Reassignments::CreateReassignment(const Call& call, const v1::CreateReassignmentRequest& request, Done<v1::Reassignment> done) {
  Violations bad;
  const std::vector<std::string> parent = CheckName(bad, "parent", request.parent(), "consortia/*/programs/*");
  CheckName(bad, "candidate", request.candidate(), "consortia/*/programs/*/candidates/*");
  if (bad.empty() && !request.candidate().starts_with(request.parent() + "/")) bad.Add("candidate", "must be a candidate of the parent");
  CheckText(bad, "reasons", request.reasons(), kMaxText, false);
  if (!request.concern().empty()) {
    CheckName(bad, "concern", request.concern(), "consortia/*/programs/*/concerns/*");
    if (bad.empty() && !request.concern().starts_with(request.parent() + "/")) bad.Add("concern", "must be one of the parent");
    if (call.caller.role == access::kCandidate) bad.Add("concern", "is for leaders");
  } else if (request.candidate_consents()) {
    bad.Add("candidate_consents", "belongs to a concern");
  }
  CheckRequestId(bad, request.request_id());
  if (!bad.empty()) return done(bad.ToStatus());
  // A candidate asks for themself only, and learns nothing of others.
  if (call.caller.role == access::kCandidate && call.caller.person != request.candidate()) return done(access::CaseNotFound());
  openings_.Ask(request.parent(), request.candidate(), call.deadline,
                [this, call, request, done](const absl::StatusOr<Openings::Facts>& facts) {
                  if (!facts.ok()) return done(facts.status());
                  absl::StatusOr<CaseCommand> command = MakeOpen(call, request, *facts);
                  if (!command.ok()) return done(command.status());
                  calls_.Submit(call, request, *std::move(command), done);
                });
}

absl::StatusOr<CaseCommand> Reassignments::MakeOpen(const Call& call, const v1::CreateReassignmentRequest& request,
                                                    const Openings::Facts& facts) {
  const std::optional<std::vector<std::string>> ids = ParseName(request.parent(), "consortia/*/programs/*");
  if (facts.program == nullptr) return access::CaseNotFound();
  const mv1::Program& program = *facts.program;
  access::Owners owners;
  owners.leaders = {program.leader().person(), program.alternate().person()};
  owners.candidate = request.candidate();
  if (!access::MayTouch(call.caller, call.method, owners)) return access::CaseNotFound();
  if (facts.candidate == nullptr) return Error(absl::StatusCode::kNotFound, reason::kNotFound, "no such candidate");
  const mv1::Candidate& candidate = facts.candidate->candidate();
  if (candidate.has_unenroll_time()) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kCandidateUnenrolled, "the candidate has left the program");
  }
  // F35: whom the candidate may be asking to be freed of does not hear of it, not even as a refusal.
  for (const mv1::Leader* leader : {&program.leader(), &program.alternate()}) {
    const bool is_replaced = !candidate.mentor().empty() && candidate.mentor() == leader->mentor();
    if (is_replaced && call.caller.person == leader->person()) return access::CaseNotFound();
  }

  CaseCommand command = CommandFor(call, {.consortium = (*ids)[0], .program = (*ids)[1], .id = ids_.Next()});
  Command::Open& open = *command.command.mutable_open();
  open.set_name(command.key.Name());
  open.set_candidate(request.candidate());
  open.set_policy(facts.policy);
  open.set_time_zone(program.time_zone());
  open.set_calendar(facts.calendar);
  *open.mutable_need() = facts.candidate->need();
  *open.mutable_coarse_need() = facts.candidate->coarse_need();
  open.set_current_mentor(candidate.mentor());
  open.set_replaced_assignment(candidate.assignment());
  *open.mutable_leader() = ToStoredLeader(program.leader());
  if (program.has_alternate()) *open.mutable_alternate() = ToStoredLeader(program.alternate());
  AddText(command, "REASONS", request.reasons());
  command.reply = AnswerCase;
  if (!request.concern().empty()) {
    REMATCH_RETURN_IF_ERROR(NameConcern(call, request, program, command));
  }
  return command;
}

absl::Status Reassignments::NameConcern(const Call& call, const v1::CreateReassignmentRequest& request, const mv1::Program& program,
                                        CaseCommand& command) {
  const std::string id = IdOf(request.concern());
  REMATCH_ASSIGN_OR_RETURN(const std::optional<ConcernRow> row,
                           concerns_.Concern({.consortium = command.key.consortium, .program = command.key.program, .id = ""}, id));
  if (!row.has_value() || !MayRead(program, call.caller.person, row->concern.mentor())) {
    return Error(absl::StatusCode::kNotFound, reason::kNotFound, "no such concern");
  }
  ConcernCommand& open = command.concern.emplace(ConcernCommand{.what = ConcernCommand::What::kOpenCase});
  open.concern.set_id(id);
  open.concern.set_candidate_consents(request.candidate_consents());
  open.concern.set_resolver(call.caller.person);
  // Not for the eyes of whoever leads the case now and is the mentor whom they are about (F35).
  const Command::Open& opened = command.command.open();
  const bool leads_it = [&] {
    for (const Leader* leader : {&opened.leader(), &opened.alternate()}) {
      const bool is_replaced = !opened.current_mentor().empty() && leader->mentor() == opened.current_mentor();
      if (!leader->person().empty() && !is_replaced && !MayRead(program, leader->person(), row->concern.mentor())) return true;
    }
    return false;
  }();
  if (command.text.empty() && !leads_it) command.text = row->words;
  return absl::OkStatus();
}

void Reassignments::ReviewReassignment(const Call& call, const v1::ReviewReassignmentRequest& request, Done<v1::Reassignment> done) {
  Change(call, request, "", std::move(done), [&](Violations& bad, CaseCommand& command, const std::string&) {
    CheckReview(bad, request, command.key);
    Command::Review& review = *command.command.mutable_review();
    review.set_proceed(request.decision() == v1::ReviewReassignmentRequest::PROCEED);
    *review.mutable_order() = request.order();
    *review.mutable_strike() = request.strike();
    review.set_ground(request.ground());
    AddText(command, "REVIEW", request.note());
  });
}

void Reassignments::WithdrawReassignment(const Call& call, const v1::WithdrawReassignmentRequest& request, Done<v1::Reassignment> done) {
  Change(call, request, "", std::move(done), [&](Violations& bad, CaseCommand& command, const std::string&) {
    command.command.mutable_withdraw();
    AddNote(bad, command, "WITHDRAW", request.note());
  });
}

void Reassignments::CloseReassignment(const Call& call, const v1::CloseReassignmentRequest& request, Done<v1::Reassignment> done) {
  Change(call, request, "", std::move(done), [&](Violations& bad, CaseCommand& command, const std::string&) {
    CheckGround(bad, request.ground());
    CheckText(bad, "note", request.note(), kMaxText, true);
    command.command.mutable_close()->set_ground(request.ground());
    AddText(command, "CLOSE", request.note());
  });
}

void Reassignments::RestartSearch(const Call& call, const v1::RestartSearchRequest& request, Done<v1::Reassignment> done) {
  Change(call, request, "", std::move(done), [&](Violations& bad, CaseCommand& command, const std::string&) {
    if (!v1::StageKind_IsValid(request.stage())) bad.Add("stage", "must be a kind of stage, or unset for the first");
    if (!request.stage_id().empty() && request.stage() != v1::STAGE_KIND_UNSPECIFIED) bad.Add("stage_id", "must be unset beside `stage`");
    CheckText(bad, "stage_id", request.stage_id(), kMaxStageId, false);
    command.command.mutable_restart_search()->set_stage(request.stage());
    command.command.mutable_restart_search()->set_stage_id(request.stage_id());
  });
}

// --- Offers ---

void Reassignments::RecordOfferResponse(const Call& call, const v1::RecordOfferResponseRequest& request, Done<v1::Offer> done) {
  Change(call, request, "offers", std::move(done), [&](Violations& bad, CaseCommand& command, const std::string& offer) {
    CheckAnswer(bad, request.answer());
    if (request.has_referral()) CheckContact(bad, "referral", request.referral());
    Command::Answer& answer = *command.command.mutable_answer();
    answer.set_offer(offer);
    answer.set_willing(request.answer() == v1::YES);
    answer.set_referral(request.has_referral());
    if (request.has_referral()) command.contact = request.referral();
    command.reply = [offer](const Applied& applied) {
      const Offer* found = FindOffer(applied.after, offer);
      return found == nullptr ? std::string() : ToOffer(applied.key, *found).SerializeAsString();
    };
  });
}

void Reassignments::RespondToOffer(const Call& call, const v1::RespondToOfferRequest& request, Done<v1::RespondToOfferResponse> done) {
  Violations bad;
  CheckText(bad, "reply_code", request.reply_code(), 1024, true);
  CheckAnswer(bad, request.answer());
  if (request.has_referral()) CheckContact(bad, "referral", request.referral());
  CheckRequestId(bad, request.request_id());
  if (!bad.empty()) return done(bad.ToStatus());
  const absl::StatusOr<ReplyCode> code = codes_.Parse(request.reply_code());
  if (!code.ok()) return done(code.status());
  const std::optional<CaseKey> key = CaseKey::Parse(code->case_name);
  if (!key.has_value()) return done(Error(absl::StatusCode::kInvalidArgument, reason::kBadReplyCode, "not a reply code of this suite"));
  // The code is the right, whoever brings it: it speaks for the mentor it was sent to.
  CaseCommand command;
  command.key = *key;
  command.command.set_actor_role(std::string(access::kMentor));
  Command::Answer& answer = *command.command.mutable_answer();
  answer.set_offer(code->offer);
  answer.set_epoch(code->epoch);
  answer.set_willing(request.answer() == v1::YES);
  answer.set_referral(request.has_referral());
  if (request.has_referral()) command.contact = request.referral();
  command.reply = [offer = code->offer, epoch = code->epoch, willing = answer.willing()](const Applied& applied) {
    v1::RespondToOfferResponse response;
    response.set_result(v1::RespondToOfferResponse::NO_LONGER_NEEDED);
    const Offer* found = FindOffer(applied.after, offer);
    const bool answered =
        std::any_of(applied.events.begin(), applied.events.end(), [](const Event& event) { return event.has_offer_answered(); });
    // The same answer twice is one, and is answered alike.
    const bool repeated = found != nullptr && found->answered() != 0 && found->willing() == willing && found->epoch() == epoch &&
                          found->state() != v1::CANCELLED && found->state() != v1::PASSED_OVER && !HasEnded(applied.after);
    if (found != nullptr && (answered || repeated)) {
      response.set_result(found->late() ? v1::RespondToOfferResponse::RECORDED_LATE : v1::RespondToOfferResponse::RECORDED);
    }
    return response.SerializeAsString();
  };
  calls_.Submit(call, request, std::move(command), std::move(done));
}

void Reassignments::ConfirmMatch(const Call& call, const v1::ConfirmMatchRequest& request, Done<v1::Reassignment> done) {
  Change(call, request, "offers", std::move(done), [&](Violations& bad, CaseCommand& command, const std::string& offer) {
    command.command.mutable_confirm()->set_offer(offer);
    AddNote(bad, command, "CONFIRM", request.note());
  });
}

void Reassignments::RejectMatch(const Call& call, const v1::RejectMatchRequest& request, Done<v1::Reassignment> done) {
  Change(call, request, "offers", std::move(done), [&](Violations& bad, CaseCommand& command, const std::string& offer) {
    command.command.mutable_reject()->set_offer(offer);
    AddNote(bad, command, "REJECT", request.note());
  });
}

void Reassignments::ReviveOffer(const Call& call, const v1::ReviveOfferRequest& request, Done<v1::Reassignment> done) {
  Change(call, request, "offers", std::move(done), [&](Violations& bad, CaseCommand& command, const std::string& offer) {
    command.command.mutable_revive()->set_offer(offer);
    AddNote(bad, command, "REVIVE", request.note());
  });
}

void Reassignments::StrikeMentor(const Call& call, const v1::StrikeMentorRequest& request, Done<v1::Reassignment> done) {
  Change(call, request, "", std::move(done), [&](Violations& bad, CaseCommand& command, const std::string&) {
    CheckMentorOf(bad, "mentor", request.mentor(), command.key);
    command.command.mutable_strike()->set_mentor(request.mentor());
    AddNote(bad, command, "STRIKE", request.note());
  });
}

// --- The course of a case ---

void Reassignments::SkipStage(const Call& call, const v1::SkipStageRequest& request, Done<v1::Reassignment> done) {
  Change(call, request, "", std::move(done), [&](Violations& bad, CaseCommand& command, const std::string&) {
    CheckText(bad, "note", request.note(), kMaxText, true);
    command.command.mutable_skip_stage();
    AddText(command, "SKIP_STAGE", request.note());
  });
}

void Reassignments::PauseReassignment(const Call& call, const v1::PauseReassignmentRequest& request, Done<v1::Reassignment> done) {
  Change(call, request, "", std::move(done), [&](Violations& bad, CaseCommand& command, const std::string&) {
    command.command.mutable_pause();
    AddNote(bad, command, "PAUSE", request.note());
  });
}

void Reassignments::ResumeReassignment(const Call& call, const v1::ResumeReassignmentRequest& request, Done<v1::Reassignment> done) {
  Change(call, request, "", std::move(done), [&](Violations& bad, CaseCommand& command, const std::string&) {
    command.command.mutable_resume();
    AddNote(bad, command, "RESUME", request.note());
  });
}

void Reassignments::ReplaceLeader(const Call& call, const v1::ReplaceLeaderRequest& request, Done<v1::Reassignment> done) {
  Violations bad;
  const Target target = CheckCase(bad, "name", request.name());
  CheckRequestId(bad, request.request_id());
  CheckEtag(bad, request.etag());
  if (!bad.empty()) return done(bad.ToStatus());
  Prepare(call, request, std::move(done), [this, call, request, key = target.key] { return PrepareReplacement(call, request, key); });
}

absl::StatusOr<CaseCommand> Reassignments::PrepareReplacement(const Call& call, const v1::ReplaceLeaderRequest& request,
                                                              const CaseKey& key) {
  CaseCommand command = CommandFor(call, key);
  command.etag = request.etag();
  const absl::StatusOr<mv1::Program> program = mentor_.GetProgram(ProgramName(key.consortium, key.program));
  if (absl::IsNotFound(program.status())) return access::CaseNotFound();
  if (!program.ok()) return PeerUnavailable();
  Command::ReplaceLeader& replace = *command.command.mutable_replace_leader();
  *replace.mutable_leader() = ToStoredLeader(program->leader());
  if (program->has_alternate()) *replace.mutable_alternate() = ToStoredLeader(program->alternate());
  return command;
}

void Reassignments::SnoozeTask(const Call& call, const v1::SnoozeTaskRequest& request, Done<v1::Task> done) {
  if (ParseName(request.name(), "consortia/*/programs/*/candidates/*/tasks/*").has_value()) {
    return SnoozeOfCandidate(call, request, std::move(done));
  }
  Change(call, request, "tasks", std::move(done), [&](Violations& bad, CaseCommand& command, const std::string& task) {
    if (!request.has_until_time()) bad.Add("until_time", "must say until when");
    command.command.mutable_snooze()->set_task(task);
    command.command.mutable_snooze()->set_until(ToStored(platform::FromTimestamp(request.until_time())));
    command.reply = [task](const Applied& applied) {
      const Task* found = FindTask(applied.after, task);
      return found == nullptr ? std::string() : ToTask(applied.key, *found).SerializeAsString();
    };
  });
}

void Reassignments::SnoozeOfCandidate(const Call& call, const v1::SnoozeTaskRequest& request, Done<v1::Task> done) {
  Violations bad;
  const std::vector<std::string> ids = CheckName(bad, "name", request.name(), "consortia/*/programs/*/candidates/*/tasks/*");
  if (!request.has_until_time()) bad.Add("until_time", "must say until when");
  CheckRequestId(bad, request.request_id());
  if (!request.etag().empty()) bad.Add("etag", "must be empty: a task of a candidate has none");
  if (!bad.empty()) return done(bad.ToStatus());
  CaseCommand command = CommandFor(call, {.consortium = ids[0], .program = ids[1], .id = ""});
  command.candidate_task =
      CandidateTask{.what = CandidateTask::What::kSnooze,
                    .candidate = request.name().substr(0, request.name().rfind("/tasks/")),
                    .task = ids[3] == kMentorLeftTask ? "" : ids[3],
                    .time = ToStored(platform::FromTimestamp(request.until_time())),
                    .reply = [](const CaseKey& key, const Task& task) { return ToTask(key, task).SerializeAsString(); }};
  calls_.Submit(call, request, std::move(command), std::move(done));
}

// --- The broadcast ---

void Reassignments::OpenBroadcast(const Call& call, const v1::OpenBroadcastRequest& request, Done<v1::Reassignment> done) {
  Violations bad;
  const Target target = CheckCase(bad, "name", request.name());
  CheckRequestId(bad, request.request_id());
  CheckEtag(bad, request.etag());
  if (!bad.empty()) return done(bad.ToStatus());
  Prepare(call, request, std::move(done), [this, call, request, key = target.key] { return PrepareBroadcast(call, request, key); });
}

absl::StatusOr<CaseCommand> Reassignments::PrepareBroadcast(const Call& call, const v1::OpenBroadcastRequest& request, const CaseKey& key) {
  REMATCH_ASSIGN_OR_RETURN(const StoredCase stored, LoadFor(call, key));
  CaseCommand command = CommandFor(call, key);
  command.etag = request.etag();
  Command::OpenBroadcast& broadcast = *command.command.mutable_open_broadcast();
  REMATCH_ASSIGN_OR_RETURN(const std::shared_ptr<const PolicyRecord> policy, policies_.Get(stored.c.policy()));
  broadcast.set_include_current_mentor(request.has_include_current_mentor() ? request.include_current_mentor()
                                                                            : policy->policy.broadcast_includes_current_mentor());
  mv1::FindEligibleMentorsRequest find;
  find.set_candidate(stored.c.candidate());
  find.set_pool(mv1::FindEligibleMentorsRequest::EVERYBODY);
  *find.mutable_exclude() = stored.c.struck();
  *find.mutable_rank_time() = RankTime(stored.c);
  if (policy->policy.has_experience()) *find.mutable_experience() = policy->policy.experience();
  broadcast.set_policy(stored.c.policy());
  broadcast.set_stage(stored.c.stage());
  const auto stage =
      stored.c.stage() < policy->policy.stages_size() ? policy->policy.stages(stored.c.stage()) : v1::EscalationPolicy::Stage();
  const absl::StatusOr<mv1::FindEligibleMentorsResponse> found = mentor_.FindEligibleMentors(find);
  if (!found.ok()) return PeerUnavailable();
  for (const mv1::RankedMentor& mentor : found->mentors()) {
    const Hearer hearer = {.mentor = mentor.mentor(), .experienced = mentor.experienced()};
    if (IsInAudience(stored.c, stage, hearer, broadcast.include_current_mentor())) broadcast.add_mentors(mentor.mentor());
  }
  return command;
}

void Reassignments::ChooseInterested(const Call& call, const v1::ChooseInterestedRequest& request, Done<v1::Reassignment> done) {
  Change(call, request, "offers", std::move(done), [&](Violations& bad, CaseCommand& command, const std::string& offer) {
    command.command.mutable_choose()->set_offer(offer);
    AddNote(bad, command, "CHOOSE", request.note());
  });
}

void Reassignments::PassAllOver(const Call& call, const v1::PassAllOverRequest& request, Done<v1::Reassignment> done) {
  Change(call, request, "", std::move(done), [&](Violations& bad, CaseCommand& command, const std::string&) {
    command.command.mutable_pass_all_over();
    AddNote(bad, command, "PASS_ALL_OVER", request.note());
  });
}

// --- People who were named ---

void Reassignments::RecommendPerson(const Call& call, const v1::RecommendPersonRequest& request, Done<v1::Person> done) {
  Change(call, request, "", std::move(done), [&](Violations& bad, CaseCommand& command, const std::string&) {
    CheckContact(bad, "contact", request.contact());
    command.command.mutable_recommend();
    command.contact = request.contact();
    command.reply = [](const Applied& applied) {
      for (const Event& event : applied.events) {
        if (event.has_person_named()) return ToPerson(applied.key, event.person_named().person()).SerializeAsString();
      }
      return std::string();
    };
  });
}

void Reassignments::QualifyPerson(const Call& call, const v1::QualifyPersonRequest& request, Done<v1::Person> done) {
  Change(call, request, "people", std::move(done), [&](Violations& bad, CaseCommand& command, const std::string& person) {
    CheckQualify(bad, request, command.key);
    Command::Qualify& qualify = *command.command.mutable_qualify();
    qualify.set_person(person);
    qualify.set_fit(request.decision() == v1::QualifyPersonRequest::QUALIFY);
    qualify.set_mentor(request.mentor());
    if (request.has_attributes()) {
      mv1::Mentor attributes;
      attributes.set_district(request.attributes().district());
      *attributes.mutable_credentials() = request.attributes().credentials();
      *attributes.mutable_grade_bands() = request.attributes().grade_bands();
      *attributes.mutable_subjects() = request.attributes().subjects();
      attributes.set_capacity(request.attributes().capacity());
      attributes.set_years_mentored(request.attributes().years_mentored());
      attributes.set_interested_in_more(request.attributes().interested_in_more());
      command.attributes = std::move(attributes);
    }
    AddText(command, "QUALIFY", request.note());
    command.reply = [person](const Applied& applied) {
      const Person* found = FindPerson(applied.after, person);
      return found == nullptr ? std::string() : ToPerson(applied.key, *found).SerializeAsString();
    };
  });
}

void Reassignments::RecordConsent(const Call& call, const v1::RecordConsentRequest& request, Done<v1::Reassignment> done) {
  Change(call, request, "", std::move(done), [&](Violations&, CaseCommand& command, const std::string&) {
    command.command.mutable_record_consent()->set_given(request.consents());
  });
}

// --- Calls, the last stage, the end ---

void Reassignments::RecordCall(const Call& call, const v1::RecordCallRequest& request, Done<v1::Reassignment> done) {
  Change(call, request, "tasks", std::move(done), [&](Violations& bad, CaseCommand& command, const std::string& task) {
    if (!v1::CallOutcome_IsValid(request.outcome()) || request.outcome() == v1::CALL_OUTCOME_UNSPECIFIED) {
      bad.Add("outcome", "must say how the call went");
    }
    command.command.mutable_record_call()->set_task(task);
    command.command.mutable_record_call()->set_outcome(request.outcome());
    AddNote(bad, command, "CALL", request.note());
  });
}

void Reassignments::TakeCandidate(const Call& call, const v1::TakeCandidateRequest& request, Done<v1::Reassignment> done) {
  Change(call, request, "", std::move(done),
         [&](Violations&, CaseCommand& command, const std::string&) { command.command.mutable_take(); });
}

void Reassignments::DeclineToTake(const Call& call, const v1::DeclineToTakeRequest& request, Done<v1::Reassignment> done) {
  Change(call, request, "", std::move(done), [&](Violations& bad, CaseCommand& command, const std::string&) {
    command.command.mutable_decline_to_take();
    AddNote(bad, command, "DECLINE_TO_TAKE", request.note());
  });
}

void Reassignments::SendClosingNote(const Call& call, const v1::SendClosingNoteRequest& request, Done<v1::Reassignment> done) {
  Change(call, request, "", std::move(done),
         [&](Violations&, CaseCommand& command, const std::string&) { command.command.mutable_send_closing_note(); });
}

// --- What a policy may ask for before the search ---

void Reassignments::RecordMediation(const Call& call, const v1::RecordMediationRequest& request, Done<v1::Reassignment> done) {
  Change(call, request, "", std::move(done), [&](Violations& bad, CaseCommand& command, const std::string&) {
    if (!v1::MediationOutcome_IsValid(request.outcome()) || request.outcome() == v1::MEDIATION_OUTCOME_UNSPECIFIED) {
      bad.Add("outcome", "must be SETTLED, NOT_SETTLED or NOT_HELD");
    }
    command.command.mutable_record_mediation()->set_outcome(request.outcome());
    AddNote(bad, command, "MEDIATION", request.note());
  });
}

void Reassignments::RecordSignature(const Call& call, const v1::RecordSignatureRequest& request, Done<v1::Reassignment> done) {
  using Stage = v1::EscalationPolicy::Stage;
  Change(call, request, "", std::move(done), [&](Violations& bad, CaseCommand& command, const std::string&) {
    if (!Stage::Signer_IsValid(request.signer()) || request.signer() == Stage::SIGNER_UNSPECIFIED) {
      bad.Add("signer", "must be CANDIDATE, CURRENT_MENTOR or PROGRAM_LEADER");
    }
    command.command.mutable_record_signature()->set_signer(request.signer());
    command.command.mutable_record_signature()->set_refused(request.refused());
    AddNote(bad, command, "SIGNATURE", request.note());
  });
}

// --- Versions of the policy ---

void Reassignments::MigrateReassignment(const Call& call, const v1::MigrateReassignmentRequest& request,
                                        Done<v1::MigrateReassignmentResponse> done) {
  Violations bad;
  const Target target = CheckCase(bad, "name", request.name());
  if (!request.policy().empty()) CheckName(bad, "policy", request.policy(), "policies/*");
  CheckText(bad, "stage_id", request.stage_id(), kMaxStageId, false);
  CheckText(bad, "note", request.note(), kMaxText, /*required=*/!request.stage_id().empty() && !request.validate_only());
  CheckRequestId(bad, request.request_id());
  CheckEtag(bad, request.etag());
  if (!bad.empty()) return done(bad.ToStatus());
  if (!request.validate_only()) {
    return Prepare(call, request, std::move(done),
                   [this, call, request, key = target.key] { return PrepareMigration(call, request, key); });
  }
  // As if, by the very step that would be taken.
  const bool queued = blocking_.Run([this, call, request, key = target.key, done] {
    const absl::StatusOr<CaseCommand> command = PrepareMigration(call, request, key);
    if (!command.ok()) return done(command.status());
    const absl::StatusOr<StoredCase> stored = LoadFor(call, key);
    if (!stored.ok()) return done(stored.status());
    done(TryMigration(*command, *stored));
  });
  if (!queued) done(QueueFull());
}

absl::StatusOr<CaseCommand> Reassignments::PrepareMigration(const Call& call, const v1::MigrateReassignmentRequest& request,
                                                            const CaseKey& key) {
  REMATCH_ASSIGN_OR_RETURN(const StoredCase stored, LoadFor(call, key));
  REMATCH_ASSIGN_OR_RETURN(const std::shared_ptr<const PolicyRecord> before, policies_.Get(stored.c.policy()));
  REMATCH_ASSIGN_OR_RETURN(const std::shared_ptr<const PolicyRecord> after,
                           request.policy().empty() ? policies_.Of(key.consortium, key.program) : policies_.Find(request.policy()));
  CaseCommand command = CommandFor(call, key);
  command.etag = request.etag();
  command.command.mutable_migrate()->set_policy(after->hash);
  command.command.mutable_migrate()->set_stage_id(request.stage_id());
  if (before->policy.k_anonymity() != after->policy.k_anonymity()) {
    // F18: from here on others are told what that many share.
    mv1::DescribeCandidatesRequest describe;
    describe.set_parent(ConsortiumName(key.consortium));
    describe.add_candidates(stored.c.candidate());
    describe.set_k(after->policy.k_anonymity());
    const absl::StatusOr<mv1::DescribeCandidatesResponse> described = mentor_.DescribeCandidates(describe);
    if (!described.ok()) return PeerUnavailable();
    if (!described->described().empty()) {
      *command.command.mutable_migrate()->mutable_coarse_need() = described->described(0).coarse_need();
    }
  }
  AddText(command, "MIGRATE", request.note());
  command.reply = [before, after](const Applied& applied) {
    v1::MigrateReassignmentResponse response;
    *response.mutable_reassignment() = ToReassignment(applied.key, applied.after, applied.policy);
    for (v1::PolicyDifference& difference : Differences(before->policy, after->policy)) {
      *response.add_differences() = std::move(difference);
    }
    return response.SerializeAsString();
  };
  return command;
}

absl::StatusOr<v1::MigrateReassignmentResponse> Reassignments::TryMigration(const CaseCommand& command, const StoredCase& stored) {
  if (!command.etag.empty() && command.etag != EtagOf(stored.c)) {
    return Error(absl::StatusCode::kAborted, reason::kEtagMismatch, "the case has changed since it was read");
  }
  REMATCH_ASSIGN_OR_RETURN(const std::shared_ptr<const PolicyRecord> before, policies_.Get(stored.c.policy()));
  REMATCH_ASSIGN_OR_RETURN(const std::shared_ptr<const PolicyRecord> after, policies_.Get(command.command.migrate().policy()));
  REMATCH_ASSIGN_OR_RETURN(const CalendarStore::Pointer time, calendars_.Of(stored.c));
  const Rules rules{.policy = before->policy, .time = *time, .next = &after->policy};
  REMATCH_ASSIGN_OR_RETURN(const Decision decision, Apply(stored.c, command.command, rules, clock_.Now()));
  Case c = stored.c;
  for (const Event& event : decision.events) Fold(c, event);
  v1::MigrateReassignmentResponse response;
  response.ParseFromString(command.reply({.key = stored.key, .after = c, .policy = after->policy, .events = decision.events}));
  return response;
}

void Reassignments::CreatePolicyVersion(const Call& call, const v1::CreatePolicyVersionRequest& request, Done<v1::PolicyVersion> done) {
  Violations bad;
  CheckName(bad, "parent", request.parent(), "consortia/*/programs/*");
  CheckPolicy(bad, "policy", request.policy());
  CheckRequestId(bad, request.request_id());
  if (!bad.empty()) return done(bad.ToStatus());
  if (!request.validate_only()) {
    return Prepare(call, request, std::move(done), [this, call, request] { return PreparePublication(call, request); });
  }
  const bool queued = blocking_.Run([this, call, request, done] {
    if (const absl::Status leads = CheckLeads(call, request.parent()); !leads.ok()) return done(leads);
    const std::vector<std::string> ids = *ParseName(request.parent(), "consortia/*/programs/*");
    const auto listed = policies_.ListOf(ids[0], ids[1], 0, 1);
    if (!listed.ok()) return done(listed.status());
    const PolicyRecord record{.hash = ContentHash(request.policy()), .policy = request.policy(), .created = clock_.Now()};
    const bool same = !listed->empty() && listed->front().first.hash == record.hash;
    v1::PolicyVersion version = ToPolicyVersion(record, same);
    version.set_program(request.parent());
    version.set_version((listed->empty() ? 0 : listed->front().first.version) + (same ? 0 : 1));
    version.set_creator(same ? listed->front().first.creator : call.caller.person);
    done(std::move(version));
  });
  if (!queued) done(QueueFull());
}

absl::StatusOr<CaseCommand> Reassignments::PreparePublication(const Call& call, const v1::CreatePolicyVersionRequest& request) {
  REMATCH_RETURN_IF_ERROR(CheckLeads(call, request.parent()));
  const std::vector<std::string> ids = *ParseName(request.parent(), "consortia/*/programs/*");
  REMATCH_ASSIGN_OR_RETURN(const std::string hash, policies_.Keep(request.policy()));
  REMATCH_ASSIGN_OR_RETURN(const std::shared_ptr<const PolicyRecord> record, policies_.Get(hash));
  CaseCommand command;
  command.key = {.consortium = ids[0], .program = ids[1], .id = {}};
  command.policy_publication =
      PolicyPublication{.hash = hash,
                        .creator = call.caller.person,
                        .reply = [record, program = request.parent()](int64_t version, int64_t created, const std::string& creator) {
                          v1::PolicyVersion out = ToPolicyVersion(*record, /*active=*/true);
                          *out.mutable_create_time() = ToTimestamp(created);
                          out.set_program(program);
                          out.set_version(version);
                          out.set_creator(creator);
                          return out.SerializeAsString();
                        }};
  return command;
}

absl::Status Reassignments::CheckLeads(const Call& call, const std::string& program) {
  const auto unknown = [] { return Error(absl::StatusCode::kNotFound, reason::kNotFound, "no such program"); };
  const absl::StatusOr<mv1::Program> found = mentor_.GetProgram(program);
  if (absl::IsNotFound(found.status())) return unknown();
  if (!found.ok()) return PeerUnavailable();
  access::Owners owners;
  owners.leaders = {found->leader().person(), found->alternate().person()};
  const bool leads = std::find(owners.leaders.begin(), owners.leaders.end(), call.caller.person) != owners.leaders.end();
  if (call.caller.role == access::kProgramLeader && !leads) return unknown();
  return access::MayTouch(call.caller, call.method, owners) ? absl::OkStatus() : unknown();
}

}  // namespace rematch::request
