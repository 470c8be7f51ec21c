#include "cli/context.h"

#include <google/protobuf/util/json_util.h>

#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "cli/format.h"
#include "cli/utf8.h"
#include "platform/strings.h"
#include "platform/validation.h"

namespace rematch::cli {

namespace mentor_v1 = rematch::mentor::v1;
namespace request_v1 = rematch::request::v1;
namespace notify_v1 = rematch::notify::v1;

namespace {

constexpr char kDefaultSuite[] = ".rematch/suite";
constexpr char kDefaultConsortium[] = "south-bay";

std::string FirstOf(const std::string& given, const char* variable) {
  if (!given.empty() || variable == nullptr) return given;
  return variable;
}

// A terminal draws UTF-8 when the locale's character set says so.
bool LocaleIsUtf8(const Environment& environment) {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* const value = environment.variable(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string lower = absl::AsciiStrToLower(value);
    return lower.find("utf-8") != std::string::npos || lower.find("utf8") != std::string::npos;
  }
  return false;
}

bool WantsColor(const Environment& environment, const std::string& color) {
  if (color != "auto") return color == "always";
  const char* const no_color = environment.variable("NO_COLOR");
  const char* const terminal = environment.variable("TERM");
  return environment.out_is_terminal && (no_color == nullptr || *no_color == '\0') &&
         (terminal == nullptr || std::string(terminal) != "dumb");
}

int WidthOf(const Environment& environment) {
  const char* const columns = environment.variable("COLUMNS");
  int width = 0;
  if (columns != nullptr && absl::SimpleAtoi(columns, &width) && width > 0) return width;
  return environment.width;
}

// Whether `name` has only what ids and the names made of them have.
bool IsNameLike(std::string_view name) {
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./") == std::string_view::npos;
}

std::string Json(const google::protobuf::Message& message, bool spaced) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = spaced;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string json;
  // Printing fails only for an Any of an unknown type, and no message of the suite holds one.
  return google::protobuf::util::MessageToJsonString(message, &json, options).ok() ? json : "{}";
}

}  // namespace

absl::StatusOr<Addresses> ParseSuite(std::string_view text) {
  Addresses addresses;
  int number = 0;
  for (const std::string& raw : std::vector<std::string>(absl::StrSplit(ToAbsl(text), '\n'))) {
    ++number;
    const std::string line(absl::StripAsciiWhitespace(raw));
    if (line.empty() || line.front() == '#') continue;
    const size_t equals = line.find('=');
    const std::string key = line.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : line.substr(equals + 1);
    std::string* const slot = key == "mentor"    ? &addresses.mentor
                              : key == "request" ? &addresses.request
                              : key == "notify"  ? &addresses.notify
                                                 : nullptr;
    if (slot == nullptr || value.empty()) {
      return Usage("line " + std::to_string(number) + " of the suite file is none of mentor=ADDRESS, request=ADDRESS, notify=ADDRESS");
    }
    *slot = value;
  }
  return addresses;
}

absl::StatusOr<rpc::Caller> ParseCaller(std::string_view as, const std::string& consortium) {
  const size_t colon = as.find(':');
  const std::string word = absl::AsciiStrToLower(std::string(as.substr(0, colon)));
  std::string person(colon == std::string_view::npos ? "" : as.substr(colon + 1));
  const auto below = [&](const char* collection) {
    return person.empty() || person.find('/') != std::string::npos ? person : consortium + "/" + collection + "/" + person;
  };
  rpc::Caller caller;
  if (word == "leader") {
    caller = {"PROGRAM_LEADER", below("leaders")};
  } else if (word == "mentor") {
    caller = {"MENTOR", below("mentors")};
  } else if (word == "candidate") {
    if (!person.empty() && person.find('/') == std::string::npos) {
      return Usage("--as candidate: needs the whole name, consortia/.../programs/.../candidates/...");
    }
    caller = {"CANDIDATE", person};
  } else if (word == "site-admin") {
    caller = {"SITE_ADMIN", below("sites")};
  } else if (word == "auditor" || word == "service") {
    return rpc::Caller{absl::AsciiStrToUpper(word), person};
  } else {
    return Usage("--as must be leader:PERSON, candidate:NAME, mentor:PERSON, site-admin:SITE, auditor or service");
  }
  if (caller.person.empty()) return Usage("--as " + word + " needs a person: " + word + ":PERSON");
  if (!IsNameLike(caller.person))
    return Usage("--as " + word + ": a person is named by an id or a resource name, not by `" + Printable(person) + "`");
  return caller;
}

