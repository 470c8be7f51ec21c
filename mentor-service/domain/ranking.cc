#include "mentor-service/domain/ranking.h"

#include <algorithm>
#include <limits>
#include <set>
#include <tuple>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "platform/ids.h"

namespace rematch::mentor {
namespace {

const std::vector<Tier>& AllTiers() {
  static const auto* const all = new std::vector<Tier>{Tier::kOneCandidate, Tier::kInterested, Tier::kPastMentor};
  return *all;
}

const std::vector<Tier>& TiersWanted(const Search& search) { return search.tiers.empty() ? AllTiers() : search.tiers; }

bool Applies(Tier tier, const Mentor& mentor) {
  switch (tier) {
    case Tier::kOneCandidate:
      return mentor.assigned == 1;
    case Tier::kInterested:
      return mentor.interested_in_more;
    case Tier::kPastMentor:
      return mentor.assigned == 0 && IsExperienced(mentor);
  }
  return false;
}

std::string Candidates(int count) {
  if (count == 0) return "no candidate";
  return count == 1 ? "one candidate" : absl::StrCat(count, " candidates");
}

// How they stand, then what they cover, where they work and what is free: one sentence for people.
void Explain(const Need& need, const Search& search, Ranked& ranked) {
  std::string& out = ranked.explanation;
  out.clear();
  if (ranked.placed_by_leader) out += "placed here by the Leader; ";
  if (ranked.tiers.empty()) {
    absl::StrAppend(&out, "mentors ", Candidates(ranked.caseload), " now");
  } else if (ranked.tiers.front() == Tier::kOneCandidate) {
    out += "mentors one candidate now";
  } else if (ranked.tiers.front() == Tier::kInterested) {
    absl::StrAppend(&out, "would take more and mentors ", Candidates(ranked.caseload), " now");
  } else {
    out += "mentored before and has no candidate now";
  }
  const bool subjects = ranked.subjects_matching > 0;
  int left = ranked.credential_matches + ranked.grade_band_matches + subjects;
  out += left == 0 ? "; covers nothing of what is needed" : "; covers ";
  const auto behind = [&left] { return --left == 0 ? "" : left == 1 ? " and " : ", "; };
  if (ranked.credential_matches) absl::StrAppend(&out, "the credential", behind());
  if (ranked.grade_band_matches) absl::StrAppend(&out, "the grade band", behind());
  if (subjects)
    absl::StrAppend(&out, ranked.subjects_matching, " of ", need.subjects.size(), need.subjects.size() == 1 ? " subject" : " subjects");
  absl::StrAppend(&out, ranked.same_district ? "; same district; " : "; another district; ", ranked.caseload + ranked.held_seats, " of ",
                  ranked.capacity, ranked.capacity == 1 ? " seat" : " seats", " taken");
  if (search.weights.has_value()) absl::StrAppend(&out, "; ", ranked.points, ranked.points == 1 ? " point" : " points");
  out[0] = static_cast<char>(out[0] - 'a' + 'A');
}

int Points(const Ranked& ranked, const Weights& weights) {
  return weights.credential * ranked.credential_matches + weights.grade_band * ranked.grade_band_matches +
         weights.subject * ranked.subjects_matching + weights.same_district * ranked.same_district +
         weights.free_seat * std::max(0, ranked.capacity - ranked.caseload - ranked.held_seats);
}

bool Leads(const Mentor& mentor, const Program& program) {
  return mentor.id == program.leader.mentor || mentor.id == program.alternate.mentor;
}

// `district`: the candidate's, which is the same for all who are looked at.
bool MayBeAsked(const Roster& roster, const Mentor& mentor, const Program& program, const Candidate& candidate, std::string_view district) {
  return mentor.state == Mentor::State::kActive && Contains(mentor.programs, program.id) &&
         !Contains(mentor.supervised_sites, candidate.site) && DistrictsShare(roster.districts, mentor.district, district) &&
         !Contains(candidate.do_not_pair, mentor.id);
}

bool MayBeAskedAlone(const Mentor& mentor, const Program& program, const Candidate& candidate, const Experience& experience) {
  return !mentor.opted_out && IsExperienced(mentor, experience) && mentor.id != candidate.mentor && !Leads(mentor, program);
}

}  // namespace

Need NeedOf(const Roster& roster, const Candidate& candidate) {
  return {.credential = candidate.credential,
          .grade_band = candidate.grade_band,
          .subjects = candidate.subjects,
          .site = candidate.site,
          .district = std::string(DistrictOf(roster, candidate))};
}

std::string NeedKey(const Need& need) {
  std::vector<std::string> parts = need.subjects;
  std::sort(parts.begin(), parts.end());
  parts.insert(parts.begin(), {need.credential, need.grade_band});
  // None of them holds a line end.
  return absl::BytesToHexString(platform::Sha256(absl::StrJoin(parts, "\n")));
}

Need Coarsen(const Need& need, const Crowd& crowd) {
  Need coarse = need;
  coarse.site.clear();
  coarse.district.clear();
  if (crowd.need) return coarse;
  coarse.subjects.clear();
  if (crowd.grade_band) return coarse;
  coarse.grade_band.clear();
  if (crowd.credential) return coarse;
  coarse.credential.clear();
  return coarse;
}

bool IsExperienced(const Mentor& mentor, const Experience& experience) {
  const bool before = mentor.has_mentored || mentor.years_mentored > 0;
  return ((experience.mentors_now && mentor.assigned > 0) || (experience.mentored_before && before)) &&
         mentor.years_mentored >= experience.min_years;
}

bool InEverybodyPool(const Roster& roster, const Mentor& mentor, const Program& program, const Candidate& candidate) {
  return MayBeAsked(roster, mentor, program, candidate, DistrictOf(roster, candidate));
}

bool InIndividualPool(const Roster& roster, const Mentor& mentor, const Program& program, const Candidate& candidate,
                      const Experience& experience) {
  return InEverybodyPool(roster, mentor, program, candidate) && MayBeAskedAlone(mentor, program, candidate, experience);
}

absl::InlinedVector<Tier, 3> TiersOf(const Mentor& mentor, absl::Span<const Tier> wanted) {
  absl::InlinedVector<Tier, 3> tiers;
  std::copy_if(wanted.begin(), wanted.end(), std::back_inserter(tiers), [&](Tier tier) { return Applies(tier, mentor); });
  return tiers;
}

namespace {

// All of a description but who it is, the rank, what the Leader said and the words.
void Measure(const Mentor& mentor, const Need& need, const Search& search, Ranked& ranked) {
  ranked.rank = 0;
  ranked.tiers = TiersOf(mentor, TiersWanted(search));
  ranked.credential_matches = !need.credential.empty() && Contains(mentor.credentials, need.credential);
  ranked.grade_band_matches = !need.grade_band.empty() && Contains(mentor.grade_bands, need.grade_band);
  ranked.subjects_matching = static_cast<int>(std::count_if(
      need.subjects.begin(), need.subjects.end(), [&](const std::string& subject) { return Contains(mentor.subjects, subject); }));
  ranked.same_district = !need.district.empty() && mentor.district == need.district;
  ranked.caseload = mentor.assigned;
  ranked.held_seats = mentor.held;
  ranked.capacity = mentor.capacity;
  ranked.full = mentor.full();
  ranked.experienced = IsExperienced(mentor, search.experience);
  ranked.points = search.weights.has_value() ? Points(ranked, *search.weights) : 0;
}

// Whoever has the same points: credential, grade band, subjects, district and caseload, each before the next.
uint64_t MeritOf(const Ranked& ranked) {
  uint64_t merit = ranked.credential_matches ? 0 : 1;
  merit = merit << 1 | (ranked.grade_band_matches ? 0 : 1);
  merit = merit << 16 | static_cast<uint16_t>(0xffff - ranked.subjects_matching);
  merit = merit << 1 | (ranked.same_district ? 0 : 1);
  return merit << 32 | static_cast<uint32_t>(ranked.caseload);
}

constexpr uint32_t kFull = std::numeric_limits<uint32_t>::max();
constexpr uint32_t kNotPlaced = kFull - 1;

}  // namespace

Ranked Describe(const Mentor& mentor, const Need& need, const Search& search) {
  Ranked ranked;
  Measure(mentor, need, search, ranked);
  ranked.mentor = mentor.id;
  ranked.placed_by_leader = !ranked.full && Contains(search.order, mentor.id);
  Explain(need, search, ranked);
  return ranked;
}

Ranking::Ranking(const Roster& roster, const Program& program, const Candidate& candidate, const Search& search, absl::Time day,
                 size_t described)
    : roster_(roster), program_(program), candidate_(candidate), search_(search), need_(NeedOf(roster, candidate)) {
  for (const std::string& id : search.order) order_.emplace(id, static_cast<uint32_t>(order_.size()));
  exclude_.insert(search.exclude.begin(), search.exclude.end());
  const Members& pool = roster.PoolOf(program.id);
  const std::shared_ptr<const std::vector<uint64_t>> ties = pool.TiesOn(day);
  for (size_t i = 0; i < pool.list().size(); ++i) {
    const Mentor* const now = roster.mentors.Find(pool.list()[i]->id);
    const Mentor& mentor = now != nullptr ? *now : *pool.list()[i];
    if (InPool(mentor)) Add(mentor, (*ties)[i]);
  }
  for (const std::string& id : roster.mentors.MembersOf(program.id)) {
    const Mentor& mentor = *roster.mentors.Find(id);
    if (!pool.Has(id) && InPool(mentor)) Add(mentor, TieBreak(id, day));
  }
  Sort(described);
}

bool Ranking::InPool(const Mentor& mentor) const {
  if (exclude_.contains(mentor.id)) return false;
  if (!MayBeAsked(roster_, mentor, program_, candidate_, need_.district)) return false;
  return search_.pool == Pool::kEverybody ||
         (MayBeAskedAlone(mentor, program_, candidate_, search_.experience) && !TiersOf(mentor, TiersWanted(search_)).empty());
}

void Ranking::Add(const Mentor& mentor, uint64_t tie) {
  Measure(mentor, need_, search_, measured_);
  Standing standing{
      .mentor = &mentor, .by_leader = kNotPlaced, .tier = kFull, .points = -measured_.points, .merit = MeritOf(measured_), .tie = tie};
  if (measured_.full) {
    standing.by_leader = kFull;
  } else {
    ++can_be_asked_;
    if (const auto placed = order_.find(mentor.id); placed != order_.end()) standing.by_leader = placed->second;
  }
  if (!measured_.tiers.empty()) {
    const std::vector<Tier>& wanted = TiersWanted(search_);
    standing.tier = static_cast<uint32_t>(std::find(wanted.begin(), wanted.end(), measured_.tiers.front()) - wanted.begin());
  }
  standings_.push_back(standing);
}

void Ranking::Sort(size_t described) {
  const auto before = [](const Standing& a, const Standing& b) {
    return std::tie(a.by_leader, a.tier, a.points, a.merit, a.tie, a.mentor->id) <
           std::tie(b.by_leader, b.tier, b.points, b.merit, b.tie, b.mentor->id);
  };
  // A partial sort of all is a heap's, and takes about twice as long.
  if (described >= standings_.size()) return std::sort(standings_.begin(), standings_.end(), before);
  std::partial_sort(standings_.begin(), standings_.begin() + static_cast<ptrdiff_t>(described), standings_.end(), before);
}

void Ranking::Describe(size_t place, Words words, Ranked& ranked) const {
  const Standing& standing = standings_[place];
  Measure(*standing.mentor, need_, search_, ranked);
  ranked.mentor = standing.mentor->id;
  if (!ranked.full) ranked.rank = static_cast<int>(place) + 1;
  ranked.placed_by_leader = standing.by_leader < kNotPlaced;
  ranked.explanation.clear();
  if (words == Words::kExplanation) Explain(need_, search_, ranked);
}

std::vector<Ranked> Rank(const Roster& roster, const Program& program, const Candidate& candidate, const Search& search, absl::Time day) {
  const Ranking ranking(roster, program, candidate, search, day);
  std::vector<Ranked> all(ranking.size());
  for (size_t i = 0; i < all.size(); ++i) ranking.Describe(i, Ranking::Words::kExplanation, all[i]);
  return all;
}

}  // namespace rematch::mentor
