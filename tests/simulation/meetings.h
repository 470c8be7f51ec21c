// Where programs meet, and how often they did in this run.
#ifndef REMATCH_TESTS_SIMULATION_MEETINGS_H_
#define REMATCH_TESTS_SIMULATION_MEETINGS_H_

#include <array>
#include <cstdint>
#include <string_view>

namespace rematch::simulation {

enum class Meeting {
  kSharedCaseload,     // a mentor has candidates of two programs
  kAskedByTwo,         // a mentor's seats are held for two programs
  kFullByTwo,          // the last seat of a mentor went to one of two programs
  kStrangerInCase,     // a case was refused to who leads another program
  kStrangerInRoster,   // likewise candidates, mentors and programs
  kStrangerFromAfar,   // either, to who leads a program of another consortium
  kStrangerCandidate,  // a case was refused to another candidate
  kLists,              // a leader's lists were compared with what is theirs
  kListsOfOthers,      // and with nothing, since the program is not theirs
  kCount,
};

inline constexpr std::array<std::string_view, static_cast<size_t>(Meeting::kCount)> kMeetingNames = {
    "shared caseload",    "asked by two",       "full by two",    "stranger in case", "stranger in roster",
    "stranger from afar", "stranger candidate", "lists compared", "lists of others"};

class Meetings {
 public:
  void Note(Meeting meeting) { ++counts_[static_cast<size_t>(meeting)]; }
  const std::array<int64_t, static_cast<size_t>(Meeting::kCount)>& counts() const { return counts_; }

 private:
  std::array<int64_t, static_cast<size_t>(Meeting::kCount)> counts_ = {};
};

}  // namespace rematch::simulation

#endif  // REMATCH_TESTS_SIMULATION_MEETINGS_H_
