#include "request-service/domain/audit.h"

#include "absl/strings/escaping.h"
#include "openssl/sha.h"
#include "platform/strings.h"

namespace rematch::request {
namespace {

std::string Sha256Hex(std::string_view bytes) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()));
  return absl::BytesToHexString(digest);
}

}  // namespace

std::string ChainStart(std::string_view case_name) { return Sha256Hex(case_name); }

std::string ChainHash(std::string_view previous, int64_t sequence, std::string_view bytes) {
  std::string input = absl::HexStringToBytes(ToAbsl(previous));
  input.reserve(input.size() + sizeof(sequence) + bytes.size());
  for (int shift = 56; shift >= 0; shift -= 8) input.push_back(static_cast<char>(static_cast<uint64_t>(sequence) >> shift));
  input.append(bytes);
  return Sha256Hex(input);
}

ChainCheck CheckChain(std::string_view case_name, absl::Span<const ChainLink> links) {
  ChainCheck check{.head = ChainStart(case_name)};
  int64_t expected = 1;
  for (const ChainLink& link : links) {
    if (link.sequence != expected || link.hash != ChainHash(check.head, link.sequence, link.bytes)) {
      check.first_bad_sequence = expected;
      return check;
    }
    check.head = link.hash;
    ++expected;
  }
  return check;
}

}  // namespace rematch::request
