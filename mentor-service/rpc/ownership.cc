#include "mentor-service/rpc/ownership.h"

#include <algorithm>

#include "access/access.h"
#include "mentor-service/rpc/convert.h"

namespace rematch::mentor {
namespace {

std::vector<const Program*> ProgramsOf(const Roster& roster) {
  std::vector<const Program*> programs;
  for (const auto& [id, row] : roster.programs.rows()) programs.push_back(&row.value);
  return programs;
}

struct Authorizer {
  const Roster& roster;
  const Ownership& ownership;

  absl::Status Consortium() const { return ownership.OwnsConsortium() ? absl::OkStatus() : NoConsortium(); }
  absl::Status Program(std::string_view id) const {
    const mentor::Program* program = roster.programs.Find(id);
    return program != nullptr && ownership.OwnsProgram(*program) ? absl::OkStatus() : NoProgram();
  }
  absl::Status Mentor(std::string_view id) const {
    const mentor::Mentor* mentor = roster.mentors.Find(id);
    return mentor != nullptr && ownership.OwnsMentor(*mentor, ProgramsOf(roster)) ? absl::OkStatus() : NoMentor();
  }
  absl::Status Candidate(std::string_view program_id, std::string_view id) const {
    const mentor::Candidate* candidate = FindCandidate(roster, program_id, id);
    const mentor::Program* program = roster.programs.Find(program_id);
    return candidate != nullptr && program != nullptr && ownership.OwnsCandidate(*candidate, *program) ? absl::OkStatus() : NoCandidate();
  }
  absl::Status Seat(std::string_view id) const {
    const mentor::Seat* seat = roster.seats.Find(id);
    return seat != nullptr && Candidate(seat->program, seat->candidate).ok() ? absl::OkStatus() : NoSeat();
  }
  // Every program that a mentor is put into or taken out of must be the caller's.
  absl::Status Programs(const std::vector<std::string>& before, const std::vector<std::string>& after) const {
    for (const std::string& program : after) {
      if (!Contains(before, program)) REMATCH_RETURN_IF_ERROR(Program(program));
    }
    for (const std::string& program : before) {
      if (!Contains(after, program)) REMATCH_RETURN_IF_ERROR(Program(program));
    }
    return absl::OkStatus();
  }

  absl::Status operator()(const CreateConsortium&) const { return Consortium(); }
  absl::Status operator()(const CreateDistrict&) const { return Consortium(); }
  // What a district shares is for all programs of the consortium: no leader's.
  absl::Status operator()(const UpdateDistrict&) const { return Consortium(); }
  absl::Status operator()(const CreateSite&) const { return Consortium(); }
  absl::Status operator()(const CreateProgram&) const { return Consortium(); }
  absl::Status operator()(const UpdateProgram& c) const {
    REMATCH_RETURN_IF_ERROR(Program(c.program.id));
    // Who leads, and whose record as a mentor that is, decides who reads a case (F35): not theirs to change.
    return c.fields.contains("leader") || c.fields.contains("alternate") ? Consortium() : absl::OkStatus();
  }
  absl::Status operator()(const CreateMentor& c) const {
    if (c.mentor.programs.empty()) return NoProgram();
    return Programs({}, c.mentor.programs);
  }
  absl::Status operator()(const UpdateMentor& c) const {
    REMATCH_RETURN_IF_ERROR(Mentor(c.mentor.id));
    return c.fields.contains("programs") ? Programs(roster.mentors.Find(c.mentor.id)->programs, c.mentor.programs) : absl::OkStatus();
  }
  // Everywhere at once: whoever leads only some of their programs takes them out of those.
  absl::Status operator()(const RetireMentor& c) const {
    REMATCH_RETURN_IF_ERROR(Mentor(c.mentor));
    return Programs(roster.mentors.Find(c.mentor)->programs, {});
  }
  absl::Status operator()(const CreateCandidate& c) const { return Program(c.candidate.program); }
  absl::Status operator()(const UnenrollCandidate& c) const { return Candidate(c.program, c.candidate); }
  absl::Status Pair(const std::string& program, const std::string& candidate, const std::string& mentor) const {
    REMATCH_RETURN_IF_ERROR(Candidate(program, candidate));
    return Mentor(mentor);
  }
  absl::Status operator()(const AddDoNotPair& c) const { return Pair(c.program, c.candidate, c.mentor); }
  // Whoever has left the program can be taken off the list of its candidates.
  absl::Status operator()(const RemoveDoNotPair& c) const { return Candidate(c.program, c.candidate); }
  absl::Status operator()(const AssignMentor& c) const { return Pair(c.program, c.candidate, c.mentor); }
  absl::Status operator()(const EndAssignment& c) const {
    const mentor::Assignment* assignment = roster.assignments.Find(c.assignment);
    return assignment != nullptr && Candidate(assignment->program, assignment->candidate).ok() ? absl::OkStatus() : NoAssignment();
  }
  absl::Status operator()(const HoldNextSeat& c) const { return Candidate(c.program, c.candidate); }
  absl::Status operator()(const HoldSeat& c) const { return Pair(c.program, c.candidate, c.mentor); }
  absl::Status operator()(const ReleaseSeat& c) const { return Seat(c.seat); }
  absl::Status operator()(const TransferCandidate& c) const { return Seat(c.seat); }
  absl::Status operator()(const ImportRoster&) const { return Consortium(); }
};

}  // namespace

std::vector<std::string> Ownership::LeadersOf(const std::vector<const Program*>& programs) const {
  std::vector<std::string> leaders;
  for (const Program* program : programs) {
    leaders.push_back(NameIn(consortium_, "leaders", program->leader.id));
    if (!program->alternate.id.empty()) leaders.push_back(NameIn(consortium_, "leaders", program->alternate.id));
  }
  return leaders;
}

bool Ownership::Unrestricted() const { return access::MayTouch(caller_, method_, {}); }

bool Ownership::OwnsConsortium() const {
  access::Owners owners;
  owners.consortium = ConsortiumName(consortium_);
  return access::MayTouch(caller_, method_, owners);
}

bool Ownership::OwnsProgram(const Program& program) const { return OwnsAny({&program}); }

bool Ownership::OwnsAny(const std::vector<const Program*>& programs) const {
  access::Owners owners;
  owners.leaders = LeadersOf(programs);
  return access::MayTouch(caller_, method_, owners);
}

bool Ownership::OwnsMentor(const Mentor& mentor, const std::vector<const Program*>& programs) const {
  std::vector<const Program*> theirs;
  std::copy_if(programs.begin(), programs.end(), std::back_inserter(theirs),
               [&mentor](const Program* program) { return Contains(mentor.programs, program->id); });
  access::Owners owners;
  owners.leaders = LeadersOf(theirs);
  owners.mentor = NameIn(consortium_, "mentors", mentor.id);
  return access::MayTouch(caller_, method_, owners);
}

bool Ownership::OwnsCandidate(const Candidate& candidate, const Program& program) const {
  access::Owners owners;
  owners.leaders = LeadersOf({&program});
  owners.candidate = CandidateName(consortium_, candidate.program, candidate.id);
  return access::MayTouch(caller_, method_, owners);
}

absl::Status Authorize(const Roster& roster, const Action& action, const Ownership& ownership) {
  if (ownership.Unrestricted()) return absl::OkStatus();
  return std::visit(Authorizer{roster, ownership}, action);
}

}  // namespace rematch::mentor
