#include "notify-service/domain/templates.h"

#include <kainjow/mustache.hpp>

#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "notify-service/domain/reasons.h"
#include "platform/strings.h"
#include "platform/validation.h"

namespace rematch::notify {
namespace {

using kainjow::mustache::basic_context;
using kainjow::mustache::data;
using kainjow::mustache::mustache;

constexpr size_t kMaxVariable = 2000;

// Gives a template its variables and notes which it asked for. An empty one is false to a section, so that
// {{#phone}}...{{/phone}} leaves out a line that would say nothing.
class Variables final : public basic_context<std::string> {
 public:
  explicit Variables(const std::map<std::string, std::string>* values) {
    if (values == nullptr) return;
    for (const auto& [name, value] : *values) {
      values_.emplace(name, value.empty() ? data(data::type::bool_false) : data(value));
    }
  }

  void push(const data*) override {}
  void pop() override {}
  const data* get(const std::string& name) const override {
    asked_.insert(name);
    const auto found = values_.find(name);
    return found == values_.end() ? &probe_ : &found->second;
  }
  const data* get_partial(const std::string&) const override { return nullptr; }

  const std::set<std::string>& asked() const { return asked_; }

 private:
  const data probe_ = data(std::string("-"));
  std::map<std::string, data> values_;
  mutable std::set<std::string> asked_;
};

absl::Status Invalid(std::string_view file, std::string_view what) {
  return Error(absl::StatusCode::kInternal, reason::kTemplateInvalid, absl::StrCat(ToAbsl(file), ": ", ToAbsl(what)));
}

// Puts the partials that `source` names in its place. Here rather than in the library, which drops a partial that is not there and
// doubles the line end after one.
absl::StatusOr<std::string> PutPartials(std::string_view file, std::string source, std::string_view format,
                                        const std::map<std::string, std::string>& sources) {
  constexpr std::string_view kOpen = "{{> ";
  constexpr int kMaxPartials = 100;  // a partial that includes itself
  int count = 0;
  for (size_t at = source.find(kOpen); at != source.npos; at = source.find(kOpen, at)) {
    const size_t end = source.find("}}", at);
    if (end == source.npos || ++count > kMaxPartials) return Invalid(file, "a partial that does not end");
    const std::string name = source.substr(at + kOpen.size(), end - at - kOpen.size());
    const auto partial = sources.find(absl::StrCat(name, ".", ToAbsl(format)));
    if (partial == sources.end()) return Invalid(file, absl::StrCat("no partial ", name));
    source.replace(at, end + 2 - at, std::string(absl::StripSuffix(partial->second, "\n")));
  }
  return source;
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

absl::StatusOr<Templates> Templates::Make(std::span<const platform::EmbeddedFile> files) {
  std::map<std::string, std::string> sources;
  for (const platform::EmbeddedFile& file : files) {
    sources[std::string(absl::StripSuffix(ToAbsl(file.name), ".mustache"))] = std::string(file.content);
  }
  Templates templates;
  for (const auto& [name, subject] : sources) {
    const absl::string_view kind_name = absl::StripSuffix(name, ".subject");
    if (kind_name.size() == name.size()) continue;
    Kind kind;
    kind.subject = std::string(absl::StripSuffix(subject, "\n"));
    if (absl::StrContains(kind.subject, "\n")) return Invalid(name, "a subject is one line");
    for (const auto& [format, source] : {std::pair("text", &kind.text), std::pair("html", &kind.html)}) {
      const std::string file = absl::StrCat(kind_name, ".", format);
      const auto found = sources.find(file);
      if (found == sources.end()) return Invalid(file, "is missing");
      REMATCH_ASSIGN_OR_RETURN(*source, PutPartials(file, found->second, format, sources));
    }
    Variables asked(nullptr);
    kind.compiled = {std::make_shared<Kind::Compiled>(kind.subject, false), std::make_shared<Kind::Compiled>(kind.text, false),
                     std::make_shared<Kind::Compiled>(kind.html, true)};
    for (const std::shared_ptr<Kind::Compiled>& compiled : kind.compiled) {
      if (!compiled->is_valid()) return Invalid(name, compiled->error_message());
      compiled->Fill(asked);
    }
    kind.variables = asked.asked();
    templates.kinds_.emplace(std::string(kind_name), std::move(kind));
  }
  return templates;
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
  Variables values(&variables);
  const auto& [subject, text, html] = kind.compiled;
  return {.subject = subject->Fill(values), .text = text->Fill(values), .html = html->Fill(values)};
}

}  // namespace rematch::notify
