// What a request to send says, checked and rendered: pure.
#ifndef REMATCH_NOTIFY_SERVICE_DOMAIN_REQUEST_H_
#define REMATCH_NOTIFY_SERVICE_DOMAIN_REQUEST_H_

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

// A message as it is accepted.
struct Draft {
  Key key;
  std::string origin;
  std::vector<std::string> readers;
  // Hex of SHA-256 over what the sender gave: equal for equal messages, whatever the release that renders them.
  std::string content_hash;
  stored::Content content;
  std::string text_body;
  std::string html_body;
};

// INVALID_ARGUMENT with everything that is wrong.
absl::StatusOr<Draft> CheckSend(const Templates& templates, const v1::SendNotificationRequest& request);
absl::StatusOr<Rendered> CheckPreview(const Templates& templates, const v1::PreviewNotificationRequest& request);
// The resource that notifications are about: at most 255 characters of printable ASCII, or nothing.
void CheckOrigin(Violations& bad, std::string_view field, std::string_view origin);
// Empty parts and a violation of `name` when it is no notification's.
Key CheckNotificationName(Violations& bad, std::string_view name);

}  // namespace rematch::notify

#endif  // REMATCH_NOTIFY_SERVICE_DOMAIN_REQUEST_H_
