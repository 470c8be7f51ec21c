// Mentor caseloads as a running service: the published RPCs over one door for changes and one reader.
#ifndef REMATCH_MENTOR_SERVICE_MENTOR_SERVICE_H_
#define REMATCH_MENTOR_SERVICE_MENTOR_SERVICE_H_

#include <memory>
#include <span>

#include "absl/status/statusor.h"
#include "platform/embedded.h"
#include "platform/rpc/server.h"

namespace rematch::mentor {

// The schema, for ServerMain() and tests.
std::span<const platform::EmbeddedFile> MentorMigrations();

// The service over `env`, whose store has the schema.
absl::StatusOr<std::unique_ptr<rpc::Service>> MakeService(rpc::ServerEnvironment& env);

}  // namespace rematch::mentor

#endif  // REMATCH_MENTOR_SERVICE_MENTOR_SERVICE_H_
