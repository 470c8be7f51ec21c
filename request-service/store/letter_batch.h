// Letters to candidates in a batch of the door: made, handed over, answered (F1, F12, F43).
#ifndef REMATCH_REQUEST_SERVICE_STORE_LETTER_BATCH_H_
#define REMATCH_REQUEST_SERVICE_STORE_LETTER_BATCH_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "platform/sql/database.h"
#include "request-service/domain/letters.h"
#include "request-service/store/candidate_tasks.h"
#include "request-service/store/case_command.h"
#include "request-service/store/concern_batch.h"
#include "request-service/store/ids.h"

namespace rematch::request {

// Those of one batch. Their rows are locked before those of concerns and of candidates' tasks, which they move.
class LetterBatch {
 public:
  LetterBatch(sql::Transaction& tx, int64_t now, ConcernBatch& concerns, CandidateTasks& tasks)
      : tx_(tx), now_(now), concerns_(concerns), tasks_(tasks) {}

  absl::Status Load(absl::Span<CaseCommand* const> commands);
  // Rows of tasks that the commands may move.
  void AddTasks(std::set<Id>& tasks) const;
  absl::StatusOr<std::string> Apply(const CaseCommand& command);
  // A change is complete: the candidate is asked at `at` how it goes (F43), and answers are taken until `closes`.
  void PlanCheckIn(const CaseKey& key, const Case& c, int concern_at_or_below, int64_t at, int64_t closes);
  // What Apply() wants handed over now.
  std::vector<std::pair<CaseKey, std::string>> TakeToSend() { return std::move(to_send_); }
  // Writes those that wait for their day into the outbox, too.
  absl::Status Save();

 private:
  struct Row {
    CaseKey key;  // of the program
    Letter letter;
    std::string words;
    bool changed = false;
  };
  struct Planned {
    CaseKey key;
    std::string letter;
    int64_t due = 0;
  };

  Row* Find(const CaseCommand& command);
  void Make(const CaseKey& key, Letter letter);
  void MakeSurvey(const CaseKey& key, StoredSurvey survey);
  void Welcome(const CaseCommand& command);
  void SendSurvey(const CaseCommand& command);
  void HandedOver(const CaseCommand& command, Row& row);
  void Failed(const CaseCommand& command, Row& row);
  absl::StatusOr<std::string> Answer(const CaseCommand& command, Row& row);
  void SetState(Row& row, v1::SurveyResponse::State state);
  // That is as its terms say; none without them.
  void OpenTask(const Row& row, const std::string& cause);
  void EndTask(const Row& row);
  // Nobody waits for it any more, if that is so.
  void CallOff(const LetterCommand& asked, Row& row);

  sql::Transaction& tx_;
  const int64_t now_;
  ConcernBatch& concerns_;
  CandidateTasks& tasks_;
  std::map<Id, Row> rows_;  // by consortium and id
  std::map<Id, std::pair<std::string, StoredSurvey>> surveys_;
  std::vector<std::pair<CaseKey, std::string>> to_send_;
  std::vector<Planned> planned_;
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_STORE_LETTER_BATCH_H_
