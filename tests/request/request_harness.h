// request-service without gRPC, on a store of its own, with fake peers and a clock that moves when told, all on the test's thread:
//
//   Harness h;
//   const std::string name = h.Open("cara");             // as the candidate
//   h.Proceed(name);                                      // as the leader
//   h.Settle();                                           // until nothing happens by itself
//   h.Advance(absl::Hours(2));                            // the clock moves, and what is due happens
#ifndef REMATCH_TESTS_REQUEST_REQUEST_HARNESS_H_
#define REMATCH_TESTS_REQUEST_REQUEST_HARNESS_H_

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "access/access.h"
#include "platform/sql/migrations.h"
#include "platform/strings.h"
#include "request-service/request_service.h"
#include "tests/platform/counting_database.h"
#include "tests/request/fake_peers.h"
#include "tests/store.h"

namespace rematch::request::testing {

using rematch::testing::TestStore;

inline absl::Time Monday() { return absl::FromCivil(absl::CivilSecond(2026, 3, 2, 9, 0, 0), absl::UTCTimeZone()); }

// An hour a window, a reminder half an hour before its end.
inline v1::EscalationPolicy TestPolicy() {
  v1::EscalationPolicy policy;
  policy.set_display_name("Test");
  const auto set = [](v1::Window* window, int seconds) {
    window->set_amount(seconds);
    window->set_unit(v1::Window::SECONDS);
  };
  for (const v1::StageKind kind : {v1::INDIVIDUAL, v1::BROADCAST, v1::RECOMMENDATION, v1::LEADER}) {
    v1::EscalationPolicy::Stage& stage = *policy.add_stages();
    stage.set_kind(kind);
    if (kind == v1::LEADER) break;
    set(stage.mutable_window(), 3600);
    set(stage.add_remind_before(), 1800);
    if (kind != v1::INDIVIDUAL) continue;
    stage.add_tiers(mv1::TIER_ONE_CANDIDATE);
    stage.add_tiers(mv1::TIER_INTERESTED);
    stage.add_tiers(mv1::TIER_PAST_MENTOR);
  }
  set(policy.mutable_redial_after(), 600);
  set(policy.mutable_task_due_after(), 7200);
  policy.set_k_anonymity(3);
  policy.set_without_consent(v1::EscalationPolicy::DISTRICT_ONLY);
  return policy;
}

inline rpc::Caller AsLeader(const std::string& person = kLeader) { return {.role = std::string(access::kProgramLeader), .person = person}; }
inline rpc::Caller AsCandidate(const std::string& name) { return {.role = std::string(access::kCandidate), .person = name}; }
inline rpc::Caller AsService() { return {.role = std::string(access::kService), .person = ""}; }
inline rpc::Caller AsAuditor() { return {.role = std::string(access::kAuditor), .person = ""}; }

class Harness {
 public:
  struct Options {
    TestStore::Kind store = TestStore::Kind::kMemory;
    int replicas = 1;  // several need a store that several may open
    int door_threads = 0;
    size_t max_batch = GroupCommitOptions().max_batch;
    size_t max_queue = 0;  // 0: as in production
    v1::EscalationPolicy policy = TestPolicy();
  };

  Harness() : Harness(Options()) {}
  explicit Harness(Options options) : options_(std::move(options)) {
    for (int i = 0; i < options_.replicas; ++i) Start(instances_.emplace_back());
  }

  // Ends the core and starts another on the same store, as after a restart: another replica, which must take over.
  void Restart() {
    Instance& instance = instances_.front();
    instance.core.reset();
    // What is in memory is gone when it is closed.
    if (store_.kind() != TestStore::Kind::kMemory) instance.database.reset();
    notify.Reopen();
    mentor.Reopen();
    Start(instance);
    // The leases of the one before run out.
    for (int i = 0; i < 5; ++i) {
      clock.Advance(absl::Seconds(3));
      EXPECT_TRUE(core().leases().Beat().ok());
    }
  }

  int replicas() const { return options_.replicas; }
  RequestCore& core(size_t replica = 0) { return *instances_[replica].core; }
  rematch::testing::CountingDatabase& database() { return *instances_.front().database; }
  Reassignments& rpcs() { return core().reassignments(); }
  template <typename Handlers>
  Handlers& HandlersOf(size_t replica) {
    if constexpr (std::is_same_v<Handlers, Concerns>) {
      return core(replica).concerns();
    } else {
      return core(replica).reassignments();
    }
  }

