#include "platform/rpc/server.h"

#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <optional>
#include <thread>
#include <utility>

#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <grpcpp/ext/health_check_service_server_builder_option.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>

#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "platform/build_info.h"
#include "platform/errors.h"
#include "platform/log.h"
#include "platform/loop.h"
#include "platform/rpc/address.h"
#include "platform/rpc/waiting.h"
#include "platform/sql/migrations.h"
#include "platform/sql/watched.h"
#include "platform/strings.h"

ABSL_FLAG(std::string, listen, "127.0.0.1:0",
          "Address to serve on, loopback only without --unauthenticated_callers; port 0 takes a free one.");
ABSL_FLAG(
    bool, unauthenticated_callers, false,
    "Serve beyond loopback, although whoever reaches the port may claim to be anybody: only where the network lets nobody in but trusted "
    "callers, as with NetworkPolicies.");
ABSL_FLAG(std::string, port_file, "", "File to write the port to once the service serves.");
ABSL_FLAG(std::string, metrics_listen, "127.0.0.1:0", "Address to serve /metrics on, under the same rule; empty: nowhere.");
ABSL_FLAG(std::string, metrics_port_file, "", "File to write the port of /metrics to.");
ABSL_FLAG(std::string, database, "",
          "The store: sqlite:PATH, or mysql://USER@HOST[:PORT][,HOST...]/SCHEMA[?password_file=PATH&ssl_ca=PATH&pool=N]; by default a file "
          "named after the service in the current folder.");
ABSL_FLAG(bool, migrate_only, false, "Bring the schema up to date and exit.");
ABSL_FLAG(std::string, log_level, "info", "debug, info, warn, error or off.");
ABSL_FLAG(absl::Duration, drain_timeout, absl::Seconds(10),
          "How long calls in flight may take to end after SIGTERM, once the loops have ended.");

// What jemalloc reads before main(), by this name: a thread of its own gives memory back, which else only those who ask for memory do, and
// after a large import nobody may for hours. Unused by the allocators of sanitizers.
extern "C" const char* malloc_conf;
const char* malloc_conf = "background_thread:true,dirty_decay_ms:3000,muzzy_decay_ms:0";

namespace rematch::rpc {
namespace {

constexpr int kBadFlags = 2;
constexpr int kFailed = 1;
// Work that waits for a thread beyond this is refused: it would wait longer than callers do.
constexpr size_t kMaxBlockingQueue = 4096;
// How long answers that were given may take to be sent when nothing else is under way.
constexpr absl::Duration kLastAnswers = absl::Milliseconds(100);
// Without a new call for this long, there come no more; and how long is waited for that at most.
constexpr absl::Duration kNoMoreCalls = absl::Milliseconds(50);
constexpr absl::Duration kLameDuck = absl::Seconds(2);
// What a start may still take when it is told to end: usually it is over in a tenth of it.
constexpr absl::Duration kRestOfStart = absl::Seconds(1);
constexpr absl::Duration kLookAtStore = absl::Seconds(1);
// How long a start waits in silence for another replica that migrates.
constexpr absl::Duration kWaitForMigration = absl::Seconds(1);

absl::Status CannotStart(std::string_view what, std::string_view why) {
  return Error(absl::StatusCode::kFailedPrecondition, "CANNOT_START", absl::StrCat(ToAbsl(what), ": ", ToAbsl(why)));
}

// The same error, with what was being done in front of its message.
absl::Status While(std::string_view what, const absl::Status& status) { return CannotStart(what, ToStd(status.message())); }

// Written beside and renamed, so that whoever waits for the file reads all of it.
absl::Status WritePort(const std::string& path, int port) {
  if (path.empty()) return absl::OkStatus();
  const std::string beside = absl::StrCat(path, ".", getpid(), ".tmp");
  std::FILE* file = std::fopen(beside.c_str(), "w");
  if (file == nullptr) return CannotStart(absl::StrCat("cannot write ", path), std::strerror(errno));
  const bool written = std::fprintf(file, "%d\n", port) > 0;
  if (std::fclose(file) != 0 || !written || std::rename(beside.c_str(), path.c_str()) != 0) {
    const absl::Status status = CannotStart(absl::StrCat("cannot write ", path), std::strerror(errno));
    std::remove(beside.c_str());
    return status;
  }
  return absl::OkStatus();
}

// One listening port, for `services` or for `waiting` in their place. Connections end after some minutes (gRPC adds jitter), else clients
// that balance never see a new replica.
std::unique_ptr<grpc::Server> Listen(const std::string& address, const std::vector<grpc::Service*>& services, WaitingService* waiting,
                                     int& port) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  // A second process on the same port is a mistake to be told, and not a share of the load.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, 5 * 60 * 1000);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, 60 * 1000);
  // Watches that wait in silence are kept alive by their clients, see channel.cc.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10 * 1000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // Only reflection is served by gRPC's own threads.
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 2);
  for (grpc::Service* service : services) builder.RegisterService(service);
  if (waiting != nullptr) {
    builder.SetOption(std::make_unique<grpc::HealthCheckServiceServerBuilderOption>(nullptr));
    builder.RegisterCallbackGenericService(waiting);
  }
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (port == 0) server.reset();
  if (server != nullptr && waiting == nullptr) {
    // What the health service answers until it is told otherwise; the process itself lives.
    server->GetHealthCheckService()->SetServingStatus("", false);
    server->GetHealthCheckService()->SetServingStatus(kLiveness, true);
    server->GetHealthCheckService()->SetServingStatus(kAccepting, true);
  }
  return server;
}

