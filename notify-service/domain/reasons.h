// The reasons that only notify-service gives, next to those of platform/errors.h. docs/errors.md lists all of them.
#ifndef REMATCH_NOTIFY_SERVICE_DOMAIN_REASONS_H_
#define REMATCH_NOTIFY_SERVICE_DOMAIN_REASONS_H_

#include <string_view>

namespace rematch::notify::reason {

inline constexpr std::string_view kNotificationExists = "NOTIFICATION_EXISTS";        // ALREADY_EXISTS: same key, other content
inline constexpr std::string_view kNotificationCancelled = "NOTIFICATION_CANCELLED";  // FAILED_PRECONDITION: the key was cancelled
inline constexpr std::string_view kNotSent = "NOT_SENT";                              // FAILED_PRECONDITION: only SENT can have bounced
inline constexpr std::string_view kNotFailed = "NOT_FAILED";                          // FAILED_PRECONDITION: only FAILED is tried again
inline constexpr std::string_view kTransportInvalid = "TRANSPORT_INVALID";            // INVALID_ARGUMENT: a flag about mail or its sending
inline constexpr std::string_view kTransportUnusable = "TRANSPORT_UNUSABLE";          // FAILED_PRECONDITION: the Maildir cannot be written
inline constexpr std::string_view kTemplateInvalid = "TEMPLATE_INVALID";              // INTERNAL: a template of this release is damaged
// Never leaves the process: the sender holds a claim on a message that another one took over, or that is no longer to be sent.
inline constexpr std::string_view kClaimLost = "CLAIM_LOST";  // ABORTED

}  // namespace rematch::notify::reason

#endif  // REMATCH_NOTIFY_SERVICE_DOMAIN_REASONS_H_
