// What programs say in place of the release: versions by program and kind of message, of which the newest one counts (F36).
//
// A message that is accepted after a version was published says what that version says, on every replica: which version counts is read in
// the transaction that accepts the message, and only what a version says, which never changes, is remembered beyond it, by its hash.
#ifndef REMATCH_NOTIFY_SERVICE_STORE_TEMPLATE_STORE_H_
#define REMATCH_NOTIFY_SERVICE_STORE_TEMPLATE_STORE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "notify-service/domain/request.h"
#include "notify-service/domain/templates.h"
#include "platform/clock.h"
#include "platform/sql/database.h"
#include "rematch/notify/v1/resources.pb.h"

namespace rematch::notify {

// Makes this what a program says. Answers with a v1::TemplateVersion without source and variables; the same as its newest version makes
// none.
struct PublishTemplate {
  TemplateKey target;
  v1::TemplateSource source;        // empty with `own`
  std::shared_ptr<const Kind> own;  // nullptr: what the release says
  std::string creator;
};

// Thread-safe.
class TemplateStore {
 public:
  TemplateStore(sql::Database& database, platform::Clock& clock, const Templates& release)
      : database_(database), clock_(clock), release_(release) {}

  const Templates& release() const { return release_; }

  // One version, whole. NOT_FOUND. Blocks, and so do those below.
  absl::StatusOr<v1::TemplateVersion> Find(const TemplateKey& key, int64_t version);
  // Those of a program, of one kind unless `key.kind` is empty: the kinds by name, the newest first, behind `after` if its version is not
  // 0; without source and variables.
  struct Position {
    std::string kind;
    int64_t version = 0;
  };
  absl::StatusOr<std::vector<v1::TemplateVersion>> List(const TemplateKey& key, const Position& after, int limit);
  // What publishing it would answer now.
  absl::StatusOr<v1::TemplateVersion> Foresee(const PublishTemplate& publication);
  // What a program says now; nullptr: what the release says.
  absl::StatusOr<std::shared_ptr<const Kind>> Words(const TemplateKey& key);

  struct Head {
    int64_t version = 0;
    std::string hash;  // empty: what the release says
    int64_t created = 0;
    std::string creator;
  };

  // Those of one batch of the service's door, within its transaction.
  class Batch {
   public:
    Batch(sql::Transaction& tx, int64_t now, TemplateStore& store) : tx_(tx), now_(now), store_(store) {}

    // Locks the rows of what is published, behind all others that the batch locks.
    absl::Status Lock(const std::set<TemplateKey>& published);
    // Reads what these say.
    absl::Status Load(const std::set<TemplateKey>& said);
    std::string Apply(const PublishTemplate& publication);
    // By what a message goes out that is accepted at this point of the batch. `key` was given to Load().
    struct Saying {
      int64_t version = 0;
      std::shared_ptr<const Kind> own;  // nullptr: what the release says
    };
    Saying Of(const TemplateKey& key) const;
    absl::Status Save();

   private:
    sql::Transaction& tx_;
    const int64_t now_;
    TemplateStore& store_;
    std::map<TemplateKey, Head> heads_;
    std::map<TemplateKey, std::shared_ptr<const Kind>> own_;
    std::vector<std::pair<TemplateKey, Head>> made_;
    std::map<std::string, std::string> sources_;  // bytes by hash
  };

 private:
  // A kind and the hash of what is said in messages of it: what is parsed, and whether it can be, depends on both.
  using Parsed = std::pair<std::string, std::string>;

  // What these say, as this release reads it: nullptr where it cannot.
  absl::StatusOr<std::map<Parsed, std::shared_ptr<const Kind>>> Parse(sql::Transaction& tx, const std::set<Parsed>& wanted);

  sql::Database& database_;
  platform::Clock& clock_;
  const Templates& release_;
  absl::Mutex mutex_;
  std::map<Parsed, std::shared_ptr<const Kind>> parsed_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace rematch::notify

#endif  // REMATCH_NOTIFY_SERVICE_STORE_TEMPLATE_STORE_H_
