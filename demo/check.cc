#include "demo/check.h"

#include <algorithm>
#include <functional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "platform/errors.h"

namespace rematch::demo {
namespace {

using request::v1::Disclosure;
using request::v1::Offer;

class Checker {
 public:
  Checker(Play& play, const Expected& expected, const std::map<std::string, Load>& before)
      : play_(play), expected_(expected), before_(before) {}

  std::vector<std::string> Run() {
    if (!Read(play_.Reload(), "the roster")) return std::move(found_);
    CheckCase();
    CheckOffers();
    CheckRoster();
    CheckMessages();
    CheckTrail();
    CheckDisclosures();
    return std::move(found_);
  }

 private:
  // False, with a line, when `status` is an error.
  bool Read(const absl::Status& status, const std::string& what) {
    if (!status.ok()) found_.push_back(absl::StrCat("cannot read ", what, ": ", status.message()));
    return status.ok();
  }
  void Require(bool holds, const std::string& line) {
    if (!holds) found_.push_back(line);
  }

  void CheckCase() {
    auto c = play_.Get();
    if (!Read(c.status(), "the case")) return;
    Require(c->state() == request::v1::COMPLETED, absl::StrCat("the case is ", CaseState_Name(c->state()), ", not COMPLETED"));
    Require(c->stage() == expected_.stage,
            absl::StrCat("the mentor was found in stage ", StageKind_Name(c->stage()), ", not ", StageKind_Name(expected_.stage)));
    Require(c->proposed_mentor() == expected_.new_mentor,
            absl::StrCat("the new mentor is ", Who(c->proposed_mentor()), ", not ", Who(expected_.new_mentor)));
    Require(c->current_mentor() == play_.former_mentor(), "the case names another former mentor than the roster did");
    Require(c->open_tasks() == 0, absl::StrCat(c->open_tasks(), " tasks are open"));
  }

  void CheckOffers() {
    auto offers = play_.Offers();
    if (!Read(offers.status(), "the offers")) return;
    std::vector<Expected::Asked> asked, wanted = expected_.asked;
    for (const Offer& offer : *offers) {
      // The last look for a mentor that found nobody leaves an offer without one.
      if (!offer.mentor().empty()) asked.push_back({offer.mentor(), offer.stage(), offer.state()});
    }
    auto by_stage = [](std::vector<Expected::Asked>& all) {
      const auto begin = std::stable_partition(all.begin(), all.end(), [](const auto& one) { return one.stage != request::v1::BROADCAST; });
      std::sort(begin, all.end());
    };
    by_stage(asked);
    by_stage(wanted);
    if (asked != wanted) found_.push_back(absl::StrCat("offers are ", Text(asked), ", not ", Text(wanted)));
  }

  void CheckRoster() {
    const std::string of_record = play_.directory().candidates.at(play_.candidate()).mentor();
    Require(of_record == expected_.new_mentor,
            absl::StrCat("the mentor of record is ", Who(of_record), ", not ", Who(expected_.new_mentor)));
    for (const auto& [name, load] : LoadsOf(play_.directory())) {
      const auto it = before_.find(name);
      const int caseload =
          (it == before_.end() ? 0 : it->second.caseload) + (name == expected_.new_mentor) - (name == play_.former_mentor()) + Moved(name);
      Require(load.caseload == caseload, absl::StrCat(Who(name), " has ", load.caseload, " candidates, not ", caseload));
      Require(load.held == 0, absl::StrCat(Who(name), " has ", load.held, " seats held for nothing"));
    }
    mentor::v1::ListAssignmentsRequest request;
    request.set_parent(play_.candidate().substr(0, play_.candidate().find("/programs/")));
    request.set_candidate(play_.candidate());
    auto assignments = play_.suite().Service().Call(&MentorStub::ListAssignments, request);
    if (!Read(assignments.status(), "the assignments")) return;
    const int live = std::count_if(assignments->assignments().begin(), assignments->assignments().end(),
                                   [](const auto& assignment) { return !assignment.has_end_time(); });
    const int all = play_.former_mentor().empty() ? 1 : 2;
    Require(live == 1 && assignments->assignments_size() == all,
            absl::StrCat(assignments->assignments_size(), " assignments, ", live, " of them live, instead of ", all, " and 1"));
  }

