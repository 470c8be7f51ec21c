#include "mentor-service/rpc/reader.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "access/access.h"
#include "mentor-service/domain/commands.h"
#include "mentor-service/domain/fields.h"
#include "mentor-service/rpc/convert.h"
#include "mentor-service/rpc/ownership.h"
#include "mentor-service/store/store.h"
#include "platform/timestamps.h"
#include "platform/validation.h"

namespace rematch::mentor {
namespace {

constexpr int kMaxK = 100;
constexpr int kDefaultK = 3;
constexpr int kMaxDescribed = 64;
constexpr int kFeedPage = 500;

// One read of the store whose result leaves by value.
template <typename T>
absl::StatusOr<T> Read(sql::Database& database, absl::FunctionRef<absl::StatusOr<T>(sql::Transaction&)> body) {
  absl::StatusOr<T> result = absl::UnknownError("not read");
  const absl::Status status = database.Read([&](sql::Transaction& tx) -> absl::Status {
    result = body(tx);
    return result.status();
  });
  if (!status.ok()) return status;
  return result;
}

std::vector<const Program*> Pointers(const Table<Program>& programs) {
  std::vector<const Program*> pointers;
  for (const auto& [id, row] : programs.rows()) pointers.push_back(&row.value);
  return pointers;
}
std::vector<const Program*> Pointers(const std::vector<Program>& programs) {
  std::vector<const Program*> pointers;
  for (const Program& program : programs) pointers.push_back(&program);
  return pointers;
}

// Whether the consortium, or at least one of its programs, is the caller's.
absl::StatusOr<bool> OwnsConsortium(sql::Transaction& tx, const Ownership& ownership, const std::string& consortium) {
  if (ownership.OwnsConsortium()) return true;
  REMATCH_ASSIGN_OR_RETURN(const std::vector<Program> programs, store::GetPrograms(tx, consortium, std::nullopt));
  return ownership.OwnsAny(Pointers(programs));
}

// Consortium, then whether it is there and this caller's.
absl::Status CheckConsortium(sql::Transaction& tx, const Ownership& ownership, const std::string& consortium) {
  REMATCH_ASSIGN_OR_RETURN(const std::optional<Consortium> found, store::GetConsortium(tx, consortium));
  REMATCH_ASSIGN_OR_RETURN(const bool owns, OwnsConsortium(tx, ownership, consortium));
  return found.has_value() && owns ? absl::OkStatus() : NoConsortium();
}

// The program if it is there and this caller's, else `missing`.
absl::StatusOr<Program> TheProgram(sql::Transaction& tx, const Ownership& ownership, const std::string& consortium, const std::string& id,
                                   const absl::Status& missing) {
  REMATCH_ASSIGN_OR_RETURN(std::optional<Program> program, store::GetProgram(tx, consortium, id));
  if (!program.has_value() || !ownership.OwnsProgram(*program)) return missing;
  return *std::move(program);
}

absl::StatusOr<Candidate> TheCandidate(sql::Transaction& tx, const Ownership& ownership, const std::string& consortium,
                                       const NamesIn::CandidateId& id) {
  REMATCH_ASSIGN_OR_RETURN(std::optional<Candidate> candidate, store::GetCandidate(tx, consortium, id.candidate));
  if (!candidate.has_value() || candidate->program != id.program) return NoCandidate();
  if (ownership.Unrestricted()) return *std::move(candidate);
  REMATCH_ASSIGN_OR_RETURN(const std::optional<Program> program, store::GetProgram(tx, consortium, id.program));
  if (!program.has_value() || !ownership.OwnsCandidate(*candidate, *program)) return NoCandidate();
  return *std::move(candidate);
}

absl::StatusOr<Mentor> TheMentor(sql::Transaction& tx, const Ownership& ownership, const std::string& consortium, const std::string& id) {
  REMATCH_ASSIGN_OR_RETURN(std::optional<Mentor> mentor, store::GetMentor(tx, consortium, id));
  if (!mentor.has_value()) return NoMentor();
  if (ownership.Unrestricted()) return *std::move(mentor);
  REMATCH_ASSIGN_OR_RETURN(const std::vector<Program> programs, store::GetPrograms(tx, consortium, mentor->programs));
  if (!ownership.OwnsMentor(*mentor, Pointers(programs))) return NoMentor();
  return *std::move(mentor);
}

// The programs whose rows this caller may see; unset: all.
absl::StatusOr<std::optional<std::vector<std::string>>> VisiblePrograms(sql::Transaction& tx, const Ownership& ownership,
                                                                        const std::string& consortium) {
  if (ownership.Unrestricted()) return std::optional<std::vector<std::string>>();
  REMATCH_ASSIGN_OR_RETURN(const std::vector<Program> programs, store::GetPrograms(tx, consortium, std::nullopt));
  std::vector<std::string> visible;
  for (const Program& program : programs) {
    if (ownership.OwnsProgram(program)) visible.push_back(program.id);
  }
  return std::optional(std::move(visible));
}

// A list is asked for one row more than the page holds, which says whether there is another page.
struct Page {
  std::string question;
  int size = 0;
  std::vector<std::string> position;
};

// The token stands for the question, so another method or another parent refuses it.
Page ParsePage(Violations& bad, const rpc::Call& call, const std::string& question, int32_t page_size, const std::string& token,
               size_t values) {
  Page page{.question = absl::StrCat(std::string(call.method), "\n", question), .size = CheckPageSize(bad, page_size), .position = {}};
  absl::StatusOr<std::vector<std::string>> position = ReadPageToken(page.question, token, values);
  int64_t micros = 0;
  if (!position.ok() || (values == 2 && !position->empty() && !absl::SimpleAtoi((*position)[0], &micros))) {
    bad.Add("page_token", "must come from the page before, with the same question");
  } else {
    page.position = *std::move(position);
  }
  return page;
}
store::AfterId AfterIdOf(const Page& page) { return {page.position.empty() ? "" : page.position[0]}; }
store::AfterTime AfterTimeOf(const Page& page) {
  store::AfterTime after;
  if (page.position.empty()) return after;
  // A number: ParsePage() has seen to it.
  if (!absl::SimpleAtoi(page.position[0], &after.micros)) return {};
  after.id = page.position[1];
  return after;
}

// Moves the rows of a page into the answer; the token of the next page is made of the last row's position.
template <typename Row, typename Add, typename PositionOf>
std::string FillPage(const Page& page, const std::vector<Row>& rows, Add add, PositionOf position_of) {
  const size_t count = std::min(rows.size(), static_cast<size_t>(page.size));
  for (size_t i = 0; i < count; ++i) add(rows[i]);
  return rows.size() > count ? MakePageToken(page.question, position_of(rows[count - 1])) : "";
}
template <typename Row>
std::vector<std::string> IdPosition(const Row& row) {
  return {row.id};
}
std::vector<std::string> TimePosition(absl::Time time, const std::string& id) { return {absl::StrCat(sql::ToMicros(time)), id}; }

int CheckK(Violations& bad, int32_t k) {
  CheckRange(bad, "k", k, 0, kMaxK);
  return k == 0 ? kDefaultK : k;
}

struct DescribedNeed {
  Need need;
  Need coarse;
};

// The needs of these candidates, in order.
absl::StatusOr<std::vector<DescribedNeed>> DescribeNeeds(sql::Transaction& tx, const std::string& consortium,
                                                         const std::vector<const Candidate*>& candidates, int k) {
  Wants wants;
  for (const Candidate* candidate : candidates) wants.sites.insert(candidate->site);
  Roster roster;
  roster.consortium_id = consortium;
  REMATCH_RETURN_IF_ERROR(store::Find(tx, wants, roster));
  std::set<std::string> ids;
  for (const Candidate* candidate : candidates) ids.insert(candidate->id);
  REMATCH_ASSIGN_OR_RETURN(const auto crowds, store::FindCrowds(tx, consortium, ids, k));
  std::vector<DescribedNeed> described;
  for (const Candidate* candidate : candidates) {
    Need need = NeedOf(roster, *candidate);
    const auto crowd = crowds.find(candidate->id);
    Need coarse = Coarsen(need, crowd == crowds.end() ? Crowd() : crowd->second);
    described.push_back({.need = std::move(need), .coarse = std::move(coarse)});
  }
  return described;
}

// Whether some of the members are of another district than this one.
bool HasOthers(const Members& members, std::string_view district) {
  return std::any_of(members.districts().begin(), members.districts().end(),
                     [&](const std::string& theirs) { return !theirs.empty() && !district.empty() && theirs != district; });
}

// The best `most` of a ranking.
v1::FindEligibleMentorsResponse Respond(const std::string& consortium, const Ranking& ranking, size_t most, bool basic) {
  v1::FindEligibleMentorsResponse response;
  response.set_can_be_asked(static_cast<int32_t>(ranking.can_be_asked()));
  const size_t count = std::min(most, ranking.size());
  response.mutable_mentors()->Reserve(static_cast<int>(count));
  Ranked ranked;
  for (size_t i = 0; i < count; ++i) {
    ranking.Describe(i, basic ? Ranking::Words::kNone : Ranking::Words::kExplanation, ranked);
    v1::RankedMentor& mentor = *response.add_mentors();
    if (basic) {
      SetBasics(consortium, ranked, mentor);
    } else {
      SetRanked(consortium, ranked, mentor);
    }
  }
  return response;
}

std::string ParentConsortium(Violations& bad, const std::string& parent) { return CheckName(bad, "parent", parent, "consortia/*")[0]; }

}  // namespace

absl::Status Reader::LookUp(sql::Transaction& tx, absl::Span<Lookup* const> batch) {
  struct Open {
    Roster found;
    std::vector<Lookup*> lookups;
  };
  std::map<std::string, Open> consortia;
  for (Lookup* lookup : batch) {
    Open& open = consortia[lookup->consortium];
    open.found.consortium_id = lookup->consortium;
    open.lookups.push_back(lookup);
  }
  for (int round = 0; !consortia.empty(); ++round) {
    for (auto it = consortia.begin(); it != consortia.end();) {
      const std::string& consortium = it->first;
      Open& open = it->second;
      Wants wants;
      std::erase_if(open.lookups, [&](Lookup* lookup) { return lookup->look(round, open.found, wants); });
      if (open.lookups.empty()) {
        it = consortia.erase(it);
        continue;
      }
      REMATCH_RETURN_IF_ERROR(store::Find(tx, wants, open.found));
      if (!wants.pools.empty()) {
        REMATCH_ASSIGN_OR_RETURN(open.found.pools, members_.Read(tx, consortium, wants.pools, clock_.Now()));
      }
      ++it;
    }
  }
  return absl::OkStatus();
}

template <typename Response>
void Reader::Submit(GroupRead<Lookup>& reads, const rpc::Call& call, std::string consortium, Look<Response> look,
                    const rpc::Done<Response>& done) {
  auto result = std::make_shared<absl::StatusOr<Response>>(absl::UnknownError("not read"));
  Lookup lookup{.consortium = std::move(consortium),
                .look = [result, look = std::move(look)](int round, const Roster& found, Wants& wants) {
                  std::optional<absl::StatusOr<Response>> answer = look(round, found, wants);
                  if (!answer.has_value()) return false;
                  *result = *std::move(answer);
                  return true;
                }};
  reads.Submit(call.deadline, std::move(lookup), [result, done](const absl::Status& status, const Lookup&) {
    if (!status.ok()) return done(status);
    done(std::move(*result));
  });
}

template <typename Response, typename Find>
void Reader::GetOfConsortium(const rpc::Call& call, const std::string& consortium, const Wants& wants, Find find,
                             const absl::Status& missing, const rpc::Done<Response>& done) {
  const bool any = Ownership(call.caller, call.method, consortium).OwnsConsortium();
  const auto look = [=](int round, const Roster& read, Wants& more) -> std::optional<absl::StatusOr<Response>> {
    if (round == 0) {
      more.Add(wants);
      more.every_program = more.every_program || !any;
      return std::nullopt;
    }
    const auto* found = find(read);
    const bool owns = any || Ownership(call.caller, call.method, consortium).OwnsAny(Pointers(read.programs));
    if (found == nullptr || !owns) return missing;
    return ToProto(consortium, *found);
  };
  Submit<Response>(together_, call, consortium, look, done);
}

void Reader::Get(const rpc::Call& call, const v1::GetConsortiumRequest& request, const rpc::Done<v1::Consortium>& done) {
  Violations bad;
  const std::string consortium = CheckName(bad, "name", request.name(), "consortia/*")[0];
  if (!bad.empty()) return done(bad.ToStatus());
  GetOfConsortium(
      call, consortium, {.consortium = true}, [consortium](const Roster& roster) { return roster.consortium.Find(consortium); },
      NoConsortium(), done);
}

void Reader::Get(const rpc::Call& call, const v1::GetDistrictRequest& request, const rpc::Done<v1::District>& done) {
  Violations bad;
  NamesIn names(bad);
  const std::string id = names.Id("name", request.name(), "districts");
  if (!bad.empty()) return done(bad.ToStatus());
  GetOfConsortium(
      call, names.consortium(), {.districts = {id}}, [id](const Roster& roster) { return roster.districts.Find(id); }, NoDistrict(), done);
}

void Reader::Get(const rpc::Call& call, const v1::GetSiteRequest& request, const rpc::Done<v1::Site>& done) {
  Violations bad;
  NamesIn names(bad);
  const std::string id = names.Id("name", request.name(), "sites");
  if (!bad.empty()) return done(bad.ToStatus());
  GetOfConsortium(
      call, names.consortium(), {.sites = {id}}, [id](const Roster& roster) { return roster.sites.Find(id); }, NoSite(), done);
}

void Reader::Get(const rpc::Call& call, const v1::GetProgramRequest& request, const rpc::Done<v1::Program>& done) {
  Violations bad;
  NamesIn names(bad);
  const std::string id = names.Id("name", request.name(), "programs");
  if (!bad.empty()) return done(bad.ToStatus());
  const auto look = [call, consortium = names.consortium(), id](int round, const Roster& found,
                                                                Wants& wants) -> std::optional<absl::StatusOr<v1::Program>> {
    if (round == 0) {
      wants.programs.insert(id);
      return std::nullopt;
    }
    const Program* program = found.programs.Find(id);
    if (program == nullptr || !Ownership(call.caller, call.method, consortium).OwnsProgram(*program)) return NoProgram();
    return ToProto(consortium, *program);
  };
  Submit<v1::Program>(together_, call, names.consortium(), look, done);
}

void Reader::Get(const rpc::Call& call, const v1::GetMentorRequest& request, const rpc::Done<v1::Mentor>& done) {
  Violations bad;
  NamesIn names(bad);
  const std::string id = names.Id("name", request.name(), "mentors");
  if (!bad.empty()) return done(bad.ToStatus());
  const auto look = [call, consortium = names.consortium(), id](int round, const Roster& found,
                                                                Wants& wants) -> std::optional<absl::StatusOr<v1::Mentor>> {
    if (round == 0) {
      wants.mentors.insert(id);
      return std::nullopt;
    }
    const Mentor* mentor = found.mentors.Find(id);
    if (mentor == nullptr) return NoMentor();
    const Ownership ownership(call.caller, call.method, consortium);
    if (ownership.Unrestricted()) return ToProto(consortium, *mentor);
    if (round == 1) {
      wants.programs.insert(mentor->programs.begin(), mentor->programs.end());
      return std::nullopt;
    }
    if (!ownership.OwnsMentor(*mentor, Pointers(found.programs))) return NoMentor();
    return ToProto(consortium, *mentor);
  };
  Submit<v1::Mentor>(together_, call, names.consortium(), look, done);
}

void Reader::Get(const rpc::Call& call, const v1::GetCandidateRequest& request, const rpc::Done<v1::Candidate>& done) {
  Violations bad;
  NamesIn names(bad);
  const NamesIn::CandidateId id = names.Candidate("name", request.name());
  if (!bad.empty()) return done(bad.ToStatus());
  const auto look = [call, consortium = names.consortium(), id](int round, const Roster& found,
                                                                Wants& wants) -> std::optional<absl::StatusOr<v1::Candidate>> {
    const Ownership ownership(call.caller, call.method, consortium);
    if (round == 0) {
      wants.candidates.insert(id.candidate);
      if (!ownership.Unrestricted()) wants.programs.insert(id.program);
      return std::nullopt;
    }
    const Candidate* candidate = found.candidates.Find(id.candidate);
    if (candidate == nullptr || candidate->program != id.program) return NoCandidate();
    const Program* program = found.programs.Find(id.program);
    if (!ownership.Unrestricted() && (program == nullptr || !ownership.OwnsCandidate(*candidate, *program))) return NoCandidate();
    return ToProto(consortium, *candidate);
  };
  Submit<v1::Candidate>(together_, call, names.consortium(), look, done);
}

void Reader::Get(const rpc::Call& call, const v1::FindEligibleMentorsRequest& request,
                 const rpc::Done<v1::FindEligibleMentorsResponse>& done) {
  Violations bad;
  NamesIn names(bad);
  const NamesIn::CandidateId id = names.Candidate("candidate", request.candidate());
  Search search = ParseSearch(bad, names, request);
  switch (request.pool()) {
    case v1::FindEligibleMentorsRequest::INDIVIDUAL:
      search.pool = Pool::kIndividual;
      break;
    case v1::FindEligibleMentorsRequest::EVERYBODY:
      search.pool = Pool::kEverybody;
      if (!search.tiers.empty()) bad.Add("tiers", "must be empty for EVERYBODY");
      break;
    default:
      bad.Add("pool", "must be INDIVIDUAL or EVERYBODY");
  }
  const absl::Time day = request.has_rank_time() ? ParseDay(bad, request.rank_time()) : clock_.Now();
  if (request.max_results() < 0) bad.Add("max_results", "must not be negative");
  if (!v1::FindEligibleMentorsRequest::View_IsValid(request.view())) bad.Add("view", "must be FULL or BASIC");
  if (!bad.empty()) return done(bad.ToStatus());
  const size_t most = request.max_results() > 0 ? static_cast<size_t>(request.max_results()) : kAll;
  const bool basic = request.view() == v1::FindEligibleMentorsRequest::BASIC;
  const auto look = [call, consortium = names.consortium(), id, search = std::move(search), day, most, basic](
                        int round, const Roster& found, Wants& wants) -> std::optional<absl::StatusOr<v1::FindEligibleMentorsResponse>> {
    if (round == 0) {
      wants.candidates.insert(id.candidate);
      wants.programs.insert(id.program);
      return std::nullopt;
    }
    const Candidate* candidate = FindCandidate(found, id.program, id.candidate);
    const Program* program = found.programs.Find(id.program);
    if (candidate == nullptr || program == nullptr) return NoCandidate();
    const Ownership ownership(call.caller, call.method, consortium);
    if (!ownership.Unrestricted() && !ownership.OwnsCandidate(*candidate, *program)) return NoCandidate();
    if (round == 1) {
      wants.sites.insert(candidate->site);
      wants.pools.insert(id.program);
      return std::nullopt;
    }
    const Members& members = found.PoolOf(id.program);
    if (round == 2 && HasOthers(members, DistrictOf(found, *candidate))) {
      wants.districts = members.districts();
      wants.districts.insert(std::string(DistrictOf(found, *candidate)));
      return std::nullopt;
    }
    return Respond(consortium, Ranking(found, *program, *candidate, search, day, most), most, basic);
  };
  Submit<v1::FindEligibleMentorsResponse>(rankings_, call, names.consortium(), look, done);
}

absl::StatusOr<v1::ListConsortiaResponse> Reader::Get(const rpc::Call& call, const v1::ListConsortiaRequest& request) {
  Violations bad;
  const Page page = ParsePage(bad, call, "", request.page_size(), request.page_token(), 1);
  if (!bad.empty()) return bad.ToStatus();
  return Read<v1::ListConsortiaResponse>(database_, [&](sql::Transaction& tx) -> absl::StatusOr<v1::ListConsortiaResponse> {
    v1::ListConsortiaResponse response;
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Consortium> rows, store::ListConsortia(tx, AfterIdOf(page), page.size + 1));
    std::vector<Consortium> shown;
    // A page may be short: what is another's is left out of it.
    response.set_next_page_token(FillPage(
        page, rows, [&](const Consortium& row) { shown.push_back(row); }, IdPosition<Consortium>));
    for (const Consortium& row : shown) {
      REMATCH_ASSIGN_OR_RETURN(const bool owns, OwnsConsortium(tx, Ownership(call.caller, call.method, row.id), row.id));
      if (owns) *response.add_consortia() = ToProto(row.id, row);
    }
    return response;
  });
}

