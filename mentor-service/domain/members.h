// The members of a program as they were at one instant, for rankings: shared by those who read them, and never changed.
#ifndef REMATCH_MENTOR_SERVICE_DOMAIN_MEMBERS_H_
#define REMATCH_MENTOR_SERVICE_DOMAIN_MEMBERS_H_

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "mentor-service/domain/roster.h"

namespace rematch::mentor {

// Where mentors stand who are equal in everything else: different every (UTC) day and the same for all candidates, so that no id and no
// name is favoured over time, and two candidates with one need get one order.
uint64_t TieBreak(std::string_view mentor, absl::Time day);

// Thread-safe.
class Members {
 public:
  using List = std::vector<std::shared_ptr<const Mentor>>;

  // `list`: in the order of ids.
  explicit Members(List list) : Members(std::move(list), nullptr) {}
  // What became of `before`: where nobody came or went, its ties are known.
  Members(List list, const Members* before);

  const List& list() const { return list_; }
  bool Has(std::string_view mentor) const;
  // Those that the members are of.
  const std::set<std::string>& districts() const { return districts_; }
  // TieBreak() of each, on the day of this instant. They are the costly part of a ranking, so those of a few days are kept.
  std::shared_ptr<const std::vector<uint64_t>> TiesOn(absl::Time day) const;

 private:
  struct Ties {
    absl::Mutex mutex;
    // By days since the epoch, the latest asked for last.
    std::vector<std::pair<int64_t, std::shared_ptr<const std::vector<uint64_t>>>> kept ABSL_GUARDED_BY(mutex);
  };

  List list_;
  std::set<std::string> districts_;
  std::shared_ptr<Ties> ties_;
};

}  // namespace rematch::mentor

#endif  // REMATCH_MENTOR_SERVICE_DOMAIN_MEMBERS_H_
