#include "bench/rates.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <regex>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "bench/floor.h"
#include "bench/workload.h"
#include "platform/errors.h"
#include "rematch/echo/v1/service.pb.h"

namespace rematch::bench {
namespace {

using Pointer = std::unique_ptr<Operation> Workload::*;

struct Kind {
  const char* name;   // in figures
  const char* title;  // the RPC
  Pointer suite;
  Pointer floor;
  bool is_read;
  bool idles;  // its latency without load is compared with the bare transaction
};

constexpr std::array<Kind, 7> kKinds = {{
    {"get_mentor", "GetMentor", &Workload::get_mentor, &Workload::get_mentor_floor, true, false},
    {"get_reassignment", "GetReassignment", &Workload::get_case, &Workload::get_case_floor, true, false},
    {"find", "FindEligibleMentors", &Workload::find_mentors, nullptr, true, false},
    {"hold", "HoldSeat", &Workload::hold, &Workload::hold_floor, false, true},
    {"create", "CreateReassignment", &Workload::create, &Workload::create_floor, false, true},
    {"respond", "RespondToOffer", &Workload::respond, &Workload::respond_floor, false, true},
    {"send", "SendNotification", &Workload::send, &Workload::send_floor, false, true},
}};
constexpr std::array<int, 3> kLoads = {25, 50, 75};  // per cent of the maximum
constexpr std::array<std::pair<const char*, double>, 3> kPercentiles = {{{"p50", 0.5}, {"p99", 0.99}, {"p999", 0.999}}};

class Rates {
 public:
  Rates(Stage& stage, std::string work_dir, const RatesOptions& options, Figures& figures, Plots& plots)
      : stage_(stage), work_dir_(std::move(work_dir)), options_(options), figures_(figures), plots_(plots) {}

  absl::Status Load(const std::string& name, absl::Duration duration, bool one_at_a_time, const std::string& pids_file) {
    Kind kind = {"echo", "bare echo", &Workload::echo, nullptr, true, false};
    if (name != kind.name) {
      const auto found = std::find_if(kKinds.begin(), kKinds.end(), [&name](const Kind& one) { return one.name == name; });
      if (found == kKinds.end()) return absl::InvalidArgumentError(absl::StrCat("no load is called ", name));
      kind = *found;
    }
    REMATCH_RETURN_IF_ERROR(SetUp());
    std::ofstream pids(pids_file + ".tmp");
    for (const demo::Part part : demo::kParts) pids << demo::NameOf(part) << " " << stage_.suite().pid(part) << "\n";
    if (stage_.server() != nullptr) pids << "mariadbd " << demo::ReadFile(work_dir_ + "/mariadb/pid") << "\n";
    pids.close();
    std::filesystem::rename(pids_file + ".tmp", pids_file);
    Operation& operation = *(workload_.*kind.suite);
    if (one_at_a_time) {
      const IdleOptions idle = {.count = static_cast<int>(duration / options_.idle.pause), .pause = options_.idle.pause};
      REMATCH_ASSIGN_OR_RETURN(const Outcome outcome, RunIdle(operation, idle));
      std::cout << absl::StrFormat("%s: %.3f ms\n", kind.title, 1e3 * outcome.Percentile(0.5));
      return absl::OkStatus();
    }
    REMATCH_ASSIGN_OR_RETURN(const Outcome outcome, RunClosed(operation, {.streams = options_.streams, .duration = duration}));
    std::cout << absl::StrFormat("%s: %.0f requests a second\n", kind.title, outcome.rate());
    return absl::OkStatus();
  }

  absl::Status Run() {
    REMATCH_RETURN_IF_ERROR(SetUp());
    // What an import took is given back within seconds, and is no part of what the load takes.
    absl::SleepFor(absl::Seconds(5));
    stage_.ForgetPeaks();
    for (int round = 0; round < options_.rounds; ++round) {
      Say(absl::StrCat("round ", round + 1, " of ", options_.rounds));
      REMATCH_RETURN_IF_ERROR(Round());
    }
    double most = 0;
    for (const demo::Part part : demo::kParts) {
      const double resident = stage_.MostResident(part);
      figures_.Add(absl::StrCat("rss_mb_", demo::NameOf(part)), resident);
      most = std::max(most, resident);
    }
    figures_.Add("rss_mb", most);
    REMATCH_RETURN_IF_ERROR(stage_.AwaitSent());
    REMATCH_RETURN_IF_ERROR(Idle());
    REMATCH_RETURN_IF_ERROR(UnderLoad());
    REMATCH_RETURN_IF_ERROR(PastSaturation());
    REMATCH_RETURN_IF_ERROR(H2load());
    Plot();
    return absl::OkStatus();
  }