std::string ToJson(const google::protobuf::Message& message) { return Json(message, true); }

std::string ToJsonLine(const google::protobuf::Message& message) { return Json(message, false) + "\n"; }

void JsonObject::Add(std::string_view key, const google::protobuf::Message& message) { AddRaw(key, ToJson(message)); }

void JsonObject::AddRaw(std::string_view key, const std::string& json) {
  members_ += (members_.empty() ? "\"" : ",\"") + std::string(key) + "\":" + json;
}

absl::StatusOr<std::string> ReadInput(const std::string& path, std::istream& in) {
  if (path == "-") return std::string(std::istreambuf_iterator<char>(in), {});
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  if (file) content << file.rdbuf();
  // A directory opens and cannot be read; an empty file sets failbit on the output only.
  if (!file.is_open() || file.bad() || file.peek() != std::ifstream::traits_type::eof()) {
    return Error(absl::StatusCode::kNotFound, "FILE_UNREADABLE", "cannot read " + Printable(path));
  }
  return std::move(content).str();
}

Context::Context(Environment& environment, const Globals& globals) : environment_(environment), globals_(globals) {}

absl::StatusOr<std::string> Context::ReadSuite() {
  const std::string named = FirstOf(globals_.suite, environment_.variable("REMATCH_SUITE"));
  if (named.empty()) {
    const absl::StatusOr<std::string> by_default = ReadInput(kDefaultSuite, environment_.in);
    return by_default.ok() ? *by_default : std::string();
  }
  absl::StatusOr<std::string> content = ReadInput(named, environment_.in);
  if (!content.ok()) return Usage("cannot read the suite file " + Printable(named));
  return content;
}

absl::Status Context::Prepare() {
  REMATCH_ASSIGN_OR_RETURN(const std::string suite, ReadSuite());
  REMATCH_ASSIGN_OR_RETURN(addresses_, ParseSuite(suite));
  const auto override = [&](std::string& slot, const std::string& flag, const char* variable) {
    const std::string said = FirstOf(flag, environment_.variable(variable));
    if (!said.empty()) slot = said;
  };
  override(addresses_.mentor, globals_.mentor_service, "REMATCH_MENTOR_SERVICE");
  override(addresses_.request, globals_.request_service, "REMATCH_REQUEST_SERVICE");
  override(addresses_.notify, globals_.notify_service, "REMATCH_NOTIFY_SERVICE");

  const std::string as = FirstOf(globals_.as, environment_.variable("REMATCH_AS"));
  std::string consortium = FirstOf(globals_.consortium, environment_.variable("REMATCH_CONSORTIUM"));
  // Who gives a whole name has said which consortium it is.
  if (consortium.empty()) consortium = Ancestor(as.substr(as.find(':') == std::string::npos ? as.size() : as.find(':') + 1), "consortia");
  if (consortium.empty()) consortium = kDefaultConsortium;
  consortium_ = consortium.starts_with("consortia/") ? consortium : "consortia/" + consortium;
  if (!ParseName(consortium_, "consortia/*").has_value()) {
    return Usage("--consortium must be an id, 1 to 63 characters of a-z, 0-9 and inner dashes");
  }
  if (as.empty()) return Usage("say who you are: --as leader:PERSON, candidate:NAME, auditor or service, or set REMATCH_AS");
  REMATCH_ASSIGN_OR_RETURN(caller_, ParseCaller(as, consortium_));

  canvas_ = {.width = WidthOf(environment_), .color = WantsColor(environment_, globals_.color), .unicode = LocaleIsUtf8(environment_)};
  return absl::OkStatus();
}

