// Reasons of the errors that request-service adds to those of platform/errors.h. docs/errors.md lists all of them.
#ifndef REMATCH_REQUEST_SERVICE_DOMAIN_REASONS_H_
#define REMATCH_REQUEST_SERVICE_DOMAIN_REASONS_H_

#include <string_view>

namespace rematch::reason {

// What was named is not there.
inline constexpr std::string_view kCaseNotFound = "CASE_NOT_FOUND";      // NOT_FOUND: or the caller may not read it
inline constexpr std::string_view kOfferNotFound = "OFFER_NOT_FOUND";    // NOT_FOUND
inline constexpr std::string_view kPersonNotFound = "PERSON_NOT_FOUND";  // NOT_FOUND
inline constexpr std::string_view kTaskNotFound = "TASK_NOT_FOUND";      // NOT_FOUND

// The case is not where the command needs it.
inline constexpr std::string_view kCaseAlreadyOpen = "CASE_ALREADY_OPEN";  // FAILED_PRECONDITION: one open case a candidate
inline constexpr std::string_view kCaseEnded = "CASE_ENDED";               // FAILED_PRECONDITION: completed, withdrawn or closed
inline constexpr std::string_view kWrongState = "WRONG_STATE";             // FAILED_PRECONDITION: another state of the case
inline constexpr std::string_view kChangeUnderWay = "CHANGE_UNDER_WAY";    // FAILED_PRECONDITION: the candidate agreed; the swap runs
inline constexpr std::string_view kTaskNotOpen = "TASK_NOT_OPEN";          // FAILED_PRECONDITION: this step is not asked for now
inline constexpr std::string_view kTaskNotACall = "TASK_NOT_A_CALL";       // FAILED_PRECONDITION: ended by another step
inline constexpr std::string_view kMatchUnderWay = "MATCH_UNDER_WAY";      // FAILED_PRECONDITION: another mentor's seat is being held
inline constexpr std::string_view kCandidateUnenrolled = "CANDIDATE_UNENROLLED";  // FAILED_PRECONDITION: they have left the program
inline constexpr std::string_view kNoAlternate = "NO_ALTERNATE";                  // FAILED_PRECONDITION: nobody may decide (F35)
inline constexpr std::string_view kStageNotInPolicy = "STAGE_NOT_IN_POLICY";      // FAILED_PRECONDITION
inline constexpr std::string_view kRequestsClosed = "REQUESTS_CLOSED";            // FAILED_PRECONDITION: not in this season (F1)
inline constexpr std::string_view kSignatureNotWanted = "SIGNATURE_NOT_WANTED";   // FAILED_PRECONDITION: the policy does not name them
inline constexpr std::string_view kNotTheirsToDecide = "NOT_THEIRS_TO_DECIDE";    // FAILED_PRECONDITION: the policy gives it to another

inline constexpr std::string_view kConcernResolved = "CONCERN_RESOLVED";  // FAILED_PRECONDITION: a new one can be raised
inline constexpr std::string_view kConsentMissing = "CONSENT_MISSING";    // FAILED_PRECONDITION: a case needs the candidate's (F12)
inline constexpr std::string_view kNoCandidates = "NO_CANDIDATES";        // FAILED_PRECONDITION: nobody to ask

// The offer or the mentor does not allow it.
inline constexpr std::string_view kCasePaused = "CASE_PAUSED";               // FAILED_PRECONDITION: resume it first
inline constexpr std::string_view kCaseNotPaused = "CASE_NOT_PAUSED";        // FAILED_PRECONDITION
inline constexpr std::string_view kOfferNotLate = "OFFER_NOT_LATE";          // FAILED_PRECONDITION: no yes that came too late
inline constexpr std::string_view kOfferNotReady = "OFFER_NOT_READY";        // FAILED_PRECONDITION: nobody has been found for it yet
inline constexpr std::string_view kOfferNotWilling = "OFFER_NOT_WILLING";    // FAILED_PRECONDITION
inline constexpr std::string_view kOfferConfirmed = "OFFER_CONFIRMED";       // FAILED_PRECONDITION: too late to take a yes back
inline constexpr std::string_view kOfferWithoutSeat = "OFFER_WITHOUT_SEAT";  // FAILED_PRECONDITION: shown interest: choose them instead
inline constexpr std::string_view kOfferNotOfBroadcast = "OFFER_NOT_OF_BROADCAST";  // FAILED_PRECONDITION: confirm or reject it instead
inline constexpr std::string_view kMentorExcluded = "MENTOR_EXCLUDED";              // FAILED_PRECONDITION: current mentor, struck or out
inline constexpr std::string_view kMentorBeingAsked = "MENTOR_BEING_ASKED";         // FAILED_PRECONDITION: has a live offer of this case
inline constexpr std::string_view kPersonDecided = "PERSON_DECIDED";                // FAILED_PRECONDITION: qualified or dismissed already
inline constexpr std::string_view kLeaderHasNoMentorRecord = "LEADER_HAS_NO_MENTOR_RECORD";  // FAILED_PRECONDITION

// The command can never be right.
inline constexpr std::string_view kCallOutcomeWrong = "CALL_OUTCOME_WRONG";  // INVALID_ARGUMENT: not an outcome of this task's call
inline constexpr std::string_view kBadReplyCode = "BAD_REPLY_CODE";          // INVALID_ARGUMENT: not a code of this suite
inline constexpr std::string_view kBadPolicy = "BAD_POLICY";                 // INVALID_ARGUMENT: a policy file that does not parse

}  // namespace rematch::reason

#endif  // REMATCH_REQUEST_SERVICE_DOMAIN_REASONS_H_
