#include "mentor-service/rpc/import_stream.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "mentor-service/domain/reasons.h"
#include "mentor-service/rpc/convert.h"
#include "platform/canonical.h"
#include "platform/errors.h"
#include "platform/ids.h"
#include "platform/rpc/identity.h"
#include "platform/validation.h"

namespace rematch::mentor {
namespace {

absl::Status Broken(std::string_view field, std::string_view description) {
  Violations bad;
  bad.Add(field, description);
  return bad.ToStatus();
}

absl::Status TooLarge() {
  return Error(absl::StatusCode::kResourceExhausted, reason::kImportTooLarge, "the import has more rows or bytes than one import takes");
}

absl::Status Stopping() { return Error(absl::StatusCode::kUnavailable, rematch::reason::kShuttingDown, "the service is stopping"); }

}  // namespace

void ImportStreams::Stop() {
  std::set<std::shared_ptr<ImportStream>> open;
  {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
    open = open_;
  }
  for (const std::shared_ptr<ImportStream>& stream : open) stream->Stop();
}

bool ImportStreams::Enter(std::shared_ptr<ImportStream> stream) {
  absl::MutexLock lock(&mutex_);
  if (stopped_) return false;
  open_.insert(std::move(stream));
  return true;
}

void ImportStreams::Leave(const std::shared_ptr<ImportStream>& stream) {
  absl::MutexLock lock(&mutex_);
  open_.erase(stream);
}

ImportStream* ImportStream::Open(grpc::CallbackServerContext* context, v1::ImportRosterResponse* response, rpc::Calls& calls, Door& door,
                                 ImportStreams& streams, ImportLimits limits) {
  std::shared_ptr<ImportStream> stream(new ImportStream(context, response, calls, door, streams, limits));
  stream->self_ = stream;
  if (!stream->call_.ok()) {
    stream->End(stream->call_.status());
  } else if (!streams.Enter(stream)) {
    stream->End(Stopping());
  } else {
    stream->StartRead(&stream->message_);
  }
  return stream.get();
}

ImportStream::ImportStream(grpc::CallbackServerContext* context, v1::ImportRosterResponse* response, rpc::Calls& calls, Door& door,
                           ImportStreams& streams, ImportLimits limits)
    : context_(context),
      response_(response),
      calls_(calls),
      door_(door),
      streams_(streams),
      limits_(limits),
      start_(calls.clock().Monotonic()),
      call_(calls.Begin(context, rpc::MethodOf<v1::ImportRosterRequest>())) {}

void ImportStream::OnReadDone(bool ok) {
  {
    absl::MutexLock lock(&mutex_);
    if (ended_) return;
  }
  if (context_->IsCancelled()) {
    End(absl::CancelledError("the caller went away"));
    return;
  }
  if (!ok) {
    Submit();
    return;
  }
  if (const absl::Status status = Take(); !status.ok()) {
    End(status);
    return;
  }
  StartRead(&message_);
}

void ImportStream::OnDone() {
  const std::shared_ptr<ImportStream> self = std::move(self_);  // the last reference, or the one before a Stop() at work
  streams_.Leave(self);
}

void ImportStream::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    if (submitted_) return;
  }
  End(Stopping());
}

absl::Status ImportStream::Take() {
  if (calls_.clock().Now() > call_->deadline) {
    return Error(absl::StatusCode::kDeadlineExceeded, rematch::reason::kDeadlinePassed,
                 "the deadline passed before the import was complete");
  }
  bytes_ += message_.ByteSizeLong();
  if (bytes_ > limits_.max_bytes) return TooLarge();
  switch (message_.message_case()) {
    case v1::ImportRosterRequest::kHeader:
      return TakeHeader();
    case v1::ImportRosterRequest::kRow:
      return TakeRow();
    case v1::ImportRosterRequest::MESSAGE_NOT_SET:
      break;
  }
  return Broken("message", "must be a header or a row");
}

absl::Status ImportStream::TakeHeader() {
  if (has_header_) return Broken("header", "must be the first message only");
  REMATCH_ASSIGN_OR_RETURN(Parsed parsed, Parse(message_.header()));
  has_header_ = true;
  consortium_ = std::move(parsed.consortium);
  request_id_ = message_.header().request_id();
  row_count_ = message_.header().row_count();
  import_ = std::get<ImportRoster>(std::move(parsed.action));
  hash_ = platform::Sha256(platform::CanonicalBytes(message_.header()));
  return absl::OkStatus();
}

absl::Status ImportStream::TakeRow() {
  if (!has_header_) return Broken("header", "must be the first message");
  if (static_cast<int>(import_.rows.size()) >= limits_.max_rows) return TooLarge();
  if (message_.row().file().size() > 200) return Broken("row.file", "must be at most 200 bytes");
  hash_ = platform::Sha256(hash_ + platform::CanonicalBytes(message_.row()));
  import_.rows.push_back(std::move(*message_.mutable_row()));
  return absl::OkStatus();
}

void ImportStream::Submit() {
  if (!has_header_) {
    End(Broken("header", "must be the first message"));
    return;
  }
  if (row_count_ != static_cast<int>(import_.rows.size())) {
    End(Broken("header.row_count", "must be the number of rows that follow"));
    return;
  }
  {
    absl::MutexLock lock(&mutex_);
    if (ended_) return;
    submitted_ = true;
  }
  CommandMeta meta{.scope = ConsortiumName(consortium_),
                   .request_id = request_id_,
                   .body_hash = rpc::BodyHash(*call_, hash_),
                   .deadline = call_->deadline,
                   .priority = Priority::kPeople};
  Command command{.caller = call_->caller, .method = std::string(call_->method), .consortium = consortium_, .action = std::move(import_)};
  // The stream lives until OnDone(), which only follows End().
  door_.Submit(std::move(meta), std::move(command), [this](absl::StatusOr<std::string> reply) {
    if (!reply.ok()) {
      const std::optional<v1::ImportRosterResponse> refused = AnswerOfRefusedImport(reply.status());
      if (!refused.has_value()) return End(reply.status());
      *response_ = *refused;
    } else if (!response_->ParseFromString(*reply)) {
      return End(absl::InternalError("a stored answer is not readable"));
    }
    calls_.guard().Redact(*call_, *response_);
    End(absl::OkStatus());
  });
}

void ImportStream::End(const absl::Status& status) {
  {
    absl::MutexLock lock(&mutex_);
    if (ended_) return;
    ended_ = true;
  }
  calls_.Ended(rpc::MethodOf<v1::ImportRosterRequest>(), start_, status);
  Finish(rpc::ToGrpc(status));
}

}  // namespace rematch::mentor
