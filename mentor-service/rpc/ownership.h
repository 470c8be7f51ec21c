// Whose a resource is, for the table of who may touch what: the leaders of its programs, and the mentor or candidate themselves.
#ifndef REMATCH_MENTOR_SERVICE_RPC_OWNERSHIP_H_
#define REMATCH_MENTOR_SERVICE_RPC_OWNERSHIP_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "mentor-service/domain/commands.h"
#include "mentor-service/domain/roster.h"
#include "platform/rpc/call.h"

namespace rematch::mentor {

// Asks the table of access for one caller of one method about things of one consortium.
class Ownership {
 public:
  Ownership(const rpc::Caller& caller, std::string_view method, std::string_view consortium)
      : caller_(caller), method_(method), consortium_(consortium) {}

  // True when this caller touches whatever the method is about: owners need not be loaded.
  bool Unrestricted() const;
  // True when the consortium as a whole is the caller's business.
  bool OwnsConsortium() const;
  // Leads it.
  bool OwnsProgram(const Program& program) const;
  // Leads at least one of `programs`.
  bool OwnsAny(const std::vector<const Program*>& programs) const;
  // Leads a program that the mentor is a member of, or is the mentor. `programs` holds at least the mentor's.
  bool OwnsMentor(const Mentor& mentor, const std::vector<const Program*>& programs) const;
  // Leads the program, or is the candidate.
  bool OwnsCandidate(const Candidate& candidate, const Program& program) const;

 private:
  std::vector<std::string> LeadersOf(const std::vector<const Program*>& programs) const;

  const rpc::Caller& caller_;
  std::string_view method_;
  std::string_view consortium_;
};

// OK, or what somebody gets who may not touch what the command is about: the answer for a resource that is not there.
absl::Status Authorize(const Roster& roster, const Action& action, const Ownership& ownership);

}  // namespace rematch::mentor

#endif  // REMATCH_MENTOR_SERVICE_RPC_OWNERSHIP_H_
