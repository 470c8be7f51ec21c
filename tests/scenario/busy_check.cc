#include "tests/scenario/busy_check.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "demo/directory.h"
#include "demo/mail.h"
#include "platform/errors.h"

namespace rematch::scenario {
namespace {

using demo::All;
using demo::Caller;
using demo::Directory;
using demo::IdOf;
using demo::MentorStub;
using demo::NotifyStub;
using demo::Part;
using demo::RequestStub;
using notify::v1::Notification;
using request::v1::Offer;
using request::v1::Reassignment;
using request::v1::ReassignmentEvent;
using Events = std::vector<ReassignmentEvent>;

bool HasEnded(const Reassignment& c) {
  return c.state() == request::v1::COMPLETED || c.state() == request::v1::WITHDRAWN || c.state() == request::v1::CLOSED;
}

bool IsLive(const Offer& offer) {
  return offer.state() == request::v1::PREPARING || offer.state() == request::v1::OPEN || offer.state() == request::v1::WILLING ||
         offer.state() == request::v1::CONFIRMED;
}

// Asked alone, in whichever stage.
bool IsIndividual(const Offer& offer) { return offer.stage() == request::v1::INDIVIDUAL || !offer.person().empty(); }

absl::StatusOr<Events> EventsOf(const Caller& leader, const std::string& name) {
  request::v1::ListReassignmentEventsRequest request;
  request.set_parent(name);
  return All<ReassignmentEvent>(leader, &RequestStub::ListReassignmentEvents, request, [](const auto& page) { return page.events(); });
}

absl::StatusOr<Reassignment> Get(const Caller& leader, const std::string& name) {
  request::v1::GetReassignmentRequest request;
  request.set_name(name);
  return leader.Call(&RequestStub::GetReassignment, request);
}

// The rest of a summary that begins with `words`.
std::optional<std::string> After(const ReassignmentEvent& event, std::string_view words) {
  if (event.summary().rfind(words, 0) != 0) return std::nullopt;
  return event.summary().substr(words.size());
}

// A message as the trail tells of it.
struct Told {
  std::string kind;
  std::string to;
  int made = 0;
  int delivered = 0;
  int failed = 0;
  int cancelled = 0;
};

// By their keys.
std::map<std::string, Told> MessagesIn(const Events& events) {
  std::map<std::string, Told> messages;
  Told making;
  for (const ReassignmentEvent& event : events) {
    if (event.type() == "MESSAGE_MADE") {
      const size_t at = event.summary().find(" to ");
      making = {.kind = event.summary().substr(0, at), .to = event.summary().substr(at + 4)};
    } else if (event.type() == "EFFECT_STARTED") {
      const auto key = After(event, "hands over ");
      if (!key.has_value()) continue;
      Told& message = messages[*key];
      message.kind = making.kind;
      message.to = making.to;
      ++message.made;
    } else if (event.type() == "MESSAGE_DELIVERED") {
      ++messages[After(event, "delivered ").value_or("")].delivered;
    } else if (event.type() == "MESSAGE_FAILED") {
      ++messages[After(event, "could not deliver ").value_or("")].failed;
    } else if (event.type() == "MESSAGE_CANCELLED") {
      ++messages[After(event, "called back ").value_or("")].cancelled;
    }
  }
  return messages;
}

std::string WhatIsOutstanding(const Reassignment& c, const Events& events) {
  if (c.has_next_due_time()) return "something is due";
  int effects = 0;
  for (const ReassignmentEvent& event : events) effects += (event.type() == "EFFECT_STARTED") - (event.type() == "EFFECT_ANSWERED");
  if (effects != 0) return absl::StrCat(effects, " effects are not answered");
  for (const auto& [key, message] : MessagesIn(events)) {
    if (message.delivered + message.failed + message.cancelled == 0) return absl::StrCat("nothing is known of ", key);
  }
  return "";
}

class Checker {
 public:
  Checker(demo::Suite& suite, std::string consortium, const std::vector<CaseRecord>& cases)
      : suite_(suite), consortium_(std::move(consortium)), cases_(cases) {}

