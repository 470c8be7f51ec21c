#include "platform/timestamps.h"

#include <gtest/gtest.h>

namespace rematch::platform {
namespace {

TEST(Timestamps, GoThereAndBackToTheMicrosecond) {
  for (const int64_t micros : {int64_t{0}, int64_t{1'770'000'000'123'456}, int64_t{-1}, int64_t{-1'500'000}, int64_t{-2'000'000}}) {
    const absl::Time time = absl::FromUnixMicros(micros);
    EXPECT_EQ(FromTimestamp(ToTimestamp(time)), time) << micros;
    EXPECT_GE(ToTimestamp(time).nanos(), 0) << micros;
    EXPECT_LT(ToTimestamp(time).nanos(), 1'000'000'000) << micros;
  }
}

TEST(Timestamps, WhatIsFinerThanAMicrosecondIsCutOff) {
  google::protobuf::Timestamp time;
  time.set_seconds(7);
  time.set_nanos(1'999);
  EXPECT_EQ(FromTimestamp(time), absl::FromUnixSeconds(7) + absl::Microseconds(1));
}

}  // namespace
}  // namespace rematch::platform
