// The rows of the table of access. Read by access.cc and by the tests that walk it; handlers ask access.h.
#ifndef REMATCH_ACCESS_TABLE_H_
#define REMATCH_ACCESS_TABLE_H_

#include <array>
#include <span>
#include <string_view>

#include "access/access.h"

namespace rematch::access {

// One method and what each role may call it on, in the order of Role.
struct MethodRow {
  std::string_view method;  // "/rematch.mentor.v1.MentorService/GetMentor"
  std::array<Scope, kRoles> scopes;

  Scope ScopeOf(Role role) const { return scopes[static_cast<size_t>(role)]; }
};

// One private field of a response and who may read it, in the order of Role.
struct FieldRow {
  std::string_view field;  // "rematch.mentor.v1.Contact.email"
  std::array<bool, kRoles> readers;

  bool ReadableBy(Role role) const { return readers[static_cast<size_t>(role)]; }
};

std::span<const MethodRow> Methods();
// Fields of responses that not every caller of their method may read.
std::span<const FieldRow> PrivateFields();
// Fields of responses whose names sound private and that are not, each decided on purpose.
std::span<const std::string_view> PublicFields();

}  // namespace rematch::access

#endif  // REMATCH_ACCESS_TABLE_H_
