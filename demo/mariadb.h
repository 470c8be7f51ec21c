// A MariaDB of the suite's own, on loopback, with its data in one folder: what stands in for MySQL where nobody has a server at hand.
//
//   auto server = Mariadb::Start("tools/mariadb", work_dir + "/mariadb");
//   std::string url = *(*server)->Url("mentor_service");   // a schema, and a user with rights on it alone
//   (*server)->Kill();                                      // as a power cut would
//   (*server)->Restart();                                   // same port, same data
#ifndef REMATCH_DEMO_MARIADB_H_
#define REMATCH_DEMO_MARIADB_H_

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "demo/suite.h"

namespace rematch::demo {

// Thread-safe, while it is neither stopped nor started. The server stops when this process is gone, however that one ends.
class Mariadb {
 public:
  // `tool` is tools/mariadb of the sources. Makes `dir` if it is not there, else goes on with the data in it.
  static absl::StatusOr<std::unique_ptr<Mariadb>> Start(const std::string& tool, const std::string& dir);
  // Makes `dir` of what Backup() left in `from`, and starts a server there.
  static absl::StatusOr<std::unique_ptr<Mariadb>> Restore(const std::string& tool, const std::string& from, const std::string& dir);
  ~Mariadb();
  Mariadb(const Mariadb&) = delete;
  Mariadb& operator=(const Mariadb&) = delete;

  // Of a schema, as --database takes it. The schema and its user are made at the first time.
  absl::StatusOr<std::string> Url(const std::string& schema);
  // A schema for each service, whose names begin with `prefix`: SuiteOptions::databases.
  absl::StatusOr<std::map<Part, std::string>> Databases(const std::string& prefix = "");
  // Runs statements as the server's administrator.
  absl::StatusOr<std::string> Run(const std::string& statements);

  // The command line that runs statements so.
  std::vector<std::string> Client(const std::string& statements) const;

  // Of all schemas at one moment, into the new folder `to`, while the server goes on.
  absl::Status Backup(const std::string& to) const;

  void Signal(int signal) const;
  // SIGKILL; returns when the process is gone.
  absl::Status Kill();
  absl::Status Stop();
  // After either.
  absl::Status Restart();

 private:
  Mariadb(std::string tool, std::string dir) : tool_(std::move(tool)), dir_(std::move(dir)) {}
  absl::StatusOr<std::string> Tool(const std::vector<std::string>& words) const;

  const std::string tool_;
  const std::string dir_;
};

}  // namespace rematch::demo

#endif  // REMATCH_DEMO_MARIADB_H_
