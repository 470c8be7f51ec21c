#include "cli/format.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "rematch/request/v1/resources.pb.h"

namespace rematch::cli {

bool IsSet(const google::protobuf::Timestamp& timestamp) { return timestamp.seconds() != 0 || timestamp.nanos() != 0; }

absl::Time ToTime(const google::protobuf::Timestamp& timestamp) {
  if (!IsSet(timestamp)) return absl::InfinitePast();
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

std::string Moment(const google::protobuf::Timestamp& timestamp, absl::TimeZone zone) {
  return IsSet(timestamp) ? absl::FormatTime("%Y-%m-%d %H:%M %Z", ToTime(timestamp), zone) : "";
}

std::string MomentToTheSecond(const google::protobuf::Timestamp& timestamp, absl::TimeZone zone) {
  return IsSet(timestamp) ? absl::FormatTime("%Y-%m-%d %H:%M:%S %Z", ToTime(timestamp), zone) : "";
}

std::string Due(const google::protobuf::Timestamp& timestamp, absl::Time now, absl::TimeZone zone) {
  if (!IsSet(timestamp)) return "";
  const absl::Time time = ToTime(timestamp);
  std::string format = absl::AbsDuration(time - now) < absl::Minutes(10) ? "%H:%M:%S %Z" : "%H:%M %Z";
  if (absl::ToCivilYear(time, zone) != absl::ToCivilYear(now, zone)) {
    format = "%a %e %b %Y " + format;
  } else if (absl::ToCivilDay(time, zone) != absl::ToCivilDay(now, zone)) {
    format = "%a %e %b " + format;
  }
  std::string text = absl::FormatTime(format, time, zone);
  // A day of one digit comes with a space before it.
  if (const size_t twice = text.find("  "); twice != std::string::npos) text.erase(twice, 1);
  return text;
}

std::string Day(const google::protobuf::Timestamp& timestamp, absl::TimeZone zone) {
  return IsSet(timestamp) ? absl::FormatTime("%Y-%m-%d", ToTime(timestamp), zone) : "";
}

std::string Count(int64_t count, std::string_view singular, std::string_view plural) {
  return std::to_string(count) + " " + std::string(count == 1 ? singular : plural);
}

std::string Span(absl::Duration span) {
  span = absl::AbsDuration(span);
  const auto rounded = [&](absl::Duration unit) { return (span + unit / 2) / unit; };
  if (rounded(absl::Seconds(1)) < 120) return std::to_string(rounded(absl::Seconds(1))) + " s";
  if (rounded(absl::Minutes(1)) < 120) return std::to_string(rounded(absl::Minutes(1))) + " min";
  if (rounded(absl::Hours(1)) < 72) return std::to_string(rounded(absl::Hours(1))) + " h";
  return Count(rounded(absl::Hours(24)), "day", "days");
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

std::string Spoken(std::string_view word) {
  std::string words = absl::AsciiStrToLower(std::string(word));
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

std::string InWords(std::string_view text) {
  static const std::set<std::string>* const values = [] {
    auto* const all = new std::set<std::string>;
    const auto add = [&](const google::protobuf::EnumDescriptor& descriptor) {
      for (int i = 0; i < descriptor.value_count(); ++i) all->insert(descriptor.value(i)->name());
    };
    const google::protobuf::FileDescriptor& file = *request::v1::Reassignment::descriptor()->file();
    for (int i = 0; i < file.enum_type_count(); ++i) add(*file.enum_type(i));
    for (int i = 0; i < file.message_type_count(); ++i) {
      for (int j = 0; j < file.message_type(i)->enum_type_count(); ++j) add(*file.message_type(i)->enum_type(j));
    }
    return all;
  }();
  constexpr std::string_view kShouted = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  std::string out;
  while (!text.empty()) {
    const size_t begin = std::min(text.find_first_of(kShouted), text.size());
    out += text.substr(0, begin);
    text.remove_prefix(begin);
    const size_t end = std::min(text.find_first_not_of(kShouted), text.size());
    std::string word(text.substr(0, end));
    const bool alone = (out.empty() || !absl::ascii_isalnum(static_cast<unsigned char>(out.back()))) &&
                       (end == text.size() || !absl::ascii_isalnum(static_cast<unsigned char>(text[end])));
    // Whatever has an underscore was never a word of a language.
    if (alone && (values->contains(word) || (word.find('_') != std::string::npos && absl::ascii_isupper(word.front())))) {
      word = Spoken(word);
    }
    out += word;
    text.remove_prefix(end);
  }
  return out;
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
