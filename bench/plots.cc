#include "bench/plots.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "demo/process.h"
#include "platform/errors.h"

namespace rematch::bench {
namespace {

constexpr char kGnuplot[] = "/usr/bin/gnuplot";

void Begin(std::ostream& out, const std::string& folder, const std::string& file, const std::string& title, const std::string& y) {
  out << "set terminal svg size 860,440 dynamic enhanced font 'sans-serif,13' background rgb 'white'\n"
      << "set output '" << folder << "/" << file << ".svg'\n"
      << "set title '" << title << "' noenhanced\n"
      << "set ylabel '" << y << "'\n"
      << "set grid ytics lc rgb '#dddddd'\n"
      << "set border 3 lc rgb '#555555'\n"
      << "set tics nomirror\n";
}

void Write(std::ostream& out, const std::string& folder, const LinePlot& plot) {
  Begin(out, folder, plot.file, plot.title, plot.y);
  out << "set xlabel '" << plot.x << "'\nset key outside right top\n";
  if (plot.log_x) out << "set logscale x\nset format x '10^{%L}'\n";
  if (plot.log_y)
    out << "set logscale y\n";
  else
    out << "set yrange [0:*]\n";
  out << "plot ";
  for (size_t i = 0; i < plot.curves.size(); ++i) {
    out << (i == 0 ? "" : ", ") << "'-' using 1:2 with linespoints lw 2 pt 7 ps 0.6 title '" << plot.curves[i].title << "' noenhanced";
  }
  out << "\n";
  for (const Curve& curve : plot.curves) {
    for (const auto& [x, y] : curve.points) out << x << " " << y << "\n";
    out << "e\n";
  }
}

void Write(std::ostream& out, const std::string& folder, const BarPlot& plot) {
  Begin(out, folder, plot.file, plot.title, plot.y);
  out << "set style fill solid 0.8 noborder\nset boxwidth 0.6\nset yrange [0:*]\nset xtics rotate by -25 noenhanced\nunset key\n"
      << "$data << END\n";
  for (const BarPlot::Bar& bar : plot.bars) out << "\"" << bar.name << "\" " << bar.median << " " << bar.min << " " << bar.max << "\n";
  out << "END\n"
      << "plot $data using 0:2:xtic(1) with boxes lc rgb '#4878a8', $data using 0:2:3:4 with yerrorbars pt 0 lw 1.5 lc rgb '#222222'\n";
}

}  // namespace

absl::Status Draw(const Plots& plots, const std::string& folder) {
  std::filesystem::create_directories(folder);
  std::ostringstream script;
  for (const LinePlot& plot : plots.lines) {
    Write(script, folder, plot);
    script << "reset\n";
  }
  for (const BarPlot& plot : plots.bars) {
    Write(script, folder, plot);
    script << "reset\n";
  }
  const std::string file = absl::StrCat(folder, "/plots.gnuplot");
  std::ofstream(file) << script.str();
  const absl::Status status = demo::OutputOf({kGnuplot, file}, absl::Minutes(1)).status();
  std::error_code ignored;
  std::filesystem::remove(file, ignored);
  return status;
}

}  // namespace rematch::bench
