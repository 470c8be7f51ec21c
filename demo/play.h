// A case as its people play it: the candidate, the Leader, the mentors who read their mail and answer with its code. Each act is an
// RPC as its person would make it, and each wait looks at the services until what is waited for is there.
//
//   Play play({.suite = suite, .directory = directory, .candidate = candidate, .key = "a"});
//   RETURN_IF_ERROR(play.Open("..."));
//   RETURN_IF_ERROR(play.Proceed());
//   ASSIGN_OR_RETURN(auto offer, play.AwaitApproach());
//   RETURN_IF_ERROR(play.Answer(offer, request::v1::NOT_NOW));
//
// Acts survive a service that is killed and comes back: they are repeated with the same request id. Errors say which act it was.
#ifndef REMATCH_DEMO_PLAY_H_
#define REMATCH_DEMO_PLAY_H_

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "demo/directory.h"
#include "demo/mail.h"
#include "demo/suite.h"

namespace rematch::demo {

// Who hears what happens. Called from the playing thread.
class Narrator {
 public:
  virtual ~Narrator() = default;
  // One line for people.
  virtual void Say(const std::string& line) {}
  // A moment between two steps: an act or a wait begins, or a wait has just seen something new.
  virtual void Moment() {}
};

class Play {
 public:
  struct Options {
    Suite& suite;
    Directory& directory;  // read anew when somebody joins
    Narrator& narrator;
    std::string candidate;
    // Begins every request id; different for every play of a suite.
    std::string key;
    // How long anything that is waited for may take.
    absl::Duration patience = absl::Seconds(20);
    // A person's mail; by default what their Maildir holds.
    std::function<std::vector<Mail>(const std::string& address)> mail_of = {};
  };
  explicit Play(Options options);

  // Acts of the candidate and of the Leader.
  absl::Status Open(const std::string& reasons);
  absl::Status Proceed(const std::string& note = "", const std::vector<std::string>& strike = {});
  absl::Status Confirm(const request::v1::Offer& offer, const std::string& note = "");
  absl::Status RecordCall(const request::v1::Task& task, request::v1::CallOutcome outcome, const std::string& note = "");
  absl::Status OpenBroadcast(bool include_current_mentor);
  absl::Status RecordConsent(bool consents);
  absl::StatusOr<request::v1::Person> Recommend(const mentor::v1::Contact& contact);
  absl::Status Qualify(const request::v1::Person& person, const mentor::v1::Mentor& attributes, const std::string& note = "");
  absl::Status Dismiss(const request::v1::Person& person, const std::string& note = "");
  absl::Status Take();
  absl::Status SendClosingNote();
  absl::Status Pause(const std::string& note = "");
  absl::Status Resume(const std::string& note = "");
  absl::Status SkipStage(const std::string& note);
  absl::Status Revive(const request::v1::Offer& offer, const std::string& note = "");
  // The Leader has heard that the message by which this mentor was asked came back.
  absl::Status ReportBounce(const request::v1::Offer& offer);
  // Before there is a case: the program follows another policy from now on, its candidates are asked how it goes, and this one answers with
  // the code of their letter.
  absl::StatusOr<request::v1::PolicyVersion> Publish(const request::v1::EscalationPolicy& policy);
  absl::StatusOr<request::v1::Survey> SendSurvey();
  absl::Status AnswerSurvey(int relationship_quality, const std::string& words);
  // The candidate agreed that a case is opened out of their concern.
  absl::Status OpenFromConcern(const std::string& concern);
  // Of the roster, as the Leader keeps it. `closure`: the one holiday of the program's calendar, as `2026-12-24`.
  absl::Status CloseOn(const std::string& closure);
  absl::Status Retire(const std::string& mentor);
  absl::Status Assign(const std::string& candidate, const std::string& mentor);

  // A mentor answers with the code that stands in the newest message which they have not answered yet.
  absl::Status Answer(const request::v1::Offer& offer, request::v1::OfferAnswer answer,
                      const std::optional<mentor::v1::Contact>& referral = std::nullopt,
                      request::v1::RespondToOfferResponse::Result result = request::v1::RespondToOfferResponse::RECORDED);

