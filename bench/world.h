// Whom the load is about: a consortium of programs, each with its leader, mentors and candidates, imported through mentor-service.
#ifndef REMATCH_BENCH_WORLD_H_
#define REMATCH_BENCH_WORLD_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "demo/suite.h"

namespace rematch::bench {

inline constexpr char kConsortium[] = "consortia/bench";

struct Shape {
  int programs = 100;
  int mentors = 1000;     // in turn of each program
  int candidates = 1000;  // the same
};

// Names of resources; the `i`th mentor and candidate are of program `i % programs`.
struct World {
  std::vector<std::string> programs;
  std::vector<std::string> mentors;
  std::vector<std::string> candidates;

  const std::string& ProgramOf(size_t candidate) const { return programs[candidate % programs.size()]; }
  // Who leads the `program`th program.
  static std::string Leader(size_t program);
};

// Imports what is not there yet: a later call with a larger shape adds to the world.
absl::StatusOr<World> Import(demo::Suite& suite, const Shape& shape);

}  // namespace rematch::bench

#endif  // REMATCH_BENCH_WORLD_H_
