// Rows of several consortia at once, by their ids.
#ifndef REMATCH_REQUEST_SERVICE_STORE_IDS_H_
#define REMATCH_REQUEST_SERVICE_STORE_IDS_H_

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/sql/database.h"

namespace rematch::request {

// Consortium and id: the order in which rows are locked.
using Id = std::pair<std::string, std::string>;

// "consortium IN (...) AND COLUMN IN (...)" and its values. Of ids that are unique over all consortia, such as those of cases and names,
// the two lists select no more than the pairs do, which not every store takes; of others, such as those of candidates, they may select
// more. `ids` must not be empty.
std::pair<std::string, std::vector<sql::Value>> WhereIds(std::string_view column, const std::set<Id>& ids);

}  // namespace rematch::request

#endif  // REMATCH_REQUEST_SERVICE_STORE_IDS_H_
