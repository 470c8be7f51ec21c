#include "cli/views.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/cycles.h"
#include "cli/format.h"
#include "cli/utf8.h"

namespace rematch::cli {

namespace mentor_v1 = rematch::mentor::v1;
namespace request_v1 = rematch::request::v1;
namespace notify_v1 = rematch::notify::v1;

using mentor_v1::Candidate;
using mentor_v1::Mentor;
using request_v1::CaseState;
using request_v1::Disclosure;
using request_v1::Offer;
using request_v1::OfferState;
using request_v1::Reassignment;
using request_v1::Task;

namespace {

std::string StageOf(const Reassignment& c, const Canvas& canvas) {
  std::string words = Words(c.state());
  if (c.state() == CaseState::SEARCHING && c.stage() != 0) words += (canvas.unicode ? " · " : ", ") + Words(c.stage());
  if (c.round() > 1) words += ", round " + std::to_string(c.round());
  if (IsSet(c.pause_time())) words += ", paused";
  return words;
}

Style StyleOf(CaseState state) {
  switch (state) {
    case CaseState::COMPLETED:
      return Style::kGreen;
    case CaseState::WITHDRAWN:
    case CaseState::CLOSED:
      return Style::kDim;
    case CaseState::REVIEW:
    case CaseState::PROPOSED:
      return Style::kYellow;
    default:
      return Style::kPlain;
  }
}

Style StyleOf(OfferState state) {
  switch (state) {
    case OfferState::WILLING:
    case OfferState::CONFIRMED:
      return Style::kGreen;
    case OfferState::DECLINED:
    case OfferState::UNDELIVERABLE:
      return Style::kRed;
    case OfferState::OPEN:
      return Style::kYellow;
    case OfferState::CANCELLED:
    case OfferState::PASSED_OVER:
      return Style::kDim;
    default:
      return Style::kPlain;
  }
}

template <typename Names>
std::string Listed(const Names& names, const People* people = nullptr) {
  std::vector<std::string> words;
  for (const std::string& name : names) words.push_back(people == nullptr ? name : people->Of(name));
  return absl::StrJoin(words, ", ");
}

std::string NeedOf(const mentor_v1::Need& need) {
  std::vector<std::string> parts;
  for (const std::string& part : {need.credential(), need.grade_band(), Listed(need.subjects())}) {
    if (!part.empty()) parts.push_back(part);
  }
  return absl::StrJoin(parts, "; ");
}

template <typename Resource>
std::vector<std::string> NamesOf(const std::vector<Resource>& resources) {
  std::vector<std::string> names;
  for (const Resource& one : resources) names.push_back(one.name());
  return names;
}

std::string WindowOf(const request_v1::Window& window) {
  if (window.amount() == 0) return "";
  switch (window.unit()) {
    case request_v1::Window::WORKING_DAYS:
      return Count(window.amount(), "working day", "working days");
    case request_v1::Window::WORKING_HOURS:
      return Count(window.amount(), "working hour", "working hours");
    case request_v1::Window::DAYS:
      return Count(window.amount(), "day", "days");
    default:
      return Count(window.amount(), "second", "seconds");
  }
}

std::string SeatBar(const Mentor& mentor, const Canvas& canvas) {
  std::string bar;
  for (int i = 0; i < std::max(mentor.capacity(), mentor.caseload() + mentor.held_seats()); ++i) {
    const int kind = i < mentor.caseload() ? 0 : i < mentor.caseload() + mentor.held_seats() ? 1 : 2;
    static constexpr std::string_view kUnicode[] = {"■", "▣", "□"};
    static constexpr std::string_view kAscii[] = {"#", "+", "."};
    bar += canvas.unicode ? kUnicode[kind] : kAscii[kind];
  }
  return bar;
}

std::string StandingOf(const Mentor& mentor) {
  if (mentor.state() == Mentor::RETIRED) return "retired";
  if (mentor.opted_out()) return "opted out";
  return mentor.interested_in_more() ? "interested" : "";
}

// Folded: how many steps may repeat together, how often they must, and how many of those who learned the same are named.
constexpr size_t kLongestCycle = 4;
constexpr size_t kWorthFolding = 3;
constexpr size_t kNamed = 3;

std::string EmptyNote(std::string_view what) { return "no " + std::string(what) + "\n"; }

}  // namespace

std::string RenderCases(const std::vector<Reassignment>& cases, const People& people, absl::Time now, const Canvas& canvas) {
  if (cases.empty()) return EmptyNote("cases");
  const auto tails = ShortTails(NamesOf(cases));
  Table table({{.title = "CASE"},
               {.title = "CANDIDATE", .shrinks = true},
               {.title = "STAGE"},
               {.title = "WAITING", .right = true},
               {.title = "NEXT DUE", .right = true},
               {.title = "TASKS", .right = true},
               {.title = "MENTOR", .shrinks = true}});
  for (const Reassignment& c : cases) {
    const bool ended = IsSet(c.end_time());
    const bool late = IsSet(c.next_due_time()) && ToTime(c.next_due_time()) < now;
    const std::string mentors = (c.current_mentor().empty() ? "" : people.Of(c.current_mentor())) +
                                (c.proposed_mentor().empty() ? "" : (canvas.unicode ? " → " : " -> ") + people.Of(c.proposed_mentor()));
    table.Add({tails.at(c.name()),
               people.Of(c.candidate()),
               {StageOf(c, canvas), StyleOf(c.state())},
               Span((ended ? ToTime(c.end_time()) : now) - ToTime(c.create_time())),
               {ended ? "" : Relative(c.next_due_time(), now), late ? Style::kRed : Style::kPlain},
               c.open_tasks() > 0 ? Cell(std::to_string(c.open_tasks()), Style::kYellow) : Cell(""),
               mentors});
  }
  return table.Render(canvas);
}

std::string RenderCase(const Reassignment& c, const People& people, absl::Time now, absl::TimeZone zone, const Canvas& canvas) {
  Facts facts;
  // The end of the id first: a narrow terminal cuts the rest.
  facts.Add("case", ShortName(c.name()) + "  " + c.name());
  facts.Add("candidate", people.Of(c.candidate()));
  facts.Add("state", StageOf(c, canvas), StyleOf(c.state()));
  if (IsSet(c.pause_time())) {
    facts.Add("paused",
              Moment(c.pause_time(), zone) + ", " + Relative(c.pause_time(), now) +
                  (c.pause_state() == request_v1::PAUSING ? "; other services have yet to answer" : ""),
              Style::kYellow);
  }
  facts.Add("ground", Words(c.close_ground()));
  const bool swapped = c.state() == CaseState::ANNOUNCING || c.state() == CaseState::COMPLETED;
  facts.Add(swapped ? "former mentor" : "current mentor", c.current_mentor().empty() ? "none" : people.Of(c.current_mentor()));
  facts.Add(swapped ? "new mentor" : "proposed mentor", c.proposed_mentor().empty() ? "" : people.Of(c.proposed_mentor()));
  facts.Add("leader", people.Of(c.acting_leader()));
  facts.Add("need", NeedOf(c.need()));
  facts.Add("site", c.need().site().empty() ? "" : people.Of(c.need().site()));
  facts.Add("opened", Moment(c.create_time(), zone) + ", " + Relative(c.create_time(), now));
  if (IsSet(c.end_time()))
    facts.Add("ended", Moment(c.end_time(), zone) + ", after " + Span(ToTime(c.end_time()) - ToTime(c.create_time())));
  if (IsSet(c.next_due_time())) facts.Add("next due", Moment(c.next_due_time(), zone) + ", " + Relative(c.next_due_time(), now));
  facts.Add("policy", ShortName(c.policy()));
  facts.Add("open tasks", c.open_tasks() > 0 ? std::to_string(c.open_tasks()) : "");
  std::string out = facts.Render(canvas);
  if (!c.reasons().empty()) out += "\n" + Heading("Reasons", canvas) + Wrap(c.reasons(), 2, canvas);
  for (const request_v1::Note& note : c.notes()) {
    out +=
        "\n" + Heading("Note, " + Moment(note.time(), zone) + ", " + Printable(Spoken(note.step())), canvas) + Wrap(note.text(), 2, canvas);
  }
  return out;
}

std::string RenderCaseLine(const Reassignment& c, const People& people, absl::Time now, absl::TimeZone zone, const Canvas& canvas) {
  std::string line = people.Of(c.candidate()) + "  " + Paint(Pad(StageOf(c, canvas), 24), StyleOf(c.state()), canvas);
  if (!c.proposed_mentor().empty()) line += "  mentor " + people.Of(c.proposed_mentor());
  if (c.open_tasks() > 0) line += "  " + Count(c.open_tasks(), "task", "tasks");
  if (IsSet(c.next_due_time())) line += "  next due " + Due(c.next_due_time(), now, zone);
  while (line.ends_with(' ')) line.pop_back();
  return line + "\n";
}

std::string RenderOffers(const std::vector<Offer>& offers, const People& people, absl::Time now, absl::TimeZone zone,
                         const Canvas& canvas) {
  if (offers.empty()) return EmptyNote("offers");
  Table table({{.title = "OFFER"},
               {.title = "WHO", .shrinks = true},
               {.title = "STAGE", .yields = 1},
               {.title = "STATE"},
               {.title = "ASKED", .yields = 2},
               {.title = "ANSWERED"},
               {.title = "WINDOW ENDS", .right = true},
               {.title = "WHY", .shrinks = true, .below = true}});
  for (const Offer& offer : offers) {
    const std::string who = !offer.mentor().empty() ? people.Of(offer.mentor()) : !offer.person().empty() ? people.Of(offer.person()) : "";
    table.Add({ShortName(offer.name()),
               who,
               Words(offer.stage()),
               {Words(offer.state()) + (offer.late() ? ", late" : "") + (offer.full() ? ", full" : ""), StyleOf(offer.state())},
               Moment(offer.open_time(), zone),
               Moment(offer.answer_time(), zone),
               offer.state() == OfferState::OPEN ? Relative(offer.window_end_time(), now) : "",
               offer.explanation().explanation()});
  }
  return table.Render(canvas);
}

std::string RenderTasks(const std::vector<Task>& tasks, const People& people, absl::Time now, absl::TimeZone zone, const Canvas& canvas) {
  if (tasks.empty()) return EmptyNote("tasks");
  Table table({{.title = "TASK"},
               {.title = "WHAT", .shrinks = true},
               {.title = "CAUSE"},
               {.title = "ABOUT", .shrinks = true},
               {.title = "OWNER", .shrinks = true},
               {.title = "SINCE", .right = true, .yields = 1},
               {.title = "DUE", .right = true}});
  for (const Task& task : tasks) {
    const bool done = IsSet(task.end_time());
    const bool late = !done && IsSet(task.due_time()) && ToTime(task.due_time()) < now;
    const std::string about = !task.about().empty()    ? people.Of(task.about())
                              : !task.person().empty() ? people.Of(task.person())
                              : !task.offer().empty()  ? people.Of(task.offer())
                                                       : "";
    table.Add({ShortName(task.name()),
               Words(task.kind()),
               Spoken(task.cause()),
               about,
               people.Of(task.owner()),
               Span(now - ToTime(task.create_time())),
               {done ? "done " + Moment(task.end_time(), zone) : Relative(task.due_time(), now), late   ? Style::kRed
                                                                                                 : done ? Style::kDim
                                                                                                        : Style::kPlain}});
  }
  return table.Render(canvas);
}

std::string RenderNamed(const std::vector<request_v1::Person>& named, const People& people, const Canvas& canvas) {
  if (named.empty()) return EmptyNote("people named");
  Table table({{.title = "PERSON"},
               {.title = "NAME", .shrinks = true},
               {.title = "EMAIL", .shrinks = true},
               {.title = "PHONE"},
               {.title = "FROM"},
               {.title = "STATE"},
               {.title = "MENTOR", .shrinks = true}});
  for (const request_v1::Person& person : named) {
    table.Add({ShortName(person.name()), person.contact().display_name(), person.contact().email(), person.contact().phone(),
               Words(person.stage()), Words(person.state()), person.mentor().empty() ? "" : people.Of(person.mentor())});
  }
  return table.Render(canvas);
}

std::string RenderEvents(const std::vector<request_v1::ReassignmentEvent>& events, const People& people, absl::TimeZone zone, bool folded,
                         const Canvas& canvas) {
  if (events.empty()) return EmptyNote("events");
  Table table({{.title = "#", .right = true},
               {.title = "TIME"},
               {.title = "EVENT", .yields = 1},
               {.title = "ABOUT"},
               {.title = "BY", .shrinks = true},
               {.title = "SUMMARY", .shrinks = true},
               {.title = "HASH", .yields = 2}});
  const auto by = [&](const request_v1::ReassignmentEvent& event) {
    return event.actor().empty() ? Spoken(event.actor_role()) : people.Of(event.actor());
  };
  const auto one = [&](const request_v1::ReassignmentEvent& event) {
    table.Add({std::to_string(event.sequence()),
               MomentToTheSecond(event.time(), zone),
               Spoken(event.type()),
               event.subject().empty() ? "" : IdOf(event.subject()),
               by(event),
               people.Humanize(event.summary()),
               {event.hash().substr(0, 8), Style::kDim}});
  };
  std::vector<std::string> types;
  for (const auto& event : events) types.push_back(event.type());
  for (const Cycle& cycle : CyclesOf(types, folded ? kLongestCycle : 0)) {
    if (cycle.count < kWorthFolding) {
      for (size_t i = cycle.first; i < cycle.first + cycle.length * cycle.count; ++i) one(events[i]);
      continue;
    }
    const auto& first = events[cycle.first];
    std::vector<std::string> steps;
    for (size_t i = 0; i < cycle.length; ++i) steps.push_back(Spoken(events[cycle.first + i].type()));
    const auto& last = events[cycle.first + cycle.length * cycle.count - 1];
    table.Add({std::to_string(first.sequence()) + "-" + std::to_string(last.sequence()),
               MomentToTheSecond(first.time(), zone),
               "",
               "",
               by(first) == by(last) ? by(first) : "",
               std::to_string(cycle.count) + " times " + absl::StrJoin(steps, ", "),
               {last.hash().substr(0, 8), Style::kDim}});
  }
  return table.Render(canvas);
}

std::string RenderDisclosures(const std::vector<Disclosure>& disclosures, const People& people, absl::TimeZone zone, bool folded,
                              const Canvas& canvas) {
  if (disclosures.empty()) return EmptyNote("disclosures");
  Table table(
      {{.title = "TIME"}, {.title = "WHO LEARNED", .shrinks = true}, {.title = "WHAT", .shrinks = true}, {.title = "BY", .shrinks = true}});
  const auto facts_of = [](const Disclosure& disclosure) {
    std::vector<std::string> facts;
    for (const int fact : disclosure.facts()) facts.push_back(Words(static_cast<Disclosure::Fact>(fact)));
    return absl::StrJoin(facts, ", ");
  };
  // The kind of message, which is the last part of its key.
  const auto kind_of = [](const Disclosure& disclosure) { return Spoken(disclosure.by().substr(disclosure.by().rfind('.') + 1)); };
  // Those who learned the same by the same kind of message, in the order of the first of them.
  std::vector<std::vector<const Disclosure*>> groups;
  for (const Disclosure& disclosure : disclosures) {
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const auto& group) {
      return folded && facts_of(*group.front()) == facts_of(disclosure) && kind_of(*group.front()) == kind_of(disclosure);
    });
    same == groups.end() ? groups.push_back({&disclosure}) : same->push_back(&disclosure);
  }
  for (const auto& group : groups) {
    const Disclosure& first = *group.front();
    std::vector<std::string> names;
    for (const Disclosure* one : group) names.push_back(people.Of(one->to()));
    table.Add({MomentToTheSecond(first.time(), zone),
               group.size() <= kNamed ? absl::StrJoin(names, ", ") : std::to_string(group.size()) + " people", facts_of(first),
               folded ? kind_of(first) : ShortName(first.by())});
  }
  return table.Render(canvas);
}

