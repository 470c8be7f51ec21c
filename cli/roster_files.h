// The roster as CSV files: programs.csv, sites.csv, mentors.csv, candidates.csv -> the rows of ImportRoster, or every mistake with
// its file, line and column. The header row decides the order of columns. Lists within a field are separated by `;`.
#ifndef REMATCH_CLI_ROSTER_FILES_H_
#define REMATCH_CLI_ROSTER_FILES_H_

#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "cli/csv.h"
#include "rematch/mentor/v1/service.pb.h"

namespace rematch::cli {

// One file: its name without folders, which says what is in it, and its content.
struct RosterFile {
  std::string name;
  std::string bytes;
};

// What is wrong, as `file:line:column: what`. `what` begins with the column's title where there is one.
struct RosterError {
  std::string file;
  csv::Position at;
  std::string what;
  std::string ToString() const;
};

class Roster {
 public:
  // Rows in the order programs, districts and sites, mentors, candidates. Not to be sent when there are errors.
  const std::vector<rematch::mentor::v1::ImportRosterRequest::Row>& rows() const { return rows_; }
  // In the order of files and lines.
  const std::vector<RosterError>& errors() const { return errors_; }
  // The service's complaint about a row, at the place in the file that it comes from.
  RosterError Locate(const rematch::mentor::v1::ImportRosterResponse::RowError& error) const;

 private:
  friend class RosterReader;
  std::vector<rematch::mentor::v1::ImportRosterRequest::Row> rows_;
  std::vector<RosterError> errors_;
  struct Origin {
    csv::Position at;
    std::string title;
  };
  // (file, line of the row, field of the row message) -> where that field stands.
  std::map<std::tuple<std::string, int, std::string>, Origin> origins_;
};

// The names that a roster's files have.
const std::vector<std::string>& RosterFileNames();

// Reads all files; collects every error rather than the first.
Roster ReadRoster(const std::vector<RosterFile>& files);

}  // namespace rematch::cli

#endif  // REMATCH_CLI_ROSTER_FILES_H_