absl::Status CannotListen(const std::string& address) {
  return CannotStart(absl::StrCat("cannot listen on ", address), "the port is in use or may not be used");
}

class RunningServer final : public Server {
 public:
  RunningServer(const ServerOptions& options, std::unique_ptr<sql::Database> database)
      : options_(options),
        database_(std::move(database), clock_),
        ids_(clock_, random_),
        blocking_(options.blocking_threads, kMaxBlockingQueue),
        environment_{database_, clock_, random_, ids_, blocking_, metrics_, ids_.Next()} {}

  ~RunningServer() override { Drain(); }

  absl::Status Start(const ServerDefinition& definition, const MakeService& make,
                     absl::AnyInvocable<void(const absl::Status&)> on_failure) {
    migrator_ = std::make_unique<sql::Migrator>(database_, definition.migrations, clock_);
    make_ = make;
    on_failure_ = std::move(on_failure);
    const absl::Status prepared = Prepare();
    if (prepared.ok()) {
      REMATCH_RETURN_IF_ERROR(ServeMetrics());
      REMATCH_RETURN_IF_ERROR(Serve(options_.listen));
      loop_ = std::make_unique<platform::Loop>(
          "store", [this] { return LookAtStore(); }, kLookAtStore);
      return absl::OkStatus();
    }
    // A server that may come back is waited for; a file is not.
    if (!absl::IsUnavailable(prepared) || !options_.database.starts_with("mysql:")) return prepared;
    waiting_ = Listen(options_.listen, {}, &waiting_service_, port_);
    if (waiting_ == nullptr) return CannotListen(options_.listen);
    REMATCH_RETURN_IF_ERROR(ServeMetrics());
    said_ = sql::DetailOf(prepared);
    log::Error("waiting_for_store", {{"port", port_}, {"error", said_}});
    loop_ = std::make_unique<platform::Loop>(
        "store", [this] { return waiting_ == nullptr ? LookAtStore() : TryAgain(); }, kLookAtStore);
    return absl::OkStatus();
  }

  int port() const override { return port_; }
  int metrics_port() const override { return metrics_port_; }
  bool serving() const override {
    absl::MutexLock lock(&mutex_);
    return server_ != nullptr;
  }

