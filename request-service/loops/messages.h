// Makes the message that a Send effect asks for: looks up who is to get it and what the template fills in, at the moment it is sent, so
// that nothing private is kept in the outbox.
#ifndef REMATCH_REQUEST_SERVICE_LOOPS_MESSAGES_H_
#define REMATCH_REQUEST_SERVICE_LOOPS_MESSAGES_H_

#include <functional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "platform/clock.h"
#include "rematch/notify/v1/service.pb.h"
#include "rematch/request/v1/resources.pb.h"
#include "request-service/domain/case.pb.h"
#include "request-service/domain/escalation.h"
#include "request-service/domain/letters.h"
#include "request-service/domain/reply_code.h"
#include "request-service/loops/peers.h"
#include "request-service/store/case_command.h"

namespace rematch::request {

// "Thursday, 5 March, 17:00" in `zone`.
std::string LocalTimeText(absl::Time time, absl::TimeZone zone);
// What is looked for, in words: "Multiple Subject, K-2, Mathematics and Science"; "a new teacher" when nothing may be said.
std::string NeedText(const mentor::v1::Need& need);

// Thread-safe; its methods block on the mentor peer. Programs, sites and districts are remembered for half a minute.
class MessageMaker {
 public:
  MessageMaker(MentorPeer& mentor, const ReplyCodes& codes, platform::Clock& clock) : mentor_(mentor), codes_(codes), clock_(clock) {}

  // The request for notify-service, without its request id. NOT_FOUND when somebody it is about is gone; else as the peer says.
  absl::StatusOr<notify::v1::SendNotificationRequest> Make(const Case& c, const Effect& effect, const Rules& rules);
  // Likewise of a letter to `candidate`, from whom `terms` name.
  notify::v1::SendNotificationRequest MakeLetter(const CaseKey& key, const Letter& letter, const mentor::v1::Candidate& candidate,
                                                 const mentor::v1::Program& program, const TaskTerms& terms) const;
  absl::StatusOr<mentor::v1::Program> Program(const std::string& name);

 private:
  template <typename Resource>
  class Cache {
   public:
    absl::StatusOr<Resource> Get(const std::string& name, absl::Duration now,
                                 const std::function<absl::StatusOr<Resource>(const std::string&)>& fetch);

   private:
    absl::Mutex mutex_;
    absl::flat_hash_map<std::string, std::pair<absl::Duration, Resource>> known_ ABSL_GUARDED_BY(mutex_);
  };

  absl::StatusOr<mentor::v1::Site> Site(const std::string& name);
  absl::StatusOr<mentor::v1::District> District(const std::string& name);

  MentorPeer& mentor_;
  const ReplyCodes& codes_;
  platform::Clock& clock_;
  Cache<mentor::v1::Program> programs_;
  Cache<mentor::v1::Site> sites_;
  Cache<mentor::v1::District> districts_;
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_LOOPS_MESSAGES_H_
