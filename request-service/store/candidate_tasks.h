// Tasks that are of a candidate and of no case: rows among those of cases, whose case_id is empty. That their mentor left has the
// candidate's id; the others are named for what they are about (domain/letters.h).
#ifndef REMATCH_REQUEST_SERVICE_STORE_CANDIDATE_TASKS_H_
#define REMATCH_REQUEST_SERVICE_STORE_CANDIDATE_TASKS_H_

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "platform/sql/database.h"
#include "request-service/domain/letters.h"
#include "request-service/domain/working_time.h"
#include "request-service/store/case_command.h"
#include "request-service/store/ids.h"

namespace rematch::request {

// Those of one batch. Their rows are locked behind those of cases and of open_cases, and written last.
class CandidateTasks {
 public:
  CandidateTasks(sql::Transaction& tx, int64_t now) : tx_(tx), now_(now) {}

  // Those of the commands, and `others`.
  absl::Status Load(absl::Span<CaseCommand* const> commands, std::set<Id> others);
  // `has_open_case` is of the candidate that the command is about.
  absl::StatusOr<std::string> Apply(const CaseCommand& command, bool has_open_case);
  // What is open in the program of the command is due as its calendar says now (F37), and is for those who lead it now.
  void Recount(const CaseCommand& command, const WorkingTime& time);
  // A new one, or the same again with another cause; whose it is and when it is due `terms` say. Only of those that were loaded.
  void Open(const CaseKey& program, Task task, const TaskTerms& terms);
  // If it is there, and open.
  void End(const Id& id);
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
  absl::StatusOr<std::string> OnMentorLeft(const CaseCommand& command, bool has_open_case);
  // The one that the command names, if it is there and the caller's.
  absl::StatusOr<Row*> Asked(const CaseCommand& command);
  absl::Status Read(std::string_view where, const std::vector<sql::Value>& values);
  absl::Status Move(const std::set<Id>& candidates, int64_t from, int64_t to);

  sql::Transaction& tx_;
  const int64_t now_;
  std::map<Id, Row> rows_;  // by consortium and the task's id
  std::set<Id> opened_;
  std::set<Id> ended_;
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_STORE_CANDIDATE_TASKS_H_
