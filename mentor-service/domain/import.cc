#include "mentor-service/domain/import.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "mentor-service/domain/fields.h"
#include "platform/strings.h"
#include "platform/timestamps.h"
#include "platform/validation.h"

namespace rematch::mentor {
namespace {

using Request = v1::ImportRosterRequest;
using Kind = ExternalId::Kind;
using Words = google::protobuf::RepeatedPtrField<std::string>;

Contact ContactOf(const v1::Contact& contact) { return {contact.display_name(), contact.email(), contact.phone()}; }
std::vector<std::string> ListOf(const Words& words) { return {words.begin(), words.end()}; }

class Import {
 public:
  Import(Roster& roster, const ImportRoster& command, const Context& context) : roster_(roster), command_(command), context_(context) {}

  absl::Status Found() {
    if (roster_.consortium.Find(roster_.consortium_id) != nullptr) return absl::OkStatus();
    Violations bad;
    CheckDisplayName(bad, "header.display_name", command_.display_name);
    if (!bad.empty()) return bad.ToStatus();
    roster_.consortium.Put({.id = roster_.consortium_id, .display_name = command_.display_name});
    return absl::OkStatus();
  }

  v1::ImportRosterResponse Run() {
    for (const auto& [key, row] : roster_.external_ids.rows()) named_.insert(row.value.internal);
    for (const auto& [id, row] : roster_.candidates.rows()) candidate_emails_.try_emplace(EmailIn(row.value), id);
    for (const Request::Row& row : command_.rows) {
      switch (row.row_case()) {
        case Request::Row::kDistrict:
          Introduce(row, Kind::kDistrict, row.district().id());
          break;
        case Request::Row::kSite:
          Introduce(row, Kind::kSite, row.site().id());
          break;
        case Request::Row::kProgram:
          if (!programs_.insert(row.program().id()).second) AddError(row, "id", "must not stand in two rows");
          break;
        case Request::Row::kMentor:
          Introduce(row, Kind::kMentor, row.mentor().id(), roster_.MentorWithEmail(row.mentor().contact().email()));
          break;
        case Request::Row::kCandidate:
          Introduce(row, Kind::kCandidate, row.candidate().id(),
                    CandidateWithEmail(row.candidate().program_id(), row.candidate().contact().email()));
          break;
        case Request::Row::ROW_NOT_SET:
          AddError(row, "row", "must be a district, site, program, mentor or candidate");
          break;
      }
    }
    FreeEmails();
    // In the order in which they refer to one another; mentors and programs do so mutually, by ids that are known by now.
    ForEach(Request::Row::kDistrict, [this](const Request::Row& row) { Take(row, row.district()); });
    ForEach(Request::Row::kSite, [this](const Request::Row& row) { Take(row, row.site()); });
    ForEach(Request::Row::kProgram, [this](const Request::Row& row) { Take(row, row.program()); });
    ForEach(Request::Row::kMentor, [this](const Request::Row& row) { Take(row, row.mentor()); });
    ForEach(Request::Row::kCandidate, [this](const Request::Row& row) { Take(row, row.candidate()); });
    if (answer_.errors_size() > 0) {
      std::stable_sort(answer_.mutable_errors()->begin(), answer_.mutable_errors()->end(), [](const auto& a, const auto& b) {
        return std::make_pair(std::string_view(a.file()), a.line()) < std::make_pair(std::string_view(b.file()), b.line());
      });
      if (answer_.errors_size() > kMaxRowErrors) {
        answer_.mutable_errors()->DeleteSubrange(kMaxRowErrors, answer_.errors_size() - kMaxRowErrors);
      }
      answer_.clear_created();
      answer_.clear_updated();
      answer_.clear_unchanged();
    }
    return std::move(answer_);
  }

 private:
  template <typename Each>
  void ForEach(Request::Row::RowCase kind, Each each) {
    for (const Request::Row& row : command_.rows) {
      if (row.row_case() == kind) each(row);
    }
  }

  void AddError(const Request::Row& row, std::string_view field, std::string_view description) {
    // Enough to show; the rest is not worth the memory.
    if (answer_.errors_size() >= 10 * kMaxRowErrors) return;
    auto* error = answer_.add_errors();
    error->set_file(row.file());
    error->set_line(row.line());
    error->set_field(std::string(field));
    error->set_description(std::string(description));
  }
  // True when `bad` is empty; else its violations become errors of the row.
  bool Right(const Request::Row& row, const Violations& bad) {
    for (const auto& [field, description] : bad.found()) AddError(row, field, description);
    return bad.empty();
  }

