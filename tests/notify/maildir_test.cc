#include "notify-service/transport/maildir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>
#include <vector>

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

// A mailbox that is a symbolic link to itself cannot be looked into, not even by root.
TEST_F(MaildirTest, AMailboxThatCannotBeLookedIntoIsTriedLaterAndThrowsNothing) {
  const fs::path box = fs::path(dir_.File("mail")) / "ana@example.org";
  fs::create_symlink(box, box);
  const Outcome outcome = maildir_->Send(Mail());
  EXPECT_EQ(outcome.kind, Outcome::Kind::kRetryLater);
  EXPECT_EQ(outcome.error, "DISK");
  EXPECT_TRUE(outcome.ours);
  EXPECT_EQ(maildir_->Settle(Mail()), Settlement::kCannotTell);
  fs::remove(box);
  EXPECT_EQ(maildir_->Send(Mail()).kind, Outcome::Kind::kSent);
}

TEST_F(MaildirTest, AMailboxThatWasTakenAwayIsMadeAnewByTheNextAttempt) {
  ASSERT_EQ(maildir_->Send(Mail()).kind, Outcome::Kind::kSent);
  fs::remove_all(Box("new").parent_path());
  EXPECT_EQ(maildir_->Send(Mail()).kind, Outcome::Kind::kRetryLater);
  EXPECT_EQ(maildir_->Send(Mail()).kind, Outcome::Kind::kSent);
  EXPECT_EQ(In(Box("new")).size(), 1u);
}

// Many senders at once into the same new mailboxes: each holds all of its messages, whole.
TEST(ConcurrentMaildir, HoldsEveryMessageHoweverManySendAtOnce_F40) {
  const rematch::testing::TempDir dir;
  const auto maildir = *Maildir::Open(dir.File("mail"));
  constexpr int kThreads = 6, kBoxes = 3, kMessages = 5;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kBoxes * kMessages; ++i) {
        Message mail = Mail(absl::StrCat("box", i % kBoxes, "@example.org"));
        mail.message_id = absl::StrCat("m", t, "-", i, "@test.example");
        EXPECT_EQ(maildir->Settle(mail), Settlement::kNotSent);
        EXPECT_EQ(maildir->Send(mail).kind, Outcome::Kind::kSent);
        EXPECT_EQ(maildir->Settle(mail), Settlement::kSent);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int b = 0; b < kBoxes; ++b) {
    const fs::path box = fs::path(dir.File("mail")) / absl::StrCat("box", b, "@example.org");
    EXPECT_EQ(std::distance(fs::directory_iterator(box / "new"), fs::directory_iterator()), kThreads * kMessages);
    EXPECT_TRUE(fs::is_empty(box / "tmp"));
  }
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
  for (const char* more : {"smtp://user:word@127.0.0.1:1", "smtp://127.0.0.1:1?x", "smtp://127.0.0.1:1#x"}) {
    EXPECT_EQ(reason_of({.transport = more}), reason::kTransportInvalid) << more;
  }
  for (const absl::Duration senseless : {absl::ZeroDuration(), absl::Seconds(-1), absl::InfiniteDuration()}) {
    EXPECT_EQ(reason_of({.transport = "smtp://127.0.0.1:1", .smtp_timeout = senseless}), reason::kTransportInvalid);
    EXPECT_EQ(reason_of({.transport = "smtp://127.0.0.1:1", .smtp_answer_timeout = senseless}), reason::kTransportInvalid);
  }
}

// Whoever sits between could strip the offer of STARTTLS, and would be sent the password.
TEST(MakeTransport, APasswordGoesInClearToThisMachineOnlyUnlessThatIsAskedFor_F23) {
  const rematch::testing::TempDir dir;
  std::ofstream(dir.File("password")) << "word\n";
  const auto reason_of = [&](const std::string& server, const std::string& starttls) {
    return ReasonOf(
        MakeTransport({.transport = server, .smtp_user = "u", .smtp_password_file = dir.File("password"), .smtp_starttls = starttls})
            .status());
  };
  for (const char* elsewhere : {"smtp://mail.example.org:587", "smtp://192.0.2.1:25", "smtp://127.0.0.1.example.org",
                                "smtp://[2001:db8::1]:25", "smtp://localhost.example.org:25"}) {
    EXPECT_EQ(reason_of(elsewhere, "try"), reason::kTransportInvalid) << elsewhere;
    EXPECT_EQ(reason_of(elsewhere, "require"), "") << elsewhere;
    EXPECT_EQ(reason_of(elsewhere, "off"), "") << elsewhere;
  }
  for (const char* here : {"smtp://127.0.0.1:25", "smtp://localhost:25", "smtp://[::1]:25", "smtp://localhost"}) {
    EXPECT_EQ(reason_of(here, "try"), "") << here;
  }
  EXPECT_EQ(reason_of("smtps://mail.example.org:465", "try"), "");
}

}  // namespace
}  // namespace rematch::notify
