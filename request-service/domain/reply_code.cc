#include "request-service/domain/reply_code.h"

#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "openssl/evp.h"
#include "platform/errors.h"
#include "platform/ids.h"
#include "platform/strings.h"
#include "platform/validation.h"
#include "request-service/domain/reasons.h"

namespace rematch::request {
namespace {

constexpr size_t kTagSize = 16;
constexpr size_t kUuidSize = 16;
// The first byte of every code: how its case is named. The id of a case is a UUID, which takes less than half as bytes; a code is a line
// of a mail.
constexpr char kPacked = 2;
constexpr char kWhole = 3;
// Far above what a resource name allows: a longer text is refused before any work is done on it.
constexpr size_t kMaxText = 2048;

using Cipher = std::unique_ptr<EVP_CIPHER, decltype(&EVP_CIPHER_free)>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* Bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

// AES-SIV (RFC 5297) needs no nonce: equal texts are sealed equal, and different ones tell nothing of each other. Its tag, which is
// also its start, stands first. `form` is bound to it, and readable.
std::string Seal(std::string_view key, char form, std::string_view plain) {
  const Cipher cipher(EVP_CIPHER_fetch(nullptr, "AES-128-SIV", nullptr), EVP_CIPHER_free);
  const CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  std::string tag(kTagSize, '\0');
  std::string sealed(plain.size(), '\0');
  int size = 0;
  EVP_EncryptInit_ex2(context.get(), cipher.get(), Bytes(key), nullptr, nullptr);
  EVP_EncryptUpdate(context.get(), nullptr, &size, Bytes(std::string_view(&form, 1)), 1);
  EVP_EncryptUpdate(context.get(), Bytes(sealed), &size, Bytes(plain), static_cast<int>(plain.size()));
  EVP_EncryptFinal_ex(context.get(), Bytes(sealed) + size, &size);
  EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kTagSize, Bytes(tag));
  return absl::StrCat(std::string(1, form), tag, sealed);
}

std::optional<std::string> Unseal(std::string_view key, std::string_view all) {
  if (all.size() <= 1 + kTagSize) return std::nullopt;
  const Cipher cipher(EVP_CIPHER_fetch(nullptr, "AES-128-SIV", nullptr), EVP_CIPHER_free);
  const CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  std::string tag(all.substr(1, kTagSize));
  const std::string_view sealed = all.substr(1 + kTagSize);
  std::string plain(sealed.size(), '\0');
  int size = 0;
  EVP_DecryptInit_ex2(context.get(), cipher.get(), Bytes(key), nullptr, nullptr);
  EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kTagSize, Bytes(tag));
  EVP_DecryptUpdate(context.get(), nullptr, &size, Bytes(all.substr(0, 1)), 1);
  if (EVP_DecryptUpdate(context.get(), Bytes(plain), &size, Bytes(sealed), static_cast<int>(sealed.size())) != 1) return std::nullopt;
  return plain;
}

std::string Unpacked(std::string_view bytes) {
  const std::string hex = absl::BytesToHexString(ToAbsl(bytes));
  return absl::StrJoin({hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4), hex.substr(16, 4), hex.substr(20)}, "-");
}

// The 16 bytes that a UUID says in 36; nothing for any other text.
std::optional<std::string> Packed(std::string_view uuid) {
  std::string hex;
  for (const char c : uuid) {
    if (c != '-') hex += c;
  }
  if (hex.size() != 32 || hex.find_first_not_of("0123456789abcdef") != hex.npos) return std::nullopt;
  const std::string packed = absl::HexStringToBytes(hex);
  return Unpacked(packed) == uuid ? std::optional(packed) : std::nullopt;
}

constexpr std::string_view kCaseName = "consortia/*/programs/*/reassignments/*";

absl::Status BadCode() { return Error(absl::StatusCode::kInvalidArgument, reason::kBadReplyCode, "not a valid reply code"); }

}  // namespace

ReplyCodes::ReplyCodes(std::string_view secret) : key_(platform::HmacSha256(secret, "reply codes, AES-128-SIV")) {}

std::string ReplyCodes::Make(const ReplyCode& code) const {
  const std::string rest = absl::StrCat("\n", code.offer, "\n", code.epoch);
  const std::optional<std::vector<std::string>> ids = ParseName(code.case_name, kCaseName);
  const std::optional<std::string> packed = ids.has_value() ? Packed((*ids)[2]) : std::nullopt;
  return absl::WebSafeBase64Escape(packed.has_value() ? Seal(key_, kPacked, absl::StrCat(*packed, (*ids)[0], "\n", (*ids)[1], rest))
                                                      : Seal(key_, kWhole, absl::StrCat(code.case_name, rest)));
}

absl::StatusOr<ReplyCode> ReplyCodes::Parse(std::string_view text) const {
  std::string raw;
  if (text.size() > kMaxText || !absl::WebSafeBase64Unescape(ToAbsl(text), &raw)) return BadCode();
  // Base64 lets some different texts mean the same bytes; only the one that was made counts.
  if (absl::WebSafeBase64Escape(raw) != std::string(text)) return BadCode();
  const std::optional<std::string> plain = Unseal(key_, raw);
  if (!plain.has_value()) return BadCode();
  // Whatever was sealed with the key was made above.
  const bool packed = raw[0] == kPacked;
  std::vector<std::string> parts = absl::StrSplit(plain->substr(packed ? kUuidSize : 0), '\n');
  ReplyCode code;
  if (packed) {
    code.case_name = absl::StrCat("consortia/", parts[0], "/programs/", parts[1], "/reassignments/", Unpacked(plain->substr(0, kUuidSize)));
    parts.erase(parts.begin());
  } else {
    code.case_name = parts[0];
  }
  if (parts.size() != 3 || !absl::SimpleAtoi(parts[2], &code.epoch)) return BadCode();
  code.offer = parts[1];
  return code;
}

}  // namespace rematch::request
