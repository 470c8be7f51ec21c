// What repeats in a list, for those who want to see a long one at a glance. Pure.
#ifndef REMATCH_CLI_CYCLES_H_
#define REMATCH_CLI_CYCLES_H_

#include <cstddef>
#include <string>
#include <vector>

namespace rematch::cli {

// `length` items from `first` on, `count` times one after another.
struct Cycle {
  size_t first = 0;
  size_t length = 1;
  size_t count = 1;
  bool operator==(const Cycle&) const = default;
};

// `keys` from the first to the last as cycles, each the one that covers most from where it begins: {A, B, C, B, C, D} is A, twice B C, and
// D. What repeats has at most `longest` items.
std::vector<Cycle> CyclesOf(const std::vector<std::string>& keys, size_t longest = 4);

}  // namespace rematch::cli

#endif  // REMATCH_CLI_CYCLES_H_
