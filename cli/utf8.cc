#include "cli/utf8.h"

#include <clocale>
#include <cwchar>

namespace rematch::cli {
namespace {

// wcwidth() asks the thread's locale; the tables that it needs are those of UTF-8 whatever the user's language is.
class Utf8Locale {
 public:
  Utf8Locale() {
    static const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", locale_t{});
    if (utf8 != locale_t{}) before_ = uselocale(utf8);
  }
  ~Utf8Locale() {
    if (before_ != locale_t{}) uselocale(before_);
  }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

 private:
  locale_t before_{};
};

int WidthOf(char32_t character) {
  if (character >= 0x20 && character < 0x7f) return 1;
  const int width = wcwidth(static_cast<wchar_t>(character));
  return width < 0 ? 1 : width;
}

bool IsControl(char32_t c) {
  // C0, DEL, C1, and the characters that reorder a line.
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

}  // namespace

Decoded DecodeUtf8(std::string_view text) {
  if (text.empty()) return {};
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {.character = first, .bytes = 1, .valid = true};
  size_t length = 0;
  char32_t value = 0;
  char32_t least = 0;
  if ((first & 0xe0) == 0xc0) {
    length = 2, value = first & 0x1f, least = 0x80;
  } else if ((first & 0xf0) == 0xe0) {
    length = 3, value = first & 0x0f, least = 0x800;
  } else if ((first & 0xf8) == 0xf0) {
    length = 4, value = first & 0x07, least = 0x10000;
  }
  const Decoded invalid = {.character = 0xfffd, .bytes = 1, .valid = false};
  if (length == 0 || text.size() < length) return invalid;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return invalid;
    value = value << 6 | (byte(i) & 0x3f);
  }
  if (value < least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return invalid;
  return {.character = value, .bytes = length, .valid = true};
}

int DisplayWidth(std::string_view text) {
  const Utf8Locale locale;
  int width = 0;
  while (!text.empty()) {
    const Decoded next = DecodeUtf8(text);
    width += WidthOf(next.character);
    text.remove_prefix(next.bytes);
  }
  return width;
}

std::string Printable(std::string_view text, bool multiline) {
  std::string safe;
  safe.reserve(text.size());
  while (!text.empty()) {
    const Decoded next = DecodeUtf8(text);
    const bool kept = multiline && (next.character == '\n' || next.character == '\t');
    if (multiline && text.substr(0, 2) == "\r\n") {
      text.remove_prefix(1);
      continue;
    }
    if (next.valid && (kept || !IsControl(next.character))) {
      safe += text.substr(0, next.bytes);
    } else {
      safe += "\uFFFD";
    }
    text.remove_prefix(next.bytes);
  }
  return safe;
}

std::string Fit(std::string_view text, int width, std::string_view ellipsis) {
  if (DisplayWidth(text) <= width) return std::string(text);
  const int room = width - DisplayWidth(ellipsis);
  if (room < 0) return std::string(static_cast<size_t>(width < 0 ? 0 : width), '.');
  const Utf8Locale locale;
  std::string cut;
  int used = 0;
  while (!text.empty()) {
    const Decoded next = DecodeUtf8(text);
    const int wide = WidthOf(next.character);
    if (used + wide > room) break;
    used += wide;
    cut += text.substr(0, next.bytes);
    text.remove_prefix(next.bytes);
  }
  return cut.append(ellipsis);
}

std::string Pad(std::string_view text, int width, bool right) {
  const int missing = width - DisplayWidth(text);
  const std::string spaces(static_cast<size_t>(missing > 0 ? missing : 0), ' ');
  return right ? spaces + std::string(text) : std::string(text) + spaces;
}

}  // namespace rematch::cli
