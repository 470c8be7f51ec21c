#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <tuple>

#include "cli/commands.h"
#include "cli/format.h"
#include "cli/roster_files.h"
#include "cli/utf8.h"
#include "cli/views.h"

namespace rematch::cli {

namespace mentor_v1 = rematch::mentor::v1;

namespace {

constexpr absl::Duration kImportTimeout = absl::Minutes(5);

// A bar on standard error while rows go out; nothing at all where nobody looks at it.
class Progress {
 public:
  Progress(Environment& environment, size_t total) : environment_(environment), total_(total) {}
  ~Progress() {
    if (drawn_ >= 0) environment_.err << "\r\x1b[K" << std::flush;
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Show(size_t done) {
    if (!environment_.err_is_terminal || total_ == 0) return;
    const int filled = static_cast<int>(done * kWidth / total_);
    if (filled == drawn_ && done != total_) return;
    drawn_ = filled;
    environment_.err << "\r[" << std::string(static_cast<size_t>(filled), '#') << std::string(static_cast<size_t>(kWidth - filled), ' ')
                     << "] " << done << "/" << total_ << " rows" << std::flush;
  }

 private:
  static constexpr int kWidth = 40;
  Environment& environment_;
  const size_t total_;
  int drawn_ = -1;
};

absl::StatusOr<std::vector<RosterFile>> ReadFiles(const std::vector<std::string>& paths, std::istream& in) {
  std::vector<std::filesystem::path> found;
  for (const std::string& path : paths) {
    std::error_code ignored;
    if (!std::filesystem::is_directory(path, ignored)) {
      found.emplace_back(path);
      continue;
    }
    const size_t before = found.size();
    for (const std::string& name : RosterFileNames()) {
      if (std::filesystem::exists(std::filesystem::path(path) / name, ignored)) found.push_back(std::filesystem::path(path) / name);
    }
    if (found.size() == before) {
      return Error(absl::StatusCode::kNotFound, "FILE_UNREADABLE",
                   Printable(path) + " has none of programs.csv, sites.csv, mentors.csv, candidates.csv");
    }
  }
  std::vector<RosterFile> files;
  for (const std::filesystem::path& path : found) {
    REMATCH_ASSIGN_OR_RETURN(std::string bytes, ReadInput(path.string(), in));
    files.push_back({path.filename().string(), std::move(bytes)});
  }
  return files;
}

absl::StatusOr<mentor_v1::ImportRosterResponse> Send(Context& context, const Roster& roster, const std::string& display_name) {
  REMATCH_ASSIGN_OR_RETURN(MentorStub * stub, context.StubFor<MentorStub>());
  grpc::ClientContext call;
  context.PrepareStream(call, kImportTimeout);
  mentor_v1::ImportRosterResponse response;
  const auto writer = stub->ImportRoster(&call, &response);
  mentor_v1::ImportRosterRequest message;
  message.mutable_header()->set_consortium(context.consortium());
  message.mutable_header()->set_display_name(display_name);
  message.mutable_header()->set_request_id(context.RequestId());
  message.mutable_header()->set_row_count(static_cast<int32_t>(roster.rows().size()));
  bool open = writer->Write(message);
  {
    Progress progress(context.env(), roster.rows().size());
    for (size_t i = 0; open && i < roster.rows().size(); ++i) {
      *message.mutable_row() = roster.rows()[i];
      open = writer->Write(message);
      progress.Show(i + 1);
    }
  }
  if (open) writer->WritesDone();
  // A stream that the service ended early says here why.
  const grpc::Status status = writer->Finish();
  if (!status.ok()) return context.Refused<MentorStub>(status, kImportTimeout);
  return response;
}

absl::Status Import(Context& context, const std::vector<std::string>& paths, const std::string& display_name) {
  REMATCH_ASSIGN_OR_RETURN(const std::vector<RosterFile> files, ReadFiles(paths, context.env().in));
  const Roster roster = ReadRoster(files);
  if (!roster.errors().empty()) {
    for (const RosterError& error : roster.errors()) context.env().err << Printable(error.ToString()) << "\n";
    context.env().err << Count(static_cast<int64_t>(roster.errors().size()), "error", "errors") << "; nothing was sent\n";
    return Reported();
  }
  REMATCH_ASSIGN_OR_RETURN(const mentor_v1::ImportRosterResponse response, Send(context, roster, display_name));
  if (context.json()) context.out() << ToJson(response);
  if (!response.errors().empty()) {
    // One thing that is wrong with a cell is enough: the next ones mostly follow from it.
    std::set<std::tuple<std::string, int, int>> cells;
    for (const auto& error : response.errors()) {
      const RosterError located = roster.Locate(error);
      if (cells.emplace(located.file, located.at.line, located.at.column).second) {
        context.env().err << Printable(located.ToString()) << "\n";
      }
    }
    context.env().err << Count(static_cast<int64_t>(cells.size()), "error", "errors") << "; nothing was kept\n";
    return Reported();
  }
  if (!context.json()) {
    context.out() << response.created() << " created, " << response.updated() << " updated, " << response.unchanged() << " unchanged\n";
  }
  return absl::OkStatus();
}

absl::Status ShowRoster(Context& context, const std::string& program) {
  REMATCH_ASSIGN_OR_RETURN(const std::vector<mentor_v1::Program> programs, context.ProgramRecords(program));
  mentor_v1::ListSitesRequest sites_request;
  sites_request.set_parent(context.consortium());
  REMATCH_ASSIGN_OR_RETURN(const mentor_v1::ListSitesResponse sites, context.CallPages(&MentorStub::ListSites, sites_request));
  People people;
  mentor_v1::ListDistrictsRequest districts_request;
  districts_request.set_parent(context.consortium());
  if (const auto districts = context.CallPages(&MentorStub::ListDistricts, districts_request); districts.ok()) {
    for (const auto& district : districts->districts()) people.Add(district.name(), district.display_name());
  }
  for (const auto& site : sites.sites()) people.Add(site.name(), site.display_name());
  JsonObject json;
  json.AddList("sites", sites.sites());
  std::string text = Heading("Programs", context.canvas()) + RenderPrograms(programs, context.canvas()) + "\n" +
                     Heading("Sites", context.canvas()) + RenderSites(ToVector(sites.sites()), people, context.canvas());
  std::string programs_json;
  for (const mentor_v1::Program& one : programs) {
    mentor_v1::ListMentorsRequest mentors_request;
    mentors_request.set_parent(context.consortium());
    mentors_request.set_program(one.name());
    REMATCH_ASSIGN_OR_RETURN(const mentor_v1::ListMentorsResponse mentors, context.CallPages(&MentorStub::ListMentors, mentors_request));
    mentor_v1::ListCandidatesRequest candidates_request;
    candidates_request.set_parent(one.name());
    REMATCH_ASSIGN_OR_RETURN(const mentor_v1::ListCandidatesResponse candidates,
                             context.CallPages(&MentorStub::ListCandidates, candidates_request));
    for (const auto& mentor : mentors.mentors()) people.Add(mentor.name(), mentor.contact().display_name());
    const std::string title = Printable(one.display_name());
    text += "\n" + Heading(title + ": mentors", context.canvas()) + RenderMentors(ToVector(mentors.mentors()), context.canvas());
    text += "\n" + Heading(title + ": candidates", context.canvas()) +
            RenderCandidates(ToVector(candidates.candidates()), people, context.now(), context.canvas());
    JsonObject part;
    part.Add("program", one);
    part.AddList("mentors", mentors.mentors());
    part.AddList("candidates", candidates.candidates());
    programs_json += (programs_json.empty() ? "" : ",") + part.ToString();
  }
  json.AddRaw("programs", "[" + programs_json + "]");
  context.out() << (context.json() ? json.ToString() : text);
  return absl::OkStatus();
}

// ---- who comes, goes and is kept apart

absl::Status Retire(Context& context, const std::string& given) {
  mentor_v1::RetireMentorRequest request;
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_name(), context.MentorName(given, Purpose::kWrite));
  request.set_request_id(context.RequestId());
  REMATCH_ASSIGN_OR_RETURN(const mentor_v1::Mentor mentor, context.Call(&MentorStub::RetireMentor, request));
  return context.Show(mentor, [] { return std::string("retired; whoever was theirs is a task of the leader's\n"); });
}

absl::Status Unenroll(Context& context, const std::string& given) {
  mentor_v1::UnenrollCandidateRequest request;
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_name(), context.CandidateName(given, "", Purpose::kWrite));
  request.set_request_id(context.RequestId());
  REMATCH_ASSIGN_OR_RETURN(const mentor_v1::Candidate candidate, context.Call(&MentorStub::UnenrollCandidate, request));
  return context.Show(candidate, [] { return std::string("has left the program; an open case of theirs ends\n"); });
}

absl::Status Assign(Context& context, const std::string& candidate, const std::string& mentor) {
  mentor_v1::AssignMentorRequest request;
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_candidate(), context.CandidateName(candidate, "", Purpose::kWrite));
  REMATCH_ASSIGN_OR_RETURN(*request.mutable_mentor(), context.MentorName(mentor, Purpose::kWrite));
  request.set_request_id(context.RequestId());
  REMATCH_ASSIGN_OR_RETURN(const mentor_v1::Assignment assignment, context.Call(&MentorStub::AssignMentor, request));
  return context.Show(assignment, [] { return std::string("assigned\n"); });
}

