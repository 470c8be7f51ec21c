// Every change that mentor-service makes, as a command, and what it does to the roster: pure, decided whole before anything is changed,
// so that a refusal leaves the roster as it was (an import's does not: import.h). Several commands of a batch see one another's changes.
#ifndef REMATCH_MENTOR_SERVICE_DOMAIN_COMMANDS_H_
#define REMATCH_MENTOR_SERVICE_DOMAIN_COMMANDS_H_

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "mentor-service/domain/ranking.h"
#include "mentor-service/domain/roster.h"
#include "rematch/mentor/v1/service.pb.h"

namespace rematch::mentor {

struct CreateConsortium {
  Consortium consortium;
};
// An empty id of something new means: make one.
struct CreateDistrict {
  District district;
};
struct UpdateDistrict {
  District district;             // the values of the fields in `fields`
  std::set<std::string> fields;  // as UpdateDistrictRequest.update_mask names them
  std::string etag;              // refuse unless it is current; empty: whatever it is
};
struct CreateSite {
  Site site;
};
struct CreateProgram {
  Program program;
};
struct UpdateProgram {
  Program program;               // the values of the fields in `fields`
  std::set<std::string> fields;  // as UpdateProgramRequest.update_mask names them
  std::string etag;              // refuse unless it is current; empty: whatever it is
};
struct CreateMentor {
  Mentor mentor;
};
struct UpdateMentor {
  Mentor mentor;                   // the values of the fields in `fields`
  std::set<std::string> fields;    // as UpdateMentorRequest.update_mask names them
  std::optional<int64_t> version;  // refuse unless it is current
};
struct RetireMentor {
  std::string mentor;
};
struct CreateCandidate {
  Candidate candidate;
};
struct UnenrollCandidate {
  std::string program;
  std::string candidate;
};
struct AddDoNotPair {
  std::string program;
  std::string candidate;
  std::string mentor;
};
struct RemoveDoNotPair {
  std::string program;
  std::string candidate;
  std::string mentor;
};
struct AssignMentor {
  std::string program;
  std::string candidate;
  std::string mentor;
};
struct EndAssignment {
  std::string assignment;
};
struct HoldNextSeat {
  std::string seat;
  std::string program;
  std::string candidate;
  Search search;
  std::optional<absl::Time> day = {};  // whose tie-breaks count; unset: the batch's
};
struct HoldSeat {
  std::string seat;
  std::string mentor;
  std::string program;
  std::string candidate;
};
struct ReleaseSeat {
  std::string seat;
};
struct TransferCandidate {
  std::string seat;
  std::string replaces;  // the assignment that ends; empty for a candidate without a mentor
};
struct ImportRoster {
  std::string display_name;  // of a new consortium
  std::vector<v1::ImportRosterRequest::Row> rows;
};

using Action = std::variant<CreateConsortium, CreateDistrict, UpdateDistrict, CreateSite, CreateProgram, UpdateProgram, CreateMentor,
                            UpdateMentor, RetireMentor, CreateCandidate, UnenrollCandidate, AddDoNotPair, RemoveDoNotPair, AssignMentor,
                            EndAssignment, HoldNextSeat, HoldSeat, ReleaseSeat, TransferCandidate, ImportRoster>;

// What a batch must load before its commands can be decided. What hangs on it comes along: a seat's mentor and candidate, an assignment's
// candidate, a candidate's program, site and mentor, a mentor's programs, the districts that decide whether a mentor is shared.
struct Wants {
  std::set<std::string> districts, sites, programs, mentors, candidates, seats, assignments, emails;
  std::set<std::string> caseloads;                 // those of `mentors` all of whose candidates are wanted
  std::set<std::string> pools;                     // programs all of whose mentors are wanted, to rank them for the candidates
  std::vector<const HoldNextSeat*> next_seats;     // the commands for which they are, which outlive this
  bool pairs = false;                              // whether `mentors` may be given `candidates` is decided
  std::set<std::string> rewritten;                 // those of `mentors` with whom all that they refer to is wanted
  std::set<std::string> changed_programs;          // those of `programs` that a command changes
  std::set<std::string> changed_districts;         // those of `districts` that a command changes
  bool every_program = false, consortium = false;  // of Find() only: Load() brings what a command needs
  const ImportRoster* import = nullptr;            // what it needs (import.h), and nothing else; outlives this

