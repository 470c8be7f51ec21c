// overview, offer and mail.
#include <algorithm>
#include <memory>

#include "cli/commands.h"
#include "cli/format.h"
#include "cli/overview.h"
#include "cli/views.h"

namespace rematch::cli {

namespace mentor_v1 = rematch::mentor::v1;
namespace request_v1 = rematch::request::v1;
namespace notify_v1 = rematch::notify::v1;

namespace {

absl::Status ShowOverview(Context& context, const std::string& given) {
  REMATCH_ASSIGN_OR_RETURN(const std::vector<mentor_v1::Program> programs, context.ProgramRecords(given));
  std::vector<ProgramOverview> overview;
  std::vector<std::string> names;
  std::string programs_json;
  for (const mentor_v1::Program& program : programs) {
    ProgramOverview one;
    one.program = program;
    names.push_back(program.name());
    request_v1::ListReassignmentsRequest cases;
    cases.set_parent(program.name());
    cases.set_open_only(true);
    REMATCH_ASSIGN_OR_RETURN(const auto open_cases, context.CallPages(&RequestStub::ListReassignments, cases));
    one.open_cases = ToVector(open_cases.reassignments());
    request_v1::ListTasksRequest tasks;
    tasks.set_parent(program.name());
    tasks.set_open_only(true);
    REMATCH_ASSIGN_OR_RETURN(const auto open_tasks, context.CallPages(&RequestStub::ListTasks, tasks));
    one.open_tasks = ToVector(open_tasks.tasks());
    mentor_v1::ListMentorsRequest mentors;
    mentors.set_parent(context.consortium());
    mentors.set_program(program.name());
    REMATCH_ASSIGN_OR_RETURN(const auto listed_mentors, context.CallPages(&MentorStub::ListMentors, mentors));
    one.mentors = ToVector(listed_mentors.mentors());
    mentor_v1::ListCandidatesRequest candidates;
    candidates.set_parent(program.name());
    candidates.set_without_mentor(true);
    REMATCH_ASSIGN_OR_RETURN(const auto without, context.CallPages(&MentorStub::ListCandidates, candidates));
    one.without_mentor = ToVector(without.candidates());
    JsonObject part;
    part.Add("program", one.program);
    part.AddList("open_cases", one.open_cases);
    part.AddList("open_tasks", one.open_tasks);
    part.AddList("overdue_tasks", Overdue({one}, context.now()));
    part.AddList("mentors", one.mentors);
    part.AddList("candidates_without_mentor", one.without_mentor);
    programs_json += (programs_json.empty() ? "" : ",") + part.ToString();
    overview.push_back(std::move(one));
  }
  if (context.json()) {
    JsonObject json;
    json.AddRaw("programs", "[" + programs_json + "]");
    context.out() << json.ToString();
    return absl::OkStatus();
  }
  const std::string me = context.caller().role == "PROGRAM_LEADER" ? context.caller().person : "";
  People people = context.LoadPeople(names);
  for (const ProgramOverview& one : overview) context.AddTaskPeople(one.open_tasks, people);
  context.out() << RenderOverview(overview, me, people, context.now(), context.ZoneOf(names), context.canvas());
  return absl::OkStatus();
}

// ---- offers

absl::Status ListOffers(Context& context, const std::string& of_case) {
  request_v1::ListOffersRequest request;
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_parent(), context.CaseName(of_case, Purpose::kRead));
  REMATCH_ASSIGN_OR_RETURN(const request_v1::ListOffersResponse listed, context.Call(&RequestStub::ListOffers, request));
  return context.Show(listed, [&] {
    People people = context.LoadPeople({Ancestor(request.parent(), "programs")});
    context.AddCasePeople(request.parent(), people);
    return RenderOffers(ToVector(listed.offers()), people, context.now(), context.ZoneOf(request.parent()), context.canvas());
  });
}

struct AnswerOptions {
  std::string code;
  std::string offer;
  bool yes = false;
  bool not_now = false;
  std::string refer_name;
  std::string refer_email;
  std::string refer_phone;
};

absl::Status Answer(Context& context, const AnswerOptions& options) {
  if (options.code.empty() == options.offer.empty()) return Usage("give --code or --offer");
  if (options.yes == options.not_now) return Usage("give --yes or --not-now");
  if (options.refer_name.empty() != options.refer_email.empty()) return Usage("--refer-name and --refer-email come together");
  const request_v1::OfferAnswer answer = options.yes ? request_v1::YES : request_v1::NOT_NOW;
  const auto refer = [&](auto& request) {
    if (options.refer_email.empty()) return;
    request.mutable_referral()->set_display_name(options.refer_name);
    request.mutable_referral()->set_email(options.refer_email);
    request.mutable_referral()->set_phone(options.refer_phone);
  };
  if (!options.code.empty()) {
    request_v1::RespondToOfferRequest request;
    request.set_reply_code(options.code);
    request.set_answer(answer);
    refer(request);
    request.set_request_id(context.RequestId());
    REMATCH_ASSIGN_OR_RETURN(const request_v1::RespondToOfferResponse response, context.Call(&RequestStub::RespondToOffer, request));
    return context.Show(response, [&] { return Words(response.result()) + "\n"; });
  }
  REMATCH_ASSIGN_OR_RETURN(const request_v1::Offer found, context.FindOffer(options.offer, ""));
  request_v1::RecordOfferResponseRequest request;
  request.set_name(found.name());
  request.set_answer(answer);
  refer(request);
  request.set_request_id(context.RequestId());
  REMATCH_ASSIGN_OR_RETURN(const request_v1::Offer offer, context.Call(&RequestStub::RecordOfferResponse, request));
  return context.Show(
      offer, [&] { return "offer " + ShortName(offer.name()) + "  " + Words(offer.state()) + (offer.late() ? ", late" : "") + "\n"; });
}

absl::Status Revive(Context& context, const std::string& given, const std::string& note) {
  REMATCH_ASSIGN_OR_RETURN(const request_v1::Offer found, context.FindOffer(given, ""));
  request_v1::ReviveOfferRequest request;
  request.set_name(found.name());
  request.set_note(note);
  request.set_request_id(context.RequestId());
  REMATCH_ASSIGN_OR_RETURN(const request_v1::Reassignment c, context.Call(&RequestStub::ReviveOffer, request));
  return ShowStep(context, c);
}

// ---- mail

absl::StatusOr<std::vector<notify_v1::Notification>> Mails(Context& context) {
  notify_v1::ListNotificationsRequest request;
  request.set_parent(context.consortium());
  REMATCH_ASSIGN_OR_RETURN(const notify_v1::ListNotificationsResponse listed, context.CallPages(&NotifyStub::ListNotifications, request));
  return ToVector(listed.notifications());
}

absl::Status ListMails(Context& context, const std::string& of_case) {
  std::string name;
  if (!of_case.empty()) {
    REMATCH_ASSIGN_OR_RETURN(name, context.CaseName(of_case, Purpose::kRead));
  }
  REMATCH_ASSIGN_OR_RETURN(std::vector<notify_v1::Notification> mails, Mails(context));
  notify_v1::ListNotificationsResponse shown;
  for (notify_v1::Notification& mail : mails) {
    // A message is about its case, or about one of the case's offers.
    if (name.empty() || mail.origin() == name || mail.origin().starts_with(name + "/")) *shown.add_notifications() = std::move(mail);
  }
  return context.Show(shown, [&] {
    std::vector<std::string> origins;
    for (const auto& mail : shown.notifications()) origins.push_back(mail.origin());
    return RenderMails(ToVector(shown.notifications()), context.ZoneOf(origins), context.canvas());
  });
}

absl::StatusOr<std::string> MailName(Context& context, const std::string& given, Purpose purpose) {
  if (given.starts_with("consortia/")) return given;
  REMATCH_ASSIGN_OR_RETURN(const std::vector<notify_v1::Notification> mails, Mails(context));
  std::vector<Known> known;
  for (const auto& mail : mails) known.push_back({mail.name(), {}});
  return Resolve("mail", known, given, purpose);
}

// A bounce that a person saw, or another try.
template <typename Request, typename Method>
absl::Status ChangeMail(Context& context, const std::string& given, Method method) {
  Request request;
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_name(), MailName(context, given, Purpose::kWrite));
  request.set_request_id(context.RequestId());
  REMATCH_ASSIGN_OR_RETURN(const notify_v1::Notification mail, context.Call(method, request));
  return context.Show(mail, [&] { return Words(mail.state()) + "\n"; });
}

