// Protobuf text format, as people write it in files.
#ifndef REMATCH_PLATFORM_TEXT_PROTO_H_
#define REMATCH_PLATFORM_TEXT_PROTO_H_

#include <string>
#include <string_view>

#include <google/protobuf/message.h>

#include "absl/status/status.h"

namespace rematch::platform {

// Reads `text` into `message`. INVALID_ARGUMENT / `reason` with one line, `3:12: what is wrong`, for text that does not parse.
absl::Status ParseTextProto(std::string_view text, std::string_view reason, google::protobuf::Message& message);

// The text that ParseTextProto() reads, headed by what it is of: `# proto-message: rematch.request.v1.EscalationPolicy`.
std::string PrintTextProto(const google::protobuf::Message& message);

}  // namespace rematch::platform

#endif  // REMATCH_PLATFORM_TEXT_PROTO_H_
