// rematch-bench: what the suite gives and takes on this machine, beside a bare echo and an ordinary service in the same run.
// docs/performance.md explains the figures.
#include <sys/utsname.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "bench/burst.h"
#include "bench/cases.h"
#include "bench/echo.h"
#include "bench/figures.h"
#include "bench/floor.h"
#include "bench/growth.h"
#include "bench/lookahead.h"
#include "bench/plots.h"
#include "bench/rates.h"
#include "bench/stage.h"
#include "platform/errors.h"
#include "platform/sql/database.h"

ABSL_FLAG(std::string, bin_dir, "build/release/bin", "where the binaries of the suite are");
ABSL_FLAG(std::string, source_dir, ".", "where tools/ is");
ABSL_FLAG(std::string, store, "mysql", "mysql: a MariaDB of its own; or sqlite");
ABSL_FLAG(bool, quick, false, "less of everything, in under three minutes: to see that it works, not to compare");
ABSL_FLAG(std::vector<std::string>, only, {},
          "which parts to run: start, rates, cases, burst (not on sqlite), growth, lookahead; empty: all");
ABSL_FLAG(std::string, json, "", "a file to write the figures to");
ABSL_FLAG(std::string, plots, "", "a folder to draw the plots into");
ABSL_FLAG(std::string, load, "",
          "only keep the suite busy with one kind of request: get_mentor, get_reassignment, find, hold, create, respond, send; or the bare "
          "echo");
ABSL_FLAG(absl::Duration, load_for, absl::Seconds(10), "with --load: how long");
ABSL_FLAG(bool, one_at_a_time, false, "with --load: one request at a time, with a pause before each");
ABSL_FLAG(std::string, pids, "/dev/null", "with --load: a file for the ids of the processes that are busy, written once they are");
ABSL_FLAG(std::string, server_option, "", "one more line for the my.cnf of the MariaDB, such as performance_schema=ON");
ABSL_FLAG(std::string, serve, "", "be a server that is measured against: echo or floor");
ABSL_FLAG(std::string, port_file, "", "with --serve: where to write the port");
ABSL_FLAG(std::string, database, "", "with --serve=floor: the URL of its schema");
ABSL_FLAG(int, floor_threads, 16, "with --serve=floor: threads of blocking SQL");

