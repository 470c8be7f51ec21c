#include "platform/validation.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "platform/ids.h"
#include "platform/strings.h"

namespace rematch {
namespace {

constexpr size_t kCheckBytes = 6;

bool IsLowerOrDigit(char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c); }

// The next part of `path` up to a slash; shortens `path`.
std::string_view TakePart(std::string_view& path) {
  const size_t slash = path.find('/');
  const std::string_view part = path.substr(0, slash);
  path = slash == path.npos ? std::string_view() : path.substr(slash + 1);
  return part;
}

// How many bytes the UTF-8 character at the start of `text` has; 0 when it is not valid (overlong forms and surrogates included).
size_t Utf8Length(std::string_view text) {
  const auto byte = [&text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto follows = [&](size_t i, unsigned char low, unsigned char high) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1, 0x80, 0xbf) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const unsigned char low = first == 0xe0 ? 0xa0 : 0x80;
    const unsigned char high = first == 0xed ? 0x9f : 0xbf;
    return follows(1, low, high) && follows(2, 0x80, 0xbf) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const unsigned char low = first == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = first == 0xf4 ? 0x8f : 0xbf;
    return follows(1, low, high) && follows(2, 0x80, 0xbf) && follows(3, 0x80, 0xbf) ? 4 : 0;
  }
  return 0;
}

// Valid UTF-8 without control characters (C0, DEL, C1), except for those in `allowed`.
bool IsCleanText(std::string_view text, std::string_view allowed) {
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    if (length == 0) return false;
    const auto first = static_cast<unsigned char>(text[0]);
    if (length == 1 && (first < 0x20 || first == 0x7f) && allowed.find(text[0]) == allowed.npos) return false;
    if (length == 2 && first == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0) return false;
    // The separators of lines and paragraphs, U+2028 and U+2029, end a line for some readers.
    if (text.substr(0, length) == "\u2028" || text.substr(0, length) == "\u2029") return false;
    text.remove_prefix(length);
  }
  return true;
}

bool IsDomain(std::string_view domain) {
  if (domain.empty() || domain.size() > 253) return false;
  while (!domain.empty()) {
    const size_t dot = domain.find('.');
    const std::string_view label = domain.substr(0, dot);
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    if (!std::all_of(label.begin(), label.end(), [](char c) { return absl::ascii_isalnum(c) || c == '-'; })) return false;
    if (dot == domain.npos) return true;
    domain.remove_prefix(dot + 1);
  }
  return false;
}

std::string CheckOf(std::string_view question, std::string_view position) {
  std::string both(question);
  both += '\0';
  both += position;
  return platform::Sha256(both).substr(0, kCheckBytes);
}

}  // namespace

bool IsResourceId(std::string_view id) {
  if (id.empty() || id.size() > 63 || id.front() == '-' || id.back() == '-') return false;
  return std::all_of(id.begin(), id.end(), [](char c) { return IsLowerOrDigit(c) || c == '-'; });
}

