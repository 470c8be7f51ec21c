#include "demo/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "platform/errors.h"

extern char** environ;

namespace rematch::demo {
namespace {

// The one thread that starts children. The kernel ends a child when the thread that started it ends (PR_SET_PDEATHSIG), so this one
// lives as long as the process.
class Spawner {
 public:
  static Spawner& Get() {
    static Spawner* const spawner = new Spawner;
    return *spawner;
  }

  void Do(absl::FunctionRef<void()> work) {
    absl::Notification done;
    {
      absl::MutexLock lock(&mutex_);
      work_.push_back([&] {
        work();
        done.Notify();
      });
    }
    done.WaitForNotification();
  }

 private:
  Spawner() {
    std::thread([this] {
      while (true) {
        std::function<void()> next;
        {
          absl::MutexLock lock(&mutex_);
          mutex_.Await(absl::Condition(
              +[](std::vector<std::function<void()>>* work) { return !work->empty(); }, &work_));
          next = std::move(work_.front());
          work_.erase(work_.begin());
        }
        next();
      }
    }).detach();
  }

  absl::Mutex mutex_;
  std::vector<std::function<void()>> work_ ABSL_GUARDED_BY(mutex_);
};

int Decode(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

bool WaitUntil(absl::FunctionRef<bool()> condition, absl::Duration timeout) {
  const absl::Time end = absl::Now() + timeout;
  while (!condition()) {
    if (absl::Now() >= end) return false;
    absl::SleepFor(absl::Milliseconds(10));
  }
  return true;
}

absl::StatusOr<Process> Process::Start(const Options& options) {
  if (access(options.argv.at(0).c_str(), X_OK) != 0) return absl::NotFoundError(absl::StrCat("not an executable file: ", options.argv[0]));
  // setpriv sets the signal that the child gets when its parent dies, then becomes the command: the pid stays.
  std::vector<std::string> argv = {"/usr/bin/setpriv", "--pdeathsig", "KILL", "--"};
  argv.insert(argv.end(), options.argv.begin(), options.argv.end());
  // Of two values for a name the first counts.
  std::vector<std::string> environment = options.environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.push_back(*entry);
  std::vector<char*> argv_pointers = Pointers(argv), environment_pointers = Pointers(environment);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, options.stdin_path.c_str(), O_RDWR, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, options.stdout_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, options.stderr_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  pid_t pid = 0;
  int error = 0;
  Spawner::Get().Do(
      [&] { error = posix_spawn(&pid, argv[0].c_str(), &actions, &attributes, argv_pointers.data(), environment_pointers.data()); });
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return absl::InternalError(absl::StrCat("cannot start ", options.argv[0], ": ", std::strerror(error)));
  Process process;
  process.pid_ = pid;
  return process;
}

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    Kill();
    pid_ = std::exchange(other.pid_, 0);
    exit_code_ = std::exchange(other.exit_code_, std::nullopt);
  }
  return *this;
}

Process::~Process() { Kill(); }

std::optional<int> Process::exit_code() {
  if (pid_ != 0 && !exit_code_.has_value()) {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) exit_code_ = Decode(status);
  }
  return exit_code_;
}

bool Process::running() { return pid_ != 0 && !exit_code().has_value(); }

void Process::Signal(int signal) {
  if (running()) kill(pid_, signal);
}

std::optional<int> Process::Wait(absl::Duration timeout) {
  WaitUntil([this] { return !running(); }, timeout);
  return exit_code_;
}

void Process::Kill() {
  if (!running()) return;
  kill(-pid_, SIGKILL);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  exit_code_ = Decode(status);
}

absl::StatusOr<Finished> Run(const std::vector<std::string>& argv, const std::vector<std::string>& environment, absl::Duration timeout) {
  char folder[] = "/tmp/rematch-run-XXXXXX";
  if (mkdtemp(folder) == nullptr) return absl::InternalError("no temporary folder");
  const std::string out = absl::StrCat(folder, "/out"), err = absl::StrCat(folder, "/err");
  auto process =
      Process::Start({.argv = argv, .stdout_path = out, .stderr_path = err, .stdin_path = "/dev/null", .environment = environment});
  absl::StatusOr<Finished> result = absl::DeadlineExceededError(absl::StrCat(argv[0], " did not end in time"));
  if (!process.ok()) {
    result = process.status();
  } else if (std::optional<int> code = process->Wait(timeout)) {
    result = Finished{*code, ReadFile(out), ReadFile(err)};
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  return result;
}

absl::StatusOr<std::string> OutputOf(const std::vector<std::string>& argv, absl::Duration timeout) {
  REMATCH_ASSIGN_OR_RETURN(const Finished finished, Run(argv, {}, timeout));
  if (finished.exit_code != 0) return absl::UnavailableError(std::string(absl::StripTrailingAsciiWhitespace(finished.err)));
  return std::string(absl::StripTrailingAsciiWhitespace(finished.out));
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  return std::move(content).str();
}

}  // namespace rematch::demo
