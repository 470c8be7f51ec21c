// The same bytes for equal messages, and their hash: what is compared where comparing whole messages is not possible.
#ifndef REMATCH_PLATFORM_CANONICAL_H_
#define REMATCH_PLATFORM_CANONICAL_H_

#include <string>
#include <string_view>

#include <google/protobuf/message.h>

namespace rematch::platform {

// Equal messages give equal bytes, maps included, in every process of this build. Not a standard of the wire.
std::string CanonicalBytes(const google::protobuf::Message& message);
// SHA-256, as 64 characters of lower-case hex.
std::string HexHash(std::string_view bytes);

}  // namespace rematch::platform

#endif  // REMATCH_PLATFORM_CANONICAL_H_