std::string RenderPreview(const request_v1::PreviewEscalationResponse& preview, const People& people, absl::TimeZone zone,
                          const Canvas& canvas) {
  if (preview.steps().empty()) return "nobody would be asked individually\n";
  Table table({{.title = "#", .right = true},
               {.title = "MENTOR", .shrinks = true},
               {.title = "ID"},
               {.title = "LOAD", .right = true},
               {.title = "ASKED UNTIL"},
               {.title = "ANSWER UNTIL"},
               {.title = "WHY", .shrinks = true, .below = true}});
  for (const auto& step : preview.steps()) {
    const auto& mentor = step.mentor();
    table.Add({mentor.full() ? "full" : std::to_string(mentor.rank()), people.Of(mentor.mentor()), ShortName(mentor.mentor()),
               std::to_string(mentor.caseload()) + (mentor.held_seats() > 0 ? "+" + std::to_string(mentor.held_seats()) : "") + "/" +
                   std::to_string(mentor.capacity()),
               Moment(step.ask_time(), zone), Moment(step.window_end_time(), zone), mentor.explanation()});
  }
  return table.Render(canvas);
}

std::string RenderForecast(const request_v1::PreviewEscalationResponse& preview, const People& people, absl::TimeZone zone,
                           const Canvas& canvas) {
  if (preview.stages().empty()) return "nothing is still to come\n";
  std::string out;
  for (const auto& stage : preview.stages()) {
    const std::string title =
        stage.stage_id() == Words(stage.kind()) ? stage.stage_id() : stage.stage_id() + " (" + Words(stage.kind()) + ")";
    absl::StrAppend(&out, out.empty() ? "" : "\n", Heading(title, canvas), "  opens ", Moment(stage.open_time(), zone),
                    " at the latest, ends ", Moment(stage.end_time(), zone), "\n");
    if (stage.kind() == request_v1::INDIVIDUAL) {
      request_v1::PreviewEscalationResponse steps;
      *steps.mutable_steps() = stage.steps();
      absl::StrAppend(&out, RenderPreview(steps, people, zone, canvas));
      const auto shown = std::count_if(steps.steps().begin(), steps.steps().end(), [](const auto& step) { return !step.mentor().full(); });
      if (stage.can_be_asked() > shown) absl::StrAppend(&out, "  and ", stage.can_be_asked() - shown, " more\n");
    } else if (stage.kind() == request_v1::BROADCAST) {
      absl::StrAppend(&out, "  goes to ", Count(stage.recipients(), "mentor", "mentors"), ", without the current one\n");
    }
    for (const std::string& asked : stage.asked()) absl::StrAppend(&out, "  asks ", people.Of(asked), "\n");
  }
  return out;
}

