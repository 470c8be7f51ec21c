// A child process of the demo and of the scenario tests: started in a process group of its own, with its standard error in a
// file, and never outliving its parent, however that one ends.
#ifndef REMATCH_DEMO_PROCESS_H_
#define REMATCH_DEMO_PROCESS_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace rematch::demo {

// Asks `condition` every 10 ms until it holds; false when it does not within `timeout`.
bool WaitUntil(absl::FunctionRef<bool()> condition, absl::Duration timeout);

// One child. Movable; killed and awaited by its destructor.
class Process {
 public:
  struct Options {
    std::vector<std::string> argv;          // argv[0] is a path
    std::string stdout_path = "/dev/null";  // appended to
    std::string stderr_path = "/dev/null";  // appended to
    std::string stdin_path = "/dev/null";   // opened to read and write, so that a FIFO never ends
    std::vector<std::string> environment;   // "NAME=value", before the parent's
  };

  // NOT_FOUND when argv[0] is no executable file; INTERNAL when the system starts no process.
  static absl::StatusOr<Process> Start(const Options& options);

  Process() = default;
  Process(Process&& other) noexcept { *this = std::move(other); }
  Process& operator=(Process&& other) noexcept;
  ~Process();

  // 0 without a child.
  pid_t pid() const { return pid_; }
  bool running();
  // How it ended: its exit code, or 128 plus the signal's number. Unset while it runs.
  std::optional<int> exit_code();
  void Signal(int signal);
  // How it ended, or nothing when it still runs after `timeout`.
  std::optional<int> Wait(absl::Duration timeout);
  // SIGKILL, and waits until it is gone.
  void Kill();

 private:
  pid_t pid_ = 0;
  std::optional<int> exit_code_;
};

struct Finished {
  int exit_code = 0;
  std::string out;
  std::string err;
};

// Runs a command to its end. DEADLINE_EXCEEDED when it takes longer than `timeout`.
absl::StatusOr<Finished> Run(const std::vector<std::string>& argv, const std::vector<std::string>& environment, absl::Duration timeout);

// What a command prints, without the end of its last line. UNAVAILABLE with what it said of its errors when its exit code is not 0.
absl::StatusOr<std::string> OutputOf(const std::vector<std::string>& argv, absl::Duration timeout);

// The whole file; empty when there is none.
std::string ReadFile(const std::string& path);

}  // namespace rematch::demo

#endif  // REMATCH_DEMO_PROCESS_H_
