// steady_caller: calls a suite without pause until it is told to end, and then says whether anything was refused, lost or doubled. The
// rehearsal runs it as a client of the cluster while every Deployment is rolled: with the published retry policy no call may fail.
//
//   steady_caller --suite=FILE --mail_dir=FOLDER     until SIGTERM; prints one line, exit code 0 if all is well
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "demo/directory.h"
#include "demo/mail.h"
#include "demo/suite.h"
#include "platform/errors.h"
#include "platform/rpc/channel.h"
#include "tests/scenario/scenario_kit.h"

ABSL_FLAG(std::string, suite, "", "a file with the addresses of the services, as REMATCH_SUITE names it");
ABSL_FLAG(std::string, mail_dir, "", "where mail arrives, as Maildirs by recipient");
ABSL_FLAG(int, threads, 6, "callers");
ABSL_FLAG(absl::Duration, pause, absl::Milliseconds(30), "of a caller between two people");

namespace rematch::scenario {
namespace {

constexpr char kParent[] = "consortia/canyon";
constexpr absl::Duration kTimeout = absl::Seconds(10);
constexpr absl::Duration kForMail = absl::Seconds(60);

// What was acknowledged, by name, and what failed.
class Ledger {
 public:
  void Acknowledge(std::string name) {
    absl::MutexLock lock(&mutex_);
    acknowledged_.insert(std::move(name));
  }
  void Called(const grpc::Status& status, const char* method, absl::Duration took) {
    absl::MutexLock lock(&mutex_);
    ++calls_;
    longest_ = std::max(longest_, took);
    if (!status.ok()) failed_.push_back(absl::StrCat(method, " code ", static_cast<int>(status.error_code()), " ", status.error_message()));
  }

  // Without callers.
  const std::set<std::string>& acknowledged() const ABSL_NO_THREAD_SAFETY_ANALYSIS { return acknowledged_; }
  const std::vector<std::string>& failed() const ABSL_NO_THREAD_SAFETY_ANALYSIS { return failed_; }
  int64_t calls() const ABSL_NO_THREAD_SAFETY_ANALYSIS { return calls_; }
  absl::Duration longest() const ABSL_NO_THREAD_SAFETY_ANALYSIS { return longest_; }

 private:
  absl::Mutex mutex_;
  std::set<std::string> acknowledged_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> failed_ ABSL_GUARDED_BY(mutex_);
  int64_t calls_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Duration longest_ ABSL_GUARDED_BY(mutex_);
};

class SteadyCallers {
 public:
  SteadyCallers(const std::map<demo::Part, std::string>& addresses, const demo::Directory& directory)
      : program_(directory.programs.begin()->first),
        leader_({"PROGRAM_LEADER", directory.programs.begin()->second.leader().person()}),
        site_(directory.sites.begin()->first),
        mentor_(mentor::v1::MentorService::NewStub(rpc::MakeChannel(addresses.at(demo::Part::kMentor)))),
        request_(request::v1::ReassignmentService::NewStub(rpc::MakeChannel(addresses.at(demo::Part::kRequest)))),
        notify_(notify::v1::NotifyService::NewStub(rpc::MakeChannel(addresses.at(demo::Part::kNotify)))) {}

  // Each person is written once: a candidate, their case, and a message about it.
  void Run(int threads, const std::atomic<bool>& ending) {
    std::vector<std::thread> callers;
    for (int t = 0; t < threads; ++t) {
      callers.emplace_back([this, t, &ending] {
        for (int i = 0; !ending; ++i) {
          One(absl::StrCat("t", t, "-", i));
          absl::SleepFor(absl::GetFlag(FLAGS_pause));
        }
      });
    }
    for (std::thread& caller : callers) caller.join();
  }

