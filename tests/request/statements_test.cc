// How many statements a batch is, whatever its size: that is what makes the door fast. Many cases are played in step, each on people of its
// own, and beside them one alone: what people, peers and time bring at one moment is one batch of all of them.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
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
  template <typename Request, typename Response, typename Handlers>
  void All(const std::string& about, const rpc::Caller& caller,
           void (Handlers::*write)(const rpc::Call&, const Request&, rpc::Done<Response>), const std::function<Request(int)>& make,
           const std::function<void(int, const Response&)>& answered = nullptr) {
    std::vector<Request> requests;
    for (int i = 0; i < cases_; ++i) {
      requests.push_back(make(i));
      requests.back().set_request_id(h_.NewRequestId());
    }
    h_.database().TakeTransactions();
    int done = 0;
    for (int i = 0; i < cases_; ++i) {
      (h_.HandlersOf<Handlers>(0).*write)(
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

  void PlayConcerns() {
    names_.resize(cases_);
    std::vector<std::string> candidates;
    for (int i = 0; i < cases_; ++i) candidates.push_back(h_.mentor.AddCandidate(absl::StrCat("candidate", i), "old"));
    All<v1::RaiseConcernRequest, v1::Concern>(
        "raising", testing::AsLeader(), &Concerns::RaiseConcern,
        [&](int i) {
          v1::RaiseConcernRequest request;
          request.set_parent(candidates[i]);
          request.set_words("we never talk");
          return request;
        },
        [&](int i, const v1::Concern& raised) { names_[i] = raised.name(); });
    All<v1::ResolveConcernRequest, v1::Concern>("resolving", testing::AsLeader(), &Concerns::ResolveConcern, [&](int i) {
      v1::ResolveConcernRequest request;
      request.set_name(names_[i]);
      request.set_outcome(v1::Concern::TALKED_OVER);
      return request;
    });
    v1::SendSurveyRequest survey;
    survey.set_parent(kProgram);
    ASSERT_TRUE(h_.Write(testing::AsLeader(), &Concerns::SendSurvey, survey).ok());
    Note("a survey");
    Follow("a survey", absl::Seconds(2));
    const std::vector<notify::v1::Notification> letters = h_.notify.Messages("mid_year_survey");
    ASSERT_EQ(letters.size(), static_cast<size_t>(cases_));
    All<v1::SubmitSurveyResponseRequest, v1::SubmitSurveyResponseResponse>(
        "answering", testing::AsService(), &Concerns::SubmitSurveyResponse, [&](int i) {
          v1::SubmitSurveyResponseRequest request;
          request.set_reply_code(letters[static_cast<size_t>(i)].variables().at("reply_code"));
          request.set_relationship_quality(1);
          request.set_asks_for_change(true);
          return request;
        });
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

void ExpectAsMany(const std::vector<Batch>& many, const std::vector<Batch>& one) {
  std::string sizes;
  for (size_t i = 0; i < std::max(one.size(), many.size()); ++i) {
    const auto show = [&](const std::vector<Batch>& batches) {
      return i < batches.size() ? absl::StrCat(batches[i].about, ": ", batches[i].statements.size()) : "none";
    };
    absl::StrAppend(&sizes, show(one), " | ", show(many), "\n");
  }
  ASSERT_EQ(one.size(), many.size()) << sizes;
  for (size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(many[i].statements.size(), one[i].statements.size()) << one[i].about << "\nof many:\n"
                                                                   << absl::StrJoin(many[i].statements, "\n") << "\nof one:\n"
                                                                   << absl::StrJoin(one[i].statements, "\n");
  }
}

TEST(Statements, OfManyCasesInStepAreAsManyAsOfOne) {
  InStep one(1), many(kMany);
  one.Play();
  many.Play();
  ASSERT_GT(one.batches().size(), 10u);
  ExpectAsMany(many.batches(), one.batches());
}

// A survey is as many rows as it has letters, and the most that one statement writes is a power of four.
TEST(Statements, OfManyConcernsAndLettersInStepAreAsManyAsOfOne) {
  InStep one(1), many(kMany);
  one.PlayConcerns();
  many.PlayConcerns();
  ASSERT_GT(one.batches().size(), 4u);
  ExpectAsMany(many.batches(), one.batches());
}

// Cases that are asked for together, by callers of every kind.
class SharedReads : public ::testing::Test {
 protected:
  SharedReads() {
    for (int i = 0; i < kMany; ++i) names_.push_back(h_.Open(absl::StrCat("c", i), ReasonsOf(i)));
    h_.database().Count();
  }
  static std::string ReasonsOf(int i) { return absl::StrCat("reasons ", i); }

  // Keeps the one thread that reads busy: what is asked from now on waits, and is read together.
  void Hold() {
    const auto wait = [this](const Case&) {
      absl::MutexLock lock(&mutex_);
      held_ = true;
      mutex_.Await(absl::Condition(&released_));
      return false;
    };
    reader_.LookUp(absl::InfiniteFuture(), {.key = *CaseKey::Parse(names_[0]), .may_read_texts = wait},
                   [this](const absl::Status&, const CaseLookup&) { Answered(); });
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&held_));
  }
  // Checks the answer: the case with these reasons, empty for whoever may not read them; nothing: CASE_NOT_FOUND.
  void Ask(const std::string& name, const rpc::Caller& caller, const std::optional<std::string>& reasons) {
    v1::GetReassignmentRequest request;
    request.set_name(name);
    const auto answered = [this, name, reasons](const absl::StatusOr<v1::Reassignment>& found) {
      if (!reasons.has_value()) {
        EXPECT_EQ(ReasonOf(found.status()), "CASE_NOT_FOUND") << name;
      } else {
        EXPECT_TRUE(found.ok()) << found.status();
        EXPECT_EQ(found.ok() ? found->name() : "", name);
        EXPECT_EQ(found.ok() ? found->reasons() : "", *reasons) << name;
      }
      Answered();
    };
    ++asked_;
    rpcs_.GetReassignment(
        h_.MakeCall<v1::GetReassignmentRequest>(caller), request,
        rpc::Done<v1::Reassignment>(std::make_shared<absl::AnyInvocable<void(absl::StatusOr<v1::Reassignment>)>>(answered)));
  }
  // The statements of the one read that answered all that was asked since Hold().
  std::vector<std::string> Release() {
    {
      absl::MutexLock lock(&mutex_);
      released_ = true;
      const auto all = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return answered_ == asked_ + 1; };
      mutex_.Await(absl::Condition(&all));
      held_ = false;
      released_ = false;
      answered_ = 0;
      asked_ = 0;
    }
    std::vector<std::vector<std::string>> reads = h_.database().TakeReads();
    EXPECT_EQ(reads.size(), 2u) << "one that kept the thread busy, and all others";
    return reads.empty() ? std::vector<std::string>() : std::move(reads.back());
  }

  Harness h_;
  std::vector<std::string> names_;

 private:
  void Answered() {
    absl::MutexLock lock(&mutex_);
    ++answered_;
  }

  int asked_ = 0;
  absl::Mutex mutex_;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  bool released_ ABSL_GUARDED_BY(mutex_) = false;
  int answered_ ABSL_GUARDED_BY(mutex_) = 0;
  platform::SeededRandom random_{7};
  platform::IdSource ids_{h_.clock, random_};
  platform::InlineExecutor inline_;
  CaseReader reader_{h_.database(), h_.clock, {.max_batch = 10'000, .threads = 1}};
  ConcernReader concerns_{h_.database()};
  Reassignments rpcs_{h_.core().door(), reader_, concerns_, h_.core().policies(), h_.core().calendars(), h_.mentor, h_.core().codes(), ids_,
                      h_.clock,         inline_};
};

TEST_F(SharedReads, OfManyAreAsManyStatementsAsOfOne) {
  Hold();
  for (int i = 0; i < kMany; ++i) Ask(names_[i], testing::AsLeader(), ReasonsOf(i));
  const std::vector<std::string> many = Release();
  Hold();
  Ask(names_[1], testing::AsLeader(), ReasonsOf(1));
  const std::vector<std::string> one = Release();
  EXPECT_EQ(one.size(), 2u) << "cases and texts\n" << absl::StrJoin(one, "\n");
  EXPECT_EQ(many.size(), one.size()) << absl::StrJoin(many, "\n");
}

TEST_F(SharedReads, EachHasItsOwnAnswer) {
  const rpc::Caller other = testing::AsLeader("consortia/c1/leaders/other");
  Hold();
  const std::string id = CaseKey::Parse(names_[1])->id;
  Ask(absl::StrCat("consortia/c1/programs/p2/reassignments/", id), testing::AsService(), std::nullopt);
  Ask(absl::StrCat("consortia/c2/programs/p1/reassignments/", id), testing::AsService(), std::nullopt);
  Ask(names_[1] + "0", testing::AsLeader(), std::nullopt);
  Ask(names_[1], other, std::nullopt);
  Ask(names_[1], testing::AsCandidate(testing::CandidateName("c2")), std::nullopt);
  // What one may not see, others of the batch may, as often as they ask.
  Ask(names_[1], testing::AsLeader(), ReasonsOf(1));
  Ask(names_[1], testing::AsCandidate(testing::CandidateName("c1")), "");
  Ask(names_[1], testing::AsService(), "");
  Ask(names_[1], testing::AsAuditor(), "");
  for (int i = 0; i < kMany; ++i) Ask(names_[i], testing::AsLeader(), ReasonsOf(i));
  EXPECT_EQ(Release().size(), 2u);
}

TEST_F(SharedReads, TextsThatNobodyMayReadAreNotRead) {
  Hold();
  Ask(names_[1], testing::AsService(), "");
  Ask(names_[2], testing::AsCandidate(testing::CandidateName("c2")), "");
  Ask(names_[3], testing::AsLeader("consortia/c1/leaders/other"), std::nullopt);
  const std::vector<std::string> statements = Release();
  EXPECT_EQ(statements.size(), 1u) << absl::StrJoin(statements, "\n");
}

// Cases and texts are read one after the other, without a transaction around them.
TEST(SharedRead, WhatIsSaidSinceTheCaseWasReadIsNotShownWithIt) {
  Harness h({.store = testing::TestStore::Kind::kDisk});
  const std::string name = h.Open("cara", "no trust");
  CaseReader reader(h.database(), h.clock, {.threads = 0});
  const auto notes = [&](const std::function<void()>& meanwhile) {
    std::vector<std::string> steps;
    reader.LookUp(absl::InfiniteFuture(),
                  {.key = *CaseKey::Parse(name),
                   .may_read_texts =
                       [&](const Case&) {
                         std::thread(meanwhile).join();
                         return true;
                       }},
                  [&](const absl::Status& status, const CaseLookup& looked) {
                    EXPECT_TRUE(status.ok()) << status;
                    for (const StoredText& text : looked.texts) steps.push_back(text.step);
                  });
    return steps;
  };
  const auto pause = [&] {
    v1::PauseReassignmentRequest request;
    request.set_name(name);
    request.set_note("away for a week");
    EXPECT_TRUE(h.Write(testing::AsLeader(), &Reassignments::PauseReassignment, request).ok());
  };
  EXPECT_THAT(notes(pause), ::testing::ElementsAre("REASONS"));
  EXPECT_THAT(notes([] {}), ::testing::ElementsAre("REASONS", "PAUSE"));
}

}  // namespace
}  // namespace rematch::request
