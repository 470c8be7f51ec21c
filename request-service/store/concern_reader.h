// What is read of concerns, letters and surveys. Every method blocks for one read.
#ifndef REMATCH_REQUEST_SERVICE_STORE_CONCERN_READER_H_
#define REMATCH_REQUEST_SERVICE_STORE_CONCERN_READER_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/sql/database.h"
#include "request-service/domain/letters.pb.h"
#include "request-service/store/case_command.h"

namespace rematch::request {

// `key` is of the program: it has no id.
struct ConcernRow {
  CaseKey key;
  StoredConcern concern;
  std::string words = {};  // private
  std::string note = {};   // private
};

struct LetterRow {
  CaseKey key;
  Letter letter;
  std::string words = {};  // private
};

struct SurveyRow {
  CaseKey key;
  StoredSurvey survey;
  int invited = 0;  // whom there was reason to ask
  int answered = 0;
  int undeliverable = 0;
};

// Thread-safe. `but_of`: what is about this mentor is left out; empty: nothing is.
class ConcernReader {
 public:
  explicit ConcernReader(sql::Database& database) : database_(database) {}

  // Nothing when there is none of this program.
  absl::StatusOr<std::optional<ConcernRow>> Concern(const CaseKey& program, const std::string& id);
  absl::StatusOr<std::optional<LetterRow>> FindLetter(const CaseKey& program, const std::string& id);
  absl::StatusOr<std::optional<SurveyRow>> Survey(const CaseKey& program, const std::string& but_of, const std::string& id);
  // The newest first: those with an id below `before` (empty: from the newest), at most `limit`. Without words and notes.
  absl::StatusOr<std::vector<ConcernRow>> Concerns(const CaseKey& program, const std::string& but_of, bool open_only,
                                                   const std::string& before, size_t limit);
  absl::StatusOr<std::vector<SurveyRow>> Surveys(const CaseKey& program, const std::string& but_of, const std::string& before,
                                                 size_t limit);
  // By candidate, behind `after` (a resource name; empty: from the first).
  absl::StatusOr<std::vector<LetterRow>> Responses(const CaseKey& program, const std::string& survey, const std::string& but_of,
                                                   const std::string& after, size_t limit);

 private:
  absl::StatusOr<std::vector<ConcernRow>> ReadConcerns(const CaseKey& program, const std::string& columns, const std::string& where,
                                                       std::vector<sql::Value> values);
  absl::StatusOr<std::vector<LetterRow>> ReadLetters(const CaseKey& program, const std::string& where, std::vector<sql::Value> values);
  absl::StatusOr<std::vector<SurveyRow>> ReadSurveys(const CaseKey& program, const std::string& but_of, const std::string& where,
                                                     std::vector<sql::Value> values);

  sql::Database& database_;
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_STORE_CONCERN_READER_H_
