#include "bench/cases.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "platform/errors.h"
#include "platform/rpc/channel.h"
#include "request-service/domain/reply_code.h"

namespace rematch::bench {
namespace {

using notify::v1::Delivery;
using notify::v1::Notification;

constexpr absl::Duration kDeadline = absl::Seconds(60);
constexpr int kChannels = 4;
constexpr absl::Duration kWithoutProgress = absl::Seconds(60);
constexpr int kMailsOfCase = 3;  // the approach, and the official ones to candidate and mentor

// How many cases there are, and how many of them are COMPLETED.
struct Standing {
  int64_t cases = 0;
  int64_t completed = 0;
};
absl::StatusOr<Standing> StandingOf(demo::Suite& suite, const World& world) {
  Standing standing;
  for (size_t i = 0; i < world.programs.size(); ++i) {
    request::v1::ListReassignmentsRequest request;
    request.set_parent(world.programs[i]);
    REMATCH_ASSIGN_OR_RETURN(const auto cases, demo::All<request::v1::Reassignment>(
                                                   suite.As("PROGRAM_LEADER", World::Leader(i)), &demo::RequestStub::ListReassignments,
                                                   request, [](const auto& page) -> auto& { return page.reassignments(); }));
    standing.cases += static_cast<int64_t>(cases.size());
    standing.completed += std::count_if(cases.begin(), cases.end(), [](const auto& one) { return one.state() == request::v1::COMPLETED; });
  }
  return standing;
}

// What was played has come to its end: as many cases as were opened, all COMPLETED. The last emails may still have to be heard of.
absl::Status AllCompleted(demo::Suite& suite, const World& world, int64_t count) {
  absl::StatusOr<Standing> standing;
  (void)demo::WaitUntil(
      [&] {
        standing = StandingOf(suite, world);
        return !standing.ok() || standing->completed >= count;
      },
      kWithoutProgress);
  REMATCH_RETURN_IF_ERROR(standing.status());
  if (standing->cases == count && standing->completed == count) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("of ", count, " cases that were played ", standing->cases, " are there and ", standing->completed, " completed"));
}

}  // namespace

struct Players::Impl {
  // One case and how far it is. Its steps follow one another, so that none needs a lock.
  struct One {
    int64_t number = 0;
    std::string name;
    std::string candidate;
    rpc::Caller leader;
    int mails = 0;  // handed over; the inbox alone counts
  };

