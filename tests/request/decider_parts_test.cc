// What every step makes use of: what is written down, who has learned what. One rule a test; the number at the end of a name is that of
// the feature it proves. Story checks the invariants after every step.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/request/stages.h"

namespace rematch::request {
namespace {

using ::testing::Contains;

// --- What is written down

TEST(Trail, TheStoredEventsGiveTheState_F41) {
  Story s = Completed();
  Case replayed;
  for (const Event& event : s.events) {
    Event stored;
    ASSERT_TRUE(stored.ParseFromString(event.SerializeAsString()));
    Fold(replayed, stored);
  }
  EXPECT_EQ(replayed.SerializeAsString(), s.c.SerializeAsString());
}

TEST(Trail, EveryEventSaysWhoWhenWhatAndAboutWhat_F41) {
  Story s = Completed();
  for (const Event& event : s.events) {
    EXPECT_EQ(event.actor_role().empty(), false);
    EXPECT_GT(event.time(), 0);
    EXPECT_NE(EventType(event), "UNKNOWN");
    EXPECT_NE(EventSummary(event), "") << EventType(event);
  }
  EXPECT_EQ(EventType(s.events[0]), "OPENED");
  EXPECT_EQ(s.events[0].actor(), kCandidate);
  for (const Event& event : s.events) {
    if (event.has_offer_opened()) {
      EXPECT_EQ(EventSubject(event), "o1");
    }
    if (event.has_task_opened()) {
      EXPECT_EQ(EventSubject(event), event.task_opened().task().id());
    }
  }
}

TEST(Trail, TheLedgerNamesTheMessage_F24) {
  Story s = Searching();
  s.Ask("m1");
  for (const Event& event : s.last.events) {
    if (!event.has_disclosed()) continue;
    EXPECT_EQ(event.disclosed().disclosure().by(), "consortia/c/notifications/case1.o1.first_approach");
    EXPECT_EQ(event.disclosed().disclosure().time().seconds(), absl::ToUnixSeconds(s.now));
  }
  EXPECT_TRUE(s.Happened("DISCLOSED(m1:NEED)"));
}

TEST(Trail, KeepsTheGroundOfAClosingToTheLeaders_F21) {
  Story s;
  s.Open();
  ASSERT_TRUE(s.Close(v1::NO_MENTOR_FOUND).ok());
  for (const Event& event : s.last.events) EXPECT_FALSE(absl::StrContains(EventSummary(event), "NO_MENTOR")) << EventSummary(event);
}

TEST(Reconciler, ASeatIsNeededExactlyWhileItsOfferLives_F30) {
  Story s = Searching();
  EXPECT_TRUE(NeedsSeat(s.c, "case1.o1")) << "the hold may have been carried out already";
  s.Ask("m1");
  EXPECT_TRUE(NeedsSeat(s.c, "case1.o1"));
  EXPECT_FALSE(NeedsSeat(s.c, "case1.o7"));
  EXPECT_FALSE(NeedsSeat(s.c, ""));
  ASSERT_TRUE(s.Answer("o1", false).ok());
  EXPECT_FALSE(NeedsSeat(s.c, "case1.o1"));
  EXPECT_FALSE(NeedsSeat(Completed().c, "case1.o1"));
}

// --- The ledger

// Every message tells what the ledger says, and no more: by the names that its template puts in.
TEST(Ledger, SaysWhatTheMessageTells_F24) {
  const std::map<std::string, v1::Disclosure::Fact> facts = {
      {"need", v1::Disclosure::NEED},
      {"candidate_name", v1::Disclosure::CANDIDATE_IDENTITY},
      {"candidate_email", v1::Disclosure::CONTACT},
      {"mentor_email", v1::Disclosure::CONTACT},
  };
  for (int number = MessageKind_MIN + 1; number <= MessageKind_MAX; ++number) {
    const auto kind = static_cast<MessageKind>(number);
    const std::string name = absl::AsciiStrToLower(MessageKind_Name(kind));
    std::ifstream file(std::string(REMATCH_SOURCE_DIR) + "/notify-service/templates/" + name + ".text.mustache");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    ASSERT_NE(text, "") << name;
    std::vector<v1::Disclosure::Fact> told = FactsIn(kind);
    if (name == "approach_reminder" || name == "broadcast_reminder" || name == "recommendation_reminder")
      told = {v1::Disclosure::NEED};                                                     // again
    if (kind == FORMER_MENTOR_NOTE) told.push_back(v1::Disclosure::CANDIDATE_IDENTITY);  // their own candidate
    for (const auto& [variable, fact] : facts) {
      // To the candidate: their own name.
      if (kind == OFFICIAL_CANDIDATE && variable == "candidate_name") continue;
      if (absl::StrContains(text, "{{" + variable + "}}")) {
        EXPECT_THAT(told, Contains(fact)) << name << " tells {{" << variable << "}}";
      }
    }
    if (std::find(told.begin(), told.end(), v1::Disclosure::NEED) != told.end()) {
      EXPECT_TRUE(absl::StrContains(text, "{{need}}")) << name;
    }
  }
}

}  // namespace
}  // namespace rematch::request