  // Calls a read or a write as the server does: admitted, then redacted. A write may go to another replica.
  template <typename Handlers, typename Request, typename Response>
  absl::StatusOr<Response> Call(const rpc::Caller& caller, absl::StatusOr<Response> (Handlers::*read)(const rpc::Call&, const Request&),
                                const Request& request) {
    const rpc::Call call = MakeCall<Request>(caller);
    REMATCH_RETURN_IF_ERROR(guard_.Admit(call));
    absl::StatusOr<Response> response = (HandlersOf<Handlers>(0).*read)(call, request);
    if (response.ok()) guard_.Redact(call, *response);
    return response;
  }
  template <typename Handlers, typename Request, typename Response>
  absl::StatusOr<Response> Call(const rpc::Caller& caller, void (Handlers::*write)(const rpc::Call&, const Request&, rpc::Done<Response>),
                                const Request& request, size_t replica = 0) {
    const rpc::Call call = MakeCall<Request>(caller);
    REMATCH_RETURN_IF_ERROR(guard_.Admit(call));
    struct Answer {
      absl::Mutex mutex;
      std::optional<absl::StatusOr<Response>> result ABSL_GUARDED_BY(mutex);
    };
    auto answer = std::make_shared<Answer>();
    (HandlersOf<Handlers>(replica).*write)(
        call, request,
        rpc::Done<Response>(std::make_shared<absl::AnyInvocable<void(absl::StatusOr<Response>)>>([answer](absl::StatusOr<Response> result) {
          absl::MutexLock lock(&answer->mutex);
          answer->result = std::move(result);
        })));
    while (core(replica).door().RunOnce()) {
    }
    absl::MutexLock lock(&answer->mutex);
    const auto done = [&answer]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(answer->mutex) { return answer->result.has_value(); };
    answer->mutex.Await(absl::Condition(&done));
    if (answer->result->ok()) guard_.Redact(call, **answer->result);
    return *answer->result;
  }
  // The same, giving the request an id of its own.
  template <typename Handlers, typename Request, typename Response>
  absl::StatusOr<Response> Write(const rpc::Caller& caller, void (Handlers::*write)(const rpc::Call&, const Request&, rpc::Done<Response>),
                                 Request request) {
    if (request.request_id().empty()) request.set_request_id(NewRequestId());
    return Call(caller, write, request);
  }

  std::string NewRequestId() { return absl::StrCat("r", ++requests_); }

  // Until nothing happens by itself.
  void Settle() {
    for (int i = 0; i < 200000; ++i) {
      bool moved = false;
      for (Instance& instance : instances_) moved |= instance.core->Step();
      if (!moved) return;
      std::this_thread::yield();  // a door with threads of its own may be at it
    }
    ADD_FAILURE() << "it never comes to rest";
  }
  void Advance(absl::Duration by) {
    clock.Advance(by);
    Settle();
  }

  // A candidate with mentor "old" asks; returns the name of the case.
  std::string Open(const std::string& id, const std::string& reasons = "no trust") {
    const std::string candidate = mentor.AddCandidate(id, "old");
    return OpenFor(candidate, reasons);
  }
  std::string OpenFor(const std::string& candidate, const std::string& reasons = "no trust") {
    v1::CreateReassignmentRequest request;
    request.set_parent(kProgram);
    request.set_candidate(candidate);
    request.set_reasons(reasons);
    const auto opened = Write(AsCandidate(candidate), &Reassignments::CreateReassignment, request);
    EXPECT_TRUE(opened.ok()) << opened.status();
    return opened.ok() ? opened->name() : "";
  }
  absl::StatusOr<v1::Reassignment> Proceed(const std::string& name) {
    v1::ReviewReassignmentRequest request;
    request.set_name(name);
    request.set_decision(v1::ReviewReassignmentRequest::PROCEED);
    request.set_note("looked into it");
    return Write(AsLeader(), &Reassignments::ReviewReassignment, request);
  }
  v1::Reassignment Get(const std::string& name, const rpc::Caller& caller = AsLeader()) {
    v1::GetReassignmentRequest request;
    request.set_name(name);
    const auto found = Call(caller, &Reassignments::GetReassignment, request);
    EXPECT_TRUE(found.ok()) << found.status();
    return found.value_or(v1::Reassignment());
  }
  std::vector<v1::Offer> Offers(const std::string& name) {
    v1::ListOffersRequest request;
    request.set_parent(name);
    const auto found = Call(AsLeader(), &Reassignments::ListOffers, request);
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() ? std::vector<v1::Offer>(found->offers().begin(), found->offers().end()) : std::vector<v1::Offer>();
  }
  // The open task of this kind; a default one when there is none.
  v1::Task OpenTask(const std::string& name, v1::TaskKind kind) {
    v1::ListTasksRequest request;
    request.set_parent(name);
    request.set_open_only(true);
    const auto found = Call(AsLeader(), &Reassignments::ListTasks, request);
    EXPECT_TRUE(found.ok()) << found.status();
    const v1::ListTasksResponse listed = found.value_or(v1::ListTasksResponse());
    for (const v1::Task& task : listed.tasks()) {
      if (task.kind() == kind) return task;
    }
    return {};
  }
  // The answer that a mentor's newest message of this kind asks for, by its reply code.
  absl::StatusOr<v1::RespondToOfferResponse> Reply(const std::string& mentor_id, v1::OfferAnswer answer,
                                                   const std::string& kind = "first_approach") {
    std::string code;
    for (const nv1::Notification& message : notify.Messages(kind)) {
      if (message.to().email() == mentor_id + "@mentors.example") code = message.variables().at("reply_code");
    }
    v1::RespondToOfferRequest request;
    request.set_reply_code(code);
    request.set_answer(answer);
    return Write(AsService(), &Reassignments::RespondToOffer, request);
  }
  absl::StatusOr<v1::Reassignment> Confirm(const std::string& offer) {
    v1::ConfirmMatchRequest request;
    request.set_name(offer);
    return Write(AsLeader(), &Reassignments::ConfirmMatch, request);
  }
  absl::StatusOr<v1::Reassignment> CallUp(const std::string& name, v1::TaskKind kind, v1::CallOutcome outcome) {
    v1::RecordCallRequest request;
    request.set_name(OpenTask(name, kind).name());
    request.set_outcome(outcome);
    return Write(AsLeader(), &Reassignments::RecordCall, request);
  }
  v1::VerifyAuditTrailResponse Verify(const std::string& name) {
    v1::VerifyAuditTrailRequest request;
    request.set_name(name);
    const auto verified = Call(AsAuditor(), &Reassignments::VerifyAuditTrail, request);
    EXPECT_TRUE(verified.ok()) << verified.status();
    return verified.value_or(v1::VerifyAuditTrailResponse());
  }
  Case Stored(const std::string& name) {
    const auto stored = core().reader().Load(*CaseKey::Parse(name));
    EXPECT_TRUE(stored.ok() && stored->has_value());
    return (*stored)->c;
  }
  // The one number that a statement selects.
  int64_t Number(const std::string& statement, const std::vector<sql::Value>& parameters = {}) {
    int64_t number = -1;
    EXPECT_TRUE(database()
                    .Read([&](sql::Transaction& tx) -> absl::Status {
                      REMATCH_ASSIGN_OR_RETURN(const auto rows, tx.Query(statement, parameters));
                      number = rows.empty() ? -1 : rows[0].Int(0);
                      return absl::OkStatus();
                    })
                    .ok());
    return number;
  }
  void Execute(const std::string& statement, const std::vector<sql::Value>& parameters = {}) {
    EXPECT_TRUE(database().Transact([&](sql::Transaction& tx) { return tx.Execute(statement, parameters).status(); }).ok());
  }

