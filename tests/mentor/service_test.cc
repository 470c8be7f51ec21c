// mentor-service as its callers see it, over gRPC.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <set>
#include <thread>

#include "mentor-service/domain/reasons.h"
#include "platform/errors.h"
#include "tests/mentor/mentor_harness.h"

namespace rematch::mentor {
namespace {

using Stub = MentorHarness::Stub;

template <typename Message>
Message Text(const std::string& text) {
  Message message;
  if (!google::protobuf::TextFormat::ParseFromString(text, &message)) ADD_FAILURE() << text;
  return message;
}

template <typename T>
std::string Reason(const absl::StatusOr<T>& result) {
  return result.ok() ? "OK" : ReasonOf(result.status());
}

constexpr char kContact[] = "contact { display_name: 'Zoë Ø' email: 'zoe@x.example' phone: '310 555 0100' }";

// Consortium c1: district d1, site s1, programs p1 (leader lee, alternate al) and p2 (leader lou), mentors m1 and m2 of p1 and m3 of p2,
// candidate ann of p1 without a mentor and bob of p2.
class ServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string in = "parent: 'consortia/c1' request_id: ";
    Ok(&Stub::CreateConsortium,
       Text<v1::CreateConsortiumRequest>("consortium_id: 'c1' consortium { display_name: 'One' } request_id: 'c1'"));
    Ok(&Stub::CreateDistrict, Text<v1::CreateDistrictRequest>(in + "'d1' district_id: 'd1' district { display_name: 'D' representative " +
                                                              "{ display_name: 'Rep' email: 'rep@x.example' } }"));
    Ok(&Stub::CreateSite,
       Text<v1::CreateSiteRequest>(in + "'s1' site_id: 's1' site { display_name: 'S' district: 'consortia/c1/districts/d1'" +
                                   " administrator { display_name: 'Adm' email: 'adm@x.example' } }"));
    CreateProgram("p1", "lee", "al");
    CreateProgram("p2", "lou", "");
    CreateMentor("m1", "p1", 1);
    CreateMentor("m2", "p1", 2);
    CreateMentor("m3", "p2", 2);
    CreateCandidate("ann", "p1");
    CreateCandidate("bob", "p2");
  }

  template <typename Request, typename Response>
  Response Ok(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), const Request& request,
              const rpc::Caller& caller = MentorHarness::Service()) {
    auto response = harness_.Call(method, request, caller);
    if (!response.ok()) {
      ADD_FAILURE() << response.status() << "\n" << request.ShortDebugString();
      return {};
    }
    return *std::move(response);
  }

  void CreateProgram(const std::string& id, const std::string& leader, const std::string& alternate) {
    auto request = Text<v1::CreateProgramRequest>("parent: 'consortia/c1' program { display_name: 'P' time_zone: 'America/Los_Angeles' }");
    request.set_program_id(id);
    request.set_request_id(id);
    *request.mutable_program()->mutable_leader() =
        Text<v1::Leader>("person: 'consortia/c1/leaders/" + leader + "' contact { display_name: 'L' email: 'l@x.example' }");
    if (!alternate.empty()) {
      *request.mutable_program()->mutable_alternate() =
          Text<v1::Leader>("person: 'consortia/c1/leaders/" + alternate + "' contact { display_name: 'A' email: 'a@x.example' }");
    }
    Ok(&Stub::CreateProgram, request);
  }
  static v1::CreateMentorRequest MentorRequest(const std::string& id, const std::string& program, int capacity) {
    auto request =
        Text<v1::CreateMentorRequest>(std::string("parent: 'consortia/c1' mentor { ") + kContact +
                                      " district: 'consortia/c1/districts/d1' credentials: 'Multiple Subject' grade_bands: '3-5' "
                                      "subjects: 'Science' years_mentored: 3 }");
    request.set_mentor_id(id);
    request.set_request_id(id.empty() ? "new" : id);
    request.mutable_mentor()->mutable_contact()->set_email(id + "@m.example");
    request.mutable_mentor()->add_programs("consortia/c1/programs/" + program);
    request.mutable_mentor()->set_capacity(capacity);
    return request;
  }
  void CreateMentor(const std::string& id, const std::string& program, int capacity) {
    Ok(&Stub::CreateMentor, MentorRequest(id, program, capacity));
  }
  static v1::CreateCandidateRequest CandidateRequest(const std::string& id, const std::string& program) {
    auto request = Text<v1::CreateCandidateRequest>(std::string("candidate { ") + kContact +
                                                    " site: 'consortia/c1/sites/s1' credential: 'Multiple Subject' grade_band: '3-5' "
                                                    "subjects: 'Science' enroll_time { seconds: 1750000000 } }");
    request.set_parent("consortia/c1/programs/" + program);
    request.set_candidate_id(id);
    request.set_request_id(id);
    return request;
  }
  void CreateCandidate(const std::string& id, const std::string& program) { Ok(&Stub::CreateCandidate, CandidateRequest(id, program)); }

  v1::Mentor GetMentor(const std::string& id, const rpc::Caller& caller = MentorHarness::Service()) {
    return Ok(&Stub::GetMentor, Text<v1::GetMentorRequest>("name: 'consortia/c1/mentors/" + id + "'"), caller);
  }

  MentorHarness harness_;
};

const std::string kAnn = "consortia/c1/programs/p1/candidates/ann";

v1::HoldSeatRequest HoldRequest(const std::string& seat, const std::string& mentor, const std::string& candidate = kAnn) {
  v1::HoldSeatRequest request;
  request.set_parent("consortia/c1");
  request.set_seat_id(seat);
  request.set_mentor("consortia/c1/mentors/" + mentor);
  request.set_candidate(candidate);
  request.set_request_id("hold-" + seat);
  return request;
}

