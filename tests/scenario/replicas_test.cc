// A replica that stands still (SIGSTOP) for longer than its lease and then goes on, over one MariaDB: the other does its work in the
// meantime, what it does late changes nothing, and the locks that it holds are waited for a few seconds at most.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <iostream>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "demo/cases.h"
#include "platform/errors.h"
#include "platform/rpc/channel.h"
#include "platform/sql/database.h"
#include "tests/scenario/scenario_kit.h"

namespace rematch::scenario {
namespace {

using ::testing::IsEmpty;

constexpr absl::Duration kPatience = absl::Seconds(30);

// What another replica waits for a lock of one that stands still: the server ends a transaction that has been idle for five seconds.
constexpr absl::Duration kLockOfAnother = absl::Seconds(7);

// A call to one replica, made once.
template <typename Service, typename Request, typename Response>
absl::StatusOr<Response> CallOne(const demo::Suite& suite, demo::Part part, int replica, const rpc::Caller& caller,
                                 grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                 const Request& request) {
  const auto stub = Service::NewStub(suite.channel(part, replica));
  grpc::ClientContext context;
  rpc::Prepare(context, kPatience, caller);
  Response response;
  const grpc::Status status = (stub.get()->*method)(&context, request, &response);
  if (!status.ok()) return rpc::FromGrpc(status);
  return response;
}
template <typename Request, typename Response>
absl::StatusOr<Response> CallOne(const demo::Suite& suite, int replica, const rpc::Caller& caller,
                                 grpc::Status (demo::RequestStub::*method)(grpc::ClientContext*, const Request&, Response*),
                                 const Request& request) {
  return CallOne<request::v1::ReassignmentService>(suite, demo::Part::kRequest, replica, caller, method, request);
}

// A row that a transaction locks on its way.
struct Row {
  std::string table;
  std::string where;
  std::vector<sql::Value> values;
};

// A suite of two replicas each over one MariaDB.
class ReplicasMysql : public testing::Test {
 protected:
  demo::SuiteOptions Options(const PolicyInSeconds& policy) {
    return stores_.Under({.bin_dir = BinDir(),
                          .work_dir = folder_.path() + "/suite",
                          .policy = folder_.Write("policy", policy.Text()),
                          .flags = QuickRecovery()});
  }

  // While this test holds the row, `call` brings replica 0 to wait for it in the middle of its transaction, and it is stopped there: then
  // the lock is its own, and it does not go on. The thread is that of the call.
  std::thread StopWithALock(demo::Suite& suite, demo::Part part, const Row& row, std::function<void()> call) const {
    std::thread caller;
    auto database = sql::Open(stores_.url(part));
    EXPECT_TRUE(database.ok()) << database.status();
    if (!database.ok()) return std::thread(call);
    const auto lock = [&](sql::Transaction& tx) {
      return tx.Query(absl::StrCat("SELECT consortium FROM ", row.table, " WHERE ", row.where, " FOR UPDATE"), row.values).status();
    };
    bool waits = false;
    (*database)
        ->Transact([&](sql::Transaction& tx) -> absl::Status {
          REMATCH_RETURN_IF_ERROR(lock(tx));
          caller = std::thread(call);
          waits = demo::WaitUntil(
              [&] {
                const auto waiting = tx.Query(
                    "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID() AND info LIKE ?",
                    {absl::StrCat("SELECT%FROM ", row.table, "%FOR UPDATE%")});
                return waiting.ok() && (*waiting)[0].Int(0) > 0;
              },
              kPatience);
          suite.Signal(part, SIGSTOP, 0);
          return absl::CancelledError("the lock passes on");
        })
        .IgnoreError();
    EXPECT_TRUE(waits) << "nobody came to wait for the lock";
    EXPECT_EQ(sql::FailureOf((*database)->Transact(lock)), sql::Failure::kLockWait) << "it stands still with the lock";
    return caller;
  }

  WorkFolder folder_;
  const Stores stores_{true};
};

// Lets the replica that took on the search for the first mentor stand still before it has its answer, until the other has asked them.
class StopsTheSearcher final : public demo::Narrator {
 public:
  explicit StopsTheSearcher(demo::Suite& suite) : suite_(suite) {}

