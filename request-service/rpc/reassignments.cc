#include "request-service/rpc/reassignments.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "access/access.h"
#include "platform/errors.h"
#include "platform/strings.h"
#include "platform/validation.h"
#include "request-service/domain/case_view.h"
#include "request-service/domain/escalation.h"
#include "request-service/domain/reasons.h"
#include "request-service/domain/working_time.h"
#include "request-service/rpc/convert.h"

namespace rematch::request {
namespace {

namespace mv1 = mentor::v1;

constexpr absl::Duration kAskPeerAgain = absl::Seconds(1);

// The same bytes for the same message.
std::string Deterministic(const google::protobuf::Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

std::string Hex(const std::string& bytes) { return absl::BytesToHexString(bytes); }

// Request ids are a caller's own: whoever guesses one of another's learns nothing by it, not even that the case is there.
std::string ScopeOf(std::string_view resource, const rpc::Caller& caller) {
  return absl::StrCat(std::string(resource), "#", Hex(platform::Sha256(caller.role + '\0' + caller.person)).substr(0, 16));
}

template <typename Request>
CommandMeta MetaFor(const rpc::Call& call, const Request& request, const CaseCommand& command) {
  CommandMeta meta;
  const std::string resource =
      command.command.has_open() ? command.key.consortium : absl::StrCat(command.key.consortium, "/", command.key.id);
  meta.scope = ScopeOf(resource, call.caller);
  meta.request_id = request.request_id();
  Request body = request;
  body.clear_request_id();
  meta.body_hash = Hex(platform::Sha256(absl::StrCat(std::string(call.method), "\n", Deterministic(body))));
  meta.deadline = call.deadline;
  return meta;
}

// A command of the caller's, who must have the right to the case by the table of access.
CaseCommand CommandFor(const rpc::Call& call, const CaseKey& key) {
  CaseCommand command;
  command.key = key;
  command.command.set_actor_role(call.caller.role);
  command.command.set_actor(call.caller.person);
  command.asked = CaseCommand::Asked{.caller = call.caller, .method = std::string(call.method)};
  return command;
}

void AddText(CaseCommand& command, std::string_view step, const std::string& text) {
  command.step = std::string(step);
  command.text = text;
}

void AnswerCase(CaseCommand& command) {
  command.reply = [](const Applied& applied) { return ToReassignment(applied.key, applied.after, applied.policy).SerializeAsString(); };
}

// A peer that is needed to answer and did not.
absl::Status PeerFailed(const absl::Status&) {
  return ErrorWithRetry(absl::StatusCode::kUnavailable, reason::kPeerUnavailable, "mentor-service does not answer", kAskPeerAgain);
}

Viewer ViewerOf(const rpc::Caller& caller) {
  Viewer viewer;
  if (caller.role == access::kProgramLeader) viewer.leader = caller.person;
  if (caller.role == access::kCandidate) viewer.candidate = caller.person;
  return viewer;
}

// What a list was asked for, to bind its page tokens to.
std::string QuestionOf(const rpc::Call& call, std::initializer_list<std::string> parts) {
  std::string question = absl::StrCat(std::string(call.method), "\n", call.caller.role, "\n", call.caller.person);
  for (const std::string& part : parts) absl::StrAppend(&question, "\n", part);
  return question;
}

// A whole number of a page token, which only this service makes.
int64_t NumberOf(const std::string& text) {
  int64_t number = 0;
  return absl::SimpleAtoi(text, &number) ? number : 0;
}

Leader ToStoredLeader(const mv1::Leader& leader) {
  Leader out;
  out.set_person(leader.person());
  out.set_mentor(leader.mentor());
  return out;
}

}  // namespace

// --- The shape of writes ---

template <typename Request, typename Response>
void Reassignments::Submit(const Call& call, const Request& request, CaseCommand command, Done<Response> done) {
  CommandMeta meta = MetaFor(call, request, command);
  door_.Submit(std::move(meta), std::move(command), [done](const absl::StatusOr<std::string>& reply) {
    if (!reply.ok()) {
      done(reply.status());
      return;
    }
    Response response;
    if (!response.ParseFromString(*reply)) {
      done(Error(absl::StatusCode::kInternal, reason::kStoreRefused, "a remembered answer cannot be read"));
      return;
    }
    done(std::move(response));
  });
}

template <typename Request>
void Reassignments::SubmitForCase(const Call& call, const Request& request, CaseCommand command, Done<v1::Reassignment> done) {
  AnswerCase(command);
  Submit(call, request, std::move(command), std::move(done));
}

template <typename Response>
void Reassignments::Block(Done<Response> done, absl::AnyInvocable<void()> work) {
  if (blocking_.Run(std::move(work))) return;
  done(ErrorWithRetry(absl::StatusCode::kResourceExhausted, reason::kQueueFull, "too many requests at once", absl::Milliseconds(100)));
}

// --- Writes ---

void Reassignments::CreateReassignment(const Call& call, const v1::CreateReassignmentRequest& request, Done<v1::Reassignment> done) {
  Violations bad;
  const std::vector<std::string> parent = CheckName(bad, "parent", request.parent(), "consortia/*/programs/*");
  CheckName(bad, "candidate", request.candidate(), "consortia/*/programs/*/candidates/*");
  if (bad.empty() && !request.candidate().starts_with(request.parent() + "/")) bad.Add("candidate", "must be a candidate of the parent");
  CheckText(bad, "reasons", request.reasons(), kMaxText, false);
  CheckRequestId(bad, request.request_id());
  if (!bad.empty()) return done(bad.ToStatus());
  Block(done, [this, call, request, done] {
    absl::StatusOr<CaseCommand> command = PrepareOpen(call, request);
    if (!command.ok()) return done(command.status());
    SubmitForCase(call, request, *std::move(command), done);
  });
}

absl::StatusOr<CaseCommand> Reassignments::PrepareOpen(const Call& call, const v1::CreateReassignmentRequest& request) {
  const std::optional<std::vector<std::string>> ids = ParseName(request.parent(), "consortia/*/programs/*");
  // A candidate asks for themself only, and learns nothing of others.
  if (call.caller.role == access::kCandidate && call.caller.person != request.candidate()) return access::CaseNotFound();
  const absl::StatusOr<mv1::Program> program = mentor_.GetProgram(request.parent());
  if (!program.ok()) {
    return program.status().code() == absl::StatusCode::kNotFound ? access::CaseNotFound() : PeerFailed(program.status());
  }
  access::Owners owners;
  owners.leaders = {program->leader().person(), program->alternate().person()};
  owners.candidate = request.candidate();
  if (!access::MayTouch(call.caller, call.method, owners)) return access::CaseNotFound();
  const absl::StatusOr<mv1::Candidate> candidate = mentor_.GetCandidate(request.candidate());
  if (!candidate.ok()) {
    if (candidate.status().code() != absl::StatusCode::kNotFound) return PeerFailed(candidate.status());
    return Error(absl::StatusCode::kNotFound, reason::kNotFound, "no such candidate");
  }
  // F35: whom the candidate may be asking to be freed of does not hear of it, not even as a refusal.
  const bool conflicted = !candidate->mentor().empty() && candidate->mentor() == program->leader().mentor();
  if (conflicted && call.caller.person == program->leader().person()) return access::CaseNotFound();

  REMATCH_ASSIGN_OR_RETURN(const std::shared_ptr<const PolicyRecord> policy, policies_.Get(policies_.active()));
  mv1::DescribeNeedRequest describe;
  describe.set_candidate(request.candidate());
  describe.set_k(policy->policy.k_anonymity());
  const absl::StatusOr<mv1::DescribeNeedResponse> need = mentor_.DescribeNeed(describe);
  if (!need.ok()) return PeerFailed(need.status());

  CaseCommand command = CommandFor(call, {.consortium = (*ids)[0], .program = (*ids)[1], .id = ids_.Next()});
  Command::Open& open = *command.command.mutable_open();
  open.set_name(command.key.Name());
  open.set_candidate(request.candidate());
  open.set_policy(policy->hash);
  open.set_time_zone(program->time_zone());
  *open.mutable_need() = need->need();
  *open.mutable_coarse_need() = need->coarse_need();
  open.set_current_mentor(candidate->mentor());
  open.set_replaced_assignment(candidate->assignment());
  *open.mutable_leader() = ToStoredLeader(program->leader());
  if (program->has_alternate()) *open.mutable_alternate() = ToStoredLeader(program->alternate());
  AddText(command, "REASONS", request.reasons());
  return command;
}

void Reassignments::ReviewReassignment(const Call& call, const v1::ReviewReassignmentRequest& request, Done<v1::Reassignment> done) {
  Violations bad;
  const Target target = CheckCase(bad, "name", request.name());
  CheckReview(bad, request, target.key);
  CheckRequestId(bad, request.request_id());
  CheckEtag(bad, request.etag());
  if (!bad.empty()) return done(bad.ToStatus());
  CaseCommand command = CommandFor(call, target.key);
  command.etag = request.etag();
  Command::Review& review = *command.command.mutable_review();
  review.set_proceed(request.decision() == v1::ReviewReassignmentRequest::PROCEED);
  *review.mutable_order() = request.order();
  *review.mutable_strike() = request.strike();
  review.set_ground(request.ground());
  AddText(command, "REVIEW", request.note());
  SubmitForCase(call, request, std::move(command), std::move(done));
}

void Reassignments::WithdrawReassignment(const Call& call, const v1::WithdrawReassignmentRequest& request, Done<v1::Reassignment> done) {
  Violations bad;
  const Target target = CheckCase(bad, "name", request.name());
  CheckText(bad, "note", request.note(), kMaxText, false);
  CheckRequestId(bad, request.request_id());
  CheckEtag(bad, request.etag());
  if (!bad.empty()) return done(bad.ToStatus());
  CaseCommand command = CommandFor(call, target.key);
  command.etag = request.etag();
  command.command.mutable_withdraw();
  AddText(command, "WITHDRAW", request.note());
  SubmitForCase(call, request, std::move(command), std::move(done));
}

void Reassignments::CloseReassignment(const Call& call, const v1::CloseReassignmentRequest& request, Done<v1::Reassignment> done) {
  Violations bad;
  const Target target = CheckCase(bad, "name", request.name());
  CheckGround(bad, request.ground());
  CheckText(bad, "note", request.note(), kMaxText, true);
  CheckRequestId(bad, request.request_id());
  CheckEtag(bad, request.etag());
  if (!bad.empty()) return done(bad.ToStatus());
  CaseCommand command = CommandFor(call, target.key);
  command.etag = request.etag();
  command.command.mutable_close()->set_ground(request.ground());
  AddText(command, "CLOSE", request.note());
  SubmitForCase(call, request, std::move(command), std::move(done));
}

void Reassignments::RestartSearch(const Call& call, const v1::RestartSearchRequest& request, Done<v1::Reassignment> done) {
  Violations bad;
  const Target target = CheckCase(bad, "name", request.name());
  if (!v1::StageKind_IsValid(request.stage())) bad.Add("stage", "must be a kind of stage, or unset for the first");
  CheckRequestId(bad, request.request_id());
  CheckEtag(bad, request.etag());
  if (!bad.empty()) return done(bad.ToStatus());
  CaseCommand command = CommandFor(call, target.key);
  command.etag = request.etag();
  command.command.mutable_restart_search()->set_stage(request.stage());
  SubmitForCase(call, request, std::move(command), std::move(done));
}

void Reassignments::RecordOfferResponse(const Call& call, const v1::RecordOfferResponseRequest& request, Done<v1::Offer> done) {
  Violations bad;
  const Target target = CheckCase(bad, "name", request.name(), "offers");
  CheckAnswer(bad, request.answer());
  if (request.has_referral()) CheckContact(bad, "referral", request.referral());
  CheckRequestId(bad, request.request_id());
  CheckEtag(bad, request.etag());
  if (!bad.empty()) return done(bad.ToStatus());
  CaseCommand command = CommandFor(call, target.key);
  command.etag = request.etag();
  Command::Answer& answer = *command.command.mutable_answer();
  answer.set_offer(target.child);
  answer.set_willing(request.answer() == v1::YES);
  answer.set_referral(request.has_referral());
  if (request.has_referral()) command.contact = request.referral();
  command.reply = [offer = target.child](const Applied& applied) {
    const Offer* found = FindOffer(applied.after, offer);
    return found == nullptr ? std::string() : ToOffer(applied.key, *found).SerializeAsString();
  };
  Submit(call, request, std::move(command), std::move(done));
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
    const bool answered = std::any_of(applied.events.begin(), applied.events.end(), [](const Event& event) { return event.has_offer_answered(); });
    // The same answer twice is one, and is answered alike.
    const bool repeated = found != nullptr && found->answered() != 0 && found->willing() == willing && found->epoch() == epoch &&
                          found->state() != v1::CANCELLED && found->state() != v1::PASSED_OVER && !HasEnded(applied.after);
    if (found != nullptr && (answered || repeated)) {
      response.set_result(found->late() ? v1::RespondToOfferResponse::RECORDED_LATE : v1::RespondToOfferResponse::RECORDED);
    }
    return response.SerializeAsString();
  };
  Submit(call, request, std::move(command), std::move(done));
}

void Reassignments::ConfirmMatch(const Call& call, const v1::ConfirmMatchRequest& request, Done<v1::Reassignment> done) {
  Violations bad;
  const Target target = CheckCase(bad, "name", request.name(), "offers");
  CheckText(bad, "note", request.note(), kMaxText, false);
  CheckRequestId(bad, request.request_id());
  CheckEtag(bad, request.etag());
  if (!bad.empty()) return done(bad.ToStatus());
  CaseCommand command = CommandFor(call, target.key);
  command.etag = request.etag();
  command.command.mutable_confirm()->set_offer(target.child);
  AddText(command, "CONFIRM", request.note());
  SubmitForCase(call, request, std::move(command), std::move(done));
}

void Reassignments::RejectMatch(const Call& call, const v1::RejectMatchRequest& request, Done<v1::Reassignment> done) {
  Violations bad;
  const Target target = CheckCase(bad, "name", request.name(), "offers");
  CheckText(bad, "note", request.note(), kMaxText, false);
  CheckRequestId(bad, request.request_id());
  CheckEtag(bad, request.etag());
  if (!bad.empty()) return done(bad.ToStatus());
  CaseCommand command = CommandFor(call, target.key);
  command.etag = request.etag();
  command.command.mutable_reject()->set_offer(target.child);
  AddText(command, "REJECT", request.note());
  SubmitForCase(call, request, std::move(command), std::move(done));
}

void Reassignments::OpenBroadcast(const Call& call, const v1::OpenBroadcastRequest& request, Done<v1::Reassignment> done) {
  Violations bad;
  const Target target = CheckCase(bad, "name", request.name());
  CheckRequestId(bad, request.request_id());
  CheckEtag(bad, request.etag());
  if (!bad.empty()) return done(bad.ToStatus());
  Block(done, [this, call, request, key = target.key, done] {
    absl::StatusOr<CaseCommand> command = PrepareBroadcast(call, request, key);
    if (!command.ok()) return done(command.status());
    SubmitForCase(call, request, *std::move(command), done);
  });
}

absl::StatusOr<CaseCommand> Reassignments::PrepareBroadcast(const Call& call, const v1::OpenBroadcastRequest& request, const CaseKey& key) {
  REMATCH_ASSIGN_OR_RETURN(const StoredCase stored, LoadFor(call, key));
  CaseCommand command = CommandFor(call, key);
  command.etag = request.etag();
  Command::OpenBroadcast& broadcast = *command.command.mutable_open_broadcast();
  broadcast.set_include_current_mentor(request.include_current_mentor());
  mv1::FindEligibleMentorsRequest find;
  find.set_candidate(stored.c.candidate());
  find.set_pool(mv1::FindEligibleMentorsRequest::EVERYBODY);
  *find.mutable_exclude() = stored.c.struck();
  const absl::StatusOr<mv1::FindEligibleMentorsResponse> found = mentor_.FindEligibleMentors(find);
  if (!found.ok()) return PeerFailed(found.status());
  for (const mv1::RankedMentor& mentor : found->mentors()) broadcast.add_mentors(mentor.mentor());
  return command;
}

void Reassignments::ChooseInterested(const Call& call, const v1::ChooseInterestedRequest& request, Done<v1::Reassignment> done) {
  Violations bad;
  const Target target = CheckCase(bad, "name", request.name(), "offers");
  CheckText(bad, "note", request.note(), kMaxText, false);
  CheckRequestId(bad, request.request_id());
  CheckEtag(bad, request.etag());
  if (!bad.empty()) return done(bad.ToStatus());
  CaseCommand command = CommandFor(call, target.key);
  command.etag = request.etag();
  command.command.mutable_choose()->set_offer(target.child);
  AddText(command, "CHOOSE", request.note());
  SubmitForCase(call, request, std::move(command), std::move(done));
}

void Reassignments::PassAllOver(const Call& call, const v1::PassAllOverRequest& request, Done<v1::Reassignment> done) {
  Violations bad;
  const Target target = CheckCase(bad, "name", request.name());
  CheckText(bad, "note", request.note(), kMaxText, false);
  CheckRequestId(bad, request.request_id());
  CheckEtag(bad, request.etag());
  if (!bad.empty()) return done(bad.ToStatus());
  CaseCommand command = CommandFor(call, target.key);
  command.etag = request.etag();
  command.command.mutable_pass_all_over();
  AddText(command, "PASS_ALL_OVER", request.note());
  SubmitForCase(call, request, std::move(command), std::move(done));
}

void Reassignments::RecommendPerson(const Call& call, const v1::RecommendPersonRequest& request, Done<v1::Person> done) {
  Violations bad;
  const Target target = CheckCase(bad, "parent", request.parent());
  CheckContact(bad, "contact", request.contact());
  CheckRequestId(bad, request.request_id());
  CheckEtag(bad, request.etag());
  if (!bad.empty()) return done(bad.ToStatus());
  CaseCommand command = CommandFor(call, target.key);
  command.etag = request.etag();
  command.command.mutable_recommend();
  command.contact = request.contact();
  command.reply = [](const Applied& applied) {
    for (const Event& event : applied.events) {
      if (event.has_person_named()) return ToPerson(applied.key, event.person_named().person()).SerializeAsString();
    }
    return std::string();
  };
  Submit(call, request, std::move(command), std::move(done));
}

void Reassignments::QualifyPerson(const Call& call, const v1::QualifyPersonRequest& request, Done<v1::Person> done) {
  Violations bad;
  const Target target = CheckCase(bad, "name", request.name(), "people");
  CheckQualify(bad, request, target.key);
  CheckRequestId(bad, request.request_id());
  CheckEtag(bad, request.etag());
  if (!bad.empty()) return done(bad.ToStatus());
  CaseCommand command = CommandFor(call, target.key);
  command.etag = request.etag();
  Command::Qualify& qualify = *command.command.mutable_qualify();
  qualify.set_person(target.child);
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
  command.reply = [person = target.child](const Applied& applied) {
    const Person* found = FindPerson(applied.after, person);
    return found == nullptr ? std::string() : ToPerson(applied.key, *found).SerializeAsString();
  };
  Submit(call, request, std::move(command), std::move(done));
}

void Reassignments::RecordConsent(const Call& call, const v1::RecordConsentRequest& request, Done<v1::Reassignment> done) {
  Violations bad;
  const Target target = CheckCase(bad, "name", request.name());
  CheckRequestId(bad, request.request_id());
  CheckEtag(bad, request.etag());
  if (!bad.empty()) return done(bad.ToStatus());
  CaseCommand command = CommandFor(call, target.key);
  command.etag = request.etag();
  command.command.mutable_record_consent()->set_given(request.consents());
  SubmitForCase(call, request, std::move(command), std::move(done));
}

void Reassignments::RecordCall(const Call& call, const v1::RecordCallRequest& request, Done<v1::Reassignment> done) {
  Violations bad;
  const Target target = CheckCase(bad, "name", request.name(), "tasks");
  if (!v1::CallOutcome_IsValid(request.outcome()) || request.outcome() == v1::CALL_OUTCOME_UNSPECIFIED) {
    bad.Add("outcome", "must say how the call went");
  }
  CheckText(bad, "note", request.note(), kMaxText, false);
  CheckRequestId(bad, request.request_id());
  CheckEtag(bad, request.etag());
  if (!bad.empty()) return done(bad.ToStatus());
  CaseCommand command = CommandFor(call, target.key);
  command.etag = request.etag();
  command.command.mutable_record_call()->set_task(target.child);
  command.command.mutable_record_call()->set_outcome(request.outcome());
  AddText(command, "CALL", request.note());
  SubmitForCase(call, request, std::move(command), std::move(done));
}

void Reassignments::TakeCandidate(const Call& call, const v1::TakeCandidateRequest& request, Done<v1::Reassignment> done) {
  Violations bad;
  const Target target = CheckCase(bad, "name", request.name());
  CheckRequestId(bad, request.request_id());
  CheckEtag(bad, request.etag());
  if (!bad.empty()) return done(bad.ToStatus());
  CaseCommand command = CommandFor(call, target.key);
  command.etag = request.etag();
  command.command.mutable_take();
  SubmitForCase(call, request, std::move(command), std::move(done));
}

void Reassignments::DeclineToTake(const Call& call, const v1::DeclineToTakeRequest& request, Done<v1::Reassignment> done) {
  Violations bad;
  const Target target = CheckCase(bad, "name", request.name());
  CheckText(bad, "note", request.note(), kMaxText, false);
  CheckRequestId(bad, request.request_id());
  CheckEtag(bad, request.etag());
  if (!bad.empty()) return done(bad.ToStatus());
  CaseCommand command = CommandFor(call, target.key);
  command.etag = request.etag();
  command.command.mutable_decline_to_take();
  AddText(command, "DECLINE_TO_TAKE", request.note());
  SubmitForCase(call, request, std::move(command), std::move(done));
}

void Reassignments::SendClosingNote(const Call& call, const v1::SendClosingNoteRequest& request, Done<v1::Reassignment> done) {
  Violations bad;
  const Target target = CheckCase(bad, "name", request.name());
  CheckRequestId(bad, request.request_id());
  CheckEtag(bad, request.etag());
  if (!bad.empty()) return done(bad.ToStatus());
  CaseCommand command = CommandFor(call, target.key);
  command.etag = request.etag();
  command.command.mutable_send_closing_note();
  SubmitForCase(call, request, std::move(command), std::move(done));
}

// --- Reads ---

absl::StatusOr<StoredCase> Reassignments::LoadFor(const Call& call, const CaseKey& key) {
  REMATCH_ASSIGN_OR_RETURN(std::optional<StoredCase> stored, reader_.Load(key));
  if (!stored.has_value() || !access::MayTouch(call.caller, call.method, OwnersOf(stored->c))) return access::CaseNotFound();
  return *std::move(stored);
}

absl::StatusOr<v1::Reassignment> Reassignments::Publish(const Call& call, const StoredCase& stored) {
  REMATCH_ASSIGN_OR_RETURN(const std::shared_ptr<const PolicyRecord> policy, policies_.Get(stored.c.policy()));
  v1::Reassignment out = ToReassignment(stored.key, stored.c, policy->policy);
  // What is private is not even read for others.
  if (call.caller.role != access::kProgramLeader) return out;
  REMATCH_ASSIGN_OR_RETURN(const std::vector<StoredText> texts, reader_.Texts(stored.key));
  for (const StoredText& text : texts) {
    if (text.step == "REASONS") {
      out.set_reasons(text.text);
      continue;
    }
    v1::Note& note = *out.add_notes();
    *note.mutable_time() = ToTimestamp(text.time);
    note.set_step(text.step);
    note.set_text(text.text);
  }
  return out;
}

absl::StatusOr<v1::Reassignment> Reassignments::GetReassignment(const Call& call, const v1::GetReassignmentRequest& request) {
  Violations bad;
  const Target target = CheckCase(bad, "name", request.name());
  if (!bad.empty()) return bad.ToStatus();
  REMATCH_ASSIGN_OR_RETURN(const StoredCase stored, LoadFor(call, target.key));
  return Publish(call, stored);
}

absl::StatusOr<Reassignments::Watched> Reassignments::Watch(const Call& call, const v1::WatchReassignmentRequest& request,
                                                            const std::string& etag) {
  Violations bad;
  const Target target = CheckCase(bad, "name", request.name());
  if (!bad.empty()) return bad.ToStatus();
  REMATCH_ASSIGN_OR_RETURN(const StoredCase stored, LoadFor(call, target.key));
  Watched watched;
  watched.ended = HasEnded(stored.c);
  if (EtagOf(stored.c) != etag) {
    REMATCH_ASSIGN_OR_RETURN(watched.changed, Publish(call, stored));
  }
  return watched;
}

absl::StatusOr<v1::ListReassignmentsResponse> Reassignments::ListReassignments(const Call& call, const v1::ListReassignmentsRequest& request) {
  Violations bad;
  const std::vector<std::string> parent = CheckName(bad, "parent", request.parent(), "consortia/*/programs/*");
  if (!request.candidate().empty()) CheckName(bad, "candidate", request.candidate(), "consortia/*/programs/*/candidates/*");
  const int page_size = CheckPageSize(bad, request.page_size());
  if (!bad.empty()) return bad.ToStatus();
  const std::string question = QuestionOf(call, {request.parent(), request.open_only() ? "open" : "all", request.candidate()});
  REMATCH_ASSIGN_OR_RETURN(const std::vector<std::string> position, ReadPageToken(question, request.page_token(), 1));
  REMATCH_ASSIGN_OR_RETURN(const std::vector<StoredCase> cases,
                           reader_.List(parent[0], parent[1], ViewerOf(call.caller), request.open_only(), request.candidate(),
                                        position.empty() ? "" : position[0], static_cast<size_t>(page_size) + 1));
  v1::ListReassignmentsResponse response;
  for (const StoredCase& stored : cases) {
    if (response.reassignments_size() == page_size) {
      const std::string& last = response.reassignments(page_size - 1).name();
      response.set_next_page_token(MakePageToken(question, {last.substr(last.rfind('/') + 1)}));
      break;
    }
    REMATCH_ASSIGN_OR_RETURN(const std::shared_ptr<const PolicyRecord> policy, policies_.Get(stored.c.policy()));
    *response.add_reassignments() = ToReassignment(stored.key, stored.c, policy->policy);
  }
  return response;
}

absl::StatusOr<v1::PreviewEscalationResponse> Reassignments::PreviewEscalation(const Call& call, const v1::PreviewEscalationRequest& request) {
  Violations bad;
  const Target target = CheckCase(bad, "name", request.name());
  if (!bad.empty()) return bad.ToStatus();
  REMATCH_ASSIGN_OR_RETURN(const StoredCase stored, LoadFor(call, target.key));
  const Case& c = stored.c;
  v1::PreviewEscalationResponse response;
  if (HasEnded(c)) return response;
  REMATCH_ASSIGN_OR_RETURN(const std::shared_ptr<const PolicyRecord> policy, policies_.Get(c.policy()));
  const auto& stages = policy->policy.stages();
  const auto individual =
      std::find_if(stages.begin(), stages.end(), [](const v1::EscalationPolicy::Stage& stage) { return stage.kind() == v1::INDIVIDUAL; });
  if (individual == stages.end()) return response;

  mv1::FindEligibleMentorsRequest find;
  find.set_candidate(c.candidate());
  find.set_pool(mv1::FindEligibleMentorsRequest::INDIVIDUAL);
  *find.mutable_tiers() = individual->tiers();
  *find.mutable_order() = c.order();
  std::set<std::string> exclude(c.struck().begin(), c.struck().end());
  if (!c.current_mentor().empty()) exclude.insert(c.current_mentor());
  for (const Offer& offer : c.offers()) {
    if (!offer.mentor().empty() && (offer.round() == c.round() || IsExcluded(c, offer.mentor()))) exclude.insert(offer.mentor());
  }
  for (const std::string& mentor : exclude) find.add_exclude(mentor);
  const absl::StatusOr<mv1::FindEligibleMentorsResponse> found = mentor_.FindEligibleMentors(find);
  if (!found.ok()) return PeerFailed(found.status());

  absl::TimeZone zone = absl::UTCTimeZone();
  absl::LoadTimeZone(c.time_zone(), &zone);
  absl::Time ask = clock_.Now();
  // Whoever is being asked has the rest of their window.
  if (const Offer* live = LiveIndividualOffer(c)) {
    ask = live->window_end() != 0 ? std::max(ask, FromStored(live->window_end())) : EndOfWindow(ask, individual->window(), zone);
  }
  for (const mv1::RankedMentor& mentor : found->mentors()) {
    v1::PreviewEscalationResponse::Step& step = *response.add_steps();
    *step.mutable_mentor() = mentor;
    if (mentor.full()) continue;
    const absl::Time end = EndOfWindow(ask, individual->window(), zone);
    *step.mutable_ask_time() = ToTimestamp(ToStored(ask));
    *step.mutable_window_end_time() = ToTimestamp(ToStored(end));
    ask = end;
  }
  return response;
}

absl::StatusOr<v1::ListOffersResponse> Reassignments::ListOffers(const Call& call, const v1::ListOffersRequest& request) {
  Violations bad;
  const Target target = CheckCase(bad, "parent", request.parent());
  if (!bad.empty()) return bad.ToStatus();
  REMATCH_ASSIGN_OR_RETURN(const StoredCase stored, LoadFor(call, target.key));
  v1::ListOffersResponse response;
  for (const Offer& offer : stored.c.offers()) *response.add_offers() = ToOffer(stored.key, offer);
  return response;
}

absl::StatusOr<v1::ListPeopleResponse> Reassignments::ListPeople(const Call& call, const v1::ListPeopleRequest& request) {
  Violations bad;
  const Target target = CheckCase(bad, "parent", request.parent());
  if (!bad.empty()) return bad.ToStatus();
  REMATCH_ASSIGN_OR_RETURN(const StoredCase stored, LoadFor(call, target.key));
  REMATCH_ASSIGN_OR_RETURN(const auto people, reader_.People(target.key));
  v1::ListPeopleResponse response;
  for (const Person& person : stored.c.people()) {
    v1::Person& out = *response.add_people();
    out = ToPerson(stored.key, person);
    const auto found = people.find(person.id());
    if (found != people.end()) *out.mutable_contact() = found->second.contact;
  }
  return response;
}

absl::StatusOr<v1::ListTasksResponse> Reassignments::ListTasks(const Call& call, const v1::ListTasksRequest& request) {
  Violations bad;
  const std::optional<CaseKey> key = CaseKey::Parse(request.parent());
  std::vector<std::string> program(2);
  if (!key.has_value()) {
    if (const auto ids = ParseName(request.parent(), "consortia/*/programs/*")) {
      program = *ids;
    } else {
      bad.Add("parent", "must be the name of a reassignment or of a program");
    }
  }
  const int page_size = CheckPageSize(bad, request.page_size());
  if (!bad.empty()) return bad.ToStatus();
  const std::string question = QuestionOf(call, {request.parent(), request.open_only() ? "open" : "all"});
  REMATCH_ASSIGN_OR_RETURN(const std::vector<std::string> position, ReadPageToken(question, request.page_token(), 3));
  CaseReader::TaskPosition after;
  after.due = -1;
  if (!position.empty()) after = {.due = NumberOf(position[0]), .case_id = position[1], .task = position[2]};
  const size_t limit = static_cast<size_t>(page_size) + 1;

  std::vector<StoredTask> tasks;
  if (key.has_value()) {
    REMATCH_ASSIGN_OR_RETURN(const StoredCase stored, LoadFor(call, *key));
    for (const Task& task : stored.c.tasks()) {
      if (request.open_only() && task.ended() != 0) continue;
      if (std::tuple(task.due(), key->id, task.id()) > std::tuple(after.due, after.case_id, after.task)) tasks.push_back({.key = *key, .task = task});
    }
    std::sort(tasks.begin(), tasks.end(), [](const StoredTask& a, const StoredTask& b) {
      return std::tuple(a.task.due(), a.task.id()) < std::tuple(b.task.due(), b.task.id());
    });
    if (tasks.size() > limit) tasks.resize(limit);
  } else {
    REMATCH_ASSIGN_OR_RETURN(tasks, reader_.Tasks(program[0], program[1], ViewerOf(call.caller), request.open_only(), after, limit));
  }
  v1::ListTasksResponse response;
  for (size_t i = 0; i < tasks.size() && i < static_cast<size_t>(page_size); ++i) *response.add_tasks() = ToTask(tasks[i].key, tasks[i].task);
  if (tasks.size() == limit) {
    const StoredTask& last = tasks[limit - 2];
    response.set_next_page_token(MakePageToken(question, {std::to_string(last.task.due()), last.key.id, last.task.id()}));
  }
  return response;
}

absl::StatusOr<v1::ListReassignmentEventsResponse> Reassignments::ListReassignmentEvents(const Call& call,
                                                                                         const v1::ListReassignmentEventsRequest& request) {
  Violations bad;
  const Target target = CheckCase(bad, "parent", request.parent());
  const int page_size = CheckPageSize(bad, request.page_size());
  if (!bad.empty()) return bad.ToStatus();
  const std::string question = QuestionOf(call, {request.parent()});
  REMATCH_ASSIGN_OR_RETURN(const std::vector<std::string> position, ReadPageToken(question, request.page_token(), 1));
  REMATCH_ASSIGN_OR_RETURN(const StoredCase stored, LoadFor(call, target.key));
  const int64_t after = position.empty() ? 0 : NumberOf(position[0]);
  REMATCH_ASSIGN_OR_RETURN(const std::vector<ChainLink> links, reader_.Events(target.key, after, static_cast<size_t>(page_size) + 1));
  v1::ListReassignmentEventsResponse response;
  for (const ChainLink& link : links) {
    if (response.events_size() == page_size) {
      response.set_next_page_token(MakePageToken(question, {std::to_string(response.events(page_size - 1).sequence())}));
      break;
    }
    *response.add_events() = ToEvent(target.key, link);
  }
  return response;
}

absl::StatusOr<v1::VerifyAuditTrailResponse> Reassignments::VerifyAuditTrail(const Call& call, const v1::VerifyAuditTrailRequest& request) {
  Violations bad;
  const Target target = CheckCase(bad, "name", request.name());
  if (!bad.empty()) return bad.ToStatus();
  REMATCH_ASSIGN_OR_RETURN(const std::optional<CaseReader::Trail> trail, reader_.LoadTrail(target.key));
  if (!trail.has_value() || !access::MayTouch(call.caller, call.method, OwnersOf(trail->stored.c))) return access::CaseNotFound();
  const ChainCheck check = CheckChain(target.key.Name(), trail->links);
  const int64_t count = static_cast<int64_t>(trail->links.size());
  v1::VerifyAuditTrailResponse response;
  response.set_events(count);
  response.set_head_hash(check.head);
  response.set_first_bad_sequence(check.first_bad_sequence);
  // Cut off behind a good one: what the case's row counts is not there.
  if (check.first_bad_sequence == 0 && count < trail->stored.events) response.set_first_bad_sequence(count + 1);
  Case folded;
  bool readable = true;
  for (const ChainLink& link : trail->links) {
    Event event;
    readable = readable && event.ParseFromString(link.bytes);
    if (readable) Fold(folded, event);
  }
  response.set_intact(response.first_bad_sequence() == 0 && count == trail->stored.events && check.head == trail->stored.head_hash && readable &&
                      folded.SerializeAsString() == trail->stored.folded);
  return response;
}

absl::StatusOr<v1::ListDisclosuresResponse> Reassignments::ListDisclosures(const Call& call, const v1::ListDisclosuresRequest& request) {
  Violations bad;
  const Target target = CheckCase(bad, "parent", request.parent());
  if (!bad.empty()) return bad.ToStatus();
  REMATCH_RETURN_IF_ERROR(LoadFor(call, target.key).status());
  REMATCH_ASSIGN_OR_RETURN(const std::vector<v1::Disclosure> disclosures, reader_.Disclosures(target.key));
  v1::ListDisclosuresResponse response;
  for (const v1::Disclosure& disclosure : disclosures) *response.add_disclosures() = disclosure;
  return response;
}

absl::StatusOr<v1::PolicyVersion> Reassignments::GetPolicyVersion(const Call& call, const v1::GetPolicyVersionRequest& request) {
  Violations bad;
  CheckName(bad, "name", request.name(), "policies/*");
  if (!bad.empty()) return bad.ToStatus();
  REMATCH_ASSIGN_OR_RETURN(const std::vector<PolicyRecord> records, policies_.List());
  for (const PolicyRecord& record : records) {
    if (record.Name() == request.name()) return ToPolicyVersion(record, record.hash == policies_.active());
  }
  return Error(absl::StatusCode::kNotFound, reason::kNotFound, "no such policy");
}

absl::StatusOr<v1::ListPolicyVersionsResponse> Reassignments::ListPolicyVersions(const Call& call,
                                                                                 const v1::ListPolicyVersionsRequest& request) {
  Violations bad;
  const int page_size = CheckPageSize(bad, request.page_size());
  if (!bad.empty()) return bad.ToStatus();
  const std::string question = QuestionOf(call, {policies_.active()});
  REMATCH_ASSIGN_OR_RETURN(const std::vector<std::string> position, ReadPageToken(question, request.page_token(), 1));
  REMATCH_ASSIGN_OR_RETURN(const std::vector<PolicyRecord> records, policies_.List());
  v1::ListPolicyVersionsResponse response;
  // A version that was added meanwhile stands in front: whoever pages on goes on behind the last one they saw.
  bool seen = position.empty();
  for (const PolicyRecord& record : records) {
    if (seen && response.policies_size() == page_size) {
      response.set_next_page_token(MakePageToken(question, {response.policies(page_size - 1).content_hash()}));
      break;
    }
    if (seen) *response.add_policies() = ToPolicyVersion(record, record.hash == policies_.active());
    if (!seen && record.hash == position[0]) seen = true;
  }
  return response;
}

}  // namespace rematch::request
