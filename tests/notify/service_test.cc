#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <thread>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "notify-service/domain/reasons.h"
#include "platform/errors.h"
#include "tests/notify/notify_harness.h"
#include "tests/notify/notify_kit.h"

namespace rematch::notify {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Stub = v1::NotifyService::Stub;

const rpc::Caller kLeader = {"PROGRAM_LEADER", "consortia/c1/leaders/l1"};
const rpc::Caller kForeignLeader = {"PROGRAM_LEADER", "consortia/c1/leaders/l2"};

class NotifyServiceTest : public ::testing::Test {
 protected:
  absl::StatusOr<v1::Notification> Send(const v1::SendNotificationRequest& request, const rpc::Caller& caller = {"SERVICE", ""}) {
    return notify_.Call(&Stub::SendNotification, request, caller);
  }
  absl::StatusOr<v1::Notification> Get(const std::string& key, const rpc::Caller& caller = {"SERVICE", ""}) {
    v1::GetNotificationRequest request;
    request.set_name("consortia/c1/notifications/" + key);
    return notify_.Call(&Stub::GetNotification, request, caller);
  }
  absl::StatusOr<v1::Notification> Cancel(const std::string& key) {
    v1::CancelNotificationRequest request;
    request.set_name("consortia/c1/notifications/" + key);
    request.set_request_id("cancel-" + key);
    return notify_.Call(&Stub::CancelNotification, request);
  }
  absl::StatusOr<v1::Notification> Retry(const std::string& key, const rpc::Caller& caller, const std::string& id = "retry") {
    v1::RetryNotificationRequest request;
    request.set_name("consortia/c1/notifications/" + key);
    request.set_request_id(id);
    return notify_.Call(&Stub::RetryNotification, request, caller);
  }
  absl::StatusOr<v1::Notification> Bounce(const std::string& key, const rpc::Caller& caller, const std::string& id = "bounce") {
    v1::ReportBounceRequest request;
    request.set_name("consortia/c1/notifications/" + key);
    request.set_request_id(id);
    return notify_.Call(&Stub::ReportBounce, request, caller);
  }

  NotifyHarness notify_;
};

TEST_F(NotifyServiceTest, SendsAndReportsInTheFeed) {
  const auto accepted = Send(SendRequest("k1"));
  ASSERT_TRUE(accepted.ok()) << accepted.status();
  EXPECT_EQ(accepted->name(), "consortia/c1/notifications/k1");
  const auto seen = notify_.Watch(1);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].position(), 1);
  EXPECT_EQ(seen[0].notification(), accepted->name());
  EXPECT_EQ(seen[0].origin(), "consortia/c1/programs/p1/reassignments/r1");
  EXPECT_EQ(seen[0].state(), v1::Notification::SENT);
  const auto found = Get("k1");
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->message_id(), accepted->message_id());
  EXPECT_EQ(notify_.transport().sent()[0].message_id, found->message_id());
  EXPECT_THAT(found->text_body(), HasSubstr("Dear [mentor_name],"));
}

TEST_F(NotifyServiceTest, RetriesUntilItIsSent) {
  notify_.transport().Next(
      {{.kind = Outcome::Kind::kRetryLater, .error = "CONNECT"}, {.kind = Outcome::Kind::kUnknown, .error = "BROKE_OFF"}});
  ASSERT_TRUE(Send(SendRequest("k1")).ok());
  const auto seen = notify_.Watch(2);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].state(), v1::Notification::UNKNOWN);
  EXPECT_EQ(seen[1].state(), v1::Notification::SENT);
  EXPECT_EQ(notify_.transport().sent().size(), 1u);
}

TEST_F(NotifyServiceTest, TheAnswersOfWritesCarryNoContent_F23) {
  const auto accepted = Send(SendRequest("k1"));
  ASSERT_TRUE(accepted.ok());
  EXPECT_FALSE(accepted->has_to());
  EXPECT_EQ(accepted->subject() + accepted->text_body() + accepted->html_body(), "");
  EXPECT_TRUE(accepted->variables().empty());
}