std::string RenderDifferences(const std::vector<request_v1::PolicyDifference>& differences, const Canvas& canvas) {
  if (differences.empty()) return "nothing differs\n";
  Table table({{.title = "WHAT"}, {.title = "BEFORE", .shrinks = true}, {.title = "AFTER", .shrinks = true}});
  const People nobody;  // only the values of enums are put in words
  for (const auto& one : differences) {
    const auto said = [&](const std::string& words) { return words.empty() ? "-" : nobody.Humanize(words); };
    table.Add({one.path(), said(one.before()), said(one.after())});
  }
  return table.Render(canvas);
}

std::string RenderMentors(const std::vector<Mentor>& mentors, const Canvas& canvas) {
  if (mentors.empty()) return EmptyNote("mentors");
  const auto tails = ShortTails(NamesOf(mentors));
  Table table({{.title = "MENTOR"},
               {.title = "NAME", .shrinks = true},
               {.title = "LOAD", .right = true},
               {.title = "SEATS", .shrinks = true},
               {.title = "YEARS", .right = true},
               {.title = "STANDING"},
               {.title = "CREDENTIALS", .shrinks = true},
               {.title = "GRADES", .shrinks = true},
               {.title = "SUBJECTS", .shrinks = true}});
  for (const Mentor& mentor : mentors) {
    table.Add({tails.at(mentor.name()), mentor.contact().display_name(),
               std::to_string(mentor.caseload()) + "/" + std::to_string(mentor.capacity()), SeatBar(mentor, canvas),
               std::to_string(mentor.years_mentored()), StandingOf(mentor), Listed(mentor.credentials()), Listed(mentor.grade_bands()),
               Listed(mentor.subjects())});
  }
  return table.Render(canvas);
}

