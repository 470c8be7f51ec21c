// How many statements a batch is, whatever its size: that is what makes the door fast.
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "access/access.h"
#include "notify-service/rpc/reader.h"
#include "platform/errors.h"
#include "tests/notify/notify_kit.h"
#include "tests/platform/counting_database.h"

namespace rematch::notify {
namespace {

constexpr int kBatch = 64;

Key KeyOf(int i) { return {.consortium = "c1", .id = absl::StrCat("key", i)}; }

enum class Step { kAccept, kAcceptOwn, kPublish, kCallBack, kBegin, kSent, kRejected, kLater, kTryAgain, kBounce };

struct Case {
  std::string name;
  std::vector<Step> steps;  // the last one is counted
};

class StatementsTest : public ::testing::Test {
 protected:
  StatementsTest() {
    EXPECT_TRUE(sql::Migrate(database_, NotifyMigrations(), clock_).ok());
    database_.Count();
    store_ = std::make_unique<NotifyStore>(database_, words_, clock_, random_, "replica", SendPolicy(), NotifyStore::Wakes());
    door_ = std::make_unique<GroupCommit<Command>>(GroupCommitOptions{.threads = 0}, database_, *store_, clock_, random_);
  }

  Command Make(Step step, int i) {
    const auto finish = [&](Outcome outcome) {
      return FinishSend{.target = KeyOf(i), .epoch = epochs_[i], .beginning = beginnings_[i], .outcome = std::move(outcome)};
    };
    switch (step) {
      case Step::kAccept:
        return AcceptOf(SendRequest(KeyOf(i).id));
      case Step::kAcceptOwn: {
        // By many programs, each in words of its own.
        v1::SendNotificationRequest request = SendRequest(KeyOf(i).id);
        request.mutable_notification()->set_program(absl::StrCat("consortia/c1/programs/p", i));
        return AcceptOf(request);
      }
      case Step::kPublish: {
        v1::TemplateSource source;
        source.set_subject(absl::StrCat("Words of program ", i));
        source.set_text("{{need}} {{reply_code}} {{window_end}}");
        source.set_html("{{need}} {{reply_code}} {{window_end}}");
        Violations bad;
        return PublishTemplate{.target = {.consortium = "c1", .program = absl::StrCat("p", i), .kind = "first_approach"},
                               .source = source,
                               .own = TestTemplates().MakeOwn(bad, "source", "first_approach", source),
                               .creator = ""};
      }
      case Step::kCallBack:
        return CallBack{KeyOf(i)};
      case Step::kBegin:
        return BeginSend{.target = KeyOf(i), .epoch = epochs_[i]};
      case Step::kSent:
        return finish({.kind = Outcome::Kind::kSent});
      case Step::kRejected:
        return finish({.kind = Outcome::Kind::kRejectedForever, .error = "REJECTED_FOREVER"});
      case Step::kLater:
        return finish({.kind = Outcome::Kind::kRetryLater, .error = "CONNECT"});
      case Step::kTryAgain:
        return TryAgain{KeyOf(i)};
      case Step::kBounce:
        return ComeBack{KeyOf(i)};
    }
    return CallBack{KeyOf(i)};
  }

  // One batch of the commands from `first` to `end`; what was sent to the store for it.
  std::vector<std::string> Run(Step step, int first, int end) {
    const auto due = store_->OwnDue(clock_.Now(), 1000);
    EXPECT_TRUE(due.ok()) << due.status();
    for (const Work& work : due->now) {
      for (int i = first; i < end; ++i) {
        if (KeyOf(i).id == work.key.id) epochs_[i] = work.epoch;
      }
    }
    int done = 0;
    for (int i = first; i < end; ++i) {
      CommandMeta meta;
      if (step == Step::kAccept || step == Step::kAcceptOwn || step == Step::kPublish || step == Step::kCallBack ||
          step == Step::kTryAgain || step == Step::kBounce) {
        meta = {.scope = "consortia/c1", .request_id = absl::StrCat("request", static_cast<int>(step), "-", i), .body_hash = "h"};
      }
      door_->Submit(meta, Make(step, i), [this, &done, step, i](const absl::StatusOr<std::string>& reply) {
        EXPECT_TRUE(reply.ok()) << reply.status();
        stored::Begun begun;
        if (reply.ok() && step == Step::kBegin && begun.ParseFromString(*reply)) beginnings_[i] = begun.beginning();
        ++done;
      });
    }
    database_.TakeTransactions();
    EXPECT_TRUE(door_->RunOnce());
    EXPECT_EQ(done, end - first) << "in one batch";
    return database_.TakeTransaction();
  }

