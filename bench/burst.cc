#include "bench/burst.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "bench/cases.h"
#include "platform/errors.h"
#include "platform/sql/database.h"
#include "platform/sql/rows.h"
#include "request-service/domain/case.pb.h"
#include "request-service/domain/escalation.h"

namespace rematch::bench {
namespace {

constexpr absl::Duration kPatience = absl::Minutes(2);
constexpr absl::Duration kBetweenLooks = absl::Milliseconds(20);
// How far ahead the end is set: a replica looks at its timers anew once a second, and the cases have to be written before that.
constexpr absl::Duration kNoticed = absl::Milliseconds(1500);
constexpr absl::Duration kAhead = absl::Seconds(3);
constexpr absl::Duration kAheadOfCase = absl::Milliseconds(1);
constexpr int kAtOnce = 256;

struct Result {
  double commit = 0;  // seconds
  double next = 0;
  int64_t lost = 0;
  int64_t doubled = 0;
};

class Burst {
 public:
  Burst(Stage& stage, const BurstOptions& options) : stage_(stage), options_(options) {}

  // Every case has asked its first mentor, whose window runs.
  absl::Status SetUp() {
    REMATCH_ASSIGN_OR_RETURN(requests_, sql::Open(stage_.database(demo::Part::kRequest)));
    REMATCH_ASSIGN_OR_RETURN(notifications_, sql::Open(stage_.database(demo::Part::kNotify)));
    REMATCH_ASSIGN_OR_RETURN(seats_, sql::Open(stage_.database(demo::Part::kMentor)));
    REMATCH_ASSIGN_OR_RETURN(
        const World world,
        Import(stage_.suite(), {.programs = options_.programs, .mentors = options_.mentors, .candidates = options_.cases}));
    Say(absl::StrCat("the burst: one mentor of each of ", options_.cases, " cases is asked"));
    Players players(stage_.suite(), world, stage_.reply_key());
    return players.Play(0, options_.cases, kAtOnce, PlayUntil::kAsked, nullptr);
  }

  // The window of every mentor who is being asked ends at one instant, and all cases go on to their next mentor. With `kill`, of two
  // replicas one is killed when half of the ends are committed, and started again in the end. Not after a burst that lost or doubled any.
  absl::StatusOr<Result> Run(bool kill) {
    REMATCH_RETURN_IF_ERROR(AwaitRest());
    const absl::Time end = absl::Now() + kAhead + options_.cases * kAheadOfCase;
    REMATCH_RETURN_IF_ERROR(EndAllAt(end));
    if (absl::Now() > end - kNoticed) return absl::DeadlineExceededError("the windows could not be set in time");
    absl::SleepFor(end - absl::Now());

    ++asked_;
    Result result;
    REMATCH_ASSIGN_OR_RETURN(result.commit, UntilCommitted(end, kill));
    REMATCH_ASSIGN_OR_RETURN(result.next, UntilHandedOver(end));
    if (kill) REMATCH_RETURN_IF_ERROR(stage_.suite().Restart(demo::Part::kRequest, 1));
    REMATCH_RETURN_IF_ERROR(AwaitRest());
    REMATCH_ASSIGN_OR_RETURN(const int64_t told, Count(*notifications_, OriginsWith("=")));
    REMATCH_ASSIGN_OR_RETURN(const int64_t told_more, Count(*notifications_, OriginsWith(">")));
    // 1: held, as mentor-service stores it.
    REMATCH_ASSIGN_OR_RETURN(const int64_t held_more, Count(*seats_,
                                                            "SELECT COUNT(*) FROM (SELECT candidate FROM seats WHERE state = 1 GROUP BY "
                                                            "candidate HAVING COUNT(*) > 1) AS held"));
    REMATCH_ASSIGN_OR_RETURN(const int64_t behind, CasesWithoutNextOffer());
    result.lost = std::max(options_.cases - told - told_more, behind);
    result.doubled = told_more + held_more;
    return result;
  }

 private:
  // Seconds from `end` until every window's end is committed. A timer that was put off is later than `end`, but by far not as late as the
  // one of the next mentor's window.
  absl::StatusOr<double> UntilCommitted(absl::Time end, bool kill) {
    const std::string left_of = absl::StrCat("SELECT COUNT(*) FROM timers WHERE due <= ", sql::ToMicros(end + absl::Hours(1)));
    for (;;) {
      REMATCH_ASSIGN_OR_RETURN(const int64_t left, Count(*requests_, left_of));
      const absl::Duration passed = absl::Now() - end;
      if (kill && left <= options_.cases / 2) {
        stage_.suite().Kill(demo::Part::kRequest, 1);
        kill = false;
      }
      if (left == 0 || passed > kPatience) return absl::ToDoubleSeconds(passed);
      absl::SleepFor(kBetweenLooks);
    }
  }