  void Drain() override {
    {
      absl::MutexLock lock(&mutex_);
      if (std::exchange(drained_, true)) return;
      // Health first: whoever balances load sends no more calls while those in flight end.
      SetServing();
    }
    loop_.reset();
    if (waiting_ != nullptr) waiting_->Shutdown(std::chrono::system_clock::now());
    if (started_) service_->StopIntake();
    // Doors are still open: a call that was taken on before may come to its command only now. Until here calls were taken on, however long
    // the loops took to end.
    if (server_ != nullptr) EndCalls();
    if (started_) service_->Stop();
    absl::MutexLock lock(&mutex_);
    server_.reset();
    service_.reset();
  }

 private:
  // Brings the store up to date and makes the service over it. May be called again after a failure.
  absl::Status Prepare() {
    REMATCH_RETURN_IF_ERROR(migrator_->Run(kWaitForMigration));
    REMATCH_ASSIGN_OR_RETURN(service_, make_(environment_));
    return absl::OkStatus();
  }

  absl::Status Serve(const std::string& address) {
    std::unique_ptr<grpc::Server> server = Listen(address, service_->grpc_services(), nullptr, port_);
    if (server == nullptr) return CannotListen(address);
    service_->Start();
    started_ = true;
    {
      absl::MutexLock lock(&mutex_);
      server_ = std::move(server);
      SetServing();
    }
    database_.Watch([this](bool usable) {
      absl::MutexLock lock(&mutex_);
      usable_ = usable;
      SetServing();
    });
    REMATCH_RETURN_IF_ERROR(WritePort(options_.metrics_port_file, metrics_port_));
    return WritePort(options_.port_file, port_);
  }

  absl::Status ServeMetrics() {
    if (options_.metrics_listen.empty()) return absl::OkStatus();
    absl::StatusOr<int> metrics_port = metrics_.Serve(options_.metrics_listen);
    if (!metrics_port.ok()) return While(absl::StrCat("cannot serve metrics on ", options_.metrics_listen), metrics_port.status());
    metrics_port_ = *metrics_port;
    return absl::OkStatus();
  }

  // A step of the loop until the store was there.
  absl::Duration TryAgain() {
    absl::Status status = Prepare();
    {
      absl::MutexLock lock(&mutex_);
      if (drained_) return kLookAtStore;
    }
    if (absl::IsUnavailable(status)) {
      if (const std::string detail = sql::DetailOf(status); detail != said_) {
        said_ = detail;
        log::Error("waiting_for_store", {{"port", port_}, {"error", detail}});
      }
      return kLookAtStore;
    }
    if (status.ok()) {
      waiting_->Shutdown(std::chrono::system_clock::now());
      waiting_.reset();
      const std::string host = options_.listen.substr(0, options_.listen.rfind(':'));
      status = Serve(absl::StrCat(host, ":", port_));
    }
    if (status.ok()) {
      log::Info("serving", {{"port", port_}, {"metrics_port", metrics_port_}});
    } else if (on_failure_) {
      on_failure_(status);
    }
    return kLookAtStore;
  }

  absl::Duration LookAtStore() {
    database_.Step();
    return kLookAtStore;
  }

  // Lets clients go and calls in flight end, which may take until `drain_timeout` from when no more are taken on. A call that comes to a
  // server of gRPC while that shuts down fails as CANCELLED, which nobody tries again (https://github.com/grpc/grpc/issues/41785). So gRPC
  // is told last, when nobody calls any more: clients that watch the health have heard and gone elsewhere, and the others are turned away
  // by ourselves, as UNAVAILABLE.
  void EndCalls() {
    const absl::Time patience = absl::Now() + std::min(kLameDuck, options_.drain_timeout);
    for (int64_t before = -1; before != metrics_.calls_begun() && absl::Now() < patience;) {
      before = metrics_.calls_begun();
      absl::SleepFor(kNoMoreCalls);
    }
    metrics_.TurnAway();
    const absl::Time deadline = absl::Now() + options_.drain_timeout;
    // Twice in a row, so that the last answers had time to go out.
    for (bool quiet = false; absl::Now() < deadline;) {
      if (std::exchange(quiet, metrics_.calls_under_way() == 0) && quiet) break;
      absl::SleepFor(kLastAnswers);
    }
    // A stream that nobody but its client ends (a watch of the health, reflection) is cut off with whatever is left.
    server_->Shutdown(std::chrono::system_clock::now());
  }

