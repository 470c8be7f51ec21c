// What can be read off a case: small questions that the state machine, the store and the tests ask in the same words.
#ifndef REMATCH_REQUEST_SERVICE_DOMAIN_CASE_VIEW_H_
#define REMATCH_REQUEST_SERVICE_DOMAIN_CASE_VIEW_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "request-service/domain/case.pb.h"

namespace rematch::request {

// Instants as they are stored: microseconds since the epoch, 0 for none.
int64_t ToStored(absl::Time time);
absl::Time FromStored(int64_t micros);

// nullptr when there is none.
const Offer* FindOffer(const Case& c, std::string_view id);
const Person* FindPerson(const Case& c, std::string_view id);
const Task* FindTask(const Case& c, std::string_view id);
const Message* FindMessage(const Case& c, std::string_view key);
const RunningEffect* FindRunning(const Case& c, std::string_view id);

// The first open task of this kind; with `offer` or `person`, the one about them.
const Task* OpenTask(const Case& c, v1::TaskKind kind);
const Task* OpenTaskAboutOffer(const Case& c, v1::TaskKind kind, std::string_view offer);
const Task* OpenTaskAboutPerson(const Case& c, v1::TaskKind kind, std::string_view person);
const Task* OpenTaskAboutSomebody(const Case& c, v1::TaskKind kind, std::string_view about);

// The leader, or the alternate when the leader is the current mentor (F35).
const Leader& ActingLeader(const Case& c);

// Whose judgement a match is.
const Leader& ConfirmerOf(const Case& c, const v1::EscalationPolicy& policy);
// Who is to take the candidate in this stage; nobody if the person is empty.
const Leader& TakerOf(const Case& c, const v1::EscalationPolicy::Stage& stage);
// The mentor is asked only once the match has been judged good, which has not been done.
bool WaitsForJudgement(const Case& c, const v1::EscalationPolicy& policy, const Offer& offer);

// PREPARING, OPEN, WILLING or CONFIRMED.
bool IsLive(const Offer& offer);
// One mentor asked in confidence: in the individual stage, or as a person who was recommended or referred. The others are of a
// broadcast, or the Leader's own.
bool IsIndividual(const Offer& offer);
bool IsOfBroadcast(const Offer& offer);
// The Leader's own.
bool IsTake(const Offer& offer);
// A seat was asked for and nobody has answered yet.
bool IsHolding(const Offer& offer);
// A seat was asked for, and the answer is not here yet, whatever has become of the offer.
bool IsHoldRunning(const Case& c, const Offer& offer);
// They know of the search: the message arrived, or they answered without one.
bool WasAsked(const Offer& offer);
// Their answer is no, in time or late.
bool SaidNo(const Offer& offer);

// They were told by a note of their own that they are not needed, before the case ended.
bool HeardAlone(const Case& c, const Offer& offer);

// F44. PAUSING: effects that were started before have not been answered.
v1::PauseState PauseOf(const Case& c);

// F17: at most one.
const Offer* LiveIndividualOffer(const Case& c);
// The offer that the Leader chose or took and whose seat is being asked for: nobody else can be confirmed meanwhile (F29).
const Offer* ChosenOffer(const Case& c);
// In whichever round, by mail or by phone.
bool HasBeenAsked(const Case& c, std::string_view mentor);
bool HasSigned(const Case& c, v1::EscalationPolicy::Stage::Signer signer);
bool HasLiveOffer(const Case& c, std::string_view mentor);
// They were asked or named in the case, or may be at this moment.
bool MayConcern(const Case& c, std::string_view mentor);
// They are no longer a mentor, as the roster reported while the case ran.
bool HasLeft(const Case& c, std::string_view mentor);
// Not wanted by the Leader, or the mentor of record when the case began, if that has changed since.
bool IsStruck(const Case& c, std::string_view mentor);
// Not to be asked individually in this case: the current mentor (F20), struck, gone, said no in any round, or refused by the Leader or the
// candidate (F13). Whoever showed interest and was not chosen may be asked again.
bool IsExcluded(const Case& c, std::string_view mentor);
// Whom the next question of an individual stage leaves out: who is excluded, who was asked individually in this round, and who has a live
// offer.
// Sorted, so that the same case always asks the same.
std::vector<std::string> NotToBeAsked(const Case& c);
// The candidate said no to them: out of this case altogether.
bool CandidateDeclined(const Case& c, std::string_view mentor);

// A mentor of the program, as things stand when a broadcast opens.
struct Hearer {
  std::string_view mentor;
  bool experienced = true;     // as the policy has it
  bool asked_by_then = false;  // by what comes before the broadcast, beside what the case knows
};
// Whether a broadcast of this stage is for them. Whoever was asked before is asked again, since they may know somebody (F9), unless the
// stage leaves them out; not whom the Leader struck (F2) or the candidate refused (F13), and the current mentor as the Leader chose (F20).
bool IsInAudience(const Case& c, const v1::EscalationPolicy::Stage& stage, const Hearer& hearer, bool includes_current_mentor);
// The broadcast that this offer is of still takes answers.
bool IsBroadcastOpen(const Case& c, const v1::EscalationPolicy& policy, const Offer& offer);
// A seat of this mentor, or of anybody who may be asked again in this round, is being given back.
bool IsSeatComingBack(const Case& c, std::string_view mentor);

// On the day of this instant ties of the ranking are broken, for as long as the case lives (F26).
google::protobuf::Timestamp RankTime(const Case& c);

// The last part of a resource name.
std::string IdOf(std::string_view name);

// Keys at the peers.
std::string CaseId(const Case& c);
std::string SeatKey(const Case& c, std::string_view offer);

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_DOMAIN_CASE_VIEW_H_
