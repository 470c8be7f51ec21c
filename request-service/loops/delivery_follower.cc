#include "request-service/loops/delivery_follower.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "platform/validation.h"
#include "request-service/domain/case_view.h"

namespace rematch::request {
namespace {

namespace nv1 = notify::v1;

// The command that a delivery is for a case; nothing for messages of others and for states that say nothing new.
std::optional<CaseCommand> ToCommand(const nv1::Delivery& delivery) {
  std::optional<CaseKey> key = CaseKey::Parse(delivery.origin());
  if (!key.has_value()) return std::nullopt;
  const std::string message = IdOf(delivery.notification());
  CaseCommand command = FactFor(*std::move(key));
  if (delivery.state() == nv1::Notification::SENT) {
    command.command.mutable_delivered()->set_message(message);
    command.command.mutable_delivered()->set_position(delivery.position());
  } else if (delivery.state() == nv1::Notification::FAILED) {
    Command::Undeliverable& failed = *command.command.mutable_undeliverable();
    failed.set_message(message);
    failed.set_position(delivery.position());
    failed.set_may_have_arrived(delivery.may_have_arrived());
  } else if (delivery.state() == nv1::Notification::CANCELLED) {
    command.command.mutable_send_cancelled()->set_message(message);
  } else {
    return std::nullopt;
  }
  return command;
}

// Likewise for a letter to a candidate: that it could not be delivered.
std::optional<CaseCommand> OfLetter(const nv1::Delivery& delivery) {
  if (delivery.state() != nv1::Notification::FAILED) return std::nullopt;
  const std::optional<std::vector<std::string>> ids = ParseName(delivery.origin(), "consortia/*/programs/*/candidates/*");
  if (!ids.has_value()) return std::nullopt;
  CaseCommand command = FactFor({.consortium = (*ids)[0], .program = (*ids)[1], .id = ""});
  LetterCommand& failed =
      command.letter.emplace(LetterCommand{.what = LetterCommand::What::kFailed, .letter = IdOf(delivery.notification())});
  failed.cause = "BOUNCED";
  return command;
}

}  // namespace

absl::StatusOr<std::vector<DeliveryFollower::Reported>> DeliveryFollower::CommandsOf(const std::vector<nv1::Delivery>& page) {
  std::vector<Reported> reported;
  for (const nv1::Delivery& delivery : page) {
    std::optional<CaseCommand> command = ToCommand(delivery);
    if (!command.has_value()) command = OfLetter(delivery);
    if (command.has_value()) reported.push_back({.position = delivery.position(), .command = *std::move(command)});
  }
  return reported;
}

}  // namespace rematch::request
