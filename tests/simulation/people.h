// The people around the suite: candidates who ask and withdraw, leaders who work through their tasks or are on holiday, mentors who answer,
// stay silent, answer late or twice, and leave. They use the published calls, and see what those show.
#ifndef REMATCH_TESTS_SIMULATION_PEOPLE_H_
#define REMATCH_TESTS_SIMULATION_PEOPLE_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/simulation/invariants.h"
#include "tests/simulation/post_office.h"
#include "tests/simulation/processes.h"

namespace rematch::simulation {

class People {
 public:
  // The processes are what can be reached: null when nobody answers.
  People(Faults& faults, Invariants& invariants, PostOffice& post, std::function<RequestProcess*()> request,
         std::function<MentorProcess*()> mentor, std::function<NotifyProcess*()> notify, std::function<void(std::string_view)> tell)
      : faults_(faults),
        chance_(faults.chance()),
        invariants_(invariants),
        post_(post),
        request_(std::move(request)),
        mentor_(std::move(mentor)),
        notify_(std::move(notify)),
        tell_(std::move(tell)) {}

  // Programs, by name, whose leaders are on holiday: they do nothing until they are back.
  void SetHoliday(std::set<std::string> programs) { on_holiday_ = std::move(programs); }
  // A policy of the program's own, as its leader publishes it.
  void Publish(const std::string& consortium, const mentor::Program& program);

  // Each does one thing, or finds nothing to do.
  void ActAsCandidate();
  void ActAsLeader();
  void ActAsMentor();
  void ActAsOffice();  // who keeps the roster, and whoever reports a bounce
  void AskAgain();     // somebody who has not seen an answer
  void ActAtRandom();  // a leader who presses anything, whether or not it fits

  // What a leader who wants to come to an end does about everything that is open; false when nothing is.
  bool WorkOff();
  // What was answered twice, and not alike; "" if nothing was.
  const std::string& contradiction() const { return contradiction_; }

 private:
  // A call as this caller, at some replica, perhaps twice: the same request id, so it is done once (F32).
  template <typename Handlers, typename Response, typename Request>
  void Ask(const rpc::Caller& caller, void (Handlers::*method)(const rpc::Call&, const Request&, rpc::Done<Response>), Request request);
  template <typename Handlers, typename Response, typename Request>
  void Deliver(const rpc::Caller& caller, void (Handlers::*method)(const rpc::Call&, const Request&, rpc::Done<Response>),
               const Request& request);
  template <typename Request>
  void AskOfCase(void (request::Reassignments::*method)(const rpc::Call&, const Request&, rpc::Done<request::v1::Reassignment>),
                 const std::string& name, std::optional<rpc::Caller> caller = std::nullopt);
  template <typename Response, typename Request>
  void ChangeRoster(Request request);

  // Presses what takes up an answer that came too late, if there is one.
  bool TakeUpALateYes();
  // Does what the task asks for. `to_the_end`: nothing that leaves it open.
  void Do(const Shadow& shadow, const request::Task& task, bool to_the_end);
  void DoSomethingElse(const Shadow& shadow);
  void Migrate(const Shadow& shadow);
  void ReplyTo(Mail& mail);
  // To a survey, by one of the two.
  void AnswerSurvey(const std::string& reply_code, const std::string& name, const rpc::Caller& caller);
  void SendSurvey();
  // Does one of the tasks that are of a candidate and of no case, or all of them; false when there are none.
  bool DoTasksOfCandidates(bool to_the_end);
  void DoOfCandidate(const request::v1::Task& task, bool to_the_end);
  rpc::Caller Leader(const request::Case& c) const;
  std::string AnyMentor(const std::string& consortium);
  std::string AnyOffer(const request::Case& c);
  std::string NewRequestId() { return absl::StrCat("p", ++requests_); }
  std::vector<const Shadow*> Open() const;
  bool IsOnHoliday(const Shadow& shadow) const;
  // Any, and the consortium's id with it; null if there is none.
  std::pair<std::string, const mentor::Candidate*> AnyCandidate();

  Faults& faults_;
  Chance& chance_;
  Invariants& invariants_;
  PostOffice& post_;
  const std::function<RequestProcess*()> request_;
  const std::function<MentorProcess*()> mentor_;
  const std::function<NotifyProcess*()> notify_;
  const std::function<void(std::string_view)> tell_;
  std::set<std::string> on_holiday_;
  int requests_ = 0;
  int surveys_ = 0;
  int joined_ = 0;
  std::vector<std::string> policies_;  // names of those that were published, perhaps
  std::vector<std::function<void()>> unanswered_;
  struct Said {
    std::map<std::string, std::string> first;  // by request id
  };
  std::shared_ptr<Said> said_ = std::make_shared<Said>();
  std::string contradiction_;
};

}  // namespace rematch::simulation

#endif  // REMATCH_TESTS_SIMULATION_PEOPLE_H_