  void SetServing() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (server_ == nullptr) return;
    const bool serving = usable_ && !drained_;
    grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
    for (const std::string& name : service_->health_names()) health->SetServingStatus(name, serving);
    health->SetServingStatus("", serving);
    health->SetServingStatus(kAccepting, !drained_);
  }

  const ServerOptions options_;
  MakeService make_;
  absl::AnyInvocable<void(const absl::Status&)> on_failure_;
  platform::RealClock clock_;
  platform::SecureRandom random_;
  // From here on, what is below is built from what is above.
  sql::WatchedDatabase database_;
  std::unique_ptr<sql::Migrator> migrator_;
  platform::IdSource ids_;
  platform::Metrics metrics_;
  platform::ThreadPool blocking_;
  ServerEnvironment environment_;
  std::unique_ptr<Service> service_;
  WaitingService waiting_service_;
  std::unique_ptr<grpc::Server> waiting_;  // while nothing is served yet
  std::string said_;                       // why, as it was logged last
  mutable absl::Mutex mutex_;
  std::unique_ptr<grpc::Server> server_;  // set and reset under the mutex
  bool usable_ ABSL_GUARDED_BY(mutex_) = true;
  bool drained_ ABSL_GUARDED_BY(mutex_) = false;
  int port_ = 0;
  int metrics_port_ = 0;
  bool started_ = false;
  std::unique_ptr<platform::Loop> loop_;
};

// Flags that the suite defines: those of Abseil's own libraries would only confuse here.
bool IsOurs(const absl::CommandLineFlag& flag) { return flag.Filename().find("absl/") == std::string::npos; }

absl::CommandLineFlag* FindFlag(std::string_view name) {
  absl::CommandLineFlag* flag = absl::FindCommandLineFlag(ToAbsl(name));
  return flag != nullptr && IsOurs(*flag) ? flag : nullptr;
}

void PrintHelp(const std::string& name) {
  std::map<std::string, absl::CommandLineFlag*> sorted;
  for (const auto& [flag_name, flag] : absl::GetAllFlags()) {
    if (IsOurs(*flag)) sorted.emplace(std::string(flag_name), flag);
  }
  std::cout << name << " serves until SIGTERM or SIGINT. Flags:\n";
  for (const auto& [flag_name, flag] : sorted) {
    std::cout << "  --" << flag_name << " (" << (flag->DefaultValue().empty() ? "\"\"" : flag->DefaultValue()) << ")\n      "
              << flag->Help() << "\n";
  }
}

struct Parsed {
  bool help = false;
  bool version = false;
};

// Sets the flags that `argv` names: --name=value, --name value, and --name or --noname for a bool. absl::ParseCommandLine() would print
// several lines about a bad flag and exit with 1; the registry of flags and the parsing of values are Abseil's.
absl::StatusOr<Parsed> ParseFlags(int argc, char** argv) {
  const auto bad = [](std::string_view text) { return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidField, text); };
  for (int i = 1; i < argc; ++i) {
    std::string_view argument = argv[i];
    if (argument == "--help" || argument == "-h") return Parsed{.help = true};
    if (argument == "--version") return Parsed{.version = true};
    if (!argument.starts_with("--")) return bad(absl::StrCat("unexpected argument '", argv[i], "'; --help lists the flags"));
    argument.remove_prefix(2);
    const size_t equals = argument.find('=');
    const std::string_view name = argument.substr(0, equals);
    std::optional<std::string_view> value;
    if (equals != std::string_view::npos) value = argument.substr(equals + 1);
    absl::CommandLineFlag* flag = FindFlag(name);
    if (flag == nullptr && !value.has_value() && name.starts_with("no")) {
      flag = FindFlag(name.substr(2));
      if (flag != nullptr && !flag->IsOfType<bool>()) flag = nullptr;
      value = "false";
    }
    if (flag == nullptr) return bad(absl::StrCat("unknown flag --", ToAbsl(name), "; --help lists the flags"));
    if (!value.has_value() && flag->IsOfType<bool>()) value = "true";
    if (!value.has_value()) {
      if (i + 1 == argc) return bad(absl::StrCat("flag --", ToAbsl(name), " needs a value"));
      value = argv[++i];
    }
    std::string ignored;
    if (!flag->ParseFrom(ToAbsl(*value), &ignored)) {
      return bad(absl::StrCat("flag --", ToAbsl(name), " does not take this value; its default is '", flag->DefaultValue(), "'"));
    }
  }
  return Parsed{};
}

