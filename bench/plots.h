// Pictures of what was measured, drawn by gnuplot as SVG.
#ifndef REMATCH_BENCH_PLOTS_H_
#define REMATCH_BENCH_PLOTS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace rematch::bench {

// Values over numbers.
struct Curve {
  std::string title;
  std::vector<std::pair<double, double>> points;
};

struct LinePlot {
  std::string file;  // without folder and ending
  std::string title, x, y;
  bool log_x = false, log_y = false;
  std::vector<Curve> curves;
};

// Values by name, with their spread.
struct BarPlot {
  struct Bar {
    std::string name;
    double median = 0, min = 0, max = 0;
  };
  std::string file, title, y;
  std::vector<Bar> bars;
};

struct Plots {
  std::vector<LinePlot> lines;
  std::vector<BarPlot> bars;
};

// Writes FILE.svg of each to `folder`, which is made if need be. UNAVAILABLE without gnuplot.
absl::Status Draw(const Plots& plots, const std::string& folder);

}  // namespace rematch::bench

#endif  // REMATCH_BENCH_PLOTS_H_
