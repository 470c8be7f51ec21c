// What every kind of message says: Mustache templates, embedded in the binary, filled in strictly. A kind `first_approach` is the
// files first_approach.subject.mustache, .text.mustache and .html.mustache; a file of text or HTML that is no kind's is a partial for
// files of its own format: {{> contact}}. HTML escapes what it fills in, subject and text do not.
//
//   Templates templates = *Templates::Make(NotifyTemplates());
//   absl::StatusOr<Rendered> message = templates.Render("first_approach", {{"mentor_name", "..."}, ...});
#ifndef REMATCH_NOTIFY_SERVICE_DOMAIN_TEMPLATES_H_
#define REMATCH_NOTIFY_SERVICE_DOMAIN_TEMPLATES_H_

#include <array>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "platform/embedded.h"
#include "platform/errors.h"

namespace rematch::notify {

// The templates that this release is built with.
std::span<const platform::EmbeddedFile> NotifyTemplates();

struct Rendered {
  std::string subject;  // one line
  std::string text;
  std::string html;
};

struct Kind {
  class Compiled;

  // Mustache sources, partials already in place.
  std::string subject;
  std::string text;
  std::string html;
  std::set<std::string> variables;
  std::array<std::shared_ptr<Compiled>, 3> compiled;  // the three above, parsed; thread-safe
};

// Immutable after Make(), so thread-safe.
class Templates {
 public:
  // INTERNAL / TEMPLATE_INVALID, naming the file: one that does not parse, a kind that lacks a format, a partial that is not there.
  static absl::StatusOr<Templates> Make(std::span<const platform::EmbeddedFile> files);

  const std::map<std::string, Kind>& kinds() const { return kinds_; }
  const Kind* Find(std::string_view kind) const;
  // Adds a violation for every variable that is missing, surplus, longer than 2000 bytes or not one line of clean UTF-8.
  void CheckVariables(Violations& bad, std::string_view field, const Kind& kind, const std::map<std::string, std::string>& variables) const;
  // `variables` must have passed CheckVariables().
  Rendered Render(const Kind& kind, const std::map<std::string, std::string>& variables) const;

 private:
  std::map<std::string, Kind> kinds_;
};

}  // namespace rematch::notify

#endif  // REMATCH_NOTIFY_SERVICE_DOMAIN_TEMPLATES_H_
