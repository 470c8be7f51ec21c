// Ids and randomness as arguments, so that a seed decides a whole run.
#ifndef REMATCH_PLATFORM_IDS_H_
#define REMATCH_PLATFORM_IDS_H_

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "absl/synchronization/mutex.h"
#include "platform/clock.h"

namespace rematch::platform {

class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t Next() = 0;
};

// OpenSSL's generator: fit for tokens and keys. Thread-safe.
class SecureRandom final : public Random {
 public:
  uint64_t Next() override;
};

// The same numbers for the same seed. Thread-safe.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : engine_(seed) {}
  uint64_t Next() override;

 private:
  absl::Mutex mutex_;
  std::mt19937_64 engine_ ABSL_GUARDED_BY(mutex_);
};

// UUIDv7 (RFC 9562, 5.7): time-ordered, 36 characters of lower-case hex and dashes; ids made by one source within a
// millisecond still ascend. Thread-safe.
class IdSource {
 public:
  IdSource(Clock& clock, Random& random) : clock_(clock), random_(random) {}
  std::string Next();

 private:
  Clock& clock_;
  Random& random_;
  absl::Mutex mutex_;
  uint64_t last_ ABSL_GUARDED_BY(mutex_) = 0;  // milliseconds << 12 | counter
};

// SHA-256, as 32 raw bytes.
std::string Sha256(std::string_view data);
// HMAC-SHA-256 (RFC 2104), as 32 raw bytes.
std::string HmacSha256(std::string_view key, std::string_view data);

}  // namespace rematch::platform

#endif  // REMATCH_PLATFORM_IDS_H_