absl::Status Context::SayWhere(absl::Status status, const Place& place, absl::Duration timeout) {
  // What a service says of itself has a reason; what gRPC says of a connection has none.
  if (!ReasonOf(status).empty()) return status;
  const std::string where = std::string(place.service) + " at " + Printable(place.address);
  if (absl::IsUnavailable(status)) return absl::UnavailableError(where + " does not answer");
  if (absl::IsDeadlineExceeded(status)) return absl::DeadlineExceededError(where + " did not answer within " + Span(timeout));
  return status;
}

std::string Context::RequestId() {
  ++requests_;
  if (globals_.request_id.empty()) return environment_.ids.Next();
  return requests_ == 1 ? globals_.request_id : globals_.request_id + "." + std::to_string(requests_);
}

template <>
absl::StatusOr<MentorStub*> Context::StubFor<MentorStub>() {
  if (addresses_.mentor.empty()) return Usage("where is mentor-service? --suite FILE or --mentor-service ADDRESS");
  if (mentor_ == nullptr) mentor_ = mentor_v1::MentorService::NewStub(rpc::MakeChannel(addresses_.mentor));
  return mentor_.get();
}

template <>
absl::StatusOr<RequestStub*> Context::StubFor<RequestStub>() {
  if (addresses_.request.empty()) return Usage("where is request-service? --suite FILE or --request-service ADDRESS");
  if (request_ == nullptr) request_ = request_v1::ReassignmentService::NewStub(rpc::MakeChannel(addresses_.request));
  return request_.get();
}

template <>
absl::StatusOr<NotifyStub*> Context::StubFor<NotifyStub>() {
  if (addresses_.notify.empty()) return Usage("where is notify-service? --suite FILE or --notify-service ADDRESS");
  if (notify_ == nullptr) notify_ = notify_v1::NotifyService::NewStub(rpc::MakeChannel(addresses_.notify));
  return notify_.get();
}

const mentor_v1::Program* Context::ProgramRecord(const std::string& name) {
  const auto [slot, is_new] = programs_.try_emplace(name);
  if (is_new && !addresses_.mentor.empty()) {
    mentor_v1::GetProgramRequest request;
    request.set_name(name);
    if (auto program = Call(&MentorStub::GetProgram, request); program.ok()) slot->second = *std::move(program);
  }
  return slot->second.has_value() ? &*slot->second : nullptr;
}

absl::TimeZone Context::ZoneOf(const std::string& name) {
  if (globals_.utc) return absl::UTCTimeZone();
  const std::string of_program = Ancestor(name, "programs");
  const mentor_v1::Program* const program = of_program.empty() ? nullptr : ProgramRecord(of_program);
  absl::TimeZone zone;
  return program != nullptr && absl::LoadTimeZone(program->time_zone(), &zone) ? zone : environment_.zone;
}

absl::TimeZone Context::ZoneOf(const std::vector<std::string>& names) {
  std::optional<absl::TimeZone> shared;
  for (const std::string& name : names) {
    const absl::TimeZone one = ZoneOf(name);
    if (shared.has_value() && *shared != one) return zone();
    shared = one;
  }
  return shared.value_or(zone());
}

std::string Context::ProgramName(std::string_view given) const {
  return given.find('/') != std::string_view::npos ? std::string(given) : consortium_ + "/programs/" + std::string(given);
}

absl::StatusOr<std::vector<mentor_v1::Program>> Context::ProgramRecords(const std::string& given) {
  if (!given.empty()) {
    mentor_v1::GetProgramRequest request;
    request.set_name(ProgramName(given));
    REMATCH_ASSIGN_OR_RETURN(mentor_v1::Program program, Call(&MentorStub::GetProgram, request));
    return std::vector<mentor_v1::Program>{std::move(program)};
  }
  mentor_v1::ListProgramsRequest request;
  request.set_parent(consortium_);
  const absl::StatusOr<mentor_v1::ListProgramsResponse> listed = CallPages(&MentorStub::ListPrograms, request);
  if (absl::IsNotFound(listed.status()) && caller_.role == "PROGRAM_LEADER") {
    return Error(absl::StatusCode::kNotFound, ReasonOf(listed.status()),
                 "leader:" + IdOf(caller_.person) + " leads no program of " + IdOf(consortium_) + ", if there is such a consortium");
  }
  if (!listed.ok()) return listed.status();
  return ToVector(listed->programs());
}

