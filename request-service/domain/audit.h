// The chain of hashes over the events of a case (F41): what was written cannot be changed, dropped or moved without being seen.
//
//   std::string head = ChainStart(case_name);
//   for each event: head = ChainHash(head, sequence, stored_bytes);   // stored beside the event
#ifndef REMATCH_REQUEST_SERVICE_DOMAIN_AUDIT_H_
#define REMATCH_REQUEST_SERVICE_DOMAIN_AUDIT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/types/span.h"

namespace rematch::request {

// One event as it is stored. Hashes are 64 hex digits, in lower case.
struct ChainLink {
  int64_t sequence = 0;  // from 1, without gaps
  std::string bytes;
  std::string hash;
};

struct ChainCheck {
  int64_t first_bad_sequence = 0;  // 0: all are as they were written
  std::string head;                // the hash of the last good one, or the start
};

// What the first event builds on: SHA-256 of the case's name.
std::string ChainStart(std::string_view case_name);

// SHA-256 over the 32 bytes of `previous`, the sequence in eight bytes, the highest first, and the event's bytes.
std::string ChainHash(std::string_view previous, int64_t sequence, std::string_view bytes);

// Checks a whole trail, in its order. An event that is missing is reported under the sequence that should be there.
ChainCheck CheckChain(std::string_view case_name, absl::Span<const ChainLink> links);

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_DOMAIN_AUDIT_H_
