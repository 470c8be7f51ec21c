// The three services as processes of a simulated suite: what production puts together below gRPC, over one store each that all replicas of
// a service share, with the clock, the threads and the faults of one process.
#ifndef REMATCH_TESTS_SIMULATION_PROCESSES_H_
#define REMATCH_TESTS_SIMULATION_PROCESSES_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "access/access.h"
#include "mentor-service/rpc/batch.h"
#include "mentor-service/rpc/reader.h"
#include "mentor-service/rpc/submit.h"
#include "notify-service/domain/templates.h"
#include "notify-service/loops/sender.h"
#include "notify-service/store/notify_store.h"
#include "platform/group_commit.h"
#include "platform/ids.h"
#include "platform/leases.h"
#include "platform/metrics.h"
#include "request-service/request_service.h"
#include "tests/simulation/faulty_database.h"
#include "tests/simulation/queue_executor.h"
#include "tests/simulation/sim_clock.h"

namespace rematch::simulation {

// A service's store, and how often something was committed to it.
struct Store {
  std::unique_ptr<sql::Database> database;
  int64_t commits = 0;
};

// What the processes of a run have in common.
struct Machine {
  const SimTime& time;
  Faults& faults;
  platform::Random& random;
  platform::Metrics& metrics;
};

// An answer that is still to come.
template <typename Response>
class Answer {
 public:
  rpc::Done<Response> done() const {
    return rpc::Done<Response>(std::make_shared<absl::AnyInvocable<void(absl::StatusOr<Response>)>>(
        [state = state_](absl::StatusOr<Response> result) { *state = std::move(result); }));
  }
  bool here() const { return state_->has_value(); }
  // UNAVAILABLE if it never came.
  absl::StatusOr<Response> Take() const { return here() ? **state_ : absl::UnavailableError("no answer"); }

 private:
  std::shared_ptr<std::optional<absl::StatusOr<Response>>> state_ = std::make_shared<std::optional<absl::StatusOr<Response>>>();
};

template <typename Request>
rpc::Call MakeCall(platform::Clock& clock, const rpc::Caller& caller) {
  return {.method = rpc::MethodOf<Request>(), .caller = caller, .deadline = clock.Now() + absl::Seconds(10)};
}

inline rpc::Caller AsService() { return {.role = std::string(access::kService), .person = ""}; }

class MentorProcess {
 public:
  MentorProcess(Store& store, const Machine& machine)
      : clock_(machine.time),
        database_(*store.database, machine.faults, store.commits),
        ids_(clock_, machine.random),
        batches_(members_, clock_, ids_),
        door_({.threads = 0}, database_, batches_, clock_, machine.random),
        reader_(database_, members_, clock_, {.threads = 0}) {}

  // Submits a change; it is carried out by the next batch.
  template <typename Response, typename Request>
  Answer<Response> Submit(const Request& request, const rpc::Caller& caller = AsService()) {
    Answer<Response> answer;
    mentor::SubmitChange<Request, Response>(door_, MakeCall<Request>(clock_, caller), request, answer.done());
    return answer;
  }
  template <typename Response, typename Request>
  absl::StatusOr<Response> Change(const Request& request, const rpc::Caller& caller = AsService()) {
    const Answer<Response> answer = Submit<Response>(request, caller);
    while (!answer.here() && door_.RunOnce()) {
    }
    return answer.Take();
  }
  template <typename Response, typename Request>
  absl::StatusOr<Response> Read(const Request& request, const rpc::Caller& caller = AsService()) {
    const rpc::Call call = MakeCall<Request>(clock_, caller);
    if constexpr (requires { reader_.Get(call, request); }) {
      return reader_.Get(call, request);
    } else {
      Answer<Response> answer;
      reader_.Get(call, request, answer.done());
      while (!answer.here() && reader_.RunOnce()) {
      }
      return answer.Take();
    }
  }
  absl::StatusOr<std::vector<mentor::v1::RosterChange>> Changes(int64_t after, bool* more) {
    mentor::v1::WatchRosterRequest request;
    request.set_parent("consortia/-");
    return reader_.Changes(MakeCall<mentor::v1::WatchRosterRequest>(clock_, AsService()), request, after, more);
  }

  mentor::Door& door() { return door_; }
  SimClock& clock() { return clock_; }
  FaultyDatabase& database() { return database_; }

