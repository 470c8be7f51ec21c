#include "access/access.h"

#include <algorithm>
#include <iterator>
#include <memory>

#include <google/protobuf/descriptor.h>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "access/table.h"
#include "platform/errors.h"
#include "platform/strings.h"

namespace rematch::access {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// In the order of Role.
constexpr std::string_view kRoleNames[] = {kProgramLeader, kMentor, kCandidate, kSiteAdmin, kAuditor, kService};
static_assert(std::size(kRoleNames) == kRoles);

constexpr std::string_view kCases = "/rematch.request.v1.ReassignmentService/";

const MethodRow* RowOf(std::string_view method) {
  static const auto* const rows = [] {
    auto* made = new absl::flat_hash_map<absl::string_view, const MethodRow*>;
    for (const MethodRow& row : Methods()) made->emplace(ToAbsl(row.method), &row);
    return made;
  }();
  const auto found = rows->find(ToAbsl(method));
  return found == rows->end() ? nullptr : found->second;
}

Scope ScopeOf(Role role, std::string_view method) {
  const MethodRow* row = RowOf(method);
  return row == nullptr ? Scope::kNone : row->ScopeOf(role);
}

// Whether `field` is private and `role` may not read it. Nobody's role (nullopt) reads nothing private.
bool Hidden(const FieldDescriptor& field, std::optional<Role> role) {
  static const auto* const rows = [] {
    auto* made = new absl::flat_hash_map<absl::string_view, const FieldRow*>;
    for (const FieldRow& row : PrivateFields()) made->emplace(ToAbsl(row.field), &row);
    return made;
  }();
  const auto found = rows->find(field.full_name());
  if (found == rows->end()) return false;
  return !role.has_value() || !found->second->ReadableBy(*role);
}

bool HoldsHidden(const Descriptor& type, std::optional<Role> role, absl::flat_hash_set<const Descriptor*>& seen) {
  if (!seen.insert(&type).second) return false;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (Hidden(field, role)) return true;
    if (field.message_type() != nullptr && HoldsHidden(*field.message_type(), role, seen)) return true;
  }
  return false;
}

// What to do with a message of one type for one role.
struct Plan {
  std::vector<const FieldDescriptor*> clear;
  std::vector<const FieldDescriptor*> descend;  // messages that hold something hidden at some depth
};

const Plan& PlanFor(const Descriptor& type, std::optional<Role> role) {
  using Key = std::pair<const Descriptor*, int>;
  struct Plans {
    absl::Mutex mutex;
    // Never erased: a plan's address holds.
    absl::flat_hash_map<Key, std::unique_ptr<const Plan>> made ABSL_GUARDED_BY(mutex);
  };
  static Plans* const plans = new Plans;
  const Key key = {&type, role.has_value() ? static_cast<int>(*role) : -1};
  {
    absl::ReaderMutexLock lock(&plans->mutex);
    const auto found = plans->made.find(key);
    if (found != plans->made.end()) return *found->second;
  }
  auto plan = std::make_unique<Plan>();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    absl::flat_hash_set<const Descriptor*> seen;
    if (Hidden(field, role)) {
      plan->clear.push_back(&field);
    } else if (field.message_type() != nullptr && HoldsHidden(*field.message_type(), role, seen)) {
      plan->descend.push_back(&field);
    }
  }
  absl::MutexLock lock(&plans->mutex);
  return *plans->made.try_emplace(key, std::move(plan)).first->second;
}

void RedactFor(std::optional<Role> role, Message& message) {
  const Plan& plan = PlanFor(*message.GetDescriptor(), role);
  const Reflection& reflection = *message.GetReflection();
  for (const FieldDescriptor* field : plan.clear) reflection.ClearField(&message, field);
  for (const FieldDescriptor* field : plan.descend) {
    if (field->is_repeated()) {
      const int size = reflection.FieldSize(message, field);
      for (int i = 0; i < size; ++i) RedactFor(role, *reflection.MutableRepeatedMessage(&message, field, i));
    } else if (reflection.HasField(message, field)) {
      RedactFor(role, *reflection.MutableMessage(&message, field));
    }
  }
}

// Whether `person` stands below the consortium: "consortia/c1/leaders/l1" below "consortia/c1".
bool IsOf(std::string_view person, std::string_view consortium) {
  return !consortium.empty() && person.size() > consortium.size() && person.starts_with(consortium) && person[consortium.size()] == '/';
}

bool Owns(Role role, const std::string& person, const Owners& owners) {
  if (person.empty()) return false;
  switch (role) {
    case Role::kProgramLeader:
      return std::find(owners.leaders.begin(), owners.leaders.end(), person) != owners.leaders.end();
    case Role::kMentor:
      return owners.mentor == person;
    case Role::kCandidate:
      return owners.candidate == person;
    case Role::kSiteAdmin:
    case Role::kAuditor:
    case Role::kService:
      return false;
  }
  return false;
}

}  // namespace

std::string_view NameOf(Role role) { return kRoleNames[static_cast<size_t>(role)]; }

std::optional<Role> RoleOf(std::string_view name) {
  const auto* const found = std::find(std::begin(kRoleNames), std::end(kRoleNames), name);
  if (found == std::end(kRoleNames)) return std::nullopt;
  return static_cast<Role>(found - std::begin(kRoleNames));
}

bool MayTouch(const rpc::Caller& caller, std::string_view method, const Owners& owners) {
  const std::optional<Role> role = RoleOf(caller.role);
  if (!role.has_value()) return false;
  switch (ScopeOf(*role, method)) {
    case Scope::kNone:
      return false;
    case Scope::kOwn:
      return Owns(*role, caller.person, owners);
    case Scope::kActing:
      if (*role != Role::kProgramLeader) return Owns(*role, caller.person, owners);
      return !caller.person.empty() && caller.person == owners.acting_leader;
    case Scope::kConsortium:
      return IsOf(caller.person, owners.consortium);
    case Scope::kAll:
      return true;
  }
  return false;
}

absl::Status CaseNotFound() { return Error(absl::StatusCode::kNotFound, "CASE_NOT_FOUND", "no such reassignment"); }

absl::Status NotAllowed() { return Error(absl::StatusCode::kPermissionDenied, reason::kRoleNotAllowed, "this role may not do this here"); }

absl::Status TableGuard::Admit(const rpc::Call& call) {
  const std::optional<Role> role = RoleOf(call.caller.role);
  if (!role.has_value()) return Error(absl::StatusCode::kUnauthenticated, reason::kCallerUnknown, "x-rematch-role names no role");
  const bool needs_person = *role != Role::kService && *role != Role::kAuditor;
  if (needs_person && call.caller.person.empty()) {
    return Error(absl::StatusCode::kUnauthenticated, reason::kCallerUnknown, "this role needs x-rematch-person");
  }
  if (ScopeOf(*role, call.method) != Scope::kNone) return absl::OkStatus();
  return call.method.starts_with(kCases) ? CaseNotFound() : NotAllowed();
}

void TableGuard::Redact(const rpc::Call& call, Message& response) { RedactFor(RoleOf(call.caller.role), response); }

}  // namespace rematch::access
