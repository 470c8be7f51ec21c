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
std::string Explain(const Ranked& ranked, const Need& need, const Search& search) {
  std::vector<std::string> parts;
  if (ranked.placed_by_leader) parts.push_back("placed here by the Leader");
  if (ranked.tiers.empty()) {
    parts.push_back(absl::StrCat("mentors ", Candidates(ranked.caseload), " now"));
  } else if (ranked.tiers.front() == Tier::kOneCandidate) {
    parts.push_back("mentors one candidate now");
  } else if (ranked.tiers.front() == Tier::kInterested) {
    parts.push_back(absl::StrCat("would take more and mentors ", Candidates(ranked.caseload), " now"));
  } else {
    parts.push_back("mentored before and has no candidate now");
  }
  std::vector<std::string> covered;
  if (ranked.credential_matches) covered.push_back("the credential");
  if (ranked.grade_band_matches) covered.push_back("the grade band");
  if (!need.subjects.empty() && ranked.subjects_matching > 0) {
    covered.push_back(
        absl::StrCat(ranked.subjects_matching, " of ", need.subjects.size(), need.subjects.size() == 1 ? " subject" : " subjects"));
  }
  if (covered.empty()) {
    parts.push_back("covers nothing of what is needed");
  } else {
    const std::string last = covered.back();
    covered.pop_back();
    parts.push_back(absl::StrCat("covers ", absl::StrJoin(covered, ", "), covered.empty() ? "" : " and ", last));
  }
  parts.push_back(ranked.same_district ? "same district" : "another district");
  parts.push_back(
      absl::StrCat(ranked.caseload + ranked.held_seats, " of ", ranked.capacity, ranked.capacity == 1 ? " seat" : " seats", " taken"));
  if (search.weights.has_value()) parts.push_back(ranked.points == 1 ? "1 point" : absl::StrCat(ranked.points, " points"));
  std::string sentence = absl::StrJoin(parts, "; ");
  sentence[0] = static_cast<char>(sentence[0] - 'a' + 'A');
  return sentence;
}

int Points(const Ranked& ranked, const Weights& weights) {
  return weights.credential * ranked.credential_matches + weights.grade_band * ranked.grade_band_matches +
         weights.subject * ranked.subjects_matching + weights.same_district * ranked.same_district +
         weights.free_seat * std::max(0, ranked.capacity - ranked.caseload - ranked.held_seats);
}

bool Leads(const Mentor& mentor, const Program& program) {
  return mentor.id == program.leader.mentor || mentor.id == program.alternate.mentor;
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
  return mentor.state == Mentor::State::kActive && Contains(mentor.programs, program.id) &&
         !Contains(mentor.supervised_sites, candidate.site) &&
         DistrictsShare(roster.districts, mentor.district, DistrictOf(roster, candidate)) && !Contains(candidate.do_not_pair, mentor.id);
}

bool InIndividualPool(const Roster& roster, const Mentor& mentor, const Program& program, const Candidate& candidate,
                      const Experience& experience) {
  return InEverybodyPool(roster, mentor, program, candidate) && !mentor.opted_out && IsExperienced(mentor, experience) &&
         mentor.id != candidate.mentor && !Leads(mentor, program);
}

std::vector<Tier> TiersOf(const Mentor& mentor, const std::vector<Tier>& wanted) {
  std::vector<Tier> tiers;
  std::copy_if(wanted.begin(), wanted.end(), std::back_inserter(tiers), [&](Tier tier) { return Applies(tier, mentor); });
  return tiers;
}

uint64_t TieBreak(std::string_view mentor, absl::Time day) {
  const std::string digest =
      platform::Sha256(absl::StrCat(absl::string_view(mentor.data(), mentor.size()), "\n", absl::ToUnixSeconds(day) / 86400));
  uint64_t place = 0;
  for (int i = 0; i < 8; ++i) place = place << 8 | static_cast<unsigned char>(digest[i]);
  return place;
}

// All of a description but the words.
Ranked Measure(const Mentor& mentor, const Need& need, const Search& search) {
  Ranked ranked;
  ranked.mentor = mentor.id;
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
  ranked.placed_by_leader = !mentor.full() && Contains(search.order, mentor.id);
  ranked.experienced = IsExperienced(mentor, search.experience);
  if (search.weights.has_value()) ranked.points = Points(ranked, *search.weights);
  return ranked;
}

Ranked Describe(const Mentor& mentor, const Need& need, const Search& search) {
  Ranked ranked = Measure(mentor, need, search);
  ranked.explanation = Explain(ranked, need, search);
  return ranked;
}

std::vector<Ranked> Rank(const Roster& roster, const Program& program, const Candidate& candidate, const Search& search, absl::Time day,
                         size_t explained) {
  const Need need = NeedOf(roster, candidate);
  const std::vector<Tier>& wanted = TiersWanted(search);
  const std::set<std::string_view> exclude(search.exclude.begin(), search.exclude.end());
  constexpr size_t kNowhere = std::numeric_limits<size_t>::max();
  struct Place {
    Ranked ranked;
    size_t by_leader;
    size_t tier;
    uint64_t tie;
    auto Key() const {
      return std::make_tuple(ranked.full, by_leader, tier, -ranked.points, !ranked.credential_matches, !ranked.grade_band_matches,
                             -ranked.subjects_matching, !ranked.same_district, ranked.caseload, tie, std::string_view(ranked.mentor));
    }
  };
  std::vector<Place> places;
  for (const std::string& id : roster.mentors.MembersOf(program.id)) {
    const Mentor& mentor = *roster.mentors.Find(id);
    if (exclude.contains(id)) continue;
    const bool individual = search.pool == Pool::kIndividual;
    if (!(individual ? InIndividualPool(roster, mentor, program, candidate, search.experience)
                     : InEverybodyPool(roster, mentor, program, candidate))) {
      continue;
    }
    Place place{.ranked = Measure(mentor, need, search), .by_leader = kNowhere, .tier = kNowhere, .tie = TieBreak(id, day)};
    if (individual && place.ranked.tiers.empty()) continue;
    if (place.ranked.placed_by_leader) {
      place.by_leader = static_cast<size_t>(std::find(search.order.begin(), search.order.end(), id) - search.order.begin());
    }
    if (!place.ranked.tiers.empty()) {
      place.tier = static_cast<size_t>(std::find(wanted.begin(), wanted.end(), place.ranked.tiers.front()) - wanted.begin());
    }
    places.push_back(std::move(place));
  }
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) { return a.Key() < b.Key(); });
  std::vector<Ranked> ranking;
  ranking.reserve(places.size());
  for (Place& place : places) {
    if (!place.ranked.full) place.ranked.rank = static_cast<int>(ranking.size()) + 1;
    if (ranking.size() < explained) place.ranked.explanation = Explain(place.ranked, need, search);
    ranking.push_back(std::move(place.ranked));
  }
  return ranking;
}

}  // namespace rematch::mentor
