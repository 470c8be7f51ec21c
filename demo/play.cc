#include "demo/play.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "platform/errors.h"

namespace rematch::demo {
namespace {

using mentor::v1::Contact;
using request::v1::Offer;
using request::v1::Person;
using request::v1::Reassignment;
using request::v1::Task;

absl::Status During(const std::string& act, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(act, ": ", status.message(), " (", ReasonOf(status), ")"));
}

}  // namespace

Play::Play(Options options) : options_(std::move(options)) {
  if (auto it = options_.directory.candidates.find(options_.candidate); it != options_.directory.candidates.end()) {
    former_mentor_ = it->second.mentor();
  }
}

Caller Play::leader() const { return options_.suite.As("PROGRAM_LEADER", program().leader().person()); }

template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> Play::Act(const std::string& act, const Caller& who,
                                   grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), Request request) {
  options_.narrator.Moment();
  request.set_request_id(absl::StrCat(options_.key, "-", ++acts_));
  absl::StatusOr<Response> response = who.Call(method, request, options_.patience);
  options_.narrator.Moment();
  if (!response.ok()) return During(act, response.status());
  return response;
}

template <typename T>
absl::StatusOr<T> Play::Await(const std::string& what, std::function<absl::StatusOr<std::optional<T>>()> found) {
  options_.narrator.Moment();
  absl::StatusOr<T> result = absl::DeadlineExceededError("");
  const bool there = WaitUntil(
      [&] {
        absl::StatusOr<std::optional<T>> now = found();
        if (!now.ok()) {
          result = now.status();
          return true;
        }
        if (now->has_value()) result = **std::move(now);
        return result.ok();
      },
      options_.patience);
  if (!there) {
    absl::StatusOr<Reassignment> c = Get();
    std::string where = c.ok() ? absl::StrCat(CaseState_Name(c->state()), " ", StageKind_Name(c->stage())) : "unreadable";
    if (auto tasks = Tasks(true); tasks.ok()) {
      for (const Task& task : *tasks) absl::StrAppend(&where, " ", TaskKind_Name(task.kind()));
    }
    if (auto offers = Offers(); offers.ok()) {
      for (const Offer& offer : *offers) absl::StrAppend(&where, " ", OfferState_Name(offer.state()));
    }
    return absl::DeadlineExceededError(absl::StrCat("waited in vain for ", what, "; the case stands at ", where));
  }
  options_.narrator.Moment();
  if (!result.ok()) return During(absl::StrCat("waiting for ", what), result.status());
  return result;
}

void Play::PassOverOldMail() {
  for (const auto& [name, mentor] : options_.directory.mentors) {
    for (const Mail& mail : MailOf(mentor.contact().email())) read_mail_.insert(mail.message_id);
  }
}

absl::Status Play::Open(const std::string& reasons) {
  PassOverOldMail();
  request::v1::CreateReassignmentRequest request;
  request.set_parent(program().name());
  request.set_candidate(options_.candidate);
  request.set_reasons(reasons);
  auto created = Act("the candidate asks", options_.suite.As("CANDIDATE", options_.candidate), &RequestStub::CreateReassignment, request);
  if (!created.ok()) return created.status();
  case_name_ = created->name();
  return absl::OkStatus();
}

absl::StatusOr<request::v1::PolicyVersion> Play::Publish(const request::v1::EscalationPolicy& policy) {
  request::v1::CreatePolicyVersionRequest request;
  request.set_parent(program().name());
  *request.mutable_policy() = policy;
  return Act("the Leader publishes a policy", leader(), &RequestStub::CreatePolicyVersion, request);
}

absl::StatusOr<request::v1::Survey> Play::SendSurvey() {
  request::v1::SendSurveyRequest request;
  request.set_parent(program().name());
  return Act("the Leader sends a survey", leader(), &RequestStub::SendSurvey, request);
}

