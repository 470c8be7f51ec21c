// The store behind its door, single-threaded and under a clock that only moves when told.
#ifndef REMATCH_TESTS_NOTIFY_NOTIFY_KIT_H_
#define REMATCH_TESTS_NOTIFY_NOTIFY_KIT_H_

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "notify-service/domain/templates.h"
#include "notify-service/loops/sender.h"
#include "notify-service/notify_service.h"
#include "notify-service/store/notify_store.h"
#include "notify-service/store/template_store.h"
#include "platform/clock.h"
#include "platform/errors.h"
#include "platform/executor.h"
#include "platform/group_commit.h"
#include "platform/ids.h"
#include "platform/leases.h"
#include "platform/sql/database.h"
#include "platform/sql/migrations.h"
#include "tests/notify/recording_transport.h"
#include "tests/store.h"

namespace rematch::notify {

inline const Templates& TestTemplates() {
  static const Templates* const templates = new Templates(*Templates::Make(NotifyTemplates()));
  return *templates;
}

// A valid request; every variable is its own name in brackets.
inline v1::SendNotificationRequest SendRequest(const std::string& key, const std::string& email = "ana@example.org",
                                               const std::string& kind = "first_approach") {
  v1::SendNotificationRequest request;
  request.set_parent("consortia/c1");
  request.set_notification_id(key);
  request.set_request_id("request-" + key);
  v1::Notification& one = *request.mutable_notification();
  one.set_template_("templates/" + kind);
  one.mutable_to()->set_display_name("Ana Example");
  one.mutable_to()->set_email(email);
  one.mutable_reply_to()->set_email("leader@example.org");
  one.set_origin("consortia/c1/programs/p1/reassignments/r1");
  one.add_readers("consortia/c1/leaders/l1");
  for (const std::string& variable : TestTemplates().Find(kind)->variables) (*one.mutable_variables())[variable] = "[" + variable + "]";
  return request;
}

inline Accept AcceptOf(const v1::SendNotificationRequest& request) {
  absl::StatusOr<Draft> draft = CheckSend(TestTemplates(), request);
  if (!draft.ok()) {
    ADD_FAILURE() << draft.status();
    return {};
  }
  const std::string id = MessageId(NotificationName(draft->key.consortium, draft->key.id), "test.example");
  return {.draft = *std::move(draft), .message_id = id};
}

// NOT_FOUND when there is none.
inline absl::StatusOr<v1::Notification> Stored(sql::Database& database, const Key& key) {
  std::map<Key, v1::Notification> found;
  REMATCH_RETURN_IF_ERROR(database.Read([&](sql::Transaction& tx) -> absl::Status {
    REMATCH_ASSIGN_OR_RETURN(found, NotifyStore::Find(tx, {key}));
    return absl::OkStatus();
  }));
  if (found.empty()) return absl::NotFoundError(key.id);
  return std::move(found.begin()->second);
}

// One replica over a store that others may share. Nothing happens by itself: Settle() carries on until nothing is left to do now.
class Replica {
 public:
  Replica(sql::Database& database, platform::ManualClock& clock, platform::Random& random, MailTransport& transport,
          const std::string& name, SendPolicy policy = {})
      : database_(database),
        words_(database, clock, TestTemplates()),
        store_(database, words_, clock, random, name, policy, {}),
        door_({.threads = 0}, database, store_, clock, random),
        leases_(database, clock, name, absl::Seconds(10)),
        sender_({.from = {.display_name = "Rematch", .email = "from@example.org"}}, store_, door_, leases_, transport, pool_, clock,
                {.ended = [this](const char* outcome) { ++outcomes_[outcome]; }}) {}
  ~Replica() {
    while (door_.RunOnce()) {
    }
  }

  NotifyStore& store() { return store_; }
  TemplateStore& words() { return words_; }
  GroupCommit<Command>& door() { return door_; }
  platform::Leases& leases() { return leases_; }
  Sender& sender() { return sender_; }
  // How often each of kSendOutcomes came about.
  const std::map<std::string, int>& outcomes() const { return outcomes_; }

  absl::StatusOr<v1::Notification> Do(Command command, CommandMeta meta = {}) {
    const absl::StatusOr<std::string> reply = door_.Commit(std::move(meta), std::move(command));
    if (!reply.ok()) return reply.status();
    v1::Notification answer;
    answer.ParseFromString(*reply);
    return answer;
  }
  // Sends what is due now, with everything that follows from it.
  void Send() {
    for (int i = 0; i < 3; ++i) {
      sender_.Step();
      while (door_.RunOnce()) {
      }
    }
  }
  v1::Notification Get(const std::string& id) {
    const auto found = Stored(database_, {.consortium = "c1", .id = id});
    if (!found.ok()) {
      ADD_FAILURE() << found.status();
      return {};
    }
    return *found;
  }
  // The states that the feed reports, in order: "k1:SENT".
  std::vector<std::string> Feed() {
    std::vector<std::string> out;
    const auto found = store_.Deliveries("", 0, 10000);
    if (!found.ok()) {
      ADD_FAILURE() << found.status();
      return out;
    }
    for (const v1::Delivery& one : *found) {
      out.push_back(
          absl::StrCat(one.notification().substr(one.notification().rfind('/') + 1), ":", v1::Notification::State_Name(one.state())));
    }
    return out;
  }

 private:
  sql::Database& database_;
  platform::InlineExecutor pool_;
  TemplateStore words_;
  NotifyStore store_;
  GroupCommit<Command> door_;
  platform::Leases leases_;
  std::map<std::string, int> outcomes_;
  Sender sender_;
};

class NotifyKit : public ::testing::Test {
 protected:
  NotifyKit() : clock_(absl::FromUnixSeconds(1'767'600'000)) { Open(); }

  // Over a new store.
  void Open(testing::TestStore::Kind kind = testing::TestStore::Kind::kMemory) {
    replica_.reset();
    database_.reset();
    store_ = std::make_unique<testing::TestStore>(kind, NotifyMigrations());
    Reopen();
  }
  // As after a restart.
  void Reopen() {
    replica_.reset();
    database_.reset();
    auto opened = sql::Open(store_->url());
    ASSERT_TRUE(opened.ok()) << opened.status();
    database_ = *std::move(opened);
    const absl::Status migrated = sql::Migrate(*database_, NotifyMigrations(), clock_);
    ASSERT_TRUE(migrated.ok()) << migrated;
    replica_ = std::make_unique<Replica>(*database_, clock_, random_, transport_, "replica-1", policy_);
  }
  Replica& r() { return *replica_; }

  platform::ManualClock clock_;
  platform::SeededRandom random_{7};
  SendPolicy policy_;
  RecordingTransport transport_;
  std::unique_ptr<testing::TestStore> store_;
  std::unique_ptr<sql::Database> database_;
  std::unique_ptr<Replica> replica_;
};

}  // namespace rematch::notify

#endif  // REMATCH_TESTS_NOTIFY_NOTIFY_KIT_H_