absl::StatusOr<v1::ListDistrictsResponse> Reader::Get(const rpc::Call& call, const v1::ListDistrictsRequest& request) {
  Violations bad;
  const std::string consortium = ParentConsortium(bad, request.parent());
  const Page page = ParsePage(bad, call, request.parent(), request.page_size(), request.page_token(), 1);
  if (!bad.empty()) return bad.ToStatus();
  return Read<v1::ListDistrictsResponse>(database_, [&](sql::Transaction& tx) -> absl::StatusOr<v1::ListDistrictsResponse> {
    REMATCH_RETURN_IF_ERROR(CheckConsortium(tx, Ownership(call.caller, call.method, consortium), consortium));
    v1::ListDistrictsResponse response;
    REMATCH_ASSIGN_OR_RETURN(const std::vector<District> rows, store::ListDistricts(tx, consortium, AfterIdOf(page), page.size + 1));
    response.set_next_page_token(FillPage(
        page, rows, [&](const District& row) { *response.add_districts() = ToProto(consortium, row); }, IdPosition<District>));
    return response;
  });
}

absl::StatusOr<v1::ListSitesResponse> Reader::Get(const rpc::Call& call, const v1::ListSitesRequest& request) {
  Violations bad;
  const std::string consortium = ParentConsortium(bad, request.parent());
  const Page page = ParsePage(bad, call, request.parent(), request.page_size(), request.page_token(), 1);
  if (!bad.empty()) return bad.ToStatus();
  return Read<v1::ListSitesResponse>(database_, [&](sql::Transaction& tx) -> absl::StatusOr<v1::ListSitesResponse> {
    REMATCH_RETURN_IF_ERROR(CheckConsortium(tx, Ownership(call.caller, call.method, consortium), consortium));
    v1::ListSitesResponse response;
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Site> rows, store::ListSites(tx, consortium, AfterIdOf(page), page.size + 1));
    response.set_next_page_token(FillPage(
        page, rows, [&](const Site& row) { *response.add_sites() = ToProto(consortium, row); }, IdPosition<Site>));
    return response;
  });
}

