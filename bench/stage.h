// What one run of the bench plays on: a MariaDB (or files of SQLite), the suite, the bare echo and the floor, each a process of its own.
#ifndef REMATCH_BENCH_STAGE_H_
#define REMATCH_BENCH_STAGE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bench/seed.h"
#include "bench/workload.h"
#include "bench/world.h"
#include "demo/mariadb.h"
#include "demo/process.h"
#include "demo/suite.h"

namespace rematch::bench {

struct StageOptions {
  std::string bin_dir;
  std::string source_dir;
  std::string work_dir;
  bool mysql = true;
  int replicas = 1;
  // How long a mentor has to answer. Long, unless the end of windows is what is measured.
  absl::Duration window = absl::Hours(72);
};

class Stage {
 public:
  // Starts the suite on a new database. A server is started by the first stage of a run and handed to those after it.
  static absl::StatusOr<std::unique_ptr<Stage>> Start(const StageOptions& options, demo::Mariadb* server, const std::string& name);

  ~Stage();

  demo::Suite& suite() { return *suite_; }
  demo::Mariadb* server() { return server_; }
  const std::string& reply_key() const { return reply_key_; }
  const std::string& policy() const { return policy_; }
  // The database of a part; the schema's name, on a server.
  std::string database(demo::Part part) const { return databases_.at(part); }
  std::string schema(demo::Part part) const;

  // Cases that are there already. The service does not run meanwhile.
  absl::StatusOr<std::vector<SeededCase>> AddCases(const World& world, int64_t first, int64_t count, Until until);

  // Resident megabytes of the part's largest process: now, and at most since the last ForgetPeaks(), or since it was started.
  double Resident(demo::Part part);
  double MostResident(demo::Part part);
  void ForgetPeaks();

  // Until no message waits to be sent.
  absl::Status AwaitSent();

 private:
  Stage() = default;

  StageOptions options_;
  demo::Mariadb* server_ = nullptr;
  std::map<demo::Part, std::string> databases_;
  std::string prefix_;
  std::string reply_key_;
  std::string policy_;
  // In memory, where there is a file system for that: what a mail server does with its disk is not measured, nor is to slow down the
  // store's.
  std::string mailboxes_;
  std::unique_ptr<demo::Suite> suite_;
};

// A server that is measured against: this program, started with these flags. `address` is where it serves.
struct Reference {
  demo::Process process;
  std::string address;
};
absl::StatusOr<Reference> StartReference(const std::vector<std::string>& flags, const std::string& port_file);

}  // namespace rematch::bench

#endif  // REMATCH_BENCH_STAGE_H_
