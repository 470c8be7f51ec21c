// Rules of the house that no compiler checks: who may include what, that every error reason and every RPC and field is explained, and
// that nothing in a schema or message could carry a protected attribute.
#include <gmock/gmock.h>
#include <google/protobuf/compiler/parser.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"

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
  static const std::regex directive(R"re(#include\s+[<"]([^>"]+)[>"])re");
  for (std::sregex_iterator it(content.begin(), content.end(), directive), end; it != end; ++it) found.push_back((*it)[1]);
  return found;
}

TEST(Layers, ADomainIncludesNeitherGrpcNorSqlNorTheClock) {
  static const std::regex forbidden(
      R"(grpcpp/.*|.*\.grpc\.pb\.h|platform/(sql|rpc)/.*|platform/(clock|executor|loop|leases|group_commit|metrics|log)\.h|.*-service/(store|rpc|loops|transport)/.*|chrono|ctime|thread)");
  size_t seen = 0;
  for (const char* service : {"mentor-service/domain", "request-service/domain", "notify-service/domain"}) {
    for (const fs::path& file : Files(service, {".h", ".cc"})) {
      ++seen;
      for (const std::string& include : Includes(file)) {
        EXPECT_FALSE(std::regex_match(include, forbidden)) << file << " includes " << include;
      }
    }
  }
  EXPECT_GE(seen, 12u);
}