absl::StatusOr<v1::ListProgramsResponse> Reader::Get(const rpc::Call& call, const v1::ListProgramsRequest& request) {
  Violations bad;
  const std::string consortium = ParentConsortium(bad, request.parent());
  const Page page = ParsePage(bad, call, request.parent(), request.page_size(), request.page_token(), 1);
  if (!bad.empty()) return bad.ToStatus();
  return Read<v1::ListProgramsResponse>(database_, [&](sql::Transaction& tx) -> absl::StatusOr<v1::ListProgramsResponse> {
    const Ownership ownership(call.caller, call.method, consortium);
    REMATCH_RETURN_IF_ERROR(CheckConsortium(tx, ownership, consortium));
    v1::ListProgramsResponse response;
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Program> rows, store::ListPrograms(tx, consortium, AfterIdOf(page), page.size + 1));
    response.set_next_page_token(FillPage(
        page, rows,
        [&](const Program& row) {
          if (ownership.OwnsProgram(row)) *response.add_programs() = ToProto(consortium, row);
        },
        IdPosition<Program>));
    return response;
  });
}

absl::StatusOr<v1::ListMentorsResponse> Reader::Get(const rpc::Call& call, const v1::ListMentorsRequest& request) {
  Violations bad;
  const std::string consortium = ParentConsortium(bad, request.parent());
  NamesIn names(bad, consortium);
  const std::string program = names.OptionalId("program", request.program(), "programs");
  const Ownership ownership(call.caller, call.method, consortium);
  if (request.program().empty() && !ownership.Unrestricted()) bad.Add("program", "must name one of your programs");
  const Page page = ParsePage(bad, call, request.parent() + "\n" + request.program(), request.page_size(), request.page_token(), 2);
  if (!bad.empty()) return bad.ToStatus();
  return Read<v1::ListMentorsResponse>(database_, [&](sql::Transaction& tx) -> absl::StatusOr<v1::ListMentorsResponse> {
    if (program.empty()) {
      REMATCH_RETURN_IF_ERROR(CheckConsortium(tx, ownership, consortium));
    } else {
      REMATCH_RETURN_IF_ERROR(TheProgram(tx, ownership, consortium, program, NoProgram()).status());
    }
    v1::ListMentorsResponse response;
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Mentor> rows, store::ListMentors(tx, consortium, program, AfterTimeOf(page), page.size + 1));
    response.set_next_page_token(FillPage(
        page, rows, [&](const Mentor& row) { *response.add_mentors() = ToProto(consortium, row); },
        [](const Mentor& row) { return TimePosition(row.joined, row.id); }));
    return response;
  });
}