  std::vector<std::string> Run() {
    if (!ReadAll()) return std::move(found_);
    for (const CaseRecord& record : cases_) CheckCase(record);
    CheckSeats();
    CheckMailboxes();
    CheckNoOtherCases();
    CheckLogs();
    return std::move(found_);
  }

 private:
  bool Read(const absl::Status& status, const std::string& what) {
    if (!status.ok()) found_.push_back(absl::StrCat("cannot read ", what, ": ", status.message()));
    return status.ok();
  }
  template <typename... Parts>
  void Require(bool holds, const Parts&... parts) {
    if (!holds) found_.push_back(absl::StrCat(parts...));
  }

  bool ReadAll() {
    auto directory = Directory::Load(suite_, consortium_);
    if (!Read(directory.status(), "the roster")) return false;
    directory_ = *std::move(directory);
    mentor::v1::ListAssignmentsRequest assignments;
    assignments.set_parent(consortium_);
    auto all = All<mentor::v1::Assignment>(suite_.Service(), &MentorStub::ListAssignments, assignments,
                                           [](const auto& page) { return page.assignments(); });
    if (!Read(all.status(), "the assignments")) return false;
    for (mentor::v1::Assignment& assignment : *all) {
      if (!assignment.has_end_time()) live_[assignment.candidate()].push_back(assignment);
    }
    notify::v1::ListNotificationsRequest notifications;
    notifications.set_parent(consortium_);
    auto messages = All<Notification>(suite_.Service(), &NotifyStub::ListNotifications, notifications,
                                      [](const auto& page) { return page.notifications(); });
    if (!Read(messages.status(), "the messages")) return false;
    for (Notification& message : *messages) notifications_[IdOf(message.name())] = std::move(message);
    for (const demo::Mail& mail : demo::ReadMaildirs(suite_.mail_dir())) mail_[mail.message_id].push_back(mail.mailbox);
    return true;
  }

  void CheckCase(const CaseRecord& record) {
    const Caller leader = suite_.As("PROGRAM_LEADER", record.leader);
    auto c = Get(leader, record.name);
    auto events = EventsOf(leader, record.name);
    request::v1::ListOffersRequest list_offers;
    list_offers.set_parent(record.name);
    auto offers = leader.Call(&RequestStub::ListOffers, list_offers);
    request::v1::ListDisclosuresRequest list_disclosures;
    list_disclosures.set_parent(record.name);
    auto disclosures = leader.Call(&RequestStub::ListDisclosures, list_disclosures);
    request::v1::VerifyAuditTrailRequest verify;
    verify.set_name(record.name);
    auto verified = leader.Call(&RequestStub::VerifyAuditTrail, verify);
    for (const absl::Status& status : {c.status(), events.status(), offers.status(), disclosures.status(), verified.status()}) {
      if (!Read(status, record.name)) return;
    }
    // F41.
    Require(verified->intact() && verified->events() == static_cast<int64_t>(events->size()) && !events->empty() &&
                events->back().hash() == verified->head_hash(),
            record.name, ": the trail is broken at event ", verified->first_bad_sequence());
    Require(c->candidate() == record.candidate, record.name, " is about another candidate");
    // F11.
    Require(HasEnded(*c) || c->open_tasks() > 0 || c->has_next_due_time(), record.name, " is stuck in ",
            request::v1::CaseState_Name(c->state()));
    Require(WhatIsOutstanding(*c, *events).empty(), record.name, ": ", WhatIsOutstanding(*c, *events));
    CheckAcknowledged(record, *c, *events);
    CheckOffers(record, *c, *events, {offers->offers().begin(), offers->offers().end()});
    CheckMessages(record, *c, *events, {disclosures->disclosures().begin(), disclosures->disclosures().end()});
    CheckAssignment(record, *c);
  }

