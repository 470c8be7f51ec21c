#include "request-service/request_service.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "platform/errors.h"
#include "platform/log.h"

namespace rematch::request {
namespace {

constexpr char kReplyKey[] = "reply_codes";
// Each waits for a peer most of the time. Effects under way together share the batches of the peers, and those of this service.
constexpr int kEffectThreads = 64;
constexpr size_t kMostQueuedEffects = 4096;

}  // namespace

// --- RequestCore ---

absl::StatusOr<std::unique_ptr<RequestCore>> RequestCore::Make(const Environment& env, const RequestOptions& options) {
  std::string key = options.reply_key;
  if (key.empty()) {
    WorkStore work(env.database, env.replica);
    REMATCH_ASSIGN_OR_RETURN(key, work.Secret(kReplyKey, env.random));
  }
  std::unique_ptr<RequestCore> core(new RequestCore(env, options, std::move(key)));
  REMATCH_RETURN_IF_ERROR(core->policies_.Activate(options.policy));
  // Before any work is leased to it a replica shows that it lives.
  REMATCH_RETURN_IF_ERROR(core->leases_.Beat());
  return core;
}

RequestCore::RequestCore(const Environment& env, const RequestOptions& options, std::string reply_key)
    : metrics_(env.metrics),
      policies_(env.database, env.clock),
      calendars_(env.database, env.clock),
      reader_(env.database, env.clock, {.threads = options.door.threads == 0 ? 0 : GroupReadOptions().threads}),
      work_(env.database, env.replica),
      leases_(env.database, env.clock, env.replica, options.lease),
      codes_(reply_key),
      messages_(env.mentor, codes_, env.clock),
      concern_reader_(env.database),
      terms_(policies_, calendars_, env.clock),
      letters_(concern_reader_, env.mentor, env.notify, messages_, terms_, env.clock),
      handler_(env.replica, policies_, calendars_, env.clock) {
  for (const char* alerted : {"reconciled_seats", "reconciled_candidates", "poisoned_effects", "poisoned_timers", "poisoned_deliveries",
                              "poisoned_roster", "stalled_roster"})
    metrics_.Count(alerted, 0);
  handler_.Listen([this](Committed committed) { OnCommit(std::move(committed)); });
  door_ = std::make_unique<CaseDoor>(options.door, env.database, handler_, env.clock, env.random, &env.metrics);
  effects_ = std::make_unique<EffectRunner>(options.effects, *door_, reader_, work_, policies_, calendars_, leases_, env.mentor, env.notify,
                                            messages_, letters_, env.effects, env.clock, env.metrics);
  timers_ = std::make_unique<TimerLoop>(*door_, work_, leases_, env.clock, env.metrics);
  deliveries_ = std::make_unique<DeliveryFollower>(*door_, work_, env.notify, env.metrics);
  roster_ = std::make_unique<RosterFollower>(*door_, reader_, work_, policies_, calendars_, env.mentor, terms_, env.metrics);
  reconciler_ = std::make_unique<Reconciler>(options.reconcile_interval, *door_, reader_, calendars_, env.mentor, env.clock, env.metrics);
  reassignments_ = std::make_unique<Reassignments>(*door_, reader_, concern_reader_, policies_, calendars_, env.mentor, codes_, env.ids,
                                                   env.clock, env.blocking);
  concerns_ = std::make_unique<Concerns>(*door_, concern_reader_, policies_, calendars_, env.mentor, terms_, codes_, env.ids, env.clock,
                                         env.blocking);
}

RequestCore::~RequestCore() {
  deliveries_->StopFollowing();
  roster_->StopFollowing();
  // Effects that run bring their answers to the door, which refuses them from now on, and the door's last commits hand on to the runner.
  door_->Drain();
  effects_->Stop();
  door_.reset();
}

void RequestCore::OnCommit(Committed committed) {
  for (const auto& [kind, late] : committed.late) metrics_.Late(kind, late);
  std::vector<EffectWork> effects = std::move(committed.effects);
  committed.effects.clear();
  if (listener_) listener_(committed);
  effects_->Take(std::move(effects));
}

bool RequestCore::Step() {
  bool moved = false;
  while (door_->RunOnce()) moved = true;
  effects_->Step();
  while (door_->RunOnce()) moved = true;
  if (deliveries_->Step() == absl::ZeroDuration()) moved = true;
  if (roster_->Step() == absl::ZeroDuration()) moved = true;
  if (timers_->Step() == absl::ZeroDuration()) moved = true;
  return moved || !effects_->Idle();
}

// --- RequestService ---

// The threads of a running service. The destructor waits for the step that each is in.
struct RequestService::Loops {
  std::unique_ptr<platform::Loop> effects;
  std::unique_ptr<platform::Loop> timers;
  std::unique_ptr<platform::Loop> deliveries;
  std::unique_ptr<platform::Loop> roster;
  std::unique_ptr<platform::Loop> reconciler;
  std::unique_ptr<platform::Loop> beat;
};

absl::StatusOr<std::unique_ptr<RequestService>> RequestService::Make(rpc::ServerEnvironment& env, std::unique_ptr<MentorPeer> mentor,
                                                                     std::unique_ptr<NotifyPeer> notify, const RequestOptions& options) {
  auto threads = std::make_unique<platform::ThreadPool>(kEffectThreads, kMostQueuedEffects);
  const RequestCore::Environment core_env{.database = env.database,
                                          .clock = env.clock,
                                          .random = env.random,
                                          .ids = env.ids,
                                          .blocking = env.blocking,
                                          .effects = *threads,
                                          .metrics = env.metrics,
                                          .mentor = *mentor,
                                          .notify = *notify,
                                          .replica = env.replica};
  REMATCH_ASSIGN_OR_RETURN(std::unique_ptr<RequestCore> core, RequestCore::Make(core_env, options));
  return std::unique_ptr<RequestService>(
      new RequestService(env, std::move(mentor), std::move(notify), std::move(threads), std::move(core), options.lease));
}

RequestService::RequestService(rpc::ServerEnvironment& env, std::unique_ptr<MentorPeer> mentor, std::unique_ptr<NotifyPeer> notify,
                               std::unique_ptr<platform::ThreadPool> effect_threads, std::unique_ptr<RequestCore> core,
                               absl::Duration lease)
    : lease_(lease),
      mentor_(std::move(mentor)),
      notify_(std::move(notify)),
      effect_threads_(std::move(effect_threads)),
      core_(std::move(core)),
      calls_(rpc::Calls::Options(), env.clock, env.blocking, guard_, env.metrics),
      hub_(calls_),
      server_(core_->reassignments(), core_->concerns(), calls_, hub_, changes_),
      housekeeping_(env.database, env.clock, {"effects", "timers"}) {
  core_->SetListener([this](const Committed& committed) {
    for (const CaseKey& key : committed.changed) changes_.Changed(key.id);
    if (!committed.changed.empty()) hub_.Wake();
    if (!core_->timers().IsSooner(committed.next_timer)) return;
    absl::MutexLock lock(&loops_mutex_);
    if (loops_ != nullptr) loops_->timers->Wake();
  });
  core_->effects().SetWake([this] {
    absl::MutexLock lock(&loops_mutex_);
    if (loops_ != nullptr) loops_->effects->Wake();
  });
}

RequestService::~RequestService() {
  Stop();
  core_->door().Drain();  // no commit calls back from here on
}

void RequestService::Start() {
  started_ = true;
  housekeeping_.Start();
  auto loops = std::make_shared<Loops>();
  loops->effects = std::make_unique<platform::Loop>("effects", [this] { return core_->effects().Step(); });
  loops->timers = std::make_unique<platform::Loop>("timers", [this] { return core_->timers().Step(); });
  loops->deliveries = std::make_unique<platform::Loop>("deliveries", [this] { return core_->deliveries().Step(); });
  loops->roster = std::make_unique<platform::Loop>("roster", [this] { return core_->roster().Step(); });
  loops->reconciler = std::make_unique<platform::Loop>("reconciler", [this] { return core_->reconciler().Step(); });
  loops->beat = std::make_unique<platform::Loop>("beat", [this] {
    const absl::Status status = core_->leases().Beat();
    if (!status.ok()) log::Warn("beat_failed", {{"code", static_cast<int>(status.code())}});
    return lease_ / 4;
  });
  {
    absl::MutexLock lock(&loops_mutex_);
    loops_ = std::move(loops);
    // What came up before they could be woken.
    loops_->effects->Wake();
    loops_->timers->Wake();
  }
  core_->deliveries().Follow([this] {
    absl::MutexLock lock(&loops_mutex_);
    if (loops_ != nullptr) loops_->deliveries->Wake();
  });
  core_->roster().Follow([this] {
    absl::MutexLock lock(&loops_mutex_);
    if (loops_ != nullptr) loops_->roster->Wake();
  });
}

void RequestService::StopIntake() {
  std::shared_ptr<Loops> loops;
  {
    absl::MutexLock lock(&loops_mutex_);
    loops = std::move(loops_);
  }
  if (loops == nullptr) return;
  core_->door().BeginDrain();
  housekeeping_.Stop();
  hub_.Stop();
  core_->deliveries().StopFollowing();
  core_->roster().StopFollowing();
  // Without the lock: a step that ends may wake others, which finds nobody to wake.
  loops.reset();
  core_->effects().Stop();
}

void RequestService::Stop() {
  StopIntake();
  if (!std::exchange(started_, false)) return;
  core_->door().Drain();
  // Whoever starts next need not wait for a lease to run out.
  const absl::Status status = core_->work().ReleaseAll();
  if (!status.ok()) log::Warn("leases_not_released", {{"code", static_cast<int>(status.code())}});
}

}  // namespace rematch::request
