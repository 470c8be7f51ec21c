// Resource names as people type and read them: the last part, and of a UUID only its tail. UUIDv7 begin with the time, so the
// beginnings of ids made together are alike; what tells them apart is the end.
#ifndef REMATCH_CLI_NAMES_H_
#define REMATCH_CLI_NAMES_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace rematch::cli {

// The last part of a name: `consortia/c/mentors/m` -> `m`.
std::string IdOf(std::string_view name);
// The name up to and with the id that follows `collection`, or "": ("consortia/c/programs/p/candidates/x", "programs") ->
// "consortia/c/programs/p".
std::string Ancestor(std::string_view name, std::string_view collection);
// How a name is shown where nothing better is known: the id, of a UUID its last six characters; for what belongs to a case, the case's
// tail first: `3fa2b1/t2`. Of a key that begins with a UUID the same six and what follows: `3fa2b1.o1.first_approach`.
std::string ShortName(std::string_view name);

// For every name the tail of its id that no other of them shares, at least six characters, all of the same length; ids that are no UUIDs
// stay whole.
std::map<std::string, std::string> ShortTails(const std::vector<std::string>& names);

// Something that can be meant, and other words for it: a person's name, an email address.
struct Known {
  std::string name;
  std::vector<std::string> aliases;
};

// What the name is for. Reading, a part that fits one alone will do; whatever is written must have been named beyond doubt.
enum class Purpose { kRead, kWrite };

// The one that `given` means: its name, its id, `tail/id` of what belongs to a case, an alias (whole, in any case), or the tail of its id
// (four characters or more), whichever fits first; to read also the beginning of its id or a part of an alias. `what` is the word for the
// message. NOT_FOUND when none does; USAGE when several do, when too little was typed, or when a part fits where a whole name is needed:
// it says who may have been meant.
absl::StatusOr<std::string> Resolve(std::string_view what, const std::vector<Known>& known, std::string_view given, Purpose purpose);

// Display names by resource name.
class People {
 public:
  void Add(std::string name, std::string display_name);
  // The display name, safe to print; the short name of who is not known.
  std::string Of(std::string_view name) const;
  // `text` that a service wrote, with every resource name in it replaced by what Of() says, and the values of enums in words.
  std::string Humanize(std::string_view text) const;

 private:
  std::map<std::string, std::string, std::less<>> display_names_;
};

}  // namespace rematch::cli

#endif  // REMATCH_CLI_NAMES_H_
