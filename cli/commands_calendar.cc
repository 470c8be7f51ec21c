// calendar: when a program works, and which deadlines move when that changes.
#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/names.h"
#include "cli/utf8.h"
#include "cli/views.h"
#include "platform/errors.h"
#include "platform/text_proto.h"

namespace rematch::cli {

namespace mentor_v1 = rematch::mentor::v1;
namespace request_v1 = rematch::request::v1;

namespace {

// Open cases hear of it within ten seconds, or the command says that they have not.
constexpr int kLooks = 100;
constexpr absl::Duration kLookEvery = absl::Milliseconds(100);

absl::Status ShowCalendar(Context& context, const std::string& given) {
  REMATCH_ASSIGN_OR_RETURN(const mentor_v1::Program program, context.OneProgramRecord(given));
  return context.Show(program, [&] { return RenderCalendar(program, context.canvas()); });
}

absl::StatusOr<mentor_v1::Calendar> ReadCalendar(Context& context, const std::string& path) {
  REMATCH_ASSIGN_OR_RETURN(const std::string text, ReadInput(path, context.env().in));
  mentor_v1::Calendar calendar;
  if (const absl::Status status = platform::ParseTextProto(text, "BAD_CALENDAR", calendar); !status.ok()) {
    return Error(absl::StatusCode::kInvalidArgument, "BAD_CALENDAR", absl::StrCat(Printable(path), ":", status.message()));
  }
  return calendar;
}

// What is open in a program.
struct Deadlines {
  std::map<std::string, std::string> calendars;  // of its open cases, by name: what they count by
  std::map<std::string, request_v1::Offer> offers;
  std::map<std::string, request_v1::Task> tasks;
};

// Of open cases: which calendar they count by.
absl::StatusOr<std::map<std::string, std::string>> ReadCalendars(Context& context, const std::string& program) {
  std::map<std::string, std::string> calendars;
  request_v1::ListReassignmentsRequest cases;
  cases.set_parent(program);
  cases.set_open_only(true);
  REMATCH_ASSIGN_OR_RETURN(const auto open, context.CallPages(&RequestStub::ListReassignments, cases));
  for (const request_v1::Reassignment& one : open.reassignments()) calendars[one.name()] = one.calendar();
  return calendars;
}

absl::StatusOr<Deadlines> ReadDeadlines(Context& context, const std::string& program) {
  Deadlines found;
  REMATCH_ASSIGN_OR_RETURN(found.calendars, ReadCalendars(context, program));
  for (const auto& [name, calendar] : found.calendars) {
    request_v1::ListOffersRequest request;
    request.set_parent(name);
    REMATCH_ASSIGN_OR_RETURN(const auto offers, context.Call(&RequestStub::ListOffers, request));
    for (const request_v1::Offer& offer : offers.offers()) {
      if (offer.state() == request_v1::OPEN) found.offers[offer.name()] = offer;
    }
  }
  request_v1::ListTasksRequest tasks;
  tasks.set_parent(program);
  tasks.set_open_only(true);
  REMATCH_ASSIGN_OR_RETURN(const auto open_tasks, context.CallPages(&RequestStub::ListTasks, tasks));
  for (const request_v1::Task& task : open_tasks.tasks()) found.tasks[task.name()] = task;
  return found;
}

bool HaveHeard(const std::map<std::string, std::string>& before, const std::map<std::string, std::string>& after) {
  return std::all_of(before.begin(), before.end(), [&](const auto& one) {
    const auto now = after.find(one.first);
    return now == after.end() || now->second != one.second;
  });
}

absl::Status SetCalendar(Context& context, const std::string& path, const std::string& given) {
  REMATCH_ASSIGN_OR_RETURN(const mentor_v1::Calendar calendar, ReadCalendar(context, path));
  REMATCH_ASSIGN_OR_RETURN(const mentor_v1::Program program, context.OneProgramRecord(given));
  REMATCH_ASSIGN_OR_RETURN(const Deadlines before, ReadDeadlines(context, program.name()));
  mentor_v1::UpdateProgramRequest request;
  request.mutable_program()->set_name(program.name());
  request.mutable_program()->set_etag(program.etag());
  *request.mutable_program()->mutable_calendar() = calendar;
  request.mutable_update_mask()->add_paths("calendar");
  request.set_request_id(context.RequestId());
  REMATCH_ASSIGN_OR_RETURN(const mentor_v1::Program changed, context.Call(&MentorStub::UpdateProgram, request));

  bool heard = changed.etag() == program.etag();
  for (int look = 0; !heard && look < kLooks; ++look) {
    if (look > 0) absl::SleepFor(kLookEvery);
    REMATCH_ASSIGN_OR_RETURN(const auto calendars, ReadCalendars(context, program.name()));
    heard = HaveHeard(before.calendars, calendars);
  }
  REMATCH_ASSIGN_OR_RETURN(const Deadlines after, ReadDeadlines(context, program.name()));
  std::vector<Moved<request_v1::Offer>> offers;
  for (const auto& [name, was] : before.offers) {
    const auto is = after.offers.find(name);
    if (is != after.offers.end() && ToTime(is->second.window_end_time()) != ToTime(was.window_end_time()))
      offers.push_back({.was = was, .is = is->second});
  }
  std::vector<Moved<request_v1::Task>> tasks;
  for (const auto& [name, was] : before.tasks) {
    const auto is = after.tasks.find(name);
    if (is != after.tasks.end() && ToTime(is->second.due_time()) != ToTime(was.due_time())) tasks.push_back({.was = was, .is = is->second});
  }
  if (context.json()) {
    JsonObject json;
    json.Add("program", changed);
    std::vector<request_v1::Offer> moved_offers;
    for (const auto& offer : offers) moved_offers.push_back(offer.is);
    json.AddList("moved_offers", moved_offers);
    std::vector<request_v1::Task> moved_tasks;
    for (const auto& task : tasks) moved_tasks.push_back(task.is);
    json.AddList("moved_tasks", moved_tasks);
    context.out() << json.ToString();
    return absl::OkStatus();
  }
  const People people = context.LoadPeople({program.name()});
  context.out() << RenderCalendar(changed, context.canvas()) << "\n"
                << RenderMoved(offers, tasks, people, context.now(), context.ZoneOf(program.name()), context.canvas());
  if (!heard) context.out() << "Not every open case has heard of it yet. They will: `rematch case events` shows it.\n";
  return absl::OkStatus();
}

}  // namespace

void AddCalendarCommands(CLI::App& app, Chosen& chosen) {
  CLI::App* const calendar = AddGroup(app, "calendar", "When a program works: hours, holidays, terms");
  auto program = std::make_shared<std::string>();
  auto path = std::make_shared<std::string>();
  AddCommand(*calendar, chosen, "show", "The calendar of a program", [program](Context& context) {
    return ShowCalendar(context, *program);
  })->add_option("--program", *program, "The program, if there are several");
  CLI::App* const set = AddCommand(*calendar, chosen, "set", "Replace it by what a file says; prints the deadlines that move",
                                   [program, path](Context& context) { return SetCalendar(context, *path, *program); });
  set->add_option("FILE", *path, "Text as in examples/calendars; - for standard input")->required();
  set->add_option("--program", *program, "The program, if there are several");
}

}  // namespace rematch::cli
