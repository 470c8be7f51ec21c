#include "platform/log.h"

#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <limits>

namespace rematch {
namespace {

using ::testing::HasSubstr;

// What `write` puts on stderr.
template <typename Write>
std::string Captured(Write write) {
  testing::internal::CaptureStderr();
  write();
  return testing::internal::GetCapturedStderr();
}

// The line as a JSON object, read by an independent parser.
google::protobuf::Struct Parse(const std::string& line) {
  google::protobuf::Struct object;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(line, &object).ok()) << line;
  return object;
}

class Log : public testing::Test {
 protected:
  ~Log() override { (void)log::Configure("", "info"); }
};

TEST_F(Log, ALineIsAJsonObjectWithTimeLevelEventServiceAndFields) {
  ASSERT_TRUE(log::Configure("mentor-service", "info").ok());
  const std::string line = Captured([] {
    log::Info("batch_split", {{"commands", 64}, {"share", 0.5}, {"last", true}, {"error", "constraint"}});
  });
  const auto fields = Parse(line).fields();
  EXPECT_EQ(fields.at("event").string_value(), "batch_split");
  EXPECT_EQ(fields.at("level").string_value(), "info");
  EXPECT_EQ(fields.at("service").string_value(), "mentor-service");
  EXPECT_EQ(fields.at("commands").number_value(), 64);
  EXPECT_EQ(fields.at("share").number_value(), 0.5);
  EXPECT_TRUE(fields.at("last").bool_value());
  EXPECT_EQ(fields.at("error").string_value(), "constraint");
  EXPECT_THAT(fields.at("ts").string_value(), testing::MatchesRegex("....-..-..T..:..:..\\.......Z"));
  EXPECT_EQ(line.back(), '\n');
}

TEST_F(Log, WhateverAValueHoldsItStaysOneLineAndOneValue) {
  const std::string value = "a\"b\\c\nd\re\tf\x01g\x7f{}%v{0}";
  const std::string line = Captured([&] { log::Info("odd", {{"value", value}}); });
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_EQ(Parse(line).fields().at("value").string_value(), value);
}

TEST_F(Log, NumbersThatJsonDoesNotHaveAreNull) {
  const std::string line = Captured([] { log::Info("odd", {{"value", std::numeric_limits<double>::infinity()}}); });
  EXPECT_TRUE(Parse(line).fields().at("value").has_null_value());
}

TEST_F(Log, WhatIsBelowTheLevelIsDropped) {
  ASSERT_TRUE(log::Configure("x", "warn").ok());
  EXPECT_EQ(Captured([] {
              log::Debug("d");
              log::Info("i");
            }),
            "");
  EXPECT_THAT(Captured([] { log::Warn("w"); }), HasSubstr("\"level\":\"warn\""));
  EXPECT_THAT(Captured([] { log::Error("e"); }), HasSubstr("\"level\":\"error\""));
}

TEST_F(Log, AnotherLevelIsRefused) { EXPECT_EQ(log::Configure("x", "verbose").code(), absl::StatusCode::kInvalidArgument); }

}  // namespace
}  // namespace rematch
