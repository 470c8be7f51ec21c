#include "demo/mariadb.h"

#include <signal.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "demo/process.h"
#include "platform/errors.h"

namespace rematch::demo {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(90);

}  // namespace

absl::StatusOr<std::unique_ptr<Mariadb>> Mariadb::Start(const std::string& tool, const std::string& dir) {
  std::unique_ptr<Mariadb> server(new Mariadb(std::filesystem::absolute(tool).string(), std::filesystem::absolute(dir).string()));
  REMATCH_RETURN_IF_ERROR(server->Restart());
  return server;
}

absl::StatusOr<std::unique_ptr<Mariadb>> Mariadb::Restore(const std::string& tool, const std::string& from, const std::string& dir) {
  std::unique_ptr<Mariadb> server(new Mariadb(std::filesystem::absolute(tool).string(), std::filesystem::absolute(dir).string()));
  REMATCH_RETURN_IF_ERROR(server->Tool({"restore", std::filesystem::absolute(from).string(), server->dir_}).status());
  REMATCH_RETURN_IF_ERROR(server->Restart());
  return server;
}

Mariadb::~Mariadb() { Stop().IgnoreError(); }

absl::StatusOr<std::string> Mariadb::Url(const std::string& schema) { return Tool({"schema", dir_, schema}); }

absl::StatusOr<std::map<Part, std::string>> Mariadb::Databases(const std::string& prefix) {
  std::map<Part, std::string> databases;
  for (const Part part : kParts) {
    REMATCH_ASSIGN_OR_RETURN(databases[part], Url(absl::StrCat(prefix, absl::StrReplaceAll(NameOf(part), {{"-", "_"}}))));
  }
  return databases;
}

absl::StatusOr<std::string> Mariadb::Run(const std::string& statements) { return OutputOf(Client(statements), kPatience); }

std::vector<std::string> Mariadb::Client(const std::string& statements) const {
  const std::string port(absl::StripAsciiWhitespace(ReadFile(absl::StrCat(dir_, "/port"))));
  return {"/usr/bin/mariadb",
          absl::StrCat("--defaults-file=", dir_, "/root.cnf"),
          "--protocol=tcp",
          "--host=127.0.0.1",
          absl::StrCat("--port=", port),
          "--batch",
          "--skip-column-names",
          "-e",
          statements};
}

absl::Status Mariadb::Backup(const std::string& to) const {
  return Tool({"backup", dir_, std::filesystem::absolute(to).string()}).status();
}

void Mariadb::Signal(int signal) const {
  int pid = 0;
  if (absl::SimpleAtoi(ReadFile(absl::StrCat(dir_, "/pid")), &pid) && pid > 0) kill(pid, signal);
}

absl::Status Mariadb::Kill() { return Tool({"kill", dir_}).status(); }
absl::Status Mariadb::Stop() { return Tool({"stop", dir_}).status(); }
absl::Status Mariadb::Restart() { return Tool({"start", dir_, "--with", absl::StrCat(getpid())}).status(); }

absl::StatusOr<std::string> Mariadb::Tool(const std::vector<std::string>& words) const {
  std::vector<std::string> argv = {tool_};
  argv.insert(argv.end(), words.begin(), words.end());
  return OutputOf(argv, kPatience);
}

}  // namespace rematch::demo
