// What was measured, by name: the rounds of each figure, their median and spread, as a table for people and as JSON for programs.
#ifndef REMATCH_BENCH_FIGURES_H_
#define REMATCH_BENCH_FIGURES_H_

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace rematch::bench {

// How far a run is, for whoever waits for it: a line on stderr, with the time.
void Say(std::string_view line);

// Of an even number of values the mean of the middle two; 0 of none.
double MedianOf(std::vector<double> values);

struct Figure {
  std::string name;   // as in the JSON, such as "read_over_echo"
  std::string title;  // for people
  std::string unit;   // "1/s", "ms", "MB", "s"; empty for a ratio
  // What it is to reach: at least, or at most.
  std::optional<double> at_least = {};
  std::optional<double> at_most = {};
  std::vector<double> rounds = {};

  double median() const { return MedianOf(rounds); }
  double min() const;
  double max() const;
  // Whether the median is what it is to be; nothing without a target.
  std::optional<bool> met() const;
};

// In the order in which they were added.
class Figures {
 public:
  // Describes a figure. Later Add()s give it its rounds; a figure without rounds was not measured, and is neither printed nor written.
  Figure& Describe(Figure figure);
  void Add(std::string_view name, double round);
  // Null without such a figure, or without a round of it.
  const Figure* Find(std::string_view name) const;
  const std::deque<Figure>& all() const { return figures_; }

  // A line a figure: median, min and max, and what it is to reach.
  std::string Table() const;
  // {"figures": {NAME: {"title", "unit", "median", "min", "max", "rounds": [..], "at_least" or "at_most", "met"}}, "machine": {...}}
  absl::Status WriteJson(const std::string& path, const std::vector<std::pair<std::string, std::string>>& machine) const;

 private:
  std::deque<Figure> figures_;
};

}  // namespace rematch::bench

#endif  // REMATCH_BENCH_FIGURES_H_
