// Rules of the house that no compiler checks: who may include what, that every error reason and every RPC and field is explained, and
// that nothing in a schema or message could carry a protected attribute.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

const fs::path kRoot = REMATCH_SOURCE_DIR;

std::string Content(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

// Files below `folder` whose name ends with one of `endings`.
std::vector<fs::path> Files(const fs::path& folder, const std::set<std::string>& endings) {
  std::vector<fs::path> found;
  if (!fs::exists(kRoot / folder)) return found;
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
    if (entry.is_regular_file() && endings.contains(entry.path().extension().string())) found.push_back(entry.path());
  }
  return found;
}

std::vector<std::string> Includes(const fs::path& path) {
  std::vector<std::string> found;
  const std::string content = Content(path);
  static const std::regex kInclude(R"re(#include\s+[<"]([^>"]+)[>"])re");
  for (std::sregex_iterator it(content.begin(), content.end(), kInclude), end; it != end; ++it) found.push_back((*it)[1]);
  return found;
}

TEST(Layers, ADomainIncludesNeitherGrpcNorSqlNorTheClock) {
  static const std::regex kForbidden(
      R"(grpcpp/.*|.*\.grpc\.pb\.h|platform/(sql|rpc)/.*|platform/(clock|executor|loop|leases|group_commit|metrics|log)\.h|.*-service/(store|rpc|loops|transport)/.*|chrono|ctime|thread)");
  size_t seen = 0;
  for (const char* service : {"mentor-service/domain", "request-service/domain", "notify-service/domain"}) {
    for (const fs::path& file : Files(service, {".h", ".cc"})) {
      ++seen;
      for (const std::string& include : Includes(file)) {
        EXPECT_FALSE(std::regex_match(include, kForbidden)) << file << " includes " << include;
      }
    }
  }
  EXPECT_GE(seen, 12u);
}

TEST(Layers, ThePlatformKnowsNothingOfMentoring) {
  static const std::regex kForbidden(R"((mentor|request|notify)-service/.*|rematch/(mentor|request|notify)/.*|access/.*)");
  size_t seen = 0;
  for (const fs::path& file : Files("platform", {".h", ".cc"})) {
    ++seen;
    for (const std::string& include : Includes(file))
      EXPECT_FALSE(std::regex_match(include, kForbidden)) << file << " includes " << include;
  }
  EXPECT_GE(seen, 20u);
}

TEST(Layers, NoServiceIncludesAnotherService) {
  for (const std::string service : {"mentor", "request", "notify"}) {
    for (const fs::path& file : Files(service + "-service", {".h", ".cc"})) {
      for (const std::string& include : Includes(file)) {
        const bool foreign = include.find("-service/") != std::string::npos && include.rfind(service + "-service/", 0) != 0;
        EXPECT_FALSE(foreign) << file << " includes " << include;
      }
    }
  }
}

TEST(Layers, OnlyStoresAndLoopsOfAServiceSpeakSql) {
  for (const std::string service : {"mentor", "request", "notify"}) {
    for (const fs::path& file : Files(service + "-service/rpc", {".h", ".cc"})) {
      EXPECT_EQ(Content(file).find("SELECT "), std::string::npos) << file << " holds a statement";
    }
  }
}

std::set<std::string> ReasonsInCode() {
  std::set<std::string> found;
  static const std::regex kReason(R"re(inline constexpr std::string_view k\w+ = "([A-Z][A-Z0-9_]+)")re");
  for (const char* folder : {"platform", "access", "mentor-service", "request-service", "notify-service"}) {
    for (const fs::path& file : Files(folder, {".h"})) {
      if (file.filename() != "reasons.h" && file.filename() != "errors.h") continue;
      const std::string content = Content(file);
      for (std::sregex_iterator it(content.begin(), content.end(), kReason), end; it != end; ++it) found.insert((*it)[1]);
    }
  }
  return found;
}

TEST(Documents, EveryReasonOfTheCodeStandsInErrorsMdAndNoOther) {
  const std::string content = Content(kRoot / "docs/errors.md");
  std::set<std::string> documented;
  static const std::regex kRow(R"(\n\| `([A-Z][A-Z0-9_]+)` \|)");
  for (std::sregex_iterator it(content.begin(), content.end(), kRow), end; it != end; ++it) documented.insert((*it)[1]);
  EXPECT_GE(documented.size(), 30u);
  EXPECT_EQ(documented, ReasonsInCode());
}

// What every service explains once, at its head.
bool IsUniformField(const std::string& name) {
  static const std::set<std::string> kUniform = {"request_id", "etag", "page_size", "page_token", "next_page_token"};
  return kUniform.contains(name);
}

// Comments are what engineers who call the RPCs read. A request or response is explained by its RPC, and a value that means "not said" by
// its name.
TEST(Documents, EveryMethodMessageFieldAndValueOfThePublishedProtosIsExplained) {
  static const std::regex kBlock(R"((message|enum|service) (\w+) \{.*)");
  static const std::regex kMethod(R"(rpc (\w+)\(.*)");
  static const std::regex kField(R"((?:repeated |optional )?(?:map<.*>|[\w.]+) (\w+) = \d+;.*)");
  static const std::regex kValue(R"((\w+) = \d+;.*)");
  static const std::regex kCall(R"(\w*(Request|Response))");
  int seen = 0;
  for (const fs::path& file : Files("protos/rematch", {".proto"})) {
    std::istringstream lines(Content(file));
    std::string line, previous;
    for (int number = 1; std::getline(lines, line); ++number) {
      const std::string text = line.substr(std::min(line.find_first_not_of(' '), line.size()));
      const bool explained = previous.rfind("//", 0) == 0 || text.find("//") != std::string::npos;
      previous = text;
      std::smatch found;
      if (std::regex_match(text, found, kBlock)) {
        if (found[1] == "message" && std::regex_match(found[2].str(), kCall)) continue;
        EXPECT_TRUE(explained) << file << ":" << number << ": " << found[2];
      } else if (std::regex_match(text, found, kMethod) || std::regex_match(text, found, kField) || std::regex_match(text, found, kValue)) {
        const std::string name = found[1];
        if (IsUniformField(name) || name.ends_with("_UNSPECIFIED")) continue;
        EXPECT_TRUE(explained) << file << ":" << number << ": " << name;
        ++seen;
      }
    }
  }
  EXPECT_GE(seen, 500);
}

TEST(Fairness, NoSchemaOrMessageHasAPlaceForAProtectedAttribute_F25) {
  static const std::regex kProtected(
      R"(\b\w*(race|religio|ethnic|national_origin|nationality|ancestry|disabilit|medical|marital|parental|gender|orientation|pregnan|birth|age_years)\w*\b)",
      std::regex::icase);
  static const std::regex kAge(R"(\b(age|sex)\b)", std::regex::icase);
  size_t seen = 0;
  for (const char* folder : {"protos/rematch", "mentor-service", "request-service", "notify-service"}) {
    for (const fs::path& file : Files(folder, {".proto", ".sql"})) {
      ++seen;
      std::istringstream lines(Content(file));
      std::string line;
      while (std::getline(lines, line)) {
        const std::string declaration = line.substr(0, std::min(line.find("//"), line.find("--")));
        // `trace` and the orientation event of a program are other words; the latter is not in any schema.
        EXPECT_FALSE(std::regex_search(std::regex_replace(declaration, std::regex("[a-z_]*trace[a-z_]*"), ""), kProtected))
            << file << ": " << line;
        EXPECT_FALSE(std::regex_search(declaration, kAge)) << file << ": " << line;
      }
    }
  }
  EXPECT_GE(seen, 8u);
}

}  // namespace