std::string RenderMentor(const Mentor& mentor, const People& people, const Canvas& canvas) {
  Facts facts;
  facts.Add("mentor", mentor.name());
  facts.Add("name", mentor.contact().display_name());
  facts.Add("email", mentor.contact().email());
  facts.Add("phone", mentor.contact().phone());
  facts.Add("district", mentor.district().empty() ? "" : people.Of(mentor.district()));
  facts.Add("programs", Listed(mentor.programs(), &people));
  facts.Add("credentials", Listed(mentor.credentials()));
  facts.Add("grade bands", Listed(mentor.grade_bands()));
  facts.Add("subjects", Listed(mentor.subjects()));
  facts.Add("caseload", std::to_string(mentor.caseload()) + " of " + std::to_string(mentor.capacity()) +
                            (mentor.held_seats() > 0 ? ", " + std::to_string(mentor.held_seats()) + " held" : "") + "  " +
                            SeatBar(mentor, canvas));
  facts.Add("years mentored", std::to_string(mentor.years_mentored()));
  facts.Add("standing", StandingOf(mentor));
  facts.Add("supervises", Listed(mentor.supervised_sites(), &people));
  return facts.Render(canvas);
}

std::string RenderCaseloads(std::vector<Mentor> mentors, const Canvas& canvas) {
  std::stable_sort(mentors.begin(), mentors.end(), [](const Mentor& a, const Mentor& b) {
    return std::make_tuple(-a.caseload(), -a.held_seats(), a.contact().display_name()) <
           std::make_tuple(-b.caseload(), -b.held_seats(), b.contact().display_name());
  });
  const auto tails = ShortTails(NamesOf(mentors));
  Table table({{.title = "MENTOR", .shrinks = true},
               {.title = "ID"},
               {.title = "CANDIDATES", .right = true},
               {.title = "HELD", .right = true},
               {.title = "CAPACITY", .right = true},
               {.title = "SEATS", .shrinks = true},
               {.title = "STANDING"}});
  for (const Mentor& mentor : mentors) {
    const bool full = mentor.caseload() + mentor.held_seats() >= mentor.capacity();
    const std::string& name = mentor.contact().display_name();
    table.Add({name.empty() ? tails.at(mentor.name()) : name,
               tails.at(mentor.name()),
               std::to_string(mentor.caseload()),
               mentor.held_seats() > 0 ? std::to_string(mentor.held_seats()) : "",
               std::to_string(mentor.capacity()),
               {SeatBar(mentor, canvas), full ? Style::kYellow : Style::kGreen},
               StandingOf(mentor)});
  }
  return table.Render(canvas);
}

