#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "cli/app.h"
#include "platform/clock.h"
#include "platform/ids.h"

namespace {

int TerminalWidth() {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

}  // namespace

int main(int argc, char** argv) {
  rematch::platform::RealClock clock;
  rematch::platform::SecureRandom random;
  rematch::platform::IdSource ids(clock, random);
  const bool out_is_terminal = isatty(STDOUT_FILENO) == 1;
  rematch::cli::Environment environment{
      .out = std::cout,
      .err = std::cerr,
      .in = std::cin,
      .in_is_terminal = isatty(STDIN_FILENO) == 1,
      .out_is_terminal = out_is_terminal,
      .err_is_terminal = isatty(STDERR_FILENO) == 1,
      .width = out_is_terminal ? TerminalWidth() : 0,
      .variable = [](const char* name) { return std::getenv(name); },
      .clock = clock,
      .ids = ids,
      .zone = absl::LocalTimeZone(),
  };
  return rematch::cli::Run({argv + 1, argv + argc}, environment);
}
