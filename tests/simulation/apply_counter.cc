#include "tests/simulation/apply_counter.h"

#include <array>
#include <vector>

#include "absl/strings/str_cat.h"
#include "request-service/domain/escalation.h"
#include "tests/simulation/simulate.h"

// As the linker names them: see tests/simulation/CMakeLists.txt.
#define REMATCH_APPLY(prefix) prefix##_ZN7rematch7request5ApplyERKNS0_4CaseERKNS0_7CommandERKNS0_5RulesEN4absl7debian34TimeE
#pragma clang diagnostic ignored "-Wreturn-type-c-linkage"  // it is C++, under a name of the linker's
extern "C" {
// NOLINTNEXTLINE(bugprone-reserved-identifier): the linker's.
absl::StatusOr<rematch::request::Decision> REMATCH_APPLY(__real_)(const rematch::request::Case& c, const rematch::request::Command& command,
                                                                  const rematch::request::Rules& rules, absl::Time now);
}

namespace rematch::simulation {
namespace {

namespace rv1 = request::v1;

constexpr int kStates = 16;
constexpr int kPaused = kStates - 1;  // whatever the state is
constexpr int kKinds = 64;            // field numbers of Command

bool counting = false;
std::array<std::array<int64_t, kKinds>, kStates> counts;

std::string NameOf(int state, int kind) {
  const google::protobuf::FieldDescriptor* const field = request::Command::descriptor()->FindFieldByNumber(kind);
  const std::string name = state == kPaused ? "PAUSED" : state == 0 ? "NEW" : rv1::CaseState_Name(static_cast<rv1::CaseState>(state));
  return absl::StrCat(name, " ", field->message_type()->name());
}

// Whether runs can be expected to reach it; where not, the golden table of the state machine says what is done all the same.
bool ComesAbout(int state, int kind) {
  using request::Command;
  const bool ended = state == rv1::COMPLETED || state == rv1::WITHDRAWN || state == rv1::CLOSED;
  switch (kind) {
    case Command::kMentorLeft:
    case Command::kAssignmentChanged:
    case Command::kCandidateLeft:
    case Command::kDoNotPair:
      return !ended;  // the follower tells open cases
    case Command::kCalendarChanged:
      return state != rv1::WITHDRAWN && state != rv1::CLOSED;  // nothing is left to be done in them
    case Command::kTransferred:
    case Command::kTransferRefused:
      return state == rv1::TRANSFERRING || state == kPaused;
    case Command::kDue:
      return state != rv1::REVIEW && !ended;  // nothing has a window there
    case Command::kNoneLeft:
      // Nobody else is looked for while somebody is being proposed.
      return state == rv1::SEARCHING || state == rv1::WITHDRAWN || state == rv1::CLOSED || state == kPaused;
    case Command::kSeatHeld:
    case Command::kSeatRefused:
    case Command::kSeatReleased:
    case Command::kMentorAdded:
      // By the time that both have their mails the rest was answered long ago.
      return state != rv1::REVIEW && state != rv1::COMPLETED;
    case Command::kAddRefused:
      // While a swap runs it comes about once in 5,000 to 10,000 runs: too seldom to be demanded of 20,000.
      return state != rv1::REVIEW && state != rv1::COMPLETED && state != rv1::TRANSFERRING && state != rv1::ANNOUNCING;
    case Command::kSendAccepted:
    case Command::kSendRefused:
    case Command::kSendCancelled:
    case Command::kTooLateToCancel:
    case Command::kDelivered:
    case Command::kUndeliverable:
      return state != rv1::REVIEW;  // nothing has been sent
    default:
      return true;
  }
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
    for (int state = 1; state <= rv1::CaseState_MAX; ++state) {
      if (ComesAbout(state, kind)) cells.push_back(NameOf(state, kind));
    }
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
                                                                             const rematch::request::Rules& rules, absl::Time now) {
  rematch::simulation::Count(c, command);
  return REMATCH_APPLY(__real_)(c, command, rules, now);
}
