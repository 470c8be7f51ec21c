#include "bench/world.h"

#include <algorithm>
#include <array>
#include <functional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "platform/errors.h"
#include "platform/rpc/channel.h"

namespace rematch::bench {
namespace {

// What people teach, so that not all needs are alike.
constexpr std::array<const char*, 4> kSubjects = {"Mathematics", "Biology", "History", "English"};

void Fill(mentor::v1::Contact& contact, const std::string& who) {
  contact.set_display_name(who);
  contact.set_email(absl::StrCat(who, "@bench.example"));
}

// Where in the import it stood: its display name ends with the number.
size_t NumberOf(const std::string& display_name) {
  size_t number = 0;
  return absl::SimpleAtoi(display_name.substr(display_name.rfind('-') + 1), &number) ? number : 0;
}

using Row = mentor::v1::ImportRosterRequest::Row;

void AddPlaces(const std::function<void(const std::function<void(Row&)>&)>& write) {
  write([](Row& row) {
    row.mutable_district()->set_id("d");
    row.mutable_district()->set_display_name("District");
    Fill(*row.mutable_district()->mutable_representative(), "representative");
  });
  write([](Row& row) {
    row.mutable_site()->set_id("s");
    row.mutable_site()->set_display_name("Site");
    row.mutable_site()->set_district_id("d");
    Fill(*row.mutable_site()->mutable_administrator(), "administrator");
  });
}

void FillProgram(Row& row, int i) {
  mentor::v1::ImportRosterRequest::ProgramRow& program = *row.mutable_program();
  program.set_id(absl::StrCat("p", i));
  program.set_display_name(absl::StrCat("Program ", i));
  program.set_time_zone("America/Los_Angeles");
  program.set_leader_id(absl::StrCat("leader", i));
  Fill(*program.mutable_leader(), absl::StrCat("leader-", i));
}

void FillMentor(Row& row, int i, int programs) {
  mentor::v1::ImportRosterRequest::MentorRow& mentor = *row.mutable_mentor();
  mentor.set_id(absl::StrCat("m", i));
  Fill(*mentor.mutable_contact(), absl::StrCat("mentor-", i));
  mentor.set_district_id("d");
  mentor.add_program_ids(absl::StrCat("p", i % programs));
  mentor.add_credentials("Single Subject");
  mentor.add_grade_bands("9-12");
  mentor.add_subjects(kSubjects[static_cast<size_t>(i / programs) % kSubjects.size()]);
  mentor.set_capacity(50);
  mentor.set_years_mentored(1 + i % 9);
}

void FillCandidate(Row& row, int i, int programs) {
  mentor::v1::ImportRosterRequest::CandidateRow& candidate = *row.mutable_candidate();
  candidate.set_id(absl::StrCat("c", i));
  candidate.set_program_id(absl::StrCat("p", i % programs));
  candidate.set_site_id("s");
  Fill(*candidate.mutable_contact(), absl::StrCat("candidate-", i));
  candidate.set_credential("Single Subject");
  candidate.set_grade_band("9-12");
  candidate.add_subjects(kSubjects[static_cast<size_t>(i / programs) % kSubjects.size()]);
  candidate.mutable_enroll_time()->set_seconds(1'756'000'000);
}

// One stream of rows: an import is one transaction, so a large world takes several.
absl::Status ImportRows(demo::Suite& suite, const Shape& shape, int first_mentor, int last_mentor, int first_candidate,
                        int last_candidate) {
  grpc::ClientContext context;
  rpc::Prepare(context, absl::Minutes(5), {"SERVICE", ""});
  mentor::v1::ImportRosterResponse response;
  auto stream = suite.stub<demo::MentorStub>().ImportRoster(&context, &response);
  mentor::v1::ImportRosterRequest message;
  message.mutable_header()->set_consortium(kConsortium);
  message.mutable_header()->set_display_name("Bench");
  message.mutable_header()->set_request_id(absl::StrCat("import-", last_mentor, "-", last_candidate));
  message.mutable_header()->set_row_count(2 + shape.programs + (last_mentor - first_mentor) + (last_candidate - first_candidate));
  stream->Write(message);
  int line = 0;
  const auto write = [&](const std::function<void(Row&)>& fill) {
    mentor::v1::ImportRosterRequest row;
    row.mutable_row()->set_file("rows");
    row.mutable_row()->set_line(++line);
    fill(*row.mutable_row());
    stream->Write(row);
  };
  AddPlaces(write);
  for (int i = 0; i < shape.programs; ++i) write([i](Row& row) { FillProgram(row, i); });
  for (int i = first_mentor; i < last_mentor; ++i) write([&](Row& row) { FillMentor(row, i, shape.programs); });
  for (int i = first_candidate; i < last_candidate; ++i) write([&](Row& row) { FillCandidate(row, i, shape.programs); });
  stream->WritesDone();
  const grpc::Status status = stream->Finish();
  if (!status.ok()) return rpc::FromGrpc(status);
  if (response.errors_size() == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(response.errors(0).field(), ": ", response.errors(0).description()));
}

}  // namespace

std::string World::Leader(size_t program) { return absl::StrCat(kConsortium, "/leaders/leader", program); }

absl::StatusOr<World> Import(demo::Suite& suite, const Shape& shape) {
  constexpr int kAtOnce = 10'000;
  const demo::Caller service = suite.Service();
  const auto read = [&](World& world) -> absl::Status {
    mentor::v1::ListMentorsRequest mentors;
    mentors.set_parent(kConsortium);
    REMATCH_ASSIGN_OR_RETURN(
        const auto all, demo::All<mentor::v1::Mentor>(
                            service, &demo::MentorStub::ListMentors, mentors, [](const auto& page) -> auto& { return page.mentors(); }));
    world.mentors.resize(all.size());
    for (const mentor::v1::Mentor& mentor : all) world.mentors[NumberOf(mentor.contact().display_name())] = mentor.name();
    std::vector<std::pair<size_t, std::string>> candidates;
    for (const std::string& program : world.programs) {
      mentor::v1::ListCandidatesRequest request;
      request.set_parent(program);
      REMATCH_ASSIGN_OR_RETURN(const auto found, demo::All<mentor::v1::Candidate>(
                                                     service, &demo::MentorStub::ListCandidates, request,
                                                     [](const auto& page) -> auto& { return page.candidates(); }));
      for (const mentor::v1::Candidate& candidate : found) {
        candidates.emplace_back(NumberOf(candidate.contact().display_name()), candidate.name());
      }
    }
    world.candidates.resize(candidates.size());
    for (auto& [number, name] : candidates) world.candidates[number] = std::move(name);
    return absl::OkStatus();
  };

  World world;
  for (int i = 0; i < shape.programs; ++i) world.programs.push_back(absl::StrCat(kConsortium, "/programs/p", i));
  mentor::v1::ListConsortiaRequest consortia;
  REMATCH_ASSIGN_OR_RETURN(const auto known, service.Call(&demo::MentorStub::ListConsortia, consortia));
  if (known.consortia_size() > 0) {
    REMATCH_RETURN_IF_ERROR(read(world));
  }
  int mentors = static_cast<int>(world.mentors.size()), candidates = static_cast<int>(world.candidates.size());
  while (mentors < shape.mentors || candidates < shape.candidates) {
    const int to_mentor = std::max(mentors, std::min(shape.mentors, mentors + kAtOnce));
    const int to_candidate = std::max(candidates, std::min(shape.candidates, candidates + kAtOnce - (to_mentor - mentors)));
    REMATCH_RETURN_IF_ERROR(ImportRows(suite, shape, mentors, to_mentor, candidates, to_candidate));
    mentors = to_mentor;
    candidates = to_candidate;
  }
  REMATCH_RETURN_IF_ERROR(read(world));
  return world;
}

}  // namespace rematch::bench