  // F32: what was acknowledged is there, once, and nothing else is that people do.
  void CheckAcknowledged(const CaseRecord& record, const Reassignment& c, const Events& events) {
    std::map<std::string, int> steps;
    std::map<std::string, int> ended_tasks;
    for (const ReassignmentEvent& event : events) {
      if (const std::string key = KeyOf(event); !key.empty()) ++steps[key];
      if (event.type() == "TASK_ENDED") ++ended_tasks[IdOf(event.subject())];
    }
    for (const auto& [step, times] : record.steps) {
      Require(steps[step] == times, record.name, ": ", step, " was acknowledged ", times, " times, and is in the trail ", steps[step],
              " times");
    }
    for (const auto& [step, times] : steps) {
      Require(record.steps.contains(step) || times == 0, record.name, ": ", step, " was never acknowledged, and is in the trail");
    }
    for (const std::string& task : record.ended_tasks) {
      Require(ended_tasks[task] == 1, record.name, ": ", task, " was ended, and is so ", ended_tasks[task], " times in the trail");
    }
    std::multiset<std::string> notes;
    for (const auto& note : c.notes()) notes.insert(note.text());
    Require(notes == record.notes, record.name, ": ", notes.size(), " notes instead of the ", record.notes.size(), " acknowledged");
    Require(c.reasons() == record.reasons, record.name, ": the reasons are not those acknowledged");
    int64_t version = 0;
    Require(absl::SimpleAtoi(c.etag(), &version) && version >= record.version, record.name, " is at version ", c.etag(),
            ", and was acknowledged at ", record.version);
  }

  void CheckOffers(const CaseRecord& record, const Reassignment& c, const Events& events, const std::vector<Offer>& offers) {
    std::set<std::string> individual;
    int confirmed = 0;
    for (const Offer& offer : offers) {
      if (IsIndividual(offer)) individual.insert(IdOf(offer.name()));
      if (offer.state() == request::v1::CONFIRMED) {
        ++confirmed;
        Require(offer.mentor() == c.proposed_mentor(), record.name, ": another mentor is confirmed than the one proposed");
      }
      if (!IsLive(offer)) continue;
      if (!HasEnded(c) && !offer.seat().empty()) needed_.insert({offer.seat(), offer.mentor()});
      const bool is_match = offer.state() == request::v1::CONFIRMED && c.state() == request::v1::COMPLETED;
      // F14.
      Require(!HasEnded(c) || is_match, record.name, " has ended, and ", offer.name(), " is ", OfferState_Name(offer.state()));
    }
    // F29.
    Require(confirmed <= 1, record.name, ": ", confirmed, " mentors are confirmed");
    Require(c.state() != request::v1::COMPLETED || confirmed == 1, record.name, " is complete without a match");
    // F17, F7: as the trail has it, at every moment.
    std::set<std::string> live;
    bool agreed = false;
    int transferred = 0;
    for (const ReassignmentEvent& event : events) {
      if (event.type() == "OFFER_MADE" && individual.contains(IdOf(event.subject()))) live.insert(event.subject());
      if (event.type() == "OFFER_ENDED" || event.type() == "PROPOSAL_ENDED" ||
          (event.type() == "OFFER_ANSWERED" && absl::StrContains(event.summary(), "not now"))) {
        live.erase(event.subject());
      }
      Require(live.size() <= 1, record.name, ": ", live.size(), " mentors were asked at once at event ", event.sequence());
      if (event.type() == "CALL_RECORDED") agreed = absl::StrContains(event.summary(), "AGREED");
      Require(event.type() != "TRANSFER_STARTED" || agreed, record.name, ": a transfer began without the candidate's yes");
      transferred += event.type() == "TRANSFERRED";
    }
    Require(transferred == (c.state() == request::v1::COMPLETED || c.state() == request::v1::ANNOUNCING), record.name, ": transferred ",
            transferred, " times");
  }