  // Seconds from `end` until notify-service has taken on the next message of every case.
  absl::StatusOr<double> UntilHandedOver(absl::Time end) {
    for (;;) {
      REMATCH_ASSIGN_OR_RETURN(const int64_t taken, Count(*notifications_, "SELECT COUNT(*) FROM notifications"));
      const absl::Duration passed = absl::Now() - end;
      if (taken >= asked_ * options_.cases || passed > kPatience) return absl::ToDoubleSeconds(passed);
      absl::SleepFor(kBetweenLooks);
    }
  }

  // Nothing is under way any more, but for the windows: what would come twice, or too late, has come.
  absl::Status AwaitRest() {
    absl::Status failed;
    const auto count = [&failed](sql::Database& database, const char* statement) -> int64_t {
      const absl::StatusOr<int64_t> found = Count(database, statement);
      failed.Update(found.status());
      return found.value_or(0);
    };
    const bool rests = demo::WaitUntil(
        [&] {
          const bool still = count(*requests_, "SELECT COUNT(*) FROM effects WHERE poison = 0") == 0 &&
                             count(*notifications_, "SELECT COUNT(*) FROM sends") == 0 &&
                             count(*requests_, "SELECT COUNT(*) FROM timers") == options_.cases;
          return still || !failed.ok();
        },
        kPatience);
    REMATCH_RETURN_IF_ERROR(failed);
    return rests ? absl::OkStatus() : absl::DeadlineExceededError("the cases do not come to rest");
  }

  // Counts the cases that sent as many messages as mentors were to be asked (`=`), or more (`>`).
  std::string OriginsWith(const char* comparison) const {
    return absl::StrCat("SELECT COUNT(*) FROM (SELECT origin FROM notifications GROUP BY origin HAVING COUNT(*) ", comparison, " ", asked_,
                        ") AS told");
  }

  static absl::StatusOr<int64_t> Count(sql::Database& database, const std::string& statement) {
    int64_t count = 0;
    REMATCH_RETURN_IF_ERROR(database.Read([&](sql::Transaction& tx) -> absl::Status {
      REMATCH_ASSIGN_OR_RETURN(const std::vector<sql::Row> rows, tx.Query(statement));
      count = rows.empty() ? 0 : rows[0].Int(0);
      return absl::OkStatus();
    }));
    return count;
  }

  struct Stored {
    std::string consortium, id;
    request::Case c;
  };
  absl::StatusOr<std::vector<Stored>> Cases() {
    std::vector<Stored> cases;
    REMATCH_RETURN_IF_ERROR(requests_->Read([&](sql::Transaction& tx) -> absl::Status {
      cases.clear();
      REMATCH_ASSIGN_OR_RETURN(const std::vector<sql::Row> rows,
                               tx.Query("SELECT consortium, id, folded FROM cases ORDER BY consortium, id"));
      for (const sql::Row& row : rows) {
        Stored& stored = cases.emplace_back();
        stored.consortium = row.Text(0);
        stored.id = row.Text(1);
        if (!stored.c.ParseFromString(row.Text(2))) return absl::InternalError("a case cannot be read");
      }
      return absl::OkStatus();
    }));
    return cases;
  }

  // Moves the end of every window that runs to one instant, in the case and in its timer, as if all had been asked at the same time.
  absl::Status EndAllAt(absl::Time end) {
    REMATCH_ASSIGN_OR_RETURN(std::vector<Stored> cases, Cases());
    if (static_cast<int>(cases.size()) != options_.cases) return absl::FailedPreconditionError("not every case is there");
    constexpr size_t kRows = 512;
    for (size_t begin = 0; begin < cases.size(); begin += kRows) {
      REMATCH_RETURN_IF_ERROR(sql::TransactAgain(*requests_, [&](sql::Transaction& tx) -> absl::Status {
        for (size_t i = begin; i < std::min(begin + kRows, cases.size()); ++i) {
          Stored& stored = cases[i];
          for (request::Offer& offer : *stored.c.mutable_offers()) {
            if (offer.state() == request::v1::OPEN) offer.set_window_end(sql::ToMicros(end));
          }
          const absl::Time due = request::NextDue(stored.c);
          if (due != sql::FromMicros(sql::ToMicros(end))) return absl::FailedPreconditionError("a case waits for something else");
          REMATCH_RETURN_IF_ERROR(tx.Execute("UPDATE cases SET folded = ?, next_due = ? WHERE consortium = ? AND id = ?",
                                             {sql::Bytes{stored.c.SerializeAsString()}, sql::ToMicros(end), stored.consortium, stored.id})
                                      .status());
          REMATCH_RETURN_IF_ERROR(
              tx.Execute("UPDATE timers SET due = ? WHERE consortium = ? AND id = ?", {sql::ToMicros(end), stored.consortium, stored.id})
                  .status());
        }
        return absl::OkStatus();
      }));
    }
    return absl::OkStatus();
  }

