#include "notify-service/transport/smtp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/notify/notify_kit.h"
#include "tests/platform/temp_dir.h"

namespace rematch::notify {
namespace {

using Kind = Outcome::Kind;

// The server of smtp_sink.py as a process; it ends with this object.
class SmtpSink {
 public:
  SmtpSink() {
    int in[2], out[2];
    if (pipe(in) != 0 || pipe(out) != 0) return;
    const std::string script = absl::StrCat(REMATCH_SOURCE_DIR, "/tests/notify/smtp_sink.py");
    child_ = fork();
    if (child_ == 0) {
      dup2(in[0], 0);
      dup2(out[1], 1);
      for (const int fd : {in[0], in[1], out[0], out[1]}) close(fd);
      execl("/usr/bin/python3", "python3", script.c_str(), folder_.path().c_str(), nullptr);
      _exit(127);
    }
    close(in[0]);
    close(out[1]);
    hold_ = in[1];
    if (FILE* lines = fdopen(out[0], "r"); lines != nullptr) {
      if (fscanf(lines, "%d", &port_) != 1) port_ = 0;
      fclose(lines);
    }
  }
  ~SmtpSink() { Stop(); }

  // 0 when it did not start.
  int port() const { return port_; }
  void Stop() {
    if (hold_ < 0) return;
    close(hold_);
    hold_ = -1;
    int status = 0;
    kill(child_, SIGTERM);
    waitpid(child_, &status, 0);
  }
  // The bytes of the message, "" when there is none.
  std::string Stored(const std::string& message_id) const { return Read(folder_.File(message_id)); }
  // How often the message came in.
  size_t Times(const std::string& message_id) const { return Read(folder_.File(message_id + ".count")).size(); }

 private:
  static std::string Read(const std::string& path) {
    std::ifstream file(path);
    std::stringstream out;
    out << file.rdbuf();
    return out.str();
  }

  const rematch::testing::TempDir folder_;
  pid_t child_ = -1;
  int hold_ = -1;
  int port_ = 0;
};

Message Mail(const std::string& to, const std::string& id = "m1") {
  return {.from = {.display_name = "", .email = "from@example.org"},
          .to = {.display_name = "Zoë", .email = to},
          .reply_to = {},
          .message_id = id + "@test.example",
          .date = absl::FromUnixSeconds(0),
          .subject = "Grüße",
          .text = ".\n..two dots\nlast line without an end",
          .html = "<p>html</p>\n"};
}

class SmtpTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(sink_.port(), 0) << "the mail server of the test did not start: is python3-aiosmtpd installed?"; }
  SmtpOptions Options() const { return {.url = absl::StrCat("smtp://127.0.0.1:", sink_.port(), "/test.example")}; }
  Smtp Transport() const { return Smtp(Options()); }
  SmtpSink sink_;
};

TEST_F(SmtpTest, AServerGetsTheVeryBytesThatWereComposed) {
  Smtp smtp = Transport();
  const Message mail = Mail("zoe@example.org");
  EXPECT_EQ(smtp.Send(mail).kind, Kind::kSent);
  EXPECT_EQ(sink_.Stored("m1@test.example"), Compose(mail));
}

TEST_F(SmtpTest, ADotAtTheStartOfALineArrivesAsOneDot) {
  Smtp smtp = Transport();
  Message mail = Mail("zoe@example.org");
  mail.text = std::string(75, 'x') + ".\n";  // where quoted-printable breaks the line
  ASSERT_THAT(Compose(mail), ::testing::HasSubstr("=\r\n.\r\n"));
  EXPECT_EQ(smtp.Send(mail).kind, Kind::kSent);
  EXPECT_EQ(sink_.Stored("m1@test.example"), Compose(mail));
}

TEST_F(SmtpTest, ManyMessagesGoOverKeptConnectionsAndSideBySide) {
  Smtp smtp = Transport();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) EXPECT_EQ(smtp.Send(Mail("a@example.org", absl::StrCat("m-", t, "-", i))).kind, Kind::kSent);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int t = 0; t < 4; ++t) {
    for (int i = 0; i < 10; ++i) EXPECT_EQ(sink_.Times(absl::StrCat("m-", t, "-", i, "@test.example")), 1u);
  }
}

TEST_F(SmtpTest, ARefusedRecipientIsRejectedForeverAndTheNextMessageStillGoesOut_F39) {
  Smtp smtp = Transport();
  const Outcome refused = smtp.Send(Mail("reject@example.org"));
  EXPECT_EQ(refused.kind, Kind::kRejectedForever);
  EXPECT_EQ(refused.error, "REJECTED_FOREVER");
  EXPECT_EQ(smtp.Send(Mail("zoe@example.org", "m2")).kind, Kind::kSent);
}

TEST_F(SmtpTest, ATemporaryRefusalIsTriedLater) {
  Smtp smtp = Transport();
  const Outcome later = smtp.Send(Mail("later@example.org"));
  EXPECT_EQ(later.kind, Kind::kRetryLater);
  EXPECT_EQ(later.error, "REJECTED_FOR_NOW");
  EXPECT_FALSE(later.ours);
}

TEST_F(SmtpTest, ARefusalBeforeTheRecipientWasNamedIsAboutUs_F39) {
  Smtp smtp = Transport();
  for (const char* sender : {"closed@example.org", "banned@example.org"}) {
    Message mail = Mail("zoe@example.org");
    mail.from.email = sender;
    const Outcome refused = smtp.Send(mail);
    EXPECT_EQ(refused.kind, Kind::kRetryLater) << sender;
    EXPECT_EQ(refused.error, "RELAY_REFUSED") << sender;
    EXPECT_TRUE(refused.ours) << sender;
  }
}

