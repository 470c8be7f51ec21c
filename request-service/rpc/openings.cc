#include "request-service/rpc/openings.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "platform/errors.h"
#include "platform/validation.h"
#include "request-service/domain/reasons.h"

namespace rematch::request {
namespace {

namespace mv1 = mentor::v1;

constexpr absl::Duration kAskPeerAgain = absl::Seconds(1);
constexpr absl::Duration kRetryAfterFull = absl::Milliseconds(100);
constexpr size_t kMostWaiting = 4096;  // as at the door, which is next
constexpr size_t kMostOfCall = 64;     // as the RPC takes, and a batch of the door
constexpr size_t kMostCalls = 2;       // one is answered while the next gathers

// Of `consortia/x/programs/y`.
std::string ConsortiumIdOf(const std::string& program) { return (*ParseName(program, "consortia/*/programs/*"))[0]; }
std::string ProgramIdOf(const std::string& program) { return (*ParseName(program, "consortia/*/programs/*"))[1]; }

// "consortia/x" of a name below it.
std::string_view ConsortiumIn(std::string_view name) { return name.substr(0, name.find('/', name.find('/') + 1)); }

}  // namespace

absl::Status PeerUnavailable() {
  return ErrorWithRetry(absl::StatusCode::kUnavailable, reason::kPeerUnavailable, "mentor-service does not answer", kAskPeerAgain);
}

Openings::~Openings() {
  absl::MutexLock lock(&mutex_);
  const auto ended = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return calls_ == 0; };
  mutex_.Await(absl::Condition(&ended));
}

void Openings::Ask(std::string program, std::string candidate, absl::Time deadline, Done done) {
  const auto full = [] {
    return ErrorWithRetry(absl::StatusCode::kResourceExhausted, reason::kQueueFull, "too many requests at once", kRetryAfterFull);
  };
  bool begin = false;
  {
    absl::MutexLock lock(&mutex_);
    if (queue_.size() < kMostWaiting) {
      queue_.push_back({std::move(program), std::move(candidate), deadline, std::move(done)});
      begin = calls_ < kMostCalls;
      if (begin) ++calls_;
      done = nullptr;
    }
  }
  if (done) return std::move(done)(full());
  if (!begin || blocking_.Run([this] { Work(); })) return;
  // Without a thread, and without a call under way, nobody would come for those who wait.
  std::vector<Item> left;
  {
    absl::MutexLock lock(&mutex_);
    if (--calls_ == 0) {
      left.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(queue_.end()));
      queue_.clear();
    }
  }
  Answer(std::move(left), full());
}

void Openings::Work() {
  for (;;) {
    std::vector<Item> items;
    {
      absl::MutexLock lock(&mutex_);
      items = Take();
      if (items.empty()) {
        --calls_;
        return;
      }
    }
    AskFor(std::move(items));
  }
}

std::vector<Openings::Item> Openings::Take() {
  std::vector<Item> items;
  for (auto it = queue_.begin(); it != queue_.end() && items.size() < kMostOfCall;) {
    if (!items.empty() && ConsortiumIn(it->program) != ConsortiumIn(items.front().program)) {
      ++it;
      continue;
    }
    items.push_back(std::move(*it));
    it = queue_.erase(it);
  }
  return items;
}

void Openings::AskFor(std::vector<Item> items) {
  const absl::Time now = clock_.Now();
  const auto late = std::stable_partition(items.begin(), items.end(), [now](const Item& item) { return item.deadline > now; });
  std::vector<Item> expired(std::make_move_iterator(late), std::make_move_iterator(items.end()));
  items.erase(late, items.end());
  // Nobody waits for it any more: no peer is asked.
  Answer(std::move(expired),
         Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadlinePassed, "the deadline passed before the call ran"));
  if (items.empty()) return;

  std::set<std::string> programs;
  for (const Item& item : items) programs.insert(ProgramIdOf(item.program));
  const auto policies = policies_.Of(ConsortiumIdOf(items.front().program), programs);
  if (!policies.ok()) return Answer(std::move(items), policies.status());
  // What is said of a need depends on how many must share it, which is the policy's to say: as a rule one number for all.
  std::map<int, std::vector<Item>> by_k;
  for (Item& item : items) {
    const int k = policies->at(ProgramIdOf(item.program))->policy.k_anonymity();
    by_k[k].push_back(std::move(item));
  }
  for (auto& [k, some] : by_k) AskFor(k, *policies, std::move(some));
}

void Openings::AskFor(int k, const std::map<std::string, std::shared_ptr<const PolicyRecord>>& policies, std::vector<Item> items) {
  mv1::DescribeCandidatesRequest request;
  request.set_parent(std::string(ConsortiumIn(items.front().program)));
  request.set_k(k);
  std::set<std::string_view> names;
  for (const Item& item : items) {
    if (names.insert(item.candidate).second) request.add_candidates(item.candidate);
  }
  const absl::StatusOr<mv1::DescribeCandidatesResponse> response = mentor_.DescribeCandidates(request);
  if (!response.ok()) return Answer(std::move(items), PeerUnavailable());
  absl::flat_hash_map<std::string_view, Facts> programs;
  for (const mv1::Program& program : response->programs()) {
    const absl::StatusOr<std::string> calendar = calendars_.Keep(program);
    if (!calendar.ok()) return Answer(std::move(items), calendar.status());
    programs[program.name()] = {.program = &program, .candidate = nullptr, .calendar = *calendar};
  }
  absl::flat_hash_map<std::string_view, const mv1::DescribeCandidatesResponse::Described*> described;
  for (const auto& one : response->described()) described.emplace(one.candidate().name(), &one);
  for (Item& item : items) {
    Facts facts;
    if (const auto program = programs.find(item.program); program != programs.end()) facts = program->second;
    facts.policy = policies.at(ProgramIdOf(item.program))->hash;
    if (const auto one = described.find(item.candidate); one != described.end()) facts.candidate = one->second;
    std::move(item.done)(facts);
  }
}

void Openings::Answer(std::vector<Item> items, const absl::Status& status) {
  for (Item& item : items) std::move(item.done)(status);
}

}  // namespace rematch::request