  // F8, F24, F40: each message made once, handed over once, in one mailbox once, and in the ledger.
  void CheckMessages(const CaseRecord& record, const Reassignment& c, const Events& events,
                     const std::vector<request::v1::Disclosure>& disclosures) {
    std::map<std::string, int> ledger;
    for (const auto& disclosure : disclosures) ++ledger[IdOf(disclosure.by())];
    std::set<std::pair<std::string, std::string>> purposes;
    int official = 0;
    for (const auto& [key, message] : MessagesIn(events)) {
      known_.insert(key);
      official += absl::StartsWith(message.kind, "OFFICIAL_");
      // `{case}.{scope}.{kind}`, and a number behind it for another of the kind.
      std::string purpose = key;
      if (const size_t dot = key.rfind('.'); key.find_first_not_of("0123456789", dot + 1) == std::string::npos) purpose.resize(dot);
      Require(purposes.insert({purpose, message.to}).second, key, ": a second message of its kind to ", message.to);
      Require(message.made == 1, key, " was handed over ", message.made, " times");
      Require(message.failed == 0, key, " failed");
      Require(message.delivered + message.cancelled == 1, key, " was delivered ", message.delivered, " times and called back ",
              message.cancelled, " times");
      Require(ledger[key] == message.delivered, key, " stands ", ledger[key], " times in the ledger, delivered ", message.delivered,
              " times");
      const auto found = notifications_.find(key);
      Require(found != notifications_.end() || message.cancelled > 0, key, " is in the trail, and not in notify-service");
      if (found == notifications_.end()) continue;
      const Notification& notification = found->second;
      const bool sent = notification.state() == Notification::SENT;
      Require(sent == (message.delivered > 0) && (sent || notification.state() == Notification::CANCELLED), key, " is ",
              Notification::State_Name(notification.state()), ", delivered ", message.delivered, " times by the trail");
      if (!sent) continue;
      const std::vector<std::string>& boxes = mail_[notification.message_id()];
      Require(boxes.size() == 1, key, " is in ", boxes.size(), " mailboxes");
      Require(boxes.empty() || boxes[0] == directory_.EmailOf(message.to), key, " is in the mailbox of somebody else");
    }
    Require(official == (c.state() == request::v1::COMPLETED ? 2 : 0), record.name, " is ", CaseState_Name(c.state()), " with ", official,
            " official messages");
    for (const auto& [by, times] : ledger) {
      Require(by == "call" || known_.contains(by), record.name, ": the ledger names ", by, ", which was not made");
    }
  }

  // F34: one mentor of record, the new one if and only if the case is complete.
  void CheckAssignment(const CaseRecord& record, const Reassignment& c) {
    const auto& live = live_[record.candidate];
    Require(live.size() == 1, record.candidate, " has ", live.size(), " mentors of record");
    if (live.size() != 1) return;
    const bool completed = c.state() == request::v1::COMPLETED;
    Require(live[0].mentor() == (completed ? c.proposed_mentor() : c.current_mentor()), record.name, " is ", CaseState_Name(c.state()),
            ", and the mentor of record is ", live[0].mentor());
    Require(completed == (live[0].name() != c.replaced_assignment()), record.name, " is ", CaseState_Name(c.state()),
            ", and the assignment to be replaced ", completed ? "stands" : "has ended");
  }

  // F30.
  void CheckSeats() {
    mentor::v1::ListSeatsRequest request;
    request.set_parent(consortium_);
    request.set_state(mentor::v1::Seat::HELD);
    auto seats = All<mentor::v1::Seat>(suite_.Service(), &MentorStub::ListSeats, request, [](const auto& page) { return page.seats(); });
    if (!Read(seats.status(), "the seats")) return;
    std::set<std::pair<std::string, std::string>> held;
    std::map<std::string, demo::Load> loads;
    for (const mentor::v1::Seat& seat : *seats) {
      held.insert({seat.name(), seat.mentor()});
      ++loads[seat.mentor()].held;
      Require(needed_.contains({seat.name(), seat.mentor()}), seat.name(), " is held of ", seat.mentor(), ", and no case needs it");
    }
    for (const auto& [seat, mentor] : needed_) Require(held.contains({seat, mentor}), seat, " is needed of ", mentor, ", and not held");
    for (const auto& [candidate, assignments] : live_) {
      Require(assignments.size() == 1, candidate, " has ", assignments.size(), " mentors of record");
      for (const auto& assignment : assignments) ++loads[assignment.mentor()].caseload;
    }
    for (const auto& [name, mentor] : directory_.mentors) {
      const demo::Load& load = loads[name];
      Require(mentor.caseload() == load.caseload && mentor.held_seats() == load.held, name, " says ", mentor.caseload(), " + ",
              mentor.held_seats(), ", and has ", load.caseload, " + ", load.held);
      Require(load.caseload + load.held <= mentor.capacity(), name, " has ", load.caseload, " + ", load.held, " of ", mentor.capacity());
    }
    for (const auto& [name, candidate] : directory_.candidates) {
      const auto& live = live_[name];
      Require(live.size() == 1 && candidate.assignment() == live[0].name() && candidate.mentor() == live[0].mentor(), name,
              " names another assignment than the live one");
    }
  }

