#include "cli/names.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "cli/failure.h"
#include "cli/format.h"
#include "cli/utf8.h"
#include "platform/errors.h"

namespace rematch::cli {
namespace {

constexpr size_t kShownTail = 6;
constexpr size_t kLeastTyped = 4;

bool IsUuid(std::string_view id) {
  if (id.size() != 36) return false;
  for (size_t i = 0; i < id.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? id[i] != '-' : !absl::ascii_isxdigit(static_cast<unsigned char>(id[i]))) return false;
  }
  return true;
}

// What stands behind the UUID of a key that begins with one (`UUID.o1.first_approach` -> `.o1.first_approach`); nullopt of any other id.
std::optional<std::string_view> BehindUuid(std::string_view id) {
  if (id.size() > 36 && id[36] != '.') return std::nullopt;
  if (!IsUuid(id.substr(0, 36))) return std::nullopt;
  return id.substr(36);
}

std::string Tail(std::string_view id, size_t length) {
  const std::optional<std::string_view> behind = BehindUuid(id);
  if (!behind.has_value() || length >= 36) return std::string(id);
  return std::string(id.substr(36 - length));
}

// `tail/id` of a name below a case, "" of any other.
bool IsCaseReference(std::string_view name, std::string_view given) {
  const std::string of_case = Ancestor(name, "reassignments");
  const size_t slash = given.find('/');
  if (of_case.empty() || of_case == name || slash == std::string_view::npos) return false;
  const std::string case_id = IdOf(of_case);
  const std::string_view tail = given.substr(0, slash);
  return given.substr(slash + 1) == IdOf(name) && (case_id == tail || (tail.size() >= kLeastTyped && case_id.ends_with(tail)));
}

// Words of a service: values of enums in lower case, ids as they are shown. No person's name is among them.
std::string Plain(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t begin = std::min(text.find_first_not_of(" ,;:()"), text.size());
    out += text.substr(0, begin);
    text.remove_prefix(begin);
    const size_t end = std::min(text.find_first_of(" ,;:()"), text.size());
    const std::string_view word = text.substr(0, end);
    const bool shouted = word.size() > 2 && word.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == std::string_view::npos;
    out += BehindUuid(word).has_value() ? Tail(word, kShownTail) : shouted ? Spoken(word) : std::string(word);
    text.remove_prefix(end);
  }
  return out;
}

// The first few of them, as they can be named: `Ana Ruiz (0000c1), Bo Kern (0000c2), ...`.
std::string Listed(const std::vector<const Known*>& found) {
  constexpr size_t kListed = 5;
  std::vector<std::string> names;
  for (const Known* one : found) names.push_back(one->name);
  const std::map<std::string, std::string> tails = ShortTails(names);
  std::string list;
  for (size_t i = 0; i < found.size() && i < kListed; ++i) {
    const std::string& tail = tails.at(found[i]->name);
    const bool called = !found[i]->aliases.empty() && !found[i]->aliases.front().empty();
    list += (i == 0 ? "" : ", ") + (called ? Printable(found[i]->aliases.front()) + " (" + tail + ")" : tail);
  }
  return list + (found.size() > kListed ? ", ..." : "");
}

}  // namespace

std::string IdOf(std::string_view name) {
  const size_t slash = name.rfind('/');
  return std::string(slash == std::string_view::npos ? name : name.substr(slash + 1));
}

std::string Ancestor(std::string_view name, std::string_view collection) {
  const std::string part = "/" + std::string(collection) + "/";
  size_t begin = name.starts_with(part.substr(1)) ? 0 : name.find(part);
  if (begin == std::string_view::npos) return "";
  begin += begin == 0 && name.front() != '/' ? part.size() - 1 : part.size();
  return std::string(name.substr(0, name.find('/', begin)));
}

std::string ShortName(std::string_view name) {
  const std::string of_case = Ancestor(name, "reassignments");
  // A candidate's own task begins with a word for what it is about.
  if (const std::string candidate = Ancestor(name, "candidates"); !candidate.empty() && candidate != name) {
    std::string own = IdOf(name);
    const size_t dash = own.find('-');
    if (own.size() > dash + 1 + 2 * kShownTail) own = own.substr(0, dash + 1) + own.substr(own.size() - kShownTail);
    return Tail(IdOf(candidate), kShownTail) + "/" + own;
  }
  std::string own = Tail(IdOf(name), kShownTail);
  if (of_case.empty() || of_case == name) return own;
  return Tail(IdOf(of_case), kShownTail) + "/" + own;
}

