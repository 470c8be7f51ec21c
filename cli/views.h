// What the services answer, as people read it. Pure: messages in, text out; nothing here calls anybody.
#ifndef REMATCH_CLI_VIEWS_H_
#define REMATCH_CLI_VIEWS_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/names.h"
#include "cli/tables.h"
#include "rematch/mentor/v1/service.pb.h"
#include "rematch/notify/v1/service.pb.h"
#include "rematch/request/v1/service.pb.h"

namespace rematch::cli {

// Cases: stage, how long they have waited, when something is due next.
std::string RenderCases(const std::vector<rematch::request::v1::Reassignment>& cases, const People& people, absl::Time now,
                        const Canvas& canvas);
// One case with what its reader may see: reasons and notes are there only if the service sent them.
std::string RenderCase(const rematch::request::v1::Reassignment& c, const People& people, absl::Time now, absl::TimeZone zone,
                       const Canvas& canvas);
// Where it stands, as one line: for `case watch`, and after every step.
std::string RenderCaseLine(const rematch::request::v1::Reassignment& c, const People& people, absl::Time now, absl::TimeZone zone,
                           const Canvas& canvas);

std::string RenderOffers(const std::vector<rematch::request::v1::Offer>& offers, const People& people, absl::Time now, absl::TimeZone zone,
                         const Canvas& canvas);
std::string RenderTasks(const std::vector<rematch::request::v1::Task>& tasks, const People& people, absl::Time now, absl::TimeZone zone,
                        const Canvas& canvas);
std::string RenderNamed(const std::vector<rematch::request::v1::Person>& named, const People& people, const Canvas& canvas);
// The audit trail, and the ledger of who learned what; folded, what repeats is one line.
std::string RenderEvents(const std::vector<rematch::request::v1::ReassignmentEvent>& events, const People& people, absl::TimeZone zone,
                         bool folded, const Canvas& canvas);
std::string RenderDisclosures(const std::vector<rematch::request::v1::Disclosure>& disclosures, const People& people, absl::TimeZone zone,
                              bool folded, const Canvas& canvas);
std::string RenderPreview(const rematch::request::v1::PreviewEscalationResponse& preview, const People& people, absl::TimeZone zone,
                          const Canvas& canvas);

// All stages that are still to come.
std::string RenderForecast(const rematch::request::v1::PreviewEscalationResponse& preview, const People& people, absl::TimeZone zone,
                           const Canvas& canvas);
std::string RenderDifferences(const std::vector<rematch::request::v1::PolicyDifference>& differences, const Canvas& canvas);
std::string RenderMentors(const std::vector<rematch::mentor::v1::Mentor>& mentors, const Canvas& canvas);
std::string RenderMentor(const rematch::mentor::v1::Mentor& mentor, const People& people, const Canvas& canvas);
// Who has which caseload, the fullest first, with a bar of seats: taken, held, free.
std::string RenderCaseloads(std::vector<rematch::mentor::v1::Mentor> mentors, const Canvas& canvas);
std::string RenderPrograms(const std::vector<rematch::mentor::v1::Program>& programs, const Canvas& canvas);
// When a program works.
std::string RenderCalendar(const rematch::mentor::v1::Program& program, const Canvas& canvas);
// What has another end than it had.
template <typename T>
struct Moved {
  T was;
  T is;
};
std::string RenderMoved(const std::vector<Moved<rematch::request::v1::Offer>>& offers,
                        const std::vector<Moved<rematch::request::v1::Task>>& tasks, const People& people, absl::Time now,
                        absl::TimeZone zone, const Canvas& canvas);
// With what they share.
std::string RenderDistricts(const std::vector<rematch::mentor::v1::District>& districts, const Canvas& canvas);
std::string RenderSites(const std::vector<rematch::mentor::v1::Site>& sites, const People& people, const Canvas& canvas);
std::string RenderCandidates(const std::vector<rematch::mentor::v1::Candidate>& candidates, const People& people, absl::Time now,
                             const Canvas& canvas);

std::string RenderPolicies(const std::vector<rematch::request::v1::PolicyVersion>& policies, absl::TimeZone zone, const Canvas& canvas);
std::string RenderPolicy(const rematch::request::v1::PolicyVersion& policy, absl::TimeZone zone, const Canvas& canvas);

std::string RenderMails(const std::vector<rematch::notify::v1::Notification>& mails, absl::TimeZone zone, const Canvas& canvas);
// Headers and the text, or the HTML as it is.
std::string RenderMail(const rematch::notify::v1::Notification& mail, bool html, absl::TimeZone zone, const Canvas& canvas);

// What the release says in messages, by kind.
std::string RenderTemplates(const std::vector<rematch::notify::v1::Template>& templates, const Canvas& canvas);
std::string RenderTemplateVersions(const std::vector<rematch::notify::v1::TemplateVersion>& versions, absl::TimeZone zone,
                                   const Canvas& canvas);
// What is said, with what is to be known of it; or its HTML as it is.
std::string RenderTemplate(const rematch::notify::v1::TemplateVersion& version, bool html, absl::TimeZone zone, const Canvas& canvas);
// What a message would say.
std::string RenderMessage(const rematch::notify::v1::PreviewNotificationResponse& message, bool html, const Canvas& canvas);

}  // namespace rematch::cli

#endif  // REMATCH_CLI_VIEWS_H_