absl::Status Play::AnswerSurvey(int relationship_quality, const std::string& words) {
  REMATCH_ASSIGN_OR_RETURN(const Mail letter,
                           AwaitMail(options_.directory.EmailOf(options_.candidate), "How do you and your mentor get on?"));
  request::v1::SubmitSurveyResponseRequest request;
  request.set_reply_code(ReplyCodeIn(letter));
  request.set_relationship_quality(relationship_quality);
  request.set_words(words);
  REMATCH_ASSIGN_OR_RETURN(const request::v1::SubmitSurveyResponseResponse response,
                           Act("the candidate answers", options_.suite.Service(), &RequestStub::SubmitSurveyResponse, request));
  if (response.result() == request::v1::SubmitSurveyResponseResponse::RECORDED) return absl::OkStatus();
  return absl::FailedPreconditionError("the answer of the candidate did not count");
}

absl::Status Play::OpenFromConcern(const std::string& concern) {
  PassOverOldMail();
  request::v1::CreateReassignmentRequest request;
  request.set_parent(program().name());
  request.set_candidate(options_.candidate);
  request.set_concern(concern);
  request.set_candidate_consents(true);
  REMATCH_ASSIGN_OR_RETURN(const request::v1::Reassignment created,
                           Act("the Leader opens a case", leader(), &RequestStub::CreateReassignment, request));
  case_name_ = created.name();
  return absl::OkStatus();
}

absl::Status Play::CloseOn(const std::string& closure) {
  mentor::v1::UpdateProgramRequest request;
  request.mutable_program()->set_name(program().name());
  mentor::v1::Calendar::Days& days = *request.mutable_program()->mutable_calendar()->add_closures();
  days.set_first(closure);
  days.set_label("District holiday");
  request.mutable_update_mask()->add_paths("calendar");
  return Act("the Leader sets the calendar", leader(), &MentorStub::UpdateProgram, request).status();
}

absl::StatusOr<Offer> Play::AwaitMovedWindow(const Offer& before) {
  return Await<Offer>("the end of the window to move", [&]() -> absl::StatusOr<std::optional<Offer>> {
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Offer> offers, Offers());
    for (const Offer& offer : offers) {
      if (offer.name() == before.name() && offer.window_end_time().seconds() != before.window_end_time().seconds()) return offer;
    }
    return std::nullopt;
  });
}

absl::Status Play::Proceed(const std::string& note, const std::vector<std::string>& strike) {
  request::v1::ReviewReassignmentRequest request;
  request.set_name(case_name_);
  request.set_decision(request::v1::ReviewReassignmentRequest::PROCEED);
  request.set_note(note);
  for (const std::string& mentor : strike) request.add_strike(mentor);
  return Act("the Leader reviews", leader(), &RequestStub::ReviewReassignment, request).status();
}

absl::Status Play::Confirm(const Offer& offer, const std::string& note) {
  request::v1::ConfirmMatchRequest request;
  request.set_name(offer.name());
  request.set_note(note);
  return Act("the Leader confirms the match", leader(), &RequestStub::ConfirmMatch, request).status();
}

absl::Status Play::RecordCall(const Task& task, request::v1::CallOutcome outcome, const std::string& note) {
  request::v1::RecordCallRequest request;
  request.set_name(task.name());
  request.set_outcome(outcome);
  request.set_note(note);
  return Act(absl::StrCat("the Leader records a call, ", CallOutcome_Name(outcome)), leader(), &RequestStub::RecordCall, request).status();
}

absl::Status Play::OpenBroadcast(bool include_current_mentor) {
  request::v1::OpenBroadcastRequest request;
  request.set_name(case_name_);
  request.set_include_current_mentor(include_current_mentor);
  return Act("the Leader opens the broadcast", leader(), &RequestStub::OpenBroadcast, request).status();
}

absl::Status Play::RecordConsent(bool consents) {
  request::v1::RecordConsentRequest request;
  request.set_name(case_name_);
  request.set_consents(consents);
  return Act("the candidate says whether their site may know", options_.suite.As("CANDIDATE", options_.candidate),
             &RequestStub::RecordConsent, request)
      .status();
}

absl::StatusOr<Person> Play::Recommend(const Contact& contact) {
  request::v1::RecommendPersonRequest request;
  request.set_parent(case_name_);
  *request.mutable_contact() = contact;
  return Act("somebody is recommended", leader(), &RequestStub::RecommendPerson, request);
}

