#include "platform/group_commit.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <tuple>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "google/rpc/status.pb.h"
#include "platform/errors.h"
#include "platform/log.h"
#include "platform/sql/rows.h"
#include "platform/strings.h"

namespace rematch {

using sql::Failure;
using sql::Row;
using sql::Transaction;
using sql::Value;

namespace {

constexpr absl::Duration kLongestPause = absl::Seconds(1);
constexpr absl::Duration kRetryAfterFull = absl::Milliseconds(100);
// How often a batch meets a key that was not there when it looked, before one of its commands is taken to be at fault.
constexpr int kMaxConflicts = 3;
// Who repeats one request repeats others, too: after a repetition this many batches claim first.
constexpr int kClaimFirstAfterRepetition = 16;
// One in this many commands of a batch may be a timer though people wait.
constexpr size_t kTimersShare = 8;
// The lengths of the columns of `requests`: a store that cut them off would take two requests for one.
constexpr size_t kMaxScope = 255;
constexpr size_t kMaxRequestId = 128;
// What a stored refusal begins with. A replica of a release that knows none cannot read it, where it could take a google.rpc.Status for a
// message of its own.
constexpr char kOfRefusal = '\0';
// No protobuf message's URL, so it stays in this process (errors.h).
constexpr char kLastingUrl[] = "rematch/lasting";

std::string_view NameOf(Failure failure) {
  switch (failure) {
    case Failure::kRetry:
      return "retry";
    case Failure::kLockWait:
      return "lock_wait";
    case Failure::kConflict:
      return "conflict";
    case Failure::kSplit:
      return "split";
    case Failure::kUnknownCommit:
      return "unknown_commit";
    case Failure::kUnavailable:
      return "unavailable";
    case Failure::kNone:
      return "none";
  }
  return "none";
}

absl::Status Reused() {
  return Error(absl::StatusCode::kAlreadyExists, reason::kRequestIdReused, "this request id was used for another request");
}

// What is stored of an answer, and back.
std::string WriteReply(const absl::StatusOr<std::string>& reply) {
  return reply.ok() ? *reply : kOfRefusal + ToRpcStatus(reply.status()).SerializeAsString();
}
absl::Status ReadReply(std::string stored, absl::StatusOr<std::string>& reply) {
  if (stored.empty() || stored[0] != kOfRefusal) {
    reply = std::move(stored);
    return absl::OkStatus();
  }
  google::rpc::Status refusal;
  if (!refusal.ParseFromString(stored.substr(1)) || refusal.code() == 0) {
    return sql::StoreError(Failure::kSplit, "a stored refusal cannot be read");
  }
  reply = FromRpcStatus(refusal);
  return absl::OkStatus();
}

absl::Status ShuttingDown() { return Error(absl::StatusCode::kUnavailable, reason::kShuttingDown, "the service is shutting down"); }

}  // namespace

absl::Status Lasting(absl::Status refusal) {
  refusal.SetPayload(kLastingUrl, absl::Cord());
  return refusal;
}

struct GroupCommitCore::Impl {
  struct Item {
    Item(CommandMeta m, void* c, bool a, Destroy d, Reply r, absl::Duration now)
        : meta(std::move(m)), command(c), alone(a), destroy(d), reply(std::move(r)), submitted(now) {}
    ~Item() { destroy(command); }
    Item(const Item&) = delete;
    Item& operator=(const Item&) = delete;

    void Answer(absl::StatusOr<std::string> result) { std::move(reply)(std::move(result)); }

    CommandMeta meta;
    void* const command;
    const bool alone;
    const Destroy destroy;
    Reply reply;
    const absl::Duration submitted;  // monotonic
    bool waited = false;             // its wait was reported
  };
  using Items = std::vector<std::unique_ptr<Item>>;

  // A commit that broke off. Should its claims turn up, it took place, and what it would have set going is still to be done.
  struct Lost {
    std::string token;
    absl::AnyInvocable<void()> committed;
  };

