// How many statements a batch is, whatever its size: that is what makes the door fast.
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "mentor-service/rpc/reader.h"
#include "tests/mentor/mentor_kit.h"
#include "tests/platform/counting_database.h"

namespace rematch::mentor {
namespace {

// The size of a full batch; a batch of one runs on targets of its own behind them.
constexpr int kBatch = 64;

struct Case {
  std::string name;
  // The `i`th command, on targets that no other command of the batch has.
  std::function<Action(int)> action;
  // What it needs to have been done before.
  std::function<Action(int)> before = nullptr;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

std::string Id(const std::string& kind, int i) { return absl::StrCat(kind, i); }

Action Hold(int i) { return HoldSeat{.seat = Id("seat", i), .mentor = Id("m", i), .program = "p1", .candidate = Id("c", i)}; }

const std::vector<Case>& Cases() {
  static const auto* const cases = new std::vector<Case>{
      {"CreateDistrict",
       [](int i) { return CreateDistrict{{.id = Id("new", i), .display_name = "D", .representative = SomeContact("r")}}; }},
      {"UpdateDistrict",
       [](int i) {
         return UpdateDistrict{.district = {.id = Id("new", i), .display_name = "E", .representative = {}},
                               .fields = {"display_name", "lends_mentors"},
                               .etag = ""};
       },
       [](int i) { return CreateDistrict{{.id = Id("new", i), .display_name = "D", .representative = SomeContact("r")}}; }},
      {"CreateSite",
       [](int i) { return CreateSite{{.id = Id("new", i), .display_name = "S", .district = "d1", .administrator = SomeContact("a")}}; }},
      {"CreateProgram",
       [](int i) {
         return CreateProgram{{.id = Id("new", i),
                               .display_name = "P",
                               .time_zone = "America/Los_Angeles",
                               .leader = {.id = Id("lead", i), .contact = SomeContact("l"), .mentor = ""},
                               .alternate = {}}};
       }},
      {"CreateMentor",
       [](int i) {
         Mentor mentor = SomeMentor(Id("new", i));
         mentor.assigned = 0;
         return CreateMentor{mentor};
       }},
      {"UpdateMentor",
       [](int i) {
         Mentor mentor = SomeMentor(Id("m", i));
         mentor.subjects = {"Art"};
         return UpdateMentor{.mentor = mentor, .fields = {"subjects"}, .version = {}};
       }},
      {"CreateCandidate", [](int i) { return CreateCandidate{SomeCandidate(Id("new", i))}; }},
      {"AssignMentor", [](int i) { return AssignMentor{.program = "p1", .candidate = Id("c", i), .mentor = Id("m", i)}; }},
      {"HoldNextSeat",
       [](int i) {
         return HoldNextSeat{.seat = Id("seat", i), .program = "p1", .candidate = Id("c", i), .search = Ordered({Id("m", i)})};
       }},
      {"HoldSeat", Hold},
      {"ReleaseSeat", [](int i) { return ReleaseSeat{Id("seat", i)}; }, Hold},
      {"ReleaseSeatUnknown", [](int i) { return ReleaseSeat{Id("unknown", i)}; }},
      {"TransferCandidate", [](int i) { return TransferCandidate{.seat = Id("seat", i), .replaces = ""}; }, Hold},
  };
  return *cases;
}

class StatementsTest : public ::testing::Test {
 protected:
  StatementsTest() : handler_(members_, clock_, ids_) {
    EXPECT_TRUE(sql::Migrate(database_, MentorMigrations(), clock_).ok());
    database_.Count();
    Roster roster = SmallRoster();
    for (int i = 0; i <= kBatch; ++i) {
      Mentor mentor = SomeMentor(Id("m", i));
      mentor.assigned = 0;
      roster.PutMentor(mentor);
      roster.candidates.Put(SomeCandidate(Id("c", i)));
    }
    EXPECT_TRUE(
        database_.Transact([&](sql::Transaction& tx) { return store::Save(tx, AsNew(roster), {.writer = 1, .number = 1}, TestNow()); })
            .ok());
    door_ = std::make_unique<Door>(GroupCommitOptions{.threads = 0}, database_, handler_, clock_, random_);
  }

