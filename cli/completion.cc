#include "cli/completion.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace rematch::cli {
namespace {

struct Choice {
  std::string word;
  std::string help;
};

struct ValueOption {
  std::string name;                  // --ground
  std::vector<std::string> choices;  // empty: anything, files included
};

// A command or group with what may follow it.
struct Node {
  std::string path;  // "rematch case close"
  std::vector<Choice> subcommands;
  std::vector<Choice> options;
  std::vector<ValueOption> value_options;
  std::vector<std::string> positional_choices;
  bool takes_files = false;  // as positionals
};

// The set of words that an option or positional takes, from what its check says of itself: `{auto,always,never}`.
std::vector<std::string> ChoicesOf(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const size_t begin = type.find('{');
  const size_t end = type.find('}', begin == std::string::npos ? 0 : begin);
  if (begin == std::string::npos || end == std::string::npos) return {};
  return absl::StrSplit(type.substr(begin + 1, end - begin - 1), ',');
}

void Collect(const CLI::App& app, const std::string& path, std::vector<Node>& nodes) {
  Node node{.path = path, .subcommands = {}, .options = {}, .value_options = {}, .positional_choices = {}, .takes_files = false};
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) {
      for (std::string& choice : ChoicesOf(*option)) node.positional_choices.push_back(std::move(choice));
      node.takes_files = node.takes_files || option->get_name(true) == "PATH";
      continue;
    }
    for (const std::string& name : option->get_lnames()) {
      node.options.push_back({"--" + name, option->get_description()});
      if (option->get_items_expected_max() > 0) node.value_options.push_back({"--" + name, ChoicesOf(*option)});
    }
  }
  const std::vector<const CLI::App*> commands = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* command : commands) node.subcommands.push_back({command->get_name(), command->get_description()});
  nodes.push_back(std::move(node));
  for (const CLI::App* command : commands) Collect(*command, path + " " + command->get_name(), nodes);
}

std::string Quoted(const std::string& text) { return "'" + absl::StrReplaceAll(text, {{"'", "'\\''"}}) + "'"; }

// The body that bash and zsh share: walks over the words before the one that is completed, in `words[0..at)`, and leaves in `path` the
// command that they make and in `reply` the words that may follow. Global options may stand anywhere.
std::string Walk(const std::vector<Node>& nodes) {
  std::string known;
  std::string takes_value;
  std::string replies;
  std::string values;
  for (const Node& node : nodes) {
    const bool is_root = node.path == nodes.front().path;
    std::vector<std::string> words;
    for (const Choice& command : node.subcommands) {
      words.push_back(command.word);
      known += "      " + Quoted(node.path + " " + command.word) + ") path=\"$path $word\" ;;\n";
    }
    words.insert(words.end(), node.positional_choices.begin(), node.positional_choices.end());
    for (const Choice& option : node.options) words.push_back(option.word);
    if (!is_root) {
      for (const Choice& option : nodes.front().options) {
        if (std::find(words.begin(), words.end(), option.word) == words.end()) words.push_back(option.word);
      }
    }
    replies +=
        "    " + Quoted(node.path) + ") " + (node.takes_files ? "files=1 " : "") + "reply=" + Quoted(absl::StrJoin(words, " ")) + " ;;\n";
    for (const ValueOption& option : node.value_options) {
      const std::string pattern = is_root ? "*" + Quoted(" " + option.name) : Quoted(node.path + " " + option.name);
      takes_value += "      " + pattern + ") value=$word ;;\n";
      values += "    " + pattern + ") reply=" + Quoted(absl::StrJoin(option.choices, " ")) + " ;;\n";
    }
  }
  return "  local path=rematch value= word i\n"
         "  for ((i = 1; i < at; i++)); do\n"
         "    word=${words[i]}\n"
         "    if [[ -n $value ]]; then value=; continue; fi\n"
         "    case \"$path $word\" in\n" +
         known + takes_value +
         "    esac\n"
         "  done\n"
         "  if [[ -n $value ]]; then case \"$path $value\" in\n" +
         values + "  esac; else case $path in\n" + replies + "  esac; fi\n";
}

