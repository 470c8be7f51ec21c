// Tasks that are of a candidate and of no case: rows among those of cases, whose case_id is empty and whose task is the candidate's id.
#ifndef REMATCH_REQUEST_SERVICE_STORE_CANDIDATE_TASKS_H_
#define REMATCH_REQUEST_SERVICE_STORE_CANDIDATE_TASKS_H_

#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "platform/sql/database.h"
#include "request-service/store/case_command.h"
#include "request-service/store/ids.h"

namespace rematch::request {

// Those of one batch. Their rows are locked behind those of cases and of open_cases, and written last.
class CandidateTasks {
 public:
  CandidateTasks(sql::Transaction& tx, int64_t now) : tx_(tx), now_(now) {}

  absl::Status Load(absl::Span<CaseCommand* const> commands);
  // `has_open_case` is of the candidate that the command is about.
  absl::StatusOr<std::string> Apply(const CaseCommand& command, bool has_open_case);
  // A case of the candidate takes the task's place; it ended, and the task is open again unless the roster's feed has settled it.
  void CaseOpened(std::string_view consortium, std::string_view candidate);
  void CaseEnded(std::string_view consortium, std::string_view candidate);
  absl::Status Save();

 private:
  struct Row {
    CaseKey key;
    std::string leader;
    std::string alternate;
    Task task;
    int64_t open = 0;
    bool changed = false;
  };
  absl::Status Move(const std::set<Id>& candidates, int64_t from, int64_t to);

  sql::Transaction& tx_;
  const int64_t now_;
  std::map<Id, Row> rows_;  // by consortium and candidate's id
  std::set<Id> opened_;
  std::set<Id> ended_;
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_STORE_CANDIDATE_TASKS_H_
