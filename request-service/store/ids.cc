#include "request-service/store/ids.h"

#include "absl/strings/str_cat.h"
#include "platform/strings.h"

namespace rematch::request {

using sql::Value;

std::pair<std::string, std::vector<Value>> WhereIds(std::string_view column, const std::set<Id>& ids) {
  std::set<std::string> consortia;
  std::vector<Value> second;
  for (const auto& [consortium, id] : ids) {
    consortia.insert(consortium);
    second.emplace_back(id);
  }
  std::vector<Value> values(consortia.begin(), consortia.end());
  sql::PadInList(values);
  sql::PadInList(second);
  std::string where =
      absl::StrCat("consortium IN ", sql::InList(values.size()), " AND ", ToAbsl(column), " IN ", sql::InList(second.size()));
  values.insert(values.end(), second.begin(), second.end());
  return {std::move(where), std::move(values)};
}

}  // namespace rematch::request