absl::StatusOr<v1::ListCandidatesResponse> Reader::Get(const rpc::Call& call, const v1::ListCandidatesRequest& request) {
  Violations bad;
  NamesIn names(bad);
  const std::string program = names.Id("parent", request.parent(), "programs");
  const Page page =
      ParsePage(bad, call, absl::StrCat(request.parent(), "\n", request.without_mentor()), request.page_size(), request.page_token(), 2);
  if (!bad.empty()) return bad.ToStatus();
  return Read<v1::ListCandidatesResponse>(database_, [&](sql::Transaction& tx) -> absl::StatusOr<v1::ListCandidatesResponse> {
    const Ownership ownership(call.caller, call.method, names.consortium());
    REMATCH_RETURN_IF_ERROR(TheProgram(tx, ownership, names.consortium(), program, NoProgram()).status());
    v1::ListCandidatesResponse response;
    REMATCH_ASSIGN_OR_RETURN(
        const std::vector<Candidate> rows,
        store::ListCandidates(tx, names.consortium(), program, request.without_mentor(), AfterTimeOf(page), page.size + 1));
    response.set_next_page_token(FillPage(
        page, rows, [&](const Candidate& row) { *response.add_candidates() = ToProto(names.consortium(), row); },
        [](const Candidate& row) { return TimePosition(row.joined, row.id); }));
    return response;
  });
}

