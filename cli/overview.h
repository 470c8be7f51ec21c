// One look that shows a Leader everything (F47), program by program.
#ifndef REMATCH_CLI_OVERVIEW_H_
#define REMATCH_CLI_OVERVIEW_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/names.h"
#include "cli/tables.h"
#include "rematch/mentor/v1/resources.pb.h"
#include "rematch/request/v1/resources.pb.h"

namespace rematch::cli {

struct ProgramOverview {
  rematch::mentor::v1::Program program;
  std::vector<rematch::request::v1::Reassignment> open_cases;
  std::vector<rematch::request::v1::Task> open_tasks;
  std::vector<rematch::mentor::v1::Mentor> mentors;
  std::vector<rematch::mentor::v1::Candidate> without_mentor;
};

// The tasks that are due before `now`, of all programs, the longest overdue first.
std::vector<rematch::request::v1::Task> Overdue(const std::vector<ProgramOverview>& programs, absl::Time now);

// `me` is the caller's person: their tasks are shown as their own; everybody's where `me` is empty.
std::string RenderOverview(const std::vector<ProgramOverview>& programs, const std::string& me, const People& people, absl::Time now,
                           absl::TimeZone zone, const Canvas& canvas);

}  // namespace rematch::cli

#endif  // REMATCH_CLI_OVERVIEW_H_
