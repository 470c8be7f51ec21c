// request-service, put together: the core without gRPC, which tests and the simulator drive step by step, and the service around it.
#ifndef REMATCH_REQUEST_SERVICE_REQUEST_SERVICE_H_
#define REMATCH_REQUEST_SERVICE_REQUEST_SERVICE_H_

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "access/access.h"
#include "platform/clock.h"
#include "platform/embedded.h"
#include "platform/executor.h"
#include "platform/housekeeping.h"
#include "platform/ids.h"
#include "platform/leases.h"
#include "platform/loop.h"
#include "platform/metrics.h"
#include "platform/rpc/server.h"
#include "platform/sql/database.h"
#include "rematch/request/v1/resources.pb.h"
#include "request-service/domain/reply_code.h"
#include "request-service/loops/delivery_follower.h"
#include "request-service/loops/effect_runner.h"
#include "request-service/loops/messages.h"
#include "request-service/loops/peers.h"
#include "request-service/loops/reconciler.h"
#include "request-service/loops/roster_follower.h"
#include "request-service/loops/timer_loop.h"
#include "request-service/rpc/concerns.h"
#include "request-service/rpc/reassignments.h"
#include "request-service/rpc/server.h"
#include "request-service/store/case_handler.h"
#include "request-service/store/case_reader.h"
#include "request-service/store/policy_store.h"
#include "request-service/store/work_store.h"

namespace rematch::request {

// The migrations of the store, embedded in the binary.
std::span<const platform::EmbeddedFile> RequestMigrations();

struct RequestOptions {
  v1::EscalationPolicy policy;  // what new cases follow
  std::string reply_key;        // the secret of reply codes; empty: one is made and kept in the store
  absl::Duration reconcile_interval = absl::Minutes(5);
  absl::Duration lease = absl::Seconds(5);
  GroupCommitOptions door;
  EffectRunnerOptions effects;
};

// Everything below gRPC. With `door.threads` 0 and an InlineExecutor nothing happens but in Step() and the calls themselves.
class RequestCore {
 public:
  // What the core is built from; outlives it.
  struct Environment {
    sql::Database& database;  // migrated
    platform::Clock& clock;
    platform::Random& random;
    platform::IdSource& ids;
    platform::Executor& blocking;  // for requests that ask a peer first
    platform::Executor& effects;   // for calls to the peers
    platform::Metrics& metrics;
    MentorPeer& mentor;
    NotifyPeer& notify;
    std::string replica;
  };

  // Stores the policy and the secret. INVALID_ARGUMENT for a policy that cannot be.
  static absl::StatusOr<std::unique_ptr<RequestCore>> Make(const Environment& env, const RequestOptions& options);
  // Waits for effects that run and for batches that commit.
  ~RequestCore();

  CaseDoor& door() { return *door_; }
  CaseReader& reader() { return reader_; }
  WorkStore& work() { return work_; }
  PolicyStore& policies() { return policies_; }
  CalendarStore& calendars() { return calendars_; }
  const ReplyCodes& codes() const { return codes_; }
  platform::Leases& leases() { return leases_; }
  EffectRunner& effects() { return *effects_; }
  TimerLoop& timers() { return *timers_; }
  DeliveryFollower& deliveries() { return *deliveries_; }
  RosterFollower& roster() { return *roster_; }
  Reconciler& reconciler() { return *reconciler_; }
  Reassignments& reassignments() { return *reassignments_; }
  Concerns& concerns() { return *concerns_; }

  // Called after every commit that changed cases or timers; see CaseHandler::Listen(). Set before anything is submitted.
  void SetListener(std::function<void(const Committed&)> listener) { listener_ = std::move(listener); }

  // One turn of everything, on the caller's thread: batches, effects, feeds, timers. True if a batch was committed or an effect
  // is left to run: call it until it is false, then move the clock.
  bool Step();

 private:
  RequestCore(const Environment& env, const RequestOptions& options, std::string reply_key);
  void OnCommit(Committed committed);

  platform::Metrics& metrics_;
  PolicyStore policies_;
  CalendarStore calendars_;
  CaseReader reader_;
  WorkStore work_;
  platform::Leases leases_;
  const ReplyCodes codes_;
  MessageMaker messages_;
  ConcernReader concern_reader_;
  TermsFinder terms_;
  LetterSender letters_;
  CaseHandler handler_;
  std::function<void(const Committed&)> listener_;
  std::unique_ptr<CaseDoor> door_;
  std::unique_ptr<EffectRunner> effects_;
  std::unique_ptr<TimerLoop> timers_;
  std::unique_ptr<DeliveryFollower> deliveries_;
  std::unique_ptr<RosterFollower> roster_;
  std::unique_ptr<Reconciler> reconciler_;
  std::unique_ptr<Reassignments> reassignments_;
  std::unique_ptr<Concerns> concerns_;
};

// The running service: the core, its gRPC face and its loops.
class RequestService final : public rpc::Service {
 public:
  static absl::StatusOr<std::unique_ptr<RequestService>> Make(rpc::ServerEnvironment& env, std::unique_ptr<MentorPeer> mentor,
                                                              std::unique_ptr<NotifyPeer> notify, const RequestOptions& options);
  ~RequestService() override;

  std::vector<grpc::Service*> grpc_services() override { return {&server_}; }
  std::vector<std::string> health_names() override { return {v1::ReassignmentService::service_full_name()}; }
  void Start() override;
  void StopIntake() override;
  void Stop() override;

  RequestCore& core() { return *core_; }

 private:
  struct Loops;

  RequestService(rpc::ServerEnvironment& env, std::unique_ptr<MentorPeer> mentor, std::unique_ptr<NotifyPeer> notify,
                 std::unique_ptr<platform::ThreadPool> effect_threads, std::unique_ptr<RequestCore> core, absl::Duration lease);

  const absl::Duration lease_;
  std::unique_ptr<MentorPeer> mentor_;
  std::unique_ptr<NotifyPeer> notify_;
  std::unique_ptr<platform::ThreadPool> effect_threads_;
  std::unique_ptr<RequestCore> core_;
  access::TableGuard guard_;
  rpc::Calls calls_;
  ChangeBoard changes_;
  rpc::FeedHub hub_;
  ReassignmentServer server_;
  platform::Housekeeping housekeeping_;
  bool started_ = false;  // and Stop() is still to come
  absl::Mutex loops_mutex_;
  std::shared_ptr<Loops> loops_ ABSL_GUARDED_BY(loops_mutex_);
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_REQUEST_SERVICE_H_