absl::StatusOr<v1::ListAssignmentsResponse> Reader::Get(const rpc::Call& call, const v1::ListAssignmentsRequest& request) {
  Violations bad;
  const std::string consortium = ParentConsortium(bad, request.parent());
  NamesIn names(bad, consortium);
  NamesIn::CandidateId candidate;
  if (!request.candidate().empty()) candidate = names.Candidate("candidate", request.candidate());
  const std::string mentor = names.OptionalId("mentor", request.mentor(), "mentors");
  if (!request.candidate().empty() && !request.mentor().empty()) bad.Add("mentor", "must be empty when a candidate is given");
  const Page page = ParsePage(bad, call, absl::StrCat(request.parent(), "\n", request.candidate(), "\n", request.mentor()),
                              request.page_size(), request.page_token(), 2);
  if (!bad.empty()) return bad.ToStatus();
  return Read<v1::ListAssignmentsResponse>(database_, [&](sql::Transaction& tx) -> absl::StatusOr<v1::ListAssignmentsResponse> {
    const Ownership ownership(call.caller, call.method, consortium);
    store::AssignmentFilter filter{.candidate = candidate.candidate, .mentor = mentor, .programs = std::nullopt};
    if (!candidate.candidate.empty()) {
      REMATCH_RETURN_IF_ERROR(TheCandidate(tx, ownership, consortium, candidate).status());
    } else if (!mentor.empty()) {
      REMATCH_RETURN_IF_ERROR(TheMentor(tx, ownership, consortium, mentor).status());
    } else {
      REMATCH_RETURN_IF_ERROR(CheckConsortium(tx, ownership, consortium));
    }
    // A leader sees a mentor who is shared, and of their history what belongs to the leader's own programs.
    REMATCH_ASSIGN_OR_RETURN(filter.programs, VisiblePrograms(tx, ownership, consortium));
    v1::ListAssignmentsResponse response;
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Assignment> rows,
                             store::ListAssignments(tx, consortium, filter, AfterTimeOf(page), page.size + 1));
    response.set_next_page_token(FillPage(
        page, rows, [&](const Assignment& row) { *response.add_assignments() = ToProto(consortium, row); },
        [](const Assignment& row) { return TimePosition(row.begin, row.id); }));
    return response;
  });
}

