// A Galera cluster of three MariaDB nodes of the suite's own, on loopback, with its data in one folder (tools/galera).
//
//   auto cluster = Galera::Start("tools/galera", work_dir + "/galera");
//   options.databases = *(*cluster)->Databases();   // all nodes are in the URLs, in order
//   (*cluster)->Kill(1);                             // as a power cut would
//   (*cluster)->Restart(1);                          // catches up; returns once it is Synced
#ifndef REMATCH_DEMO_GALERA_H_
#define REMATCH_DEMO_GALERA_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "demo/suite.h"

namespace rematch::demo {

// Not thread-safe. The nodes stop when this process is gone, however that one ends.
class Galera {
 public:
  static constexpr int kNodes = 3;

  // `tool` is tools/galera of the sources. Makes `dir` if it is not there, else goes on with the data in it. Takes a minute or two.
  static absl::StatusOr<std::unique_ptr<Galera>> Start(const std::string& tool, const std::string& dir);
  ~Galera();
  Galera(const Galera&) = delete;
  Galera& operator=(const Galera&) = delete;

  // A schema for each service: SuiteOptions::databases.
  absl::StatusOr<std::map<Part, std::string>> Databases();
  // SIGKILL to node 1, 2 or 3; returns when the process is gone.
  absl::Status Kill(int node);
  absl::Status Restart(int node);
  // "Synced", or what else the node says of itself, or "down".
  absl::StatusOr<std::string> State(int node) const;

 private:
  Galera(std::string tool, std::string dir) : tool_(std::move(tool)), dir_(std::move(dir)) {}
  absl::StatusOr<std::string> Tool(const std::vector<std::string>& words) const;

  const std::string tool_;
  const std::string dir_;
};

}  // namespace rematch::demo

#endif  // REMATCH_DEMO_GALERA_H_
