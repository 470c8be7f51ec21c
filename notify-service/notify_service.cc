#include "notify-service/notify_service.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "access/access.h"
#include "notify-service/domain/reasons.h"
#include "notify-service/domain/templates.h"
#include "notify-service/loops/sender.h"
#include "notify-service/rpc/handlers.h"
#include "notify-service/rpc/reader.h"
#include "notify-service/store/notify_store.h"
#include "notify-service/store/template_store.h"
#include "platform/errors.h"
#include "platform/executor.h"
#include "platform/group_commit.h"
#include "platform/housekeeping.h"
#include "platform/leases.h"
#include "platform/loop.h"
#include "platform/rpc/feed.h"
#include "platform/validation.h"

namespace rematch::notify {
namespace {

constexpr int kBeatsPerLease = 4;

class NotifyServiceProcess final : public rpc::Service {
 public:
  NotifyServiceProcess(rpc::ServerEnvironment& env, const ServiceOptions& options, Templates templates,
                       std::unique_ptr<MailTransport> transport)
      : templates_(std::move(templates)),
        transport_(std::move(transport)),
        calls_({}, env.clock, env.blocking, guard_, env.metrics),
        feeds_(calls_),
        words_(env.database, env.clock, templates_),
        store_(env.database, words_, env.clock, env.random, env.replica, options.policy,
               {.sends = [this] { Wake(); }, .deliveries = [this] { feeds_.Wake(); }}),
        door_({}, env.database, store_, env.clock, env.random, &env.metrics),
        leases_(env.database, env.clock, env.replica, options.lease),
        pool_(options.send_threads, options.max_in_flight),
        sender_({.from = options.from, .max_in_flight = options.max_in_flight, .beat = options.lease / kBeatsPerLease}, store_, door_,
                leases_, *transport_, pool_, env.clock,
                {.late = [&env](absl::Duration by) { env.metrics.Late("send", by); },
                 .oldest = [&env](absl::Duration age) { env.metrics.Oldest("mail", age); },
                 .ended = [&env](const char* outcome) { env.metrics.Count(outcome); }}),
        reader_(env.database, env.clock),
        handlers_(calls_, feeds_, door_, store_, words_, reader_, options.mail_domain),
        housekeeping_(env.database, env.clock, {"sends"}) {
    for (const char* outcome : kSendOutcomes) env.metrics.Count(outcome, 0);
    sender_.OnRoom([this] { Wake(); });
  }
  ~NotifyServiceProcess() override { NotifyServiceProcess::Stop(); }

  // Before anything is accepted: a message whose owner nobody knows would be taken over late.
  absl::Status Beat() { return leases_.Beat(); }

  std::vector<grpc::Service*> grpc_services() override { return {&handlers_}; }
  std::vector<std::string> health_names() override { return {"rematch.notify.v1.NotifyService"}; }

  void Start() override {
    housekeeping_.Start();
    absl::MutexLock lock(&mutex_);
    loop_ = std::make_unique<platform::Loop>("sender", [this] { return sender_.Step(); });
  }

  // What is being handed over is waited for, for seconds: breaking it off would leave its outcome open.
  void StopIntake() override {
    door_.BeginDrain();
    housekeeping_.Stop();
    sender_.Stop();
    std::unique_ptr<platform::Loop> loop;
    {
      absl::MutexLock lock(&mutex_);
      loop = std::move(loop_);
    }
    loop.reset();  // not under the lock: it waits for a step, which may wake
    feeds_.Stop();
  }
  void Stop() override {
    StopIntake();
    door_.Drain();
  }

 private:
  void Wake() {
    absl::MutexLock lock(&mutex_);
    if (loop_ != nullptr) loop_->Wake();
  }

  const Templates templates_;
  const std::unique_ptr<MailTransport> transport_;
  access::TableGuard guard_;
  rpc::Calls calls_;
  rpc::FeedHub feeds_;
  TemplateStore words_;
  NotifyStore store_;
  GroupCommit<Command> door_;
  platform::Leases leases_;
  platform::ThreadPool pool_;
  Sender sender_;
  Reader reader_;
  Handlers handlers_;
  platform::Housekeeping housekeeping_;
  absl::Mutex mutex_;
  std::unique_ptr<platform::Loop> loop_ ABSL_GUARDED_BY(mutex_);
};

absl::Status Invalid(std::string_view message) { return Error(absl::StatusCode::kInvalidArgument, reason::kTransportInvalid, message); }

// What no sender could work with, flag by flag.
absl::Status CheckOptions(const ServiceOptions& options) {
  constexpr size_t kMaxDomain = 200;
  Violations bad;
  CheckEmail(bad, "--mail_from", options.from.email);
  if (!options.from.display_name.empty()) CheckDisplayName(bad, "--mail_from_name", options.from.display_name);
  CheckEmail(bad, "--mail_domain", "x@" + options.mail_domain);
  if (!bad.empty() || options.mail_domain.size() > kMaxDomain) {
    return Invalid("--mail_from, --mail_from_name and --mail_domain must be an address, a name and a domain of at most 200 bytes");
  }
  const SendPolicy& policy = options.policy;
  struct Number {
    const char* flag;
    int64_t value, low, high;
  };
  for (const Number& number : {Number{"--send_threads", options.send_threads, 1, 256}, Number{"--send_attempts", policy.max_tries, 1, 1000},
                               Number{"--send_repeats", policy.max_resends, 0, 100}}) {
    if (number.value < number.low || number.value > number.high) {
      return Invalid(absl::StrCat(number.flag, " must be ", number.low, " to ", number.high));
    }
  }
  struct Length {
    const char* flag;
    absl::Duration value, low, high;
  };
  for (const Length& length : {Length{"--send_backoff", policy.first_backoff, absl::Milliseconds(1), absl::Hours(24)},
                               Length{"--send_backoff_max", policy.max_backoff, policy.first_backoff, absl::Hours(24)},
                               Length{"--send_max_age", policy.max_age, absl::ZeroDuration(), absl::Hours(24 * 365)},
                               Length{"--settle_delay", policy.settle_delay, absl::ZeroDuration(), absl::Hours(24)},
                               Length{"--lease", options.lease, absl::Milliseconds(100), absl::Hours(1)}}) {
    if (length.value < length.low || length.value > length.high) {
      return Invalid(absl::StrCat(length.flag, " must be ", absl::FormatDuration(length.low), " to ", absl::FormatDuration(length.high)));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<rpc::Service>> MakeService(rpc::ServerEnvironment& env, ServiceOptions options,
                                                          std::unique_ptr<MailTransport> transport) {
  REMATCH_RETURN_IF_ERROR(CheckOptions(options));
  REMATCH_ASSIGN_OR_RETURN(Templates templates, Templates::Make(NotifyTemplates()));
  auto service = std::make_unique<NotifyServiceProcess>(env, options, std::move(templates), std::move(transport));
  REMATCH_RETURN_IF_ERROR(service->Beat());
  return service;
}

}  // namespace rematch::notify