  // Commands that are run together: a batch, until it has to be split.
  struct Part {
    Items items;
    bool claim_first = false;  // a request of it may have been carried out before
    int attempts = 0;
    int conflicts = 0;
    absl::Duration waited;  // for a store that is away, or for locks of others
  };

  // What a batch has been through, whatever part of it.
  struct History {
    absl::Duration next_pause;
    std::vector<Lost> lost;
  };

  enum class Outcome {
    kPending,
    kTwin,       // has the request id of an earlier command of the batch, and what becomes of that one decides
    kTookPlace,  // the request was answered for good before: that answer
    kReused,     // another request was carried out under this id
    kDone,
    kRefused,  // by the handler
    kRefusedLasting,
  };

  // One transaction: what its body found and decided, kept until the commit is known. A rerun starts with a new one.
  struct Attempt {
    std::string token;                             // marks the rows of `requests` that this attempt made
    bool claim_first = false;                      // else rows are made with their replies, at the end
    std::vector<size_t> keyed;                     // items with a request id and no earlier twin, by (scope, id)
    std::vector<std::pair<size_t, size_t>> twins;  // (later, earlier)
    std::vector<Outcome> outcomes;                 // one an item
    std::vector<absl::StatusOr<std::string>> replies;
    std::vector<std::string> seen_tokens;  // of claims that were there already
    absl::AnyInvocable<void()> committed;
  };

  Impl(GroupCommitOptions o, sql::Database& db, Handle h, Destroy d, platform::Clock& c, platform::Random& r, GroupCommitObserver* ob)
      : options(o), database(db), handle(std::move(h)), destroy(d), clock(c), random(r), observer(ob == nullptr ? no_observer : *ob) {
    const int count = options.threads < 0 ? database.writers() : options.threads;
    inline_mode = count == 0;
    threads.reserve(count);
    for (int i = 0; i < count; ++i) threads.emplace_back([this] { Work(); });
  }

  void Submit(CommandMeta meta, void* command, bool alone, Reply reply);
  bool RunOnce();
  void BeginDrain();
  void Drain();
  void Stop();

  size_t Queued() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) { return again.size() + people.size() + timers.size(); }
  Items TakeBatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void Work();
  void RunBatch(Items items);
  void Process(Part part, std::deque<Part>& parts, History& history);
  void DropExpired(Items& items);
  Attempt Plan(const Items& items, bool claim_first);
  absl::Status RunBody(Transaction& tx, const Items& items, Attempt& attempt);
  absl::Status ClaimRequests(Transaction& tx, const Items& items, Attempt& attempt);
  absl::Status JudgeRefused(Transaction& tx, const Items& items, Attempt& attempt);
  absl::Status RunHandler(Transaction& tx, const Items& items, Attempt& attempt);
  absl::Status KeepReplies(Transaction& tx, const Items& items, const Attempt& attempt);
  absl::Status GiveUpClaims(Transaction& tx, const Items& items, const Attempt& attempt);
  void Finish(Items items, Attempt attempt, History& history);
  void AnswerAll(Items items, const absl::Status& status);
  bool Hurried();
  void ExpectRepetitions();
  bool RepetitionsExpected();
  bool Pause(Part& part, History& history);

  absl::StatusOr<size_t> JudgeBy(Transaction& tx, std::string_view lock, const std::vector<size_t>& which, const Items& items,
                                 Attempt& attempt);
  // Those with a request id that the handler refused.
  static std::vector<size_t> Refused(const Attempt& attempt, bool lasting_too);
  static std::pair<std::string, std::vector<Value>> WhereRequests(const Items& items, const std::vector<size_t>& which);

  const GroupCommitOptions options;
  sql::Database& database;
  Handle handle;
  const Destroy destroy;
  platform::Clock& clock;
  platform::Random& random;
  GroupCommitObserver no_observer;
  GroupCommitObserver& observer;
  bool inline_mode = false;