  // Candidates are told apart by their email in their program.
  static std::string EmailIn(std::string_view program, std::string_view email) {
    return absl::StrCat(ToAbsl(program), "\n", LowerEmail(email));
  }
  static std::string EmailIn(const Candidate& candidate) { return EmailIn(candidate.program, candidate.contact.email); }
  std::string CandidateWithEmail(std::string_view program, std::string_view email) const {
    const auto found = candidate_emails_.find(EmailIn(program, email));
    return found == candidate_emails_.end() ? "" : found->second;
  }

  // Gives what the row describes an id of ours: the one it has, that of `same` (somebody with the row's email, "" for nobody) if
  // no file has named them yet, or a new one.
  void Introduce(const Request::Row& row, Kind kind, const std::string& external, const std::string& same = "") {
    Violations bad;
    CheckExternalId(bad, "id", external);
    if (!Right(row, bad)) return;
    const std::string key = ExternalId::KeyOf(kind, external);
    if (!in_this_import_.insert(key).second) {
      AddError(row, "id", "must not stand in two rows");
      return;
    }
    if (roster_.external_ids.Find(key) == nullptr) {
      const bool joined_without_a_file = !same.empty() && named_.insert(same).second;
      roster_.external_ids.Put(
          {.id = key, .kind = kind, .external = external, .internal = joined_without_a_file ? same : context_.new_id()});
    }
  }

  // Whoever has a row says in it which email is theirs from now on. Their old ones are free before the first row is taken, so that rows may
  // hand addresses on to one another in any order.
  void FreeEmails() {
    for (const Request::Row& row : command_.rows) {
      if (row.has_mentor()) {
        const Mentor* known = roster_.mentors.Find(Internal(Kind::kMentor, row.mentor().id()));
        if (known != nullptr) roster_.emails[LowerEmail(known->contact.email)].clear();
      } else if (row.has_candidate()) {
        const Candidate* known = roster_.candidates.Find(Internal(Kind::kCandidate, row.candidate().id()));
        if (known != nullptr) candidate_emails_.erase(EmailIn(*known));
      }
    }
  }
  // Our id for one of the files', "" when nobody brought it.
  std::string Internal(Kind kind, std::string_view external) const {
    const ExternalId* known = roster_.external_ids.Find(ExternalId::KeyOf(kind, external));
    return known == nullptr ? "" : known->internal;
  }
  std::string Refer(Violations& bad, std::string_view field, Kind kind, std::string_view external, bool required = true) {
    if (external.empty() && !required) return "";
    std::string id = Internal(kind, external);
    if (id.empty()) bad.Add(field, "must be the id of another row, or one known from an earlier import");
    return id;
  }

  // Puts `value` in place of `known` and counts what that was.
  template <typename T>
  void Keep(const T* known, T value, Table<T>& table) {
    if (known == nullptr) {
      answer_.set_created(answer_.created() + 1);
    } else if (*known == value) {
      answer_.set_unchanged(answer_.unchanged() + 1);
      return;
    } else {
      answer_.set_updated(answer_.updated() + 1);
    }
    table.Put(std::move(value));
  }

  void Take(const Request::Row& row, const Request::DistrictRow& asked) {
    Violations bad;
    CheckDisplayName(bad, "display_name", asked.display_name());
    CheckContact(bad, "representative", asked.representative());
    const std::string id = Internal(Kind::kDistrict, asked.id());
    if (!Right(row, bad) || id.empty()) return;
    const District* known = roster_.districts.Find(id);
    District district = known == nullptr ? District() : *known;
    district.id = id;
    district.display_name = asked.display_name();
    district.representative = ContactOf(asked.representative());
    // Files that say nothing of sharing leave it as it is.
    if (asked.has_lends_mentors()) district.lends_mentors = asked.lends_mentors();
    if (asked.has_borrows_mentors()) district.borrows_mentors = asked.borrows_mentors();
    Keep(known, std::move(district), roster_.districts);
  }

  void Take(const Request::Row& row, const Request::SiteRow& asked) {
    Violations bad;
    CheckDisplayName(bad, "display_name", asked.display_name());
    CheckContact(bad, "administrator", asked.administrator());
    const std::string district = Refer(bad, "district_id", Kind::kDistrict, asked.district_id());
    const std::string id = Internal(Kind::kSite, asked.id());
    if (!Right(row, bad) || id.empty()) return;
    Keep(roster_.sites.Find(id),
         {.id = id, .display_name = asked.display_name(), .district = district, .administrator = ContactOf(asked.administrator())},
         roster_.sites);
  }

  Leader LeaderOf(Violations& bad, const std::string& field, const std::string& id, const v1::Contact& contact, const std::string& mentor) {
    if (!IsResourceId(id)) bad.Add(field + "_id", "must be 1 to 63 characters of a-z, 0-9 and inner dashes");
    CheckContact(bad, field, contact);
    return {.id = id, .contact = ContactOf(contact), .mentor = Refer(bad, field + "_mentor_id", Kind::kMentor, mentor, false)};
  }

