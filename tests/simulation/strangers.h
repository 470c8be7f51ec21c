// People where they have no right to be: who leads one program and tries a case, a task or a candidate of another, of this consortium or of
// one in which everybody has the same ids; a candidate and the case of another. What is not theirs is not there (F21, F36). And leaders
// where they have one: their lists hold what is theirs, all of it and nothing else.
#ifndef REMATCH_TESTS_SIMULATION_STRANGERS_H_
#define REMATCH_TESTS_SIMULATION_STRANGERS_H_

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "tests/simulation/invariants.h"
#include "tests/simulation/meetings.h"
#include "tests/simulation/processes.h"

namespace rematch::simulation {

class Strangers {
 public:
  // The processes are what can be reached: null when nobody answers.
  Strangers(Chance& chance, const Invariants& invariants, Meetings& meetings, std::function<RequestProcess*()> request,
            std::function<MentorProcess*()> mentor, std::function<void(std::string_view)> tell)
      : chance_(chance),
        invariants_(invariants),
        meetings_(meetings),
        request_(std::move(request)),
        mentor_(std::move(mentor)),
        tell_(std::move(tell)) {}

  // Each does one thing, or finds nothing to do.
  void Try();
  void LookAtLists();

  // Who got what is not theirs, in words, or "".
  const std::string& broken() const { return broken_; }

 private:
  struct Program {
    std::string consortium;
    std::string id;
    std::string name() const { return request::ProgramName(consortium, id); }
  };
  // Somebody, and whom they are no stranger to.
  struct Person {
    rpc::Caller caller;
    std::string consortium;
    std::set<std::string> leads;  // programs
  };
  struct Attempt {
    std::string what;
    Meeting meeting = Meeting::kStrangerInCase;
  };

  std::optional<Program> AnyProgram();
  std::optional<Person> AnyLeader();
  // Who leads no such program; nobody if all do.
  std::optional<Person> StrangerTo(const Program& program);

  void TryCase();
  void TryRoster();
  void ReadCase(const rpc::Caller& caller, const Shadow& shadow);
  void ChangeCase(const rpc::Caller& caller, const Shadow& shadow);

  // Calls as `caller`; the answer, now or when a batch commits it, must be that there is nothing.
  template <typename Response, typename Request>
  void Ask(const rpc::Caller& caller, void (request::Reassignments::*method)(const rpc::Call&, const Request&, rpc::Done<Response>),
           Request request);
  template <typename Response, typename Request>
  void Ask(const rpc::Caller& caller, absl::StatusOr<Response> (request::Reassignments::*method)(const rpc::Call&, const Request&),
           const Request& request);
  template <typename Response, typename Request>
  void ReadRoster(const Person& person, const Request& request);
  template <typename Response, typename Request>
  void ChangeRoster(const Person& person, Request request);
  void JudgeCase(const Attempt& attempt, const absl::Status& status);
  void JudgeRoster(const Attempt& attempt, const absl::Status& status);
  void Break(std::string_view what);

  // The names in all pages of a list; nothing if one did not come.
  std::optional<std::set<std::string>> ListCases(const rpc::Caller& caller, const Program& program, bool open_only);
  std::optional<std::set<std::string>> ListTasks(const rpc::Caller& caller, const Program& program);
  void CompareLists(const Person& leader, const Program& program);
  void CompareRoster(const Person& leader, const Program& program);

  Chance& chance_;
  const Invariants& invariants_;
  Meetings& meetings_;
  const std::function<RequestProcess*()> request_;
  const std::function<MentorProcess*()> mentor_;
  const std::function<void(std::string_view)> tell_;
  int requests_ = 0;
  std::string broken_;
  Attempt attempt_;  // the one that is being made
};

}  // namespace rematch::simulation

#endif  // REMATCH_TESTS_SIMULATION_STRANGERS_H_
