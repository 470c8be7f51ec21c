#include "tests/scenario/busy_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <optional>
#include <queue>
#include <random>
#include <set>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "demo/directory.h"
#include "demo/mail.h"
#include "platform/errors.h"
#include "platform/rpc/channel.h"
#include "tests/scenario/busy_check.h"

namespace rematch::scenario {
namespace {

using demo::IdOf;
using demo::MentorStub;
using demo::NotifyStub;
using demo::Part;
using demo::RequestStub;
using request::v1::Offer;
using request::v1::Reassignment;
using request::v1::Task;
using Row = mentor::v1::ImportRosterRequest::Row;

constexpr char kBusy[] = "consortia/busy";
constexpr char kBeside[] = "consortia/beside";  // no cases
constexpr int kMentorsOfProgram = 10;
constexpr absl::Duration kOneTry = absl::Seconds(3);
constexpr absl::Duration kBetweenTries = absl::Milliseconds(20);
constexpr absl::Duration kBetweenLooks = absl::Milliseconds(150);
constexpr absl::Duration kToRest = absl::Seconds(90);

void SetContact(mentor::v1::Contact* contact, const std::string& id) {
  contact->set_display_name(absl::StrCat("Somebody ", id));
  contact->set_email(absl::StrCat(id, "@busy.example"));
  contact->set_phone("+1 310 555 0100");
}

// Programs of one district that share half of their mentors, who have few seats; a former mentor and a leader of each.
std::vector<Row> Roster(int programs, int candidates, std::mt19937& random) {
  std::vector<Row> rows;
  const auto add = [&](const std::string& file) -> Row& {
    Row& row = rows.emplace_back();
    row.set_file(file);
    row.set_line(static_cast<int>(rows.size()));
    return row;
  };
  auto& district = *add("sites.csv").mutable_district();
  district.set_id("d1");
  district.set_display_name("Busy Unified");
  SetContact(district.mutable_representative(), "district");
  auto& site = *add("sites.csv").mutable_site();
  site.set_id("s1");
  site.set_display_name("Busy School");
  site.set_district_id("d1");
  SetContact(site.mutable_administrator(), "site");
  const auto mentor = [&](const std::string& id, const std::vector<std::string>& of,
                          int capacity) -> mentor::v1::ImportRosterRequest::MentorRow& {
    auto& row = *add("mentors.csv").mutable_mentor();
    row.set_id(id);
    row.set_district_id("d1");
    for (const std::string& program : of) row.add_program_ids(program);
    row.add_credentials("Single Subject");
    row.add_grade_bands("9-12");
    row.set_capacity(capacity);
    SetContact(row.mutable_contact(), id);
    return row;
  };
  for (int p = 0; p < programs; ++p) {
    const std::string program = absl::StrCat("p", p);
    auto& row = *add("programs.csv").mutable_program();
    row.set_id(program);
    row.set_display_name(absl::StrCat("Busy Induction ", p));
    row.set_time_zone("America/Los_Angeles");
    row.set_leader_id(absl::StrCat("leader-", p));
    row.set_leader_mentor_id(absl::StrCat("m-leader-", p));
    SetContact(row.mutable_leader(), absl::StrCat("leader-", p));
    mentor(absl::StrCat("m-leader-", p), {program}, 6);
    mentor(absl::StrCat("m-former-", p), {program}, 50);
    for (int m = 0; m < kMentorsOfProgram; ++m) {
      std::vector<std::string> of = {program};
      if (m % 2 == 0 && programs > 1) of.push_back(absl::StrCat("p", (p + 1) % programs));
      auto& who = mentor(absl::StrCat("m-", p, "-", m), of, 1 + static_cast<int>(random() % 4));
      who.set_years_mentored(3);
      who.set_interested_in_more(random() % 3 != 0);
    }
  }
  for (int i = 0; i < candidates; ++i) {
    auto& row = *add("candidates.csv").mutable_candidate();
    row.set_id(absl::StrCat("c", i));
    row.set_program_id(absl::StrCat("p", i % programs));
    row.set_site_id("s1");
    row.set_credential("Single Subject");
    row.set_grade_band("9-12");
    row.mutable_enroll_time()->set_seconds(1'756'000'000);
    row.set_mentor_id(absl::StrCat("m-former-", i % programs));
    SetContact(row.mutable_contact(), absl::StrCat("c", i));
  }
  return rows;
}

// How a case is meant to go, as far as people decide it.
enum class Plan {
  kCarryOn,      // until somebody is found, or nobody
  kNobodyWants,  // all mentors say no or nothing: it comes to the leader
  kCloseAtReview,
  kWithdraw,       // at some moment of the search
  kLeaveWithTask,  // the leader stops where a seat is held
};

Plan PlanOf(std::mt19937& random) {
  const unsigned of_100 = random() % 100;
  if (of_100 < 8) return Plan::kCloseAtReview;
  if (of_100 < 20) return Plan::kWithdraw;
  if (of_100 < 30) return Plan::kLeaveWithTask;
  if (of_100 < 45) return Plan::kNobodyWants;
  return Plan::kCarryOn;
}

template <typename Stub>
constexpr Part kPartOf = std::is_same_v<Stub, MentorStub>   ? Part::kMentor
                         : std::is_same_v<Stub, NotifyStub> ? Part::kNotify
                                                            : Part::kRequest;

template <typename Request>
constexpr bool kIsWrite = requires(Request request) {
  request.set_request_id("");
};

// Adds up the calls of all rounds of reconcilers, at all replicas.
absl::StatusOr<double> Rounds(demo::Suite& suite) {
  double rounds = 0;
  for (int replica = 0; replica < suite.replicas(); ++replica) {
    REMATCH_ASSIGN_OR_RETURN(const std::string metrics, suite.Metrics(Part::kMentor, replica));
    for (const absl::string_view line : absl::StrSplit(metrics, '\n')) {
      double count = 0;
      if (absl::StartsWith(line, "rematch_rpc_seconds_count") && absl::StrContains(line, "ListConsortia") &&
          absl::SimpleAtod(line.substr(line.rfind(' ') + 1), &count)) {
        rounds += count;
      }
    }
  }
  return rounds;
}

}  // namespace

// A case with what its people know. Touched by one thread at a time.
struct BusyProgram::Play {
  int number = 0;
  Plan plan = Plan::kCarryOn;
  std::mt19937 random;
  CaseRecord record;
  std::string program;
  int acts = 0;
  int looks = 0;
  int withdraw_at = 0;            // looks
  std::string seen;               // the etag of the last look
  bool look_again = false;        // whatever the etag says
  std::set<std::string> decided;  // offers about which their mentor has made up their mind
  std::set<std::string> late;     // those that are answered when their window has ended
  bool restarted = false;
  bool named_somebody = false;
  bool struck = false;
  std::set<std::string> refused;  // offers that could not be chosen
  std::string end = "never opened";
  std::vector<std::string> wrong;
};

// What is written to a service that the people of cases do not write to, by one thread.
struct BusyProgram::Beside {
  std::vector<std::string> acknowledged;  // names
  std::vector<std::string> wrong;
};

// Everybody who acts. Look() is called for one case by one thread at a time.
class BusyProgram::People {
 public:
  People(const Options& options, std::atomic<int64_t>& acknowledged) : options_(options), acknowledged_(acknowledged) {
    for (const Part part : demo::kParts) services_[part];
  }

