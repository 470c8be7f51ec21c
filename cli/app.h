// The command line as a function: words in, text and an exit code out (cli/failure.h lists the codes).
#ifndef REMATCH_CLI_APP_H_
#define REMATCH_CLI_APP_H_

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "platform/clock.h"
#include "platform/ids.h"

namespace rematch::cli {

// What a command finds around it.
struct Environment {
  std::ostream& out;
  std::ostream& err;
  std::istream& in;
  bool in_is_terminal = false;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  int width = 0;                                          // columns of the terminal, 0 when there is none
  std::function<const char*(const char* name)> variable;  // an environment variable, or null
  platform::Clock& clock;
  platform::IdSource& ids;  // of request ids
  absl::TimeZone zone;      // in which times are shown
};

// Runs one command. `words` are those after the program's name.
int Run(const std::vector<std::string>& words, Environment& environment);

}  // namespace rematch::cli

#endif  // REMATCH_CLI_APP_H_