  // Nothing was sent that no case made.
  void CheckMailboxes() {
    std::set<std::string> message_ids;
    for (const auto& [key, notification] : notifications_) {
      Require(known_.contains(key), key, " is in notify-service, and in no trail");
      if (notification.state() == Notification::SENT) message_ids.insert(notification.message_id());
    }
    for (const auto& [message_id, boxes] : mail_) {
      Require(boxes.size() == 1 && message_ids.contains(message_id), "mail ", message_id, " is there ", boxes.size(),
              " times; sent: ", message_ids.contains(message_id));
    }
  }

  // F32: a create that was tried again made no other case, and nobody has two that are open.
  void CheckNoOtherCases() {
    std::set<std::string> names;
    for (const CaseRecord& record : cases_) names.insert(record.name);
    size_t listed = 0;
    for (const auto& [name, program] : directory_.programs) {
      request::v1::ListReassignmentsRequest request;
      request.set_parent(name);
      auto all = All<Reassignment>(suite_.As("PROGRAM_LEADER", program.leader().person()), &RequestStub::ListReassignments, request,
                                   [](const auto& page) { return page.reassignments(); });
      if (!Read(all.status(), name)) return;
      std::map<std::string, int> open;
      for (const Reassignment& c : *all) {
        Require(names.contains(c.name()), c.name(), " was opened by nobody");
        Require(HasEnded(c) || ++open[c.candidate()] == 1, c.candidate(), " has several open cases");
      }
      listed += all->size();
    }
    Require(listed == cases_.size(), listed, " cases are listed, ", cases_.size(), " were opened");
  }

  // No work was given up, and no seat had to be mended.
  void CheckLogs() {
    for (const Part part : demo::kParts) {
      for (int replica = 0; replica < suite_.replicas(); ++replica) {
        const std::string log = suite_.log(part, replica);
        for (const char* word : {"seat_reconciled", "seat_not_reconciled", "_set_aside"}) {
          const size_t at = log.find(word);
          if (at == std::string::npos) continue;
          const size_t line = log.rfind('\n', at) + 1;
          found_.push_back(absl::StrCat(demo::NameOf(part), " ", replica, ": ", log.substr(line, log.find('\n', at) - line)));
        }
      }
    }
  }

