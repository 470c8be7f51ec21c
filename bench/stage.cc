#include "bench/stage.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "platform/errors.h"

namespace rematch::bench {
namespace {

constexpr char kMemory[] = "/dev/shm";
constexpr uintmax_t kRoomForMail = uintmax_t{2} << 30;  // bytes, of the mails of a whole run

// Megabytes that a line of /proc/PID/status gives.
double MegabytesOf(pid_t pid, const std::string& name) {
  std::smatch found;
  const std::string status = demo::ReadFile(absl::StrCat("/proc/", pid, "/status"));
  double kilobytes = 0;
  if (std::regex_search(status, found, std::regex(name + R"(:\s+(\d+))"))) (void)absl::SimpleAtod(found[1].str(), &kilobytes);
  return kilobytes / 1024;
}

// The policy of the examples, with windows of this length for those who are asked.
std::string PolicyText(absl::Duration window) {
  return absl::StrFormat(R"(# proto-message: rematch.request.v1.EscalationPolicy
display_name: "Bench"
stages {
  kind: INDIVIDUAL
  window { amount: %d unit: SECONDS }
  tiers: TIER_ONE_CANDIDATE
  tiers: TIER_INTERESTED
  tiers: TIER_PAST_MENTOR
}
stages { kind: BROADCAST window { amount: 604800 unit: SECONDS } }
stages { kind: RECOMMENDATION window { amount: 604800 unit: SECONDS } }
stages { kind: LEADER }
redial_after { amount: 86400 unit: SECONDS }
task_due_after { amount: 604800 unit: SECONDS }
k_anonymity: 3
without_consent: DISTRICT_ONLY
)",
                         absl::ToInt64Seconds(window));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Stage>> Stage::Start(const StageOptions& options, demo::Mariadb* server, const std::string& name) {
  std::unique_ptr<Stage> stage(new Stage);
  stage->options_ = options;
  stage->server_ = server;
  const std::string folder = absl::StrCat(options.work_dir, "/", name);
  std::filesystem::create_directories(folder);
  std::error_code none;
  const bool in_memory = std::filesystem::space(kMemory, none).available >= kRoomForMail && !none;
  std::string mailboxes = in_memory ? absl::StrCat(kMemory, "/rematch-bench-XXXXXX") : folder + "/mail-XXXXXX";
  if (mkdtemp(mailboxes.data()) == nullptr) return absl::UnavailableError(absl::StrCat("cannot make ", mailboxes));
  stage->mailboxes_ = mailboxes;
  stage->policy_ = absl::StrCat(folder, "/policy.textproto");
  std::ofstream(stage->policy_) << PolicyText(options.window);
  // A secret of this run alone; the bench writes the codes that mentors would read in their mail.
  stage->reply_key_ = "the bench knows this secret, and nobody else needs to";
  const std::string key_file = absl::StrCat(folder, "/reply_key");
  std::ofstream(key_file) << stage->reply_key_;

  demo::SuiteOptions suite;
  suite.bin_dir = options.bin_dir;
  suite.work_dir = folder;
  suite.policy = stage->policy_;
  suite.log_level = "warn";
  suite.replicas = options.replicas;
  suite.start_timeout = absl::Minutes(1);
  suite.transport = absl::StrCat("maildir:", stage->mailboxes_);
  suite.flags[demo::Part::kRequest] = {absl::StrCat("--reply_key_file=", key_file), "--reconcile_interval=24h"};
  if (server != nullptr) {
    stage->prefix_ = name == "main" ? "" : absl::StrCat(name, "_");
    REMATCH_ASSIGN_OR_RETURN(suite.databases, server->Databases(stage->prefix_));
    stage->databases_ = suite.databases;
  } else {
    for (const demo::Part part : demo::kParts) {
      stage->databases_[part] = absl::StrCat("sqlite:", folder, "/", demo::NameOf(part), ".db");
    }
    suite.databases = stage->databases_;
  }
  REMATCH_ASSIGN_OR_RETURN(stage->suite_, demo::Suite::Start(suite));
  return stage;
}

Stage::~Stage() {
  suite_.reset();
  std::error_code ignored;
  if (!mailboxes_.empty()) std::filesystem::remove_all(mailboxes_, ignored);
}

std::string Stage::schema(demo::Part part) const { return absl::StrCat(prefix_, absl::StrReplaceAll(demo::NameOf(part), {{"-", "_"}})); }

absl::StatusOr<std::vector<SeededCase>> Stage::AddCases(const World& world, int64_t first, int64_t count, Until until) {
  for (int i = 0; i < suite_->replicas(); ++i) {
    REMATCH_RETURN_IF_ERROR(suite_->Terminate(demo::Part::kRequest, absl::Seconds(20), i).status());
  }
  REMATCH_ASSIGN_OR_RETURN(std::vector<SeededCase> cases, Seed(database(demo::Part::kRequest), policy_, world, first, count, until));
  for (int i = 0; i < suite_->replicas(); ++i) {
    REMATCH_RETURN_IF_ERROR(suite_->Restart(demo::Part::kRequest, i));
  }
  return cases;
}

double Stage::Resident(demo::Part part) {
  double most = 0;
  for (int i = 0; i < suite_->replicas(); ++i) most = std::max(most, MegabytesOf(suite_->pid(part, i), "VmRSS"));
  return most;
}

double Stage::MostResident(demo::Part part) {
  double most = 0;
  for (int i = 0; i < suite_->replicas(); ++i) most = std::max(most, MegabytesOf(suite_->pid(part, i), "VmHWM"));
  return most;
}

void Stage::ForgetPeaks() {
  for (const demo::Part part : demo::kParts) {
    // "5" resets VmHWM: proc(5), clear_refs.
    for (int i = 0; i < suite_->replicas(); ++i) std::ofstream(absl::StrCat("/proc/", suite_->pid(part, i), "/clear_refs")) << "5";
  }
}

absl::Status Stage::AwaitSent() {
  const auto quiet = [this] {
    for (int i = 0; i < suite_->replicas(); ++i) {
      const auto metrics = suite_->Metrics(demo::Part::kNotify, i);
      std::smatch found;
      if (!metrics.ok() || !std::regex_search(*metrics, found, std::regex(R"re(oldest\w*\{queue="mail"\} ([0-9.e+-]+))re"))) return false;
      double oldest = 1;
      if (!absl::SimpleAtod(found[1].str(), &oldest) || oldest > 0) return false;
    }
    return true;
  };
  // The service measures it once a second.
  const bool sent = demo::WaitUntil(
      [&quiet] {
        if (!quiet()) return false;
        absl::SleepFor(absl::Milliseconds(1200));
        return quiet();
      },
      absl::Minutes(5));
  return sent ? absl::OkStatus() : absl::DeadlineExceededError("messages still wait to be sent");
}

absl::StatusOr<Reference> StartReference(const std::vector<std::string>& flags, const std::string& port_file) {
  std::vector<std::string> argv = {std::filesystem::read_symlink("/proc/self/exe").string(), absl::StrCat("--port_file=", port_file)};
  argv.insert(argv.end(), flags.begin(), flags.end());
  Reference reference;
  REMATCH_ASSIGN_OR_RETURN(
      reference.process,
      demo::Process::Start(
          {.argv = argv, .stdout_path = "/dev/null", .stderr_path = port_file + ".log", .stdin_path = "/dev/null", .environment = {}}));
  if (!demo::WaitUntil([&] { return std::filesystem::exists(port_file); }, absl::Seconds(20))) {
    return absl::UnavailableError(absl::StrCat("a server to measure against did not start: ", demo::ReadFile(port_file + ".log")));
  }
  reference.address = absl::StrCat("127.0.0.1:", demo::ReadFile(port_file));
  return reference;
}

}  // namespace rematch::bench
