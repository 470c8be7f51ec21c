#include "platform/rpc/call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/synchronization/notification.h"
#include "platform/log.h"
#include "platform/sql/database.h"
#include "tests/platform/echo_service.h"

namespace rematch::rpc {
namespace {

using echo::v1::EchoRequest;
using echo::v1::EchoResponse;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kEcho[] = "/rematch.echo.v1.EchoService/Echo";

// An executor that has no room.
class FullExecutor final : public platform::Executor {
 public:
  bool Run(absl::AnyInvocable<void()>) override { return false; }
};

// An executor whose work waits until it is released.
class HeldExecutor final : public platform::Executor {
 public:
  bool Run(absl::AnyInvocable<void()> work) override {
    work_ = std::move(work);
    arrived_.Notify();
    return true;
  }
  // Waits for work, moves the clock, and runs it.
  void ReleaseAfter(platform::ManualClock& clock, absl::Duration time) {
    arrived_.WaitForNotification();
    clock.Advance(time);
    std::move(work_)();
  }

 private:
  absl::AnyInvocable<void()> work_;
  absl::Notification arrived_;
};

class RpcCall : public testing::Test {
 protected:
  explicit RpcCall(platform::Executor* executor = nullptr)
      : calls_({}, clock_, executor != nullptr ? *executor : pool_, guard_, observer_), service_(calls_, nullptr) {}
  ~RpcCall() override {
    server_.reset();
    EXPECT_EQ(observer_.under_way(), 0) << "each call began and finished once";
  }

  absl::Status Echo(const Caller& caller, EchoResponse* response = nullptr, absl::Duration timeout = absl::Seconds(20)) {
    grpc::ClientContext context;
    Prepare(context, timeout, caller);
    return Echo(context, response);
  }
  absl::Status Echo(grpc::ClientContext& context, EchoResponse* response = nullptr) {
    if (server_ == nullptr) server_ = std::make_unique<EchoServer>(service_);
    EchoRequest request;
    request.set_text("hello");
    request.set_private_note("secret");
    EchoResponse ignored;
    return FromGrpc(server_->stub().Echo(&context, request, response != nullptr ? response : &ignored));
  }