  // One call, tried again until it is answered.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(const rpc::Caller& who, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                const Request& request) {
    const absl::Time begin = absl::Now();
    while (true) {
      grpc::ClientContext context;
      rpc::Prepare(context, kOneTry, who);
      Response response;
      const grpc::Status status = (options_.suite.stub<Stub>().*method)(&context, request, &response);
      const bool silence = status.error_code() == grpc::StatusCode::UNAVAILABLE ||
                           status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED ||
                           status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED;
      const absl::Duration took = absl::Now() - begin;
      if (!silence || took >= options_.patience) {
        Waited(kPartOf<Stub>, kIsWrite<Request>, took);
        if (status.ok()) return response;
        return rpc::FromGrpc(status);
      }
      ++tried_again_;
      absl::SleepFor(kBetweenTries);
    }
  }

  void Open(Play& play) {
    request::v1::CreateReassignmentRequest request;
    request.set_parent(play.program);
    request.set_candidate(play.record.candidate);
    request.set_reasons(absl::StrCat("reasons ", play.number));
    auto created = Act(play, {"CANDIDATE", play.record.candidate}, &RequestStub::CreateReassignment, request, "OPENED");
    if (!created.ok()) {
      play.wrong.push_back(absl::StrCat("a case could not be opened: ", created.status().message()));
      return;
    }
    play.record.name = created->name();
    play.record.reasons = request.reasons();
    // F32: not a second one.
    if (play.random() % 8 == 0) {
      auto second = Act(play, Leader(play), &RequestStub::CreateReassignment, request, "");
      if (second.ok()) play.wrong.push_back(absl::StrCat(second->name(), " was opened beside ", created->name()));
    }
  }

