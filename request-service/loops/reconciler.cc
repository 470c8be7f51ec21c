#include "request-service/loops/reconciler.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "platform/errors.h"
#include "platform/log.h"
#include "platform/validation.h"
#include "request-service/domain/case_view.h"
#include "request-service/domain/escalation.h"

namespace rematch::request {
namespace {

namespace mv1 = mentor::v1;

constexpr int kPage = 500;
constexpr int kCandidates = 64;  // that DescribeCandidates takes

// Of "consortia/c/programs/p/candidates/x".
std::string ProgramOf(const std::string& candidate) { return candidate.substr(0, candidate.rfind("/candidates/")); }

bool CountsBy(const Case& c, const mv1::Program& program) {
  if (!c.calendar().empty()) return c.calendar() == CalendarHash(program);
  mv1::Program before;  // there were calendars
  before.set_time_zone(c.time_zone());
  return CalendarHash(before) == CalendarHash(program);
}

}  // namespace

absl::Duration Reconciler::Step() {
  const absl::Duration now = clock_.Monotonic();
  if (!begun_) {
    // The first round waits: at the start everything that a crash left half done is about to be carried out.
    begun_ = true;
    next_ = now + interval_;
  }
  if (now >= next_) {
    const absl::Status status = Round();
    if (!status.ok()) log::Warn("reconciling_failed", {{"code", static_cast<int>(status.code())}, {"reason", ReasonOf(status)}});
    next_ = now + interval_;
  }
  return std::max(next_ - clock_.Monotonic(), absl::ZeroDuration());
}

absl::Status Reconciler::Round() {
  absl::Status seats = GoOverSeats();
  absl::Status candidates = GoOverCandidates();
  return seats.ok() ? candidates : seats;
}

absl::Status Reconciler::GoOverSeats() {
  absl::flat_hash_set<std::string> found;
  // Those of mentor-service: after a restored backup this service may not know a consortium whose seats are held for cases that are gone.
  REMATCH_ASSIGN_OR_RETURN(const std::vector<std::string> consortia, mentor_.ListConsortia());
  for (const std::string& consortium : consortia) {
    mv1::ListSeatsRequest request;
    request.set_parent(consortium);
    request.set_state(mv1::Seat::HELD);
    request.set_page_size(kPage);
    do {
      REMATCH_ASSIGN_OR_RETURN(const mv1::ListSeatsResponse page, mentor_.ListSeats(request));
      for (const mv1::Seat& seat : page.seats()) {
        REMATCH_ASSIGN_OR_RETURN(const bool needed, IsNeeded(consortium.substr(consortium.find('/') + 1), seat));
        if (needed) continue;
        if (!suspects_.contains(seat.name())) {
          found.insert(seat.name());
          continue;
        }
        mv1::ReleaseSeatRequest release;
        release.set_name(seat.name());
        release.set_request_id("reconcile." + IdOf(seat.name()).substr(0, 100));
        if (const absl::Status status = mentor_.ReleaseSeat(release).status(); !status.ok()) {
          // The seats behind it are settled all the same; this one is looked at again in the next round.
          log::Warn("seat_not_reconciled",
                    {{"seat", seat.name()}, {"code", static_cast<int>(status.code())}, {"reason", ReasonOf(status)}});
          found.insert(seat.name());
          continue;
        }
        metrics_.Count("reconciled_seats");
        log::Warn("seat_reconciled", {{"seat", seat.name()}});
      }
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
  }
  suspects_ = std::move(found);
  return absl::OkStatus();
}

// A seat's key is `{case}.{offer}`.
absl::StatusOr<bool> Reconciler::IsNeeded(const std::string& consortium, const mv1::Seat& seat) {
  const std::string key = IdOf(seat.name());
  const std::optional<std::vector<std::string>> ids = ParseName(seat.candidate(), "consortia/*/programs/*/candidates/*");
  if (!ids.has_value()) return false;
  REMATCH_ASSIGN_OR_RETURN(const std::optional<StoredCase> stored,
                           reader_.Load({.consortium = consortium, .program = (*ids)[1], .id = key.substr(0, key.find('.'))}));
  return stored.has_value() && NeedsSeat(stored->c, key);
}

absl::Status Reconciler::GoOverCandidates() {
  absl::flat_hash_map<std::string, std::string> found;
  std::vector<CaseCommand> news;
  OpenCase after;
  for (;;) {
    REMATCH_ASSIGN_OR_RETURN(const std::vector<OpenCase> page, reader_.OpenCasesAfter(after, kCandidates));
    if (page.empty()) break;
    after = page.back();
    std::map<std::string, OpenCase> asked;  // by candidate
    std::vector<std::string> names;
    for (const OpenCase& open : page) names.push_back(open.candidate);
    REMATCH_ASSIGN_OR_RETURN(const CaseReader::Standing standing, reader_.StandingOf(after.consortium, names));
    mv1::DescribeCandidatesRequest request;
    request.set_parent("consortia/" + after.consortium);
    request.set_k(1);
    for (const OpenCase& open : page) {
      if (open.case_id.empty() && !standing.with_task.contains(IdOf(open.candidate))) continue;
      request.add_candidates(open.candidate);
      asked[open.candidate] = open;
    }
    if (asked.empty()) continue;
    REMATCH_ASSIGN_OR_RETURN(const mv1::DescribeCandidatesResponse response, mentor_.DescribeCandidates(request));
    absl::flat_hash_map<std::string, const mv1::Program*> programs;
    for (const mv1::Program& program : response.programs()) programs[program.name()] = &program;
    for (const mv1::DescribeCandidatesResponse::Described& described : response.described()) {
      const auto one = asked.find(described.candidate().name());
      if (one == asked.end()) continue;
      REMATCH_ASSIGN_OR_RETURN(std::optional<CaseCommand> command,
                               NewsFor(one->second, described.candidate(), programs[ProgramOf(one->first)]));
      if (!command.has_value()) continue;
      std::string what = command->command.SerializeAsString();
      if (const auto before = untold_.find(one->first); before == untold_.end() || before->second != what) {
        found[one->first] = std::move(what);
        continue;
      }
      metrics_.Count("reconciled_candidates");
      log::Warn("candidate_reconciled", {{"consortium", command->key.consortium}, {"case", command->key.id}});
      news.push_back(*std::move(command));
    }
  }
  untold_ = std::move(found);
  // Who could not be told is found again.
  CommitAll(door_, std::move(news), Priority::kPeople);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<CaseCommand>> Reconciler::NewsFor(const OpenCase& open, const mv1::Candidate& candidate,
                                                               const mv1::Program* program) {
  const std::optional<std::vector<std::string>> ids = ParseName(open.candidate, "consortia/*/programs/*/candidates/*");
  if (!ids.has_value()) return std::nullopt;
  CaseCommand command = FactFor({.consortium = open.consortium, .program = (*ids)[1], .id = open.case_id});
  const bool has_left = candidate.has_unenroll_time();
  if (open.case_id.empty()) {
    if (!has_left && candidate.mentor().empty()) return std::nullopt;
    command.candidate_task = CandidateTask{.what = CandidateTask::What::kSettled, .candidate = open.candidate};
    return command;
  }
  REMATCH_ASSIGN_OR_RETURN(const std::optional<StoredCase> stored, reader_.Load(command.key));
  if (!stored.has_value()) return std::nullopt;
  // A swap that is under way tells the case itself; in a pause what was reported waits.
  const Case& c = stored->c;
  if (c.paused() != 0 || (c.state() != v1::REVIEW && c.state() != v1::SEARCHING && c.state() != v1::PROPOSED)) return std::nullopt;
  if (has_left) {
    if (c.candidate_left()) return std::nullopt;
    command.command.mutable_candidate_left();
    return command;
  }
  if (candidate.assignment() != c.replaced_assignment() || candidate.mentor() != c.current_mentor()) {
    command.command.mutable_assignment_changed()->set_assignment(candidate.assignment());
    command.command.mutable_assignment_changed()->set_mentor(candidate.mentor());
    return command;
  }
  if (program == nullptr || CountsBy(c, *program)) return std::nullopt;
  REMATCH_ASSIGN_OR_RETURN(const std::string calendar, calendars_.Keep(*program));
  command.command.mutable_calendar_changed()->set_calendar(calendar);
  command.command.mutable_calendar_changed()->set_time_zone(program->time_zone());
  return command;
}

}  // namespace rematch::request
