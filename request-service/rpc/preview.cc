// PreviewEscalation: who would be asked, in which order and by when, without asking anybody (F16).
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "access/access.h"
#include "platform/errors.h"
#include "platform/validation.h"
#include "request-service/domain/case_view.h"
#include "request-service/domain/forecast.h"
#include "request-service/domain/policy.h"
#include "request-service/domain/reasons.h"
#include "request-service/rpc/convert.h"
#include "request-service/rpc/reassignments.h"

namespace rematch::request {
namespace {

namespace mv1 = mentor::v1;
using Stage = v1::EscalationPolicy::Stage;
using PreviewedStage = v1::PreviewEscalationResponse::Stage;

// Of one stage: whoever reads a forecast does not read further.
constexpr int kMostSteps = 200;

// Where the case would go on by `after`: in the stage of the same id and kind, or the next if that is over; else from the first.
struct Beginning {
  int stage = 0;
  bool goes_on = false;  // in the stage that is open
};

Beginning BeginningOf(const Case& c, const v1::EscalationPolicy& before, const v1::EscalationPolicy& after) {
  if (c.state() == v1::REVIEW || c.stage() >= before.stages_size()) return {};
  const Stage& open = before.stages(c.stage());
  const int stage = FindStage(after, StageId(open));
  if (stage == after.stages_size() || after.stages(stage).kind() != open.kind()) return {};
  if (c.stage_window().over()) return {.stage = stage + 1, .goes_on = false};
  return {.stage = stage, .goes_on = true};
}

// Whom the stages of one case ask, one after the other.
class Previewer {
 public:
  Previewer(MentorPeer& mentor, const Case& c, const v1::EscalationPolicy& policy)
      : mentor_(mentor), c_(c), policy_(policy), not_to_be_asked_(NotToBeAsked(c)) {}

  // How many the stage can ask one by one. `asks_again`: a later stage asks others than this one.
  absl::StatusOr<int> Fill(const Stage& stage, bool asks_again, PreviewedStage& out) {
    out.set_stage_id(StageId(stage));
    out.set_kind(stage.kind());
    switch (stage.kind()) {
      case v1::INDIVIDUAL:
        return FillIndividual(stage, asks_again, out);
      case v1::BROADCAST:
        return FillBroadcast(stage, out);
      case v1::RECOMMENDATION:
        if (Asks(stage, Stage::SITE_ADMINISTRATOR) && !c_.need().site().empty()) out.add_asked(c_.need().site());
        if (Asks(stage, Stage::DISTRICT_REPRESENTATIVE) && !c_.need().district().empty()) out.add_asked(c_.need().district());
        return 0;
      case v1::LEADER:
        if (const std::string& taker = TakerOf(c_, stage).person(); !taker.empty()) out.add_asked(taker);
        return 0;
      default:
        return 0;
    }
  }

 private:
  mv1::FindEligibleMentorsRequest Search(mv1::FindEligibleMentorsRequest::Pool pool) const {
    mv1::FindEligibleMentorsRequest find;
    find.set_candidate(c_.candidate());
    find.set_pool(pool);
    *find.mutable_rank_time() = RankTime(c_);
    if (policy_.has_experience()) *find.mutable_experience() = policy_.experience();
    if (policy_.has_weights()) *find.mutable_weights() = policy_.weights();
    return find;
  }

  absl::StatusOr<int> FillIndividual(const Stage& stage, bool asks_again, PreviewedStage& out) {
    mv1::FindEligibleMentorsRequest find = Search(mv1::FindEligibleMentorsRequest::INDIVIDUAL);
    *find.mutable_tiers() = stage.tiers();
    *find.mutable_order() = c_.order();
    *find.mutable_exclude() = {not_to_be_asked_.begin(), not_to_be_asked_.end()};
    // Of a stage that another one follows, all are needed: who is asked in the one is not asked in the next.
    if (!asks_again) find.set_max_results(kMostSteps);
    const absl::StatusOr<mv1::FindEligibleMentorsResponse> found = mentor_.FindEligibleMentors(find);
    if (!found.ok()) return PeerUnavailable();
    for (const mv1::RankedMentor& mentor : found->mentors()) {
      if (out.steps_size() < kMostSteps) *out.add_steps()->mutable_mentor() = mentor;
      if (mentor.full()) continue;
      not_to_be_asked_.push_back(mentor.mentor());
      reached_.insert(mentor.mentor());
    }
    out.set_can_be_asked(found->can_be_asked());
    return found->can_be_asked();
  }