absl::Status EndAssignment(Context& context, const std::string& given) {
  mentor_v1::GetCandidateRequest get;
  REMATCH_ASSIGN_OR_RETURN(*get.mutable_name(), context.CandidateName(given, "", Purpose::kWrite));
  REMATCH_ASSIGN_OR_RETURN(const mentor_v1::Candidate candidate, context.Call(&MentorStub::GetCandidate, get));
  if (candidate.assignment().empty()) return Usage("they have no mentor");
  mentor_v1::EndAssignmentRequest request;
  request.set_name(candidate.assignment());
  request.set_request_id(context.RequestId());
  REMATCH_ASSIGN_OR_RETURN(const mentor_v1::Assignment assignment, context.Call(&MentorStub::EndAssignment, request));
  return context.Show(assignment, [] { return std::string("ended; they have no mentor now\n"); });
}

absl::Status KeepApart(Context& context, const std::string& given_candidate, const std::string& given_mentor, bool undo) {
  REMATCH_ASSIGN_OR_RETURN(const std::string candidate, context.CandidateName(given_candidate, "", Purpose::kWrite));
  REMATCH_ASSIGN_OR_RETURN(const std::string mentor, context.MentorName(given_mentor, Purpose::kWrite));
  const auto change = [&](auto request, auto method) -> absl::Status {
    request.set_candidate(candidate);
    request.set_mentor(mentor);
    request.set_request_id(context.RequestId());
    REMATCH_ASSIGN_OR_RETURN(const mentor_v1::Candidate changed, context.Call(method, request));
    return context.Show(changed, [&] { return std::string(undo ? "may be paired again\n" : "are not paired again\n"); });
  };
  return undo ? change(mentor_v1::RemoveDoNotPairRequest(), &MentorStub::RemoveDoNotPair)
              : change(mentor_v1::AddDoNotPairRequest(), &MentorStub::AddDoNotPair);
}

