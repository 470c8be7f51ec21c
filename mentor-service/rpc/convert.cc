#include "mentor-service/rpc/convert.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "absl/strings/str_cat.h"
#include "mentor-service/domain/fields.h"
#include "platform/canonical.h"
#include "platform/strings.h"
#include "platform/timestamps.h"
#include "platform/validation.h"

namespace rematch::mentor {
namespace {

using platform::FromTimestamp;
using platform::ToTimestamp;

constexpr int kMaxReferences = 50;
constexpr int kMaxMentorsNamed = 10'000;

void SetContact(const Contact& contact, v1::Contact* out) {
  out->set_display_name(contact.display_name);
  out->set_email(contact.email);
  out->set_phone(contact.phone);
}
Contact FromProto(const v1::Contact& contact) { return {contact.display_name(), contact.email(), contact.phone()}; }

template <typename Repeated>
std::vector<std::string> ListOf(const Repeated& values) {
  return {values.begin(), values.end()};
}

void SetLeader(std::string_view consortium, const Leader& leader, v1::Leader* out) {
  out->set_person(NameIn(consortium, "leaders", leader.id));
  SetContact(leader.contact, out->mutable_contact());
  out->set_mentor(NameIn(consortium, "mentors", leader.mentor));
}

// "consortia/{consortium}" -> {consortium}
std::string ParentConsortium(Violations& bad, std::string_view field, std::string_view name) {
  return CheckName(bad, field, name, "consortia/*")[0];
}

// An id that the caller chose, or none.
void CheckNewId(Violations& bad, std::string_view field, std::string_view id) {
  if (!id.empty() && !IsResourceId(id)) bad.Add(field, "must be 1 to 63 characters of a-z, 0-9 and inner dashes");
}

void CheckSeatId(Violations& bad, std::string_view field, std::string_view id) {
  if (!IsKey(id)) bad.Add(field, "must be 1 to 128 characters of a-z, A-Z, 0-9, -, _ and .");
}

struct SeatName {
  std::string consortium;
  std::string seat;
};
SeatName ParseSeat(Violations& bad, std::string_view field, std::string_view name) {
  static constexpr std::string_view kSeats = "/seats/";
  const size_t at = name.find(kSeats);
  if (at != name.npos) {
    const std::optional<std::vector<std::string>> ids = ParseName(name.substr(0, at), "consortia/*");
    const std::string_view key = name.substr(at + kSeats.size());
    if (ids.has_value() && IsKey(key)) return {(*ids)[0], std::string(key)};
  }
  bad.Add(field, "must be a name like consortia/*/seats/*");
  return {};
}

// What to answer: the violations if there are any.
absl::StatusOr<Parsed> Result(const Violations& bad, std::string consortium, Action action) {
  if (!bad.empty()) return bad.ToStatus();
  return Parsed{std::move(consortium), std::move(action)};
}

Leader ParseLeader(Violations& bad, NamesIn& names, const std::string& field, const v1::Leader& leader) {
  CheckContact(bad, field + ".contact", leader.contact());
  return {.id = names.Id(field + ".person", leader.person(), "leaders"),
          .contact = FromProto(leader.contact()),
          .mentor = names.OptionalId(field + ".mentor", leader.mentor(), "mentors")};
}

// The fields that an update names, of those that can be set.
std::set<std::string> ParseMask(Violations& bad, const google::protobuf::FieldMask& mask, const std::set<std::string>& known) {
  std::set<std::string> fields;
  if (mask.paths().empty()) bad.Add("update_mask", "must name at least one field");
  for (int i = 0; i < mask.paths_size(); ++i) {
    if (known.contains(mask.paths(i))) {
      fields.insert(mask.paths(i));
    } else {
      bad.Add(absl::StrCat("update_mask.paths[", i, "]"), "must be a field that can be set");
    }
  }
  return fields;
}

const std::set<std::string>& DistrictFields() {
  static const auto* const fields = new std::set<std::string>{"display_name", "representative", "lends_mentors", "borrows_mentors"};
  return *fields;
}

// The fields of a district that a caller may set, those in `fields`.
District ParseDistrict(Violations& bad, const v1::District& asked, const std::set<std::string>& fields) {
  District district;
  if (fields.contains("display_name")) {
    CheckDisplayName(bad, "district.display_name", asked.display_name());
    district.display_name = asked.display_name();
  }
  if (fields.contains("representative")) {
    CheckContact(bad, "district.representative", asked.representative());
    district.representative = FromProto(asked.representative());
  }
  district.lends_mentors = asked.lends_mentors();
  district.borrows_mentors = asked.borrows_mentors();
  return district;
}

const std::set<std::string>& ProgramFields() {
  static const auto* const fields = new std::set<std::string>{"display_name", "time_zone", "leader", "alternate", "calendar"};
  return *fields;
}

// The fields of a program that a caller may set, those in `fields`.
Program ParseProgram(Violations& bad, NamesIn& names, const v1::Program& asked, const std::set<std::string>& fields) {
  Program program;
  if (fields.contains("display_name")) {
    CheckDisplayName(bad, "program.display_name", asked.display_name());
    program.display_name = asked.display_name();
  }
  if (fields.contains("time_zone")) {
    CheckTimeZone(bad, "program.time_zone", asked.time_zone());
    program.time_zone = asked.time_zone();
  }
  if (fields.contains("leader")) program.leader = ParseLeader(bad, names, "program.leader", asked.leader());
  if (fields.contains("alternate") && asked.has_alternate()) {
    program.alternate = ParseLeader(bad, names, "program.alternate", asked.alternate());
    if (!program.alternate.id.empty() && program.alternate.id == program.leader.id)
      bad.Add("program.alternate.person", "must not be the leader");
  }
  if (fields.contains("calendar") && asked.has_calendar()) {
    CheckCalendar(bad, "program.calendar", asked.calendar());
    program.calendar = platform::CanonicalBytes(asked.calendar());
  }
  return program;
}

// The fields of a mentor that a caller may set, those in `fields`.
Mentor ParseMentor(Violations& bad, NamesIn& names, const v1::Mentor& asked, const std::set<std::string>& fields) {
  Mentor mentor;
  if (fields.contains("contact")) {
    CheckContact(bad, "mentor.contact", asked.contact());
    mentor.contact = FromProto(asked.contact());
  }
  if (fields.contains("district")) mentor.district = names.OptionalId("mentor.district", asked.district(), "districts");
  if (fields.contains("programs")) mentor.programs = names.Ids("mentor.programs", asked.programs(), "programs", kMaxReferences);
  if (fields.contains("credentials")) {
    CheckWords(bad, "mentor.credentials", asked.credentials());
    mentor.credentials = ListOf(asked.credentials());
  }
  if (fields.contains("grade_bands")) {
    CheckWords(bad, "mentor.grade_bands", asked.grade_bands());
    mentor.grade_bands = ListOf(asked.grade_bands());
  }
  if (fields.contains("subjects")) {
    CheckWords(bad, "mentor.subjects", asked.subjects());
    mentor.subjects = ListOf(asked.subjects());
  }
  if (fields.contains("capacity")) {
    CheckRange(bad, "mentor.capacity", asked.capacity(), 0, kMaxCapacity);
    mentor.capacity = asked.capacity();
  }
  mentor.interested_in_more = asked.interested_in_more();
  if (fields.contains("years_mentored")) {
    CheckRange(bad, "mentor.years_mentored", asked.years_mentored(), 0, kMaxYears);
    mentor.years_mentored = asked.years_mentored();
  }
  mentor.opted_out = asked.opted_out();
  if (fields.contains("supervised_sites")) {
    mentor.supervised_sites = names.Ids("mentor.supervised_sites", asked.supervised_sites(), "sites", kMaxReferences);
  }
  return mentor;
}

const std::set<std::string>& MentorFields() {
  static const auto* const fields =
      new std::set<std::string>{"contact",  "district",           "programs",       "credentials", "grade_bands",     "subjects",
                                "capacity", "interested_in_more", "years_mentored", "opted_out",   "supervised_sites"};
  return *fields;
}

}  // namespace

std::string ConsortiumName(std::string_view consortium) { return absl::StrCat("consortia/", ToAbsl(consortium)); }
std::string NameIn(std::string_view consortium, std::string_view collection, std::string_view id) {
  if (id.empty()) return "";
  return absl::StrCat("consortia/", ToAbsl(consortium), "/", ToAbsl(collection), "/", ToAbsl(id));
}
std::string CandidateName(std::string_view consortium, std::string_view program, std::string_view candidate) {
  if (candidate.empty()) return "";
  return absl::StrCat("consortia/", ToAbsl(consortium), "/programs/", ToAbsl(program), "/candidates/", ToAbsl(candidate));
}

v1::Consortium ToProto(std::string_view, const Consortium& value) {
  v1::Consortium out;
  out.set_name(ConsortiumName(value.id));
  out.set_display_name(value.display_name);
  return out;
}

v1::District ToProto(std::string_view consortium, const District& value) {
  v1::District out;
  out.set_name(NameIn(consortium, "districts", value.id));
  out.set_display_name(value.display_name);
  SetContact(value.representative, out.mutable_representative());
  out.set_lends_mentors(value.lends_mentors);
  out.set_borrows_mentors(value.borrows_mentors);
  out.set_etag(EtagOf(value));
  return out;
}

v1::Site ToProto(std::string_view consortium, const Site& value) {
  v1::Site out;
  out.set_name(NameIn(consortium, "sites", value.id));
  out.set_display_name(value.display_name);
  out.set_district(NameIn(consortium, "districts", value.district));
  SetContact(value.administrator, out.mutable_administrator());
  return out;
}

v1::Program ToProto(std::string_view consortium, const Program& value) {
  v1::Program out;
  out.set_name(NameIn(consortium, "programs", value.id));
  out.set_display_name(value.display_name);
  out.set_time_zone(value.time_zone);
  SetLeader(consortium, value.leader, out.mutable_leader());
  if (!value.alternate.id.empty()) SetLeader(consortium, value.alternate, out.mutable_alternate());
  if (!value.calendar.empty()) out.mutable_calendar()->ParseFromString(value.calendar);
  out.set_etag(EtagOf(value));
  return out;
}

v1::Mentor ToProto(std::string_view consortium, const Mentor& value) {
  v1::Mentor out;
  out.set_name(NameIn(consortium, "mentors", value.id));
  SetContact(value.contact, out.mutable_contact());
  out.set_district(NameIn(consortium, "districts", value.district));
  for (const std::string& program : value.programs) out.add_programs(NameIn(consortium, "programs", program));
  for (const std::string& credential : value.credentials) out.add_credentials(credential);
  for (const std::string& grade_band : value.grade_bands) out.add_grade_bands(grade_band);
  for (const std::string& subject : value.subjects) out.add_subjects(subject);
  out.set_capacity(value.capacity);
  out.set_interested_in_more(value.interested_in_more);
  out.set_years_mentored(value.years_mentored);
  out.set_opted_out(value.opted_out);
  for (const std::string& site : value.supervised_sites) out.add_supervised_sites(NameIn(consortium, "sites", site));
  out.set_state(static_cast<v1::Mentor::State>(value.state));
  out.set_caseload(value.assigned);
  out.set_held_seats(value.held);
  out.set_etag(absl::StrCat("v", value.version));
  return out;
}

v1::Candidate ToProto(std::string_view consortium, const Candidate& value) {
  v1::Candidate out;
  out.set_name(CandidateName(consortium, value.program, value.id));
  SetContact(value.contact, out.mutable_contact());
  out.set_site(NameIn(consortium, "sites", value.site));
  out.set_credential(value.credential);
  out.set_grade_band(value.grade_band);
  for (const std::string& subject : value.subjects) out.add_subjects(subject);
  if (value.enrolled.has_value()) *out.mutable_enroll_time() = ToTimestamp(*value.enrolled);
  out.set_mentor(NameIn(consortium, "mentors", value.mentor));
  out.set_assignment(NameIn(consortium, "assignments", value.assignment));
  if (value.without_mentor_since.has_value()) *out.mutable_without_mentor_since() = ToTimestamp(*value.without_mentor_since);
  if (value.unenrolled.has_value()) *out.mutable_unenroll_time() = ToTimestamp(*value.unenrolled);
  for (const std::string& mentor : value.do_not_pair) out.add_do_not_pair(NameIn(consortium, "mentors", mentor));
  return out;
}

v1::Assignment ToProto(std::string_view consortium, const Assignment& value) {
  v1::Assignment out;
  out.set_name(NameIn(consortium, "assignments", value.id));
  out.set_candidate(CandidateName(consortium, value.program, value.candidate));
  out.set_mentor(NameIn(consortium, "mentors", value.mentor));
  *out.mutable_begin_time() = ToTimestamp(value.begin);
  if (value.end.has_value()) *out.mutable_end_time() = ToTimestamp(*value.end);
  return out;
}

v1::RosterChange ToProto(std::string_view consortium, const Change& value) {
  v1::RosterChange out;
  out.set_kind(static_cast<v1::RosterChange::Kind>(value.kind));
  out.set_program(NameIn(consortium, "programs", value.program));
  if (!value.candidate.empty()) out.set_candidate(CandidateName(consortium, value.program, value.candidate));
  out.set_mentor(NameIn(consortium, "mentors", value.mentor));
  out.set_assignment(NameIn(consortium, "assignments", value.assignment));
  out.set_seat(NameIn(consortium, "seats", value.seat));
  out.set_mentor_left(value.mentor_left);
  return out;
}

v1::Seat ToProto(std::string_view consortium, const Seat& value) {
  v1::Seat out;
  out.set_name(NameIn(consortium, "seats", value.id));
  out.set_mentor(NameIn(consortium, "mentors", value.mentor));
  out.set_candidate(CandidateName(consortium, value.program, value.candidate));
  out.set_state(static_cast<v1::Seat::State>(value.state));
  if (value.held_at.has_value()) *out.mutable_hold_time() = ToTimestamp(*value.held_at);
  if (value.ended_at.has_value()) *out.mutable_end_time() = ToTimestamp(*value.ended_at);
  out.set_assignment(NameIn(consortium, "assignments", value.assignment));
  return out;
}

v1::Need ToProto(std::string_view consortium, const Need& value) {
  v1::Need out;
  out.set_credential(value.credential);
  out.set_grade_band(value.grade_band);
  for (const std::string& subject : value.subjects) out.add_subjects(subject);
  out.set_site(NameIn(consortium, "sites", value.site));
  out.set_district(NameIn(consortium, "districts", value.district));
  return out;
}

void SetBasics(std::string_view consortium, const Ranked& value, v1::RankedMentor& out) {
  out.set_mentor(NameIn(consortium, "mentors", value.mentor));
  out.set_rank(value.rank);
  out.set_full(value.full);
  out.set_experienced(value.experienced);
}

void SetRanked(std::string_view consortium, const Ranked& value, v1::RankedMentor& out) {
  SetBasics(consortium, value, out);
  for (const Tier tier : value.tiers) out.add_tiers(static_cast<v1::Tier>(tier));
  out.set_credential_matches(value.credential_matches);
  out.set_grade_band_matches(value.grade_band_matches);
  out.set_subjects_matching(value.subjects_matching);
  out.set_same_district(value.same_district);
  out.set_caseload(value.caseload);
  out.set_held_seats(value.held_seats);
  out.set_capacity(value.capacity);
  out.set_placed_by_leader(value.placed_by_leader);
  out.set_points(value.points);
  out.set_explanation(value.explanation);
}

v1::RankedMentor ToProto(std::string_view consortium, const Ranked& value) {
  v1::RankedMentor out;
  SetRanked(consortium, value, out);
  return out;
}

v1::HoldNextSeatResponse ToProto(std::string_view consortium, const HeldNext& value) {
  v1::HoldNextSeatResponse out;
  if (value.seat.has_value()) {
    *out.mutable_seat() = ToProto(consortium, *value.seat);
    *out.mutable_mentor() = ToProto(consortium, value.mentor);
  }
  out.set_full(value.full);
  return out;
}

void NamesIn::Same(std::string_view field, const std::string& consortium) {
  if (consortium_.empty()) consortium_ = consortium;
  if (consortium != consortium_) bad_.Add(field, "must be of the same consortium");
}

std::string NamesIn::Id(std::string_view field, std::string_view name, std::string_view collection) {
  const std::string pattern = absl::StrCat("consortia/*/", ToAbsl(collection), "/*");
  const std::vector<std::string> ids = CheckName(bad_, field, name, pattern);
  if (!ids[0].empty()) Same(field, ids[0]);
  return ids[1];
}

std::string NamesIn::OptionalId(std::string_view field, std::string_view name, std::string_view collection) {
  return name.empty() ? "" : Id(field, name, collection);
}

NamesIn::CandidateId NamesIn::Candidate(std::string_view field, std::string_view name) {
  const std::vector<std::string> ids = CheckName(bad_, field, name, "consortia/*/programs/*/candidates/*");
  if (!ids[0].empty()) Same(field, ids[0]);
  return {ids[1], ids[2]};
}

Search ParseSearch(Violations& bad, NamesIn& names, const google::protobuf::RepeatedField<int>& tiers,
                   const google::protobuf::RepeatedPtrField<std::string>& order,
                   const google::protobuf::RepeatedPtrField<std::string>& exclude) {
  Search search;
  for (int i = 0; i < tiers.size(); ++i) {
    const std::string path = absl::StrCat("tiers[", i, "]");
    if (tiers[i] == v1::TIER_UNSPECIFIED || !v1::Tier_IsValid(tiers[i])) {
      bad.Add(path, "must be a tier");
      continue;
    }
    const Tier tier = static_cast<Tier>(tiers[i]);
    if (std::find(search.tiers.begin(), search.tiers.end(), tier) != search.tiers.end()) {
      bad.Add(path, "must not repeat another value");
      return search;
    }
    search.tiers.push_back(tier);
  }
  search.order = names.Ids("order", order, "mentors", kMaxMentorsNamed);
  search.exclude = names.Ids("exclude", exclude, "mentors", kMaxMentorsNamed);
  return search;
}

Experience ParseExperience(Violations& bad, std::string_view field, const v1::Experience& experience) {
  CheckExperience(bad, field, experience);
  return {.mentors_now = experience.mentors_now(),
          .mentored_before = experience.mentored_before(),
          .min_years = experience.min_years_mentored()};
}

Weights ParseWeights(Violations& bad, std::string_view field, const v1::RankingWeights& weights) {
  CheckWeights(bad, field, weights);
  return {.credential = weights.credential(),
          .grade_band = weights.grade_band(),
          .subject = weights.subject(),
          .same_district = weights.same_district(),
          .free_seat = weights.free_seat()};
}

absl::Time ParseDay(Violations& bad, const google::protobuf::Timestamp& rank_time) {
  CheckTimestamp(bad, "rank_time", rank_time);
  return FromTimestamp(rank_time);
}

absl::StatusOr<Parsed> Parse(const v1::CreateConsortiumRequest& request) {
  Violations bad;
  CheckRequestId(bad, request.request_id());
  if (!IsResourceId(request.consortium_id())) bad.Add("consortium_id", "must be 1 to 63 characters of a-z, 0-9 and inner dashes");
  CheckDisplayName(bad, "consortium.display_name", request.consortium().display_name());
  return Result(bad, request.consortium_id(),
                CreateConsortium{{.id = request.consortium_id(), .display_name = request.consortium().display_name()}});
}

absl::StatusOr<Parsed> Parse(const v1::CreateDistrictRequest& request) {
  Violations bad;
  CheckRequestId(bad, request.request_id());
  const std::string consortium = ParentConsortium(bad, "parent", request.parent());
  CheckNewId(bad, "district_id", request.district_id());
  District district = ParseDistrict(bad, request.district(), DistrictFields());
  district.id = request.district_id();
  return Result(bad, consortium, CreateDistrict{std::move(district)});
}

absl::StatusOr<Parsed> Parse(const v1::UpdateDistrictRequest& request) {
  Violations bad;
  CheckRequestId(bad, request.request_id());
  NamesIn names(bad);
  const std::string id = names.Id("district.name", request.district().name(), "districts");
  UpdateDistrict update{
      .district = {}, .fields = ParseMask(bad, request.update_mask(), DistrictFields()), .etag = request.district().etag()};
  update.district = ParseDistrict(bad, request.district(), update.fields);
  update.district.id = id;
  return Result(bad, names.consortium(), std::move(update));
}

absl::StatusOr<Parsed> Parse(const v1::CreateSiteRequest& request) {
  Violations bad;
  CheckRequestId(bad, request.request_id());
  NamesIn names(bad, ParentConsortium(bad, "parent", request.parent()));
  CheckNewId(bad, "site_id", request.site_id());
  CheckDisplayName(bad, "site.display_name", request.site().display_name());
  CheckContact(bad, "site.administrator", request.site().administrator());
  Site site{.id = request.site_id(),
            .display_name = request.site().display_name(),
            .district = names.Id("site.district", request.site().district(), "districts"),
            .administrator = FromProto(request.site().administrator())};
  return Result(bad, names.consortium(), CreateSite{std::move(site)});
}

absl::StatusOr<Parsed> Parse(const v1::CreateProgramRequest& request) {
  Violations bad;
  CheckRequestId(bad, request.request_id());
  NamesIn names(bad, ParentConsortium(bad, "parent", request.parent()));
  CheckNewId(bad, "program_id", request.program_id());
  const v1::Program& asked = request.program();
  Program program = ParseProgram(bad, names, asked, ProgramFields());
  program.id = request.program_id();
  return Result(bad, names.consortium(), CreateProgram{std::move(program)});
}

absl::StatusOr<Parsed> Parse(const v1::UpdateProgramRequest& request) {
  Violations bad;
  CheckRequestId(bad, request.request_id());
  NamesIn names(bad);
  const std::string id = names.Id("program.name", request.program().name(), "programs");
  UpdateProgram update{.program = {}, .fields = ParseMask(bad, request.update_mask(), ProgramFields()), .etag = request.program().etag()};
  update.program = ParseProgram(bad, names, request.program(), update.fields);
  update.program.id = id;
  return Result(bad, names.consortium(), std::move(update));
}

absl::StatusOr<Parsed> Parse(const v1::CreateMentorRequest& request) {
  Violations bad;
  CheckRequestId(bad, request.request_id());
  NamesIn names(bad, ParentConsortium(bad, "parent", request.parent()));
  CheckNewId(bad, "mentor_id", request.mentor_id());
  Mentor mentor = ParseMentor(bad, names, request.mentor(), MentorFields());
  mentor.id = request.mentor_id();
  return Result(bad, names.consortium(), CreateMentor{std::move(mentor)});
}

absl::StatusOr<Parsed> Parse(const v1::UpdateMentorRequest& request) {
  Violations bad;
  CheckRequestId(bad, request.request_id());
  NamesIn names(bad);
  const std::string id = names.Id("mentor.name", request.mentor().name(), "mentors");
  UpdateMentor update;
  update.fields = ParseMask(bad, request.update_mask(), MentorFields());
  update.mentor = ParseMentor(bad, names, request.mentor(), update.fields);
  update.mentor.id = id;
  const std::string& etag = request.mentor().etag();
  if (!etag.empty()) {
    int64_t version = 0;
    const char* end = etag.data() + etag.size();
    const auto [stop, error] = std::from_chars(etag.data() + 1, end, version);
    if (etag[0] != 'v' || error != std::errc() || stop != end) {
      bad.Add("mentor.etag", "must be one that an answer carried");
    } else {
      update.version = version;
    }
  }
  return Result(bad, names.consortium(), std::move(update));
}

absl::StatusOr<Parsed> Parse(const v1::CreateCandidateRequest& request) {
  Violations bad;
  CheckRequestId(bad, request.request_id());
  NamesIn names(bad);
  const v1::Candidate& asked = request.candidate();
  Candidate candidate;
  candidate.program = names.Id("parent", request.parent(), "programs");
  candidate.id = request.candidate_id();
  CheckNewId(bad, "candidate_id", request.candidate_id());
  CheckContact(bad, "candidate.contact", asked.contact());
  candidate.contact = FromProto(asked.contact());
  candidate.site = names.Id("candidate.site", asked.site(), "sites");
  CheckWord(bad, "candidate.credential", asked.credential());
  candidate.credential = asked.credential();
  CheckWord(bad, "candidate.grade_band", asked.grade_band());
  candidate.grade_band = asked.grade_band();
  CheckWords(bad, "candidate.subjects", asked.subjects());
  candidate.subjects = ListOf(asked.subjects());
  if (asked.has_enroll_time()) {
    CheckTimestamp(bad, "candidate.enroll_time", asked.enroll_time());
    candidate.enrolled = FromTimestamp(asked.enroll_time());
  }
  return Result(bad, names.consortium(), CreateCandidate{std::move(candidate)});
}

namespace {

// Of a request about a candidate and a mentor.
template <typename Pair, typename Request>
absl::StatusOr<Parsed> ParsePair(const Request& request) {
  Violations bad;
  CheckRequestId(bad, request.request_id());
  NamesIn names(bad);
  const NamesIn::CandidateId candidate = names.Candidate("candidate", request.candidate());
  const std::string mentor = names.Id("mentor", request.mentor(), "mentors");
  return Result(bad, names.consortium(), Pair{.program = candidate.program, .candidate = candidate.candidate, .mentor = mentor});
}

}  // namespace

absl::StatusOr<Parsed> Parse(const v1::AssignMentorRequest& request) { return ParsePair<AssignMentor>(request); }

absl::StatusOr<Parsed> Parse(const v1::RetireMentorRequest& request) {
  Violations bad;
  CheckRequestId(bad, request.request_id());
  NamesIn names(bad);
  const std::string mentor = names.Id("name", request.name(), "mentors");
  return Result(bad, names.consortium(), RetireMentor{.mentor = mentor});
}

absl::StatusOr<Parsed> Parse(const v1::UnenrollCandidateRequest& request) {
  Violations bad;
  CheckRequestId(bad, request.request_id());
  NamesIn names(bad);
  const NamesIn::CandidateId candidate = names.Candidate("name", request.name());
  return Result(bad, names.consortium(), UnenrollCandidate{.program = candidate.program, .candidate = candidate.candidate});
}

absl::StatusOr<Parsed> Parse(const v1::AddDoNotPairRequest& request) { return ParsePair<AddDoNotPair>(request); }

absl::StatusOr<Parsed> Parse(const v1::RemoveDoNotPairRequest& request) { return ParsePair<RemoveDoNotPair>(request); }

absl::StatusOr<Parsed> Parse(const v1::EndAssignmentRequest& request) {
  Violations bad;
  CheckRequestId(bad, request.request_id());
  NamesIn names(bad);
  const std::string assignment = names.Id("name", request.name(), "assignments");
  return Result(bad, names.consortium(), EndAssignment{.assignment = assignment});
}

absl::StatusOr<Parsed> Parse(const v1::HoldNextSeatRequest& request) {
  Violations bad;
  CheckRequestId(bad, request.request_id());
  NamesIn names(bad, ParentConsortium(bad, "parent", request.parent()));
  CheckSeatId(bad, "seat_id", request.seat_id());
  const NamesIn::CandidateId candidate = names.Candidate("candidate", request.candidate());
  HoldNextSeat hold{.seat = request.seat_id(), .program = candidate.program, .candidate = candidate.candidate, .search = {}};
  hold.search = ParseSearch(bad, names, request);
  if (request.has_rank_time()) hold.day = ParseDay(bad, request.rank_time());
  return Result(bad, names.consortium(), std::move(hold));
}

absl::StatusOr<Parsed> Parse(const v1::HoldSeatRequest& request) {
  Violations bad;
  CheckRequestId(bad, request.request_id());
  NamesIn names(bad, ParentConsortium(bad, "parent", request.parent()));
  CheckSeatId(bad, "seat_id", request.seat_id());
  const std::string mentor = names.Id("mentor", request.mentor(), "mentors");
  const NamesIn::CandidateId candidate = names.Candidate("candidate", request.candidate());
  return Result(bad, names.consortium(),
                HoldSeat{.seat = request.seat_id(), .mentor = mentor, .program = candidate.program, .candidate = candidate.candidate});
}

absl::StatusOr<Parsed> Parse(const v1::ReleaseSeatRequest& request) {
  Violations bad;
  CheckRequestId(bad, request.request_id());
  const SeatName seat = ParseSeat(bad, "name", request.name());
  return Result(bad, seat.consortium, ReleaseSeat{seat.seat});
}

absl::StatusOr<Parsed> Parse(const v1::TransferCandidateRequest& request) {
  Violations bad;
  CheckRequestId(bad, request.request_id());
  const SeatName seat = ParseSeat(bad, "seat", request.seat());
  NamesIn names(bad, seat.consortium);
  return Result(bad, seat.consortium,
                TransferCandidate{.seat = seat.seat, .replaces = names.OptionalId("replaces", request.replaces(), "assignments")});
}

absl::StatusOr<Parsed> Parse(const v1::ImportRosterRequest::Header& header) {
  Violations bad;
  const std::string consortium = ParentConsortium(bad, "header.consortium", header.consortium());
  CheckRequestId(bad, header.request_id());
  if (!header.display_name().empty()) CheckDisplayName(bad, "header.display_name", header.display_name());
  if (header.row_count() < 1) bad.Add("header.row_count", "must be how many rows follow, at least 1");
  return Result(bad, consortium, ImportRoster{.display_name = header.display_name(), .rows = {}});
}

}  // namespace rematch::mentor
