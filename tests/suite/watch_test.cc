// What a candidate hears who watches their case: that it goes on and how it ends, not each step of the search.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "tests/suite/in_process_suite.h"

namespace rematch::suite {
namespace {

using ::testing::ElementsAre;
using RequestStub = request::v1::ReassignmentService::Stub;

TEST(Watch, DoesNotTellTheCandidateHowTheSearchGoes_F21) {
  InProcessSuite suite;
  ASSERT_TRUE(suite.Start().ok());
  ASSERT_TRUE(suite.ImportTwoPrograms().ok());
  auto names = suite.OpenCase("consortia/c1/programs/alpha", "ann@a.example", "no trust");
  ASSERT_TRUE(names.ok()) << names.status();

  grpc::ClientContext context;
  rpc::Prepare(context, absl::Seconds(60), {"CANDIDATE", (*names)["candidate"]});
  request::v1::WatchReassignmentRequest watch;
  watch.set_name((*names)["case"]);
  auto stream = suite.request().WatchReassignment(&context, watch);
  std::vector<request::v1::CaseState> seen;
  request::v1::Reassignment c;
  ASSERT_TRUE(stream->Read(&c));
  seen.push_back(c.state());
  EXPECT_EQ(c.etag(), "");
  EXPECT_FALSE(c.has_update_time());
  std::thread reader([&] {
    while (stream->Read(&c)) seen.push_back(c.state());
  });

  // The mentor who was asked says no; what follows from it are several steps.
  request::v1::RecordOfferResponseRequest answer;
  answer.set_name((*names)["offer"]);
  answer.set_answer(request::v1::NOT_NOW);
  answer.set_request_id("no");
  EXPECT_TRUE(Call(suite.request(), &RequestStub::RecordOfferResponse, kLea, answer).ok());
  const absl::Time until = absl::Now() + absl::Seconds(30);
  for (bool moved = false; !moved && absl::Now() < until;) {
    request::v1::ListOffersRequest list;
    list.set_parent((*names)["case"]);
    const auto offers = Call(suite.request(), &RequestStub::ListOffers, kLea, list);
    moved = offers.ok() && offers->offers_size() > 1;
  }
  request::v1::WithdrawReassignmentRequest withdraw;
  withdraw.set_name((*names)["case"]);
  withdraw.set_request_id("withdraw");
  EXPECT_TRUE(Call(suite.request(), &RequestStub::WithdrawReassignment, kLea, withdraw).ok());
  reader.join();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_THAT(seen, ElementsAre(request::v1::SEARCHING, request::v1::WITHDRAWN));
}

}  // namespace
}  // namespace rematch::suite
