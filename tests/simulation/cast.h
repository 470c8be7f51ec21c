// Who there is when a run begins: a consortium of one to three programs side by side, sometimes a second consortium in which everybody has
// the ids of the first. Mentors belong to one program or to several, with one capacity.
#ifndef REMATCH_TESTS_SIMULATION_CAST_H_
#define REMATCH_TESTS_SIMULATION_CAST_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "mentor-service/domain/roster.h"
#include "rematch/mentor/v1/resources.pb.h"
#include "rematch/request/v1/resources.pb.h"
#include "tests/simulation/chance.h"

namespace rematch::simulation {

std::vector<mentor::Roster> DrawCast(Chance& chance, absl::Time now);

// Holidays of the next days, hours, or neither.
mentor::v1::Calendar DrawCalendar(Chance& chance, absl::Time now);
std::string DrawTimeZone(Chance& chance);
// Half of the time the four stages; else any policy.
request::v1::EscalationPolicy DrawPolicy(Chance& chance);

// The leader and the alternate, by name.
std::vector<std::string> LeadersOf(const std::string& consortium, const mentor::Program& program);
// The address of whoever has this id and is one of `whom` ("mentors") in the consortium.
std::string AddressOf(const std::string& id, const std::string& whom, const std::string& consortium);

}  // namespace rematch::simulation

#endif  // REMATCH_TESTS_SIMULATION_CAST_H_
