// All that a consortium has, as a check reads it. The service never does: what it loads is what a batch needs.
#ifndef REMATCH_TESTS_MENTOR_WHOLE_ROSTER_H_
#define REMATCH_TESTS_MENTOR_WHOLE_ROSTER_H_

#include <optional>
#include <string>
#include <utility>

#include "mentor-service/domain/roster.h"
#include "mentor-service/store/store.h"
#include "mentor-service/store/tables.h"
#include "platform/errors.h"
#include "platform/sql/database.h"

namespace rematch::mentor {

// Without assignments. Empty for a consortium that is not there.
inline absl::StatusOr<Roster> WholeRoster(sql::Transaction& tx, const std::string& consortium) {
  Roster roster;
  roster.consortium_id = consortium;
  REMATCH_ASSIGN_OR_RETURN(std::optional<Consortium> founded, store::GetConsortium(tx, consortium));
  if (founded.has_value()) roster.consortium.Load(*std::move(founded));
  const auto load = [&](auto& table) { return store::LoadAll(tx, consortium, store::Locks::kNone, table); };
  REMATCH_RETURN_IF_ERROR(load(roster.seats));
  REMATCH_RETURN_IF_ERROR(load(roster.candidates));
  REMATCH_RETURN_IF_ERROR(load(roster.mentors));
  REMATCH_RETURN_IF_ERROR(load(roster.programs));
  REMATCH_RETURN_IF_ERROR(load(roster.sites));
  REMATCH_RETURN_IF_ERROR(load(roster.districts));
  REMATCH_RETURN_IF_ERROR(load(roster.external_ids));
  REMATCH_ASSIGN_OR_RETURN(const auto emails, tx.Query("SELECT email, mentor FROM mentor_emails WHERE consortium = ?", {consortium}));
  for (const sql::Row& row : emails) roster.emails.try_emplace(row.Text(0), row.Text(1));
  return roster;
}

}  // namespace rematch::mentor

#endif  // REMATCH_TESTS_MENTOR_WHOLE_ROSTER_H_
