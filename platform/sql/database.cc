#include "platform/sql/database.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "platform/errors.h"
#include "platform/sql/mysql.h"
#include "platform/sql/reasons.h"
#include "platform/sql/sqlite.h"
#include "platform/strings.h"

namespace rematch::sql {

namespace {

// One digit for the failure, then the detail. No protobuf message's URL, so it stays in this process (rpc/call.h).
constexpr char kFailureUrl[] = "rematch/sql-failure";

const std::string& Empty() {
  static const std::string empty;
  return empty;
}

size_t Padded(size_t count) {
  size_t padded = 1;
  while (padded < count) padded *= 2;
  return padded;
}

void AppendRow(std::string& out, size_t columns) {
  out += '(';
  for (size_t i = 0; i < columns; ++i) out += i == 0 ? "?" : ", ?";
  out += ')';
}

}  // namespace

int64_t Row::Int(size_t column) const {
  const Value& value = values_[column];
  if (const auto* number = std::get_if<int64_t>(&value)) return *number;
  // Sums of MySQL are decimals, which arrive as text.
  int64_t number = 0;
  if (const auto* text = std::get_if<std::string>(&value); text != nullptr && absl::SimpleAtoi(*text, &number)) return number;
  return 0;
}

const std::string& Row::Text(size_t column) const {
  const Value& value = values_[column];
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* bytes = std::get_if<Bytes>(&value)) return bytes->data;
  return Empty();
}

std::string Row::TakeText(size_t column) {
  Value& value = values_[column];
  if (auto* text = std::get_if<std::string>(&value)) return std::move(*text);
  if (auto* bytes = std::get_if<Bytes>(&value)) return std::move(bytes->data);
  return "";
}

Failure FailureOf(const absl::Status& status) {
  if (status.ok()) return Failure::kNone;
  const absl::optional<absl::Cord> payload = status.GetPayload(kFailureUrl);
  if (!payload.has_value() || payload->empty()) return Failure::kNone;
  return static_cast<Failure>((*payload)[0] - '0');
}

std::string DetailOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kFailureUrl);
  return payload.has_value() && !payload->empty() ? std::string(payload->Subcord(1, payload->size() - 1)) : "";
}

absl::Status StoreError(Failure failure, std::string_view detail) {
  const bool refused = failure == Failure::kSplit || failure == Failure::kConflict;
  absl::Status status = refused ? Error(absl::StatusCode::kInternal, reason::kStoreRefused, "the store refused")
                                : Error(absl::StatusCode::kUnavailable, reason::kStoreUnavailable, "the store is unavailable");
  if (failure != Failure::kNone) {
    status.SetPayload(kFailureUrl, absl::Cord(absl::StrCat(static_cast<int>(failure), ToAbsl(detail))));
  }
  return status;
}

absl::Status TransactAgain(Database& database, absl::FunctionRef<absl::Status(Transaction&)> body) {
  constexpr int kTries = 5;
  for (int i = 1;; ++i) {
    absl::Status status = database.Transact(body);
    const Failure failure = FailureOf(status);
    const bool again = failure == Failure::kRetry || failure == Failure::kLockWait || failure == Failure::kConflict;
    if (!again || i == kTries) return status;
  }
}

absl::StatusOr<std::unique_ptr<Database>> Open(std::string_view url, const OpenOptions& options) {
  if (url.starts_with("mysql:")) {
    REMATCH_ASSIGN_OR_RETURN(const MysqlUrl parsed, ParseMysqlUrl(url));
    return OpenMysql(parsed);
  }
  constexpr std::string_view kScheme = "sqlite:";
  const std::string_view path = url.substr(std::min(url.size(), kScheme.size()));
  if (!url.starts_with(kScheme) || path.empty() || path.find('\0') != path.npos) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kDatabaseUrlInvalid,
                 "a database is named as sqlite:PATH, sqlite::memory: or mysql://USER@HOST/SCHEMA");
  }
  if (path == ":memory:") return OpenSqliteMemory();
  return OpenSqliteFile(std::string(path), options);
}

std::string InList(size_t count) {
  std::string out;
  const size_t padded = Padded(count);
  out.reserve(3 * padded + 2);
  AppendRow(out, padded);
  return out;
}

void PadInList(std::vector<Value>& values) { values.resize(Padded(values.size()), Value(values.back())); }

std::string ValueRows(size_t rows, size_t columns) {
  std::string out;
  out.reserve(rows * (3 * columns + 4));
  for (size_t i = 0; i < rows; ++i) {
    if (i != 0) out += ", ";
    AppendRow(out, columns);
  }
  return out;
}

int64_t ToMicros(absl::Time time) {
  if (time == absl::InfiniteFuture()) return std::numeric_limits<int64_t>::max();
  return absl::ToUnixMicros(time);
}

absl::Time FromMicros(int64_t micros) {
  if (micros == std::numeric_limits<int64_t>::max()) return absl::InfiniteFuture();
  return absl::FromUnixMicros(micros);
}

}  // namespace rematch::sql
