// What every kind of message says: Mustache templates, embedded in the binary, filled in strictly. A kind `first_approach` is the
// files first_approach.subject.mustache, .text.mustache and .html.mustache; a file of text or HTML that is no kind's is a partial for
// files of its own format: {{> contact}}. HTML escapes what it fills in, subject and text do not.
//
//   Templates templates = *Templates::Make(NotifyTemplates());
//   Rendered message = templates.Render(*templates.Find("first_approach"), {{"mentor_name", "..."}, ...});
//
// A program may say the same in words of its own. What a message can tell anybody is decided by its sender all the same: a sender fills in
// exactly the variables of the release's template, and a program's may use only some of those. So no wording makes a first approach or a
// broadcast name the candidate, their site or their mentor (F18, F19): nothing of that is ever filled in.
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
#include "rematch/notify/v1/resources.pb.h"

namespace rematch::notify {

// The templates that this release is built with.
std::span<const platform::EmbeddedFile> NotifyTemplates();

struct Rendered {
  std::string subject;  // one line
  std::string text;
  std::string html;
};

// Equal for equal sources, in hex.
std::string ContentHash(const v1::TemplateSource& source);

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
  // INTERNAL / TEMPLATE_INVALID, naming the file: one that is no Mustache as a program's must be, a kind that lacks a format.
  static absl::StatusOr<Templates> Make(std::span<const platform::EmbeddedFile> files);

  const std::map<std::string, Kind>& kinds() const { return kinds_; }
  const Kind* Find(std::string_view kind) const;
  // What a program says in messages of the kind of this name, with the release's partials in their places. Adds what is wrong with it below
  // `field`, line by line, and is null if anything is: it must be Mustache that puts nothing into HTML unescaped, use variables of the kind
  // only, and say what such a message is for.
  std::shared_ptr<const Kind> MakeOwn(Violations& bad, std::string_view field, std::string_view kind,
                                      const v1::TemplateSource& source) const;
  // Adds a violation for every variable that is missing, surplus, longer than 2000 bytes or not one line of clean UTF-8.
  void CheckVariables(Violations& bad, std::string_view field, const Kind& kind, const std::map<std::string, std::string>& variables) const;
  // `variables` must have passed CheckVariables().
  Rendered Render(const Kind& kind, const std::map<std::string, std::string>& variables) const;

 private:
  std::map<std::string, Kind> kinds_;
  std::map<std::string, std::string> partials_;  // by name and format: "contact.text"
};

}  // namespace rematch::notify

#endif  // REMATCH_NOTIFY_SERVICE_DOMAIN_TEMPLATES_H_