  template <typename Request>
  rpc::Call MakeCall(const rpc::Caller& caller) {
    return {.method = rpc::MethodOf<Request>(), .caller = caller, .deadline = clock.Now() + absl::Minutes(1)};
  }

  platform::ManualClock clock{Monday()};
  FakeMentor mentor;
  FakeNotify notify;
  platform::Metrics metrics;

 private:
  struct Instance {
    std::unique_ptr<rematch::testing::CountingDatabase> database;
    std::unique_ptr<RequestCore> core;
  };

  void Start(Instance& instance) {
    if (instance.database == nullptr) {
      absl::StatusOr<std::unique_ptr<sql::Database>> opened = sql::Open(store_.url());
      EXPECT_TRUE(opened.ok()) << opened.status();
      instance.database = std::make_unique<rematch::testing::CountingDatabase>(*std::move(opened));
      const absl::Status migrated = sql::Migrate(*instance.database, RequestMigrations(), clock);
      EXPECT_TRUE(migrated.ok()) << migrated;
    }
    RequestOptions options;
    options.policy = options_.policy;
    options.door.threads = options_.door_threads;
    options.door.max_batch = options_.max_batch;
    if (options_.max_queue > 0) options.door.max_queue = options_.max_queue;
    options.effects.max_refusals = 3;
    options.effects.max_running = std::max(options.effects.max_running, options_.max_batch);
    const RequestCore::Environment env{.database = *instance.database,
                                       .clock = clock,
                                       .random = random_,
                                       .ids = ids_,
                                       .blocking = inline_,
                                       .effects = inline_,
                                       .metrics = metrics,
                                       .mentor = mentor,
                                       .notify = notify,
                                       .replica = absl::StrCat("replica-", ++replicas_)};
    absl::StatusOr<std::unique_ptr<RequestCore>> core = RequestCore::Make(env, options);
    EXPECT_TRUE(core.ok()) << core.status();
    instance.core = *std::move(core);
  }

  const Options options_;
  const TestStore store_{options_.store, RequestMigrations()};
  platform::SeededRandom random_{7};
  platform::IdSource ids_{clock, random_};
  platform::InlineExecutor inline_;
  access::TableGuard guard_;
  int replicas_ = 0;
  int requests_ = 0;
  std::vector<Instance> instances_;
};

}  // namespace rematch::request::testing

#endif  // REMATCH_TESTS_REQUEST_REQUEST_HARNESS_H_
