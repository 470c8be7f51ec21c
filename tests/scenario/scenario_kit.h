// What the scenario tests share: folders and schemas that go away, a small roster, a policy in seconds, and a suite over both.
#ifndef REMATCH_TESTS_SCENARIO_SCENARIO_KIT_H_
#define REMATCH_TESTS_SCENARIO_SCENARIO_KIT_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "demo/check.h"
#include "demo/directory.h"
#include "demo/mariadb.h"
#include "demo/play.h"
#include "demo/story.h"
#include "demo/suite.h"
#include "rematch/mentor/v1/service.pb.h"

namespace rematch::scenario {

std::string BinDir();
std::string SourceDir();

// A folder of its own, removed with all that is in it unless the test failed.
class WorkFolder {
 public:
  WorkFolder();
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  const std::string& path() const { return path_; }
  // Writes a file and returns its path.
  std::string Write(const std::string& name, const std::string& content) const;

 private:
  std::string path_;
};

// Where a suite keeps its data: in SQLite, or in empty schemas of MySQL, which two replicas of each service share. Outlives the suite.
class Stores {
 public:
  // Of MySQL: on the MariaDB that CTest starts.
  explicit Stores(bool mysql);
  explicit Stores(std::map<demo::Part, std::string> urls) : urls_(std::move(urls)) {}
  // One replica over SQLite, however many are asked for.
  demo::SuiteOptions Under(demo::SuiteOptions options, int replicas = 2) const;
  const std::string& url(demo::Part part) const { return urls_.at(part); }
  // "Mysql" or "Sqlite", for the names of tests over both.
  static std::string Name(const ::testing::TestParamInfo<bool>& mysql) { return mysql.param ? "Mysql" : "Sqlite"; }

 private:
  std::vector<std::shared_ptr<void>> schemas_;
  std::map<demo::Part, std::string> urls_;
};

// A policy of all four stages whose windows are whole seconds.
struct PolicyInSeconds {
  int individual = 3;
  int broadcast = 2;
  int recommendation = 2;
  int remind_before = 0;  // 0: no reminders
  int redial = 1;
  std::string Text() const;
};

// One consortium: a district, a school, a program with its leader, mentors of the individual pool, and candidates who all have
// the former mentor.
struct SmallRoster {
  std::string consortium = "canyon";
  int mentors = 3;
  int candidates = 1;
  // Whether the mentors have mentored before; else nobody is in the individual pool.
  bool experienced = true;
  // Put into every name, address (a word) and number (digits), so that a test can look for them where they must not be.
  std::string mark;
  std::string digits;

  std::vector<mentor::v1::ImportRosterRequest::Row> Rows() const;
  std::string CandidateEmail(int candidate) const;
};
inline constexpr char kConsortium[] = "consortia/canyon";

// Streams rows to ImportRoster. INVALID_ARGUMENT with the first row error.
absl::Status Import(demo::Suite& suite, const std::string& consortium, const std::vector<mentor::v1::ImportRosterRequest::Row>& rows,
                    const std::string& request_id);
absl::Status Import(demo::Suite& suite, const SmallRoster& roster, const std::string& request_id);

// A MariaDB with its data in `folder`.
absl::StatusOr<std::unique_ptr<demo::Mariadb>> StartMariadb(const WorkFolder& folder);

// A suite with a roster, ready to play on.
struct Stage {
  std::unique_ptr<demo::Suite> suite;
  demo::Directory directory;
  std::map<std::string, demo::Load> before;
  std::string Candidate(const SmallRoster& roster, int candidate = 0) const {
    return directory.CandidateByEmail(roster.CandidateEmail(candidate));
  }
};
absl::StatusOr<Stage> Prepare(demo::SuiteOptions options, const SmallRoster& roster);
// With the example roster of `cast`, imported through the command line.
absl::StatusOr<Stage> Prepare(demo::SuiteOptions options, const demo::Cast& cast);

// Flags with which the death of a replica is noticed, and a send that broke off is settled, soon.
std::map<demo::Part, std::vector<std::string>> QuickRecovery();

}  // namespace rematch::scenario

#endif  // REMATCH_TESTS_SCENARIO_SCENARIO_KIT_H_