absl::Status ShowMail(Context& context, const std::string& given, bool html) {
  notify_v1::GetNotificationRequest request;
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_name(), MailName(context, given, Purpose::kRead));
  REMATCH_ASSIGN_OR_RETURN(const notify_v1::Notification mail, context.Call(&NotifyStub::GetNotification, request));
  return context.Show(mail, [&] { return RenderMail(mail, html, context.ZoneOf(mail.origin()), context.canvas()); });
}

}  // namespace

void AddOverviewCommand(CLI::App& app, Chosen& chosen) {
  auto program = std::make_shared<std::string>();
  AddCommand(app, chosen, "overview", "Everything at one look: cases, what is overdue, tasks, caseloads, candidates without a mentor",
             [program](Context& context) { return ShowOverview(context, *program); })
      ->add_option("--program", *program, "Only this program");
}

void AddOfferCommands(CLI::App& app, Chosen& chosen) {
  CLI::App* const offer = AddGroup(app, "offer", "Mentors who were asked");
  auto of_case = std::make_shared<std::string>();
  AddCommand(*offer, chosen, "list", "The offers of a case", [of_case](Context& context) { return ListOffers(context, *of_case); })
      ->add_option("--case", *of_case, "The case")
      ->required();
  auto options = std::make_shared<AnswerOptions>();
  CLI::App* const answer = AddCommand(*offer, chosen, "answer", "Answer an offer with the code of its message, or record a mentor's answer",
                                      [options](Context& context) { return Answer(context, *options); });
  answer->add_option("--code", options->code, "The code of the message");
  answer->add_option("--offer", options->offer, "The offer, as CASE/OFFER or CASE/MENTOR, for an answer that reached the leader");
  answer->add_flag("--yes", options->yes, "Would do it");
  answer->add_flag("--not-now", options->not_now, "Would not, now");
  answer->add_option("--refer-name", options->refer_name, "Somebody else whom they think of: the name");
  answer->add_option("--refer-email", options->refer_email, "... and the address");
  answer->add_option("--refer-phone", options->refer_phone, "... and the phone number");
  auto late = std::make_shared<std::string>();
  auto note = std::make_shared<std::string>();
  CLI::App* const revive = AddCommand(*offer, chosen, "revive", "Take up a yes that came too late: a seat is held again, then it is judged",
                                      [late, note](Context& context) { return Revive(context, *late, *note); });
  revive->add_option("OFFER", *late, "The offer, as CASE/OFFER or CASE/MENTOR")->required();
  revive->add_option("--note", *note, "Private");
}

