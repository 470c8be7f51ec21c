#include "mentor-service/rpc/batch.h"

#include <limits>
#include <map>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "mentor-service/domain/import.h"
#include "mentor-service/rpc/convert.h"
#include "mentor-service/rpc/ownership.h"
#include "mentor-service/store/store.h"
#include "platform/errors.h"

namespace rematch::mentor {
namespace {

constexpr char kImportAnswer[] = "rematch.mentor.v1.ImportRosterResponse";

absl::StatusOr<std::string> Reply(Roster& roster, const Command& command, const Context& context) {
  REMATCH_RETURN_IF_ERROR(Authorize(roster, command.action, Ownership(command.caller, command.method, command.consortium)));
  return std::visit(
      [&](const auto& action) -> absl::StatusOr<std::string> {
        auto decision = Decide(roster, action, context);
        // Whoever was told that the change of mentor did not take place goes by that. A late copy of the call would find the seat still
        // held, and the assignment perhaps as it was before (none: that is no identity).
        if constexpr (std::is_same_v<std::decay_t<decltype(action)>, TransferCandidate>) {
          if (!decision.ok()) return Lasting(decision.status());
        }
        REMATCH_ASSIGN_OR_RETURN(auto decided, std::move(decision));
        if constexpr (std::is_same_v<decltype(decided), v1::ImportRosterResponse>) {
          if (decided.errors_size() > 0) return ImportRefused(decided);
        }
        return ToProto(command.consortium, std::move(decided)).SerializeAsString();
      },
      command.action);
}

}  // namespace

store::Stamp Stamps::Next() {
  absl::MutexLock lock(&mutex_);
  store::Stamp& last = last_[std::this_thread::get_id()];
  if (last.number == 0) {
    // Of a digest, since what a store gives numbers by differs.
    for (const char byte : platform::Sha256(ids_.Next()).substr(0, 8)) last.writer = last.writer << 8 | static_cast<unsigned char>(byte);
    last.writer = (last.writer & std::numeric_limits<int64_t>::max()) | 1;  // nobody is kStampingBegan
  }
  ++last.number;
  return last;
}

void Everybody::Want() {
  absl::MutexLock lock(&mutex_);
  wanted_.insert(std::this_thread::get_id());
}

bool Everybody::Take() {
  absl::MutexLock lock(&mutex_);
  return wanted_.erase(std::this_thread::get_id()) > 0;
}

absl::StatusOr<BatchResult> BatchHandler::Run(sql::Transaction& tx, absl::Span<Command* const> batch) {
  const Context context{.now = clock_.Now(), .new_id = [this] { return ids_.Next(); }};
  std::map<std::string_view, std::vector<size_t>> by_consortium;
  for (size_t i = 0; i < batch.size(); ++i) by_consortium[batch[i]->consortium].push_back(i);

  const bool everybody = everybody_.Take();
  const store::Stamp stamp = stamps_.Next();
  BatchResult result;
  std::map<std::string, std::vector<Change>> changes;
  result.replies.resize(batch.size());
  for (const auto& entry : by_consortium) {
    const std::string consortium(entry.first);
    const std::vector<size_t>& indexes = entry.second;
    Wants wants;
    for (const size_t i : indexes) AddWants(batch[i]->action, wants);
    std::optional<store::LikelyBy> likely;
    if (!everybody) likely.emplace(store::LikelyBy{.kept = members_, .now = context.now});
    REMATCH_ASSIGN_OR_RETURN(Roster roster, store::Load(tx, consortium, std::move(wants), store::Locks::kRows, likely));
    for (const size_t i : indexes) result.replies[i] = Reply(roster, *batch[i], context);
    if (roster.lacking) {
      // Most likely others have just taken those who were likely. In a transaction of its own, which locks in the order of all.
      everybody_.Want();
      return sql::StoreError(sql::Failure::kRetry, "whom to ask next was not locked");
    }
    // A refused import may have changed it.
    if (batch.front()->StandsAlone() && !result.replies.front().ok()) break;
    REMATCH_RETURN_IF_ERROR(store::Save(tx, roster, stamp, context.now));
    if (std::vector<Change> of_roster = ChangesIn(roster); !of_roster.empty()) changes.emplace(consortium, std::move(of_roster));
  }
  REMATCH_RETURN_IF_ERROR(store::Publish(tx, changes, context.now));
  if (!changes.empty()) result.committed = published_;
  return result;
}

absl::Status ImportRefused(const v1::ImportRosterResponse& answer) {
  absl::Status status = absl::InvalidArgumentError("the import has bad rows");
  status.SetPayload(kImportAnswer, absl::Cord(answer.SerializeAsString()));
  return status;
}

std::optional<v1::ImportRosterResponse> AnswerOfRefusedImport(const absl::Status& status) {
  const auto payload = status.GetPayload(kImportAnswer);
  v1::ImportRosterResponse answer;
  if (!payload.has_value() || !answer.ParseFromString(std::string(*payload))) return std::nullopt;
  return answer;
}

}  // namespace rematch::mentor
