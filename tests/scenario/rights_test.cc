// What tools/mariadb gives to the users that it makes, and what it leaves alone: the suite's own server stands in for one of an operator.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "demo/mariadb.h"
#include "demo/process.h"
#include "platform/sql/database.h"
#include "tests/scenario/scenario_kit.h"

namespace rematch::scenario {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(60);

std::string SchemaOf(demo::Part part) { return absl::StrReplaceAll(demo::NameOf(part), {{"-", "_"}}); }

// What comes of it when the user of `url` turns to a schema.
absl::Status Use(const std::string& url, const std::string& own, const std::string& schema) {
  auto database = sql::Open(absl::StrReplaceAll(url, {{absl::StrCat("/", own, "?"), absl::StrCat("/", schema, "?")}}));
  if (!database.ok()) return database.status();
  return (*database)->Read([](sql::Transaction& tx) { return tx.Query("SELECT 1").status(); });
}

TEST(Rights, OfAServicesUserEndAtItsOwnSchema) {
  const WorkFolder folder;
  auto server = StartMariadb(folder);
  ASSERT_TRUE(server.ok()) << server.status();
  auto urls = (*server)->Databases();
  ASSERT_TRUE(urls.ok()) << urls.status();
  for (const auto& [part, url] : *urls) {
    const std::string own = SchemaOf(part);
    EXPECT_TRUE(Use(url, own, own).ok()) << own;
    std::vector<std::string> others = {"mysql"};
    for (const demo::Part other : demo::kParts) {
      if (other != part) others.push_back(SchemaOf(other));
    }
    // A name is no pattern, nor the begin of others.
    for (const std::string& alike : {absl::StrReplaceAll(own, {{"_", "0"}}), absl::StrCat(own, "_2")}) {
      ASSERT_TRUE((*server)->Run(absl::StrCat("CREATE DATABASE ", alike)).ok());
      others.push_back(alike);
    }
    for (const std::string& other : others) {
      const absl::Status used = Use(url, own, other);
      EXPECT_FALSE(used.ok()) << own << " may use " << other;
      EXPECT_THAT(sql::DetailOf(used), HasSubstr("mysql error 1044")) << own << ", " << other;
    }
  }
}

// The tool on a folder that has not been a server's.
absl::Status Tool(const std::string& command, const std::string& dir) {
  return demo::OutputOf({absl::StrCat(SourceDir(), "/tools/mariadb"), command, dir}, kPatience).status();
}

TEST(MariadbTool, MakesNoServerWhereSomebodysDataAre) {
  const WorkFolder folder;
  std::filesystem::create_directory(absl::StrCat(folder.path(), "/data"));
  const std::string file = folder.Write("data/dear", "to somebody");
  const absl::Status started = Tool("start", folder.path());
  EXPECT_FALSE(started.ok());
  EXPECT_THAT(std::string(started.message()), HasSubstr("a folder of its own"));
  EXPECT_EQ(demo::ReadFile(file), "to somebody");
  Tool("stop", folder.path()).IgnoreError();
}

// After a reboot the id that a server had may be anybody's.
TEST(MariadbTool, EndsNoProcessThatIsNotItsServer) {
  const WorkFolder folder;
  auto stranger = demo::Process::Start({.argv = {"/usr/bin/sleep", "1000"}});
  ASSERT_TRUE(stranger.ok()) << stranger.status();
  for (const std::string command : {"stop", "kill"}) {
    folder.Write("pid", absl::StrCat(stranger->pid(), "\n"));
    EXPECT_TRUE(Tool(command, folder.path()).ok());
    EXPECT_FALSE(std::filesystem::exists(folder.path() + "/pid"));
    EXPECT_FALSE(stranger->Wait(absl::Milliseconds(100)).has_value()) << command;
  }
}

}  // namespace
}  // namespace rematch::scenario
