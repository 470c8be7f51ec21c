#include "bench/seed.h"

#include <functional>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "access/access.h"
#include "demo/process.h"
#include "platform/clock.h"
#include "platform/errors.h"
#include "platform/ids.h"
#include "platform/sql/database.h"
#include "request-service/domain/policy.h"
#include "request-service/store/calendar_store.h"
#include "request-service/store/case_command.h"
#include "request-service/store/case_handler.h"
#include "request-service/store/policy_store.h"
#include "request-service/store/work_store.h"

namespace rematch::bench {
namespace {

using request::CaseCommand;
using request::CaseKey;
using request::EffectWork;

constexpr int64_t kAtOnce = 2048;  // fits the queue of a door
constexpr char kReplica[] = "seed";
constexpr char kTimeZone[] = "America/Los_Angeles";

class Seeder {
 public:
  Seeder(sql::Database& database, platform::Clock& clock, platform::Random& random, platform::IdSource& ids, const World& world)
      : ids_(ids),
        world_(world),
        policies_(database, clock),
        calendars_(database, clock),
        work_(database, kReplica),
        handler_(kReplica, policies_, calendars_, clock) {
    handler_.Listen([this](const request::Committed& committed) {
      absl::MutexLock lock(&mutex_);
      for (const EffectWork& work : committed.effects) effects_[work.key.id] = work;
    });
    door_ = std::make_unique<request::CaseDoor>(GroupCommitOptions(), database, handler_, clock, random);
  }

  absl::Status Begin(const std::string& policy) {
    REMATCH_ASSIGN_OR_RETURN(policy_, request::ParsePolicy(policy));
    REMATCH_RETURN_IF_ERROR(policies_.Activate(policy_));
    mentor::v1::Program program;
    program.set_time_zone(kTimeZone);
    REMATCH_ASSIGN_OR_RETURN(calendar_, calendars_.Keep(program));
    return absl::OkStatus();
  }

  absl::Status Add(int64_t first, int64_t count, Until until, std::vector<SeededCase>& out) {
    std::vector<Made> cases;
    for (int64_t i = first; i < first + count; ++i) cases.push_back(Make(i));
    REMATCH_RETURN_IF_ERROR(All(cases, [this](const Made& made) { return Open(made); }));
    if (until == Until::kAsked) {
      REMATCH_RETURN_IF_ERROR(All(cases, [](const Made& made) {
        CaseCommand command = As(made, access::kProgramLeader);
        command.command.mutable_review()->set_proceed(true);
        return command;
      }));
      REMATCH_RETURN_IF_ERROR(All(cases, [this](Made& made) {
        CaseCommand command = Answering(made);
        request::Command::SeatHeld& held = *command.command.mutable_seat_held();
        held.set_effect(made.effect.effect.id());
        held.set_mentor(world_.mentors[made.program]);
        return command;
      }));
      REMATCH_RETURN_IF_ERROR(All(cases, [this](Made& made) {
        CaseCommand command = Answering(made);
        command.command.mutable_send_accepted()->set_effect(made.effect.effect.id());
        return command;
      }));
      REMATCH_RETURN_IF_ERROR(All(cases, [](const Made& made) {
        CaseCommand command = As(made, "PEER");
        command.command.mutable_delivered()->set_message(made.effect.effect.send().message());
        return command;
      }));
    }
    for (Made& made : cases) {
      out.push_back({.name = made.key.Name(),
                     .candidate = made.candidate,
                     .offer = made.effect.effect.offer(),
                     .epoch = made.effect.effect.send().epoch()});
    }
    return absl::OkStatus();
  }

  // Nothing stays leased to somebody who is not there any more.
  absl::Status End() { return work_.ReleaseAll(); }

 private:
  struct Made {
    CaseKey key;
    size_t program = 0;
    std::string candidate;
    EffectWork effect;  // the latest
  };

  Made Make(int64_t i) {
    Made made;
    made.program = static_cast<size_t>(i) % world_.programs.size();
    const std::string& program = world_.programs[made.program];
    made.key = {.consortium = demo::IdOf(kConsortium), .program = demo::IdOf(program), .id = ids_.Next()};
    made.candidate = absl::StrCat(program, absl::StrFormat("/candidates/seed-%09d", i));
    return made;
  }

  static CaseCommand As(const Made& made, std::string_view role) {
    CaseCommand command;
    command.key = made.key;
    command.command.set_actor_role(std::string(role));
    return command;
  }

  CaseCommand Open(const Made& made) {
    CaseCommand command = As(made, access::kProgramLeader);
    command.command.set_actor(World::Leader(made.program));
    request::Command::Open& open = *command.command.mutable_open();
    open.set_name(made.key.Name());
    open.set_candidate(made.candidate);
    open.set_policy(policies_.active());
    open.set_time_zone(kTimeZone);
    open.set_calendar(calendar_);
    open.mutable_need()->set_credential("Single Subject");
    open.mutable_need()->set_grade_band("9-12");
    open.mutable_need()->add_subjects("Mathematics");
    open.mutable_need()->set_site(absl::StrCat(kConsortium, "/sites/s"));
    *open.mutable_coarse_need() = open.need();
    open.mutable_coarse_need()->clear_site();
    open.mutable_leader()->set_person(World::Leader(made.program));
    command.step = "REASONS";
    command.text = "We do not find times to meet.";
    return command;
  }

  // A peer's answer to the latest effect, which is carried out by it.
  CaseCommand Answering(Made& made) {
    CaseCommand command = As(made, "PEER");
    command.ran = CaseCommand::Ran{.row = made.effect.row, .epoch = made.effect.epoch};
    return command;
  }

  absl::Status All(std::vector<Made>& cases, const std::function<CaseCommand(Made&)>& make) {
    std::vector<CaseCommand> commands;
    for (Made& made : cases) commands.push_back(make(made));
    for (const absl::Status& status : request::CommitAll(*door_, std::move(commands), Priority::kPeople)) {
      REMATCH_RETURN_IF_ERROR(status);
    }
    absl::MutexLock lock(&mutex_);
    for (Made& made : cases) {
      const auto found = effects_.find(made.key.id);
      if (found == effects_.end()) continue;
      made.effect = std::move(found->second);
      effects_.erase(found);
    }
    return absl::OkStatus();
  }

  platform::IdSource& ids_;
  const World& world_;
  request::PolicyStore policies_;
  request::CalendarStore calendars_;
  std::string calendar_;
  request::WorkStore work_;
  request::CaseHandler handler_;
  request::v1::EscalationPolicy policy_;
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, EffectWork> effects_ ABSL_GUARDED_BY(mutex_);  // by case
  std::unique_ptr<request::CaseDoor> door_;                                       // ends first: it calls the listener
};

}  // namespace

absl::StatusOr<std::vector<SeededCase>> Seed(const std::string& database, const std::string& policy, const World& world, int64_t first,
                                             int64_t count, Until until) {
  REMATCH_ASSIGN_OR_RETURN(const std::unique_ptr<sql::Database> store, sql::Open(database));
  platform::RealClock clock;
  platform::SecureRandom random;
  platform::IdSource ids(clock, random);
  Seeder seeder(*store, clock, random, ids, world);
  REMATCH_RETURN_IF_ERROR(seeder.Begin(demo::ReadFile(policy)));
  std::vector<SeededCase> cases;
  for (int64_t done = 0; done < count; done += kAtOnce) {
    REMATCH_RETURN_IF_ERROR(seeder.Add(first + done, std::min(kAtOnce, count - done), until, cases));
  }
  REMATCH_RETURN_IF_ERROR(seeder.End());
  return cases;
}

}  // namespace rematch::bench
