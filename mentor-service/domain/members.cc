#include "mentor-service/domain/members.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "platform/ids.h"
#include "platform/strings.h"

namespace rematch::mentor {
namespace {

// Cases are ranked as on the day on which they began: of most programs few began on different days and are being searched for at once.
constexpr size_t kMostDays = 8;

int64_t DayOf(absl::Time time) { return absl::ToUnixSeconds(time) / 86400; }

uint64_t TieBreak(std::string_view mentor, int64_t day) {
  const std::string digest = platform::Sha256(absl::StrCat(ToAbsl(mentor), "\n", day));
  uint64_t place = 0;
  for (int i = 0; i < 8; ++i) place = place << 8 | static_cast<unsigned char>(digest[i]);
  return place;
}

bool SamePeople(const Members::List& a, const Members::List& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& one, const auto& other) { return one == other || one->id == other->id; });
}

}  // namespace

uint64_t TieBreak(std::string_view mentor, absl::Time day) { return TieBreak(mentor, DayOf(day)); }

Members::Members(List list, const Members* before)
    : list_(std::move(list)), ties_(before != nullptr && SamePeople(list_, before->list_) ? before->ties_ : std::make_shared<Ties>()) {
  const std::string* last = nullptr;
  for (const std::shared_ptr<const Mentor>& mentor : list_) {
    if (last != nullptr && *last == mentor->district) continue;
    last = &mentor->district;
    districts_.insert(*last);
  }
}

bool Members::Has(std::string_view mentor) const {
  const auto at =
      std::lower_bound(list_.begin(), list_.end(), mentor, [](const auto& member, std::string_view sought) { return member->id < sought; });
  return at != list_.end() && (*at)->id == mentor;
}

std::shared_ptr<const std::vector<uint64_t>> Members::TiesOn(absl::Time day) const {
  const int64_t wanted = DayOf(day);
  // Who asks for the same day meanwhile waits rather than doing the same.
  absl::MutexLock lock(&ties_->mutex);
  auto& kept = ties_->kept;
  const auto found = std::find_if(kept.begin(), kept.end(), [&](const auto& one) { return one.first == wanted; });
  if (found != kept.end()) {
    std::rotate(found, found + 1, kept.end());
    return kept.back().second;
  }
  auto ties = std::make_shared<std::vector<uint64_t>>();
  ties->reserve(list_.size());
  for (const std::shared_ptr<const Mentor>& mentor : list_) ties->push_back(TieBreak(mentor->id, wanted));
  if (kept.size() == kMostDays) kept.erase(kept.begin());
  kept.emplace_back(wanted, ties);
  return ties;
}

}  // namespace rematch::mentor
