// 64 cases that ask for the last free seat of one mentor at once, through all three services.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/suite/in_process_suite.h"

namespace rematch::suite {
namespace {

using MentorStub = mentor::v1::MentorService::Stub;
using RequestStub = request::v1::ReassignmentService::Stub;

constexpr int kCases = 64;
constexpr char kAlpha[] = "consortia/c1/programs/alpha";

class LastSeat : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(suite_.Start().ok());
    ASSERT_TRUE(suite_.ImportTwoPrograms().ok());
  }

  mentor::v1::Mentor MentorByEmail(const std::string& email) {
    mentor::v1::ListMentorsRequest list;
    list.set_parent("consortia/c1");
    const auto listed = Call(suite_.mentor(), &MentorStub::ListMentors, kService, list);
    EXPECT_TRUE(listed.ok()) << listed.status();
    if (!listed.ok()) return {};
    for (const mentor::v1::Mentor& mentor : listed->mentors()) {
      if (mentor.contact().email() == email) return mentor;
    }
    ADD_FAILURE() << email;
    return {};
  }

  void SetCapacity(const std::string& email, int capacity) {
    mentor::v1::UpdateMentorRequest update;
    *update.mutable_mentor() = MentorByEmail(email);
    update.mutable_mentor()->set_capacity(capacity);
    update.mutable_update_mask()->add_paths("capacity");
    update.set_request_id("capacity-" + email);
    const auto updated = Call(suite_.mentor(), &MentorStub::UpdateMentor, kService, update);
    ASSERT_TRUE(updated.ok()) << updated.status();
  }

  // A new candidate with the need of the others asks; returns the name of the case.
  std::string Open(int i) {
    mentor::v1::ListCandidatesRequest list;
    list.set_parent(kAlpha);
    const auto others = Call(suite_.mentor(), &MentorStub::ListCandidates, kService, list);
    EXPECT_TRUE(others.ok()) << others.status();
    mentor::v1::CreateCandidateRequest create;
    create.set_parent(kAlpha);
    *create.mutable_candidate() = others->candidates(0);
    create.mutable_candidate()->mutable_contact()->set_email(absl::StrCat("candidate", i, "@a.example"));
    create.set_request_id(absl::StrCat("candidate-", i));
    const auto candidate = Call(suite_.mentor(), &MentorStub::CreateCandidate, kService, create);
    EXPECT_TRUE(candidate.ok()) << candidate.status();
    request::v1::CreateReassignmentRequest open;
    open.set_parent(kAlpha);
    open.set_candidate(candidate->name());
    open.set_request_id(absl::StrCat("open-", i));
    const auto opened = Call(suite_.request(), &RequestStub::CreateReassignment, kLea, open);
    EXPECT_TRUE(opened.ok()) << opened.status();
    return opened.ok() ? opened->name() : "";
  }

  absl::Status Proceed(const std::string& name) {
    request::v1::ReviewReassignmentRequest review;
    review.set_name(name);
    review.set_decision(request::v1::ReviewReassignmentRequest::PROCEED);
    review.set_request_id("proceed");
    return Call(suite_.request(), &RequestStub::ReviewReassignment, kLea, review).status();
  }

  int OpenOffers(const std::string& name) {
    request::v1::ListOffersRequest list;
    list.set_parent(name);
    const auto offers = Call(suite_.request(), &RequestStub::ListOffers, kLea, list);
    EXPECT_TRUE(offers.ok()) << offers.status();
    if (!offers.ok()) return 0;
    int open = 0;
    for (const request::v1::Offer& offer : offers->offers()) {
      open += offer.state() == request::v1::OPEN;
    }
    return open;
  }

  // Whether the individual stage has come to something: somebody is asked, or nobody was left and the Leader is to open the broadcast.
  bool CameToSomething(const std::string& name) {
    request::v1::GetReassignmentRequest get;
    get.set_name(name);
    const auto c = Call(suite_.request(), &RequestStub::GetReassignment, kLea, get);
    return c.ok() && (c->stage() == request::v1::BROADCAST || OpenOffers(name) > 0);
  }

  InProcessSuite suite_;
};

TEST_F(LastSeat, IsHeldByOneOfManyCasesAtOnce_F30) {
  // Mia has a candidate, and so one free seat; nobody else of the program has any.
  SetCapacity("mia@a.example", 2);
  SetCapacity("max@a.example", 0);
  std::vector<std::string> cases;
  for (int i = 0; i < kCases; ++i) cases.push_back(Open(i));
  ASSERT_FALSE(HasFailure());

  std::atomic<int> ready{0};
  std::atomic<int> proceeded{0};
  std::vector<std::thread> people;
  for (const std::string& name : cases) {
    people.emplace_back([&] {
      ready.fetch_add(1);
      while (ready.load() < kCases) std::this_thread::yield();
      if (Proceed(name).ok()) proceeded.fetch_add(1);
    });
  }
  for (std::thread& person : people) person.join();
  EXPECT_EQ(proceeded, kCases);

  int asked = 0;
  const absl::Time until = absl::Now() + absl::Seconds(60);
  for (const std::string& name : cases) {
    while (!CameToSomething(name)) ASSERT_LT(absl::Now(), until) << name;
    asked += OpenOffers(name);
  }
  EXPECT_EQ(asked, 1);
  const mentor::v1::Mentor mia = MentorByEmail("mia@a.example");
  EXPECT_EQ(mia.caseload(), 1);
  EXPECT_EQ(mia.held_seats(), 1);
}

}  // namespace
}  // namespace rematch::suite