TEST_F(NotifyServiceTest, OnlyReadersAndServicesReadANotification_F21) {
  ASSERT_TRUE(Send(SendRequest("k1")).ok());
  EXPECT_TRUE(Get("k1", kLeader).ok());
  const auto foreign = Get("k1", kForeignLeader).status();
  const auto missing = Get("k2", kForeignLeader).status();
  EXPECT_EQ(foreign.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(foreign, missing) << "as if it were not there";
  EXPECT_EQ(Get("k1", {"MENTOR", "consortia/c1/mentors/m1"}).status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Get("k1", {"", ""}).status().code(), absl::StatusCode::kUnauthenticated);
  const auto audited = Get("k1", {"AUDITOR", "consortia/c1/auditors/a1"});
  ASSERT_TRUE(audited.ok()) << audited.status();
  EXPECT_EQ(audited->to().email() + audited->text_body() + audited->subject(), "");
}

TEST_F(NotifyServiceTest, ALeadersListHasOnlyTheirOwnAndItsPagesJoinUp_F36) {
  for (int i = 0; i < 7; ++i) {
    v1::SendNotificationRequest request = SendRequest(absl::StrCat("k", i));
    if (i % 3 == 0) request.mutable_notification()->set_readers(0, kForeignLeader.person);
    ASSERT_TRUE(Send(request).ok());
  }
  const auto list = [&](const rpc::Caller& caller) {
    std::vector<std::string> names;
    v1::ListNotificationsRequest request;
    request.set_parent("consortia/c1");
    request.set_page_size(2);
    do {
      const auto page = notify_.Call(&Stub::ListNotifications, request, caller);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      EXPECT_LE(page->notifications_size(), 2);
      for (const auto& one : page->notifications()) names.push_back(one.name());
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return names;
  };
  EXPECT_EQ(list({"SERVICE", ""}).size(), 7u);
  EXPECT_EQ(list(kForeignLeader).size(), 3u);
  EXPECT_EQ(list(kLeader).size(), 4u);
}

TEST_F(NotifyServiceTest, ALeaderTriesAFailedMessageAgain) {
  notify_.transport().Next({{.kind = Outcome::Kind::kRejectedForever, .error = "REJECTED_FOREVER"}});
  ASSERT_TRUE(Send(SendRequest("k1")).ok());
  ASSERT_EQ(notify_.Watch(1).size(), 1u);
  EXPECT_EQ(Retry("k1", kForeignLeader).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Retry("k9", kLeader).status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(Retry("k1", kLeader).ok());
  const auto seen = notify_.Watch(3);
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[2].state(), v1::Notification::SENT);
  EXPECT_EQ(ReasonOf(Retry("k1", kLeader, "another").status()), reason::kNotFailed);
}

TEST_F(NotifyServiceTest, ABounceIsReportedByLeadersAndToldInTheFeed_F39) {
  ASSERT_TRUE(Send(SendRequest("k1")).ok());
  ASSERT_EQ(notify_.Watch(1).size(), 1u);
  EXPECT_EQ(Bounce("k1", kForeignLeader).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Bounce("k9", kLeader).status().code(), absl::StatusCode::kNotFound);
  const auto bounced = Bounce("k1", kLeader);
  ASSERT_TRUE(bounced.ok()) << bounced.status();
  EXPECT_EQ(bounced->state(), v1::Notification::FAILED);
  EXPECT_EQ(bounced->last_error(), "BOUNCED");
  const auto seen = notify_.Watch(2);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[1].state(), v1::Notification::FAILED);
  EXPECT_FALSE(seen[1].may_have_arrived());
  ASSERT_TRUE(Bounce("k1", kLeader, "once-more").ok());
  notify_.transport().Next({{.kind = Outcome::Kind::kRejectedForever, .error = "REJECTED_FOREVER"}});
  ASSERT_TRUE(Send(SendRequest("k2")).ok());
  ASSERT_EQ(notify_.Watch(3).size(), 3u) << "the second report said nothing new";
  EXPECT_EQ(ReasonOf(Bounce("k2", kLeader, "another").status()), reason::kNotSent);
}

TEST_F(NotifyServiceTest, CancelAnswersWhatCameOfIt_F14) {
  EXPECT_EQ(Cancel("k1")->state(), v1::Notification::CANCELLED);
  EXPECT_EQ(ReasonOf(Send(SendRequest("k1")).status()), reason::kNotificationCancelled);
  ASSERT_TRUE(Send(SendRequest("k2")).ok());
  ASSERT_EQ(notify_.Watch(2).size(), 2u);
  EXPECT_EQ(Cancel("k2")->state(), v1::Notification::SENT);
}

TEST_F(NotifyServiceTest, CancelDuringAHandOverSaysUnknown_F14) {
  notify_.transport().Hold(true);
  ASSERT_TRUE(Send(SendRequest("k1")).ok());
  ASSERT_TRUE(notify_.transport().AwaitTries(1));
  EXPECT_EQ(Cancel("k1")->state(), v1::Notification::UNKNOWN);
  notify_.transport().Hold(false);
  const auto seen = notify_.Watch(2);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].state(), v1::Notification::UNKNOWN);
  EXPECT_EQ(seen[1].state(), v1::Notification::SENT);
}