  Impl(demo::Suite& s, const World& w, std::string reply_key) : suite(s), world(w), codes(reply_key) {
    for (int i = 0; i < kChannels; ++i) {
      stubs.push_back(request::v1::ReassignmentService::NewStub(demo::QuickChannel(suite.address(demo::Part::kRequest))));
    }
    inbox = std::thread([this] { ReadInbox(); });
  }
  ~Impl() {
    {
      absl::MutexLock lock(&mutex);
      stopping = true;
      if (watch != nullptr) watch->TryCancel();
    }
    inbox.join();
    // Answers that nobody waits for any more still come to this object.
    const auto answered = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) { return calls == 0; };
    absl::MutexLock lock(&mutex);
    mutex.Await(absl::Condition(&answered));
  }

  // One step of a case: the call, then `next` with its answer. A service that is away or full is asked again.
  template <typename Request, typename Response, typename Method>
  void Call(const std::shared_ptr<One>& one, const rpc::Caller& caller, Request request, Method method,
            std::function<void(const Response&)> next) {
    struct Step {
      grpc::ClientContext context;
      Request request;
      Response response;
    };
    {
      absl::MutexLock lock(&mutex);
      ++calls;
    }
    auto step = std::make_shared<Step>();
    step->request = std::move(request);
    rpc::Prepare(step->context, kDeadline, caller);
    request::v1::ReassignmentService::Stub& stub = *stubs[static_cast<size_t>(one->number) % stubs.size()];
    method(*stub.async(), &step->context, &step->request, &step->response,
           [this, step, one, caller, method, next](const grpc::Status& status) {
             const bool again = status.error_code() == grpc::StatusCode::UNAVAILABLE ||
                                status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED ||
                                status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
             if (status.ok()) {
               next(step->response);
             } else if (again) {
               Later([this, one, caller, step, method, next] { Call<Request, Response>(one, caller, step->request, method, next); });
             } else {
               Fail(absl::StrCat(one->name, ": ", status.error_message()));
             }
             absl::MutexLock lock(&mutex);
             --calls;
           });
  }

  // A tenth of a second from now, on the thread that waits for the play.
  void Later(std::function<void()> act) {
    absl::MutexLock lock(&mutex);
    later.emplace_back(absl::Now() + absl::Milliseconds(100), std::move(act));
  }

  void Fail(const std::string& why) {
    absl::MutexLock lock(&mutex);
    if (failed.ok()) failed = absl::FailedPreconditionError(why);
  }

  void Begin() {
    std::shared_ptr<One> one;
    {
      absl::MutexLock lock(&mutex);
      if (next == last || !failed.ok()) return;
      one = std::make_shared<One>();
      one->number = next++;
    }
    one->candidate = world.candidates[static_cast<size_t>(one->number)];
    one->leader = {"PROGRAM_LEADER", World::Leader(static_cast<size_t>(one->number) % world.programs.size())};
    request::v1::CreateReassignmentRequest request;
    request.set_parent(world.ProgramOf(static_cast<size_t>(one->number)));
    request.set_candidate(one->candidate);
    request.set_reasons("We do not find times to meet.");
    request.set_request_id(absl::StrCat("play-", one->number));
    Call<request::v1::CreateReassignmentRequest, request::v1::Reassignment>(
        one, one->leader, request, [](auto& async, auto... all) { async.CreateReassignment(all...); },
        [this, one](const request::v1::Reassignment& made) {
          one->name = made.name();
          {
            absl::MutexLock lock(&mutex);
            by_name[one->name] = one;
          }
          Review(one);
        });
  }

  void Review(const std::shared_ptr<One>& one) {
    request::v1::ReviewReassignmentRequest request;
    request.set_name(one->name);
    request.set_decision(request::v1::ReviewReassignmentRequest::PROCEED);
    request.set_request_id("review");
    Call<request::v1::ReviewReassignmentRequest, request::v1::Reassignment>(
        one, one->leader, request, [](auto& async, auto... all) { async.ReviewReassignment(all...); },
        [this](const request::v1::Reassignment& reviewed) {
          if (reviewed.state() != request::v1::SEARCHING) Fail(absl::StrCat(reviewed.name(), " does not search"));
        });
  }

  // The mentor has the message, and answers with its code.
  void Answer(const std::shared_ptr<One>& one) {
    request::v1::RespondToOfferRequest request;
    request.set_reply_code(codes.Make({.case_name = one->name, .offer = "o1", .epoch = 1}));
    request.set_answer(request::v1::YES);
    request.set_request_id("answer");
    Call<request::v1::RespondToOfferRequest, request::v1::RespondToOfferResponse>(
        one, {"SERVICE", ""}, request, [](auto& async, auto... all) { async.RespondToOffer(all...); },
        [this, one](const request::v1::RespondToOfferResponse& response) {
          if (response.result() != request::v1::RespondToOfferResponse::RECORDED) {
            return Fail(absl::StrCat(one->name, ": the answer of the mentor was not recorded"));
          }
          Confirm(one);
        });
  }

  void Confirm(const std::shared_ptr<One>& one) {
    request::v1::ConfirmMatchRequest request;
    request.set_name(one->name + "/offers/o1");
    request.set_request_id("confirm");
    Call<request::v1::ConfirmMatchRequest, request::v1::Reassignment>(
        one, one->leader, request, [](auto& async, auto... all) { async.ConfirmMatch(all...); },
        [this, one](const request::v1::Reassignment& confirmed) {
          if (confirmed.state() != request::v1::PROPOSED) return Fail(absl::StrCat(one->name, " has no match"));
          FindCall(one);
        });
  }

  void FindCall(const std::shared_ptr<One>& one) {
    request::v1::ListTasksRequest request;
    request.set_parent(one->name);
    request.set_open_only(true);
    Call<request::v1::ListTasksRequest, request::v1::ListTasksResponse>(
        one, one->leader, request, [](auto& async, auto... all) { async.ListTasks(all...); },
        [this, one](const request::v1::ListTasksResponse& tasks) {
          for (const request::v1::Task& task : tasks.tasks()) {
            if (task.kind() == request::v1::CALL_CANDIDATE) return RecordCall(one, task.name());
          }
          Fail(absl::StrCat(one->name, ": nobody is to be called"));
        });
  }

  void RecordCall(const std::shared_ptr<One>& one, const std::string& task) {
    request::v1::RecordCallRequest request;
    request.set_name(task);
    request.set_outcome(request::v1::AGREED);
    request.set_request_id("call");
    Call<request::v1::RecordCallRequest, request::v1::Reassignment>(
        one, one->leader, request, [](auto& async, auto... all) { async.RecordCall(all...); },
        [this, one](const request::v1::Reassignment& agreed) {
          if (agreed.state() != request::v1::TRANSFERRING) Fail(absl::StrCat(one->name, " does not go on after the call"));
        });
  }

  // The feed of deliveries stands for everybody's mailbox.
  void ReadInbox() {
    int64_t position = 0;
    for (;;) {
      grpc::ClientContext context;
      rpc::Prepare(context, absl::Hours(1), {"SERVICE", ""});
      {
        absl::MutexLock lock(&mutex);
        if (stopping) return;
        watch = &context;
      }
      notify::v1::WatchDeliveriesRequest request;
      request.set_parent("consortia/-");
      request.set_after_position(position);
      request.set_follow(true);
      const auto reader = suite.stub<demo::NotifyStub>().WatchDeliveries(&context, request);
      Delivery delivery;
      while (reader->Read(&delivery)) {
        position = delivery.position();
        Handle(delivery);
      }
      (void)reader->Finish();
      absl::MutexLock lock(&mutex);
      watch = nullptr;
      if (!stopping) mutex.AwaitWithTimeout(absl::Condition(&stopping), absl::Milliseconds(100));
    }
  }

  void Handle(const Delivery& delivery) {
    std::shared_ptr<One> one;
    bool ended = false;
    {
      absl::MutexLock lock(&mutex);
      if (delivery.state() == Notification::FAILED && failed.ok()) {
        failed = absl::FailedPreconditionError("a message failed: " + delivery.notification());
      }
      if (delivery.state() != Notification::SENT) return;
      const auto found = by_name.find(delivery.origin());
      if (found == by_name.end()) return;
      one = found->second;
      ++one->mails;
      ended = until == PlayUntil::kAsked || one->mails == kMailsOfCase;
      if (ended) by_name.erase(found);
    }
    if (!ended) {
      if (one->mails == 1) Answer(one);
      return;
    }
    Begin();
    if (finished) finished();
    // The last thing: whoever waits for all ends may go then.
    absl::MutexLock lock(&mutex);
    ++ends;
  }

  absl::Status Play(int64_t first, int64_t count, int at_once, PlayUntil until_what, const std::function<void()>& on_finished) {
    {
      absl::MutexLock lock(&mutex);
      next = first;
      last = first + count;
      ends = 0;
      until = until_what;
      finished = on_finished;
    }
    for (int i = 0; i < at_once; ++i) Begin();
    int64_t seen = 0;
    absl::Time progress = absl::Now();
    for (;;) {
      std::vector<std::function<void()>> due;
      {
        absl::MutexLock lock(&mutex);
        const auto over = [this, count]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) { return ends == count || !failed.ok(); };
        mutex.AwaitWithTimeout(absl::Condition(&over), absl::Milliseconds(20));
        if (!failed.ok()) return failed;
        if (ends == count) return absl::OkStatus();
        if (std::exchange(seen, ends) != ends) progress = absl::Now();
        if (absl::Now() - progress > kWithoutProgress) {
          return absl::DeadlineExceededError(absl::StrCat(count - ends, " cases do not go on"));
        }
        const absl::Time now = absl::Now();
        std::erase_if(later, [&due, now](auto& one) {
          if (one.first > now) return false;
          due.push_back(std::move(one.second));
          return true;
        });
      }
      for (const auto& act : due) act();
    }
  }

  demo::Suite& suite;
  const World& world;
  const request::ReplyCodes codes;
  std::vector<std::unique_ptr<request::v1::ReassignmentService::Stub>> stubs;
  std::function<void()> finished;  // set before a play begins

  absl::Mutex mutex;
  bool stopping ABSL_GUARDED_BY(mutex) = false;
  int64_t calls ABSL_GUARDED_BY(mutex) = 0;  // under way
  grpc::ClientContext* watch ABSL_GUARDED_BY(mutex) = nullptr;
  int64_t next ABSL_GUARDED_BY(mutex) = 0, last ABSL_GUARDED_BY(mutex) = 0, ends ABSL_GUARDED_BY(mutex) = 0;
  PlayUntil until ABSL_GUARDED_BY(mutex) = PlayUntil::kDone;
  absl::Status failed ABSL_GUARDED_BY(mutex);
  absl::flat_hash_map<std::string, std::shared_ptr<One>> by_name ABSL_GUARDED_BY(mutex);
  std::vector<std::pair<absl::Time, std::function<void()>>> later ABSL_GUARDED_BY(mutex);
  std::thread inbox;
};

