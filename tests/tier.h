// The tiers of `./dev test`: what runs every time, and with `--all` the same tests with more of everything (seeds, rounds, kills).
#ifndef REMATCH_TESTS_TIER_H_
#define REMATCH_TESTS_TIER_H_

#include <cstdlib>
#include <string_view>

namespace rematch {

template <typename Amount>
Amount InTier(Amount usual, Amount with_all) {
  const char* const tier = std::getenv("REMATCH_TEST_TIER");
  return tier != nullptr && std::string_view(tier) == "long" ? with_all : usual;
}

}  // namespace rematch

#endif  // REMATCH_TESTS_TIER_H_
