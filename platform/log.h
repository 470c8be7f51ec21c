// JSON lines on stderr: {"ts":"2026-03-02T09:00:00.000000Z","level":"info","event":"serving","service":"mentor-service",...}.
// Keys are fixed words, values are ids, codes, counts and durations. Nothing private is ever passed in: no names of people, no
// reasons, no addresses, no request content.
//
//   log::Info("batch_split", {{"commands", 64}, {"error", "constraint"}});
#ifndef REMATCH_PLATFORM_LOG_H_
#define REMATCH_PLATFORM_LOG_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/status.h"

namespace rematch::log {

struct Field {
  std::string_view key;
  std::variant<int64_t, double, bool, std::string> value;

  Field(std::string_view k, int64_t v) : key(k), value(v) {}
  Field(std::string_view k, int v) : key(k), value(int64_t{v}) {}
  Field(std::string_view k, size_t v) : key(k), value(static_cast<int64_t>(v)) {}
  Field(std::string_view k, double v) : key(k), value(v) {}
  Field(std::string_view k, bool v) : key(k), value(v) {}
  Field(std::string_view k, std::string v) : key(k), value(std::move(v)) {}
  Field(std::string_view k, std::string_view v) : key(k), value(std::string(v)) {}
  Field(std::string_view k, const char* v) : key(k), value(std::string(v)) {}
};

// Names the service in every line and drops what is below `level`: "debug", "info", "warn" or "error", or everything with "off";
// INVALID_ARGUMENT for another one. Call it once, before other threads log.
absl::Status Configure(std::string_view service, std::string_view level);

void Debug(std::string_view event, std::initializer_list<Field> fields = {});
void Info(std::string_view event, std::initializer_list<Field> fields = {});
void Warn(std::string_view event, std::initializer_list<Field> fields = {});
void Error(std::string_view event, std::initializer_list<Field> fields = {});

}  // namespace rematch::log

#endif  // REMATCH_PLATFORM_LOG_H_
