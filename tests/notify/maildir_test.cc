#include "notify-service/transport/maildir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "notify-service/domain/reasons.h"
#include "platform/errors.h"
#include "tests/platform/temp_dir.h"

namespace rematch::notify {
namespace {

namespace fs = std::filesystem;
using Settlement = MailTransport::Settlement;

Message Mail(const std::string& to = "ana@example.org") {
  return {.from = {.display_name = "", .email = "from@example.org"},
          .to = {.display_name = "Ana", .email = to},
          .reply_to = {},
          .message_id = "00112233445566778899aabbccddeeff00112233@test.example",
          .date = absl::FromUnixSeconds(0),
          .subject = "Hello",
          .text = "text\n",
          .html = "<p>html</p>\n"};
}

std::string ReadAll(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream out;
  out << file.rdbuf();
  return out.str();
}

class MaildirTest : public ::testing::Test {
 protected:
  MaildirTest() : maildir_(*Maildir::Open(dir_.File("mail"))) {}
  fs::path Box(const std::string& part, const std::string& to = "ana@example.org") const {
    return fs::path(dir_.File("mail")) / Maildir::FolderOf(to) / part;
  }
  static std::vector<fs::path> In(const fs::path& folder) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
    return files;
  }

  const rematch::testing::TempDir dir_;
  std::unique_ptr<Maildir> maildir_;
};

TEST_F(MaildirTest, DeliversTheWholeMessageIntoTheRecipientsNew) {
  EXPECT_EQ(maildir_->Send(Mail()).kind, Outcome::Kind::kSent);
  const auto files = In(Box("new"));
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(ReadAll(files[0]), Compose(Mail()));
  EXPECT_TRUE(In(Box("tmp")).empty());
}

TEST_F(MaildirTest, OnlyTheOwnerMayReadMail_F23) {
  ASSERT_EQ(maildir_->Send(Mail()).kind, Outcome::Kind::kSent);
  const auto others = fs::perms::group_all | fs::perms::others_all;
  EXPECT_EQ(fs::status(Box("new")).permissions() & others, fs::perms::none);
  EXPECT_EQ(fs::status(In(Box("new"))[0]).permissions() & others, fs::perms::none);
}

TEST_F(MaildirTest, HoldsAMessageOnceHoweverOftenItIsSent_F40) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(maildir_->Send(Mail()).kind, Outcome::Kind::kSent);
  EXPECT_EQ(In(Box("new")).size(), 1u);
}

TEST_F(MaildirTest, SettlesByLookingForTheFile_F40) {
  EXPECT_EQ(maildir_->Settle(Mail()), Settlement::kNotSent);
  ASSERT_EQ(maildir_->Send(Mail()).kind, Outcome::Kind::kSent);
  EXPECT_EQ(maildir_->Settle(Mail()), Settlement::kSent);
}

TEST_F(MaildirTest, AMessageThatWasReadCountsAsSent_F40) {
  ASSERT_EQ(maildir_->Send(Mail()).kind, Outcome::Kind::kSent);
  const fs::path file = In(Box("new"))[0];
  fs::rename(file, Box("cur") / absl::StrCat(file.filename().string(), ":2,S"));
  EXPECT_EQ(maildir_->Settle(Mail()), Settlement::kSent);
}

TEST_F(MaildirTest, ALeftoverOfACrashIsNotSentAndIsReplaced_F40) {
  ASSERT_EQ(maildir_->Send(Mail()).kind, Outcome::Kind::kSent);
  const fs::path file = In(Box("new"))[0];
  fs::remove(file);
  std::ofstream(Box("tmp") / file.filename()) << "Date: half a mess";
  EXPECT_EQ(maildir_->Settle(Mail()), Settlement::kNotSent);
  EXPECT_EQ(maildir_->Send(Mail()).kind, Outcome::Kind::kSent);
  EXPECT_EQ(ReadAll(file), Compose(Mail()));
  EXPECT_TRUE(In(Box("tmp")).empty());
}

TEST_F(MaildirTest, AMailboxThatACrashLeftHalfMadeIsCompleted_F40) {
  fs::create_directories(Box("tmp"));
  EXPECT_EQ(maildir_->Settle(Mail()), Settlement::kNotSent);
  EXPECT_EQ(maildir_->Send(Mail()).kind, Outcome::Kind::kSent);
  EXPECT_EQ(In(Box("new")).size(), 1u);
}

TEST_F(MaildirTest, WhatCannotBeWrittenIsTriedLater) {
  std::ofstream(dir_.File("mail/ana@example.org")) << "a file where the mailbox should be";
  const Outcome outcome = maildir_->Send(Mail());
  EXPECT_EQ(outcome.kind, Outcome::Kind::kRetryLater);
  EXPECT_EQ(outcome.error, "DISK");
}

TEST_F(MaildirTest, NoAddressLeavesTheFolderOrSharesAMailbox) {
  const std::vector<std::string> addresses = {"a/../../b@example.org",
                                              "a%2f@example.org",
                                              "a/@example.org",
                                              "A@example.org",
                                              "a@example.org",
                                              "!#$&'*@example.org",
                                              "a.b@example.org",
                                              std::string(64, '|') + "@" + std::string(60, 'd') + ".org",
                                              std::string(64, '{') + "@" + std::string(60, 'd') + ".org"};
  std::set<std::string> folders;
  for (const std::string& address : addresses) {
    const std::string folder = Maildir::FolderOf(address);
    EXPECT_EQ(folder.find('/'), std::string::npos);
    EXPECT_NE(folder[0], '.');
    EXPECT_LE(folder.size(), 200u);
    EXPECT_TRUE(folders.insert(folder).second) << address;
  }
}

TEST(MaildirOpen, AnUnwritablePathIsRefused) {
  const auto opened = Maildir::Open("/proc/nowhere/mail");
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(opened.status()), reason::kTransportUnusable);
}

TEST(MakeTransport, OptionsThatMakeNoSenseAreRefused) {
  const auto reason_of = [](TransportOptions options) { return ReasonOf(MakeTransport(options).status()); };
  EXPECT_EQ(reason_of({.transport = ""}), reason::kTransportInvalid);
  EXPECT_EQ(reason_of({.transport = "maildir:"}), reason::kTransportInvalid);
  EXPECT_EQ(reason_of({.transport = "ftp://127.0.0.1:1"}), reason::kTransportInvalid);
  EXPECT_EQ(reason_of({.transport = "smtp://127.0.0.1:1/x"}), reason::kTransportInvalid);
  EXPECT_EQ(reason_of({.transport = "smtp://127.0.0.1:1", .smtp_user = "u"}), reason::kTransportInvalid);
  EXPECT_EQ(reason_of({.transport = "smtp://127.0.0.1:1", .smtp_starttls = "maybe"}), reason::kTransportInvalid);
  EXPECT_EQ(reason_of({.transport = "smtp://127.0.0.1:1", .smtp_user = "u", .smtp_password_file = "/proc/nowhere"}),
            reason::kTransportUnusable);
  EXPECT_EQ(reason_of({.transport = "smtp://127.0.0.1:1"}), "");
}

}  // namespace
}  // namespace rematch::notify
