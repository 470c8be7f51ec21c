#include "request-service/store/program_policies.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/errors.h"
#include "platform/sql/rows.h"

namespace rematch::request {
namespace {

using sql::Row;
using sql::RowWriter;

Id ProgramOf(const CaseCommand& command) { return {command.key.consortium, command.key.program}; }

}  // namespace

absl::StatusOr<std::map<std::string, std::string>> ReadProgramPolicies(sql::Transaction& tx, const std::string& consortium,
                                                                       const std::set<std::string>& programs) {
  std::map<std::string, std::string> hashes;
  std::set<Id> ids;
  for (const std::string& program : programs) ids.insert({consortium, program});
  if (ids.empty()) return hashes;
  const auto [where, values] = WhereIds("program", ids);
  REMATCH_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                           tx.Query(absl::StrCat("SELECT program, hash FROM program_policies WHERE ", where), values));
  for (const Row& row : rows) {
    if (!row.Text(1).empty()) hashes[row.Text(0)] = row.Text(1);
  }
  return hashes;
}

absl::StatusOr<std::vector<ProgramPolicyVersion>> ListProgramPolicies(sql::Transaction& tx, const std::string& consortium,
                                                                      const std::string& program, int64_t before, int64_t limit) {
  std::vector<sql::Value> values = {consortium, program};
  if (before != 0) values.emplace_back(before);
  values.emplace_back(limit);
  REMATCH_ASSIGN_OR_RETURN(
      const std::vector<Row> rows,
      tx.Query(absl::StrCat("SELECT version, hash, created, creator FROM program_policy_versions WHERE consortium = ? AND program = ?",
                            before != 0 ? " AND version < ?" : "", " ORDER BY version DESC LIMIT ?"),
               values));
  std::vector<ProgramPolicyVersion> versions;
  for (const Row& row : rows) {
    versions.push_back({.version = row.Int(0), .hash = row.Text(1), .created = row.Int(2), .creator = row.Text(3)});
  }
  return versions;
}

absl::Status ProgramPolicies::Load(absl::Span<CaseCommand* const> commands) {
  std::set<Id> programs;
  for (const CaseCommand* command : commands) {
    if (command->policy_publication.has_value()) programs.insert(ProgramOf(*command));
  }
  if (programs.empty()) return absl::OkStatus();
  // Two that are the first of a program meet at its row.
  RowWriter insert("INSERT IGNORE INTO program_policies (consortium, program, version, hash, created, creator)", 6);
  for (const Id& program : programs) insert.Add({program.first, program.second, int64_t{0}, std::string(), int64_t{0}, std::string()});
  REMATCH_RETURN_IF_ERROR(insert.Write(tx_));
  const auto [where, values] = WhereIds("program", programs);
  REMATCH_ASSIGN_OR_RETURN(
      const std::vector<Row> heads,
      tx_.Query(absl::StrCat("SELECT consortium, program, version, hash, created, creator FROM program_policies WHERE ", where,
                             " ORDER BY consortium, program FOR UPDATE"),
                values));
  for (const Row& row : heads) {
    heads_[{row.Text(0), row.Text(1)}] = {.version = row.Int(2), .hash = row.Text(3), .created = row.Int(4), .creator = row.Text(5)};
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ProgramPolicies::Apply(const CaseCommand& command) {
  const PolicyPublication& publication = *command.policy_publication;
  ProgramPolicyVersion& head = heads_.at(ProgramOf(command));
  if (head.hash != publication.hash) {
    head = {.version = head.version + 1, .hash = publication.hash, .created = now_, .creator = publication.creator};
    made_.emplace_back(ProgramOf(command), head);
  }
  return publication.reply ? publication.reply(head.version, head.created, head.creator) : std::string();
}

absl::Status ProgramPolicies::Save() {
  RowWriter heads("INSERT INTO program_policies (consortium, program, version, hash, created, creator)", 6,
                  " ON DUPLICATE KEY UPDATE version = VALUES(version), hash = VALUES(hash), created = VALUES(created),"
                  " creator = VALUES(creator)");
  RowWriter versions("INSERT INTO program_policy_versions (consortium, program, version, hash, created, creator)", 6);
  std::set<Id> changed;
  for (const auto& [program, made] : made_) {
    versions.Add({program.first, program.second, made.version, made.hash, made.created, made.creator});
    changed.insert(program);
  }
  for (const Id& program : changed) {
    const ProgramPolicyVersion& head = heads_.at(program);
    heads.Add({program.first, program.second, head.version, head.hash, head.created, head.creator});
  }
  REMATCH_RETURN_IF_ERROR(heads.Write(tx_));
  return versions.Write(tx_);
}

}  // namespace rematch::request