std::string Bash(const std::vector<Node>& nodes) {
  return "# bash completion for rematch: source <(rematch completion bash)\n"
         "_rematch() {\n"
         "  local cur=${COMP_WORDS[COMP_CWORD]} at=$COMP_CWORD reply= files=\n"
         "  local -a words=(\"${COMP_WORDS[@]}\")\n" +
         Walk(nodes) +
         // With nothing offered, bash completes files.
         "  if [[ -n $files && $cur != -* ]]; then COMPREPLY=(); else COMPREPLY=($(compgen -W \"$reply\" -- \"$cur\")); fi\n"
         "}\n"
         "complete -o default -F _rematch rematch\n";
}

std::string Zsh(const std::vector<Node>& nodes) {
  return "#compdef rematch\n"
         "# zsh completion for rematch: source <(rematch completion zsh)\n"
         "_rematch() {\n"
         "  emulate -L zsh\n"
         "  setopt ksh_arrays\n"
         "  local at=$((CURRENT - 1)) reply= files=\n"
         "  local cur=${words[CURRENT - 1]}\n" +
         Walk(nodes) +
         "  unsetopt ksh_arrays\n"
         "  if [[ -n $reply && ( -z $files || $cur == -* ) ]]; then compadd -- ${=reply}; else _files; fi\n"
         "}\n"
         "compdef _rematch rematch\n";
}

std::string Fish(const std::vector<Node>& nodes) {
  std::string known;
  std::string takes_value;
  std::string script =
      "# fish completion for rematch: rematch completion fish | source\n"
      "complete -c rematch -e\n";
  std::string rules;
  for (const Node& node : nodes) {
    const bool is_root = node.path == nodes.front().path;
    const std::string here = "-n " + Quoted("test (__rematch_path) = " + Quoted(node.path));
    for (const Choice& command : node.subcommands) {
      known += "            case " + Quoted(node.path + " " + command.word) + "\n                set path \"$path $word\"\n";
      rules += "complete -c rematch " + here + " -f -a " + Quoted(command.word) + " -d " + Quoted(command.help) + "\n";
    }
    if (!node.positional_choices.empty()) {
      rules += "complete -c rematch " + here + " -f -a " + Quoted(absl::StrJoin(node.positional_choices, " ")) + "\n";
    }
    for (const Choice& option : node.options) {
      // `help` is an option of every command, and said once for all with those of the root.
      if (!is_root && option.word == "--help") continue;
      const auto value = std::find_if(node.value_options.begin(), node.value_options.end(),
                                      [&](const ValueOption& one) { return one.name == option.word; });
      std::string rule =
          "complete -c rematch " + (is_root ? std::string() : here + " ") + "-l " + option.word.substr(2) + " -d " + Quoted(option.help);
      if (value != node.value_options.end()) {
        takes_value += "            case " + (is_root ? "'* " + option.word + "'" : Quoted(node.path + " " + option.word)) +
                       "\n                set skip 1\n";
        rule += value->choices.empty() ? " -r" : " -x -a " + Quoted(absl::StrJoin(value->choices, " "));
      }
      rules += rule + "\n";
    }
  }
  return script +
         "function __rematch_path\n"
         "    set -l path rematch\n"
         "    set -l skip 0\n"
         "    for word in (commandline -opc)[2..-1]\n"
         "        if test $skip = 1\n            set skip 0\n            continue\n        end\n"
         "        switch \"$path $word\"\n" +
         known + takes_value +
         "        end\n"
         "    end\n"
         "    echo $path\n"
         "end\n" +
         rules;
}

}  // namespace

std::string CompletionScript(const CLI::App& app, const std::string& shell) {
  std::vector<Node> nodes;
  Collect(app, "rematch", nodes);
  if (shell == "bash") return Bash(nodes);
  if (shell == "zsh") return Zsh(nodes);
  if (shell == "fish") return Fish(nodes);
  return "";
}

}  // namespace rematch::cli
