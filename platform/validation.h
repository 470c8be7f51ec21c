// What every service checks of a request in the same way: names, ids, texts, addresses, page sizes and page tokens. Each check adds
// to a list of violations that names the field and says what is expected, never the value given.
//
//   Violations bad;
//   std::vector<std::string> ids = CheckName(bad, "name", request.name(), "consortia/*/mentors/*");
//   CheckRequestId(bad, request.request_id());
//   if (!bad.empty()) return bad.ToStatus();
#ifndef REMATCH_PLATFORM_VALIDATION_H_
#define REMATCH_PLATFORM_VALIDATION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "platform/errors.h"

namespace rematch {

// 1 to 63 characters of a-z, 0-9 and inner dashes.
bool IsResourceId(std::string_view id);
// 1 to 128 characters of a-z, A-Z, 0-9, `-`, `_` and `.`: a key that one service gives to another.
bool IsKey(std::string_view key);
// The ids that stand for the stars of `pattern` ("consortia/*/programs/*"); nothing when `name` is not such a name.
std::optional<std::vector<std::string>> ParseName(std::string_view name, std::string_view pattern);
// "consortia/c1" of "consortia/c1/programs/p1/..."; "" when it does not begin with a consortium.
std::string ConsortiumOf(std::string_view name);

// ParseName(), with a violation and as many empty ids when it fails.
std::vector<std::string> CheckName(Violations& bad, std::string_view field, std::string_view name, std::string_view pattern);
// 1 to 128 printable ASCII characters without spaces, in the field `request_id`.
void CheckRequestId(Violations& bad, std::string_view request_id);
// The page size to use: 0 means 100; not 0 to 1000 is a violation of `page_size`.
int CheckPageSize(Violations& bad, int32_t page_size);
// Text for people: at most `max_bytes`, valid UTF-8, without control characters other than line ends and tabs.
void CheckText(Violations& bad, std::string_view field, std::string_view text, size_t max_bytes, bool required);
// A name as a header of a mail can carry it: 1 to 200 bytes of UTF-8, without control characters.
void CheckDisplayName(Violations& bad, std::string_view field, std::string_view name);
// One address, `local@domain`, at most 254 bytes of printable ASCII without spaces or any of <>()[],;:\".
void CheckEmail(Violations& bad, std::string_view field, std::string_view email);
// Empty, or at most 40 characters of digits, spaces and `+-().x`.
void CheckPhone(Violations& bad, std::string_view field, std::string_view phone);

// An opaque token that continues a list: where it goes on, bound to what was asked for, so that it is refused with another question.
std::string MakePageToken(std::string_view question, const std::vector<std::string>& position);
// The position that `token` carries, empty for the empty token. INVALID_ARGUMENT for a token that was not made for this question or with
// another number of values than `size`.
absl::StatusOr<std::vector<std::string>> ReadPageToken(std::string_view question, std::string_view token, size_t size);

}  // namespace rematch

#endif  // REMATCH_PLATFORM_VALIDATION_H_