 private:
  absl::Status SetUp() {
    Say("importing the roster, seeding cases");
    REMATCH_ASSIGN_OR_RETURN(world_, Import(stage_.suite(), {.mentors = options_.mentors, .candidates = options_.candidates}));
    REMATCH_ASSIGN_OR_RETURN(std::vector<SeededCase> asked, stage_.AddCases(world_, 0, options_.asked + 100, Until::kAsked));
    const SeededCase sample = asked.back();
    asked.resize(static_cast<size_t>(options_.asked));
    WorkloadOptions workload{
        .addresses = {}, .world = world_, .asked = std::move(asked), .reply_key = stage_.reply_key(), .connections = options_.connections};
    workload.addresses = {.echo = "",
                          .floor = "",
                          .mentor = stage_.suite().address(demo::Part::kMentor),
                          .notify = stage_.suite().address(demo::Part::kNotify),
                          .request = stage_.suite().address(demo::Part::kRequest)};
    REMATCH_ASSIGN_OR_RETURN(echo_, StartReference({"--serve=echo"}, work_dir_ + "/echo"));
    workload.addresses.echo = echo_.address;
    if (stage_.server() != nullptr) {
      REMATCH_ASSIGN_OR_RETURN(floor_url_,
                               TakeSamples(stage_.suite(), *stage_.server(), world_, sample, stage_.reply_key(), options_.asked));
      REMATCH_ASSIGN_OR_RETURN(
          floor_, StartReference({"--serve=floor", "--database=" + floor_url_, absl::StrCat("--floor_threads=", options_.floor_threads)},
                                 work_dir_ + "/floor"));
      workload.addresses.floor = floor_.address;
    }
    workload_ = MakeWorkload(workload);
    last_bare_answer_ = options_.asked;
    return absl::OkStatus();
  }

  absl::StatusOr<double> RateOf(Operation& operation) {
    REMATCH_ASSIGN_OR_RETURN(const Outcome outcome, RunClosed(operation, {.streams = options_.streams, .duration = options_.each}));
    return outcome.rate();
  }

  absl::Status Round() {
    std::vector<double> reads_over_echo, reads_over_floor;
    REMATCH_ASSIGN_OR_RETURN(double echo, RateOf(*workload_.echo));
    for (const Kind& kind : kKinds) {
      double floor = 0;
      if (kind.floor != nullptr && workload_.*kind.floor != nullptr) {
        REMATCH_ASSIGN_OR_RETURN(floor, RateOf(*(workload_.*kind.floor)));
        figures_.Add(absl::StrCat(kind.name, "_floor_rate"), floor);
      }
      REMATCH_ASSIGN_OR_RETURN(const double rate, RateOf(*(workload_.*kind.suite)));
      figures_.Add(absl::StrCat(kind.name, "_rate"), rate);
      // The machine's speed drifts: the echo is measured anew after each.
      REMATCH_ASSIGN_OR_RETURN(const double echo_after, RateOf(*workload_.echo));
      const double beside = (echo + echo_after) / 2;
      figures_.Add("echo_rate", beside);
      echo = echo_after;
      figures_.Add(absl::StrCat(kind.name, "_over_echo"), rate / beside);
      if (floor > 0) figures_.Add(absl::StrCat(kind.name, "_over_floor"), rate / floor);
      if (kind.is_read && kind.floor != nullptr) {
        reads_over_echo.push_back(rate / beside);
        if (floor > 0) reads_over_floor.push_back(rate / floor);
      }
    }
    figures_.Add("read_over_echo", *std::min_element(reads_over_echo.begin(), reads_over_echo.end()));
    if (!reads_over_floor.empty()) figures_.Add("read_over_floor", *std::min_element(reads_over_floor.begin(), reads_over_floor.end()));
    return absl::OkStatus();
  }

