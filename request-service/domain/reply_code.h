// The code that a mentor's message carries and their answer brings back: which offer, of which case, in which epoch. Opaque: it
// can be neither made nor read without the key, so that a broadcast message says nothing of the case (F19).
#ifndef REMATCH_REQUEST_SERVICE_DOMAIN_REPLY_CODE_H_
#define REMATCH_REQUEST_SERVICE_DOMAIN_REPLY_CODE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace rematch::request {

struct ReplyCode {
  std::string case_name;
  std::string offer;
  int32_t epoch = 0;
  friend bool operator==(const ReplyCode&, const ReplyCode&) = default;
};

// Makes and reads codes with a key derived from one secret of any length (32 random bytes are right). Deterministic: a message
// that is sent again carries the same code. Thread-safe.
class ReplyCodes {
 public:
  explicit ReplyCodes(std::string_view secret);

  // URL-safe text without padding, short enough for one line of a mail.
  std::string Make(const ReplyCode& code) const;
  // INVALID_ARGUMENT / BAD_REPLY_CODE for whatever Make did not make with this secret.
  absl::StatusOr<ReplyCode> Parse(std::string_view text) const;

 private:
  const std::string key_;
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_DOMAIN_REPLY_CODE_H_
