// Hands a letter over to notify-service, if there is still reason to: the part of an effect that is of no case.
#ifndef REMATCH_REQUEST_SERVICE_LOOPS_LETTER_SENDER_H_
#define REMATCH_REQUEST_SERVICE_LOOPS_LETTER_SENDER_H_

#include "absl/status/statusor.h"
#include "platform/clock.h"
#include "request-service/loops/messages.h"
#include "request-service/loops/peers.h"
#include "request-service/loops/task_terms.h"
#include "request-service/store/case_command.h"
#include "request-service/store/case_handler.h"
#include "request-service/store/concern_reader.h"

namespace rematch::request {

// Thread-safe; blocks on the peers.
class LetterSender {
 public:
  LetterSender(ConcernReader& reader, MentorPeer& mentor, NotifyPeer& notify, MessageMaker& messages, TermsFinder& terms,
               platform::Clock& clock)
      : reader_(reader), mentor_(mentor), notify_(notify), messages_(messages), terms_(terms), clock_(clock) {}

  // The command that says what came of it, without the claim; or why there is none yet.
  absl::StatusOr<CaseCommand> Send(const EffectWork& work);

 private:
  ConcernReader& reader_;
  MentorPeer& mentor_;
  NotifyPeer& notify_;
  MessageMaker& messages_;
  TermsFinder& terms_;
  platform::Clock& clock_;
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_LOOPS_LETTER_SENDER_H_
