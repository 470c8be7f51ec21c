// What the RPCs about concerns and surveys do, without gRPC. They are matters of a candidate and of no case: whoever leads the program now
// reads and moves them, unless they are the mentor whom one is about (F12, F35, F43). Reads block; writes ask mentor-service first, on
// `blocking`. protos/rematch/request/v1/service.proto says what each means.
#ifndef REMATCH_REQUEST_SERVICE_RPC_CONCERNS_H_
#define REMATCH_REQUEST_SERVICE_RPC_CONCERNS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/clock.h"
#include "platform/executor.h"
#include "platform/ids.h"
#include "platform/rpc/call.h"
#include "rematch/request/v1/service.pb.h"
#include "request-service/domain/reply_code.h"
#include "request-service/loops/peers.h"
#include "request-service/loops/task_terms.h"
#include "request-service/rpc/door_calls.h"
#include "request-service/store/calendar_store.h"
#include "request-service/store/case_command.h"
#include "request-service/store/concern_reader.h"
#include "request-service/store/policy_store.h"

namespace rematch::request {

// Thread-safe.
class Concerns {
 public:
  Concerns(CaseDoor& door, ConcernReader& reader, PolicyStore& policies, CalendarStore& calendars, MentorPeer& mentor, TermsFinder& terms,
           const ReplyCodes& codes, platform::IdSource& ids, platform::Clock& clock, platform::Executor& blocking)
      : calls_(door, clock, blocking),
        reader_(reader),
        policies_(policies),
        calendars_(calendars),
        mentor_(mentor),
        terms_(terms),
        codes_(codes),
        ids_(ids),
        clock_(clock),
        blocking_(blocking) {}

  template <typename Response>
  using Done = rpc::Done<Response>;
  using Call = rpc::Call;

  void RaiseConcern(const Call& call, const v1::RaiseConcernRequest& request, Done<v1::Concern> done);
  void ResolveConcern(const Call& call, const v1::ResolveConcernRequest& request, Done<v1::Concern> done);
  void SendSurvey(const Call& call, const v1::SendSurveyRequest& request, Done<v1::Survey> done);
  void SubmitSurveyResponse(const Call& call, const v1::SubmitSurveyResponseRequest& request, Done<v1::SubmitSurveyResponseResponse> done);
  void RecordLetterTold(const Call& call, const v1::RecordLetterToldRequest& request, Done<v1::Task> done);

  absl::StatusOr<v1::Concern> GetConcern(const Call& call, const v1::GetConcernRequest& request);
  absl::StatusOr<v1::ListConcernsResponse> ListConcerns(const Call& call, const v1::ListConcernsRequest& request);
  absl::StatusOr<v1::ListSurveysResponse> ListSurveys(const Call& call, const v1::ListSurveysRequest& request);
  absl::StatusOr<v1::ListSurveyResultsResponse> ListSurveyResults(const Call& call, const v1::ListSurveyResultsRequest& request);

 private:
  using Program = mentor::v1::Program;
  using Candidate = mentor::v1::Candidate;

  // PEER_UNAVAILABLE, or NOT_FOUND for one that is not there.
  absl::StatusOr<Program> FindProgram(const CaseKey& program);
  absl::StatusOr<Candidate> FindCandidate(const std::string& name);
  // The program, if the caller leads it; else NOT_FOUND.
  absl::StatusOr<Program> OwnProgram(const Call& call, const CaseKey& program);
  // The concern, if the caller may read it; else NOT_FOUND.
  absl::StatusOr<ConcernRow> OwnConcern(const Call& call, const std::string& name);
  // NO_ALTERNATE when nobody could read it.
  absl::StatusOr<TaskTerms> TermsOf(const Program& program, const std::string& mentor);

  absl::StatusOr<CaseCommand> PrepareConcern(const Call& call, const v1::RaiseConcernRequest& request, const CaseKey& program);
  absl::StatusOr<CaseCommand> PrepareSurvey(const Call& call, const v1::SendSurveyRequest& request, const CaseKey& program);
  absl::StatusOr<CaseCommand> PrepareAnswer(const Call& call, const v1::SubmitSurveyResponseRequest& request,
                                            const std::vector<std::string>& response);

  DoorCalls calls_;
  ConcernReader& reader_;
  PolicyStore& policies_;
  CalendarStore& calendars_;
  MentorPeer& mentor_;
  TermsFinder& terms_;
  const ReplyCodes& codes_;
  platform::IdSource& ids_;
  platform::Clock& clock_;
  platform::Executor& blocking_;
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_RPC_CONCERNS_H_