TEST_F(NotifyServiceTest, ASlowRecipientHoldsUpNobodyElse) {
  notify_.transport().Hold(true);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Send(SendRequest(absl::StrCat("k", i))).ok());
  EXPECT_TRUE(notify_.transport().AwaitTries(5)) << "all five are being handed over at once";
  notify_.transport().Hold(false);
  EXPECT_EQ(notify_.Watch(5).size(), 5u);
}

TEST_F(NotifyServiceTest, WatchWithoutFollowEndsAtTheNewest) {
  ASSERT_TRUE(Cancel("k1").ok());
  ASSERT_TRUE(Cancel("k2").ok());
  grpc::ClientContext context;
  rpc::Prepare(context, absl::Seconds(20), {"SERVICE", ""});
  v1::WatchDeliveriesRequest request;
  request.set_parent("consortia/c1");
  request.set_after_position(1);
  const auto reader = notify_.stub().WatchDeliveries(&context, request);
  v1::Delivery one;
  ASSERT_TRUE(reader->Read(&one));
  EXPECT_EQ(one.position(), 2);
  EXPECT_FALSE(reader->Read(&one));
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(NotifyServiceTest, WatchIsForServicesOnlyAndChecksItsRequest) {
  const auto end = [&](const std::string& parent, int64_t after, const rpc::Caller& caller) {
    grpc::ClientContext context;
    rpc::Prepare(context, absl::Seconds(20), caller);
    v1::WatchDeliveriesRequest request;
    request.set_parent(parent);
    request.set_after_position(after);
    const auto reader = notify_.stub().WatchDeliveries(&context, request);
    v1::Delivery one;
    while (reader->Read(&one)) {
    }
    return rpc::FromGrpc(reader->Finish()).code();
  };
  EXPECT_EQ(end("consortia/-", 0, kLeader), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(end("consortia/C!", 0, {"SERVICE", ""}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(end("consortia/c1", -1, {"SERVICE", ""}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(end("consortia/c1", 0, {"SERVICE", ""}), absl::StatusCode::kOk);
}

TEST_F(NotifyServiceTest, AConsortiumsWatchShowsOnlyItsOwn_F36) {
  ASSERT_TRUE(Cancel("k1").ok());
  v1::CancelNotificationRequest other;
  other.set_name("consortia/c2/notifications/k1");
  other.set_request_id("x");
  ASSERT_TRUE(notify_.Call(&Stub::CancelNotification, other).ok());
  const auto seen = notify_.Watch(1, "consortia/c2");
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].notification(), other.name());
}

TEST_F(NotifyServiceTest, BadInputIsRefusedWithViolationsAndChangesNothing) {
  v1::SendNotificationRequest request = SendRequest("k1");
  request.mutable_notification()->mutable_to()->set_email("ana@example.org\r\nBcc: x@example.org");
  const auto refused = Send(request);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(refused.status()), rematch::reason::kInvalidField);
  EXPECT_THAT(std::string(refused.status().message()), Not(HasSubstr("Bcc")));
  EXPECT_EQ(Get("k1").status().code(), absl::StatusCode::kNotFound);
  for (const std::string name : {"", "consortia/c1", "consortia/c1/notifications/", "consortia/c1/notifications/a/b", "notifications/k1"}) {
    v1::GetNotificationRequest get;
    get.set_name(name);
    EXPECT_EQ(notify_.Call(&Stub::GetNotification, get).status().code(), absl::StatusCode::kInvalidArgument) << name;
    v1::CancelNotificationRequest cancel;
    cancel.set_name(name);
    cancel.set_request_id("r");
    EXPECT_EQ(notify_.Call(&Stub::CancelNotification, cancel).status().code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_EQ(ReasonOf(Retry("a b", {"SERVICE", ""}).status()), rematch::reason::kInvalidField);
  }
  v1::ListNotificationsRequest list;
  list.set_parent("consortia/c1");
  list.set_page_token("made-up");
  EXPECT_EQ(notify_.Call(&Stub::ListNotifications, list).status().code(), absl::StatusCode::kInvalidArgument);
  list.clear_page_token();
  list.set_page_size(1001);
  EXPECT_EQ(notify_.Call(&Stub::ListNotifications, list).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(NotifyServiceTest, PreviewSaysWhatAMessageWouldSayAndSendsNothing) {
  const v1::SendNotificationRequest send = SendRequest("k1", "ana@example.org", "closing_note");
  v1::PreviewNotificationRequest request;
  request.set_template_(send.notification().template_());
  *request.mutable_variables() = send.notification().variables();
  const auto preview = notify_.Call(&Stub::PreviewNotification, request, kLeader);
  ASSERT_TRUE(preview.ok()) << preview.status();
  EXPECT_THAT(preview->text_body(), HasSubstr("Dear [mentor_name],"));
  request.mutable_variables()->erase("mentor_name");
  EXPECT_EQ(notify_.Call(&Stub::PreviewNotification, request, kLeader).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(notify_.transport().tries(), 0);
}

TEST_F(NotifyServiceTest, TemplatesAreListedWithTheirVariables) {
  const auto listed = notify_.Call(&Stub::ListTemplates, v1::ListTemplatesRequest(), kLeader);
  ASSERT_TRUE(listed.ok());
  EXPECT_EQ(listed->templates_size(), 17);
  EXPECT_EQ(listed->templates(0).name(), "templates/approach_reminder");
  EXPECT_EQ(listed->templates(0).variables_size(), 8);
}

TEST_F(NotifyServiceTest, AnOriginIsCheckedWhereverItComesIn) {
  v1::ListNotificationsRequest list;
  list.set_parent("consortia/c1");
  for (const std::string& origin : {std::string(256, 'x'), std::string("a b"), std::string("a\nb"), std::string("ü")}) {
    list.set_origin(origin);
    EXPECT_EQ(ReasonOf(notify_.Call(&Stub::ListNotifications, list).status()), rematch::reason::kInvalidField);
  }
  list.set_origin(std::string(255, 'x'));
  EXPECT_TRUE(notify_.Call(&Stub::ListNotifications, list).ok());
}

TEST(NotifyServiceStop, WhatWaitsItsTurnIsNotHandedOverAnyMore_F40) {
  ServiceOptions options = NotifyHarness::Fast();
  options.send_threads = 1;
  NotifyHarness notify(options);
  notify.transport().Hold(true);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(notify.Call(&Stub::SendNotification, SendRequest(absl::StrCat("k", i))).ok());
  ASSERT_TRUE(notify.transport().AwaitTries(1));
  std::thread stop([&] { notify.Stop(); });
  ASSERT_TRUE(notify.transport().AwaitHurry());
  notify.transport().Hold(false);
  stop.join();
  EXPECT_EQ(notify.transport().tries(), 1) << "the one that was at work";
  std::map<v1::Notification::State, int> states;
  for (int i = 0; i < 5; ++i) {
    v1::GetNotificationRequest get;
    get.set_name(absl::StrCat("consortia/c1/notifications/k", i));
    const auto found = notify.Call(&Stub::GetNotification, get);
    ASSERT_TRUE(found.ok()) << found.status();
    ++states[found->state()];
    EXPECT_EQ(found->attempts(), found->state() == v1::Notification::SENT ? 1 : 0);
  }
  EXPECT_EQ(states[v1::Notification::SENT], 1);
  EXPECT_EQ(states[v1::Notification::QUEUED], 4) << "not sent, and nothing to settle";
}

// A store and what else a service needs, without one.
struct Surroundings {
  explicit Surroundings(bool migrated) {
    database = *sql::Open(store.url());
    if (migrated) EXPECT_TRUE(sql::Migrate(*database, NotifyMigrations(), clock).ok());
    environment =
        std::make_unique<rpc::ServerEnvironment>(rpc::ServerEnvironment{*database, clock, random, ids, blocking, metrics, "replica-1"});
  }
  absl::Status Make(const ServiceOptions& options) {
    return MakeService(*environment, options, std::make_unique<RecordingTransport>()).status();
  }

  testing::TestStore store;
  platform::RealClock clock;
  platform::SecureRandom random;
  platform::IdSource ids{clock, random};
  platform::ThreadPool blocking{1, 16};
  platform::Metrics metrics;
  std::unique_ptr<sql::Database> database;
  std::unique_ptr<rpc::ServerEnvironment> environment;
};

// A domain that is right but for its length.
std::string LongDomain(size_t size) {
  std::string domain;
  while (domain.size() < size) domain += domain.size() % 50 == 48 ? '.' : 'd';
  return domain;
}

TEST(MakeNotifyService, ShowsThatThisReplicaLivesBeforeAnythingIsAccepted_F40) {
  Surroundings around(/*migrated=*/true);
  ASSERT_TRUE(around.Make({}).ok());
  const absl::Status read = around.database->Read([](sql::Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(const std::vector<sql::Row> rows, tx.Query("SELECT replica FROM replicas"));
    EXPECT_EQ(rows.size(), 1u);
    if (!rows.empty()) EXPECT_EQ(rows[0].Text(0), "replica-1");
    return absl::OkStatus();
  });
  EXPECT_TRUE(read.ok()) << read;
  Surroundings bare(/*migrated=*/false);
  EXPECT_FALSE(bare.Make({}).ok()) << "a store that takes no beat";
}

TEST(MakeNotifyService, OptionsThatNoSenderCouldWorkWithAreRefusedByTheNameOfTheirFlag) {
  Surroundings around(/*migrated=*/true);
  ServiceOptions longest;
  longest.mail_domain = LongDomain(200);
  EXPECT_TRUE(around.Make(longest).ok());
  struct Case {
    const char* flag;
    std::function<void(ServiceOptions&)> spoil;
  };
  const Case cases[] = {
      {"--send_threads", [](ServiceOptions& o) { o.send_threads = 0; }},
      {"--send_threads", [](ServiceOptions& o) { o.send_threads = -1; }},
      {"--send_attempts", [](ServiceOptions& o) { o.policy.max_tries = 0; }},
      {"--send_repeats", [](ServiceOptions& o) { o.policy.max_resends = -1; }},
      {"--send_max_age", [](ServiceOptions& o) { o.policy.max_age = absl::Seconds(-1); }},
      {"--send_backoff", [](ServiceOptions& o) { o.policy.first_backoff = absl::Seconds(-2); }},
      {"--send_backoff", [](ServiceOptions& o) { o.policy.first_backoff = absl::InfiniteDuration(); }},
      {"--send_backoff_max", [](ServiceOptions& o) { o.policy.max_backoff = absl::Seconds(1); }},
      {"--settle_delay", [](ServiceOptions& o) { o.policy.settle_delay = absl::Seconds(-1); }},
      {"--lease", [](ServiceOptions& o) { o.lease = absl::ZeroDuration(); }},
      {"--mail_domain", [](ServiceOptions& o) { o.mail_domain = LongDomain(201); }},
      {"--mail_from", [](ServiceOptions& o) { o.from.email = "nobody"; }},
  };
  for (const Case& c : cases) {
    ServiceOptions options;
    c.spoil(options);
    const absl::Status status = around.Make(options);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.flag;
    EXPECT_EQ(ReasonOf(status), reason::kTransportInvalid) << c.flag;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.flag));
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("\n")));
  }
}

TEST_F(NotifyServiceTest, LatenessAndTheOldestUnsentMessageAreMeasured_F45) {
  notify_.transport().Hold(true);
  ASSERT_TRUE(Send(SendRequest("k1")).ok());
  ASSERT_TRUE(notify_.transport().AwaitTries(1));
  EXPECT_THAT(notify_.metrics().Text(), HasSubstr("rematch_due_lateness_seconds_count{kind=\"send\"}"));
  // The step that took it on measures this last.
  const absl::Time start = absl::Now();
  const auto measured = [&] { return absl::StrContains(notify_.metrics().Text(), "rematch_oldest_due_seconds{queue=\"mail\"}"); };
  while (!measured() && absl::Now() - start < absl::Seconds(20)) std::this_thread::yield();
  EXPECT_TRUE(measured());
  notify_.transport().Hold(false);
}

}  // namespace
}  // namespace rematch::notify
