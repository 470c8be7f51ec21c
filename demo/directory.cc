#include "demo/directory.h"

#include "absl/strings/str_cat.h"

namespace rematch::demo {
namespace {

// Calls `method` for page after page and hands over each answer.
template <typename Request, typename Response, typename Take>
absl::Status Pages(const Caller& caller, grpc::Status (MentorStub::*method)(grpc::ClientContext*, const Request&, Response*),
                   Request request, Take take) {
  request.set_page_size(1000);
  do {
    absl::StatusOr<Response> response = caller.Call(method, request);
    if (!response.ok()) return response.status();
    take(*response);
    request.set_page_token(response->next_page_token());
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Directory> Directory::Load(Suite& suite, const std::string& consortium) {
  Directory directory;
  const Caller service = suite.Service();
  auto keep = [](auto& map, const auto& found) {
    for (const auto& resource : found) map[resource.name()] = resource;
  };
  mentor::v1::ListDistrictsRequest districts;
  districts.set_parent(consortium);
  mentor::v1::ListSitesRequest sites;
  sites.set_parent(consortium);
  mentor::v1::ListProgramsRequest programs;
  programs.set_parent(consortium);
  mentor::v1::ListMentorsRequest mentors;
  mentors.set_parent(consortium);
  absl::Status status =
      Pages(service, &MentorStub::ListDistricts, districts, [&](auto& page) { keep(directory.districts, page.districts()); });
  status.Update(Pages(service, &MentorStub::ListSites, sites, [&](auto& page) { keep(directory.sites, page.sites()); }));
  status.Update(Pages(service, &MentorStub::ListPrograms, programs, [&](auto& page) { keep(directory.programs, page.programs()); }));
  status.Update(Pages(service, &MentorStub::ListMentors, mentors, [&](auto& page) { keep(directory.mentors, page.mentors()); }));
  for (const auto& [name, program] : directory.programs) {
    mentor::v1::ListCandidatesRequest candidates;
    candidates.set_parent(name);
    status.Update(
        Pages(service, &MentorStub::ListCandidates, candidates, [&](auto& page) { keep(directory.candidates, page.candidates()); }));
    for (const mentor::v1::Leader& leader : {program.leader(), program.alternate()}) {
      if (!leader.person().empty()) directory.leaders[leader.person()] = leader;
    }
  }
  if (!status.ok()) return status;
  return directory;
}

mentor::v1::Contact Directory::ContactOf(const std::string& name) const {
  if (auto it = mentors.find(name); it != mentors.end()) return it->second.contact();
  if (auto it = candidates.find(name); it != candidates.end()) return it->second.contact();
  if (auto it = leaders.find(name); it != leaders.end()) return it->second.contact();
  if (auto it = sites.find(name); it != sites.end()) return it->second.administrator();
  if (auto it = districts.find(name); it != districts.end()) return it->second.representative();
  return {};
}

std::string Directory::CandidateByEmail(const std::string& email) const {
  for (const auto& [name, candidate] : candidates) {
    if (candidate.contact().email() == email) return name;
  }
  return "";
}

std::string Directory::MentorByEmail(const std::string& email) const {
  for (const auto& [name, mentor] : mentors) {
    if (mentor.contact().email() == email) return name;
  }
  return "";
}

std::string Directory::NameByEmail(const std::string& email) const {
  for (const std::string& name : {MentorByEmail(email), CandidateByEmail(email)}) {
    if (!name.empty()) return NameOf(name);
  }
  for (const auto& [name, site] : sites) {
    if (site.administrator().email() == email) return site.administrator().display_name();
  }
  for (const auto& [name, district] : districts) {
    if (district.representative().email() == email) return district.representative().display_name();
  }
  return email;
}

const mentor::v1::Program& Directory::ProgramOf(const std::string& candidate) const {
  static const mentor::v1::Program none;
  const auto it = programs.find(candidate.substr(0, candidate.find("/candidates/")));
  return it == programs.end() ? none : it->second;
}

std::map<std::string, Load> LoadsOf(const Directory& directory) {
  std::map<std::string, Load> loads;
  for (const auto& [name, mentor] : directory.mentors) loads[name] = {mentor.caseload(), mentor.held_seats(), mentor.capacity()};
  return loads;
}

}  // namespace rematch::demo