TEST(Layers, ThePlatformKnowsNothingOfMentoring) {
  static const std::regex forbidden(R"((mentor|request|notify)-service/.*|rematch/(mentor|request|notify)/.*|access/.*)");
  size_t seen = 0;
  for (const fs::path& file : Files("platform", {".h", ".cc"})) {
    ++seen;
    for (const std::string& include : Includes(file)) EXPECT_FALSE(std::regex_match(include, forbidden)) << file << " includes " << include;
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
  static const std::regex reason(R"re(inline constexpr std::string_view k\w+ = "([A-Z][A-Z0-9_]+)")re");
  for (const char* folder : {"platform", "access", "mentor-service", "request-service", "notify-service"}) {
    for (const fs::path& file : Files(folder, {".h"})) {
      if (file.filename() != "reasons.h" && file.filename() != "errors.h") continue;
      const std::string content = Content(file);
      for (std::sregex_iterator it(content.begin(), content.end(), reason), end; it != end; ++it) found.insert((*it)[1]);
    }
  }
  return found;
}

TEST(Documents, EveryReasonOfTheCodeStandsInErrorsMdAndNoOther) {
  const std::string content = Content(kRoot / "docs/errors.md");
  std::set<std::string> documented;
  static const std::regex row(R"(\n\| `([A-Z][A-Z0-9_]+)` \|)");
  for (std::sregex_iterator it(content.begin(), content.end(), row), end; it != end; ++it) documented.insert((*it)[1]);
  EXPECT_GE(documented.size(), 30u);
  EXPECT_EQ(documented, ReasonsInCode());
}

// What every service explains once, at its head.
const std::set<std::string> kUniform = {"request_id", "etag", "page_size", "page_token", "next_page_token"};

// The comments of a .proto as its compiler sees them: which symbol has one, and where those stand that have none.
class Comments {
 public:
  explicit Comments(const fs::path& path) : file_(fs::relative(path, kRoot).string()) {
    const std::string content = Content(path);
    google::protobuf::io::ArrayInputStream in(content.data(), static_cast<int>(content.size()));
    google::protobuf::io::Tokenizer tokenizer(&in, nullptr);
    google::protobuf::FileDescriptorProto file;
    google::protobuf::compiler::Parser parser;
    EXPECT_TRUE(parser.Parse(&tokenizer, &file)) << file_;
    for (const Location& location : file.source_code_info().location()) {
      locations_.emplace(Path(location.path().begin(), location.path().end()), location);
    }
    Read(file, {}, "");
  }

  int seen() const { return seen_; }
  // "file:line: symbol" each.
  const std::vector<std::string>& unexplained() const { return unexplained_; }

 private:
  using Location = google::protobuf::SourceCodeInfo::Location;
  using Path = std::vector<int>;

  // Walks whatever has a name: messages, fields, oneofs, enums, values, services and methods, at any depth.
  void Read(const google::protobuf::Message& declaration, const Path& path, const std::string& scope) {
    std::vector<const google::protobuf::FieldDescriptor*> fields;
    declaration.GetReflection()->ListFields(declaration, &fields);
    for (const google::protobuf::FieldDescriptor* field : fields) {
      if (!field->is_repeated() || field->message_type() == nullptr || field->name() == "location") continue;
      for (int i = 0; i < declaration.GetReflection()->FieldSize(declaration, field); ++i) {
        const auto& inner = declaration.GetReflection()->GetRepeatedMessage(declaration, field, i);
        const auto* name = inner.GetDescriptor()->FindFieldByName("name");
        if (name == nullptr || name->is_repeated()) continue;
        Path at = path;
        at.insert(at.end(), {field->number(), i});
        const std::string word = inner.GetReflection()->GetString(inner, name);
        const std::string symbol = scope.empty() ? word : scope + "." + word;
        Check(at, word, symbol);
        Read(inner, at, symbol);
      }
    }
  }

  void Check(const Path& path, const std::string& word, const std::string& symbol) {
    // Explained once at the head of each service; a value that means "not said" by its name.
    if (kUniform.contains(word) || word.ends_with("_UNSPECIFIED")) return;
    const auto found = locations_.find(path);
    if (found == locations_.end()) return;  // what the compiler made, such as the oneof of an optional field
    ++seen_;
    const Location& location = found->second;
    const std::string comment = Letters(location.leading_comments() + location.trailing_comments());
    if (comment.empty() || comment == Letters(word) || comment == "the" + Letters(word)) {
      unexplained_.push_back(file_ + ":" + std::to_string(location.span(0) + 1) + ": " + symbol);
    }
  }

  static std::string Letters(const std::string& text) {
    std::string letters;
    for (const char c : text) {
      if (std::isalnum(static_cast<unsigned char>(c)) != 0) letters += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return letters;
  }

  const std::string file_;
  std::map<Path, Location> locations_;
  std::vector<std::string> unexplained_;
  int seen_ = 0;
};

// Comments are what engineers who call the RPCs read.
TEST(Documents, EverySymbolOfThePublishedProtosIsExplainedAndNotByItsNameAlone) {
  int seen = 0;
  for (const fs::path& file : Files("protos/rematch", {".proto"})) {
    const Comments comments(file);
    EXPECT_EQ(absl::StrJoin(comments.unexplained(), "\n"), "") << "without a comment, or with one that says no more than the name";
    seen += comments.seen();
  }
  EXPECT_GE(seen, 650);
}

TEST(Documents, TheHeadOfAServiceExplainsTheFieldsThatAllItsRequestsShare) {
  for (const fs::path& file : Files("protos/rematch", {".proto"})) {
    if (file.filename() != "service.proto") continue;
    const std::string content = Content(file);
    const std::string head = content.substr(0, content.find("syntax ="));
    for (const std::string& field : kUniform) {
      const bool used = std::regex_search(content, std::regex("\\b" + field + " = \\d+;"));
      EXPECT_TRUE(!used || head.find("`" + field + "`") != std::string::npos) << file << ": " << field;
    }
  }
}

TEST(Fairness, NoSchemaOrMessageHasAPlaceForAProtectedAttribute_F25) {
  static const std::regex trait(
      R"(\b\w*(race|religio|ethnic|national_origin|nationality|ancestry|disabilit|medical|marital|parental|gender|orientation|pregnan|birth|age_years)\w*\b)",
      std::regex::icase);
  static const std::regex age(R"(\b(age|sex)\b)", std::regex::icase);
  size_t seen = 0;
  for (const char* folder : {"protos/rematch", "mentor-service", "request-service", "notify-service"}) {
    for (const fs::path& file : Files(folder, {".proto", ".sql"})) {
      ++seen;
      std::istringstream lines(Content(file));
      std::string line;
      while (std::getline(lines, line)) {
        const std::string declaration = line.substr(0, std::min(line.find("//"), line.find("--")));
        // `trace` and the orientation event of a program are other words; the latter is not in any schema.
        EXPECT_FALSE(std::regex_search(std::regex_replace(declaration, std::regex("[a-z_]*trace[a-z_]*"), ""), trait))
            << file << ": " << line;
        EXPECT_FALSE(std::regex_search(declaration, age)) << file << ": " << line;
      }
    }
  }
  EXPECT_GE(seen, 8u);
}

}  // namespace
