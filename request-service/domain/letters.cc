#include "request-service/domain/letters.h"

#include "absl/strings/str_cat.h"
#include "platform/canonical.h"
#include "platform/errors.h"
#include "platform/strings.h"
#include "request-service/domain/case_view.h"
#include "request-service/domain/reasons.h"

namespace rematch::request {
namespace {

// Enough that no two are ever alike.
constexpr size_t kHashDigits = 40;

std::string Short(const std::string& text) { return platform::HexHash(text).substr(0, kHashDigits); }

absl::Status Resolved() {
  return Error(absl::StatusCode::kFailedPrecondition, reason::kConcernResolved, "the concern has been resolved; a new one can be raised");
}

}  // namespace

std::optional<TaskTerms> TermsFor(const mentor::v1::Program& program, std::string_view mentor) {
  TaskTerms terms;
  terms.set_mentor(std::string(mentor));
  if (MayRead(program, program.leader().person(), mentor)) terms.set_leader(program.leader().person());
  if (MayRead(program, program.alternate().person(), mentor)) terms.set_alternate(program.alternate().person());
  terms.set_owner(terms.leader().empty() ? terms.alternate() : terms.leader());
  if (terms.owner().empty()) return std::nullopt;
  return terms;
}

bool MayRead(const mentor::v1::Program& program, std::string_view person, std::string_view mentor) {
  if (person.empty()) return false;
  for (const mentor::v1::Leader* leader : {&program.leader(), &program.alternate()}) {
    if (leader->person() == person) return mentor.empty() || leader->mentor() != mentor;
  }
  return false;
}

v1::Window DefaultSurveyWindow() {
  v1::Window window;
  window.set_amount(10);
  window.set_unit(v1::Window::WORKING_DAYS);
  return window;
}

std::string WelcomeId(std::string_view candidate) { return absl::StrCat("welcome.", IdOf(candidate)); }

std::string SurveyLetterId(std::string_view survey, std::string_view candidate) {
  return absl::StrCat("survey.", ToAbsl(survey), ".", IdOf(candidate));
}

std::string LetterTaskId(std::string_view letter) { return absl::StrCat("letter-", Short(std::string(letter))); }

std::string ConcernTaskId(std::string_view concern) { return absl::StrCat("concern-", ToAbsl(concern)); }

std::string LetterEffectId(std::string_view consortium, std::string_view letter) {
  return absl::StrCat("letter-", Short(absl::StrCat(ToAbsl(consortium), "/", ToAbsl(letter))));
}

v1::SubmitSurveyResponseResponse::Result ResultOf(const Letter& letter, const Answer& answer, int64_t now) {
  using Response = v1::SubmitSurveyResponseResponse;
  if (letter.answered() != 0) {
    const bool same = letter.relationship_quality() == answer.relationship_quality && letter.asks_for_change() == answer.asks_for_change &&
                      answer.same_words;
    return same ? Response::RECORDED : Response::ANSWERED_BEFORE;
  }
  if (letter.state() == v1::SurveyResponse::NOT_SENT) return Response::SURVEY_CLOSED;
  return now > letter.closes() && !answer.by_leader ? Response::SURVEY_CLOSED : Response::RECORDED;
}

bool GivesConcern(const Letter& answered) {
  return answered.asks_for_change() || answered.relationship_quality() <= answered.concern_at_or_below();
}

absl::Status Resolve(StoredConcern& concern, v1::Concern::Outcome outcome, std::string_view resolver, int64_t now) {
  if (concern.resolved() != 0) return Resolved();
  concern.set_outcome(outcome);
  concern.set_resolver(std::string(resolver));
  concern.set_resolved(now);
  return absl::OkStatus();
}

absl::Status CheckBecomesCase(const StoredConcern& concern, bool candidate_consents) {
  if (concern.resolved() != 0) return Resolved();
  if (concern.candidate_consents() || candidate_consents) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, reason::kConsentMissing, "a concern becomes a case only if the candidate agrees");
}

}  // namespace rematch::request
