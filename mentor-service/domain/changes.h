// What a batch has changed of the roster that others must hear of: the rows of the roster's feed, read off the rows themselves, so that no
// command can forget one. Held seats are nobody's business but that of the case that holds them.
#ifndef REMATCH_MENTOR_SERVICE_DOMAIN_CHANGES_H_
#define REMATCH_MENTOR_SERVICE_DOMAIN_CHANGES_H_

#include <string>
#include <vector>

#include "mentor-service/domain/roster.h"

namespace rematch::mentor {

// One row of the feed, without its position.
struct Change {
  // Values as in rematch.mentor.v1.RosterChange.Kind.
  enum class Kind {
    kMentorChanged = 1,
    kMentorLeft = 2,
    kCandidateAdded = 3,
    kCandidateLeft = 4,
    kAssignmentChanged = 5,
    kDoNotPairAdded = 6,
    kCalendarChanged = 7,
  };

  Kind kind = Kind::kMentorChanged;
  std::string program = {};    // of kMentorLeft: the one that they left; of candidates: theirs; of kCalendarChanged: whose it is
  std::string candidate = {};  // empty for mentors
  std::string mentor = {};     // the mentor, or the candidate's new one; empty when they have none
  std::string assignment = {};
  std::string seat = {};     // that became this assignment; empty when it came about otherwise
  bool mentor_left = false;  // of kAssignmentChanged: the mentor before retired
  bool operator==(const Change&) const = default;
};

// In the order in which they are to be told: programs, mentors, candidates, each by id.
std::vector<Change> ChangesIn(const Roster& roster);

}  // namespace rematch::mentor

#endif  // REMATCH_MENTOR_SERVICE_DOMAIN_CHANGES_H_