  demo::Suite& suite_;
  const std::string consortium_;
  const std::vector<CaseRecord>& cases_;
  Directory directory_;
  std::map<std::string, std::vector<mentor::v1::Assignment>> live_;  // by candidate
  std::map<std::string, Notification> notifications_;                // by key
  std::map<std::string, std::vector<std::string>> mail_;             // mailboxes by Message-ID
  std::set<std::pair<std::string, std::string>> needed_;             // seats and whose
  std::set<std::string> known_;                                      // keys of messages in the trails
  std::vector<std::string> found_;
};

}  // namespace

std::string KeyOf(const ReassignmentEvent& event) {
  static const std::set<std::string> by_people = {
      "OPENED",       "REVIEWED",         "OFFER_ANSWERED", "OFFER_CONFIRMED", "BROADCAST_OPENED", "OFFER_CHOSEN",
      "PERSON_NAMED", "CONSENT_RECORDED", "PERSON_DECIDED", "CALL_RECORDED",   "SEARCH_RESTARTED", "WITHDRAWN",
      "CLOSED",       "PAUSED",           "STAGE_SKIPPED",  "MENTOR_STRUCK",   "OFFER_REVIVED"};
  if (event.actor_role() == "TIMER" || event.actor_role() == "PEER") return "";
  const std::string about = event.subject().empty() ? "" : absl::StrCat(" ", IdOf(event.subject()));
  if (by_people.contains(event.type())) return absl::StrCat(event.type(), about);
  if (event.type() == "OFFER_ENDED" && absl::StrContains(event.summary(), "(REJECTED)")) return absl::StrCat("REJECTED", about);
  if (event.type() == "MESSAGE_MADE" && absl::StartsWith(event.summary(), "FORMER_MENTOR_NOTE")) return "FORMER_MENTOR_NOTE";
  return "";
}

absl::StatusOr<std::vector<CaseRecord>> RecordsAsTheyStand(demo::Suite& suite, const std::string& consortium) {
  std::vector<CaseRecord> records;
  REMATCH_ASSIGN_OR_RETURN(const Directory directory, Directory::Load(suite, consortium));
  for (const auto& [name, program] : directory.programs) {
    const Caller leader = suite.As("PROGRAM_LEADER", program.leader().person());
    request::v1::ListReassignmentsRequest list;
    list.set_parent(name);
    REMATCH_ASSIGN_OR_RETURN(const auto cases, All<Reassignment>(leader, &RequestStub::ListReassignments, list,
                                                                 [](const auto& page) { return page.reassignments(); }));
    for (const Reassignment& listed : cases) {
      REMATCH_ASSIGN_OR_RETURN(const Reassignment c, Get(leader, listed.name()));
      REMATCH_ASSIGN_OR_RETURN(const Events events, EventsOf(leader, c.name()));
      CaseRecord& record = records.emplace_back();
      record.name = c.name();
      record.candidate = c.candidate();
      record.leader = program.leader().person();
      record.reasons = c.reasons();
      for (const auto& note : c.notes()) record.notes.insert(note.text());
      for (const ReassignmentEvent& event : events) {
        if (const std::string key = KeyOf(event); !key.empty()) ++record.steps[key];
      }
      if (!absl::SimpleAtoi(c.etag(), &record.version)) return absl::InternalError("an etag that is no number");
    }
  }
  return records;
}

absl::Status AwaitRest(demo::Suite& suite, const std::string& consortium, const std::vector<CaseRecord>& cases, absl::Duration patience) {
  const absl::Time end = absl::Now() + patience;
  // What is at rest stays so: nobody acts any more.
  for (const CaseRecord& record : cases) {
    const Caller leader = suite.As("PROGRAM_LEADER", record.leader);
    std::string why;
    const auto at_rest = [&] {
      const auto c = Get(leader, record.name);
      const auto events = EventsOf(leader, record.name);
      why = !c.ok() || !events.ok() ? "it cannot be read" : WhatIsOutstanding(*c, *events);
      return why.empty();
    };
    if (!demo::WaitUntil(at_rest, std::max(end - absl::Now(), absl::ZeroDuration()))) {
      return absl::DeadlineExceededError(absl::StrCat(record.name, " is not at rest: ", why));
    }
  }
  std::string waiting;
  const auto sent = [&] {
    notify::v1::ListNotificationsRequest request;
    request.set_parent(consortium);
    const auto all =
        All<Notification>(suite.Service(), &NotifyStub::ListNotifications, request, [](const auto& page) { return page.notifications(); });
    if (!all.ok()) return false;
    const auto found = std::find_if(all->begin(), all->end(), [](const Notification& message) {
      return message.state() == Notification::QUEUED || message.state() == Notification::UNKNOWN;
    });
    if (found != all->end()) waiting = found->name();
    return found == all->end();
  };
  if (!demo::WaitUntil(sent, std::max(end - absl::Now(), absl::Seconds(1)))) {
    return absl::DeadlineExceededError(absl::StrCat(waiting, " is still under way"));
  }
  return absl::OkStatus();
}

std::vector<std::string> WrongAtRest(demo::Suite& suite, const std::string& consortium, const std::vector<CaseRecord>& cases) {
  return Checker(suite, consortium, cases).Run();
}

}  // namespace rematch::scenario
