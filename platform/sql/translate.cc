#include "platform/sql/translate.h"

#include <algorithm>
#include <cstddef>
#include <initializer_list>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "platform/strings.h"

namespace rematch::sql {

namespace {

enum class Kind { kWord, kSpace, kComment, kQuoted, kOther };

struct Token {
  Kind kind;
  std::string_view text;
};

bool IsWordByte(char c) { return absl::ascii_isalnum(c) || c == '_' || c == '$' || static_cast<unsigned char>(c) >= 0x80; }

// The token at the start of `text`, which is not empty. A literal or comment that never ends is one token to the end.
Token NextToken(std::string_view text) {
  size_t end = 1;
  const char first = text[0];
  if (absl::ascii_isspace(first)) {
    while (end < text.size() && absl::ascii_isspace(text[end])) ++end;
    return {Kind::kSpace, text.substr(0, end)};
  }
  if (IsWordByte(first)) {
    while (end < text.size() && IsWordByte(text[end])) ++end;
    return {Kind::kWord, text.substr(0, end)};
  }
  if (text.starts_with("--") || first == '#') {
    end = text.find('\n');
    return {Kind::kComment, text.substr(0, end)};
  }
  if (text.starts_with("/*")) {
    end = text.find("*/", 2);
    return {Kind::kComment, text.substr(0, end == text.npos ? end : end + 2)};
  }
  if (first == '\'' || first == '"' || first == '`') {
    // A doubled quote is read as two literals side by side, which comes to the same here.
    end = text.find(first, 1);
    return {Kind::kQuoted, text.substr(0, end == text.npos ? end : end + 1)};
  }
  return {Kind::kOther, text.substr(0, 1)};
}

std::vector<Token> Tokens(std::string_view text) {
  std::vector<Token> tokens;
  while (!text.empty()) {
    tokens.push_back(NextToken(text));
    text.remove_prefix(tokens.back().text.size());
  }
  return tokens;
}

// Reads a list of tokens by its words, stepping over spaces and comments.
class Reader {
 public:
  explicit Reader(const std::vector<Token>& tokens) : tokens_(tokens) {}

  // The index behind the phrase that starts at `at`, or 0 if another text stands there.
  size_t Match(size_t at, std::initializer_list<std::string_view> phrase) const {
    for (const std::string_view word : phrase) {
      at = SkipSpace(at);
      if (at == tokens_.size() || !absl::EqualsIgnoreCase(ToAbsl(tokens_[at].text), ToAbsl(word))) return 0;
      ++at;
    }
    return at;
  }
  size_t SkipSpace(size_t at) const {
    while (at < tokens_.size() && (tokens_[at].kind == Kind::kSpace || tokens_[at].kind == Kind::kComment)) ++at;
    return at;
  }

