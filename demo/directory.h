// Who is who on the roster, as a story or a test needs it: names, addresses and caseloads by resource name.
#ifndef REMATCH_DEMO_DIRECTORY_H_
#define REMATCH_DEMO_DIRECTORY_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "demo/suite.h"
#include "rematch/mentor/v1/resources.pb.h"

namespace rematch::demo {

// All of one consortium, read page by page.
struct Directory {
  static absl::StatusOr<Directory> Load(Suite& suite, const std::string& consortium);

  // By resource name, which `leaders` are by their person.
  std::map<std::string, mentor::v1::District> districts;
  std::map<std::string, mentor::v1::Site> sites;
  std::map<std::string, mentor::v1::Program> programs;
  std::map<std::string, mentor::v1::Mentor> mentors;
  std::map<std::string, mentor::v1::Candidate> candidates;
  std::map<std::string, mentor::v1::Leader> leaders;

  // Of a mentor, candidate or leader; of a site its administrator, of a district its representative. Empty for who is not known.
  mentor::v1::Contact ContactOf(const std::string& name) const;
  // Their display name; for a site or district, the person there.
  std::string NameOf(const std::string& name) const { return ContactOf(name).display_name(); }
  std::string EmailOf(const std::string& name) const { return ContactOf(name).email(); }
  // Empty when there is none.
  std::string CandidateByEmail(const std::string& email) const;
  std::string MentorByEmail(const std::string& email) const;
  // Of whom an address is: a display name, or the address itself.
  std::string NameByEmail(const std::string& email) const;
  const mentor::v1::Program& ProgramOf(const std::string& candidate) const;
};

// How many candidates each mentor has, and how many seats are held, by resource name.
struct Load {
  int caseload = 0;
  int held = 0;
  int capacity = 0;
  bool operator==(const Load&) const = default;
};
std::map<std::string, Load> LoadsOf(const Directory& directory);

}  // namespace rematch::demo

#endif  // REMATCH_DEMO_DIRECTORY_H_