absl::Status Play::Qualify(const Person& person, const mentor::v1::Mentor& attributes, const std::string& note) {
  request::v1::QualifyPersonRequest request;
  request.set_name(person.name());
  request.set_decision(request::v1::QualifyPersonRequest::QUALIFY);
  *request.mutable_attributes() = attributes;
  request.set_note(note);
  return Act("the Leader qualifies somebody", leader(), &RequestStub::QualifyPerson, request).status();
}

absl::Status Play::Dismiss(const Person& person, const std::string& note) {
  request::v1::QualifyPersonRequest request;
  request.set_name(person.name());
  request.set_decision(request::v1::QualifyPersonRequest::DISMISS);
  request.set_note(note);
  return Act("the Leader dismisses somebody", leader(), &RequestStub::QualifyPerson, request).status();
}

absl::Status Play::Take() {
  request::v1::TakeCandidateRequest request;
  request.set_name(case_name_);
  return Act("the Leader takes the candidate", leader(), &RequestStub::TakeCandidate, request).status();
}

absl::Status Play::SendClosingNote() {
  request::v1::SendClosingNoteRequest request;
  request.set_name(case_name_);
  return Act("the former mentor is written to", leader(), &RequestStub::SendClosingNote, request).status();
}

absl::Status Play::Pause(const std::string& note) {
  request::v1::PauseReassignmentRequest request;
  request.set_name(case_name_);
  request.set_note(note);
  return Act("the Leader pauses the case", leader(), &RequestStub::PauseReassignment, request).status();
}

absl::Status Play::Resume(const std::string& note) {
  request::v1::ResumeReassignmentRequest request;
  request.set_name(case_name_);
  request.set_note(note);
  return Act("the Leader resumes the case", leader(), &RequestStub::ResumeReassignment, request).status();
}

absl::Status Play::SkipStage(const std::string& note) {
  request::v1::SkipStageRequest request;
  request.set_name(case_name_);
  request.set_note(note);
  return Act("the Leader skips the stage", leader(), &RequestStub::SkipStage, request).status();
}

absl::Status Play::Revive(const Offer& offer, const std::string& note) {
  request::v1::ReviveOfferRequest request;
  request.set_name(offer.name());
  request.set_note(note);
  return Act("the Leader takes up a late yes", leader(), &RequestStub::ReviveOffer, request).status();
}

absl::Status Play::ReportBounce(const Offer& offer) {
  const std::string address = options_.directory.EmailOf(offer.mentor());
  auto sent = Await<std::string>("the message to have been sent", [&]() -> absl::StatusOr<std::optional<std::string>> {
    auto messages = Messages();
    if (!messages.ok()) return messages.status();
    for (const auto& message : *messages) {
      if (message.to().email() == address && message.state() == notify::v1::Notification::SENT) return message.name();
    }
    return std::nullopt;
  });
  if (!sent.ok()) return sent.status();
  notify::v1::ReportBounceRequest request;
  request.set_name(*sent);
  return Act("the Leader reports a bounce", leader(), &NotifyStub::ReportBounce, request).status();
}

absl::Status Play::Retire(const std::string& mentor) {
  mentor::v1::RetireMentorRequest request;
  request.set_name(mentor);
  return Act("a mentor retires", leader(), &MentorStub::RetireMentor, request).status();
}

absl::Status Play::Assign(const std::string& candidate, const std::string& mentor) {
  mentor::v1::AssignMentorRequest request;
  request.set_candidate(candidate);
  request.set_mentor(mentor);
  return Act("a candidate is given a mentor", leader(), &MentorStub::AssignMentor, request).status();
}

