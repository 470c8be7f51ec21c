#include "request-service/store/case_command.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "platform/strings.h"
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

std::string ResponseName(const CaseKey& program, const Letter& letter) {
  return absl::StrCat(ProgramName(program.consortium, program.program), "/surveys/", letter.survey(), "/responses/",
                      IdOf(letter.candidate()));
}

std::string ConcernName(const CaseKey& program, std::string_view concern) {
  return absl::StrCat(ProgramName(program.consortium, program.program), "/concerns/", ToAbsl(concern));
}

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

CaseCommand FactFor(CaseKey key) {
  CaseCommand command;
  command.key = std::move(key);
  command.command.set_actor_role("PEER");
  return command;
}

std::vector<absl::Status> CommitAll(CaseDoor& door, std::vector<CaseCommand> commands, Priority priority) {
  struct Waiter {
    absl::Mutex mutex;
    size_t open ABSL_GUARDED_BY(mutex) = 0;
    std::vector<absl::Status> results ABSL_GUARDED_BY(mutex);
  };
  // One report may concern many cases; the door takes only so much at once, and people's calls as well.
  constexpr size_t kAtOnce = 256;
  auto waiter = std::make_shared<Waiter>();
  const size_t count = commands.size();
  {
    absl::MutexLock lock(&waiter->mutex);
    waiter->results.resize(count);
  }
  for (size_t next = 0; next < count;) {
    const size_t end = std::min(next + kAtOnce, count);
    {
      absl::MutexLock lock(&waiter->mutex);
      waiter->open = end - next;
    }
    for (; next < end; ++next) {
      CommandMeta meta;
      meta.priority = priority;
      door.Submit(std::move(meta), std::move(commands[next]), [waiter, next](absl::StatusOr<std::string> reply) {
        absl::MutexLock lock(&waiter->mutex);
        waiter->results[next] = reply.status();
        --waiter->open;
      });
    }
    while (door.RunOnce()) {
    }
    absl::MutexLock lock(&waiter->mutex);
    const auto done = [&waiter]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(waiter->mutex) { return waiter->open == 0; };
    waiter->mutex.Await(absl::Condition(&done));
  }
  absl::MutexLock lock(&waiter->mutex);
  return std::move(waiter->results);
}

}  // namespace rematch::request
