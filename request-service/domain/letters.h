// Letters to candidates that are of no case, what they answer, and the concerns that come of it (F1, F12, F43).
#ifndef REMATCH_REQUEST_SERVICE_DOMAIN_LETTERS_H_
#define REMATCH_REQUEST_SERVICE_DOMAIN_LETTERS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "rematch/mentor/v1/resources.pb.h"
#include "rematch/request/v1/service.pb.h"
#include "request-service/domain/case.pb.h"
#include "request-service/domain/letters.pb.h"

namespace rematch::request {

// Of a matter between a candidate and `mentor`, their mentor of record or nobody. Nothing when nobody else leads the program.
std::optional<TaskTerms> TermsFor(const mentor::v1::Program& program, std::string_view mentor);
// A leader of the program, or its alternate, other than the mentor whom the matter is about.
bool MayRead(const mentor::v1::Program& program, std::string_view person, std::string_view mentor);

// How long answers to a survey are taken, unless it says otherwise: 10 working days.
v1::Window DefaultSurveyWindow();

// Keys at notify-service: the same letter is one message, however often it is asked for.
std::string WelcomeId(std::string_view candidate);
std::string SurveyLetterId(std::string_view survey, std::string_view candidate);
// Of the task about a letter or a concern, unique in the consortium.
std::string LetterTaskId(std::string_view letter);
std::string ConcernTaskId(std::string_view concern);
// Of the row in the outbox, unique over all consortia.
std::string LetterEffectId(std::string_view consortium, std::string_view letter);

// What becomes of an answer: the first counts, and the same again is no other. `same_words`: as before. `by_leader`: who heard it from the
// candidate may put it on record when the survey has closed as well.
struct Answer {
  int relationship_quality = 0;
  bool asks_for_change = false;
  bool same_words = false;
  bool by_leader = false;
};
v1::SubmitSurveyResponseResponse::Result ResultOf(const Letter& letter, const Answer& answer, int64_t now);
// Whether an answer is a concern (F12): the relationship is judged low, or another mentor is asked for.
bool GivesConcern(const Letter& answered);

// The concern, resolved. FAILED_PRECONDITION / CONCERN_RESOLVED.
absl::Status Resolve(StoredConcern& concern, v1::Concern::Outcome outcome, std::string_view resolver, int64_t now);
// Before a case is opened out of it: open, and the candidate wants it (F12). CONCERN_RESOLVED, CONSENT_MISSING.
absl::Status CheckBecomesCase(const StoredConcern& concern, bool candidate_consents);

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_DOMAIN_LETTERS_H_