  void CheckMessages() {
    auto messages = play_.Messages();
    if (!Read(messages.status(), "the messages")) return;
    std::multiset<std::pair<std::string, std::string>> made;
    const std::string leader = play_.program().leader().contact().email();
    const mentor::v1::Contact candidate = play_.directory().ContactOf(play_.candidate());
    for (const notify::v1::Notification& message : *messages) {
      const std::string what = absl::StrCat(message.template_(), " to ", message.to().email());
      const std::string kind = IdOf(message.template_());
      const bool cancelled = message.state() == notify::v1::Notification::CANCELLED;
      // What was called back in time never left. The trail speaks of reminders that were made, whatever became of them.
      if (!cancelled || kind.ends_with("_reminder")) made.insert({kind, message.to().email()});
      if (cancelled) continue;
      const bool bounced = message.last_error() == "BOUNCED" && expected_.bounced.contains(message.to().email());
      Require(message.state() == notify::v1::Notification::SENT || bounced,
              absl::StrCat(what, " is ", notify::v1::Notification::State_Name(message.state())));
      const std::vector<Mail> box = play_.MailOf(message.to().email());
      const int copies = std::count_if(box.begin(), box.end(), [&](const Mail& mail) { return mail.message_id == message.message_id(); });
      Require(copies == 1, absl::StrCat(what, " is ", copies, " times in the mailbox"));
      for (const Mail& mail : box) {
        if (mail.message_id != message.message_id()) continue;
        Require(mail.subject == message.subject(), absl::StrCat(what, " arrived under another subject"));
        Require(absl::StrContains(mail.to, message.to().email()), absl::StrCat(what, " names another recipient"));
        Require(absl::StrContains(mail.reply_to, leader), absl::StrCat(what, " does not send replies to the Leader"));
        CheckContent(message, mail, candidate, what);
      }
    }
    auto expected = expected_.messages;
    const auto reminders = Reminders();
    if (!Read(reminders.status(), "the reminders of the trail")) return;
    expected.insert(reminders->begin(), reminders->end());
    if (made != expected) {
      found_.push_back(absl::StrCat("messages differ; missing: ", Minus(expected, made), "; unexpected: ", Minus(made, expected)));
    }
  }

  // The reminders that the trail speaks of: to the mentor of an offer, or by a stage to whoever was asked and had not answered by then.
  absl::StatusOr<std::multiset<std::pair<std::string, std::string>>> Reminders() {
    std::multiset<std::pair<std::string, std::string>> reminders;
    REMATCH_ASSIGN_OR_RETURN(const auto events, play_.Events());
    REMATCH_ASSIGN_OR_RETURN(const auto offers, play_.Offers());
    const auto address = [&](const Offer& offer) { return play_.directory().EmailOf(offer.mentor()); };
    std::string stage;
    bool named = false;
    std::set<std::string> open;
    for (const auto& event : events) {
      const std::string subject = IdOf(event.subject());
      if (event.type() == "STAGE_OPENED") stage = event.summary(), named = false;
      if (event.type() == "PERSON_NAMED") named = true;
      if (event.type() == "OFFER_OPENED") open.insert(subject);
      if (event.type() == "OFFER_ANSWERED" || event.type() == "OFFER_ENDED") open.erase(subject);
      const bool stage_reminds = event.type() == "STAGE_REMINDED";
      for (const Offer& offer : offers) {
        const std::string id = IdOf(offer.name());
        if (event.type() == "OFFER_REMINDED" && id == subject) reminders.insert({"approach_reminder", address(offer)});
        if (stage_reminds && absl::StrContains(stage, "BROADCAST") && offer.stage() == request::v1::BROADCAST && open.contains(id)) {
          reminders.insert({"broadcast_reminder", address(offer)});
        }
      }
      if (stage_reminds && absl::StrContains(stage, "RECOMMENDATION") && !named) {
        for (const auto& [kind, to] : expected_.messages) {
          if (kind.ends_with("_recommendation")) reminders.insert({"recommendation_reminder", to});
        }
      }
    }
    return reminders;
  }