  platform::ManualClock clock_{absl::FromUnixSeconds(1'800'000'000)};
  platform::ThreadPool pool_{2, 16};
  EchoGuard guard_;
  RecordingObserver observer_;
  Calls calls_;
  EchoService service_;
  std::unique_ptr<EchoServer> server_;  // the first to go
};

TEST_F(RpcCall, TheHandlerLearnsWhoCallsWhatAndItsAnswerArrives) {
  Call seen;
  service_.handler = [&](const Call& call, const EchoRequest& request) -> absl::StatusOr<EchoResponse> {
    seen = call;
    EchoResponse response;
    response.set_text(request.text());
    return response;
  };
  EchoResponse response;
  ASSERT_TRUE(Echo({"READER", "consortia/c1/leaders/l1"}, &response).ok());
  EXPECT_EQ(response.text(), "hello");
  EXPECT_EQ(seen.method, kEcho);
  EXPECT_EQ(seen.caller.role, "READER");
  EXPECT_EQ(seen.caller.person, "consortia/c1/leaders/l1");
}

TEST_F(RpcCall, NoRoleNoAnswer) {
  grpc::ClientContext context;
  const absl::Status status = Echo(context);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(ReasonOf(status), reason::kCallerUnknown);
}

TEST_F(RpcCall, AMalformedOrDoubleCallerIsUnknown) {
  EXPECT_EQ(ReasonOf(Echo({"reader", ""})), reason::kCallerUnknown);
  EXPECT_EQ(ReasonOf(Echo({"READER", "two words"})), reason::kCallerUnknown);
  EXPECT_EQ(ReasonOf(Echo({"READER", std::string(257, 'x')})), reason::kCallerUnknown);
  EXPECT_EQ(ReasonOf(Echo({std::string(33, 'R'), ""})), reason::kCallerUnknown);
  grpc::ClientContext twice;
  twice.AddMetadata(kRoleKey, "READER");
  twice.AddMetadata(kRoleKey, "BARRED");
  EXPECT_EQ(ReasonOf(Echo(twice)), reason::kCallerUnknown);
}

TEST_F(RpcCall, WhomTheGuardRefusesTheHandlerNeverSees) {
  bool ran = false;
  service_.handler = [&](const Call&, const EchoRequest&) -> absl::StatusOr<EchoResponse> {
    ran = true;
    return EchoResponse();
  };
  const absl::Status status = Echo({"BARRED", ""});
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ReasonOf(status), reason::kRoleNotAllowed);
  EXPECT_FALSE(ran);
}

TEST_F(RpcCall, WhatACallerMayNotReadIsTakenOutOfTheAnswer_F21) {
  EchoResponse read, redacted;
  ASSERT_TRUE(Echo({"READER", ""}, &read).ok());
  ASSERT_TRUE(Echo({"OTHER", ""}, &redacted).ok());
  EXPECT_EQ(read.private_note(), "secret");
  EXPECT_EQ(redacted.private_note(), "");
  EXPECT_EQ(redacted.text(), "hello");
}

TEST_F(RpcCall, TheDeadlineIsTheClientsOrTheDefaultByTheInjectedClock) {
  absl::Time deadline;
  service_.handler = [&](const Call& call, const EchoRequest&) -> absl::StatusOr<EchoResponse> {
    deadline = call.deadline;
    return EchoResponse();
  };
  ASSERT_TRUE(Echo({"READER", ""}, nullptr, absl::Seconds(5)).ok());
  EXPECT_GT(deadline, clock_.Now() + absl::Seconds(1));
  EXPECT_LE(deadline, clock_.Now() + absl::Seconds(5));
  ASSERT_TRUE(Echo({"READER", ""}, nullptr, absl::Hours(1)).ok());
  EXPECT_EQ(deadline, clock_.Now() + absl::Seconds(10));
  ASSERT_TRUE(Echo({"READER", ""}, nullptr, absl::InfiniteDuration()).ok());
  EXPECT_EQ(deadline, clock_.Now() + absl::Seconds(10));
}

TEST_F(RpcCall, ErrorsOfHandlersArriveWithTheirDetails) {
  service_.handler = [](const Call&, const EchoRequest&) -> absl::StatusOr<EchoResponse> {
    Violations bad;
    bad.Add("text", "must be shorter");
    return bad.ToStatus();
  };
  const absl::Status status = Echo({"READER", ""});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), reason::kInvalidField);
}

TEST_F(RpcCall, EveryCallIsCountedOnceWithItsMethodAndCode) {
  service_.handler = [this](const Call&, const EchoRequest&) -> absl::StatusOr<EchoResponse> {
    clock_.Advance(absl::Seconds(3));
    return EchoResponse();
  };
  ASSERT_TRUE(Echo({"READER", ""}).ok());
  ASSERT_FALSE(Echo({"BARRED", ""}).ok());
  grpc::ClientContext nobody;
  ASSERT_FALSE(Echo(nobody).ok());
  const auto reports = observer_.Await(3);
  ASSERT_EQ(reports.size(), 3u);
  EXPECT_EQ(reports[0].method, kEcho);
  EXPECT_EQ(reports[0].code, grpc::StatusCode::OK);
  EXPECT_EQ(reports[0].took, absl::Seconds(3));
  EXPECT_EQ(reports[1].code, grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(reports[2].code, grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(RpcCall, FailuresAndSlowCallsAreLoggedWithoutContent_F23) {
  testing::internal::CaptureStderr();
  service_.handler = [this](const Call&, const EchoRequest& request) -> absl::StatusOr<EchoResponse> {
    clock_.Advance(absl::Seconds(3));
    return absl::InternalError(request.private_note());
  };
  EXPECT_EQ(ReasonOf(Echo({"READER", ""})), "INTERNAL");
  service_.handler = [this](const Call&, const EchoRequest&) -> absl::StatusOr<EchoResponse> {
    clock_.Advance(absl::Seconds(3));
    return EchoResponse();
  };
  EXPECT_TRUE(Echo({"READER", ""}).ok());
  observer_.Await(2);
  server_.reset();
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("call_failed"));
  EXPECT_THAT(log, HasSubstr("call_slow"));
  EXPECT_THAT(log, HasSubstr(kEcho));
  EXPECT_THAT(log, Not(HasSubstr("secret")));
}

TEST_F(RpcCall, WhatTheStoreSaidIsLoggedAndNotAnswered_F23) {
  testing::internal::CaptureStderr();
  service_.handler = [](const Call&, const EchoRequest&) -> absl::StatusOr<EchoResponse> {
    return sql::StoreError(sql::Failure::kSplit, "no such column: mentors.emial");
  };
  const absl::Status status = Echo({"READER", ""});
  observer_.Await(1);
  server_.reset();
  EXPECT_EQ(ReasonOf(status), reason::kStoreRefused);
  EXPECT_THAT(status.ToString(), Not(HasSubstr("emial")));
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("mentors.emial"));
}

TEST_F(RpcCall, ACallWhoseClientLeftIsFinishedAllTheSame) {
  absl::Notification running, client_left;
  service_.handler = [&](const Call&, const EchoRequest&) -> absl::StatusOr<EchoResponse> {
    running.Notify();
    client_left.WaitForNotification();
    return EchoResponse();
  };
  grpc::ClientContext context;
  Prepare(context, absl::Seconds(20), {"READER", ""});
  std::thread canceller([&] {
    running.WaitForNotification();
    context.TryCancel();
  });
  EXPECT_EQ(Echo(context).code(), absl::StatusCode::kCancelled);
  client_left.Notify();
  canceller.join();
  EXPECT_EQ(observer_.Await(1)[0].code, grpc::StatusCode::OK);
}

class RpcCallThatWaits : public RpcCall {
 protected:
  RpcCallThatWaits() : RpcCallThatWaits(std::make_unique<HeldExecutor>()) {}

  // What comes of a call that waits this long for a thread, and whether its handler ran.
  std::pair<absl::Status, bool> EchoAfter(absl::Duration wait) {
    std::atomic<bool> ran = false;
    service_.handler = [&](const Call&, const EchoRequest&) -> absl::StatusOr<EchoResponse> {
      ran = true;
      return EchoResponse();
    };
    std::thread release([&] { held_->ReleaseAfter(clock_, wait); });
    const absl::Status status = Echo({"READER", ""});
    release.join();
    return {status, ran};
  }

 private:
  explicit RpcCallThatWaits(std::unique_ptr<HeldExecutor> held) : RpcCall(held.get()), held_(std::move(held)) {}
  const std::unique_ptr<HeldExecutor> held_;
};

TEST_F(RpcCallThatWaits, ItIsDroppedBeforeItRunsWhenItsDeadlinePassed) {
  const auto [status, ran] = EchoAfter(absl::Seconds(10));
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(ReasonOf(status), reason::kDeadlinePassed);
  EXPECT_FALSE(ran);
}

TEST_F(RpcCallThatWaits, ItRunsWhileThereIsTime) {
  const auto [status, ran] = EchoAfter(absl::Seconds(9));
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(ran);
}

class RpcCallWithoutRoom : public RpcCall {
 protected:
  RpcCallWithoutRoom() : RpcCall(&full_) {}
  static inline FullExecutor full_;
};

TEST_F(RpcCallWithoutRoom, AFullExecutorAnswersThatLaterMayDo) {
  const absl::Status status = Echo({"READER", ""});
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(status), reason::kQueueFull);
  EXPECT_TRUE(status.GetPayload("type.googleapis.com/google.rpc.RetryInfo").has_value());
}

TEST(MethodOf, IsTheOneThatTakesTheRequest) {
  EXPECT_EQ(MethodOf<EchoRequest>(), kEcho);
  EXPECT_EQ(MethodOf<echo::v1::WatchEchoRequest>(), "/rematch.echo.v1.EchoService/WatchEcho");
  EXPECT_DEATH(MethodOf<EchoResponse>(), "request_without_its_method");
}

}  // namespace
}  // namespace rematch::rpc
