#include "notify-service/domain/templates.h"

#include <kainjow/mustache.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "notify-service/domain/reasons.h"
#include "platform/canonical.h"
#include "platform/strings.h"
#include "platform/validation.h"

namespace rematch::notify {
namespace {

using kainjow::mustache::basic_context;
using kainjow::mustache::data;
using kainjow::mustache::mustache;

constexpr size_t kMaxVariable = 2000;

// Gives a template its variables. An empty one is false to a section, so that {{#phone}}...{{/phone}} leaves out a line that would say
// nothing.
class Variables final : public basic_context<std::string> {
 public:
  explicit Variables(const std::map<std::string, std::string>& values) {
    for (const auto& [name, value] : values) {
      values_.emplace(name, value.empty() ? data(data::type::bool_false) : data(value));
    }
  }

  void push(const data*) override {}
  void pop() override {}
  const data* get(const std::string& name) const override {
    const auto found = values_.find(name);
    return found == values_.end() ? nullptr : &found->second;
  }
  const data* get_partial(const std::string&) const override { return nullptr; }

 private:
  std::map<std::string, data> values_;
};

// The three parts of a template, and what each may be.
struct Part {
  const char* name;
  size_t max_bytes;
  bool one_line;
  bool html;
  std::string Kind::*expanded;
  const std::string& (v1::TemplateSource::*given)() const;
};
constexpr std::array<Part, 3> kParts = {{{"subject", 500, true, false, &Kind::subject, &v1::TemplateSource::subject},
                                         {"text", 32'768, false, false, &Kind::text, &v1::TemplateSource::text},
                                         {"html", 131'072, false, true, &Kind::html, &v1::TemplateSource::html}}};

// What a message must say whoever words it, in text and in HTML, whatever else is empty. Without a kind: of every kind that has the
// variable.
struct Essential {
  std::string_view kind;
  std::string_view variable;
};
constexpr Essential kEssentials[] = {
    {"", "reply_code"},  // an answer without it belongs to nobody's question
    {"", "need"},        // what a mentor, or whoever is to name one, decides by
    {"", "window_end"},  // an answer that comes later assigns nothing (F31)
    // Who it is now, and how to reach them (F8).
    {"official_candidate", "mentor_name"},
    {"official_candidate", "mentor_email"},
    {"official_mentor", "candidate_name"},
    {"official_mentor", "candidate_email"},
    {"", "close_time"},  // so does an answer to a survey
    // Whom to turn to (F1).
    {"welcome", "leader_name"},
    {"welcome", "leader_email"},
    // Whom it is about: such a message has no other news.
    {"former_mentor_note", "candidate_name"},
    {"proposal_note", "candidate_name"},
    {"site_notice", "candidate_name"},
    {"site_notice", "mentor_name"},
};

// What the tags of a part are.
struct Tags {
  std::set<std::string> variables;
  std::set<std::string> always;  // of these, what is said whatever other variables are empty
  // Where something is wrong, as a line from 1, and what.
  std::vector<std::pair<size_t, std::string>> problems;
};

bool IsVariable(std::string_view name) {
  constexpr size_t kMaxName = 64;
  return !name.empty() && name.size() <= kMaxName &&
         std::all_of(name.begin(), name.end(), [](char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '_'; });
}

// Reads the tags as the library does, and refuses what it takes in silence: other delimiters, what puts text in unescaped, a partial that
// is not there, and a name that no variable can have.
Tags ReadTags(std::string_view source, std::string_view format, const std::map<std::string, std::string>& partials) {
  constexpr size_t kMaxDepth = 8;  // the library calls itself for each
  Tags tags;
  std::vector<std::string> sections;  // that are open; those that stand for another variable's absence begin with ^
  size_t line = 1;
  size_t at = 0;
  for (size_t open = source.find("{{"); open != source.npos; open = source.find("{{", at)) {
    line += std::count(source.begin() + static_cast<ptrdiff_t>(at), source.begin() + static_cast<ptrdiff_t>(open), '\n');
    const auto bad = [&tags, line](std::string what) { tags.problems.emplace_back(line, std::move(what)); };
    const size_t close = source.find("}}", open + 2);
    if (close == source.npos) {
      bad("a tag does not end");
      return tags;
    }
    const absl::string_view tag = absl::StripAsciiWhitespace(ToAbsl(source.substr(open + 2, close - open - 2)));
    const bool has_sigil = !tag.empty() && absl::StrContains("!{&=>#^/", tag.substr(0, 1));
    const char sigil = has_sigil ? tag.front() : ' ';
    const std::string name(absl::StripAsciiWhitespace(tag.substr(has_sigil ? 1 : 0)));
    at = close + 2;
    line += std::count(source.begin() + static_cast<ptrdiff_t>(open), source.begin() + static_cast<ptrdiff_t>(at), '\n');
    if (sigil == '!') continue;
    if (sigil == '{' || sigil == '&' || sigil == '=') {
      bad("only {{name}} puts a variable in: other tags would not escape it");
      return tags;  // what follows may be read otherwise
    }
    if (sigil == '>') {
      if (!partials.contains(absl::StrCat(name, ".", ToAbsl(format)))) {
        bad("there is no such partial for this part");
      } else if (tag != absl::StrCat("> ", name)) {
        bad("a partial is written {{> name}}");
      }
      continue;
    }
    if (!IsVariable(name)) {
      bad("a variable is named by a-z, 0-9 and _");
      continue;
    }
    if (sigil == '/') {
      if (sections.empty() || absl::StripPrefix(sections.back(), "^") != name) {
        bad("a section ends that is not the last one begun");
        return tags;
      }
      sections.pop_back();
      continue;
    }
    tags.variables.insert(name);
    if (sigil == '#' || sigil == '^') {
      if (sections.size() == kMaxDepth) {
        bad(absl::StrCat("sections are at most ", kMaxDepth, " deep"));
        return tags;
      }
      sections.push_back(sigil == '^' ? "^" + name : name);
    } else if (std::all_of(sections.begin(), sections.end(), [&name](const std::string& section) { return section == name; })) {
      tags.always.insert(name);
    }
  }
  if (!sections.empty()) tags.problems.emplace_back(line, "a section does not end");
  return tags;
}

// Without what a reader of the HTML never sees.
std::string WithoutComments(std::string_view html) {
  std::string seen;
  for (size_t at = 0; at < html.size();) {
    const size_t open = std::min(html.find("<!--", at), html.size());
    seen.append(html.substr(at, open - at));
    const size_t close = html.find("-->", open);
    at = close == html.npos ? html.size() : close + 3;
  }
  return seen;
}

absl::Status Invalid(std::string_view file, std::string_view what) {
  return Error(absl::StatusCode::kInternal, reason::kTemplateInvalid, absl::StrCat(ToAbsl(file), ": ", ToAbsl(what)));
}

// Puts the partials that `source` names in its place. Here rather than in the library, which drops a partial that is not there and
// doubles the line end after one. False for one that is not there, or includes itself.
bool PutPartials(std::string& source, std::string_view format, const std::map<std::string, std::string>& partials) {
  constexpr std::string_view kOpen = "{{> ";
  constexpr int kMaxPartials = 100;
  int count = 0;
  for (size_t at = source.find(kOpen); at != source.npos; at = source.find(kOpen, at)) {
    const size_t end = source.find("}}", at);
    if (end == source.npos || ++count > kMaxPartials) return false;
    const auto partial = partials.find(absl::StrCat(source.substr(at + kOpen.size(), end - at - kOpen.size()), ".", ToAbsl(format)));
    if (partial == partials.end()) return false;
    source.replace(at, end + 2 - at, std::string(absl::StripSuffix(partial->second, "\n")));
  }
  return true;
}

}  // namespace

// Parsing takes longer than filling in. The library's render() is not const, so one at a time.
class Kind::Compiled {
 public:
  Compiled(const std::string& source, bool html) : mustache_(source) {
    if (!html) mustache_.set_custom_escape([](const std::string& text) { return text; });
  }

  bool is_valid() const { return mustache_.is_valid(); }
  const std::string& error_message() const { return mustache_.error_message(); }

  std::string Fill(Variables& variables) {
    absl::MutexLock lock(&mutex_);
    return mustache_.render(variables);
  }

 private:
  absl::Mutex mutex_;
  mustache mustache_;
};

namespace {

// Partials put in, parsed, with its variables; `partials` are those of the release. Adds what is wrong below `field`.
Kind MakeKind(Violations& bad, std::string_view field, const v1::TemplateSource& source,
              const std::map<std::string, std::string>& partials) {
  Kind kind;
  for (size_t i = 0; i < kParts.size(); ++i) {
    const Part& part = kParts[i];
    const std::string path = absl::StrCat(ToAbsl(field), ".", part.name);
    std::string text = (source.*part.given)();
    const size_t before = bad.found().size();
    CheckText(bad, path, text, part.max_bytes, /*required=*/true);
    if (!text.empty() && absl::StripAsciiWhitespace(text).empty()) bad.Add(path, "must say something");
    if (part.one_line && text.find_first_of("\n\t") != std::string::npos) bad.Add(path, "must be one line");
    if (text.find('\r') != std::string::npos) bad.Add(path, "must end its lines with LF alone");
    for (const auto& [line, what] : ReadTags(text, part.name, partials).problems) bad.Add(path, absl::StrCat("line ", line, ": ", what));
    if (bad.found().size() != before) continue;
    const bool whole = PutPartials(text, part.name, partials);
    const Tags tags = ReadTags(text, part.name, {});
    kind.variables.insert(tags.variables.begin(), tags.variables.end());
    kind.compiled[i] = std::make_shared<Kind::Compiled>(text, part.html);
    if (!whole || !tags.problems.empty() || !kind.compiled[i]->is_valid()) bad.Add(path, "must be Mustache, with its partials");
    kind.*part.expanded = std::move(text);
  }
  return kind;
}

}  // namespace

std::string ContentHash(const v1::TemplateSource& source) { return platform::HexHash(platform::CanonicalBytes(source)); }

absl::StatusOr<Templates> Templates::Make(std::span<const platform::EmbeddedFile> files) {
  std::map<std::string, std::string> sources;
  for (const platform::EmbeddedFile& file : files) {
    sources[std::string(absl::StripSuffix(ToAbsl(file.name), ".mustache"))] = std::string(file.content);
  }
  Templates templates;
  std::map<std::string, v1::TemplateSource> kinds;
  for (const auto& [name, source] : sources) {
    const size_t dot = name.rfind('.');
    const std::string kind = name.substr(0, dot);
    if (!sources.contains(kind + ".subject")) {
      templates.partials_.emplace(name, source);
    } else if (name.ends_with(".subject")) {
      kinds[kind].set_subject(std::string(absl::StripSuffix(source, "\n")));
    } else {
      (name.ends_with(".text") ? kinds[kind].mutable_text() : kinds[kind].mutable_html())->assign(source);
    }
  }
  for (const auto& [name, source] : kinds) {
    Violations bad;
    Kind kind = MakeKind(bad, name, source, templates.partials_);
    if (!bad.empty()) return Invalid(bad.found()[0].first, bad.found()[0].second);
    templates.kinds_.emplace(name, std::move(kind));
  }
  return templates;
}

std::shared_ptr<const Kind> Templates::MakeOwn(Violations& bad, std::string_view field, std::string_view kind,
                                               const v1::TemplateSource& source) const {
  const Kind* const release = Find(kind);
  if (release == nullptr) {
    bad.Add(field, "must be of a kind that this release has");
    return nullptr;
  }
  const size_t before = bad.found().size();
  Kind own = MakeKind(bad, field, source, partials_);
  if (bad.found().size() != before) return nullptr;
  for (const Part& part : kParts) {
    const std::string path = absl::StrCat(ToAbsl(field), ".", part.name);
    const std::string& text = own.*part.expanded;
    for (const std::string& variable : ReadTags(text, part.name, {}).variables) {
      if (!release->variables.contains(variable)) {
        bad.Add(path, absl::StrCat("may use what such messages have, and no other variable: ", absl::StrJoin(release->variables, ", ")));
        break;
      }
    }
    if (part.one_line) continue;
    const std::set<std::string> said = ReadTags(part.html ? WithoutComments(text) : text, part.name, {}).always;
    for (const Essential& essential : kEssentials) {
      const std::string variable(essential.variable);
      if ((essential.kind.empty() || essential.kind == kind) && release->variables.contains(variable) && !said.contains(variable)) {
        bad.Add(path, absl::StrCat("must say {{", variable, "}}, outside of what depends on other variables"));
      }
    }
  }
  return bad.found().size() == before ? std::make_shared<const Kind>(std::move(own)) : nullptr;
}

const Kind* Templates::Find(std::string_view kind) const {
  const auto found = kinds_.find(std::string(kind));
  return found == kinds_.end() ? nullptr : &found->second;
}

void Templates::CheckVariables(Violations& bad, std::string_view field, const Kind& kind,
                               const std::map<std::string, std::string>& variables) const {
  for (const std::string& name : kind.variables) {
    const auto given = variables.find(name);
    const std::string path = absl::StrCat(ToAbsl(field), ".", name);
    if (given == variables.end()) {
      bad.Add(path, "is missing: the template uses it");
    } else if (given->second.find_first_of("\r\n\t") != std::string::npos) {
      bad.Add(path, "must be one line");
    } else {
      CheckText(bad, path, given->second, kMaxVariable, /*required=*/false);
    }
  }
  for (const auto& [name, value] : variables) {
    // The name comes from outside and is not repeated.
    if (!kind.variables.contains(name)) bad.Add(field, "has a variable that the template does not use");
  }
}

Rendered Templates::Render(const Kind& kind, const std::map<std::string, std::string>& variables) const {
  Variables values(variables);
  const auto& [subject, text, html] = kind.compiled;
  return {.subject = subject->Fill(values), .text = text->Fill(values), .html = html->Fill(values)};
}

}  // namespace rematch::notify