absl::StatusOr<v1::ListSeatsResponse> Reader::Get(const rpc::Call& call, const v1::ListSeatsRequest& request) {
  Violations bad;
  const std::string consortium = ParentConsortium(bad, request.parent());
  if (!v1::Seat::State_IsValid(request.state())) bad.Add("state", "must be a state of a seat");
  const Page page = ParsePage(bad, call, absl::StrCat(request.parent(), "\n", static_cast<int>(request.state())), request.page_size(),
                              request.page_token(), 1);
  if (!bad.empty()) return bad.ToStatus();
  return Read<v1::ListSeatsResponse>(database_, [&](sql::Transaction& tx) -> absl::StatusOr<v1::ListSeatsResponse> {
    const Ownership ownership(call.caller, call.method, consortium);
    REMATCH_RETURN_IF_ERROR(CheckConsortium(tx, ownership, consortium));
    REMATCH_ASSIGN_OR_RETURN(const auto programs, VisiblePrograms(tx, ownership, consortium));
    std::optional<Seat::State> state;
    if (request.state() != v1::Seat::STATE_UNSPECIFIED) state = static_cast<Seat::State>(request.state());
    v1::ListSeatsResponse response;
    REMATCH_ASSIGN_OR_RETURN(const std::vector<Seat> rows,
                             store::ListSeats(tx, consortium, state, programs, AfterIdOf(page), page.size + 1));
    response.set_next_page_token(FillPage(
        page, rows, [&](const Seat& row) { *response.add_seats() = ToProto(consortium, row); }, IdPosition<Seat>));
    return response;
  });
}

