// Prometheus metrics of a process. Labels are method names, codes and kinds: never ids, names or anything private.
#ifndef REMATCH_PLATFORM_METRICS_H_
#define REMATCH_PLATFORM_METRICS_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/group_commit.h"
#include "platform/rpc/call.h"

namespace rematch::platform {

// Thread-safe. Names: rematch_rpc_seconds{method,code}, rematch_batch_commands, rematch_batch_seconds, rematch_queue_wait_seconds,
// rematch_batch_retries_total, rematch_batch_splits_total, rematch_due_lateness_seconds{kind}, rematch_oldest_due_seconds{queue},
// rematch_reconciled_seats_total ..., and rematch_build_info{version,commit}, which is 1.
class Metrics : public rpc::CallObserver, public GroupCommitObserver {
 public:
  Metrics();
  ~Metrics() override;

  // Serves /metrics on `address` ("127.0.0.1:0"); returns the port.
  absl::StatusOr<int> Serve(const std::string& address);

  bool Began() override;
  void Finished(std::string_view method, grpc::StatusCode code, absl::Duration took) override;
  // Calls and streams so far.
  int64_t calls_begun() const;
  // From here on every call is turned away.
  void TurnAway();
  // Those that have begun and not finished.
  int calls_under_way() const;
  void Batch(size_t commands, absl::Duration took) override;
  void Waited(absl::Duration in_queue) override;
  void Retried() override;
  void Split() override;

  // How late a due step ran ("window_end", "reminder", "effect", "send").
  void Late(std::string_view kind, absl::Duration by);
  // The age of the oldest row that waits in a queue ("outbox", "due", "mail"); zero when it is empty.
  void Oldest(std::string_view queue, absl::Duration age);
  // Adds to the counter rematch_{name}_total. Count(name, 0) at the start shows it at 0 before anything is counted, since an alert on a
  // counter that does not exist yet misses its first step.
  void Count(std::string_view name, double by = 1);

  // The text that /metrics serves, for tests.
  std::string Text();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rematch::platform

#endif  // REMATCH_PLATFORM_METRICS_H_