std::string RenderCalendar(const mentor_v1::Program& program, const Canvas& canvas) {
  const mentor_v1::Calendar& calendar = program.calendar();
  Facts facts;
  facts.Add("program", program.display_name());
  facts.Add("zone", program.time_zone());
  if (calendar.hours().empty()) facts.Add("open", "Monday to Friday, all day");
  for (const auto& hours : calendar.hours()) {
    std::string day = Words(hours.day());
    day[0] = absl::ascii_toupper(static_cast<unsigned char>(day[0]));
    facts.Add(&hours == &calendar.hours(0) ? "open" : "", absl::StrCat(day, " ", hours.open().empty() ? "00:00" : hours.open(), " to ",
                                                                       hours.close().empty() ? "24:00" : hours.close()));
  }
  Table table({{.title = "FROM"}, {.title = "TO"}, {.title = "WHAT"}, {.title = "NAME", .shrinks = true}});
  std::vector<std::pair<std::string, const mentor_v1::Calendar::Days*>> days;
  for (const auto& term : calendar.terms()) days.emplace_back("term", &term);
  for (const auto& closure : calendar.closures()) days.emplace_back("closed", &closure);
  std::stable_sort(days.begin(), days.end(), [](const auto& a, const auto& b) { return a.second->first() < b.second->first(); });
  for (const auto& [what, some] : days) {
    table.Add({some->first(), some->last().empty() ? some->first() : some->last(), what, Printable(some->label())});
  }
  return facts.Render(canvas) + (table.empty() ? "" : "\n" + table.Render(canvas));
}

std::string RenderMoved(const std::vector<Moved<Offer>>& offers, const std::vector<Moved<Task>>& tasks, const People& people,
                        absl::Time now, absl::TimeZone zone, const Canvas& canvas) {
  if (offers.empty() && tasks.empty()) return "No open deadline has moved.\n";
  Table table({{.title = "MOVED"}, {.title = "WHAT", .shrinks = true}, {.title = "FROM"}, {.title = "TO"}});
  for (const auto& [was, is] : offers) {
    table.Add({ShortName(is.name()), "answer of " + people.Of(is.mentor()), Due(was.window_end_time(), now, zone),
               Due(is.window_end_time(), now, zone)});
  }
  for (const auto& [was, is] : tasks) {
    table.Add({ShortName(is.name()), Words(is.kind()), Due(was.due_time(), now, zone), Due(is.due_time(), now, zone)});
  }
  return table.Render(canvas);
}

