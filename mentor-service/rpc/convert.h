// The roster as the published protos show it, and requests as commands. Everything that a request may hold is checked here; whether
// what it names is there is the command's business.
#ifndef REMATCH_MENTOR_SERVICE_RPC_CONVERT_H_
#define REMATCH_MENTOR_SERVICE_RPC_CONVERT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "mentor-service/domain/changes.h"
#include "mentor-service/domain/commands.h"
#include "mentor-service/domain/ranking.h"
#include "mentor-service/domain/roster.h"
#include "platform/errors.h"
#include "rematch/mentor/v1/resources.pb.h"
#include "rematch/mentor/v1/service.pb.h"

namespace rematch::mentor {

// "consortia/c", "consortia/c/mentors/m"; "" for an empty id.
std::string ConsortiumName(std::string_view consortium);
std::string NameIn(std::string_view consortium, std::string_view collection, std::string_view id);
std::string CandidateName(std::string_view consortium, std::string_view program, std::string_view candidate);

v1::Consortium ToProto(std::string_view, const Consortium& value);
v1::District ToProto(std::string_view consortium, const District& value);
v1::Site ToProto(std::string_view consortium, const Site& value);
v1::Program ToProto(std::string_view consortium, const Program& value);
v1::Mentor ToProto(std::string_view consortium, const Mentor& value);
v1::Candidate ToProto(std::string_view consortium, const Candidate& value);
v1::Assignment ToProto(std::string_view consortium, const Assignment& value);
v1::RosterChange ToProto(std::string_view consortium, const Change& value);  // without position and time
v1::Seat ToProto(std::string_view consortium, const Seat& value);
v1::Need ToProto(std::string_view consortium, const Need& value);
v1::RankedMentor ToProto(std::string_view consortium, const Ranked& value);
// The same into an empty message; or what FindEligibleMentorsRequest.BASIC shows, and no more.
void SetRanked(std::string_view consortium, const Ranked& value, v1::RankedMentor& out);
void SetBasics(std::string_view consortium, const Ranked& value, v1::RankedMentor& out);
v1::HoldNextSeatResponse ToProto(std::string_view consortium, const HeldNext& value);
inline v1::ImportRosterResponse ToProto(std::string_view, v1::ImportRosterResponse value) { return value; }

// A command and the consortium that it is about.
struct Parsed {
  std::string consortium;
  Action action;
};
absl::StatusOr<Parsed> Parse(const v1::CreateConsortiumRequest& request);
absl::StatusOr<Parsed> Parse(const v1::CreateDistrictRequest& request);
absl::StatusOr<Parsed> Parse(const v1::UpdateDistrictRequest& request);
absl::StatusOr<Parsed> Parse(const v1::CreateSiteRequest& request);
absl::StatusOr<Parsed> Parse(const v1::CreateProgramRequest& request);
absl::StatusOr<Parsed> Parse(const v1::UpdateProgramRequest& request);
absl::StatusOr<Parsed> Parse(const v1::CreateMentorRequest& request);
absl::StatusOr<Parsed> Parse(const v1::UpdateMentorRequest& request);
absl::StatusOr<Parsed> Parse(const v1::CreateCandidateRequest& request);
absl::StatusOr<Parsed> Parse(const v1::AssignMentorRequest& request);
absl::StatusOr<Parsed> Parse(const v1::RetireMentorRequest& request);
absl::StatusOr<Parsed> Parse(const v1::UnenrollCandidateRequest& request);
absl::StatusOr<Parsed> Parse(const v1::AddDoNotPairRequest& request);
absl::StatusOr<Parsed> Parse(const v1::RemoveDoNotPairRequest& request);
absl::StatusOr<Parsed> Parse(const v1::EndAssignmentRequest& request);
absl::StatusOr<Parsed> Parse(const v1::HoldNextSeatRequest& request);
absl::StatusOr<Parsed> Parse(const v1::HoldSeatRequest& request);
absl::StatusOr<Parsed> Parse(const v1::ReleaseSeatRequest& request);
absl::StatusOr<Parsed> Parse(const v1::TransferCandidateRequest& request);
// The header of an import; the rows are added by whoever reads the stream.
absl::StatusOr<Parsed> Parse(const v1::ImportRosterRequest::Header& header);

// Checks names that must lie in one consortium, collecting what is wrong.
class NamesIn {
 public:
  // An empty consortium takes the one of the first name that is checked.
  explicit NamesIn(Violations& bad, std::string consortium = "") : bad_(bad), consortium_(std::move(consortium)) {}
  // The id of a name like "consortia/*/{collection}/*".
  std::string Id(std::string_view field, std::string_view name, std::string_view collection);
  // As Id(), but an empty name gives an empty id.
  std::string OptionalId(std::string_view field, std::string_view name, std::string_view collection);
  // At most `max` names, none twice.
  template <typename Names>
  std::vector<std::string> Ids(std::string_view field, const Names& names, std::string_view collection, int max);
  struct CandidateId {
    std::string program;
    std::string candidate;
  };
  CandidateId Candidate(std::string_view field, std::string_view name);
  // The program of "consortia/*/programs/*".
  const std::string& consortium() const { return consortium_; }

 private:
  void Same(std::string_view field, const std::string& consortium);

  Violations& bad_;
  std::string consortium_;
};

Search ParseSearch(Violations& bad, NamesIn& names, const google::protobuf::RepeatedField<int>& tiers,
                   const google::protobuf::RepeatedPtrField<std::string>& order,
                   const google::protobuf::RepeatedPtrField<std::string>& exclude);
Experience ParseExperience(Violations& bad, std::string_view field, const v1::Experience& experience);
Weights ParseWeights(Violations& bad, std::string_view field, const v1::RankingWeights& weights);
// The search that a FindEligibleMentorsRequest or HoldNextSeatRequest describes; `names` is of its consortium.
template <typename Request>
Search ParseSearch(Violations& bad, NamesIn& names, const Request& request) {
  Search search = ParseSearch(bad, names, request.tiers(), request.order(), request.exclude());
  if (request.has_experience()) search.experience = ParseExperience(bad, "experience", request.experience());
  if (request.has_weights()) search.weights = ParseWeights(bad, "weights", request.weights());
  return search;
}
// The instant that `rank_time` gives.
absl::Time ParseDay(Violations& bad, const google::protobuf::Timestamp& rank_time);

// --- Implementation ---

template <typename Names>
std::vector<std::string> NamesIn::Ids(std::string_view field, const Names& names, std::string_view collection, int max) {
  std::vector<std::string> ids;
  if (names.size() > max) {
    bad_.Add(field, "must have at most " + std::to_string(max) + " values");
    return ids;
  }
  for (int i = 0; i < names.size(); ++i) {
    const std::string path = std::string(field) + "[" + std::to_string(i) + "]";
    std::string id = Id(path, names[i], collection);
    if (!id.empty() && Contains(ids, id)) bad_.Add(path, "must not repeat another value");
    ids.push_back(std::move(id));
  }
  return ids;
}

}  // namespace rematch::mentor

#endif  // REMATCH_MENTOR_SERVICE_RPC_CONVERT_H_
