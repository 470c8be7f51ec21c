// Concerns of candidates in a batch of the door (F12).
#ifndef REMATCH_REQUEST_SERVICE_STORE_CONCERN_BATCH_H_
#define REMATCH_REQUEST_SERVICE_STORE_CONCERN_BATCH_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "platform/sql/database.h"
#include "request-service/domain/letters.h"
#include "request-service/store/candidate_tasks.h"
#include "request-service/store/case_command.h"
#include "request-service/store/ids.h"

namespace rematch::request {

// Those of one batch. Their rows are locked before those of candidates' tasks, which they move.
class ConcernBatch {
 public:
  ConcernBatch(sql::Transaction& tx, int64_t now, CandidateTasks& tasks) : tx_(tx), now_(now), tasks_(tasks) {}

  absl::Status Load(absl::Span<CaseCommand* const> commands);
  // Rows of tasks that the commands may move.
  void AddTasks(std::set<Id>& tasks) const;
  absl::StatusOr<std::string> Apply(const CaseCommand& command);
  // A new one, with its task. `concern` lacks when it was made and whose it is.
  const StoredConcern& Raise(const CaseKey& program, StoredConcern concern, std::string words, const TaskTerms& terms);
  // Before a case is opened out of the one that the command names, and once it is.
  absl::Status CheckBecomesCase(const CaseCommand& command);
  void BecameCase(const CaseCommand& command);
  absl::Status Save();

 private:
  struct Row {
    CaseKey key;  // of the program
    StoredConcern concern;
    std::string words;
    std::string note;
    bool changed = false;
  };
  // Null unless it is there, in the program of the command.
  Row* Find(const CaseCommand& command);
  void EndTask(const Row& row);

  sql::Transaction& tx_;
  const int64_t now_;
  CandidateTasks& tasks_;
  std::map<Id, Row> rows_;  // by consortium and id
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_STORE_CONCERN_BATCH_H_
