// rematch-demo: starts the three servers on loopback, plays three cases from the request to the new mentor, tells them as they
// happen and checks them. Exit code 0 when everything came out as the policy says, 1 when not.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "demo/story.h"

ABSL_FLAG(std::string, bin_dir, "build/dev/bin", "where the binaries of the suite are");
ABSL_FLAG(std::string, source_dir, ".", "where examples/ is");
ABSL_FLAG(std::string, work_dir, "", "where databases, mail and logs go; by default a temporary folder");
ABSL_FLAG(bool, keep, false, "keep that folder at the end");

namespace rematch::demo {
namespace {

int Main() {
  const absl::Time begin = absl::Now();
  std::string work_dir = absl::GetFlag(FLAGS_work_dir);
  if (work_dir.empty()) {
    char folder[] = "/tmp/rematch-demo-XXXXXX";
    if (mkdtemp(folder) == nullptr) {
      std::cerr << "rematch-demo: cannot make a temporary folder\n";
      return 1;
    }
    work_dir = folder;
  }
  work_dir = std::filesystem::absolute(work_dir).string();
  const std::string examples = absl::StrCat(absl::GetFlag(FLAGS_source_dir), "/examples");
  absl::Status status;
  {
    auto suite = Suite::Start(
        {.bin_dir = absl::GetFlag(FLAGS_bin_dir), .work_dir = work_dir, .policy = absl::StrCat(examples, "/policies/demo.textproto")});
    status = suite.status();
    if (suite.ok()) {
      const char* no_color = std::getenv("NO_COLOR");
      StoryOptions options;
      options.cast = DemoCast(absl::GetFlag(FLAGS_source_dir));
      options.color = isatty(STDOUT_FILENO) == 1 && (no_color == nullptr || *no_color == '\0');
      status = TellStory(**suite, options, std::cout);
    }
  }
  std::cout << std::flush;
  const bool keep = absl::GetFlag(FLAGS_keep) || !status.ok();
  if (!status.ok()) {
    std::cerr << "\nrematch-demo: " << status.message() << "\nlogs, mail and databases are in " << work_dir << "\n";
    return 1;
  }
  std::cout << "\nThree cases, " << absl::ToInt64Seconds(absl::Now() - begin) << " seconds, nothing differed.\n";
  if (keep) {
    std::cout << "Mail, databases and logs are in " << work_dir << ". The servers start on them with\n\n  REMATCH_HOME=" << work_dir
              << " ./dev up --policy examples/policies/demo.textproto\n";
  } else {
    std::cout << "With --keep, mail, databases and logs stay, and the servers can be started on them.\n";
    std::error_code ignored;
    std::filesystem::remove_all(work_dir, ignored);
  }
  return 0;
}

}  // namespace
}  // namespace rematch::demo

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("plays three reassignment cases against the real servers and checks what came of them");
  absl::ParseCommandLine(argc, argv);
  return rematch::demo::Main();
}
