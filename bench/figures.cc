#include "bench/figures.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>

#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "platform/strings.h"

namespace rematch::bench {
namespace {

// As many digits as say something.
std::string Number(double value) {
  const double size = std::abs(value);
  if (value == std::floor(value) && size < 1e9) return absl::StrFormat("%.0f", value);
  const int digits = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 3;
  return absl::StrFormat("%.*f", digits, value);
}

}  // namespace

void Say(std::string_view line) { std::cerr << absl::FormatTime("%H:%M:%S ", absl::Now(), absl::LocalTimeZone()) << line << "\n"; }

double MedianOf(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double Figure::min() const { return rounds.empty() ? 0 : *std::min_element(rounds.begin(), rounds.end()); }
double Figure::max() const { return rounds.empty() ? 0 : *std::max_element(rounds.begin(), rounds.end()); }

std::optional<bool> Figure::met() const {
  if (at_least.has_value()) return median() >= *at_least;
  if (at_most.has_value()) return median() <= *at_most;
  return std::nullopt;
}

Figure& Figures::Describe(Figure figure) { return figures_.emplace_back(std::move(figure)); }

void Figures::Add(std::string_view name, double round) {
  for (Figure& figure : figures_) {
    if (figure.name == name) figure.rounds.push_back(round);
  }
}

const Figure* Figures::Find(std::string_view name) const {
  for (const Figure& figure : figures_) {
    if (figure.name == name && !figure.rounds.empty()) return &figure;
  }
  return nullptr;
}

std::string Figures::Table() const {
  std::string out = absl::StrFormat("%-62s %10s %10s %10s  %s\n", "", "median", "min", "max", "target");
  for (const Figure& figure : figures_) {
    if (figure.rounds.empty()) continue;
    std::string target;
    if (figure.at_least.has_value()) target = absl::StrCat(">= ", Number(*figure.at_least));
    if (figure.at_most.has_value()) target = absl::StrCat("<= ", Number(*figure.at_most));
    if (const std::optional<bool> met = figure.met()) absl::StrAppend(&target, *met ? "  met" : "  NOT met");
    const std::string title = figure.unit.empty() ? figure.title : absl::StrCat(figure.title, ", ", figure.unit);
    absl::StrAppend(&out, absl::StrFormat("%-62s %10s %10s %10s  %s\n", title, Number(figure.median()), Number(figure.min()),
                                          Number(figure.max()), target));
  }
  return out;
}

absl::Status Figures::WriteJson(const std::string& path, const std::vector<std::pair<std::string, std::string>>& machine) const {
  google::protobuf::Struct root;
  auto& figures = *(*root.mutable_fields())["figures"].mutable_struct_value()->mutable_fields();
  for (const Figure& figure : figures_) {
    if (figure.rounds.empty()) continue;
    auto& fields = *figures[figure.name].mutable_struct_value()->mutable_fields();
    fields["title"].set_string_value(figure.title);
    fields["unit"].set_string_value(figure.unit);
    fields["median"].set_number_value(figure.median());
    fields["min"].set_number_value(figure.min());
    fields["max"].set_number_value(figure.max());
    for (const double round : figure.rounds) fields["rounds"].mutable_list_value()->add_values()->set_number_value(round);
    if (figure.at_least.has_value()) fields["at_least"].set_number_value(*figure.at_least);
    if (figure.at_most.has_value()) fields["at_most"].set_number_value(*figure.at_most);
    if (const std::optional<bool> met = figure.met()) fields["met"].set_bool_value(*met);
  }
  auto& about = *(*root.mutable_fields())["machine"].mutable_struct_value()->mutable_fields();
  for (const auto& [name, value] : machine) about[name].set_string_value(value);

  std::string json;
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  const auto status = google::protobuf::util::MessageToJsonString(root, &json, options);
  if (!status.ok()) return absl::InternalError("the figures cannot be written as JSON");
  std::ofstream file(path, std::ios::trunc);
  file << json;
  file.close();
  return file ? absl::OkStatus() : absl::InternalError(absl::StrCat("cannot write ", path));
}

}  // namespace rematch::bench
