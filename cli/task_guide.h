// What each kind of task needs to be done: the options of `task do`, as data from which parsing, checking, usage and the questions on
// a terminal are all made.
#ifndef REMATCH_CLI_TASK_GUIDE_H_
#define REMATCH_CLI_TASK_GUIDE_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "rematch/request/v1/resources.pb.h"

namespace rematch::cli {

// One option of `task do`.
struct TaskOption {
  std::string name;  // --proceed
  std::string help;
  bool takes_value = false;
  std::string value = {};  // what the value is, where the option's own name does not say it
  bool repeatable = false;
  std::vector<std::string> choices;  // of the value; empty: any
};

// One way to end a task: the option that says so, and those that may or must come with it.
struct Verb {
  std::string option;
  std::string help;
  std::vector<std::string> may;
  std::vector<std::string> must;
};

// Option -> its values; a flag has one empty value.
using GivenOptions = std::map<std::string, std::vector<std::string>>;

const std::vector<TaskOption>& TaskOptions();
const TaskOption& TaskOptionOf(std::string_view name);
// The ways to end a task of this kind; never empty for a kind of the protos.
const std::vector<Verb>& VerbsOf(rematch::request::v1::TaskKind kind);
// The call outcomes that make sense for it.
std::vector<std::string> OutcomesOf(rematch::request::v1::TaskKind kind);

// The one verb that `given` asks for. USAGE when it is none or several of them, when an option does not go with it or one
// that it needs is missing.
absl::StatusOr<Verb> ChooseVerb(rematch::request::v1::TaskKind kind, const GivenOptions& given);

// The lines that say how to end it: `rematch task do 3fa2b1/t1 --proceed [--first MENTOR]...`.
std::string TaskUsage(const rematch::request::v1::Task& task);

}  // namespace rematch::cli

#endif  // REMATCH_CLI_TASK_GUIDE_H_