  // One batch of the commands from `first` to `end`; what was sent to the store for it.
  std::vector<std::string> Run(const std::function<Action(int)>& action, const std::string& what, int first, int end) {
    int done = 0;
    for (int i = first; i < end; ++i) {
      door_->Submit({.scope = "consortia/c1", .request_id = absl::StrCat(what, i), .body_hash = "h"},
                    {.caller = {.role = std::string(access::kService), .person = ""},
                     .method = "/rematch.mentor.v1.MentorService/HoldSeat",
                     .consortium = "c1",
                     .action = action(i)},
                    [&done](const absl::StatusOr<std::string>& reply) {
                      EXPECT_TRUE(reply.ok()) << reply.status();
                      ++done;
                    });
    }
    database_.TakeTransactions();
    EXPECT_TRUE(door_->RunOnce());
    EXPECT_EQ(done, end - first) << "in one batch";
    return database_.TakeTransaction();
  }

  platform::ManualClock clock_{TestNow()};
  platform::SeededRandom random_{7};
  platform::IdSource ids_{clock_, random_};
  testing::CountingDatabase database_{*sql::Open("sqlite::memory:")};
  store::KeptMembers members_;
  BatchHandler handler_;
  std::unique_ptr<Door> door_;
};

class Statements : public StatementsTest, public ::testing::WithParamInterface<Case> {};

TEST_P(Statements, OfAFullBatchAreAsManyAsOfABatchOfOne) {
  const Case& c = GetParam();
  if (c.before) {
    Run(c.before, "before", 0, kBatch);
    Run(c.before, "before", kBatch, kBatch + 1);
  }
  const std::vector<std::string> full = Run(c.action, "it", 0, kBatch);
  const std::vector<std::string> one = Run(c.action, "it", kBatch, kBatch + 1);
  EXPECT_GT(one.size(), 2u);
  EXPECT_EQ(full.size(), one.size()) << "of " << kBatch << ":\n" << absl::StrJoin(full, "\n") << "\nof one:\n" << absl::StrJoin(one, "\n");
  RecordProperty("statements", static_cast<int>(one.size()));
}

INSTANTIATE_TEST_SUITE_P(Of, Statements, ::testing::ValuesIn(Cases()), [](const auto& about) { return about.param.name; });

// Reads of one resource each that arrive together, by callers of every kind.
class SharedReads : public StatementsTest {
 protected:
  template <typename Response, typename Request>
  void Ask(const rpc::Caller& caller, const std::string& name) {
    Request request;
    request.set_name(name);
    const rpc::Call call{.method = rpc::MethodOf<Request>(), .caller = caller, .deadline = absl::InfiniteFuture()};
    reader_.Get(call, request,
                rpc::Done<Response>(std::make_shared<absl::AnyInvocable<void(absl::StatusOr<Response>)>>(
                    [this, name](const absl::StatusOr<Response>& found) {
                      EXPECT_TRUE(found.ok()) << found.status();
                      if (found.ok()) EXPECT_EQ(found->name(), name);
                      ++answered_;
                    })));
  }
  // Mentors and candidates from `first` to `end`, asked for by a service and by their leader.
  std::vector<std::string> ReadAll(int first, int end) {
    answered_ = 0;
    for (const rpc::Caller& caller : {rpc::Caller{.role = std::string(access::kService), .person = ""},
                                      rpc::Caller{.role = std::string(access::kProgramLeader), .person = "consortia/c1/leaders/lee"}}) {
      for (int i = first; i < end; ++i) {
        Ask<v1::Mentor, v1::GetMentorRequest>(caller, absl::StrCat("consortia/c1/mentors/m", i));
        Ask<v1::Candidate, v1::GetCandidateRequest>(caller, absl::StrCat("consortia/c1/programs/p1/candidates/c", i));
      }
      Ask<v1::Program, v1::GetProgramRequest>(caller, "consortia/c1/programs/p1");
      Ask<v1::Site, v1::GetSiteRequest>(caller, "consortia/c1/sites/s1");
      Ask<v1::District, v1::GetDistrictRequest>(caller, "consortia/c1/districts/d1");
      Ask<v1::Consortium, v1::GetConsortiumRequest>(caller, "consortia/c1");
    }
    database_.TakeReads();
    EXPECT_TRUE(reader_.RunOnce());
    EXPECT_EQ(answered_, 4 * (end - first) + 8);
    std::vector<std::vector<std::string>> reads = database_.TakeReads();
    EXPECT_EQ(reads.size(), 1u);
    return reads.empty() ? std::vector<std::string>() : std::move(reads.front());
  }

