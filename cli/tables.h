// Tables for a terminal: aligned, cut to its width, colored only where that is wanted. Pure: data in, text out.
//
//   Table table({{.title = "CASE"}, {.title = "CANDIDATE", .shrinks = true}, {.title = "DAYS", .right = true}});
//   table.Add({"3fa2b1", "Ana Ruiz", Cell("12", Style::kRed)});
//   out << table.Render(canvas);
#ifndef REMATCH_CLI_TABLES_H_
#define REMATCH_CLI_TABLES_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rematch::cli {

// What is drawn on.
struct Canvas {
  int width = 0;        // columns; 0: no limit
  bool color = false;   // ANSI colors
  bool unicode = true;  // else ASCII, apart from the data itself
};

enum class Style { kPlain, kBold, kDim, kRed, kGreen, kYellow, kBlue, kCyan };

// `text` in this style, or as it is without color.
std::string Paint(std::string_view text, Style style, const Canvas& canvas);

// A title above a table: bold.
std::string Heading(std::string_view text, const Canvas& canvas);

struct Cell {
  Cell(std::string text, Style style = Style::kPlain) : text(std::move(text)), style(style) {}  // NOLINT: implicit by design
  Cell(const char* text, Style style = Style::kPlain) : text(text), style(style) {}             // NOLINT: implicit by design
  std::string text;
  Style style;
};

struct Column {
  std::string title;
  bool right = false;    // numbers
  bool shrinks = false;  // gives way, the widest first, when the table is wider than the canvas
  int yields = 0;        // before that, these are left out, the greatest number first
  bool below = false;    // and before that, this goes onto lines of its own under its row
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // As many cells as there are columns.
  void Add(std::vector<Cell> cells);
  bool empty() const { return rows_.empty(); }
  size_t size() const { return rows_.size(); }
  // Title line and rows, each ending in a line feed, without trailing spaces. Columns that are empty in every row are left out.
  std::string Render(const Canvas& canvas) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

// Lines of `name   value`, for what is about one thing.
class Facts {
 public:
  // Left out when `value` is empty.
  void Add(std::string name, std::string value, Style style = Style::kPlain);
  std::string Render(const Canvas& canvas) const;

 private:
  std::vector<std::pair<std::string, Cell>> facts_;
};

// `text` broken into lines of at most the canvas' width less `indent`, each indented.
std::string Wrap(std::string_view text, int indent, const Canvas& canvas);

}  // namespace rematch::cli

#endif  // REMATCH_CLI_TABLES_H_
