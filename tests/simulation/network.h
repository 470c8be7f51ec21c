// What lies between request-service and its peers: calls that are lost on the way there or back, made twice, or arrive when nobody waits
// for them any more.
#ifndef REMATCH_TESTS_SIMULATION_NETWORK_H_
#define REMATCH_TESTS_SIMULATION_NETWORK_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "notify-service/domain/templates.h"
#include "request-service/loops/peers.h"
#include "tests/simulation/post_office.h"
#include "tests/simulation/processes.h"

namespace rematch::simulation {

class Network {
 public:
  // The processes are whatever runs at the moment: null for one that is down or stands still.
  Network(Faults& faults, std::function<MentorProcess*()> mentor, std::function<NotifyProcess*()> notify, PostOffice& post,
          const notify::Templates& templates)
      : faults_(faults), mentor_(std::move(mentor)), notify_(std::move(notify)), post_(post), templates_(templates) {}

  // `alive`: whether whoever calls still lives.
  std::unique_ptr<request::MentorPeer> MentorFor(std::function<bool()> alive);
  std::unique_ptr<request::NotifyPeer> NotifyFor(std::function<bool()> alive);

  // One call that is late, of any; false when there is none. Some are so late that they come when all else is over.
  bool DeliverLate(bool all_else_is_over = false);

  // Whether nothing reaches the other services; a feed that is being followed goes on.
  void SetApart(bool apart) { apart_ = apart; }
  bool apart() const { return apart_; }

 private:
  class SimMentor;
  class SimNotify;

  void Delay(std::function<void()> call);
  // One call of a living caller: `make` carries it out, at once or later, once or twice.
  template <typename Response>
  absl::StatusOr<Response> Carry(const std::function<bool()>& alive, std::function<absl::StatusOr<Response>()> make);

  Faults& faults_;
  const std::function<MentorProcess*()> mentor_;
  const std::function<NotifyProcess*()> notify_;
  PostOffice& post_;
  const notify::Templates& templates_;
  bool apart_ = false;
  std::map<std::string, bool> known_kinds_;  // by message, once it was asked for: whether notify-service knows its template
  std::vector<std::function<void()>> late_;
  std::vector<std::function<void()>> very_late_;
};

}  // namespace rematch::simulation

#endif  // REMATCH_TESTS_SIMULATION_NETWORK_H_
