#include "cli/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/failure.h"
#include "platform/strings.h"
#include "tests/cli/sample.h"

namespace rematch::cli {
namespace {

constexpr char kA[] = "consortia/c/programs/p/reassignments/0195a1b2-aaaa-7000-8000-0000001111aa";
constexpr char kB[] = "consortia/c/programs/p/reassignments/0195a1b2-aaaa-7000-8000-0000002211aa";
constexpr char kC[] = "consortia/c/programs/p/reassignments/0195a1b2-bbbb-7000-8000-000000333333";

std::vector<Known> Cases() { return {{kA, {}}, {kB, {}}, {kC, {}}}; }

TEST(Names, PartsOfAName) {
  EXPECT_EQ(IdOf(kProgram), "secondary");
  EXPECT_EQ(Ancestor(kCase, "programs"), kProgram);
  EXPECT_EQ(Ancestor(kCase, "consortia"), "consortia/south-bay");
  EXPECT_EQ(Ancestor(std::string(kCase) + "/tasks/t2", "reassignments"), kCase);
  EXPECT_EQ(Ancestor(kProgram, "mentors"), "");
  EXPECT_EQ(ShortName(kCase), "3fa2b1");
  EXPECT_EQ(ShortName(std::string(kCase) + "/tasks/t2"), "3fa2b1/t2");
  EXPECT_EQ(ShortName(kProgram), "secondary");
}

TEST(Names, TailsAreAsLongAsTheyMustBeToDiffer) {
  const auto tails = ShortTails({kA, kB, kC});
  EXPECT_EQ(tails.at(kA), "1111aa");
  EXPECT_EQ(tails.at(kB), "2211aa");
  const std::string near = "consortia/c/programs/p/reassignments/0195a1b2-aaaa-7000-8000-0000091111aa";
  EXPECT_EQ(ShortTails({kA, near}).at(kA), "01111aa");
}

TEST(Resolve, TakesNamesIdsAndUniqueTails) {
  EXPECT_EQ(*Resolve("case", Cases(), kA, Purpose::kRead), kA);
  EXPECT_EQ(*Resolve("case", Cases(), IdOf(kB), Purpose::kRead), kB);
  EXPECT_EQ(*Resolve("case", Cases(), "3333", Purpose::kRead), kC);
  EXPECT_EQ(*Resolve("case", Cases(), "2211AA", Purpose::kRead), kB);
  EXPECT_EQ(*Resolve("case", Cases(), "0195a1b2-bb", Purpose::kRead), kC) << "a unique beginning does as well";
}

TEST(Resolve, AmbiguousTailIsRefusedAndSaysWhichItCouldBe) {
  const absl::Status status = Resolve("case", Cases(), "11aa", Purpose::kRead).status();
  EXPECT_EQ(ExitCodeOf(status), kExitUsage);
  EXPECT_THAT(Describe(status), ::testing::HasSubstr("1111aa, 2211aa"));
}

TEST(Resolve, ShortTailsAreNotGuessedAt) {
  const absl::Status status = Resolve("case", Cases(), "333", Purpose::kRead).status();
  EXPECT_EQ(ExitCodeOf(status), kExitUsage);
  EXPECT_THAT(Describe(status), ::testing::HasSubstr("too short: 4 letters at least"));
  EXPECT_EQ(Resolve("case", Cases(), "xyz", Purpose::kRead).status().code(), absl::StatusCode::kNotFound) << "no longer word would fit";
}

TEST(Resolve, UnknownIsNotFound) {
  const absl::Status status = Resolve("case", Cases(), "ffffff", Purpose::kRead).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ExitCodeOf(status), kExitRefused);
}

TEST(Resolve, WhatBelongsToACaseIsNamedByTheCaseAndItsOwnId) {
  const std::vector<Known> tasks = {
      {std::string(kA) + "/tasks/t1", {}}, {std::string(kC) + "/tasks/t1", {}}, {std::string(kC) + "/tasks/t2", {}}};
  EXPECT_EQ(*Resolve("task", tasks, "333333/t1", Purpose::kRead), std::string(kC) + "/tasks/t1");
  EXPECT_EQ(*Resolve("task", tasks, "t2", Purpose::kRead), std::string(kC) + "/tasks/t2");
  EXPECT_EQ(ExitCodeOf(Resolve("task", tasks, "t1", Purpose::kRead).status()), kExitUsage);
}

TEST(Resolve, MailIsNamedByTheTailOfItsCaseAndWhatItSays) {
  const std::string mail = "consortia/c/notifications/0195a1b2-aaaa-7000-8000-0000001111aa.o1.first_approach";
  EXPECT_EQ(ShortName(mail), "1111aa.o1.first_approach");
  EXPECT_EQ(*Resolve("mail", {{mail, {}}, {"consortia/c/notifications/0195a1b2-aaaa-7000-8000-0000001111aa.o2.first_approach", {}}},
                     "1111aa.o1.first_approach", Purpose::kRead),
            mail);
}

TEST(Resolve, PeopleAreNamedAsPeopleNameThem) {
  const std::vector<Known> people = {{MentorName(1), {"Ana Ruiz", "ana@a.example"}}, {MentorName(2), {"Ana Ruiz-Lee", "lee@a.example"}}};
  EXPECT_EQ(*Resolve("mentor", people, "ana ruiz", Purpose::kRead), MentorName(1)) << "a whole name before a part of one";
  EXPECT_EQ(*Resolve("mentor", people, "lee@a.example", Purpose::kRead), MentorName(2));
  EXPECT_EQ(*Resolve("mentor", people, "Ruiz-", Purpose::kRead), MentorName(2));
  EXPECT_EQ(ExitCodeOf(Resolve("mentor", people, "a.example", Purpose::kRead).status()), kExitUsage);
}

TEST(Resolve, WhereSomethingIsWrittenAPartOfANameIsOnlySuggested) {
  const std::vector<Known> people = {{MentorName(1), {"Ana Ruiz", "ana@a.example"}}, {MentorName(2), {"Bo Kern", "bo@a.example"}}};
  for (const char* part : {"Ruiz", "ana@", "a.example", "0195a1b2"}) {
    const absl::Status status = Resolve("mentor", people, part, Purpose::kWrite).status();
    EXPECT_EQ(ExitCodeOf(status), kExitUsage) << part;
    EXPECT_THAT(Describe(status), ::testing::HasSubstr("did you mean Ana Ruiz (000001)")) << part;
  }
  for (const std::string& whole :
       {MentorName(1), IdOf(MentorName(1)), std::string("000001"), std::string("ANA RUIZ"), std::string("ana@a.example")}) {
    EXPECT_EQ(*Resolve("mentor", people, whole, Purpose::kWrite), MentorName(1)) << whole;
  }
}

TEST(People, ValuesOfEnumsBecomeWordsAndNamesStayAsTheyAre) {
  People people;
  people.Add(MentorName(1), "OPEN_ Ana TOLD");
  EXPECT_EQ(people.Humanize("task REVIEW_REASONS (VOICEMAIL), " + MentorName(1) + " UNTOLD"),
            "task review reasons (voicemail), OPEN_ Ana TOLD untold");
  EXPECT_EQ(people.Humanize("delivered 0195a1b2-aaaa-7000-8000-0000001111aa.o1.broadcast"), "delivered 1111aa.o1.broadcast");
}

TEST(People, ResourceNamesInSentencesBecomePeople) {
  const People people = SamplePeople();
  EXPECT_EQ(people.Humanize("asked " + MentorName(1) + ", until Monday."), "asked Mina Okafor, until Monday.");
  EXPECT_EQ(people.Humanize(MentorName(1) + "."), "Mina Okafor.");
  EXPECT_EQ(people.Of(MentorName(9)), "000009");
}

}  // namespace
}  // namespace rematch::cli
