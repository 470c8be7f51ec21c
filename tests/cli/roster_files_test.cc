#include "cli/roster_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace rematch::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Row = rematch::mentor::v1::ImportRosterRequest::Row;

constexpr char kMentorHeader[] =
    "mentor_id,name,email,phone,district_id,programs,credentials,grade_bands,subjects,capacity,interested_in_more,years_mentored,opted_out,"
    "supervises_sites\n";
constexpr char kCandidateHeader[] = "candidate_id,program_id,name,email,phone,site_id,credential,grade_band,subjects,enrolled,mentor_id\n";
constexpr char kSiteHeader[] =
    "site_id,site_name,district_id,district_name,district_representative,district_email,district_phone,administrator,administrator_email,"
    "administrator_phone\n";

std::vector<std::string> Errors(const Roster& roster) {
  std::vector<std::string> lines;
  for (const RosterError& error : roster.errors()) lines.push_back(error.ToString());
  return lines;
}

Roster Mentors(const std::string& rows) { return ReadRoster({{"mentors.csv", kMentorHeader + rows}}); }

TEST(RosterFiles, MentorRowHasAllItsAttributes) {
  const Roster roster =
      Mentors("M1,\"Lee, Rosa\",rosa@a.example,+1 310 555,D1,secondary;elementary,Single Subject,9-12,Art; Music,3,yes,4,no,S1;S2\n");
  ASSERT_THAT(Errors(roster), IsEmpty());
  ASSERT_EQ(roster.rows().size(), 1u);
  const Row& row = roster.rows()[0];
  EXPECT_EQ(row.file(), "mentors.csv");
  EXPECT_EQ(row.line(), 2);
  EXPECT_EQ(row.mentor().contact().display_name(), "Lee, Rosa");
  EXPECT_THAT(row.mentor().program_ids(), ElementsAre("secondary", "elementary"));
  EXPECT_THAT(row.mentor().subjects(), ElementsAre("Art", "Music"));
  EXPECT_THAT(row.mentor().supervised_site_ids(), ElementsAre("S1", "S2"));
  EXPECT_EQ(row.mentor().capacity(), 3);
  EXPECT_TRUE(row.mentor().interested_in_more());
  EXPECT_EQ(row.mentor().years_mentored(), 4);
  EXPECT_FALSE(row.mentor().opted_out());
}

TEST(RosterFiles, HeaderDecidesTheOrderOfColumns) {
  const Roster roster = ReadRoster({{"candidates.csv",
                                     "mentor_id,enrolled,subjects,grade_band,credential,site_id,phone,email,name,program_id,candidate_id\n"
                                     ",2024-08-19,Art,9-12,Single Subject,S1,,ana@a.example,Ana,secondary,C1\n"}});
  ASSERT_THAT(Errors(roster), IsEmpty());
  ASSERT_EQ(roster.rows().size(), 1u);
  EXPECT_EQ(roster.rows()[0].candidate().id(), "C1");
  EXPECT_EQ(roster.rows()[0].candidate().enroll_time().seconds(), 1724025600);
  EXPECT_EQ(roster.rows()[0].candidate().mentor_id(), "");
}

TEST(RosterFiles, ErrorsNameFileLineAndColumn) {
  const Roster roster = Mentors(
      "M1,Rosa,rosa@a.example,,D1,,,,,three,yes,4,no,\n"
      "M2,José,nobody,,D1,,,,,3,maybe,4,no,\n");
  EXPECT_THAT(Errors(roster), ElementsAre("mentors.csv:2:32: capacity must be a whole number from 0 to 50",
                                          "mentors.csv:3:9: email must be an address like name@example.org",
                                          "mentors.csv:3:26: interested_in_more must be yes or no"));
}

TEST(RosterFiles, ErrorsNeverRepeatTheContent) {
  const Roster roster = Mentors("M1,Rosa,secret-address,,D1,,,,,canary,canary,canary,canary,\n");
  EXPECT_EQ(roster.errors().size(), 5u);
  for (const std::string& error : Errors(roster)) {
    EXPECT_THAT(error, ::testing::Not(HasSubstr("secret")));
    EXPECT_THAT(error, ::testing::Not(HasSubstr("canary")));
  }
}

TEST(RosterFiles, WrongNumberOfFieldsHasItsPlace) {
  const Roster roster =
      ReadRoster({{"candidates.csv", std::string(kCandidateHeader) + "C1,secondary,Ana\nC2,p,n,e@x,,S,c,g,s,2024-08-19,,extra\n"}});
  EXPECT_THAT(Errors(roster), ElementsAre("candidates.csv:2:14: has 3 fields where the header has 11",
                                          "candidates.csv:3:33: has 12 fields where the header has 11"));
}

TEST(RosterFiles, UnknownAndMissingColumnsAreNamed) {
  const Roster roster = ReadRoster(
      {{"candidates.csv", "candidate_id,program_id,name,email,phone,site_id,credential,grade_band,subjects,enroled,mentor_id\n"}});
  EXPECT_THAT(Errors(roster), ElementsAre("candidates.csv:1:1: missing column enrolled", "candidates.csv:1:81: unknown column enroled"));
}

TEST(RosterFiles, ColumnMayNotComeTwice) {
  const Roster roster = ReadRoster({{"mentors.csv", "mentor_id," + std::string(kMentorHeader)}});
  EXPECT_THAT(Errors(roster), ElementsAre("mentors.csv:1:11: column mentor_id comes twice"));
}