  // Does what there is to do; whether the case is to be looked at again.
  bool Look(Play& play) {
    if (play.record.name.empty() || !play.wrong.empty()) return false;
    ++play.looks;
    request::v1::GetReassignmentRequest get;
    get.set_name(play.record.name);
    const auto c = Call(Leader(play), &RequestStub::GetReassignment, get);
    if (!c.ok()) return Give(play, "cannot read the case", c.status());
    const bool ended = c->has_end_time();
    play.end = CaseState_Name(c->state());
    if (ended && c->open_tasks() == 0) return false;
    if (!ended && play.plan == Plan::kWithdraw && play.looks >= play.withdraw_at) {
      request::v1::WithdrawReassignmentRequest request;
      request.set_name(play.record.name);
      const bool by_candidate = play.random() % 2 == 0;
      Act(play, by_candidate ? rpc::Caller{"CANDIDATE", play.record.candidate} : Leader(play), &RequestStub::WithdrawReassignment, request,
          "WITHDRAWN")
          .IgnoreError();
      return play.wrong.empty();
    }
    if (c->etag() == play.seen && !std::exchange(play.look_again, false)) return true;
    play.seen = c->etag();

    if (c->pause_state() != request::v1::NOT_PAUSED) {
      play.look_again = true;
      if (play.random() % 4 == 0) return Resume(play);
    }
    request::v1::ListOffersRequest list_offers;
    list_offers.set_parent(play.record.name);
    const auto offers = Call(Leader(play), &RequestStub::ListOffers, list_offers);
    if (!offers.ok()) return Give(play, "cannot read the offers", offers.status());
    for (const Offer& offer : offers->offers()) Decide(play, offer);
    if (c->pause_state() != request::v1::NOT_PAUSED) return play.wrong.empty();
    if (!ended) Intervene(play, *c, *offers);
    request::v1::ListTasksRequest list_tasks;
    list_tasks.set_parent(play.record.name);
    list_tasks.set_open_only(true);
    list_tasks.set_page_size(1000);
    const auto tasks = Call(Leader(play), &RequestStub::ListTasks, list_tasks);
    if (!tasks.ok()) return Give(play, "cannot read the tasks", tasks.status());
    for (const Task& task : tasks->tasks()) {
      if (play.plan == Plan::kLeaveWithTask && (task.kind() == request::v1::CONFIRM_MATCH || task.kind() == request::v1::CALL_CANDIDATE)) {
        play.end = "left with a task";
        return false;
      }
      Do(play, task, *offers);
    }
    if (!ended && !play.named_somebody && c->stage() == request::v1::RECOMMENDATION && play.random() % 3 == 0) Recommend(play);
    return play.wrong.empty();
  }

  // The leader of some program looks at the list of the day.
  void LookAtTheDay(int program) {
    request::v1::ListTasksRequest request;
    request.set_parent(absl::StrCat(kBusy, "/programs/p", program));
    request.set_open_only(true);
    request.set_page_size(20);
    Call({"PROGRAM_LEADER", absl::StrCat(kBusy, "/leaders/leader-", program)}, &RequestStub::ListTasks, request).status().IgnoreError();
  }

  // Somebody keeps a roster in which nobody has a case: mentor-service is never left in peace.
  void KeepARoster(int number, Beside& beside) {
    mentor::v1::CreateDistrictRequest create;
    create.set_parent(kBeside);
    create.set_district_id(absl::StrCat("d-", number));
    create.mutable_district()->set_display_name("Beside Unified");
    SetContact(create.mutable_district()->mutable_representative(), create.district_id());
    create.set_request_id(absl::StrCat("beside-", number));
    Note(Call({"SERVICE", ""}, &MentorStub::CreateDistrict, create), beside);
    mentor::v1::GetDistrictRequest get;
    get.set_name(absl::StrCat(kBeside, "/districts/", create.district_id()));
    ReadBack(Call({"SERVICE", ""}, &MentorStub::GetDistrict, get), beside);
  }

  // Somebody calls back messages that nobody has sent yet: nor is notify-service.
  void CallBackAMessage(int number, Beside& beside) {
    notify::v1::CancelNotificationRequest cancel;
    cancel.set_name(absl::StrCat(kBeside, "/notifications/n-", number));
    cancel.set_request_id(absl::StrCat("beside-", number));
    Note(Call({"SERVICE", ""}, &NotifyStub::CancelNotification, cancel), beside);
    notify::v1::GetNotificationRequest get;
    get.set_name(cancel.name());
    ReadBack(Call({"SERVICE", ""}, &NotifyStub::GetNotification, get), beside);
  }

  void AddTo(Figures& figures) {
    figures.acknowledged = acknowledged_;
    figures.refused = refused_;
    figures.tried_again = tried_again_;
    absl::MutexLock lock(&mutex_);
    figures.services = services_;
  }

 private:
  static rpc::Caller Leader(const Play& play) { return {"PROGRAM_LEADER", play.record.leader}; }

  static bool Give(Play& play, const std::string& what, const absl::Status& status) {
    play.wrong.push_back(absl::StrCat(play.record.name, ": ", what, ": ", status.ToString()));
    return false;
  }

  template <typename Response>
  void Note(const absl::StatusOr<Response>& written, Beside& beside) {
    if (written.ok()) {
      ++acknowledged_;
      beside.acknowledged.push_back(written->name());
    } else {
      beside.wrong.push_back(absl::StrCat("a write beside the cases was refused: ", written.status().ToString()));
    }
  }
  template <typename Response>
  static void ReadBack(const absl::StatusOr<Response>& read, Beside& beside) {
    if (!read.ok()) beside.wrong.push_back(absl::StrCat("what was written beside the cases cannot be read: ", read.status().ToString()));
  }

