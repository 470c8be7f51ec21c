#include "cli/task_guide.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "cli/failure.h"
#include "cli/format.h"
#include "cli/names.h"
#include "cli/utf8.h"

namespace rematch::cli {

namespace request_v1 = rematch::request::v1;
using request_v1::TaskKind;

namespace {

bool Contains(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// The option as a usage line writes it.
std::string Written(const std::string& name, bool optional, TaskKind kind) {
  const TaskOption& option = TaskOptionOf(name);
  std::string text = name;
  if (option.takes_value) {
    const std::vector<std::string> choices = name == "--outcome" ? OutcomesOf(kind) : option.choices;
    std::string placeholder = option.value.empty() ? absl::AsciiStrToUpper(name.substr(2)) : option.value;
    std::replace(placeholder.begin(), placeholder.end(), '-', '_');
    text += " " + (choices.empty() ? placeholder : absl::StrJoin(choices, "|"));
  }
  if (optional) text = "[" + text + "]";
  return text + (option.repeatable ? "..." : "");
}

}  // namespace

const std::vector<TaskOption>& TaskOptions() {
  static const std::vector<TaskOption>* const options = new std::vector<TaskOption>{
      {.name = "--proceed", .help = "Review: go on with the search", .choices = {}},
      {.name = "--first",
       .help = "Review: a mentor to be asked first, in the order given",
       .takes_value = true,
       .value = "MENTOR",
       .repeatable = true,
       .choices = {}},
      {.name = "--strike",
       .help = "Review: a mentor never to be asked in this case",
       .takes_value = true,
       .value = "MENTOR",
       .repeatable = true,
       .choices = {}},
      {.name = "--close",
       .help = "End the case without a change, on this ground",
       .takes_value = true,
       .choices = Choices(*request_v1::CloseGround_descriptor())},
      {.name = "--confirm", .help = "The match is good: the candidate is to be called", .choices = {}},
      {.name = "--reject", .help = "The match is not good", .choices = {}},
      {.name = "--include-current", .help = "Broadcast to everybody, the current mentor included", .choices = {}},
      {.name = "--without-current", .help = "Broadcast to everybody but the current mentor", .choices = {}},
      {.name = "--choose",
       .help = "The offer of the one who is chosen, or their name",
       .takes_value = true,
       .value = "OFFER",
       .choices = {}},
      {.name = "--pass-all", .help = "None of those who showed interest", .choices = {}},
      {.name = "--fit", .help = "The person is fit to mentor: they join the roster and are asked", .choices = {}},
      {.name = "--dismiss", .help = "The person is not", .choices = {}},
      {.name = "--mentor", .help = "Their record, if they are a mentor already", .takes_value = true, .choices = {}},
      {.name = "--district", .help = "Their district, by name or id", .takes_value = true, .choices = {}},
      {.name = "--credential", .help = "A credential that they can support", .takes_value = true, .repeatable = true, .choices = {}},
      {.name = "--grade-band", .help = "A grade band that they can support", .takes_value = true, .repeatable = true, .choices = {}},
      {.name = "--subject", .help = "A subject that they can support", .takes_value = true, .repeatable = true, .choices = {}},
      {.name = "--capacity", .help = "How many candidates they take at most", .takes_value = true, .choices = {}},
      {.name = "--yes", .help = "The candidate agrees that their site is asked for names", .choices = {}},
      {.name = "--no", .help = "The candidate does not", .choices = {}},
      {.name = "--outcome",
       .help = "How the call went",
       .takes_value = true,
       .choices = {"agreed", "declined", "told", "no-answer", "voicemail", "wrong-number"}},
      {.name = "--take", .help = "The leader takes the candidate", .choices = {}},
      {.name = "--decline", .help = "The leader does not", .choices = {}},
      {.name = "--by-mail", .help = "Tell them by a neutral message instead of a call", .choices = {}},
      {.name = "--restart",
       .help = "Begin a new round of the search at this stage",
       .takes_value = true,
       .choices = Choices(*request_v1::StageKind_descriptor())},
      {.name = "--open", .help = "Open a case: another mentor is looked for", .choices = {}},
      {.name = "--assign", .help = "The mentor whom they are given at once", .takes_value = true, .value = "MENTOR", .choices = {}},
      {.name = "--settled", .help = "The two stay together: the case is closed without a change", .choices = {}},
      {.name = "--not-settled", .help = "They talked, and the candidate still wants a change", .choices = {}},
      {.name = "--not-held", .help = "There was no talk, and the mentor was told of none", .choices = {}},
      {.name = "--signed",
       .help = "Who signed the request",
       .takes_value = true,
       .choices = Choices(*request_v1::EscalationPolicy_Stage_Signer_descriptor())},
      {.name = "--not-signed",
       .help = "Who was asked, and would not sign",
       .takes_value = true,
       .choices = Choices(*request_v1::EscalationPolicy_Stage_Signer_descriptor())},
      {.name = "--talked-over", .help = "You talked with the candidate, and nothing else is wanted now", .choices = {}},
      {.name = "--no-action", .help = "Nothing could be done, or nothing was called for", .choices = {}},
      {.name = "--consented", .help = "The candidate agreed that a case is opened", .choices = {}},
      {.name = "--answer",
       .help = "How good the relationship is, from 1 (it does not work) to 5 (very good)",
       .takes_value = true,
       .choices = {"1", "2", "3", "4", "5"}},
      {.name = "--words", .help = "What they said; private", .takes_value = true, .choices = {}},
      {.name = "--wants-change", .help = "The candidate asks for another mentor: that is their consent to a case", .choices = {}},
      {.name = "--told", .help = "You spoke with the candidate, and told them what the letter says", .choices = {}},
      {.name = "--resume", .help = "End the pause of the case", .choices = {}},
      {.name = "--note", .help = "A note on the decision; private", .takes_value = true, .choices = {}},
  };
  return *options;
}

const TaskOption& TaskOptionOf(std::string_view name) {
  return *std::find_if(TaskOptions().begin(), TaskOptions().end(), [&](const TaskOption& option) { return option.name == name; });
}

const std::vector<Verb>& VerbsOf(TaskKind kind) {
  static const Verb close = {"--close", "close the case without a change", {}, {"--note"}};
  static const Verb restart = {"--restart", "begin a new round of the search at a stage", {}, {}};
  static const Verb call = {"--outcome", "record how the call went", {"--note"}, {}};
  static const Verb answer = {"--answer", "record how they say it goes", {"--words", "--wants-change"}, {}};
  static const std::map<TaskKind, std::vector<Verb>>* const verbs = new std::map<TaskKind, std::vector<Verb>>{
      {TaskKind::REVIEW_REASONS, {{"--proceed", "go on with the search", {"--first", "--strike", "--note"}, {}}, close}},
      {TaskKind::ASK_CONSENT,
       {{"--yes", "the candidate agrees that their site is asked", {}, {}}, {"--no", "the candidate does not", {}, {}}}},
      {TaskKind::CONFIRM_MATCH, {{"--confirm", "the match is good", {"--note"}, {}}, {"--reject", "it is not", {"--note"}, {}}}},
      {TaskKind::CHOOSE_BROADCAST_AUDIENCE,
       {{"--include-current", "ask everybody, the current mentor included", {}, {}},
        {"--without-current", "ask everybody but the current mentor", {}, {}}}},
      {TaskKind::CHOOSE_AMONG_INTERESTED,
       {{"--choose", "take one of them", {"--note"}, {}}, {"--pass-all", "take none of them", {"--note"}, {}}}},
      {TaskKind::QUALIFY_PERSON,
       {{"--fit",
         "they join the roster and are asked",
         {"--mentor", "--district", "--credential", "--grade-band", "--subject", "--capacity", "--note"},
         {}},
        {"--dismiss", "they are not asked", {"--note"}, {}}}},
      {TaskKind::CALL_CANDIDATE, {call}},
      {TaskKind::FIND_NUMBER, {call}},
      {TaskKind::TAKE_CANDIDATE, {{"--take", "take the candidate", {}, {}}, {"--decline", "do not", {"--note"}, {}}}},
      {TaskKind::TRANSFER_REFUSED, {restart, {"--choose", "confirm another offer", {"--note"}, {}}, close}},
      {TaskKind::TELL_BY_PHONE, {call}},
      {TaskKind::TELL_FORMER_MENTOR, {call, {"--by-mail", "send them a neutral message instead", {}, {}}}},
      {TaskKind::RESOLVE_STUCK, {restart, close}},
      {TaskKind::MENTOR_LEFT,
       {{"--open", "open a case: another mentor is looked for", {"--note"}, {}}, {"--assign", "give them a mentor at once", {}, {}}}},
      {TaskKind::MEDIATE,
       {{"--settled", "they stay together, and the case ends", {"--note"}, {}},
        {"--not-settled", "the candidate still wants a change", {"--note"}, {}},
        {"--not-held", "there was no talk", {"--note"}, {}},
        close}},
      {TaskKind::COLLECT_SIGNATURES,
       {{"--signed", "somebody signed", {"--note"}, {}}, {"--not-signed", "somebody would not", {"--note"}, {}}, close}},
      {TaskKind::RESOLVE_CONCERN,
       {{"--talked-over", "you talked, and nothing else is wanted", {"--note"}, {}},
        {"--no-action", "nothing could be done, or was called for", {}, {"--note"}},
        {"--open", "open a case: another mentor is looked for", {"--consented", "--note"}, {}}}},
      {TaskKind::CHECK_IN, {answer, {"--told", "you spoke with them, and there is no answer to record", {}, {}}}},
      {TaskKind::TELL_CANDIDATE, {{"--told", "you told them what the letter says", {}, {}}, answer}},
      {TaskKind::RESUME_CASE, {{"--resume", "end the pause", {"--note"}, {}}, close}},
  };
  static const std::vector<Verb> none;
  const auto found = verbs->find(kind);
  return found == verbs->end() ? none : found->second;
}

std::vector<std::string> OutcomesOf(TaskKind kind) {
  if (kind == TaskKind::CALL_CANDIDATE || kind == TaskKind::FIND_NUMBER)
    return {"agreed", "declined", "no-answer", "voicemail", "wrong-number"};
  return {"told", "no-answer", "voicemail", "wrong-number"};
}

absl::StatusOr<Verb> ChooseVerb(TaskKind kind, const GivenOptions& given) {
  const Verb* chosen = nullptr;
  for (const Verb& verb : VerbsOf(kind)) {
    if (!given.contains(verb.option)) continue;
    if (chosen != nullptr) return Usage(chosen->option + " and " + verb.option + " exclude each other");
    chosen = &verb;
  }
  const std::string words = Words(kind);
  if (chosen == nullptr) return Usage("none of these options ends a task to " + words);
  for (const auto& [name, values] : given) {
    if (name != chosen->option && !Contains(chosen->may, name) && !Contains(chosen->must, name)) {
      return Usage(name + " does not go with " + chosen->option + " of a task to " + words);
    }
  }
  for (const std::string& name : chosen->must) {
    if (!given.contains(name)) return Usage(chosen->option + " needs " + name);
  }
  if (chosen->option == "--fit" && !given.contains("--mentor") && !given.contains("--district")) {
    return Usage("--fit needs --mentor, or --district for somebody who is new");
  }
  if (chosen->option == "--outcome" && !Contains(OutcomesOf(kind), given.at("--outcome").front())) {
    return Usage("--outcome of a task to " + words + " is one of " + absl::StrJoin(OutcomesOf(kind), ", "));
  }
  return *chosen;
}

std::string TaskUsage(const request_v1::Task& task) {
  std::string out;
  for (const Verb& verb : VerbsOf(task.kind())) {
    std::string line = "  rematch task do " + ShortName(task.name()) + " " + Written(verb.option, false, task.kind());
    for (const std::string& name : verb.must) line += " " + Written(name, false, task.kind());
    for (const std::string& name : verb.may) line += " " + Written(name, true, task.kind());
    out += line + "\n      " + verb.help + "\n";
  }
  if (task.kind() == TaskKind::RESOLVE_STUCK) {
    out += "  rematch case recommend " + IdOf(Ancestor(task.name(), "reassignments")) +
           " --name NAME --email ADDRESS\n      name somebody to be asked\n";
  }
  return out;
}

}  // namespace rematch::cli
