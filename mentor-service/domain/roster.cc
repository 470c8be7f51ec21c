#include "mentor-service/domain/roster.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "mentor-service/domain/members.h"
#include "platform/strings.h"

namespace rematch::mentor {

std::string ExternalId::KeyOf(Kind kind, std::string_view external) { return absl::StrCat(static_cast<int>(kind), "/", ToAbsl(external)); }

void MentorTable::Load(Mentor mentor) {
  Note(mentor);
  Table::Load(std::move(mentor));
}

Mentor& MentorTable::Put(Mentor mentor) {
  Note(mentor);
  return Table::Put(std::move(mentor));
}

void MentorTable::Note(const Mentor& mentor) {
  for (const std::string& program : mentor.programs) members_[program].insert(mentor.id);
}

const std::set<std::string>& MentorTable::MembersOf(std::string_view program) const {
  static const auto* const nobody = new std::set<std::string>;
  const auto it = members_.find(program);
  return it == members_.end() ? *nobody : it->second;
}

const Members& Roster::PoolOf(std::string_view program) const {
  static const auto* const nobody = new Members({});
  const auto it = pools.find(program);
  return it == pools.end() ? *nobody : *it->second;
}

std::string Roster::MentorWithEmail(std::string_view email) const {
  const auto it = emails.find(LowerEmail(email));
  return it == emails.end() ? "" : it->second;
}

Mentor& Roster::PutMentor(Mentor mentor) {
  if (const Mentor* before = mentors.Find(mentor.id)) {
    // Unless somebody else has taken it over by now.
    const auto old = emails.find(LowerEmail(before->contact.email));
    if (old != emails.end() && old->second == mentor.id) old->second.clear();
    mentor.version = before->version;
  }
  ++mentor.version;
  emails[LowerEmail(mentor.contact.email)] = mentor.id;
  return mentors.Put(std::move(mentor));
}

Mentor& Roster::ChangeMentor(std::string_view id) {
  Mentor& mentor = mentors.Change(id);
  ++mentor.version;
  return mentor;
}

std::string_view DistrictOf(const Roster& roster, const Candidate& candidate) {
  const Site* site = roster.sites.Find(candidate.site);
  return site == nullptr ? std::string_view() : site->district;
}

bool DistrictsShare(const Table<District>& districts, std::string_view mentors, std::string_view candidates) {
  if (mentors.empty() || candidates.empty() || mentors == candidates) return true;
  const District* lender = districts.Find(mentors);
  const District* borrower = districts.Find(candidates);
  return lender != nullptr && lender->lends_mentors && borrower != nullptr && borrower->borrows_mentors;
}

std::string LowerEmail(std::string_view email) { return absl::AsciiStrToLower(ToAbsl(email)); }

bool Contains(const std::vector<std::string>& list, std::string_view value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace rematch::mentor
