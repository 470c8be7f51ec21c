#include "demo/galera.h"

#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "demo/process.h"
#include "platform/errors.h"

namespace rematch::demo {
namespace {

// A node that has to be copied as a whole takes a while.
constexpr absl::Duration kPatience = absl::Minutes(5);

}  // namespace

absl::StatusOr<std::unique_ptr<Galera>> Galera::Start(const std::string& tool, const std::string& dir) {
  std::unique_ptr<Galera> cluster(new Galera(std::filesystem::absolute(tool).string(), std::filesystem::absolute(dir).string()));
  REMATCH_RETURN_IF_ERROR(cluster->Tool({"start", cluster->dir_, "--with", absl::StrCat(getpid())}).status());
  return cluster;
}

Galera::~Galera() { Tool({"stop", dir_}).IgnoreError(); }

absl::StatusOr<std::map<Part, std::string>> Galera::Databases() {
  std::map<Part, std::string> databases;
  for (const Part part : kParts) {
    REMATCH_ASSIGN_OR_RETURN(databases[part], Tool({"schema", dir_, absl::StrReplaceAll(NameOf(part), {{"-", "_"}})}));
  }
  return databases;
}

absl::Status Galera::Kill(int node) { return Tool({"kill", dir_, absl::StrCat(node)}).status(); }
absl::Status Galera::Restart(int node) { return Tool({"restart", dir_, absl::StrCat(node), "--with", absl::StrCat(getpid())}).status(); }
absl::StatusOr<std::string> Galera::State(int node) const { return Tool({"state", dir_, absl::StrCat(node)}); }

absl::StatusOr<std::string> Galera::Tool(const std::vector<std::string>& words) const {
  std::vector<std::string> argv = {tool_};
  argv.insert(argv.end(), words.begin(), words.end());
  return OutputOf(argv, kPatience);
}

}  // namespace rematch::demo
