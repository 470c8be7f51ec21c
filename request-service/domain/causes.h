// Fixed words for why an offer or a stage ended, or a task came up, as events store them. Causes that come from a peer are its reasons.
#ifndef REMATCH_REQUEST_SERVICE_DOMAIN_CAUSES_H_
#define REMATCH_REQUEST_SERVICE_DOMAIN_CAUSES_H_

#include <string_view>

namespace rematch::request::cause {

inline constexpr std::string_view kNoneLeft = "NONE_LEFT";
inline constexpr std::string_view kAllAnswered = "ALL_ANSWERED";
inline constexpr std::string_view kNobodyToAsk = "NOBODY_TO_ASK";
inline constexpr std::string_view kNotSettled = "NOT_SETTLED";
inline constexpr std::string_view kAllSigned = "ALL_SIGNED";
inline constexpr std::string_view kPolicyChanged = "POLICY_CHANGED";
inline constexpr std::string_view kLeaderDeclined = "LEADER_DECLINED";
inline constexpr std::string_view kWindowEnded = "WINDOW_ENDED";
inline constexpr std::string_view kRejected = "REJECTED";
inline constexpr std::string_view kNotChosen = "NOT_CHOSEN";
inline constexpr std::string_view kCandidateDeclined = "CANDIDATE_DECLINED";
inline constexpr std::string_view kCaseEnded = "CASE_ENDED";
inline constexpr std::string_view kSearchRestarted = "SEARCH_RESTARTED";
inline constexpr std::string_view kStruck = "STRUCK";
inline constexpr std::string_view kStageSkipped = "STAGE_SKIPPED";
inline constexpr std::string_view kMentorLeft = "MENTOR_LEFT";
inline constexpr std::string_view kUndeliverable = "UNDELIVERABLE";
inline constexpr std::string_view kBounced = "BOUNCED";
inline constexpr std::string_view kNoAnswer = "NO_ANSWER";
inline constexpr std::string_view kVoicemail = "VOICEMAIL";
inline constexpr std::string_view kWrongNumber = "WRONG_NUMBER";
inline constexpr std::string_view kMentorExcluded = "MENTOR_EXCLUDED";

// Of mentor-service: the seat that was to become an assignment is gone, or was never there (a restored backup); the candidate's
// assignment is not the one that was to be replaced.
inline constexpr std::string_view kSeatNotHeld = "SEAT_NOT_HELD";
inline constexpr std::string_view kSeatNotFound = "SEAT_NOT_FOUND";
inline constexpr std::string_view kAssignmentChanged = "ASSIGNMENT_CHANGED";

}  // namespace rematch::request::cause

#endif  // REMATCH_REQUEST_SERVICE_DOMAIN_CAUSES_H_