TEST_F(ServiceTest, WhatWasCreatedIsReadBackByItsName) {
  const v1::Mentor mentor = GetMentor("m1");
  EXPECT_EQ(mentor.name(), "consortia/c1/mentors/m1");
  EXPECT_EQ(mentor.contact().display_name(), "Zoë Ø");
  EXPECT_EQ(mentor.state(), v1::Mentor::ACTIVE);
  EXPECT_THAT(mentor.programs(), ::testing::ElementsAre("consortia/c1/programs/p1"));
  EXPECT_FALSE(mentor.etag().empty());
  const auto candidate = Ok(&Stub::GetCandidate, Text<v1::GetCandidateRequest>("name: '" + kAnn + "'"));
  EXPECT_EQ(candidate.enroll_time().seconds(), 1'750'000'000);
  EXPECT_TRUE(candidate.has_without_mentor_since());
  const auto program = Ok(&Stub::GetProgram, Text<v1::GetProgramRequest>("name: 'consortia/c1/programs/p1'"));
  EXPECT_EQ(program.leader().person(), "consortia/c1/leaders/lee");
  EXPECT_EQ(program.alternate().person(), "consortia/c1/leaders/al");
  EXPECT_EQ(Ok(&Stub::GetSite, Text<v1::GetSiteRequest>("name: 'consortia/c1/sites/s1'")).district(), "consortia/c1/districts/d1");
  EXPECT_EQ(Ok(&Stub::GetDistrict, Text<v1::GetDistrictRequest>("name: 'consortia/c1/districts/d1'")).representative().email(),
            "rep@x.example");
  EXPECT_EQ(Ok(&Stub::GetConsortium, Text<v1::GetConsortiumRequest>("name: 'consortia/c1'")).display_name(), "One");
  auto made = MentorRequest("", "p1", 1);
  made.mutable_mentor()->mutable_contact()->set_email("made@m.example");
  EXPECT_EQ(Ok(&Stub::CreateMentor, made).name().size(), std::string("consortia/c1/mentors/").size() + 36);
}

// As long as it may be, in characters of four bytes where they may be any: no store cuts or refuses what was accepted.
TEST_F(ServiceTest, TheLongestThatIsAcceptedComesBackWhole) {
  const auto of = [](size_t bytes) {
    std::string text;
    while (text.size() < bytes) text += "\U0001F34E";
    return text;
  };
  const auto id = [](char c) { return std::string(63, c); };
  v1::Contact contact;
  contact.set_display_name(of(200));
  contact.set_email(std::string(64, 'l') + "@" + std::string(63, 'd') + "." + std::string(63, 'e') + "." + std::string(61, 'f'));
  ASSERT_EQ(contact.email().size(), 254u);
  contact.set_phone(std::string(40, '5'));

  v1::CreateConsortiumRequest consortium;
  consortium.set_consortium_id(id('c'));
  consortium.mutable_consortium()->set_display_name(of(200));
  consortium.set_request_id(std::string(128, 'r'));
  const std::string parent = Ok(&Stub::CreateConsortium, consortium).name();
  const auto creating = [&](auto request) {
    request.set_parent(parent);
    request.set_request_id(std::string(128, 's'));
    return request;
  };
  auto district = creating(v1::CreateDistrictRequest());
  district.set_district_id(id('d'));
  district.mutable_district()->set_display_name(of(200));
  *district.mutable_district()->mutable_representative() = contact;
  district.set_request_id(std::string(128, 't'));
  auto site = creating(v1::CreateSiteRequest());
  site.set_site_id(id('s'));
  site.mutable_site()->set_display_name(of(200));
  site.mutable_site()->set_district(Ok(&Stub::CreateDistrict, district).name());
  *site.mutable_site()->mutable_administrator() = contact;
  const std::string site_name = Ok(&Stub::CreateSite, site).name();

  auto mentor = creating(v1::CreateMentorRequest());
  mentor.set_mentor_id(id('m'));
  mentor.set_request_id(std::string(128, 'u'));
  *mentor.mutable_mentor()->mutable_contact() = contact;
  mentor.mutable_mentor()->set_district(site.site().district());
  for (int i = 10; i < 60; ++i) {
    const std::string word = of(60) + "-" + std::to_string(i) + "-";
    mentor.mutable_mentor()->add_credentials(word);
    mentor.mutable_mentor()->add_grade_bands(word);
    mentor.mutable_mentor()->add_subjects(word);
  }
  mentor.mutable_mentor()->set_capacity(50);
  const v1::Mentor made = Ok(&Stub::CreateMentor, mentor);

  auto program = creating(v1::CreateProgramRequest());
  program.set_program_id(id('p'));
  program.set_request_id(std::string(128, 'v'));
  program.mutable_program()->set_display_name(of(200));
  program.mutable_program()->set_time_zone("America/Argentina/ComodRivadavia");
  for (v1::Leader* leader : {program.mutable_program()->mutable_leader(), program.mutable_program()->mutable_alternate()}) {
    leader->set_person(parent + "/leaders/" + id(leader == &program.program().leader() ? 'l' : 'a'));
    leader->set_mentor(made.name());
    *leader->mutable_contact() = contact;
  }
  const v1::Program led = Ok(&Stub::CreateProgram, program);

  auto candidate = creating(v1::CreateCandidateRequest());
  candidate.set_parent(led.name());
  candidate.set_candidate_id(id('n'));
  candidate.set_request_id(std::string(128, 'w'));
  *candidate.mutable_candidate()->mutable_contact() = contact;
  candidate.mutable_candidate()->set_site(site_name);
  candidate.mutable_candidate()->set_credential(of(64));
  candidate.mutable_candidate()->set_grade_band(of(64));
  *candidate.mutable_candidate()->mutable_subjects() = mentor.mentor().subjects();
  const v1::Candidate joined = Ok(&Stub::CreateCandidate, candidate);
  auto update = Text<v1::UpdateMentorRequest>("update_mask { paths: 'programs' } request_id: 'join'");
  *update.mutable_mentor() = made;
  update.mutable_mentor()->add_programs(led.name());
  Ok(&Stub::UpdateMentor, update);
  auto hold = creating(v1::HoldSeatRequest());
  hold.set_request_id(std::string(128, 'x'));
  hold.set_seat_id(std::string(128, 'k'));
  hold.set_mentor(made.name());
  hold.set_candidate(joined.name());
  EXPECT_EQ(Ok(&Stub::HoldSeat, hold).name(), parent + "/seats/" + std::string(128, 'k'));

  v1::GetMentorRequest get_mentor;
  get_mentor.set_name(made.name());
  const v1::Mentor mentor_read = Ok(&Stub::GetMentor, get_mentor);
  EXPECT_EQ(mentor_read.contact().SerializeAsString(), contact.SerializeAsString());
  EXPECT_EQ(mentor_read.subjects(49), mentor.mentor().subjects(49));
  v1::GetProgramRequest get_program;
  get_program.set_name(led.name());
  EXPECT_EQ(Ok(&Stub::GetProgram, get_program).SerializeAsString(), led.SerializeAsString());
  v1::GetCandidateRequest get_candidate;
  get_candidate.set_name(joined.name());
  EXPECT_EQ(Ok(&Stub::GetCandidate, get_candidate).credential(), of(64));
  v1::GetSiteRequest get_site;
  get_site.set_name(site_name);
  EXPECT_EQ(Ok(&Stub::GetSite, get_site).administrator().SerializeAsString(), contact.SerializeAsString());
}

TEST_F(ServiceTest, WhatIsNotThereIsNotFoundWithAReasonOfItsKind) {
  EXPECT_EQ(Reason(harness_.Call(&Stub::GetConsortium, Text<v1::GetConsortiumRequest>("name: 'consortia/c9'"))),
            reason::kConsortiumNotFound);
  EXPECT_EQ(Reason(harness_.Call(&Stub::GetDistrict, Text<v1::GetDistrictRequest>("name: 'consortia/c1/districts/d9'"))),
            reason::kDistrictNotFound);
  EXPECT_EQ(Reason(harness_.Call(&Stub::GetSite, Text<v1::GetSiteRequest>("name: 'consortia/c1/sites/s9'"))), reason::kSiteNotFound);
  EXPECT_EQ(Reason(harness_.Call(&Stub::GetProgram, Text<v1::GetProgramRequest>("name: 'consortia/c1/programs/p9'"))),
            reason::kProgramNotFound);
  EXPECT_EQ(Reason(harness_.Call(&Stub::GetMentor, Text<v1::GetMentorRequest>("name: 'consortia/c1/mentors/m9'"))),
            reason::kMentorNotFound);
  EXPECT_EQ(Reason(harness_.Call(&Stub::GetCandidate, Text<v1::GetCandidateRequest>("name: 'consortia/c1/programs/p2/candidates/ann'"))),
            reason::kCandidateNotFound);
  EXPECT_EQ(Reason(harness_.Call(&Stub::ListSites, Text<v1::ListSitesRequest>("parent: 'consortia/c9'"))), reason::kConsortiumNotFound);
  EXPECT_EQ(Reason(harness_.Call(&Stub::ListCandidates, Text<v1::ListCandidatesRequest>("parent: 'consortia/c1/programs/p9'"))),
            reason::kProgramNotFound);
}

// Each row: a request that is right but for one field.
TEST_F(ServiceTest, EveryRpcRefusesBadFieldsAndChangesNothing) {
  std::vector<std::pair<std::string, absl::Status>> answers;
  const auto try_all = [&](auto method, const auto& good, std::vector<std::string> patches) {
    using Request = std::decay_t<decltype(good)>;
    for (const std::string& patch : patches) {
      Request request = good;
      const Request change = Text<Request>(patch);
      // A repeated or message field of the patch replaces the good one's; "-name" style clearing is a patch with an empty value.
      std::vector<const google::protobuf::FieldDescriptor*> fields;
      change.GetReflection()->ListFields(change, &fields);
      for (const auto* field : fields) {
        if (field->is_repeated() || field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) {
          request.GetReflection()->ClearField(&request, field);
        }
      }
      request.MergeFrom(change);
      answers.emplace_back(std::string(Request::descriptor()->name()) + " " + patch, harness_.Call(method, request).status());
    }
  };
  const std::string long_text(201, 'x');
  const std::string long_id(129, 'x');
  const std::string bad_ids = "request_id: 'a b'";
  const std::string long_request = "request_id: '" + long_id + "'";
  try_all(&Stub::CreateConsortium,
          Text<v1::CreateConsortiumRequest>("consortium_id: 'c2' consortium { display_name: 'Two' } request_id: 'r'"),
          {bad_ids, long_request, "consortium_id: 'C2'", "consortium_id: '-c'", "consortium_id: '" + std::string(64, 'c') + "'",
           "consortium { display_name: '" + long_text + "' }", "consortium { display_name: 'a\\nb' }"});
  try_all(&Stub::CreateDistrict,
          Text<v1::CreateDistrictRequest>(
              "parent: 'consortia/c1' request_id: 'r' district { display_name: 'D' representative { display_name: 'R' "
              "email: 'r@x.example' } }"),
          {bad_ids, "parent: 'c1'", "district_id: 'D 1'", "district { representative { email: 'a@b\\r\\nBcc: c@d' } }",
           "district { representative { display_name: 'a\\rb' } }", "district { representative { phone: 'call' } }"});
  try_all(&Stub::UpdateDistrict,
          Text<v1::UpdateDistrictRequest>("district { name: 'consortia/c1/districts/d1' display_name: 'D' } update_mask { paths: "
                                          "'display_name' } request_id: 'r'"),
          {bad_ids, "district { name: 'd1' }", "district { display_name: 'a\\nb' }", "update_mask { paths: 'representative' }",
           "update_mask { paths: 'etag' }", "update_mask { paths: 'representative.email' }"});
  try_all(&Stub::UpdateDistrict, Text<v1::UpdateDistrictRequest>("district { name: 'consortia/c1/districts/d1' } request_id: 'r'"),
          {"request_id: 'r'"});
  try_all(&Stub::CreateSite,
          Text<v1::CreateSiteRequest>(
              "parent: 'consortia/c1' request_id: 'r' site { display_name: 'S' district: 'consortia/c1/districts/d1' administrator "
              "{ display_name: 'R' email: 'r@x.example' } }"),
          {bad_ids, "parent: 'consortia/c1/x'", "site_id: '_'", "site { district: 'd1' }", "site { district: 'consortia/c2/districts/d1' }",
           "site { administrator { email: 'two@x.example,three@x.example' } }"});
  try_all(
      &Stub::CreateProgram,
      Text<v1::CreateProgramRequest>("parent: 'consortia/c1' request_id: 'r' program { display_name: 'P' time_zone: 'UTC' leader { person: "
                                     "'consortia/c1/leaders/z' contact { display_name: 'L' email: 'l@x.example' } } }"),
      {bad_ids, "program { time_zone: 'Mars/Olympus' }", "program { time_zone: '/etc/passwd' }", "program { leader { person: 'z' } }",
       "program { leader { mentor: 'consortia/c9/mentors/m' } }", "program { alternate { person: 'consortia/c1/leaders/z' } }",
       "program { leader { contact { email: 'none' } } }"});
  try_all(&Stub::UpdateProgram,
          Text<v1::UpdateProgramRequest>(
              "program { name: 'consortia/c1/programs/p1' display_name: 'P' time_zone: 'UTC' } update_mask { paths: 'time_zone' paths: "
              "'display_name' } request_id: 'r'"),
          {bad_ids, "program { name: 'p1' }", "program { time_zone: '/etc/passwd' }",
           "program { display_name: '' }  update_mask { paths: 'leader' }", "update_mask { paths: 'etag' }",
           "update_mask { paths: 'calendar.hours' }"});
  const auto calendar = [](const std::string& what) { return "program { calendar { " + what + " } } update_mask { paths: 'calendar' }"; };
  std::string closures;
  for (int i = 0; i < 2001; ++i) closures += "closures { first: '2026-12-21' } ";
  try_all(&Stub::UpdateProgram,
          Text<v1::UpdateProgramRequest>("program { name: 'consortia/c1/programs/p1' } update_mask { paths: 'calendar' } request_id: 'r'"),
          {calendar("hours { open: '08:00' }"), calendar("hours { day: 8 }"), calendar("hours { day: MONDAY } hours { day: MONDAY }"),
           calendar("hours { day: MONDAY open: '8:00' }"), calendar("hours { day: MONDAY open: '24:00' }"),
           calendar("hours { day: MONDAY open: '08:60' }"), calendar("hours { day: MONDAY open: '16:00' close: '08:00' }"),
           calendar("hours { day: MONDAY open: '08:00' close: '08:00' }"), calendar("closures { first: '' }"),
           calendar("closures { first: '2026-02-30' }"), calendar("closures { first: '2026-2-3' }"),
           calendar("closures { first: '1999-12-31' }"), calendar("closures { first: '2200-01-01' }"),
           calendar("closures { first: '2026-12-21' last: '2026-12-20' }"), calendar("closures { first: '2026-01-01' last: '2028-01-02' }"),
           calendar("closures { first: '2026-12-21' label: 'a\\nb' }"), calendar(closures),
           calendar("terms { first: '2026-08-17' last: '2026-12-18' } terms { first: '2026-12-18' last: '2027-06-01' }"),
           calendar("terms { first: '2026-08-17' last: '2026-12-18' } terms { first: '2062-01-04' last: '2062-06-01' }")});
  try_all(&Stub::CreateMentor, MentorRequest("m9", "p1", 1),
          {bad_ids, "mentor_id: 'M'", "mentor { capacity: 51 }", "mentor { capacity: -1 }", "mentor { years_mentored: 61 }",
           "mentor { programs: 'consortia/c1/programs/p1' }", "mentor { programs: 'consortia/c2/programs/p1' }",
           "mentor { credentials: '' }", "mentor { subjects: 'a\\nb' }", "mentor { grade_bands: '" + std::string(65, 'g') + "' }",
           "mentor { supervised_sites: 's1' }", "mentor { contact { email: 'm@x.example\\nTo: a@b' } }"});
  try_all(&Stub::UpdateMentor,
          Text<v1::UpdateMentorRequest>(
              "mentor { name: 'consortia/c1/mentors/m1' capacity: 2 } update_mask { paths: 'capacity' } request_id: 'r'"),
          {bad_ids, "mentor { name: 'm1' }", "mentor { capacity: 99 }", "update_mask { paths: 'state' }",
           "update_mask { paths: 'contact.email' }", "update_mask { paths: 'contact' }", "mentor { etag: 'x' }", "mentor { etag: 'v1x' }"});
  try_all(&Stub::UpdateMentor, Text<v1::UpdateMentorRequest>("mentor { name: 'consortia/c1/mentors/m1' } request_id: 'r'"),
          {"request_id: 'r'"});
  try_all(&Stub::CreateCandidate, CandidateRequest("c9", "p1"),
          {bad_ids, "parent: 'consortia/c1'", "candidate_id: '!'", "candidate { site: 's1' }",
           "candidate { credential: '" + long_text + "' }", "candidate { grade_band: 'a\\tb' }", "candidate { enroll_time { nanos: -1 } }",
           "candidate { enroll_time { seconds: 99999999999 } }"});
  try_all(&Stub::AssignMentor, Text<v1::AssignMentorRequest>("candidate: '" + kAnn + "' mentor: 'consortia/c1/mentors/m1' request_id: 'r'"),
          {bad_ids, "candidate: 'ann'", "mentor: 'm1'", "mentor: 'consortia/c2/mentors/m1'"});
  try_all(&Stub::HoldSeat, HoldRequest("k", "m1"),
          {bad_ids, "parent: ''  seat_id: 'a/b'", "seat_id: '" + long_id + "'", "mentor: 'm1'",
           "candidate: 'consortia/c2/programs/p1/candidates/ann'"});
  try_all(&Stub::HoldNextSeat,
          Text<v1::HoldNextSeatRequest>("parent: 'consortia/c1' seat_id: 'k' candidate: '" + kAnn + "' request_id: 'r'"),
          {bad_ids, "seat_id: 'a b'", "candidate: 'x'", "tiers: TIER_UNSPECIFIED", "tiers: 9", "tiers: [TIER_INTERESTED, TIER_INTERESTED]",
           "order: 'm1'", "exclude: 'consortia/c2/mentors/m1'", "order: ['consortia/c1/mentors/m1', 'consortia/c1/mentors/m1']"});
  try_all(&Stub::ReleaseSeat, Text<v1::ReleaseSeatRequest>("name: 'consortia/c1/seats/k' request_id: 'r'"),
          {bad_ids, "name: 'k'", "name: 'consortia/c1/seats/'", "name: 'consortia/c1/seats/a/b'", "name: 'consortia/C/seats/k'"});
  try_all(&Stub::TransferCandidate, Text<v1::TransferCandidateRequest>("seat: 'consortia/c1/seats/k' request_id: 'r'"),
          {bad_ids, "seat: 'k'", "replaces: 'a'", "replaces: 'consortia/c2/assignments/a'"});
  const std::vector<std::string> bad_pages = {"page_size: -1", "page_size: 1001", "page_token: 'garbage'", "page_token: '\\001'"};
  const auto pages = [&](std::vector<std::string> more) {
    more.insert(more.end(), bad_pages.begin(), bad_pages.end());
    return more;
  };
  try_all(&Stub::ListConsortia, v1::ListConsortiaRequest(), bad_pages);
  try_all(&Stub::ListDistricts, Text<v1::ListDistrictsRequest>("parent: 'consortia/c1'"), pages({"parent: 'c1'"}));
  try_all(&Stub::ListSites, Text<v1::ListSitesRequest>("parent: 'consortia/c1'"), pages({"parent: 'c1'"}));
  try_all(&Stub::ListPrograms, Text<v1::ListProgramsRequest>("parent: 'consortia/c1'"), pages({"parent: 'c1'"}));
  try_all(&Stub::ListMentors, Text<v1::ListMentorsRequest>("parent: 'consortia/c1'"),
          pages({"parent: 'c1'", "program: 'p1'", "program: 'consortia/c2/programs/p'"}));
  try_all(&Stub::ListCandidates, Text<v1::ListCandidatesRequest>("parent: 'consortia/c1/programs/p1'"), pages({"parent: 'consortia/c1'"}));
  try_all(&Stub::ListAssignments, Text<v1::ListAssignmentsRequest>("parent: 'consortia/c1'"),
          pages({"parent: 'c1'", "candidate: 'x'", "mentor: 'x'", "candidate: '" + kAnn + "' mentor: 'consortia/c1/mentors/m1'"}));
  try_all(&Stub::ListSeats, Text<v1::ListSeatsRequest>("parent: 'consortia/c1'"), pages({"parent: 'c1'", "state: 9"}));
  try_all(&Stub::GetConsortium, v1::GetConsortiumRequest(), {"name: 'c1'"});
  try_all(&Stub::GetDistrict, v1::GetDistrictRequest(), {"name: 'consortia/c1'"});
  try_all(&Stub::GetSite, v1::GetSiteRequest(), {"name: 'consortia/c1/districts/d1'"});
  try_all(&Stub::GetProgram, v1::GetProgramRequest(), {"name: 'consortia/c1/programs/p1/'"});
  try_all(&Stub::GetMentor, v1::GetMentorRequest(), {"name: ' consortia/c1/mentors/m1'", "name: '" + std::string(5000, 'a') + "'"});
  try_all(&Stub::GetCandidate, v1::GetCandidateRequest(), {"name: 'consortia/c1/candidates/ann'"});
  try_all(&Stub::FindEligibleMentors, Text<v1::FindEligibleMentorsRequest>("candidate: '" + kAnn + "' pool: INDIVIDUAL"),
          {"candidate: 'ann'", "pool: 7", "tiers: 12", "exclude: 'm1'"});
  try_all(&Stub::FindEligibleMentors, Text<v1::FindEligibleMentorsRequest>("candidate: '" + kAnn + "'"),
          {"exclude: 'consortia/c1/mentors/m1'"});
  try_all(&Stub::DescribeNeed, Text<v1::DescribeNeedRequest>("candidate: '" + kAnn + "'"), {"candidate: 'x'", "k: -1", "k: 101"});
  for (const auto& [what, status] : answers) {
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << what << ": " << status;
    EXPECT_EQ(ReasonOf(status), rematch::reason::kInvalidField) << what;
  }
  EXPECT_EQ(Ok(&Stub::ListSeats, Text<v1::ListSeatsRequest>("parent: 'consortia/c1'")).seats_size(), 0);
  EXPECT_EQ(Ok(&Stub::ListMentors, Text<v1::ListMentorsRequest>("parent: 'consortia/c1'")).mentors_size(), 3);
  EXPECT_EQ(Ok(&Stub::ListConsortia, v1::ListConsortiaRequest()).consortia_size(), 1);
}

TEST_F(ServiceTest, ARepeatedWriteGetsTheFirstAnswerAndTheSameIdWithAnotherBodyIsAnError_F32) {
  const v1::Seat first = Ok(&Stub::HoldSeat, HoldRequest("k", "m2"));
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(Ok(&Stub::HoldSeat, HoldRequest("k", "m2")), first));
  auto other = HoldRequest("k", "m1");
  EXPECT_EQ(Reason(harness_.Call(&Stub::HoldSeat, other)), rematch::reason::kRequestIdReused);
  auto release = Text<v1::ReleaseSeatRequest>("name: 'consortia/c1/seats/k' request_id: 'hold-k'");
  EXPECT_EQ(Reason(harness_.Call(&Stub::ReleaseSeat, release)), rematch::reason::kRequestIdReused) << "another method";
  EXPECT_EQ(GetMentor("m2").held_seats(), 1);
}

