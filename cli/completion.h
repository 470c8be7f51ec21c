// Completion scripts for shells, made from the tree of commands itself, so that they cannot fall behind it.
#ifndef REMATCH_CLI_COMPLETION_H_
#define REMATCH_CLI_COMPLETION_H_

#include <CLI/CLI.hpp>

#include <string>

namespace rematch::cli {

// `shell` is bash, zsh or fish; any other gives "".
std::string CompletionScript(const CLI::App& app, const std::string& shell);

}  // namespace rematch::cli

#endif  // REMATCH_CLI_COMPLETION_H_