  absl::Mutex mutex;
  bool stopping ABSL_GUARDED_BY(mutex) = false;
  bool hurried ABSL_GUARDED_BY(mutex) = false;                     // a store that is away is waited for no more
  bool draining ABSL_GUARDED_BY(mutex) = false;                    // closed
  int running ABSL_GUARDED_BY(mutex) = 0;                          // batches
  int claim_first ABSL_GUARDED_BY(mutex) = 0;                      // batches yet to begin that do
  std::deque<std::unique_ptr<Item>> again ABSL_GUARDED_BY(mutex);  // twins of refused commands: already admitted, so first
  std::deque<std::unique_ptr<Item>> people ABSL_GUARDED_BY(mutex);
  std::deque<std::unique_ptr<Item>> timers ABSL_GUARDED_BY(mutex);
  std::vector<std::thread> threads;
};

void GroupCommitCore::Impl::Submit(CommandMeta meta, void* command, bool alone, Reply reply) {
  auto item = std::make_unique<Item>(std::move(meta), command, alone, destroy, std::move(reply), clock.Monotonic());
  if (item->meta.scope.size() > kMaxScope || item->meta.request_id.size() > kMaxRequestId) {
    Violations bad;
    bad.Add("request_id", absl::StrCat("at most ", kMaxRequestId, " bytes, and ", kMaxScope, " for what it is unique in"));
    item->Answer(bad.ToStatus());
    return;
  }
  absl::Status refused;
  {
    absl::MutexLock lock(&mutex);
    const bool timer = item->meta.priority == Priority::kTimer;
    if (stopping || draining) {
      refused = ShuttingDown();
    } else if (Queued() >= (timer ? options.max_queue / 2 : options.max_queue)) {
      refused = ErrorWithRetry(absl::StatusCode::kResourceExhausted, reason::kQueueFull, "too many commands are waiting", kRetryAfterFull);
    } else {
      (timer ? timers : people).push_back(std::move(item));
    }
  }
  if (!refused.ok()) item->Answer(std::move(refused));  // NOLINT(bugprone-use-after-move): a refused item was not moved
}

GroupCommitCore::Impl::Items GroupCommitCore::Impl::TakeBatch() {
  Items items;
  items.reserve(std::min(Queued(), options.max_batch));
  const auto take = [&items](std::deque<std::unique_ptr<Item>>& queue, size_t until) {
    while (!queue.empty() && items.size() < until) {
      if (!items.empty() && (items.front()->alone || queue.front()->alone)) return;
      items.push_back(std::move(queue.front()));
      queue.pop_front();
    }
  };
  const size_t for_people = options.max_batch - std::min(timers.size(), options.max_batch / kTimersShare);
  take(again, for_people);
  take(people, for_people);
  take(timers, options.max_batch);
  return items;
}

void GroupCommitCore::Impl::Work() {
  for (;;) {
    Items items;
    {
      absl::MutexLock lock(&mutex);
      const auto queued = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) { return stopping || Queued() > 0; };
      mutex.Await(absl::Condition(&queued));
      // Another batch side by side, if there is one, pays only when this one is large: else it lets more gather.
      const auto worth = [this]()
                             ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) { return stopping || running == 0 || Queued() >= options.max_batch / 2; };
      mutex.AwaitWithTimeout(absl::Condition(&worth), options.let_gather);
      if (stopping) return;
      if (Queued() == 0) continue;
      items = TakeBatch();
      ++running;
    }
    RunBatch(std::move(items));
    absl::MutexLock lock(&mutex);
    --running;
  }
}

bool GroupCommitCore::Impl::RunOnce() {
  if (!inline_mode) return false;
  Items items;
  {
    absl::MutexLock lock(&mutex);
    items = TakeBatch();
    if (items.empty()) return false;
    ++running;
  }
  RunBatch(std::move(items));
  absl::MutexLock lock(&mutex);
  --running;
  return true;
}