  void Waited(Part part, bool write, absl::Duration wait) {
    absl::MutexLock lock(&mutex_);
    Figures::Calls& calls = write ? services_[part].writes : services_[part].reads;
    ++calls.made;
    calls.longest_wait = std::max(calls.longest_wait, wait);
  }

  // A write with a request id of its own, remembered once it is acknowledged. `step` is what KeyOf() calls it; empty if the answer says.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Act(Play& play, const rpc::Caller& who,
                               grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), Request request,
                               const std::string& step) {
    request.set_request_id(absl::StrCat("busy-", play.number, "-", ++play.acts));
    if constexpr (requires(Request r) { r.set_note(""); }) request.set_note(request.request_id());
    absl::StatusOr<Response> response = Call(who, method, request);
    if (!response.ok()) {
      ++refused_;
      // Time and other people may have been first. Everything else is no answer to a request that is right.
      if (!absl::IsFailedPrecondition(response.status())) Give(play, absl::StrCat("a request for ", step), response.status());
      play.look_again = true;
      return response;
    }
    ++acknowledged_;
    // F32: whoever did not hear the answer asks again, and is told the same, whatever has happened since.
    if (play.random() % 4 == 0) {
      const absl::StatusOr<Response> again = Call(who, method, request);
      if (!again.ok()) {
        Give(play, absl::StrCat("asked again, ", step), again.status());
      } else if (again->SerializeAsString() != response->SerializeAsString()) {
        play.wrong.push_back(absl::StrCat(play.record.name, ": asked again, ", step, " is answered in another way"));
      }
    }
    if (!step.empty()) ++play.record.steps[step];
    if constexpr (requires(Request r) { r.set_note(""); }) play.record.notes.insert(request.request_id());
    if constexpr (requires(Response r) { r.etag(); }) {
      int64_t version = 0;
      if (absl::SimpleAtoi(response->etag(), &version)) play.record.version = std::max(play.record.version, version);
    }
    return response;
  }

  // What a mentor who is asked says, if anything, and when.
  void Decide(Play& play, const Offer& offer) {
    const std::string id = IdOf(offer.name());
    if (offer.state() == request::v1::OPEN && play.decided.insert(id).second) {
      const unsigned of_100 = play.random() % 100;
      const bool wants = play.plan != Plan::kNobodyWants;
      if (of_100 < (offer.stage() == request::v1::BROADCAST ? 15 : 45)) {
        Answer(play, offer, wants ? request::v1::YES : request::v1::NOT_NOW);
      } else if (of_100 < 75) {
        Answer(play, offer, request::v1::NOT_NOW);
      } else if (of_100 < 85 && wants) {
        play.late.insert(id);
      }
    } else if (offer.state() == request::v1::EXPIRED && play.late.erase(id) > 0) {
      Answer(play, offer, request::v1::YES);  // F31
    }
  }

  void Answer(Play& play, const Offer& offer, request::v1::OfferAnswer answer) {
    const std::string step = absl::StrCat("OFFER_ANSWERED ", IdOf(offer.name()));
    if (play.random() % 2 == 0) {
      request::v1::RecordOfferResponseRequest request;
      request.set_name(offer.name());
      request.set_answer(answer);
      const auto answered = Act(play, Leader(play), &RequestStub::RecordOfferResponse, request, "");
      if (answered.ok() && answered->has_answer_time()) ++play.record.steps[step];
      return;
    }
    // By the code in their mail, as it was handed over.
    notify::v1::GetNotificationRequest get;
    get.set_name(absl::StrCat(kBusy, "/notifications/", IdOf(play.record.name), ".", IdOf(offer.name()), ".",
                              offer.stage() == request::v1::BROADCAST && offer.person().empty() ? "broadcast" : "first_approach"));
    const auto message = Call({"SERVICE", ""}, &NotifyStub::GetNotification, get);
    if (!message.ok()) {
      Give(play, "cannot read what a mentor was sent", message.status());
      return;
    }
    demo::Mail mail;
    mail.text = message->text_body();
    request::v1::RespondToOfferRequest request;
    request.set_reply_code(demo::ReplyCodeIn(mail));
    request.set_answer(answer);
    const auto answered = Act(play, {"MENTOR", offer.mentor()}, &RequestStub::RespondToOffer, request, "");
    if (answered.ok() && answered->result() != request::v1::RespondToOfferResponse::NO_LONGER_NEEDED) ++play.record.steps[step];
  }

  bool Resume(Play& play) {
    request::v1::ResumeReassignmentRequest request;
    request.set_name(play.record.name);
    // Not by a step of its own: withdrawing and closing end a pause, too.
    Act(play, Leader(play), &RequestStub::ResumeReassignment, request, "").IgnoreError();
    return play.wrong.empty();
  }

  // What a leader does now and then that no task asks for.
  void Intervene(Play& play, const Reassignment& c, const request::v1::ListOffersResponse& offers) {
    const rpc::Caller leader = Leader(play);
    const bool searching = c.state() == request::v1::SEARCHING;
    if (play.random() % 25 == 0) {
      request::v1::PauseReassignmentRequest request;
      request.set_name(play.record.name);
      Act(play, leader, &RequestStub::PauseReassignment, request, "PAUSED").IgnoreError();
      return;
    }
    if (searching && play.random() % 60 == 0) {
      request::v1::SkipStageRequest request;
      request.set_name(play.record.name);
      Act(play, leader, &RequestStub::SkipStage, request, "STAGE_SKIPPED").IgnoreError();
      return;
    }
    for (const Offer& offer : offers.offers()) {
      const bool alone = offer.stage() == request::v1::INDIVIDUAL;
      if (searching && alone && offer.state() == request::v1::OPEN && !play.struck && play.random() % 20 == 0) {
        play.struck = true;
        request::v1::StrikeMentorRequest request;
        request.set_name(play.record.name);
        request.set_mentor(offer.mentor());
        Act(play, leader, &RequestStub::StrikeMentor, request, "MENTOR_STRUCK").IgnoreError();
        return;
      }
      if (searching && offer.state() == request::v1::EXPIRED && offer.late() && play.random() % 3 == 0) {
        request::v1::ReviveOfferRequest request;
        request.set_name(offer.name());
        Act(play, leader, &RequestStub::ReviveOffer, request, absl::StrCat("OFFER_REVIVED ", IdOf(offer.name()))).IgnoreError();
        return;
      }
    }
  }

  void Recommend(Play& play) {
    play.named_somebody = true;
    request::v1::RecommendPersonRequest request;
    request.set_parent(play.record.name);
    SetContact(request.mutable_contact(), absl::StrCat("named-", play.number));
    const auto person = Act(play, Leader(play), &RequestStub::RecommendPerson, request, "");
    if (person.ok()) ++play.record.steps[absl::StrCat("PERSON_NAMED ", IdOf(person->name()))];
  }

  // What the leader makes of a task.
  void Do(Play& play, const Task& task, const request::v1::ListOffersResponse& offers) {
    const std::string id = IdOf(task.name());
    const rpc::Caller leader = Leader(play);
    const unsigned of_100 = play.random() % 100;
    switch (task.kind()) {
      case request::v1::REVIEW_REASONS: {
        request::v1::ReviewReassignmentRequest request;
        request.set_name(play.record.name);
        const bool close = play.plan == Plan::kCloseAtReview;
        request.set_decision(close ? request::v1::ReviewReassignmentRequest::CLOSE : request::v1::ReviewReassignmentRequest::PROCEED);
        if (close) request.set_ground(request::v1::RESOLVED_WITHOUT_CHANGE);
        Act(play, leader, &RequestStub::ReviewReassignment, request, close ? "CLOSED" : "REVIEWED").IgnoreError();
        return;
      }
      case request::v1::CONFIRM_MATCH:
        if (of_100 < 75) {
          request::v1::ConfirmMatchRequest request;
          request.set_name(task.offer());
          Act(play, leader, &RequestStub::ConfirmMatch, request, absl::StrCat("OFFER_CONFIRMED ", IdOf(task.offer()))).IgnoreError();
        } else {
          request::v1::RejectMatchRequest request;
          request.set_name(task.offer());
          Act(play, leader, &RequestStub::RejectMatch, request, absl::StrCat("REJECTED ", IdOf(task.offer()))).IgnoreError();
        }
        return;
      case request::v1::CHOOSE_BROADCAST_AUDIENCE: {
        request::v1::OpenBroadcastRequest request;
        request.set_name(play.record.name);
        request.set_include_current_mentor(of_100 < 20);
        Act(play, leader, &RequestStub::OpenBroadcast, request, "BROADCAST_OPENED").IgnoreError();
        return;
      }
      case request::v1::CHOOSE_AMONG_INTERESTED:
        return Choose(play, id, offers);
      case request::v1::QUALIFY_PERSON: {
        request::v1::QualifyPersonRequest request;
        request.set_name(task.person());
        request.set_decision(request::v1::QualifyPersonRequest::DISMISS);
        Act(play, leader, &RequestStub::QualifyPerson, request, absl::StrCat("PERSON_DECIDED ", IdOf(task.person()))).IgnoreError();
        return;
      }
      case request::v1::ASK_CONSENT: {
        request::v1::RecordConsentRequest request;
        request.set_name(play.record.name);
        request.set_consents(of_100 < 60);
        const bool by_candidate = play.random() % 2 == 0;
        Act(play, by_candidate ? rpc::Caller{"CANDIDATE", play.record.candidate} : leader, &RequestStub::RecordConsent, request,
            "CONSENT_RECORDED")
            .IgnoreError();
        return;
      }
      case request::v1::CALL_CANDIDATE:
      case request::v1::FIND_NUMBER:
        if (task.kind() == request::v1::CALL_CANDIDATE && task.due_time().seconds() > absl::ToUnixSeconds(absl::Now()) &&
            !task.cause().empty()) {
          play.look_again = true;  // another call, not before it is due
          return;
        }
        return RecordCall(play, task,
                          of_100 < 20   ? request::v1::NO_ANSWER
                          : of_100 < 25 ? request::v1::WRONG_NUMBER
                          : of_100 < 35 ? request::v1::DECLINED_BY_CANDIDATE
                                        : request::v1::AGREED);
      case request::v1::RESUME_CASE:
        return;  // Look() does it
      case request::v1::TELL_BY_PHONE:
        return RecordCall(play, task, request::v1::TOLD);
      case request::v1::TELL_FORMER_MENTOR:
        if (of_100 < 50) return RecordCall(play, task, request::v1::TOLD);
        {
          request::v1::SendClosingNoteRequest request;
          request.set_name(play.record.name);
          Act(play, leader, &RequestStub::SendClosingNote, request, "FORMER_MENTOR_NOTE").IgnoreError();
        }
        return;
      case request::v1::TAKE_CANDIDATE:
        if (of_100 < 75 && task.cause().empty()) {
          request::v1::TakeCandidateRequest request;
          request.set_name(play.record.name);
          if (Act(play, leader, &RequestStub::TakeCandidate, request, "").ok()) play.record.ended_tasks.insert(id);
        } else {
          request::v1::DeclineToTakeRequest request;
          request.set_name(play.record.name);
          if (Act(play, leader, &RequestStub::DeclineToTake, request, "").ok()) play.record.ended_tasks.insert(id);
        }
        return;
      default:
        break;
    }
    // Nothing more is to be had: once more from the start, or the end.
    if (!std::exchange(play.restarted, true) && of_100 < 40) {
      request::v1::RestartSearchRequest request;
      request.set_name(play.record.name);
      Act(play, leader, &RequestStub::RestartSearch, request, "SEARCH_RESTARTED").IgnoreError();
    } else {
      request::v1::CloseReassignmentRequest request;
      request.set_name(play.record.name);
      request.set_ground(request::v1::NO_MENTOR_FOUND);
      Act(play, leader, &RequestStub::CloseReassignment, request, "CLOSED").IgnoreError();
    }
  }

  void RecordCall(Play& play, const Task& task, request::v1::CallOutcome outcome) {
    request::v1::RecordCallRequest request;
    request.set_name(task.name());
    request.set_outcome(outcome);
    Act(play, Leader(play), &RequestStub::RecordCall, request, absl::StrCat("CALL_RECORDED ", IdOf(task.name()))).IgnoreError();
  }

  void Choose(Play& play, const std::string& task, const request::v1::ListOffersResponse& offers) {
    std::vector<std::string> interested;
    for (const Offer& offer : offers.offers()) {
      const bool may_be = offer.state() == request::v1::WILLING && offer.stage() == request::v1::BROADCAST && !offer.full();
      if (may_be && !play.refused.contains(offer.name())) interested.push_back(offer.name());
    }
    if (!interested.empty() && play.random() % 5 != 0) {
      request::v1::ChooseInterestedRequest request;
      request.set_name(interested[play.random() % interested.size()]);
      const auto chosen =
          Act(play, Leader(play), &RequestStub::ChooseInterested, request, absl::StrCat("OFFER_CHOSEN ", IdOf(request.name())));
      if (!chosen.ok()) play.refused.insert(request.name());
      return;
    }
    request::v1::PassAllOverRequest request;
    request.set_name(play.record.name);
    if (Act(play, Leader(play), &RequestStub::PassAllOver, request, "").ok()) play.record.ended_tasks.insert(task);
  }

  const Options& options_;
  std::atomic<int64_t>& acknowledged_;
  std::atomic<int64_t> refused_ = 0;
  std::atomic<int64_t> tried_again_ = 0;
  absl::Mutex mutex_;
  std::map<Part, Figures::Service> services_ ABSL_GUARDED_BY(mutex_);
};