absl::StatusOr<std::vector<v1::RosterChange>> Reader::Changes(const rpc::Call& call, const v1::WatchRosterRequest& request, int64_t after,
                                                              bool* more) {
  Violations bad;
  const bool all = request.parent() == "consortia/-";
  const std::string consortium = all ? "" : ParentConsortium(bad, request.parent());
  if (request.after_position() < 0) bad.Add("after_position", "must not be negative");
  if (!bad.empty()) return bad.ToStatus();
  if (!Ownership(call.caller, call.method, consortium).Unrestricted()) return access::NotAllowed();
  return Read<std::vector<v1::RosterChange>>(database_, [&](sql::Transaction& tx) -> absl::StatusOr<std::vector<v1::RosterChange>> {
    REMATCH_ASSIGN_OR_RETURN(const std::vector<store::FeedRow> rows, store::ListChanges(tx, consortium, after, kFeedPage));
    *more = rows.size() == static_cast<size_t>(kFeedPage);
    std::vector<v1::RosterChange> changes;
    changes.reserve(rows.size());
    for (const store::FeedRow& row : rows) {
      v1::RosterChange& change = changes.emplace_back(ToProto(row.consortium, row.change));
      change.set_position(row.position);
      *change.mutable_time() = platform::ToTimestamp(row.time);
    }
    return changes;
  });
}