absl::Status Play::Answer(const Offer& offer, request::v1::OfferAnswer answer, const std::optional<Contact>& referral,
                          request::v1::RespondToOfferResponse::Result result) {
  const std::string address = options_.directory.EmailOf(offer.mentor());
  absl::StatusOr<Mail> mail = Await<Mail>("a message with a reply code", [&]() -> absl::StatusOr<std::optional<Mail>> {
    std::vector<Mail> mails = MailOf(address);
    for (auto it = mails.rbegin(); it != mails.rend(); ++it) {
      if (!read_mail_.contains(it->message_id) && !ReplyCodeIn(*it).empty()) return *it;
    }
    return std::nullopt;
  });
  if (!mail.ok()) return mail.status();
  read_mail_.insert(mail->message_id);
  request::v1::RespondToOfferRequest request;
  request.set_reply_code(ReplyCodeIn(*mail));
  request.set_answer(answer);
  if (referral.has_value()) *request.mutable_referral() = *referral;
  auto response = Act("a mentor answers", options_.suite.As("MENTOR", offer.mentor()), &RequestStub::RespondToOffer, request);
  if (!response.ok()) return response.status();
  if (response->result() != result) {
    return absl::FailedPreconditionError(
        absl::StrCat("the answer of a mentor was ", request::v1::RespondToOfferResponse::Result_Name(response->result())));
  }
  return absl::OkStatus();
}

absl::StatusOr<Offer> Play::AwaitApproach() {
  auto found = Await<Offer>("the next mentor to be asked", [&]() -> absl::StatusOr<std::optional<Offer>> {
    auto offers = Offers();
    if (!offers.ok()) return offers.status();
    std::optional<Offer> open;
    int live = 0;
    for (const Offer& offer : *offers) {
      if (offer.stage() == request::v1::BROADCAST) continue;
      const bool is_live =
          offer.state() == request::v1::PREPARING || offer.state() == request::v1::OPEN || offer.state() == request::v1::WILLING;
      live += is_live;
      if (offer.state() == request::v1::OPEN && !seen_offers_.contains(offer.name())) open = offer;
    }
    if (live > 1) return absl::FailedPreconditionError("two mentors are asked at once");
    return open;
  });
  if (!found.ok()) return found;
  seen_offers_.insert(found->name());
  // Somebody who was recommended has joined the roster.
  if (!options_.directory.mentors.contains(found->mentor())) {
    if (absl::Status reloaded = Reload(); !reloaded.ok()) return reloaded;
  }
  return found;
}

absl::StatusOr<Offer> Play::AwaitOffer(const std::string& name, request::v1::OfferState state) {
  return Await<Offer>(absl::StrCat("an offer to be ", OfferState_Name(state)), [&]() -> absl::StatusOr<std::optional<Offer>> {
    auto offers = Offers();
    if (!offers.ok()) return offers.status();
    for (const Offer& offer : *offers) {
      if (offer.name() == name && offer.state() == state) return offer;
    }
    return std::nullopt;
  });
}

absl::StatusOr<std::vector<Offer>> Play::AwaitBroadcast() {
  return Await<std::vector<Offer>>("the broadcast to reach everybody", [&]() -> absl::StatusOr<std::optional<std::vector<Offer>>> {
    auto offers = Offers();
    if (!offers.ok()) return offers.status();
    std::vector<Offer> asked;
    bool all_open = true;
    for (const Offer& offer : *offers) {
      if (offer.stage() != request::v1::BROADCAST) continue;
      all_open = all_open && offer.state() != request::v1::PREPARING;
      asked.push_back(offer);
    }
    if (asked.empty() || !all_open) return std::nullopt;
    return asked;
  });
}

absl::StatusOr<Task> Play::AwaitTask(request::v1::TaskKind kind) { return AwaitAnyTask({kind}); }

absl::StatusOr<Task> Play::AwaitAnyTask(const std::set<request::v1::TaskKind>& kinds) {
  const std::string what =
      absl::StrJoin(kinds, " or ", [](std::string* out, request::v1::TaskKind kind) { out->append(TaskKind_Name(kind)); });
  auto found = Await<Task>(absl::StrCat("the task ", what), [&]() -> absl::StatusOr<std::optional<Task>> {
    auto tasks = Tasks(true);
    if (!tasks.ok()) return tasks.status();
    for (const Task& task : *tasks) {
      if (kinds.contains(task.kind()) && !seen_tasks_.contains(task.name())) return task;
    }
    return std::nullopt;
  });
  if (found.ok()) seen_tasks_.insert(found->name());
  return found;
}