  absl::StatusOr<int> FillBroadcast(const Stage& stage, PreviewedStage& out) {
    mv1::FindEligibleMentorsRequest find = Search(mv1::FindEligibleMentorsRequest::EVERYBODY);
    *find.mutable_exclude() = c_.struck();
    find.set_view(mv1::FindEligibleMentorsRequest::BASIC);  // they are only counted
    const absl::StatusOr<mv1::FindEligibleMentorsResponse> found = mentor_.FindEligibleMentors(find);
    if (!found.ok()) return PeerUnavailable();
    int recipients = 0;
    for (const mv1::RankedMentor& mentor : found->mentors()) {
      const Hearer hearer = {
          .mentor = mentor.mentor(), .experienced = mentor.experienced(), .asked_by_then = reached_.contains(mentor.mentor())};
      if (!IsInAudience(c_, stage, hearer, /*includes_current_mentor=*/false)) continue;
      reached_.insert(mentor.mentor());
      ++recipients;
    }
    out.set_recipients(recipients);
    return 0;
  }

  MentorPeer& mentor_;
  const Case& c_;
  const v1::EscalationPolicy& policy_;
  std::vector<std::string> not_to_be_asked_;
  absl::flat_hash_set<std::string> reached_;  // by the stages before
};

void SetTimes(const StageForecast& forecast, PreviewedStage& out) {
  *out.mutable_open_time() = ToTimestamp(ToStored(forecast.open));
  *out.mutable_end_time() = ToTimestamp(ToStored(forecast.end));
  // Who is full comes last, and is not asked.
  const size_t shown = std::min(forecast.asks.size(), static_cast<size_t>(out.steps_size()));
  for (size_t i = 0; i < shown; ++i) {
    v1::PreviewEscalationResponse::Step& step = *out.mutable_steps(static_cast<int>(i));
    *step.mutable_ask_time() = ToTimestamp(ToStored(forecast.asks[i]));
    *step.mutable_window_end_time() = ToTimestamp(ToStored(i + 1 < forecast.asks.size() ? forecast.asks[i + 1] : forecast.end));
  }
}

}  // namespace

absl::StatusOr<v1::PreviewEscalationResponse> Reassignments::PreviewEscalation(const Call& call,
                                                                               const v1::PreviewEscalationRequest& request) {
  Violations bad;
  Target target;
  if (request.candidate().empty()) {
    target = CheckCase(bad, "name", request.name());
  } else {
    CheckName(bad, "candidate", request.candidate(), "consortia/*/programs/*/candidates/*");
    if (!request.name().empty()) bad.Add("candidate", "must be unset beside `name`");
  }
  if (!request.policy().empty()) CheckName(bad, "policy", request.policy(), "policies/*");
  if (!bad.empty()) return bad.ToStatus();
  Case c;
  if (request.candidate().empty()) {
    REMATCH_ASSIGN_OR_RETURN(StoredCase stored, LoadFor(call, target.key));
    c = std::move(stored.c);
  } else {
    REMATCH_ASSIGN_OR_RETURN(c, Imagine(call, request.candidate()));
  }
  v1::PreviewEscalationResponse response;
  if (HasEnded(c)) return response;
  REMATCH_ASSIGN_OR_RETURN(const std::shared_ptr<const PolicyRecord> before, policies_.Get(c.policy()));
  std::shared_ptr<const PolicyRecord> after = before;
  if (!request.policy().empty()) {
    REMATCH_ASSIGN_OR_RETURN(after, policies_.Find(request.policy()));
  }
  const v1::EscalationPolicy& policy = after->policy;
  response.set_policy(after->Name());

  const Beginning beginning = BeginningOf(c, before->policy, policy);
  const int first = beginning.stage;
  Previewer previewer(mentor_, c, policy);
  std::vector<int> can_be_asked;
  for (int i = first; i < policy.stages_size(); ++i) {
    const bool asks_again = std::any_of(policy.stages().begin() + i + 1, policy.stages().end(), [](const Stage& later) {
      return later.kind() == v1::INDIVIDUAL || later.audience() == Stage::NOT_YET_ASKED;
    });
    REMATCH_ASSIGN_OR_RETURN(const int count, previewer.Fill(policy.stages(i), asks_again, *response.add_stages()));
    can_be_asked.push_back(count);
  }

  REMATCH_ASSIGN_OR_RETURN(const CalendarStore::Pointer time, calendars_.Of(c));
  const Rules rules{.policy = policy, .time = *time};
  absl::Time open = clock_.Now();
  std::optional<absl::Time> first_end;
  if (const Offer* live = LiveIndividualOffer(c); live != nullptr && beginning.goes_on) {
    // Whoever is being asked has the rest of their window.
    const Stage& stage = policy.stages(first);
    open = live->window_end() != 0 ? std::max(open, FromStored(live->window_end()))
                                   : time->EndOfWindow(open, stage.has_window() ? stage.window() : policy.task_due_after());
  } else if (beginning.goes_on && c.stage_window().end() != 0) {
    first_end = FromStored(c.stage_window().end());  // it runs, and ends when it was said to
  }
  const std::vector<StageForecast> forecast = Forecast(rules, first, open, first_end, can_be_asked);
  for (int i = 0; i < response.stages_size(); ++i) {
    SetTimes(forecast[static_cast<size_t>(i)], *response.mutable_stages(i));
    if (response.steps().empty()) *response.mutable_steps() = response.stages(i).steps();
  }
  return response;
}

absl::StatusOr<Case> Reassignments::Imagine(const Call& call, const std::string& candidate) {
  const auto unknown = [] { return Error(absl::StatusCode::kNotFound, reason::kNotFound, "no such candidate"); };
  const std::vector<std::string> ids = *ParseName(candidate, "consortia/*/programs/*/candidates/*");
  REMATCH_ASSIGN_OR_RETURN(const std::shared_ptr<const PolicyRecord> policy, policies_.Of(ids[0], ids[1]));
  mv1::DescribeCandidatesRequest describe;
  describe.set_parent(ConsortiumName(ids[0]));
  describe.add_candidates(candidate);
  describe.set_k(policy->policy.k_anonymity());
  const absl::StatusOr<mv1::DescribeCandidatesResponse> described = mentor_.DescribeCandidates(describe);
  if (absl::IsNotFound(described.status())) return unknown();
  if (!described.ok()) return PeerUnavailable();
  if (described->described().empty() || described->programs().empty()) return unknown();
  const mv1::Program& program = described->programs(0);
  const mv1::Candidate& found = described->described(0).candidate();
  const auto is_replaced = [&](const mv1::Leader& leader) { return !found.mentor().empty() && leader.mentor() == found.mentor(); };
  Case c;
  c.set_candidate(candidate);
  c.set_policy(policy->hash);
  c.set_state(v1::REVIEW);
  c.set_round(1);
  c.set_created(ToStored(clock_.Now()));
  *c.mutable_need() = described->described(0).need();
  c.set_current_mentor(found.mentor());
  c.mutable_leader()->set_person(program.leader().person());
  c.mutable_leader()->set_mentor(program.leader().mentor());
  if (!is_replaced(program.alternate())) {
    c.mutable_alternate()->set_person(program.alternate().person());
    c.mutable_alternate()->set_mentor(program.alternate().mentor());
  }
  c.set_alternate_acts(is_replaced(program.leader()));
  c.set_time_zone(program.time_zone());
  REMATCH_ASSIGN_OR_RETURN(*c.mutable_calendar(), calendars_.Keep(program));
  return access::MayTouch(call.caller, call.method, OwnersOf(c)) ? absl::StatusOr<Case>(std::move(c)) : unknown();
}

}  // namespace rematch::request
