// The commands, one file for each group. Each adds its subcommands with their options to the tree; parsing chooses one action.
#ifndef REMATCH_CLI_COMMANDS_H_
#define REMATCH_CLI_COMMANDS_H_

#include <CLI/CLI.hpp>

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "cli/context.h"

namespace rematch::cli {

using Action = std::function<absl::Status(Context&)>;

// What the words of the command line ask for.
struct Chosen {
  Action action;
  bool local = false;  // calls no service, so it needs neither addresses nor a caller
};

// Adds a subcommand that does `action`. `chosen` must outlive the tree.
CLI::App* AddCommand(CLI::App& parent, Chosen& chosen, const std::string& name, const std::string& help, Action action);
// Adds a group, of which one subcommand must be given.
CLI::App* AddGroup(CLI::App& parent, const std::string& name, const std::string& help);
// A repeatable option: one value each time.
CLI::Option* AddList(CLI::App& app, const std::string& name, std::vector<std::string>& values, const std::string& help);

void AddOverviewCommand(CLI::App& app, Chosen& chosen);
void AddRosterCommands(CLI::App& app, Chosen& chosen);
void AddDistrictCommands(CLI::App& app, Chosen& chosen);
void AddMentorCommands(CLI::App& app, Chosen& chosen);
void AddCaseCommands(CLI::App& app, Chosen& chosen);
void AddTaskCommands(CLI::App& app, Chosen& chosen);
void AddOfferCommands(CLI::App& app, Chosen& chosen);
void AddPolicyCommands(CLI::App& app, Chosen& chosen);
void AddCalendarCommands(CLI::App& app, Chosen& chosen);
void AddConcernCommands(CLI::App& app, Chosen& chosen);
void AddSurveyCommands(CLI::App& app, Chosen& chosen);
void AddMailCommands(CLI::App& app, Chosen& chosen);
void AddTemplateCommands(CLI::App& app, Chosen& chosen);

// The whole tree with the global options, for parsing and for completion.
void BuildTree(CLI::App& app, Globals& globals, Chosen& chosen);

// One line that says where a case stands after a command, or the case as JSON.
absl::Status ShowStep(Context& context, const rematch::request::v1::Reassignment& c);

// What tasks about concerns and surveys do as well. The concern that `given` means, in any program of the caller.
absl::StatusOr<std::string> ConcernName(Context& context, const std::string& given, Purpose purpose);
absl::Status ResolveConcern(Context& context, const std::string& name, rematch::request::v1::Concern::Outcome outcome,
                            const std::string& note);
// Without reasons those of the concern are the case's.
absl::Status OpenCaseOfConcern(Context& context, const std::string& name, bool consented, const std::string& reasons);
struct SurveyAnswer {
  std::string reply_code = {};  // of a letter, or
  std::string name = {};        // of a response
  int quality = 0;
  std::string words = {};
  bool wants_change = false;
};
absl::Status AnswerSurvey(Context& context, const SurveyAnswer& answer);

}  // namespace rematch::cli

#endif  // REMATCH_CLI_COMMANDS_H_