void AddChangeCommands(CLI::App& roster, Chosen& chosen) {
  auto mentor = std::make_shared<std::string>();
  auto candidate = std::make_shared<std::string>();
  auto undo = std::make_shared<bool>(false);
  const auto with_mentor = [&](CLI::App* command) { command->add_option("MENTOR", *mentor, "The mentor: name, email or id")->required(); };
  const auto with_candidate = [&](CLI::App* command) {
    command->add_option("CANDIDATE", *candidate, "The candidate: name, email or id")->required();
  };
  with_mentor(AddCommand(roster, chosen, "retire", "A mentor leaves for good: their candidates are without one",
                         [mentor](Context& context) { return Retire(context, *mentor); }));
  with_candidate(AddCommand(roster, chosen, "unenroll", "A candidate leaves the program: an open case of theirs ends",
                            [candidate](Context& context) { return Unenroll(context, *candidate); }));
  CLI::App* const assign = AddCommand(roster, chosen, "assign", "Give a candidate who has no mentor one",
                                      [candidate, mentor](Context& context) { return Assign(context, *candidate, *mentor); });
  with_candidate(assign);
  with_mentor(assign);
  with_candidate(AddCommand(roster, chosen, "unassign", "End a candidate's assignment without beginning another",
                            [candidate](Context& context) { return EndAssignment(context, *candidate); }));
  CLI::App* const apart =
      AddCommand(roster, chosen, "apart", "Never pair a candidate and a mentor again, in this case and any later one",
                 [candidate, mentor, undo](Context& context) { return KeepApart(context, *candidate, *mentor, *undo); });
  with_candidate(apart);
  with_mentor(apart);
  apart->add_flag("--undo", *undo, "They may be paired after all");
}

}  // namespace

void AddRosterCommands(CLI::App& app, Chosen& chosen) {
  CLI::App* const roster = AddGroup(app, "roster", "Who there is: programs, sites, mentors, candidates");
  {
    auto paths = std::make_shared<std::vector<std::string>>();
    auto name = std::make_shared<std::string>();
    CLI::App* const command = AddCommand(*roster, chosen, "import", "Take in a roster from CSV files, all of it or nothing",
                                         [paths, name](Context& context) { return Import(context, *paths, *name); });
    command->add_option("PATH", *paths, "A folder, or files named programs.csv, sites.csv, mentors.csv, candidates.csv")->required();
    command->add_option("--name", *name, "Display name of the consortium, if it is new");
    command->footer("Errors are lines `file:line:column: what`; line and column count from 1, the column in characters.");
  }
  {
    auto program = std::make_shared<std::string>();
    CLI::App* const command =
        AddCommand(*roster, chosen, "show", "Programs, sites, mentors with their caseloads, candidates with their mentors",
                   [program](Context& context) { return ShowRoster(context, *program); });
    command->add_option("--program", *program, "Only this program");
  }
  AddChangeCommands(*roster, chosen);
}

}  // namespace rematch::cli
