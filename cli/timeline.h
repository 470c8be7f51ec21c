// A case as a picture in the terminal: a lane for everybody who was asked, stage by stage, and for every task, over time.
#ifndef REMATCH_CLI_TIMELINE_H_
#define REMATCH_CLI_TIMELINE_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/names.h"
#include "cli/tables.h"
#include "rematch/request/v1/resources.pb.h"

namespace rematch::cli {

// What there is to know of one case.
struct CaseHistory {
  rematch::request::v1::Reassignment reassignment;
  std::vector<rematch::request::v1::Offer> offers;
  std::vector<rematch::request::v1::Task> tasks;
  std::vector<rematch::request::v1::ReassignmentEvent> events;
};

// Time runs to the right. Every moment at which something happened has a column of its own as far as there is room, and longer waits are
// drawn wider, though not to scale: days of silence must not push the seconds around them into one column. `now` ends the lanes that are
// still open. A canvas without a limit is drawn 100 columns wide.
std::string RenderTimeline(const CaseHistory& history, const People& people, absl::Time now, absl::TimeZone zone, const Canvas& canvas);

}  // namespace rematch::cli

#endif  // REMATCH_CLI_TIMELINE_H_