absl::Status CheckFlags() {
  const auto check = [](std::string_view flag, const absl::Status& status) {
    if (status.ok()) return status;
    return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidField, absl::StrCat("flag --", ToAbsl(flag), " ", status.message()));
  };
  const auto check_address = absl::GetFlag(FLAGS_unauthenticated_callers) ? CheckAddress : CheckLoopback;
  REMATCH_RETURN_IF_ERROR(check("listen", check_address(absl::GetFlag(FLAGS_listen))));
  if (const std::string metrics = absl::GetFlag(FLAGS_metrics_listen); !metrics.empty()) {
    REMATCH_RETURN_IF_ERROR(check("metrics_listen", check_address(metrics)));
  }
  const absl::Duration drain = absl::GetFlag(FLAGS_drain_timeout);
  if (drain < absl::ZeroDuration() || drain > absl::Hours(1)) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidField, "flag --drain_timeout must be between 0s and 1h");
  }
  return absl::OkStatus();
}

// gRPC's own messages are no JSON, may quote anything, and repeat what a failed start says in one line: of an error while serving,
// the place in gRPC's source is kept.
std::atomic<bool> grpc_logs = false;
void LogOfGrpc(gpr_log_func_args* message) {
  if (message->severity < GPR_LOG_SEVERITY_ERROR || !grpc_logs.load(std::memory_order_relaxed)) return;
  const std::string_view path = message->file;
  log::Warn("grpc_error", {{"at", absl::StrCat(ToAbsl(path.substr(path.rfind('/') + 1)), ":", message->line)}});
}

int Fail(const std::string& name, const absl::Status& status, int code) {
  std::string line = absl::StrCat(name, ": ", status.message());
  // The operator's to know, though no caller's.
  if (const std::string detail = sql::DetailOf(status); !detail.empty()) absl::StrAppend(&line, ": ", detail);
  std::replace(line.begin(), line.end(), '\n', ' ');
  std::cerr << line << std::endl;
  return code;
}

}  // namespace

absl::Status MigrateOnly(const ServerOptions& options, const ServerDefinition& definition) {
  REMATCH_ASSIGN_OR_RETURN(const std::unique_ptr<sql::Database> database, sql::Open(options.database));
  platform::RealClock clock;
  return sql::Migrate(*database, definition.migrations, clock);
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options, const ServerDefinition& definition,
                                                      const MakeService& make, absl::AnyInvocable<void(const absl::Status&)> on_failure) {
  // gRPC takes part in this at the time when a server is built; both are process-wide and idempotent.
  static const bool once = [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    return true;
  }();
  (void)once;
  const auto check_address = options.unauthenticated_callers ? CheckAddress : CheckLoopback;
  REMATCH_RETURN_IF_ERROR(check_address(options.listen));
  if (!options.metrics_listen.empty()) REMATCH_RETURN_IF_ERROR(check_address(options.metrics_listen));
  REMATCH_ASSIGN_OR_RETURN(std::unique_ptr<sql::Database> database, sql::Open(options.database));
  auto server = std::make_unique<RunningServer>(options, std::move(database));
  REMATCH_RETURN_IF_ERROR(server->Start(definition, make, std::move(on_failure)));
  return server;
}

