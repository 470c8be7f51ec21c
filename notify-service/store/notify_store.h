// What notify-service keeps, and the only code that writes it: the handler behind the service's door (platform/group_commit.h), and its
// reads.
#ifndef REMATCH_NOTIFY_SERVICE_STORE_NOTIFY_STORE_H_
#define REMATCH_NOTIFY_SERVICE_STORE_NOTIFY_STORE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "notify-service/domain/message.h"
#include "notify-service/domain/notification.h"
#include "notify-service/domain/request.h"
#include "notify-service/domain/stored.pb.h"
#include "notify-service/store/template_store.h"
#include "platform/clock.h"
#include "platform/group_commit.h"
#include "platform/ids.h"
#include "platform/sql/database.h"
#include "rematch/notify/v1/resources.pb.h"

namespace rematch::notify {

// Accepts a message, in the words that its program has by then. Answers with a v1::Notification without content.
struct Accept {
  Draft draft;
  std::string message_id;
  const Key& key() const { return draft.key; }
};
// Calls a message back, or bars its key. Answers with a v1::Notification without content.
struct CallBack {
  Key target;
  const Key& key() const { return target; }
};
// Queues a failed one again. Answers with a v1::Notification without content.
struct TryAgain {
  Key target;
  const Key& key() const { return target; }
};
// A sent one came back. Answers with a v1::Notification without content.
struct ComeBack {
  Key target;
  const Key& key() const { return target; }
};
// The sender begins an attempt on a row of `sends` that it owns. Answers with a stored::Begun; ABORTED / CLAIM_LOST when it owns it no
// more.
struct BeginSend {
  Key target;
  int64_t epoch = 0;
  const Key& key() const { return target; }
};
// The sender ends the attempt that it began. ABORTED / CLAIM_LOST when another one has taken over: that one settles it.
struct FinishSend {
  Key target;
  int64_t epoch = 0;
  int64_t beginning = 0;
  Outcome outcome;
  const Key& key() const { return target; }
};
using Command = std::variant<Accept, CallBack, TryAgain, ComeBack, BeginSend, FinishSend, PublishTemplate>;

// The id of its row of `sends`.
std::string SendId(const Key& key);

// A row of `sends`.
struct Work {
  Key key;
  int64_t epoch = 0;
  absl::Time due;
};

// Thread-safe.
class NotifyStore {
 public:
  struct Wakes {
    // There is work for the sender of this replica. Called on committing threads after the commit.
    absl::AnyInvocable<void()> sends;
    // There are new deliveries.
    absl::AnyInvocable<void()> deliveries;
  };
  NotifyStore(sql::Database& database, TemplateStore& templates, platform::Clock& clock, platform::Random& random, std::string replica,
              SendPolicy policy, Wakes wakes)
      : database_(database),
        templates_(templates),
        clock_(clock),
        random_(random),
        replica_(std::move(replica)),
        policy_(policy),
        wakes_(std::move(wakes)) {}

  // The handler of GroupCommit<Command>.
  absl::StatusOr<BatchResult> Run(sql::Transaction& tx, absl::Span<Command* const> batch);

  // Those of `keys` that are there, with content and bodies: one statement, however many. `keys` must not be empty.
  static absl::StatusOr<std::map<Key, v1::Notification>> Find(sql::Transaction& tx, const std::set<Key>& keys);
  struct ListPosition {
    int64_t created = 0;
    std::string id;
  };
  struct Listed {
    ListPosition position;
    v1::Notification notification;
  };
  // The newest first, after `after`, with content but without bodies; those about `origin` alone if it is not empty.
  absl::StatusOr<std::vector<Listed>> List(const std::string& consortium, const std::string& origin,
                                           const std::optional<ListPosition>& after, int limit);
  // The first `limit` after `position`, of all consortia if `consortium` is empty.
  absl::StatusOr<std::vector<v1::Delivery>> Deliveries(const std::string& consortium, int64_t position, int limit);
  // This replica's rows of `sends` that are due, the longest due first, at most `limit`; if there are fewer, when the next falls due.
  struct Due {
    std::vector<Work> now;
    absl::Time next = absl::InfiniteFuture();
  };
  absl::StatusOr<Due> OwnDue(absl::Time now, size_t limit);
  // What the messages say, without `from`, which is the sender's. Those are missing of which nothing was kept, or nothing that can be read.
  // `keys` must not be empty.
  absl::StatusOr<std::map<Key, Message>> Messages(const std::vector<Key>& keys);
  // When the oldest message still to be sent, anybody's, was accepted; InfiniteFuture for none.
  absl::StatusOr<absl::Time> Oldest();

 private:
  sql::Database& database_;
  TemplateStore& templates_;
  platform::Clock& clock_;
  platform::Random& random_;
  const std::string replica_;
  const SendPolicy policy_;
  Wakes wakes_;
};

}  // namespace rematch::notify

#endif  // REMATCH_NOTIFY_SERVICE_STORE_NOTIFY_STORE_H_