void GroupCommitCore::Impl::BeginDrain() {
  absl::MutexLock lock(&mutex);
  hurried = true;
}

void GroupCommitCore::Impl::Drain() {
  {
    absl::MutexLock lock(&mutex);
    hurried = true;
    draining = true;
  }
  while (RunOnce()) {
  }
  absl::MutexLock lock(&mutex);
  const auto quiet = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) { return stopping || (Queued() == 0 && running == 0); };
  mutex.Await(absl::Condition(&quiet));
}

void GroupCommitCore::Impl::Stop() {
  {
    absl::MutexLock lock(&mutex);
    stopping = true;
  }
  for (std::thread& thread : threads) thread.join();
  Items left;
  {
    absl::MutexLock lock(&mutex);
    for (auto* queue : {&again, &people, &timers}) {
      for (std::unique_ptr<Item>& item : *queue) left.push_back(std::move(item));
      queue->clear();
    }
  }
  AnswerAll(std::move(left), ShuttingDown());
}

void GroupCommitCore::Impl::RunBatch(Items items) {
  const absl::Duration now = clock.Monotonic();
  for (const std::unique_ptr<Item>& item : items) {
    if (!std::exchange(item->waited, true)) observer.Waited(now - item->submitted);
  }
  History history;
  history.next_pause = options.first_pause;
  std::deque<Part> parts;
  parts.push_back({.items = std::move(items), .claim_first = RepetitionsExpected()});
  while (!parts.empty()) {
    Part part = std::move(parts.front());
    parts.pop_front();
    Process(std::move(part), parts, history);
  }
}

// Runs these commands until each is answered, or waits anew, or is left to one of `parts`.
void GroupCommitCore::Impl::Process(Part part, std::deque<Part>& parts, History& history) {
  Items& items = part.items;
  const absl::Duration begin = clock.Monotonic();
  bool may_have_run = false;
  for (;;) {
    // After a commit of unknown outcome, or beside a repetition, nobody may be told that their command did not run.
    if (history.lost.empty() && !may_have_run) DropExpired(items);
    if (items.empty()) return;
    Attempt attempt = Plan(items, part.claim_first);
    const absl::Duration began = clock.Monotonic();
    const absl::Status status = database.Transact([&](Transaction& tx) { return RunBody(tx, items, attempt); });
    if (status.ok()) {
      observer.Batch(items.size(), clock.Monotonic() - begin);
      Finish(std::move(items), std::move(attempt), history);
      return;
    }
    const Failure failure = sql::FailureOf(status);
    bool split = false;
    // Whatever it failed of, a request that was carried out before is to get its answer: it need not go through the handler for that. And
    // every rerun takes its locks in one order, the ids first.
    part.claim_first = true;
    switch (failure) {
      case Failure::kUnknownCommit:
        history.lost.push_back({std::move(attempt.token), std::move(attempt.committed)});
        [[fallthrough]];
      case Failure::kRetry:
        if (++part.attempts >= options.max_attempts) {
          log::Warn("batch_given_up", {{"commands", items.size()}, {"failure", NameOf(failure)}, {"error", sql::DetailOf(status)}});
          AnswerAll(std::move(items), status);
          return;
        }
        break;
      case Failure::kUnavailable:
        part.waited += clock.Monotonic() - began;
        if (part.waited >= options.max_retry || Hurried()) {
          log::Error("store_unavailable", {{"commands", items.size()}, {"error", sql::DetailOf(status)}});
          AnswerAll(std::move(items), status);
          return;
        }
        break;
      case Failure::kLockWait:
        part.waited += clock.Monotonic() - began;
        split = items.size() > 1;
        if (split) break;
        if (part.waited >= options.max_retry || Hurried()) {
          log::Warn("lock_wait_given_up", {{"error", sql::DetailOf(status)}});
          items.front()->Answer(status);
          return;
        }
        // The one command that waits for a lock; the others need not.
        if (!parts.empty()) {
          observer.Retried();
          parts.push_back(std::move(part));
          return;
        }
        break;
      case Failure::kConflict:
        if (!attempt.claim_first) {
          // Most likely of `requests`. Nobody is in the way, so there is nothing to pause for.
          may_have_run = true;
          ExpectRepetitions();
          observer.Retried();
          continue;
        }
        split = ++part.conflicts >= kMaxConflicts;
        break;
      case Failure::kSplit:
      case Failure::kNone:
        if (!attempt.claim_first && items.size() == 1 && !attempt.keyed.empty()) {
          observer.Retried();
          continue;
        }
        split = true;
        break;
    }
    if (split) {
      if (items.size() == 1) {
        // A store's detail tells which constraint or statement it was, never a value; a handler's message is not ours to print.
        log::Error("command_failed", {{"failure", NameOf(failure)},
                                      {"code", absl::StatusCodeToString(status.code())},
                                      {"error", failure == Failure::kNone ? ReasonOf(status) : sql::DetailOf(status)}});
        items.front()->Answer(status);
        return;
      }
      observer.Split();
      log::Warn("batch_split", {{"commands", items.size()}, {"failure", NameOf(failure)}});
      const auto middle = items.begin() + static_cast<std::ptrdiff_t>(items.size() / 2);
      Part second = {.items = Items(std::make_move_iterator(middle), std::make_move_iterator(items.end())),
                     .claim_first = part.claim_first,
                     .waited = part.waited};
      items.erase(middle, items.end());
      parts.push_front(std::move(second));
      parts.push_front({.items = std::move(items), .claim_first = part.claim_first, .waited = part.waited});
      return;
    }
    observer.Retried();
    if (!Pause(part, history)) {
      AnswerAll(std::move(items), history.lost.empty() ? ShuttingDown() : status);
      return;
    }
  }
}

