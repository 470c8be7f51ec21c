#include "mentor-service/domain/fields.h"

#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "platform/strings.h"
#include "platform/validation.h"

namespace rematch::mentor {
namespace {

constexpr int kMaxWords = 50;
constexpr size_t kMaxWordBytes = 64;

}  // namespace

void CheckContact(Violations& bad, std::string_view field, const v1::Contact& contact) {
  CheckDisplayName(bad, absl::StrCat(ToAbsl(field), ".display_name"), contact.display_name());
  CheckEmail(bad, absl::StrCat(ToAbsl(field), ".email"), contact.email());
  CheckPhone(bad, absl::StrCat(ToAbsl(field), ".phone"), contact.phone());
}

void CheckWord(Violations& bad, std::string_view field, std::string_view word) {
  if (word.size() > kMaxWordBytes) {
    bad.Add(field, "must be at most 64 bytes");
  } else {
    CheckDisplayName(bad, field, word);
  }
}

void CheckWords(Violations& bad, std::string_view field, const google::protobuf::RepeatedPtrField<std::string>& words) {
  if (words.size() > kMaxWords) {
    bad.Add(field, "must have at most 50 values");
    return;
  }
  std::set<std::string_view> seen;
  for (int i = 0; i < words.size(); ++i) {
    const std::string path = absl::StrCat(ToAbsl(field), "[", i, "]");
    CheckWord(bad, path, words[i]);
    if (!seen.insert(words[i]).second) bad.Add(path, "must not repeat another value");
  }
}

void CheckTimeZone(Violations& bad, std::string_view field, std::string_view name) {
  // The library would read any path that it is given.
  const bool plain =
      !name.empty() && name.size() <= 64 && name.front() != '/' && name.find("..") == name.npos &&
      std::all_of(name.begin(), name.end(), [](char c) { return absl::ascii_isalnum(c) || c == '_' || c == '/' || c == '-' || c == '+'; });
  absl::TimeZone zone;
  if (!plain || !absl::LoadTimeZone(ToAbsl(name), &zone))
    bad.Add(field, "must be the IANA name of a time zone, such as America/Los_Angeles");
}

void CheckRange(Violations& bad, std::string_view field, int value, int low, int high) {
  if (value < low || value > high) bad.Add(field, absl::StrCat("must be ", low, " to ", high));
}

void CheckTimestamp(Violations& bad, std::string_view field, const google::protobuf::Timestamp& time) {
  constexpr int64_t k1900 = -2208988800;
  constexpr int64_t k2200 = 7258118400;
  if (time.seconds() < k1900 || time.seconds() >= k2200 || time.nanos() < 0 || time.nanos() > 999'999'999) {
    bad.Add(field, "must be an instant of the years 1900 to 2199");
  }
}

void CheckExternalId(Violations& bad, std::string_view field, std::string_view id) {
  const bool right = !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) { return absl::ascii_isgraph(c); });
  if (!right) bad.Add(field, "must be 1 to 64 printable characters without spaces");
}

}  // namespace rematch::mentor
