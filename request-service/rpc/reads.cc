// The reads: check the request, read the store, and show what this caller may see.
#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "access/access.h"
#include "platform/errors.h"
#include "platform/validation.h"
#include "request-service/domain/case_view.h"
#include "request-service/domain/escalation.h"
#include "request-service/domain/reasons.h"
#include "request-service/rpc/convert.h"
#include "request-service/rpc/reassignments.h"

namespace rematch::request {
namespace {

Viewer ViewerOf(const rpc::Caller& caller) {
  Viewer viewer;
  if (caller.role == access::kProgramLeader) viewer.leader = caller.person;
  if (caller.role == access::kCandidate) viewer.candidate = caller.person;
  return viewer;
}

// A whole number of a page token, which only this service makes.
int64_t NumberOf(const std::string& text) {
  int64_t number = 0;
  return absl::SimpleAtoi(text, &number) ? number : 0;
}

// What is private is not even read for others.
bool ReadsTexts(const rpc::Call& call, const Case& c) {
  return call.caller.role == access::kProgramLeader && access::MayTouch(call.caller, call.method, OwnersOf(c));
}

}  // namespace

absl::StatusOr<StoredCase> Reassignments::LoadFor(const Call& call, const CaseKey& key) {
  REMATCH_ASSIGN_OR_RETURN(std::optional<StoredCase> stored, reader_.Load(key));
  if (!stored.has_value() || !access::MayTouch(call.caller, call.method, OwnersOf(stored->c))) return access::CaseNotFound();
  return *std::move(stored);
}

absl::StatusOr<v1::Reassignment> Reassignments::Publish(const StoredCase& stored, std::vector<StoredText> texts) {
  REMATCH_ASSIGN_OR_RETURN(const std::shared_ptr<const PolicyRecord> policy, policies_.Get(stored.c.policy()));
  v1::Reassignment out = ToReassignment(stored.key, stored.c, policy->policy);
  for (StoredText& text : texts) {
    if (text.step == "REASONS") {
      out.set_reasons(std::move(text.text));
      continue;
    }
    v1::Note& note = *out.add_notes();
    *note.mutable_time() = ToTimestamp(text.time);
    note.set_step(std::move(text.step));
    note.set_text(std::move(text.text));
  }
  return out;
}

void Reassignments::GetReassignment(const Call& call, const v1::GetReassignmentRequest& request, Done<v1::Reassignment> done) {
  Violations bad;
  const Target target = CheckCase(bad, "name", request.name());
  if (!bad.empty()) return done(bad.ToStatus());
  CaseLookup lookup{.key = target.key, .may_read_texts = [call](const Case& c) { return ReadsTexts(call, c); }};
  reader_.LookUp(call.deadline, std::move(lookup), [this, call, done](const absl::Status& status, CaseLookup& looked) {
    if (!status.ok()) return done(status);
    if (!looked.found.has_value() || !access::MayTouch(call.caller, call.method, OwnersOf(looked.found->c))) {
      return done(access::CaseNotFound());
    }
    done(Publish(*looked.found, std::move(looked.texts)));
  });
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
    std::vector<StoredText> texts;
    if (ReadsTexts(call, stored.c)) {
      REMATCH_ASSIGN_OR_RETURN(texts, reader_.Texts(stored.key));
    }
    REMATCH_ASSIGN_OR_RETURN(watched.changed, Publish(stored, std::move(texts)));
  }
  return watched;
}

