#include "request-service/domain/reply_code.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "openssl/evp.h"
#include "openssl/hmac.h"
#include "platform/errors.h"
#include "platform/strings.h"
#include "request-service/domain/reasons.h"

namespace rematch::request {
namespace {

constexpr size_t kNonceSize = 12;
constexpr size_t kTagSize = 16;
// The first byte of every code: other ways of making them can stand beside this one.
constexpr char kVersion = 1;
// Far above what a resource name allows: a longer text is refused before any work is done on it.
constexpr size_t kMaxText = 2048;

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* Bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

std::string HmacSha256(std::string_view key, std::string_view text) {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), Bytes(text), text.size(), Bytes(digest), &size);
  digest.resize(size);
  return digest;
}

// AES-256-GCM. The nonce is a MAC of the plaintext, so that equal codes are made equal and different ones never share a nonce but
// by a collision of 96 bits.
std::string Seal(std::string_view key, std::string_view nonce, std::string_view plain) {
  const CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  std::string sealed(plain.size() + kTagSize, '\0');
  int size = 0;
  EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, Bytes(key), Bytes(nonce));
  EVP_EncryptUpdate(context.get(), Bytes(sealed), &size, Bytes(plain), static_cast<int>(plain.size()));
  EVP_EncryptFinal_ex(context.get(), Bytes(sealed) + size, &size);
  EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagSize, Bytes(sealed) + plain.size());
  return sealed;
}

std::optional<std::string> Unseal(std::string_view key, std::string_view nonce, std::string_view sealed) {
  const CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  std::string plain(sealed.size() - kTagSize, '\0');
  std::string tag(sealed.substr(plain.size()));
  int size = 0;
  EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, Bytes(key), Bytes(nonce));
  EVP_DecryptUpdate(context.get(), Bytes(plain), &size, Bytes(sealed), static_cast<int>(plain.size()));
  EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagSize, Bytes(tag));
  if (EVP_DecryptFinal_ex(context.get(), Bytes(plain) + size, &size) != 1) return std::nullopt;
  return plain;
}

absl::Status BadCode() { return Error(absl::StatusCode::kInvalidArgument, reason::kBadReplyCode, "not a valid reply code"); }

}  // namespace

ReplyCodes::ReplyCodes(std::string_view secret)
    : encryption_key_(HmacSha256(secret, "reply code encryption")), nonce_key_(HmacSha256(secret, "reply code nonce")) {}

std::string ReplyCodes::Make(const ReplyCode& code) const {
  const std::string plain = absl::StrCat(code.case_name, "\n", code.offer, "\n", code.epoch);
  const std::string nonce = HmacSha256(nonce_key_, plain).substr(0, kNonceSize);
  return absl::WebSafeBase64Escape(absl::StrCat(std::string(1, kVersion), nonce, Seal(encryption_key_, nonce, plain)));
}

absl::StatusOr<ReplyCode> ReplyCodes::Parse(std::string_view text) const {
  std::string raw;
  if (text.size() > kMaxText || !absl::WebSafeBase64Unescape(ToAbsl(text), &raw)) return BadCode();
  // Base64 lets some different texts mean the same bytes; only the one that was made counts.
  if (absl::WebSafeBase64Escape(raw) != std::string(text)) return BadCode();
  if (raw.size() < 1 + kNonceSize + kTagSize || raw[0] != kVersion) return BadCode();
  const std::string_view all = raw;
  const std::optional<std::string> plain = Unseal(encryption_key_, all.substr(1, kNonceSize), all.substr(1 + kNonceSize));
  if (!plain.has_value()) return BadCode();
  const std::vector<std::string> parts = absl::StrSplit(*plain, '\n');
  ReplyCode code;
  if (parts.size() != 3 || !absl::SimpleAtoi(parts[2], &code.epoch)) return BadCode();
  code.case_name = parts[0];
  code.offer = parts[1];
  return code;
}

}  // namespace rematch::request