  platform::ManualClock clock_{absl::FromUnixSeconds(1'770'000'000)};
  platform::SeededRandom random_{7};
  rematch::testing::CountingDatabase database_{*sql::Open("sqlite::memory:")};
  TemplateStore words_{database_, clock_, TestTemplates()};
  std::unique_ptr<NotifyStore> store_;
  std::unique_ptr<GroupCommit<Command>> door_;
  std::map<int, int64_t> epochs_;
  std::map<int, int64_t> beginnings_;
};

class Statements : public StatementsTest, public ::testing::WithParamInterface<Case> {};

TEST_P(Statements, OfAFullBatchAreAsManyAsOfABatchOfOne) {
  std::vector<std::string> full, one;
  for (const Step step : GetParam().steps) {
    full = Run(step, 0, kBatch);
    one = Run(step, kBatch, kBatch + 1);
  }
  EXPECT_GT(one.size(), 2u);
  EXPECT_EQ(full.size(), one.size()) << "of " << kBatch << ":\n" << absl::StrJoin(full, "\n") << "\nof one:\n" << absl::StrJoin(one, "\n");
  RecordProperty("statements", static_cast<int>(one.size()));
}

INSTANTIATE_TEST_SUITE_P(Of, Statements,
                         ::testing::Values(Case{"Accept", {Step::kAccept}}, Case{"Publish", {Step::kPublish}},
                                           Case{"AcceptInOwnWords", {Step::kPublish, Step::kAcceptOwn}},
                                           Case{"CallBack", {Step::kAccept, Step::kCallBack}}, Case{"CallBackUnknown", {Step::kCallBack}},
                                           Case{"BeginSend", {Step::kAccept, Step::kBegin}},
                                           Case{"FinishSent", {Step::kAccept, Step::kBegin, Step::kSent}},
                                           Case{"FinishRejected", {Step::kAccept, Step::kBegin, Step::kRejected}},
                                           Case{"FinishLater", {Step::kAccept, Step::kBegin, Step::kLater}},
                                           Case{"TryAgain", {Step::kAccept, Step::kBegin, Step::kRejected, Step::kTryAgain}},
                                           Case{"Bounce", {Step::kAccept, Step::kBegin, Step::kSent, Step::kBounce}}),
                         [](const auto& about) { return about.param.name; });

TEST_F(StatementsTest, WordsThatWereSeenBeforeCostOneStatementABatch) {
  const auto count = [this](Step step, int i) { return Run(step, i, i + 1).size(); };
  const size_t release = count(Step::kAccept, 0);
  Run(Step::kPublish, 1, 2);
  EXPECT_EQ(count(Step::kAcceptOwn, 1), release + 2) << "which version counts, and what it says";
  v1::SendNotificationRequest again = SendRequest("again");
  again.mutable_notification()->set_program("consortia/c1/programs/p1");
  door_->Submit({.scope = "consortia/c1", .request_id = "again", .body_hash = "h"}, AcceptOf(again),
                [](const auto& reply) { EXPECT_TRUE(reply.ok()) << reply.status(); });
  database_.TakeTransactions();
  EXPECT_TRUE(door_->RunOnce());
  EXPECT_EQ(database_.TakeTransaction().size(), release + 1) << "which version counts";
}

// Notifications that are asked for together, by callers of every kind.
class SharedReads : public StatementsTest {
 protected:
  SharedReads() {
    Run(Step::kAccept, 0, kBatch);
    Run(Step::kAccept, kBatch, kBatch + 1);
  }

  static rpc::Caller Leader(const std::string& id) {
    return {.role = std::string(access::kProgramLeader), .person = "consortia/c1/leaders/" + id};
  }
  // Whether the answer is this message, or NOT_FOUND for none.
  void Ask(const Key& key, const rpc::Caller& caller, const std::string& email) {
    const rpc::Call call{.method = rpc::MethodOf<v1::GetNotificationRequest>(), .caller = caller, .deadline = absl::InfiniteFuture()};
    reader_.Get(call, key, [this, key, email](const absl::StatusOr<v1::Notification>& found) {
      ++answered_;
      if (email.empty()) {
        EXPECT_EQ(found.status().code(), absl::StatusCode::kNotFound) << key.id;
        EXPECT_EQ(ReasonOf(found.status()), rematch::reason::kNotFound) << key.id;
        return;
      }
      ASSERT_TRUE(found.ok()) << key.id << ": " << found.status();
      EXPECT_EQ(found->name(), NotificationName(key.consortium, key.id));
      EXPECT_EQ(found->to().email(), email);
      EXPECT_EQ(found->variables().at("mentor_name"), "[mentor_name]");
      EXPECT_THAT(found->text_body(), ::testing::HasSubstr("[mentor_name]"));
      EXPECT_THAT(found->html_body(), ::testing::HasSubstr("[mentor_name]"));
    });
  }
  // The statements of the one read that answers all that was asked.
  std::vector<std::string> Read(int asked) {
    database_.TakeReads();
    answered_ = 0;
    EXPECT_TRUE(reader_.RunOnce());
    EXPECT_EQ(answered_, asked);
    std::vector<std::vector<std::string>> reads = database_.TakeReads();
    EXPECT_EQ(reads.size(), 1u);
    return reads.empty() ? std::vector<std::string>() : std::move(reads.front());
  }

  const rpc::Caller service_{.role = std::string(access::kService), .person = ""};
  Reader reader_{database_, clock_, {.max_batch = 10'000, .threads = 0}};
  int answered_ = 0;
};

TEST_F(SharedReads, OfManyAreAsManyStatementsAsOfOne) {
  for (int i = 0; i < kBatch; ++i) Ask(KeyOf(i), i % 2 == 0 ? service_ : Leader("l1"), "ana@example.org");
  const std::vector<std::string> many = Read(kBatch);
  Ask(KeyOf(kBatch), service_, "ana@example.org");
  const std::vector<std::string> one = Read(1);
  EXPECT_EQ(one.size(), 1u) << absl::StrJoin(one, "\n");
  EXPECT_EQ(many.size(), one.size()) << absl::StrJoin(many, "\n");
}

TEST_F(SharedReads, EachHasItsOwnAnswer) {
  // Ids are a consortium's own.
  v1::SendNotificationRequest request = SendRequest(KeyOf(0).id, "other@example.org");
  request.set_parent("consortia/c2");
  door_->Submit({}, AcceptOf(request), [](const absl::StatusOr<std::string>& reply) { EXPECT_TRUE(reply.ok()) << reply.status(); });
  ASSERT_TRUE(door_->RunOnce());

  Ask({.consortium = "c2", .id = KeyOf(0).id}, service_, "other@example.org");
  Ask({.consortium = "c2", .id = KeyOf(1).id}, service_, "");
  Ask({.consortium = "c1", .id = "missing"}, service_, "");
  Ask(KeyOf(2), Leader("l2"), "");
  // What one may not read, others of the batch may, as often as they ask.
  for (const rpc::Caller& caller : {service_, Leader("l1"), rpc::Caller{.role = std::string(access::kAuditor), .person = ""}}) {
    Ask(KeyOf(2), caller, "ana@example.org");
  }
  for (const char* role : {"CANDIDATE", "MENTOR", "NOBODY"}) Ask(KeyOf(2), {.role = role, .person = "consortia/c1/leaders/l1"}, "");
  for (int i = 0; i < kBatch; ++i) Ask(KeyOf(i), service_, "ana@example.org");
  EXPECT_EQ(Read(10 + kBatch).size(), 1u);
}

TEST_F(SharedReads, WhoseDeadlinePassedIsNotRead) {
  absl::StatusOr<v1::Notification> late;
  reader_.Get({.method = rpc::MethodOf<v1::GetNotificationRequest>(), .caller = service_, .deadline = clock_.Now() + absl::Seconds(1)},
              KeyOf(0), [&late](absl::StatusOr<v1::Notification> found) { late = std::move(found); });
  clock_.Advance(absl::Seconds(1));
  Ask(KeyOf(1), service_, "ana@example.org");
  Read(1);
  EXPECT_EQ(late.status().code(), absl::StatusCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace rematch::notify
