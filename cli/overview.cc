#include "cli/overview.h"

#include <algorithm>

#include "cli/format.h"
#include "cli/utf8.h"
#include "cli/views.h"

namespace rematch::cli {

using rematch::mentor::v1::Candidate;
using rematch::mentor::v1::Mentor;
using rematch::request::v1::Reassignment;
using rematch::request::v1::Task;

namespace {

bool IsOverdue(const Task& task, absl::Time now) {
  return !IsSet(task.end_time()) && IsSet(task.due_time()) && ToTime(task.due_time()) < now;
}

std::string WithoutMentor(std::vector<Candidate> candidates, const People& people, absl::Time now, absl::TimeZone zone,
                          const Canvas& canvas) {
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return ToTime(a.without_mentor_since()) < ToTime(b.without_mentor_since()); });
  Table table({{.title = "CANDIDATE", .shrinks = true}, {.title = "ID"}, {.title = "SINCE"}, {.title = "DAYS", .right = true}});
  for (const Candidate& candidate : candidates) {
    const auto& since = candidate.without_mentor_since();
    table.Add({people.Of(candidate.name()),
               ShortName(candidate.name()),
               Day(since, zone),
               {IsSet(since) ? std::to_string((now - ToTime(since)) / absl::Hours(24)) : "", Style::kYellow}});
  }
  return table.Render(canvas);
}

}  // namespace

std::vector<Task> Overdue(const std::vector<ProgramOverview>& programs, absl::Time now) {
  std::vector<Task> overdue;
  for (const ProgramOverview& one : programs) {
    for (const Task& task : one.open_tasks) {
      if (IsOverdue(task, now)) overdue.push_back(task);
    }
  }
  std::stable_sort(overdue.begin(), overdue.end(),
                   [](const Task& a, const Task& b) { return ToTime(a.due_time()) < ToTime(b.due_time()); });
  return overdue;
}

std::string RenderOverview(const std::vector<ProgramOverview>& programs, const std::string& me, const People& people, absl::Time now,
                           absl::TimeZone zone, const Canvas& canvas) {
  std::string out;
  for (const ProgramOverview& one : programs) {
    const std::string dot = canvas.unicode ? " · " : ", ";
    const auto late = static_cast<int64_t>(Overdue({one}, now).size());
    out += (out.empty() ? "" : "\n") +
           Heading(Printable(one.program.display_name().empty() ? IdOf(one.program.name()) : one.program.display_name()), canvas);
    out += Count(static_cast<int64_t>(one.open_cases.size()), "open case", "open cases") + dot +
           Count(static_cast<int64_t>(one.open_tasks.size()), "task", "tasks") + dot +
           Paint(std::to_string(late) + " overdue", late > 0 ? Style::kRed : Style::kPlain, canvas) + dot +
           Count(static_cast<int64_t>(one.without_mentor.size()), "candidate", "candidates") + " without a mentor\n";
    if (!one.open_cases.empty()) out += "\n" + Heading("Open cases", canvas) + RenderCases(one.open_cases, people, now, canvas);
    std::vector<Task> mine;
    std::vector<Task> others;
    for (const Task& task : one.open_tasks) (me.empty() || task.owner() == me ? mine : others).push_back(task);
    if (late > 0) out += "\n" + Heading("Overdue", canvas) + RenderTasks(Overdue({one}, now), people, now, zone, canvas);
    if (!mine.empty()) {
      out += "\n" + Heading(me.empty() ? "Tasks" : "My tasks", canvas) + RenderTasks(mine, people, now, zone, canvas);
    }
    if (!others.empty()) out += "\n" + Heading("Tasks of others", canvas) + RenderTasks(others, people, now, zone, canvas);
    if (!one.without_mentor.empty()) {
      out += "\n" + Heading("Without a mentor", canvas) + WithoutMentor(one.without_mentor, people, now, zone, canvas);
    }
    if (!one.mentors.empty()) out += "\n" + Heading("Caseloads", canvas) + RenderCaseloads(one.mentors, canvas);
  }
  return out.empty() ? "no programs\n" : out;
}

}  // namespace rematch::cli
