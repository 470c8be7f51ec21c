// The load generator. Every request is another one and every answer is checked: a wrong one fails the run. Two threads drive all
// connections, each with a completion queue of its own, so that most of the machine is left to the servers.
//
// Closed loop: so many requests are under way at any time, and each answer begins the next; it finds the throughput. Open loop: requests
// begin at instants drawn in advance (exponential gaps), whether or not earlier ones were answered, and each latency counts from the
// instant drawn, not from when the generator got to it: a server that stalls is charged for all that should have begun meanwhile
// ("coordinated omission", Gil Tene, "How NOT to Measure Latency", 2013).
#ifndef REMATCH_BENCH_LOAD_H_
#define REMATCH_BENCH_LOAD_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "demo/suite.h"
#include "platform/rpc/channel.h"

namespace rematch::bench {

// What an answer turned out to be.
enum class Verdict {
  kRight,
  kFull,   // RESOURCE_EXHAUSTED that says when to try again
  kWrong,  // anything else
};

// One request under way.
class Exchange {
 public:
  virtual ~Exchange() = default;
  // Once it has ended. `why` is set for kWrong.
  virtual Verdict Judge(std::string& why) const = 0;
};

// One kind of request to one server.
class Operation {
 public:
  virtual ~Operation() = default;
  // Begins the `i`th request; `tag` comes out of `queue` once it has ended.
  virtual std::unique_ptr<Exchange> Begin(size_t connection, int64_t i, grpc::CompletionQueue& queue, void* tag) = 0;
  virtual size_t connections() const = 0;

  // The next request that was not made yet; -1 when there are no more.
  int64_t Take() {
    const int64_t i = next_.fetch_add(1, std::memory_order_relaxed);
    return i < supply_ ? i : -1;
  }
  int64_t left() const { return std::max<int64_t>(supply_ - next_.load(), 0); }

 protected:
  explicit Operation(int64_t supply) : supply_(supply) {}

 private:
  std::atomic<int64_t> next_ = 0;
  const int64_t supply_;
};

// The status of an answer that is no OK.
Verdict JudgeFailure(const grpc::Status& status, std::string& why);

// An RPC of a generated stub.
template <typename Stub, typename Request, typename Response>
class Unary final : public Operation {
 public:
  using Method = std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> (Stub::*)(grpc::ClientContext*, const Request&,
                                                                                      grpc::CompletionQueue*);
  struct Options {
    rpc::Caller caller;
    std::function<std::string(int64_t i)> person = {};  // who calls, if it is another one each time
    std::function<Request(int64_t i)> make;
    // Whether this is the right answer to the `i`th request.
    std::function<bool(int64_t i, const Response& response)> check;
    int64_t supply = std::numeric_limits<int64_t>::max();  // how many requests there are to make
  };

  Unary(std::vector<std::unique_ptr<Stub>> stubs, Method method, Options options)
      : Operation(options.supply), stubs_(std::move(stubs)), method_(method), options_(std::move(options)) {}

  std::unique_ptr<Exchange> Begin(size_t connection, int64_t i, grpc::CompletionQueue& queue, void* tag) override {
    auto one = std::make_unique<One>(*this, i);
    rpc::Prepare(one->context, absl::Seconds(60),
                 options_.person ? rpc::Caller{options_.caller.role, options_.person(i)} : options_.caller);
    one->reader = (*stubs_[connection].*method_)(&one->context, options_.make(i), &queue);
    one->reader->Finish(&one->response, &one->status, tag);
    return one;
  }
  size_t connections() const override { return stubs_.size(); }

 private:
  struct One final : Exchange {
    One(const Unary& of, int64_t index) : operation(of), i(index) {}
    Verdict Judge(std::string& why) const override {
      if (!status.ok()) return JudgeFailure(status, why);
      if (operation.options_.check(i, response)) return Verdict::kRight;
      why = absl::StrCat("not the answer to request ", i, ": ", response.ShortDebugString());
      return Verdict::kWrong;
    }
    const Unary& operation;
    const int64_t i;
    grpc::ClientContext context;
    Response response;
    grpc::Status status;
    std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> reader;
  };

  const std::vector<std::unique_ptr<Stub>> stubs_;
  const Method method_;
  const Options options_;
};

// `Service` is the generated service class; `connections` channels to `address` are opened, each a connection of its own.
template <typename Service, typename Request, typename Response>
std::unique_ptr<Operation> MakeUnary(const std::string& address, size_t connections,
                                     typename Unary<typename Service::Stub, Request, Response>::Method method,
                                     typename Unary<typename Service::Stub, Request, Response>::Options options) {
  std::vector<std::unique_ptr<typename Service::Stub>> stubs;
  for (size_t i = 0; i < connections; ++i) stubs.push_back(Service::NewStub(demo::QuickChannel(address)));
  return std::make_unique<Unary<typename Service::Stub, Request, Response>>(std::move(stubs), method, std::move(options));
}

struct Outcome {
  double seconds = 0;                  // of measuring
  int64_t right = 0;                   // answered in that time
  int64_t full = 0;                    // refused in that time, with advice when to come again
  std::vector<double> latencies;       // of right answers, in seconds, sorted
  std::vector<double> full_latencies;  // of refusals
  double rate() const { return seconds > 0 ? static_cast<double>(right) / seconds : 0; }
  double full_rate() const { return seconds > 0 ? static_cast<double>(full) / seconds : 0; }
  // The latency, in seconds, within which this share of the answers came; 0 without answers.
  double Percentile(double share) const;
};
// Of sorted values, by the nearest rank.
double PercentileOf(const std::vector<double>& sorted, double share);

struct ClosedOptions {
  int streams = 64;  // requests under way on each connection
  absl::Duration warm_up = absl::Milliseconds(300);
  absl::Duration duration = absl::Seconds(2);
};
// FAILED_PRECONDITION for a wrong answer; OUT_OF_RANGE when the requests did not last for half of the time.
absl::StatusOr<Outcome> RunClosed(Operation& operation, const ClosedOptions& options);

struct OpenOptions {
  double rate = 0;  // requests a second
  absl::Duration warm_up = absl::Milliseconds(500);
  absl::Duration duration = absl::Seconds(3);
  uint64_t seed = 1;
};
absl::StatusOr<Outcome> RunOpen(Operation& operation, const OpenOptions& options);

// How requests are made to servers that have nothing else to do: so many, one at a time, on one connection. The pause before each is for
// what the one before set going (a mail that is handed over), which is no part of its latency.
struct IdleOptions {
  int count = 300;
  absl::Duration pause = absl::Milliseconds(10);
};
absl::StatusOr<Outcome> RunIdle(Operation& operation, const IdleOptions& options);

}  // namespace rematch::bench

#endif  // REMATCH_BENCH_LOAD_H_