  void Take(const Request::Row& row, const Request::ProgramRow& asked) {
    Violations bad;
    if (!IsResourceId(asked.id())) bad.Add("id", "must be 1 to 63 characters of a-z, 0-9 and inner dashes");
    CheckDisplayName(bad, "display_name", asked.display_name());
    CheckTimeZone(bad, "time_zone", asked.time_zone());
    Program program{.id = asked.id(), .display_name = asked.display_name(), .time_zone = asked.time_zone(), .leader = {}, .alternate = {}};
    program.leader = LeaderOf(bad, "leader", asked.leader_id(), asked.leader(), asked.leader_mentor_id());
    // An alternate without an id, a name or an address is none.
    if (!asked.alternate_id().empty() || !asked.alternate_mentor_id().empty() || asked.alternate().ByteSizeLong() > 0) {
      program.alternate = LeaderOf(bad, "alternate", asked.alternate_id(), asked.alternate(), asked.alternate_mentor_id());
    }
    if (program.alternate.id == program.leader.id && !program.leader.id.empty()) bad.Add("alternate_id", "must not be the leader");
    if (!Right(row, bad)) return;
    const Program* known = roster_.programs.Find(program.id);
    if (known != nullptr) program.calendar = known->calendar;  // files say nothing of it
    Keep(known, program, roster_.programs);
  }

  void Take(const Request::Row& row, const Request::MentorRow& asked) {
    Violations bad;
    CheckContact(bad, "contact", asked.contact());
    CheckWords(bad, "credentials", asked.credentials());
    CheckWords(bad, "grade_bands", asked.grade_bands());
    CheckWords(bad, "subjects", asked.subjects());
    CheckWords(bad, "program_ids", asked.program_ids());
    CheckWords(bad, "supervised_site_ids", asked.supervised_site_ids());
    CheckRange(bad, "capacity", asked.capacity(), 0, kMaxCapacity);
    CheckRange(bad, "years_mentored", asked.years_mentored(), 0, kMaxYears);
    const std::string district = Refer(bad, "district_id", Kind::kDistrict, asked.district_id());
    for (int i = 0; i < asked.program_ids_size(); ++i) {
      if (roster_.programs.Find(asked.program_ids(i)) == nullptr && !programs_.contains(asked.program_ids(i))) {
        bad.Add(absl::StrCat("program_ids[", i, "]"), "must be the id of a program");
      }
    }
    std::vector<std::string> supervised;
    for (int i = 0; i < asked.supervised_site_ids_size(); ++i) {
      supervised.push_back(Refer(bad, absl::StrCat("supervised_site_ids[", i, "]"), Kind::kSite, asked.supervised_site_ids(i)));
    }
    const std::string id = Internal(Kind::kMentor, asked.id());
    // Before anything else is looked at: a row that is refused has its address as well.
    std::string& owner = roster_.emails[LowerEmail(asked.contact().email())];
    if (owner.empty()) {
      owner = id;
    } else {
      bad.Add("contact.email", "must not be another mentor's");
    }
    if (!Right(row, bad) || id.empty()) return;

    const Mentor* known = roster_.mentors.Find(id);
    Mentor mentor = known == nullptr ? Mentor() : *known;
    mentor.contact = ContactOf(asked.contact());
    mentor.district = district;
    mentor.programs = ListOf(asked.program_ids());
    mentor.credentials = ListOf(asked.credentials());
    mentor.grade_bands = ListOf(asked.grade_bands());
    mentor.subjects = ListOf(asked.subjects());
    mentor.capacity = asked.capacity();
    mentor.interested_in_more = asked.interested_in_more();
    mentor.years_mentored = asked.years_mentored();
    mentor.opted_out = asked.opted_out();
    mentor.supervised_sites = std::move(supervised);
    if (mentor.capacity < mentor.assigned + mentor.held) {
      AddError(row, "capacity", "must not be below what is assigned and held");
      return;
    }
    if (known == nullptr) {
      mentor.id = id;
      mentor.joined = context_.now;
      answer_.set_created(answer_.created() + 1);
    } else if (*known == mentor) {
      answer_.set_unchanged(answer_.unchanged() + 1);
      return;
    } else {
      answer_.set_updated(answer_.updated() + 1);
    }
    roster_.PutMentor(std::move(mentor));
  }