absl::StatusOr<std::vector<Task>> Play::TasksOfCandidates(request::v1::TaskKind kind) {
  request::v1::ListTasksRequest request;
  request.set_parent(program().name());
  request.set_open_only(true);
  REMATCH_ASSIGN_OR_RETURN(const std::vector<Task> all,
                           All<Task>(leader(), &RequestStub::ListTasks, request, [](const auto& page) { return page.tasks(); }));
  std::vector<Task> found;
  std::copy_if(all.begin(), all.end(), std::back_inserter(found), [kind](const Task& task) { return task.kind() == kind; });
  return found;
}

absl::StatusOr<std::vector<Task>> Play::AwaitTasksOfCandidates(request::v1::TaskKind kind) {
  return Await<std::vector<Task>>(absl::StrCat("the task ", TaskKind_Name(kind), " of a candidate"),
                                  [&]() -> absl::StatusOr<std::optional<std::vector<Task>>> {
                                    REMATCH_ASSIGN_OR_RETURN(std::vector<Task> tasks, TasksOfCandidates(kind));
                                    if (tasks.empty()) return std::nullopt;
                                    return tasks;
                                  });
}

absl::Status Play::AwaitNoTaskOfCandidates(request::v1::TaskKind kind) {
  return Await<bool>(absl::StrCat("no task ", TaskKind_Name(kind), " to be left"),
                     [&]() -> absl::StatusOr<std::optional<bool>> {
                       REMATCH_ASSIGN_OR_RETURN(const std::vector<Task> tasks, TasksOfCandidates(kind));
                       return tasks.empty() ? std::optional<bool>(true) : std::nullopt;
                     })
      .status();
}

absl::Status Play::AwaitState(request::v1::CaseState state) {
  return Await<bool>(absl::StrCat("the case to be ", CaseState_Name(state)),
                     [&]() -> absl::StatusOr<std::optional<bool>> {
                       auto c = Get();
                       if (!c.ok()) return c.status();
                       return c->state() == state ? std::optional<bool>(true) : std::nullopt;
                     })
      .status();
}

absl::Status Play::AwaitStage(request::v1::StageKind stage) {
  return Await<bool>(absl::StrCat("the stage ", StageKind_Name(stage)),
                     [&]() -> absl::StatusOr<std::optional<bool>> {
                       auto c = Get();
                       if (!c.ok()) return c.status();
                       return c->stage() == stage ? std::optional<bool>(true) : std::nullopt;
                     })
      .status();
}

absl::StatusOr<Mail> Play::AwaitMail(const std::string& address, const std::string& subject) {
  auto found = Await<Mail>(absl::StrCat("mail \"", subject, "\""), [&]() -> absl::StatusOr<std::optional<Mail>> {
    for (Mail& mail : MailOf(address)) {
      if (mail.subject == subject && !read_mail_.contains(mail.message_id)) return mail;
    }
    return std::nullopt;
  });
  if (found.ok()) read_mail_.insert(found->message_id);
  return found;
}

absl::Status Play::AwaitEvent(const std::string& type) {
  return Await<bool>(absl::StrCat("the event ", type),
                     [&]() -> absl::StatusOr<std::optional<bool>> {
                       auto events = Events();
                       if (!events.ok()) return events.status();
                       const bool there =
                           std::any_of(events->begin(), events->end(), [&](const auto& event) { return event.type() == type; });
                       return there ? std::optional<bool>(true) : std::nullopt;
                     })
      .status();
}

absl::StatusOr<bool> Play::AwaitReminder(const request::v1::Offer& offer) {
  const std::string id = IdOf(offer.name());
  return Await<bool>("a reminder, or the end of the window", [&]() -> absl::StatusOr<std::optional<bool>> {
    auto events = Events();
    if (!events.ok()) return events.status();
    for (const auto& event : *events) {
      if (event.subject() != offer.name() && event.subject() != id) continue;
      if (event.type() == "OFFER_REMINDED") return true;
      if (event.type() == "OFFER_ENDED") return false;
    }
    return std::nullopt;
  });
}