  void Watch(const demo::Play& play) { play_ = &play; }
  void Say(const std::string& line) override { proceeding_ = proceeding_ || absl::StrContains(line, "considers the reasons"); }
  void Moment() override {
    if (!proceeding_) return;
    ++moments_;
    if (moments_ == 1) {  // before the decision: replica 0 will carry it out, and nobody gives it a seat
      suite_.Signal(demo::Part::kRequest, SIGSTOP, 1);
      for (int replica = 0; replica < 2; ++replica) suite_.Signal(demo::Part::kMentor, SIGSTOP, replica);
    } else if (moments_ == 2) {
      suite_.Signal(demo::Part::kRequest, SIGSTOP, 0);
      suite_.Signal(demo::Part::kRequest, SIGCONT, 1);
      for (int replica = 0; replica < 2; ++replica) suite_.Signal(demo::Part::kMentor, SIGCONT, replica);
      request::v1::ListOffersRequest request;
      request.set_parent(play_->case_name());
      taken_over_ = demo::WaitUntil(
          [&] {
            const rpc::Caller leader = {"PROGRAM_LEADER", play_->program().leader().person()};
            const auto offers = CallOne(suite_, 1, leader, &demo::RequestStub::ListOffers, request);
            return offers.ok() && offers->offers_size() > 0 && offers->offers(0).state() == request::v1::OPEN;
          },
          kPatience);
      suite_.Signal(demo::Part::kRequest, SIGCONT, 0);
    }
  }
  bool taken_over() const { return taken_over_; }

