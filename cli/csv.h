// CSV as RFC 4180 has it, strictly, with the place of every field: quoted fields may hold commas, quotes and line breaks; a UTF-8 byte
// order mark and CRLF are taken; text that is not UTF-8, a stray quote or an unclosed one is an error with its place.
//
//   const csv::Document document = csv::Parse(bytes);
//   for (const csv::Problem& problem : document.problems) ...   // file:line:column: what
#ifndef REMATCH_CLI_CSV_H_
#define REMATCH_CLI_CSV_H_

#include <string>
#include <string_view>
#include <vector>

namespace rematch::cli::csv {

// Both from 1. The column counts characters (code points) of the physical line, so it is what an editor shows.
struct Position {
  int line = 1;
  int column = 1;
  bool operator==(const Position&) const = default;
};

struct Field {
  std::string text;  // without the quotes around it, and with doubled quotes made one
  Position at;       // where it begins, its opening quote included
};

struct Record {
  std::vector<Field> fields;  // never empty
  Position at() const { return fields.front().at; }
};

struct Problem {
  Position at;
  std::string what;  // without any of the content
};

struct Document {
  // Empty lines are left out.
  std::vector<Record> records;
  // After a broken quote nothing further is read, since nobody knows where the next field begins.
  std::vector<Problem> problems;
};

Document Parse(std::string_view bytes);

}  // namespace rematch::cli::csv

#endif  // REMATCH_CLI_CSV_H_
