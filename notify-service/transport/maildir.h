// Mail as files: ROOT/{recipient}/{tmp,new,cur}, a Maildir for each recipient, so that everybody's mailbox can be looked at. A file's name
// derives from its Message-ID and it appears whole or not at all, so each message is there exactly once, whatever is killed when.
#ifndef REMATCH_NOTIFY_SERVICE_TRANSPORT_MAILDIR_H_
#define REMATCH_NOTIFY_SERVICE_TRANSPORT_MAILDIR_H_

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "notify-service/transport/transport.h"

namespace rematch::notify {

class Maildir final : public MailTransport {
 public:
  // Makes the folder if need be. FAILED_PRECONDITION / TRANSPORT_UNUSABLE when it cannot be written.
  static absl::StatusOr<std::unique_ptr<Maildir>> Open(const std::string& root);

  Outcome Send(const Message& message) override;
  // kSent when the recipient's new/ or cur/ has the file; what is only in tmp/ was never delivered.
  Settlement Settle(const Message& message) override;

  // The folder of a recipient below the root: their address, with whatever is unusual in a file name as %XX.
  static std::string FolderOf(std::string_view email);

 private:
  explicit Maildir(std::filesystem::path root) : root_(std::move(root)) {}
  // Makes what is missing of a mailbox and lets it survive a power cut, once a process and mailbox.
  bool Prepare(const std::filesystem::path& box);

  const std::filesystem::path root_;
  absl::Mutex mutex_;
  absl::flat_hash_set<std::string> prepared_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace rematch::notify

#endif  // REMATCH_NOTIFY_SERVICE_TRANSPORT_MAILDIR_H_
