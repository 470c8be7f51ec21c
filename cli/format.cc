#include "cli/format.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>

#include "absl/strings/ascii.h"

namespace rematch::cli {

bool IsSet(const google::protobuf::Timestamp& timestamp) { return timestamp.seconds() != 0 || timestamp.nanos() != 0; }

absl::Time ToTime(const google::protobuf::Timestamp& timestamp) {
  if (!IsSet(timestamp)) return absl::InfinitePast();
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

std::string Moment(const google::protobuf::Timestamp& timestamp, absl::TimeZone zone) {
  return IsSet(timestamp) ? absl::FormatTime("%Y-%m-%d %H:%M", ToTime(timestamp), zone) : "";
}

std::string Day(const google::protobuf::Timestamp& timestamp, absl::TimeZone zone) {
  return IsSet(timestamp) ? absl::FormatTime("%Y-%m-%d", ToTime(timestamp), zone) : "";
}

std::string Count(int64_t count, std::string_view singular, std::string_view plural) {
  return std::to_string(count) + " " + std::string(count == 1 ? singular : plural);
}

std::string Span(absl::Duration span) {
  span = absl::AbsDuration(span);
  if (span >= absl::Hours(24)) return Count(span / absl::Hours(24), "day", "days");
  if (span >= absl::Hours(1)) return std::to_string(span / absl::Hours(1)) + " h";
  if (span >= absl::Minutes(1)) return std::to_string(span / absl::Minutes(1)) + " min";
  return std::to_string(span / absl::Seconds(1)) + " s";
}

std::string Relative(const google::protobuf::Timestamp& timestamp, absl::Time now) {
  if (!IsSet(timestamp)) return "";
  const absl::Duration until = ToTime(timestamp) - now;
  return until >= absl::ZeroDuration() ? "in " + Span(until) : Span(until) + " ago";
}

std::string Words(const google::protobuf::EnumDescriptor& descriptor, int value, char separator) {
  const google::protobuf::EnumValueDescriptor* const found = descriptor.FindValueByNumber(value);
  if (found == nullptr) return std::to_string(value);
  if (value == 0) return "";
  std::string words = absl::AsciiStrToLower(found->name());
  std::replace(words.begin(), words.end(), '_', separator);
  return words;
}

std::vector<std::string> Choices(const google::protobuf::EnumDescriptor& descriptor) {
  std::vector<std::string> choices;
  for (int i = 0; i < descriptor.value_count(); ++i) {
    if (descriptor.value(i)->number() != 0) choices.push_back(Words(descriptor, descriptor.value(i)->number(), '-'));
  }
  return choices;
}

std::optional<int> ParseChoice(const google::protobuf::EnumDescriptor& descriptor, std::string_view word) {
  std::string name = absl::AsciiStrToUpper(std::string(word));
  std::replace(name.begin(), name.end(), '-', '_');
  const google::protobuf::EnumValueDescriptor* const found = descriptor.FindValueByName(name);
  if (found == nullptr || found->number() == 0) return std::nullopt;
  return found->number();
}

}  // namespace rematch::cli