absl::Status Play::AwaitQuiet() {
  return Await<bool>("the case to have nothing left to do",
                     [&]() -> absl::StatusOr<std::optional<bool>> {
                       auto tasks = Tasks(true);
                       if (!tasks.ok()) return tasks.status();
                       if (!tasks->empty()) return std::nullopt;
                       auto messages = Messages();
                       if (!messages.ok()) return messages.status();
                       for (const auto& message : *messages) {
                         if (message.state() == notify::v1::Notification::QUEUED || message.state() == notify::v1::Notification::UNKNOWN)
                           return std::nullopt;
                       }
                       return true;
                     })
      .status();
}

absl::Status Play::Reload() {
  auto directory = Directory::Load(options_.suite, options_.candidate.substr(0, options_.candidate.find("/programs/")));
  if (!directory.ok()) return directory.status();
  options_.directory = *std::move(directory);
  return absl::OkStatus();
}

absl::StatusOr<Reassignment> Play::Get() {
  request::v1::GetReassignmentRequest request;
  request.set_name(case_name_);
  return leader().Call(&RequestStub::GetReassignment, request, options_.patience);
}

absl::StatusOr<std::vector<Offer>> Play::Offers() {
  request::v1::ListOffersRequest request;
  request.set_parent(case_name_);
  auto response = leader().Call(&RequestStub::ListOffers, request, options_.patience);
  if (!response.ok()) return response.status();
  return std::vector<Offer>(response->offers().begin(), response->offers().end());
}

absl::StatusOr<std::vector<Task>> Play::Tasks(bool open_only) {
  request::v1::ListTasksRequest request;
  request.set_parent(case_name_);
  request.set_open_only(open_only);
  return All<Task>(leader(), &RequestStub::ListTasks, request, [](const auto& page) { return page.tasks(); });
}

absl::StatusOr<std::vector<Person>> Play::People() {
  request::v1::ListPeopleRequest request;
  request.set_parent(case_name_);
  auto response = leader().Call(&RequestStub::ListPeople, request, options_.patience);
  if (!response.ok()) return response.status();
  return std::vector<Person>(response->people().begin(), response->people().end());
}

absl::StatusOr<std::vector<request::v1::ReassignmentEvent>> Play::Events() {
  request::v1::ListReassignmentEventsRequest request;
  request.set_parent(case_name_);
  return All<request::v1::ReassignmentEvent>(leader(), &RequestStub::ListReassignmentEvents, request,
                                             [](const auto& page) { return page.events(); });
}

absl::StatusOr<std::vector<request::v1::Disclosure>> Play::Disclosures() {
  request::v1::ListDisclosuresRequest request;
  request.set_parent(case_name_);
  auto response = leader().Call(&RequestStub::ListDisclosures, request, options_.patience);
  if (!response.ok()) return response.status();
  return std::vector<request::v1::Disclosure>(response->disclosures().begin(), response->disclosures().end());
}

absl::StatusOr<std::vector<notify::v1::Notification>> Play::Messages() {
  notify::v1::ListNotificationsRequest request;
  request.set_parent(case_name_.substr(0, case_name_.find("/programs/")));
  request.set_origin(case_name_);
  auto listed = All<notify::v1::Notification>(options_.suite.Service(), &NotifyStub::ListNotifications, request,
                                              [](const auto& page) { return page.notifications(); });
  if (!listed.ok()) return listed.status();
  std::reverse(listed->begin(), listed->end());
  for (notify::v1::Notification& message : *listed) {
    notify::v1::GetNotificationRequest get;
    get.set_name(message.name());
    auto whole = options_.suite.Service().Call(&NotifyStub::GetNotification, get, options_.patience);
    if (!whole.ok()) return whole.status();
    message = *std::move(whole);
  }
  return listed;
}

std::vector<Mail> Play::MailOf(const std::string& address) const {
  return options_.mail_of ? options_.mail_of(address) : ReadMailbox(options_.suite.mail_dir(), address);
}

}  // namespace rematch::demo
