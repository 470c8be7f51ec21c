#include "request-service/loops/messages.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "platform/errors.h"
#include "platform/strings.h"
#include "platform/validation.h"
#include "request-service/domain/case_view.h"
#include "request-service/domain/working_time.h"

namespace rematch::request {
namespace {

namespace mv1 = mentor::v1;
namespace nv1 = notify::v1;

constexpr absl::Duration kRemembered = absl::Seconds(30);

void SetContact(nv1::Notification& message, const std::string& prefix, const mv1::Contact& contact) {
  auto& variables = *message.mutable_variables();
  variables[prefix + "_name"] = contact.display_name();
  variables[prefix + "_email"] = contact.email();
  variables[prefix + "_phone"] = contact.phone();
}

void SetAddress(nv1::Address& address, const mv1::Contact& contact) {
  address.set_display_name(contact.display_name());
  address.set_email(contact.email());
}

// A template has the name of its kind, in small letters.
std::string TemplateOf(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return "templates/" + name;
}

// The end of a mentor's window, for a message that does not know it yet: it begins when the message arrives.
absl::Time ExpectedEnd(const Effect::Send& send, const Rules& rules, absl::Time now) {
  if (send.window_end() != 0) return FromStored(send.window_end());
  for (const v1::EscalationPolicy::Stage& stage : rules.policy.stages()) {
    if (stage.kind() == v1::INDIVIDUAL && stage.has_window()) return rules.time.EndOfWindow(now, stage.window());
  }
  return rules.time.EndOfWindow(now, rules.policy.task_due_after());
}

bool HasWindow(MessageKind kind) {
  switch (kind) {
    case FIRST_APPROACH:
    case NAMED_APPROACH:
    case APPROACH_REMINDER:
    case BROADCAST:
    case BROADCAST_REMINDER:
    case SITE_RECOMMENDATION:
    case DISTRICT_RECOMMENDATION:
    case RECOMMENDATION_REMINDER:
      return true;
    default:
      return false;
  }
}

bool HasReplyCode(MessageKind kind) {
  return kind == FIRST_APPROACH || kind == NAMED_APPROACH || kind == APPROACH_REMINDER || kind == BROADCAST || kind == BROADCAST_REMINDER;
}

}  // namespace

std::string LocalTimeText(absl::Time time, absl::TimeZone zone) {
  const absl::CivilDay day(absl::ToCivilDay(time, zone));
  return absl::StrCat(absl::FormatTime("%A, ", time, zone), day.day(), absl::FormatTime(" %B, %H:%M", time, zone));
}

std::string NeedText(const mv1::Need& need) {
  std::vector<std::string> parts;
  if (!need.credential().empty()) parts.push_back(need.credential());
  if (!need.grade_band().empty()) parts.push_back(need.grade_band());
  if (need.subjects_size() > 0) {
    const std::vector<std::string> subjects(need.subjects().begin(), need.subjects().end() - 1);
    const std::string& last = need.subjects(need.subjects_size() - 1);
    parts.push_back(subjects.empty() ? last : absl::StrCat(absl::StrJoin(subjects, ", "), " and ", last));
  }
  return parts.empty() ? "a new teacher" : absl::StrJoin(parts, ", ");
}

template <typename Resource>
absl::StatusOr<Resource> MessageMaker::Cache<Resource>::Get(const std::string& name, absl::Duration now,
                                                            const std::function<absl::StatusOr<Resource>(const std::string&)>& fetch) {
  {
    absl::MutexLock lock(&mutex_);
    const auto found = known_.find(name);
    if (found != known_.end() && now - found->second.first < kRemembered) return found->second.second;
  }
  REMATCH_ASSIGN_OR_RETURN(Resource fetched, fetch(name));
  absl::MutexLock lock(&mutex_);
  known_[name] = {now, fetched};
  return fetched;
}

absl::StatusOr<mv1::Program> MessageMaker::Program(const std::string& name) {
  return programs_.Get(name, clock_.Monotonic(), [this](const std::string& n) { return mentor_.GetProgram(n); });
}

absl::StatusOr<mv1::Site> MessageMaker::Site(const std::string& name) {
  return sites_.Get(name, clock_.Monotonic(), [this](const std::string& n) { return mentor_.GetSite(n); });
}

absl::StatusOr<mv1::District> MessageMaker::District(const std::string& name) {
  return districts_.Get(name, clock_.Monotonic(), [this](const std::string& n) { return mentor_.GetDistrict(n); });
}

absl::StatusOr<nv1::SendNotificationRequest> MessageMaker::Make(const Case& c, const Effect& effect, const Rules& rules) {
  const Effect::Send& send = effect.send();
  nv1::SendNotificationRequest request;
  request.set_parent(ConsortiumOf(c.name()));
  request.set_notification_id(send.message());
  nv1::Notification& message = *request.mutable_notification();
  message.set_template_(TemplateOf(MessageKind_Name(send.kind())));
  message.set_origin(c.name());
  auto& variables = *message.mutable_variables();

  const std::string program_name = c.name().substr(0, c.name().rfind("/reassignments/"));
  REMATCH_ASSIGN_OR_RETURN(const mv1::Program program, Program(program_name));
  variables["program_name"] = program.display_name();
  message.set_program(program_name);
  const mv1::Leader& leader = c.alternate_acts() ? program.alternate() : program.leader();
  SetContact(message, "leader", leader.contact());
  SetAddress(*message.mutable_reply_to(), leader.contact());
  for (const Leader* reader : {&c.leader(), &c.alternate()}) {
    // A leader who is the mentor to be replaced reads none of it (F35).
    if (reader->person().empty() || (reader == &c.leader() && c.alternate_acts())) continue;
    message.add_readers(reader->person());
  }

  switch (send.kind()) {
    case SITE_RECOMMENDATION:
    case DISTRICT_RECOMMENDATION:
    case RECOMMENDATION_REMINDER: {
      mv1::Contact recipient;
      if (ParseName(send.to(), "consortia/*/sites/*").has_value()) {
        REMATCH_ASSIGN_OR_RETURN(const mv1::Site site, Site(send.to()));
        recipient = site.administrator();
      } else {
        REMATCH_ASSIGN_OR_RETURN(const mv1::District district, District(send.to()));
        recipient = district.representative();
      }
      variables["recipient_name"] = recipient.display_name();
      SetAddress(*message.mutable_to(), recipient);
      break;
    }
    case SITE_NOTICE: {
      REMATCH_ASSIGN_OR_RETURN(const mv1::Site site, Site(send.to()));
      REMATCH_ASSIGN_OR_RETURN(const mv1::Candidate candidate, mentor_.GetCandidate(c.candidate()));
      REMATCH_ASSIGN_OR_RETURN(const mv1::Mentor mentor, mentor_.GetMentor(send.about()));
      variables["recipient_name"] = site.administrator().display_name();
      variables["candidate_name"] = candidate.contact().display_name();
      variables["mentor_name"] = mentor.contact().display_name();
      SetAddress(*message.mutable_to(), site.administrator());
      break;
    }
    case NAMED_APPROACH:
    case PROPOSAL_NOTE: {
      REMATCH_ASSIGN_OR_RETURN(const mv1::Candidate candidate, mentor_.GetCandidate(c.candidate()));
      REMATCH_ASSIGN_OR_RETURN(const mv1::Mentor mentor, mentor_.GetMentor(send.to()));
      REMATCH_ASSIGN_OR_RETURN(const mv1::Site site, Site(candidate.site()));
      variables["mentor_name"] = mentor.contact().display_name();
      variables["candidate_name"] = candidate.contact().display_name();
      variables["site_name"] = site.display_name();
      SetAddress(*message.mutable_to(), mentor.contact());
      break;
    }
    case OFFICIAL_CANDIDATE: {
      REMATCH_ASSIGN_OR_RETURN(const mv1::Candidate candidate, mentor_.GetCandidate(send.to()));
      REMATCH_ASSIGN_OR_RETURN(const mv1::Mentor mentor, mentor_.GetMentor(send.about()));
      variables["candidate_name"] = candidate.contact().display_name();
      SetContact(message, "mentor", mentor.contact());
      SetAddress(*message.mutable_to(), candidate.contact());
      break;
    }
    case OFFICIAL_MENTOR:
    case FORMER_MENTOR_NOTE: {
      REMATCH_ASSIGN_OR_RETURN(const mv1::Candidate candidate, mentor_.GetCandidate(c.candidate()));
      REMATCH_ASSIGN_OR_RETURN(const mv1::Mentor mentor, mentor_.GetMentor(send.to()));
      variables["mentor_name"] = mentor.contact().display_name();
      SetAddress(*message.mutable_to(), mentor.contact());
      if (send.kind() == OFFICIAL_MENTOR) {
        REMATCH_ASSIGN_OR_RETURN(const mv1::Site site, Site(candidate.site()));
        variables["site_name"] = site.display_name();
        SetContact(message, "candidate", candidate.contact());
      } else {
        variables["candidate_name"] = candidate.contact().display_name();
      }
      break;
    }
    default: {
      REMATCH_ASSIGN_OR_RETURN(const mv1::Mentor mentor, mentor_.GetMentor(send.to()));
      variables["mentor_name"] = mentor.contact().display_name();
      SetAddress(*message.mutable_to(), mentor.contact());
    }
  }
  if (HasWindow(send.kind())) {
    variables["need"] = NeedText(c.coarse_need());
    variables["window_end"] = LocalTimeText(ExpectedEnd(send, rules, clock_.Now()), rules.time.zone());
  }
  if (HasReplyCode(send.kind())) {
    variables["reply_code"] = codes_.Make({.case_name = c.name(), .offer = effect.offer(), .epoch = send.epoch()});
  }
  return request;
}

nv1::SendNotificationRequest MessageMaker::MakeLetter(const CaseKey& key, const Letter& letter, const mv1::Candidate& candidate,
                                                      const mv1::Program& program, const TaskTerms& terms) const {
  nv1::SendNotificationRequest request;
  request.set_parent(ConsortiumName(key.consortium));
  request.set_notification_id(letter.id());
  nv1::Notification& message = *request.mutable_notification();
  message.set_template_(TemplateOf(Letter::Kind_Name(letter.kind())));
  message.set_origin(letter.candidate());
  message.set_program(program.name());
  const mv1::Contact& from = (terms.owner() == program.alternate().person() ? program.alternate() : program.leader()).contact();
  SetAddress(*message.mutable_to(), candidate.contact());
  SetAddress(*message.mutable_reply_to(), from);
  SetContact(message, "leader", from);
  auto& variables = *message.mutable_variables();
  variables["program_name"] = program.display_name();
  variables["candidate_name"] = candidate.contact().display_name();
  if (letter.survey().empty()) {
    for (const std::string& reader : {terms.leader(), terms.alternate()}) {
      if (!reader.empty()) message.add_readers(reader);
    }
    return request;
  }
  // Whoever reads one has a code that speaks for the candidate: it is for them alone.
  absl::TimeZone zone;
  absl::LoadTimeZone(program.time_zone(), &zone);
  variables["close_time"] = LocalTimeText(FromStored(letter.closes()), zone);
  variables["reply_code"] = codes_.Make({.case_name = ResponseName(key, letter), .offer = "", .epoch = 0});
  return request;
}

}  // namespace rematch::request