 private:
  demo::Suite& suite_;
  const demo::Play* play_ = nullptr;
  bool proceeding_ = false;
  int moments_ = 0;
  bool taken_over_ = false;
};

TEST_F(ReplicasMysql, WorkOfOneThatStandsStillIsTakenOverAndWhatItDoesLateChangesNothing_F8) {
  const SmallRoster roster;
  auto stage = Prepare(Options({.individual = 4}), roster);
  ASSERT_TRUE(stage.ok()) << stage.status();
  StopsTheSearcher narrator(*stage->suite);
  demo::Play play({.suite = *stage->suite,
                   .directory = stage->directory,
                   .narrator = narrator,
                   .candidate = stage->Candidate(roster),
                   .key = "a",
                   .patience = absl::Seconds(40)});
  narrator.Watch(play);
  auto expected = demo::TellDeclineSilenceYes(play, demo::DemoWords());
  EXPECT_TRUE(narrator.taken_over());
  ASSERT_TRUE(expected.ok()) << expected.status();
  EXPECT_THAT(demo::Differences(play, *expected, stage->before), IsEmpty());
}

// F30: what the other replica acknowledges is one decision, whichever of the two wrote it.
TEST_F(ReplicasMysql, ALockOfOneThatStandsStillIsWaitedForAFewSecondsAtMost_F30) {
  SmallRoster roster;
  roster.candidates = 2;
  auto stage = Prepare(Options({}), roster);
  ASSERT_TRUE(stage.ok()) << stage.status();
  demo::Suite& suite = *stage->suite;
  demo::Narrator silent;
  demo::Play play({.suite = suite, .directory = stage->directory, .narrator = silent, .candidate = stage->Candidate(roster), .key = "a"});
  ASSERT_TRUE(play.Open("-").ok());
  ASSERT_TRUE(play.AwaitTask(request::v1::REVIEW_REASONS).ok());

  const rpc::Caller leader = {"PROGRAM_LEADER", play.program().leader().person()};
  request::v1::ReviewReassignmentRequest review;
  review.set_name(play.case_name());
  review.set_decision(request::v1::ReviewReassignmentRequest::PROCEED);
  review.set_request_id("review");
  absl::StatusOr<request::v1::Reassignment> late = absl::UnknownError("not called");
  std::thread caller = StopWithALock(
      suite, demo::Part::kRequest,
      {.table = "cases", .where = "consortium = ? AND id = ?", .values = {std::string("canyon"), demo::IdOf(play.case_name())}},
      [&] { late = CallOne(suite, 0, leader, &demo::RequestStub::ReviewReassignment, review); });

  // The same decision, asked of the other one; and a stranger who has nothing to do with it.
  const absl::Time begin = absl::Now();
  absl::Duration longest_of_strangers;
  std::atomic<bool> answered = false;
  std::thread strangers([&] {
    request::v1::CreateReassignmentRequest create;
    create.set_parent(play.program().name());
    create.set_candidate(stage->Candidate(roster, 1));
    create.set_reasons("-");
    for (int i = 0; !answered; ++i) {
      // The first opens a case, and the same again is answered with it.
      create.set_request_id("open");
      const absl::Time asked = absl::Now();
      const auto created = CallOne(suite, 1, {"CANDIDATE", create.candidate()}, &demo::RequestStub::CreateReassignment, create);
      EXPECT_TRUE(created.ok()) << created.status();
      longest_of_strangers = std::max(longest_of_strangers, absl::Now() - asked);
    }
  });
  const auto reviewed = CallOne(suite, 1, leader, &demo::RequestStub::ReviewReassignment, review);
  const absl::Duration took = absl::Now() - begin;
  answered = true;
  strangers.join();
  EXPECT_LT(took, kLockOfAnother);
  EXPECT_LT(longest_of_strangers, absl::Seconds(5));
  RecordProperty("lock_waited_ms", static_cast<int>(absl::ToInt64Milliseconds(took)));
  RecordProperty("stranger_waited_ms", static_cast<int>(absl::ToInt64Milliseconds(longest_of_strangers)));
  std::cerr << "the other replica answered after " << took << ", strangers after " << longest_of_strangers << " at most\n";

  suite.Signal(demo::Part::kRequest, SIGCONT, 0);
  caller.join();
  ASSERT_TRUE(reviewed.ok()) << reviewed.status();
  ASSERT_TRUE(late.ok()) << late.status();
  EXPECT_EQ(late->name(), reviewed->name());
  const auto events = play.Events();
  ASSERT_TRUE(events.ok()) << events.status();
  EXPECT_EQ(std::count_if(events->begin(), events->end(), [](const auto& event) { return event.type() == "REVIEWED"; }), 1);
  request::v1::VerifyAuditTrailRequest verify;
  verify.set_name(play.case_name());
  const auto verified = play.leader().Call(&demo::RequestStub::VerifyAuditTrail, verify);
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_TRUE(verified->intact());
}

// Of mentor-service, whose seats all programs share.
TEST_F(ReplicasMysql, AMentorLockedByOneThatStandsStillIsWaitedForAFewSecondsAtMost_F32) {
  const SmallRoster roster;
  auto stage = Prepare(Options({}), roster);
  ASSERT_TRUE(stage.ok()) << stage.status();
  demo::Suite& suite = *stage->suite;
  const std::string mentor = stage->directory.mentors.begin()->first;
  mentor::v1::UpdateMentorRequest update;
  update.mutable_mentor()->set_name(mentor);
  update.mutable_mentor()->set_capacity(40);
  update.mutable_update_mask()->add_paths("capacity");
  update.set_request_id("update");
  const auto ask = [&](int replica) {
    return CallOne<mentor::v1::MentorService>(suite, demo::Part::kMentor, replica, {"SERVICE", ""}, &demo::MentorStub::UpdateMentor,
                                              update);
  };
  absl::StatusOr<mentor::v1::Mentor> late = absl::UnknownError("not called");
  std::thread caller =
      StopWithALock(suite, demo::Part::kMentor,
                    {.table = "mentors", .where = "consortium = ? AND mentor = ?", .values = {std::string("canyon"), demo::IdOf(mentor)}},
                    [&] { late = ask(0); });
  const absl::Time begin = absl::Now();
  const auto updated = ask(1);
  const absl::Duration took = absl::Now() - begin;
  EXPECT_LT(took, kLockOfAnother);
  std::cerr << "the other replica answered after " << took << "\n";

  suite.Signal(demo::Part::kMentor, SIGCONT, 0);
  caller.join();
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->capacity(), 40);
  ASSERT_TRUE(late.ok()) << late.status();
  EXPECT_EQ(late->SerializeAsString(), updated->SerializeAsString());
}

TEST_F(ReplicasMysql, CasesEndRightWhileReplicasStandStillInTurn_F40) {
  constexpr int kCases = 3;
  constexpr int kStops = 6;
  constexpr absl::Duration kStill = absl::Milliseconds(1500);  // three leases, and short beside the window of a mentor
  auto started = demo::Suite::Start(Options({.individual = 8}));
  ASSERT_TRUE(started.ok()) << started.status();
  demo::Suite& suite = **started;

  // Each in a consortium of its own, so that the seats of each can be counted.
  std::vector<SmallRoster> rosters(kCases);
  std::vector<demo::Directory> directories;
  for (int i = 0; i < kCases; ++i) {
    rosters[i].consortium = absl::StrCat("canyon-", i);
    rosters[i].mark = absl::StrCat("no", i);
    ASSERT_TRUE(Import(suite, rosters[i], "import").ok());
    auto directory = demo::Directory::Load(suite, absl::StrCat("consortia/", rosters[i].consortium));
    ASSERT_TRUE(directory.ok()) << directory.status();
    directories.push_back(*std::move(directory));
  }
  std::atomic<int> running = kCases;
  std::atomic<int> moments = 0;
  class Counter final : public demo::Narrator {
   public:
    explicit Counter(std::atomic<int>& moments) : moments_(moments) {}
    void Moment() override { ++moments_; }

   private:
    std::atomic<int>& moments_;
  } counter(moments);
  std::vector<std::unique_ptr<demo::Play>> plays;
  std::vector<absl::StatusOr<demo::Expected>> expected(kCases, absl::UnknownError("not played"));
  std::vector<std::map<std::string, demo::Load>> before;
  std::vector<std::thread> lanes;
  for (int i = 0; i < kCases; ++i) {
    before.push_back(demo::LoadsOf(directories[i]));
    plays.push_back(
        std::make_unique<demo::Play>(demo::Play::Options{.suite = suite,
                                                         .directory = directories[i],
                                                         .narrator = counter,
                                                         .candidate = directories[i].CandidateByEmail(rosters[i].CandidateEmail(0)),
                                                         .key = absl::StrCat("case-", i),
                                                         .patience = absl::Seconds(40)}));
  }
  for (int i = 0; i < kCases; ++i) {
    lanes.emplace_back([&, i] {
      expected[i] = demo::TellDeclineSilenceYes(*plays[i], demo::DemoWords());
      --running;
    });
  }
  int stops = 0, moments_meanwhile = 0;
  for (; running > 0 && stops < kStops; ++stops) {
    const int replica = stops % 2;
    for (const demo::Part part : {demo::Part::kRequest, demo::Part::kNotify}) suite.Signal(part, SIGSTOP, replica);
    const int then = moments;
    demo::WaitUntil([&] { return running == 0; }, kStill);
    moments_meanwhile += moments - then;
    for (const demo::Part part : {demo::Part::kRequest, demo::Part::kNotify}) suite.Signal(part, SIGCONT, replica);
    // Until the cases have moved on, with what was held up by the one that stood still.
    const int now = moments;
    demo::WaitUntil([&] { return running == 0 || moments > now + 15; }, kStill);
  }
  for (std::thread& lane : lanes) lane.join();
  EXPECT_GE(stops, 3);
  EXPECT_GT(moments_meanwhile, 0) << "nothing went on while one stood still";
  for (int i = 0; i < kCases; ++i) {
    ASSERT_TRUE(expected[i].ok()) << expected[i].status();
    EXPECT_THAT(demo::Differences(*plays[i], *expected[i], before[i]), IsEmpty());
  }
  // Nothing that was under way in any of them comes after that either.
  for (const demo::Part part : {demo::Part::kRequest, demo::Part::kNotify}) {
    for (int replica = 0; replica < 2; ++replica) {
      auto code = suite.Terminate(part, absl::Seconds(20), replica);
      ASSERT_TRUE(code.ok()) << code.status();
      EXPECT_EQ(*code, 0);
      ASSERT_TRUE(suite.Restart(part, replica).ok());
    }
  }
  for (int i = 0; i < kCases; ++i) EXPECT_THAT(demo::Differences(*plays[i], *expected[i], before[i]), IsEmpty());
}

}  // namespace
}  // namespace rematch::scenario
