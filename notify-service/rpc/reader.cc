#include "notify-service/rpc/reader.h"

#include <map>
#include <set>
#include <utility>

#include "access/access.h"
#include "notify-service/store/notify_store.h"
#include "platform/errors.h"
#include "platform/validation.h"

namespace rematch::notify {

bool MayRead(const rpc::Call& call, const v1::Notification& notification) {
  return access::MayTouch(call.caller, call.method,
                          {.leaders = {notification.readers().begin(), notification.readers().end()},
                           .acting_leader = "",
                           .candidate = "",
                           .mentor = "",
                           .consortium = ConsortiumOf(notification.name())});
}

void Reader::Get(const rpc::Call& call, Key key, Then then) {
  together_.Submit(call.deadline, Lookup{.key = std::move(key)},
                   [call, then = std::move(then)](const absl::Status& status, Lookup& looked) mutable {
                     if (!status.ok()) return then(status);
                     if (!looked.found.has_value() || !MayRead(call, *looked.found)) {
                       return then(Error(absl::StatusCode::kNotFound, rematch::reason::kNotFound, "no such notification"));
                     }
                     then(*std::move(looked.found));
                   });
}

absl::Status Reader::LookUp(sql::Transaction& tx, absl::Span<Lookup* const> batch) {
  std::set<Key> keys;
  for (const Lookup* lookup : batch) keys.insert(lookup->key);
  REMATCH_ASSIGN_OR_RETURN(auto found, NotifyStore::Find(tx, keys));
  // Several may ask for one: the first has what was read, the others a copy of it.
  std::map<Key, const Lookup*> first;
  for (Lookup* lookup : batch) {
    if (auto read = found.extract(lookup->key)) {
      lookup->found = std::move(read.mapped());
      first.emplace(std::move(read.key()), lookup);
    } else {
      const auto other = first.find(lookup->key);
      lookup->found = other == first.end() ? std::nullopt : other->second->found;
    }
  }
  return absl::OkStatus();
}

}  // namespace rematch::notify
