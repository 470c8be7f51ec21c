#include "notify-service/transport/maildir.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "notify-service/domain/reasons.h"
#include "platform/errors.h"
#include "platform/ids.h"
#include "platform/strings.h"

namespace rematch::notify {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kFolderMode = 0700;
constexpr mode_t kFileMode = 0600;

// A file descriptor that closes itself.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  bool valid() const { return fd_ >= 0; }
  int get() const { return fd_; }

 private:
  const int fd_;
};

bool SyncFolder(const fs::path& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return fd.valid() && ::fsync(fd.get()) == 0;
}

bool MakeFolder(const fs::path& folder) { return ::mkdir(folder.c_str(), kFolderMode) == 0 || errno == EEXIST; }

bool WriteFile(const fs::path& path, std::string_view content) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode));
  if (!fd.valid()) return false;
  while (!content.empty()) {
    const ssize_t wrote = ::write(fd.get(), content.data(), content.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    content.remove_prefix(static_cast<size_t>(wrote));
  }
  return ::fsync(fd.get()) == 0;
}

std::string FileOf(const Message& message) {
  return absl::StrCat(ToAbsl(std::string_view(message.message_id).substr(0, message.message_id.find('@'))), ".rematch");
}

Outcome NotWritten() { return {.kind = Outcome::Kind::kRetryLater, .error = "DISK", .ours = true}; }

}  // namespace

absl::StatusOr<std::unique_ptr<Maildir>> Maildir::Open(const std::string& root) {
  std::error_code error;
  fs::create_directories(root, error);
  if (error || ::access(root.c_str(), R_OK | W_OK | X_OK) != 0) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kTransportUnusable, absl::StrCat("cannot write the Maildir ", root));
  }
  const fs::path path = fs::absolute(root, error).lexically_normal();
  // The folders above it may have been made just now. Not all of them need be ours to sync.
  for (fs::path folder = path; folder.has_relative_path(); folder = folder.parent_path()) SyncFolder(folder.parent_path());
  return std::unique_ptr<Maildir>(new Maildir(path));
}

std::string Maildir::FolderOf(std::string_view email) {
  constexpr size_t kLongest = 200;  // file systems take 255
  std::string out;
  for (const char c : email) {
    const bool usual = absl::ascii_isalnum(c) || c == '@' || c == '-' || c == '_' || c == '+' || (c == '.' && !out.empty());
    if (usual) {
      out += c;
    } else {
      absl::StrAppend(&out, "%", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
    }
  }
  if (out.size() <= kLongest) return out;
  return absl::StrCat("%", absl::BytesToHexString(platform::Sha256(email)));
}

bool Maildir::Prepare(const fs::path& box) {
  {
    absl::MutexLock lock(&mutex_);
    if (prepared_.contains(box.native())) return true;
  }
  for (const fs::path& folder : {box, box / "tmp", box / "cur", box / "new"}) {
    if (!MakeFolder(folder)) return false;
  }
  // What is there already may have been made by a process that was killed before it synced.
  if (!SyncFolder(box) || !SyncFolder(root_)) return false;
  absl::MutexLock lock(&mutex_);
  prepared_.insert(box.native());
  return true;
}

Outcome Maildir::Send(const Message& message) {
  const fs::path box = root_ / FolderOf(message.to.email);
  const std::string file = FileOf(message);
  if (!Prepare(box)) return NotWritten();
  if (!WriteFile(box / "tmp" / file, Compose(message)) || ::rename((box / "tmp" / file).c_str(), (box / "new" / file).c_str()) != 0) {
    // The mailbox may have been taken away meanwhile: made anew by the next attempt.
    absl::MutexLock lock(&mutex_);
    prepared_.erase(box.native());
    return NotWritten();
  }
  if (!SyncFolder(box / "new")) return {.kind = Outcome::Kind::kUnknown, .error = "DISK"};
  return {.kind = Outcome::Kind::kSent};
}

MailTransport::Settlement Maildir::Settle(const Message& message) {
  const fs::path box = root_ / FolderOf(message.to.email);
  const std::string file = FileOf(message);
  std::error_code error;
  if (fs::exists(box / "new" / file, error)) {
    // The crash may have come before the folder was written.
    return SyncFolder(box / "new") ? Settlement::kSent : Settlement::kCannotTell;
  }
  // A mail program moves what was read to cur/ and adds flags to its name.
  for (fs::directory_iterator it(box / "cur", error), end; !error && it != end; it.increment(error)) {
    if (absl::StartsWith(it->path().filename().string(), file)) return Settlement::kSent;
  }
  if (error && error != std::errc::no_such_file_or_directory) return Settlement::kCannotTell;
  return Settlement::kNotSent;
}

}  // namespace rematch::notify