  // A line for each thing that is wrong.
  std::vector<std::string> Check(const std::string& mail_dir) {
    std::vector<std::string> wrong = ledger_.failed();
    std::multiset<std::string> stored, messages_stored;
    mentor::v1::ListCandidatesRequest candidates;
    candidates.set_parent(program_);
    List(*mentor_, &demo::MentorStub::ListCandidates, candidates, [&](const auto& page) {
      for (const auto& one : page.candidates()) stored.insert(one.name());
    });
    request::v1::ListReassignmentsRequest cases;
    cases.set_parent(program_);
    std::map<std::string, int> of_candidate;
    List(*request_, &demo::RequestStub::ListReassignments, cases, [&](const auto& page) {
      for (const auto& one : page.reassignments()) {
        stored.insert(one.name());
        if (++of_candidate[one.candidate()] > 1) wrong.push_back(absl::StrCat("two cases of ", one.candidate()));
      }
    });
    notify::v1::ListNotificationsRequest messages;
    messages.set_parent(kParent);
    std::set<std::string> message_ids;
    const auto look = [&] {
      message_ids.clear();
      messages_stored.clear();
      bool all_sent = true;
      List(*notify_, &demo::NotifyStub::ListNotifications, messages, [&](const auto& page) {
        for (const auto& one : page.notifications()) {
          if (!one.name().starts_with(absl::StrCat(kParent, "/notifications/t"))) continue;
          messages_stored.insert(one.name());
          message_ids.insert(one.message_id());
          all_sent = all_sent && one.state() == notify::v1::Notification::SENT;
        }
      });
      return all_sent;
    };
    if (!demo::WaitUntil(look, kForMail)) wrong.push_back("messages are not sent");
    stored.merge(messages_stored);
    for (const std::string& name : ledger_.acknowledged()) {
      const size_t copies = stored.count(name);
      if (copies != 1) wrong.push_back(absl::StrCat(name, copies == 0 ? " is lost" : " is there more than once"));
    }
    std::map<std::string, int> arrived;
    for (const demo::Mail& mail : demo::ReadMaildirs(mail_dir)) ++arrived[mail.message_id];
    for (const std::string& id : message_ids) {
      if (arrived[id] != 1) wrong.push_back(absl::StrCat("a message arrived ", arrived[id], " times"));
    }
    return wrong;
  }

  const Ledger& ledger() const { return ledger_; }

 private:
  template <typename Stub, typename Request, typename Response>
  bool Call(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), const Request& request,
            Response* response, rpc::Caller caller = {"SERVICE", ""}) {
    grpc::ClientContext context;
    rpc::Prepare(context, kTimeout, caller);
    const absl::Time begin = absl::Now();
    const grpc::Status status = (stub.*method)(&context, request, response);
    ledger_.Called(status, Request::descriptor()->name().c_str(), absl::Now() - begin);
    return status.ok();
  }

  template <typename Stub, typename Request, typename Response, typename Take>
  void List(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), Request request, Take take) {
    request.set_page_size(1000);
    Response page;
    const rpc::Caller caller = std::is_same_v<Stub, demo::RequestStub> ? leader_ : rpc::Caller{"SERVICE", ""};
    do {
      if (!Call(stub, method, request, &page, caller)) return;
      take(page);
      request.set_page_token(page.next_page_token());
    } while (!page.next_page_token().empty());
  }