TEST(RosterFiles, DistrictsComeFromSitesOnce) {
  const Roster roster =
      ReadRoster({{"sites.csv", std::string(kSiteHeader) + "S1,Alder,D1,Palisade,José,jose@p.example,,Amélie,amelie@p.example,\n"
                                                           "S2,Birch,D1,Palisade,José,jose@p.example,,Kim,kim@p.example,\n"}});
  ASSERT_THAT(Errors(roster), IsEmpty());
  ASSERT_EQ(roster.rows().size(), 3u);
  EXPECT_EQ(roster.rows()[0].district().representative().display_name(), "José");
  EXPECT_EQ(roster.rows()[1].site().id(), "S1");
  EXPECT_EQ(roster.rows()[2].site().district_id(), "D1");
}

TEST(RosterFiles, SitesMaySayWhatTheirDistrictShares_F36) {
  const auto district = [](const std::string& titles, const std::string& cells) {
    std::string header = kSiteHeader;
    header.pop_back();
    const Roster roster = ReadRoster(
        {{"sites.csv", header + titles + "\nS1,Alder,D1,Palisade,José,jose@p.example,,Amélie,amelie@p.example," + cells + "\n"}});
    EXPECT_THAT(Errors(roster), IsEmpty());
    return roster.rows().at(0).district();
  };
  const auto both = district(",district_lends,district_borrows", ",yes,no");
  EXPECT_TRUE(both.lends_mentors());
  EXPECT_TRUE(both.has_borrows_mentors() && !both.borrows_mentors());
  for (const auto& silent : {district("", ""), district(",district_lends,district_borrows", ",,")}) {
    EXPECT_FALSE(silent.has_lends_mentors() || silent.has_borrows_mentors()) << "it stays as it is";
  }
  EXPECT_FALSE(district(",district_borrows", ",yes").has_lends_mentors());
}

TEST(RosterFiles, DistrictThatComesAgainMustSayTheSame) {
  const Roster roster =
      ReadRoster({{"sites.csv", std::string(kSiteHeader) + "S1,Alder,D1,Palisade,José,jose@p.example,,Amélie,amelie@p.example,\n"
                                                           "S2,Birch,D1,Harbor,José,jose@p.example,,Kim,kim@p.example,\n"}});
  EXPECT_THAT(Errors(roster),
              ElementsAre("sites.csv:3:10: district_id comes with another name, representative, email, phone or sharing than in line 2"));
}

TEST(RosterFiles, IdMayNotComeTwice) {
  const Roster roster = Mentors("M1,A,a@x.example,,D1,,,,,3,yes,4,no,\n\nM1,B,b@x.example,,D1,,,,,3,yes,4,no,\n");
  EXPECT_THAT(Errors(roster), ElementsAre("mentors.csv:4:1: mentor_id comes twice, first in line 2"));
}

TEST(RosterFiles, RequiredFieldsMustNotBeEmpty) {
  const Roster roster = Mentors(",,,,,,,,,3,yes,4,no,\n");
  EXPECT_THAT(Errors(roster), ElementsAre("mentors.csv:2:1: mentor_id must not be empty", "mentors.csv:2:2: name must not be empty",
                                          "mentors.csv:2:3: email must not be empty", "mentors.csv:2:5: district_id must not be empty"));
}

TEST(RosterFiles, DatesMustExist) {
  const auto enrolled = [](const std::string& date) {
    return ReadRoster({{"candidates.csv", kCandidateHeader + ("C1,p,n,e@x,,S,c,g,s," + date + ",\n")}}).errors().size();
  };
  EXPECT_EQ(enrolled("2024-02-29"), 0u);
  EXPECT_EQ(enrolled("2023-02-29"), 1u);
  EXPECT_EQ(enrolled("8/19/2024"), 1u);
  EXPECT_EQ(enrolled("2024-8-9"), 1u);
}

TEST(RosterFiles, UnknownFileIsAnError) {
  EXPECT_THAT(Errors(ReadRoster({{"teachers.csv", "a\n"}})), ElementsAre(HasSubstr("teachers.csv:1:1: is none of programs.csv")));
}

TEST(RosterFiles, EmptyFileIsAnError) {
  EXPECT_THAT(Errors(ReadRoster({{"mentors.csv", "\xef\xbb\xbf\r\n"}})), ElementsAre(HasSubstr("is empty")));
}

TEST(RosterFiles, TheServicesComplaintGetsTheColumnOfItsField) {
  const Roster roster = Mentors("M1,\"Ro\nsa\",rosa@a.example,,D9,,,,,3,yes,4,no,\n");
  ASSERT_THAT(Errors(roster), IsEmpty());
  rematch::mentor::v1::ImportRosterResponse::RowError error;
  error.set_file("mentors.csv");
  error.set_line(2);
  error.set_field("district_id");
  error.set_description("is no district");
  EXPECT_EQ(roster.Locate(error).ToString(), "mentors.csv:3:21: district_id is no district");
  error.set_field("program_ids[1]");
  EXPECT_EQ(roster.Locate(error).ToString(), "mentors.csv:3:24: programs is no district");
  error.set_field("");
  EXPECT_EQ(roster.Locate(error).ToString(), "mentors.csv:2:1: is no district");
}

TEST(RosterFiles, ExampleRosterIsGood) {
  std::vector<RosterFile> files;
  for (const std::string& name : RosterFileNames()) {
    std::ifstream file(std::string(REMATCH_SOURCE_DIR) + "/examples/roster/" + name, std::ios::binary);
    ASSERT_TRUE(file.is_open()) << name;
    std::ostringstream content;
    content << file.rdbuf();
    files.push_back({name, content.str()});
  }
  const Roster roster = ReadRoster(files);
  EXPECT_THAT(Errors(roster), IsEmpty());
  EXPECT_EQ(roster.rows().size(), 3u + 4u + 24u + 60u + 140u);
}

}  // namespace
}  // namespace rematch::cli