 private:
  SimClock clock_;
  FaultyDatabase database_;
  platform::IdSource ids_;
  mentor::store::KeptMembers members_;
  mentor::BatchHandler batches_;
  mentor::Door door_;
  mentor::Reader reader_;
};

class NotifyProcess {
 public:
  NotifyProcess(Store& store, const Machine& machine, const notify::Templates& templates, notify::MailTransport& transport,
                const std::string& replica)
      : clock_(machine.time),
        database_(*store.database, machine.faults, store.commits),
        words_(database_, clock_, templates),
        store_(database_, words_, clock_, machine.random, replica, {}, {}),
        door_({.threads = 0}, database_, store_, clock_, machine.random),
        leases_(database_, clock_, replica, kLease),
        sender_({.from = {.display_name = "Rematch", .email = "from@rematch.example"}, .beat = kLease / 4}, store_, door_, leases_,
                transport, pool_, clock_, {}) {}
  ~NotifyProcess() {
    // Whoever waits for a message that is being handed over waits for this process.
    while (pool_.RunOne(dying_) || door_.RunOnce()) {
    }
  }

  absl::StatusOr<notify::v1::Notification> Do(notify::Command command, CommandMeta meta) {
    const absl::StatusOr<std::string> reply = door_.Commit(std::move(meta), std::move(command));
    if (!reply.ok()) return reply.status();
    notify::v1::Notification answer;
    if (!answer.ParseFromString(*reply)) return absl::InternalError("a reply that cannot be read");
    return answer;
  }

  notify::NotifyStore& store() { return store_; }
  GroupCommit<notify::Command>& door() { return door_; }
  notify::Sender& sender() { return sender_; }
  platform::Leases& leases() { return leases_; }
  QueueExecutor& pool() { return pool_; }
  SimClock& clock() { return clock_; }
  FaultyDatabase& database() { return database_; }

  static constexpr absl::Duration kLease = absl::Seconds(3);

 private:
  Chance dying_;
  SimClock clock_;
  FaultyDatabase database_;
  QueueExecutor pool_;
  notify::TemplateStore words_;
  notify::NotifyStore store_;
  GroupCommit<notify::Command> door_;
  platform::Leases leases_;
  notify::Sender sender_;
};

class RequestProcess {
 public:
  RequestProcess(Store& store, const Machine& machine, std::unique_ptr<request::MentorPeer> mentor,
                 std::unique_ptr<request::NotifyPeer> notify, const request::RequestOptions& options, const std::string& replica)
      : clock_(machine.time),
        database_(*store.database, machine.faults, store.commits),
        ids_(clock_, machine.random),
        mentor_(std::move(mentor)),
        notify_(std::move(notify)) {
    const request::RequestCore::Environment env{.database = database_,
                                                .clock = clock_,
                                                .random = machine.random,
                                                .ids = ids_,
                                                .blocking = inline_,
                                                .effects = effects_,
                                                .metrics = machine.metrics,
                                                .mentor = *mentor_,
                                                .notify = *notify_,
                                                .replica = replica};
    absl::StatusOr<std::unique_ptr<request::RequestCore>> core = request::RequestCore::Make(env, options);
    if (core.ok()) core_ = *std::move(core);
  }
  ~RequestProcess() {
    // Effects under way are waited for; of a dead process none gets through.
    while (core_ != nullptr && (effects_.RunOne(dying_) || core_->door().RunOnce())) {
    }
  }

  // Whether it came up: the store may have been away.
  bool up() const { return core_ != nullptr; }
  request::RequestCore& core() { return *core_; }
  QueueExecutor& effects() { return effects_; }
  SimClock& clock() { return clock_; }
  FaultyDatabase& database() { return database_; }

 private:
  Chance dying_;
  SimClock clock_;
  FaultyDatabase database_;
  platform::IdSource ids_;
  platform::InlineExecutor inline_;
  QueueExecutor effects_;
  std::unique_ptr<request::MentorPeer> mentor_;
  std::unique_ptr<request::NotifyPeer> notify_;
  std::unique_ptr<request::RequestCore> core_;
};

}  // namespace rematch::simulation

#endif  // REMATCH_TESTS_SIMULATION_PROCESSES_H_
