// Which build this is, for --version and the metrics.
#ifndef REMATCH_PLATFORM_BUILD_INFO_H_
#define REMATCH_PLATFORM_BUILD_INFO_H_

#include <string>

namespace rematch::platform {

// "0.1.0".
extern const char kVersion[];
// The commit that it was built from, as CMake was told by -DREMATCH_COMMIT; "development" if it was not.
extern const char kCommit[];

// One line: "0.1.0 (development), gRPC 1.51.1, protobuf 3.21.12".
std::string BuildInfo();

}  // namespace rematch::platform

#endif  // REMATCH_PLATFORM_BUILD_INFO_H_
