#include "platform/housekeeping.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/errors.h"
#include "platform/log.h"

namespace rematch::platform {
namespace {

constexpr absl::Duration kEvery = absl::Hours(1);
// Short enough that nobody waits for it.
constexpr int64_t kRows = 500;

}  // namespace

Housekeeping::Housekeeping(sql::Database& database, Clock& clock, std::vector<std::string> work, Also also)
    : database_(database), clock_(clock), work_(std::move(work)), also_(std::move(also)) {}

absl::Duration Housekeeping::Step() {
  const absl::Time before = clock_.Now() - kKeep;
  const absl::StatusOr<bool> more = ForgetRequests(before);
  absl::Status status = more.status();
  if (status.ok() && !work_.empty()) status = ForgetReplicas(before);
  if (status.ok() && also_) {
    status = sql::TransactAgain(database_, [&](sql::Transaction& tx) { return also_(tx, clock_.Now()); });
  }
  if (!status.ok()) {
    log::Warn("housekeeping_failed", {{"code", static_cast<int>(status.code())}});
    return kEvery;
  }
  return *more ? absl::ZeroDuration() : kEvery;
}

absl::StatusOr<bool> Housekeeping::ForgetRequests(absl::Time before) {
  std::vector<sql::Row> last;
  REMATCH_RETURN_IF_ERROR(database_.Read([&](sql::Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(last, tx.Query("SELECT created FROM requests WHERE created < ? ORDER BY created LIMIT 1 OFFSET ?",
                                            {sql::ToMicros(before), kRows - 1}));
    return absl::OkStatus();
  }));
  const bool more = !last.empty();
  // Those of one batch share an instant and go together.
  const int64_t until = more ? last[0].Int(0) + 1 : sql::ToMicros(before);
  REMATCH_RETURN_IF_ERROR(sql::TransactAgain(
      database_, [&](sql::Transaction& tx) { return tx.Execute("DELETE FROM requests WHERE created < ?", {until}).status(); }));
  return more;
}

absl::Status Housekeeping::ForgetReplicas(absl::Time before) {
  // One that still owns work stays: without its row others would have to watch it anew before they take the work over.
  std::string sql = "DELETE FROM replicas WHERE seen < ?";
  for (const std::string& table : work_) {
    absl::StrAppend(&sql, " AND NOT EXISTS (SELECT 1 FROM ", table, " WHERE ", table, ".owner = replicas.replica)");
  }
  return sql::TransactAgain(database_, [&](sql::Transaction& tx) { return tx.Execute(sql, {sql::ToMicros(before)}).status(); });
}

void Housekeeping::Start() {
  loop_ = std::make_unique<Loop>(
      "housekeeping", [this] { return Step(); }, kEvery);
}

void Housekeeping::Stop() { loop_.reset(); }

}  // namespace rematch::platform
