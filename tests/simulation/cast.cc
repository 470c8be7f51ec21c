#include "tests/simulation/cast.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "request-service/store/case_command.h"
#include "tests/random_policy.h"

namespace rematch::simulation {
namespace {

namespace mv1 = mentor::v1;
namespace rv1 = request::v1;

struct Title {
  std::string id;
  std::string display_name;
  std::string leader;
  std::string alternate;
};
// No name is part of another, so that a mail shows whose it is.
const std::vector<Title>& Titles() {
  static const auto* const titles =
      new std::vector<Title>{{"p1", "South Bay", "lena", "alex"}, {"p2", "North Shore", "lou", "ana"}, {"p3", "East Hills", "liz", "abe"}};
  return *titles;
}

mentor::Contact ContactOf(const std::string& name, const std::string& email) {
  return {.display_name = name, .email = email, .phone = "310 555 0100"};
}

mentor::Roster DrawConsortium(Chance& chance, absl::Time now, const std::string& id, int programs, int candidates) {
  mentor::Roster roster;
  roster.consortium_id = id;
  roster.consortium.Put({.id = id, .display_name = absl::StrCat("Consortium ", id)});
  roster.districts.Put({.id = "d1", .display_name = "District", .representative = ContactOf("Dora", AddressOf("dora", "districts", id))});
  roster.sites.Put(
      {.id = "s1", .display_name = "Harbor", .district = "d1", .administrator = ContactOf("Ada", AddressOf("ada", "sites", id))});

  std::map<std::string, std::vector<std::string>> programs_of;  // by mentor
  std::map<std::string, std::vector<std::string>> members;      // by program; leaders are mentors too, but do not count here
  std::vector<mentor::Program> made;
  for (int i = 0; i < programs; ++i) {
    const Title& title = Titles()[static_cast<size_t>(i)];
    // Now and then the leader of one program is the alternate of the next.
    const std::string alternate = i > 0 && chance.Percent(25) ? Titles()[static_cast<size_t>(i) - 1].leader : title.alternate;
    mentor::Program program = {
        .id = title.id,
        .display_name = id == "c1" ? title.display_name : absl::StrCat("West Valley ", id),
        .time_zone = i == 0 ? "America/Los_Angeles" : DrawTimeZone(chance),
        .leader = {.id = title.leader,
                   .contact = ContactOf("Leader " + title.leader, AddressOf(title.leader, title.id, id)),
                   .mentor = chance.Percent(80) ? title.leader : ""},
        .alternate = {
            .id = alternate, .contact = ContactOf("Leader " + alternate, AddressOf(alternate, title.id, id)), .mentor = alternate}};
    if (chance.Percent(i == 0 ? 20 : 50)) program.calendar = DrawCalendar(chance, now).SerializeAsString();
    for (const std::string& leader : {title.leader, alternate}) programs_of[leader].push_back(title.id);
    made.push_back(std::move(program));
  }
  const int count = 2 + chance.Pick(4) + (programs - 1);
  for (int i = 0; i < count; ++i) {
    const std::string mentor = absl::StrCat("m", i);
    const int home = chance.Pick(programs);
    for (int j = 0; j < programs; ++j) {
      if (j != home && !chance.Percent(40)) continue;
      programs_of[mentor].push_back(made[static_cast<size_t>(j)].id);
      members[made[static_cast<size_t>(j)].id].push_back(mentor);
    }
  }
  for (mentor::Program& program : made) roster.programs.Put(std::move(program));

  std::map<std::string, std::string> mentor_of;   // by candidate
  std::map<std::string, std::string> program_of;  // likewise
  for (int i = 0; i < candidates; ++i) {
    const std::string candidate = absl::StrCat("c", i);
    const Title& title = Titles()[static_cast<size_t>(i < programs ? i : chance.Pick(programs))];
    program_of[candidate] = title.id;
    const std::vector<std::string>& theirs = members[title.id];
    if (!chance.Percent(85)) continue;
    if (chance.Percent(8)) {
      mentor_of[candidate] = title.leader;
    } else if (!theirs.empty()) {
      mentor_of[candidate] = chance.Of(theirs);
    }
  }
  for (const auto& [mentor_id, theirs] : programs_of) {
    mentor::Mentor mentor;
    mentor.id = mentor_id;
    mentor.joined = now;
    mentor.contact = ContactOf("Mentor " + mentor_id, AddressOf(mentor_id, "mentors", id));
    mentor.district = "d1";
    mentor.programs = theirs;
    mentor.credentials = {"Multiple Subject"};
    mentor.grade_bands = {"K-2"};
    mentor.years_mentored = chance.Percent(80) ? 2 : 0;
    mentor.interested_in_more = chance.Percent(50);
    mentor.opted_out = chance.Percent(10);
    for (const auto& [candidate, mentor_of_record] : mentor_of) mentor.assigned += mentor_of_record == mentor_id;
    mentor.has_mentored = mentor.assigned > 0;
    mentor.capacity = mentor.assigned + chance.Pick(3);
    mentor.version = 1;
    roster.PutMentor(std::move(mentor));
  }
  for (const auto& [candidate_id, program] : program_of) {
    mentor::Candidate candidate;
    candidate.id = candidate_id;
    candidate.program = program;
    candidate.joined = now;
    candidate.contact = ContactOf("Candidate", AddressOf(candidate_id, "candidates", id));
    candidate.site = "s1";
    candidate.credential = "Multiple Subject";
    candidate.grade_band = "K-2";
    candidate.mentor = mentor_of[candidate_id];
    if (candidate.mentor.empty()) {
      candidate.without_mentor_since = now;
    } else {
      candidate.assignment = "a" + candidate_id;
      candidate.assigned_at = now;
      roster.assignments.Put({.id = candidate.assignment,
                              .candidate = candidate_id,
                              .program = program,
                              .mentor = candidate.mentor,
                              .begin = now,
                              .end = std::nullopt});
    }
    roster.candidates.Put(std::move(candidate));
  }
  return roster;
}

}  // namespace

std::vector<mentor::Roster> DrawCast(Chance& chance, absl::Time now) {
  const bool has_second = chance.Percent(20);
  const int programs = 1 + chance.Pick(has_second ? 2 : 3);
  std::vector<mentor::Roster> cast;
  cast.push_back(DrawConsortium(chance, now, "c1", programs, std::max(programs, 1 + chance.Pick(4))));
  if (has_second) cast.push_back(DrawConsortium(chance, now, "c2", 1, 1 + chance.Pick(2)));
  return cast;
}

mv1::Calendar DrawCalendar(Chance& chance, absl::Time now) {
  mv1::Calendar calendar;
  const absl::CivilDay today(absl::UTCTimeZone().At(now).cs);
  for (int i = chance.Pick(4); i > 0; --i) calendar.add_closures()->set_first(absl::FormatCivilTime(today + chance.Pick(8)));
  if (chance.Percent(30)) {
    mv1::Calendar::Hours& hours = *calendar.add_hours();
    hours.set_day(static_cast<mv1::Calendar::DayOfWeek>(1 + chance.Pick(7)));
    hours.set_open("08:00");
    hours.set_close("16:00");
  }
  return calendar;
}

std::string DrawTimeZone(Chance& chance) {
  constexpr const char* kZones[] = {"America/Los_Angeles", "America/New_York", "Africa/Cairo", "Pacific/Auckland"};
  return kZones[chance.Pick(4)];
}

namespace {

rv1::EscalationPolicy DrawEscalation(Chance& chance, bool in_days) {
  if (chance.Percent(50)) {
    const auto pick = [&chance](int n) { return chance.Pick(n); };
    return testing_policy::RandomPolicy(pick, in_days ? rv1::Window::WORKING_DAYS : rv1::Window::SECONDS, in_days ? 5 : 120);
  }
  rv1::EscalationPolicy policy;
  policy.set_display_name("Simulated");
  const auto set = [&](rv1::Window* window, int seconds, int days) {
    window->set_unit(in_days ? rv1::Window::WORKING_DAYS : rv1::Window::SECONDS);
    window->set_amount(in_days ? days : seconds);
  };
  for (const rv1::StageKind kind : {rv1::INDIVIDUAL, rv1::BROADCAST, rv1::RECOMMENDATION, rv1::LEADER}) {
    rv1::EscalationPolicy::Stage& stage = *policy.add_stages();
    stage.set_kind(kind);
    if (kind == rv1::LEADER) break;
    set(stage.mutable_window(), 60, 3);
    set(stage.add_remind_before(), 20, 1);
    if (kind != rv1::INDIVIDUAL) continue;
    stage.add_tiers(mv1::TIER_ONE_CANDIDATE);
    stage.add_tiers(mv1::TIER_INTERESTED);
    stage.add_tiers(mv1::TIER_PAST_MENTOR);
  }
  set(policy.mutable_redial_after(), 30, 1);
  set(policy.mutable_task_due_after(), 300, 5);
  policy.set_k_anonymity(3);
  policy.set_without_consent(chance.Percent(70) ? rv1::EscalationPolicy::DISTRICT_ONLY : rv1::EscalationPolicy::NOBODY);
  return policy;
}

}  // namespace

rv1::EscalationPolicy DrawPolicy(Chance& chance) {
  const bool in_days = chance.Percent(20);
  rv1::EscalationPolicy policy = DrawEscalation(chance, in_days);
  policy.set_welcome_letter(chance.Percent(70));
  policy.set_concern_at_or_below(chance.Pick(5));
  if (chance.Percent(50)) {
    policy.mutable_check_in_after()->set_unit(in_days ? rv1::Window::WORKING_DAYS : rv1::Window::SECONDS);
    policy.mutable_check_in_after()->set_amount(1 + chance.Pick(in_days ? 5 : 600));
  }
  return policy;
}

std::vector<std::string> LeadersOf(const std::string& consortium, const mentor::Program& program) {
  std::vector<std::string> leaders;
  for (const mentor::Leader* leader : {&program.leader, &program.alternate}) {
    if (!leader->id.empty()) leaders.push_back(absl::StrCat(request::ConsortiumName(consortium), "/leaders/", leader->id));
  }
  return leaders;
}

std::string AddressOf(const std::string& id, const std::string& whom, const std::string& consortium) {
  return absl::StrCat(id, "@", whom, ".", consortium, ".example");
}

}  // namespace rematch::simulation