void GroupCommitCore::Impl::DropExpired(Items& items) {
  const absl::Time now = clock.Now();
  const auto expired = std::stable_partition(items.begin(), items.end(), [now](const auto& item) { return item->meta.deadline > now; });
  if (expired == items.end()) return;
  Items dropped(std::make_move_iterator(expired), std::make_move_iterator(items.end()));
  items.erase(expired, items.end());
  AnswerAll(std::move(dropped), Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadlinePassed,
                                      "the deadline passed before the command ran; nothing was changed"));
}

GroupCommitCore::Impl::Attempt GroupCommitCore::Impl::Plan(const Items& items, bool claim_first) {
  Attempt attempt;
  attempt.claim_first = claim_first;
  attempt.token = absl::StrFormat("%016x%016x", random.Next(), random.Next());
  std::vector<size_t> with_id;
  with_id.reserve(items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    if (!items[i]->meta.request_id.empty()) with_id.push_back(i);
  }
  const auto key = [&items](size_t i) { return std::tie(items[i]->meta.scope, items[i]->meta.request_id); };
  std::stable_sort(with_id.begin(), with_id.end(), [&key](size_t a, size_t b) { return key(a) < key(b); });
  for (const size_t i : with_id) {
    if (!attempt.keyed.empty() && key(attempt.keyed.back()) == key(i)) {
      attempt.twins.emplace_back(i, attempt.keyed.back());
    } else {
      attempt.keyed.push_back(i);
    }
  }
  return attempt;
}

absl::Status GroupCommitCore::Impl::RunBody(Transaction& tx, const Items& items, Attempt& attempt) {
  attempt.outcomes.assign(items.size(), Outcome::kPending);
  for (const auto& [later, earlier] : attempt.twins) attempt.outcomes[later] = Outcome::kTwin;
  attempt.replies.resize(items.size());
  if (attempt.claim_first) REMATCH_RETURN_IF_ERROR(ClaimRequests(tx, items, attempt));
  REMATCH_RETURN_IF_ERROR(RunHandler(tx, items, attempt));
  if (!attempt.claim_first) REMATCH_RETURN_IF_ERROR(JudgeRefused(tx, items, attempt));
  REMATCH_RETURN_IF_ERROR(KeepReplies(tx, items, attempt));
  return attempt.claim_first ? GiveUpClaims(tx, items, attempt) : absl::OkStatus();
}