uint32_t SeedOfTests() {
  const char* const seed = std::getenv("REMATCH_TEST_SEED");
  return seed == nullptr ? 1 : static_cast<uint32_t>(std::strtoul(seed, nullptr, 10));
}

demo::SuiteOptions BusyProgram::SuiteFor(const WorkFolder& folder, absl::Duration reconcile_interval) {
  demo::SuiteOptions options{.bin_dir = BinDir(),
                             .work_dir = absl::StrCat(folder.path(), "/suite"),
                             .policy = folder.Write("policy", PolicyInSeconds{.individual = 2, .broadcast = 2, .recommendation = 1}.Text()),
                             .flags = QuickRecovery()};
  options.flags[Part::kRequest].push_back(absl::StrCat("--reconcile_interval=", absl::FormatDuration(reconcile_interval)));
  return options;
}

std::vector<std::string> WrongByReconciler(demo::Suite& suite) {
  // A seat is given back in the second round that finds it, by whichever replica.
  const auto before = Rounds(suite);
  if (!before.ok()) return {"mentor-service shows no metrics"};
  const bool went = demo::WaitUntil([&] { return Rounds(suite).value_or(0) >= *before + 4 * suite.replicas(); }, absl::Seconds(20));
  if (!went) return {"the reconcilers went no rounds"};
  std::vector<std::string> wrong;
  for (int replica = 0; replica < suite.replicas(); ++replica) {
    if (absl::StrContains(suite.log(Part::kRequest, replica), "seat_reconciled")) {
      wrong.push_back(absl::StrCat("the reconciler of replica ", replica, " found a seat to give back"));
    }
  }
  return wrong;
}

