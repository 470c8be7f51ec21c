// rematch-demo: starts the three servers on loopback, plays five cases from the request to the new mentor, tells them as they
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
#include "demo/mariadb.h"
#include "demo/story.h"
#include "platform/errors.h"

ABSL_FLAG(std::string, bin_dir, "build/dev/bin", "where the binaries of the suite are");
ABSL_FLAG(std::string, source_dir, ".", "where examples/ and tools/ are");
ABSL_FLAG(std::string, work_dir, "", "where databases, mail and logs go; by default a temporary folder");
ABSL_FLAG(std::string, store, "sqlite",
          "sqlite, or mysql: a MariaDB of its own below the work folder, with a schema and a user for each service");
ABSL_FLAG(bool, keep, false, "keep that folder at the end");
ABSL_FLAG(std::string, cases, "abcde", "which cases are played");
ABSL_FLAG(std::string, suite, "", "a file as REMATCH_SUITE names it: plays on the suite that runs at its addresses, and starts none");
ABSL_FLAG(std::string, mail_dir, "", "with --suite: where its mail arrives, as Maildirs by recipient");

namespace rematch::demo {
namespace {

StoryOptions Options() {
  const char* no_color = std::getenv("NO_COLOR");
  StoryOptions options;
  options.cast = DemoCast(absl::GetFlag(FLAGS_source_dir));
  options.color = isatty(STDOUT_FILENO) == 1 && (no_color == nullptr || *no_color == '\0');
  options.cases = absl::GetFlag(FLAGS_cases);
  return options;
}

// Plays on a suite that is there. Its programs are told to follow the demo's policy, whose windows are seconds.
absl::Status PlayOn(const std::string& file) {
  REMATCH_ASSIGN_OR_RETURN(auto addresses, ReadSuiteFile(file));
  const std::unique_ptr<Suite> suite = Suite::Attach(
      {.addresses = std::move(addresses), .bin_dir = absl::GetFlag(FLAGS_bin_dir), .mail_dir = absl::GetFlag(FLAGS_mail_dir)});
  StoryOptions options = Options();
  options.policy = absl::StrCat(absl::GetFlag(FLAGS_source_dir), "/examples/policies/demo.textproto");
  return TellStory(*suite, options, std::cout);
}

// Plays on a suite in `work_dir`, over a MariaDB there if `mysql`.
absl::Status PlayIn(const std::string& work_dir, bool mysql) {
  const std::string source_dir = absl::GetFlag(FLAGS_source_dir);
  SuiteOptions suite_options = {.bin_dir = absl::GetFlag(FLAGS_bin_dir),
                                .work_dir = work_dir,
                                .policy = absl::StrCat(source_dir, "/examples/policies/demo.textproto")};
  std::unique_ptr<Mariadb> mariadb;  // stops after the suite
  if (mysql) {
    REMATCH_ASSIGN_OR_RETURN(mariadb, Mariadb::Start(absl::StrCat(source_dir, "/tools/mariadb"), absl::StrCat(work_dir, "/mariadb")));
    REMATCH_ASSIGN_OR_RETURN(suite_options.databases, mariadb->Databases());
  }
  REMATCH_ASSIGN_OR_RETURN(const std::unique_ptr<Suite> suite, Suite::Start(std::move(suite_options)));
  return TellStory(*suite, Options(), std::cout);
}

int Main() {
  const std::string store = absl::GetFlag(FLAGS_store);
  if (store != "sqlite" && store != "mysql") {
    std::cerr << "rematch-demo: --store is sqlite or mysql\n";
    return 2;
  }
  const absl::Time begin = absl::Now();
  if (const std::string file = absl::GetFlag(FLAGS_suite); !file.empty()) {
    const absl::Status status = PlayOn(file);
    std::cout << std::flush;
    if (!status.ok()) std::cerr << "rematch-demo: " << status.message() << "\n";
    return status.ok() ? 0 : 1;
  }
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
  const absl::Status status = PlayIn(work_dir, store == "mysql");
  std::cout << std::flush;
  const bool keep = absl::GetFlag(FLAGS_keep) || !status.ok();
  if (!status.ok()) {
    std::cerr << "\nrematch-demo: " << status.message() << "\nlogs, mail and databases are in " << work_dir << "\n";
    return 1;
  }
  const size_t cases = absl::GetFlag(FLAGS_cases).size();
  std::cout << "\n"
            << (cases == 1 ? "One case" : absl::StrCat(cases, " cases")) << ", " << absl::ToInt64Seconds(absl::Now() - begin)
            << " seconds, nothing differed.\n";
  if (keep) {
    std::cout << "Mail, databases and logs are in " << work_dir << ". The servers start on them with\n\n  REMATCH_HOME=" << work_dir
              << " ./dev up" << (store == "mysql" ? " --store=mysql" : "") << " --policy examples/policies/demo.textproto\n";
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
  absl::SetProgramUsageMessage("plays five reassignment cases against the real servers and checks what came of them");
  absl::ParseCommandLine(argc, argv);
  return rematch::demo::Main();
}