std::string RenderPrograms(const std::vector<mentor_v1::Program>& programs, const Canvas& canvas) {
  if (programs.empty()) return EmptyNote("programs");
  Table table({{.title = "PROGRAM"},
               {.title = "NAME", .shrinks = true},
               {.title = "ZONE"},
               {.title = "LEADER", .shrinks = true},
               {.title = "AS"},
               {.title = "ALTERNATE", .shrinks = true},
               {.title = "AS"}});
  // What --as takes.
  const auto as = [](const std::string& person) { return person.empty() ? "" : "leader:" + IdOf(person); };
  for (const auto& program : programs) {
    table.Add({IdOf(program.name()), program.display_name(), program.time_zone(), program.leader().contact().display_name(),
               as(program.leader().person()), program.alternate().contact().display_name(), as(program.alternate().person())});
  }
  return table.Render(canvas);
}

std::string RenderDistricts(const std::vector<mentor_v1::District>& districts, const Canvas& canvas) {
  if (districts.empty()) return EmptyNote("districts");
  const auto tails = ShortTails(NamesOf(districts));
  Table table({{.title = "DISTRICT"},
               {.title = "NAME", .shrinks = true},
               {.title = "REPRESENTATIVE", .shrinks = true},
               {.title = "LENDS"},
               {.title = "BORROWS"}});
  const auto yes_no = [](bool shares) { return shares ? "yes" : "no"; };
  for (const auto& district : districts) {
    table.Add({tails.at(district.name()), district.display_name(), district.representative().display_name(),
               yes_no(district.lends_mentors()), yes_no(district.borrows_mentors())});
  }
  return table.Render(canvas);
}

std::string RenderSites(const std::vector<mentor_v1::Site>& sites, const People& people, const Canvas& canvas) {
  if (sites.empty()) return EmptyNote("sites");
  const auto tails = ShortTails(NamesOf(sites));
  Table table({{.title = "SITE"},
               {.title = "NAME", .shrinks = true},
               {.title = "DISTRICT", .shrinks = true},
               {.title = "ADMINISTRATOR", .shrinks = true}});
  for (const auto& site : sites) {
    table.Add({tails.at(site.name()), site.display_name(), people.Of(site.district()), site.administrator().display_name()});
  }
  return table.Render(canvas);
}

std::string RenderCandidates(const std::vector<Candidate>& candidates, const People& people, absl::Time now, const Canvas& canvas) {
  if (candidates.empty()) return EmptyNote("candidates");
  const auto tails = ShortTails(NamesOf(candidates));
  Table table({{.title = "CANDIDATE"},
               {.title = "NAME", .shrinks = true},
               {.title = "SITE", .shrinks = true},
               {.title = "CREDENTIAL", .shrinks = true},
               {.title = "GRADES"},
               {.title = "SUBJECTS", .shrinks = true},
               {.title = "ENROLLED"},
               {.title = "MENTOR", .shrinks = true}});
  for (const Candidate& candidate : candidates) {
    const bool has_mentor = !candidate.mentor().empty();
    const std::string without =
        IsSet(candidate.without_mentor_since()) ? "none for " + Span(now - ToTime(candidate.without_mentor_since())) : "none";
    table.Add({tails.at(candidate.name()), candidate.contact().display_name(), candidate.site().empty() ? "" : people.Of(candidate.site()),
               candidate.credential(), candidate.grade_band(), Listed(candidate.subjects()),
               // A day of enrolment is kept as its midnight in UTC.
               Day(candidate.enroll_time(), absl::UTCTimeZone()),
               has_mentor ? Cell(people.Of(candidate.mentor())) : Cell(without, Style::kYellow)});
  }
  return table.Render(canvas);
}

std::string RenderPolicies(const std::vector<request_v1::PolicyVersion>& policies, absl::TimeZone zone, const Canvas& canvas) {
  if (policies.empty()) return EmptyNote("policies");
  const bool of_program = !policies.front().program().empty();
  std::vector<Column> columns = {{.title = "POLICY"}, {.title = "NAME", .shrinks = true}, {.title = "SINCE"}, {.title = "ACTIVE"}};
  if (of_program) {
    columns.insert(columns.begin(), {.title = "VERSION", .right = true});
    columns.push_back({.title = "BY"});
  }
  Table table(columns);
  for (const auto& version : policies) {
    std::vector<Cell> row = {IdOf(version.name()), version.policy().display_name(), Moment(version.create_time(), zone),
                             version.active() ? Cell("active", Style::kGreen) : Cell("")};
    if (of_program) {
      row.insert(row.begin(), Cell(std::to_string(version.version())));
      row.push_back(IdOf(version.creator()));
    }
    table.Add(std::move(row));
  }
  return table.Render(canvas);
}