absl::StatusOr<mentor_v1::Program> Context::OneProgramRecord(const std::string& given) {
  REMATCH_ASSIGN_OR_RETURN(std::vector<mentor_v1::Program> programs, ProgramRecords(given));
  if (programs.size() == 1) return std::move(programs[0]);
  return Usage(programs.empty() ? "there is no program" : "there are several programs: name one with --program");
}

absl::StatusOr<std::string> Context::OneProgram(const std::string& given) {
  REMATCH_ASSIGN_OR_RETURN(const mentor_v1::Program program, OneProgramRecord(given));
  return program.name();
}

absl::StatusOr<std::vector<std::string>> Context::Programs(const std::string& given) {
  if (!given.empty()) return std::vector<std::string>{ProgramName(given)};
  // A candidate is in one program, which their name says.
  if (const std::string own = Ancestor(caller_.person, "programs"); !own.empty()) return std::vector<std::string>{own};
  REMATCH_ASSIGN_OR_RETURN(const std::vector<mentor_v1::Program> programs, ProgramRecords(""));
  std::vector<std::string> names;
  for (const mentor_v1::Program& program : programs) names.push_back(program.name());
  return names;
}

absl::StatusOr<std::string> Context::CaseName(const std::string& given, Purpose purpose) {
  if (given.starts_with("consortia/")) return given;
  REMATCH_ASSIGN_OR_RETURN(const std::vector<std::string> programs, Programs(""));
  std::vector<Known> known;
  for (const std::string& program : programs) {
    request_v1::ListReassignmentsRequest request;
    request.set_parent(program);
    REMATCH_ASSIGN_OR_RETURN(const request_v1::ListReassignmentsResponse listed, CallPages(&RequestStub::ListReassignments, request));
    for (const auto& c : listed.reassignments()) known.push_back({c.name(), {}});
  }
  return Resolve("case", known, given, purpose);
}

absl::StatusOr<std::string> Context::DistrictName(const std::string& given, Purpose purpose) {
  if (given.starts_with("consortia/")) return given;
  mentor_v1::ListDistrictsRequest request;
  request.set_parent(consortium_);
  REMATCH_ASSIGN_OR_RETURN(const mentor_v1::ListDistrictsResponse listed, CallPages(&MentorStub::ListDistricts, request));
  std::vector<Known> known;
  for (const auto& district : listed.districts()) known.push_back({district.name(), {district.display_name()}});
  return Resolve("district", known, given, purpose);
}

absl::StatusOr<std::string> Context::MentorName(const std::string& given, Purpose purpose) {
  if (given.starts_with("consortia/")) return given;
  std::vector<std::string> scopes = {""};
  // A leader must say which program they look at.
  if (caller_.role == "PROGRAM_LEADER") {
    REMATCH_ASSIGN_OR_RETURN(scopes, Programs(""));
  }
  std::vector<Known> known;
  for (const std::string& program : scopes) {
    mentor_v1::ListMentorsRequest request;
    request.set_parent(consortium_);
    request.set_program(program);
    REMATCH_ASSIGN_OR_RETURN(const mentor_v1::ListMentorsResponse listed, CallPages(&MentorStub::ListMentors, request));
    for (const auto& mentor : listed.mentors())
      known.push_back({mentor.name(), {mentor.contact().display_name(), mentor.contact().email()}});
  }
  return Resolve("mentor", known, given, purpose);
}

