#include "tests/simulation/world.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "mentor-service/mentor_service.h"
#include "mentor-service/store/store.h"
#include "notify-service/notify_service.h"
#include "platform/sql/migrations.h"
#include "platform/sql/translate.h"
#include "request-service/domain/policy.h"
#include "tests/simulation/cast.h"

namespace rematch::simulation {
namespace {

constexpr absl::Duration kLease = absl::Seconds(5);

// One for the whole process: nothing that is decided depends on it.
platform::Metrics& SharedMetrics() {
  static auto* const metrics = new platform::Metrics;
  return *metrics;
}
const notify::Templates& SharedTemplates() {
  static const auto* const templates = new notify::Templates(*notify::Templates::Make(notify::NotifyTemplates()));
  return *templates;
}

// A store in memory that one run after another uses: making the tables takes longer than emptying them.
class KeptStore {
 public:
  explicit KeptStore(std::span<const platform::EmbeddedFile> migrations) {
    absl::StatusOr<std::unique_ptr<sql::Database>> database = sql::Open("sqlite::memory:");
    platform::ManualClock clock(absl::UnixEpoch());
    if (!database.ok() || !sql::Migrate(**database, migrations, clock).ok()) std::abort();
    store_.database = *std::move(database);
    const absl::Status listed = store_.database->Read([this](sql::Transaction& tx) -> absl::Status {
      REMATCH_ASSIGN_OR_RETURN(const auto tables,
                               tx.Query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'schema_%'"));
      for (const sql::Row& table : tables) clean_.push_back("DELETE FROM " + table.Text(0));
      return absl::OkStatus();
    });
    if (!listed.ok()) std::abort();
    // What migrations put into tables.
    for (const platform::EmbeddedFile& file : migrations) {
      for (const std::string& statement : sql::SplitScript(file.content)) {
        if (!sql::IsDdl(statement)) clean_.push_back(statement);
      }
    }
  }

  // As new.
  Store& Empty() {
    const absl::Status emptied = store_.database->Transact([this](sql::Transaction& tx) -> absl::Status {
      for (const std::string& statement : clean_) REMATCH_RETURN_IF_ERROR(tx.Execute(statement).status());
      return absl::OkStatus();
    });
    if (!emptied.ok()) std::abort();
    store_.commits = 0;
    return store_;
  }

 private:
  Store store_;
  std::vector<std::string> clean_;
};

Store& EmptyStore(std::span<const platform::EmbeddedFile> migrations) {
  static auto* const kept = new std::map<const void*, std::unique_ptr<KeptStore>>;
  std::unique_ptr<KeptStore>& one = (*kept)[migrations.data()];
  if (one == nullptr) one = std::make_unique<KeptStore>(migrations);
  return one->Empty();
}

}  // namespace

World::World(uint64_t seed, bool story)
    : seed_(seed),
      tells_(story),
      time_{.now = absl::FromCivil(absl::CivilSecond(2026, 3, 2, 9, 0, 0), absl::UTCTimeZone()), .monotonic = absl::Hours(1)},
      random_(seed),
      machine_{.time = time_, .faults = faults_, .random = random_, .metrics = SharedMetrics()},
      mentor_store_(EmptyStore(mentor::MentorMigrations())),
      request_store_(EmptyStore(request::RequestMigrations())),
      notify_store_(EmptyStore(notify::NotifyMigrations())),
      invariants_(*mentor_store_.database, *request_store_.database, *notify_store_.database, post_, meetings_,
                  story ? std::function<void(std::string_view)>([this](std::string_view what) { Tell(what); }) : nullptr),
      network_(
          faults_, [this] { return mentor_.get(); }, [this] { return AnyNotify(); }, post_, SharedTemplates()),
      people_(
          faults_, invariants_, post_, [this] { return AnyRequest(); }, [this] { return mentor_.get(); }, [this] { return AnyNotify(); },
          [this](std::string_view what) { Tell(what); }),
      strangers_(
          chance_, invariants_, meetings_, [this] { return AnyRequest(); }, [this] { return mentor_.get(); },
          [this](std::string_view what) { Tell(what); }) {
  chance_.Reseed(seed, 0);
  options_.policy = DrawPolicy(chance_);
  invariants_.ExpectPolicy(request::ContentHash(options_.policy));
  options_.reply_key = "a key of thirty-two bytes or more";
  options_.lease = kLease;
  options_.door.threads = 0;
  options_.door.max_batch = chance_.Percent(30) ? 2 : 64;
  options_.effects.first_pause = absl::Milliseconds(200);
  Found();
  StartMentor();
  for (size_t i = 0; i < notify_.size(); ++i) {
    notify_[i].name = absl::StrCat("notify-", i + 1);
    Start(notify_[i]);
  }
  for (size_t i = 0; i < request_.size(); ++i) {
    request_[i].name = absl::StrCat("request-", i + 1);
    Start(request_[i]);
  }
  PublishPolicies();
  // Some runs are calm, so that what is wrong without any fault shows as that.
  constexpr int kPerMille[] = {0, 3, 8, 20};
  faults_.SetPerMille(kPerMille[chance_.Pick(4)]);
  std::set<std::string> on_holiday;
  for (const auto& [id, consortium] : invariants_.consortia()) {
    for (const auto& [program, row] : consortium.roster.programs.rows()) {
      if (chance_.Percent(10)) on_holiday.insert(request::ProgramName(id, program));
    }
  }
  people_.SetHoliday(std::move(on_holiday));
}

World::~World() {
  for (RequestReplica& replica : request_) Stop(replica);
  for (NotifyReplica& replica : notify_) Stop(replica);
}

void World::Found() {
  if (!mentor::store::BeginStamping(*mentor_store_.database, time_.now).ok()) std::abort();
  for (const mentor::Roster& roster : DrawCast(chance_, time_.now)) {
    const absl::Status saved = mentor_store_.database->Transact(
        [&](sql::Transaction& tx) { return mentor::store::Save(tx, roster, {.writer = 1, .number = 1}, time_.now); });
    if (!saved.ok()) std::abort();
    invariants_.Expect(roster.consortium_id);
  }
  invariants_.CheckRoster(1);
}

void World::PublishPolicies() {
  bool is_first = true;
  for (const auto& [id, consortium] : invariants_.consortia()) {
    for (const auto& [program, row] : consortium.roster.programs.rows()) {
      // One goes by the policy of the service.
      if (!std::exchange(is_first, false) && chance_.Percent(60)) people_.Publish(id, row.value);
    }
  }
}

// --- Processes ---

void World::StartMentor() { mentor_ = std::make_unique<MentorProcess>(mentor_store_, machine_); }

void World::Start(NotifyReplica& replica) {
  const std::string name = absl::StrCat(replica.name, ".", ++replica.born);
  replica.process = std::make_unique<NotifyProcess>(notify_store_, machine_, SharedTemplates(), post_, name);
  replica.process->clock().SetWrongBy(replica.wrong_by);
  // As in production: before any work is its own a replica shows that it lives, or it does not come up.
  if (!replica.process->leases().Beat().ok()) Stop(replica);
}

void World::Start(RequestReplica& replica) {
  const std::string name = absl::StrCat(replica.name, ".", ++replica.born);
  // Whether this very process lives, whatever is started in its place.
  const auto alive = [&replica, born = replica.born] {
    return replica.born == born && replica.process != nullptr && !replica.process->database().dead();
  };
  replica.process =
      std::make_unique<RequestProcess>(request_store_, machine_, network_.MentorFor(alive), network_.NotifyFor(alive), options_, name);
  replica.process->clock().SetWrongBy(replica.wrong_by);
  if (!replica.process->up()) Stop(replica);
}

template <typename Kind>
void World::Stop(Kind& replica) {
  if (replica.process == nullptr) return;
  replica.process->database().Kill();
  replica.process.reset();
  replica.stands_still = false;
}

void World::Bury() {
  for (RequestReplica& replica : request_) {
    if (replica.process != nullptr && replica.process->database().dead()) Stop(replica);
  }
  for (NotifyReplica& replica : notify_) {
    if (replica.process != nullptr && replica.process->database().dead()) Stop(replica);
  }
  if (mentor_ != nullptr && mentor_->database().dead()) mentor_.reset();
}

RequestProcess* World::AnyRequest() {
  RequestReplica& first = request_[static_cast<size_t>(chance_.Pick(2))];
  for (RequestReplica* replica : {&first, &request_[0], &request_[1]}) {
    if (replica->process != nullptr && !replica->stands_still && !replica->process->database().dead()) return replica->process.get();
  }
  return nullptr;
}

NotifyProcess* World::AnyNotify() {
  NotifyReplica& first = notify_[static_cast<size_t>(chance_.Pick(2))];
  for (NotifyReplica* replica : {&first, &notify_[0], &notify_[1]}) {
    if (replica->process != nullptr && !replica->stands_still && !replica->process->database().dead()) return replica->process.get();
  }
  return nullptr;
}

// --- Steps ---

void World::Tell(std::string_view what) {
  if (tells_)
    story_.push_back(absl::StrCat(step_, "  ", absl::FormatTime("%d %H:%M:%E3S", time_.now, absl::UTCTimeZone()), "  ", std::string(what)));
}

std::string World::Play(int steps, const std::set<int>& left_out) {
  for (step_ = 1; step_ <= steps && broken_.empty(); ++step_) {
    chance_.Reseed(seed_, static_cast<uint64_t>(step_));
    if (left_out.contains(step_)) continue;
    Step();
    Check();
  }
  if (broken_.empty()) ComeToRest();
  return broken_;
}

void World::Step() {
  const int what = chance_.Pick(100);
  if (what < 40) {
    StepRequest(request_[static_cast<size_t>(chance_.Pick(2))]);
  } else if (what < 41) {
    strangers_.Try();
  } else if (what < 42) {
    strangers_.LookAtLists();
  } else if (what < 55) {
    StepNotify(notify_[static_cast<size_t>(chance_.Pick(2))]);
  } else if (what < 58) {
    if (network_.DeliverLate()) Tell("a call arrives late");
  } else if (what < 62) {
    people_.ActAsCandidate();
  } else if (what < 75) {
    people_.ActAsLeader();
  } else if (what < 83) {
    people_.ActAsMentor();
  } else if (what < 85) {
    people_.ActAsOffice();
  } else if (what < 86) {
    people_.AskAgain();
  } else if (what < 88) {
    people_.ActAtRandom();
  } else if (what < 90) {
    if (mentor_ != nullptr) mentor_->door().RunOnce();
    Disturb();
  } else {
    PassTime();
  }
}

template <typename Kind>
bool World::IsAtWork(Kind& replica) {
  if (replica.process == nullptr) {
    if (chance_.Percent(20)) {
      Tell(absl::StrCat(replica.name, " starts"));
      Start(replica);
    }
    return false;
  }
  if (!replica.stands_still) return true;
  replica.stands_still = !chance_.Percent(10);
  if (!replica.stands_still) Tell(absl::StrCat(replica.name, " goes on"));
  return false;
}

void World::StepRequest(RequestReplica& replica) {
  if (!IsAtWork(replica)) return;
  request::RequestCore& core = replica.process->core();
  // Each loop turns or does not: between any two turns of one, everything else may happen.
  const auto turn = [&](int percent, std::string_view what, absl::FunctionRef<void()> run) {
    if (replica.process->database().dead() || !chance_.Percent(percent)) return;
    if (!what.empty()) Tell(absl::StrCat(replica.name, " ", std::string(what)));
    run();
  };
  turn(40, "", [&] { core.door().RunOnce(); });
  turn(50, "", [&] { core.effects().Step(); });
  for (int i = chance_.Pick(4); i > 0 && !replica.process->effects().empty(); --i) {
    turn(100, "carries out an effect", [&] { replica.process->effects().RunOne(chance_); });
  }
  turn(30, "", [&] { core.door().RunOnce(); });
  turn(25, "follows the deliveries", [&] { core.deliveries().Step(); });
  turn(12, "follows the roster", [&] { core.roster().Step(); });
  turn(25, "looks at its timers", [&] { core.timers().Step(); });
  turn(10, "", [&] { core.leases().Beat().IgnoreError(); });
  turn(1, "goes over the seats", [&] { core.reconciler().Round().IgnoreError(); });
}

void World::StepNotify(NotifyReplica& replica) {
  if (!IsAtWork(replica)) return;
  const auto turn = [&](int percent, absl::FunctionRef<void()> run) {
    if (!replica.process->database().dead() && chance_.Percent(percent)) run();
  };
  turn(40, [&] { replica.process->door().RunOnce(); });
  turn(50, [&] { replica.process->sender().Step(); });
  turn(60, [&] { replica.process->door().RunOnce(); });
  for (int i = chance_.Pick(4); i > 0 && !replica.process->pool().empty(); --i) {
    turn(100, [&] {
      Tell(absl::StrCat(replica.name, " hands over a mail"));
      replica.process->pool().RunOne(chance_);
    });
  }
  turn(40, [&] { replica.process->door().RunOnce(); });
  turn(10, [&] { replica.process->leases().Beat().IgnoreError(); });
}

void World::Disturb() {
  if (mentor_ == nullptr && chance_.Percent(50)) {
    Tell("mentor-service starts");
    StartMentor();
  }
  const auto crash = [&](auto& replica) {
    if (replica.process == nullptr || !faults_.Happens(Fault::kCrash, 20)) return;
    Tell(absl::StrCat(replica.name, " crashes"));
    Stop(replica);
  };
  const auto stand_still = [&](auto& replica) {
    if (replica.process == nullptr || !faults_.Happens(Fault::kStandStill, 10)) return;
    Tell(absl::StrCat(replica.name, " stands still"));
    replica.stands_still = true;
  };
  const auto set_clock = [&](auto& replica) {
    if (replica.process == nullptr || !faults_.Happens(Fault::kClockStep, 10)) return;
    replica.wrong_by = chance_.UpTo(absl::Seconds(20)) - absl::Seconds(10);
    Tell(absl::StrCat(replica.name, "'s clock is wrong by ", absl::FormatDuration(replica.wrong_by)));
    replica.process->clock().SetWrongBy(replica.wrong_by);
  };
  const auto disturb = [&](auto& replica) {
    crash(replica);
    stand_still(replica);
    set_clock(replica);
  };
  if (network_.apart()) {
    network_.SetApart(!chance_.Percent(50));
    if (!network_.apart()) Tell("the network is one again");
  } else if (faults_.Happens(Fault::kNetworkApart, 10)) {
    Tell("the network falls apart");
    network_.SetApart(true);
  }
  disturb(request_[static_cast<size_t>(chance_.Pick(2))]);
  disturb(notify_[static_cast<size_t>(chance_.Pick(2))]);
  if (mentor_ != nullptr && faults_.Happens(Fault::kCrash, 5)) {
    Tell("mentor-service crashes");
    mentor_->database().Kill();
  }
}

void World::PassTime() {
  const int how = chance_.Pick(10);
  if (how < 6) return Advance(chance_.UpTo(absl::Seconds(1)));
  if (how < 9) {
    const absl::Time due = NextDue();
    return Advance(due == absl::InfiniteFuture() ? absl::Seconds(1)
                                                 : std::max(due - time_.now, absl::ZeroDuration()) + chance_.UpTo(absl::Seconds(1)));
  }
  Advance(chance_.UpTo(absl::Hours(1)));
}

void World::Advance(absl::Duration by) {
  if (tells_) Tell(absl::StrCat(absl::FormatDuration(by), " pass"));
  time_.Advance(by);
  // Those that are well beat all the time; that time passed at once is none of theirs. Now and then it is seen as if they had not.
  if (by < kLease / 4 || (!faults_.quiet() && chance_.Percent(5))) return;
  Beat();
  Beat();
}

void World::Beat() {
  for (RequestReplica& replica : request_) {
    if (replica.process != nullptr && !replica.stands_still) replica.process->core().leases().Beat().IgnoreError();
  }
  for (NotifyReplica& replica : notify_) {
    if (replica.process != nullptr && !replica.stands_still) replica.process->leases().Beat().IgnoreError();
  }
}

absl::Time World::NextDue() {
  absl::Time next = absl::InfiniteFuture();
  const auto look = [&](sql::Database& database, std::string_view statement) {
    const absl::Status status = database.Read([&](sql::Transaction& tx) -> absl::Status {
      REMATCH_ASSIGN_OR_RETURN(const std::vector<sql::Row> rows, tx.Query(statement));
      if (!rows.empty() && !rows[0].IsNull(0)) next = std::min(next, sql::FromMicros(rows[0].Int(0)));
      return absl::OkStatus();
    });
    if (!status.ok()) std::abort();
  };
  look(*request_store_.database, "SELECT MIN(due) FROM timers");
  look(*request_store_.database, "SELECT MIN(due) FROM effects");
  look(*notify_store_.database, "SELECT MIN(due) FROM sends");
  return next;
}

void World::Check() {
  Bury();
  // The roster first: what cases do is judged by who was of which program.
  if (const int64_t commits = mentor_store_.commits - std::exchange(roster_seen_, mentor_store_.commits); commits > 0) {
    invariants_.CheckRoster(commits);
  }
  if (std::exchange(cases_seen_, request_store_.commits) != request_store_.commits) {
    invariants_.CheckCases();
    invariants_.CheckLetters();
  }
  if (std::exchange(feeds_seen_, mentor_store_.commits + notify_store_.commits) != mentor_store_.commits + notify_store_.commits) {
    invariants_.CheckFeeds();
  }
  if (broken_.empty()) broken_ = invariants_.broken();
  if (broken_.empty()) broken_ = people_.contradiction();
  if (broken_.empty()) broken_ = strangers_.broken();
}

// --- Rest ---

void World::Settle() {
  constexpr int kMostTurns = 10'000;
  for (int turn = 0; turn < kMostTurns; ++turn) {
    bool moved = network_.DeliverLate();
    while (mentor_->door().RunOnce()) moved = true;
    for (RequestReplica& replica : request_) {
      if (replica.process == nullptr) continue;
      request::RequestCore& core = replica.process->core();
      moved |= core.door().RunOnce();
      core.effects().Step();
      while (replica.process->effects().RunOne(chance_)) moved = true;
      moved |= core.door().RunOnce();
      moved |= core.deliveries().Step() == absl::ZeroDuration();
      moved |= core.roster().Step() == absl::ZeroDuration();
      moved |= core.timers().Step() == absl::ZeroDuration();
    }
    for (NotifyReplica& replica : notify_) {
      if (replica.process == nullptr) continue;
      moved |= replica.process->door().RunOnce();
      replica.process->sender().Step();
      while (replica.process->pool().RunOne(chance_)) moved = true;
      moved |= replica.process->door().RunOnce();
    }
    Check();
    if (!moved || !broken_.empty()) return;
  }
  broken_ = "it never comes to rest at one moment";
}

void World::Gather() {
  if (mentor_ == nullptr) StartMentor();
  const auto keep_one = [this](auto& replicas) {
    auto& kept = replicas[static_cast<size_t>(chance_.Pick(2))];
    for (auto& replica : replicas) {
      if (&replica != &kept) Stop(replica);
    }
    kept.stands_still = false;
    kept.wrong_by = absl::ZeroDuration();
    if (kept.process == nullptr) Start(kept);
    kept.process->clock().SetWrongBy(kept.wrong_by);
  };
  keep_one(request_);
  keep_one(notify_);
}

void World::Reconcile() {
  for (RequestReplica& replica : request_) {
    if (replica.process == nullptr) continue;
    // What was found twice is settled.
    replica.process->core().reconciler().Round().IgnoreError();
    replica.process->core().reconciler().Round().IgnoreError();
  }
  Settle();
}

// Nothing goes wrong any more, and the leaders want to be done.
void World::ComeToRest() {
  chance_.Reseed(seed_, 0xffffffff);
  faults_.SetPerMille(0);
  network_.SetApart(false);
  people_.SetHoliday({});
  Gather();
  // Until the leases of those that are gone have run out.
  for (int i = 0; i < 3 && broken_.empty(); ++i) {
    Advance(kLease);
    Settle();
  }
  constexpr int kMostRounds = 400;
  constexpr absl::Duration kLongestWait = absl::Hours(24 * 40);
  absl::Duration waited;
  for (int round = 0; round < kMostRounds && broken_.empty(); ++round) {
    Settle();
    if (!broken_.empty()) return;
    const absl::Time due = NextDue();
    if (due <= time_.now) {
      // A pause of the service's own may stand in front of it; it must not stay.
      waited += absl::Seconds(1);
      if (waited > absl::Minutes(10)) broken_ = "F45: something is due, and nobody does it";
      Advance(absl::Seconds(1));
      continue;
    }
    waited = absl::ZeroDuration();
    if (network_.DeliverLate(/*all_else_is_over=*/true)) {
      Tell("a call arrives very late");
      continue;
    }
    invariants_.CheckQuiet(/*reconciled=*/false);
    broken_ = invariants_.broken();
    if (!broken_.empty()) return;
    const bool worked = people_.WorkOff();
    Settle();
    if (!broken_.empty()) return;
    const absl::Time next = NextDue();
    if (!worked && next == absl::InfiniteFuture()) {
      Reconcile();
      if (!broken_.empty()) return;
      // What was found may be told to cases that are still open, and their leader has to be done with them again.
      if (NextDue() != absl::InfiniteFuture() || people_.WorkOff()) continue;
      invariants_.CheckQuiet(/*reconciled=*/true);
      invariants_.CheckAtRest();
      broken_ = invariants_.broken();
      return;
    }
    Advance(next == absl::InfiniteFuture() ? absl::Seconds(31) : std::clamp(next - time_.now, absl::Milliseconds(100), kLongestWait));
  }
  if (broken_.empty()) broken_ = "F11: the cases do not come to an end";
}

}  // namespace rematch::simulation