bool IsKey(std::string_view key) {
  if (key.empty() || key.size() > 128) return false;
  return std::all_of(key.begin(), key.end(), [](char c) { return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.'; });
}

std::optional<std::vector<std::string>> ParseName(std::string_view name, std::string_view pattern) {
  std::vector<std::string> ids;
  while (!pattern.empty()) {
    if (name.empty()) return std::nullopt;
    const bool last = name.find('/') == name.npos;
    const std::string_view wanted = TakePart(pattern);
    const std::string_view part = TakePart(name);
    if (wanted == "*") {
      if (!IsResourceId(part)) return std::nullopt;
      ids.emplace_back(part);
    } else if (part != wanted) {
      return std::nullopt;
    }
    if (last != pattern.empty()) return std::nullopt;
  }
  return ids;
}

std::string ConsortiumOf(std::string_view name) {
  std::string_view rest = name;
  if (TakePart(rest) != "consortia") return "";
  const std::string_view id = TakePart(rest);
  return IsResourceId(id) ? "consortia/" + std::string(id) : "";
}

std::vector<std::string> CheckName(Violations& bad, std::string_view field, std::string_view name, std::string_view pattern) {
  std::optional<std::vector<std::string>> ids = ParseName(name, pattern);
  if (ids.has_value()) return *std::move(ids);
  bad.Add(field, "must be a name like " + std::string(pattern));
  return std::vector<std::string>(std::count(pattern.begin(), pattern.end(), '*'));
}

void CheckRequestId(Violations& bad, std::string_view request_id) {
  const bool right = !request_id.empty() && request_id.size() <= 128 &&
                     std::all_of(request_id.begin(), request_id.end(), [](char c) { return absl::ascii_isgraph(c); });
  if (!right) bad.Add("request_id", "must be 1 to 128 printable characters without spaces");
}

int CheckPageSize(Violations& bad, int32_t page_size) {
  if (page_size < 0 || page_size > 1000) bad.Add("page_size", "must be 1 to 1000, or 0 for the default");
  return page_size <= 0 ? 100 : page_size;
}

void CheckText(Violations& bad, std::string_view field, std::string_view text, size_t max_bytes, bool required) {
  if (required && text.empty()) {
    bad.Add(field, "must not be empty");
  } else if (text.size() > max_bytes) {
    bad.Add(field, "must be at most " + std::to_string(max_bytes) + " bytes");
  } else if (!IsCleanText(text, "\n\r\t")) {
    bad.Add(field, "must be UTF-8 text without control characters");
  }
}

void CheckDisplayName(Violations& bad, std::string_view field, std::string_view name) {
  if (name.empty()) {
    bad.Add(field, "must not be empty");
  } else if (name.size() > 200 || !IsCleanText(name, "")) {
    bad.Add(field, "must be at most 200 bytes of UTF-8 without control characters");
  }
}

void CheckEmail(Violations& bad, std::string_view field, std::string_view email) {
  const size_t at = email.rfind('@');
  const std::string_view local = at == email.npos ? std::string_view() : email.substr(0, at);
  static constexpr std::string_view kLocal = "!#$%&'*+-/=?^_`{|}~.";
  const bool right =
      email.size() <= 254 && !local.empty() && local.size() <= 64 && local.front() != '.' && local.back() != '.' &&
      local.find("..") == local.npos &&
      std::all_of(local.begin(), local.end(), [](char c) { return absl::ascii_isalnum(c) || kLocal.find(c) != kLocal.npos; }) &&
      IsDomain(email.substr(at + 1));
  if (!right) bad.Add(field, "must be one mail address like local@domain, at most 254 bytes");
}

void CheckPhone(Violations& bad, std::string_view field, std::string_view phone) {
  static constexpr std::string_view kAllowed = "0123456789 +-().x";
  if (phone.size() > 40 || phone.find_first_not_of(kAllowed) != phone.npos) {
    bad.Add(field, "must be at most 40 characters of digits, spaces and +-().x");
  }
}

std::string MakePageToken(std::string_view question, const std::vector<std::string>& position) {
  std::string packed;
  for (const std::string& value : position) {
    if (&value != &position.front()) packed += '\0';
    packed += value;
  }
  return absl::WebSafeBase64Escape(CheckOf(question, packed) + packed);
}

absl::StatusOr<std::vector<std::string>> ReadPageToken(std::string_view question, std::string_view token, size_t size) {
  std::vector<std::string> position;
  if (token.empty()) return position;
  std::string bytes;
  if (token.size() <= 4096 && absl::WebSafeBase64Unescape(ToAbsl(token), &bytes) && bytes.size() >= kCheckBytes) {
    std::string_view packed = std::string_view(bytes).substr(kCheckBytes);
    if (CheckOf(question, packed) == bytes.substr(0, kCheckBytes)) {
      for (;;) {
        const size_t end = packed.find('\0');
        position.emplace_back(packed.substr(0, end));
        if (end == packed.npos) break;
        packed.remove_prefix(end + 1);
      }
      if (position.size() == size) return position;
    }
  }
  Violations bad;
  bad.Add("page_token", "must come from the page before, with the same question");
  return bad.ToStatus();
}

}  // namespace rematch