absl::StatusOr<std::string> Context::PolicyName(const std::string& given, Purpose purpose) {
  if (given.starts_with("policies/")) return given;
  std::vector<std::string> parents = {""};
  REMATCH_ASSIGN_OR_RETURN(const std::vector<std::string> programs, Programs(""));
  parents.insert(parents.end(), programs.begin(), programs.end());
  std::set<std::string> names;
  for (const std::string& parent : parents) {
    request_v1::ListPolicyVersionsRequest request;
    request.set_parent(parent);
    REMATCH_ASSIGN_OR_RETURN(const request_v1::ListPolicyVersionsResponse listed, CallPages(&RequestStub::ListPolicyVersions, request));
    for (const auto& one : listed.policies()) names.insert(one.name());
  }
  std::vector<Known> known;
  for (const std::string& name : names) known.push_back({name, {}});
  return Resolve("policy", known, given, purpose);
}

absl::StatusOr<std::string> Context::CandidateName(const std::string& given, const std::string& program, Purpose purpose) {
  if (given.starts_with("consortia/")) return given;
  REMATCH_ASSIGN_OR_RETURN(const std::vector<std::string> programs, Programs(program));
  std::vector<Known> known;
  for (const std::string& one : programs) {
    mentor_v1::ListCandidatesRequest request;
    request.set_parent(one);
    REMATCH_ASSIGN_OR_RETURN(const mentor_v1::ListCandidatesResponse listed, CallPages(&MentorStub::ListCandidates, request));
    for (const auto& candidate : listed.candidates()) {
      known.push_back({candidate.name(), {candidate.contact().display_name(), candidate.contact().email()}});
    }
  }
  return Resolve("candidate", known, given, purpose);
}

absl::StatusOr<request_v1::Task> Context::FindTask(const std::string& given, const std::string& of_case) {
  std::vector<std::string> parents;
  if (given.starts_with("consortia/")) {
    const std::string of = Ancestor(given, "reassignments");
    parents.push_back(of.empty() ? Ancestor(given, "programs") : of);
  } else if (!of_case.empty()) {
    REMATCH_ASSIGN_OR_RETURN(std::string name, CaseName(of_case, Purpose::kWrite));
    parents.push_back(std::move(name));
  } else if (const size_t slash = given.find('/'); slash != std::string::npos && given.find('-', slash) == std::string::npos) {
    // Those of candidates have a dash in their names. The case that is named may have ended; its program's list of tasks has all of them
    // all the same.
    REMATCH_ASSIGN_OR_RETURN(std::string name, CaseName(given.substr(0, slash), Purpose::kWrite));
    parents.push_back(std::move(name));
  } else {
    REMATCH_ASSIGN_OR_RETURN(parents, Programs(""));
  }
  std::vector<Known> open;
  std::vector<Known> all;
  std::vector<request_v1::Task> tasks;
  for (const std::string& parent : parents) {
    request_v1::ListTasksRequest request;
    request.set_parent(parent);
    REMATCH_ASSIGN_OR_RETURN(const request_v1::ListTasksResponse listed, CallPages(&RequestStub::ListTasks, request));
    for (const auto& task : listed.tasks()) {
      tasks.push_back(task);
      all.push_back({task.name(), {ShortName(task.name())}});
      if (!task.has_end_time()) open.push_back(all.back());
    }
  }
  // A short id means an open task if it can.
  absl::StatusOr<std::string> name = Resolve("task", open, given, Purpose::kWrite);
  if (absl::IsNotFound(name.status())) name = Resolve("task", all, given, Purpose::kWrite);
  if (!name.ok()) return name.status();
  for (request_v1::Task& task : tasks) {
    if (task.name() == *name) return std::move(task);
  }
  return Error(absl::StatusCode::kNotFound, reason::kNotFound, "no such task");
}

