#include "notify-service/domain/message.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "platform/strings.h"

namespace rematch::notify {
namespace {

constexpr size_t kLine = 76;

bool IsPrintableAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
}

// As =?UTF-8?B?...?= words of at most 75 characters, none of which splits a character of UTF-8.
std::string EncodedWords(std::string_view text, size_t used) {
  constexpr absl::string_view kOpen = "=?UTF-8?B?";
  constexpr absl::string_view kClose = "?=";
  std::string out;
  size_t room = used + kOpen.size() + kClose.size() < kLine ? kLine - used : 0;
  while (!text.empty()) {
    if (room < kOpen.size() + kClose.size() + 8) {
      out += "\r\n ";
      room = kLine - 1;
    }
    const size_t base64 = (std::min<size_t>(room, 75) - kOpen.size() - kClose.size()) / 4 * 4;
    size_t take = std::min(text.size(), base64 / 4 * 3);
    while (take > 1 && take < text.size() && (static_cast<unsigned char>(text[take]) & 0xc0) == 0x80) --take;
    absl::StrAppend(&out, kOpen, absl::Base64Escape(ToAbsl(text.substr(0, take))), kClose);
    text.remove_prefix(take);
    room = 0;
  }
  return out;
}

void Part(std::string& out, std::string_view boundary, std::string_view type, std::string_view body) {
  absl::StrAppend(&out, "--", ToAbsl(boundary), "\r\nContent-Type: ", ToAbsl(type),
                  "; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", QuotedPrintable(body), "\r\n");
}

}  // namespace

std::string EncodeHeaderText(std::string_view text, size_t used) {
  // What looks like an encoded word would be decoded by the reader, so it is encoded itself.
  if (IsPrintableAscii(text) && used + text.size() <= kLine && text.find("=?") == text.npos &&
      text == ToStd(absl::StripAsciiWhitespace(ToAbsl(text)))) {
    return std::string(text);
  }
  return EncodedWords(text, used);
}

std::string EncodeMailbox(const Mailbox& mailbox, size_t used) {
  if (mailbox.display_name.empty()) return mailbox.email;
  std::string name;
  if (IsPrintableAscii(mailbox.display_name) && used + mailbox.display_name.size() * 2 + 2 <= kLine &&
      mailbox.display_name.find("=?") == std::string::npos) {
    name = "\"";
    for (const char c : mailbox.display_name) {
      if (c == '"' || c == '\\') name += '\\';
      name += c;
    }
    name += '"';
  } else {
    name = EncodedWords(mailbox.display_name, used);
  }
  const size_t line_end = name.rfind('\n');
  const size_t line = line_end == std::string::npos ? used + name.size() : name.size() - line_end - 1;
  return absl::StrCat(name, line + mailbox.email.size() + 3 > kLine ? "\r\n <" : " <", mailbox.email, ">");
}

std::string QuotedPrintable(std::string_view text) {
  std::string out;
  size_t line = 0;
  const auto put = [&](absl::string_view piece) {
    if (line + piece.size() > kLine - 1) {
      out += "=\r\n";
      line = 0;
    }
    absl::StrAppend(&out, piece);
    line += piece.size();
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '\n') {
      out += "\r\n";
      line = 0;
      continue;
    }
    const bool at_end = i + 1 == text.size() || text[i + 1] == '\n';
    // A dot or "From " at the start of a line has been harmed by mail programs before.
    const bool fragile = line == 0 && (c == '.' || c == 'F');
    const bool plain = (c >= 0x21 && c < 0x7f && c != '=') || (c == ' ' && !at_end);
    if (plain && !fragile) {
      put(absl::string_view(&text[i], 1));
    } else {
      constexpr char kHex[] = "0123456789ABCDEF";
      const char escaped[] = {'=', kHex[c >> 4], kHex[c & 15]};
      put(absl::string_view(escaped, 3));
    }
  }
  return out;
}

std::string Compose(const Message& message) {
  // Quoted-printable never yields "=_", so no line of a body is the boundary.
  const std::string boundary = absl::StrCat("=_", message.message_id.substr(0, message.message_id.find('@')));
  std::string out;
  absl::StrAppend(&out, "Date: ", absl::FormatTime("%a, %d %b %Y %H:%M:%S +0000", message.date, absl::UTCTimeZone()), "\r\n");
  absl::StrAppend(&out, "From: ", EncodeMailbox(message.from, 6), "\r\n");
  absl::StrAppend(&out, "To: ", EncodeMailbox(message.to, 4), "\r\n");
  if (!message.reply_to.email.empty()) absl::StrAppend(&out, "Reply-To: ", EncodeMailbox(message.reply_to, 10), "\r\n");
  absl::StrAppend(&out, "Subject: ", EncodeHeaderText(message.subject, 9), "\r\n");
  absl::StrAppend(&out, "Message-ID: <", message.message_id, ">\r\n");
  absl::StrAppend(&out, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n");
  absl::StrAppend(&out, "Content-Type: multipart/alternative;\r\n boundary=\"", boundary, "\"\r\n\r\n");
  Part(out, boundary, "text/plain", message.text);
  Part(out, boundary, "text/html", message.html);
  absl::StrAppend(&out, "--", boundary, "--\r\n");
  return out;
}

}  // namespace rematch::notify
