// Counts what reaches the state machine: every call of Apply() in this process, by the state of the case and the command. The linker puts
// it between Apply() and whoever calls it (--wrap), so production code knows nothing of it.
#ifndef REMATCH_TESTS_SIMULATION_APPLY_COUNTER_H_
#define REMATCH_TESTS_SIMULATION_APPLY_COUNTER_H_

#include <cstdint>
#include <map>
#include <string>

namespace rematch::simulation {

void StartCounting();
// "STATE Command" and how often.
std::map<std::string, int64_t> StopCounting();

}  // namespace rematch::simulation

#endif  // REMATCH_TESTS_SIMULATION_APPLY_COUNTER_H_
