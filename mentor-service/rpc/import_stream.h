// One ImportRoster stream: collects header and rows, and when the caller is done hands the whole to the door as one command.
#ifndef REMATCH_MENTOR_SERVICE_RPC_IMPORT_STREAM_H_
#define REMATCH_MENTOR_SERVICE_RPC_IMPORT_STREAM_H_

#include <memory>
#include <set>
#include <string>

#include <grpcpp/grpcpp.h>

#include "absl/synchronization/mutex.h"
#include "mentor-service/domain/commands.h"
#include "mentor-service/rpc/batch.h"
#include "platform/rpc/call.h"
#include "rematch/mentor/v1/service.pb.h"

namespace rematch::mentor {

struct ImportLimits {
  int max_rows = 200'000;
  size_t max_bytes = size_t{64} << 20;
};

class ImportStream;

// The streams that are open, to tell them to end. Thread-safe.
class ImportStreams {
 public:
  // Ends what still waits for rows with UNAVAILABLE, and refuses new ones.
  void Stop();

 private:
  friend class ImportStream;
  bool Enter(std::shared_ptr<ImportStream> stream);
  void Leave(const std::shared_ptr<ImportStream>& stream);

  absl::Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::set<std::shared_ptr<ImportStream>> open_ ABSL_GUARDED_BY(mutex_);
};

class ImportStream final : public grpc::ServerReadReactor<v1::ImportRosterRequest> {
 public:
  // A stream at work, which lives until gRPC is done with it.
  static ImportStream* Open(grpc::CallbackServerContext* context, v1::ImportRosterResponse* response, rpc::Calls& calls, Door& door,
                            ImportStreams& streams, ImportLimits limits);

  void OnReadDone(bool ok) override;
  void OnDone() override;
  // Ends the stream unless its import is at work already.
  void Stop();

 private:
  ImportStream(grpc::CallbackServerContext* context, v1::ImportRosterResponse* response, rpc::Calls& calls, Door& door,
               ImportStreams& streams, ImportLimits limits);

  // Takes in the message just read.
  absl::Status Take();
  absl::Status TakeHeader();
  absl::Status TakeRow();
  // The stream has ended: the import as one command.
  void Submit();
  // Answers once; what comes later is dropped.
  void End(const absl::Status& status);

  grpc::CallbackServerContext* const context_;
  v1::ImportRosterResponse* const response_;
  rpc::Calls& calls_;
  Door& door_;
  ImportStreams& streams_;
  const ImportLimits limits_;
  const absl::Duration start_;
  absl::StatusOr<rpc::Call> call_;

  std::shared_ptr<ImportStream> self_;  // until OnDone()
  v1::ImportRosterRequest message_;
  bool has_header_ = false;
  std::string consortium_;
  std::string request_id_;
  int row_count_ = 0;
  ImportRoster import_;
  size_t bytes_ = 0;
  std::string hash_;  // of all messages so far, each hashed with the hash before

  absl::Mutex mutex_;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool submitted_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace rematch::mentor

#endif  // REMATCH_MENTOR_SERVICE_RPC_IMPORT_STREAM_H_
