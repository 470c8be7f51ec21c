// UTF-8 text, one character after another, and how wide a terminal draws it.
#ifndef REMATCH_CLI_UTF8_H_
#define REMATCH_CLI_UTF8_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace rematch::cli {

struct Decoded {
  char32_t character = 0;
  size_t bytes = 0;    // 0 at the end of the text
  bool valid = false;  // false: not UTF-8 here; `bytes` is then 1
};

// The first character of `text`: overlong forms, surrogates and what lies past U+10FFFF are not valid.
Decoded DecodeUtf8(std::string_view text);

// Columns of a terminal that `text` takes: 2 for wide characters, 0 for combining ones.
int DisplayWidth(std::string_view text);

// `text` made safe to print: control characters and what is not UTF-8 become U+FFFD, so that no content can steer the terminal. Line
// breaks and tabs stay when `multiline`.
std::string Printable(std::string_view text, bool multiline = false);

// `text` cut to at most `width` columns, its end then replaced by `ellipsis`.
std::string Fit(std::string_view text, int width, std::string_view ellipsis = "…");

// `text` with spaces behind it (before it, if `right`) up to `width` columns.
std::string Pad(std::string_view text, int width, bool right = false);

}  // namespace rematch::cli

#endif  // REMATCH_CLI_UTF8_H_
