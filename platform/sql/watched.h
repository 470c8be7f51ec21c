// A store that is watched: whether it can be used, so that a server can say that it serves or not.
#ifndef REMATCH_PLATFORM_SQL_WATCHED_H_
#define REMATCH_PLATFORM_SQL_WATCHED_H_

#include <memory>
#include <string_view>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"
#include "platform/clock.h"
#include "platform/sql/database.h"

namespace rematch::sql {

// Passes everything on to another store, and notes what came of it. Thread-safe.
class WatchedDatabase final : public Database {
 public:
  WatchedDatabase(std::unique_ptr<Database> inner, platform::Clock& clock) : inner_(std::move(inner)), clock_(clock) {}

  // From now on `changed` is called with whether the store can be used, each time that this changes; at first it can. It is called from
  // whichever thread finds out, and must not call back.
  void Watch(absl::AnyInvocable<void(bool)> changed);
  // Call it every second: after a failure, or when nothing was heard of the store for a while, it looks whether it can be written to and
  // has all its columns. What failed once is taken to be back only when this succeeds; what fails again within a minute of that (a disk
  // that is nearly full takes some writes) stays away for longer each time, 30 s at most, since whoever balances load cannot use a server
  // that comes and goes.
  void Step();

  absl::Status Transact(absl::FunctionRef<absl::Status(Transaction&)> body) override { return Note(inner_->Transact(body)); }
  absl::Status Read(absl::FunctionRef<absl::Status(Transaction&)> body) override { return Note(inner_->Read(body)); }
  absl::Status ReadEach(absl::FunctionRef<absl::Status(Transaction&)> body) override { return Note(inner_->ReadEach(body)); }
  int writers() const override { return inner_->writers(); }
  absl::Status RunDdl(std::string_view statement) override { return inner_->RunDdl(statement); }
  std::string_view columns_query() const override { return inner_->columns_query(); }

 private:
  absl::Status Note(absl::Status status);

  const std::unique_ptr<Database> inner_;
  platform::Clock& clock_;
  absl::Mutex mutex_;
  bool usable_ ABSL_GUARDED_BY(mutex_) = true;
  // Monotonic:
  absl::Duration heard_ ABSL_GUARDED_BY(mutex_);                             // the last success
  absl::Duration back_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();  // when it was last taken to be back
  absl::Duration look_at_ ABSL_GUARDED_BY(mutex_);                           // when to look, if it is away
  absl::Duration away_for_ ABSL_GUARDED_BY(mutex_);                          // at the least, the last time
  absl::AnyInvocable<void(bool)> changed_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace rematch::sql

#endif  // REMATCH_PLATFORM_SQL_WATCHED_H_
