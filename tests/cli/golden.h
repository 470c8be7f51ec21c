// Compares text with a reviewed file under tests/cli/golden. UPDATE_GOLDEN=1 writes the files anew, to be reviewed as a diff.
#ifndef REMATCH_TESTS_CLI_GOLDEN_H_
#define REMATCH_TESTS_CLI_GOLDEN_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace rematch::cli {

inline void ExpectGolden(const std::string& name, const std::string& text) {
  const std::string path = REMATCH_SOURCE_DIR "/tests/cli/golden/" + name;
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
    return;
  }
  std::ifstream file(path, std::ios::binary);
  ASSERT_TRUE(file.is_open()) << "no golden file " << name;
  std::ostringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(text, golden.str()) << "differs from " << name;
}

}  // namespace rematch::cli

#endif  // REMATCH_TESTS_CLI_GOLDEN_H_
