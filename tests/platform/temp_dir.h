// A folder of its own for a test, removed at its end.
#ifndef REMATCH_TESTS_PLATFORM_TEMP_DIR_H_
#define REMATCH_TESTS_PLATFORM_TEMP_DIR_H_

#include <cstdlib>
#include <filesystem>
#include <string>

namespace rematch::testing {

class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rematch_test_XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace rematch::testing

#endif  // REMATCH_TESTS_PLATFORM_TEMP_DIR_H_