absl::StatusOr<v1::DescribeNeedResponse> Reader::Get(const rpc::Call& call, const v1::DescribeNeedRequest& request) {
  Violations bad;
  NamesIn names(bad);
  const NamesIn::CandidateId id = names.Candidate("candidate", request.candidate());
  const int k = CheckK(bad, request.k());
  if (!bad.empty()) return bad.ToStatus();
  return Read<v1::DescribeNeedResponse>(database_, [&](sql::Transaction& tx) -> absl::StatusOr<v1::DescribeNeedResponse> {
    const Ownership ownership(call.caller, call.method, names.consortium());
    REMATCH_ASSIGN_OR_RETURN(const Candidate candidate, TheCandidate(tx, ownership, names.consortium(), id));
    REMATCH_ASSIGN_OR_RETURN(const std::vector<DescribedNeed> described, DescribeNeeds(tx, names.consortium(), {&candidate}, k));
    v1::DescribeNeedResponse response;
    *response.mutable_need() = ToProto(names.consortium(), described[0].need);
    *response.mutable_coarse_need() = ToProto(names.consortium(), described[0].coarse);
    return response;
  });
}

// For services alone, by the table of access: nothing depends on who calls.
absl::StatusOr<v1::DescribeCandidatesResponse> Reader::Get(const rpc::Call&, const v1::DescribeCandidatesRequest& request) {
  Violations bad;
  NamesIn names(bad, ParentConsortium(bad, request.parent()));
  if (request.candidates_size() < 1 || request.candidates_size() > kMaxDescribed) {
    bad.Add("candidates", absl::StrCat("must have 1 to ", kMaxDescribed, " values"));
  }
  // Candidate and program: an id may be asked for under a program that is not theirs, beside the right one.
  std::set<std::pair<std::string, std::string>> asked;
  for (int i = 0; i < std::min(request.candidates_size(), kMaxDescribed); ++i) {
    const std::string field = absl::StrCat("candidates[", i, "]");
    NamesIn::CandidateId id = names.Candidate(field, request.candidates(i));
    if (!asked.emplace(std::move(id.candidate), std::move(id.program)).second) bad.Add(field, "must not repeat another value");
  }
  const int k = CheckK(bad, request.k());
  if (!bad.empty()) return bad.ToStatus();
  const std::string& consortium = names.consortium();
  return Read<v1::DescribeCandidatesResponse>(database_, [&](sql::Transaction& tx) -> absl::StatusOr<v1::DescribeCandidatesResponse> {
    Wants wants;
    for (const auto& [candidate, program] : asked) {
      wants.candidates.insert(candidate);
      wants.programs.insert(program);
    }
    Roster roster;
    roster.consortium_id = consortium;
    REMATCH_RETURN_IF_ERROR(store::Find(tx, wants, roster));
    std::vector<const Candidate*> found;
    for (const auto& [id, program] : asked) {
      const Candidate* candidate = roster.candidates.Find(id);
      if (candidate != nullptr && candidate->program == program) found.push_back(candidate);
    }
    REMATCH_ASSIGN_OR_RETURN(const std::vector<DescribedNeed> needs, DescribeNeeds(tx, consortium, found, k));
    v1::DescribeCandidatesResponse response;
    for (size_t i = 0; i < found.size(); ++i) {
      v1::DescribeCandidatesResponse::Described& described = *response.add_described();
      *described.mutable_candidate() = ToProto(consortium, *found[i]);
      *described.mutable_need() = ToProto(consortium, needs[i].need);
      *described.mutable_coarse_need() = ToProto(consortium, needs[i].coarse);
    }
    for (const auto& [id, row] : roster.programs.rows()) *response.add_programs() = ToProto(consortium, row.value);
    return response;
  });
}

}  // namespace rematch::mentor