// Answers the commands whose request took place before; the claims of the others are now this attempt's.
absl::Status GroupCommitCore::Impl::ClaimRequests(Transaction& tx, const Items& items, Attempt& attempt) {
  if (attempt.keyed.empty()) return absl::OkStatus();
  sql::RowWriter claims("INSERT IGNORE INTO requests (scope, request_id, attempt, body_hash, created)", 5);
  const int64_t now = sql::ToMicros(clock.Now());
  for (const size_t i : attempt.keyed) {
    const CommandMeta& meta = items[i]->meta;
    claims.Add({meta.scope, meta.request_id, attempt.token, meta.body_hash, now});
  }
  REMATCH_ASSIGN_OR_RETURN(const int64_t made, claims.WriteCounting(tx));
  // Every row is new, so it is this attempt's and locked.
  if (made == static_cast<int64_t>(attempt.keyed.size())) return absl::OkStatus();

  REMATCH_ASSIGN_OR_RETURN(const size_t unknown, JudgeBy(tx, " FOR UPDATE", attempt.keyed, items, attempt));
  // The owner of a claim gave it up between the two statements.
  return unknown == 0 ? absl::OkStatus() : sql::StoreError(Failure::kRetry, "a claim went away");
}

// What was refused may be what took place before: its second time is refused for what its first did, whose rows the handler has read since.
// (Of a first time that has not committed yet, and changes nothing that the refusal rests on, nothing is known here; the refusal is then
// as true as if it had come before.)
absl::Status GroupCommitCore::Impl::JudgeRefused(Transaction& tx, const Items& items, Attempt& attempt) {
  const std::vector<size_t> refused = Refused(attempt, /*lasting_too=*/true);
  return refused.empty() ? absl::OkStatus() : JudgeBy(tx, "", refused, items, attempt).status();
}

// Answers those of `which` that are known to have taken place under another attempt; of how many nothing is known.
absl::StatusOr<size_t> GroupCommitCore::Impl::JudgeBy(Transaction& tx, std::string_view lock, const std::vector<size_t>& which,
                                                      const Items& items, Attempt& attempt) {
  const auto [where, keys] = WhereRequests(items, which);
  REMATCH_ASSIGN_OR_RETURN(std::vector<Row> rows,
                           tx.Query(absl::StrCat("SELECT scope, request_id, attempt, body_hash, reply FROM requests WHERE ", where,
                                                 " ORDER BY scope, request_id", ToAbsl(lock)),
                                    keys));
  absl::flat_hash_map<std::pair<std::string_view, std::string_view>, Row*> found;
  for (Row& row : rows) found.emplace(std::make_pair(std::string_view(row.Text(0)), std::string_view(row.Text(1))), &row);
  size_t unknown = 0;
  for (const size_t i : which) {
    const CommandMeta& meta = items[i]->meta;
    const auto it = found.find(std::make_pair(std::string_view(meta.scope), std::string_view(meta.request_id)));
    if (it == found.end()) {
      ++unknown;
      continue;
    }
    Row& row = *it->second;
    if (row.Text(2) == attempt.token) continue;
    if (row.IsNull(4)) return sql::StoreError(Failure::kRetry, "a claim without a reply");
    attempt.seen_tokens.push_back(row.Text(2));
    if (row.Text(3) == meta.body_hash) {
      attempt.outcomes[i] = Outcome::kTookPlace;
      REMATCH_RETURN_IF_ERROR(ReadReply(row.TakeText(4), attempt.replies[i]));
    } else {
      attempt.outcomes[i] = Outcome::kReused;
      attempt.replies[i] = Reused();
    }
  }
  return unknown;
}

