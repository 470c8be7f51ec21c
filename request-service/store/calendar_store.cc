#include "request-service/store/calendar_store.h"

#include "platform/canonical.h"
#include "platform/errors.h"

namespace rematch::request {
namespace {

absl::TimeZone ZoneOf(const std::string& name) {
  absl::TimeZone zone = absl::UTCTimeZone();
  absl::LoadTimeZone(name, &zone);
  return zone;
}

std::shared_ptr<const WorkingTime> ReadRow(const sql::Row& row) {
  ProgramTime stored;
  if (!stored.ParseFromString(row.Text(1))) return nullptr;
  return std::make_shared<const WorkingTime>(stored.calendar(), ZoneOf(stored.time_zone()));
}

std::string BytesOf(const mentor::v1::Program& program) {
  ProgramTime time;
  time.set_time_zone(program.time_zone());
  *time.mutable_calendar() = program.calendar();
  return platform::CanonicalBytes(time);
}

}  // namespace

std::string CalendarHash(const mentor::v1::Program& program) { return platform::HexHash(BytesOf(program)); }

CalendarStore::CalendarStore(sql::Database& database, platform::Clock& clock)
    : clock_(clock), versions_(database, "calendars", "calendar", ReadRow) {}

absl::StatusOr<std::string> CalendarStore::Keep(const mentor::v1::Program& program) {
  const std::string bytes = BytesOf(program);
  std::string hash = platform::HexHash(bytes);
  REMATCH_RETURN_IF_ERROR(versions_.Keep(hash, bytes, clock_.Now()));
  return hash;
}

absl::StatusOr<CalendarStore::Pointer> CalendarStore::Get(sql::Transaction& tx, const std::string& hash, const std::string& time_zone) {
  if (hash.empty()) return std::make_shared<const WorkingTime>(ZoneOf(time_zone));
  return versions_.Get(tx, hash);
}

absl::StatusOr<CalendarStore::Pointer> CalendarStore::Of(const Case& c) {
  if (c.calendar().empty()) return std::make_shared<const WorkingTime>(ZoneOf(c.time_zone()));
  return versions_.Get(c.calendar());
}

absl::StatusOr<CalendarStore::Pointer> CalendarStore::Of(const mentor::v1::Program& program) {
  REMATCH_ASSIGN_OR_RETURN(const std::string hash, Keep(program));
  return versions_.Get(hash);
}

}  // namespace rematch::request