  // Those that have not asked as many mentors as they were to, each but the last in vain.
  absl::StatusOr<int64_t> CasesWithoutNextOffer() {
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Stored> cases, Cases());
    return std::count_if(cases.begin(), cases.end(), [this](const Stored& stored) {
      const auto& offers = stored.c.offers();
      if (offers.size() != asked_) return true;
      std::set<std::string> mentors;
      for (const request::Offer& offer : offers) mentors.insert(offer.mentor());
      const auto expired = [](const request::Offer& offer) { return offer.state() == request::v1::EXPIRED; };
      const request::v1::OfferState last = offers.rbegin()->state();
      return static_cast<int>(mentors.size()) != asked_ || !std::all_of(offers.begin(), std::prev(offers.end()), expired) ||
             (last != request::v1::OPEN && last != request::v1::PREPARING);
    });
  }

  Stage& stage_;
  const BurstOptions options_;
  int asked_ = 1;  // mentors of each case
  std::unique_ptr<sql::Database> requests_, notifications_, seats_;
};

}  // namespace

void DescribeBurst(Figures& figures, bool with_targets) {
  const auto at_most = [with_targets](double value) { return with_targets ? std::optional<double>(value) : std::nullopt; };
  figures.Describe(
      {.name = "burst_commit_seconds", .title = "the burst: every end of a window committed", .unit = "s", .at_most = at_most(2)});
  figures.Describe(
      {.name = "burst_next_seconds", .title = "  every next message handed to notify-service", .unit = "s", .at_most = at_most(8)});
  figures.Describe({.name = "burst2_commit_seconds", .title = "  with two replicas, committed", .unit = "s"});
  figures.Describe({.name = "burst2_next_seconds", .title = "  with two replicas, handed over", .unit = "s"});
  figures.Describe({.name = "burst_kill_seconds",
                    .title = "  longer, in either, when one of the two is killed in the middle",
                    .unit = "s",
                    .at_most = at_most(10)});
  figures.Describe(
      {.name = "burst_lost", .title = "  cases whose next mentor was not asked, in all bursts", .unit = "", .at_most = at_most(0)});
  figures.Describe(
      {.name = "burst_doubled", .title = "  messages or seats of a case too many, in all bursts", .unit = "", .at_most = at_most(0)});
}

absl::Status MeasureBurst(StageOptions options, demo::Mariadb& server, const BurstOptions& burst, Figures& figures) {
  // Of all bursts: a median would hide a single one that lost something.
  int64_t lost = 0, doubled = 0;
  for (const int replicas : {1, 2}) {
    options.replicas = replicas;
    REMATCH_ASSIGN_OR_RETURN(const std::unique_ptr<Stage> stage, Stage::Start(options, &server, absl::StrCat("burst", replicas)));
    Burst bursts(*stage, burst);
    REMATCH_RETURN_IF_ERROR(bursts.SetUp());
    const std::string prefix = replicas == 1 ? "burst" : "burst2";
    bool whole = true;
    const auto run = [&](bool kill) -> absl::StatusOr<Result> {
      REMATCH_ASSIGN_OR_RETURN(const Result result, bursts.Run(kill));
      lost += result.lost;
      doubled += result.doubled;
      whole = result.lost == 0 && result.doubled == 0;
      Say(absl::StrFormat("  %d replica%s%s: committed in %.2f s, handed over in %.2f s, lost %d, doubled %d", replicas,
                          replicas == 1 ? "" : "s", kill ? ", one killed" : "", result.commit, result.next, result.lost, result.doubled));
      return result;
    };
    for (int round = 0; round < burst.rounds && whole; ++round) {
      REMATCH_ASSIGN_OR_RETURN(const Result result, run(/*kill=*/false));
      figures.Add(prefix + "_commit_seconds", result.commit);
      figures.Add(prefix + "_next_seconds", result.next);
      if (replicas == 1 || !whole) continue;
      REMATCH_ASSIGN_OR_RETURN(const Result killed, run(/*kill=*/true));
      figures.Add("burst_kill_seconds", std::max(killed.commit - result.commit, killed.next - result.next));
    }
  }
  figures.Add("burst_lost", static_cast<double>(lost));
  figures.Add("burst_doubled", static_cast<double>(doubled));
  return absl::OkStatus();
}

}  // namespace rematch::bench
