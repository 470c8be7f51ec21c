#include "bench/lookahead.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "bench/world.h"
#include "mentor-service/domain/fields.h"
#include "platform/errors.h"
#include "request-service/domain/policy.h"
#include "request-service/domain/working_time.h"

namespace rematch::bench {
namespace {

namespace mv1 = mentor::v1;
namespace rv1 = request::v1;
using demo::MentorStub;
using demo::RequestStub;

// The median of so many calls, in milliseconds.
absl::StatusOr<double> Time(int calls, absl::FunctionRef<absl::Status()> call) {
  std::vector<double> took;
  for (int i = 0; i < calls; ++i) {
    const absl::Time begin = absl::Now();
    REMATCH_RETURN_IF_ERROR(call());
    took.push_back(absl::ToDoubleMilliseconds(absl::Now() - begin));
  }
  return MedianOf(std::move(took));
}

absl::Status Expect(bool holds, const char* what) { return holds ? absl::OkStatus() : absl::InternalError(what); }

// As many stages as there may be.
rv1::EscalationPolicy LargePolicy() {
  rv1::EscalationPolicy policy;
  policy.set_display_name("two hundred stages");
  const auto days = [](rv1::Window* window, int amount) {
    window->set_amount(amount);
    window->set_unit(rv1::Window::WORKING_DAYS);
  };
  for (int i = 0; i < 200; ++i) {
    rv1::EscalationPolicy::Stage& stage = *policy.add_stages();
    stage.set_kind(i % 2 == 0 ? rv1::INDIVIDUAL : rv1::BROADCAST);
    stage.set_id(absl::StrCat("stage-", i));
    days(stage.mutable_window(), 20);
    for (int before = 10; before > 0; --before) days(stage.add_remind_before(), before);
    if (stage.kind() == rv1::INDIVIDUAL) stage.add_tiers(mv1::TIER_INTERESTED);
  }
  days(policy.mutable_redial_after(), 1);
  days(policy.mutable_task_due_after(), 2);
  policy.set_k_anonymity(3);
  policy.set_without_consent(rv1::EscalationPolicy::NOBODY);
  return policy;
}

// Hours, terms, and thirty holidays of each of twenty years.
mv1::Calendar LargeCalendar() {
  mv1::Calendar calendar;
  for (int day = mv1::Calendar::MONDAY; day <= mv1::Calendar::FRIDAY; ++day) {
    mv1::Calendar::Hours& hours = *calendar.add_hours();
    hours.set_day(static_cast<mv1::Calendar::DayOfWeek>(day));
    hours.set_open("08:00");
    hours.set_close("16:30");
  }
  for (int year = 2026; year < 2046; ++year) {
    mv1::Calendar::Days& term = *calendar.add_terms();
    term.set_first(absl::StrCat(year, "-08-20"));
    term.set_last(absl::StrCat(year + 1, "-06-10"));
    for (int i = 0; i < 30; ++i) calendar.add_closures()->set_first(absl::FormatCivilTime(absl::CivilDay(year, 9, 1) + 7 * i));
  }
  return calendar;
}

}  // namespace

void DescribeLookahead(Figures& figures) {
  figures.Describe({.name = "find_ms", .title = "FindEligibleMentors over 10,000 mentors", .unit = "ms", .at_most = 20});
  figures.Describe({.name = "preview_ms", .title = "PreviewEscalation over 10,000 mentors", .unit = "ms", .at_most = 20});
  figures.Describe({.name = "check_policy_ms", .title = "a policy of 200 stages is checked", .unit = "ms", .at_most = 10});
  figures.Describe({.name = "check_calendar_ms", .title = "a calendar of 20 years is checked and read", .unit = "ms", .at_most = 10});
}

absl::Status MeasureLookahead(Stage& stage, const LookaheadOptions& options, Figures& figures) {
  Say(absl::StrCat("lookahead: storing ", options.mentors, " mentors"));
  REMATCH_ASSIGN_OR_RETURN(const World world, Import(stage.suite(), {.programs = 1, .mentors = options.mentors, .candidates = 100}));
  demo::Caller leader = stage.suite().As("PROGRAM_LEADER", World::Leader(0));
  const rv1::EscalationPolicy policy = LargePolicy();
  const mv1::Calendar calendar = LargeCalendar();
  size_t next = 0;
  const auto candidate = [&]() -> const std::string& { return world.candidates[next++ % world.candidates.size()]; };
  for (int round = 0; round < options.rounds; ++round) {
    REMATCH_ASSIGN_OR_RETURN(const double find, Time(options.calls, [&]() -> absl::Status {
                               mv1::FindEligibleMentorsRequest request;
                               request.set_candidate(candidate());
                               request.set_pool(mv1::FindEligibleMentorsRequest::INDIVIDUAL);
                               REMATCH_ASSIGN_OR_RETURN(const auto found, leader.Call(&MentorStub::FindEligibleMentors, request));
                               return Expect(found.mentors_size() > options.mentors / 2, "a ranking of too few");
                             }));
    figures.Add("find_ms", find);
    REMATCH_ASSIGN_OR_RETURN(const double preview, Time(options.calls, [&]() -> absl::Status {
                               rv1::PreviewEscalationRequest request;
                               request.set_candidate(candidate());
                               REMATCH_ASSIGN_OR_RETURN(const auto ahead, leader.Call(&RequestStub::PreviewEscalation, request));
                               return Expect(ahead.stages(0).can_be_asked() > options.mentors / 2, "a forecast of too few");
                             }));
    figures.Add("preview_ms", preview);
    REMATCH_ASSIGN_OR_RETURN(const double check_policy, Time(options.calls, [&] { return request::ValidatePolicy(policy); }));
    figures.Add("check_policy_ms", check_policy);
    REMATCH_ASSIGN_OR_RETURN(const double check_calendar, Time(options.calls, [&]() -> absl::Status {
                               Violations bad;
                               mentor::CheckCalendar(bad, "calendar", calendar);
                               if (!bad.empty()) return bad.ToStatus();
                               const request::WorkingTime time(calendar, absl::UTCTimeZone());
                               rv1::Window window;
                               window.set_amount(20);
                               window.set_unit(rv1::Window::WORKING_DAYS);
                               const absl::Time from = absl::FromCivil(absl::CivilDay(2040, 2, 1), absl::UTCTimeZone());
                               return Expect(time.EndOfWindow(from, window) > from, "no end");
                             }));
    figures.Add("check_calendar_ms", check_calendar);
  }
  return absl::OkStatus();
}

}  // namespace rematch::bench