  Reader reader_{database_, members_, clock_, {.max_batch = 10'000, .threads = 0}};
  int answered_ = 0;
};

TEST_F(SharedReads, OfManyAreAsManyStatementsAsOfOne) {
  const std::vector<std::string> many = ReadAll(0, kBatch), one = ReadAll(kBatch, kBatch + 1);
  EXPECT_EQ(many.size(), one.size()) << absl::StrJoin(many, "\n");
  EXPECT_LE(one.size(), 8u) << "each table once, and the programs of mentors when those are known\n" << absl::StrJoin(one, "\n");
}

TEST_F(SharedReads, RankingsOfManyCandidatesAreAsManyStatementsAsOfOne) {
  const auto rank = [this](int first, int end) {
    answered_ = 0;
    const rpc::Call call{.method = rpc::MethodOf<v1::FindEligibleMentorsRequest>(),
                         .caller = {.role = std::string(access::kProgramLeader), .person = "consortia/c1/leaders/lee"},
                         .deadline = absl::InfiniteFuture()};
    for (int i = first; i < end; ++i) {
      v1::FindEligibleMentorsRequest request;
      request.set_candidate(absl::StrCat("consortia/c1/programs/p1/candidates/c", i));
      request.set_pool(v1::FindEligibleMentorsRequest::EVERYBODY);
      reader_.Get(call, request,
                  rpc::Done<v1::FindEligibleMentorsResponse>(
                      std::make_shared<absl::AnyInvocable<void(absl::StatusOr<v1::FindEligibleMentorsResponse>)>>(
                          [this](const absl::StatusOr<v1::FindEligibleMentorsResponse>& found) {
                            EXPECT_TRUE(found.ok()) << found.status();
                            if (found.ok()) EXPECT_GT(found->mentors_size(), 1);
                            ++answered_;
                          })));
    }
    database_.TakeReads();
    EXPECT_TRUE(reader_.RunOnce());
    EXPECT_EQ(answered_, end - first);
    std::vector<std::vector<std::string>> reads = database_.TakeReads();
    EXPECT_EQ(reads.size(), 1u);
    return reads.empty() ? std::vector<std::string>() : std::move(reads.front());
  };
  ASSERT_TRUE(store::BeginStamping(database_, TestNow() - absl::Hours(1)).ok());
  const std::vector<std::string> first = rank(0, kBatch), many = rank(0, kBatch), one = rank(kBatch, kBatch + 1);
  EXPECT_EQ(many.size(), one.size()) << absl::StrJoin(many, "\n");
  EXPECT_LE(one.size(), 4u) << "candidates and programs, sites, whether a mentor was written since\n" << absl::StrJoin(one, "\n");
  EXPECT_EQ(first.size(), one.size() + 1) << "and the members, once\n" << absl::StrJoin(first, "\n");
}

TEST_F(SharedReads, OfManyDescribedCandidatesAreAsManyStatementsAsOfOne) {
  const auto describe = [this](int first, int end) {
    v1::DescribeCandidatesRequest request;
    request.set_parent("consortia/c1");
    for (int i = first; i < end; ++i) request.add_candidates(absl::StrCat("consortia/c1/programs/p1/candidates/c", i));
    const rpc::Call call{.method = rpc::MethodOf<v1::DescribeCandidatesRequest>(),
                         .caller = {.role = std::string(access::kService), .person = ""},
                         .deadline = absl::InfiniteFuture()};
    database_.TakeReads();
    const auto described = reader_.Get(call, request);
    EXPECT_TRUE(described.ok()) << described.status();
    if (described.ok()) EXPECT_EQ(described->described_size(), end - first);
    std::vector<std::vector<std::string>> reads = database_.TakeReads();
    EXPECT_EQ(reads.size(), 1u);
    return reads.empty() ? std::vector<std::string>() : std::move(reads.front());
  };
  const std::vector<std::string> many = describe(0, kBatch), one = describe(kBatch, kBatch + 1);
  EXPECT_EQ(many.size(), one.size()) << absl::StrJoin(many, "\n");
  EXPECT_LE(one.size(), 4u) << "candidates, programs, sites, crowds\n" << absl::StrJoin(one, "\n");
}

}  // namespace
}  // namespace rematch::mentor
