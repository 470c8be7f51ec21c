// Mail as its reader has it: the files of a Maildir, decoded (RFC 5322, 2045 to 2047).
#ifndef REMATCH_DEMO_MAIL_H_
#define REMATCH_DEMO_MAIL_H_

#include <string>
#include <string_view>
#include <vector>

namespace rematch::demo {

struct Mail {
  std::string mailbox;  // whose: the folder's name, an address
  std::string file;     // the file's name
  std::string from;     // headers, decoded
  std::string to;
  std::string reply_to;
  std::string subject;
  std::string message_id;  // without angle brackets
  std::string text;        // the text/plain part, decoded
  std::string html;        // the text/html part, decoded
  std::string raw;
};

// Decodes one message. What is malformed comes out as it stands.
Mail ParseMail(std::string_view raw);

// All mail of all mailboxes below `root` (ROOT/ADDRESS/new/FILE), by mailbox, then by file name.
std::vector<Mail> ReadMaildirs(const std::string& root);
// That of one address.
std::vector<Mail> ReadMailbox(const std::string& root, const std::string& address);

// The code that the reader of a message is asked to answer with; empty when it has none.
std::string ReplyCodeIn(const Mail& mail);

}  // namespace rematch::demo

#endif  // REMATCH_DEMO_MAIL_H_
