// The calendars that cases count by, each with its time zone, by the hash of both.
#ifndef REMATCH_REQUEST_SERVICE_STORE_CALENDAR_STORE_H_
#define REMATCH_REQUEST_SERVICE_STORE_CALENDAR_STORE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "platform/clock.h"
#include "platform/sql/database.h"
#include "rematch/mentor/v1/resources.pb.h"
#include "request-service/domain/case.pb.h"
#include "request-service/domain/working_time.h"
#include "request-service/store/content_store.h"

namespace rematch::request {

// The content hash of the calendar and zone of a program.
std::string CalendarHash(const mentor::v1::Program& program);

// Thread-safe.
class CalendarStore {
 public:
  using Pointer = std::shared_ptr<const WorkingTime>;

  CalendarStore(sql::Database& database, platform::Clock& clock);

  // Stores the program's calendar unless it is there, and returns its hash. Blocks, unless it is known here.
  absl::StatusOr<std::string> Keep(const mentor::v1::Program& program);
  // The one of this hash; of an empty hash, Monday to Friday in `time_zone`. Read by `tx` unless it is known here.
  absl::StatusOr<Pointer> Get(sql::Transaction& tx, const std::string& hash, const std::string& time_zone);
  // What this case counts by, or this program. Blocks, unless it is known here.
  absl::StatusOr<Pointer> Of(const Case& c);
  absl::StatusOr<Pointer> Of(const mentor::v1::Program& program);

 private:
  platform::Clock& clock_;
  ContentStore<WorkingTime> versions_;
};

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_STORE_CALENDAR_STORE_H_
