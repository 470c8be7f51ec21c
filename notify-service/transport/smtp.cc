#include "notify-service/transport/smtp.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace rematch::notify {
namespace {

// How far an attempt came, as seen through libcurl's callbacks.
struct Attempt {
  std::string_view data;
  bool all_read = false;      // the message has been handed to libcurl whole
  bool addressing = false;    // the last command sent named the recipient
  bool final_answer = false;  // a reply line came after the message had gone out
};

size_t ReadMessage(char* buffer, size_t size, size_t count, void* user) {
  auto* attempt = static_cast<Attempt*>(user);
  const size_t take = std::min(size * count, attempt->data.size());
  std::memcpy(buffer, attempt->data.data(), take);
  attempt->data.remove_prefix(take);
  // Before this returns: libcurl may have sent the end of the message by the time it asks again.
  if (attempt->data.empty()) attempt->all_read = true;
  return take;
}

int Watch(CURL*, curl_infotype type, char* text, size_t size, void* user) {
  auto* attempt = static_cast<Attempt*>(user);
  const std::string_view line(text, size);
  if (type == CURLINFO_HEADER_OUT && !line.starts_with("QUIT")) {
    attempt->addressing = line.starts_with("RCPT ");
  } else if (type == CURLINFO_HEADER_IN && attempt->all_read) {
    attempt->final_answer = true;
  }
  return 0;
}

// Replies of the server are for the callbacks alone: they could hold an address.
size_t Ignore(char*, size_t size, size_t count, void*) { return size * count; }

Outcome Judge(CURLcode result, long code, const Attempt& attempt) {
  if (result == CURLE_OK) return {.kind = Outcome::Kind::kSent};
  const bool refused = code >= 500 && code < 600;
  const bool deferred = code >= 400 && code < 500;
  if (attempt.all_read && !attempt.final_answer) return {.kind = Outcome::Kind::kUnknown, .error = "BROKE_OFF"};
  // A refusal of this recipient or of this message is for good. One of the connection, the login or the sender is about us.
  if (refused && (attempt.addressing || attempt.all_read)) return {.kind = Outcome::Kind::kRejectedForever, .error = "REJECTED_FOREVER"};
  if (refused || deferred) return {.kind = Outcome::Kind::kRetryLater, .error = "REJECTED_FOR_NOW"};
  if (attempt.all_read) return {.kind = Outcome::Kind::kUnknown, .error = "BROKE_OFF"};
  if (result == CURLE_OPERATION_TIMEDOUT) return {.kind = Outcome::Kind::kRetryLater, .error = "TIMEOUT"};
  return {.kind = Outcome::Kind::kRetryLater, .error = "CONNECT"};
}

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

}  // namespace

Smtp::Smtp(SmtpOptions options) : options_(std::move(options)) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

Smtp::~Smtp() {
  absl::MutexLock lock(&mutex_);
  for (void* handle : idle_) curl_easy_cleanup(handle);
}

void* Smtp::Take() {
  {
    absl::MutexLock lock(&mutex_);
    if (!idle_.empty()) {
      void* handle = idle_.back();
      idle_.pop_back();
      return handle;
    }
  }
  return curl_easy_init();
}

void Smtp::Give(void* handle) {
  absl::MutexLock lock(&mutex_);
  idle_.push_back(handle);
}

Outcome Smtp::Send(const Message& message) {
  CURL* curl = Take();
  if (curl == nullptr) return {.kind = Outcome::Kind::kRetryLater, .error = "CONNECT"};
  curl_easy_reset(curl);  // keeps the connection
  const std::string bytes = Compose(message);
  Attempt attempt{.data = bytes};
  const std::string from = absl::StrCat("<", message.from.email, ">");
  const std::unique_ptr<curl_slist, FreeList> to(curl_slist_append(nullptr, absl::StrCat("<", message.to.email, ">").c_str()));
  curl_easy_setopt(curl, CURLOPT_URL, options_.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(curl, CURLOPT_PROXY, "");  // the environment has no say in where mail goes
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(absl::ToInt64Milliseconds(options_.timeout)));
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(absl::ToInt64Milliseconds(options_.timeout / 2)));
  if (options_.starttls != SmtpOptions::Starttls::kOff) {
    curl_easy_setopt(curl, CURLOPT_USE_SSL,
                     static_cast<long>(options_.starttls == SmtpOptions::Starttls::kRequire ? CURLUSESSL_ALL : CURLUSESSL_TRY));
  }
  if (!options_.user.empty()) {
    curl_easy_setopt(curl, CURLOPT_USERNAME, options_.user.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, options_.password.c_str());
  }
  curl_easy_setopt(curl, CURLOPT_MAIL_FROM, from.c_str());
  curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to.get());
  curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(curl, CURLOPT_READFUNCTION, ReadMessage);
  curl_easy_setopt(curl, CURLOPT_READDATA, &attempt);
  curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L);  // calls Watch; prints nothing
  curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, Watch);
  curl_easy_setopt(curl, CURLOPT_DEBUGDATA, &attempt);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, Ignore);
  const CURLcode result = curl_easy_perform(curl);
  long code = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
  const Outcome outcome = Judge(result, code, attempt);
  Give(curl);
  return outcome;
}

}  // namespace rematch::notify
