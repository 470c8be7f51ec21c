#include "platform/errors.h"

#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/error_info.pb.h"
#include "google/rpc/status.pb.h"
#include "platform/rpc/call.h"
#include "platform/sql/database.h"

namespace rematch {
namespace {

template <typename Detail>
std::optional<Detail> DetailOf(const absl::Status& status) {
  const auto payload = status.GetPayload("type.googleapis.com/" + Detail::descriptor()->full_name());
  Detail detail;
  if (!payload.has_value() || !detail.ParseFromString(std::string(*payload))) return std::nullopt;
  return detail;
}

TEST(Errors, AnErrorCarriesItsReasonInTheDomainOfTheSuite) {
  const absl::Status status = Error(absl::StatusCode::kNotFound, reason::kNotFound, "no such mentor");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "no such mentor");
  EXPECT_EQ(ReasonOf(status), "NOT_FOUND");
  const auto info = DetailOf<google::rpc::ErrorInfo>(status);
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->domain(), "rematch");
}

TEST(Errors, AStatusMadeElsewhereHasNoReason) {
  EXPECT_EQ(ReasonOf(absl::InternalError("x")), "");
  EXPECT_EQ(ReasonOf(absl::OkStatus()), "");
}

TEST(Errors, ARetryDelayKeepsItsFractions) {
  const auto retry = DetailOf<google::rpc::RetryInfo>(
      ErrorWithRetry(absl::StatusCode::kResourceExhausted, reason::kQueueFull, "full", absl::Milliseconds(1250)));
  ASSERT_TRUE(retry.has_value());
  EXPECT_EQ(retry->retry_delay().seconds(), 1);
  EXPECT_EQ(retry->retry_delay().nanos(), 250'000'000);
}

TEST(Errors, EveryViolationIsListedWithItsField) {
  Violations bad;
  EXPECT_TRUE(bad.empty());
  bad.Add("mentor.display_name", "must not be empty");
  bad.Add("mentor.capacity", "must be 0 to 50");
  const absl::Status status = bad.ToStatus();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), "INVALID_FIELD");
  const auto details = DetailOf<google::rpc::BadRequest>(status);
  ASSERT_TRUE(details.has_value());
  ASSERT_EQ(details->field_violations_size(), 2);
  EXPECT_EQ(details->field_violations(1).field(), "mentor.capacity");
  EXPECT_EQ(details->field_violations(1).description(), "must be 0 to 50");
}

TEST(Errors, CrossTheWireWithAllTheirDetails) {
  Violations bad;
  bad.Add("name", "must be a resource name");
  const absl::Status sent = bad.ToStatus();
  const absl::Status received = rpc::FromGrpc(rpc::ToGrpc(sent));
  EXPECT_EQ(received, sent);
  EXPECT_EQ(ReasonOf(received), "INVALID_FIELD");
  EXPECT_TRUE(DetailOf<google::rpc::BadRequest>(received).has_value());
  EXPECT_TRUE(rpc::FromGrpc(rpc::ToGrpc(absl::OkStatus())).ok());
}

TEST(Errors, TheSameErrorIsTheSameBytes) {
  const auto make = [] { return rpc::ToGrpc(ErrorWithRetry(absl::StatusCode::kUnavailable, "A", "b", absl::Seconds(1))).error_details(); };
  EXPECT_EQ(make(), make());
}

TEST(Errors, AStatusNotMadeForCallersLeavesWithoutItsMessage_F23) {
  const absl::Status left = rpc::FromGrpc(rpc::ToGrpc(absl::InternalError("row of Ada Lovelace")));
  EXPECT_EQ(left.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(ReasonOf(left), "INTERNAL");
  EXPECT_EQ(left.message(), "the call failed");
}

TEST(Errors, AnErrorOfTheStoreLeavesWithItsReasonAndNothingElse_F23) {
  for (const sql::Failure failure :
       {sql::Failure::kRetry, sql::Failure::kSplit, sql::Failure::kUnknownCommit, sql::Failure::kUnavailable}) {
    const grpc::Status sent = rpc::ToGrpc(sql::StoreError(failure, "UNIQUE constraint failed: mentors.email"));
    google::rpc::Status details;
    ASSERT_TRUE(details.ParseFromString(sent.error_details()));
    ASSERT_EQ(details.details_size(), 1) << details.ShortDebugString();
    google::rpc::ErrorInfo info;
    EXPECT_TRUE(details.details(0).UnpackTo(&info));
    EXPECT_EQ(info.reason(), ReasonOf(sql::StoreError(failure, "")));
    EXPECT_EQ(sent.error_message().find("mentors"), std::string::npos) << sent.error_message();
    EXPECT_EQ(sent.error_details().find("mentors"), std::string::npos);
  }
}

TEST(Errors, APeersFailureIsNotTakenForOneOfThisProcesssStore) {
  const absl::Status own = sql::StoreError(sql::Failure::kSplit, "here");
  google::rpc::Status details;
  own.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    details.add_details()->set_type_url(std::string(url));
    details.mutable_details()->rbegin()->set_value(std::string(payload));
  });
  ASSERT_EQ(details.details_size(), 2);
  const absl::Status received = rpc::FromGrpc(grpc::Status(grpc::StatusCode::INTERNAL, "x", details.SerializeAsString()));
  EXPECT_EQ(sql::FailureOf(received), sql::Failure::kNone);
  EXPECT_EQ(ReasonOf(received), reason::kStoreRefused);
}

TEST(Errors, AStatusOfThePeersTransportKeepsItsCode) {
  const absl::Status status = rpc::FromGrpc(grpc::Status(grpc::StatusCode::UNAVAILABLE, "failed to connect"));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), "");
}

TEST(Errors, DetailsThatAreNoStatusAreIgnored) {
  const absl::Status status = rpc::FromGrpc(grpc::Status(grpc::StatusCode::ABORTED, "x", "\xff\xff garbage"));
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
}

}  // namespace
}  // namespace rematch
