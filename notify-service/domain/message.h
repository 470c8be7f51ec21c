// The bytes of a mail: RFC 5322 with a text and an HTML part, the same bytes for every attempt and every transport.
//
// Nothing that comes from outside can add a header or an address: names and addresses are checked when a message is accepted, and what is
// written here into a header is printable ASCII by construction (quoted strings and encoded words, RFC 2047).
#ifndef REMATCH_NOTIFY_SERVICE_DOMAIN_MESSAGE_H_
#define REMATCH_NOTIFY_SERVICE_DOMAIN_MESSAGE_H_

#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace rematch::notify {

struct Mailbox {
  std::string display_name;  // may be empty
  std::string email;         // empty: no mailbox
};

struct Message {
  Mailbox from;
  Mailbox to;
  Mailbox reply_to;        // may be unset
  std::string message_id;  // without angle brackets
  absl::Time date;
  std::string subject;
  std::string text;
  std::string html;
};

// Lines end with CRLF, none is longer than 998 bytes, all bytes are ASCII.
std::string Compose(const Message& message);

// The value of a header for text: as it is when it is short printable ASCII, otherwise encoded words, folded. `used` is how much of the
// first line the header's name takes.
std::string EncodeHeaderText(std::string_view text, size_t used);
// `"Name" <local@domain>`, or the bare address.
std::string EncodeMailbox(const Mailbox& mailbox, size_t used);
// RFC 2045, 6.7, for text whose lines end with LF; CRLF comes out.
std::string QuotedPrintable(std::string_view text);

}  // namespace rematch::notify

#endif  // REMATCH_NOTIFY_SERVICE_DOMAIN_MESSAGE_H_
