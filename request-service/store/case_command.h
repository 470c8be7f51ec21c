// What goes through the door of request-service: a command of the state machine, with what is needed to authorize, store and answer it.
#ifndef REMATCH_REQUEST_SERVICE_STORE_CASE_COMMAND_H_
#define REMATCH_REQUEST_SERVICE_STORE_CASE_COMMAND_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "access/access.h"
#include "platform/group_commit.h"
#include "platform/rpc/call.h"
#include "rematch/mentor/v1/resources.pb.h"
#include "request-service/domain/case.pb.h"
#include "request-service/domain/letters.h"
#include "request-service/domain/letters.pb.h"

namespace rematch::request {

// Which case: `consortia/{consortium}/programs/{program}/reassignments/{id}`.
struct CaseKey {
  std::string consortium;
  std::string program;
  std::string id;

  static std::optional<CaseKey> Parse(std::string_view name);
  std::string Name() const;
  friend bool operator==(const CaseKey&, const CaseKey&) = default;
};

// The names that a resource name below a program begins with.
std::string ConsortiumName(std::string_view consortium);
std::string ProgramName(std::string_view consortium, std::string_view program);

// What an answer to a letter, and a concern, are called: `program` has no id.
std::string ResponseName(const CaseKey& program, const Letter& letter);
std::string ConcernName(const CaseKey& program, std::string_view concern);

// The leaders to whom a case is visible. A leader who is the candidate's current mentor is none of them (F35).
std::vector<std::string> LeadersOf(const Case& c);
// Whose the case is, for the table of access.
access::Owners OwnersOf(const Case& c);

// ABORTED, and never seen by a client: the claim under which an effect ran is no longer this replica's.
inline constexpr std::string_view kStaleClaim = "STALE_CLAIM";

// What a command came to, for building its answer.
struct Applied {
  const CaseKey& key;
  const Case& after;
  const v1::EscalationPolicy& policy;  // of the case
  absl::Span<const Event> events;      // empty: nothing changed
};

// About a task that is of a candidate and of no case. One of them is that their mentor left, and they have none (F33): it is open while the
// candidate has no open case, which takes its place, and until they have a mentor again.
struct CandidateTask {
  enum class What { kMentorLeft, kSettled, kSnooze, kTold, kCalendarChanged };

  What what = What::kMentorLeft;
  std::string candidate =
      {};  // resource name; empty for kCalendarChanged, which is of all of the program: its calendar, or who leads it, is another
  std::string task = {};             // of kSnooze and kTold: its id; empty for the one above
  TaskTerms terms = {};              // of kMentorLeft
  mentor::v1::Program program = {};  // of kCalendarChanged: who leads it
  int64_t time = 0;                  // of kSnooze: until when it is put off
  std::string calendar = {};         // of kCalendarChanged: the content hash
  std::string time_zone = {};        // likewise
  // What is answered, from the program's key and the task.
  std::function<std::string(const CaseKey&, const Task&)> reply = {};
};

// The policy that new cases of a program are to follow from now on (F15).
struct PolicyPublication {
  std::string hash;     // of a policy that is stored
  std::string creator;  // resource name
  // What is answered, from the version that it became, or was already, and when that was made.
  std::function<std::string(int64_t version, int64_t created, const std::string& creator)> reply = {};
};

// About a concern of a candidate (F12). Its words, and what is noted when it is resolved, are the command's text.
struct ConcernCommand {
  enum class What { kRaise, kResolve, kOpenCase };

  What what = What::kRaise;
  // Of kRaise all but when and whose; else its id, and what becomes of it.
  StoredConcern concern = {};
  TaskTerms terms = {};  // of kRaise
  std::function<std::string(const CaseKey& program, const StoredConcern&)> reply = {};
};

// About letters to candidates, and what they answer (F1, F12, F43). The words of an answer are the command's text.
struct LetterCommand {
  // It is made, for a new candidate or as a survey; it was handed over, is not wanted any more, or could not be delivered; it is answered;
  // the candidate left, and nobody waits for them, or has another assignment, and nobody waits for what they say of the one before.
  enum class What { kWelcome, kSurvey, kHandedOver, kNotWanted, kFailed, kAnswer, kCandidateLeft, kReassigned };

  What what = What::kWelcome;
  std::string letter = {};                                           // its id, but for those that are made, kCandidateLeft and kReassigned
  std::string candidate = {};                                        // of kWelcome, kCandidateLeft and kReassigned
  std::string assignment = {};                                       // of kReassigned
  StoredSurvey survey = {};                                          // of kSurvey
  std::vector<std::pair<std::string, std::string>> candidates = {};  // likewise, each with the mentor whom they are asked about
  std::optional<TaskTerms> terms = {};                               // of kHandedOver, kFailed and kAnswer: of the task that may come of it
  int64_t closes = 0;                                                // of kHandedOver: until when answers count, if not until then
  std::string cause = {};                                            // of kFailed
  // Of kAnswer.
  int relationship_quality = 0;
  bool asks_for_change = false;
  bool by_leader = false;    // who heard it from the candidate
  std::string concern = {};  // the id of what may become of it
  std::function<std::string(v1::SubmitSurveyResponseResponse::Result)> reply = {};
};

struct CaseCommand {
  CaseKey key;
  Command command;
  // One of these instead of `command`; `key` has no id then. A concern may also go with a case that opens.
  std::optional<CandidateTask> candidate_task;
  std::optional<PolicyPublication> policy_publication;
  std::optional<ConcernCommand> concern;
  std::optional<LetterCommand> letter;

  bool is_of_case() const {
    return command.has_open() ||
           (!candidate_task.has_value() && !policy_publication.has_value() && !concern.has_value() && !letter.has_value());
  }

  // Whose right is checked: absent for peers, feeds, time and reply codes, which carry their right in themselves.
  struct Asked {
    rpc::Caller caller;
    std::string method;
  };
  std::optional<Asked> asked;
  std::string etag;  // empty: not checked

  // Words of a person, stored beside the case with the step that they came with. Private.
  std::string step;
  std::string text;
  // Of whoever the command names (Recommend, Answer with a referral). Private.
  std::optional<mentor::v1::Contact> contact;
  // Of whoever the command qualifies. Private.
  std::optional<mentor::v1::Mentor> attributes;

  // The claim under which an effect ran: its row goes with this command, or the command is refused as stale.
  struct Ran {
    std::string row;
    int64_t epoch = 0;
  };
  std::optional<Ran> ran;

  // The bytes to answer and to remember under the request id: nothing private. Called again when the batch is. Empty: no answer.
  std::function<std::string(const Applied&)> reply;
};

using CaseDoor = GroupCommit<CaseCommand>;

// A command that is to carry what a peer or its feed reports.
CaseCommand FactFor(CaseKey key);

// Submits all of `commands` without request ids and waits for what came of each, in order: no more at once than leave room in the door's
// queue. Blocks; with a door without threads it runs the batches itself.
std::vector<absl::Status> CommitAll(CaseDoor& door, std::vector<CaseCommand> commands, Priority priority);

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_STORE_CASE_COMMAND_H_
