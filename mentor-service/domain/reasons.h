// Reasons that mentor-service gives beside those of platform/errors.h. A resource of somebody else's program answers exactly like one
// that is not there. docs/errors.md lists all of them.
#ifndef REMATCH_MENTOR_SERVICE_DOMAIN_REASONS_H_
#define REMATCH_MENTOR_SERVICE_DOMAIN_REASONS_H_

#include <string_view>

namespace rematch::mentor::reason {

inline constexpr std::string_view kConsortiumNotFound = "CONSORTIUM_NOT_FOUND";  // NOT_FOUND
inline constexpr std::string_view kDistrictNotFound = "DISTRICT_NOT_FOUND";      // NOT_FOUND
inline constexpr std::string_view kSiteNotFound = "SITE_NOT_FOUND";              // NOT_FOUND
inline constexpr std::string_view kProgramNotFound = "PROGRAM_NOT_FOUND";        // NOT_FOUND
inline constexpr std::string_view kMentorNotFound = "MENTOR_NOT_FOUND";          // NOT_FOUND
inline constexpr std::string_view kCandidateNotFound = "CANDIDATE_NOT_FOUND";    // NOT_FOUND
inline constexpr std::string_view kSeatNotFound = "SEAT_NOT_FOUND";              // NOT_FOUND: a transfer of a seat that never was

inline constexpr std::string_view kConsortiumExists = "CONSORTIUM_EXISTS";  // ALREADY_EXISTS
inline constexpr std::string_view kDistrictExists = "DISTRICT_EXISTS";      // ALREADY_EXISTS
inline constexpr std::string_view kSiteExists = "SITE_EXISTS";              // ALREADY_EXISTS
inline constexpr std::string_view kProgramExists = "PROGRAM_EXISTS";        // ALREADY_EXISTS
inline constexpr std::string_view kMentorExists = "MENTOR_EXISTS";          // ALREADY_EXISTS: this id, or this email in the consortium
inline constexpr std::string_view kCandidateExists = "CANDIDATE_EXISTS";    // ALREADY_EXISTS
inline constexpr std::string_view kSeatExists = "SEAT_EXISTS";  // ALREADY_EXISTS: the key holds another mentor's or candidate's seat

inline constexpr std::string_view kAssignmentNotFound = "ASSIGNMENT_NOT_FOUND";   // NOT_FOUND
inline constexpr std::string_view kAssignmentEnded = "ASSIGNMENT_ENDED";          // FAILED_PRECONDITION: it is not the live one any more
inline constexpr std::string_view kCandidateUnenrolled = "CANDIDATE_UNENROLLED";  // FAILED_PRECONDITION: they have left the program
inline constexpr std::string_view kDoNotPair = "DO_NOT_PAIR";                     // FAILED_PRECONDITION: the two are kept apart
inline constexpr std::string_view kDoNotPairFull = "DO_NOT_PAIR_FULL";            // FAILED_PRECONDITION: a candidate has 100 at most
inline constexpr std::string_view kCandidateHasMentor = "CANDIDATE_HAS_MENTOR";   // FAILED_PRECONDITION
inline constexpr std::string_view kNoFreeSeat = "NO_FREE_SEAT";                // FAILED_PRECONDITION: assigned and held reach the capacity
inline constexpr std::string_view kMentorRetired = "MENTOR_RETIRED";           // FAILED_PRECONDITION
inline constexpr std::string_view kMentorIsCurrent = "MENTOR_IS_CURRENT";      // FAILED_PRECONDITION: the candidate's mentor of record
inline constexpr std::string_view kMentorNotMember = "MENTOR_NOT_MEMBER";      // FAILED_PRECONDITION: not of the candidate's program
inline constexpr std::string_view kMentorSupervises = "MENTOR_SUPERVISES";     // FAILED_PRECONDITION: evaluates the candidate's site
inline constexpr std::string_view kDistrictNotShared = "DISTRICT_NOT_SHARED";  // FAILED_PRECONDITION: theirs does not lend, or not borrow
inline constexpr std::string_view kSeatReleased = "SEAT_RELEASED";             // FAILED_PRECONDITION: given back, or refused in advance
inline constexpr std::string_view kSeatTransferred = "SEAT_TRANSFERRED";       // FAILED_PRECONDITION: became an assignment
inline constexpr std::string_view kSeatNotHeld = "SEAT_NOT_HELD";              // FAILED_PRECONDITION: a transfer of a seat that is over
inline constexpr std::string_view kAssignmentChanged = "ASSIGNMENT_CHANGED";   // FAILED_PRECONDITION: `replaces` is not the live one
inline constexpr std::string_view kCapacityInUse = "CAPACITY_IN_USE";          // FAILED_PRECONDITION: below what is assigned and held
inline constexpr std::string_view kImportTooLarge = "IMPORT_TOO_LARGE";  // RESOURCE_EXHAUSTED: more rows or bytes than one import takes

}  // namespace rematch::mentor::reason

#endif  // REMATCH_MENTOR_SERVICE_DOMAIN_REASONS_H_