  // One request at a time: Rematch, beside the bare transaction (in this process) and the bare echo.
  absl::Status Idle() {
    Say("latency without load");
    std::unique_ptr<FloorStore> bare;
    if (!floor_url_.empty()) {
      REMATCH_ASSIGN_OR_RETURN(bare, FloorStore::Open(floor_url_));
    }
    int64_t next = 0;
    for (int round = 0; round < options_.rounds; ++round) {
      std::vector<double> ratios;
      for (const Kind& kind : kKinds) {
        REMATCH_ASSIGN_OR_RETURN(const Outcome idle, RunIdle(*(workload_.*kind.suite), options_.idle));
        figures_.Add(absl::StrCat(kind.name, "_idle_ms"), 1e3 * idle.Percentile(0.5));
        if (!kind.idles || bare == nullptr) continue;
        REMATCH_ASSIGN_OR_RETURN(const Outcome echo, RunIdle(*workload_.echo, options_.idle));
        REMATCH_ASSIGN_OR_RETURN(const double transaction, BareTransaction(*bare, kind.name, next));
        const double ratio = idle.Percentile(0.5) / (transaction + echo.Percentile(0.5));
        figures_.Add(absl::StrCat(kind.name, "_idle_over_bare"), ratio);
        ratios.push_back(ratio);
      }
      if (!ratios.empty()) figures_.Add("idle_write_over_bare", *std::max_element(ratios.begin(), ratios.end()));
    }
    return absl::OkStatus();
  }

  // The median, in seconds.
  absl::StatusOr<double> BareTransaction(FloorStore& bare, const std::string& operation, int64_t& next) {
    std::vector<double> took;
    for (int n = 0; n < options_.idle.count; ++n) {
      const std::string key = absl::StrFormat("idle-%09d", next++);
      const Keys keys = {{"@KEY", operation == "respond" ? absl::StrCat("k", --last_bare_answer_) : key},
                         {"@REQUEST", key},
                         {"@CANDIDATE", key},
                         {"@MENTOR", demo::IdOf(world_.mentors[static_cast<size_t>(n) % world_.mentors.size()])},
                         {"@SEND", key}};
      absl::SleepFor(options_.idle.pause);
      const absl::Time start = absl::Now();
      REMATCH_RETURN_IF_ERROR(bare.Write(operation, keys, FloorStore::Reads::kAsRematch));
      took.push_back(absl::ToDoubleSeconds(absl::Now() - start));
    }
    std::sort(took.begin(), took.end());
    return PercentileOf(took, 0.5);
  }

  // Open loops at part of the closed loop's rate.
  absl::Status UnderLoad() {
    for (const Kind& kind : kKinds) {
      const Figure* const maximum = figures_.Find(absl::StrCat(kind.name, "_rate"));
      if (maximum == nullptr) continue;
      Say(absl::StrCat("latency of ", kind.title, " under load"));
      LinePlot plot{.file = absl::StrCat("latency_", kind.name),
                    .title = absl::StrCat("Latency of ", kind.title, " over load, open loop"),
                    .x = "requests a second",
                    .y = "ms",
                    .log_y = true};
      for (const auto& [name, share] : kPercentiles) plot.curves.push_back({name, {}});
      for (const int load : kLoads) {
        const double rate = maximum->median() * load / 100;
        const auto outcome =
            RunOpen(*(workload_.*kind.suite), {.rate = rate, .duration = options_.open, .seed = static_cast<uint64_t>(load)});
        if (outcome.status().code() == absl::StatusCode::kOutOfRange) {
          Say(absl::StrCat("  ", outcome.status().message()));
          continue;
        }
        REMATCH_RETURN_IF_ERROR(outcome.status());
        for (size_t p = 0; p < kPercentiles.size(); ++p) {
          const double ms = 1e3 * outcome->Percentile(kPercentiles[p].second);
          figures_.Add(absl::StrCat(kind.name, "_", load, "_", kPercentiles[p].first, "_ms"), ms);
          plot.curves[p].points.emplace_back(outcome->rate(), ms);
        }
      }
      plots_.lines.push_back(std::move(plot));
      if (std::string(kind.name) == "send") {
        REMATCH_RETURN_IF_ERROR(stage_.AwaitSent());
      }
    }
    return absl::OkStatus();
  }