const char* BusyProgram::consortium() { return kBusy; }

BusyProgram::BusyProgram(Options options)
    : options_(std::move(options)), roster_(std::make_unique<Beside>()), messages_(std::make_unique<Beside>()) {}
BusyProgram::~BusyProgram() = default;

absl::Status BusyProgram::Prepare() {
  std::mt19937 random(options_.seed);
  REMATCH_RETURN_IF_ERROR(Import(options_.suite, kBusy, Roster(options_.programs, options_.cases, random), "import"));
  mentor::v1::CreateConsortiumRequest beside;
  beside.set_consortium_id(IdOf(kBeside));
  beside.mutable_consortium()->set_display_name("Beside");
  beside.set_request_id("beside");
  REMATCH_RETURN_IF_ERROR(options_.suite.Service().Call(&MentorStub::CreateConsortium, beside).status());
  REMATCH_ASSIGN_OR_RETURN(const demo::Directory directory, demo::Directory::Load(options_.suite, kBusy));
  for (int i = 0; i < options_.cases; ++i) {
    auto play = std::make_unique<Play>();
    play->number = i;
    play->random.seed(options_.seed * 1000 + static_cast<uint32_t>(i));
    play->plan = PlanOf(play->random);
    play->withdraw_at = 2 + static_cast<int>(play->random() % 40);
    mentor::v1::Contact contact;
    SetContact(&contact, absl::StrCat("c", i));
    play->record.candidate = directory.CandidateByEmail(contact.email());
    if (play->record.candidate.empty()) return absl::InternalError("a candidate was not imported");
    const mentor::v1::Program& program = directory.ProgramOf(play->record.candidate);
    play->program = program.name();
    play->record.leader = program.leader().person();
    plays_.push_back(std::move(play));
  }
  return absl::OkStatus();
}

