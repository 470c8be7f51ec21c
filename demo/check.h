// What a case must have come to, compared with what the services and the mailboxes say.
#ifndef REMATCH_DEMO_CHECK_H_
#define REMATCH_DEMO_CHECK_H_

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "demo/play.h"

namespace rematch::demo {

struct Expected {
  struct Asked {
    std::string mentor;
    request::v1::StageKind stage;
    request::v1::OfferState state;
    auto operator<=>(const Asked&) const = default;
  };
  // Where the new mentor was found, and who it is.
  request::v1::StageKind stage = request::v1::STAGE_KIND_UNSPECIFIED;
  std::string new_mentor;
  // In the order in which they were asked; those of a broadcast in any order.
  std::vector<Asked> asked;
  // (template, recipient's address), each once. Without reminders: which of them there must be the trail says, since a busy machine may
  // come to a reminder only when its window has ended, and to an answer only when its reminder has gone out.
  std::multiset<std::pair<std::string, std::string>> messages;
  // Resource name -> everything that this person or place learned.
  std::map<std::string, std::set<request::v1::Disclosure::Fact>> learned;
  // Addresses whose message came back after it had been handed over.
  std::set<std::string> bounced;
  // Mentors whose caseload changed by something else than the swap, and by how much.
  std::map<std::string, int> moved;
  // Types of events that must be in the trail, in this order, others between them.
  std::vector<std::string> events;
};

// One line per difference; empty when all is as it must be. `before`: the loads when the case was opened.
std::vector<std::string> Differences(Play& play, const Expected& expected, const std::map<std::string, Load>& before);

}  // namespace rematch::demo

#endif  // REMATCH_DEMO_CHECK_H_
