#include "bench/load.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>
#include <thread>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "platform/errors.h"

namespace rematch::bench {
namespace {

constexpr size_t kThreads = 2;
constexpr int64_t kMostUnderWay = 50'000;  // of an open loop, a thread; beyond them the machine measures only itself
// How many requests an open loop begins before it looks for answers: one that falls behind would see none until it had begun all.
constexpr int kAtOnce = 16;

int64_t NowNanos() { return absl::GetCurrentTimeNanos(); }
double Seconds(int64_t nanos) { return static_cast<double>(nanos) * 1e-9; }

// A request with its place in time.
struct Slot {
  size_t connection = 0;
  int64_t begun = 0;  // when it was begun, or should have been
  std::unique_ptr<Exchange> exchange;
};

// What one thread found.
struct Part {
  int64_t right = 0;
  int64_t full = 0;
  std::vector<double> latencies, full_latencies;
  std::string wrong;
  bool ran_out = false;
  int64_t last = 0;  // when the last answer that counts came
};

// The time that is measured: answers outside of it count for nothing but being right.
struct Span {
  int64_t begin = 0;
  int64_t end = 0;
};

// By when it was answered, its latency too. `by_begin`: its latency counts if it began in time, however late the answer came, since leaving
// out the latest would flatter an open loop.
void Count(const Slot& slot, Span span, bool by_begin, Part& part) {
  const int64_t now = NowNanos();
  std::string why;
  const Verdict verdict = slot.exchange->Judge(why);
  if (verdict == Verdict::kWrong) {
    if (part.wrong.empty()) part.wrong = why;
    return;
  }
  const bool right = verdict == Verdict::kRight;
  const auto in_time = [&span](int64_t at) { return at >= span.begin && at < span.end; };
  if (in_time(by_begin ? slot.begun : now)) (right ? part.latencies : part.full_latencies).push_back(Seconds(now - slot.begun));
  if (!in_time(now)) return;
  part.last = now;
  ++(right ? part.right : part.full);
}

class Thread {
 public:
  Thread(Operation& operation, size_t index) : operation_(operation) {
    for (size_t c = index; c < operation.connections(); c += kThreads) connections_.push_back(c);
  }

  void Closed(int streams, Span span) {
    std::vector<Slot> slots(connections_.size() * static_cast<size_t>(streams));
    for (size_t i = 0; i < slots.size(); ++i) {
      slots[i].connection = connections_[i % connections_.size()];
      Begin(&slots[i], NowNanos());
    }
    while (Slot* slot = Next(std::nullopt)) {
      Count(*slot, span, /*by_begin=*/false, part);
      if (NowNanos() < span.end && part.wrong.empty()) Begin(slot, NowNanos());
    }
    End();
  }

  void Open(double rate, int64_t start, Span span, uint64_t seed) {
    std::mt19937_64 random(seed);
    std::exponential_distribution<double> gap(rate);
    std::vector<std::unique_ptr<Slot>> idle;
    double due = static_cast<double>(start) + gap(random) * 1e9;
    size_t connection = 0;
    for (;;) {
      int64_t now = NowNanos();
      for (int begun = 0; begun < kAtOnce && due < static_cast<double>(std::min(now, span.end)) && !part.ran_out && part.wrong.empty() &&
                          under_way_ < kMostUnderWay;
           ++begun) {
        if (idle.empty()) idle.push_back(std::make_unique<Slot>());
        Slot* const slot = idle.back().release();
        idle.pop_back();
        slot->connection = connections_[connection++ % connections_.size()];
        if (!Begin(slot, static_cast<int64_t>(due))) idle.emplace_back(slot);
        due += gap(random) * 1e9;
        now = NowNanos();
      }
      const bool over = due >= static_cast<double>(span.end) || part.ran_out || !part.wrong.empty();
      if (over && under_way_ == 0) break;
      Slot* slot = over ? Next(std::nullopt) : Next(static_cast<int64_t>(due));
      while (slot != nullptr) {
        Count(*slot, span, /*by_begin=*/true, part);
        slot->exchange.reset();
        idle.emplace_back(slot);
        // Those that are there already.
        slot = Next(0);
      }
    }
    End();
  }

  Part part;

 private:
  // False when there are no more requests.
  bool Begin(Slot* slot, int64_t at) {
    const int64_t i = operation_.Take();
    if (i < 0) {
      part.ran_out = true;
      slot->exchange.reset();
      return false;
    }
    slot->begun = at;
    slot->exchange = operation_.Begin(slot->connection, i, queue_, slot);
    ++under_way_;
    return true;
  }

  // The next that ended; null when nothing is under way, or at `until`.
  Slot* Next(std::optional<int64_t> until) {
    if (under_way_ == 0 && !until.has_value()) return nullptr;
    void* tag = nullptr;
    bool ok = false;
    const gpr_timespec deadline =
        until.has_value() ? gpr_time_from_nanos(std::max<int64_t>(*until, 0), GPR_CLOCK_REALTIME) : gpr_inf_future(GPR_CLOCK_REALTIME);
    if (queue_.AsyncNext(&tag, &ok, deadline) != grpc::CompletionQueue::GOT_EVENT) return nullptr;
    --under_way_;
    return static_cast<Slot*>(tag);
  }