void AddMailCommands(CLI::App& app, Chosen& chosen) {
  CLI::App* const mail = AddGroup(app, "mail", "Messages to people and what became of them");
  auto of_case = std::make_shared<std::string>();
  AddCommand(*mail, chosen, "list", "Messages, the newest first", [of_case](Context& context) {
    return ListMails(context, *of_case);
  })->add_option("--case", *of_case, "Only those of this case");
  auto name = std::make_shared<std::string>();
  auto html = std::make_shared<bool>(false);
  CLI::App* const show = AddCommand(*mail, chosen, "show", "One message as it was rendered",
                                    [name, html](Context& context) { return ShowMail(context, *name, *html); });
  show->add_option("MAIL", *name, "The message")->required();
  show->add_flag("--html", *html, "Its HTML page alone");
  AddCommand(*mail, chosen, "bounce", "Report that a message came back: its recipient is not waited for",
             [name](Context& context) { return ChangeMail<notify_v1::ReportBounceRequest>(context, *name, &NotifyStub::ReportBounce); })
      ->add_option("MAIL", *name, "The message")
      ->required();
  AddCommand(
      *mail, chosen, "retry", "Send a message that failed again",
      [name](Context& context) { return ChangeMail<notify_v1::RetryNotificationRequest>(context, *name, &NotifyStub::RetryNotification); })
      ->add_option("MAIL", *name, "The message")
      ->required();
}

}  // namespace rematch::cli
