// What must hold of a suite on which many cases ran while processes died under it, once it has come to rest: all that was acknowledged is
// there, once, and no statement of the features is broken.
#ifndef REMATCH_TESTS_SCENARIO_BUSY_CHECK_H_
#define REMATCH_TESTS_SCENARIO_BUSY_CHECK_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "demo/suite.h"

namespace rematch::scenario {

// What people did in a case, as far as it was acknowledged.
struct CaseRecord {
  std::string name;
  std::string candidate;
  std::string leader;
  // How often each step is in the trail, as KeyOf() calls it; and the tasks that acts ended whose step people and time both take.
  std::map<std::string, int> steps;
  std::set<std::string> ended_tasks;
  // What was written with them, and why the case was opened.
  std::multiset<std::string> notes;
  std::string reasons;
  // The latest etag of an answer.
  int64_t version = 0;
};

// What an event is called in CaseRecord::steps: one name for each act of a person. Empty for what follows from others.
std::string KeyOf(const request::v1::ReassignmentEvent& event);

// Every case of a consortium, as if all that its trail says had been acknowledged.
absl::StatusOr<std::vector<CaseRecord>> RecordsAsTheyStand(demo::Suite& suite, const std::string& consortium);

// Waits until no effect is outstanding, no message under way and nothing due. DEADLINE_EXCEEDED says which case is not at rest, and why.
absl::Status AwaitRest(demo::Suite& suite, const std::string& consortium, const std::vector<CaseRecord>& cases, absl::Duration patience);

// One line for each thing that is wrong.
std::vector<std::string> WrongAtRest(demo::Suite& suite, const std::string& consortium, const std::vector<CaseRecord>& cases);

}  // namespace rematch::scenario

#endif  // REMATCH_TESTS_SCENARIO_BUSY_CHECK_H_
