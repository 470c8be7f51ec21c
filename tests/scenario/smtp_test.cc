// Case (a) with a real SMTP server at the end of the line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "demo/cases.h"
#include "demo/mail.h"
#include "demo/process.h"
#include "tests/scenario/scenario_kit.h"

namespace rematch::scenario {
namespace {

using ::testing::IsEmpty;

// The SMTP server of tests/notify: keeps one file a Message-ID, and counts how often each was handed over.
class SmtpSink {
 public:
  explicit SmtpSink(const std::string& folder) : folder_(folder + "/sink") {
    std::filesystem::create_directories(folder_);
    const std::string stdin_path = folder + "/sink.stdin", port_path = folder + "/sink.port";
    EXPECT_EQ(mkfifo(stdin_path.c_str(), 0600), 0);
    auto process =
        demo::Process::Start({.argv = {"/usr/bin/python3", absl::StrCat(REMATCH_SOURCE_DIR, "/tests/notify/smtp_sink.py"), folder_},
                              .stdout_path = port_path,
                              .stderr_path = folder + "/sink.stderr",
                              .stdin_path = stdin_path,
                              .environment = {}});
    EXPECT_TRUE(process.ok()) << process.status();
    if (process.ok()) process_ = *std::move(process);
    demo::WaitUntil([&] { return absl::SimpleAtoi(demo::ReadFile(port_path), &port_) || !process_.running(); }, absl::Seconds(20));
    EXPECT_NE(port_, 0) << demo::ReadFile(folder + "/sink.stderr");
  }
  int port() const { return port_; }
  // By the file's name, which is the Message-ID; with the mailbox of whom it is to.
  std::vector<demo::Mail> All() const {
    std::vector<demo::Mail> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      if (entry.path().extension() == ".count") continue;
      demo::Mail mail = demo::ParseMail(demo::ReadFile(entry.path().string()));
      mail.file = entry.path().filename().string();
      found.push_back(std::move(mail));
    }
    return found;
  }
  std::vector<demo::Mail> Of(const std::string& address) const {
    std::vector<demo::Mail> found;
    for (demo::Mail& mail : All()) {
      if (absl::StrContains(mail.to, absl::StrCat("<", address, ">"))) found.push_back(std::move(mail));
    }
    return found;
  }
  size_t HandedOver(const demo::Mail& mail) const { return demo::ReadFile(absl::StrCat(folder_, "/", mail.file, ".count")).size(); }

 private:
  const std::string folder_;
  demo::Process process_;
  int port_ = 0;
};

class Smtp : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(On, Smtp, testing::Bool(), Stores::Name);

TEST_P(Smtp, CaseAEndsRightAndEachMessageIsHandedOverOnce_F8) {
  const Stores stores(GetParam());
  WorkFolder folder;
  const SmtpSink sink(folder.path());
  ASSERT_NE(sink.port(), 0);
  const SmallRoster roster;
  auto stage = Prepare(stores.Under({.bin_dir = BinDir(),
                                     .work_dir = folder.path() + "/suite",
                                     .policy = folder.Write("policy", PolicyInSeconds{.individual = 2, .remind_before = 1}.Text()),
                                     .transport = absl::StrCat("smtp://127.0.0.1:", sink.port())}),
                       roster);
  ASSERT_TRUE(stage.ok()) << stage.status();
  demo::Narrator silent;
  demo::Play play({.suite = *stage->suite,
                   .directory = stage->directory,
                   .narrator = silent,
                   .candidate = stage->Candidate(roster),
                   .key = "a",
                   .mail_of = [&](const std::string& address) { return sink.Of(address); }});
  auto expected = demo::TellDeclineSilenceYes(play, demo::DemoWords());
  ASSERT_TRUE(expected.ok()) << expected.status();
  EXPECT_THAT(demo::Differences(play, *expected, stage->before), IsEmpty());
  const std::vector<demo::Mail> all = sink.All();
  // Reminders come on top: as many as the trail speaks of, which Differences() has compared.
  EXPECT_GE(all.size(), expected->messages.size());
  for (const demo::Mail& mail : all) EXPECT_EQ(sink.HandedOver(mail), 1u) << mail.subject;
}

}  // namespace
}  // namespace rematch::scenario