 private:
  const std::vector<Token>& tokens_;
};

}  // namespace

std::string ToSqlite(std::string_view statement) {
  const std::vector<Token> tokens = Tokens(statement);
  const Reader reader(tokens);
  std::string out;
  out.reserve(statement.size() + 16);
  bool in_update = false;
  bool ignore = false;
  for (size_t i = 0; i < tokens.size();) {
    const Token& token = tokens[i];
    if (token.kind != Kind::kWord) {
      out += token.text;
      ++i;
      continue;
    }
    size_t next = 0;
    if ((next = reader.Match(i, {"INSERT", "IGNORE"})) != 0) {
      out += "INSERT";
      ignore = true;
    } else if ((next = reader.Match(i, {"ON", "DUPLICATE", "KEY", "UPDATE"})) != 0) {
      out += "ON CONFLICT DO UPDATE SET";
      in_update = true;
    } else if ((next = reader.Match(i, {"DROP", "INDEX"})) != 0) {
      // Names of indexes are those of the schema there, not of a table.
      const size_t name = reader.SkipSpace(next);
      out += absl::StrCat("DROP INDEX ", name < tokens.size() ? ToAbsl(tokens[name].text) : "");
      next = std::min(name + 1, tokens.size());
      if (const size_t on = reader.Match(next, {"ON"})) next = std::min(reader.SkipSpace(on) + 1, tokens.size());
    } else if ((next = reader.Match(i, {"FORCE", "INDEX", "("})) != 0) {
      out += "INDEXED BY ";
      for (; next < tokens.size() && tokens[next].text != ")"; ++next) out += tokens[next].text;
      if (next < tokens.size()) ++next;
    } else if ((next = reader.Match(i, {"FOR", "UPDATE"})) != 0) {
      if (const size_t skip = reader.Match(next, {"SKIP", "LOCKED"})) next = skip;
      if (const size_t nowait = reader.Match(next, {"NOWAIT"})) next = nowait;
    } else if ((next = reader.Match(i, {"LOCK", "IN", "SHARE", "MODE"})) != 0) {
      // One writer at a time: nothing to lock.
    } else if (in_update && (next = reader.Match(i, {"VALUES", "("})) != 0) {
      out += "excluded.";
      for (; next < tokens.size() && tokens[next].text != ")"; ++next) {
        if (tokens[next].kind != Kind::kSpace) out += tokens[next].text;
      }
      if (next < tokens.size()) ++next;
    } else if (reader.Match(i, {"GREATEST", "("}) != 0) {
      out += "MAX";
      next = i + 1;
    } else if (reader.Match(i, {"LEAST", "("}) != 0) {
      out += "MIN";
      next = i + 1;
    } else {
      out += token.text;
      next = i + 1;
    }
    i = next;
  }
  if (ignore) out += " ON CONFLICT DO NOTHING";
  return out;
}

std::string ToMysql(std::string_view statement, std::string_view collation) {
  const std::vector<Token> tokens = Tokens(statement);
  const Reader reader(tokens);
  const size_t first = reader.SkipSpace(0);
  if (reader.Match(first, {"CREATE", "TABLE"}) != 0) {
    return absl::StrCat(ToAbsl(statement), " ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE ", ToAbsl(collation));
  }
  const size_t into = reader.Match(first, {"INSERT", "IGNORE"});
  if (into == 0) return std::string(statement);
  std::string out = "INSERT";
  std::string_view column;
  for (size_t i = into; i < tokens.size(); ++i) {
    out += tokens[i].text;
    if (tokens[i].text == "(" && column.empty()) {
      const size_t name = reader.SkipSpace(i + 1);
      if (name < tokens.size()) column = tokens[name].text;
    }
  }
  return absl::StrCat(out, " ON DUPLICATE KEY UPDATE ", ToAbsl(column), " = ", ToAbsl(column));
}

bool IsDdl(std::string_view statement) {
  const std::vector<Token> tokens = Tokens(statement);
  const Reader reader(tokens);
  const size_t first = reader.SkipSpace(0);
  for (const std::string_view word : {"CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE"}) {
    if (reader.Match(first, {word}) != 0) return true;
  }
  return false;
}

std::vector<std::string> SplitScript(std::string_view script) {
  const std::vector<Token> tokens = Tokens(script);
  const auto ends_line = [&tokens](size_t at) {
    for (; at < tokens.size(); ++at) {
      if (tokens[at].kind == Kind::kSpace) {
        if (tokens[at].text.find('\n') != std::string_view::npos) return true;
      } else {
        return tokens[at].kind == Kind::kComment;
      }
    }
    return true;
  };
  std::vector<std::string> statements;
  std::string current;
  bool anything = false;
  const auto finish = [&] {
    if (anything) statements.emplace_back(absl::StripAsciiWhitespace(current));
    current.clear();
    anything = false;
  };
  for (size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    if (token.text == ";" && ends_line(i + 1)) {
      finish();
      continue;
    }
    current += token.text;
    if (token.kind != Kind::kSpace && token.kind != Kind::kComment) anything = true;
  }
  finish();
  return statements;
}

}  // namespace rematch::sql
