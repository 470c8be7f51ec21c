// Windows in working time, in one pure place.
#ifndef REMATCH_REQUEST_SERVICE_DOMAIN_WORKING_TIME_H_
#define REMATCH_REQUEST_SERVICE_DOMAIN_WORKING_TIME_H_

#include "absl/time/time.h"
#include "rematch/request/v1/resources.pb.h"

namespace rematch::request {

// The end of a window that begins at `start`. WORKING_DAYS count days from Monday to Friday in `zone`: the window ends at the same local
// time, that many working days later; one that begins on a weekend counts from the start of the next Monday. A local time that
// the change to summer time leaves out becomes the moment of the change. SECONDS are plain.
absl::Time EndOfWindow(absl::Time start, const v1::Window& window, absl::TimeZone zone);

// The moment `before` ahead of `end`, counted back the same way; never before `start`.
absl::Time BeforeEnd(absl::Time start, absl::Time end, const v1::Window& before, absl::TimeZone zone);

// Where a deadline moves that was `end` when its clock was stopped at `stopped` and goes on at `again`: as much working time is left as was
// then, counted as `window` counts; none for one that had passed.
absl::Time AfterPause(absl::Time end, absl::Time stopped, absl::Time again, const v1::Window& window, absl::TimeZone zone);

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_DOMAIN_WORKING_TIME_H_
