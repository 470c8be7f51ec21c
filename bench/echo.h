// The bare gRPC service that everything is measured against: the same libraries, and nothing behind them.
#ifndef REMATCH_BENCH_ECHO_H_
#define REMATCH_BENCH_ECHO_H_

#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>

namespace rematch::bench {

// Serves until the process is ended; writes the port to a file once it can be called. Returns an exit code.
int Serve(const std::vector<grpc::Service*>& services, const std::string& port_file);

int ServeEcho(const std::string& port_file);

}  // namespace rematch::bench

#endif  // REMATCH_BENCH_ECHO_H_
