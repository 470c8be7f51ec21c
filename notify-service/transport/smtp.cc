#include "notify-service/transport/smtp.h"

#include <curl/curl.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <mutex>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace rematch::notify {
namespace {

using Clock = std::chrono::steady_clock;  // beside libcurl's own, which nobody can set either

// How long what was sent already may still be answered when the process ends.
constexpr std::chrono::seconds kHurry(3);

// How far an attempt came, as seen through libcurl's callbacks.
struct Attempt {
  std::string_view data;
  Clock::duration timeout;         // without anything happening, before the server has the message
  Clock::duration answer_timeout;  // after that
  const std::atomic<bool>& hurry;
  Clock::time_point last = Clock::now();  // when something happened
  bool all_read = false;                  // the message has been handed to libcurl whole
  bool addressing = false;                // the last command sent named the recipient
  bool final_answer = false;              // a reply line came after the message had gone out
  bool timed_out = false;
};

size_t ReadMessage(char* buffer, size_t size, size_t count, void* user) {
  auto* attempt = static_cast<Attempt*>(user);
  const size_t take = std::min(size * count, attempt->data.size());
  std::memcpy(buffer, attempt->data.data(), take);
  attempt->data.remove_prefix(take);
  attempt->last = Clock::now();
  // Before this returns: libcurl may have sent the end of the message by the time it asks again.
  if (attempt->data.empty()) attempt->all_read = true;
  return take;
}

int Watch(CURL*, curl_infotype type, char* text, size_t size, void* user) {
  auto* attempt = static_cast<Attempt*>(user);
  const std::string_view line(text, size);
  if (type == CURLINFO_HEADER_OUT && !line.starts_with("QUIT")) {
    attempt->addressing = line.starts_with("RCPT ");
    attempt->last = Clock::now();
  } else if (type == CURLINFO_HEADER_IN) {
    attempt->final_answer |= attempt->all_read;
    attempt->last = Clock::now();
  }
  return 0;
}

// Called at least once a second, whatever libcurl waits for. Anything but 0 breaks the attempt off.
int CheckTime(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto* attempt = static_cast<Attempt*>(user);
  Clock::duration limit = attempt->all_read ? attempt->answer_timeout : attempt->timeout;
  if (attempt->hurry) limit = attempt->all_read ? std::min<Clock::duration>(limit, kHurry) : Clock::duration::zero();
  attempt->timed_out = Clock::now() - attempt->last > limit;
  return attempt->timed_out ? 1 : 0;
}

// Replies of the server are for the callbacks alone: they could hold an address.
size_t Ignore(char*, size_t size, size_t count, void*) { return size * count; }

Outcome Judge(CURLcode result, long code, const Attempt& attempt) {
  constexpr long kClosing = 421;  // the server goes away: says nothing of what it was asked
  if (result == CURLE_OK) return {.kind = Outcome::Kind::kSent};
  const bool timed_out = attempt.timed_out || result == CURLE_OPERATION_TIMEDOUT;
  if (attempt.all_read && !attempt.final_answer) return {.kind = Outcome::Kind::kUnknown, .error = timed_out ? "TIMEOUT" : "BROKE_OFF"};
  const bool refused = code >= 500 && code < 600;
  const bool deferred = code >= 400 && code < 500;
  // What was said to the recipient or to the message is about them. What was said to the connection, the login or the sender is about us.
  const bool about_it = (attempt.addressing || attempt.all_read) && code != kClosing;
  if (refused && about_it) return {.kind = Outcome::Kind::kRejectedForever, .error = "REJECTED_FOREVER"};
  if (deferred && about_it) return {.kind = Outcome::Kind::kRetryLater, .error = "REJECTED_FOR_NOW"};
  if (refused || deferred) return {.kind = Outcome::Kind::kRetryLater, .error = "RELAY_REFUSED", .ours = true};
  if (attempt.all_read) return {.kind = Outcome::Kind::kUnknown, .error = "BROKE_OFF"};
  return {.kind = Outcome::Kind::kRetryLater, .error = timed_out ? "TIMEOUT" : "CONNECT", .ours = true};
}

// Whether the server answered all that it was asked, so that its next reply will be to the next question.
bool IsInStep(const Outcome& outcome) {
  return outcome.kind == Outcome::Kind::kSent || outcome.kind == Outcome::Kind::kRejectedForever || outcome.error == "REJECTED_FOR_NOW";
}

// Ends a handle and its connection without taking leave of a server that may never answer.
void Discard(CURL* curl) {
  curl_socket_t socket = CURL_SOCKET_BAD;
  if (curl_easy_getinfo(curl, CURLINFO_ACTIVESOCKET, &socket) == CURLE_OK && socket != CURL_SOCKET_BAD) ::shutdown(socket, SHUT_RDWR);
  curl_easy_cleanup(curl);
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
  for (void* handle : idle_) Discard(handle);
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
  if (curl == nullptr) return {.kind = Outcome::Kind::kRetryLater, .error = "CONNECT", .ours = true};
  curl_easy_reset(curl);  // keeps the connection
  const std::string bytes = Compose(message);
  Attempt attempt{.data = bytes,
                  .timeout = absl::ToChronoNanoseconds(options_.timeout),
                  .answer_timeout = absl::ToChronoNanoseconds(options_.answer_timeout),
                  .hurry = hurry_};
  const std::string from = absl::StrCat("<", message.from.email, ">");
  const std::unique_ptr<curl_slist, FreeList> to(curl_slist_append(nullptr, absl::StrCat("<", message.to.email, ">").c_str()));
  curl_easy_setopt(curl, CURLOPT_URL, options_.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(curl, CURLOPT_PROXY, "");  // the environment has no say in where mail goes
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  // CheckTime() knows which limit applies when. libcurl's own, of every reply, must be above all of them; it counts whole seconds.
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(absl::ToInt64Milliseconds(options_.timeout)));
  curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT,
                   static_cast<long>(absl::ToInt64Seconds(std::max(options_.timeout, options_.answer_timeout)) + 60));
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, CheckTime);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &attempt);
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
  if (IsInStep(outcome)) {
    Give(curl);
  } else {
    Discard(curl);
  }
  return outcome;
}

}  // namespace rematch::notify