  void Take(const Request::Row& row, const Request::CandidateRow& asked) {
    Violations bad;
    CheckContact(bad, "contact", asked.contact());
    CheckWord(bad, "credential", asked.credential());
    CheckWord(bad, "grade_band", asked.grade_band());
    CheckWords(bad, "subjects", asked.subjects());
    if (asked.has_enroll_time()) CheckTimestamp(bad, "enroll_time", asked.enroll_time());
    if (roster_.programs.Find(asked.program_id()) == nullptr) bad.Add("program_id", "must be the id of a program");
    const std::string site = Refer(bad, "site_id", Kind::kSite, asked.site_id());
    const std::string mentor_id = Refer(bad, "mentor_id", Kind::kMentor, asked.mentor_id(), false);
    const std::string id = Internal(Kind::kCandidate, asked.id());
    if (!candidate_emails_.try_emplace(EmailIn(asked.program_id(), asked.contact().email()), id).second) {
      bad.Add("contact.email", "must not be another candidate's of the program");
    }
    const Candidate* known = roster_.candidates.Find(id);
    if (known != nullptr && known->program != asked.program_id()) bad.Add("program_id", "must stay the candidate's program");
    if (!Right(row, bad) || id.empty()) return;

    Candidate candidate = known == nullptr ? Candidate() : *known;
    candidate.contact = ContactOf(asked.contact());
    candidate.site = site;
    candidate.credential = asked.credential();
    candidate.grade_band = asked.grade_band();
    candidate.subjects = ListOf(asked.subjects());
    candidate.enrolled.reset();
    if (asked.has_enroll_time()) candidate.enrolled = platform::FromTimestamp(asked.enroll_time());
    if (known == nullptr) {
      candidate.id = id;
      candidate.program = asked.program_id();
      candidate.joined = context_.now;
      candidate.without_mentor_since = context_.now;
    }
    const bool assign = !mentor_id.empty() && candidate.mentor.empty() && !candidate.unenrolled.has_value();
    if (known == nullptr) {
      answer_.set_created(answer_.created() + 1);
    } else if (assign || *known != candidate) {
      answer_.set_updated(answer_.updated() + 1);
    } else {
      answer_.set_unchanged(answer_.unchanged() + 1);
      return;
    }
    roster_.candidates.Put(std::move(candidate));
    if (assign) Assign(row, id, mentor_id);
  }

  void Assign(const Request::Row& row, const std::string& candidate, const std::string& mentor_id) {
    const Mentor* mentor = roster_.mentors.Find(mentor_id);
    if (mentor == nullptr) return;  // that mentor's own row is bad, and says so
    if (const absl::Status pair = CheckPair(roster_, *mentor, *roster_.candidates.Find(candidate)); !pair.ok()) {
      AddError(row, "mentor_id", absl::StrCat("must be another one: ", pair.message()));
    } else if (mentor->full()) {
      AddError(row, "mentor_id", "must be a mentor with a free seat: their capacity is used up by other candidates");
    } else {
      BeginAssignment(roster_, candidate, mentor_id, context_);
    }
  }

  Roster& roster_;
  const ImportRoster& command_;
  const Context& context_;
  absl::flat_hash_set<std::string> programs_;
  absl::flat_hash_set<std::string> in_this_import_;
  absl::flat_hash_set<std::string> named_;                          // of ours: whom some file has given an id
  absl::flat_hash_map<std::string, std::string> candidate_emails_;  // EmailIn() of those who are there, or had their row, to their ids
  v1::ImportRosterResponse answer_;
};

}  // namespace

ImportNames NamedIn(const ImportRoster& import) {
  ImportNames names;
  const auto add = [&names](Kind kind, const std::string& id) {
    if (!id.empty()) names.ids[kind].insert(id);
  };
  for (const Request::Row& row : import.rows) {
    switch (row.row_case()) {
      case Request::Row::kDistrict:
        add(Kind::kDistrict, row.district().id());
        break;
      case Request::Row::kSite:
        add(Kind::kSite, row.site().id());
        add(Kind::kDistrict, row.site().district_id());
        break;
      case Request::Row::kProgram:
        add(Kind::kMentor, row.program().leader_mentor_id());
        add(Kind::kMentor, row.program().alternate_mentor_id());
        break;
      case Request::Row::kMentor:
        add(Kind::kMentor, row.mentor().id());
        add(Kind::kDistrict, row.mentor().district_id());
        for (const std::string& site : row.mentor().supervised_site_ids()) add(Kind::kSite, site);
        names.mentor_emails.insert(LowerEmail(row.mentor().contact().email()));
        break;
      case Request::Row::kCandidate:
        add(Kind::kCandidate, row.candidate().id());
        add(Kind::kSite, row.candidate().site_id());
        add(Kind::kMentor, row.candidate().mentor_id());
        names.candidate_emails[row.candidate().program_id()].insert(LowerEmail(row.candidate().contact().email()));
        break;
      case Request::Row::ROW_NOT_SET:
        break;
    }
  }
  return names;
}

absl::StatusOr<v1::ImportRosterResponse> Decide(Roster& roster, const ImportRoster& command, const Context& context) {
  Import import(roster, command, context);
  REMATCH_RETURN_IF_ERROR(import.Found());
  return import.Run();
}

}  // namespace rematch::mentor