absl::Status BusyProgram::Run() {
  People people(options_, acknowledged_);
  const absl::Time end = absl::Now() + options_.all_patience;
  absl::Mutex mutex;
  int opened = 0;
  int running = 0;
  std::deque<std::pair<absl::Time, Play*>> waiting;  // the next to be looked at comes first

  const auto work = [&] {
    absl::MutexLock lock(&mutex);
    while (absl::Now() < end) {
      Play* play = nullptr;
      bool open = false;
      if (opened < options_.cases && running < options_.at_once && options_.may_open(opened)) {
        play = plays_[opened++].get();
        open = true;
        ++running;
      } else if (!waiting.empty() && waiting.front().first <= absl::Now()) {
        play = waiting.front().second;
        waiting.pop_front();
      } else if (running == 0 && opened == options_.cases) {
        return;
      }
      mutex.Unlock();
      bool more = false;
      if (play == nullptr) {
        absl::SleepFor(kBetweenTries);
      } else if (open) {
        people.Open(*play);
        more = true;
      } else {
        more = people.Look(*play);
      }
      mutex.Lock();
      if (more) {
        waiting.emplace_back(absl::Now() + kBetweenLooks, play);
      } else if (play != nullptr) {
        --running;
      }
    }
  };
  std::atomic<bool> over = false;
  const auto meanwhile = [&](absl::Duration pause, auto act) {
    return std::thread([&over, pause, act] {
      for (int i = 0; !over; ++i) {
        act(i);
        absl::SleepFor(pause);
      }
    });
  };
  std::vector<std::thread> beside;
  beside.push_back(meanwhile(kBetweenTries, [&](int i) { people.LookAtTheDay(i % options_.programs); }));
  beside.push_back(meanwhile(kBetweenLooks, [&](int i) { people.KeepARoster(i, *roster_); }));
  beside.push_back(meanwhile(kBetweenLooks, [&](int i) { people.CallBackAMessage(i, *messages_); }));
  std::vector<std::thread> threads;
  for (int i = 0; i < options_.threads; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  over = true;
  for (std::thread& thread : beside) thread.join();
  people.AddTo(figures_);
  for (const auto& play : plays_) ++figures_.ends[play->end];
  if (running == 0 && opened == options_.cases) return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrCat(opened, " of ", options_.cases, " cases were opened, ", running, " are still played"));
}

