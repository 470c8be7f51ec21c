// How many statements a batch is, whatever its size: that is what makes the door fast. Many cases are played in step, each on people of its
// own, and beside them one alone: what people, peers and time bring at one moment is one batch of all of them.
#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/request/request_harness.h"

namespace rematch::request {
namespace {

using testing::Harness;
using testing::kProgram;

constexpr int kMany = 64;

// The statements of every batch, with what the batch was about.
struct Batch {
  std::string about;
  std::vector<std::string> statements;
};

class InStep {
 public:
  explicit InStep(int cases) : cases_(cases), h_({.max_batch = 100'000}) {
    h_.mentor.AddMentor("old", 1000, /*individual=*/false);
    for (int i = 0; i < cases; ++i) {
      for (const char* who : {"first", "second"}) h_.mentor.AddMentor(absl::StrCat(who, i), 1);
    }
    h_.database().Count();
  }

  // One batch of a request of each case.
  template <typename Request, typename Response>
  void All(const std::string& about, const rpc::Caller& caller,
           void (Reassignments::*write)(const rpc::Call&, const Request&, rpc::Done<Response>), const std::function<Request(int)>& make,
           const std::function<void(int, const Response&)>& answered = nullptr) {
    std::vector<Request> requests;
    for (int i = 0; i < cases_; ++i) {
      requests.push_back(make(i));
      requests.back().set_request_id(h_.NewRequestId());
    }
    h_.database().TakeTransactions();
    int done = 0;
    for (int i = 0; i < cases_; ++i) {
      (h_.core().reassignments().*write)(
          h_.MakeCall<Request>(caller), requests[i],
          rpc::Done<Response>(std::make_shared<absl::AnyInvocable<void(absl::StatusOr<Response>)>>([&, i](absl::StatusOr<Response> result) {
            ASSERT_TRUE(result.ok()) << about << ": " << result.status();
            if (answered) answered(i, *result);
            ++done;
          })));
    }
    EXPECT_TRUE(h_.core().door().RunOnce());
    EXPECT_EQ(done, cases_) << about << ": in one batch";
    Note(about);
  }

  // Everything that follows by itself, and what is due after `time`.
  void Follow(const std::string& about, absl::Duration time = absl::ZeroDuration()) {
    h_.clock.Advance(time);
    h_.database().TakeTransactions();
    h_.Settle();
    Note(absl::StrCat("what follows ", about));
  }

  void Play() {
    names_.resize(cases_);
    std::vector<std::string> candidates;
    for (int i = 0; i < cases_; ++i) candidates.push_back(h_.mentor.AddCandidate(absl::StrCat("candidate", i), "old"));
    All<v1::CreateReassignmentRequest, v1::Reassignment>(
        "opening", testing::AsLeader(), &Reassignments::CreateReassignment,
        [&](int i) {
          v1::CreateReassignmentRequest request;
          request.set_parent(kProgram);
          request.set_candidate(candidates[i]);
          request.set_reasons("no trust");
          return request;
        },
        [&](int i, const v1::Reassignment& opened) { names_[i] = opened.name(); });
    Follow("opening");
    All<v1::ReviewReassignmentRequest, v1::Reassignment>("review", testing::AsLeader(), &Reassignments::ReviewReassignment, [&](int i) {
      v1::ReviewReassignmentRequest request;
      request.set_name(names_[i]);
      request.set_decision(v1::ReviewReassignmentRequest::PROCEED);
      for (const char* who : {"first", "second"}) request.add_order(testing::MentorName(absl::StrCat(who, i)));
      return request;
    });
    Follow("review");
    All<v1::RespondToOfferRequest, v1::RespondToOfferResponse>("declining", testing::AsService(), &Reassignments::RespondToOffer,
                                                               [&](int i) { return Answer(absl::StrCat("first", i), v1::NOT_NOW); });
    Follow("declining");
    Follow("a reminder", absl::Minutes(31));
    All<v1::RespondToOfferRequest, v1::RespondToOfferResponse>("willing", testing::AsService(), &Reassignments::RespondToOffer,
                                                               [&](int i) { return Answer(absl::StrCat("second", i), v1::YES); });
    Follow("willing");
    All<v1::ConfirmMatchRequest, v1::Reassignment>("confirming", testing::AsLeader(), &Reassignments::ConfirmMatch, [&](int i) {
      v1::ConfirmMatchRequest request;
      for (const v1::Offer& offer : h_.Offers(names_[i])) {
        if (offer.mentor() == testing::MentorName(absl::StrCat("second", i))) request.set_name(offer.name());
      }
      return request;
    });
    Follow("confirming");
    Call("a call without answer", v1::NO_ANSWER);
    Follow("a call without answer", absl::Minutes(11));
    Call("a call", v1::AGREED);
    Follow("a call");
    for (const std::string& name : names_) EXPECT_EQ(h_.Get(name).state(), v1::COMPLETED);
  }

  const std::vector<Batch>& batches() const { return batches_; }

 private:
  v1::RespondToOfferRequest Answer(const std::string& mentor, v1::OfferAnswer answer) {
    v1::RespondToOfferRequest request;
    for (const notify::v1::Notification& message : h_.notify.Messages("first_approach")) {
      if (message.to().email() == mentor + "@mentors.example") request.set_reply_code(message.variables().at("reply_code"));
    }
    request.set_answer(answer);
    return request;
  }
  void Call(const std::string& about, v1::CallOutcome outcome) {
    All<v1::RecordCallRequest, v1::Reassignment>(about, testing::AsLeader(), &Reassignments::RecordCall, [&](int i) {
      v1::RecordCallRequest request;
      request.set_name(h_.OpenTask(names_[i], v1::CALL_CANDIDATE).name());
      request.set_outcome(outcome);
      return request;
    });
  }
  void Note(const std::string& about) {
    for (std::vector<std::string>& statements : h_.database().TakeTransactions()) {
      if (!statements.empty()) batches_.push_back({absl::StrCat(about, ", transaction ", batches_.size()), std::move(statements)});
    }
  }

  const int cases_;
  Harness h_;
  std::vector<std::string> names_;
  std::vector<Batch> batches_;
};

TEST(Statements, OfManyCasesInStepAreAsManyAsOfOne) {
  InStep one(1), many(kMany);
  one.Play();
  many.Play();
  ASSERT_GT(one.batches().size(), 10u);
  std::string sizes;
  for (size_t i = 0; i < std::max(one.batches().size(), many.batches().size()); ++i) {
    const auto show = [&](const std::vector<Batch>& batches) {
      return i < batches.size() ? absl::StrCat(batches[i].about, ": ", batches[i].statements.size()) : "none";
    };
    absl::StrAppend(&sizes, show(one.batches()), " | ", show(many.batches()), "\n");
  }
  ASSERT_EQ(one.batches().size(), many.batches().size()) << sizes;
  for (size_t i = 0; i < one.batches().size(); ++i) {
    EXPECT_EQ(many.batches()[i].statements.size(), one.batches()[i].statements.size())
        << one.batches()[i].about << "\nof many:\n"
        << absl::StrJoin(many.batches()[i].statements, "\n") << "\nof one:\n"
        << absl::StrJoin(one.batches()[i].statements, "\n");
  }
}

// Cases that are asked for together.
TEST(SharedReads, OfManyCasesAreAsManyStatementsAsOfOneAndEachHasItsOwnAnswer) {
  Harness h;
  std::vector<std::string> names;
  for (int i = 0; i < kMany; ++i) names.push_back(h.Open(absl::StrCat("c", i), absl::StrCat("reasons ", i)));
  CaseReader reader(h.database(), h.clock, {.threads = 1});
  struct Answers {
    absl::Mutex mutex;
    bool go ABSL_GUARDED_BY(mutex) = false;
    int count ABSL_GUARDED_BY(mutex) = 0;
  };
  auto answers = std::make_shared<Answers>();
  const auto look_up = [&](const CaseKey& key, std::function<bool(const Case&)> may_read_texts, int found, const std::string& reasons) {
    reader.LookUp(absl::InfiniteFuture(), {.key = key, .may_read_texts = std::move(may_read_texts)},
                  [answers, key, found, reasons](const absl::Status& status, const CaseLookup& lookup) {
                    EXPECT_TRUE(status.ok()) << status;
                    EXPECT_EQ(lookup.found.has_value(), found == 1) << key.id;
                    if (lookup.found.has_value()) EXPECT_EQ(lookup.found->c.name(), key.Name());
                    EXPECT_EQ(lookup.texts.size(), reasons.empty() ? 0u : 1u) << key.id;
                    if (!lookup.texts.empty()) EXPECT_EQ(lookup.texts[0].text, reasons);
                    absl::MutexLock lock(&answers->mutex);
                    ++answers->count;
                  });
  };
  const auto await = [&answers](int count) {
    absl::MutexLock lock(&answers->mutex);
    const auto all = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(answers->mutex) { return answers->count == count; };
    answers->mutex.Await(absl::Condition(&all));
  };
  h.database().Count();
  // The first keeps the one thread busy until all others wait.
  look_up(
      *CaseKey::Parse(names[0]),
      [answers](const Case&) {
        absl::MutexLock lock(&answers->mutex);
        answers->mutex.Await(absl::Condition(&answers->go));
        return true;
      },
      1, "reasons 0");
  CaseKey nowhere = *CaseKey::Parse(names[1]);
  nowhere.program = "p2";
  look_up(
      nowhere, [](const Case&) { return true; }, 0, "");
  look_up(
      *CaseKey::Parse(names[2]), [](const Case&) { return false; }, 1, "");
  for (int i = 3; i < kMany; ++i)
    look_up(
        *CaseKey::Parse(names[i]), [](const Case&) { return true; }, 1, absl::StrCat("reasons ", i));
  look_up(
      *CaseKey::Parse(names[3]), [](const Case&) { return true; }, 1, "reasons 3");
  {
    absl::MutexLock lock(&answers->mutex);
    answers->go = true;
  }
  await(kMany + 1);
  const std::vector<std::vector<std::string>> reads = h.database().TakeReads();
  ASSERT_EQ(reads.size(), 2u) << "one that was alone, and all others";
  EXPECT_EQ(reads[0].size(), 2u) << absl::StrJoin(reads[0], "\n");
  EXPECT_EQ(reads[1].size(), 2u) << absl::StrJoin(reads[1], "\n");
}

}  // namespace
}  // namespace rematch::request
