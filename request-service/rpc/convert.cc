#include "request-service/rpc/convert.h"

#include <algorithm>

#include "platform/sql/database.h"
#include "platform/timestamps.h"
#include "request-service/domain/case_view.h"
#include "request-service/domain/escalation.h"
#include "request-service/domain/policy.h"

namespace rematch::request {
namespace {

// Sets the timestamp that `mutable_time` gives, unless there is none.
template <typename Mutable>
void SetTime(int64_t micros, Mutable mutable_time) {
  if (micros != 0) *mutable_time() = ToTimestamp(micros);
}

std::string Child(const CaseKey& key, const char* collection, const std::string& id) {
  return id.empty() ? "" : key.Name() + "/" + collection + "/" + id;
}

std::string SeatName(const CaseKey& key, const std::string& seat) {
  return seat.empty() ? "" : ConsortiumName(key.consortium) + "/seats/" + seat;
}

// The name behind an id like `o3`, `t1` or `p2`.
std::string SubjectName(const CaseKey& key, const std::string& id) {
  if (id.empty()) return "";
  switch (id[0]) {
    case 'o':
      return Child(key, "offers", id);
    case 't':
      return Child(key, "tasks", id);
    case 'p':
      return Child(key, "people", id);
    default:
      return id;
  }
}

// A search has begun once somebody could have been asked.
bool HasStage(const Case& c) { return c.state() != v1::REVIEW && (!HasEnded(c) || c.stage() > 0 || c.offers_size() > 0); }

}  // namespace

google::protobuf::Timestamp ToTimestamp(int64_t micros) { return platform::ToTimestamp(FromStored(micros)); }

std::string EtagOf(const Case& c) { return std::to_string(c.version()); }

v1::Reassignment ToReassignment(const CaseKey& key, const Case& c, const v1::EscalationPolicy& policy) {
  v1::Reassignment out;
  out.set_name(key.Name());
  out.set_candidate(c.candidate());
  out.set_state(c.state());
  if (HasStage(c) && c.stage() >= 0 && c.stage() < policy.stages_size()) {
    out.set_stage(policy.stages(c.stage()).kind());
    out.set_stage_id(StageId(policy.stages(c.stage())));
  }
  out.set_round(c.round());
  out.set_current_mentor(c.current_mentor());
  out.set_replaced_assignment(c.replaced_assignment());
  if (const Offer* proposed = FindOffer(c, c.proposed_offer())) out.set_proposed_mentor(proposed->mentor());
  out.set_acting_leader(ActingLeader(c).person());
  *out.mutable_need() = c.need();
  out.set_policy(PolicyName(c.policy()));
  out.set_close_ground(c.close_ground());
  out.set_etag(EtagOf(c));
  SetTime(c.created(), [&] { return out.mutable_create_time(); });
  SetTime(c.updated(), [&] { return out.mutable_update_time(); });
  SetTime(c.ended(), [&] { return out.mutable_end_time(); });
  // Another call is due by a task; the windows and reminders by the case's timer.
  absl::Time due = NextDue(c);
  int open = 0;
  for (const Task& task : c.tasks()) {
    if (task.ended() != 0) continue;
    ++open;
    if (task.not_before() != 0) due = std::min(due, FromStored(task.not_before()));
  }
  if (due != absl::InfiniteFuture()) *out.mutable_next_due_time() = ToTimestamp(ToStored(due));
  out.set_open_tasks(open);
  out.set_pause_state(PauseOf(c));
  SetTime(c.paused(), [&] { return out.mutable_pause_time(); });
  out.set_calendar(c.calendar().substr(0, 16));
  *out.mutable_signed_by() = c.signed_by();
  return out;
}

v1::Offer ToOffer(const CaseKey& key, const Offer& offer) {
  v1::Offer out;
  out.set_name(Child(key, "offers", offer.id()));
  out.set_mentor(offer.mentor());
  out.set_person(Child(key, "people", offer.person()));
  out.set_stage(offer.stage());
  out.set_state(offer.state());
  out.set_seat(SeatName(key, offer.seat()));
  SetTime(offer.opened(), [&] { return out.mutable_open_time(); });
  SetTime(offer.window_end(), [&] { return out.mutable_window_end_time(); });
  SetTime(offer.answered(), [&] { return out.mutable_answer_time(); });
  out.set_late(offer.late());
  out.set_full(offer.refused_seat());
  if (offer.has_explanation()) *out.mutable_explanation() = offer.explanation();
  return out;
}

v1::Task ToTask(const CaseKey& key, const Task& task) {
  v1::Task out;
  const std::string id = task.kind() == v1::MENTOR_LEFT ? std::string(kMentorLeftTask) : task.id();
  out.set_name(key.id.empty() ? absl::StrCat(task.about(), "/tasks/", id) : Child(key, "tasks", id));
  out.set_kind(task.kind());
  out.set_owner(task.owner());
  SetTime(task.created(), [&] { return out.mutable_create_time(); });
  SetTime(task.due(), [&] { return out.mutable_due_time(); });
  SetTime(task.ended(), [&] { return out.mutable_end_time(); });
  out.set_offer(Child(key, "offers", task.offer()));
  out.set_person(Child(key, "people", task.person()));
  out.set_cause(task.cause());
  out.set_about(task.about());
  out.set_subject(task.subject());
  SetTime(task.not_before(), [&] { return out.mutable_not_before_time(); });
  return out;
}

v1::Person ToPerson(const CaseKey& key, const Person& person) {
  v1::Person out;
  out.set_name(Child(key, "people", person.id()));
  out.set_state(person.state());
  out.set_stage(person.stage());
  out.set_mentor(person.mentor());
  return out;
}

v1::ReassignmentEvent ToEvent(const CaseKey& key, const ChainLink& link) {
  v1::ReassignmentEvent out;
  out.set_sequence(link.sequence);
  out.set_hash(link.hash);
  Event event;
  if (!event.ParseFromString(link.bytes)) {
    // Damaged bytes are shown as such; VerifyAuditTrail says where.
    out.set_type("UNREADABLE");
    return out;
  }
  SetTime(event.time(), [&] { return out.mutable_time(); });
  out.set_type(EventType(event));
  out.set_actor_role(event.actor_role());
  out.set_actor(event.actor());
  out.set_subject(SubjectName(key, EventSubject(event)));
  out.set_summary(EventSummary(event));
  return out;
}

v1::PolicyVersion ToPolicyVersion(const PolicyRecord& record, bool active) {
  v1::PolicyVersion out;
  out.set_name(record.Name());
  out.set_content_hash(record.hash);
  *out.mutable_policy() = record.policy;
  *out.mutable_create_time() = ToTimestamp(sql::ToMicros(record.created));
  out.set_active(active);
  return out;
}

}  // namespace rematch::request