namespace {

// Who is in a stage, or what it asks for.
std::string WhoOf(const request_v1::EscalationPolicy::Stage& stage) {
  std::vector<std::string> who;
  for (const int tier : stage.tiers()) {
    std::string words = Words(static_cast<mentor_v1::Tier>(tier));
    who.push_back(words.starts_with("tier ") ? words.substr(5) : words);
  }
  if (!who.empty()) return absl::StrJoin(who, ", then ");
  using Stage = request_v1::EscalationPolicy::Stage;
  for (const int adviser : stage.ask()) who.push_back(Words(static_cast<Stage::Adviser>(adviser)));
  for (const int signer : stage.signers()) who.push_back(Words(static_cast<Stage::Signer>(signer)));
  if (stage.audience() != Stage::AUDIENCE_UNSPECIFIED) who.push_back(Words(stage.audience()));
  if (stage.taker() != Stage::TAKER_UNSPECIFIED) who.push_back(Words(stage.taker()));
  return absl::StrJoin(who, ", ");
}

// What the policy says beside its stages; what it leaves at the default is not said.
void AddChoices(const request_v1::EscalationPolicy& policy, Facts& facts) {
  using Policy = request_v1::EscalationPolicy;
  if (policy.confirmation().who() == Policy::Confirmation::ALTERNATE) facts.Add("the match", "is judged by the alternate");
  if (policy.confirmation().when() == Policy::Confirmation::BEFORE_ASKING) facts.Add("is judged", "before the mentor is asked");
  if (policy.candidate_disclosure() == Policy::WITH_PROPOSAL) facts.Add("the candidate", "is named when a mentor is proposed");
  if (policy.candidate_disclosure() == Policy::WITH_FIRST_APPROACH) facts.Add("the candidate", "is named by the first approach");
  std::vector<std::string> told;
  for (const int notice : policy.notices()) told.push_back(Words(static_cast<Policy::Notice>(notice)));
  if (!told.empty()) facts.Add("told of a change", absl::StrJoin(told, ", "));
  std::vector<std::string> seasons;
  for (const Policy::Season& season : policy.request_seasons()) seasons.push_back(season.first() + " to " + season.last());
  if (!seasons.empty()) facts.Add("requests", absl::StrJoin(seasons, ", ") + " of every year");
  if (policy.has_experience()) {
    const auto& experience = policy.experience();
    std::string who = experience.mentors_now() && experience.mentored_before() ? "mentors now or has before"
                      : experience.mentors_now()                               ? "mentors now"
                                                                               : "has mentored before";
    if (experience.min_years_mentored() > 0) {
      absl::StrAppend(&who, ", with ", Count(experience.min_years_mentored(), "year", "years"), " or more before");
    }
    facts.Add("experienced", who);
  }
  if (policy.has_weights()) {
    std::vector<std::string> points;
    const auto add = [&](const char* what, int count) {
      if (count != 0) points.push_back(absl::StrCat(what, " ", count));
    };
    add("credential", policy.weights().credential());
    add("grade band", policy.weights().grade_band());
    add("each subject", policy.weights().subject());
    add("same district", policy.weights().same_district());
    add("each free seat", policy.weights().free_seat());
    facts.Add("points", absl::StrJoin(points, ", "));
  }
}

}  // namespace

std::string RenderPolicy(const request_v1::PolicyVersion& version, absl::TimeZone zone, const Canvas& canvas) {
  const request_v1::EscalationPolicy& policy = version.policy();
  Facts facts;
  facts.Add("policy", version.name());
  facts.Add("name", policy.display_name());
  facts.Add("content hash", version.content_hash());
  if (!version.program().empty()) facts.Add("version", absl::StrCat(version.version(), " of ", version.program()));
  facts.Add("since", Moment(version.create_time(), zone));
  facts.Add("new cases", version.active() ? "follow this one" : "follow another one");
  facts.Add("redial after", WindowOf(policy.redial_after()));
  facts.Add("tasks due after", WindowOf(policy.task_due_after()));
  facts.Add("k-anonymity", std::to_string(policy.k_anonymity()));
  facts.Add("broadcast", policy.broadcast_includes_current_mentor() ? "includes the current mentor by default"
                                                                    : "leaves the current mentor out by default");
  facts.Add("without consent", Words(policy.without_consent()));
  AddChoices(policy, facts);
  const bool named = std::any_of(policy.stages().begin(), policy.stages().end(), [](const auto& stage) { return !stage.id().empty(); });
  std::vector<Column> columns = {{.title = "#", .right = true},
                                 {.title = "STAGE"},
                                 {.title = "WINDOW"},
                                 {.title = "REMINDER BEFORE ITS END"},
                                 {.title = "WHO", .shrinks = true}};
  if (named) columns.insert(columns.begin() + 2, {.title = "CALLED"});
  Table table(columns);
  for (int i = 0; i < policy.stages_size(); ++i) {
    const auto& stage = policy.stages(i);
    std::vector<std::string> reminders;
    for (const auto& reminder : stage.remind_before()) reminders.push_back(WindowOf(reminder));
    std::vector<Cell> row = {std::to_string(i + 1), Words(stage.kind()), WindowOf(stage.window()), absl::StrJoin(reminders, ", "),
                             WhoOf(stage)};
    if (named) row.insert(row.begin() + 2, Cell(stage.id()));
    table.Add(std::move(row));
  }
  return facts.Render(canvas) + "\n" + table.Render(canvas);
}

