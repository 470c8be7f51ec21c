#include "platform/metrics.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <prometheus/counter.h>
#include <prometheus/exposer.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <sstream>
#include <thread>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "platform/build_info.h"
#include "platform/errors.h"
#include "platform/strings.h"

namespace rematch::platform {
namespace {

using Buckets = prometheus::Histogram::BucketBoundaries;

// Seconds, from what a read takes to what a deadline allows.
const Buckets kCallSeconds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
// Seconds by which due work is late: a loop looks once a second, a stopped service may be hours behind.
const Buckets kLateSeconds = {0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400};
const Buckets kBatchCommands = {1, 2, 4, 8, 16, 32, 64, 128};

// The codes by their names in gRPC, since that is what dashboards know.
const char* CodeName(grpc::StatusCode code) {
  static constexpr const char* kNames[] = {"OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
                                           "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
                                           "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
                                           "DATA_LOSS", "UNAUTHENTICATED"};
  const auto index = static_cast<size_t>(code);
  return index < std::size(kNames) ? kNames[index] : "UNKNOWN";
}

double Seconds(absl::Duration duration) { return std::max(0.0, absl::ToDoubleSeconds(duration)); }

// Metrics of one family by the value of their one label, found without making a map of labels for every observation.
template <typename Metric>
class Labelled {
 public:
  using Make = absl::AnyInvocable<Metric&(std::string_view)>;
  explicit Labelled(Make make) : make_(std::move(make)) {}

  Metric& Of(std::string_view value) {
    absl::MutexLock lock(&mutex_);
    const auto found = by_value_.find(ToAbsl(value));
    if (found != by_value_.end()) return *found->second;
    return *by_value_.emplace(std::string(value), &make_(value)).first->second;
  }

