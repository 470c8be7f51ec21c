// Who may call and who may read what, for all services. The table itself, and nothing else, is in table.cc. It is asked three times:
//
//   - by the wrapper around every handler, before anything is loaded: may this role call this method at all (TableGuard::Admit);
//   - by the handler, where it has loaded the resource: is it the caller's (MayTouch);
//   - by the wrapper again: what must be taken out of the answer (TableGuard::Redact).
//
//   if (!access::MayTouch(call.caller, call.method, {.leaders = LeadersOf(program)})) return access::NotAllowed();
#ifndef REMATCH_ACCESS_ACCESS_H_
#define REMATCH_ACCESS_ACCESS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "platform/rpc/call.h"

namespace rematch::access {

// What callers say they are, in the metadata x-rematch-role, by these names.
enum class Role { kProgramLeader, kMentor, kCandidate, kSiteAdmin, kAuditor, kService };
inline constexpr int kRoles = 6;

inline constexpr std::string_view kProgramLeader = "PROGRAM_LEADER";
inline constexpr std::string_view kMentor = "MENTOR";
inline constexpr std::string_view kCandidate = "CANDIDATE";
inline constexpr std::string_view kSiteAdmin = "SITE_ADMIN";
inline constexpr std::string_view kAuditor = "AUDITOR";
inline constexpr std::string_view kService = "SERVICE";

std::string_view NameOf(Role role);
std::optional<Role> RoleOf(std::string_view name);

// Which resources a role may call a method on.
enum class Scope {
  kNone,        // none: the call is refused before anything is loaded
  kOwn,         // those that the caller owns: see Owners
  kActing,      // a leader: cases that they act in (F35); others: as kOwn
  kConsortium,  // all of the consortium that the caller's own resource name begins with
  kAll,
};

// Whose a resource is, as far as it has such owners. Persons are resource names; an empty one is nobody.
struct Owners {
  std::vector<std::string> leaders = {};  // of the program, the alternate included; for several programs, of all of them
  std::string acting_leader = {};         // of a case: who decides in it
  std::string candidate = {};             // the candidate themself
  std::string mentor = {};                // the mentor themself
  std::string consortium = {};            // "consortia/c1", for kConsortium
};

// Whether the caller may call this method on a resource with these owners. False for a role that may not call it at all, and for a
// method that the table does not have.
bool MayTouch(const rpc::Caller& caller, std::string_view method, const Owners& owners);

// NOT_FOUND / CASE_NOT_FOUND: the one answer for a case that is not there and for one that the caller may not see (F21).
absl::Status CaseNotFound();
// PERMISSION_DENIED / ROLE_NOT_ALLOWED, for everything that is no case.
absl::Status NotAllowed();

// Thread-safe; keeps nothing but what it computed of message types.
class TableGuard final : public rpc::Guard {
 public:
  // UNAUTHENTICATED / CALLER_UNKNOWN for a role that does not exist, or one that needs a person and names none; CaseNotFound() from
  // the ReassignmentService and NotAllowed() elsewhere when the table says no.
  absl::Status Admit(const rpc::Call& call) override;
  // Clears the private fields that this role may not read, at any depth. A message type that holds none costs one lookup.
  void Redact(const rpc::Call& call, google::protobuf::Message& response) override;
};

}  // namespace rematch::access

#endif  // REMATCH_ACCESS_ACCESS_H_