std::string RenderMails(const std::vector<notify_v1::Notification>& mails, absl::TimeZone zone, const Canvas& canvas) {
  if (mails.empty()) return EmptyNote("mail");
  Table table({{.title = "TIME"},
               {.title = "STATE"},
               {.title = "TEMPLATE", .yields = 1},
               {.title = "TO", .shrinks = true},
               {.title = "SUBJECT", .shrinks = true, .below = true},
               {.title = "MAIL"}});
  for (const auto& mail : mails) {
    Style style = Style::kPlain;
    if (mail.state() == notify_v1::Notification::SENT) style = Style::kGreen;
    if (mail.state() == notify_v1::Notification::FAILED || mail.state() == notify_v1::Notification::UNKNOWN) style = Style::kRed;
    if (mail.state() == notify_v1::Notification::CANCELLED) style = Style::kDim;
    table.Add({Moment(mail.create_time(), zone),
               {Words(mail.state()), style},
               IdOf(mail.template_()),
               mail.to().email().empty() ? mail.to().display_name() : mail.to().email(),
               mail.subject(),
               ShortName(mail.name())});
  }
  return table.Render(canvas);
}

namespace {

std::string WithLineEnd(const std::string& text) { return Printable(text, true) + (text.ends_with('\n') ? "" : "\n"); }

}  // namespace

std::string RenderMail(const notify_v1::Notification& mail, bool html, absl::TimeZone zone, const Canvas& canvas) {
  const auto mailbox = [](const notify_v1::Address& address) {
    if (address.email().empty()) return address.display_name();
    return address.display_name().empty() ? address.email() : address.display_name() + " <" + address.email() + ">";
  };
  // The page is for a browser or a pager: it goes out as it was rendered, with nothing before it.
  if (html) return Printable(mail.html_body(), true);
  Facts facts;
  facts.Add("mail", mail.name());
  facts.Add("state", Words(mail.state()) + (mail.last_error().empty() ? "" : ", " + mail.last_error()) +
                         (mail.attempts() > 1 ? ", " + Count(mail.attempts(), "attempt", "attempts") : ""));
  facts.Add("template",
            IdOf(mail.template_()) +
                (mail.template_version() == 0 ? "" : absl::StrCat(", version ", mail.template_version(), " of ", IdOf(mail.program()))));
  facts.Add("time", Moment(IsSet(mail.end_time()) ? mail.end_time() : mail.create_time(), zone));
  facts.Add("message id", mail.message_id().empty() ? "" : "<" + mail.message_id() + ">");
  facts.Add("to", mailbox(mail.to()));
  facts.Add("reply to", mailbox(mail.reply_to()));
  facts.Add("subject", mail.subject(), Style::kBold);
  return facts.Render(canvas) + "\n" + WithLineEnd(mail.text_body());
}

std::string RenderTemplates(const std::vector<notify_v1::Template>& templates, const Canvas& canvas) {
  Table table({{.title = "KIND"}, {.title = "SUBJECT", .shrinks = true}, {.title = "VARIABLES", .shrinks = true, .below = true}});
  for (const auto& one : templates) table.Add({IdOf(one.name()), one.subject(), absl::StrJoin(one.variables(), ", ")});
  return table.Render(canvas);
}

std::string RenderTemplateVersions(const std::vector<notify_v1::TemplateVersion>& versions, absl::TimeZone zone, const Canvas& canvas) {
  if (versions.empty()) return EmptyNote("templates of its own");
  Table table({{.title = "KIND"},
               {.title = "VERSION", .right = true},
               {.title = "SINCE"},
               {.title = "SAYS"},
               {.title = "ACTIVE"},
               {.title = "BY"}});
  for (const auto& one : versions) {
    table.Add({IdOf(one.template_()), std::to_string(one.version()), Moment(one.create_time(), zone),
               one.reset() ? "what the release says" : "its own", one.active() ? Cell("active", Style::kGreen) : Cell(""),
               IdOf(one.creator())});
  }
  return table.Render(canvas);
}

std::string RenderTemplate(const notify_v1::TemplateVersion& version, bool html, absl::TimeZone zone, const Canvas& canvas) {
  if (html) return Printable(version.source().html(), true);
  Facts facts;
  facts.Add("kind", IdOf(version.template_()));
  facts.Add("program", IdOf(version.program()));
  facts.Add("version", version.version() == 0 ? "what the release says"
                                              : absl::StrCat(version.version(), version.reset() ? ", back to what the release says" : "",
                                                             version.active() ? ", active" : ""));
  if (version.unusable()) facts.Add("", "this release cannot use it: messages say what the release says", Style::kRed);
  facts.Add("since", Moment(version.create_time(), zone));
  facts.Add("by", IdOf(version.creator()));
  facts.Add("variables", absl::StrJoin(version.variables(), ", "));
  facts.Add("subject", version.source().subject(), Style::kBold);
  return facts.Render(canvas) + "\n" + WithLineEnd(version.source().text());
}

std::string RenderMessage(const notify_v1::PreviewNotificationResponse& message, bool html, const Canvas& canvas) {
  if (html) return Printable(message.html_body(), true);
  Facts facts;
  facts.Add("subject", message.subject(), Style::kBold);
  return facts.Render(canvas) + "\n" + WithLineEnd(message.text_body());
}

}  // namespace rematch::cli
