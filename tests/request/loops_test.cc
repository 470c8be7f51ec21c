// The loops around the door: effects that fail, are set aside, are taken over; timers; deliveries; the seat reconciler.
#include <memory>
#include <utility>

#include <gtest/gtest.h>

#include "tests/request/request_harness.h"

namespace rematch::request::testing {
namespace {

class LoopsTest : public ::testing::Test {
 protected:
  LoopsTest() {
    h.mentor.AddMentor("old", 10);
    h.mentor.AddMentor("m1", 5);
    h.mentor.AddMentor("m2", 5);
  }
  bool Metric(const std::string& text) { return h.metrics.Text().find(text) != std::string::npos; }

  Harness h;
};

TEST_F(LoopsTest, AnAbsentPeerIsAskedAgainForAsLongAsItTakes_F40) {
  bool away = true;
  h.mentor.SetBefore(
      [&away](std::string_view method) { return away && method == "HoldNextSeat" ? absl::UnavailableError("away") : absl::OkStatus(); });
  const std::string name = h.Open("cara");
  ASSERT_TRUE(h.Proceed(name).ok());
  for (int i = 0; i < 30; ++i) h.Advance(absl::Seconds(31));
  EXPECT_EQ(h.Number("SELECT poison FROM effects"), 0);
  EXPECT_GE(h.Number("SELECT attempts FROM effects"), 20);
  away = false;
  h.Advance(absl::Seconds(31));
  EXPECT_EQ(h.Offers(name)[0].state(), v1::OPEN);
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM effects"), 0);
}

TEST_F(LoopsTest, AnAnswerThatMakesNoSenseIsSetAsideBlocksNoNeighbourAndIsTriedAgain_F11) {
  const std::string bad = h.Open("bad");
  const std::string good = h.Open("good");
  h.mentor.SetBefore([](std::string_view method) { return method == "HoldNextSeat" ? absl::InternalError("broken") : absl::OkStatus(); });
  ASSERT_TRUE(h.Proceed(bad).ok());
  for (int i = 0; i < 5; ++i) h.Advance(absl::Seconds(5));
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM effects WHERE poison = 1"), 1);
  EXPECT_TRUE(Metric("rematch_poisoned_effects_total 1"));
  // It stays for an operator to see, counted once.
  for (int i = 0; i < 3; ++i) h.Advance(absl::Minutes(6));
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM effects WHERE poison = 1"), 1);
  EXPECT_TRUE(Metric("rematch_poisoned_effects_total 1"));
  h.mentor.SetBefore(nullptr);
  ASSERT_TRUE(h.Proceed(good).ok());
  h.Settle();
  EXPECT_EQ(h.Offers(good)[0].state(), v1::OPEN);
  // The peer was mended: the case goes on by itself.
  h.Advance(absl::Minutes(6));
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM effects"), 0);
  EXPECT_EQ(h.Offers(bad)[0].state(), v1::OPEN);
}

TEST_F(LoopsTest, EffectsThatAHandOverMissedAreFoundInTheStore) {
  const std::string name = h.Open("cara");
  ASSERT_TRUE(h.Proceed(name).ok());
  // As after a commit of unknown outcome that took place: the rows are this replica's, and nobody told the runner.
  h.Restart();
  h.Execute("UPDATE effects SET owner = ?", {h.core().leases().replica()});
  h.Advance(absl::Seconds(3));
  EXPECT_EQ(h.Offers(name)[0].state(), v1::OPEN);
}

TEST_F(LoopsTest, WorkOfAReplicaThatDiedIsTakenOver) {
  const std::string name = h.Open("cara");
  ASSERT_TRUE(h.Proceed(name).ok());
  h.Settle();
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM timers"), 1);
  h.Restart();
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM timers WHERE owner = ?", {h.core().leases().replica()}), 0);
  h.Advance(absl::Minutes(31));
  EXPECT_EQ(h.notify.Messages("approach_reminder").size(), 1u);
}

TEST_F(LoopsTest, ManyTimersOfAReplicaThatDiedAreTakenOverWithoutAPause) {
  constexpr int kCases = 600;
  h.mentor.AddMentor("many", kCases);
  for (int i = 0; i < kCases; ++i) ASSERT_TRUE(h.Proceed(h.Open(absl::StrCat("c", i))).ok());
  h.Settle();
  ASSERT_EQ(h.Number("SELECT COUNT(*) FROM timers"), kCases);
  h.Restart();
  // The clock stands still while it settles.
  h.Advance(absl::Minutes(31));
  EXPECT_EQ(h.notify.Messages("approach_reminder").size(), size_t{kCases});
}

TEST_F(LoopsTest, APersonDoesNotWaitBehindTheTimersThatAreDue) {
  constexpr int kCases = 100;
  constexpr int kBatch = 8;
  Harness own({.max_batch = kBatch});
  own.mentor.AddMentor("many", kCases);
  for (int i = 0; i < kCases; ++i) ASSERT_TRUE(own.Proceed(own.Open(absl::StrCat("c", i))).ok());
  own.Settle();
  v1::PauseReassignmentRequest request;
  request.set_name(own.Open("other"));
  request.set_request_id("pause");
  own.clock.Advance(absl::Minutes(61));
  const auto due = [&own] { return own.Number("SELECT COUNT(*) FROM timers WHERE due <= ?", {sql::ToMicros(own.clock.Now())}); };
  ASSERT_EQ(due(), kCases);
  // They come while the first batch of the timers commits.
  bool came = false;
  int64_t still_due = -1;
  own.core().SetListener([&](const Committed&) {
    if (std::exchange(came, true)) return;
    own.rpcs().PauseReassignment(
        {.method = rpc::MethodOf<v1::PauseReassignmentRequest>(), .caller = AsLeader(), .deadline = absl::InfiniteFuture()}, request,
        rpc::Done<v1::Reassignment>(std::make_shared<absl::AnyInvocable<void(absl::StatusOr<v1::Reassignment>)>>(
            [&](const absl::StatusOr<v1::Reassignment>& paused) {
              EXPECT_TRUE(paused.ok()) << paused.status();
              still_due = due();
            })));
  });
  own.core().timers().Step();
  EXPECT_GE(still_due, kCases - 2 * kBatch) << "the others come later";
  EXPECT_EQ(due(), 0);
}

TEST_F(LoopsTest, ATimerThatIsNotReallyDueDoesNothing) {
  const std::string name = h.Open("cara");
  ASSERT_TRUE(h.Proceed(name).ok());
  h.Settle();
  const std::string etag = h.Get(name).etag();
  const int64_t due = h.Number("SELECT due FROM timers");
  h.Execute("UPDATE timers SET due = 0");
  h.Settle();
  EXPECT_EQ(h.Get(name).etag(), etag);
  EXPECT_EQ(h.Number("SELECT due FROM timers"), due);  // put right
}

TEST_F(LoopsTest, LatenessIsMeasuredByKind_F45) {
  const std::string name = h.Open("cara");
  ASSERT_TRUE(h.Proceed(name).ok());
  h.Settle();
  h.Advance(absl::Minutes(31));
  h.Advance(absl::Minutes(31));
  for (const char* kind : {"reminder", "window_end", "effect"}) EXPECT_TRUE(Metric(absl::StrCat("kind=\"", kind, "\""))) << kind;
}

TEST_F(LoopsTest, ATimerThatIsRefusedComesAgainLaterAndIsSetAsideInTheEnd) {
  const std::string name = h.Open("cara");
  const std::string other = h.Open("dora");
  ASSERT_TRUE(h.Proceed(name).ok());
  ASSERT_TRUE(h.Proceed(other).ok());
  h.Settle();
  h.Execute("UPDATE cases SET folded = ? WHERE id = ?", {sql::Bytes{"\xff"}, name.substr(name.rfind('/') + 1)});
  for (int i = 0; i < 40; ++i) h.Advance(absl::Minutes(2));
  EXPECT_EQ(h.Number("SELECT COUNT(*) FROM timers WHERE due > ? AND refusals >= 20", {sql::ToMicros(h.clock.Now())}), 1);
  EXPECT_TRUE(Metric("rematch_poisoned_timers_total 1"));
  EXPECT_EQ(h.Offers(other)[0].state(), v1::EXPIRED);
}

TEST_F(LoopsTest, AMessageThatCannotBeIsRefusedAndTheCaseGoesOn) {
  h.notify.SetBefore([](std::string_view) { return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidField, "bad address"); });
  const std::string name = h.Open("cara");
  ASSERT_TRUE(h.Proceed(name).ok());
  h.Settle();
  for (const v1::Offer& offer : h.Offers(name)) EXPECT_NE(offer.state(), v1::OPEN);
  EXPECT_EQ(h.mentor.Held(), 0);
  EXPECT_EQ(h.Get(name).stage(), v1::BROADCAST);
}

TEST_F(LoopsTest, ARepeatedSendWithOtherWordsIsTheFirstOne) {
  // The answer is lost, and the mentor's address has changed meanwhile: notify-service has the key with other content.
  int tries = 0;
  h.notify.SetBefore([&tries](std::string_view method) {
    return method == "SendNotification" && ++tries == 2 ? Error(absl::StatusCode::kAlreadyExists, "NOTIFICATION_EXISTS", "exists")
                                                        : absl::OkStatus();
  });
  h.notify.SetBehind([&tries](std::string_view) { return tries == 1 ? absl::UnavailableError("lost") : absl::OkStatus(); });
  const std::string name = h.Open("cara");
  ASSERT_TRUE(h.Proceed(name).ok());
  for (int i = 0; i < 4; ++i) h.Advance(absl::Seconds(1));
  EXPECT_EQ(h.Offers(name)[0].state(), v1::OPEN);
  EXPECT_EQ(h.notify.Messages("first_approach").size(), 1u);
}

TEST_F(LoopsTest, DeliveriesAreFollowedByCursorAndReadAgainAfterAFailure) {
  const std::string name = h.Open("cara");
  ASSERT_TRUE(h.Proceed(name).ok());
  h.Settle();
  EXPECT_EQ(*h.core().work().Cursor("deliveries"), 1);
  // From the start again: the same report twice is one.
  const std::string etag = h.Get(name).etag();
  h.Execute("UPDATE cursors SET position = 0");
  h.Settle();
  EXPECT_EQ(h.Get(name).etag(), etag);
  EXPECT_EQ(*h.core().work().Cursor("deliveries"), 1);
}

TEST_F(LoopsTest, ADeliveryThatItsCaseCannotTakeStopsNobodyElses) {
  h.notify.Hold(true);
  const std::string damaged = h.Open("cara");
  const std::string other = h.Open("dora");
  ASSERT_TRUE(h.Proceed(damaged).ok());
  h.Settle();
  ASSERT_TRUE(h.Proceed(other).ok());
  h.Settle();
  h.Execute("UPDATE cases SET folded = ? WHERE id = ?", {sql::Bytes{"\xff"}, damaged.substr(damaged.rfind('/') + 1)});
  h.notify.Deliver();
  for (int i = 0; i < 40; ++i) h.Advance(absl::Seconds(1));
  EXPECT_TRUE(Metric("rematch_poisoned_deliveries_total 1"));
  EXPECT_EQ(h.Offers(other)[0].state(), v1::OPEN);
  EXPECT_EQ(*h.core().work().Cursor("deliveries"), 2);
}

TEST_F(LoopsTest, AnOfficialEmailThatBouncesLaterBecomesAPhoneTask_F39) {
  const std::string name = h.Open("cara");
  ASSERT_TRUE(h.Proceed(name).ok());
  h.Settle();
  ASSERT_TRUE(h.Reply("m1", v1::YES).ok());
  h.Settle();
  ASSERT_TRUE(h.Confirm(h.OpenTask(name, v1::CONFIRM_MATCH).offer()).ok());
  ASSERT_TRUE(h.CallUp(name, v1::CALL_CANDIDATE, v1::AGREED).ok());
  h.Settle();
  ASSERT_EQ(h.Get(name).state(), v1::COMPLETED);
  h.notify.BounceLate(h.notify.Messages("official_candidate")[0].name());
  h.Settle();
  EXPECT_EQ(h.Get(name).state(), v1::COMPLETED);
  EXPECT_EQ(h.OpenTask(name, v1::TELL_BY_PHONE).about(), CandidateName("cara"));
}

TEST_F(LoopsTest, SeatsThatNoCaseNeedsAreGivenBackAfterTwoRounds_F30) {
  const std::string name = h.Open("cara");
  ASSERT_TRUE(h.Proceed(name).ok());
  h.Settle();
  ASSERT_EQ(h.mentor.Held(), 1);
  h.mentor.PlantSeat("unknown-case.o1", "m2", CandidateName("cara"));
  h.mentor.PlantSeat(name.substr(name.rfind('/') + 1) + ".o99", "m2", CandidateName("cara"));
  h.mentor.PlantSeat("zzz", "m2", "");
  ASSERT_TRUE(h.core().reconciler().Round().ok());
  EXPECT_EQ(h.mentor.Held(), 4);  // they may be on their way
  ASSERT_TRUE(h.core().reconciler().Round().ok());
  EXPECT_EQ(h.mentor.Held(), 1);
  EXPECT_TRUE(Metric("rematch_reconciled_seats_total 3"));
  EXPECT_EQ(h.Offers(name)[0].state(), v1::OPEN);
}

TEST_F(LoopsTest, ASeatThatCannotBeGivenBackHoldsUpNoOther_F30) {
  h.mentor.PlantSeat("aaa", "m1", "");
  h.mentor.PlantSeat("bbb", "m2", "");
  int refused = 0;
  h.mentor.SetBefore([&refused](std::string_view method) {
    return method == "ReleaseSeat" && refused++ == 0 ? absl::InternalError("broken") : absl::OkStatus();
  });
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(h.core().reconciler().Round().ok());
  EXPECT_EQ(h.mentor.Held(), 1);
  ASSERT_TRUE(h.core().reconciler().Round().ok());
  EXPECT_EQ(h.mentor.Held(), 0);
}

TEST_F(LoopsTest, AHealthySuiteHasNothingToReconcile_F30) {
  const std::string name = h.Open("cara");
  ASSERT_TRUE(h.Proceed(name).ok());
  h.Settle();
  ASSERT_TRUE(h.Reply("m1", v1::NOT_NOW).ok());
  h.Settle();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(h.core().reconciler().Round().ok());
  EXPECT_EQ(h.mentor.Held(), 1);
  EXPECT_FALSE(Metric("rematch_reconciled_seats_total 1"));
}

TEST(LocalTimeText, SaysDayAndTimeInTheProgramsZone) {
  absl::TimeZone zone;
  ASSERT_TRUE(absl::LoadTimeZone("America/Los_Angeles", &zone));
  EXPECT_EQ(LocalTimeText(absl::FromCivil(absl::CivilSecond(2026, 3, 5, 17, 0, 0), zone), zone), "Thursday, 5 March, 17:00");
}

TEST(NeedText, SaysNoMoreThanItIsGiven_F18) {
  mv1::Need need;
  EXPECT_EQ(NeedText(need), "a new teacher");
  need.set_credential("Single Subject");
  need.add_subjects("Art");
  EXPECT_EQ(NeedText(need), "Single Subject, Art");
  need.set_grade_band("6-8");
  need.add_subjects("Music");
  need.add_subjects("Dance");
  EXPECT_EQ(NeedText(need), "Single Subject, 6-8, Art, Music and Dance");
}

}  // namespace
}  // namespace rematch::request::testing
