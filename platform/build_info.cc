#include "platform/build_info.h"

#include <google/protobuf/stubs/common.h>

#include <grpcpp/grpcpp.h>

#include "absl/strings/str_cat.h"

namespace rematch::platform {

const char kVersion[] = REMATCH_VERSION;
const char kCommit[] = REMATCH_COMMIT;

std::string BuildInfo() {
  return absl::StrCat(kVersion, " (", kCommit, "), gRPC ", grpc::Version(), ", protobuf ",
                      google::protobuf::internal::VersionString(GOOGLE_PROTOBUF_VERSION));
}

}  // namespace rematch::platform
