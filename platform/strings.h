// Debian builds Abseil with a string_view of its own, which does not convert from or to the standard one. The suite uses
// std::string_view; these two stand where Abseil is called with one or returns one (StrCat, StrSplit, Status, ParseTime ...).
#ifndef REMATCH_PLATFORM_STRINGS_H_
#define REMATCH_PLATFORM_STRINGS_H_

#include <string_view>

#include "absl/strings/string_view.h"

namespace rematch {

inline absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view ToStd(absl::string_view text) { return {text.data(), text.size()}; }

}  // namespace rematch

#endif  // REMATCH_PLATFORM_STRINGS_H_