absl::StatusOr<request_v1::Offer> Context::FindOffer(const std::string& given, const std::string& of_case) {
  std::string parent = of_case;
  std::string meant = given;
  if (given.starts_with("consortia/")) {
    parent = Ancestor(given, "reassignments");
  } else if (parent.empty()) {
    const size_t slash = given.find('/');
    if (slash == std::string::npos) return Usage("an offer is named by CASE/OFFER, such as 3fa2b1/o2");
    REMATCH_ASSIGN_OR_RETURN(parent, CaseName(given.substr(0, slash), Purpose::kWrite));
    meant = given.substr(slash + 1);
  }
  request_v1::ListOffersRequest request;
  request.set_parent(parent);
  REMATCH_ASSIGN_OR_RETURN(const request_v1::ListOffersResponse listed, Call(&RequestStub::ListOffers, request));
  const People people = LoadPeople({Ancestor(parent, "programs")});
  std::vector<Known> known;
  for (const auto& offer : listed.offers()) {
    // Whoever was asked stands for the offer that they were made.
    known.push_back(
        {offer.name(), offer.mentor().empty() ? std::vector<std::string>() : std::vector<std::string>{people.Of(offer.mentor())}});
  }
  REMATCH_ASSIGN_OR_RETURN(const std::string name, Resolve("offer", known, meant, Purpose::kWrite));
  for (const auto& offer : listed.offers()) {
    if (offer.name() == name) return offer;
  }
  return Error(absl::StatusCode::kNotFound, reason::kNotFound, "no such offer");
}

People Context::LoadPeople(const std::vector<std::string>& programs) {
  People people;
  if (addresses_.mentor.empty()) return people;
  mentor_v1::ListSitesRequest sites;
  sites.set_parent(consortium_);
  if (const auto listed = CallPages(&MentorStub::ListSites, sites); listed.ok()) {
    for (const auto& site : listed->sites()) people.Add(site.name(), site.display_name());
  }
  mentor_v1::ListDistrictsRequest districts;
  districts.set_parent(consortium_);
  if (const auto listed = CallPages(&MentorStub::ListDistricts, districts); listed.ok()) {
    for (const auto& district : listed->districts()) people.Add(district.name(), district.display_name());
  }
  for (const std::string& program : programs) {
    if (const mentor_v1::Program* const got = ProgramRecord(program); got != nullptr) {
      people.Add(got->name(), got->display_name());
      for (const mentor_v1::Leader& leader : {got->leader(), got->alternate()})
        people.Add(leader.person(), leader.contact().display_name());
    }
    mentor_v1::ListMentorsRequest mentors;
    mentors.set_parent(consortium_);
    mentors.set_program(program);
    if (const auto listed = CallPages(&MentorStub::ListMentors, mentors); listed.ok()) {
      for (const auto& mentor : listed->mentors()) people.Add(mentor.name(), mentor.contact().display_name());
    }
    mentor_v1::ListCandidatesRequest candidates;
    candidates.set_parent(program);
    if (const auto listed = CallPages(&MentorStub::ListCandidates, candidates); listed.ok()) {
      for (const auto& candidate : listed->candidates()) people.Add(candidate.name(), candidate.contact().display_name());
    }
  }
  return people;
}

void Context::AddCasePeople(const std::string& of_case, People& people) {
  request_v1::ListPeopleRequest named;
  named.set_parent(of_case);
  if (const auto listed = Call(&RequestStub::ListPeople, named); listed.ok()) {
    for (const auto& person : listed->people()) people.Add(person.name(), person.contact().display_name());
  }
  request_v1::ListOffersRequest asked;
  asked.set_parent(of_case);
  if (const auto listed = Call(&RequestStub::ListOffers, asked); listed.ok()) {
    for (const auto& offer : listed->offers()) {
      const std::string& who = offer.mentor().empty() ? offer.person() : offer.mentor();
      if (!who.empty()) people.Add(offer.name(), people.Of(who));
    }
  }
}

void Context::AddTaskPeople(const std::vector<request_v1::Task>& tasks, People& people) {
  std::set<std::string> cases;
  for (const request_v1::Task& task : tasks) {
    if (!task.person().empty() || !task.offer().empty()) cases.insert(Ancestor(task.name(), "reassignments"));
  }
  for (const std::string& of_case : cases) AddCasePeople(of_case, people);
}

}  // namespace rematch::cli