absl::Status GroupCommitCore::Impl::RunHandler(Transaction& tx, const Items& items, Attempt& attempt) {
  std::vector<size_t> run;
  std::vector<void*> commands;
  run.reserve(items.size());
  commands.reserve(items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    if (attempt.outcomes[i] != Outcome::kPending) continue;
    run.push_back(i);
    commands.push_back(items[i]->command);
  }
  if (run.empty()) return absl::OkStatus();
  REMATCH_ASSIGN_OR_RETURN(BatchResult result, handle(tx, commands));
  if (result.replies.size() != run.size()) return absl::InternalError("a handler must reply to each command of its batch");
  for (size_t k = 0; k < run.size(); ++k) {
    const absl::Status status = result.replies[k].status();
    const bool lasting = status.GetPayload(kLastingUrl).has_value();
    attempt.outcomes[run[k]] = status.ok() ? Outcome::kDone : lasting ? Outcome::kRefusedLasting : Outcome::kRefused;
    attempt.replies[run[k]] = std::move(result.replies[k]);
  }
  attempt.committed = std::move(result.committed);
  return absl::OkStatus();
}

// Beside the claims; or in rows of their own, where a key that is there already shows that a request was answered for good before.
absl::Status GroupCommitCore::Impl::KeepReplies(Transaction& tx, const Items& items, const Attempt& attempt) {
  sql::RowWriter replies("INSERT INTO requests (scope, request_id, attempt, body_hash, reply, created)", 6,
                         attempt.claim_first ? " ON DUPLICATE KEY UPDATE reply = VALUES(reply)" : "");
  const int64_t now = sql::ToMicros(clock.Now());
  for (const size_t i : attempt.keyed) {
    if (attempt.outcomes[i] != Outcome::kDone && attempt.outcomes[i] != Outcome::kRefusedLasting) continue;
    const CommandMeta& meta = items[i]->meta;
    replies.Add({meta.scope, meta.request_id, attempt.token, meta.body_hash, sql::Bytes{WriteReply(attempt.replies[i])}, now});
  }
  return replies.Write(tx);
}

absl::Status GroupCommitCore::Impl::GiveUpClaims(Transaction& tx, const Items& items, const Attempt& attempt) {
  const std::vector<size_t> refused = Refused(attempt, /*lasting_too=*/false);
  if (refused.empty()) return absl::OkStatus();
  auto [where, keys] = WhereRequests(items, refused);
  // Without a limit MariaDB prefers to read all of a table that is short, and waits for the claims of other batches in it.
  keys.emplace_back(static_cast<int64_t>(refused.size()));
  return tx.Execute(absl::StrCat("DELETE FROM requests WHERE ", where, " LIMIT ?"), keys).status();
}

std::vector<size_t> GroupCommitCore::Impl::Refused(const Attempt& attempt, bool lasting_too) {
  std::vector<size_t> refused;
  std::copy_if(attempt.keyed.begin(), attempt.keyed.end(), std::back_inserter(refused), [&](size_t i) {
    return attempt.outcomes[i] == Outcome::kRefused || (lasting_too && attempt.outcomes[i] == Outcome::kRefusedLasting);
  });
  return refused;
}

// "(scope = ? AND request_id = ?) OR ..." and its values, padded like an IN list: SQLite has no lists of pairs.
std::pair<std::string, std::vector<Value>> GroupCommitCore::Impl::WhereRequests(const Items& items, const std::vector<size_t>& which) {
  size_t padded = 1;
  while (padded < which.size()) padded *= 2;
  std::string where;
  std::vector<Value> values;
  where.reserve(padded * 36);
  values.reserve(2 * padded);
  for (size_t k = 0; k < padded; ++k) {
    const CommandMeta& meta = items[which[std::min(k, which.size() - 1)]]->meta;
    where += k == 0 ? "(scope = ? AND request_id = ?)" : " OR (scope = ? AND request_id = ?)";
    values.emplace_back(meta.scope);
    values.emplace_back(meta.request_id);
  }
  return {std::move(where), std::move(values)};
}