  absl::Status PastSaturation() {
    Say("twice the load that saturates");
    for (int round = 0; round < options_.rounds; ++round) {
      const auto maximum = RunClosed(*workload_.hold, {.streams = options_.streams, .duration = options_.past});
      if (maximum.status().code() == absl::StatusCode::kOutOfRange) return absl::OkStatus();
      REMATCH_RETURN_IF_ERROR(maximum.status());
      const auto twice =
          RunOpen(*workload_.hold, {.rate = 2 * maximum->rate(), .duration = options_.past, .seed = static_cast<uint64_t>(round)});
      if (twice.status().code() == absl::StatusCode::kOutOfRange) return absl::OkStatus();
      REMATCH_RETURN_IF_ERROR(twice.status());
      figures_.Add("goodput_past_saturation", twice->rate() / maximum->rate());
      figures_.Add("refused_past_saturation", twice->full_rate() / maximum->rate());
      figures_.Add("refused_p99_ms", 1e3 * PercentileOf(twice->full_latencies, 0.99));
    }
    figures_.Add("rss_mb_past_saturation", stage_.MostResident(demo::Part::kMentor));
    return absl::OkStatus();
  }

  // A generator that nobody here wrote, with one fixed request.
  absl::Status H2load() {
    echo::v1::EchoRequest echo;
    echo.set_text(world_.mentors[0]);
    mentor::v1::GetMentorRequest get;
    get.set_name(world_.mentors[0]);
    for (int round = 0; round < options_.rounds; ++round) {
      const std::optional<double> bare = H2loadOf(echo_.address, "/rematch.echo.v1.EchoService/Echo", echo);
      const std::optional<double> read =
          H2loadOf(stage_.suite().address(demo::Part::kMentor), "/rematch.mentor.v1.MentorService/GetMentor", get);
      if (!bare.has_value() || !read.has_value()) return absl::UnavailableError("h2load does not run");
      figures_.Add("h2load_echo_rate", *bare);
      figures_.Add("h2load_get_mentor_rate", *read);
      figures_.Add("h2load_read_over_echo", *read / *bare);
    }
    return absl::OkStatus();
  }