int ServerMain(int argc, char** argv, ServerDefinition definition, MakeService make) {
  absl::StatusOr<Parsed> parsed = ParseFlags(argc, argv);
  if (!parsed.ok()) return Fail(definition.name, parsed.status(), kBadFlags);
  if (parsed->help) {
    PrintHelp(definition.name);
    return 0;
  }
  if (parsed->version) {
    std::cout << definition.name << " " << platform::BuildInfo() << "\n";
    return 0;
  }
  if (const absl::Status status = CheckFlags(); !status.ok()) return Fail(definition.name, status, kBadFlags);
  if (const absl::Status status = log::Configure(definition.name, absl::GetFlag(FLAGS_log_level)); !status.ok()) {
    return Fail(definition.name, status, kBadFlags);
  }
  // What a service writes (the store, mail in a Maildir) holds names, reasons and addresses: it is for its own user alone.
  umask(0077);
  signal(SIGPIPE, SIG_IGN);
  // Debian's Abseil looks for deadlocks at every lock, which gRPC takes many of: a twentieth of the time of a read. ThreadSanitizer looks
  // for them in the tests.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  // An operator who wants to read all that gRPC has to say sets the variable.
  if (std::getenv("GRPC_VERBOSITY") == nullptr) gpr_set_log_function(&LogOfGrpc);

  ServerOptions options;
  options.listen = absl::GetFlag(FLAGS_listen);
  options.unauthenticated_callers = absl::GetFlag(FLAGS_unauthenticated_callers);
  options.port_file = absl::GetFlag(FLAGS_port_file);
  options.metrics_listen = absl::GetFlag(FLAGS_metrics_listen);
  options.metrics_port_file = absl::GetFlag(FLAGS_metrics_port_file);
  options.database = absl::GetFlag(FLAGS_database);
  if (options.database.empty()) options.database = absl::StrCat("sqlite:", definition.name, ".db");
  options.drain_timeout = absl::GetFlag(FLAGS_drain_timeout);

  if (absl::GetFlag(FLAGS_migrate_only)) {
    const absl::Status status = MigrateOnly(options, definition);
    return status.ok() ? 0 : Fail(definition.name, status, absl::IsInvalidArgument(status) ? kBadFlags : kFailed);
  }

  // Before any thread starts, so that all inherit it: signals are taken by sigwait() below and by nothing else.
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  absl::Notification started;
  std::atomic<bool> failed = false;
  int received = 0;
  std::thread signals([&] {
    sigwait(&ending, &received);
    // Whoever asks a second time, or while a start takes long, does not want to wait: the default action ends the process, as a crash
    // would, which loses nothing.
    pthread_sigmask(SIG_UNBLOCK, &ending, nullptr);
    if (!started.WaitForNotificationWithTimeout(kRestOfStart)) raise(received);
  });
  // To that thread alone, which waits for it.
  const auto end = [&signals] { pthread_kill(signals.native_handle(), SIGTERM); };  // NOLINT(bugprone-bad-signal-to-kill-thread)

  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(options, definition, make, [&](const absl::Status& status) {
    failed = true;
    Fail(definition.name, status, kFailed);
    end();
  });
  started.Notify();
  if (server.ok() && !CheckLoopback(options.listen).ok()) log::Warn("callers_are_not_authenticated", {{"listen", options.listen}});
  if (!server.ok()) {
    end();
    signals.join();
    // A flag whose value only the service itself could judge.
    const bool bad_flag = server.status().code() == absl::StatusCode::kInvalidArgument;
    return Fail(definition.name, server.status(), bad_flag ? kBadFlags : kFailed);
  }
  if ((*server)->serving()) log::Info("serving", {{"port", (*server)->port()}, {"metrics_port", (*server)->metrics_port()}});
  grpc_logs = true;
  signals.join();
  log::Info("draining", {{"signal", received}});
  pthread_sigmask(SIG_UNBLOCK, &ending, nullptr);
  (*server)->Drain();
  server->reset();
  log::Info("stopped");
  return failed ? kFailed : 0;
}

}  // namespace rematch::rpc