  // Waits for the next mentor to be asked alone. FAILED_PRECONDITION when two are asked at once (F17).
  absl::StatusOr<request::v1::Offer> AwaitApproach();
  absl::StatusOr<request::v1::Offer> AwaitOffer(const std::string& name, request::v1::OfferState state);
  // The offers of a broadcast, once all of them are open.
  absl::StatusOr<std::vector<request::v1::Offer>> AwaitBroadcast();
  // An open task of this kind that was not handed out before.
  absl::StatusOr<request::v1::Task> AwaitTask(request::v1::TaskKind kind);
  // The first of these kinds of which a task opens.
  absl::StatusOr<request::v1::Task> AwaitAnyTask(const std::set<request::v1::TaskKind>& kinds);
  // The open tasks of this kind that are of a candidate and of no case, once there are any.
  absl::StatusOr<std::vector<request::v1::Task>> AwaitTasksOfCandidates(request::v1::TaskKind kind);
  // That none of this kind is left.
  absl::Status AwaitNoTaskOfCandidates(request::v1::TaskKind kind);
  absl::Status AwaitState(request::v1::CaseState state);
  absl::Status AwaitStage(request::v1::StageKind stage);
  // Unread mail of this address whose subject is the template's.
  absl::StatusOr<Mail> AwaitMail(const std::string& address, const std::string& subject);
  // An event of this type in the trail.
  absl::Status AwaitEvent(const std::string& type);
  // Whether this mentor is reminded before their window ends. The offer must be open.
  absl::StatusOr<bool> AwaitReminder(const request::v1::Offer& offer);
  // No task is open, and no message of the case is under way.
  absl::Status AwaitQuiet();

  absl::StatusOr<request::v1::Reassignment> Get();
  absl::StatusOr<std::vector<request::v1::Offer>> Offers();
  absl::StatusOr<std::vector<request::v1::Task>> Tasks(bool open_only);
  absl::StatusOr<std::vector<request::v1::Person>> People();
  absl::StatusOr<std::vector<request::v1::ReassignmentEvent>> Events();
  absl::StatusOr<std::vector<request::v1::Disclosure>> Disclosures();
  // Messages of this case, the oldest first, with bodies.
  absl::StatusOr<std::vector<notify::v1::Notification>> Messages();

  // Reads the roster anew.
  absl::Status Reload();

  const std::string& case_name() const { return case_name_; }
  const std::string& candidate() const { return options_.candidate; }
  const std::string& former_mentor() const { return former_mentor_; }
  const mentor::v1::Program& program() const { return options_.directory.ProgramOf(options_.candidate); }
  std::string NameOf(const std::string& resource) const { return options_.directory.NameOf(resource); }
  Suite& suite() const { return options_.suite; }
  const Directory& directory() const { return options_.directory; }
  Narrator& narrator() const { return options_.narrator; }
  Caller leader() const;
  // What somebody has in their mailbox.
  std::vector<Mail> MailOf(const std::string& address) const;

  // The end of the open offer's window is another than it was.
  absl::StatusOr<request::v1::Offer> AwaitMovedWindow(const request::v1::Offer& before);

  // Waits until `found` has a value or fails. DEADLINE_EXCEEDED, saying what was waited for and where the case stands.
  template <typename T>
  absl::StatusOr<T> Await(const std::string& what, std::function<absl::StatusOr<std::optional<T>>()> found);

 private:
  // What is in the mailboxes of mentors was not written for this case.
  void PassOverOldMail();
  // A write with a request id of its own.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Act(const std::string& act, const Caller& who,
                               grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), Request request);

  absl::StatusOr<std::vector<request::v1::Task>> TasksOfCandidates(request::v1::TaskKind kind);

  const Options options_;
  std::string case_name_;
  std::string former_mentor_;
  int acts_ = 0;
  std::set<std::string> seen_offers_;
  std::set<std::string> seen_tasks_;
  std::set<std::string> read_mail_;  // Message-IDs
};

}  // namespace rematch::demo

#endif  // REMATCH_DEMO_PLAY_H_
