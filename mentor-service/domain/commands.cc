#include "mentor-service/domain/commands.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "mentor-service/domain/reasons.h"
#include "platform/canonical.h"
#include "platform/errors.h"

namespace rematch::mentor {
namespace {

// Batches that may take of the same program's best at one time: as many as threads commit.
constexpr size_t kSideBySide = 4;

absl::Status Refused(std::string_view reason, std::string_view message) {
  return Error(absl::StatusCode::kFailedPrecondition, reason, message);
}
absl::Status Missing(std::string_view reason, std::string_view message) { return Error(absl::StatusCode::kNotFound, reason, message); }
absl::Status Exists(std::string_view reason, std::string_view message) { return Error(absl::StatusCode::kAlreadyExists, reason, message); }

std::string IdOr(const std::string& given, const Context& context) { return given.empty() ? context.new_id() : given; }

absl::Status CheckFounded(const Roster& roster) {
  return roster.consortium.Find(roster.consortium_id) == nullptr ? NoConsortium() : absl::OkStatus();
}

// That everything a mentor refers to is there.
absl::Status CheckReferences(const Roster& roster, const Mentor& mentor) {
  if (!mentor.district.empty() && roster.districts.Find(mentor.district) == nullptr) return NoDistrict();
  for (const std::string& program : mentor.programs) {
    if (roster.programs.Find(program) == nullptr) return NoProgram();
  }
  for (const std::string& site : mentor.supervised_sites) {
    if (roster.sites.Find(site) == nullptr) return NoSite();
  }
  return absl::OkStatus();
}

absl::Status CheckLeaders(const Roster& roster, const Program& program) {
  for (const Leader* leader : {&program.leader, &program.alternate}) {
    if (!leader->mentor.empty() && roster.mentors.Find(leader->mentor) == nullptr) return NoMentor();
  }
  return absl::OkStatus();
}

// What an existing seat answers to one more hold under its key: itself when `same`.
absl::StatusOr<Seat> HoldAgain(const Seat& seat, bool same) {
  switch (seat.state) {
    case Seat::State::kReleased:
      return Refused(reason::kSeatReleased, "the seat was released");
    case Seat::State::kTransferred:
      return Refused(reason::kSeatTransferred, "the seat has become an assignment");
    case Seat::State::kHeld:
      break;
  }
  if (!same) return Exists(reason::kSeatExists, "the key belongs to another seat");
  return seat;
}

// The candidate is without a mentor from now on.
const Assignment& EndLive(Roster& roster, const std::string& candidate_id, const Context& context) {
  const Candidate& before = *roster.candidates.Find(candidate_id);
  --roster.ChangeMentor(before.mentor).assigned;
  const Assignment& ended = roster.assignments.Put({.id = before.assignment,
                                                    .candidate = before.id,
                                                    .program = before.program,
                                                    .mentor = before.mentor,
                                                    .begin = before.assigned_at.value_or(context.now),
                                                    .end = context.now});
  Candidate& candidate = roster.candidates.Change(candidate_id);
  candidate.mentor.clear();
  candidate.assignment.clear();
  candidate.assigned_at.reset();
  candidate.without_mentor_since = context.now;
  return ended;
}

absl::Status CheckEnrolled(const Candidate& candidate) {
  return candidate.unenrolled.has_value() ? Refused(reason::kCandidateUnenrolled, "the candidate has left the program") : absl::OkStatus();
}

Seat& Hold(Roster& roster, const std::string& seat, const std::string& mentor, const Candidate& candidate, const Context& context) {
  ++roster.ChangeMentor(mentor).held;
  return roster.seats.Put({.id = seat,
                           .mentor = mentor,
                           .candidate = candidate.id,
                           .program = candidate.program,
                           .state = Seat::State::kHeld,
                           .held_at = context.now,
                           .ended_at = std::nullopt,
                           .assignment = ""});
}

}  // namespace

std::string EtagOf(const Program& program) {
  std::vector<std::string> parts = {program.display_name, program.time_zone};
  for (const Leader* leader : {&program.leader, &program.alternate}) {
    parts.insert(parts.end(), {leader->id, leader->contact.display_name, leader->contact.email, leader->contact.phone, leader->mentor});
  }
  // None of these holds a line end.
  return platform::HexHash(absl::StrCat(absl::StrJoin(parts, "\n"), "\n", program.calendar)).substr(0, 16);
}

std::string EtagOf(const District& district) {
  // None of these holds a line end.
  const Contact& contact = district.representative;
  return platform::HexHash(absl::StrCat(absl::StrJoin({district.display_name, contact.display_name, contact.email, contact.phone}, "\n"),
                                        "\n", district.lends_mentors, district.borrows_mentors))
      .substr(0, 16);
}

absl::Status CheckPair(const Roster& roster, const Mentor& mentor, const Candidate& candidate) {
  REMATCH_RETURN_IF_ERROR(CheckEnrolled(candidate));
  if (mentor.state == Mentor::State::kRetired) return Refused(reason::kMentorRetired, "the mentor no longer takes part");
  if (!Contains(mentor.programs, candidate.program)) {
    return Refused(reason::kMentorNotMember, "the mentor is no member of the candidate's program");
  }
  if (Contains(mentor.supervised_sites, candidate.site)) {
    return Refused(reason::kMentorSupervises, "the mentor evaluates or supervises at the candidate's site");
  }
  if (!DistrictsShare(roster.districts, mentor.district, DistrictOf(roster, candidate))) {
    return Refused(reason::kDistrictNotShared, "the mentor is of another district, and the two districts do not share mentors");
  }
  if (Contains(candidate.do_not_pair, mentor.id)) return Refused(reason::kDoNotPair, "the two are not to be paired");
  return absl::OkStatus();
}

absl::Status NoConsortium() { return Missing(reason::kConsortiumNotFound, "no such consortium"); }
absl::Status NoDistrict() { return Missing(reason::kDistrictNotFound, "no such district"); }
absl::Status NoSite() { return Missing(reason::kSiteNotFound, "no such site"); }
absl::Status NoProgram() { return Missing(reason::kProgramNotFound, "no such program"); }
absl::Status NoMentor() { return Missing(reason::kMentorNotFound, "no such mentor"); }
absl::Status NoCandidate() { return Missing(reason::kCandidateNotFound, "no such candidate"); }
absl::Status NoSeat() { return Missing(reason::kSeatNotFound, "no such seat"); }
absl::Status NoAssignment() { return Missing(reason::kAssignmentNotFound, "no such assignment"); }

const Candidate* FindCandidate(const Roster& roster, std::string_view program, std::string_view id) {
  const Candidate* candidate = roster.candidates.Find(id);
  return candidate != nullptr && candidate->program == program ? candidate : nullptr;
}

void Wants::Add(const Wants& more) {
  const auto add = [](std::set<std::string>& to, const std::set<std::string>& from) { to.insert(from.begin(), from.end()); };
  add(districts, more.districts);
  add(sites, more.sites);
  add(programs, more.programs);
  add(mentors, more.mentors);
  add(candidates, more.candidates);
  add(seats, more.seats);
  add(assignments, more.assignments);
  add(caseloads, more.caseloads);
  add(emails, more.emails);
  add(pools, more.pools);
  next_seats.insert(next_seats.end(), more.next_seats.begin(), more.next_seats.end());
  add(rewritten, more.rewritten);
  add(changed_programs, more.changed_programs);
  add(changed_districts, more.changed_districts);
  pairs = pairs || more.pairs;
  if (more.import != nullptr) import = more.import;
  every_program = every_program || more.every_program;
  consortium = consortium || more.consortium;
}

void AddWants(const Action& action, Wants& wants) {
  struct Visitor {
    Wants& wants;
    void Add(std::set<std::string>& set, const std::string& id) const {
      if (!id.empty()) set.insert(id);
    }
    void AddMentor(const Mentor& mentor) const {
      Add(wants.mentors, mentor.id);
      Add(wants.rewritten, mentor.id);
      Add(wants.districts, mentor.district);
      wants.programs.insert(mentor.programs.begin(), mentor.programs.end());
      wants.sites.insert(mentor.supervised_sites.begin(), mentor.supervised_sites.end());
      Add(wants.emails, LowerEmail(mentor.contact.email));
    }
    void operator()(const CreateConsortium&) const {}
    void operator()(const CreateDistrict& c) const { Add(wants.districts, c.district.id); }
    void operator()(const UpdateDistrict& c) const {
      Add(wants.districts, c.district.id);
      Add(wants.changed_districts, c.district.id);
    }
    void operator()(const CreateSite& c) const {
      Add(wants.sites, c.site.id);
      Add(wants.districts, c.site.district);
    }
    void operator()(const CreateProgram& c) const {
      Add(wants.programs, c.program.id);
      Add(wants.mentors, c.program.leader.mentor);
      Add(wants.mentors, c.program.alternate.mentor);
    }
    void operator()(const UpdateProgram& c) const {
      Add(wants.programs, c.program.id);
      Add(wants.changed_programs, c.program.id);
      Add(wants.mentors, c.program.leader.mentor);
      Add(wants.mentors, c.program.alternate.mentor);
    }
    void operator()(const CreateMentor& c) const { AddMentor(c.mentor); }
    void operator()(const UpdateMentor& c) const { AddMentor(c.mentor); }
    void operator()(const RetireMentor& c) const {
      Add(wants.mentors, c.mentor);
      Add(wants.caseloads, c.mentor);
    }
    void AddPair(const std::string& program, const std::string& candidate, const std::string& mentor) const {
      Add(wants.programs, program);
      Add(wants.candidates, candidate);
      Add(wants.mentors, mentor);
    }
    void operator()(const AddDoNotPair& c) const { AddPair(c.program, c.candidate, c.mentor); }
    void operator()(const RemoveDoNotPair& c) const { AddPair(c.program, c.candidate, c.mentor); }
    void operator()(const UnenrollCandidate& c) const {
      Add(wants.programs, c.program);
      Add(wants.candidates, c.candidate);
    }
    void operator()(const EndAssignment& c) const { Add(wants.assignments, c.assignment); }
    void operator()(const CreateCandidate& c) const {
      Add(wants.candidates, c.candidate.id);
      Add(wants.programs, c.candidate.program);
      Add(wants.sites, c.candidate.site);
    }
    void operator()(const AssignMentor& c) const {
      wants.pairs = true;
      AddPair(c.program, c.candidate, c.mentor);
    }
    void operator()(const HoldNextSeat& c) const {
      Add(wants.seats, c.seat);
      Add(wants.programs, c.program);
      Add(wants.pools, c.program);
      wants.next_seats.push_back(&c);
      wants.pairs = true;
      Add(wants.candidates, c.candidate);
    }
    void operator()(const HoldSeat& c) const {
      wants.pairs = true;
      Add(wants.seats, c.seat);
      AddPair(c.program, c.candidate, c.mentor);
    }
    void operator()(const ReleaseSeat& c) const { Add(wants.seats, c.seat); }
    void operator()(const TransferCandidate& c) const {
      wants.pairs = true;
      Add(wants.seats, c.seat);
    }
    void operator()(const ImportRoster& c) const { wants.import = &c; }
  };
  std::visit(Visitor{wants}, action);
}

std::set<std::string> LikelyNext(Roster& roster, const std::vector<const HoldNextSeat*>& commands, absl::Time now) {
  std::map<std::string_view, size_t> of_program;
  for (const HoldNextSeat* command : commands) ++of_program[command->program];
  std::set<std::string> likely;
  for (const HoldNextSeat* command : commands) {
    const Candidate* candidate = FindCandidate(roster, command->program, command->candidate);
    const Program* program = roster.programs.Find(command->program);
    if (candidate == nullptr || program == nullptr || roster.seats.Find(command->seat) != nullptr) continue;
    const size_t most = kSideBySide * of_program[command->program];
    const Ranking ranking(roster, *program, *candidate, command->search, command->day.value_or(now), most);
    for (size_t i = 0; i < std::min(most, ranking.can_be_asked()); ++i) likely.insert(ranking.At(i).id);
    if (ranking.can_be_asked() > 0) roster.promising.insert(command->seat);
  }
  return likely;
}

absl::StatusOr<Consortium> Decide(Roster& roster, const CreateConsortium& command, const Context&) {
  if (CheckFounded(roster).ok()) return Exists(reason::kConsortiumExists, "the consortium exists");
  return roster.consortium.Put(command.consortium);
}

absl::StatusOr<District> Decide(Roster& roster, const CreateDistrict& command, const Context& context) {
  REMATCH_RETURN_IF_ERROR(CheckFounded(roster));
  if (roster.districts.Find(command.district.id) != nullptr) return Exists(reason::kDistrictExists, "the district exists");
  District district = command.district;
  district.id = IdOr(district.id, context);
  return roster.districts.Put(std::move(district));
}

absl::StatusOr<District> Decide(Roster& roster, const UpdateDistrict& command, const Context&) {
  const District* current = roster.districts.Find(command.district.id);
  if (current == nullptr) return NoDistrict();
  if (!command.etag.empty() && command.etag != EtagOf(*current)) {
    return Error(absl::StatusCode::kAborted, rematch::reason::kEtagMismatch, "the district has changed since it was read");
  }
  District district = *current;
  const auto take = [&](const char* field, auto member) {
    if (command.fields.contains(field)) district.*member = command.district.*member;
  };
  take("display_name", &District::display_name);
  take("representative", &District::representative);
  take("lends_mentors", &District::lends_mentors);
  take("borrows_mentors", &District::borrows_mentors);
  if (district == *current) return district;
  return roster.districts.Put(std::move(district));
}

absl::StatusOr<Site> Decide(Roster& roster, const CreateSite& command, const Context& context) {
  REMATCH_RETURN_IF_ERROR(CheckFounded(roster));
  if (roster.sites.Find(command.site.id) != nullptr) return Exists(reason::kSiteExists, "the site exists");
  if (roster.districts.Find(command.site.district) == nullptr) return NoDistrict();
  Site site = command.site;
  site.id = IdOr(site.id, context);
  return roster.sites.Put(std::move(site));
}

absl::StatusOr<Program> Decide(Roster& roster, const CreateProgram& command, const Context& context) {
  REMATCH_RETURN_IF_ERROR(CheckFounded(roster));
  if (roster.programs.Find(command.program.id) != nullptr) return Exists(reason::kProgramExists, "the program exists");
  REMATCH_RETURN_IF_ERROR(CheckLeaders(roster, command.program));
  Program program = command.program;
  program.id = IdOr(program.id, context);
  return roster.programs.Put(std::move(program));
}

absl::StatusOr<Program> Decide(Roster& roster, const UpdateProgram& command, const Context&) {
  const Program* current = roster.programs.Find(command.program.id);
  if (current == nullptr) return NoProgram();
  if (!command.etag.empty() && command.etag != EtagOf(*current)) {
    return Error(absl::StatusCode::kAborted, rematch::reason::kEtagMismatch, "the program has changed since it was read");
  }
  Program program = *current;
  const auto take = [&](const char* field, auto member) {
    if (command.fields.contains(field)) program.*member = command.program.*member;
  };
  take("display_name", &Program::display_name);
  take("time_zone", &Program::time_zone);
  take("leader", &Program::leader);
  take("alternate", &Program::alternate);
  take("calendar", &Program::calendar);
  REMATCH_RETURN_IF_ERROR(CheckLeaders(roster, command.program));
  if (program.alternate.id == program.leader.id) {
    Violations bad;
    bad.Add("program.alternate.person", "must not be the leader");
    return bad.ToStatus();
  }
  if (program == *current) return program;
  return roster.programs.Put(std::move(program));
}

absl::StatusOr<Mentor> Decide(Roster& roster, const CreateMentor& command, const Context& context) {
  REMATCH_RETURN_IF_ERROR(CheckFounded(roster));
  if (roster.mentors.Find(command.mentor.id) != nullptr || !roster.MentorWithEmail(command.mentor.contact.email).empty()) {
    return Exists(reason::kMentorExists, "the consortium has this mentor");
  }
  REMATCH_RETURN_IF_ERROR(CheckReferences(roster, command.mentor));
  Mentor mentor = command.mentor;
  mentor.id = IdOr(mentor.id, context);
  mentor.joined = context.now;
  return roster.PutMentor(std::move(mentor));
}

absl::StatusOr<Mentor> Decide(Roster& roster, const UpdateMentor& command, const Context&) {
  const Mentor* current = roster.mentors.Find(command.mentor.id);
  if (current == nullptr) return NoMentor();
  if (command.version.has_value() && *command.version != current->version) {
    return Error(absl::StatusCode::kAborted, rematch::reason::kEtagMismatch, "the mentor has changed since it was read");
  }
  Mentor mentor = *current;
  const auto take = [&](const char* field, auto member) {
    if (command.fields.contains(field)) mentor.*member = command.mentor.*member;
  };
  take("contact", &Mentor::contact);
  take("district", &Mentor::district);
  take("programs", &Mentor::programs);
  take("credentials", &Mentor::credentials);
  take("grade_bands", &Mentor::grade_bands);
  take("subjects", &Mentor::subjects);
  take("capacity", &Mentor::capacity);
  take("interested_in_more", &Mentor::interested_in_more);
  take("years_mentored", &Mentor::years_mentored);
  take("opted_out", &Mentor::opted_out);
  take("supervised_sites", &Mentor::supervised_sites);
  REMATCH_RETURN_IF_ERROR(CheckReferences(roster, mentor));
  const std::string owner = roster.MentorWithEmail(mentor.contact.email);
  if (!owner.empty() && owner != mentor.id) return Exists(reason::kMentorExists, "another mentor has this email");
  if (mentor.capacity < mentor.assigned + mentor.held) {
    return Refused(reason::kCapacityInUse, "the capacity is below what is assigned and held");
  }
  return roster.PutMentor(std::move(mentor));
}

absl::StatusOr<Mentor> Decide(Roster& roster, const RetireMentor& command, const Context& context) {
  const Mentor* current = roster.mentors.Find(command.mentor);
  if (current == nullptr) return NoMentor();
  if (current->state == Mentor::State::kRetired) return Refused(reason::kMentorRetired, "the mentor has retired before");
  roster.ChangeMentor(command.mentor).state = Mentor::State::kRetired;
  std::vector<std::string> theirs;
  for (const auto& [id, row] : roster.candidates.rows()) {
    if (row.value.mentor == command.mentor) theirs.push_back(id);
  }
  for (const std::string& candidate : theirs) EndLive(roster, candidate, context);
  return *current;
}

absl::StatusOr<Candidate> Decide(Roster& roster, const CreateCandidate& command, const Context& context) {
  REMATCH_RETURN_IF_ERROR(CheckFounded(roster));
  if (roster.programs.Find(command.candidate.program) == nullptr) return NoProgram();
  if (roster.candidates.Find(command.candidate.id) != nullptr) return Exists(reason::kCandidateExists, "the candidate exists");
  if (roster.sites.Find(command.candidate.site) == nullptr) return NoSite();
  Candidate candidate = command.candidate;
  candidate.id = IdOr(candidate.id, context);
  candidate.joined = context.now;
  candidate.without_mentor_since = context.now;
  return roster.candidates.Put(std::move(candidate));
}

absl::StatusOr<Candidate> Decide(Roster& roster, const UnenrollCandidate& command, const Context& context) {
  const Candidate* candidate = FindCandidate(roster, command.program, command.candidate);
  if (candidate == nullptr) return NoCandidate();
  REMATCH_RETURN_IF_ERROR(CheckEnrolled(*candidate));
  if (!candidate->mentor.empty()) EndLive(roster, candidate->id, context);
  Candidate& gone = roster.candidates.Change(command.candidate);
  gone.unenrolled = context.now;
  gone.without_mentor_since.reset();
  return gone;
}

absl::StatusOr<Candidate> Decide(Roster& roster, const AddDoNotPair& command, const Context&) {
  const Candidate* candidate = FindCandidate(roster, command.program, command.candidate);
  if (candidate == nullptr) return NoCandidate();
  if (roster.mentors.Find(command.mentor) == nullptr) return NoMentor();
  if (Contains(candidate->do_not_pair, command.mentor)) return *candidate;
  if (candidate->do_not_pair.size() >= kMaxDoNotPair) return Refused(reason::kDoNotPairFull, "the candidate has as many as one can have");
  Candidate& changed = roster.candidates.Change(command.candidate);
  changed.do_not_pair.push_back(command.mentor);
  return changed;
}

absl::StatusOr<Candidate> Decide(Roster& roster, const RemoveDoNotPair& command, const Context&) {
  const Candidate* candidate = FindCandidate(roster, command.program, command.candidate);
  if (candidate == nullptr) return NoCandidate();
  if (roster.mentors.Find(command.mentor) == nullptr) return NoMentor();
  if (!Contains(candidate->do_not_pair, command.mentor)) return *candidate;
  Candidate& changed = roster.candidates.Change(command.candidate);
  std::erase(changed.do_not_pair, command.mentor);
  return changed;
}

const Assignment& BeginAssignment(Roster& roster, const std::string& candidate_id, const std::string& mentor_id, const Context& context) {
  Mentor& mentor = roster.ChangeMentor(mentor_id);
  ++mentor.assigned;
  mentor.has_mentored = true;
  Candidate& candidate = roster.candidates.Change(candidate_id);
  candidate.mentor = mentor_id;
  candidate.assignment = context.new_id();
  candidate.assigned_at = context.now;
  candidate.without_mentor_since.reset();
  return roster.assignments.Put({.id = candidate.assignment,
                                 .candidate = candidate_id,
                                 .program = candidate.program,
                                 .mentor = mentor_id,
                                 .begin = context.now,
                                 .end = std::nullopt});
}

absl::StatusOr<Assignment> Decide(Roster& roster, const AssignMentor& command, const Context& context) {
  const Candidate* candidate = FindCandidate(roster, command.program, command.candidate);
  if (candidate == nullptr) return NoCandidate();
  const Mentor* mentor = roster.mentors.Find(command.mentor);
  if (mentor == nullptr) return NoMentor();
  if (!candidate->mentor.empty()) return Refused(reason::kCandidateHasMentor, "the candidate has a mentor");
  REMATCH_RETURN_IF_ERROR(CheckPair(roster, *mentor, *candidate));
  if (mentor->full()) return Refused(reason::kNoFreeSeat, "the mentor has no free seat");
  return BeginAssignment(roster, candidate->id, mentor->id, context);
}

absl::StatusOr<Assignment> Decide(Roster& roster, const EndAssignment& command, const Context& context) {
  const Assignment* assignment = roster.assignments.Find(command.assignment);
  if (assignment == nullptr) return NoAssignment();
  // The candidate's row alone says which one is live.
  const Candidate* candidate = roster.candidates.Find(assignment->candidate);
  if (candidate == nullptr) return NoAssignment();
  if (candidate->assignment != command.assignment) return Refused(reason::kAssignmentEnded, "the assignment has ended before");
  return EndLive(roster, candidate->id, context);
}

absl::StatusOr<HeldNext> Decide(Roster& roster, const HoldNextSeat& command, const Context& context) {
  const Candidate* candidate = FindCandidate(roster, command.program, command.candidate);
  const Program* program = roster.programs.Find(command.program);
  if (candidate == nullptr || program == nullptr) return NoCandidate();
  if (const Seat* seat = roster.seats.Find(command.seat)) {
    REMATCH_ASSIGN_OR_RETURN(Seat held, HoldAgain(*seat, seat->candidate == command.candidate));
    HeldNext next;
    next.mentor = Describe(*roster.mentors.Find(held.mentor), NeedOf(roster, *candidate), command.search);
    next.seat = std::move(held);
    return next;
  }
  REMATCH_RETURN_IF_ERROR(CheckEnrolled(*candidate));
  HeldNext next;
  const Ranking ranking(roster, *program, *candidate, command.search, command.day.value_or(context.now), 1);
  next.full = static_cast<int>(ranking.size() - ranking.can_be_asked());
  const bool none = ranking.can_be_asked() == 0;
  roster.lacking = roster.lacking || (none ? roster.promising.contains(command.seat) : roster.mentors.Find(ranking.At(0).id) == nullptr);
  if (roster.lacking) return absl::AbortedError("whom to ask next was not locked");
  if (none) return next;
  ranking.Describe(0, Ranking::Words::kExplanation, next.mentor);
  next.seat = Hold(roster, command.seat, next.mentor.mentor, *candidate, context);
  return next;
}

absl::StatusOr<Seat> Decide(Roster& roster, const HoldSeat& command, const Context& context) {
  const Candidate* candidate = FindCandidate(roster, command.program, command.candidate);
  if (candidate == nullptr) return NoCandidate();
  const Mentor* mentor = roster.mentors.Find(command.mentor);
  if (mentor == nullptr) return NoMentor();
  if (const Seat* seat = roster.seats.Find(command.seat)) {
    return HoldAgain(*seat, seat->mentor == command.mentor && seat->candidate == command.candidate);
  }
  REMATCH_RETURN_IF_ERROR(CheckPair(roster, *mentor, *candidate));
  if (candidate->mentor == mentor->id) return Refused(reason::kMentorIsCurrent, "the candidate has this mentor");
  if (mentor->full()) return Refused(reason::kNoFreeSeat, "the mentor has no free seat");
  return Hold(roster, command.seat, mentor->id, *candidate, context);
}

absl::StatusOr<Seat> Decide(Roster& roster, const ReleaseSeat& command, const Context& context) {
  REMATCH_RETURN_IF_ERROR(CheckFounded(roster));
  const Seat* seat = roster.seats.Find(command.seat);
  if (seat == nullptr) {
    Seat tombstone;
    tombstone.id = command.seat;
    tombstone.state = Seat::State::kReleased;
    tombstone.ended_at = context.now;
    return roster.seats.Put(std::move(tombstone));
  }
  if (seat->state == Seat::State::kTransferred) return Refused(reason::kSeatTransferred, "the seat has become an assignment");
  if (seat->state == Seat::State::kReleased) return *seat;
  Seat& held = roster.seats.Change(command.seat);
  --roster.ChangeMentor(held.mentor).held;
  held.state = Seat::State::kReleased;
  held.ended_at = context.now;
  return held;
}

absl::StatusOr<Assignment> Decide(Roster& roster, const TransferCandidate& command, const Context& context) {
  const Seat* seat = roster.seats.Find(command.seat);
  if (seat == nullptr) return NoSeat();
  if (seat->state != Seat::State::kHeld) return Refused(reason::kSeatNotHeld, "the seat is not held");
  const Candidate* candidate = roster.candidates.Find(seat->candidate);
  const Mentor* mentor = roster.mentors.Find(seat->mentor);
  if (candidate == nullptr || mentor == nullptr) return NoSeat();
  if (candidate->assignment != command.replaces) return Refused(reason::kAssignmentChanged, "the candidate's assignment has changed");
  REMATCH_RETURN_IF_ERROR(CheckPair(roster, *mentor, *candidate));

  if (!candidate->assignment.empty()) EndLive(roster, candidate->id, context);
  --roster.ChangeMentor(seat->mentor).held;
  const Assignment& begun = BeginAssignment(roster, seat->candidate, seat->mentor, context);
  Seat& held = roster.seats.Change(command.seat);
  held.state = Seat::State::kTransferred;
  held.ended_at = context.now;
  held.assignment = begun.id;
  return begun;
}

}  // namespace rematch::mentor