TEST_F(SmtpTest, AServerThatStopsAnsweringBeforeTheDataIsTriedLaterAndSoon) {
  SmtpOptions options = Options();
  options.timeout = absl::Milliseconds(200);
  options.answer_timeout = absl::Hours(1);
  Smtp smtp(options);
  const Outcome stalled = smtp.Send(Mail("stall-rcpt@example.org"));
  EXPECT_EQ(stalled.kind, Kind::kRetryLater);
  EXPECT_EQ(stalled.error, "TIMEOUT");
  EXPECT_TRUE(stalled.ours);
}

TEST_F(SmtpTest, AServerThatIsSlowWithItsAnswerToTheMessageIsWaitedFor_F40) {
  SmtpOptions options = Options();
  options.timeout = absl::Milliseconds(200);
  Smtp smtp(options);
  EXPECT_EQ(smtp.Send(Mail("slow@example.org")).kind, Kind::kSent) << "it took ten times as long as any other reply may";
  EXPECT_EQ(sink_.Times("m1@test.example"), 1u);
}

TEST_F(SmtpTest, AServerThatNeverAnswersTheMessageLeavesItUnknown_F40) {
  SmtpOptions options = Options();
  options.answer_timeout = absl::Milliseconds(200);
  Smtp smtp(options);
  const Outcome stalled = smtp.Send(Mail("stall-data@example.org"));
  EXPECT_EQ(stalled.kind, Kind::kUnknown);
  EXPECT_EQ(stalled.error, "TIMEOUT");
  EXPECT_EQ(sink_.Times("m1@test.example"), 1u);
  EXPECT_EQ(smtp.Send(Mail("zoe@example.org", "m2")).kind, Kind::kSent)
      << "over a connection of its own: an answer that is owed would be its";
}

TEST_F(SmtpTest, WhoeverIsInAHurryWaitsForNoServerForLong) {
  Smtp smtp = Transport();
  Outcome addressed, sent;
  std::thread before([&] { addressed = smtp.Send(Mail("stall-rcpt@example.org")); });
  std::thread after([&] { sent = smtp.Send(Mail("stall-data@example.org", "m2")); });
  while (sink_.Times("m2@test.example") == 0 || sink_.Times("stalled") == 0) std::this_thread::yield();
  smtp.Hurry();
  before.join();
  after.join();
  EXPECT_EQ(addressed.kind, Kind::kRetryLater);
  EXPECT_EQ(sent.kind, Kind::kUnknown);
}

TEST_F(SmtpTest, ARefusedMessageIsRejectedForever) {
  Smtp smtp = Transport();
  EXPECT_EQ(smtp.Send(Mail("spam@example.org")).kind, Kind::kRejectedForever);
}

TEST_F(SmtpTest, AConnectionThatBreaksAfterTheDataIsUnknownAndTheSecondHandOverIsADuplicate_F40) {
  Smtp smtp = Transport();
  const Outcome dropped = smtp.Send(Mail("drop@example.org"));
  EXPECT_EQ(dropped.kind, Kind::kUnknown);
  EXPECT_EQ(dropped.error, "BROKE_OFF");
  EXPECT_EQ(smtp.Settle(Mail("drop@example.org")), MailTransport::Settlement::kCannotTell);
  EXPECT_EQ(smtp.Send(Mail("drop@example.org")).kind, Kind::kSent);
  EXPECT_EQ(sink_.Times("m1@test.example"), 2u);
  EXPECT_EQ(sink_.Stored("m1@test.example"), Compose(Mail("drop@example.org")));
}

TEST_F(SmtpTest, AServerThatIsNotThereIsTriedLater) {
  Smtp smtp = Transport();
  sink_.Stop();
  const Outcome outcome = smtp.Send(Mail("zoe@example.org"));
  EXPECT_EQ(outcome.kind, Kind::kRetryLater);
  EXPECT_EQ(outcome.error, "CONNECT");
  EXPECT_TRUE(outcome.ours);
}

// The whole way: accepted, dropped by the server after its data, settled, handed over again, one message at the receiver.
class SmtpSendTest : public NotifyKit {
 protected:
  SmtpSink sink_;
};

TEST_F(SmtpSendTest, ABrokenOffMessageArrivesOnceUnderItsMessageId_F40) {
  ASSERT_NE(sink_.port(), 0) << "the mail server of the test did not start: is python3-aiosmtpd installed?";
  Smtp smtp({.url = absl::StrCat("smtp://127.0.0.1:", sink_.port(), "/test.example")});
  Replica replica(*database_, clock_, random_, smtp, "smtp-replica");
  ASSERT_TRUE(replica.Do(AcceptOf(SendRequest("k1", "drop@example.org"))).ok());
  replica.Send();
  EXPECT_EQ(replica.Get("k1").state(), v1::Notification::UNKNOWN);
  clock_.Advance(absl::Seconds(5));
  replica.Send();
  EXPECT_EQ(replica.Get("k1").state(), v1::Notification::SENT);
  EXPECT_EQ(sink_.Times(replica.Get("k1").message_id()), 2u);
  EXPECT_THAT(sink_.Stored(replica.Get("k1").message_id()), ::testing::HasSubstr("Subject: Would you mentor one more new teacher?"));
}

}  // namespace
}  // namespace rematch::notify
