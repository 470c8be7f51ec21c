// Taking in a whole roster: all rows or none.
#ifndef REMATCH_MENTOR_SERVICE_DOMAIN_IMPORT_H_
#define REMATCH_MENTOR_SERVICE_DOMAIN_IMPORT_H_

#include <map>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "mentor-service/domain/commands.h"
#include "mentor-service/domain/roster.h"
#include "rematch/mentor/v1/service.pb.h"

namespace rematch::mentor {

// How many errors an import lists at most.
inline constexpr int kMaxRowErrors = 1000;

// What rows name: by it is found whom they are about, and who is in their way.
struct ImportNames {
  std::map<ExternalId::Kind, std::set<std::string>> ids;          // of the files
  std::set<std::string> mentor_emails;                            // in lower case
  std::map<std::string, std::set<std::string>> candidate_emails;  // likewise, by program
};
ImportNames NamedIn(const ImportRoster& import);

// The roster must have all programs and districts, and of all else what NamedIn() finds, with the files' ids, if any, of whomever an
// address finds. Where the answer lists errors it is of no use any more, since rows before the bad one may have changed it: a copy would be
// as large again. Rows may stand in any order: they refer to one another, or to what an earlier import brought, by the ids of the files.
absl::StatusOr<v1::ImportRosterResponse> Decide(Roster& roster, const ImportRoster& command, const Context& context);

}  // namespace rematch::mentor

#endif  // REMATCH_MENTOR_SERVICE_DOMAIN_IMPORT_H_