  void End() {
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  Operation& operation_;
  std::vector<size_t> connections_;
  grpc::CompletionQueue queue_;
  int64_t under_way_ = 0;
};

absl::StatusOr<Outcome> Run(Operation& operation, absl::Duration warm_up, absl::Duration duration,
                            const std::function<void(Thread&, size_t index, int64_t start, Span)>& run) {
  std::vector<std::unique_ptr<Thread>> workers;
  const size_t count = std::min(kThreads, operation.connections());
  for (size_t i = 0; i < count; ++i) workers.push_back(std::make_unique<Thread>(operation, i));
  const int64_t start = NowNanos();
  const Span span = {.begin = start + absl::ToInt64Nanoseconds(warm_up), .end = start + absl::ToInt64Nanoseconds(warm_up + duration)};
  std::vector<std::thread> threads;
  for (size_t i = 0; i < count; ++i) threads.emplace_back([&, i] { run(*workers[i], i, start, span); });
  for (std::thread& thread : threads) thread.join();

  Outcome outcome;
  int64_t last = span.end;
  bool ran_out = false;
  for (const auto& worker : workers) {
    Part& part = worker->part;
    if (!part.wrong.empty()) return absl::FailedPreconditionError("a wrong answer: " + part.wrong);
    outcome.right += part.right;
    outcome.full += part.full;
    outcome.latencies.insert(outcome.latencies.end(), part.latencies.begin(), part.latencies.end());
    outcome.full_latencies.insert(outcome.full_latencies.end(), part.full_latencies.begin(), part.full_latencies.end());
    if (part.ran_out) {
      ran_out = true;
      last = std::min(last, part.last);
    }
  }
  // Requests that ran out end the time that counts.
  outcome.seconds = Seconds(last - span.begin);
  if (ran_out && outcome.seconds < 0.5 * Seconds(span.end - span.begin)) {
    return absl::OutOfRangeError("the requests ran out before half of the time had passed");
  }
  std::sort(outcome.latencies.begin(), outcome.latencies.end());
  std::sort(outcome.full_latencies.begin(), outcome.full_latencies.end());
  return outcome;
}

}  // namespace

Verdict JudgeFailure(const grpc::Status& status, std::string& why) {
  if (status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED &&
      status.error_details().find("google.rpc.RetryInfo") != std::string::npos) {
    return Verdict::kFull;
  }
  why = absl::StrCat("status ", static_cast<int>(status.error_code()), ", ", status.error_message());
  return Verdict::kWrong;
}

double PercentileOf(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::clamp<size_t>(rank, 1, sorted.size()) - 1];
}

double Outcome::Percentile(double share) const { return PercentileOf(latencies, share); }

absl::StatusOr<Outcome> RunClosed(Operation& operation, const ClosedOptions& options) {
  return Run(operation, options.warm_up, options.duration,
             [&options](Thread& thread, size_t, int64_t, Span span) { thread.Closed(options.streams, span); });
}

absl::StatusOr<Outcome> RunOpen(Operation& operation, const OpenOptions& options) {
  const double each = options.rate / static_cast<double>(std::min(kThreads, operation.connections()));
  return Run(operation, options.warm_up, options.duration, [&options, each](Thread& thread, size_t index, int64_t start, Span span) {
    thread.Open(each, start, span, options.seed * kThreads + index);
  });
}

absl::StatusOr<Outcome> RunIdle(Operation& operation, const IdleOptions& options) {
  grpc::CompletionQueue queue;
  Outcome outcome;
  const int64_t start = NowNanos();
  absl::Status status;
  for (int n = 0; n < options.count && status.ok(); ++n) {
    const int64_t i = operation.Take();
    if (i < 0) break;
    absl::SleepFor(options.pause);
    const int64_t begun = NowNanos();
    void* tag = nullptr;
    bool ok = false;
    const std::unique_ptr<Exchange> exchange = operation.Begin(0, i, queue, nullptr);
    queue.Next(&tag, &ok);
    outcome.latencies.push_back(Seconds(NowNanos() - begun));
    std::string why;
    if (exchange->Judge(why) == Verdict::kRight) {
      ++outcome.right;
    } else {
      status = absl::FailedPreconditionError("a wrong answer: " + why);
    }
  }
  outcome.seconds = Seconds(NowNanos() - start);
  queue.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue.Next(&tag, &ok)) {
  }
  REMATCH_RETURN_IF_ERROR(status);
  if (outcome.right == 0) return absl::OutOfRangeError("the requests ran out");
  std::sort(outcome.latencies.begin(), outcome.latencies.end());
  return outcome;
}

}  // namespace rematch::bench