  std::optional<double> H2loadOf(const std::string& address, const std::string& path, const google::protobuf::Message& request) {
    const std::string message = request.SerializeAsString();
    // A gRPC frame: not compressed, then the length, big-endian.
    const std::string frame = {0, static_cast<char>(message.size() >> 24), static_cast<char>(message.size() >> 16),
                               static_cast<char>(message.size() >> 8), static_cast<char>(message.size())};
    const std::string body = absl::StrCat(work_dir_, "/body");
    std::ofstream(body, std::ios::binary) << frame << message;
    const auto count = static_cast<int64_t>(30'000 * absl::ToDoubleSeconds(options_.each));
    const auto finished = demo::Run({"/usr/bin/h2load", "-n", absl::StrCat(count), "-c", absl::StrCat(options_.connections), "-m",
                                     absl::StrCat(options_.streams), "-t", "1", "-d", body, "-H", "content-type: application/grpc", "-H",
                                     "te: trailers", "-H", "x-rematch-role: SERVICE", absl::StrCat("http://", address, path)},
                                    {}, absl::Minutes(5));
    std::smatch found;
    double rate = 0;
    if (!finished.ok() || !std::regex_search(finished->out, found, std::regex(R"(finished in [^,]+, ([0-9.]+) req/s)")) ||
        !absl::SimpleAtod(found[1].str(), &rate)) {
      return std::nullopt;
    }
    return rate;
  }

  void Plot() {
    BarPlot plot{.file = "throughput", .title = "Requests a second, closed loop", .y = "requests a second"};
    const auto bar = [&](const std::string& name, const std::string& figure) {
      if (const Figure* const found = figures_.Find(figure)) plot.bars.push_back({name, found->median(), found->min(), found->max()});
    };
    bar("bare echo", "echo_rate");
    for (const Kind& kind : kKinds) {
      bar(absl::StrCat("floor ", kind.title), absl::StrCat(kind.name, "_floor_rate"));
      bar(kind.title, absl::StrCat(kind.name, "_rate"));
    }
    plots_.bars.push_back(std::move(plot));
  }

  Stage& stage_;
  const std::string work_dir_;
  const RatesOptions options_;
  Figures& figures_;
  Plots& plots_;
  World world_;
  int64_t last_bare_answer_ = 0;  // cases of the floor that are answered from the last on
  Reference echo_, floor_;
  std::string floor_url_;
  Workload workload_;
};

}  // namespace

void DescribeRates(Figures& figures, bool with_targets) {
  const auto at_least = [with_targets](double value) { return with_targets ? std::optional<double>(value) : std::nullopt; };
  const auto at_most = at_least;
  figures.Describe({.name = "echo_rate", .title = "bare echo", .unit = "1/s"});
  for (const Kind& kind : kKinds) {
    figures.Describe({.name = absl::StrCat(kind.name, "_rate"), .title = kind.title, .unit = "1/s"});
    figures.Describe({.name = absl::StrCat(kind.name, "_floor_rate"), .title = absl::StrCat("  the floor's ", kind.title), .unit = "1/s"});
  }
  figures.Describe(
      {.name = "read_over_echo", .title = "reads over the bare echo (the slower of both Gets)", .unit = "", .at_least = at_least(0.75)});
  figures.Describe({.name = "read_over_floor", .title = "reads over one SELECT a request", .unit = "", .at_least = at_least(3)});
  for (const Kind& kind : kKinds) {
    const std::string name = kind.name;
    std::optional<double> echo_target, floor_target;
    if (name == "create") echo_target = at_least(0.25);
    if (name == "create") floor_target = at_least(5);
    if (name == "respond" || name == "hold" || name == "send") floor_target = at_least(4);
    figures.Describe(
        {.name = name + "_over_echo", .title = absl::StrCat(kind.title, " over the bare echo"), .unit = "", .at_least = echo_target});
    if (kind.floor == nullptr) continue;
    figures.Describe({.name = name + "_over_floor",
                      .title = absl::StrCat(kind.title, kind.is_read ? " over one SELECT a request" : " over one transaction a request"),
                      .unit = "",
                      .at_least = floor_target});
  }
  figures.Describe({.name = "h2load_echo_rate", .title = "bare echo, by h2load", .unit = "1/s"});
  figures.Describe({.name = "h2load_get_mentor_rate", .title = "GetMentor, by h2load", .unit = "1/s"});
  figures.Describe({.name = "h2load_read_over_echo", .title = "GetMentor over the bare echo, by h2load", .unit = ""});
  for (const Kind& kind : kKinds) {
    figures.Describe(
        {.name = absl::StrCat(kind.name, "_idle_ms"), .title = absl::StrCat(kind.title, ", one at a time, median"), .unit = "ms"});
  }
  figures.Describe({.name = "idle_write_over_bare",
                    .title = "a write, one at a time, over bare transaction and echo (worst)",
                    .unit = "",
                    .at_most = at_most(1.3)});
  for (const Kind& kind : kKinds) {
    if (kind.idles)
      figures.Describe({.name = absl::StrCat(kind.name, "_idle_over_bare"), .title = absl::StrCat("  ", kind.title), .unit = ""});
  }
  for (const Kind& kind : kKinds) {
    for (const int load : kLoads) {
      for (const auto& [name, share] : kPercentiles) {
        figures.Describe({.name = absl::StrCat(kind.name, "_", load, "_", name, "_ms"),
                          .title = absl::StrCat(kind.title, " at ", load, " %, ", name),
                          .unit = "ms"});
      }
    }
  }
  figures.Describe({.name = "goodput_past_saturation",
                    .title = "right answers at twice saturation over the maximum (HoldSeat)",
                    .unit = "",
                    .at_least = at_least(0.9)});
  figures.Describe({.name = "refused_past_saturation", .title = "  refused with advice, over the maximum", .unit = ""});
  figures.Describe({.name = "refused_p99_ms", .title = "  how long a refusal took, p99", .unit = "ms"});
  figures.Describe({.name = "rss_mb", .title = "most memory under full load, the largest service", .unit = "MB", .at_most = at_most(100)});
  for (const demo::Part part : demo::kParts) {
    figures.Describe({.name = absl::StrCat("rss_mb_", demo::NameOf(part)), .title = absl::StrCat("  ", demo::NameOf(part)), .unit = "MB"});
  }
  figures.Describe({.name = "rss_mb_past_saturation", .title = "  mentor-service at twice saturation", .unit = "MB"});
}

absl::Status RunLoad(Stage& stage, const std::string& work_dir, const RatesOptions& options, const std::string& kind,
                     absl::Duration duration, bool one_at_a_time, const std::string& pids_file) {
  Figures figures;
  Plots plots;
  return Rates(stage, work_dir, options, figures, plots).Load(kind, duration, one_at_a_time, pids_file);
}

absl::Status MeasureRates(Stage& stage, const std::string& work_dir, const RatesOptions& options, Figures& figures, Plots& plots) {
  return Rates(stage, work_dir, options, figures, plots).Run();
}

}  // namespace rematch::bench
