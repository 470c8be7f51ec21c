// What every service's main shares: flags, signals, the gRPC server with health and reflection, metrics on a port of their
// own, graceful drain. main.cc only wires:
//
//   int main(int argc, char** argv) {
//     return rematch::rpc::ServerMain(argc, argv, {.name = "mentor-service", .migrations = mentor::MentorMigrations()},
//         [](rpc::ServerEnvironment& env) -> absl::StatusOr<std::unique_ptr<rpc::Service>> { return mentor::MakeService(env); });
//   }
//
// Flags of every service: --listen=127.0.0.1:0 (loopback only, unless --unauthenticated_callers), --port_file=PATH (the port is written
// there, whole, once serving), --metrics_listen=127.0.0.1:0, --metrics_port_file=PATH, --database=URL (platform/sql/database.h),
// --migrate_only, --log_level=info, --drain_timeout=10s; `--help` lists them with the service's own, which are ABSL_FLAGs of its main.cc,
// and
// `--version` says which build this is (platform/build_info.h). A bad flag, an
// unwritable path, a database or port in use: one clear line on stderr, exit code 2 for flags, 1 for the rest. The health service also says
// SERVING of the name "liveness", whatever becomes of the store. SIGTERM and SIGINT: health NOT_SERVING, loops stop, calls in flight end,
// doors drain, the store closes, exit code 0; a second one ends the process at once.
#ifndef REMATCH_PLATFORM_RPC_SERVER_H_
#define REMATCH_PLATFORM_RPC_SERVER_H_

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/clock.h"
#include "platform/embedded.h"
#include "platform/executor.h"
#include "platform/ids.h"
#include "platform/metrics.h"
#include "platform/rpc/call.h"
#include "platform/sql/database.h"

namespace rematch::rpc {

// What a service is built from; outlives it.
struct ServerEnvironment {
  sql::Database& database;
  platform::Clock& clock;
  platform::Random& random;
  platform::IdSource& ids;
  platform::Executor& blocking;
  platform::Metrics& metrics;
  std::string replica;  // differs for every start of every process: owner of leases
};

// A running service: its gRPC services and its loops.
class Service {
 public:
  virtual ~Service() = default;
  virtual std::vector<grpc::Service*> grpc_services() = 0;
  // Full names for the health service, one per gRPC service ("rematch.mentor.v1.MentorService").
  virtual std::vector<std::string> health_names() = 0;
  // Starts the loops, once the server listens.
  virtual void Start() {}
  // Called after health says NOT_SERVING: loops and streams end, and a store that is away is waited for no more
  // (GroupCommit::BeginDrain). Calls in flight go on, so whatever they need stays.
  virtual void StopIntake() {}
  // Called after the last call has ended: doors drain, what is leased is given up.
  virtual void Stop() {}
};

struct ServerDefinition {
  std::string name;
  std::span<const platform::EmbeddedFile> migrations;
};

using MakeService = std::function<absl::StatusOr<std::unique_ptr<Service>>(ServerEnvironment&)>;

struct ServerOptions {
  std::string listen = "127.0.0.1:0";
  // Whether both addresses may be others than of loopback, though whoever reaches them may claim any role: the network admits nobody else.
  bool unauthenticated_callers = false;
  std::string port_file;                       // empty: not written
  std::string metrics_listen = "127.0.0.1:0";  // empty: not served
  std::string metrics_port_file;               // empty: not written
  std::string database;                        // as sql::Open() takes it
  absl::Duration drain_timeout = absl::Seconds(10);
  int blocking_threads = 16;
};

// One serving process's worth of server, also several in one process for tests.
class Server {
 public:
  // Opens and migrates the store, makes the service, listens, starts it and reports SERVING; then writes the port files. The error of
  // whatever failed, with a message fit for an operator. A MySQL server that is away, or cannot be used as it is, is waited for: until then
  // the health service says NOT_SERVING on the same port, and `on_failure` is called if something else than the store fails later.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options, const ServerDefinition& definition,
                                                       const MakeService& make,
                                                       absl::AnyInvocable<void(const absl::Status&)> on_failure = nullptr);
  virtual ~Server() = default;

  virtual int port() const = 0;
  virtual int metrics_port() const = 0;  // 0 when not served
  // False while the store is waited for.
  virtual bool serving() const = 0;
  // Says NOT_SERVING, stops what begins work, lets calls in flight end, for `drain_timeout` at most, and stops the service. The destructor
  // does it as well.
  virtual void Drain() = 0;
};

// Brings the schema up to date and nothing else.
absl::Status MigrateOnly(const ServerOptions& options, const ServerDefinition& definition);

// Runs until a signal; returns the exit code.
int ServerMain(int argc, char** argv, ServerDefinition definition, MakeService make);

}  // namespace rematch::rpc

#endif  // REMATCH_PLATFORM_RPC_SERVER_H_