 private:
  absl::Mutex mutex_;
  Make make_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, Metric*> by_value_ ABSL_GUARDED_BY(mutex_);
};

prometheus::Histogram& Single(prometheus::Registry& registry, const char* name, const char* help, const Buckets& buckets) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add({}, buckets);
}

prometheus::Counter& Single(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

// Opens a connection to a port of this machine and closes it again.
void Touch(int port) {
  const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection < 0) return;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  (void)connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  close(connection);
}

// Ends an exposer without the two seconds for which its web server may sleep in poll(): a connection wakes it.
void Close(std::unique_ptr<prometheus::Exposer> exposer) {
  if (exposer == nullptr) return;
  const std::vector<int> ports = exposer->GetListeningPorts();
  std::atomic<bool> closed = false;
  std::thread waker([&] {
    while (!closed) {
      for (const int port : ports) Touch(port);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  exposer.reset();
  closed = true;
  waker.join();
}

}  // namespace

struct Metrics::Impl {
  std::shared_ptr<prometheus::Registry> registry = std::make_shared<prometheus::Registry>();

  prometheus::Family<prometheus::Histogram>& rpc_family =
      prometheus::BuildHistogram().Name("rematch_rpc_seconds").Help("How long calls took, by method and code").Register(*registry);
  prometheus::Family<prometheus::Histogram>& late_family =
      prometheus::BuildHistogram().Name("rematch_due_lateness_seconds").Help("How late due steps ran, by kind").Register(*registry);
  prometheus::Family<prometheus::Gauge>& oldest_family =
      prometheus::BuildGauge().Name("rematch_oldest_due_seconds").Help("Age of the oldest row that waits, by queue").Register(*registry);

  prometheus::Histogram& batch_commands = Single(*registry, "rematch_batch_commands", "Commands of a committed batch", kBatchCommands);
  prometheus::Histogram& batch_seconds =
      Single(*registry, "rematch_batch_seconds", "How long a batch took, its retries included", kCallSeconds);
  prometheus::Histogram& queue_wait =
      Single(*registry, "rematch_queue_wait_seconds", "How long a command waited for its batch", kCallSeconds);
  prometheus::Counter& retries = Single(*registry, "rematch_batch_retries_total", "Batches that were run again");
  prometheus::Counter& splits = Single(*registry, "rematch_batch_splits_total", "Batches that were split to set a bad command apart");
  prometheus::Gauge& rpcs_under_way = prometheus::BuildGauge()
                                          .Name("rematch_rpcs_under_way")
                                          .Help("Calls and streams that have begun and not finished")
                                          .Register(*registry)
                                          .Add({});

  std::atomic<int64_t> begun = 0;
  std::atomic<bool> turns_away = false;

  absl::Mutex rpc_mutex;
  // By method (whose text lives as long as the process, see rpc::MethodOf) and code.
  absl::flat_hash_map<std::pair<absl::string_view, int>, prometheus::Histogram*> rpcs ABSL_GUARDED_BY(rpc_mutex);
  Labelled<prometheus::Histogram> late{[this](std::string_view kind) -> prometheus::Histogram& {
    return late_family.Add({{"kind", std::string(kind)}}, kLateSeconds);
  }};
  Labelled<prometheus::Gauge> oldest{[this](std::string_view queue) -> prometheus::Gauge& {
    return oldest_family.Add({{"queue", std::string(queue)}});
  }};
  Labelled<prometheus::Counter> counters{[this](std::string_view name) -> prometheus::Counter& {
    return prometheus::BuildCounter()
        .Name(absl::StrCat("rematch_", ToAbsl(name), "_total"))
        .Help("Counted since the start")
        .Register(*registry)
        .Add({});
  }};

  absl::Mutex exposer_mutex;
  std::unique_ptr<prometheus::Exposer> exposer ABSL_GUARDED_BY(exposer_mutex);
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {
  prometheus::BuildGauge()
      .Name("rematch_build_info")
      .Help("1: the build is in the labels")
      .Register(*impl_->registry)
      .Add({{"version", kVersion}, {"commit", kCommit}})
      .Set(1);
}

Metrics::~Metrics() {
  absl::MutexLock lock(&impl_->exposer_mutex);
  Close(std::move(impl_->exposer));
}

absl::StatusOr<int> Metrics::Serve(const std::string& address) {
  absl::MutexLock lock(&impl_->exposer_mutex);
  try {
    impl_->exposer = std::make_unique<prometheus::Exposer>(address, 1);
    impl_->exposer->RegisterCollectable(impl_->registry);
    const std::vector<int> ports = impl_->exposer->GetListeningPorts();
    if (!ports.empty()) return ports.front();
  } catch (const std::exception&) {
    // civetweb says no more than that it could not be started.
  }
  impl_->exposer.reset();
  return Error(absl::StatusCode::kFailedPrecondition, "ADDRESS_IN_USE", "the address cannot be listened on");
}

bool Metrics::Began() {
  impl_->rpcs_under_way.Increment();
  impl_->begun.fetch_add(1, std::memory_order_relaxed);
  return !impl_->turns_away.load(std::memory_order_relaxed);
}
void Metrics::TurnAway() { impl_->turns_away = true; }
int64_t Metrics::calls_begun() const { return impl_->begun.load(std::memory_order_relaxed); }
int Metrics::calls_under_way() const { return static_cast<int>(impl_->rpcs_under_way.Value()); }

void Metrics::Finished(std::string_view method, grpc::StatusCode code, absl::Duration took) {
  impl_->rpcs_under_way.Decrement();
  prometheus::Histogram* histogram = nullptr;
  {
    absl::MutexLock lock(&impl_->rpc_mutex);
    prometheus::Histogram*& known = impl_->rpcs[{ToAbsl(method), static_cast<int>(code)}];
    if (known == nullptr) known = &impl_->rpc_family.Add({{"method", std::string(method)}, {"code", CodeName(code)}}, kCallSeconds);
    histogram = known;
  }
  histogram->Observe(Seconds(took));
}

void Metrics::Batch(size_t commands, absl::Duration took) {
  impl_->batch_commands.Observe(static_cast<double>(commands));
  impl_->batch_seconds.Observe(Seconds(took));
}

void Metrics::Waited(absl::Duration in_queue) { impl_->queue_wait.Observe(Seconds(in_queue)); }
void Metrics::Retried() { impl_->retries.Increment(); }
void Metrics::Split() { impl_->splits.Increment(); }
void Metrics::Late(std::string_view kind, absl::Duration by) { impl_->late.Of(kind).Observe(Seconds(by)); }
void Metrics::Oldest(std::string_view queue, absl::Duration age) { impl_->oldest.Of(queue).Set(Seconds(age)); }
void Metrics::Count(std::string_view name, double by) { impl_->counters.Of(name).Increment(by); }

std::string Metrics::Text() {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, impl_->registry->Collect());
  return out.str();
}

}  // namespace rematch::platform
