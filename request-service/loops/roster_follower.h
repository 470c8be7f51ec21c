// Follows the roster's feed of mentor-service (F1, F33, F37): a candidate who is new, who left or has another mentor, a mentor who left,
// two who are not to be paired any more, a program with another calendar or other leaders. What a change was is history by the time that it
// is read here, so cases are told what is so now.
#ifndef REMATCH_REQUEST_SERVICE_LOOPS_ROSTER_FOLLOWER_H_
#define REMATCH_REQUEST_SERVICE_LOOPS_ROSTER_FOLLOWER_H_

#include <map>
#include <string>
#include <vector>

#include "rematch/mentor/v1/resources.pb.h"
#include "request-service/loops/feed_follower.h"
#include "request-service/loops/peers.h"
#include "request-service/loops/task_terms.h"
#include "request-service/store/calendar_store.h"
#include "request-service/store/case_reader.h"
#include "request-service/store/policy_store.h"

namespace rematch::request {

class RosterFollower final : public FeedFollower<mentor::v1::RosterChange> {
 public:
  RosterFollower(CaseDoor& door, CaseReader& reader, WorkStore& work, PolicyStore& policies, CalendarStore& calendars, MentorPeer& mentor,
                 TermsFinder& terms, platform::Metrics& metrics)
      : FeedFollower("roster", door, work, metrics),
        reader_(reader),
        policies_(policies),
        calendars_(calendars),
        mentor_(mentor),
        terms_(terms) {}
  ~RosterFollower() override { StopFollowing(); }

 private:
  using Change = mentor::v1::RosterChange;

  absl::Status Watch(int64_t after, bool follow, absl::FunctionRef<bool(const Change&)> each) override {
    return mentor_.WatchRoster(after, follow, each);
  }
  void StopWatching() override { mentor_.StopWatching(); }
  absl::StatusOr<std::vector<Reported>> CommandsOf(const std::vector<Change>& page) override;

  absl::Status AddMentorLeft(const Change& change, std::vector<Reported>& reported);
  absl::Status AddCalendarChanged(const Change& change, std::vector<Reported>& reported);
  // `welcomes`: what the page has asked of policies so far, by program.
  absl::Status AddNewCandidate(const Change& change, std::map<std::string, bool>& welcomes, std::vector<Reported>& reported);
  // `ids`: of the candidate's name.
  static void AddLetter(const Change& change, const std::vector<std::string>& ids, LetterCommand::What what,
                        std::vector<Reported>& reported);
  // `standing`: when the page was read; knows of what the page adds.
  absl::Status AddOfCandidate(const Change& change, CaseReader::Standing& standing, std::vector<Reported>& reported);
  // The task of whoever leads the program now.
  absl::StatusOr<CandidateTask> MentorLeftTask(const Change& change);

  CaseReader& reader_;
  PolicyStore& policies_;
  CalendarStore& calendars_;
  MentorPeer& mentor_;
  TermsFinder& terms_;
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_LOOPS_ROSTER_FOLLOWER_H_