TEST_F(ServiceTest, ASeatIsHeldTransferredAndTheSwapIsSeenInTheCaseloads_F30_F34) {
  const auto first =
      Ok(&Stub::AssignMentor, Text<v1::AssignMentorRequest>("candidate: '" + kAnn + "' mentor: 'consortia/c1/mentors/m1' request_id: 'a'"));
  const auto next = Ok(&Stub::HoldNextSeat,
                       Text<v1::HoldNextSeatRequest>("parent: 'consortia/c1' seat_id: 'k' candidate: '" + kAnn + "' request_id: 'h'"));
  EXPECT_EQ(next.seat().mentor(), "consortia/c1/mentors/m2");
  EXPECT_EQ(next.mentor().rank(), 1);
  EXPECT_FALSE(next.mentor().explanation().empty());
  EXPECT_EQ(GetMentor("m2").held_seats(), 1);
  auto transfer = Text<v1::TransferCandidateRequest>("seat: 'consortia/c1/seats/k' request_id: 't1'");
  EXPECT_EQ(Reason(harness_.Call(&Stub::TransferCandidate, transfer)), reason::kAssignmentChanged);
  transfer.set_replaces(first.name());
  transfer.set_request_id("t2");
  const auto begun = Ok(&Stub::TransferCandidate, transfer);
  EXPECT_EQ(begun.mentor(), "consortia/c1/mentors/m2");
  EXPECT_EQ(GetMentor("m1").caseload(), 0);
  EXPECT_EQ(GetMentor("m2").caseload(), 1);
  EXPECT_EQ(GetMentor("m2").held_seats(), 0);
  const auto candidate = Ok(&Stub::GetCandidate, Text<v1::GetCandidateRequest>("name: '" + kAnn + "'"));
  EXPECT_EQ(candidate.mentor(), "consortia/c1/mentors/m2");
  EXPECT_EQ(candidate.assignment(), begun.name());
  const auto history = Ok(&Stub::ListAssignments, Text<v1::ListAssignmentsRequest>("parent: 'consortia/c1' candidate: '" + kAnn + "'"));
  ASSERT_EQ(history.assignments_size(), 2);
  EXPECT_EQ(history.assignments(0).name(), first.name());
  EXPECT_TRUE(history.assignments(0).has_end_time());
  EXPECT_FALSE(history.assignments(1).has_end_time());
  const auto seats = Ok(&Stub::ListSeats, Text<v1::ListSeatsRequest>("parent: 'consortia/c1' state: TRANSFERRED"));
  ASSERT_EQ(seats.seats_size(), 1);
  EXPECT_EQ(seats.seats(0).assignment(), begun.name());
  EXPECT_EQ(Ok(&Stub::ListSeats, Text<v1::ListSeatsRequest>("parent: 'consortia/c1' state: HELD")).seats_size(), 0);
}