absl::StatusOr<v1::ListReassignmentsResponse> Reassignments::ListReassignments(const Call& call,
                                                                               const v1::ListReassignmentsRequest& request) {
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
      if (std::tuple(task.due(), key->id, task.id()) > std::tuple(after.due, after.case_id, after.task))
        tasks.push_back({.key = *key, .task = task});
    }
    std::sort(tasks.begin(), tasks.end(), [](const StoredTask& a, const StoredTask& b) {
      return std::tuple(a.task.due(), a.task.id()) < std::tuple(b.task.due(), b.task.id());
    });
    if (tasks.size() > limit) tasks.resize(limit);
  } else {
    REMATCH_ASSIGN_OR_RETURN(tasks, reader_.Tasks(program[0], program[1], ViewerOf(call.caller), request.open_only(), after, limit));
  }
  v1::ListTasksResponse response;
  for (size_t i = 0; i < tasks.size() && i < static_cast<size_t>(page_size); ++i)
    *response.add_tasks() = ToTask(tasks[i].key, tasks[i].task);
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
  response.set_intact(response.first_bad_sequence() == 0 && count == trail->stored.events && check.head == trail->stored.head_hash &&
                      readable && folded.SerializeAsString() == trail->stored.folded);
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

absl::StatusOr<v1::PolicyVersion> Reassignments::GetPolicyVersion(const Call&, const v1::GetPolicyVersionRequest& request) {
  Violations bad;
  CheckName(bad, "name", request.name(), "policies/*");
  if (!bad.empty()) return bad.ToStatus();
  REMATCH_ASSIGN_OR_RETURN(const std::shared_ptr<const PolicyRecord> record, policies_.Find(request.name()));
  return ToPolicyVersion(*record, record->hash == policies_.active());
}

absl::StatusOr<v1::ListPolicyVersionsResponse> Reassignments::ListPolicyVersions(const Call& call,
                                                                                 const v1::ListPolicyVersionsRequest& request) {
  Violations bad;
  std::vector<std::string> program;
  if (!request.parent().empty()) program = CheckName(bad, "parent", request.parent(), "consortia/*/programs/*");
  const int page_size = CheckPageSize(bad, request.page_size());
  if (!bad.empty()) return bad.ToStatus();
  v1::ListPolicyVersionsResponse response;
  if (!program.empty()) {
    REMATCH_RETURN_IF_ERROR(CheckLeads(call, request.parent()));
    const std::string question = QuestionOf(call, {request.parent()});
    REMATCH_ASSIGN_OR_RETURN(const std::vector<std::string> position, ReadPageToken(question, request.page_token(), 1));
    const int64_t before = position.empty() ? 0 : NumberOf(position[0]);
    REMATCH_ASSIGN_OR_RETURN(const auto versions, policies_.ListOf(program[0], program[1], before, page_size + 1));
    for (const auto& [version, record] : versions) {
      if (response.policies_size() == page_size) {
        response.set_next_page_token(MakePageToken(question, {absl::StrCat(response.policies(page_size - 1).version())}));
        break;
      }
      v1::PolicyVersion& out = *response.add_policies();
      out = ToPolicyVersion(*record, /*active=*/before == 0 && response.policies_size() == 1);
      *out.mutable_create_time() = ToTimestamp(version.created);
      out.set_program(request.parent());
      out.set_version(version.version);
      out.set_creator(version.creator);
    }
    if (versions.empty() && before == 0) {
      REMATCH_ASSIGN_OR_RETURN(const std::shared_ptr<const PolicyRecord> record, policies_.Get(policies_.active()));
      *response.add_policies() = ToPolicyVersion(*record, /*active=*/true);
    }
    return response;
  }
  const std::string question = QuestionOf(call, {policies_.active()});
  REMATCH_ASSIGN_OR_RETURN(const std::vector<std::string> position, ReadPageToken(question, request.page_token(), 1));
  REMATCH_ASSIGN_OR_RETURN(const auto records, policies_.List(/*of_programs=*/call.caller.role != access::kProgramLeader));
  // A version that was added meanwhile stands in front: whoever pages on goes on behind the last one they saw.
  bool seen = position.empty();
  for (const auto& record : records) {
    if (seen && response.policies_size() == page_size) {
      response.set_next_page_token(MakePageToken(question, {response.policies(page_size - 1).content_hash()}));
      break;
    }
    if (seen) *response.add_policies() = ToPolicyVersion(*record, record->hash == policies_.active());
    if (!seen && record->hash == position[0]) seen = true;
  }
  return response;
}

}  // namespace rematch::request
