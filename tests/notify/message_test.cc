#include "notify-service/domain/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_split.h"
#include "notify-service/domain/request.h"
#include "tests/notify/notify_kit.h"

namespace rematch::notify {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Message Sample() {
  return {.from = {.display_name = "Rematch", .email = "rematch@example.org"},
          .to = {.display_name = "Zoë \"Z\" Ähn", .email = "zoe@example.org"},
          .reply_to = {.display_name = "Rosa \"R\" Diaz", .email = "rosa@example.org"},
          .message_id = "0123456789abcdef@rematch.localhost",
          .date = absl::FromUnixSeconds(1'767'600'000),
          .subject = "Your mentor is now Björk",
          .text = "Dear Zoë,\n.\nFrom here = there \nbye\n",
          .html = "<p>Zoë</p>\n"};
}

TEST(MailMessage, HasTheHeadersOfAnAutomaticMailAndBothParts_F8) {
  const std::string mail = Compose(Sample());
  EXPECT_THAT(mail, HasSubstr("Date: Mon, 05 Jan 2026 08:00:00 +0000\r\n"));
  EXPECT_THAT(mail, HasSubstr("Message-ID: <0123456789abcdef@rematch.localhost>\r\n"));
  EXPECT_THAT(mail, HasSubstr("Auto-Submitted: auto-generated\r\n"));
  EXPECT_THAT(mail, HasSubstr("Reply-To: \"Rosa \\\"R\\\" Diaz\" <rosa@example.org>\r\n"));
  EXPECT_THAT(mail, HasSubstr("To: =?UTF-8?B?"));
  EXPECT_THAT(mail, HasSubstr("Content-Type: text/plain; charset=utf-8\r\n"));
  EXPECT_THAT(mail, HasSubstr("Content-Type: text/html; charset=utf-8\r\n"));
  EXPECT_EQ(mail, Compose(Sample())) << "the same bytes for every attempt";
}

TEST(MailMessage, IsAsciiWithShortLinesAndCrlfOnly) {
  Message message = Sample();
  message.text = std::string(5000, 'x') + "\n";
  message.subject = std::string(400, 'x') + "ü";
  const std::string mail = Compose(message);
  for (const absl::string_view line : absl::StrSplit(mail, "\r\n")) {
    EXPECT_LE(line.size(), 78u);
    for (const char c : line) EXPECT_TRUE(c >= 0x20 && c < 0x7f) << static_cast<int>(c);
  }
}

TEST(MailMessage, QuotedPrintableKeepsWhatMailProgramsHarm) {
  EXPECT_EQ(QuotedPrintable("a=b \n"), "a=3Db=20\r\n");
  EXPECT_EQ(QuotedPrintable(".\nFrom x\n"), "=2E\r\n=46rom x\r\n");
  EXPECT_EQ(QuotedPrintable("ë"), "=C3=AB");
}

TEST(MailMessage, LongNamesAreFoldedEncodedWords) {
  std::string name;
  for (int i = 0; i < 60; ++i) name += "Ä";
  const std::string value = EncodeHeaderText(name, 9);
  for (const absl::string_view line : absl::StrSplit(value, "\r\n ")) {
    EXPECT_LE(line.size(), 75u);
    EXPECT_TRUE(line.substr(0, 10) == "=?UTF-8?B?" && line.substr(line.size() - 2) == "?=") << std::string(line);
  }
}

TEST(MailMessage, WhatLooksLikeAnEncodedWordIsEncodedItself) {
  EXPECT_THAT(EncodeHeaderText("=?UTF-8?B?QmNj?=", 9), Not(HasSubstr("QmNj?= ")));
  EXPECT_NE(EncodeHeaderText("=?UTF-8?B?QmNj?=", 9), "=?UTF-8?B?QmNj?=");
}

TEST(SendRequestCheck, HeaderInjectionIsRefusedWhereverItComesIn) {
  const auto refused = [](auto change) {
    v1::SendNotificationRequest request = SendRequest("k1");
    change(request);
    return CheckSend(TestTemplates(), request).status().code() == absl::StatusCode::kInvalidArgument;
  };
  EXPECT_FALSE(refused([](auto&) {}));
  const std::vector<std::string> evils = {"x\r\nBcc: evil@example.org", "x\nBcc: evil@example.org", std::string("x\0y", 3), "x\x7f",
                                          "x\u2028y"};
  for (const std::string& evil : evils) {
    EXPECT_TRUE(refused([&](auto& r) { r.mutable_notification()->mutable_to()->set_display_name(evil); }));
    EXPECT_TRUE(refused([&](auto& r) { r.mutable_notification()->mutable_to()->set_email(evil + "@example.org"); }));
    EXPECT_TRUE(refused([&](auto& r) { r.mutable_notification()->mutable_reply_to()->set_display_name(evil); }));
    EXPECT_TRUE(refused([&](auto& r) { r.mutable_notification()->mutable_reply_to()->set_email(evil); }));
    EXPECT_TRUE(refused([&](auto& r) { (*r.mutable_notification()->mutable_variables())["program_name"] = evil; }));
    EXPECT_TRUE(refused([&](auto& r) { r.mutable_notification()->set_origin(evil); }));
    EXPECT_TRUE(refused([&](auto& r) { r.mutable_notification()->add_readers(evil); }));
  }
}

TEST(SendRequestCheck, MalformedRequestsAreInvalid) {
  const auto refused = [](auto change) {
    v1::SendNotificationRequest request = SendRequest("k1");
    change(request);
    return CheckSend(TestTemplates(), request).status().code() == absl::StatusCode::kInvalidArgument;
  };
  EXPECT_TRUE(refused([](auto& r) { r.set_parent("consortia/C!"); }));
  EXPECT_TRUE(refused([](auto& r) { r.set_notification_id(""); }));
  EXPECT_TRUE(refused([](auto& r) { r.set_notification_id(std::string(129, 'x')); }));
  EXPECT_TRUE(refused([](auto& r) { r.set_notification_id("a/b"); }));
  EXPECT_TRUE(refused([](auto& r) { r.set_request_id(""); }));
  EXPECT_TRUE(refused([](auto& r) { r.clear_notification(); }));
  EXPECT_TRUE(refused([](auto& r) { r.mutable_notification()->set_template_("first_approach"); }));
  EXPECT_TRUE(refused([](auto& r) { r.mutable_notification()->set_template_("templates/contact"); }));
  EXPECT_TRUE(refused([](auto& r) { r.mutable_notification()->clear_to(); }));
  EXPECT_TRUE(refused([](auto& r) { r.mutable_notification()->mutable_to()->set_email("a@b@c"); }));
  EXPECT_TRUE(refused([](auto& r) { r.mutable_notification()->mutable_to()->set_display_name(std::string(201, 'x')); }));
  EXPECT_TRUE(refused([](auto& r) { r.mutable_notification()->mutable_variables()->erase("need"); }));
  EXPECT_TRUE(refused([](auto& r) { r.mutable_notification()->set_name("consortia/c1/notifications/other"); }));
  EXPECT_TRUE(refused([](auto& r) {
    for (int i = 0; i < 17; ++i) r.mutable_notification()->add_readers("consortia/c1/leaders/l");
  }));
}

TEST(SendRequestCheck, ContentHashCoversWhatTheSenderGaveAndNothingElse) {
  const auto hash = [](const v1::SendNotificationRequest& request) { return CheckSend(TestTemplates(), request)->content_hash; };
  const v1::SendNotificationRequest base = SendRequest("k1");
  v1::SendNotificationRequest other_request = base;
  other_request.set_request_id("another");
  other_request.mutable_notification()->set_attempts(7);
  EXPECT_EQ(hash(base), hash(other_request));
  v1::SendNotificationRequest other_content = base;
  (*other_content.mutable_notification()->mutable_variables())["need"] = "something else";
  EXPECT_NE(hash(base), hash(other_content));
}

}  // namespace
}  // namespace rematch::notify
