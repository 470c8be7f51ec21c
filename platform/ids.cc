#include "platform/ids.h"

#include <algorithm>
#include <cstdlib>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "absl/strings/str_format.h"

namespace rematch::platform {

uint64_t SecureRandom::Next() {
  uint64_t number = 0;
  // Without a source of randomness no token would be safe: better no service than a guessable one.
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&number), sizeof number) != 1) std::abort();
  return number;
}

uint64_t SeededRandom::Next() {
  absl::MutexLock lock(&mutex_);
  return engine_();
}

std::string IdSource::Next() {
  const auto now = static_cast<uint64_t>(std::max<int64_t>(0, absl::ToUnixMillis(clock_.Now())));
  const uint64_t random = random_.Next();
  uint64_t stamp;
  {
    absl::MutexLock lock(&mutex_);
    // A full counter runs over into the milliseconds, and a clock that steps back leaves them where they were: ids ascend.
    last_ = std::max(now << 12, last_ + 1);
    stamp = last_;
  }
  const uint64_t millis = stamp >> 12;
  return absl::StrFormat("%08x-%04x-%04x-%04x-%012x", (millis >> 16) & 0xffffffff, millis & 0xffff, 0x7000 | (stamp & 0xfff),
                         0x8000 | ((random >> 48) & 0x3fff), random & 0xffffffffffff);
}

std::string Sha256(std::string_view data) {
  std::string digest(32, '\0');
  if (EVP_Digest(data.data(), data.size(), reinterpret_cast<unsigned char*>(digest.data()), nullptr, EVP_sha256(), nullptr) != 1) {
    std::abort();  // only without memory
  }
  return digest;
}

std::string HmacSha256(std::string_view key, std::string_view data) {
  std::string digest(32, '\0');
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(data.data()), data.size(),
           reinterpret_cast<unsigned char*>(digest.data()), nullptr) == nullptr) {
    std::abort();  // only without memory
  }
  return digest;
}

}  // namespace rematch::platform
