// Sends what is due. One Step() takes on as much as there is room for and returns; the rest happens on the pool and in the door's
// callbacks, so a mail server that is slow with one message holds up no other.
//
//   claim (leases) -> BeginSend (door: SENDING is durable) -> settle and hand over (pool) -> FinishSend (door: outcome, feed)
//
// Everything that it needs to know is in the table `sends`: nothing is lost with the process.
#ifndef REMATCH_NOTIFY_SERVICE_LOOPS_SENDER_H_
#define REMATCH_NOTIFY_SERVICE_LOOPS_SENDER_H_

#include <array>
#include <functional>
#include <memory>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "notify-service/domain/message.h"
#include "notify-service/store/notify_store.h"
#include "notify-service/transport/transport.h"
#include "platform/clock.h"
#include "platform/executor.h"
#include "platform/group_commit.h"
#include "platform/leases.h"

namespace rematch::notify {

// What a sender reports; see platform/metrics.h.
// Taken; refused for good; put off, to be tried again; broken off, so that nobody knows.
inline constexpr std::array<const char*, 4> kSendOutcomes = {"sends_taken", "sends_refused", "sends_put_off", "sends_broken_off"};

struct SenderGauges {
  std::function<void(absl::Duration)> late = [](absl::Duration) {};    // how late a send began
  std::function<void(absl::Duration)> oldest = [](absl::Duration) {};  // age of the oldest message not sent yet
  // What came of an attempt that reached the transport, as a name for a counter: one of kSendOutcomes.
  std::function<void(const char*)> ended = [](const char*) {};
};

class Sender {
 public:
  struct Options {
    Mailbox from;
    size_t max_in_flight = 64;
    absl::Duration beat = absl::Milliseconds(2500);  // a quarter of the lease
  };
  Sender(Options options, NotifyStore& store, GroupCommit<Command>& door, platform::Leases& leases, MailTransport& transport,
         platform::Executor& pool, platform::Clock& clock, SenderGauges gauges)
      : options_(std::move(options)),
        store_(store),
        door_(door),
        leases_(leases),
        transport_(transport),
        pool_(pool),
        clock_(clock),
        gauges_(std::move(gauges)) {}
  // Waits until nothing is in flight; call Stop() before.
  ~Sender();

  // How the sender is woken when there is room again; set before the first Step(). Called from any thread.
  void OnRoom(std::function<void()> wake) { wake_ = std::move(wake); }
  // One step; how long nothing more will be due as far as it knows. Blocks on the store only.
  absl::Duration Step();
  // Begins nothing new, hands over nothing that still waits its turn, and waits for what is being handed over, which is hurried along. The
  // door must still be running.
  void Stop();

 private:
  // Those of `due` that there is room for and that are not in flight already.
  std::vector<Work> TakeOn(const std::vector<Work>& due);
  void SendAll(const std::vector<Work>& taken, absl::Time now);
  // `message` is null when what was kept of it cannot be read.
  void Attempt(const Work& work, std::shared_ptr<Message> message);
  void Finish(const Key& key, int64_t epoch, int64_t beginning, Outcome outcome);
  // Whatever happens inside of the transport comes out as an outcome.
  Outcome HandOver(const Message& message, const stored::Begun& begun);
  Outcome SettleAndSend(const Message& message, const stored::Begun& begun);
  bool stopping() const {
    absl::MutexLock lock(&mutex_);
    return stopping_;
  }
  // There is room for another one. Wakes the loop if it waits for that.
  void Ended(const Key& key, bool wake);
  absl::Duration Beat(absl::Duration now);
  void ShowOldest(absl::Time now, absl::Duration monotonic);

  const Options options_;
  NotifyStore& store_;
  GroupCommit<Command>& door_;
  platform::Leases& leases_;
  MailTransport& transport_;
  platform::Executor& pool_;
  platform::Clock& clock_;
  const SenderGauges gauges_;
  std::function<void()> wake_ = [] {};
  absl::Duration next_beat_ = -absl::InfiniteDuration();  // monotonic
  absl::Duration next_look_ = -absl::InfiniteDuration();  // likewise

  mutable absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool full_ ABSL_GUARDED_BY(mutex_) = false;  // the last step left something due
  absl::flat_hash_set<std::string> in_flight_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace rematch::notify

#endif  // REMATCH_NOTIFY_SERVICE_LOOPS_SENDER_H_
