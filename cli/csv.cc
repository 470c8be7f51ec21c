#include "cli/csv.h"

#include <utility>

#include "cli/utf8.h"

namespace rematch::cli::csv {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view bytes) : rest_(bytes) {}

  Document Run() && {
    if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
    if (rest_.starts_with("\xff\xfe") || rest_.starts_with("\xfe\xff")) {
      Fail(at_, "is UTF-16; save it as UTF-8");
      return std::move(document_);
    }
    while (!rest_.empty() && !broken_) ReadRecord();
    return std::move(document_);
  }

 private:
  void Fail(Position at, std::string what) { document_.problems.push_back({at, std::move(what)}); }

  bool AtLineEnd() const { return rest_.empty() || rest_.front() == '\n' || rest_.starts_with("\r\n"); }

  // Takes one character into `text` and moves on; says once for each field that it is not UTF-8.
  void Take(std::string& text, bool& complained) {
    const Decoded next = DecodeUtf8(rest_);
    if (!complained && !next.valid) {
      Fail(at_, "is not UTF-8");
      complained = true;
    } else if (!complained && next.character == 0) {
      Fail(at_, "must not hold a NUL character");
      complained = true;
    }
    text += rest_.substr(0, next.bytes);
    rest_.remove_prefix(next.bytes);
    if (next.character == '\n') {
      ++at_.line;
      at_.column = 1;
    } else {
      ++at_.column;
    }
  }

  void SkipLineEnd() {
    if (rest_.starts_with("\r\n")) rest_.remove_prefix(1);
    if (!rest_.empty()) rest_.remove_prefix(1);
    ++at_.line;
    at_.column = 1;
  }

  void ReadRecord() {
    if (AtLineEnd()) {
      SkipLineEnd();
      return;
    }
    Record record;
    for (;;) {
      record.fields.push_back(ReadField());
      if (broken_) return;
      if (AtLineEnd()) break;
      rest_.remove_prefix(1);  // the comma
      ++at_.column;
    }
    SkipLineEnd();
    document_.records.push_back(std::move(record));
  }

  Field ReadField() {
    Field field;
    field.at = at_;
    bool complained = false;
    if (rest_.empty() || rest_.front() != '"') {
      while (!AtLineEnd() && rest_.front() != ',') {
        if (rest_.front() == '"') return Broken(std::move(field), "a quote inside a field that does not begin with one");
        if (rest_.front() == '\r') return Broken(std::move(field), "a carriage return without a line feed");
        Take(field.text, complained);
      }
      return field;
    }
    rest_.remove_prefix(1);
    ++at_.column;
    for (;;) {
      if (rest_.empty()) {
        at_ = field.at;
        return Broken(std::move(field), "the quote that opens here is never closed");
      }
      if (rest_.front() != '"') {
        Take(field.text, complained);
        continue;
      }
      rest_.remove_prefix(1);
      ++at_.column;
      if (rest_.empty() || rest_.front() != '"') break;
      Take(field.text, complained);
    }
    if (!AtLineEnd() && rest_.front() != ',') return Broken(std::move(field), "text after the closing quote");
    return field;
  }

  Field Broken(Field field, std::string what) {
    Fail(at_, std::move(what));
    broken_ = true;
    return field;
  }

  std::string_view rest_;
  Position at_;
  bool broken_ = false;
  Document document_;
};

}  // namespace

Document Parse(std::string_view bytes) { return Parser(bytes).Run(); }

}  // namespace rematch::cli::csv
