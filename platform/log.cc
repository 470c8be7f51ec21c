#include "platform/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cmath>
#include <memory>

#include "absl/strings/str_cat.h"
#include "platform/errors.h"

namespace rematch::log {
namespace {

// Appends `text` as the inside of a JSON string (RFC 8259, 7). Bytes that are not ASCII pass through: values are ids, codes and counts,
// and a reader of lines copes with a stray byte better than with a lost line.
void AppendEscaped(std::string_view text, std::string& out) {
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          absl::StrAppend(&out, "\\u", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad4));
        } else {
          out += c;
        }
    }
  }
}

void AppendString(std::string_view text, std::string& out) {
  out += '"';
  AppendEscaped(text, out);
  out += '"';
}

struct AppendValue {
  std::string& out;
  void operator()(int64_t v) const { absl::StrAppend(&out, v); }
  void operator()(double v) const {
    // JSON has no infinities and no NaN.
    if (std::isfinite(v)) {
      absl::StrAppend(&out, v);
    } else {
      out += "null";
    }
  }
  void operator()(bool v) const { out += v ? "true" : "false"; }
  void operator()(const std::string& v) const { AppendString(v, out); }
};

struct Logger {
  Logger() : logger(std::make_shared<spdlog::logger>("rematch", std::make_shared<spdlog::sinks::stderr_sink_mt>())) {
    // spdlog writes the time; the rest of the line is made here, since its patterns do not escape.
    logger->set_formatter(
        std::make_unique<spdlog::pattern_formatter>("{\"ts\":\"%Y-%m-%dT%H:%M:%S.%fZ\",%v}", spdlog::pattern_time_type::utc));
    logger->set_level(spdlog::level::info);
    logger->flush_on(spdlog::level::trace);
  }
  std::shared_ptr<spdlog::logger> logger;
  std::string service;  // escaped; written by Configure only
};

// Never destroyed: threads may still log while the process exits.
Logger& TheLogger() {
  static Logger* const logger = new Logger;
  return *logger;
}

void Write(spdlog::level::level_enum level, std::string_view name, std::string_view event, std::initializer_list<Field> fields) {
  Logger& log = TheLogger();
  if (!log.logger->should_log(level)) return;
  std::string line;
  line.reserve(160);
  line += "\"level\":\"";
  line += name;
  line += "\",\"event\":";
  AppendString(event, line);
  if (!log.service.empty()) absl::StrAppend(&line, ",\"service\":\"", log.service, "\"");
  for (const Field& field : fields) {
    line += ',';
    AppendString(field.key, line);
    line += ':';
    std::visit(AppendValue{line}, field.value);
  }
  log.logger->log(level, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace

absl::Status Configure(std::string_view service, std::string_view level) {
  spdlog::level::level_enum parsed;
  if (level == "debug") {
    parsed = spdlog::level::debug;
  } else if (level == "info") {
    parsed = spdlog::level::info;
  } else if (level == "warn") {
    parsed = spdlog::level::warn;
  } else if (level == "error") {
    parsed = spdlog::level::err;
  } else if (level == "off") {
    parsed = spdlog::level::off;
  } else {
    Violations bad;
    bad.Add("log_level", "must be debug, info, warn, error or off");
    return bad.ToStatus();
  }
  Logger& log = TheLogger();
  log.service.clear();
  AppendEscaped(service, log.service);
  log.logger->set_level(parsed);
  return absl::OkStatus();
}

void Debug(std::string_view event, std::initializer_list<Field> fields) { Write(spdlog::level::debug, "debug", event, fields); }
void Info(std::string_view event, std::initializer_list<Field> fields) { Write(spdlog::level::info, "info", event, fields); }
void Warn(std::string_view event, std::initializer_list<Field> fields) { Write(spdlog::level::warn, "warn", event, fields); }
void Error(std::string_view event, std::initializer_list<Field> fields) { Write(spdlog::level::err, "error", event, fields); }

}  // namespace rematch::log