absl::Status BusyProgram::Settle(absl::Duration patience) {
  std::vector<CaseRecord> records;
  for (const auto& play : plays_) {
    if (!play->record.name.empty()) records.push_back(play->record);
  }
  return AwaitRest(options_.suite, kBusy, records, patience);
}

std::vector<std::string> BusyProgram::Check() {
  std::vector<std::string> wrong;
  std::vector<CaseRecord> records;
  for (const auto& play : plays_) {
    wrong.insert(wrong.end(), play->wrong.begin(), play->wrong.end());
    if (!play->record.name.empty()) records.push_back(play->record);
  }
  for (std::string& line : WrongAtRest(options_.suite, kBusy, records)) wrong.push_back(std::move(line));
  for (const auto* written : {roster_.get(), messages_.get()}) wrong.insert(wrong.end(), written->wrong.begin(), written->wrong.end());
  const demo::Caller service = options_.suite.Service();
  for (const std::string& name : roster_->acknowledged) {
    mentor::v1::GetDistrictRequest get;
    get.set_name(name);
    if (!service.Call(&MentorStub::GetDistrict, get).ok()) wrong.push_back(absl::StrCat(name, " was acknowledged, and is not there"));
  }
  for (const std::string& name : messages_->acknowledged) {
    notify::v1::GetNotificationRequest get;
    get.set_name(name);
    if (!service.Call(&NotifyStub::GetNotification, get).ok()) wrong.push_back(absl::StrCat(name, " was called back, and is not so"));
  }
  return wrong;
}

std::string ToString(const BusyProgram::Figures& figures) {
  const auto calls = [](const BusyProgram::Figures::Calls& of) {
    return absl::StrCat(absl::FormatDuration(absl::Trunc(of.longest_wait, absl::Milliseconds(1))), " in ", of.made);
  };
  const auto service = [&](std::string* out, const auto& entry) {
    absl::StrAppend(out, demo::NameOf(entry.first), " reads ", calls(entry.second.reads), ", writes ", calls(entry.second.writes));
  };
  return absl::StrCat(absl::StrJoin(figures.ends, ", ", absl::PairFormatter(" ")), "; ", figures.acknowledged, " acknowledged writes, ",
                      figures.refused, " refused, ", figures.tried_again,
                      " calls tried again; longest wait for an answer: ", absl::StrJoin(figures.services, ", ", service));
}

bool Killer::Expect(const absl::Status& status, const std::string& otherwise) {
  if (!status.ok()) Wrong(absl::StrCat(otherwise, ": ", status.message()));
  return status.ok();
}

absl::StatusOr<BusyProgram::Figures> PlayWhileKilled(const WorkFolder& folder, const Stores& stores, const BusyCases& size,
                                                     Killer& killer) {
  REMATCH_ASSIGN_OR_RETURN(std::unique_ptr<demo::Suite> suite, demo::Suite::Start(stores.Under(BusyProgram::SuiteFor(folder))));
  std::atomic<bool> over = false;
  // The kills are spread over the cases.
  const auto may_open = [&](int opened) {
    const int at_first = size.at_once / 2;
    return over || opened <= at_first + (size.cases - at_first) * killer.kills() / killer.wanted();
  };
  BusyProgram program({.suite = *suite, .cases = size.cases, .at_once = size.at_once, .may_open = may_open});
  REMATCH_RETURN_IF_ERROR(program.Prepare());
  std::thread kills([&] {
    killer.Run(*suite, program);
    over = true;
  });
  const absl::Status run = program.Run();
  kills.join();
  EXPECT_TRUE(run.ok()) << run;
  EXPECT_THAT(killer.wrong(), ::testing::IsEmpty());
  EXPECT_GE(killer.kills(), killer.wanted());
  const absl::Status settled = program.Settle(kToRest);
  EXPECT_TRUE(settled.ok()) << settled;
  const std::vector<std::string> wrong = program.Check();
  EXPECT_THAT(wrong, ::testing::IsEmpty()) << absl::StrJoin(wrong, "\n");

  suite.reset();
  REMATCH_ASSIGN_OR_RETURN(suite, demo::Suite::Start(stores.Under(BusyProgram::SuiteFor(folder, absl::Milliseconds(200)))));
  EXPECT_THAT(WrongByReconciler(*suite), ::testing::IsEmpty());
  std::cout << size.cases << " cases: " << ToString(program.figures()) << "; " << killer.kills() << " kills; seed " << SeedOfTests()
            << "\n";
  return program.figures();
}

}  // namespace rematch::scenario
