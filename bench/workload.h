// The requests that are measured, each against Rematch and, where there is one, against the floor.
#ifndef REMATCH_BENCH_WORKLOAD_H_
#define REMATCH_BENCH_WORKLOAD_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bench/load.h"
#include "bench/seed.h"
#include "bench/world.h"
#include "demo/mariadb.h"
#include "demo/suite.h"
#include "request-service/domain/reply_code.h"

namespace rematch::bench {

// Who is called. An empty address: that server is not there.
struct Addresses {
  std::string echo;
  std::string floor;
  std::string mentor;
  std::string notify;
  std::string request;
};

struct WorkloadOptions {
  Addresses addresses;
  const World& world;
  std::vector<SeededCase> asked;  // to be read, and each to be answered once
  std::string reply_key;          // the secret of the suite's reply codes
  size_t connections = 8;
};

// Operations share nothing but their options, which they outlive: each makes every request once.
struct Workload {
  std::unique_ptr<Operation> echo;
  std::unique_ptr<Operation> get_mentor, get_mentor_floor;
  std::unique_ptr<Operation> get_case, get_case_floor;
  std::unique_ptr<Operation> find_mentors;
  std::unique_ptr<Operation> hold, hold_floor;
  std::unique_ptr<Operation> create, create_floor;
  std::unique_ptr<Operation> respond, respond_floor;
  std::unique_ptr<Operation> send, send_floor;
};

Workload MakeWorkload(const WorkloadOptions& options);

// Carries out one write of each kind, on targets of their own (the last candidate, and an asked case that nobody else uses), and makes the
// floor of the rows that were written. The URL of the floor's schema. `respond_supply`: how many answers its cases are to last for.
absl::StatusOr<std::string> TakeSamples(demo::Suite& suite, demo::Mariadb& server, const World& world, const SeededCase& asked,
                                        const std::string& reply_key, int64_t respond_supply);

// What one message to send is, to the `i`th of many.
notify::v1::SendNotificationRequest MakeSend(const std::string& key, int64_t i);

}  // namespace rematch::bench

#endif  // REMATCH_BENCH_WORKLOAD_H_