Players::Players(demo::Suite& suite, const World& world, std::string reply_key)
    : impl_(std::make_unique<Impl>(suite, world, std::move(reply_key))) {}
Players::~Players() = default;

absl::Status Players::Play(int64_t first, int64_t count, int at_once, PlayUntil until, const std::function<void()>& finished) {
  return impl_->Play(first, count, at_once, until, finished);
}

void DescribeCases(Figures& figures, bool with_targets) {
  figures.Describe({.name = "cases_per_second",
                    .title = "whole cases through all three services",
                    .unit = "1/s",
                    .at_least = with_targets ? std::optional<double>(400) : std::nullopt});
}

absl::Status MeasureCases(Stage& stage, const CasesOptions& options, Figures& figures) {
  // One play, at the beginning of which all cases are at the same step, and at the end of which fewer and fewer are under way. Rounds are
  // what ends in between.
  const int64_t before = 2 * options.at_once;
  const int64_t count = before + options.rounds * options.cases + options.at_once;
  // The tiers of the policy take a mentor without candidates and one with a single one: enough for two cases each, in every program.
  Shape shape{.candidates = static_cast<int>(count)};
  shape.mentors = shape.candidates / 2 + shape.programs;
  REMATCH_ASSIGN_OR_RETURN(const World world, Import(stage.suite(), shape));
  Say(absl::StrCat("whole cases: ", count, ", ", options.at_once, " at any time"));
  std::vector<std::atomic<int64_t>> marks(static_cast<size_t>(options.rounds) + 1);
  std::atomic<int64_t> ends = 0;
  {
    Players players(stage.suite(), world, stage.reply_key());
    REMATCH_RETURN_IF_ERROR(players.Play(0, count, options.at_once, PlayUntil::kDone, [&] {
      const int64_t since = ++ends - before;
      const auto mark = static_cast<size_t>(since / options.cases);
      if (since >= 0 && since % options.cases == 0 && mark < marks.size()) marks[mark] = absl::GetCurrentTimeNanos();
    }));
  }
  for (size_t round = 1; round < marks.size(); ++round) {
    figures.Add("cases_per_second", static_cast<double>(options.cases) / (static_cast<double>(marks[round] - marks[round - 1]) * 1e-9));
  }
  return AllCompleted(stage.suite(), world, count);
}

}  // namespace rematch::bench