std::map<std::string, std::string> ShortTails(const std::vector<std::string>& names) {
  std::set<std::string> ids;
  for (const std::string& name : names) ids.insert(IdOf(name));
  size_t length = kShownTail;
  for (; length < 36; ++length) {
    std::set<std::string> tails;
    if (std::all_of(ids.begin(), ids.end(), [&](const std::string& id) { return tails.insert(Tail(id, length)).second; })) break;
  }
  std::map<std::string, std::string> result;
  for (const std::string& name : names) result[name] = Tail(IdOf(name), length);
  return result;
}

absl::StatusOr<std::string> Resolve(std::string_view what, const std::vector<Known>& known, std::string_view given, Purpose purpose) {
  const std::string lower = absl::AsciiStrToLower(std::string(given));
  const auto alias_is = [](const Known& one, const std::function<bool(const std::string&)>& fits) {
    return std::any_of(one.aliases.begin(), one.aliases.end(),
                       [&](const std::string& alias) { return fits(absl::AsciiStrToLower(alias)); });
  };
  using Rule = std::function<bool(const Known&)>;
  const auto fitting = [&](const Rule& rule) {
    std::vector<const Known*> found;
    for (const Known& one : known) {
      const bool again = std::any_of(found.begin(), found.end(), [&](const Known* other) { return other->name == one.name; });
      if (!again && rule(one)) found.push_back(&one);
    }
    return found;
  };
  const bool long_enough = lower.size() >= kLeastTyped;
  const std::vector<Rule> whole = {
      [&](const Known& one) { return one.name == given; },
      [&](const Known& one) { return IdOf(one.name) == given; },
      [&](const Known& one) { return IsCaseReference(one.name, given); },
      [&](const Known& one) { return alias_is(one, [&](const std::string& alias) { return alias == lower; }); },
      [&](const Known& one) { return long_enough && BehindUuid(IdOf(one.name)).has_value() && IdOf(one.name).ends_with(lower); },
  };
  const std::vector<Rule> in_part = {
      [&](const Known& one) { return IdOf(one.name).starts_with(lower); },
      [&](const Known& one) { return alias_is(one, [&](const std::string& alias) { return alias.find(lower) != std::string::npos; }); },
  };
  const auto several = [&](const std::vector<const Known*>& found) {
    return Usage("`" + Printable(given) + "` fits more than one " + std::string(what) + ": " + Listed(found));
  };
  for (const Rule& rule : whole) {
    const std::vector<const Known*> found = fitting(rule);
    if (found.size() == 1) return found.front()->name;
    if (found.size() > 1) return several(found);
  }
  if (!lower.empty() && long_enough) {
    for (const Rule& rule : in_part) {
      const std::vector<const Known*> found = fitting(rule);
      if (found.empty()) continue;
      if (purpose == Purpose::kWrite) {
        return Usage("no " + std::string(what) + " is `" + Printable(given) + "`; did you mean " + Listed(found) + "?");
      }
      if (found.size() > 1) return several(found);
      return found.front()->name;
    }
  }
  const bool would_fit =
      !lower.empty() && !long_enough && !fitting([&](const Known& one) {
                                           const std::optional<std::string_view> behind = BehindUuid(IdOf(one.name));
                                           return (behind.has_value() && IdOf(one.name).ends_with(lower)) || in_part.back()(one);
                                         }).empty();
  if (would_fit) return Usage("`" + Printable(given) + "` is too short: " + std::to_string(kLeastTyped) + " letters at least");
  return Error(absl::StatusCode::kNotFound, reason::kNotFound, "no " + std::string(what) + " fits `" + Printable(given) + "`");
}

void People::Add(std::string name, std::string display_name) {
  if (!display_name.empty()) display_names_[std::move(name)] = Printable(display_name);
}

std::string People::Of(std::string_view name) const {
  const auto found = display_names_.find(name);
  return found == display_names_.end() ? ShortName(name) : found->second;
}

std::string People::Humanize(std::string_view text) const {
  std::string out;
  while (!text.empty()) {
    const size_t begin = text.find("consortia/");
    out += Printable(Plain(text.substr(0, begin)));
    if (begin == std::string_view::npos) break;
    text.remove_prefix(begin);
    const size_t end = std::min(text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./"), text.size());
    std::string_view name = text.substr(0, end);
    while (name.ends_with('.') || name.ends_with('/')) name.remove_suffix(1);
    out += Of(name);
    text.remove_prefix(name.size());
  }
  return out;
}

}  // namespace rematch::cli
