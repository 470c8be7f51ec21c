#include "tests/simulation/apply_counter.h"

#include <array>
#include <vector>

#include "absl/strings/str_cat.h"
#include "request-service/domain/escalation.h"
#include "tests/simulation/simulate.h"

// As the linker names them: see tests/simulation/CMakeLists.txt.
#define REMATCH_APPLY(prefix) prefix##_ZN7rematch7request5ApplyERKNS0_4CaseERKNS0_7CommandERKNS0_2v116EscalationPolicyEN4absl7debian34TimeE
#pragma clang diagnostic ignored "-Wreturn-type-c-linkage"  // it is C++, under a name of the linker's
extern "C" {
// NOLINTNEXTLINE(bugprone-reserved-identifier): the linker's.
absl::StatusOr<rematch::request::Decision> REMATCH_APPLY(__real_)(const rematch::request::Case& c, const rematch::request::Command& command,
                                                                  const rematch::request::v1::EscalationPolicy& policy, absl::Time now);
}

namespace rematch::simulation {
namespace {

constexpr int kStates = 16;
constexpr int kPaused = kStates - 1;  // whatever the state is
constexpr int kKinds = 64;            // field numbers of Command

bool counting = false;
std::array<std::array<int64_t, kKinds>, kStates> counts;

std::string NameOf(int state, int kind) {
  const google::protobuf::FieldDescriptor* const field = request::Command::descriptor()->FindFieldByNumber(kind);
  const std::string name = state == kPaused ? "PAUSED"
                           : state == 0     ? "NEW"
                                            : request::v1::CaseState_Name(static_cast<request::v1::CaseState>(state));
  return absl::StrCat(name, " ", field->message_type()->name());
}

}  // namespace

void StartCounting() {
  counts = {};
  counting = true;
}

std::map<std::string, int64_t> StopCounting() {
  counting = false;
  std::map<std::string, int64_t> all;
  for (int state = 0; state < kStates; ++state) {
    for (int kind = 0; kind < kKinds; ++kind) {
      if (counts[state][kind] > 0) all[NameOf(state, kind)] = counts[state][kind];
    }
  }
  return all;
}

std::vector<std::string> AllCells() {
  std::vector<std::string> cells;
  const google::protobuf::OneofDescriptor* const kinds = request::Command::descriptor()->FindOneofByName("kind");
  for (int i = 0; i < kinds->field_count(); ++i) {
    const int kind = kinds->field(i)->number();
    if (kind == request::Command::kFollowAnswerFieldNumber) continue;  // a case tells itself, and only what it has kept
    if (kind == request::Command::kOpenFieldNumber) {
      cells.push_back(NameOf(0, kind));
      continue;
    }
    for (int state = 1; state <= request::v1::CaseState_MAX; ++state) cells.push_back(NameOf(state, kind));
    cells.push_back(NameOf(kPaused, kind));
  }
  return cells;
}

void Count(const request::Case& c, const request::Command& command) {
  if (!counting) return;
  const int state = c.paused() != 0 ? kPaused : static_cast<int>(c.state());
  ++counts[state][command.kind_case()];
}

}  // namespace rematch::simulation

extern "C" absl::StatusOr<rematch::request::Decision> REMATCH_APPLY(__wrap_)(const rematch::request::Case& c,
                                                                             const rematch::request::Command& command,
                                                                             const rematch::request::v1::EscalationPolicy& policy,
                                                                             absl::Time now) {
  rematch::simulation::Count(c, command);
  return REMATCH_APPLY(__real_)(c, command, policy, now);
}