namespace rematch::bench {
namespace {

constexpr double kMostStart = 300, kMostIdle = 40;

bool Wanted(const std::string& part) {
  const std::vector<std::string> only = absl::GetFlag(FLAGS_only);
  return only.empty() || std::find(only.begin(), only.end(), part) != only.end();
}

std::string FirstMatch(const std::string& text, const std::string& pattern) {
  std::smatch found;
  return std::regex_search(text, found, std::regex(pattern)) ? found[1].str() : "";
}

std::vector<std::pair<std::string, std::string>> Machine(demo::Mariadb* server) {
  std::vector<std::pair<std::string, std::string>> about;
  about.emplace_back("cores", absl::StrCat(std::thread::hardware_concurrency()));
  about.emplace_back("processor", FirstMatch(demo::ReadFile("/proc/cpuinfo"), R"(model name\s*:\s*([^\n]+))"));
  about.emplace_back("memory", absl::StrCat(FirstMatch(demo::ReadFile("/proc/meminfo"), R"(MemTotal:\s+(\d+))"), " kB"));
  utsname kernel{};
  if (uname(&kernel) == 0) about.emplace_back("kernel", kernel.release);
  about.emplace_back("gRPC", grpc::Version());
  if (server != nullptr) {
    const auto version = server->Run("SELECT VERSION()");
    about.emplace_back("server", version.ok() ? std::string(absl::StripAsciiWhitespace(*version)) : "");
    const auto durable = server->Run("SELECT @@innodb_flush_log_at_trx_commit, @@innodb_buffer_pool_size");
    about.emplace_back("flush_log_at_trx_commit, buffer pool", durable.ok() ? std::string(absl::StripAsciiWhitespace(*durable)) : "");
  }
  about.emplace_back("store", absl::GetFlag(FLAGS_store));
  return about;
}

void Describe(Figures& figures, bool with_targets) {
  const auto at_most = [with_targets](double value) { return with_targets ? std::optional<double>(value) : std::nullopt; };
  figures.Describe({.name = "start_ms",
                    .title = "from start to SERVING, new database, the slowest service",
                    .unit = "ms",
                    .at_most = at_most(kMostStart)});
  figures.Describe({.name = "rss_idle_mb", .title = "memory at rest, the largest service", .unit = "MB", .at_most = at_most(kMostIdle)});
  DescribeRates(figures, with_targets);
  DescribeCases(figures, with_targets);
  if (with_targets) DescribeBurst(figures, with_targets);
  DescribeGrowth(figures, with_targets);
  DescribeLookahead(figures);
}

absl::Status MeasureStarts(const StageOptions& options, demo::Mariadb* server, int rounds, Figures& figures) {
  for (int i = 0; i < rounds; ++i) {
    REMATCH_ASSIGN_OR_RETURN(const std::unique_ptr<Stage> stage, Stage::Start(options, server, absl::StrCat("start", i)));
    double slowest = 0, largest = 0;
    // Its loops have run a few rounds and nobody has called.
    absl::SleepFor(absl::Seconds(2));
    for (const demo::Part part : demo::kParts) {
      slowest = std::max(slowest, absl::ToDoubleMilliseconds(stage->suite().start_time(part)));
      largest = std::max(largest, stage->Resident(part));
    }
    figures.Add("start_ms", slowest);
    figures.Add("rss_idle_mb", largest);
  }
  return absl::OkStatus();
}

absl::Status Measure(const std::string& work_dir) {
  const bool quick = absl::GetFlag(FLAGS_quick);
  std::unique_ptr<demo::Mariadb> server;  // stops after whatever uses it
  if (absl::GetFlag(FLAGS_store) == "mysql") {
    const std::string dir = work_dir + "/mariadb";
    std::filesystem::create_directories(dir);
    // The buffer pool that the targets name; everything else, durability too, is the server's default.
    std::ofstream(dir + "/my.cnf") << "[mariadbd]\ninnodb_buffer_pool_size=512M\n" << absl::GetFlag(FLAGS_server_option) << "\n";
    REMATCH_ASSIGN_OR_RETURN(server, demo::Mariadb::Start(absl::GetFlag(FLAGS_source_dir) + "/tools/mariadb", dir));
  }
  Figures figures;
  Plots plots;
  Describe(figures, server != nullptr);
  const StageOptions options{.bin_dir = absl::GetFlag(FLAGS_bin_dir), .source_dir = absl::GetFlag(FLAGS_source_dir), .work_dir = work_dir};

  if (const std::string load = absl::GetFlag(FLAGS_load); !load.empty()) {
    REMATCH_ASSIGN_OR_RETURN(const std::unique_ptr<Stage> stage, Stage::Start(options, server.get(), "main"));
    // Each question is answered once, so answers need many; they take minutes to seed.
    const int asked = load == "respond" ? 60'000 : 2'000;
    return RunLoad(*stage, work_dir, {.mentors = 4000, .candidates = 120'000, .asked = asked}, load, absl::GetFlag(FLAGS_load_for),
                   absl::GetFlag(FLAGS_one_at_a_time), absl::GetFlag(FLAGS_pids));
  }
  const auto measure = [&]() -> absl::Status {
    if (Wanted("start")) {
      REMATCH_RETURN_IF_ERROR(MeasureStarts(options, server.get(), quick ? 2 : 5, figures));
    }
    if (Wanted("rates")) {
      RatesOptions rates;
      if (quick) {
        rates = {.rounds = 1,
                 .each = absl::Milliseconds(400),
                 .open = absl::Milliseconds(300),
                 .past = absl::Milliseconds(300),
                 .idle = {.count = 30},
                 .mentors = 1000,
                 .candidates = 20'000,
                 .asked = 20'000};
      }
      REMATCH_ASSIGN_OR_RETURN(const std::unique_ptr<Stage> stage, Stage::Start(options, server.get(), "main"));
      REMATCH_RETURN_IF_ERROR(MeasureRates(*stage, work_dir, rates, figures, plots));
    }

    if (Wanted("cases")) {
      REMATCH_ASSIGN_OR_RETURN(const std::unique_ptr<Stage> stage, Stage::Start(options, server.get(), "cases"));
      REMATCH_RETURN_IF_ERROR(
          MeasureCases(*stage, quick ? CasesOptions{.rounds = 1, .cases = 300, .at_once = 100} : CasesOptions(), figures));
    }

    if (Wanted("burst") && server != nullptr) {
      REMATCH_RETURN_IF_ERROR(MeasureBurst(
          options, *server, quick ? BurstOptions{.cases = 600, .programs = 10, .mentors = 1000, .rounds = 1} : BurstOptions(), figures));
    }
    if (Wanted("growth")) {
      GrowthOptions growth;
      if (quick) growth = {.cases = {1'000, 4'000}, .mentors = {100, 1'000}, .rounds = 1, .each = absl::Milliseconds(300)};
      REMATCH_RETURN_IF_ERROR(MeasureGrowth(options, server.get(), growth, figures, plots));
    }
    if (Wanted("lookahead")) {
      REMATCH_ASSIGN_OR_RETURN(const std::unique_ptr<Stage> stage, Stage::Start(options, server.get(), "lookahead"));
      REMATCH_RETURN_IF_ERROR(MeasureLookahead(*stage, quick ? LookaheadOptions{.rounds = 1, .calls = 10} : LookaheadOptions(), figures));
    }
    return absl::OkStatus();
  };
  // What was measured before something failed is worth having.
  absl::Status measured = measure();
  std::cout << figures.Table();
  if (const std::string json = absl::GetFlag(FLAGS_json); !json.empty()) {
    measured.Update(figures.WriteJson(json, Machine(server.get())));
  }
  if (const std::string folder = absl::GetFlag(FLAGS_plots); !folder.empty()) {
    measured.Update(Draw(plots, folder));
  }
  return measured;
}

int Main() {
  const std::string store = absl::GetFlag(FLAGS_store);
  if (store != "sqlite" && store != "mysql") {
    std::cerr << "rematch-bench: --store is sqlite or mysql\n";
    return 2;
  }
  char folder[] = "/tmp/rematch-bench-XXXXXX";
  if (mkdtemp(folder) == nullptr) return 1;
  const absl::Status status = Measure(folder);
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  if (!status.ok()) std::cerr << "rematch-bench: " << status.message() << " " << sql::DetailOf(status) << "\n";
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace rematch::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("measures the suite on this machine");
  absl::ParseCommandLine(argc, argv);
  // As in the services.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  const std::string serve = absl::GetFlag(FLAGS_serve), port_file = absl::GetFlag(FLAGS_port_file);
  if (serve == "echo") return rematch::bench::ServeEcho(port_file);
  if (serve == "floor") return rematch::bench::ServeFloor(absl::GetFlag(FLAGS_database), absl::GetFlag(FLAGS_floor_threads), port_file);
  return rematch::bench::Main();
}
