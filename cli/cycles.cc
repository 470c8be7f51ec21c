#include "cli/cycles.h"

#include <algorithm>

namespace rematch::cli {

std::vector<Cycle> CyclesOf(const std::vector<std::string>& keys, size_t longest) {
  std::vector<Cycle> cycles;
  for (size_t i = 0; i < keys.size();) {
    Cycle best{.first = i};
    for (size_t length = 1; length <= longest; ++length) {
      size_t count = 1;
      const auto repeats = [&] {
        const size_t next = i + count * length;
        const auto begin = keys.begin() + static_cast<ptrdiff_t>(i);
        return next + length <= keys.size() &&
               std::equal(begin, begin + static_cast<ptrdiff_t>(length), keys.begin() + static_cast<ptrdiff_t>(next));
      };
      while (repeats()) ++count;
      if (count > 1 && count * length > best.count * best.length) best = {.first = i, .length = length, .count = count};
    }
    cycles.push_back(best);
    i += best.length * best.count;
  }
  return cycles;
}

}  // namespace rematch::cli
