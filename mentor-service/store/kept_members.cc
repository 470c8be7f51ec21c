#include "mentor-service/store/kept_members.h"

#include <algorithm>
#include <vector>

#include "platform/errors.h"

namespace rematch::mentor::store {
namespace {

// Beyond so many changes of one writer everybody is read anew: it costs less.
constexpr int kMostChanges = 2'000;
// How many times back what was kept is kept on: of those who read side by side, some read in a transaction that began before the latest.
constexpr size_t kMostTimes = 4;
// How often members are read for a change, which may be read while others write.
constexpr int kMostTries = 3;
// How long replicas of an earlier version may go on beside those that stamp what they write.
constexpr absl::Duration kUpgrade = absl::Hours(1);

// Mentors as they are now, by their ids.
using Changes = std::map<std::string, std::shared_ptr<const Mentor>, std::less<>>;

int64_t NumberOf(const LastWrites& writes, int64_t writer) {
  const auto found = writes.find(writer);
  return found == writes.end() ? 0 : found->second;
}

// Whether what there was when there were the writes `a` can be brought to `b`: no writer has gone back, and none is forgotten, since they
// may have written meanwhile.
bool Leads(const LastWrites& a, const LastWrites& b) {
  return std::all_of(a.begin(), a.end(), [&](const auto& write) {
    const auto then = b.find(write.first);
    return then != b.end() && write.second <= then->second;
  });
}

std::shared_ptr<const Members> With(const Changes& changes, const std::string& program, std::shared_ptr<const Members> before) {
  Members::List list;
  bool changed = false;
  for (const auto& [id, mentor] : changes) {
    const Members::List& now = changed ? list : before->list();
    const auto at =
        std::lower_bound(now.begin(), now.end(), id, [](const auto& member, const std::string& sought) { return member->id < sought; }) -
        now.begin();
    const bool was = at < static_cast<ptrdiff_t>(now.size()) && now[static_cast<size_t>(at)]->id == id;
    const bool is = Contains(mentor->programs, program);
    if (!was && !is) continue;
    if (!changed) list = before->list();
    changed = true;
    if (was && is) {
      list[static_cast<size_t>(at)] = mentor;
    } else if (was) {
      list.erase(list.begin() + at);
    } else {
      list.insert(list.begin() + at, mentor);
    }
  }
  return changed ? std::make_shared<const Members>(std::move(list), before.get()) : before;
}

absl::StatusOr<std::shared_ptr<const Members>> ReadAll(sql::Transaction& tx, const std::string& consortium, const std::string& program) {
  REMATCH_ASSIGN_OR_RETURN(Members::List list, MembersOf(tx, consortium, program));
  return std::make_shared<const Members>(std::move(list));
}

// Whether all who write stamp what they write.
bool IsTrusted(const LastWrites& writes, absl::Time now) {
  const auto stamping = writes.find(kStampingBegan);
  return stamping != writes.end() && now >= sql::FromMicros(stamping->second) + kUpgrade;
}

}  // namespace

absl::StatusOr<Pools> KeptMembers::Read(sql::Transaction& tx, const std::string& consortium, const std::set<std::string>& programs,
                                        absl::Time now) {
  REMATCH_ASSIGN_OR_RETURN(const LastWrites writes, LastWritesOf(tx, consortium));
  Pools pools;
  if (!IsTrusted(writes, now)) {
    for (const std::string& program : programs) {
      REMATCH_ASSIGN_OR_RETURN(pools[program], ReadAll(tx, consortium, program));
    }
    return pools;
  }
  REMATCH_ASSIGN_OR_RETURN(Pointer kept, Take(tx, consortium, programs, writes, Find(consortium, writes), pools));
  Keep(consortium, std::move(kept), programs);
  return pools;
}

absl::StatusOr<std::optional<Pools>> KeptMembers::ReadLatest(sql::Transaction& tx, const std::string& consortium,
                                                             const std::set<std::string>& programs, absl::Time now) {
  REMATCH_ASSIGN_OR_RETURN(LastWrites writes, LastWritesOf(tx, consortium));
  if (!IsTrusted(writes, now)) return std::nullopt;
  for (int tries = 0; tries < kMostTries; ++tries) {
    Pools pools;
    const Pointer before = Find(consortium, writes);
    REMATCH_ASSIGN_OR_RETURN(Pointer kept, Take(tx, consortium, programs, writes, before, pools));
    // What was read behind `writes` is of no one instant if mentors were written meanwhile.
    LastWrites still = writes;
    if (kept != before) {
      REMATCH_ASSIGN_OR_RETURN(still, LastWritesOf(tx, consortium));
    }
    if (still == writes) {
      Keep(consortium, std::move(kept), programs);
      return pools;
    }
    writes = std::move(still);
  }
  return std::nullopt;
}

absl::StatusOr<KeptMembers::Pointer> KeptMembers::Take(sql::Transaction& tx, const std::string& consortium,
                                                       const std::set<std::string>& programs, const LastWrites& writes, Pointer before,
                                                       Pools& pools) {
  REMATCH_ASSIGN_OR_RETURN(Pointer kept, BroughtTo(tx, consortium, writes, std::move(before)));
  Pools more;
  for (const std::string& program : programs) {
    const auto known = kept->programs.find(program);
    std::shared_ptr<const Members>& members = pools[program];
    if (known != kept->programs.end()) {
      members = known->second;
    } else {
      REMATCH_ASSIGN_OR_RETURN(members, ReadAll(tx, consortium, program));
      more[program] = members;
    }
  }
  if (more.empty()) return kept;
  auto both = std::make_shared<Kept>(*kept);
  both->programs.merge(more);
  return both;
}

absl::StatusOr<KeptMembers::Pointer> KeptMembers::BroughtTo(sql::Transaction& tx, const std::string& consortium, const LastWrites& writes,
                                                            Pointer kept) {
  if (kept != nullptr && kept->writes == writes) return kept;
  const auto anew = std::make_shared<Kept>(Kept{.writes = writes, .programs = {}});
  if (kept == nullptr) return anew;
  Changes changes;
  for (const auto& [writer, number] : writes) {
    const Stamp seen{.writer = writer, .number = NumberOf(kept->writes, writer)};
    if (number <= seen.number) continue;
    REMATCH_ASSIGN_OR_RETURN(Members::List changed, ChangedSince(tx, consortium, seen, kMostChanges));
    if (changed.size() == static_cast<size_t>(kMostChanges)) return anew;
    for (const std::shared_ptr<const Mentor>& mentor : changed) changes[mentor->id] = mentor;
  }
  for (const auto& [program, members] : kept->programs) anew->programs[program] = With(changes, program, members);
  return anew;
}

KeptMembers::Pointer KeptMembers::Find(const std::string& consortium, const LastWrites& writes) {
  absl::MutexLock lock(&mutex_);
  const auto found = kept_.find(consortium);
  if (found == kept_.end()) return nullptr;
  const auto known =
      std::find_if(found->second.rbegin(), found->second.rend(), [&](const Pointer& kept) { return Leads(kept->writes, writes); });
  return known == found->second.rend() ? nullptr : *known;
}

void KeptMembers::Keep(const std::string& consortium, Pointer kept, const std::set<std::string>& programs) {
  absl::MutexLock lock(&mutex_);
  for (const std::string& program : programs) asked_[{consortium, program}] = ++asks_;
  std::deque<Pointer>& there = kept_[consortium];
  bool grows = there.empty();
  if (!there.empty()) {
    const Pointer& latest = there.back();
    // A transaction that is older than what others have found leaves that as it is.
    if (latest == kept || (latest->writes != kept->writes && Leads(kept->writes, latest->writes))) return;
    grows = !std::all_of(kept->programs.begin(), kept->programs.end(),
                         [&](const auto& program) { return latest->programs.contains(program.first); });
    if (latest->writes == kept->writes) {
      // Two who read other programs at one time.
      auto both = std::make_shared<Kept>(*kept);
      both->programs.insert(latest->programs.begin(), latest->programs.end());
      kept = std::move(both);
      there.pop_back();
    }
  }
  there.push_back(std::move(kept));
  if (there.size() > kMostTimes) there.pop_front();
  if (grows) MakeRoom();
}

void KeptMembers::MakeRoom() {
  size_t members = 0;
  std::map<uint64_t, std::pair<std::string, std::string>> by_age;
  for (const auto& [consortium, times] : kept_) {
    for (const auto& [program, pool] : times.back()->programs) {
      members += pool->list().size();
      by_age[asked_[{consortium, program}]] = {consortium, program};
    }
  }
  for (auto oldest = by_age.begin(); members > most_ && oldest != by_age.end(); ++oldest) {
    const auto& [consortium, program] = oldest->second;
    std::deque<Pointer>& times = kept_[consortium];
    auto without = std::make_shared<Kept>(*times.back());
    members -= without->programs[program]->list().size();
    without->programs.erase(program);
    times = {std::move(without)};
    asked_.erase(oldest->second);
  }
}

}  // namespace rematch::mentor::store
