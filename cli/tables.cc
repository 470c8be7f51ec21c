#include "cli/tables.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <numeric>

#include "absl/strings/str_split.h"
#include "cli/utf8.h"

namespace rematch::cli {
namespace {

constexpr int kGap = 2;
// How far what goes below its row is indented.
constexpr int kBelow = 4;
// What a column that gives way keeps.
constexpr int kLeastWidth = 6;

const char* CodeOf(Style style) {
  switch (style) {
    case Style::kPlain:
      return "";
    case Style::kBold:
      return "\x1b[1m";
    case Style::kDim:
      return "\x1b[2m";
    case Style::kRed:
      return "\x1b[31m";
    case Style::kGreen:
      return "\x1b[32m";
    case Style::kYellow:
      return "\x1b[33m";
    case Style::kBlue:
      return "\x1b[34m";
    case Style::kCyan:
      return "\x1b[36m";
  }
  return "";
}

std::string_view EllipsisOf(const Canvas& canvas) { return canvas.unicode ? "…" : "..."; }

}  // namespace

std::string Paint(std::string_view text, Style style, const Canvas& canvas) {
  if (!canvas.color || style == Style::kPlain || text.empty()) return std::string(text);
  return CodeOf(style) + std::string(text) + "\x1b[0m";
}

std::string Heading(std::string_view text, const Canvas& canvas) { return Paint(text, Style::kBold, canvas) + "\n"; }

void Table::Add(std::vector<Cell> cells) {
  assert(cells.size() == columns_.size());
  for (Cell& cell : cells) cell.text = Printable(cell.text);
  rows_.push_back(std::move(cells));
}

std::string Table::Render(const Canvas& canvas) const {
  std::vector<size_t> shown;
  std::vector<int> widths(columns_.size(), 0);
  for (size_t i = 0; i < columns_.size(); ++i) {
    for (const auto& row : rows_) widths[i] = std::max(widths[i], DisplayWidth(row[i].text));
    if (widths[i] == 0 && !rows_.empty()) continue;
    widths[i] = std::max(widths[i], DisplayWidth(columns_[i].title));
    shown.push_back(i);
  }
  std::vector<size_t> below;
  const auto width = [&] {
    int total = kGap * (static_cast<int>(shown.size()) - 1);
    for (const size_t i : shown) total += widths[i];
    return total;
  };
  if (canvas.width > 0 && width() > canvas.width) {
    std::copy_if(shown.begin(), shown.end(), std::back_inserter(below), [&](size_t i) { return columns_[i].below; });
    std::erase_if(shown, [&](size_t i) { return columns_[i].below; });
  }
  while (canvas.width > 0 && width() > canvas.width) {
    const auto first =
        std::max_element(shown.begin(), shown.end(), [&](size_t a, size_t b) { return columns_[a].yields < columns_[b].yields; });
    if (columns_[*first].yields == 0) break;
    shown.erase(first);
  }
  int total = width();
  // Columns that may shrink are cut one column of the terminal at a time, always the widest.
  while (canvas.width > 0 && total > canvas.width) {
    size_t widest = columns_.size();
    for (const size_t i : shown) {
      if (columns_[i].shrinks && widths[i] > kLeastWidth && (widest == columns_.size() || widths[i] > widths[widest])) widest = i;
    }
    if (widest == columns_.size()) break;
    --widths[widest];
    --total;
  }
  std::string out;
  const auto line = [&](const auto& text_of, const auto& style_of) {
    std::string drawn;
    std::string spaces;
    for (const size_t i : shown) {
      const std::string fitted = Fit(text_of(i), widths[i], EllipsisOf(canvas));
      const std::string padding(static_cast<size_t>(std::max(0, widths[i] - DisplayWidth(fitted))), ' ');
      if (columns_[i].right) spaces += padding;
      if (!fitted.empty()) {
        drawn += spaces + Paint(fitted, style_of(i), canvas);
        spaces.clear();
      }
      if (!columns_[i].right) spaces += padding;
      spaces += std::string(kGap, ' ');
    }
    out += drawn + "\n";
  };
  line([&](size_t i) -> const std::string& { return columns_[i].title; }, [](size_t) { return Style::kDim; });
  for (const auto& row : rows_) {
    line([&](size_t i) -> const std::string& { return row[i].text; }, [&](size_t i) { return row[i].style; });
    for (const size_t i : below) {
      if (!row[i].text.empty()) out += Wrap(row[i].text, kBelow, canvas);
    }
  }
  return out;
}

void Facts::Add(std::string name, std::string value, Style style) {
  if (!value.empty()) facts_.emplace_back(std::move(name), Cell(Printable(value), style));
}

std::string Facts::Render(const Canvas& canvas) const {
  int width = 0;
  for (const auto& [name, value] : facts_) width = std::max(width, DisplayWidth(name));
  std::string out;
  for (const auto& [name, value] : facts_) {
    const int room = canvas.width > 0 ? std::max(20, canvas.width - width - kGap) : 1 << 20;
    out += Paint(Pad(name, width), Style::kDim, canvas) + std::string(kGap, ' ') +
           Paint(Fit(value.text, room, EllipsisOf(canvas)), value.style, canvas) + "\n";
  }
  return out;
}

std::string Wrap(std::string_view text, int indent, const Canvas& canvas) {
  const int width = canvas.width > 0 ? std::max(20, canvas.width - indent) : 100;
  const std::string margin(static_cast<size_t>(indent), ' ');
  std::string out;
  for (const std::string& paragraph : std::vector<std::string>(absl::StrSplit(Printable(text, true), '\n'))) {
    std::string line;
    for (const std::string& word : std::vector<std::string>(absl::StrSplit(paragraph, ' ', absl::SkipEmpty()))) {
      if (!line.empty() && DisplayWidth(line) + 1 + DisplayWidth(word) > width) {
        out += margin + line + "\n";
        line.clear();
      }
      line += (line.empty() ? "" : " ") + word;
    }
    out += line.empty() ? "\n" : margin + line + "\n";
  }
  return out;
}

}  // namespace rematch::cli
