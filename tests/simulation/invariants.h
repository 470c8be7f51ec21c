// What must hold after every step, read from the stores as they are, beside the services and their faults.
#ifndef REMATCH_TESTS_SIMULATION_INVARIANTS_H_
#define REMATCH_TESTS_SIMULATION_INVARIANTS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mentor-service/domain/roster.h"
#include "platform/sql/database.h"
#include "request-service/domain/case.pb.h"
#include "request-service/store/case_command.h"
#include "tests/simulation/meetings.h"
#include "tests/simulation/post_office.h"

namespace rematch::simulation {

// A case as its events tell it.
struct Shadow {
  request::CaseKey key;
  request::Case c;
  int64_t events = 0;
  std::string head;
  bool call_agreed = false;  // and the swap that it leads to has not been refused
  bool swapped = false;
  int64_t roster_position = 0;       // up to where the roster's feed was followed when the case was opened
  std::set<std::string> to_current;  // offers of a broadcast that went to the mentor of record of then, as the leader chose (F20)
  std::set<std::string> not_given;   // seats that were refused: a copy of the call that is late may be granted, until somebody looks
};

// What the stores said of one consortium, now and before.
struct Consortium {
  mentor::Roster roster;
  std::map<std::string, std::set<std::string>> members;  // by program: the mentors who are of it or once were
  std::set<std::string> ended;                           // assignments
  std::set<std::string> left;                            // candidates whose mentor left
};

class Invariants {
 public:
  // `tell`: each event of a case, in words.
  Invariants(sql::Database& mentor, sql::Database& request, sql::Database& notify, PostOffice& post, Meetings& meetings,
             std::function<void(std::string_view)> tell)
      : mentor_(mentor), request_(request), notify_(notify), post_(post), meetings_(meetings), tell_(std::move(tell)) {}

  // That there is a consortium, whose roster was saved.
  void Expect(const std::string& consortium) { consortia_[consortium]; }
  // What programs go by that have published none, as its hash.
  void ExpectPolicy(std::string service_policy) { service_policy_ = std::move(service_policy); }

  // What is broken, in words, or "".
  const std::string& broken() const { return broken_; }

  // After every step in which something was committed: the cases that changed, the roster, and the feeds.
  void CheckCases();
  // `commits`: how many there were since.
  void CheckRoster(int64_t commits);
  void CheckFeeds();
  // F11, F12: what is of candidates and of no case.
  void CheckLetters();
  // While nothing goes wrong, nothing is under way and nothing is due: between the steps of people. `reconciled`: what only the reconciler
  // can know has been settled as well.
  void CheckQuiet(bool reconciled);
  // Once nothing will happen by itself any more.
  void CheckAtRest();

  const std::map<std::string, Shadow>& cases() const { return cases_; }
  // By id.
  const std::map<std::string, Consortium>& consortia() const { return consortia_; }
  // Of the program that the case belongs to, whatever the case says of itself: those who lead it, by name.
  std::vector<std::string> LeadersFor(const request::CaseKey& key) const;
  // Every event that was seen, by its type.
  const std::map<std::string, int64_t>& seen() const { return seen_; }

 private:
  void Must(bool holds, std::string_view what);
  void CheckCase(const request::CaseKey& key);
  void CheckEvent(const Shadow& before, const request::Event& event);
  // F36: who leads the case, and whose its tasks are, is of its own program.
  void CheckBelongs(const Shadow& shadow);
  // F15: a case begins with the policy that its program went by.
  void CheckPolicy(const Shadow& shadow);
  void CheckRosterOf(const std::string& id, Consortium& consortium, int64_t commits);
  // F36: no matter how many programs share a mentor, there is one capacity.
  void CheckShared(const std::string& id, const Consortium& consortium);
  // Whether the mentor is of the case's program, or once was.
  bool WasMember(const request::CaseKey& key, const std::string& mentor) const;
  void CheckSeats(bool reconciled);
  void CheckDeadlines(const Shadow& shadow, bool reconciled);
  // Keeps who has no mentor because theirs left.
  void NoteWhoIsLeft(Consortium& consortium, const std::vector<mentor::Assignment>& assignments, const mentor::Roster& before,
                     int64_t commits);
  void CheckNotes();
  void CheckMailAtRest();
  // F36: a mail speaks for the program of its case.
  void CheckSenders();
  void CheckTasksOfCandidates();
  // What the answers to letters came to.
  void CheckConcerns();
  void CheckLettersAtRest();
  // Rows of a query that cannot fail.
  std::vector<sql::Row> Query(sql::Database& database, std::string_view statement, const std::vector<sql::Value>& values = {});

  sql::Database& mentor_;
  sql::Database& request_;
  sql::Database& notify_;
  PostOffice& post_;
  Meetings& meetings_;
  const std::function<void(std::string_view)> tell_;
  std::string broken_;
  std::string service_policy_;
  std::map<std::string, Shadow> cases_;  // by name
  std::map<std::string, Consortium> consortia_;
  std::map<std::string, int64_t> seen_;
  int64_t roster_feed_ = 0;                             // the last position seen
  int64_t delivery_feed_ = 0;                           // likewise
  std::map<std::string, std::vector<int64_t>> states_;  // of messages, by key, as the feed told them
};

}  // namespace rematch::simulation

#endif  // REMATCH_TESTS_SIMULATION_INVARIANTS_H_
