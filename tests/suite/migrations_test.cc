// Migrations stay as they landed: golden/migrations.txt holds the hash of each, and a store that was made with another text is refused.
#include <cstdlib>
#include <fstream>
#include <map>
#include <span>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "mentor-service/mentor_service.h"
#include "notify-service/notify_service.h"
#include "platform/ids.h"
#include "platform/strings.h"
#include "request-service/request_service.h"

namespace rematch::suite {
namespace {

constexpr char kLanded[] = REMATCH_SOURCE_DIR "/tests/suite/golden/migrations.txt";

// path -> hash
using Hashes = std::map<std::string, std::string>;

Hashes Embedded() {
  Hashes hashes;
  const auto add = [&hashes](const std::string& service, std::span<const platform::EmbeddedFile> files) {
    for (const platform::EmbeddedFile& file : files) {
      hashes[absl::StrCat(service, "/migrations/", ToAbsl(file.name))] = absl::BytesToHexString(platform::Sha256(file.content));
    }
  };
  add("mentor-service", mentor::MentorMigrations());
  add("notify-service", notify::NotifyMigrations());
  add("request-service", request::RequestMigrations());
  return hashes;
}

// Lines as sha256sum makes them.
Hashes Landed() {
  Hashes hashes;
  std::ifstream file(kLanded);
  for (std::string hash, path; file >> hash >> path;) hashes[path] = hash;
  return hashes;
}

TEST(LandedMigrations, AreNeitherChangedNorTakenAway) {
  const Hashes embedded = Embedded();
  const Hashes landed = Landed();
  EXPECT_GE(landed.size(), 6u);
  for (const auto& [path, hash] : landed) {
    const auto found = embedded.find(path);
    if (found == embedded.end()) {
      ADD_FAILURE() << path << " is gone: stores that were made with it would be refused";
    } else {
      EXPECT_EQ(found->second, hash) << path << " was changed: stores that were made with it would be refused. Add another migration.";
    }
  }
}

TEST(LandedMigrations, NewOnesAreListed) {
  const Hashes landed = Landed();
  for (const auto& [path, hash] : Embedded()) {
    if (landed.contains(path)) continue;
    const std::string line = absl::StrCat(hash, "  ", path, "\n");
    // Lines are only ever added.
    if (std::getenv("UPDATE_GOLDEN") != nullptr) {
      std::ofstream(kLanded, std::ios::app) << line;
    } else {
      ADD_FAILURE() << "UPDATE_GOLDEN=1 adds this line to tests/suite/golden/migrations.txt:\n" << line;
    }
  }
}

}  // namespace
}  // namespace rematch::suite
