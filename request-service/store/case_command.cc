#include "request-service/store/case_command.h"

#include <memory>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "platform/validation.h"
#include "request-service/domain/case_view.h"

namespace rematch::request {

std::string ConsortiumName(std::string_view consortium) { return "consortia/" + std::string(consortium); }

std::string ProgramName(std::string_view consortium, std::string_view program) {
  return ConsortiumName(consortium) + "/programs/" + std::string(program);
}

std::optional<CaseKey> CaseKey::Parse(std::string_view name) {
  std::optional<std::vector<std::string>> ids = ParseName(name, "consortia/*/programs/*/reassignments/*");
  if (!ids.has_value()) return std::nullopt;
  return CaseKey{.consortium = std::move((*ids)[0]), .program = std::move((*ids)[1]), .id = std::move((*ids)[2])};
}

std::string CaseKey::Name() const { return ProgramName(consortium, program) + "/reassignments/" + id; }

std::vector<std::string> LeadersOf(const Case& c) {
  std::vector<std::string> leaders;
  if (!c.alternate_acts() && !c.leader().person().empty()) leaders.push_back(c.leader().person());
  if (!c.alternate().person().empty()) leaders.push_back(c.alternate().person());
  return leaders;
}

access::Owners OwnersOf(const Case& c) {
  access::Owners owners;
  owners.leaders = LeadersOf(c);
  owners.acting_leader = ActingLeader(c).person();
  owners.candidate = c.candidate();
  return owners;
}

std::vector<absl::Status> CommitAll(CaseDoor& door, std::vector<CaseCommand> commands, Priority priority) {
  struct Waiter {
    absl::Mutex mutex;
    size_t open ABSL_GUARDED_BY(mutex);
    std::vector<absl::Status> results ABSL_GUARDED_BY(mutex);
  };
  auto waiter = std::make_shared<Waiter>();
  const size_t count = commands.size();
  {
    absl::MutexLock lock(&waiter->mutex);
    waiter->open = count;
    waiter->results.resize(count);
  }
  for (size_t i = 0; i < count; ++i) {
    CommandMeta meta;
    meta.priority = priority;
    door.Submit(std::move(meta), std::move(commands[i]), [waiter, i](absl::StatusOr<std::string> reply) {
      absl::MutexLock lock(&waiter->mutex);
      waiter->results[i] = reply.status();
      --waiter->open;
    });
  }
  while (door.RunOnce()) {
  }
  absl::MutexLock lock(&waiter->mutex);
  const auto done = [&waiter]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(waiter->mutex) { return waiter->open == 0; };
  waiter->mutex.Await(absl::Condition(&done));
  return waiter->results;
}

}  // namespace rematch::request
