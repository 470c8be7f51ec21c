// What is read of request-service's store: cases and what stands beside them. Every method blocks for one read, but for LookUp().
#ifndef REMATCH_REQUEST_SERVICE_STORE_CASE_READER_H_
#define REMATCH_REQUEST_SERVICE_STORE_CASE_READER_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/clock.h"
#include "platform/group_read.h"
#include "platform/sql/database.h"
#include "rematch/mentor/v1/resources.pb.h"
#include "rematch/request/v1/resources.pb.h"
#include "request-service/domain/audit.h"
#include "request-service/domain/case.pb.h"
#include "request-service/store/case_command.h"

namespace rematch::request {

struct StoredCase {
  CaseKey key;
  Case c = {};
  int64_t events = 0;
  std::string head_hash;
  std::string folded;  // the stored bytes of `c`
};

struct StoredText {
  int64_t time = 0;
  std::string step;
  std::string text;
};

struct StoredPerson {
  mentor::v1::Contact contact;
  mentor::v1::Mentor attributes;
};

struct StoredTask {
  CaseKey key;
  Task task;
};

// Which rows of a program a caller may see: all, those of one leader, or those of one candidate.
struct Viewer {
  std::string leader;
  std::string candidate;
};

// A case that is asked for together with others.
struct CaseLookup {
  CaseKey key;
  std::function<bool(const Case&)> may_read_texts;  // whether whoever asks may; else they are not even read
  std::optional<StoredCase> found = {};
  std::vector<StoredText> texts = {};  // private: as Texts()
};

// `candidate` is a name; case_id is empty for one whose cases have all ended.
struct OpenCase {
  std::string consortium;
  std::string candidate;
  std::string case_id;
};

// Thread-safe.
class CaseReader {
 public:
  CaseReader(sql::Database& database, platform::Clock& clock, const GroupReadOptions& options)
      : database_(database), inline_(options.threads == 0), together_(WithoutSnapshot(options), database, clock, &CaseReader::LookUpAll) {}

  // Does not block: `done(absl::Status, CaseLookup&)` is called once, as by GroupRead::Submit(), when the lookup is filled in. With
  // options.threads = 0 it is called before this returns.
  template <typename Done>
  void LookUp(absl::Time deadline, CaseLookup lookup, Done done) {
    together_.Submit(deadline, std::move(lookup), std::move(done));
    while (inline_ && together_.RunOnce()) {
    }
  }

  // Nothing when there is no such case.
  absl::StatusOr<std::optional<StoredCase>> Load(const CaseKey& key);
  // The same, read together with what LookUp() reads: for whoever is one of many. Without the bytes that a StoredCase keeps for audits.
  absl::StatusOr<std::optional<StoredCase>> LoadTogether(const CaseKey& key);
  // The newest first: those with an id below `before` (empty: from the newest), at most `limit`. `candidate` is a filter of the caller's.
  absl::StatusOr<std::vector<StoredCase>> List(std::string_view consortium, std::string_view program, const Viewer& viewer, bool open_only,
                                               std::string_view candidate, std::string_view before, size_t limit);
  // Private. Reasons (step `REASONS`) and notes, in the order in which they were written.
  absl::StatusOr<std::vector<StoredText>> Texts(const CaseKey& key);
  // Private. By the id of the person in the case.
  absl::StatusOr<absl::flat_hash_map<std::string, StoredPerson>> People(const CaseKey& key);
  // Tasks of a program by due time, case and id, behind the position given; those of candidates have no case. Those about concerns are for
  // leaders only.
  struct TaskPosition {
    int64_t due = 0;
    std::string case_id;
    std::string task;
  };
  absl::StatusOr<std::vector<StoredTask>> Tasks(std::string_view consortium, std::string_view program, const Viewer& viewer, bool open_only,
                                                const TaskPosition& after, size_t limit);
  // The open cases of a program.
  absl::StatusOr<std::vector<CaseKey>> OpenCases(std::string_view consortium, std::string_view program);
  // Those of a program in which something is due some day: open, or with an open task.
  absl::StatusOr<std::vector<CaseKey>> CasesWithDeadlines(std::string_view consortium, std::string_view program);
  // At most `limit` candidates behind `after`, of one consortium, that have or had a case.
  absl::StatusOr<std::vector<OpenCase>> OpenCasesAfter(const OpenCase& after, int64_t limit);
  // Of these candidates of a consortium: the ids of their open cases by name, and the ids of those who have a task of their own that has
  // not ended.
  struct Standing {
    absl::flat_hash_map<std::string, std::string> open_cases;
    absl::flat_hash_set<std::string> with_task;
  };
  absl::StatusOr<Standing> StandingOf(std::string_view consortium, const std::vector<std::string>& candidates);
  // Events behind a sequence, as they are stored.
  absl::StatusOr<std::vector<ChainLink>> Events(const CaseKey& key, int64_t after, size_t limit);
  // The case and its whole trail, of one moment.
  struct Trail {
    StoredCase stored;
    std::vector<ChainLink> links;
  };
  absl::StatusOr<std::optional<Trail>> LoadTrail(const CaseKey& key);
  absl::StatusOr<std::vector<v1::Disclosure>> Disclosures(const CaseKey& key);

 private:
  // Two statements, however many there are.
  static absl::Status LookUpAll(sql::Transaction& tx, absl::Span<CaseLookup* const> batch);

  sql::Database& database_;
  const bool inline_;
  GroupRead<CaseLookup> together_;
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_STORE_CASE_READER_H_
