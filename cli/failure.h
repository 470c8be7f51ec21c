// How a command ends: exit codes that scripts can rely on, and the lines that say why.
#ifndef REMATCH_CLI_FAILURE_H_
#define REMATCH_CLI_FAILURE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace rematch::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitRefused = 1;      // the service, or a file, was not to be had: the line says why
inline constexpr int kExitUsage = 2;        // the command line is wrong
inline constexpr int kExitNotIntact = 3;    // an audit trail does not verify
inline constexpr int kExitUnavailable = 4;  // the service does not answer: try again later

// ErrorInfo reasons that never come from a service.
inline constexpr std::string_view kUsageReason = "USAGE";
inline constexpr std::string_view kNotIntactReason = "NOT_INTACT";
inline constexpr std::string_view kReportedReason = "REPORTED";

// The command line is wrong.
absl::Status Usage(std::string_view message);
// Refused, with the lines already printed.
absl::Status Reported();

int ExitCodeOf(const absl::Status& status);

// `rematch: no such case [CASE_NOT_FOUND]`: the sentence for people, the reason (or else the code) for programs; then one line for each
// field violation. "" where nothing is left to say.
std::string Describe(const absl::Status& status);

}  // namespace rematch::cli

#endif  // REMATCH_CLI_FAILURE_H_