// After the commit: sets going what the commands left to do, then answers.
void GroupCommitCore::Impl::Finish(Items items, Attempt attempt, History& history) {
  for (Lost& lost : history.lost) {
    if (lost.committed && std::find(attempt.seen_tokens.begin(), attempt.seen_tokens.end(), lost.token) != attempt.seen_tokens.end()) {
      std::move(lost.committed)();
      lost.committed = nullptr;
    }
  }
  if (attempt.committed) std::move(attempt.committed)();
  if (attempt.claim_first && std::find(attempt.outcomes.begin(), attempt.outcomes.end(), Outcome::kTookPlace) != attempt.outcomes.end()) {
    ExpectRepetitions();
  }

  Items waits;
  for (const auto& [later, earlier] : attempt.twins) {
    const Outcome first = attempt.outcomes[earlier];
    if (first == Outcome::kRefused || first == Outcome::kReused) {
      waits.push_back(std::move(items[later]));  // its own request has not been judged by what happened to the first
    } else if (items[later]->meta.body_hash == items[earlier]->meta.body_hash) {
      attempt.replies[later] = attempt.replies[earlier];
    } else {
      attempt.replies[later] = Reused();
    }
  }
  if (!waits.empty()) {
    absl::MutexLock lock(&mutex);
    for (std::unique_ptr<Item>& item : waits) again.push_back(std::move(item));
  }
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i] != nullptr) items[i]->Answer(std::move(attempt.replies[i]));
  }
}

void GroupCommitCore::Impl::AnswerAll(Items items, const absl::Status& status) {
  for (const std::unique_ptr<Item>& item : items) item->Answer(status);
}

bool GroupCommitCore::Impl::Hurried() {
  absl::MutexLock lock(&mutex);
  return hurried;
}

void GroupCommitCore::Impl::ExpectRepetitions() {
  absl::MutexLock lock(&mutex);
  claim_first = kClaimFirstAfterRepetition;
}

bool GroupCommitCore::Impl::RepetitionsExpected() {
  absl::MutexLock lock(&mutex);
  if (claim_first == 0) return false;
  --claim_first;
  return true;
}

// False when the door is going. Without threads it only counts, so that virtual time and tests never wait.
bool GroupCommitCore::Impl::Pause(Part& part, History& history) {
  const absl::Duration full = std::min(history.next_pause, kLongestPause);
  history.next_pause = 2 * full;
  // Between half and all of it, so that those who collided do not meet again.
  const absl::Duration pause = full / 2 + full / 2 * (static_cast<double>(random.Next() >> 11) * 0x1p-53);
  part.waited += pause;
  if (inline_mode) return true;
  absl::MutexLock lock(&mutex);
  return !mutex.AwaitWithTimeout(absl::Condition(&stopping), pause);
}

GroupCommitCore::GroupCommitCore(GroupCommitOptions options, sql::Database& database, Handle handle, Destroy destroy,
                                 platform::Clock& clock, platform::Random& random, GroupCommitObserver* observer)
    : impl_(std::make_unique<Impl>(options, database, std::move(handle), destroy, clock, random, observer)) {}

GroupCommitCore::~GroupCommitCore() { impl_->Stop(); }

void GroupCommitCore::Submit(CommandMeta meta, void* command, bool alone, Reply reply) {
  impl_->Submit(std::move(meta), command, alone, std::move(reply));
}
bool GroupCommitCore::RunOnce() { return impl_->RunOnce(); }
void GroupCommitCore::BeginDrain() { impl_->BeginDrain(); }
void GroupCommitCore::Drain() { impl_->Drain(); }

}  // namespace rematch