  void Add(const Wants& more);
};
void AddWants(const Action& action, Wants& wants);
// Those of the pools in `roster` whom these commands of one batch may take: the best of each ranking, four times as many as there are
// commands for the program, since each may take one of them away, and as many batches as that run side by side. Notes which seats are
// promising. `now`: as in Context.
std::set<std::string> LikelyNext(Roster& roster, const std::vector<const HoldNextSeat*>& commands, absl::Time now);

// How many mentors a candidate can be kept apart from (AddDoNotPair).
inline constexpr size_t kMaxDoNotPair = 100;

// The instant of the batch, and where new ids come from.
struct Context {
  absl::Time now;
  std::function<std::string()> new_id;
};

struct HeldNext {
  std::optional<Seat> seat;  // nothing: nobody is left
  Ranked mentor;
  int full = 0;
};

absl::StatusOr<Consortium> Decide(Roster& roster, const CreateConsortium& command, const Context& context);
absl::StatusOr<District> Decide(Roster& roster, const CreateDistrict& command, const Context& context);
absl::StatusOr<District> Decide(Roster& roster, const UpdateDistrict& command, const Context& context);
absl::StatusOr<Site> Decide(Roster& roster, const CreateSite& command, const Context& context);
absl::StatusOr<Program> Decide(Roster& roster, const CreateProgram& command, const Context& context);
absl::StatusOr<Program> Decide(Roster& roster, const UpdateProgram& command, const Context& context);
absl::StatusOr<Mentor> Decide(Roster& roster, const CreateMentor& command, const Context& context);
absl::StatusOr<Mentor> Decide(Roster& roster, const UpdateMentor& command, const Context& context);
absl::StatusOr<Mentor> Decide(Roster& roster, const RetireMentor& command, const Context& context);
absl::StatusOr<Candidate> Decide(Roster& roster, const CreateCandidate& command, const Context& context);
absl::StatusOr<Candidate> Decide(Roster& roster, const UnenrollCandidate& command, const Context& context);
absl::StatusOr<Candidate> Decide(Roster& roster, const AddDoNotPair& command, const Context& context);
absl::StatusOr<Candidate> Decide(Roster& roster, const RemoveDoNotPair& command, const Context& context);
absl::StatusOr<Assignment> Decide(Roster& roster, const AssignMentor& command, const Context& context);
absl::StatusOr<Assignment> Decide(Roster& roster, const EndAssignment& command, const Context& context);
// ABORTED, with Roster::lacking, when the best is in a pool only, or when whoever was free there is not any more: somebody else may be, by
// now.
absl::StatusOr<HeldNext> Decide(Roster& roster, const HoldNextSeat& command, const Context& context);
absl::StatusOr<Seat> Decide(Roster& roster, const HoldSeat& command, const Context& context);
absl::StatusOr<Seat> Decide(Roster& roster, const ReleaseSeat& command, const Context& context);
absl::StatusOr<Assignment> Decide(Roster& roster, const TransferCandidate& command, const Context& context);

// Another one whenever the program, or the district, is another.
std::string EtagOf(const Program& program);
std::string EtagOf(const District& district);

// Why this mentor cannot be given this candidate, seats aside: CANDIDATE_UNENROLLED, MENTOR_RETIRED, MENTOR_NOT_MEMBER, MENTOR_SUPERVISES,
// DISTRICT_NOT_SHARED, DO_NOT_PAIR. `roster` has the candidate's site, and the two districts where they differ.
absl::Status CheckPair(const Roster& roster, const Mentor& mentor, const Candidate& candidate);
// Begins an assignment: the candidate has no live one, the mentor has a free seat and passed CheckPair().
const Assignment& BeginAssignment(Roster& roster, const std::string& candidate, const std::string& mentor, const Context& context);

// The refusals that both reads and commands give for what is not there.
absl::Status NoConsortium();
absl::Status NoDistrict();
absl::Status NoSite();
absl::Status NoProgram();
absl::Status NoMentor();
absl::Status NoCandidate();
absl::Status NoSeat();
absl::Status NoAssignment();

// The candidate of this program, or null.
const Candidate* FindCandidate(const Roster& roster, std::string_view program, std::string_view candidate);

}  // namespace rematch::mentor

#endif  // REMATCH_MENTOR_SERVICE_DOMAIN_COMMANDS_H_
