#include "request-service/loops/letter_sender.h"

#include <optional>
#include <utility>

#include "platform/errors.h"
#include "request-service/domain/case_view.h"
#include "request-service/domain/reasons.h"

namespace rematch::request {
namespace {

namespace mv1 = mentor::v1;
namespace nv1 = notify::v1;

using What = LetterCommand::What;

// How long answers to a check-in are taken that could not be sent in time.
constexpr absl::Duration kLateCheckIn = absl::Hours(24 * 14);

// A question about a mentor whom they do not have, or not any more, is none.
bool IsWanted(const Letter& letter, const mv1::Candidate& candidate) {
  if (candidate.has_unenroll_time()) return false;
  switch (letter.kind()) {
    case Letter::CHECK_IN_SURVEY:
      return candidate.assignment() == letter.assignment();
    case Letter::MID_YEAR_SURVEY:
      return candidate.mentor() == letter.mentor();
    default:
      return true;
  }
}

}  // namespace

absl::StatusOr<CaseCommand> LetterSender::Send(const EffectWork& work) {
  const std::string& id = work.effect.send_letter().letter();
  CaseCommand command = FactFor({.consortium = work.key.consortium, .program = work.key.program, .id = ""});
  LetterCommand& answer = command.letter.emplace(LetterCommand{.what = What::kNotWanted, .letter = id});
  REMATCH_ASSIGN_OR_RETURN(const std::optional<LetterRow> row, reader_.FindLetter(command.key, id));
  if (!row.has_value()) return Error(absl::StatusCode::kInternal, reason::kStoreRefused, "the letter of an effect is not stored");
  // Done before, or answered without it. One that is known to have failed is still nobody's task.
  const bool failed = row->letter.state() == v1::SurveyResponse::UNDELIVERABLE && !row->letter.has_terms();
  if (row->letter.state() != v1::SurveyResponse::PLANNED && !failed) return command;
  const absl::StatusOr<mv1::Candidate> candidate = mentor_.GetCandidate(row->letter.candidate());
  if (absl::IsNotFound(candidate.status())) return command;
  REMATCH_RETURN_IF_ERROR(candidate.status());
  if (!IsWanted(row->letter, *candidate)) return command;
  Letter letter = row->letter;
  if (!letter.survey().empty() && FromStored(letter.closes()) <= clock_.Now()) {
    // It waited too long. What nobody else has asked is asked all the same.
    if (letter.kind() != Letter::CHECK_IN_SURVEY) return command;
    letter.set_closes(ToStored(clock_.Now() + kLateCheckIn));
    answer.closes = letter.closes();
  }
  REMATCH_ASSIGN_OR_RETURN(const mv1::Program program, messages_.Program(ProgramName(work.key.consortium, work.key.program)));
  REMATCH_ASSIGN_OR_RETURN(answer.terms, terms_.Of(program, letter.mentor()));
  // Nobody but the mentor whom it is about could read the answer (F35).
  if (!answer.terms.has_value()) return command;
  nv1::SendNotificationRequest request = messages_.MakeLetter(command.key, letter, *candidate, program, *answer.terms);
  request.set_request_id(work.row);
  const absl::StatusOr<nv1::Notification> sent = notify_.SendNotification(request);
  answer.what = What::kHandedOver;
  // The key is there, or was called back: notify-service has it.
  const bool known = sent.status().code() == absl::StatusCode::kAlreadyExists || ReasonOf(sent.status()) == "NOTIFICATION_CANCELLED";
  if (sent.ok() || known) return command;
  if (sent.status().code() != absl::StatusCode::kInvalidArgument && sent.status().code() != absl::StatusCode::kFailedPrecondition) {
    return sent.status();
  }
  answer.what = What::kFailed;
  answer.cause = ReasonOf(sent.status());
  return command;
}

}  // namespace rematch::request
