#include "demo/mail.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "demo/process.h"
#include "platform/strings.h"

namespace rematch::demo {
namespace {

namespace fs = std::filesystem;

bool Hex(char high, char low, char& out) {
  const std::string digits = {high, low};
  if (!absl::ascii_isxdigit(high) || !absl::ascii_isxdigit(low)) return false;
  out = static_cast<char>(std::stoi(digits, nullptr, 16));
  return true;
}

// `header`: the Q encoding of RFC 2047, where an underscore is a space.
std::string QuotedPrintable(std::string_view text, bool header) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    char decoded = 0;
    if (header && text[i] == '_') {
      out += ' ';
    } else if (text[i] != '=') {
      out += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == '\n') {
      i += 1;
    } else if (i + 2 < text.size() && Hex(text[i + 1], text[i + 2], decoded)) {
      out += decoded;
      i += 2;
    } else {
      out += '=';
    }
  }
  return out;
}

std::string Base64(std::string_view text) {
  std::string compact, out;
  for (char c : text) {
    if (!absl::ascii_isspace(c)) compact += c;
  }
  return absl::Base64Unescape(compact, &out) ? out : std::string(text);
}

// Encoded words: =?utf-8?Q?...?= and =?utf-8?B?...?=; the space between two of them is none.
std::string DecodeHeader(std::string_view text) {
  std::string out;
  bool after_word = false;
  while (!text.empty()) {
    const size_t begin = text.find("=?");
    if (begin == std::string_view::npos) break;
    const size_t encoding = text.find('?', begin + 2);
    const size_t content = encoding == std::string_view::npos ? encoding : text.find('?', encoding + 1);
    const size_t end = content == std::string_view::npos ? content : text.find("?=", content + 1);
    if (end == std::string_view::npos) break;
    const std::string_view between = text.substr(0, begin);
    if (!after_word || between.find_first_not_of(" \t") != std::string_view::npos) out += between;
    const std::string_view coded = text.substr(content + 1, end - content - 1);
    out += absl::ascii_tolower(text[encoding + 1]) == 'b' ? Base64(coded) : QuotedPrintable(coded, true);
    after_word = true;
    text.remove_prefix(end + 2);
  }
  return out.append(text);
}

// Headers by their lower-case names, unfolded; `rest` becomes the body.
std::map<std::string, std::string> TakeHeaders(std::string_view& rest) {
  std::map<std::string, std::string> headers;
  std::string* last = nullptr;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty()) break;
    if ((line[0] == ' ' || line[0] == '\t') && last != nullptr) {
      last->append(line);
    } else if (const size_t colon = line.find(':'); colon != std::string_view::npos) {
      std::string& value = headers[absl::AsciiStrToLower(ToAbsl(line.substr(0, colon)))];
      value = std::string(absl::StripAsciiWhitespace(ToAbsl(line.substr(colon + 1))));
      last = &value;
    }
  }
  return headers;
}

std::string Parameter(const std::string& header, const std::string& name) {
  const std::string lower = absl::AsciiStrToLower(header);
  const size_t at = lower.find(name + "=");
  if (at == std::string::npos) return "";
  const std::string value = header.substr(at + name.size() + 1);
  if (!value.empty() && value[0] == '"') return value.substr(1, value.find('"', 1) - 1);
  return value.substr(0, value.find_first_of("; \t"));
}

void TakePart(std::map<std::string, std::string> headers, std::string_view body, Mail& mail) {
  const std::string type = headers.contains("content-type") ? headers["content-type"] : "text/plain";
  const std::string kind = absl::AsciiStrToLower(type);
  if (absl::StartsWith(kind, "multipart/")) {
    const std::string mark = "--" + Parameter(type, "boundary");
    size_t at = body.find(mark);
    while (at != std::string_view::npos) {
      const size_t begin = at + mark.size();
      if (body.substr(begin, 2) == "--") break;
      at = body.find(mark, begin);
      std::string_view part = body.substr(begin, at == std::string_view::npos ? at : at - begin);
      part.remove_prefix(std::min(part.find('\n') + 1, part.size()));
      auto part_headers = TakeHeaders(part);
      TakePart(std::move(part_headers), part, mail);
    }
    return;
  }
  const std::string encoding = absl::AsciiStrToLower(headers["content-transfer-encoding"]);
  std::string content = encoding == "base64"             ? Base64(body)
                        : encoding == "quoted-printable" ? QuotedPrintable(body, false)
                                                         : std::string(body);
  absl::StrReplaceAll({{"\r\n", "\n"}}, &content);
  if (absl::StartsWith(kind, "text/html")) {
    mail.html += content;
  } else if (absl::StartsWith(kind, "text/plain")) {
    mail.text += content;
  }
}

}  // namespace

Mail ParseMail(std::string_view raw) {
  Mail mail;
  mail.raw = std::string(raw);
  const std::string lines = absl::StrReplaceAll(mail.raw, {{"\r\n", "\n"}});
  std::string_view rest = lines;
  auto headers = TakeHeaders(rest);
  mail.from = DecodeHeader(headers["from"]);
  mail.to = DecodeHeader(headers["to"]);
  mail.reply_to = DecodeHeader(headers["reply-to"]);
  mail.subject = DecodeHeader(headers["subject"]);
  mail.message_id = std::string(absl::StripSuffix(absl::StripPrefix(headers["message-id"], "<"), ">"));
  TakePart(std::move(headers), rest, mail);
  return mail;
}

std::vector<Mail> ReadMailbox(const std::string& root, const std::string& address) {
  std::vector<Mail> found;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(fs::path(root) / address / "new", none)) {
    Mail mail = ParseMail(ReadFile(entry.path().string()));
    mail.mailbox = address;
    mail.file = entry.path().filename().string();
    found.push_back(std::move(mail));
  }
  std::sort(found.begin(), found.end(), [](const Mail& a, const Mail& b) { return a.file < b.file; });
  return found;
}

std::vector<Mail> ReadMaildirs(const std::string& root) {
  std::vector<std::string> addresses;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(root, none)) {
    if (entry.is_directory()) addresses.push_back(entry.path().filename().string());
  }
  std::sort(addresses.begin(), addresses.end());
  std::vector<Mail> all;
  for (const std::string& address : addresses) {
    std::vector<Mail> mails = ReadMailbox(root, address);
    std::move(mails.begin(), mails.end(), std::back_inserter(all));
  }
  return all;
}

std::string ReplyCodeIn(const Mail& mail) {
  static const std::string before = "reply code:";
  const size_t at = mail.text.find(before);
  if (at == std::string::npos) return "";
  const std::string rest = mail.text.substr(at + before.size());
  const size_t begin = rest.find_first_not_of(" \n\t");
  if (begin == std::string::npos) return "";
  return rest.substr(begin, rest.find_first_of(" \n\t", begin) - begin);
}

}  // namespace rematch::demo
