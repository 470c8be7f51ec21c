// What a request to send says, checked and rendered: pure.
#ifndef REMATCH_NOTIFY_SERVICE_DOMAIN_REQUEST_H_
#define REMATCH_NOTIFY_SERVICE_DOMAIN_REQUEST_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "notify-service/domain/stored.pb.h"
#include "notify-service/domain/templates.h"
#include "platform/errors.h"
#include "rematch/notify/v1/service.pb.h"

namespace rematch::notify {

// The parts of `consortia/{consortium}/notifications/{id}`.
struct Key {
  std::string consortium;  // the id, without `consortia/`
  std::string id;
  friend auto operator<=>(const Key&, const Key&) = default;
};

// What a program says in messages of one kind.
struct TemplateKey {
  std::string consortium;  // ids
  std::string program;
  std::string kind;  // "first_approach"
  friend auto operator<=>(const TemplateKey&, const TemplateKey&) = default;

  // `consortia/{consortium}/programs/{program}`
  std::string ProgramName() const;
  // `consortia/{consortium}/programs/{program}/templates/{template}/versions/{version}`
  std::string VersionName(int64_t version) const;
};

// A message as it is accepted.
struct Draft {
  Key key;
  std::string origin;
  std::vector<std::string> readers;
  // Hex of SHA-256 over what the sender gave: equal for equal messages, whatever release and whatever version of a program's template
  // renders them.
  std::string content_hash;
  // In whose words; its program is empty for those of the release.
  TemplateKey words;
  // As the release says it, and so are the bodies.
  stored::Content content;
  std::string text_body;
  std::string html_body;
};

// INVALID_ARGUMENT with everything that is wrong.
absl::StatusOr<Draft> CheckSend(const Templates& templates, const v1::SendNotificationRequest& request);
// Of the request's own source if it has one, else by `own`, else (nullptr) as the release has it.
absl::StatusOr<Rendered> CheckPreview(const Templates& templates, const v1::PreviewNotificationRequest& request,
                                      const std::shared_ptr<const Kind>& own);
// What a program is to say: whose, checked, and `own` null for one that goes back to the release.
struct Publication {
  TemplateKey key;
  std::shared_ptr<const Kind> own;
};
absl::StatusOr<Publication> CheckTemplateVersion(const Templates& templates, const v1::CreateTemplateVersionRequest& request);
// The program and kind with which `given` ("templates/first_approach") is about `program`; empty parts and violations where it is not so.
// No kind is none, and none that this release has need be named.
TemplateKey CheckTemplateKey(Violations& bad, std::string_view field, std::string_view program, std::string_view given);
// `version` is set to the number.
TemplateKey CheckVersionName(Violations& bad, std::string_view name, int64_t& version);
// The resource that notifications are about: at most 255 characters of printable ASCII, or nothing.
void CheckOrigin(Violations& bad, std::string_view field, std::string_view origin);
// Empty parts and a violation of `name` when it is no notification's.
Key CheckNotificationName(Violations& bad, std::string_view name);

}  // namespace rematch::notify

#endif  // REMATCH_NOTIFY_SERVICE_DOMAIN_REQUEST_H_
