// Who could be asked for a candidate, in which order, and why: from an allow-list of attributes and nothing else. The same roster,
// need, search and day give the same answer, in whatever order the mentors come: a case is ranked as on one day, the day that it began.
#ifndef REMATCH_MENTOR_SERVICE_DOMAIN_RANKING_H_
#define REMATCH_MENTOR_SERVICE_DOMAIN_RANKING_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "mentor-service/domain/members.h"
#include "mentor-service/domain/roster.h"

namespace rematch::mentor {

// What a candidate needs of a mentor: all that matching reads of a candidate.
struct Need {
  std::string credential;
  std::string grade_band;
  std::vector<std::string> subjects;
  std::string site;
  std::string district;
  bool operator==(const Need&) const = default;
};

// The candidate's need; the district is that of their site.
Need NeedOf(const Roster& roster, const Candidate& candidate);

// The same for needs with the same credential, grade band and subjects, in whatever order, and for no others.
std::string NeedKey(const Need& need);

// Whether enough candidates of the program, this one included, have the same as one need asks for.
struct Crowd {
  bool need = false;        // credential, grade band and subjects
  bool grade_band = false;  // credential and grade band
  bool credential = false;
  friend bool operator==(const Crowd&, const Crowd&) = default;
};

// `need` without site and district, and with subjects, then grade band, then credential left out until enough candidates cannot be told
// from it. Empty if nothing else helps.
Need Coarsen(const Need& need, const Crowd& crowd);

// Values as in rematch.mentor.v1.Tier.
enum class Tier { kOneCandidate = 1, kInterested = 2, kPastMentor = 3 };
enum class Pool { kIndividual = 1, kEverybody = 2 };

// Who counts as experienced: who fits one of the first two, with so many years before.
struct Experience {
  bool mentors_now = true;
  bool mentored_before = true;
  int min_years = 0;
};

// Points for what a mentor brings, which put those of one tier in order.
struct Weights {
  int credential = 0;
  int grade_band = 0;
  int subject = 0;  // each that is needed and covered
  int same_district = 0;
  int free_seat = 0;  // each
};

struct Search {
  Pool pool = Pool::kIndividual;
  std::vector<Tier> tiers;           // empty: all three, in the order of the enum
  std::vector<std::string> order;    // the Leader's: these come first
  std::vector<std::string> exclude;  // not to be listed
  Experience experience;
  std::optional<Weights> weights;
};

struct Ranked {
  std::string mentor;
  int rank = 0;  // from 1; 0 for who is full
  absl::InlinedVector<Tier, 3> tiers;
  bool credential_matches = false;
  bool grade_band_matches = false;
  int subjects_matching = 0;
  bool same_district = false;
  int caseload = 0;
  int held_seats = 0;
  int capacity = 0;
  bool full = false;
  bool placed_by_leader = false;
  bool experienced = false;
  int points = 0;  // by the weights of the search
  std::string explanation;
  bool operator==(const Ranked&) const = default;
};

bool IsExperienced(const Mentor& mentor, const Experience& experience = {});
// Whom to leave out of an individual search beside `search.exclude`, in the words of the policy: who has no experience, retired, opted out,
// is no member of the program, is the mentor of record, supervises the site, is of a district that does not share with the site's, is not
// to be paired with the candidate, or leads the program (they are the last stage).
bool InIndividualPool(const Roster& roster, const Mentor& mentor, const Program& program, const Candidate& candidate,
                      const Experience& experience = {});
// Every active member who does not supervise the site, whose district shares with the site's, and who may be paired with the candidate.
// Opting out is of individual approaches.
bool InEverybodyPool(const Roster& roster, const Mentor& mentor, const Program& program, const Candidate& candidate);
// The tiers of `wanted` that apply, in that order.
absl::InlinedVector<Tier, 3> TiersOf(const Mentor& mentor, absl::Span<const Tier> wanted);

inline constexpr size_t kAll = std::numeric_limits<size_t>::max();

// The pool of a search for a candidate, the best first, those who are full last. Reads what it was made of, which must outlive it.
class Ranking {
 public:
  // Of the members of the program in `roster`: those of its pool, as its mentors say where they are there, and those mentors who are in no
  // pool. `day`: an instant of the day whose tie-breaks count. Only the `described` best are put in order.
  Ranking(const Roster& roster, const Program& program, const Candidate& candidate, const Search& search, absl::Time day,
          size_t described = kAll);

  // Of the whole pool.
  size_t size() const { return standings_.size(); }
  size_t can_be_asked() const { return can_be_asked_; }
  // Who stands at this place, counted from 0 and below `described`.
  const Mentor& At(size_t place) const { return *standings_[place].mentor; }
  // Likewise; into what `ranked` has room for already.
  enum class Words { kNone, kExplanation };
  void Describe(size_t place, Words words, Ranked& ranked) const;

 private:
  // What decides where somebody stands; the smaller comes first.
  struct Standing {
    const Mentor* mentor;
    uint32_t by_leader;  // the place that the Leader gave them; for who is full, behind everybody's
    uint32_t tier;
    int64_t points;  // below 0
    uint64_t merit;
    uint64_t tie;
  };
  bool InPool(const Mentor& mentor) const;
  void Add(const Mentor& mentor, uint64_t tie);
  void Sort(size_t described);

  const Roster& roster_;
  const Program& program_;
  const Candidate& candidate_;
  const Search& search_;
  const Need need_;
  absl::flat_hash_map<absl::string_view, uint32_t> order_;
  absl::flat_hash_set<absl::string_view> exclude_;
  std::vector<Standing> standings_;
  size_t can_be_asked_ = 0;
  Ranked measured_;  // of the one who is added
};

// All of a ranking, described.
std::vector<Ranked> Rank(const Roster& roster, const Program& program, const Candidate& candidate, const Search& search, absl::Time day);
// One mentor described as in Rank(), whether or not they are in a pool; rank 0.
Ranked Describe(const Mentor& mentor, const Need& need, const Search& search);

}  // namespace rematch::mentor

#endif  // REMATCH_MENTOR_SERVICE_DOMAIN_RANKING_H_