  // Who may read of the candidate, and who must.
  void CheckContent(const notify::v1::Notification& message, const Mail& mail, const mentor::v1::Contact& candidate,
                    const std::string& what) {
    const std::string all = absl::StrCat(mail.subject, mail.text, mail.html);
    const bool official = absl::StrContains(message.template_(), "official_");
    const bool knows = official || absl::StrContains(message.template_(), "former_mentor_note");
    if (!knows) {
      Require(!absl::StrContains(all, candidate.display_name()) && !absl::StrContains(mail.raw, candidate.email()),
              absl::StrCat(what, " gives the candidate away"));
      Require(!absl::StrContains(all, play_.case_name()) && !absl::StrContains(mail.raw, play_.case_name()),
              absl::StrCat(what, " names the case"));
    }
    if (absl::StrContains(message.template_(), "official_candidate")) {
      const mentor::v1::Contact mentor = play_.directory().ContactOf(expected_.new_mentor);
      Require(absl::StrContains(mail.text, mentor.display_name()) && absl::StrContains(mail.text, mentor.email()),
              absl::StrCat(what, " does not say who the mentor is and how to reach them"));
    }
    if (absl::StrContains(message.template_(), "official_mentor")) {
      Require(absl::StrContains(mail.text, candidate.display_name()) && absl::StrContains(mail.text, candidate.email()),
              absl::StrCat(what, " does not say who the candidate is and how to reach them"));
    }
  }

  void CheckTrail() {
    auto events = play_.Events();
    if (!Read(events.status(), "the audit trail")) return;
    size_t next = 0;
    for (const auto& event : *events) {
      if (next < expected_.events.size() && event.type() == expected_.events[next]) ++next;
    }
    Require(next == expected_.events.size(),
            next < expected_.events.size() ? absl::StrCat("the trail lacks ", expected_.events[next]) : "");
    request::v1::VerifyAuditTrailRequest request;
    request.set_name(play_.case_name());
    auto verified = play_.leader().Call(&RequestStub::VerifyAuditTrail, request);
    if (!Read(verified.status(), "the verification")) return;
    Require(verified->intact(), absl::StrCat("the trail is broken at event ", verified->first_bad_sequence()));
    Require(verified->events() == static_cast<int64_t>(events->size()),
            absl::StrCat("the trail has ", verified->events(), " events, ", events->size(), " are listed"));
    Require(!events->empty() && events->back().hash() == verified->head_hash(), "the trail's head is not its last event");
  }

  void CheckDisclosures() {
    auto disclosures = play_.Disclosures();
    if (!Read(disclosures.status(), "the disclosures")) return;
    std::map<std::string, std::set<Disclosure::Fact>> learned;
    for (const Disclosure& disclosure : *disclosures) {
      for (int fact : disclosure.facts()) learned[disclosure.to()].insert(static_cast<Disclosure::Fact>(fact));
    }
    for (const auto& [who, facts] : learned) {
      const auto it = expected_.learned.find(who);
      const std::set<Disclosure::Fact> wanted = it == expected_.learned.end() ? std::set<Disclosure::Fact>{} : it->second;
      Require(facts == wanted, absl::StrCat(Who(who), " learned ", Text(facts), ", not ", Text(wanted)));
    }
    for (const auto& [who, facts] : expected_.learned) {
      Require(learned.contains(who), absl::StrCat(Who(who), " learned nothing instead of ", Text(facts)));
    }
  }

  int Moved(const std::string& mentor) const {
    const auto found = expected_.moved.find(mentor);
    return found == expected_.moved.end() ? 0 : found->second;
  }

  std::string Who(const std::string& resource) const {
    if (resource.empty()) return "nobody";
    const std::string name = play_.NameOf(resource);
    return name.empty() ? resource : name;
  }
  std::string Text(const std::vector<Expected::Asked>& all) const {
    return absl::StrJoin(all, ", ", [this](std::string* out, const Expected::Asked& one) {
      absl::StrAppend(out, Who(one.mentor), " ", StageKind_Name(one.stage), " ", OfferState_Name(one.state));
    });
  }
  static std::string Text(const std::set<Disclosure::Fact>& facts) {
    return absl::StrJoin(facts, "+", [](std::string* out, Disclosure::Fact fact) { out->append(Disclosure::Fact_Name(fact)); });
  }
  static std::string Minus(std::multiset<std::pair<std::string, std::string>> all,
                           const std::multiset<std::pair<std::string, std::string>>& without) {
    for (const auto& one : without) {
      if (auto it = all.find(one); it != all.end()) all.erase(it);
    }
    if (all.empty()) return "none";
    return absl::StrJoin(all, ", ", [](std::string* out, const auto& one) { absl::StrAppend(out, one.first, " to ", one.second); });
  }

  Play& play_;
  const Expected& expected_;
  const std::map<std::string, Load>& before_;
  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> Differences(Play& play, const Expected& expected, const std::map<std::string, Load>& before) {
  return Checker(play, expected, before).Run();
}

}  // namespace rematch::demo
