// Times, spans and enum values as people read them, and enum values as people type them.
#ifndef REMATCH_CLI_FORMAT_H_
#define REMATCH_CLI_FORMAT_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/generated_enum_reflection.h>
#include <google/protobuf/timestamp.pb.h>

#include "absl/time/time.h"

namespace rematch::cli {

// The instant; InfinitePast for one that is not set.
absl::Time ToTime(const google::protobuf::Timestamp& timestamp);
bool IsSet(const google::protobuf::Timestamp& timestamp);

// `2025-03-03 09:00 PST` in `zone`; "" for one that is not set.
std::string Moment(const google::protobuf::Timestamp& timestamp, absl::TimeZone zone);
// The same to the second.
std::string MomentToTheSecond(const google::protobuf::Timestamp& timestamp, absl::TimeZone zone);
// `Thu 27 Nov 21:43 PST`, of today `21:43 PST`, of another year with it; "" for one that is not set. To the second if it is near.
std::string Due(const google::protobuf::Timestamp& timestamp, absl::Time now, absl::TimeZone zone);
// `2025-03-03`.
std::string Day(const google::protobuf::Timestamp& timestamp, absl::TimeZone zone);
// The span in a unit small enough that rounding does not hide what matters: `4 s` (under two minutes), `90 min` (under two hours),
// `48 h` (under three days), `3 days`.
std::string Span(absl::Duration span);
// When `timestamp` is, seen from `now`: `in 3 days`, `2 h ago`; "" for one that is not set.
std::string Relative(const google::protobuf::Timestamp& timestamp, absl::Time now);
// `1 case`, `3 cases`.
std::string Count(int64_t count, std::string_view singular, std::string_view plural);

// The value's name in lower case with spaces (or `separator`): NO_ANSWER -> "no answer".
std::string Words(const google::protobuf::EnumDescriptor& descriptor, int value, char separator = ' ');
template <typename Enum>
std::string Words(Enum value, char separator = ' ') {
  return Words(*google::protobuf::GetEnumDescriptor<Enum>(), static_cast<int>(value), separator);
}

// A fixed word of the protos in words: `OFFER_MADE` -> "offer made".
std::string Spoken(std::string_view word);
// `text` with the values of enums that stand in it in words: "task REVIEW_REASONS" -> "task review reasons".
std::string InWords(std::string_view text);

// All values but the unspecified one, as typed: `no-answer`.
std::vector<std::string> Choices(const google::protobuf::EnumDescriptor& descriptor);
// The value that `word` (as Choices() lists them, or spelled as in the protos) stands for.
std::optional<int> ParseChoice(const google::protobuf::EnumDescriptor& descriptor, std::string_view word);

}  // namespace rematch::cli

#endif  // REMATCH_CLI_FORMAT_H_
