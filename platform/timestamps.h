// Instants as protobuf's Timestamp, to the microsecond, as they are stored.
#ifndef REMATCH_PLATFORM_TIMESTAMPS_H_
#define REMATCH_PLATFORM_TIMESTAMPS_H_

#include <cstdint>

#include <google/protobuf/timestamp.pb.h>

#include "absl/time/time.h"

namespace rematch::platform {

// Rounds down, before 1970 as well: the nanoseconds of a Timestamp are never negative.
inline google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  constexpr int64_t kMicrosPerSecond = 1'000'000;
  constexpr int64_t kNanosPerMicro = 1000;
  const int64_t micros = absl::ToUnixMicros(time);
  const int64_t rest = (micros % kMicrosPerSecond + kMicrosPerSecond) % kMicrosPerSecond;
  google::protobuf::Timestamp out;
  out.set_seconds((micros - rest) / kMicrosPerSecond);
  out.set_nanos(static_cast<int32_t>(rest * kNanosPerMicro));
  return out;
}

inline absl::Time FromTimestamp(const google::protobuf::Timestamp& time) {
  constexpr int64_t kNanosPerMicro = 1000;
  return absl::FromUnixSeconds(time.seconds()) + absl::Microseconds(time.nanos() / kNanosPerMicro);
}

}  // namespace rematch::platform

#endif  // REMATCH_PLATFORM_TIMESTAMPS_H_
