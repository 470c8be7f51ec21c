// A backup that is taken while many cases are under way, and what it is worth once everything else is lost.
#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "demo/mail.h"
#include "demo/mariadb.h"
#include "demo/process.h"
#include "tests/scenario/busy_check.h"
#include "tests/scenario/busy_program.h"
#include "tests/scenario/scenario_kit.h"

namespace rematch::scenario {
namespace {

constexpr int kCases = 60;
// Opened before the backup is there; the rest come behind it, and are lost.
constexpr int kBefore = 45;
constexpr absl::Duration kPatience = absl::Seconds(120);

// What was mailed after the moment of the backup was mailed by a suite that the restored one knows nothing of: it sends that anew, under
// the same Message-ID. Here it is as if it had never arrived, so that what arrives twice now was sent before.
void ForgetMailOfTheLostFuture(demo::Mariadb& restored, const std::string& mail_dir) {
  const auto sent = restored.Run(
      absl::StrCat("SELECT message_id FROM notify_service.notifications WHERE state = ", static_cast<int>(notify::v1::Notification::SENT)));
  ASSERT_TRUE(sent.ok()) << sent.status();
  int kept = 0;
  for (const demo::Mail& mail : demo::ReadMaildirs(mail_dir)) {
    if (absl::StrContains(*sent, mail.message_id)) {
      ++kept;
    } else {
      std::filesystem::remove(absl::StrCat(mail_dir, "/", mail.mailbox, "/new/", mail.file));
    }
  }
  ASSERT_GT(kept, 0) << "nothing was sent before the backup";
}

// The people of the lost suite do not come back to their cases: each is taken back, as far as it still can be.
void TakeBack(demo::Suite& suite, const std::vector<CaseRecord>& records) {
  for (const CaseRecord& record : records) {
    const demo::Caller leader = suite.As("PROGRAM_LEADER", record.leader);
    request::v1::ResumeReassignmentRequest resume;
    resume.set_name(record.name);
    resume.set_request_id("resume-after-restore");
    request::v1::WithdrawReassignmentRequest withdraw;
    withdraw.set_name(record.name);
    withdraw.set_request_id("withdraw-after-restore");
    for (const absl::Status& status : {leader.Call(&demo::RequestStub::ResumeReassignment, resume).status(),
                                       leader.Call(&demo::RequestStub::WithdrawReassignment, withdraw).status()}) {
      // It is not paused; it has ended, or the swap is under way.
      EXPECT_TRUE(status.ok() || absl::IsFailedPrecondition(status)) << status;
    }
  }
}

TEST(Backup, OfAServerUnderLoadIsWholeOnceItIsRestored_F30_F32_F40_F41) {
  WorkFolder folder, another;
  const auto server = StartMariadb(folder);
  ASSERT_TRUE(server.ok()) << server.status();
  std::vector<CaseRecord> before;
  {
    demo::SuiteOptions options = BusyProgram::SuiteFor(folder);
    auto databases = (*server)->Databases();
    ASSERT_TRUE(databases.ok()) << databases.status();
    options.databases = *databases;
    auto suite = demo::Suite::Start(options);
    ASSERT_TRUE(suite.ok()) << suite.status();
    std::atomic<bool> taken = false;
    BusyProgram program(
        {.suite = **suite, .cases = kCases, .at_once = 30, .may_open = [&](int opened) { return taken || opened < kBefore; }});
    ASSERT_TRUE(program.Prepare().ok());
    absl::Status played;
    std::thread play([&] { played = program.Run(); });
    EXPECT_TRUE(demo::WaitUntil([&] { return program.acknowledged() > 4 * kBefore; }, kPatience));
    auto records = RecordsAsTheyStand(**suite, BusyProgram::consortium());
    EXPECT_TRUE(records.ok()) << records.status();
    if (records.ok()) before = *std::move(records);
    const int64_t acknowledged = program.acknowledged();
    const absl::Status backup = (*server)->Backup(absl::StrCat(folder.path(), "/backup"));
    EXPECT_TRUE(backup.ok()) << backup;
    EXPECT_GT(program.acknowledged(), acknowledged) << "nothing was written while the backup was taken";
    taken = true;
    play.join();
    EXPECT_TRUE(played.ok()) << played;
    for (const demo::Part part : demo::kParts) (*suite)->Kill(part);
    ASSERT_TRUE((*server)->Kill().ok());
    // Of the outside world, mail is what was not lost.
    std::filesystem::create_directories(absl::StrCat(another.path(), "/suite"));
    std::filesystem::copy((*suite)->mail_dir(), absl::StrCat(another.path(), "/suite/mail"), std::filesystem::copy_options::recursive);
  }

  const auto restored = demo::Mariadb::Restore(absl::StrCat(SourceDir(), "/tools/mariadb"), absl::StrCat(folder.path(), "/backup"),
                                               absl::StrCat(another.path(), "/mariadb"));
  ASSERT_TRUE(restored.ok()) << restored.status();
  demo::SuiteOptions options = BusyProgram::SuiteFor(another);
  auto databases = (*restored)->Databases();
  ASSERT_TRUE(databases.ok()) << databases.status();
  options.databases = *databases;
  ForgetMailOfTheLostFuture(**restored, absl::StrCat(another.path(), "/suite/mail"));
  auto suite = demo::Suite::Start(options);
  ASSERT_TRUE(suite.ok()) << suite.status();
  auto records = RecordsAsTheyStand(**suite, BusyProgram::consortium());
  ASSERT_TRUE(records.ok()) << records.status();
  std::map<std::string, CaseRecord> by_name;
  for (const CaseRecord& record : *records) by_name[record.name] = record;
  EXPECT_GT(before.size(), 0U);
  for (const CaseRecord& record : before) {
    ASSERT_TRUE(by_name.contains(record.name)) << record.name << " was opened before the backup, and is not in it";
    for (const auto& [step, times] : record.steps) EXPECT_GE(by_name[record.name].steps[step], times) << record.name << " " << step;
  }
  TakeBack(**suite, *records);
  const absl::Status rest = AwaitRest(**suite, BusyProgram::consortium(), *records, kPatience);
  EXPECT_TRUE(rest.ok()) << rest;
  records = RecordsAsTheyStand(**suite, BusyProgram::consortium());
  ASSERT_TRUE(records.ok()) << records.status();
  const std::vector<std::string> wrong = WrongAtRest(**suite, BusyProgram::consortium(), *records);
  EXPECT_THAT(wrong, ::testing::IsEmpty()) << absl::StrJoin(wrong, "\n");
  // All three stores are of one moment: nothing is left for the reconciler.
  suite->reset();
  options.flags = BusyProgram::SuiteFor(another, absl::Milliseconds(200)).flags;
  suite = demo::Suite::Start(options);
  ASSERT_TRUE(suite.ok()) << suite.status();
  EXPECT_THAT(WrongByReconciler(**suite), ::testing::IsEmpty());
}

}  // namespace
}  // namespace rematch::scenario