  void One(const std::string& id) {
    mentor::v1::CreateCandidateRequest candidate;
    candidate.set_parent(program_);
    candidate.set_candidate_id(id);
    candidate.set_request_id(absl::StrCat("candidate-", id));
    auto& person = *candidate.mutable_candidate();
    person.mutable_contact()->set_display_name(absl::StrCat("Candidate ", id));
    person.mutable_contact()->set_email(absl::StrCat(id, "@canyon.example"));
    person.set_site(site_);
    person.set_credential("Single Subject");
    person.set_grade_band("9-12");
    person.mutable_enroll_time()->set_seconds(1'756'000'000);
    mentor::v1::Candidate enrolled;
    if (!Call(*mentor_, &demo::MentorStub::CreateCandidate, candidate, &enrolled)) return;
    ledger_.Acknowledge(enrolled.name());

    request::v1::CreateReassignmentRequest open;
    open.set_parent(program_);
    open.set_candidate(enrolled.name());
    open.set_reasons("We do not find times to meet.");
    open.set_request_id(absl::StrCat("case-", id));
    request::v1::Reassignment opened;
    if (!Call(*request_, &demo::RequestStub::CreateReassignment, open, &opened, {"CANDIDATE", enrolled.name()})) return;
    ledger_.Acknowledge(opened.name());
    request::v1::GetReassignmentRequest get;
    get.set_name(opened.name());
    Call(*request_, &demo::RequestStub::GetReassignment, get, &opened, leader_);

    notify::v1::SendNotificationRequest send;
    send.set_parent(kParent);
    send.set_notification_id(id);
    send.set_request_id(absl::StrCat("send-", id));
    auto& message = *send.mutable_notification();
    message.set_template_("templates/first_approach");
    message.mutable_to()->set_display_name("Mentor 1");
    message.mutable_to()->set_email("mentor.1@canyon.example");
    auto& variables = *message.mutable_variables();
    variables["mentor_name"] = "Mentor 1";
    variables["program_name"] = "Canyon Induction";
    variables["leader_name"] = "Rosa Leader";
    variables["leader_email"] = "rosa.leader@canyon.example";
    variables["leader_phone"] = "";
    variables["need"] = "Single Subject, 9-12";
    variables["window_end"] = "Friday, 4 September, 17:00";
    variables["reply_code"] = absl::StrCat("code-", id);
    notify::v1::Notification sent;
    if (!Call(*notify_, &demo::NotifyStub::SendNotification, send, &sent)) return;
    ledger_.Acknowledge(sent.name());
  }

  const std::string program_;
  const rpc::Caller leader_;
  const std::string site_;
  const std::unique_ptr<demo::MentorStub> mentor_;
  const std::unique_ptr<demo::RequestStub> request_;
  const std::unique_ptr<demo::NotifyStub> notify_;
  Ledger ledger_;
};

int Main() {
  sigset_t ending_signals;
  sigemptyset(&ending_signals);
  sigaddset(&ending_signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ending_signals, nullptr);
  const auto addresses = demo::ReadSuiteFile(absl::GetFlag(FLAGS_suite));
  if (!addresses.ok()) {
    std::cerr << "steady_caller: " << addresses.status().message() << "\n";
    return 2;
  }
  absl::StatusOr<demo::Directory> directory;
  {
    const std::unique_ptr<demo::Suite> suite =
        demo::Suite::Attach({.addresses = *addresses, .bin_dir = "", .mail_dir = absl::GetFlag(FLAGS_mail_dir)});
    if (const absl::Status imported = Import(*suite, SmallRoster(), "steady-import"); !imported.ok()) {
      std::cerr << "steady_caller: " << imported.message() << "\n";
      return 1;
    }
    directory = demo::Directory::Load(*suite, kParent);
    if (!directory.ok() || directory->programs.empty() || directory->sites.empty()) {
      std::cerr << "steady_caller: cannot read the roster\n";
      return 1;
    }
  }
  SteadyCallers callers(*addresses, *directory);
  std::atomic<bool> ending = false;
  std::thread waits([&] {
    int received = 0;
    sigwait(&ending_signals, &received);
    ending = true;
  });
  callers.Run(absl::GetFlag(FLAGS_threads), ending);
  waits.join();
  const std::vector<std::string> wrong = callers.Check(absl::GetFlag(FLAGS_mail_dir));
  std::cout << callers.ledger().calls() << " calls, " << callers.ledger().acknowledged().size() << " writes acknowledged, "
            << callers.ledger().failed().size() << " failed, the longest took " << absl::ToInt64Milliseconds(callers.ledger().longest())
            << " ms\n";
  for (const std::string& line : wrong) std::cerr << line << "\n";
  return wrong.empty() ? 0 : 1;
}

}  // namespace
}  // namespace rematch::scenario

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return rematch::scenario::Main();
}