TEST_F(ServiceTest, OfSixtyFourHoldsForTheLastSeatOneGetsIt_F30) {
  std::vector<std::thread> threads;
  std::atomic<int> held = 0, full = 0;
  for (int i = 0; i < 64; ++i) {
    threads.emplace_back([&, i] {
      const auto reply = harness_.Call(&Stub::HoldSeat, HoldRequest("k" + std::to_string(i), "m1"));
      if (reply.ok()) ++held;
      if (Reason(reply) == reason::kNoFreeSeat) ++full;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(held, 1);
  EXPECT_EQ(full, 63);
  EXPECT_EQ(GetMentor("m1").held_seats(), 1);
}

TEST_F(ServiceTest, ListsComeInPagesWithoutGapsOrDoubles) {
  for (int i = 0; i < 25; ++i) {
    const std::string n = std::to_string(i);
    CreateMentor("x" + n, "p1", 2);
    CreateCandidate("y" + n, "p1");
    Ok(&Stub::HoldSeat, HoldRequest("z" + n, "x" + n));
  }
  const auto walk = [&](auto method, auto request, auto rows_of) {
    std::vector<std::string> seen;
    int pages = 0;
    do {
      request.set_page_size(10);
      const auto response = Ok(method, request);
      for (const auto& row : rows_of(response)) seen.push_back(row.name());
      request.set_page_token(response.next_page_token());
    } while (!request.page_token().empty() && ++pages < 20);
    EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), seen.size());
    return seen;
  };
  const auto all =
      walk(&Stub::ListMentors, Text<v1::ListMentorsRequest>("parent: 'consortia/c1'"), [](const auto& r) { return r.mentors(); });
  EXPECT_EQ(all.size(), 28u);
  EXPECT_EQ(all.front(), "consortia/c1/mentors/m1");
  EXPECT_EQ(all.back(), "consortia/c1/mentors/x24") << "in the order in which they joined";
  EXPECT_EQ(walk(&Stub::ListMentors, Text<v1::ListMentorsRequest>("parent: 'consortia/c1' program: 'consortia/c1/programs/p1'"),
                 [](const auto& r) { return r.mentors(); })
                .size(),
            27u);
  EXPECT_EQ(walk(&Stub::ListCandidates, Text<v1::ListCandidatesRequest>("parent: 'consortia/c1/programs/p1'"),
                 [](const auto& r) { return r.candidates(); })
                .size(),
            26u);
  EXPECT_EQ(walk(&Stub::ListSeats, Text<v1::ListSeatsRequest>("parent: 'consortia/c1'"), [](const auto& r) { return r.seats(); }).size(),
            25u);
  Ok(&Stub::AssignMentor, Text<v1::AssignMentorRequest>("candidate: '" + kAnn + "' mentor: 'consortia/c1/mentors/m1' request_id: 'a'"));
  EXPECT_EQ(walk(&Stub::ListCandidates, Text<v1::ListCandidatesRequest>("parent: 'consortia/c1/programs/p1' without_mentor: true"),
                 [](const auto& r) { return r.candidates(); })
                .size(),
            25u);
  auto first = Text<v1::ListMentorsRequest>("parent: 'consortia/c1' page_size: 1");
  auto foreign = Text<v1::ListMentorsRequest>("parent: 'consortia/c1' program: 'consortia/c1/programs/p1'");
  foreign.set_page_token(Ok(&Stub::ListMentors, first).next_page_token());
  EXPECT_EQ(Reason(harness_.Call(&Stub::ListMentors, foreign)), rematch::reason::kInvalidField) << "a token of another question";
}

TEST_F(ServiceTest, ALeaderSeesAndTouchesOnlyTheirOwn_F36) {
  const rpc::Caller lee = MentorHarness::Leader("consortia/c1/leaders/lee");
  const rpc::Caller al = MentorHarness::Leader("consortia/c1/leaders/al");
  const rpc::Caller stranger = MentorHarness::Leader("consortia/c9/leaders/lee");
  EXPECT_EQ(GetMentor("m1", lee).contact().email(), "m1@m.example");
  EXPECT_EQ(GetMentor("m1", al).name(), "consortia/c1/mentors/m1");
  const auto get = [&](const std::string& id, const rpc::Caller& who) {
    return Reason(harness_.Call(&Stub::GetMentor, Text<v1::GetMentorRequest>("name: 'consortia/c1/mentors/" + id + "'"), who));
  };
  EXPECT_EQ(get("m3", lee), reason::kMentorNotFound);
  EXPECT_EQ(get("m1", stranger), reason::kMentorNotFound);
  EXPECT_EQ(
      Reason(harness_.Call(&Stub::GetCandidate, Text<v1::GetCandidateRequest>("name: 'consortia/c1/programs/p2/candidates/bob'"), lee)),
      reason::kCandidateNotFound);
  EXPECT_EQ(Reason(harness_.Call(&Stub::ListCandidates, Text<v1::ListCandidatesRequest>("parent: 'consortia/c1/programs/p2'"), lee)),
            reason::kProgramNotFound);
  const auto programs = Ok(&Stub::ListPrograms, Text<v1::ListProgramsRequest>("parent: 'consortia/c1'"), lee);
  ASSERT_EQ(programs.programs_size(), 1);
  EXPECT_EQ(programs.programs(0).name(), "consortia/c1/programs/p1");
  EXPECT_EQ(Reason(harness_.Call(&Stub::ListMentors, Text<v1::ListMentorsRequest>("parent: 'consortia/c1'"), lee)),
            rematch::reason::kInvalidField);
  EXPECT_EQ(Reason(harness_.Call(&Stub::ListMentors,
                                 Text<v1::ListMentorsRequest>("parent: 'consortia/c1' program: 'consortia/c1/programs/p2'"), lee)),
            reason::kProgramNotFound);
  EXPECT_EQ(Ok(&Stub::ListConsortia, v1::ListConsortiaRequest(), stranger).consortia_size(), 0);
  EXPECT_EQ(Ok(&Stub::ListSites, Text<v1::ListSitesRequest>("parent: 'consortia/c1'"), lee).sites_size(), 1);
  EXPECT_EQ(Reason(harness_.Call(&Stub::ListSites, Text<v1::ListSitesRequest>("parent: 'consortia/c1'"), stranger)),
            reason::kConsortiumNotFound);
  auto create = CandidateRequest("zed", "p2");
  EXPECT_EQ(Reason(harness_.Call(&Stub::CreateCandidate, create, lee)), reason::kProgramNotFound);
  auto update = Text<v1::UpdateMentorRequest>(
      "mentor { name: 'consortia/c1/mentors/m1' programs: 'consortia/c1/programs/p1' programs: 'consortia/c1/programs/p2' } "
      "update_mask { paths: 'programs' } request_id: 'u'");
  EXPECT_EQ(Reason(harness_.Call(&Stub::UpdateMentor, update, lee)), reason::kProgramNotFound) << "into somebody else's program";
  Ok(&Stub::UpdateMentor, update);
  Ok(&Stub::AssignMentor, Text<v1::AssignMentorRequest>(
                              "candidate: 'consortia/c1/programs/p2/candidates/bob' mentor: 'consortia/c1/mentors/m1' request_id: 'a'"));
  EXPECT_EQ(Ok(&Stub::ListAssignments, Text<v1::ListAssignmentsRequest>("parent: 'consortia/c1' mentor: 'consortia/c1/mentors/m1'"), lee)
                .assignments_size(),
            0)
      << "a shared mentor's other candidates";
}

TEST_F(ServiceTest, DistrictsShareMentorsOnceBothSayItAndServicesAloneMaySayIt_F36) {
  Ok(&Stub::CreateDistrict,
     Text<v1::CreateDistrictRequest>("parent: 'consortia/c1' request_id: 'd2' district_id: 'd2' district { display_name: 'D2' "
                                     "representative { display_name: 'Rep' email: 'rep2@x.example' } }"));
  Ok(&Stub::UpdateMentor, Text<v1::UpdateMentorRequest>("mentor { name: 'consortia/c1/mentors/m1' district: 'consortia/c1/districts/d2' } "
                                                        "update_mask { paths: 'district' } request_id: 'u'"));
  const auto pool = [&] {
    std::set<std::string> mentors;
    const auto found = Ok(&Stub::FindEligibleMentors, Text<v1::FindEligibleMentorsRequest>("candidate: '" + kAnn + "' pool: EVERYBODY"));
    for (const auto& ranked : found.mentors()) mentors.insert(ranked.mentor());
    return mentors;
  };
  const auto update = [](const std::string& district, const std::string& field, const std::string& id) {
    return Text<v1::UpdateDistrictRequest>("district { name: 'consortia/c1/districts/" + district + "' display_name: 'Not named' " + field +
                                           ": true } update_mask { paths: '" + field + "' } request_id: '" + id + "'");
  };
  EXPECT_THAT(pool(), ::testing::ElementsAre("consortia/c1/mentors/m2")) << "closed until both say so";
  EXPECT_EQ(Reason(harness_.Call(&Stub::HoldSeat, HoldRequest("k1", "m1"))), reason::kDistrictNotShared);

  const auto lends = update("d2", "lends_mentors", "share-1");
  EXPECT_EQ(harness_.Call(&Stub::UpdateDistrict, lends, MentorHarness::Leader("consortia/c1/leaders/lee")).status().code(),
            absl::StatusCode::kPermissionDenied)
      << "a district is no program's own";
  const v1::District before = Ok(&Stub::GetDistrict, Text<v1::GetDistrictRequest>("name: 'consortia/c1/districts/d2'"));
  const v1::District changed = Ok(&Stub::UpdateDistrict, lends);
  EXPECT_TRUE(changed.lends_mentors());
  EXPECT_FALSE(changed.borrows_mentors());
  EXPECT_EQ(changed.display_name(), "D2");
  EXPECT_NE(changed.etag(), before.etag());
  EXPECT_EQ(Ok(&Stub::GetDistrict, Text<v1::GetDistrictRequest>("name: 'consortia/c1/districts/d2'")).SerializeAsString(),
            changed.SerializeAsString());
  EXPECT_EQ(Reason(harness_.Call(&Stub::HoldSeat, HoldRequest("k1", "m1"))), reason::kDistrictNotShared) << "one side is not both";

  auto borrows = update("d1", "borrows_mentors", "share-2");
  borrows.mutable_district()->set_etag("stale");
  EXPECT_EQ(Reason(harness_.Call(&Stub::UpdateDistrict, borrows)), rematch::reason::kEtagMismatch);
  borrows.mutable_district()->clear_etag();
  Ok(&Stub::UpdateDistrict, borrows);
  EXPECT_EQ(pool().size(), 2u);
  Ok(&Stub::HoldSeat, HoldRequest("k1", "m1"));
  EXPECT_EQ(Reason(harness_.Call(&Stub::UpdateDistrict, update("d9", "lends_mentors", "share-3"))), reason::kDistrictNotFound);
}

TEST_F(ServiceTest, AProgramChangesInWhatTheMaskNames_F37) {
  const rpc::Caller lee = MentorHarness::Leader("consortia/c1/leaders/lee");
  const auto get = [&] { return Ok(&Stub::GetProgram, Text<v1::GetProgramRequest>("name: 'consortia/c1/programs/p1'"), lee); };
  const v1::Program before = get();
  EXPECT_FALSE(before.has_calendar());
  auto request = Text<v1::UpdateProgramRequest>(
      "program { name: 'consortia/c1/programs/p1' display_name: 'Not named' calendar { closures { first: '2026-12-21' last: '2027-01-01' "
      "label: 'Winter break' } } } update_mask { paths: 'calendar' } request_id: 'u1'");
  request.mutable_program()->set_etag(before.etag());
  const v1::Program changed = Ok(&Stub::UpdateProgram, request, lee);
  EXPECT_EQ(changed.display_name(), before.display_name());
  EXPECT_EQ(changed.calendar().closures(0).label(), "Winter break");
  EXPECT_NE(changed.etag(), before.etag());
  EXPECT_EQ(get().SerializeAsString(), changed.SerializeAsString());
  EXPECT_EQ(Ok(&Stub::UpdateProgram, request, lee).etag(), changed.etag()) << "the same request";
  request.set_request_id("u2");
  EXPECT_EQ(Reason(harness_.Call(&Stub::UpdateProgram, request, lee)), rematch::reason::kEtagMismatch);
  request.mutable_program()->clear_etag();
  Ok(&Stub::UpdateProgram, request, lee);  // changes nothing, and is not told
  request = Text<v1::UpdateProgramRequest>(
      "program { name: 'consortia/c1/programs/p1' leader { person: 'consortia/c1/leaders/new' contact { display_name: 'N' email: "
      "'n@x.example' } } } update_mask { paths: 'leader' } request_id: 'u3'");
  EXPECT_EQ(Reason(harness_.Call(&Stub::UpdateProgram, request, lee)), reason::kConsortiumNotFound)
      << "F35: or they could be no mentor for a while, and read who asks to be freed of them";
  EXPECT_EQ(Ok(&Stub::UpdateProgram, request).leader().person(), "consortia/c1/leaders/new");
  request = Text<v1::UpdateProgramRequest>(
      "program { name: 'consortia/c1/programs/p1' display_name: 'Mine' } update_mask { paths: 'display_name' } request_id: 'u4'");
  EXPECT_EQ(Reason(harness_.Call(&Stub::UpdateProgram, request, lee)), reason::kProgramNotFound) << "it is no longer theirs";
  request = Text<v1::UpdateProgramRequest>(
      "program { name: 'consortia/c1/programs/p1' leader { person: 'consortia/c1/leaders/al' contact { display_name: 'A' email: "
      "'a@x.example' } } } update_mask { paths: 'leader' } request_id: 'u5'");
  EXPECT_EQ(Reason(harness_.Call(&Stub::UpdateProgram, request)), rematch::reason::kInvalidField) << "the alternate";
  request = Text<v1::UpdateProgramRequest>(
      "program { name: 'consortia/c1/programs/p1' } update_mask { paths: 'calendar' paths: 'alternate' } request_id: 'u6'");
  const v1::Program without = Ok(&Stub::UpdateProgram, request);
  EXPECT_FALSE(without.has_calendar());
  EXPECT_FALSE(without.has_alternate());
}

TEST_F(ServiceTest, APersonSeesThemselvesAndNoContactOfOthers_F21) {
  const rpc::Caller mentor{.role = std::string(access::kMentor), .person = "consortia/c1/mentors/m1"};
  EXPECT_EQ(GetMentor("m1", mentor).name(), "consortia/c1/mentors/m1");
  EXPECT_EQ(Reason(harness_.Call(&Stub::GetMentor, Text<v1::GetMentorRequest>("name: 'consortia/c1/mentors/m2'"), mentor)),
            reason::kMentorNotFound);
  const rpc::Caller auditor{.role = std::string(access::kAuditor), .person = "auditors/a"};
  EXPECT_EQ(GetMentor("m1", auditor).contact().email(), "");
  EXPECT_EQ(GetMentor("m1", auditor).contact().display_name(), "");
}

TEST_F(ServiceTest, FindsWhoIsEligibleAndDescribesTheNeed_F4_F18) {
  const auto found = Ok(&Stub::FindEligibleMentors, Text<v1::FindEligibleMentorsRequest>("candidate: '" + kAnn + "' pool: INDIVIDUAL"));
  ASSERT_EQ(found.mentors_size(), 2);
  EXPECT_EQ(found.mentors(0).rank(), 1);
  EXPECT_EQ(found.mentors(0).tiers(0), v1::TIER_PAST_MENTOR);
  const auto best =
      Ok(&Stub::FindEligibleMentors, Text<v1::FindEligibleMentorsRequest>("candidate: '" + kAnn + "' pool: EVERYBODY max_results: 1"));
  ASSERT_EQ(best.mentors_size(), 1);
  EXPECT_NE(best.mentors(0).explanation(), "");
  EXPECT_GT(best.can_be_asked(), 1) << "of the whole pool";
  EXPECT_EQ(Ok(&Stub::FindEligibleMentors,
               Text<v1::FindEligibleMentorsRequest>("candidate: '" + kAnn + "' pool: EVERYBODY exclude: 'consortia/c1/mentors/m1'"))
                .mentors_size(),
            1);
  const auto placed =
      Ok(&Stub::FindEligibleMentors,
         Text<v1::FindEligibleMentorsRequest>("candidate: '" + kAnn + "' pool: INDIVIDUAL order: '" + found.mentors(1).mentor() + "'"));
  EXPECT_EQ(placed.mentors(0).mentor(), found.mentors(1).mentor());
  EXPECT_EQ(Reason(harness_.Call(&Stub::FindEligibleMentors, Text<v1::FindEligibleMentorsRequest>(
                                                                 "candidate: '" + kAnn + "' pool: EVERYBODY tiers: TIER_PAST_MENTOR"))),
            rematch::reason::kInvalidField);
  const auto need = Ok(&Stub::DescribeNeed, Text<v1::DescribeNeedRequest>("candidate: '" + kAnn + "'"));
  EXPECT_EQ(need.need().district(), "consortia/c1/districts/d1");
  EXPECT_TRUE(need.coarse_need().credential().empty()) << "she is the only one in her program";
  EXPECT_EQ(Ok(&Stub::DescribeNeed, Text<v1::DescribeNeedRequest>("candidate: '" + kAnn + "' k: 1")).coarse_need().subjects_size(), 1);
}

TEST_F(ServiceTest, DescribesManyCandidatesInOneCallAndLeavesOutWhoIsNotThere_F18) {
  const std::string program = kAnn.substr(0, kAnn.rfind("/candidates/"));
  const auto described =
      Ok(&Stub::DescribeCandidates, Text<v1::DescribeCandidatesRequest>("parent: 'consortia/c1' candidates: '" + kAnn + "' candidates: '" +
                                                                        program + "/candidates/nobody'"));
  ASSERT_EQ(described.described_size(), 1);
  const auto& ann = described.described(0);
  const auto need = Ok(&Stub::DescribeNeed, Text<v1::DescribeNeedRequest>("candidate: '" + kAnn + "'"));
  using google::protobuf::util::MessageDifferencer;
  EXPECT_TRUE(MessageDifferencer::Equals(ann.candidate(), Ok(&Stub::GetCandidate, Text<v1::GetCandidateRequest>("name: '" + kAnn + "'"))));
  EXPECT_TRUE(MessageDifferencer::Equals(ann.need(), need.need()));
  EXPECT_TRUE(MessageDifferencer::Equals(ann.coarse_need(), need.coarse_need()));
  ASSERT_EQ(described.programs_size(), 1);
  EXPECT_TRUE(
      MessageDifferencer::Equals(described.programs(0), Ok(&Stub::GetProgram, Text<v1::GetProgramRequest>("name: '" + program + "'"))));

  const auto alone =
      Ok(&Stub::DescribeCandidates, Text<v1::DescribeCandidatesRequest>("parent: 'consortia/c1' k: 1 candidates: '" + kAnn + "'"));
  EXPECT_EQ(alone.described(0).coarse_need().subjects_size(), 1);
  // Of a program that is there, but not theirs.
  const auto elsewhere =
      Ok(&Stub::DescribeCandidates,
         Text<v1::DescribeCandidatesRequest>("parent: 'consortia/c1' candidates: 'consortia/c1/programs/none/candidates/ann'"));
  EXPECT_EQ(elsewhere.described_size() + elsewhere.programs_size(), 0);
  // Under both at once: whoever asks in vain spoils nothing for the others of the call.
  const auto both = Ok(&Stub::DescribeCandidates,
                       Text<v1::DescribeCandidatesRequest>("parent: 'consortia/c1' candidates: 'consortia/c1/programs/none/candidates/" +
                                                           kAnn.substr(kAnn.rfind('/') + 1) + "' candidates: '" + kAnn + "'"));
  ASSERT_EQ(both.described_size(), 1);
  EXPECT_EQ(both.described(0).candidate().name(), kAnn);
  ASSERT_EQ(both.programs_size(), 1);
  EXPECT_EQ(both.programs(0).name(), program);

  std::string many = "parent: 'consortia/c1'";
  for (int i = 0; i < 65; ++i) many += " candidates: '" + program + "/candidates/c" + std::to_string(i) + "'";
  for (const std::string& bad : {std::string("parent: 'consortia/c1'"), many, "parent: 'consortia/c2' candidates: '" + kAnn + "'",
                                 "parent: 'consortia/c1' candidates: '" + kAnn + "' candidates: '" + kAnn + "'",
                                 "parent: 'consortia/c1' k: 101 candidates: '" + kAnn + "'", "parent: 'x' candidates: '" + kAnn + "'",
                                 std::string("parent: 'consortia/c1' candidates: 'ann'")}) {
    EXPECT_EQ(Reason(harness_.Call(&Stub::DescribeCandidates, Text<v1::DescribeCandidatesRequest>(bad))), rematch::reason::kInvalidField)
        << bad;
  }
  const rpc::Caller leader{.role = std::string(access::kProgramLeader), .person = "consortia/c1/leaders/lee"};
  EXPECT_FALSE(
      harness_
          .Call(&Stub::DescribeCandidates, Text<v1::DescribeCandidatesRequest>("parent: 'consortia/c1' candidates: '" + kAnn + "'"), leader)
          .ok())
      << "for services alone";
}

TEST_F(ServiceTest, TheOrderOfACaseIsThatOfItsFirstDay_F2_F5_F26) {
  for (int i = 0; i < 8; ++i) CreateMentor("x" + std::to_string(i), "p1", 2);
  const auto find = [&](const std::string& rank_time) {
    std::vector<std::string> order;
    const auto found =
        Ok(&Stub::FindEligibleMentors, Text<v1::FindEligibleMentorsRequest>("candidate: '" + kAnn + "' pool: INDIVIDUAL " + rank_time));
    for (const auto& mentor : found.mentors()) order.push_back(mentor.mentor());
    return order;
  };
  std::set<std::vector<std::string>> orders;
  for (int day = 0; day < 10; ++day) {
    const std::string rank_time = "rank_time { seconds: " + std::to_string(1'700'000'000 + day * 86'400) + " }";
    orders.insert(find(rank_time));
    EXPECT_EQ(find(rank_time), find(rank_time));
    const auto held = Ok(&Stub::HoldNextSeat,
                         Text<v1::HoldNextSeatRequest>("parent: 'consortia/c1' seat_id: 's" + std::to_string(day) + "' candidate: '" +
                                                       kAnn + "' request_id: 'h" + std::to_string(day) + "' " + rank_time));
    Ok(&Stub::ReleaseSeat,
       Text<v1::ReleaseSeatRequest>("name: 'consortia/c1/seats/s" + std::to_string(day) + "' request_id: 'r" + std::to_string(day) + "'"));
    EXPECT_EQ(held.seat().mentor(), find(rank_time).front()) << "the seat goes to the first of the order";
  }
  EXPECT_GT(orders.size(), 1u);
  for (const char* bad : {"rank_time { seconds: -99999999999 }", "rank_time { nanos: -1 }", "rank_time { seconds: 9999999999999 }"}) {
    EXPECT_EQ(Reason(harness_.Call(&Stub::FindEligibleMentors,
                                   Text<v1::FindEligibleMentorsRequest>("candidate: '" + kAnn + "' pool: INDIVIDUAL " + bad))),
              rematch::reason::kInvalidField)
        << bad;
    EXPECT_EQ(Reason(harness_.Call(&Stub::HoldNextSeat, Text<v1::HoldNextSeatRequest>("parent: 'consortia/c1' seat_id: 'bad' candidate: '" +
                                                                                      kAnn + "' request_id: 'bad' " + bad))),
              rematch::reason::kInvalidField)
        << bad;
  }
}

TEST_F(ServiceTest, AnImportStreamIsAHeaderThenRowsAndAllOfThem) {
  const auto header =
      Text<v1::ImportRosterRequest>("header { consortium: 'consortia/c2' display_name: 'Two' request_id: 'i' row_count: 1 }");
  const auto row = Text<v1::ImportRosterRequest>(
      "row { file: 'd.csv' line: 2 district { id: 'D' display_name: 'D' representative { display_name: 'R' email: 'r@x.example' } } }");
  EXPECT_EQ(Reason(harness_.Stream({})), rematch::reason::kInvalidField);
  EXPECT_EQ(Reason(harness_.Stream({row})), rematch::reason::kInvalidField);
  EXPECT_EQ(Reason(harness_.Stream({header, header})), rematch::reason::kInvalidField);
  EXPECT_EQ(Reason(harness_.Stream({header})), rematch::reason::kInvalidField) << "a row is missing";
  EXPECT_EQ(Reason(harness_.Stream({header, row, row})), rematch::reason::kInvalidField) << "a row too many";
  EXPECT_EQ(Reason(harness_.Stream({header, v1::ImportRosterRequest()})), rematch::reason::kInvalidField);
  EXPECT_EQ(
      Reason(harness_.Stream({Text<v1::ImportRosterRequest>("header { consortium: 'consortia/c2' display_name: 'Two' request_id: 'i' }")})),
      rematch::reason::kInvalidField)
      << "it may have broken off behind the header";
  for (const char* uncounted : {"header { consortium: 'consortia/c2' display_name: 'Two' request_id: 'i' }",
                                "header { consortium: 'consortia/c2' display_name: 'Two' request_id: 'i' row_count: -1 }",
                                "header { consortium: 'consortia/c1' display_name: 'two\\nlines' request_id: 'i' row_count: 1 }"}) {
    EXPECT_EQ(Reason(harness_.Stream({Text<v1::ImportRosterRequest>(uncounted), row})), rematch::reason::kInvalidField) << uncounted;
  }
  EXPECT_EQ(Reason(harness_.Stream({Text<v1::ImportRosterRequest>("header { consortium: 'c2' request_id: 'i' }")})),
            rematch::reason::kInvalidField);
  EXPECT_EQ(Reason(harness_.Stream({header, row}, MentorHarness::Leader("consortia/c1/leaders/lee"))), rematch::reason::kRoleNotAllowed);
  EXPECT_EQ(Ok(&Stub::ListConsortia, v1::ListConsortiaRequest()).consortia_size(), 1) << "nothing of it was kept";

  const auto taken = harness_.Stream({header, row});
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(taken->created(), 1);
  EXPECT_EQ(harness_.Stream({header, row})->created(), 1) << "the first answer again";
  auto bad = row;
  bad.mutable_row()->mutable_district()->set_display_name("");
  EXPECT_EQ(Reason(harness_.Stream({header, bad})), rematch::reason::kRequestIdReused);
  auto other = header;
  other.mutable_header()->set_request_id("i2");
  const auto refused = harness_.Stream({other, bad});
  ASSERT_TRUE(refused.ok()) << refused.status();
  ASSERT_EQ(refused->errors_size(), 1);
  EXPECT_EQ(refused->errors(0).file(), "d.csv");
  EXPECT_EQ(refused->errors(0).line(), 2);
  EXPECT_EQ(refused->errors(0).field(), "display_name");
  EXPECT_EQ(harness_.Stream({other, row})->unchanged(), 1) << "a refused import may be made right under the same id";
}

TEST_F(ServiceTest, AnImportThatIsCancelledKeepsNothing) {
  grpc::ClientContext context;
  rpc::Prepare(context, absl::Seconds(20), MentorHarness::Service());
  v1::ImportRosterResponse response;
  auto stream = harness_.stub().ImportRoster(&context, &response);
  stream->Write(Text<v1::ImportRosterRequest>("header { consortium: 'consortia/c2' display_name: 'Two' request_id: 'i' row_count: 2 }"));
  stream->Write(Text<v1::ImportRosterRequest>(
      "row { file: 'd.csv' line: 2 district { id: 'D' display_name: 'D' representative { display_name: 'R' email: 'r@x.example' } } }"));
  context.TryCancel();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_EQ(Ok(&Stub::ListConsortia, v1::ListConsortiaRequest()).consortia_size(), 1);
}

TEST_F(ServiceTest, DrainingEndsAnImportThatWaitsForRows) {
  grpc::ClientContext context;
  rpc::Prepare(context, absl::Seconds(20), MentorHarness::Service());
  v1::ImportRosterResponse response;
  auto stream = harness_.stub().ImportRoster(&context, &response);
  stream->Write(Text<v1::ImportRosterRequest>("header { consortium: 'consortia/c2' display_name: 'Two' request_id: 'i' row_count: 1 }"));
  EXPECT_EQ(GetMentor("m1").name(), "consortia/c1/mentors/m1");  // the stream is open by now or refused at once: either way it must end
  harness_.server().Drain();
  EXPECT_FALSE(stream->Finish().ok());
}

}  // namespace
}  // namespace rematch::mentor
