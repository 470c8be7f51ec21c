// The completion function is run by a real bash; zsh and fish are not installed everywhere, so of theirs the text is looked at.
#include "cli/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_split.h"
#include "cli/commands.h"

namespace rematch::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class Completion : public ::testing::Test {
 protected:
  Completion() { BuildTree(app_, globals_, chosen_); }

  // What bash offers for `words`, the last of which is being typed.
  std::vector<std::string> Offered(const std::vector<std::string>& words) {
    const std::filesystem::path script = std::filesystem::path(testing::TempDir()) /
                                         ("completion-" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::ofstream(script) << CompletionScript(app_, "bash") << "COMP_WORDS=(" <<
        [&] {
          std::string quoted;
          for (const std::string& word : words) quoted += "'" + word + "' ";
          return quoted;
        }()
                          << ")\nCOMP_CWORD=" << words.size() - 1 << "\n_rematch\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n";
    FILE* const bash = popen(("bash --norc --noprofile '" + script.string() + "' 2>&1").c_str(), "r");
    std::string out;
    std::array<char, 4096> buffer;
    for (size_t got = 0; (got = fread(buffer.data(), 1, buffer.size(), bash)) > 0;) out.append(buffer.data(), got);
    EXPECT_EQ(pclose(bash), 0) << out;
    std::filesystem::remove(script);
    return absl::StrSplit(out, '\n', absl::SkipEmpty());
  }

  CLI::App app_;
  Globals globals_;
  Chosen chosen_;
};

TEST_F(Completion, OffersCommands) {
  EXPECT_THAT(Offered({"rematch", "ov"}), ElementsAre("overview"));
  EXPECT_THAT(Offered({"rematch", ""}), Contains("roster"));
}

TEST_F(Completion, OffersSubcommandsBehindTheirGroup) {
  const std::vector<std::string> offered = Offered({"rematch", "case", ""});
  EXPECT_THAT(offered, Contains("timeline"));
  EXPECT_THAT(offered, Not(Contains("roster")));
}

TEST_F(Completion, OffersOptionsOfTheCommandAndGlobalOnes) {
  const std::vector<std::string> offered = Offered({"rematch", "task", "do", "--"});
  EXPECT_THAT(offered, Contains("--proceed"));
  EXPECT_THAT(offered, Contains("--json"));
}

TEST_F(Completion, OffersTheWordsThatAnOptionTakes) {
  EXPECT_THAT(Offered({"rematch", "case", "close", "3fa2b1", "--ground", "res"}), ElementsAre("resolved-without-change"));
  EXPECT_THAT(Offered({"rematch", "case", "--color", "n"}), ElementsAre("never"));
  EXPECT_THAT(Offered({"rematch", "completion", "z"}), ElementsAre("zsh"));
}

TEST_F(Completion, ValueOfAnOptionIsNoCommand) {
  // `case` is what --as is given here, so the command is still to come.
  EXPECT_THAT(Offered({"rematch", "--as", "case", "ov"}), ElementsAre("overview"));
}

TEST_F(Completion, FilesAreCompletedWhereFilesAreTaken) {
  EXPECT_THAT(Offered({"rematch", "roster", "import", ""}), ElementsAre()) << "bash falls back to files where nothing is offered";
  EXPECT_THAT(Offered({"rematch", "roster", "import", "--na"}), ElementsAre("--name"));
  EXPECT_THAT(Offered({"rematch", "case", "open", "--reasons-file", ""}), ElementsAre());
}

TEST_F(Completion, EveryCommandIsInEveryShellsScript) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = CompletionScript(app_, shell);
    for (const char* word : {"rematch case timeline", "rematch roster import", "rematch task do", "wrong-number"}) {
      EXPECT_THAT(script, HasSubstr(word)) << shell;
    }
  }
}

}  // namespace
}  // namespace rematch::cli
